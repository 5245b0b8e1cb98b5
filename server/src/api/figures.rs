//! Figures of a span of time, and customers.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use gradus_engine::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Asked, Sent, changes};
use crate::auth::{May, Me};
use crate::http::App;
use crate::store::{Customer, CustomerId, CustomerNote};

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
        let notes = app.desk.store.customer_notes(&customer.id).await?;
        let note = |note: &CustomerNote| json!({"id": note.id, "text": note.text, "by": note.written_by, "at_ms": note.written_at_ms});
        fields.insert("notes".into(), notes.iter().map(note).collect());
        let joined = app.desk.store.joined_into(&customer.id).await?;
        fields.insert("joined".into(), joined.iter().map(|row| json!(row.from_id)).collect());
    }
    Ok(Json(whole).into_response())
}

/// What is done with a customer.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Doing {
    /// Writes a note.
    Note {
        /// The words.
        text: String,
    },
    /// Takes a note away.
    RemoveNote {
        /// Its id.
        note: String,
    },
    /// Joins another customer into this one.
    Join {
        /// The id of the other.
        from: String,
    },
    /// Parts this customer again from the one into whom they were joined.
    Part {},
}

/// Does something with a customer and returns what is known of them then.
pub async fn act(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    Sent(doing): Sent<Doing>,
) -> Result<Response, ApiError> {
    let note = matches!(doing, Doing::Note { .. } | Doing::RemoveNote { .. });
    changes(&me, &headers, if note { May::Note } else { May::Act })?;
    let here = CustomerId(id.clone());
    match doing {
        Doing::Note { text } => {
            if text.trim().is_empty() || text.chars().count() > 2_000 {
                return Err(ApiError::Wrong("text: 1 to 2000 characters".into()));
            }
            app.note_customer(&me, &here, text.trim()).await?;
        }
        Doing::RemoveNote { note } => app.remove_customer_note(&me, &here, &note).await?,
        Doing::Join { from } => app.join_customers(&me, &CustomerId(from), &here).await?,
        Doing::Part {} => drop(app.part_customer(&me, &here).await?),
    }
    customer(State(app), me, Path(id)).await
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
