//! What a case owes: clocks in working time, waiting for the customer, other departments, escalation by clock.
#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

use gradus_engine::alert::{Alert, Topic};
use gradus_engine::case::{
    Action, Case, CaseChange, CaseName, CaseState, ClockKind, Priority, Refusal, Ring, StaffId,
};
use gradus_engine::decision::{DecisionKind, Reason};
use gradus_engine::effect::Effect;
use gradus_engine::event::{CustomerFacts, Event, Said};
use gradus_engine::notice::{Cues, Noticed};
use gradus_engine::protocol::Protocol;
use gradus_engine::signal::{Channel, Found, Party, SignalKind};
use gradus_engine::step::{State, step};
use gradus_engine::time::{Millis, Timestamp};
use jiff::tz::TimeZone;

/// A point in time by the clock of Moscow; 2026-11-24 is a Tuesday.
fn at(text: &str) -> Timestamp {
    let local: jiff::civil::DateTime = text.parse().unwrap();
    let zone = TimeZone::get("Europe/Moscow").unwrap();
    Timestamp::from_millis(zone.to_ambiguous_timestamp(local).compatible().unwrap().as_millisecond())
}

struct Story {
    protocol: Protocol,
    state: State,
    said: u32,
}

impl Story {
    fn begun(text: &str) -> Self {
        let protocol = Protocol::default_protocol().unwrap();
        let mut story = Self { protocol, state: State::default(), said: 0 };
        let customer = CustomerFacts::default();
        story.take(&Event::Started { channel: Channel::Chat, customer, history_before: None }, text);
        story
    }

    fn take(&mut self, event: &Event, when: &str) -> Vec<Effect> {
        let (state, effects) = step(&self.protocol, self.state.clone(), event, at(when)).unwrap();
        self.state = state;
        effects
    }

    fn says(&mut self, party: Party, kinds: &[SignalKind], cues: Cues, when: &str) -> Vec<Effect> {
        let found =
            |kind: &SignalKind| Found { kind: *kind, start: 0, end: 1, confidence: 90, rule: "t".into() };
        let noticed = Noticed { signals: kinds.iter().map(found).collect(), cues, ..Noticed::default() };
        let said = Said { index: self.said, party, start_ms: None, noticed };
        self.said += 1;
        self.take(&Event::Said(said), when)
    }

    fn act(&mut self, action: Action, when: &str) -> Result<Vec<Effect>, Refusal> {
        let event = Event::Acted { by: StaffId("olga".into()), action };
        let (state, effects) = step(&self.protocol, self.state.clone(), &event, at(when))?;
        self.state = state;
        Ok(effects)
    }

    fn tick(&mut self, when: &str) -> Vec<String> {
        alerts(&self.take(&Event::Tick, when))
    }

    fn case(&self) -> &Case {
        self.state.case.as_ref().unwrap()
    }

    fn due(&self, clock: ClockKind) -> Option<Timestamp> {
        self.case().clocks[&clock].due_at()
    }

    /// A case that the agent's «этим занимаются инженеры» opens on Tuesday at four.
    fn handed_to_engineers() -> Self {
        let mut story = Self::begun("2026-11-24T16:00");
        story.says(Party::Customer, &[SignalKind::Outage], Cues::default(), "2026-11-24T16:00");
        let cues = Cues { hands_over: true, ..Cues::default() };
        let effects = story.says(Party::Agent, &[], cues, "2026-11-24T16:00");
        assert_eq!(alerts(&effects), ["department technical asked"]);
        story
    }
}

/// «role [person or department] topic».
fn alerts(effects: &[Effect]) -> Vec<String> {
    let one = |effect: &Effect| match effect {
        Effect::Alert(Alert { role, to, department, topic, .. }) => {
            let whom = to.as_ref().map(|to| to.0.clone()).or_else(|| department.clone());
            let about = match topic {
                Topic::CauseGone => "cause gone".to_owned(),
                Topic::Case => "case".to_owned(),
                Topic::Clock { clock, ring: Ring::Warning } => format!("{} soon", clock.name()),
                Topic::Clock { clock, ring: Ring::Breach } => format!("{} over", clock.name()),
                Topic::Ask { late: false, .. } => "asked".to_owned(),
                Topic::Ask { .. } => "unanswered".to_owned(),
                Topic::Answer { .. } => "answered".to_owned(),
                Topic::WaitedInVain => "in vain".to_owned(),
            };
            Some([Some(role.clone()), whom, Some(about)].into_iter().flatten().collect::<Vec<_>>().join(" "))
        }
        _ => None,
    };
    effects.iter().filter_map(one).collect()
}

