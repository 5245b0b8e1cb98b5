//! The weekly report by letter: once a week to each recipient, in their language and time zone, also over restarts and among
//! several nodes.

use anyhow::{Context, Result};
use gradus_engine::time::{Millis, Timestamp};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::{Week, html, read, xlsx};
use crate::alert::Channels;
use crate::config;
use crate::desk::Desk;
use crate::web::{Lang, Words};

/// How long a node has the right to send, so that no other sends the same.
const LEASE: Millis = Millis::minutes(5);
/// Pause after a letter that did not go.
const PAUSE: Millis = Millis::minutes(10);

/// What became of a recipient's letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Posted {
    /// The week that was sent last.
    week: String,
    /// When a letter failed last, milliseconds since 1970.
    failed_at_ms: i64,
}

/// Returns the week whose report is due for a recipient now: the last full one, once the weekday and the hour of this week
/// have come by their clock.
pub fn due(schedule: &config::Report, zone: &TimeZone, now: Timestamp) -> Result<Option<Week>> {
    let this = Week::of(now, zone);
    let weekday = weekday(&schedule.weekday)?;
    let day =
        this.monday().checked_add(jiff::Span::new().days(i64::from(weekday.to_monday_zero_offset())))?;
    let hour = i8::try_from(schedule.hour).unwrap_or(0);
    let moment = day.at(hour, 0, 0, 0).to_zoned_datetime(zone.clone())?;
    Ok((now.millis() >= moment.timestamp().as_millisecond()).then(|| this.before(1)))
}

fn weekday(name: &str) -> Result<Weekday> {
    Ok(match name {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        other => anyhow::bail!("report.weekday: unknown day \"{other}\", write it as monday"),
    })
}

/// Sends what is due. What fails is tried again after ten minutes; the other recipients get theirs.
///
/// # Errors
/// When the store fails or the schedule cannot be read.
pub async fn post(desk: &Desk, channels: &Channels) -> Result<()> {
    let schedule = &desk.config.report;
    if schedule.to.is_empty() {
        return Ok(());
    }
    let now = desk.clock.now();
    let holder = format!("report-{}", std::process::id());
    if !desk.store.lease("report", &holder, now, now.plus(LEASE)).await? {
        return Ok(());
    }
    for recipient in &schedule.to {
        let zone = recipient.zone(&desk.config.conversation.timezone)?;
        let Some(week) = due(schedule, &zone, now)? else { continue };
        let key = format!("report.posted.{}", recipient.address);
        let mut posted: Posted = desk.store.setting(&key).await?.unwrap_or_default();
        let rests = Timestamp::from_millis(posted.failed_at_ms).plus(PAUSE) > now && posted.failed_at_ms > 0;
        if posted.week == week.to_string() || rests {
            continue;
        }
        let team = Some(recipient.team.as_str()).filter(|team| !team.is_empty());
        let report = read(&desk.store, team, week, &zone).await?.named_by(&desk.pipeline.protocol());
        let words = Words::new(Lang::of(&recipient.language), zone, now.millis());
        let subject = format!("{} {week}", words.t.rp_letter);
        let book = xlsx(&words, &report)?;
        let name = format!("gradus-{week}.xlsx");
        match channels
            .letter(
                &recipient.address,
                &subject,
                html(&words, &report, &desk.config.http.public()),
                (&name, book),
                now,
            )
            .await
        {
            Ok(()) => {
                posted = Posted { week: week.to_string(), failed_at_ms: 0 };
                tracing::info!("The report of {week} went to {} recipients of the schedule", 1);
            }
            Err(failure) => {
                tracing::error!("report.to: the report of {week} did not go: {}", failure.what);
                posted.failed_at_ms = now.millis();
            }
        }
        desk.store.set(&key, &posted, now).await.context("what became of the report's letter")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_due_from_its_weekday_and_hour_on_by_the_recipients_clock() {
        let schedule = config::Report { to: Vec::new(), weekday: "monday".into(), hour: 9 };
        let zone = |name: &str| TimeZone::get(name).unwrap();
        // Monday, 2026-11-23, 09:00 in Moscow.
        let nine = Timestamp::from_millis(1_795_413_600_000);
        let at =
            |zone: &TimeZone, now: Timestamp| due(&schedule, zone, now).unwrap().map(|week| week.to_string());
        assert_eq!(at(&zone("Europe/Moscow"), nine.minus(Millis::new(1))), None);
        assert_eq!(at(&zone("Europe/Moscow"), nine), Some("2026-W47".into()));
        assert_eq!(at(&zone("Europe/Berlin"), nine), None, "it is seven there");
        assert_eq!(
            at(&zone("Europe/Moscow"), nine.plus(Millis::minutes(6 * 24 * 60))),
            Some("2026-W47".into())
        );
        let wrong = config::Report { weekday: "mon".into(), ..schedule.clone() };
        assert!(
            due(&wrong, &zone("Europe/Moscow"), nine).unwrap_err().to_string().contains("report.weekday")
        );
    }
}
