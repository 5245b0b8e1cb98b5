//! What people do, from the words of a customer to the closed case.

use gradus::clock::Clock;
use gradus_engine::time::Millis;
use serde_json::json;

use crate::desk::Desk;

const COURT: &str = "верните деньги иначе я подам на вас в суд";

#[tokio::test]
async fn a_threat_of_court_becomes_an_alert_a_case_and_a_resolution_that_costs_money() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &[COURT]).await;
    let case = format!("{talk}-case");
    let board = desk.page("supervisor", "/").await.body;
    for words in ["alerts-title", "Подключить руководителя немедленно", "подам на вас в суд", "Пётр Сомов"]
    {
        assert!(board.contains(words), "{words}");
    }
    assert!(!desk.page("agent", "/").await.body.contains("alerts-title"));
    assert_eq!(desk.submit("supervisor", &format!("/cases/{case}/acknowledge"), "").await.status, 303);
    assert!(!desk.page("supervisor", "/").await.body.contains("alerts-title"));
    desk.clock.advance(Millis::minutes(2));
    assert_eq!(desk.submit("supervisor", &format!("/cases/{case}/take-over"), "").await.status, 303);
    let note = "note=%D0%BF%D0%BE%D0%B7%D0%B2%D0%BE%D0%BD%D0%B8%D0%BB%D0%B8";
    assert_eq!(desk.submit("agent", &format!("/cases/{case}/note"), note).await.status, 303);

    let wrong = desk.submit("supervisor", &format!("/cases/{case}/resolve"), "reason=legal&cost=-1").await;
    assert_eq!(wrong.status, 422);
    for words in ["Напишите, что решили", "Стоимость не бывает отрицательной", "Напишите вывод"]
    {
        assert!(wrong.body.contains(words), "{words}");
    }
    let fields = "reason=legal&decision=refunded&cost=450%2C50&cost_kind=refund&conclusion=check";
    assert_eq!(desk.submit("supervisor", &format!("/cases/{case}/resolve"), fields).await.status, 303);
    let page = desk.page("supervisor", &format!("/cases/{case}")).await.body;
    assert!(page.contains("450,50") && page.contains("позвонили"), "{page}");
    let again = desk.submit("supervisor", &format!("/cases/{case}/resolve"), fields).await;
    assert_eq!(again.status, 409);
    assert!(again.body.contains("Кейс уже разрешён"), "{}", again.body);
    desk.clock.advance(Millis::seconds(1));
    let week = desk.ask("director", "GET", "/api/v1/week", None).await.json();
    assert_eq!(week["figures"]["cost"], json!({"RUB": "450.5"}));
    assert_eq!(desk.submit("supervisor", &format!("/cases/{case}/reopen"), "").await.status, 303);
}

#[tokio::test]
async fn a_note_by_another_person_does_not_take_the_case_away_from_its_owner() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &[COURT]).await;
    let case = format!("{talk}-case");
    let path = format!("/api/v1/cases/{case}/actions");
    desk.ask("supervisor", "POST", &path, Some(json!({"action": "take_over"}))).await;
    let noted =
        desk.ask("director", "POST", &path, Some(json!({"action": "note", "text": "держите в курсе"}))).await;
    assert_eq!(noted.json()["owner"], "user-supervisor");
    let handed =
        desk.ask("supervisor", "POST", &path, Some(json!({"action": "hand_over", "to": "user-department"})));
    assert_eq!(handed.await.json()["owner"], "user-department");
    let nobody =
        desk.ask("supervisor", "POST", &path, Some(json!({"action": "hand_over", "to": "user-agent"}))).await;
    assert_eq!(nobody.status, 422, "an agent may not act on cases");
}

#[tokio::test]
async fn a_batch_with_a_wrong_line_is_refused_whole_and_a_conversation_that_is_over_takes_nothing() {
    let desk = Desk::open().await;
    let talk = desk.call("agent", &["здравствуйте"]).await;
    let path = format!("/api/v1/conversations/{talk}/events");
    let lines = "{\"index\":1,\"party\":\"customer\",\"text\":\"раз\"}\n{\"index\":2,\"party\":\"boss\",\"text\":\"два\"}";
    let request = axum::http::Request::builder()
        .method("POST")
        .uri(&path)
        .header("authorization", "Bearer token-agent")
        .body(axum::body::Body::from(lines));
    let refused = desk.send(request.unwrap()).await;
    assert_eq!(refused.status, 422);
    assert!(refused.json()["detail"].as_str().unwrap().starts_with("line 2: unknown party \"boss\""));
    let talk_json = desk.ask("agent", "GET", &format!("/api/v1/conversations/{talk}"), None).await.json();
    assert_eq!(talk_json["utterances"].as_array().unwrap().len(), 1);
    let end = format!("/api/v1/conversations/{talk}/end");
    assert_eq!(desk.ask("agent", "POST", &end, None).await.status, 200);
    assert_eq!(desk.ask("agent", "POST", &end, None).await.status, 200);
    let late =
        desk.ask("agent", "POST", &path, Some(json!({"index": 3, "party": "agent", "text": "x"}))).await;
    assert_eq!(late.status, 409);
}

