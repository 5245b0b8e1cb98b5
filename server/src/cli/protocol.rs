//! `gradus protocol check|test|diff|backtest`: is a protocol file right, does it do what its own examples say, what does it
//! change, and what would it have changed on the history.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use gradus_engine::backtest::Difference;
use gradus_engine::detect::Detector;
use gradus_engine::protocol::{DEFAULT_TEXT, VARIABLES};
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
    let in_force = ears::protocol(config.conversation.protocol_file())?;
    let draft = ears::protocol(Some(&arguments.draft))?;
    let store = desk::open_store(&config).await?;
    let weeks = Millis::minutes(u64::from(arguments.weeks) * 7 * 24 * 60);
    let since = store.clock().now().minus(weeks);
    let bar = progress(usize::try_from(store.last_position().await?).unwrap_or(0), "replaying");
    let mut done = |position| bar.set_position(u64::try_from(position).unwrap_or(0));
    let found = backtest::backtest(&store, (&in_force, &draft), since, &mut done).await?;
    bar.finish_and_clear();
    store.close().await;
    for changed in &found.changed {
        for (difference, decision) in &changed.differences {
            if arguments.json {
                println!(
                    "{}",
                    json!({
                        "conversation": changed.conversation, "utterance": decision.utterance, "clause": decision.clause,
                        "decision": decision.decision.name(), "reason": decision.reason.name(),
                        "difference": match difference {
                            Difference::Added => json!("added"),
                            Difference::Missed => json!("missed"),
                            Difference::Moved(later) => json!({"utterances_later": later}),
                        },
                    })
                );
            } else {
                let sign = match difference {
                    Difference::Added => "+".to_owned(),
                    Difference::Missed => "-".to_owned(),
                    Difference::Moved(later) => format!("{later:+}"),
                };
                println!(
                    "{sign}\t{}\t{}\t{} {}\t{}",
                    changed.conversation,
                    decision.utterance,
                    decision.decision,
                    decision.reason,
                    decision.clause
                );
            }
        }
    }
    let sums = json!({
        "conversations": found.conversations, "utterances": found.utterances, "changed": found.changed.len(),
        "engaged": {"in_force": found.old_engaged, "draft": found.new_engaged},
        "busiest_hour": {"in_force": found.busiest_hour.0, "draft": found.busiest_hour.1},
    });
    if arguments.json {
        println!("{sums}");
    } else {
        println!(
            "{} conversations, {} utterances; {} decided differently; a supervisor brought in {} times, by the draft {}; \
             most in one hour {}, by the draft {}",
            found.conversations,
            found.utterances,
            found.changed.len(),
            found.old_engaged,
            found.new_engaged,
            found.busiest_hour.0,
            found.busiest_hour.1
        );
    }
    Ok(Ended::Well)
}
