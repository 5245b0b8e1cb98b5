//! From a decoded recording to utterances with words, times and measurements.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use crate::measure::{SoundMeasures, measure};
use crate::recognise::{Recognizer, Word, guard};
use crate::{Recording, SAMPLES_PER_MS, Span, Warning, activity};

/// A pause of this length within one party's words begins a new utterance, in ms.
const PAUSE_MS: u64 = 1_200;

/// What one speaker said without a pause or a turn of the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Utterance {
    /// Channel, from 0.
    pub channel: usize,
    /// Start in ms from the start of the recording.
    pub start_ms: u64,
    /// End in ms.
    pub end_ms: u64,
    /// The words, joined.
    pub text: String,
    /// The words with their times.
    pub words: Vec<Word>,
}

/// A recognised recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transcript {
    /// Engine and model.
    pub model: String,
    /// Length in ms.
    pub duration_ms: u64,
    /// One channel holds everybody: parties are not told apart.
    pub mono: bool,
    /// The utterances of all channels in order of time.
    pub utterances: Vec<Utterance>,
    /// What was measured.
    pub sound: SoundMeasures,
    /// What was not as it should be.
    pub warnings: Vec<Warning>,
}

/// One piece of work: a segment of a channel.
struct Task {
    channel: usize,
    span: Span,
}

/// Recognises a recording with `threads` workers, one segment a worker at a time.
///
/// `progress` hears how many segments are done, of how many; it is called from the workers' threads.
pub fn transcribe(
    recording: &Recording,
    engine: &dyn Recognizer,
    threads: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Transcript {
    let voice: Vec<Vec<Span>> = recording.channels.iter().map(|samples| activity::voice(samples)).collect();
    let tasks: Vec<Task> = recording
        .channels
        .iter()
        .zip(&voice)
        .enumerate()
        .flat_map(|(channel, (samples, voice))| {
            activity::segments(samples, voice).into_iter().map(move |span| Task { channel, span })
        })
        .collect();
    let mut warnings = recording.warnings.clone();
    let recognised = recognise(recording, engine, &tasks, threads, progress);
    let mut words: Vec<Vec<Word>> = vec![Vec::new(); recording.channels.len()];
    let (mut made_up, mut failed, mut reason) = (0, 0, String::new());
    for (task, result) in tasks.iter().zip(recognised) {
        match result {
            Ok(found) => {
                let guarded = guard(found);
                made_up += u64::from(guarded.removed);
                let shift = |word: Word| Word {
                    start_ms: word.start_ms + task.span.start_ms,
                    end_ms: word.end_ms + task.span.start_ms,
                    ..word
                };
                words[task.channel].extend(guarded.words.into_iter().map(shift));
            }
            Err(error) => {
                failed += 1;
                reason = error;
            }
        }
    }
    if made_up > 0 {
        warnings.push(Warning::MadeUpWords { segments: made_up });
    }
    if failed > 0 {
        warnings.push(Warning::NotRecognised { segments: failed, reason });
    }
    if voice.iter().all(Vec::is_empty) {
        warnings.push(Warning::NoVoice);
    }
    let utterances = utterances(words);
    let sound = measure(&recording.channels, &voice, &utterances, recording.duration_ms);
    let mono = recording.channels.len() < 2;
    Transcript {
        model: engine.name().to_owned(),
        duration_ms: recording.duration_ms,
        mono,
        utterances,
        sound,
        warnings,
    }
}

fn recognise(
    recording: &Recording,
    engine: &dyn Recognizer,
    tasks: &[Task],
    threads: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Vec<Result<Vec<Word>, String>> {
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let results: Vec<Mutex<Result<Vec<Word>, String>>> =
        tasks.iter().map(|_| Mutex::new(Ok(Vec::new()))).collect();
    let work = || {
        let mut worker = engine.worker();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(task), Some(slot)) = (tasks.get(index), results.get(index)) else { return };
            let result = match &mut worker {
                Ok(worker) => worker.recognise(part(recording, task)).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Ok(mut slot) = slot.lock() {
                *slot = result;
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, tasks.len());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, tasks.len().max(1)) {
            scope.spawn(work);
        }
    });
    results
        .into_iter()
        .map(|slot| slot.into_inner().unwrap_or_else(|_| Err("a worker stopped".to_owned())))
        .collect()
}

fn part<'r>(recording: &'r Recording, task: &Task) -> &'r [i16] {
    let place = |ms: u64| usize::try_from(ms).unwrap_or(usize::MAX).saturating_mul(SAMPLES_PER_MS);
    let samples = recording.channels.get(task.channel).map_or(&[][..], Vec::as_slice);
    samples.get(place(task.span.start_ms)..place(task.span.end_ms).min(samples.len())).unwrap_or_default()
}

/// Joins words to utterances: a pause ends one, and so does a turn of the other party.
fn utterances(channels: Vec<Vec<Word>>) -> Vec<Utterance> {
    let mut all: Vec<(usize, Word)> = channels
        .into_iter()
        .enumerate()
        .flat_map(|(channel, words)| words.into_iter().map(move |word| (channel, word)))
        .collect();
    all.sort_by_key(|(channel, word)| (word.start_ms, *channel));
    let mut utterances: Vec<Utterance> = Vec::new();
    for (channel, word) in all {
        let last_of_channel = utterances.iter().rposition(|said| said.channel == channel);
        let goes_on = last_of_channel.filter(|&index| {
            let said = &utterances[index];
            let turn = utterances[index + 1..]
                .iter()
                .any(|other| other.words.len() > 2 && other.start_ms > said.end_ms);
            word.start_ms <= said.end_ms + PAUSE_MS && !turn
        });
        match goes_on {
            Some(index) => {
                let said = &mut utterances[index];
                said.text.push(' ');
                said.text.push_str(&word.text);
                said.end_ms = said.end_ms.max(word.end_ms);
                said.words.push(word);
            }
            None => {
                let (start_ms, end_ms) = (word.start_ms, word.end_ms);
                utterances.push(Utterance {
                    channel,
                    start_ms,
                    end_ms,
                    text: word.text.clone(),
                    words: vec![word],
                });
            }
        }
    }
    utterances.sort_by_key(|said| (said.start_ms, said.channel));
    utterances
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, start_ms: u64) -> Word {
        Word { text: text.to_owned(), start_ms, end_ms: start_ms + 300, confidence: 90 }
    }

    #[test]
    fn turns_and_pauses_make_utterances() {
        let agent = vec![word("добрый", 0), word("день", 350), word("слушаю", 5_000)];
        let customer = vec![word("у", 1_000), word("меня", 1_300), word("нет", 1_700), word("связи", 2_000)];
        let said: Vec<(usize, String)> =
            utterances(vec![agent, customer]).into_iter().map(|said| (said.channel, said.text)).collect();
        let expected = [(0, "добрый день"), (1, "у меня нет связи"), (0, "слушаю")];
        assert_eq!(said, expected.map(|(channel, text)| (channel, text.to_owned())));
    }
}
