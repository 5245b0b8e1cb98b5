//! Backtest: what another protocol would have decided on what was noticed then. It never detects again: it replays events.

use crate::case::{CaseChange, Ring};
use crate::decision::{Decision, DecisionKind};
use crate::effect::Effect;
use crate::event::Event;
use crate::protocol::Protocol;
use crate::step::{State, step};
use crate::time::Timestamp;

/// How the clocks and the alert ladder of a protocol would have gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Alerts given to anybody, repeats among them.
    pub alerts: u32,
    /// Alerts that went past the first step of the ladder.
    pub climbed: u32,
    /// Clocks that warned.
    pub warned: u32,
    /// Clocks whose time was over.
    pub breached: u32,
}

/// Alerts by clock of one conversation that are simulated: a case that nobody of then answered would remind for ever.
const MOST_TICKS: u32 = 24;

/// One conversation, replayed under one protocol.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    state: State,
    ticks: u32,
    /// The decisions that bring somebody in or warn the customer, in the order in which they were made.
    pub decisions: Vec<Decision>,
    /// Clocks and alerts.
    pub tally: Tally,
}

impl Replay {
    /// Takes in the next event of the log, after what the clocks did until then. What people did stays as it was where the
    /// state allows it: they acted under the protocol of then.
    pub fn take(&mut self, protocol: &Protocol, event: &Event, at: Timestamp) {
        self.run_clocks(protocol, at);
        self.step(protocol, event, at);
    }

    /// Lets the clocks run up to, and without, a moment.
    pub fn run_clocks(&mut self, protocol: &Protocol, until: Timestamp) {
        while self.ticks < MOST_TICKS {
            let wakes = self.state.case.as_ref().and_then(crate::alert::wake_at);
            let Some(at) = wakes.filter(|at| *at < until) else { return };
            self.ticks += 1;
            self.step(protocol, &Event::Tick, at);
        }
    }

    /// Says whether nothing more is to come of it: the conversation is over, and so is its case if there is one.
    pub fn is_over(&self) -> bool {
        self.state.ended && self.state.case.as_ref().is_none_or(|case| case.state.is_over())
    }

    fn step(&mut self, protocol: &Protocol, event: &Event, at: Timestamp) {
        // A person acted: the clocks that follow are those of a case that somebody has.
        if matches!(event, Event::Acted { .. }) {
            self.ticks = 0;
        }
        let before = self.state.clone();
        match step(protocol, std::mem::take(&mut self.state), event, at) {
            Ok((state, effects)) => {
                self.state = state;
                for effect in effects {
                    self.follow(effect);
                }
            }
            Err(_) => self.state = before,
        }
    }

    fn follow(&mut self, effect: Effect) {
        match effect {
            Effect::Decided(decision) if calls_somebody(decision.decision) => self.decisions.push(decision),
            Effect::Alert(_) => self.tally.alerts += 1,
            Effect::Case(CaseChange::Climbed { step, .. }) if step > 0 => self.tally.climbed += 1,
            Effect::Case(CaseChange::Rang { ring: Ring::Warning, .. }) => self.tally.warned += 1,
            Effect::Case(CaseChange::Rang { ring: Ring::Breach, .. } | CaseChange::Overdue { .. }) => {
                self.tally.breached += 1;
            }
            _ => {}
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
    fn another_ladder_and_other_clocks_are_simulated_on_what_people_did_then() {
        let old = Protocol::default_protocol().unwrap();
        let slow = include_str!("../protocol/default.toml")
            .replacen("after_seconds = 30", "after_seconds = 300", 1)
            .replacen("after_seconds = 90", "after_seconds = 900", 1);
        let new = Protocol::parse("draft.toml", &slow).unwrap();
        let at = |seconds: i64| Timestamp::from_millis(1_794_819_600_000 + seconds * 1_000);
        let run = |protocol: &Protocol| {
            let mut replay = Replay::default();
            let customer = CustomerFacts::default();
            let start = Event::Started { channel: Channel::Call, customer, history_before: None };
            replay.take(protocol, &start, at(0));
            let kind = SignalKind::LegalThreat;
            let found = Found { kind, start: 0, end: 0, confidence: 100, rule: "test".into() };
            let noticed = Noticed { signals: vec![found], ..Noticed::default() };
            let said = Said { index: 0, party: Party::Customer, start_ms: None, noticed };
            replay.take(protocol, &Event::Said(said), at(1));
            let by = crate::case::StaffId("olga".into());
            replay.take(protocol, &Event::Acted { by, action: crate::case::Action::Acknowledge }, at(61));
            replay.tally
        };
        assert_eq!((run(&old).climbed, run(&new).climbed), (1, 0), "answered after a minute");
        assert_eq!(run(&old).alerts, run(&new).alerts + 1);
    }

    #[test]
    fn a_case_that_nobody_of_then_answered_does_not_remind_for_ever() {
        let protocol = Protocol::default_protocol().unwrap();
        let mut replay = Replay::default();
        let by = crate::case::StaffId("olga".into());
        replay.take(&protocol, &Event::Acted { by, action: crate::case::Action::Open }, Timestamp::default());
        replay.run_clocks(&protocol, Timestamp::from_millis(i64::MAX / 4));
        assert!(replay.tally.alerts <= 2 * MOST_TICKS, "{:?}", replay.tally);
        assert!(!replay.is_over());
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
