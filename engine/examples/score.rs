//! Scores the rules on labelled utterances: `cargo run -p gradus-engine --example score -- [OPTIONS] FILE.tsv…`
//!
//! The header names the columns; needed are `party`, `text`, `labels` (separated by commas), `channel` if there is one.
//! `--rules DIR` reads the rule files from a folder instead of the compiled-in ones, so that writing rules needs no build.
//! `--misses KIND` and `--false KIND` print the failing lines; `--kind KIND` shows only one row; `--check` runs the examples;
//! `--say PARTY TEXT` shows what one text gives.

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;

use gradus_engine::detect::{Detector, RuleError, Scratch};
use gradus_engine::signal::{Channel, JudgedBy, Party, SignalKind};

#[derive(Default)]
struct Counts {
    right: u32,
    wrong: u32,
    missed: u32,
}

impl Counts {
    fn precision(&self) -> f64 {
        ratio(self.right, self.right + self.wrong)
    }

    fn recall(&self) -> f64 {
        ratio(self.right, self.right + self.missed)
    }

    fn f1(&self) -> f64 {
        ratio(2 * self.right, 2 * self.right + self.wrong + self.missed)
    }
}

fn ratio(part: u32, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) }
}

struct Line {
    id: String,
    party: Party,
    channel: Channel,
    text: String,
    labels: Vec<SignalKind>,
}

#[derive(Default)]
struct Wanted {
    rules: Option<String>,
    misses: Option<String>,
    false_alarms: Option<String>,
    kind: Option<String>,
    check: bool,
    say: Option<(String, String)>,
    files: Vec<String>,
}

fn main() -> ExitCode {
    let wanted = arguments();
    match run(&wanted) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Wanted {
    let mut wanted = Wanted::default();
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--rules" => wanted.rules = rest.next(),
            "--misses" => wanted.misses = rest.next(),
            "--false" => wanted.false_alarms = rest.next(),
            "--kind" => wanted.kind = rest.next(),
            "--check" => wanted.check = true,
            "--say" => wanted.say = rest.next().zip(rest.next()),
            _ => wanted.files.push(argument),
        }
    }
    wanted
}

fn run(wanted: &Wanted) -> Result<bool, String> {
    let files = rule_files(wanted.rules.as_deref())?;
    let named: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    if wanted.check {
        let errors = Detector::check(&named);
        errors.iter().for_each(|error| println!("{error}"));
        println!("{} ошибок", errors.len());
        return Ok(errors.is_empty());
    }
    let detector = Detector::new(&named)
        .map_err(|errors| errors.iter().map(RuleError::to_string).collect::<Vec<_>>().join("\n"))?;
    if let Some((party, text)) = &wanted.say {
        say(&detector, party.parse().unwrap_or(Party::Customer), text);
        return Ok(true);
    }
    let mut lines = Vec::new();
    for file in &wanted.files {
        read_labelled(file, &mut lines)?;
    }
    score(&detector, &lines, wanted);
    Ok(true)
}

fn rule_files(folder: Option<&str>) -> Result<Vec<(String, String)>, String> {
    let Some(folder) = folder else {
        return Ok(Detector::builtin_files()
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect());
    };
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot read \"{folder}\": {error}"))?;
    let mut files = Vec::new();
    for path in entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "rules"))
    {
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("cannot read \"{}\": {error}", path.display()))?;
        files.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text));
    }
    files.sort();
    Ok(files)
}

fn say(detector: &Detector, party: Party, text: &str) {
    let mut scratch = Scratch::default();
    for found in detector.explain(text, party, Channel::Chat, &mut scratch) {
        println!("{} {}% «{}» — {}", found.kind, found.confidence, found.quote(text), found.rule);
    }
    for (rule, why) in scratch.prevented() {
        let place = detector.rule_place(*rule).map_or_else(String::new, ToString::to_string);
        println!("не сработало правило {place}: {}", detector.reason_name(*why));
    }
    for token in &scratch.text().tokens {
        let word = scratch.text().info(token);
        print!(
            "{}{} ",
            if token.border > 1 {
                "| "
            } else if token.border == 1 {
                "¦ "
            } else {
                ""
            },
            word.form
        );
    }
    println!();
}

