//! How it was said: loudness, pitch and pace of each party, silence, hold and talking over each other.
//!
//! Raised voice is measured against the party's own voice at the beginning of the conversation, never against others:
//! lines and headsets differ more than moods do. A party that shouts from the first word on has a loud baseline and is
//! not found this way.

use ebur128::{EbuR128, Mode};
use pitch_detection::detector::{PitchDetector, yin::YINDetector};
use serde::Serialize;

use crate::activity::{self, Overlap};
use crate::recognise::to_float;
use crate::{SAMPLE_RATE, SAMPLES_PER_MS, Span};

/// Distance of two measured points, in ms.
const STEP_MS: u64 = 100;
const STEP: usize = STEP_MS as usize * SAMPLES_PER_MS;

/// Samples that pitch is found in: 64 ms, two periods of the lowest voice.
const PITCH_WINDOW: usize = 1024;

/// Pitch of human voices from the deepest to a scream, in Hz.
const PITCH_RANGE: std::ops::RangeInclusive<f32> = 60.0..=650.0;

/// How sure YIN has to be, 0 to 1; its authors' threshold of 0.1 to 0.2, the other way round.
const PITCH_CLARITY: f32 = 0.8;

/// Own voice that makes the baseline, in ms, and the least that will do.
const BASELINE_MS: u64 = 25_000;
const BASELINE_MIN_MS: u64 = 6_000;

/// Shouting: this much louder (LU) and higher (semitones) than the baseline, over a second, for this long (ms).
/// A raised voice gains about 6 dB for each step of effort and its pitch follows; both together are asked for, because a
/// microphone that comes nearer changes only the first.
const SHOUT_LOUDER_LU: f32 = 6.0;
const SHOUT_HIGHER_SEMITONES: f32 = 3.0;
const SHOUT_MIN_MS: u64 = 1_200;

/// Points that are judged together, and the pause that does not end a shout, in ms.
const SMOOTH: usize = 10;
const SHOUT_PAUSE_MS: u64 = 800;

/// Nobody speaks for this long, in ms: it counts as hold.
const HOLD_MIN_MS: u64 = 5_000;

/// One measured point of a voice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// When, in ms.
    pub at_ms: u64,
    /// Momentary loudness (EBU R128, 400 ms), in LUFS.
    pub loudness_lufs: f32,
    /// Pitch in Hz, where the sound has one.
    pub pitch_hz: Option<f32>,
}

/// A party's own voice at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Baseline {
    /// Median loudness, in LUFS.
    pub loudness_lufs: f32,
    /// Median pitch, in Hz.
    pub pitch_hz: f32,
    /// Voice that it is made of, in ms.
    pub voice_ms: u64,
}

/// A raised voice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shout {
    /// When it began, in ms.
    pub start_ms: u64,
    /// When it ended, in ms.
    pub end_ms: u64,
    /// How much louder than the baseline, in LU.
    pub louder_lu: f32,
    /// How much higher than the baseline, in semitones.
    pub higher_semitones: f32,
}

/// The voice of one party.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct VoiceMeasures {
    /// How long the party speaks, in ms.
    pub talk_ms: u64,
    /// Its share of everybody's speaking, 0 to 1.
    pub talk_share: f32,
    /// Median loudness of the voice, in LUFS; none without voice.
    pub loudness_lufs: Option<f32>,
    /// Median pitch, in Hz; none without voice.
    pub pitch_hz: Option<f32>,
    /// Recognised words for each minute of own speaking; none below 3 s of it.
    pub words_per_minute: Option<f32>,
    /// How often the party began to talk over the other for at least 200 ms.
    pub interruptions: usize,
    /// The voice at the beginning; none if there was too little of it, and then shouting is not judged.
    pub baseline: Option<Baseline>,
    /// Where the voice was raised.
    pub shouting: Vec<Shout>,
    /// All measured points, ten a second of voice.
    #[serde(skip)]
    pub curve: Vec<Point>,
}

