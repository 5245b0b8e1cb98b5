//! The picture of a recording for a player: its loudest sample in each of so many equal pieces.

use crate::Recording;

/// Returns for each channel `points` peaks of 0 to 1; fewer if the recording has fewer samples.
pub fn waveform(recording: &Recording, points: usize) -> Vec<Vec<f32>> {
    recording.channels.iter().map(|samples| peaks(samples, points)).collect()
}

fn peaks(samples: &[i16], points: usize) -> Vec<f32> {
    let points = points.min(samples.len());
    (0..points)
        .map(|point| {
            let (from, to) = (point * samples.len() / points, (point + 1) * samples.len() / points);
            let loudest = samples[from..to].iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
            f32::from(loudest) / 32768.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_in_exactly_one_piece() {
        let samples: Vec<i16> = (0..10).map(|n| n * 1000).collect();
        assert_eq!(peaks(&samples, 3), [2000.0 / 32768.0, 5000.0 / 32768.0, 9000.0 / 32768.0]);
        assert_eq!(peaks(&samples, 100).len(), 10);
        assert_eq!(peaks(&[i16::MIN], 1), [1.0]);
        assert!(peaks(&[], 5).is_empty());
        assert!(peaks(&samples, 0).is_empty());
    }
}
