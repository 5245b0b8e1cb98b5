//! `gradus backup` and `gradus restore`: everything that is kept, in one file and back.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Ended, progress};
use crate::backup::{self, Archive, Folders, Manifest};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::desk::{existing_store, make_store_folder};
use crate::inbox;
use crate::store::{Hold, Recordings, Store};

#[derive(clap::Args)]
pub struct BackUp {
    /// The archive to write; the server may go on running.
    file: PathBuf,
}

#[derive(clap::Args)]
pub struct Restore {
    /// The archive to read; the store of the configuration has to be empty, and of either kind of database.
    file: PathBuf,
}

pub fn back_up(arguments: &BackUp) -> Result<Ended> {
    let config = Config::load()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let store = existing_store(&config).await?;
        let recordings = Recordings::in_folder(&config.store.recordings)?;
        let folders = Folders { recordings: &recordings, inbox: &inbox::folder(&config) };
        let bar = progress(0, "backing up");
        let written = backup::back_up(&store, folders, &arguments.file, &bar).await;
        bar.finish_and_clear();
        store.close().await;
        let manifest = written?;
        for key in &manifest.missing_recordings {
            eprintln!("gradus: the recording {key} is named by a conversation and is not there");
        }
        println!("{}: {}", arguments.file.display(), held(&manifest));
        Ok(if manifest.missing_recordings.is_empty() { Ended::Well } else { Ended::SomeFailed })
    })
}

pub fn restore(arguments: &Restore) -> Result<Ended> {
    let config = Config::load()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let bar = progress(0, "comparing");
        let archive = Archive::open(&arguments.file, &bar)?;
        bar.set_message("restoring");
        make_store_folder(&config)?;
        let url = config.store.url.reveal();
        let held = Store::hold(url, Hold::Alone).await?;
        let recordings = Recordings::in_folder(&config.store.recordings)?;
        let folders = Folders { recordings: &recordings, inbox: &inbox::folder(&config) };
        let restored = backup::restore(archive, url, SystemClock.now().millis(), folders, &bar).await;
        bar.finish_and_clear();
        held.end().await;
        let manifest = restored.context("nothing was restored")?;
        println!("restored {}", self::held(&manifest));
        Ok(Ended::Well)
    })
}

fn held(manifest: &Manifest) -> String {
    format!(
        "{} rows, {} recordings, {} waiting files",
        manifest.row_count(),
        manifest.recordings.len(),
        manifest.inbox.len()
    )
}
