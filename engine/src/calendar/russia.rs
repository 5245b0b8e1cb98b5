//! The Russian production calendar: public holidays (Labour Code, article 112) and the days that the government moves each
//! year by decree.
//!
//! What is known: the law for every year; the decrees for 2025 (No. 1335 of 4 October 2024) and 2026 (No. 1466 of
//! 24 September 2025). For a later year the law alone decides, until the company writes the moved days into its calendar or
//! a newer version brings them. The hour by which the day before a holiday is shorter is not taken off: contact centres
//! rarely follow it, and those that do name the day.

use jiff::civil::{Date, Weekday};

/// Public holidays as month and day.
const HOLIDAYS: [(i8, i8); 14] = [
    (1, 1),
    (1, 2),
    (1, 3),
    (1, 4),
    (1, 5),
    (1, 6),
    (1, 7),
    (1, 8),
    (2, 23),
    (3, 8),
    (5, 1),
    (5, 9),
    (6, 12),
    (11, 4),
];

/// Days off by decree that neither the law nor the week makes so, as year, month and day.
const OFF: [(i16, i8, i8); 8] = [
    (2025, 5, 2),
    (2025, 5, 8),
    (2025, 6, 13),
    (2025, 11, 3),
    (2025, 12, 31),
    (2026, 1, 9),
    (2026, 12, 31),
    // Not by decree but by the law: 9 May 2026 is a Saturday. It stands here because the rule below is for all years.
    (2026, 5, 11),
];

/// Saturdays and Sundays that work by decree.
const WORKING: [(i16, i8, i8); 1] = [(2025, 11, 1)];

/// The last year whose moved days are known.
pub const fn known_until() -> i16 {
    2026
}

/// Says of a day that differs from its weekday whether it is off (`true`) or works (`false`); nothing for a day that is
/// as its weekday is.
pub fn day_off(day: Date) -> Option<bool> {
    let name = (day.year(), day.month(), day.day());
    if WORKING.contains(&name) {
        return Some(false);
    }
    let holiday = HOLIDAYS.contains(&(day.month(), day.day()));
    (holiday || OFF.contains(&name) || follows_holiday(day)).then_some(true)
}

/// Says whether a holiday that falls on a week-end is moved to this day: the next working day after it. The law leaves the
/// holidays of January to the decree, and a decree may move others to elsewhere: where it is known, it decides.
fn follows_holiday(day: Date) -> bool {
    if day.year() <= known_until() && day.year() >= 2025 {
        return day.year() == 2026 && (day.month(), day.day()) == (3, 9);
    }
    if is_weekend(day) {
        return false;
    }
    let mut before = day;
    for _ in 0..3 {
        let Ok(yesterday) = before.yesterday() else { return false };
        before = yesterday;
        let holiday = HOLIDAYS.contains(&(before.month(), before.day())) && before.month() != 1;
        if holiday && is_weekend(before) {
            return true;
        }
        if !is_weekend(before) {
            return false;
        }
    }
    false
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}
