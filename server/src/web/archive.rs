//! The archive: everything that was ever said, found by its words and by what is known of the conversation.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use gradus_engine::archive::QuestionError;
use gradus_engine::signal::{Channel, SignalKind};

use super::words::{heat_class, signal_class};
use super::{Frame, Section, Words, frame, icons, show, state_class};
use crate::api::{ApiError, Asked, mend};
use crate::archive::{Asking, AskingError, excerpt};
use crate::auth::{May, Me};
use crate::http::App;
use crate::store::{ArchiveFound, ArchiveHit, Outcome, User};

/// How far the counting of what waits for the index goes.
const MOST_COUNTED: i64 = 100_000;
/// What is heard before and after an utterance, in milliseconds.
const PAD_MS: i64 = 1_000;

/// An utterance that was found, in words.
pub(super) struct HitLine {
    href: String,
    who: &'static str,
    side: &'static str,
    place: String,
    pieces: Vec<(String, bool)>,
    signals: Vec<(String, &'static str)>,
    /// First and last millisecond to hear; nothing without a recording.
    play: Option<(i64, i64)>,
}

/// A conversation with what was found in it.
pub(super) struct Group {
    id: String,
    title: String,
    icon: String,
    channel: &'static str,
    when: String,
    agent: String,
    heat: i64,
    heat_class: &'static str,
    live: bool,
    calmed: bool,
    case: Option<(String, i64, &'static str, &'static str)>,
    hits: Vec<HitLine>,
}

/// A choice of the form: its value, its words, whether it is chosen.
pub(super) type Choice = (String, String, bool);

#[derive(Template)]
#[template(path = "archive.html")]
pub(super) struct SearchPage {
    pub f: Frame,
    pub asking: Asking,
    pub asked: bool,
    pub signals: Vec<Choice>,
    pub channels: Vec<Choice>,
    pub outcomes: Vec<Choice>,
    pub teams: Vec<Choice>,
    pub agents: Vec<String>,
    /// What is wrong with the asking; empty for nothing.
    pub wrong: &'static str,
    pub groups: Vec<Group>,
    /// Says how many were found, and how far the search went.
    pub count: String,
    pub cut: bool,
    pub next: Option<String>,
    /// Whether this is a later page.
    pub later: bool,
    pub query: String,
    /// Says that words of some utterances cannot be found yet; empty when all can.
    pub waiting: String,
}

/// Shows the archive.
pub async fn page(
    State(app): State<App>,
    me: Me,
    Asked(asking): Asked<Asking>,
) -> Result<Response, ApiError> {
    me.may(May::Search)?;
    let f = frame(&app, &me, Section::Archive);
    let store = &app.desk.store;
    let (found, wrong) = match asking.filter(&app.zone, me.team()) {
        Ok(_) if asking.is_empty() => (ArchiveFound::default(), ""),
        Ok(filter) => (store.search(&filter).await?, ""),
        Err(error) => (ArchiveFound::default(), says(&f.w, &error)),
    };
    let waiting = store.archive_waits(MOST_COUNTED).await?;
    let users = store.users().await?;
    let page = view(f, &asking, found, Around { wrong, waiting, users: &users, team: me.team() });
    let shown = show(&page)?;
    Ok(if wrong.is_empty() { shown } else { mend(shown) })
}

/// What stands around what was found.
pub(super) struct Around<'a> {
    pub wrong: &'static str,
    pub waiting: i64,
    pub users: &'a [User],
    /// The only team that may be seen.
    pub team: Option<&'a str>,
}

/// Returns the page in words.
pub(super) fn view(f: Frame, asking: &Asking, found: ArchiveFound, around: Around<'_>) -> SearchPage {
    let w = &f.w;
    let choice = |value: &str, title: String, asked: &str| (value.to_owned(), title, value == asked.trim());
    let query = asking.query();
    let teams: BTreeSet<&str> =
        around.users.iter().filter_map(|user| user.team.as_deref()).filter(|team| !team.is_empty()).collect();
    let teams = if around.team.is_some() { BTreeSet::new() } else { teams };
    let mut signals: Vec<Choice> = SignalKind::ALL
        .iter()
        .map(|kind| choice(kind.name(), w.signal(kind.name()), &asking.signal))
        .collect();
    signals.sort_by_key(|signal| signal.1.to_lowercase());
    let agents: BTreeSet<String> = around
        .users
        .iter()
        .filter(|user| {
            user.role == "agent" && around.team.is_none_or(|team| user.team.as_deref() == Some(team))
        })
        .map(|user| user.name.clone())
        .chain(found.hits.iter().filter_map(|hit| hit.agent_name.clone()))
        .collect();
    SearchPage {
        asked: !asking.is_empty() && around.wrong.is_empty(),
        signals,
        channels: [Channel::Call, Channel::Chat, Channel::Email, Channel::InPerson]
            .map(|channel| choice(channel.name(), w.channel(channel.name()).to_owned(), &asking.channel))
            .to_vec(),
        outcomes: Outcome::ALL
            .map(|outcome| choice(outcome.name(), outcome_words(w, outcome).to_owned(), &asking.outcome))
            .to_vec(),
        teams: teams.into_iter().map(|team| choice(team, team.to_owned(), &asking.team)).collect(),
        agents: agents.into_iter().collect(),
        wrong: around.wrong,
        count: count(w, &found),
        cut: found.cut,
        next: found.next.map(|next| format!("/archive?{query}before={next}")),
        later: !asking.before.trim().is_empty(),
        groups: groups(w, found.hits),
        waiting: waiting(w, around.waiting),
        query,
        asking: asking.clone(),
        f,
    }
}

