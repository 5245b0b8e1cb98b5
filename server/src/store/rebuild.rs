//! Rebuilding: everything that is read off the events is thrown away and read off them again.

use super::append::Places;
use super::bulk::Bulk;
use super::change::Change;
use super::corrections::{Corrected, corrected, put_corrected};
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::log::StoredEvent;
use super::writer::{apply, collect};
use super::{ConversationId, ConversationKey, Reach, Store};

/// How many events are held at once.
const PAGE: i64 = 5_000;

/// A verdict of a person on a signal: it is not read off the events.
type VerdictRow = (ConversationId, i64, String, String, String, Option<String>, Option<i64>);

/// What of a case is not read off the events: its words, of which the log has the hash alone, and its version.
type CaseWordsRow = (String, i64, Option<String>, Option<String>);

/// What people say of a promise, and who was told of it.
type PromiseRow = (String, String, Option<i64>, Option<String>, Option<i64>, Option<i64>);

/// How often an alert was given while it was open: giving it again in a rebuild is no repeat.
type RepeatsRow = (String, i64);

/// What outlives a rebuild.
struct Kept {
    verdicts: Vec<VerdictRow>,
    case_words: Vec<CaseWordsRow>,
    repeats: Vec<RepeatsRow>,
    promises: Vec<PromiseRow>,
    corrected: Corrected,
}

impl Store {
    /// Replays the whole log through `read_off` and rewrites the projections with the changes it returns; returns how
    /// many events there were. The events of one stream come together, in their order. Readers see the old state until
    /// it is done.
    ///
    /// Signals, heat, decisions, promises and the judged columns of conversations are removed first. Words, names, cases,
    /// their timelines and alerts are kept and overwritten where a change names them. A change that is refused in the
    /// present state (closing what is closed) is passed over; every other error ends the rebuild and nothing changes.
    pub async fn rebuild<F>(&self, mut read_off: F) -> Result<i64, StoreError>
    where
        F: FnMut(&StoredEvent) -> Result<Vec<Change>, StoreError> + Send,
    {
        let mut tx = self.write.begin().await?;
        // Nobody appends meanwhile.
        Places::take(&mut tx, std::iter::empty()).await?;
        let kept = keep(&mut tx).await?;
        for sql in [
            "DELETE FROM signals",
            "DELETE FROM heat_points",
            "DELETE FROM decisions",
            "DELETE FROM commitments",
            "UPDATE conversations SET utterances = 0, heat_last = 0, heat_max = 0, heat_at_ms = 0, calmed_at = NULL,
                 attempts = 0, decision = NULL, decision_reason = NULL, decision_at_ms = NULL,
                 quote_utterance = NULL, quote_start = NULL, quote_end = NULL, quote_kind = NULL, hints = NULL",
        ] {
            tx.run(sql).await?;
        }
        let mut last = (String::new(), -1);
        let mut count = 0;
        loop {
            let page = events_after(&mut tx, &last).await?;
            let Some(newest) = page.last() else { break };
            last = (newest.stream.clone(), newest.sequence);
            let mut changes = Vec::new();
            for event in &page {
                count += 1;
                changes.extend(read_off(event)?);
            }
            write(&mut tx, &mut changes).await?;
        }
        put_back(&mut tx, kept).await?;
        tx.run("UPDATE deliveries SET edit_due = FALSE WHERE edit_due").await?;
        tx.commit().await?;
        Ok(count)
    }

    /// Returns the versions of the protocols that the events of conversations were judged by.
    pub async fn protocol_versions(&self) -> Result<Vec<String>, StoreError> {
        let sql =
            "SELECT DISTINCT protocol_version FROM events WHERE stream LIKE 'conversation:%' ORDER BY 1";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).fetch_all(pool).await?))
    }

    /// Returns of every conversation what its events do not say.
    pub async fn conversation_keys(&self) -> Result<Vec<ConversationKey>, StoreError> {
        let sql = "SELECT id, channel, customer_id, team FROM conversations ORDER BY id";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).fetch_all(pool).await?))
    }
}

