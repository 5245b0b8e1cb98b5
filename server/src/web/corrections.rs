//! Corrections beside the lines of a transcript: a form for one line, what was before, and the way back.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::signal::Party;
use serde::Deserialize;

use super::Words;
use super::transcript::Line;
use crate::api::{ApiError, Filled};
use crate::auth::{May, Me};
use crate::corrections::{self, Corrected};
use crate::http::App;
use crate::store::{CorrectionRow, UtteranceRow};

/// What a line shows of its corrections.
#[derive(Default)]
pub(super) struct Fix {
    /// Whether somebody chose to correct it: then its words as they stand.
    pub form: Option<FixForm>,
    /// What was before, the latest first.
    pub before: Vec<FixBefore>,
    /// Whether a correction stands.
    pub stands: bool,
}

/// The words and the speaker as they stand.
pub(super) struct FixForm {
    pub text: String,
    pub customer: bool,
}

/// A correction in words.
pub(super) struct FixBefore {
    pub who: String,
    pub when: String,
    pub party: &'static str,
    pub text: String,
    pub undone: bool,
}

/// Puts the corrections to their lines, and the form to the line that somebody chose.
pub(super) fn add(
    w: &Words,
    lines: &mut [Line],
    (utterances, rows): (&[UtteranceRow], &[CorrectionRow]),
    chosen: Option<i64>,
) {
    for line in lines {
        let said = utterances.iter().find(|said| said.utterance == line.index);
        let form = said.filter(|said| Some(said.utterance) == chosen).and_then(|said| {
            Some(FixForm { text: said.text.clone()?, customer: said.party == Party::Customer.name() })
        });
        let of_line: Vec<&CorrectionRow> = rows.iter().filter(|row| row.utterance == line.index).collect();
        line.fix = Fix {
            form,
            stands: of_line.iter().any(|row| row.undone_at_ms.is_none()),
            before: of_line.iter().map(|row| before(w, row)).collect(),
        };
    }
}

fn before(w: &Words, row: &CorrectionRow) -> FixBefore {
    FixBefore {
        who: row.by_name.clone().unwrap_or_else(|| row.by_user.clone()),
        when: w.moment(row.at_ms),
        party: if row.party == Party::Customer.name() { w.t.customer_role } else { w.t.agent_role },
        text: row.text.clone().unwrap_or_else(|| w.t.erased.to_owned()),
        undone: row.undone_at_ms.is_some(),
    }
}

/// The form of a correction.
#[derive(Deserialize)]
pub struct CorrectForm {
    #[serde(default)]
    csrf: String,
    utterance: i64,
    party: String,
    #[serde(default)]
    text: String,
}

/// Corrects an utterance.
pub async fn correct(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<CorrectForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Judge)?;
    let talk = app.conversation_row_for(&me, id).await?;
    let party: Party = form.party.parse().map_err(|_| ApiError::Wrong("party: customer or agent".into()))?;
    let new = Corrected { utterance: form.utterance, party: Some(party), text: Some(form.text) };
    corrections::correct(&app.desk, &me.user.id, &talk, new).await?;
    Ok(Redirect::to(&format!("/conversations/{}#u{}", talk.id, form.utterance)).into_response())
}

/// Which utterance goes back.
#[derive(Deserialize)]
pub struct UndoForm {
    #[serde(default)]
    csrf: String,
    utterance: i64,
}

/// Undoes the latest correction of an utterance.
pub async fn undo(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<UndoForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Judge)?;
    let talk = app.conversation_row_for(&me, id).await?;
    corrections::undo(&app.desk, &me.user.id, &talk, form.utterance).await?;
    Ok(Redirect::to(&format!("/conversations/{}#u{}", talk.id, form.utterance)).into_response())
}
