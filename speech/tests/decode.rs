//! Recordings of every kind that is promised, good and bad.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails by panicking")]

use std::io::Write;
use std::path::Path;

use gradus_speech::decode::{DecodeError, DecodeOptions, Recording, decode, decode_bytes};
use gradus_speech::{SAMPLES_PER_MS, Warning};

fn fixture(name: &str) -> Recording {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    decode(&path, &DecodeOptions::default()).unwrap()
}

fn bytes(name: &str, bytes: Vec<u8>) -> Result<Recording, DecodeError> {
    decode_bytes(name, bytes, &DecodeOptions::default())
}

/// How much of a channel is a tone of that frequency, as amplitude (0 to 1), measured over its middle.
fn amplitude(samples: &[i16], hz: f64) -> f64 {
    let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in middle.iter().enumerate() {
        let angle = n as f64 / 16_000.0 * hz * std::f64::consts::TAU;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    2.0 * re.hypot(im) / middle.len() as f64 / 32_768.0
}

fn check_tones(recording: &Recording, what: &str) {
    assert_eq!((recording.sample_rate, recording.channels.len()), (16_000, 2), "{what}");
    assert!(recording.duration_ms.abs_diff(1000) <= 100, "{what}: {} ms", recording.duration_ms);
    let [left, right] = &recording.channels[..] else { panic!("{what}") };
    assert_eq!(left.len(), right.len());
    let found = [(left, 440.0, 0.5), (right, 660.0, 0.25), (left, 660.0, 0.0), (right, 440.0, 0.0)];
    for (samples, hz, wanted) in found {
        let amplitude = amplitude(samples, hz);
        assert!((amplitude - wanted).abs() < 0.03, "{what}: {hz} Hz has {amplitude} instead of {wanted}");
    }
}

#[test]
fn every_promised_kind_of_file_gives_its_two_channels() {
    for name in ["tones.mp3", "tones.opus", "tones.ogg", "tones.flac", "tones.m4a", "tones.aac"] {
        let recording = fixture(name);
        check_tones(&recording, name);
        assert_eq!(recording.warnings, [], "{name}");
    }
}

/// How the samples of a wav file are written.
#[derive(Clone, Copy, Debug)]
enum Coding {
    Pcm(u16),
    Float(u16),
    MuLaw,
    ALaw,
}

/// Writes one second of the tones.
fn wav(coding: Coding, rate: u32) -> Vec<u8> {
    let mut data = Vec::new();
    for n in 0..rate {
        let t = f64::from(n) / f64::from(rate) * std::f64::consts::TAU;
        for value in [(t * 440.0).sin() * 0.5, (t * 660.0).sin() * 0.25] {
            match coding {
                Coding::Pcm(8) => data.push((value * 127.0 + 128.0) as u8),
                Coding::Pcm(16) => data.extend(((value * 32_767.0) as i16).to_le_bytes()),
                Coding::Pcm(24) => data.extend(&((value * 8_388_607.0) as i32).to_le_bytes()[..3]),
                Coding::Pcm(_) => data.extend(((value * 2_147_483_647.0) as i32).to_le_bytes()),
                Coding::Float(32) => data.extend((value as f32).to_le_bytes()),
                Coding::Float(_) => data.extend(value.to_le_bytes()),
                Coding::MuLaw => data.push(mu_law((value * 32_767.0) as i32)),
                Coding::ALaw => data.push(a_law((value * 32_767.0) as i32)),
            }
        }
    }
    let (tag, bits) = match coding {
        Coding::Pcm(bits) => (1, bits),
        Coding::Float(bits) => (3, bits),
        Coding::ALaw => (6, 8),
        Coding::MuLaw => (7, 8),
    };
    wav_file(tag, bits, 2, rate, &data, data.len() as u32)
}

fn wav_file(tag: u16, bits: u16, channels: u16, rate: u32, data: &[u8], stated: u32) -> Vec<u8> {
    let block = channels * bits / 8;
    let mut file = b"RIFF".to_vec();
    file.extend(36_u32.wrapping_add(stated).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0");
    file.extend(tag.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(block)).to_le_bytes());
    file.extend(block.to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data");
    file.extend(stated.to_le_bytes());
    file.write_all(data).unwrap();
    file
}

/// ITU-T G.711, µ-law.
fn mu_law(sample: i32) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = sample.abs().min(32_635) + 132;
    let exponent = magnitude.ilog2() as i32 - 7;
    !(sign | (exponent << 4) | (magnitude >> (exponent + 3) & 15)) as u8
}

/// ITU-T G.711, A-law.
fn a_law(sample: i32) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    let magnitude = sample.abs().min(32_767);
    let code = match magnitude.checked_ilog2() {
        Some(top) if top >= 8 => (top as i32 - 7) << 4 | (magnitude >> (top as i32 - 4) & 15),
        _ => magnitude >> 4,
    };
    ((sign | code) ^ 0x55) as u8
}

