//! The review meeting: the week's list, played through one by one with the keyboard; what was seen, decided, given as a task.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::words::heat_class;
use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Asked, Filled};
use crate::auth::{May, Me};
use crate::http::App;
use crate::mask::MaskedText;
use crate::report::Week;
use crate::review::{Item, Why, list};
use crate::store::{ConversationId, ReviewSaid};
use crate::web::tasks::Source;

/// Conversations that are looked at for the list.
const MOST: i64 = 300;
/// Heat from which a conversation may be on it.
const HOT: i64 = 45;
/// Utterances shown before and after the moment.
const AROUND: i64 = 5;
/// Seconds that are played before the moment.
const BEFORE_MS: i64 = 5_000;
/// Longest note or decision, in code points.
const LONGEST: usize = 2_000;

/// Which week, which conversation of its list.
#[derive(Deserialize)]
pub struct Query {
    week: Option<String>,
    at: Option<String>,
}

/// A line of the list.
pub(super) struct Entry {
    pub href: String,
    pub title: String,
    pub about: String,
    pub heat: i64,
    pub heat_class: &'static str,
    pub why: &'static str,
    pub state: &'static str,
    pub state_class: &'static str,
    pub here: bool,
}

/// What somebody said near the moment.
pub(super) struct Said {
    pub place: String,
    pub who: &'static str,
    pub party: String,
    pub text: String,
    pub here: bool,
    pub index: i64,
}

/// The conversation that is looked at now.
pub(super) struct Looked {
    pub id: String,
    pub title: String,
    pub about: String,
    pub why: &'static str,
    pub why_class: &'static str,
    pub moment: i64,
    pub said: Vec<Said>,
    /// Where the recording is played from, and to; empty without a recording.
    pub clip: String,
    pub note: String,
    pub decision: String,
    pub noted: String,
    pub earlier: String,
    pub later: String,
}

#[derive(Template)]
#[template(path = "review.html")]
pub(super) struct ReviewPage {
    pub f: Frame,
    pub week: String,
    pub span: String,
    pub before: String,
    pub after: Option<String>,
    pub entries: Vec<Entry>,
    pub done: usize,
    pub looked: Option<Looked>,
    pub people: Vec<(String, String)>,
    pub due: String,
}

/// Shows the list of a week and one conversation of it.
pub async fn page(State(app): State<App>, me: Me, Asked(query): Asked<Query>) -> Result<Response, ApiError> {
    me.may(May::Review)?;
    let f = frame(&app, &me, Section::Week);
    let now = Week::of(app.desk.clock.now(), &app.zone);
    let week = query.week.as_deref().map(Week::parse).transpose();
    let week = week.map_err(|error| ApiError::Wrong(error.to_string()))?.unwrap_or(now);
    let items = app.review(&me, week).await?;
    let at = query.at.as_deref().and_then(|id| items.iter().position(|item| item.talk.id.as_str() == id));
    let waits = |item: &Item| !matches!(item.talk.said_state.as_deref(), Some("discussed" | "skipped"));
    let at = at.or_else(|| items.iter().position(waits)).unwrap_or(0);
    let looked = match items.get(at) {
        Some(item) => Some(looked(&app, &f.w, week, &items, (at, item)).await?),
        None => None,
    };
    let people = app.desk.store.users().await?.into_iter().filter(|user| user.active);
    let due = app.desk.clock.now().plus(gradus_engine::time::Millis::minutes(7 * 24 * 60));
    show(&ReviewPage {
        week: week.to_string(),
        span: f.w.week_span(&week.monday().to_string()),
        before: week.before(1).to_string(),
        after: (week != now).then(|| week.before(-1).to_string()),
        entries: (0..).zip(&items).map(|(number, item)| entry(&f.w, week, item, number == at)).collect(),
        done: items.iter().filter(|item| !waits(item)).count(),
        looked,
        people: people.map(|user| (user.id.0, user.name)).collect(),
        due: f.w.civil_day(due.millis()),
        f,
    })
}

fn why_word(w: &Words, why: Why) -> &'static str {
    match why {
        Why::Abusive => w.t.re_abusive,
        Why::Lost => w.t.re_lost,
        Why::Instructive => w.t.re_instructive,
        Why::ByHand => w.t.re_by_hand,
    }
}

fn about(w: &Words, item: &Item) -> String {
    let talk = &item.talk;
    let agent = talk.agent_name.clone().unwrap_or_else(|| w.t.no_name.to_owned());
    let reason = talk.reason.as_deref().map(|reason| format!(" · {}", w.reason(reason))).unwrap_or_default();
    format!("{agent} · {}, {}{reason}", w.channel(&talk.channel), w.moment(talk.started_at_ms))
}

fn title(w: &Words, item: &Item) -> String {
    item.talk.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned())
}

fn address(week: Week, id: &ConversationId) -> String {
    format!("/review?week={week}&at={id}")
}

pub(super) fn entry(w: &Words, week: Week, item: &Item, here: bool) -> Entry {
    let (state, state_class) = match item.talk.said_state.as_deref() {
        Some("discussed") => (w.t.re_discussed, "good"),
        Some("skipped") => (w.t.re_skipped, "faint"),
        _ => ("", ""),
    };
    Entry {
        href: address(week, &item.talk.id),
        title: title(w, item),
        about: about(w, item),
        heat: item.talk.heat_max,
        heat_class: heat_class(item.talk.heat_max),
        why: why_word(w, item.why),
        state,
        state_class,
        here,
    }
}

