//! What a case owes, over HTTP: the customer is told, waited for, departments are asked and answer; hints for the agent.

use gradus_engine::time::Millis;
use serde_json::{Value, json};

use crate::desk::{Desk, NOON};

const COURT: &str = "верните деньги иначе я подам на вас в суд";

async fn act(desk: &Desk, who: &str, case: &str, action: Value) -> crate::desk::Answer {
    desk.ask(who, "POST", &format!("/api/v1/cases/{case}/actions"), Some(action)).await
}

fn clock<'v>(case: &'v Value, name: &str) -> &'v Value {
    case["clocks"].as_array().unwrap().iter().find(|clock| clock["clock"] == name).unwrap()
}

#[tokio::test]
async fn the_lawyers_are_asked_see_the_case_of_another_team_and_answer_in_one_form() {
    let desk = Desk::open().await;
    desk.add_person("north", "supervisor", Some("north")).await;
    desk.add_person("lawyer", "department", Some("legal")).await;
    desk.add_person("engineer", "department", Some("technical")).await;
    let talk = desk.call("north", &[COURT]).await;
    let case = format!("{talk}-case");
    let queue = desk.page("lawyer", "/asks").await.body;
    assert!(queue.contains("Юристы") && queue.contains("Нужен ваш ответ"), "{queue}");
    assert!(desk.page("engineer", "/asks").await.body.contains("Вопросов нет"));
    assert!(desk.page("lawyer", "/").await.body.contains("Вопрос вашему отделу"));
    for path in [format!("/cases/{case}"), format!("/conversations/{talk}")] {
        assert_eq!(desk.page("lawyer", &path).await.status, 200, "asked, so they see {path}");
        assert_eq!(desk.page("engineer", &path).await.status, 404, "not asked: {path}");
    }
    let empty = desk.submit("lawyer", &format!("/cases/{case}/answer"), "ask=1&text=").await;
    assert_eq!(empty.status, 422);
    assert!(empty.body.contains("Напишите, что именно"));
    let done =
        desk.submit("lawyer", &format!("/cases/{case}/answer"), "ask=1&text=refund+4111111111111111").await;
    assert_eq!((done.status, done.header("location")), (303, "/asks"));
    let page = desk.page("north", &format!("/cases/{case}")).await.body;
    assert!(page.contains("Отдел ответил") && page.contains("refund") && !page.contains("4111111111111111"));
    assert!(desk.page("north", "/").await.body.contains("Отдел ответил"), "the owner's side hears of it");
    assert_eq!(desk.submit("lawyer", &format!("/cases/{case}/answer"), "ask=1&text=twice").await.status, 409);
    let more =
        act(&desk, "north", &case, json!({"action": "ask", "department": "billing", "text": "сколько?"}))
            .await;
    let asks = more.json()["asks"].clone();
    assert_eq!((&asks[1]["department"], &asks[1]["question"]), (&json!("billing"), &json!("сколько?")));
    let unknown =
        act(&desk, "north", &case, json!({"action": "ask", "department": "cooks", "text": "?"})).await;
    assert_eq!(unknown.status, 409);
    let all = desk.ask("director", "GET", "/api/v1/asks", None).await.json();
    assert_eq!(all["asks"].as_array().unwrap().len(), 2);
    assert_eq!(desk.ask("agent", "GET", "/api/v1/asks", None).await.status, 403);
}

