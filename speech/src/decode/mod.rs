//! A file of any kind becomes 16 kHz channels: wav (PCM, float, G.711), mp3, ogg (Opus, Vorbis), flac, m4a and aac.
//!
//! The kind is told by the content, never by the name. What can be read is returned with a warning; an error means that
//! there is nothing to hear. Memory is bounded by the length of the sound: 32 kB a second and channel (3 hours of stereo
//! are 691 MB), cut at [`DecodeOptions::limit_ms`]; the file itself is read in pieces.

mod resample;
mod wav_header;

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::path::Path;

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::units::{Duration, Timestamp};

use crate::{SAMPLE_RATE, SAMPLES_PER_MS, Warning};
use resample::Collector;
use wav_header::{Shown, find_sound};

/// Sampling rates that a header may state, in Hz. Others are a lie or no speech.
const RATES: std::ops::RangeInclusive<u32> = 2_000..=384_000;

/// Tolerance before a shorter sound than promised is called truncated, in ms: encoders pad and trim.
const LENGTH_TOLERANCE_MS: u64 = 250;

/// A decoded recording. At most two channels: more are mixed into one, two with the same sound are one.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Always [`SAMPLE_RATE`].
    pub sample_rate: u32,
    /// Samples of each channel, all of one length. 16 bits are what telephony has and half the memory of floats.
    pub channels: Vec<Vec<i16>>,
    /// What the file holds.
    pub source: Source,
    /// What was not as it should be.
    pub warnings: Vec<Warning>,
    /// Length in ms.
    pub duration_ms: u64,
}

/// What kind of file the recording came from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Source {
    /// Container, for example `wave` or `ogg`.
    pub container: String,
    /// Codec, for example `opus` or `pcm_alaw`.
    pub codec: String,
    /// Sampling rate in the file, in Hz.
    pub sample_rate: u32,
    /// Channels in the file.
    pub channels: usize,
}

/// Limits of decoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Longest sound that is kept, in ms.
    pub limit_ms: u64,
}

impl Default for DecodeOptions {
    /// Four hours: 0.92 GB of samples in stereo.
    fn default() -> Self {
        DecodeOptions { limit_ms: 4 * 3600 * 1000 }
    }
}

/// Why there is nothing to hear in a file.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The file could not be opened or read.
    #[error("cannot read \"{name}\": {source}")]
    Unreadable {
        /// The file.
        name: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The file has no bytes.
    #[error("\"{name}\" is empty: record or copy it again")]
    Empty {
        /// The file.
        name: String,
    },
    /// No known kind of sound.
    #[error(
        "\"{name}\" is no recording that can be read (wav, mp3, ogg, flac, m4a, aac are): \
         convert it, for example with ffmpeg -i FILE out.wav"
    )]
    NotSound {
        /// The file.
        name: String,
    },
    /// A known container with an unknown codec, or a damaged header.
    #[error("\"{name}\" cannot be decoded ({reason}): convert it, for example with ffmpeg -i FILE out.wav")]
    Unsupported {
        /// The file.
        name: String,
        /// What is not supported.
        reason: String,
    },
    /// A header that states an impossible sampling rate.
    #[error("\"{name}\" states a sampling rate of {rate} Hz; {from} to {to} Hz can be read: record it again")]
    Rate {
        /// The file.
        name: String,
        /// The stated rate, in Hz.
        rate: u32,
        /// Lowest rate, in Hz.
        from: u32,
        /// Highest rate, in Hz.
        to: u32,
    },
    /// A good header without sound behind it.
    #[error(
        "\"{name}\" holds no sound: its header is that of {format}, nothing follows; record or copy it again"
    )]
    NoSound {
        /// The file.
        name: String,
        /// Container and codec.
        format: String,
    },
}

/// Decodes a file.
pub fn decode(path: &Path, options: &DecodeOptions) -> Result<Recording, DecodeError> {
    let name = path.display().to_string();
    let unreadable = |source| DecodeError::Unreadable { name: name.clone(), source };
    let file = File::open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if meta.is_dir() {
        let source = io::Error::new(io::ErrorKind::IsADirectory, "it is a folder: name the files in it");
        return Err(unreadable(source));
    }
    decode_source(&name, file, meta.len(), options)
}

/// Decodes a file that is in memory. `name` serves messages and the check of its ending.
pub fn decode_bytes(name: &str, bytes: Vec<u8>, options: &DecodeOptions) -> Result<Recording, DecodeError> {
    let length = bytes.len() as u64;
    decode_source(name, Cursor::new(bytes), length, options)
}

