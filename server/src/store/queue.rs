//! The queue of recordings: what waits, who works on it, what became of it. Survives a crash, and takes no file twice.

use gradus_engine::time::Timestamp;
use serde::Serialize;

use super::Store;
use super::engine::on;
use super::error::StoreError;
use super::ids::ConversationId;
use super::json::clean;

/// A recording that was found or given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecording {
    /// Its name in the queue, made of source and place.
    pub id: String,
    /// Where it lies.
    pub source: String,
    /// The file within its source.
    pub place: String,
    /// Size and time of the file.
    pub version: String,
    /// Its length in bytes.
    pub size_bytes: i64,
    /// What is known of it, as JSON; empty for nothing.
    pub about: String,
    /// Higher goes first.
    pub priority: i64,
}

/// A row of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where the table is made")]
pub struct QueuedRecording {
    pub id: String,
    pub source: String,
    pub place: String,
    pub size_bytes: i64,
    #[serde(skip)]
    pub about: String,
    pub priority: i64,
    pub state: String,
    pub attempts: i64,
    pub due_ms: i64,
    pub progress: i64,
    pub reason: Option<String>,
    pub conversation_id: Option<ConversationId>,
    pub queued_at_ms: i64,
    pub begun_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
}

/// How much of the queue is in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct QueueShare {
    /// `waiting`, `working`, `done`, `failed` or `dropped`.
    pub state: String,
    /// Recordings.
    pub count: i64,
    /// Their bytes.
    pub size_bytes: i64,
    /// Of them not recognised yet.
    pub left_bytes: i64,
}

macro_rules! queue_select {
    ($rest:literal) => {
        concat!(
            "SELECT id, source, place, size_bytes, about, priority, state, attempts, due_ms, progress, reason,
                 conversation_id, queued_at_ms, begun_at_ms, ended_at_ms FROM recording_queue ",
            $rest
        )
    };
}

