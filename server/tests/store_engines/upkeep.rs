//! Imports, weekly figures, forgetting, rebuilding, recordings, measuring.

use bytes::Bytes;
use gradus::store::{
    AppendLoad, Batch, Change, CustomerId, ImportState, Recordings, Store, StoreError, Verdict, bench_append,
};
use gradus_engine::signal::{Party, SignalKind};

use super::cases::resolution;
use super::conversations::{decision, progress, signal};
use super::customers::facts;
use super::desk::{Desk, at, call, case, event, on_both_engines, said};

const SECRET: &str = "Синхрофазотронов";

/// A customer with a call, a case and a recording.
async fn with_customer(desk: &Desk) -> CustomerId {
    desk.user("boss", "supervisor").await;
    let id =
        desk.store.know_customer(&facts(SECRET, "89161234567", "x@y.ru"), "n1".into(), at(0)).await.unwrap();
    let mut conversation = call("a");
    conversation.customer_id = Some(id.clone());
    conversation.recording_key = Some("a.wav".into());
    conversation.source = Some(format!("{SECRET}.wav"));
    conversation.parties = vec![gradus::store::NewParty {
        role: "customer".into(),
        name: Some(SECRET.into()),
        ..Default::default()
    }];
    let mut opened = case("k1", "a");
    opened.customer_id = Some(id.clone());
    opened.subject = Some(gradus::mask::MaskedText::of(SECRET));
    desk.commit(
        Batch::new()
            .event(event("a", Some(0), "utterance"))
            .change(conversation)
            .change(said("a", 0, Party::Customer, &format!("моя фамилия {SECRET}")))
            .change(signal("a", 0, SignalKind::Urgency, (4, 11)))
            .change(opened),
    )
    .await;
    id
}

/// What an event means here: one signal and the progress of its conversation.
fn read_off(conversation: &str) -> Vec<Change> {
    vec![signal(conversation, 0, SignalKind::Urgency, (4, 11)).into(), progress(conversation, 33).into()]
}

