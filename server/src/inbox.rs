//! Files given to the server. Written conversations are taken in at once; recordings are kept in the inbox folder, which
//! makes them safe, and join the queue of recordings. After a crash the folder is gone through again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gradus_engine::time::Millis;

use crate::config::Config;
use crate::desk::{Desk, digest};
use crate::intake::{self, SoundFormat};
use crate::queue::about::About;
use crate::queue::{self, Queue};
use crate::store::NewRecording;

/// Priority of what somebody uploads: a person waits for it, nobody for the folder.
const UPLOADED: i8 = 5;
/// How long an upload may take to be written to disk.
const WRITTEN: Millis = Millis::minutes(2);

/// The inbox of one node. Clones share everything.
#[derive(Clone)]
pub struct Inbox {
    folder: PathBuf,
    queue: Queue,
}

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    /// Whether it was in the store before.
    pub known: bool,
    /// The conversations it holds, as far as they are known yet.
    pub links: Vec<String>,
    /// Whether it waits for recognition.
    pub waits: bool,
    /// Its name in the queue of recordings, where it is one.
    pub recording: Option<String>,
}

impl Inbox {
    /// Opens the folder beside the recordings.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(desk: &Desk) -> Result<Self> {
        let folder = folder(&desk.config);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let queue = Queue::open(desk, &folder)?;
        Ok(Self { folder, queue })
    }

    /// Returns the queue of recordings.
    pub const fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Takes in one file.
    ///
    /// # Errors
    /// Says what is wrong with it and what to do.
    pub async fn take(&self, desk: &Desk, name: &str, bytes: bytes::Bytes) -> Result<Kept> {
        self.take_described(desk, name, bytes, &About::default()).await
    }

    /// Takes in one file of which more is known; it is used where the file is a recording.
    ///
    /// # Errors
    /// Says what is wrong with it and what to do.
    pub async fn take_described(
        &self,
        desk: &Desk,
        name: &str,
        bytes: bytes::Bytes,
        about: &About,
    ) -> Result<Kept> {
        let name = Path::new(name)
            .file_name()
            .map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned());
        let sha256 = digest(&bytes);
        let now = desk.clock.now();
        if let Some(done) =
            desk.store.import(&sha256).await?.filter(|row| row.state == crate::store::ImportState::Done)
        {
            return Ok(Kept {
                known: true,
                links: done.conversation_id.into_iter().map(|id| id.0).collect(),
                waits: false,
                recording: None,
            });
        }
        if SoundFormat::of_bytes(&bytes).is_some() {
            let place = format!("{sha256}-{}", plain(&name));
            let new = NewRecording {
                id: queue::id_of(queue::INBOX, &place),
                source: queue::INBOX.to_owned(),
                version: bytes.len().to_string(),
                size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
                about: serde_json::to_string(about)?,
                priority: i64::from(about.priority.unwrap_or(UPLOADED)),
                place,
            };
            let (path, id) = (self.folder.join(&new.place), new.id.clone());
            // The row first, as whoever finds a file without one knows nothing more about it; its turn comes with the file.
            desk.store.queue_recording(&new, now.plus(WRITTEN)).await?;
            tokio::task::spawn_blocking(move || keep(&path, &bytes)).await??;
            desk.store.recording_again(&id, now).await?;
            desk.store.begin_import(&sha256, &name, now).await?;
            self.queue.wake();
            return Ok(Kept { known: false, links: Vec::new(), waits: true, recording: Some(id) });
        }
        let defaults = desk.config.conversation.defaults()?;
        let (parsed_name, parsed) = (name.clone(), bytes.clone());
        let conversations =
            tokio::task::spawn_blocking(move || intake::parse(&parsed, &parsed_name, &defaults)).await?;
        let conversations = conversations.map_err(|fault| anyhow::anyhow!("{fault}"))?;
        desk.store.begin_import(&sha256, &name, now).await?;
        let mut links = Vec::new();
        let count = conversations.len();
        for (number, mut incoming) in (1..).zip(conversations) {
            incoming.source_name.clone_from(&name);
            links.push(desk.import(&incoming, &sha256, None, number == count).await?.0);
        }
        Ok(Kept { known: false, links, waits: false, recording: None })
    }
}

/// Returns the folder of the inbox: beside the recordings.
pub fn folder(config: &Config) -> PathBuf {
    config.store.recordings.with_extension("inbox")
}

/// Returns the files that wait in an inbox, in their order.
pub fn waiting(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    // A file that was being written when the server died was never acknowledged.
    paths.retain(|path| path.extension().is_none_or(|extension| extension != "part"));
    paths.sort();
    paths
}

/// Writes a file so that it is whole and on disk, or not there.
///
/// # Errors
/// Names the file.
pub fn keep(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    let part = path.with_extension("part");
    let mut file =
        std::fs::File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, path)?;
    if let Some(folder) = path.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Returns the name of a file in the inbox without the hash before it.
pub fn original_name(kept: &str) -> String {
    kept.split_once('-').map_or_else(|| kept.to_owned(), |(_, name)| name.to_owned())
}

/// Returns a name that is safe in a folder: the end of it, which holds the extension.
fn plain(name: &str) -> String {
    let safe: Vec<char> = name
        .chars()
        .map(|sign| if sign.is_alphanumeric() || ".-_".contains(sign) { sign } else { '_' })
        .collect();
    safe[safe.len().saturating_sub(80)..].iter().collect()
}
