//! Backups: everything a running Gradus keeps in one archive, and back from it into an empty store.
//!
//! The archive is a ZIP: `tables/NAME/NUMBER.jsonl` (rows of one moment, the same for both engines), `recordings/KEY`,
//! `inbox/NAME`, and at its end `manifest.json` with the SHA-256 of each part. Nothing is restored before every part was
//! compared with it. Configuration, speech models and certificates are not in it.

mod read;
mod write;

pub use read::{Archive, restore};
pub use write::back_up;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::store::{Applied, Recordings, Table};

/// The version of the layout of archives.
const FORMAT: u32 = 1;

/// The name of the manifest in the archive.
const MANIFEST: &str = "manifest.json";

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the layout.
    pub format: u32,
    /// The version of Gradus that wrote it.
    pub version: String,
    /// The kind of database it came from.
    pub engine: String,
    /// When.
    pub made_at_ms: i64,
    /// The migrations that had run.
    pub migrations: Vec<Applied>,
    /// The rows.
    pub tables: Vec<Rows>,
    /// The recordings, by their keys.
    pub recordings: Vec<Part>,
    /// Recordings that wait for recognition, by their names.
    pub inbox: Vec<Part>,
    /// Keys of recordings that conversations name and that were not there.
    pub missing_recordings: Vec<String>,
}

impl Manifest {
    /// Counts all rows.
    pub fn row_count(&self) -> u64 {
        self.tables.iter().map(|rows| rows.count).sum()
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.tables.iter().flat_map(|rows| &rows.parts).chain(&self.recordings).chain(&self.inbox)
    }
}

/// The rows of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// The table.
    pub table: Table,
    /// How many.
    pub count: u64,
    /// Where they lie in the archive.
    pub parts: Vec<Part>,
}

/// One part of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its place in the archive.
    pub path: String,
    /// How long it is.
    pub size_bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

impl Part {
    /// Returns the last piece of the path: the key of a recording, the name of a waiting file.
    fn name(&self) -> &str {
        self.path.split_once('/').map_or(self.path.as_str(), |(_, name)| name)
    }
}

/// Where files lie beside the database.
#[derive(Clone, Copy)]
pub struct Folders<'a> {
    /// The recordings.
    pub recordings: &'a Recordings,
    /// What waits for recognition.
    pub inbox: &'a Path,
}