on_both_engines! {
    async fn the_same_file_is_imported_once_and_an_interrupted_one_again(desk) {
        assert_eq!(desk.store.begin_import("sha", "a.wav", at(0)).await.unwrap(), None);
        // The program died here.
        assert_eq!(desk.store.begin_import("sha", "b.wav", at(1)).await.unwrap(), None);
        desk.commit(Batch::new().change(call("a")).change(Change::FinishImport {
            sha256: "sha".into(),
            conversation: "a".into(),
            at: at(2),
        })).await;
        let done = desk.store.begin_import("sha", "c.wav", at(3)).await.unwrap().unwrap();
        assert_eq!((done.state, done.conversation_id.unwrap().as_str()), (ImportState::Done, "a"));
        assert_eq!(done.source, "a.wav");
        desk.store.fail_import("sha", "late", at(4)).await.unwrap();
        assert_eq!(desk.store.import("sha").await.unwrap().unwrap().state, ImportState::Done);
        desk.store.begin_import("bad", "x.wav", at(5)).await.unwrap();
        desk.store.fail_import("bad", "truncated", at(6)).await.unwrap();
        assert_eq!(desk.store.import("bad").await.unwrap().unwrap().error.as_deref(), Some("truncated"));
        assert_eq!(desk.store.begin_import("bad", "x.wav", at(7)).await.unwrap(), None);
        assert_eq!(desk.store.import("none").await.unwrap(), None);
    }

    async fn two_conversations_cannot_come_from_one_file(desk) {
        let mut first = call("a");
        first.source_sha256 = Some("sha".into());
        let mut second = call("b");
        second.source_sha256 = Some("sha".into());
        desk.commit(Batch::new().change(first)).await;
        let answer = desk.store.commit(Batch::new().change(second)).await;
        assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}");
    }

    async fn the_week_is_counted_by_reason_decision_agent_and_cost(desk) {
        desk.user("boss", "supervisor").await;
        for (number, reason) in [(0, "legal"), (1, "legal"), (2, "reputation")] {
            let id = format!("c{number}");
            let mut conversation = call(&id);
            conversation.agent_name = Some(if number == 2 { "Анна" } else { "Олег" }.into());
            desk.commit(Batch::new().change(conversation).change(decision(&format!("d{number}"), &id, "engage_now", reason))).await;
            desk.case(&format!("k{number}"), &id).await;
        }
        desk.call("quiet").await;
        desk.commit(Batch::new().change(decision("d9", "quiet", "coach", "tone"))).await;
        for (id, cost) in [("k0", "0.10"), ("k1", "0.20")] {
            desk.commit(Batch::new().change(Change::Resolve { id: id.into(), resolution: resolution(cost) })).await;
        }
        let week = desk.store.weekly(None, at(0), at(7 * 24 * 60)).await.unwrap();
        assert_eq!((week.conversations, week.escalated, week.opened, week.closed, week.left_open), (4, 3, 3, 2, 1));
        assert_eq!(week.by_decision, [("engage_now".into(), 3), ("coach".into(), 1)]);
        assert_eq!(week.by_reason, [("legal".into(), 2), ("reputation".into(), 1)]);
        assert_eq!(week.by_agent, [("Олег".into(), 2), ("Анна".into(), 1)]);
        assert_eq!(week.by_resolution, [("delivery".into(), 2)]);
        assert_eq!(week.cost["RUB"].to_string(), "0.3");
        let other = desk.store.weekly(Some("other"), at(0), at(7 * 24 * 60)).await.unwrap();
        assert_eq!((other.conversations, other.by_decision.len(), other.cost.len()), (0, 0, 0));
        let before = desk.store.weekly(None, at(-100), at(0)).await.unwrap();
        assert_eq!(before, gradus::store::Weekly::default());
    }

    async fn an_erased_customer_is_nowhere_and_the_log_stays(desk) {
        let id = with_customer(&desk).await;
        let erased = desk.store.erase_customer(&id, at(9)).await.unwrap();
        assert_eq!((erased.conversations, erased.recordings), (1, vec!["a.wav".to_owned()]));
        let page = desk.store.conversation_page(&"a".into()).await.unwrap().unwrap();
        assert_eq!((page.utterances[0].text.as_deref(), page.signals[0].quote.as_deref()), (None, None));
        assert_eq!((page.conversation.customer_name, page.conversation.source), (None, None));
        assert_eq!(page.parties[0].name, None);
        assert_eq!(desk.store.case(&"k1".into()).await.unwrap().unwrap().subject, None);
        assert_eq!(desk.store.customer_by_tel("89161234567").await.unwrap(), None);
        assert!(desk.store.search_customers("", 9).await.unwrap().is_empty());
        assert_eq!(desk.store.customer(&id).await.unwrap().unwrap().erased_at_ms, Some(at(9).millis()));
        assert_eq!(desk.store.last_position().await.unwrap(), 1);
        assert_eq!(desk.store.erase_customer(&id, at(10)).await.unwrap().recordings, Vec::<String>::new());
        assert!(matches!(desk.store.erase_customer(&"none".into(), at(9)).await, Err(StoreError::Missing(_))));
        if desk.url.starts_with("sqlite") {
            desk.store.close().await;
            for file in std::fs::read_dir(desk.folder.path()).unwrap() {
                let bytes = std::fs::read(file.unwrap().path()).unwrap();
                let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
                assert!(!found, "the name is still in a file of the database");
            }
        }
    }

    async fn words_are_forgotten_when_their_time_is_over(desk) {
        with_customer(&desk).await;
        assert_eq!(desk.store.forget_words_before(at(100), 10).await.unwrap().conversations, 0);
        desk.commit(Batch::new().change(Change::EndConversation { id: "a".into(), at: at(5) })).await;
        assert_eq!(desk.store.forget_words_before(at(5), 10).await.unwrap().conversations, 0);
        assert_eq!(desk.store.words_due_before(at(5)).await.unwrap(), 0);
        assert_eq!(desk.store.words_due_before(at(6)).await.unwrap(), 1);
        assert_eq!(desk.store.recordings_due_before(at(6), 10).await.unwrap(), ["a.wav"]);
        let erased = desk.store.forget_words_before(at(6), 10).await.unwrap();
        assert_eq!((erased.conversations, erased.recordings.len()), (1, 1));
        assert_eq!(desk.store.utterances(&"a".into()).await.unwrap()[0].text, None);
        assert_eq!(desk.store.forget_words_before(at(6), 10).await.unwrap().conversations, 0);
    }

    async fn a_rebuild_reads_everything_off_the_log_again_and_keeps_words_and_verdicts(desk) {
        with_customer(&desk).await;
        desk.commit(Batch::new().change(signal("a", 0, SignalKind::Insult, (0, 3))).change(progress("a", 99))).await;
        desk.commit(Batch::new().changes_of(read_off("a"))).await;
        desk.store.judge_signal(&"a".into(), (0, 0), Some(Verdict::Right), &"boss".into(), at(9)).await.unwrap();
        let events = desk.store.rebuild(|event| {
            assert_eq!(event.kind, "utterance");
            Ok(read_off("a"))
        }).await.unwrap();
        assert_eq!(events, 1);
        let page = desk.store.conversation_page(&"a".into()).await.unwrap().unwrap();
        assert_eq!(page.signals.len(), 1);
        assert_eq!((page.signals[0].kind.as_str(), page.signals[0].verdict.as_deref()), ("urgency", Some("right")));
        assert_eq!(page.conversation.heat_last, 33);
        assert!(page.utterances[0].text.is_some());
        assert!(desk.store.case(&"k1".into()).await.unwrap().is_some());
    }

    async fn a_rebuild_that_fails_changes_nothing(desk) {
        with_customer(&desk).await;
        let failed = desk.store.rebuild(|_| Err(StoreError::Refused("unreadable".into()))).await;
        assert_eq!(failed, Err(StoreError::Refused("unreadable".into())));
        assert_eq!(desk.store.signals(&"a".into()).await.unwrap().len(), 1);
        desk.commit(Batch::new().event(event("a", None, "x"))).await;
    }

    async fn appends_are_measured_against_a_bare_loop(desk) {
        let load = AppendLoad { events: 400, producers: 20, per_call: 2, rounds: 1 };
        let figures = bench_append(&desk.store, desk.folder.path(), load).await.unwrap();
        assert_eq!(figures.store.len(), 1);
        assert!(figures.ratio > 0.0 && figures.store[0].per_second > 0.0 && figures.store[0].group >= 2.0);
        assert_eq!(desk.store.last_position().await.unwrap(), 400);
    }
}

