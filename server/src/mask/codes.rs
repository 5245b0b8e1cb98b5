//! The words around a number: those that speak of a card, of its code, or of something else.

use std::ops::RangeInclusive;

use super::Run;
use super::numbers::{READINGS, items};
use super::tokens::{Token, What};

/// Names of the code on the back of a card, as recognisers and people write them.
const CODE_NAMES: &[&str] = &[
    "cvv",
    "cvc",
    "cvn",
    "cvs",
    "цвв",
    "цвс",
    "цвц",
    "цвк",
    "свв",
    "свс",
    "сививи",
    "сивиси",
    "сививи",
    "сиви",
    "цевеве",
    "цэвэвэ",
    "сиэвэ",
];
/// The same names said letter by letter.
const FIRST_LETTERS: &[&str] = &["си", "цэ", "це", "ц", "c", "с", "эс"];
const MIDDLE_LETTERS: &[&str] = &["ви", "вэ", "ве", "в", "v"];
const LAST_LETTERS: &[&str] = &["ви", "вэ", "ве", "в", "v", "си", "цэ", "це", "ц", "c", "с"];
/// Where the code stands.
const BACK: &[&str] =
    &["обороте", "оборота", "обратной", "обратную", "оборотной", "задней", "сзади", "изнанке"];
/// Numbers of other things: what stands just before decides.
const OTHER: &[&str] = &[
    "заказ",
    "договор",
    "контракт",
    "накладн",
    "отправлен",
    "трек",
    "инн",
    "огрн",
    "снилс",
    "кпп",
    "бик",
    "полис",
    "квитанц",
    "заявк",
    "обращен",
    "тикет",
    "imei",
    "имей",
    "симкарт",
    "iccid",
    "штрихкод",
    "артикул",
    "телефон",
    "тел",
    "вин",
    "vin",
    "уин",
    "чек",
    "посылк",
    "билет",
    "лицев",
    "uid",
    "id",
    "айди",
];

/// What an utterance says about cards.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cues {
    /// A bank card is spoken of.
    pub(super) card: bool,
    /// The code of a card is named: first and last token of its name.
    pub(super) code: Option<(usize, usize)>,
    /// Just «код»: it counts right after a card.
    pub(super) bare_code: Option<(usize, usize)>,
    /// Only the last digits are spoken of, which may be known.
    last_digits: bool,
}

impl Cues {
    /// Tells whether a run looks like a part of a number being dictated: hardly anything else is said.
    pub(super) fn dictation(&self, own: &[Token], run: Run) -> bool {
        const ELSE: [&str; 8] = ["срок", "дата", "дате", "год", "года", "рублей", "рубля", "руб"];
        let other = |token: &Token| matches!(&token.what, What::Word(word) if ELSE.contains(&word.as_str()));
        if self.last_digits || own.iter().any(other) {
            return false;
        }
        let others = own
            .iter()
            .enumerate()
            .filter(|(index, _)| *index < run.from || *index >= run.to)
            .filter(|(_, token)| matches!(&token.what, What::Word(word) if !is_card(word) && word != "моя" && word != "мой"))
            .count();
        others <= 1
    }
}

/// Looks for what an utterance says about cards.
pub(super) fn cues(tokens: &[Token]) -> Cues {
    let words: Vec<(usize, &str)> = tokens
        .iter()
        .enumerate()
        .filter_map(|(index, token)| match &token.what {
            What::Word(word) => Some((index, word.as_str())),
            _ => None,
        })
        .collect();
    let sim = |at: usize| at > 0 && matches!(words.get(at - 1), Some((_, "сим" | "sim" | "флеш" | "видео")));
    let card = words.iter().enumerate().any(|(at, (_, word))| is_card(word) && !sim(at))
        || sixteen_digits(tokens)
        || words
            .iter()
            .any(|(_, word)| matches!(*word, "visa" | "виза" | "mastercard" | "мастеркард" | "maestro"));
    let last_digits = words.iter().any(|(_, word)| word.starts_with("последн"));
    Cues { card, code: code(&words), bare_code: bare_code(&words), last_digits }
}

fn is_card(word: &str) -> bool {
    matches!(
        word,
        "карта"
            | "карты"
            | "карте"
            | "карту"
            | "картой"
            | "картою"
            | "карт"
            | "картам"
            | "картами"
            | "картах"
            | "карточка"
            | "карточки"
            | "карточке"
            | "карточку"
            | "карточкой"
            | "card"
            | "pan"
    )
}

/// «Шестнадцать цифр», «16 цифр».
fn sixteen_digits(tokens: &[Token]) -> bool {
    tokens.windows(2).any(|pair| match pair {
        [number, noun] => {
            let sixteen = items(std::slice::from_ref(number), READINGS[0])
                .first()
                .is_some_and(|item| item.digits.as_slice() == [1, 6]);
            sixteen && matches!(&noun.what, What::Word(word) if word.starts_with("цифр"))
        }
        _ => false,
    })
}

