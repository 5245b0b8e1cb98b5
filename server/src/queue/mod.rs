//! Recordings on their way to conversations: found in watched folders and storages, or given by upload; one queue, kept in the
//! store. A crash loses nothing and takes nothing twice; what fails is tried again after a stated delay and then shown with
//! its reason.

pub mod about;
pub mod source;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gradus_engine::time::{Millis, Timestamp};
use gradus_speech::recognise::Recognizer;
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::desk::{Desk, digest};
use crate::store::{NewRecording, QueueShare, QueuedRecording};
use about::{About, Names};
use source::{Found, Source, Still};

/// The source of what was uploaded.
pub const INBOX: &str = "inbox";
/// For how long a recording is claimed; who works on it renews that.
const CLAIM: Millis = Millis::seconds(60);
/// How often the claim is renewed and the progress written down.
const BEAT: Duration = Duration::from_secs(5);
/// How often the queue is looked at when nobody says that there is something new.
const LOOK: Duration = Duration::from_secs(2);
/// By how many of the latest recordings the time left is reckoned.
const PACE: i64 = 50;

/// The queue of one node. Clones share everything.
#[derive(Clone)]
pub struct Queue {
    sources: Arc<Vec<Source>>,
    names: Arc<Names>,
    news: Arc<Notify>,
    /// By source: why it cannot be looked through.
    trouble: Arc<Mutex<Vec<(String, String)>>>,
    /// Why nothing can be recognised.
    missing: Arc<Mutex<Option<String>>>,
}

/// The queue in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueueFigures {
    /// How much is in which state; of what is over, what ended within a day.
    pub shares: Vec<QueueShare>,
    /// Seconds until nothing waits any more, at the pace of the latest recordings; nothing while no pace is known.
    pub seconds_left: Option<u64>,
    /// Sources that cannot be looked through, with the reason.
    pub trouble: Vec<(String, String)>,
    /// Why nothing can be recognised, where it cannot.
    pub missing: Option<String>,
    /// The sources that are watched.
    pub watched: Vec<String>,
}

/// Returns the moment a day before: what ended after it is still shown.
pub fn day_before(now: Timestamp) -> Timestamp {
    now.minus(Millis::minutes(24 * 60))
}

/// Returns the name of a file in the queue.
pub fn id_of(source: &str, place: &str) -> String {
    digest(format!("{source}\n{place}").as_bytes()).get(..24).unwrap_or_default().to_owned()
}

impl Queue {
    /// Opens the sources of the configuration; `inbox` is the folder of uploads.
    ///
    /// # Errors
    /// Names the setting that is wrong.
    pub fn open(desk: &Desk, inbox: &std::path::Path) -> Result<Self> {
        let config = &desk.config.recordings;
        let mut sources = Source::all(config)?;
        let mut uploads = Source::folder(inbox)?;
        INBOX.clone_into(&mut uploads.name);
        sources.push(uploads);
        Ok(Self {
            sources: Arc::new(sources),
            names: Arc::new(Names::parse(&config.names)?),
            news: Arc::default(),
            trouble: Arc::default(),
            missing: Arc::default(),
        })
    }

