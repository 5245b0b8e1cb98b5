//! From parts of a time expression to a point in civil time.
//!
//! A day without an hour is due at its end; an interval is due at its end; «after» an hour is due by the end of that
//! day. An hour from one to seven without a part of the day is one of the afternoon, as offices speak.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};

/// Which day is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// So many days from today.
    In(i64),
    /// The next such day of the week, or that of next week.
    Weekday(Weekday, bool),
    /// A day of a month, and the year if it is told.
    Date {
        /// Month, from 1.
        month: i8,
        /// Day, from 1.
        day: i8,
        /// Year.
        year: Option<i16>,
    },
    /// The next such day of a month.
    OfMonth(i8),
    /// The last day of a period; of the next one if the flag says so.
    EndOf(Period, bool),
}

/// A stretch of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Week,
    Weekend,
    Month,
    /// A month by its number.
    NamedMonth(i8),
    Quarter,
    Year,
}

/// A part of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Morning,
    Noon,
    Afternoon,
    /// «к вечеру» and the end of the working day.
    Dusk,
    Evening,
    Night,
}

/// An hour of the clock as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub hour: i8,
    pub minute: i8,
    /// Written as a clock of 24 hours shows it.
    pub exact: bool,
    /// The earliest hour, not the latest.
    pub after: bool,
}

/// A stretch of time from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stretch {
    Minutes(i64),
    Days(i64),
    WorkingDays(i64),
    Months(i64),
}

/// All that one expression says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub day: Option<Day>,
    pub clock: Option<Clock>,
    pub part: Option<Part>,
    pub stretch: Option<Stretch>,
}

/// Returns the point in time that the parts name, seen from `now`.
pub(super) fn resolve(parts: &Parts, now: DateTime) -> Option<DateTime> {
    if let Some(Stretch::Minutes(minutes)) = parts.stretch {
        return now.checked_add(minutes.minutes()).ok();
    }
    let date = match (parts.day, parts.stretch) {
        (Some(day), _) => Some(date_of(day, now.date())?),
        (None, Some(stretch)) => Some(after(stretch, now.date())?),
        (None, None) => None,
    };
    let time = match (parts.clock, parts.part) {
        (Some(clock), part) => Some(time_of(clock, part, date.unwrap_or(now.date()), now)?),
        (None, Some(part)) => Some(end_of_part(part)),
        (None, None) => None,
    };
    match (date, time) {
        (Some(date), time) => Some(date.to_datetime(time.unwrap_or(END_OF_DAY))),
        (None, Some(time)) => {
            let today = now.date().to_datetime(time);
            if today > now { Some(today) } else { Some(now.date().tomorrow().ok()?.to_datetime(time)) }
        }
        (None, None) => None,
    }
}

/// The last second of a day.
const END_OF_DAY: Time = Time::constant(23, 59, 59, 0);

fn end_of_part(part: Part) -> Time {
    match part {
        Part::Morning => Time::constant(12, 0, 0, 0),
        Part::Noon => Time::constant(13, 0, 0, 0),
        Part::Afternoon | Part::Dusk => Time::constant(18, 0, 0, 0),
        Part::Evening => Time::constant(22, 0, 0, 0),
        Part::Night => END_OF_DAY,
    }
}

fn time_of(clock: Clock, part: Option<Part>, date: Date, now: DateTime) -> Option<Time> {
    if clock.after {
        return Some(END_OF_DAY);
    }
    if clock.hour == 24 {
        return Some(END_OF_DAY);
    }
    let hour = match part {
        Some(Part::Morning) => clock.hour % 12,
        Some(Part::Evening | Part::Dusk) if clock.hour < 12 => clock.hour + 12,
        Some(Part::Noon | Part::Afternoon) if clock.hour < 8 => clock.hour + 12,
        Some(Part::Night) if clock.hour == 12 => return Some(END_OF_DAY),
        Some(Part::Night) if (8..12).contains(&clock.hour) => clock.hour + 12,
        Some(_) => clock.hour,
        None if !clock.exact && (1..8).contains(&clock.hour) => clock.hour + 12,
        None => clock.hour,
    };
    let time = Time::new(hour, clock.minute, 0, 0).ok()?;
    // An hour of today that is over already is the one on the other half of the dial.
    if part.is_none() && date == now.date() && date.to_datetime(time) <= now && hour < 12 {
        let later = Time::new(hour + 12, clock.minute, 0, 0).ok()?;
        return Some(if date.to_datetime(later) > now { later } else { time });
    }
    Some(time)
}

fn date_of(day: Day, today: Date) -> Option<Date> {
    match day {
        Day::In(days) => today.checked_add(days.days()).ok(),
        Day::Weekday(weekday, next_week) => {
            if next_week {
                let monday = monday(today)?.checked_add(7.days()).ok()?;
                return monday.checked_add(i64::from(weekday.to_monday_zero_offset()).days()).ok();
            }
            let ahead =
                (weekday.to_monday_zero_offset() - today.weekday().to_monday_zero_offset()).rem_euclid(7);
            // Said on a Monday, «в понедельник» is not today.
            let ahead = if ahead == 0 { 7 } else { ahead };
            today.checked_add(i64::from(ahead).days()).ok()
        }
        Day::Date { month, day, year: Some(year) } => Date::new(year, month, day).ok(),
        Day::Date { month, day, year: None } => {
            let this = Date::new(today.year(), month, day).ok();
            match this {
                Some(this) if this >= today => Some(this),
                _ => Date::new(today.year().checked_add(1)?, month, day).ok(),
            }
        }
        Day::OfMonth(day) => {
            let this = Date::new(today.year(), today.month(), day).ok().filter(|&this| this >= today);
            if this.is_some() {
                return this;
            }
            let next = today.first_of_month().checked_add(1.month()).ok()?;
            Date::new(next.year(), next.month(), day).ok()
        }
        Day::EndOf(period, next) => end_of(period, next, today),
    }
}

fn monday(today: Date) -> Option<Date> {
    today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok()
}

fn end_of(period: Period, next: bool, today: Date) -> Option<Date> {
    let steps = i64::from(next);
    match period {
        Period::Week | Period::Weekend => monday(today)?.checked_add((6 + 7 * steps).days()).ok(),
        Period::Month => Some(today.first_of_month().checked_add(steps.months()).ok()?.last_of_month()),
        Period::NamedMonth(month) => {
            let year = if month < today.month() { today.year().checked_add(1)? } else { today.year() };
            Some(Date::new(year, month, 1).ok()?.last_of_month())
        }
        Period::Quarter => {
            let last = i64::from((today.month() - 1) / 3 * 3 + 2 - (today.month() - 1));
            Some(today.first_of_month().checked_add((last + 3 * steps).months()).ok()?.last_of_month())
        }
        Period::Year => Some(today.checked_add(steps.years()).ok()?.last_of_year()),
    }
}

fn after(stretch: Stretch, today: Date) -> Option<Date> {
    match stretch {
        Stretch::Minutes(_) => None,
        Stretch::Days(days) => today.checked_add(days.days()).ok(),
        Stretch::Months(months) => today.checked_add(months.months()).ok(),
        Stretch::WorkingDays(days) => {
            // Saturdays and Sundays only: holidays are data of the company's calendar.
            let mut date = today;
            let mut left = days.min(1000);
            while left > 0 {
                date = date.tomorrow().ok()?;
                if !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
                    left -= 1;
                }
            }
            Some(date)
        }
    }
}
