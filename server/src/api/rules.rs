//! The rules in force, and reading them again.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

use super::{ApiError, changes};
use crate::auth::{May, Me};
use crate::http::App;
use crate::rules::reload::RulesState;

/// Returns the rules in force on this node, and why changed files are not.
pub async fn state(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Rules)?;
    Ok(Json(body(&app.desk.rules.state())).into_response())
}

/// Reads the rule files again at once. Wrong ones are named; the rules before them stay in force.
pub async fn reload(State(app): State<App>, me: Me, headers: HeaderMap) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Rules)?;
    let keeper = Arc::clone(&app.desk.rules);
    let state = tokio::task::spawn_blocking(move || keeper.reload()).await.map_err(anyhow::Error::from)?;
    let now = app.desk.clock.now();
    app.desk.store.audit(now, &me.user.id.0, "rules.reload", "rules", &state.version).await?;
    match &state.refused {
        Some((_, why)) => Err(ApiError::Wrong(format!("rules {} stay in force: {why}", state.version))),
        None => Ok(Json(body(&state)).into_response()),
    }
}

fn body(state: &RulesState) -> Value {
    json!({
        "version": state.version,
        "rules": state.rules,
        "since_ms": state.since.map(|since| since.millis()),
        "refused": state.refused.as_ref().map(|(at, why)| json!({"at_ms": at.millis(), "why": why})),
    })
}
