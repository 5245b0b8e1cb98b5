//! The API, version 1. Handlers are thin: they read, check the permission, call, and write. Errors and status codes are
//! in [`error`], the description of the whole in `openapi.json`.

mod authority;
mod backtest;
mod calls;
mod cases;
mod conversations;
mod corrections;
pub(crate) mod documents;
mod duty;
mod error;
mod feedback;
mod figures;
mod findings;
mod health;
mod imports;
pub(crate) mod incidents;
mod input;
mod listen;
mod live;
mod practice;
mod protocol;
mod recording;
mod recordings;
mod reports;
mod route;
mod rules;
mod search;
mod socket;
mod utterances;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use std::time::Duration;
use tower_http::timeout::TimeoutLayer;

use crate::auth::{May, Me};
use crate::http::App;
use crate::live::sockets;

pub use crate::inbox::Kept;
pub use error::{
    ApiError, Problem, accepted, created, mend, not_modified, nothing_here, out_of_range, partial,
};
pub use imports::read_files;
pub use input::{Asked, Filled, Raw, Sent};
pub use recording::recording;
pub use recordings::{Change as RecordingChange, STATES as RECORDING_STATES};

/// The description of the API.
pub const OPENAPI: &str = include_str!("openapi.json");

/// A request that takes longer is given up; streams have no such limit.
const REQUEST_TIME: Duration = Duration::from_secs(60);
/// Bytes of a small body.
const BODY_BYTES: usize = 256 * 1024;
/// Bytes of one batch of utterances.
const EVENTS_BYTES: usize = 8 << 20;

/// Returns the routes of the API.
pub fn routes(app: &App) -> Router<App> {
    let upload_bytes = usize::try_from(app.desk.config.http.upload_mb).unwrap_or(512) << 20;
    let timed = small().merge(large()).layer(TimeoutLayer::with_status_code(error::TOO_LONG, REQUEST_TIME));
    let imports = Router::new()
        .route("/api/v1/imports", post(imports::take))
        .route("/api/v1/recordings", post(recordings::take))
        .layer(DefaultBodyLimit::max(upload_bytes));
    Router::new()
        .merge(timed)
        .merge(imports)
        .route("/api/v1/live", get(live::stream))
        .route("/api/v1/conversations/{id}/ws", get(socket::open))
        .route("/api/v1/conversations/{id}/listen", get(listen::open))
        .route("/live/media", get(sockets::media))
        .route("/live/fork", get(sockets::fork))
        .route("/live/asterisk", get(sockets::asterisk))
}

/// Returns the routes with small bodies.
fn small() -> Router<App> {
    Router::new()
        .route("/api/v1/conversations", get(conversations::list).post(conversations::start))
        .route("/api/v1/conversations/{id}", get(conversations::one))
        .route("/api/v1/conversations/{id}/promises", post(conversations::promise))
        .route("/api/v1/conversations/{id}/hints", get(conversations::hints))
        .route("/api/v1/conversations/{id}/end", post(conversations::end))
        .route("/api/v1/conversations/{id}/recording", get(recording))
        .route("/api/v1/search", get(search::search))
        .route("/api/v1/search/export", get(search::export))
        .route("/api/v1/calls", post(calls::announce))
        .route("/api/v1/streams", get(calls::streams))
        .route("/api/v1/recordings", get(recordings::list))
        .route("/api/v1/recordings/{id}", post(recordings::change))
        .route("/api/v1/cases", get(cases::list))
        .route("/api/v1/cases/{id}", get(cases::one))
        .route("/api/v1/cases/{id}/actions", post(cases::act))
        .route("/api/v1/cases/{id}/documents/{document}", get(documents::read).delete(documents::remove))
        .route("/api/v1/protocol", get(protocol::in_force).post(protocol::publish))
        .route("/api/v1/protocol/backtest", get(backtest::one).post(backtest::begin).delete(backtest::stop))
        .route("/api/v1/protocol/check", post(protocol::check))
        .route("/api/v1/protocol/read", post(protocol::read))
        .route("/api/v1/protocol/readers", get(protocol::readers))
        .route("/api/v1/findings", get(findings::list))
        .route("/api/v1/incidents", get(incidents::list))
        .route("/api/v1/incidents/{number}", get(incidents::one).post(incidents::act))
        .route("/api/v1/incidents/{number}/contacts", get(incidents::contacts))
        .route("/api/v1/authority", get(authority::ledger))
        .route("/api/v1/authority/{id}", post(authority::answer))
        .route("/api/v1/conversations/{id}/authority", post(authority::grant))
        .route("/api/v1/asks", get(cases::asks))
        .route("/api/v1/duty", get(duty::list).post(duty::add))
        .route("/api/v1/duty/{id}", delete(duty::remove))
        .route("/api/v1/absences", post(duty::leave))
        .route("/api/v1/absences/{id}", delete(duty::back))
        .route("/api/v1/deliveries", get(cases::failed_deliveries))
        .route("/api/v1/conversations/{id}/verdicts", post(feedback::judge))
        .route("/api/v1/conversations/{id}/missed", post(feedback::missed))
        .route("/api/v1/conversations/{id}/corrections", get(corrections::list).post(corrections::correct))
        .route("/api/v1/rules/precision", get(feedback::precision))
        .route("/api/v1/rules/examples", get(feedback::examples))
        .route("/api/v1/rules", get(rules::state))
        .route("/api/v1/rules/reload", post(rules::reload))
        .route("/api/v1/route", get(route::route))
        .route("/api/v1/week", get(figures::week))
        .route("/api/v1/reports/{week}", get(reports::week))
        .route("/api/v1/customers", get(figures::customers))
        .route("/api/v1/customers/{id}", get(figures::customer).post(figures::act))
        .route("/api/v1/customers/{id}/dossier", get(figures::dossier))
        .route("/api/v1/practice", get(practice::list))
        .route("/api/v1/practice/{id}", post(practice::begin))
        .route("/api/v1/practice/sessions/{id}", get(practice::one).post(practice::reply))
        .route("/api/openapi.json", get(openapi))
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(health::metrics))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
}

/// Returns the routes with bodies of several megabytes.
fn large() -> Router<App> {
    let events = Router::new()
        .route("/api/v1/conversations/{id}/events", post(utterances::take))
        .layer(DefaultBodyLimit::max(EVENTS_BYTES));
    let documents = Router::new()
        .route("/api/v1/cases/{id}/documents", post(documents::add))
        .layer(DefaultBodyLimit::max(crate::documents::LARGEST + 1024));
    events.merge(documents)
}

/// Serves the description of the API.
async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// Checks that a request that changes something may: a session sends its token in a header, a program has its own.
fn changes(me: &Me, headers: &HeaderMap, what: May) -> Result<(), ApiError> {
    let token = headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
    me.changes(token, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_names_every_route_and_method_of_the_api_and_nothing_else() {
        let described: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let mut served = Vec::new();
        for line in include_str!("mod.rs").lines().filter_map(|line| line.trim().strip_prefix(".route(\"")) {
            let Some((path, handlers)) = line.split_once('"') else { continue };
            for method in ["get", "post", "put", "delete"] {
                if handlers.contains(&format!("{method}(")) {
                    served.push(format!("{method} {path}"));
                }
            }
        }
        let mut named = Vec::new();
        for (path, methods) in described["paths"].as_object().unwrap() {
            named.extend(methods.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
        }
        served.sort();
        named.sort();
        assert_eq!(served, named);
    }
}
