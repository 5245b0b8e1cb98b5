//! The auditor: once a minute it proves, from the database alone, that nothing hangs. It shares nothing with the engine or
//! the clocks it watches: a fault of theirs must not hide itself. It mends nothing; it says what it found, until it is gone.

use std::time::Duration;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::store::Finding;

/// How often everything is looked through.
const EVERY: Duration = Duration::from_secs(60);

/// Looks through everything until told to stop.
pub async fn run(desk: Desk, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = look(&desk).await {
            tracing::error!("The auditor cannot look: {error:#}");
        }
    }
}

/// Looks once; returns what is new. Each new fault is logged as an error.
///
/// # Errors
/// When the store fails.
pub async fn look(desk: &Desk) -> Result<Vec<Finding>> {
    let now = desk.clock.now();
    let found = desk.store.audit_invariants(now).await?;
    let fresh = desk.store.note_findings(&found, now).await?;
    for finding in &fresh {
        tracing::error!(kind = %finding.kind, object = %finding.object, "The auditor found a fault: {} {}", finding.kind, finding.object);
    }
    Ok(fresh)
}
