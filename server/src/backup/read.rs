//! Reading an archive: first all of it is compared with its manifest, then it is restored, whole or not at all.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Component, Path};

use anyhow::{Context, Result, anyhow, bail};
use indicatif::ProgressBar;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::{FORMAT, Folders, MANIFEST, Manifest, Part};
use crate::desk::digest;
use crate::inbox;
use crate::store::{Loading, Store};

/// An archive whose parts are what its manifest says.
pub struct Archive {
    zip: ZipArchive<BufReader<File>>,
    /// What it holds.
    pub manifest: Manifest,
}

impl Archive {
    /// Opens an archive and compares every part with its checksum.
    ///
    /// # Errors
    /// Names the part that is damaged, or the version that is needed.
    pub fn open(file: &Path, bar: &ProgressBar) -> Result<Self> {
        let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        let damaged = || format!("{} is no backup of Gradus, or was cut short", file.display());
        let mut zip = ZipArchive::new(BufReader::new(opened)).with_context(damaged)?;
        let mut text = Vec::new();
        zip.by_name(MANIFEST).with_context(damaged)?.read_to_end(&mut text).with_context(damaged)?;
        let manifest: serde_json::Value = serde_json::from_slice(&text).with_context(damaged)?;
        let version = manifest["version"].as_str().unwrap_or("unknown").to_owned();
        if manifest["format"] != FORMAT {
            bail!(
                "{} was written by Gradus {version} in another form of archive: restore it with that version",
                file.display()
            );
        }
        let manifest: Manifest = serde_json::from_value(manifest).with_context(damaged)?;
        let mut archive = Self { zip, manifest };
        let parts: Vec<Part> = archive.manifest.parts().cloned().collect();
        bar.set_length(u64::try_from(parts.len())?);
        for part in &parts {
            archive.compare(part).with_context(|| {
                format!("the archive is damaged: its part {} is not as it was written", part.path)
            })?;
            bar.inc(1);
        }
        Ok(archive)
    }

    fn compare(&mut self, part: &Part) -> Result<()> {
        let mut content = self.zip.by_name(&part.path)?.take(part.size_bytes + 1);
        let (mut hash, mut size_bytes) = (Sha256::new(), 0);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = content.read(&mut buffer)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
            hash.update(read);
            size_bytes += u64::try_from(count)?;
        }
        let sha256: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if (size_bytes, &sha256) != (part.size_bytes, &part.sha256) {
            bail!("its checksum is another");
        }
        Ok(())
    }

    /// Reads a part once more; it is compared again, since the file may have changed.
    fn read(&mut self, part: &Part) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.zip.by_name(&part.path)?.take(part.size_bytes + 1).read_to_end(&mut bytes)?;
        if digest(&bytes) != part.sha256 {
            bail!("the archive changed while it was read: its part {}", part.path);
        }
        Ok(bytes)
    }
}

/// What was put beside the database and has to go again if the restoring fails.
#[derive(Default)]
struct Put {
    recordings: Vec<String>,
    waiting: Vec<std::path::PathBuf>,
}

/// Restores an archive into the empty store at an address.
///
/// # Errors
/// When the store is not empty, or something cannot be written; then nothing of it stays.
pub async fn restore(
    mut archive: Archive,
    url: &str,
    now_ms: i64,
    folders: Folders<'_>,
    bar: &ProgressBar,
) -> Result<Manifest> {
    let manifest = archive.manifest.clone();
    let files = manifest.recordings.len() + manifest.inbox.len();
    bar.set_length(manifest.row_count() + u64::try_from(files)?);
    bar.set_position(0);
    let mut loading = Store::load(url, &manifest.migrations, now_ms).await?;
    let mut put = Put::default();
    let filled = async {
        load_rows(&mut archive, &mut loading, bar).await?;
        put_files(&mut archive, folders, &mut put, bar).await?;
        loading.finish().await?;
        anyhow::Ok(())
    };
    match filled.await {
        Ok(()) => Ok(manifest),
        Err(error) => {
            take_back(folders, put).await;
            Err(error)
        }
    }
}

async fn load_rows(archive: &mut Archive, loading: &mut Loading, bar: &ProgressBar) -> Result<()> {
    for rows in archive.manifest.tables.clone() {
        for part in &rows.parts {
            let lines = archive.read(part)?;
            loading.rows(&rows.table, &lines).await.with_context(|| part.path.clone())?;
            bar.inc(u64::try_from(lines.iter().filter(|byte| **byte == b'\n').count())?);
        }
        let count = loading.count(&rows.table).await?;
        if count != rows.count {
            bail!("{} has {count} rows where {} were backed up", rows.table.name, rows.count);
        }
    }
    Ok(())
}

async fn put_files(
    archive: &mut Archive,
    folders: Folders<'_>,
    put: &mut Put,
    bar: &ProgressBar,
) -> Result<()> {
    for part in archive.manifest.recordings.clone() {
        let key = part.name();
        match folders.recordings.get(key).await? {
            Some(there) if digest(&there) == part.sha256 => {}
            Some(_) => bail!("another recording {key} is in the folder of recordings: give an empty folder"),
            None => {
                put.recordings.push(key.to_owned());
                folders.recordings.put(key, archive.read(&part)?.into()).await?;
            }
        }
        bar.inc(1);
    }
    for part in archive.manifest.inbox.clone() {
        let path = folders.inbox.join(plain(part.name())?);
        if !path.exists() {
            std::fs::create_dir_all(folders.inbox)
                .with_context(|| format!("cannot make the folder {}", folders.inbox.display()))?;
            put.waiting.push(path.clone());
            inbox::keep(&path, &archive.read(&part)?)?;
        }
        bar.inc(1);
    }
    Ok(())
}

/// Refuses a name that leads out of the folder.
fn plain(name: &str) -> Result<&str> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(only)), None) if only == name => Ok(name),
        _ => Err(anyhow!("the archive holds a file with the name {name:?}, which Gradus never writes")),
    }
}

async fn take_back(folders: Folders<'_>, put: Put) {
    // What cannot be deleted does no harm: the same restoring finds it in its place.
    for key in put.recordings {
        let _ = folders.recordings.delete(&key).await;
    }
    for path in put.waiting {
        let _ = std::fs::remove_file(path);
    }
}
