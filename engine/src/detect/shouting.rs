//! Shouting in writing: long stretches of capitals, rows of exclamation marks. In calls the sound tells it instead.

use super::keep_best;
use super::normalise::Normalised;
use crate::signal::{Found, SignalKind};

/// Fewer capitals than this are an abbreviation or a name.
const LEAST_CAPITALS: u32 = 8;

/// So many words in capitals in a row are shouted even amid small letters; fewer are a company and its number.
const LOUD_RUN: u32 = 4;

/// Adds a finding if the writer shouts.
pub(crate) fn find(text: &Normalised, found: &mut Vec<Found>) {
    let look = &text.look;
    let loud_words = look.capital_words >= 2 && look.upper >= LEAST_CAPITALS;
    let mostly = look.upper > look.lower;
    if loud_words && (mostly || look.capital_run >= LOUD_RUN) {
        let Some((start, end)) = look.capitals else { return };
        let confidence = if mostly && look.capital_words >= 3 { 95 } else { 80 };
        keep_best(found, SignalKind::Shouting, start, end, confidence, "заглавные буквы");
    } else if look.exclamations >= 3 {
        let (Some(first), Some(last)) = (text.tokens.first(), text.tokens.last()) else { return };
        keep_best(found, SignalKind::Shouting, first.start, last.end, 70, "восклицательные знаки");
    }
}
