//! Everything that can happen to a conversation and to its case, as one closed list.

use serde::{Deserialize, Serialize};

use crate::case::{Action, StaffId};
use crate::notice::Noticed;
use crate::signal::{Channel, Party, SignalKind};
use crate::time::Timestamp;

/// What the protocol may know of the customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerFacts {
    /// Place by revenue, 1 is the largest; `None` when unknown.
    #[serde(default)]
    pub revenue_rank: Option<u32>,
    /// Place by growth potential, 1 is the highest; `None` when unknown.
    #[serde(default)]
    pub growth_rank: Option<u32>,
    /// Conversations of this customer in the 14 days before this one.
    #[serde(default)]
    pub recent_contacts: u32,
    /// A mark on the customer («конфликтный») is in force.
    #[serde(default)]
    pub marked: bool,
}

/// One utterance with what was noticed in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// Position in the conversation, from 0; gaps are allowed.
    pub index: u32,
    /// Who spoke.
    pub party: Party,
    /// Start in milliseconds from the start of the conversation; `None` when the source has no times.
    pub start_ms: Option<u64>,
    /// What was noticed.
    pub noticed: Noticed,
}

/// A signal that comes from the sound and not from words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// The utterance during which it was measured.
    pub utterance: u32,
    /// `shouting`, `interruption` or `long_hold`.
    pub kind: SignalKind,
    /// Per cent, 1–100.
    pub confidence: u8,
    /// The measurement, for people: «+9 дБ, +60 Гц, 4 с».
    pub measured: String,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The conversation began.
    Started {
        /// The channel it runs on.
        channel: Channel,
        /// What is known of the customer.
        customer: CustomerFacts,
        /// What is decided before this moment is history: it is written down and shown, but nobody is told and no case
        /// is opened. `None` for a conversation that is heard as it goes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        history_before: Option<Timestamp>,
    },
    /// Somebody said or wrote something.
    Said(Said),
    /// The sound showed something.
    Heard(Heard),
    /// The same trouble came from several customers.
    Incident {
        /// The utterance that reported the trouble here.
        utterance: u32,
        /// The trigger that several customers share.
        kind: SignalKind,
        /// Number of the incident.
        incident: u64,
        /// Whether this conversation opened the incident (the third customer) or joined it.
        opened: bool,
    },
    /// The conversation ended.
    Ended,
    /// A person did something with the case.
    Acted {
        /// Who did it.
        by: StaffId,
        /// What was done.
        action: Action,
    },
    /// Time passed; clocks may be due.
    Tick,
}
