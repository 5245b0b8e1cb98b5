//! Pictures from pure functions: numbers in, SVG out. No colours here: classes, which the style sheet colours.

mod heat_curve;
mod qr;
mod sparkline;
mod waveform;

pub use heat_curve::{Curve, Mark, Point, heat_curve};
pub(super) use qr::qr;
pub use sparkline::sparkline;
pub use waveform::waveform;

/// Makes a text safe inside SVG and its attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

/// Returns per cent with two digits, from a part of a whole.
fn percent(part: i64, whole: i64) -> String {
    let hundredths = part.clamp(0, whole.max(1)).saturating_mul(10_000) / whole.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
