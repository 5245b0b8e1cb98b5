//! The queue of a department: what is asked, until when, and one form to answer. Supervisors see all departments.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::case::{AskView, ask_view};
use super::sign_in::OnlyToken;
use super::{Frame, Section, frame, show};
use crate::api::{ApiError, Filled};
use crate::auth::{May, Me, Role};
use crate::http::App;

/// Questions on the page.
const MOST: i64 = 200;

#[derive(Template)]
#[template(path = "asks.html")]
pub(super) struct AsksPage {
    pub f: Frame,
    pub waiting: Vec<AskView>,
    pub done: Vec<AskView>,
}

/// Shows the questions to one's department, or to all of them.
pub async fn page(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Act)?;
    let f = frame(&app, &me, Section::Asks);
    let asks = app.desk.store.asks_of(department_of(&me), MOST).await?;
    let protocol = app.desk.pipeline.protocol();
    let (waiting, done): (Vec<AskView>, Vec<AskView>) =
        asks.iter().map(|ask| ask_view(&f.w, &protocol, ask)).partition(|ask| ask.open);
    show(&AsksPage { f, waiting, done })
}

/// Returns the department whose questions somebody sees; nothing for all of them.
pub(crate) fn department_of(me: &Me) -> Option<&str> {
    me.user.team.as_deref().filter(|_| me.role == Role::Department)
}

/// Somebody has seen an alert that asks for no more.
pub async fn seen(
    State(app): State<App>,
    me: Me,
    Path(number): Path<i64>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let calls = app.alerts_for(&me).await?;
    let alert = calls.into_iter().find(|alert| alert.number == Some(number) && alert.topic != "case");
    app.desk.saw(&me.user.id, &alert.ok_or(ApiError::NotFound)?).await?;
    Ok(Redirect::to("/").into_response())
}
