//! What a case owes: its clocks started and moved together, the pause, the questions to other departments.

use serde::{Deserialize, Serialize};

use super::{Case, Clock, ClockKind, Priority, StaffId, Target};
use crate::protocol::ClockRules;
use crate::time::{Millis, Timestamp};

/// The customer is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Until when at the latest: nothing waits for ever.
    pub until: Timestamp,
    /// Who decided it.
    pub by: StaffId,
}

/// A question to another department: a functional escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Its number in the case, from 1.
    pub number: u32,
    /// The department by its name in the protocol.
    pub department: String,
    /// Who asks; nobody when the protocol does.
    pub by: Option<StaffId>,
    /// When.
    pub at: Timestamp,
    /// By when an answer is due.
    pub due_at: Timestamp,
    /// Whether a late answer was brought up.
    pub late: bool,
    /// Who answered, and when.
    pub answered: Option<(StaffId, Timestamp)>,
}

impl Ask {
    /// Returns when a late answer is brought up.
    pub fn next(&self) -> Option<Timestamp> {
        (self.answered.is_none() && !self.late).then_some(self.due_at)
    }
}

impl Case {
    /// Starts the clocks that people here owe each other.
    pub(super) fn start_answering(&mut self, rules: &ClockRules, now: Timestamp) {
        let acknowledge = Target::plain(rules.acknowledge_within(self.priority));
        self.clocks.insert(ClockKind::Acknowledge, Clock::start(acknowledge, &rules.calendars, now));
        self.start_joining(rules, now);
    }

    /// Somebody is called to the case: an alert waits for an answer from now on.
    pub(crate) fn call(&mut self, rules: &ClockRules, now: Timestamp) {
        self.told = None;
        self.waits_since.get_or_insert(now);
        if !self.clocks.contains_key(&ClockKind::Acknowledge) {
            self.start_answering(rules, now);
        }
    }

    fn start_joining(&mut self, rules: &ClockRules, now: Timestamp) {
        if self.priority == Priority::Urgent && rules.join_now > Millis::default() {
            let join = Target::plain(rules.join_now);
            self.clocks.insert(ClockKind::Join, Clock::start(join, &rules.calendars, now));
        }
    }

    /// Starts the clocks that are owed to the customer.
    pub(super) fn start_serving(&mut self, rules: &ClockRules, now: Timestamp) {
        for kind in [ClockKind::FirstResponse, ClockKind::Resolve] {
            if let Some(target) = self.target(rules, kind) {
                self.clocks.insert(kind, Clock::start(target, &rules.calendars, now));
            }
        }
    }

    /// Returns how long a clock may run at the priority of the case; nothing where the protocol has no such clock.
    fn target(&self, rules: &ClockRules, kind: ClockKind) -> Option<Target> {
        let sla = rules.sla(self.priority);
        let limit = match kind {
            ClockKind::Acknowledge => return Some(Target::plain(rules.acknowledge_within(self.priority))),
            ClockKind::Join => rules.join_now,
            ClockKind::FirstResponse => sla.first_response,
            ClockKind::NextUpdate => sla.next_update,
            ClockKind::Resolve => sla.resolve,
        };
        let target = Target { limit, calendar: sla.calendar, warn_percent: sla.warn_percent };
        (limit > Millis::default()).then_some(target)
    }

    /// Changes the priority; each clock gets the new limit and keeps what was spent.
    pub(super) fn set_priority(&mut self, rules: &ClockRules, priority: Priority, now: Timestamp) {
        self.priority = priority;
        let kinds: Vec<ClockKind> = self.clocks.keys().copied().collect();
        for kind in kinds {
            let target = self.target(rules, kind);
            let done = self.clocks.get(&kind).is_some_and(|clock| clock.met_at().is_some());
            match (target, self.clocks.get_mut(&kind)) {
                (Some(target), Some(clock)) if !done => clock.retarget(target, &rules.calendars, now),
                (None, _) if !done => drop(self.clocks.remove(&kind)),
                _ => {}
            }
        }
        for kind in [ClockKind::FirstResponse, ClockKind::NextUpdate] {
            // A clock that the former priority did not have begins now; the second begins with the first word.
            let begins = kind == ClockKind::FirstResponse || self.met(ClockKind::FirstResponse);
            if let (false, true, Some(target)) =
                (self.clocks.contains_key(&kind), begins, self.target(rules, kind))
            {
                let mut clock = Clock::start(target, &rules.calendars, now);
                if self.pause.is_some() {
                    clock.pause(&rules.calendars, now);
                }
                self.clocks.insert(kind, clock);
            }
        }
        if !self.clocks.contains_key(&ClockKind::Join) && !self.met(ClockKind::Acknowledge) {
            self.start_joining(rules, now);
        }
    }

    /// Says whether what a clock waited for has happened.
    pub fn met(&self, kind: ClockKind) -> bool {
        self.clocks.get(&kind).is_some_and(|clock| clock.met_at().is_some())
    }

    pub(super) fn meet(&mut self, rules: &ClockRules, kind: ClockKind, now: Timestamp) {
        if let Some(clock) = self.clocks.get_mut(&kind) {
            clock.meet(&rules.calendars, now);
        }
    }

    /// The customer was told how things stand: the first answer is given, and the next one is due in its time.
    pub(super) fn inform(&mut self, rules: &ClockRules, again: Option<Millis>, now: Timestamp) {
        self.meet(rules, ClockKind::FirstResponse, now);
        let usual = self.target(rules, ClockKind::NextUpdate);
        let target = match again {
            Some(again) => {
                Some(Target { warn_percent: rules.sla(self.priority).warn_percent, ..Target::plain(again) })
            }
            None => usual,
        };
        self.clocks.remove(&ClockKind::NextUpdate);
        if let Some(target) = target {
            let mut clock = Clock::start(target, &rules.calendars, now);
            if self.pause.is_some() {
                clock.pause(&rules.calendars, now);
            }
            self.clocks.insert(ClockKind::NextUpdate, clock);
        }
    }

    pub(super) fn pause(&mut self, rules: &ClockRules, pause: Pause, now: Timestamp) {
        for (kind, clock) in &mut self.clocks {
            if kind.rests_with_customer() {
                clock.pause(&rules.calendars, now);
            }
        }
        self.pause = Some(pause);
    }

    /// Lets the clocks run on that stood for the customer; says whether any did.
    pub(crate) fn resume(&mut self, rules: &ClockRules, now: Timestamp) -> bool {
        if self.pause.take().is_none() {
            return false;
        }
        for (kind, clock) in &mut self.clocks {
            if kind.rests_with_customer() {
                clock.resume(&rules.calendars, now);
            }
        }
        true
    }

    /// Asks a department; nothing when it was asked and has not answered yet.
    pub(crate) fn ask(
        &mut self,
        rules: &ClockRules,
        department: &str,
        by: Option<StaffId>,
        now: Timestamp,
    ) -> Option<Ask> {
        let known = rules.department(department)?;
        if self.asks.iter().any(|ask| ask.department == department && ask.answered.is_none()) {
            return None;
        }
        let target = rules.answer_of(known);
        let due_at = Clock::start(target, &rules.calendars, now).due_at().unwrap_or(now);
        let number = u32::try_from(self.asks.len()).unwrap_or(u32::MAX).saturating_add(1);
        let ask = Ask {
            number,
            department: department.to_owned(),
            by,
            at: now,
            due_at,
            late: false,
            answered: None,
        };
        self.asks.push(ask.clone());
        Some(ask)
    }
}
