//! A draft protocol against the history that the server wrote down.

use gradus::backtest::{Both, Progress, backtest};
use gradus_engine::backtest::Difference;
use gradus_engine::protocol::{DEFAULT_TEXT, Protocol};
use gradus_engine::time::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::desk::{Desk, NOON};

#[tokio::test]
async fn a_draft_shows_conversation_by_conversation_what_it_would_have_missed() {
    let desk = Desk::open().await;
    let court = desk.call("supervisor", &["я подам на вас в суд"]).await;
    let leaves = desk.call("supervisor", &["я расторгаю договор и ухожу к конкурентам"]).await;
    let in_force = Protocol::default_protocol().unwrap();
    let draft =
        DEFAULT_TEXT.replace("&& 'churn_threat' in signals", "&& 'churn_threat' in signals && heat_high");
    let draft = Protocol::parse("draft.toml", &draft).unwrap();
    let store = &desk.app.desk.store;
    let (progress, zone) = (Progress::default(), TimeZone::get("Europe/Moscow").unwrap());
    let all = (Timestamp::from_millis(0), &zone);
    let found = backtest(store, (&in_force, &draft), all, &progress).await.unwrap().unwrap();
    assert_eq!(progress.position(), store.last_position().await.unwrap());
    assert_eq!((found.conversations, found.utterances), (2, 2));
    let both = |in_force, draft| Both { in_force, draft };
    assert_eq!((found.engaged, found.busiest_hour), (both(2, 1), both(2, 1)));
    assert_eq!((found.by_hour[12], found.by_team[""]), (both(2, 1), both(2, 1)), "noon in Moscow");
    assert!(found.alerts.in_force > found.alerts.draft, "{:?}", found.alerts);
    let changed: Vec<_> = found
        .changed
        .iter()
        .map(|changed| (changed.conversation.as_str(), changed.differences[0].0))
        .collect();
    assert_eq!(changed, [(leaves.as_str(), Difference::Missed)]);
    assert!(!found.changed.iter().any(|changed| changed.conversation == court));
    let later = Timestamp::from_millis(NOON + 1_000_000);
    let none = backtest(store, (&in_force, &draft), (later, &zone), &progress).await.unwrap().unwrap();
    assert_eq!(none.conversations, 0, "only what began in the weeks asked for");
    progress.stop.cancel();
    assert!(backtest(store, (&in_force, &draft), all, &progress).await.unwrap().is_none(), "it was stopped");
}

/// Asks until the backtest of a person is over.
async fn ended(desk: &Desk, who: &str) -> serde_json::Value {
    loop {
        let seen = desk.ask(who, "GET", "/api/v1/protocol/backtest", None).await.json();
        if seen["state"] != "runs" {
            return seen;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_backtest_is_begun_from_the_page_and_shows_conversation_by_conversation_what_changes() {
    let desk = Desk::open().await;
    desk.call("supervisor", &["я подам на вас в суд"]).await;
    let leaves = desk.call("supervisor", &["я расторгаю договор и ухожу к конкурентам"]).await;
    let text =
        DEFAULT_TEXT.replace("&& 'churn_threat' in signals", "&& 'churn_threat' in signals && heat_high");
    assert_eq!(desk.ask("supervisor", "GET", "/api/v1/protocol/backtest", None).await.status, 403);
    assert_eq!(desk.ask("administrator", "GET", "/api/v1/protocol/backtest", None).await.status, 404);
    let begun = json!({"text": text, "weeks": 4});
    let begun = desk.ask("administrator", "POST", "/api/v1/protocol/backtest", Some(begun)).await;
    assert_eq!(begun.status, 202, "{}", begun.body);
    let done = ended(&desk, "administrator").await;
    assert_eq!((&done["state"], &done["engaged"]), (&json!("done"), &json!({"in_force": 2, "draft": 1})));
    assert_eq!(done["changed"][0]["conversation"], json!(leaves));
    let page = desk.page("administrator", "/protocol/backtest").await.body;
    assert!(
        page.contains(&format!("/conversations/{leaves}")) && page.contains("перестанет решать"),
        "{page}"
    );
    let faulty = json!({"text": "title = 1", "weeks": 4});
    let faulty = desk.ask("administrator", "POST", "/api/v1/protocol/backtest", Some(faulty)).await;
    assert_eq!(faulty.status, 422, "{}", faulty.body);
    let stopped = desk.ask("administrator", "DELETE", "/api/v1/protocol/backtest", None).await.json();
    assert_eq!(stopped["stopped"], false, "it is over already");
}
