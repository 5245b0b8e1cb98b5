//! The live form of an engine that only knows whole segments: what has been said since the pause is recognised again and
//! again, and once more when the pause comes.
//!
//! Measured before it was chosen: 0.26 CPU seconds a second of voice at a step of 0.8 s with Whisper base.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Heard, RecogniseError, Session, Stream, StreamEvent, Word, to_float};
use crate::SAMPLES_PER_MS;
use crate::activity::{Change, MAX_SEGMENT_MS, PRE_ROLL_MS, VoiceDetector};

/// How much new voice is worth another look, in ms.
const STEP_MS: u64 = 800;

/// Sound that is kept while nobody speaks, in ms: the pre-roll and what the detector needs to be sure.
const KEEP_MS: u64 = PRE_ROLL_MS + 200;

/// Opens a session.
type Open = dyn Fn() -> Result<Box<dyn Session>, RecogniseError> + Send + Sync;

/// Sessions that streams borrow while they recognise. A session of a large model holds hundreds of megabytes, and most
/// streams are silent: there are as many sessions as ever recognised at the same moment, not as many as streams.
pub struct Sessions {
    open: Box<Open>,
    idle: Mutex<Vec<Box<dyn Session>>>,
}

impl Sessions {
    /// Makes an empty store of sessions; `open` is called when all that there are recognise.
    pub fn new(
        open: impl Fn() -> Result<Box<dyn Session>, RecogniseError> + Send + Sync + 'static,
    ) -> Arc<Sessions> {
        Arc::new(Sessions { open: Box::new(open), idle: Mutex::default() })
    }

    /// Returns how many sessions wait for work.
    pub fn idle(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn recognise(&self, samples: &[f32]) -> Result<Heard, RecogniseError> {
        let waiting = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut session = match waiting {
            Some(session) => session,
            None => (self.open)()?,
        };
        // A session that failed is not used again: its state is unknown.
        let heard = session.recognise(samples)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        Ok(heard)
    }
}

/// Where a stream recognises.
enum By {
    Own(Box<dyn Session>),
    Shared(Arc<Sessions>),
}

/// A live stream over an offline session. Holds at most one segment of sound.
pub struct Redecoding {
    by: By,
    detector: VoiceDetector,
    buffer: VecDeque<i16>,
    buffer_start: u64,
    segment_start_ms: Option<u64>,
    decoded_until_ms: u64,
}

impl Redecoding {
    /// Starts a stream over a session.
    pub fn new(session: Box<dyn Session>) -> Redecoding {
        Self::over(By::Own(session))
    }

    /// Starts a stream that borrows a session when there is something to recognise, and needs none before.
    pub fn borrowing(sessions: Arc<Sessions>) -> Redecoding {
        Self::over(By::Shared(sessions))
    }

    fn over(by: By) -> Redecoding {
        Redecoding {
            by,
            detector: VoiceDetector::default(),
            buffer: VecDeque::new(),
            buffer_start: 0,
            segment_start_ms: None,
            decoded_until_ms: 0,
        }
    }

    fn now_ms(&self) -> u64 {
        (self.buffer_start + self.buffer.len() as u64) / SAMPLES_PER_MS as u64
    }

    fn begin(&mut self, at_ms: u64) {
        let oldest = self.buffer_start.div_ceil(SAMPLES_PER_MS as u64);
        self.segment_start_ms = Some(at_ms.saturating_sub(PRE_ROLL_MS).max(oldest));
        self.decoded_until_ms = at_ms;
    }

    /// Recognises from the start of the segment to `until_ms`.
    fn hear(&mut self, start_ms: u64, until_ms: u64) -> Result<Vec<Word>, RecogniseError> {
        let index = |ms: u64| (ms * SAMPLES_PER_MS as u64).saturating_sub(self.buffer_start) as usize;
        let (from, to) = (index(start_ms), index(until_ms).min(self.buffer.len()));
        let samples: Vec<i16> = self.buffer.range(from.min(to)..to).copied().collect();
        let heard = match &mut self.by {
            By::Own(session) => session.recognise(&to_float(&samples)),
            By::Shared(sessions) => sessions.recognise(&to_float(&samples)),
        };
        let mut words = heard?.words;
        for word in &mut words {
            word.start_ms += start_ms;
            word.end_ms += start_ms;
        }
        Ok(words)
    }

    fn end(&mut self, until_ms: u64, events: &mut Vec<StreamEvent>) -> Result<(), RecogniseError> {
        if let Some(start_ms) = self.segment_start_ms.take() {
            events.push(StreamEvent::Final(self.hear(start_ms, until_ms)?));
        }
        Ok(())
    }

    /// Forgets sound that no segment needs.
    fn forget(&mut self) {
        let keep_from = self.segment_start_ms.unwrap_or_else(|| self.now_ms().saturating_sub(KEEP_MS));
        let drop = (keep_from * SAMPLES_PER_MS as u64).saturating_sub(self.buffer_start) as usize;
        self.buffer.drain(..drop.min(self.buffer.len()));
        self.buffer_start += drop as u64;
    }
}

impl Stream for Redecoding {
    fn feed(&mut self, samples: &[i16]) -> Result<Vec<StreamEvent>, RecogniseError> {
        let mut events = Vec::new();
        // In pieces of a second, so that a long block cannot grow a segment beyond its limit.
        for piece in samples.chunks(1000 * SAMPLES_PER_MS) {
            self.buffer.extend(piece);
            let mut changes = Vec::new();
            self.detector.feed(piece, |change| changes.push(change));
            for change in changes {
                match change {
                    Change::Began { at_ms } => self.begin(at_ms),
                    // Empty: a click. What was shown of it is taken back by a final without words.
                    Change::Ended(span) if span.len_ms() == 0 => {
                        if self.segment_start_ms.take().is_some() {
                            events.push(StreamEvent::Final(Vec::new()));
                        }
                    }
                    Change::Ended(_) => self.end(self.now_ms(), &mut events)?,
                }
            }
            let now = self.now_ms();
            if let Some(start_ms) = self.segment_start_ms {
                if now - start_ms >= MAX_SEGMENT_MS {
                    self.end(now, &mut events)?;
                    self.segment_start_ms = Some(now);
                    self.decoded_until_ms = now;
                } else if now - self.decoded_until_ms >= STEP_MS {
                    self.decoded_until_ms = now;
                    events.push(StreamEvent::Partial(self.hear(start_ms, now)?));
                }
            }
            self.forget();
        }
        Ok(events)
    }

    fn finish(&mut self) -> Result<Vec<StreamEvent>, RecogniseError> {
        let mut events = Vec::new();
        self.end(self.now_ms(), &mut events)?;
        Ok(events)
    }
}
