//! When a recording began, told by its file: by the date and time that recorders write into names, else by the time
//! at which the file was last written.

use std::path::Path;

use gradus_engine::time::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::times::{Moment, of_clock};

/// How the start of a conversation is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartFrom {
    /// The source says it.
    #[default]
    Source,
    /// The name of the file says it.
    FileName,
    /// Nothing says it: it is the time at which the file was last written.
    FileTime,
}

impl StartFrom {
    /// Returns the name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::FileName => "file_name",
            Self::FileTime => "file_time",
        }
    }
}

/// Returns when the recording in a file began. `name` is what the file was called where it came from.
pub fn of_file(path: &Path, name: &str, zone: &TimeZone) -> Option<(Moment, StartFrom)> {
    if let Some(moment) = of_name(name, zone) {
        return Some((moment, StartFrom::FileName));
    }
    let written = jiff::Timestamp::try_from(std::fs::metadata(path).ok()?.modified().ok()?).ok()?;
    Some((at_utc(written.as_millisecond(), zone)?, StartFrom::FileTime))
}

/// Reads the start out of a name: `20261103-142530-…`, `20261103142530`, `2026-11-03_14-25-30`, `03.11.2026 14.25`,
/// Asterisk's `out-…-20261103-142530-1762169130.77`, or seconds since 1970 alone: `1762169130.77`. Times are those of
/// the clock in `zone` unless a `Z` follows.
pub fn of_name(name: &str, zone: &TimeZone) -> Option<Moment> {
    let runs = runs(name);
    for at in 0..runs.len() {
        let Some((civil, next)) = date_and_time(&runs, at) else { continue };
        let zone = if name.get(next..)?.starts_with('Z') { &TimeZone::UTC } else { zone };
        return of_clock(civil, zone);
    }
    runs.iter().find_map(|run| {
        let seconds: i64 = run.digits.get(..10)?.parse().ok()?;
        // A telephone number of ten digits is larger: no code of a Russian city or operator begins with 1 or 2.
        let plausible = (1_000_000_000..1 << 31).contains(&seconds);
        match run.digits.len() {
            10 if plausible => at_utc(seconds * 1000, zone),
            13 if plausible => at_utc(run.digits.parse().ok()?, zone),
            _ => None,
        }
    })
}

/// Digits without a gap, what stands between them and those before, and where they end.
struct Run<'n> {
    gap: &'n str,
    digits: &'n str,
    end: usize,
}

fn runs(name: &str) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let (mut end, bytes) = (0, name.as_bytes());
    while let Some(start) = (end..bytes.len()).find(|&at| bytes.get(at).is_some_and(u8::is_ascii_digit)) {
        let length = bytes.iter().skip(start).take_while(|byte| byte.is_ascii_digit()).count();
        let (Some(gap), Some(digits)) = (name.get(end..start), name.get(start..start + length)) else {
            break;
        };
        end = start + length;
        runs.push(Run { gap, digits, end });
    }
    runs
}

