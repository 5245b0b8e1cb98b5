//! After the end of a case: what the customer says, whether they stayed; notes on customers, and two cards of one person.

use axum::body::Body;
use axum::http::{Request, header};
use gradus_engine::time::Millis;
use serde_json::{Value, json};

use crate::desk::{Answer, Desk};

const COURT: &str = "верните деньги иначе я подам на вас в суд";

/// A request of somebody who is nobody here.
async fn stranger(desk: &Desk, path: &str, fields: Option<&str>) -> Answer {
    let request = Request::builder().uri(path);
    let request = match fields {
        None => request.body(Body::empty()),
        Some(fields) => request
            .method("POST")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(fields.to_owned())),
    };
    desk.send(request.unwrap()).await
}

async fn act(desk: &Desk, case: &str, action: Value) {
    let path = format!("/api/v1/cases/{case}/actions");
    let done = desk.ask("supervisor", "POST", &path, Some(action)).await;
    assert_eq!(done.status, 200, "{}", done.body);
}

fn resolution() -> Value {
    json!({"action": "resolve", "resolution": {"reason": "legal", "decision": "вернули деньги",
        "costs": [], "conclusion": "проверять возвраты"}})
}

/// The link of a case, as its page shows it.
async fn link(desk: &Desk, case: &str) -> String {
    let page = desk.page("supervisor", &format!("/cases/{case}")).await.body;
    let link = page.split("/rate/").nth(1).unwrap_or_else(|| panic!("no link: {page}"));
    format!("/rate/{}", link.split('"').next().unwrap())
}

#[tokio::test]
async fn the_customer_rates_a_resolved_case_by_a_link_that_nobody_can_guess() {
    let desk = Desk::open().await;
    let case = format!("{}-case", desk.call("supervisor", &[COURT]).await);
    act(&desk, &case, json!({"action": "take_over"})).await;
    act(&desk, &case, resolution()).await;
    let link = link(&desk, &case).await;
    let page = stranger(&desk, &link, None).await;
    assert!(page.status == 200 && page.body.contains("Как мы решили ваш вопрос?"), "{}", page.body);
    assert_eq!(stranger(&desk, "/rate/1-000000000000000000000000", None).await.status, 404);
    assert_eq!(stranger(&desk, "/rate/x", None).await.status, 404);
    let none = stranger(&desk, &link, Some("words=ok")).await;
    assert!(none.status == 422 && none.body.contains("Выберите оценку"), "{}", none.body);
    assert_eq!(stranger(&desk, &link, Some("stars=9")).await.status, 422);
    let done = stranger(&desk, &link, Some("stars=2&words=slow+4111111111111111")).await;
    assert!(done.status == 200 && done.body.contains("Спасибо!"));
    stranger(&desk, &link, Some("stars=4&words=quick")).await;
    let row = desk.ask("supervisor", "GET", &format!("/api/v1/cases/{case}"), None).await.json();
    assert_eq!(
        (&row["rating"]["stars"], &row["rating"]["words"]),
        (&json!(4), &json!("quick")),
        "the later word"
    );
    let page = desk.page("supervisor", &format!("/cases/{case}")).await.body;
    assert!(page.contains("4\u{a0}/\u{a0}5") && page.contains("«quick»"), "{page}");
    assert_eq!(desk.submit("agent", &format!("/cases/{case}/stayed"), "stayed=yes").await.status, 403);
    desk.submit("supervisor", &format!("/cases/{case}/stayed"), "stayed=no").await;
    let row = desk.ask("supervisor", "GET", &format!("/api/v1/cases/{case}"), None).await.json();
    assert_eq!(row["stayed"], false);
    act(&desk, &case, json!({"action": "reopen"})).await;
    assert!(stranger(&desk, &link, None).await.body.contains("ещё решается"));
    act(&desk, &case, resolution()).await;
    desk.clock.advance(Millis::minutes(31 * 24 * 60));
    assert!(stranger(&desk, &link, Some("stars=1")).await.body.contains("оценка уже не принимается"));
    let row = desk.ask("agent", "GET", &format!("/api/v1/cases/{case}"), None).await.json();
    assert_eq!(row["rating"]["stars"], 4, "what came too late changed nothing");
}

