//! Utterances of a live conversation: lines of JSON, acknowledged when all of them are on disk.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use gradus_engine::signal::Party;
use gradus_engine::time::{Millis, Timestamp};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::json;

use super::{ApiError, Raw, changes};
use crate::auth::{May, Me};
use crate::http::App;
use crate::pipeline::Spoken;
use crate::store::{ConversationRow, ConversationStatus};

/// Most utterances of one batch.
const MOST: usize = 10_000;
/// Longest utterance, in bytes.
const LONGEST: usize = 1 << 20;
/// Latest place in a conversation: a week.
const LATEST_MS: u64 = 7 * 86_400_000;

/// One utterance as it is sent.
#[derive(Deserialize)]
pub struct LineIn {
    index: u32,
    party: String,
    text: String,
    #[serde(default)]
    start_ms: Option<u64>,
    #[serde(default)]
    end_ms: Option<u64>,
}

/// Takes in utterances of a live conversation, a line of JSON each.
pub async fn take(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Send)?;
    let row = live(&app, &me, id).await?;
    let now = app.desk.clock.now();
    let spoken = read(&body, &row, now, &app.zone)?;
    app.desk.pipeline.say(&row.id, &spoken, &[]).await?;
    Ok(Json(json!({"taken": spoken.len()})).into_response())
}

/// Returns a conversation that goes on.
pub(super) async fn live(app: &App, me: &Me, id: String) -> Result<ConversationRow, ApiError> {
    let row = app.conversation_row_for(me, id).await?;
    if row.status != ConversationStatus::Live.name() {
        return Err(ApiError::Conflict("the conversation is over: begin a new one".to_owned()));
    }
    Ok(row)
}

/// Reads lines of JSON; the whole batch is refused at the first wrong one.
pub(super) fn read(
    body: &[u8],
    row: &ConversationRow,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Vec<Spoken>, ApiError> {
    let text = std::str::from_utf8(body).map_err(|error| ApiError::Wrong(format!("no UTF-8: {error}")))?;
    let text = text.trim_start_matches('\u{feff}');
    let mut spoken = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        if spoken.len() >= MOST {
            return Err(ApiError::TooLarge(format!("at most {MOST} utterances at once")));
        }
        let line = parse(line).map_err(|why| ApiError::Wrong(format!("line {number}: {why}")))?;
        spoken.push(said(line, row, now, zone));
    }
    Ok(spoken)
}

fn parse(line: &str) -> Result<(LineIn, Party), String> {
    let line: LineIn = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let party = line.party.parse().map_err(|error| format!("{error}; customer or agent"))?;
    if line.text.len() > LONGEST {
        return Err(format!("text: at most {LONGEST} bytes"));
    }
    if line.start_ms.max(line.end_ms).is_some_and(|ms| ms > LATEST_MS) {
        return Err("start_ms and end_ms: at most a week from the start of the conversation".to_owned());
    }
    Ok((line, party))
}

fn said((line, party): (LineIn, Party), row: &ConversationRow, now: Timestamp, zone: &TimeZone) -> Spoken {
    let started = Timestamp::from_millis(row.started_at_ms);
    let start_ms = line.start_ms.unwrap_or_else(|| now.since(started).get());
    let offset = jiff::Timestamp::from_millisecond(now.millis()).map(|at| zone.to_offset(at).seconds());
    Spoken {
        index: line.index,
        party,
        speaker: Some(i64::from(party == Party::Agent)),
        start_ms: Some(start_ms),
        end_ms: Some(line.end_ms.unwrap_or(start_ms).max(start_ms)),
        at: line.start_ms.map_or(now, |ms| started.plus(Millis::new(ms))),
        judged: line.text.clone(),
        text: line.text,
        utc_offset_s: offset.unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_named_and_a_good_one_is_placed() {
        for (line, why) in [
            ("{", "EOF"),
            (r#"{"index":0,"party":"boss","text":"x"}"#, "customer or agent"),
            (r#"{"index":0,"party":"agent","text":"x","start_ms":99999999999}"#, "week"),
        ] {
            let error = parse(line).err().unwrap_or_default();
            assert!(error.contains(why), "{line}: {error}");
        }
        assert!(parse(r#"{"index":3,"party":"customer","text":"алло","more":1}"#).is_ok());
    }
}
