//! `gradus doctor`: what is missing or wrong, with the cure. Changes nothing.

use anyhow::Result;

use super::Ended;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::doctor::{Finding, examine};

#[derive(clap::Args)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let findings = match Config::load() {
        Ok(config) => tokio::runtime::Runtime::new()?.block_on(examine(&config, SystemClock.now())),
        Err(error) => vec![Finding::unreadable(&error)],
    };
    let well = findings.iter().all(|finding| finding.well);
    if arguments.json {
        println!("{}", serde_json::json!({"well": well, "findings": findings}));
    } else {
        for finding in &findings {
            println!("{finding}");
        }
    }
    Ok(if well { Ended::Well } else { Ended::SomeFailed })
}