fn informed() -> Action {
    Action::Inform { text_sha256: "0".into(), again_minutes: None }
}

#[test]
fn a_matter_of_another_department_opens_a_case_that_calls_no_supervisor_but_keeps_its_clocks() {
    let mut story = Story::handed_to_engineers();
    let case = story.case();
    assert_eq!((&case.state, case.priority, case.waits_since), (&CaseState::Open, Priority::Normal, None));
    assert_eq!(case.asks[0].due_at, at("2026-11-24T19:00"), "the engineers answer round the clock");
    assert_eq!(story.due(ClockKind::FirstResponse), Some(at("2026-11-25T11:00")), "four hours of the office");
    assert_eq!(story.tick("2026-11-24T18:59"), [""; 0]);
    assert_eq!(story.tick("2026-11-24T19:00"), ["department technical unanswered", "supervisor unanswered"]);
    assert_eq!(story.tick("2026-11-25T00:00"), [""; 0], "nothing rings at midnight");
    assert_eq!(story.tick("2026-11-25T10:12"), ["supervisor first_response soon"]);
    assert_eq!(
        story.tick("2026-11-25T11:00"),
        ["supervisor first_response over", "substitute first_response over"]
    );
}

#[test]
fn the_department_answers_and_the_owner_hears_of_it() {
    let mut story = Story::handed_to_engineers();
    story.act(Action::TakeOver, "2026-11-24T16:30").unwrap();
    let answer = Action::Answer { ask: 1, text_sha256: "0".into() };
    let answered = story.act(answer.clone(), "2026-11-24T17:00").unwrap();
    assert_eq!(alerts(&answered), ["supervisor olga answered"]);
    assert_eq!(story.act(answer, "2026-11-24T17:01"), Err(Refusal::NotAsked(1)));
    assert_eq!(story.tick("2026-11-24T19:00"), [""; 0]);
    let ask = |department: &str| Action::Ask { department: department.into(), text_sha256: "0".into() };
    assert_eq!(story.act(ask("cooks"), "2026-11-24T17:02"), Err(Refusal::NoDepartment("cooks".into())));
    let asked = story.act(ask("billing"), "2026-11-24T17:03").unwrap();
    assert_eq!(alerts(&asked), ["department billing asked"]);
    assert_eq!(story.act(ask("billing"), "2026-11-24T17:04"), Err(Refusal::AlreadyAsked("billing".into())));
    assert_eq!(story.case().followers, [StaffId("olga".into())], "who escalates stays on the case");
}

#[test]
fn the_customer_is_never_left_in_the_dark() {
    let mut story = Story::handed_to_engineers();
    story.act(Action::Acknowledge, "2026-11-24T16:30").unwrap();
    story.act(informed(), "2026-11-24T17:00").unwrap();
    assert!(story.case().met(ClockKind::FirstResponse));
    assert_eq!(story.due(ClockKind::NextUpdate), Some(at("2026-11-25T16:00")), "eight working hours later");
    let promised = Action::Inform { text_sha256: "0".into(), again_minutes: Some(30) };
    story.act(promised, "2026-11-24T17:10").unwrap();
    assert_eq!(story.due(ClockKind::NextUpdate), Some(at("2026-11-24T17:40")), "what was promised counts");
    assert_eq!(story.tick("2026-11-24T17:34"), ["supervisor olga next_update soon"]);
    assert_eq!(
        story.tick("2026-11-24T17:40"),
        ["supervisor olga next_update over", "substitute next_update over"]
    );
    story.act(informed(), "2026-11-24T17:41").unwrap();
    assert!(!story.case().clocks[&ClockKind::NextUpdate].breached(), "the next word has a clock of its own");
}

