//! CTranslate2 → ggml: the same weights in the file form that whisper.cpp loads, matrices quantised to eight bits.
//!
//! Quantisation is ggml's Q8_0: blocks of 32 weights with one half-precision scale, largest magnitude ÷ 127. The mel
//! filters are computed: 80 triangles on Slaney's mel scale with area normalisation, 0–8,000 Hz, 400-point transform.

use std::collections::BTreeMap;

use half::f16;

use super::ModelError;
use super::ct2::{self, Tensor, damaged};

/// First bytes of a ggml file.
const MAGIC: u32 = 0x6767_6d6c;
/// «Mostly Q8_0», quantisation version 2.
const FILE_TYPE: u32 = 2_007;
/// Tensor types of ggml.
const TYPE_F32: u32 = 0;
const TYPE_F16: u32 = 1;
const TYPE_Q8_0: u32 = 8;
/// Weights in a block of Q8_0.
const BLOCK: usize = 32;
/// Mel bands and points of the spectrum.
const MELS: usize = 80;
const BINS: usize = 201;

/// Converts a model. `vocabulary` holds one token a line in the byte-to-letter form of GPT-2.
///
/// # Errors
/// `ModelError::Damaged` when a tensor is missing or has an unexpected shape.
pub(super) fn to_ggml(model: &[u8], vocabulary: &str) -> Result<Vec<u8>, ModelError> {
    let tensors = ct2::read(model)?;
    let sizes = Sizes::of(&tensors)?;
    let mut out = Out { bytes: Vec::with_capacity(model.len()) };
    out.u32(MAGIC);
    for number in sizes.header() {
        out.number(number)?;
    }
    out.u32(FILE_TYPE);
    filters(&mut out)?;
    tokens(&mut out, vocabulary)?;
    let mut writer = Writer { out, tensors: &tensors };
    writer.encoder(sizes.layers("encoder", &tensors), sizes.state)?;
    writer.decoder(sizes.layers("decoder", &tensors), sizes.state)?;
    Ok(writer.out.bytes)
}

struct Sizes {
    vocabulary: usize,
    audio: usize,
    text: usize,
    state: usize,
    heads: usize,
    encoder_layers: usize,
    decoder_layers: usize,
}

impl Sizes {
    fn of(tensors: &BTreeMap<String, Tensor<'_>>) -> Result<Self, ModelError> {
        let shape = |name: &str| match tensors.get(name).map(|tensor| tensor.shape.as_slice()) {
            Some(&[rows, columns]) => Ok((rows, columns)),
            _ => Err(damaged("the embeddings are missing")),
        };
        let (vocabulary, state) = shape("decoder/embeddings/weight")?;
        let (audio, _) = shape("encoder/position_encodings/encodings")?;
        let (text, _) = shape("decoder/position_encodings/encodings")?;
        let layers = |side: &str| {
            (0..64)
                .take_while(|layer| {
                    tensors.contains_key(&format!("{side}/layer_{layer}/ffn/linear_0/weight"))
                })
                .count()
        };
        let (encoder_layers, decoder_layers) = (layers("encoder"), layers("decoder"));
        if encoder_layers == 0 || decoder_layers == 0 || state % 64 != 0 {
            return Err(damaged("the layers are missing"));
        }
        Ok(Self { vocabulary, audio, text, state, heads: state / 64, encoder_layers, decoder_layers })
    }

    fn header(&self) -> [usize; 10] {
        let Self { vocabulary, audio, text, state, heads, encoder_layers, decoder_layers } = *self;
        [vocabulary, audio, state, heads, encoder_layers, text, state, heads, decoder_layers, MELS]
    }

    fn layers(&self, side: &str, _: &BTreeMap<String, Tensor<'_>>) -> usize {
        if side == "encoder" { self.encoder_layers } else { self.decoder_layers }
    }
}

