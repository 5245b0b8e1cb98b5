//! What becomes of conclusions: somebody carries them out by a date, and afterwards it shows whether the same reason came back.
//!
//! The comparison is of counts in two spans of equal length and claims no cause; `docs/report.md` has the words.

use gradus_engine::time::{Millis, Timestamp};

use crate::store::{ConversationId, ReasonTime};

/// Days that are looked at after a task was done, at most, and as many before it was given.
pub const MOST_DAYS: i64 = 28;
/// Fewer days than these say nothing.
pub const FEWEST_DAYS: i64 = 7;

const DAY_MS: i64 = 24 * 3_600_000;

/// Whether a reason came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Too few days have passed.
    TooEarly,
    /// Not once.
    Gone,
    /// Less often than in as many days before.
    Rarer,
    /// As often, or more often.
    Back,
}

/// How often a reason occurred before a task was given and after it was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comeback {
    /// Conversations in so many days before it was given.
    pub before: usize,
    /// Conversations in as many days after it was done.
    pub after: usize,
    /// How many full days each span has.
    pub days: i64,
    /// What that says.
    pub verdict: Verdict,
    /// The last conversation after it was done, with its time in ms.
    pub last: Option<(ConversationId, i64)>,
}

/// Compares how often a reason occurred in two spans of equal length: up to 28 days before the task was given, and as many
/// days after it was done. `times` are the first decisions of conversations with that reason.
pub fn came_back(times: &[ReasonTime], given: Timestamp, done: Timestamp, now: Timestamp) -> Comeback {
    let days = ((now.millis() - done.millis()) / DAY_MS).clamp(0, MOST_DAYS);
    let span = days * DAY_MS;
    let within = |from: i64, to: i64| times.iter().filter(move |time| time.at_ms >= from && time.at_ms < to);
    let before = within(given.millis() - span, given.millis()).count();
    let after = within(done.millis(), done.millis() + span).count();
    let last = within(done.millis(), now.millis()).max_by_key(|time| time.at_ms);
    let verdict = match (days, after) {
        (..FEWEST_DAYS, _) => Verdict::TooEarly,
        (_, 0) => Verdict::Gone,
        (_, after) if after < before => Verdict::Rarer,
        _ => Verdict::Back,
    };
    let last = last.map(|time| (time.conversation_id.clone(), time.at_ms));
    Comeback { before, after, days, verdict, last }
}

/// Returns from when on occurrences are needed for [`came_back`].
pub fn needed_from(given: Timestamp) -> Timestamp {
    given.minus(Millis::minutes(MOST_DAYS.unsigned_abs() * 24 * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: i64 = 1_000 * DAY_MS;

    fn said(at_days: &[i64], done_after: i64, now_after: i64) -> Comeback {
        let times: Vec<ReasonTime> = at_days
            .iter()
            .map(|day| ReasonTime { conversation_id: format!("t{day}").into(), at_ms: GIVEN + day * DAY_MS })
            .collect();
        let at = |days: i64| Timestamp::from_millis(GIVEN + days * DAY_MS);
        came_back(&times, at(0), at(done_after), at(now_after))
    }

    #[test]
    fn equal_spans_before_it_was_given_and_after_it_was_done_are_compared() {
        let rarer = said(&[-1, -9, -11, -40, 2, 5, 12], 4, 14);
        assert_eq!((rarer.before, rarer.after, rarer.days, rarer.verdict), (2, 2, 10, Verdict::Back));
        assert_eq!(rarer.last, Some(("t12".into(), GIVEN + 12 * DAY_MS)));
        assert_eq!(said(&[-1, -2, 6], 4, 14).verdict, Verdict::Rarer);
        assert_eq!(said(&[-1, 2, 3], 4, 14).verdict, Verdict::Gone, "while it was worked on does not count");
    }

    #[test]
    fn a_few_days_say_nothing_and_a_year_is_cut_to_four_weeks() {
        assert_eq!(said(&[-1], 4, 10).verdict, Verdict::TooEarly);
        assert_eq!(
            said(&[], 4, 3),
            Comeback { before: 0, after: 0, days: 0, verdict: Verdict::TooEarly, last: None }
        );
        let old = said(&[-28, -29, 31, 33], 4, 400);
        assert_eq!((old.before, old.after, old.days), (1, 1, 28));
        assert_eq!(old.last.unwrap().1, GIVEN + 33 * DAY_MS, "later ones are still named");
    }
}
