//! How fast signals are noticed: the rules alone with different numbers of rules, then with the trained parts, then the same
//! lines by pymorphy3 and `re` in Python.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use gradus_engine::detect::{Detector, Scratch, multiplied};
use gradus_engine::ear::Sources;
use gradus_engine::signal::{Channel, Party, SignalKind};
use serde_json::{Value, json};

use super::{Times, memory_mib, thread_cpu};
use crate::ears;

/// The peer: our own small program over a library of Python.
const PEER: &str = include_str!("peer.py");
/// What the peer needs, with versions.
const PEER_NEEDS: [&str; 2] = ["pymorphy3==2.0.6", "pymorphy3-dicts-ru==2.4.417150.4580142"];
/// How often the warm lines are judged.
const ROUNDS: usize = 5;
/// Letters of the long text.
const LONG: usize = 1 << 20;

/// A line to judge.
pub struct Line {
    /// Who says it.
    pub party: Party,
    /// The words.
    pub text: String,
}

/// Returns the lines that the product carries: the examples of its rule files.
pub fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for (_, rules) in Detector::builtin_files() {
        let mut party = Party::Customer;
        for line in rules.lines().map(str::trim) {
            if let Some(kind) = line.strip_prefix("вид:") {
                party = kind.trim().parse().map_or(party, |kind: SignalKind| kind.party());
            }
            if let Some(text) = line.strip_prefix("+ ").or_else(|| line.strip_prefix("- ")) {
                lines.push(Line { party, text: text.to_owned() });
            }
        }
    }
    lines
}

/// Measures with `count` rules: the shipped ones, multiplied with other words where they do not suffice.
///
/// # Errors
/// When the multiplied rules do not compile, which is a fault of the multiplication.
pub fn rules(count: usize, lines: &[Line]) -> Result<Value> {
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let files = multiplied(Detector::builtin_files(), count, &texts);
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let (memory, begin) = (memory_mib(), thread_cpu());
    let detector = match Detector::new(&files) {
        Ok(detector) => detector,
        Err(errors) => bail!("{} faults in multiplied rules; the first: {}", errors.len(), errors[0]),
    };
    let load = thread_cpu().saturating_sub(begin);
    let held = memory_mib().zip(memory).map(|(now, then)| now - then);
    let mut scratch = Scratch::default();
    let judge = |line: &Line, scratch: &mut Scratch| {
        detector.detect_with(&line.text, line.party, Channel::Call, scratch).len()
    };
    let mut found = 0;
    let cold = Times::of(lines, |line| found += judge(line, &mut scratch));
    let again: Vec<&Line> = std::iter::repeat_n(lines, ROUNDS).flatten().collect();
    let warm = Times::of(&again, |line| {
        judge(line, &mut scratch);
    });
    let mut long = texts.join(" ");
    while long.len() < LONG {
        long.push_str(&texts.join(" "));
    }
    long.truncate((LONG..).find(|&at| long.is_char_boundary(at)).unwrap_or(0).min(long.len()));
    let begin = thread_cpu();
    detector.detect(&long, Party::Customer, Channel::Chat);
    let long = thread_cpu().saturating_sub(begin);
    Ok(json!({
        "rules": detector.rule_count(),
        "multiplied": detector.rule_count() > Detector::builtin().rule_count(),
        "load_cpu_ms": rounded(load.as_secs_f64() * 1e3),
        "memory_mib": held.map(rounded),
        "cold": figures(&cold),
        "warm": figures(&warm),
        "findings_per_utterance": rounded(found as f64 / lines.len().max(1) as f64),
        "one_mib_utterance_cpu_ms": rounded(long.as_secs_f64() * 1e3),
    }))
}

