//! Finds the words that name a time by which something is done, and what they say.

use jiff::civil::{DateTime, Weekday};

use super::calendar::{self, Clock, Day, Part, Parts, Period, Stretch};
use super::numbers::{cardinal, ordinal};
use super::tokens::{Token, TokenKind};

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
    while let Some(past) = atom(tokens, at, &mut parts).or_else(|| atom(tokens, after_comma(tokens, at, first)?, &mut parts)) {
        at = past;
    }
    if at > first {
        let at = if tokens.get(at).is_some_and(|token| token.is_one(&["ровно", "максимум", "точно", "примерно"])) { at + 1 } else { at };
        let when = now.and_then(|now| calendar::resolve(&parts, now));
        let dated = parts.stretch.is_none() && (parts.day.is_some() || parts.clock.is_some() || parts.part.is_some());
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
        "в ближайшее время", "в скором времени", "как можно скорее", "как можно быстрее", "при первой возможности",
        "на днях", "в кратчайшие сроки", "в самое ближайшее время", "чуть позже", "попозже", "скоро", "вскоре",
        "через некоторое время", "через какое то время", "через несколько минут", "через несколько часов",
        "через несколько дней", "в течение нескольких минут", "в течение нескольких часов", "в течение нескольких дней",
    ];
    PHRASES.iter().find_map(|phrase| phrase_at(tokens, at, phrase))
}

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

