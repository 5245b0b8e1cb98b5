//! Cases: lists, one with its timeline, and what a program does with one.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use gradus_engine::case::{Action, Priority, Resolution, StaffId};
use gradus_engine::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Asked, Sent, changes};
use crate::auth::{May, Me, Role};
use crate::desk::digest;
use crate::http::App;
use crate::mask::MaskedText;
use crate::store::{
    AlertRow, AskRow, CaseFilter, CaseRow, ClockRow, CustomerId, DeliveryRow, RelatedRow, UserId,
};

/// Most rows of one answer.
const MOST: i64 = 500;

/// Which cases, and how many.
#[derive(Deserialize)]
pub struct Which {
    open: Option<bool>,
    owner: Option<String>,
    customer: Option<String>,
    limit: Option<i64>,
    offset: Option<i64>,
}

/// Lists cases: open ones by the clock that runs out next, then closed ones.
pub async fn list(State(app): State<App>, me: Me, Asked(which): Asked<Which>) -> Result<Response, ApiError> {
    let filter = CaseFilter {
        open: which.open,
        owner: which.owner.map(UserId),
        team: me.team().map(str::to_owned),
        customer: which.customer.map(CustomerId),
        limit: which.limit.unwrap_or(50).clamp(1, MOST),
        offset: which.offset.unwrap_or(0).max(0),
    };
    let rows = app.desk.store.cases(&filter).await?;
    let total = app.desk.store.count_cases(&filter).await?;
    Ok(Json(json!({"cases": rows.iter().map(body).collect::<Vec<_>>(), "total": total})).into_response())
}

/// Returns one case with its timeline and alerts.
pub async fn one(State(app): State<App>, me: Me, Path(id): Path<String>) -> Result<Response, ApiError> {
    let row = app.case_for(&me, id).await?;
    let mut case = body(&row);
    let timeline = app.desk.store.timeline(&row.id).await?;
    let alerts = app.desk.store.alerts_of_case(&row.id).await?;
    let deliveries = app.desk.store.deliveries_of_case(&row.id).await?;
    let alerts: Vec<Value> = alerts.iter().map(|alert| alert_body(alert, &deliveries)).collect();
    if let Some(fields) = case.as_object_mut() {
        fields.insert("timeline".into(), json!(timeline));
        fields.insert("alerts".into(), json!(alerts));
        let clocks = app.desk.store.clocks_of_case(&row.id).await?;
        fields.insert("clocks".into(), clocks.iter().map(clock_body).collect());
        let asks = app.desk.store.asks_of_case(&row.id).await?;
        fields.insert("asks".into(), asks.iter().map(ask_body).collect());
        let followers = app.desk.store.followers_of(&row.id).await?;
        fields.insert("followers".into(), followers.into_iter().map(|(id, _)| json!(id)).collect());
        let related = app.desk.store.related_to(&row.id, row.customer_id.as_ref()).await?;
        let related = related.iter().filter(|other| me.sees(other.team.as_deref()));
        fields.insert("related".into(), related.map(related_body).collect());
        let documents = app.desk.store.documents_of(&row.id).await?;
        let costs = app.desk.store.costs_of(&row.id).await?;
        let cost = |(kind, amount, currency): &(String, String, String)| json!({"kind": kind, "amount": amount, "currency": currency});
        fields.insert("costs".into(), costs.iter().map(cost).collect());
        let rating = app.desk.store.rating_of(&row.id).await?;
        let rating = rating
            .map(|rating| json!({"stars": rating.stars, "words": rating.words, "at_ms": rating.rated_at_ms}));
        fields.insert("rating".into(), json!(rating));
        fields.insert("stayed".into(), json!(app.desk.store.stayed(&row.id).await?));
        fields.insert("documents".into(), documents.iter().map(super::documents::body).collect());
    }
    Ok(Json(case).into_response())
}

/// Lists what failed or was given up on its way beyond the pages, newest first.
pub async fn failed_deliveries(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::People)?;
    let rows = app.desk.store.deliveries_failed(MOST).await?;
    Ok(Json(json!({"deliveries": rows.iter().map(delivery).collect::<Vec<_>>()})).into_response())
}

