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

/// How a former case of a reason was solved.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Solved {
    /// What was decided, in words.
    pub decision: String,
    /// What it cost, decimal.
    pub cost: String,
    /// The currency of the cost.
    pub currency: String,
    /// Whether the customer had no other case within 14 days.
    pub held: bool,
}

impl Store {
    /// Returns how closed cases of a reason were solved, the latest first.
    pub async fn solved(&self, reason: &str, limit: i64) -> Result<Vec<Solved>, StoreError> {
        const FORTNIGHT_MS: i64 = 14 * 24 * 3_600_000;
        let sql = "SELECT c.decision, COALESCE(c.cost, '0') AS cost, COALESCE(c.currency, 'RUB') AS currency,
                       NOT EXISTS (SELECT 1 FROM cases o WHERE o.customer_id = c.customer_id AND o.id <> c.id
                           AND o.opened_at_ms > c.closed_at_ms AND o.opened_at_ms <= c.closed_at_ms + $3) AS held
                   FROM cases c WHERE c.closed_at_ms IS NOT NULL AND c.reason = $1 AND c.decision IS NOT NULL
                   ORDER BY c.closed_at_ms DESC, c.id LIMIT $2";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(reason)
            .bind(limit)
            .bind(FORTNIGHT_MS)
            .fetch_all(pool)
            .await?))
    }
}