/// Measures the trained parts, each alone, and everything together as it is used; the lines are judged once.
///
/// # Errors
/// As [`ears::ear`].
pub fn trained(lines: &[Line]) -> Result<Value> {
    let (memory, begin) = (memory_mib(), thread_cpu());
    let mut ear = ears::ear(None)?;
    let load = thread_cpu().saturating_sub(begin);
    let held = memory_mib().zip(memory).map(|(now, then)| now - then);
    let mut all = json!({"load_cpu_ms": rounded(load.as_secs_f64() * 1e3), "memory_mib": held.map(rounded)});
    for (name, sources) in
        [("classifier", Sources::Classifier), ("encoder", Sources::Encoder), ("together", Sources::Both)]
    {
        ear = ear.with_sources(sources);
        let times = Times::of(lines, |line| {
            ear.signals(&line.text, line.party, Channel::Call);
        });
        all[name] = figures(&times);
    }
    Ok(all)
}

/// Returns how many times as long an utterance takes with the most rules as with the fewest, `state` being cold or warm.
pub fn growth(by_rules: &[Value], state: &str) -> Option<f64> {
    let count = |figures: &&Value| figures["rules"].as_u64();
    let speed = |figures: &Value| figures[state]["utterances_per_cpu_second"].as_f64();
    let (fewest, most) = (by_rules.iter().min_by_key(count)?, by_rules.iter().max_by_key(count)?);
    Some(rounded(speed(fewest)? / speed(most)?.max(1e-9)))
}

fn figures(times: &Times) -> Value {
    json!({
        "utterances_per_cpu_second": times.per_second().round(),
        "median_us": rounded(times.at(0.5)),
        "p99_us": rounded(times.at(0.99)),
    })
}

fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// Judges the same lines by pymorphy3 and `re`: every positive example of the rules becomes a pattern over lemmas. Makes an
/// environment of its own below `folder`, filled by pip.
///
/// # Errors
/// When Python or the packages cannot be had; the cure is named.
pub fn peer(folder: &Path, lines: &[Line], patterns: usize) -> Result<Value> {
    let python = environment(folder, &PEER_NEEDS)?;
    let phrases: Vec<&str> = lines.iter().map(|line| line.text.as_str()).take(patterns).collect();
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let mut child = Command::new(python)
        .args(["-c", PEER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the peer does not start")?;
    let input = json!({"phrases": phrases, "texts": texts}).to_string();
    // The pipe is closed when it is dropped, which tells the peer that this is all.
    child.stdin.take().context("the peer has no input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("the peer failed: {}; `--peer none` leaves it out", output.status);
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Makes an environment of Python below `folder` and lets pip install packages into it; returns its interpreter.
pub(super) fn environment(folder: &Path, needs: &[&str]) -> Result<std::path::PathBuf> {
    let python = folder.join("bin/python");
    let cure = "install python3 with its module venv, or leave the peer out with `--peer none`";
    let made = Command::new("python3").args(["-m", "venv"]).arg(folder).status().context(cure)?;
    if !made.success() {
        bail!("python3 -m venv failed: {cure}");
    }
    let filled = Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(needs)
        .stdout(Stdio::null())
        .status()?;
    if !filled.success() {
        bail!("pip could not install {}: {cure}", needs.join(" and "));
    }
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_compares_the_most_rules_with_the_fewest() {
        let figures =
            |rules: u64, speed: f64| json!({"rules": rules, "warm": {"utterances_per_cpu_second": speed}});
        let by_rules = [figures(5_000, 80_000.0), figures(500, 120_000.0), figures(3_000, 100_000.0)];
        assert_eq!(growth(&by_rules, "warm"), Some(1.5));
        assert_eq!(growth(&by_rules, "cold"), None);
        assert_eq!(growth(&[], "warm"), None);
    }

    #[test]
    fn the_figures_of_the_rules_name_what_was_measured() {
        let lines: Vec<Line> = lines().into_iter().take(50).collect();
        assert_eq!(lines.len(), 50);
        let shipped = Detector::builtin().rule_count();
        let figures = rules(shipped, &lines).unwrap();
        assert_eq!(
            (figures["rules"].as_u64(), figures["multiplied"].as_bool()),
            (Some(shipped as u64), Some(false))
        );
        let more = rules(shipped + 1, &lines).unwrap();
        assert!(more["rules"].as_u64() > Some(shipped as u64) && more["multiplied"] == true, "{more}");
        assert!(more["cold"]["utterances_per_cpu_second"].as_f64() > Some(0.0), "{more}");
    }
}
