//! What people say of signals, by programs; and how often each rule was right.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use gradus_engine::signal::SignalKind;
use serde::Deserialize;
use serde_json::json;

use super::{ApiError, Sent, changes};
use crate::auth::{May, Me};
use crate::feedback;
use crate::http::App;
use crate::store::{ConversationRow, Verdict};

/// What somebody says of a signal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    utterance: i64,
    number: i64,
    /// Nothing takes the verdict back.
    verdict: Option<Verdict>,
}

/// What somebody found in an utterance where nothing did.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missed {
    utterance: i64,
    kind: SignalKind,
    /// False takes it back.
    #[serde(default = "yes")]
    missed: bool,
}

const fn yes() -> bool {
    true
}

/// Notes whether a signal is right.
pub async fn judge(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    Sent(judged): Sent<Judged>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Judge)?;
    let row = app.conversation_row_for(&me, id).await?;
    app.judge_signal(&me, &row, (judged.utterance, judged.number), judged.verdict).await?;
    Ok(Json(json!({"verdict": judged.verdict.map(Verdict::name)})).into_response())
}

/// Notes that something was missed in an utterance.
pub async fn missed(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    Sent(missed): Sent<Missed>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Judge)?;
    let row = app.conversation_row_for(&me, id).await?;
    app.note_missed(&me, &row, missed.utterance, missed.kind, missed.missed).await?;
    Ok(Json(json!({"missed": missed.missed})).into_response())
}

/// Returns how often each rule was right, as people say; the worst first.
pub async fn precision(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Rules)?;
    let since = feedback::recent_since(app.desk.clock.now());
    let rules = feedback::precision(&app.desk.store.rule_verdicts(since).await?);
    Ok(Json(json!({"rules": rules})).into_response())
}

/// Returns judged utterances as a labelled file that `gradus train` and `gradus eval` read.
pub async fn examples(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Rules)?;
    let examples = feedback::examples(&app.desk.store.judged_signals().await?);
    app.desk.store.audit(app.desk.clock.now(), &me.user.id.0, "examples.read", "verdicts", "").await?;
    Ok(([(header::CONTENT_TYPE, "text/tab-separated-values; charset=utf-8")], feedback::write(&examples))
        .into_response())
}

impl App {
    /// Notes what somebody says of a signal, or that they take it back.
    ///
    /// # Errors
    /// `NotFound` when there is no such signal.
    pub async fn judge_signal(
        &self,
        me: &Me,
        row: &ConversationRow,
        signal: (i64, i64),
        verdict: Option<Verdict>,
    ) -> Result<(), ApiError> {
        let now = self.desk.clock.now();
        self.desk.store.judge_signal(&row.id, signal, verdict, &me.user.id, now).await?;
        let object = format!("signal:{}:{}:{}", row.id, signal.0, signal.1);
        let said = verdict.map_or("none", Verdict::name);
        self.desk.store.audit(now, &me.user.id.0, "signal.verdict", &object, said).await?;
        self.desk.pipeline.changed(row.id.clone());
        Ok(())
    }

    /// Notes that something was missed in an utterance, or that it was not.
    ///
    /// # Errors
    /// When there is no such utterance, or the kind is one of the other party.
    pub async fn note_missed(
        &self,
        me: &Me,
        row: &ConversationRow,
        utterance: i64,
        kind: SignalKind,
        missed: bool,
    ) -> Result<(), ApiError> {
        let (store, now) = (&self.desk.store, self.desk.clock.now());
        let said = store.utterances(&row.id).await?.into_iter().find(|said| said.utterance == utterance);
        let said = said.ok_or(ApiError::NotFound)?;
        if !feedback::fits(kind, &said.party) {
            let why = format!("kind: \"{}\" is nothing that the {} can say", kind.name(), said.party);
            return Err(ApiError::Wrong(why));
        }
        if missed {
            store.note_missed(&row.id, utterance, kind, &me.user.id, now).await?;
        } else {
            store.forget_missed(&row.id, utterance, kind).await?;
        }
        let object = format!("utterance:{}:{utterance}", row.id);
        let action = if missed { "signal.missed" } else { "signal.not_missed" };
        store.audit(now, &me.user.id.0, action, &object, kind.name()).await?;
        self.desk.pipeline.changed(row.id.clone());
        Ok(())
    }
}
