//! `gradus report`: the report of a week as page, PDF, table, workbook or JSON.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::Ended;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::desk::existing_store;
use crate::report::{self, Week};
use crate::web::{Lang, Words};

#[derive(Args)]
pub struct Arguments {
    /// The week, such as 2026-W47; the last full one when left out.
    #[arg(long)]
    week: Option<String>,
    /// The form.
    #[arg(long, value_enum, default_value_t = Form::Html)]
    format: Form,
    /// Only what belongs to a team.
    #[arg(long)]
    team: Option<String>,
    /// The language: ru or en.
    #[arg(long, default_value = "ru")]
    lang: String,
    /// The file; standard output when left out.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Html,
    Pdf,
    Xlsx,
    Csv,
    Json,
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let config = Config::load()?;
    let zone = config.conversation.defaults()?.zone;
    let now = SystemClock.now();
    let week = match &arguments.week {
        Some(week) => Week::parse(week).context("--week")?,
        None => Week::of(now, &zone).before(1),
    };
    let report = tokio::runtime::Runtime::new()?.block_on(async {
        let store = existing_store(&config).await?;
        let report = report::read(&store, arguments.team.as_deref(), week, &zone).await;
        store.close().await;
        report
    })?;
    let words = Words::new(Lang::of(&arguments.lang), zone, now.millis());
    let base = config.http.public();
    let bytes = match arguments.format {
        Form::Html => report::html(&words, &report, &base).into_bytes(),
        Form::Pdf => report::pdf(&words, &report, &base)?,
        Form::Xlsx => report::xlsx(&words, &report)?,
        Form::Csv => report::csv(&words, &report)?,
        Form::Json => report::json(&report)?,
    };
    match &arguments.out {
        Some(path) => {
            std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        None => std::io::stdout().write_all(&bytes)?,
    }
    Ok(Ended::Well)
}
