//! Pictures from pure functions: the heat curve and the bars of a report.

use std::fmt::Write as _;

/// One point of a curve: utterance, heat, what caused it.
pub struct Point {
    /// Number of the utterance.
    pub utterance: i64,
    /// 0–100.
    pub value: i64,
    /// What changed it.
    pub causes: String,
}

/// Draws the heat curve, 0–100 upwards, utterances to the right. `high` is the line above which heat is high.
pub fn heat_curve(points: &[Point], high: u8) -> String {
    const WIDTH: i64 = 800;
    const HEIGHT: i64 = 160;
    let last = points.last().map_or(1, |point| point.utterance.max(1));
    let x = |utterance: i64| 10 + utterance * (WIDTH - 20) / last;
    let y = |value: i64| HEIGHT - 10 - value * (HEIGHT - 20) / 100;
    let mut svg = format!(
        "<svg class=\"curve\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Кривая градуса\">"
    );
    let line = y(i64::from(high));
    let _ = write!(svg, "<line class=\"high\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{line}\" y2=\"{line}\"/>");
    let path: Vec<String> =
        points.iter().map(|point| format!("{},{}", x(point.utterance), y(point.value))).collect();
    let _ = write!(svg, "<polyline points=\"{}\"/>", path.join(" "));
    for point in points {
        let (cx, cy) = (x(point.utterance), y(point.value));
        let causes = escape(&point.causes);
        let _ = write!(
            svg,
            "<circle cx=\"{cx}\" cy=\"{cy}\" r=\"4\"><title>Реплика {}: {}. {causes}</title></circle>",
            point.utterance, point.value
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Draws the waveform of up to two channels, the first above the line, the second below.
pub fn waveform(channels: &[Vec<u8>]) -> String {
    let width = channels.iter().map(Vec::len).max().unwrap_or(0);
    let mut svg = format!(
        "<svg class=\"wave\" viewBox=\"0 0 {width} 100\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
    );
    for (channel, peaks) in channels.iter().take(2).enumerate() {
        let mut path = String::new();
        for (at, &peak) in peaks.iter().enumerate() {
            let height = u32::from(peak) * 48 / 255;
            let to = if channel == 0 { 50 - height } else { 50 + height };
            let _ = write!(path, "M{at} 50V{to}");
        }
        let _ = write!(svg, "<path class=\"channel-{channel}\" d=\"{path}\"/>");
    }
    svg.push_str("</svg>");
    svg
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_names_its_causes_and_escapes_them() {
        let points = [
            Point { utterance: 0, value: 0, causes: String::new() },
            Point { utterance: 4, value: 70, causes: "<b>".into() },
        ];
        let svg = heat_curve(&points, 60);
        assert!(svg.contains("Реплика 4: 70. &lt;b&gt;") && svg.contains("polyline"));
    }
}
