//! What only PostgreSQL does: connecting, appending, claiming without waiting for other nodes.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::error::StoreError;

/// How many connections one node holds at most.
const CONNECTIONS: u32 = 8;

/// Nodes that claim at the same time pass each other by.
pub(super) const CLAIM_DUE: &str = "UPDATE cases SET claimed_until_ms = $2
    WHERE id IN (SELECT id FROM cases WHERE wake_at_ms <= $1 AND claimed_until_ms <= $1 AND closed_at_ms IS NULL
                 ORDER BY wake_at_ms LIMIT $3 FOR UPDATE SKIP LOCKED)
    RETURNING id";

pub(super) const CLAIM_CLIMBING: &str = "UPDATE alerts SET claimed_until_ms = $2
    WHERE id = (SELECT id FROM alerts WHERE climbs_at_ms <= $1 AND claimed_until_ms <= $1 AND ended_at_ms IS NULL
                    AND acknowledged_at_ms IS NULL
                ORDER BY climbs_at_ms LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id";

pub(super) const CLAIM_DELIVERIES: &str =
    "UPDATE deliveries SET claimed_until_ms = $3, attempts = attempts + 1
    WHERE channel = $1 AND (alert_id, user_id) IN (SELECT alert_id, user_id FROM deliveries
        WHERE channel = $1 AND state IN ('waiting', 'failed') AND next_try_ms <= $2 AND claimed_until_ms <= $2
        ORDER BY next_try_ms LIMIT $4 FOR UPDATE SKIP LOCKED)
    RETURNING alert_id, user_id, channel, round, attempts, missed, external";

pub(super) const CLAIM_EDITS: &str = "UPDATE deliveries SET edit_due = FALSE
    WHERE channel = $1 AND (alert_id, user_id) IN (SELECT alert_id, user_id FROM deliveries
        WHERE channel = $1 AND edit_due LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING alert_id, user_id, channel, round, attempts, missed, external";

/// The index of the archive.
pub(super) const ARCHIVE: &str =
    "CREATE TABLE archive_words (doc BIGINT PRIMARY KEY, lemmas TSVECTOR NOT NULL);
    CREATE INDEX archive_words_lemmas ON archive_words USING GIN (lemmas);";

/// Puts utterances into the index: `[[doc, words with their places], …]`.
pub(super) const ARCHIVE_PUT: &str = "INSERT INTO archive_words (doc, lemmas)
    SELECT CAST(value->>0 AS BIGINT), CAST(value->>1 AS TSVECTOR) FROM json_each($1)
    ON CONFLICT (doc) DO UPDATE SET lemmas = excluded.lemmas";

/// Takes utterances out of the index.
pub(super) const ARCHIVE_TAKE: &str = "DELETE FROM archive_words
    WHERE doc IN (SELECT CAST(value->>0 AS BIGINT) FROM json_each($1))";

/// Utterances with these words within a span of places, the latest first.
pub(super) const ARCHIVE_FIND: &str = "SELECT doc FROM archive_words
    WHERE lemmas @@ CAST($1 AS TSQUERY) AND doc < $2 AND doc >= $3 ORDER BY doc DESC LIMIT $4";

/// Utterances that wait for the index, the new ones first. Who changes one meanwhile waits, and marks it anew.
pub(super) const ARCHIVE_WAITING: &str =
    "SELECT t.conversation_id, t.utterance, v.archive_key, t.text, t.lemmas
    FROM utterance_texts t JOIN conversations v ON v.id = t.conversation_id
    WHERE t.indexing < 2 ORDER BY t.indexing LIMIT $1 FOR UPDATE OF t";

/// Lets one node at a time fill the index.
pub(super) const LOCK_ARCHIVE: &str =
    "SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.gradus.archive'))";

/// A question that takes longer is given up.
pub(super) const ASK_BRIEFLY: &str = "SET LOCAL statement_timeout = 2000";

/// Serialises the appends of all nodes, so that positions are without gaps and become visible in their order.
pub(super) const LOCK_LOG: &str = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.gradus.log'))";

pub(super) const APPEND: &str = "INSERT INTO events (position, stream, sequence, at_ms, recorded_ms, kind, body,
        protocol_version, rules_version)
    SELECT * FROM UNNEST($1::BIGINT[], $2::TEXT[], $3::BIGINT[], $4::BIGINT[], $5::BIGINT[], $6::TEXT[], $7::TEXT[],
        $8::TEXT[], $9::TEXT[])";

/// Connects to the server.
pub(super) async fn open(url: &str) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(|error| StoreError::Open {
        what: without_password(url),
        why: format!("{error}; write postgres://user:password@host:5432/database"),
    })?;
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options.application_name("gradus"))
        .await
        .map_err(|error| StoreError::Open { what: without_password(url), why: error.to_string() })
}

/// Hides the password of an address before it is shown.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((user, host)) = rest.rsplit_once('@') else { return url.to_owned() };
    let name = user.split(':').next().unwrap_or("");
    format!("{scheme}://{name}:…@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        assert_eq!(without_password("postgres://ann:s@c:ret@db/x"), "postgres://ann:…@db/x");
        assert_eq!(without_password("postgres://db/x"), "postgres://db/x");
    }
}
