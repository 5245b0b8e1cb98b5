//! A story with a manual clock for each clause of the default protocol: what was noticed is given, not detected, so that a
//! story stays true when rules of the detector change.
#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

use gradus_engine::alert::Alert;
use gradus_engine::case::{Action, CaseChange, CaseState, Cost, CostKind, Owner, Resolution, StaffId};
use gradus_engine::commitment::Reference;
use gradus_engine::decision::Reason;
use gradus_engine::effect::Effect;
use gradus_engine::event::{CustomerFacts, Event, Heard, Said};
use gradus_engine::judge::{Conversation, Judge, Judged, Line, Notices};
use gradus_engine::notice::Noticed;
use gradus_engine::protocol::Protocol;
use gradus_engine::signal::{Channel, Found, Party, SignalKind};
use gradus_engine::step::{State, step};
use gradus_engine::time::{Millis, Timestamp};

/// Reads «К 12 profanity,withdraws_wish»: who, the second of the conversation, what was noticed; «#7» is a topic.
struct Script;

impl Notices for Script {
    fn notice(&self, text: &str, _: Party, _: Channel, _: &Reference) -> Noticed {
        let mut noticed = Noticed::default();
        for name in text.split(',').filter(|name| !name.is_empty()) {
            match name {
                "withdraws_wish" => noticed.cues.withdraws_wish = true,
                "customer_apology" => noticed.cues.customer_apology = true,
                "tried_in_vain" => noticed.cues.tried_in_vain = true,
                "agrees" => noticed.cues.agrees = true,
                "objects" => noticed.cues.objects = true,
                "asks" => noticed.cues.asks = true,
                "alternative" => noticed.cues.alternative = true,
                "hands_over" => noticed.cues.hands_over = true,
                topic if topic.starts_with('#') => noticed.topic.push(topic[1..].parse().unwrap()),
                kind => noticed.signals.push(found(kind.parse().unwrap())),
            }
        }
        noticed
    }
}

fn found(kind: SignalKind) -> Found {
    Found { kind, start: 0, end: 0, confidence: 100, rule: "story".to_owned() }
}

const NINE: Timestamp = Timestamp::from_millis(1_800_000_000_000);

struct Story {
    customer: CustomerFacts,
    key: &'static str,
    begins: Timestamp,
    heard: Vec<Heard>,
}

impl Default for Story {
    fn default() -> Self {
        Self { customer: CustomerFacts::default(), key: "one", begins: NINE, heard: Vec::new() }
    }
}

impl Story {
    fn of(rank: u32) -> Self {
        let customer = CustomerFacts { revenue_rank: Some(rank), ..CustomerFacts::default() };
        Self { customer, ..Self::default() }
    }

    fn told_to(self, judge: &mut Judge<'_>, lines: &[&str]) -> Judged {
        let line = |(index, line): (u32, &&str)| {
            let mut parts = line.split(' ');
            let party = if parts.next() == Some("К") { Party::Customer } else { Party::Agent };
            let second: u64 = parts.next().unwrap().parse().unwrap();
            Line {
                index,
                party,
                start_ms: Some(second * 1_000),
                at: Some(self.begins.plus(Millis::seconds(second))),
                text: parts.next().unwrap_or_default().to_owned(),
            }
        };
        judge.conversation(&Conversation {
            channel: Channel::Call,
            customer: self.customer,
            customer_key: self.key.to_owned(),
            started_at: Some(self.begins),
            utc_offset_s: 0,
            lines: (0..).zip(lines).map(line).collect(),
            heard: self.heard,
        })
    }

    fn told(self, lines: &[&str]) -> Judged {
        let protocol = Protocol::default_protocol().unwrap();
        self.told_to(&mut Judge::new(&protocol, &Script), lines)
    }
}

/// «utterance decision reason [step] clause», without those that nobody acts on.
fn decided(judged: &Judged) -> Vec<String> {
    let kept = judged.decisions.iter().filter(|decision| decision.decision.name() != "watch");
    kept.map(|decision| {
        let step = decision.step.map_or_else(String::new, |step| format!(" {}", step.name()));
        let (what, why) = (decision.decision, decision.reason);
        format!("{} {what} {why}{step} {}", decision.utterance, decision.clause)
    })
    .collect()
}

