//! The log and the writer: order, repeats, atomicity, restarts.

use gradus::store::{Batch, Change, StoreError};

use super::desk::{Desk, MORNING, at, call, event, on_both_engines, said};
use gradus_engine::signal::Party;

on_both_engines! {
    async fn events_get_places_without_gaps_in_the_order_of_commit(desk) {
        let first = desk.store.commit(Batch::new().event(event("a", None, "x")).event(event("b", None, "x"))).await.unwrap();
        let second = desk.store.commit(Batch::new().event(event("a", None, "y"))).await.unwrap();
        assert_eq!((first.positions, first.sequences), (vec![1, 2], vec![0, 0]));
        assert_eq!((second.positions, second.sequences), (vec![3], vec![1]));
        let all = desk.store.events_after(0, 10).await.unwrap();
        assert_eq!(all.iter().map(|event| event.position).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(all[2].body, "{\"kind\":\"y\"}");
        assert_eq!(all[2].recorded_ms, MORNING);
        assert_eq!(desk.store.next_sequence("conversation:a").await.unwrap(), 2);
        assert_eq!(desk.store.next_sequence("conversation:none").await.unwrap(), 0);
        assert_eq!(desk.store.last_position().await.unwrap(), 3);
        assert_eq!(*desk.store.committed().borrow(), 3);
        let of_a = desk.store.events_of("conversation:a", 1, 10).await.unwrap();
        assert_eq!(of_a.len(), 1);
        assert_eq!(of_a[0].kind, "y");
        desk.store.ping().await.unwrap();
    }

    async fn the_same_event_a_thousand_times_is_one_event(desk) {
        let batch = || Batch::new().event(event("a", Some(0), "x"));
        let first = desk.store.commit(batch()).await.unwrap();
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..1000 {
            let store = desk.store.clone();
            let batch = batch();
            callers.spawn(async move { store.commit(batch).await.unwrap() });
        }
        while let Some(answer) = callers.join_next().await {
            let answer = answer.unwrap();
            assert_eq!(answer.positions, first.positions);
            assert!(answer.repeated);
        }
        assert_eq!(desk.store.last_position().await.unwrap(), 1);
    }

    async fn a_batch_with_a_key_is_done_once_even_after_a_restart(desk) {
        let batch = || Batch::new().key("upload-7").event(event("a", None, "x")).change(call("a"));
        let first = desk.store.commit(batch()).await.unwrap();
        desk.reopen().await;
        let again = desk.store.commit(batch()).await.unwrap();
        assert!(again.repeated && !first.repeated);
        assert_eq!(again.positions, first.positions);
        assert_eq!(desk.store.last_position().await.unwrap(), 1);
        assert_eq!(desk.store.forget_batch_keys(at(1)).await.unwrap(), 1);
        assert!(!desk.store.commit(batch()).await.unwrap().repeated);
    }

    async fn keyed_batches_of_many_callers_are_each_done_once(desk) {
        let mut callers = tokio::task::JoinSet::new();
        for number in 0..200 {
            let store = desk.store.clone();
            let batch = Batch::new().key(format!("key-{}", number % 50)).event(event("a", None, "x"));
            callers.spawn(async move { store.commit(batch).await.unwrap() });
        }
        let mut fresh = 0;
        while let Some(answer) = callers.join_next().await {
            fresh += i32::from(!answer.unwrap().repeated);
        }
        assert_eq!(fresh, 50);
        assert_eq!(desk.store.next_sequence("conversation:a").await.unwrap(), 50);
    }

    async fn a_number_taken_by_another_event_is_a_conflict(desk) {
        desk.commit(Batch::new().event(event("a", Some(0), "x"))).await;
        let other = desk.store.commit(Batch::new().event(event("a", Some(0), "y"))).await;
        assert!(matches!(other, Err(StoreError::Conflict(_))), "{other:?}");
        let part = Batch::new().event(event("a", Some(0), "x")).event(event("a", Some(1), "x"));
        let part = desk.store.commit(part).await;
        assert!(matches!(part, Err(StoreError::Conflict(_))), "{part:?}");
        assert_eq!(desk.store.last_position().await.unwrap(), 1);
    }

    async fn a_batch_at_fault_takes_no_other_with_it_and_leaves_nothing(desk) {
        let mut callers = tokio::task::JoinSet::new();
        for number in 0..300_i64 {
            let store = desk.store.clone();
            callers.spawn(async move {
                let id = format!("c{number}");
                let mut batch = Batch::new().event(event(&id, Some(0), "started")).change(call(&id));
                if number % 10 == 3 {
                    // Says something in a conversation that nobody knows.
                    batch = batch.change(said("nobody", 0, Party::Customer, "алло"));
                }
                (number, store.commit(batch).await)
            });
        }
        while let Some(answer) = callers.join_next().await {
            let (number, answer) = answer.unwrap();
            match answer {
                Err(StoreError::Missing(_)) => assert_eq!(number % 10, 3),
                Ok(_) => assert_ne!(number % 10, 3),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(desk.store.last_position().await.unwrap(), 270);
        assert_eq!(desk.store.board(None, 1000).await.unwrap().len(), 270);
    }

    async fn what_was_committed_is_there_after_a_restart(desk) {
        desk.commit(Batch::new().event(event("a", None, "x")).change(call("a"))).await;
        desk.reopen().await;
        assert_eq!(desk.store.last_position().await.unwrap(), 1);
        assert!(desk.store.conversation(&"a".into()).await.unwrap().is_some());
    }

    async fn a_closed_store_says_so(desk) {
        let store = desk.store.clone();
        desk.reopen().await;
        assert_eq!(store.commit(Batch::new().event(event("a", None, "x"))).await, Err(StoreError::Closed));
        assert_eq!(store.last_position().await, Err(StoreError::Closed));
    }

    async fn what_the_queue_holds_when_the_store_closes_is_written_first(desk) {
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..500 {
            let store = desk.store.clone();
            callers.spawn(async move { store.commit(Batch::new().event(event("a", None, "x"))).await });
        }
        tokio::task::yield_now().await;
        desk.reopen().await;
        let mut done = 0;
        while let Some(answer) = callers.join_next().await {
            match answer.unwrap() {
                Ok(_) => done += 1,
                Err(error) => assert_eq!(error, StoreError::Closed),
            }
        }
        assert_eq!(desk.store.last_position().await.unwrap(), done);
    }

    async fn odd_characters_survive(desk) {
        let text = "нуль \0, кавычки \" ' \\ \\u0000, \u{202e}наоборот, 😀, \u{feff}";
        desk.commit(Batch::new().change(call("a")).change(said("a", 0, Party::Customer, text))).await;
        let mut odd = event("a", None, "x");
        odd.body = serde_json::json!({ "text": text }).to_string();
        desk.commit(Batch::new().event(odd.clone())).await;
        let stored = desk.store.utterances(&"a".into()).await.unwrap();
        assert_eq!(stored[0].text.as_deref(), Some(text.replace('\0', "\u{fffd}").as_str()));
        assert_eq!(desk.store.events_after(0, 1).await.unwrap()[0].body, odd.body);
    }

    async fn changes_without_events_are_committed_too(desk) {
        let receipt = desk.store.commit(Batch::new().change(Change::from(call("a")))).await.unwrap();
        assert!(receipt.positions.is_empty());
        assert!(desk.store.conversation(&"a".into()).await.unwrap().is_some());
    }
}
