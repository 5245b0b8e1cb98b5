//! Users, sessions, the audit log, settings.

use gradus::store::{AuditFilter, AuditState, Session, StoreError};
use sqlx::Connection;

use super::desk::{Desk, at, on_both_engines, user};

fn session(token: &str, user: &str) -> Session {
    Session {
        token_hash: token.into(),
        user_id: user.into(),
        csrf: "csrf".into(),
        created_at_ms: at(0).millis(),
        expires_at_ms: at(60).millis(),
        seen_at_ms: at(0).millis(),
        user_agent: Some("Firefox".into()),
    }
}

/// Changes the database behind the store's back.
async fn tamper(desk: &Desk, sql: &'static str) {
    if desk.url.starts_with("sqlite") {
        let mut conn = sqlx::SqliteConnection::connect(&desk.url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    } else {
        let mut conn = sqlx::PgConnection::connect(&desk.url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    }
}

on_both_engines! {
    async fn the_audit_log_is_searched_by_person_deed_thing_and_time(desk) {
        for (minute, actor, action, object, detail) in [
            (0, "ann", "case.note", "case:7", ""),
            (1, "bob", "case.resolve", "case:7", "10%"),
            (2, "ann", "recording.read", "conversation:c_1", ""),
        ] {
            desk.store.audit(at(minute), actor, action, object, detail).await.unwrap();
        }
        let all = || AuditFilter { before: i64::MAX, limit: 9, ..AuditFilter::default() };
        let text = |text: &str| Some(text.to_owned());
        let found = async |filter: AuditFilter| -> Vec<i64> {
            desk.store.audit_find(&filter).await.unwrap().iter().map(|row| row.position).collect()
        };
        assert_eq!(found(all()).await, [3, 2, 1]);
        assert_eq!(found(AuditFilter { actor: text("ann"), ..all() }).await, [3, 1]);
        assert_eq!(found(AuditFilter { action: text("case."), ..all() }).await, [2, 1]);
        assert_eq!(found(AuditFilter { about: text("10%"), ..all() }).await, [2]);
        assert_eq!(found(AuditFilter { about: text("c_1"), ..all() }).await, [3]);
        assert_eq!(found(AuditFilter { about: text("%"), actor: text("ann"), ..all() }).await, [0_i64; 0]);
        assert_eq!(found(AuditFilter { from: Some(at(1)), to: Some(at(2)), ..all() }).await, [2]);
        assert_eq!(found(AuditFilter { before: 3, limit: 1, ..all() }).await, [2]);
    }

    async fn users_are_added_found_and_changed(desk) {
        let mut ann = user("Ann", "agent");
        desk.store.add_user(&ann).await.unwrap();
        let twice = desk.store.add_user(&ann).await;
        assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
        assert_eq!(desk.store.user_by_login("aNN").await.unwrap().unwrap().id, ann.id);
        assert_eq!(desk.store.user_by_login("nobody").await.unwrap(), None);
        ann.role = "supervisor".into();
        desk.store.change_user(&ann).await.unwrap();
        desk.store.set_password(&ann.id, "other").await.unwrap();
        let row = desk.store.user(&ann.id).await.unwrap().unwrap();
        assert_eq!((row.role.as_str(), row.password_hash.as_deref(), row.login.as_str()), ("supervisor", Some("other"), "ann"));
        assert_eq!(desk.store.users().await.unwrap().len(), 1);
        assert!(matches!(desk.store.change_user(&user("none", "agent")).await, Err(StoreError::Missing(_))));
        assert!(matches!(desk.store.set_password(&"none".into(), "x").await, Err(StoreError::Missing(_))));
    }

    async fn a_session_lives_until_it_ends_or_its_user_is_gone(desk) {
        desk.user("ann", "agent").await;
        for token in ["t1", "t2", "t3"] {
            desk.store.begin_session(&session(token, "ann")).await.unwrap();
        }
        let (found, who) = desk.store.session("t1", at(59)).await.unwrap().unwrap();
        assert_eq!((found.csrf.as_str(), who.login.as_str()), ("csrf", "ann"));
        assert_eq!(desk.store.session("t1", at(60)).await.unwrap(), None);
        assert_eq!(desk.store.session("wrong", at(1)).await.unwrap(), None);
        desk.store.extend_session("t1", at(30), at(90)).await.unwrap();
        assert!(desk.store.session("t1", at(80)).await.unwrap().is_some());
        desk.store.extend_session("t2", at(61), at(90)).await.unwrap();
        assert_eq!(desk.store.session("t2", at(80)).await.unwrap(), None);
        desk.store.end_session("t3").await.unwrap();
        assert_eq!(desk.store.session("t3", at(1)).await.unwrap(), None);
        assert_eq!(desk.store.forget_ended_sessions(at(70)).await.unwrap(), 1);
        let mut gone = user("ann", "agent");
        gone.active = false;
        desk.store.change_user(&gone).await.unwrap();
        assert_eq!(desk.store.session("t1", at(80)).await.unwrap(), None);
    }

    async fn a_new_password_ends_every_session(desk) {
        desk.user("ann", "agent").await;
        desk.store.begin_session(&session("t1", "ann")).await.unwrap();
        desk.store.set_password(&"ann".into(), "new").await.unwrap();
        assert_eq!(desk.store.session("t1", at(1)).await.unwrap(), None);
    }

    async fn the_audit_log_shows_a_changed_and_a_missing_row(desk) {
        assert_eq!(desk.store.verify_audit().await.unwrap(), AuditState::Whole { rows: 0, last_hash: String::new() });
        for number in 0..5 {
            let position = desk.store.audit(at(number), "ann", "recording.read", "recording:a.wav", "").await.unwrap();
            assert_eq!(position, number + 1);
        }
        assert!(matches!(desk.store.verify_audit().await.unwrap(), AuditState::Whole { rows: 5, .. }));
        let newest = desk.store.audit_before(i64::MAX, 2).await.unwrap();
        assert_eq!(newest.iter().map(|row| row.position).collect::<Vec<_>>(), [5, 4]);
        tamper(&desk, "UPDATE audit SET actor = 'eve' WHERE position = 3").await;
        assert_eq!(desk.store.verify_audit().await.unwrap(), AuditState::BrokenAt { position: 3, why: "it was changed" });
        tamper(&desk, "DELETE FROM audit WHERE position = 3").await;
        assert_eq!(desk.store.verify_audit().await.unwrap(), AuditState::BrokenAt { position: 4, why: "a row before it is gone" });
    }

    async fn many_who_write_the_audit_log_at_once_make_one_chain(desk) {
        let mut writers = tokio::task::JoinSet::new();
        for number in 0..50 {
            let store = desk.store.clone();
            writers.spawn(async move { store.audit(at(number), "ann", "case.read", "case:1", "").await.unwrap() });
        }
        while let Some(done) = writers.join_next().await {
            done.unwrap();
        }
        assert!(matches!(desk.store.verify_audit().await.unwrap(), AuditState::Whole { rows: 50, .. }));
    }

    async fn a_setting_is_made_and_made_anew(desk) {
        assert_eq!(desk.store.setting::<Vec<String>>("teams").await.unwrap(), None);
        desk.store.set("teams", &vec!["a"], at(0)).await.unwrap();
        desk.store.set("teams", &vec!["a", "b"], at(1)).await.unwrap();
        assert_eq!(desk.store.setting::<Vec<String>>("teams").await.unwrap(), Some(vec!["a".into(), "b".into()]));
    }
}
