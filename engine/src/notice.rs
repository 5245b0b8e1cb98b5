//! What was noticed in one utterance: its signals and the few facts about its words that the conversation layer needs.
//!
//! A `Noticed` holds no words, only spans, flags and hashes, so that the event log can keep it for ever.

use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::commitment::Commitment;
use crate::signal::{Found, SignalKind};

/// The facts of one utterance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Noticed {
    /// The signals in the text, at most one of a kind, by their start.
    pub signals: Vec<Found>,
    /// Facts that are no signals of their own.
    #[serde(default)]
    pub cues: Cues,
    /// Promises with their due time, from the agent's words.
    #[serde(default)]
    pub commitments: Vec<Commitment>,
    /// Amounts that the agent offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amounts: Vec<Amount>,
    /// Hashes of the nouns the utterance is about, sorted; used to tell one trouble from another.
    #[serde(default)]
    pub topic: Vec<u32>,
}

/// Facts about the words of an utterance that mean something only in a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cues {
    /// The customer takes back the wish for a supervisor («ладно, не надо никого звать»).
    #[serde(default)]
    pub withdraws_wish: bool,
    /// The customer says sorry («простите, сорвался»).
    #[serde(default)]
    pub customer_apology: bool,
    /// Says no, doubts or objects: a refusal when an offer is on the table.
    #[serde(default)]
    pub objects: bool,
    /// Says that something was tried and did not help.
    #[serde(default)]
    pub tried_in_vain: bool,
    /// Says yes («да, давайте», «позовите»), whatever to.
    #[serde(default)]
    pub agrees: bool,
    /// The demand is for one's own money back, not for a favour.
    #[serde(default)]
    pub own_money: bool,
    /// Asks something.
    #[serde(default)]
    pub asks: bool,
    /// The agent says or shows that the matter is for another department.
    #[serde(default)]
    pub hands_over: bool,
    /// The agent proposes instead of what was proposed before («тогда могу…», «а если…»).
    #[serde(default)]
    pub alternative: bool,
}

impl Noticed {
    /// Returns the signal of `kind`, if there is one.
    pub fn signal(&self, kind: SignalKind) -> Option<&Found> {
        self.signals.iter().find(|found| found.kind == kind)
    }

    /// Says whether a signal of `kind` was noticed.
    pub fn has(&self, kind: SignalKind) -> bool {
        self.signal(kind).is_some()
    }

    /// Says whether any of `kinds` was noticed.
    pub fn has_any(&self, kinds: &[SignalKind]) -> bool {
        kinds.iter().any(|&kind| self.has(kind))
    }
}
