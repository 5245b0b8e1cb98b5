//! Finding what was said: the words of a text as an index keeps them, and what a person asks for.
//!
//! A word is kept as the set of lemmas that its form can belong to, so «верните» is found by «вернуть» and a phrase keeps
//! its order. The rules of the detector play no part: they change, an index should not.

use std::fmt;

use crate::detect::lexicon::{LemmaId, Lexicon};

/// Most words and phrases of one question.
pub const MOST_WANTED: usize = 16;
/// Longest question, in code points.
pub const LONGEST_QUESTION: usize = 500;
/// Changes whenever the same text would give other keys.
const VERSION: u32 = 1;

/// Names the way in which texts become keys, with the dictionary: an index of another version is made anew.
pub fn version() -> String {
    format!("{VERSION}-{:x}", Lexicon::builtin().fingerprint())
}

/// How an index knows a word: the same for all forms that can belong to the same lemmas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The number of a set of lemmas of the dictionary.
    Known(u32),
    /// The hash of a word of no dictionary: of its supposed dictionary form.
    Unknown(u64),
}

impl fmt::Display for Key {
    /// Writes letters and digits of ASCII alone, so that no index has to take it apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(set) => write!(f, "l{set:x}"),
            Self::Unknown(hash) => write!(f, "w{hash:x}"),
        }
    }
}

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// First code point.
    pub start: u32,
    /// One past the last code point.
    pub end: u32,
    /// Its spelling in lower case, е for ё.
    pub form: String,
    /// How an index knows it.
    pub key: Key,
}

/// Returns the words of a text: runs of letters and digits; a hyphen parts two.
pub fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let (mut form, mut start) = (String::new(), 0);
    for (point, sign) in (0_u32..).zip(text.chars().chain([' '])) {
        if sign.is_alphanumeric() {
            if form.is_empty() {
                start = point;
            }
            form.extend(sign.to_lowercase().map(|letter| if letter == 'ё' { 'е' } else { letter }));
        } else if !form.is_empty() && !is_within(sign) {
            let form = std::mem::take(&mut form);
            words.push(Word { start, end: point, key: key(&form), form });
        }
    }
    words
}

/// Says whether a sign can stand within a word without parting it: an accent, a soft hyphen.
fn is_within(sign: char) -> bool {
    matches!(sign, '\u{300}' | '\u{301}' | '\u{308}' | '\u{306}' | '\u{ad}')
}

/// Returns the keys of a text in order, with spaces between them: what an index is fed with.
pub fn keys(text: &str) -> String {
    let mut out = String::new();
    for word in words(text) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&word.key.to_string());
    }
    out
}

fn key(form: &str) -> Key {
    let lexicon = Lexicon::builtin();
    if let Some(set) = lexicon.lemma_set(form) {
        return Key::Known(set);
    }
    match lexicon.guess(form).first() {
        Some(guess) => Key::Unknown(hash(&guess.lemma)),
        None => Key::Unknown(hash(form)),
    }
}

/// Cut to 52 bits; a rare collision is thrown out by [`Question::find`].
fn hash(word: &str) -> u64 {
    fnv(word.as_bytes()) >> 12
}

/// FNV-1a.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().copied().fold(0xcbf2_9ce4_8422_2325, step)
}

/// One thing that a text has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A word in any form: any of these keys.
    Word(Vec<Key>),
    /// Words one after the other, exactly so.
    Phrase(Vec<Word>),
}

/// What is asked for: words in any form, phrases in quotation marks, a minus before what must not occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    all: Vec<Wanted>,
    none: Vec<Wanted>,
}

/// Why a question cannot be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// Nothing is wanted: no words, or only words with a minus.
    #[error("no word to look for: write at least one without a minus")]
    Nothing,
    /// Too many words.
    #[error("more than {MOST_WANTED} words and phrases: leave some out")]
    TooMany,
    /// Too long.
    #[error("longer than {LONGEST_QUESTION} characters: leave something out")]
    TooLong,
}

