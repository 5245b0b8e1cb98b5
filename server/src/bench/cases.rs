//! A desk with many open cases: how exactly clocks ring when thousands fall due at one second, and how many requests a
//! second of processor time opens, lists and creates cases.
//!
//! The whole product works: store on disk, pipeline, router with its limits. Only the network is left out.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use axum::body::Body;
use axum::http::{Request, header};
use futures_util::stream::{StreamExt, iter};
use gradus_engine::case::Action;
use gradus_engine::event::CustomerFacts;
use gradus_engine::signal::Channel;
use gradus_engine::time::{Millis, Timestamp};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{memory_mib, process_cpu};
use crate::alert::Ways;
use crate::clock::ManualClock;
use crate::config::Config;
use crate::desk::{Desk, digest};
use crate::http::{App, routes};
use crate::pipeline::Pipeline;
use crate::protocols::ProtocolKeeper;
use crate::rules::reload::RuleKeeper;
use crate::store::{
    ApiToken, ConversationId, ConversationStatus, NewConversation, Recordings, Store, User, UserId,
};
use crate::ticker;

/// Tuesday, 2026-11-24, 12:00 in Moscow.
const NOON: i64 = 1_795_510_800_000;
/// Conversations that are made at the same time.
const TOGETHER: usize = 256;
/// Requests of each kind.
const REQUESTS: usize = 400;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Open cases.
    pub cases: usize,
    /// Cases whose clock rings at the same second.
    pub storm: usize,
}

struct Bench {
    desk: Desk,
    router: axum::Router,
    clock: ManualClock,
}

/// Measures in an empty folder.
///
/// # Errors
/// When the desk cannot be opened or a request fails.
pub async fn measure(folder: &Path, load: Load) -> Result<Value> {
    let bench = open(folder).await?;
    let began = now();
    fill(&bench.desk, load.cases).await?;
    let filled = began.elapsed();
    let storm = storm(&bench, load.storm).await?;
    let mut requests = Vec::new();
    let first = format!("/api/v1/cases/{}-case", name(0));
    for (what, method, path, body) in [
        ("case", "GET", first.as_str(), None),
        ("case_page", "GET", &format!("/cases/{}-case", name(1)), None),
        ("list", "GET", "/api/v1/cases?open=true&limit=50", None),
        ("list_page", "GET", "/cases", None),
        ("create", "POST", "/api/v1/conversations", Some(json!({"channel": "call"}))),
    ] {
        requests.push(ask(&bench, what, (method, path), body.as_ref()).await?);
    }
    let figures = json!({
        "cases": load.cases,
        "filled_s": tenths(filled.as_secs_f64()),
        "storm": storm,
        "requests": requests,
        "memory_mib": memory_mib().map(f64::round),
    });
    bench.desk.store.close().await;
    Ok(figures)
}

async fn open(folder: &Path) -> Result<Bench> {
    let clock = ManualClock::at(Timestamp::from_millis(NOON));
    let url = format!("sqlite:{}", folder.join("gradus.db").display());
    let set = |name: &str, value: String| (name.to_owned(), value);
    let variables = [
        set("GRADUS_STORE__URL", url.clone()),
        set("GRADUS_STORE__RECORDINGS", folder.join("recordings").display().to_string()),
    ];
    let config = Config::from(None, variables.into_iter())?;
    let store = Arc::new(Store::open(&url, Arc::new(clock.clone())).await?);
    let ear = Arc::new(crate::ears::ear(config.notice.rules_folder())?);
    let protocol = Arc::new(crate::ears::protocol(None)?);
    let pipeline = Pipeline::new(Arc::clone(&store), ear, protocol).reaching(Ways::of(&config));
    let pipeline = Arc::new(pipeline);
    let time = Arc::new(clock.clone());
    let rules = RuleKeeper::new(config.notice.rules_folder(), Arc::clone(&pipeline), time.clone());
    let protocols = Arc::new(ProtocolKeeper::new(Arc::clone(&store), Arc::clone(&pipeline)));
    let recordings = Arc::new(Recordings::in_folder(&config.store.recordings)?);
    let (rules, config) = (Arc::new(rules), Arc::new(config));
    let desk = Desk { store, pipeline, rules, protocols, recordings, clock: time, config };
    let user = User {
        id: UserId("bench".to_owned()),
        login: "bench".to_owned(),
        name: "Измеритель".to_owned(),
        role: "supervisor".to_owned(),
        team: None,
        password_hash: None,
        locale: "ru".to_owned(),
        active: true,
        created_at_ms: NOON,
    };
    desk.store.add_user(&user).await?;
    let token = ApiToken {
        token_hash: digest(b"bench"),
        user_id: user.id,
        name: "bench".to_owned(),
        created_at_ms: NOON,
    };
    desk.store.add_token(&token).await?;
    let app = App::new(desk.clone(), CancellationToken::new())?;
    Ok(Bench { desk, router: routes(app), clock })
}