/// Reads what was said around the moment, and where the recording is played.
async fn looked(
    app: &App,
    w: &Words,
    week: Week,
    items: &[Item],
    (at, item): (usize, &Item),
) -> Result<Looked, ApiError> {
    let said = app.desk.store.utterances(&item.talk.id).await?;
    let near = said.iter().filter(|line| (line.utterance - item.moment).abs() <= AROUND);
    let lines: Vec<Said> = near
        .clone()
        .map(|line| Said {
            place: w.place(line.start_ms),
            who: if line.party == "customer" { w.t.customer_role } else { w.t.agent_role },
            party: line.party.clone(),
            text: line.text.clone().unwrap_or_else(|| w.t.erased.to_owned()),
            here: line.utterance == item.moment,
            index: line.utterance,
        })
        .collect();
    let begin = said.iter().find(|line| line.utterance == item.moment).map_or(0, |line| line.start_ms);
    let end = near.map(|line| line.end_ms).max().unwrap_or(begin);
    let clip = item.talk.recording_key.as_ref().map(|_| {
        let from = (begin - BEFORE_MS).max(0) / 1_000;
        format!("/conversations/{}/recording#t={from},{}", item.talk.id, end / 1_000 + 1)
    });
    let neighbour = |at: Option<usize>| {
        at.and_then(|at| items.get(at)).map(|item| address(week, &item.talk.id)).unwrap_or_default()
    };
    let noted = item.talk.said_by_name.as_ref().zip(item.talk.said_at_ms);
    Ok(Looked {
        id: item.talk.id.to_string(),
        title: title(w, item),
        about: about(w, item),
        why: why_word(w, item.why),
        why_class: if matches!(item.why, Why::Abusive | Why::Lost) { "warn" } else { "" },
        moment: item.moment,
        said: lines,
        clip: clip.unwrap_or_default(),
        note: item.talk.note.clone().unwrap_or_default(),
        decision: item.talk.decision.clone().unwrap_or_default(),
        noted: noted.map(|(by, at)| format!("{by}, {}", w.moment(at))).unwrap_or_default(),
        earlier: neighbour(at.checked_sub(1)),
        later: neighbour(Some(at + 1)),
    })
}

/// What the meeting says.
#[derive(Deserialize)]
pub struct Spoken {
    #[serde(default)]
    csrf: String,
    week: String,
    /// `waiting`, `discussed`, `skipped`.
    state: String,
    moment: Option<i64>,
    #[serde(default)]
    note: String,
    #[serde(default)]
    decision: String,
    /// Where to go on.
    #[serde(default)]
    next: String,
}

/// Notes what the meeting says of a conversation, or puts one on the list.
pub async fn say(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Spoken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Review)?;
    let talk = app.conversation_row_for(&me, id).await?;
    let week = Week::parse(&form.week).map_err(|error| ApiError::Wrong(error.to_string()))?;
    let state = match form.state.as_str() {
        "waiting" => "waiting",
        "discussed" => "discussed",
        "skipped" => "skipped",
        other => {
            return Err(ApiError::Wrong(format!("state: \"{other}\", not waiting, discussed or skipped")));
        }
    };
    for (name, text) in [("note", &form.note), ("decision", &form.decision)] {
        if text.chars().count() > LONGEST {
            return Err(ApiError::Wrong(format!("{name}: at most {LONGEST} signs")));
        }
    }
    let text = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(MaskedText::of);
    let known = app.review(&me, week).await?.into_iter().find(|item| item.talk.id == talk.id);
    let said = ReviewSaid {
        why: known.map_or(Why::ByHand, |item| item.why).name(),
        moment: form.moment.filter(|moment| (0..talk.utterances).contains(moment)),
        state,
        note: text(&form.note),
        decision: text(&form.decision),
    };
    let now = app.desk.clock.now();
    app.desk.store.say_in_review(&week.to_string(), &talk.id, &said, &me.user.id, now).await?;
    app.desk
        .store
        .audit(now, &me.user.id.0, "review.say", &format!("conversation:{}", talk.id), state)
        .await?;
    let back = if form.next.starts_with("/review?") { form.next } else { address(week, &talk.id) };
    Ok(Redirect::to(&back).into_response())
}

/// A task of the meeting.
#[derive(Deserialize)]
pub struct Given {
    #[serde(default)]
    csrf: String,
    week: String,
    what: String,
    owner: String,
    due: String,
}

/// Makes a task of what the meeting decided about a conversation.
pub async fn give(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Given>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Review)?;
    let talk = app.conversation_row_for(&me, id).await?;
    let week = Week::parse(&form.week).map_err(|error| ApiError::Wrong(error.to_string()))?;
    let from = Source {
        case: talk.case_id.clone(),
        conversation: Some(talk.id.clone()),
        reason: talk.decision_reason.clone().unwrap_or_default(),
        team: talk.team.clone(),
    };
    app.give_task(&me, from, (&form.what, &form.owner, &form.due)).await?;
    Ok(Redirect::to(&address(week, &talk.id)).into_response())
}

impl App {
    /// Returns the list of a week, as far as somebody may see it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn review(&self, me: &Me, week: Week) -> Result<Vec<Item>, ApiError> {
        let store = &self.desk.store;
        let span = week.span(&self.zone);
        let talks = store.review_talks(me.team(), &week.to_string(), span, (HOT, MOST)).await?;
        let ids: Vec<ConversationId> = talks.iter().map(|talk| talk.id.clone()).collect();
        let curves = store.heat_curves(&ids).await?;
        Ok(list(talks, |talk| curves.get(&talk.id).map_or(&[], Vec::as_slice)))
    }
}