/// The mel filter bank on Slaney's scale: linear below 1,000 Hz, logarithmic above, each triangle of area one.
fn filters(out: &mut Out) -> Result<(), ModelError> {
    out.number(MELS)?;
    out.number(BINS)?;
    let step = 27.0_f64 / 6.4_f64.ln();
    let to_mel =
        |hertz: f64| if hertz < 1000.0 { hertz * 3.0 / 200.0 } else { 15.0 + (hertz / 1000.0).ln() * step };
    let to_hertz =
        |mel: f64| if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * ((mel - 15.0) / step).exp() };
    let top = to_mel(8000.0);
    let edge = |index: usize| to_hertz(top * count(index) / count(MELS + 1));
    for band in 0..MELS {
        let (low, middle, high) = (edge(band), edge(band + 1), edge(band + 2));
        for bin in 0..BINS {
            let hertz = count(bin) * 40.0;
            let height = ((hertz - low) / (middle - low)).min((high - hertz) / (high - middle)).max(0.0);
            out.f32(height * 2.0 / (high - low));
        }
    }
    Ok(())
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The tokens before the first special one, as bytes.
fn tokens(out: &mut Out, vocabulary: &str) -> Result<(), ModelError> {
    let letters = byte_letters();
    let words: Vec<&str> = vocabulary.lines().take_while(|token| *token != "<|endoftext|>").collect();
    if words.len() < 50_000 {
        return Err(damaged("the vocabulary is too short"));
    }
    out.number(words.len())?;
    for word in words {
        let bytes: Option<Vec<u8>> = word.chars().map(|letter| letters.get(&letter).copied()).collect();
        let bytes = bytes.unwrap_or_else(|| word.as_bytes().to_vec());
        out.number(bytes.len())?;
        out.bytes.extend(bytes);
    }
    Ok(())
}

/// GPT-2 writes each byte as a letter: printable ones as themselves, the others from U+0100 on.
fn byte_letters() -> BTreeMap<char, u8> {
    let printable = |byte: u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut letters = BTreeMap::new();
    let mut next = 256_u32;
    for byte in 0..=255_u8 {
        let letter = if printable(byte) { Some(char::from(byte)) } else { char::from_u32(next) };
        next += u32::from(!printable(byte));
        if let Some(letter) = letter {
            letters.insert(letter, byte);
        }
    }
    letters
}

struct Writer<'t, 'b> {
    out: Out,
    tensors: &'t BTreeMap<String, Tensor<'b>>,
}

impl Writer<'_, '_> {
    fn encoder(&mut self, layers: usize, state: usize) -> Result<(), ModelError> {
        self.plain("encoder.positional_embedding", "encoder/position_encodings/encodings")?;
        for conv in ["conv1", "conv2"] {
            self.half(&format!("encoder.{conv}.weight"), &format!("encoder/{conv}/weight"))?;
            let bias = self.floats(&format!("encoder/{conv}/bias"))?;
            self.out.tensor(&format!("encoder.{conv}.bias"), &[bias.len(), 1], TYPE_F32)?;
            self.out.floats(&bias);
        }
        self.norm("encoder.ln_post", "encoder/layer_norm")?;
        for layer in 0..layers {
            let (to, from) = (format!("encoder.blocks.{layer}"), format!("encoder/layer_{layer}"));
            self.feed_forward(&to, &from)?;
            self.self_attention(&to, &from, state)?;
        }
        Ok(())
    }

    fn decoder(&mut self, layers: usize, state: usize) -> Result<(), ModelError> {
        self.plain("decoder.positional_embedding", "decoder/position_encodings/encodings")?;
        self.matrix("decoder.token_embedding.weight", "decoder/embeddings/weight", None)?;
        self.norm("decoder.ln", "decoder/layer_norm")?;
        for layer in 0..layers {
            let (to, from) = (format!("decoder.blocks.{layer}"), format!("decoder/layer_{layer}"));
            self.feed_forward(&to, &from)?;
            self.self_attention(&to, &from, state)?;
            self.cross_attention(&to, &from, state)?;
        }
        Ok(())
    }

    fn feed_forward(&mut self, to: &str, from: &str) -> Result<(), ModelError> {
        self.norm(&format!("{to}.mlp_ln"), &format!("{from}/ffn/layer_norm"))?;
        for (name, source) in [("mlp.0", "ffn/linear_0"), ("mlp.2", "ffn/linear_1")] {
            self.linear(&format!("{to}.{name}"), &format!("{from}/{source}"), None, true)?;
        }
        Ok(())
    }

    /// Query, key and value lie in one matrix, in this order.
    fn self_attention(&mut self, to: &str, from: &str, state: usize) -> Result<(), ModelError> {
        let from = format!("{from}/self_attention");
        self.norm(&format!("{to}.attn_ln"), &format!("{from}/layer_norm"))?;
        for (part, name) in ["query", "key", "value"].into_iter().enumerate() {
            let rows = Some((part * state, state));
            self.linear(&format!("{to}.attn.{name}"), &format!("{from}/linear_0"), rows, name != "key")?;
        }
        self.linear(&format!("{to}.attn.out"), &format!("{from}/linear_1"), None, true)
    }

