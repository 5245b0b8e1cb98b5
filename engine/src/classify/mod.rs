//! The trained classifier: a linear vote for each kind over hashed words, word pairs and letter groups.
//!
//! It carries the recall where people are indirect and no rule knows the phrase; rules carry precision and explanation.
//! Weights are one byte each, a row a feature, so that one utterance costs a few hundred rows of one cache line.
//! Method: one L2-regularised squared-hinge machine a kind, trained by dual coordinate descent (Hsieh and others, ICML
//! 2008), thresholds from cross-validation on blocks of neighbouring lines.

mod encoder;
mod features;
mod train;

pub use encoder::Encoder;
pub use train::{Example, Training, train};

use features::{Feature, Group, features};

use crate::signal::{Party, SignalKind};

/// Buckets a party's features are hashed into.
pub(crate) const BUCKETS: usize = 1 << 17;
/// Kinds a row has room for; one cache line of weights holds two rows.
pub(crate) const ROW: usize = 32;
/// First bytes of a weights file: name and version of the format.
const MAGIC: &[u8; 8] = b"GRADUSW1";

/// One kind's vote on an utterance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vote {
    /// The kind.
    pub kind: SignalKind,
    /// Distance from the threshold of the kind, in units of the margin; positive votes for it.
    pub margin: f32,
    /// First code point of the words that carried the vote.
    pub start: u32,
    /// One past the last code point.
    pub end: u32,
}

/// The weights of one party.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PartyModel {
    pub kinds: Vec<SignalKind>,
    pub bias: Vec<f32>,
    pub scale: Vec<f32>,
    pub threshold: Vec<f32>,
    pub idf: Vec<u8>,
    pub weights: Vec<i8>,
}

/// A trained classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Classifier {
    pub(crate) customer: PartyModel,
    pub(crate) agent: PartyModel,
    pub(crate) checksum: u32,
}

/// A weights file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the weights of the classifier cannot be read ({0}): train them anew with `gradus train`")]
pub struct BadWeights(&'static str);

/// The step in which inverse document frequencies are kept.
pub(crate) const IDF_STEP: f32 = 1.0 / 16.0;

/// The weights that ship with the product; how they came about stands in `data/classifier/README.md`.
const BUILTIN: &[u8] = include_bytes!("../../data/classifier/weights.bin");

/// A number that tells one weights file from another: FNV-1a over words of eight bytes, folded. No protection against anybody.
fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = 0xCBF2_9CE4_8422_2325_u64 ^ bytes.len() as u64;
    for word in bytes.chunks(8) {
        let word = word.iter().rev().fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
        sum = (sum ^ word).wrapping_mul(0x0100_0000_01B3);
    }
    #[expect(clippy::cast_possible_truncation, reason = "the upper half, folded onto the lower")]
    let folded = (sum ^ (sum >> 32)) as u32;
    folded
}

impl Classifier {
    /// Returns the classifier that ships with the product.
    ///
    /// # Errors
    /// None in a released product: a test reads the same bytes.
    pub fn builtin() -> Result<Self, BadWeights> {
        Self::read(BUILTIN)
    }

    /// Reads a weights file.
    ///
    /// # Errors
    /// Says what is wrong with the bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, BadWeights> {
        let mut reader = Reader { bytes };
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(BadWeights("not a weights file of this version"));
        }
        let customer = reader.party(Party::Customer)?;
        let agent = reader.party(Party::Agent)?;
        Ok(Self { customer, agent, checksum: checksum(bytes) })
    }

    /// Returns a short number that tells these weights from others; part of the version that decisions name.
    pub const fn checksum(&self) -> u32 {
        self.checksum
    }

    /// Writes the weights file.
    pub fn write(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for party in [&self.customer, &self.agent] {
            out.push(u8::try_from(party.kinds.len()).unwrap_or(u8::MAX));
            for (index, kind) in party.kinds.iter().enumerate() {
                let at = SignalKind::ALL.iter().position(|known| known == kind).unwrap_or(0);
                out.push(u8::try_from(at).unwrap_or(u8::MAX));
                for number in [&party.bias, &party.scale, &party.threshold] {
                    out.extend(number.get(index).copied().unwrap_or(0.0).to_le_bytes());
                }
            }
            out.extend(&party.idf);
            out.extend(party.weights.iter().flat_map(|weight| weight.to_le_bytes()));
        }
        out
    }

    /// Votes on an utterance: every kind of the party whose margin is above `floor`, the strongest first.
    pub fn votes(&self, text: &str, party: Party, floor: f32) -> Vec<Vote> {
        let model = self.party(party);
        let found = features(text);
        let sums = model.margins(&found.features);
        let above = model.kinds.iter().zip(&sums).enumerate().filter(|(_, (_, margin))| **margin > floor);
        let mut votes: Vec<Vote> = above
            .map(|(index, (&kind, &margin))| {
                let (start, end) = model.span(index, &found);
                Vote { kind, margin, start, end }
            })
            .collect();
        votes.sort_by(|left, right| right.margin.total_cmp(&left.margin));
        votes
    }

    fn party(&self, party: Party) -> &PartyModel {
        match party {
            Party::Customer => &self.customer,
            Party::Agent => &self.agent,
        }
    }
}

