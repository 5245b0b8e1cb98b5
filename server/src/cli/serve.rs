//! `gradus serve`: pages, API, and the clocks of cases.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use gradus_engine::time::Millis;
use tokio_util::sync::CancellationToken;

use super::Ended;
use crate::config::Config;
use crate::desk::Desk;
use crate::web;

#[derive(clap::Args)]
pub struct Arguments {
    /// Play a written conversation as if it happened now, over and over: for demonstrations.
    #[arg(long)]
    play: Option<PathBuf>,
}

/// How often the clocks of cases are looked at.
const TICK: Duration = Duration::from_millis(500);
/// How long a claimed case is left to the node that claimed it.
const CLAIM: Millis = Millis::seconds(5);

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let config = Config::load()?;
    tokio::runtime::Runtime::new()?.block_on(serve(config, arguments.play.clone()))
}

async fn serve(config: Config, play: Option<PathBuf>) -> Result<Ended> {
    let address = config.http.listen.clone();
    let desk = Desk::open(config).await?;
    let listener = tokio::net::TcpListener::bind(&address).await.with_context(|| {
        format!(
            "http.listen: cannot listen on {address}: is another server running there? choose another port"
        )
    })?;
    let stop = CancellationToken::new();
    let clocks = tokio::spawn(run_clocks(desk.clone(), stop.child_token()));
    let player = play.map(|path| tokio::spawn(play_over(desk.clone(), path, stop.child_token())));
    tracing::info!("Serving on {address}");
    eprintln!("gradus: serving on http://{address}");
    let store = Arc::clone(&desk.store);
    let ended = stop.clone();
    let signal = async move {
        let _ = tokio::signal::ctrl_c().await;
        ended.cancel();
    };
    tokio::select! {
        served = axum::serve(listener, web::routes(desk)).into_future() => served?,
        () = signal => {}
    }
    stop.cancel();
    clocks.await?;
    if let Some(player) = player {
        player.await??;
    }
    store.close().await;
    Ok(Ended::Well)
}

/// Claims due cases one after the other and lets their clocks run; overdue ones fire once after a restart.
async fn run_clocks(desk: Desk, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
        let now = desk.clock.now();
        loop {
            let claimed = match desk.store.claim_due(now, now.plus(CLAIM)).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    tracing::error!("The clocks of cases cannot be read: {error:#}");
                    None
                }
            };
            let Some(case) = claimed else { break };
            if let Err(error) = tick(&desk, &case, now).await {
                tracing::error!(case.id = %case, "The clock of case {case} failed: {error:#}");
            }
        }
    }
}

/// Time between two utterances of a played conversation.
const PLAY_PACE: Duration = Duration::from_millis(2_500);
/// Time between two turns of a played conversation.
const PLAY_REST: Duration = Duration::from_secs(30);

/// Plays a conversation again and again until the server stops.
async fn play_over(desk: Desk, path: PathBuf, stop: CancellationToken) -> Result<()> {
    let defaults = desk.config.conversation.defaults()?;
    let incoming =
        crate::intake::open(&path, &defaults)?.pop().context("there is no conversation in the file")?;
    loop {
        let started = desk.clock.now();
        let name = format!("play-{}", started.millis());
        let id = desk.begin(&incoming, &name, started).await?;
        for mut said in crate::desk::spoken(&incoming, started) {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(PLAY_PACE) => {}
            }
            said.at = desk.clock.now();
            said.start_ms = Some(said.at.since(started).get());
            said.end_ms = said.start_ms;
            desk.pipeline.say(&id, std::slice::from_ref(&said), &[]).await?;
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(PLAY_REST) => {}
        }
        desk.pipeline.end(&id, desk.clock.now()).await?;
    }
}

async fn tick(desk: &Desk, case: &crate::store::CaseId, now: gradus_engine::time::Timestamp) -> Result<()> {
    let row = desk.store.case(case).await?;
    match row.and_then(|row| row.conversation_id) {
        Some(conversation) => desk.pipeline.tick(&conversation, now).await,
        None => Ok(()),
    }
}