/// What a program does with a case.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Doing {
    /// «I have seen it».
    Acknowledge {},
    /// Takes it over.
    TakeOver {},
    /// Gives it to another person.
    HandOver {
        /// The id of the user.
        to: String,
    },
    /// Tells the customer how things stand.
    Inform {
        /// What was told.
        text: String,
        /// Minutes until the customer hears again; without it as the protocol says.
        #[serde(default)]
        again_minutes: Option<u32>,
    },
    /// Waits for the customer: what is owed to the customer rests.
    Wait {
        /// Until when at the latest, milliseconds since 1970; without it as long as the protocol says.
        #[serde(default)]
        until_ms: Option<i64>,
    },
    /// The customer has answered.
    Resume {},
    /// Makes it more or less pressing.
    Prioritise {
        /// `normal`, `high` or `urgent`.
        priority: Priority,
    },
    /// Asks a department.
    Ask {
        /// Its name in the protocol.
        department: String,
        /// The question.
        text: String,
    },
    /// Answers for a department.
    Answer {
        /// The number of the question.
        ask: u32,
        /// The answer.
        text: String,
    },
    /// Follows it.
    Follow {},
    /// Follows it no longer.
    Unfollow {},
    /// Writes a note.
    Note {
        /// The words.
        text: String,
    },
    /// Closes it.
    Resolve {
        /// Reason, decision, costs, conclusion.
        resolution: Resolution,
    },
    /// Opens it again, or parts it from the one into which it was merged.
    Reopen {},
    /// It is the same matter as an older case, and goes on there.
    Merge {
        /// The id of the older case.
        into: String,
    },
    /// It has to do with another case.
    Link {
        /// The id of the other case.
        case: String,
    },
    /// It has to do with it no longer.
    Unlink {
        /// The id of the other case.
        case: String,
    },
    /// Lets its alert rest for who asks; it climbs all the same.
    Snooze {},
    /// Says whether an alert was true.
    Judge {
        /// The number of the alert.
        alert: i64,
        /// `right` or `wrong`.
        verdict: String,
        /// Why it was wrong.
        #[serde(default)]
        reason: String,
    },
}

/// Does something with a case, and returns it as it is then.
pub async fn act(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    Sent(doing): Sent<Doing>,
) -> Result<Response, ApiError> {
    let note = matches!(doing, Doing::Note { .. } | Doing::Follow {} | Doing::Unfollow {});
    let what = if note { May::Note } else { May::Act };
    changes(&me, &headers, what)?;
    let row = app.case_for(&me, id).await?;
    let action = match doing {
        Doing::Inform { text, again_minutes } => {
            let text = words(&text)?;
            let text_sha256 = digest(text.as_bytes());
            let action = Action::Inform { text_sha256, again_minutes };
            return say(app, me, row, action, text).await;
        }
        Doing::Ask { department, text } => {
            let text = words(&text)?;
            let text_sha256 = digest(text.as_bytes());
            return say(app, me, row, Action::Ask { department, text_sha256 }, text).await;
        }
        Doing::Answer { ask, text } => {
            let text = words(&text)?;
            let text_sha256 = digest(text.as_bytes());
            return say(app, me, row, Action::Answer { ask, text_sha256 }, text).await;
        }
        Doing::Wait { until_ms } => Action::Wait { until: until_ms.map(Timestamp::from_millis) },
        Doing::Resume {} => Action::Resume,
        Doing::Prioritise { priority } => Action::Prioritise { priority },
        Doing::Follow {} => Action::Follow,
        Doing::Unfollow {} => Action::Unfollow,
        Doing::Acknowledge {} => Action::Acknowledge,
        Doing::TakeOver {} => Action::TakeOver,
        Doing::HandOver { to } => Action::HandOver { to: taker(&app, to).await? },
        Doing::Note { text } => {
            if text.trim().is_empty() || text.chars().count() > 4_000 {
                return Err(ApiError::Wrong("text: 1 to 4000 characters".into()));
            }
            app.desk.note(&row, &me.user.id, text.trim()).await?;
            return one(State(app), me, Path(row.id.0)).await;
        }
        Doing::Resolve { resolution } => Action::Resolve { resolution },
        Doing::Reopen {} => Action::Reopen,
        Doing::Snooze {} => {
            for alert in app.desk.store.alerts_of_case(&row.id).await? {
                app.desk.snooze(&me.user.id, &alert).await?;
            }
            return one(State(app), me, Path(row.id.0)).await;
        }
        Doing::Merge { into } => {
            let into = app.case_for(&me, into).await?;
            app.desk.merge(&me.user.id, &row, &into).await?;
            return one(State(app), me, Path(row.id.0)).await;
        }
        Doing::Link { case } => return link(app, me, row, case, true).await,
        Doing::Unlink { case } => return link(app, me, row, case, false).await,
        Doing::Judge { alert, verdict, reason } => {
            app.judge(&me, &row, alert, &verdict, &reason).await?;
            return one(State(app), me, Path(row.id.0)).await;
        }
    };
    app.act(&me, &row, action).await?;
    one(State(app), me, Path(row.id.0)).await
}

/// Returns who gets a case, if they may act on cases.
async fn taker(app: &App, to: String) -> Result<StaffId, ApiError> {
    let may = |role: &str| role.parse::<Role>().is_ok_and(|role| role.may(May::Act));
    let user = app.desk.store.user(&UserId(to)).await?.filter(|user| user.active && may(&user.role));
    let user = user.ok_or_else(|| ApiError::Wrong("to: no active user who may act on cases".into()))?;
    Ok(StaffId(user.id.0))
}

