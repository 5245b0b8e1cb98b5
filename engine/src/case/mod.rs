//! The case: the matter to be solved for one customer. It always has an owner, a stage and a next due time.
//!
//! Events move it from state to state; impossible states cannot be built, and what is refused says why.

mod resolution;

pub use resolution::{Cost, CostKind, Resolution, ResolutionReason};

use serde::{Deserialize, Serialize};

use crate::decision::{Decision, DecisionKind};
use crate::protocol::{ClockRules, Protocol};
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
}

impl CaseState {
    /// Returns the name used in the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged { .. } => "acknowledged",
            Self::InWork { .. } => "in_work",
            Self::Resolved { .. } => "resolved",
        }
    }

    /// Says whether nothing is left to do.
    pub fn is_resolved(&self) -> bool {
        matches!(self, Self::Resolved { .. })
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
    /// By when it has to be resolved.
    pub resolve_by: Timestamp,
    /// By when the next thing has to happen.
    pub due_at: Timestamp,
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
    /// Opens a resolved case again.
    Reopen,
}

/// How a case changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum CaseChange {
    /// It was opened.
    Opened(Case),
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
    /// The time to resolve ran out.
    Overdue {
        /// The next time it will be raised again.
        due_at: Timestamp,
    },
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
}

impl Case {
    /// Opens a case because of a decision.
    pub fn open(protocol: &Protocol, decision: Option<DecisionKind>, now: Timestamp) -> Self {
        let priority = decision.map_or(Priority::Normal, priority);
        let role = protocol.alerts.ladder.first().map_or("supervisor", |step| step.role.as_str());
        let due_at = now.plus(answer_within(&protocol.clocks, priority));
        Self {
            owner: Owner::Role(role.to_owned()),
            state: CaseState::Open,
            priority,
            opened_at: now,
            entered_at: None,
            waits_since: Some(now),
            resolve_by: now.plus(protocol.clocks.resolve),
            due_at,
            told: None,
            followers: Vec::new(),
        }
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
        case.resolve_by = agreed_due.unwrap_or_else(|| entered_at.plus(protocol.clocks.resolve));
        case.due_at = case.resolve_by;
        case
    }

    /// Raises the priority for a later, stronger decision; returns the change, if any.
    pub fn raise(&mut self, clocks: &ClockRules, decision: &Decision, now: Timestamp) -> Option<CaseChange> {
        let wanted = priority(decision.decision);
        if self.state.is_resolved() || wanted <= self.priority {
            return None;
        }
        self.priority = wanted;
        if self.state == CaseState::Open {
            self.due_at = self.due_at.min(now.plus(answer_within(clocks, wanted)));
        }
        Some(CaseChange::Raised { priority: wanted, due_at: self.due_at })
    }

    /// Does what a person asks.
    ///
    /// # Errors
    /// The refusal, when the state of the case does not allow it.
    pub fn act(
        &mut self,
        clocks: &ClockRules,
        by: &StaffId,
        action: &Action,
        now: Timestamp,
    ) -> Result<CaseChange, Refusal> {
        let resolved = self.state.is_resolved();
        match action {
            Action::Open | Action::Enter { .. } => return Err(Refusal::AlreadyOpen),
            Action::Reopen if !resolved => return Err(Refusal::NotResolved),
            Action::Reopen => {}
            _ if resolved => return Err(Refusal::AlreadyResolved),
            _ => {}
        }
        match action {
            Action::Acknowledge => self.move_to(
                CaseState::Acknowledged { by: by.clone(), at: now },
                Owner::Staff(by.clone()),
                clocks,
                now,
            ),
            Action::TakeOver => self.move_to(
                CaseState::InWork { by: by.clone(), at: now },
                Owner::Staff(by.clone()),
                clocks,
                now,
            ),
            Action::HandOver { to } => {
                self.follow(by.clone());
                self.told = None;
                self.waits_since = Some(now);
                self.move_to(CaseState::Open, Owner::Staff(to.clone()), clocks, now);
            }
            Action::Reopen => self.move_to(
                CaseState::InWork { by: by.clone(), at: now },
                Owner::Staff(by.clone()),
                clocks,
                now,
            ),
            Action::Resolve { resolution } => {
                resolution.check()?;
                let state =
                    CaseState::Resolved { by: by.clone(), at: now, resolution: Box::new(resolution.clone()) };
                self.move_to(state, Owner::Staff(by.clone()), clocks, now);
            }
            Action::Note { .. } | Action::Open | Action::Enter { .. } => {}
        }
        Ok(CaseChange::Moved { state: self.state.clone(), owner: self.owner.clone(), due_at: self.due_at })
    }

    /// Adds a follower, once.
    pub fn follow(&mut self, staff: StaffId) {
        if !self.followers.contains(&staff) {
            self.followers.push(staff);
        }
    }

    fn move_to(&mut self, state: CaseState, owner: Owner, clocks: &ClockRules, now: Timestamp) {
        self.due_at = match state {
            CaseState::Open => now.plus(answer_within(clocks, self.priority)),
            CaseState::Acknowledged { .. } | CaseState::InWork { .. } => self.resolve_by.max(now),
            CaseState::Resolved { at, .. } => at,
        };
        self.state = state;
        self.owner = owner;
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

fn answer_within(clocks: &ClockRules, priority: Priority) -> crate::time::Millis {
    match priority {
        Priority::Urgent => clocks.acknowledge_now,
        Priority::High | Priority::Normal => clocks.acknowledge,
    }
}
