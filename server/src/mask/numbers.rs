//! Dictated numbers: how words become digits, and which digits can be a card.

use super::tokens::{NumberWord, Token, What};

/// One number of a run: a group of written digits or one spoken number, with the tokens it came from.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) digits: Vec<u8>,
    /// First and last token, in the tokens of the run.
    pub(super) first: usize,
    pub(super) last: usize,
}

/// How spoken numbers are told apart. «Две тысячи двести двадцать» is 2220, or 2000 and 220, or 2200 and 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// As a sum is said, across pauses.
    Together,
    /// A pause ends a number.
    Pauses,
    /// A thousand ends a number.
    Thousands,
}

/// Every reading; the first is the plain one.
pub(super) const READINGS: [Reading; 3] = [Reading::Together, Reading::Pauses, Reading::Thousands];

/// Reads the numbers of a run of tokens that holds nothing but numbers and pauses.
pub(super) fn items(run: &[Token], reading: Reading) -> Vec<Item> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(token) = run.get(at) {
        match &token.what {
            What::Digits(digits) => {
                out.push(Item { digits: digits.clone(), first: at, last: at });
                at += 1;
            }
            What::Number(_) => {
                let (digits, next) = spoken(run, at, reading);
                out.push(Item { digits, first: at, last: next - 1 });
                at = next;
            }
            What::Pause | What::Word(_) => at += 1,
        }
    }
    out
}

/// Reads one spoken number that begins at `at`; returns its digits and the token after it.
fn spoken(run: &[Token], at: usize, reading: Reading) -> (Vec<u8>, usize) {
    let word = |index: usize| match run.get(index).map(|token| &token.what) {
        Some(What::Number(word)) => Some(*word),
        _ => None,
    };
    // The next word of the same number, past a pause where the reading allows it.
    let next = |index: usize| {
        let mut next = index + 1;
        while reading != Reading::Pauses && run.get(next).is_some_and(|token| token.what == What::Pause) {
            next += 1;
        }
        let same = run.get(index).map(|token| token.utterance) == run.get(next).map(|token| token.utterance);
        if same { word(next).map(|word| (word, next)) } else { None }
    };
    // «Три семёрки» is 777, «два нуля» is 00.
    if let Some(NumberWord::Unit(count @ 2..=9) | NumberWord::Masculine(count @ 2)) = word(at)
        && let Some((NumberWord::Nouns(digit), after)) = next(at)
        && let Ok(digit) = u8::try_from(digit)
    {
        return (vec![digit; count as usize], after + 1);
    }
    let (mut value, mut last) = match word(at) {
        Some(NumberWord::Thousand | NumberWord::Thousands) => (1, None),
        _ => {
            let (value, last) = under_thousand(at, false, &word, &next);
            (value, Some(last.unwrap_or(at)))
        }
    };
    let thousand = match last {
        None => Some(at),
        Some(last) => match next(last) {
            Some((after, index))
                if !matches!(word(last), Some(NumberWord::Masculine(_))) && multiplies(value, after) =>
            {
                Some(index)
            }
            _ => None,
        },
    };
    if let Some(index) = thousand {
        value *= 1000;
        last = Some(index);
        if reading != Reading::Thousands
            && let Some((word_after, after)) = next(index)
            && !matches!(
                word_after,
                NumberWord::Thousand
                    | NumberWord::Thousands
                    | NumberWord::Noun(_)
                    | NumberWord::Nouns(_)
                    | NumberWord::Unit(0)
            )
        {
            let (rest, end) = under_thousand(after, true, &word, &next);
            if let Some(end) = end {
                value += rest;
                last = Some(end);
            }
        }
    }
    let digits = value.to_string().bytes().map(|byte| byte - b'0').collect();
    (digits, last.unwrap_or(at) + 1)
}

/// Tells whether a count and a thousand belong together: «одна тысяча», «две тысячи», but not «три тысяча».
fn multiplies(count: u32, word: NumberWord) -> bool {
    match word {
        NumberWord::Thousand => count % 10 == 1 && count % 100 != 11,
        NumberWord::Thousands => count > 0,
        _ => false,
    }
}

