//! The page of a case and what people do with it. Refusals come from the engine; what a form lacks comes back beside
//! its field.

mod form;
mod related;
mod service;
mod view;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::case::{Action, StaffId};
use serde::Deserialize;

use super::sign_in::OnlyToken;
use super::{Section, frame, show};
use crate::api::{ApiError, Asked, Filled, mend};
use crate::auth::{May, Me, Role};
use crate::dossier::{FORMER, prepare};
use crate::http::App;
use crate::rating;
use crate::store::{CaseRow, UserId, Verdict};

pub(super) use form::CaseForm;
pub use related::{add as add_documents, link, merge, remove as remove_document, unlink};
pub(super) use service::{AskView, ask_view};
pub use service::{answer, ask, follow, inform, prioritise, resume, wait};
pub(super) use view::{Care, CaseParts, Page, view};

/// Shows a case.
pub async fn page(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Asked(asked): Asked<Drafting>,
) -> Result<Response, ApiError> {
    let row = app.case_for(&me, id).await?;
    let form = CaseForm { template: asked.template.unwrap_or_default(), ..CaseForm::default() };
    render(&app, &me, row, form).await
}

/// The template that words to the customer begin from.
#[derive(Deserialize)]
pub struct Drafting {
    template: Option<String>,
}

async fn render(app: &App, me: &Me, row: CaseRow, form: CaseForm) -> Result<Response, ApiError> {
    let store = &app.desk.store;
    let timeline = store.timeline(&row.id).await?;
    let talk = match &row.conversation_id {
        Some(conversation) => store.conversation_page(conversation).await?,
        None => None,
    };
    let (customer, earlier) = match &row.customer_id {
        Some(id) => (store.customer(id).await?, app.conversations_of(me, id).await?),
        None => (None, Vec::new()),
    };
    let people = store.users().await?;
    let alerts = store.alerts_of_case(&row.id).await?;
    let deliveries = store.deliveries_of_case(&row.id).await?;
    let clocks = store.clocks_of_case(&row.id).await?;
    let asks = store.asks_of_case(&row.id).await?;
    let followers = store.followers_of(&row.id).await?;
    let related = store.related_to(&row.id, row.customer_id.as_ref()).await?;
    let related: Vec<_> = related.into_iter().filter(|other| me.sees(other.team.as_deref())).collect();
    let documents = store.documents_of(&row.id).await?;
    let care = Care {
        rating: store.rating_of(&row.id).await?,
        link: format!("{}{}", app.desk.config.http.public(), rating::path(&app.desk, row.number).await?),
        stayed: store.stayed(&row.id).await?,
        costs: store.costs_of(&row.id).await?,
        incident: match &row.conversation_id {
            Some(conversation) => store.incident_of(conversation).await?,
            None => None,
        },
    };
    let options = match row.cause.as_deref().filter(|_| row.closed_at_ms.is_none()) {
        Some(cause) => prepare(&store.solved(cause, FORMER).await?),
        None => Vec::new(),
    };
    let promises = match &row.customer_id {
        Some(id) => store.promises_of(id, app.desk.clock.now()).await?,
        None => Vec::new(),
    };
    let f = frame(app, me, Section::Cases);
    let parts = CaseParts {
        options: &options,
        promises: &promises,
        related: &related,
        documents: &documents,
        care: &care,
        clocks: &clocks,
        asks: &asks,
        followers: &followers,
        template: &form.template,
        writer: &me.user.name,
        row: &row,
        timeline: &timeline,
        talk,
        customer,
        earlier,
        people: &people,
        alerts: &alerts,
        deliveries: &deliveries,
        me: &me.user.id,
    };
    let v = view(&f.w, &app.desk.pipeline.protocol(), parts);
    let tasks = super::tasks::of_case(app, me, &f.w, &row).await?;
    show(&Page { f, v, form, tasks })
}

/// Opens a case by hand.
pub async fn open(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Note)?;
    let conversation = app.conversation_row_for(&me, id).await?.id;
    app.desk.pipeline.act(&conversation, &me.user.id, Action::Open, app.desk.clock.now()).await?;
    let row = app.desk.store.conversation(&conversation).await?.ok_or(ApiError::NotFound)?;
    Ok(Redirect::to(&format!("/cases/{}", row.case_id.ok_or(ApiError::NotFound)?)).into_response())
}

/// «I have seen it».
pub async fn acknowledge(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    act(&app, &me, id, &form.csrf, Action::Acknowledge).await
}

/// «Later»: the alert rests for this person and climbs to the next all the same.
pub async fn snooze(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let row = app.case_for(&me, id).await?;
    for alert in app.desk.store.alerts_of_case(&row.id).await? {
        app.desk.snooze(&me.user.id, &alert).await?;
    }
    Ok(Redirect::to(&format!("/cases/{}", row.id)).into_response())
}

