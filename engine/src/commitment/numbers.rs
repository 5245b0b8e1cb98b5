//! Russian numerals in words and digits, in the cases that times are told in.

use super::tokens::{Token, TokenKind};

/// A number and the index of the token behind it.
pub(super) type Read = Option<(u32, usize)>;

/// Cardinals below twenty, tens, hundreds: value and forms.
const CARDINALS: &[(u32, &[&str])] = &[
    (0, &["ноль", "нуль", "нолей", "ноля", "нулю"]),
    (1, &["один", "одна", "одно", "одну", "одного", "одной", "одному", "одном", "адин"]),
    (2, &["два", "две", "двух", "двум", "двое", "двумя", "пару", "пара", "пары"]),
    (3, &["три", "трех", "трем", "трое", "тремя"]),
    (4, &["четыре", "четырех", "четырем", "четверо", "четырьмя", "читыре"]),
    (5, &["пять", "пяти", "пятью"]),
    (6, &["шесть", "шести", "шестью", "шисть", "шисти"]),
    (7, &["семь", "семи", "семью", "сем", "сими"]),
    (8, &["восемь", "восьми", "восемью", "восьмью", "восем", "васемь", "васьми"]),
    (9, &["девять", "девяти", "девятью", "девить", "дивять", "дивяти"]),
    (10, &["десять", "десяти", "десятью", "десить", "десити", "дисять", "дисяти"]),
    (11, &["одиннадцать", "одиннадцати", "одинадцать", "одинадцати"]),
    (12, &["двенадцать", "двенадцати", "двенадцатью", "двенаццать", "двинадцать", "двинадцати"]),
    (13, &["тринадцать", "тринадцати", "тринаццать"]),
    (14, &["четырнадцать", "четырнадцати", "четырнаццать"]),
    (15, &["пятнадцать", "пятнадцати", "питнадцать", "пятнаццать"]),
    (16, &["шестнадцать", "шестнадцати", "шеснадцать", "шеснадцати"]),
    (17, &["семнадцать", "семнадцати"]),
    (18, &["восемнадцать", "восемнадцати"]),
    (19, &["девятнадцать", "девятнадцати"]),
    (20, &["двадцать", "двадцати", "двацать", "двацати"]),
    (30, &["тридцать", "тридцати", "трицать", "трицати"]),
    (40, &["сорок", "сорока"]),
    (50, &["пятьдесят", "пятидесяти", "писят", "пятдесят"]),
    (60, &["шестьдесят", "шестидесяти", "шисят"]),
    (70, &["семьдесят", "семидесяти"]),
    (80, &["восемьдесят", "восьмидесяти"]),
    (90, &["девяносто", "девяноста"]),
    (100, &["сто", "ста"]),
    (200, &["двести", "двухсот"]),
];

/// Stems of ordinals; an ending of an adjective follows.
const ORDINALS: &[(u32, &str)] = &[
    (1, "перв"),
    (2, "втор"),
    (4, "четверт"),
    (5, "пят"),
    (6, "шест"),
    (7, "седьм"),
    (8, "восьм"),
    (9, "девят"),
    (10, "десят"),
    (11, "одиннадцат"),
    (11, "одинадцат"),
    (12, "двенадцат"),
    (13, "тринадцат"),
    (14, "четырнадцат"),
    (15, "пятнадцат"),
    (16, "шестнадцат"),
    (16, "шеснадцат"),
    (17, "семнадцат"),
    (18, "восемнадцат"),
    (19, "девятнадцат"),
    (20, "двадцат"),
    (20, "двацат"),
    (30, "тридцат"),
    (30, "трицат"),
];

/// Endings that a day of the month or an hour is told with; the last ones are how recognisers hear them.
const ORDINAL_ENDINGS: &[&str] = &["ого", "ому", "ое", "ым", "ом", "ова", "ава", "ово"];

/// Reads a cardinal: `40`, `сорок`, `сорок пять`, `сто двадцать`. At most five digits.
pub(super) fn cardinal(tokens: &[Token], at: usize) -> Read {
    let token = tokens.get(at)?;
    if token.kind == TokenKind::Number {
        let value = (token.text.len() <= 5).then(|| token.text.parse().ok()).flatten()?;
        return Some((value, at + 1));
    }
    let (mut value, mut next) = word(tokens, at)?;
    // Each further word has to be of a lower order: «двадцать пять», not «пять двадцать».
    let mut order = lower_order(value)?;
    while let Some((part, after)) = tokens.get(next).and_then(|_| word(tokens, next)) {
        if part == 0 || part >= order || (order == 10 && part > 9) {
            break;
        }
        value += part;
        next = after;
        match lower_order(part) {
            Some(lower) if part >= 20 => order = lower,
            _ => break,
        }
    }
    Some((value, next))
}

