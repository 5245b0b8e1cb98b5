//! Cases of one matter become one, what belongs together is linked, documents lie with the case.

use axum::body::Body;
use axum::http::{Request, header};
use gradus_engine::time::Millis;
use serde_json::{Value, json};

use crate::desk::{Answer, Desk};

const COURT: &str = "верните деньги иначе я подам на вас в суд";

async fn act(desk: &Desk, who: &str, case: &str, action: Value) -> Answer {
    desk.ask(who, "POST", &format!("/api/v1/cases/{case}/actions"), Some(action)).await
}

async fn case(desk: &Desk, who: &str, id: &str) -> Value {
    desk.ask(who, "GET", &format!("/api/v1/cases/{id}"), None).await.json()
}

/// Two cases of one customer, the older first.
async fn two(desk: &Desk) -> (String, String) {
    let older = desk.call("supervisor", &[COURT]).await;
    desk.clock.advance(Millis::minutes(3));
    let younger = desk.call("supervisor", &[COURT]).await;
    (format!("{older}-case"), format!("{younger}-case"))
}

async fn add(desk: &Desk, who: &str, case: &str, name: &str, bytes: &[u8]) -> Answer {
    let request = Request::builder()
        .method("POST")
        .uri(format!("/api/v1/cases/{case}/documents?name={name}"))
        .header(header::AUTHORIZATION, format!("Bearer token-{who}"))
        .body(Body::from(bytes.to_vec()));
    desk.send(request.unwrap()).await
}

#[tokio::test]
async fn the_younger_case_goes_on_in_the_older_one_and_can_be_parted_again() {
    let desk = Desk::open().await;
    let (older, younger) = two(&desk).await;
    act(&desk, "agent", &younger, json!({"action": "follow"})).await;
    let page = desk.page("supervisor", &format!("/cases/{younger}")).await.body;
    assert!(page.contains("тот же клиент, открыт") && page.contains("Объединить"), "{page}");
    let wrong = desk.submit("supervisor", &format!("/cases/{older}/merge"), "number=2").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("Кейс № 2 новее. Откройте его и объедините с № 1"), "{}", wrong.body);
    let none = desk.submit("supervisor", &format!("/cases/{younger}/merge"), "number=77").await;
    assert!(none.body.contains("Нет кейса с таким номером"));
    let itself = act(&desk, "supervisor", &younger, json!({"action": "merge", "into": younger})).await;
    assert_eq!(itself.status, 409);
    assert_eq!(desk.submit("agent", &format!("/cases/{younger}/merge"), "number=1").await.status, 403);
    let done = desk.submit("supervisor", &format!("/cases/{younger}/merge"), "number=1").await;
    assert_eq!(
        (done.status, done.header("location")),
        (303, format!("/cases/{older}#part-related").as_str())
    );

    let (first, second) =
        (case(&desk, "supervisor", &older).await, case(&desk, "supervisor", &younger).await);
    assert_eq!((&second["state"], &second["merged_into"]), (&json!("merged"), &json!(older)));
    assert!(second["alerts"].as_array().unwrap().iter().all(|alert| alert["state"] == "handled"));
    assert_eq!(first["followers"], json!(["user-agent"]));
    assert_eq!(first["related"][0]["relation"], "merged");
    assert_eq!(first["asks"].as_array().unwrap().len(), 1, "the lawyers are asked once");
    let open = desk.ask("supervisor", "GET", "/api/v1/cases?open=true", None).await.json();
    assert_eq!(open["total"], 1);
    let page = desk.page("supervisor", &format!("/cases/{younger}")).await.body;
    assert!(page.contains("Этот кейс объединён с другим") && page.contains("Отделить"), "{page}");
    let page = desk.page("supervisor", &format!("/cases/{older}")).await.body;
    assert!(page.contains("Принял в себя кейс: № 2"), "{page}");
    let now = desk.app.desk.clock.now();
    let faults = desk.app.desk.store.audit_invariants(now).await.unwrap();
    // Nobody ticks the clocks of this desk.
    assert!(faults.iter().all(|fault| fault.kind == "clock_stands_still"), "{faults:?}");

    let parted = act(&desk, "supervisor", &younger, json!({"action": "reopen"})).await.json();
    assert_eq!((&parted["state"], &parted["merged_into"]), (&json!("in_work"), &Value::Null));
    let open = desk.ask("supervisor", "GET", "/api/v1/cases?open=true", None).await.json();
    assert_eq!(open["total"], 2);
}

