//! Days: «завтра», «в пятницу», «3 марта», «пятого числа», «до конца недели».

use jiff::civil::Weekday;

use super::calendar::{Day, Period};
use super::clock::{clock, part_of_day};
use super::numbers::{cardinal, ordinal};
use super::phrases::{ends_here, number, phrase_at};
use super::tokens::{Token, TokenKind};

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
    "январ",
    "феврал",
    "март",
    "апрел",
    "ма",
    "июн",
    "июл",
    "август",
    "сентябр",
    "октябр",
    "ноябр",
    "декабр",
];

fn month(text: &str) -> Option<i8> {
    // «мая» is a month, «моя» and «май» as a name are not heard this way.
    if matches!(text, "ма" | "мау") {
        return None;
    }
    let at = MONTHS.iter().position(|stem| {
        text.strip_prefix(stem)
            .is_some_and(|ending| matches!(ending, "я" | "а" | "ю" | "у" | "е" | "ь" | "й" | ""))
    })?;
    i8::try_from(at + 1).ok()
}

/// Reads a day, with the preposition before it.
pub(super) fn day(tokens: &[Token], at: usize) -> Option<(Day, usize)> {
    let token = tokens.get(at)?;
    if let Some((day, past)) = near_day(tokens, at) {
        return Some((day, past));
    }
    if let Some((period, next, past)) = end_of_period(tokens, at) {
        return Some((Day::EndOf(period, next), past));
    }
    let preposition = token.is_one(&["до", "к", "ко", "в", "во", "на", "по", "уже", "не", "под"]);
    let at_day = match () {
        () if token.is("не") => {
            phrase_at(tokens, at, "не позднее").or_else(|| phrase_at(tokens, at, "не позже"))?
        }
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
    let next_week = tokens
        .get(at_day)
        .is_some_and(|word| word.is_one(&["следующий", "следующую", "следующее", "следующей", "следующего"]));
    let this = tokens.get(at_day).is_some_and(|word| {
        word.is_one(&[
            "этот",
            "эту",
            "это",
            "этой",
            "этого",
            "ближайший",
            "ближайшую",
            "ближайшее",
            "ближайшей",
        ])
    });
    let name = if next_week || this { at_day + 1 } else { at_day };
    let weekday = weekday(&tokens.get(name)?.text)?;
    // Without a preposition only what goes on as a time is one: «понедельник, 10:00», «пятница утром».
    let bare_fits = || {
        let next = if tokens.get(name + 1).is_some_and(|next| next.is(",")) { name + 2 } else { name + 1 };
        clock(tokens, next, true).is_some() || part_of_day(tokens, next).is_some()
    };
    let next_week_told = phrase_at(tokens, name + 1, "на следующей неделе")
        .or_else(|| phrase_at(tokens, name + 1, "следующей недели"));
    if !(preposition || next_week || this || bare_fits()) {
        return None;
    }
    Some((Day::Weekday(weekday, next_week || next_week_told.is_some()), next_week_told.unwrap_or(name + 1)))
}

/// «сегодня», «завтра же», «после завтра», «до завтра».
fn near_day(tokens: &[Token], at: usize) -> Option<(Day, usize)> {
    let from =
        if tokens.get(at)?.is_one(&["до", "на", "к", "уже", "прямо"]) { at + 1 } else { at };
    let token = tokens.get(from)?;
    let (days, past) = match token.text.as_str() {
        "сегодня" | "седня" | "севодня" | "сиводня" | "сегодна" => {
            (0, from + 1)
        }
        "завтра" | "завтро" | "зафтра" => (1, from + 1),
        "послезавтра" | "послезавтро" | "послезафтра" => (2, from + 1),
        "после" if tokens.get(from + 1).is_some_and(|next| next.is_one(&["завтра", "завтро", "зафтра"])) => {
            (2, from + 2)
        }
        _ => return None,
    };
    let past = if tokens.get(past).is_some_and(|next| next.is_one(&["же", "жи", "дня"])) {
        past + 1
    } else {
        past
    };
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
        "выходные" | "выходных" | "выходным" if preposition && !end => {
            Period::Weekend
        }
        _ => return None,
    };
    Some((period, after, next + 1))
}

/// «3 марта», «пятого июня», «15.05», «пятого числа», «к пятнадцатому».
fn calendar_date(tokens: &[Token], at: usize, preposition: bool) -> Option<(Day, usize)> {
    if let Some(found) = dotted_date(tokens, at) {
        return Some(found);
    }
    let (day, past) = ordinal(tokens, at)
        .or_else(|| cardinal(tokens, at).filter(|_| tokens[at].kind == TokenKind::Number))?;
    let day = i8::try_from(day).ok().filter(|day| (1..=31).contains(day))?;
    let next = tokens.get(past);
    if let Some(month) = next.and_then(|token| month(&token.text)) {
        let year =
            tokens.get(past + 1).filter(|token| token.kind == TokenKind::Number && token.text.len() == 4);
        let year_past = if year.is_some() { past + 2 } else { past + 1 };
        let word = tokens.get(year_past).is_some_and(|token| year.is_some() && token.is_one(&["года", "г"]));
        let year = year.and_then(|token| token.text.parse().ok());
        return Some((Day::Date { month, day, year }, if word { year_past + 1 } else { year_past }));
    }
    if next.is_some_and(|token| token.is_one(&["число", "числа", "числу", "числом"])) {
        return Some((Day::OfMonth(day), past + 1));
    }
    let told_as_ordinal = ordinal(tokens, at).is_some();
    // «привезём двадцатого» ends with it; «второго кредита» does not.
    let alone =
        next.is_none_or(|token| token.kind == TokenKind::Sign) && tokens[past - 1].text.ends_with("го");
    let stands = told_as_ordinal && (if preposition { ends_here(next) } else { alone });
    stands.then_some((Day::OfMonth(day), past))
}

fn dotted_date(tokens: &[Token], at: usize) -> Option<(Day, usize)> {
    let day: i8 = number(tokens, at, 2)?;
    let month: i8 = number(tokens, at + 2, 2)?;
    let glued = tokens[at].touches(&tokens[at + 1])
        && tokens[at + 1].is(".")
        && tokens[at + 1].touches(&tokens[at + 2]);
    if !glued || !(1..=31).contains(&day) || !(1..=12).contains(&month) || tokens[at + 2].text.len() != 2 {
        return None;
    }
    let year: Option<i16> =
        tokens.get(at + 3).filter(|dot| dot.is(".")).and_then(|_| number(tokens, at + 4, 4));
    let year = year.map(|year| if year < 100 { 2000 + year } else { year });
    Some((Day::Date { month, day, year }, if year.is_some() { at + 5 } else { at + 3 }))
}
