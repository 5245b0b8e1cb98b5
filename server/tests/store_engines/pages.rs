//! What was added for the pages: curves of many conversations, counts of spans, tokens of programs.

use gradus::store::{ApiToken, Batch, HeatPoint};

use crate::desk::{Desk, at, call, on_both_engines, user};

on_both_engines! {
    async fn curves_of_many_conversations_come_at_once_and_in_order(desk) {
        for id in ["a", "b", "c"] {
            desk.call(id).await;
        }
        for (id, utterance, value) in [("a", 2, 40), ("a", 1, 10), ("b", 1, 5)] {
            let causes = serde_json::json!([]);
            let point = HeatPoint { conversation: id.into(), utterance, at: at(utterance), value, causes };
            desk.commit(Batch::new().change(point)).await;
        }
        let ids: Vec<_> = ["a", "c", "b'; --", "нет"].map(Into::into).to_vec();
        let curves = desk.store.heat_curves(&ids).await.unwrap();
        let values: Vec<Vec<i64>> = curves.values().map(|curve| curve.iter().map(|point| point.value).collect()).collect();
        assert_eq!(values, [vec![10, 40]]);
        assert!(desk.store.heat_curves(&[]).await.unwrap().is_empty());
    }

    async fn conversations_are_counted_by_span_and_team(desk) {
        desk.call("a").await;
        let mut later = call("b");
        later.started_at = at(60 * 24 * 8);
        later.team = None;
        desk.commit(Batch::new().change(later)).await;
        let spans = [(at(-10), at(10)), (at(10), at(20)), (at(60 * 24 * 7), at(60 * 24 * 14))];
        assert_eq!(desk.store.escalated_in(None, &spans).await.unwrap(), [(1, 0), (0, 0), (1, 0)]);
        assert_eq!(desk.store.escalated_in(Some("team"), &spans).await.unwrap(), [(1, 0), (0, 0), (0, 0)]);
    }

    async fn a_conversation_is_found_by_its_id_its_source_or_its_file(desk) {
        for (id, source, source_id) in [("a", "/x/y/084-sud.vcon.json", "u-1"), ("b", "in/c.wav", "c"), ("c", "z/c.wav", "9")] {
            let mut talk = call(id);
            (talk.source, talk.source_id) = (Some(source.into()), Some(source_id.into()));
            talk.history_before = Some(at(5));
            desk.commit(Batch::new().change(talk)).await;
        }
        for (name, found) in [
            ("a", &["a"][..]),
            ("u-1", &["a"]),
            ("084-sud.vcon.json", &["a"]),
            ("other/084-sud.vcon.json", &["a"]),
            ("c:\\calls\\084-sud.vcon.json", &["a"]),
            ("c.wav", &["b", "c"]),
            ("084-sud", &[]),
            ("%", &[]),
        ] {
            let ids = desk.store.conversations_named(name).await.unwrap();
            let mut ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
            ids.sort_unstable();
            assert_eq!(ids, found, "{name}");
        }
        let row = desk.store.conversation(&"a".into()).await.unwrap().unwrap();
        assert_eq!(row.history_before_ms, Some(at(5).millis()));
    }

    async fn a_token_acts_for_its_user_until_it_is_dropped_or_the_user_is_gone(desk) {
        desk.user("anna", "supervisor").await;
        let token = |hash: &str| ApiToken {
            token_hash: hash.into(),
            user_id: "anna".into(),
            name: "ats\0".into(),
            created_at_ms: 1,
        };
        desk.store.add_token(&token("h1")).await.unwrap();
        desk.store.add_token(&token("h2")).await.unwrap();
        assert!(desk.store.add_token(&token("h1")).await.is_err());
        let who = desk.store.api_key("h1", at(0)).await.unwrap().map(|(_, user)| user.login);
        assert_eq!(who.as_deref(), Some("anna"));
        assert_eq!(desk.store.tokens_of(&"anna".into()).await.unwrap().len(), 2);
        assert!(desk.store.drop_token("h1").await.unwrap() && !desk.store.drop_token("h1").await.unwrap());
        assert!(desk.store.api_key("h1", at(0)).await.unwrap().is_none());
        let mut gone = user("anna", "supervisor");
        gone.active = false;
        desk.store.change_user(&gone).await.unwrap();
        assert!(desk.store.api_key("h2", at(0)).await.unwrap().is_none());
    }
}
