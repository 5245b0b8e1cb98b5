//! Points in time and places in a recording as people and machines write them.

use gradus_engine::time::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;

/// A point in time and the offset of the clock that showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The point.
    pub at: Timestamp,
    /// Seconds east of UTC, from the text itself, else from the zone given.
    pub utc_offset_s: i32,
}

/// Reads a point in time: RFC 3339, ISO 8601 without offset, RFC 2822, or `01.03.2025 15:44[:20]`. A text without
/// offset is a time of the clock in `zone`. `Z` counts as the offset zero.
pub fn moment(text: &str, zone: &TimeZone) -> Option<Moment> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    if let Ok(pieces) = Pieces::parse(text) {
        let civil = pieces.date().to_datetime(pieces.time()?);
        return match pieces.to_numeric_offset() {
            Some(offset) => {
                let at = offset.to_timestamp(civil).ok()?;
                Some(Moment {
                    at: Timestamp::from_millis(at.as_millisecond()),
                    utc_offset_s: offset.seconds(),
                })
            }
            None => of_clock(civil, zone),
        };
    }
    if let Some(civil) = russian(text) {
        return of_clock(civil, zone);
    }
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    let at = Timestamp::from_millis(zoned.timestamp().as_millisecond());
    Some(Moment { at, utc_offset_s: zoned.offset().seconds() })
}

/// Reads a date: `2027-01-31` or `31.01.2027`.
pub fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    text.parse().ok().or_else(|| russian_date(text))
}

pub(super) fn of_clock(civil: DateTime, zone: &TimeZone) -> Option<Moment> {
    // A time that a change of the clock skips or repeats is taken as jiff's «compatible» rule says.
    let zoned = zone.to_zoned_datetime(civil).ok()?;
    let at = Timestamp::from_millis(zoned.timestamp().as_millisecond());
    Some(Moment { at, utc_offset_s: zoned.offset().seconds() })
}

fn russian(text: &str) -> Option<DateTime> {
    let (day, clock) = text.split_once([' ', ',']).unwrap_or((text, "00:00"));
    let date = russian_date(day)?;
    let clock = clock.trim_start_matches([' ', ',']);
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let parts: Vec<i8> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] => (*hour, *minute, 0),
        [hour, minute, second] => (*hour, *minute, *second),
        _ => return None,
    };
    let nanos = thousandths(fraction)?.checked_mul(1_000_000)?;
    Some(date.to_datetime(Time::new(hour, minute, second, i32::try_from(nanos).ok()?).ok()?))
}

fn russian_date(text: &str) -> Option<Date> {
    let mut parts = text.split('.');
    let day = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let year: i16 = parts.next()?.parse().ok()?;
    let year = if (0..100).contains(&year) { 2000 + year } else { year };
    if parts.next().is_some() {
        return None;
    }
    Date::new(year, month, day).ok()
}

/// Reads a place in a recording, in milliseconds: `01:02:03.456`, `02:03,4`, `123.5` (seconds). At most 30 days.
pub fn position_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let mut seconds: u64 = 0;
    let parts: Vec<&str> = whole.split(':').collect();
    if parts.len() > 3 {
        return None;
    }
    for (place, part) in parts.iter().enumerate() {
        if part.is_empty() || part.len() > 8 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let value: u64 = part.parse().ok()?;
        if place > 0 && value > 59 {
            return None;
        }
        seconds = seconds.checked_mul(60)?.checked_add(value)?;
    }
    let ms = seconds.checked_mul(1000)?.checked_add(thousandths(fraction)?)?;
    (ms <= LONGEST_MS).then_some(ms)
}

/// Turns seconds of a number into milliseconds; `None` for what is negative, not finite or over 30 days.
pub fn seconds_ms(seconds: f64) -> Option<u64> {
    let ms = (seconds * 1000.0).round();
    // In range, so the cast is exact.
    (ms >= 0.0 && ms <= LONGEST_MS as f64).then_some(ms as u64)
}

/// The longest place in a conversation that is believed: 30 days.
pub const LONGEST_MS: u64 = 30 * 24 * 3600 * 1000;

fn thousandths(fraction: &str) -> Option<u64> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    #[test]
    fn one_moment_is_read_in_every_way_it_is_written() {
        let zone = TimeZone::fixed(Offset::constant(3));
        let ways = [
            ("2025-03-01T15:44:20.000+03:00", 10_800),
            ("2025-03-01T12:44:20Z", 0),
            ("2025-03-01 15:44:20", 10_800),
            ("01.03.2025 15:44:20", 10_800),
            ("1.3.25, 15:44:20", 10_800),
            ("Sat, 01 Mar 2025 17:44:20 +0500", 18_000),
        ];
        for (text, utc_offset_s) in ways {
            let at = Timestamp::from_millis(1_740_833_060_000);
            assert_eq!(moment(text, &zone), Some(Moment { at, utc_offset_s }), "{text}");
        }
        for text in
            ["", "вчера", "2025-02-30T10:00:00Z", "32.01.2025 10:00", "2025-03-01", "99999-01-01T00:00:00Z"]
        {
            assert_eq!(moment(text, &zone), None, "{text}");
        }
    }

    #[test]
    fn a_place_in_a_recording_is_read_to_the_millisecond() {
        let cases = [
            ("00:01:02.500", Some(62_500)),
            ("01:02,5", Some(62_500)),
            ("62.5", Some(62_500)),
            ("0", Some(0)),
            ("100:00:00.000", Some(360_000_000)),
            ("00:61:00", None),
            ("-1", None),
            ("1e9", None),
            ("", None),
            ("99999999:00:00", None),
        ];
        for (text, ms) in cases {
            assert_eq!(position_ms(text), ms, "{text}");
        }
        assert_eq!(seconds_ms(3.9), Some(3900));
        assert_eq!([seconds_ms(-0.1), seconds_ms(f64::NAN), seconds_ms(1e300)], [None; 3]);
    }
}
