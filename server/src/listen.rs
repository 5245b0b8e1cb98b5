//! Recordings become conversations: decoded, recognised, measured, each channel a party.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use gradus_engine::ear::Ear;
use gradus_engine::event::Heard;
use gradus_engine::signal::{Party, SignalKind};
use gradus_speech::decode::{DecodeOptions, Recording};
use gradus_speech::measure::{Channel, measure};
use gradus_speech::model::ModelStore;
use gradus_speech::recognise::Recognizer;
use gradus_speech::transcribe::{TranscribeOptions, TranscribeProgress};
use gradus_speech::{Transcript, Warning, transcribe};
use serde_json::{Value, json};

use crate::config::Speech;
use crate::intake::{Incoming, IncomingParty, IncomingUtterance, Roles};

/// A recognised recording, ready to be judged.
pub struct Listened {
    /// The transcript as the engine gave it.
    pub transcript: Transcript,
    /// What the sound showed, by utterance.
    pub heard: Vec<Heard>,
    /// The measurements, in the form of the reports.
    pub sound: Value,
    /// Peaks of each channel for the player, 0 to 255.
    pub waveform: Vec<Vec<u8>>,
}

/// Loads the configured model.
///
/// # Errors
/// When the model is missing; the message says how to get it.
#[cfg(feature = "whisper")]
pub fn engine(speech: &Speech) -> Result<Box<dyn Recognizer>> {
    use gradus_speech::recognise::whisper::{Whisper, WhisperOptions};
    let path = ModelStore::new(&speech.models).path(&speech.model)?;
    Ok(Box::new(Whisper::load(&path, WhisperOptions::default())?))
}

/// This build has no recognition.
///
/// # Errors
/// Always: the message says how to build with it.
#[cfg(not(feature = "whisper"))]
pub fn engine(speech: &Speech) -> Result<Box<dyn Recognizer>> {
    let _ = ModelStore::new(&speech.models);
    anyhow::bail!("this build has no speech recognition: build it with the feature `whisper`")
}

/// Decodes and recognises a file into `incoming`, whose parties are set by channel where the source named none.
///
/// # Errors
/// When there is nothing to hear in the file, or the engine fails on all of it.
pub fn listen(
    path: &Path,
    incoming: &mut Incoming,
    (engine, ear): (&dyn Recognizer, &Ear),
    speech: &Speech,
    progress: &mut dyn FnMut(TranscribeProgress),
) -> Result<Listened> {
    let recording = gradus_speech::decode(path, &DecodeOptions::default())?;
    listen_to(&recording, incoming, (engine, ear), speech, progress)
}

fn listen_to(
    recording: &Recording,
    incoming: &mut Incoming,
    (engine, ear): (&dyn Recognizer, &Ear),
    speech: &Speech,
    progress: &mut dyn FnMut(TranscribeProgress),
) -> Result<Listened> {
    let agent = speech.agent_channel.min(1);
    let options = TranscribeOptions {
        agent_channel: Some(agent),
        workers: NonZeroUsize::new(speech.workers()),
        ..TranscribeOptions::default()
    };
    let transcript = transcribe(recording, engine, &options, progress)?;
    if incoming.parties.is_empty() {
        incoming.parties = vec![IncomingParty::of_role("agent"), IncomingParty::of_role("customer")];
        incoming.roles = Roles::Configured;
    }
    let party_of = |side: Party| {
        incoming
            .parties
            .iter()
            .position(|party| party.side == side)
            .and_then(|at| u32::try_from(at).ok())
            .unwrap_or(0)
    };
    let (agent_party, customer_party) = (party_of(Party::Agent), party_of(Party::Customer));
    let mut utterances = Vec::new();
    for (index, said) in (0_u32..).zip(&transcript.utterances) {
        let party = if said.channel == agent { agent_party } else { customer_party };
        let at = incoming.started_at.map(|start| start.plus(gradus_engine::time::Millis::new(said.start_ms)));
        utterances.push(IncomingUtterance {
            index,
            party,
            start_ms: Some(said.start_ms),
            end_ms: Some(said.end_ms),
            at,
            text: said.text.clone(),
        });
    }
    incoming.utterances = utterances;
    if transcript.mono {
        tell_apart(incoming, ear, agent_party, customer_party);
    }
    // One channel is said above, with what was made of it.
    let doubts = transcript.warnings.iter().filter(|warning| **warning != Warning::Mono);
    incoming.warnings.extend(doubts.map(ToString::to_string));
    let heard = heard(&transcript, agent);
    let sound = sound(&transcript);
    let waveform = waveform(recording);
    Ok(Listened { transcript, heard, sound, waveform })
}

/// One channel for everybody: an utterance that sounds more like an agent's by its words is the agent's.
fn tell_apart(incoming: &mut Incoming, ear: &Ear, agent: u32, customer: u32) {
    let channel = incoming.channel;
    let mut told = 0;
    for said in &mut incoming.utterances {
        let sure = |party: Party| {
            ear.signals(&said.text, party, channel)
                .iter()
                .map(|found| u32::from(found.confidence))
                .sum::<u32>()
        };
        let (as_agent, as_customer) = (sure(Party::Agent), sure(Party::Customer));
        told += usize::from(as_agent != as_customer);
        said.party = if as_agent > as_customer { agent } else { customer };
    }
    let share = (told * 100).checked_div(incoming.utterances.len()).unwrap_or(0);
    incoming.roles = Roles::Guessed { confidence: 50 };
    incoming.warnings.push(format!(
        "one channel: parties told apart by their words alone, with a sign in {share} % of the utterances"
    ));
}

