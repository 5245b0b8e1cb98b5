//! Incidents: what several customers report at once, with one text for all of them and one end.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::case::{Resolution, ResolutionReason};
use serde::Deserialize;

use super::{Frame, Section, Words, frame, icons, show};
use crate::api::incidents::{LONGEST, MOST};
use crate::api::{ApiError, Asked, Filled, mend};
use crate::auth::{May, Me};
use crate::http::App;
use crate::incidents::Ending;
use crate::store::{IncidentRow, MemberRow, WordsRow};

/// An incident in words.
pub(super) struct IncidentLine {
    pub number: i64,
    pub title: String,
    pub kind: String,
    pub conversations: String,
    pub open_cases: i64,
    pub opened: String,
    pub last: String,
    /// How long it has gone on, or went on.
    pub span: String,
    pub closed: String,
    pub conclusion: String,
}

/// A conversation of an incident in words.
pub(super) struct MemberLine {
    pub conversation: String,
    pub icon: String,
    pub customer: String,
    pub agent: String,
    pub when: String,
    pub quote: String,
    pub case: Option<(String, i64, &'static str)>,
}

/// What its customers were told, in words.
pub(super) struct ToldLine {
    pub text: String,
    pub about: String,
}

#[derive(Template)]
#[template(path = "incidents.html")]
pub(super) struct IncidentsPage {
    pub f: Frame,
    pub open: Vec<IncidentLine>,
    pub closed: Vec<IncidentLine>,
}

#[derive(Template)]
#[template(path = "incident.html")]
pub(super) struct IncidentPage {
    pub f: Frame,
    pub i: IncidentLine,
    pub members: Vec<MemberLine>,
    pub told: Vec<ToldLine>,
    pub done: String,
    pub wrong_text: Option<&'static str>,
    pub wrong_end: Option<&'static str>,
    pub form: EndForm,
}

/// Shows all incidents.
pub async fn list(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Read)?;
    let f = frame(&app, &me, Section::Cases);
    let rows = app.desk.store.incidents(MOST).await?;
    let (open, closed): (Vec<_>, Vec<_>) =
        rows.iter().map(|row| incident_line(&f.w, row)).partition(|line| line.closed.is_empty());
    show(&IncidentsPage { f, open, closed })
}

/// What was just done.
#[derive(Deserialize)]
pub struct Done {
    cases: Option<u32>,
}

/// Shows an incident.
pub async fn page(
    State(app): State<App>,
    me: Me,
    Path(number): Path<i64>,
    Asked(done): Asked<Done>,
) -> Result<Response, ApiError> {
    me.may(May::Read)?;
    let mut page = build(&app, &me, number).await?;
    page.done =
        done.cases.map(|cases| page.f.w.t.in_done.replace("{cases}", &cases.to_string())).unwrap_or_default();
    show(&page)
}

async fn build(app: &App, me: &Me, number: i64) -> Result<IncidentPage, ApiError> {
    let f = frame(app, me, Section::Cases);
    let row = app.incident(number).await?;
    let members = app.members_for(me, &row).await?;
    let told = app.desk.store.incident_words(row.id).await?;
    Ok(IncidentPage {
        i: incident_line(&f.w, &row),
        members: members.iter().map(|member| member_line(&f.w, member)).collect(),
        told: told.iter().map(|told| told_line(&f.w, told)).collect(),
        done: String::new(),
        wrong_text: None,
        wrong_end: None,
        form: EndForm::default(),
        f,
    })
}

/// Returns an incident in words.
pub(super) fn incident_line(w: &Words, row: &IncidentRow) -> IncidentLine {
    let until = row.closed_at_ms.unwrap_or(w.now_ms());
    let closed = row.closed_at_ms.map(|at| {
        let by = row.closed_by_name.clone().unwrap_or_else(|| w.t.unknown.to_owned());
        format!("{}, {by}", w.moment(at))
    });
    let title = row.title.clone().or_else(|| row.quote.as_ref().map(|quote| shortened(quote)));
    IncidentLine {
        number: row.number,
        title: title.unwrap_or_else(|| w.t.erased.to_owned()),
        kind: w.signal(&row.kind),
        conversations: count(w, row.conversations),
        open_cases: row.open_cases,
        opened: w.moment(row.opened_at_ms),
        last: w.moment(row.last_at_ms),
        span: w.span(until - row.opened_at_ms),
        closed: closed.unwrap_or_default(),
        conclusion: row.conclusion.clone().unwrap_or_default(),
    }
}

