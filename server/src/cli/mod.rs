//! The commands of `gradus`. Each prints its result on standard output and says what is wrong on standard error.
//!
//! Exit codes: 0 all went well, 1 something failed and the rest was done, 2 wrong usage.

mod analyze;
mod backup;
mod bench;
mod detect;
mod doctor;
mod eval;
mod import;
mod model;
mod practice;
mod protocol;
mod rebuild;
mod report;
mod rules;
mod serve;
mod train;
mod transcribe;
mod user;

pub use import::import_described;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Gradus: an escalation desk for contact centres and sales teams.
#[derive(Parser)]
#[command(version, about, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Judge recordings, vCons and transcripts: one JSON a conversation.
    Analyze(analyze::Arguments),
    /// Notice signals in lines of JSON from standard input.
    Detect(detect::Arguments),
    /// Turn recordings into words with times.
    Transcribe(transcribe::Arguments),
    /// Speech models: list, pull, import, remove, check.
    Model(model::Arguments),
    /// Work on protocol files: check, test.
    Protocol(protocol::Arguments),
    /// List the practice scenarios, or check one of your own.
    Practice(practice::Arguments),
    /// Rule files: check, try a sentence, export.
    Rules(rules::Arguments),
    /// Serve pages and API.
    Serve(serve::Arguments),
    /// Take recordings, conversations, customers, purchases and cases of former times into the store.
    Import(import::Arguments),
    /// People who may sign in.
    User(user::Arguments),
    /// Write everything that is kept into one archive.
    Backup(backup::BackUp),
    /// Read an archive into an empty store.
    Restore(backup::Restore),
    /// Read everything that follows from the log of events off it again.
    Rebuild(rebuild::Arguments),
    /// Say what is missing or wrong, with the cure; changes nothing.
    Doctor(doctor::Arguments),
    /// Write the report of a week.
    Report(report::Arguments),
    /// Measure the detector on a labelled file.
    Eval(eval::Arguments),
    /// Train the classifier on labelled files.
    Train(train::Arguments),
    /// Benchmarks: one JSON line each.
    Bench(bench::Arguments),
}

/// How a command ended, apart from failing altogether.
pub enum Ended {
    /// All went well.
    Well,
    /// Some failed; the rest was done.
    SomeFailed,
}

/// Runs the command of the arguments.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments.command) {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::SomeFailed) => ExitCode::from(1),
        Err(error) => {
            eprintln!("gradus: {error:#}");
            ExitCode::from(if error.is::<WrongUsage>() { 2 } else { 1 })
        }
    }
}

fn dispatch(command: Command) -> Result<Ended> {
    match command {
        Command::Analyze(arguments) => analyze::run(&arguments),
        Command::Detect(arguments) => detect::run(&arguments),
        Command::Transcribe(arguments) => transcribe::run(&arguments),
        Command::Model(arguments) => model::run(&arguments),
        Command::Protocol(arguments) => protocol::run(&arguments),
        Command::Practice(arguments) => practice::run(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::User(arguments) => user::run(&arguments),
        Command::Backup(arguments) => backup::back_up(&arguments),
        Command::Restore(arguments) => backup::restore(&arguments),
        Command::Rebuild(arguments) => rebuild::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
    }
}

/// The command was called wrongly.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUsage(pub String);

/// Returns a progress bar on standard error; hidden when standard error is no terminal.
pub fn progress(length: usize, what: &'static str) -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX));
    let style = indicatif::ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {eta} left");
    bar.set_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()).progress_chars("=> "));
    bar.set_message(what);
    bar
}
