//! Engines that turn voice into words, behind one trait.
//!
//! An offline engine takes a segment and returns its words. A streaming engine takes frames as they arrive; where an
//! engine has no such form, the segments of the voice detector are recognised as they end.

mod guard;
#[cfg(feature = "whisper")]
mod whisper;

pub use guard::{Guarded, guard};
#[cfg(feature = "whisper")]
pub use whisper::Whisper;

use serde::{Deserialize, Serialize};

/// One word with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The word as the engine writes it, without spaces.
    pub text: String,
    /// Start in ms from the start of the recording.
    pub start_ms: u64,
    /// End in ms.
    pub end_ms: u64,
    /// How sure the engine is, per cent.
    pub confidence: u8,
}

/// Why an engine gave no words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(pub String);

/// An engine that recognises whole segments.
pub trait Recognizer: Send + Sync {
    /// Returns the name of engine and model, for the transcript.
    fn name(&self) -> &str;

    /// Makes a worker; each thread uses one of its own.
    ///
    /// # Errors
    /// When the engine cannot start, for lack of memory for instance.
    fn worker(&self) -> Result<Box<dyn Worker + '_>, EngineError>;
}

/// One thread's worth of an engine.
pub trait Worker {
    /// Recognises a segment at 16 kHz; times are in ms from the start of the segment.
    ///
    /// # Errors
    /// When the engine fails on this segment.
    fn recognise(&mut self, samples: &[i16]) -> Result<Vec<Word>, EngineError>;
}

/// What a streaming engine says after a frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The words so far, which may still change.
    Partial(Vec<Word>),
    /// The words of a phrase that has ended.
    Final(Vec<Word>),
}

/// An engine that listens as the sound arrives.
pub trait Streaming: Send {
    /// Takes in samples at 16 kHz and says what is new, if anything.
    ///
    /// # Errors
    /// When the engine fails; the sound is kept and recognised after the call.
    fn feed(&mut self, samples: &[i16]) -> Result<Option<Heard>, EngineError>;
}
