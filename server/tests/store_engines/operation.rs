//! What keeps a store alive over the years: rebuilding, backing up, restoring.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use gradus::backup::{Archive, Folders, Manifest, back_up, restore};
use gradus::config::Config;
use gradus::desk::Desk as Shared;
use gradus::pipeline::{Pipeline, ReadOff, Spoken};
use gradus::protocols::ProtocolKeeper;
use gradus::rules::reload::RuleKeeper;
use gradus::store::{
    Applied, ConversationId, ConversationStatus, Hold, NewConversation, Recordings, Store, StoreError,
    Verdict,
};
use gradus_engine::case::{Action, Cost, CostKind, Resolution};
use gradus_engine::decision::Reason;
use gradus_engine::event::{CustomerFacts, Heard};
use gradus_engine::signal::{Channel, Party, SignalKind};
use indicatif::ProgressBar;

use super::desk::{Desk, at, on_both_engines};

fn said(index: u32, party: Party, text: &str, minute: i64) -> Spoken {
    Spoken {
        index,
        party,
        speaker: Some(0),
        start_ms: Some(u64::from(index) * 4_000),
        end_ms: Some(u64::from(index) * 4_000 + 3_000),
        at: at(minute),
        text: text.to_owned(),
        judged: text.to_owned(),
        utc_offset_s: 3 * 3600,
    }
}

fn resolution(decision: &str) -> Resolution {
    Resolution {
        reason: Reason::Legal,
        decision: decision.to_owned(),
        costs: vec![Cost {
            kind: CostKind::Refund,
            amount: "1500.50".parse().unwrap(),
            currency: "RUB".to_owned(),
        }],
        conclusion: "обещать только то, что видно в системе".to_owned(),
    }
}

/// A store in which calls went badly, people acted, notes and verdicts were written.
async fn filled(desk: &Desk) {
    desk.user("boss", "supervisor").await;
    let store = Arc::new(desk.store.clone());
    let ear = Arc::new(gradus::ears::ear(None).unwrap());
    let protocol = Arc::new(gradus::ears::protocol(None).unwrap());
    let pipeline = Arc::new(Pipeline::new(Arc::clone(&store), ear, protocol));
    let recordings = Arc::new(Recordings::in_folder(&desk.folder.path().join("recordings")).unwrap());
    recordings.put("call-1.wav", Bytes::from_static(b"RIFF....WAVE")).await.unwrap();
    let inbox = desk.folder.path().join("recordings.inbox");
    std::fs::create_dir_all(&inbox).unwrap();
    std::fs::write(inbox.join("абв-звонок.wav"), "not recognised yet").unwrap();
    let lines = [
        (Party::Customer, "я уже третий раз звоню, заказ так и не привезли"),
        (Party::Agent, "перезвоню вам завтра до шести"),
        (Party::Customer, "вы там все идиоты, я подам на вас в суд!!!"),
        (Party::Customer, "позовите руководителя"),
        (Party::Agent, "успокойтесь, ничем не могу помочь"),
    ];
    for number in 0..3 {
        let id = ConversationId(format!("talk-{number}"));
        let mut new = NewConversation::new(id.clone(), Channel::Call, ConversationStatus::Live, at(number));
        new.team = Some("team".into());
        new.recording_key = (number == 1).then(|| "call-1.wav".to_owned());
        let facts = CustomerFacts { revenue_rank: Some(3), ..CustomerFacts::default() };
        pipeline.start(new, facts).await.unwrap();
        for (index, (party, text)) in (0..).zip(lines) {
            let heard = Heard {
                utterance: 2,
                kind: SignalKind::Shouting,
                confidence: 90,
                measured: "+9 дБ".to_owned(),
            };
            pipeline
                .say(&id, &[said(index, party, text, number + i64::from(index))], &[heard])
                .await
                .unwrap();
        }
    }
    let id = ConversationId("talk-0".to_owned());
    pipeline.tick(&id, at(30)).await.unwrap();
    let boss = "boss".into();
    let act = async |action: Action, minute: i64| {
        pipeline.act(&id, &boss, action, at(minute)).await.unwrap();
    };
    act(Action::Acknowledge, 31).await;
    act(Action::TakeOver, 32).await;
    let shared = Shared {
        store: Arc::clone(&store),
        pipeline: Arc::clone(&pipeline),
        rules: Arc::new(RuleKeeper::new(None, Arc::clone(&pipeline), Arc::new(desk.clock.clone()))),
        protocols: Arc::new(ProtocolKeeper::new(Arc::clone(&store), Arc::clone(&pipeline))),
        recordings,
        clock: Arc::new(desk.clock.clone()),
        config: Arc::new(Config::from(None, std::iter::empty()).unwrap()),
    };
    let case = store.open_case_of(&id).await.unwrap().unwrap();
    shared.note(&case, &boss, "клиент просил звонить после шести").await.unwrap();
    act(Action::Resolve { resolution: resolution("вернули деньги") }, 40).await;
    act(Action::Reopen, 50).await;
    act(Action::Resolve { resolution: resolution("вернули деньги и извинились") }, 60).await;
    pipeline.end(&id, at(61)).await.unwrap();
    pipeline.tick(&"talk-1".into(), at(90)).await.unwrap();
    store.judge_signal(&id, (2, 0), Some(Verdict::Right), &boss, at(45)).await.unwrap();
    store.set("desk", &vec![1, 2], at(1)).await.unwrap();
}

