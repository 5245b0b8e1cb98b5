//! The queue of recordings, for the administrator: what waits and how long, what failed and why, and how to put more in.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Asked, Filled, RecordingChange};
use crate::auth::{May, Me};
use crate::http::App;
use crate::inbox::original_name;
use crate::queue::{INBOX, QueueFigures, day_before};
use crate::store::QueuedRecording;

/// Most rows of the page.
const MOST: i64 = 200;
/// The priority of what somebody puts first.
const FIRST: i64 = 10;

/// A recording of the queue in words.
pub(super) struct RecordingLine {
    id: String,
    name: String,
    /// Where it lies, and how long it is.
    place: String,
    state: &'static str,
    class: &'static str,
    /// Percent that is recognised, while it is worked on.
    percent: Option<i64>,
    when: String,
    reason: String,
    conversation: String,
    waits: bool,
    first: bool,
    can_again: bool,
    can_drop: bool,
}

/// A tab above the list.
pub(super) struct Tab {
    href: String,
    title: &'static str,
    here: bool,
}

/// One figure above the list.
pub(super) struct Figure {
    name: &'static str,
    value: String,
    loud: bool,
}

#[derive(Template)]
#[template(path = "recordings.html")]
pub(super) struct RecordingsPage {
    pub f: Frame,
    pub figures: Vec<Figure>,
    pub tabs: Vec<Tab>,
    pub state: String,
    pub rows: Vec<RecordingLine>,
    /// What does not work, in words of the server.
    pub trouble: Vec<String>,
    pub watched: Vec<String>,
    pub upload: String,
    /// Whether everything that failed can be tried again at once.
    pub failed: bool,
    /// What was wrong with the last change; empty when nothing.
    pub wrong: &'static str,
}

/// Returns a recording in words.
pub(super) fn recording_line(w: &Words, row: &QueuedRecording) -> RecordingLine {
    let file = row.place.rsplit('/').next().unwrap_or_default();
    let name = if row.source == INBOX { original_name(file) } else { file.to_owned() };
    let source = if row.source == INBOX { w.t.rq_inbox } else { &row.source };
    let later = row.due_ms > w.now_ms();
    let waits = row.state == "waiting";
    let (state, class, at) = match row.state.as_str() {
        "waiting" if row.attempts > 0 && later => (w.t.rq_again_at, "seen", row.due_ms),
        "waiting" => (w.t.rq_waiting, "", row.queued_at_ms),
        "working" => (w.t.rq_working, "working", row.begun_at_ms.unwrap_or(row.queued_at_ms)),
        "done" => (w.t.rq_done, "done", row.ended_at_ms.unwrap_or(row.queued_at_ms)),
        "dropped" => (w.t.rq_dropped, "", row.ended_at_ms.unwrap_or(row.queued_at_ms)),
        _ => (w.t.rq_failed, "waiting", row.ended_at_ms.unwrap_or(row.queued_at_ms)),
    };
    let erased = row.place.is_empty();
    RecordingLine {
        id: row.id.clone(),
        name: if erased { w.t.rq_erased.to_owned() } else { name },
        place: format!("{source} · {}", w.size(row.size_bytes)),
        state,
        class,
        percent: (row.state == "working").then(|| (row.progress / 10).clamp(0, 100)),
        when: w.moment(at),
        reason: row.reason.clone().filter(|_| row.state != "done").unwrap_or_default(),
        conversation: row.conversation_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        waits,
        first: row.priority >= FIRST,
        can_again: !erased && (matches!(row.state.as_str(), "failed" | "dropped") || (waits && later)),
        can_drop: matches!(row.state.as_str(), "failed" | "waiting"),
    }
}

/// Returns the figures above the list.
pub(super) fn figures(w: &Words, figures: &QueueFigures) -> Vec<Figure> {
    let count =
        |state: &str| figures.shares.iter().find(|share| share.state == state).map_or(0, |share| share.count);
    let figure = |name, count: i64| Figure { name, value: w.number(count), loud: false };
    let failed = count("failed");
    let waits = count("waiting") + count("working");
    let left = match figures.seconds_left {
        _ if waits == 0 => "0".to_owned(),
        Some(..60) => format!("<\u{a0}1\u{a0}{}", w.t.minute),
        Some(seconds) => w.span(i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)),
        None => "—".to_owned(),
    };
    vec![
        figure(w.t.rq_f_waiting, count("waiting")),
        figure(w.t.rq_f_working, count("working")),
        Figure { loud: failed > 0, ..figure(w.t.rq_f_failed, failed) },
        figure(w.t.rq_f_done, count("done")),
        Figure { name: w.t.rq_f_left, value: left, loud: false },
    ]
}

