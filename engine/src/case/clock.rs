//! The clocks of a case: what has to happen by when, in working time.
//!
//! A clock keeps what is spent and since when it runs; warning and due time follow from them by the calendar, at the one
//! place [`Clock::plan`]. So a pause, a higher priority or another calendar never lose what was spent, and every screen shows
//! the time at which the clock really rings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calendar::{ALWAYS, Calendar};
use crate::time::{Millis, Timestamp};

/// What a clock waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// A supervisor says that they saw it.
    Acknowledge,
    /// A supervisor takes the conversation over.
    Join,
    /// The customer hears for the first time from the one who has the case.
    FirstResponse,
    /// The customer hears again how things stand: nobody is left in the dark.
    NextUpdate,
    /// The case is resolved.
    Resolve,
}

impl ClockKind {
    /// Every clock, in the order in which a case passes them.
    pub const ALL: [Self; 5] =
        [Self::Acknowledge, Self::Join, Self::FirstResponse, Self::NextUpdate, Self::Resolve];

    /// Returns the name used in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Join => "join",
            Self::FirstResponse => "first_response",
            Self::NextUpdate => "next_update",
            Self::Resolve => "resolve",
        }
    }

    /// Says whether waiting for the customer stops it: what people here owe each other goes on.
    pub const fn rests_with_customer(self) -> bool {
        matches!(self, Self::FirstResponse | Self::NextUpdate | Self::Resolve)
    }
}

/// How long a clock may run, and by which calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Working time until it is breached.
    pub limit: Millis,
    /// The calendar by name.
    pub calendar: String,
    /// After how many per cent of the limit it warns, 1–100; at 100 there is no warning.
    pub warn_percent: u8,
}

impl Target {
    /// Makes a target round the clock, without a warning.
    pub fn plain(limit: Millis) -> Self {
        Self { limit, calendar: ALWAYS.to_owned(), warn_percent: 100 }
    }
}

/// What a clock rings for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ring {
    /// Most of the time is spent.
    Warning,
    /// The time is over.
    Breach,
}

impl Ring {
    /// Returns the name used in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Breach => "breach",
        }
    }
}

/// The calendars of a protocol by name.
pub type Calendars = BTreeMap<String, Calendar>;

/// One clock of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    target: Target,
    /// Working time that was spent before it last began to run.
    spent: Millis,
    running_since: Option<Timestamp>,
    warned: bool,
    breached: bool,
    met_at: Option<Timestamp>,
    warn_at: Option<Timestamp>,
    due_at: Option<Timestamp>,
}

impl Clock {
    /// Starts a clock.
    pub fn start(target: Target, calendars: &Calendars, now: Timestamp) -> Self {
        let mut clock = Self {
            target,
            spent: Millis::default(),
            running_since: Some(now),
            warned: false,
            breached: false,
            met_at: None,
            warn_at: None,
            due_at: None,
        };
        clock.plan(calendars);
        clock
    }

    /// The one formula: the clock rings when the rest of its time has passed by its calendar.
    fn plan(&mut self, calendars: &Calendars) {
        let Some(since) = self.running_since else {
            (self.warn_at, self.due_at) = (None, None);
            return;
        };
        let always = Calendar::always();
        let calendar = calendars.get(&self.target.calendar).unwrap_or(&always);
        let limit = self.target.limit.get();
        let warn = limit / 100 * u64::from(self.target.warn_percent)
            + limit % 100 * u64::from(self.target.warn_percent) / 100;
        let moment = |part: u64| calendar.after(since, Millis::new(part.saturating_sub(self.spent.get())));
        self.due_at = Some(moment(limit));
        self.warn_at = (warn < limit).then(|| moment(warn));
    }

    /// Returns the working time spent until `now`.
    pub fn spent(&self, calendars: &Calendars, now: Timestamp) -> Millis {
        let Some(since) = self.running_since else { return self.spent };
        let always = Calendar::always();
        let calendar = calendars.get(&self.target.calendar).unwrap_or(&always);
        Millis::new(self.spent.get().saturating_add(calendar.between(since, now).get()))
    }

    /// Stops it for as long as the customer is waited for. A clock that stands already stays as it is.
    pub fn pause(&mut self, calendars: &Calendars, now: Timestamp) {
        self.spent = self.spent(calendars, now);
        self.running_since = None;
        self.plan(calendars);
    }

    /// Lets it run on. One that runs, or whose matter is done, stays as it is.
    pub fn resume(&mut self, calendars: &Calendars, now: Timestamp) {
        if self.met_at.is_none() && self.running_since.is_none() {
            self.running_since = Some(now);
            self.plan(calendars);
        }
    }

    /// Gives it another limit or calendar; what was spent stays spent.
    pub fn retarget(&mut self, target: Target, calendars: &Calendars, now: Timestamp) {
        let runs = self.running_since.is_some();
        self.pause(calendars, now);
        self.target = target;
        self.breached = self.spent >= self.target.limit;
        self.warned = self.breached;
        if runs {
            self.resume(calendars, now);
        }
    }

    /// What it waited for has happened.
    pub fn meet(&mut self, calendars: &Calendars, now: Timestamp) {
        if self.met_at.is_none() {
            self.pause(calendars, now);
            self.breached = self.breached || self.spent > self.target.limit;
            self.met_at = Some(now);
        }
    }

    /// It waits again for what had happened; what was spent stays spent.
    pub fn reopen(&mut self, calendars: &Calendars, now: Timestamp) {
        self.met_at = None;
        self.resume(calendars, now);
    }