    /// Says that there is something new.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// Returns the queue in figures.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn figures(&self, desk: &Desk) -> Result<QueueFigures> {
        let shares = desk.store.queue_shares(day_before(desk.clock.now())).await?;
        let (bytes, took_ms) = desk.store.queue_pace(PACE).await?;
        let left = shares.iter().map(|share| share.left_bytes).sum();
        let hands = shares.iter().find(|share| share.state == "working").map_or(1, |share| share.count);
        let seconds_left = seconds_left(left, bytes.saturating_mul(hands.max(1)), took_ms);
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let watched =
            self.sources.iter().map(|source| source.name.clone()).filter(|name| name != INBOX).collect();
        Ok(QueueFigures { shares, seconds_left, trouble, missing, watched })
    }

    /// Looks through the sources until told to stop.
    pub async fn watch(self, desk: Desk, stop: CancellationToken) {
        let every = Duration::from_secs(u64::from(desk.config.recordings.every_seconds.max(1)));
        let mut still: Vec<Still> = self.sources.iter().map(|_| Still::default()).collect();
        loop {
            self.look(&desk, &mut still).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    /// Looks through the sources once: queues what stands still.
    pub async fn look(&self, desk: &Desk, still: &mut [Still]) {
        let wait = Millis::seconds(u64::from(desk.config.recordings.still_seconds));
        let mut trouble = Vec::new();
        for (source, still) in self.sources.iter().zip(still) {
            let now = desk.clock.now();
            let taken = match source.list().await {
                // What is in the inbox was put there whole, under another name until then.
                Ok(found) if source.name == INBOX => self.queue(desk, source, found, now).await,
                Ok(found) => self.queue(desk, source, still.of(found, now, wait), now).await,
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                trouble.push((source.name.clone(), format!("{error:#}")));
            }
        }
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, why) in trouble.iter().filter(|trouble| !known.contains(trouble)) {
            tracing::warn!("Recordings of {name} are not taken in: {why}");
        }
        *known = trouble;
    }

    async fn queue(&self, desk: &Desk, source: &Source, found: Vec<Found>, now: Timestamp) -> Result<()> {
        for file in found {
            let priority = self.names.read(&file.place).priority.unwrap_or(0);
            let new = NewRecording {
                id: id_of(&source.name, &file.place),
                source: source.name.clone(),
                // An upload is its content: touching it makes no other recording of it.
                version: if source.name == INBOX {
                    file.size.to_string()
                } else {
                    format!("{}-{}", file.size, file.modified_ms)
                },
                place: file.place,
                size_bytes: i64::try_from(file.size).unwrap_or(i64::MAX),
                about: String::new(),
                priority: i64::from(priority),
            };
            if desk.store.queue_recording(&new, now).await? {
                self.wake();
            }
        }
        Ok(())
    }

    /// Takes recordings in, one after the other, until told to stop.
    pub async fn work(self, desk: Desk, stop: CancellationToken) {
        let mut engine = None;
        loop {
            match self.one(&desk, &mut engine, &stop).await {
                Ok(true) => continue,
                Ok(false) if stop.is_cancelled() => return,
                Ok(false) => {}
                Err(error) => tracing::error!("The queue of recordings is stuck: {error:#}"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.news.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Takes in the next recording; says whether there was one.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn one(
        &self,
        desk: &Desk,
        engine: &mut Option<Arc<dyn Recognizer>>,
        stop: &CancellationToken,
    ) -> Result<bool> {
        let now = desk.clock.now();
        // Without a model no recording is to blame: they wait, and the page says why.
        if engine.is_none() && (!desk.store.recording_is_due(now).await? || !self.hears(desk, engine).await?)
        {
            return Ok(false);
        }
        let Some(row) = desk.store.claim_recording(now, now.plus(CLAIM)).await? else { return Ok(false) };
        let most = i64::from(desk.config.recordings.attempts.max(1));
        if row.attempts > most {
            let reason = format!(
                "given up after {most} attempts, the last of which ended with the server itself: see its log, then try again"
            );
            desk.store.recording_failed(&row.id, &reason, None, now).await?;
            return Ok(true);
        }
        let Some(engine) = engine.clone() else { return Ok(false) };
        let done = Arc::new(AtomicI64::new(0));
        let taken = {
            let mut taken = Box::pin(self.take(desk, &row, engine, &done));
            loop {
                tokio::select! {
                    taken = &mut taken => break taken,
                    () = stop.cancelled() => {
                        desk.store.release_recording(&row.id).await?;
                        return Ok(false);
                    }
                    () = tokio::time::sleep(BEAT) => {
                        let until = desk.clock.now().plus(CLAIM);
                        desk.store.recording_goes_on(&row.id, done.load(Ordering::Relaxed), until).await?;
                    }
                }
            }
        };
        let now = desk.clock.now();
        match taken {
            Ok(sha256) => {
                let conversation = desk.store.import(&sha256).await?.and_then(|row| row.conversation_id);
                desk.store.recording_done(&row.id, conversation.as_ref(), now).await?;
                self.leave_inbox(desk, &row);
            }
            Err(error) => {
                let again = row.attempts < most;
                let wait = Millis::minutes(u64::from(desk.config.recordings.retry_minutes));
                let reason = format!("{error:#}");
                tracing::warn!(
                    "A recording of {} was not taken in (attempt {}): {reason}",
                    row.source,
                    row.attempts
                );
                desk.store.recording_failed(&row.id, &reason, again.then(|| now.plus(wait)), now).await?;
            }
        }
        Ok(true)
    }

    /// Loads the model where it is not loaded; says whether there is one.
    async fn hears(&self, desk: &Desk, engine: &mut Option<Arc<dyn Recognizer>>) -> Result<bool> {
        let speech = desk.config.speech.clone();
        let loaded = tokio::task::spawn_blocking(move || crate::listen::engine(&speech)).await?;
        let why = match loaded {
            Ok(loaded) => {
                *engine = Some(Arc::from(loaded));
                None
            }
            Err(error) => Some(format!("{error:#}")),
        };
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = why.as_ref().filter(|why| missing.as_ref() != Some(why)) {
            tracing::error!("Recordings wait: {why}");
        }
        missing.clone_from(&why);
        Ok(why.is_none())
    }

    /// Takes in a recording; returns the SHA-256 of its file.
    async fn take(
        &self,
        desk: &Desk,
        row: &QueuedRecording,
        engine: Arc<dyn Recognizer>,
        done: &Arc<AtomicI64>,
    ) -> Result<String> {
        let Some(source) = self.sources.iter().find(|source| source.name == row.source) else {
            bail!(
                "{} is no longer among recordings.folders: put it back, or give this recording up",
                row.source
            );
        };
        let (bytes, modified_ms) = source.read(&row.place).await?;
        let file = row.place.rsplit('/').next().unwrap_or(&row.place).to_owned();
        let name = if source.name == INBOX { crate::inbox::original_name(&file) } else { file };
        let mut about = About::default();
        if !row.about.is_empty() {
            about = About::of_json(row.about.as_bytes()).context("what was said of the recording")?;
        }
        if let Some(json) = source.beside(&row.place).await? {
            let beside = About::of_json(&json).with_context(|| {
                format!("the JSON beside {name} is wrong: mend it and the recording is tried again")
            })?;
            about = about.or(beside);
        }
        about = about.or(self.names.read(&name));
        about.check(&desk.config.conversation.defaults()?.zone).map_err(anyhow::Error::msg)?;
        let sha256 = digest(&bytes);
        let (desk, done) = (desk.clone(), Arc::clone(done));
        let handle = tokio::runtime::Handle::current();
        // Recognition keeps a core busy for minutes: it has a thread of its own.
        tokio::task::spawn_blocking(move || -> Result<()> {
            let folder = tempfile::tempdir().context("no folder for a recording")?;
            let extension = name.rsplit_once('.').map_or("bin", |(_, extension)| extension);
            let path = folder.path().join(format!("recording.{extension}"));
            std::fs::write(&path, &bytes)?;
            drop(bytes);
            // Where nothing else tells the start, the file's own time does.
            let written = std::time::UNIX_EPOCH + Duration::from_millis(modified_ms.unsigned_abs());
            std::fs::File::options().append(true).open(&path)?.set_modified(written)?;
            let mut progress = |done_ms: u64, total_ms: u64| {
                let share = done_ms.saturating_mul(1_000) / total_ms.max(1);
                done.store(i64::try_from(share).unwrap_or(0), Ordering::Relaxed);
            };
            let taken = crate::cli::import_described(&desk, (&path, &name), &about, engine, &mut progress);
            // Nobody knows the file under which it was recognised.
            let named = |error: anyhow::Error| {
                anyhow::anyhow!(format!("{error:#}").replace(&path.display().to_string(), &name))
            };
            handle.block_on(taken).map_err(named)
        })
        .await??;
        Ok(sha256)
    }

    /// An upload that is a conversation now leaves the inbox.
    fn leave_inbox(&self, desk: &Desk, row: &QueuedRecording) {
        if row.source != INBOX {
            return;
        }
        let path = crate::inbox::folder(&desk.config).join(&row.place);
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!("{} stays in the inbox: {error}", path.display());
        }
    }

    /// Gives a recording up; of an upload the file is deleted.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn drop_recording(&self, desk: &Desk, id: &str) -> Result<bool> {
        let Some(row) = desk.store.queued_recording(id).await? else { return Ok(false) };
        let dropped = desk.store.recording_dropped(id, desk.clock.now()).await?;
        if dropped {
            self.leave_inbox(desk, &row);
        }
        Ok(dropped)
    }
}

/// How long bytes take at the pace of others.
fn seconds_left(waits: i64, bytes: i64, took_ms: i64) -> Option<u64> {
    if waits <= 0 {
        return Some(0);
    }
    if bytes <= 0 || took_ms <= 0 {
        return None;
    }
    let ms = i128::from(waits) * i128::from(took_ms) / i128::from(bytes);
    u64::try_from(ms / 1_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_reckoned_by_the_pace_of_the_latest() {
        assert_eq!(seconds_left(0, 0, 0), Some(0));
        assert_eq!(seconds_left(1_000, 0, 0), None);
        assert_eq!(seconds_left(6_000_000, 1_000_000, 10_000), Some(60));
        assert!(seconds_left(i64::MAX, 1, i64::MAX).is_none(), "more than anybody waits");
    }

    #[test]
    fn the_same_place_of_another_source_is_another_recording() {
        assert_ne!(id_of("a", "b"), id_of("c", "b"));
        assert_eq!(id_of("a", "b").len(), 24);
    }
}
