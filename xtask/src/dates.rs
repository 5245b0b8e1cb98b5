//! The demo's conversations lie on fixed dates. Moved by whole weeks, they end in the last full week before today, and
//! weekdays stay what they are.

use std::path::Path;

use anyhow::{Context, Result};
use jiff::civil::{Date, Weekday, date};
use jiff::{Span, ToSpan};

/// The Monday after the last week of the written conversations.
const NEXT_MONDAY: Date = date(2026, 11, 23);

/// Returns by how many days the dates move. It is chosen once and kept in `file`, so that a second start finds what the
/// first one made.
pub fn shift(file: &Path, today: Date) -> Result<i64> {
    if file.is_file() {
        let text = std::fs::read_to_string(file)?;
        return text.trim().parse().with_context(|| format!("{} holds no number of days", file.display()));
    }
    let monday = today.checked_sub(i64::from(today.weekday().since(Weekday::Monday)).days())?;
    let days = i64::from(NEXT_MONDAY.until(monday)?.get_days());
    std::fs::write(file, format!("{days}\n"))?;
    Ok(days)
}

/// Returns the text with every date in it moved: `2026-11-03`, and `20261103-142530` as recordings are named.
pub fn moved(text: &str, days: i64) -> Result<String> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(|sign: char| sign.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let run = from.find(|sign: char| !sign.is_ascii_digit() && sign != '-').unwrap_or(from.len());
        let (run, after) = from.split_at(run);
        let named = run.split_once('-').filter(|(day, clock)| day.len() == 8 && clock.len() >= 6);
        let (day, kept) = named.map_or((run, ""), |(day, _)| (day, run.get(8..).unwrap_or_default()));
        match day.parse::<Date>().ok().filter(|_| run.len() == 10 || named.is_some()) {
            Some(found) => {
                let later = found.checked_add(Span::new().try_days(days)?)?;
                out.push_str(
                    &later.strftime(if named.is_some() { "%Y%m%d" } else { "%Y-%m-%d" }).to_string(),
                );
                out.push_str(kept);
            }
            None => out.push_str(run),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Returns the name of a recording that began then: `2026-11-17T10:05:00+03:00` and `1-avariya` give
/// `20261117-100500-1-avariya`.
pub fn named(start: &str, name: &str) -> String {
    let digits: String = start.chars().filter(char::is_ascii_digit).take(14).collect();
    let (day, clock) = digits.split_at(8.min(digits.len()));
    format!("{day}-{clock}-{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_move_and_nothing_else_does() {
        let text = "20261117-100500-4-a.wav,20261117,2026-11-17 10:05:00,\"start\": \"2026-12-28T10:15:00+03:00\",2026-11,8-800-555";
        let later = "20261124-100500-4-a.wav,20261117,2026-11-24 10:05:00,\"start\": \"2027-01-04T10:15:00+03:00\",2026-11,8-800-555";
        assert_eq!(moved(text, 7).ok().as_deref(), Some(later));
        assert_eq!(moved(text, 0).ok().as_deref(), Some(text));
        assert_eq!(named("2026-11-17T10:05:00+03:00", "1-avariya"), "20261117-100500-1-avariya");
    }

    #[test]
    fn the_last_demo_week_is_the_last_full_week_and_the_choice_is_kept() {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let file = folder.path().join("shift");
        let days = |file: &Path, today| shift(file, today).unwrap_or_else(|error| panic!("{error:#}"));
        for (today, expected) in [
            (date(2026, 11, 23), 0),
            (date(2026, 11, 29), 0),
            (date(2026, 11, 30), 7),
            (date(2026, 11, 22), -7),
            (date(2027, 3, 3), 98),
        ] {
            let _ = std::fs::remove_file(&file);
            assert_eq!(days(&file, today), expected, "{today}");
        }
        assert_eq!(days(&file, date(2027, 6, 1)), 98, "a second start moves nothing");
    }
}