/// Returns the tabs above the list; `state` is the one that is shown.
pub(super) fn tabs(w: &Words, state: &str) -> Vec<Tab> {
    [
        ("", w.t.rq_tab_all),
        ("waiting", w.t.rq_tab_waiting),
        ("failed", w.t.rq_tab_failed),
        ("done", w.t.rq_tab_done),
    ]
    .into_iter()
    .map(|(name, title)| Tab {
        href: if name.is_empty() { "/recordings".to_owned() } else { format!("/recordings?state={name}") },
        title,
        here: name == state,
    })
    .collect()
}

/// Which recordings are shown.
#[derive(Deserialize)]
pub struct Which {
    #[serde(default)]
    state: String,
}

/// Shows the queue.
pub async fn page(State(app): State<App>, me: Me, Asked(which): Asked<Which>) -> Result<Response, ApiError> {
    me.may(May::People)?;
    list(&app, &me, which.state, false).await
}

async fn list(app: &App, me: &Me, state: String, wrong: bool) -> Result<Response, ApiError> {
    let f = frame(app, me, Section::Other);
    let rows = match state.as_str() {
        "waiting" | "failed" | "done" => app.desk.store.recordings_in(&state, MOST).await?,
        _ => app.desk.store.queued_recordings(day_before(app.desk.clock.now()), MOST).await?,
    };
    let all = app.inbox.queue().figures(&app.desk).await?;
    let mut trouble: Vec<String> =
        all.trouble.iter().map(|(source, why)| format!("{source}: {why}")).collect();
    trouble.extend(all.missing.iter().map(|why| format!("{} {why}", f.w.t.rq_missing)));
    let wrong = if wrong { f.w.t.rq_wrong } else { "" };
    show(&RecordingsPage {
        figures: figures(&f.w, &all),
        tabs: tabs(&f.w, &state),
        rows: rows.iter().map(|row| recording_line(&f.w, row)).collect(),
        failed: rows.iter().any(|row| row.state == "failed"),
        trouble,
        watched: all.watched,
        upload: format!("{}/api/v1/recordings", app.desk.config.http.public()),
        state,
        wrong,
        f,
    })
}

/// What is to become of a recording, as a form says it.
#[derive(Deserialize)]
pub struct ChangeForm {
    #[serde(default)]
    csrf: String,
    action: String,
    /// The list it was seen in.
    #[serde(default)]
    state: String,
}

/// Changes what is to become of a recording.
pub async fn change(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<ChangeForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    let change = match form.action.as_str() {
        "again" => RecordingChange::Again,
        "drop" => RecordingChange::Drop,
        "first" => RecordingChange::Priority { priority: 10 },
        "usual" => RecordingChange::Priority { priority: 0 },
        other => return Err(ApiError::Wrong(format!("action: \"{other}\" is not known"))),
    };
    match app.change_recording(&me, &id, &change).await {
        Ok(_) => Ok(back(&form.state)),
        // Between the page and the press the queue went on.
        Err(ApiError::Conflict(_)) => list(&app, &me, form.state, true).await,
        Err(error) => Err(error),
    }
}

/// Which list the button stood above.
#[derive(Deserialize)]
pub struct AllForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    state: String,
}

/// Tries again everything that was given up.
pub async fn again(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<AllForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    let now = app.desk.clock.now();
    let count = app.desk.store.recordings_again(now).await?;
    app.inbox.queue().wake();
    app.desk.store.audit(now, &me.user.id.0, "recording.again", "recordings", &count.to_string()).await?;
    Ok(back(&form.state))
}

fn back(state: &str) -> Response {
    let to = match state {
        "waiting" | "failed" | "done" => format!("/recordings?state={state}"),
        _ => "/recordings".to_owned(),
    };
    Redirect::to(&to).into_response()
}
