//! Whisper models by whisper.cpp, embedded.
//!
//! One thread a session: more never helped, sessions run beside each other instead. The encoder looks only at the
//! length of the segment (`audio_ctx`), which makes short segments cheap. Word times come from the attention of the
//! model's alignment heads (dynamic time warping), where they are known for the model, else from the engine's own estimate.

use std::path::Path;
use std::sync::{Arc, Once};

use whisper_rs::{
    DtwMode, DtwModelPreset, DtwParameters, FullParams, SamplingStrategy, WhisperContext,
    WhisperContextParameters, WhisperState,
};

use super::guard::{Evidence, Refusal, keep_real};
use super::live::{Redecoding, Sessions};
use super::{Heard, Hints, RecogniseError, Recognizer, Session, Stream, Word};
use crate::{SAMPLE_RATE, SAMPLES_PER_MS};

/// Samples that one position of the encoder covers: 20 ms.
const SAMPLES_PER_POSITION: usize = 320;

/// Positions beyond the segment that the encoder sees: with fewer the model does not notice that the speech is over and
/// repeats it. Measured on 108 s: 64 positions 14.9 CPU seconds and repeated phrases in three segments, 200 positions
/// 16.9 and none, the whole window 51.8 and none.
const SPARE_POSITIONS: usize = 200;

/// Positions of the whole window of 30 s.
const ALL_POSITIONS: usize = 1500;

/// Memory for one alignment, in bytes. Taken from the system when used.
const ALIGNMENT_MEMORY: usize = 256 << 20;

/// How words are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Search {
    /// The likeliest part at each step.
    #[default]
    Greedy,
    /// Several candidates side by side.
    Beam(u8),
}

/// How the engine works.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WhisperOptions {
    /// The search.
    pub search: Search,
}

/// A loaded Whisper model.
pub struct Whisper {
    model: Arc<Model>,
    name: String,
    /// What live streams without hints borrow from.
    sessions: Arc<Sessions>,
}

struct Model {
    context: WhisperContext,
    options: WhisperOptions,
    aligned: bool,
}

impl Whisper {
    /// Loads a ggml file.
    pub fn load(path: &Path, options: WhisperOptions) -> Result<Whisper, RecogniseError> {
        static QUIET: Once = Once::new();
        // Without a logging backend the hooks swallow the engine's chatter, which would hold customers' words.
        QUIET.call_once(whisper_rs::install_logging_hooks);
        let failed = |reason: String| RecogniseError::Model { model: path.display().to_string(), reason };
        let shape = Shape::read(path).map_err(&failed)?;
        let mut parameters = WhisperContextParameters::new();
        parameters.use_gpu(false);
        let preset = shape.alignment();
        let aligned = preset.is_some();
        if let Some(model_preset) = preset {
            let mode = DtwMode::ModelPreset { model_preset };
            parameters.dtw_parameters(DtwParameters { mode, dtw_mem_size: ALIGNMENT_MEMORY });
        }
        let context =
            WhisperContext::new_with_params(path, parameters).map_err(|error| failed(error.to_string()))?;
        let stem = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let model = Arc::new(Model { context, options, aligned });
        let shared = Arc::clone(&model);
        let sessions = Sessions::new(move || shared.session(&Hints::default()));
        Ok(Whisper { model, name: format!("whisper/{stem}"), sessions })
    }
}

/// The size of a model, which tells which one it is.
struct Shape {
    vocabulary: i32,
    audio_layers: i32,
    text_layers: i32,
    mels: i32,
}

impl Shape {
    fn read(path: &Path) -> Result<Shape, String> {
        use std::io::Read;
        let mut head = [0_u8; 44];
        std::fs::File::open(path)
            .and_then(|mut file| file.read_exact(&mut head))
            .map_err(|error| error.to_string())?;
        let number = |index: usize| {
            let at = index * 4;
            i32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
        };
        if number(0) != crate::model::ggml::MAGIC as i32 {
            return Err("it is no ggml file".to_owned());
        }
        Ok(Shape { vocabulary: number(1), audio_layers: number(5), text_layers: number(9), mels: number(10) })
    }

