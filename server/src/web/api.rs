//! The API, version 1: conversations in and out, cases, health. Errors are `application/problem+json`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gradus_engine::signal::{Channel, Party};
use gradus_engine::time::Millis;
use serde::Deserialize;
use serde_json::json;

use super::{Me, PageError};
use crate::desk::Desk;
use crate::mask::MaskedText;
use crate::password;
use crate::pipeline::Spoken;
use crate::store::{
    CaseFilter, ConversationFilter, ConversationId, ConversationStatus, CustomerFacts, CustomerId,
    NewConversation, NewParty,
};

/// The description of the API.
const OPENAPI: &str = include_str!("openapi.json");

/// Longest stream of utterances in one request, in lines.
const MOST_LINES: usize = 10_000;

fn answer(result: Result<Response, PageError>) -> Response {
    result.unwrap_or_else(PageError::problem)
}

/// Serves the description of the API.
pub async fn openapi() -> Response {
    ([(axum::http::header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// Says whether the server and its store answer.
pub async fn health(State(desk): State<Desk>) -> Response {
    match desk.store.ping().await {
        Ok(()) => Json(json!({"status": "ok"})).into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "the store does not answer"})))
            .into_response(),
    }
}

/// How much of a list is asked for.
#[derive(Deserialize)]
pub struct Asked {
    limit: Option<i64>,
    offset: Option<i64>,
}

/// Lists conversations, the latest first.
pub async fn list(
    State(desk): State<Desk>,
    me: Result<Me, PageError>,
    Query(asked): Query<Asked>,
) -> Response {
    answer(list_inner(&desk, me, &asked).await)
}

async fn list_inner(desk: &Desk, me: Result<Me, PageError>, asked: &Asked) -> Result<Response, PageError> {
    me?;
    let filter = ConversationFilter {
        limit: asked.limit.unwrap_or(50).clamp(1, 500),
        offset: asked.offset.unwrap_or(0).max(0),
        ..ConversationFilter::default()
    };
    Ok(Json(json!({"conversations": desk.store.conversations(&filter).await?})).into_response())
}

/// Returns one conversation whole.
pub async fn one(State(desk): State<Desk>, me: Result<Me, PageError>, Path(id): Path<String>) -> Response {
    answer(one_inner(&desk, me, id).await)
}

async fn one_inner(desk: &Desk, me: Result<Me, PageError>, id: String) -> Result<Response, PageError> {
    me?;
    let page = desk.store.conversation_page(&ConversationId(id)).await?.ok_or(PageError::NotFound)?;
    Ok(Json(page).into_response())
}

/// Lists open cases.
pub async fn cases(State(desk): State<Desk>, me: Result<Me, PageError>) -> Response {
    answer(cases_inner(&desk, me).await)
}

async fn cases_inner(desk: &Desk, me: Result<Me, PageError>) -> Result<Response, PageError> {
    me?;
    let rows =
        desk.store.cases(&CaseFilter { open: Some(true), limit: 500, ..CaseFilter::default() }).await?;
    let case = |row: &crate::store::CaseRow| json!({"id": row.id, "number": row.number, "state": row.state, "priority": row.priority, "customer": row.customer_name, "owner": row.owner_name, "due_at_ms": row.due_at_ms, "conversation": row.conversation_id});
    Ok(Json(json!({"cases": rows.iter().map(case).collect::<Vec<_>>()})).into_response())
}

/// A conversation that begins.
#[derive(Deserialize)]
pub struct Start {
    channel: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    customer_name: Option<String>,
    #[serde(default)]
    customer_tel: Option<String>,
    #[serde(default)]
    customer_email: Option<String>,
    #[serde(default)]
    agent_name: Option<String>,
}

/// Begins a live conversation and returns its id.
pub async fn start(
    State(desk): State<Desk>,
    me: Result<Me, PageError>,
    headers: axum::http::HeaderMap,
    body: Bytes,
) -> Response {
    answer(start_inner(&desk, me, &headers, &body).await)
}

/// A session's request that changes something carries its token in a header, as a form carries it in a field.
fn checked(me: Result<Me, PageError>, headers: &axum::http::HeaderMap) -> Result<Me, PageError> {
    let me = me?;
    let token = headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
    me.check(token)?;
    Ok(me)
}

