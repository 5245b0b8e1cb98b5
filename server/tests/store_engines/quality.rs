//! Quality cards on both engines.

use gradus::mask::MaskedText;
use gradus::quality::{Answer, Answers, Given};
use gradus::store::{Batch, CardFilter, CardRow, ConversationStatus, NewCard, StoreError};

use super::conversations::progress;
use super::desk::{Desk, at, call, on_both_engines};

fn answers(answer: Answer) -> Answers {
    Answers::from([("tone".to_owned(), Given { answer, auto: false, evidence: vec![3] })])
}

fn card(id: &str, talk: &str, reviewer: &str, score: i64) -> NewCard {
    NewCard {
        id: id.into(),
        conversation: talk.into(),
        form: ("service".into(), 1),
        reviewer: reviewer.into(),
        answers: answers(Answer::No),
        score: Some(score),
        comment: Some(MaskedText::of("перебивал")),
        at: at(5),
    }
}

async fn talk(desk: &Desk, id: &str, agent: Option<&str>, name: Option<&str>, lines: i64) {
    let mut new = call(id);
    new.status = ConversationStatus::Ended;
    new.agent_id = agent.map(Into::into);
    new.agent_name = name.map(str::to_owned);
    let mut seen = progress(id, 10);
    seen.utterances = lines;
    desk.commit(Batch::new().change(new).change(seen)).await;
}

async fn cards(desk: &Desk, filter: CardFilter) -> Vec<CardRow> {
    desk.store.cards(&CardFilter { limit: 9, ..filter }).await.unwrap()
}

on_both_engines! {
    async fn a_reviewer_has_one_card_a_conversation_until_the_agent_appeals(desk) {
        for (login, role) in [("anna", "coach"), ("boss", "supervisor"), ("olga", "agent")] {
            desk.user(login, role).await;
        }
        talk(&desk, "a", Some("olga"), None, 9).await;
        assert!(desk.store.keep_card(&card("c1", "a", "anna", 40)).await.unwrap());
        assert!(desk.store.keep_card(&card("c2", "a", "anna", 50)).await.unwrap());
        assert!(desk.store.keep_card(&card("c3", "a", "boss", 60)).await.unwrap());
        let rows = cards(&desk, CardFilter { conversation: Some("a".into()), ..CardFilter::default() }).await;
        let seen: Vec<(&str, Option<i64>)> = rows.iter().map(|row| (row.id.as_str(), row.score)).collect();
        assert_eq!(seen, [("c1", Some(50)), ("c3", Some(60))], "a later word replaces the first");
        assert_eq!((rows[0].reviewer_name.as_deref(), rows[0].agent_name.as_deref()), (Some("Имя anna"), Some("Имя olga")));
        assert_eq!(rows[0].answers, answers(Answer::No));
        let words = MaskedText::of("клиент сам перебивал");
        desk.store.appeal_card("c1", ("tone", &words), at(9)).await.unwrap();
        assert!(matches!(desk.store.appeal_card("c1", ("tone", &words), at(9)).await, Err(StoreError::Missing(_))));
        assert!(!desk.store.keep_card(&card("c4", "a", "anna", 99)).await.unwrap());
        desk.store.settle_card("c1", (&answers(Answer::Yes), Some(100)), None, &"boss".into(), at(12)).await.unwrap();
        let again = desk.store.settle_card("c1", (&answers(Answer::No), None), None, &"boss".into(), at(13)).await;
        assert!(matches!(again, Err(StoreError::Missing(_))), "{again:?}");
        let row = cards(&desk, CardFilter { id: Some("c1".into()), ..CardFilter::default() }).await.remove(0);
        assert_eq!((row.state.as_str(), row.score, row.score_before), ("settled", Some(100), Some(50)));
        assert_eq!((row.settled_by_name.as_deref(), row.appeal_question.as_deref()), (Some("Имя boss"), Some("tone")));
    }

    async fn an_agent_is_known_by_id_or_by_name_alone_and_a_team_sees_its_own(desk) {
        desk.user("olga", "agent").await;
        talk(&desk, "a", Some("olga"), None, 9).await;
        talk(&desk, "b", None, Some("Имя olga"), 9).await;
        talk(&desk, "c", None, Some("Тимур"), 9).await;
        for id in ["a", "b", "c"] {
            desk.store.keep_card(&card(&format!("card-{id}"), id, "anna", 50)).await.unwrap();
        }
        let own = cards(&desk, CardFilter { agent: Some(("olga".into(), "Имя olga".into())), ..CardFilter::default() }).await;
        assert_eq!(own.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["card-a", "card-b"]);
        assert_eq!(cards(&desk, CardFilter { team: Some("other".into()), ..CardFilter::default() }).await, []);
        assert_eq!(cards(&desk, CardFilter { team: Some("team".into()), since: Some(at(5)), ..CardFilter::default() }).await.len(), 3);
        assert_eq!(cards(&desk, CardFilter { since: Some(at(6)), ..CardFilter::default() }).await, []);
    }

    async fn only_ended_conversations_of_known_agents_that_are_long_enough_can_be_drawn(desk) {
        talk(&desk, "long", None, Some("Ольга"), 6).await;
        talk(&desk, "short", None, Some("Ольга"), 5).await;
        talk(&desk, "nobody", None, None, 9).await;
        let mut live = call("live");
        live.agent_name = Some("Ольга".into());
        desk.commit(Batch::new().change(live).change(progress("live", 10))).await;
        let drawn = desk.store.drawable(Some("team"), (at(0), at(60)), 6).await.unwrap();
        assert_eq!(drawn.iter().map(|talk| (talk.id.as_str(), talk.agent.as_str())).collect::<Vec<_>>(), [("long", "Ольга")]);
        assert!(desk.store.drawable(Some("other"), (at(0), at(60)), 6).await.unwrap().is_empty());
        assert!(desk.store.drawable(None, (at(1), at(60)), 6).await.unwrap().is_empty());
    }
}
