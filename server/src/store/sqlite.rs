//! What only SQLite does: opening the file, appending, claiming.

use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::error::StoreError;

/// How many connections read at the same time.
const READERS: u32 = 4;

/// The one writer holds the lock, so there is nothing to skip.
pub(super) const CLAIM_DUE: &str = "UPDATE cases SET claimed_until_ms = $2
    WHERE id IN (SELECT id FROM cases WHERE wake_at_ms <= $1 AND claimed_until_ms <= $1 AND closed_at_ms IS NULL
                 ORDER BY wake_at_ms LIMIT $3)
    RETURNING id";

pub(super) const CLAIM_CLIMBING: &str = "UPDATE alerts SET claimed_until_ms = $2
    WHERE id = (SELECT id FROM alerts WHERE climbs_at_ms <= $1 AND claimed_until_ms <= $1 AND ended_at_ms IS NULL
                    AND acknowledged_at_ms IS NULL
                ORDER BY climbs_at_ms LIMIT 1)
    RETURNING id";

pub(super) const CLAIM_DELIVERIES: &str =
    "UPDATE deliveries SET claimed_until_ms = $3, attempts = attempts + 1
    WHERE channel = $1 AND (alert_id, user_id) IN (SELECT alert_id, user_id FROM deliveries
        WHERE channel = $1 AND state IN ('waiting', 'failed') AND next_try_ms <= $2 AND claimed_until_ms <= $2
        ORDER BY next_try_ms LIMIT $4)
    RETURNING alert_id, user_id, channel, round, attempts, missed, external";

pub(super) const CLAIM_EDITS: &str = "UPDATE deliveries SET edit_due = FALSE
    WHERE channel = $1 AND (alert_id, user_id) IN (SELECT alert_id, user_id FROM deliveries
        WHERE channel = $1 AND edit_due LIMIT $2)
    RETURNING alert_id, user_id, channel, round, attempts, missed, external";

/// The index of the archive. It keeps no text; what is taken out of it is gone from the file at once.
pub(super) const ARCHIVE: &str =
    "CREATE VIRTUAL TABLE archive_words USING fts5(lemmas, content='', columnsize=0, tokenize='ascii');
    INSERT INTO archive_words (archive_words, rank) VALUES ('secure-delete', 1);";

/// Puts utterances into the index: `[[doc, lemmas], …]` in rising order, as the index likes them.
pub(super) const ARCHIVE_PUT: &str = "INSERT INTO archive_words (rowid, lemmas)
    SELECT CAST(value->>0 AS BIGINT), value->>1 FROM json_each($1) ORDER BY 1";

/// Takes utterances out of the index; it has to be told what it holds of them.
pub(super) const ARCHIVE_TAKE: &str = "INSERT INTO archive_words (archive_words, rowid, lemmas)
    SELECT 'delete', CAST(value->>0 AS BIGINT), value->>1 FROM json_each($1) ORDER BY 2";

/// Utterances with these words within a span of places, the latest first.
pub(super) const ARCHIVE_FIND: &str = "SELECT rowid FROM archive_words
    WHERE archive_words MATCH $1 AND rowid < $2 AND rowid >= $3 ORDER BY rowid DESC LIMIT $4";

/// Utterances that wait for the index, the new ones first.
pub(super) const ARCHIVE_WAITING: &str =
    "SELECT t.conversation_id, t.utterance, v.archive_key, t.text, t.lemmas
    FROM utterance_texts t JOIN conversations v ON v.id = t.conversation_id
    WHERE t.indexing < 2 ORDER BY t.indexing LIMIT $1";

/// How many rows one INSERT holds, largest first. Few sizes, so that each statement is prepared once; measured in
/// `docs/decisions/0002-append-path.md`.
pub(super) const APPEND_ROWS: [usize; 3] = [64, 8, 1];

/// Returns the INSERT for a number of rows of nine columns.
pub(super) fn append(rows: usize) -> String {
    let mut sql = String::from(
        "INSERT INTO events (position, stream, sequence, at_ms, recorded_ms, kind, body, protocol_version, rules_version)
         VALUES ",
    );
    for row in 0..rows {
        sql.push_str(if row == 0 { "(?,?,?,?,?,?,?,?,?)" } else { ",(?,?,?,?,?,?,?,?,?)" });
    }
    sql
}

/// Returns the file of an address.
pub(super) fn path(url: &str) -> &str {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    path.strip_prefix("//").unwrap_or(path)
}

/// Opens the file, creating it when it is not there: one connection that writes, a few that read.
pub(super) async fn open(url: &str) -> Result<(SqlitePool, SqlitePool), StoreError> {
    let path = path(url);
    if path.is_empty() || path.contains(":memory:") {
        return Err(StoreError::Open {
            what: url.to_owned(),
            why: "a database in memory loses everything; give a file: sqlite:data/gradus.db".into(),
        });
    }
    let broken = |error: sqlx::Error| StoreError::Open { what: url.to_owned(), why: cure(path, &error) };
    let base = SqliteConnectOptions::from_str("sqlite:").map_err(broken)?.filename(path);
    let base = base
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL loses acknowledged rows in a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        // What is erased leaves no copy in free pages.
        .pragma("secure_delete", "ON")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-65536");
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(base.clone().pragma("wal_autocheckpoint", "4000"))
        .await
        .map_err(broken)?;
    let read = SqlitePoolOptions::new()
        .max_connections(READERS)
        .connect_with(base.create_if_missing(false).pragma("query_only", "ON"))
        .await
        .map_err(broken)?;
    Ok((write, read))
}

/// Says what the operator can do.
fn cure(path: &str, error: &sqlx::Error) -> String {
    let folder = std::path::Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.exists() => {
            format!("the folder {} does not exist; create it", folder.display())
        }
        _ => format!("{error}; is it a database of Gradus, and may this user write to it and to its folder?"),
    }
}
