//! Alerts: whom to tell, what about, how pressing. Sending is the server's work.

use serde::{Deserialize, Serialize};

use crate::case::{Ask, Case, CaseChange, CaseState, ClockKind, Owner, Priority, Ring, StaffId};
use crate::protocol::Protocol;
use crate::time::Timestamp;

/// What an alert is about. Each topic of a case is answered by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "topic", rename_all = "snake_case")]
pub enum Topic {
    /// Somebody has to take the case.
    Case,
    /// A clock warns, or its time is over.
    Clock {
        /// Which.
        clock: ClockKind,
        /// Which of the two.
        ring: Ring,
    },
    /// A department is asked, or has not answered in its time.
    Ask {
        /// The number of the question in the case.
        ask: u32,
        /// Whether the answer is late.
        late: bool,
    },
    /// A department has answered.
    Answer {
        /// The number of the question in the case.
        ask: u32,
    },
    /// The customer was waited for in vain.
    WaitedInVain,
    /// The common cause of several cases is gone.
    CauseGone,
}

/// Somebody has to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The role on duty that is told.
    pub role: String,
    /// The one person that is told, instead of everybody of the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<StaffId>,
    /// The one department that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// What it is about.
    #[serde(default = "case_topic", skip_serializing_if = "is_case")]
    pub topic: Topic,
    /// The step of the alert ladder, from 0.
    pub step: u32,
    /// How pressing.
    pub priority: Priority,
    /// Whether the same matter was told before, to this or another role.
    pub repeat: bool,
}

