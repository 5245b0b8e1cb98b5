//! The queue of recordings: what waits and how long it will take, and an exchange's upload with what it knows of the call.

use std::collections::HashSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Multipart, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ApiError, Asked, Sent, changes, created};
use crate::auth::{May, Me};
use crate::http::App;
use crate::intake::SoundFormat;
use crate::queue::about::About;
use crate::queue::day_before;
use crate::store::QueuedRecording;

/// Most recordings of one answer.
const MOST: i64 = 1_000;
/// States by which the list can be narrowed.
pub const STATES: [&str; 5] = ["waiting", "working", "failed", "done", "dropped"];

/// Which recordings are listed.
#[derive(Deserialize)]
pub struct Which {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    limit: Option<i64>,
}

/// Lists the queue with its figures.
pub async fn list(State(app): State<App>, me: Me, Asked(which): Asked<Which>) -> Result<Response, ApiError> {
    me.may(May::People)?;
    let limit = which.limit.unwrap_or(100).clamp(1, MOST);
    let rows = match which.state.as_deref() {
        Some(state) if STATES.contains(&state) => app.desk.store.recordings_in(state, limit).await?,
        Some(other) => {
            return Err(ApiError::Wrong(format!("state: \"{other}\" is not one of {}", STATES.join(", "))));
        }
        None => app.desk.store.queued_recordings(day_before(app.desk.clock.now()), limit).await?,
    };
    let figures = app.inbox.queue().figures(&app.desk).await?;
    Ok(Json(json!({"figures": figures, "recordings": rows})).into_response())
}

/// What is to become of a recording.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// It is tried again now.
    Again,
    /// It is given up.
    Drop,
    /// It goes before those of lower priority.
    Priority {
        /// -100 to 100; 0 is usual, uploads have 5.
        priority: i8,
    },
}

/// Changes what is to become of a recording.
pub async fn change(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    Sent(change): Sent<Change>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::People)?;
    Ok(Json(app.change_recording(&me, &id, &change).await?).into_response())
}

/// Takes in one recording with what the exchange knows of it.
pub async fn take(
    State(app): State<App>,
    me: Me,
    headers: HeaderMap,
    form: Multipart,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Send)?;
    let (name, bytes, about) = read_form(form).await?;
    if SoundFormat::of_bytes(&bytes).is_none() {
        return Err(ApiError::Wrong(format!(
            "{name} is no recording that is read here: send wav, mp3, ogg, opus, flac or m4a"
        )));
    }
    about.check(&app.zone).map_err(ApiError::Wrong)?;
    let kept = app.take_file_described(&me, &name, bytes, &about).await?;
    let body = json!({"recording": kept.recording, "known": kept.known, "conversations": kept.links});
    Ok(if kept.known { Json(body).into_response() } else { created(body) })
}

/// Reads a form with one file and any fields; those of [`About`] are used, in `about` also as one JSON.
async fn read_form(mut form: Multipart) -> Result<(String, Bytes, About), ApiError> {
    let broken = |error: axum::extract::multipart::MultipartError| ApiError::TooLarge(error.body_text());
    let (mut file, mut fields, mut whole) = (None, Map::new(), About::default());
    let mut seen = HashSet::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if let Some(file_name) = field.file_name().map(str::to_owned) {
            let bytes = field.bytes().await.map_err(broken)?;
            if file.replace((file_name, bytes)).is_some() {
                return Err(ApiError::Wrong(
                    "one recording a request, so that it is clear what is said of it".into(),
                ));
            }
            continue;
        }
        let text = field.text().await.map_err(broken)?;
        if !seen.insert(name.clone()) {
            return Err(ApiError::Wrong(format!("{name} is given twice")));
        }
        match name.as_str() {
            "about" => {
                whole = About::of_json(text.as_bytes())
                    .map_err(|error| ApiError::Wrong(format!("about: {error}")))?;
            }
            "priority" => {
                let priority: i8 = text.trim().parse().map_err(|_| {
                    ApiError::Wrong(
                        "priority: a whole number from -100 to 100, 5 is usual for uploads".into(),
                    )
                })?;
                fields.insert(name, json!(priority));
            }
            _ => {
                fields.insert(name, Value::String(text));
            }
        }
    }
    let fields: About = serde_json::from_value(Value::Object(fields))
        .map_err(|error| ApiError::Wrong(format!("the fields: {error}")))?;
    let (name, bytes) =
        file.ok_or_else(|| ApiError::Wrong("file: there is no recording in the form".into()))?;
    Ok((name, bytes, fields.or(whole)))
}

impl App {
    /// Changes what is to become of a recording of the queue, and writes down who did.
    ///
    /// # Errors
    /// `NotFound` where there is none, `Conflict` where its state does not allow it.
    pub async fn change_recording(
        &self,
        me: &Me,
        id: &str,
        change: &Change,
    ) -> Result<QueuedRecording, ApiError> {
        let (store, now) = (&self.desk.store, self.desk.clock.now());
        let row = store.queued_recording(id).await?.ok_or(ApiError::NotFound)?;
        let (done, what, says) = match change {
            Change::Again => (store.recording_again(id, now).await?, "recording.again", String::new()),
            Change::Drop => {
                (self.inbox.queue().drop_recording(&self.desk, id).await?, "recording.drop", String::new())
            }
            Change::Priority { priority } => {
                let priority = (*priority).clamp(-100, 100);
                let done = store.recording_priority(id, i64::from(priority)).await?;
                (done, "recording.priority", priority.to_string())
            }
        };
        if !done {
            let why = format!("the recording is {}: this cannot be done with it now", row.state);
            return Err(ApiError::Conflict(why));
        }
        self.inbox.queue().wake();
        store.audit(now, &me.user.id.0, what, &format!("recording:{id}"), &says).await?;
        store.queued_recording(id).await?.ok_or(ApiError::NotFound)
    }
}