#[tokio::test]
async fn the_customer_is_told_from_a_template_and_waited_for_and_the_clocks_follow() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &[COURT]).await;
    let case = format!("{talk}-case");
    let waits = act(&desk, "supervisor", &case, json!({"action": "wait"})).await;
    assert_eq!(waits.status, 409, "nobody has it yet");
    act(&desk, "supervisor", &case, json!({"action": "acknowledge"})).await;
    let page = desk.page("supervisor", &format!("/cases/{case}?template=taken")).await.body;
    assert!(page.contains("Пётр Сомов, это supervisor Иванов. Ваше обращение № 1 у меня"), "{page}");
    assert!(page.contains("Отпишусь до 12:15"), "the nearest time that is owed: {page}");
    let told = act(
        &desk,
        "supervisor",
        &case,
        json!({"action": "inform", "text": "занимаемся", "again_minutes": 30}),
    );
    let told = told.await.json();
    assert_eq!(clock(&told, "first_response")["met_at_ms"], NOON);
    assert_eq!(clock(&told, "next_update")["due_at_ms"], NOON + 1_800_000);
    desk.clock.advance(Millis::minutes(10));
    let waits = act(&desk, "supervisor", &case, json!({"action": "wait"})).await.json();
    assert_eq!(waits["paused_until_ms"], NOON + 600_000 + 72 * 3_600_000);
    assert_eq!(clock(&waits, "next_update")["due_at_ms"], Value::Null);
    assert_eq!(clock(&waits, "next_update")["spent_ms"], 600_000);
    desk.clock.advance(Millis::minutes(60));
    let back = act(&desk, "supervisor", &case, json!({"action": "resume"})).await.json();
    assert_eq!(clock(&back, "next_update")["due_at_ms"], NOON + 70 * 60_000 + 20 * 60_000);
    let calmer =
        act(&desk, "supervisor", &case, json!({"action": "prioritise", "priority": "normal"})).await.json();
    assert_eq!(
        (&calmer["priority"], &clock(&calmer, "resolve")["calendar"]),
        (&json!("normal"), &json!("office"))
    );
    let followed = act(&desk, "agent", &case, json!({"action": "follow"})).await.json();
    assert_eq!(followed["followers"], json!(["user-agent"]));
    let kinds: Vec<&str> = followed["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect();
    for kind in
        ["opened", "asked", "acknowledged", "informed", "paused", "resumed", "prioritised", "followed"]
    {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let words = followed["timeline"].as_array().unwrap().iter().find(|entry| entry["kind"] == "informed");
    assert_eq!(words.unwrap()["text"], "занимаемся");
    let log = desk.app.desk.store.events_after(0, 1_000).await.unwrap();
    assert!(log.iter().all(|event| !event.body.contains("занимаемся")), "the log has the hash alone");
}

#[tokio::test]
async fn clocks_ring_by_themselves_also_after_a_restart_and_an_alert_that_asks_for_no_more_is_seen() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &[COURT]).await;
    let case = format!("{talk}-case");
    act(&desk, "supervisor", &case, json!({"action": "take_over"})).await;
    let spoken = desk.ask("supervisor", "GET", &format!("/api/v1/cases/{case}"), None).await.json();
    assert_eq!(clock(&spoken, "first_response")["met_at_ms"], NOON, "who takes over a live call speaks");
    let minutes = |minutes: u64| desk.app.desk.clock.now().plus(Millis::minutes(minutes));
    let store = &desk.app.desk.store;
    assert!(store.claim_due(minutes(47), minutes(47)).await.unwrap().is_none());
    let (due, claimed) = (minutes(48), minutes(49));
    assert!(store.claim_due(due, claimed).await.unwrap().is_some(), "four fifths of the hour");
    let other = gradus::pipeline::Pipeline::new(
        std::sync::Arc::clone(store),
        desk.app.desk.pipeline.ear(),
        std::sync::Arc::new(gradus::ears::protocol(None).unwrap()),
    );
    other.tick(&talk.as_str().into(), due).await.unwrap();
    let strip = desk.page("supervisor", "/").await.body;
    assert!(strip.contains("Пора сообщить клиенту"), "{strip}");
    let row = desk.ask("supervisor", "GET", &format!("/api/v1/cases/{case}"), None).await.json();
    assert!(clock(&row, "next_update")["warned"].as_bool().unwrap());
    let alert =
        row["alerts"].as_array().unwrap().iter().find(|alert| alert["topic"] == "next_update_warning");
    let number = alert.unwrap()["number"].clone();
    assert_eq!(desk.submit("supervisor", "/alerts/999/seen", "").await.status, 404);
    assert_eq!(desk.submit("supervisor", &format!("/alerts/{number}/seen"), "").await.status, 303);
    assert!(!desk.page("supervisor", "/").await.body.contains("Пора сообщить клиенту"));
    let row = desk.ask("supervisor", "GET", &format!("/api/v1/cases/{case}"), None).await.json();
    assert_eq!(row["state"], "in_work", "seeing it takes no case from anybody");
}

#[tokio::test]
async fn the_agent_reads_what_to_say_and_the_sentence_of_the_ladder_word_for_word() {
    let desk = Desk::open().await;
    let talk = desk.call("agent", &[COURT]).await;
    let path = format!("/conversations/{talk}");
    let page = desk.page("agent", &path).await.body;
    assert!(page.contains("Правовая угроза") && page.contains("Не говорите"), "{page}");
    let insult = json!({"index": 5, "party": "customer", "text": "ты идиот тупой"});
    desk.ask("agent", "POST", &format!("/api/v1{path}/events"), Some(insult)).await;
    let page = desk.page("agent", &path).await.body;
    assert!(page.contains("Я хочу вам помочь, но такой тон не поможет решить вопрос"), "{page}");
    let shown = desk.ask("agent", "GET", &format!("/api/v1{path}/hints"), None).await.json();
    assert!(shown["ladder"].as_str().unwrap().starts_with("Я хочу вам помочь"), "{shown}");
    desk.ask("agent", "POST", &format!("/api/v1{path}/end"), None).await;
    assert!(!desk.page("agent", &path).await.body.contains("h-hints"), "what is over needs no hints");
}
