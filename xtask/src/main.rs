//! Developer commands.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

mod lexicon;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    match arguments.next().as_deref() {
        Some("lexicon") => lexicon::build(root, arguments.next().map(PathBuf::from)),
        other => bail!("unknown command {other:?}; known: lexicon [DUMP]"),
    }
}