#[tokio::test]
async fn a_recording_is_put_read_in_parts_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let recordings = Recordings::in_folder(&folder.path().join("sound")).unwrap();
    recordings.put("2026/11/a.wav", Bytes::from_static(b"RIFF0123456789")).await.unwrap();
    assert_eq!(recordings.size_bytes("2026/11/a.wav").await.unwrap(), Some(14));
    assert_eq!(recordings.range("2026/11/a.wav", 4..8).await.unwrap().unwrap(), "0123");
    recordings.put("2026/11/a.wav", Bytes::from_static(b"new")).await.unwrap();
    assert_eq!(recordings.get("2026/11/a.wav").await.unwrap().unwrap(), "new");
    recordings.delete("2026/11/a.wav").await.unwrap();
    recordings.delete("2026/11/a.wav").await.unwrap();
    assert_eq!(recordings.get("2026/11/a.wav").await.unwrap(), None);
    assert_eq!(recordings.range("2026/11/a.wav", 0..1).await.unwrap(), None);
    assert_eq!(recordings.size_bytes("2026/11/a.wav").await.unwrap(), None);
    for key in ["", "../a", "a/../b", "/a", "a//b", "а.wav", "a\0b", &"a".repeat(600)] {
        let answer = recordings.get(key).await;
        assert!(matches!(answer, Err(StoreError::Refused(_))), "{key:?}: {answer:?}");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_opened_is_named_with_the_cure() {
    let clock = std::sync::Arc::new(gradus::clock::SystemClock);
    let open = async |url: &str| match Store::open(url, clock.clone()).await {
        Ok(_) => panic!("{url} was opened"),
        Err(error) => error.to_string(),
    };
    assert!(open("sqlite:/no/such/folder/x.db").await.contains("the folder /no/such/folder does not exist"));
    assert!(open("sqlite::memory:").await.contains("give a file"));
    assert!(open("mysql://x").await.contains("write sqlite:PATH or postgres://"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.db");
    std::fs::write(&path, "this is no database at all, only a text".repeat(100)).unwrap();
    assert!(open(&format!("sqlite:{}", path.display())).await.contains("is it a database of Gradus"));
    let refused = open("postgres://ann:secret@127.0.0.1:1/x").await;
    assert!(refused.contains("postgres://ann:…@127.0.0.1:1/x") && !refused.contains("secret"), "{refused}");
}
