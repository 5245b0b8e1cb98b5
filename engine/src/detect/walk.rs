//! Runs one row's automaton over a stretch of words.

use super::automaton::{Automaton, Edge, MOST_POSITIONS, bits};
use super::normalise::clauses::border;
use super::normalise::words::{Info, role};
use super::normalise::{Normalised, Token};

/// Where a row matched: indexes of tokens, `end` exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First token of the match.
    pub begin: u32,
    /// One past the last token of the match.
    pub end: u32,
    /// First token of the evidence.
    pub evidence: u32,
    /// One past the last token of the evidence.
    pub evidence_end: u32,
    /// A «не» of the text lies in a gap of the pattern.
    pub gap_not: bool,
    /// The pattern itself asked for a «не» or «без».
    pub own_not: bool,
}

/// The reached positions after some word, each with how it was reached.
#[derive(Clone)]
struct Reached {
    set: u64,
    spans: [Span; MOST_POSITIONS],
}

impl Default for Reached {
    fn default() -> Self {
        Self { set: 0, spans: [Span::default(); MOST_POSITIONS] }
    }
}

/// Memory of a walk, kept between walks.
#[derive(Default)]
pub struct Walker {
    /// Used in turn: before this word, after it, after the next one.
    reached: [Reached; 3],
    turn: usize,
}

impl Walker {
    /// Calls `each` for every match of the row within tokens `begin..end`, latest start first for each end, until it
    /// returns true; says whether it did.
    pub fn walk(
        &mut self,
        automaton: &Automaton,
        text: &Normalised,
        begin: usize,
        end: usize,
        each: &mut impl FnMut(Span) -> bool,
    ) -> bool {
        self.reached.iter_mut().for_each(|reached| reached.set = 0);
        for index in begin..end {
            let token = &text.tokens[index];
            let joined = (token.joined != 0 && index + 1 < end).then(|| &text.words[token.joined as usize]);
            let info = text.info(token);
            let filler = info.roles & role::FILLER != 0;
            if let Some(joined) = joined {
                self.step(automaton, text, index, 2, joined);
            }
            self.step(automaton, text, index, 1, info);
            if filler && token.border & border::CLAUSE == 0 {
                self.carry();
            }
            let mut done = self.report(automaton, text, index + 1, 1, each);
            done = done || joined.is_some() && self.report(automaton, text, index + 2, 2, each);
            if done {
                return true;
            }
            self.reached[self.turn].set = 0;
            self.turn = (self.turn + 1) % 3;
        }
        false
    }

    /// Reads one word from slot 0 into slot `into`.
    fn step(&mut self, automaton: &Automaton, text: &Normalised, index: usize, into: usize, info: &Info) {
        let mut fitting = automaton.gaps;
        for (element, positions) in &automaton.elements {
            if info.elements.binary_search(element).is_ok() {
                fitting |= positions;
            }
        }
        let token = &text.tokens[index];
        let is_not = info.roles & (role::NOT | role::WITHOUT) != 0;
        let clause = token.border & border::CLAUSE != 0;
        let last = (index + into) as u32;
        let Some((from, target)) = self.pair(into) else { return };
        for old in bits(from.set) {
            // A gap neither jumps over the border of a clause nor ends right before one.
            let gap_before = automaton.gaps >> old & 1 != 0;
            let mut next = automaton.follow[old] & fitting;
            if clause {
                next &= if gap_before { 0 } else { !automaton.gaps };
            }
            for position in bits(next) {
                let gap = automaton.gaps >> position & 1 != 0;
                let mut span = from.spans[old];
                span.end = last;
                span.gap_not |= gap && is_not;
                span.own_not |= !gap && is_not;
                if automaton.evidence >> position & 1 != 0 {
                    span.evidence = if span.evidence_end == 0 { index as u32 } else { span.evidence };
                    span.evidence_end = last;
                }
                merge(target, position, span);
            }
        }
        if !may_begin(automaton, text, index) {
            return;
        }
        for position in bits(automaton.first & fitting & !automaton.gaps) {
            let marked = automaton.evidence >> position & 1 != 0;
            let (evidence, evidence_end) = if marked { (index as u32, last) } else { (0, 0) };
            let span = Span {
                begin: index as u32,
                end: last,
                evidence,
                evidence_end,
                gap_not: false,
                own_not: is_not,
            };
            merge(target, position, span);
        }
    }

    /// Returns what is reached before this word, and what after so many.
    fn pair(&mut self, into: usize) -> Option<(&Reached, &mut Reached)> {
        let [from, target] = self.reached.get_disjoint_mut([self.turn, (self.turn + into) % 3]).ok()?;
        Some((from, target))
    }

    /// A filler leaves everything as it was.
    fn carry(&mut self) {
        let Some((from, target)) = self.pair(1) else { return };
        for old in bits(from.set) {
            merge(target, old, from.spans[old]);
        }
    }

    fn report(
        &self,
        automaton: &Automaton,
        text: &Normalised,
        end: usize,
        slot: usize,
        each: &mut impl FnMut(Span) -> bool,
    ) -> bool {
        let reached = &self.reached[(self.turn + slot) % 3];
        for position in bits(reached.set & automaton.last) {
            let mut span = reached.spans[position];
            // Positions carried over a filler ended before it and have been reported then.
            if span.end as usize != end || !may_end(automaton, text, end) {
                continue;
            }
            if span.evidence_end == 0 {
                (span.evidence, span.evidence_end) = (span.begin, span.end);
            }
            if each(span) {
                return true;
            }
        }
        false
    }
}

/// Of two ways to the same position the later start gives the tighter quote.
fn merge(target: &mut Reached, position: usize, span: Span) {
    let known = target.set >> position & 1 != 0;
    if !known || (span.begin, span.end) > (target.spans[position].begin, target.spans[position].end) {
        target.spans[position] = span;
        target.set |= 1 << position;
    }
}

fn is_filler(text: &Normalised, token: &Token) -> bool {
    text.info(token).roles & role::FILLER != 0
}

fn may_begin(automaton: &Automaton, text: &Normalised, index: usize) -> bool {
    let edge = match automaton.begin {
        Edge::Free => return true,
        Edge::Sentence => border::SENTENCE,
        Edge::Utterance => 0,
    };
    for at in (0..=index).rev() {
        if at == 0 || edge != 0 && text.tokens[at].border & edge != 0 {
            return true;
        }
        if !is_filler(text, &text.tokens[at - 1]) {
            return false;
        }
    }
    true
}

fn may_end(automaton: &Automaton, text: &Normalised, end: usize) -> bool {
    let edge = match automaton.end {
        Edge::Free => return true,
        Edge::Sentence => border::SENTENCE,
        Edge::Utterance => 0,
    };
    for token in text.tokens.get(end..).unwrap_or(&[]) {
        if edge != 0 && token.border & edge != 0 {
            return true;
        }
        if !is_filler(text, token) {
            return false;
        }
    }
    true
}
