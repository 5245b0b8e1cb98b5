//! Verbs that promise, also as recognisers write them. The verbs themselves are data: `verbs.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::tokens::{Token, TokenKind};

/// How much a verb promises by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Force {
    /// Worth tracking without a time.
    Deed,
    /// Done on the spot as a rule.
    Now,
    /// Happens to the customer.
    Event,
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Person {
    /// «перезвоню», «вернём»
    First,
    /// «приедет», «свяжутся»
    Third,
}

/// The forms of the verbs in `verbs.txt`, each with its force and person.
static VERBS: LazyLock<HashMap<String, (Force, Person)>> = LazyLock::new(|| {
    let mut forms = HashMap::new();
    for line in include_str!("verbs.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let force = match words.next() {
            Some("deed") => Force::Deed,
            Some("event") => Force::Event,
            _ => Force::Now,
        };
        let (Some(first), Some(third), Some(plural)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        forms.insert(first.to_owned(), (force, Person::First));
        forms.insert(first_plural(third), (force, Person::First));
        forms.insert(third.to_owned(), (force, Person::Third));
        forms.insert(plural.to_owned(), (force, Person::Third));
    }
    forms
});

/// «перезвонит» → «перезвоним», «свяжется» → «свяжемся».
fn first_plural(third: &str) -> String {
    match third {
        "даст" | "передаст" | "выдаст" | "подаст" | "создаст" => {
            third.replace("ст", "дим")
        }
        _ => match third.strip_suffix("тся") {
            Some(stem) => format!("{stem}мся"),
            None => format!("{}м", third.strip_suffix('т').unwrap_or(third)),
        },
    }
}

/// How recognisers hear: unstressed vowels, doubled letters and soft endings fall together.
fn sound(word: &str) -> String {
    let word = word.replace("тся", "ца").replace("ться", "ца");
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        let c = match c {
            'о' => 'а',
            'е' | 'э' | 'я' => 'и',
            'ь' | 'ъ' => continue,
            _ => c,
        };
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

static SOUNDS: LazyLock<HashMap<String, (Force, Person)>> =
    LazyLock::new(|| VERBS.iter().map(|(form, known)| (sound(form), *known)).collect());

/// Prefixes that recognisers cut off: «пере звоню».
const PREFIXES: &[&str] = &[
    "пере", "по", "от", "вы", "при", "за", "до", "под", "с", "на", "раз", "рас", "о", "об", "вер", "про", "у",
];

/// Finds a promising verb; returns its force, person and the token behind it.
pub(super) fn verb(tokens: &[Token], at: usize) -> Option<(Force, Person, usize)> {
    let token = tokens.get(at).filter(|token| token.kind == TokenKind::Word)?;
    if let Some(&(force, person)) = VERBS.get(&token.text) {
        return Some((force, person, at + 1));
    }
    let joined = tokens.get(at + 1).filter(|_| PREFIXES.contains(&token.text.as_str()));
    if let Some(next) = joined {
        let whole = format!("{}{}", token.text, next.text);
        if let Some(&(force, person)) =
            VERBS.get(&whole).or_else(|| SOUNDS.get(&sound(&whole)).filter(|_| whole.chars().count() >= 6))
        {
            return Some((force, person, at + 2));
        }
    }
    // A short word falls together with too many others, an infinitive with the third person.
    if ["ть", "ти", "ться", "ца"].iter().any(|ending| token.text.ends_with(ending)) {
        return None;
    }
    let known = (token.text.chars().count() >= 6).then(|| SOUNDS.get(&sound(&token.text))).flatten();
    known.map(|&(force, person)| (force, person, at + 1))
}
