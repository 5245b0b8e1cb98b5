//! Voice activity: where somebody speaks, cut into segments that an engine can take; silence and overlap.
//!
//! The detector is a small network in pure Rust (`earshot`, frames of 16 ms). Segments begin 300 ms early, because
//! without the pre-roll first words are lost (measured on Silero segments), and end 200 ms late.

use earshot::Detector;

use crate::{SAMPLES_PER_MS, Span};

/// Samples of one frame.
const FRAME: usize = 256;
/// Length of one frame in ms.
const FRAME_MS: u64 = 16;
/// From this score on a frame is voice (the detector's own recommendation).
const VOICE: f32 = 0.5;
/// Voice goes on over pauses shorter than this, in ms.
const BRIDGE_MS: u64 = 450;
/// Shorter voice is a click, in ms.
const SHORTEST_MS: u64 = 120;
/// Sound before the first voiced frame that belongs to the segment, in ms.
const PRE_ROLL_MS: u64 = 300;
/// Sound after the last voiced frame that belongs to the segment, in ms.
const POST_ROLL_MS: u64 = 200;
/// Longest segment, in ms: engines lose track beyond it.
pub const LONGEST_MS: u64 = 15_000;

/// Finds the voice in one channel: spans without pre-roll, in order, not touching.
pub fn voice(samples: &[i16]) -> Vec<Span> {
    let mut detector = Detector::default();
    let mut spans: Vec<Span> = Vec::new();
    let mut at = 0;
    for frame in samples.chunks_exact(FRAME) {
        if detector.predict_i16(frame) >= VOICE {
            match spans.last_mut() {
                Some(last) if at <= last.end_ms + BRIDGE_MS => last.end_ms = at + FRAME_MS,
                _ => spans.push(Span::new(at, at + FRAME_MS)),
            }
        }
        at += FRAME_MS;
    }
    spans.retain(|span| span.len_ms() >= SHORTEST_MS);
    spans
}

/// Turns voice into segments for an engine: with pre-roll, none longer than [`LONGEST_MS`], cut at the quietest place.
pub fn segments(samples: &[i16], voice: &[Span]) -> Vec<Span> {
    let end = u64::try_from(samples.len() / SAMPLES_PER_MS).unwrap_or(u64::MAX);
    let mut segments: Vec<Span> = Vec::new();
    for span in voice {
        let before = segments.last().map_or(0, |last: &Span| last.end_ms);
        let mut start = span.start_ms.saturating_sub(PRE_ROLL_MS).max(before);
        let stop = (span.end_ms + POST_ROLL_MS).min(end);
        while stop.saturating_sub(start) > LONGEST_MS {
            let cut = quietest(samples, Span::new(start + LONGEST_MS / 2, start + LONGEST_MS));
            segments.push(Span::new(start, cut));
            start = cut;
        }
        if stop > start {
            segments.push(Span::new(start, stop));
        }
    }
    segments
}

/// Returns the middle of the quietest 100 ms of a span.
fn quietest(samples: &[i16], within: Span) -> u64 {
    const WINDOW_MS: u64 = 100;
    let energy = |at: u64| {
        let first = usize::try_from(at).unwrap_or(usize::MAX).saturating_mul(SAMPLES_PER_MS);
        let part = samples.iter().skip(first).take(SAMPLES_PER_MS * 100);
        part.map(|&sample| u64::from(sample.unsigned_abs())).sum::<u64>()
    };
    let places = (within.start_ms..within.end_ms.saturating_sub(WINDOW_MS)).step_by(50);
    places.min_by_key(|&at| energy(at)).map_or(within.end_ms, |at| at + WINDOW_MS / 2)
}

/// Time during which both speak, in ms.
pub fn overlap_ms(left: &[Span], right: &[Span]) -> u64 {
    let pairs = left.iter().flat_map(|one| right.iter().filter_map(|other| one.overlap(other)));
    pairs.map(|span| span.len_ms()).sum()
}

/// Stretches during which nobody speaks, in ms, including before the first and after the last word.
pub fn silences(channels: &[Vec<Span>], duration_ms: u64) -> Vec<Span> {
    let mut spoken: Vec<Span> = channels.iter().flatten().copied().collect();
    spoken.sort_by_key(|span| span.start_ms);
    let mut silent = Vec::new();
    let mut heard_until = 0;
    for span in spoken {
        if span.start_ms > heard_until {
            silent.push(Span::new(heard_until, span.start_ms));
        }
        heard_until = heard_until.max(span.end_ms);
    }
    if duration_ms > heard_until {
        silent.push(Span::new(heard_until, duration_ms));
    }
    silent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_what_nobody_speaks() {
        let channels = [vec![Span::new(100, 300)], vec![Span::new(250, 400), Span::new(900, 950)]];
        assert_eq!(
            silences(&channels, 1000),
            vec![Span::new(0, 100), Span::new(400, 900), Span::new(950, 1000)]
        );
        assert_eq!(overlap_ms(&channels[0], &channels[1]), 50);
    }

    #[test]
    fn a_long_speech_is_cut_into_segments_an_engine_can_take() {
        let samples = vec![3000_i16; SAMPLES_PER_MS * 40_000];
        let segments = segments(&samples, &[Span::new(1_000, 39_000)]);
        assert!(segments.iter().all(|segment| segment.len_ms() <= LONGEST_MS));
        assert_eq!((segments[0].start_ms, segments.last().unwrap().end_ms), (700, 39_200));
        assert!(segments.windows(2).all(|pair| pair[0].end_ms == pair[1].start_ms));
    }

    #[test]
    fn silence_holds_no_voice() {
        assert_eq!(voice(&vec![0; 16_000 * 3]), Vec::new());
    }
}
