//! Finds the words that name a time by which something is done, and what they say.

use jiff::civil::DateTime;

use super::calendar::{self, Day, Parts};
use super::clock::{clock, part_of_day};
use super::day::day;
use super::phrases::phrase_at;
use super::stretch::stretch;
use super::tokens::Token;

/// One expression of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// Index of its first token.
    pub first: usize,
    /// Index of the token behind it.
    pub past: usize,
    /// The point in time, if the words name one.
    pub when: Option<DateTime>,
    /// An hour, a day or a date is named, not a duration: an appointment can be told by it alone.
    pub dated: bool,
}

/// Finds all expressions of time, in order.
pub(super) fn find(tokens: &[Token], now: Option<DateTime>) -> Vec<Due> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match expression(tokens, at, now) {
            Some(due) => {
                at = due.past;
                found.push(due);
            }
            None => at += 1,
        }
    }
    found
}

fn expression(tokens: &[Token], first: usize, now: Option<DateTime>) -> Option<Due> {
    let mut parts = Parts::default();
    let mut at = first;
    while let Some(past) =
        atom(tokens, at, &mut parts).or_else(|| atom(tokens, after_comma(tokens, at, first)?, &mut parts))
    {
        at = past;
    }
    if at > first {
        let at =
            if tokens.get(at).is_some_and(|token| token.is_one(&["ровно", "максимум", "точно", "примерно"]))
            {
                at + 1
            } else {
                at
            };
        let when = now.and_then(|now| calendar::resolve(&parts, now));
        let dated =
            parts.stretch.is_none() && (parts.day.is_some() || parts.clock.is_some() || parts.part.is_some());
        return Some(Due { first, past: at, when, dated });
    }
    let past = vague(tokens, first)?;
    Some(Due { first, past, when: None, dated: false })
}

/// «Послезавтра, 3 марта, с 12 до 18»: a comma or a dash between two parts of one expression.
fn after_comma(tokens: &[Token], at: usize, first: usize) -> Option<usize> {
    (at > first && tokens.get(at)?.is_one(&[",", "-", "–", "—", "(", "или"])).then_some(at + 1)
}

/// Words that promise a time and name none.
fn vague(tokens: &[Token], at: usize) -> Option<usize> {
    const PHRASES: &[&str] = &[
        "в ближайшее время",
        "в скором времени",
        "как можно скорее",
        "как можно быстрее",
        "при первой возможности",
        "на днях",
        "в кратчайшие сроки",
        "в самое ближайшее время",
        "чуть позже",
        "попозже",
        "скоро",
        "вскоре",
        "через некоторое время",
        "через какое то время",
        "через несколько минут",
        "через несколько часов",
        "через несколько дней",
        "в течение нескольких минут",
        "в течение нескольких часов",
        "в течение нескольких дней",
    ];
    PHRASES.iter().find_map(|phrase| phrase_at(tokens, at, phrase))
}

/// Reads one part of an expression; returns the index behind it. What is known already is not told twice.
fn atom(tokens: &[Token], at: usize, parts: &mut Parts) -> Option<usize> {
    if parts.stretch.is_none()
        && parts.day.is_none()
        && let Some((stretch, past)) = stretch(tokens, at)
    {
        parts.stretch = Some(stretch);
        return Some(past);
    }
    if let Some((day, past)) =
        day(tokens, at).filter(|(new, _)| parts.day.is_none_or(|known| refines(known, *new)))
    {
        parts.day = Some(day);
        return Some(past);
    }
    if parts.clock.is_none()
        && let Some((clock, part, past)) = clock(tokens, at, parts.day.is_some())
    {
        parts.clock = Some(clock);
        parts.part = part.or(parts.part);
        return Some(past);
    }
    if parts.part.is_none()
        && let Some((part, past)) = part_of_day(tokens, at)
    {
        parts.part = Some(part);
        return Some(past);
    }
    None
}

/// «Послезавтра, 3 марта»: a date tells the same day more exactly; «завтра, в среду» and «сегодня завтра» likewise.
fn refines(known: Day, new: Day) -> bool {
    match (known, new) {
        (Day::In(_) | Day::Weekday(..), Day::Date { .. } | Day::OfMonth(_)) => true,
        (Day::In(early), Day::In(late)) => late > early,
        _ => false,
    }
}
