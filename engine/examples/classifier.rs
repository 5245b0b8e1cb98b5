//! Trains the classifier on labelled files and measures it on others: `classifier WEIGHTS TRAIN.tsv… -- TEST.tsv…`.

#![expect(clippy::expect_used, reason = "a measuring tool may stop at the first thing that is wrong")]

use std::collections::{BTreeMap, BTreeSet};

use gradus_engine::classify::{Classifier, Example, Training, train};
use gradus_engine::signal::{Party, SignalKind};

/// Reads a labelled file; blocks are numbered on from `blocks`, as `gradus train` does.
fn read(path: &str, blocks: &mut u32) -> Vec<Example> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| {
        header.iter().position(|&column| column == name).unwrap_or_else(|| panic!("{path}: no column {name}"))
    };
    let (party, words, labels) = (column("party"), column("text"), column("labels"));
    let mut examples = Vec::new();
    for (number, line) in (0_u32..).zip(lines) {
        let fields: Vec<&str> = line.split('\t').collect();
        let cell = |at: usize| fields.get(at).copied().unwrap_or_default();
        let labels: BTreeSet<SignalKind> =
            cell(labels).split(',').filter_map(|name| name.trim().parse().ok()).collect();
        let Ok(party) = cell(party).parse::<Party>() else { continue };
        examples.push(Example {
            party,
            text: cell(words).to_owned(),
            labels,
            block: *blocks + 1 + number / 40,
        });
    }
    *blocks += u32::try_from(examples.len().div_ceil(40)).unwrap_or(u32::MAX);
    examples
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut parts = arguments.split(|argument| argument == "--");
    let first = parts.next().unwrap_or_default();
    let (weights, files) = first.split_first().expect("usage: classifier WEIGHTS TRAIN.tsv… -- TEST.tsv…");
    let mut blocks = 0;
    let examples: Vec<Example> = files.iter().flat_map(|path| read(path, &mut blocks)).collect();
    let model = train(&examples, Training::default(), &mut |_, _| {});
    std::fs::write(weights, model.write()).expect("cannot write the weights");
    let model =
        Classifier::read(&std::fs::read(weights).expect("cannot read the weights")).expect("bad weights");
    for path in parts.next().unwrap_or_default() {
        let mut scores: BTreeMap<SignalKind, [u32; 3]> = BTreeMap::new();
        for example in read(path, &mut 0) {
            let found: BTreeSet<SignalKind> =
                model.votes(&example.text, example.party, 0.0).iter().map(|vote| vote.kind).collect();
            for &kind in found.union(&example.labels) {
                let at = match (example.labels.contains(&kind), found.contains(&kind)) {
                    (true, true) => 0,
                    (false, _) => 1,
                    _ => 2,
                };
                scores.entry(kind).or_default()[at] += 1;
            }
        }
        let f1 = |[hit, wrong, missed]: [u32; 3]| f64::from(2 * hit) / f64::from(2 * hit + wrong + missed);
        let labelled: Vec<f64> =
            scores.values().filter(|score| score[0] + score[2] > 0).map(|&score| f1(score)).collect();
        for (kind, score) in &scores {
            println!("{:<22}{score:?} {:.3}", kind.name(), f1(*score));
        }
        println!(
            "{path}: macro F1 {:.4}",
            labelled.iter().sum::<f64>() / f64::from(u32::try_from(labelled.len()).unwrap_or(1))
        );
    }
}