async fn start_inner(
    desk: &Desk,
    me: Result<Me, PageError>,
    headers: &axum::http::HeaderMap,
    body: &[u8],
) -> Result<Response, PageError> {
    checked(me, headers)?;
    let start: Start = serde_json::from_slice(body)
        .map_err(|error| PageError::Wrong(format!("the body is not a conversation: {error}")))?;
    let channel: Channel = start
        .channel
        .parse()
        .map_err(|error| PageError::Wrong(format!("channel: {error}; call, chat, email or in_person")))?;
    let now = desk.clock.now();
    let id = ConversationId(format!("live-{}", password::token()?.get(..20).unwrap_or_default()));
    let tels: Vec<String> = start
        .customer_tel
        .iter()
        .filter_map(|tel| crate::intake::Phone::parse(tel))
        .map(|tel| tel.as_str().to_owned())
        .collect();
    let emails: Vec<String> = start.customer_email.iter().map(|email| email.to_lowercase()).collect();
    let customer = if tels.is_empty() && emails.is_empty() {
        None
    } else {
        let facts =
            CustomerFacts { name: start.customer_name.clone(), tels, emails, ..CustomerFacts::default() };
        Some(desk.store.know_customer(&facts, CustomerId(format!("k-{}", id.0)), now).await?)
    };
    let mut new = NewConversation::new(id.clone(), channel, ConversationStatus::Live, now);
    new.customer_id = customer.clone();
    new.agent_name.clone_from(&start.agent_name);
    new.subject = start.subject.as_deref().map(MaskedText::of);
    let party = |role: &str, name: &Option<String>| NewParty {
        role: role.to_owned(),
        name: name.clone(),
        ..NewParty::default()
    };
    new.parties = vec![party("customer", &start.customer_name), party("agent", &start.agent_name)];
    let facts = desk.facts(customer.as_ref()).await?;
    desk.pipeline.start(new, facts).await?;
    Ok((StatusCode::CREATED, Json(json!({"id": id}))).into_response())
}

/// One line of the stream of utterances.
#[derive(Deserialize)]
struct LineIn {
    index: u32,
    party: String,
    text: String,
    #[serde(default)]
    start_ms: Option<u64>,
    #[serde(default)]
    end_ms: Option<u64>,
}

/// Takes in utterances, a line of JSON each; acknowledged when all of them are on disk.
pub async fn events(
    State(desk): State<Desk>,
    me: Result<Me, PageError>,
    Path(id): Path<String>,
    headers: axum::http::HeaderMap,
    body: Bytes,
) -> Response {
    answer(events_inner(&desk, me, id, &headers, &body).await)
}

async fn events_inner(
    desk: &Desk,
    me: Result<Me, PageError>,
    id: String,
    headers: &axum::http::HeaderMap,
    body: &[u8],
) -> Result<Response, PageError> {
    checked(me, headers)?;
    let text = std::str::from_utf8(body)
        .map_err(|error| PageError::Wrong(format!("the body is not UTF-8: {error}")))?;
    let id = ConversationId(id);
    let row = desk.store.conversation(&id).await?.ok_or(PageError::NotFound)?;
    if row.status != "live" {
        return Err(PageError::Refused("the conversation is over: begin a new one".to_owned()));
    }
    let now = desk.clock.now();
    let mut spoken = Vec::new();
    for (number, line) in
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).take(MOST_LINES)
    {
        let wrong = |error: String| PageError::Wrong(format!("line {}: {error}", number + 1));
        let line: LineIn = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        let party: Party = line.party.parse().map_err(|error: gradus_engine::signal::UnknownName| {
            wrong(format!("{error}; customer or agent"))
        })?;
        let start_ms = line.start_ms.or_else(|| u64::try_from(now.millis() - row.started_at_ms).ok());
        let at = line.start_ms.map_or(now, |ms| {
            gradus_engine::time::Timestamp::from_millis(row.started_at_ms).plus(Millis::new(ms))
        });
        spoken.push(Spoken {
            index: line.index,
            party,
            speaker: Some(i64::from(party == Party::Agent)),
            start_ms,
            end_ms: line.end_ms.or(start_ms),
            at,
            judged: line.text.clone(),
            text: line.text,
            utc_offset_s: 3 * 3600,
        });
    }
    desk.pipeline.say(&id, &spoken, &[]).await?;
    Ok(Json(json!({"taken": spoken.len()})).into_response())
}

/// Ends a live conversation.
pub async fn end(
    State(desk): State<Desk>,
    me: Result<Me, PageError>,
    Path(id): Path<String>,
    headers: axum::http::HeaderMap,
) -> Response {
    answer(end_inner(&desk, me, id, &headers).await)
}

async fn end_inner(
    desk: &Desk,
    me: Result<Me, PageError>,
    id: String,
    headers: &axum::http::HeaderMap,
) -> Result<Response, PageError> {
    checked(me, headers)?;
    let id = ConversationId(id);
    desk.store.conversation(&id).await?.ok_or(PageError::NotFound)?;
    desk.pipeline.end(&id, desk.clock.now()).await?;
    Ok(Json(json!({"ended": true})).into_response())
}

/// Returns the JSON of the description, for the test that compares it with the routes.
#[cfg(test)]
fn description() -> serde_json::Value {
    serde_json::from_str(OPENAPI).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_names_every_route_of_the_api() {
        let described = description();
        let routes = include_str!("mod.rs")
            .lines()
            .filter_map(|line| line.trim().strip_prefix(".route(\"/api/v1")?.split('"').next());
        for route in routes {
            assert!(
                described["paths"].get(format!("/api/v1{route}")).is_some(),
                "/api/v1{route} is not in openapi.json"
            );
        }
    }
}
