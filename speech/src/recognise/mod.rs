//! Voice to words. Engines stand behind one trait with two forms: whole segments of a recording, and a live stream.
//!
//! An engine that only knows whole segments gets its live form from [`live::Redecoding`]; a streaming engine overrides
//! [`Recognizer::stream`].

pub mod guard;
pub mod live;
#[cfg(feature = "whisper")]
pub mod whisper;

use serde::{Deserialize, Serialize};

use guard::Refusal;

/// One recognised word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The word as written, with its punctuation.
    pub text: String,
    /// When it begins, in ms.
    pub start_ms: u64,
    /// When it ends, in ms.
    pub end_ms: u64,
    /// 0 to 1: the engine's own probability (geometric mean over the parts of the word), not calibrated.
    pub confidence: f32,
}

/// What was heard in one segment. Times count from the start of the samples that were given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heard {
    /// Words in order.
    pub words: Vec<Word>,
    /// Why words of the engine were left out, if any were.
    pub refused: Option<Refusal>,
}

/// What an engine should know beforehand.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hints {
    /// Names and terms of the company, most important first. Engines that take none ignore them.
    pub vocabulary: Vec<String>,
}

/// Why recognition failed.
#[derive(Debug, thiserror::Error)]
pub enum RecogniseError {
    /// The model could not be loaded.
    #[error(
        "cannot load the speech model \"{model}\" ({reason}): check it with gradus model check, or pull it again"
    )]
    Model {
        /// The model's file.
        model: String,
        /// The engine's reason.
        reason: String,
    },
    /// The engine failed on a segment.
    #[error("the speech engine failed: {0}")]
    Engine(String),
}

/// A speech engine with its model loaded. One is shared by all streams.
pub trait Recognizer: Send + Sync {
    /// Returns the name of engine and model, for the transcript.
    fn name(&self) -> String;

    /// Opens the work on one stream at a time. It uses one thread.
    fn session(&self, hints: &Hints) -> Result<Box<dyn Session>, RecogniseError>;

    /// Opens a live stream.
    fn stream(&self, hints: &Hints) -> Result<Box<dyn Stream>, RecogniseError> {
        Ok(Box::new(live::Redecoding::new(self.session(hints)?)))
    }
}

/// The offline form: a segment in, its words out.
pub trait Session: Send {
    /// Recognises samples at 16 kHz in −1…1, at most about 20 s of them.
    fn recognise(&mut self, samples: &[f32]) -> Result<Heard, RecogniseError>;
}

/// The live form: frames in, partial and final words out.
pub trait Stream: Send {
    /// Takes samples at 16 kHz, any number, without gaps.
    fn feed(&mut self, samples: &[i16]) -> Result<Vec<StreamEvent>, RecogniseError>;

    /// Ends the stream: what is open becomes final.
    fn finish(&mut self) -> Result<Vec<StreamEvent>, RecogniseError>;
}

/// What a live stream has to say. Times count from the start of the stream.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// The words of the open segment so far; the next partial or final replaces them.
    Partial(Vec<Word>),
    /// The words of a segment that ended; possibly none.
    Final(Vec<Word>),
}

/// Turns 16-bit samples into the engines' floats.
pub fn to_float(samples: &[i16]) -> Vec<f32> {
    samples.iter().map(|sample| f32::from(*sample) / 32768.0).collect()
}
