//! The protocol: published, in force at once, replayed by the version that judged, read and acknowledged.

use gradus_engine::protocol::DEFAULT_TEXT;
use serde_json::json;

use crate::desk::Desk;

/// A protocol that brings a supervisor in as soon as one is asked for.
fn hasty(version: &str) -> String {
    let text = DEFAULT_TEXT.replacen("version = \"2026.11.2\"", &format!("version = \"{version}\""), 1);
    let text = text.replacen("[attempts]\nneeded = 3", "[attempts]\nneeded = 1", 1);
    // Its examples say what three attempts do.
    let end = text.find("[[test]]").unwrap();
    text[..end].to_owned()
}

async fn publish(desk: &Desk, text: &str, comment: &str) -> crate::desk::Answer {
    let body = json!({"text": text, "comment": comment});
    desk.ask("administrator", "POST", "/api/v1/protocol", Some(body)).await
}

#[tokio::test]
async fn a_published_version_judges_from_the_next_event_on_and_what_was_judged_before_keeps_its_version() {
    let desk = Desk::open().await;
    desk.app.desk.protocols.begin(None).await.unwrap();
    let talk = desk.call("agent", &["позовите руководителя"]).await;
    let said = |index: u32, party: &str, text: &str| json!({"index": index, "party": party, "text": text});
    let path = format!("/api/v1/conversations/{talk}");
    let decided = || async {
        let page = desk.ask("agent", "GET", &path, None).await.json();
        let rows = page["decisions"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| {
                format!("{} {}", row["decision"].as_str().unwrap(), row["protocol_version"].as_str().unwrap())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(decided().await, ["coach 2026.11.2"]);
    let answer = publish(&desk, &hasty("hasty-1"), "не ждём трёх попыток").await;
    assert_eq!(answer.json()["number"], 2, "{}", answer.body);
    let events = format!("{path}/events");
    for line in [
        said(5, "agent", "могу предложить вам замену товара"),
        said(6, "customer", "нет не подходит зовите начальника"),
    ] {
        assert_eq!(desk.ask("agent", "POST", &events, Some(line)).await.status, 200);
    }
    let after = decided().await;
    assert!(after.contains(&"engage hasty-1".to_owned()), "{after:?}");
    // Another node, or this one after a restart, replays each event by the version that judged it.
    let store = std::sync::Arc::clone(&desk.app.desk.store);
    let pipeline = gradus::pipeline::Pipeline::new(
        std::sync::Arc::clone(&store),
        desk.app.desk.pipeline.ear(),
        std::sync::Arc::new(gradus::ears::protocol(None).unwrap()),
    );
    let pipeline = std::sync::Arc::new(pipeline);
    let keeper = gradus::protocols::ProtocolKeeper::new(store, std::sync::Arc::clone(&pipeline));
    keeper.begin(None).await.unwrap();
    assert_eq!(
        pipeline.protocol().version,
        "hasty-1",
        "the one that ships does not push the company's aside"
    );
    let now = desk.app.desk.clock.now();
    let act = gradus_engine::case::Action::TakeOver;
    pipeline.act(&talk.as_str().into(), &"user-supervisor".into(), act, now).await.unwrap();
}

#[tokio::test]
async fn a_draft_is_checked_kept_and_published_only_when_it_is_right_and_says_why() {
    let desk = Desk::open().await;
    desk.app.desk.protocols.begin(None).await.unwrap();
    let form = |text: &str, comment: &str, act: &str| {
        let coded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        format!("text={}&comment={}&act={act}", coded(text), coded(comment))
    };
    let broken = DEFAULT_TEXT.replacen("needed = 3", "needed = 0", 1);
    let page = desk.submit("administrator", "/protocol/edit", &form(&broken, "", "check")).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Сначала исправьте") && page.body.contains("zero attempts"), "{}", page.body);
    assert!(
        desk.page("administrator", "/protocol/edit").await.body.contains("needed = 0"),
        "the draft is kept"
    );
    assert!(!desk.page("director", "/protocol/edit").await.body.contains("needed = 0"), "each has their own");
    let refused = desk.submit("administrator", "/protocol/edit", &form(&broken, "why", "publish")).await;
    assert_eq!(refused.status, 422);
    let failing = hasty("x").replace("needed = 1", "needed = 3")
        + "[[test]]\nname = \"нет\"\ndialog = [\"К: да\"]\nexpect = [\"0 engage three_attempts\"]\n";
    let failed = desk.submit("administrator", "/protocol/edit", &form(&failing, "why", "publish")).await;
    assert!(
        failed.status == 422 && failed.body.contains("ожидалось: 0 engage three_attempts"),
        "{}",
        failed.body
    );
    let good = hasty("hasty-2");
    let silent = desk.submit("administrator", "/protocol/edit", &form(&good, " ", "publish")).await;
    assert!(silent.status == 422 && silent.body.contains("Напишите, что меняется и почему"));
    assert!(silent.body.contains("attempts.needed"), "what differs is shown: {}", silent.body);
    let done = desk.submit("administrator", "/protocol/edit", &form(&good, "быстрее", "publish")).await;
    assert_eq!((done.status, done.header("location")), (303, "/protocol"));
    let same = publish(&desk, &good, "ещё раз").await;
    assert_eq!(same.status, 409);
    assert!(same.body.contains("give the protocol a new version"));
    let listed = desk.page("administrator", "/protocol").await.body;
    assert!(
        listed.contains("hasty-2") && listed.contains("быстрее") && listed.contains("поставляется с Gradus"),
        "{listed}"
    );
    assert!(
        desk.page("administrator", "/protocol/edit?from=1").await.body.contains("needed = 3"),
        "roll back"
    );
    assert_eq!(desk.page("administrator", "/protocol/edit?from=99").await.status, 404);
}

#[tokio::test]
async fn everybody_acknowledges_having_read_each_version_and_who_has_not_is_seen() {
    let desk = Desk::open().await;
    assert!(!desk.page("agent", "/").await.body.contains("Регламент обновился"), "nothing was published");
    desk.app.desk.protocols.begin(None).await.unwrap();
    assert!(desk.page("agent", "/").await.body.contains("Регламент обновился"));
    let text = desk.page("agent", "/protocol").await.body;
    for words in
        ["Юридический вопрос", "Я хочу вам помочь, но такой тон", "до 10\u{a0}%", "Юристы", "Прочитал(а)"]
    {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("Не прочитали"), "an agent does not see who has not");
    assert_eq!(desk.submit("agent", "/protocol/read", "").await.status, 303);
    assert!(!desk.page("agent", "/").await.body.contains("Регламент обновился"));
    let seen = desk.page("supervisor", "/protocol").await.body;
    assert!(seen.contains("Не прочитали <span class=\"count\">6</span>"), "{seen}");
    let listed = desk.ask("director", "GET", "/api/v1/protocol/readers", None).await.json();
    assert_eq!(
        (listed["read"][0]["user"].as_str(), listed["unread"].as_array().unwrap().len()),
        (Some("user-agent"), 6)
    );
    publish(&desk, &hasty("hasty-3"), "иначе").await;
    assert!(desk.page("agent", "/").await.body.contains("Регламент обновился"), "each version anew");
}

#[tokio::test]
async fn a_configured_file_that_changes_needs_a_new_version() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("protocol.toml");
    std::fs::write(&file, hasty("own-1")).unwrap();
    let keeper = &desk.app.desk.protocols;
    keeper.begin(Some(&file)).await.unwrap();
    assert_eq!(desk.app.desk.pipeline.protocol().version, "own-1");
    std::fs::write(&file, hasty("own-1").replace("needed = 1", "needed = 2")).unwrap();
    let error = keeper.begin(Some(&file)).await.unwrap_err().to_string();
    assert!(error.contains("give it a new version"), "{error}");
    std::fs::write(&file, hasty("own-2")).unwrap();
    keeper.begin(Some(&file)).await.unwrap();
    assert_eq!(desk.app.desk.pipeline.protocol().version, "own-2");
}