/// Reads a date with its time that begins at a run; returns where it ends in the name.
fn date_and_time(runs: &[Run<'_>], at: usize) -> Option<(DateTime, usize)> {
    let first = runs.get(at)?;
    if matches!(first.digits.len(), 14 | 17) {
        let (day, clock) = first.digits.split_at(8);
        return Some((whole_date(day)?.to_datetime(whole_time(clock)?), first.end));
    }
    let (date, next) = match first.digits.len() {
        8 => (whole_date(first.digits)?, at + 1),
        2 | 4 => {
            let (second, third) = (runs.get(at + 1)?, runs.get(at + 2)?);
            if second.gap != third.gap || !is_between(second.gap, 1) || second.digits.len() != 2 {
                return None;
            }
            let day = match (first.digits.len(), third.digits.len()) {
                (4, 2) => date(first.digits, second.digits, third.digits)?,
                (2, 4) => date(third.digits, second.digits, first.digits)?,
                _ => return None,
            };
            (day, at + 3)
        }
        _ => return None,
    };
    let hour = runs.get(next)?;
    if !is_between(hour.gap, 2) {
        return None;
    }
    if matches!(hour.digits.len(), 6 | 9) {
        return Some((date.to_datetime(whole_time(hour.digits)?), hour.end));
    }
    let minute = runs.get(next + 1)?;
    if hour.digits.len() != 2 || minute.digits.len() != 2 || !is_between(minute.gap, 1) {
        return None;
    }
    let second = runs.get(next + 2).filter(|run| run.digits.len() == 2 && run.gap == minute.gap);
    let seconds = second.map_or("00", |run| run.digits);
    let clock = whole_time(&format!("{}{}{seconds}", hour.digits, minute.digits))?;
    Some((date.to_datetime(clock), second.unwrap_or(minute).end))
}

/// Says whether signs that recorders put between the parts of a time are all there is, at most so many.
fn is_between(gap: &str, most: usize) -> bool {
    (1..=most).contains(&gap.chars().count()) && gap.chars().all(|sign| "-_.,: T".contains(sign))
}

fn whole_date(digits: &str) -> Option<Date> {
    date(digits.get(..4)?, digits.get(4..6)?, digits.get(6..8)?)
}

fn date(year: &str, month: &str, day: &str) -> Option<Date> {
    let year: i16 = year.parse().ok().filter(|year| (1990..2100).contains(year))?;
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}

/// Reads `142530` or, with thousandths, `142530123`.
fn whole_time(digits: &str) -> Option<Time> {
    let part = |from: usize| digits.get(from..from + 2)?.parse::<i8>().ok();
    let thousandths: i32 = digits.get(6..).filter(|rest| !rest.is_empty()).unwrap_or("0").parse().ok()?;
    Time::new(part(0)?, part(2)?, part(4)?, thousandths * 1_000_000).ok()
}

fn at_utc(millis: i64, zone: &TimeZone) -> Option<Moment> {
    let at = jiff::Timestamp::from_millisecond(millis).ok()?;
    let utc_offset_s = zone.to_offset(at).seconds();
    Some(Moment { at: Timestamp::from_millis(millis), utc_offset_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_that_recorders_give_are_read() {
        let zone = TimeZone::get("Asia/Yekaterinburg").ok();
        let zone = zone.unwrap_or(TimeZone::fixed(jiff::tz::offset(5)));
        // 2026-11-03 14:25:30 in Yekaterinburg.
        let all = Some(1_793_697_930_000);
        let minute = Some(1_793_697_900_000);
        let names = [
            ("20261103-142530-79991234567-101.wav", all),
            ("20261103_142530.mp3", all),
            ("20261103142530.ogg", all),
            ("call-20261103142530000-7.wav", all),
            ("20261103T092530Z.wav", all),
            ("2026-11-03_14-25-30.wav", all),
            ("2026-11-03__14-25-30__79991234567__101.mp3", all),
            ("2026-11-03 14.25.30.wav", all),
            ("2026-11-03T14:25:30.wav", all),
            ("2026_11_03_14_25_30.wav", all),
            ("03.11.2026_14-25-30.wav", all),
            ("03-11-2026 14-25.wav", minute),
            ("2026-11-03_14-25_79991234567.wav", minute),
            ("out-79991234567-101-20261103-142530-1793697930.123.wav", all),
            ("external-101-+79991234567-20261103-142530-1793697930.9.wav", all),
            ("q-500-74951234567-20261103-142530-1793697930.44.WAV", all),
            ("1793697930.123.wav", all),
            ("in-1793697930.wav", all),
            ("1793697930123.wav", Some(1_793_697_930_123)),
            ("Разговор 2026-11-03 14-25-30.wav", all),
            // No time: a date alone, telephones, numbers of orders, impossible dates.
            ("2026-11-03.wav", None),
            ("20261103.wav", None),
            ("20261103-1012.wav", None),
            ("79991234567-101.wav", None),
            ("4951234567.wav", None),
            ("9991234567-3952123456.wav", None),
            ("20261303-142530.wav", None),
            ("20261103-246060.wav", None),
            ("18991103-142530.wav", None),
            ("1-avariya-dayte-rukovoditelya.wav", None),
            ("", None),
        ];
        for (name, millis) in names {
            let read = of_name(name, &zone).map(|moment| moment.at.millis());
            assert_eq!(read, millis, "{name}");
        }
        assert_eq!(of_name("20261103-142530.wav", &zone).map(|moment| moment.utc_offset_s), Some(18_000));
    }

    #[test]
    fn a_file_without_a_time_in_its_name_began_when_it_was_written() {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for the test: {error}"));
        let path = folder.path().join("a.wav");
        let written = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        let file = std::fs::File::create(&path).and_then(|file| file.set_modified(written));
        assert!(file.is_ok());
        let found =
            |name| of_file(&path, name, &TimeZone::UTC).map(|(moment, from)| (moment.at.millis(), from));
        assert_eq!(found("a.wav"), Some((1_700_000_000_000, StartFrom::FileTime)));
        assert_eq!(found("1793697930.1.wav"), Some((1_793_697_930_000, StartFrom::FileName)));
    }
}
