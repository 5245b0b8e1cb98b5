//! Whom an alert reaches beyond the page, and when. Plain functions: no store, no clock.

use gradus_engine::time::{Millis, Timestamp};
use jiff::tz::TimeZone;

use crate::auth::Role;
use crate::config::Config;
use crate::store::{QuietHours, Reach};

/// E-mail to a person.
pub const EMAIL: &str = "email";
/// A message of the company's bot to a person.
pub const TELEGRAM: &str = "telegram";

/// The ways that this company has configured.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    channels: Vec<&'static str>,
    company: Vec<String>,
    fresh: Millis,
}

impl Ways {
    /// Reads them from the configuration.
    pub fn of(config: &Config) -> Self {
        let mail = (!config.mail.server.is_empty()).then_some(EMAIL);
        let telegram = (!config.telegram.token.is_empty()).then_some(TELEGRAM);
        Self {
            channels: mail.into_iter().chain(telegram).collect(),
            company: config.alert.webhooks.iter().map(|hook| company(&hook.name)).collect(),
            fresh: Millis::minutes(u64::from(config.alert.fresh_minutes)),
        }
    }

    /// Says whether people can be reached by a channel here.
    pub fn has(&self, channel: &str) -> bool {
        self.channels.contains(&channel)
    }

    /// Returns whom an alert to a role reaches that is about something said `age` ago.
    pub fn reach(&self, role: &str, team: Option<&str>, age: Millis) -> Reach {
        let called = Role::ALL.into_iter().filter(|person| person.hears(role));
        Reach {
            duty: role.to_owned(),
            called: called.map(|person| (person.name(), person.sees_all_teams())).collect(),
            only: None,
            team: team.map(str::to_owned),
            channels: self.channels.clone(),
            company: self.company.clone(),
            page_only: age > self.fresh,
        }
    }
}

/// Returns the name in the outbox of a channel of the company.
pub fn company(name: &str) -> String {
    format!("webhook:{name}")
}

/// Returns when quiet hours end that are in force now, or nothing. A day has 23 or 25 hours when the clocks change: the
/// end is found by the wall clock.
pub fn quiet_until(hours: QuietHours, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let local = jiff::Timestamp::from_millisecond(now.millis()).ok()?.to_zoned_datetime(zone.clone());
    let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
    let (from, to) = (hours.from_minute, hours.to_minute);
    let within = if from <= to { (from..to).contains(&minute) } else { minute >= from || minute < to };
    if !within {
        return None;
    }
    let day = if minute < to { local.date() } else { local.date().tomorrow().ok()? };
    let end = day.at(i8::try_from(to / 60).ok()?, i8::try_from(to % 60).ok()?, 0, 0);
    let end = end.to_zoned_datetime(zone.clone()).ok()?;
    Some(Timestamp::from_millis(end.timestamp().as_millisecond()))
}

/// How long to wait after each failed attempt, in seconds.
const PAUSES: [u64; 13] = [2, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 28_800];
/// A person is tried for about two hours; by then the alert has climbed to everybody it can.
const PERSONAL: usize = 10;

/// Returns when an attempt that failed is made again; nothing when it was the last one. `asked` is the pause that the
/// other side asked for.
pub fn next_try(attempts: i64, personal: bool, asked: Option<Millis>, now: Timestamp) -> Option<Timestamp> {
    let last = if personal { PERSONAL } else { PAUSES.len() };
    let made = usize::try_from(attempts).unwrap_or(usize::MAX);
    let pause = PAUSES.get(..last)?.get(made.saturating_sub(1))?;
    Some(now.plus(Millis::seconds(*pause).max(asked.unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tuesday, 2026-11-24, 12:00 in Moscow.
    const NOON: i64 = 1_795_510_800_000;
    const HOUR: i64 = 3_600_000;

    fn until(from: i64, to: i64, hours_after_noon: i64) -> Option<i64> {
        let zone = TimeZone::fixed(jiff::tz::offset(3));
        let hours = QuietHours { from_minute: from * 60, to_minute: to * 60 };
        let now = Timestamp::from_millis(NOON + hours_after_noon * HOUR);
        quiet_until(hours, &zone, now).map(|end| (end.millis() - NOON) / HOUR)
    }

    #[test]
    fn quiet_hours_may_pass_midnight_and_end_on_the_wall_clock() {
        assert_eq!(until(22, 8, 11), Some(20), "23:00 waits for 8:00 of the next day");
        assert_eq!(until(22, 8, 14), Some(20), "2:00 waits for 8:00");
        assert_eq!(until(22, 8, 0), None);
        assert_eq!(until(22, 8, 20), None, "the end does not belong to them");
        assert_eq!(until(11, 13, 0), Some(1));
        assert_eq!(until(8, 8, 0), None, "an empty span is never in force");
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let night = Timestamp::from_millis(1_792_875_600_000);
        let hours = QuietHours { from_minute: 22 * 60, to_minute: 8 * 60 };
        // 2026-10-24, 23:00: the clocks are put back in this night, so eight o'clock is ten hours away.
        assert_eq!(
            quiet_until(hours, &berlin, night).map(|end| (end.millis() - night.millis()) / HOUR),
            Some(10)
        );
    }

    #[test]
    fn pauses_grow_and_end() {
        let now = Timestamp::from_millis(0);
        let pause = |attempts, personal| next_try(attempts, personal, None, now).map(Timestamp::millis);
        assert_eq!(
            [pause(1, true), pause(2, true), pause(10, true)],
            [Some(2_000), Some(5_000), Some(3_600_000)]
        );
        assert_eq!([pause(11, true), pause(11, false), pause(14, false)], [None, Some(7_200_000), None]);
        assert_eq!(next_try(1, true, Some(Millis::seconds(40)), now), Some(Timestamp::from_millis(40_000)));
        assert!(PAUSES.is_sorted());
    }

    #[test]
    fn an_alert_about_what_is_long_past_stays_on_the_page() {
        let ways = Ways { channels: vec![EMAIL], company: Vec::new(), fresh: Millis::minutes(120) };
        assert!(!ways.reach("supervisor", None, Millis::minutes(120)).page_only);
        let reach = ways.reach("director", Some("north"), Millis::minutes(121));
        assert!(reach.page_only);
        assert_eq!(reach.called, [("director", true)]);
    }
}
