//! The duty rota for programs: turns of duty and absences, in milliseconds since 1970.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::{ApiError, Sent, changes};
use crate::auth::{May, Me};
use crate::http::App;
use crate::password;
use crate::store::{Absence, Duty, UserId};
use crate::web::DUTY_ROLES;

/// Lists turns of duty and absences that are not over.
pub async fn list(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Duty)?;
    let now = app.desk.clock.now();
    let (duty, absences) = (app.desk.store.duties(now).await?, app.desk.store.absences(now).await?);
    Ok(Json(json!({"duty": duty, "absences": absences})).into_response())
}

/// A turn of duty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDuty {
    role: String,
    user: String,
    #[serde(default)]
    team: Option<String>,
    from_ms: i64,
    until_ms: i64,
}

/// Enters a turn of duty.
pub async fn add(
    State(app): State<App>,
    me: Me,
    headers: HeaderMap,
    Sent(new): Sent<NewDuty>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Duty)?;
    if !DUTY_ROLES.contains(&new.role.as_str()) {
        return Err(ApiError::Wrong(format!("role: one of {}", DUTY_ROLES.join(", "))));
    }
    let duty = Duty {
        id: password::token()?,
        role: new.role,
        team: new.team.filter(|team| !team.is_empty()),
        user_id: person(&app, "user", new.user).await?,
        from_ms: new.from_ms,
        until_ms: new.until_ms,
        made_by: me.user.id.clone(),
    };
    app.desk.store.add_duty(&duty).await?;
    let what = format!("{} {} {}–{}", duty.role, duty.user_id, duty.from_ms, duty.until_ms);
    app.desk.store.audit(app.desk.clock.now(), &me.user.id.0, "duty.add", "duty", &what).await?;
    Ok(Json(duty).into_response())
}

/// An absence.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAbsence {
    user: String,
    #[serde(default)]
    substitute: Option<String>,
    from_ms: i64,
    until_ms: i64,
}

/// Enters an absence.
pub async fn leave(
    State(app): State<App>,
    me: Me,
    headers: HeaderMap,
    Sent(new): Sent<NewAbsence>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Duty)?;
    let substitute_id = match new.substitute {
        Some(other) => Some(person(&app, "substitute", other).await?),
        None => None,
    };
    let absence = Absence {
        id: password::token()?,
        user_id: person(&app, "user", new.user).await?,
        substitute_id,
        from_ms: new.from_ms,
        until_ms: new.until_ms,
        made_by: me.user.id.clone(),
    };
    app.desk.store.add_absence(&absence).await?;
    let what = format!("{} {}–{}", absence.user_id, absence.from_ms, absence.until_ms);
    app.desk.store.audit(app.desk.clock.now(), &me.user.id.0, "absence.add", "duty", &what).await?;
    Ok(Json(absence).into_response())
}

/// Takes a turn of duty away.
pub async fn remove(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Duty)?;
    app.desk.store.remove_duty(&id).await?;
    app.desk
        .store
        .audit(app.desk.clock.now(), &me.user.id.0, "duty.remove", &format!("duty:{id}"), "")
        .await?;
    Ok(Json(json!({"removed": id})).into_response())
}

/// Takes an absence away.
pub async fn back(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Duty)?;
    app.desk.store.remove_absence(&id).await?;
    app.desk
        .store
        .audit(app.desk.clock.now(), &me.user.id.0, "absence.remove", &format!("absence:{id}"), "")
        .await?;
    Ok(Json(json!({"removed": id})).into_response())
}

async fn person(app: &App, field: &str, id: String) -> Result<UserId, ApiError> {
    let user = app.desk.store.user(&UserId(id)).await?.filter(|user| user.active);
    user.map(|user| user.id).ok_or_else(|| ApiError::Wrong(format!("{field}: no active user of this id")))
}
