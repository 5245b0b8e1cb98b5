//! Recognition by whisper.cpp: Russian, one thread a worker, the encoder trimmed to the length of the clip.

use std::path::Path;

use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

use super::{EngineError, Recognizer, Word, Worker};
use crate::SAMPLES_PER_MS;

/// Encoder positions of the model: one for each 20 ms of thirty seconds.
const POSITIONS: usize = 1_500;
/// Positions beyond the clip, so that its end is not cut off.
const SPARE_POSITIONS: usize = 64;
/// Fewest positions with which the model still behaves, by trial.
const FEWEST_POSITIONS: usize = 256;
/// The engine refuses clips under a second; shorter ones are padded with silence to this length, in ms.
const SHORTEST_MS: usize = 1_100;

/// A loaded whisper model.
pub struct Whisper {
    context: WhisperContext,
    name: String,
}

impl Whisper {
    /// Loads a model file in ggml form.
    ///
    /// # Errors
    /// When the file is missing or no model.
    pub fn load(path: &Path) -> Result<Self, EngineError> {
        whisper_rs::install_logging_hooks();
        let mut parameters = WhisperContextParameters::default();
        parameters.use_gpu(false);
        let shown = path.display();
        let failed = |error| {
            EngineError(format!(
                "cannot load the speech model \"{shown}\" ({error}): check it with `gradus model check`"
            ))
        };
        let context = WhisperContext::new_with_params(path, parameters).map_err(failed)?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { context, name: stem })
    }
}

impl Recognizer for Whisper {
    fn name(&self) -> &str {
        &self.name
    }

    fn worker(&self) -> Result<Box<dyn Worker + '_>, EngineError> {
        let state = self
            .context
            .create_state()
            .map_err(|error| EngineError(format!("the speech engine cannot start: {error}")))?;
        Ok(Box::new(Listener { state }))
    }
}

struct Listener {
    state: WhisperState,
}

impl Worker for Listener {
    fn recognise(&mut self, samples: &[i16]) -> Result<Vec<Word>, EngineError> {
        let mut sound: Vec<f32> = samples.iter().map(|&sample| f32::from(sample) / 32_768.0).collect();
        sound.resize(sound.len().max(SHORTEST_MS * SAMPLES_PER_MS), 0.0);
        let positions =
            (sound.len() / (20 * SAMPLES_PER_MS) + SPARE_POSITIONS).clamp(FEWEST_POSITIONS, POSITIONS);
        self.state
            .full(parameters(positions), &sound)
            .map_err(|error| EngineError(format!("the speech engine failed: {error}")))?;
        let length_ms = u64::try_from(samples.len() / SAMPLES_PER_MS).unwrap_or(u64::MAX);
        Ok(self.words(length_ms))
    }
}

fn parameters(positions: usize) -> FullParams<'static, 'static> {
    let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    parameters.set_language(Some("ru"));
    parameters.set_n_threads(1);
    parameters.set_audio_ctx(i32::try_from(positions).unwrap_or(1_500));
    parameters.set_no_context(true);
    parameters.set_suppress_blank(true);
    parameters.set_suppress_nst(true);
    parameters.set_token_timestamps(true);
    // No second tries at a higher temperature: on a clip that is noise they cost five times the work for made-up words.
    parameters.set_temperature_inc(0.0);
    parameters.set_print_progress(false);
    parameters.set_print_realtime(false);
    parameters.set_print_special(false);
    parameters.set_print_timestamps(false);
    parameters
}

impl Listener {
    /// Joins tokens to words: a token that begins with a space begins a word. A letter can be split over tokens.
    fn words(&self, length_ms: u64) -> Vec<Word> {
        let mut found: Vec<(Vec<u8>, u64, u64, f32, u32)> = Vec::new();
        for segment in self.state.as_iter() {
            for index in 0..segment.n_tokens() {
                let Some(token) = segment.get_token(index) else { continue };
                let Ok(bytes) = token.to_bytes() else { continue };
                if bytes.starts_with(b"[_") || bytes.starts_with(b"<|") {
                    continue;
                }
                let data = token.token_data();
                let time = |hundredths: i64| {
                    u64::try_from(hundredths).unwrap_or(0).saturating_mul(10).min(length_ms)
                };
                let (start, end) = (time(data.t0), time(data.t1));
                match found.last_mut() {
                    Some((word, _, last, sure, tokens)) if !bytes.starts_with(b" ") => {
                        word.extend(bytes);
                        *last = end.max(*last);
                        *sure += token.token_probability();
                        *tokens += 1;
                    }
                    _ => found.push((bytes.to_vec(), start, end.max(start), token.token_probability(), 1)),
                }
            }
        }
        found.into_iter().filter_map(word).collect()
    }
}

fn word((bytes, start_ms, end_ms, sure, tokens): (Vec<u8>, u64, u64, f32, u32)) -> Option<Word> {
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    if !text.chars().any(char::is_alphanumeric) {
        return None;
    }
    let tokens = f32::from(u16::try_from(tokens).unwrap_or(u16::MAX));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to per cent just before"
    )]
    let confidence = (100.0 * sure / tokens).clamp(0.0, 100.0) as u8;
    Some(Word { text, start_ms, end_ms, confidence })
}
