//! Counts how often words occur in the utterances of own writing, so that rules are searched by their rarest words.
//!
//! In: the column `text` of `engine/data/utterances/train/*.tsv`. Out: `engine/data/lexicon/frequency.txt`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Words that occur less often in so many are left out: they are all rare.
const LEAST: usize = 5;
const OF: usize = 100_000;

/// Counts and writes.
pub fn build(root: &Path) -> Result<()> {
    let folder = root.join("engine/data/utterances/train");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = 0;
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let text = fs::read_to_string(entry?.path())?;
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        let Some(column) = header.split('\t').position(|name| name == "text") else { continue };
        for line in lines.filter_map(|line| line.split('\t').nth(column)) {
            let words = line.split(|sign: char| !sign.is_alphabetic()).filter(|word| !word.is_empty());
            for word in words {
                *counts.entry(word.to_lowercase().replace('ё', "е")).or_default() += 1;
                all += 1;
            }
        }
    }
    let mut words: Vec<(usize, String)> =
        counts.into_iter().map(|(word, count)| (count * OF / usize::max(all, 1), word)).collect();
    words.retain(|(often, _)| *often >= LEAST);
    words.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    let lines: String = words.iter().map(|(often, word)| format!("{word} {often}\n")).collect();
    let head = format!(
        "# How often words occur in {OF} of own writing; made by `cargo xtask frequency` from engine/data/utterances/train.\n"
    );
    fs::write(root.join("engine/data/lexicon/frequency.txt"), head + &lines)?;
    println!("{} of {all} words", words.len());
    Ok(())
}