impl Question {
    /// Reads a question as a person writes it: `вернуть деньги -доставка "в суд"`.
    ///
    /// # Errors
    /// When it asks for nothing or for too much.
    pub fn parse(text: &str) -> Result<Self, QuestionError> {
        if text.chars().count() > LONGEST_QUESTION {
            return Err(QuestionError::TooLong);
        }
        let mut question = Self { all: Vec::new(), none: Vec::new() };
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let denied = matches!(first, '-' | '−' | '–');
            let body = if denied { &rest[first.len_utf8()..] } else { rest };
            let into = if denied { &mut question.none } else { &mut question.all };
            rest = match body.chars().next().and_then(closing) {
                Some(close) => take_phrase(body, close, into),
                None => take_words(body, into),
            };
            rest = rest.trim_start();
        }
        if question.all.len() + question.none.len() > MOST_WANTED {
            return Err(QuestionError::TooMany);
        }
        if question.all.is_empty() { Err(QuestionError::Nothing) } else { Ok(question) }
    }

    /// Returns what has to occur.
    pub fn all(&self) -> &[Wanted] {
        &self.all
    }

    /// Returns what must not occur.
    pub fn none(&self) -> &[Wanted] {
        &self.none
    }

    /// Returns the code points of what was found in a text, in order and without overlaps; nothing when it does not fit.
    pub fn find(&self, text: &str) -> Option<Vec<(u32, u32)>> {
        let words = words(text);
        if self.none.iter().any(|wanted| !places(wanted, &words).is_empty()) {
            return None;
        }
        let mut found: Vec<(u32, u32)> = Vec::new();
        for wanted in &self.all {
            let places = places(wanted, &words);
            if places.is_empty() {
                return None;
            }
            found.extend(places);
        }
        found.sort_unstable();
        let mut joined: Vec<(u32, u32)> = Vec::new();
        for (start, end) in found {
            match joined.last_mut() {
                Some(last) if start < last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        Some(joined)
    }
}

fn closing(open: char) -> Option<char> {
    match open {
        '"' => Some('"'),
        '«' => Some('»'),
        '„' => Some('“'),
        '“' => Some('”'),
        _ => None,
    }
}

/// Takes a phrase off the front; one that is never closed reaches to the end.
fn take_phrase<'t>(body: &'t str, close: char, into: &mut Vec<Wanted>) -> &'t str {
    let inner = body.get(body.chars().next().map_or(0, char::len_utf8)..).unwrap_or("");
    let (phrase, rest) = inner.split_once(close).unwrap_or((inner, ""));
    let phrase = words(phrase);
    if !phrase.is_empty() {
        into.push(Wanted::Phrase(phrase));
    }
    rest
}

/// Takes what stands up to the next space or quotation mark off the front.
fn take_words<'t>(body: &'t str, into: &mut Vec<Wanted>) -> &'t str {
    let end = body.find(|sign: char| sign.is_whitespace() || closing(sign).is_some()).unwrap_or(body.len());
    let (written, rest) = body.split_at(end);
    into.extend(words(written).into_iter().map(|word| Wanted::Word(any_form(&word))));
    rest
}

