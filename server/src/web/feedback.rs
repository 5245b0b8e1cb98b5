//! Verdict buttons beside the signals of a conversation, and marks of what was missed.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::signal::{Party, SignalKind};
use serde::Deserialize;

use super::Words;
use crate::api::{ApiError, Filled};
use crate::auth::{May, Me};
use crate::http::App;
use crate::store::Verdict;

/// What somebody says of a signal; `none` takes it back.
#[derive(Deserialize)]
pub struct JudgeForm {
    #[serde(default)]
    csrf: String,
    utterance: i64,
    number: i64,
    verdict: String,
}

/// What somebody found in an utterance where nothing did, or takes back.
#[derive(Deserialize)]
pub struct MissedForm {
    #[serde(default)]
    csrf: String,
    utterance: i64,
    kind: String,
    #[serde(default)]
    back: bool,
}

/// Notes whether a signal is right.
pub async fn judge(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<JudgeForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Judge)?;
    let row = app.conversation_row_for(&me, id).await?;
    let verdict: Option<Verdict> = match form.verdict.as_str() {
        "none" => None,
        other => Some(other.parse().map_err(ApiError::Wrong)?),
    };
    app.judge_signal(&me, &row, (form.utterance, form.number), verdict).await?;
    Ok(Redirect::to(&format!("/conversations/{}#u{}", row.id, form.utterance)).into_response())
}

/// Notes that something was missed in an utterance.
pub async fn missed(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<MissedForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Judge)?;
    let row = app.conversation_row_for(&me, id).await?;
    let kind: SignalKind = form
        .kind
        .parse()
        .map_err(|_| ApiError::Wrong(format!("kind: unknown \"{}\": choose one from the list", form.kind)))?;
    app.note_missed(&me, &row, form.utterance, kind, !form.back).await?;
    Ok(Redirect::to(&format!("/conversations/{}#u{}", row.id, form.utterance)).into_response())
}

/// Returns the kinds that can be missed in what a party said, by title.
pub(super) fn kinds(w: &Words, party: &str) -> Vec<(&'static str, String)> {
    let party = party.parse().unwrap_or(Party::Customer);
    let mut kinds: Vec<(&'static str, String)> = SignalKind::ALL
        .iter()
        .filter(|kind| kind.party() == party)
        .map(|kind| (kind.name(), w.signal(kind.name())))
        .collect();
    kinds.sort_by(|one, other| one.1.cmp(&other.1));
    kinds
}
