//! Tasks and the review of a week on both engines.

use gradus::mask::MaskedText;
use gradus::store::{Batch, CustomerFacts, NewTask, ReviewSaid, StoreError, TaskFilter};

use super::conversations::{decision, progress};
use super::desk::{Desk, at, call, on_both_engines};

const DAY: i64 = 24 * 60;

fn task(id: &str, owner: &str, due: i64) -> NewTask {
    NewTask {
        id: id.into(),
        case_id: Some("k1".into()),
        conversation_id: Some("a".into()),
        reason: "billing".into(),
        team: Some("team".into()),
        what: MaskedText::of("проверять акт до счёта, карта 4111 1111 1111 1111"),
        owner: owner.into(),
        due_at: at(due),
        made_by: "boss".into(),
        made_at: at(0),
    }
}

async fn with_customer(desk: &Desk) -> gradus::store::CustomerId {
    desk.user("boss", "supervisor").await;
    desk.user("olga", "agent").await;
    let facts = CustomerFacts { name: Some("Анна".into()), ..CustomerFacts::default() };
    let id = desk.store.know_customer(&facts, "n1".into(), at(0)).await.unwrap();
    let mut talk = call("a");
    talk.customer_id = Some(id.clone());
    desk.commit(Batch::new().change(talk)).await;
    desk.case("k1", "a").await;
    id
}

on_both_engines! {
    async fn a_task_waits_for_its_owner_by_its_date_and_ends_once(desk) {
        with_customer(&desk).await;
        for (id, owner, due) in [("t1", "olga", 9 * DAY), ("t2", "boss", 2 * DAY), ("t1", "boss", 1)] {
            desk.store.give_task(&task(id, owner, due)).await.unwrap();
        }
        let list = async |filter: TaskFilter| {
            let rows = desk.store.tasks(&TaskFilter { limit: 9, ..filter }).await.unwrap();
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(list(TaskFilter::default()).await, ["t2", "t1"], "a repeat changes nothing");
        assert_eq!(list(TaskFilter { owner: Some("olga".into()), ..TaskFilter::default() }).await, ["t1"]);
        assert!(list(TaskFilter { team: Some("other".into()), ..TaskFilter::default() }).await.is_empty());
        let row = desk.store.task("t1").await.unwrap().unwrap();
        assert_eq!((row.owner_name.as_deref(), row.made_by_name.as_deref()), (Some("Имя olga"), Some("Имя boss")));
        assert!(row.case_number.is_some() && !row.what.contains("4111 1111"), "{}", row.what);
        let words = MaskedText::of("сверка добавлена");
        desk.store.end_task("t2", ("done", Some(&words)), &"olga".into(), at(50)).await.unwrap();
        let again = desk.store.end_task("t2", ("dropped", None), &"boss".into(), at(60)).await;
        assert!(matches!(again, Err(StoreError::Missing(_))), "{again:?}");
        assert_eq!(list(TaskFilter { open: Some(true), ..TaskFilter::default() }).await, ["t1"]);
        assert_eq!(list(TaskFilter { open: Some(false), case: Some("k1".into()), ..TaskFilter::default() }).await, ["t2"]);
        let row = desk.store.task("t2").await.unwrap().unwrap();
        assert_eq!((row.state.as_str(), row.result.as_deref(), row.ended_at_ms), ("done", Some("сверка добавлена"), Some(at(50).millis())));
    }

    async fn a_reason_is_timed_once_a_conversation_by_its_first_decision(desk) {
        for id in ["a", "b", "c"] {
            desk.call(id).await;
        }
        for (id, talk, name, reason, minute) in [
            ("d1", "a", "engage", "billing", 9),
            ("d2", "a", "engage_now", "billing", 4),
            ("d3", "b", "watch", "billing", 5),
            ("d4", "c", "functional", "billing", 7),
            ("d5", "c", "engage", "legal", 1),
        ] {
            let mut made = decision(id, talk, name, reason);
            made.at = at(minute);
            desk.commit(Batch::new().change(made)).await;
        }
        let times = async |team: Option<&str>, from: i64| {
            let rows = desk.store.reason_times(team, "billing", at(from)).await.unwrap();
            rows.into_iter().map(|row| (row.conversation_id.to_string(), row.at_ms)).collect::<Vec<_>>()
        };
        let (first, second) = (("a".to_owned(), at(4).millis()), ("c".to_owned(), at(7).millis()));
        assert_eq!(times(None, 0).await, [first, second.clone()]);
        assert_eq!(times(Some("team"), 7).await, [("c".to_owned(), at(7).millis()), ("a".to_owned(), at(9).millis())]);
        assert!(times(Some("other"), 0).await.is_empty());
    }

    async fn a_review_lists_hot_conversations_of_the_week_and_what_people_added_with_what_was_said(desk) {
        let customer = with_customer(&desk).await;
        for (id, heat, minute) in [("hot", 80, 5), ("mild", 20, 6), ("rude", 30, 7), ("old", 90, -9 * DAY)] {
            let mut talk = call(id);
            talk.status = gradus::store::ConversationStatus::Ended;
            talk.started_at = at(minute);
            desk.commit(Batch::new().change(talk).change(progress(id, heat))).await;
        }
        for (id, talk, utterance) in [("d1", "hot", 3), ("d2", "rude", 1), ("d3", "rude", 5)] {
            let mut step = decision(id, talk, "abuse_step", "insult");
            step.utterance = Some(utterance);
            desk.commit(Batch::new().change(step)).await;
        }
        let list = async |week: &str, team: Option<&str>| {
            desk.store.review_talks(team, week, (at(0), at(7 * DAY)), (45, 50)).await.unwrap()
        };
        let rows = list("2026-W47", None).await;
        assert_eq!(rows.iter().map(|row| (row.id.to_string(), row.abuse_at)).collect::<Vec<_>>(), [("hot".to_owned(), Some(3)), ("rude".to_owned(), Some(1))]);
        assert!(list("2026-W47", Some("other")).await.is_empty());
        let said = |state, note: Option<&str>| ReviewSaid {
            why: "by_hand",
            moment: Some(2),
            state,
            note: note.map(MaskedText::of),
            decision: None,
        };
        let say = async |id: &str, said: &ReviewSaid, minute: i64| {
            desk.store.say_in_review("2026-W47", &id.into(), said, &"boss".into(), at(minute)).await.unwrap();
        };
        say("a", &said("waiting", None), 10).await;
        say("a", &said("discussed", Some("перебивал")), 20).await;
        let rows = list("2026-W47", None).await;
        let added = rows.iter().find(|row| row.id.as_str() == "a").unwrap();
        assert_eq!((added.said_state.as_deref(), added.note.as_deref(), added.said_moment), (Some("discussed"), Some("перебивал"), Some(2)));
        assert_eq!((added.said_by_name.as_deref(), added.said_at_ms), (Some("Имя boss"), Some(at(20).millis())));
        assert_eq!(list("2026-W46", None).await.len(), 2, "another week knows nothing of it");
        desk.store.give_task(&task("t1", "olga", DAY)).await.unwrap();
        desk.store.erase_customer(&customer, at(30)).await.unwrap();
        let rows = list("2026-W47", None).await;
        assert_eq!(rows.iter().find(|row| row.id.as_str() == "a").unwrap().note, None);
        assert_eq!(desk.store.task("t1").await.unwrap().unwrap().what, "");
    }
}
