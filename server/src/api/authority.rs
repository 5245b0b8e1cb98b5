//! Authority for programs: the ledger, a grant in a conversation, the answer to a request.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use gradus_engine::time::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

use super::{ApiError, Asked, Sent, changes};
use crate::auth::{May, Me};
use crate::authority::{self, Wanted};
use crate::http::App;
use crate::mask::MaskedText;
use crate::store::GrantFilter;

/// Most lines of one answer.
const MOST: i64 = 500;

/// Which lines of the ledger.
#[derive(Deserialize)]
pub struct Which {
    from_ms: Option<i64>,
    to_ms: Option<i64>,
    open: Option<bool>,
    limit: Option<i64>,
}

/// Lists the ledger, the latest first, with what each person spent.
pub async fn ledger(
    State(app): State<App>,
    me: Me,
    Asked(which): Asked<Which>,
) -> Result<Response, ApiError> {
    me.may(May::Act)?;
    let filter = GrantFilter {
        from: which.from_ms.map(Timestamp::from_millis),
        to: which.to_ms.map(Timestamp::from_millis),
        open: which.open.unwrap_or(false),
        team: me.team().map(str::to_owned),
        limit: which.limit.unwrap_or(100).clamp(1, MOST),
        conversation: None,
    };
    let rows = app.desk.store.grants(&filter).await?;
    let spending = authority::spending(&rows);
    Ok(Json(json!({"grants": rows, "spending": spending})).into_response())
}

/// What somebody wants to grant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    authority: String,
    amount: Decimal,
    reason: String,
}

/// Grants something in a conversation; beyond the limit it is asked for.
pub async fn grant(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    Sent(grant): Sent<Grant>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Note)?;
    let talk = app.conversation_row_for(&me, id).await?;
    let reason = grant.reason.trim();
    if reason.is_empty() || reason.chars().count() > 1_000 {
        return Err(ApiError::Wrong("reason: 1 to 1000 characters".into()));
    }
    let wanted = Wanted { authority: grant.authority, amount: grant.amount, reason: MaskedText::of(reason) };
    let state = authority::grant(&app.desk, &me.user, &talk, &wanted).await?;
    Ok(Json(json!({"state": state})).into_response())
}

/// The answer to a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    allow: bool,
    #[serde(default)]
    words: String,
}

/// Answers a request.
pub async fn answer(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    Sent(answer): Sent<Answer>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Act)?;
    let request = app.grant_for(&me, &id).await?;
    let words = Some(answer.words.trim()).filter(|words| !words.is_empty()).map(MaskedText::of);
    authority::answer(&app.desk, &me.user, &request, answer.allow, words).await?;
    let row = app.grant_for(&me, &id).await?;
    Ok(Json(row).into_response())
}
