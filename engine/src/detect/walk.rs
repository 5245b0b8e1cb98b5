//! Runs one row's automaton over a stretch of words.

use super::automaton::{Automaton, Edge, MOST_POSITIONS, bits};
use super::normalise::clauses::border;
use super::normalise::words::{Info, role};
use super::normalise::{Normalised, Token};
use super::rules::program::{AtomId, Program, RowId};

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

/// What is walked, and over what.
#[derive(Clone, Copy)]
struct Row<'a> {
    program: &'a Program,
    automaton: &'a Automaton,
    text: &'a Normalised,
}

impl Row<'_> {
    /// Returns the positions that the word fits, gaps aside.
    fn fitting(&self, info: &Info) -> u64 {
        if info.mask & self.automaton.mask == 0 {
            return 0;
        }
        let mut fitting = 0;
        for (element, positions) in self.automaton.elements.of(&self.program.row_elements) {
            let element = &self.program.elements[*element as usize];
            if info.mask & element.mask != 0
                && meet(&info.atoms, element.atoms.of(&self.program.element_atoms))
            {
                fitting |= positions;
            }
        }
        fitting
    }
}

/// Says whether a sorted list, usually of one or two, shares a number with another.
fn meet(few: &[AtomId], many: &[AtomId]) -> bool {
    few.iter().any(|atom| many.binary_search(atom).is_ok())
}

/// Memory of a walk, kept between walks.
#[derive(Default)]
pub struct Walker {
    /// Used in turn: before this word, after it, after the next one.
    reached: [Reached; 3],
    turn: usize,
    /// For each word the positions that it fits by itself, and together with the next.
    fits: Vec<(u64, u64)>,
}

impl Walker {
    /// Calls `each` for every match of the row within tokens `begin..end`, latest start first for each end, until it
    /// returns true; says whether it did.
    pub fn walk(
        &mut self,
        program: &Program,
        row: RowId,
        text: &Normalised,
        (begin, end): (usize, usize),
        each: &mut impl FnMut(Span) -> bool,
    ) -> bool {
        let automaton = &program.rows[row as usize];
        let row = Row { program, automaton, text };
        let Some((first, last)) = self.fit(row, begin, end) else { return false };
        self.reached.iter_mut().for_each(|reached| reached.set = 0);
        for index in first..last {
            let token = &text.tokens[index];
            let (fits, joined) = self.fits[index - begin];
            let info = text.info(token);
            if token.joined != 0 && index + 1 < end {
                self.step(row, index, 2, joined, text.words[token.joined as usize].roles);
            }
            self.step(row, index, 1, fits, info.roles);
            if info.roles & role::FILLER != 0 && token.border & border::CLAUSE == 0 {
                self.carry();
            }
            if self.report(automaton, text, index + 1, 1, each)
                || self.report(automaton, text, index + 2, 2, each)
            {
                return true;
            }
            self.reached[self.turn].set = 0;
            self.turn = (self.turn + 1) % 3;
        }
        false
    }

    /// Notes which positions each word fits; returns from which word on and up to which a match can lie.
    fn fit(&mut self, row: Row<'_>, begin: usize, end: usize) -> Option<(usize, usize)> {
        let Row { automaton, text, .. } = row;
        self.fits.clear();
        let (mut first, mut last) = (end, begin);
        for index in begin..end {
            let token = &text.tokens[index];
            let fits = row.fitting(text.info(token));
            let mut joined = 0;
            if token.joined != 0 && index + 1 < end {
                joined = row.fitting(&text.words[token.joined as usize]);
            }
            self.fits.push((fits, joined));
            if (fits | joined) & automaton.first != 0 {
                first = first.min(index);
            }
            if joined & automaton.last != 0 {
                last = index + 2;
            } else if fits & automaton.last != 0 {
                last = last.max(index + 1);
            }
        }
        if automaton.last & automaton.gaps != 0 {
            last = end;
        }
        (first < last).then_some((first, last))
    }

    /// Reads one word, which fits these positions and plays these roles, from slot 0 into slot `into`.
    fn step(&mut self, row: Row<'_>, index: usize, into: usize, fits: u64, roles: u32) {
        let Row { program, automaton, text } = row;
        let starts = automaton.first & fits;
        let Some((from, target)) = self.pair(into) else { return };
        if from.set == 0 && starts == 0 {
            return;
        }
        let fitting = fits | automaton.gaps;
        let follow = automaton.follow.of(&program.follow);
        let token = &text.tokens[index];
        let is_not = roles & (role::NOT | role::WITHOUT) != 0;
        let clause = token.border & border::CLAUSE != 0;
        let last = (index + into) as u32;
        for old in bits(from.set) {
            // A gap neither jumps over the border of a clause nor ends right before one.
            let gap_before = automaton.gaps >> old & 1 != 0;
            let mut next = follow[old] & fitting;
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
        if starts == 0 || !may_begin(automaton, text, index) {
            return;
        }
        for position in bits(starts) {
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
