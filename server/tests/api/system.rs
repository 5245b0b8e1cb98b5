//! The pages of the administrator: audit log, state of the system, retention.

use bytes::Bytes;
use gradus::retention;
use gradus::store::{Batch, Change};
use gradus_engine::time::Millis;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;

#[tokio::test]
async fn the_audit_log_is_shown_in_words_searched_and_checked() {
    let desk = Desk::open().await;
    desk.submit("administrator", "/users/user-agent", "name=<b>x</b>&role=agent&team=").await;
    desk.ask("coach", "GET", "/api/v1/search/export?q=1", None).await;
    let all = desk.page("administrator", "/audit").await.body;
    assert!(all.contains("изменил роль или группу") && all.contains("выгрузил из архива"), "{all}");
    assert!(all.contains("&#60;b&#62;x") && !all.contains("<b>x</b>"), "names are text");
    let rows = |page: &str| page.matches("<tr class=\"row\">").count();
    let some = desk.page("administrator", "/audit?what=archive.&who=user-coach").await.body;
    assert_eq!((rows(&all), rows(&some)), (2, 1));
    assert_eq!(rows(&desk.page("administrator", "/audit?from=2030-01-01").await.body), 0);
    assert_eq!(desk.page("administrator", "/audit?from=tomorrow").await.status, 422);
    let checked = desk.page("administrator", "/audit?check=1").await.body;
    assert!(checked.contains("Цепочка цела. Записей: 2"), "{checked}");
}

#[tokio::test]
async fn the_state_of_the_system_says_what_waits_and_what_to_do() {
    let desk = Desk::open().await;
    let quiet = desk.page("administrator", "/system").await.body;
    assert!(quiet.contains("Всё работает") && quiet.contains("ничего не ждут"), "{quiet}");
    desk.call("supervisor", &["верните деньги иначе я подам на вас в суд"]).await;
    desk.clock.advance(Millis::minutes(24 * 60));
    let late = desk.ask("administrator", "GET", "/system", None).await.body;
    assert!(late.contains("опаздывают на") && late.contains("Есть на что посмотреть"), "{late}");
}

#[tokio::test]
async fn a_shorter_retention_is_set_only_after_it_was_shown_what_goes_and_then_it_goes() {
    let desk = Desk::open().await;
    let shared = &desk.app.desk;
    let talk = desk.call("supervisor", &["верните деньги"]).await;
    shared.recordings.put("a.wav", Bytes::from_static(b"RIFF")).await.unwrap();
    let now = shared.clock.now();
    let mut new = gradus::store::NewConversation::new(
        talk.as_str().into(),
        gradus_engine::signal::Channel::Call,
        gradus::store::ConversationStatus::Ended,
        now,
    );
    new.recording_key = Some("a.wav".into());
    let end = Change::EndConversation { id: talk.as_str().into(), at: now };
    shared.store.commit(Batch::new().change(new).change(end)).await.unwrap();
    while shared.store.fill_archive(10).await.unwrap() > 0 {}
    desk.clock.advance(Millis::minutes(40 * 24 * 60));
    desk.add_person("root", "administrator", None).await;
    let token = async |days: &str| {
        let form = format!("days={days}");
        let request = axum::http::Request::builder()
            .method("POST")
            .uri("/system/retention")
            .header("authorization", "Bearer token-root")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(axum::body::Body::from(form));
        desk.send(request.unwrap()).await
    };
    for wrong in ["7", "x", "99999"] {
        assert_eq!(token(wrong).await.status, 422, "{wrong}");
    }
    let asked = token("30").await;
    assert!(
        asked.status == 200 && asked.body.contains("1 разговор") && asked.body.contains("name=\"seen\""),
        "{}",
        asked.body
    );
    let stop = CancellationToken::new();
    assert_eq!(retention::erase_due(shared, &stop).await.unwrap(), 0, "it was only shown");
    assert_eq!(token("30&seen=1").await.status, 303);
    assert_eq!(retention::erase_due(shared, &stop).await.unwrap(), 1);
    assert_eq!(shared.recordings.get("a.wav").await.unwrap(), None);
    assert_eq!(shared.store.utterances(&talk.as_str().into()).await.unwrap()[0].text, None);
    assert_eq!(retention::erase_due(shared, &stop).await.unwrap(), 0);
    assert_eq!(token("").await.status, 303);
    assert_eq!(retention::kept(shared).await.unwrap(), retention::Retention::default());
}
