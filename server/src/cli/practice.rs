//! `gradus practice list|check`: the scenarios, and whether a file of one's own is right.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;
use gradus_engine::practice::read;

use super::Ended;
use crate::config::Config;
use crate::{ears, practice};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the scenarios that can be practised.
    List,
    /// Check scenario files and play their tests with the ear and the protocol in force; every fault is named with its line and
    /// the cure.
    Check {
        /// The files; folders give their .toml files.
        files: Vec<PathBuf>,
    },
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let config = Config::load()?;
    match &arguments.command {
        Command::List => {
            let folder = config.practice.folder.as_str();
            let folder = (!folder.is_empty()).then(|| std::path::Path::new(folder));
            for scenario in practice::Book::open(folder)?.all() {
                println!("{}\t{}", scenario.id, scenario.title);
            }
            Ok(Ended::Well)
        }
        Command::Check { files } => check(files, &config),
    }
}

fn check(paths: &[PathBuf], config: &Config) -> Result<Ended> {
    let protocol = ears::protocol(config.conversation.protocol_file())?;
    let ear = ears::ear(config.notice.rules_folder())?;
    let mut failed = false;
    for path in paths {
        let files = if path.is_dir() { practice::files(path)? } else { vec![path.clone()] };
        for file in files {
            let text =
                std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            match read(&file.display().to_string(), &text, (&protocol, &ear)) {
                Ok(scenario) => println!("ok      {} ({})", scenario.title, scenario.id),
                Err(errors) => {
                    failed = true;
                    eprintln!("{errors}");
                }
            }
        }
    }
    Ok(if failed { Ended::SomeFailed } else { Ended::Well })
}