#[test]
fn waiting_for_the_customer_stops_what_is_owed_to_them_until_they_are_back() {
    let mut story = Story::handed_to_engineers();
    assert_eq!(story.act(Action::Wait { until: None }, "2026-11-24T16:10"), Err(Refusal::NotTaken));
    story.act(Action::TakeOver, "2026-11-24T16:30").unwrap();
    story.act(informed(), "2026-11-24T16:30").unwrap();
    let resolve_before = story.due(ClockKind::Resolve).unwrap();
    let past = Action::Wait { until: Some(at("2026-11-24T16:00")) };
    assert_eq!(story.act(past, "2026-11-24T17:00"), Err(Refusal::InThePast));
    story.act(Action::Wait { until: None }, "2026-11-24T17:00").unwrap();
    assert_eq!(story.act(Action::Wait { until: None }, "2026-11-24T17:00"), Err(Refusal::AlreadyWaiting));
    assert_eq!((story.due(ClockKind::NextUpdate), story.due(ClockKind::Resolve)), (None, None));
    story.says(Party::Customer, &[], Cues::default(), "2026-11-25T10:00");
    assert_eq!(story.case().pause, None, "the customer writes: nobody waits any longer");
    // An hour of Tuesday and an hour of Wednesday were waited.
    assert_eq!(story.due(ClockKind::Resolve), Some(resolve_before.plus(Millis::minutes(120))));
    assert_eq!(story.act(Action::Resume, "2026-11-25T10:01"), Err(Refusal::NotWaiting));
    assert_eq!(
        story.tick("2026-11-25T10:02"),
        ["department technical unanswered", "supervisor olga unanswered"]
    );
    story.act(Action::Wait { until: Some(at("2026-11-25T12:00")) }, "2026-11-25T11:00").unwrap();
    assert_eq!(story.case().due_at, at("2026-11-25T12:00"), "what waits has a next due time too");
    assert_eq!(story.tick("2026-11-25T12:00"), ["supervisor olga in vain"]);
    assert!(story.case().clocks[&ClockKind::Resolve].runs());
}

#[test]
fn another_priority_gives_other_limits_and_keeps_what_was_spent() {
    let mut story = Story::handed_to_engineers();
    story.act(Action::TakeOver, "2026-11-24T16:30").unwrap();
    story.act(informed(), "2026-11-24T17:00").unwrap();
    story.act(Action::Prioritise { priority: Priority::Urgent }, "2026-11-24T18:00").unwrap();
    assert_eq!(story.due(ClockKind::Resolve), Some(at("2026-11-25T00:00")), "two of eight hours are spent");
    assert_eq!(story.due(ClockKind::NextUpdate), Some(at("2026-11-24T18:00")), "the hour is over already");
    assert_eq!(
        story.tick("2026-11-24T18:00"),
        [""; 0],
        "that it is over with the change is no surprise: the clock shows it, nobody is called"
    );
    assert!(story.case().clocks[&ClockKind::NextUpdate].breached());
}

#[test]
fn escalation_by_clock_brings_a_supervisor_once_and_reminds_after_each_further_time() {
    let mut story = Story::handed_to_engineers();
    story.act(Action::TakeOver, "2026-11-24T16:30").unwrap();
    story.act(Action::Answer { ask: 1, text_sha256: "0".into() }, "2026-11-24T16:31").unwrap();
    let later = Action::Inform { text_sha256: "0".into(), again_minutes: Some(100_000) };
    story.act(later, "2026-11-24T16:32").unwrap();
    // 24 working hours after Tuesday, 16:00.
    let over = "2026-11-27T13:00";
    assert_eq!(story.due(ClockKind::Resolve), Some(at(over)));
    story.tick("2026-11-27T12:59");
    let effects = story.take(&Event::Tick, over);
    let decided = effects.iter().find_map(|effect| match effect {
        Effect::Decided(decision) => Some((decision.decision, decision.reason, decision.clause.clone())),
        _ => None,
    });
    assert_eq!(decided, Some((DecisionKind::Engage, Reason::Clock, "2.4".into())));
    assert_eq!(alerts(&effects), ["supervisor resolve over"]);
    assert_eq!(story.tick("2026-11-27T13:01"), [""; 0]);
    let again = story.take(&Event::Tick, "2026-12-02T13:00");
    assert_eq!(alerts(&again), ["supervisor resolve over"]);
    assert!(!again.iter().any(|effect| matches!(effect, Effect::Decided(_))), "the decision was made once");
}

