//! What a case owes, on its page: clocks, words to the customer, waiting, questions to departments, followers.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::case::{Action, Priority};
use gradus_engine::protocol::Protocol;
use serde::Deserialize;

use super::{CaseForm, CaseParts, form, render};
use crate::api::{ApiError, Filled, mend};
use crate::auth::{May, Me};
use crate::desk::digest;
use crate::http::App;
use crate::mask::MaskedText;
use crate::store::{AskRow, CaseRow, ClockRow, UserId};
use crate::web::sign_in::OnlyToken;
use crate::web::{Section, Words, frame};

/// A clock in words.
pub(in crate::web) struct ClockView {
    pub title: &'static str,
    pub class: &'static str,
    /// When it runs out; 0 while it stands or its matter is done.
    pub due_ms: i64,
    pub state: String,
}

/// A question to a department in words.
pub(in crate::web) struct AskView {
    pub case_id: String,
    pub case_number: i64,
    pub number: i64,
    pub customer: String,
    pub department: String,
    pub question: String,
    pub asked: String,
    pub due_ms: i64,
    pub late: bool,
    pub answer: String,
    pub answered: String,
    pub open: bool,
}

/// A template of words to the customer, filled in.
pub(in crate::web) struct TemplateView {
    pub id: String,
    pub title: String,
    pub text: String,
    /// Whether the words begin from it.
    pub here: bool,
}

/// What a case owes, in words.
pub(in crate::web) struct ServiceView {
    pub clocks: Vec<ClockView>,
    pub asks: Vec<AskView>,
    /// Departments that can be asked now, by name and title.
    pub departments: Vec<(String, String)>,
    pub templates: Vec<TemplateView>,
    /// The words to the customer that a template begins.
    pub draft: String,
    pub priorities: Vec<(&'static str, &'static str, bool)>,
    pub waits_until: String,
    pub since_contact: String,
    pub followers: String,
    pub follows: bool,
}

/// Returns what a case owes, in words.
pub(in crate::web) fn service_view(w: &Words, protocol: &Protocol, parts: &CaseParts<'_>) -> ServiceView {
    let CaseParts { row, clocks, asks, followers, template, .. } = parts;
    let templates = template_views(w, protocol, (row, clocks, asks), (parts.writer, parts.template));
    let began = parts.talk.as_ref().map_or(row.opened_at_ms, |talk| talk.conversation.started_at_ms);
    let until = row.closed_at_ms.unwrap_or(w.now_ms());
    let waits = |name: &str| asks.iter().any(|ask| ask.department == name && ask.answered_at_ms.is_none());
    let free = protocol.clocks.departments.iter().filter(|known| !waits(&known.name));
    let draft = templates.iter().find(|known| known.id == *template);
    let priority = |priority: &Priority| {
        let name = priority.name();
        (name, w.priority(name), row.priority == name)
    };
    let follower = |(id, name): &(UserId, Option<String>)| name.clone().unwrap_or_else(|| id.to_string());
    ServiceView {
        clocks: clock_views(w, clocks, row.paused_until_ms.is_some()),
        asks: asks.iter().rev().map(|ask| ask_view(w, protocol, ask)).collect(),
        departments: free.map(|known| (known.name.clone(), known.title.clone())).collect(),
        draft: draft.map_or_else(String::new, |draft| draft.text.clone()),
        templates,
        priorities: Priority::ALL.iter().map(priority).collect(),
        waits_until: row
            .paused_until_ms
            .filter(|_| row.closed_at_ms.is_none())
            .map(|at| w.moment(at))
            .unwrap_or_default(),
        since_contact: w.span(until - began),
        followers: followers.iter().map(follower).collect::<Vec<_>>().join(", "),
        follows: followers.iter().any(|(id, _)| id == parts.me),
    }
}

/// Returns a clock in words.
fn clock_view(w: &Words, clock: &ClockRow, rests: bool) -> ClockView {
    let of = format!("{} {} {}", w.span(clock.spent_ms), w.t.k_of, w.span(clock.limit_ms));
    let (class, state) = match (clock.met_at_ms, clock.breached) {
        (Some(_), false) => ("good", format!("{}: {of}", w.t.k_met)),
        (Some(_), true) => ("late", format!("{}, {}: {of}", w.t.k_met, w.t.k_late)),
        (None, true) if clock.due_at_ms.is_none() => ("late", w.t.k_late.to_owned()),
        (None, true) => ("late", String::new()),
        (None, false) if clock.due_at_ms.is_none() && rests => ("rests", w.t.k_rests.to_owned()),
        (None, false) if clock.warned => ("warn", String::new()),
        (None, false) => ("", String::new()),
    };
    let due_ms = clock.due_at_ms.filter(|_| clock.met_at_ms.is_none()).unwrap_or(0);
    ClockView { title: w.clock(&clock.clock), class, due_ms, state }
}

/// Returns the clocks of a case in words, in the order in which it passes them.
pub(in crate::web) fn clock_views(w: &Words, clocks: &[ClockRow], rests: bool) -> Vec<ClockView> {
    let order = gradus_engine::case::ClockKind::ALL;
    let known = order.iter().filter_map(|kind| clocks.iter().find(|clock| clock.clock == kind.name()));
    known.map(|clock| clock_view(w, clock, rests)).collect()
}