fn says(w: &Words, error: &AskingError) -> &'static str {
    match error {
        AskingError::Question(QuestionError::Nothing) => w.t.ar_nothing,
        AskingError::Question(QuestionError::TooMany) => w.t.ar_too_many,
        AskingError::Question(QuestionError::TooLong) => w.t.ar_too_long,
        AskingError::Field("heat_from" | "heat_to", _) => w.t.ar_wrong_heat,
        AskingError::Field("from" | "to", _) => w.t.ar_wrong_day,
        AskingError::Field(..) => w.t.ar_wrong,
    }
}

fn outcome_words(w: &Words, outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Calmed => w.t.ar_o_calmed,
        Outcome::NotCalmed => w.t.ar_o_not_calmed,
        Outcome::Case => w.t.ar_o_case,
        Outcome::NoCase => w.t.ar_o_no_case,
        Outcome::Open => w.t.ar_o_open,
        Outcome::Closed => w.t.ar_o_closed,
    }
}

fn count(w: &Words, found: &ArchiveFound) -> String {
    let hits = i64::try_from(found.hits.len()).unwrap_or(0);
    let words = w.plural(hits, ["место", "места", "мест"], ["place", "places"]);
    let ids: BTreeSet<_> = found.hits.iter().map(|hit| &hit.conversation_id).collect();
    let talks = i64::try_from(ids.len()).unwrap_or(0);
    let within =
        w.plural(talks, ["разговоре", "разговорах", "разговорах"], ["conversation", "conversations"]);
    format!("{hits} {words} {} {talks} {within}", w.t.ar_within)
}

fn waiting(w: &Words, count: i64) -> String {
    if count == 0 {
        return String::new();
    }
    let words = w.plural(count, ["реплика", "реплики", "реплик"], ["utterance", "utterances"]);
    let over = if count >= MOST_COUNTED { format!("{} ", w.t.ar_more_than) } else { String::new() };
    format!("{} {over}{} {words}.", w.t.ar_filling, w.number(count))
}

fn groups(w: &Words, hits: Vec<ArchiveHit>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for hit in hits {
        let line = line(w, &hit);
        match groups.last_mut() {
            Some(group) if group.id == hit.conversation_id.as_str() => group.hits.insert(0, line),
            _ => groups.push(group(w, hit, line)),
        }
    }
    groups
}

fn group(w: &Words, hit: ArchiveHit, line: HitLine) -> Group {
    let state = |state: &str| (w.state(state), state_class(state));
    let case = hit.case_id.zip(hit.case_number);
    Group {
        id: hit.conversation_id.to_string(),
        title: hit.customer_name.unwrap_or_else(|| w.t.unknown_customer.to_owned()),
        icon: icons::icon(&hit.channel),
        channel: w.channel(&hit.channel),
        when: w.moment(hit.started_at_ms),
        agent: hit.agent_name.unwrap_or_default(),
        heat: hit.heat_max,
        heat_class: heat_class(hit.heat_max),
        live: hit.status == "live",
        calmed: hit.calmed,
        case: case.map(|(id, number)| {
            let (words, class) = state(hit.case_state.as_deref().unwrap_or(""));
            (id.to_string(), number, words, class)
        }),
        hits: if line.pieces.is_empty() { Vec::new() } else { vec![line] },
    }
}

fn line(w: &Words, hit: &ArchiveHit) -> HitLine {
    let party = hit.party.as_deref().unwrap_or("");
    let (who, side) =
        if party == "customer" { (w.t.customer_role, "customer") } else { (w.t.agent_role, "agent") };
    let pieces = match (&hit.text, hit.utterance) {
        (Some(text), _) => excerpt(text, &hit.marks),
        (None, Some(_)) => vec![(w.t.erased.to_owned(), false)],
        (None, None) => Vec::new(),
    };
    let heard = hit.start_ms.zip(hit.end_ms).filter(|_| hit.recorded && hit.text.is_some());
    HitLine {
        href: format!("/conversations/{}#u{}", hit.conversation_id, hit.utterance.unwrap_or(0)),
        who,
        side,
        place: hit.start_ms.map(|at| w.place(at)).unwrap_or_default(),
        pieces,
        signals: hit.signals.iter().map(|kind| (w.signal(kind), signal_class(kind, party))).collect(),
        play: heard.map(|(start, end)| ((start - PAD_MS).max(0), end.max(start) + PAD_MS)),
    }
}
