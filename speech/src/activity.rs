//! Where there is voice: spans of voice, segments for recognition, silence, and who began to talk over whom.
//!
//! Voice is told from everything else by the `earshot` network, so music on hold counts as no voice.

use std::thread;

use serde::Serialize;

use crate::{SAMPLES_PER_MS, Span};

/// Samples that the detector judges at once: 16 ms.
pub const FRAME: usize = 256;
const FRAME_MS: u64 = 16;

/// Voice begins at this probability and ends below the lower one: without the gap, quiet ends of words flicker.
const ON: f32 = 0.5;
const OFF: f32 = 0.3;

/// Shortest voice, in ms: shorter is a click.
const MIN_VOICE_MS: u64 = 96;

/// Shortest pause that ends a span, in ms: the closure of a plosive is shorter.
const MIN_PAUSE_MS: u64 = 256;

/// Pauses shorter than this stay inside one segment, in ms: context helps recognition more than silence harms it.
const JOIN_MS: u64 = 1_000;

/// Longest segment, in ms. Engines hear at most 30 s; beyond 20 s they begin to skip.
pub const MAX_SEGMENT_MS: u64 = 15_000;

/// Sound kept before a segment, in ms: without it first words are lost.
pub const PRE_ROLL_MS: u64 = 300;

/// Sound kept after a segment, in ms.
pub const POST_ROLL_MS: u64 = 200;

/// Shortest simultaneous talk that counts as overlap, in ms: shorter is the seam of an ordinary change of turns.
const MIN_OVERLAP_MS: u64 = 200;

/// An echo of the other party: this much quieter than the other channel, and than the party's own voice, as a ratio of
/// powers (15 and 12 dB). The second keeps a party whose line is quiet.
const ECHO_BELOW_OTHER: f32 = 31.6;
const ECHO_BELOW_OWN: f32 = 15.8;

/// Frames before and after that the power is averaged over.
const POWER_FRAMES: usize = 5;

/// Voice detection of one stream, frame by frame, for live sound and recordings alike.
pub struct VoiceDetector {
    detector: Box<earshot::Detector>,
    pending: Vec<i16>,
    spans: Spans,
}

/// Turns the probabilities of frames into spans.
#[derive(Default)]
struct Spans {
    frames: u64,
    open: Option<u64>,
    quiet_since: Option<u64>,
}

/// What changed in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Voice began.
    Began {
        /// When, in ms from the start of the stream.
        at_ms: u64,
    },
    /// Voice ended.
    Ended(Span),
}

impl Default for VoiceDetector {
    fn default() -> Self {
        VoiceDetector {
            detector: earshot::Detector::default_boxed(),
            pending: Vec::new(),
            spans: Spans::default(),
        }
    }
}

impl VoiceDetector {
    /// Returns whether somebody is speaking now.
    pub fn is_open(&self) -> bool {
        self.spans.open.is_some()
    }

    /// Takes samples at 16 kHz, any number; calls `on` for what changed.
    pub fn feed(&mut self, samples: &[i16], mut on: impl FnMut(Change)) {
        let mut rest = samples;
        if !self.pending.is_empty() {
            let need = (FRAME - self.pending.len()).min(rest.len());
            self.pending.extend_from_slice(&rest[..need]);
            rest = &rest[need..];
            if self.pending.len() < FRAME {
                return;
            }
            let frame = std::mem::take(&mut self.pending);
            on_some(self.spans.judge(self.detector.predict_i16(&frame)), &mut on);
        }
        let mut frames = rest.chunks_exact(FRAME);
        for frame in &mut frames {
            on_some(self.spans.judge(self.detector.predict_i16(frame)), &mut on);
        }
        self.pending.extend_from_slice(frames.remainder());
    }

    /// Ends the stream: a span that is still open ends here.
    pub fn finish(&mut self) -> Option<Change> {
        self.spans.finish()
    }
}

impl Spans {
    fn finish(&mut self) -> Option<Change> {
        let end = self.quiet_since.take().unwrap_or(self.frames);
        self.open.take().and_then(|start| span_of(start, end))
    }

