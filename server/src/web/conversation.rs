//! The page of one conversation: heat over sound, words with their signals, decisions with their reasons.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::protocol::Protocol;
use serde::Deserialize;
use serde_json::Value;

use super::authority::{Card, card, over_words};
use super::board::{case_link, customer_name, sounds};
use super::hints::{HintsView, hints};
use super::svg::{Curve, Mark, Point, heat_curve, waveform};
use super::transcript::{Decided, Line, causes, lines};
use super::words::heat_class;
use super::{Badge, CaseLink, Frame, Section, Words, badges, frame, icons, show};
use crate::api::{ApiError, Asked, Filled};
use crate::auth::{May, Me};
use crate::http::App;
use crate::store::{
    CommitmentId, CommitmentRow, CommitmentState, ConversationPage, ConversationStatus, DecisionRow,
};

/// A decision with all that explains it.
#[derive(Clone, Debug)]
pub(super) struct DecisionView {
    pub number: usize,
    pub class: &'static str,
    pub title: String,
    pub reason: String,
    pub clause: String,
    pub clause_title: String,
    pub when: String,
    pub evidence: Vec<EvidenceView>,
    pub say: String,
    /// It was history when the conversation came in, or was decided in the shadow: the word for it, else empty.
    pub history: &'static str,
}

/// What a decision rests on.
#[derive(Clone, Debug)]
pub(super) struct EvidenceView {
    pub href: String,
    pub quote: String,
    pub signal: String,
}

struct PromiseView {
    id: String,
    /// Whether it is open and somebody can say what became of it.
    open: bool,
    utterance: i64,
    what: String,
    due: String,
    due_ms: i64,
    state: &'static str,
    state_class: &'static str,
}

struct Calmed {
    href: String,
    text: String,
}

/// A conversation, ready to be shown.
pub(super) struct ConversationView {
    id: String,
    title: String,
    customer_href: Option<String>,
    badges: Vec<Badge>,
    icon: String,
    channel: &'static str,
    live: bool,
    /// Whether it can be listened in to.
    sounds: bool,
    begun_ms: i64,
    begun: String,
    length: String,
    agent: String,
    subject: String,
    attempts: String,
    heat: i64,
    heat_class: &'static str,
    heat_max: i64,
    calmed: Option<Calmed>,
    case: Option<CaseLink>,
    note: String,
    has_recording: bool,
    stereo: bool,
    timed: bool,
    duration_ms: i64,
    duration: String,
    curve: String,
    wave: String,
    lines: Vec<Line>,
    decisions: Vec<DecisionView>,
    /// What may be granted, and what was.
    authority: Card,
    /// What was promised beyond the authority; empty for nothing.
    over: String,
    /// What the agent is told now, while it is live.
    hints: HintsView,
    /// What to say where a decision that would have opened a case did not; else empty.
    history: &'static str,
    promises: Vec<PromiseView>,
    sound: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "conversation.html")]
pub(super) struct Page {
    pub f: Frame,
    pub v: ConversationView,
}

/// The utterance in which something was missed.
#[derive(Deserialize)]
pub struct Marked {
    mark: Option<i64>,
    /// The utterance that is to be corrected.
    fix: Option<i64>,
}

/// Shows a conversation.
pub async fn page(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Asked(asked): Asked<Marked>,
) -> Result<Response, ApiError> {
    let page = app.conversation_for(&me, id).await?;
    let f = frame(&app, &me, Section::Conversations);
    let authority = card(&app, &me, &f.w, &page.conversation).await?;
    let corrected = app.desk.store.corrections(&page.conversation.id).await?;
    let utterances = page.utterances.clone();
    let mut v = view(&f.w, &app.desk.pipeline.protocol(), page, asked.mark.filter(|_| f.may_judge()));
    v.authority = authority;
    let chosen = asked.fix.filter(|_| f.may_judge() && !v.live);
    super::corrections::add(&f.w, &mut v.lines, (&utterances, &corrected), chosen);
    show(&Page { f, v })
}

/// What became of a promise, as a form says it.
#[derive(Deserialize)]
pub struct PromiseForm {
    #[serde(default)]
    csrf: String,
    promise: String,
    state: String,
}

/// Notes what became of a promise.
pub async fn promise(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<PromiseForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Note)?;
    let talk = app.conversation_row_for(&me, id).await?;
    let state: CommitmentState = form.state.parse().map_err(ApiError::Wrong)?;
    let promise = CommitmentId(form.promise);
    crate::promises::settle(&app.desk, &me.user.id, (&talk.id, &promise), state).await?;
    Ok(Redirect::to(&format!("/conversations/{}#part-aside", talk.id)).into_response())
}

