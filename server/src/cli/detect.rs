//! `gradus detect`: a line of JSON in, a line of JSON out, each judged alone.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use anyhow::Result;
use gradus_engine::ear::Ear;
use gradus_engine::signal::{Channel, Party};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Ended;
use crate::ears;

#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of rule files; the rules that ship with the product when left out.
    #[arg(long)]
    rules: Option<PathBuf>,
}

#[derive(Deserialize)]
struct LineIn {
    party: String,
    channel: String,
    text: String,
}

/// Longest line that is read, in bytes.
const LONGEST_LINE: usize = 8 << 20;

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let ear = ears::ear(arguments.rules.as_deref())?;
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if input.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(Ended::Well);
        }
        let Some(answer) = answer(&ear, &bytes) else { continue };
        if writeln!(output, "{answer}").and_then(|()| output.flush()).is_err() {
            // Whoever reads us has gone away; there is nobody left to answer.
            return Ok(Ended::Well);
        }
    }
}

fn answer(ear: &Ear, bytes: &[u8]) -> Option<Value> {
    if bytes.len() > LONGEST_LINE {
        return Some(json!({"id": null, "error": format!("the line is longer than {LONGEST_LINE} bytes")}));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}').trim(),
        Err(error) => return Some(json!({"id": null, "error": format!("the line is not UTF-8: {error}")})),
    };
    if text.is_empty() {
        return None;
    }
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return Some(json!({"id": null, "error": format!("the line is not JSON: {error}")})),
    };
    let id = value.get("id").cloned().unwrap_or(Value::Null);
    match judge(ear, value) {
        Ok(signals) => Some(json!({"id": id, "signals": signals})),
        Err(message) => Some(json!({"id": id, "error": message})),
    }
}

fn judge(ear: &Ear, value: Value) -> Result<Vec<Value>, String> {
    let line: LineIn = serde_json::from_value(value)
        .map_err(|error| format!("{error}: a line needs party, channel and text"))?;
    let party: Party = line.party.parse().map_err(|error| format!("{error}: customer or agent"))?;
    let channel: Channel =
        line.channel.parse().map_err(|error| format!("{error}: call, chat, email or in_person"))?;
    let found = ear.signals(&line.text, party, channel);
    Ok(found
        .iter()
        .map(|found| {
            json!({
                "kind": found.kind.name(), "quote": found.quote(&line.text), "start": found.start, "end": found.end,
                "confidence": f64::from(found.confidence) / 100.0, "rule": found.rule,
            })
        })
        .collect())
}