/// Finds the name of the code: one word, letters, or a description.
fn code(words: &[(usize, &str)]) -> Option<(usize, usize)> {
    for (at, (index, word)) in words.iter().enumerate() {
        let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
        if CODE_NAMES.contains(&name) {
            return Some((*index, *index));
        }
        let next = |step: usize| words.get(at + step).map(|(_, word)| *word);
        if FIRST_LETTERS.contains(word)
            && next(1).is_some_and(|word| MIDDLE_LETTERS.contains(&word))
            && next(2).is_some_and(|word| LAST_LETTERS.contains(&word))
        {
            return Some((*index, words.get(at + 2).map_or(*index, |(last, _)| *last)));
        }
        if is_code(word) && at > 0 {
            let before = words.get(at - 1).map_or("", |(_, word)| *word);
            if before.starts_with("секретн") || before.starts_with("защитн") {
                return Some((*index, *index));
            }
        }
        if is_code(word) && next(1).is_some_and(|word| word == "безопасности") {
            return Some((*index, words.get(at + 1).map_or(*index, |(last, _)| *last)));
        }
        if is_code(word) || word.starts_with("цифр") || word.starts_with("числ") {
            let back = words
                .iter()
                .enumerate()
                .find(|(other, (_, word))| BACK.contains(word) && other.abs_diff(at) <= 6);
            if let Some((_, (other, _))) = back {
                let side = words.iter().find(|(place, word)| {
                    *place > *other && *place <= *other + 1 && word.starts_with("сторон")
                });
                let end = side.map_or(*other, |(place, _)| *place);
                return Some((*index.min(other), end.max(*index)));
            }
        }
    }
    None
}

fn is_code(word: &str) -> bool {
    matches!(word, "код" | "кода" | "коде" | "кодом" | "code")
}

/// «Код» by itself, unless it is of a message, a town, a door.
fn bare_code(words: &[(usize, &str)]) -> Option<(usize, usize)> {
    const OF: &[&str] = &[
        "из",
        "смс",
        "sms",
        "подтверждения",
        "города",
        "региона",
        "домофона",
        "подразделения",
        "ошибки",
        "товара",
    ];
    words.iter().enumerate().find_map(|(at, (index, word))| {
        let of = words.get(at + 1).is_some_and(|(_, word)| OF.contains(word));
        (is_code(word) && !of).then_some((*index, *index))
    })
}

/// Tells whether the words just before a number say that it is of something else than a card.
pub(super) fn of_something_else(tokens: &[Token], from: usize) -> bool {
    for token in tokens.get(..from).unwrap_or_default().iter().rev().take(6) {
        let What::Word(word) = &token.what else { continue };
        if is_card(word) {
            return false;
        }
        let short = |name: &&str| name.chars().count() <= 4;
        if OTHER.iter().any(|name| if short(name) { word == name } else { word.starts_with(name) })
            || OTHER.iter().any(|name| {
                short(name) && word.starts_with(name) && word.chars().count() <= name.chars().count() + 2
            })
        {
            return true;
        }
    }
    false
}

/// Counts the words of an utterance outside a run.
pub(super) fn words_beside(own: &[Token], from: usize, to: usize) -> usize {
    own.iter()
        .enumerate()
        .filter(|(index, token)| (*index < from || *index >= to) && matches!(token.what, What::Word(_)))
        .count()
}

/// Finds the digits that go with the name of the code: the first ones after it, else the ones just before it.
/// Returns the tokens to mask.
pub(super) fn beside(
    own: &[Token],
    runs: impl Iterator<Item = (usize, usize)> + Clone,
    from: usize,
    to: usize,
) -> Option<Vec<usize>> {
    for (start, end) in runs.clone().filter(|(start, _)| *start > to) {
        let between = own.get(to + 1..start).unwrap_or_default();
        if between.iter().filter(|token| matches!(token.what, What::Word(_))).count() > 8 {
            break;
        }
        if counts_digits(own, end) {
            continue;
        }
        if let Some(range) = first_code(own, start, end) {
            return Some(range.collect());
        }
    }
    // Inside the name there may be a count: «три цифры на обороте».
    let (start, end) = runs.filter(|(_, end)| *end <= from).last()?;
    let between = own.get(end..from).unwrap_or_default();
    if between.iter().filter(|token| matches!(token.what, What::Word(_))).count() > 3
        || counts_digits(own, end)
    {
        return None;
    }
    let part = own.get(start..end).unwrap_or_default();
    let digits: usize = items(part, READINGS[0]).iter().map(|item| item.digits.len()).sum();
    (3..=4).contains(&digits).then(|| (start..end).collect())
}

/// Tells whether a number only says how many digits there are: «три цифры».
fn counts_digits(own: &[Token], end: usize) -> bool {
    matches!(own.get(end).map(|token| &token.what), Some(What::Word(word)) if word.starts_with("цифр") || word.starts_with("знак") || word.starts_with("числ"))
}

/// Takes the first three or four digits of a run.
fn first_code(own: &[Token], start: usize, end: usize) -> Option<RangeInclusive<usize>> {
    let part = own.get(start..end).unwrap_or_default();
    let items = items(part, READINGS[0]);
    let all: usize = items.iter().map(|item| item.digits.len()).sum();
    if (3..=4).contains(&all) {
        return Some(start..=end - 1);
    }
    let mut digits = 0;
    for item in &items {
        digits += item.digits.len();
        if digits >= 3 {
            return (digits <= 4).then_some(start..=start + item.last);
        }
    }
    None
}
