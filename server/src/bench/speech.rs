//! How much processor time the words of a recording cost, beside faster-whisper with the same weights on the same segments in
//! the same run.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use gradus_speech::decode::DecodeOptions;
use gradus_speech::recognise::{Heard, Hints, RecogniseError, Recognizer, Session};
use gradus_speech::transcribe::{TranscribeOptions, transcribe};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::detect::environment;
use super::process_cpu;
use crate::config::Speech;

/// Samples of a second.
const RATE: f64 = 16_000.0;
const PEER: &str = include_str!("peer_speech.py");
/// What pip installs for the peer.
const PEER_NEEDS: &[&str] = &["faster-whisper"];

/// What was measured, and what the peer is given.
pub struct Measured {
    /// The figures.
    pub figures: Value,
    segments: Vec<Segment>,
}

struct Segment {
    samples: Vec<f32>,
    text: String,
}

/// An engine that notes what it is given and what it hears, and what that costs.
struct Noting {
    inner: Box<dyn Recognizer>,
    noted: Arc<Mutex<Noted>>,
}

#[derive(Default)]
struct Noted {
    segments: Vec<Segment>,
    cpu_s: f64,
    wall_s: f64,
}

struct NotingSession {
    inner: Box<dyn Session>,
    noted: Arc<Mutex<Noted>>,
}

impl Recognizer for Noting {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn session(&self, hints: &Hints) -> Result<Box<dyn Session>, RecogniseError> {
        Ok(Box::new(NotingSession { inner: self.inner.session(hints)?, noted: Arc::clone(&self.noted) }))
    }
}

impl Session for NotingSession {
    fn recognise(&mut self, samples: &[f32]) -> Result<Heard, RecogniseError> {
        let (cpu, began) = (process_cpu(), now());
        let heard = self.inner.recognise(samples)?;
        let (cpu, wall) = (process_cpu().saturating_sub(cpu), now().duration_since(began));
        let text = heard.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.cpu_s += cpu.as_secs_f64();
        noted.wall_s += wall.as_secs_f64();
        noted.segments.push(Segment { samples: samples.to_vec(), text });
        Ok(heard)
    }
}

/// Recognises a recording on one thread.
///
/// # Errors
/// When it cannot be read, or the model is not there.
pub fn own(path: &Path, speech: &Speech) -> Result<Measured> {
    let noted: Arc<Mutex<Noted>> = Arc::default();
    let engine = Noting { inner: crate::listen::engine(speech)?, noted: Arc::clone(&noted) };
    measure(path, &engine, &noted)
}

fn measure(path: &Path, engine: &Noting, noted: &Mutex<Noted>) -> Result<Measured> {
    let recording = gradus_speech::decode(path, &DecodeOptions::default())?;
    let options = TranscribeOptions {
        agent_channel: Some(0),
        workers: std::num::NonZeroUsize::new(1),
        ..TranscribeOptions::default()
    };
    let (cpu, began) = (process_cpu(), now());
    let transcript = transcribe(&recording, engine, &options, &mut |_| ())?;
    let (cpu, wall) = (process_cpu().saturating_sub(cpu), now().duration_since(began));
    let noted = std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner));
    let voice_s: f64 = noted.segments.iter().map(|one| one.samples.len() as f64 / RATE).sum();
    if voice_s == 0.0 {
        bail!("{}: there is no voice in it", path.display());
    }
    let call_s = recording.duration_ms as f64 / 1_000.0;
    let figures = json!({
        "engine": engine.name(),
        "call_seconds": rounded(call_s),
        "channels": recording.channels.len(),
        "segments": noted.segments.len(),
        "voice_seconds": rounded(voice_s),
        "words": transcript.utterances.iter().map(|said| said.text.split_whitespace().count()).sum::<usize>(),
        "recognition": {
            "cpu_seconds": rounded(noted.cpu_s),
            "seconds": rounded(noted.wall_s),
            "voice_seconds_a_cpu_second": rounded(voice_s / noted.cpu_s.max(1e-9)),
        },
        "whole_cpu_seconds": rounded(cpu.as_secs_f64()),
        "whole_seconds": rounded(wall.as_secs_f64()),
        // Decoding, voice activity and measures included.
        "call_seconds_a_cpu_second": rounded(call_s / cpu.as_secs_f64().max(1e-9)),
    });
    Ok(Measured { figures, segments: noted.segments })
}

