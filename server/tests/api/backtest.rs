//! A draft protocol against the history that the server wrote down.

use gradus::backtest::backtest;
use gradus_engine::backtest::Difference;
use gradus_engine::protocol::{DEFAULT_TEXT, Protocol};
use gradus_engine::time::Timestamp;

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
    let mut reached = 0;
    let mut done = |position| reached = position;
    let found = backtest(store, (&in_force, &draft), Timestamp::from_millis(0), &mut done).await.unwrap();
    assert_eq!(reached, store.last_position().await.unwrap());
    assert_eq!((found.conversations, found.utterances), (2, 2));
    assert_eq!((found.old_engaged, found.new_engaged, found.busiest_hour), (2, 1, (2, 1)));
    let changed: Vec<_> = found
        .changed
        .iter()
        .map(|changed| (changed.conversation.as_str(), changed.differences[0].0))
        .collect();
    assert_eq!(changed, [(leaves.as_str(), Difference::Missed)]);
    assert!(!found.changed.iter().any(|changed| changed.conversation == court));
    let later = Timestamp::from_millis(NOON + 1_000_000);
    let none = backtest(store, (&in_force, &draft), later, &mut |_| {}).await.unwrap();
    assert_eq!(none.conversations, 0, "only what began in the weeks asked for");
}
