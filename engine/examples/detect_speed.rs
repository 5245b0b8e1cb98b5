//! Measures the detector: `cargo run --release -p gradus-engine --example detect_speed -- [--rules N] [--noise PERCENT] [FILE.tsv…]`
//!
//! Texts: the examples of the rule files, and the column `text` of the files given. With `--rules` the shipped rules are
//! multiplied until there are N: in every copy each longer word of a pattern is replaced, every fourth by a word of the texts, the
//! others by words of the dictionary. With `--noise` that share of the words gets two letters swapped.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use gradus_engine::detect::lexicon::Lexicon;
use gradus_engine::detect::{Detector, Scratch};
use gradus_engine::signal::{Channel, Party};

struct Text {
    party: Party,
    words: String,
}

fn main() {
    let (mut rules, mut noise, mut files) = (0, 0, Vec::new());
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--rules" => rules = rest.next().and_then(|number| number.parse().ok()).unwrap_or(0),
            "--noise" => noise = rest.next().and_then(|number| number.parse().ok()).unwrap_or(0),
            _ => files.push(argument),
        }
    }
    let texts = texts(&files, noise);
    let sources = multiplied(rules, &texts);
    let named: Vec<(&str, &str)> =
        sources.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let begin = cpu();
    let detector = match Detector::new(&named) {
        Ok(detector) => detector,
        Err(errors) => {
            errors.iter().take(10).for_each(|error| eprintln!("{error}"));
            return;
        }
    };
    println!(
        "{} rules compiled in {:?} of CPU; {} texts, {} % noise",
        detector.rule_count(),
        cpu() - begin,
        texts.len(),
        noise
    );
    memory();
    pass("cold", &detector, &texts, &mut Scratch::default(), 1);
    let mut scratch = Scratch::default();
    pass("warm-up", &detector, &texts, &mut scratch, 1);
    pass("warm", &detector, &texts, &mut scratch, 20);
    memory();
    one_long_text(&detector, &texts);
    memory();
}

/// The time this thread has spent on a core: unlike the clock it does not count what other programs do.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

#[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
/// One timing for each text; every round sees all texts.
fn pass(name: &str, detector: &Detector, texts: &[Text], scratch: &mut Scratch, rounds: usize) {
    let mut times: Vec<Duration> = Vec::with_capacity(texts.len() * rounds);
    let (mut found, mut tokens) = (0, 0);
    let begin = cpu();
    for _ in 0..rounds {
        for text in texts {
            let begin = Instant::now();
            found += detector.detect_with(&text.words, text.party, Channel::Call, scratch).len();
            times.push(begin.elapsed());
            tokens += scratch.text().tokens.len();
        }
    }
    let whole = cpu() - begin;
    times.sort_unstable();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
    println!(
        "{name}: {:.0} utterances/s of CPU, {:.1} words each, median {:?}, p99 {:?}, most {:?}, {:.2} findings each",
        times.len() as f64 / whole.as_secs_f64(),
        tokens as f64 / times.len() as f64,
        at(0.5),
        at(0.99),
        times.last().copied().unwrap_or_default(),
        found as f64 / times.len() as f64
    );
}

fn one_long_text(detector: &Detector, texts: &[Text]) {
    for (name, joint) in [("words only", " "), ("sentences", ". ")] {
        let mut long = String::new();
        for text in texts.iter().cycle().take(1_000_000) {
            if long.len() > 1 << 20 {
                break;
            }
            long.push_str(&text.words);
            long.push_str(joint);
        }
        let begin = cpu();
        let found = detector.detect(&long, Party::Customer, Channel::Chat).len();
        println!("1 MiB, {name}: {:?} of CPU, {found} findings", cpu() - begin);
    }
}

fn memory() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .filter(|line| line.starts_with("VmHWM") || line.starts_with("RssAnon"))
        .for_each(|line| println!("{line}"));
}

