//! A recording becomes a transcript: who said what when, how it sounded, and what to doubt.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use serde::Serialize;

use crate::activity::find_voices;
use crate::decode::Source;
use crate::measure::{Channel, SoundMeasures, measure};
use crate::recognise::{Heard, Hints, RecogniseError, Recognizer, Session, Word, to_float};
use crate::{Recording, SAMPLES_PER_MS, Span, Warning};

/// A pause between two words that ends an utterance, in ms.
const PAUSE_MS: u64 = 900;

/// A pause in which the other party's words end an utterance, in ms: shorter is talking over each other.
const TURN_MS: u64 = 300;

/// From this length on an utterance ends with its sentence, in ms.
const LONG_MS: u64 = 20_000;

/// Shortest stretch of voice that can be a word, in ms.
const MIN_WORD_MS: u64 = 60;

/// How a recording is transcribed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TranscribeOptions {
    /// The agent's channel, from 0. Without it the first is taken, and a warning says so.
    pub agent_channel: Option<usize>,
    /// Segments that are recognised at the same time; by default one a core. Each takes one thread.
    pub workers: Option<NonZeroUsize>,
    /// What the engine should know.
    pub hints: Hints,
}

/// How far the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TranscribeProgress {
    /// Voice that was recognised, in ms.
    pub done_ms: u64,
    /// Voice that there is, in ms.
    pub total_ms: u64,
}

/// What one party said without a pause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Utterance {
    /// The channel it was said on, from 0.
    pub channel: usize,
    /// When it began, in ms.
    pub start_ms: u64,
    /// When it ended, in ms.
    pub end_ms: u64,
    /// The words with single spaces between.
    pub text: String,
    /// The words with their times.
    pub words: Vec<Word>,
}

/// A whole recording in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transcript {
    /// Engine and model.
    pub engine: String,
    /// What kind of file it was.
    pub source: Source,
    /// Length, in ms.
    pub duration_ms: u64,
    /// How many channels have words of their own.
    pub channels: usize,
    /// The agent's channel; none in mono.
    pub agent_channel: Option<usize>,
    /// All parties are on one channel and are not told apart.
    pub mono: bool,
    /// Utterances of all channels in order of their start.
    pub utterances: Vec<Utterance>,
    /// What was measured.
    pub sound: SoundMeasures,
    /// What to doubt.
    pub warnings: Vec<Warning>,
}

/// One piece of work: a segment of a channel.
struct Job {
    channel: usize,
    span: Span,
}

/// Transcribes a recording. Fails only if the engine does, on every segment.
pub fn transcribe(
    recording: &Recording,
    recognizer: &dyn Recognizer,
    options: &TranscribeOptions,
    progress: &mut dyn FnMut(TranscribeProgress),
) -> Result<Transcript, RecogniseError> {
    let activity = find_voices(&recording.channels);
    let mut jobs: Vec<Job> = activity
        .iter()
        .enumerate()
        .flat_map(|(channel, found)| found.segments.iter().map(move |span| Job { channel, span: *span }))
        .collect();
    jobs.sort_by_key(|job| job.span.start_ms);
    let mut warnings = recording.warnings.clone();
    let mut words = recognise_all(recording, recognizer, options, &jobs, progress, &mut warnings)?;
    for (words, found) in words.iter_mut().zip(&activity) {
        fit_to_voice(words, &found.voice);
    }

    let mono = recording.is_mono();
    let agent_channel = options.agent_channel.filter(|channel| *channel < 2);
    if mono && !warnings.contains(&Warning::IdenticalChannels) {
        warnings.push(Warning::Mono);
    } else if !mono && agent_channel.is_none() {
        warnings.push(Warning::AgentChannelAssumed { channel: 0 });
    }
    if jobs.is_empty() {
        warnings.push(Warning::NoVoice);
    }
    let agent_channel = agent_channel.unwrap_or(0);
    let channels: Vec<Channel<'_>> = recording
        .channels
        .iter()
        .zip(&activity)
        .zip(&words)
        .map(|((samples, found), words)| Channel { samples, voice: &found.voice, words: words.len() })
        .collect();
    Ok(Transcript {
        engine: recognizer.name(),
        source: recording.source.clone(),
        duration_ms: recording.duration_ms,
        channels: recording.channels.len(),
        agent_channel: (!mono).then_some(agent_channel),
        mono,
        sound: measure(&channels, agent_channel, recording.duration_ms),
        utterances: utterances(words),
        warnings,
    })
}

