//! `gradus serve`: pages, API, and the clocks of cases.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use gradus_engine::time::Millis;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Ended;
use crate::config::Config;
use crate::desk::{Desk, make_store_folder};
use crate::http::{self, App};
use crate::store::{Hold, Store};

#[derive(clap::Args)]
pub struct Arguments {
    /// Play a written conversation as if it happened now, over and over: for demonstrations. May be given several times.
    #[arg(long, value_name = "FILE")]
    play: Vec<PathBuf>,
    /// What this node does besides pages and API; together the nodes of a store have to do everything.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Role::Intake, Role::Speech, Role::Desk])]
    roles: Vec<Role>,
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Takes calls of the exchange, and looks for new recordings.
    Intake,
    /// Recognises recordings of the queue.
    Speech,
    /// Lets the clocks of cases run, tells people, looks after everything.
    Desk,
}

/// How often the clocks of cases are looked at.
const TICK: Duration = Duration::from_millis(500);
/// How often marks of customers whose time is over are taken away.
const FADE: Millis = Millis::minutes(1);

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let config = Config::load()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let ended = runtime.block_on(serve(config, arguments));
    // A long recording that is being recognised was given back to the queue: nobody waits for it.
    runtime.shutdown_background();
    ended
}

async fn serve(config: Config, arguments: &Arguments) -> Result<Ended> {
    let address = config.http.listen.clone();
    let tls = http::tls(&config.http)?;
    make_store_folder(&config)?;
    let held = Store::hold(config.store.url.reveal(), Hold::Shared).await?;
    let desk = Desk::open(config).await?;
    let listener = tokio::net::TcpListener::bind(&address).await.with_context(|| {
        format!(
            "http.listen: cannot listen on {address}: is another server running there? choose another port"
        )
    })?;
    let stop = CancellationToken::new();
    let app = App::new(desk.clone(), stop.clone())?;
    let mut tasks = JoinSet::new();
    tasks.spawn(app.hub.clone().run(desk.clone(), app.zone.clone(), stop.clone()));
    tasks.spawn(Arc::clone(&desk.rules).run(stop.clone()));
    tasks.spawn(Arc::clone(&desk.protocols).run(stop.clone()));
    desk.pipeline.recall_incidents().await?;
    let does = |role: Role| arguments.roles.contains(&role);
    if does(Role::Intake) {
        take_in(&app, &mut tasks).await?;
    }
    if does(Role::Speech) {
        tasks.spawn(app.inbox.queue().clone().work(desk.clone(), stop.clone()));
    }
    if does(Role::Desk) {
        run_desk(&app, &mut tasks)?;
    }
    if !arguments.play.is_empty() {
        end_broken_off(&desk).await?;
    }
    for (number, path) in (0_u32..).zip(arguments.play.clone()) {
        let (desk, stop) = (desk.clone(), stop.clone());
        tasks.spawn(async move {
            if let Err(error) = play_over(desk, &path, number, stop).await {
                tracing::error!("{} is no longer played: {error:#}", path.display());
            }
        });
    }
    let live = Arc::clone(&app.live);
    let scheme = if tls.is_some() { "https" } else { "http" };
    tracing::info!("Serving on {address}");
    eprintln!("gradus: serving on {scheme}://{address}");
    let ended = stop.clone();
    tasks.spawn(async move {
        told_to_end().await;
        ended.cancel();
    });
    http::serve(listener, tls, http::routes(app), stop).await;
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    live.stop();
    desk.store.close().await;
    held.end().await;
    Ok(Ended::Well)
}

/// Takes calls and looks for recordings.
async fn take_in(app: &App, tasks: &mut JoinSet<()>) -> Result<()> {
    let broken_off = app.live.end_broken_off().await?;
    if broken_off > 0 {
        tracing::warn!("{broken_off} calls were broken off when the server stopped; each says so");
    }
    tasks.spawn(app.inbox.queue().clone().watch(app.desk.clone(), app.stop.clone()));
    let address = &app.desk.config.live.audiosocket;
    if !address.is_empty() {
        let listener = tokio::net::TcpListener::bind(address).await.with_context(|| {
            format!("live.audiosocket: cannot listen on {address}: choose another address or port")
        })?;
        eprintln!("gradus: AudioSocket on {address}");
        tasks.spawn(crate::live::audiosocket::serve(Arc::clone(&app.live), listener, app.stop.clone()));
    }
    Ok(())
}

