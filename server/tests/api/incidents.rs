//! Incidents: several customers report one trouble; they hear one text, and one end closes or wakes their cases.

use serde_json::{Value, json};

use crate::desk::{Answer, Desk};

const OUTAGE: &str = "у нас опять не работает интернет уже третий день сделайте что-нибудь это безобразие";

/// Customers who report one trouble, each in a conversation with a case.
async fn reported(desk: &Desk, customers: usize) -> Vec<String> {
    let mut cases = Vec::new();
    for number in 0..customers {
        let start = json!({"channel": "call", "customer_name": format!("Клиент {number}"), "customer_tel": format!("+7900000020{number}")});
        let talk = desk.ask("supervisor", "POST", "/api/v1/conversations", Some(start)).await.json();
        let talk = talk["id"].as_str().unwrap().to_owned();
        let line = json!({"index": 0, "party": "customer", "text": OUTAGE});
        desk.ask("supervisor", "POST", &format!("/api/v1/conversations/{talk}/events"), Some(line)).await;
        desk.submit("supervisor", &format!("/conversations/{talk}/case"), "").await;
        cases.push(format!("{talk}-case"));
    }
    cases
}

async fn incident(desk: &Desk) -> Value {
    desk.ask("supervisor", "GET", "/api/v1/incidents/1", None).await.json()
}

async fn act(desk: &Desk, who: &str, action: Value) -> Answer {
    desk.ask(who, "POST", "/api/v1/incidents/1", Some(action)).await
}

async fn case(desk: &Desk, id: &str) -> Value {
    desk.ask("supervisor", "GET", &format!("/api/v1/cases/{id}"), None).await.json()
}

#[tokio::test]
async fn its_customers_hear_one_text_and_each_case_keeps_it() {
    let desk = Desk::open().await;
    assert!(desk.page("supervisor", "/incidents").await.body.contains("Общих сбоев нет"));
    let cases = reported(&desk, 4).await;
    let page = desk.page("supervisor", "/incidents").await.body;
    assert!(page.contains("не работает интернет"), "{page}");
    let seen = incident(&desk).await;
    let members = seen["members"].as_array().unwrap().len();
    assert!(members >= 2, "who made it an incident, and who came after: {seen}");
    let open = seen["open_cases"].as_u64().unwrap();
    let told =
        act(&desk, "supervisor", json!({"action": "inform", "text": "чиним, ждите до 18:00"})).await.json();
    assert_eq!(told["reached"], json!({"cases": open, "passed_over": 0}));
    let last = case(&desk, cases.last().unwrap()).await;
    let timeline = last["timeline"].as_array().unwrap();
    assert!(
        timeline.iter().any(|entry| entry["kind"] == "informed" && entry["text"] == "чиним, ждите до 18:00")
    );
    let page = desk.page("supervisor", "/incidents/1").await.body;
    assert!(page.contains("чиним, ждите до 18:00") && page.contains("Клиент 3"), "{page}");
    assert_eq!(act(&desk, "agent", json!({"action": "inform", "text": "x"})).await.status, 403);
    assert_eq!(act(&desk, "supervisor", json!({"action": "inform", "text": " "})).await.status, 422);
    assert_eq!(desk.submit("supervisor", "/incidents/1/inform", "text=").await.status, 422);
    assert_eq!(desk.page("supervisor", "/incidents/99").await.status, 404);
    desk.submit("supervisor", "/incidents/1/name", "title=%D0%A1%D0%B1%D0%BE%D0%B9").await;
    assert!(desk.page("supervisor", "/incidents").await.body.contains("Сбой"));
    let contacts = desk.ask("supervisor", "GET", "/api/v1/incidents/1/contacts", None).await;
    assert!(contacts.body.contains("Клиент 3,79000000203,,4"), "{}", contacts.body);
    assert_eq!(desk.ask("agent", "GET", "/api/v1/incidents/1/contacts", None).await.status, 403);
}

#[tokio::test]
async fn its_end_closes_every_case_or_wakes_every_owner_and_the_trouble_begins_anew() {
    let desk = Desk::open().await;
    let cases = reported(&desk, 4).await;
    let last = cases.last().unwrap();
    let lacks = json!({"action": "close", "conclusion": "перегорел порт",
        "resolution": {"reason": "systemic", "decision": "", "costs": [], "conclusion": "ставим запасной порт"}});
    assert_eq!(act(&desk, "supervisor", lacks).await.status, 409, "a resolution is whole or nothing happens");
    let woken =
        act(&desk, "supervisor", json!({"action": "close", "conclusion": "перегорел порт"})).await.json();
    assert!(woken["reached"]["cases"].as_u64().unwrap() >= 2, "{woken}");
    let woken = case(&desk, last).await;
    assert_eq!(woken["closed_at_ms"], Value::Null);
    assert!(
        woken["alerts"].as_array().unwrap().iter().any(|alert| alert["topic"] == "cause_gone"),
        "{woken}"
    );
    assert!(desk.page("supervisor", "/").await.body.contains("Причина устранена: расскажите клиенту"));
    let told = json!({"action": "inform", "text": "починили"});
    desk.ask("supervisor", "POST", &format!("/api/v1/cases/{last}/actions"), Some(told)).await;
    let told = case(&desk, last).await;
    let gone =
        told["alerts"].as_array().unwrap().iter().find(|alert| alert["topic"] == "cause_gone").unwrap();
    assert_eq!(gone["state"], "handled", "who told the customer has answered it");
    assert_eq!(act(&desk, "supervisor", json!({"action": "close", "conclusion": "x"})).await.status, 409);
    reported(&desk, 1).await;
    assert_eq!(incident(&desk).await["conversations"], 4, "what is closed takes nobody in");
    assert_eq!(
        desk.ask("supervisor", "GET", "/api/v1/incidents/2", None).await.status,
        404,
        "one report is no incident"
    );
}

#[tokio::test]
async fn one_end_closes_all_cases_with_one_resolution_and_the_report_counts_each() {
    let desk = Desk::open().await;
    let cases = reported(&desk, 4).await;
    let done = desk
        .submit("supervisor", "/incidents/1/close", "conclusion=port&cases=resolve&decision=replaced")
        .await;
    assert_eq!(done.status, 303, "{}", done.body);
    let last = case(&desk, cases.last().unwrap()).await;
    assert_eq!((&last["state"], &last["reason"]), (&json!("closed"), &json!("systemic")));
    let page = desk.page("supervisor", done.header("location")).await.body;
    assert!(page.contains("Готово. Затронуто кейсов"), "{page}");
    let form = desk.submit("supervisor", "/incidents/1/close", "conclusion=&cases=resolve").await;
    assert_eq!(form.status, 422);
}