#[test]
fn every_coding_of_wav_gives_the_same_sound() {
    let codings = [
        Coding::Pcm(8),
        Coding::Pcm(16),
        Coding::Pcm(24),
        Coding::Pcm(32),
        Coding::Float(32),
        Coding::Float(64),
        Coding::MuLaw,
        Coding::ALaw,
    ];
    for coding in codings {
        let recording = bytes("call.wav", wav(coding, 8_000)).unwrap();
        check_tones(&recording, &format!("{coding:?}"));
        assert_eq!(recording.warnings, [], "{coding:?}");
    }
}

#[test]
fn any_rate_becomes_sixteen_kilohertz_of_the_same_length() {
    for rate in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 15_999] {
        let recording = bytes("call.wav", wav(Coding::Pcm(16), rate)).unwrap();
        check_tones(&recording, &rate.to_string());
        assert_eq!(recording.channels[0].len(), 16_000, "{rate}");
    }
}

#[test]
fn the_content_decides_not_the_name() {
    let recording = bytes("call.mp3", wav(Coding::Pcm(16), 8_000)).unwrap();
    check_tones(&recording, "wav named mp3");
    let said = recording.warnings[0].to_string();
    assert_eq!(said, "the file is named .mp3 and holds wave: it was read as wave");
}

#[test]
fn a_truncated_file_gives_what_is_there_and_says_so() {
    let whole = wav(Coding::Pcm(16), 16_000);
    let recording = bytes("call.wav", whole[..whole.len() / 2].to_vec()).unwrap();
    assert!(recording.duration_ms.abs_diff(500) <= 1, "{}", recording.duration_ms);
    assert!(matches!(recording.warnings[..], [Warning::WrongLength { .. }]), "{:?}", recording.warnings);

    for name in ["tones.mp3", "tones.opus", "tones.ogg", "tones.flac", "tones.aac"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        let whole = std::fs::read(path).unwrap();
        // Nothing but a clear answer is asked for: some kinds have no length to compare with.
        match bytes(name, whole[..whole.len() * 2 / 3].to_vec()) {
            Ok(recording) => assert!(recording.duration_ms <= 1100, "{name}"),
            Err(error) => assert!(error.to_string().contains(name), "{error}"),
        }
    }
}

#[test]
fn a_recorder_that_never_wrote_the_length_is_forgiven() {
    let whole = wav(Coding::Pcm(16), 16_000);
    for stated in [0, u32::MAX] {
        let recording = bytes("call.wav", wav_file(1, 16, 2, 16_000, &whole[44..], stated)).unwrap();
        check_tones(&recording, &stated.to_string());
        let warning = Warning::WrongLength { stated: u64::from(stated), found: 64_000 };
        assert_eq!(recording.warnings, [warning]);
    }
}

