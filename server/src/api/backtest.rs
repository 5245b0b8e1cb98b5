//! A backtest of a draft for programs: begun, watched, stopped.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use gradus_engine::backtest::Difference;
use gradus_engine::protocol::Protocol;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Sent, accepted, changes};
use crate::auth::{May, Me};
use crate::backtest::{Backtest, Changed};
use crate::backtests::{BeginError, Job, Standing};
use crate::http::App;

/// What is tested, on how much.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    text: String,
    weeks: u32,
}

/// Begins a backtest; one of the same person that runs is stopped.
pub async fn begin(
    State(app): State<App>,
    me: Me,
    headers: HeaderMap,
    Sent(begin): Sent<Begin>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Protocol)?;
    app.begin_backtest(&me, &begin.text, begin.weeks).await?;
    let job = app.backtests.of(&me.user.id).ok_or(ApiError::NotFound)?;
    Ok(accepted(body(&job)))
}

/// Returns where the backtest of who asks stands, and when it is done what it found.
pub async fn one(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Protocol)?;
    let job = app.backtests.of(&me.user.id).ok_or(ApiError::NotFound)?;
    Ok(Json(body(&job)).into_response())
}

/// Stops the backtest of who asks.
pub async fn stop(State(app): State<App>, me: Me, headers: HeaderMap) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Protocol)?;
    Ok(Json(json!({"stopped": app.backtests.stop(&me.user.id)})).into_response())
}

impl App {
    /// Begins a backtest of a draft.
    ///
    /// # Errors
    /// Names the first fault of the draft with its line; says when too many are running.
    pub async fn begin_backtest(&self, me: &Me, text: &str, weeks: u32) -> Result<(), ApiError> {
        let checked = self.desk.protocols.check(text);
        if let Some((line, message)) = checked.faults.first() {
            return Err(ApiError::Wrong(format!("text: line {line}: {message}")));
        }
        let draft = Protocol::parse("draft", text)
            .map_err(|_| ApiError::Wrong("text: this is no protocol".to_owned()))?;
        Ok(self.backtests.begin(&self.desk, (&me.user.id, &self.zone), draft, weeks).await?)
    }
}

impl From<BeginError> for ApiError {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::Busy => Self::Conflict(error.to_string()),
            BeginError::Store(error) => error.into(),
        }
    }
}

fn body(job: &Job) -> Value {
    let mut told = match &job.standing {
        Standing::Runs(percent) => json!({"state": "runs", "percent": percent}),
        Standing::Stopped => json!({"state": "stopped"}),
        Standing::Failed(why) => json!({"state": "failed", "error": why}),
        Standing::Done(found) => outcome(found),
    };
    if let Some(fields) = told.as_object_mut() {
        fields.insert("version".into(), json!(job.version));
        fields.insert("weeks".into(), json!(job.weeks));
        fields.insert("begun_at_ms".into(), json!(job.begun_at.millis()));
    }
    told
}

fn outcome(found: &Backtest) -> Value {
    json!({
        "state": "done", "conversations": found.conversations, "utterances": found.utterances,
        "engaged": found.engaged, "busiest_hour": found.busiest_hour, "by_hour": found.by_hour,
        "by_team": found.by_team, "alerts": found.alerts, "climbed": found.climbed, "warned": found.warned,
        "breached": found.breached, "changed": found.changed.iter().map(changed).collect::<Vec<_>>(),
    })
}

fn changed(changed: &Changed) -> Value {
    let difference = |(difference, decision): &(Difference, gradus_engine::decision::Decision)| {
        let (what, later) = match difference {
            Difference::Added => ("added", 0),
            Difference::Missed => ("missed", 0),
            Difference::Moved(later) => ("moved", *later),
        };
        json!({"difference": what, "utterances_later": later, "utterance": decision.utterance,
            "decision": decision.decision.name(), "reason": decision.reason.name(), "clause": decision.clause})
    };
    json!({"conversation": changed.conversation,
        "differences": changed.differences.iter().map(difference).collect::<Vec<_>>()})
}
