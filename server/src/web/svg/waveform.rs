//! The waveform of a recording: the first channel above the line, the second below.

use std::fmt::Write as _;

/// Columns that are drawn; more peaks than that are joined.
const COLUMNS: usize = 600;

/// Draws up to two channels of peaks, 0–255 each.
pub fn waveform(channels: &[Vec<u8>]) -> String {
    let length = channels.iter().map(Vec::len).max().unwrap_or(0);
    if length == 0 {
        return String::new();
    }
    let stretch = length.div_ceil(COLUMNS);
    let columns = length.div_ceil(stretch);
    let mut svg = format!(
        "<svg class=\"wave\" viewBox=\"0 0 {columns} 100\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
    );
    let mono = channels.len() == 1;
    for (channel, peaks) in channels.iter().take(2).enumerate() {
        let mut path = String::new();
        for (at, peak) in joined(peaks, stretch).into_iter().enumerate() {
            let height = 1 + u32::from(peak) * 48 / 255;
            let (from, to) = match (mono, channel) {
                (true, _) => (50 - height, 50 + height),
                (false, 0) => (50 - height, 50),
                (false, _) => (50, 50 + height),
            };
            let _ = write!(path, "M{at}.5 {from}V{to}");
        }
        let _ = write!(svg, "<path class=\"channel-{channel}\" d=\"{path}\"/>");
    }
    svg.push_str("</svg>");
    svg
}

/// Joins peaks, each the loudest of its stretch.
fn joined(peaks: &[u8], stretch: usize) -> Vec<u8> {
    peaks.chunks(stretch).map(|part| part.iter().copied().max().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_channels_lie_on_both_sides_and_long_ones_are_joined() {
        let svg = waveform(&[vec![255, 0], vec![0, 255]]);
        assert!(svg.contains("channel-0\" d=\"M0.5 1V50M1.5 49V50\""), "{svg}");
        assert!(svg.contains("channel-1\" d=\"M0.5 50V51M1.5 50V99\""), "{svg}");
        assert!(waveform(&[vec![7; 1_000]]).contains("viewBox=\"0 0 500 100\""));
        assert_eq!(waveform(&[]), "");
    }
}