/// Returns a conversation in words.
pub(super) fn view(
    w: &Words,
    protocol: &Protocol,
    page: ConversationPage,
    marked: Option<i64>,
) -> ConversationView {
    let row = &page.conversation;
    let live = row.status == ConversationStatus::Live.name();
    let sound: Value =
        row.sound.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let peaks: Vec<Vec<u8>> = sound
        .get("waveform")
        .and_then(|peaks| serde_json::from_value(peaks.clone()).ok())
        .unwrap_or_default();
    let said_ms = page.utterances.iter().map(|said| said.end_ms.max(said.start_ms)).max().unwrap_or(0);
    let duration_ms = sound.get("duration_ms").and_then(Value::as_i64).unwrap_or(said_ms);
    let decisions = decisions(w, protocol, &page);
    let decided = |utterance: i64| in_line(&page, &decisions, utterance);
    let heat = if live { row.heat_last } else { row.heat_max };
    let history = row.case_id.is_none()
        && decisions.iter().any(|one| !one.history.is_empty() && one.class != "d-other");
    let history = match (history, w.history_word(row.history_before_ms) == w.t.shadow) {
        (false, _) => "",
        (true, true) => w.t.shadow_note,
        (true, false) => w.t.history_note,
    };
    let length_ms = row.ended_at_ms.map_or(duration_ms, |end| end - row.started_at_ms).max(duration_ms);
    ConversationView {
        id: row.id.to_string(),
        title: customer_name(w, row),
        customer_href: row.customer_id.as_ref().map(|id| format!("/customers/{id}")),
        badges: badges(w, [row.revenue_rank, row.growth_rank], row.customer_mark.as_deref()),
        icon: icons::icon(&row.channel),
        channel: w.channel(&row.channel),
        live,
        sounds: live && sounds(row),
        begun_ms: row.started_at_ms,
        begun: w.moment(row.started_at_ms),
        length: if length_ms > 0 { w.span(length_ms) } else { String::new() },
        agent: row.agent_name.clone().unwrap_or_default(),
        subject: row.subject.clone().filter(|_| row.customer_name.is_some()).unwrap_or_default(),
        attempts: attempts(w, row.attempts),
        heat,
        heat_class: heat_class(heat),
        heat_max: row.heat_max,
        calmed: calmed(w, &page),
        case: case_link(w, row),
        note: row.note.clone().unwrap_or_default(),
        has_recording: row.recording_key.is_some(),
        stereo: peaks.len() > 1,
        timed: duration_ms > 0,
        duration_ms,
        duration: w.place(duration_ms),
        curve: curve(w, protocol, &page, &decisions, duration_ms),
        wave: if row.recording_key.is_some() { waveform(&peaks) } else { String::new() },
        lines: lines(w, &page, marked, &decided),
        promises: page.commitments.iter().map(|promise| promise_view(w, &page, promise)).collect(),
        sound: sound_facts(w, &sound),
        hints: if live { hints(protocol, row.hints.as_deref()) } else { HintsView::default() },
        over: over_words(w, protocol, row.hints.as_deref()),
        authority: Card::default(),
        history,
        decisions,
    }
}

fn attempts(w: &Words, count: i64) -> String {
    if count == 0 {
        return String::new();
    }
    let words = w.plural(
        count,
        ["неудачная попытка", "неудачные попытки", "неудачных попыток"],
        ["failed attempt", "failed attempts"],
    );
    format!("{count} {words}")
}

fn calmed(w: &Words, page: &ConversationPage) -> Option<Calmed> {
    let utterance = page.conversation.calmed_at?;
    let said = page.utterances.iter().find(|said| said.utterance == utterance)?;
    Some(Calmed {
        href: format!("#u{utterance}"),
        text: format!("{} {}", w.t.calmed_at, w.place(said.start_ms)),
    })
}

/// Returns the decisions with their explanations, numbered in order.
pub(super) fn decisions(w: &Words, protocol: &Protocol, page: &ConversationPage) -> Vec<DecisionView> {
    let view = |(at, decision): (usize, &DecisionRow)| {
        let said = page.utterances.iter().find(|said| Some(said.utterance) == decision.utterance);
        let evidence = decision.evidence.iter().map(|(found, quote)| EvidenceView {
            href: format!("/conversations/{}#u{}", decision.conversation_id, found.utterance),
            quote: quote.clone().unwrap_or_default(),
            signal: w.signal(&found.signal),
        });
        let step = decision.step.and_then(|step| usize::try_from(step).ok());
        let rung = step.and_then(|step| protocol.ladder.steps.get(step.checked_sub(1)?));
        DecisionView {
            number: at + 1,
            class: class(decision),
            title: match decision.step {
                Some(step) => w.step(step),
                None => w.decision(&decision.decision),
            },
            reason: w.reason(&decision.reason),
            clause: decision.clause.clone(),
            clause_title: protocol
                .clauses
                .iter()
                .find(|clause| clause.id == decision.clause)
                .map_or_else(String::new, |clause| clause.title.clone()),
            when: said.map_or_else(|| w.moment(decision.at_ms), |said| w.place(said.start_ms)),
            evidence: evidence.collect(),
            say: rung.map(|rung| rung.say.clone()).unwrap_or_default(),
            history: if is_history(page, decision.at_ms) {
                w.history_word(page.conversation.history_before_ms)
            } else {
                ""
            },
        }
    };
    page.decisions.iter().enumerate().map(view).collect()
}

