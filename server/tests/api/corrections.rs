//! Corrections of transcripts over HTTP: who may, when, and what the page shows.

use serde_json::json;

use crate::desk::Desk;

#[tokio::test]
async fn a_misheard_line_is_corrected_judged_anew_and_put_back() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &["я подам на вас в суп"]).await;
    let path = format!("/api/v1/conversations/{talk}/corrections");
    let fix = || Some(json!({"utterance": 0, "text": "я подам на вас в суд"}));
    let early = desk.ask("coach", "POST", &path, fix()).await;
    assert_eq!(early.status, 409, "it goes on: {}", early.body);
    desk.ask("supervisor", "POST", &format!("/api/v1/conversations/{talk}/end"), None).await;
    for role in ["agent", "department"] {
        assert_eq!(desk.ask(role, "POST", &path, fix()).await.status, 403, "{role}");
    }
    let fixed = desk.ask("coach", "POST", &path, fix()).await;
    assert_eq!(fixed.json()["corrections"][0]["text"], "я подам на вас в суп", "{}", fixed.body);
    let whole = desk.ask("coach", "GET", &format!("/api/v1/conversations/{talk}"), None).await.json();
    let kinds: Vec<&str> =
        whole["signals"].as_array().unwrap().iter().filter_map(|signal| signal["kind"].as_str()).collect();
    assert!(kinds.contains(&"legal_threat"), "{kinds:?}");
    let page = desk.page("coach", &format!("/conversations/{talk}?fix=0")).await.body;
    assert!(
        page.contains("Исправлено") && page.contains("в суп") && page.contains("id=\"fix-text\""),
        "{page}"
    );
    assert!(
        !desk.page("agent", &format!("/conversations/{talk}?fix=0")).await.body.contains("id=\"fix-text\"")
    );
    let nothing = desk.ask("coach", "POST", &path, fix()).await.json();
    assert_eq!(nothing["corrections"].as_array().unwrap().len(), 1, "the same again is no correction");
    let undo = || Some(json!({"utterance": 0, "undo": true}));
    assert_eq!(desk.ask("coach", "POST", &path, undo()).await.status, 200);
    assert_eq!(desk.ask("coach", "POST", &path, undo()).await.status, 404);
    let audit = desk.app.desk.store.audit_before(i64::MAX, 9).await.unwrap();
    let done: Vec<&str> = audit.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(&done[..2], ["utterance.undo", "utterance.correct"]);
}

#[tokio::test]
async fn a_correction_is_masked_refused_when_empty_and_sent_by_the_form_of_the_page() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &["номер карты не скажу"]).await;
    desk.ask("supervisor", "POST", &format!("/api/v1/conversations/{talk}/end"), None).await;
    let path = format!("/conversations/{talk}/correct");
    let sent = desk.submit("coach", &path, "utterance=0&party=agent&text=4276+3800+1234+5679").await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let said = &desk.app.desk.store.utterances(&talk.as_str().into()).await.unwrap()[0];
    assert_eq!(said.party, "agent");
    assert!(!said.text.as_deref().unwrap().contains("4276"), "{:?}", said.text);
    for wrong in
        ["utterance=0&party=agent&text=+", "utterance=0&party=boss&text=x", "utterance=7&party=agent&text=x"]
    {
        assert!(desk.submit("coach", &path, wrong).await.status >= 400, "{wrong}");
    }
    assert_eq!(desk.submit("coach", &format!("{path}/undo"), "utterance=0").await.status, 303);
}
