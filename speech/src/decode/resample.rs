//! A stream of samples of any rate becomes 16 kHz, 16-bit channels.
//!
//! Band-limited synchronous resampling in chunks: memory is the result (32 kB a second and channel) and one chunk.

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Resampler};

use crate::SAMPLE_RATE;

/// Frames that go through the resampler at once; rates without a common divisor with 16 kHz make it larger.
const CHUNK_FRAMES: usize = 4096;

/// Collects sound as it is decoded.
pub(super) struct Collector {
    channels: Vec<Vec<i16>>,
    stage: Option<Stage>,
    limit_frames: usize,
}

/// The resampler for the rate that the sound has now, and the input that does not fill a chunk yet.
struct Stage {
    resampler: Fft<f32>,
    rate: u32,
    pending: Vec<Vec<f32>>,
    output: Vec<Vec<f32>>,
    skip: usize,
    frames_in: u64,
    frames_out: u64,
}

impl Collector {
    /// Makes a collector for this many channels that keeps at most `limit_frames` at 16 kHz.
    pub(super) fn new(channels: usize, limit_frames: usize) -> Collector {
        Collector { channels: vec![Vec::new(); channels], stage: None, limit_frames }
    }

    /// Returns how many frames at 16 kHz there are.
    pub(super) fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Returns whether the limit is reached.
    pub(super) fn is_full(&self) -> bool {
        self.frames() >= self.limit_frames
    }

    /// Takes frames at `rate` Hz, one slice per channel of the collector, all of one length.
    pub(super) fn push(&mut self, planar: &[Vec<f32>], rate: u32) -> Result<(), String> {
        if rate == SAMPLE_RATE {
            self.end_stage()?;
            for (channel, samples) in self.channels.iter_mut().zip(planar) {
                channel.extend(samples.iter().map(|sample| to_i16(*sample)));
            }
            return Ok(());
        }
        if self.stage.as_ref().is_none_or(|stage| stage.rate != rate) {
            self.end_stage()?;
            self.stage = Some(Stage::new(rate, self.channels.len())?);
        }
        match self.stage.as_mut() {
            Some(stage) => stage.push(planar, &mut self.channels),
            None => Ok(()),
        }
    }

    /// Ends the stream and returns the channels, cut to the limit.
    pub(super) fn finish(mut self) -> Result<Vec<Vec<i16>>, String> {
        self.end_stage()?;
        for channel in &mut self.channels {
            channel.truncate(self.limit_frames);
            channel.shrink_to_fit();
        }
        Ok(self.channels)
    }

    fn end_stage(&mut self) -> Result<(), String> {
        match self.stage.take() {
            Some(stage) => stage.finish(&mut self.channels),
            None => Ok(()),
        }
    }
}

impl Stage {
    fn new(rate: u32, channels: usize) -> Result<Stage, String> {
        let resampler =
            Fft::<f32>::new(rate as usize, SAMPLE_RATE as usize, CHUNK_FRAMES, channels, FixedSync::Input)
                .map_err(|error| error.to_string())?;
        let output = vec![vec![0.0; resampler.output_frames_max()]; channels];
        let skip = resampler.output_delay();
        Ok(Stage {
            resampler,
            rate,
            pending: vec![Vec::new(); channels],
            output,
            skip,
            frames_in: 0,
            frames_out: 0,
        })
    }

    fn push(&mut self, planar: &[Vec<f32>], into: &mut [Vec<i16>]) -> Result<(), String> {
        for (pending, samples) in self.pending.iter_mut().zip(planar) {
            pending.extend_from_slice(samples);
        }
        self.frames_in += planar.first().map_or(0, Vec::len) as u64;
        while self.pending.first().is_some_and(|channel| channel.len() >= self.resampler.input_frames_next())
        {
            self.run_chunk(into)?;
        }
        Ok(())
    }

    /// Runs one full chunk; the output's first frames are the filter's delay and are left out.
    fn run_chunk(&mut self, into: &mut [Vec<i16>]) -> Result<(), String> {
        let frames = self.resampler.input_frames_next();
        let channels = self.pending.len();
        let room = self.resampler.output_frames_max();
        let input =
            SequentialSliceOfVecs::new(&self.pending[..], channels, frames).map_err(|e| e.to_string())?;
        let mut output = SequentialSliceOfVecs::new_mut(&mut self.output[..], channels, room)
            .map_err(|e| e.to_string())?;
        let (used, made) = self
            .resampler
            .process_into_buffer(&input, &mut output, None)
            .map_err(|error| error.to_string())?;
        let skip = self.skip.min(made);
        self.skip -= skip;
        // What is due is what the input lasts: the padding of the last chunk must not lengthen the recording.
        let due = (u128::from(self.frames_in) * u128::from(SAMPLE_RATE) / u128::from(self.rate)) as u64;
        let keep = ((made - skip) as u64).min(due.saturating_sub(self.frames_out)) as usize;
        for (channel, samples) in into.iter_mut().zip(&self.output) {
            channel.extend(samples.iter().skip(skip).take(keep).map(|sample| to_i16(*sample)));
        }
        self.frames_out += keep as u64;
        for pending in &mut self.pending {
            pending.drain(..used.min(pending.len()));
        }
        Ok(())
    }

    fn finish(mut self, into: &mut [Vec<i16>]) -> Result<(), String> {
        let due = (u128::from(self.frames_in) * u128::from(SAMPLE_RATE) / u128::from(self.rate)) as u64;
        // Silence pushes the last frames out of the filter, which may be as long as two seconds of an odd rate.
        for _ in 0..4 + 4 * self.rate as usize / CHUNK_FRAMES {
            if self.frames_out >= due {
                break;
            }
            let frames = self.resampler.input_frames_next();
            for pending in &mut self.pending {
                pending.resize(frames.max(pending.len()), 0.0);
            }
            self.run_chunk(into)?;
        }
        Ok(())
    }
}

/// Turns a sample in −1…1 into 16 bits; louder ones are cut, what is no number is silence.
fn to_i16(sample: f32) -> i16 {
    // `as` saturates and makes NaN 0.
    (sample * 32768.0).round() as i16
}
