//! Cases that have to do with a case, and its documents, on its page.

use axum::extract::{Multipart, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{CaseForm, render};
use crate::api::{ApiError, Filled, mend, read_files};
use crate::auth::{May, Me};
use crate::documents::DocumentError;
use crate::http::App;
use crate::related::RelateError;
use crate::store::{CaseRow, DocumentRow, RelatedRow};
use crate::web::sign_in::OnlyToken;
use crate::web::{Section, Words, frame};

/// Another case in words.
pub(super) struct RelatedView {
    pub(super) id: String,
    pub(super) number: i64,
    pub(super) relation: String,
    pub(super) what: &'static str,
    pub(super) customer: String,
    pub(super) state: &'static str,
    pub(super) opened: String,
}

/// A document in words.
pub(super) struct DocumentView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) size: String,
    pub(super) added: String,
    pub(super) mine: bool,
}

pub(super) fn related_view(w: &Words, other: &RelatedRow) -> RelatedView {
    RelatedView {
        id: other.id.to_string(),
        number: other.number,
        what: match other.relation.as_str() {
            "merged" => w.t.rel_merged,
            "into" => w.t.rel_into,
            "linked" => w.t.rel_linked,
            _ => w.t.rel_alike,
        },
        relation: other.relation.clone(),
        customer: other.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned()),
        state: w.state(&other.state),
        opened: w.moment(other.opened_at_ms),
    }
}

pub(super) fn document_view(w: &Words, document: &DocumentRow, me: &str) -> DocumentView {
    let by = document.added_by_name.clone().unwrap_or_else(|| w.t.unknown.to_owned());
    DocumentView {
        id: document.id.clone(),
        name: document.name.clone(),
        size: w.bytes(document.size_bytes),
        added: format!("{by}, {}", w.moment(document.added_at_ms)),
        mine: document.added_by.as_str() == me,
    }
}

/// Which other case.
#[derive(Deserialize)]
pub struct OtherForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    number: String,
}

/// What is done with two cases.
#[derive(Clone, Copy)]
enum Both {
    Merge,
    Link,
    Unlink,
}

/// Merges the case into an older one.
pub async fn merge(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OtherForm>,
) -> Result<Response, ApiError> {
    relate(&app, &me, id, &form, Both::Merge).await
}

/// Links the case with another.
pub async fn link(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OtherForm>,
) -> Result<Response, ApiError> {
    relate(&app, &me, id, &form, Both::Link).await
}

/// Takes a link back.
pub async fn unlink(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OtherForm>,
) -> Result<Response, ApiError> {
    relate(&app, &me, id, &form, Both::Unlink).await
}

async fn relate(app: &App, me: &Me, id: String, form: &OtherForm, what: Both) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let row = app.case_for(me, id).await?;
    let w = frame(app, me, Section::Cases).w;
    let number = form.number.trim().trim_start_matches('№').trim().parse().unwrap_or(-1);
    let other = app.desk.store.case_by_number(number).await?;
    let Some(other) = other.filter(|other| me.sees(other.team.as_deref())) else {
        return again(app, me, row, w.t.e_other.to_owned()).await;
    };
    let (by, desk) = (&me.user.id, &app.desk);
    let done = match what {
        Both::Merge => desk.merge(by, &row, &other).await,
        Both::Link => desk.link(by, &row, &other, true).await,
        Both::Unlink => desk.link(by, &row, &other, false).await,
    };
    match done {
        Ok(()) => {
            let to = if matches!(what, Both::Merge) { &other.id } else { &row.id };
            Ok(Redirect::to(&format!("/cases/{to}#part-related")).into_response())
        }
        Err(RelateError::Itself) => again(app, me, row, w.t.e_itself.to_owned()).await,
        Err(RelateError::Customers) => again(app, me, row, w.t.e_customers.to_owned()).await,
        Err(RelateError::NoConversation(_)) => again(app, me, row, w.t.e_no_talk.to_owned()).await,
        Err(RelateError::Younger { younger, older }) => {
            let words = w.t.e_younger.replace("{younger}", &younger.to_string());
            again(app, me, row, words.replace("{older}", &older.to_string())).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn again(app: &App, me: &Me, row: CaseRow, words: String) -> Result<Response, ApiError> {
    Ok(mend(render(app, me, row, CaseForm::without_other(words)).await?))
}

/// Adds documents.
pub async fn add(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    form: Multipart,
) -> Result<Response, ApiError> {
    let files = read_files(form, |csrf| me.changes(csrf, May::Note)).await?;
    let row = app.case_for(&me, id).await?;
    let w = frame(&app, &me, Section::Cases).w;
    for (name, bytes) in files {
        match app.desk.add_document(&me.user.id, &row, &name, bytes).await {
            Ok(_) => {}
            Err(DocumentError::Store(error)) => return Err(error.into()),
            Err(error) => {
                let why = match error {
                    DocumentError::Empty(_) => w.t.e_file_empty,
                    DocumentError::TooMany => w.t.e_file_many,
                    _ => w.t.e_file_large,
                };
                let form = CaseForm::without_file(format!("{name}: {why}"));
                return Ok(mend(render(&app, &me, row, form).await?));
            }
        }
    }
    Ok(Redirect::to(&format!("/cases/{}#part-documents", row.id)).into_response())
}

/// Takes a document off.
pub async fn remove(
    State(app): State<App>,
    me: Me,
    Path((id, document)): Path<(String, String)>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Note)?;
    let row = app.case_for(&me, id).await?;
    app.take_off(&me, &row, &document).await?;
    Ok(Redirect::to(&format!("/cases/{}#part-documents", row.id)).into_response())
}
