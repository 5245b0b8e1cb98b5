//! Loading what the engine hears and decides with: rules, weights, protocol, speech models.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gradus_engine::classify::Classifier;
use gradus_engine::detect::Detector;
use gradus_engine::ear::Ear;
use gradus_engine::protocol::Protocol;

/// Returns the ear that ships with the product: the built-in rules and the trained classifier.
///
/// # Errors
/// When the weights that were built in cannot be read.
pub fn builtin_ear() -> Result<Ear> {
    let classifier = Classifier::builtin().context("the built-in weights of the classifier")?;
    Ok(Ear::new(Detector::builtin(), Some(classifier)))
}

/// Returns the protocol of a file, or the one that ships with the product.
///
/// # Errors
/// When the file cannot be read or is wrong; every fault is named with its line.
pub fn protocol(path: Option<&Path>) -> Result<Protocol> {
    let Some(path) = path else { return Ok(Protocol::default_protocol()?) };
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Protocol::parse(&path.display().to_string(), &text)?)
}

/// Returns the files of several paths: folders give their files by name.
///
/// # Errors
/// When a path is missing or a folder cannot be read; the path is named.
pub fn files(paths: &[PathBuf]) -> Vec<Result<PathBuf, crate::intake::IntakeError>> {
    let mut files = Vec::new();
    for path in paths {
        match crate::intake::files(path) {
            Ok(found) => files.extend(found.into_iter().map(Ok)),
            Err(error) => files.push(Err(error)),
        }
    }
    files
}
