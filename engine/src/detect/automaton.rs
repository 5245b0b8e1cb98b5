//! A row of a pattern as an automaton of at most 64 positions that walks the words once.
//!
//! Positions are bits; after each word the set of reached positions is computed from the set before. There is no backtracking,
//! so the time is the number of words times the number of reached positions, whatever the pattern.

use super::rules::program::{ElementId, Stretch};

/// Most positions of one row.
pub const MOST_POSITIONS: usize = 64;

/// Where a row may begin or end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edge {
    /// Anywhere.
    #[default]
    Free,
    /// At the edge of the sentence.
    Sentence,
    /// At the edge of the utterance.
    Utterance,
}

/// What a position stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A word that fits the element.
    Element(ElementId),
    /// Any word of the same clause.
    Gap,
}

/// One row of a pattern, compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Automaton {
    /// Positions that may come first.
    pub first: u64,
    /// Positions that may come last.
    pub last: u64,
    /// The positions that are gaps.
    pub gaps: u64,
    /// The positions whose words are the evidence; none marked: all.
    pub evidence: u64,
    /// The bits of all its atoms: a word without any of them fits no position but gaps.
    pub mask: u64,
    /// For each position, those that may come next, in the program's `follow`.
    pub follow: Stretch,
    /// Each distinct element with its positions, in the program's `row_elements`.
    pub elements: Stretch,
    /// Where the row must begin.
    pub begin: Edge,
    /// Where the row must end.
    pub end: Edge,
}

/// A row in the making.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// What each position stands for.
    pub labels: Vec<Label>,
    /// For each position, those that may come next.
    pub follow: Vec<u64>,
    /// The positions that are gaps.
    pub gaps: u64,
    /// The positions whose words are the evidence.
    pub evidence: u64,
    /// Where the row must begin.
    pub begin: Edge,
    /// Where the row must end.
    pub end: Edge,
}

/// How a part of the row can begin and end; `nullable`: it can be absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    /// Positions that may come first.
    pub first: u64,
    /// Positions that may come last.
    pub last: u64,
    /// The part may match nothing.
    pub nullable: bool,
}

impl Draft {
    /// Adds a position; more than [`MOST_POSITIONS`] are counted but get no bit, which the compiler reports.
    pub fn add(&mut self, label: Label) -> Part {
        let index = self.labels.len();
        self.labels.push(label);
        self.follow.push(0);
        let bit = if index < MOST_POSITIONS { 1 << index } else { 0 };
        if label == Label::Gap {
            self.gaps |= bit;
        }
        Part { first: bit, last: bit, nullable: false }
    }

    /// Lets `next` come after `part`.
    pub fn link(&mut self, part: u64, next: u64) {
        for index in bits(part) {
            self.follow[index] |= next;
        }
    }

    /// Joins two parts in a row.
    pub fn row(&mut self, one: Part, two: Part) -> Part {
        self.link(one.last, two.first);
        Part {
            first: if one.nullable { one.first | two.first } else { one.first },
            last: if two.nullable { one.last | two.last } else { two.last },
            nullable: one.nullable && two.nullable,
        }
    }

    /// Returns the distinct elements, each with its positions.
    pub fn elements(&self) -> Vec<(ElementId, u64)> {
        let mut elements: Vec<(ElementId, u64)> = Vec::new();
        for (index, label) in self.labels.iter().enumerate().take(MOST_POSITIONS) {
            if let Label::Element(id) = *label {
                match elements.iter_mut().find(|known| known.0 == id) {
                    Some(known) => known.1 |= 1 << index,
                    None => elements.push((id, 1 << index)),
                }
            }
        }
        elements
    }
}

/// The indexes of the set bits.
pub fn bits(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if set == 0 {
            return None;
        }
        let index = set.trailing_zeros() as usize;
        set &= set - 1;
        Some(index)
    })
}