/// All rows, by table; flags as numbers, since the engines write them differently.
async fn rows(store: &Store) -> BTreeMap<String, Vec<String>> {
    let mut snapshot = store.snapshot().await.unwrap();
    let mut all = BTreeMap::new();
    for table in snapshot.tables().to_vec() {
        let mut lines = Vec::new();
        let take = |chunk: Vec<u8>, _| {
            for line in String::from_utf8(chunk).unwrap().lines() {
                let mut row: Vec<serde_json::Value> = serde_json::from_str(line).unwrap();
                for value in &mut row {
                    if let Some(flag) = value.as_bool() {
                        *value = i64::from(flag).into();
                    }
                }
                lines.push(serde_json::to_string(&row).unwrap());
            }
            Ok::<(), StoreError>(())
        };
        snapshot.rows(&table, take).await.unwrap();
        lines.sort();
        all.insert(table.name, lines);
    }
    all
}

async fn archived(desk: &Desk) -> Manifest {
    let recordings = Recordings::in_folder(&desk.folder.path().join("recordings")).unwrap();
    let inbox = desk.folder.path().join("recordings.inbox");
    let folders = Folders { recordings: &recordings, inbox: &inbox };
    back_up(&desk.store, folders, &desk.folder.path().join("backup.zip"), &ProgressBar::hidden())
        .await
        .unwrap()
}

async fn restored(archive: &Path, desk: &Desk) -> anyhow::Result<Manifest> {
    let archive = Archive::open(archive, &ProgressBar::hidden())?;
    let recordings = Recordings::in_folder(&desk.folder.path().join("recordings"))?;
    let inbox = desk.folder.path().join("recordings.inbox");
    let folders = Folders { recordings: &recordings, inbox: &inbox };
    restore(archive, &desk.url, at(0).millis(), folders, &ProgressBar::hidden()).await
}

on_both_engines! {
    async fn a_rebuild_of_what_the_desk_did_changes_nothing(desk) {
        filled(&desk).await;
        let before = rows(&desk.store).await;
        for table in ["signals", "heat_points", "decisions", "commitments", "cases", "case_timeline", "alerts"] {
            assert!(!before[table].is_empty(), "{table} is empty, so the test says nothing of it");
        }
        let protocol = gradus::ears::protocol(None).unwrap();
        let keys = desk.store.conversation_keys().await.unwrap();
        let mut read_off = ReadOff::new(vec![protocol], keys);
        assert!(read_off.missing(&desk.store.protocol_versions().await.unwrap()).is_empty());
        let events = desk.store.rebuild(|event| read_off.changes(event)).await.unwrap();
        assert_eq!(events, desk.store.last_position().await.unwrap());
        let after = rows(&desk.store).await;
        for (table, lines) in &before {
            similar(table, lines, &after[table]);
        }
    }

    async fn events_of_a_protocol_that_is_not_at_hand_are_named_and_nothing_changes(desk) {
        filled(&desk).await;
        let before = rows(&desk.store).await;
        let mut read_off = ReadOff::new(Vec::new(), desk.store.conversation_keys().await.unwrap());
        let versions = desk.store.protocol_versions().await.unwrap();
        assert_eq!(read_off.missing(&versions).into_iter().collect::<Vec<_>>(), versions);
        let failed = desk.store.rebuild(|event| read_off.changes(event)).await;
        assert!(matches!(failed, Err(StoreError::Missing(_))), "{failed:?}");
        assert_eq!(rows(&desk.store).await, before);
    }

    async fn whoever_works_alone_is_refused_while_others_use_the_store_and_the_other_way_round(desk) {
        let serving = Store::hold(&desk.url, Hold::Shared).await.unwrap();
        let importing = Store::hold(&desk.url, Hold::Shared).await.unwrap();
        let refused = Store::hold(&desk.url, Hold::Alone).await.unwrap_err().to_string();
        assert!(refused.contains("stop it first"), "{refused}");
        serving.end().await;
        importing.end().await;
        let alone = Store::hold(&desk.url, Hold::Alone).await.unwrap();
        let refused = Store::hold(&desk.url, Hold::Shared).await.unwrap_err().to_string();
        assert!(refused.contains("rebuilt or restored"), "{refused}");
        alone.end().await;
    }

    async fn what_was_backed_up_is_restored_elsewhere_to_the_last_row(desk) {
        filled(&desk).await;
        let manifest = archived(&desk).await;
        assert_eq!((manifest.recordings.len(), manifest.inbox.len(), manifest.missing_recordings.len()), (1, 1, 0));
        let archive = desk.folder.path().join("backup.zip");
        for other in [Some(Desk::on_sqlite().await), Desk::on_postgres().await].into_iter().flatten() {
            restored(&archive, &other).await.unwrap();
            assert_eq!(rows(&other.store).await, rows(&desk.store).await);
            let sound = std::fs::read(other.folder.path().join("recordings/call-1.wav")).unwrap();
            assert_eq!(sound, b"RIFF....WAVE");
            assert!(other.folder.path().join("recordings.inbox/абв-звонок.wav").exists());
            let refused = format!("{:#}", restored(&archive, &other).await.unwrap_err());
            assert!(refused.contains("not empty"), "{refused}");
            other.end().await;
        }
    }

    async fn every_table_of_the_database_is_in_a_snapshot(desk) {
        let mut known: Vec<String> =
            desk.store.snapshot().await.unwrap().tables().iter().map(|table| table.name.clone()).collect();
        known.extend(["migrations".to_owned()]);
        known.sort();
        assert_eq!(desk.tables().await, known);
    }

    async fn a_look_at_the_database_says_what_is_in_it_and_makes_nothing(desk) {
        let look = async || Store::inspect(&desk.url).await.unwrap().held.unwrap();
        let seen = look().await;
        assert_eq!((seen.pending, seen.administrators, seen.last_recorded_ms, seen.writable), (0, 0, None, true));
        filled(&desk).await;
        desk.user("root", "administrator").await;
        let seen = look().await;
        assert_eq!((seen.administrators, seen.last_recorded_ms), (1, Some(at(0).millis())));
        let missing = desk.folder.path().join("none.db");
        assert_eq!(Store::inspect(&format!("sqlite:{}", missing.display())).await.unwrap().held, None);
        assert!(!missing.exists());
    }

    async fn a_backup_of_a_newer_version_is_refused(desk) {
        let newer = [Applied { number: 9_999, name: "later".into(), sha256: "0".into() }];
        let refused = Store::load(&desk.url, &newer, 0).await.err().unwrap().to_string();
        assert!(refused.contains("newer Gradus"), "{refused}");
    }
}

