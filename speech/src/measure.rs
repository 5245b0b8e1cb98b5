//! The sound of each party, measured against their own beginning.
//!
//! Loudness is EBU R128 momentary (400 ms), pitch the median fundamental by McLeod's method (`pitch-detection`). The
//! baseline is the first 25 s of the party's own voice. Shouting: at least 1.2 s in which loudness is 8 LU and pitch 20 %
//! above the baseline. These lines are a first choice; their error on recordings made for it is measured elsewhere.

use ebur128::{EbuR128, Mode};
use pitch_detection::detector::PitchDetector;
use pitch_detection::detector::mcleod::McLeodDetector;
use serde::{Deserialize, Serialize};

use crate::transcribe::Utterance;
use crate::{SAMPLE_RATE, SAMPLES_PER_MS, Span, activity};

/// Voice from which the baseline is taken, in ms.
const BASELINE_MS: u64 = 25_000;
/// A step of measuring, in ms.
const STEP_MS: u64 = 100;
/// Samples of a window for pitch: 64 ms hold four periods of the lowest voice.
const PITCH_WINDOW: usize = 1_024;
/// How much louder shouting is, in LU.
const SHOUT_LOUDER: f64 = 8.0;
/// How much higher shouting is.
const SHOUT_HIGHER: f64 = 1.2;
/// Shortest shouting, in ms.
const SHOUT_MS: u64 = 1_200;
/// From this length on a silence of both counts as hold, in ms.
const HOLD_MS: u64 = 5_000;

/// What was measured of one party.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PartySound {
    /// Median momentary loudness while speaking, in LUFS; `None` when the party never spoke.
    pub loudness_lufs: Option<f64>,
    /// Median pitch while speaking, in hertz.
    pub pitch_hz: Option<f64>,
    /// Words a minute of the party's own voice.
    pub words_per_minute: Option<f64>,
    /// Time of voice, in ms.
    pub voice_ms: u64,
    /// Share of the voice of both parties, per cent.
    pub talk_share: u8,
    /// Longest uninterrupted turn, in ms.
    pub longest_turn_ms: u64,
    /// Times this party began to speak while the other spoke.
    pub interruptions: u32,
    /// Shouting.
    pub shouting: Vec<Shout>,
}

/// One stretch of shouting.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Shout {
    /// When.
    pub span: Span,
    /// How much louder than the party's baseline, in LU.
    pub louder_lu: f64,
    /// How much higher, in per cent.
    pub higher_percent: f64,
}

/// What was measured of a recording.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SoundMeasures {
    /// Each channel, in the order of the recording.
    pub channels: Vec<PartySound>,
    /// Time during which nobody speaks, in ms.
    pub silence_ms: u64,
    /// Time of silences of five seconds and more, in ms. Music on hold still counts as voice or silence as the voice
    /// detector hears it.
    pub hold_ms: u64,
    /// Time during which both speak, in ms.
    pub overlap_ms: u64,
}

/// Measures a recording whose voice and words are known.
pub fn measure(
    channels: &[Vec<i16>],
    voice: &[Vec<Span>],
    utterances: &[Utterance],
    duration_ms: u64,
) -> SoundMeasures {
    let silent = activity::silences(voice, duration_ms);
    let total: u64 = voice.iter().flatten().map(Span::len_ms).sum();
    let parties = channels.iter().zip(voice).enumerate().map(|(channel, (samples, spans))| {
        let words =
            utterances.iter().filter(|said| said.channel == channel).map(|said| said.words.len()).sum();
        let other =
            voice.iter().enumerate().filter(|(index, _)| *index != channel).flat_map(|(_, spans)| spans);
        party(samples, spans, words, total, &other.copied().collect::<Vec<_>>())
    });
    SoundMeasures {
        channels: parties.collect(),
        silence_ms: silent.iter().map(Span::len_ms).sum(),
        hold_ms: silent.iter().map(Span::len_ms).filter(|&length| length >= HOLD_MS).sum(),
        overlap_ms: match voice {
            [left, right] => activity::overlap_ms(left, right),
            _ => 0,
        },
    }
}

fn party(samples: &[i16], spans: &[Span], words: usize, total_ms: u64, other: &[Span]) -> PartySound {
    let voice_ms: u64 = spans.iter().map(Span::len_ms).sum();
    let steps = steps(samples, spans);
    let minutes = number(voice_ms) / 60_000.0;
    let begins_inside = |span: &&Span| {
        other.iter().any(|theirs| theirs.start_ms < span.start_ms && span.start_ms + 200 < theirs.end_ms)
    };
    PartySound {
        loudness_lufs: median(steps.iter().map(|step| step.loudness)),
        pitch_hz: median(steps.iter().filter_map(|step| step.pitch)),
        words_per_minute: (voice_ms > 0).then(|| round(number(u64::try_from(words).unwrap_or(0)) / minutes)),
        voice_ms,
        talk_share: u8::try_from((voice_ms * 100).checked_div(total_ms).unwrap_or(0)).unwrap_or(100),
        longest_turn_ms: spans.iter().map(Span::len_ms).max().unwrap_or(0),
        interruptions: u32::try_from(spans.iter().filter(begins_inside).count()).unwrap_or(u32::MAX),
        shouting: shouting(&steps),
    }
}

