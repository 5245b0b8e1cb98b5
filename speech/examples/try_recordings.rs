//! Pulls the registry model into a folder and recognises recordings: `try_recordings MODELS SCRATCH FILE…`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measuring tool may stop at the first thing that is wrong"
)]

use std::path::Path;
use std::time::Instant;

use gradus_speech::model::{Models, pull_registry_model};
use gradus_speech::recognise::Whisper;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let models = Models::new(&arguments[0]);
    let installed =
        pull_registry_model(&models, Path::new(&arguments[1]), &mut |step| println!("{step:?}")).unwrap();
    println!("{installed:?}");
    let engine = Whisper::load(&models.file("whisper-base").unwrap()).unwrap();
    for file in &arguments[2..] {
        match gradus_speech::decode(Path::new(file), &gradus_speech::decode::DecodeOptions::default()) {
            Err(error) => println!("{file}: {error}"),
            Ok(recording) => {
                let begun = Instant::now();
                let transcript = gradus_speech::transcribe(&recording, &engine, 2, &|_, _| {});
                println!(
                    "{file}: {} ms in {} ms, mono {}",
                    transcript.duration_ms,
                    begun.elapsed().as_millis(),
                    transcript.mono
                );
                for said in &transcript.utterances {
                    println!("  {} {:>6} {}", said.channel, said.start_ms, said.text);
                }
                println!("  {}", serde_json::to_string(&transcript.sound).unwrap());
                println!("  {:?}", transcript.warnings);
            }
        }
    }
}