/// Everything that was measured in the sound of a conversation.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SoundMeasures {
    /// The customer's voice; none in mono.
    pub customer: Option<VoiceMeasures>,
    /// The agent's voice; none in mono.
    pub agent: Option<VoiceMeasures>,
    /// All voices of a mono recording together, without baseline and shouting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub everyone: Option<VoiceMeasures>,
    /// How long nobody speaks, in ms. Music and noise are no speaking.
    pub silence_ms: u64,
    /// The part of it in stretches of 5 s and more, in ms: hold, or anything that is like it for a waiting customer.
    /// The line itself does not say whether somebody pressed the button.
    pub hold_ms: u64,
    /// Those stretches.
    pub holds: Vec<Span>,
    /// How long both speak at once, in ms; 0 in mono, where it cannot be told.
    pub overlap_ms: u64,
    /// Those stretches; `began_by` is a channel.
    pub overlaps: Vec<Overlap>,
}

/// One channel with what was found in it.
#[derive(Debug, Clone, Copy)]
pub struct Channel<'a> {
    /// Samples at 16 kHz.
    pub samples: &'a [i16],
    /// Spans of voice.
    pub voice: &'a [Span],
    /// How many words were recognised.
    pub words: usize,
}

/// Measures a conversation. With two channels, `agent_channel` says whose is whose.
pub fn measure(channels: &[Channel<'_>], agent_channel: usize, duration_ms: u64) -> SoundMeasures {
    let voices: Vec<&[Span]> = channels.iter().map(|channel| channel.voice).collect();
    let silences = activity::silences(&voices, duration_ms, 0);
    let holds: Vec<Span> = silences.iter().filter(|span| span.len_ms() >= HOLD_MIN_MS).copied().collect();
    let mut result = SoundMeasures {
        silence_ms: silences.iter().map(Span::len_ms).sum(),
        hold_ms: holds.iter().map(Span::len_ms).sum(),
        holds,
        ..SoundMeasures::default()
    };
    let talk: u64 = voices.iter().flat_map(|voice| voice.iter()).map(Span::len_ms).sum();
    match channels {
        [first, second] => {
            result.overlaps = activity::overlaps(first.voice, second.voice);
            result.overlap_ms = result.overlaps.iter().map(|overlap| overlap.end_ms - overlap.start_ms).sum();
            let mut parties = [voice_of(first, talk), voice_of(second, talk)];
            for (channel, party) in parties.iter_mut().enumerate() {
                party.interruptions = result.overlaps.iter().filter(|o| o.began_by == channel).count();
                party.baseline = baseline(&party.curve);
                party.shouting = party.baseline.map_or_else(Vec::new, |base| shouting(&party.curve, base));
            }
            let [first, second] = parties;
            let (agent, customer) = if agent_channel == 0 { (first, second) } else { (second, first) };
            (result.agent, result.customer) = (Some(agent), Some(customer));
        }
        [only] => result.everyone = Some(voice_of(only, talk)),
        _ => {}
    }
    result
}

fn voice_of(channel: &Channel<'_>, all_talk_ms: u64) -> VoiceMeasures {
    let talk_ms: u64 = channel.voice.iter().map(Span::len_ms).sum();
    let curve = curve(channel.samples, channel.voice);
    VoiceMeasures {
        talk_ms,
        talk_share: if all_talk_ms > 0 { talk_ms as f32 / all_talk_ms as f32 } else { 0.0 },
        loudness_lufs: median(curve.iter().map(|point| point.loudness_lufs)),
        pitch_hz: median(curve.iter().filter_map(|point| point.pitch_hz)),
        words_per_minute: (talk_ms >= 3_000).then(|| channel.words as f32 * 60_000.0 / talk_ms as f32),
        curve,
        ..VoiceMeasures::default()
    }
}

/// Measures a point every 100 ms where there is voice.
pub fn curve(samples: &[i16], voice: &[Span]) -> Vec<Point> {
    // Fails only for impossible rates and channel counts; these are constants.
    let Ok(mut meter) = EbuR128::new(1, SAMPLE_RATE, Mode::M) else { return Vec::new() };
    let mut yin = YINDetector::<f32>::new(PITCH_WINDOW, PITCH_WINDOW / 2);
    let mut voice = voice.iter().peekable();
    let mut points = Vec::new();
    for (index, step) in samples.chunks_exact(STEP).enumerate() {
        if meter.add_frames_i16(step).is_err() {
            break;
        }
        // The meter looks back 400 ms: what it shows now belongs to 200 ms ago.
        let Some(at_ms) = ((index as u64 + 1) * STEP_MS).checked_sub(200) else { continue };
        while voice.next_if(|span| span.end_ms <= at_ms).is_some() {}
        if voice.peek().is_none_or(|span| span.start_ms > at_ms) {
            continue;
        }
        let Ok(loudness) = meter.loudness_momentary() else { continue };
        if loudness.is_finite() {
            let pitch_hz = pitch(samples, at_ms, &mut yin);
            points.push(Point { at_ms, loudness_lufs: loudness as f32, pitch_hz });
        }
    }
    points
}

/// Finds the pitch around a moment. Telephone lines cut the fundamental; YIN finds the period without it.
fn pitch(samples: &[i16], at_ms: u64, yin: &mut YINDetector<f32>) -> Option<f32> {
    let middle = at_ms as usize * SAMPLES_PER_MS;
    let start = middle.checked_sub(PITCH_WINDOW / 2)?;
    let window = to_float(samples.get(start..start + PITCH_WINDOW)?);
    // A power of −60 dB and less is no voice.
    let found = yin.get_pitch(&window, SAMPLE_RATE as usize, PITCH_WINDOW as f32 * 1e-6, PITCH_CLARITY)?;
    PITCH_RANGE.contains(&found.frequency).then_some(found.frequency)
}

fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    Some(*values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

fn baseline(curve: &[Point]) -> Option<Baseline> {
    // Of a short conversation the first half, so that an end in anger does not become its own baseline.
    let half = (curve.len() / 2).max((BASELINE_MIN_MS / STEP_MS) as usize);
    let first = &curve[..half.min((BASELINE_MS / STEP_MS) as usize).min(curve.len())];
    let voice_ms = first.len() as u64 * STEP_MS;
    if voice_ms < BASELINE_MIN_MS {
        return None;
    }
    Some(Baseline {
        loudness_lufs: median(first.iter().map(|point| point.loudness_lufs))?,
        pitch_hz: median(first.iter().filter_map(|point| point.pitch_hz))?,
        voice_ms,
    })
}

/// Finds where the smoothed voice is louder and higher than the baseline for long enough.
fn shouting(curve: &[Point], base: Baseline) -> Vec<Shout> {
    let mut found: Vec<(Shout, u32)> = Vec::new();
    for window in curve.windows(SMOOTH) {
        let (first, last) = (window[0].at_ms, window[SMOOTH - 1].at_ms);
        // A window over a long pause says nothing about either side of it.
        if last - first > STEP_MS * SMOOTH as u64 * 2 {
            continue;
        }
        let Some(level) = median(window.iter().map(|point| point.loudness_lufs)) else { continue };
        let voiced = window.iter().filter_map(|point| point.pitch_hz);
        if voiced.clone().count() * 3 < SMOOTH {
            continue;
        }
        let Some(pitch) = median(voiced) else { continue };
        // The middle of the window: its median says what is true of the middle, not of the ends.
        let at_ms = window[SMOOTH / 2].at_ms;
        let louder_lu = level - base.loudness_lufs;
        let higher_semitones = 12.0 * (pitch / base.pitch_hz).log2();
        if louder_lu < SHOUT_LOUDER_LU || higher_semitones < SHOUT_HIGHER_SEMITONES {
            continue;
        }
        match found.last_mut() {
            Some((shout, count)) if at_ms <= shout.end_ms + SHOUT_PAUSE_MS => {
                shout.end_ms = at_ms + STEP_MS;
                shout.louder_lu += louder_lu;
                shout.higher_semitones += higher_semitones;
                *count += 1;
            }
            _ => found
                .push((Shout { start_ms: at_ms, end_ms: at_ms + STEP_MS, louder_lu, higher_semitones }, 1)),
        }
    }
    let mean = |(mut shout, count): (Shout, u32)| {
        shout.louder_lu /= count as f32;
        shout.higher_semitones /= count as f32;
        shout
    };
    found.into_iter().map(mean).filter(|shout| shout.end_ms - shout.start_ms >= SHOUT_MIN_MS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice-like buzz: harmonics of `hz` above 300 Hz, as on a telephone line.
    fn buzz(hz: f64, level: f64, ms: usize) -> Vec<i16> {
        (0..ms * SAMPLES_PER_MS)
            .map(|n| {
                let t = n as f64 / f64::from(SAMPLE_RATE);
                let sum: f64 = (1..=20)
                    .map(|h| f64::from(h) * hz)
                    .filter(|f| (300.0..3400.0).contains(f))
                    .map(|f| (t * f * std::f64::consts::TAU).sin() / f * 300.0)
                    .sum();
                (sum * level) as i16
            })
            .collect()
    }

    fn check(samples: &[i16]) -> Vec<Shout> {
        let voice = [Span::new(0, (samples.len() / SAMPLES_PER_MS) as u64)];
        let curve = curve(samples, &voice);
        shouting(&curve, baseline(&curve).unwrap())
    }

    #[test]
    fn pitch_is_found_without_its_fundamental() {
        for hz in [100.0, 150.0, 210.0, 320.0] {
            let points = curve(&buzz(hz, 3000.0, 2_000), &[Span::new(0, 2_000)]);
            let found = median(points.iter().filter_map(|point| point.pitch_hz)).unwrap();
            assert!((f64::from(found) / hz - 1.0).abs() < 0.03, "{found} instead of {hz}");
        }
    }

    #[test]
    fn a_thousand_hertz_at_full_scale_has_the_loudness_of_the_standard() {
        let tone: Vec<i16> = (0..32_000)
            .map(|n| ((f64::from(n) / 16.0 * std::f64::consts::TAU).sin() * 32_767.0) as i16)
            .collect();
        let points = curve(&tone, &[Span::new(500, 1_500)]);
        assert!(points.iter().all(|point| (point.loudness_lufs + 3.01).abs() < 0.1), "{points:?}");
    }

    #[test]
    fn louder_and_higher_for_long_enough_is_shouting() {
        let mut call = buzz(120.0, 1500.0, 12_000);
        call.extend(buzz(170.0, 5000.0, 3_000));
        call.extend(buzz(120.0, 1500.0, 3_000));
        let found = check(&call);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].start_ms.abs_diff(12_000) < 700 && found[0].end_ms.abs_diff(15_000) < 700,
            "{found:?}"
        );
        assert!(
            (found[0].louder_lu - 10.0).abs() < 2.5 && (found[0].higher_semitones - 6.0).abs() < 1.5,
            "{found:?}"
        );
    }

    #[test]
    fn only_louder_only_higher_or_only_for_a_moment_is_none() {
        for (hz, level, ms) in [(120.0, 6000.0, 3_000), (180.0, 1500.0, 3_000), (180.0, 6000.0, 500)] {
            let mut call = buzz(120.0, 1500.0, 12_000);
            call.extend(buzz(hz, level, ms));
            call.extend(buzz(120.0, 1500.0, 3_000));
            assert_eq!(check(&call), [], "{hz} {level} {ms}");
        }
    }

    #[test]
    fn times_of_a_conversation_add_up() {
        let samples = vec![0_i16; 30_000 * SAMPLES_PER_MS];
        let (agent, customer) =
            ([Span::new(1_000, 5_000)], [Span::new(4_000, 8_000), Span::new(20_000, 21_000)]);
        let channels = [
            Channel { samples: &samples, voice: &agent, words: 8 },
            Channel { samples: &samples, voice: &customer, words: 20 },
        ];
        let sound = measure(&channels, 0, 30_000);
        assert_eq!((sound.silence_ms, sound.hold_ms, sound.overlap_ms), (22_000, 21_000, 1_000));
        let (agent, customer) = (sound.agent.unwrap(), sound.customer.unwrap());
        assert_eq!((agent.talk_ms, customer.talk_ms), (4_000, 5_000));
        assert_eq!((agent.interruptions, customer.interruptions), (0, 1));
        assert_eq!((agent.words_per_minute, customer.words_per_minute), (Some(120.0), Some(240.0)));
        assert!((agent.talk_share - 4.0 / 9.0).abs() < 1e-6);
    }
}