/// Loudness and pitch of one step of voice.
#[derive(Clone, Copy)]
struct Step {
    at_ms: u64,
    loudness: f64,
    pitch: Option<f64>,
}

fn steps(samples: &[i16], spans: &[Span]) -> Vec<Step> {
    let mut meter = EbuR128::new(1, SAMPLE_RATE, Mode::M).ok();
    let mut pitch = McLeodDetector::new(PITCH_WINDOW, PITCH_WINDOW / 2);
    let mut steps = Vec::new();
    for span in spans {
        let mut at_ms = span.start_ms;
        while at_ms + STEP_MS <= span.end_ms {
            let first = usize::try_from(at_ms).unwrap_or(usize::MAX).saturating_mul(SAMPLES_PER_MS);
            let length = usize::try_from(STEP_MS).unwrap_or(0) * SAMPLES_PER_MS;
            let Some(part) = samples.get(first..first + length) else { break };
            let loudness = meter.as_mut().and_then(|meter| {
                meter.add_frames_i16(part).ok()?;
                meter.loudness_momentary().ok()
            });
            let window: Vec<f64> =
                part.iter().take(PITCH_WINDOW).map(|&sample| f64::from(sample) / 32_768.0).collect();
            let found =
                pitch.get_pitch(&window, SAMPLE_RATE as usize, 0.05, 0.7).map(|pitch| pitch.frequency);
            if let Some(loudness) = loudness.filter(|loudness| loudness.is_finite() && *loudness > -70.0) {
                steps.push(Step {
                    at_ms,
                    loudness,
                    pitch: found.filter(|hertz| (60.0..600.0).contains(hertz)),
                });
            }
            at_ms += STEP_MS;
        }
    }
    steps
}

fn shouting(steps: &[Step]) -> Vec<Shout> {
    let baseline: Vec<&Step> =
        steps.iter().take(usize::try_from(BASELINE_MS / STEP_MS).unwrap_or(250)).collect();
    let loudness = median(baseline.iter().map(|step| step.loudness));
    let pitch = median(baseline.iter().filter_map(|step| step.pitch));
    let (Some(loudness), Some(pitch)) = (loudness, pitch) else { return Vec::new() };
    let loud = |step: &&Step| {
        let higher = step.pitch.is_none_or(|hertz| hertz >= pitch * SHOUT_HIGHER);
        step.loudness >= loudness + SHOUT_LOUDER && higher
    };
    let mut shouts: Vec<(Span, Vec<Step>)> = Vec::new();
    for step in steps.iter().filter(loud) {
        match shouts.last_mut() {
            Some((span, inside)) if step.at_ms <= span.end_ms + 300 => {
                span.end_ms = step.at_ms + STEP_MS;
                inside.push(*step);
            }
            _ => shouts.push((Span::new(step.at_ms, step.at_ms + STEP_MS), vec![*step])),
        }
    }
    let measured = shouts.into_iter().filter_map(|(span, inside)| {
        let hertz =
            median(inside.iter().filter_map(|step| step.pitch)).filter(|_| span.len_ms() >= SHOUT_MS)?;
        let louder = median(inside.iter().map(|step| step.loudness))? - loudness;
        Some(Shout { span, louder_lu: round(louder), higher_percent: round((hertz / pitch - 1.0) * 100.0) })
    });
    measured.collect()
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().map(round)
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn number(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice-like tone with harmonics.
    fn tone(hertz: f64, level: f64, ms: u64) -> Vec<i16> {
        let samples = ms * u64::from(SAMPLE_RATE) / 1000;
        let value = |index: u64| {
            let phase = std::f64::consts::TAU * hertz * number(index) / f64::from(SAMPLE_RATE);
            let wave = phase.sin() + 0.5 * (2.0 * phase).sin() + 0.25 * (3.0 * phase).sin();
            #[expect(clippy::cast_possible_truncation, reason = "the level keeps it within sixteen bits")]
            let sample = (wave / 1.75 * level * 32_000.0) as i16;
            sample
        };
        (0..samples).map(value).collect()
    }

    #[test]
    fn a_voice_that_gets_much_louder_and_higher_shouts() {
        let mut samples = tone(120.0, 0.08, 26_000);
        samples.extend(tone(190.0, 0.6, 3_000));
        let measures = measure(&[samples], &[vec![Span::new(0, 29_000)]], &[], 29_000);
        let party = &measures.channels[0];
        assert_eq!(party.shouting.len(), 1, "{party:?}");
        assert!(party.shouting[0].louder_lu > 12.0 && party.shouting[0].higher_percent > 40.0);
    }

    #[test]
    fn a_voice_that_is_only_louder_does_not_shout() {
        let mut samples = tone(120.0, 0.08, 26_000);
        samples.extend(tone(122.0, 0.6, 3_000));
        let measures = measure(&[samples], &[vec![Span::new(0, 29_000)]], &[], 29_000);
        assert_eq!(measures.channels[0].shouting, Vec::new());
    }
}
