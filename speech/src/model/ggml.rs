//! Writes Whisper models in the format that whisper.cpp reads (ggml), with 16-bit floats or 8-bit blocks.
//!
//! The layout follows whisper.cpp's loader and its converter: eleven numbers, the mel filters, the vocabulary, then the
//! tensors. Convolutions, biases and positions are never quantised.

use std::io::{self, Write};

use half::f16;

use super::ct2::Ct2;

/// First four bytes of a ggml file, as a number.
pub(crate) const MAGIC: u32 = 0x6767_6d6c;

/// Bins of the spectrum that the filters weigh: a window of 400 samples at 16 kHz.
const BINS: usize = 201;

/// Parts of words in the multilingual vocabulary; the special ones behind are known to the engine.
const TEXT_TOKENS: usize = 50_257;

/// Values that share one scale in 8-bit blocks.
const BLOCK: usize = 32;

/// How the large matrices are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 16-bit floats.
    F16,
    /// Blocks of 32 signed bytes with a 16-bit scale: half the size, no loss that was heard.
    Q8,
}

impl Precision {
    /// The number for matrices in the file's head: the kind, and the version of the blocks times 1000.
    fn file_kind(self) -> i32 {
        match self {
            Precision::F16 => 1,
            Precision::Q8 => 2007,
        }
    }
}

/// Converts a model of CTranslate2 with its vocabulary.
pub fn convert(model: &[u8], vocabulary: &str, precision: Precision, out: &mut impl Write) -> io::Result<()> {
    let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
    let model = Ct2::read(model).map_err(invalid)?;
    let sizes = Sizes::of(&model).map_err(invalid)?;
    let tokens = decode_vocabulary(vocabulary).map_err(invalid)?;
    sizes.write(precision, out)?;
    write_filters(sizes.mels, out)?;
    write_number(tokens.len() as i32, out)?;
    for token in &tokens {
        write_number(token.len() as i32, out)?;
        out.write_all(token)?;
    }
    let mut writer = TensorWriter { model: &model, precision, state: sizes.state, out };
    writer.encoder(&sizes)?;
    writer.decoder(&sizes)
}

/// The numbers at the head of the file.
struct Sizes {
    vocabulary: usize,
    audio_positions: usize,
    state: usize,
    heads: usize,
    audio_layers: usize,
    text_positions: usize,
    text_layers: usize,
    mels: usize,
}

impl Sizes {
    fn of(model: &Ct2<'_>) -> Result<Sizes, String> {
        let embedding = model.tensor("decoder/embeddings/weight", &[0, 0])?;
        let state = embedding.shape[1];
        if state == 0 || !state.is_multiple_of(BLOCK) {
            return Err(format!("the model's width of {state} is no multiple of {BLOCK}"));
        }
        let audio = model.tensor("encoder/position_encodings/encodings", &[0, state])?;
        let text = model.tensor("decoder/position_encodings/encodings", &[0, state])?;
        let heads = model.scalar("encoder/num_heads").ok_or("the model does not state its heads")?;
        Ok(Sizes {
            vocabulary: embedding.shape[0],
            audio_positions: audio.shape[0],
            state,
            heads,
            audio_layers: model.layers("encoder"),
            text_positions: text.shape[0],
            text_layers: model.layers("decoder"),
            mels: model.tensor("encoder/conv1/weight", &[state, 0, 3])?.shape[1],
        })
    }

    fn write(&self, precision: Precision, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&MAGIC.to_le_bytes())?;
        let numbers = [
            self.vocabulary,
            self.audio_positions,
            self.state,
            self.heads,
            self.audio_layers,
            self.text_positions,
            self.state,
            self.heads,
            self.text_layers,
            self.mels,
        ];
        for number in numbers {
            write_number(number as i32, out)?;
        }
        write_number(precision.file_kind(), out)
    }
}

fn write_number(number: i32, out: &mut impl Write) -> io::Result<()> {
    out.write_all(&number.to_le_bytes())
}

