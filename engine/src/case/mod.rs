//! The case: the matter to be solved for one customer. It always has an owner, a stage and a next due time.
//!
//! Events move it from state to state; impossible states cannot be built, and what is refused says why.

mod act;
mod clock;
mod resolution;
mod service;

pub use clock::{Calendars, Clock, ClockKind, Ring, Target};
pub use resolution::{Cost, CostKind, Resolution, ResolutionReason};
pub use service::{Ask, Pause};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decision::{Decision, DecisionKind};
use crate::protocol::Protocol;
use crate::time::Timestamp;

/// A person who works here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StaffId(pub String);

/// Who is responsible: nobody is not an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// A person.
    Staff(StaffId),
    /// Whoever is on duty in this role.
    Role(String),
}

/// Where the case stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CaseState {
    /// Waits for somebody to see it.
    Open,
    /// Somebody saw it and will act.
    Acknowledged {
        /// Who.
        by: StaffId,
        /// When.
        at: Timestamp,
    },
    /// Somebody took the conversation over and works on it.
    InWork {
        /// Who.
        by: StaffId,
        /// Since when.
        at: Timestamp,
    },
    /// Solved, with all that has to be written down.
    Resolved {
        /// Who resolved it.
        by: StaffId,
        /// When.
        at: Timestamp,
        /// Reason, decision, cost, conclusion.
        resolution: Box<Resolution>,
    },
    /// It is the same matter as another case, and goes on there.
    Merged {
        /// Who said so.
        by: StaffId,
        /// When.
        at: Timestamp,
        /// The case in which it goes on.
        into: CaseName,
    },
}

/// How the case of another conversation is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseName {
    /// Its id in the store.
    pub id: String,
    /// Its number, as people name it.
    pub number: i64,
}

impl CaseState {
    /// Returns the name used in the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged { .. } => "acknowledged",
            Self::InWork { .. } => "in_work",
            Self::Resolved { .. } => "resolved",
            Self::Merged { .. } => "merged",
        }
    }

    /// Says whether nothing is left to do here.
    pub fn is_over(&self) -> bool {
        self.over_at().is_some()
    }

    /// Returns since when nothing is left to do here.
    pub fn over_at(&self) -> Option<Timestamp> {
        match self {
            Self::Resolved { at, .. } | Self::Merged { at, .. } => Some(*at),
            Self::Open | Self::Acknowledged { .. } | Self::InWork { .. } => None,
        }
    }
}

/// How pressing a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// In its turn.
    Normal,
    /// Before the others.
    High,
    /// Now.
    Urgent,
}

impl Priority {
    /// Every priority, the mildest first.
    pub const ALL: [Self; 3] = [Self::Normal, Self::High, Self::Urgent];

    /// Returns the name used in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

/// The matter to be solved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Who is responsible.
    pub owner: Owner,
    /// Where it stands.
    pub state: CaseState,
    /// How pressing.
    pub priority: Priority,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was entered, for a case of former times.
    pub entered_at: Option<Timestamp>,
    /// Since when an alert waits for an answer; `None` for a case of former times, for which nobody is alerted.
    pub waits_since: Option<Timestamp>,
    /// What has to happen by when, in working time.
    pub clocks: BTreeMap<ClockKind, Clock>,
    /// The customer is waited for.
    pub pause: Option<Pause>,
    /// What other departments were asked.
    pub asks: Vec<Ask>,
    /// When a case whose time is over is brought up again.
    pub remind_at: Option<Timestamp>,
    /// By when the next thing has to happen: what people see.
    pub due_at: Timestamp,
    /// When the case has to be looked at next: like `due_at`, or earlier when a clock warns.
    pub wake_at: Timestamp,
    /// Which step of the alert ladder has been told, from 0; `None` before the first.
    pub told: Option<u32>,
    /// People who stay on the case until it ends, the agent who escalated first.
    pub followers: Vec<StaffId>,
}