/// The customer's shouting becomes events at the utterance during which it was measured.
fn heard(transcript: &Transcript, agent: usize) -> Vec<Heard> {
    let Some(customer) = &transcript.sound.customer else { return Vec::new() };
    let mut heard = Vec::new();
    for shout in &customer.shouting {
        let during = transcript
            .utterances
            .iter()
            .position(|said| said.channel != agent && said.end_ms > shout.start_ms);
        let Some(utterance) = during.and_then(|index| u32::try_from(index).ok()) else { continue };
        // Shouting is only found against a baseline.
        let usual_hz = customer.baseline.map_or(0.0, |usual| usual.pitch_hz);
        let measured = format!(
            "+{:.0} дБ, +{:.0} Гц, {:.1} с",
            shout.louder_lu,
            usual_hz * ((shout.higher_semitones / 12.0).exp2() - 1.0),
            std::time::Duration::from_millis(shout.end_ms.saturating_sub(shout.start_ms)).as_secs_f32()
        );
        heard.push(Heard { utterance, kind: SignalKind::Shouting, confidence: 80, measured });
    }
    heard.sort_by_key(|heard| heard.utterance);
    heard
}

/// The measurements by party, in the form of the reports. In mono both parties are null and `everyone` has the voices.
fn sound(transcript: &Transcript) -> Value {
    let mut sound = json!(transcript.sound);
    if let Some(object) = sound.as_object_mut() {
        object.insert("mono".to_owned(), json!(transcript.mono));
        object.insert("model".to_owned(), json!(transcript.engine));
    }
    shorten(&mut sound);
    sound
}

/// Measures the sound of a call whose words are known already: `words` were said on each channel. In the form of the reports,
/// with the picture for the player.
///
/// # Errors
/// When the recording cannot be decoded.
pub fn measured(wav: Vec<u8>, agent: usize, words: [usize; 2]) -> Result<Value> {
    let recording = gradus_speech::decode_bytes("call.wav", wav, &DecodeOptions::default())?;
    let activity = gradus_speech::activity::find_voices(&recording.channels);
    let channels: Vec<Channel<'_>> = recording
        .channels
        .iter()
        .zip(&activity)
        .zip(words)
        .map(|((samples, found), words)| Channel { samples, voice: &found.voice, words })
        .collect();
    let mut sound = json!(measure(&channels, agent, recording.duration_ms));
    if let Some(object) = sound.as_object_mut() {
        object.insert("mono".to_owned(), json!(recording.is_mono()));
        object.insert("duration_ms".to_owned(), json!(recording.duration_ms));
        object.insert("waveform".to_owned(), json!(waveform(&recording)));
    }
    shorten(&mut sound);
    Ok(sound)
}

/// Rounds fractions to thousandths: single precision has no more to say, and long tails only look like precision.
pub fn shorten(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(long) = number.as_f64() {
                *value = json!((long * 1000.0).round() / 1000.0);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(values) => values.values_mut().for_each(shorten),
        _ => {}
    }
}

/// The peaks of each channel as the player takes them.
fn waveform(recording: &Recording) -> Vec<Vec<u8>> {
    let channels = gradus_speech::waveform::waveform(recording, 1_200);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "peaks are 0 to 1")]
    let byte = |peak: f32| (peak * 255.0).round() as u8;
    channels.into_iter().map(|peaks| peaks.into_iter().map(byte).collect()).collect()
}

/// Writes a transcript as WebVTT.
pub fn webvtt(transcript: &Transcript, agent: usize) -> String {
    let time = |ms: u64| {
        format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
    };
    let mut out = String::from("WEBVTT\n");
    for said in &transcript.utterances {
        let who = match (transcript.mono, said.channel == agent) {
            (true, _) => "",
            (false, true) => "<v Оператор>",
            (false, false) => "<v Клиент>",
        };
        out.push_str(&format!(
            "\n{} --> {}\n{who}{}\n",
            time(said.start_ms),
            time(said.end_ms.max(said.start_ms + 1)),
            said.text
        ));
    }
    out
}

/// Loads an engine only when the first recording asks for it.
pub struct LazyEngine<'s> {
    speech: &'s Speech,
    engine: Option<Arc<dyn Recognizer>>,
}

impl<'s> LazyEngine<'s> {
    /// Prepares without loading.
    pub fn new(speech: &'s Speech) -> Self {
        Self { speech, engine: None }
    }

    /// Takes one that is loaded already.
    pub fn ready(speech: &'s Speech, engine: Arc<dyn Recognizer>) -> Self {
        Self { speech, engine: Some(engine) }
    }

    /// Returns the engine, loading it at the first call.
    ///
    /// # Errors
    /// When the model is missing or damaged.
    pub fn get(&mut self) -> Result<&dyn Recognizer> {
        if self.engine.is_none() {
            self.engine = Some(Arc::from(engine(self.speech)?));
        }
        self.engine.as_deref().context("the speech engine did not load")
    }
}