#[test]
fn less_pressing_alerts_climb_more_slowly_and_pass_nobody_over() {
    let mut story = Story::begun("2026-11-24T12:00");
    for second in 0..3 {
        let when = format!("2026-11-24T12:00:{:02}", second * 4);
        story.says(Party::Agent, &[SignalKind::SolutionOffer], Cues::default(), &when);
        let kinds = [SignalKind::Refusal, SignalKind::SupervisorRequest];
        story.says(Party::Customer, &kinds, Cues { objects: true, ..Cues::default() }, &when);
    }
    assert_eq!(story.case().priority, Priority::High);
    let since = story.case().waits_since.unwrap();
    let tick = |story: &mut Story, seconds: u64| {
        let (state, effects) =
            step(&story.protocol, story.state.clone(), &Event::Tick, since.plus(Millis::seconds(seconds)))
                .unwrap();
        story.state = state;
        alerts(&effects)
    };
    assert_eq!(tick(&mut story, 299), [""; 0]);
    assert_eq!(tick(&mut story, 300), ["substitute case"]);
    assert_eq!(tick(&mut story, 899), [""; 0]);
    assert_eq!(tick(&mut story, 900), ["director case"]);
}

#[test]
fn the_agent_is_told_what_fits_the_moment() {
    let mut story = Story::begun("2026-11-24T12:00");
    let hints = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Hinted { hints, .. } => Some(hints.clone()),
            _ => None,
        })
    };
    let court = story.says(Party::Customer, &[SignalKind::LegalThreat], Cues::default(), "2026-11-24T12:00");
    assert_eq!(hints(&court), Some(vec!["legal".to_owned()]));
    let listens = story.says(Party::Agent, &[SignalKind::Empathy], Cues::default(), "2026-11-24T12:00:05");
    assert_eq!(hints(&listens), None, "what is being read does not vanish while the agent speaks");
    assert_eq!(story.state.conversation.hints(), ["legal"]);
    let slip = story.says(Party::Agent, &[SignalKind::PolicyShield], Cues::default(), "2026-11-24T12:00:09");
    assert_eq!(hints(&slip), Some(vec!["forbidden".to_owned()]));
}

/// What a company can get wrong in the file, and where it is told.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn impossible_service_is_refused_with_the_line_and_the_cure() {
    let default = gradus_engine::protocol::DEFAULT_TEXT;
    let rows: &[(&str, &str, &str)] = &[
        (
            "zone = \"Europe/Moscow\"",
            "zone = \"Moscow\"",
            "unknown time zone \"Moscow\": write it as Europe/Moscow",
        ),
        ("holidays = \"russia\"", "holidays = \"mars\"", "unknown holidays \"mars\": one of russia, none"),
        ("mon = \"09:00-18:00\"", "mon = \"18:00-09:00\"", "ends before it begins: split it at midnight"),
        (
            "calendar = \"office\"\nfirst",
            "calendar = \"bureau\"\nfirst",
            "unknown calendar \"bureau\": one of always, office",
        ),
        (
            "priority = \"high\"",
            "priority = \"huge\"",
            "unknown priority \"huge\": one of normal, high, urgent",
        ),
        ("resolve_minutes = 960", "resolve_minutes = 0", "zero minutes to resolve"),
        (
            "first_response_minutes = 60\n",
            "first_response_minutes = 6000\n",
            "the first response may come later than the resolution",
        ),
        ("warn_percent = 80", "warn_percent = 0", "after 1 to 100 per cent"),
        ("reasons = [\"legal\"]", "reasons = [\"cooking\"]", "unknown reason \"cooking\""),
        ("answer_minutes = 180", "answer_minutes = 0", "zero minutes to answer"),
        (
            "unit = \"percent\"",
            "unit = \"pounds\"",
            "unknown unit \"pounds\": one of percent, money, days, times",
        ),
        (
            "limit = { agent = 10, supervisor = 30, director = 100 }",
            "limit = { agent = 40, supervisor = 30 }",
            "an agent may grant more than a supervisor",
        ),
        (
            "limit = { agent = 10, supervisor = 30, director = 100 }",
            "limit = { agent = 10, cook = 30 }",
            "unknown role \"cook\"",
        ),
        ("uses = 1\ndays = 90", "uses = 1\ndays = 0", "within how many days?"),
        ("currency = \"RUB\"\nlimit", "currency = \"руб\"\nlimit", "money needs a currency such as RUB"),
        ("id = \"deferral\"", "id = \"discount\"", "authority discount stands twice"),
        (
            "text = \"{клиент}, это {сотрудник}.",
            "text = \"{клиент}, это {директор}.",
            "unknown {директор}: one of клиент",
        ),
        (
            "when = \"party == 'agent' && ('dismissal'",
            "when = \"party == 'agent' && (anger || 'dismissal'",
            "unknown variable \"anger\"",
        ),
        ("join_now_seconds = 180", "join_now_seconds = -1", "invalid value"),
        ("acknowledge_seconds = 300", "acknowledge_seconds = 0", "zero seconds to acknowledge"),
        ("wait_hours = 72", "wait_hours = 0", "zero hours to wait"),
    ];
    for (from, to, message) in rows {
        assert!(default.contains(from), "{from}");
        let text = default.replacen(from, to, 1);
        let line = text[..text.find(to).unwrap()].matches('\n').count() + 1;
        let errors = Protocol::parse("x.toml", &text).unwrap_err();
        let found = errors.errors.iter().find(|error| error.message.contains(message));
        let found = found.unwrap_or_else(|| panic!("{to}: {errors}"));
        assert!(found.line <= line + 30 && found.line + 30 > line, "{to}: line {line}, told {}", found.line);
    }
    let empty = default.replace("= \"09:00-18:00\"", "= \"\"");
    assert!(Protocol::parse("x.toml", &empty).unwrap_err().to_string().contains("not one working minute"));
}

