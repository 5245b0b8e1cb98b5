//! What the weekly report asks for beyond the figures of the page: times, verdicts, promises, what cost how much for what.

use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::on;
use super::error::StoreError;
use super::weekly::Counts;

/// The moments of a case, in ms since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CaseTimes {
    /// When it was opened.
    pub opened_at_ms: i64,
    /// When somebody said that they saw it.
    pub acknowledged_at_ms: Option<i64>,
    /// When it was closed.
    pub closed_at_ms: Option<i64>,
}

/// What was spent on closed cases of a reason.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Spent {
    /// The reason given when closing; empty for none.
    pub reason: String,
    /// The currency.
    pub currency: String,
    /// The amount of one case, decimal.
    pub cost: String,
}

impl Store {
    /// Returns the times of the cases that were opened from `from` up to, and without, `to`.
    pub async fn case_times(
        &self,
        team: Option<&str>,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<CaseTimes>, StoreError> {
        let sql = "SELECT opened_at_ms, acknowledged_at_ms, closed_at_ms FROM cases
                   WHERE (CAST($1 AS TEXT) IS NULL OR team = $1) AND opened_at_ms >= $2 AND opened_at_ms < $3
                     AND merged_into IS NULL ORDER BY number";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(from.millis())
            .bind(to.millis())
            .fetch_all(pool)
            .await?))
    }

    /// Returns what each closed case of a span cost, with its reason.
    pub async fn spent(
        &self,
        team: Option<&str>,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<Spent>, StoreError> {
        let sql = "SELECT COALESCE(reason, '') AS reason, currency, cost FROM cases
                   WHERE (CAST($1 AS TEXT) IS NULL OR team = $1) AND closed_at_ms >= $2 AND closed_at_ms < $3
                     AND cost IS NOT NULL AND currency IS NOT NULL ORDER BY number";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(from.millis())
            .bind(to.millis())
            .fetch_all(pool)
            .await?))
    }

    /// Counts the verdicts on the alerts of a span: `right`, `wrong`, and the empty name for none.
    pub async fn alert_verdicts(
        &self,
        team: Option<&str>,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Counts, StoreError> {
        let sql = "SELECT COALESCE(a.verdict, '') AS said, COUNT(*) AS n FROM alerts a
                   LEFT JOIN conversations v ON v.id = a.conversation_id
                   WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND a.created_at_ms >= $2 AND a.created_at_ms < $3
                   GROUP BY COALESCE(a.verdict, '') ORDER BY n DESC, said";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(from.millis())
            .bind(to.millis())
            .fetch_all(pool)
            .await?))
    }

    /// Counts the promises that fell due in a span by what became of them.
    pub async fn promises_due(
        &self,
        team: Option<&str>,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Counts, StoreError> {
        let sql = "SELECT p.state, COUNT(*) AS n FROM commitments p JOIN conversations v ON v.id = p.conversation_id
                   WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND p.due_at_ms >= $2 AND p.due_at_ms < $3
                   GROUP BY p.state ORDER BY n DESC, p.state";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(from.millis())
            .bind(to.millis())
            .fetch_all(pool)
            .await?))
    }

    /// Counts, by agent, the conversations in which the agent called somebody without a single attempt of their own, although
    /// the protocol did not engage anybody at once. The empty name is «unknown».
    pub async fn without_attempt(
        &self,
        team: Option<&str>,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Counts, StoreError> {
        let sql = "SELECT COALESCE(g.name, v.agent_name, '') AS agent, COUNT(*) AS n FROM conversations v
                   LEFT JOIN users g ON g.id = v.agent_id
                   WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND v.started_at_ms >= $2 AND v.started_at_ms < $3
                     AND v.attempts = 0
                     AND EXISTS (SELECT 1 FROM signals s WHERE s.conversation_id = v.id AND s.kind = 'escalation_offer')
                     AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.conversation_id = v.id AND d.decision = 'engage_now')
                   GROUP BY COALESCE(g.name, v.agent_name, '') ORDER BY n DESC, agent";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(from.millis())
            .bind(to.millis())
            .fetch_all(pool)
            .await?))
    }
}
