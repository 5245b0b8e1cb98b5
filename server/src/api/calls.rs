//! Calls of an exchange: announcing the streams of a call that is about to come, and what is open now.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use gradus_engine::time::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{ApiError, Sent, changes, created};
use crate::auth::{May, Me};
use crate::http::App;
use crate::intake::Phone;
use crate::live::audiosocket::{Registered, key};
use crate::live::call::About;
use crate::live::media::party;

/// A call and its streams.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announced {
    call: String,
    streams: Vec<Stream>,
    #[serde(default)]
    customer_tel: Option<String>,
    #[serde(default)]
    customer_name: Option<String>,
    #[serde(default)]
    agent_name: Option<String>,
    #[serde(default)]
    team: Option<String>,
    #[serde(default)]
    queue: Option<String>,
}

/// A stream by the UUID that the dialplan gives to AudioSocket.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    id: uuid::Uuid,
    /// `customer`, `agent` or `mixed`.
    party: String,
}

/// Most streams of a call.
const MOST: usize = 8;

/// Keeps what the streams of a call are, for when they open.
pub async fn announce(
    State(app): State<App>,
    me: Me,
    headers: HeaderMap,
    Sent(call): Sent<Announced>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Send)?;
    if call.call.trim().is_empty() {
        return Err(ApiError::Wrong("call: give the exchange's name of the call".into()));
    }
    if call.streams.is_empty() || call.streams.len() > MOST {
        return Err(ApiError::Wrong(format!("streams: 1 to {MOST}, one for each UUID of the dialplan")));
    }
    if call.customer_tel.as_deref().is_some_and(|tel| Phone::parse(tel).is_none()) {
        return Err(ApiError::Wrong("customer_tel: no telephone number".into()));
    }
    let about = About {
        call: call.call,
        customer_tel: call.customer_tel,
        customer_name: call.customer_name,
        agent_name: call.agent_name,
        team: call.team.or_else(|| me.user.team.clone()),
        queue: call.queue,
    };
    let at_ms = app.desk.clock.now().millis();
    for stream in &call.streams {
        let party = match stream.party.as_str() {
            "mixed" => None,
            other => Some(party(other).ok_or_else(|| {
                ApiError::Wrong(format!("party: \"{other}\" is not known; customer, agent or mixed"))
            })?),
        };
        let known = Registered { about: about.clone(), party, at_ms };
        app.desk.store.set(&key(stream.id), &known, Timestamp::from_millis(at_ms)).await?;
    }
    Ok(created(json!({"call": about.call, "streams": call.streams.len()})))
}

/// Returns the streams that are open on this node, and those that were refused with the reason.
pub async fn streams(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::People)?;
    let body = json!({
        "open": app.live.open_streams(),
        "refused": app.live.refused(),
        "recognition": app.live.missing().unwrap_or_else(|| "ready".to_owned()),
    });
    Ok(Json(body).into_response())
}
