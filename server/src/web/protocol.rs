//! The protocol: read as people read a regulation, acknowledged, edited with its checks, published, versions.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::case::Priority;
use gradus_engine::protocol::Protocol;
use serde::Deserialize;

use super::authority::amount_words;
use super::sign_in::OnlyToken;
use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Asked, Filled, mend};
use crate::auth::{May, Me, Role};
use crate::http::App;
use crate::protocols::{Checked, PublishError};
use crate::store::{ProtocolRow, User};

/// A clause in words.
pub(super) struct ClauseLine {
    pub id: String,
    pub title: String,
    pub decision: String,
    pub reason: String,
    pub when: String,
}

/// A title with what belongs to it.
pub(super) struct Pair {
    pub title: String,
    pub text: String,
}

/// Times by priority in words.
pub(super) struct SlaLine {
    pub priority: &'static str,
    pub first: String,
    pub next: String,
    pub resolve: String,
    pub calendar: String,
}

/// The protocol in words.
pub(super) struct Regulation {
    pub title: String,
    pub version: String,
    pub attempts: u32,
    pub strategic: String,
    pub clauses: Vec<ClauseLine>,
    pub ladder: Vec<Pair>,
    pub mark: String,
    pub alerts: Vec<Pair>,
    pub slas: Vec<SlaLine>,
    pub departments: Vec<Pair>,
    pub authorities: Vec<Pair>,
    pub hints: Vec<Pair>,
}

/// A version in words.
pub(super) struct VersionLine {
    pub number: i64,
    pub version: String,
    pub comment: String,
    pub by: String,
    pub when: String,
    pub here: bool,
}

#[derive(Template)]
#[template(path = "protocol.html")]
pub(super) struct ProtocolPage {
    pub f: Frame,
    pub r: Regulation,
    pub read: bool,
    pub versions: Vec<VersionLine>,
    /// Who has not read it: for those who may see it.
    pub unread: Vec<String>,
    pub readers: usize,
}

/// Shows the protocol in force.
pub async fn page(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    let f = frame(&app, &me, Section::Other);
    let protocol = app.desk.pipeline.protocol();
    let r = regulation(&f.w, &protocol);
    let read = app.desk.protocols.has_read(&me.user.id);
    let (mut versions, mut unread, mut readers) = (Vec::new(), Vec::new(), 0);
    if me.role.may(May::Duty) {
        let people = app.desk.store.users().await?;
        let known = app.desk.store.readers_of(&protocol.version).await?;
        readers = known.len();
        let has = |user: &User| known.iter().any(|(reader, _)| *reader == user.id);
        unread =
            people.iter().filter(|user| user.active && !has(user)).map(|user| user.name.clone()).collect();
        let rows = app.desk.store.published_protocols().await?;
        versions = rows.iter().map(|row| version_line(&f.w, row, &people, &protocol.version)).collect();
    }
    show(&ProtocolPage { f, r, read, versions, unread, readers })
}

fn version_line(w: &Words, row: &ProtocolRow, people: &[User], here: &str) -> VersionLine {
    let name = people.iter().find(|user| user.id.as_str() == row.published_by).map(|user| user.name.clone());
    VersionLine {
        number: row.number,
        version: row.version.clone(),
        comment: row.comment.clone(),
        by: name.unwrap_or_else(|| match row.published_by.as_str() {
            "builtin" => w.t.pr_builtin.to_owned(),
            "config" => w.t.pr_config.to_owned(),
            other => other.to_owned(),
        }),
        when: w.moment(row.published_at_ms),
        here: row.version == here,
    }
}

/// Returns the protocol in words.
pub(super) fn regulation(w: &Words, protocol: &Protocol) -> Regulation {
    // Working hours are no days, and the seconds of the ladder no minutes: both stay what the file says.
    let span = |millis: u64| match millis / 1_000 {
        0 => "—".to_owned(),
        seconds if seconds < 600 => format!("{seconds}\u{a0}{}", w.t.second),
        seconds if seconds % 3_600 == 0 => format!("{}\u{a0}{}", seconds / 3_600, w.t.hour),
        seconds => format!("{}\u{a0}{}", seconds / 60, w.t.minute),
    };
    let sla = |priority: &Priority| {
        let sla = protocol.clocks.sla(*priority);
        let calendar = protocol.clocks.calendars.get(&sla.calendar);
        SlaLine {
            priority: w.priority(priority.name()),
            first: span(sla.first_response.get()),
            next: span(sla.next_update.get()),
            resolve: span(sla.resolve.get()),
            calendar: calendar.map_or(sla.calendar, |calendar| calendar.title.clone()),
        }
    };
    Regulation {
        title: protocol.title.clone(),
        version: protocol.version.clone(),
        attempts: protocol.attempts_needed,
        strategic: format!("{} / {}", protocol.strategic.revenue_rank, protocol.strategic.growth_rank),
        clauses: clauses(w, protocol),
        ladder: ladder(w, protocol),
        mark: match (protocol.ladder.mark.as_str(), protocol.ladder.mark_days) {
            ("", _) => String::new(),
            (mark, 0) => mark.to_owned(),
            (mark, days) => format!(
                "{mark}, {days} {}",
                w.plural(i64::from(days), ["день", "дня", "дней"], ["day", "days"])
            ),
        },
        alerts: protocol
            .alerts
            .ladder
            .iter()
            .map(|step| Pair { title: w.role(&step.role).to_owned(), text: span(step.after.get()) })
            .collect(),
        slas: Priority::ALL.iter().rev().map(sla).collect(),
        departments: protocol
            .clocks
            .departments
            .iter()
            .map(|known| Pair { title: known.title.clone(), text: span(known.answer.get()) })
            .collect(),
        authorities: protocol
            .authorities
            .iter()
            .map(|known| Pair { title: known.title.clone(), text: limits(w, known) })
            .collect(),
        hints: protocol
            .hints
            .iter()
            .map(|hint| Pair { title: hint.title.clone(), text: hint.say.join(" / ") })
            .collect(),
    }
}

