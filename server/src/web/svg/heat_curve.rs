//! The heat curve of a conversation, with what caused each change and what the protocol decided.

use std::fmt::Write as _;

use super::{escape, percent};
use crate::web::words::heat_class;

/// One point of the curve.
#[derive(Clone, Debug)]
pub struct Point {
    /// Where on the axis, in the unit of [`Curve::length`].
    pub at: i64,
    /// 0–100.
    pub value: i64,
    /// What it says when looked at: «2:05, градус 64: оскорбление +28».
    pub says: String,
    /// Where it leads.
    pub href: String,
}

/// A decision or the moment of calm, marked above the curve.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Where on the axis.
    pub at: i64,
    /// The class that colours it.
    pub class: &'static str,
    /// The sign it shows: a number or a tick.
    pub sign: String,
    /// What it says.
    pub says: String,
    /// Where it leads.
    pub href: String,
}

/// All that the picture shows.
#[derive(Clone, Debug)]
pub struct Curve<'a> {
    /// The name of the picture for those who do not see it.
    pub title: &'a str,
    /// Length of the axis: milliseconds, or utterances where there are no times.
    pub length: i64,
    /// From here upwards heat is high.
    pub high: i64,
    /// The word at that line.
    pub high_word: &'a str,
    /// The points, in order.
    pub points: &'a [Point],
    /// The marks, in order.
    pub marks: &'a [Mark],
}

/// Draws the curve. The line is stretched to the width; points, words and marks are placed by per cent and keep their
/// shape at any width.
pub fn heat_curve(curve: &Curve<'_>) -> String {
    let mut svg = format!(
        "<svg class=\"curve\" role=\"group\" aria-label=\"{}\"><defs><linearGradient id=\"heat\" x1=\"0\" y1=\"100\" x2=\"0\" y2=\"0\" \
         gradientUnits=\"userSpaceOnUse\">",
        escape(curve.title)
    );
    for step in 0..10 {
        let _ = write!(svg, "<stop offset=\"{}%\" class=\"{}\"/>", step * 10 + 5, heat_class(step * 10));
    }
    svg.push_str("</linearGradient></defs>");
    let high = percent(100 - curve.high, 100);
    let _ = write!(svg, "<line class=\"high\" x1=\"0\" x2=\"100%\" y1=\"{high}%\" y2=\"{high}%\"/>");
    let _ = write!(
        svg,
        "<text class=\"axis\" x=\"4\" y=\"{high}%\" dy=\"-4\">{} {}°</text>",
        escape(curve.high_word),
        curve.high
    );
    line(curve, &mut svg);
    for point in curve.points {
        let (x, y) = (percent(point.at, curve.length), percent(100 - point.value, 100));
        let says = escape(&point.says);
        let _ = write!(
            svg,
            "<a href=\"{}\" aria-label=\"{says}\"><circle class=\"hit\" cx=\"{x}%\" cy=\"{y}%\" r=\"9\"/><circle class=\"dot {}\" cx=\"{x}%\" \
             cy=\"{y}%\" r=\"3.5\"/><title>{says}</title></a>",
            escape(&point.href),
            heat_class(point.value),
        );
    }
    let mut shift = 0;
    for (number, mark) in curve.marks.iter().enumerate() {
        let (x, says) = (percent(mark.at, curve.length), escape(&mark.says));
        let before = number.checked_sub(1).and_then(|before| curve.marks.get(before));
        // Marks of one moment stand side by side instead of one upon the other.
        let close = before.is_some_and(|before| (mark.at - before.at).abs() * 60 < curve.length);
        shift = if close { shift + 19 } else { 0 };
        let _ = write!(
            svg,
            "<a class=\"flag {}\" href=\"{}\" transform=\"translate({shift} 0)\"><line x1=\"{x}%\" x2=\"{x}%\" y1=\"0\" y2=\"100%\"/><circle cx=\"{x}%\" cy=\"0\" \
             r=\"8\"/><text x=\"{x}%\" y=\"0\" dy=\"3.5\" aria-hidden=\"true\">{}</text><title>{says}</title></a>",
            mark.class,
            escape(&mark.href),
            escape(&mark.sign),
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The line and the area below it, stepping at each point: heat stays until something changes it.
fn line(curve: &Curve<'_>, svg: &mut String) {
    let Some(first) = curve.points.first() else { return };
    let width = 1_000;
    let x = |at: i64| at.clamp(0, curve.length.max(1)) * width / curve.length.max(1);
    let mut path = format!("M0 100L{} 100", x(first.at));
    let mut edge = String::new();
    for (number, point) in curve.points.iter().enumerate() {
        let (x, y) = (x(point.at), 100 - point.value.clamp(0, 100));
        let _ = write!(path, "L{x} {y}");
        let _ = write!(edge, "{}{x} {y}", if number == 0 { 'M' } else { 'L' });
    }
    let last = curve.points.last().map_or(0, |point| x(point.at));
    let _ = write!(
        svg,
        "<svg viewBox=\"0 0 {width} 100\" preserveAspectRatio=\"none\" width=\"100%\" height=\"100%\" aria-hidden=\"true\"><path class=\"area\" \
         d=\"{path}L{last} 100Z\"/><path class=\"edge\" d=\"{edge}\"/></svg>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_says_its_causes_and_escapes_them() {
        let point = |at, value, says: &str| Point { at, value, says: says.into(), href: format!("#u{at}") };
        let points = [point(0, 0, ""), point(4, 70, "4: 70 <b>")];
        let mark =
            Mark {
                at: 4, class: "d-now", sign: "1".into(), says: "подключить".into(), href: "#d1".into()
            };
        let curve = Curve {
            title: "Градус",
            length: 8,
            high: 60,
            high_word: "высокий",
            points: &points,
            marks: std::slice::from_ref(&mark),
        };
        let svg = heat_curve(&curve);
        assert!(svg.contains("4: 70 &lt;b&gt;") && svg.contains("cx=\"50.00%\" cy=\"30.00%\""), "{svg}");
        assert!(svg.contains("d=\"M0 100L0 100L0 100L500 30L500 100Z\""), "{svg}");
        assert!(svg.contains("class=\"flag d-now\" href=\"#d1\""), "{svg}");
    }

    #[test]
    fn an_empty_curve_is_an_empty_picture() {
        let curve =
            Curve { title: "Градус", length: 0, high: 60, high_word: "", points: &[], marks: &[] };
        assert!(!heat_curve(&curve).contains("path"));
    }
}
