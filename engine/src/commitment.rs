//! Commitments: what the agent promised the customer, and by when.
//!
//! Taken from the words of one utterance and the time it was said at; nothing is remembered between utterances.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

mod calendar;
mod clock;
mod day;
mod due;
mod numbers;
mod phrases;
mod promise;
mod stretch;
mod tokens;
mod verbs;

/// One promise in an utterance of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// Span of what was promised, code points of the utterance, half-open.
    pub what: (u32, u32),
    /// Span of the words that name the time, code points, half-open; `None` when no time was named.
    pub due_text: Option<(u32, u32)>,
    /// The time by which it is due, civil, in the time zone of the conversation, as `YYYY-MM-DDTHH:MM:SS` plus the
    /// offset of the reference time (RFC 3339); `None` when the words do not name a point in time.
    pub due: Option<String>,
}

/// When and where an utterance was said: what «завтра» and «через час» start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference(Option<Civil>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Civil {
    now: DateTime,
    offset: Offset,
}

impl Reference {
    /// An utterance without a time: what was promised is found, but no point in time.
    pub const UNKNOWN: Reference = Reference(None);

    /// Makes a reference from a point in time and the seconds its clock is east of UTC. A point or an offset that no
    /// calendar has is unknown.
    pub fn new(at: Timestamp, utc_offset_s: i32) -> Self {
        let stamp = jiff::Timestamp::from_millisecond(at.millis()).ok();
        let offset = Offset::from_seconds(utc_offset_s).ok();
        // Whole seconds: nobody promises fractions.
        let civil = stamp.zip(offset).map(|(stamp, offset)| {
            let now = offset.to_datetime(stamp);
            Civil { now: now.with().subsec_nanosecond(0).build().unwrap_or(now), offset }
        });
        Self(civil)
    }
}

/// Finds what the agent promises in one utterance, in order of appearance.
pub fn find(text: &str, reference: &Reference) -> Vec<Commitment> {
    let tokens = tokens::tokenise(text);
    if !promise::is_possible(&tokens) {
        return Vec::new();
    }
    let dues = due::find(&tokens, reference.0.map(|civil| civil.now));
    let promises = promise::find(&tokens, &dues);
    let place = |first: usize, past: usize| (tokens[first].start, tokens[past - 1].end);
    promises
        .into_iter()
        .map(|promise| {
            let due = promise.due.and_then(|due| dues.get(due));
            let when = due.and_then(|due| due.when).zip(reference.0);
            Commitment {
                what: place(promise.first, promise.past),
                due_text: due.map(|due| place(due.first, due.past)),
                due: when.map(|(when, civil)| Rfc3339(when, civil.offset).to_string()),
            }
        })
        .collect()
}

struct Rfc3339(DateTime, Offset);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.1.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.unsigned_abs() / 60;
        write!(out, "{}{sign}{:02}:{:02}", self.0, minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests;
