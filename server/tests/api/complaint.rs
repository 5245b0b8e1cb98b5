//! The complaint form: whoever has the link registers a complaint, and nothing else.

use axum::body::Body;
use axum::http::Request;

use crate::desk::Desk;

async fn send(desk: &Desk, key: &str, fields: Option<&str>) -> crate::desk::Answer {
    let request = Request::builder().uri(format!("/complaint/{key}"));
    let request = match fields {
        None => request.body(Body::empty()),
        Some(fields) => request
            .method("POST")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(fields.to_owned())),
    };
    desk.send(request.unwrap()).await
}

#[tokio::test]
async fn any_employee_registers_a_complaint_by_the_link_and_a_supervisor_is_called() {
    let desk = Desk::open_with(&[("GRADUS_COMPLAINT__KEY", "long-and-secret")]).await;
    let page = send(&desk, "long-and-secret", None).await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("Извинитесь.") && page.body.contains("Передайте клиента из рук в руки"),
        "{}",
        page.body
    );
    for (fields, words) in [
        ("employee=Anna&story=", "Напишите, что случилось"),
        ("employee=&story=leaks", "Напишите, как вас зовут"),
        ("employee=Anna&story=leaks&tel=call+me", "Это не похоже на телефон"),
    ] {
        let answer = send(&desk, "long-and-secret", Some(fields)).await;
        assert!(answer.status == 422 && answer.body.contains(words), "{fields}: {}", answer.body);
    }
    let story: String = "чайник потёк в первый же день".bytes().map(|byte| format!("%{byte:02X}")).collect();
    let fields = format!("employee=Anna&customer=Olga&tel=%2B79211234567&story={story}");
    let done = send(&desk, "long-and-secret", Some(&fields)).await;
    assert!(done.status == 200 && done.body.contains("Кейс № 1"), "{}", done.body);
    let board = desk.page("supervisor", "/alerts").await.body;
    assert!(board.contains("Olga"), "a supervisor is called: {board}");
    let case = desk.ask("supervisor", "GET", "/api/v1/cases", None).await.json()["cases"][0].clone();
    assert!(case["due_at_ms"].is_i64(), "it has a next due time: {case}");
    let talk = format!("/api/v1/conversations/{}", case["conversation"].as_str().unwrap());
    let talk = desk.ask("supervisor", "GET", &talk, None).await.json();
    assert_eq!(talk["utterances"][0]["text"], "чайник потёк в первый же день");
    assert_eq!(talk["conversation"]["channel"], "in_person");
}

#[tokio::test]
async fn without_the_key_there_is_no_form() {
    let desk = Desk::open_with(&[("GRADUS_COMPLAINT__KEY", "long-and-secret")]).await;
    assert_eq!(send(&desk, "guessed", None).await.status, 404);
    assert_eq!(send(&desk, "guessed", Some("employee=a&story=b")).await.status, 404);
    let off = Desk::open().await;
    assert_eq!(send(&off, "", None).await.status, 404, "no key, no form");
    assert_eq!(send(&off, "x", None).await.status, 404);
}

#[tokio::test]
async fn a_flood_of_complaints_is_asked_to_wait_and_the_desk_goes_on() {
    let settings = [("GRADUS_COMPLAINT__KEY", "long-and-secret"), ("GRADUS_COMPLAINT__PER_HOUR", "2")];
    let desk = Desk::open_with(&settings).await;
    for _ in 0..2 {
        assert_eq!(send(&desk, "long-and-secret", Some("employee=Anna&story=leaks")).await.status, 200);
    }
    let third = send(&desk, "long-and-secret", Some("employee=Anna&story=leaks")).await;
    assert_eq!((third.status, third.header("retry-after")), (429, "3600"));
    desk.clock.advance(gradus_engine::time::Millis::minutes(60));
    assert_eq!(send(&desk, "long-and-secret", Some("employee=Anna&story=leaks")).await.status, 200);
    assert_eq!(desk.ask("supervisor", "GET", "/api/v1/cases", None).await.json()["total"], 3);
}
