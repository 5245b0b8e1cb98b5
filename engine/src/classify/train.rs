//! Training: labelled utterances in, weights out. Deterministic: the same examples give the same bytes.

use std::collections::BTreeSet;

use super::features::{Group, features};
use super::{BUCKETS, Classifier, IDF_STEP, PartyModel, ROW};
use crate::signal::{JudgedBy, Party, SignalKind};

/// One labelled utterance.
#[derive(Clone, Debug)]
pub struct Example {
    /// Who spoke.
    pub party: Party,
    /// What was said.
    pub text: String,
    /// What has to be noticed.
    pub labels: BTreeSet<SignalKind>,
    /// Lines of one block are near each other in the source and may be alike; a block is never split between training
    /// and measuring.
    pub block: u32,
}

/// How training goes.
#[derive(Clone, Copy, Debug)]
pub struct Training {
    /// Passes over the examples.
    pub passes: u32,
    /// Penalty of an error; larger fits closer.
    pub penalty: f32,
    /// How much more an error on a positive counts.
    pub positive: f32,
    /// Parts for the cross-validation that sets thresholds.
    pub folds: u32,
    /// Fewest positives a kind needs.
    pub fewest: usize,
}

impl Default for Training {
    fn default() -> Self {
        Self { passes: 14, penalty: 0.5, positive: 2.0, folds: 4, fewest: 40 }
    }
}

/// One example as a sparse vector of length one in each group.
struct Row {
    at: Vec<(usize, f32)>,
    block: u32,
}

/// Trains a classifier; `progress` hears how many kinds are done, of how many.
pub fn train(examples: &[Example], training: Training, progress: &mut dyn FnMut(usize, usize)) -> Classifier {
    let total = SignalKind::ALL.iter().filter(|kind| kind.judged_by() == JudgedBy::Utterance).count();
    let mut done = 0;
    let mut one = |party: Party| {
        train_party(examples, party, training, &mut || {
            done += 1;
            progress(done, total);
        })
    };
    let customer = one(Party::Customer);
    let agent = one(Party::Agent);
    let mut trained = Classifier { customer, agent, checksum: 0 };
    trained.checksum = super::checksum(&trained.write());
    trained
}

fn train_party(examples: &[Example], party: Party, training: Training, done: &mut dyn FnMut()) -> PartyModel {
    let own: Vec<&Example> = examples.iter().filter(|example| example.party == party).collect();
    let found: Vec<_> = own.iter().map(|example| features(&example.text)).collect();
    let idf = idf(&found);
    let rows: Vec<Row> = own
        .iter()
        .zip(&found)
        .map(|(example, found)| Row { at: vector(&found.features, &idf), block: example.block })
        .collect();
    let mut model = PartyModel {
        kinds: Vec::new(),
        bias: Vec::new(),
        scale: Vec::new(),
        threshold: Vec::new(),
        weights: vec![0; BUCKETS * ROW],
        idf,
    };
    let kinds = SignalKind::ALL
        .iter()
        .filter(|kind| kind.party() == party && kind.judged_by() == JudgedBy::Utterance);
    for &kind in kinds {
        let labels: Vec<bool> = own.iter().map(|example| example.labels.contains(&kind)).collect();
        if labels.iter().filter(|&&label| label).count() >= training.fewest && model.kinds.len() < ROW {
            add_kind(&mut model, kind, &rows, &labels, training);
        }
        done();
    }
    model
}

fn add_kind(model: &mut PartyModel, kind: SignalKind, rows: &[Row], labels: &[bool], training: Training) {
    let mut margins: Vec<(f32, bool)> = Vec::with_capacity(rows.len());
    for fold in 0..training.folds {
        let inside = |row: &Row| row.block % training.folds == fold;
        let chosen: Vec<usize> = (0..rows.len()).filter(|&row| !inside(&rows[row])).collect();
        let (weights, bias) = machine(rows, labels, &chosen, training);
        let outside = (0..rows.len()).filter(|&row| inside(&rows[row]));
        margins.extend(outside.map(|row| (dot(&weights, &rows[row].at) + bias, labels[row])));
    }
    let all: Vec<usize> = (0..rows.len()).collect();
    let (weights, bias) = machine(rows, labels, &all, training);
    let index = model.kinds.len();
    // What is kept is the product of weight and frequency, so that voting only adds bytes.
    let product: Vec<f32> =
        weights.iter().zip(&model.idf).map(|(weight, &idf)| weight * f32::from(idf) * IDF_STEP).collect();
    let largest = product.iter().fold(0.0_f32, |most, weight| most.max(weight.abs())).max(1e-6);
    let scale = largest / 127.0;
    for (bucket, weight) in product.iter().enumerate() {
        model.weights[bucket * ROW + index] = byte(weight / scale);
    }
    model.kinds.push(kind);
    model.bias.push(bias);
    model.scale.push(scale);
    model.threshold.push(best_threshold(&mut margins));
}

