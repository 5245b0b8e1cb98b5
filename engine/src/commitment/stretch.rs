//! Stretches of time from now: «через 40 минут», «в течение двух рабочих дней», «до 14 дней».

use super::calendar::Stretch;
use super::numbers::cardinal;
use super::phrases::{phrase_at, soft};
use super::tokens::Token;

/// No promise counts further than this many of any unit.
const MOST: u32 = 10_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Minute,
    Hour,
    Day,
    FullDay,
    Week,
    Month,
    Year,
}

fn unit(token: &Token) -> Option<Unit> {
    let text = token.text.as_str();
    Some(match text {
        "минут" | "минуты" | "минуту" | "минута" | "мин" | "минуточек" | "минуток" | "минутку"
        | "минуточку" => Unit::Minute,
        "час" | "часа" | "часов" | "часу" | "ч" | "часик" => Unit::Hour,
        "день" | "дня" | "дней" | "дн" | "дни" => Unit::Day,
        "сутки" | "суток" => Unit::FullDay,
        "неделю" | "недели" | "недель" | "неделя" | "нидели" | "нед" => {
            Unit::Week
        }
        "месяц" | "месяца" | "месяцев" | "мес" => Unit::Month,
        "год" | "года" | "лет" => Unit::Year,
        _ => return None,
    })
}

fn stretch_of(count: u32, unit: Unit, working: bool) -> Stretch {
    let count = i64::from(count);
    match unit {
        Unit::Minute => Stretch::Minutes(count),
        Unit::Hour => Stretch::Minutes(count * 60),
        Unit::FullDay => Stretch::Minutes(count * 24 * 60),
        Unit::Day if working => Stretch::WorkingDays(count),
        Unit::Day => Stretch::Days(count),
        Unit::Week => Stretch::Days(count * 7),
        Unit::Month => Stretch::Months(count),
        Unit::Year => Stretch::Months(count * 12),
    }
}

/// Reads a stretch: «через 40 минут», «в течение двух рабочих дней», «до 14 дней», «минут через сорок».
pub(super) fn stretch(tokens: &[Token], at: usize) -> Option<(Stretch, usize)> {
    if let Some(found) = inverted(tokens, at).or_else(|| at_most(tokens, at)) {
        return Some(found);
    }
    let from = soft(tokens, at);
    let (within, past) = opening(tokens, from)?;
    let past = soft(tokens, past);
    if let Some(half) = half(tokens, past) {
        // «позвонит за полчаса» is before something else.
        return (within != Opening::In).then_some(half);
    }
    let (count, mut past, told) = match range_end(tokens, past) {
        Some((count, past)) => (count, past, true),
        None => (1, past, false),
    };
    let adjective = tokens.get(past).map_or("", |token| token.text.as_str());
    let working = ["рабоч", "банковск"].iter().any(|stem| adjective.starts_with(stem));
    if working || adjective.starts_with("календарн") || adjective.starts_with("полн") {
        past += 1;
    }
    let unit = unit(tokens.get(past)?)?;
    past += 1;
    if count > MOST {
        return None;
    }
    match within {
        // «до шести часов» is an hour of the clock; «за день» without a number is none of either.
        Opening::UpTo if !told || unit == Unit::Year || (unit == Unit::Hour && count < 24) => return None,
        Opening::In if !told || tokens.get(past).is_some_and(|next| next.is("до")) => return None,
        // «в течение дня» is today.
        Opening::Within if !told && unit == Unit::Day => return Some((Stretch::Days(0), past)),
        _ => {}
    }
    Some((stretch_of(count, unit, working), past))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// «через»
    Through,
    /// «в течение»
    Within,
    /// «до»
    UpTo,
    /// «за»
    In,
}

fn opening(tokens: &[Token], at: usize) -> Option<(Opening, usize)> {
    const OPENINGS: &[(&str, Opening)] = &[
        ("не позднее чем через", Opening::Through),
        ("не позже чем через", Opening::Through),
        ("не позднее через", Opening::Through),
        ("через", Opening::Through),
        ("чирез", Opening::Through),
        ("черес", Opening::Through),
        ("спустя", Opening::Through),
        ("в течение", Opening::Within),
        ("в течении", Opening::Within),
        ("течение", Opening::Within),
        ("в тичение", Opening::Within),
        ("в пределах", Opening::Within),
        ("в ближайшие", Opening::Within),
        ("в ближайший", Opening::Within),
        ("ближайшие", Opening::Within),
        ("ближайший", Opening::Within),
        ("за", Opening::In),
        ("до", Opening::UpTo),
        ("не более", Opening::UpTo),
        ("не больше", Opening::UpTo),
        ("максимум", Opening::UpTo),
    ];
    OPENINGS.iter().find_map(|(phrase, opening)| phrase_at(tokens, at, phrase).map(|past| (*opening, past)))
}

/// «час максимум», «два дня максимум».
fn at_most(tokens: &[Token], at: usize) -> Option<(Stretch, usize)> {
    let (count, past) = cardinal(tokens, at).unwrap_or((1, at));
    let unit = unit(tokens.get(past)?)?;
    let most = tokens.get(past + 1).is_some_and(|token| token.is_one(&["максимум", "самое"]));
    (most && count <= MOST).then_some((stretch_of(count, unit, false), past + 2))
}

/// «полчаса», «пол часа», «полтора часа», «полторы недели».
fn half(tokens: &[Token], at: usize) -> Option<(Stretch, usize)> {
    let token = tokens.get(at)?;
    if token.is_one(&["полчаса", "полчасика", "получаса"]) {
        return Some((Stretch::Minutes(30), at + 1));
    }
    if token.is("пол") && tokens.get(at + 1).is_some_and(|next| next.is("часа")) {
        return Some((Stretch::Minutes(30), at + 2));
    }
    if !token.is_one(&["полтора", "полторы", "полутора"]) {
        return None;
    }
    let stretch = match unit(tokens.get(at + 1)?)? {
        Unit::Hour => Stretch::Minutes(90),
        Unit::FullDay => Stretch::Minutes(36 * 60),
        Unit::Week => Stretch::Days(11),
        Unit::Month => Stretch::Days(45),
        _ => return None,
    };
    Some((stretch, at + 2))
}

/// «два-три», «5–7», «два или три», «с трёх до пяти»: the later end is what was promised.
fn range_end(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let (first, past) = cardinal(tokens, at)?;
    let joined = tokens.get(past).is_some_and(|token| token.is_one(&["-", "–", "—", "или", "до"]));
    let next = if joined { past + 1 } else { past };
    match cardinal(tokens, next) {
        Some((second, past)) if second > first && (joined || second == first + 1) => Some((second, past)),
        _ => Some((first, past)),
    }
}

/// «минут через сорок», «часа через два», «дня за три».
fn inverted(tokens: &[Token], at: usize) -> Option<(Stretch, usize)> {
    let unit = unit(tokens.get(at)?)?;
    let (opening, past) = opening(tokens, at + 1)?;
    if !matches!(opening, Opening::Through | Opening::In) {
        return None;
    }
    let (count, past) = range_end(tokens, past).filter(|(count, _)| *count <= MOST)?;
    Some((stretch_of(count, unit, false), past))
}