fn is_history(page: &ConversationPage, at_ms: i64) -> bool {
    page.conversation.history_before_ms.is_some_and(|before| at_ms < before)
}

fn class(decision: &DecisionRow) -> &'static str {
    match (decision.decision.as_str(), decision.step) {
        ("engage" | "engage_now", _) => "d-now",
        ("abuse_step", Some(3)) => "d-closing",
        _ => "d-other",
    }
}

fn in_line(page: &ConversationPage, decisions: &[DecisionView], utterance: i64) -> Vec<Decided> {
    page.decisions
        .iter()
        .zip(decisions)
        .filter(|(row, _)| row.utterance == Some(utterance))
        .map(|(_, view)| Decided {
            number: view.number,
            title: view.title.clone(),
            reason: view.reason.clone(),
            class: view.class,
        })
        .collect()
}

/// Draws the curve over time, or over utterances where the source had no times.
fn curve(
    w: &Words,
    protocol: &Protocol,
    page: &ConversationPage,
    decisions: &[DecisionView],
    duration_ms: i64,
) -> String {
    let timed = duration_ms > 0;
    let last = page.utterances.last().map_or(1, |said| said.utterance.max(1));
    let at = |utterance: i64| {
        let said = page.utterances.iter().find(|said| said.utterance == utterance);
        if timed { said.map_or(0, |said| said.end_ms.max(said.start_ms)) } else { utterance }
    };
    let place = |utterance: i64| {
        let said = page.utterances.iter().find(|said| said.utterance == utterance);
        said.map_or_else(String::new, |said| w.place(said.start_ms))
    };
    let point = |point: &crate::store::HeatRow| {
        let causes = causes(w, point);
        let says = format!("{}, {}°", place(point.utterance), point.value);
        Point {
            at: at(point.utterance),
            value: point.value,
            says: if causes.is_empty() { says } else { format!("{says}: {causes}") },
            href: format!("#u{}", point.utterance),
        }
    };
    let points: Vec<Point> = page.heat.iter().map(point).collect();
    let decided = page.decisions.iter().zip(decisions).filter_map(|(row, view)| {
        Some(Mark {
            at: at(row.utterance?),
            class: view.class,
            sign: view.number.to_string(),
            says: format!("{}: {}", view.title, view.reason),
            href: format!("#d{}", view.number),
        })
    });
    let calm = page.conversation.calmed_at.map(|utterance| Mark {
        at: at(utterance),
        class: "d-calm",
        sign: "✓".into(),
        says: format!("{} {}", w.t.calmed_at, place(utterance)),
        href: format!("#u{utterance}"),
    });
    let marks: Vec<Mark> = decided.chain(calm).collect();
    heat_curve(&Curve {
        title: w.t.heat_curve,
        length: if timed { duration_ms } else { last },
        high: i64::from(protocol.heat.high),
        high_word: w.t.high_line,
        points: &points,
        marks: &marks,
    })
}

/// Whether a promise of history was kept nobody wrote down: no clock runs for it.
fn promise_view(w: &Words, page: &ConversationPage, promise: &CommitmentRow) -> PromiseView {
    let said = page.utterances.iter().find(|said| said.utterance == promise.utterance);
    let made_at = page.conversation.started_at_ms + said.map_or(0, |said| said.start_ms);
    let history = is_history(page, made_at);
    let (state, state_class) = match promise.state.as_str() {
        "kept" => (w.t.p_kept, "done"),
        "broken" => (w.t.p_broken, "waiting"),
        "dropped" => (w.t.p_dropped, ""),
        _ if history => (w.t.from_history, ""),
        _ => (w.t.p_open, "seen"),
    };
    let open = promise.state == "open" && !history;
    PromiseView {
        id: promise.id.to_string(),
        open,
        utterance: promise.utterance,
        what: promise.what.clone().unwrap_or_else(|| w.t.erased.to_owned()),
        due: match (promise.due_at_ms, &promise.due_text) {
            (Some(due), _) => format!("{} {}", w.t.by_then, w.moment(due)),
            (None, Some(words)) => words.clone(),
            (None, None) => w.t.no_due.to_owned(),
        },
        due_ms: promise.due_at_ms.filter(|_| open).unwrap_or(0),
        state,
        state_class,
    }
}

fn sound_facts(w: &Words, sound: &Value) -> Vec<(&'static str, String)> {
    let names = [("silence_ms", w.t.silence), ("hold_ms", w.t.hold), ("overlap_ms", w.t.overlap)];
    let fact = |(key, name): (&str, &'static str)| {
        let ms = sound.get(key)?.as_i64()?;
        Some((name, w.span(ms)))
    };
    names.into_iter().filter_map(fact).collect()
}