/// Reads hundreds, tens and units in falling order; returns the value and the last word used. After a thousand, a unit
/// that has a thousand of its own begins the next number: «три тысячи двадцать | пять тысяч».
fn under_thousand(
    at: usize,
    after_thousand: bool,
    word: &impl Fn(usize) -> Option<NumberWord>,
    next: &impl Fn(usize) -> Option<(NumberWord, usize)>,
) -> (u32, Option<usize>) {
    let (mut value, mut last) = (0, None);
    let mut current = word(at).map(|word| (word, at));
    let mut limit = 1000;
    while let Some((word, index)) = current {
        let (add, below) = match word {
            NumberWord::Hundred(add) => (add, 100),
            NumberWord::Ten(add) => (add, 10),
            NumberWord::Teen(add) => (add, 1),
            NumberWord::Unit(add) | NumberWord::Masculine(add) => (add, 1),
            NumberWord::Noun(add) | NumberWord::Nouns(add) => (add, 1),
            NumberWord::Thousand | NumberWord::Thousands => break,
        };
        let size = match word {
            NumberWord::Hundred(_) => 1000,
            NumberWord::Ten(_) | NumberWord::Teen(_) => 100,
            _ => 10,
        };
        // Nought, a noun, and anything not smaller than what came before begin a number of their own.
        let alone = matches!(word, NumberWord::Noun(_) | NumberWord::Nouns(_) | NumberWord::Unit(0));
        if size > limit || (alone && index != at) {
            break;
        }
        let feminine = !matches!(word, NumberWord::Masculine(_));
        if after_thousand
            && feminine
            && size == 10
            && next(index).is_some_and(|(word, _)| multiplies(add, word))
        {
            break;
        }
        (value, last, limit) = (value + add, Some(index), below);
        if alone || limit == 1 {
            break;
        }
        current = next(index);
    }
    (value, last)
}

/// How digits are grouped when they are dictated: where a number has to end, counted in digits.
const GROUPINGS: [&[usize]; 4] = [&[4, 8, 12, 16], &[3, 6, 9, 12, 15], &[4, 10], &[]];
/// How many steps the search for a grouping takes at most.
const STEPS: usize = 4_000;

/// Reads the head of a run so that it falls into one of the usual groupings and is a card: «двести тридцать пять» may be
/// 230 and 5. Returns how many tokens it takes.
pub(super) fn grouped_card(run: &[Token], around: Around) -> Option<usize> {
    // Any grouping at all only where a card is spoken of: it finds one number in ten by chance.
    GROUPINGS.iter().filter(|bounds| around.card || !bounds.is_empty()).find_map(|bounds| {
        let mut search = Search { run, bounds, around, steps: STEPS, digits: Vec::new() };
        search.from(0)
    })
}

struct Search<'r> {
    run: &'r [Token],
    bounds: &'r [usize],
    around: Around,
    steps: usize,
    digits: Vec<u8>,
}

impl Search<'_> {
    fn from(&mut self, mut at: usize) -> Option<usize> {
        let had = self.digits.len();
        let by_brand = known_brand(&self.digits) && !self.around.other;
        if had >= 14 && luhn(&self.digits) && (by_brand || had == 16 && self.around.card) {
            return Some(at);
        }
        while self.run.get(at).is_some_and(|token| token.what == What::Pause) {
            at += 1;
        }
        self.steps = self.steps.checked_sub(1)?;
        let bound = self.bounds.iter().copied().find(|bound| *bound > had).unwrap_or(19);
        for (digits, next) in numbers_at(self.run, at) {
            if had + digits.len() > bound {
                continue;
            }
            self.digits.extend(digits);
            if let Some(end) = self.from(next) {
                return Some(end);
            }
            self.digits.truncate(had);
        }
        None
    }
}

/// Returns every number that can begin at a token, the longest first, with the token after it.
fn numbers_at(run: &[Token], at: usize) -> Vec<(Vec<u8>, usize)> {
    let mut out = Vec::new();
    match run.get(at).map(|token| &token.what) {
        Some(What::Digits(digits)) => out.push((digits.clone(), at + 1)),
        Some(What::Number(_)) => {
            // A spoken number has at most seven words; pauses come between them.
            for end in (at + 1..=run.len().min(at + 12)).rev() {
                let part = run.get(at..end).unwrap_or_default();
                if part.last().is_some_and(|token| token.what == What::Pause) {
                    continue;
                }
                let (digits, used) = spoken(part, 0, Reading::Together);
                if used == part.len() {
                    out.push((digits, end));
                }
            }
        }
        _ => {}
    }
    out
}

/// What is known around a run of numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    /// A card is spoken of here or was a moment ago.
    pub(super) card: bool,
    /// The words just before say that the number is of something else.
    pub(super) other: bool,
}

/// Finds the cards among numbers: pairs of first and last item.
pub(super) fn cards(items: &[Item], around: Around) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut first = 0;
    while first < items.len() {
        match card_from(items, first, around) {
            Some(last) => {
                out.push((first, last));
                first = last + 1;
            }
            None => first += 1,
        }
    }
    out
}

