//! What the auditor found: cases and alerts that hang, in words, with where to look.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{Frame, Section, Words, frame, show};
use crate::api::ApiError;
use crate::auth::{May, Me};
use crate::http::App;
use crate::store::OpenFinding;

/// A fault in words.
pub(super) struct FindingLine {
    pub what: &'static str,
    pub cure: &'static str,
    pub object: String,
    pub href: String,
    pub since: String,
}

#[derive(Template)]
#[template(path = "findings.html")]
pub(super) struct FindingsPage {
    pub f: Frame,
    pub rows: Vec<FindingLine>,
}

/// Shows the faults.
pub async fn page(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Duty)?;
    let f = frame(&app, &me, Section::Other);
    let rows = app.desk.store.findings().await?.iter().map(|finding| line(&f.w, finding)).collect();
    show(&FindingsPage { f, rows })
}

/// Returns a fault in words.
pub(super) fn line(w: &Words, finding: &OpenFinding) -> FindingLine {
    let t = w.t;
    let (what, cure) = match finding.kind.as_str() {
        "case_without_due" => (t.fi_due, t.fi_due_cure),
        "case_without_owner" => (t.fi_owner, t.fi_owner_cure),
        "clock_stands_still" => (t.fi_clock, t.fi_clock_cure),
        "resolution_incomplete" => (t.fi_resolution, t.fi_resolution_cure),
        "alert_of_closed_case" => (t.fi_closed, t.fi_closed_cure),
        "alert_calls_nobody" => (t.fi_nobody, t.fi_nobody_cure),
        "alert_given_up" => (t.fi_dead, t.fi_dead_cure),
        _ => (t.fi_department, t.fi_department_cure),
    };
    let case = finding.object.split("-alert").next().unwrap_or_default();
    let href = match finding.kind.as_str() {
        kind if kind.starts_with("alert") => format!("/cases/{case}-case"),
        "department_without_people" => "/users".to_owned(),
        _ => format!("/cases/{}", finding.object),
    };
    FindingLine { what, cure, object: finding.object.clone(), href, since: w.moment(finding.first_seen_ms) }
}
