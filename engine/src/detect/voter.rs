//! The one place where the votes of rules and of a trained classifier become one finding a kind.

use super::normalise::Normalised;
use crate::signal::{Channel, Found, Party, SignalKind};

/// One vote of a classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// For what.
    pub kind: SignalKind,
    /// Calibrated, per cent.
    pub confidence: u8,
    /// The least confidence at which this kind counts without a rule.
    pub alone: u8,
    /// First code point of the words that carried the vote.
    pub start: u32,
    /// One past their last code point.
    pub end: u32,
}

/// A trained classifier beside the rules: looks at the words, gives votes. Must be quick: it is asked for every utterance.
pub trait Voter: Send + Sync {
    /// Returns the name shown with what it finds, with its version.
    fn name(&self) -> &str;

    /// Adds its votes on an utterance.
    fn vote(&self, text: &Normalised, party: Party, channel: Channel, votes: &mut Vec<Vote>);
}

/// Joins the votes to what the rules found: a vote confirms a rule, and stands alone if it is sure enough.
pub(crate) fn combine(
    voter: &dyn Voter,
    text: &Normalised,
    party: Party,
    channel: Channel,
    found: &mut Vec<Found>,
) {
    let mut votes = Vec::new();
    voter.vote(text, party, channel, &mut votes);
    for vote in votes {
        match found.iter_mut().find(|known| known.kind == vote.kind) {
            Some(known) => known.confidence = known.confidence.max(vote.confidence.min(99)),
            None if vote.confidence >= vote.alone => {
                keep_best(found, vote.kind, vote.start, vote.end, vote.confidence, voter.name())
            }
            None => {}
        }
    }
    found.sort_by_key(|found| (found.start, found.kind));
}

/// Keeps of each kind the finding with the highest confidence; of equals the first.
pub(crate) fn keep_best(
    found: &mut Vec<Found>,
    kind: SignalKind,
    start: u32,
    end: u32,
    confidence: u8,
    rule: &str,
) {
    match found.iter_mut().find(|known| known.kind == kind) {
        Some(known)
            if (confidence, std::cmp::Reverse(start))
                <= (known.confidence, std::cmp::Reverse(known.start)) => {}
        Some(known) => *known = Found { kind, start, end, confidence, rule: rule.to_owned() },
        None => found.push(Found { kind, start, end, confidence, rule: rule.to_owned() }),
    }
}