/// Recognises the same segments by faster-whisper with the weights of `model`, a ggml file; makes an environment of its own below
/// `folder`, filled by pip.
///
/// # Errors
/// When Python or the packages cannot be had, or the weights are of a form that is not known there.
pub fn peer(folder: &Path, model: &Path, measured: &Measured) -> Result<Value> {
    let python = environment(folder, PEER_NEEDS)?;
    let samples: Vec<u8> = measured
        .segments
        .iter()
        .flat_map(|one| &one.samples)
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    std::fs::write(folder.join("segments.f32"), samples)?;
    let lengths: Vec<usize> = measured.segments.iter().map(|one| one.samples.len()).collect();
    let mut child = Command::new(python)
        .args(["-c", PEER])
        .args([model, folder])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the peer does not start")?;
    let input = json!({"segments": lengths, "threads": 1, "word_times": true}).to_string();
    // The pipe is closed when it is dropped, which tells the peer that this is all.
    child.stdin.take().context("the peer has no input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("the peer failed: {}; `--peer none` leaves it out", output.status);
    }
    let mut answer: Value = serde_json::from_slice(&output.stdout)?;
    let texts: Vec<String> = serde_json::from_value(answer["texts"].take())?;
    let voice_s: f64 = measured.segments.iter().map(|one| one.samples.len() as f64 / RATE).sum();
    let speed = answer["cpu_seconds"].as_f64().map(|cpu| rounded(voice_s / cpu.max(1e-9)));
    let own: Vec<&str> = measured.segments.iter().map(|one| one.text.as_str()).collect();
    let theirs: Vec<&str> = texts.iter().map(String::as_str).collect();
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("texts");
        fields.insert("voice_seconds_a_cpu_second".into(), json!(speed));
        fields.insert("words".into(), json!(theirs.iter().map(|text| words(text).len()).sum::<usize>()));
        fields.insert("share_of_words_in_common".into(), json!(in_common(&own, &theirs)));
    }
    Ok(answer)
}

/// Returns which share of the words of both sides is said by both, segment by segment.
fn in_common(own: &[&str], theirs: &[&str]) -> f64 {
    let (mut common, mut all) = (0, 0);
    for (one, other) in own.iter().zip(theirs) {
        let (one, mut other) = (words(one), words(other));
        all += one.len() + other.len();
        for word in one {
            if let Some(at) = other.iter().position(|same| *same == word) {
                other.swap_remove(at);
                common += 2;
            }
        }
    }
    rounded(f64::from(common) / (all.max(1) as f64))
}

fn words(text: &str) -> Vec<String> {
    let letters =
        |word: &str| word.chars().filter(|sign| sign.is_alphanumeric()).collect::<String>().to_lowercase();
    text.split_whitespace().map(letters).filter(|word| !word.is_empty()).collect()
}

fn now() -> Instant {
    Instant::now()
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Recognizer for Fixed {
        fn name(&self) -> String {
            "fixed".into()
        }

        fn session(&self, _: &Hints) -> Result<Box<dyn Session>, RecogniseError> {
            Ok(Box::new(Self))
        }
    }

    impl Session for Fixed {
        fn recognise(&mut self, samples: &[f32]) -> Result<Heard, RecogniseError> {
            let end_ms = samples.len() as u64 / 16;
            let word = |text: &str| gradus_speech::recognise::Word {
                text: text.into(),
                start_ms: 0,
                end_ms,
                confidence: 1.0,
            };
            Ok(Heard { words: vec![word("Верните,"), word("деньги.")], refused: None })
        }
    }

    #[test]
    fn the_figures_say_what_was_recognised_and_the_peer_gets_the_same_segments() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../speech/tests/fixtures/voice.opus");
        let noted: Arc<Mutex<Noted>> = Arc::default();
        let engine = Noting { inner: Box::new(Fixed), noted: Arc::clone(&noted) };
        let measured = measure(&path, &engine, &noted).unwrap();
        let figures = &measured.figures;
        assert_eq!(
            (figures["segments"].as_u64(), figures["words"].as_u64()),
            (Some(1), Some(2)),
            "{figures}"
        );
        assert!((figures["call_seconds"].as_f64().unwrap() - 5.5).abs() < 0.1, "{figures}");
        assert_eq!(measured.segments[0].text, "Верните, деньги.");
        let voice = figures["voice_seconds"].as_f64().unwrap();
        assert!((voice - measured.segments[0].samples.len() as f64 / RATE).abs() < 0.01, "{figures}");
    }

    #[test]
    fn words_in_common_pass_over_signs_and_case_and_count_each_once() {
        assert_eq!(in_common(&["Верните, деньги."], &["верните деньги"]), 1.0);
        assert_eq!(in_common(&["да да нет"], &["да"]), 0.5);
        assert_eq!(in_common(&["да", "нет"], &["нет", "да"]), 0.0);
        assert_eq!(in_common(&[], &[]), 0.0);
    }
}