/// Returns the words that go with an action, masked.
fn words(text: &str) -> Result<MaskedText, ApiError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 4_000 {
        return Err(ApiError::Wrong("text: 1 to 4000 characters".into()));
    }
    Ok(MaskedText::of(text))
}

async fn say(app: App, me: Me, row: CaseRow, action: Action, text: MaskedText) -> Result<Response, ApiError> {
    app.desk.act_saying(&me.user.id, &row, action, Some(text)).await?;
    one(State(app), me, Path(row.id.0)).await
}

async fn link(app: App, me: Me, row: CaseRow, other: String, linked: bool) -> Result<Response, ApiError> {
    let other = app.case_for(&me, other).await?;
    app.desk.link(&me.user.id, &row, &other, linked).await?;
    one(State(app), me, Path(row.id.0)).await
}

/// Lists the questions to one's department; who acts for no department sees all of them.
pub async fn asks(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Act)?;
    let rows = app.desk.store.asks_of(crate::web::department_of(&me), MOST).await?;
    Ok(Json(json!({"asks": rows.iter().map(ask_body).collect::<Vec<_>>()})).into_response())
}

fn ask_body(ask: &AskRow) -> Value {
    json!({
        "case": ask.case_id, "case_number": ask.case_number, "conversation": ask.conversation_id, "ask": ask.number,
        "department": ask.department, "question": ask.question, "asked_by": ask.asked_by,
        "asked_at_ms": ask.asked_at_ms, "due_at_ms": ask.due_at_ms, "late": ask.late, "answer": ask.answer,
        "answered_by": ask.answered_by, "answered_at_ms": ask.answered_at_ms,
    })
}

fn related_body(other: &RelatedRow) -> Value {
    json!({"case": other.id, "number": other.number, "state": other.state, "relation": other.relation,
        "opened_at_ms": other.opened_at_ms})
}

fn clock_body(clock: &ClockRow) -> Value {
    json!({
        "clock": clock.clock, "limit_ms": clock.limit_ms, "calendar": clock.calendar, "spent_ms": clock.spent_ms,
        "due_at_ms": clock.due_at_ms, "met_at_ms": clock.met_at_ms, "warned": clock.warned,
        "breached": clock.breached,
    })
}

fn alert_body(alert: &AlertRow, deliveries: &[DeliveryRow]) -> Value {
    let deliveries: Vec<Value> =
        deliveries.iter().filter(|row| row.alert_id == alert.id).map(delivery).collect();
    json!({
        "id": alert.id, "number": alert.number, "decision": alert.decision, "reason": alert.reason,
        "role": alert.recipient_role, "recipient": alert.recipient_id, "level": alert.level, "topic": alert.topic,
        "department": alert.department, "state": alert.state,
        "repeats": alert.repeats, "created_at_ms": alert.created_at_ms, "delivered_at_ms": alert.delivered_at_ms,
        "acknowledged_at_ms": alert.acknowledged_at_ms, "acknowledged_by": alert.acknowledged_by,
        "verdict": alert.verdict, "verdict_reason": alert.verdict_reason, "verdict_by": alert.verdict_by,
        "deliveries": deliveries,
    })
}

/// A delivery for programs; one of the company's own channels has no user.
pub(super) fn delivery(row: &DeliveryRow) -> Value {
    let user = (!row.user_id.as_str().is_empty()).then_some(&row.user_id);
    json!({
        "alert": row.number, "case": row.case_id, "user": user, "user_name": row.user_name, "channel": row.channel,
        "state": row.state, "round": row.round, "attempts": row.attempts, "created_at_ms": row.created_at_ms,
        "next_try_ms": row.next_try_ms, "sent_at_ms": row.sent_at_ms, "error": row.error,
    })
}

fn body(row: &CaseRow) -> Value {
    json!({
        "id": row.id, "number": row.number, "version": row.version, "conversation": row.conversation_id,
        "customer": row.customer_id, "customer_name": row.customer_name, "subject": row.subject, "state": row.state,
        "stage": row.stage, "priority": row.priority, "owner": row.owner_id, "owner_name": row.owner_name,
        "team": row.team, "opened_at_ms": row.opened_at_ms, "due_at_ms": row.due_at_ms,
        "paused_until_ms": row.paused_until_ms,
        "acknowledged_at_ms": row.acknowledged_at_ms, "acknowledged_by": row.acknowledged_by, "reason": row.reason,
        "decision": row.decision, "cost": row.cost, "currency": row.currency, "conclusion": row.conclusion,
        "closed_at_ms": row.closed_at_ms, "closed_by": row.closed_by,
        "merged_into": row.merged_into,
    })
}