impl PartyModel {
    fn margins(&self, found: &[Feature]) -> Vec<f32> {
        let mut sums = [[0_i32; ROW]; 2];
        let mut norms = [0.0_f32; 2];
        for feature in found {
            let group = feature.group as usize;
            let idf = f32::from(self.idf[feature.bucket]) * IDF_STEP;
            norms[group] += idf * idf;
            let row = &self.weights[feature.bucket * ROW..(feature.bucket + 1) * ROW];
            for (sum, &weight) in sums[group].iter_mut().zip(row) {
                *sum += i32::from(weight);
            }
        }
        let norm = norms.map(|norm| if norm > 0.0 { norm.sqrt() } else { 1.0 });
        let kind = |index: usize| {
            let [words, letters] = [0, 1].map(|group| small(sums[group][index]) / norm[group]);
            (words + letters) * self.scale[index] + self.bias[index] - self.threshold[index]
        };
        (0..self.kinds.len()).map(kind).collect()
    }

    /// Returns the run of words that adds most to a kind's vote.
    fn span(&self, kind: usize, found: &features::Found) -> (u32, u32) {
        let mut gains = vec![-0.5_f32; found.words.len()];
        for feature in &found.features {
            let weight = f32::from(self.weights[feature.bucket * ROW + kind]);
            let share = if feature.group == Group::Words { weight } else { weight * 0.4 };
            for gain in gains.iter_mut().take(feature.last + 1).skip(feature.first) {
                *gain += share / f32::from(u8::try_from(feature.last - feature.first + 1).unwrap_or(1));
            }
        }
        let (mut best, mut best_run) = (f32::MIN, (0, 0));
        let (mut sum, mut begin) = (0.0_f32, 0);
        for (index, gain) in gains.iter().enumerate() {
            if sum <= 0.0 {
                (sum, begin) = (0.0, index);
            }
            sum += gain;
            if sum > best {
                (best, best_run) = (sum, (begin, index));
            }
        }
        let at = |index: usize| found.words.get(index).copied().unwrap_or((0, 0));
        (at(best_run.0).0, at(best_run.1).1)
    }
}

/// Sums of one-byte weights stay far below 2^24, where every integer is exact.
fn small(sum: i32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "sums of one-byte weights over one utterance are small")]
    let exact = sum as f32;
    exact
}

struct Reader<'b> {
    bytes: &'b [u8],
}

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], BadWeights> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(BadWeights("the file is cut off"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<f32, BadWeights> {
        let bytes = self.take(4)?;
        let number = f32::from_le_bytes(bytes.try_into().map_err(|_| BadWeights("the file is cut off"))?);
        if number.is_finite() { Ok(number) } else { Err(BadWeights("a number is not finite")) }
    }

    fn byte(&mut self) -> Result<u8, BadWeights> {
        Ok(self.take(1)?.first().copied().unwrap_or(0))
    }

    fn party(&mut self, party: Party) -> Result<PartyModel, BadWeights> {
        let count = usize::from(self.byte()?);
        if count > ROW {
            return Err(BadWeights("more kinds than a row holds"));
        }
        let mut model = PartyModel {
            kinds: Vec::new(),
            bias: Vec::new(),
            scale: Vec::new(),
            threshold: Vec::new(),
            idf: Vec::new(),
            weights: Vec::new(),
        };
        for _ in 0..count {
            let at = usize::from(self.byte()?);
            let kind = SignalKind::ALL.get(at).copied().ok_or(BadWeights("an unknown kind"))?;
            if kind.party() != party {
                return Err(BadWeights("a kind of the other party"));
            }
            model.kinds.push(kind);
            model.bias.push(self.number()?);
            model.scale.push(self.number()?);
            model.threshold.push(self.number()?);
        }
        model.idf = self.take(BUCKETS)?.to_vec();
        model.weights = self.take(BUCKETS * ROW)?.iter().map(|&byte| i8::from_le_bytes([byte])).collect();
        Ok(model)
    }
}