fn told(lines: &[&str]) -> Vec<String> {
    decided(&Story::default().told(lines))
}

#[test]
fn clause_1_1_and_3_1_a_threat_of_court_brings_a_supervisor_and_the_lawyers() {
    assert_eq!(
        told(&["О 0 introduction", "К 5 legal_threat"]),
        ["1 engage_now legal 1.1", "1 functional legal 3.1"]
    );
}

#[test]
fn clause_1_2_and_3_2_a_threat_of_publicity_brings_a_supervisor_and_public_relations() {
    assert_eq!(told(&["К 0 reputation_threat"]), ["0 engage_now reputation 1.2", "0 functional other 3.2"]);
}

#[test]
fn clause_1_3_a_direct_threat_to_leave_needs_no_attempts() {
    assert_eq!(told(&["К 0 churn_threat"]), ["0 engage_now churn 1.3"]);
}

#[test]
fn several_reasons_at_one_utterance_are_one_decision_the_first_of_the_order() {
    let all = told(&["К 0 churn_threat,reputation_threat,legal_threat"]);
    assert_eq!(all, ["0 engage_now legal 1.1", "0 functional legal 3.1", "0 functional other 3.2"]);
}

#[test]
fn clause_1_4_a_strategic_customer_is_answered_at_once_the_tenth_and_not_the_eleventh() {
    let asks = ["К 0 supervisor_request"];
    assert_eq!(decided(&Story::of(10).told(&asks)), ["0 engage_now strategic 1.4"]);
    assert_eq!(decided(&Story::of(11).told(&asks)), ["0 coach supervisor_request 2.2"]);
    let hot = ["К 0 unresolved_problem,distrust", "К 4 not_heard,distrust,urgency"];
    assert_eq!(decided(&Story::of(2).told(&hot)), ["1 engage_now strategic 1.4"]);
    assert_eq!(decided(&Story::of(200).told(&hot)), Vec::<String>::new());
}

#[test]
fn clause_1_5_and_1_6_the_third_customer_within_an_hour_opens_an_incident_and_later_ones_join() {
    let protocol = Protocol::default_protocol().unwrap();
    let mut judge = Judge::new(&protocol, &Script);
    let mut at = |minute: u64, key: &'static str, line: &str| {
        let story = Story { key, begins: NINE.plus(Millis::minutes(minute)), ..Story::default() };
        decided(&story.told_to(&mut judge, &[line]))
    };
    assert!(at(0, "anna", "К 0 outage,#7").is_empty());
    assert!(at(10, "anna", "К 0 outage,#7").is_empty(), "the same person again is no second customer");
    assert!(at(20, "boris", "К 0 outage,#7").is_empty());
    assert!(at(30, "vera", "К 0 outage,#8").is_empty(), "another object is another trouble");
    assert_eq!(at(59, "gleb", "К 0 outage,#7"), ["0 engage_now systemic 1.5", "0 incident systemic 1.6"]);
    assert_eq!(at(65, "dina", "К 0 outage,#7"), ["0 incident systemic 1.6"]);
}

#[test]
fn clause_1_5_three_customers_over_more_than_an_hour_are_no_incident() {
    let protocol = Protocol::default_protocol().unwrap();
    let mut judge = Judge::new(&protocol, &Script);
    for (minute, key) in [(0, "anna"), (31, "boris"), (62, "vera")] {
        let story = Story { key, begins: NINE.plus(Millis::minutes(minute)), ..Story::default() };
        assert!(decided(&story.told_to(&mut judge, &["К 0 outage,#7"])).is_empty(), "{key}");
    }
}

const THREE_REFUSED: [&str; 5] = [
    "О 0 solution_offer",
    "К 5 refusal",
    "О 10 compensation_offer",
    "К 15 refusal",
    "О 20 time_commitment,solution_offer",
];

#[test]
fn clause_2_1_after_three_attempts_a_wish_brings_a_supervisor() {
    let lines = [&THREE_REFUSED[..], &["К 25 refusal,supervisor_request"]].concat();
    let judged = Story::default().told(&lines);
    assert_eq!(judged.attempt_failed_at, [1, 3, 5]);
    assert_eq!(decided(&judged), ["5 engage three_attempts 2.1"]);
}