#[tokio::test]
async fn cases_of_two_customers_are_linked_and_not_merged() {
    let desk = Desk::open().await;
    let mine = format!("{}-case", desk.call("supervisor", &[COURT]).await);
    let start = json!({"channel": "chat", "customer_name": "Анна Ли", "customer_tel": "+79000000111"});
    let other = desk.ask("supervisor", "POST", "/api/v1/conversations", Some(start)).await.json();
    let other = other["id"].as_str().unwrap().to_owned();
    let line = json!({"index": 0, "party": "customer", "text": COURT});
    desk.ask("supervisor", "POST", &format!("/api/v1/conversations/{other}/events"), Some(line)).await;
    let other = format!("{other}-case");
    let merged = desk.submit("supervisor", &format!("/cases/{other}/merge"), "number=1").await;
    assert!(merged.body.contains("Кейсы разных клиентов не объединяют"), "{}", merged.body);
    assert_eq!(
        desk.submit("supervisor", &format!("/cases/{other}/link"), "number=%E2%84%961").await.status,
        303
    );
    for (here, there) in [(&mine, &other), (&other, &mine)] {
        let linked = case(&desk, "supervisor", here).await;
        assert_eq!(linked["related"][0]["case"], json!(there));
        assert_eq!(linked["related"][0]["relation"], "linked");
    }
    desk.submit("supervisor", &format!("/cases/{mine}/unlink"), "number=2").await;
    assert_eq!(case(&desk, "supervisor", &other).await["related"], json!([]));
}

#[tokio::test]
async fn a_document_is_kept_read_as_a_file_and_goes_with_the_words() {
    let desk = Desk::open().await;
    let talk = desk.call("agent", &[COURT]).await;
    let id = format!("{talk}-case");
    let name = "%D0%B0%D0%BA%D1%82.html";
    let kept = add(&desk, "agent", &id, name, b"<script>alert(1)</script>").await;
    assert_eq!(kept.status, 201, "{}", kept.body);
    assert_eq!(kept.json()["name"], "акт.html");
    let again = add(&desk, "agent", &id, name, b"<script>alert(1)</script>").await.json();
    assert_eq!(again["id"], kept.json()["id"], "the same file again is the same document");
    assert_eq!(add(&desk, "agent", &id, name, b"").await.status, 422);
    let path = format!("/cases/{id}/documents/{}", kept.json()["id"].as_str().unwrap());
    let read = desk.page("supervisor", &path).await;
    assert_eq!(read.body, "<script>alert(1)</script>");
    assert_eq!(read.header("content-type"), "application/octet-stream");
    assert!(read.header("content-disposition").starts_with("attachment; filename*=UTF-8''%D0%B0"));
    let page = desk.page("supervisor", &format!("/cases/{id}")).await.body;
    assert!(page.contains("акт.html") && page.contains("Приложен документ"), "{page}");
    let log = desk.app.desk.store.audit_before(i64::MAX, 20).await.unwrap();
    assert!(log.iter().any(|row| row.action == "document.read" && row.actor == "user-supervisor"));

    let theirs = add(&desk, "supervisor", &id, "b.txt", b"b").await.json();
    let taken_off = format!("/api/v1/cases/{id}/documents/{}", theirs["id"].as_str().unwrap());
    assert_eq!(desk.ask("agent", "DELETE", &taken_off, None).await.status, 403, "somebody else's");
    let left = desk.ask("supervisor", "DELETE", &taken_off, None).await.json();
    assert_eq!(left["documents"].as_array().unwrap().len(), 1);
    assert_eq!(
        desk.page("supervisor", &format!("/cases/{id}/documents/{}", theirs["id"].as_str().unwrap()))
            .await
            .status,
        404
    );

    desk.ask("agent", "POST", &format!("/api/v1/conversations/{talk}/end"), None).await;
    let later = desk.app.desk.clock.now().plus(Millis::minutes(60));
    let erased = desk.app.desk.store.forget_words_before(later, 10).await.unwrap();
    assert_eq!(erased.recordings, [format!("documents/{}", kept.json()["id"].as_str().unwrap())]);
    assert_eq!(desk.page("supervisor", &path).await.status, 404);
}
