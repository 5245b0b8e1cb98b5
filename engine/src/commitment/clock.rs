//! Hours of the clock and parts of the day: «до шести», «с 12 до 18», «в половине шестого», «после обеда».

use super::calendar::{Clock, Part};
use super::numbers::{cardinal, ordinal};
use super::phrases::{ends_here, number, phrase_at, soft};
use super::tokens::{Token, TokenKind};

const BEFORE_CLOCK: &[&str] =
    &["до", "к", "ко", "в", "во", "после", "на", "около", "с", "со", "часов", "часам", "между", "по"];

/// Reads an hour of the clock with what stands before it, and the part of the day it names.
pub(super) fn clock(tokens: &[Token], at: usize, has_day: bool) -> Option<(Clock, Option<Part>, usize)> {
    let mut from = soft(tokens, at);
    if phrase_at(tokens, from, "не позднее").or_else(|| phrase_at(tokens, from, "не позже")).is_some()
    {
        from += 2;
    }
    let lead = from;
    // «часов в шесть», «часам к двум», «до примерно шести»
    while tokens.get(from).is_some_and(|token| token.is_one(BEFORE_CLOCK)) && from < lead + 3 {
        from = soft(tokens, from + 1);
    }
    let told_before = from > lead;
    let opening = |word: &[&str]| {
        tokens.get(lead..from).is_some_and(|words| words.iter().any(|token| token.is_one(word)))
    };
    let interval = opening(&["с", "со", "между"]);
    let (clock, part, mut past) = hour(tokens, from, told_before, has_day)?;
    if interval || has_day || clock.exact {
        // «с 12 до 18», «между двумя и пятью», «12:00–18:00»: the end of the interval counts.
        let joins = tokens.get(past).is_some_and(|token| {
            token.is_one(&["-", "–", "—"]) || (interval && token.is_one(&["до", "и", "по"]))
        });
        let joined = if joins { hour(tokens, past + 1, true, has_day) } else { None };
        if let Some((end, end_part, end_past)) = joined {
            let end = Clock { after: false, ..end };
            return Some((end, end_part.or(part), end_past));
        }
    }
    // A start without an end is no time by which something is done.
    if interval {
        return None;
    }
    let after = opening(&["после"]);
    let sure = part.is_some() || clock.exact || has_day;
    if opening(&["на"]) && !sure {
        return None;
    }
    // «в три» is an hour, «в трёх» is where.
    let oblique = tokens[from].kind == TokenKind::Word
        && !tokens[from].is("три")
        && ["и", "х", "м"].iter().any(|ending| tokens[from].text.ends_with(ending));
    if from > lead
        && tokens[from - 1].is_one(&["в", "во", "на"])
        && oblique
        && clock.hour > 0
        && !(past > from + 1 && sure)
    {
        return None;
    }
    if tokens.get(past).is_some_and(|token| token.is("(")) {
        past = time_zone_note(tokens, past);
    }
    Some((Clock { after, ..clock }, part, past))
}

/// «(мск)» behind an hour belongs to it.
fn time_zone_note(tokens: &[Token], at: usize) -> usize {
    let close = tokens.get(at..).and_then(|rest| rest.iter().take(4).position(|token| token.is(")")));
    let moscow = tokens.get(at + 1).is_some_and(|token| token.is_one(&["мск", "msk", "время"]));
    if moscow { close.map_or(at, |close| at + close + 1) } else { at }
}

fn hour(
    tokens: &[Token],
    at: usize,
    told_before: bool,
    has_day: bool,
) -> Option<(Clock, Option<Part>, usize)> {
    let token = tokens.get(at)?;
    if let Some(named) = named_hour(tokens, at) {
        return Some(named);
    }
    if let Some((hour, minute, past)) = digital(tokens, at, told_before) {
        let exact = hour >= 8 || tokens[at].text.len() == 2;
        let (part, past) = part_behind(tokens, past);
        return Some((Clock { hour, minute, exact, after: false }, part, past));
    }
    // «в час дня», «к часу»
    if told_before
        && token.is_one(&["час", "часу"])
        && !tokens.get(at + 1).is_some_and(|next| next.is("ночи"))
    {
        let (part, past) = part_behind(tokens, at + 1);
        return Some((Clock { hour: 1, minute: 0, exact: false, after: false }, part, past));
    }
    let (value, past) = cardinal(tokens, at)?;
    let hour = i8::try_from(value).ok().filter(|hour| (0..=24).contains(hour))?;
    let (minute, past) = minutes(tokens, past);
    let said =
        tokens.get(past).is_some_and(|next| next.is_one(&["часов", "часа", "час", "ч", "часам", "часами"]));
    let past = if said { past + 1 } else { past };
    let (part, past) = part_behind(tokens, past);
    // A number alone is an hour only where the words around it say so.
    let sure = said || part.is_some() || minute > 0;
    if !(told_before || (has_day && sure)) || !(sure || ends_here(tokens.get(past))) {
        return None;
    }
    Some((Clock { hour, minute, exact: hour > 12, after: false }, part, past))
}