/// Recognises all segments with as many sessions as workers; returns the words of each channel in order.
fn recognise_all(
    recording: &Recording,
    recognizer: &dyn Recognizer,
    options: &TranscribeOptions,
    jobs: &[Job],
    progress: &mut dyn FnMut(TranscribeProgress),
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Vec<Word>>, RecogniseError> {
    let workers = options
        .workers
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get)
        .min(jobs.len());
    let sessions: Vec<Box<dyn Session>> =
        (0..workers).map(|_| recognizer.session(&options.hints)).collect::<Result<_, _>>()?;
    let total_ms = jobs.iter().map(|job| job.span.len_ms()).sum();
    let mut results: Vec<Option<Result<Heard, RecogniseError>>> = jobs.iter().map(|_| None).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        // Bounded by the number of segments: each sends one message.
        let (sender, receiver) = mpsc::channel();
        for mut session in sessions {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    let heard = recognise_one(recording, job, session.as_mut());
                    if sender.send((index, heard)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut done_ms = 0;
        for (index, heard) in receiver {
            done_ms += jobs[index].span.len_ms();
            results[index] = Some(heard);
            progress(TranscribeProgress { done_ms, total_ms });
        }
    });
    gather(recording.channels.len(), jobs, results, warnings)
}

fn recognise_one(
    recording: &Recording,
    job: &Job,
    session: &mut dyn Session,
) -> Result<Heard, RecogniseError> {
    let samples = &recording.channels[job.channel];
    let from = (job.span.start_ms as usize * SAMPLES_PER_MS).min(samples.len());
    let to = (job.span.end_ms as usize * SAMPLES_PER_MS).clamp(from, samples.len());
    let mut heard = session.recognise(&to_float(&samples[from..to]))?;
    for word in &mut heard.words {
        word.start_ms += job.span.start_ms;
        word.end_ms += job.span.start_ms;
    }
    Ok(heard)
}

fn gather(
    channels: usize,
    jobs: &[Job],
    results: Vec<Option<Result<Heard, RecogniseError>>>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Vec<Word>>, RecogniseError> {
    let mut words = vec![Vec::new(); channels];
    let (mut refused, mut failed, mut first_error) = (0, 0, None);
    for (job, result) in jobs.iter().zip(results) {
        match result {
            Some(Ok(heard)) => {
                refused += u64::from(heard.refused.is_some());
                words[job.channel].extend(heard.words);
            }
            Some(Err(error)) => {
                failed += 1;
                first_error.get_or_insert(error);
            }
            None => {
                failed += 1;
                first_error.get_or_insert(RecogniseError::Engine("a worker broke off".to_owned()));
            }
        }
    }
    if refused > 0 {
        warnings.push(Warning::MadeUpWords { segments: refused });
    }
    match first_error {
        Some(error) if failed == jobs.len() as u64 => return Err(error),
        Some(error) => warnings.push(Warning::NotRecognised { segments: failed, reason: error.to_string() }),
        None => {}
    }
    Ok(words)
}

/// Moves words off the pauses: engines let a word begin or end anywhere in the silence beside it. Each word keeps the
/// stretch of voice that it shares most with.
fn fit_to_voice(words: &mut [Word], voice: &[Span]) {
    let mut first = 0;
    for word in words {
        let said = Span::new(word.start_ms, word.end_ms);
        while voice.get(first).is_some_and(|span| span.end_ms <= said.start_ms) {
            first += 1;
        }
        let near = voice.iter().skip(first).take_while(|span| span.start_ms < said.end_ms);
        let best = near.filter_map(|span| span.overlap(&said)).max_by_key(Span::len_ms);
        if let Some(best) = best.filter(|best| best.len_ms() >= MIN_WORD_MS) {
            (word.start_ms, word.end_ms) = (best.start_ms, best.end_ms);
        }
    }
}

/// Makes utterances of words: by pauses, by the other party's turns, and by sentences where one goes on for long.
fn utterances(channels: Vec<Vec<Word>>) -> Vec<Utterance> {
    let mut made = Vec::new();
    let starts: Vec<Vec<u64>> =
        channels.iter().map(|words| words.iter().map(|word| word.start_ms).collect()).collect();
    for (channel, words) in channels.into_iter().enumerate() {
        let others: Vec<&[u64]> = starts
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != channel)
            .map(|(_, s)| s.as_slice())
            .collect();
        let mut open: Vec<Word> = Vec::new();
        for word in words {
            if ends_before(&open, &word, &others) {
                made.extend(close(channel, &mut open));
            }
            open.push(word);
        }
        made.extend(close(channel, &mut open));
    }
    made.sort_by_key(|utterance| (utterance.start_ms, utterance.channel));
    made
}

