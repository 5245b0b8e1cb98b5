//! Everything that the engine can cause, on one screen.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::case::CaseChange;
use crate::decision::Decision;
use crate::heat::HeatPoint;
use crate::signal::SignalKind;

/// Something that was granted by word of mouth, and what the agent may grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The agent's utterance.
    pub utterance: u32,
    /// The authority by its name in the protocol.
    pub authority: String,
    /// How much, in the unit of the authority.
    pub amount: Decimal,
    /// The most that an agent may grant this customer at once.
    pub most: Decimal,
}

/// What has to be done or written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// A signal that only the conversation so far could show.
    Signal {
        /// The utterance that showed it.
        utterance: u32,
        /// Its kind.
        kind: SignalKind,
    },
    /// A new point of the heat curve.
    Heat(HeatPoint),
    /// An attempt of the agent failed.
    AttemptFailed {
        /// The customer's utterance.
        utterance: u32,
        /// How many have failed so far.
        failed: u32,
    },
    /// The agent is told what fits this moment.
    Hinted {
        /// The utterance after which.
        utterance: u32,
        /// The hints of the protocol by name, the most fitting first.
        hints: Vec<String>,
    },
    /// The agent granted something by word of mouth.
    Granted(Grant),
    /// The protocol decided.
    Decided(Decision),
    /// The case changed.
    Case(CaseChange),
    /// Somebody has to be told.
    Alert(Alert),
}