/// «полдень», «полночь», «полшестого», «в половине шестого», «без четверти пять».
fn named_hour(tokens: &[Token], at: usize) -> Option<(Clock, Option<Part>, usize)> {
    let token = tokens.get(at)?;
    let named = |hour, minute, exact, past| Some((Clock { hour, minute, exact, after: false }, None, past));
    match token.text.as_str() {
        "полдень" | "полдню" | "полудня" | "полудню" => {
            return named(12, 0, true, at + 1);
        }
        "полночь" | "полуночи" => return named(24, 0, true, at + 1),
        _ => {}
    }
    if let Some((hour, past)) =
        token.text.strip_prefix("пол").and_then(ordinal_hour).map(|hour| (hour, at + 1))
    {
        return named(hour - 1, 30, false, past);
    }
    if token.is_one(&["половине", "половины", "половину", "пол"]) {
        let (hour, past) = ordinal(tokens, at + 1)?;
        let hour = i8::try_from(hour).ok().filter(|hour| (1..=12).contains(hour))?;
        return named(hour - 1, 30, false, past);
    }
    if token.is("без") {
        let (minutes, past) = match tokens.get(at + 1)?.text.as_str() {
            "четверти" => (15, at + 2),
            _ => cardinal(tokens, at + 1)?,
        };
        let past = if tokens.get(past).is_some_and(|next| next.is("минут")) { past + 1 } else { past };
        let (hour, past) = cardinal(tokens, past)?;
        let hour = i8::try_from(hour).ok().filter(|hour| (1..=24).contains(hour))?;
        let minute = i8::try_from(60 - minutes.min(59)).ok()?;
        return named(hour - 1, minute, hour > 13, past);
    }
    None
}

fn ordinal_hour(text: &str) -> Option<i8> {
    let token = super::tokens::tokenise(text);
    let (hour, _) = ordinal(&token, 0)?;
    i8::try_from(hour).ok().filter(|hour| (1..=12).contains(hour))
}

/// `16:00`, `16.30`, `16-00`, `16 00` behind a preposition.
fn digital(tokens: &[Token], at: usize, told_before: bool) -> Option<(i8, i8, usize)> {
    let hour: i8 = number(tokens, at, 2).filter(|hour| (0..=24).contains(hour))?;
    let sign = tokens.get(at + 1)?;
    let minute: i8 = number(tokens, at + 2, 2).filter(|minute| (0..=59).contains(minute))?;
    let glued = tokens[at].touches(sign) && sign.touches(&tokens[at + 2]) && tokens[at + 2].text.len() == 2;
    let is_clock = sign.is(":") || (told_before && sign.is_one(&[".", "-"]));
    (glued && is_clock).then_some((hour, minute, at + 3))
}

/// «тридцать», «ноль ноль», «сорок пять минут» behind an hour.
fn minutes(tokens: &[Token], at: usize) -> (i8, usize) {
    let Some((value, past)) = cardinal(tokens, at) else { return (0, at) };
    if value == 0 {
        let zeros = cardinal(tokens, past).filter(|(value, _)| *value < 10);
        return zeros.map_or((0, past), |(value, past)| (i8::try_from(value).unwrap_or(0), past));
    }
    let said = tokens.get(past).is_some_and(|token| token.is_one(&["минут", "минуты"]));
    if tokens[at].kind == TokenKind::Word
        && (10..60).contains(&value)
        && (value % 5 == 0 || said)
        && ends_here(tokens.get(past))
    {
        return (i8::try_from(value).unwrap_or(0), if said { past + 1 } else { past });
    }
    (0, at)
}

fn part_behind(tokens: &[Token], at: usize) -> (Option<Part>, usize) {
    let part = match tokens.get(at).map(|token| token.text.as_str()) {
        Some("утра" | "утром") => Part::Morning,
        Some("дня" | "днем") => Part::Afternoon,
        Some("вечера" | "вечером" | "вечира") => Part::Evening,
        Some("ночи" | "ночью") => Part::Night,
        _ => return (None, at),
    };
    (Some(part), at + 1)
}

/// Reads a part of the day: «утром», «с утра», «к вечеру», «до обеда», «во второй половине дня».
pub(super) fn part_of_day(tokens: &[Token], at: usize) -> Option<(Part, usize)> {
    const PARTS: &[(&str, Part)] = &[
        ("прямо с утра", Part::Morning),
        ("с самого утра", Part::Morning),
        ("с утра", Part::Morning),
        ("до утра", Part::Morning),
        ("к утру", Part::Morning),
        ("утром", Part::Morning),
        ("у тром", Part::Morning),
        ("утречком", Part::Morning),
        ("в первой половине дня", Part::Noon),
        ("до обеда", Part::Noon),
        ("к обеду", Part::Noon),
        ("в обед", Part::Noon),
        ("после обеда", Part::Afternoon),
        ("во второй половине дня", Part::Afternoon),
        ("днем", Part::Afternoon),
        ("к вечеру", Part::Dusk),
        ("до конца рабочего дня", Part::Dusk),
        ("к концу рабочего дня", Part::Dusk),
        ("в конце рабочего дня", Part::Dusk),
        ("до конца смены", Part::Dusk),
        ("к концу смены", Part::Dusk),
        ("до вечера", Part::Evening),
        ("ближе к вечеру", Part::Dusk),
        ("вечером", Part::Evening),
        ("вечерком", Part::Evening),
        ("до темноты", Part::Evening),
        ("до конца дня", Part::Night),
        ("к концу дня", Part::Night),
        ("в конце дня", Part::Night),
        ("до конца суток", Part::Night),
        ("до ночи", Part::Night),
        ("к ночи", Part::Night),
        ("ночью", Part::Night),
    ];
    PARTS.iter().find_map(|(phrase, part)| phrase_at(tokens, at, phrase).map(|past| (*part, past)))
}
