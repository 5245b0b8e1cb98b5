//! What the auditor found and is still there.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::ApiError;
use crate::auth::{May, Me};
use crate::http::App;

/// Lists the faults that are still there, the oldest first.
pub async fn list(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Duty)?;
    Ok(Json(json!({"findings": app.desk.store.findings().await?})).into_response())
}
