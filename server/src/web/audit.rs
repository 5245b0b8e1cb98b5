//! The audit log: who did or read what, found by person, deed, thing and day.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Asked};
use crate::archive::day;
use crate::auth::{May, Me};
use crate::http::App;
use crate::query::escaped;
use crate::store::{AuditFilter, AuditRow, AuditState, User};

/// Rows of one page.
const MOST: i64 = 100;

/// Letters of an id that are shown.
const SHORT_ID: usize = 14;

/// Deeds that can be chosen, by the beginning of their names.
const DEEDS: [&str; 12] = [
    "recording.",
    "archive.",
    "report.",
    "case.",
    "signal.",
    "user.",
    "session.",
    "factor.",
    "protocol.",
    "duty.",
    "customer.",
    "alert.",
];

/// A row in words.
pub(super) struct AuditLine {
    pub position: i64,
    pub when: String,
    pub who: String,
    pub what: String,
    pub object: String,
    pub href: String,
    pub detail: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
pub(super) struct AuditPage {
    pub f: Frame,
    pub asking: Asking,
    pub people: Vec<(String, String)>,
    pub deeds: Vec<(&'static str, &'static str)>,
    pub rows: Vec<AuditLine>,
    pub next: Option<String>,
    /// What a check of the whole chain said; empty when it was not asked for.
    pub checked: String,
    pub broken: bool,
    pub query: String,
}

/// What is looked for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asking {
    /// Whose deeds, by id.
    pub who: String,
    /// The beginning of the deed's name.
    pub what: String,
    /// A part of the thing or of the details.
    pub about: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    before: Option<i64>,
    check: Option<String>,
}

impl Asking {
    fn query(&self) -> String {
        let fields = [
            ("who", &self.who),
            ("what", &self.what),
            ("about", &self.about),
            ("from", &self.from),
            ("to", &self.to),
        ];
        let asked = fields.into_iter().filter(|(_, value)| !value.trim().is_empty());
        asked.map(|(name, value)| format!("{name}={}&", escaped(value.trim()))).collect()
    }

    fn filter(&self, app: &App) -> Result<AuditFilter, ApiError> {
        let text = |value: &str| Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        let wrong = |error: crate::archive::AskingError| ApiError::Wrong(error.to_string());
        Ok(AuditFilter {
            actor: text(&self.who),
            action: text(&self.what),
            about: text(&self.about),
            from: day("from", &self.from, &app.zone, 0).map_err(wrong)?,
            to: day("to", &self.to, &app.zone, 1).map_err(wrong)?,
            before: self.before.unwrap_or(i64::MAX),
            limit: MOST,
        })
    }
}

/// Shows the log, the latest first.
pub async fn page(
    State(app): State<App>,
    me: Me,
    Asked(asking): Asked<Asking>,
) -> Result<Response, ApiError> {
    me.may(May::People)?;
    let f = frame(&app, &me, Section::Other);
    let store = &app.desk.store;
    let rows = store.audit_find(&asking.filter(&app)?).await?;
    let users = store.users().await?;
    let (checked, broken) = match &asking.check {
        Some(_) => state(&f.w, &store.verify_audit().await?),
        None => (String::new(), false),
    };
    let query = asking.query();
    let full = i64::try_from(rows.len()).unwrap_or(0) >= MOST;
    let next = rows.last().filter(|_| full).map(|row| format!("/audit?{query}before={}", row.position));
    show(&AuditPage {
        people: users.iter().map(|user| (user.id.to_string(), user.name.clone())).collect(),
        deeds: DEEDS.map(|deed| (deed, deed_words(&f.w, deed))).to_vec(),
        rows: rows.iter().map(|row| line(&f.w, row, &users)).collect(),
        next,
        checked,
        broken,
        query,
        asking,
        f,
    })
}

fn state(w: &Words, state: &AuditState) -> (String, bool) {
    match state {
        AuditState::Whole { rows, last_hash } => {
            let end = last_hash.get(..16).unwrap_or_default();
            (format!("{} {} {} {end}…", w.t.au_whole, w.number(*rows), w.t.au_whole_end), false)
        }
        AuditState::BrokenAt { position, why } => (format!("{} {position}: {why}", w.t.au_broken), true),
    }
}

/// Returns a row in words.
pub(super) fn line(w: &Words, row: &AuditRow, users: &[User]) -> AuditLine {
    let person = |id: &str| users.iter().find(|user| user.id.as_str() == id).map(|user| user.name.clone());
    let (kind, id) = row.object.split_once(':').unwrap_or((row.object.as_str(), ""));
    let href = match kind {
        "case" => format!("/cases/{id}"),
        "conversation" => format!("/conversations/{id}"),
        "customer" => format!("/customers/{id}"),
        "user" => format!("/users/{id}"),
        _ => String::new(),
    };
    let named = |what: &str| {
        let short: String = id.chars().take(SHORT_ID).collect();
        format!("{what} {short}{}", if short.len() < id.len() { "…" } else { "" })
    };
    let object = match kind {
        "user" => person(id).unwrap_or_else(|| row.object.clone()),
        "case" => named(w.t.au_case),
        "conversation" => named(w.t.au_talk),
        "customer" => named(w.t.au_customer),
        _ => row.object.clone(),
    };
    AuditLine {
        position: row.position,
        when: w.moment(row.at_ms),
        who: person(&row.actor).unwrap_or_else(|| row.actor.clone()),
        what: deed(w, &row.action),
        object,
        href,
        detail: row.detail.clone(),
    }
}

/// Names a deed; one that has no words here keeps its name.
fn deed(w: &Words, action: &str) -> String {
    let words = match action {
        "recording.read" => w.t.au_recording,
        "archive.export" => w.t.au_export,
        "report.read" => w.t.au_report,
        "user.add" => w.t.au_user_add,
        "user.change" => w.t.au_user_change,
        "user.open" => w.t.au_user_open,
        "user.close" => w.t.au_user_close,
        "user.link" => w.t.au_user_link,
        "user.password" => w.t.au_user_password,
        "user.recovery_code" => w.t.au_recovery,
        "session.end" => w.t.au_session_end,
        "factor.on" => w.t.au_factor_on,
        "factor.off" => w.t.au_factor_off,
        "case.resolve" => w.t.au_resolve,
        "case.take_over" => w.t.au_take_over,
        "case.acknowledge" => w.t.au_acknowledge,
        "case.note" => w.t.au_note,
        "signal.verdict" => w.t.au_verdict,
        "protocol.publish" => w.t.au_publish,
        "utterance.correct" => w.t.au_correct,
        _ => return action.to_owned(),
    };
    words.to_owned()
}

fn deed_words(w: &Words, begins: &str) -> &'static str {
    match begins {
        "recording." => w.t.au_g_recording,
        "archive." => w.t.au_g_archive,
        "report." => w.t.au_g_report,
        "case." => w.t.cases,
        "signal." => w.t.au_g_signal,
        "user." => w.t.users,
        "session." => w.t.wy_sessions,
        "factor." => w.t.fa_title,
        "protocol." => w.t.pr_title,
        "duty." => w.t.duty,
        "customer." => w.t.customers,
        _ => w.t.alerts_title,
    }
}
