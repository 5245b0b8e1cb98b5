//! Everything acknowledged survives a kill -9 in the middle of appends, once, on both engines.
#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]
#![expect(clippy::disallowed_methods, reason = "the tests are told by the environment where PostgreSQL is")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use gradus::clock::SystemClock;
use gradus::store::{Batch, NewEvent, Store, StoreError};
use gradus_engine::time::Timestamp;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Names the database of the child; without it the child's test does nothing.
const CHILD: &str = "GRADUS_TEST_CHILD";
/// How often the child is killed on each engine.
const KILLS: usize = 10;

fn event(stream: &str, sequence: i64) -> NewEvent {
    NewEvent {
        stream: stream.into(),
        sequence: Some(sequence),
        at: Timestamp::from_millis(sequence),
        kind: "utterance".into(),
        body: format!("{{\"n\":{sequence}}}"),
        protocol_version: String::new(),
        rules_version: String::new(),
    }
}

/// The child: twenty callers append without end, and say what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_appends_until_it_is_killed() {
    let Ok(child) = std::env::var(CHILD) else { return };
    let (url, round) = child.split_once(' ').unwrap();
    let store = Store::open(url, Arc::new(SystemClock)).await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..20 {
        let (store, stream) = (store.clone(), format!("conversation:{round}-{caller}"));
        callers.spawn(async move {
            for sequence in 0.. {
                let batch =
                    Batch::new().event(event(&stream, sequence * 2)).event(event(&stream, sequence * 2 + 1));
                match store.commit(batch).await {
                    Ok(receipt) => {
                        for (position, sequence) in receipt.positions.iter().zip(&receipt.sequences) {
                            writeln!(std::io::stdout(), "ack {stream} {sequence} {position}").unwrap();
                        }
                    }
                    Err(error) => {
                        writeln!(std::io::stdout(), "refused {error:?}").unwrap();
                        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    }
                }
            }
        });
    }
    while callers.join_next().await.is_some() {}
}

fn start_child(url: &str, round: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child_appends_until_it_is_killed", "--nocapture"])
        .env(CHILD, format!("{url} {round}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// Reads «ack STREAM NUMBER POSITION»; the last line of a killed child may be cut off.
fn read_ack(line: &str) -> Option<((String, i64), i64)> {
    let mut words = line.strip_prefix("ack ")?.strip_suffix('\n')?.split(' ');
    Some(((words.next()?.to_owned(), words.next()?.parse().ok()?), words.next()?.parse().ok()?))
}

async fn check(url: &str) {
    let mut acknowledged = BTreeMap::new();
    for round in 0..KILLS {
        let mut child = start_child(url, round).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        // A different moment each time, from the first acknowledgement on.
        let until = acknowledged.len() + 1 + round * round * 37;
        let mut line = String::new();
        while lines.read_line(&mut line).unwrap() > 0 {
            acknowledged.extend(read_ack(&line));
            line.clear();
            if acknowledged.len() >= until {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
    }
    assert!(acknowledged.len() > KILLS * 20, "only {} were acknowledged", acknowledged.len());

    let store = Store::open(url, Arc::new(SystemClock)).await.unwrap();
    let stored = store.events_after(0, i64::MAX).await.unwrap();
    let positions: Vec<i64> = stored.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=stored.len() as i64).collect::<Vec<_>>(), "gaps in the log");
    let places: BTreeMap<(String, i64), i64> =
        stored.iter().map(|event| ((event.stream.clone(), event.sequence), event.position)).collect();
    assert_eq!(places.len(), stored.len(), "an event is there twice");
    for (event, position) in &acknowledged {
        assert_eq!(places.get(event), Some(position), "{event:?} was acknowledged");
    }
    // Both events of a batch or none.
    let odd: BTreeSet<_> =
        places.keys().filter(|(stream, n)| !places.contains_key(&(stream.clone(), n ^ 1))).collect();
    assert!(odd.is_empty(), "half a batch: {odd:?}");
    println!("{} acknowledged, {} stored", acknowledged.len(), stored.len());
    // What was not acknowledged may be sent again: nothing is there twice.
    let last = stored.last().unwrap();
    let (stream, number) = (&last.stream, last.sequence & !1);
    let again = Batch::new().event(event(stream, number)).event(event(stream, number + 1));
    assert!(store.commit(again).await.unwrap().repeated);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_by_kill_9_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    check(&format!("sqlite:{}", folder.path().join("gradus.db").display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_by_kill_9_on_postgres() {
    let Ok(server) = std::env::var("GRADUS_TEST_POSTGRES") else {
        println!("not run on PostgreSQL: GRADUS_TEST_POSTGRES is not set");
        return;
    };
    let schema = format!("kill_{}", std::process::id());
    let mut conn = PgConnection::connect(&server).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&mut conn).await.unwrap();
    let sign = if server.contains('?') { '&' } else { '?' };
    check(&format!("{server}{sign}options=-c%20search_path%3D{schema}")).await;
    sqlx::raw_sql(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).execute(&mut conn).await.unwrap();
}

/// A file that may not grow is what a full disk looks like, without the need to mount one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_no_more_refuses_at_once_and_recovers_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("gradus.db").display());
    Store::open(&url, Arc::new(SystemClock)).await.unwrap().close().await;
    let child = start_child(&url, 0);
    let mut shell = Command::new("bash");
    // 2 MiB a file; SIGXFSZ ignored, so that the write fails as it does on a full disk.
    shell.args(["-c", "trap '' XFSZ; ulimit -S -f 2048; exec \"$0\" \"$@\""]).arg(child.get_program());
    shell.args(child.get_args()).envs(child.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let (mut acknowledged, mut refused, mut after) = (BTreeMap::new(), 0, 0);
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        if line.starts_with("refused ") {
            assert!(
                line.contains("NoRoom") || line.contains("Unavailable") || line.contains("Conflict"),
                "{line}"
            );
            refused += 1;
            if refused == 60 {
                let pid = child.id().to_string();
                let lifted =
                    Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().unwrap();
                assert!(lifted.success());
            }
        } else if let Some((event, position)) = read_ack(&line) {
            acknowledged.insert(event, position);
            after += i32::from(refused >= 60);
        }
        line.clear();
        if after > 200 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(refused >= 60 && after > 200, "{refused} refused, {after} acknowledged afterwards");
    let store = Store::open(&url, Arc::new(SystemClock)).await.unwrap();
    for ((stream, number), position) in acknowledged {
        let stored = store.events_of(&stream, number, 1).await.unwrap();
        assert_eq!(stored.first().map(|event| event.position), Some(position), "{stream} {number}");
    }
    let next = Batch::new().event(event("conversation:next", 0));
    assert!(!matches!(store.commit(next).await, Err(StoreError::Closed)));
}
