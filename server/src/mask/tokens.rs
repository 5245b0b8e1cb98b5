//! A text as the masking sees it: digits, number words, pauses, and everything else.

/// A number word by what it can stand for in a dictated number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberWord {
    /// 0–9.
    Unit(u32),
    /// «один», «два»: never before «тысяча», which is feminine.
    Masculine(u32),
    /// 10–19.
    Teen(u32),
    /// 20, 30, … 90.
    Ten(u32),
    /// 100, 200, … 900.
    Hundred(u32),
    /// «тысяча»: stands alone or after one.
    Thousand,
    /// «тысячи», «тысяч»: stands after a count.
    Thousands,
    /// «двойка», «нолик»: a digit as a noun.
    Noun(u32),
    /// «двойки», «нулей»: a digit said as often as the count before says.
    Nouns(u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Digits written without anything between them.
    Digits(Vec<u8>),
    /// A number word.
    Number(NumberWord),
    /// Punctuation or a filler: two numbers may be told apart here.
    Pause,
    /// Any other word or sign, in small letters with «е» for «ё»; it ends a run of numbers.
    Word(String),
}

/// A token with its place in code points, half-open, and the utterance it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) utterance: i64,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) what: What,
}

/// Words that people put between the groups of a dictated number.
const FILLERS: &[&str] = &[
    "так",
    "потом",
    "дальше",
    "далее",
    "затем",
    "и",
    "э",
    "ээ",
    "эээ",
    "эм",
    "м",
    "мм",
    "ну",
    "ага",
    "угу",
    "значит",
    "вот",
    "там",
    "пробел",
    "тире",
    "дефис",
    "да",
    "ой",
    "еще",
    "теперь",
    "следующие",
    "номер",
    "a",
    "а",
];

/// Signs that say that the number is a sum, a share or a telephone number.
const SIGNS: &[char] = &['+', '%', '₽', '$', '€', '='];

/// Splits a text. Digits glued to Latin letters are part of an identifier and count as a word.
pub(super) fn tokens(text: &[char], utterance: i64) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        let start = at;
        let what = if digit(c).is_some() || c.is_alphabetic() || c == '_' {
            while text.get(at).is_some_and(|&c| c.is_alphanumeric() || c == '_') {
                at += 1;
            }
            split_word(text, start, at, utterance, &mut out);
            continue;
        } else if SIGNS.contains(&c) {
            What::Word(c.to_string())
        } else if matches!(c, ',' | '.' | ';' | ':' | '\n' | '!' | '?' | '-' | '—' | '–' | '…') {
            What::Pause
        } else {
            at += 1;
            continue;
        };
        at += 1;
        out.push(Token { utterance, start, end: at, what });
    }
    out
}

/// Turns letters and digits without a gap into tokens: «карта4276» is two, «ab4276» is one identifier.
fn split_word(text: &[char], start: usize, end: usize, utterance: i64, out: &mut Vec<Token>) {
    let all = text.get(start..end).unwrap_or_default();
    let latin = all.iter().any(|c| c.is_ascii_alphabetic() || *c == '_');
    let code = latin && all.iter().any(|&c| digit(c).is_some()) && !is_code_name(all);
    if code {
        let word: String = all.iter().flat_map(|c| c.to_lowercase()).collect();
        out.push(Token { utterance, start, end, what: What::Word(word) });
        return;
    }
    let mut at = start;
    while at < end {
        let from = at;
        let numeric = text.get(at).copied().and_then(digit).is_some();
        while at < end && text.get(at).copied().and_then(digit).is_some() == numeric {
            at += 1;
        }
        let part = text.get(from..at).unwrap_or_default();
        let what = if numeric {
            What::Digits(part.iter().filter_map(|&c| digit(c)).collect())
        } else {
            let word: String =
                part.iter().flat_map(|c| c.to_lowercase()).map(|c| if c == 'ё' { 'е' } else { c }).collect();
            match number_word(&word) {
                Some(number) => What::Number(number),
                None if FILLERS.contains(&word.as_str()) => What::Pause,
                None => What::Word(word),
            }
        };
        out.push(Token { utterance, start: from, end: at, what });
    }
}

