//! The queue of recordings: every one is taken by one worker, none twice, none lost.

use gradus::store::{NewRecording, QueuedRecording};
use gradus_engine::time::Timestamp;

use super::desk::{Desk, at, on_both_engines};

const LONG_AGO: Timestamp = Timestamp::from_millis(0);

fn new(id: &str, version: &str, priority: i64) -> NewRecording {
    NewRecording {
        id: id.into(),
        source: "/calls".into(),
        place: format!("{id}.wav"),
        version: version.into(),
        size_bytes: 1_000,
        about: "{}".into(),
        priority,
    }
}

async fn claims(desk: &Desk, minute: i64) -> Option<QueuedRecording> {
    desk.store.claim_recording(at(minute), at(minute + 1)).await.unwrap()
}

fn seen(rows: &[QueuedRecording]) -> Vec<(&str, &str)> {
    rows.iter().map(|row| (row.id.as_str(), row.state.as_str())).collect()
}

on_both_engines! {
    async fn the_same_version_of_a_file_is_queued_once_and_another_one_anew(desk) {
        assert!(desk.store.queue_recording(&new("a", "1", 0), at(0)).await.unwrap());
        assert!(!desk.store.queue_recording(&new("a", "1", 0), at(1)).await.unwrap());
        assert_eq!(claims(&desk, 2).await.unwrap().attempts, 1);
        assert!(!desk.store.queue_recording(&new("a", "2", 0), at(2)).await.unwrap(), "it is worked on");
        let talk = desk.call("talk").await;
        desk.store.recording_done("a", Some(&talk), at(3)).await.unwrap();
        let row = desk.store.queued_recording("a").await.unwrap().unwrap();
        assert_eq!((row.state.as_str(), row.progress, row.conversation_id), ("done", 1_000, Some(talk)));
        assert_eq!((row.about.as_str(), row.ended_at_ms), ("", Some(at(3).millis())));
        assert!(!desk.store.queue_recording(&new("a", "1", 0), at(4)).await.unwrap());
        assert!(desk.store.queue_recording(&new("a", "2", 7), at(5)).await.unwrap());
        let row = desk.store.queued_recording("a").await.unwrap().unwrap();
        assert_eq!((row.state.as_str(), row.attempts, row.priority, row.conversation_id), ("waiting", 0, 7, None));
        assert_eq!(desk.store.queued_recording("нет").await.unwrap(), None);
    }

    async fn workers_take_by_priority_then_by_age_and_nothing_twice(desk) {
        for (minute, (id, priority)) in (0..).zip([("old", 0), ("upload", 5), ("young", 0), ("night", -3)]) {
            desk.store.queue_recording(&new(id, "1", priority), at(minute)).await.unwrap();
        }
        assert!(!desk.store.recording_is_due(at(-1)).await.unwrap() && desk.store.recording_is_due(at(9)).await.unwrap());
        let mut taken = Vec::new();
        while let Some(row) = claims(&desk, 9).await {
            taken.push(row.id);
        }
        assert_eq!(taken, ["upload", "old", "young", "night"]);
        assert!(!desk.store.recording_is_due(at(9)).await.unwrap());

        desk.store.release_recording("young").await.unwrap();
        let row = claims(&desk, 9).await.unwrap();
        assert_eq!((row.id.as_str(), row.attempts), ("young", 1), "given back is no attempt");
    }

    async fn at_once_many_workers_share_the_queue(desk) {
        for number in 0..12 {
            desk.store.queue_recording(&new(&format!("r{number}"), "1", 0), at(number)).await.unwrap();
        }
        let takes = async |_: usize| {
            let mut mine = Vec::new();
            while let Some(row) = claims(&desk, 60).await {
                mine.push(row.id);
            }
            mine
        };
        let all = tokio::join!(takes(0), takes(1), takes(2), takes(3));
        let mut all = [all.0, all.1, all.2, all.3].concat();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 12, "{all:?}");
        assert_eq!(desk.store.queue_shares(LONG_AGO).await.unwrap()[0].count, 12);
    }

    async fn a_worker_that_says_nothing_any_more_loses_its_recording(desk) {
        desk.store.queue_recording(&new("a", "1", 0), at(0)).await.unwrap();
        claims(&desk, 0).await.unwrap();
        desk.store.recording_goes_on("a", 400, at(5)).await.unwrap();
        let shares = desk.store.queue_shares(LONG_AGO).await.unwrap();
        assert_eq!((shares[0].state.as_str(), shares[0].size_bytes, shares[0].left_bytes), ("working", 1_000, 600));
        assert_eq!(claims(&desk, 4).await, None);
        let again = claims(&desk, 5).await.unwrap();
        assert_eq!((again.attempts, again.progress), (2, 0));
    }

    async fn what_failed_waits_is_given_up_and_is_tried_again_by_hand(desk) {
        for id in ["a", "b"] {
            desk.store.queue_recording(&new(id, "1", 0), at(0)).await.unwrap();
            claims(&desk, 0).await.unwrap();
        }
        desk.store.recording_failed("a", "no\0 sound", Some(at(10)), at(1)).await.unwrap();
        desk.store.recording_failed("b", "broken", None, at(2)).await.unwrap();
        let rows = desk.store.queued_recordings(LONG_AGO, 10).await.unwrap();
        assert_eq!(seen(&rows), [("b", "failed"), ("a", "waiting")]);
        assert_eq!((rows[1].reason.as_deref(), rows[1].due_ms), (Some("no\u{fffd} sound"), at(10).millis()));
        assert_eq!(claims(&desk, 9).await, None);
        assert!(desk.store.recording_again("a", at(9)).await.unwrap());
        assert_eq!(claims(&desk, 9).await.map(|row| (row.id, row.attempts)), Some(("a".into(), 1)));
        assert!(!desk.store.recording_again("a", at(9)).await.unwrap(), "it is worked on");
        assert_eq!(desk.store.recordings_again(at(10)).await.unwrap(), 1);
        assert_eq!(claims(&desk, 10).await.map(|row| row.id).as_deref(), Some("a"), "its worker died");
        assert_eq!(claims(&desk, 10).await.map(|row| row.id).as_deref(), Some("b"));
    }

    async fn what_is_given_up_is_not_taken_and_only_what_waits_changes_its_priority(desk) {
        for id in ["a", "b"] {
            desk.store.queue_recording(&new(id, "1", 0), at(0)).await.unwrap();
        }
        assert!(desk.store.recording_priority("b", 10).await.unwrap());
        assert!(desk.store.recording_dropped("a", at(1)).await.unwrap());
        assert!(!desk.store.recording_dropped("a", at(1)).await.unwrap());
        assert!(!desk.store.recording_priority("a", 10).await.unwrap());
        assert!(!desk.store.queue_recording(&new("a", "1", 0), at(2)).await.unwrap(), "the same file stays given up");
        assert_eq!(seen(&desk.store.recordings_in("dropped", 5).await.unwrap()), [("a", "dropped")]);
        assert_eq!(seen(&desk.store.recordings_in("waiting", 5).await.unwrap()), [("b", "waiting")]);
        assert_eq!(seen(&desk.store.queued_recordings(at(1), 5).await.unwrap()), [("b", "waiting")], "over long ago");
    }

    async fn the_pace_is_that_of_the_latest_that_are_done(desk) {
        assert_eq!(desk.store.queue_pace(5).await.unwrap(), (0, 0));
        for (number, id) in (0..).zip(["a", "b", "c"]) {
            desk.store.queue_recording(&new(id, "1", 0), at(0)).await.unwrap();
            claims(&desk, number).await.unwrap();
            desk.store.recording_done(id, None, at(number + 1)).await.unwrap();
        }
        assert_eq!(desk.store.queue_pace(2).await.unwrap(), (2_000, 120_000));
    }
}