fn byte(value: f32) -> i8 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the range of the type just before")]
    let byte = value.round().clamp(-127.0, 127.0) as i8;
    byte
}

fn count(number: usize) -> f32 {
    f32::from(u16::try_from(number.min(60_000)).unwrap_or(u16::MAX))
}

/// Inverse document frequency of every bucket, in steps of `IDF_STEP`.
fn idf(found: &[super::features::Found]) -> Vec<u8> {
    let mut seen = vec![0_usize; BUCKETS];
    for text in found {
        for feature in &text.features {
            seen[feature.bucket] += 1;
        }
    }
    let texts = count(found.len());
    let one = |&times: &usize| {
        let idf = ((texts + 1.0) / (count(times) + 1.0)).ln() + 1.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and 13 in steps of 1/16"
        )]
        let steps = (idf / IDF_STEP).round().clamp(1.0, 255.0) as u8;
        steps
    };
    seen.iter().map(one).collect()
}

fn vector(found: &[super::features::Feature], idf: &[u8]) -> Vec<(usize, f32)> {
    let value = |bucket: usize| f32::from(idf[bucket]) * IDF_STEP;
    let length = |group: Group| {
        let squares: f32 = found
            .iter()
            .filter(|feature| feature.group == group)
            .map(|feature| value(feature.bucket).powi(2))
            .sum();
        if squares > 0.0 { squares.sqrt() } else { 1.0 }
    };
    let lengths = [length(Group::Words), length(Group::Letters)];
    found
        .iter()
        .map(|feature| (feature.bucket, value(feature.bucket) / lengths[feature.group as usize]))
        .collect()
}

fn dot(weights: &[f32], row: &[(usize, f32)]) -> f32 {
    row.iter().map(|&(at, value)| weights[at] * value).sum()
}

/// Dual coordinate descent for the L2-regularised squared-hinge machine; the bias is a feature of constant value.
fn machine(rows: &[Row], labels: &[bool], chosen: &[usize], training: Training) -> (Vec<f32>, f32) {
    let mut weights = vec![0.0_f32; BUCKETS];
    let mut bias = 0.0_f32;
    let mut alpha = vec![0.0_f32; chosen.len()];
    let mut order: Vec<usize> = (0..chosen.len()).collect();
    let mut seed = 0x5EED_u64;
    for _ in 0..training.passes {
        shuffle(&mut order, &mut seed);
        for &place in &order {
            let row = &rows[chosen[place]];
            let positive = labels[chosen[place]];
            let sign = if positive { 1.0 } else { -1.0 };
            let penalty = if positive { training.penalty * training.positive } else { training.penalty };
            let diagonal = 0.5 / penalty;
            let square: f32 = row.at.iter().map(|(_, value)| value * value).sum::<f32>() + 1.0;
            let gradient = sign * (dot(&weights, &row.at) + bias) - 1.0 + diagonal * alpha[place];
            let before = alpha[place];
            let after = (before - gradient / (square + diagonal)).max(0.0);
            let change = (after - before) * sign;
            if change.abs() > 1e-7 {
                alpha[place] = after;
                for &(at, value) in &row.at {
                    weights[at] += change * value;
                }
                bias += change;
            }
        }
    }
    (weights, bias)
}

fn shuffle(order: &mut [usize], seed: &mut u64) {
    for last in (1..order.len()).rev() {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chosen = usize::try_from(*seed >> 33).unwrap_or(0) % (last + 1);
        order.swap(last, chosen);
    }
}

/// Returns the margin above which F1 is best on the lines set aside in turn.
fn best_threshold(margins: &mut [(f32, bool)]) -> f32 {
    margins.sort_by(|left, right| right.0.total_cmp(&left.0));
    let positives = count(margins.iter().filter(|(_, label)| *label).count());
    let (mut hits, mut best, mut threshold) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (index, pair) in margins.iter().enumerate() {
        hits += if pair.1 { 1.0 } else { 0.0 };
        let f1 = 2.0 * hits / (count(index + 1) + positives);
        if f1 > best {
            let next = margins.get(index + 1).map_or(pair.0, |next| next.0);
            (best, threshold) = (f1, f32::midpoint(pair.0, next));
        }
    }
    threshold
}