#[test]
fn clause_2_1_a_calm_customer_who_only_refuses_brings_nobody() {
    let lines = [&THREE_REFUSED[..], &["К 25 refusal"]].concat();
    assert_eq!(told(&lines), Vec::<String>::new());
}

#[test]
fn clause_2_1_a_solution_tried_in_vain_is_an_attempt_and_the_same_offer_again_is_not_another() {
    let judged = Story::default().told(&[
        "О 0 solution_offer,#1",
        "К 5 tried_in_vain",
        "О 10 solution_offer,#1",
        "К 15 refusal",
        "К 20 supervisor_request",
    ]);
    assert_eq!(judged.attempt_failed_at.first(), Some(&1));
    assert_eq!(decided(&judged), ["4 coach supervisor_request 2.2"]);
}

#[test]
fn clause_2_1_the_same_trouble_after_an_offer_is_an_attempt_unless_it_answers_a_question() {
    let failed = |line: &'static str| Story::default().told(&[line, "К 5 outage"]).attempt_failed_at;
    assert_eq!(failed("О 0 solution_offer"), [1]);
    assert!(failed("О 0 solution_offer,asks").is_empty());
    assert!(failed("О 0 solution_offer,clarifying_question").is_empty());
}

#[test]
fn clause_2_1_something_else_that_is_named_and_declined_at_once_is_an_attempt() {
    let failed = |agent: &'static str, customer: &'static str| {
        Story::default().told(&[agent, customer, "К 10 refusal"]).attempt_failed_at
    };
    assert_eq!(failed("О 0 alternative", "К 5 objects"), [1]);
    assert!(failed("О 0 alternative", "К 5 urgency").is_empty(), "what nobody declined was no offer");
    assert!(failed("О 0 alternative,escalation_offer", "К 5 objects").is_empty(), "a person is no solution");
    assert!(failed("О 0 clarifying_question", "К 5 objects").is_empty());
}

#[test]
fn clause_2_2_a_wish_that_is_withdrawn_before_the_third_refusal_is_forgotten() {
    let lines = [
        "К 0 supervisor_request",
        "О 5 solution_offer",
        "К 10 refusal,withdraws_wish",
        "О 15 compensation_offer",
        "К 20 refusal",
        "О 25 solution_offer",
        "К 30 refusal",
    ];
    assert_eq!(told(&lines), ["0 coach supervisor_request 2.2"]);
}

#[test]
fn clause_2_3_bargaining_is_coached_and_a_hot_demand_is_not_bargaining() {
    assert_eq!(told(&["О 0 compensation_offer", "К 5 concession_demand"]), ["1 coach bargaining 2.3"]);
}

#[test]
fn a_mention_of_a_supervisor_by_the_agent_decides_nothing() {
    assert_eq!(told(&["О 0 escalation_offer", "О 5 closing_question"]), Vec::<String>::new());
}

#[test]
fn clause_3_3_an_agent_who_cannot_solve_it_hands_over_to_the_department_of_the_trouble() {
    assert_eq!(told(&["К 0 outage", "О 5 helplessness,hands_over"]), ["1 functional technical 3.3"]);
    assert_eq!(told(&["К 0 billing_problem", "О 5 helplessness,hands_over"]), ["1 functional billing 3.3"]);
}

#[test]
fn clause_4_1_rising_heat_is_watched() {
    let judged = Story::default().told(&["К 0 outage,urgency", "К 5 not_heard", "К 9 distrust"]);
    let watch = judged.decisions.iter().find(|decision| decision.reason == Reason::Rising);
    assert_eq!(watch.map(|decision| decision.clause.as_str()), Some("4.1"));
}

#[test]
fn nothing_weaker_follows_a_supervisor_at_once() {
    let lines = ["К 0 churn_threat", "К 5 supervisor_request", "К 10 concession_demand"];
    assert_eq!(told(&lines), ["0 engage_now churn 1.3"]);
}

