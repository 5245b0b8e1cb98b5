//! Backtest: what another protocol would have decided on what was noticed then. It never detects again: it replays events.

use crate::decision::{Decision, DecisionKind};
use crate::effect::Effect;
use crate::event::Event;
use crate::protocol::Protocol;
use crate::step::{State, step};
use crate::time::Timestamp;

/// One conversation, replayed under one protocol.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    state: State,
    /// The decisions that bring somebody in or warn the customer, in the order in which they were made.
    pub decisions: Vec<Decision>,
}

impl Replay {
    /// Takes in the next event of the log. What people did stays as it was where the state allows it: they acted under the
    /// protocol of then.
    pub fn take(&mut self, protocol: &Protocol, event: &Event, at: Timestamp) {
        let before = self.state.clone();
        match step(protocol, std::mem::take(&mut self.state), event, at) {
            Ok((state, effects)) => {
                self.state = state;
                self.decisions.extend(effects.into_iter().filter_map(|effect| match effect {
                    Effect::Decided(decision) if calls_somebody(decision.decision) => Some(decision),
                    _ => None,
                }));
            }
            Err(_) => self.state = before,
        }
    }
}

fn calls_somebody(kind: DecisionKind) -> bool {
    !matches!(kind, DecisionKind::Watch | DecisionKind::Coach)
}

/// How a decision differs between two protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Only the new protocol decides it.
    Added,
    /// Only the old one does.
    Missed,
    /// Both do, the new one by this many utterances later (negative: earlier).
    Moved(i64),
}

/// Compares what two protocols decided on one conversation: the differences, each with its decision, by utterance.
pub fn compare(old: &[Decision], new: &[Decision]) -> Vec<(Difference, Decision)> {
    let same = |one: &Decision, other: &Decision| {
        (one.decision, one.reason, one.step) == (other.decision, other.reason, other.step)
    };
    let mut differences = Vec::new();
    let mut left: Vec<&Decision> = old.iter().collect();
    for decision in new {
        match left.iter().position(|known| same(known, decision)) {
            None => differences.push((Difference::Added, decision.clone())),
            Some(at) => {
                let known = left.remove(at);
                let later = i64::from(decision.utterance) - i64::from(known.utterance);
                if later != 0 {
                    differences.push((Difference::Moved(later), decision.clone()));
                }
            }
        }
    }
    differences.extend(left.into_iter().map(|decision| (Difference::Missed, decision.clone())));
    differences.sort_by_key(|(_, decision)| decision.utterance);
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{CustomerFacts, Said};
    use crate::notice::Noticed;
    use crate::signal::{Channel, Found, Party, SignalKind};

    fn replay(protocol: &Protocol, kinds: &[SignalKind]) -> Vec<Decision> {
        let mut replay = Replay::default();
        let start = Event::Started {
            channel: Channel::Call,
            customer: CustomerFacts::default(),
            history_before: None,
        };
        replay.take(protocol, &start, Timestamp::default());
        for (index, &kind) in (0..).zip(kinds) {
            let found = Found { kind, start: 0, end: 0, confidence: 100, rule: "test".into() };
            let noticed = Noticed { signals: vec![found], ..Noticed::default() };
            let said = Said { index, party: Party::Customer, start_ms: None, noticed };
            replay.take(protocol, &Event::Said(said), Timestamp::default());
        }
        replay.decisions
    }

    #[test]
    fn a_protocol_that_leaves_a_clause_out_misses_its_decision_and_keeps_the_rest() {
        let old = Protocol::default_protocol().unwrap();
        let text = include_str!("../protocol/default.toml")
            .replace("&& 'churn_threat' in signals", "&& 'churn_threat' in signals && heat_high");
        let new = Protocol::parse("draft.toml", &text).unwrap();
        let said = [SignalKind::ChurnThreat, SignalKind::LegalThreat];
        let found = compare(&replay(&old, &said), &replay(&new, &said));
        let names: Vec<_> =
            found.iter().map(|(difference, decision)| (*difference, decision.reason.name())).collect();
        assert_eq!(names, [(Difference::Missed, "churn")]);
    }

    #[test]
    fn a_decision_that_comes_later_has_moved() {
        let protocol = Protocol::default_protocol().unwrap();
        let early = replay(&protocol, &[SignalKind::LegalThreat]);
        let late = replay(&protocol, &[SignalKind::Outage, SignalKind::LegalThreat]);
        let moved: Vec<_> = compare(&early, &late).into_iter().map(|(difference, _)| difference).collect();
        assert_eq!(moved, [Difference::Moved(1), Difference::Moved(1)]);
    }
}
