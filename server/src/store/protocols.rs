//! Versions of the protocol: the text of each that was in force, who has read it, drafts.

use gradus_engine::time::Timestamp;
use serde::Serialize;

use super::Store;
use super::engine::{on, within};
use super::error::StoreError;
use super::ids::UserId;

/// A version of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct ProtocolRow {
    /// Its name, as decisions carry it.
    pub version: String,
    /// Its place in the order of publishing, from 1.
    pub number: i64,
    /// The whole file.
    pub text: String,
    /// Why it was published.
    pub comment: String,
    /// Who published it: a user's id, `config` for the configured file, `builtin` for the one that ships.
    pub published_by: String,
    /// When, milliseconds since 1970.
    pub published_at_ms: i64,
}

impl Store {
    /// Publishes a version: it is the newest from then on.
    ///
    /// # Errors
    /// `Conflict` when the version was published before: decisions name it, so its text never changes.
    pub async fn publish_protocol(
        &self,
        version: &str,
        text: &str,
        (by, comment): (&str, &str),
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut tx = self.write.begin().await?;
        let known: i64 = within!(&mut tx, |conn| {
            sqlx::query_scalar("SELECT COUNT(*) FROM protocol_versions WHERE version = $1")
                .bind(version)
                .fetch_one(conn)
                .await?
        });
        if known > 0 {
            return Err(StoreError::Conflict(format!(
                "version \"{version}\" was published before and decisions name it: give the protocol a new version"
            )));
        }
        let sql =
            "INSERT INTO protocol_versions (version, number, text, comment, published_by, published_at_ms)
                   SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5 FROM protocol_versions WHERE TRUE
                   RETURNING number";
        let number: i64 = within!(&mut tx, |conn| {
            sqlx::query_scalar(sql)
                .bind(version)
                .bind(text)
                .bind(comment)
                .bind(by)
                .bind(now.millis())
                .fetch_one(conn)
                .await?
        });
        tx.commit().await?;
        Ok(number)
    }

    /// Returns every version, the newest first.
    pub async fn published_protocols(&self) -> Result<Vec<ProtocolRow>, StoreError> {
        let sql =
            "SELECT version, number, text, comment, published_by, published_at_ms FROM protocol_versions
                   ORDER BY number DESC";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).fetch_all(pool).await?))
    }

    /// Returns the number of the newest version, 0 for none.
    pub async fn newest_protocol(&self) -> Result<i64, StoreError> {
        let sql = "SELECT COALESCE(MAX(number), 0) FROM protocol_versions";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).fetch_one(pool).await?))
    }

    /// Notes that somebody has read a version; a repeat keeps the first.
    pub async fn read_protocol(
        &self,
        version: &str,
        user: &UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO protocol_reads (version, user_id, at_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(version).bind(user).bind(now.millis()).execute(pool).await?;
        });
        Ok(())
    }

    /// Returns who has read a version, and when.
    pub async fn readers_of(&self, version: &str) -> Result<Vec<(UserId, i64)>, StoreError> {
        let sql = "SELECT user_id, at_ms FROM protocol_reads WHERE version = $1 ORDER BY at_ms, user_id";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(version).fetch_all(pool).await?))
    }

    /// Keeps somebody's draft in place of the one before.
    pub async fn keep_draft(&self, user: &UserId, text: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO protocol_drafts (user_id, text, saved_at_ms) VALUES ($1, $2, $3)
                   ON CONFLICT (user_id) DO UPDATE SET text = excluded.text, saved_at_ms = excluded.saved_at_ms";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(user).bind(text).bind(now.millis()).execute(pool).await?;
        });
        Ok(())
    }

    /// Returns somebody's draft.
    pub async fn draft_of(&self, user: &UserId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT text FROM protocol_drafts WHERE user_id = $1";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).bind(user).fetch_optional(pool).await?))
    }

    /// Throws somebody's draft away.
    pub async fn drop_draft(&self, user: &UserId) -> Result<(), StoreError> {
        let sql = "DELETE FROM protocol_drafts WHERE user_id = $1";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(user).execute(pool).await?;
        });
        Ok(())
    }
}