/// Reads one part of an expression; returns the index behind it. What is known already is not told twice.
fn atom(tokens: &[Token], at: usize, parts: &mut Parts) -> Option<usize> {
    if parts.stretch.is_none()
        && parts.day.is_none()
        && let Some((stretch, past)) = stretch(tokens, at)
    {
        parts.stretch = Some(stretch);
        return Some(past);
    }
    if let Some((day, past)) = day(tokens, at).filter(|(new, _)| parts.day.is_none_or(|known| refines(known, *new))) {
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

/// Skips words that only soften: «примерно», «где-то», «буквально».
fn soft(tokens: &[Token], at: usize) -> usize {
    let mut at = at;
    while tokens.get(at).is_some_and(|token| {
        token.is_one(&["примерно", "буквально", "приблизительно", "ориентировочно", "где", "то", "ровно", "ровна", "максимум", "еще", "уже", "самое"])
    }) || (tokens.get(at).is_some_and(|token| token.is("-")) && tokens.get(at + 1).is_some_and(|token| token.is("то")))
    {
        at += 1;
    }
    at
}

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
        "минут" | "минуты" | "минуту" | "минута" | "мин" | "минуточек" | "минуток" | "минутку" | "минуточку" => Unit::Minute,
        "час" | "часа" | "часов" | "часу" | "ч" | "часик" => Unit::Hour,
        "день" | "дня" | "дней" | "дн" | "дни" => Unit::Day,
        "сутки" | "суток" => Unit::FullDay,
        "неделю" | "недели" | "недель" | "неделя" | "нидели" | "нед" => Unit::Week,
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
fn stretch(tokens: &[Token], at: usize) -> Option<(Stretch, usize)> {
    if let Some(inverted) = inverted(tokens, at) {
        return Some(inverted);
    }
    let from = soft(tokens, at);
    let (within, past) = opening(tokens, from)?;
    let past = soft(tokens, past);
    if let Some(half) = half(tokens, past) {
        return Some(half);
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
        Opening::UpTo if !told || (unit == Unit::Hour && count < 24) => return None,
        Opening::In if !told => return None,
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

const WEEKDAYS: &[(Weekday, &[&str])] = &[
    (Weekday::Monday, &["понедельник", "понедельника", "понедельнику", "панедельник", "понидельник", "пн"]),
    (Weekday::Tuesday, &["вторник", "вторника", "вторнику", "фторник", "вт"]),
    (Weekday::Wednesday, &["среду", "среды", "среде", "среда", "ср", "сриду"]),
    (Weekday::Thursday, &["четверг", "четверга", "четвергу", "читверг", "чт"]),
    (Weekday::Friday, &["пятницу", "пятницы", "пятнице", "пятница", "пт", "пятнитсу", "питницу"]),
    (Weekday::Saturday, &["субботу", "субботы", "субботе", "суббота", "сб", "суботу"]),
    (Weekday::Sunday, &["воскресенье", "воскресенья", "воскресенью", "вс"]),
];

fn weekday(text: &str) -> Option<Weekday> {
    WEEKDAYS.iter().find(|(_, forms)| forms.contains(&text)).map(|(weekday, _)| *weekday)
}

const MONTHS: &[&str] = &[
    "январ", "феврал", "март", "апрел", "ма", "июн", "июл", "август", "сентябр", "октябр", "ноябр", "декабр",
];

fn month(text: &str) -> Option<i8> {
    // «мая» is a month, «моя» and «май» as a name are not heard this way.
    if matches!(text, "ма" | "мау") {
        return None;
    }
    let at = MONTHS.iter().position(|stem| {
        text.strip_prefix(stem).is_some_and(|ending| matches!(ending, "я" | "а" | "ю" | "у" | "е" | "ь" | "й" | ""))
    })?;
    i8::try_from(at + 1).ok()
}

/// Reads a day, with the preposition before it.
fn day(tokens: &[Token], at: usize) -> Option<(Day, usize)> {
    let token = tokens.get(at)?;
    if let Some((day, past)) = near_day(tokens, at) {
        return Some((day, past));
    }
    if let Some((period, next, past)) = end_of_period(tokens, at) {
        return Some((Day::EndOf(period, next), past));
    }
    let preposition = token.is_one(&["до", "к", "ко", "в", "во", "на", "с", "со", "по", "уже", "не", "под"]);
    let at_day = match () {
        () if token.is("не") => phrase_at(tokens, at, "не позднее").or_else(|| phrase_at(tokens, at, "не позже"))?,
        () if preposition => at + 1,
        () => at,
    };
    if let Some(found) = calendar_date(tokens, at_day, preposition) {
        return Some(found);
    }
    // Merged by the recogniser: «допонедельника», «впятницу».
    let merged = || ["до", "в", "к"].iter().find_map(|prefix| weekday(token.text.strip_prefix(prefix)?));
    if let Some(weekday) = merged() {
        return Some((Day::Weekday(weekday, false), at + 1));
    }
    let next_week = tokens.get(at_day).is_some_and(|word| word.is_one(&["следующий", "следующую", "следующее", "следующей", "следующего"]));
    let this = tokens.get(at_day).is_some_and(|word| {
        word.is_one(&["этот", "эту", "это", "этой", "этого", "ближайший", "ближайшую", "ближайшее", "ближайшей"])
    });
    let name = if next_week || this { at_day + 1 } else { at_day };
    let weekday = weekday(&tokens.get(name)?.text)?;
    // Without a preposition only what goes on as a time is one: «понедельник, 10:00», «пятница утром».
    let bare_fits = || {
        let next = if tokens.get(name + 1).is_some_and(|next| next.is(",")) { name + 2 } else { name + 1 };
        clock(tokens, next, true).is_some() || part_of_day(tokens, next).is_some()
    };
    let next_week_told = phrase_at(tokens, name + 1, "на следующей неделе").or_else(|| phrase_at(tokens, name + 1, "следующей недели"));
    if !(preposition || next_week || this || bare_fits()) {
        return None;
    }
    Some((Day::Weekday(weekday, next_week || next_week_told.is_some()), next_week_told.unwrap_or(name + 1)))
}

/// «сегодня», «завтра же», «после завтра», «до завтра».
fn near_day(tokens: &[Token], at: usize) -> Option<(Day, usize)> {
    let from = if tokens.get(at)?.is_one(&["до", "на", "к", "уже", "прямо"]) { at + 1 } else { at };
    let token = tokens.get(from)?;
    let (days, past) = match token.text.as_str() {
        "сегодня" | "седня" | "сегодняшнего" | "севодня" | "сиводня" | "сегодна" => (0, from + 1),
        "завтра" | "завтро" | "зафтра" | "завтрашнего" => (1, from + 1),
        "послезавтра" | "послезавтро" | "послезафтра" => (2, from + 1),
        "после" if tokens.get(from + 1).is_some_and(|next| next.is_one(&["завтра", "завтро", "зафтра"])) => (2, from + 2),
        _ => return None,
    };
    let past = if tokens.get(past).is_some_and(|next| next.is_one(&["же", "жи", "дня"])) { past + 1 } else { past };
    Some((Day::In(days), past))
}

/// «до конца недели», «к концу следующего месяца», «на этой неделе», «в выходные».
fn end_of_period(tokens: &[Token], at: usize) -> Option<(Period, bool, usize)> {
    let is_next = |token: &Token| ["следующ", "будущ"].iter().any(|stem| token.text.starts_with(stem));
    let is_this = |token: &Token| ["эт", "текущ", "нынешн"].iter().any(|stem| token.text.starts_with(stem));
    let preposition = tokens.get(at)?.is_one(&["до", "к", "в", "на", "под", "по"]);
    let mut next = if preposition { at + 1 } else { at };
    let end = tokens.get(next).is_some_and(|token| token.is_one(&["конца", "концу", "конце", "конец"]));
    if end {
        next += 1;
    }
    if let Some(month) = tokens.get(next).filter(|_| preposition).and_then(|token| month(&token.text)) {
        return Some((Period::NamedMonth(month), false, next + 1));
    }
    let other = tokens.get(next).filter(|token| is_next(token) || is_this(token));
    let after = other.is_some_and(is_next);
    if other.is_some() {
        next += 1;
    }
    let period = match tokens.get(next)?.text.as_str() {
        "недели" | "неделе" | "нидели" if end || other.is_some() => Period::Week,
        "месяца" | "месяце" if end || other.is_some() => Period::Month,
        "квартала" | "квартале" if end || other.is_some() => Period::Quarter,
        "года" | "году" if end || other.is_some() => Period::Year,
        "выходные" | "выходных" | "выходным" if preposition && !end => Period::Weekend,
        _ => return None,
    };
    Some((period, after, next + 1))
}

/// «3 марта», «пятого июня», «15.05», «пятого числа», «к пятнадцатому».
fn calendar_date(tokens: &[Token], at: usize, preposition: bool) -> Option<(Day, usize)> {
    if let Some(found) = dotted_date(tokens, at) {
        return Some(found);
    }
    let (day, past) = ordinal(tokens, at).or_else(|| cardinal(tokens, at).filter(|_| tokens[at].kind == TokenKind::Number))?;
    let day = i8::try_from(day).ok().filter(|day| (1..=31).contains(day))?;
    let next = tokens.get(past);
    if let Some(month) = next.and_then(|token| month(&token.text)) {
        let year = tokens.get(past + 1).filter(|token| token.kind == TokenKind::Number && token.text.len() == 4);
        let year_past = if year.is_some() { past + 2 } else { past + 1 };
        let word = tokens.get(year_past).is_some_and(|token| year.is_some() && token.is_one(&["года", "г"]));
        let year = year.and_then(|token| token.text.parse().ok());
        return Some((Day::Date { month, day, year }, if word { year_past + 1 } else { year_past }));
    }
    if next.is_some_and(|token| token.is_one(&["число", "числа", "числу", "числом"])) {
        return Some((Day::OfMonth(day), past + 1));
    }
    let told_as_ordinal = ordinal(tokens, at).is_some();
    (preposition && told_as_ordinal && ends_here(next)).then_some((Day::OfMonth(day), past))
}

fn dotted_date(tokens: &[Token], at: usize) -> Option<(Day, usize)> {
    let day: i8 = number(tokens, at, 2)?;
    let month: i8 = number(tokens, at + 2, 2)?;
    let glued = tokens[at].touches(&tokens[at + 1]) && tokens[at + 1].is(".") && tokens[at + 1].touches(&tokens[at + 2]);
    if !glued || !(1..=31).contains(&day) || !(1..=12).contains(&month) || tokens[at + 2].text.len() != 2 {
        return None;
    }
    let year: Option<i16> = tokens.get(at + 3).filter(|dot| dot.is(".")).and_then(|_| number(tokens, at + 4, 4));
    let year = year.map(|year| if year < 100 { 2000 + year } else { year });
    Some((Day::Date { month, day, year }, if year.is_some() { at + 5 } else { at + 3 }))
}

fn number<N: std::str::FromStr>(tokens: &[Token], at: usize, digits: usize) -> Option<N> {
    let token = tokens.get(at)?;
    (token.kind == TokenKind::Number && token.text.len() <= digits).then(|| token.text.parse().ok()).flatten()
}

/// Says whether a number before this token can stand alone, or counts what follows: «до десяти процентов».
fn ends_here(next: Option<&Token>) -> bool {
    let Some(next) = next else { return true };
    if next.kind != TokenKind::Word {
        return next.kind == TokenKind::Sign && !next.is("%") && !next.is("₽");
    }
    const COUNTED: &[&str] = &[
        "процент", "рубл", "тысяч", "миллион", "раз", "челов", "штук", "гиг", "мегаб", "позици", "этаж", "лет", "год",
        "комнат", "квартир", "кило", "метр", "градус", "литр", "балл", "бонус", "договор", "заказ", "номер", "товар",
        "месяц", "недел", "рабоч", "банковск", "календарн", "дней", "суток", "минут", "человек", "класс", "подъезд",
        "пункт", "строк", "очеред", "групп", "линии", "звонк", "сотруд", "мест", "экземпл", "копи", "вариант",
    ];
    !COUNTED.iter().any(|stem| next.text.starts_with(stem))
}

const BEFORE_CLOCK: &[&str] = &["до", "к", "ко", "в", "во", "после", "на", "около", "с", "со", "часов", "часам", "между", "по"];

/// Reads an hour of the clock with what stands before it, and the part of the day it names.
fn clock(tokens: &[Token], at: usize, has_day: bool) -> Option<(Clock, Option<Part>, usize)> {
    let mut from = soft(tokens, at);
    if phrase_at(tokens, from, "не позднее").or_else(|| phrase_at(tokens, from, "не позже")).is_some() {
        from += 2;
    }
    let lead = from;
    // «часов в шесть», «часам к двум», «до примерно шести»
    while tokens.get(from).is_some_and(|token| token.is_one(BEFORE_CLOCK)) && from < lead + 3 {
        from = soft(tokens, from + 1);
    }
    let told_before = from > lead;
    let opening = |word: &[&str]| tokens.get(lead..from).is_some_and(|words| words.iter().any(|token| token.is_one(word)));
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
    // A start without an end says when at the earliest.
    let after = opening(&["после"]) || interval;
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

fn hour(tokens: &[Token], at: usize, told_before: bool, has_day: bool) -> Option<(Clock, Option<Part>, usize)> {
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
    if told_before && token.is_one(&["час", "часу"]) && !tokens.get(at + 1).is_some_and(|next| next.is("ночи")) {
        let (part, past) = part_behind(tokens, at + 1);
        return Some((Clock { hour: 1, minute: 0, exact: false, after: false }, part, past));
    }
    let (value, past) = cardinal(tokens, at)?;
    let hour = i8::try_from(value).ok().filter(|hour| (0..=24).contains(hour))?;
    let (minute, past) = minutes(tokens, past);
    let said = tokens.get(past).is_some_and(|next| next.is_one(&["часов", "часа", "час", "ч", "часам", "часами"]));
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
        "полдень" | "полдню" | "полудня" | "полудню" => return named(12, 0, true, at + 1),
        "полночь" | "полуночи" => return named(24, 0, true, at + 1),
        _ => {}
    }
    if let Some((hour, past)) = token.text.strip_prefix("пол").and_then(ordinal_hour).map(|hour| (hour, at + 1)) {
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
    if tokens[at].kind == TokenKind::Word && (10..60).contains(&value) && (value % 5 == 0 || said) && ends_here(tokens.get(past)) {
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
fn part_of_day(tokens: &[Token], at: usize) -> Option<(Part, usize)> {
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
