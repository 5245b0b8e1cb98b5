//! Measures the detector: `cargo run --release -p gradus-engine --example detect_speed -- [--rules N] [--noise PERCENT] [FILE.tsv…]`
//!
//! Texts: the examples of the rule files, and the column `text` of the files given. With `--rules` the shipped rules are
//! multiplied until there are N: in every copy each longer word of a pattern is replaced, every fourth by a word of the texts, the
//! others by words of the dictionary. With `--noise` that share of the words gets two letters swapped.

use std::fs;
use std::time::{Duration, Instant};

use gradus_engine::detect::{Detector, Scratch, multiplied};
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
    let words: Vec<&str> = texts.iter().map(|text| text.words.as_str()).collect();
    let sources = multiplied(Detector::builtin_files(), rules, &words);
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
