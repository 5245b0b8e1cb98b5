//! `gradus protocol check|test`: is a protocol file right, and does it do what its own examples say.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use gradus_engine::detect::Detector;
use gradus_engine::protocol::VARIABLES;

use super::Ended;
use crate::ears;

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
    }
}

fn check(file: Option<&std::path::Path>) -> Result<Ended> {
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

fn test(file: Option<&std::path::Path>) -> Result<Ended> {
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
