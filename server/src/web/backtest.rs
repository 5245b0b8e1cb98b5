//! The backtest of a draft: begun, watched, stopped, and what it found, conversation by conversation.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::backtest::Difference;
use gradus_engine::decision::Decision;
use serde::Deserialize;

use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Filled};
use crate::auth::{May, Me, Role};
use crate::backtest::{Backtest, Both};
use crate::backtests::{Job, Standing};
use crate::http::App;
use crate::store::{ConversationId, ConversationRow, User};

/// Conversations of the list; a program gets all of them.
const MOST: usize = 200;

/// A figure under both protocols.
pub(super) struct FigureLine {
    pub name: &'static str,
    pub in_force: u64,
    pub draft: u64,
    pub difference: String,
    /// Whether the draft asks for more of people.
    pub more: bool,
}

/// One hour of the day.
pub(super) struct HourBar {
    pub hour: usize,
    pub in_force: u64,
    pub draft: u64,
    /// Of the busiest hour, per cent.
    pub percent: u64,
    /// Of the busiest hour, per cent.
    pub draft_percent: u64,
}

/// A team with its load.
pub(super) struct TeamLine {
    pub team: String,
    pub people: usize,
    pub in_force: String,
    pub draft: String,
}

/// A conversation that would be decided differently.
pub(super) struct ChangedLine {
    pub id: String,
    pub title: String,
    pub quote: String,
    pub differences: Vec<(&'static str, String)>,
}

/// What a backtest found, in words.
pub(super) struct FoundView {
    pub lead: String,
    pub figures: Vec<FigureLine>,
    pub hours: Vec<HourBar>,
    pub teams: Vec<TeamLine>,
    pub changed: Vec<ChangedLine>,
    pub hidden: usize,
}

#[derive(Template)]
#[template(path = "backtest.html")]
pub(super) struct BacktestPage {
    pub f: Frame,
    pub version: String,
    pub weeks: String,
    /// The weeks that the form begins with.
    pub asked: u32,
    pub runs: Option<u8>,
    pub stopped: bool,
    pub failed: bool,
    pub found: Option<FoundView>,
    pub none: bool,
}

/// Shows the backtest of who asks.
pub async fn page(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Protocol)?;
    let f = frame(&app, &me, Section::Other);
    let job = app.backtests.of(&me.user.id);
    let found = match &job {
        Some(Job { standing: Standing::Done(found), .. }) => Some(found_view(&app, &f.w, found).await?),
        _ => None,
    };
    let standing = job.as_ref().map(|job| &job.standing);
    let weeks = job.as_ref().map_or(0, |job| job.weeks);
    show(&BacktestPage {
        version: job.as_ref().map(|job| job.version.clone()).unwrap_or_default(),
        weeks: format!(
            "{weeks}\u{a0}{}",
            f.w.plural(i64::from(weeks), ["неделя", "недели", "недель"], ["week", "weeks"])
        ),
        asked: if weeks == 0 { 8 } else { weeks },
        runs: match standing {
            Some(Standing::Runs(percent)) => Some(*percent),
            _ => None,
        },
        stopped: matches!(standing, Some(Standing::Stopped)),
        failed: matches!(standing, Some(Standing::Failed(_))),
        none: job.is_none(),
        found,
        f,
    })
}

/// What is done with a backtest.
#[derive(Deserialize)]
pub struct Asking {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    weeks: String,
    #[serde(default)]
    act: String,
}

/// Begins a backtest of the draft of who asks, or stops the one that runs.
pub async fn submit(
    State(app): State<App>,
    me: Me,
    Filled(asking): Filled<Asking>,
) -> Result<Response, ApiError> {
    me.changes(&asking.csrf, May::Protocol)?;
    if asking.act == "stop" {
        app.backtests.stop(&me.user.id);
    } else {
        let draft = app.desk.store.draft_of(&me.user.id).await?;
        let text = draft.unwrap_or_else(|| app.desk.protocols.text());
        app.begin_backtest(&me, &text, asking.weeks.trim().parse().unwrap_or(8)).await?;
    }
    Ok(Redirect::to("/protocol/backtest").into_response())
}

async fn found_view(app: &App, w: &Words, found: &Backtest) -> Result<FoundView, ApiError> {
    let people = app.desk.store.users().await?;
    let mut changed = Vec::new();
    for one in found.changed.iter().take(MOST) {
        let row = app.desk.store.conversation(&ConversationId(one.conversation.clone())).await?;
        changed.push(changed_line(w, &one.conversation, row.as_ref(), &one.differences));
    }
    Ok(FoundView {
        lead: lead(w, found),
        figures: figures(w, found),
        hours: hours(&found.by_hour),
        teams: teams(w, &found.by_team, &people, weeks_of(found)),
        hidden: found.changed.len().saturating_sub(MOST),
        changed,
    })
}

