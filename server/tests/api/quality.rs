//! The card of a conversation: answers of its own, answers of people, appeal, calibration.

use serde_json::json;

use crate::desk::Desk;

/// A call in which the agent introduces themselves and then tells the customer to calm down.
async fn talk(desk: &Desk) -> String {
    let start = json!({"channel": "call", "customer_name": "Пётр Сомов", "agent_name": "agent Иванов"});
    let begun = desk.ask("agent", "POST", "/api/v1/conversations", Some(start)).await;
    let talk = begun.json()["id"].as_str().unwrap().to_owned();
    for (index, (party, text)) in (0..).zip([
        ("customer", "у меня дважды списали деньги"),
        ("agent", "здравствуйте, меня зовут Ольга"),
        ("agent", "успокойтесь, ничего страшного"),
        ("customer", "верните деньги"),
    ]) {
        let line = json!({"index": index, "party": party, "text": text});
        let path = format!("/api/v1/conversations/{talk}/events");
        assert_eq!(desk.ask("agent", "POST", &path, Some(line)).await.json(), json!({"taken": 1}));
    }
    talk
}

#[tokio::test]
async fn the_conversation_answers_what_it_can_and_a_person_the_rest() {
    let desk = Desk::open().await;
    let talk = talk(&desk).await;
    let path = format!("/quality/{talk}");
    assert_eq!(desk.page("agent", &path).await.status, 403, "nobody has judged it");
    let page = desk.page("coach", &path).await.body;
    assert!(
        page.contains("Представился по имени")
            && page.contains("href=\"/conversations/")
            && page.contains("#u2"),
        "{page}"
    );
    let keep = async |who: &str, fields: &str| desk.submit(who, &path, fields).await.status;
    assert_eq!(keep("agent", "q_tone=yes").await, 403);
    assert_eq!(keep("coach", "q_tone=perhaps").await, 422);
    assert_eq!(keep("coach", "form=other").await, 422);
    assert_eq!(keep("coach", "q_tone=no&q_honest=not_asked&comment=slower").await, 303);
    let mine = desk.page("coach", &path).await.body;
    assert!(mine.contains("slower") && mine.contains("name=\"q_tone\" value=\"no\" checked"), "{mine}");
    let other = desk.page("supervisor", &path).await.body;
    assert!(
        !other.contains("slower") && other.contains("У разговора уже есть карта"),
        "who knows it does not judge alone"
    );
}

#[tokio::test]
async fn an_appeal_is_settled_by_another_and_two_reviewers_are_compared() {
    let desk = Desk::open().await;
    let talk = talk(&desk).await;
    let path = format!("/quality/{talk}");
    assert_eq!(desk.submit("coach", &path, "q_tone=no&q_honest=yes").await.status, 303);
    let own = desk.page("agent", "/quality").await.body;
    let id = own.split("/quality/cards/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let appeal = async |who: &str, fields: &str| {
        desk.submit(who, &format!("/quality/cards/{id}/appeal"), fields).await.status
    };
    assert_eq!(appeal("department", "question=tone&words=why").await, 404);
    assert_eq!(appeal("agent", "question=introduction&words=why").await, 422, "that answer is yes");
    assert_eq!(appeal("agent", "question=tone&words=+").await, 422);
    assert_eq!(appeal("agent", "question=tone&words=the+line+was+bad").await, 303);
    assert_eq!(desk.submit("coach", &path, "q_tone=yes").await.status, 422, "it is settled, not changed");
    let settle = async |who: &str, fields: &str| {
        desk.submit(who, &format!("/quality/cards/{id}/settle"), fields).await.status
    };
    assert_eq!(settle("coach", "accept=yes").await, 422, "not by the reviewer");
    assert_eq!(settle("agent", "accept=yes").await, 403);
    assert!(desk.page("supervisor", "/quality").await.body.contains("the line was bad"));
    assert_eq!(settle("supervisor", "accept=yes&words=heard+it").await, 303);
    let own = desk.page("agent", "/quality").await.body;
    assert!(own.contains("heard it") && own.contains("было"), "{own}");
    assert_eq!(desk.submit("supervisor", &path, "q_tone=yes&q_honest=no").await.status, 303);
    let page = desk.page("director", "/quality").await.body;
    assert!(page.contains("Калибровка") && page.contains("совпало ответов 1 из 2"), "{page}");
    assert!(page.contains("То, что пообещал, выполнимо"), "{page}");
}
