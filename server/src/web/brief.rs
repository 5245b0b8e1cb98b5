//! The week on one screen of a telephone: how many, against the week before, why, what it cost, what needs an eye.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Frame, Section, Words, frame, show, week};
use crate::api::{ApiError, Asked};
use crate::auth::{May, Me};
use crate::http::App;
use crate::report::{self, Figures, Report, Week};
use crate::store::Counted;

/// Reasons that are named.
const MOST_REASONS: usize = 3;

/// Which week; the last full one when left out.
#[derive(Deserialize)]
pub struct Query {
    week: Option<String>,
}

pub(super) struct Tile {
    pub value: String,
    pub name: String,
    pub change: String,
    pub href: String,
}

pub(super) struct Line {
    pub name: String,
    pub value: String,
    pub href: String,
}

#[derive(Template)]
#[template(path = "brief.html")]
pub(super) struct Page {
    pub f: Frame,
    pub span: String,
    pub week: String,
    pub earlier: String,
    pub later: Option<String>,
    pub tiles: Vec<Tile>,
    pub reasons: Vec<Line>,
    pub costs: Vec<Line>,
    pub attention: Vec<Line>,
}

/// Shows the summary.
pub async fn page(State(app): State<App>, me: Me, Asked(query): Asked<Query>) -> Result<Response, ApiError> {
    me.may(May::Figures)?;
    let f = frame(&app, &me, Section::Week);
    let now = Week::of(app.desk.clock.now(), &app.zone);
    let wanted = query.week.as_deref().map(Week::parse).transpose();
    let week = wanted.map_err(|error| ApiError::Wrong(error.to_string()))?.unwrap_or_else(|| now.before(1));
    let read = report::read(&app.desk.store, me.team(), week, &app.zone).await?;
    let read = read.named_by(&app.desk.pipeline.protocol());
    show(&brief(f, &read, week, (week != now).then(|| week.before(-1).to_string())))
}

/// Returns the page of a report.
pub(super) fn brief(f: Frame, report: &Report, week: Week, later: Option<String>) -> Page {
    let line = |name: String, value: String, link| Line {
        name,
        value,
        href: report::address("", report, &week.to_string(), &link),
    };
    let w = &f.w;
    let reasons = report.this().map(|this| this.weekly.by_reason.clone()).unwrap_or_default();
    let cost = report.this().map(|this| this.weekly.cost.clone()).unwrap_or_default();
    let found = report::attention(w, report);
    Page {
        span: w.week_span(&week.monday().to_string()),
        week: week.to_string(),
        earlier: week.before(1).to_string(),
        later,
        tiles: tiles(w, report),
        reasons: reasons
            .into_iter()
            .take(MOST_REASONS)
            .map(|(reason, count)| line(w.reason(&reason), w.number(count), (Counted::Engaged, Some(reason))))
            .collect(),
        costs: cost
            .into_iter()
            .map(|(currency, sum)| {
                line(currency.clone(), w.money(sum, &currency), (Counted::Spent, Some(currency)))
            })
            .collect(),
        attention: found
            .into_iter()
            .map(|remark| line(remark.what, w.number(remark.count), remark.link))
            .collect(),
        f,
    }
}

fn tiles(w: &Words, report: &Report) -> Vec<Tile> {
    let [.., before, this] = report.weeks.as_slice() else { return Vec::new() };
    let tile = |name: &str, counted, of: fn(&Figures) -> i64| Tile {
        value: w.number(of(this)),
        name: name.to_owned(),
        change: report::change(w, of(this) - of(before)),
        href: report::address("", report, &this.week, &(counted, None)),
    };
    vec![
        tile(w.t.w_escalated, Counted::Escalated, |week| week.weekly.escalated),
        tile(w.t.w_conversations, Counted::Talks, |week| week.weekly.conversations),
        tile(w.t.w_left, Counted::Left, |week| week.weekly.left_open),
        tile(w.t.w_repeat, Counted::Repeated, |week| week.weekly.repeated),
        Tile {
            value: week::cost(w, &this.weekly),
            name: w.t.w_cost.to_owned(),
            change: String::new(),
            href: report::address("", report, &this.week, &(Counted::Spent, None)),
        },
    ]
}
