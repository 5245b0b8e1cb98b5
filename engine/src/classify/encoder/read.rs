//! Reading the file of the encoder: pieces, then matrices in the order in which they are used.

use ndarray::{Array1, Array2};

use super::layer::{Layer, Linear, Norm};
use super::pieces::Pieces;
use super::{Bytes, Encoder, Kind, WINDOW};
use crate::classify::{BadWeights, Reader, checksum};
use crate::signal::SignalKind;

/// First bytes of the file: name and version of the format.
const MAGIC: &[u8; 8] = b"GRADUSE1";
/// Most of anything that a file may announce: a broken number must not reserve the memory of the machine.
const MOST: usize = 1 << 17;

/// Reads an encoder.
pub(super) fn read(bytes: &[u8]) -> Result<Encoder, BadWeights> {
    let mut reader = Reader { bytes };
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(BadWeights("not an encoder of this version"));
    }
    let [pieces, width, wide, layers, kinds] = reader.counts()?;
    let pieces = reader.pieces(pieces)?;
    let embedding = reader.bytes_of(pieces.len(), width)?;
    let positions = reader.plain(WINDOW, width)?;
    let party = reader.plain(2, width)?;
    let norm = reader.norm(width)?;
    let layers = (0..layers).map(|_| reader.layer(width, wide)).collect::<Result<Vec<_>, _>>()?;
    let attention = reader.plain(kinds, width)?.reversed_axes();
    let vote = reader.plain(kinds, width)?.reversed_axes();
    let mut known = Vec::with_capacity(kinds);
    for _ in 0..kinds {
        let length = usize::from(reader.byte()?);
        let name =
            std::str::from_utf8(reader.take(length)?).map_err(|_| BadWeights("a kind is not UTF-8"))?;
        let kind: SignalKind = name.parse().map_err(|_| BadWeights("an unknown kind"))?;
        known.push(Kind { kind, bias: reader.number()? });
    }
    let pieces = Pieces::new(pieces.into_iter());
    let checksum = checksum(bytes);
    Ok(Encoder { checksum, pieces, embedding, positions, party, norm, layers, attention, vote, kinds: known })
}

impl Reader<'_> {
    fn counts<const N: usize>(&mut self) -> Result<[usize; N], BadWeights> {
        let mut counts = [0; N];
        for count in &mut counts {
            *count = self.count()?;
        }
        Ok(counts)
    }

    fn count(&mut self) -> Result<usize, BadWeights> {
        let bytes = self.take(4)?.try_into().map_err(|_| BadWeights("the file is cut off"))?;
        let count = usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
        if count > MOST { Err(BadWeights("a number is out of range")) } else { Ok(count) }
    }

    fn pieces(&mut self, count: usize) -> Result<Vec<(Box<str>, f32)>, BadWeights> {
        let mut pieces = Vec::with_capacity(count);
        for _ in 0..count {
            let length = usize::from(self.byte()?);
            let piece =
                std::str::from_utf8(self.take(length)?).map_err(|_| BadWeights("a piece is not UTF-8"))?;
            pieces.push((piece.into(), self.number()?));
        }
        Ok(pieces)
    }

    fn row(&mut self, width: usize) -> Result<Array1<f32>, BadWeights> {
        (0..width).map(|_| self.number()).collect()
    }

    fn plain(&mut self, rows: usize, width: usize) -> Result<Array2<f32>, BadWeights> {
        let numbers = (0..rows * width).map(|_| self.number()).collect::<Result<Vec<_>, _>>()?;
        Array2::from_shape_vec((rows, width), numbers).map_err(|_| BadWeights("a matrix is cut off"))
    }

    fn bytes_of(&mut self, rows: usize, width: usize) -> Result<Bytes, BadWeights> {
        let scale = (0..rows).map(|_| self.number()).collect::<Result<Vec<_>, _>>()?;
        let values = self.take(rows * width)?.iter().map(|&byte| i8::from_le_bytes([byte])).collect();
        Ok(Bytes { width, scale, values })
    }

    fn norm(&mut self, width: usize) -> Result<Norm, BadWeights> {
        Ok(Norm { scale: self.row(width)?, shift: self.row(width)? })
    }

    /// Reads a matrix written out × in.
    fn linear(&mut self, from: usize, to: usize) -> Result<Linear, BadWeights> {
        let Bytes { scale, values, .. } = self.bytes_of(to, from)?;
        let rows = values.chunks(from.max(1)).zip(scale);
        let numbers = rows.flat_map(|(row, scale)| row.iter().map(move |&value| f32::from(value) * scale));
        let weights = Array2::from_shape_vec((to, from), numbers.collect())
            .map_err(|_| BadWeights("a matrix is cut off"))?;
        // Products are fastest when the matrix lies in the order in which it is walked.
        let weights = weights.t().as_standard_layout().into_owned();
        Ok(Linear { weights, bias: self.row(to)? })
    }

    fn layer(&mut self, width: usize, wide: usize) -> Result<Layer, BadWeights> {
        Ok(Layer {
            query: self.linear(width, width)?,
            key: self.linear(width, width)?,
            value: self.linear(width, width)?,
            gather: self.linear(width, width)?,
            gather_norm: self.norm(width)?,
            widen: self.linear(width, wide)?,
            narrow: self.linear(wide, width)?,
            narrow_norm: self.norm(width)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_cut_off_or_lies_about_its_size_is_refused() {
        assert!(read(b"").is_err());
        assert!(read(b"GRADUSE1").is_err());
        let mut huge = MAGIC.to_vec();
        huge.extend([0xFF; 20]);
        assert_eq!(read(&huge).err(), Some(BadWeights("a number is out of range")));
    }
}
