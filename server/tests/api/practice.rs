//! Practice over HTTP: a talk that is won by what one says, a talk that is lost, and who sees whose.

use serde_json::json;

use crate::desk::Desk;

fn coded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn a_session_is_won_by_what_one_says_and_scored_with_what_was_missing() {
    let desk = Desk::open().await;
    let list = desk.page("agent", "/practice").await.body;
    assert!(list.contains("VIP требует скидку") && list.contains("Вы ещё не тренировались"), "{list}");
    let begun = desk.submit("agent", "/practice/billing", "").await;
    let session = begun.header("location").to_owned();
    assert!(session.starts_with("/practice/sessions/"), "{session}");
    let page = desk.page("agent", &session).await.body;
    assert!(page.contains("ДВАЖДЫ сняли деньги") && page.contains("Ваш ответ"), "{page}");
    let empty = desk.submit("agent", &session, "text=+").await;
    assert!(empty.status == 422 && empty.body.contains("Напишите ответ"), "{}", empty.body);
    for said in [
        "Здравствуйте, меня зовут Павел. Простите нас за двойное списание, понимаю, как это неприятно.",
        "Вижу второе списание. Предлагаю вернуть 897 рублей на ту же карту.",
        "Деньги придут в течение трёх дней, сегодня до вечера пришлю вам подтверждение.",
    ] {
        let answer = desk.submit("agent", &session, &format!("text={}", coded(said))).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }
    let page = desk.page("agent", &session).await.body;
    assert!(page.contains("Клиент успокоен") && page.contains("Чего не хватило"), "{page}");
    assert!(desk.page("agent", "/practice").await.body.contains("успокоен"));
    let team = desk.page("supervisor", "/practice").await.body;
    assert!(team.contains("Команда за 90 дней") && team.contains("agent Иванов"), "{team}");
    assert_eq!(desk.page("supervisor", &session).await.status, 200, "who trains them sees it");
    assert_eq!(desk.page("department", &session).await.status, 404, "nobody else does");
    assert_eq!(desk.submit("supervisor", &session, "text=x").await.status, 403, "nobody speaks for another");
}

#[tokio::test]
async fn a_session_is_lost_by_forbidden_phrases_and_takes_nothing_more() {
    let desk = Desk::open().await;
    let begun = desk.ask("agent", "POST", "/api/v1/practice/vip-discount", None).await;
    assert_eq!(begun.status, 201);
    let path = format!("/api/v1/practice/sessions/{}", begun.json()["id"].as_str().unwrap());
    let say = |text: &str| desk.ask("agent", "POST", &path, Some(json!({"text": text})));
    let first = say("Это не наша политика, таких скидок мы не даём.").await.json();
    assert!(first["outcome"].is_null() && first["score"].is_null());
    let lost = say("Я ничего не могу сделать.").await.json();
    assert_eq!((&lost["outcome"], &lost["points"]), (&json!("lost"), &json!(0)));
    assert_eq!(lost["score"]["forbidden"].as_array().unwrap().len(), 2);
    assert_eq!(say("Постойте!").await.status, 409);
    assert_eq!(desk.ask("agent", "POST", "/api/v1/practice/moon", None).await.status, 404);
    assert_eq!(say("").await.status, 422);
}

#[tokio::test]
async fn the_dossier_has_all_that_the_one_who_steps_in_must_know() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &["подам на вас в суд"]).await;
    let case = format!("{talk}-case");
    let row = desk.ask("supervisor", "GET", &format!("/api/v1/cases/{case}"), None).await.json();
    let customer = row["customer"].as_str().unwrap().to_owned();
    let body = json!({"authority": "discount", "amount": "5", "reason": "поздно"});
    desk.ask("supervisor", "POST", &format!("/api/v1/conversations/{talk}/authority"), Some(body)).await;
    let resolve = json!({"action": "resolve", "resolution": {"reason": "legal", "decision": "вернули деньги и извинились",
        "costs": [{"kind": "refund", "amount": "900", "currency": "RUB"}], "conclusion": "проверять"}});
    let done = desk.ask("supervisor", "POST", &format!("/api/v1/cases/{case}/actions"), Some(resolve)).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let path = format!("/api/v1/customers/{customer}/dossier?reason=legal");
    let dossier = desk.ask("supervisor", "GET", &path, None).await.json();
    assert_eq!(dossier["conversations"][0]["quote"], "подам на вас в суд");
    assert_eq!(dossier["options"][0]["decision"], "вернули деньги и извинились");
    assert_eq!((&dossier["options"][0]["held"], &dossier["options"][0]["of"]), (&json!(1), &json!(1)));
    assert_eq!(dossier["grants"][0]["amount"], "5");
    let discount =
        dossier["concessions"].as_array().unwrap().iter().find(|one| one["id"] == "discount").unwrap();
    assert_eq!((&discount["limit"], &discount["left"]), (&json!("30"), &json!(0)), "they had it this month");
    assert_eq!(desk.ask("agent", "GET", "/api/v1/customers/none/dossier", None).await.status, 404);
}
