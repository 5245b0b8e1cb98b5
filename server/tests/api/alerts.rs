//! Alerts beyond the page, from the words of a customer to the letter and the message, with a clock set by hand.

use std::sync::Arc;

use gradus::alert::Outbox;
use gradus::store::{ConversationId, QuietHours, UserChannel, UserId};
use gradus_engine::time::{Millis, Timestamp};
use serde_json::json;

use crate::desk::{Desk, NOON};
use crate::outside::{Heard, Letter, Mood, Receiver, Told, mail};

pub const COURT: &str = "верните деньги иначе я подам на вас в суд";
/// The chats of people.
pub const BOSS: i64 = 101;
pub const HEAD: i64 = 102;

/// A server with everything outside on loopback.
pub struct Town {
    pub desk: Desk,
    pub outbox: Outbox,
    pub telegram: Arc<Receiver>,
    pub mail: Arc<Told<Letter>>,
    pub crm: Arc<Receiver>,
}

impl Town {
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// The same with settings of its own.
    pub async fn open_with(more: &[(&str, &str)]) -> Self {
        let (telegram, api) = Receiver::start().await;
        let (crm, hook) = Receiver::start().await;
        let (mail, port) = mail().await;
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let hooks = format!(
            r#"[{{name="crm",url="{hook}/hooks/gradus",secret="{secret}"}},
                {{name="room",kind="mattermost",url="{hook}/hooks/room"}}]"#
        );
        let settings = [
            ("GRADUS_HTTP__URL", "https://gradus.example.ru/"),
            ("GRADUS_ALERT__ALLOW_PRIVATE", "true"),
            ("GRADUS_ALERT__TIMEOUT_SECONDS", "60"),
            ("GRADUS_ALERT__WEBHOOKS", hooks.as_str()),
            ("GRADUS_TELEGRAM__TOKEN", "42:token"),
            ("GRADUS_TELEGRAM__API", api.as_str()),
            ("GRADUS_MAIL__SERVER", "127.0.0.1"),
            ("GRADUS_MAIL__PORT", port.as_str()),
            ("GRADUS_MAIL__SECURITY", "none"),
            ("GRADUS_MAIL__FROM", "Gradus <gradus@example.ru>"),
        ];
        let desk = Desk::open_with(&[&settings[..], more].concat()).await;
        let outbox = desk.app.outbox();
        Self { desk, outbox, telegram, mail, crm }
    }

    pub async fn reach(&self, login: &str, channel: &str, address: &str) {
        let channel = UserChannel {
            user_id: UserId(format!("user-{login}")),
            channel: channel.to_owned(),
            address: address.to_owned(),
            active: true,
        };
        self.desk.app.desk.store.set_channel(&channel, Timestamp::from_millis(NOON)).await.unwrap();
    }

    /// Lets time pass: the clocks of the case run, and what is due goes out.
    pub async fn pass(&self, talk: &str, span: Millis) {
        self.desk.clock.advance(span);
        let now = self.desk.app.desk.clock.now();
        self.desk.app.desk.pipeline.tick(&ConversationId(talk.to_owned()), now).await.unwrap();
        self.outbox.round().await.unwrap();
    }

    /// Who is told by which channel, in which state and round; of people alone.
    pub async fn states(&self, talk: &str) -> Vec<String> {
        let case = format!("{talk}-case").into();
        let rows = self.desk.app.desk.store.deliveries_of_case(&case).await.unwrap();
        let people = rows.iter().filter(|row| !row.user_id.as_str().is_empty());
        let mut rows: Vec<String> = people
            .map(|row| {
                format!(
                    "{} {} {} {}",
                    row.user_id.as_str().trim_start_matches("user-"),
                    row.channel,
                    row.state,
                    row.round
                )
            })
            .collect();
        rows.sort();
        rows
    }
}