fn count(w: &Words, conversations: i64) -> String {
    let ru = ["разговор", "разговора", "разговоров"];
    format!("{conversations}\u{a0}{}", w.plural(conversations, ru, ["conversation", "conversations"]))
}

/// Returns the first words of a quote, for a heading.
fn shortened(quote: &str) -> String {
    const MOST: usize = 90;
    if quote.chars().count() <= MOST {
        return quote.to_owned();
    }
    let cut: String = quote.chars().take(MOST).collect();
    format!("{}…", cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole))
}

/// Returns a conversation of an incident in words.
pub(super) fn member_line(w: &Words, row: &MemberRow) -> MemberLine {
    let case = row.case_id.as_ref().zip(row.case_number);
    MemberLine {
        conversation: row.conversation_id.to_string(),
        icon: icons::icon(&row.channel),
        customer: row.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned()),
        agent: row.agent.clone().unwrap_or_default(),
        when: w.moment(row.at_ms),
        quote: row.quote.clone().unwrap_or_default(),
        case: case
            .map(|(id, number)| (id.to_string(), number, w.state(row.case_state.as_deref().unwrap_or("")))),
    }
}

/// Returns what customers were told, in words.
pub(super) fn told_line(w: &Words, row: &WordsRow) -> ToldLine {
    let by = row.told_by_name.clone().unwrap_or_else(|| w.t.unknown.to_owned());
    ToldLine {
        text: row.text.clone(),
        about: format!("{}, {by} · {}: {}", w.moment(row.at_ms), w.t.in_told_cases, row.cases),
    }
}

/// One text for all.
#[derive(Deserialize)]
pub struct TellForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    again: String,
}

/// Tells the customers of an incident one text.
pub async fn inform(
    State(app): State<App>,
    me: Me,
    Path(number): Path<i64>,
    Filled(form): Filled<TellForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let row = app.incident(number).await?;
    let again = form.again.trim().parse().ok().filter(|minutes| (1..=525_600).contains(minutes));
    if !fits(&form.text) {
        let mut page = build(&app, &me, number).await?;
        page.wrong_text = Some(page.f.w.t.e_text);
        return Ok(mend(show(&page)?));
    }
    let reached = app.inform_incident(&me, &row, (&form.text, again)).await?;
    Ok(Redirect::to(&format!("/incidents/{number}?cases={}", reached.cases)).into_response())
}

/// The name of an incident.
#[derive(Deserialize)]
pub struct NameForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    title: String,
}

/// Names an incident.
pub async fn name(
    State(app): State<App>,
    me: Me,
    Path(number): Path<i64>,
    Filled(form): Filled<NameForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let row = app.incident(number).await?;
    let title: String = form.title.trim().chars().take(200).collect();
    if !title.is_empty() {
        app.desk.name_incident(&me.user.id, &row, &title).await?;
    }
    Ok(Redirect::to(&format!("/incidents/{number}")).into_response())
}

/// How an incident ends.
#[derive(Default, Deserialize)]
pub struct EndForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    pub(super) conclusion: String,
    #[serde(default)]
    pub(super) decision: String,
    /// `wake` or `resolve`.
    #[serde(default)]
    pub(super) cases: String,
}

/// Closes an incident.
pub async fn close(
    State(app): State<App>,
    me: Me,
    Path(number): Path<i64>,
    Filled(form): Filled<EndForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let row = app.incident(number).await?;
    let resolves = form.cases == "resolve";
    if !fits(&form.conclusion) || (resolves && !fits(&form.decision)) {
        let mut page = build(&app, &me, number).await?;
        let t = page.f.w.t;
        page.wrong_end = Some(if fits(&form.conclusion) { t.e_decision } else { t.e_conclusion });
        page.form = form;
        return Ok(mend(show(&page)?));
    }
    let ending = match resolves {
        true => Ending::Resolve(Resolution {
            reason: ResolutionReason::Systemic,
            decision: form.decision.trim().to_owned(),
            costs: Vec::new(),
            conclusion: form.conclusion.trim().to_owned(),
        }),
        false => Ending::Wake,
    };
    let reached = app.close_incident(&me, &row, (&form.conclusion, ending)).await?;
    Ok(Redirect::to(&format!("/incidents/{number}?cases={}", reached.cases)).into_response())
}

fn fits(text: &str) -> bool {
    (1..=LONGEST).contains(&text.trim().chars().count())
}
