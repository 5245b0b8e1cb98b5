//! The abuse ladder of one conversation: polite warning, warning of the end, closing.
//!
//! One ladder for all causes. A step becomes due when the abuse recurs after the agent said the step before; a step
//! that the agent lets pass stays due. Ending is allowed at `closing` alone.

use serde::{Deserialize, Serialize};

use crate::decision::{LadderStep, Reason};
use crate::notice::Noticed;
use crate::protocol::LadderRules;
use crate::signal::SignalKind as K;

/// Where the ladder stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    due: Option<LadderStep>,
    warned: bool,
    warned_of_end: bool,
    abusive_since_emitted: u32,
    calm: u32,
    ended_early: Option<u32>,
}

impl Ladder {
    /// Returns the step that is due, if any.
    pub fn due(&self) -> Option<LadderStep> {
        self.due
    }

    /// Returns the step whose sentence the agent has still to say.
    pub fn unsaid(&self) -> Option<LadderStep> {
        self.due.filter(|step| match step {
            LadderStep::Warning1 => !self.warned,
            LadderStep::Warning2 => !self.warned_of_end,
            LadderStep::Closing => true,
        })
    }

    /// Says whether the agent may end the conversation now.
    pub fn may_end(&self) -> bool {
        self.due == Some(LadderStep::Closing)
    }

    /// Returns the agent's utterance that ended the conversation before the ladder allowed it.
    pub fn ended_early(&self) -> Option<u32> {
        self.ended_early
    }

    /// Takes in what the agent said: which warnings were really given, and whether the end came too early.
    pub fn agent(&mut self, utterance: u32, noticed: &Noticed) {
        self.warned |= noticed.has_any(&[K::AbuseWarning, K::HangupWarning]);
        self.warned_of_end |= noticed.has(K::HangupWarning);
        if noticed.has(K::ClosingPhrase) && !self.may_end() {
            self.ended_early.get_or_insert(utterance);
        }
    }

    /// Takes in an utterance of the customer; returns the step to be decided now, with its reason.
    pub fn customer(
        &mut self,
        rules: &LadderRules,
        noticed: &Noticed,
        not_listening: bool,
    ) -> Option<(LadderStep, Reason)> {
        match abuse(noticed, not_listening) {
            Some(reason) => self.abused(rules, reason).map(|step| (step, reason)),
            None => {
                self.stay_calm(rules, noticed.cues.customer_apology);
                None
            }
        }
    }

    /// Takes in shouting measured in the sound.
    pub fn shouted(&mut self, rules: &LadderRules) -> Option<(LadderStep, Reason)> {
        self.abused(rules, Reason::Shouting).map(|step| (step, Reason::Shouting))
    }

    fn abused(&mut self, rules: &LadderRules, reason: Reason) -> Option<LadderStep> {
        self.calm = 0;
        let next = match self.due {
            Some(LadderStep::Closing) => None,
            _ if reason == Reason::Violence => Some(LadderStep::Closing),
            None => Some(LadderStep::Warning1),
            Some(LadderStep::Warning1) if self.warned => Some(LadderStep::Warning2),
            Some(LadderStep::Warning2) if self.warned_of_end => Some(LadderStep::Closing),
            Some(_) => None,
        };
        if next.is_some() {
            self.due = next;
            self.abusive_since_emitted = 0;
            return next;
        }
        self.abusive_since_emitted += 1;
        if self.abusive_since_emitted >= rules.repeat_after {
            self.abusive_since_emitted = 0;
            return self.due;
        }
        None
    }

    fn stay_calm(&mut self, rules: &LadderRules, apologised: bool) {
        self.calm += 1;
        if !apologised && self.calm < rules.calm_utterances {
            return;
        }
        self.calm = 0;
        self.abusive_since_emitted = 0;
        self.due = match self.due {
            Some(LadderStep::Closing) => Some(LadderStep::Warning2),
            Some(LadderStep::Warning2) => {
                self.warned_of_end = false;
                Some(LadderStep::Warning1)
            }
            _ => {
                self.warned = false;
                self.warned_of_end = false;
                None
            }
        };
    }
}

/// Returns the cause of the ladder in an utterance of the customer, the gravest first.
fn abuse(noticed: &Noticed, not_listening: bool) -> Option<Reason> {
    let by_signal = [
        (K::ViolenceThreat, Reason::Violence),
        (K::Insult, Reason::Insult),
        (K::Profanity, Reason::Profanity),
        (K::Shouting, Reason::Shouting),
    ];
    let found = by_signal.into_iter().find(|(kind, _)| noticed.has(*kind)).map(|(_, reason)| reason);
    found.or(not_listening.then_some(Reason::NotListening))
}
