//! The length of the sound in a wav header is written last, so recorders that died leave 0 or a length that is not there.
//! This reader shows the file with the length that it really has.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// A source whose bytes at one place are replaced by others.
pub(super) struct Patched<S> {
    inner: S,
    position: u64,
    patch_at: u64,
    patch: [u8; 4],
    length: Option<u64>,
}

/// What the header says and what is there, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct WrongLength {
    /// Where the length of the data chunk stands.
    pub(super) at: u64,
    /// The header's length.
    pub(super) stated: u64,
    /// Bytes from the start of the data to the end of the file.
    pub(super) found: u64,
}

/// Finds the data chunk of a wav file whose stated length cannot be right. Leaves the source at its start.
pub(super) fn wrong_length(source: &mut (impl Read + Seek)) -> io::Result<Option<WrongLength>> {
    let end = source.seek(SeekFrom::End(0))?;
    source.rewind()?;
    let found = find(source, end);
    source.rewind()?;
    match found {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        other => other,
    }
}

fn find(source: &mut (impl Read + Seek), end: u64) -> io::Result<Option<WrongLength>> {
    let mut head = [0_u8; 12];
    source.read_exact(&mut head)?;
    if &head[..4] != b"RIFF" || &head[8..] != b"WAVE" {
        return Ok(None);
    }
    let mut at = 12_u64;
    // A file of thousands of chunks before its sound is none that a recorder writes.
    for _ in 0..1000 {
        let mut chunk = [0_u8; 8];
        source.seek(SeekFrom::Start(at))?;
        source.read_exact(&mut chunk)?;
        let stated = u64::from(u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]));
        if &chunk[..4] == b"data" {
            let found = end.saturating_sub(at + 8);
            let wrong = stated > found || (stated == 0 && found > 0);
            return Ok(wrong.then_some(WrongLength { at: at + 4, stated, found }));
        }
        at += 8 + stated + stated % 2;
    }
    Ok(None)
}

impl<S: Read + Seek> Patched<S> {
    /// Shows `inner` unchanged.
    pub(super) fn plain(inner: S, length: Option<u64>) -> Patched<S> {
        Patched { inner, position: 0, patch_at: u64::MAX, patch: [0; 4], length }
    }

    /// Shows `inner` with the right length of the data chunk.
    pub(super) fn with_length(inner: S, length: Option<u64>, wrong: WrongLength) -> Patched<S> {
        let patch = u32::try_from(wrong.found).unwrap_or(u32::MAX).to_le_bytes();
        Patched { inner, position: 0, patch_at: wrong.at, patch, length }
    }
}

impl<S: Read> Read for Patched<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for (offset, byte) in self.patch.iter().enumerate() {
            let place = self.patch_at.saturating_add(offset as u64);
            if let Some(index) = place.checked_sub(self.position).and_then(|index| usize::try_from(index).ok())
                && index < count
            {
                buffer[index] = *byte;
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl<S: Seek> Seek for Patched<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}

impl<S: Read + Seek + Send + Sync> MediaSource for Patched<S> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        self.length
    }
}
