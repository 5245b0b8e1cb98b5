//! The sentence encoder: a small transformer that reads a whole utterance and votes for each kind.
//!
//! It carries the recall where people allude and no word gives them away. Six layers of a multilingual encoder
//! (multilingual-e5-small, MIT licence, Wang and others, arXiv 2402.05672) over the Russian part of its vocabulary, trained
//! further on the project's own utterances; each kind looks at the words through an attention of its own (Mullenbach and
//! others, NAACL 2018), which is also what its quote is read off. One byte a weight on disk; a few milliseconds an utterance.

mod layer;
mod pieces;
mod read;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ndarray::{Array1, Array2, ArrayView1, Axis, s};

use self::layer::{Layer, Norm};
use self::pieces::{Pieces, Token};
use super::{BadWeights, Vote};
use crate::signal::{Party, SignalKind};

/// Most tokens that are read at once, the two that mark begin and end among them.
const WINDOW: usize = 64;
/// Most windows of one utterance: what is longer is a document, of which begin and end are read.
const MOST_WINDOWS: usize = 8;

/// The weights that ship with the product; how they came about stands in `data/classifier/README.md`.
const BUILTIN: &[u8] = include_bytes!("../../../data/classifier/encoder.bin");

/// A trained encoder.
#[derive(Debug)]
pub struct Encoder {
    checksum: u32,
    pieces: Pieces,
    /// One row a piece, one byte a number.
    embedding: Bytes,
    positions: Array2<f32>,
    /// Added to every token: who speaks, customer first.
    party: Array2<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    /// Width × kinds: where each kind looks.
    attention: Array2<f32>,
    /// Width × kinds: what it makes of what it sees.
    vote: Array2<f32>,
    kinds: Vec<Kind>,
}

/// A kind the encoder votes for.
#[derive(Clone, Copy, Debug)]
struct Kind {
    kind: SignalKind,
    bias: f32,
}

/// A matrix of one byte a number with a scale for each row.
#[derive(Debug)]
struct Bytes {
    width: usize,
    scale: Vec<f32>,
    values: Vec<i8>,
}

impl Bytes {
    fn row(&self, index: usize) -> Option<Array1<f32>> {
        let scale = *self.scale.get(index)?;
        let values = self.values.get(index * self.width..(index + 1) * self.width)?;
        Some(values.iter().map(|&value| f32::from(value) * scale).collect())
    }
}

/// What a kind makes of one utterance.
#[derive(Clone, Debug)]
struct Look {
    logit: f32,
    /// How much of its attention each word of the window got.
    words: Vec<f32>,
    first_word: usize,
}

impl Encoder {
    /// Returns the encoder that ships with the product, read once in a process.
    ///
    /// # Errors
    /// None in a released product: a test reads the same bytes.
    pub fn builtin() -> Result<Arc<Self>, BadWeights> {
        static ENCODER: OnceLock<Result<Arc<Encoder>, BadWeights>> = OnceLock::new();
        ENCODER.get_or_init(|| Self::read(BUILTIN).map(Arc::new)).clone()
    }