fn name(number: usize) -> String {
    format!("bench-{number:06}")
}

/// Opens the cases, a second after one another in groups, each with a conversation that is over.
async fn fill(desk: &Desk, cases: usize) -> Result<()> {
    let by = UserId("bench".to_owned());
    let open = iter(0..cases).map(|number| {
        let by = by.clone();
        async move {
            let id = ConversationId(name(number));
            let began = Timestamp::from_millis(NOON - 600_000);
            let live = ConversationStatus::Live;
            let new = NewConversation::new(id.clone(), Channel::Chat, live, began);
            desk.pipeline.start(new, CustomerFacts::default()).await?;
            let at = Timestamp::from_millis(NOON);
            desk.pipeline.act(&id, &by, Action::Open, at).await?;
            desk.pipeline.act(&id, &by, Action::Acknowledge, at).await?;
            desk.pipeline.end(&id, at).await
        }
    });
    let mut open = open.buffer_unordered(TOGETHER);
    while let Some(done) = open.next().await {
        done?;
    }
    Ok(())
}

/// Lets the clock of so many cases run out at one second: waits for their customers until then, and ticks at that second.
async fn storm(bench: &Bench, storm: usize) -> Result<Value> {
    let by = UserId("bench".to_owned());
    let at = Timestamp::from_millis(NOON).plus(Millis::minutes(1));
    let wait = iter(0..storm).map(|number| {
        let (id, by) = (ConversationId(name(number)), by.clone());
        let action = Action::Wait { until: Some(at) };
        async move { bench.desk.pipeline.act(&id, &by, action, Timestamp::from_millis(NOON)).await }
    });
    let mut wait = wait.buffer_unordered(TOGETHER);
    while let Some(done) = wait.next().await {
        done?;
    }
    let early = ticker::round(&bench.desk, at.minus(Millis::seconds(1))).await?;
    bench.clock.advance(Millis::minutes(1));
    let (began, cpu) = (now(), process_cpu());
    let rang = ticker::round(&bench.desk, at).await?;
    let took = began.elapsed();
    ensure!(early == 0 && rang == storm, "{early} rang early, {rang} of {storm} at their second");
    Ok(json!({
        "clocks": storm,
        "rang_early": early,
        "seconds_until_all_rang": (took.as_secs_f64() * 1_000.0).round() / 1_000.0,
        "clocks_per_second": (storm as f64 / took.as_secs_f64().max(1e-9)).round(),
        "cpu_us_a_clock": (process_cpu().saturating_sub(cpu).as_secs_f64() * 1e6 / storm.max(1) as f64).round(),
    }))
}

/// Asks the same again and again, two at a time.
async fn ask(bench: &Bench, what: &str, (method, path): (&str, &str), body: Option<&Value>) -> Result<Value> {
    let one = || async {
        let sent = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, "Bearer bench")
            .header(header::CONTENT_TYPE, "application/json")
            .body(sent)
            .context("no request")?;
        let began = now();
        let answer = bench.router.clone().oneshot(request).await?;
        let status = answer.status();
        answer.into_body().collect().await?;
        ensure!(status.is_success(), "{method} {path}: {status}");
        Ok::<_, anyhow::Error>(began.elapsed())
    };
    one().await?;
    let cpu = process_cpu();
    let mut each: Vec<_> = iter(0..REQUESTS)
        .map(|_| one())
        .buffer_unordered(2)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect::<Result<_>>()?;
    let cpu = process_cpu().saturating_sub(cpu).as_secs_f64();
    each.sort_unstable();
    let at =
        |share: usize| each.get((each.len() - 1) * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1e3);
    Ok(json!({
        "what": what,
        "per_cpu_second": (REQUESTS as f64 / cpu.max(0.01)).round(),
        "p50_ms": tenths(at(50)),
        "p99_ms": tenths(at(99)),
    }))
}

#[expect(clippy::disallowed_methods, reason = "measuring is its purpose")]
fn now() -> Instant {
    Instant::now()
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
