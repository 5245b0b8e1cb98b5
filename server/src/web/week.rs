//! The week: how many escalations, why, what was decided and what it cost.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use gradus_engine::time::Timestamp;
use jiff::tz::TimeZone;
use jiff::{ToSpan, ZonedDateTime};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Asked};
use crate::auth::{May, Me};
use crate::http::App;
use crate::report::{self, Cell, Line, Report, Week};
use crate::store::{Counted, Weekly};

/// Weeks in the picture of the trend.
const TREND_WEEKS: i64 = 8;
/// Rows of one table of bars.
const MOST_BARS: usize = 12;

pub(super) struct Figure {
    value: String,
    name: String,
    href: String,
    loud: bool,
}

pub(super) struct Bar {
    name: String,
    value: String,
    percent: i64,
    href: String,
}

pub(super) struct Bars {
    title: &'static str,
    bars: Vec<Bar>,
}

/// One week of the trend.
pub(super) struct TrendBar {
    name: String,
    escalated: i64,
    percent: i64,
    all_percent: i64,
    back: i64,
    href: String,
    here: bool,
}

#[derive(Template)]
#[template(path = "week.html")]
pub(super) struct Page {
    pub f: Frame,
    pub span: String,
    pub back: i64,
    /// The week as the report names it.
    pub week: String,
    pub figures: Vec<Figure>,
    pub trend: Vec<TrendBar>,
    pub tables: Vec<Bars>,
}

/// Which week: 0 is this one, 1 the one before.
#[derive(Deserialize)]
pub struct Which {
    #[serde(default)]
    back: i64,
}

/// Shows a week.
pub async fn page(State(app): State<App>, me: Me, Asked(which): Asked<Which>) -> Result<Response, ApiError> {
    me.may(May::Figures)?;
    let back = which.back.clamp(0, 520);
    let f = frame(&app, &me, Section::Week);
    let now = jiff::Timestamp::from_millisecond(f.w.now_ms())
        .unwrap_or_default()
        .to_zoned_datetime(app.zone.clone());
    let (from, to) = week_of(&now, back);
    let week = Week::of(from, &app.zone);
    let figures = report::figures(&app.desk.store, me.team(), week, &app.zone).await?;
    let spans: Vec<(Timestamp, Timestamp)> =
        (0..TREND_WEEKS).rev().map(|at| week_of(&now, at + back)).collect();
    let counted = app.desk.store.escalated_in(me.team(), &spans).await?;
    let report = Report::of_one(figures, me.team(), &app.zone).named_by(&app.desk.pipeline.protocol());
    show(&Page {
        span: span(&f.w, from, to),
        back,
        week: week.to_string(),
        figures: tiles(&f.w, &report),
        trend: trend(&f.w, &app.zone, &spans, &counted, back),
        tables: tables(&f.w, &report),
        f,
    })
}

/// Returns the Monday that begins a week and the Monday after it, by the calendar of the zone.
pub(super) fn week_of(now: &ZonedDateTime, back: i64) -> (Timestamp, Timestamp) {
    let since_monday = i64::from(now.weekday().to_monday_zero_offset());
    let monday = now.date().checked_sub(since_monday.days()).unwrap_or(now.date());
    let start = |weeks: i64| {
        let day = monday.checked_add(weeks.weeks()).unwrap_or(monday);
        let at = day
            .to_zoned_datetime(now.time_zone().clone())
            .map_or(0, |start| start.timestamp().as_millisecond());
        Timestamp::from_millis(at)
    };
    (start(-back), start(1 - back))
}

pub(super) fn span(w: &Words, from: Timestamp, to: Timestamp) -> String {
    let (first, last) = (w.day(from.millis()), w.day(to.millis() - 1));
    match (first.split_once('\u{a0}'), last.split_once('\u{a0}')) {
        (Some((day, month)), Some((_, same))) if month == same => format!("{day}–{last}"),
        _ => format!("{first} – {last}"),
    }
}

/// The figures that stand first.
pub(super) fn tiles(w: &Words, report: &Report) -> Vec<Figure> {
    let Some(this) = report.this() else { return Vec::new() };
    let tile = |line: &Line| Figure {
        value: line.cells.last().map(|cell| cell.text(w)).unwrap_or_default(),
        name: line.name.clone(),
        href: report::address("", report, &this.week, &line.link),
        loud: line.link == (Counted::Escalated, None) && line.cells.last().is_some_and(is_some),
    };
    let main = report::sections(w, report).into_iter().next().map(|section| section.rows).unwrap_or_default();
    let mut tiles: Vec<Figure> = main.iter().map(tile).collect();
    if let Some(share) = tiles.get_mut(2) {
        share.loud = false;
    }
    tiles.push(Figure {
        value: cost(w, &this.weekly),
        name: w.t.w_cost.to_owned(),
        href: report::address("", report, &this.week, &(Counted::Spent, None)),
        loud: false,
    });
    tiles
}