#[test]
fn clause_5_the_ladder_advances_when_the_warning_was_said_and_the_abuse_recurs() {
    let lines = [
        "К 0 profanity",
        "К 5 profanity",
        "О 10 abuse_warning",
        "К 15 insult",
        "О 20 hangup_warning",
        "К 25 profanity",
        "О 30 closing_phrase",
    ];
    let judged = Story::default().told(&lines);
    assert_eq!(
        decided(&judged),
        [
            "0 abuse_step profanity warning_1 5.1",
            "3 abuse_step insult warning_2 5.2",
            "5 abuse_step profanity closing 5.3"
        ]
    );
    assert_eq!(judged.ended_early, None);
}

#[test]
fn clause_5_ending_before_the_ladder_is_complete_is_reported() {
    let judged = Story::default().told(&["К 0 insult", "О 5 abuse_warning", "О 10 closing_phrase"]);
    assert_eq!(judged.ended_early, Some(2));
}

#[test]
fn clause_5_an_apology_or_ten_calm_utterances_step_the_ladder_down() {
    let climbed = ["К 0 insult", "О 5 abuse_warning", "К 10 insult"];
    let sorry = [&climbed[..], &["К 15 customer_apology", "О 20 hangup_warning", "К 25 insult"]].concat();
    let last = |lines: &[&str]| told(lines).last().cloned().unwrap_or_default();
    assert_eq!(
        last(&sorry),
        "5 abuse_step insult warning_2 5.2",
        "after an apology the second warning is due again"
    );
    let calm: Vec<String> = (0..10).map(|index| format!("К {} ", 15 + index)).collect();
    let mut lines = climbed.to_vec();
    lines.extend(calm.iter().map(String::as_str));
    lines.extend(["О 40 hangup_warning", "К 45 insult"]);
    assert_eq!(last(&lines), "14 abuse_step insult warning_2 5.2");
}

#[test]
fn clause_5_a_threat_of_violence_and_measured_shouting_reach_the_ladder() {
    assert_eq!(told(&["К 0 violence_threat"]), ["0 abuse_step violence closing 5.3"]);
    let heard =
        vec![Heard { utterance: 0, kind: SignalKind::Shouting, measured: "+14 дБ".into(), confidence: 90 }];
    let judged = Story { heard, ..Story::default() }.told(&["К 0 "]);
    assert_eq!(decided(&judged), ["0 abuse_step shouting warning_1 5.1"]);
}

#[test]
fn heat_calms_down_and_the_moment_is_marked() {
    let mut lines =
        vec!["К 0 not_heard,distrust,urgency,unresolved_problem", "К 5 insult", "О 10 apology,empathy"];
    lines.extend(["К 70 gratitude", "К 130 acceptance", "К 190 gratitude"]);
    let judged = Story::default().told(&lines);
    assert!(judged.heat.iter().any(|point| point.value >= 60), "{:?}", judged.heat);
    assert!(judged.calmed_at.is_some_and(|utterance| utterance >= 3), "{:?}", judged.calmed_at);
}

// ── Clocks: the alert climbs, stops, starts again. ──

/// A case opened by a threat of court at nine, and what the clocks do with it.
struct Desk {
    protocol: Protocol,
    state: State,
}

impl Desk {
    fn opened() -> Self {
        let mut desk = Self { protocol: Protocol::default_protocol().unwrap(), state: State::default() };
        let customer = CustomerFacts::default();
        desk.take(&Event::Started { channel: Channel::Call, customer, history_before: None }, 0);
        let noticed = Script.notice("legal_threat", Party::Customer, Channel::Call, &Reference::UNKNOWN);
        let said = Said { index: 0, party: Party::Customer, start_ms: Some(0), noticed };
        assert_eq!(desk.alerts(&Event::Said(said), 0), ["supervisor 0", "department 0"]);
        desk
    }

    fn take(&mut self, event: &Event, second: u64) -> Vec<Effect> {
        let now = NINE.plus(Millis::seconds(second));
        let (state, effects) = step(&self.protocol, std::mem::take(&mut self.state), event, now).unwrap();
        self.state = state;
        effects
    }

    /// «role step», with «again» for a repeat.
    fn alerts(&mut self, event: &Event, second: u64) -> Vec<String> {
        let effects = self.take(event, second);
        let alert = |effect: &Effect| match effect {
            Effect::Alert(Alert { role, step, repeat, .. }) => {
                Some(format!("{role} {step}{}", if *repeat { " again" } else { "" }))
            }
            _ => None,
        };
        effects.iter().filter_map(alert).collect()
    }