impl Store {
    /// Puts a recording into the queue; says whether it is new there. The same version of the same file never is, whatever
    /// became of it; another version is, unless it is being worked on.
    pub async fn queue_recording(&self, new: &NewRecording, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "INSERT INTO recording_queue (id, source, place, version, size_bytes, about, priority, state, attempts,
                       due_ms, claimed_until_ms, progress, queued_at_ms)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, $8, 0, 0, $8)
                   ON CONFLICT (id) DO UPDATE SET version = excluded.version, size_bytes = excluded.size_bytes,
                       about = excluded.about, priority = excluded.priority, state = 'waiting', attempts = 0,
                       due_ms = excluded.due_ms, reason = NULL, conversation_id = NULL, progress = 0,
                       queued_at_ms = excluded.queued_at_ms, begun_at_ms = NULL, ended_at_ms = NULL
                   WHERE recording_queue.version <> excluded.version AND recording_queue.state <> 'working'
                       AND recording_queue.place <> ''";
        let rows = on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(&new.id)
                .bind(clean(&new.source))
                .bind(clean(&new.place))
                .bind(&new.version)
                .bind(new.size_bytes)
                .bind(clean(&new.about))
                .bind(new.priority)
                .bind(now.millis())
                .execute(pool)
                .await?
                .rows_affected()
        });
        Ok(rows > 0)
    }

    /// Says whether a recording can be taken now.
    pub async fn recording_is_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "SELECT COUNT(*) FROM (SELECT id FROM recording_queue
                   WHERE (state = 'waiting' AND due_ms <= $1) OR (state = 'working' AND claimed_until_ms <= $1) LIMIT 1) AS due";
        let count: i64 =
            on!(self.read, |pool| sqlx::query_scalar(sql).bind(now.millis()).fetch_one(pool).await?);
        Ok(count > 0)
    }

    /// Takes the next recording, so that nobody else does before `until`; also one whose worker died.
    pub async fn claim_recording(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<QueuedRecording>, StoreError> {
        let sql = "UPDATE recording_queue SET state = 'working', claimed_until_ms = $2, begun_at_ms = $1, progress = 0,
                       attempts = attempts + 1
                   WHERE id = (SELECT id FROM recording_queue
                           WHERE (state = 'waiting' AND due_ms <= $1) OR (state = 'working' AND claimed_until_ms <= $1)
                           ORDER BY priority DESC, due_ms, queued_at_ms, place, id LIMIT 1)
                       AND (state = 'waiting' OR claimed_until_ms <= $1)
                   RETURNING id, source, place, size_bytes, about, priority, state, attempts, due_ms, progress, reason,
                       conversation_id, queued_at_ms, begun_at_ms, ended_at_ms";
        Ok(on!(self.write, |pool| {
            sqlx::query_as(sql).bind(now.millis()).bind(until.millis()).fetch_optional(pool).await?
        }))
    }

    /// Says that a recording is still worked on, and how much of it is done, in thousandths.
    pub async fn recording_goes_on(
        &self,
        id: &str,
        progress: i64,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE recording_queue SET claimed_until_ms = $2, progress = $3 WHERE id = $1 AND state = 'working'";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(id).bind(until.millis()).bind(progress).execute(pool).await?;
        });
        Ok(())
    }

    /// Gives back a recording that nobody will go on with: this node stops.
    pub async fn release_recording(&self, id: &str) -> Result<(), StoreError> {
        let sql =
            "UPDATE recording_queue SET state = 'waiting', claimed_until_ms = 0, attempts = attempts - 1
                   WHERE id = $1 AND state = 'working'";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(id).execute(pool).await?;
        });
        Ok(())
    }

    /// Notes that a recording is a conversation now.
    pub async fn recording_done(
        &self,
        id: &str,
        conversation: Option<&ConversationId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE recording_queue SET state = 'done', conversation_id = $2, ended_at_ms = $3, reason = NULL,
                       progress = 1000, about = '' WHERE id = $1";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(id).bind(conversation).bind(now.millis()).execute(pool).await?;
        });
        Ok(())
    }

    /// Notes that a recording could not be taken in, and why; it is tried again at `next`, or given up.
    pub async fn recording_failed(
        &self,
        id: &str,
        reason: &str,
        next: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE recording_queue SET state = $2, reason = $3, due_ms = $4, ended_at_ms = $5, claimed_until_ms = 0,
                       progress = 0 WHERE id = $1";
        let state = if next.is_some() { "waiting" } else { "failed" };
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(id)
                .bind(state)
                .bind(clean(reason))
                .bind(next.unwrap_or(now).millis())
                .bind(now.millis())
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Tries a recording again now; says whether there was one to try.
    pub async fn recording_again(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE recording_queue SET state = 'waiting', attempts = 0, due_ms = $2
                   WHERE id = $1 AND state IN ('failed', 'waiting', 'dropped') AND place <> ''";
        let rows = on!(self.write, |pool| {
            sqlx::query(sql).bind(id).bind(now.millis()).execute(pool).await?.rows_affected()
        });
        Ok(rows > 0)
    }

    /// Tries again now what was given up; returns how many there were.
    pub async fn recordings_again(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sql = "UPDATE recording_queue SET state = 'waiting', attempts = 0, due_ms = $1
                   WHERE state = 'failed' AND place <> ''";
        Ok(on!(self.write, |pool| sqlx::query(sql).bind(now.millis()).execute(pool).await?.rows_affected()))
    }

    /// Puts a waiting recording before the others, or back among them.
    pub async fn recording_priority(&self, id: &str, priority: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE recording_queue SET priority = $2 WHERE id = $1 AND state = 'waiting'";
        let rows = on!(self.write, |pool| {
            sqlx::query(sql).bind(id).bind(priority).execute(pool).await?.rows_affected()
        });
        Ok(rows > 0)
    }

    /// Gives a recording up by hand; it is not taken again unless the file changes.
    pub async fn recording_dropped(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE recording_queue SET state = 'dropped', about = '', ended_at_ms = $2
                   WHERE id = $1 AND state IN ('failed', 'waiting')";
        let rows = on!(self.write, |pool| {
            sqlx::query(sql).bind(id).bind(now.millis()).execute(pool).await?.rows_affected()
        });
        Ok(rows > 0)
    }

    /// Returns a recording of the queue.
    pub async fn queued_recording(&self, id: &str) -> Result<Option<QueuedRecording>, StoreError> {
        let sql = queue_select!("WHERE id = $1");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_optional(pool).await?))
    }

    /// Returns the recordings of the queue: those worked on first, then what failed, what waits, and what ended after `since`, the
    /// latest first.
    pub async fn queued_recordings(
        &self,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<QueuedRecording>, StoreError> {
        let sql = queue_select!(
            "WHERE state IN ('waiting', 'working', 'failed') OR ended_at_ms > $1
             ORDER BY CASE state WHEN 'working' THEN 0 WHEN 'failed' THEN 1 WHEN 'waiting' THEN 2 ELSE 3 END,
                 CASE WHEN state = 'waiting' THEN -priority ELSE 0 END,
                 CASE WHEN state = 'waiting' THEN due_ms ELSE -COALESCE(ended_at_ms, 0) END, queued_at_ms, place, id LIMIT $2"
        );
        Ok(on!(self.read, |pool| {
            sqlx::query_as(sql).bind(since.millis()).bind(limit).fetch_all(pool).await?
        }))
    }

    /// Returns the recordings in one state: those that wait in their order, others the latest first.
    pub async fn recordings_in(&self, state: &str, limit: i64) -> Result<Vec<QueuedRecording>, StoreError> {
        let sql = queue_select!(
            "WHERE state = $1 ORDER BY CASE WHEN state = 'waiting' THEN -priority ELSE 0 END,
                 CASE WHEN state = 'waiting' THEN due_ms ELSE -COALESCE(ended_at_ms, 0) END, queued_at_ms, place, id LIMIT $2"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(state).bind(limit).fetch_all(pool).await?))
    }

    /// Returns how much of the queue is in which state; of what is over, only what ended after `since`.
    pub async fn queue_shares(&self, since: Timestamp) -> Result<Vec<QueueShare>, StoreError> {
        let sql =
            "SELECT state, COUNT(*) AS count, CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS size_bytes,
                       CAST(COALESCE(SUM(CASE WHEN state IN ('waiting', 'working')
                           THEN size_bytes * (1000 - progress) / 1000 ELSE 0 END), 0) AS BIGINT) AS left_bytes
                   FROM recording_queue WHERE state IN ('waiting', 'working', 'failed') OR ended_at_ms > $1
                   GROUP BY state ORDER BY state";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(since.millis()).fetch_all(pool).await?))
    }

    /// Returns how many bytes the latest recordings had and how long they took together, in ms: what is left is reckoned by it.
    pub async fn queue_pace(&self, latest: i64) -> Result<(i64, i64), StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT),
                       CAST(COALESCE(SUM(ended_at_ms - begun_at_ms), 0) AS BIGINT)
                   FROM (SELECT size_bytes, ended_at_ms, begun_at_ms FROM recording_queue
                         WHERE state = 'done' AND begun_at_ms IS NOT NULL ORDER BY ended_at_ms DESC LIMIT $1) AS latest";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(latest).fetch_one(pool).await?))
    }
}
