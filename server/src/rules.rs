//! Rule files of a company: a folder instead of the rules that ship with the product.

pub mod reload;

use std::path::{Path, PathBuf};

use gradus_engine::detect::{Detector, RuleError};

/// Largest rule file, in bytes; ten thousand rules are far below it.
const LARGEST_FILE: u64 = 16 << 20;

/// Why the rules of a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// A file or the folder cannot be read.
    #[error("cannot read {path}: {why}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// The rules are wrong; every fault is named with its place.
    #[error("{}", lines(.0))]
    Wrong(Vec<RuleError>),
}

fn lines(errors: &[RuleError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Names and texts of rule files.
pub type Files = Vec<(String, String)>;

/// Reads the rule files of a folder, by name.
///
/// # Errors
/// Names the file that cannot be read, is too large or is not UTF-8, and the cure.
pub fn read(folder: &Path) -> Result<Files, RulesError> {
    let mut files = Vec::new();
    for path in paths(folder)? {
        let fault = |why: String| RulesError::Read { path: path.clone(), why };
        let size = std::fs::metadata(&path).map_err(|error| fault(error.to_string()))?.len();
        if size > LARGEST_FILE {
            return Err(fault(format!("it is larger than {} MiB: divide it", LARGEST_FILE >> 20)));
        }
        let bytes = std::fs::read(&path).map_err(|error| fault(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count() + 1;
            fault(format!("line {line} is not UTF-8: save the file as UTF-8, not as Windows-1251"))
        })?;
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        files.push((name, text.trim_start_matches('\u{feff}').to_owned()));
    }
    if files.is_empty() {
        return Err(RulesError::Read {
            path: folder.to_owned(),
            why: "there is no file that ends in .rules".into(),
        });
    }
    Ok(files)
}

/// Compiles the rules of a folder.
///
/// # Errors
/// As [`read`], and every fault of the rules with its place and cure.
pub fn load(folder: &Path) -> Result<Detector, RulesError> {
    let files = read(folder)?;
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Detector::new(&files).map_err(RulesError::Wrong)
}

fn paths(folder: &Path) -> Result<Vec<PathBuf>, RulesError> {
    let fault = |error: std::io::Error| RulesError::Read { path: folder.to_owned(), why: error.to_string() };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        if path.extension().is_some_and(|extension| extension == "rules") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    const RULE: &str = "вид: supervisor_request\n\nправило: позовите; 90\n  позвать ..2 начальник\n  + позовите начальника\n";

    #[test]
    fn rules_of_a_folder_are_compiled_and_other_files_left_alone() {
        let folder = folder(&[("а.rules", RULE.as_bytes()), ("readme.txt", b"\xFF")]);
        assert_eq!(load(folder.path()).map(|detector| detector.rule_count()).ok(), Some(1));
    }

    #[test]
    fn a_wrong_encoding_an_empty_folder_and_a_wrong_rule_are_named_with_the_cure() {
        let legacy = folder(&[("а.rules", b"\xE2\xE8\xE4: x\n")]);
        let said = load(legacy.path()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("line 1 is not UTF-8") && said.contains("save the file as UTF-8"), "{said}");
        let empty = folder(&[]);
        let said = load(empty.path()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("no file that ends in .rules"), "{said}");
        let wrong = folder(&[("а.rules", RULE.replace("начальник\n", "@начальство\n").as_bytes())]);
        let said = load(wrong.path()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.starts_with("а.rules:4:") && said.contains("@начальство"), "{said}");
    }
}