/// Whether an alert was true.
#[derive(Deserialize)]
pub struct VerdictForm {
    #[serde(default)]
    csrf: String,
    alert: i64,
    verdict: String,
    #[serde(default)]
    reason: String,
}

/// Notes whether an alert of the case was true.
pub async fn verdict(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<VerdictForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let row = app.case_for(&me, id).await?;
    app.judge(&me, &row, form.alert, &form.verdict, &form.reason).await?;
    Ok(Redirect::to(&format!("/cases/{}#part-alerts", row.id)).into_response())
}

/// «I take it over».
pub async fn take_over(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    act(&app, &me, id, &form.csrf, Action::TakeOver).await
}

/// Opens a resolved case again.
pub async fn reopen(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    act(&app, &me, id, &form.csrf, Action::Reopen).await
}

/// To whom a case is handed.
#[derive(Deserialize)]
pub struct HandOver {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    to: String,
}

/// Hands the case to another person, who may act and sees it.
pub async fn hand_over(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<HandOver>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let row = app.case_for(&me, id).await?;
    let to = app.desk.store.user(&UserId(form.to)).await?;
    let may = |role: &str| role.parse::<Role>().is_ok_and(|role| role.may(May::Act));
    let Some(to) = to.filter(|to| to.active && may(&to.role)) else {
        let words = frame(&app, &me, Section::Cases).w.t.e_to;
        return Ok(mend(render(&app, &me, row, CaseForm::without_person(words)).await?));
    };
    act(&app, &me, row.id.0, &form.csrf, Action::HandOver { to: StaffId(to.id.0) }).await
}

/// A note for the timeline.
#[derive(Deserialize)]
pub struct Note {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    note: String,
}

/// Writes a note.
pub async fn note(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Note>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Note)?;
    let row = app.case_for(&me, id).await?;
    let w = frame(&app, &me, Section::Cases).w;
    let text = form.note.trim();
    let wrong = if text.is_empty() { Some(w.t.e_note) } else { form::too_long(&w, text) };
    if let Some(wrong) = wrong {
        return Ok(mend(render(&app, &me, row, CaseForm::without_note(wrong)).await?));
    }
    app.desk.note(&row, &me.user.id, text).await?;
    Ok(Redirect::to(&format!("/cases/{}", row.id)).into_response())
}

/// Closes the case with reason, decision, cost and conclusion.
pub async fn resolve(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(mut form): Filled<CaseForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let row = app.case_for(&me, id).await?;
    let w = frame(&app, &me, Section::Cases).w;
    match form.resolution(&w) {
        Some(resolution) => {
            let csrf = std::mem::take(&mut form.csrf);
            act(&app, &me, row.id.0, &csrf, Action::Resolve { resolution }).await
        }
        None => Ok(mend(render(&app, &me, row, form).await?)),
    }
}

async fn act(app: &App, me: &Me, id: String, csrf: &str, action: Action) -> Result<Response, ApiError> {
    me.changes(csrf, May::Act)?;
    let row = app.case_for(me, id).await?;
    app.act(me, &row, action).await?;
    Ok(Redirect::to(&format!("/cases/{}", row.id)).into_response())
}

impl App {
    /// Notes what somebody says of an alert of a case.
    ///
    /// # Errors
    /// `NotFound` where it belongs to another case.
    pub async fn judge(
        &self,
        me: &Me,
        row: &CaseRow,
        number: i64,
        verdict: &str,
        reason: &str,
    ) -> Result<(), ApiError> {
        let alert = self.desk.store.alert_by_number(number).await?;
        let alert =
            alert.filter(|alert| alert.case_id.as_ref() == Some(&row.id)).ok_or(ApiError::NotFound)?;
        let verdict: Verdict = verdict.parse().map_err(ApiError::Wrong)?;
        let known = crate::alert::reasons(&super::words_for(self, me.lang));
        let reason = match known.into_iter().find(|(name, _)| *name == reason) {
            Some((name, _)) => Some(name),
            None if reason.is_empty() => None,
            None => return Err(ApiError::Wrong(format!("reason: unknown \"{reason}\""))),
        };
        let reason = reason.filter(|_| verdict == Verdict::Wrong);
        Ok(self.desk.judge(&me.user.id, &alert, verdict, reason).await?)
    }

    /// Does something with a case in the name of who asks.
    ///
    /// # Errors
    /// The refusal of the engine, or what is broken.
    pub async fn act(&self, me: &Me, row: &CaseRow, action: Action) -> Result<(), ApiError> {
        Ok(self.desk.act(&me.user.id, row, action).await?)
    }
}
