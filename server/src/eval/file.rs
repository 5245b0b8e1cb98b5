//! Reading a labelled file: tab-separated with a header that names the columns.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use gradus_engine::signal::{Channel, Party, SignalKind};

/// One labelled utterance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// Who spoke.
    pub party: Party,
    /// The channel.
    pub channel: Channel,
    /// What was said.
    pub text: String,
    /// What has to be noticed.
    pub labels: BTreeSet<SignalKind>,
    /// The kind the line is a trap for, when it is one.
    pub trap: Option<SignalKind>,
}

/// Reads a file with the columns party, channel, text, labels; `focus` and `polarity` mark traps where present.
///
/// # Errors
/// Names the file, the line and what is wrong.
pub fn read(path: &Path) -> Result<Vec<Labelled>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8(bytes)
        .with_context(|| format!("{} is not UTF-8: save it as UTF-8", path.display()))?;
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').map(str::trim).collect();
    let column = |name: &str| header.iter().position(|&column| column == name);
    let need = |name: &str| {
        column(name).with_context(|| {
            format!(
                "{} has no column \"{name}\": its header needs party, channel, text, labels",
                path.display()
            )
        })
    };
    let columns = [need("party")?, need("channel")?, need("text")?, need("labels")?];
    let marks = (column("focus"), column("polarity"));
    let mut labelled = Vec::new();
    for (number, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let one =
            one(&fields, columns, marks).with_context(|| format!("{}:{}", path.display(), number + 2))?;
        labelled.push(one);
    }
    if labelled.is_empty() {
        bail!("{} has no line below its header", path.display());
    }
    Ok(labelled)
}

fn one(fields: &[&str], columns: [usize; 4], marks: (Option<usize>, Option<usize>)) -> Result<Labelled> {
    let [party, channel, text, labels] =
        columns.map(|column| fields.get(column).copied().unwrap_or_default());
    let mut kinds = BTreeSet::new();
    for name in labels.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        kinds.insert(name.parse()?);
    }
    let mark = |column: Option<usize>| {
        column.and_then(|column| fields.get(column)).copied().unwrap_or_default().trim()
    };
    let focus: Option<SignalKind> = mark(marks.0).parse().ok();
    let party: Party = party.trim().parse()?;
    let trap = focus.filter(|kind| mark(marks.1) == "neg" && !kinds.contains(kind));
    Ok(Labelled { party, channel: channel.trim().parse()?, text: text.to_owned(), labels: kinds, trap })
}