#[tokio::test]
async fn nobody_answers_and_the_alert_climbs_to_the_channels_of_the_next_and_says_that_it_is_a_repeat() {
    let town = Town::open().await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    town.reach("director", "email", "director@example.ru").await;
    let talk = town.desk.call("supervisor", &[COURT]).await;
    town.outbox.round().await.unwrap();
    let first = town.telegram.messages();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0]["chat_id"], json!(BOSS));
    let text = first[0]["text"].as_str().unwrap().replace('\u{a0}', " ");
    for words in [
        "Подключить руководителя немедленно",
        "Оповещение № 1",
        "Пётр Сомов",
        "звонок",
        "Кейс № 1",
        "пункт 1",
        "подам на вас в суд",
        &format!("https://gradus.example.ru/cases/{talk}-case"),
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("Повтор"), "{text}");
    let buttons = first[0]["reply_markup"]["inline_keyboard"].to_string();
    for words in ["Принять", "accept:1", "Отложить", "Верно", "Ложная"] {
        assert!(buttons.contains(words), "{buttons}");
    }
    // The substitute's step calls the same supervisors: a repeat with the same number.
    town.pass(&talk, Millis::seconds(31)).await;
    let second = town.telegram.messages();
    let text = second[1]["text"].as_str().unwrap().replace('\u{a0}', " ");
    assert!(text.contains("Повтор · Оповещение № 1"), "{text}");
    assert!(town.mail.heard().is_empty());
    town.pass(&talk, Millis::seconds(60)).await;
    let letters = town.mail.heard();
    assert_eq!((letters.len(), letters[0].to.as_str()), (1, "director@example.ru"));
    assert!(letters[0].header("Message-ID").starts_with("<alert-1-1."), "{:?}", letters[0]);
    assert_eq!(letters[0].header("X-Gradus-Alert"), "1");
    town.pass(&talk, Millis::seconds(60)).await;
    assert_eq!(
        (town.telegram.messages().len(), town.mail.heard().len()),
        (2, 1),
        "nothing more is sent by itself"
    );
    assert_eq!(town.states(&talk).await, ["director email sent 1", "supervisor telegram sent 2"]);
}

#[tokio::test]
async fn the_company_gets_a_signed_event_and_a_line_in_its_room() {
    let town = Town::open().await;
    let talk = town.desk.call("supervisor", &[COURT]).await;
    town.outbox.round().await.unwrap();
    let heard = town.crm.told.heard();
    assert_eq!(
        heard.len(),
        4,
        "the case, and the question to the lawyers, each signed and as a line in the room"
    );
    let first = |heard: &&Heard| heard.headers.get("webhook-id").is_some_and(|id| id == "alert-1-1");
    let signed = heard.iter().find(first).unwrap();
    assert_eq!(signed.path, "/hooks/gradus");
    assert_eq!(signed.headers["webhook-timestamp"], (NOON / 1000).to_string().as_str());
    assert!(signed.headers["webhook-signature"].to_str().unwrap().starts_with("v1,"));
    let event = signed.json();
    assert_eq!((event["type"].as_str(), event["data"]["alert"].as_i64()), (Some("alert.given"), Some(1)));
    assert_eq!(event["data"]["case"], json!(format!("{talk}-case")));
    let rooms = heard.iter().filter(|heard| heard.path == "/hooks/room").map(Heard::json);
    let room = rooms.into_iter().find(|room| room["text"].as_str().unwrap().contains("№\u{a0}1\n")).unwrap();
    assert!(
        room["text"].as_str().unwrap().contains("`верните деньги")
            || room["text"].as_str().unwrap().contains("подам на вас в суд`"),
        "{room}"
    );
}

#[tokio::test]
async fn a_channel_that_hangs_delays_no_other() {
    let town = Town::open().await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    town.reach("supervisor", "email", "boss@example.ru").await;
    town.crm.told.is(Mood::Hangs);
    town.mail.is(Mood::Hangs);
    let running = tokio::spawn(town.outbox.clone().run(town.desk.stop.clone()));
    // The clock stands still and a hung call may take a minute: what arrives now did not wait for it.
    for count in 1..=3 {
        town.desk.call("supervisor", &[COURT]).await;
        town.telegram.told.wait_for(count).await;
    }
    assert!(town.mail.heard().is_empty());
    running.abort();
}

