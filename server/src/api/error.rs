//! What a program or a person is told when something does not go, and every status code of the server.
//!
//! A refusal leaves as `application/problem+json` with a stable `type`; pages turn it into a page in the reader's
//! language ([`crate::web`]). Broken things are logged here, once; outside goes only their reference number.

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gradus_engine::case::Refusal;
use serde::Serialize;
use serde_json::json;

use crate::auth::GateError;
use crate::authority::GrantError;
use crate::documents::DocumentError;
use crate::password;
use crate::pipeline::ActError;
use crate::related::RelateError;
use crate::store::StoreError;

/// Why something cannot be answered.
#[derive(Debug)]
pub enum ApiError {
    /// Nobody is signed in.
    SignIn,
    /// The role does not have the permission.
    Forbidden,
    /// The token of the form is missing or old.
    Stale,
    /// There is no such thing, or it is not to be seen.
    NotFound,
    /// The engine refuses it in this state.
    Refused(Refusal),
    /// The state does not allow it; says why.
    Conflict(String),
    /// The input is wrong; says what and how to mend it.
    Wrong(String),
    /// The input is too large; says the limit.
    TooLarge(String),
    /// Too many failures; try again in so many seconds.
    Wait(u64),
    /// The store is busy or not reachable now.
    Busy,
    /// The disk is full.
    NoRoom,
    /// It took too long.
    TimeOut,
    /// Something is broken.
    Broken(anyhow::Error),
}

/// What a page may say of a problem; travels beside the response.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The stable name, as in the `type` of the JSON.
    pub kind: &'static str,
    /// What is wrong, where the outside may know it.
    pub detail: String,
    /// The refusal of the engine, when it was one.
    pub refusal: Option<Refusal>,
    /// The number under which a broken thing was logged.
    pub reference: Option<String>,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Stale => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Refused(_) | Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Wrong(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
            Self::TimeOut => StatusCode::REQUEST_TIMEOUT,
            Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Forbidden => "forbidden",
            Self::Stale => "stale-form",
            Self::NotFound => "not-found",
            Self::Refused(_) => "refused",
            Self::Conflict(_) => "conflict",
            Self::Wrong(_) => "wrong-input",
            Self::TooLarge(_) => "too-large",
            Self::Wait(_) => "too-many-failures",
            Self::Busy => "busy",
            Self::NoRoom => "no-room",
            Self::TimeOut => "timeout",
            Self::Broken(_) => "broken",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::SignIn => "sign in, or send an API token as \"Authorization: Bearer …\"".into(),
            Self::Forbidden => "the role does not allow it".into(),
            Self::Stale => "send the session's token as X-CSRF-Token, or open the page again".into(),
            Self::NotFound => "there is no such thing".into(),
            Self::Refused(refusal) => refusal.to_string(),
            Self::Conflict(why) | Self::Wrong(why) | Self::TooLarge(why) => why.clone(),
            Self::Wait(seconds) => format!("too many failures: try again in {seconds} s"),
            Self::Busy => "try again in a second".into(),
            Self::NoRoom => "the disk is full: nothing new is taken until there is room".into(),
            Self::TimeOut => "the request took too long".into(),
            Self::Broken(_) => "something broke on our side: give the reference to the administrator".into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, kind, detail) = (self.status(), self.kind(), self.detail());
        let reference = match &self {
            Self::Broken(error) => {
                let number = password::token().unwrap_or_default().get(..8).unwrap_or("none").to_uppercase();
                tracing::error!(reference = %number, "A request failed [{number}]: {error:#}");
                Some(number)
            }
            _ => None,
        };
        let mut body = json!({
            "type": format!("urn:gradus:problem:{kind}"), "title": kind.replace('-', " "), "status": status.as_u16(), "detail": detail,
        });
        if let (Some(number), Some(fields)) = (&reference, body.as_object_mut()) {
            fields.insert("reference".into(), json!(number));
        }
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let retry_s = match &self {
            Self::Wait(seconds) => Some(*seconds),
            Self::Busy => Some(1),
            Self::NoRoom => Some(60),
            _ => None,
        };
        if let Some(seconds) = retry_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let refusal = if let Self::Refused(refusal) = self { Some(refusal) } else { None };
        response.extensions_mut().insert(Problem { kind, detail, refusal, reference });
        response
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<StoreError>() {
            Ok(error) => error.into(),
            Err(error) => Self::Broken(error),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoRoom(_) => Self::NoRoom,
            StoreError::Unavailable(why) => {
                tracing::error!("The store is not available: {why}");
                Self::Busy
            }
            StoreError::Busy => Self::Busy,
            StoreError::Conflict(why) | StoreError::Refused(why) => Self::Conflict(why),
            StoreError::Missing(_) => Self::NotFound,
            other => Self::Broken(other.into()),
        }
    }
}

impl From<askama::Error> for ApiError {
    fn from(error: askama::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl From<ActError> for ApiError {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Refused(refusal) => Self::Refused(refusal),
            ActError::NoCase => Self::NotFound,
            ActError::Broken(error) => error.into(),
        }
    }
}

impl From<RelateError> for ApiError {
    fn from(error: RelateError) -> Self {
        match error {
            RelateError::Act(error) => error.into(),
            _ => Self::Conflict(error.to_string()),
        }
    }
}

impl From<DocumentError> for ApiError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Store(error) => error.into(),
            DocumentError::TooLarge(_) => Self::TooLarge(error.to_string()),
            DocumentError::TooMany => Self::Conflict(error.to_string()),
            DocumentError::Empty(_) => Self::Wrong(error.to_string()),
        }
    }
}

impl From<GrantError> for ApiError {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::NotFound => Self::NotFound,
            GrantError::Store(error) => error.into(),
            GrantError::Broken(error) => error.into(),
            GrantError::BeyondAnswerer(_) => Self::Conflict(error.to_string()),
            GrantError::Unknown(_) | GrantError::Amount(_) | GrantError::BeyondEverybody(_) => {
                Self::Wrong(error.to_string())
            }
        }
    }
}

impl From<GateError> for ApiError {
    fn from(error: GateError) -> Self {
        match error {
            GateError::Wait(seconds) => Self::Wait(seconds),
            GateError::Broken(error) => Self::Broken(error),
        }
    }
}

/// Answers with what was made.
pub fn created(body: impl Serialize) -> Response {
    (StatusCode::CREATED, Json(body)).into_response()
}

/// Answers that the browser has the newest version.
pub fn not_modified<const N: usize>(headers: [(HeaderName, String); N]) -> Response {
    (StatusCode::NOT_MODIFIED, headers).into_response()
}

/// Answers that work has begun.
pub fn accepted(body: impl Serialize) -> Response {
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

/// Answers with a part of something.
pub fn partial<const N: usize>(headers: [(HeaderName, String); N], range: String, body: Bytes) -> Response {
    (StatusCode::PARTIAL_CONTENT, headers, [(header::CONTENT_RANGE, range)], body).into_response()
}

/// Answers that the range that was asked for lies outside.
pub fn out_of_range(size: u64) -> Response {
    (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, format!("bytes */{size}"))]).into_response()
}

/// Answers with a page that says what was wrong with its form.
pub fn mend(page: Response) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}

/// The status of a request that took too long, for the layer that watches it.
pub const TOO_LONG: StatusCode = StatusCode::REQUEST_TIMEOUT;

/// For an address that nothing answers.
pub async fn nothing_here() -> ApiError {
    ApiError::NotFound
}