/// What a person can do with a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Opens a case by hand, without a decision of the protocol.
    Open,
    /// Enters a case of former times, opened when the event happened. It alerts nobody, and its clocks begin when it is
    /// entered.
    Enter {
        /// When it is entered.
        entered_at: Timestamp,
        /// By when it has to be resolved, where that was agreed.
        due_at: Option<Timestamp>,
    },
    /// «I have seen it and will act».
    Acknowledge,
    /// Takes the conversation over.
    TakeOver,
    /// Gives the case to another person.
    HandOver {
        /// To whom.
        to: StaffId,
    },
    /// Tells the customer how things stand.
    Inform {
        /// The sha256 of what was told; the words lie beside the log.
        text_sha256: String,
        /// Minutes until the customer hears again, where that was promised.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again_minutes: Option<u32>,
    },
    /// Waits for the customer: the clocks that are owed to the customer stand.
    Wait {
        /// Until when at the latest; without it as long as the protocol says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// The customer has answered, or is waited for no longer.
    Resume,
    /// Makes the case more or less pressing. What was spent stays spent.
    Prioritise {
        /// How pressing it is from now on.
        priority: Priority,
    },
    /// Asks another department.
    Ask {
        /// Its name in the protocol.
        department: String,
        /// The sha256 of the question; the words lie beside the log.
        text_sha256: String,
    },
    /// Answers for a department.
    Answer {
        /// The number of the question in the case, from 1.
        ask: u32,
        /// The sha256 of the answer; the words lie beside the log.
        text_sha256: String,
    },
    /// Stays on the case until it ends, and hears of each of its steps.
    Follow,
    /// Leaves the case.
    Unfollow,
    /// Writes a note into the timeline.
    Note {
        /// The sha256 of the note; the words lie beside the log.
        text_sha256: String,
    },
    /// Closes the case with its resolution.
    Resolve {
        /// Reason, decision, cost, conclusion.
        resolution: Resolution,
    },
    /// Opens a resolved case again, or parts it from the one into which it was merged.
    Reopen,
    /// Says that the matter is the same as that of an older case, and goes on there.
    MergeInto {
        /// The older case.
        into: CaseName,
    },
    /// Takes in the matter of a later case that is the same.
    TakeIn {
        /// The later case.
        case: CaseName,
        /// How pressing it was.
        priority: Priority,
        /// Who followed it; its owner is among them.
        followers: Vec<StaffId>,
        /// Departments that have still to answer there, by their names: they are asked here.
        asks: Vec<String>,
    },
    /// Says that the incident behind the case is over: the customer has to hear of it.
    CauseGone {
        /// Number of the incident.
        incident: u64,
        /// The sha256 of what is known of the cause; the words lie beside the log.
        text_sha256: String,
    },
    /// Says that another case has to do with this one.
    Link {
        /// The other case.
        case: CaseName,
    },
    /// Takes that back.
    Unlink {
        /// The other case.
        case: CaseName,
    },
}

