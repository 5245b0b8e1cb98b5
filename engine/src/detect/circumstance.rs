//! The circumstances of a match: denied, asked, conditional, quoted, addressed, of which person and tense.

use super::lexicon::features::*;
use super::matcher::{clause_bounds, sentence_bounds};
use super::normalise::Normalised;
use super::normalise::clauses::border;
use super::normalise::split::before;
use super::normalise::words::role;
use super::rules::program::{Circumstance, Program};
use super::walk::{Span, Walker};

/// Judges one match.
pub(crate) struct Circumstances<'a> {
    pub program: &'a Program,
    pub text: &'a Normalised,
    pub walker: &'a mut Walker,
    pub span: Span,
}

impl Circumstances<'_> {
    /// Says whether the circumstance holds for the match.
    pub fn holds(&mut self, circumstance: Circumstance) -> bool {
        match circumstance {
            Circumstance::Denied => self.denied(),
            Circumstance::Question => self.asked(),
            Circumstance::Condition => self.conditional(),
            Circumstance::Quoted => self
                .tokens(self.span.begin, self.span.end)
                .any(|at| self.text.tokens[at].before & before::QUOTED != 0),
            Circumstance::Addressed => {
                let (begin, end) = self.sentence();
                (begin..end).any(|at| self.roles(at) & (role::YOU | role::ADDRESSES) != 0)
            }
            Circumstance::Mark(index) => self.marked(index),
        }
    }

    fn tokens(&self, begin: u32, end: u32) -> std::ops::Range<usize> {
        begin as usize..(end as usize).min(self.text.tokens.len())
    }

    fn roles(&self, at: usize) -> u32 {
        self.text.tokens.get(at).map_or(0, |token| self.text.info(token).roles)
    }

    fn readings(&self, at: usize) -> Reading {
        self.text.tokens.get(at).map_or(0, |token| self.text.info(token).readings)
    }

    fn sentence(&self) -> (usize, usize) {
        sentence_bounds(
            self.text,
            self.text.tokens.get(self.span.begin as usize).map_or(0, |token| token.sentence),
        )
    }

    /// «не» before the match in the same clause, in a gap of the match, or in what follows («… не буду»).
    fn denied(&mut self) -> bool {
        if self.span.own_not {
            return false;
        }
        let (begin, end) = (self.span.begin as usize, self.span.end as usize);
        if begin > 0 && self.roles(begin - 1) & role::WITHOUT != 0 {
            return true;
        }
        let mut at = begin;
        while at > 0 && self.text.tokens[at].border & border::DENIAL == 0 {
            at -= 1;
            if self.roles(at) & role::NOT != 0 && !self.harmless_not(at) {
                return true;
            }
        }
        let denies = |this: &mut Self, at: usize| {
            this.roles(at) & role::WITHOUT != 0 || this.roles(at) & role::NOT != 0 && !this.harmless_not(at)
        };
        let in_gap = self.span.gap_not && (begin..end).any(|at| denies(self, at));
        in_gap || self.denied_after(end)
    }

    /// Says whether the «не» at `at` denies nothing («не могли бы вы», «не только»).
    fn harmless_not(&mut self, at: usize) -> bool {
        let (begin, end) = (at.saturating_sub(4), self.text.tokens.len().min(at + 6));
        let program = self.program;
        program.no_denial.iter().any(|row| {
            self.walker.walk(program, *row, self.text, (begin, end), &mut |span| {
                (span.begin as usize..span.end as usize).contains(&at)
            })
        })
    }

    fn denied_after(&mut self, end: usize) -> bool {
        let mut last = end;
        while last < self.text.tokens.len()
            && last < end + 6
            && self.text.tokens[last].border & border::DENIAL == 0
        {
            last += 1;
        }
        if !(end..last).any(|at| self.roles(at) & role::NOT != 0) {
            return false;
        }
        let program = self.program;
        program.denial_after.iter().any(|row| {
            self.walker
                .walk(program, *row, self.text, (end, last), &mut |span| span.begin as usize <= end + 2)
        })
    }

    /// A question mark, or, where no marks are written, a question word or «ли».
    fn asked(&self) -> bool {
        let (begin, end) = self.sentence();
        let marked = match self.text.tokens.get(end) {
            Some(next) => next.before & before::ASKED != 0,
            None => self.text.look.asks,
        };
        if marked || self.text.look.punctuated {
            return marked;
        }
        let (first, last) = clause_bounds(self.text, self.span.begin as usize, self.span.end as usize);
        (first..last.min(end)).any(|at| self.roles(at) & role::WHETHER != 0)
            || (begin.max(first)..(self.span.begin as usize + 1).min(end))
                .take(3)
                .any(|at| self.roles(at) & role::ASKS != 0)
    }

    /// Stands in a clause of если, or is unreal by бы.
    fn conditional(&self) -> bool {
        let (begin, end) = clause_bounds(self.text, self.span.begin as usize, self.span.end as usize);
        (begin..end).any(|at| {
            let roles = self.roles(at);
            let opens_if = roles & role::IF != 0 && at <= self.span.begin as usize;
            opens_if || roles & role::WOULD != 0
        })
    }

    fn marked(&mut self, index: u16) -> bool {
        let program = self.program;
        let Some((_, patterns)) = program.marks.get(usize::from(index)) else { return false };
        let (begin, end) = self.sentence();
        patterns.iter().any(|pattern| {
            program
                .rows_of(pattern)
                .iter()
                .all(|row| self.walker.walk(program, *row, self.text, (begin, end), &mut |_| true))
        })
    }

    /// The person of the verbs of the match, else of its clause, else of the subject; unknown fits.
    pub fn persons_fit(&self, allowed: Reading) -> bool {
        if allowed == 0 {
            return true;
        }
        const PERSONS: Reading = PER1 | PER2 | PER3;
        let own = self.bits_of_verbs(self.span.begin as usize, self.span.end as usize, PERSONS, IMPR);
        if own != 0 {
            return own & allowed != 0;
        }
        let (begin, end) = self.denial_stretch();
        let near = self.bits_of_verbs(begin, end, PERSONS, IMPR);
        let subject = (begin..end).fold(0, |all, at| {
            let roles = self.roles(at);
            all | match roles & (role::I | role::YOU | role::THEY) {
                0 => 0,
                role::THEY => PER3,
                _ if roles & role::SUBJECT == 0 => 0,
                role::I => PER1,
                _ => PER2,
            }
        });
        let all = if subject != 0 && (near == 0 || subject & PER1 != 0) { subject } else { near };
        all == 0 || all & allowed != 0
    }

    /// The tense of the verbs of the match, else of its clause; no verb fits.
    pub fn tenses_fit(&self, allowed: Reading) -> bool {
        if allowed == 0 {
            return true;
        }
        const TENSES: Reading = PRES | PAST | FUTR;
        let own = self.bits_of_verbs(self.span.begin as usize, self.span.end as usize, TENSES, IMPR);
        if own != 0 {
            return own & allowed != 0;
        }
        let (begin, end) = self.denial_stretch();
        let near = self.bits_of_verbs(begin, end, TENSES, IMPR);
        near == 0 || near & allowed != 0
    }

    /// The words around the match up to where a denial would end.
    fn denial_stretch(&self) -> (usize, usize) {
        let (mut begin, mut end) = (self.span.begin as usize, self.span.end as usize);
        while begin > 0 && self.text.tokens[begin].border & border::DENIAL == 0 {
            begin -= 1;
        }
        while end < self.text.tokens.len() && self.text.tokens[end].border & border::DENIAL == 0 {
            end += 1;
        }
        (begin, end)
    }

    fn bits_of_verbs(&self, begin: usize, end: usize, wanted: Reading, not: Reading) -> Reading {
        let verbs = (begin..end)
            .map(|at| self.readings(at))
            .filter(|readings| readings & VERB != 0 && readings & not == 0);
        verbs.fold(0, |all, readings| all | readings & wanted)
    }
}
