//! Amounts in an agent's words: «сделаю пятнадцать процентов», «скидку 10%», «вернём 1 500 рублей», «полторы тысячи».
//!
//! What was promised by word of mouth is compared with the speaker's authority. An amount is a number with a unit right
//! behind it; numbers without a unit are none.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What an amount is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmountUnit {
    /// Per cent.
    Percent,
    /// Roubles.
    Roubles,
}

/// An amount that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// What it is counted in.
    pub unit: AmountUnit,
    /// How much.
    pub value: Decimal,
}

/// Numerals by value; each stands in the forms that follow «на» and «в».
const NUMERALS: &[(u32, &[&str])] = &[
    (1, &["один", "одну", "одного"]),
    (2, &["два", "две", "двух"]),
    (3, &["три", "трех", "трёх"]),
    (4, &["четыре", "четырех", "четырёх"]),
    (5, &["пять", "пяти"]),
    (6, &["шесть", "шести"]),
    (7, &["семь", "семи"]),
    (8, &["восемь", "восьми"]),
    (9, &["девять", "девяти"]),
    (10, &["десять", "десяти"]),
    (11, &["одиннадцать", "одиннадцати"]),
    (12, &["двенадцать", "двенадцати"]),
    (13, &["тринадцать", "тринадцати"]),
    (14, &["четырнадцать", "четырнадцати"]),
    (15, &["пятнадцать", "пятнадцати"]),
    (16, &["шестнадцать", "шестнадцати"]),
    (17, &["семнадцать", "семнадцати"]),
    (18, &["восемнадцать", "восемнадцати"]),
    (19, &["девятнадцать", "девятнадцати"]),
    (20, &["двадцать", "двадцати"]),
    (30, &["тридцать", "тридцати"]),
    (40, &["сорок", "сорока"]),
    (50, &["пятьдесят", "пятидесяти"]),
    (60, &["шестьдесят", "шестидесяти"]),
    (70, &["семьдесят", "семидесяти"]),
    (80, &["восемьдесят", "восьмидесяти"]),
    (90, &["девяносто", "девяноста"]),
    (100, &["сто", "ста"]),
    (200, &["двести", "двухсот"]),
    (300, &["триста", "трехсот", "трёхсот"]),
    (400, &["четыреста", "четырехсот", "четырёхсот"]),
    (500, &["пятьсот", "пятисот"]),
    (600, &["шестьсот", "шестисот"]),
    (700, &["семьсот", "семисот"]),
    (800, &["восемьсот", "восьмисот"]),
    (900, &["девятьсот", "девятисот"]),
];

/// Words that make a thousand of what stands before them.
const THOUSAND: &[&str] = &["тысяча", "тысячу", "тысячи", "тысяч", "тыс", "тыщу", "тыщ"];

enum Token {
    /// A number in digits.
    Number(Decimal),
    /// A word, lower case.
    Word(String),
}

/// Returns the amounts in a text, in order, at most eight.
pub fn amounts(text: &str) -> Vec<Amount> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() && found.len() < 8 {
        match number(&tokens, at) {
            Some((value, next)) => {
                if let Some(unit) = tokens.get(next).and_then(unit) {
                    found.push(Amount { unit, value });
                }
                at = next;
            }
            None => at += 1,
        }
    }
    found
}

fn unit(token: &Token) -> Option<AmountUnit> {
    let Token::Word(word) = token else { return None };
    match word.as_str() {
        "%" => Some(AmountUnit::Percent),
        "₽" | "р" | "руб" => Some(AmountUnit::Roubles),
        word if word.starts_with("процент") => Some(AmountUnit::Percent),
        word if word.starts_with("рубл") => Some(AmountUnit::Roubles),
        _ => None,
    }
}

/// Reads a number that begins at a token; returns it and the place behind it.
fn number(tokens: &[Token], at: usize) -> Option<(Decimal, usize)> {
    let (mut value, mut next) = match tokens.get(at)? {
        Token::Number(value) => (*value, at + 1),
        Token::Word(word) if word.starts_with("полтор") => (Decimal::new(15, 1), at + 1),
        Token::Word(word) if THOUSAND.contains(&word.as_str()) => (Decimal::ONE, at),
        Token::Word(_) => below_thousand(tokens, at)?,
    };
    let thousand =
        |at: usize| matches!(tokens.get(at), Some(Token::Word(word)) if THOUSAND.contains(&word.as_str()));
    if thousand(next) {
        value = value.checked_mul(Decimal::ONE_THOUSAND)?;
        next += 1;
        if let Some((rest, past)) = below_thousand(tokens, next) {
            (value, next) = (value.checked_add(rest)?, past);
        }
    }
    Some((value, next))
}

