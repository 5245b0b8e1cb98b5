//! `gradus analyze`: recordings, vCons and transcripts in; one JSON a conversation out.
//!
//! Conversations are judged in order of their start, printed in order of the arguments.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gradus_engine::ear::Ear;
use gradus_engine::event::Heard;
use gradus_engine::judge::Judge;
use serde_json::{Value, json};

use super::{Ended, progress};
use crate::analyze::{Versions, alerts, report, to_judge};
use crate::config::Config;
use crate::ears;
use crate::intake::customers::{self, Customers};
use crate::intake::{self, Incoming};
use crate::listen::{LazyEngine, listen};

#[derive(clap::Args)]
pub struct Arguments {
    /// Files or folders: recordings, vCon, WebVTT, SRT, CSV, NDJSON.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Customers: a CSV with tel, email, name, id, revenue_rank, growth_rank, …
    #[arg(long)]
    customers: Option<PathBuf>,
    /// Protocol file; the one that ships with the product when left out.
    #[arg(long)]
    protocol: Option<PathBuf>,
    /// Folder of rule files; the rules that ship with the product when left out.
    #[arg(long)]
    rules: Option<PathBuf>,
    /// Time zone of times without an offset.
    #[arg(long)]
    timezone: Option<String>,
    /// Let the clocks of cases run as on a server where nobody acts, and print whom the alerts told: when the decision
    /// was made, when nobody answered, when the time to resolve ran out.
    #[arg(long)]
    clocks: bool,
}

/// A conversation that waits for its turn, or the reason why there is none.
struct Waiting {
    file: String,
    content: Result<(Incoming, Vec<Heard>, Value)>,
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let mut config = Config::load()?;
    if let Some(zone) = &arguments.timezone {
        config.conversation.timezone.clone_from(zone);
    }
    let customers = match &arguments.customers {
        Some(path) => read_customers(path)?,
        None => Customers::default(),
    };
    let protocol = ears::protocol(arguments.protocol.as_deref())?;
    let ear = ears::ear(arguments.rules.as_deref().or_else(|| config.notice.rules_folder()))?;
    let waiting = read_all(arguments, &config, &ear)?;
    let mut order: Vec<usize> = (0..waiting.len()).collect();
    order.sort_by_key(|&index| {
        waiting
            .get(index)
            .and_then(|one| one.content.as_ref().ok())
            .and_then(|(incoming, ..)| incoming.started_at)
    });
    let mut judge = Judge::new(&protocol, &ear);
    if arguments.clocks {
        judge = judge.with_clocks();
    }
    let versions = Versions { protocol: &protocol.version, rules: ear.rules_version() };
    let mut lines: Vec<Value> = vec![Value::Null; waiting.len()];
    let mut failed = false;
    for index in order {
        let Some(one) = waiting.get(index) else { continue };
        lines[index] = match &one.content {
            Ok((incoming, heard, sound)) => {
                let mut conversation = to_judge(incoming, &customers);
                conversation.heard.clone_from(heard);
                let judged = judge.conversation(&conversation);
                let mut line = report(&one.file, incoming, &judged, versions, sound);
                if let Some(fields) = line.as_object_mut().filter(|_| arguments.clocks) {
                    fields.insert("alerts".to_owned(), alerts(&judged.told, incoming.utc_offset_s));
                }
                line
            }
            Err(error) => {
                failed = true;
                json!({"file": one.file, "error": format!("{error:#}")})
            }
        };
    }
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    for line in lines {
        if writeln!(out, "{line}").is_err() {
            break;
        }
    }
    Ok(if failed { Ended::SomeFailed } else { Ended::Well })
}

/// Reads a customers' list.
pub fn read_customers(path: &Path) -> Result<Customers> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    customers::parse(&bytes).map_err(|fault| anyhow::anyhow!("{}: {fault}", path.display()))
}

fn read_all(arguments: &Arguments, config: &Config, ear: &Ear) -> Result<Vec<Waiting>> {
    let defaults = config.conversation.defaults()?;
    let mut engine = LazyEngine::new(&config.speech);
    let files = ears::files(&arguments.paths);
    let bar = progress(files.len(), "reading");
    let mut waiting = Vec::new();
    for file in files {
        match file {
            Err(error) => {
                let file = error.file.display().to_string();
                waiting.push(Waiting { file, content: Err(error.into()) });
            }
            Ok(path) => {
                let file = path.display().to_string();
                match intake::open(&path, &defaults) {
                    Err(error) => waiting.push(Waiting { file, content: Err(error.into()) }),
                    Ok(found) => waiting.extend(found.into_iter().map(|incoming| {
                        let content = hear(&path, incoming, &mut engine, ear, config);
                        Waiting { file: file.clone(), content }
                    })),
                }
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(waiting)
}

/// Recognises the sound of a conversation that has no words yet.
fn hear(
    path: &Path,
    mut incoming: Incoming,
    engine: &mut LazyEngine<'_>,
    ear: &Ear,
    config: &Config,
) -> Result<(Incoming, Vec<Heard>, Value)> {
    if incoming.recordings.is_empty() || !incoming.utterances.is_empty() {
        return Ok((incoming, Vec::new(), Value::Null));
    }
    let engine = engine.get()?;
    let listened = listen(path, &mut incoming, (engine, ear), &config.speech, &mut |_| {})?;
    Ok((incoming, listened.heard, listened.sound))
}
