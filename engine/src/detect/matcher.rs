//! Finds the rules that may apply by their rarest words, and tries each once in every sentence it may apply in.

use super::circumstance::Circumstances;
use super::normalise::Normalised;
use super::rules::file::Need;
use super::rules::pattern::{Scope, Where};
use super::rules::program::{Circumstance, Pattern, PatternId, Program, Row, Rule, channel_bit};
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
    /// For each element the last round in which a word fitted it.
    present: Vec<u32>,
    /// For each rule the last round in which it applied.
    applied: Vec<u32>,
    round: u32,
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
        self.mark_present(program, text);
        for token in &text.tokens {
            for word in [token.word, token.joined] {
                for &id in &text.words[word as usize].candidates {
                    let pattern = &program.patterns[id as usize];
                    if pattern.needs.iter().all(|element| self.present[*element as usize] == self.round) {
                        let rule = &program.rules[pattern.rule as usize];
                        if rule.party == party && rule.channels & channel_bit(channel) != 0 {
                            self.tried.push((100 - rule.confidence.min(100), id, token.sentence));
                        }
                    }
                }
            }
        }
        self.tried.sort_unstable();
        self.tried.dedup();
        let tried = std::mem::take(&mut self.tried);
        let mut sure = [0; 64];
        for &(doubt, id, sentence) in &tried {
            let pattern = &program.patterns[id as usize];
            let rule = &program.rules[pattern.rule as usize];
            let best = &mut sure[rule.kind as usize & 63];
            let done =
                if all { self.applied[pattern.rule as usize] == self.round } else { *best >= 100 - doubt };
            if !done
                && text.tokens.len() <= rule.words as usize
                && self.try_pattern(program, text, pattern, rule, sentence)
            {
                *best = 100 - doubt;
                self.applied[pattern.rule as usize] = self.round;
            }
        }
        self.tried = tried;
    }

    /// Notes which elements some word of the text fits, so that a pattern with a missing word costs one look.
    fn mark_present(&mut self, program: &Program, text: &Normalised) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0
            || self.present.len() != program.anchored.len()
            || self.applied.len() != program.rules.len()
        {
            self.present.clear();
            self.present.resize(program.anchored.len(), 0);
            self.applied.clear();
            self.applied.resize(program.rules.len(), 0);
            self.round = 1;
        }
        for token in &text.tokens {
            for word in [token.word, token.joined] {
                for element in &text.words[word as usize].elements {
                    self.present[*element as usize] = self.round;
                }
            }
        }
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
        let first = &pattern.rows[0];
        self.walker.walk(&first.automaton, text, begin, end, &mut |span| {
            places[count] = span;
            count += 1;
            count == MOST_PLACES
        });
        for span in &places[..count] {
            let Some(whole) = self.join_rows(text, pattern, *span) else { continue };
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
    fn join_rows(&mut self, text: &Normalised, pattern: &Pattern, first: Span) -> Option<Span> {
        let mut whole = first;
        let mut marked = pattern.rows[0].automaton.evidence != 0;
        for row in &pattern.rows[1..] {
            let (begin, end) = match pattern.scope {
                Scope::Clause => clause_bounds(text, first.begin as usize, first.end as usize),
                Scope::Utterance => around(text, first.begin as usize, first.end as usize),
            };
            let mut found = None;
            self.walker.walk(&row.automaton, text, begin, end, &mut |span| {
                let apart = span.end <= first.begin || span.begin >= first.end;
                found = found.or(apart.then_some(span));
                apart
            });
            let other = found?;
            whole.begin = whole.begin.min(other.begin);
            whole.end = whole.end.max(other.end);
            whole.gap_not |= other.gap_not;
            whole.own_not |= other.own_not;
            if row.automaton.evidence != 0 && !marked {
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
        for (side, row) in pattern.without.iter().chain(&rule.except).chain(kind_except) {
            if self.stands(text, row, *side, span) {
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

    fn stands(&mut self, text: &Normalised, row: &Row, side: Where, span: Span) -> bool {
        let (begin, end) = (span.begin as usize, span.end as usize);
        let within = match side {
            Where::Near => clause_bounds(text, begin, end),
            Where::Sentence => sentence_bounds(text, text.tokens[begin].sentence),
            Where::Anywhere => around(text, begin, end),
            Where::Before => (begin.saturating_sub(8), begin),
            Where::After => (end, text.tokens.len().min(end + 8)),
        };
        self.walker.walk(&row.automaton, text, within.0, within.1, &mut |found| match side {
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
