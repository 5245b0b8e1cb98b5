//! What people say of signals, made use of: the precision of every rule, and labelled examples.

use std::collections::{BTreeMap, BTreeSet};

use gradus_engine::signal::{Party, SignalKind};
use gradus_engine::time::{Millis, Timestamp};
use serde::Serialize;

use crate::store::{JudgedSignal, RuleVerdicts};

/// Verdicts of so many days are compared with those before.
pub const RECENT: Millis = Millis::minutes(30 * 24 * 60);
/// Of how many standard deviations an interval is made: 90 of 100 hold the truth.
const DEVIATIONS: f64 = 1.645;

/// How often a rule was right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Precision {
    /// The kind of signal.
    pub kind: String,
    /// The rule, or the trained part (`classifier`, `encoder`).
    pub rule: String,
    /// Verdicts that it was right.
    pub right: i64,
    /// Verdicts that it was wrong.
    pub wrong: i64,
    /// The share of right ones, 0 to 1.
    pub share: f64,
    /// Within these bounds lies the true share with a chance of 90 %.
    pub between: (f64, f64),
    /// Whether the verdicts of the last 30 days are worse than those before, beyond chance.
    pub falling: bool,
}

/// Counts the verdicts of every rule; the worst first, falling ones before all.
pub fn precision(verdicts: &[RuleVerdicts]) -> Vec<Precision> {
    // By rule: right and wrong, before and since.
    let mut counts: BTreeMap<(&str, &str), [[i64; 2]; 2]> = BTreeMap::new();
    for row in verdicts {
        let [before, since] = counts.entry((&row.kind, &row.rule)).or_default();
        let period = if row.recent { since } else { before };
        let [right, wrong] = period;
        *(if row.verdict == "right" { right } else { wrong }) += row.count;
    }
    let mut all: Vec<Precision> = counts
        .into_iter()
        .map(|((kind, rule), [before, since])| {
            let [right, wrong] = [before[0] + since[0], before[1] + since[1]];
            Precision {
                kind: kind.to_owned(),
                rule: rule.to_owned(),
                right,
                wrong,
                share: share(right, wrong),
                between: interval(right, wrong),
                falling: interval(since[0], since[1]).1 < interval(before[0], before[1]).0,
            }
        })
        .collect();
    all.sort_by(|one, other| other.falling.cmp(&one.falling).then(one.between.1.total_cmp(&other.between.1)));
    all
}

#[expect(clippy::cast_precision_loss, reason = "counts of verdicts are far below 2^52")]
fn share(right: i64, wrong: i64) -> f64 {
    if right + wrong == 0 { 0.0 } else { right as f64 / (right + wrong) as f64 }
}

/// The interval of Wilson (1927) for a share: it holds for few verdicts and for shares near 0 and 1, unlike the plain one.
/// Without verdicts it is everything.
#[expect(clippy::cast_precision_loss, reason = "counts of verdicts are far below 2^52")]
fn interval(right: i64, wrong: i64) -> (f64, f64) {
    let n = (right + wrong) as f64;
    if n == 0.0 {
        return (0.0, 1.0);
    }
    let (p, z) = (share(right, wrong), DEVIATIONS);
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// A judged utterance as a line of a labelled file: the columns that `gradus train` and `gradus eval` read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Who spoke.
    pub party: String,
    /// The channel.
    pub channel: String,
    /// What was said, in one line.
    pub text: String,
    /// What it holds: what was found and not judged wrong, and what was missed.
    pub labels: BTreeSet<SignalKind>,
    /// The kind that somebody judged, and whether it is there.
    pub focus: Option<(SignalKind, bool)>,
}

/// Turns judged utterances into labelled examples; those whose words were erased are left out.
pub fn examples(signals: &[JudgedSignal]) -> Vec<Example> {
    let mut examples: BTreeMap<(String, i64), Example> = BTreeMap::new();
    for signal in signals {
        let Some(text) = &signal.text else { continue };
        let Ok(kind) = signal.kind.parse::<SignalKind>() else { continue };
        // What was heard in the voice is no label of the words.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let key = (signal.conversation_id.to_string(), signal.utterance);
        let example = examples.entry(key).or_insert_with(|| Example {
            party: signal.party.clone(),
            channel: signal.channel.clone(),
            text,
            labels: BTreeSet::new(),
            focus: None,
        });
        let there = signal.verdict.as_deref() != Some("wrong");
        if there {
            example.labels.insert(kind);
        }
        if signal.verdict.is_some() && (example.focus.is_none() || !there) {
            example.focus = Some((kind, there));
        }
    }
    examples.into_values().collect()
}

/// Writes examples as a tab-separated file.
pub fn write(examples: &[Example]) -> String {
    let mut out = String::from("party\tchannel\ttext\tlabels\tfocus\tpolarity\tnote\n");
    for example in examples {
        let labels: Vec<&str> = example.labels.iter().map(|kind| kind.name()).collect();
        let (focus, polarity) = example
            .focus
            .map_or(("none", "neg"), |(kind, there)| (kind.name(), if there { "pos" } else { "neg" }));
        let row =
            [&example.party, &example.channel, &example.text, &labels.join(","), focus, polarity, "verdict"];
        out.push_str(&row.join("\t"));
        out.push('\n');
    }
    out
}

/// Says whether a kind can be missed in what this party said.
pub fn fits(kind: SignalKind, party: &str) -> bool {
    party.parse::<Party>().is_ok_and(|party| kind.party() == party)
}

/// The moment since which verdicts are recent.
pub fn recent_since(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.millis().saturating_sub(i64::try_from(RECENT.get()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rule: &str, verdict: &str, recent: bool, count: i64) -> RuleVerdicts {
        RuleVerdicts { kind: "insult".into(), rule: rule.into(), verdict: verdict.into(), recent, count }
    }

    #[test]
    fn precision_is_a_share_with_an_interval_and_a_rule_that_got_worse_comes_first() {
        let verdicts = [
            row("falls", "right", false, 40),
            row("falls", "right", true, 5),
            row("falls", "wrong", true, 15),
            row("good", "right", false, 9),
            row("good", "wrong", false, 1),
            row("few", "wrong", true, 1),
        ];
        let all = precision(&verdicts);
        let order: Vec<(&str, bool)> = all.iter().map(|one| (one.rule.as_str(), one.falling)).collect();
        assert_eq!(order, [("falls", true), ("few", false), ("good", false)]);
        let good = &all[2];
        assert!((good.share - 0.9).abs() < 1e-9 && good.between.0 > 0.6 && good.between.1 < 0.99, "{good:?}");
        // One verdict proves little: the truth may still be above a half.
        assert!(all[1].between.1 > 0.5, "{:?}", all[1]);
    }

    #[test]
    fn a_wrong_signal_is_no_label_and_a_missed_one_is() {
        let signal = |kind: &str, verdict: Option<&str>| JudgedSignal {
            conversation_id: "a".into(),
            utterance: 3,
            party: "customer".into(),
            channel: "call".into(),
            text: Some("ну и\tсервис".into()),
            kind: kind.into(),
            verdict: verdict.map(str::to_owned),
        };
        let signals =
            [signal("distrust", None), signal("insult", Some("wrong")), signal("not_heard", Some("missed"))];
        let written = write(&examples(&signals));
        let line = written.lines().nth(1).unwrap();
        assert_eq!(line, "customer\tcall\tну и сервис\tnot_heard,distrust\tinsult\tneg\tverdict");
        let erased = JudgedSignal { text: None, ..signal("insult", Some("wrong")) };
        assert_eq!(examples(&[erased]), []);
    }
}
