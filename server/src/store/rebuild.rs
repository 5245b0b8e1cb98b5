//! Rebuilding: everything that is read off the events is thrown away and read off them again.

use super::append::Places;
use super::change::Change;
use super::engine::{Tx, within};
use super::error::StoreError;
use super::log::StoredEvent;
use super::writer::apply_all;
use super::{ConversationId, Reach, Store};

/// How many events are held at once.
const PAGE: i64 = 5_000;

/// A verdict of a person on a signal, kept over the rebuild: it is not read off the events.
type VerdictRow = (ConversationId, i64, String, String, String, Option<String>);

impl Store {
    /// Replays the whole log through `read_off` and rewrites the projections with the changes it returns; returns how
    /// many events there were. Readers see the old state until it is done.
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
        let verdicts: Vec<VerdictRow> = within!(&mut tx, |conn| {
            sqlx::query_as(
                "SELECT conversation_id, utterance, kind, rule, verdict, verdict_by FROM signals
                 WHERE verdict IS NOT NULL",
            )
            .fetch_all(conn)
            .await?
        });
        for sql in [
            "DELETE FROM signals",
            "DELETE FROM heat_points",
            "DELETE FROM decisions",
            "DELETE FROM commitments",
            "UPDATE conversations SET utterances = 0, heat_last = 0, heat_max = 0, heat_at_ms = 0, calmed_at = NULL,
                 attempts = 0, decision = NULL, decision_reason = NULL, decision_at_ms = NULL,
                 quote_utterance = NULL, quote_start = NULL, quote_end = NULL, quote_kind = NULL",
        ] {
            tx.run(sql).await?;
        }
        let mut last = 0;
        let mut count = 0;
        loop {
            let page = events_after(&mut tx, last).await?;
            let Some(newest) = page.last() else { break };
            last = newest.position;
            for event in &page {
                count += 1;
                for mut change in read_off(event)? {
                    match &mut change {
                        // The versions of then mean nothing now.
                        Change::UpdateCase(case) => case.version = None,
                        // Nobody is called again.
                        Change::Alert(alert) => alert.reach = Reach::default(),
                        Change::ClimbAlert(climb) => climb.reach = Reach::default(),
                        _ => {}
                    }
                    match apply_all(&mut tx, std::iter::once(&change)).await {
                        Err(StoreError::Refused(_)) | Ok(()) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        put_back(&mut tx, verdicts).await?;
        tx.run("UPDATE deliveries SET edit_due = FALSE WHERE edit_due").await?;
        tx.commit().await?;
        Ok(count)
    }
}

async fn events_after(tx: &mut Tx, after: i64) -> Result<Vec<StoredEvent>, StoreError> {
    let sql =
        "SELECT position, stream, sequence, at_ms, recorded_ms, kind, body, protocol_version, rules_version
               FROM events WHERE position > $1 ORDER BY position LIMIT $2";
    Ok(within!(tx, |conn| sqlx::query_as(sql).bind(after).bind(PAGE).fetch_all(conn).await?))
}

async fn put_back(tx: &mut Tx, verdicts: Vec<VerdictRow>) -> Result<(), StoreError> {
    let sql = "UPDATE signals SET verdict = $5, verdict_by = $6
               WHERE conversation_id = $1 AND utterance = $2 AND kind = $3 AND rule = $4";
    for (conversation, utterance, kind, rule, verdict, by) in verdicts {
        within!(tx, |conn| {
            sqlx::query(sql)
                .bind(conversation)
                .bind(utterance)
                .bind(kind)
                .bind(rule)
                .bind(verdict)
                .bind(by)
                .execute(conn)
                .await?;
        });
    }
    Ok(())
}
