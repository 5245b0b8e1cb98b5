//! `gradus eval`: how good the detector is on a labelled file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use gradus_engine::ear::{Ear, Sources};
use gradus_engine::signal::{Channel, Party, SignalKind};
use serde_json::json;

use super::Ended;
use crate::ears::builtin_ear;
use crate::eval::{by_keywords, corrupt, read, score};

#[derive(clap::Args)]
pub struct Arguments {
    /// Labelled files: tab-separated, with the columns party, channel, text, labels.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Which part is measured.
    #[arg(long, value_enum, default_value = "both")]
    source: Source,
    /// Also measure with 5, 10 and 20 % of the words corrupted as recognisers do.
    #[arg(long)]
    noise: bool,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
    /// Print the lines that were missed or found wrongly for this kind.
    #[arg(long)]
    show: Option<SignalKind>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Source {
    Rules,
    Classifier,
    Both,
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let ear = builtin_ear()?.with_sources(match arguments.source {
        Source::Rules => Sources::Rules,
        Source::Classifier => Sources::Classifier,
        Source::Both => Sources::Both,
    });
    let mut lines = Vec::new();
    for file in &arguments.files {
        lines.extend(read(file)?);
    }
    let judge = |text: &str, party: Party, channel: Channel| kinds(&ear, text, party, channel);
    if let Some(kind) = arguments.show {
        for line in lines.iter().filter(|line| line.party == kind.party()) {
            let (labelled, found) =
                (line.labels.contains(&kind), judge(&line.text, line.party, line.channel).contains(&kind));
            if labelled != found {
                println!(
                    "{}\t{}\t{}",
                    if labelled { "missed" } else { "false" },
                    line.channel.name(),
                    line.text
                );
            }
        }
        return Ok(Ended::Well);
    }
    let report = score(&lines, &judge);
    let baseline = score(&lines, &by_keywords);
    let mut noisy = Vec::new();
    for percent in [5, 10, 20].into_iter().filter(|_| arguments.noise) {
        let mut corrupted = lines.clone();
        for (line, seed) in corrupted.iter_mut().zip(1..) {
            line.text = corrupt(&line.text, percent, seed);
        }
        noisy.push((percent, score(&corrupted, &judge).macro_f1()));
    }
    if arguments.json {
        let noise: Vec<_> =
            noisy.iter().map(|(percent, f1)| json!({"percent": percent, "macro_f1": f1})).collect();
        println!(
            "{}",
            json!({
                "report": report, "macro_f1": report.macro_f1(), "alarming_f1": report.alarming_f1(),
                "false_alarms_per_1000": report.false_alarms_per_1000(), "keywords_macro_f1": baseline.macro_f1(), "noise": noise,
            })
        );
        return Ok(Ended::Well);
    }
    print!("{report}");
    println!("keyword list on the same lines: macro F1 {:.3}", baseline.macro_f1());
    for (percent, f1) in noisy {
        println!("with {percent} % of the words corrupted: macro F1 {f1:.3}");
    }
    Ok(Ended::Well)
}

fn kinds(ear: &Ear, text: &str, party: Party, channel: Channel) -> BTreeSet<SignalKind> {
    ear.signals(text, party, channel).into_iter().map(|found| found.kind).collect()
}
