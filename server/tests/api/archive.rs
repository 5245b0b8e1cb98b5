//! The archive over HTTP: who finds what, how it is shown, what leaves as a file.

use crate::desk::Desk;

async fn filled(desk: &Desk) {
    while desk.app.desk.store.fill_archive(100).await.unwrap() > 0 {}
}

fn finds(answer: &crate::desk::Answer) -> usize {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["hits"].as_array().unwrap().len()
}

/// `верните деньги` within an address.
const MONEY: &str = "%D0%B2%D0%B5%D1%80%D0%BD%D1%83%D1%82%D1%8C+%D0%B4%D0%B5%D0%BD%D1%8C%D0%B3%D0%B8";

#[tokio::test]
async fn a_team_finds_only_its_own_words_by_every_way_in() {
    let desk = Desk::open().await;
    desk.add_person("north", "supervisor", Some("north")).await;
    desk.add_person("south", "supervisor", Some("south")).await;
    let talk = desk.call("north", &["когда вы вернёте мне деньги"]).await;
    filled(&desk).await;
    let ask = format!("/api/v1/search?q={MONEY}");
    for (who, rows) in [("north", 1), ("south", 0), ("director", 1), ("administrator", 1)] {
        assert_eq!(finds(&desk.ask(who, "GET", &ask, None).await), rows, "{who}");
        let page = desk.page(who, &format!("/archive?q={MONEY}")).await;
        assert_eq!(page.body.contains(&talk), rows == 1, "{who}");
    }
    for more in ["team=north", "outcome=no_case&team=north", "heat_from=0&team=north"] {
        let foreign = desk.ask("south", "GET", &format!("/api/v1/search?{more}"), None).await;
        assert_eq!(finds(&foreign), 0, "{more}");
    }
    let file = desk.ask("south", "GET", &format!("/api/v1/search/export?q={MONEY}"), None).await;
    assert_eq!((file.status, file.body.lines().count(), file.header("gradus-cut")), (200, 1, "false"));
    let file = desk.ask("north", "GET", &format!("/api/v1/search/export?q={MONEY}"), None).await;
    assert!(file.body.contains("вернёте мне деньги") && file.body.contains(&talk), "{}", file.body);
    let written = &desk.app.desk.store.audit_before(i64::MAX, 1).await.unwrap()[0];
    let seen = (written.actor.as_str(), written.action.as_str(), written.detail.as_str());
    assert_eq!(seen, ("user-north", "archive.export", "csv, 1 rows"));
}

#[tokio::test]
async fn what_was_found_is_marked_and_hostile_words_are_shown_as_text() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &["<script>alert(1)</script> верните <b>деньги</b>"]).await;
    filled(&desk).await;
    let page = desk.page("coach", &format!("/archive?q={MONEY}")).await.body;
    assert!(page.contains("<mark class=\"hit-mark\">верните</mark>"), "{page}");
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script>alert"), "{page}");
    assert!(
        page.contains(&format!("/conversations/{talk}#u0")) && page.contains("1 место в 1 разговоре"),
        "{page}"
    );
    assert!(!page.contains("play-moment src"), "there is no recording to play");
    let answer = desk.ask("coach", "GET", &format!("/api/v1/search?q={MONEY}"), None).await.json();
    assert_eq!(answer["hits"][0]["marks"], serde_json::json!([[26, 33], [37, 43]]));
    assert_eq!((&answer["not_indexed_yet"], &answer["next"]), (&0.into(), &serde_json::Value::Null));
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_by_name_and_the_page_says_it_in_words() {
    let desk = Desk::open().await;
    for (query, field) in [
        ("q=-%D1%81%D1%83%D0%B4", "q: "),
        ("heat_from=a", "heat_from: "),
        ("signal=anger", "signal: "),
        ("before=x", "before: "),
        ("limit=0x", "limit: "),
    ] {
        let refused = desk.ask("coach", "GET", &format!("/api/v1/search?{query}"), None).await;
        assert_eq!(refused.status, 422, "{query}");
        assert!(refused.json()["detail"].as_str().unwrap().starts_with(field), "{}", refused.body);
        assert_eq!(desk.page("coach", &format!("/archive?{query}")).await.status, 422, "{query}");
    }
    let page = desk.page("coach", "/archive?q=-%D1%81%D1%83%D0%B4").await;
    assert!(page.body.contains("хотя бы одно слово без минуса") && page.body.contains("value=\"-суд\""));
    let format = desk.ask("coach", "GET", "/api/v1/search/export?format=pdf", None).await;
    assert_eq!(format.status, 422, "{}", format.body);
}

#[tokio::test]
async fn the_page_says_what_cannot_be_found_yet() {
    let desk = Desk::open().await;
    desk.call("supervisor", &["верните деньги", "жду ответа"]).await;
    let page = desk.page("coach", "/archive").await;
    assert!(page.body.contains("Осталось добавить: 2 реплики."), "{}", page.body);
    filled(&desk).await;
    assert!(!desk.page("coach", "/archive").await.body.contains("Осталось добавить"));
}
