//! The forms of a case: what was filled in, and what is wrong with it, field by field.

use gradus_engine::case::{Cost, CostKind, Resolution};
use gradus_engine::decision::Reason;
use serde::Deserialize;

use crate::web::Words;

/// Longest text of a field, in code points: the engine's own limit.
const LONGEST: usize = 4_000;

/// What is wrong beside which field.
#[derive(Default)]
pub struct Errors {
    pub(super) reason: Option<&'static str>,
    pub(super) decision: Option<&'static str>,
    pub(super) cost: Option<&'static str>,
    pub(super) conclusion: Option<&'static str>,
    pub(super) note: Option<&'static str>,
    pub(super) to: Option<&'static str>,
    pub(super) text: Option<&'static str>,
    pub(super) other: Option<String>,
    pub(super) file: Option<String>,
}

/// The fields of the resolution; the other forms of the page only have errors.
#[derive(Default, Deserialize)]
pub struct CaseForm {
    #[serde(default)]
    pub(super) csrf: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) decision: String,
    #[serde(default)]
    pub(super) cost: String,
    #[serde(default)]
    pub(super) cost_kind: String,
    #[serde(default)]
    pub(super) conclusion: String,
    /// The template that words to the customer begin from.
    #[serde(skip)]
    pub(super) template: String,
    #[serde(skip)]
    pub(super) errors: Errors,
}

impl CaseForm {
    /// Makes the answer to a note that is wrong.
    pub fn without_note(words: &'static str) -> Self {
        Self { errors: Errors { note: Some(words), ..Errors::default() }, ..Self::default() }
    }

    /// Makes the answer to an action that lacks its words.
    pub fn without_text(words: &'static str) -> Self {
        Self { errors: Errors { text: Some(words), ..Errors::default() }, ..Self::default() }
    }

    /// Makes the answer to another case that does not fit.
    pub fn without_other(words: String) -> Self {
        Self { errors: Errors { other: Some(words), ..Errors::default() }, ..Self::default() }
    }

    /// Makes the answer to a file that does not fit.
    pub fn without_file(words: String) -> Self {
        Self { errors: Errors { file: Some(words), ..Errors::default() }, ..Self::default() }
    }

    /// Makes the answer to a hand-over to nobody.
    pub fn without_person(words: &'static str) -> Self {
        Self { errors: Errors { to: Some(words), ..Errors::default() }, ..Self::default() }
    }

    /// Reads the resolution; on `None` the errors say what is wrong.
    pub fn resolution(&mut self, w: &Words) -> Option<Resolution> {
        let reason: Option<Reason> = self.reason.parse().ok();
        self.errors = Errors {
            reason: reason.is_none().then_some(w.t.e_reason),
            decision: wrong_text(w, &self.decision, w.t.e_decision),
            conclusion: wrong_text(w, &self.conclusion, w.t.e_conclusion),
            ..Errors::default()
        };
        let amount = crate::intake::customers::money(&self.cost);
        match amount {
            None => self.errors.cost = Some(w.t.e_cost),
            Some(amount) if amount.is_sign_negative() && !amount.is_zero() => {
                self.errors.cost = Some(w.t.e_negative)
            }
            Some(_) => {}
        }
        let errors = &self.errors;
        let fine =
            [errors.reason, errors.decision, errors.conclusion, errors.cost].iter().all(Option::is_none);
        let (reason, amount) = (reason?, amount?);
        let kind = cost_kind(&self.cost_kind);
        let costs =
            if amount.is_zero() { Vec::new() } else { vec![Cost { kind, amount, currency: "RUB".into() }] };
        fine.then(|| Resolution {
            reason,
            decision: self.decision.trim().to_owned(),
            costs,
            conclusion: self.conclusion.trim().to_owned(),
        })
    }
}

fn cost_kind(name: &str) -> CostKind {
    match name {
        "discount" => CostKind::Discount,
        "bonus" => CostKind::Bonus,
        "refund" => CostKind::Refund,
        _ => CostKind::Other,
    }
}

fn wrong_text(w: &Words, text: &str, empty: &'static str) -> Option<&'static str> {
    if text.trim().is_empty() { Some(empty) } else { too_long(w, text) }
}

/// Returns what to say of a text that is too long.
pub(super) fn too_long(w: &Words, text: &str) -> Option<&'static str> {
    (text.chars().count() > LONGEST).then_some(w.t.e_too_long)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::web::Lang;

    fn filled(reason: &str, decision: &str, cost: &str, conclusion: &str) -> CaseForm {
        CaseForm {
            reason: reason.into(),
            decision: decision.into(),
            cost: cost.into(),
            conclusion: conclusion.into(),
            ..CaseForm::default()
        }
    }

    #[test]
    fn every_missing_field_is_named_at_once() {
        let w = Words::new(Lang::Ru, TimeZone::UTC, 0);
        let mut form = filled("", " ", "много", "");
        assert!(form.resolution(&w).is_none());
        let said = [form.errors.reason, form.errors.decision, form.errors.cost, form.errors.conclusion];
        assert_eq!(
            said,
            [Some(w.t.e_reason), Some(w.t.e_decision), Some(w.t.e_cost), Some(w.t.e_conclusion)]
        );
        let mut negative = filled("churn", "вернули", "-5", "предупреждать");
        assert!(negative.resolution(&w).is_none());
        assert_eq!(negative.errors.cost, Some(w.t.e_negative));
    }

    #[test]
    fn money_is_read_as_people_write_it_and_zero_costs_nothing() {
        let w = Words::new(Lang::Ru, TimeZone::UTC, 0);
        for (typed, amount) in [("1 500,50", "1500.50"), ("897 ₽", "897"), ("1500р.", "1500")] {
            let resolution = filled("churn", "вернули", typed, "предупреждать").resolution(&w);
            assert_eq!(
                resolution.map(|found| found.total("RUB").to_string()),
                Some(amount.to_owned()),
                "{typed}"
            );
        }
        let free = filled("churn", "извинились", "0", "предупреждать").resolution(&w);
        assert_eq!(free.map(|found| found.costs.len()), Some(0));
    }
}
