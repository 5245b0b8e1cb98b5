//! What did not arrive, for the administrator: it can be sent again, and each channel of the company can be tried.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::channels::{Tried, try_channel};
use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Filled};
use crate::auth::{May, Me};
use crate::http::App;
use crate::store::{DeliveryKey, DeliveryRow};

/// Most rows of the page.
const MOST: i64 = 200;

/// A delivery in words.
#[derive(Clone, Debug)]
pub(super) struct DeliveryLine {
    pub alert: String,
    pub number: i64,
    pub href: String,
    pub user: String,
    pub whom: String,
    pub channel_name: String,
    pub channel: String,
    pub state: &'static str,
    pub class: &'static str,
    pub error: String,
    pub when: String,
    pub attempts: i64,
}

/// Returns the name of a channel of the outbox.
pub(super) fn channel_title(w: &Words, channel: &str) -> String {
    match channel {
        crate::alert::EMAIL => w.t.ch_email.to_owned(),
        crate::alert::TELEGRAM => w.t.ch_telegram.to_owned(),
        other => other.strip_prefix("webhook:").unwrap_or(other).to_owned(),
    }
}

/// Returns a delivery in words.
pub(super) fn delivery_line(w: &Words, row: &DeliveryRow) -> DeliveryLine {
    let (state, class, at) = match row.state.as_str() {
        "sent" => (w.t.d_sent, "done", row.sent_at_ms.unwrap_or(row.created_at_ms)),
        "failed" => (w.t.d_failed, "late", row.next_try_ms),
        "dead" => (w.t.d_dead, "late", row.next_try_ms),
        "bundled" => (w.t.d_bundled, "", row.next_try_ms),
        "dropped" => (w.t.d_dropped, "", row.next_try_ms),
        _ => (w.t.d_waiting, "", row.next_try_ms),
    };
    let whom =
        if row.user_id.as_str().is_empty() { Some(w.t.d_company.to_owned()) } else { row.user_name.clone() };
    DeliveryLine {
        alert: row.alert_id.to_string(),
        number: row.number.unwrap_or(0),
        href: row.case_id.as_ref().map(|case| format!("/cases/{case}")).unwrap_or_default(),
        user: row.user_id.to_string(),
        whom: whom.unwrap_or_else(|| row.user_id.to_string()),
        channel_name: row.channel.clone(),
        channel: channel_title(w, &row.channel),
        state,
        class,
        error: row.error.clone().unwrap_or_default(),
        when: w.moment(at),
        attempts: row.attempts,
    }
}

#[derive(Template)]
#[template(path = "deliveries.html")]
pub(super) struct DeliveriesPage {
    pub f: Frame,
    pub rows: Vec<DeliveryLine>,
    /// Names in the outbox and names for people.
    pub company: Vec<(String, String)>,
    pub tried: Option<Tried>,
}

/// Shows what did not arrive.
pub async fn page(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::People)?;
    list(&app, &me, None).await
}

async fn list(app: &App, me: &Me, tried: Option<Tried>) -> Result<Response, ApiError> {
    let f = frame(app, me, Section::Other);
    let rows = app.desk.store.deliveries_failed(MOST).await?;
    let rows = rows.iter().map(|row| delivery_line(&f.w, row)).collect();
    let company = app.channels.lanes.iter().filter(|lane| !lane.personal);
    let company = company.map(|lane| (lane.name.clone(), channel_title(&f.w, &lane.name))).collect();
    show(&DeliveriesPage { f, rows, company, tried })
}

/// Which delivery is sent again.
#[derive(Deserialize)]
pub struct AgainForm {
    #[serde(default)]
    csrf: String,
    alert: String,
    #[serde(default)]
    user: String,
    channel: String,
}

/// Sends again what was given up.
pub async fn again(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<AgainForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    let key = DeliveryKey {
        alert_id: form.alert.as_str().into(),
        user_id: form.user.as_str().into(),
        channel: form.channel,
        round: 0,
    };
    let now = app.desk.clock.now();
    app.desk.store.deliver_again(&key, now).await?;
    let object = format!("alert:{}", key.alert_id);
    app.desk.store.audit(now, &me.user.id.0, "delivery.again", &object, &key.channel).await?;
    Ok(Redirect::to("/deliveries").into_response())
}

/// Which channel of the company is tried.
#[derive(Deserialize)]
pub struct TryForm {
    #[serde(default)]
    csrf: String,
    channel: String,
}

/// Sends a message to a channel of the company and says what came of it.
pub async fn test(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<TryForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    if app.channels.lane(&form.channel).is_none_or(|lane| lane.personal) {
        return Err(ApiError::NotFound);
    }
    let tried = try_channel(&app, &me, &form.channel, "").await?;
    list(&app, &me, Some(tried)).await
}
