//! The resolution: without reason, decision, cost and conclusion no case is closed.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Refusal;
use crate::decision::Reason;

/// What closes a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// Why the conversation escalated.
    pub reason: ResolutionReason,
    /// What was decided, in words.
    pub decision: String,
    /// What it costs the company; an empty list says that it costs nothing.
    pub costs: Vec<Cost>,
    /// What is to be learned.
    pub conclusion: String,
}

/// Why it escalated, as the supervisor sees it afterwards.
pub type ResolutionReason = Reason;

/// A cost in money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// What kind of cost.
    pub kind: CostKind,
    /// How much, never negative.
    pub amount: Decimal,
    /// ISO 4217 code, such as `RUB`.
    pub currency: String,
}

/// Kinds of cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostKind {
    /// A discount.
    Discount,
    /// A bonus or gift.
    Bonus,
    /// Money given back.
    Refund,
    /// Delivery, work or goods at the company's expense.
    Other,
}

impl CostKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Discount, Self::Bonus, Self::Refund, Self::Other];

    /// Returns the name used in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discount => "discount",
            Self::Bonus => "bonus",
            Self::Refund => "refund",
            Self::Other => "other",
        }
    }
}

/// Longest text of a decision or a conclusion, in code points.
const MAX_TEXT: usize = 4_000;

impl Resolution {
    /// Checks that everything is there.
    ///
    /// # Errors
    /// `Refusal::Incomplete` names what is missing or wrong.
    pub fn check(&self) -> Result<(), Refusal> {
        let texts = [
            (&self.decision, "the decision (what was decided)"),
            (&self.conclusion, "the conclusion (what is to be learned)"),
        ];
        for (text, what) in texts {
            if text.trim().is_empty() || text.chars().count() > MAX_TEXT {
                return Err(Refusal::Incomplete(what));
            }
        }
        for cost in &self.costs {
            if cost.amount.is_sign_negative() {
                return Err(Refusal::Incomplete("a cost of zero or more"));
            }
            if cost.currency.len() != 3 || !cost.currency.bytes().all(|sign| sign.is_ascii_uppercase()) {
                return Err(Refusal::Incomplete("a currency of three capital letters, such as RUB"));
            }
        }
        Ok(())
    }

    /// Returns the sum of the costs in one currency.
    pub fn total(&self, currency: &str) -> Decimal {
        self.costs.iter().filter(|cost| cost.currency == currency).map(|cost| cost.amount).sum()
    }
}