/// «CVV2» is a name, not an identifier; its 2 goes with it.
fn is_code_name(word: &[char]) -> bool {
    let word: String = word.iter().flat_map(|c| c.to_lowercase()).collect();
    ["cvv", "cvc", "cvn"].iter().any(|name| {
        word.strip_prefix(name).is_some_and(|rest| rest.len() > 1 && rest.chars().all(|c| c.is_ascii_digit()))
    })
}

/// Reads a digit, also a full-width one.
pub(super) fn digit(c: char) -> Option<u8> {
    match c {
        '0'..='9' => u8::try_from(u32::from(c) - u32::from('0')).ok(),
        '０'..='９' => u8::try_from(u32::from(c) - u32::from('０')).ok(),
        _ => None,
    }
}

fn number_word(word: &str) -> Option<NumberWord> {
    use NumberWord::{Hundred, Masculine, Noun, Nouns, Teen, Ten, Thousand, Thousands, Unit};
    Some(match word {
        "ноль" | "нуль" => Unit(0),
        "один" | "одно" | "одного" => Masculine(1),
        "одна" | "одну" => Unit(1),
        "два" | "двух" => Masculine(2),
        "две" => Unit(2),
        "три" | "трех" => Unit(3),
        "четыре" | "четырех" => Unit(4),
        "пять" | "пяти" => Unit(5),
        "шесть" | "шести" => Unit(6),
        "семь" | "семи" => Unit(7),
        "восемь" | "восьми" => Unit(8),
        "девять" | "девяти" => Unit(9),
        "десять" | "десяти" => Teen(10),
        "одиннадцать" | "одинадцать" => Teen(11),
        "двенадцать" => Teen(12),
        "тринадцать" => Teen(13),
        "четырнадцать" => Teen(14),
        "пятнадцать" => Teen(15),
        "шестнадцать" => Teen(16),
        "семнадцать" => Teen(17),
        "восемнадцать" => Teen(18),
        "девятнадцать" => Teen(19),
        "двадцать" | "двадцати" => Ten(20),
        "тридцать" | "тридцати" => Ten(30),
        "сорок" | "сорока" => Ten(40),
        "пятьдесят" | "писят" | "пятьдесять" => Ten(50),
        "шестьдесят" | "шисят" => Ten(60),
        "семьдесят" => Ten(70),
        "восемьдесят" => Ten(80),
        "девяносто" => Ten(90),
        "сто" | "ста" => Hundred(100),
        "двести" => Hundred(200),
        "триста" => Hundred(300),
        "четыреста" => Hundred(400),
        "пятьсот" => Hundred(500),
        "шестьсот" => Hundred(600),
        "семьсот" => Hundred(700),
        "восемьсот" => Hundred(800),
        "девятьсот" => Hundred(900),
        "тысяча" | "тысячу" | "тыща" | "тыщу" => Thousand,
        "тысячи" | "тысяч" | "тыщи" | "тыщ" => Thousands,
        "нолик" | "нулик" => Noun(0),
        "нули" | "нулей" | "ноли" | "нолей" | "нуля" | "ноля" | "нолика" | "ноликов" => {
            Nouns(0)
        }
        "единица" | "единицу" | "единичка" | "единичку" => Noun(1),
        "единицы" | "единиц" | "единички" | "единичек" => Nouns(1),
        "двойка" | "двойку" => Noun(2),
        "двойки" | "двоек" => Nouns(2),
        "тройка" | "тройку" => Noun(3),
        "тройки" | "троек" => Nouns(3),
        "четверка" | "четверку" => Noun(4),
        "четверки" | "четверок" => Nouns(4),
        "пятерка" | "пятерку" => Noun(5),
        "пятерки" | "пятерок" => Nouns(5),
        "шестерка" | "шестерку" => Noun(6),
        "шестерки" | "шестерок" => Nouns(6),
        "семерка" | "семерку" => Noun(7),
        "семерки" | "семерок" => Nouns(7),
        "восьмерка" | "восьмерку" => Noun(8),
        "восьмерки" | "восьмерок" => Nouns(8),
        "девятка" | "девятку" => Noun(9),
        "девятки" | "девяток" => Nouns(9),
        _ => return None,
    })
}
