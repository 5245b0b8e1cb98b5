//! Calendars: when the clocks of a case run.
//!
//! A calendar says on which wall-clock intervals of a zone people work. Two functions follow from it, each the inverse of
//! the other: how much working time lies between two moments, and which moment lies a span of working time after another.
//! Every screen, every alert and every figure uses these two, so no two of them can disagree.

mod russia;

use std::collections::BTreeMap;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use crate::time::{Millis, Timestamp};

pub use russia::{day_off, known_until};

/// Name of the calendar that is always there: round the clock, every day.
pub const ALWAYS: &str = "always";

/// How far ahead a moment is looked for: a calendar whose next working minute lies further away has none.
const HORIZON_DAYS: i32 = 3_660;

const MINUTES_A_DAY: u16 = 24 * 60;

/// A stretch of a day in minutes from midnight by the wall clock, the end without itself; 1,440 is the next midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// First minute.
    pub from: u16,
    /// One past the last minute.
    pub to: u16,
}

/// Which days off a calendar knows besides its week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holidays {
    /// None.
    #[default]
    None,
    /// The Russian production calendar: public holidays and moved days.
    Russia,
}

/// When people work.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    /// What people call it.
    pub title: String,
    zone: TimeZone,
    holidays: Holidays,
    week: [Vec<Interval>; 7],
    days: BTreeMap<Date, Vec<Interval>>,
}

impl Calendar {
    /// Makes a calendar from the intervals of a week (Monday first) and of days that are unlike the others.
    ///
    /// # Errors
    /// Says in which way it is impossible: intervals that overlap or are empty, or not one working minute.
    pub fn new(
        title: impl Into<String>,
        zone: TimeZone,
        holidays: Holidays,
        week: [Vec<Interval>; 7],
        days: BTreeMap<Date, Vec<Interval>>,
    ) -> Result<Self, String> {
        for intervals in week.iter().chain(days.values()) {
            check(intervals)?;
        }
        if week.iter().all(Vec::is_empty) {
            return Err("not one working minute in the week: its clocks would never run".to_owned());
        }
        Ok(Self { title: title.into(), zone, holidays, week, days })
    }

    /// Returns the calendar that runs round the clock.
    pub fn always() -> Self {
        let whole = vec![Interval { from: 0, to: MINUTES_A_DAY }];
        Self {
            title: "круглосуточно".to_owned(),
            zone: TimeZone::UTC,
            holidays: Holidays::None,
            week: std::array::from_fn(|_| whole.clone()),
            days: BTreeMap::new(),
        }
    }

    /// Says whether it runs at every moment; then working time is time.
    fn is_always(&self) -> bool {
        let whole = [Interval { from: 0, to: MINUTES_A_DAY }];
        self.holidays == Holidays::None
            && self.days.is_empty()
            && self.week.iter().all(|intervals| intervals == &whole)
    }

    /// Returns the zone by whose wall clock the calendar is read.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Returns the working intervals of a day. A day that is named beats a holiday, a holiday beats the week, and a day
    /// that works in place of another follows the hours of Monday.
    pub fn intervals(&self, day: Date) -> &[Interval] {
        if let Some(named) = self.days.get(&day) {
            return named;
        }
        let usual = self.week.get(weekday(day.weekday())).map_or(&[][..], Vec::as_slice);
        match self.holidays {
            Holidays::None => usual,
            Holidays::Russia => match day_off(day) {
                Some(true) => &[],
                // A working Saturday: the shop that is closed at week-ends works as on a working day.
                Some(false) if usual.is_empty() => self.week.first().map_or(&[][..], Vec::as_slice),
                _ => usual,
            },
        }
    }