/// Reads «сто двадцать пять»: each numeral smaller than the one before.
fn below_thousand(tokens: &[Token], at: usize) -> Option<(Decimal, usize)> {
    let mut sum = 0_u32;
    let mut rank = u32::MAX;
    let mut next = at;
    while let Some(Token::Word(word)) = tokens.get(next) {
        let Some(value) = numeral(word) else { break };
        let own = match value {
            100.. => 3,
            20.. => 2,
            _ => 1,
        };
        if own >= rank || (rank == 2 && value >= 10) {
            break;
        }
        rank = own;
        sum += value;
        next += 1;
    }
    (next > at).then(|| (Decimal::from(sum), next))
}

fn numeral(word: &str) -> Option<u32> {
    NUMERALS.iter().find(|(_, forms)| forms.contains(&word)).map(|(value, _)| *value)
}

fn tokens(text: &str) -> Vec<Token> {
    let signs: Vec<char> = text.chars().take(4_000).flat_map(char::to_lowercase).collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&sign) = signs.get(at) {
        if sign.is_ascii_digit() {
            let (number, next) = digits(&signs, at);
            tokens.extend(number.map(Token::Number));
            at = next;
        } else if sign.is_alphabetic() {
            let end =
                signs[at..].iter().position(|sign| !sign.is_alphabetic()).map_or(signs.len(), |n| at + n);
            tokens.push(Token::Word(signs[at..end].iter().collect()));
            at = end;
        } else {
            if matches!(sign, '%' | '₽') {
                tokens.push(Token::Word(sign.to_string()));
            }
            at += 1;
        }
    }
    tokens
}

/// Reads digits, with thousands set apart by a space and a fraction behind a comma or a point.
fn digits(signs: &[char], from: usize) -> (Option<Decimal>, usize) {
    let digit = |at: usize| signs.get(at).is_some_and(char::is_ascii_digit);
    let mut text = String::new();
    let mut at = from;
    loop {
        match signs.get(at) {
            Some(sign) if sign.is_ascii_digit() => text.push(*sign),
            Some(' ' | '\u{a0}') if digit(at + 1) && digit(at + 2) && digit(at + 3) && !digit(at + 4) => {}
            Some(',' | '.') if digit(at + 1) && !text.contains('.') => text.push('.'),
            _ => break,
        }
        at += 1;
    }
    (if text.len() <= 15 { text.parse().ok() } else { None }, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_from_words_and_digits_and_only_with_their_unit() {
        let rows: &[(&str, &[&str])] = &[
            ("давайте сделаю вам пятнадцать процентов", &["Percent 15"]),
            ("могу дать скидку 10% на следующий заказ", &["Percent 10"]),
            ("скидка до 7,5 процента", &["Percent 7.5"]),
            ("вернём вам тысячу пятьсот рублей", &["Roubles 1500"]),
            ("полторы тысячи рублей на счёт", &["Roubles 1500.0"]),
            ("начислю 2 500 руб. бонусами и скидку двадцать пять процентов", &["Roubles 2500", "Percent 25"]),
            ("сто двадцать рублей", &["Roubles 120"]),
            ("две тысячи триста рублей", &["Roubles 2300"]),
            ("тысячу рублей", &["Roubles 1000"]),
            ("двадцать процентов", &["Percent 20"]),
            ("перезвоню через пятнадцать минут", &[]),
            ("заказ 4521, дом 10", &[]),
            ("процентов", &[]),
            ("99999999999999999999 рублей", &[]),
        ];
        for (text, expected) in rows {
            let found: Vec<String> =
                amounts(text).iter().map(|amount| format!("{:?} {}", amount.unit, amount.value)).collect();
            assert_eq!(&found, expected, "{text}");
        }
        assert_eq!(amounts(&"10% ".repeat(1_000)).len(), 8);
    }
}
