//! What was promised to a customer: reminded before it is due, brought up when it is late, settled by a click.

use gradus_engine::time::Millis;
use serde_json::json;

use crate::desk::Desk;

async fn watch(desk: &Desk, minutes: u64) {
    desk.clock.advance(Millis::minutes(minutes));
    gradus::promises::watch(&desk.app.desk).await.unwrap();
}

#[tokio::test]
async fn a_promise_is_reminded_before_its_time_brought_up_when_it_is_late_and_settled_by_a_click() {
    let desk = Desk::open().await;
    let talk = desk.call("agent", &["когда решите вопрос"]).await;
    let said = json!({"index": 3, "party": "agent", "text": "перезвоню вам в течение часа"});
    desk.ask("agent", "POST", &format!("/api/v1/conversations/{talk}/events"), Some(said)).await;
    let promises = desk.app.desk.store.commitments(&talk.as_str().into()).await.unwrap();
    assert_eq!(promises.len(), 1, "{promises:?}");
    let strip = || async { desk.page("supervisor", "/alerts").await.body };
    watch(&desk, 44).await;
    assert!(!strip().await.contains("обещани"), "not yet");
    watch(&desk, 2).await;
    assert!(strip().await.contains("Скоро срок обещания клиенту"));
    watch(&desk, 20).await;
    assert!(strip().await.contains("Обещание клиенту просрочено"));
    watch(&desk, 20).await;
    let alerts = desk.app.desk.store.alerts_for(&"user-supervisor".into(), "supervisor", None).await.unwrap();
    assert_eq!(alerts.iter().filter(|alert| alert.topic.starts_with("promise")).count(), 2, "each once");
    let page = desk.page("agent", &format!("/conversations/{talk}")).await.body;
    assert!(page.contains("Выполнено"), "{page}");
    let fields = format!("promise={}&state=kept", promises[0].id);
    assert_eq!(desk.submit("agent", &format!("/conversations/{talk}/promise"), &fields).await.status, 303);
    assert!(!strip().await.contains("бещани"), "what is settled calls nobody");
    let path = format!("/api/v1/conversations/{talk}/promises");
    let settled = |state: &str| {
        desk.ask("agent", "POST", &path, Some(json!({"promise": promises[0].id, "state": state})))
    };
    assert_eq!(settled("broken").await.json()[0]["state"], "broken", "a later word replaces it");
    assert_eq!(settled("eaten").await.status, 422);
    let foreign = desk.ask("agent", "POST", &path, Some(json!({"promise": "p", "state": "kept"}))).await;
    assert_eq!(foreign.status, 404);
}

#[tokio::test]
async fn a_rebuild_forgets_neither_what_became_of_promises_nor_who_was_told() {
    let desk = Desk::open().await;
    let talk = desk.call("agent", &["когда решите вопрос"]).await;
    let said = json!({"index": 3, "party": "agent", "text": "перезвоню вам в течение часа"});
    desk.ask("agent", "POST", &format!("/api/v1/conversations/{talk}/events"), Some(said)).await;
    let store = &desk.app.desk.store;
    let id = store.commitments(&talk.as_str().into()).await.unwrap().remove(0).id;
    let path = format!("/api/v1/conversations/{talk}/promises");
    desk.ask("agent", "POST", &path, Some(json!({"promise": id, "state": "kept"}))).await;
    let protocol = gradus::ears::protocol(None).unwrap();
    let mut read_off =
        gradus::pipeline::ReadOff::new(vec![protocol], store.conversation_keys().await.unwrap());
    store.rebuild(|event| read_off.changes(event)).await.unwrap();
    assert_eq!(store.commitments(&talk.as_str().into()).await.unwrap()[0].state, "kept");
}
