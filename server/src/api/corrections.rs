//! Corrections of transcripts, by programs.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use gradus_engine::signal::Party;
use serde::Deserialize;
use serde_json::json;

use super::{ApiError, Sent, changes};
use crate::auth::{May, Me};
use crate::corrections::{self, Corrected};
use crate::http::App;

/// What is corrected, or undone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    utterance: i64,
    #[serde(default)]
    party: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    undo: bool,
}

/// Lists the corrections of a conversation, with the words before each.
pub async fn list(State(app): State<App>, me: Me, Path(id): Path<String>) -> Result<Response, ApiError> {
    let talk = app.conversation_row_for(&me, id).await?;
    Ok(Json(json!({"corrections": app.desk.store.corrections(&talk.id).await?})).into_response())
}

/// Corrects an utterance, or undoes its latest correction.
pub async fn correct(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    Sent(body): Sent<Body>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Judge)?;
    let talk = app.conversation_row_for(&me, id).await?;
    if body.undo {
        corrections::undo(&app.desk, &me.user.id, &talk, body.utterance).await?;
    } else {
        let party = match body.party.as_deref() {
            None => None,
            Some(party) => {
                Some(party.parse::<Party>().map_err(|_| ApiError::Wrong("party: customer or agent".into()))?)
            }
        };
        let new = Corrected { utterance: body.utterance, party, text: body.text };
        corrections::correct(&app.desk, &me.user.id, &talk, new).await?;
    }
    Ok(Json(json!({"corrections": app.desk.store.corrections(&talk.id).await?})).into_response())
}
