//! Gradus speech: sound to words with times and measurements.
//!
//! The path of the data is the order of the modules: a recording is decoded, voice is found in it, the voice is turned
//! into words by an engine behind a trait, the sound is measured, and all of it becomes a transcript. Models live in a
//! folder with checksums. Nothing here reads the clock, the network or the environment, and nothing is logged that a
//! customer said.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails by panicking")
)]

pub mod decode;
mod warning;

pub mod live;

pub mod activity;
pub mod recognise;

pub mod measure;

pub mod transcribe;
pub mod waveform;

pub mod model;

pub use decode::{DecodeError, Recording, decode, decode_bytes};
pub use transcribe::{Transcript, Utterance, transcribe};
pub use warning::Warning;

/// Sampling rate of every decoded recording and of everything that engines are fed, in Hz.
pub const SAMPLE_RATE: u32 = 16_000;

/// Samples in a millisecond at [`SAMPLE_RATE`].
pub const SAMPLES_PER_MS: usize = (SAMPLE_RATE / 1000) as usize;

/// A stretch of time in milliseconds from the start of the recording, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Span {
    /// First millisecond.
    pub start_ms: u64,
    /// First millisecond after the end.
    pub end_ms: u64,
}

impl Span {
    /// Makes a span; an end before the start gives an empty span at the start.
    pub fn new(start_ms: u64, end_ms: u64) -> Span {
        Span { start_ms, end_ms: end_ms.max(start_ms) }
    }

    /// Returns the length in milliseconds.
    pub fn len_ms(&self) -> u64 {
        self.end_ms - self.start_ms
    }

    /// Returns the part that both spans cover, if there is any.
    pub fn overlap(&self, other: &Span) -> Option<Span> {
        let (start, end) = (self.start_ms.max(other.start_ms), self.end_ms.min(other.end_ms));
        (start < end).then_some(Span { start_ms: start, end_ms: end })
    }
}
