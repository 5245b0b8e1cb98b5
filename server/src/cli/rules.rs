//! `gradus rules`: are the rule files right, why does a sentence fire or not, and what do people say of the signals.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use gradus_engine::detect::{Detector, Scratch};
use gradus_engine::signal::{Channel, Party};

use super::Ended;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::desk::existing_store;
use crate::store::{JudgedSignal, RuleVerdicts};
use crate::{feedback, rules};

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
    /// Show how often each rule was right, by the verdicts of people; the worst first.
    Precision {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write judged utterances as a labelled file, for `gradus train` and `gradus eval`.
    Examples {
        /// The file; standard output when left out.
        #[arg(long)]
        out: Option<PathBuf>,
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
        Command::Precision { json } => precision(*json),
        Command::Examples { out } => examples(out.as_deref()),
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

async fn judged() -> Result<(Vec<RuleVerdicts>, Vec<JudgedSignal>)> {
    let store = existing_store(&Config::load()?).await?;
    let since = feedback::recent_since(SystemClock.now());
    let all = (store.rule_verdicts(since).await?, store.judged_signals().await?);
    store.close().await;
    Ok(all)
}

fn precision(json: bool) -> Result<Ended> {
    let (verdicts, _) = tokio::runtime::Runtime::new()?.block_on(judged())?;
    let rules = feedback::precision(&verdicts);
    if json {
        println!("{}", serde_json::to_string(&rules)?);
        return Ok(Ended::Well);
    }
    if rules.is_empty() {
        println!("nobody has judged a signal yet: the buttons stand beside the signals of a conversation");
    }
    for rule in rules {
        let per_cent = |share: f64| (share * 100.0).round();
        println!(
            "{}\t{}\t{} right, {} wrong\t{} % ({}–{} %){}",
            rule.kind,
            rule.rule,
            rule.right,
            rule.wrong,
            per_cent(rule.share),
            per_cent(rule.between.0),
            per_cent(rule.between.1),
            if rule.falling { "\tfalling" } else { "" },
        );
    }
    Ok(Ended::Well)
}

fn examples(out: Option<&Path>) -> Result<Ended> {
    let (_, signals) = tokio::runtime::Runtime::new()?.block_on(judged())?;
    let examples = feedback::examples(&signals);
    let text = feedback::write(&examples);
    match out {
        None => print!("{text}"),
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
            println!("{} examples written", examples.len());
        }
    }
    Ok(Ended::Well)
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
