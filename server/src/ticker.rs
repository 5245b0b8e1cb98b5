//! Lets the clocks of cases run: whatever is due is claimed and ticked, many at a time, so that thousands that fall due at one
//! second share their commits. Overdue ones fire once after a restart.

use futures_util::stream::{StreamExt, iter};
use gradus_engine::time::{Millis, Timestamp};

use crate::desk::Desk;
use crate::store::{CaseId, StoreError};

/// How long a node keeps a case to itself while it ticks it.
const CLAIM: Millis = Millis::seconds(30);
/// Cases that are claimed at once.
const AT_ONCE: i64 = 256;
/// Cases that are ticked at the same time: their commits go to the disk together.
const TOGETHER: usize = 64;

/// Ticks every case that is due; returns how many there were.
///
/// # Errors
/// When the clocks cannot be read. A case whose tick fails is said in the log, and is due again when its claim is over.
pub async fn round(desk: &Desk, now: Timestamp) -> Result<usize, StoreError> {
    let mut ticked = 0;
    loop {
        let claimed = desk.store.claim_all_due(now, now.plus(CLAIM), AT_ONCE).await?;
        if claimed.is_empty() {
            return Ok(ticked);
        }
        ticked += claimed.len();
        let ticks = iter(claimed).map(|case| async move {
            if let Err(error) = tick(desk, &case, now).await {
                tracing::error!(case.id = %case, "The clock of case {case} failed: {error:#}");
            }
        });
        ticks.buffer_unordered(TOGETHER).collect::<()>().await;
    }
}

async fn tick(desk: &Desk, case: &CaseId, now: Timestamp) -> anyhow::Result<()> {
    let row = desk.store.case(case).await?;
    match row.and_then(|row| row.conversation_id) {
        Some(conversation) => desk.pipeline.tick(&conversation, now).await,
        None => Ok(()),
    }
}