fn texts(files: &[String], noise: usize) -> Vec<Text> {
    let mut texts = Vec::new();
    for (_, rules) in Detector::builtin_files() {
        let mut party = Party::Customer;
        for line in rules.lines().map(str::trim) {
            if let Some(kind) = line.strip_prefix("вид:") {
                party =
                    kind.trim().parse().map_or(party, |kind: gradus_engine::signal::SignalKind| kind.party());
            }
            if let Some(words) = line.strip_prefix("+ ").or_else(|| line.strip_prefix("- ")) {
                texts.push(Text { party, words: words.to_owned() });
            }
        }
    }
    for file in files {
        let text = fs::read_to_string(file).unwrap_or_default();
        let header: Vec<&str> = text.lines().next().unwrap_or("").split('\t').collect();
        let column = |name: &str| header.iter().position(|column| *column == name).unwrap_or(0);
        let (party, words) = (column("party"), column("text"));
        for cells in text
            .lines()
            .skip(1)
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .filter(|cells| cells.len() > words)
        {
            texts.push(Text {
                party: cells[party].parse().unwrap_or(Party::Customer),
                words: cells[words].to_owned(),
            });
        }
    }
    let mut count = 0;
    for text in texts.iter_mut().filter(|_| noise > 0) {
        let corrupt = |word: &str| {
            count += 1;
            let mut letters: Vec<char> = word.chars().collect();
            if count * noise % 100 < noise && letters.len() > 4 {
                let at = 1 + count % (letters.len() - 2);
                letters.swap(at, at + 1);
            }
            letters.into_iter().collect::<String>()
        };
        text.words = text.words.split(' ').map(corrupt).collect::<Vec<_>>().join(" ");
    }
    texts
}

fn multiplied(rules: usize, texts: &[Text]) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Detector::builtin_files()
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let shipped = Detector::builtin().rule_count();
    if rules <= shipped {
        return files;
    }
    let words: BTreeSet<String> = texts
        .iter()
        .flat_map(|text| text.words.split_whitespace())
        .map(|word| word.to_lowercase().replace('ё', "е"))
        .filter(|word| word.chars().count() > 3 && Lexicon::builtin().lemma(word).is_some())
        .collect();
    let mut words: Vec<String> = words.into_iter().collect();
    let (mut others, wanted) = (Vec::new(), words.len() * 3);
    Lexicon::builtin().each_of(
        |id| id % 37 == 0,
        |form, _| {
            if others.len() < 20_000 && Lexicon::builtin().lemma(form).is_some() {
                others.push(form.to_owned());
            }
        },
    );
    let step = (others.len() / wanted.max(1)).max(1);
    words.extend(others.into_iter().step_by(step));
    let mut next = 0;
    for copy in 1..=rules / shipped {
        for (name, text) in Detector::builtin_files().iter().filter(|file| file.0 != "общие.rules") {
            let lines = text.lines().map(|line| substituted(line, copy, &words, &mut next));
            files.push((format!("{copy}-{name}"), lines.collect::<Vec<_>>().join("\n")));
        }
    }
    files
}

/// Leaves declarations out, renames rules and macros, replaces the words of patterns.
fn substituted(line: &str, copy: usize, words: &[String], next: &mut usize) -> String {
    let trimmed = line.trim();
    if let Some(name) = trimmed.strip_prefix("правило:") {
        return format!("правило: {copy} {name}");
    }
    let skip =
        ["слова:", "маски:", "#", "вид:", "+ ", "- ", "кроме"].iter().any(|start| trimmed.starts_with(start));
    let option = trimmed.contains(':');
    if skip || option || trimmed.ends_with('\\') {
        return if trimmed.starts_with("вид:") || option && !skip {
            line.to_owned()
        } else {
            String::new()
        };
    }
    let (head, body) = match trimmed.strip_prefix('@').and_then(|rest| rest.split_once(" = ")) {
        Some((name, body)) => (format!("@{name}_{copy} = "), body),
        None => (String::new(), trimmed),
    };
    let mut out = head;
    let mut word = String::new();
    let mut last = ' ';
    let mut features = false;
    for letter in body.chars().chain([' ']) {
        if letter.is_alphabetic() || (letter == '-' || letter.is_ascii_digit()) && !word.is_empty() {
            word.push(letter);
            continue;
        }
        if !word.is_empty() {
            if last == '@'
                && Detector::builtin_files()
                    .iter()
                    .any(|file| file.0 == "общие.rules" && file.1.contains(&format!("@{word} =")))
                || features
            {
                out.push_str(&word);
            } else if last == '@' {
                out.push_str(&format!("{word}_{copy}"));
            } else if last == '!' || last == '~' || letter == '*' {
                out.push_str(&word);
            } else {
                *next = (*next * 31 + 7) % 1_000_003;
                let replaced = if word.chars().count() > 3 { &words[*next % words.len()] } else { &word };
                out.push_str(replaced);
            }
            word.clear();
        }
        features = features && letter != ']' || letter == '[';
        last = letter;
        out.push(letter);
    }
    out
}
