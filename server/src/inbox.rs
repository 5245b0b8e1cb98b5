//! Files given to the server. Written conversations are taken in at once; recordings are kept in the inbox folder, which
//! makes them safe, and recognised one after the other. After a crash the folder is gone through again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::desk::{Desk, digest};
use crate::intake::{self, SoundFormat};

/// The inbox of one node. Clones share everything.
#[derive(Clone)]
pub struct Inbox {
    folder: PathBuf,
    news: Arc<Notify>,
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
        Ok(Self { folder, news: Arc::default() })
    }

    /// Takes in one file.
    ///
    /// # Errors
    /// Says what is wrong with it and what to do.
    pub async fn take(&self, desk: &Desk, name: &str, bytes: bytes::Bytes) -> Result<Kept> {
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
            });
        }
        if SoundFormat::of_bytes(&bytes).is_some() {
            let path = self.folder.join(format!("{sha256}-{}", plain(&name)));
            tokio::task::spawn_blocking(move || keep(&path, &bytes)).await??;
            desk.store.begin_import(&sha256, &name, now).await?;
            self.news.notify_one();
            return Ok(Kept { known: false, links: Vec::new(), waits: true });
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
        Ok(Kept { known: false, links, waits: false })
    }

    /// Recognises what waits, one after the other, until told to stop.
    pub async fn run(self, desk: Desk, stop: CancellationToken) {
        loop {
            for path in self.waiting() {
                if stop.is_cancelled() {
                    return;
                }
                let (desk, file, name) = (desk.clone(), path.clone(), original(&path));
                let handle = tokio::runtime::Handle::current();
                // Recognition keeps a core busy for minutes: it has a thread of its own.
                let taken = tokio::task::spawn_blocking(move || {
                    handle.block_on(crate::cli::import_file(&desk, &file, &name))
                });
                match taken.await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::error!("A recording was not taken in: {error:#}"),
                    Err(error) => tracing::error!("The recognition of a recording broke: {error}"),
                }
                // What failed is noted with its reason; the same file may be given again.
                if let Err(error) = std::fs::remove_file(&path) {
                    tracing::error!("{} stays in the inbox: {error}", path.display());
                    return;
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.news.notified() => {}
            }
        }
    }

    fn waiting(&self) -> Vec<PathBuf> {
        waiting(&self.folder)
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
fn original(path: &Path) -> String {
    let kept = path.file_name().unwrap_or_default().to_string_lossy();
    kept.split_once('-').map_or_else(|| kept.to_string(), |(_, name)| name.to_owned())
}

/// Returns a name that is safe in a folder: the end of it, which holds the extension.
fn plain(name: &str) -> String {
    let safe: Vec<char> = name
        .chars()
        .map(|sign| if sign.is_alphanumeric() || ".-_".contains(sign) { sign } else { '_' })
        .collect();
    safe[safe.len().saturating_sub(80)..].iter().collect()
}
