//! What was decided before a conversation came in: written down, but nobody is told and no clock runs.
#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

use gradus_engine::case::{Action, CaseState, Priority, Resolution, StaffId};
use gradus_engine::decision::{DecisionKind, Reason};
use gradus_engine::effect::Effect;
use gradus_engine::event::{CustomerFacts, Event, Said};
use gradus_engine::incident::{IncidentWatch, Reporter};
use gradus_engine::notice::Noticed;
use gradus_engine::protocol::Protocol;
use gradus_engine::signal::{Channel, Found, Party, SignalKind};
use gradus_engine::step::{State, step};
use gradus_engine::time::{Millis, Timestamp};

const HOUR: i64 = 3_600_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millis(hours * HOUR)
}

struct Story {
    protocol: Protocol,
    state: State,
    said: u32,
}

impl Story {
    fn begun(history_before: Option<Timestamp>) -> Self {
        let protocol = Protocol::default_protocol().unwrap();
        let mut story = Self { protocol, state: State::default(), said: 0 };
        let customer = CustomerFacts::default();
        story.take(&Event::Started { channel: Channel::Call, customer, history_before }, at(0));
        story
    }

    fn take(&mut self, event: &Event, now: Timestamp) -> Vec<Effect> {
        let (state, effects) = step(&self.protocol, self.state.clone(), event, now).unwrap();
        self.state = state;
        effects
    }

    /// The customer threatens; what follows beside the curve, in one word each.
    fn threat(&mut self, kind: SignalKind, now: Timestamp) -> Vec<&'static str> {
        let found = Found { kind, start: 0, end: 3, confidence: 90, rule: "test".to_owned() };
        let noticed = Noticed { signals: vec![found], ..Noticed::default() };
        let said = Said { index: self.said, party: Party::Customer, start_ms: None, noticed };
        self.said += 1;
        self.take(&Event::Said(said), now).iter().filter_map(word).collect()
    }

    fn act(&mut self, action: Action, now: Timestamp) -> Vec<Effect> {
        self.take(&Event::Acted { by: StaffId("anna".to_owned()), action }, now)
    }

    fn tick(&mut self, now: Timestamp) -> Vec<&'static str> {
        self.take(&Event::Tick, now).iter().filter_map(word).collect()
    }
}

fn word(effect: &Effect) -> Option<&'static str> {
    match effect {
        Effect::Decided(decision) => Some(decision.decision.name()),
        Effect::Case(_) => Some("case"),
        Effect::Alert(_) => Some("alert"),
        _ => None,
    }
}

#[test]
fn what_was_decided_before_the_import_opens_no_case_and_what_comes_after_does() {
    let mut story = Story::begun(Some(at(10)));
    assert_eq!(story.threat(SignalKind::LegalThreat, at(1)), ["engage_now", "functional"]);
    assert_eq!((story.state.case.clone(), story.state.passed_over), (None, Some(DecisionKind::EngageNow)));
    assert_eq!(story.tick(at(20)), [""; 0]);
    let fresh = story.threat(SignalKind::ReputationThreat, at(11));
    assert_eq!(
        fresh,
        ["engage_now", "functional", "case", "alert", "case", "alert"],
        "the case, and public relations"
    );
    let mut live = Story::begun(None);
    let court = live.threat(SignalKind::LegalThreat, at(1));
    assert_eq!(
        court,
        ["engage_now", "functional", "case", "alert", "case", "alert"],
        "the case, and the lawyers"
    );
}

#[test]
fn a_case_that_a_person_opens_on_history_is_as_pressing_as_the_protocol_would_have_made_it() {
    let mut story = Story::begun(Some(at(10)));
    story.threat(SignalKind::LegalThreat, at(1));
    story.act(Action::Open, at(100));
    let case = story.state.case.clone().unwrap();
    assert_eq!((case.priority, case.opened_at), (Priority::Urgent, at(100)));
}

#[test]
fn an_entered_case_keeps_its_times_and_its_clock_begins_when_it_is_entered() {
    let enter = |due_at| Action::Enter { entered_at: at(100), due_at };
    let mut story = Story::begun(Some(at(90)));
    story.threat(SignalKind::LegalThreat, at(1));
    story.act(enter(None), at(2));
    story.act(Action::TakeOver, at(3));
    let case = story.state.case.clone().unwrap();
    assert_eq!((case.opened_at, case.due_at, case.priority), (at(2), at(108), Priority::Urgent));
    assert_eq!(story.tick(at(106)), [""; 0]);
    assert_eq!(story.tick(at(107)), ["case", "alert"], "four fifths of the time are over");
    assert_eq!(story.tick(at(109)), ["case", "alert"], "overdue like any other");

    let mut agreed = Story::begun(Some(at(90)));
    agreed.act(enter(Some(at(200))), at(2));
    assert_eq!(agreed.state.case.clone().unwrap().due_at, at(200));
    assert_eq!(agreed.tick(at(150)), [""; 0], "nobody was alerted, so nothing climbs");
    agreed.act(Action::HandOver { to: StaffId("boris".to_owned()) }, at(160));
    assert_eq!(agreed.tick(at(161)), ["case", "alert", "case"], "what is handed over now waits from now");
}

#[test]
fn a_resolution_of_former_times_closes_the_case_at_its_own_time() {
    let mut story = Story::begun(Some(at(90)));
    story.act(Action::Enter { entered_at: at(100), due_at: None }, at(2));
    let resolution = Resolution {
        reason: Reason::Legal,
        decision: "вернули деньги".to_owned(),
        costs: Vec::new(),
        conclusion: "проверять счёт".to_owned(),
    };
    story.act(Action::Resolve { resolution }, at(5));
    let state = story.state.case.clone().unwrap().state;
    assert!(matches!(state, CaseState::Resolved { at: when, .. } if when == at(5)), "{state:?}");
    assert_eq!(story.tick(at(500)), [""; 0]);
}

#[test]
fn the_log_of_before_history_was_known_is_still_read() {
    let old = r#"{"event":"started","channel":"call","customer":{}}"#;
    let event: Event = serde_json::from_str(old).unwrap();
    assert!(matches!(event, Event::Started { history_before: None, .. }));
    assert_eq!(
        serde_json::to_string(&event).unwrap(),
        r#"{"event":"started","channel":"call","customer":{"revenue_rank":null,"growth_rank":null,"recent_contacts":0,"marked":false}}"#
    );
}

#[test]
fn recordings_of_one_hour_make_an_incident_in_any_order_and_years_apart_none() {
    let rules = Protocol::default_protocol().unwrap().incident;
    let minutes = |count: u64| at(0).plus(Millis::minutes(count));
    let opened = |times: [u64; 3]| {
        let mut watch = IncidentWatch::default();
        let report = |watch: &mut IncidentWatch, (who, when): (&str, u64)| {
            watch
                .report(
                    &rules,
                    Reporter { customer: who, conversation: who, utterance: 0 },
                    (SignalKind::Outage, &[7]),
                    minutes(when),
                )
                .is_some()
        };
        ["a", "b", "c"].into_iter().zip(times).any(|one| report(&mut watch, one))
    };
    assert!(opened([0, 20, 40]) && opened([40, 0, 20]));
    assert!(!opened([100_000, 0, 100_020]) && !opened([100_000, 100_020, 0]));
}
