//! The weekly report: one model, read once, written as page, table, workbook or JSON. Every figure has one formula, and
//! `docs/report.md` says it in words.

mod post;
mod write;

pub use post::{due, post};
pub use write::{csv, harmless, html, json, xlsx};

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use gradus_engine::time::Timestamp;
use jiff::ToSpan;
use jiff::civil::{ISOWeekDate, Weekday};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::store::{CaseTimes, Counts, Store, Weekly};

/// How many weeks stand beside each other, the last one being the week of the report.
pub const WEEKS: usize = 6;

/// A week of the ISO calendar, such as 2026-W47.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week(ISOWeekDate);

impl Week {
    /// Reads `2026-W47`.
    ///
    /// # Errors
    /// Says how a week is written.
    pub fn parse(text: &str) -> Result<Self> {
        let cure = || format!("\"{text}\" is no week: write it as 2026-W47");
        let (year, week) = text.trim().split_once("-W").with_context(cure)?;
        let (year, week) = (year.parse().with_context(cure)?, week.parse().with_context(cure)?);
        Ok(Self(ISOWeekDate::new(year, week, Weekday::Monday).with_context(cure)?))
    }

    /// Returns the week in which a moment lies.
    pub fn of(now: Timestamp, zone: &TimeZone) -> Self {
        let at = jiff::Timestamp::from_millisecond(now.millis()).unwrap_or_default();
        Self(at.to_zoned_datetime(zone.clone()).date().iso_week_date())
    }

    /// Returns the week so many weeks earlier.
    #[must_use]
    pub fn before(self, weeks: i64) -> Self {
        let monday = self.monday();
        Self(monday.checked_sub(weeks.weeks()).unwrap_or(monday).iso_week_date())
    }

    /// Returns its Monday.
    pub fn monday(self) -> jiff::civil::Date {
        let first = ISOWeekDate::new(self.0.year(), self.0.week(), Weekday::Monday).unwrap_or(self.0);
        first.date()
    }

    /// Returns its begin and its end by the clocks of a zone, the end without itself.
    pub fn span(self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let at = |date: jiff::civil::Date| {
            let start = date.to_zoned_datetime(zone.clone());
            Timestamp::from_millis(start.map_or(0, |start| start.timestamp().as_millisecond()))
        };
        let monday = self.monday();
        (at(monday), at(monday.checked_add(1.weeks()).unwrap_or(monday)))
    }
}

impl std::fmt::Display for Week {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}-W{:02}", self.0.year(), self.0.week())
    }
}

/// Middle and tail of times, in seconds; nothing where there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Spread {
    /// How many.
    pub count: usize,
    /// Half took no longer.
    pub median_s: Option<i64>,
    /// Nine of ten took no longer.
    pub p90_s: Option<i64>,
}

impl Spread {
    /// Returns middle and tail by the nearest rank: always a time that occurred.
    fn of(mut times_ms: Vec<i64>) -> Self {
        times_ms.sort_unstable();
        let count = times_ms.len();
        let at = |percent: usize| {
            let rank = (count * percent).div_ceil(100).max(1) - 1;
            times_ms.get(rank).map(|ms| ms / 1_000)
        };
        Self { count, median_s: at(50), p90_s: at(90) }
    }
}

/// Everything of one week.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Figures {
    /// The week, such as 2026-W47.
    pub week: String,
    /// Its Monday.
    pub monday: String,
    /// The figures of the page of weeks.
    #[serde(flatten)]
    pub weekly: Weekly,
    /// From the opening of a case to «I see it».
    pub to_acknowledge: Spread,
    /// From the opening of a case to its closing, of the cases that are closed.
    pub to_resolve: Spread,
    /// What closed cases cost, by reason and currency.
    pub cost_by_reason: BTreeMap<String, BTreeMap<String, Decimal>>,
    /// Alerts that somebody judged right, and wrong.
    pub alerts_right: i64,
    /// Alerts that somebody judged wrong.
    pub alerts_wrong: i64,
    /// Promises that fell due, by what became of them.
    pub promises: Counts,
    /// Conversations handed on without an own attempt, by agent.
    pub without_attempt: Counts,
}

