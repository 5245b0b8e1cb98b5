use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn week(working: &str, weekend: &str) -> [Vec<Interval>; 7] {
    std::array::from_fn(|day| read_intervals(if day < 5 { working } else { weekend }).unwrap())
}

fn office(zone: &str) -> Calendar {
    let zone = TimeZone::get(zone).unwrap();
    Calendar::new("офис", zone, Holidays::Russia, week("09:00-13:00, 14:00-18:00", ""), BTreeMap::new())
        .unwrap()
}

fn at(calendar: &Calendar, text: &str) -> Timestamp {
    let local: jiff::civil::DateTime = text.parse().unwrap();
    let at = calendar.zone.to_ambiguous_timestamp(local).compatible().unwrap();
    Timestamp::from_millis(at.as_millisecond())
}

fn shown(calendar: &Calendar, at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.millis()).unwrap();
    calendar.zone.to_datetime(at).to_string()
}

/// What other products got wrong stands here as a table: a moment, minutes of work, the moment at which they have passed.
#[test]
fn working_time_passes_on_working_hours_alone() {
    let office = office("Europe/Moscow");
    let rows = [
        ("2026-11-24T10:00", 60, "2026-11-24T11:00:00", "within an interval"),
        ("2026-11-24T12:30", 60, "2026-11-24T14:30:00", "over lunch"),
        ("2026-11-24T17:30", 60, "2026-11-25T09:30:00", "over the night: never at midnight"),
        ("2026-11-27T17:59", 2, "2026-11-30T09:01:00", "over the week-end"),
        ("2026-11-24T03:00", 60, "2026-11-24T10:00:00", "begun at night"),
        ("2026-11-24T17:00", 60, "2026-11-24T18:00:00", "to the last minute, not to the next morning"),
        ("2026-11-03T17:00", 120, "2026-11-05T10:00:00", "4 November is a holiday"),
        (
            "2026-12-30T17:00",
            120,
            "2027-01-11T10:00:00",
            "31 December by decree, then 1 to 8 January and a week-end",
        ),
        ("2026-05-08T17:00", 120, "2026-05-12T10:00:00", "9 May is a Saturday, Monday is off"),
        ("2025-10-31T17:00", 120, "2025-11-01T10:00:00", "a working Saturday"),
        ("2025-11-01T17:00", 120, "2025-11-05T10:00:00", "3 November for it, 4 November"),
        ("2026-11-24T10:00", 480, "2026-11-25T10:00:00", "a working day is eight hours"),
    ];
    for (from, minutes, to, why) in rows {
        let (begin, span) = (at(&office, from), Millis::minutes(minutes));
        let end = office.after(begin, span);
        assert_eq!(shown(&office, end), to, "{why}");
        assert_eq!(office.between(begin, end), span, "{why}: the way back");
    }
}

#[test]
fn a_day_that_is_named_beats_a_holiday_and_the_week() {
    let days = BTreeMap::from([
        (date(2026, 11, 4), read_intervals("10:00-12:00").unwrap()),
        (date(2026, 11, 5), Vec::new()),
    ]);
    let zone = TimeZone::get("Europe/Moscow").unwrap();
    let shop = Calendar::new("магазин", zone, Holidays::Russia, week("09:00-18:00", ""), days).unwrap();
    let end = shop.after(at(&shop, "2026-11-03T17:00"), Millis::minutes(240));
    assert_eq!(shown(&shop, end), "2026-11-06T10:00:00");
}

#[test]
fn a_night_shift_loses_the_hour_that_the_clock_jumps_over_and_gains_the_one_it_shows_twice() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let nights =
        Calendar::new("ночь", zone, Holidays::None, week("00:00-06:00", "00:00-06:00"), BTreeMap::new())
            .unwrap();
    let night = |day: &str, next: &str| {
        nights.between(at(&nights, &format!("{day}T00:00")), at(&nights, &format!("{next}T00:00"))).get()
            / 3_600_000
    };
    assert_eq!(night("2026-03-28", "2026-03-29"), 6);
    assert_eq!(night("2026-03-29", "2026-03-30"), 5, "spring");
    assert_eq!(night("2026-10-25", "2026-10-26"), 7, "autumn");
    let day = office("Europe/Berlin");
    assert_eq!(
        shown(&day, day.after(at(&day, "2026-03-27T17:00"), Millis::minutes(120))),
        "2026-03-30T10:00:00"
    );
}

#[test]
fn round_the_clock_working_time_is_time() {
    let always = Calendar::always();
    let from = Timestamp::from_millis(1_795_510_800_000);
    assert_eq!(always.after(from, Millis::minutes(90)), from.plus(Millis::minutes(90)));
    assert_eq!(always.between(from, from.plus(Millis::new(1))), Millis::new(1));
    assert_eq!(always.between(from.plus(Millis::new(1)), from), Millis::default());
}

#[test]
fn impossible_calendars_are_refused_with_the_reason() {
    let refused = |text: &str| read_intervals(text).unwrap_err();
    assert!(refused("9-18").contains("write it as 09:00-18:00"));
    assert!(refused("22:00-06:00").contains("split it at midnight"));
    assert!(refused("09:00-13:00, 12:00-18:00").contains("overlap"));
    assert!(refused("09:00-25:00").contains("no interval"));
    let empty = Calendar::new("", TimeZone::UTC, Holidays::None, week("", ""), BTreeMap::new());
    assert!(empty.unwrap_err().contains("not one working minute"));
}

proptest! {
    /// The two functions are inverse to each other, in zones with and without daylight saving, to the millisecond.
    #[test]
    fn a_span_after_a_moment_lies_between_them(
        start in 1_735_000_000_000_i64..1_830_000_000_000,
        span in 1_u64..400_000_000,
        zone in prop::sample::select(vec!["Europe/Moscow", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
        weekend in prop::sample::select(vec!["", "00:00-24:00", "01:30-02:30, 23:00-24:00"]),
    ) {
        let tz = TimeZone::get(zone).unwrap();
        let calendar =
            Calendar::new("", tz, Holidays::Russia, week("08:30-12:00, 13:00-23:45", weekend), BTreeMap::new()).unwrap();
        let from = Timestamp::from_millis(start);
        let end = calendar.after(from, Millis::new(span));
        prop_assert_eq!(calendar.between(from, end), Millis::new(span));
        // One millisecond less of work is over before.
        prop_assert!(calendar.after(from, Millis::new(span - 1)) < end);
    }

    /// What is spent in two parts is what is spent at once: a pause of no length loses nothing.
    #[test]
    fn working_time_adds_up(
        start in 1_735_000_000_000_i64..1_830_000_000_000,
        one in 0_u64..900_000_000,
        two in 0_u64..900_000_000,
    ) {
        let calendar = office("Europe/Berlin");
        let from = Timestamp::from_millis(start);
        let middle = from.plus(Millis::new(one));
        let end = middle.plus(Millis::new(two));
        let parts = calendar.between(from, middle).get() + calendar.between(middle, end).get();
        prop_assert_eq!(calendar.between(from, end).get(), parts);
    }
}
