//! `gradus rules check|try`: are the rule files right, and why does a sentence fire or not.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use gradus_engine::detect::{Detector, Scratch};
use gradus_engine::signal::{Channel, Party};

use super::Ended;
use crate::rules;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile rule files, run their examples and look for rules that cannot work.
    Check {
        /// Folder of rule files; the rules that ship with the product when left out.
        folder: Option<PathBuf>,
    },
    /// Show which rules apply to a sentence, and which would but for a circumstance.
    Try {
        /// What was said.
        text: String,
        /// Folder of rule files; the rules that ship with the product when left out.
        #[arg(long)]
        rules: Option<PathBuf>,
        /// Who said it: customer or agent.
        #[arg(long, default_value = "customer")]
        party: Party,
        /// Where: call, chat, email or `in_person`.
        #[arg(long, default_value = "call")]
        channel: Channel,
    },
    /// Write the rules that ship with the product into a folder, as a beginning for a company's own.
    Export {
        /// The folder; made when missing. Files that are there already are left alone.
        folder: PathBuf,
    },
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    match &arguments.command {
        Command::Check { folder } => check(folder.as_deref()),
        Command::Try { text, rules, party, channel } => {
            let detector = match rules {
                Some(folder) => rules::load(folder)?,
                None => Detector::builtin(),
            };
            explain(&detector, text, *party, *channel);
            Ok(Ended::Well)
        }
        Command::Export { folder } => export(folder),
    }
}

fn check(folder: Option<&Path>) -> Result<Ended> {
    let files = match folder {
        Some(folder) => rules::read(folder)?,
        None => {
            Detector::builtin_files().iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
        }
    };
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let faults = Detector::check(&files);
    for fault in &faults {
        eprintln!("{fault}");
    }
    let rules = Detector::new(&files).map_or(0, |detector| detector.rule_count());
    println!("{rules} rules in {} files, {} faults", files.len(), faults.len());
    Ok(if faults.is_empty() { Ended::Well } else { Ended::SomeFailed })
}

fn explain(detector: &Detector, text: &str, party: Party, channel: Channel) {
    let mut scratch = Scratch::default();
    let found = detector.detect_with(text, party, channel, &mut scratch);
    for found in &found {
        println!("{}\t«{}»\t{}\t{} %", found.kind.name(), found.quote(text), found.rule, found.confidence);
    }
    for &(rule, reason) in scratch.prevented() {
        if let Some(place) = detector.rule_place(rule) {
            println!("not\t{place}\t{}", detector.reason_name(reason));
        }
    }
    if found.is_empty() {
        println!("no rule applies");
    }
}

fn export(folder: &Path) -> Result<Ended> {
    std::fs::create_dir_all(folder)?;
    let mut kept = 0;
    for (name, text) in Detector::builtin_files() {
        let path = folder.join(name);
        if path.exists() {
            kept += 1;
        } else {
            std::fs::write(path, text)?;
        }
    }
    println!("{} files written, {kept} were there already", Detector::builtin_files().len() - kept);
    Ok(Ended::Well)
}
