//! The folder of installed models.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ModelError;
use super::catalogue::CATALOGUE;

/// A folder of models.
#[derive(Debug, Clone)]
pub struct Models {
    folder: PathBuf,
}

/// What is written beside a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// Name used in commands.
    pub name: String,
    /// The engine that runs it.
    pub engine: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The model.
    pub name: String,
    /// Whether size and checksum are right.
    pub right: bool,
}

impl Models {
    /// Uses a folder; it need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the file of a model that is installed.
    ///
    /// # Errors
    /// `ModelError::Missing` when it is not.
    pub fn file(&self, name: &str) -> Result<PathBuf, ModelError> {
        let path = self.path(name)?;
        if path.is_file() { Ok(path) } else { Err(ModelError::Missing { name: name.to_owned() }) }
    }

    /// Returns what is installed, by name.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn installed(&self) -> Result<Vec<Installed>, ModelError> {
        if !self.folder.is_dir() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&self.folder).map_err(|source| file(&self.folder, source))?;
        let mut found: Vec<Installed> = entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "json"))
            .filter_map(|entry| serde_json::from_slice(&fs::read(entry.path()).ok()?).ok())
            .collect();
        found.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(found)
    }

    /// Puts a model into the folder; it appears whole or not at all.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<Installed, ModelError> {
        let path = self.path(name)?;
        fs::create_dir_all(&self.folder).map_err(|source| file(&self.folder, source))?;
        let engine =
            CATALOGUE.iter().find(|entry| entry.name == name).map_or("whisper", |entry| entry.engine);
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let installed =
            Installed { name: name.to_owned(), engine: engine.to_owned(), size, sha256: sha256(bytes) };
        write_whole(&path, bytes)?;
        let text = serde_json::to_vec_pretty(&installed).unwrap_or_default();
        write_whole(&path.with_extension("json"), &text)?;
        Ok(installed)
    }

    /// Installs a model from a file of whisper.cpp's form.
    ///
    /// # Errors
    /// When the file cannot be read or is no such model.
    pub fn import(&self, name: &str, from: &Path) -> Result<Installed, ModelError> {
        let bytes = fs::read(from).map_err(|source| file(from, source))?;
        if bytes.get(..4) != Some(&0x6767_6d6c_u32.to_le_bytes()) {
            return Err(ModelError::Damaged {
                what: format!("\"{}\" is no ggml model of whisper.cpp", from.display()),
            });
        }
        self.put(name, &bytes)
    }

    /// Removes a model.
    ///
    /// # Errors
    /// When it is not installed or cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), ModelError> {
        let path = self.file(name)?;
        for path in [path.with_extension("json"), path] {
            if path.exists() {
                fs::remove_file(&path).map_err(|source| file(&path, source))?;
            }
        }
        Ok(())
    }

    /// Compares every installed model with its checksum.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn check(&self) -> Result<Vec<Check>, ModelError> {
        let one = |installed: Installed| {
            let bytes =
                self.path(&installed.name).ok().and_then(|path| fs::read(path).ok()).unwrap_or_default();
            Check { right: sha256(&bytes) == installed.sha256, name: installed.name }
        };
        Ok(self.installed()?.into_iter().map(one).collect())
    }

    fn path(&self, name: &str) -> Result<PathBuf, ModelError> {
        let plain = !name.is_empty()
            && name.chars().all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.'));
        if !plain || name.starts_with('.') {
            return Err(ModelError::Unknown { name: name.to_owned() });
        }
        Ok(self.folder.join(format!("{name}.bin")))
    }
}

/// Returns the SHA-256 in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file(path: &Path, source: std::io::Error) -> ModelError {
    ModelError::File { path: path.to_owned(), source }
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let part = path.with_extension("part");
    let written = fs::File::create(&part).and_then(|mut out| {
        out.write_all(bytes)?;
        out.sync_all()?;
        fs::rename(&part, path)
    });
    written.map_err(|source| file(path, source))
}