    /// Reads the file of an encoder.
    ///
    /// # Errors
    /// Says what is wrong with the bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, BadWeights> {
        read::read(bytes)
    }

    /// Returns a short number that tells these weights from others; part of the version that decisions name.
    pub const fn checksum(&self) -> u32 {
        self.checksum
    }

    /// Votes on an utterance: every kind of the party whose logit is above `floor`, the strongest first. `margin` is the
    /// logit: 0 where the training found yes and no equally likely.
    pub fn votes(&self, text: &str, party: Party, floor: f32) -> Vec<Vote> {
        let (words, tokens) = self.pieces.tokens(text);
        let mut best: Vec<Option<Look>> = vec![None; self.kinds.len()];
        for window in windows(tokens.len()) {
            let Some(tokens) = tokens.get(window) else { continue };
            for (known, look) in best.iter_mut().zip(self.looks(tokens, party)) {
                if known.as_ref().is_none_or(|known| known.logit < look.logit) {
                    *known = Some(look);
                }
            }
        }
        let seen = self.kinds.iter().zip(best).filter_map(|(kind, look)| Some((kind.kind, look?)));
        let mut votes: Vec<Vote> = seen
            .filter(|(kind, look)| kind.party() == party && look.logit > floor)
            .map(|(kind, look)| {
                let run = run(&look.words);
                let at = |index: usize| words.get(look.first_word + index).copied().unwrap_or((0, 0));
                Vote { kind, margin: look.logit, start: at(run.start).0, end: at(run.end - 1).1 }
            })
            .collect();
        votes.sort_by(|left, right| right.margin.total_cmp(&left.margin));
        votes
    }

    /// Reads one window.
    fn looks(&self, tokens: &[Token], party: Party) -> Vec<Look> {
        let seen = self.encode(tokens, party);
        let mut attention = seen.dot(&self.attention);
        for mut kind in attention.axis_iter_mut(Axis(1)) {
            layer::softmax(&mut kind);
        }
        let votes = seen.dot(&self.vote);
        let first_word = tokens.first().map_or(0, |token| token.word);
        let last_word = tokens.last().map_or(0, |token| token.word);
        let look = |(index, kind): (usize, &Kind)| {
            let weights = attention.column(index);
            let mut words = vec![0.0; last_word - first_word + 1];
            // The first and the last row are the marks of begin and end.
            for (token, weight) in tokens.iter().zip(weights.iter().skip(1)) {
                words[token.word - first_word] += weight;
            }
            Look { logit: weights.dot(&votes.column(index)) + kind.bias, words, first_word }
        };
        self.kinds.iter().enumerate().map(look).collect()
    }

    /// Returns a row for each token, with the marks of begin and end around them.
    fn encode(&self, tokens: &[Token], party: Party) -> Array2<f32> {
        let mut seen = Array2::zeros((tokens.len() + 2, self.embedding.width));
        let speaker = self.party.row(usize::from(party == Party::Agent));
        let inner = tokens.iter().map(|token| token.piece);
        let all = std::iter::once(pieces::BEGIN).chain(inner).chain(std::iter::once(pieces::END));
        for ((mut row, piece), position) in seen.axis_iter_mut(Axis(0)).zip(all).zip(self.positions.rows()) {
            if let Some(embedding) = self.embedding.row(piece) {
                row += &embedding;
            }
            row += &position;
            row += &speaker;
        }
        self.norm.apply(&mut seen);
        for layer in &self.layers {
            layer.apply(&mut seen);
        }
        seen
    }

    /// Returns the direction in which an utterance points, of length 1: utterances of like meaning point alike.
    pub fn direction(&self, text: &str, party: Party) -> Vec<f32> {
        let (_, tokens) = self.pieces.tokens(text);
        let seen = self.encode(&tokens[..tokens.len().min(WINDOW - 2)], party);
        let mean = seen.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(self.embedding.width));
        let length = mean.dot(&mean).sqrt();
        if length > 0.0 { (mean / length).to_vec() } else { mean.to_vec() }
    }
}

/// Cuts a long utterance into windows that overlap by half; of a very long one only begin and end are read.
fn windows(tokens: usize) -> Vec<Range<usize>> {
    const INNER: usize = WINDOW - 2;
    if tokens <= INNER {
        return std::iter::once(0..tokens).collect();
    }
    let mut windows: Vec<Range<usize>> =
        (0..tokens - INNER / 2).step_by(INNER / 2).map(|start| start..tokens.min(start + INNER)).collect();
    if windows.len() > MOST_WINDOWS {
        let tail = windows.split_off(windows.len() - MOST_WINDOWS / 2);
        windows.truncate(MOST_WINDOWS / 2);
        windows.extend(tail);
    }
    windows
}

/// Returns the run of words that got more than its share of the attention.
fn run(words: &[f32]) -> Range<usize> {
    let total: f32 = words.iter().sum();
    let share = 0.7 * total / words.iter().fold(0.0, |count, _| count + 1.0_f32).max(1.0);
    let (mut best, mut best_run) = (f32::MIN, 0..1);
    let (mut sum, mut begin) = (0.0_f32, 0);
    for (index, weight) in words.iter().enumerate() {
        if sum <= 0.0 {
            (sum, begin) = (0.0, index);
        }
        sum += weight - share;
        if sum > best {
            (best, best_run) = (sum, begin..index + 1);
        }
    }
    best_run
}

/// Adds a row to each row of a matrix.
fn add_to_rows(matrix: &mut Array2<f32>, row: ArrayView1<'_, f32>) {
    for mut target in matrix.axis_iter_mut(Axis(0)) {
        target += &row;
    }
}

/// Returns columns of a matrix as an owned matrix.
fn columns(matrix: &Array2<f32>, range: Range<usize>) -> Array2<f32> {
    matrix.slice(s![.., range]).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_utterance_is_read_in_windows_and_a_document_at_both_ends() {
        let whole = |tokens: usize| std::iter::once(0..tokens).collect::<Vec<_>>();
        assert_eq!((windows(0), windows(62)), (whole(0), whole(62)));
        assert_eq!(windows(63), [0..62, 31..63]);
        let document = windows(100_000);
        assert_eq!(document.len(), MOST_WINDOWS);
        assert_eq!((document.first(), document.last().map(|last| last.end)), (Some(&(0..62)), Some(100_000)));
    }

    #[test]
    fn the_quote_is_where_the_attention_lies() {
        assert_eq!(run(&[0.02, 0.5, 0.4, 0.03, 0.02]), 1..3);
        assert_eq!(run(&[0.2, 0.2, 0.2, 0.2, 0.2]), 0..5);
        assert_eq!(run(&[]), 0..1);
    }
}
