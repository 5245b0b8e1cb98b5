//! What may be granted: within the limit at once, beyond it with leave, by word of mouth into the ledger; and the auditor.

use gradus::store::{Batch, CaseUpdate, Change, Service};
use gradus_engine::time::Millis;
use serde_json::{Value, json};

use crate::desk::{Desk, NOON};

async fn grant(desk: &Desk, who: &str, talk: &str, what: &str, amount: &str) -> crate::desk::Answer {
    let body = json!({"authority": what, "amount": amount, "reason": "задержали на неделю"});
    desk.ask(who, "POST", &format!("/api/v1/conversations/{talk}/authority"), Some(body)).await
}

async fn ledger(desk: &Desk) -> Vec<(String, String)> {
    let all = desk.ask("supervisor", "GET", "/api/v1/authority", None).await.json();
    let field = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let rows = all["grants"].as_array().unwrap().iter();
    rows.map(|row| (field(row, "state"), format!("{} {}", field(row, "authority"), field(row, "amount"))))
        .collect()
}

#[tokio::test]
async fn within_the_limit_it_is_entered_beyond_it_a_supervisor_allows_it_in_one_click() {
    let desk = Desk::open().await;
    let talk = desk.call("agent", &["подам на вас в суд"]).await;
    let path = format!("/conversations/{talk}");
    let page = desk.page("agent", &path).await.body;
    assert!(page.contains("до 10\u{a0}%") && page.contains("до 5\u{202f}000\u{a0}₽"), "{page}");
    let used = desk
        .submit("agent", &format!("{path}/authority"), "authority=discount&amount=7%2C5&reason=late")
        .await;
    assert_eq!(used.status, 303);
    let again = grant(&desk, "agent", &talk, "discount", "5").await.json();
    assert_eq!(again["state"], "requested", "this customer had one within thirty days");
    let over = grant(&desk, "agent", &talk, "replacement", "20000").await.json();
    assert_eq!(over["state"], "requested", "beyond the agent's 5,000");
    let strip = desk.page("supervisor", "/").await.body;
    assert!(strip.contains("Просят согласовать сверх полномочий"), "{strip}");
    let page = desk.page("supervisor", "/authority").await.body;
    assert!(page.contains("задержали на неделю") && page.contains("20\u{202f}000\u{a0}₽"), "{page}");
    let waiting = desk.ask("supervisor", "GET", "/api/v1/authority?open=true", None).await.json();
    let ids: Vec<String> = waiting["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 2);
    for id in &ids {
        assert_eq!(desk.submit("agent", &format!("/authority/{id}/answer"), "allow=true").await.status, 403);
        assert_eq!(
            desk.submit("supervisor", &format!("/authority/{id}/answer"), "allow=true&words=ok").await.status,
            303
        );
        let twice = desk.submit("director", &format!("/authority/{id}/answer"), "allow=false").await;
        assert_eq!(twice.status, 409, "the first answer counts");
    }
    assert!(!desk.page("supervisor", "/").await.body.contains("Просят согласовать сверх"));
    assert!(desk.page("agent", &path).await.body.contains("согласовано"));
    let timeline = desk.page("supervisor", &format!("/cases/{talk}-case")).await.body;
    assert!(timeline.contains("Применили полномочия") && timeline.contains("Согласовано"), "{timeline}");
    let audit = desk.app.desk.store.audit_before(i64::MAX, 50).await.unwrap();
    assert_eq!(audit.iter().filter(|row| row.action.starts_with("authority.")).count(), 5);
}

#[tokio::test]
async fn what_nobody_may_grant_is_refused_and_what_a_supervisor_may_not_goes_to_the_director() {
    let desk = Desk::open().await;
    let talk = desk.call("agent", &["здравствуйте"]).await;
    for (what, amount, words) in [
        ("discount", "0", "more than zero"),
        ("discount", "-5", "more than zero"),
        ("discount", "101", "nobody may grant more than 100"),
        ("chocolate", "1", "the protocol knows no \\\"chocolate\\\""),
    ] {
        let answer = grant(&desk, "agent", &talk, what, amount).await;
        assert_eq!(answer.status, 422, "{what} {amount}");
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    grant(&desk, "agent", &talk, "discount", "40").await;
    assert!(!desk.page("supervisor", "/").await.body.contains("Просят согласовать сверх"));
    assert!(desk.page("director", "/").await.body.contains("Просят согласовать сверх"));
    let waiting = desk.ask("director", "GET", "/api/v1/authority?open=true", None).await.json();
    let id = waiting["grants"][0]["id"].as_str().unwrap().to_owned();
    let answer = desk
        .ask("supervisor", "POST", &format!("/api/v1/authority/{id}"), Some(json!({"allow": true})))
        .await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("your own limit is 30"), "{}", answer.body);
    let no = json!({"allow": false, "words": "нет"});
    let refused = desk.ask("director", "POST", &format!("/api/v1/authority/{id}"), Some(no)).await;
    assert_eq!(refused.json()["state"], "refused");
}

#[tokio::test]
async fn a_promise_by_word_of_mouth_is_compared_at_once_and_the_report_shows_what_was_overspent() {
    let desk = Desk::open().await;
    let talk = desk.call("agent", &["хочу скидку"]).await;
    let events = format!("/api/v1/conversations/{talk}/events");
    let said =
        json!({"index": 7, "party": "agent", "text": "давайте я сделаю вам скидку пятнадцать процентов"});
    assert_eq!(desk.ask("agent", "POST", &events, Some(said)).await.status, 200);
    let page = desk.page("agent", &format!("/conversations/{talk}")).await.body;
    assert!(page.contains("Скидка 15\u{a0}%: сверх ваших полномочий, предел 10\u{a0}%"), "{page}");
    assert_eq!(ledger(&desk).await, [("spoken".to_owned(), "discount 15".to_owned())]);
    let spent = desk.ask("supervisor", "GET", "/api/v1/authority", None).await.json()["spending"].clone();
    assert_eq!((&spent[0]["overspent"], &spent[0]["over"]), (&json!(1), &json!("5")));
    assert!(desk.page("supervisor", "/authority").await.body.contains("обещано вслух сверх предела"));
    grant(&desk, "supervisor", &talk, "discount", "15").await;
    let spent = desk.ask("supervisor", "GET", "/api/v1/authority", None).await.json()["spending"].clone();
    assert!(
        spent.as_array().unwrap().iter().all(|line| line["overspent"] == 0),
        "what was entered is no overspend: {spent}"
    );
}

#[tokio::test]
async fn the_auditor_finds_from_the_database_alone_what_hangs_and_says_when_it_is_gone() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &["подам на вас в суд"]).await;
    let case = format!("{talk}-case");
    let shared = &desk.app.desk;
    assert!(gradus::auditor::look(shared).await.unwrap().is_empty());
    assert!(desk.page("supervisor", "/findings").await.body.contains("Ничего не повисло"));
    // The clocks stand still: nobody ticks.
    desk.clock.advance(Millis::minutes(3));
    let found = gradus::auditor::look(shared).await.unwrap();
    assert_eq!(found.iter().map(|finding| finding.kind.as_str()).collect::<Vec<_>>(), ["clock_stands_still"]);
    assert!(gradus::auditor::look(shared).await.unwrap().is_empty(), "the same fault is told once");
    let page = desk.page("supervisor", "/findings").await.body;
    assert!(page.contains("часы молчат") && page.contains(&format!("/cases/{case}")), "{page}");
    shared.pipeline.tick(&talk.as_str().into(), shared.clock.now()).await.unwrap();
    desk.clock.advance(Millis::seconds(1));
    gradus::auditor::look(shared).await.unwrap();
    assert!(desk.page("supervisor", "/findings").await.body.contains("Ничего не повисло"));
    // Somebody breaks the database behind the engine's back.
    let broken = CaseUpdate {
        id: case.as_str().into(),
        version: None,
        state: "in_work".into(),
        stage: "staff".into(),
        priority: "urgent".into(),
        owner_id: None,
        team: None,
        due_at: None,
        wake_at: None,
        service: Service::default(),
        first_response: None,
        incident_id: None,
    };
    shared.store.commit(Batch::new().change(Change::from(broken))).await.unwrap();
    let found = gradus::auditor::look(shared).await.unwrap();
    let kinds: Vec<&str> = found.iter().map(|finding| finding.kind.as_str()).collect();
    assert_eq!(kinds, ["case_without_due", "case_without_owner"]);
    let all = desk.ask("director", "GET", "/api/v1/findings", None).await.json();
    assert!(all["findings"][0]["first_seen_ms"].as_i64().unwrap() > NOON);
}

#[tokio::test]
async fn a_department_without_people_and_an_alert_that_calls_nobody_are_found() {
    let desk = Desk::open().await;
    let shared = &desk.app.desk;
    let talk = desk.call("supervisor", &["подам на вас в суд"]).await;
    for who in ["department", "supervisor", "administrator"] {
        let user = shared.store.user(&format!("user-{who}").as_str().into()).await.unwrap().unwrap();
        shared.store.change_user(&gradus::store::User { active: false, ..user }).await.unwrap();
    }
    desk.clock.advance(Millis::seconds(121));
    shared.pipeline.tick(&talk.as_str().into(), shared.clock.now()).await.unwrap();
    let found = gradus::auditor::look(shared).await.unwrap();
    let kinds: Vec<&str> = found.iter().map(|finding| finding.kind.as_str()).collect();
    assert_eq!(kinds, ["alert_calls_nobody", "department_without_people"]);
    assert_eq!(found[1].object, "legal");
}
