//! The page of one conversation: sound, words, signals in their place, heat, decisions with their reasons.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::svg::{Point, heat_curve, waveform};
use super::{Me, PageError, texts};
use crate::desk::Desk;
use crate::store::{ConversationId, ConversationPage, SignalRow};

/// One utterance with its signals marked.
struct Line {
    index: i64,
    agent: bool,
    who: String,
    start_ms: i64,
    place: String,
    parts: Vec<Part>,
    measured: Vec<String>,
}

/// A stretch of text, marked or not.
struct Part {
    text: String,
    mark: Option<(&'static str, String)>,
}

struct DecisionView {
    what: String,
    clause: String,
    utterance: i64,
    quotes: Vec<(String, String)>,
    version: String,
}

struct PromiseView {
    what: String,
    due: String,
    utterance: i64,
}

#[derive(Template)]
#[template(path = "conversation.html")]
struct Page {
    me: Me,
    id: String,
    title: String,
    head: Vec<(&'static str, String)>,
    heat: i64,
    class: &'static str,
    lines: Vec<Line>,
    curve: String,
    wave: Option<String>,
    duration_ms: i64,
    decisions: Vec<DecisionView>,
    promises: Vec<PromiseView>,
    case: Option<(String, i64)>,
    note: Option<String>,
    live: bool,
}

/// Shows a conversation.
pub async fn page(State(desk): State<Desk>, me: Me, Path(id): Path<String>) -> Result<Response, PageError> {
    let page = desk.store.conversation_page(&ConversationId(id)).await?.ok_or(PageError::NotFound)?;
    let high = desk.pipeline.protocol().heat.high;
    Ok(Html(view(me, page, high).render()?).into_response())
}

fn view(me: Me, page: ConversationPage, high: u8) -> Page {
    let row = &page.conversation;
    let sound: serde_json::Value =
        row.sound.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let peaks: Option<Vec<Vec<u8>>> =
        sound.get("waveform").and_then(|peaks| serde_json::from_value(peaks.clone()).ok());
    let points: Vec<Point> = page
        .heat
        .iter()
        .map(|point| {
            let causes: Vec<String> = serde_json::from_str(&point.causes).unwrap_or_default();
            let causes = causes.iter().map(|cause| cause_ru(cause)).collect::<Vec<_>>().join(", ");
            Point { utterance: point.utterance, value: point.value, causes }
        })
        .collect();
    let names: Vec<String> =
        page.parties.iter().map(|party| party.name.clone().unwrap_or_default()).collect();
    let lines = page.utterances.iter().map(|said| {
        let agent = said.party == "agent";
        let name = said
            .speaker
            .and_then(|speaker| usize::try_from(speaker).ok())
            .and_then(|speaker| names.get(speaker));
        let own: Vec<&SignalRow> =
            page.signals.iter().filter(|signal| signal.utterance == said.utterance).collect();
        Line {
            index: said.utterance,
            agent,
            who: name
                .filter(|name| !name.is_empty())
                .cloned()
                .unwrap_or_else(|| if agent { "Оператор" } else { "Клиент" }.to_owned()),
            start_ms: said.start_ms,
            place: texts::place(said.start_ms),
            parts: parts(said.text.as_deref().unwrap_or("слова удалены"), &own),
            measured: own
                .iter()
                .filter(|signal| signal.quote_start.is_none())
                .map(|signal| texts::signal(&signal.kind))
                .collect(),
        }
    });
    let decisions = page.decisions.iter().map(|decision| DecisionView {
        what: texts::decision(&decision.decision, &decision.reason),
        clause: decision.clause.clone(),
        utterance: decision.utterance.unwrap_or(0),
        quotes: decision
            .evidence
            .iter()
            .map(|(found, quote)| (texts::signal(&found.signal), quote.clone().unwrap_or_default()))
            .collect(),
        version: decision.protocol_version.clone(),
    });
    let promises = page.commitments.iter().map(|promise| PromiseView {
        what: promise.what.clone().unwrap_or_default(),
        due: match (promise.due_at_ms, &promise.due_text) {
            (Some(due), _) => format!("до {}", texts::moment(due)),
            (None, Some(words)) => words.clone(),
            (None, None) => "срок не назван".to_owned(),
        },
        utterance: promise.utterance,
    });
    let mut head = vec![
        ("Канал", texts::channel(&row.channel).to_owned()),
        ("Начало", texts::moment(row.started_at_ms)),
    ];
    head.push(("Оператор", row.agent_name.clone().unwrap_or_default()));
    head.push(("Попытки", row.attempts.to_string()));
    if let Some(calmed) = row.calmed_at {
        head.push(("Успокоился", format!("на реплике {calmed}")));
    }
    head.retain(|(_, value)| !value.is_empty());
    Page {
        me,
        id: row.id.to_string(),
        title: row
            .customer_name
            .clone()
            .or_else(|| row.subject.clone())
            .unwrap_or_else(|| "Разговор".to_owned()),
        head,
        heat: row.heat_last,
        class: texts::heat_class(row.heat_last),
        lines: lines.collect(),
        curve: heat_curve(&points, high),
        wave: row.recording_key.as_ref().map(|_| waveform(&peaks.unwrap_or_default())),
        duration_ms: sound.get("duration_ms").and_then(serde_json::Value::as_i64).unwrap_or(0),
        decisions: decisions.collect(),
        promises: promises.collect(),
        case: row.case_id.as_ref().map(|case| (case.to_string(), row.case_number.unwrap_or(0))),
        note: row.note.clone(),
        live: row.status == "live",
    }
}

/// «insult +28» in Russian.
fn cause_ru(cause: &str) -> String {
    match cause.rsplit_once(' ') {
        Some(("calm", change)) => format!("спокойная реплика {change}"),
        Some(("time", change)) => format!("время {change}"),
        Some((kind, change)) => format!("{} {change}", texts::signal(kind)),
        None => cause.to_owned(),
    }
}

/// Cuts a text at the borders of the quotes; where quotes overlap, the first one is shown.
fn parts(text: &str, signals: &[&SignalRow]) -> Vec<Part> {
    let letters: Vec<char> = text.chars().collect();
    let mut quotes: Vec<(usize, usize, &SignalRow)> = signals
        .iter()
        .filter_map(|signal| {
            let start = usize::try_from(signal.quote_start?).ok()?;
            let end = usize::try_from(signal.quote_end?).ok()?.min(letters.len());
            (start < end).then_some((start, end, *signal))
        })
        .collect();
    quotes.sort_by_key(|(start, ..)| *start);
    let slice = |from: usize, to: usize| letters.get(from..to).unwrap_or_default().iter().collect::<String>();
    let (mut at, mut parts) = (0, Vec::new());
    for (start, end, signal) in quotes.into_iter() {
        if start < at {
            continue;
        }
        if start > at {
            parts.push(Part { text: slice(at, start), mark: None });
        }
        let class = if signal.party == "agent" { "mark-agent" } else { "mark-customer" };
        let title =
            format!("{} · {} % · правило {}", texts::signal(&signal.kind), signal.confidence, signal.rule);
        parts.push(Part { text: slice(start, end), mark: Some((class, title)) });
        at = end;
    }
    if at < letters.len() {
        parts.push(Part { text: slice(at, letters.len()), mark: None });
    }
    parts
}

/// Serves the recording, whole or the part that was asked for, so that the player can seek. Every hearing is audited.
pub async fn recording(
    State(desk): State<Desk>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let id = ConversationId(id);
    let row = desk.store.conversation(&id).await?.ok_or(PageError::NotFound)?;
    let key = row.recording_key.ok_or(PageError::NotFound)?;
    let size = desk.recordings.size_bytes(&key).await?.ok_or(PageError::NotFound)?;
    let asked = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|range| range_of(range, size));
    let kind = match key.rsplit('.').next().unwrap_or_default() {
        "mp3" => "audio/mpeg",
        "ogg" | "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "m4a" | "aac" => "audio/mp4",
        _ => "audio/wav",
    };
    if asked.is_none_or(|(first, _)| first == 0) {
        desk.store.audit(desk.clock.now(), &me.user.id.0, "listen", &id.0, "{}").await?;
    }
    let common = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    match asked {
        Some((first, past)) => {
            let bytes = desk.recordings.range(&key, first..past).await?.ok_or(PageError::NotFound)?;
            let range = [(header::CONTENT_RANGE, format!("bytes {first}-{}/{size}", past - 1))];
            Ok((StatusCode::PARTIAL_CONTENT, common, range, bytes).into_response())
        }
        None => Ok((common, desk.recordings.get(&key).await?.ok_or(PageError::NotFound)?).into_response()),
    }
}

/// Reads «bytes=100-199», «bytes=100-»; other forms are served whole.
fn range_of(range: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: u64 = first.parse().ok()?;
    let past = if last.is_empty() { size } else { last.parse::<u64>().ok()?.checked_add(1)?.min(size) };
    (first < past).then_some((first, past))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_nonsense_is_served_whole() {
        assert_eq!(range_of("bytes=0-99", 1000), Some((0, 100)));
        assert_eq!(range_of("bytes=900-", 1000), Some((900, 1000)));
        for nonsense in ["bytes=5-2", "bytes=2000-", "items=0-1", "bytes=a-b", "bytes=-5"] {
            assert_eq!(range_of(nonsense, 1000), None, "{nonsense}");
        }
    }
}