    fn tick(&mut self, second: u64) -> Vec<String> {
        self.alerts(&Event::Tick, second)
    }

    fn act(&mut self, action: Action, second: u64) -> Vec<Effect> {
        self.take(&Event::Acted { by: StaffId("olga".into()), action }, second)
    }

    fn case(&self) -> &gradus_engine::case::Case {
        self.state.case.as_ref().unwrap()
    }
}

#[test]
fn an_alert_that_nobody_answers_climbs_at_thirty_and_ninety_seconds_to_the_second() {
    let mut desk = Desk::opened();
    assert!(desk.tick(29).is_empty());
    assert_eq!(desk.tick(30), ["substitute 1 again"]);
    assert!(desk.tick(89).is_empty());
    assert_eq!(desk.tick(90), ["director 2 again"]);
    assert!(desk.tick(91).is_empty());
    assert_eq!(desk.tick(180), ["supervisor 0", "substitute 1"], "nobody has joined for three minutes");
}

#[test]
fn after_a_standstill_the_alert_climbs_once_to_the_step_that_is_due() {
    let mut desk = Desk::opened();
    assert_eq!(desk.tick(150), ["director 2 again"]);
    assert!(desk.tick(151).is_empty());
}

#[test]
fn an_acknowledged_case_climbs_no_more_and_is_raised_when_its_time_runs_out() {
    let mut desk = Desk::opened();
    desk.act(Action::Acknowledge, 10);
    desk.act(Action::TakeOver, 20);
    assert!(desk.tick(90).is_empty());
    let informed = |text: &str| Action::Inform { text_sha256: text.into(), again_minutes: Some(10_000) };
    desk.act(informed("a"), 30);
    assert_eq!(desk.tick(240 * 60), ["department 0 again", "supervisor 0"], "the lawyers are late");
    assert!(desk.tick(384 * 60 - 1).is_empty());
    assert_eq!(desk.tick(384 * 60), ["supervisor 0"], "four fifths: the owner is warned");
    assert!(desk.tick(480 * 60 - 1).is_empty());
    assert_eq!(desk.tick(480 * 60), ["supervisor 0 again"]);
    assert!(desk.tick(480 * 60 + 1).is_empty(), "once, not every second");
    assert_eq!(desk.tick(960 * 60), ["supervisor 0 again"], "and again after another such time");
}

#[test]
fn a_case_handed_over_waits_for_its_new_owner_and_the_giver_follows_it() {
    let mut desk = Desk::opened();
    desk.act(Action::TakeOver, 10);
    desk.act(Action::HandOver { to: StaffId("ivan".into()) }, 60);
    let case = desk.case();
    assert_eq!((&case.owner, &case.state), (&Owner::Staff(StaffId("ivan".into())), &CaseState::Open));
    assert_eq!(case.followers, [StaffId("olga".into())]);
    assert!(case.due_at > NINE.plus(Millis::seconds(60)), "there is a next due time");
}

#[test]
fn a_case_is_closed_with_reason_decision_cost_and_conclusion_or_not_at_all() {
    let resolution = Resolution {
        reason: Reason::Legal,
        decision: "Вернули деньги за месяц".into(),
        costs: vec![Cost {
            kind: CostKind::Refund,
            amount: "650.50".parse().unwrap(),
            currency: "RUB".into(),
        }],
        conclusion: "Проверять списания до отправки счёта".into(),
    };
    let mut desk = Desk::opened();
    let mut empty = resolution.clone();
    empty.conclusion = " ".into();
    let by = StaffId("olga".into());
    let refused = step(
        &desk.protocol,
        desk.state.clone(),
        &Event::Acted { by, action: Action::Resolve { resolution: empty } },
        NINE,
    );
    assert!(refused.is_err());
    let effects = desk.act(Action::Resolve { resolution }, 100);
    assert!(matches!(
        effects.first(),
        Some(Effect::Case(CaseChange::Moved { state: CaseState::Resolved { .. }, .. }))
    ));
    assert!(desk.tick(480 * 60).is_empty(), "what is solved has no clock");
}
