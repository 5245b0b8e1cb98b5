//! Masking of card numbers and card codes before anything is written down.
//!
//! Numbers come written or dictated in Russian, whole or split over utterances. What is masked is replaced by «•», one
//! for one, so that offsets in code points stay true. This file decides what is masked; [`tokens`] splits the text,
//! [`numbers`] reads dictated numbers and knows what a card looks like.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use gradus_engine::signal::Party;

mod codes;
mod numbers;
mod tokens;

use numbers::{Around, Item, READINGS, cards, items};
use tokens::{Token, What, tokens};

/// What stands in place of a masked character.
pub const MASK: char = '•';
/// For how many utterances after a card was spoken of its number is expected.
const CARD_PATIENCE: u32 = 6;
/// For how many utterances after the question the code is expected.
const CODE_PATIENCE: u32 = 4;
/// How many utterances of the other party may come between two parts of a number.
const INTERJECTIONS: u32 = 3;
/// How many parts of a number are remembered.
const TAIL_TOKENS: usize = 64;

/// A text without card numbers and card codes: the only kind the store takes for people's words.
///
/// Each masked character was replaced by [`MASK`], one for one, so offsets in code points stay true.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MaskedText(String);

impl MaskedText {
    /// Masks a text that stands alone: a note, a conclusion, a subject. For a conversation use [`Masker`].
    pub fn of(text: &str) -> Self {
        Masker::default().utterance(0, Party::Customer, text).text
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for MaskedText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MaskedText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A masked utterance, and earlier ones of which it completed a number.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Masked {
    /// The utterance.
    pub text: MaskedText,
    /// Earlier utterances with more masked than before: write them again.
    pub earlier: Vec<(i64, MaskedText)>,
}

/// Masks the utterances of one conversation in their order.
#[derive(Clone, Debug, Default)]
pub struct Masker {
    /// For how many more utterances the number of a card is expected.
    card: u32,
    /// For how many more utterances the code of a card is expected, and how many of its digits have come.
    code: Option<(u32, usize)>,
    /// A card was masked so many utterances ago or fewer.
    masked_card: u32,
    /// What may be the beginning of a number, by who said it.
    tails: BTreeMap<Party, Tail>,
}

/// The numbers at the end of what one party said last.
#[derive(Clone, Debug, Default)]
struct Tail {
    tokens: Vec<Token>,
    /// The masked characters of the utterances the tokens are from.
    texts: BTreeMap<i64, Vec<char>>,
    /// How many utterances of others came since.
    others: u32,
}

/// A run of numbers: which tokens of an utterance.
#[derive(Clone, Copy, Debug)]
struct Run {
    from: usize,
    to: usize,
}

impl Masker {
    /// Masks the next utterance.
    pub fn utterance(&mut self, number: i64, party: Party, text: &str) -> Masked {
        let mut chars: Vec<char> = text.chars().collect();
        let own = tokens(&chars, number);
        let cues = codes::cues(&own);
        if cues.card {
            self.card = CARD_PATIENCE;
        }
        let runs = runs(&own);
        if runs.is_empty() {
            // «Так», «угу» between two parts of a number are nothing.
            let pause = own.iter().all(|token| token.what == What::Pause);
            let tail = if pause { self.tails.remove(&party) } else { None };
            self.pass(party, tail, cues.code.is_some());
            return Masked { text: MaskedText(text.to_owned()), earlier: Vec::new() };
        }
        let mut tail = self.tails.remove(&party).unwrap_or_default();
        let mut hits: Vec<(i64, usize, usize)> = Vec::new();
        let (card, mut found) = (self.card > 0, false);
        for (index, run) in runs.iter().enumerate() {
            let joined = index == 0 && !tail.tokens.is_empty() && leads(&own, *run);
            let mut all = if joined { tail.tokens.clone() } else { Vec::new() };
            all.extend_from_slice(own.get(run.from..run.to).unwrap_or_default());
            let around = Around { card, other: !joined && codes::of_something_else(&own, run.from) };
            if cards_of(&all, around, &mut hits) {
                found = true;
                // It is said; what follows is its date and its code.
                (self.masked_card, self.card) = (CODE_PATIENCE, 0);
            } else if !found && cues.dictation(&own, *run) && self.expects_part(&all, joined) {
                hits.extend(own.get(run.from..run.to).unwrap_or_default().iter().map(place));
            }
        }
        self.mask_codes(&own, &runs, &cues, &mut hits);
        let mut earlier: Vec<i64> = Vec::new();
        for (utterance, from, to) in hits {
            let target = if utterance == number { Some(&mut chars) } else { tail.texts.get_mut(&utterance) };
            let Some(target) = target else { continue };
            let mut changed = false;
            for c in target.iter_mut().take(to).skip(from).filter(|c| c.is_alphanumeric()) {
                *c = MASK;
                changed = true;
            }
            if changed && utterance != number && !earlier.contains(&utterance) {
                earlier.push(utterance);
            }
        }
        earlier.sort_unstable();
        let earlier = earlier
            .into_iter()
            .filter_map(|utterance| {
                let text = tail.texts.get(&utterance)?;
                Some((utterance, MaskedText(text.iter().collect())))
            })
            .collect();
        let next = next_tail(tail, &own, &runs, number, &chars);
        self.pass(party, next, false);
        Masked { text: MaskedText(chars.into_iter().collect()), earlier }
    }

    /// Tells whether numbers that are no whole card are a part of one that is being dictated.
    fn expects_part(&self, all: &[Token], joined: bool) -> bool {
        if self.card == 0 {
            return false;
        }
        let items = items(all, READINGS[0]);
        let digits: Vec<u8> = items.iter().flat_map(|item| item.digits.iter().copied()).collect();
        let tel = matches!(digits.len(), 10 | 11) && matches!(digits.first(), Some(7..=9)) && !joined;
        (4..=19).contains(&digits.len()) && !tel
    }

    /// Finds the code of a card: after or before the words that name it, or as the answer to the question.
    fn mask_codes(
        &mut self,
        own: &[Token],
        runs: &[Run],
        cues: &codes::Cues,
        hits: &mut Vec<(i64, usize, usize)>,
    ) {
        let trigger = cues.code.or(if self.masked_card > 0 { cues.bare_code } else { None });
        if let Some((from, to)) = trigger {
            match codes::beside(own, runs.iter().map(|run| (run.from, run.to)), from, to) {
                Some(found) => {
                    hits.extend(found.into_iter().filter_map(|index| own.get(index)).map(place));
                    self.code = None;
                }
                None => self.code = Some((CODE_PATIENCE + 1, 0)),
            }
            return;
        }
        let Some((patience, had)) = self.code else { return };
        let mut had = had;
        for run in runs {
            let part = own.get(run.from..run.to).unwrap_or_default();
            let digits: usize = items(part, READINGS[0]).iter().map(|item| item.digits.len()).sum();
            let others = codes::words_beside(own, run.from, run.to);
            // Said by itself it may come digit by digit; within a sentence only whole.
            if (3..=4).contains(&digits) && others <= 5 || digits <= 2 && others <= 1 && had + digits <= 4 {
                hits.extend(part.iter().map(place));
                had += digits;
                break;
            }
        }
        self.code = if had >= 3 { None } else { Some((patience, had)) };
    }

    /// Goes on to the next utterance; `asked` when this one named the code and held no number at all.
    fn pass(&mut self, party: Party, tail: Option<Tail>, asked: bool) {
        if asked {
            self.code = Some((CODE_PATIENCE + 1, 0));
        }
        self.card = self.card.saturating_sub(1);
        self.masked_card = self.masked_card.saturating_sub(1);
        self.code = self.code.and_then(|(patience, had)| (patience > 1).then_some((patience - 1, had)));
        for (who, old) in &mut self.tails {
            if *who != party {
                old.others += 1;
            }
        }
        self.tails.retain(|who, old| *who != party && old.others <= INTERJECTIONS);
        if let Some(tail) = tail {
            self.tails.insert(party, tail);
        }
    }
}

/// Finds the cards of a run in every reading and notes where they are.
fn cards_of(run: &[Token], around: Around, hits: &mut Vec<(i64, usize, usize)>) -> bool {
    let spoken = run.iter().any(|token| matches!(token.what, What::Number(_)));
    let mut found = false;
    for reading in READINGS.iter().take(if spoken { READINGS.len() } else { 1 }) {
        let items = items(run, *reading);
        for (first, last) in cards(&items, around) {
            found = true;
            // The code often follows in the same breath: three digits, or the date and three digits.
            let rest = items.get(last + 1..).unwrap_or_default();
            let mut left: usize = rest.iter().map(|item| item.digits.len()).sum();
            for item in rest.iter().filter(|_| matches!(left, 3 | 7)).collect::<Vec<_>>() {
                if left <= 3 {
                    hits.extend(tokens_of(run, item).map(place));
                }
                left = left.saturating_sub(item.digits.len());
            }
            for item in items.get(first..=last).unwrap_or_default() {
                hits.extend(tokens_of(run, item).map(place));
            }
        }
        if found {
            return true;
        }
    }
    let grouped = if spoken { numbers::grouped_card(run, around) } else { None };
    if let Some(end) = grouped {
        hits.extend(run.iter().take(end).map(place));
    }
    grouped.is_some()
}

fn tokens_of<'r>(run: &'r [Token], item: &Item) -> impl Iterator<Item = &'r Token> + use<'r> {
    run.get(item.first..=item.last).unwrap_or_default().iter().filter(|token| token.what != What::Pause)
}

fn place(token: &Token) -> (i64, usize, usize) {
    (token.utterance, token.start, token.end)
}

/// Splits the tokens into runs of numbers with nothing but pauses between them.
fn runs(tokens: &[Token]) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::new();
    let mut open = false;
    for (index, token) in tokens.iter().enumerate() {
        match token.what {
            What::Word(_) => open = false,
            What::Pause => {}
            What::Digits(_) | What::Number(_) => {
                match out.last_mut().filter(|_| open) {
                    Some(run) => run.to = index + 1,
                    None => out.push(Run { from: index, to: index + 1 }),
                }
                open = true;
            }
        }
    }
    out
}

/// Tells whether nothing but pauses stands before a run.
fn leads(tokens: &[Token], run: Run) -> bool {
    tokens.iter().take(run.from).all(|token| token.what == What::Pause)
}

/// Returns what may be the beginning of a number at the end of an utterance.
fn next_tail(old: Tail, own: &[Token], runs: &[Run], number: i64, chars: &[char]) -> Option<Tail> {
    let last = runs.last()?;
    let ends = own.iter().skip(last.to).all(|token| token.what == What::Pause);
    if !ends {
        return None;
    }
    let whole = runs.len() == 1 && leads(own, *last);
    let mut tail = if whole { Tail { others: 0, ..old } } else { Tail::default() };
    tail.tokens.extend_from_slice(own.get(last.from..last.to).unwrap_or_default());
    let surplus = tail.tokens.len().saturating_sub(TAIL_TOKENS);
    tail.tokens.drain(..surplus);
    tail.texts.insert(number, chars.to_vec());
    let oldest = tail.tokens.first().map(|token| token.utterance);
    tail.texts.retain(|utterance, _| {
        tail.tokens.iter().any(|token| token.utterance == *utterance) || Some(*utterance) == oldest
    });
    Some(tail)
}