#[tokio::test]
async fn killed_between_sending_and_noting_it_sends_once_more_and_says_so_under_the_same_number() {
    let town = Town::open().await;
    town.reach("supervisor", "email", "boss@example.ru").await;
    town.mail.is(Mood::Forgets);
    let talk = town.desk.call("supervisor", &[COURT]).await;
    let sending = town.outbox.clone();
    let killed = tokio::spawn(async move { sending.round().await });
    town.mail.wait_for(1).await;
    killed.abort();
    town.mail.is(Mood::Well);
    // A process that starts frees the claims of the one that is gone.
    town.desk.app.desk.store.free_claims().await.unwrap();
    let fresh = town.desk.app.outbox();
    for _ in 0..3 {
        fresh.round().await.unwrap();
    }
    let letters = town.mail.heard();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0].header("Message-ID"), letters[1].header("Message-ID"));
    assert!(!subject(&letters[0]).contains("Повтор"), "{}", subject(&letters[0]));
    assert!(subject(&letters[1]).starts_with("Повтор: "), "{}", subject(&letters[1]));
    assert_eq!(town.states(&talk).await, ["supervisor email sent 1"]);
}

/// Decodes the subject of a letter.
fn subject(letter: &Letter) -> String {
    use base64::Engine as _;
    let header = letter.text.split("\nSubject: ").nth(1).unwrap();
    let mut text = String::new();
    for (at, part) in header.split("=?utf-8?b?").skip(1).enumerate() {
        if at > 0 && part.is_empty() {
            continue;
        }
        let word = part.split("?=").next().unwrap();
        text.push_str(&String::from_utf8_lossy(
            &base64::engine::general_purpose::STANDARD.decode(word).unwrap(),
        ));
        if !part.split("?=").nth(1).is_some_and(|rest| rest.starts_with("\n ") || rest.starts_with(' ')) {
            break;
        }
    }
    text
}

#[tokio::test]
async fn what_is_refused_for_good_is_shown_and_can_be_sent_again_by_the_administrator() {
    let town = Town::open().await;
    town.reach("supervisor", "email", "gone@example.ru").await;
    town.mail.is(Mood::Refuses(550));
    let talk = town.desk.call("supervisor", &[COURT]).await;
    town.outbox.round().await.unwrap();
    let page = town.desk.page("supervisor", &format!("/cases/{talk}-case")).await.body;
    assert!(page.contains("не доставлено") && page.contains("no such mailbox"), "{page}");
    let list = town.desk.page("administrator", "/deliveries").await.body;
    assert!(list.contains("no such mailbox") && list.contains("Отправить снова"), "{list}");
    let api = town.desk.ask("administrator", "GET", "/api/v1/deliveries", None).await.json();
    assert_eq!(api["deliveries"][0]["state"], "dead");
    town.mail.is(Mood::Well);
    let fields = format!("alert={talk}-alert&user=user-supervisor&channel=email");
    assert_eq!(town.desk.submit("supervisor", "/deliveries/again", &fields).await.status, 403);
    assert_eq!(town.desk.submit("administrator", "/deliveries/again", &fields).await.status, 303);
    town.outbox.round().await.unwrap();
    assert_eq!(town.mail.heard().len(), 1);
    assert!(!subject(&town.mail.heard()[0]).contains("Повтор"), "it had surely not arrived");
}

#[tokio::test]
async fn a_failing_channel_is_tried_again_with_growing_pauses_until_somebody_answers() {
    let town = Town::open().await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    town.telegram.told.is(Mood::Refuses(502));
    let talk = town.desk.call("supervisor", &[COURT]).await;
    town.outbox.round().await.unwrap();
    town.outbox.round().await.unwrap();
    assert_eq!(town.telegram.messages().len(), 1, "not before its time");
    town.desk.clock.advance(Millis::seconds(2));
    town.outbox.round().await.unwrap();
    assert_eq!(town.telegram.messages().len(), 2);
    let text = town.telegram.messages()[1]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("Повтор"), "a server that broke may have taken it: {text}");
    let case = format!("/cases/{talk}-case");
    assert_eq!(town.desk.submit("supervisor", &format!("{case}/acknowledge"), "").await.status, 303);
    town.desk.clock.advance(Millis::minutes(60));
    town.outbox.round().await.unwrap();
    assert_eq!(town.telegram.messages().len(), 2, "nobody needs it any more");
    assert!(town.desk.page("supervisor", &case).await.body.contains("не понадобилось"));
}

