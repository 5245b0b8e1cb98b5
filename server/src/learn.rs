//! What the company's own conversations teach: which cooled down and when they turned, and what the agents' moves are worth.
//!
//! Both are honest about what they are: a test with stated lines, and a comparison of like moments that shows correlation, its
//! interval and how few cases it rests on. `docs/learn.md` has the formulas.

use std::collections::BTreeMap;

use gradus_engine::protocol::Protocol;
use gradus_engine::signal::{Group, Party, SignalKind};

use crate::store::{ConversationId, HeatRow, SaidRow};

/// Source of conversations that are played over and over for a demonstration: nobody learns from them.
pub const PLAYED: &str = "play";
/// Heat from which a conversation counts as hot here.
pub const HOT: i64 = 45;
/// Heat to which it has to come down by the end.
pub const COOL: i64 = 25;
/// From the turn on it stays below this.
const STAYS_BELOW: i64 = 30;

/// How a conversation turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turned {
    /// The hottest utterance and its heat.
    pub peak: (i64, i64),
    /// The first utterance from which heat stays low to the end.
    pub at: i64,
    /// Heat at the end.
    pub last: i64,
}

/// Says whether and where a heat curve turned: it reached 45, came down to 25 or less at the end, and stayed below 30 from the turn
/// on for at least two points.
pub fn turned(curve: &[HeatRow]) -> Option<Turned> {
    let peak = curve.iter().max_by_key(|point| (point.value, -point.utterance))?;
    let last = curve.last()?;
    if peak.value < HOT || last.value > COOL {
        return None;
    }
    let low = curve.iter().rev().take_while(|point| point.value < STAYS_BELOW).count();
    let turn = curve.get(curve.len().checked_sub(low)?)?;
    (low >= 2 && turn.utterance > peak.utterance).then_some(Turned {
        peak: (peak.utterance, peak.value),
        at: turn.utterance,
        last: last.value,
    })
}

/// Utterances before the turn whose moves are shown.
const BEFORE: i64 = 8;

/// Returns the agent's good moves between the peak and the turn.
pub fn moves(signals: &[(i64, SignalKind)], turned: Turned) -> Vec<SignalKind> {
    let from = turned.peak.0.max(turned.at - BEFORE);
    let mut kinds: Vec<SignalKind> = signals
        .iter()
        .filter(|(utterance, kind)| (from..=turned.at).contains(utterance) && is_good(*kind))
        .map(|(_, kind)| *kind)
        .collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

fn is_good(kind: SignalKind) -> bool {
    kind.party() == Party::Agent && kind.group() == Group::Good
}

/// Fewest cases on either side for an effect to be believed.
pub const FEW: usize = 30;
/// Customer utterances that follow a move and are looked at.
const NEXT: usize = 2;

/// What a move of the agents is worth here.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The move.
    pub kind: SignalKind,
    /// Degrees by which the customer's next two utterances are hotter (positive) or cooler than in like moments without the move.
    pub mean: f64,
    /// Half the width of the 95 % interval.
    pub half: f64,
    /// Moments with the move.
    pub with: usize,
    /// Like moments without it.
    pub without: usize,
}

impl Effect {
    /// Says whether the interval leaves out zero and there are cases enough.
    pub fn is_sure(&self) -> bool {
        self.mean.abs() > self.half && self.with >= FEW && self.without >= FEW
    }
}

/// A moment at which an agent spoke.
struct Moment {
    stratum: (String, i64),
    kinds: Vec<SignalKind>,
    outcome: f64,
}

/// Compares the moments with each move with like moments without it.
///
/// A moment is an utterance of an agent. Its outcome is what the customer's own signals in their next two utterances add to
/// heat by the protocol's weights: heat itself would not do, because the agents' moves lower it by definition. Like moments have
/// the same channel and the same ten degrees of heat before. The effect is the mean difference over the strata, each weighed by
/// its moments with the move; its variance is the sum of the strata's, s²/n of either side (Cochran 1968, stratified means).
/// Strata without two moments on both sides say nothing and are left out.
pub fn effects(protocol: &Protocol, rows: &[SaidRow]) -> Vec<Effect> {
    let moments = moments(protocol, rows);
    let mut kinds: Vec<SignalKind> = moments.iter().flat_map(|moment| moment.kinds.clone()).collect();
    kinds.sort();
    kinds.dedup();
    let mut effects: Vec<Effect> = kinds.into_iter().filter_map(|kind| effect(&moments, kind)).collect();
    effects.sort_by(|a, b| a.mean.total_cmp(&b.mean));
    effects
}

/// Outcomes of like moments: with the move, and without it.
type Sides = (Vec<f64>, Vec<f64>);

fn effect(moments: &[Moment], kind: SignalKind) -> Option<Effect> {
    let mut strata: BTreeMap<&(String, i64), Sides> = BTreeMap::new();
    for moment in moments {
        let sides = strata.entry(&moment.stratum).or_default();
        if moment.kinds.contains(&kind) { sides.0.push(moment.outcome) } else { sides.1.push(moment.outcome) }
    }
    let usable: Vec<&Sides> =
        strata.values().filter(|(with, without)| with.len() >= 2 && without.len() >= 2).collect();
    let with: usize = usable.iter().map(|(with, _)| with.len()).sum();
    if with == 0 {
        return None;
    }
    let (mut mean, mut variance) = (0.0, 0.0);
    for (one, other) in &usable {
        let weight = count(one.len()) / count(with);
        mean += weight * (average(one) - average(other));
        variance += weight * weight * (spread(one) / count(one.len()) + spread(other) / count(other.len()));
    }
    let without = usable.iter().map(|(_, without)| without.len()).sum();
    Some(Effect { kind, mean, half: 1.96 * variance.sqrt(), with, without })
}

