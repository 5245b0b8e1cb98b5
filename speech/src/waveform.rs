//! The picture of a recording: loudest sample of each stretch, per channel, for the player.

use crate::Recording;

/// Returns `points` peaks for each channel, 0–255; fewer when the recording is shorter than that in samples.
pub fn waveform(recording: &Recording, points: usize) -> Vec<Vec<u8>> {
    let one = |samples: &Vec<i16>| {
        let stretch = samples.len().div_ceil(points.max(1)).max(1);
        let peak = |part: &[i16]| part.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0) / 129;
        samples.chunks(stretch).map(|part| u8::try_from(peak(part)).unwrap_or(u8::MAX)).collect()
    };
    recording.channels.iter().map(one).collect()
}
