//! The audit log: who did or read what. Each row holds the hash of the one before, so a change shows.

use gradus_engine::time::Timestamp;
use sha2::{Digest, Sha256};

use super::Store;
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::json::clean;

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AuditRow {
    /// Its number, from 1, without gaps.
    pub position: i64,
    /// When.
    pub at_ms: i64,
    /// Who: a user's id, or the name of a program.
    pub actor: String,
    /// What was done: `case.resolve`, `recording.read`, …
    pub action: String,
    /// To what: `case:ID`, `recording:KEY`, …
    pub object: String,
    /// More about it; never words of customers.
    pub detail: String,
    /// The hash of the row before; empty for the first.
    pub previous_hash: String,
    /// SHA-256 over the row and the hash of the one before.
    pub hash: String,
}

/// Which rows of the audit log.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Whose deeds.
    pub actor: Option<String>,
    /// How the deed's name begins: `case.`, `recording.read`.
    pub action: Option<String>,
    /// What stands in the thing or in the details, letter by letter.
    pub about: Option<String>,
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// Before this number; `i64::MAX` begins at the end.
    pub before: i64,
    /// How many.
    pub limit: i64,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditState {
    /// The chain holds; its length and its last hash, to be compared with one kept elsewhere.
    Whole {
        /// How many rows.
        rows: i64,
        /// The hash of the last one; empty when there is none.
        last_hash: String,
    },
    /// The first row that does not fit.
    BrokenAt {
        /// Its number.
        position: i64,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// How many rows a verification holds at once.
const PAGE: i64 = 10_000;

impl Store {
    /// Writes down that somebody did or read something; returns the number of the row.
    pub async fn audit(
        &self,
        at: Timestamp,
        actor: &str,
        action: &str,
        object: &str,
        detail: &str,
    ) -> Result<i64, StoreError> {
        let mut tx = self.write.begin().await?;
        if matches!(tx, Tx::Postgres(_)) {
            tx.run("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.gradus.audit'))").await?;
        }
        let last: Option<(i64, String)> = within!(&mut tx, |conn| {
            sqlx::query_as("SELECT position, hash FROM audit ORDER BY position DESC LIMIT 1")
                .fetch_optional(conn)
                .await?
        });
        let (position, previous_hash) = last.map_or((1, String::new()), |(last, hash)| (last + 1, hash));
        let mut row = AuditRow {
            position,
            at_ms: at.millis(),
            actor: clean(actor),
            action: clean(action),
            object: clean(object),
            detail: clean(detail),
            previous_hash,
            hash: String::new(),
        };
        row.hash = hash(&row);
        let sql = "INSERT INTO audit (position, at_ms, actor, action, object, detail, previous_hash, hash)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        within!(&mut tx, |conn| {
            sqlx::query(sql)
                .bind(row.position)
                .bind(row.at_ms)
                .bind(&row.actor)
                .bind(&row.action)
                .bind(&row.object)
                .bind(&row.detail)
                .bind(&row.previous_hash)
                .bind(&row.hash)
                .execute(conn)
                .await?;
        });
        tx.commit().await?;
        Ok(position)
    }

    /// Returns rows before a number, newest first; `i64::MAX` begins at the end.
    pub async fn audit_before(&self, before: i64, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
        let sql = "SELECT position, at_ms, actor, action, object, detail, previous_hash, hash FROM audit
                   WHERE position < $1 ORDER BY position DESC LIMIT $2";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(before).bind(limit).fetch_all(pool).await?))
    }

    /// Returns the rows that fit a filter, newest first.
    pub async fn audit_find(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
        // A part of a text is looked for without the signs that LIKE takes for others.
        let sql = "SELECT position, at_ms, actor, action, object, detail, previous_hash, hash FROM audit
                   WHERE position < $1
                     AND (CAST($2 AS TEXT) IS NULL OR actor = $2)
                     AND (CAST($3 AS TEXT) IS NULL OR substr(action, 1, length($3)) = $3)
                     AND (CAST($4 AS TEXT) IS NULL OR replace(object, $4, '') <> object
                          OR replace(detail, $4, '') <> detail)
                     AND (CAST($5 AS BIGINT) IS NULL OR at_ms >= $5)
                     AND (CAST($6 AS BIGINT) IS NULL OR at_ms < $6)
                   ORDER BY position DESC LIMIT $7";
        Ok(on!(self.read, |pool| {
            sqlx::query_as(sql)
                .bind(filter.before)
                .bind(&filter.actor)
                .bind(&filter.action)
                .bind(filter.about.as_deref().map(clean))
                .bind(filter.from.map(Timestamp::millis))
                .bind(filter.to.map(Timestamp::millis))
                .bind(filter.limit)
                .fetch_all(pool)
                .await?
        }))
    }

    /// Checks the whole chain.
    ///
    /// Rows cut off at the end do not show in the chain itself: compare the length and the last hash with a copy kept
    /// elsewhere.
    pub async fn verify_audit(&self) -> Result<AuditState, StoreError> {
        let sql = "SELECT position, at_ms, actor, action, object, detail, previous_hash, hash FROM audit
                   WHERE position > $1 ORDER BY position LIMIT $2";
        let (mut rows, mut last_hash) = (0, String::new());
        loop {
            let page: Vec<AuditRow> =
                on!(self.read, |pool| sqlx::query_as(sql).bind(rows).bind(PAGE).fetch_all(pool).await?);
            if page.is_empty() {
                return Ok(AuditState::Whole { rows, last_hash });
            }
            for row in page {
                let why = if row.position != rows + 1 {
                    "a row before it is gone"
                } else if row.previous_hash != last_hash {
                    "it does not follow the row before it"
                } else if row.hash != hash(&row) {
                    "it was changed"
                } else {
                    (rows, last_hash) = (row.position, row.hash);
                    continue;
                };
                return Ok(AuditState::BrokenAt { position: row.position, why });
            }
        }
    }
}

/// Hashes a row; each field goes in with its length, so that nothing can move from one field into the next.
fn hash(row: &AuditRow) -> String {
    let mut digest = Sha256::new();
    digest.update(row.position.to_be_bytes());
    digest.update(row.at_ms.to_be_bytes());
    for field in [&row.actor, &row.action, &row.object, &row.detail, &row.previous_hash] {
        digest.update((field.len() as u64).to_be_bytes());
        digest.update(field.as_bytes());
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
