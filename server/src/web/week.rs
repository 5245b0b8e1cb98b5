//! The weekly page: how many escalations, why, what they cost.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use gradus_engine::time::{Millis, Timestamp};
use serde::Deserialize;

use super::{Me, PageError, texts};
use crate::desk::Desk;

/// Milliseconds of a week.
const WEEK_MS: i64 = 7 * 86_400_000;
/// The first Monday of Unix time, 1970-01-05, at midnight in Moscow.
const FIRST_MONDAY_MS: i64 = 4 * 86_400_000 - 3 * 3_600_000;

struct Bar {
    name: String,
    count: i64,
    percent: i64,
}

#[derive(Template)]
#[template(path = "week.html")]
struct Page {
    me: Me,
    from: String,
    to: String,
    back: i64,
    figures: Vec<(&'static str, String)>,
    tables: Vec<(&'static str, Vec<Bar>)>,
}

/// Which week: 0 is this one, 1 the one before.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    back: i64,
}

/// Shows a week.
pub async fn page(
    State(desk): State<Desk>,
    me: Me,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    if !me.may_see_week() {
        return Err(PageError::Forbidden);
    }
    let back = asked.back.clamp(0, 520);
    let now = desk.clock.now().millis();
    let start = now - (now - FIRST_MONDAY_MS).rem_euclid(WEEK_MS) - back * WEEK_MS;
    let (from, to) = (
        Timestamp::from_millis(start),
        Timestamp::from_millis(start).plus(Millis::new(WEEK_MS.unsigned_abs())),
    );
    let week = desk.store.weekly(None, from, to).await?;
    let costs: Vec<String> = week.cost.iter().map(|(currency, cost)| texts::money(*cost, currency)).collect();
    let figures = vec![
        ("разговоров", week.conversations.to_string()),
        ("с эскалацией", week.escalated.to_string()),
        ("кейсов открыто", week.opened.to_string()),
        ("разрешено", week.closed.to_string()),
        ("осталось открыто", week.left_open.to_string()),
        ("стоимость решений", if costs.is_empty() { "0 ₽".to_owned() } else { costs.join(", ") }),
    ];
    let named = |counts: &[(String, i64)], name: fn(&str) -> String| {
        let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
        let bar = |(key, count): &(String, i64)| Bar {
            name: name(key),
            count: *count,
            percent: count * 100 / most,
        };
        counts.iter().map(bar).collect::<Vec<_>>()
    };
    let tables = vec![
        ("По причинам", named(&week.by_reason, texts::reason)),
        ("По решениям регламента", named(&week.by_decision, decision_name)),
        ("По операторам", named(&week.by_agent, str::to_owned)),
        ("Чем закончилось", named(&week.by_resolution, texts::reason)),
    ];
    let day = |at: Timestamp| texts::moment(at.millis()).split(' ').next().unwrap_or_default().to_owned();
    let page =
        Page { me, from: day(from), to: day(Timestamp::from_millis(to.millis() - 1)), back, figures, tables };
    Ok(Html(page.render()?).into_response())
}

fn decision_name(decision: &str) -> String {
    decision
        .parse::<gradus_engine::decision::DecisionKind>()
        .map_or(decision.to_owned(), |known| known.title_ru().to_owned())
}