/// Returns the keys of all words that can be forms of what this word means. A dictionary form means itself alone:
/// «стекло» is no past of «стечь».
fn any_form(word: &Word) -> Vec<Key> {
    let lexicon = Lexicon::builtin();
    let mut lemmas: Vec<LemmaId> = lexicon.lemma(&word.form).into_iter().collect();
    if lemmas.is_empty() {
        lemmas.extend(lexicon.analyses(&word.form).iter().map(|one| one.lemma));
    }
    let mut keys: Vec<Key> =
        lemmas.into_iter().flat_map(|lemma| lexicon.sets_with(lemma)).map(Key::Known).collect();
    if keys.is_empty() {
        keys.extend([word.key, Key::Unknown(hash(&word.form))]);
        keys.extend(lexicon.guess(&word.form).iter().map(|guess| Key::Unknown(hash(&guess.lemma))));
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn places(wanted: &Wanted, words: &[Word]) -> Vec<(u32, u32)> {
    match wanted {
        Wanted::Word(keys) => {
            let fits = words.iter().filter(|word| keys.contains(&word.key));
            fits.map(|word| (word.start, word.end)).collect()
        }
        Wanted::Phrase(phrase) => {
            let runs = words.windows(phrase.len().max(1));
            let fits =
                runs.filter(|run| run.iter().zip(phrase).all(|(said, wanted)| said.form == wanted.form));
            fits.filter_map(|run| Some((run.first()?.start, run.last()?.end))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(question: &str, text: &str) -> Option<Vec<String>> {
        let found = Question::parse(question).unwrap().find(text)?;
        let cut = |(start, end): (u32, u32)| {
            text.chars().skip(start as usize).take((end - start) as usize).collect()
        };
        Some(found.into_iter().map(cut).collect())
    }

    fn finds(question: &str, text: &str, marked: &[&str]) {
        assert_eq!(check(question, text).unwrap_or_default(), marked, "«{question}» in «{text}»");
    }

    #[test]
    fn a_word_is_found_in_any_form_and_a_related_word_is_not() {
        finds("вернуть", "Верните мне деньги, вы обещали вернуть!", &["Верните", "вернуть"]);
        finds("верните", "деньги вернули вчера", &["вернули"]);
        finds("вернуть", "оформите возврат", &[]);
        finds("ДЕНЬГИ", "о деньгах ни слова", &["деньгах"]);
        finds("елка", "Ёлки не привезли", &["Ёлки"]);
        finds("сталь", "стали звонить", &["стали"]);
        finds("стекло", "он стёк вниз", &[]);
    }

    #[test]
    fn all_words_have_to_occur_and_none_with_a_minus() {
        finds("вернуть деньги", "когда вернёте деньги за заказ", &["вернёте", "деньги"]);
        finds("вернуть деньги", "когда вернёте заказ", &[]);
        finds("деньги -доставка", "деньги за доставку", &[]);
        finds("деньги −\"в суд\"", "деньги верните, или я в суд", &[]);
        finds("деньги -\"в суд\"", "деньги верните, суд в городе", &["деньги"]);
    }

    #[test]
    fn a_phrase_is_these_words_in_this_order() {
        finds("«в суд»", "Подам в суд. В суде решат", &["в суд"]);
        finds("\"верните деньги\"", "верните мне деньги", &[]);
        finds("\"интернет-магазин", "наш интернет магазин", &["интернет магазин"]);
        finds("“Я подам” в", "я подам в суд", &["я подам", "в"]);
    }

    #[test]
    fn words_of_no_dictionary_are_found_by_their_ending_and_numbers_as_they_are() {
        finds("забаганить", "опять всё забаганилось и забаганил", &["забаганил"]);
        finds("15000", "должны 15000 рублей", &["15000"]);
        finds("wi-fi", "Wi-Fi не работает", &["Wi", "Fi"]);
    }

    #[test]
    fn a_question_without_anything_to_look_for_says_so() {
        assert_eq!(Question::parse("  "), Err(QuestionError::Nothing));
        assert_eq!(Question::parse("-деньги -«в суд»"), Err(QuestionError::Nothing));
        assert_eq!(Question::parse("\"\" , !"), Err(QuestionError::Nothing));
        assert_eq!(Question::parse(&"да ".repeat(17)), Err(QuestionError::TooMany));
        assert_eq!(Question::parse(&"а".repeat(501)), Err(QuestionError::TooLong));
    }

    #[test]
    fn keys_are_plain_and_stand_for_every_word_once() {
        let keys = keys("Вот, 1 «Zürich»\0 — и всё\u{301}!");
        assert_eq!(keys.split(' ').count(), 5, "{keys}");
        assert!(keys.bytes().all(|byte| byte == b' ' || byte.is_ascii_alphanumeric()), "{keys}");
    }
}
