//! Recordings become conversations: decoded, recognised, measured, each channel a party.

use std::path::Path;

use anyhow::{Context, Result};
use gradus_engine::ear::Ear;
use gradus_engine::event::Heard;
use gradus_engine::signal::{Party, SignalKind};
use gradus_speech::decode::{DecodeOptions, Recording};
use gradus_speech::model::Models;
use gradus_speech::recognise::Recognizer;
use gradus_speech::{Transcript, transcribe};
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
    /// Peaks of each channel for the player.
    pub waveform: Vec<Vec<u8>>,
}

/// Loads the configured model.
///
/// # Errors
/// When the model is missing; the message says how to get it.
#[cfg(feature = "whisper")]
pub fn engine(speech: &Speech) -> Result<Box<dyn Recognizer>> {
    let path = Models::new(&speech.models).file(&speech.model)?;
    Ok(Box::new(gradus_speech::recognise::Whisper::load(&path)?))
}

/// This build has no recognition.
///
/// # Errors
/// Always: the message says how to build with it.
#[cfg(not(feature = "whisper"))]
pub fn engine(speech: &Speech) -> Result<Box<dyn Recognizer>> {
    let _ = Models::new(&speech.models);
    anyhow::bail!("this build has no speech recognition: build it with the feature `whisper`")
}

/// Decodes and recognises a file into `incoming`, whose parties are set by channel where the source named none.
///
/// # Errors
/// When there is nothing to hear in the file.
pub fn listen(
    path: &Path,
    incoming: &mut Incoming,
    (engine, ear): (&dyn Recognizer, &Ear),
    speech: &Speech,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Listened> {
    let recording = gradus_speech::decode(path, &DecodeOptions::default())?;
    listen_to(&recording, incoming, (engine, ear), speech, progress)
}

fn listen_to(
    recording: &Recording,
    incoming: &mut Incoming,
    (engine, ear): (&dyn Recognizer, &Ear),
    speech: &Speech,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Listened> {
    let transcript = transcribe(recording, engine, speech.workers(), progress);
    let agent = speech.agent_channel.min(1);
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
    incoming.warnings.extend(transcript.warnings.iter().map(ToString::to_string));
    let heard = heard(&transcript, agent);
    let sound = sound(&transcript, agent);
    let waveform = gradus_speech::waveform::waveform(recording, 1_200);
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

/// Shouting and interruptions become events at the utterance during which they were measured.
fn heard(transcript: &Transcript, agent: usize) -> Vec<Heard> {
    let mut heard = Vec::new();
    for (channel, party) in transcript.sound.channels.iter().enumerate() {
        if transcript.mono || channel == agent {
            continue;
        }
        for shout in &party.shouting {
            let during = transcript
                .utterances
                .iter()
                .position(|said| said.channel == channel && said.end_ms > shout.span.start_ms);
            let Some(utterance) = during.and_then(|index| u32::try_from(index).ok()) else { continue };
            let measured =
                format!("+{} LU, +{} %, {} ms", shout.louder_lu, shout.higher_percent, shout.span.len_ms());
            heard.push(Heard { utterance, kind: SignalKind::Shouting, confidence: 80, measured });
        }
    }
    heard.sort_by_key(|heard| heard.utterance);
    heard
}

/// The measurements by party, in the form of the reports.
fn sound(transcript: &Transcript, agent: usize) -> Value {
    let sound = &transcript.sound;
    let channel = |index: usize| sound.channels.get(index).map_or(Value::Null, |party| json!(party));
    let (agent, customer) =
        if transcript.mono { (Value::Null, channel(0)) } else { (channel(agent), channel(1 - agent)) };
    json!({
        "customer": customer, "agent": agent, "silence_ms": sound.silence_ms, "hold_ms": sound.hold_ms,
        "overlap_ms": sound.overlap_ms, "mono": transcript.mono, "model": transcript.model,
    })
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
    engine: Option<Box<dyn Recognizer>>,
}

impl<'s> LazyEngine<'s> {
    /// Prepares without loading.
    pub fn new(speech: &'s Speech) -> Self {
        Self { speech, engine: None }
    }

    /// Returns the engine, loading it at the first call.
    ///
    /// # Errors
    /// When the model is missing or damaged.
    pub fn get(&mut self) -> Result<&dyn Recognizer> {
        if self.engine.is_none() {
            self.engine = Some(engine(self.speech)?);
        }
        self.engine.as_deref().context("the speech engine did not load")
    }
}
