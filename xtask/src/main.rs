//! Developer commands: `cargo xtask test` and `cargo xtask demo`.
//!
//! Both start from a machine that has Rust, Node and Python and nothing else, and install what is missing.

mod dates;
mod demo;
mod frequency;
mod lexicon;
mod postgres;
mod run;
mod setup;
mod synth;
mod test;

use anyhow::{Result, bail};

const USAGE: &str = "usage: cargo xtask test [--fast] | demo [--prepare] [--port N] [--no-live] | setup | lexicon [DUMP] | frequency";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    match arguments.first().map(String::as_str) {
        Some("test") => test::run(rest),
        Some("demo") => demo::run(rest),
        Some("lexicon") => lexicon::build(&run::root(), rest.first().map(std::path::PathBuf::from)),
        Some("frequency") => frequency::build(&run::root()),
        Some("setup") => setup::ensure(&[setup::BUILD, setup::TEST, setup::DEMO]),
        _ => bail!(USAGE),
    }
}