/// Writes the triangular filters that Whisper was trained with: Slaney's mel scale (linear below 1 kHz, logarithmic
/// above) from 0 to 8 kHz, each of equal area.
fn write_filters(mels: usize, out: &mut impl Write) -> io::Result<()> {
    write_number(mels as i32, out)?;
    write_number(BINS as i32, out)?;
    let linear = 200.0_f64 / 3.0;
    let log_from = 1000.0 / linear;
    let step = 6.4_f64.ln() / 27.0;
    let highest = log_from + (8000.0_f64 / 1000.0).ln() / step;
    let hz = |index: usize| {
        let mel = highest * index as f64 / (mels + 1) as f64;
        if mel < log_from { mel * linear } else { 1000.0 * (step * (mel - log_from)).exp() }
    };
    for filter in 0..mels {
        let (low, middle, high) = (hz(filter), hz(filter + 1), hz(filter + 2));
        for bin in 0..BINS {
            let at = bin as f64 * 8000.0 / (BINS - 1) as f64;
            let weight = ((at - low) / (middle - low)).min((high - at) / (high - middle)).max(0.0);
            out.write_all(&((weight * 2.0 / (high - low)) as f32).to_le_bytes())?;
        }
    }
    Ok(())
}

/// Turns the vocabulary's printable stand-ins back into bytes.
fn decode_vocabulary(vocabulary: &str) -> Result<Vec<Vec<u8>>, String> {
    // The last part of the multilingual vocabulary is empty, so an empty line is no fault.
    let tokens: Vec<Option<Vec<u8>>> =
        vocabulary.split('\n').take(TEXT_TOKENS).map(|token| token.chars().map(byte_of).collect()).collect();
    if tokens.len() < TEXT_TOKENS {
        return Err(format!("the vocabulary has {} entries, {TEXT_TOKENS} are needed", tokens.len()));
    }
    let numbered = tokens.into_iter().enumerate();
    numbered
        .map(|(line, token)| token.ok_or(format!("line {} of the vocabulary cannot be read", line + 1)))
        .collect()
}

/// The byte that a character stands for: printable Latin-1 for itself, the other 68 bytes as U+0100 and onwards.
fn byte_of(character: char) -> Option<u8> {
    let printable = |code: u32| matches!(code, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let code = u32::from(character);
    if printable(code) {
        return u8::try_from(code).ok();
    }
    let nth = usize::try_from(code.checked_sub(0x100)?).ok()?;
    (0..=255_u8).filter(|byte| !printable(u32::from(*byte))).nth(nth)
}

/// Writes tensors one after the other under whisper.cpp's names.
struct TensorWriter<'a, W> {
    model: &'a Ct2<'a>,
    precision: Precision,
    state: usize,
    out: &'a mut W,
}

/// How a tensor is stored.
#[derive(Clone, Copy)]
enum Store {
    F32,
    F16,
    Q8,
}

