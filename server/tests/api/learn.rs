//! The library: what cooled down is proposed by a test, confirmed by a coach; what works is compared in like moments.

use serde_json::json;

use crate::desk::Desk;

async fn talk(desk: &Desk, lines: &[(&str, &str)]) -> String {
    let talk = desk.call("agent", &[]).await;
    for (index, (party, text)) in (0..).zip(lines) {
        let line = json!({"index": index, "party": party, "text": text});
        let answer =
            desk.ask("agent", "POST", &format!("/api/v1/conversations/{talk}/events"), Some(line)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    desk.ask("agent", "POST", &format!("/api/v1/conversations/{talk}/end"), None).await;
    talk
}

/// Grows hot and cools down.
const TURNED: &[(&str, &str)] = &[
    ("customer", "я подам на вас в суд верните деньги"),
    ("customer", "вы идиоты все там напишу отзыв везде"),
    ("agent", "понимаю как это неприятно приношу извинения меня зовут ольга"),
    ("agent", "предлагаю вернуть деньги сегодня до шести"),
    ("customer", "спасибо большое выручили"),
    ("agent", "перезвоню вам завтра до двенадцати"),
    ("customer", "да хорошо договорились спасибо"),
    ("customer", "спасибо вам за помощь"),
    ("customer", "спасибо всего доброго"),
];

#[tokio::test]
async fn what_cooled_down_is_proposed_with_its_turn_and_confirmed_by_a_coach() {
    let desk = Desk::open().await;
    let good = talk(&desk, TURNED).await;
    let hot = talk(&desk, &TURNED[..2]).await;
    let page = desk.page("coach", "/library").await.body;
    assert!(page.contains(&good) && !page.contains(&hot), "{page}");
    assert!(page.contains("извинение") && page.contains("14 дней ещё не прошло"), "{page}");
    assert_eq!(desk.submit("agent", &format!("/library/{good}"), "state=confirmed").await.status, 403);
    assert_eq!(desk.submit("coach", &format!("/library/{good}"), "state=eaten").await.status, 422);
    assert_eq!(
        desk.submit("coach", &format!("/library/{good}"), "state=confirmed&note=sorry+first").await.status,
        303
    );
    assert!(!desk.page("coach", "/library").await.body.contains(&good), "it is no proposal any more");
    let kept = desk.page("agent", "/library?show=confirmed").await.body;
    assert!(kept.contains(&good) && kept.contains("sorry first"), "{kept}");
    assert!(desk.page("agent", "/library?show=confirmed&technique=apology").await.body.contains(&good));
    assert!(!desk.page("agent", "/library?show=confirmed&agent=nobody").await.body.contains(&good));
    assert_eq!(desk.submit("coach", "/library/none", "state=confirmed").await.status, 404);
}

#[tokio::test]
async fn what_works_says_how_few_cases_it_rests_on() {
    let desk = Desk::open().await;
    assert!(desk.page("coach", "/works").await.body.contains("Сравнивать пока нечего"));
    for _ in 0..3 {
        talk(&desk, &[("customer", "где мой заказ"), ("agent", "заказ номер семь"), ("customer", "да он")])
            .await;
        talk(
            &desk,
            &[("customer", "где мой заказ"), ("agent", "успокойтесь"), ("customer", "вы издеваетесь")],
        )
        .await;
    }
    let page = desk.page("supervisor", "/works").await.body;
    assert!(page.contains("мало данных"), "{page}");
}
