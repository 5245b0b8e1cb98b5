//! What ARCHITECTURE.md promises and no compiler checks: each thing in its place.
//!
//! A line that has to break a rule is no reason for an exception here: it belongs where the rule says.
#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Returns the files below a folder whose names end so, with their paths from the root.
fn files(folder: &str, ends: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", "node_modules", ".git"].contains(&name.as_str()) {
                    open.push(path);
                }
            } else if ends.iter().any(|end| name.ends_with(end)) {
                let place = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push((place, fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Returns the lines of program code in a folder: (`path:number`, line), without comments and without test modules.
fn code(folder: &str) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (path, bytes) in files(folder, &[".rs"]) {
        if path.contains("/tests/") || path.ends_with("_tests.rs") || path.contains("_tests/") {
            continue;
        }
        let text = String::from_utf8(bytes).unwrap();
        let all: Vec<&str> = text.lines().collect();
        for (at, line) in all.iter().enumerate() {
            // A test module within a file is its end; one with a file of its own is only named.
            if *line == "#[cfg(test)]" && all.get(at + 1).is_some_and(|next| next.ends_with('{')) {
                break;
            }
            if !line.trim_start().starts_with("//") {
                lines.push((format!("{path}:{}", at + 1), (*line).to_owned()));
            }
        }
    }
    lines
}

/// Fails with every line in these folders that holds one of the words and does not stand at one of the places.
fn only_in(places: &[&str], folders: &[&str], words: &[&str], why: &str) {
    let mut wrong = Vec::new();
    for folder in folders {
        for (place, line) in code(folder) {
            let allowed = places.iter().any(|allowed| place.starts_with(allowed));
            if !allowed && words.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{place}: {}", line.trim()));
            }
        }
    }
    assert!(places.iter().all(|place| root().join(place).exists()), "{places:?} are elsewhere now");
    assert!(wrong.is_empty(), "{why}\n{}", wrong.join("\n"));
}

#[test]
fn sql_stands_in_the_store() {
    let words = [
        "sqlx::",
        "rusqlite::",
        "\"SELECT ",
        "\"INSERT INTO ",
        "\"UPDATE ",
        "\"DELETE FROM ",
        "\"CREATE TABLE ",
        "\"PRAGMA ",
    ];
    only_in(
        &["server/src/store/"],
        &["engine/src", "speech/src", "server/src"],
        &words,
        "SQL stands in server/src/store alone",
    );
}

#[test]
fn status_codes_stand_with_the_errors_of_the_api() {
    only_in(
        &["server/src/api/error.rs"],
        &["server/src"],
        &["StatusCode", "http::status"],
        "name the status in server/src/api/error.rs and use it from there",
    );
}

#[test]
fn the_environment_is_read_by_the_configuration() {
    only_in(
        &["server/src/config.rs"],
        &["engine/src", "speech/src", "server/src"],
        &["std::env::", "env::var", "use std::env"],
        "only server/src/config.rs reads the environment",
    );
}

#[test]
fn the_clock_is_read_in_one_place() {
    let words = ["SystemTime", "Instant::now", "Timestamp::now", "Zoned::now"];
    // Benchmarks measure how long it took; no decision rests on that.
    only_in(
        &["server/src/clock.rs", "server/src/store/bench.rs", "server/src/bench"],
        &["engine/src", "speech/src", "server/src"],
        &words,
        "only server/src/clock.rs reads the clock: pass the time in",
    );
}

#[test]
fn the_engine_does_nothing_but_decide() {
    let words = [
        "std::fs",
        "std::net",
        "std::env",
        "std::io",
        "std::process",
        "SystemTime",
        "Instant::",
        "time::Instant",
        "rand::",
        "getrandom",
        "tokio",
        "async ",
        ".await",
    ];
    only_in(&[], &["engine/src"], &words, "the engine has no IO, no clock, no randomness, no async");
}

#[test]
fn the_architecture_is_short_and_names_what_exists() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let lines = text.lines().count();
    assert!(lines < 150, "ARCHITECTURE.md has {lines} lines: it stays below 150");
    let path = |word: &&str| {
        let plain = word.chars().all(|sign| sign.is_ascii_alphanumeric() || "/._-".contains(sign));
        let known = [".rs", ".md", ".toml"].iter().any(|end| word.ends_with(end));
        plain && !word.starts_with('/') && (word.contains('/') || known)
    };
    let named: Vec<&str> = text.split('`').skip(1).step_by(2).filter(path).collect();
    assert!(named.len() > 20, "the paths are not found in the text any more: {named:?}");
    let missing: Vec<&str> = named.into_iter().filter(|named| !root().join(named).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what is not there: {missing:?}");
}

#[test]
fn rules_and_migrations_are_utf_8_with_plain_line_ends() {
    let mut all = files("engine/rules", &[".rules"]);
    all.extend(files("server/migrations", &[".sql"]));
    assert!(all.len() > 3, "rules and migrations are elsewhere now");
    for (path, bytes) in all {
        assert!(
            !bytes.contains(&b'\r'),
            "{path} has carriage returns: rules and hashes would differ by system"
        );
        assert!(!bytes.starts_with(b"\xef\xbb\xbf"), "{path} begins with a byte order mark");
        let text = std::str::from_utf8(&bytes).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(text.is_empty() || text.ends_with('\n'), "{path} does not end with a line end");
    }
}
