//! The report against a second computation: a month that is made up from a seed is written into the store and counted once
//! more in plain loops, which share nothing with the statements of the store.

use std::collections::{BTreeMap, BTreeSet};

use gradus::mask::MaskedText;
use gradus::report::{Cell, Figures, Report, Spread, Week, read, sections};
use gradus::store::{
    Batch, CaseAsk, CaseCost, CaseUpdate, Change, ClockRow, Commitment, CommitmentState, Counted, Counts,
    GrantState, NewAlert, NewGrant, Reach, Resolution, Service, Verdict, Which,
};
use gradus::web::{Lang, Words};
use gradus_engine::signal::SignalKind;
use gradus_engine::time::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::conversations::{decision, progress, signal};
use super::customers::facts;
use super::desk::{Desk, call, case, on_both_engines};

/// Mondays of Berlin from 2026-W41 to the end of 2026-W46, the clocks going back on the 25th of October: written by hand,
/// in hours since 1970.
const MONDAYS: [i64; 7] = [497_542, 497_710, 497_878, 498_047, 498_215, 498_383, 498_551];

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % sides
    }

    fn chance(&mut self, percent: i64) -> bool {
        self.roll(100) < percent
    }

    fn of<'a>(&mut self, names: &[&'a str]) -> &'a str {
        names[usize::try_from(self.roll(i64::try_from(names.len()).unwrap())).unwrap()]
    }
}