    fn judge(&mut self, probability: f32) -> Option<Change> {
        let now = self.frames;
        self.frames += 1;
        match self.open {
            None if probability >= ON => {
                self.open = Some(now);
                self.quiet_since = None;
                Some(Change::Began { at_ms: now * FRAME_MS })
            }
            None => None,
            Some(_) if probability >= OFF => {
                self.quiet_since = None;
                None
            }
            Some(start) => {
                let since = *self.quiet_since.get_or_insert(now);
                if (now + 1 - since) * FRAME_MS < MIN_PAUSE_MS {
                    return None;
                }
                self.open = None;
                self.quiet_since = None;
                span_of(start, since)
            }
        }
    }
}

fn on_some(change: Option<Change>, on: &mut impl FnMut(Change)) {
    if let Some(change) = change {
        on(change);
    }
}

/// A span that is too short to be voice ends as an empty one, so that a begin always has its end.
fn span_of(start: u64, end: u64) -> Option<Change> {
    let span = Span::new(start * FRAME_MS, end * FRAME_MS);
    let span = if span.len_ms() < MIN_VOICE_MS { Span::new(span.start_ms, span.start_ms) } else { span };
    Some(Change::Ended(span))
}

/// Voice in one channel of a recording.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Activity {
    /// Spans of voice in order, not touching each other.
    pub voice: Vec<Span>,
    /// Stretches to recognise, with pre-roll, none longer than [`MAX_SEGMENT_MS`] plus the rolls.
    pub segments: Vec<Span>,
}

/// Finds the voice in each channel at 16 kHz, each on a thread of its own. Of two channels, what leaks from the other
/// party (echo of the line, joint coding of the file) is left out.
pub fn find_voices(channels: &[Vec<i16>]) -> Vec<Activity> {
    let mut heard: Vec<Frames> = thread::scope(|scope| {
        let threads: Vec<_> = channels.iter().map(|samples| scope.spawn(|| listen(samples))).collect();
        // A thread that panicked found no voice; it cannot, and the others' words are still worth having.
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
    });
    if let [left, right] = &mut heard[..] {
        let (in_left, in_right) = (echoes(left, right), echoes(right, left));
        in_left.into_iter().for_each(|frame| left.probability[frame] = 0.0);
        in_right.into_iter().for_each(|frame| right.probability[frame] = 0.0);
    }
    let finish = |(frames, samples): (Frames, &Vec<i16>)| {
        let voice = frames.spans();
        let segments = segments(&voice, &frames.probability, (samples.len() / SAMPLES_PER_MS) as u64);
        Activity { voice, segments }
    };
    heard.into_iter().zip(channels).map(finish).collect()
}

/// What one channel has in each frame: 8 bytes for 16 ms.
#[derive(Default)]
struct Frames {
    probability: Vec<f32>,
    power: Vec<f32>,
}

fn listen(samples: &[i16]) -> Frames {
    let mut detector = earshot::Detector::default_boxed();
    let frames = samples.chunks_exact(FRAME);
    let probability = frames.clone().map(|frame| detector.predict_i16(frame)).collect();
    let power: Vec<f32> =
        frames.map(|frame| frame.iter().map(|s| f32::from(*s) * f32::from(*s)).sum()).collect();
    let around =
        |at: usize| &power[at.saturating_sub(POWER_FRAMES)..(at + POWER_FRAMES + 1).min(power.len())];
    let mean = |frames: &[f32]| frames.iter().sum::<f32>() / frames.len() as f32;
    Frames { probability, power: (0..power.len()).map(|at| mean(around(at))).collect() }
}

impl Frames {
    fn spans(&self) -> Vec<Span> {
        let mut spans = Spans::default();
        let mut changes: Vec<Change> = self.probability.iter().filter_map(|p| spans.judge(*p)).collect();
        changes.extend(spans.finish());
        let ended = changes.into_iter().filter_map(|change| match change {
            Change::Ended(span) => Some(span),
            Change::Began { .. } => None,
        });
        ended.filter(|span| span.len_ms() > 0).collect()
    }
}