/// How a case changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum CaseChange {
    /// It was opened.
    Opened(Box<Case>),
    /// Its priority rose because of a later decision.
    Raised {
        /// The new priority.
        priority: Priority,
        /// The new due time.
        due_at: Timestamp,
    },
    /// Its state changed.
    Moved {
        /// The new state.
        state: CaseState,
        /// The new owner.
        owner: Owner,
        /// The new due time.
        due_at: Timestamp,
    },
    /// Nobody acted in time; the next step of the alert ladder was told.
    Climbed {
        /// The step, from 0.
        step: u32,
        /// The new due time.
        due_at: Timestamp,
    },
    /// The time to resolve ran out, or the case is brought up again because it did.
    Overdue {
        /// When something has to happen next.
        due_at: Timestamp,
    },
    /// A clock rang.
    Rang {
        /// Which.
        clock: ClockKind,
        /// Whether it warns or its time is over.
        ring: Ring,
        /// When something has to happen next.
        due_at: Timestamp,
    },
    /// The customer was told how things stand.
    Informed {
        /// When something has to happen next.
        due_at: Timestamp,
    },
    /// The customer is waited for.
    Paused {
        /// Until when at the latest.
        until: Timestamp,
    },
    /// The customer is waited for no longer.
    Resumed {
        /// Nobody answered in the time that was given.
        in_vain: bool,
        /// When something has to happen next.
        due_at: Timestamp,
    },
    /// Somebody made the case more or less pressing.
    Prioritised {
        /// How pressing it is now.
        priority: Priority,
        /// When something has to happen next.
        due_at: Timestamp,
    },
    /// Another department was asked.
    Asked {
        /// What was asked.
        ask: Ask,
        /// When something has to happen next.
        due_at: Timestamp,
    },
    /// A department answered.
    Answered {
        /// The number of the question.
        ask: u32,
        /// When something has to happen next.
        due_at: Timestamp,
    },
    /// A department has not answered in its time.
    Unanswered {
        /// The number of the question.
        ask: u32,
        /// When something has to happen next.
        due_at: Timestamp,
    },
    /// Somebody joined the followers or left them.
    Following {
        /// Whether they follow now.
        follows: bool,
    },
    /// It goes on in another case.
    Merged {
        /// In which.
        into: CaseName,
    },
    /// It goes on with the matter of another case as well.
    TookIn {
        /// Which.
        case: CaseName,
        /// When something has to happen next.
        due_at: Timestamp,
    },
    /// The incident behind it is over.
    CauseGone {
        /// When something has to happen next.
        due_at: Timestamp,
    },
    /// Another case has to do with it, or does no longer.
    Linked {
        /// Which.
        case: CaseName,
        /// Whether it has.
        linked: bool,
    },
    /// Something was written into the timeline.
    Noted,
}

/// Why an action was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The case has been resolved.
    #[error("the case is already resolved: reopen it first")]
    AlreadyResolved,
    /// Only a resolved case can be reopened.
    #[error("the case is not resolved: there is nothing to reopen")]
    NotResolved,
    /// There is no case yet.
    #[error("there is no case yet: open one first")]
    NoCase,
    /// A case exists already.
    #[error("the conversation already has a case")]
    AlreadyOpen,
    /// The resolution lacks something.
    #[error("the resolution lacks {0}")]
    Incomplete(&'static str),
    /// Nobody has the case yet.
    #[error("nobody has the case yet: acknowledge it or take it over first")]
    NotTaken,
    /// The customer is waited for already.
    #[error("the customer is waited for already")]
    AlreadyWaiting,
    /// The customer is not waited for.
    #[error("the customer is not waited for")]
    NotWaiting,
    /// A moment that has passed.
    #[error("the time given has passed already: give a later one")]
    InThePast,
    /// No such department.
    #[error("the protocol knows no department \"{0}\"")]
    NoDepartment(String),
    /// The department has not answered yet.
    #[error("the department \"{0}\" was asked already and has not answered yet")]
    AlreadyAsked(String),
    /// No such question, or it was answered.
    #[error("there is no open question {0}")]
    NotAsked(u32),
}

impl Case {
    /// Opens a case because of a decision.
    pub fn open(protocol: &Protocol, decision: Option<DecisionKind>, now: Timestamp) -> Self {
        let priority = decision.map_or(Priority::Normal, priority);
        let role = protocol.alerts.ladder.first().map_or("supervisor", |step| step.role.as_str());
        let mut case = Self {
            owner: Owner::Role(role.to_owned()),
            state: CaseState::Open,
            priority,
            opened_at: now,
            entered_at: None,
            waits_since: Some(now),
            clocks: BTreeMap::new(),
            pause: None,
            asks: Vec::new(),
            remind_at: None,
            due_at: now,
            wake_at: now,
            told: None,
            followers: Vec::new(),
        };
        case.start_answering(&protocol.clocks, now);
        case.start_serving(&protocol.clocks, now);
        case.plan(protocol, now);
        case
    }

