//! Sound as it arrives from a telephone exchange: frames of any codec become 16 kHz channels without gaps.
//!
//! The number of bytes says nothing about time: exchanges leave silence out. So every frame is placed by its arrival.

use crate::{SAMPLE_RATE, SAMPLES_PER_MS};

/// How the samples of a stream are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// G.711 µ-law, one byte a sample.
    Mulaw,
    /// G.711 A-law, one byte a sample.
    Alaw,
    /// Signed 16 bits, the low byte first.
    Linear16,
}

/// What a stream is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveFormat {
    /// How samples are written.
    pub encoding: Encoding,
    /// Samples a second of each channel, 8,000 to 192,000.
    pub rate: u32,
    /// Channels, interleaved: 1 or 2.
    pub channels: u8,
}

/// A stream that nobody can decode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {cure}")]
pub struct BadFormat {
    /// What is wrong with it.
    pub what: String,
    /// What to send instead.
    pub cure: &'static str,
}

impl LiveFormat {
    /// Checks that the format can be decoded.
    ///
    /// # Errors
    /// Names the rate or the number of channels, and what is taken.
    pub fn check(self) -> Result<Self, BadFormat> {
        if !(8_000..=192_000).contains(&self.rate) {
            let what = format!("{} samples a second", self.rate);
            return Err(BadFormat { what, cure: "send 8,000 to 192,000 a second" });
        }
        if !(1..=2).contains(&self.channels) {
            let what = format!("{} channels", self.channels);
            return Err(BadFormat { what, cure: "send one party a stream, or two channels" });
        }
        Ok(self)
    }
}

/// Decodes a stream frame by frame, whatever the sizes of the frames.
pub struct LiveDecoder {
    format: LiveFormat,
    /// Bytes of a sample of all channels that did not arrive whole.
    rest: Vec<u8>,
    channels: Vec<Resample>,
}

impl LiveDecoder {
    /// Begins a stream.
    ///
    /// # Errors
    /// When the format cannot be decoded.
    pub fn new(format: LiveFormat) -> Result<Self, BadFormat> {
        let format = format.check()?;
        let channels = (0..format.channels).map(|_| Resample::new(format.rate)).collect();
        Ok(Self { format, rest: Vec::new(), channels })
    }

    /// Decodes the bytes of a frame into samples at 16 kHz, one list a channel.
    pub fn decode(&mut self, bytes: &[u8]) -> Vec<Vec<i16>> {
        let width = if self.format.encoding == Encoding::Linear16 { 2 } else { 1 };
        let whole = width * usize::from(self.format.channels);
        self.rest.extend_from_slice(bytes);
        let usable = self.rest.len() / whole * whole;
        let mut out: Vec<Vec<i16>> = self.channels.iter().map(|_| Vec::new()).collect();
        for (at, sample) in self.rest[..usable].chunks_exact(width).enumerate() {
            let channel = at % self.channels.len();
            let value = match (self.format.encoding, sample) {
                (Encoding::Mulaw, [byte]) => mulaw(*byte),
                (Encoding::Alaw, [byte]) => alaw(*byte),
                (_, [low, high]) => i16::from_le_bytes([*low, *high]),
                _ => 0,
            };
            if let (Some(resample), Some(out)) = (self.channels.get_mut(channel), out.get_mut(channel)) {
                resample.push(value, out);
            }
        }
        self.rest.drain(..usable);
        out
    }
}

/// ITU-T G.711, table 2a: the value of a µ-law byte.
fn mulaw(byte: u8) -> i16 {
    let byte = !byte;
    let (segment, step) = ((byte >> 4) & 7, i16::from(byte & 0x0F));
    let value = (((step << 3) + 0x84) << segment) - 0x84;
    if byte & 0x80 == 0 { value } else { -value }
}

/// ITU-T G.711, table 1a: the value of an A-law byte.
fn alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (segment, step) = ((byte >> 4) & 7, i16::from(byte & 0x0F));
    let value = match segment {
        0 => (step << 4) + 8,
        segment => ((step << 4) + 0x108) << (segment - 1),
    };
    if byte & 0x80 == 0 { -value } else { value }
}