/// The report of a week with those before it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
    /// The team it is of; nothing is all.
    pub team: Option<String>,
    /// The zone whose midnights begin its weeks.
    pub timezone: String,
    /// The weeks, the earliest first; the last is the week of the report.
    pub weeks: Vec<Figures>,
}

impl Report {
    /// Returns the week of the report.
    pub fn this(&self) -> Option<&Figures> {
        self.weeks.last()
    }
}

/// Reads a report.
///
/// # Errors
/// When the store cannot be read, or holds a cost that is no number.
pub async fn read(store: &Store, team: Option<&str>, week: Week, zone: &TimeZone) -> Result<Report> {
    let mut weeks = Vec::with_capacity(WEEKS);
    for back in (0..WEEKS).rev() {
        let week = week.before(i64::try_from(back).unwrap_or(0));
        weeks.push(figures(store, team, week, zone).await?);
    }
    let timezone = zone.iana_name().unwrap_or("UTC").to_owned();
    Ok(Report { team: team.map(str::to_owned), timezone, weeks })
}

async fn figures(store: &Store, team: Option<&str>, week: Week, zone: &TimeZone) -> Result<Figures> {
    let span = week.span(zone);
    let times = store.case_times(team, span).await?;
    let mut cost_by_reason: BTreeMap<String, BTreeMap<String, Decimal>> = BTreeMap::new();
    for spent in store.spent(team, span).await? {
        let cost: Decimal =
            spent.cost.parse().with_context(|| format!("the cost \"{}\" of a case", spent.cost))?;
        let sum = cost_by_reason.entry(spent.reason).or_default().entry(spent.currency).or_default();
        *sum = sum.saturating_add(cost);
    }
    let verdicts = store.alert_verdicts(team, span).await?;
    let said =
        |verdict: &str| verdicts.iter().find(|(said, _)| said == verdict).map_or(0, |(_, count)| *count);
    Ok(Figures {
        week: week.to_string(),
        monday: week.monday().to_string(),
        weekly: store.weekly(team, span.0, span.1).await?,
        to_acknowledge: spread(&times, |case| case.acknowledged_at_ms),
        to_resolve: spread(&times, |case| case.closed_at_ms),
        cost_by_reason,
        alerts_right: said("right"),
        alerts_wrong: said("wrong"),
        promises: store.promises_due(team, span).await?,
        without_attempt: store.without_attempt(team, span).await?,
    })
}

fn spread(times: &[CaseTimes], until: impl Fn(&CaseTimes) -> Option<i64>) -> Spread {
    // What an import entered may end before it began; it says nothing about how long people took.
    Spread::of(
        times
            .iter()
            .filter_map(|case| Some(until(case)? - case.opened_at_ms))
            .filter(|ms| *ms >= 0)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_that_of_the_iso_calendar_in_the_zone() {
        let moscow = TimeZone::get("Europe/Moscow").unwrap();
        let week = Week::parse("2026-W47").unwrap();
        assert_eq!((week.to_string(), week.monday().to_string()), ("2026-W47".into(), "2026-11-16".into()));
        let (from, to) = week.span(&moscow);
        assert_eq!(to.since(from).get(), 7 * 24 * 3_600_000);
        // Sunday, 21:30 UTC is Monday in Moscow.
        let monday = Timestamp::from_millis(1_795_987_800_000);
        assert_eq!(Week::of(monday, &moscow).to_string(), "2026-W49");
        assert_eq!(Week::of(monday, &TimeZone::UTC).to_string(), "2026-W48");
        assert_eq!(Week::parse("2027-W01").unwrap().before(1).to_string(), "2026-W53");
        for wrong in ["2026-47", "2026-W54", "W47", "", "2026-W00"] {
            assert!(Week::parse(wrong).unwrap_err().to_string().contains("write it as 2026-W47"), "{wrong}");
        }
    }

    #[test]
    fn a_spread_is_of_times_that_occurred_and_of_none_there_is_none() {
        assert_eq!(Spread::of(vec![]), Spread { count: 0, median_s: None, p90_s: None });
        assert_eq!(Spread::of(vec![5_000]), Spread { count: 1, median_s: Some(5), p90_s: Some(5) });
        let ten: Vec<i64> = (1..=10).rev().map(|second| second * 1_000).collect();
        assert_eq!(Spread::of(ten), Spread { count: 10, median_s: Some(5), p90_s: Some(9) });
    }
}
