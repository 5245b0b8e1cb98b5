//! Imports: the same file is never taken in twice, and one that was interrupted is taken in again.

use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{ConversationId, ImportState};

/// What is known of the import of a file.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ImportRow {
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Its name when it was first seen.
    pub source: String,
    /// What became of it.
    pub conversation_id: Option<ConversationId>,
    /// How far it has come.
    #[sqlx(try_from = "String")]
    pub state: ImportState,
    /// Why it failed.
    pub error: Option<String>,
}

impl Store {
    /// Begins the import of a file, unless it is done already: then returns what became of it.
    pub async fn begin_import(
        &self,
        sha256: &str,
        source: &str,
        now: Timestamp,
    ) -> Result<Option<ImportRow>, StoreError> {
        let sql = "INSERT INTO imports (sha256, source, state, started_at_ms) VALUES ($1, $2, 'started', $3)
                   ON CONFLICT (sha256) DO UPDATE SET
                       started_at_ms = CASE WHEN imports.state = 'done' THEN imports.started_at_ms ELSE excluded.started_at_ms END,
                       state = CASE WHEN imports.state = 'done' THEN 'done' ELSE 'started' END,
                       error = NULL
                   RETURNING sha256, source, conversation_id, state, error";
        let row: ImportRow = on!(self.write, |pool| sqlx::query_as(sql)
            .bind(sha256)
            .bind(super::json::clean(source))
            .bind(now.millis())
            .fetch_one(pool)
            .await?);
        Ok(Some(row).filter(|row| row.state == ImportState::Done))
    }

    /// Notes that a file could not be taken in, and why.
    pub async fn fail_import(&self, sha256: &str, error: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE imports SET state = 'failed', error = $2, finished_at_ms = $3
                   WHERE sha256 = $1 AND state <> 'done'";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(sha256)
                .bind(super::json::clean(error))
                .bind(now.millis())
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Returns what is known of the import of a file.
    pub async fn import(&self, sha256: &str) -> Result<Option<ImportRow>, StoreError> {
        let sql = "SELECT sha256, source, conversation_id, state, error FROM imports WHERE sha256 = $1";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(sha256).fetch_optional(pool).await?))
    }
}

pub(super) async fn finish(
    tx: &mut Tx,
    sha256: &str,
    conversation: &ConversationId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO imports (sha256, source, conversation_id, state, started_at_ms, finished_at_ms)
               VALUES ($1, '', $2, 'done', $3, $3)
               ON CONFLICT (sha256) DO UPDATE SET state = 'done', conversation_id = excluded.conversation_id,
                   error = NULL, finished_at_ms = excluded.finished_at_ms";
    within!(tx, |conn| {
        sqlx::query(sql).bind(sha256).bind(conversation).bind(at.millis()).execute(conn).await?;
    });
    Ok(())
}
