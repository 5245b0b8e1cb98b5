//! Who is on duty, who stands in, and what happens to people who have enough messages.

use gradus_engine::time::Millis;
use serde_json::json;

use crate::alerts::{BOSS, COURT, HEAD, Town};
use crate::desk::{Desk, NOON};

fn chats(town: &Town) -> Vec<i64> {
    town.telegram.messages().iter().map(|message| message["chat_id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn the_one_on_duty_is_told_and_when_they_are_away_the_one_who_stands_in() {
    let town = Town::open().await;
    town.desk.add_person("second", "supervisor", None).await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    town.reach("second", "telegram", &HEAD.to_string()).await;
    let gap = town.desk.page("supervisor", "/duty").await.body;
    assert!(gap.contains("дежурного нет") && gap.contains("Все на месте"), "{gap}");
    let turn = "role=supervisor&user=user-second&from=2026-11-24T09%3A00&until=2026-11-24T18%3A00&weeks=2";
    assert_eq!(town.desk.submit("supervisor", "/duty", turn).await.status, 303);
    let listed = town.desk.ask("supervisor", "GET", "/api/v1/duty", None).await.json();
    let turns = listed["duty"].as_array().unwrap();
    assert_eq!(turns.len(), 2, "this week and the next");
    assert_eq!(turns[1]["from_ms"].as_i64().unwrap() - turns[0]["from_ms"].as_i64().unwrap(), 7 * 86_400_000);
    assert_eq!(turns[0]["from_ms"], NOON - 3 * 3_600_000, "by the clock of the company");
    assert!(town.desk.page("supervisor", "/duty").await.body.contains("дежурит"));
    town.desk.call("agent", &[COURT]).await;
    town.outbox.round().await.unwrap();
    assert_eq!(chats(&town), [HEAD]);
    let away = json!({"user": "user-second", "substitute": "user-supervisor", "from_ms": NOON, "until_ms": NOON + 3_600_000});
    assert_eq!(town.desk.ask("director", "POST", "/api/v1/absences", Some(away)).await.status, 200);
    let page = town.desk.page("supervisor", "/duty").await.body;
    assert!(page.contains("supervisor Иванов (за supervisor Иванов)"), "{page}");
    town.desk.call("agent", &[COURT]).await;
    town.outbox.round().await.unwrap();
    assert_eq!(chats(&town), [HEAD, BOSS]);
}

#[tokio::test]
async fn an_entry_of_the_rota_that_cannot_be_is_refused_with_its_cure() {
    let desk = Desk::open().await;
    let turn = |more: &str| format!("role=supervisor&user=user-supervisor&{more}");
    for (path, fields, words) in [
        ("/duty", turn("from=2026-11-24T09:00&until=2026-11-24T09:00"), "конец должен быть позже начала"),
        ("/duty", turn("from=tomorrow&until=2026-11-24T09:00"), "Проверьте время"),
        (
            "/duty",
            "role=supervisor&user=nobody&from=2026-11-24T09:00&until=2026-11-24T10:00".into(),
            "Выберите сотрудника",
        ),
        (
            "/absences",
            "user=user-coach&substitute=user-coach&from=2026-11-24T09:00&until=2026-11-25T09:00".into(),
            "Никто не замещает сам себя",
        ),
    ] {
        let answer = desk.submit("supervisor", path, &fields).await;
        assert_eq!(answer.status, 422, "{fields}");
        assert!(answer.body.contains(words), "{words}: {}", answer.body);
    }
    let api = |body: serde_json::Value| desk.ask("supervisor", "POST", "/api/v1/duty", Some(body));
    let cook = api(json!({"role": "cook", "user": "user-supervisor", "from_ms": 1, "until_ms": 2})).await;
    assert!(cook.status == 422 && cook.body.contains("role: one of supervisor"));
    let ends =
        api(json!({"role": "supervisor", "user": "user-supervisor", "from_ms": 2, "until_ms": 1})).await;
    assert_eq!(ends.status, 409);
    assert_eq!(desk.ask("supervisor", "DELETE", "/api/v1/duty/none", None).await.status, 404);
}

#[tokio::test]
async fn who_had_enough_within_the_hour_gets_the_rest_in_one_message_and_what_is_urgent_at_once() {
    let town = Town::open_with(&[("GRADUS_ALERT__MOST_PER_HOUR", "1")]).await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    let mut cases = Vec::new();
    for _ in 0..3 {
        let talk = town.desk.call("agent", &["здравствуйте"]).await;
        town.desk.submit("agent", &format!("/conversations/{talk}/case"), "").await;
        let case = format!("/cases/{talk}-case");
        assert_eq!(
            town.desk.submit("director", &format!("{case}/hand-over"), "to=user-supervisor").await.status,
            303
        );
        cases.push(case);
        town.outbox.round().await.unwrap();
        town.desk.clock.advance(Millis::seconds(1));
    }
    assert_eq!(chats(&town), [BOSS], "the first; two are put together");
    town.desk.call("agent", &[COURT]).await;
    town.outbox.round().await.unwrap();
    assert_eq!(chats(&town), [BOSS, BOSS], "a supervisor at once is never held back");
    town.outbox.send_bundles().await.unwrap();
    assert_eq!(chats(&town).len(), 2, "not yet");
    let seen = town.desk.submit("supervisor", &format!("{}/acknowledge", cases[1]), "").await;
    assert_eq!(seen.status, 303);
    town.desk.clock.advance(Millis::minutes(11));
    town.outbox.send_bundles().await.unwrap();
    town.outbox.send_bundles().await.unwrap();
    let messages = town.telegram.messages();
    assert_eq!(messages.len(), 3, "one message, once");
    let text = messages[2]["text"].as_str().unwrap();
    assert!(text.contains("Оповещения одним сообщением: 1") && text.contains(&cases[2]), "{text}");
    assert!(!text.contains(&cases[1]), "what was answered meanwhile is not told: {text}");
}

#[tokio::test]
async fn a_page_calls_those_on_duty_and_with_what_must_not_wait_everybody() {
    let desk = Desk::open().await;
    desk.add_person("second", "supervisor", None).await;
    let turn = json!({"role": "supervisor", "user": "user-second", "from_ms": NOON - 1, "until_ms": NOON + 3_600_000});
    assert!(desk.ask("director", "POST", "/api/v1/duty", Some(turn)).await.status < 300);
    let talk = desk.call("agent", &["подам на вас в суд"]).await;
    for who in ["supervisor", "second"] {
        let page = desk.page(who, "/alerts").await.body;
        assert!(page.contains("подам на вас в суд"), "what must not wait: {who}: {page}");
    }
    let wanted = json!({"authority": "replacement", "amount": "20000", "reason": "третий возврат"});
    desk.ask("agent", "POST", &format!("/api/v1/conversations/{talk}/authority"), Some(wanted)).await;
    let asks = "Просят согласовать сверх полномочий";
    assert!(desk.page("second", "/alerts").await.body.contains(asks));
    assert!(!desk.page("supervisor", "/alerts").await.body.contains(asks), "somebody else is on duty");
    let away = json!({"user": "user-second", "substitute": "user-supervisor", "from_ms": NOON - 1, "until_ms": NOON + 3_600_000});
    assert!(desk.ask("director", "POST", "/api/v1/absences", Some(away)).await.status < 300);
    assert!(desk.page("supervisor", "/alerts").await.body.contains(asks), "who stands in is called");
}