/// Finds the frames of a channel that are an echo of the other one.
fn echoes(own: &Frames, other: &Frames) -> Vec<usize> {
    let louder = |frame: usize| own.probability[frame] >= ON && own.power[frame] > other.power[frame];
    let both = own.power.len().min(other.power.len());
    let mut alone: Vec<f32> =
        (0..both).filter(|frame| louder(*frame)).map(|frame| own.power[frame]).collect();
    let middle = alone.len() / 2;
    // A channel that is never the louder one has no voice to compare with: all that counts is the other.
    let typical = match alone.is_empty() {
        true => f32::INFINITY,
        false => *alone.select_nth_unstable_by(middle, f32::total_cmp).1,
    };
    let echo = |frame: &usize| {
        own.power[*frame] * ECHO_BELOW_OTHER < other.power[*frame]
            && own.power[*frame] * ECHO_BELOW_OWN < typical
    };
    (0..both).filter(echo).collect()
}

/// Joins spans of voice into segments and cuts those that are too long where voice is least likely.
fn segments(voice: &[Span], probabilities: &[f32], duration_ms: u64) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::new();
    for piece in voice.iter().flat_map(|span| cut(*span, probabilities)) {
        match joined.last_mut() {
            Some(last)
                if piece.start_ms - last.end_ms < JOIN_MS
                    && piece.start_ms != last.end_ms
                    && piece.end_ms - last.start_ms <= MAX_SEGMENT_MS =>
            {
                last.end_ms = piece.end_ms;
            }
            _ => joined.push(piece),
        }
    }
    roll(&joined, duration_ms)
}

/// Adds the rolls. Between two segments the silence is shared, so that no word is heard twice.
fn roll(joined: &[Span], duration_ms: u64) -> Vec<Span> {
    let mut segments = Vec::with_capacity(joined.len());
    let mut floor = 0;
    for (index, span) in joined.iter().enumerate() {
        let start_ms = span.start_ms.saturating_sub(PRE_ROLL_MS).max(floor);
        let next = joined.get(index + 1).map_or(u64::MAX, |next| next.start_ms);
        let end_ms =
            (span.end_ms + POST_ROLL_MS).min(span.end_ms.midpoint(next).max(span.end_ms)).min(duration_ms);
        segments.push(Span::new(start_ms, end_ms));
        floor = end_ms;
    }
    segments
}

/// Cuts one span of voice into pieces that fit into a segment, at its least likely frames.
fn cut(mut span: Span, probabilities: &[f32]) -> Vec<Span> {
    let probability = |frame: usize| probabilities.get(frame).copied().unwrap_or(1.0);
    let mut pieces = Vec::new();
    while span.len_ms() > MAX_SEGMENT_MS {
        // The second half only: pieces should be long.
        let from = ((span.start_ms + MAX_SEGMENT_MS / 2) / FRAME_MS) as usize;
        let to = ((span.start_ms + MAX_SEGMENT_MS) / FRAME_MS) as usize;
        let best = (from..to).min_by(|a, b| probability(*a).total_cmp(&probability(*b))).unwrap_or(to);
        let at = best as u64 * FRAME_MS + FRAME_MS / 2;
        pieces.push(Span::new(span.start_ms, at));
        span.start_ms = at;
    }
    pieces.push(span);
    pieces
}

/// Two parties talking at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// When it began, in ms.
    pub start_ms: u64,
    /// When it ended, in ms.
    pub end_ms: u64,
    /// The channel that began to talk while the other was talking.
    pub began_by: usize,
}

/// Finds where both channels talk at once for at least 200 ms. If both begin in the same frame, it is the second's.
pub fn overlaps(first: &[Span], second: &[Span]) -> Vec<Overlap> {
    let mut found = Vec::new();
    let (mut a, mut b) = (0, 0);
    while let (Some(left), Some(right)) = (first.get(a), second.get(b)) {
        if let Some(both) = left.overlap(right).filter(|both| both.len_ms() >= MIN_OVERLAP_MS) {
            let began_by = usize::from(right.start_ms >= left.start_ms);
            found.push(Overlap { start_ms: both.start_ms, end_ms: both.end_ms, began_by });
        }
        if left.end_ms <= right.end_ms { a += 1 } else { b += 1 }
    }
    found
}

