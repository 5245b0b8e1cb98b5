//! The figures of the simple weekly page.

use std::collections::BTreeMap;

use gradus_engine::time::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::Store;
use super::engine::on;
use super::error::StoreError;

/// A name with how often it occurred, most frequent first.
pub type Counts = Vec<(String, i64)>;

/// What happened between two moments.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Weekly {
    /// Conversations that began.
    pub conversations: i64,
    /// Of these, how many had a decision to engage somebody.
    pub escalated: i64,
    /// Of all, how many came from a customer who had been in contact within the 14 days before.
    pub repeated: i64,
    /// Cases that were opened.
    pub opened: i64,
    /// Cases that were closed.
    pub closed: i64,
    /// Cases that are open at the end of the span.
    pub left_open: i64,
    /// Decisions of the protocol by their name.
    pub by_decision: Counts,
    /// Decisions to engage somebody by their reason.
    pub by_reason: Counts,
    /// Conversations with a decision to engage somebody, by agent; the empty name is «unknown».
    pub by_agent: Counts,
    /// Closed cases by the reason given when closing.
    pub by_resolution: Counts,
    /// What the closed cases cost, by currency.
    pub cost: BTreeMap<String, Decimal>,
}

impl Store {
    /// Counts what happened from `from` up to, and without, `to`. A team sees its own, `None` sees all.
    pub async fn weekly(
        &self,
        team: Option<&str>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Weekly, StoreError> {
        let costs = self.costs(team, from, to).await?;
        let mut cost = BTreeMap::new();
        for (currency, amount) in costs {
            let amount: Decimal = amount.parse().map_err(|error| {
                StoreError::Broken(format!("the cost \"{amount}\" of a closed case: {error}"))
            })?;
            let sum: &mut Decimal = cost.entry(currency).or_default();
            *sum = sum.saturating_add(amount);
        }
        Ok(Weekly {
            conversations: self.count(CONVERSATIONS, team, from, to).await?,
            escalated: self.count(ESCALATED, team, from, to).await?,
            repeated: self.count(REPEATED, team, from, to).await?,
            opened: self.count(OPENED, team, from, to).await?,
            closed: self.count(CLOSED, team, from, to).await?,
            left_open: self.count(LEFT_OPEN, team, from, to).await?,
            by_decision: self.counts(BY_DECISION, team, from, to).await?,
            by_reason: self.counts(BY_REASON, team, from, to).await?,
            by_agent: self.counts(BY_AGENT, team, from, to).await?,
            by_resolution: self.counts(BY_RESOLUTION, team, from, to).await?,
            cost,
        })
    }

    /// Counts, for each span, the conversations that began in it and those of them that were escalated.
    pub async fn escalated_in(
        &self,
        team: Option<&str>,
        spans: &[(Timestamp, Timestamp)],
    ) -> Result<Vec<(i64, i64)>, StoreError> {
        let mut counted = Vec::with_capacity(spans.len());
        for &(from, to) in spans {
            let all = self.count(CONVERSATIONS, team, from, to).await?;
            counted.push((all, self.count(ESCALATED, team, from, to).await?));
        }
        Ok(counted)
    }

    async fn count(
        &self,
        sql: &'static str,
        team: Option<&str>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<i64, StoreError> {
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql)
            .bind(team)
            .bind(from.millis())
            .bind(to.millis())
            .fetch_one(pool)
            .await?))
    }

    async fn counts(
        &self,
        sql: &'static str,
        team: Option<&str>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Counts, StoreError> {
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(from.millis())
            .bind(to.millis())
            .fetch_all(pool)
            .await?))
    }

    async fn costs(
        &self,
        team: Option<&str>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let sql = "SELECT currency, cost FROM cases
                   WHERE (CAST($1 AS TEXT) IS NULL OR team = $1) AND merged_into IS NULL AND closed_at_ms >= $2 AND closed_at_ms < $3
                     AND cost IS NOT NULL AND currency IS NOT NULL";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(from.millis())
            .bind(to.millis())
            .fetch_all(pool)
            .await?))
    }
}

const CONVERSATIONS: &str = "SELECT COUNT(*) FROM conversations
    WHERE (CAST($1 AS TEXT) IS NULL OR team = $1) AND started_at_ms >= $2 AND started_at_ms < $3";

const ESCALATED: &str = "SELECT COUNT(*) FROM conversations v
    WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND v.started_at_ms >= $2 AND v.started_at_ms < $3
      AND EXISTS (SELECT 1 FROM decisions d WHERE d.conversation_id = v.id
                      AND d.decision IN ('engage', 'engage_now', 'functional'))";

const REPEATED: &str = "SELECT COUNT(*) FROM conversations v
    WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND v.started_at_ms >= $2 AND v.started_at_ms < $3
      AND EXISTS (SELECT 1 FROM conversations p WHERE p.customer_id = v.customer_id
                      AND p.started_at_ms < v.started_at_ms AND p.started_at_ms >= v.started_at_ms - 1209600000)";

// A case that goes on in another one is the same matter, counted once.
const OPENED: &str = "SELECT COUNT(*) FROM cases
    WHERE (CAST($1 AS TEXT) IS NULL OR team = $1) AND merged_into IS NULL AND opened_at_ms >= $2 AND opened_at_ms < $3";

const CLOSED: &str = "SELECT COUNT(*) FROM cases
    WHERE (CAST($1 AS TEXT) IS NULL OR team = $1) AND merged_into IS NULL AND closed_at_ms >= $2 AND closed_at_ms < $3";

const LEFT_OPEN: &str = "SELECT COUNT(*) FROM cases
    WHERE (CAST($1 AS TEXT) IS NULL OR team = $1) AND merged_into IS NULL AND opened_at_ms < $3
      AND (closed_at_ms IS NULL OR closed_at_ms >= $3) AND $2 <= $3";

const BY_DECISION: &str = "SELECT d.decision, COUNT(*) AS n FROM decisions d
    JOIN conversations v ON v.id = d.conversation_id
    WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND d.at_ms >= $2 AND d.at_ms < $3
    GROUP BY d.decision ORDER BY n DESC, d.decision";

const BY_REASON: &str = "SELECT d.reason, COUNT(*) AS n FROM decisions d
    JOIN conversations v ON v.id = d.conversation_id
    WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND d.at_ms >= $2 AND d.at_ms < $3
      AND d.decision IN ('engage', 'engage_now', 'functional')
    GROUP BY d.reason ORDER BY n DESC, d.reason";

const BY_AGENT: &str =
    "SELECT COALESCE(g.name, v.agent_name, '') AS agent, COUNT(*) AS n FROM conversations v
    LEFT JOIN users g ON g.id = v.agent_id
    WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND v.started_at_ms >= $2 AND v.started_at_ms < $3
      AND EXISTS (SELECT 1 FROM decisions d WHERE d.conversation_id = v.id
                      AND d.decision IN ('engage', 'engage_now', 'functional'))
    GROUP BY COALESCE(g.name, v.agent_name, '') ORDER BY n DESC, agent";

const BY_RESOLUTION: &str = "SELECT COALESCE(reason, '') AS why, COUNT(*) AS n FROM cases
    WHERE (CAST($1 AS TEXT) IS NULL OR team = $1) AND merged_into IS NULL AND closed_at_ms >= $2 AND closed_at_ms < $3
    GROUP BY COALESCE(reason, '') ORDER BY n DESC, why";