fn clauses(w: &Words, protocol: &Protocol) -> Vec<ClauseLine> {
    let line = |clause: &gradus_engine::protocol::Clause| ClauseLine {
        id: clause.id.clone(),
        title: clause.title.clone(),
        decision: w.decision(clause.decision.name()),
        reason: clause.reason.map(|reason| w.reason(reason.name())).unwrap_or_default(),
        when: clause.when.text.clone(),
    };
    protocol.clauses.iter().map(line).collect()
}

fn ladder(w: &Words, protocol: &Protocol) -> Vec<Pair> {
    let steps = protocol.ladder.steps.iter().zip(1..);
    steps
        .map(|(step, number)| Pair {
            title: format!("{} {}", step.clause, w.step(number)),
            text: step.say.clone(),
        })
        .collect()
}

/// Returns what each role may grant.
fn limits(w: &Words, known: &gradus_engine::protocol::Authority) -> String {
    let role = |role: &Role| {
        let limit = known.limit(role.name(), false);
        (!limit.is_zero()).then(|| {
            let amount = amount_words(w, Some(known), &limit.to_string());
            let amount =
                if amount.is_empty() { w.t.g_free.to_owned() } else { format!("{} {amount}", w.t.g_up_to) };
            format!("{}: {amount}", w.role(role.name()))
        })
    };
    Role::ALL.iter().filter_map(role).collect::<Vec<_>>().join("; ")
}

/// «I have read it».
pub async fn read(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    app.desk.protocols.read(&me.user.id).await?;
    Ok(Redirect::to("/protocol").into_response())
}

#[derive(Template)]
#[template(path = "protocol_edit.html")]
pub(super) struct EditPage {
    pub f: Frame,
    pub text: String,
    pub comment: String,
    pub checked: Option<Checked>,
    pub wrong: Option<String>,
    pub saved: bool,
}

/// From which version a draft begins.
#[derive(Deserialize)]
pub struct From {
    from: Option<i64>,
}

/// Shows the draft, or the text of a version to begin from.
pub async fn edit(State(app): State<App>, me: Me, Asked(asked): Asked<From>) -> Result<Response, ApiError> {
    me.may(May::Protocol)?;
    let f = frame(&app, &me, Section::Other);
    let text = match asked.from {
        Some(number) => {
            let rows = app.desk.store.published_protocols().await?;
            rows.into_iter().find(|row| row.number == number).ok_or(ApiError::NotFound)?.text
        }
        None => app.desk.store.draft_of(&me.user.id).await?.unwrap_or_else(|| app.desk.protocols.text()),
    };
    show(&EditPage { f, text, comment: String::new(), checked: None, wrong: None, saved: false })
}

/// A draft and what to do with it.
#[derive(Deserialize)]
pub struct Draft {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    act: String,
}

/// Keeps and checks a draft, publishes it, or throws it away.
pub async fn submit(
    State(app): State<App>,
    me: Me,
    Filled(draft): Filled<Draft>,
) -> Result<Response, ApiError> {
    me.changes(&draft.csrf, May::Protocol)?;
    let store = &app.desk.store;
    // Browsers send line ends of their own.
    let text = draft.text.replace("\r\n", "\n");
    if draft.act == "drop" {
        store.drop_draft(&me.user.id).await?;
        return Ok(Redirect::to("/protocol/edit").into_response());
    }
    store.keep_draft(&me.user.id, &text, app.desk.clock.now()).await?;
    let checked = app.desk.protocols.check(&text);
    let f = frame(&app, &me, Section::Other);
    let mut page =
        EditPage { f, text, comment: draft.comment, checked: Some(checked), wrong: None, saved: true };
    if draft.act == "backtest" && page.checked.as_ref().is_some_and(|checked| checked.faults.is_empty()) {
        return Ok(Redirect::to("/protocol/backtest").into_response());
    }
    if draft.act != "publish" {
        return show(&page);
    }
    page.wrong = match app.desk.protocols.publish(&me.user.id, &page.text, &page.comment).await {
        Ok(_) => {
            store.drop_draft(&me.user.id).await?;
            return Ok(Redirect::to("/protocol").into_response());
        }
        Err(PublishError::Faulty(_)) => Some(page.f.w.t.e_pr_faulty.to_owned()),
        Err(PublishError::NoComment) => Some(page.f.w.t.e_pr_comment.to_owned()),
        Err(PublishError::Store(crate::store::StoreError::Conflict(_))) => {
            Some(page.f.w.t.e_pr_version.to_owned())
        }
        Err(PublishError::Store(error)) => return Err(error.into()),
        Err(PublishError::Broken(error)) => return Err(error.into()),
    };
    Ok(mend(show(&page)?))
}
