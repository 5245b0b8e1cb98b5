//! The way from a recording to a transcript, with a recognizer that says what it was given; and with a real model where
//! the environment names one (`GRADUS_TEST_MODEL`, a folder of models).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails by panicking")]

use std::num::NonZeroUsize;
use std::path::Path;

use gradus_speech::decode::{DecodeOptions, Recording, decode};
use gradus_speech::recognise::{Heard, Hints, RecogniseError, Recognizer, Session, StreamEvent, Word};
use gradus_speech::transcribe::{TranscribeOptions, Transcript, transcribe};
use gradus_speech::{SAMPLES_PER_MS, Warning};

/// Hears one word for each segment: its length in tenths of a second.
struct Ruler {
    fails: bool,
}

struct RulerSession {
    fails: bool,
}

impl Recognizer for Ruler {
    fn name(&self) -> String {
        "ruler".to_owned()
    }

    fn session(&self, _: &Hints) -> Result<Box<dyn Session>, RecogniseError> {
        Ok(Box::new(RulerSession { fails: self.fails }))
    }
}

impl Session for RulerSession {
    fn recognise(&mut self, samples: &[f32]) -> Result<Heard, RecogniseError> {
        if self.fails {
            return Err(RecogniseError::Engine("no memory".to_owned()));
        }
        let end_ms = (samples.len() / SAMPLES_PER_MS) as u64;
        let word = Word { text: (end_ms / 100).to_string(), start_ms: 0, end_ms, confidence: 0.5 };
        Ok(Heard { words: vec![word], refused: None })
    }
}

fn voice() -> Recording {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/voice.opus");
    decode(&path, &DecodeOptions::default()).unwrap()
}

fn run(recording: &Recording, options: &TranscribeOptions) -> Transcript {
    transcribe(recording, &Ruler { fails: false }, options, &mut |_| ()).unwrap()
}

/// A call: the agent speaks first, the customer 2 s later on the other channel.
fn call() -> Recording {
    let mut recording = voice();
    let agent = recording.channels.remove(0);
    let mut customer = vec![0; 2_000 * SAMPLES_PER_MS];
    customer.extend(&agent);
    let mut padded = agent;
    padded.resize(customer.len(), 0);
    recording.duration_ms = (customer.len() / SAMPLES_PER_MS) as u64;
    recording.channels = vec![padded, customer];
    recording
}

#[test]
fn one_channel_is_called_mono_and_its_voice_becomes_one_utterance() {
    let transcript = run(&voice(), &TranscribeOptions::default());
    assert!(transcript.mono);
    assert_eq!(transcript.warnings, [Warning::Mono]);
    let [utterance] = &transcript.utterances[..] else { panic!("{:?}", transcript.utterances) };
    // The voice lies between 1.2 and 4.3 s of 5.5.
    assert!(
        utterance.start_ms.abs_diff(1_190) < 250 && utterance.end_ms.abs_diff(4_320) < 300,
        "{utterance:?}"
    );
    let sound = transcript.sound;
    assert!(sound.customer.is_none() && sound.agent.is_none());
    let everyone = sound.everyone.unwrap();
    assert!(everyone.pitch_hz.is_some_and(|hz| (60.0..200.0).contains(&hz)), "{everyone:?}");
    assert!(sound.silence_ms.abs_diff(2_400) < 400, "{}", sound.silence_ms);
}

#[test]
fn two_channels_interleave_and_the_agents_channel_is_a_choice() {
    for agent_channel in [0, 1] {
        let options =
            TranscribeOptions { agent_channel: Some(agent_channel), ..TranscribeOptions::default() };
        let transcript = run(&call(), &options);
        assert_eq!((transcript.mono, transcript.agent_channel), (false, Some(agent_channel)));
        assert_eq!(transcript.warnings, []);
        let order: Vec<usize> = transcript.utterances.iter().map(|utterance| utterance.channel).collect();
        assert_eq!(order, [0, 1]);
        let (agent, customer) = (transcript.sound.agent.unwrap(), transcript.sound.customer.unwrap());
        // Channel 1 begins while channel 0 is still speaking.
        let second = if agent_channel == 1 { agent } else { customer };
        assert_eq!(second.interruptions, 1);
        assert!(transcript.sound.overlap_ms.abs_diff(1_130) < 300, "{}", transcript.sound.overlap_ms);
    }
    let assumed = run(&call(), &TranscribeOptions::default());
    assert_eq!(assumed.warnings, [Warning::AgentChannelAssumed { channel: 0 }]);
}

