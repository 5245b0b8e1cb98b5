//! Practice on pages: scenarios with one's best, a session like a chat with the customer's heat, the score with what to improve.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::practice::{Score, Turn};
use gradus_engine::signal::{Party, SignalKind};
use gradus_engine::time::Millis;
use serde::Deserialize;

use super::sign_in::OnlyToken;
use super::words::heat_class;
use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Filled};
use crate::auth::{May, Me};
use crate::http::App;
use crate::practice;
use crate::store::{PracticeProgress, PracticeRow};

/// Longest reply, in characters.
const LONGEST: usize = 1_000;
/// Sessions of one's own that are listed.
const MOST: i64 = 100;

/// A scenario in the list.
pub(super) struct ScenarioLine {
    pub id: String,
    pub title: String,
    pub about: String,
    pub best: String,
    pub tries: usize,
    pub won: bool,
}

/// A session in the list.
pub(super) struct SessionLine {
    pub id: String,
    pub title: String,
    pub when: String,
    pub outcome: &'static str,
    pub class: &'static str,
    pub points: String,
}

/// How a person practises, in words.
pub(super) struct ProgressLine {
    pub name: String,
    pub sessions: i64,
    pub won: i64,
    pub mean: i64,
    pub best: i64,
    pub last: String,
}

#[derive(Template)]
#[template(path = "practice.html")]
pub(super) struct ListPage {
    pub f: Frame,
    pub scenarios: Vec<ScenarioLine>,
    pub sessions: Vec<SessionLine>,
    pub team: Vec<ProgressLine>,
}

/// Shows the scenarios.
pub async fn page(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    let f = frame(&app, &me, Section::Practice);
    let mine = app.desk.store.practices_of(&me.user.id, MOST).await?;
    let line = |known: &std::sync::Arc<gradus_engine::practice::Scenario>| {
        let tried: Vec<&PracticeRow> =
            mine.iter().filter(|row| row.scenario == known.id && row.outcome.is_some()).collect();
        ScenarioLine {
            id: known.id.clone(),
            title: known.title.clone(),
            about: known.about.clone(),
            best: tried
                .iter()
                .filter_map(|row| row.points)
                .max()
                .map(|best| best.to_string())
                .unwrap_or_default(),
            tries: tried.len(),
            won: tried.iter().any(|row| row.outcome.as_deref() == Some("won")),
        }
    };
    let title = |id: &str| app.practice.get(id).map_or_else(|| id.to_owned(), |known| known.title.clone());
    let sessions = mine.iter().take(12).map(|row| session_line(&f.w, row, title(&row.scenario))).collect();
    let team = if me.role.may(May::Figures) {
        let since = app.desk.clock.now().minus(Millis::minutes(90 * 24 * 60));
        let rows = app.desk.store.practice_progress(me.team(), since).await?;
        rows.iter().map(|row| progress_line(&f.w, row)).collect()
    } else {
        Vec::new()
    };
    show(&ListPage { scenarios: app.practice.all().iter().map(line).collect(), sessions, team, f })
}

fn session_line(w: &Words, row: &PracticeRow, title: String) -> SessionLine {
    let (outcome, class) = match row.outcome.as_deref() {
        Some("won") => (w.t.pt_won, "good"),
        Some(_) => (w.t.pt_lost, "late"),
        None => (w.t.pt_open, ""),
    };
    SessionLine {
        id: row.id.clone(),
        title,
        when: w.moment(row.started_at_ms),
        outcome,
        class,
        points: row.points.map(|points| points.to_string()).unwrap_or_default(),
    }
}

fn progress_line(w: &Words, row: &PracticeProgress) -> ProgressLine {
    ProgressLine {
        name: row.name.clone().unwrap_or_else(|| row.user_id.to_string()),
        sessions: row.sessions,
        won: row.won,
        mean: row.mean,
        best: row.best,
        last: w.day(row.last_at_ms),
    }
}

