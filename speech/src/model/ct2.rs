//! Reads a Whisper model in the CTranslate2 format: names, shapes and half-precision weights.
//!
//! The layout was read off the published model and agrees with the writer of CTranslate2's format version 6: counted
//! strings, then for each variable its name, rank, dimensions, type and bytes.

use std::collections::BTreeMap;

use super::ModelError;

/// Names are shorter than this in every published model; longer ones are damage.
const LONGEST_NAME: usize = 256;
/// The type number of half precision.
const HALF: u8 = 4;

/// One tensor, borrowed from the file.
#[derive(Debug, Clone)]
pub(super) struct Tensor<'b> {
    pub shape: Vec<usize>,
    kind: u8,
    bytes: &'b [u8],
}

impl Tensor<'_> {
    /// Returns the bits of the half-precision numbers.
    pub fn halves(&self) -> Result<Vec<u16>, ModelError> {
        if self.kind != HALF {
            return Err(damaged("a tensor that should be half precision is not"));
        }
        Ok(self.bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect())
    }
}

/// Reads all variables of the model.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor<'_>>, ModelError> {
    let mut reader = Reader { bytes };
    let version = reader.u32()?;
    let spec = reader.text()?;
    if version != 6 || spec != "WhisperSpec" {
        return Err(damaged("not a Whisper model in the CTranslate2 format, version 6"));
    }
    let _revision = reader.u32()?;
    let count = reader.u32()?;
    let mut tensors = BTreeMap::new();
    for _ in 0..count {
        let name = reader.text()?;
        let rank = reader.take(1)?[0];
        let mut shape = Vec::new();
        for _ in 0..rank {
            shape.push(reader.u32()? as usize);
        }
        let kind = reader.take(1)?[0];
        let length = reader.u32()? as usize;
        let bytes = reader.take(length)?;
        let numbers: usize =
            shape.iter().try_fold(1_usize, |all, &side| all.checked_mul(side)).unwrap_or(usize::MAX);
        if kind == HALF && numbers.checked_mul(2) != Some(length) {
            return Err(damaged("a tensor's length does not fit its shape"));
        }
        tensors.insert(name, Tensor { shape, kind, bytes });
    }
    Ok(tensors)
}

pub(super) fn damaged(what: &'static str) -> ModelError {
    ModelError::Damaged { what: what.to_owned() }
}

struct Reader<'b> {
    bytes: &'b [u8],
}

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], ModelError> {
        let (taken, rest) =
            self.bytes.split_at_checked(count).ok_or_else(|| damaged("the file is cut off"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, ModelError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A counted string that ends in a zero.
    fn text(&mut self) -> Result<String, ModelError> {
        let bytes = self.take(2)?;
        let length = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        if length == 0 || length > LONGEST_NAME {
            return Err(damaged("a name has an impossible length"));
        }
        let bytes = self.take(length)?;
        let text = bytes.strip_suffix(&[0]).unwrap_or(bytes);
        String::from_utf8(text.to_vec()).map_err(|_| damaged("a name is not text"))
    }
}
