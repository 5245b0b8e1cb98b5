//! What outlives a restart in the middle of a call, what a repeat changes, and what the log keeps.

use std::sync::Arc;

use gradus::pipeline::{Pipeline, Spoken};
use gradus::store::{ConversationId, conversation_stream};
use gradus_engine::signal::Party;
use gradus_engine::time::{Millis, Timestamp};

use crate::desk::{Desk, NOON};

/// A second server over the same store: it knows only what is written down.
pub fn restarted(desk: &Desk) -> Pipeline {
    let ear = Arc::new(gradus::ears::ear(None).unwrap());
    let protocol = Arc::new(gradus::ears::protocol(None).unwrap());
    Pipeline::new(Arc::clone(&desk.app.desk.store), ear, protocol)
}

fn said(index: u32, party: Party, text: &str) -> Spoken {
    Spoken {
        index,
        party,
        speaker: None,
        start_ms: Some(u64::from(index) * 1000),
        end_ms: None,
        at: Timestamp::from_millis(NOON).plus(Millis::seconds(u64::from(index))),
        text: text.to_owned(),
        judged: text.to_owned(),
        utc_offset_s: 3 * 3600,
    }
}

#[tokio::test]
async fn a_promise_made_after_a_restart_does_not_replace_the_one_before() {
    let desk = Desk::open().await;
    let id = ConversationId(desk.call("supervisor", &["алло"]).await);
    let first = [said(1, Party::Agent, "перезвоню вам завтра до шести")];
    desk.app.desk.pipeline.say(&id, &first, &[]).await.unwrap();
    let second = [said(2, Party::Agent, "пришлю вам акт в течение трёх часов")];
    restarted(&desk).say(&id, &second, &[]).await.unwrap();
    let promises = desk.app.desk.store.commitments(&id).await.unwrap();
    let at: Vec<i64> = promises.iter().map(|promise| promise.utterance).collect();
    assert_eq!(at, [1, 2]);
}

#[tokio::test]
async fn an_utterance_sent_twice_is_heard_once_also_after_a_restart() {
    let desk = Desk::open().await;
    let id = ConversationId(desk.call("supervisor", &["вы там все идиоты"]).await);
    let store = &desk.app.desk.store;
    let events = store.last_position().await.unwrap();
    let before = store.conversation(&id).await.unwrap().unwrap();
    assert!(before.heat_last > 0);
    let again = [said(0, Party::Customer, "вы там все идиоты")];
    desk.app.desk.pipeline.say(&id, &again, &[]).await.unwrap();
    restarted(&desk).say(&id, &again, &[]).await.unwrap();
    let after = store.conversation(&id).await.unwrap().unwrap();
    assert_eq!((after.heat_last, after.utterances), (before.heat_last, 1));
    assert_eq!(store.last_position().await.unwrap(), events, "a repeat writes no event");
}

#[tokio::test]
async fn a_restart_by_itself_alarms_nobody() {
    let desk = Desk::open().await;
    let id = ConversationId(desk.call("supervisor", &["я подам на вас в суд"]).await);
    let fresh = restarted(&desk);
    let mut news = fresh.subscribe();
    fresh.tick(&id, Timestamp::from_millis(NOON).plus(Millis::seconds(1))).await.unwrap();
    assert!(!news.recv().await.unwrap().alert);
    fresh.tick(&id, Timestamp::from_millis(NOON).plus(Millis::seconds(31))).await.unwrap();
    assert!(news.recv().await.unwrap().alert, "after thirty seconds the alert climbs");
}

#[tokio::test]
async fn the_words_of_a_resolution_are_shown_but_never_stand_in_the_log() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &["я подам на вас в суд"]).await;
    let case = format!("/cases/{talk}-case");
    let fields = "reason=legal&decision=refunded+to+Somov&cost=10&cost_kind=refund&conclusion=call+earlier";
    assert_eq!(desk.submit("supervisor", &format!("{case}/resolve"), fields).await.status, 303);
    assert!(desk.page("supervisor", &case).await.body.contains("refunded to Somov"));
    let stream = conversation_stream(&ConversationId(talk.clone()));
    let events = desk.app.desk.store.events_of(&stream, 0, 100).await.unwrap();
    let acted = events.iter().find(|event| event.kind == "acted").unwrap();
    assert!(acted.body.contains("sha256:") && !acted.body.contains("Somov"), "{}", acted.body);
    // What was resolved stays resolved when it is read off the log.
    restarted(&desk).tick(&ConversationId(talk), Timestamp::from_millis(NOON)).await.unwrap();
    assert!(desk.page("supervisor", &case).await.body.contains("refunded to Somov"));
}

#[tokio::test]
async fn customers_of_one_trouble_are_one_incident_also_across_a_restart() {
    let desk = Desk::open().await;
    let mut talks = Vec::new();
    for number in 0..4 {
        let start = serde_json::json!({"channel": "call", "customer_name": "Клиент", "customer_tel": format!("+7900000010{number}")});
        let begun = desk.ask("supervisor", "POST", "/api/v1/conversations", Some(start)).await.json();
        talks.push(ConversationId(begun["id"].as_str().unwrap().to_owned()));
    }
    let down = [said(0, Party::Customer, "у меня второй день нет интернета")];
    for talk in &talks[..2] {
        desk.app.desk.pipeline.say(talk, &down, &[]).await.unwrap();
    }
    let next = restarted(&desk);
    next.recall_incidents().await.unwrap();
    next.say(&talks[2], &down, &[]).await.unwrap();
    let last = restarted(&desk);
    last.recall_incidents().await.unwrap();
    last.say(&talks[3], &down, &[]).await.unwrap();
    let mut numbers = Vec::new();
    for talk in &talks[2..] {
        let events = desk.app.desk.store.events_of(&conversation_stream(talk), 0, 100).await.unwrap();
        let incident = events
            .iter()
            .find(|event| event.kind == "incident")
            .unwrap_or_else(|| panic!("{talk}: {events:?}"));
        let body: serde_json::Value = serde_json::from_str(&incident.body).unwrap();
        numbers.push(body.to_string());
    }
    assert!(
        numbers[0].contains("true") && numbers[1].contains("false"),
        "opened once, then joined: {numbers:?}"
    );
    let number = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    assert_eq!(number(&numbers[0]), number(&numbers[1]), "{numbers:?}");
}
