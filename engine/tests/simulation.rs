//! A desk simulated with seeded faults: people act in any order, ticks are late or come twice, the server restarts and replays
//! its log. A seed that fails is printed and replays: `SEED=… cargo test -p gradus-engine --test simulation`.
#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

use std::collections::BTreeMap;

use gradus_engine::alert::Topic;
use gradus_engine::case::{Action, CaseChange, CaseState, Owner, Priority, Resolution, StaffId};
use gradus_engine::decision::Reason;
use gradus_engine::effect::Effect;
use gradus_engine::event::{CustomerFacts, Event, Said};
use gradus_engine::notice::{Cues, Noticed};
use gradus_engine::protocol::Protocol;
use gradus_engine::signal::{Channel, Found, Party, SignalKind};
use gradus_engine::step::{State, step};
use gradus_engine::time::{Millis, Timestamp};

/// Seeds of one run; `SEEDS` gives another number, for a night.
const SEEDS: u64 = 300;
/// Tuesday, 2026-11-24, 09:00 in Moscow.
const BEGIN: Timestamp = Timestamp::from_millis(1_795_500_000_000);

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        let at = usize::try_from(self.roll(things.len() as u64)).unwrap();
        &things[at]
    }
}

fn said(dice: &mut Dice, index: u32) -> Event {
    let customer = [
        SignalKind::LegalThreat,
        SignalKind::SupervisorRequest,
        SignalKind::Insult,
        SignalKind::Outage,
        SignalKind::Gratitude,
        SignalKind::Refusal,
        SignalKind::ReputationThreat,
    ];
    let agent = [
        SignalKind::SolutionOffer,
        SignalKind::Empathy,
        SignalKind::AbuseWarning,
        SignalKind::HangupWarning,
        SignalKind::Helplessness,
    ];
    let party = if dice.roll(2) == 0 { Party::Customer } else { Party::Agent };
    let kinds: &[SignalKind] = if party == Party::Customer { &customer } else { &agent };
    let kind = *dice.pick(kinds);
    let found = Found { kind, start: 0, end: 1, confidence: 90, rule: "simulated".into() };
    let cues = Cues { objects: dice.roll(3) == 0, ..Cues::default() };
    let signals = if dice.roll(3) == 0 { Vec::new() } else { vec![found] };
    Event::Said(Said {
        index,
        party,
        start_ms: None,
        noticed: Noticed { signals, cues, ..Noticed::default() },
    })
}

fn action(dice: &mut Dice, now: Timestamp) -> Action {
    let text_sha256 = "0".to_owned();
    let resolution = Resolution {
        reason: Reason::Legal,
        decision: "решили".into(),
        costs: Vec::new(),
        conclusion: if dice.roll(4) == 0 { String::new() } else { "вывод".into() },
    };
    match dice.roll(14) {
        0 => Action::Open,
        1 | 2 => Action::Acknowledge,
        3 | 4 => Action::TakeOver,
        5 => Action::HandOver { to: StaffId(format!("p{}", dice.roll(3))) },
        6 => Action::Inform { text_sha256, again_minutes: (dice.roll(2) == 0).then_some(30) },
        7 => Action::Wait { until: (dice.roll(2) == 0).then(|| now.plus(Millis::minutes(dice.roll(600)))) },
        8 => Action::Resume,
        9 => Action::Prioritise { priority: *dice.pick(&Priority::ALL) },
        10 => Action::Ask { department: (*dice.pick(&["legal", "billing", "moon"])).to_owned(), text_sha256 },
        11 => Action::Answer { ask: u32::try_from(dice.roll(4)).unwrap(), text_sha256 },
        12 => Action::Resolve { resolution },
        _ => Action::Reopen,
    }
}