    /// Opens a case that is another department's matter: the supervisor owns it, but nobody is called to a conversation.
    pub fn open_for_department(protocol: &Protocol, now: Timestamp) -> Self {
        let mut case = Self::open(protocol, Some(DecisionKind::Functional), now);
        case.waits_since = None;
        case.clocks.remove(&ClockKind::Acknowledge);
        case.plan(protocol, now);
        case
    }

    /// Enters a case of former times.
    pub fn enter(
        protocol: &Protocol,
        decision: Option<DecisionKind>,
        (opened_at, entered_at): (Timestamp, Timestamp),
        agreed_due: Option<Timestamp>,
    ) -> Self {
        let mut case = Self::open(protocol, decision, opened_at);
        case.entered_at = Some(entered_at);
        case.waits_since = None;
        let sla = protocol.clocks.sla(case.priority);
        let target = match agreed_due {
            Some(due) => Target::plain(due.since(entered_at)),
            None => Target { limit: sla.resolve, calendar: sla.calendar, warn_percent: sla.warn_percent },
        };
        let resolve = Clock::start(target, &protocol.clocks.calendars, entered_at);
        case.clocks = BTreeMap::from([(ClockKind::Resolve, resolve)]);
        case.plan(protocol, entered_at);
        case
    }

    /// Raises the priority for a later, stronger decision; returns the change, if any.
    pub fn raise(&mut self, protocol: &Protocol, decision: &Decision, now: Timestamp) -> Option<CaseChange> {
        let wanted = priority(decision.decision);
        if self.state.is_over() || wanted <= self.priority {
            return None;
        }
        self.set_priority(&protocol.clocks, wanted, now);
        self.plan(protocol, now);
        Some(CaseChange::Raised { priority: wanted, due_at: self.due_at })
    }

    /// Adds a follower, once.
    pub fn follow(&mut self, staff: StaffId) {
        if !self.followers.contains(&staff) {
            self.followers.push(staff);
        }
    }

    /// Returns when the time to resolve is over; nothing while the customer is waited for.
    pub fn resolve_by(&self) -> Option<Timestamp> {
        self.clocks.get(&ClockKind::Resolve).and_then(Clock::due_at)
    }

    /// Sets the next due time: the earliest of all that has to happen. Nothing that is open is without one.
    pub(crate) fn plan(&mut self, protocol: &Protocol, now: Timestamp) {
        if let Some(at) = self.state.over_at() {
            (self.due_at, self.wake_at) = (at, at);
            return;
        }
        let climbs = match (&self.state, self.waits_since) {
            (CaseState::Open, Some(since)) => {
                let next = self.told.map_or(0, |told| told as usize + 1);
                protocol.alert_after(next, self.priority).map(|after| since.plus(after))
            }
            _ => None,
        };
        let ends = self.clocks.values().filter(|clock| !clock.breached()).filter_map(Clock::due_at);
        let asks = self.asks.iter().filter_map(Ask::next);
        let pause = self.pause.as_ref().map(|pause| pause.until);
        let all = ends.chain(asks).chain(climbs).chain(self.remind_at).chain(pause);
        self.due_at = all.min().unwrap_or_else(|| now.plus(protocol.clocks.resolve));
        let warns = self.clocks.values().filter_map(Clock::next);
        self.wake_at = warns.min().map_or(self.due_at, |warns| warns.min(self.due_at));
    }
}

/// Returns how pressing a case is that a decision opens.
pub fn priority(decision: DecisionKind) -> Priority {
    match decision {
        DecisionKind::EngageNow => Priority::Urgent,
        DecisionKind::Engage | DecisionKind::Incident | DecisionKind::AbuseStep => Priority::High,
        DecisionKind::Watch | DecisionKind::Coach | DecisionKind::Functional => Priority::Normal,
    }
}