    /// The known alignment heads. Models of English only and unknown sizes have none here.
    fn alignment(&self) -> Option<DtwModelPreset> {
        match (self.audio_layers, self.text_layers, self.mels, self.vocabulary) {
            (4, 4, 80, 51865) => Some(DtwModelPreset::Tiny),
            (6, 6, 80, 51865) => Some(DtwModelPreset::Base),
            (12, 12, 80, 51865) => Some(DtwModelPreset::Small),
            (24, 24, 80, 51865) => Some(DtwModelPreset::Medium),
            (32, 32, 80, 51865) => Some(DtwModelPreset::LargeV2),
            (32, 32, 128, 51866) => Some(DtwModelPreset::LargeV3),
            (32, 4, 128, 51866) => Some(DtwModelPreset::LargeV3Turbo),
            _ => None,
        }
    }
}

impl Recognizer for Whisper {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn session(&self, hints: &Hints) -> Result<Box<dyn Session>, RecogniseError> {
        self.model.session(hints)
    }

    fn stream(&self, hints: &Hints) -> Result<Box<dyn Stream>, RecogniseError> {
        let sessions = if *hints == Hints::default() {
            Arc::clone(&self.sessions)
        } else {
            let (model, hints) = (Arc::clone(&self.model), hints.clone());
            Sessions::new(move || model.session(&hints))
        };
        Ok(Box::new(Redecoding::borrowing(sessions)))
    }
}

impl Model {
    fn session(&self, hints: &Hints) -> Result<Box<dyn Session>, RecogniseError> {
        let state = self.context.create_state().map_err(|error| RecogniseError::Engine(error.to_string()))?;
        let strategy = match self.options.search {
            Search::Greedy => SamplingStrategy::Greedy { best_of: 2 },
            Search::Beam(width) => {
                SamplingStrategy::BeamSearch { beam_size: i32::from(width.max(1)), patience: -1.0 }
            }
        };
        let mut params = FullParams::new(strategy);
        params.set_n_threads(1);
        params.set_language(Some("ru"));
        params.set_no_context(true);
        params.set_single_segment(true);
        params.set_no_timestamps(true);
        params.set_suppress_blank(true);
        params.set_suppress_nst(true);
        params.set_print_special(false);
        params.set_print_progress(false);
        params.set_print_realtime(false);
        params.set_print_timestamps(false);
        // Two more tries with some randomness where the first one looped or was unsure.
        params.set_temperature_inc(0.4);
        if !self.aligned {
            params.set_token_timestamps(true);
        }
        // The engine cannot take a zero byte; a long prompt would push the speech out of its memory.
        let prompt: String = hints.vocabulary.join(", ").chars().filter(|c| *c != '\0').take(400).collect();
        if !prompt.is_empty() {
            params.set_initial_prompt(&prompt);
        }
        Ok(Box::new(WhisperSession {
            state,
            params,
            end_of_text: self.context.token_eot(),
            aligned: self.aligned,
        }))
    }
}

struct WhisperSession {
    state: WhisperState,
    params: FullParams<'static, 'static>,
    end_of_text: i32,
    aligned: bool,
}

impl Session for WhisperSession {
    fn recognise(&mut self, samples: &[f32]) -> Result<Heard, RecogniseError> {
        let duration_ms = (samples.len() / SAMPLES_PER_MS) as u64;
        if duration_ms < 100 {
            return Ok(Heard::default());
        }
        let positions = (samples.len().div_ceil(SAMPLES_PER_POSITION) + SPARE_POSITIONS).min(ALL_POSITIONS);
        let heard = self.run(samples, duration_ms, positions)?;
        // A loop hides what was said; over the whole window the model seldom loops.
        if matches!(heard.refused, Some(Refusal::Loop | Refusal::TooFast)) && positions < ALL_POSITIONS {
            let again = self.run(samples, duration_ms, ALL_POSITIONS)?;
            return Ok(if again.refused.is_none() || heard.words.is_empty() { again } else { heard });
        }
        Ok(heard)
    }
}

