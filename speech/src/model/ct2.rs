//! Reads Whisper models in the format of CTranslate2 (`model.bin`, version 6) from memory.

use std::collections::BTreeMap;

use half::f16;

/// A tensor as it lies in the file, with 16- or 32-bit floats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tensor<'a> {
    /// Lengths, outermost first.
    pub(super) shape: [usize; 3],
    /// How many of the lengths are used.
    pub(super) rank: usize,
    kind: Kind,
    bytes: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    F32,
    F16,
    Other,
}

/// All tensors of a model by name.
#[derive(Debug)]
pub(super) struct Ct2<'a> {
    tensors: BTreeMap<String, Tensor<'a>>,
}

/// A place in the file.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| format!("the model ends {} bytes too early", count - self.rest.len()))?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<usize, String> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn text(&mut self) -> Result<String, String> {
        let length = self.number(2)?;
        let bytes = self.take(length)?;
        Ok(String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned())
    }
}

impl<'a> Ct2<'a> {
    /// Reads the directory of the file.
    pub(super) fn read(file: &'a [u8]) -> Result<Ct2<'a>, String> {
        let mut at = Cursor { rest: file };
        let version = at.number(4)?;
        if version != 6 {
            return Err(format!("the model has format version {version}, 6 can be read"));
        }
        let spec = at.text()?;
        if spec != "WhisperSpec" {
            return Err(format!("the model is a {spec:?}, no Whisper model"));
        }
        let _revision = at.number(4)?;
        let count = at.number(4)?;
        let mut tensors = BTreeMap::new();
        for _ in 0..count {
            let name = at.text()?;
            let rank = at.number(1)?;
            let mut shape = [1; 3];
            if rank > shape.len() {
                return Err(format!("tensor {name} has {rank} dimensions"));
            }
            for length in shape.iter_mut().take(rank) {
                *length = at.number(4)?;
            }
            let kind = match at.number(1)? {
                0 => Kind::F32,
                4 => Kind::F16,
                _ => Kind::Other,
            };
            let size = at.number(4)?;
            tensors.insert(name, Tensor { shape, rank, kind, bytes: at.take(size)? });
        }
        Ok(Ct2 { tensors })
    }

    /// Returns the tensor of that name with the lengths that it must have (0 = any).
    pub(super) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor<'a>, String> {
        let tensor = self.tensors.get(name).ok_or_else(|| format!("the model has no tensor {name}"))?;
        let fits = tensor.rank == shape.len()
            && tensor.shape.iter().zip(shape).all(|(found, wanted)| *wanted == 0 || found == wanted);
        let width = match tensor.kind {
            Kind::F32 => 4,
            Kind::F16 => 2,
            Kind::Other => return Err(format!("tensor {name} is quantised: convert from 16-bit floats")),
        };
        let count = tensor.shape.iter().try_fold(1_usize, |product, length| product.checked_mul(*length));
        if !fits || count.and_then(|count| count.checked_mul(width)) != Some(tensor.bytes.len()) {
            return Err(format!("tensor {name} has the shape {:?} instead of {shape:?}", tensor.shape));
        }
        Ok(*tensor)
    }

    /// Returns how many layers `encoder` or `decoder` has.
    pub(super) fn layers(&self, side: &str) -> usize {
        (0..)
            .take_while(|n| self.tensors.contains_key(&format!("{side}/layer_{n}/ffn/linear_0/weight")))
            .count()
    }

    /// Returns a small whole number stored as a scalar.
    pub(super) fn scalar(&self, name: &str) -> Option<usize> {
        let tensor = self.tensors.get(name).filter(|tensor| tensor.rank == 0 && tensor.bytes.len() <= 4)?;
        Cursor { rest: tensor.bytes }.number(tensor.bytes.len()).ok()
    }
}

impl Tensor<'_> {
    /// Returns rows `from..to` of the outermost dimension as floats.
    pub(super) fn rows(&self, from: usize, to: usize) -> Vec<f32> {
        let row = self.shape[1] * self.shape[2];
        match self.kind {
            Kind::F32 => numbers(self.bytes, 4, from * row, to * row)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect(),
            _ => numbers(self.bytes, 2, from * row, to * row)
                .map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32())
                .collect(),
        }
    }

    /// Returns all values as floats.
    pub(super) fn all(&self) -> Vec<f32> {
        self.rows(0, self.shape[0])
    }
}

fn numbers(bytes: &[u8], width: usize, from: usize, to: usize) -> impl Iterator<Item = &[u8]> {
    bytes.chunks_exact(width).skip(from).take(to - from)
}