#[test]
fn what_is_no_sound_is_named_with_its_cure() {
    let text = b"this is no sound at all, only some words that somebody named wav".repeat(40);
    let cases: [(&str, Vec<u8>, &str); 5] = [
        ("empty.wav", Vec::new(), "\"empty.wav\" is empty: record or copy it again"),
        ("text.wav", text, "\"text.wav\" is no recording that can be read"),
        ("header.wav", wav_file(1, 16, 1, 8_000, &[], 0), "\"header.wav\" holds no sound"),
        (
            "rate.wav",
            wav_file(1, 16, 1, 100, &[0; 400], 400),
            "\"rate.wav\" states a sampling rate of 100 Hz",
        ),
        ("gsm.wav", wav_file(0x31, 16, 1, 8_000, &[1; 650], 650), "\"gsm.wav\""),
    ];
    for (name, content, wanted) in cases {
        let error = bytes(name, content).unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{error}");
    }
    let error = decode(Path::new("/no/such/file.wav"), &DecodeOptions::default()).unwrap_err();
    assert!(error.to_string().starts_with("cannot read \"/no/such/file.wav\""), "{error}");
    let error = decode(Path::new(env!("CARGO_MANIFEST_DIR")), &DecodeOptions::default()).unwrap_err();
    assert!(error.to_string().contains("folder"), "{error}");
}

#[test]
fn noise_of_any_bytes_never_panics() {
    let mut state = 7_u64;
    for round in 0..300 {
        let mut content = match round % 4 {
            0 => wav(Coding::Pcm(16), 8_000)[..2_000].to_vec(),
            1 => std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tones.opus")).unwrap(),
            2 => std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tones.m4a")).unwrap(),
            _ => std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tones.mp3")).unwrap(),
        };
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = (state >> 33) as usize % content.len();
            content[place] = (state >> 20) as u8;
        }
        let limit = DecodeOptions { limit_ms: 5_000 };
        if let Ok(recording) = decode_bytes("call", content, &limit) {
            assert!(recording.duration_ms <= 5_000);
        }
    }
}

#[test]
fn equal_channels_are_mono_and_silent_ones_are_named() {
    let tone = |n: u32| (f64::from(n) * 0.17).sin() * 8_000.0;
    let same: Vec<u8> = (0..16_000).flat_map(|n| [tone(n) as i16; 2]).flat_map(i16::to_le_bytes).collect();
    let recording = bytes("call.wav", wav_file(1, 16, 2, 16_000, &same, 64_000)).unwrap();
    assert!(recording.is_mono());
    assert_eq!(recording.warnings, [Warning::IdenticalChannels]);

    let one: Vec<u8> = (0..16_000).flat_map(|n| [tone(n) as i16, 1]).flat_map(i16::to_le_bytes).collect();
    let recording = bytes("call.wav", wav_file(1, 16, 2, 16_000, &one, 64_000)).unwrap();
    assert_eq!(recording.channels.len(), 2);
    assert_eq!(recording.warnings, [Warning::SilentChannel { channel: 1 }]);

    let three: Vec<u8> =
        (0..16_000).flat_map(|n| [tone(n) as i16, 0, 0]).flat_map(i16::to_le_bytes).collect();
    let recording = bytes("call.wav", wav_file(1, 16, 3, 16_000, &three, 96_000)).unwrap();
    assert_eq!((recording.channels.len(), recording.source.channels), (1, 3));
    assert_eq!(recording.warnings, [Warning::MixedDown { channels: 3 }]);
}

#[test]
fn a_recording_beyond_the_limit_is_cut() {
    let limit = DecodeOptions { limit_ms: 300 };
    for rate in [16_000, 44_100] {
        let recording = decode_bytes("call.wav", wav(Coding::Pcm(16), rate), &limit).unwrap();
        assert_eq!(recording.channels[0].len(), 300 * SAMPLES_PER_MS);
        assert_eq!(recording.warnings, [Warning::TooLong { limit_ms: 300 }]);
    }
}
