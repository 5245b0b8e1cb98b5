//! Practice for programs: scenarios, a session, replies and the score.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Sent, changes};
use crate::auth::{May, Me};
use crate::http::App;
use crate::practice;
use crate::store::PracticeRow;

/// Lists the scenarios, with one's own sessions.
pub async fn list(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    let mine = app.desk.store.practices_of(&me.user.id, 100).await?;
    let scenarios: Vec<Value> = app
        .practice
        .all()
        .iter()
        .map(|known| json!({"id": known.id, "title": known.title, "about": known.about, "channel": known.channel}))
        .collect();
    let sessions: Vec<Value> = mine
        .iter()
        .map(|row| {
            json!({"id": row.id, "scenario": row.scenario, "started_at_ms": row.started_at_ms,
                "outcome": row.outcome, "points": row.points})
        })
        .collect();
    Ok(Json(json!({"scenarios": scenarios, "sessions": sessions})).into_response())
}

/// Begins a session.
pub async fn begin(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Read)?;
    let scenario = app.practice.get(&id).ok_or(ApiError::NotFound)?;
    let row = practice::begin(&app.desk, &me.user.id, scenario).await?;
    Ok(super::error::created(body(&app, &row).await?))
}

/// Returns a session with its lines, and its score once it has ended.
pub async fn one(State(app): State<App>, me: Me, Path(id): Path<String>) -> Result<Response, ApiError> {
    let row = app.practice_for(&me, &id).await?;
    Ok(Json(body(&app, &row).await?).into_response())
}

/// A reply.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    text: String,
}

/// Takes a reply.
pub async fn reply(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    Sent(reply): Sent<Reply>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Read)?;
    let row = app.practice_for(&me, &id).await?;
    if row.user_id != me.user.id {
        return Err(ApiError::Forbidden);
    }
    let text = reply.text.trim();
    if text.is_empty() || text.chars().count() > 1_000 {
        return Err(ApiError::Wrong("text: 1 to 1000 characters".into()));
    }
    if row.outcome.is_some() {
        return Err(ApiError::Conflict("this session has ended: begin another".into()));
    }
    let scenario = app.practice.get(&row.scenario).ok_or(ApiError::NotFound)?;
    let row = practice::reply(&app.desk, row, scenario, text).await?;
    Ok(Json(body(&app, &row).await?).into_response())
}

async fn body(app: &App, row: &PracticeRow) -> Result<Value, ApiError> {
    let score = match (&row.outcome, app.practice.get(&row.scenario)) {
        (Some(_), Some(scenario)) => Some(practice::score(&app.desk, row, scenario).await?),
        _ => None,
    };
    Ok(json!({
        "id": row.id, "scenario": row.scenario, "user": row.user_id, "started_at_ms": row.started_at_ms,
        "ended_at_ms": row.ended_at_ms, "outcome": row.outcome, "points": row.points,
        "turns": practice::turns(row), "score": score,
    }))
}
