//! The event log: append-only, the truth. It holds references and hashes, never what somebody said.

use gradus_engine::time::Timestamp;
use sha2::{Digest, Sha256};

use super::Store;
use super::engine::on;
use super::error::StoreError;

/// An event to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// What the event belongs to: `conversation:ID` or `case:ID`.
    pub stream: String,
    /// Its number within the stream, from 0. Given, a repeat of the same event is recognised; `None` takes the next.
    pub sequence: Option<i64>,
    /// When it happened.
    pub at: Timestamp,
    /// Its name, as in the engine's closed list.
    pub kind: String,
    /// Its content as JSON: references and numbers, never words of people.
    pub body: String,
    /// The version of the protocol that judged it; empty before any judgement.
    pub protocol_version: String,
    /// The version of the rules that detected it; empty where nothing was detected.
    pub rules_version: String,
}

/// An event of the log.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredEvent {
    /// Its place in the whole log, without gaps, in the order of commit.
    pub position: i64,
    /// What the event belongs to.
    pub stream: String,
    /// Its number within the stream.
    pub sequence: i64,
    /// When it happened.
    pub at_ms: i64,
    /// When it was written down.
    pub recorded_ms: i64,
    /// Its name.
    pub kind: String,
    /// Its content as JSON.
    pub body: String,
    /// The version of the protocol that judged it.
    pub protocol_version: String,
    /// The version of the rules that detected it.
    pub rules_version: String,
}

/// What a committed batch got.
#[derive(Clone, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Receipt {
    /// The place in the log of each event of the batch, in its order.
    pub positions: Vec<i64>,
    /// The number within its stream of each event of the batch, in its order.
    pub sequences: Vec<i64>,
    /// The batch had been committed before; nothing was done this time.
    #[serde(skip)]
    pub repeated: bool,
}

/// Returns the name of a conversation's stream.
pub fn conversation_stream(id: &super::ConversationId) -> String {
    format!("conversation:{id}")
}

/// Returns the name of a case's stream.
pub fn case_stream(id: &super::CaseId) -> String {
    format!("case:{id}")
}

/// Returns the SHA-256 of a text in hexadecimal, as the log refers to it.
pub fn text_sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Store {
    /// Returns up to `limit` events of a stream from number `from` on, in order.
    pub async fn events_of(
        &self,
        stream: &str,
        from: i64,
        limit: i64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let sql = "SELECT position, stream, sequence, at_ms, recorded_ms, kind, body, protocol_version, rules_version
                   FROM events WHERE stream = $1 AND sequence >= $2 ORDER BY sequence LIMIT $3";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(stream)
            .bind(from)
            .bind(limit)
            .fetch_all(pool)
            .await?))
    }

    /// Returns up to `limit` events of the whole log after position `after`, in order.
    pub async fn events_after(&self, after: i64, limit: i64) -> Result<Vec<StoredEvent>, StoreError> {
        let sql = "SELECT position, stream, sequence, at_ms, recorded_ms, kind, body, protocol_version, rules_version
                   FROM events WHERE position > $1 ORDER BY position LIMIT $2";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(after).bind(limit).fetch_all(pool).await?))
    }

    /// Returns the number the next event of a stream will get.
    pub async fn next_sequence(&self, stream: &str) -> Result<i64, StoreError> {
        let sql = "SELECT COALESCE(MAX(sequence), -1) + 1 FROM events WHERE stream = $1";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).bind(stream).fetch_one(pool).await?))
    }

    /// Returns the last position of the log, 0 when it is empty.
    pub async fn last_position(&self) -> Result<i64, StoreError> {
        let sql = "SELECT COALESCE(MAX(position), 0) FROM events";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).fetch_one(pool).await?))
    }
}