async fn events_after(tx: &mut Tx, after: &(String, i64)) -> Result<Vec<StoredEvent>, StoreError> {
    let sql =
        "SELECT position, stream, sequence, at_ms, recorded_ms, kind, body, protocol_version, rules_version
               FROM events WHERE (stream, sequence) > ($1, $2) ORDER BY stream, sequence LIMIT $3";
    Ok(within!(tx, |conn| {
        sqlx::query_as(sql).bind(&after.0).bind(after.1).bind(PAGE).fetch_all(conn).await?
    }))
}

/// Writes the changes of a page: the frequent ones together, the rare ones one by one in their order.
async fn write(tx: &mut Tx, changes: &mut [Change]) -> Result<(), StoreError> {
    for change in changes.iter_mut() {
        match change {
            // The versions of then mean nothing now.
            Change::UpdateCase(case) => case.version = None,
            // Nobody is called again.
            Change::Alert(alert) => alert.reach = Reach::default(),
            Change::ClimbAlert(climb) => climb.reach = Reach::default(),
            _ => {}
        }
    }
    let mut bulk = Bulk::default();
    for change in changes.iter() {
        // A mark that faded or was forgiven since does not come back.
        if matches!(change, Change::MarkCustomer { .. }) || collect(&mut bulk, change) {
            continue;
        }
        match apply(tx, change).await {
            Err(StoreError::Refused(_)) | Ok(()) => {}
            Err(error) => return Err(error),
        }
    }
    bulk.flush(tx).await
}

async fn keep(tx: &mut Tx) -> Result<Kept, StoreError> {
    let corrected = corrected(tx).await?;
    within!(tx, |conn| {
        let verdicts = sqlx::query_as(
            "SELECT conversation_id, utterance, kind, rule, verdict, verdict_by, verdict_at_ms FROM signals
             WHERE verdict IS NOT NULL",
        )
        .fetch_all(&mut *conn)
        .await?;
        let case_words = sqlx::query_as("SELECT id, version, decision, conclusion FROM cases")
            .fetch_all(&mut *conn)
            .await?;
        let repeats = sqlx::query_as("SELECT id, repeats FROM alerts").fetch_all(&mut *conn).await?;
        let promises = sqlx::query_as(
            "SELECT id, state, closed_at_ms, closed_by, reminded_ms, late_told_ms FROM commitments
             WHERE state <> 'open' OR reminded_ms IS NOT NULL OR late_told_ms IS NOT NULL",
        )
        .fetch_all(conn)
        .await?;
        Ok(Kept { verdicts, case_words, repeats, promises, corrected })
    })
}

async fn put_back(tx: &mut Tx, kept: Kept) -> Result<(), StoreError> {
    put_corrected(tx, kept.corrected).await?;
    let sql = "UPDATE signals SET verdict = $5, verdict_by = $6, verdict_at_ms = $7
               WHERE conversation_id = $1 AND utterance = $2 AND kind = $3 AND rule = $4";
    for (conversation, utterance, kind, rule, verdict, by, at_ms) in kept.verdicts {
        within!(tx, |conn| {
            sqlx::query(sql)
                .bind(conversation)
                .bind(utterance)
                .bind(kind)
                .bind(rule)
                .bind(verdict)
                .bind(by)
                .bind(at_ms)
                .execute(conn)
                .await?;
        });
    }
    for (id, version, decision, conclusion) in kept.case_words {
        within!(tx, |conn| {
            sqlx::query("UPDATE cases SET version = $2, decision = $3, conclusion = $4 WHERE id = $1")
                .bind(id)
                .bind(version)
                .bind(decision)
                .bind(conclusion)
                .execute(conn)
                .await?;
        });
    }
    for (id, state, closed_at, closed_by, reminded, late_told) in kept.promises {
        within!(tx, |conn| {
            sqlx::query(
                "UPDATE commitments SET state = $2, closed_at_ms = $3, closed_by = $4, reminded_ms = $5,
                     late_told_ms = $6 WHERE id = $1",
            )
            .bind(id)
            .bind(state)
            .bind(closed_at)
            .bind(closed_by)
            .bind(reminded)
            .bind(late_told)
            .execute(conn)
            .await?;
        });
    }
    for (id, repeats) in kept.repeats {
        within!(tx, |conn| {
            sqlx::query("UPDATE alerts SET repeats = $2 WHERE id = $1")
                .bind(id)
                .bind(repeats)
                .execute(conn)
                .await?;
        });
    }
    Ok(())
}
