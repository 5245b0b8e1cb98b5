//! Recordings, whole or the part that was asked for, so that a player can seek. Every hearing is audited.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::{ApiError, out_of_range, partial};
use crate::auth::{May, Me};
use crate::http::App;

/// Most bytes of one part: a player asks again for the rest.
const PART_BYTES: u64 = 4 << 20;

/// What part of a recording is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    From { first: u64, past: u64 },
    Outside,
}

/// Serves a recording.
pub async fn recording(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    me.may(May::Read)?;
    let row = app.conversation_row_for(&me, id).await?;
    let key = row.recording_key.ok_or(ApiError::NotFound)?;
    let size = app.desk.recordings.size_bytes(&key).await?.ok_or(ApiError::NotFound)?;
    let part = part_of(headers.get(header::RANGE).and_then(|value| value.to_str().ok()), size);
    if matches!(part, Part::Whole | Part::From { first: 0, .. }) {
        let now = app.desk.clock.now();
        app.desk
            .store
            .audit(now, &me.user.id.0, "recording.read", &format!("conversation:{}", row.id), "")
            .await?;
    }
    let common = [
        (header::CONTENT_TYPE, kind(&key).to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    match part {
        Part::Whole => {
            let sound = app.desk.recordings.get(&key).await?.ok_or(ApiError::NotFound)?;
            Ok((common, sound).into_response())
        }
        Part::From { first, past } => {
            let sound = app.desk.recordings.range(&key, first..past).await?.ok_or(ApiError::NotFound)?;
            Ok(partial(common, format!("bytes {first}-{}/{size}", past - 1), sound))
        }
        Part::Outside => Ok(out_of_range(size)),
    }
}

fn kind(key: &str) -> &'static str {
    match key.rsplit('.').next().unwrap_or_default() {
        "mp3" => "audio/mpeg",
        "ogg" | "opus" | "oga" => "audio/ogg",
        "flac" => "audio/flac",
        "m4a" | "mp4" | "aac" => "audio/mp4",
        _ => "audio/wav",
    }
}

/// Reads «bytes=100-199», «bytes=100-», «bytes=-100»; anything else is served whole, as RFC 9110 allows.
fn part_of(range: Option<&str>, size: u64) -> Part {
    let Some((first, last)) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return Part::Whole;
    };
    let (first, past) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if last >= first => (first, last.saturating_add(1).min(size)),
        (Ok(first), Err(_)) if last.trim().is_empty() => (first, size),
        (Err(_), Ok(tail)) if first.trim().is_empty() && tail > 0 => (size.saturating_sub(tail), size),
        _ => return Part::Whole,
    };
    if first >= size {
        return Part::Outside;
    }
    Part::From { first, past: past.min(first.saturating_add(PART_BYTES)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_nonsense_is_served_whole() {
        let from = |first, past| Part::From { first, past };
        for (range, part) in [
            ("bytes=0-99", from(0, 100)),
            ("bytes=900-", from(900, 1000)),
            ("bytes=-5", from(995, 1000)),
            ("bytes=990-5000", from(990, 1000)),
            ("bytes=1000-", Part::Outside),
            ("bytes=5-2", Part::Whole),
            ("items=0-1", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=0-18446744073709551615", from(0, 1000)),
        ] {
            assert_eq!(part_of(Some(range), 1000), part, "{range}");
        }
        assert_eq!(part_of(Some("bytes=0-"), 9 << 20), from(0, PART_BYTES));
    }
}
