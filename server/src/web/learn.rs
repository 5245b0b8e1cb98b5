//! The library of talks that cooled down, and what works here.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::signal::SignalKind;
use gradus_engine::time::Millis;
use serde::Deserialize;

use super::words::heat_class;
use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Asked, Filled};
use crate::auth::{May, Me};
use crate::http::App;
use crate::learn::{self, COOL, Effect, HOT};
use crate::mask::MaskedText;
use crate::store::{ConversationId, CooledRow};

/// Conversations that are looked at.
const MOST: i64 = 300;
/// Rows of utterances and signals that effects are computed from.
const MOST_SAID: i64 = 1_000_000;

/// An example in words.
pub(crate) struct Example {
    pub id: String,
    pub title: String,
    pub agent: String,
    pub when: String,
    pub reason: String,
    pub peak: i64,
    pub peak_class: &'static str,
    pub last: i64,
    pub turn: i64,
    pub moves: Vec<(&'static str, String)>,
    pub waits: bool,
    pub state: String,
    pub note: String,
    pub by: String,
}

#[derive(Template)]
#[template(path = "library.html")]
pub(super) struct LibraryPage {
    pub f: Frame,
    pub show: String,
    pub technique: String,
    pub agent: String,
    pub rows: Vec<Example>,
    pub techniques: Vec<(&'static str, String)>,
    pub agents: Vec<String>,
    pub counts: [usize; 3],
}

/// What is looked for.
#[derive(Deserialize)]
pub struct Search {
    #[serde(default)]
    show: String,
    #[serde(default)]
    technique: String,
    #[serde(default)]
    agent: String,
}

/// Shows the library: what is proposed, what was confirmed, what was rejected.
pub async fn library(
    State(app): State<App>,
    me: Me,
    Asked(search): Asked<Search>,
) -> Result<Response, ApiError> {
    let f = frame(&app, &me, Section::Practice);
    let all = examples(&app, &me, &f.w).await?;
    let state = |state: &str| all.iter().filter(|example| example.state == state).count();
    let counts = [state(""), state("confirmed"), state("rejected")];
    let wanted = match search.show.as_str() {
        "confirmed" | "rejected" => search.show.as_str(),
        _ => "",
    };
    let mut techniques: Vec<(&'static str, String)> =
        all.iter().flat_map(|example| example.moves.clone()).collect();
    techniques.sort();
    techniques.dedup();
    let mut agents: Vec<String> =
        all.iter().map(|example| example.agent.clone()).filter(|name| !name.is_empty()).collect();
    agents.sort();
    agents.dedup();
    let rows = all.into_iter().filter(|example| {
        example.state == wanted
            && (search.technique.is_empty()
                || example.moves.iter().any(|(name, _)| *name == search.technique))
            && (search.agent.is_empty() || example.agent == search.agent)
    });
    let page = LibraryPage {
        rows: rows.collect(),
        show: wanted.to_owned(),
        technique: search.technique.clone(),
        agent: search.agent.clone(),
        techniques,
        agents,
        counts,
        f,
    };
    show(&page)
}

/// Returns every conversation of half a year that turned, the latest first.
pub(crate) async fn examples(app: &App, me: &Me, w: &Words) -> Result<Vec<Example>, ApiError> {
    let store = &app.desk.store;
    let now = app.desk.clock.now();
    let since = now.minus(Millis::minutes(183 * 24 * 60));
    let rows = store.cooled(me.team(), since, (HOT, COOL), MOST).await?;
    let ids: Vec<ConversationId> = rows.iter().map(|row| row.id.clone()).collect();
    let curves = store.heat_curves(&ids).await?;
    let mut examples = Vec::new();
    for row in rows.iter().filter(|row| row.back == 0) {
        let Some(turned) = curves.get(&row.id).and_then(|curve| learn::turned(curve)) else { continue };
        let Some(page) = store.conversation_page(&row.id).await? else { continue };
        let signals: Vec<(i64, SignalKind)> = page
            .signals
            .iter()
            .filter_map(|signal| signal.kind.parse().ok().map(|kind| (signal.utterance, kind)))
            .collect();
        let moves = learn::moves(&signals, turned);
        examples.push(example(w, row, turned, &moves, now.millis()));
    }
    Ok(examples)
}

fn example(w: &Words, row: &CooledRow, turned: learn::Turned, moves: &[SignalKind], now_ms: i64) -> Example {
    const FORTNIGHT_MS: i64 = 14 * 24 * 3_600_000;
    Example {
        id: row.id.to_string(),
        title: row.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned()),
        agent: row.agent_name.clone().unwrap_or_default(),
        when: w.moment(row.started_at_ms),
        reason: row.reason.as_deref().map(|reason| w.reason(reason)).unwrap_or_default(),
        peak: turned.peak.1,
        peak_class: heat_class(turned.peak.1),
        last: turned.last,
        turn: turned.at,
        moves: moves.iter().map(|kind| (kind.name(), w.signal(kind.name()))).collect(),
        waits: row.ended_at_ms + FORTNIGHT_MS > now_ms,
        state: row.state.clone().unwrap_or_default(),
        note: row.note.clone().unwrap_or_default(),
        by: row.judged_by_name.clone().unwrap_or_default(),
    }
}

/// What a coach says of an example.
#[derive(Deserialize)]
pub struct Judged {
    #[serde(default)]
    csrf: String,
    state: String,
    #[serde(default)]
    note: String,
}

/// Confirms or rejects an example.
pub async fn judge(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Judged>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Judge)?;
    let talk = app.conversation_row_for(&me, id).await?;
    if !matches!(form.state.as_str(), "confirmed" | "rejected") {
        return Err(ApiError::Wrong("state: confirmed or rejected".into()));
    }
    let note = Some(form.note.trim()).filter(|note| !note.is_empty()).map(MaskedText::of);
    let now = app.desk.clock.now();
    app.desk.store.judge_example(&talk.id, (&form.state, note.as_deref()), &me.user.id, now).await?;
    app.desk
        .store
        .audit(now, &me.user.id.0, "library.judge", &format!("conversation:{}", talk.id), &form.state)
        .await?;
    Ok(Redirect::to("/library").into_response())
}

/// The effect of a move in words, with its picture.
pub(super) struct EffectLine {
    pub title: String,
    pub mean: String,
    pub with: usize,
    pub without: usize,
    pub sure: bool,
    pub class: &'static str,
    /// Places in the picture, in per cent: begin and end of the interval, the mean.
    pub from: f64,
    pub width: f64,
    pub at: f64,
}

#[derive(Template)]
#[template(path = "works.html")]
pub(super) struct WorksPage {
    pub f: Frame,
    pub weeks: u32,
    pub rows: Vec<EffectLine>,
    pub few: usize,
}

/// Over how many weeks.
#[derive(Deserialize)]
pub struct Weeks {
    weeks: Option<u32>,
}

/// Shows what agents' moves are worth here.
pub async fn works(State(app): State<App>, me: Me, Asked(asked): Asked<Weeks>) -> Result<Response, ApiError> {
    me.may(May::Figures)?;
    let f = frame(&app, &me, Section::Practice);
    let weeks = asked.weeks.unwrap_or(26).clamp(1, 260);
    let since = app.desk.clock.now().minus(Millis::minutes(u64::from(weeks) * 7 * 24 * 60));
    let said = app.desk.store.said_since(me.team(), since, MOST_SAID).await?;
    let protocol = app.desk.pipeline.protocol();
    let effects = tokio::task::spawn_blocking(move || learn::effects(&protocol, &said));
    let effects = effects.await.map_err(anyhow::Error::from)?;
    let reach = effects.iter().map(|effect| effect.mean.abs() + effect.half).fold(10.0_f64, f64::max);
    let rows = effects.iter().map(|effect| effect_line(&f.w, effect, reach)).collect();
    show(&WorksPage { f, weeks, rows, few: learn::FEW })
}

fn effect_line(w: &Words, effect: &Effect, reach: f64) -> EffectLine {
    let place = |degrees: f64| (50.0 + 50.0 * degrees / reach).clamp(0.0, 100.0);
    let (from, to) = (place(effect.mean - effect.half), place(effect.mean + effect.half));
    let degrees = format!("{:+.1}°", effect.mean).replace('.', w.t.decimal).replace('-', "−");
    let half = format!("±{:.1}", effect.half).replace('.', w.t.decimal);
    EffectLine {
        title: w.signal(effect.kind.name()),
        mean: format!("{degrees} {half}"),
        with: effect.with,
        without: effect.without,
        sure: effect.is_sure(),
        class: match (effect.is_sure(), effect.mean < 0.0) {
            (true, true) => "good",
            (true, false) => "late",
            _ => "unsure",
        },
        from,
        width: to - from,
        at: place(effect.mean),
    }
}
