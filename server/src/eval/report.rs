//! The figures of one measurement and their table.

use std::collections::BTreeMap;
use std::fmt;

use gradus_engine::signal::{JudgedBy, SignalKind};
use serde::Serialize;

/// Hits and misses of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KindScore {
    /// Labelled and found.
    pub hit: u64,
    /// Found, not labelled.
    pub false_hit: u64,
    /// Labelled, not found.
    pub missed: u64,
}

impl KindScore {
    /// Returns the share of what was found that is right, 0–1; 1 when nothing was found.
    pub fn precision(&self) -> f64 {
        share(self.hit, self.hit + self.false_hit)
    }

    /// Returns the share of what is labelled that was found, 0–1; 1 when nothing is labelled.
    pub fn recall(&self) -> f64 {
        share(self.hit, self.hit + self.missed)
    }

    /// Returns the harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        share(2 * self.hit, 2 * self.hit + self.false_hit + self.missed)
    }
}

/// The figures of one measurement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Utterances judged.
    pub utterances: u64,
    /// Scores by kind, for kinds that are labelled or were found.
    pub kinds: BTreeMap<SignalKind, KindScore>,
    /// Utterances that should alarm nobody.
    pub without_alarm: u64,
    /// Of those, how many did (escalation and abuse, profanity aside).
    pub false_alarms: u64,
    /// Lines written as traps.
    pub traps: u64,
    /// Traps whose kind was not found.
    pub traps_rejected: u64,
}

impl Report {
    pub(super) fn count(&mut self, kind: SignalKind, labelled: bool, found: bool) {
        if !labelled && !found {
            return;
        }
        let score = self.kinds.entry(kind).or_default();
        match (labelled, found) {
            (true, true) => score.hit += 1,
            (false, true) => score.false_hit += 1,
            _ => score.missed += 1,
        }
    }

    /// Returns the mean F1 over the kinds judged by the text that are labelled in the file, 0–1.
    pub fn macro_f1(&self) -> f64 {
        self.mean(|kind| kind.judged_by() == JudgedBy::Utterance)
    }

    /// Returns the mean F1 over the seven kinds that alarm.
    pub fn alarming_f1(&self) -> f64 {
        use SignalKind as K;
        let seven = [
            K::SupervisorRequest,
            K::ChurnThreat,
            K::ReputationThreat,
            K::LegalThreat,
            K::ViolenceThreat,
            K::Profanity,
            K::Insult,
        ];
        self.mean(|kind| seven.contains(&kind))
    }

    /// Returns false alarms per 1,000 utterances that should alarm nobody.
    pub fn false_alarms_per_1000(&self) -> f64 {
        share(self.false_alarms * 1000, self.without_alarm.max(1))
    }

    fn mean(&self, wanted: impl Fn(SignalKind) -> bool) -> f64 {
        let labelled =
            self.kinds.iter().filter(|(kind, score)| wanted(**kind) && score.hit + score.missed > 0);
        let scores: Vec<f64> = labelled.map(|(_, score)| score.f1()).collect();
        let count = u32::try_from(scores.len()).unwrap_or(u32::MAX).max(1);
        scores.iter().sum::<f64>() / f64::from(count)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{:<22}{:>6}{:>6}{:>6}{:>10}{:>8}{:>8}",
            "kind", "hit", "false", "miss", "precision", "recall", "F1"
        )?;
        for (kind, score) in &self.kinds {
            let (hit, wrong, missed) = (score.hit, score.false_hit, score.missed);
            let (p, r, f1) = (score.precision(), score.recall(), score.f1());
            writeln!(out, "{:<22}{hit:>6}{wrong:>6}{missed:>6}{p:>10.3}{r:>8.3}{f1:>8.3}", kind.name())?;
        }
        writeln!(
            out,
            "macro F1 {:.3}, of the seven alarming kinds {:.3}",
            self.macro_f1(),
            self.alarming_f1()
        )?;
        writeln!(
            out,
            "false alarms {} on {} utterances that should alarm nobody: {:.1} per 1,000",
            self.false_alarms,
            self.without_alarm,
            self.false_alarms_per_1000()
        )?;
        if self.traps > 0 {
            let rejected = 100.0 * share(self.traps_rejected, self.traps);
            writeln!(out, "traps rejected {} of {}: {rejected:.1} %", self.traps_rejected, self.traps)?;
        }
        Ok(())
    }
}

/// Returns `part / whole`; 1 when there is no whole.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 1.0;
    }
    let exact = |number: u64| u32::try_from(number).map_or(f64::from(u32::MAX), f64::from);
    exact(part) / exact(whole)
}