/// Lets clocks run and tells people. Cases and messages are claimed, so several nodes may do it.
fn run_desk(app: &App, tasks: &mut JoinSet<()>) -> Result<()> {
    tasks.spawn(run_clocks(app.desk.clone(), app.stop.clone()));
    tasks.spawn(crate::auditor::run(app.desk.clone(), app.stop.clone()));
    tasks.spawn(crate::archive::run(app.desk.clone(), app.stop.clone()));
    tasks.spawn(crate::retention::run(app.desk.clone(), app.stop.clone()));
    let outbox = app.outbox();
    if let Some(bot) = app.bot(&outbox)? {
        tasks.spawn(bot.run(app.stop.clone()));
    }
    tasks.spawn(outbox.run(app.stop.clone()));
    Ok(())
}

/// Waits for Ctrl+C or for the signal with which the system ends services.
async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Lets the clocks of cases and promises run, and marks of customers fade.
async fn run_clocks(desk: Desk, stop: CancellationToken) {
    let mut faded = desk.clock.now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
        let now = desk.clock.now();
        if now.since(faded) >= FADE {
            faded = now;
            if let Err(error) = crate::promises::watch(&desk).await {
                tracing::error!("Promises are not watched: {error:#}");
            }
            if let Err(error) = desk.store.fade_marks(now).await {
                tracing::error!("Marks of customers do not fade: {error:#}");
            }
        }
        if let Err(error) = crate::ticker::round(&desk, now).await {
            tracing::error!("The clocks of cases cannot be read: {error:#}");
        }
    }
}

/// Time between two utterances of a played conversation.
const PLAY_PACE: Duration = Duration::from_millis(2_500);
/// Time between two turns of a played conversation.
const PLAY_REST: Duration = Duration::from_secs(45);
/// By how much each of several played conversations begins after the one before.
const PLAY_AFTER: Duration = Duration::from_secs(6);

/// Begins the names of played conversations.
const PLAYED: &str = "play-";

/// Ends played conversations that were broken off when the server before ended.
async fn end_broken_off(desk: &Desk) -> Result<()> {
    for row in desk.store.board(None, 1_000).await? {
        if row.id.as_str().starts_with(PLAYED) {
            desk.pipeline.end(&row.id, desk.clock.now()).await?;
        }
    }
    Ok(())
}

/// Plays a conversation again and again until the server stops; one that is broken off by that is ended.
async fn play_over(desk: Desk, path: &Path, number: u32, stop: CancellationToken) -> Result<()> {
    let defaults = desk.config.conversation.defaults()?;
    let incoming =
        crate::intake::open(path, &defaults)?.pop().context("there is no conversation in the file")?;
    tokio::select! {
        () = stop.cancelled() => return Ok(()),
        () = tokio::time::sleep(PLAY_AFTER * number) => {}
    }
    loop {
        let started = desk.clock.now();
        let name = format!("{PLAYED}{number}-{}", started.millis());
        let source = Some(crate::learn::PLAYED.to_owned());
        let id = desk.begin_from(&incoming, &name, started, None, source).await?;
        for mut said in crate::desk::spoken(&incoming, started) {
            tokio::select! {
                () = stop.cancelled() => return desk.pipeline.end(&id, desk.clock.now()).await,
                () = tokio::time::sleep(PLAY_PACE) => {}
            }
            said.at = desk.clock.now();
            said.start_ms = Some(said.at.since(started).get());
            said.end_ms = said.start_ms;
            desk.pipeline.say(&id, std::slice::from_ref(&said), &[]).await?;
        }
        tokio::select! {
            () = stop.cancelled() => return desk.pipeline.end(&id, desk.clock.now()).await,
            () = tokio::time::sleep(PLAY_REST) => {}
        }
        desk.pipeline.end(&id, desk.clock.now()).await?;
    }
}
