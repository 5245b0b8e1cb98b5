//! Pages and API over HTTP: who is asking, what they may see, what they see. No rule of the business, no SQL.

mod api;
mod assets;
mod board;
mod case;
mod conversation;
mod error;
mod live;
mod session;
mod sign_in;
mod svg;
mod texts;
mod week;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::routing::{get, post};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use crate::desk::Desk;

pub use error::PageError;
pub use session::Me;

/// A request that takes longer than this is given up, except streams.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// No script or style but our own, no frames, forms to ourselves alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Returns the routes of pages and API.
pub fn routes(desk: Desk) -> Router {
    let upload = usize::try_from(desk.config.http.upload_mb).unwrap_or(512) << 20;
    let timed = Router::new()
        .route("/", get(board::page))
        .route("/board/rows", get(board::rows))
        .route("/sign-in", get(sign_in::page).post(sign_in::submit))
        .route("/sign-out", post(sign_in::out))
        .route("/setup", get(sign_in::setup_page).post(sign_in::setup))
        .route("/conversations", get(board::archive))
        .route("/conversations/{id}", get(conversation::page))
        .route("/conversations/{id}/recording", get(conversation::recording))
        .route("/conversations/{id}/case", post(case::open))
        .route("/cases", get(case::list))
        .route("/cases/{id}", get(case::page))
        .route("/cases/{id}/acknowledge", post(case::acknowledge))
        .route("/cases/{id}/take-over", post(case::take_over))
        .route("/cases/{id}/resolve", post(case::resolve))
        .route("/week", get(week::page))
        .route("/api/v1/conversations", get(api::list).post(api::start))
        .route("/api/v1/conversations/{id}", get(api::one))
        .route("/api/v1/conversations/{id}/events", post(api::events).layer(DefaultBodyLimit::max(upload)))
        .route("/api/v1/conversations/{id}/end", post(api::end))
        .route("/api/v1/cases", get(api::cases))
        .route("/api/openapi.json", get(api::openapi))
        .route("/assets/{name}", get(assets::serve))
        .route("/healthz", get(api::health))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT));
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    Router::new()
        .route("/api/v1/live", get(live::stream))
        .merge(timed)
        .fallback(error::not_found)
        .layer(header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "same-origin"))
        .with_state(desk)
}