/// Begins a session.
pub async fn begin(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    let scenario = app.practice.get(&id).ok_or(ApiError::NotFound)?;
    let row = practice::begin(&app.desk, &me.user.id, scenario).await?;
    Ok(Redirect::to(&format!("/practice/sessions/{}", row.id)).into_response())
}

/// A line of a session in words.
pub(super) struct TurnLine {
    pub side: &'static str,
    pub who: &'static str,
    pub text: String,
    pub heat: u8,
    pub heat_class: &'static str,
    pub signals: Vec<(&'static str, String)>,
    pub over: bool,
}

/// A moment to improve, in words.
pub(super) struct AdviceLine {
    pub quote: String,
    pub what: String,
    pub instead: &'static str,
}

/// The score in words.
pub(super) struct ScoreView {
    pub points: u32,
    pub made: Vec<String>,
    pub missed: Vec<(String, &'static str)>,
    pub forbidden: Vec<AdviceLine>,
    pub over: bool,
    pub ended_early: bool,
    pub heat_max: u8,
    pub heat_last: u8,
}

#[derive(Template)]
#[template(path = "practice_session.html")]
pub(super) struct SessionPage {
    pub f: Frame,
    pub id: String,
    pub scenario: String,
    pub title: String,
    pub about: String,
    pub facts: Vec<String>,
    pub turns: Vec<TurnLine>,
    pub heat: u8,
    pub heat_class: &'static str,
    pub left: usize,
    pub outcome: &'static str,
    pub won: bool,
    pub score: Option<ScoreView>,
    pub mine: bool,
    pub who: String,
    pub wrong: Option<&'static str>,
}

/// Shows a session: one's own, or of one's people for those who train them.
pub async fn session(State(app): State<App>, me: Me, Path(id): Path<String>) -> Result<Response, ApiError> {
    let row = app.practice_for(&me, &id).await?;
    render(&app, &me, row, None).await
}

async fn render(
    app: &App,
    me: &Me,
    row: PracticeRow,
    wrong: Option<&'static str>,
) -> Result<Response, ApiError> {
    let f = frame(app, me, Section::Practice);
    let scenario = app.practice.get(&row.scenario).ok_or(ApiError::NotFound)?;
    let turns = practice::turns(&row);
    let score = match &row.outcome {
        Some(_) => {
            Some(score_view(&f.w, &practice::score(&app.desk, &row, std::sync::Arc::clone(&scenario)).await?))
        }
        None => None,
    };
    let heat = turns.last().map_or(0, |turn| turn.heat);
    let replies = turns.iter().filter(|turn| turn.party == Party::Agent).count();
    let mine = row.user_id == me.user.id;
    let who = if mine {
        String::new()
    } else {
        app.desk.store.user(&row.user_id).await?.map(|user| user.name).unwrap_or_default()
    };
    let page = SessionPage {
        id: row.id.clone(),
        scenario: scenario.id.clone(),
        title: scenario.title.clone(),
        about: scenario.about.clone(),
        facts: scenario.facts.clone(),
        turns: turns.iter().map(|turn| turn_line(&f.w, turn)).collect(),
        heat,
        heat_class: heat_class(i64::from(heat)),
        left: scenario.most_replies.saturating_sub(replies),
        outcome: match row.outcome.as_deref() {
            Some("won") => f.w.t.pt_won_long,
            Some(_) => f.w.t.pt_lost_long,
            None => "",
        },
        won: row.outcome.as_deref() == Some("won"),
        score,
        mine,
        who,
        wrong,
        f,
    };
    let answer = show(&page)?;
    Ok(if wrong.is_some() { crate::api::mend(answer) } else { answer })
}

fn turn_line(w: &Words, turn: &Turn) -> TurnLine {
    let customer = turn.party == Party::Customer;
    let signal = |(kind, ..): &(SignalKind, u32, u32)| (kind.name(), w.signal(kind.name()));
    TurnLine {
        side: if customer { "customer" } else { "agent" },
        who: if customer { w.t.customer_role } else { w.t.pt_you },
        text: turn.text.clone(),
        heat: turn.heat,
        heat_class: heat_class(i64::from(turn.heat)),
        signals: turn.signals.iter().map(signal).collect(),
        over: !turn.over.is_empty(),
    }
}

fn score_view(w: &Words, score: &Score) -> ScoreView {
    ScoreView {
        points: score.points,
        made: score.made.iter().map(|kind| w.signal(kind.name())).collect(),
        missed: score.missed.iter().map(|kind| (w.signal(kind.name()), better(w, *kind))).collect(),
        forbidden: score
            .forbidden
            .iter()
            .map(|advice| AdviceLine {
                quote: advice.quote.clone(),
                what: w.signal(advice.kind.name()),
                instead: better(w, advice.kind),
            })
            .collect(),
        over: !score.over.is_empty(),
        ended_early: score.ended_early,
        heat_max: score.heat_max,
        heat_last: score.heat_last,
    }
}

/// Returns what to say: for a move that was not made, or instead of one that should not have been.
fn better(w: &Words, kind: SignalKind) -> &'static str {
    let t = w.t;
    match kind {
        SignalKind::Introduction => t.pt_say_introduction,
        SignalKind::Empathy => t.pt_say_empathy,
        SignalKind::Apology => t.pt_say_apology,
        SignalKind::ActiveListening => t.pt_say_listening,
        SignalKind::SolutionOffer => t.pt_say_offer,
        SignalKind::TimeCommitment => t.pt_say_time,
        SignalKind::Ownership => t.pt_say_ownership,
        SignalKind::Dismissal | SignalKind::AgentRudeness => t.pt_not_dismissal,
        SignalKind::PolicyShield | SignalKind::NoReason => t.pt_not_policy,
        SignalKind::Helplessness => t.pt_not_helpless,
        SignalKind::CustomerBlame => t.pt_not_blame,
        SignalKind::Busy => t.pt_not_busy,
        SignalKind::DefectIsRare => t.pt_not_rare,
        SignalKind::ColleagueBlame => t.pt_not_colleague,
        _ => t.pt_not_empty,
    }
}

/// A reply.
#[derive(Deserialize)]
pub struct Reply {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    text: String,
}

/// Takes a reply.
pub async fn reply(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Reply>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    let row = app.practice_for(&me, &id).await?;
    if row.user_id != me.user.id {
        return Err(ApiError::Forbidden);
    }
    let text = form.text.trim();
    if text.is_empty() || text.chars().count() > LONGEST {
        let wrong = frame(&app, &me, Section::Practice).w.t.e_pt_text;
        return render(&app, &me, row, Some(wrong)).await;
    }
    let scenario = app.practice.get(&row.scenario).ok_or(ApiError::NotFound)?;
    let row = practice::reply(&app.desk, row, scenario, text).await?;
    let place = if row.outcome.is_some() { "#score" } else { "#reply" };
    Ok(Redirect::to(&format!("/practice/sessions/{}{place}", row.id)).into_response())
}

impl App {
    /// Returns a practice session that somebody may see: their own, or of their people for those who read figures.
    ///
    /// # Errors
    /// `NotFound` also where it is somebody else's.
    pub async fn practice_for(&self, me: &Me, id: &str) -> Result<PracticeRow, ApiError> {
        let row = self.desk.store.practice(id).await?.ok_or(ApiError::NotFound)?;
        if row.user_id == me.user.id {
            return Ok(row);
        }
        let whose = self.desk.store.user(&row.user_id).await?;
        let seen = me.role.may(May::Figures) && whose.is_some_and(|user| me.sees(user.team.as_deref()));
        if seen { Ok(row) } else { Err(ApiError::NotFound) }
    }
}
