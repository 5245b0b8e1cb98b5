//! Backtests that run beside the desk: begun from a page or by a program, with their progress, until they are done or stopped.
//!
//! One for each person: a new one ends the one before. They live in memory; after a restart they are begun again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gradus_engine::protocol::Protocol;
use gradus_engine::time::{Millis, Timestamp};

use crate::backtest::{Backtest, Progress, backtest};
use crate::desk::Desk;
use crate::store::{StoreError, UserId};

/// Backtests that run at once; each takes a core.
const MOST_RUNNING: usize = 2;
/// Most weeks of history.
pub const MOST_WEEKS: u32 = 520;

/// Where a backtest stands.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It runs: the share of the log that was read, per cent.
    Runs(u8),
    /// Somebody stopped it.
    Stopped,
    /// It is done.
    Done(Arc<Backtest>),
    /// It failed.
    Failed(String),
}

/// A backtest.
#[derive(Clone, Debug)]
pub struct Job {
    /// The version that the draft names.
    pub version: String,
    /// Weeks of history.
    pub weeks: u32,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// Where it stands.
    pub standing: Standing,
}

struct Running {
    job: Job,
    last: i64,
    progress: Progress,
}

/// The backtests of everybody.
#[derive(Default)]
pub struct Backtests {
    jobs: Arc<Mutex<HashMap<UserId, Running>>>,
}

/// Why a backtest is not begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Others are running.
    #[error("{MOST_RUNNING} backtests are running already: wait for one of them to end")]
    Busy,
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn lock(jobs: &Mutex<HashMap<UserId, Running>>) -> std::sync::MutexGuard<'_, HashMap<UserId, Running>> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backtests {
    /// Begins a backtest of a draft over so many weeks; one of the same person that runs is stopped.
    ///
    /// # Errors
    /// When too many are running, or the store fails.
    pub async fn begin(
        &self,
        desk: &Desk,
        (by, zone): (&UserId, &jiff::tz::TimeZone),
        draft: Protocol,
        weeks: u32,
    ) -> Result<(), BeginError> {
        let weeks = weeks.clamp(1, MOST_WEEKS);
        let (now, last) = (desk.clock.now(), desk.store.last_position().await?);
        let progress = Progress::default();
        {
            let mut jobs = lock(&self.jobs);
            if let Some(earlier) = jobs.remove(by) {
                earlier.progress.stop.cancel();
            }
            let running = jobs.values().filter(|one| matches!(one.job.standing, Standing::Runs(_))).count();
            if running >= MOST_RUNNING {
                return Err(BeginError::Busy);
            }
            let (version, standing) = (draft.version.clone(), Standing::Runs(0));
            let job = Job { version, weeks, begun_at: now, standing };
            jobs.insert(by.clone(), Running { job, last, progress: progress.clone() });
        }
        let since = now.minus(Millis::minutes(u64::from(weeks) * 7 * 24 * 60));
        let (jobs, store, by) = (Arc::clone(&self.jobs), Arc::clone(&desk.store), by.clone());
        let (in_force, zone) = (desk.pipeline.protocol(), zone.clone());
        let runtime = tokio::runtime::Handle::current();
        // Replaying thinks for seconds at a time: on a thread of its own it holds nobody up.
        tokio::task::spawn_blocking(move || {
            let found = runtime.block_on(backtest(&store, (&in_force, &draft), (since, &zone), &progress));
            let standing = match found {
                Ok(Some(found)) => Standing::Done(Arc::new(found)),
                Ok(None) => Standing::Stopped,
                Err(error) => {
                    tracing::error!("A backtest failed: {error:#}");
                    Standing::Failed(format!("{error:#}"))
                }
            };
            // A later one of the same person has taken its place when this one was stopped for it.
            if let Some(running) = lock(&jobs).get_mut(&by)
                && running.job.begun_at == now
            {
                running.job.standing = standing;
            }
        });
        Ok(())
    }

    /// Returns the backtest of a person, if there is one.
    pub fn of(&self, by: &UserId) -> Option<Job> {
        let jobs = lock(&self.jobs);
        let running = jobs.get(by)?;
        let mut job = running.job.clone();
        if matches!(job.standing, Standing::Runs(_)) {
            let share = running.progress.position() * 100 / running.last.max(1);
            job.standing = Standing::Runs(u8::try_from(share.clamp(0, 99)).unwrap_or(99));
        }
        Some(job)
    }

    /// Stops the backtest of a person; says whether one was running.
    pub fn stop(&self, by: &UserId) -> bool {
        let mut jobs = lock(&self.jobs);
        let Some(running) = jobs.get_mut(by) else { return false };
        let ran = matches!(running.job.standing, Standing::Runs(_));
        running.progress.stop.cancel();
        if ran {
            running.job.standing = Standing::Stopped;
        }
        ran
    }
}