#[derive(Default)]
struct Talk {
    at: i64,
    agent: String,
    customer: Option<usize>,
    handed: bool,
    decisions: Vec<(i64, String, String)>,
    promises: Vec<(i64, String)>,
    alert: Option<(i64, &'static str)>,
    grant: Option<(i64, String, bool)>,
    case: Option<CaseModel>,
}

#[derive(Default)]
struct CaseModel {
    opened: i64,
    seen: Option<i64>,
    closed: Option<(i64, String)>,
    costs: Vec<(&'static str, String, &'static str)>,
    clocks: Vec<(&'static str, bool)>,
    asks: Vec<(&'static str, i64, bool)>,
}

/// Makes up one conversation with all that may hang on it.
fn talk(dice: &mut Dice) -> Talk {
    let (first, last) = (MONDAYS[0] * 3_600_000, MONDAYS[6] * 3_600_000);
    // Some begin exactly when a week does.
    let at = if dice.chance(10) {
        MONDAYS[usize::try_from(dice.roll(7)).unwrap()] * 3_600_000 - dice.roll(2)
    } else {
        first + dice.roll((last - first) / 1_000) * 1_000
    };
    let long = "Ж".repeat(300);
    let agent = dice.of(&["Ольга", "Тимур", "=SUM(A1)", "", long.as_str()]).to_owned();
    let mut talk = Talk { at, agent, ..Talk::default() };
    talk.customer = dice.chance(80).then(|| usize::try_from(dice.roll(12)).unwrap());
    talk.handed = dice.chance(20);
    for _ in 0..dice.roll(3) {
        let name =
            dice.of(&["watch", "coach", "engage", "engage_now", "functional", "abuse_step"]).to_owned();
        let reason = dice.of(&["legal", "churn", "billing", "three_attempts"]).to_owned();
        talk.decisions.push((at + dice.roll(600_000), name, reason));
    }
    for _ in 0..dice.roll(2) {
        let state = dice.of(&["open", "kept", "broken", "dropped"]).to_owned();
        talk.promises.push((at + dice.roll(9 * 86_400_000), state));
    }
    talk.alert = dice.chance(30).then(|| (at + dice.roll(60_000), dice.of(&["right", "wrong", ""])));
    talk.grant = dice.chance(20).then(|| {
        let state = dice.of(&["used", "spoken", "requested", "approved", "refused"]).to_owned();
        (at + dice.roll(60_000), state, dice.chance(40))
    });
    talk.case = dice.chance(40).then(|| made_case(dice, at));
    talk
}

fn made_case(dice: &mut Dice, at: i64) -> CaseModel {
    let mut case = CaseModel { opened: at + dice.roll(600_000), ..CaseModel::default() };
    // What an import entered may have been seen, or closed, before it was opened.
    let after = |dice: &mut Dice, most: i64| dice.roll(most) - if dice.chance(5) { most } else { 0 };
    case.seen = dice.chance(70).then(|| case.opened + after(dice, 3_600_000));
    case.closed = dice.chance(60).then(|| {
        (case.opened + after(dice, 12 * 86_400_000), dice.of(&["legal", "churn", "other"]).to_owned())
    });
    if case.closed.is_some() {
        for _ in 0..dice.roll(4) {
            let amount = Decimal::new(dice.roll(1_000_000), 2).normalize().to_string();
            let kind = dice.of(&["discount", "bonus", "refund", "other"]);
            case.costs.push((kind, amount, dice.of(&["RUB", "USD"])));
        }
    }
    for clock in ["acknowledge", "join", "resolve"] {
        if dice.chance(70) {
            case.clocks.push((clock, dice.chance(25)));
        }
    }
    for _ in 0..dice.roll(2) {
        case.asks.push((
            dice.of(&["legal", "technical"]),
            case.opened + dice.roll(86_400_000),
            dice.chance(30),
        ));
    }
    case
}

fn when(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// Writes a made-up conversation and everything that hangs on it; one customer of a seed has one id.
async fn write(desk: &Desk, seed: u64, number: usize, talk: &Talk) {
    let id = format!("s{seed}-t{number}");
    let team = Some(format!("team-{seed}"));
    let mut new = call(&id);
    (new.started_at, new.team) = (when(talk.at), team.clone());
    new.agent_name = Some(talk.agent.clone()).filter(|name| !name.is_empty());
    if let Some(customer) = talk.customer {
        let known = facts(&format!("Клиент {customer}"), &format!("8916{seed:03}{customer:04}"), "");
        let fresh = format!("s{seed}-k{customer}");
        new.customer_id = Some(desk.store.know_customer(&known, fresh.into(), when(0)).await.unwrap());
    }
    let customer_id = new.customer_id.clone();
    let mut batch = Batch::new().change(new);
    let mut seen = progress(&id, 10);
    seen.attempts = 0;
    batch = batch.change(seen);
    if talk.handed {
        batch = batch.change(signal(&id, 0, SignalKind::EscalationOffer, (0, 1)));
    }
    for (at, (moment, name, reason)) in talk.decisions.iter().enumerate() {
        let mut made = decision(&format!("{id}-d{at}"), &id, name, reason);
        made.at = when(*moment);
        batch = batch.change(made);
    }
    for (at, (due, state)) in talk.promises.iter().enumerate() {
        let name = format!("{id}-p{at}");
        batch = batch.change(Commitment {
            id: name.clone().into(),
            conversation: id.clone().into(),
            case_id: None,
            utterance: 0,
            quote: (0, 1),
            due_at: Some(when(*due)),
            due_quote: None,
        });
        let state = match state.as_str() {
            "kept" => CommitmentState::Kept,
            "broken" => CommitmentState::Broken,
            "dropped" => CommitmentState::Dropped,
            _ => continue,
        };
        batch = batch.change(Change::SettlePromise { id: name.into(), state, by: None, at: when(*due) });
    }
    if let Some((at, state, over)) = &talk.grant {
        batch = batch.change(grant(&id, *at, state, *over));
    }
    if let Some(made) = &talk.case {
        let mut opened = case(&format!("{id}-case"), &id);
        (opened.opened_at, opened.team, opened.customer_id) = (when(made.opened), team.clone(), customer_id);
        batch = batch.change(opened).changes_of(case_changes(&format!("{id}-case"), team, made));
    }
    if let Some((at, _)) = talk.alert {
        batch = batch.change(alert(&id, at));
    }
    desk.commit(batch).await;
    if let Some((_, said)) = talk.alert {
        let verdict = match said {
            "right" => Verdict::Right,
            "wrong" => Verdict::Wrong,
            _ => return,
        };
        let id = format!("{id}-a").into();
        desk.store.judge_alert(&id, verdict, None, &"boss".into()).await.unwrap();
    }
}

fn grant(id: &str, at: i64, state: &str, over: bool) -> NewGrant {
    let state = match state {
        "used" => GrantState::Used,
        "spoken" => GrantState::Spoken,
        "requested" => GrantState::Requested,
        "approved" => GrantState::Approved,
        _ => GrantState::Refused,
    };
    NewGrant {
        id: format!("{id}-g"),
        authority: "discount".into(),
        case_id: None,
        conversation_id: Some(id.into()),
        customer_id: None,
        utterance: None,
        user_id: None,
        role: "agent".into(),
        amount: if over { "10.5" } else { "10" }.parse().unwrap(),
        most: "10".parse().unwrap(),
        state,
        reason: None,
        at: when(at),
    }
}

fn alert(id: &str, at: i64) -> NewAlert {
    NewAlert {
        id: format!("{id}-a").into(),
        case_id: None,
        conversation_id: Some(id.into()),
        decision_id: None,
        decision: "engage".into(),
        recipient_id: None,
        recipient_role: Some("supervisor".into()),
        level: 0,
        created_at: when(at),
        climbs_at: None,
        topic: "case".into(),
        department: None,
        reach: Reach::default(),
    }
}

fn case_changes(id: &str, team: Option<String>, made: &CaseModel) -> Vec<Change> {
    let clocks = made.clocks.iter().map(|(clock, breached)| ClockRow {
        clock: (*clock).into(),
        limit_ms: 60_000,
        calendar: "always".into(),
        due_at_ms: None,
        met_at_ms: None,
        spent_ms: 0,
        warned: false,
        breached: *breached,
    });
    let asks = (1..).zip(&made.asks).map(|(number, (department, at, late))| CaseAsk {
        number,
        department: (*department).into(),
        asked_by: None,
        asked_at: when(*at),
        due_at: when(*at),
        late: *late,
        answered: None,
    });
    let service = Service {
        clocks: clocks.collect(),
        asks: asks.collect(),
        written_at: when(made.opened),
        ..Service::default()
    };
    let update = CaseUpdate {
        id: id.into(),
        version: None,
        state: "open".into(),
        stage: "supervisor".into(),
        priority: "high".into(),
        owner_id: None,
        team,
        due_at: Some(when(made.opened)),
        wake_at: None,
        service,
        first_response: None,
        incident_id: None,
    };
    let mut changes = vec![Change::UpdateCase(Box::new(update))];
    if let Some(at) = made.seen {
        changes.push(Change::AcknowledgeCase { id: id.into(), by: "boss".into(), at: when(at) });
    }
    if let Some((at, reason)) = &made.closed {
        let costs = made.costs.iter().map(|(kind, amount, currency)| CaseCost {
            kind,
            amount: amount.parse().unwrap(),
            currency: (*currency).into(),
        });
        let resolution = Resolution {
            reason: reason.clone(),
            decision: MaskedText::of("решили"),
            cost: Decimal::ZERO,
            currency: "RUB".into(),
            costs: costs.collect(),
            conclusion: MaskedText::of("вывод"),
            closed_by: "boss".into(),
            closed_at: when(*at),
        };
        changes.push(Change::Resolve { id: id.into(), resolution: Box::new(resolution) });
    }
    changes
}

/// Counts names the slow way: most frequent first, then by name.
fn tally<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(String, i64)> {
    let mut counts = BTreeMap::<String, i64>::new();
    for name in names {
        *counts.entry(name.to_owned()).or_default() += 1;
    }
    let mut counts: Vec<(String, i64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| -count);
    counts
}

/// Of equal counts the order is that of the engine's own collation; the names are compared as sets.
fn sorted(counts: &Counts) -> Vec<(String, i64)> {
    let mut counts = counts.clone();
    counts.sort_by(|one, other| (-one.1, &one.0).cmp(&(-other.1, &other.0)));
    counts
}

fn escalated(talk: &Talk) -> bool {
    talk.decisions.iter().any(|(_, name, _)| ["engage", "engage_now", "functional"].contains(&name.as_str()))
}

/// The middle and the ninth of ten by sorting and counting.
fn spread(mut seconds: Vec<i64>) -> Spread {
    seconds.sort_unstable();
    let count = seconds.len();
    let at = |tenths: usize| {
        (0..count).find(|below| (below + 1) * 10 >= count * tenths).map(|place| seconds[place] / 1_000)
    };
    Spread { count, median_s: at(5), p90_s: at(9) }
}

/// Everything about conversations.
fn check_talks(talks: &[Talk], here: &dyn Fn(i64) -> bool, week: &Figures) {
    let began: Vec<&Talk> = talks.iter().filter(|talk| here(talk.at)).collect();
    let count = |test: &dyn Fn(&Talk) -> bool| began.iter().filter(|talk| test(talk)).count();
    let again = |talk: &Talk, days: i64| {
        let earlier = |other: &&Talk| {
            other.customer == talk.customer && other.at < talk.at && talk.at - other.at <= days * 86_400_000
        };
        talk.customer.is_some() && talks.iter().any(|other| earlier(&other))
    };
    let is = |number: i64, expected: usize, what: &str| {
        assert_eq!(number, i64::try_from(expected).unwrap(), "{} {what}", week.week);
    };
    is(week.weekly.conversations, began.len(), "conversations");
    is(week.weekly.escalated, count(&|talk| escalated(talk)), "escalated");
    is(week.weekly.repeated, count(&|talk| again(talk, 14)), "repeated");
    is(week.weekly.repeated_soon, count(&|talk| again(talk, 7)), "repeated soon");
    let hot = tally(began.iter().filter(|talk| escalated(talk)).map(|talk| talk.agent.as_str()));
    assert_eq!(sorted(&week.weekly.by_agent), hot, "{} by agent", week.week);
    let now = |talk: &Talk| talk.decisions.iter().any(|(_, name, _)| name == "engage_now");
    let handed = began.iter().filter(|talk| talk.handed && !now(talk)).map(|talk| talk.agent.as_str());
    assert_eq!(sorted(&week.without_attempt), tally(handed), "{} without attempt", week.week);
    let decided: Vec<_> = talks.iter().flat_map(|talk| &talk.decisions).filter(|made| here(made.0)).collect();
    let names = decided.iter().map(|(_, name, _)| name.as_str());
    assert_eq!(sorted(&week.weekly.by_decision), tally(names), "{} by decision", week.week);
    let engaging =
        decided.iter().filter(|made| ["engage", "engage_now", "functional"].contains(&made.1.as_str()));
    let reasons = tally(engaging.map(|made| made.2.as_str()));
    assert_eq!(sorted(&week.weekly.by_reason), reasons, "{} by reason", week.week);
    let due = talks.iter().flat_map(|talk| &talk.promises).filter(|promise| here(promise.0));
    assert_eq!(
        sorted(&week.promises),
        tally(due.map(|promise| promise.1.as_str())),
        "{} promises",
        week.week
    );
    let said: Vec<&str> = talks
        .iter()
        .filter_map(|talk| talk.alert)
        .filter(|alert| here(alert.0))
        .map(|alert| alert.1)
        .collect();
    is(week.alerts_right, said.iter().filter(|said| **said == "right").count(), "right");
    is(week.alerts_wrong, said.iter().filter(|said| **said == "wrong").count(), "wrong");
    let grants: Vec<_> =
        talks.iter().filter_map(|talk| talk.grant.as_ref()).filter(|grant| here(grant.0)).collect();
    assert_eq!(
        sorted(&week.granted),
        tally(grants.iter().map(|grant| grant.1.as_str())),
        "{} grants",
        week.week
    );
    let over = grants.iter().filter(|grant| grant.2 && ["used", "spoken"].contains(&grant.1.as_str()));
    is(week.overspent, over.count(), "overspent");
}

/// Everything about cases.
fn check_cases(talks: &[Talk], here: &dyn Fn(i64) -> bool, end: i64, week: &Figures) {
    let cases: Vec<&CaseModel> = talks.iter().filter_map(|talk| talk.case.as_ref()).collect();
    let opened: Vec<&&CaseModel> = cases.iter().filter(|case| here(case.opened)).collect();
    let closed: Vec<(&CaseModel, &str)> = cases
        .iter()
        .filter_map(|case| {
            case.closed.as_ref().filter(|closed| here(closed.0)).map(|closed| (*case, closed.1.as_str()))
        })
        .collect();
    let open_then =
        |case: &&&CaseModel| case.opened < end && case.closed.as_ref().is_none_or(|closed| closed.0 >= end);
    let is = |number: i64, expected: usize, what: &str| {
        assert_eq!(number, i64::try_from(expected).unwrap(), "{} {what}", week.week);
    };
    is(week.weekly.opened, opened.len(), "opened");
    is(week.weekly.closed, closed.len(), "closed");
    is(week.weekly.left_open, cases.iter().filter(open_then).count(), "left");
    assert_eq!(
        sorted(&week.weekly.by_resolution),
        tally(closed.iter().map(|closed| closed.1)),
        "{}",
        week.week
    );
    let lasted = |until: &dyn Fn(&CaseModel) -> Option<i64>| {
        spread(
            opened.iter().filter_map(|case| Some(until(case)? - case.opened)).filter(|ms| *ms >= 0).collect(),
        )
    };
    assert_eq!(week.to_acknowledge, lasted(&|case| case.seen), "{} acknowledge", week.week);
    let until = |case: &CaseModel| case.closed.as_ref().map(|closed| closed.0);
    assert_eq!(week.to_resolve, lasted(&until), "{} resolve", week.week);
    let clocks: Vec<_> = opened.iter().flat_map(|case| &case.clocks).collect();
    assert_eq!(sorted(&week.clocks), tally(clocks.iter().map(|clock| clock.0)), "{} clocks", week.week);
    let late = clocks.iter().filter(|clock| clock.1);
    assert_eq!(sorted(&week.clocks_breached), tally(late.map(|clock| clock.0)), "{} breached", week.week);
    let asks: Vec<_> = cases.iter().flat_map(|case| &case.asks).filter(|ask| here(ask.1)).collect();
    assert_eq!(sorted(&week.asked), tally(asks.iter().map(|ask| ask.0)), "{} asked", week.week);
    let late = asks.iter().filter(|ask| ask.2);
    assert_eq!(sorted(&week.asked_late), tally(late.map(|ask| ask.0)), "{} asked late", week.week);
    // Money in hundredths, as whole numbers: no sum of the product is used.
    let mut cents = BTreeMap::<(&str, &str, &str), i128>::new();
    for (case, reason) in &closed {
        for (kind, amount, currency) in &case.costs {
            let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
            let amount: i128 = format!("{whole}{part:0<2}").parse().unwrap();
            for key in [("all", "", *currency), ("kind", kind, *currency), ("reason", reason, *currency)] {
                *cents.entry(key).or_default() += amount;
            }
        }
    }
    let mut shown = BTreeMap::new();
    let mut note = |part: &'static str, name: &str, currency: &str, sum: &Decimal| {
        let sum: i128 = (*sum * Decimal::ONE_HUNDRED).normalize().to_string().parse().unwrap();
        shown.insert((part, name.to_owned(), currency.to_owned()), sum);
    };
    for (currency, sum) in &week.weekly.cost {
        note("all", "", currency, sum);
    }
    for (part, costs) in [("kind", &week.cost_by_kind), ("reason", &week.cost_by_reason)] {
        for (name, sums) in costs {
            sums.iter().for_each(|(currency, sum)| note(part, name, currency, sum));
        }
    }
    let expected: BTreeMap<_, _> = cents
        .into_iter()
        .map(|((part, name, currency), sum)| ((part, name.to_owned(), currency.to_owned()), sum))
        .collect();
    assert_eq!(shown, expected, "{} costs", week.week);
}

/// Every number of every section opens a list of exactly so many rows; amounts add up to the sum.
async fn check_lists(desk: &Desk, report: &Report, team: &str, zone: &TimeZone) -> usize {
    let w = Words::new(Lang::Ru, zone.clone(), 0);
    let mut checked = 0;
    for line in sections(&w, report).into_iter().flat_map(|section| section.rows) {
        for (cell, week) in line.cells.iter().zip(&report.weeks) {
            let mut which = Which::of(line.link.0, Some(team), Week::parse(&week.week).unwrap().span(zone));
            which.name = line.link.1.clone();
            let mut rows = Vec::new();
            loop {
                let page = desk.store.behind(&which, 7, i64::try_from(rows.len()).unwrap()).await.unwrap();
                if page.is_empty() {
                    break;
                }
                rows.extend(page);
            }
            let what = format!("{} {} {which:?}", week.week, line.name);
            assert_eq!(
                desk.store.counted(&which).await.unwrap(),
                i64::try_from(rows.len()).unwrap(),
                "{what}"
            );
            let keys: BTreeSet<String> = rows.iter().map(|row| format!("{row:?}")).collect();
            assert!(!rows.is_empty() || keys.is_empty(), "{what}");
            match cell {
                Cell::Count(count) => assert_eq!(*count, i64::try_from(rows.len()).unwrap(), "{what}"),
                Cell::Money(sum, currency) => {
                    assert!(rows.iter().all(|row| row.currency.as_deref() == Some(currency)), "{what}");
                    let amounts =
                        rows.iter().map(|row| row.amount.as_deref().unwrap().parse::<Decimal>().unwrap());
                    assert_eq!(amounts.sum::<Decimal>(), *sum, "{what}");
                }
                Cell::Span(seconds) => assert_eq!(seconds.is_some(), !rows.is_empty(), "{what}"),
                Cell::Percent(_) => {}
            }
            checked += 1;
        }
    }
    checked
}

on_both_engines! {
    async fn a_made_up_month_is_counted_as_a_second_computation_counts_it_and_every_number_opens_its_list(desk) {
        desk.user("boss", "supervisor").await;
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for seed in 1..=3 {
            let mut dice = Dice(seed * 7_919);
            let count = [40, 120, 3][usize::try_from(seed - 1).unwrap()];
            let talks: Vec<Talk> = (0..count).map(|_| talk(&mut dice)).collect();
            for (number, talk) in talks.iter().enumerate() {
                write(&desk, seed, number, talk).await;
            }
            let team = format!("team-{seed}");
            let report = read(&desk.store, Some(&team), Week::parse("2026-W46").unwrap(), &zone).await.unwrap();
            assert_eq!(report.weeks.len(), 6);
            for (at, week) in report.weeks.iter().enumerate() {
                let (from, to) = (MONDAYS[at] * 3_600_000, MONDAYS[at + 1] * 3_600_000);
                let here = move |ms: i64| ms >= from && ms < to;
                check_talks(&talks, &here, week);
                check_cases(&talks, &here, to, week);
            }
            let checked = check_lists(&desk, &report, &team, &zone).await;
            assert!(checked > 100, "{checked} lists were looked at");
        }
        let nothing = read(&desk.store, Some("nobody"), Week::parse("2026-W46").unwrap(), &zone).await.unwrap();
        assert_eq!(nothing.weeks[5].weekly, gradus::store::Weekly::default());
        assert!(Counted::ALL.iter().all(|counted| counted.name().parse() == Ok(*counted)));
    }
}
