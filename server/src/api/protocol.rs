//! The protocol for programs: the text in force, versions, a check of a draft, publishing, who has read it.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Sent, changes};
use crate::auth::{May, Me};
use crate::http::App;
use crate::protocols::{Checked, PublishError};

/// Returns the protocol in force with its text, and every version without.
pub async fn in_force(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    let protocol = app.desk.pipeline.protocol();
    let rows = app.desk.store.published_protocols().await?;
    let versions: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({"version": row.version, "number": row.number, "comment": row.comment,
                "published_by": row.published_by, "published_at_ms": row.published_at_ms})
        })
        .collect();
    let read = app.desk.protocols.has_read(&me.user.id);
    let body = json!({"version": protocol.version, "title": protocol.title, "text": app.desk.protocols.text(),
        "versions": versions, "read": read});
    Ok(Json(body).into_response())
}

/// A draft.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    text: String,
    #[serde(default)]
    comment: String,
}

/// Checks a draft.
pub async fn check(
    State(app): State<App>,
    me: Me,
    headers: HeaderMap,
    Sent(draft): Sent<Draft>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Protocol)?;
    Ok(Json(checked(&app.desk.protocols.check(&draft.text))).into_response())
}

/// Publishes a draft.
pub async fn publish(
    State(app): State<App>,
    me: Me,
    headers: HeaderMap,
    Sent(draft): Sent<Draft>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Protocol)?;
    let row = app.desk.protocols.publish(&me.user.id, &draft.text, &draft.comment).await?;
    Ok(Json(json!({"version": row.version, "number": row.number})).into_response())
}

/// Notes that who asks has read the version in force.
pub async fn read(State(app): State<App>, me: Me, headers: HeaderMap) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Read)?;
    let version = app.desk.protocols.read(&me.user.id).await?;
    Ok(Json(json!({"read": version})).into_response())
}

/// Lists who has read the version in force, and who has not.
pub async fn readers(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Duty)?;
    let version = app.desk.pipeline.protocol().version.clone();
    let known = app.desk.store.readers_of(&version).await?;
    let people = app.desk.store.users().await?;
    let has = |id: &crate::store::UserId| known.iter().any(|(user, _)| user == id);
    let unread: Vec<Value> = people
        .iter()
        .filter(|user| user.active && !has(&user.id))
        .map(|user| json!({"user": user.id, "name": user.name}))
        .collect();
    let read: Vec<Value> = known.iter().map(|(user, at)| json!({"user": user, "at_ms": at})).collect();
    Ok(Json(json!({"version": version, "read": read, "unread": unread})).into_response())
}

fn checked(checked: &Checked) -> Value {
    let faults = checked.faults.iter().map(|(line, message)| json!({"line": line, "message": message}));
    let failed = checked
        .failed
        .iter()
        .map(|(name, expected, decided)| json!({"name": name, "expected": expected, "decided": decided}));
    json!({"fine": checked.is_fine(), "version": checked.version, "faults": faults.collect::<Vec<_>>(),
        "passed": checked.passed, "failed": failed.collect::<Vec<_>>(), "changes": checked.changes})
}

impl From<PublishError> for ApiError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Faulty(_) | PublishError::NoComment => Self::Wrong(error.to_string()),
            PublishError::Store(error) => error.into(),
            PublishError::Broken(error) => error.into(),
        }
    }
}