fn read_labelled(file: &str, lines: &mut Vec<Line>) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read \"{file}\": {error}"))?;
    let mut rows = text.trim_start_matches('\u{feff}').lines();
    let header: Vec<&str> = rows.next().unwrap_or("").split('\t').collect();
    let column = |name: &str| header.iter().position(|column| *column == name);
    let (Some(party), Some(words), Some(labels)) = (column("party"), column("text"), column("labels")) else {
        return Err(format!("{file}: the header needs the columns party, text, labels"));
    };
    for (number, row) in rows.enumerate().filter(|(_, row)| !row.trim().is_empty()) {
        let cells: Vec<&str> = row.split('\t').collect();
        let cell = |index: usize| cells.get(index).copied().unwrap_or("").trim();
        let place = format!("{file}:{}", number + 2);
        let channel =
            column("channel").map_or("call", cell).parse().map_err(|error| format!("{place}: {error}"))?;
        let kinds = cell(labels).split([',', ' ']).filter(|name| !name.is_empty() && *name != "none");
        lines.push(Line {
            id: column("id").map_or(place.clone(), |index| cell(index).to_owned()),
            party: cell(party).parse().map_err(|error| format!("{place}: {error}"))?,
            channel,
            text: cell(words).to_owned(),
            labels: kinds
                .map(|name| name.parse().map_err(|error| format!("{place}: {error}")))
                .collect::<Result<_, _>>()?,
        });
    }
    Ok(())
}

fn score(detector: &Detector, lines: &[Line], wanted: &Wanted) {
    let mut counts: BTreeMap<SignalKind, Counts> = BTreeMap::new();
    let mut scratch = Scratch::default();
    for line in lines {
        let found = detector.detect_with(&line.text, line.party, line.channel, &mut scratch);
        for kind in SignalKind::ALL.iter().copied().filter(|kind| kind.judged_by() == JudgedBy::Utterance) {
            let count = counts.entry(kind).or_default();
            let hit = found.iter().find(|found| found.kind == kind);
            match (line.labels.contains(&kind), hit) {
                (true, Some(_)) => count.right += 1,
                (true, None) => {
                    count.missed += 1;
                    if wanted.misses.as_deref().is_some_and(|name| name == kind.name() || name == "all") {
                        println!("- {kind} {} {} {}", line.id, line.channel.name(), line.text);
                    }
                }
                (false, Some(found)) => {
                    count.wrong += 1;
                    if wanted.false_alarms.as_deref().is_some_and(|name| name == kind.name() || name == "all")
                    {
                        println!(
                            "+ {kind} {} {} {} ← «{}» {}",
                            line.id,
                            line.channel.name(),
                            line.text,
                            found.quote(&line.text),
                            found.rule
                        );
                    }
                }
                (false, None) => {}
            }
        }
    }
    table(&counts, lines.len(), wanted);
}

fn table(counts: &BTreeMap<SignalKind, Counts>, lines: usize, wanted: &Wanted) {
    println!("{:22} {:>5} {:>6} {:>6} {:>6} {:>5} {:>5}", "kind", "n", "P", "R", "F1", "false", "miss");
    let shown = |kind: &SignalKind| wanted.kind.as_deref().is_none_or(|name| name == kind.name());
    for (kind, count) in counts.iter().filter(|(kind, _)| shown(kind)) {
        let n = count.right + count.missed;
        println!(
            "{:22} {n:5} {:6.3} {:6.3} {:6.3} {:5} {:5}",
            kind.name(),
            count.precision(),
            count.recall(),
            count.f1(),
            count.wrong,
            count.missed
        );
    }
    let with_data: Vec<&Counts> = counts.values().filter(|count| count.right + count.missed > 0).collect();
    let macro_f1 = with_data.iter().map(|count| count.f1()).sum::<f64>() / with_data.len().max(1) as f64;
    let all = counts.values().fold(Counts::default(), |sum, one| Counts {
        right: sum.right + one.right,
        wrong: sum.wrong + one.wrong,
        missed: sum.missed + one.missed,
    });
    println!(
        "{lines} lines, {} kinds with data, macro F1 {macro_f1:.3}, micro F1 {:.3}",
        with_data.len(),
        all.f1()
    );
}
