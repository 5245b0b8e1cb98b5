//! Ways in: sessions of one person, links that work once, the second step.

use gradus::store::{ApiToken, EntryLink, LinkKind, Session};

use super::desk::{Desk, at, on_both_engines, user};

fn session(token: &str, user: &str) -> Session {
    Session {
        token_hash: format!("{token:0>64}"),
        user_id: user.into(),
        csrf: "csrf".into(),
        created_at_ms: at(0).millis(),
        expires_at_ms: at(60).millis(),
        seen_at_ms: at(0).millis(),
        user_agent: None,
    }
}

fn link(token: &str, user: &str) -> EntryLink {
    EntryLink {
        token_hash: token.into(),
        user_id: user.into(),
        kind: LinkKind::Reset.name().into(),
        created_by: "root".into(),
        created_at_ms: at(0).millis(),
        expires_at_ms: at(60).millis(),
    }
}

on_both_engines! {
    async fn a_person_ends_one_session_or_all_others_and_never_those_of_somebody_else(desk) {
        desk.user("ann", "agent").await;
        desk.user("bob", "agent").await;
        let begins = |letter: &str| letter.repeat(16);
        let mut of_ann = Vec::new();
        for letter in ["a", "b", "c"] {
            let mut one = session("0", "ann");
            one.token_hash = letter.repeat(64);
            one.seen_at_ms = at(i64::try_from(of_ann.len()).unwrap()).millis();
            desk.store.begin_session(&one).await.unwrap();
            of_ann.push(one);
        }
        desk.store.begin_session(&session("9", "bob")).await.unwrap();
        let (ann, bob) = ("ann".into(), "bob".into());
        let seen: Vec<String> = desk.store.sessions_of(&ann, at(5)).await.unwrap().into_iter().map(|one| one.token_hash).collect();
        assert_eq!(seen, ["c".repeat(64), "b".repeat(64), "a".repeat(64)]);
        assert!(desk.store.sessions_of(&ann, at(60)).await.unwrap().is_empty());
        assert!(!desk.store.end_session_of(&bob, &begins("a")).await.unwrap(), "it is not theirs");
        assert!(desk.store.end_session_of(&ann, &begins("a")).await.unwrap());
        assert!(!desk.store.end_session_of(&ann, &begins("a")).await.unwrap());
        assert_eq!(desk.store.end_sessions_but(&ann, &of_ann[1].token_hash).await.unwrap(), 1);
        assert!(desk.store.session(&of_ann[1].token_hash, at(5)).await.unwrap().is_some());
        assert_eq!(desk.store.end_sessions_but(&ann, "").await.unwrap(), 1);
        assert_eq!(desk.store.sessions_of(&bob, at(5)).await.unwrap().len(), 1);
    }

    async fn a_link_sets_a_password_once_in_its_time_and_ends_every_session(desk) {
        desk.user("ann", "agent").await;
        let store = &desk.store;
        store.begin_session(&session("1", "ann")).await.unwrap();
        store.add_entry_link(&link("first", "ann")).await.unwrap();
        store.add_entry_link(&link("second", "ann")).await.unwrap();
        assert_eq!(store.entry_link("first", at(1)).await.unwrap(), None, "a later link takes its place");
        assert_eq!(store.entry_links(at(1)).await.unwrap(), [link("second", "ann")]);
        assert_eq!(store.entry_link("second", at(60)).await.unwrap(), None, "it is too late");
        assert!(!store.enter_by_link("second", "new", at(60)).await.unwrap());
        assert!(!store.enter_by_link("none", "new", at(1)).await.unwrap());
        assert_eq!(store.entry_link("second", at(1)).await.unwrap().unwrap().1.id.as_str(), "ann");
        let twice = tokio::join!(
            store.enter_by_link("second", "new", at(1)),
            store.enter_by_link("second", "other", at(1)),
        );
        assert_ne!(twice.0.unwrap(), twice.1.unwrap(), "of two at once one works");
        let hash = store.user(&"ann".into()).await.unwrap().unwrap().password_hash.unwrap();
        assert!(["new", "other"].contains(&hash.as_str()));
        assert!(store.sessions_of(&"ann".into(), at(1)).await.unwrap().is_empty());
        assert_eq!(store.entry_link("second", at(1)).await.unwrap(), None);
        store.add_entry_link(&link("third", "ann")).await.unwrap();
        let mut blocked = user("ann", "agent");
        blocked.active = false;
        store.change_user(&blocked).await.unwrap();
        assert!(!store.enter_by_link("third", "late", at(1)).await.unwrap(), "whoever is blocked has no way in");
        assert_eq!(store.entry_link("third", at(1)).await.unwrap(), None);
    }

    async fn a_half_sign_in_ends_in_time_or_once(desk) {
        desk.user("ann", "agent").await;
        let (store, ann) = (&desk.store, "ann".into());
        store.begin_half_sign_in("half", &ann, (at(0), at(10))).await.unwrap();
        assert_eq!(store.half_sign_in("half", at(9)).await.unwrap().unwrap().id, ann);
        assert_eq!(store.half_sign_in("half", at(10)).await.unwrap(), None);
        assert!(store.session("half", at(1)).await.unwrap().is_none(), "it is no session");
        assert!(store.end_half_sign_in("half").await.unwrap());
        assert!(!store.end_half_sign_in("half").await.unwrap());
        store.begin_half_sign_in("old", &ann, (at(0), at(10))).await.unwrap();
        store.begin_half_sign_in("new", &ann, (at(20), at(30))).await.unwrap();
        assert!(!store.end_half_sign_in("old").await.unwrap(), "what is over is forgotten");
    }

    async fn a_second_step_is_asked_for_once_its_first_code_was_right_and_no_code_counts_twice(desk) {
        desk.user("ann", "agent").await;
        let (store, ann) = (&desk.store, "ann".into());
        assert_eq!(store.second_factor(&ann).await.unwrap(), None);
        store.propose_second_factor(&ann, "ONE", at(0)).await.unwrap();
        store.propose_second_factor(&ann, "TWO", at(1)).await.unwrap();
        let proposed = store.second_factor(&ann).await.unwrap().unwrap();
        assert_eq!((proposed.secret.as_str(), proposed.confirmed_at_ms), ("TWO", None));
        assert!(!store.take_step(&ann, 5).await.unwrap(), "it is not asked for yet");
        assert!(store.users_with_second_factor().await.unwrap().is_empty());
        let codes = ["h1".to_owned(), "h2".to_owned()];
        assert!(store.confirm_second_factor(&ann, (100, &codes), at(2)).await.unwrap());
        assert!(!store.confirm_second_factor(&ann, (101, &[]), at(3)).await.unwrap());
        store.propose_second_factor(&ann, "THREE", at(4)).await.unwrap();
        assert_eq!(store.second_factor(&ann).await.unwrap().unwrap().secret, "TWO", "it cannot be swapped unseen");
        assert_eq!(store.users_with_second_factor().await.unwrap(), ["ann".into()]);
        let mut taken = Vec::new();
        for step in [100, 101, 101, 99, 102] {
            taken.push(store.take_step(&ann, step).await.unwrap());
        }
        assert_eq!(taken, [false, true, false, false, true]);
        assert!(store.take_recovery_code(&ann, "h1", at(5)).await.unwrap());
        assert!(!store.take_recovery_code(&ann, "h1", at(6)).await.unwrap());
        assert!(!store.take_recovery_code(&"bob".into(), "h2", at(6)).await.unwrap());
        assert_eq!(store.recovery_codes_left(&ann).await.unwrap(), 1);
        assert!(store.drop_second_factor(&ann).await.unwrap());
        assert!(!store.drop_second_factor(&ann).await.unwrap());
        assert_eq!(store.recovery_codes_left(&ann).await.unwrap(), 0);
    }

    async fn a_key_reaches_as_far_and_as_long_as_it_was_made_for(desk) {
        desk.user("ann", "agent").await;
        let (store, ann) = (&desk.store, gradus::store::UserId::from("ann"));
        let key = |letter: &str| ApiToken {
            token_hash: letter.repeat(64),
            user_id: "ann".into(),
            name: "АТС".into(),
            created_at_ms: at(0).millis(),
        };
        store.add_api_key(&key("a"), "send", Some(at(60))).await.unwrap();
        store.add_token(&key("b")).await.unwrap();
        let scope = async |letter: &str, minute| {
            let found = store.api_key(&letter.repeat(64), at(minute)).await.unwrap();
            found.map(|(key, user)| (key.scope, user.id))
        };
        assert_eq!(scope("a", 59).await, Some(("send".to_owned(), ann.clone())));
        assert_eq!(scope("a", 60).await, None);
        assert_eq!(scope("b", 60).await, Some(("all".to_owned(), ann.clone())), "one of before reaches everything");
        store.api_key_seen(&"a".repeat(64), at(5)).await.unwrap();
        let seen: Vec<Option<i64>> = store.tokens_of(&ann).await.unwrap().iter().map(|key| key.seen_at_ms).collect();
        assert_eq!(seen, [Some(at(5).millis()), None]);
        assert!(!store.drop_api_key_of(&"bob".into(), &"a".repeat(16)).await.unwrap());
        assert!(store.drop_api_key_of(&ann, &"a".repeat(16)).await.unwrap());
        assert_eq!(scope("a", 1).await, None);
    }
}
