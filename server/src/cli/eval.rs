//! `gradus eval`: how good the detector is on a labelled file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;
use gradus_engine::classify::Vote;
use gradus_engine::ear::{Ear, Sources};
use gradus_engine::judge::Judge;
use gradus_engine::signal::{Channel, Party, SignalKind};
use serde_json::json;

use super::{Ended, progress};
use crate::analyze::{Versions, report, to_judge};
use crate::config::Config;
use crate::eval::{Labelled, WithNoise, by_keywords, faults, read, read_expected, score, with_noise};
use crate::{ears, intake};

#[derive(clap::Args)]
pub struct Arguments {
    /// Labelled files: tab-separated, with the columns party, channel, text, labels. With --expected: conversations.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Measure whole conversations: the file that says which decisions must come, a JSON object a line.
    #[arg(long)]
    expected: Option<PathBuf>,
    /// Customers of the conversations: a CSV as `analyze` takes it.
    #[arg(long, requires = "expected")]
    customers: Option<PathBuf>,
    /// Folder of rule files; the rules that ship with the product when left out.
    #[arg(long)]
    rules: Option<PathBuf>,
    /// Which part is measured.
    #[arg(long, value_enum, default_value = "both")]
    source: Source,
    /// Also measure with so many per cent of the words corrupted as recognisers do; 5, 10 and 20 when no numbers follow.
    #[arg(
        long, value_name = "PERCENT", value_delimiter = ',', num_args = 0..=1, default_missing_value = "5,10,20",
        value_parser = clap::value_parser!(u32).range(1..=100)
    )]
    noise: Vec<u32>,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
    /// Print what each source makes of each kind, a JSON object a line: for finding out how they are best joined.
    #[arg(long)]
    scores: bool,
    /// Print the lines that were missed or found wrongly for this kind.
    #[arg(long)]
    show: Option<SignalKind>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Source {
    Rules,
    Classifier,
    Encoder,
    Both,
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let ear = ears::ear(arguments.rules.as_deref())?.with_sources(match arguments.source {
        Source::Rules => Sources::Rules,
        Source::Classifier => Sources::Classifier,
        Source::Encoder => Sources::Encoder,
        Source::Both => Sources::Both,
    });
    if let Some(expected) = &arguments.expected {
        return conversations(arguments, expected, &ear);
    }
    let mut lines = Vec::new();
    for file in &arguments.files {
        lines.extend(read(file)?);
    }
    if arguments.scores {
        print_scores(&ear, &lines);
        return Ok(Ended::Well);
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
    let noisy = with_noise(&lines, &arguments.noise, report.macro_f1(), &judge);
    if arguments.json {
        println!(
            "{}",
            json!({
                "report": report, "macro_f1": report.macro_f1(), "alarming_f1": report.alarming_f1(),
                "false_alarms_per_1000": report.false_alarms_per_1000(), "keywords_macro_f1": baseline.macro_f1(), "noise": noisy,
            })
        );
        return Ok(Ended::Well);
    }
    print!("{report}");
    println!("keyword list on the same lines: macro F1 {:.3}", baseline.macro_f1());
    for WithNoise { percent, macro_f1, lost } in noisy {
        println!("with {percent} % of the words corrupted: macro F1 {macro_f1:.3}, lost {lost:.3}");
    }
    Ok(Ended::Well)
}

/// Prints what each source makes of each kind of each line.
fn print_scores(ear: &Ear, lines: &[Labelled]) {
    for line in lines {
        let opinions = ear.opinions(&line.text, line.party, line.channel);
        let kinds: serde_json::Map<_, _> = opinions
            .iter()
            .map(|one| {
                let margin = |vote: Option<Vote>| vote.map(|vote| vote.margin);
                let rule = one.rule.as_ref().map(|rule| rule.confidence);
                (one.kind.name().to_owned(), json!([rule, margin(one.classifier), margin(one.encoder)]))
            })
            .collect();
        let labels: Vec<_> = line.labels.iter().map(|kind| kind.name()).collect();
        let trap = line.trap.map(SignalKind::name);
        println!("{}", json!({"labels": labels, "trap": trap, "kinds": kinds}));
    }
}

/// Judges conversations and compares the decisions with the expected ones.
fn conversations(arguments: &Arguments, expected: &Path, ear: &Ear) -> Result<Ended> {
    let expected = read_expected(expected)?;
    let protocol = ears::protocol(None)?;
    let customers = arguments.customers.as_deref().map(super::analyze::read_customers).transpose()?;
    let customers = customers.unwrap_or_default();
    let defaults = Config::load()?.conversation.defaults()?;
    let mut found = Vec::new();
    for file in ears::files(&arguments.files) {
        let file = file?;
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        for incoming in intake::open(&file, &defaults)? {
            found.push((name.clone(), incoming));
        }
    }
    // In order of their start, as they happened: earlier contacts and incidents count.
    found.sort_by_key(|(_, incoming)| incoming.started_at);
    let mut judge = Judge::new(&protocol, ear);
    let versions = Versions { protocol: &protocol.version, rules: ear.rules_version() };
    let (mut right, mut count, mut lines) = (0, 0, Vec::new());
    let bar = progress(found.len(), "judging");
    for (name, incoming) in &found {
        let judged = judge.conversation(&to_judge(incoming, &customers));
        bar.inc(1);
        let Some(expected) = expected.get(name) else { continue };
        let judged = report(name, incoming, &judged, versions, &serde_json::Value::Null);
        let faults = faults(expected, &judged);
        count += 1;
        right += u32::from(faults.is_empty());
        lines.extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    bar.finish_and_clear();
    lines.sort();
    if arguments.json {
        println!("{}", json!({"conversations": count, "right": right, "faults": lines}));
    } else {
        for line in lines {
            println!("{line}");
        }
        println!("{right} of {count} conversations wholly right");
    }
    Ok(Ended::Well)
}

fn kinds(ear: &Ear, text: &str, party: Party, channel: Channel) -> BTreeSet<SignalKind> {
    ear.signals(text, party, channel).into_iter().map(|found| found.kind).collect()
}