#[tokio::test]
async fn telegram_asks_for_a_pause_and_gets_it() {
    let town = Town::open().await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    town.telegram.told.is(Mood::Refuses(429));
    town.desk.call("supervisor", &[COURT]).await;
    town.outbox.round().await.unwrap();
    town.telegram.told.is(Mood::Well);
    town.desk.call("supervisor", &[COURT]).await;
    town.desk.clock.advance(Millis::seconds(6));
    town.outbox.round().await.unwrap();
    assert_eq!(town.telegram.messages().len(), 1, "the second waits too: the limit is the bot's");
    town.desk.clock.advance(Millis::seconds(1));
    town.outbox.round().await.unwrap();
    let messages = town.telegram.messages();
    assert_eq!(messages.len(), 3);
    assert!(messages.iter().all(|message| !message["text"].as_str().unwrap().contains("Повтор")));
}

#[tokio::test]
async fn quiet_hours_put_off_what_can_wait_and_never_what_is_urgent() {
    let town = Town::open().await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    let quiet = QuietHours { from_minute: 11 * 60, to_minute: 13 * 60 };
    let store = &town.desk.app.desk.store;
    store.set_quiet_hours(&UserId("user-supervisor".into()), Some(quiet)).await.unwrap();
    // A case opened by hand and handed over is not urgent.
    let calm = town.desk.call("agent", &["здравствуйте"]).await;
    assert_eq!(town.desk.submit("agent", &format!("/conversations/{calm}/case"), "").await.status, 303);
    let hand = format!("/cases/{calm}-case/hand-over");
    assert_eq!(town.desk.submit("director", &hand, "to=user-supervisor").await.status, 303);
    town.outbox.round().await.unwrap();
    assert!(town.telegram.messages().is_empty());
    town.desk.call("agent", &[COURT]).await;
    town.outbox.round().await.unwrap();
    assert_eq!(town.telegram.messages().len(), 1);
    town.desk.clock.advance(Millis::minutes(60));
    town.outbox.round().await.unwrap();
    let messages = town.telegram.messages();
    assert_eq!(messages.len(), 2, "the quiet hours are over");
    assert!(!messages[1]["text"].as_str().unwrap().contains("Повтор"));
}

#[tokio::test]
async fn handing_a_case_over_calls_the_person_who_gets_it_and_their_answer_ends_it() {
    let town = Town::open().await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    town.reach("department", "telegram", &HEAD.to_string()).await;
    let talk = town.desk.call("supervisor", &[COURT]).await;
    let case = format!("/cases/{talk}-case");
    town.outbox.round().await.unwrap();
    town.desk.submit("supervisor", &format!("{case}/take-over"), "").await;
    town.desk.clock.advance(Millis::seconds(5));
    town.desk.submit("supervisor", &format!("{case}/hand-over"), "to=user-department").await;
    town.outbox.round().await.unwrap();
    let messages = town.telegram.messages();
    let chats: Vec<i64> = messages.iter().map(|message| message["chat_id"].as_i64().unwrap()).collect();
    assert_eq!(chats, [BOSS, HEAD, HEAD], "the lawyers are asked, then the case is handed to one of them");
    assert!(town.desk.page("department", "/").await.body.contains("alerts-title"));
    town.desk.submit("department", &format!("{case}/acknowledge"), "").await;
    let strip = town.desk.page("department", "/").await.body;
    assert!(strip.contains("Вопрос вашему отделу"), "the question waits");
    town.pass(&talk, Millis::minutes(2)).await;
    assert_eq!(town.telegram.messages().len(), 3);
}