fn is_some(cell: &Cell) -> bool {
    matches!(cell, Cell::Count(1..))
}

/// What the decisions of a week cost, each currency by itself.
pub(super) fn cost(w: &Words, week: &Weekly) -> String {
    let costs: Vec<String> = week.cost.iter().map(|(currency, sum)| w.money(*sum, currency)).collect();
    if costs.is_empty() { w.money(Decimal::ZERO, "RUB") } else { costs.join(", ") }
}

/// `counted` has conversations and escalated ones of each span.
pub(super) fn trend(
    w: &Words,
    zone: &TimeZone,
    spans: &[(Timestamp, Timestamp)],
    counted: &[(i64, i64)],
    back: i64,
) -> Vec<TrendBar> {
    let most = counted.iter().map(|(all, _)| *all).max().unwrap_or(0).max(1);
    let last = i64::try_from(spans.len()).unwrap_or(0) - 1;
    let mut bars = Vec::with_capacity(spans.len());
    for (at, ((from, _), (all, escalated))) in (0..).zip(spans.iter().zip(counted)) {
        bars.push(TrendBar {
            name: w.day(from.millis()),
            escalated: *escalated,
            percent: escalated * 100 / most,
            all_percent: all * 100 / most,
            back: back + last - at,
            href: format!("/week/behind?week={}&what=escalated", Week::of(*from, zone)),
            here: at == last,
        });
    }
    bars
}

/// Every section of the report but the first, which stands as figures.
pub(super) fn tables(w: &Words, report: &Report) -> Vec<Bars> {
    let sections = report::sections(w, report).into_iter().skip(1);
    sections.map(|section| Bars { title: section.title, bars: bars(w, report, section.rows) }).collect()
}

/// Rows with bars where there is something to compare: counts among themselves, amounts of one currency among themselves.
fn bars(w: &Words, report: &Report, rows: Vec<Line>) -> Vec<Bar> {
    let Some(this) = report.this() else { return Vec::new() };
    // Who has no name stands last.
    let (named, nameless): (Vec<Line>, Vec<Line>) =
        rows.into_iter().partition(|line| line.link.1.as_deref() != Some(""));
    let rows: Vec<Line> = named.into_iter().chain(nameless).take(MOST_BARS).collect();
    let most = |unit: &str| {
        rows.iter()
            .filter_map(|line| line.cells.last())
            .filter_map(size)
            .filter(|size| size.1 == unit)
            .map(|size| size.0)
            .max()
            .unwrap_or_default()
    };
    let bar = |line: &Line| {
        let cell = line.cells.last();
        let percent = cell.and_then(size).map_or(0, |(amount, unit)| {
            let most = most(&unit);
            let share = amount.checked_mul(Decimal::ONE_HUNDRED).and_then(|amount| amount.checked_div(most));
            share.and_then(|share| i64::try_from(share.trunc()).ok()).unwrap_or(0)
        });
        Bar {
            name: line.name.clone(),
            value: cell.map(|cell| cell.text(w)).unwrap_or_default(),
            percent,
            href: report::address("", report, &this.week, &line.link),
        }
    };
    rows.iter().map(bar).collect()
}

/// How long the bar of a value is, among those of the same unit.
fn size(cell: &Cell) -> Option<(Decimal, String)> {
    match cell {
        Cell::Count(count) => Some(((*count).into(), String::new())),
        Cell::Money(amount, currency) => Some((*amount, currency.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_monday_at_midnight_of_the_zone_also_across_a_change_of_clocks() {
        let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        // Sunday, 2026-10-25: the clocks go back in the night.
        let sunday =
            jiff::civil::date(2026, 10, 25).at(23, 0, 0, 0).to_zoned_datetime(berlin.clone()).unwrap();
        let (from, to) = week_of(&sunday, 0);
        let civil = |at: Timestamp| {
            let at =
                jiff::Timestamp::from_millisecond(at.millis()).unwrap().to_zoned_datetime(berlin.clone());
            at.strftime("%a %F %H:%M").to_string()
        };
        assert_eq!((civil(from), civil(to)), ("Mon 2026-10-19 00:00".into(), "Mon 2026-10-26 00:00".into()));
        assert_eq!(to.since(from).get(), (7 * 24 + 1) * 3_600_000);
        let monday =
            jiff::civil::date(2026, 10, 26).at(0, 0, 0, 0).to_zoned_datetime(berlin.clone()).unwrap();
        assert_eq!(civil(week_of(&monday, 1).0), "Mon 2026-10-19 00:00");
    }
}