fn decode_source<S: Read + Seek + Send + Sync>(
    name: &str,
    mut source: S,
    length: u64,
    options: &DecodeOptions,
) -> Result<Recording, DecodeError> {
    if length == 0 {
        return Err(DecodeError::Empty { name: name.to_owned() });
    }
    let unreadable = |source| DecodeError::Unreadable { name: name.to_owned(), source };
    let mut warnings = Vec::new();
    let source = match find_sound(&mut source).map_err(unreadable)? {
        Some(sound) => {
            if sound.wrong_length() {
                warnings.push(Warning::WrongLength { stated: sound.stated, found: sound.found });
            }
            Shown::with_header(source, sound).map_err(unreadable)?
        }
        None => Shown::plain(source, length),
    };
    let stream = MediaSourceStream::new(Box::new(source), Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(|error| match error {
            // A format that was told by its beginning and is then broken.
            SymphoniaError::DecodeError(reason) => {
                DecodeError::Unsupported { name: name.to_owned(), reason: reason.to_owned() }
            }
            _ => DecodeError::NotSound { name: name.to_owned() },
        })?;
    read_format(name, format.as_mut(), warnings, options)
}

/// The state of one pass over a file.
struct Pass {
    collector: Option<Collector>,
    source: Source,
    interleaved: Vec<f32>,
    planar: Vec<Vec<f32>>,
    damaged: u64,
    mixed: Option<usize>,
}

fn read_format(
    name: &str,
    format: &mut dyn FormatReader,
    mut warnings: Vec<Warning>,
    options: &DecodeOptions,
) -> Result<Recording, DecodeError> {
    let unsupported = |reason: String| DecodeError::Unsupported { name: name.to_owned(), reason };
    let container = format.format_info().short_name.to_owned();
    let track = format
        .default_track(TrackType::Audio)
        .ok_or_else(|| unsupported("the file has no track of sound".to_owned()))?
        .clone();
    let mut decoder = make_decoder(&track).map_err(unsupported)?;
    let codec = decoder.codec_info().short_name.to_owned();
    warnings.extend(misleading_name(name, &container));
    let mut pass = Pass {
        collector: None,
        source: Source { container, codec, sample_rate: 0, channels: 0 },
        interleaved: Vec::new(),
        planar: Vec::new(),
        damaged: 0,
        mixed: None,
    };
    let end = pass.run(name, format, &track, decoder.as_mut(), options)?;
    let source = pass.source;
    let no_sound = || DecodeError::NoSound {
        name: name.to_owned(),
        format: format!("{} ({})", source.container, source.codec),
    };
    let collector = pass.collector.ok_or_else(no_sound)?;
    let full = collector.is_full();
    let channels = collector.finish().map_err(unsupported)?;
    let frames = channels.first().map_or(0, Vec::len);
    if frames == 0 {
        return Err(no_sound());
    }
    let duration_ms = frames as u64 / SAMPLES_PER_MS as u64;
    if let Some(channels) = pass.mixed {
        warnings.push(Warning::MixedDown { channels });
    }
    if pass.damaged > 0 {
        warnings.push(Warning::DamagedBlocks { blocks: pass.damaged });
    }
    if full {
        warnings.push(Warning::TooLong { limit_ms: options.limit_ms });
    } else if let Some(reason) = end {
        warnings.push(Warning::Broken { at_ms: duration_ms, reason });
    } else if let Some(promised_ms) = promised_ms(&track)
        && promised_ms > duration_ms + LENGTH_TOLERANCE_MS
    {
        warnings.push(Warning::Truncated { promised_ms, found_ms: duration_ms });
    }
    let mut recording = Recording { sample_rate: SAMPLE_RATE, channels, source, warnings, duration_ms };
    recording.look_at_channels();
    Ok(recording)
}

impl Pass {
    /// Decodes to the end. Returns why it stopped early, if it did.
    fn run(
        &mut self,
        name: &str,
        format: &mut dyn FormatReader,
        track: &Track,
        decoder: &mut dyn AudioDecoder,
        options: &DecodeOptions,
    ) -> Result<Option<String>, DecodeError> {
        loop {
            if self.collector.as_ref().is_some_and(Collector::is_full) {
                return Ok(None);
            }
            let packet = match format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(None),
                Err(SymphoniaError::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                // A chained stream begins anew; its codec may differ, so it ends the recording here.
                Err(SymphoniaError::ResetRequired) => return Ok(Some("a second stream begins".to_owned())),
                Err(error) => return Ok(Some(error.to_string())),
            };
            if packet.track_id != track.id {
                continue;
            }
            match decoder.decode(&packet) {
                Ok(audio) => {
                    let (rate, width) = (audio.spec().rate(), audio.spec().channels().count());
                    audio.copy_to_vec_interleaved(&mut self.interleaved);
                    self.take(name, rate, width, options)?;
                }
                Err(SymphoniaError::ResetRequired) => decoder.reset(),
                Err(SymphoniaError::DecodeError(_) | SymphoniaError::IoError(_)) => {
                    self.damaged += 1;
                    self.fill(name, track, packet.dur)?;
                }
                Err(error) => return Ok(Some(error.to_string())),
            }
        }
    }

    /// Sorts the decoded frames into channels and collects them.
    fn take(
        &mut self,
        name: &str,
        rate: u32,
        width: usize,
        options: &DecodeOptions,
    ) -> Result<(), DecodeError> {
        if width == 0 || self.interleaved.is_empty() {
            return Ok(());
        }
        if !RATES.contains(&rate) {
            return Err(DecodeError::Rate {
                name: name.to_owned(),
                rate,
                from: *RATES.start(),
                to: *RATES.end(),
            });
        }
        let collector = self.collector.get_or_insert_with(|| {
            let kept = if width == 2 { 2 } else { 1 };
            self.source.sample_rate = rate;
            self.source.channels = width;
            self.planar = vec![Vec::new(); kept];
            let limit =
                usize::try_from(options.limit_ms).unwrap_or(usize::MAX).saturating_mul(SAMPLES_PER_MS);
            Collector::new(kept, limit)
        });
        if width > 2 {
            self.mixed = Some(width);
        }
        sort_into(&self.interleaved, width, &mut self.planar);
        collector
            .push(&self.planar, rate)
            .map_err(|reason| DecodeError::Unsupported { name: name.to_owned(), reason })
    }

    /// Puts silence where a block was unreadable, so that later words keep their time.
    fn fill(&mut self, name: &str, track: &Track, length: Duration) -> Result<(), DecodeError> {
        let (Some(collector), Some(base)) = (self.collector.as_mut(), track.time_base) else {
            return Ok(());
        };
        let ms = i64::try_from(length.get())
            .ok()
            .and_then(|ticks| base.calc_time(Timestamp::new(ticks)))
            .map_or(0, |time| time.as_millis());
        // No codec has blocks of more than a second: a longer one is a lie of the container.
        let frames = (ms.clamp(0, 1000) as u64 * u64::from(self.source.sample_rate) / 1000) as usize;
        for channel in &mut self.planar {
            channel.clear();
            channel.resize(frames, 0.0);
        }
        collector
            .push(&self.planar, self.source.sample_rate)
            .map_err(|reason| DecodeError::Unsupported { name: name.to_owned(), reason })
    }
}

/// Spreads interleaved frames over the channels that are kept: as they are, or mixed into one.
fn sort_into(interleaved: &[f32], width: usize, planar: &mut [Vec<f32>]) {
    let kept = planar.len();
    for (index, channel) in planar.iter_mut().enumerate() {
        channel.clear();
        channel.extend(interleaved.chunks_exact(width).map(|frame| {
            if width == kept {
                frame[index]
            } else if width > kept {
                frame.iter().sum::<f32>() / width as f32
            } else {
                frame[0]
            }
        }));
    }
}

fn make_decoder(track: &Track) -> Result<Box<dyn AudioDecoder>, String> {
    let params = track
        .codec_params
        .as_ref()
        .and_then(|params| params.audio())
        .ok_or_else(|| "its codec is unknown".to_owned())?;
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    codecs.make_audio_decoder(params, &AudioDecoderOptions::default()).map_err(|error| error.to_string())
}

fn promised_ms(track: &Track) -> Option<u64> {
    let ticks = i64::try_from(track.duration?.get()).ok()?;
    let time = track.time_base?.calc_time(Timestamp::new(ticks))?;
    u64::try_from(time.as_millis()).ok()
}

/// Compares the ending of the name with the container that was found.
fn misleading_name(name: &str, container: &str) -> Option<Warning> {
    let extension = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
    let expected: &[&str] = match extension.as_str() {
        "wav" | "wave" => &["wave"],
        "mp3" => &["mp3"],
        "ogg" | "opus" | "oga" => &["ogg"],
        "flac" => &["flac"],
        "m4a" | "mp4" => &["isomp4"],
        "aac" => &["aac"],
        _ => return None,
    };
    let fits = expected.contains(&container);
    (!fits).then(|| Warning::MisleadingName { extension, format: container.to_owned() })
}

impl Recording {
    /// Returns whether parties share one channel.
    pub fn is_mono(&self) -> bool {
        self.channels.len() < 2
    }

    /// Makes one channel of two that hold the same sound, and names channels without any.
    fn look_at_channels(&mut self) {
        if let [first, second] = &self.channels[..]
            && same_sound(first, second)
        {
            self.channels.truncate(1);
            self.warnings.push(Warning::IdenticalChannels);
        }
        for (channel, samples) in self.channels.iter().enumerate() {
            // One or two steps of 16 bits are the dither of a silent line.
            if samples.iter().all(|sample| sample.unsigned_abs() <= 2) {
                self.warnings.push(Warning::SilentChannel { channel });
            }
        }
    }
}

/// Returns whether two channels differ by less than 40 dB below their own level: lossy codecs make small differences.
fn same_sound(first: &[i16], second: &[i16]) -> bool {
    let (mut level, mut difference) = (0.0_f64, 0.0_f64);
    for (a, b) in first.iter().zip(second) {
        let (a, b) = (f64::from(*a), f64::from(*b));
        level += a * a + b * b;
        difference += (a - b) * (a - b);
    }
    difference * 1e4 <= level / 2.0
}
