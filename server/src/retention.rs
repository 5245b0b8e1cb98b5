//! How long words and recordings are kept: after that they are erased, oldest first, and with them the words' places in
//! the archive. What was noticed, decided and counted stays; the log never held a word.

use std::time::Duration;

use anyhow::Result;
use gradus_engine::time::Millis;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;

/// How often it is looked whether something is to be erased.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// The setting.
const SETTING: &str = "retention";
/// Conversations that are erased in one transaction.
const AT_ONCE: i64 = 20;
/// Who the audit log names.
const ACTOR: &str = "retention";
/// The shortest time that can be set, in days.
pub const LEAST_DAYS: u32 = 30;
/// The longest time that can be set, in days.
pub const MOST_DAYS: u32 = 3_650;

/// How long things are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Days after the end of a conversation; nothing keeps for ever.
    pub words_days: Option<u32>,
}

/// Returns what was set.
///
/// # Errors
/// When the store cannot be read.
pub async fn kept(desk: &Desk) -> Result<Retention> {
    Ok(desk.store.setting(SETTING).await?.unwrap_or_default())
}

/// Sets how long things are kept.
///
/// # Errors
/// When the store cannot be written.
pub async fn set(desk: &Desk, retention: Retention) -> Result<()> {
    Ok(desk.store.set(SETTING, &retention, desk.clock.now()).await?)
}

/// Counts the conversations whose words would be erased now if they were kept for so many days.
///
/// # Errors
/// When the store cannot be read.
pub async fn due(desk: &Desk, days: u32) -> Result<i64> {
    Ok(desk.store.words_due_before(desk.clock.now().minus(days_of(days))).await?)
}

fn days_of(days: u32) -> Millis {
    Millis::minutes(u64::from(days) * 24 * 60)
}

/// Erases what is over until told to stop.
pub async fn run(desk: Desk, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = erase_due(&desk, &stop).await {
            tracing::error!("What is to be erased is still there: {error:#}");
        }
    }
}

/// Erases all that is over; returns how many conversations lost their words. Recordings go first: a sound that no row
/// names any more would never be found again.
///
/// # Errors
/// When the store or the storage of recordings fails; the rest stays for the next time.
pub async fn erase_due(desk: &Desk, stop: &CancellationToken) -> Result<usize> {
    let Some(days) = kept(desk).await?.words_days else { return Ok(0) };
    let before = desk.clock.now().minus(days_of(days.max(LEAST_DAYS)));
    let mut erased = 0;
    while !stop.is_cancelled() {
        for key in desk.store.recordings_due_before(before, AT_ONCE).await? {
            desk.recordings.delete(&key).await?;
        }
        let gone = desk.store.forget_words_before(before, AT_ONCE).await?;
        for key in &gone.recordings {
            desk.recordings.delete(key).await?;
        }
        if gone.conversations == 0 {
            break;
        }
        erased += gone.conversations;
        let (now, detail) = (desk.clock.now(), format!("{} conversations", gone.conversations));
        desk.store.audit(now, ACTOR, "words.erase", "retention", &detail).await?;
    }
    if erased > 0 {
        tracing::info!("Erased the words of {erased} conversations: their time was over");
    }
    Ok(erased)
}
