//! Cases that have to do with each other: the same matter twice becomes one case, what belongs together is linked.
//!
//! Merging goes from the younger case into the older one, whose clocks have run longer: the customer waits since then.

use gradus_engine::case::{Action, CaseName, Priority, StaffId};

use crate::desk::Desk;
use crate::pipeline::ActError;
use crate::store::{CaseRow, StoreError, UserId};

/// Why two cases are not brought together.
#[derive(Debug, thiserror::Error)]
pub enum RelateError {
    /// A case and itself.
    #[error("a case cannot be merged or linked with itself: give the number of another one")]
    Itself,
    /// The wrong way round.
    #[error(
        "case {younger} is the younger one: open it and merge it into case {older}, whose clocks have run longer"
    )]
    Younger {
        /// The case that was to take in the other.
        younger: i64,
        /// The other.
        older: i64,
    },
    /// Two customers.
    #[error("the cases belong to two different customers: link them instead")]
    Customers,
    /// A case without a conversation has no log to write to.
    #[error(
        "case {0} has no conversation: it can be linked or merged from the other side only when it has one"
    )]
    NoConversation(i64),
    /// What the engine refuses, or is broken.
    #[error(transparent)]
    Act(#[from] ActError),
}

impl From<StoreError> for RelateError {
    fn from(error: StoreError) -> Self {
        Self::Act(ActError::Broken(error.into()))
    }
}

fn name(row: &CaseRow) -> CaseName {
    CaseName { id: row.id.to_string(), number: row.number }
}

impl Desk {
    /// Merges a case into an older one: its people follow there, its conversation belongs there, and it is over.
    ///
    /// # Errors
    /// Says why not.
    pub async fn merge(&self, by: &UserId, row: &CaseRow, into: &CaseRow) -> Result<(), RelateError> {
        if row.id == into.id {
            return Err(RelateError::Itself);
        }
        if (into.opened_at_ms, into.number) > (row.opened_at_ms, row.number) {
            return Err(RelateError::Younger { younger: into.number, older: row.number });
        }
        if let (Some(one), Some(other)) = (&row.customer_id, &into.customer_id)
            && one != other
        {
            return Err(RelateError::Customers);
        }
        let people = self.store.followers_of(&row.id).await?;
        let people = people.into_iter().map(|(id, _)| id).chain(row.owner_id.clone());
        let asks = self.store.asks_of_case(&row.id).await?;
        let asks = asks.into_iter().filter(|ask| ask.answered_at_ms.is_none()).map(|ask| ask.department);
        let known = Priority::ALL.into_iter().find(|priority| priority.name() == row.priority);
        let taken = Action::TakeIn {
            case: name(row),
            priority: known.unwrap_or(Priority::Normal),
            followers: people.map(|id| StaffId(id.0)).collect(),
            asks: asks.collect(),
        };
        self.both(by, (row, Action::MergeInto { into: name(into) }), (into, taken), "case.merge").await
    }

    /// Links two cases, or takes that back.
    ///
    /// # Errors
    /// Says why not.
    pub async fn link(
        &self,
        by: &UserId,
        row: &CaseRow,
        other: &CaseRow,
        linked: bool,
    ) -> Result<(), RelateError> {
        if row.id == other.id {
            return Err(RelateError::Itself);
        }
        let action = |case| if linked { Action::Link { case } } else { Action::Unlink { case } };
        let what = if linked { "case.link" } else { "case.unlink" };
        self.both(by, (row, action(name(other))), (other, action(name(row))), what).await
    }

    async fn both(
        &self,
        by: &UserId,
        (row, here): (&CaseRow, Action),
        (other, there): (&CaseRow, Action),
        what: &str,
    ) -> Result<(), RelateError> {
        let of = |row: &CaseRow| row.conversation_id.clone().ok_or(RelateError::NoConversation(row.number));
        let (conversation, others) = (of(row)?, of(other)?);
        let now = self.clock.now();
        self.pipeline.act_in_both([(&conversation, here), (&others, there)], by, now).await?;
        let (object, detail) = (format!("case:{}", row.id), format!("case:{}", other.id));
        self.store.audit(now, &by.0, what, &object, &detail).await?;
        Ok(())
    }
}