/// Turns one channel into 16 kHz, sample by sample: between two samples a straight line, and of a faster stream the mean
/// of what falls between two. Telephone speech ends at 4 kHz, where this loses a few dB and nothing that words need; a
/// filter would hold every frame back by its length.
struct Resample {
    rate: u32,
    /// Position of the next sample out between the last two in, in units of 1/16,000 of a sample in.
    at: u64,
    last: i32,
    /// Sum and count of what came since the last sample out.
    sum: (i64, i64),
}

impl Resample {
    fn new(rate: u32) -> Self {
        Self { rate, at: 0, last: 0, sum: (0, 0) }
    }

    fn push(&mut self, sample: i16, out: &mut Vec<i16>) {
        let (target, rate) = (u64::from(SAMPLE_RATE), u64::from(self.rate));
        if rate == target {
            out.push(sample);
            return;
        }
        let now = i32::from(sample);
        self.sum = (self.sum.0 + i64::from(now), self.sum.1 + 1);
        while self.at < target {
            let value = if rate > target {
                self.sum.0 / self.sum.1.max(1)
            } else {
                let step = i64::from(now - self.last) * i64::try_from(self.at).unwrap_or(0);
                i64::from(self.last) + step / i64::from(SAMPLE_RATE)
            };
            out.push(i16::try_from(value.clamp(i64::from(i16::MIN), i64::from(i16::MAX))).unwrap_or(0));
            self.sum = (0, 0);
            self.at += rate;
        }
        self.at -= target;
        self.last = now;
    }
}

/// How late a frame may be before the time that it left out is filled with silence, in ms: longer than networks jitter,
/// shorter than a pause.
const JITTER_MS: u64 = 200;
/// Most silence that one frame can bring about, in ms: a clock that jumped must not make a day of it.
const LONGEST_GAP_MS: u64 = 10 * 60_000;

/// Places frames in time by their arrival.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timeline {
    begun_ms: Option<u64>,
    samples: u64,
    filled_ms: u64,
    late_ms: u64,
}

impl Timeline {
    /// Returns how many samples of silence belong before a frame of `samples` at 16 kHz that arrived `at_ms`.
    pub fn place(&mut self, at_ms: u64, samples: usize) -> usize {
        let length_ms = samples as u64 / SAMPLES_PER_MS as u64;
        let begun_ms = *self.begun_ms.get_or_insert(at_ms.saturating_sub(length_ms));
        let should_ms = at_ms.saturating_sub(begun_ms).saturating_sub(length_ms);
        let is_ms = self.samples / SAMPLES_PER_MS as u64;
        let late_ms = should_ms.saturating_sub(is_ms);
        let gap_ms = if late_ms > JITTER_MS { late_ms.min(LONGEST_GAP_MS) } else { 0 };
        let gap = gap_ms * SAMPLES_PER_MS as u64;
        self.filled_ms += gap_ms;
        self.late_ms = late_ms;
        self.samples += gap + samples as u64;
        usize::try_from(gap).unwrap_or(0)
    }

    /// Returns by how much the latest frame came after its place, in ms: what the network, or this machine, held it up,
    /// or silence that was left out.
    pub const fn late_ms(&self) -> u64 {
        self.late_ms
    }

    /// Returns how much silence was filled in, in ms.
    pub const fn filled_ms(&self) -> u64 {
        self.filled_ms
    }

