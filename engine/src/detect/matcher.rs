//! Finds the rules that may apply by their rarest words, and tries each once in every sentence it may apply in.

use super::circumstance::Circumstances;
use super::normalise::Normalised;
use super::rules::file::Need;
use super::rules::pattern::{Scope, Where};
use super::rules::program::{
    Circumstance, ElementId, NO_GUARD, Pattern, PatternId, Program, RowId, Rule, channel_bit,
};
use super::walk::{Span, Walker};
use crate::signal::{Channel, Party};

/// A rule that applies, with the tokens that show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Index of the rule.
    pub rule: u32,
    /// Where.
    pub span: Span,
}

/// Most places at which one row is tried against the others of its pattern.
const MOST_PLACES: usize = 8;

/// How many words to each side «anywhere in the utterance» reaches.
const FAR: usize = 300;

/// Memory of a match, kept between utterances.
#[derive(Default)]
pub struct Matcher {
    pub(crate) walker: Walker,
    /// What to try: doubt (100 − confidence), pattern, sentence.
    tried: Vec<(u8, PatternId, u32)>,
    /// For each atom the last sentence in which a word fitted it; sentences are counted on from text to text.
    present: Vec<u32>,
    /// For each element the last sentence in which it was looked for, and in the lowest bit whether a word fitted it.
    looked: Vec<u32>,
    sentence: u32,
    /// The first sentence of the text.
    first: u32,
    /// For each row the last sentence in which it was looked for in vain as the first of its pattern.
    vain: Vec<u32>,
    /// For each rule the last text in which it applied, by its first sentence.
    applied: Vec<u32>,
    /// The hits of the last utterance.
    pub hits: Vec<Hit>,
    /// Rules that a circumstance prevented, for messages to rule writers.
    pub prevented: Vec<(u32, Reason)>,
}

/// Why a match did not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Something that must not stand near does.
    Excluded,
    /// The person of the verb.
    Person,
    /// The tense of the verb.
    Tense,
    /// A circumstance that is forbidden holds, or one that is needed does not.
    Circumstance(Circumstance),
}

impl Matcher {
    /// Collects into `hits` rules of the party and channel that apply to the text: all of them, or only the surest of each kind.
    pub fn run(&mut self, program: &Program, text: &Normalised, party: Party, channel: Channel, all: bool) {
        self.hits.clear();
        self.tried.clear();
        self.prevented.clear();
        self.begin_text(program, text);
        let mut end = 0;
        while let Some(token) = text.tokens.get(end) {
            let begin = end;
            while text.tokens.get(end).is_some_and(|next| next.sentence == token.sentence) {
                end += 1;
            }
            self.find_candidates(program, text, begin..end, party, channel);
        }
        self.drop_unguarded(program);
        self.tried.sort_unstable();
        self.tried.dedup();
        let tried = std::mem::take(&mut self.tried);
        let mut sure = [0; 64];
        for &(doubt, id, sentence) in &tried {
            let pattern = &program.patterns[id as usize];
            let rule = &program.rules[pattern.rule as usize];
            let best = &mut sure[rule.kind as usize & 63];
            let done =
                if all { self.applied[pattern.rule as usize] == self.first } else { *best >= 100 - doubt };
            if !done
                && text.tokens.len() <= rule.words as usize
                && self.try_pattern(program, text, pattern, rule, sentence)
            {
                *best = 100 - doubt;
                self.applied[pattern.rule as usize] = self.first;
            }
        }
        self.tried = tried;
    }

    /// Makes the memory fit the program, and forgets the text before.
    fn begin_text(&mut self, program: &Program, text: &Normalised) {
        let sentences = text.tokens.last().map_or(0, |last| last.sentence + 1);
        if self.present.len() != program.atoms.len()
            || self.applied.len() != program.rules.len()
            || self.vain.len() != program.rows.len()
            || self.looked.len() != program.elements.len()
            || self.sentence.saturating_add(sentences) >= u32::MAX >> 1
        {
            for (list, length) in [
                (&mut self.present, program.atoms.len()),
                (&mut self.looked, program.elements.len()),
                (&mut self.applied, program.rules.len()),
                (&mut self.vain, program.rows.len()),
            ] {
                list.clear();
                list.resize(length, 0);
            }
            self.sentence = 0;
        }
        self.first = self.sentence + 1;
    }