fn ends_before(open: &[Word], next: &Word, others: &[&[u64]]) -> bool {
    let (Some(first), Some(last)) = (open.first(), open.last()) else { return false };
    let pause = next.start_ms.saturating_sub(last.end_ms);
    let turn = || {
        others.iter().any(|starts| {
            let from = starts.partition_point(|start| *start < last.end_ms);
            starts.get(from).is_some_and(|start| *start < next.start_ms)
        })
    };
    let long = || last.end_ms - first.start_ms >= LONG_MS && last.text.ends_with(['.', '!', '?', '…']);
    pause >= PAUSE_MS || (pause >= TURN_MS && turn()) || long()
}

fn close(channel: usize, open: &mut Vec<Word>) -> Option<Utterance> {
    let words = std::mem::take(open);
    let (start_ms, end_ms) = (words.first()?.start_ms, words.last()?.end_ms);
    let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    Some(Utterance { channel, start_ms, end_ms, text, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words as `text start end`, one a line.
    fn words(lines: &str) -> Vec<Word> {
        let word = |line: &str| {
            let mut fields = line.split_whitespace();
            let text = fields.next()?.to_owned();
            let mut number = || fields.next()?.parse().ok();
            Some(Word { text, start_ms: number()?, end_ms: number()?, confidence: 1.0 })
        };
        lines.lines().filter_map(word).collect()
    }

    fn said(channels: &[&str]) -> Vec<(usize, u64, String)> {
        let made = utterances(channels.iter().map(|lines| words(lines)).collect());
        made.into_iter().map(|utterance| (utterance.channel, utterance.start_ms, utterance.text)).collect()
    }

    #[test]
    fn a_pause_ends_an_utterance_and_a_short_one_does_not() {
        let found = said(&["Добрый 0 400\n день. 900 1300\n Слушаю. 2300 2800"]);
        assert_eq!(found, [(0, 0, "Добрый день.".to_owned()), (0, 2300, "Слушаю.".to_owned())]);
    }

    #[test]
    fn the_other_partys_turn_ends_an_utterance_and_the_order_is_that_of_time() {
        let found = said(&["Назовите 0 500\n номер. 500 900\n Спасибо. 1500 2000", "Да. 950 1200"]);
        let texts: Vec<_> = found.iter().map(|(channel, _, text)| (*channel, text.as_str())).collect();
        assert_eq!(texts, [(0, "Назовите номер."), (1, "Да."), (0, "Спасибо.")]);
        // Talking over a speech without a pause does not cut it.
        assert_eq!(said(&["Я 0 500\n жду. 500 900\n Долго. 950 1400", "Да. 700 930"]).len(), 2);
    }

    #[test]
    fn words_leave_the_pauses_that_an_engine_put_them_into() {
        let mut found = words("бригада. 1920 2940\nДавай. 2940 3730\nжду 5000 5100");
        fit_to_voice(&mut found, &[Span::new(400, 2700), Span::new(3432, 4000)]);
        let times: Vec<_> = found.iter().map(|word| (word.start_ms, word.end_ms)).collect();
        assert_eq!(times, [(1920, 2700), (3432, 3730), (5000, 5100)]);
    }
}