/// Returns the bound that a following part has to be below; the value itself ends the number with 1.
fn lower_order(value: u32) -> Option<u32> {
    Some(match value {
        0..20 => 1,
        20..100 => 10,
        _ => 100,
    })
}

fn word(tokens: &[Token], at: usize) -> Read {
    let token = tokens.get(at)?;
    let find =
        |text: &str| CARDINALS.iter().find(|(_, forms)| forms.contains(&text)).map(|(value, _)| *value);
    if let Some(value) = find(&token.text) {
        return Some((value, at + 1));
    }
    // Recognisers split numerals: «вось ми», «двад цать».
    let next =
        tokens.get(at + 1).filter(|next| next.kind == TokenKind::Word && next.text.chars().count() >= 2)?;
    if token.kind != TokenKind::Word || token.text.chars().count() < 2 {
        return None;
    }
    let begins = |form: &&str| form.starts_with(token.text.as_str());
    if !CARDINALS.iter().any(|(_, forms)| forms.iter().any(begins)) {
        return None;
    }
    find(&format!("{}{}", token.text, next.text)).map(|value| (value, at + 2))
}

/// Reads an ordinal from 1 to 99: `пятого`, `двадцать пятому`, `5-го`, `15му`.
pub(super) fn ordinal(tokens: &[Token], at: usize) -> Read {
    let token = tokens.get(at)?;
    if token.kind == TokenKind::Number {
        let value = (token.text.len() <= 2).then(|| token.text.parse().ok()).flatten()?;
        let hyphen = tokens.get(at + 1).filter(|next| next.is_one(&["-", "–", "‑"]) && token.touches(next));
        let ending = if hyphen.is_some() { at + 2 } else { at + 1 };
        let touches =
            tokens.get(ending).zip(tokens.get(ending - 1)).is_some_and(|(end, before)| before.touches(end));
        let is_ending = tokens
            .get(ending)
            .is_some_and(|end| end.is_one(&["го", "ого", "му", "ому", "е", "ое", "м", "ым"]));
        return (touches && is_ending).then_some((value, ending + 1));
    }
    if let Some(value) = ordinal_word(&token.text) {
        return Some((value, at + 1));
    }
    let tens = CARDINALS
        .iter()
        .find(|(value, forms)| (20..100).contains(value) && forms.contains(&token.text.as_str()))?
        .0;
    let units = tokens.get(at + 1).and_then(|next| ordinal_word(&next.text)).filter(|&units| units < 10)?;
    Some((tens + units, at + 2))
}

fn ordinal_word(text: &str) -> Option<u32> {
    if matches!(text, "третьего" | "третьему" | "третье" | "третьим" | "третьева")
    {
        return Some(3);
    }
    let stem = ORDINAL_ENDINGS.iter().find_map(|ending| text.strip_suffix(ending))?;
    ORDINALS.iter().find(|(_, known)| *known == stem).map(|(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokenise;
    use super::*;

    #[test]
    fn numerals_are_read_in_words_and_digits() {
        let cases = [
            ("40", Some((40, 1))),
            ("сорок пять минут", Some((45, 2))),
            ("сто двадцать три", Some((123, 3))),
            ("двадцать", Some((20, 1))),
            ("пять двадцать", Some((5, 1))),
            ("десять ноль ноль", Some((10, 1))),
            ("сорок пятнадцать", Some((40, 1))),
            ("вось ми", Some((8, 2))),
            ("трёх", Some((3, 1))),
            ("123456", None),
            ("дом", None),
        ];
        for (text, expected) in cases {
            assert_eq!(cardinal(&tokenise(text), 0), expected, "{text}");
        }
        let cases = [
            ("пятого", Some((5, 1))),
            ("двадцать пятому", Some((25, 2))),
            ("15-го", Some((15, 3))),
            ("19му", Some((19, 2))),
            ("десятава", Some((10, 1))),
            ("третьего", Some((3, 1))),
            ("15", None),
            ("пятую", None),
        ];
        for (text, expected) in cases {
            assert_eq!(ordinal(&tokenise(text), 0), expected, "{text}");
        }
    }
}