    /// The query has a matrix of its own; key and value share one.
    fn cross_attention(&mut self, to: &str, from: &str, state: usize) -> Result<(), ModelError> {
        let from = format!("{from}/attention");
        let to = format!("{to}.cross_attn");
        self.norm(&format!("{to}_ln"), &format!("{from}/layer_norm"))?;
        self.linear(&format!("{to}.query"), &format!("{from}/linear_0"), None, true)?;
        for (part, name) in ["key", "value"].into_iter().enumerate() {
            self.linear(
                &format!("{to}.{name}"),
                &format!("{from}/linear_1"),
                Some((part * state, state)),
                name != "key",
            )?;
        }
        self.linear(&format!("{to}.out"), &format!("{from}/linear_2"), None, true)
    }

    fn linear(
        &mut self,
        to: &str,
        from: &str,
        rows: Option<(usize, usize)>,
        bias: bool,
    ) -> Result<(), ModelError> {
        self.matrix(&format!("{to}.weight"), &format!("{from}/weight"), rows)?;
        if !bias {
            return Ok(());
        }
        let numbers = self.floats(&format!("{from}/bias"))?;
        let (first, length) = rows.unwrap_or((0, numbers.len()));
        let part = numbers.get(first..first + length).ok_or_else(|| damaged("a bias is too short"))?;
        self.out.tensor(&format!("{to}.bias"), &[part.len()], TYPE_F32)?;
        self.out.floats(part);
        Ok(())
    }

    fn norm(&mut self, to: &str, from: &str) -> Result<(), ModelError> {
        self.plain(&format!("{to}.weight"), &format!("{from}/gamma"))?;
        self.plain(&format!("{to}.bias"), &format!("{from}/beta"))
    }

    fn get(&self, name: &str) -> Result<&Tensor<'_>, ModelError> {
        self.tensors
            .get(name)
            .ok_or_else(|| ModelError::Damaged { what: format!("the tensor {name} is missing") })
    }

    fn floats(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        Ok(self.get(name)?.halves()?.into_iter().map(|bits| f16::from_bits(bits).to_f32()).collect())
    }

    fn plain(&mut self, to: &str, from: &str) -> Result<(), ModelError> {
        let (numbers, shape) = (self.floats(from)?, self.get(from)?.shape.clone());
        self.out.tensor(to, &shape, TYPE_F32)?;
        self.out.floats(&numbers);
        Ok(())
    }

    fn half(&mut self, to: &str, from: &str) -> Result<(), ModelError> {
        let (bits, shape) = (self.get(from)?.halves()?, self.get(from)?.shape.clone());
        self.out.tensor(to, &shape, TYPE_F16)?;
        self.out.bytes.extend(bits.iter().flat_map(|bits| bits.to_le_bytes()));
        Ok(())
    }

    fn matrix(&mut self, to: &str, from: &str, rows: Option<(usize, usize)>) -> Result<(), ModelError> {
        let numbers = self.floats(from)?;
        let &[all, columns] = self.get(from)?.shape.as_slice() else {
            return Err(damaged("a matrix is none"));
        };
        let (first, length) = rows.unwrap_or((0, all));
        let part = numbers
            .get(first * columns..(first + length) * columns)
            .ok_or_else(|| damaged("a matrix is too small"))?;
        if columns % BLOCK != 0 {
            return Err(damaged("a matrix cannot be quantised in blocks of 32"));
        }
        self.out.tensor(to, &[length, columns], TYPE_Q8_0)?;
        self.out.quantised(part);
        Ok(())
    }
}

struct Out {
    bytes: Vec<u8>,
}

impl Out {
    fn u32(&mut self, number: u32) {
        self.bytes.extend(number.to_le_bytes());
    }

    fn number(&mut self, number: usize) -> Result<(), ModelError> {
        self.u32(u32::try_from(number).map_err(|_| damaged("a size is too large"))?);
        Ok(())
    }

    fn f32(&mut self, number: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "the file keeps single precision")]
        let single = number as f32;
        self.bytes.extend(single.to_le_bytes());
    }

    fn floats(&mut self, numbers: &[f32]) {
        self.bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    /// The head of a tensor; ggml names the fastest dimension first.
    fn tensor(&mut self, name: &str, shape: &[usize], kind: u32) -> Result<(), ModelError> {
        self.number(shape.len())?;
        self.number(name.len())?;
        self.u32(kind);
        for &side in shape.iter().rev() {
            self.number(side)?;
        }
        self.bytes.extend(name.as_bytes());
        Ok(())
    }

    fn quantised(&mut self, numbers: &[f32]) {
        for block in numbers.chunks_exact(BLOCK) {
            let largest = block.iter().fold(0.0_f32, |most, number| most.max(number.abs()));
            let scale = largest / 127.0;
            self.bytes.extend(f16::from_f32(scale).to_le_bytes());
            let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            for number in block {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the magnitude is at most 127 by the scale"
                )]
                let byte = (number * inverse).round() as i8;
                self.bytes.extend(byte.to_le_bytes());
            }
        }
    }
}
