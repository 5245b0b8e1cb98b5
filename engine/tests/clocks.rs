//! The clocks of a case in a judged conversation: they ring only when asked to, each at its time.
#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

use gradus_engine::alert::Topic;
use gradus_engine::commitment::Reference;
use gradus_engine::event::CustomerFacts;
use gradus_engine::judge::{Conversation, Judge, Judged, Line, Notices, ToldBy};
use gradus_engine::notice::Noticed;
use gradus_engine::protocol::Protocol;
use gradus_engine::signal::{Channel, Found, Party, SignalKind};
use gradus_engine::time::{Millis, Timestamp};

/// «суд» is a threat, everything else is nothing.
struct Courts;

impl Notices for Courts {
    fn notice(&self, text: &str, _: Party, _: Channel, _: &Reference) -> Noticed {
        let found =
            Found { kind: SignalKind::LegalThreat, start: 0, end: 3, confidence: 90, rule: "суд".into() };
        let signals = if text == "суд" { vec![found] } else { Vec::new() };
        Noticed { signals, ..Noticed::default() }
    }
}

/// A conversation of lines at seconds.
fn talk(lines: &[(u64, &str)]) -> Conversation {
    let start = Timestamp::from_millis(1_795_510_800_000);
    let line = |(index, (second, text)): (u32, &(u64, &str))| Line {
        index,
        party: Party::Customer,
        start_ms: Some(second * 1000),
        at: Some(start.plus(Millis::seconds(*second))),
        text: (*text).to_owned(),
    };
    Conversation {
        channel: Channel::Call,
        customer: CustomerFacts::default(),
        customer_key: "a".to_owned(),
        started_at: Some(start),
        utc_offset_s: 0,
        lines: (0..).zip(lines).map(line).collect(),
        heard: Vec::new(),
    }
}

fn told(judged: &Judged) -> Vec<String> {
    let one = |told: &gradus_engine::judge::Told| {
        let why = match told.cause {
            ToldBy::Decision(utterance) => format!("decision {utterance}"),
            ToldBy::NoAnswer => "no answer".to_owned(),
            ToldBy::Overdue => "overdue".to_owned(),
            ToldBy::Clock => match told.alert.topic {
                Topic::Clock { clock, ring } => format!("{} {}", clock.name(), ring.name()),
                other => format!("{other:?}"),
            },
            ToldBy::Department => told.alert.department.clone().unwrap_or_default(),
        };
        format!("{} s: {} ({why})", told.at_ms / 1000, told.alert.role)
    };
    judged.told.iter().map(one).collect()
}

fn judged(clocks: bool, talk: &Conversation) -> Vec<String> {
    let protocol = Protocol::default_protocol().unwrap();
    let judge = Judge::new(&protocol, &Courts);
    let mut judge = if clocks { judge.with_clocks() } else { judge };
    told(&judge.conversation(talk))
}

#[test]
fn an_alert_that_nobody_answers_climbs_between_the_utterances_and_after_the_end() {
    let talk = talk(&[(0, "алло"), (10, "суд"), (45, "жду"), (60, "всё")]);
    assert_eq!(judged(false, &talk), ["10 s: supervisor (decision 1)", "10 s: department (legal)"]);
    let all = [
        "10 s: supervisor (decision 1)",
        "10 s: department (legal)",
        "40 s: substitute (no answer)",
        "100 s: director (no answer)",
        "190 s: supervisor (join breach)",
        "190 s: substitute (join breach)",
        "730 s: supervisor (first_response warning)",
        "910 s: supervisor (first_response breach)",
        "910 s: substitute (first_response breach)",
        "14410 s: department (Ask { ask: 1, late: true })",
        "14410 s: supervisor (Ask { ask: 1, late: true })",
        "23050 s: supervisor (resolve warning)",
        "28810 s: supervisor (overdue)",
    ];
    assert_eq!(judged(true, &talk), all);
}

#[test]
fn clocks_stand_still_where_there_is_no_case_or_no_time() {
    assert_eq!(judged(true, &talk(&[(0, "алло"), (900, "жду")])), [""; 0]);
    let mut untimed = talk(&[(0, "суд"), (900, "жду")]);
    untimed.started_at = None;
    for line in &mut untimed.lines {
        (line.at, line.start_ms) = (None, None);
    }
    assert_eq!(judged(true, &untimed), ["0 s: supervisor (decision 0)", "0 s: department (legal)"]);
}

#[test]
fn clocks_change_neither_decisions_nor_heat() {
    let protocol = Protocol::default_protocol().unwrap();
    let talk = talk(&[(0, "суд"), (400, "суд"), (90_000, "суд")]);
    let mut plain = Judge::new(&protocol, &Courts).conversation(&talk);
    let mut rung = Judge::new(&protocol, &Courts).with_clocks().conversation(&talk);
    assert!(rung.told.len() > plain.told.len());
    (plain.told, rung.told) = (Vec::new(), Vec::new());
    assert_eq!(plain, rung);
}