impl<W: Write> TensorWriter<'_, W> {
    fn encoder(&mut self, sizes: &Sizes) -> io::Result<()> {
        let state = self.state;
        let positions = self.read("encoder/position_encodings/encodings", &[sizes.audio_positions, state])?;
        self.write("encoder.positional_embedding", &[sizes.audio_positions, state], Store::F32, &positions)?;
        for (number, width) in [(1, sizes.mels), (2, state)] {
            let kernel = self.read(&format!("encoder/conv{number}/weight"), &[state, width, 3])?;
            self.write(&format!("encoder.conv{number}.weight"), &[state, width, 3], Store::F16, &kernel)?;
            let bias = self.read(&format!("encoder/conv{number}/bias"), &[state])?;
            self.write(&format!("encoder.conv{number}.bias"), &[state, 1], Store::F32, &bias)?;
        }
        for layer in 0..sizes.audio_layers {
            let (from, to) = (format!("encoder/layer_{layer}"), format!("encoder.blocks.{layer}"));
            self.attention(&from, &to)?;
            self.feed_forward(&from, &to)?;
        }
        self.norm("encoder/layer_norm", "encoder.ln_post")
    }

    fn decoder(&mut self, sizes: &Sizes) -> io::Result<()> {
        let state = self.state;
        let positions = self.read("decoder/position_encodings/encodings", &[sizes.text_positions, state])?;
        self.write("decoder.positional_embedding", &[sizes.text_positions, state], Store::F32, &positions)?;
        let embedding = self.read("decoder/embeddings/weight", &[sizes.vocabulary, state])?;
        self.matrix("decoder.token_embedding.weight", sizes.vocabulary, &embedding)?;
        for layer in 0..sizes.text_layers {
            let (from, to) = (format!("decoder/layer_{layer}"), format!("decoder.blocks.{layer}"));
            self.attention(&from, &to)?;
            self.cross_attention(&from, &to)?;
            self.feed_forward(&from, &to)?;
        }
        self.norm("decoder/layer_norm", "decoder.ln")
    }

    /// Query, key and value lie in one matrix there, in three here; keys have no bias here.
    fn attention(&mut self, from: &str, to: &str) -> io::Result<()> {
        let state = self.state;
        self.norm(&format!("{from}/self_attention/layer_norm"), &format!("{to}.attn_ln"))?;
        let weight = self.read(&format!("{from}/self_attention/linear_0/weight"), &[3 * state, state])?;
        let bias = self.read(&format!("{from}/self_attention/linear_0/bias"), &[3 * state])?;
        for (index, name) in ["query", "key", "value"].into_iter().enumerate() {
            let rows = &weight[index * state * state..(index + 1) * state * state];
            self.matrix(&format!("{to}.attn.{name}.weight"), state, rows)?;
            if name != "key" {
                self.vector(&format!("{to}.attn.{name}.bias"), &bias[index * state..(index + 1) * state])?;
            }
        }
        self.linear(&format!("{from}/self_attention/linear_1"), &format!("{to}.attn.out"), state, state)
    }

    fn cross_attention(&mut self, from: &str, to: &str) -> io::Result<()> {
        let state = self.state;
        self.norm(&format!("{from}/attention/layer_norm"), &format!("{to}.cross_attn_ln"))?;
        self.linear(&format!("{from}/attention/linear_0"), &format!("{to}.cross_attn.query"), state, state)?;
        let weight = self.read(&format!("{from}/attention/linear_1/weight"), &[2 * state, state])?;
        let bias = self.read(&format!("{from}/attention/linear_1/bias"), &[2 * state])?;
        let (key, value) = weight.split_at(state * state);
        self.matrix(&format!("{to}.cross_attn.key.weight"), state, key)?;
        self.matrix(&format!("{to}.cross_attn.value.weight"), state, value)?;
        self.vector(&format!("{to}.cross_attn.value.bias"), &bias[state..])?;
        self.linear(&format!("{from}/attention/linear_2"), &format!("{to}.cross_attn.out"), state, state)
    }

    fn feed_forward(&mut self, from: &str, to: &str) -> io::Result<()> {
        let state = self.state;
        self.norm(&format!("{from}/ffn/layer_norm"), &format!("{to}.mlp_ln"))?;
        self.linear(&format!("{from}/ffn/linear_0"), &format!("{to}.mlp.0"), 4 * state, state)?;
        self.linear(&format!("{from}/ffn/linear_1"), &format!("{to}.mlp.2"), state, 4 * state)
    }

    fn linear(&mut self, from: &str, to: &str, rows: usize, columns: usize) -> io::Result<()> {
        let weight = self.read(&format!("{from}/weight"), &[rows, columns])?;
        self.matrix(&format!("{to}.weight"), rows, &weight)?;
        let bias = self.read(&format!("{from}/bias"), &[rows])?;
        self.vector(&format!("{to}.bias"), &bias)
    }

    fn norm(&mut self, from: &str, to: &str) -> io::Result<()> {
        for (ours, theirs) in [("gamma", "weight"), ("beta", "bias")] {
            let values = self.read(&format!("{from}/{ours}"), &[self.state])?;
            self.vector(&format!("{to}.{theirs}"), &values)?;
        }
        Ok(())
    }

    fn read(&self, name: &str, shape: &[usize]) -> io::Result<Vec<f32>> {
        let invalid = |reason| io::Error::new(io::ErrorKind::InvalidData, reason);
        Ok(self.model.tensor(name, shape).map_err(invalid)?.all())
    }

    fn vector(&mut self, name: &str, values: &[f32]) -> io::Result<()> {
        self.write(name, &[values.len()], Store::F32, values)
    }

    fn matrix(&mut self, name: &str, rows: usize, values: &[f32]) -> io::Result<()> {
        let store = match self.precision {
            Precision::F16 => Store::F16,
            Precision::Q8 => Store::Q8,
        };
        self.write(name, &[rows, values.len() / rows], store, values)
    }

    /// Writes one tensor; lengths stand innermost first in the file.
    fn write(&mut self, name: &str, shape: &[usize], store: Store, values: &[f32]) -> io::Result<()> {
        let kind = match store {
            Store::F32 => 0,
            Store::F16 => 1,
            Store::Q8 => 8,
        };
        for number in [shape.len() as i32, name.len() as i32, kind] {
            write_number(number, self.out)?;
        }
        for length in shape.iter().rev() {
            write_number(*length as i32, self.out)?;
        }
        self.out.write_all(name.as_bytes())?;
        let mut bytes = Vec::with_capacity(values.len() * 4);
        match store {
            Store::F32 => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
            Store::F16 => values.iter().for_each(|value| bytes.extend(f16::from_f32(*value).to_le_bytes())),
            Store::Q8 => values.chunks(BLOCK).for_each(|block| quantise(block, &mut bytes)),
        }
        self.out.write_all(&bytes)
    }
}

