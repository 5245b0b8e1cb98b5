//! Everything that the engine can cause, on one screen.

use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::case::CaseChange;
use crate::decision::Decision;
use crate::heat::HeatPoint;
use crate::signal::SignalKind;

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
    /// The protocol decided.
    Decided(Decision),
    /// The case changed.
    Case(CaseChange),
    /// Somebody has to be told.
    Alert(Alert),
}
