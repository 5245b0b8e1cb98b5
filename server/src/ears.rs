//! Loading what the engine hears and decides with: rules, weights, protocol, speech models.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gradus_engine::classify::{Classifier, Encoder};
use gradus_engine::detect::Detector;
use gradus_engine::ear::Ear;
use gradus_engine::protocol::Protocol;

/// Returns an ear: the rules of a folder, or those that ship with the product, with the trained parts.
///
/// # Errors
/// When the rules are wrong (every fault is named with its place) or the built-in weights cannot be read.
pub fn ear(rules: Option<&Path>) -> Result<Ear> {
    let detector = match rules {
        Some(folder) => crate::rules::load(folder)?,
        None => Detector::builtin(),
    };
    let classifier = Classifier::builtin().context("the built-in weights of the classifier")?;
    let encoder = Encoder::builtin().context("the built-in weights of the encoder")?;
    Ok(Ear::new(detector, Some(classifier)).with_encoder(encoder))
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

#[cfg(test)]
mod tests {
    use crate::desk::digest;

    #[test]
    fn the_weights_are_those_whose_checksums_are_written_down() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/data/classifier");
        let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
        assert_eq!(sums.lines().count(), 2);
        for line in sums.lines() {
            let (sum, name) = line.split_once("  ").unwrap();
            assert_eq!(digest(&std::fs::read(folder.join(name)).unwrap()), sum, "{name}");
        }
    }
}