    /// Returns how long the stream is with its gaps, in ms.
    pub const fn length_ms(&self) -> u64 {
        self.samples / SAMPLES_PER_MS as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder(encoding: Encoding, rate: u32, channels: u8) -> LiveDecoder {
        LiveDecoder::new(LiveFormat { encoding, rate, channels }).unwrap()
    }

    #[test]
    fn the_codecs_have_the_values_of_the_recommendation() {
        // ITU-T G.711: the ends and the middle of both tables.
        assert_eq!([0x00, 0x80, 0x7F, 0xFF].map(mulaw), [-32_124, 32_124, 0, 0]);
        assert_eq!([0xD5, 0x55, 0x2A, 0xAA].map(alaw), [8, -8, -32_256, 32_256]);
    }

    #[test]
    fn a_second_of_any_rate_is_a_second_at_16_khz() {
        for rate in [8_000, 11_025, 12_000, 16_000, 24_000, 44_100, 48_000, 96_000] {
            let mut decoder = decoder(Encoding::Linear16, rate, 1);
            let second: Vec<u8> = (0..rate).flat_map(|_| 1_000_i16.to_le_bytes()).collect();
            let out = decoder.decode(&second);
            let length = out[0].len();
            assert!((15_999..=16_001).contains(&length), "{rate}: {length}");
            assert!(out[0].iter().skip(4).all(|sample| *sample == 1_000), "{rate}");
        }
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_loudness() {
        for rate in [8_000_u32, 48_000] {
            let tone = |at: u32| {
                ((f64::from(at) * 400.0 * std::f64::consts::TAU / f64::from(rate)).sin() * 10_000.0) as i16
            };
            let bytes: Vec<u8> = (0..rate).flat_map(|at| tone(at).to_le_bytes()).collect();
            let out = decoder(Encoding::Linear16, rate, 1).decode(&bytes).remove(0);
            let crossings = out.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
            assert!((798..=802).contains(&crossings), "{rate}: {crossings}");
            let loudest = out.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!((9_500..=10_100).contains(&loudest), "{rate}: {loudest}");
        }
    }

    #[test]
    fn frames_may_be_cut_anywhere_and_channels_stay_apart() {
        let bytes: Vec<u8> =
            (0..500).flat_map(|_| [7_i16.to_le_bytes(), (-9_i16).to_le_bytes()].concat()).collect();
        let mut decoder = decoder(Encoding::Linear16, 16_000, 2);
        let mut out = [Vec::new(), Vec::new()];
        for piece in bytes.chunks(7) {
            for (all, new) in out.iter_mut().zip(decoder.decode(piece)) {
                all.extend(new);
            }
        }
        assert_eq!(out, [vec![7; 500], vec![-9; 500]]);
    }

    #[test]
    fn silence_that_was_left_out_is_filled_and_jitter_is_not() {
        let mut time = Timeline::default();
        let frame = 20 * SAMPLES_PER_MS;
        assert_eq!(time.place(5_020, frame), 0);
        // Bursts and jitter: three frames at once, a late one.
        for at in [5_100, 5_100, 5_100, 5_240] {
            assert_eq!(time.place(at, frame), 0, "{at}");
        }
        // Two seconds were not sent.
        let gap = time.place(7_240, frame);
        assert_eq!(gap, (7_240 - 5_000 - 20 - 100) * SAMPLES_PER_MS);
        assert_eq!(time.length_ms(), 2_240);
        // A clock that jumps by a day makes ten minutes at most; one that jumps back nothing.
        assert_eq!(time.place(86_400_000, frame) as u64, LONGEST_GAP_MS * SAMPLES_PER_MS as u64);
        assert_eq!(time.place(0, frame), 0);
    }

    #[test]
    fn what_cannot_be_decoded_is_named() {
        let bad =
            |rate, channels| LiveFormat { encoding: Encoding::Mulaw, rate, channels }.check().unwrap_err();
        assert!(bad(0, 1).to_string().contains("0 samples a second: send 8,000"));
        assert!(bad(8_000, 3).to_string().contains("3 channels"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_break_the_decoder(bytes: Vec<u8>, rate in 8_000_u32..192_000, channels in 1_u8..=2) {
            for encoding in [Encoding::Mulaw, Encoding::Alaw, Encoding::Linear16] {
                let out = decoder(encoding, rate, channels).decode(&bytes);
                proptest::prop_assert_eq!(out.len(), usize::from(channels));
            }
        }
    }
}
