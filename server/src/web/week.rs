//! The week: how many escalations, why, what was decided and what it cost.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use gradus_engine::time::Timestamp;
use jiff::{ToSpan, ZonedDateTime};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Asked};
use crate::auth::{May, Me};
use crate::http::App;
use crate::report::Week;
use crate::store::{Counts, Weekly};

/// Weeks in the picture of the trend.
const TREND_WEEKS: i64 = 8;
/// Rows of one table of bars.
const MOST_BARS: usize = 12;

pub(super) struct Figure {
    value: String,
    name: &'static str,
    loud: bool,
}

pub(super) struct Bar {
    name: String,
    count: i64,
    percent: i64,
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
    let week = app.desk.store.weekly(me.team(), from, to).await?;
    let spans: Vec<(Timestamp, Timestamp)> =
        (0..TREND_WEEKS).rev().map(|at| week_of(&now, at + back)).collect();
    let counted = app.desk.store.escalated_in(me.team(), &spans).await?;
    show(&Page {
        span: span(&f.w, from, to),
        back,
        week: Week::of(from, &app.zone).to_string(),
        figures: figures(&f.w, &week),
        trend: trend(&f.w, &spans, &counted, back),
        tables: tables(&f.w, &week),
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

pub(super) fn figures(w: &Words, week: &Weekly) -> Vec<Figure> {
    let figure = |value: String, name: &'static str| Figure { value, name, loud: false };
    let share = (week.escalated * 1000).checked_div(week.conversations).unwrap_or(0);
    let tenths = format!("{}{}{}\u{a0}%", share / 10, if w.t.lang == "ru" { "," } else { "." }, share % 10);
    let costs: Vec<String> = week.cost.iter().map(|(currency, sum)| w.money(*sum, currency)).collect();
    let cost = if costs.is_empty() { w.money(Decimal::ZERO, "RUB") } else { costs.join(", ") };
    vec![
        figure(w.number(week.conversations), w.t.w_conversations),
        Figure { value: w.number(week.escalated), name: w.t.w_escalated, loud: week.escalated > 0 },
        figure(tenths, w.t.w_share),
        figure(w.number(week.opened), w.t.w_opened),
        figure(w.number(week.closed), w.t.w_closed),
        figure(w.number(week.left_open), w.t.w_left),
        figure(w.number(week.repeated), w.t.w_repeat),
        figure(cost, w.t.w_cost),
    ]
}

/// `counted` has conversations and escalated ones of each span.
pub(super) fn trend(
    w: &Words,
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
            here: at == last,
        });
    }
    bars
}

pub(super) fn tables(w: &Words, week: &Weekly) -> Vec<Bars> {
    let mut by_agent = week.by_agent.clone();
    by_agent.sort_by_key(|(name, _)| name.is_empty());
    let agent = |name: &str| if name.is_empty() { w.t.no_name.to_owned() } else { name.to_owned() };
    vec![
        Bars { title: w.t.w_by_reason, bars: bars(&week.by_reason, &|name| w.reason(name)) },
        Bars { title: w.t.w_by_decision, bars: bars(&week.by_decision, &|name| w.decision(name)) },
        Bars { title: w.t.w_by_agent, bars: bars(&by_agent, &agent) },
        Bars { title: w.t.w_by_resolution, bars: bars(&week.by_resolution, &|name| w.reason(name)) },
    ]
}

fn bars(counts: &Counts, name: &dyn Fn(&str) -> String) -> Vec<Bar> {
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let bar =
        |(key, count): &(String, i64)| Bar { name: name(key), count: *count, percent: count * 100 / most };
    counts.iter().take(MOST_BARS).map(bar).collect()
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