fn name(number: i64) -> CaseName {
    CaseName { id: format!("case-{number}"), number }
}

#[test]
fn what_is_the_same_matter_goes_on_in_the_older_case_with_its_people_and_its_open_questions() {
    let mut younger = Story::handed_to_engineers();
    let merged = younger.act(Action::MergeInto { into: name(7) }, "2026-11-24T10:05").unwrap();
    assert_eq!(merged, [Effect::Case(CaseChange::Merged { into: name(7) })]);
    assert!(younger.case().state.is_over());
    assert_eq!(younger.tick("2026-12-24T10:00"), Vec::<String>::new(), "it owes nothing any more");
    let again = younger.act(Action::MergeInto { into: name(8) }, "2026-11-24T10:06");
    assert_eq!(again, Err(Refusal::AlreadyResolved));

    let mut older = Story::begun("2026-11-24T09:00");
    older.act(Action::Open, "2026-11-24T09:00").unwrap();
    older.act(Action::Acknowledge, "2026-11-24T09:01").unwrap();
    let due = older.due(ClockKind::Resolve);
    let asks = vec!["technical".to_owned(), "cooks".to_owned()];
    let followers = vec![StaffId("pavel".into()), StaffId("olga".into())];
    let taken = Action::TakeIn { case: name(9), priority: Priority::Normal, followers, asks };
    let effects = older.act(taken.clone(), "2026-11-24T10:05").unwrap();
    assert_eq!(alerts(&effects).len(), 1, "the engineers are asked here, a department nobody knows is not");
    assert_eq!(older.case().asks.len(), 1);
    assert_eq!(older.case().followers, [StaffId("olga".into()), StaffId("pavel".into())]);
    assert_eq!(older.due(ClockKind::Resolve), due, "the clocks of the older case run on");
    let effects = older.act(taken, "2026-11-24T10:06").unwrap();
    assert!(alerts(&effects).is_empty(), "asked once");
}

#[test]
fn a_merged_case_can_be_parted_again_and_comes_back_by_itself_when_the_customer_demands_more() {
    let mut story = Story::handed_to_engineers();
    story.act(Action::MergeInto { into: name(7) }, "2026-11-24T10:05").unwrap();
    let back = story.act(Action::Reopen, "2026-11-24T11:00").unwrap();
    assert!(matches!(&back[0], Effect::Case(CaseChange::Moved { state: CaseState::InWork { .. }, .. })));
    assert!(story.due(ClockKind::Resolve).is_some());
    story.act(Action::MergeInto { into: name(7) }, "2026-11-24T12:00").unwrap();
    story.says(Party::Customer, &[SignalKind::LegalThreat], Cues::default(), "2026-11-24T12:30");
    assert_eq!(story.case().state, CaseState::Open, "a new decision is a matter of its own");
}

#[test]
fn cases_are_linked_whether_or_not_they_are_over() {
    let mut story = Story::handed_to_engineers();
    story.act(Action::MergeInto { into: name(7) }, "2026-11-24T10:05").unwrap();
    let before = story.state.clone();
    let linked = story.act(Action::Link { case: name(3) }, "2026-11-24T10:06").unwrap();
    assert_eq!(linked, [Effect::Case(CaseChange::Linked { case: name(3), linked: true })]);
    story.act(Action::Unlink { case: name(3) }, "2026-11-24T10:07").unwrap();
    assert_eq!(story.state, before, "a link moves nothing");
}
