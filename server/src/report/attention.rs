//! What of a week needs somebody's eye: rules over the figures, each with the number it rests on. Nothing is weighed or guessed.

use super::sections::{Link, count_of, sum_of};
use super::{Figures, Report};
use crate::store::Counted;
use crate::web::Words;

/// A reason counts as risen when it occurred so often at least…
const ROSE_FROM: i64 = 3;
/// …and at least so many times as often as in the middle of the weeks before.
const ROSE_BY: i64 = 2;

/// One thing that needs an eye.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What it is, in words.
    pub what: String,
    /// The number.
    pub count: i64,
    /// What lies behind it.
    pub link: Link,
}

/// Returns what needs an eye, in the order in which it is told; nothing is a good week.
pub fn attention(w: &Words, report: &Report) -> Vec<Remark> {
    let Some((this, before)) = report.weeks.split_last() else { return Vec::new() };
    let t = w.t;
    let named = |counted, name: &str| (counted, Some(name.to_owned()));
    let mut found = vec![
        (t.at_breached.to_owned(), sum_of(&this.clocks_breached), (Counted::Breached, None)),
        (t.at_broken.to_owned(), count_of(&this.promises, "broken"), named(Counted::Promised, "broken")),
        (t.at_overspent.to_owned(), this.overspent, (Counted::Overspent, None)),
        (t.at_handed.to_owned(), sum_of(&this.without_attempt), (Counted::Handed, None)),
    ];
    for (department, count) in &this.asked_late {
        let name = report.department(department);
        found.push((format!("{}: {name}", t.at_late), *count, named(Counted::AskedLate, department)));
    }
    for (reason, count) in risen(this, before) {
        found.push((
            format!("{}: {}", t.at_risen, w.reason(&reason)),
            count,
            named(Counted::Engaged, &reason),
        ));
    }
    if before.last().is_some_and(|last| this.weekly.left_open > last.weekly.left_open) {
        found.push((t.at_left.to_owned(), this.weekly.left_open, (Counted::Left, None)));
    }
    found.retain(|(_, count, _)| *count > 0);
    found.into_iter().map(|(what, count, link)| Remark { what, count, link }).collect()
}

/// Returns the reasons that occurred much more often than in the weeks before.
fn risen(this: &Figures, before: &[Figures]) -> Vec<(String, i64)> {
    let weeks = i64::try_from(before.len()).unwrap_or(0);
    if weeks == 0 {
        return Vec::new();
    }
    let rose = |(reason, count): &&(String, i64)| {
        let earlier: i64 = before.iter().map(|week| count_of(&week.weekly.by_reason, reason)).sum();
        *count >= ROSE_FROM && count.saturating_mul(weeks) >= earlier.saturating_mul(ROSE_BY)
    };
    this.weekly.by_reason.iter().filter(rose).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::store::Weekly;
    use crate::web::Lang;

    fn week(legal: i64, left_open: i64) -> Figures {
        let weekly = Weekly { by_reason: vec![("legal".into(), legal)], left_open, ..Weekly::default() };
        Figures { weekly, ..Figures::default() }
    }

    fn said(weeks: Vec<Figures>) -> Vec<String> {
        let w = Words::new(Lang::En, TimeZone::UTC, 0);
        let departments = BTreeMap::from([("legal".to_owned(), "Юристы".to_owned())]);
        let report = Report { team: None, timezone: "UTC".into(), departments, weeks };
        attention(&w, &report).iter().map(|remark| format!("{} — {}", remark.what, remark.count)).collect()
    }

    #[test]
    fn a_good_week_has_no_remark_and_a_single_week_nothing_to_compare() {
        assert_eq!(said(vec![week(2, 3), week(2, 3)]), Vec::<String>::new());
        assert_eq!(said(vec![week(9, 9)]), Vec::<String>::new());
        assert_eq!(said(vec![]), Vec::<String>::new());
    }

    #[test]
    fn a_reason_has_risen_when_it_is_frequent_and_twice_the_middle_of_the_weeks_before() {
        assert_eq!(
            said(vec![week(1, 0), week(2, 0), week(3, 0)]),
            ["reason became more frequent: legal — 3"]
        );
        assert_eq!(said(vec![week(2, 0), week(2, 0), week(3, 0)]), Vec::<String>::new());
        assert_eq!(said(vec![week(0, 0), week(2, 0)]), Vec::<String>::new(), "two are no trend");
    }

    #[test]
    fn what_went_wrong_is_told_with_its_number() {
        let mut this = week(0, 4);
        this.promises = vec![("kept".into(), 5), ("broken".into(), 2)];
        this.asked_late = vec![("legal".into(), 1)];
        this.overspent = 1;
        let expected = [
            "promises broken — 2",
            "granted beyond the authority — 1",
            "questions answered late: Юристы — 1",
            "more cases left open than the week before — 4",
        ];
        assert_eq!(said(vec![week(0, 3), this]), expected);
    }
}