    /// Rings, once for each warning and breach; after a standstill in which both fell due it rings for the breach alone.
    pub fn ring(&mut self, now: Timestamp) -> Option<Ring> {
        if !self.breached && self.due_at.is_some_and(|due| now >= due) {
            (self.warned, self.breached) = (true, true);
            return Some(Ring::Breach);
        }
        if !self.warned && self.warn_at.is_some_and(|warn| now >= warn) {
            self.warned = true;
            return Some(Ring::Warning);
        }
        None
    }

    /// Returns when it rings next.
    pub fn next(&self) -> Option<Timestamp> {
        match (self.warned, self.breached) {
            (_, true) => None,
            (true, false) => self.due_at,
            (false, false) => self.warn_at.or(self.due_at),
        }
    }

    /// Returns when its time is over; nothing while it stands.
    pub const fn due_at(&self) -> Option<Timestamp> {
        self.due_at
    }

    /// Returns when what it waited for happened.
    pub const fn met_at(&self) -> Option<Timestamp> {
        self.met_at
    }

    /// Says whether it runs.
    pub const fn runs(&self) -> bool {
        self.running_since.is_some()
    }

    /// Says whether its time ran out before its matter was done.
    pub const fn breached(&self) -> bool {
        self.breached
    }

    /// Says whether it has warned.
    pub const fn warned(&self) -> bool {
        self.warned
    }

    /// Returns how long it may run, and by which calendar.
    pub const fn target(&self) -> &Target {
        &self.target
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::calendar::{Holidays, read_intervals};

    fn office() -> Calendars {
        let week =
            std::array::from_fn(|day| read_intervals(if day < 5 { "09:00-18:00" } else { "" }).unwrap());
        let zone = TimeZone::get("Europe/Moscow").unwrap();
        let office = Calendar::new("офис", zone, Holidays::Russia, week, BTreeMap::new()).unwrap();
        BTreeMap::from([("office".to_owned(), office)])
    }

    fn at(text: &str) -> Timestamp {
        let local: jiff::civil::DateTime = text.parse().unwrap();
        let zone = TimeZone::get("Europe/Moscow").unwrap();
        Timestamp::from_millis(zone.to_ambiguous_timestamp(local).compatible().unwrap().as_millisecond())
    }

    fn hours(hours: u64, calendar: &str) -> Target {
        Target { limit: Millis::minutes(hours * 60), calendar: calendar.to_owned(), warn_percent: 75 }
    }

    #[test]
    fn it_warns_and_is_breached_in_working_time_each_once() {
        let calendars = office();
        let mut clock = Clock::start(hours(4, "office"), &calendars, at("2026-11-24T16:00"));
        assert_eq!(
            clock.next(),
            Some(at("2026-11-25T10:00")),
            "three of four hours: not at seven in the evening"
        );
        assert_eq!(clock.due_at(), Some(at("2026-11-25T11:00")), "four hours: not at eight in the evening");
        assert_eq!(clock.ring(at("2026-11-25T00:00")), None, "nothing rings at midnight");
        assert_eq!(clock.ring(at("2026-11-25T10:00")), Some(Ring::Warning));
        assert_eq!(clock.ring(at("2026-11-25T10:00")), None);
        assert_eq!(clock.ring(at("2026-11-25T10:59:59")), None, "not a second early");
        assert_eq!(clock.ring(at("2026-11-25T11:00")), Some(Ring::Breach));
        assert_eq!((clock.ring(at("2026-12-25T11:00")), clock.next()), (None, None));
        let mut stood = Clock::start(hours(4, "office"), &calendars, at("2026-11-24T16:00"));
        assert_eq!(stood.ring(at("2026-11-27T11:00")), Some(Ring::Breach), "after a standstill once");
        assert_eq!(stood.ring(at("2026-11-27T11:00")), None);
    }

    #[test]
    fn a_pause_and_a_change_midway_keep_what_was_spent() {
        let calendars = office();
        let mut clock = Clock::start(hours(4, "office"), &calendars, at("2026-11-24T10:00"));
        clock.pause(&calendars, at("2026-11-24T11:30"));
        assert_eq!((clock.next(), clock.due_at()), (None, None), "a clock that stands never rings");
        clock.pause(&calendars, at("2026-11-24T12:00"));
        assert_eq!(clock.spent(&calendars, at("2026-11-24T17:00")), Millis::minutes(90));
        clock.retarget(hours(2, "office"), &calendars, at("2026-11-24T17:00"));
        assert!(!clock.runs(), "a change does not end the pause");
        clock.resume(&calendars, at("2026-11-25T09:30"));
        assert_eq!(clock.due_at(), Some(at("2026-11-25T10:00")), "half an hour of two is left");
        clock.retarget(hours(8, ALWAYS), &calendars, at("2026-11-25T09:45"));
        assert_eq!(clock.spent(&calendars, at("2026-11-25T09:45")), Millis::minutes(105));
        assert_eq!(clock.due_at(), Some(at("2026-11-25T16:00")), "6 h 15 min are left, now round the clock");
        clock.retarget(hours(1, "office"), &calendars, at("2026-11-25T09:45"));
        assert!(clock.breached(), "more is spent than the new limit allows");
        clock.retarget(hours(8, "office"), &calendars, at("2026-11-25T09:45"));
        assert!(!clock.breached());
    }

    #[test]
    fn a_clock_whose_matter_is_done_stands_for_good() {
        let calendars = office();
        let mut clock = Clock::start(hours(1, "office"), &calendars, at("2026-11-24T10:00"));
        clock.meet(&calendars, at("2026-11-24T10:30"));
        clock.resume(&calendars, at("2026-11-24T11:00"));
        assert_eq!(
            (clock.runs(), clock.breached(), clock.ring(at("2026-11-26T10:00"))),
            (false, false, None)
        );
        clock.reopen(&calendars, at("2026-11-24T12:00"));
        assert_eq!(clock.due_at(), Some(at("2026-11-24T12:30")));
    }
}