#[tokio::test]
async fn notes_are_read_by_everybody_and_taken_away_by_who_wrote_them() {
    let desk = Desk::open().await;
    desk.call("supervisor", &[COURT]).await;
    let found = desk.ask("agent", "GET", "/api/v1/customers", None).await.json();
    let id = found["customers"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/customers/{id}");
    let noted =
        desk.ask("agent", "POST", &path, Some(json!({"action": "note", "text": "звонить после 18"}))).await;
    let note = noted.json()["notes"][0]["id"].as_str().unwrap().to_owned();
    desk.submit("supervisor", &format!("/customers/{id}/notes"), "text=VIP").await;
    assert_eq!(desk.submit("agent", &format!("/customers/{id}/notes"), "text=+").await.status, 422);
    assert_eq!(desk.submit("coach", &format!("/customers/{id}/notes"), "text=x").await.status, 403);
    let page = desk.page("coach", &format!("/customers/{id}")).await.body;
    assert!(page.contains("звонить после 18") && page.contains("VIP"), "{page}");
    let theirs = desk.ask("agent", "GET", &path, None).await.json()["notes"].clone();
    let theirs = theirs.as_array().unwrap().iter().find(|one| one["text"] == "VIP").unwrap()["id"].clone();
    let theirs = json!({"action": "remove_note", "note": theirs});
    assert_eq!(desk.ask("agent", "POST", &path, Some(theirs)).await.status, 403);
    let gone = desk.submit("agent", &format!("/customers/{id}/notes/{note}/remove"), "").await;
    assert_eq!(gone.status, 303);
    assert_eq!(desk.ask("agent", "GET", &path, None).await.json()["notes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn two_cards_of_one_person_become_one_and_can_be_parted() {
    let desk = Desk::open().await;
    desk.call("supervisor", &[COURT]).await;
    let start = json!({"channel": "chat", "customer_name": "П. Сомов", "customer_tel": "+79000000111"});
    let chat = desk.ask("supervisor", "POST", "/api/v1/conversations", Some(start)).await.json();
    let chat = format!("/api/v1/conversations/{}", chat["id"].as_str().unwrap());
    let customer = |talk: &Value| talk["conversation"]["customer_id"].as_str().map(str::to_owned);
    let second = desk.ask("supervisor", "GET", &chat, None).await.json();
    let second = customer(&second).unwrap_or_else(|| panic!("{second}"));
    let all = desk.ask("supervisor", "GET", "/api/v1/customers", None).await.json();
    let all = all["customers"].as_array().unwrap();
    let first = all.iter().find(|one| one["id"] != json!(second)).unwrap()["id"].as_str().unwrap().to_owned();
    let nobody = desk.submit("supervisor", &format!("/customers/{first}/join"), "text=%2B79990000000").await;
    assert!(nobody.status == 422 && nobody.body.contains("Второй карточки"), "{}", nobody.body);
    let join = desk.submit("supervisor", &format!("/customers/{first}/join"), "text=8+900+000-01-11").await;
    assert_eq!(join.status, 303, "{}", join.body);
    assert_eq!(
        customer(&desk.ask("supervisor", "GET", &chat, None).await.json()).as_deref(),
        Some(first.as_str())
    );
    let one = desk.ask("supervisor", "GET", &format!("/api/v1/customers/{first}"), None).await.json();
    assert_eq!(one["contacts"].as_array().unwrap().len(), 2);
    assert_eq!(one["joined"], json!([second]));
    let again = json!({"action": "join", "from": second});
    let again = desk.ask("supervisor", "POST", &format!("/api/v1/customers/{first}"), Some(again)).await;
    assert_eq!(again.status, 409, "{}", again.body);
    assert!(desk.page("agent", &format!("/customers/{second}")).await.body.contains("соединена с другой"));
    assert_eq!(desk.submit("agent", &format!("/customers/{second}/part"), "").await.status, 403);
    desk.submit("supervisor", &format!("/customers/{second}/part"), "").await;
    assert_eq!(customer(&desk.ask("supervisor", "GET", &chat, None).await.json()), Some(second));
}
