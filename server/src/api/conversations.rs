//! Conversations: lists, one whole, and those that begin and end live.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use gradus_engine::signal::Channel;
use serde::Deserialize;
use serde_json::json;

use super::{ApiError, Asked, Sent, changes, created};
use crate::auth::{May, Me};
use crate::http::App;
use crate::intake::Phone;
use crate::mask::MaskedText;
use crate::password;
use crate::store::{
    ConversationFilter, ConversationId, ConversationStatus, CustomerFacts, CustomerId, NewConversation,
    NewParty,
};

/// Most rows of one answer.
const MOST: i64 = 500;
/// Longest name, number or subject, in code points.
const LONGEST: usize = 500;

/// Which conversations, and how many.
#[derive(Deserialize)]
pub struct Which {
    status: Option<ConversationStatus>,
    customer: Option<String>,
    #[serde(default)]
    heat: i64,
    limit: Option<i64>,
    offset: Option<i64>,
}

/// Lists conversations, the latest first.
pub async fn list(State(app): State<App>, me: Me, Asked(which): Asked<Which>) -> Result<Response, ApiError> {
    let filter = ConversationFilter {
        status: which.status,
        team: me.team().map(str::to_owned),
        customer: which.customer.map(CustomerId),
        heat: which.heat.clamp(0, 100),
        limit: which.limit.unwrap_or(50).clamp(1, MOST),
        offset: which.offset.unwrap_or(0).max(0),
        ..ConversationFilter::default()
    };
    Ok(Json(json!({"conversations": app.desk.store.conversations(&filter).await?})).into_response())
}

/// Returns one conversation whole.
pub async fn one(State(app): State<App>, me: Me, Path(id): Path<String>) -> Result<Response, ApiError> {
    Ok(Json(app.conversation_for(&me, id).await?).into_response())
}

/// What became of a promise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    promise: String,
    state: String,
}

/// Notes what became of a promise.
pub async fn promise(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    Sent(settled): Sent<Settled>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Note)?;
    let talk = app.conversation_row_for(&me, id).await?;
    let state = settled.state.parse().map_err(ApiError::Wrong)?;
    let promise = crate::store::CommitmentId(settled.promise);
    crate::promises::settle(&app.desk, &me.user.id, (&talk.id, &promise), state).await?;
    Ok(Json(app.desk.store.commitments(&talk.id).await?).into_response())
}

/// Returns what the agent is told now.
pub async fn hints(State(app): State<App>, me: Me, Path(id): Path<String>) -> Result<Response, ApiError> {
    let row = app.conversation_row_for(&me, id).await?;
    Ok(Json(crate::web::hints(&app.desk.pipeline.protocol(), row.hints.as_deref())).into_response())
}

/// A conversation that begins.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
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

impl Start {
    fn check(&self) -> Result<Channel, ApiError> {
        let texts = [
            ("subject", &self.subject),
            ("customer_name", &self.customer_name),
            ("customer_tel", &self.customer_tel),
            ("customer_email", &self.customer_email),
            ("agent_name", &self.agent_name),
        ];
        let long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.chars().count() > LONGEST);
        if let Some((field, _)) = texts.into_iter().find(|(_, text)| long(text)) {
            return Err(ApiError::Wrong(format!("{field}: at most {LONGEST} characters")));
        }
        self.channel
            .parse()
            .map_err(|error| ApiError::Wrong(format!("channel: {error}; call, chat, email or in_person")))
    }

    /// Returns the customer's numbers and addresses, in their normal form.
    fn contacts(&self) -> Result<(Vec<String>, Vec<String>), ApiError> {
        let tel = match &self.customer_tel {
            Some(tel) => {
                let known = Phone::parse(tel)
                    .ok_or_else(|| ApiError::Wrong("customer_tel: no telephone number".into()))?;
                vec![known.as_str().to_owned()]
            }
            None => Vec::new(),
        };
        Ok((tel, self.customer_email.iter().map(|email| email.trim().to_lowercase()).collect()))
    }
}

/// Begins a live conversation and returns its id.
pub async fn start(
    State(app): State<App>,
    me: Me,
    headers: HeaderMap,
    Sent(start): Sent<Start>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Send)?;
    let channel = start.check()?;
    let (tels, emails) = start.contacts()?;
    let desk = &app.desk;
    let now = desk.clock.now();
    let id = ConversationId(format!("live-{}", password::token()?.get(..20).unwrap_or_default()));
    let customer = if tels.is_empty() && emails.is_empty() {
        None
    } else {
        let facts =
            CustomerFacts { name: start.customer_name.clone(), tels, emails, ..CustomerFacts::default() };
        Some(desk.store.know_customer(&facts, CustomerId(format!("k-{id}")), now).await?)
    };
    let mut new = NewConversation::new(id.clone(), channel, ConversationStatus::Live, now);
    new.customer_id.clone_from(&customer);
    new.agent_name.clone_from(&start.agent_name);
    new.team.clone_from(&me.user.team);
    new.subject = start.subject.as_deref().map(MaskedText::of);
    let party = |role: &str, name: &Option<String>| NewParty {
        role: role.to_owned(),
        name: name.clone(),
        ..NewParty::default()
    };
    new.parties = vec![party("customer", &start.customer_name), party("agent", &start.agent_name)];
    let facts = desk.facts(customer.as_ref()).await?;
    desk.pipeline.start(new, facts).await?;
    Ok(created(json!({"id": id})))
}

/// Ends a live conversation.
pub async fn end(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Send)?;
    let row = app.conversation_row_for(&me, id).await?;
    if row.status == ConversationStatus::Live.name() {
        app.desk.pipeline.end(&row.id, app.desk.clock.now()).await?;
    }
    Ok(Json(json!({"ended": true})).into_response())
}
