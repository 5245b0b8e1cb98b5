//! How fast events become durable, against a bare loop on the same table in the same run.
//!
//! The bare loop knows what the store cannot know: it needs no queue, answers nobody and looks for no repeats. The ratio
//! says what those cost; the figures alone say only how fast the disk was.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gradus_engine::archive::Question;
use serde::Serialize;
use tokio::task::JoinSet;

use super::engine::Db;
use super::error::StoreError;
use super::log::NewEvent;
use super::{Batch, Store, postgres};

/// What is to be appended.
#[derive(Clone, Copy, Debug)]
pub struct AppendLoad {
    /// How many events in all.
    pub events: usize,
    /// How many callers wait for their answer at the same time.
    pub producers: usize,
    /// How many events each call brings.
    pub per_call: usize,
    /// How often the store and the bare loop take turns.
    pub rounds: usize,
}

/// One measured run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rate {
    /// Events a second that became durable.
    pub per_second: f64,
    /// Microseconds of processor time of this process an event, user and system, all threads.
    pub cpu_us: f64,
    /// Mean number of events a transaction.
    pub group: f64,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct AppendFigures {
    /// `sqlite` or `postgres`.
    pub engine: &'static str,
    /// Each run through the store.
    pub store: Vec<Rate>,
    /// Each run of the bare loop that followed it.
    pub bare: Vec<Rate>,
    /// Median of the ratios of events a second, store to bare.
    pub ratio: f64,
}

/// Appends through the store and through a bare loop in turns.
///
/// For SQLite the database lies in `folder`, which has to be empty; for PostgreSQL the store's own tables are filled,
/// so give a schema that is thrown away.
pub async fn bench_append(
    store: &Store,
    folder: &Path,
    load: AppendLoad,
) -> Result<AppendFigures, StoreError> {
    let (mut through_store, mut bare) = (Vec::new(), Vec::new());
    for round in 0..load.rounds.max(1) {
        let measured = through(store, load, round).await?;
        let group = measured.group.round().max(1.0) as usize;
        through_store.push(measured);
        bare.push(match &store.write {
            Db::Sqlite(_) => {
                let path = folder.join(format!("bare-{round}.db"));
                tokio::task::spawn_blocking(move || bare_sqlite(&path, load, group))
                    .await
                    .map_err(|error| StoreError::Broken(error.to_string()))??
            }
            Db::Postgres(pool) => bare_postgres(pool, load, group, round).await?,
        });
    }
    let mut ratios: Vec<f64> =
        through_store.iter().zip(&bare).map(|(store, bare)| store.per_second / bare.per_second).collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios.get(ratios.len() / 2).copied().unwrap_or(0.0);
    let engine = if matches!(store.write, Db::Sqlite(_)) { "sqlite" } else { "postgres" };
    Ok(AppendFigures { engine, store: through_store, bare, ratio })
}

async fn through(store: &Store, load: AppendLoad, round: usize) -> Result<Rate, StoreError> {
    let groups_before = store.groups.load(std::sync::atomic::Ordering::Relaxed);
    let watch = Watch::start();
    let mut producers = JoinSet::new();
    let calls = load.events.div_ceil(load.producers.max(1) * load.per_call.max(1));
    for producer in 0..load.producers {
        let store = store.clone();
        producers.spawn(async move {
            for call in 0..calls {
                let mut batch = Batch::new();
                for number in 0..load.per_call {
                    batch.events.push(event(round, producer, call * load.per_call + number));
                }
                store.commit(batch).await?;
            }
            Ok::<(), StoreError>(())
        });
    }
    while let Some(done) = producers.join_next().await {
        done.map_err(|error| StoreError::Broken(error.to_string()))??;
    }
    let events = calls * load.producers * load.per_call;
    let groups = store.groups.load(std::sync::atomic::Ordering::Relaxed) - groups_before;
    Ok(watch.rate(events, groups))
}

fn event(round: usize, producer: usize, number: usize) -> NewEvent {
    NewEvent {
        stream: format!("conversation:bench-{round}-{producer:05}"),
        sequence: i64::try_from(number).ok(),
        at: gradus_engine::time::Timestamp::from_millis(1_794_819_600_000 + number as i64 * 1000),
        kind: "utterance".into(),
        body: format!(
            "{{\"utterance\":{number},\"party\":\"customer\",\"start_ms\":{},\"end_ms\":{},\"sha256\":\"{:064x}\"}}",
            number * 1000,
            number * 1000 + 900,
            producer * 1_000_003 + number
        ),
        protocol_version: "default-1".into(),
        rules_version: "rules-1".into(),
    }
}