/// Everything that a case promises, looked at after each event.
fn check(state: &State, now: Timestamp) {
    let Some(case) = &state.case else { return };
    if let CaseState::Resolved { resolution, .. } = &case.state {
        assert!(!resolution.conclusion.is_empty(), "closed without a conclusion");
        assert!(case.clocks.values().all(|clock| !clock.runs()), "a clock runs on in a closed case");
        return;
    }
    match &case.owner {
        Owner::Staff(staff) => assert!(!staff.0.is_empty(), "nobody owns it"),
        Owner::Role(role) => assert!(!role.is_empty(), "nobody owns it"),
    }
    assert!(case.wake_at <= case.due_at, "it would be looked at too late");
    assert!(case.due_at.millis() < i64::MAX / 2, "it is never due");
    if case.pause.is_some() {
        let owed = case.clocks.iter().filter(|(kind, _)| kind.rests_with_customer());
        assert!(
            owed.into_iter().all(|(_, clock)| !clock.runs()),
            "a clock runs while the customer is waited for"
        );
    }
    assert!(case.asks.iter().all(|ask| ask.at <= now), "asked in the future");
}

fn simulate(protocol: &Protocol, seed: u64) {
    let mut dice = Dice(seed);
    let mut now = BEGIN;
    let mut state = State::default();
    let mut log: Vec<(Event, Timestamp)> = Vec::new();
    let mut rung: BTreeMap<String, u32> = BTreeMap::new();
    let start =
        Event::Started { channel: Channel::Call, customer: CustomerFacts::default(), history_before: None };
    let mut next = start;
    let mut spoken = 0;
    for _ in 0..120 {
        if let Ok((after, effects)) = step(protocol, state.clone(), &next, now) {
            state = after;
            log.push((next.clone(), now));
            watch(&effects, &state, &mut rung);
            check(&state, now);
            if matches!(next, Event::Tick) {
                let (again, twice) = step(protocol, state.clone(), &Event::Tick, now).unwrap();
                assert!(twice.is_empty() && again == state, "a tick that comes twice does something twice");
            }
        }
        if dice.roll(10) == 0 {
            let mut replayed = State::default();
            for (event, at) in &log {
                replayed = step(protocol, replayed, event, *at).unwrap().0;
            }
            assert_eq!(replayed, state, "a restart forgets or invents something");
        }
        let wait = [1, 7, 31, 95, 400, 3_700, 30_000, 200_000];
        now = now.plus(Millis::seconds(*dice.pick(&wait)));
        next = match dice.roll(10) {
            0..3 => {
                spoken += 1;
                said(&mut dice, spoken)
            }
            3..7 => Event::Tick,
            7 if dice.roll(20) == 0 => Event::Ended,
            _ => Event::Acted { by: StaffId(format!("p{}", dice.roll(3))), action: action(&mut dice, now) },
        };
    }
}

/// Alerts that must not come: to a case that somebody has, or the same ring of one clock twice in a row.
fn watch(effects: &[Effect], state: &State, rung: &mut BTreeMap<String, u32>) {
    for effect in effects {
        match effect {
            Effect::Case(CaseChange::Climbed { .. }) => {
                let open = state.case.as_ref().is_some_and(|case| case.state == CaseState::Open);
                assert!(open, "an alert climbs that was answered");
            }
            Effect::Case(CaseChange::Rang { clock, ring, .. }) => {
                let count = rung.entry(format!("{} {}", clock.name(), ring.name())).or_default();
                *count += 1;
                assert!(
                    *count == 1,
                    "{} rang for {} twice without having run anew",
                    clock.name(),
                    ring.name()
                );
            }
            // What starts a clock anew lets it ring again.
            Effect::Case(
                CaseChange::Informed { .. }
                | CaseChange::Opened(_)
                | CaseChange::Moved { .. }
                | CaseChange::Prioritised { .. }
                | CaseChange::Raised { .. },
            ) => rung.clear(),
            Effect::Alert(alert) if alert.topic == Topic::Case => {
                assert!(!alert.role.is_empty(), "an alert calls nobody");
            }
            _ => {}
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a seed is given to a test by the environment")]
fn whatever_people_do_and_however_often_it_restarts_nothing_hangs_and_nothing_rings_twice() {
    let protocol = Protocol::default_protocol().unwrap();
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("SEED") {
        return simulate(&protocol, seed);
    }
    for seed in 0..number("SEEDS").unwrap_or(SEEDS) {
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| simulate(&protocol, seed)));
        assert!(played.is_ok(), "the simulation fails: run it again with SEED={seed}");
    }
}
