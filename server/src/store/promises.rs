//! Promises to customers over time: which fall due, who was told, what became of them.

use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{CaseId, CommitmentId, ConversationId, CustomerId, UserId};

/// A promise that falls due, with who answers for it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct DuePromise {
    pub id: CommitmentId,
    pub conversation_id: ConversationId,
    pub team: Option<String>,
    pub due_at_ms: i64,
    pub case_id: Option<CaseId>,
    /// The owner of the open case, else the agent, while active.
    pub responsible: Option<UserId>,
}

macro_rules! due_select {
    ($rest:literal) => {
        concat!(
            "SELECT p.id, p.conversation_id, v.team, p.due_at_ms, c.id AS case_id, u.id AS responsible
             FROM commitments p
             JOIN conversations v ON v.id = p.conversation_id
             LEFT JOIN cases c ON c.id = v.case_id AND c.closed_at_ms IS NULL
             LEFT JOIN users u ON u.id = COALESCE(c.owner_id, v.agent_id) AND u.active
             WHERE p.state = 'open' AND (v.history_before_ms IS NULL OR v.started_at_ms >= v.history_before_ms) ",
            $rest
        )
    };
}

impl Store {
    /// Returns promises of live conversations that fall due before `soon` and of which nobody was reminded.
    pub async fn promises_soon(
        &self,
        now: Timestamp,
        soon: Timestamp,
    ) -> Result<Vec<DuePromise>, StoreError> {
        let sql = due_select!(
            "AND p.reminded_ms IS NULL AND p.due_at_ms > $1 AND p.due_at_ms <= $2 ORDER BY p.due_at_ms, p.id LIMIT 200"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(now.millis())
            .bind(soon.millis())
            .fetch_all(pool)
            .await?))
    }

    /// Returns promises of live conversations whose time is over and of which nobody was told.
    pub async fn promises_late(&self, now: Timestamp) -> Result<Vec<DuePromise>, StoreError> {
        let sql = due_select!(
            "AND p.late_told_ms IS NULL AND p.due_at_ms <= $1 ORDER BY p.due_at_ms, p.id LIMIT 200"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(now.millis()).fetch_all(pool).await?))
    }

    /// Counts a customer's promises by what became of them; an open one whose time is over counts as `late`.
    pub async fn promises_of(
        &self,
        customer: &CustomerId,
        now: Timestamp,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "SELECT CASE WHEN p.state = 'open' AND p.due_at_ms < $2 THEN 'late' ELSE p.state END AS became, COUNT(*)
                   FROM commitments p JOIN conversations v ON v.id = p.conversation_id
                   WHERE v.customer_id = $1 GROUP BY became ORDER BY became";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(customer)
            .bind(now.millis())
            .fetch_all(pool)
            .await?))
    }
}

/// Notes that somebody is told of a promise, once.
///
/// # Errors
/// `Refused` when it was told before or is settled.
pub(super) async fn told(
    tx: &mut Tx,
    id: &CommitmentId,
    late: bool,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = if late {
        "UPDATE commitments SET late_told_ms = $2 WHERE id = $1 AND late_told_ms IS NULL AND state = 'open'"
    } else {
        "UPDATE commitments SET reminded_ms = $2 WHERE id = $1 AND reminded_ms IS NULL AND state = 'open'"
    };
    let changed = within!(tx, |conn| {
        sqlx::query(sql).bind(id).bind(at.millis()).execute(conn).await?.rows_affected()
    });
    if changed == 0 { Err(StoreError::Refused(format!("promise {id} was told before"))) } else { Ok(()) }
}