fn lead(w: &Words, found: &Backtest) -> String {
    let count = |count: u64| w.number(i64::try_from(count).unwrap_or(i64::MAX));
    w.t.bt_lead
        .replace("{conversations}", &count(found.conversations))
        .replace("{utterances}", &count(found.utterances))
        .replace("{changed}", &count(u64::try_from(found.changed.len()).unwrap_or(u64::MAX)))
}

/// Returns the figures under both protocols.
pub(super) fn figures(w: &Words, found: &Backtest) -> Vec<FigureLine> {
    let line = |name: &'static str, both: Both| {
        let more = both.draft > both.in_force;
        let apart = both.draft.abs_diff(both.in_force);
        let difference = match apart {
            0 => "=".to_owned(),
            apart => format!("{}{apart}", if more { "+" } else { "−" }),
        };
        FigureLine { name, in_force: both.in_force, draft: both.draft, difference, more }
    };
    let t = w.t;
    vec![
        line(t.bt_engaged, found.engaged),
        line(t.bt_busiest, found.busiest_hour),
        line(t.bt_alerts, found.alerts),
        line(t.bt_climbed, found.climbed),
        line(t.bt_warned, found.warned),
        line(t.bt_breached, found.breached),
    ]
}

/// Returns the hours of the day as bars, measured by the busiest.
pub(super) fn hours(by_hour: &[Both; 24]) -> Vec<HourBar> {
    let most = by_hour.iter().map(|both| u64::max(both.in_force, both.draft)).max().unwrap_or(0).max(1);
    let bar = |(hour, both): (usize, &Both)| HourBar {
        hour,
        in_force: both.in_force,
        draft: both.draft,
        percent: both.in_force * 100 / most,
        draft_percent: both.draft * 100 / most,
    };
    by_hour.iter().enumerate().map(bar).collect()
}

/// Returns how many weeks the history covers, at least one.
fn weeks_of(found: &Backtest) -> u64 {
    const WEEK: u64 = 7 * 24 * 60 * 60 * 1_000;
    found.span.map_or(1, |(first, last)| last.since(first).get().div_ceil(WEEK).max(1))
}

/// Returns how much each supervisor of a team would have to do in a week.
fn teams(w: &Words, by_team: &BTreeMap<String, Both>, people: &[User], weeks: u64) -> Vec<TeamLine> {
    let line = |(team, both): (&String, &Both)| {
        let of = |user: &&User| {
            let here = user.team.as_deref().is_none_or(|theirs| theirs == team);
            user.active && here && user.role == Role::Supervisor.name()
        };
        let count = people.iter().filter(of).count();
        let share = |engaged: u64| {
            let persons = u64::try_from(count.max(1)).unwrap_or(1) * weeks.max(1);
            let tenths = (engaged * 10 + persons / 2) / persons;
            let comma = if w.t.lang == "ru" { "," } else { "." };
            format!("{}{comma}{}", tenths / 10, tenths % 10)
        };
        TeamLine {
            team: if team.is_empty() { w.t.bt_no_team.to_owned() } else { team.clone() },
            people: count,
            in_force: share(both.in_force),
            draft: share(both.draft),
        }
    };
    by_team.iter().map(line).collect()
}

fn changed_line(
    w: &Words,
    id: &str,
    row: Option<&ConversationRow>,
    differences: &[(Difference, Decision)],
) -> ChangedLine {
    let title = row.map(|row| {
        let customer = row.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned());
        format!("{customer} · {} · {}", w.channel(&row.channel), w.moment(row.started_at_ms))
    });
    ChangedLine {
        id: id.to_owned(),
        title: title.unwrap_or_else(|| id.to_owned()),
        quote: row.and_then(|row| row.quote.clone()).unwrap_or_default(),
        differences: differences.iter().map(|one| difference_words(w, one)).collect(),
    }
}

/// Returns a difference in words, with the class of its mark.
pub(super) fn difference_words(
    w: &Words,
    (difference, decision): &(Difference, Decision),
) -> (&'static str, String) {
    let what = format!(
        "{}: {} ({} {})",
        w.decision(decision.decision.name()),
        w.reason(decision.reason.name()),
        w.t.clause,
        decision.clause
    );
    match difference {
        Difference::Added => ("good", format!("{}: {what}", w.t.bt_added)),
        Difference::Missed => ("late", format!("{}: {what}", w.t.bt_missed)),
        Difference::Moved(later) => {
            let by = later.unsigned_abs();
            let words = if *later > 0 { w.t.bt_later } else { w.t.bt_earlier };
            ("", format!("{}: {what}", words.replace("{n}", &by.to_string())))
        }
    }
}