const fn case_topic() -> Topic {
    Topic::Case
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_case(topic: &Topic) -> bool {
    *topic == Topic::Case
}

impl Alert {
    fn of(case: &Case, role: &str, topic: Topic) -> Self {
        Self {
            role: role.to_owned(),
            to: None,
            department: None,
            topic,
            step: 0,
            priority: case.priority,
            repeat: false,
        }
    }

    fn to_owner(protocol: &Protocol, case: &Case, topic: Topic) -> Self {
        let first = first_role(protocol);
        match &case.owner {
            Owner::Staff(staff) => Self { to: Some(staff.clone()), ..Self::of(case, first, topic) },
            Owner::Role(role) => Self::of(case, role, topic),
        }
    }
}

fn first_role(protocol: &Protocol) -> &str {
    protocol.alerts.ladder.first().map_or("supervisor", |step| step.role.as_str())
}

/// Returns the role behind the first of the ladder, to whom a time that is over goes; the first where there is one alone.
fn next_role(protocol: &Protocol) -> &str {
    let ladder = &protocol.alerts.ladder;
    ladder.get(1).or(ladder.first()).map_or("supervisor", |step| step.role.as_str())
}

/// Tells the first step of the ladder.
pub fn first(protocol: &Protocol, case: &mut Case, now: Timestamp) -> Option<Alert> {
    let step = protocol.alerts.ladder.first()?;
    let repeat = case.told.is_some();
    case.told = Some(0);
    case.plan(protocol, now);
    Some(Alert { repeat, ..Alert::of(case, &step.role, Topic::Case) })
}

/// Tells the person to whom a case is handed. When they do not answer, the ladder goes on as for a fresh case.
pub fn handed(protocol: &Protocol, case: &Case, to: &StaffId) -> Alert {
    Alert { to: Some(to.clone()), ..Alert::of(case, first_role(protocol), Topic::Case) }
}

/// Tells a department that it is asked.
pub fn asked(case: &Case, ask: &Ask) -> Alert {
    let topic = Topic::Ask { ask: ask.number, late: false };
    Alert { department: Some(ask.department.clone()), ..Alert::of(case, "department", topic) }
}

/// Tells the owner that a department has answered.
pub fn answered(protocol: &Protocol, case: &Case, ask: u32) -> Alert {
    Alert::to_owner(protocol, case, Topic::Answer { ask })
}

/// Tells the owner that the common cause of several cases is gone.
pub fn cause_gone(protocol: &Protocol, case: &Case) -> Alert {
    Alert::to_owner(protocol, case, Topic::CauseGone)
}

/// What has fallen due: the change, and who is told of it.
type Due = (CaseChange, Vec<Alert>);

/// Does what the time asks for: the alert climbs, clocks ring, a pause ends, a late answer is brought up.
///
/// After a standstill (a restart, a hung machine) the alert climbs once, to the step that is due now, and each clock rings
/// once.
pub fn on_tick(protocol: &Protocol, case: &mut Case, now: Timestamp) -> Vec<Due> {
    if case.state.is_over() || now < case.wake_at {
        return Vec::new();
    }
    let mut due = Vec::new();
    due.extend(climb(protocol, case, now));
    if case.pause.as_ref().is_some_and(|pause| now >= pause.until) && case.resume(&protocol.clocks, now) {
        let alert = Alert::to_owner(protocol, case, Topic::WaitedInVain);
        due.push((CaseChange::Resumed { in_vain: true, due_at: now }, vec![alert]));
    }
    for kind in ClockKind::ALL {
        let ring = case.clocks.get_mut(&kind).and_then(|clock| clock.ring(now));
        due.extend(ring.and_then(|ring| rang(protocol, case, kind, ring, now)));
    }
    if case.remind_at.is_some_and(|at| now >= at) {
        due.push(overdue(protocol, case, now));
    }
    for number in 0..case.asks.len() {
        due.extend(unanswered(protocol, case, number, now));
    }
    case.plan(protocol, now);
    let next = case.due_at;
    for (change, _) in &mut due {
        match change {
            CaseChange::Climbed { due_at, .. }
            | CaseChange::Overdue { due_at }
            | CaseChange::Rang { due_at, .. }
            | CaseChange::Resumed { due_at, .. }
            | CaseChange::Unanswered { due_at, .. } => *due_at = next,
            _ => {}
        }
    }
    due
}

fn climb(protocol: &Protocol, case: &mut Case, now: Timestamp) -> Option<Due> {
    let (CaseState::Open, Some(since)) = (&case.state, case.waits_since) else { return None };
    let waited = now.since(since);
    let ladder = &protocol.alerts.ladder;
    let due = (0..ladder.len())
        .rev()
        .find(|step| protocol.alert_after(*step, case.priority).is_some_and(|after| waited >= after))?;
    let step = u32::try_from(due).ok()?;
    let told = case.told;
    if told.is_some_and(|told| step <= told) {
        return None;
    }
    case.told = Some(step);
    let role = ladder.get(due).map(|step| step.role.clone()).unwrap_or_default();
    let alert = Alert { step, repeat: told.is_some(), ..Alert::of(case, &role, Topic::Case) };
    Some((CaseChange::Climbed { step, due_at: now }, vec![alert]))
}

/// Says who hears of a clock. A warning is for the owner; a time that is over also for the next of the ladder. That nobody
/// acknowledges makes the ladder climb already.
fn rang(protocol: &Protocol, case: &mut Case, clock: ClockKind, ring: Ring, now: Timestamp) -> Option<Due> {
    let change = CaseChange::Rang { clock, ring, due_at: now };
    let topic = Topic::Clock { clock, ring };
    match (clock, ring) {
        (ClockKind::Acknowledge, Ring::Warning) => None,
        (ClockKind::Acknowledge, Ring::Breach) => Some((change, Vec::new())),
        (ClockKind::Resolve, Ring::Breach) => Some(overdue(protocol, case, now)),
        (_, Ring::Warning) => Some((change, vec![Alert::to_owner(protocol, case, topic)])),
        (_, Ring::Breach) => {
            let owner = Alert::to_owner(protocol, case, topic);
            let next = Alert { step: 1, ..Alert::of(case, next_role(protocol), topic) };
            Some((change, vec![owner, next]))
        }
    }
}

/// The time to resolve is over: the first of the ladder hears of it, and again after each further such time.
fn overdue(protocol: &Protocol, case: &mut Case, now: Timestamp) -> Due {
    let sla = protocol.clocks.sla(case.priority);
    let again = protocol
        .clocks
        .calendars
        .get(&sla.calendar)
        .map_or_else(|| now.plus(sla.resolve), |calendar| calendar.after(now, sla.resolve));
    let repeat = case.remind_at.is_some() || case.told.is_some();
    case.remind_at = Some(again);
    let topic = Topic::Clock { clock: ClockKind::Resolve, ring: Ring::Breach };
    let step = case.told.unwrap_or(0);
    let chief = Alert { step, repeat, ..Alert::of(case, first_role(protocol), topic) };
    (CaseChange::Overdue { due_at: now }, vec![chief])
}

fn unanswered(protocol: &Protocol, case: &mut Case, index: usize, now: Timestamp) -> Option<Due> {
    let ask = case.asks.get_mut(index).filter(|ask| ask.next().is_some_and(|due| now >= due))?;
    ask.late = true;
    let (number, department) = (ask.number, ask.department.clone());
    let topic = Topic::Ask { ask: number, late: true };
    let again = Alert { department: Some(department), repeat: true, ..Alert::of(case, "department", topic) };
    let owner = Alert::to_owner(protocol, case, topic);
    Some((CaseChange::Unanswered { ask: number, due_at: now }, vec![again, owner]))
}

/// Returns when the case has to be looked at next.
pub fn wake_at(case: &Case) -> Option<Timestamp> {
    (!case.state.is_over()).then_some(case.wake_at)
}
