//! What happened before it came in: shown and counted, but nobody is alerted and no clock runs.

use gradus::desk::digest;
use gradus::intake::{Defaults, parse};
use gradus::store::{CaseFilter, ConversationId};
use gradus_engine::time::{Millis, Timestamp};

use crate::desk::{Desk, NOON};
use crate::restart::restarted;

const MINUTE: i64 = 60_000;
pub const DAY: i64 = 24 * 60 * MINUTE;

/// A written conversation whose lines are a minute apart; the first is this many milliseconds ago.
pub async fn import(desk: &Desk, name: &str, ago: i64, lines: &[(&str, &str)]) -> ConversationId {
    let mut text = String::from("conversation,start,party,text\n");
    for (minute, (party, words)) in (0_i64..).zip(lines) {
        let at = jiff::Timestamp::from_millisecond(NOON - ago + minute * MINUTE).unwrap();
        text.push_str(&format!("{name},{at},{party},{words}\n"));
    }
    let mut all = parse(text.as_bytes(), &format!("{name}.csv"), &Defaults::default()).unwrap();
    let mut incoming = all.pop().unwrap();
    incoming.source_name = format!("{name}.csv");
    desk.app.desk.import(&incoming, &digest(text.as_bytes()), None, true).await.unwrap()
}

pub const COURT: (&str, &str) = ("customer", "верните деньги иначе я подам на вас в суд");
const PROMISE: (&str, &str) = ("agent", "перезвоню вам завтра до шести");

async fn cases(desk: &Desk) -> usize {
    desk.app.desk.store.cases(&CaseFilter { limit: 100, ..CaseFilter::default() }).await.unwrap().len()
}

/// Whether any clock of a case would ring within a year.
async fn a_clock_runs(desk: &Desk) -> bool {
    let year = Timestamp::from_millis(NOON + 365 * DAY);
    desk.app.desk.store.claim_due(year, year.plus(Millis::seconds(1))).await.unwrap().is_some()
}

#[tokio::test]
async fn a_threat_of_last_week_is_shown_as_history_and_alerts_nobody() {
    let desk = Desk::open().await;
    let mut news = desk.app.desk.pipeline.subscribe();
    let talk = import(&desk, "old", 7 * DAY, &[COURT, PROMISE]).await;
    assert!(!news.recv().await.unwrap().alert);
    assert_eq!((cases(&desk).await, a_clock_runs(&desk).await), (0, false));
    assert!(!desk.page("supervisor", "/").await.body.contains("alerts-title"));
    let page = desk.page("supervisor", &format!("/conversations/{talk}")).await.body;
    for words in ["Подключить руководителя немедленно", "из истории", "никого не оповещали", "перезвоню"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("due-clock"), "no clock runs for what was promised then");
    let shown = desk.ask("director", "GET", &format!("/api/v1/conversations/{talk}"), None).await.json();
    assert_eq!(shown["conversation"]["ended_at_ms"], NOON - 7 * DAY + MINUTE);
    assert_eq!(shown["conversation"]["history_before_ms"], NOON - DAY / 2);
    assert_eq!(shown["decisions"][0]["at_ms"], NOON - 7 * DAY);
}

#[tokio::test]
async fn a_recording_that_ended_minutes_ago_alerts_as_a_live_one() {
    let desk = Desk::open().await;
    let mut news = desk.app.desk.pipeline.subscribe();
    import(&desk, "fresh", 5 * MINUTE, &[COURT]).await;
    assert!(news.recv().await.unwrap().alert);
    assert_eq!((cases(&desk).await, a_clock_runs(&desk).await), (1, true));
    assert!(desk.page("supervisor", "/").await.body.contains("alerts-title"));
    let edge = Desk::open().await;
    import(&edge, "edge", DAY / 2 + MINUTE, &[("customer", "алло"), ("customer", "алло"), COURT]).await;
    assert_eq!(cases(&edge).await, 1, "it began more than twelve hours ago, the threat is fresh");
}

#[tokio::test]
async fn history_that_comes_in_twice_is_there_once() {
    let desk = Desk::open().await;
    let first = import(&desk, "old", 7 * DAY, &[COURT, PROMISE]).await;
    let last = desk.app.desk.store.last_position().await.unwrap();
    assert_eq!(import(&desk, "old", 7 * DAY, &[COURT, PROMISE]).await, first);
    assert_eq!(desk.app.desk.store.last_position().await.unwrap(), last);
}

#[tokio::test]
async fn what_was_history_stays_history_when_it_is_read_off_the_log() {
    let desk = Desk::open().await;
    let talk = import(&desk, "old", 7 * DAY, &[COURT]).await;
    restarted(&desk).tick(&talk, Timestamp::from_millis(NOON + DAY)).await.unwrap();
    assert_eq!(cases(&desk).await, 0);
    assert_eq!(desk.submit("supervisor", &format!("/conversations/{talk}/case"), "").await.status, 303);
    let case = desk.page("supervisor", &format!("/cases/{talk}-case")).await.body;
    assert!(case.contains("из истории"), "the reason is named with its mark");
    let listed = desk.page("supervisor", "/cases").await.body;
    assert!(listed.contains("срочный"), "as pressing as the protocol would have made it");
}

#[tokio::test]
async fn outages_of_last_year_are_no_incident_with_one_of_today() {
    let desk = Desk::open().await;
    const DOWN: (&str, &str) = ("customer", "у меня не работает интернет совсем нет связи");
    for (name, ago) in [("a", 300 * DAY), ("b", 200 * DAY), ("c", 5 * MINUTE)] {
        import(&desk, name, ago, &[DOWN]).await;
    }
    assert_eq!(cases(&desk).await, 0);
}

#[tokio::test]
async fn a_case_that_somebody_saw_goes_overdue_again_and_again_without_a_fault() {
    let desk = Desk::open().await;
    let talk = ConversationId(desk.call("supervisor", &[COURT.1]).await);
    let pipeline = &desk.app.desk.pipeline;
    assert_eq!(desk.submit("supervisor", &format!("/cases/{talk}-case/acknowledge"), "").await.status, 303);
    for hours in [9, 18, 27] {
        let later = Timestamp::from_millis(NOON).plus(Millis::minutes(hours * 60));
        pipeline.tick(&talk, later).await.unwrap();
    }
    let page = desk.page("supervisor", &format!("/cases/{talk}-case")).await.body;
    assert_eq!(page.matches("Срок разрешения истёк").count(), 3);
}
