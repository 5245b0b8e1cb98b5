//! What all readers of times share: phrases, softening words, numbers in digits.

use super::tokens::{Token, TokenKind};

/// Returns the index behind the words of a phrase, if they stand at `at`.
pub(super) fn phrase_at(tokens: &[Token], at: usize, phrase: &str) -> Option<usize> {
    let mut next = at;
    for word in phrase.split(' ') {
        if !tokens.get(next)?.is(word) {
            return None;
        }
        next += 1;
    }
    Some(next)
}

/// Skips words that only soften: «примерно», «где-то», «буквально».
pub(super) fn soft(tokens: &[Token], at: usize) -> usize {
    let mut at = at;
    while tokens.get(at).is_some_and(|token| {
        token.is_one(&[
            "примерно",
            "буквально",
            "приблизительно",
            "ориентировочно",
            "где",
            "то",
            "ровно",
            "ровна",
            "максимум",
            "еще",
            "уже",
            "самое",
        ])
    }) || (tokens.get(at).is_some_and(|token| token.is("-"))
        && tokens.get(at + 1).is_some_and(|token| token.is("то")))
    {
        at += 1;
    }
    at
}

/// Reads digits, at most so many.
pub(super) fn number<N: std::str::FromStr>(tokens: &[Token], at: usize, digits: usize) -> Option<N> {
    let token = tokens.get(at)?;
    (token.kind == TokenKind::Number && token.text.len() <= digits).then(|| token.text.parse().ok()).flatten()
}

/// Says whether a number before this token can stand alone, or counts what follows: «до десяти процентов».
pub(super) fn ends_here(next: Option<&Token>) -> bool {
    let Some(next) = next else { return true };
    if next.kind != TokenKind::Word {
        return next.kind == TokenKind::Sign && !next.is("%") && !next.is("₽");
    }
    const COUNTED: &[&str] = &[
        "процент",
        "рубл",
        "тысяч",
        "миллион",
        "раз",
        "челов",
        "штук",
        "гиг",
        "мегаб",
        "позици",
        "этаж",
        "лет",
        "год",
        "комнат",
        "квартир",
        "кило",
        "метр",
        "градус",
        "литр",
        "балл",
        "бонус",
        "договор",
        "заказ",
        "номер",
        "товар",
        "месяц",
        "недел",
        "рабоч",
        "банковск",
        "календарн",
        "дней",
        "суток",
        "минут",
        "человек",
        "класс",
        "подъезд",
        "пункт",
        "строк",
        "очеред",
        "групп",
        "линии",
        "звонк",
        "сотруд",
        "мест",
        "экземпл",
        "копи",
        "вариант",
    ];
    !COUNTED.iter().any(|stem| next.text.starts_with(stem))
}