impl WhisperSession {
    fn run(&mut self, samples: &[f32], duration_ms: u64, positions: usize) -> Result<Heard, RecogniseError> {
        // The engine refuses less than a second; silence behind the voice also tells it that the speech is over.
        let mut padded = samples.to_vec();
        padded.resize(samples.len().max(SAMPLE_RATE as usize * 11 / 10), 0.0);
        let mut params = self.params.clone();
        params.set_audio_ctx(positions as i32);
        // Russian is about 8 parts a second: more is a loop.
        params.set_max_tokens((24 + duration_ms * 14 / 1000).min(220) as i32);
        self.state.full(params, &padded).map_err(|error| RecogniseError::Engine(error.to_string()))?;
        let (words, evidence) = self.collect(duration_ms);
        Ok(keep_real(words, evidence))
    }
}

/// A word while its parts are put together.
struct Part {
    bytes: Vec<u8>,
    start_ms: u64,
    end_ms: u64,
    log_sum: f32,
    count: f32,
}

impl WhisperSession {
    fn collect(&self, duration_ms: u64) -> (Vec<Word>, Evidence) {
        let mut parts: Vec<Part> = Vec::new();
        let (mut log_sum, mut count, mut no_speech) = (0.0_f32, 0.0_f32, 0.0_f32);
        let mut before_ms = 0;
        for segment in self.state.as_iter() {
            no_speech = no_speech.max(segment.no_speech_probability());
            for index in 0..segment.n_tokens() {
                let Some(token) = segment.get_token(index) else { continue };
                if token.token_id() >= self.end_of_text {
                    continue;
                }
                let data = token.token_data();
                let Ok(bytes) = token.to_bytes() else { continue };
                let ms = |time: i64| u64::try_from(time).unwrap_or(0) * 10;
                // The alignment gives the moment at which the model goes on to the next part: this part's end.
                let (start_ms, end_ms) = if self.aligned {
                    (before_ms, ms(data.t_dtw).max(before_ms))
                } else {
                    (ms(data.t0), ms(data.t1))
                };
                before_ms = end_ms;
                let log_probability = data.p.max(1e-6).ln();
                log_sum += log_probability;
                count += 1.0;
                match parts.last_mut() {
                    Some(part) if !bytes.starts_with(b" ") => {
                        part.bytes.extend_from_slice(bytes);
                        part.log_sum += log_probability;
                        part.count += 1.0;
                        // A mark belongs to its word, its time to the pause behind.
                        if bytes.iter().any(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80) {
                            part.end_ms = end_ms;
                        }
                    }
                    _ => {
                        let bytes = bytes.to_vec();
                        parts.push(Part { bytes, start_ms, end_ms, log_sum: log_probability, count: 1.0 });
                    }
                }
            }
        }
        let mean_log_probability = if count > 0.0 { log_sum / count } else { 0.0 };
        (to_words(&parts, duration_ms), Evidence { no_speech, mean_log_probability, duration_ms })
    }
}

/// Makes words of parts. A word that would last longer than such a word can begins later: the pause before it is not its.
fn to_words(parts: &[Part], duration_ms: u64) -> Vec<Word> {
    let mut words = Vec::with_capacity(parts.len());
    let mut floor = 0;
    for part in parts {
        let text = String::from_utf8_lossy(&part.bytes).trim().to_owned();
        if text.is_empty() {
            continue;
        }
        let longest = 300 + 90 * text.chars().count() as u64;
        let end_ms = part.end_ms.clamp(floor, duration_ms.max(floor));
        let start_ms = part.start_ms.max(end_ms.saturating_sub(longest)).clamp(floor, end_ms);
        floor = end_ms;
        let confidence = (part.log_sum / part.count).exp().clamp(0.0, 1.0);
        words.push(Word { text, start_ms, end_ms, confidence });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_pause_does_not_become_part_of_the_next_word() {
        let part = |text: &str, start_ms, end_ms| Part {
            bytes: text.as_bytes().to_vec(),
            start_ms,
            end_ms,
            log_sum: -0.2,
            count: 2.0,
        };
        let parts =
            [part(" Да.", 0, 400), part(" ", 400, 500), part(" Жду", 500, 4_000), part(" вас", 4_000, 9_000)];
        let words = to_words(&parts, 5_000);
        let times: Vec<_> =
            words.iter().map(|word| (word.text.as_str(), word.start_ms, word.end_ms)).collect();
        assert_eq!(times, [("Да.", 0, 400), ("Жду", 3_430, 4_000), ("вас", 4_430, 5_000)]);
        assert!((words[0].confidence - 0.905).abs() < 0.001);
    }
}