    /// Collects what to try in one sentence: patterns that a word of it calls, of which no other part is missing.
    fn find_candidates(
        &mut self,
        program: &Program,
        text: &Normalised,
        tokens: std::ops::Range<usize>,
        party: Party,
        channel: Channel,
    ) {
        self.sentence += 1;
        let words = || {
            let tokens = text.tokens[tokens.clone()].iter();
            tokens.flat_map(|token| [token.word, token.joined]).map(|word| &text.words[word as usize])
        };
        for word in words() {
            for atom in &word.atoms {
                self.present[*atom as usize] = self.sentence;
            }
        }
        let called = &program.called[party as usize & 1];
        let sentence = self.sentence - self.first;
        let (mut guard, mut there) = (NO_GUARD, true);
        for word in words() {
            // The atoms that call patterns have the lowest numbers.
            for calls in word.atoms.iter().map_while(|atom| called.get(*atom as usize)) {
                for candidate in calls.of(&program.candidates) {
                    if candidate.guard != guard {
                        guard = candidate.guard;
                        there = guard == NO_GUARD || self.stands_here(program, guard);
                    }
                    if there
                        && candidate.channels & channel_bit(channel) != 0
                        && (!candidate.more_guards || self.all_stand_here(program, candidate.pattern))
                    {
                        self.tried.push((candidate.doubt, candidate.pattern, sentence));
                    }
                }
            }
        }
    }

    /// Says whether the sentence that is looked at holds all guards of a pattern.
    fn all_stand_here(&mut self, program: &Program, pattern: PatternId) -> bool {
        let guards = program.patterns[pattern as usize].guards.of(&program.guards);
        guards.iter().all(|guard| self.stands_here(program, *guard))
    }

    /// Says whether some word of the sentence that is looked at fits the element.
    fn stands_here(&mut self, program: &Program, element: ElementId) -> bool {
        let known = self.looked[element as usize];
        if known >> 1 == self.sentence {
            return known & 1 != 0;
        }
        let stands = self.stands_since(program, element, self.sentence);
        self.looked[element as usize] = self.sentence << 1 | u32::from(stands);
        stands
    }

    /// Says whether some word fits the element in the sentences from the given one on.
    fn stands_since(&self, program: &Program, element: ElementId, sentence: u32) -> bool {
        program.atoms_of(element).iter().any(|atom| self.present[*atom as usize] >= sentence)
    }

    /// Drops patterns over several sentences of which some part is missing in the whole text.
    fn drop_unguarded(&mut self, program: &Program) {
        let mut tried = std::mem::take(&mut self.tried);
        tried.retain(|(_, id, _)| {
            let pattern = &program.patterns[*id as usize];
            pattern.scope == Scope::Clause
                || pattern
                    .guards
                    .of(&program.guards)
                    .iter()
                    .all(|guard| self.stands_since(program, *guard, self.first))
        });
        self.tried = tried;
    }

    fn try_pattern(
        &mut self,
        program: &Program,
        text: &Normalised,
        pattern: &Pattern,
        rule: &Rule,
        sentence: u32,
    ) -> bool {
        // The anchor may belong to another row than the first, which then may stand in another sentence.
        let own = sentence_bounds(text, sentence);
        let (begin, end) = match pattern.scope {
            Scope::Clause => own,
            Scope::Utterance => around(text, own.0, own.1),
        };
        let mut places = [Span::default(); MOST_PLACES];
        let mut count = 0;
        let Some(&first) = program.rows_of(pattern).first() else { return false };
        let here = self.first + sentence;
        if pattern.scope == Scope::Clause && self.vain[first as usize] == here {
            return false;
        }
        self.walker.walk(program, first, text, (begin, end), &mut |span| {
            places[count] = span;
            count += 1;
            count == MOST_PLACES
        });
        if count == 0 && pattern.scope == Scope::Clause {
            self.vain[first as usize] = here;
        }
        for span in &places[..count] {
            let Some(whole) = self.join_rows(program, text, pattern, *span) else { continue };
            match self.prevents(program, text, pattern, rule, whole) {
                None => {
                    self.hits.push(Hit { rule: pattern.rule, span: whole });
                    return true;
                }
                Some(why) => self.prevented.push((pattern.rule, why)),
            }
        }
        false
    }

