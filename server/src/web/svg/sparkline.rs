//! The heat of a conversation in the width of a word.

use std::fmt::Write as _;

/// Draws heat values, 0–100, oldest first, stretched over the width; the last `most` of them.
pub fn sparkline(values: &[i64], most: usize) -> String {
    let values = values.get(values.len().saturating_sub(most)..).unwrap_or_default();
    if values.len() < 2 {
        return String::new();
    }
    let last = i64::try_from(values.len() - 1).unwrap_or(1);
    let mut edge = String::new();
    for (at, value) in (0_i64..).zip(values) {
        let (x, y) = (at * 120 / last, 30 - value.clamp(&0, &100) * 28 / 100);
        let _ = write!(edge, "{}{x} {y}", if at == 0 { 'M' } else { 'L' });
    }
    format!(
        "<svg class=\"spark\" viewBox=\"0 0 120 32\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><path class=\"area\" d=\"{edge}L120 \
         31L0 31Z\"/><path class=\"edge\" d=\"{edge}\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_needs_two_values_and_keeps_the_last_ones() {
        assert_eq!(sparkline(&[50], 10), "");
        let svg = sparkline(&[90, 0, 100], 2);
        assert!(svg.contains("class=\"edge\" d=\"M0 30L120 2\""), "{svg}");
    }
}