/// Returns a question in words.
pub(in crate::web) fn ask_view(w: &Words, protocol: &Protocol, ask: &AskRow) -> AskView {
    let department = protocol.clocks.department(&ask.department);
    let by = ask.asked_by_name.clone().unwrap_or_else(|| w.t.by_protocol.to_owned());
    let answered = ask.answered_at_ms.map(|at| {
        format!(
            "{}, {}",
            ask.answered_by_name.clone().unwrap_or_else(|| w.t.unknown.to_owned()),
            w.moment(at)
        )
    });
    AskView {
        case_id: ask.case_id.to_string(),
        case_number: ask.case_number,
        number: ask.number,
        customer: ask.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned()),
        department: department.map_or_else(|| ask.department.clone(), |known| known.title.clone()),
        question: match (&ask.question, &ask.asked_by) {
            (Some(text), _) => text.clone(),
            (None, None) => w.t.ask_by_protocol.to_owned(),
            (None, Some(_)) => w.t.erased.to_owned(),
        },
        asked: format!("{by}, {}", w.moment(ask.asked_at_ms)),
        due_ms: ask.due_at_ms,
        late: ask.late,
        answer: ask.answer.clone().unwrap_or_default(),
        open: answered.is_none(),
        answered: answered.unwrap_or_default(),
    }
}

/// Returns the templates of the protocol, filled in for a case.
pub(in crate::web) fn template_views(
    w: &Words,
    protocol: &Protocol,
    (row, clocks, asks): (&CaseRow, &[ClockRow], &[AskRow]),
    (writer, chosen): (&str, &str),
) -> Vec<TemplateView> {
    let owed =
        |clock: &&ClockRow| matches!(clock.clock.as_str(), "first_response" | "next_update" | "resolve");
    let due = clocks.iter().filter(owed).filter(|clock| clock.met_at_ms.is_none());
    let due = due.filter_map(|clock| clock.due_at_ms).filter(|at| *at > w.now_ms()).min();
    let department = asks.last().map(|ask| ask_view(w, protocol, ask).department);
    let known = |name: &str| match name {
        "клиент" => row.customer_name.clone(),
        "номер" => Some(row.number.to_string()),
        "сотрудник" => Some(writer.to_owned()),
        "срок" => due.map(|at| w.moment(at)),
        "отдел" => department.clone(),
        _ => None,
    };
    let view = |template: &gradus_engine::protocol::Template| TemplateView {
        id: template.id.clone(),
        title: template.title.clone(),
        text: template.fill(known),
        here: template.id == chosen,
    };
    protocol.templates.iter().map(view).collect()
}

/// Words with the action that they go with.
#[derive(Deserialize)]
pub struct Saying {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    department: String,
    #[serde(default)]
    ask: u32,
    #[serde(default)]
    again: String,
}

/// Notes what the customer was told.
pub async fn inform(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Saying>,
) -> Result<Response, ApiError> {
    let again_minutes = form.again.trim().parse().ok().filter(|minutes| (1..=525_600).contains(minutes));
    let action = |text_sha256| Action::Inform { text_sha256, again_minutes };
    say(&app, &me, id, (&form.csrf, &form.text), action).await
}

/// Asks a department.
pub async fn ask(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Saying>,
) -> Result<Response, ApiError> {
    let department = form.department.clone();
    let action = |text_sha256| Action::Ask { department, text_sha256 };
    say(&app, &me, id, (&form.csrf, &form.text), action).await
}

/// Answers for a department.
pub async fn answer(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Saying>,
) -> Result<Response, ApiError> {
    let action = |text_sha256| Action::Answer { ask: form.ask, text_sha256 };
    let answer = say(&app, &me, id, (&form.csrf, &form.text), action).await?;
    let department = me.role == crate::auth::Role::Department;
    Ok(if department && answer.status().is_redirection() {
        Redirect::to("/asks").into_response()
    } else {
        answer
    })
}

async fn say(
    app: &App,
    me: &Me,
    id: String,
    (csrf, text): (&str, &str),
    action: impl FnOnce(String) -> Action,
) -> Result<Response, ApiError> {
    me.changes(csrf, May::Act)?;
    let row = app.case_for(me, id).await?;
    let w = frame(app, me, Section::Cases).w;
    let text = text.trim();
    let wrong = if text.is_empty() { Some(w.t.e_text) } else { form::too_long(&w, text) };
    if let Some(wrong) = wrong {
        return Ok(mend(render(app, me, row, CaseForm::without_text(wrong)).await?));
    }
    let masked = MaskedText::of(text);
    let action = action(digest(masked.as_bytes()));
    app.desk.act_saying(&me.user.id, &row, action, Some(masked)).await?;
    Ok(Redirect::to(&format!("/cases/{}", row.id)).into_response())
}

/// «We wait for the customer».
pub async fn wait(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    super::act(&app, &me, id, &form.csrf, Action::Wait { until: None }).await
}

/// «The customer has answered».
pub async fn resume(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    super::act(&app, &me, id, &form.csrf, Action::Resume).await
}

/// How pressing a case is from now on.
#[derive(Deserialize)]
pub struct Pressing {
    #[serde(default)]
    csrf: String,
    priority: String,
}

/// Changes how pressing a case is.
pub async fn prioritise(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Pressing>,
) -> Result<Response, ApiError> {
    let known = Priority::ALL.into_iter().find(|priority| priority.name() == form.priority);
    let priority = known.ok_or_else(|| ApiError::Wrong("priority: one of normal, high, urgent".into()))?;
    super::act(&app, &me, id, &form.csrf, Action::Prioritise { priority }).await
}

/// Follows a case, or leaves it: open to everybody who may write notes.
pub async fn follow(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Note)?;
    let row = app.case_for(&me, id).await?;
    let followers: Vec<(UserId, Option<String>)> = app.desk.store.followers_of(&row.id).await?;
    let follows = followers.iter().any(|(user, _)| *user == me.user.id);
    let action = if follows { Action::Unfollow } else { Action::Follow };
    app.act(&me, &row, action).await?;
    Ok(Redirect::to(&format!("/cases/{}", row.id)).into_response())
}
