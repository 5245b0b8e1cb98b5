//! `gradus train`: labelled utterances in, the classifier's weights out. The same files give the same bytes.

use std::path::PathBuf;

use anyhow::{Context, Result};
use gradus_engine::classify::{Example, Training, train};

use super::{Ended, progress};
use crate::eval::read;

#[derive(clap::Args)]
pub struct Arguments {
    /// Labelled files: tab-separated, with the columns party, channel, text, labels.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Where the weights go.
    #[arg(long)]
    out: PathBuf,
}

/// Neighbouring lines were often written in one breath; this many are never split between training and measuring.
const BLOCK: usize = 40;

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let mut examples = Vec::new();
    let mut blocks = 0;
    for file in &arguments.files {
        for lines in read(file)?.chunks(BLOCK) {
            blocks += 1;
            examples.extend(lines.iter().map(|line| Example {
                party: line.party,
                text: line.text.clone(),
                labels: line.labels.clone(),
                block: blocks,
            }));
        }
    }
    let bar = progress(44, "training");
    let classifier = train(&examples, Training::default(), &mut |done, _| {
        bar.set_position(u64::try_from(done).unwrap_or(0))
    });
    bar.finish_and_clear();
    let bytes = classifier.write();
    std::fs::write(&arguments.out, &bytes)
        .with_context(|| format!("cannot write {}", arguments.out.display()))?;
    println!(
        "trained on {} utterances: {} bytes in {}",
        examples.len(),
        bytes.len(),
        arguments.out.display()
    );
    Ok(Ended::Well)
}
