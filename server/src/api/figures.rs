//! Figures of a span of time, and customers.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use gradus_engine::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Asked};
use crate::auth::{May, Me};
use crate::http::App;
use crate::store::{Customer, CustomerId};

/// Longest span: ten years.
const LONGEST_MS: i64 = 10 * 366 * 86_400_000;

/// From when up to, and without, when; milliseconds since 1970.
#[derive(Deserialize)]
pub struct Span {
    from_ms: Option<i64>,
    to_ms: Option<i64>,
}

/// Returns the figures of a span; without one, of the last seven days.
pub async fn week(State(app): State<App>, me: Me, Asked(span): Asked<Span>) -> Result<Response, ApiError> {
    me.may(May::Figures)?;
    let to = span.to_ms.unwrap_or_else(|| app.desk.clock.now().millis());
    let from = span.from_ms.unwrap_or_else(|| to.saturating_sub(7 * 86_400_000));
    if from > to || to.saturating_sub(from) > LONGEST_MS {
        return Err(ApiError::Wrong(
            "from_ms and to_ms: the span is backwards or longer than ten years".into(),
        ));
    }
    let figures =
        app.desk.store.weekly(me.team(), Timestamp::from_millis(from), Timestamp::from_millis(to)).await?;
    Ok(Json(json!({"from_ms": from, "to_ms": to, "figures": figures})).into_response())
}

/// What is looked for.
#[derive(Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
    limit: Option<i64>,
}

/// Finds customers by a part of name, number, address or id.
pub async fn customers(
    State(app): State<App>,
    _me: Me,
    Asked(search): Asked<Search>,
) -> Result<Response, ApiError> {
    let words: String = search.q.chars().take(200).collect();
    let found = app.desk.store.search_customers(&words, search.limit.unwrap_or(50).clamp(1, 500)).await?;
    Ok(Json(json!({"customers": found.iter().map(body).collect::<Vec<_>>()})).into_response())
}

/// Returns one customer with their addresses.
pub async fn customer(State(app): State<App>, _me: Me, Path(id): Path<String>) -> Result<Response, ApiError> {
    let customer = app.desk.store.customer(&CustomerId(id)).await?.ok_or(ApiError::NotFound)?;
    let contacts = app.desk.store.contacts(&customer.id).await?;
    let mut whole = body(&customer);
    if let Some(fields) = whole.as_object_mut() {
        let contacts = contacts.iter().map(|contact| json!({"kind": contact.kind, "value": contact.value}));
        fields.insert("contacts".into(), contacts.collect());
    }
    Ok(Json(whole).into_response())
}

fn body(customer: &Customer) -> Value {
    json!({
        "id": customer.id, "name": customer.name, "revenue_rank": customer.revenue_rank,
        "growth_rank": customer.growth_rank, "revenue_12m": customer.revenue_12m,
        "contract_status": customer.contract_status, "contract_until": customer.contract_until,
        "personal_terms": customer.personal_terms, "manager": customer.manager, "mark": customer.mark,
    })
}

/// For which reason options are prepared.
#[derive(Deserialize)]
pub struct For {
    reason: Option<String>,
}

/// Returns the dossier of a customer: all that the person who steps in must know, in one request.
pub async fn dossier(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Asked(asked): Asked<For>,
) -> Result<Response, ApiError> {
    let id = CustomerId(id);
    let found = crate::dossier::gather(&app.desk, &me, &id, asked.reason.as_deref()).await?;
    let dossier = found.ok_or(ApiError::NotFound)?;
    let talk = |row: &crate::store::ConversationRow| {
        json!({"id": row.id, "channel": row.channel, "started_at_ms": row.started_at_ms, "heat_max": row.heat_max,
            "heat_last": row.heat_last, "quote": row.quote, "quote_kind": row.quote_kind, "decision": row.decision,
            "reason": row.decision_reason, "recording": row.recording_key.is_some()})
    };
    let case = |row: &crate::store::CaseRow| {
        json!({"id": row.id, "number": row.number, "state": row.state, "reason": row.reason, "decision": row.decision,
            "cost": row.cost, "currency": row.currency, "opened_at_ms": row.opened_at_ms,
            "closed_at_ms": row.closed_at_ms})
    };
    let contacts =
        dossier.contacts.iter().map(|contact| json!({"kind": contact.kind, "value": contact.value}));
    let purchases = dossier
        .purchases
        .iter()
        .map(|bought| json!({"bought_on": bought.bought_on, "what": bought.what, "amount": bought.amount}));
    let promises: serde_json::Map<String, Value> =
        dossier.promises.iter().map(|(state, count)| (state.clone(), json!(count))).collect();
    Ok(Json(json!({
        "customer": body(&dossier.customer), "contacts": contacts.collect::<Vec<_>>(),
        "purchases": purchases.collect::<Vec<_>>(), "promises": promises, "grants": dossier.grants,
        "conversations": dossier.conversations.iter().map(talk).collect::<Vec<_>>(),
        "cases": dossier.cases.iter().map(case).collect::<Vec<_>>(),
        "concessions": dossier.concessions, "options": dossier.options,
    }))
    .into_response())
}
