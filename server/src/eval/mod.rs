//! Measuring the detector on labelled utterances: precision, recall, F1 per kind, false alarms, noise, a baseline.

mod baseline;
mod conversations;
mod file;
mod noise;
mod report;

pub use baseline::by_keywords;
pub use conversations::{Expected, faults, read_expected};
pub use file::{Labelled, read};
pub use noise::{WithNoise, corrupt, with_noise};
pub use report::{KindScore, Report};

use std::collections::BTreeSet;

use gradus_engine::signal::{Channel, Group, Party, SignalKind};

/// Judges the text of one utterance alone.
pub type JudgeText<'j> = &'j (dyn Fn(&str, Party, Channel) -> BTreeSet<SignalKind> + Sync);

/// Scores a judge on labelled utterances.
pub fn score(lines: &[Labelled], judge: JudgeText<'_>) -> Report {
    let mut report = Report::default();
    for line in lines {
        let found = judge(&line.text, line.party, line.channel);
        report.utterances += 1;
        for &kind in SignalKind::ALL.iter().filter(|kind| kind.party() == line.party) {
            report.count(kind, line.labels.contains(&kind), found.contains(&kind));
        }
        let quiet = !line.labels.iter().any(|&kind| alarms(kind));
        report.without_alarm += u64::from(quiet);
        report.false_alarms += u64::from(quiet && found.iter().any(|&kind| alarms(kind)));
        if let Some(focus) = line.trap {
            report.traps += 1;
            report.traps_rejected += u64::from(!found.contains(&focus));
        }
    }
    report
}

/// Says whether a kind alarms somebody: the groups escalation and abuse, profanity aside.
fn alarms(kind: SignalKind) -> bool {
    matches!(kind.group(), Group::Escalation | Group::Abuse) && kind != SignalKind::Profanity
}
