//! What the weekly report asks for beyond counting: times, and what cost how much for what.

use gradus_engine::time::Timestamp;
use rust_decimal::Decimal;

use super::Store;
use super::engine::on;
use super::error::StoreError;
use super::json::Rows;

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

/// One amount that was spent on a closed case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The reason given when closing; empty for none.
    pub reason: String,
    /// The kind: `discount`, `bonus`, `refund`, `other`, `unknown`.
    pub kind: String,
    /// The currency.
    pub currency: String,
    /// The amount.
    pub amount: Decimal,
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

    /// Returns each amount that the closed cases of a span cost, with kind and reason.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when an amount is no number.
    pub async fn spent(
        &self,
        team: Option<&str>,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<Spent>, StoreError> {
        let sql = "SELECT COALESCE(c.reason, '') AS reason, x.kind, x.currency, x.amount
                   FROM cases c JOIN case_costs x ON x.case_id = c.id
                   WHERE (CAST($1 AS TEXT) IS NULL OR c.team = $1) AND c.closed_at_ms >= $2 AND c.closed_at_ms < $3
                   ORDER BY c.number, x.number";
        let rows: Vec<(String, String, String, String)> = on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(from.millis())
            .bind(to.millis())
            .fetch_all(pool)
            .await?);
        rows.into_iter()
            .map(|(reason, kind, currency, amount)| {
                let amount = amount.parse().map_err(|error| {
                    StoreError::Broken(format!("the cost \"{amount}\" of a closed case: {error}"))
                })?;
                Ok(Spent { reason, kind, currency, amount })
            })
            .collect()
    }

    /// Returns the names of customers by their ids; one without a name is absent.
    pub async fn customer_names(&self, ids: &[&str]) -> Result<Vec<(String, String)>, StoreError> {
        let mut wanted = Rows::default();
        for id in ids {
            wanted.push([id])?;
        }
        let Some(wanted) = wanted.finish() else { return Ok(Vec::new()) };
        let sql = "SELECT id, name FROM customers
                   WHERE name IS NOT NULL AND id IN (SELECT value->>0 FROM json_each($1)) ORDER BY id";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(&wanted).fetch_all(pool).await?))
    }
}
