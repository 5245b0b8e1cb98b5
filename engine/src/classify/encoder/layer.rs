//! One layer of the transformer: every word looks at every other, then is thought over.

use ndarray::{Array1, Array2, ArrayViewMut1, Axis, s};

use super::{add_to_rows, columns};

/// How many heads look at once.
const HEADS: usize = 12;

/// Brings rows to mean 0 and variance 1, then scales and shifts them.
#[derive(Debug)]
pub(super) struct Norm {
    pub scale: Array1<f32>,
    pub shift: Array1<f32>,
}

impl Norm {
    pub(super) fn apply(&self, rows: &mut Array2<f32>) {
        for mut row in rows.axis_iter_mut(Axis(0)) {
            let mean = row.mean().unwrap_or(0.0);
            row -= mean;
            let variance = row.dot(&row) / row.iter().fold(0.0, |count, _| count + 1.0_f32).max(1.0);
            row *= 1.0 / (variance + 1e-12).sqrt();
            row *= &self.scale;
            row += &self.shift;
        }
    }
}

/// A matrix and what is added to its product.
#[derive(Debug)]
pub(super) struct Linear {
    /// In × out.
    pub weights: Array2<f32>,
    pub bias: Array1<f32>,
}

impl Linear {
    fn of(&self, rows: &Array2<f32>) -> Array2<f32> {
        let mut product = rows.dot(&self.weights);
        add_to_rows(&mut product, self.bias.view());
        product
    }
}

/// One layer.
#[derive(Debug)]
pub(super) struct Layer {
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    pub gather: Linear,
    pub gather_norm: Norm,
    pub widen: Linear,
    pub narrow: Linear,
    pub narrow_norm: Norm,
}

impl Layer {
    pub(super) fn apply(&self, seen: &mut Array2<f32>) {
        let gathered = self.gather.of(&self.look(seen));
        *seen += &gathered;
        self.gather_norm.apply(seen);
        let mut wide = self.widen.of(seen);
        wide.mapv_inplace(|x| 0.5 * x * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2)));
        let thought = self.narrow.of(&wide);
        *seen += &thought;
        self.narrow_norm.apply(seen);
    }

    /// Every head mixes the values of all words by how well their keys answer its query.
    fn look(&self, seen: &Array2<f32>) -> Array2<f32> {
        let (query, key, value) = (self.query.of(seen), self.key.of(seen), self.value.of(seen));
        let head = query.ncols() / HEADS;
        let scale = 1.0 / f32::from(u16::try_from(head).unwrap_or(1)).sqrt();
        let mut mixed = Array2::zeros(query.dim());
        for index in 0..HEADS {
            let range = index * head..(index + 1) * head;
            let mut weights =
                columns(&query, range.clone()).dot(&columns(&key, range.clone()).reversed_axes()) * scale;
            for mut row in weights.axis_iter_mut(Axis(0)) {
                softmax(&mut row);
            }
            mixed.slice_mut(s![.., range.clone()]).assign(&weights.dot(&columns(&value, range)));
        }
        mixed
    }
}

/// Turns numbers into shares that add up to 1.
pub(super) fn softmax(numbers: &mut ArrayViewMut1<'_, f32>) {
    let highest = numbers.iter().copied().fold(f32::MIN, f32::max);
    numbers.mapv_inplace(|number| (number - highest).exp());
    let sum = numbers.sum();
    *numbers /= sum;
}