/// The same events in the same order as the producers' turns give them.
fn bare_events(load: AppendLoad) -> impl Iterator<Item = NewEvent> {
    let calls = load.events.div_ceil(load.producers.max(1) * load.per_call.max(1));
    (0..calls).flat_map(move |call| {
        (0..load.producers).flat_map(move |producer| {
            (0..load.per_call).map(move |number| event(0, producer, call * load.per_call + number))
        })
    })
}

fn bare_sqlite(path: &Path, load: AppendLoad, group: usize) -> Result<Rate, StoreError> {
    let broken = |error: rusqlite::Error| StoreError::Broken(format!("the bare loop: {error}"));
    let mut conn = rusqlite::Connection::open(path).map_err(broken)?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536;
         CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, sequence BIGINT NOT NULL,
             at_ms BIGINT NOT NULL, recorded_ms BIGINT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
             protocol_version TEXT NOT NULL, rules_version TEXT NOT NULL);
         CREATE UNIQUE INDEX events_stream ON events (stream, sequence);",
    )
    .map_err(broken)?;
    let watch = Watch::start();
    let (mut position, mut groups) = (0_i64, 0_u64);
    let mut events = bare_events(load).peekable();
    while events.peek().is_some() {
        let tx = conn.transaction().map_err(broken)?;
        {
            let mut insert =
                tx.prepare_cached("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)").map_err(broken)?;
            for event in events.by_ref().take(group) {
                position += 1;
                insert
                    .execute((
                        position,
                        &event.stream,
                        event.sequence,
                        event.at.millis(),
                        event.at.millis(),
                        &event.kind,
                        &event.body,
                        &event.protocol_version,
                        &event.rules_version,
                    ))
                    .map_err(broken)?;
            }
        }
        tx.commit().map_err(broken)?;
        groups += 1;
    }
    Ok(watch.rate(position.unsigned_abs() as usize, groups))
}

async fn bare_postgres(
    pool: &sqlx::PgPool,
    load: AppendLoad,
    group: usize,
    round: usize,
) -> Result<Rate, StoreError> {
    sqlx::raw_sql("DROP TABLE IF EXISTS bench_bare; CREATE TABLE bench_bare (LIKE events INCLUDING ALL)")
        .execute(pool)
        .await?;
    let sql = postgres::APPEND.replace("INTO events", "INTO bench_bare");
    let mut conn = pool.acquire().await?;
    let watch = Watch::start();
    let (mut position, mut groups) = (0_i64, 0_u64);
    let mut events = bare_events(load).peekable();
    while events.peek().is_some() {
        let group: Vec<NewEvent> = events.by_ref().take(group).collect();
        let first = position + 1;
        position += group.len() as i64;
        groups += 1;
        let texts =
            |of: fn(&NewEvent) -> &String| group.iter().map(|event| of(event).clone()).collect::<Vec<_>>();
        sqlx::query(sqlx::AssertSqlSafe(sql.as_str()))
            .bind((first..=position).collect::<Vec<i64>>())
            .bind(texts(|event| &event.stream))
            .bind(group.iter().map(|event| event.sequence.unwrap_or(0)).collect::<Vec<i64>>())
            .bind(group.iter().map(|event| event.at.millis()).collect::<Vec<i64>>())
            .bind(vec![round as i64; group.len()])
            .bind(texts(|event| &event.kind))
            .bind(texts(|event| &event.body))
            .bind(texts(|event| &event.protocol_version))
            .bind(texts(|event| &event.rules_version))
            .execute(&mut *conn)
            .await?;
    }
    Ok(watch.rate(position.unsigned_abs() as usize, groups))
}

/// Measures time and processor time from a moment on.
struct Watch {
    began: Instant,
    cpu: Option<Duration>,
}

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "measuring is its purpose")]
    fn start() -> Self {
        Self { began: Instant::now(), cpu: cpu_time() }
    }

    fn rate(&self, events: usize, groups: u64) -> Rate {
        let events = events as f64;
        let cpu = cpu_time().zip(self.cpu).map(|(now, then)| now.saturating_sub(then).as_secs_f64());
        Rate {
            per_second: events / self.began.elapsed().as_secs_f64(),
            cpu_us: cpu.unwrap_or(f64::NAN) * 1e6 / events,
            group: events / groups.max(1) as f64,
        }
    }
}

/// Returns the processor time of this process so far, on Linux: fields 14 and 15 of `/proc/self/stat`, in hundredths.
fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// Opens a store for a measurement in an empty folder.
pub async fn bench_store(folder: &Path) -> Result<Store, StoreError> {
    let url = format!("sqlite:{}", folder.join("bench.db").display());
    Store::open(&url, Arc::new(crate::clock::SystemClock)).await
}

/// Asks the index of the archive alone for the newest places of some words.
pub async fn bench_find(store: &Store, words: &Question, limit: usize) -> Result<usize, StoreError> {
    Ok(store.find_places(words, i64::MAX, i64::MIN, limit).await?.len())
}
