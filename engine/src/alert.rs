//! Alerts: whom to tell, what, how pressing. Sending is the server's work.

use serde::{Deserialize, Serialize};

use crate::case::{Case, CaseChange, CaseState, Priority, StaffId};
use crate::protocol::{AlertRules, ClockRules};
use crate::time::Timestamp;

/// Somebody has to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The role on duty that is told.
    pub role: String,
    /// The one person that is told, instead of everybody of the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<StaffId>,
    /// The step of the alert ladder, from 0.
    pub step: u32,
    /// How pressing.
    pub priority: Priority,
    /// Whether the same matter was told before, to this or another role.
    pub repeat: bool,
}

/// Tells the first step of the ladder.
pub fn first(rules: &AlertRules, case: &mut Case) -> Option<Alert> {
    let step = rules.ladder.first()?;
    let repeat = case.told.is_some();
    case.told = Some(0);
    Some(Alert { role: step.role.clone(), to: None, step: 0, priority: case.priority, repeat })
}

/// Tells the person to whom a case is handed. When they do not answer, the ladder goes on as for a fresh case.
pub fn handed(rules: &AlertRules, case: &Case, to: &StaffId) -> Alert {
    let role = rules.ladder.first().map_or("supervisor", |step| step.role.as_str());
    Alert { role: role.to_owned(), to: Some(to.clone()), step: 0, priority: case.priority, repeat: false }
}

/// Climbs the ladder as far as the time since opening asks for, when nobody has acknowledged the case.
///
/// After a standstill (a restart, a hung machine) it climbs once, to the step that is due now.
pub fn on_tick(
    rules: &AlertRules,
    clocks: &ClockRules,
    case: &mut Case,
    now: Timestamp,
) -> Vec<(CaseChange, Option<Alert>)> {
    if case.state.is_resolved() {
        return Vec::new();
    }
    let (CaseState::Open, Some(since)) = (&case.state, case.waits_since) else {
        return overdue(clocks, case, now);
    };
    let waited = now.since(since);
    let due =
        rules.ladder.iter().rposition(|step| waited >= step.after).and_then(|step| u32::try_from(step).ok());
    let told = case.told;
    match due {
        Some(step) if told.is_none_or(|told| step > told) => {
            case.told = Some(step);
            case.due_at = next_due(rules, case, since, step);
            let role = rules.ladder.get(step as usize).map(|step| step.role.clone()).unwrap_or_default();
            let alert = Alert { role, to: None, step, priority: case.priority, repeat: told.is_some() };
            vec![(CaseChange::Climbed { step, due_at: case.due_at }, Some(alert))]
        }
        _ => overdue(clocks, case, now),
    }
}

fn next_due(rules: &AlertRules, case: &Case, since: Timestamp, step: u32) -> Timestamp {
    match rules.ladder.get(step as usize + 1) {
        Some(next) => since.plus(next.after),
        None => case.resolve_by,
    }
}

fn overdue(clocks: &ClockRules, case: &mut Case, now: Timestamp) -> Vec<(CaseChange, Option<Alert>)> {
    if now < case.due_at || now < case.resolve_by {
        return Vec::new();
    }
    case.due_at = now.plus(clocks.resolve);
    let alert = Alert {
        role: "supervisor".to_owned(),
        to: None,
        step: case.told.unwrap_or(0),
        priority: case.priority,
        repeat: true,
    };
    vec![(CaseChange::Overdue { due_at: case.due_at }, Some(alert))]
}

/// Returns when the case has to be looked at next.
pub fn wake_at(rules: &AlertRules, case: &Case) -> Option<Timestamp> {
    match (&case.state, case.waits_since) {
        (CaseState::Resolved { .. }, _) => None,
        (CaseState::Open, Some(since)) => {
            let told = case.told.map_or(0, |told| told as usize + 1);
            Some(rules.ladder.get(told).map_or(case.due_at, |step| since.plus(step.after)))
        }
        _ => Some(case.due_at),
    }
}