#[expect(clippy::cast_precision_loss, reason = "counts of moments are far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len())
}

/// Returns the sample variance.
fn spread(values: &[f64]) -> f64 {
    let mean = average(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count(values.len() - 1)
}

/// A conversation: whose, on which channel, its utterances by number.
type Talk<'r> = (&'r ConversationId, &'r str, Vec<(i64, Line)>);

/// An utterance with all its signals.
struct Line {
    agent: bool,
    heat: i64,
    kinds: Vec<SignalKind>,
}

fn moments(protocol: &Protocol, rows: &[SaidRow]) -> Vec<Moment> {
    let mut talks: Vec<Talk<'_>> = Vec::new();
    for row in rows {
        if talks.last().is_none_or(|(id, ..)| **id != row.conversation_id) {
            talks.push((&row.conversation_id, &row.channel, Vec::new()));
        }
        let Some((.., lines)) = talks.last_mut() else { continue };
        if lines.last().is_none_or(|(utterance, _)| *utterance != row.utterance) {
            let line = Line { agent: row.party == Party::Agent.name(), heat: row.heat, kinds: Vec::new() };
            lines.push((row.utterance, line));
        }
        if let (Some((_, line)), Some(kind)) = (lines.last_mut(), row.kind.as_deref()) {
            line.kinds.extend(kind.parse::<SignalKind>());
        }
    }
    let mut moments = Vec::new();
    for (_, channel, lines) in &talks {
        for (at, (_, line)) in lines.iter().enumerate().filter(|(_, (_, line))| line.agent) {
            let before = at.checked_sub(1).and_then(|at| lines.get(at)).map_or(0, |(_, line)| line.heat);
            let next = lines.iter().skip(at + 1).filter(|(_, line)| !line.agent).take(NEXT);
            let next: Vec<&Line> = next.map(|(_, line)| line).collect();
            if next.is_empty() {
                continue;
            }
            let heat =
                next.iter().flat_map(|line| &line.kinds).map(|kind| f64::from(protocol.heat.weight(*kind)));
            let kinds = line.kinds.iter().copied().filter(|kind| kind.party() == Party::Agent).collect();
            moments.push(Moment {
                stratum: ((*channel).to_owned(), before / 10),
                kinds,
                outcome: heat.sum(),
            });
        }
    }
    moments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(values: &[i64]) -> Vec<HeatRow> {
        let row = |(utterance, value): (i64, &i64)| HeatRow {
            utterance,
            at_ms: utterance,
            value: *value,
            causes: "[]".into(),
        };
        (0..).zip(values).map(row).collect()
    }

    #[test]
    fn a_conversation_turned_where_heat_stays_low_to_the_end() {
        let found =
            |values: &[i64]| turned(&curve(values)).map(|turned| (turned.peak, turned.at, turned.last));
        assert_eq!(found(&[10, 50, 40, 28, 20, 5]), Some(((1, 50), 3, 5)));
        assert_eq!(found(&[10, 50, 28, 45, 20, 5]), Some(((1, 50), 4, 5)), "it flared up again");
        assert_eq!(found(&[10, 44, 28, 20, 5]), None, "never hot");
        assert_eq!(found(&[10, 60, 28, 26]), None, "not cool at the end");
        assert_eq!(found(&[10, 60, 5]), None, "one point is no calm");
        assert_eq!(found(&[]), None);
    }

    /// Two strata with a known effect: −6 in each, whatever the mix; the interval from an independent computation.
    #[test]
    fn the_effect_of_a_move_is_the_mean_difference_of_like_moments() {
        let protocol = Protocol::default_protocol().unwrap_or_else(|error| panic!("{error}"));
        let weight = |kind: SignalKind| i64::from(protocol.heat.weight(kind));
        assert_eq!((weight(SignalKind::Outage), weight(SignalKind::Acceptance)), (8, -14));
        let mut rows = Vec::new();
        let mut say = |talk: &str, utterance: i64, party: &str, heat: i64, kind: Option<&str>| {
            rows.push(SaidRow {
                conversation_id: talk.into(),
                utterance,
                party: party.into(),
                channel: "call".into(),
                heat,
                kind: kind.map(str::to_owned),
            });
        };
        for (band, heat) in [(0, 5), (1, 55)] {
            // With empathy: −14 and 8; without it: 8 and 8.
            for (number, (empathy, answer)) in
                [(true, "acceptance"), (true, "outage"), (false, "outage"), (false, "outage")]
                    .into_iter()
                    .enumerate()
            {
                let talk = format!("t{band}{number}");
                say(&talk, 0, "customer", heat, None);
                say(&talk, 1, "agent", heat, empathy.then_some("empathy"));
                say(&talk, 2, "customer", heat, Some(answer));
            }
        }
        let found = effects(&protocol, &rows);
        assert_eq!(found.len(), 1, "{found:?}");
        let effect = &found[0];
        // Mean with: −3; without: 8. Variance with: ((−11)² + 11²) / 1 = 242, of each stratum 242/2 · 1/4, two strata: 60.5.
        assert_eq!(
            (effect.kind, effect.mean, effect.with, effect.without),
            (SignalKind::Empathy, -11.0, 4, 4)
        );
        assert!((effect.half - 1.96 * 60.5_f64.sqrt()).abs() < 1e-9, "{effect:?}");
        assert!(!effect.is_sure(), "four cases are few");
    }
}