/// One block: the scale that maps the largest value to 127, then the values in steps of it.
fn quantise(block: &[f32], out: &mut Vec<u8>) {
    let largest = block.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let scale = largest / 127.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    out.extend(f16::from_f32(scale).to_le_bytes());
    out.extend(block.iter().map(|value| (value * inverse).round() as i8 as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_exactly_one_stand_in() {
        let mut bytes: Vec<u8> = (0..0x200).filter_map(char::from_u32).filter_map(byte_of).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
        assert_eq!(byte_of('Ġ'), Some(b' '));
        assert_eq!(byte_of('Ċ'), Some(b'\n'));
        assert_eq!(byte_of('語'), None);
    }

    #[test]
    fn a_block_keeps_its_values_to_one_part_in_two_hundred_and_fifty_of_the_largest() {
        let block: Vec<f32> = (0..32).map(|n| (n as f32 * 0.7).sin() * 3.0).collect();
        let mut bytes = Vec::new();
        quantise(&block, &mut bytes);
        assert_eq!(bytes.len(), 34);
        let scale = f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
        for (value, byte) in block.iter().zip(&bytes[2..]) {
            assert!((f32::from(*byte as i8) * scale - value).abs() <= 3.0 / 250.0);
        }
    }

    #[test]
    fn the_filters_cover_the_band_with_equal_areas() {
        let mut bytes = Vec::new();
        write_filters(80, &mut bytes).unwrap();
        let weights: Vec<f32> =
            bytes[8..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        assert_eq!(weights.len(), 80 * 201);
        // First weights of librosa.filters.mel(sr=16000, n_fft=400, n_mels=80).
        assert!((weights[1] - 0.024_862_594).abs() < 1e-6, "{}", weights[1]);
        let area: f32 = weights[79 * 201..].iter().sum::<f32>() * 40.0;
        assert!((area - 1.0).abs() < 0.05, "{area}");
    }

    #[test]
    fn a_file_that_is_no_model_is_refused_with_the_reason() {
        let mut out = Vec::new();
        let error = convert(b"\x06\0\0\0\x0c\0WhisperSpec\0", "", Precision::F16, &mut out).unwrap_err();
        assert!(error.to_string().contains("too early"), "{error}");
        let error = convert(b"\x07\0\0\0", "", Precision::F16, &mut out).unwrap_err();
        assert!(error.to_string().contains("version 7"), "{error}");
    }
}
