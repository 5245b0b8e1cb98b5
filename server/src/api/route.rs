//! Where an exchange sends a caller: number in, queue or person out.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Asked};
use crate::auth::{May, Me};
use crate::http::App;
use crate::intake::Phone;

/// Up to this rank a customer is strategic.
const STRATEGIC: i64 = 10;

/// Who calls.
#[derive(Deserialize)]
pub struct Caller {
    #[serde(default)]
    tel: String,
}

/// Returns where a caller goes: whoever has their open case, the conflict specialist for a marked one, the queue of strategic
/// customers, or the usual queue. A number that is not known, or none, goes to the usual one: a call is never turned away.
pub async fn route(
    State(app): State<App>,
    me: Me,
    Asked(caller): Asked<Caller>,
) -> Result<Response, ApiError> {
    me.may(May::Send)?;
    let names = &app.desk.config.route;
    let to = |queue: &str, reason: &str| json!({"queue": queue, "person": null, "reason": reason});
    let customer = match Phone::parse(&caller.tel) {
        Some(tel) => app.desk.store.customer_by_tel(tel.as_str()).await?,
        None => None,
    };
    let Some(customer) = customer else { return Ok(Json(to(&names.usual, "unknown")).into_response()) };
    let mut answer = if let Some(mark) = customer.mark.as_deref().filter(|mark| !mark.trim().is_empty()) {
        let last = app.desk.store.last_agent(&customer.id).await?;
        let mut to = to(&names.conflict, "marked");
        set(&mut to, "mark", json!(mark));
        // On a callback another operator: the one who had the quarrel is not to have the next call.
        set(&mut to, "avoid", json!(last));
        to
    } else if let Some((login, name)) = app.desk.store.owner_of_open_case(&customer.id).await? {
        json!({"queue": null, "person": login, "name": name, "reason": "open_case"})
    } else if [customer.revenue_rank, customer.growth_rank]
        .into_iter()
        .flatten()
        .any(|rank| (1..=STRATEGIC).contains(&rank))
    {
        to(&names.strategic, "strategic")
    } else {
        to(&names.usual, "usual")
    };
    set(&mut answer, "customer", json!(customer.id));
    Ok(Json(answer).into_response())
}

fn set(answer: &mut Value, name: &str, value: Value) {
    if let Some(fields) = answer.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}
