//! `gradus protocol check|test|diff|backtest`: is a protocol file right, does it do what its own examples say, what does it
//! change, and what would it have changed on the history.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use gradus_engine::backtest::Difference;
use gradus_engine::detect::Detector;
use gradus_engine::protocol::{DEFAULT_TEXT, Protocol, VARIABLES};
use gradus_engine::time::Millis;
use serde_json::json;

use super::{Ended, progress};
use crate::config::Config;
use crate::{backtest, desk, ears, protocol_diff};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a protocol file and the built-in rules; every fault is named with its line and the cure.
    Check {
        /// The file; the protocol that ships with the product when left out.
        file: Option<PathBuf>,
        /// Show the variables that conditions may use.
        #[arg(long)]
        variables: bool,
    },
    /// Run the test cases inside a protocol file.
    Test {
        /// The file; the protocol that ships with the product when left out.
        file: Option<PathBuf>,
    },
    /// Show what differs between two protocol files, whatever their order and comments.
    Diff {
        /// The draft.
        new: PathBuf,
        /// What it is compared with; the protocol in force when left out.
        old: Option<PathBuf>,
    },
    /// Publish a protocol file: every running server takes it up within seconds, without a restart.
    Publish {
        /// The file.
        file: PathBuf,
        /// What changes, and why.
        #[arg(long)]
        comment: String,
    },
    /// List the versions that were in force, the newest first.
    Versions,
    /// Show what a draft would have decided on the conversations in the store, one by one.
    Backtest(Backtesting),
}

#[derive(clap::Args)]
struct Backtesting {
    /// The draft.
    draft: PathBuf,
    /// Weeks of history.
    #[arg(long, default_value_t = 8)]
    weeks: u32,
    /// Print JSON: one object a conversation that changes, then the sums.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    match &arguments.command {
        Command::Check { variables: true, .. } => {
            for (name, kind, meaning) in VARIABLES {
                println!("{name:<18}{kind:<14}{meaning}");
            }
            Ok(Ended::Well)
        }
        Command::Check { file, .. } => check(file.as_deref()),
        Command::Test { file } => test(file.as_deref()),
        Command::Diff { new, old } => diff(new, old.as_deref()),
        Command::Publish { file, comment } => {
            tokio::runtime::Runtime::new()?.block_on(publish(file, comment, Config::load()?))
        }
        Command::Versions => tokio::runtime::Runtime::new()?.block_on(versions(Config::load()?)),
        Command::Backtest(arguments) => {
            tokio::runtime::Runtime::new()?.block_on(backtest(arguments, Config::load()?))
        }
    }
}

fn check(file: Option<&Path>) -> Result<Ended> {
    let protocol = ears::protocol(file)?;
    let faults = Detector::check(Detector::builtin_files());
    for fault in &faults {
        eprintln!("{fault}");
    }
    println!(
        "{} (version {}): {} clauses, {} test cases",
        protocol.title,
        protocol.version,
        protocol.clauses.len(),
        protocol.tests.len()
    );
    println!(
        "rules: {} in {} files, {} faults",
        Detector::builtin().rule_count(),
        Detector::builtin_files().len(),
        faults.len()
    );
    Ok(if faults.is_empty() { Ended::Well } else { Ended::SomeFailed })
}

fn test(file: Option<&Path>) -> Result<Ended> {
    let protocol = ears::protocol(file)?;
    let mut failed = 0;
    for test in &protocol.tests {
        let outcome = test.run(&protocol);
        if outcome.passed() {
            println!("ok      {}", test.name);
        } else {
            failed += 1;
            println!(
                "FAILED  {}\n        expected {:?}\n        decided  {:?}",
                test.name, outcome.expected, outcome.decided
            );
        }
    }
    println!("{} passed, {failed} failed", protocol.tests.len() - failed);
    Ok(if failed == 0 { Ended::Well } else { Ended::SomeFailed })
}

fn diff(new: &Path, old: Option<&Path>) -> Result<Ended> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let in_force = Config::load()?.conversation;
    let old = match old.or(in_force.protocol_file()) {
        Some(path) => read(path)?,
        None => DEFAULT_TEXT.to_owned(),
    };
    // What is wrong with the draft is said here, not when it is put in force.
    ears::protocol(Some(new))?;
    let changes = protocol_diff::diff(&old, &read(new)?)?;
    for change in &changes {
        println!("{change}");
    }
    if changes.is_empty() {
        println!("nothing differs");
    }
    Ok(Ended::Well)
}

