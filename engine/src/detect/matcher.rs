//! Finds the rules that may apply by their rarest words, and tries each once in every sentence it may apply in.

use super::circumstance::Circumstances;
use super::normalise::{Normalised, Token};
use super::rules::compile::{Pattern, PatternId, Program, Row, Rule, channel_bit};
use super::rules::file::Need;
use super::rules::pattern::{Scope, Where};
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

/// Memory of a match, kept between utterances.
#[derive(Default)]
pub struct Matcher {
    pub(crate) walker: Walker,
    tried: Vec<(PatternId, u32)>,
    /// The hits of the last utterance.
    pub hits: Vec<Hit>,
    /// The circumstance that prevented a match, for messages to rule writers.
    pub prevented: Vec<(u32, String)>,
}

impl Matcher {
    /// Collects into `hits` every rule of the party and channel that applies to the text.
    pub fn run(&mut self, program: &Program, text: &Normalised, party: Party, channel: Channel) {
        self.hits.clear();
        self.tried.clear();
        self.prevented.clear();
        let filter = text.tokens.iter().fold(0, |bits, token| bits | self.filter_of(text, token));
        for token in &text.tokens {
            let joined = (token.joined != 0).then(|| &text.words[token.joined as usize]);
            for info in [Some(text.info(token)), joined].into_iter().flatten() {
                for &id in &info.candidates {
                    let pattern = &program.patterns[id as usize];
                    if pattern.needs & !filter == 0 {
                        self.tried.push((id, token.sentence));
                    }
                }
            }
        }
        self.tried.sort_unstable();
        self.tried.dedup();
        let tried = std::mem::take(&mut self.tried);
        for &(id, sentence) in &tried {
            let pattern = &program.patterns[id as usize];
            let rule = &program.rules[pattern.rule as usize];
            let heard = rule.party == party && rule.channels & channel_bit(channel) != 0;
            if heard
                && text.tokens.len() <= usize::from(rule.words)
                && !self.hits.iter().any(|hit| hit.rule == pattern.rule)
            {
                self.try_pattern(program, text, pattern, rule, sentence);
            }
        }
        self.tried = tried;
    }

    fn filter_of(&self, text: &Normalised, token: &Token) -> u128 {
        let joined = if token.joined == 0 { 0 } else { text.words[token.joined as usize].filter };
        text.info(token).filter | joined
    }

    fn try_pattern(
        &mut self,
        program: &Program,
        text: &Normalised,
        pattern: &Pattern,
        rule: &Rule,
        sentence: u32,
    ) {
        // The anchor may belong to another row than the first, which then may stand in another sentence.
        let (begin, end) = match pattern.scope {
            Scope::Clause => sentence_bounds(text, sentence),
            Scope::Utterance => (0, text.tokens.len()),
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
                    return;
                }
                Some(why) => self.prevented.push((pattern.rule, why)),
            }
        }
    }

    /// Finds the other rows of the pattern near the first; returns the span over all, or the marked evidence.
    fn join_rows(&mut self, text: &Normalised, pattern: &Pattern, first: Span) -> Option<Span> {
        let mut whole = first;
        let mut marked = pattern.rows[0].automaton.evidence != 0;
        for row in &pattern.rows[1..] {
            let (begin, end) = match pattern.scope {
                Scope::Clause => clause_bounds(text, first.begin as usize, first.end as usize),
                Scope::Utterance => (0, text.tokens.len()),
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
    ) -> Option<String> {
        let kind_except = program.kind_except.get(&rule.kind).map_or(&[][..], Vec::as_slice);
        for (side, row) in pattern.without.iter().chain(&rule.except).chain(kind_except) {
            if self.stands(text, row, *side, span) {
                return Some("рядом стоит исключённое".to_owned());
            }
        }
        let mut judge = Circumstances { program, text, walker: &mut self.walker, span };
        if !judge.persons_fit(rule.persons) {
            return Some("лицо".to_owned());
        }
        if !judge.tenses_fit(rule.tenses) {
            return Some("время".to_owned());
        }
        for (circumstance, need) in &rule.needs {
            if judge.holds(*circumstance) == (*need == Need::Forbidden) {
                return Some(judge.name(*circumstance));
            }
        }
        None
    }

    fn stands(&mut self, text: &Normalised, row: &Row, side: Where, span: Span) -> bool {
        let (begin, end) = (span.begin as usize, span.end as usize);
        let within = match side {
            Where::Near => clause_bounds(text, begin, end),
            Where::Sentence => sentence_bounds(text, text.tokens[begin].sentence),
            Where::Anywhere => (0, text.tokens.len()),
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
