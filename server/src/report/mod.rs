//! The weekly report: one model, read once, written as page, table, workbook or JSON. Every figure has one formula, and
//! `docs/report.md` says it in words.

mod attention;
mod pdf;
mod post;
mod sections;
mod write;

pub use attention::{Remark, attention};
pub use pdf::{change, pdf};
pub use post::{due, post};
pub use sections::{Cell, Line, Link, Section, sections, share};
pub use write::{address, csv, html, json, safe_cell, xlsx};

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use gradus_engine::protocol::Protocol;
use gradus_engine::time::Timestamp;
use jiff::ToSpan;
use jiff::civil::{ISOWeekDate, Weekday};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::store::{CaseTimes, Counted, Counts, Store, Weekly, Which};

/// How many weeks stand beside each other, the last one being the week of the report.
pub const WEEKS: usize = 6;
/// Customers who are named in the report.
pub const MOST_CUSTOMERS: usize = 10;

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

/// Sums of money by a name, each currency by itself.
pub type Costs = BTreeMap<String, BTreeMap<String, Decimal>>;

/// A customer with how many of their conversations escalated.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Hot {
    /// The customer; empty for conversations of nobody known.
    pub id: String,
    /// Their name; empty where there is none.
    pub name: String,
    /// How many conversations.
    pub count: i64,
}

/// Everything of one week.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
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
    pub cost_by_reason: Costs,
    /// What closed cases cost, by kind and currency.
    pub cost_by_kind: Costs,
    /// Alerts that somebody judged right, and wrong.
    pub alerts_right: i64,
    /// Alerts that somebody judged wrong.
    pub alerts_wrong: i64,
    /// Promises that fell due, by what became of them.
    pub promises: Counts,
    /// Conversations handed on without an own attempt, by agent.
    pub without_attempt: Counts,
    /// Clocks of the cases that were opened, by clock.
    pub clocks: Counts,
    /// Of these, those that ran out.
    pub clocks_breached: Counts,
    /// Questions to departments, by department.
    pub asked: Counts,
    /// Of these, those that were not answered in time.
    pub asked_late: Counts,
    /// Uses of authority and requests for more, by what they are.
    pub granted: Counts,
    /// What was granted or promised beyond the authority without leave.
    pub overspent: i64,
    /// Customers with escalated conversations, those with the most first.
    pub customers: Vec<Hot>,
}

/// The report of a week with those before it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
    /// The team it is of; nothing is all.
    pub team: Option<String>,
    /// The zone whose midnights begin its weeks.
    pub timezone: String,
    /// The names of departments, as the protocol gives them.
    pub departments: BTreeMap<String, String>,
    /// The weeks, the earliest first; the last is the week of the report.
    pub weeks: Vec<Figures>,
}

impl Report {
    /// Makes a report of one week alone, with nothing to compare it with.
    pub fn of_one(mut figures: Figures, team: Option<&str>, zone: &TimeZone) -> Self {
        figures.customers.truncate(MOST_CUSTOMERS);
        let timezone = zone.iana_name().unwrap_or("UTC").to_owned();
        Self { team: team.map(str::to_owned), timezone, departments: BTreeMap::new(), weeks: vec![figures] }
    }

    /// Returns the week of the report.
    pub fn this(&self) -> Option<&Figures> {
        self.weeks.last()
    }

    /// Names departments as a protocol does.
    #[must_use]
    pub fn named_by(mut self, protocol: &Protocol) -> Self {
        let known = protocol.clocks.departments.iter();
        self.departments = known.map(|known| (known.name.clone(), known.title.clone())).collect();
        self
    }

    /// Returns the name of a department; one that the protocol does not know any more keeps its own.
    pub fn department<'a>(&'a self, name: &'a str) -> &'a str {
        self.departments.get(name).map_or(name, String::as_str)
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
    // Of the weeks before, only what is compared: the customers of the last one.
    let last: Vec<String> = weeks
        .last()
        .map(|week| week.customers.iter().take(MOST_CUSTOMERS).map(|hot| hot.id.clone()).collect())
        .unwrap_or_default();
    for week in &mut weeks {
        week.customers.retain(|hot| last.contains(&hot.id));
    }
    let timezone = zone.iana_name().unwrap_or("UTC").to_owned();
    Ok(Report { team: team.map(str::to_owned), timezone, departments: BTreeMap::new(), weeks })
}

/// Reads the figures of one week.
///
/// # Errors
/// When the store cannot be read, or holds a cost that is no number.
pub async fn figures(store: &Store, team: Option<&str>, week: Week, zone: &TimeZone) -> Result<Figures> {
    let span = week.span(zone);
    let of = |counted| Which::of(counted, team, span);
    let times = store.case_times(team, span).await?;
    let (mut cost_by_reason, mut cost_by_kind) = (Costs::new(), Costs::new());
    for spent in store.spent(team, span).await? {
        for (costs, name) in [(&mut cost_by_reason, spent.reason), (&mut cost_by_kind, spent.kind)] {
            let sum = costs.entry(name).or_default().entry(spent.currency.clone()).or_default();
            *sum = sum.saturating_add(spent.amount);
        }
    }
    Ok(Figures {
        week: week.to_string(),
        monday: week.monday().to_string(),
        weekly: store.weekly(team, span.0, span.1).await?,
        to_acknowledge: spread(&times, |case| case.acknowledged_at_ms),
        to_resolve: spread(&times, |case| case.closed_at_ms),
        cost_by_reason,
        cost_by_kind,
        alerts_right: store.counted(&of(Counted::Judged).named("right")).await?,
        alerts_wrong: store.counted(&of(Counted::Judged).named("wrong")).await?,
        promises: store.counted_by(&of(Counted::Promised)).await?,
        without_attempt: store.counted_by(&of(Counted::Handed)).await?,
        clocks: store.counted_by(&of(Counted::Clocks)).await?,
        clocks_breached: store.counted_by(&of(Counted::Breached)).await?,
        asked: store.counted_by(&of(Counted::Asked)).await?,
        asked_late: store.counted_by(&of(Counted::AskedLate)).await?,
        granted: store.counted_by(&of(Counted::Granted)).await?,
        overspent: store.counted(&of(Counted::Overspent)).await?,
        customers: customers(store, &of(Counted::EscalatedOf)).await?,
    })
}

/// Returns the customers with escalated conversations, with their names.
async fn customers(store: &Store, which: &Which) -> Result<Vec<Hot>> {
    let counts = store.counted_by(which).await?;
    let ids: Vec<&str> = counts.iter().map(|(id, _)| id.as_str()).collect();
    let names: BTreeMap<String, String> = store.customer_names(&ids).await?.into_iter().collect();
    let hot = |(id, count)| Hot { name: names.get(&id).cloned().unwrap_or_default(), id, count };
    Ok(counts.into_iter().map(hot).collect())
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