async fn publish(file: &Path, comment: &str, config: Config) -> Result<Ended> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    // Faults are named with the file, its lines and the cures.
    let protocol = ears::protocol(Some(file))?;
    if !matches!(test(Some(file))?, Ended::Well) {
        return Ok(Ended::SomeFailed);
    }
    let store = desk::existing_store(&config).await?;
    let now = store.clock().now();
    let number = store.publish_protocol(&protocol.version, &text, ("cli", comment.trim()), now).await?;
    let object = format!("protocol:{}", protocol.version);
    store.audit(now, "cli", "protocol.publish", &object, comment.trim()).await?;
    store.close().await;
    println!(
        "version {} is published as number {number}: servers take it up within seconds",
        protocol.version
    );
    Ok(Ended::Well)
}

async fn versions(config: Config) -> Result<Ended> {
    let store = desk::existing_store(&config).await?;
    for row in store.published_protocols().await? {
        let at = jiff::Timestamp::from_millisecond(row.published_at_ms).unwrap_or_default();
        println!("{}\t{}\t{at}\t{}\t{}", row.number, row.version, row.published_by, row.comment);
    }
    store.close().await;
    Ok(Ended::Well)
}

async fn backtest(arguments: &Backtesting, config: Config) -> Result<Ended> {
    let draft = ears::protocol(Some(&arguments.draft))?;
    let store = desk::open_store(&config).await?;
    let published = store.published_protocols().await?.into_iter().next();
    let in_force = match published {
        Some(row) => Protocol::parse(&row.version, &row.text)
            .map_err(|faults| anyhow::anyhow!("the protocol in force is faulty: {faults:?}"))?,
        None => ears::protocol(config.conversation.protocol_file())?,
    };
    let zone = config.conversation.defaults()?.zone;
    let weeks = Millis::minutes(u64::from(arguments.weeks) * 7 * 24 * 60);
    let since = store.clock().now().minus(weeks);
    let bar = progress(usize::try_from(store.last_position().await?).unwrap_or(0), "replaying");
    let reached = backtest::Progress::default();
    let shown = {
        let (bar, reached) = (bar.clone(), reached.clone());
        tokio::spawn(async move {
            loop {
                bar.set_position(u64::try_from(reached.position()).unwrap_or(0));
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        })
    };
    let found = backtest::backtest(&store, (&in_force, &draft), (since, &zone), &reached).await;
    shown.abort();
    bar.finish_and_clear();
    store.close().await;
    let found = found?.unwrap_or_default();
    if arguments.json {
        print_json(&found);
    } else {
        print_words(&found);
    }
    Ok(Ended::Well)
}

fn print_json(found: &backtest::Backtest) {
    for changed in &found.changed {
        for (difference, decision) in &changed.differences {
            let difference = match difference {
                Difference::Added => json!("added"),
                Difference::Missed => json!("missed"),
                Difference::Moved(later) => json!({"utterances_later": later}),
            };
            let line = json!({
                "conversation": changed.conversation, "utterance": decision.utterance, "clause": decision.clause,
                "decision": decision.decision.name(), "reason": decision.reason.name(), "difference": difference,
            });
            println!("{line}");
        }
    }
    let sums = json!({
        "conversations": found.conversations, "utterances": found.utterances, "changed": found.changed.len(),
        "engaged": found.engaged, "busiest_hour": found.busiest_hour, "by_hour": found.by_hour,
        "by_team": found.by_team, "alerts": found.alerts, "climbed": found.climbed, "warned": found.warned,
        "breached": found.breached,
    });
    println!("{sums}");
}

fn print_words(found: &backtest::Backtest) {
    for changed in &found.changed {
        for (difference, decision) in &changed.differences {
            let sign = match difference {
                Difference::Added => "+".to_owned(),
                Difference::Missed => "-".to_owned(),
                Difference::Moved(later) => format!("{later:+}"),
            };
            let (conversation, utterance) = (&changed.conversation, decision.utterance);
            let (kind, reason, clause) = (decision.decision, decision.reason, &decision.clause);
            println!("{sign}\t{conversation}\t{utterance}\t{kind} {reason}\t{clause}");
        }
    }
    let (conversations, utterances, changed) = (found.conversations, found.utterances, found.changed.len());
    println!("{conversations} conversations, {utterances} utterances; {changed} decided differently");
    for (what, both) in [
        ("a supervisor brought in", found.engaged),
        ("most in one hour", found.busiest_hour),
        ("alerts", found.alerts),
        ("alerts past the first step", found.climbed),
        ("clocks that warned", found.warned),
        ("clocks that ran out", found.breached),
    ] {
        println!("{what}: {}, by the draft {}", both.in_force, both.draft);
    }
}
