//! Writing an archive, while the server may run.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{FORMAT, Folders, MANIFEST, Manifest, Part, Rows};
use crate::inbox;
use crate::store::{Snapshot, Store};

/// Writes everything the store keeps into a new file. What is committed while it works is not in it.
///
/// # Errors
/// When the file is there already or cannot be written, or the store cannot be read; no file is left behind.
pub async fn back_up(
    store: &Store,
    folders: Folders<'_>,
    file: &Path,
    bar: &ProgressBar,
) -> Result<Manifest> {
    if file.exists() {
        bail!("{} is there already: choose another name", file.display());
    }
    let mut name = OsString::from(file);
    name.push(".part");
    let part = Path::new(&name);
    let written = write(store, folders, part, bar).await;
    let written = written.and_then(|manifest| {
        std::fs::rename(part, file).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(manifest)
    });
    if written.is_err() {
        // It may not even have been made.
        let _ = std::fs::remove_file(part);
    }
    written
}

async fn write(store: &Store, folders: Folders<'_>, file: &Path, bar: &ProgressBar) -> Result<Manifest> {
    // What is recognised meanwhile leaves the inbox, but stays readable to who has opened it.
    let mut waiting = BTreeMap::new();
    open_waiting(folders.inbox, &mut waiting);
    let mut snapshot = store.snapshot().await?;
    open_waiting(folders.inbox, &mut waiting);

    let mut archive = Archive::create(file)?;
    let recordings = snapshot.recordings().await?;
    let mut counts = Vec::new();
    for table in snapshot.tables().to_vec() {
        counts.push((snapshot.count(&table).await?, table));
    }
    let rows: u64 = counts.iter().map(|(rows, _)| rows).sum();
    bar.set_length(rows + u64::try_from(recordings.len() + waiting.len()).unwrap_or(0));
    let mut manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: store.engine().to_owned(),
        made_at_ms: store.clock().now().millis(),
        migrations: snapshot.migrations().await?,
        tables: Vec::new(),
        recordings: Vec::new(),
        inbox: Vec::new(),
        missing_recordings: Vec::new(),
    };
    for (count, table) in counts {
        let mut rows = Rows { table, count, parts: Vec::new() };
        write_rows(&mut snapshot, &mut rows, &mut archive, bar).await?;
        manifest.tables.push(rows);
    }
    drop(snapshot);
    for key in recordings {
        match folders.recordings.get(&key).await? {
            Some(sound) => manifest.recordings.push(archive.put(&format!("recordings/{key}"), &mut &*sound)?),
            None => manifest.missing_recordings.push(key),
        }
        bar.inc(1);
    }
    for (name, mut sound) in waiting {
        manifest.inbox.push(archive.put(&format!("inbox/{name}"), &mut sound)?);
        bar.inc(1);
    }
    archive.finish(&manifest)?;
    Ok(manifest)
}

/// Opens the files of the inbox that are not open yet; one that is gone meanwhile was taken in.
fn open_waiting(folder: &Path, waiting: &mut BTreeMap<String, File>) {
    for path in inbox::waiting(folder) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if let (false, Ok(file)) = (waiting.contains_key(name), File::open(&path)) {
            waiting.insert(name.to_owned(), file);
        }
    }
}

async fn write_rows(
    snapshot: &mut Snapshot,
    rows: &mut Rows,
    archive: &mut Archive,
    bar: &ProgressBar,
) -> Result<()> {
    let Rows { table, parts, .. } = rows;
    snapshot
        .rows(table, |chunk, count| {
            let path = format!("tables/{}/{:06}.jsonl", table.name, parts.len() + 1);
            parts.push(archive.put(&path, &mut &*chunk)?);
            bar.inc(count);
            anyhow::Ok(())
        })
        .await
}

/// An archive that is being written.
struct Archive {
    zip: ZipWriter<BufWriter<File>>,
}

impl Archive {
    /// Makes the file, readable to this user alone: it holds what people said, and hashes of passwords.
    fn create(file: &Path) -> Result<Self> {
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let opened = options.open(file).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Self { zip: ZipWriter::new(BufWriter::new(opened)).set_auto_large_file() })
    }

    fn put(&mut self, path: &str, content: &mut (dyn Read + Send)) -> Result<Part> {
        let squeezed = ["mp3", "ogg", "opus", "flac", "m4a"].iter().any(|end| path.ends_with(end));
        let method = if squeezed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let context = || format!("cannot write {path} into the archive");
        self.zip
            .start_file(path, SimpleFileOptions::default().compression_method(method))
            .with_context(context)?;
        let (mut hash, mut size_bytes) = (Sha256::new(), 0);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = content.read(&mut buffer).with_context(context)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
            hash.update(read);
            self.zip.write_all(read).with_context(context)?;
            size_bytes += u64::try_from(count)?;
        }
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Part { path: path.to_owned(), size_bytes, sha256 })
    }

    /// Writes the manifest and waits until all is on disk.
    fn finish(mut self, manifest: &Manifest) -> Result<()> {
        self.put(MANIFEST, &mut &*serde_json::to_vec_pretty(manifest)?)?;
        let file = self.zip.finish()?.into_inner().map_err(|error| error.into_error())?;
        file.sync_all().context("cannot write the archive to disk")
    }
}