fn card_from(items: &[Item], first: usize, around: Around) -> Option<usize> {
    let mut digits = Vec::new();
    let mut best = None;
    for (index, item) in items.iter().enumerate().skip(first) {
        digits.extend_from_slice(&item.digits);
        if digits.len() > 19 {
            // Card, date and code written without a gap: only where a card is spoken of.
            if index == first && around.card && digits.len() <= 26 && digits.get(..16).is_some_and(luhn) {
                return Some(index);
            }
            break;
        }
        let group = items.get(first..=index).unwrap_or_default();
        if digits.len() >= 13 && luhn(&digits) && plausible(&digits, group, first == 0, around) {
            // The longest: what follows a shorter one is a part of the card or its code.
            best = Some(index);
        }
    }
    best
}

fn plausible(digits: &[u8], group: &[Item], leads: bool, around: Around) -> bool {
    let same = digits.iter().all(|digit| Some(digit) == digits.first());
    if same {
        return false;
    }
    let in_fours = digits.len() == 16 && group.len() == 4 && group.iter().all(|item| item.digits.len() == 4);
    if around.card || in_fours {
        return true;
    }
    // Not at the head of its run it may be the tail of one number and the head of the next.
    !around.other && (leads || group.len() == 1) && known_brand(digits)
}

/// Tells whether the first digits and the length are those of a card: Mir, Visa, Mastercard, Maestro, UnionPay, JCB,
/// American Express, Diners (ISO/IEC 7812 ranges as the systems publish them).
fn known_brand(digits: &[u8]) -> bool {
    let lead = digits.iter().take(4).fold(0_u32, |value, &digit| value * 10 + u32::from(digit));
    match digits.len() {
        13 => lead / 1000 == 4,
        14 => matches!(lead / 10, 300..=305) || matches!(lead / 100, 36 | 38 | 39),
        15 => matches!(lead / 100, 34 | 37),
        16 => {
            matches!(lead, 2200..=2204 | 2221..=2720 | 3528..=3589)
                || lead / 1000 == 4
                || matches!(lead / 100, 50..=58 | 60 | 62..=65 | 67..=69)
        }
        17 | 18 => matches!(lead / 100, 50 | 56..=58 | 62 | 63 | 67..=69) || matches!(lead, 2200..=2204),
        19 => {
            matches!(lead, 2200..=2204)
                || lead / 1000 == 4
                || matches!(lead / 100, 50 | 56..=58 | 60 | 62..=65 | 67..=69)
        }
        _ => false,
    }
}

/// The check digit of ISO/IEC 7812-1.
pub(super) fn luhn<D: AsRef<[u8]> + ?Sized>(digits: &D) -> bool {
    let sum: u32 = digits
        .as_ref()
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, u32::from(digit) * 2) {
            (0, double) => double / 2,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    fn read(text: &str, reading: Reading) -> String {
        let chars: Vec<char> = text.chars().collect();
        let numbers: Vec<String> = items(&tokens(&chars, 0), reading)
            .iter()
            .map(|item| item.digits.iter().map(ToString::to_string).collect())
            .collect();
        numbers.join(" ")
    }

    #[test]
    fn dictated_numbers_are_read_as_people_say_them() {
        for (text, numbers) in [
            ("сорок два семьдесят шесть", "42 76"),
            ("четыре два семь шесть", "4 2 7 6"),
            ("двести пять триста сорок один девятьсот двенадцать", "205 341 912"),
            ("две тысячи двести ноль ноль двенадцать", "2200 0 0 12"),
            ("тысяча двести тридцать четыре", "1234"),
            ("три семёрки два нуля пять", "777 00 5"),
            ("два ноль", "2 0"),
            ("двадцать три тысячи сто", "23100"),
            ("девяносто десять один", "90 10 1"),
            ("четыре ноль ноль семь двойка", "4 0 0 7 2"),
            ("две тысячи три тысяча семьсот", "2003 1700"),
            ("две тысячи двести один тысяча девятьсот", "2201 1900"),
            ("двадцать одна тысяча девятьсот", "21900"),
            ("две тысячи двадцать пять тысяч сто", "2020 5100"),
            ("42 семьдесят 6", "42 70 6"),
        ] {
            assert_eq!(read(text, Reading::Together), numbers, "{text}");
        }
        assert_eq!(read("сорок, два", Reading::Together), "42");
        assert_eq!(read("сорок, два", Reading::Pauses), "40 2");
        assert_eq!(read("две тысячи двести двадцать", Reading::Thousands), "2000 220");
    }

    #[test]
    fn the_check_digit_is_checked() {
        let digits = |text: &str| text.bytes().map(|byte| byte - b'0').collect::<Vec<u8>>();
        assert!(luhn(&digits("4111111111111111")));
        assert!(!luhn(&digits("4111111111111112")));
    }
}