#[test]
fn the_number_of_workers_changes_nothing_but_the_time() {
    let with =
        |count| TranscribeOptions { workers: NonZeroUsize::new(count), ..TranscribeOptions::default() };
    assert_eq!(run(&call(), &with(1)), run(&call(), &with(7)));
}

#[test]
fn silence_has_no_words_and_says_so() {
    let mut recording = voice();
    recording.channels = vec![vec![0; 32_000]];
    let transcript = run(&recording, &TranscribeOptions::default());
    assert_eq!(transcript.utterances, []);
    assert_eq!(transcript.warnings, [Warning::Mono, Warning::NoVoice]);
}

#[test]
fn an_engine_that_always_fails_is_an_error() {
    let error = transcribe(&voice(), &Ruler { fails: true }, &TranscribeOptions::default(), &mut |_| ());
    assert_eq!(error.unwrap_err().to_string(), "the speech engine failed: no memory");
}

#[test]
fn the_json_holds_what_the_contract_names() {
    let transcript =
        run(&call(), &TranscribeOptions { agent_channel: Some(0), ..TranscribeOptions::default() });
    let json = serde_json::to_value(&transcript).unwrap();
    for path in ["/sound/customer/talk_ms", "/sound/agent/shouting", "/sound/silence_ms", "/sound/hold_ms"] {
        assert!(json.pointer(path).is_some(), "{path} in {json}");
    }
    assert!(json.pointer("/sound/overlap_ms").is_some() && json.pointer("/sound/everyone").is_none());
}

#[test]
fn a_live_stream_over_an_offline_engine_gives_partials_and_one_final() {
    let recording = voice();
    let mut stream = Ruler { fails: false }.stream(&Hints::default()).unwrap();
    let mut events = Vec::new();
    for frame in recording.channels[0].chunks(320) {
        events.extend(stream.feed(frame).unwrap());
    }
    events.extend(stream.finish().unwrap());
    let finals: Vec<&Vec<Word>> = events
        .iter()
        .filter_map(|event| match event {
            StreamEvent::Final(words) => Some(words),
            StreamEvent::Partial(_) => None,
        })
        .filter(|words| !words.is_empty())
        .collect();
    let [words] = &finals[..] else { panic!("{events:?}") };
    assert!(words[0].start_ms.abs_diff(890) < 250, "the pre-roll is missing: {words:?}");
    assert!(words[0].end_ms.abs_diff(4_500) < 300, "{words:?}");
    let partials = events.iter().filter(|event| matches!(event, StreamEvent::Partial(_))).count();
    assert!((3..=4).contains(&partials), "{partials} in {events:?}");
}

/// Real recognition: only where a folder with the model is given, which `cargo xtask test` does.
#[cfg(feature = "whisper")]
#[test]
#[allow(clippy::disallowed_methods, reason = "the folder of the test model comes from outside")]
fn a_real_model_hears_the_words_of_the_fixture() {
    use gradus_speech::model::ModelStore;
    use gradus_speech::recognise::whisper::{Whisper, WhisperOptions};

    let Some(folder) = std::env::var_os("GRADUS_TEST_MODEL") else {
        println!("GRADUS_TEST_MODEL names no folder of models: real recognition was not tried");
        return;
    };
    let path = ModelStore::new(folder).path("whisper-base").unwrap();
    let whisper = Whisper::load(&path, WhisperOptions::default()).unwrap();
    let options = TranscribeOptions::default();
    let transcript = transcribe(&voice(), &whisper, &options, &mut |_| ()).unwrap();
    let text =
        transcript.utterances.iter().map(|utterance| utterance.text.to_lowercase()).collect::<String>();
    assert!(text.contains("меня зовут анна"), "{text}");
    let words: Vec<&Word> = transcript.utterances.iter().flat_map(|utterance| &utterance.words).collect();
    assert!(words.is_sorted_by_key(|word| word.start_ms));
    assert!(words.iter().all(|word| word.start_ms >= 1_000 && word.end_ms <= 4_500), "{words:?}");

    let mut silence = voice();
    silence.channels = vec![vec![0; 160_000]];
    assert_eq!(transcribe(&silence, &whisper, &options, &mut |_| ()).unwrap().utterances, []);
}