#[tokio::test]
async fn a_recording_is_served_by_parts_and_every_hearing_is_written_down() {
    let desk = Desk::open().await;
    let talk = desk.call("agent", &["здравствуйте"]).await;
    let path = format!("/api/v1/conversations/{talk}/recording");
    assert_eq!(desk.ask("coach", "GET", &path, None).await.status, 404);
    let sound: Vec<u8> = (0..100).collect();
    desk.app.desk.recordings.put("x.wav", sound.into()).await.unwrap();
    let mut more = gradus::store::NewConversation::new(
        talk.as_str().into(),
        gradus_engine::signal::Channel::Call,
        gradus::store::ConversationStatus::Live,
        gradus_engine::time::Timestamp::from_millis(crate::desk::NOON),
    );
    more.recording_key = Some("x.wav".into());
    desk.app.desk.store.commit(gradus::store::Batch::new().change(more)).await.unwrap();
    let part = |range: &str| {
        let request = axum::http::Request::builder()
            .uri(&path)
            .header("authorization", "Bearer token-coach")
            .header("range", range)
            .body(axum::body::Body::empty());
        desk.send(request.unwrap())
    };
    let answer = part("bytes=90-").await;
    assert_eq!(
        (answer.status, answer.header("content-range"), answer.body.len()),
        (206, "bytes 90-99/100", 10)
    );
    assert_eq!(part("bytes=500-").await.status, 416);
    let whole = desk.ask("coach", "GET", &path, None).await;
    assert_eq!(
        (whole.status, whole.header("content-type"), whole.header("content-encoding")),
        (200, "audio/wav", "")
    );
    let audit = desk.app.desk.store.audit_before(i64::MAX, 10).await.unwrap();
    let heard =
        audit.iter().filter(|row| row.action == "recording.read" && row.actor == "user-coach").count();
    assert_eq!(heard, 1, "a part from the middle is no new hearing");
}

#[tokio::test]
async fn errors_are_problem_json_for_programs_and_pages_for_people() {
    let desk = Desk::open().await;
    let missing = desk.ask("agent", "GET", "/api/v1/cases/none", None).await;
    assert_eq!(missing.header("content-type"), "application/problem+json");
    assert_eq!(
        missing.json(),
        json!({"type": "urn:gradus:problem:not-found", "title": "not found", "status": 404, "detail": "there is no such thing"})
    );
    let page = desk.page("agent", "/cases/none").await;
    assert_eq!((page.status, page.body.contains("Такой страницы нет")), (404, true));
    let start = desk.ask("agent", "POST", "/api/v1/conversations", Some(json!({"channel": "fax"}))).await;
    assert_eq!(start.status, 422);
    let unknown = desk.ask(
        "agent",
        "POST",
        "/api/v1/conversations",
        Some(json!({"channel": "chat", "customer_id": "c1"})),
    );
    assert_eq!(unknown.await.status, 422, "a body cannot name what is not its own");
    let large = json!({"channel": "chat", "subject": "x".repeat(300_000)});
    assert_eq!(desk.ask("agent", "POST", "/api/v1/conversations", Some(large)).await.status, 413);
    for name in ["content-security-policy", "x-content-type-options", "referrer-policy", "x-frame-options"] {
        assert!(!page.header(name).is_empty(), "{name}");
    }
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_report_of_a_week_is_one_in_every_form_and_names_what_it_does_not_know() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &[COURT]).await;
    let case = format!("{talk}-case");
    desk.clock.advance(Millis::seconds(90));
    assert_eq!(desk.submit("supervisor", &format!("/cases/{case}/acknowledge"), "").await.status, 303);
    let fields = "reason=legal&decision=refunded&cost=450%2C50&cost_kind=refund&conclusion=check";
    assert_eq!(desk.submit("supervisor", &format!("/cases/{case}/resolve"), fields).await.status, 303);
    let get =
        async |query: &str| desk.ask("director", "GET", &format!("/api/v1/reports/{query}"), None).await;
    let json = get("2026-W48").await.json();
    let weeks = json["weeks"].as_array().unwrap();
    let this = weeks.last().unwrap();
    assert_eq!((weeks.len(), this["week"].as_str()), (6, Some("2026-W48")));
    assert_eq!(
        (this["escalated"].as_i64(), this["to_acknowledge"]["median_s"].as_i64()),
        (Some(1), Some(90))
    );
    assert_eq!(this["cost_by_reason"], json!({"legal": {"RUB": "450.5"}}));
    assert_eq!(weeks[0]["to_resolve"], json!({"count": 0, "median_s": null, "p90_s": null}));
    let csv = get("2026-W48?format=csv").await;
    assert!(csv.body.contains("450.5") && csv.header("content-disposition").contains("gradus-2026-W48.csv"));
    let page = get("2026-W48?format=html").await.body;
    assert!(page.contains("450,50") && page.contains("2026-W43"), "{page}");
    assert!(get("2026-W48?format=xlsx").await.body.starts_with("PK"));
    let pdf = get("2026-W48?format=pdf").await;
    assert_eq!((&pdf.body[..5], pdf.header("content-type")), ("%PDF-", "application/pdf"));
    for wrong in ["2026-W60", "2026-W48?format=doc"] {
        assert_eq!(get(wrong).await.status, 422, "{wrong}");
    }
    assert!(desk.page("director", "/week").await.body.contains("/api/v1/reports/2026-W48?format=xlsx"));
    let list =
        async |query: &str| desk.page("director", &format!("/week/behind?week=2026-W48&{query}")).await;
    let kind = list("what=spent_as&name=RUB%2Frefund").await.body;
    assert!(kind.contains(&case) && kind.contains("450,50") && kind.contains("1 строка"), "{kind}");
    assert!(list("what=escalated&zone=Europe%2FBerlin").await.body.contains("Пётр Сомов"));
    assert!(list("what=broken&page=-3").await.body.contains("known are talks"));
    for wrong in ["what=escalated&zone=Mars", "what="] {
        assert_eq!(list(wrong).await.status, 422, "{wrong}");
    }
    let short = desk.page("director", "/week/short?week=2026-W48").await.body;
    assert!(short.contains("450,50") && short.contains("+1 к прошлой неделе"), "{short}");
}