    /// Returns how much working time lies between two moments; zero when `to` is not later than `from`.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Millis {
        if to <= from {
            return Millis::default();
        }
        if self.is_always() {
            return to.since(from);
        }
        let Some(first) = self.day_of(from) else { return Millis::default() };
        let mut sum = 0_u64;
        let mut day = first;
        for _ in 0..HORIZON_DAYS {
            for interval in self.intervals(day) {
                let (begin, end) = self.bounds(day, *interval);
                if begin >= to {
                    return Millis::new(sum);
                }
                sum = sum.saturating_add(end.min(to).since(begin.max(from)).get());
            }
            match day.tomorrow() {
                Ok(next) if self.bounds(next, Interval { from: 0, to: 1 }).0 < to => day = next,
                _ => break,
            }
        }
        Millis::new(sum)
    }

    /// Returns the moment at which `span` of working time has passed since `from`. With nothing to pass it is the moment
    /// itself. Beyond ten years it is the end of time.
    pub fn after(&self, from: Timestamp, span: Millis) -> Timestamp {
        if span.get() == 0 || self.is_always() {
            return from.plus(span);
        }
        let end_of_time = Timestamp::from_millis(i64::MAX);
        let Some(mut day) = self.day_of(from) else { return end_of_time };
        let mut left = span.get();
        for _ in 0..HORIZON_DAYS {
            for interval in self.intervals(day) {
                let (begin, end) = self.bounds(day, *interval);
                let begin = begin.max(from);
                let there = end.since(begin).get();
                if there >= left {
                    return begin.plus(Millis::new(left));
                }
                left -= there;
            }
            let Ok(next) = day.tomorrow() else { return end_of_time };
            day = next;
        }
        end_of_time
    }

    fn day_of(&self, at: Timestamp) -> Option<Date> {
        let at = jiff::Timestamp::from_millisecond(at.millis()).ok()?;
        Some(self.zone.to_datetime(at).date())
    }

    /// Returns when an interval of a day begins and ends. Where the wall clock jumps over a bound, it lies after the jump;
    /// where the clock shows it twice, the first time counts. So a day of 23 or 25 hours loses or gains that hour only when
    /// people work through it.
    fn bounds(&self, day: Date, interval: Interval) -> (Timestamp, Timestamp) {
        (self.moment(day, interval.from), self.moment(day, interval.to))
    }

    fn moment(&self, day: Date, minute: u16) -> Timestamp {
        let (day, minute) = if minute >= MINUTES_A_DAY {
            (day.tomorrow().unwrap_or(day), minute - MINUTES_A_DAY)
        } else {
            (day, minute)
        };
        let (hour, minute) = (i8::try_from(minute / 60).unwrap_or(0), i8::try_from(minute % 60).unwrap_or(0));
        let local = day.to_datetime(Time::constant(hour, minute, 0, 0));
        let at = self.zone.to_ambiguous_timestamp(local).compatible();
        at.map_or(Timestamp::from_millis(i64::MAX), |at| Timestamp::from_millis(at.as_millisecond()))
    }
}

/// Reads intervals as people write them: `09:00-13:00, 14:00-18:00`; nothing is a day off.
///
/// # Errors
/// Names the part that cannot be read.
pub fn read_intervals(text: &str) -> Result<Vec<Interval>, String> {
    let mut intervals = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let wrong = || format!("\"{part}\" is no interval: write it as 09:00-18:00");
        let (from, to) = part.split_once(['-', '–']).ok_or_else(wrong)?;
        let (from, to) = (minute(from).ok_or_else(wrong)?, minute(to).ok_or_else(wrong)?);
        intervals.push(Interval { from, to });
    }
    check(&intervals)?;
    Ok(intervals)
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
    let sum = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && sum <= MINUTES_A_DAY).then_some(sum)
}

fn check(intervals: &[Interval]) -> Result<(), String> {
    for interval in intervals {
        if interval.to <= interval.from || interval.to > MINUTES_A_DAY {
            return Err(format!(
                "the interval {} ends before it begins: split it at midnight",
                show(*interval)
            ));
        }
    }
    for pair in intervals.windows(2) {
        if let [one, next] = pair
            && next.from < one.to
        {
            return Err(format!(
                "the intervals {} and {} overlap or stand in the wrong order",
                show(*one),
                show(*next)
            ));
        }
    }
    Ok(())
}

/// Writes an interval as people read it.
pub fn show(interval: Interval) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", clock(interval.from), clock(interval.to))
}

fn weekday(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
