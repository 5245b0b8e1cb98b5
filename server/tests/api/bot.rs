//! What people do in the Telegram bot, and where they say how they want to be reached.

use gradus::alert::Bot;
use gradus_engine::time::Millis;
use serde_json::json;

use crate::alerts::{BOSS, COURT, HEAD, Town};
use crate::outside::Mood;

async fn bot(town: &Town) -> Bot {
    town.desk.app.bot(&town.outbox).unwrap().unwrap()
}

/// Takes the code out of the page that shows it once.
async fn code(town: &Town, who: &str) -> String {
    let page = town.desk.submit(who, "/account/telegram", "").await.body;
    assert!(page.contains("https://t.me/GradusBot?start="), "{page}");
    page.split("/start ").nth(1).unwrap().chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[tokio::test]
async fn a_chat_is_linked_by_a_code_that_works_once_and_in_a_private_chat_alone() {
    let town = Town::open().await;
    let bot = bot(&town).await;
    let first = code(&town, "supervisor").await;
    town.telegram.writes(BOSS, "group", &format!("/start {first}"));
    town.telegram.writes(BOSS, "private", "/start guess");
    town.telegram.writes(BOSS, "private", &format!("/start {first}"));
    town.telegram.writes(HEAD, "private", &format!("/start {first}"));
    assert_eq!(bot.listen().await.unwrap(), 4);
    assert_eq!(bot.listen().await.unwrap(), 0, "what was taken in is not asked for again");
    let says: Vec<String> =
        town.telegram.messages().iter().map(|said| said["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(says.len(), 3);
    assert!(says[1].starts_with("Чат связан: supervisor"), "{says:?}");
    assert!(says[0].contains("не подходит") && says[2].contains("не подходит"), "{says:?}");
    assert!(town.desk.page("supervisor", "/account").await.body.contains("Отвязать"));
    let second = code(&town, "director").await;
    town.desk.clock.advance(Millis::minutes(15));
    town.telegram.writes(HEAD, "private", &format!("/start {second}"));
    bot.listen().await.unwrap();
    assert_eq!(town.desk.app.desk.store.user_of_chat(&HEAD.to_string()).await.unwrap(), None, "too old");
    town.desk.submit("supervisor", "/account/telegram/unlink", "").await;
    assert_eq!(town.desk.app.desk.store.user_of_chat(&BOSS.to_string()).await.unwrap(), None);
}

#[tokio::test]
async fn accepting_in_the_chat_takes_the_case_and_everybody_who_was_told_sees_who_did() {
    let town = Town::open().await;
    town.desk.add_person("second", "supervisor", None).await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    town.reach("second", "telegram", &HEAD.to_string()).await;
    let bot = bot(&town).await;
    let talk = town.desk.call("supervisor", &[COURT]).await;
    town.outbox.round().await.unwrap();
    town.telegram.taps(BOSS, "accept:1");
    town.telegram.taps(HEAD, "accept:1");
    bot.listen().await.unwrap();
    assert_eq!(town.telegram.answers(), ["Принято за вами", "Принято: supervisor Иванов"]);
    let case = format!("/api/v1/cases/{talk}-case");
    let row = town.desk.ask("supervisor", "GET", &case, None).await.json();
    assert_eq!((&row["state"], &row["owner"]), (&json!("acknowledged"), &json!("user-supervisor")));
    assert_eq!(row["alerts"][0]["acknowledged_by"], "user-supervisor");
    town.outbox.round().await.unwrap();
    let edits = town.telegram.edits();
    assert_eq!(edits.len(), 2);
    for edit in &edits {
        assert!(edit["text"].as_str().unwrap().contains("Принято: supervisor Иванов, 12:00"), "{edit}");
        assert!(!edit["reply_markup"].to_string().contains("accept"), "{edit}");
    }
    town.pass(&talk, Millis::minutes(2)).await;
    assert_eq!(town.telegram.messages().len(), 2, "an answered alert climbs no more");
    let audit = town.desk.app.desk.store.audit_before(i64::MAX, 50).await.unwrap();
    let acted = audit.iter().filter(|row| row.action == "case.acknowledge" && row.actor == "user-supervisor");
    assert_eq!(acted.count(), 1);
}

#[tokio::test]
async fn putting_off_lets_the_alert_rest_for_one_person_while_it_climbs_to_the_next() {
    let town = Town::open().await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    town.reach("director", "telegram", &HEAD.to_string()).await;
    let bot = bot(&town).await;
    let talk = town.desk.call("supervisor", &[COURT]).await;
    town.outbox.round().await.unwrap();
    town.telegram.taps(BOSS, "snooze:1");
    bot.listen().await.unwrap();
    assert_eq!(town.telegram.answers(), ["Напомним в 12:05"]);
    assert!(!town.desk.page("supervisor", "/").await.body.contains("alerts-title"));
    assert!(town.desk.page("administrator", "/").await.body.contains("alerts-title"));
    town.pass(&talk, Millis::seconds(91)).await;
    let chats = || -> Vec<i64> {
        town.telegram.messages().iter().map(|message| message["chat_id"].as_i64().unwrap()).collect()
    };
    assert_eq!(chats(), [BOSS, HEAD]);
    town.pass(&talk, Millis::minutes(4)).await;
    let back = town.telegram.messages();
    let again =
        back.iter().filter(|told| told["text"].as_str().unwrap().contains("Повтор · Оповещение №\u{a0}1"));
    let again: Vec<i64> = again.map(|told| told["chat_id"].as_i64().unwrap()).collect();
    assert_eq!(again, [BOSS], "and it comes back: {back:?}");
}

#[tokio::test]
async fn a_verdict_takes_one_tap_and_its_reason_a_second() {
    let town = Town::open().await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    let bot = bot(&town).await;
    let talk = town.desk.call("supervisor", &[COURT]).await;
    town.outbox.round().await.unwrap();
    let alert = || async {
        let path = format!("/api/v1/cases/{talk}-case");
        town.desk.ask("supervisor", "GET", &path, None).await.json()["alerts"][0].clone()
    };
    town.telegram.taps(BOSS, "wrong:1");
    bot.listen().await.unwrap();
    assert_eq!(
        (&alert().await["verdict"], &alert().await["verdict_reason"]),
        (&json!("wrong"), &json!(null))
    );
    assert!(town.telegram.edits()[0]["reply_markup"].to_string().contains("why:1:misheard"));
    town.telegram.taps(BOSS, "why:1:misheard");
    bot.listen().await.unwrap();
    assert_eq!(alert().await["verdict_reason"], "misheard");
    assert!(
        town.telegram.edits()[1]["reply_markup"].to_string().contains("accept:1"),
        "it waits all the same"
    );
    let page = town.desk.page("supervisor", &format!("/cases/{talk}-case")).await.body;
    assert!(page.contains("Оповещение ложное: Слова распознаны неверно"), "{page}");
    let path = format!("/cases/{talk}-case/verdict");
    assert_eq!(town.desk.submit("supervisor", &path, "alert=1&verdict=right&reason=").await.status, 303);
    assert_eq!(
        (&alert().await["verdict"], &alert().await["verdict_reason"]),
        (&json!("right"), &json!(null))
    );
    for wrong in ["alert=1&verdict=maybe", "alert=1&verdict=wrong&reason=none"] {
        assert_eq!(town.desk.submit("supervisor", &path, wrong).await.status, 422, "{wrong}");
    }
    assert_eq!(town.desk.submit("supervisor", &path, "alert=9&verdict=right").await.status, 404);
    assert_eq!(town.desk.submit("agent", &path, "alert=1&verdict=right").await.status, 403);
}

#[tokio::test]
async fn a_button_does_what_the_linked_person_may_and_nothing_for_anybody_else() {
    let town = Town::open().await;
    town.desk.add_person("north", "supervisor", Some("north")).await;
    town.desk.add_person("south", "supervisor", Some("south")).await;
    for (login, chat) in [("agent", 1), ("south", 2), ("north", 3), ("coach", 4)] {
        town.reach(login, "telegram", &chat.to_string()).await;
    }
    let bot = bot(&town).await;
    let talk = town.desk.call("north", &[COURT]).await;
    town.outbox.round().await.unwrap();
    for (chat, data) in
        [(1, "accept:1"), (2, "accept:1"), (99, "accept:1"), (4, "wrong:1"), (3, "accept:77"), (3, "x")]
    {
        town.telegram.taps(chat, data);
    }
    bot.listen().await.unwrap();
    let path = format!("/api/v1/cases/{talk}-case");
    let row = town.desk.ask("north", "GET", &path, None).await.json();
    assert_eq!((&row["state"], &row["alerts"][0]["verdict"]), (&json!("open"), &json!(null)));
    let answers = town.telegram.answers();
    assert_eq!(answers.len(), 6);
    assert_eq!(answers[2], "Этот чат ни с кем не связан.");
    // Who was blocked acts no more, in no chat.
    town.desk.submit("administrator", "/users/user-north/active", "active=false").await;
    town.telegram.taps(3, "accept:1");
    bot.listen().await.unwrap();
    let row = town.desk.ask("administrator", "GET", &path, None).await.json();
    assert_eq!(row["state"], "open");
}

#[tokio::test]
async fn people_say_where_alerts_go_and_try_it_and_read_what_went_wrong() {
    let town = Town::open().await;
    let wrong = town.desk.submit("director", "/account/channels", "email=nobody&quiet_from=22%3A00").await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.body.contains("не похож на почтовый") && wrong.body.contains("Укажите оба времени"),
        "{}",
        wrong.body
    );
    let fields = "email=d%40example.ru&email_on=1&quiet_from=22%3A00&quiet_to=08%3A00";
    assert_eq!(town.desk.submit("director", "/account/channels", fields).await.status, 303);
    let page = town.desk.page("director", "/account?saved=1").await.body;
    for words in ["Сохранено", "d@example.ru", "22:00", "08:00", "Чат ещё не связан"] {
        assert!(page.contains(words), "{words}");
    }
    let tried = town.desk.submit("director", "/account/channels/test", "channel=email").await.body;
    assert!(tried.contains("Отправлено, проверьте: d@example.ru"), "{tried}");
    assert_eq!(town.mail.heard()[0].to, "d@example.ru");
    let soon = town.desk.submit("director", "/account/channels/test", "channel=email").await.body;
    assert!(soon.contains("Подождите несколько секунд"), "{soon}");
    town.mail.is(Mood::Refuses(550));
    town.desk.clock.advance(Millis::seconds(5));
    let failed = town.desk.submit("director", "/account/channels/test", "channel=email").await.body;
    assert!(failed.contains("Не получилось") && failed.contains("no such mailbox"), "{failed}");
    assert_eq!(town.desk.submit("director", "/account/channels/test", "channel=telegram").await.status, 404);
    assert_eq!(
        town.desk.submit("director", "/account/channels/test", "channel=webhook%3Acrm").await.status,
        404
    );
    assert_eq!(town.desk.submit("director", "/deliveries/test", "channel=webhook%3Acrm").await.status, 403);
    let hook = town.desk.submit("administrator", "/deliveries/test", "channel=webhook%3Acrm").await.body;
    assert!(hook.contains("Отправлено, проверьте"), "{hook}");
    assert_eq!(town.crm.told.heard()[0].json()["type"], "test");
}

#[tokio::test]
async fn leave_is_given_by_one_tap_and_only_once() {
    let town = Town::open().await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    let bot = bot(&town).await;
    let talk = town.desk.call("agent", &[COURT]).await;
    let wanted = json!({"authority": "replacement", "amount": "20000", "reason": "третий возврат"});
    let path = format!("/api/v1/conversations/{talk}/authority");
    assert_eq!(town.desk.ask("agent", "POST", &path, Some(wanted)).await.json()["state"], "requested");
    town.outbox.round().await.unwrap();
    let messages = town.telegram.messages();
    let asked = messages.iter().map(ToString::to_string).find(|said| said.contains("allow:")).unwrap();
    let number = asked.split("allow:").nth(1).unwrap();
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    assert!(!asked.contains("accept:"), "a request is allowed or refused, not accepted: {asked}");
    town.telegram.taps(BOSS, &format!("allow:{number}"));
    town.telegram.taps(BOSS, &format!("refuse:{number}"));
    bot.listen().await.unwrap();
    assert_eq!(town.telegram.answers()[0], "Согласовано");
    let ledger = town.desk.ask("supervisor", "GET", "/api/v1/authority", None).await.json();
    assert_eq!(ledger["grants"][0]["state"], "approved", "the first answer counts: {ledger}");
}