#[tokio::test]
async fn at_the_end_of_the_ladder_a_customer_is_marked_called_back_by_another_and_forgiven() {
    let desk = Desk::open().await;
    let route = async |tel: &str| {
        let path = format!("/api/v1/route?tel={tel}");
        desk.ask("supervisor", "GET", &path, None).await.json()
    };
    assert_eq!(route("89000000999").await["reason"], "unknown");
    let talk = desk.call("supervisor", &["я сейчас приеду и ноги тебе переломаю понял"]).await;
    let to = route("8-900-000-09-99").await;
    assert_eq!(
        (&to["reason"], &to["queue"], &to["mark"]),
        (&json!("marked"), &json!("conflict"), &json!("конфликтный"))
    );
    let customer = to["customer"].as_str().unwrap().to_owned();
    let card = format!("/customers/{customer}");
    assert!(desk.page("supervisor", &card).await.body.contains("/forgive"));
    assert_eq!(desk.submit("agent", &format!("{card}/forgive"), "").await.status, 403);
    assert_eq!(desk.submit("supervisor", &format!("{card}/forgive"), "").await.status, 303);
    assert_eq!(route("89000000999").await["reason"], "usual");
    assert_eq!(desk.submit("supervisor", &format!("/cases/{talk}-case/take-over"), "").await.status, 303);
    let to = route("89000000999").await;
    assert_eq!(
        (&to["reason"], &to["person"], &to["queue"]),
        (&json!("open_case"), &json!("supervisor"), &json!(null))
    );
}

#[tokio::test]
async fn a_mark_fades_when_its_time_is_over() {
    let desk = Desk::open().await;
    desk.call("supervisor", &["я сейчас приеду и ноги тебе переломаю понял"]).await;
    let store = &desk.app.desk.store;
    let marked = async || store.customer_by_tel("+79000000999").await.unwrap().unwrap().mark;
    assert_eq!(store.fade_marks(desk.clock.clone().now()).await.unwrap(), 0);
    assert_eq!(marked().await.as_deref(), Some("конфликтный"));
    desk.clock.advance(Millis::minutes(30 * 24 * 60));
    assert_eq!(store.fade_marks(desk.clock.clone().now()).await.unwrap(), 1);
    assert_eq!(marked().await, None);
}

#[tokio::test]
async fn in_the_shadow_the_protocol_decides_and_nobody_is_called() {
    let desk = Desk::open_with(&[("GRADUS_ALERT__SHADOW", "true")]).await;
    let talk = desk.call("supervisor", &[COURT]).await;
    let board = desk.page("supervisor", "/").await.body;
    assert!(
        board.contains("Теневой режим") && board.contains("Подключить руководителя немедленно"),
        "{board}"
    );
    assert!(!board.contains("alerts-title"));
    let page = desk.page("supervisor", &format!("/conversations/{talk}")).await.body;
    assert!(page.contains("так решил бы регламент") && page.contains("теневой режим"), "{page}");
    assert!(!page.contains("из истории"));
    let cases = desk.ask("supervisor", "GET", "/api/v1/cases", None).await.json();
    assert_eq!(cases["cases"].as_array().map(Vec::len), Some(0), "{cases}");
    // One that a person opens is a case like any other.
    assert_eq!(desk.submit("supervisor", &format!("/conversations/{talk}/case"), "").await.status, 303);
    assert_eq!(desk.ask("supervisor", "GET", &format!("/api/v1/cases/{talk}-case"), None).await.status, 200);
}
