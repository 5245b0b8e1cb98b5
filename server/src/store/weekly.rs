//! The figures of a week, each counted as [`Counted`] says.

use std::collections::BTreeMap;

use gradus_engine::time::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::Store;
use super::counted::{Counted, Counts, Which};
use super::error::StoreError;

/// What happened between two moments.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Weekly {
    /// Conversations that began.
    pub conversations: i64,
    /// Of these, how many had a decision to engage somebody.
    pub escalated: i64,
    /// Of all, how many came from a customer who had been in contact within the 14 days before.
    pub repeated: i64,
    /// The same within the 7 days before.
    pub repeated_soon: i64,
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
        let of = |counted| Which::of(counted, team, (from, to));
        let mut cost = BTreeMap::new();
        for spent in self.spent(team, (from, to)).await? {
            let sum: &mut Decimal = cost.entry(spent.currency).or_default();
            *sum = sum.saturating_add(spent.amount);
        }
        Ok(Weekly {
            conversations: self.counted(&of(Counted::Talks)).await?,
            escalated: self.counted(&of(Counted::Escalated)).await?,
            repeated: self.counted(&of(Counted::Repeated)).await?,
            repeated_soon: self.counted(&of(Counted::RepeatedSoon)).await?,
            opened: self.counted(&of(Counted::Opened)).await?,
            closed: self.counted(&of(Counted::Closed)).await?,
            left_open: self.counted(&of(Counted::Left)).await?,
            by_decision: self.counted_by(&of(Counted::Decided)).await?,
            by_reason: self.counted_by(&of(Counted::Engaged)).await?,
            by_agent: self.counted_by(&of(Counted::Escalated)).await?,
            by_resolution: self.counted_by(&of(Counted::Closed)).await?,
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
        for span in spans {
            let of = |counted| Which::of(counted, team, *span);
            let all = self.counted(&of(Counted::Talks)).await?;
            counted.push((all, self.counted(&of(Counted::Escalated)).await?));
        }
        Ok(counted)
    }
}
