//! From a conclusion to a task that is done, and the review of a week.

use gradus_engine::time::Millis;

use crate::desk::Desk;

const COURT: &str = "я подам на вас в суд";
const DAY: u64 = 24 * 60;

#[tokio::test]
async fn a_conclusion_becomes_a_task_of_somebody_and_it_shows_whether_the_reason_came_back() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &[COURT]).await;
    let case = format!("/cases/{talk}-case");
    let fields = "reason=legal&decision=refunded&cost=0&conclusion=check+the+act";
    assert_eq!(desk.submit("supervisor", &format!("{case}/resolve"), fields).await.status, 303);
    assert!(
        desk.page("coach", &case).await.body.contains("check the act</textarea>"),
        "the conclusion is proposed"
    );
    let give =
        async |who: &str, fields: &str| desk.submit(who, &format!("{case}/tasks"), fields).await.status;
    assert_eq!(give("agent", "what=a&owner=user-agent&due=2026-12-01").await, 403);
    for wrong in [
        "what=+&owner=user-agent&due=2026-12-01",
        "what=a&owner=nobody&due=2026-12-01",
        "what=a&owner=user-agent&due=soon",
    ] {
        assert_eq!(give("coach", wrong).await, 422, "{wrong}");
    }
    assert_eq!(give("coach", "what=compare+the+act&owner=user-agent&due=2026-11-24").await, 303);
    let mine = desk.page("agent", "/tasks").await.body;
    assert!(mine.contains("compare the act") && mine.contains("24\u{a0}ноя"), "{mine}");
    assert!(!desk.page("department", "/tasks").await.body.contains("compare the act"), "not theirs to see");
    let id = mine.split("action=\"/tasks/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    // Six in the evening has passed.
    desk.clock.advance(Millis::minutes(7 * 60));
    assert!(desk.page("agent", "/tasks").await.body.contains("task late"));
    let end = async |who: &str, state: &str| {
        desk.submit(who, &format!("/tasks/{id}"), &format!("state={state}&result=added")).await
    };
    assert_eq!(end("department", "done").await.status, 404);
    assert_eq!(end("agent", "finished").await.status, 422);
    assert_eq!(end("agent", "done").await.status, 303);
    assert_eq!(end("agent", "done").await.status, 404, "it ended already");
    let early = desk.page("coach", "/tasks").await.body;
    assert!(early.contains("судить рано") && early.contains("added"), "{early}");
    desk.clock.advance(Millis::minutes(8 * DAY));
    let later = async || desk.ask("coach", "GET", "/tasks", None).await.body;
    let gone = later().await;
    assert!(gone.contains("Причина не возвращалась"), "{gone}");
    desk.call("supervisor", &[COURT]).await;
    desk.clock.advance(Millis::minutes(DAY));
    let back = later().await;
    assert!(back.contains("Причина вернулась") || back.contains("Причина бывает реже"), "{back}");
}

#[tokio::test]
async fn a_review_walks_through_the_list_and_keeps_what_was_said() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &["спасибо, всё хорошо", "до свидания"]).await;
    let say = async |who: &str, fields: &str| desk.submit(who, &format!("/review/{talk}"), fields).await;
    assert_eq!(say("agent", "week=2026-W48&state=waiting").await.status, 403);
    for wrong in ["week=48&state=waiting", "week=2026-W48&state=maybe"] {
        assert_eq!(say("coach", wrong).await.status, 422, "{wrong}");
    }
    assert!(desk.page("coach", "/review?week=2026-W48").await.body.contains("Разбирать нечего"));
    assert_eq!(say("supervisor", "week=2026-W48&state=waiting").await.status, 303);
    let page = desk.page("coach", "/review?week=2026-W48").await.body;
    assert!(page.contains("добавлен вручную") && page.contains("до свидания"), "{page}");
    let next = "week=2026-W48&state=discussed&moment=1&note=calm+words&decision=to+practice&next=https%3A%2F%2Fevil.example";
    let said = say("coach", next).await;
    assert_eq!(
        (said.status, said.header("location")),
        (303, format!("/review?week=2026-W48&at={talk}").as_str())
    );
    let page = desk.page("director", "/review?week=2026-W48").await.body;
    assert!(page.contains("calm words</textarea>") && page.contains("разобрано 1 из 1"), "{page}");
    assert!(
        page.contains("<option value=\"1\" selected"),
        "it is played from the moment that was chosen: {page}"
    );
    let task = "week=2026-W48&what=add+a+scenario&owner=user-coach&due=2026-12-01";
    assert_eq!(desk.submit("coach", &format!("/review/{talk}/task"), task).await.status, 303);
    assert!(desk.page("coach", "/tasks?whose=mine").await.body.contains("add a scenario"));
}