    /// Finds the other rows of the pattern near the first; returns the span over all, or the marked evidence.
    fn join_rows(
        &mut self,
        program: &Program,
        text: &Normalised,
        pattern: &Pattern,
        first: Span,
    ) -> Option<Span> {
        let (head, others) = program.rows_of(pattern).split_first()?;
        let marks = |row: RowId| program.rows[row as usize].evidence != 0;
        let mut whole = first;
        let mut marked = marks(*head);
        for &row in others {
            let (begin, end) = match pattern.scope {
                Scope::Clause => clause_bounds(text, first.begin as usize, first.end as usize),
                Scope::Utterance => around(text, first.begin as usize, first.end as usize),
            };
            let mut found = None;
            self.walker.walk(program, row, text, (begin, end), &mut |span| {
                let apart = span.end <= first.begin || span.begin >= first.end;
                found = found.or(apart.then_some(span));
                apart
            });
            let other = found?;
            whole.begin = whole.begin.min(other.begin);
            whole.end = whole.end.max(other.end);
            whole.gap_not |= other.gap_not;
            whole.own_not |= other.own_not;
            if marks(row) && !marked {
                (whole.evidence, whole.evidence_end) = (other.evidence, other.evidence_end);
                marked = true;
            }
        }
        if !marked {
            (whole.evidence, whole.evidence_end) = (whole.begin, whole.end);
        }
        Some(whole)
    }

    /// Returns why the match does not count, if it does not.
    fn prevents(
        &mut self,
        program: &Program,
        text: &Normalised,
        pattern: &Pattern,
        rule: &Rule,
        span: Span,
    ) -> Option<Reason> {
        let kind_except = program.kind_except.get(&rule.kind).map_or(&[][..], Vec::as_slice);
        let without = pattern.without.of(&program.exclusions);
        for (side, row) in without.iter().chain(&rule.except).chain(kind_except) {
            if self.stands(program, text, *row, *side, span) {
                return Some(Reason::Excluded);
            }
        }
        let mut judge = Circumstances { program, text, walker: &mut self.walker, span };
        if !judge.persons_fit(rule.persons) {
            return Some(Reason::Person);
        }
        if !judge.tenses_fit(rule.tenses) {
            return Some(Reason::Tense);
        }
        for (circumstance, need) in &rule.needs {
            if judge.holds(*circumstance) == (*need == Need::Forbidden) {
                return Some(Reason::Circumstance(*circumstance));
            }
        }
        None
    }

    fn stands(&mut self, program: &Program, text: &Normalised, row: RowId, side: Where, span: Span) -> bool {
        let (begin, end) = (span.begin as usize, span.end as usize);
        let within = match side {
            Where::Near => clause_bounds(text, begin, end),
            Where::Sentence => sentence_bounds(text, text.tokens[begin].sentence),
            Where::Anywhere => around(text, begin, end),
            Where::Before => (begin.saturating_sub(8), begin),
            Where::After => (end, text.tokens.len().min(end + 8)),
        };
        self.walker.walk(program, row, text, within, &mut |found| match side {
            Where::Before => found.end as usize == begin,
            Where::After => found.begin as usize == end,
            _ => true,
        })
    }
}

/// Returns the tokens that count as the whole utterance: so many around a place that no text is too long.
fn around(text: &Normalised, begin: usize, end: usize) -> (usize, usize) {
    (begin.saturating_sub(FAR), text.tokens.len().min(end + FAR))
}

/// Returns the tokens of a sentence.
pub(crate) fn sentence_bounds(text: &Normalised, sentence: u32) -> (usize, usize) {
    let begin = text.tokens.partition_point(|token| token.sentence < sentence);
    let end = text.tokens.partition_point(|token| token.sentence <= sentence);
    (begin, end)
}

/// Returns the tokens of the clauses from that of `begin` to that before `end`.
pub(crate) fn clause_bounds(text: &Normalised, begin: usize, end: usize) -> (usize, usize) {
    let clause_of = |index: usize| text.tokens.get(index).map_or(0, |token| token.clause);
    let (first, last) = (clause_of(begin), clause_of(end.saturating_sub(1).max(begin)));
    (
        text.tokens.partition_point(|token| token.clause < first),
        text.tokens.partition_point(|token| token.clause <= last),
    )
}
