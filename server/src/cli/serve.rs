//! `gradus serve`: pages, API, and the clocks of cases.

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
pub struct Arguments {}

/// How often the clocks of cases are looked at.
const TICK: Duration = Duration::from_millis(500);
/// How long a claimed case is left to the node that claimed it.
const CLAIM: Millis = Millis::seconds(5);

pub fn run(_: &Arguments) -> Result<Ended> {
    let config = Config::load()?;
    tokio::runtime::Runtime::new()?.block_on(serve(config))
}

async fn serve(config: Config) -> Result<Ended> {
    let address = config.http.listen.clone();
    let desk = Desk::open(config).await?;
    let listener = tokio::net::TcpListener::bind(&address).await.with_context(|| {
        format!(
            "http.listen: cannot listen on {address}: is another server running there? choose another port"
        )
    })?;
    let stop = CancellationToken::new();
    let clocks = tokio::spawn(run_clocks(desk.clone(), stop.child_token()));
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

async fn tick(desk: &Desk, case: &crate::store::CaseId, now: gradus_engine::time::Timestamp) -> Result<()> {
    let row = desk.store.case(case).await?;
    match row.and_then(|row| row.conversation_id) {
        Some(conversation) => desk.pipeline.tick(&conversation, now).await,
        None => Ok(()),
    }
}