#[tokio::test]
async fn a_case_whose_time_to_resolve_runs_out_is_told_again_and_its_clock_goes_on() {
    let town = Town::open().await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    let talk = town.desk.call("supervisor", &[COURT]).await;
    town.outbox.round().await.unwrap();
    town.desk.submit("supervisor", &format!("/cases/{talk}-case/take-over"), "").await;
    town.pass(&talk, Millis::minutes(481)).await;
    town.pass(&talk, Millis::minutes(481)).await;
    let messages = town.telegram.messages();
    let about =
        |words: &str| messages.iter().filter(|told| told["text"].as_str().unwrap().contains(words)).count();
    assert_eq!(about("Срок разрешения кейса прошёл"), 2, "{messages:?}");
    assert_eq!(about("Клиент в неведении"), 2, "the owner, and the next of the ladder: {messages:?}");
    assert_eq!(about("Отдел не ответил в срок"), 1);
}

#[tokio::test]
async fn what_was_said_yesterday_stays_on_the_page() {
    use gradus::pipeline::Spoken;
    use gradus::store::{ConversationStatus, NewConversation};
    use gradus_engine::event::CustomerFacts;
    use gradus_engine::signal::{Channel, Party};
    let town = Town::open().await;
    town.reach("supervisor", "telegram", &BOSS.to_string()).await;
    let pipeline = &town.desk.app.desk.pipeline;
    let yesterday = Timestamp::from_millis(NOON - 86_400_000);
    let id = ConversationId("old".into());
    let new = NewConversation::new(id.clone(), Channel::Call, ConversationStatus::Live, yesterday);
    pipeline.start(new, CustomerFacts::default()).await.unwrap();
    let said = Spoken {
        index: 0,
        party: Party::Customer,
        speaker: None,
        start_ms: Some(0),
        end_ms: None,
        at: yesterday,
        text: COURT.to_owned(),
        judged: COURT.to_owned(),
        utc_offset_s: 10_800,
    };
    pipeline.say(&id, &[said], &[]).await.unwrap();
    for _ in 0..4 {
        town.pass("old", Millis::seconds(100)).await;
    }
    assert!(town.telegram.messages().is_empty() && town.crm.told.heard().is_empty());
    assert!(town.desk.page("supervisor", "/").await.body.contains("alerts-title"));
}

#[tokio::test]
async fn the_report_of_the_last_week_goes_by_letter_once_a_week_to_each_also_after_a_failure() {
    let recipients = r#"[{address="director@example.ru"},{address="boss@example.com",language="en"}]"#;
    let town = Town::open_with(&[("GRADUS_REPORT__TO", recipients)]).await;
    let (desk, channels) = (&town.desk.app.desk, &town.desk.app.channels);
    town.desk.call("supervisor", &[COURT]).await;
    let post = || async { gradus::report::post(desk, channels).await.unwrap() };
    post().await;
    post().await;
    let letters = town.mail.heard();
    let to: Vec<&str> = letters.iter().map(|letter| letter.to.as_str()).collect();
    assert_eq!(to, ["director@example.ru", "boss@example.com"], "it is Tuesday: once to each");
    assert!(letters[0].text.contains("gradus-2026-W47.xlsx"), "{}", letters[0].text);
    assert!(letters[1].header("Subject").contains("Escalations of week 2026-W47"), "{}", letters[1].text);
    town.desk.clock.advance(Millis::minutes(6 * 24 * 60));
    town.mail.is(Mood::Refuses(450));
    post().await;
    assert_eq!(town.mail.heard().len(), 2, "the server refuses");
    town.mail.is(Mood::Well);
    post().await;
    assert_eq!(town.mail.heard().len(), 2, "what failed rests for ten minutes");
    town.desk.clock.advance(Millis::minutes(11));
    post().await;
    let letters = town.mail.heard();
    assert!(letters.len() == 4 && letters[2].text.contains("2026-W48.xlsx"), "{}", letters.len());
}
