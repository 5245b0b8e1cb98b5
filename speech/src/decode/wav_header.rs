//! Wav headers lie: recorders that died leave a length of 0, cut files promise sound that is not there, telephone
//! systems write short headers for G.711. The sound is shown behind a header that is true, whatever the file's own says.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Bytes of the header that is shown.
const HEADER: usize = 46;

/// What a wav file says about its sound, and where it lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct WavSound {
    tag: u16,
    channels: u16,
    rate: u32,
    bits: u16,
    data_at: u64,
    /// Bytes of sound by the header.
    pub(super) stated: u64,
    /// Bytes of sound that are there.
    pub(super) found: u64,
}

impl WavSound {
    /// Returns whether the header's length is not that of the sound.
    pub(super) fn wrong_length(&self) -> bool {
        self.stated != self.found
    }
}

/// Reads the header of a wav file with samples that stand alone (PCM, float, G.711). None for everything else, which
/// is left to the decoder. Leaves the source at its start.
pub(super) fn find_sound(source: &mut (impl Read + Seek)) -> io::Result<Option<WavSound>> {
    let end = source.seek(SeekFrom::End(0))?;
    source.rewind()?;
    let found = find(source, end);
    source.rewind()?;
    match found {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        other => other,
    }
}

fn find(source: &mut (impl Read + Seek), end: u64) -> io::Result<Option<WavSound>> {
    let mut head = [0_u8; 12];
    source.read_exact(&mut head)?;
    if &head[..4] != b"RIFF" || &head[8..] != b"WAVE" {
        return Ok(None);
    }
    let mut at = 12_u64;
    let mut format: Option<[u16; 8]> = None;
    // A file of thousands of chunks before its sound is none that a recorder writes.
    for _ in 0..1000 {
        let mut chunk = [0_u8; 8];
        source.seek(SeekFrom::Start(at))?;
        source.read_exact(&mut chunk)?;
        let stated = u64::from(u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]));
        let body = at + 8;
        match &chunk[..4] {
            b"fmt " if stated >= 16 => {
                let mut fields = [0_u8; 16];
                source.read_exact(&mut fields)?;
                let mut words = [0_u16; 8];
                for (word, pair) in words.iter_mut().zip(fields.chunks_exact(2)) {
                    *word = u16::from_le_bytes([pair[0], pair[1]]);
                }
                // The extensible form keeps the kind of sample behind, in the first field of its identifier.
                if words[0] == 0xfffe && stated >= 26 {
                    let mut more = [0_u8; 10];
                    source.read_exact(&mut more)?;
                    words[0] = u16::from_le_bytes([more[8], more[9]]);
                }
                format = Some(words);
            }
            b"data" => {
                let Some([tag, channels, rate_low, rate_high, _, _, _, bits]) = format else {
                    return Ok(None);
                };
                let known =
                    matches!((tag, bits), (1, 8 | 16 | 24 | 32) | (3, 32 | 64) | (6 | 7, 8)) && channels > 0;
                let rate = u32::from(rate_high) << 16 | u32::from(rate_low);
                let there = end.saturating_sub(body);
                let found = if stated == 0 { there } else { stated.min(there) };
                let data_at = body;
                return Ok(known.then_some(WavSound { tag, channels, rate, bits, data_at, stated, found }));
            }
            _ => {}
        }
        at = body + stated + stated % 2;
    }
    Ok(None)
}

/// A source: the file as it is, or its sound behind a true header.
pub(super) struct Shown<S> {
    inner: S,
    header: Vec<u8>,
    data_at: u64,
    length: u64,
    position: u64,
}

impl<S: Read + Seek> Shown<S> {
    /// Shows the file unchanged.
    pub(super) fn plain(inner: S, length: u64) -> Shown<S> {
        Shown { inner, header: Vec::new(), data_at: 0, length, position: 0 }
    }

    /// Shows the sound behind a new header.
    pub(super) fn with_header(mut inner: S, sound: WavSound) -> io::Result<Shown<S>> {
        inner.seek(SeekFrom::Start(sound.data_at))?;
        let block = sound.channels.saturating_mul(sound.bits / 8);
        // What is longer than the format can say is marked as of unknown length.
        let data_length = u32::try_from(sound.found).unwrap_or(u32::MAX);
        let mut header = b"RIFF".to_vec();
        header.extend(data_length.saturating_add(HEADER as u32 - 8).to_le_bytes());
        header.extend(b"WAVEfmt \x12\0\0\0");
        header.extend(sound.tag.to_le_bytes());
        header.extend(sound.channels.to_le_bytes());
        header.extend(sound.rate.to_le_bytes());
        header.extend(sound.rate.saturating_mul(u32::from(block)).to_le_bytes());
        header.extend(block.to_le_bytes());
        header.extend(sound.bits.to_le_bytes());
        header.extend(b"\0\0data");
        header.extend(data_length.to_le_bytes());
        let length = header.len() as u64 + sound.found;
        Ok(Shown { inner, header, data_at: sound.data_at, length, position: 0 })
    }
}

impl<S: Read + Seek> Read for Shown<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let at = usize::try_from(self.position).unwrap_or(usize::MAX);
        let count = if let Some(rest) = self.header.get(at..).filter(|rest| !rest.is_empty()) {
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            count
        } else {
            let left = usize::try_from(self.length.saturating_sub(self.position)).unwrap_or(usize::MAX);
            let many = left.min(buffer.len());
            self.inner.read(&mut buffer[..many])?
        };
        self.position += count as u64;
        Ok(count)
    }
}

impl<S: Read + Seek> Seek for Shown<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let before_start = || io::Error::new(io::ErrorKind::InvalidInput, "seek before the start");
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = place.ok_or_else(before_start)?;
        let in_data = self.position.saturating_sub(self.header.len() as u64);
        self.inner.seek(SeekFrom::Start(self.data_at + in_data))?;
        Ok(self.position)
    }
}

impl<S: Read + Seek + Send + Sync> MediaSource for Shown<S> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}
