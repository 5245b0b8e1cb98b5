//! A resumable download: what came before a break is kept in the `.part` file and the next try asks for the rest.
//!
//! The HTTP client is the caller's, behind [`Transport`], so that the program has one.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use super::{ModelError, Progress};

/// An answer to a request for a file.
pub struct Answer {
    /// The offset in the file at which the body begins: what was asked for, or 0 if the server cannot resume.
    pub starts_at: u64,
    /// Length of the whole file, in bytes, if the server says it.
    pub total: Option<u64>,
    /// The body.
    pub body: Box<dyn Read>,
}

/// An HTTP client.
pub trait Transport {
    /// Asks for a file from an offset on (`Range: bytes=FROM-`). An offset at or behind the end of the file is answered
    /// by an empty body with `starts_at` = `from`. Other refusals of the server are errors.
    fn get(&mut self, address: &str, from: u64) -> io::Result<Answer>;
}

/// Downloads into `part`, going on where it stopped before.
pub(super) fn fetch(
    transport: &mut dyn Transport,
    address: &str,
    part: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), ModelError> {
    let have = fs::metadata(part).map_or(0, |meta| meta.len());
    let stopped =
        |done: u64, reason: String| ModelError::Download { address: address.to_owned(), done, reason };
    let mut answer = transport.get(address, have).map_err(|error| stopped(have, error.to_string()))?;
    let mut options = OpenOptions::new();
    // A server that cannot resume sends everything again.
    let mut done = match answer.starts_at {
        0 => {
            options.write(true).create(true).truncate(true);
            0
        }
        at if at == have => {
            options.append(true);
            have
        }
        other => return Err(stopped(have, format!("the server continued at {other}"))),
    };
    let mut file = options.open(part).map_err(ModelError::file("write", part))?;
    let mut buffer = vec![0_u8; 1 << 16];
    loop {
        progress(Progress { step: "downloading", done, total: answer.total });
        let count = match answer.body.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(stopped(done, error.to_string())),
        };
        file.write_all(&buffer[..count]).map_err(ModelError::file("write", part))?;
        done += count as u64;
    }
    file.sync_all().map_err(ModelError::file("write", part))?;
    match answer.total {
        Some(total) if done < total => Err(stopped(done, format!("{total} bytes were promised"))),
        _ => Ok(()),
    }
}
