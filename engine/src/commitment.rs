//! Commitments: what the agent promised the customer, and by when.

use serde::{Deserialize, Serialize};

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
