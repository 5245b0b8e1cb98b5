//! Heat: 0–100, how hot the conversation is now. Integers only, so that every machine computes the same curve.
//!
//! Signals raise or lower it by the weights of the protocol; calm utterances and time cool it. Inside, heat is kept in
//! hundredths, so that cooling by time does not depend on how often the clock is looked at.

use serde::{Deserialize, Serialize};

use crate::protocol::HeatRules;
use crate::signal::{Party, SignalKind};
use crate::time::Timestamp;

/// Why heat changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// A signal.
    Signal(SignalKind),
    /// An utterance of the customer without any bad signal.
    CalmUtterance,
    /// Time passed.
    Time,
}

/// One cause of a change, in whole degrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What it was.
    pub cause: CauseKind,
    /// How much it added (positive) or took away.
    pub change: i32,
}

/// One point of the curve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeatPoint {
    /// The utterance after which heat has this value.
    pub utterance: u32,
    /// Degrees, 0–100.
    pub value: u8,
    /// What changed it since the point before.
    pub causes: Vec<Cause>,
}

/// The running heat of one conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heat {
    hundredths: i32,
    touched: Option<Timestamp>,
    max: u8,
    was_high: bool,
    calm_since: Option<u32>,
}

/// The three stages of calming down, read off the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalmingStage {
    /// The customer lets off steam: heat is high.
    Venting,
    /// Heat falls, but is not low yet.
    Soothing,
    /// Heat is low after it was high: customer and agent talk again.
    Connection,
}

impl Heat {
    /// Returns degrees, 0–100.
    pub fn value(&self) -> u8 {
        u8::try_from((self.hundredths / 100).clamp(0, 100)).unwrap_or(100)
    }

    /// Returns the highest value so far.
    pub fn max(&self) -> u8 {
        self.max
    }

    /// Returns the first utterance after a high phase from which heat has stayed below the calm line; `None` when it
    /// was never high or is not calm now.
    pub fn calmed_at(&self) -> Option<u32> {
        self.calm_since
    }

    /// Returns the stage of calming, `None` while heat has never been high.
    pub fn stage(&self, rules: &HeatRules) -> Option<CalmingStage> {
        if !self.was_high {
            None
        } else if self.value() >= rules.high {
            Some(CalmingStage::Venting)
        } else if self.value() >= rules.calm_below {
            Some(CalmingStage::Soothing)
        } else {
            Some(CalmingStage::Connection)
        }
    }

    /// Takes in one utterance and returns the new point of the curve.
    pub fn utter(
        &mut self,
        rules: &HeatRules,
        now: Timestamp,
        utterance: u32,
        party: Party,
        signals: &[SignalKind],
    ) -> HeatPoint {
        let mut causes = Vec::new();
        self.cool_by_time(rules, now, &mut causes);
        let mut raised = 0;
        let mut troubled = false;
        for &kind in signals {
            let weight = rules.weight(kind);
            let change = if weight > 0 { weight.min(rules.utterance_max - raised) } else { weight };
            raised += change.max(0);
            troubled |= weight > 0;
            self.change(change, CauseKind::Signal(kind), &mut causes);
        }
        if party == Party::Customer && !troubled {
            self.change(-rules.calm_utterance, CauseKind::CalmUtterance, &mut causes);
        }
        self.mark(rules, utterance);
        HeatPoint { utterance, value: self.value(), causes }
    }

    fn cool_by_time(&mut self, rules: &HeatRules, now: Timestamp, causes: &mut Vec<Cause>) {
        let Some(before) = self.touched.replace(now) else { return };
        let gap_ms = i64::try_from(now.since(before).get()).unwrap_or(i64::MAX);
        let wanted = gap_ms.saturating_mul(i64::from(rules.cool_per_minute)) * 100 / 60_000;
        let most = i64::from(rules.cool_gap_max) * 100;
        let cooled = i32::try_from(wanted.min(most)).unwrap_or(0).min(self.hundredths);
        let value = self.value();
        self.hundredths -= cooled;
        let change = i32::from(self.value()) - i32::from(value);
        if change != 0 {
            causes.push(Cause { cause: CauseKind::Time, change });
        }
    }

    fn change(&mut self, degrees: i32, cause: CauseKind, causes: &mut Vec<Cause>) {
        let before = self.hundredths;
        self.hundredths = (before + degrees * 100).clamp(0, 10_000);
        let change = self.hundredths / 100 - before / 100;
        if change != 0 {
            causes.push(Cause { cause, change });
        }
    }

    fn mark(&mut self, rules: &HeatRules, utterance: u32) {
        let value = self.value();
        self.max = self.max.max(value);
        if value >= rules.high {
            self.was_high = true;
        }
        if self.was_high && value < rules.calm_below {
            self.calm_since.get_or_insert(utterance);
        } else {
            self.calm_since = None;
        }
    }
}