fn similar(table: &str, before: &[String], after: &[String]) {
    let gone: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(gone.is_empty() && new.is_empty(), "{table}\nbefore {gone:#?}\nafter {new:#?}");
    assert_eq!(before.len(), after.len(), "{table}");
}

#[tokio::test]
async fn a_damaged_archive_is_refused_with_the_name_of_its_part_and_nothing_is_restored() {
    let desk = Desk::on_sqlite().await;
    filled(&desk).await;
    archived(&desk).await;
    let whole = std::fs::read(desk.folder.path().join("backup.zip")).unwrap();
    let other = Desk::on_sqlite().await;
    let damaged = other.folder.path().join("damaged.zip");
    let name = "inbox/абв-звонок.wav".as_bytes();
    let place = whole.windows(name.len()).position(|bytes| bytes == name).unwrap();
    // The two bytes before the name say how much stands between the name and the content.
    let extra = usize::from(u16::from_le_bytes([whole[place - 2], whole[place - 1]]));
    let place = place + name.len() + extra + 4;
    let mut bytes = whole.clone();
    bytes[place] ^= 1;
    std::fs::write(&damaged, &bytes).unwrap();
    let refused = format!("{:#}", restored(&damaged, &other).await.unwrap_err());
    assert!(refused.contains("its part inbox/абв-звонок.wav"), "{refused}");
    std::fs::write(&damaged, &whole[..whole.len() / 2]).unwrap();
    let refused = format!("{:#}", restored(&damaged, &other).await.unwrap_err());
    assert!(refused.contains("cut short"), "{refused}");
    assert!(rows(&other.store).await.values().all(Vec::is_empty));
    assert!(!other.folder.path().join("recordings.inbox").exists());
}

#[tokio::test]
async fn restoring_that_fails_in_the_middle_leaves_nothing_behind() {
    let desk = Desk::on_sqlite().await;
    filled(&desk).await;
    archived(&desk).await;
    let other = Desk::on_sqlite().await;
    let recordings = other.folder.path().join("recordings");
    std::fs::create_dir_all(&recordings).unwrap();
    std::fs::write(recordings.join("call-1.wav"), "another sound").unwrap();
    let refused = restored(&desk.folder.path().join("backup.zip"), &other).await.unwrap_err();
    assert!(format!("{refused:#}").contains("another recording call-1.wav"), "{refused:#}");
    assert!(rows(&other.store).await.values().all(Vec::is_empty));
    assert_eq!(std::fs::read(recordings.join("call-1.wav")).unwrap(), b"another sound");
}