/// Finds where no channel has voice, from start to end of the recording, in stretches of at least `min_ms`.
pub fn silences(channels: &[&[Span]], duration_ms: u64, min_ms: u64) -> Vec<Span> {
    let mut all: Vec<Span> = channels.iter().flat_map(|spans| spans.iter().copied()).collect();
    all.sort_by_key(|span| span.start_ms);
    all.push(Span::new(duration_ms, duration_ms));
    let mut heard_until = 0;
    let mut silences = Vec::new();
    for span in all {
        if span.start_ms >= heard_until + min_ms.max(1) {
            silences.push(Span::new(heard_until, span.start_ms));
        }
        heard_until = heard_until.max(span.end_ms);
    }
    silences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(list: &[(u64, u64)]) -> Vec<Span> {
        list.iter().map(|(start, end)| Span::new(*start, *end)).collect()
    }

    #[test]
    fn who_cuts_in_is_the_one_who_began_later() {
        let found =
            overlaps(&spans(&[(0, 2_000), (5_000, 9_000)]), &spans(&[(1_500, 6_000), (8_900, 9_500)]));
        let short: Vec<_> = found.iter().map(|o| (o.start_ms, o.end_ms, o.began_by)).collect();
        assert_eq!(short, [(1_500, 2_000, 1), (5_000, 6_000, 0)]);
    }

    #[test]
    fn silence_is_where_nobody_speaks_including_start_and_end() {
        let (a, b) = (spans(&[(1_000, 2_000)]), spans(&[(1_500, 4_000), (9_000, 9_500)]));
        let found = silences(&[&a, &b], 20_000, 1_000);
        assert_eq!(found, spans(&[(0, 1_000), (4_000, 9_000), (9_500, 20_000)]));
        assert_eq!(silences(&[&[]], 5_000, 0), spans(&[(0, 5_000)]));
    }

    #[test]
    fn near_spans_share_a_segment_with_rolls_that_never_meet() {
        let voice = spans(&[(100, 1_000), (1_500, 3_000), (4_100, 5_000)]);
        assert_eq!(segments(&voice, &[], 5_100), spans(&[(0, 3_200), (3_800, 5_100)]));
    }

    #[test]
    fn a_monologue_is_cut_where_voice_is_least_likely() {
        let mut probabilities = vec![0.9; 2_000];
        probabilities[750] = 0.1;
        let cut = segments(&spans(&[(0, 20_000)]), &probabilities, 20_000);
        assert_eq!(cut, spans(&[(0, 12_008), (12_008, 20_000)]));
    }

    #[test]
    fn silence_and_noise_have_no_voice() {
        assert_eq!(find_voices(&[vec![0; 48_000]]), [Activity::default()]);
        let mut state = 1_u32;
        let noise: Vec<i16> = (0..48_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 16) as i16) / 64
            })
            .collect();
        assert_eq!(find_voices(&[noise]), [Activity::default()]);
    }

    #[test]
    fn an_echo_of_the_other_party_is_no_voice_of_its_own() {
        let frames = |power: &[f32]| Frames { probability: vec![0.9; power.len()], power: power.to_vec() };
        // The other speaks and is echoed; own voice; both at once; the other speaks and own quiet «угу» is 13 dB lower.
        let (own, other) =
            (frames(&[1.0, 1.0, 500.0, 300.0, 50.0]), frames(&[1000.0, 40.0, 1.0, 1000.0, 1000.0]));
        assert_eq!(echoes(&own, &other), [0, 1]);
        assert_eq!(echoes(&other, &own), [2]);
        let one_sided = frames(&[1.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(echoes(&one_sided, &other), [0, 1, 3, 4]);
    }

    #[test]
    fn any_size_of_blocks_gives_the_same_spans() {
        let buzz = |i: i32| ((i % 130) - 65) * 120 * i32::from(i / 8_000 % 2 == 1);
        let samples: Vec<i16> = (0..64_000).map(|i| buzz(i) as i16).collect();
        let run = |size: usize| {
            let mut detector = VoiceDetector::default();
            let mut changes = Vec::new();
            samples.chunks(size).for_each(|block| detector.feed(block, |change| changes.push(change)));
            changes.extend(detector.finish());
            changes
        };
        assert_eq!(run(320), run(64_000));
        assert_eq!(run(1), run(7_777));
        let spans = listen(&samples).spans();
        let ended: Vec<Change> =
            run(320).into_iter().filter(|change| matches!(change, Change::Ended(_))).collect();
        assert_eq!(ended, spans.into_iter().map(Change::Ended).collect::<Vec<_>>());
        assert!(!ended.is_empty(), "the buzz was not taken for a voice: the test says nothing");
    }
}
