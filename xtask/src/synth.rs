//! Telephone recordings for the demo, synthesised from written scripts: nobody's real calls are published.
//!
//! Debian's Russian voice speaks both parties; the agent's voice is raised in pitch, so that two people are heard. Each
//! party has a channel of its own at 8 kHz, as a PBX records.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{output, run};

/// Sample rate of the telephone, in hertz.
const RATE: u32 = 8_000;
/// Silence between two turns, in milliseconds.
const PAUSE_MS: u32 = 450;

/// One line of a script: who speaks, what.
struct Turn {
    agent: bool,
    text: String,
}

/// Speaks a script into `target`, unless it is there already; returns whether it had to.
pub fn speak(script: &Path, target: &Path) -> Result<bool> {
    if target.is_file() {
        return Ok(false);
    }
    let text =
        std::fs::read_to_string(script).with_context(|| format!("cannot read {}", script.display()))?;
    let turns = turns(&text);
    if turns.is_empty() {
        bail!("{} has no line that starts with «А:» or «К:»", script.display());
    }
    let folder = tempfile::tempdir()?;
    let mut agent: Vec<PathBuf> = Vec::new();
    let mut customer: Vec<PathBuf> = Vec::new();
    for (index, turn) in turns.iter().enumerate() {
        let spoken = folder.path().join(format!("{index}.wav"));
        say(turn, folder.path(), &spoken)?;
        let silence = folder.path().join(format!("{index}-silence.wav"));
        let seconds = output(Command::new("soxi").arg("-D").arg(&spoken))?;
        let rate = RATE.to_string();
        run(Command::new("sox").args(["-n", "-r", &rate, "-c", "1", "-b", "16"]).arg(&silence).args([
            "trim",
            "0",
            seconds.trim(),
        ]))?;
        let (speaks, listens) =
            if turn.agent { (&mut agent, &mut customer) } else { (&mut customer, &mut agent) };
        speaks.push(spoken);
        listens.push(silence);
    }
    let (left, right) = (folder.path().join("agent.wav"), folder.path().join("customer.wav"));
    run(Command::new("sox").args(&agent).arg(&left))?;
    run(Command::new("sox").args(&customer).arg(&right))?;
    let whole = folder.path().join("call.wav");
    run(Command::new("sox").arg("-M").arg(&left).arg(&right).args(["-b", "16"]).arg(&whole))?;
    if let Some(parent) = target.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::copy(&whole, target)?;
    Ok(true)
}

fn turns(text: &str) -> Vec<Turn> {
    let spoken = text.lines().filter_map(|line| {
        let (who, words) = line.split_once(':')?;
        let agent = match who.trim() {
            "А" | "Р" => true,
            "К" => false,
            _ => return None,
        };
        Some(Turn { agent, text: words.trim().to_owned() })
    });
    spoken.filter(|turn| !turn.text.is_empty()).collect()
}

/// Speaks one turn: 16 kHz from the synthesiser, then pitch, telephone band, 8 kHz, a pause at the end.
fn say(turn: &Turn, folder: &Path, target: &Path) -> Result<()> {
    let raw = folder.join("raw.wav");
    let script = folder.join("say.scm");
    let words: String =
        turn.text.chars().filter(|sign| !matches!(sign, '"' | '\\' | '«' | '»' | '(' | ')')).collect();
    let scheme = format!(
        "(voice_msu_ru_nsh_clunits)\n(set! spoken (utt.synth (Utterance Text \"{words}\")))\n(utt.save.wave spoken \"{}\" 'riff)\n",
        raw.display()
    );
    std::fs::write(&script, scheme)?;
    output(Command::new("festival").arg("-b").arg(&script))
        .context("the synthesiser failed: install festival and festvox-ru")?;
    let pause = format!("{}", f64::from(PAUSE_MS) / 1000.0);
    let mut sox = Command::new("sox");
    sox.arg(&raw).args(["-r", &RATE.to_string(), "-c", "1", "-b", "16"]).arg(target);
    if turn.agent {
        sox.args(["pitch", "350", "tempo", "-s", "1.08"]);
    }
    sox.args(["sinc", "250-3500", "gain", "-n", "-4", "pad", "0", &pause]);
    run(&mut sox)
}
