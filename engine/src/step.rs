//! The one entry of the engine: `step(state, event, now) -> (state, effects)`.

use serde::{Deserialize, Serialize};

use crate::alert;
use crate::case::{self, Action, Case, CaseChange, Refusal, StaffId};
use crate::conversation::{Conversation, Side};
use crate::decision::{Decision, DecisionKind, LadderStep, Reason};
use crate::effect::Effect;
use crate::event::{CustomerFacts, Event};
use crate::protocol::Protocol;
use crate::signal::{Channel, Party};
use crate::time::Timestamp;

/// A conversation with its case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What was said, felt and decided.
    pub conversation: Conversation,
    /// The case, once there is one.
    pub case: Option<Case>,
    /// Whether the conversation is over.
    pub ended: bool,
    /// What is decided before this moment is history.
    pub history_before: Option<Timestamp>,
    /// Reasons for which other departments are needed, while there is no case yet.
    pub departments: Vec<Reason>,
    /// The strongest decision of history that called for a case: what a case opened later is about.
    pub passed_over: Option<DecisionKind>,
}

impl State {
    /// Says whether what is decided `now` was history when the conversation came in.
    pub fn is_history(&self, now: Timestamp) -> bool {
        self.history_before.is_some_and(|before| now < before)
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            conversation: Conversation::new(Channel::Call, CustomerFacts::default()),
            case: None,
            ended: false,
            history_before: None,
            departments: Vec::new(),
            passed_over: None,
        }
    }
}

/// Takes in one event and returns the new state and all that follows from it.
///
/// # Errors
/// A refusal, when a person asks for what the state does not allow; the state is then unchanged.
pub fn step(
    protocol: &Protocol,
    mut state: State,
    event: &Event,
    now: Timestamp,
) -> Result<(State, Vec<Effect>), Refusal> {
    let mut effects = Vec::new();
    match event {
        Event::Started { channel, customer, history_before } => {
            state.conversation = Conversation::new(*channel, *customer);
            state.history_before = *history_before;
        }
        Event::Said(said) => state.conversation.said(protocol, said, now, &mut effects),
        Event::Heard(heard) => state.conversation.heard(protocol, heard, now, &mut effects),
        Event::Incident { utterance, kind, opened, .. } => {
            let side = if *opened { Side::Opened } else { Side::Joined };
            state.conversation.in_incident(protocol, (*utterance, *kind, side), now, &mut effects);
        }
        Event::Ended => state.ended = true,
        Event::Acted { by, action } => act(protocol, &mut state, by, action, now, &mut effects)?,
        Event::Tick => tick(protocol, &mut state, now, &mut effects),
    }
    customer_is_back(protocol, &mut state, event, now, &mut effects);
    if !matches!(event, Event::Tick) {
        follow_decisions(protocol, &mut state, now, &mut effects);
    }
    Ok((state, effects))
}

fn act(
    protocol: &Protocol,
    state: &mut State,
    by: &StaffId,
    action: &Action,
    now: Timestamp,
    effects: &mut Vec<Effect>,
) -> Result<(), Refusal> {
    match (&mut state.case, action) {
        (None, Action::Open) => {
            let mut case = Case::open(protocol, state.passed_over, now);
            case.follow(by.clone());
            effects.push(Effect::Case(CaseChange::Opened(Box::new(case.clone()))));
            state.case = Some(case);
        }
        (None, Action::Enter { entered_at, due_at }) => {
            let case = Case::enter(protocol, state.passed_over, (now, *entered_at), *due_at);
            effects.push(Effect::Case(CaseChange::Opened(Box::new(case.clone()))));
            state.case = Some(case);
        }
        (None, _) => return Err(Refusal::NoCase),
        (Some(case), action) => {
            let change = case.act(protocol, by, action, (now, !state.ended))?;
            let alert = match (&change, action) {
                (_, Action::HandOver { to }) => Some(alert::handed(protocol, case, to)),
                (CaseChange::Asked { ask, .. }, _) => Some(alert::asked(case, ask)),
                (CaseChange::Answered { ask, .. }, _) => Some(alert::answered(protocol, case, *ask)),
                (CaseChange::CauseGone { .. }, _) => Some(alert::cause_gone(protocol, case)),
                _ => None,
            };
            effects.push(Effect::Case(change));
            effects.extend(alert.map(Effect::Alert));
            let Action::TakeIn { asks, .. } = action else { return Ok(()) };
            for department in asks {
                let Some(ask) = case.ask(&protocol.clocks, department, None, now) else { continue };
                case.plan(protocol, now);
                effects.push(Effect::Case(CaseChange::Asked { ask: ask.clone(), due_at: case.due_at }));
                effects.push(Effect::Alert(alert::asked(case, &ask)));
            }
        }
    }
    Ok(())
}

fn tick(protocol: &Protocol, state: &mut State, now: Timestamp, effects: &mut Vec<Effect>) {
    let Some(case) = &mut state.case else { return };
    for (change, alerts) in alert::on_tick(protocol, case, now) {
        // Escalation by clock (article 3): the request has had its time, whatever was tried.
        let first = matches!(change, CaseChange::Overdue { .. }) && case.entered_at.is_none();
        effects.push(Effect::Case(change));
        let lower = state.conversation.strongest() == Some(DecisionKind::EngageNow);
        if first && !lower && !state.conversation.has_decided(DecisionKind::Engage, Reason::Clock) {
            let clause = protocol.clocks.overdue_clause.clone();
            effects.push(Effect::Decided(state.conversation.decide_by_clock(clause, now)));
        }
        effects.extend(alerts.into_iter().map(Effect::Alert));
    }
}

/// The customer writes again: nobody waits for them any longer.
fn customer_is_back(
    protocol: &Protocol,
    state: &mut State,
    event: &Event,
    now: Timestamp,
    effects: &mut Vec<Effect>,
) {
    let Event::Said(said) = event else { return };
    let Some(case) = state.case.as_mut().filter(|_| said.party == Party::Customer) else { return };
    if case.resume(&protocol.clocks, now) {
        case.plan(protocol, now);
        effects.push(Effect::Case(CaseChange::Resumed { in_vain: false, due_at: case.due_at }));
    }
}

/// Opens or raises the case for the decisions just made, and tells the first of the alert ladder. Of history it only
/// remembers what it would have been.
fn follow_decisions(protocol: &Protocol, state: &mut State, now: Timestamp, effects: &mut Vec<Effect>) {
    let decided: Vec<Decision> = effects.iter().filter_map(calls_for_case).cloned().collect();
    for decision in decided {
        if state.is_history(now) {
            let kind = decision.decision;
            let stronger = state.passed_over.is_none_or(|known| case::priority(kind) > case::priority(known));
            state.passed_over = if stronger { Some(kind) } else { state.passed_over };
            continue;
        }
        match &mut state.case {
            Some(case) if !case.state.is_over() => {
                if let Some(change) = case.raise(protocol, &decision, now) {
                    effects.push(Effect::Case(change));
                    case.call(&protocol.clocks, now);
                    effects.extend(alert::first(protocol, case, now).map(Effect::Alert));
                }
            }
            _ if !calls_supervisor(&decision) => {
                if protocol.clocks.department_for(decision.reason).is_some() {
                    let case = Case::open_for_department(protocol, now);
                    effects.push(Effect::Case(CaseChange::Opened(Box::new(case.clone()))));
                    state.case = Some(case);
                }
            }
            _ => {
                let mut case = Case::open(protocol, Some(decision.decision), now);
                let alert = alert::first(protocol, &mut case, now);
                effects.push(Effect::Case(CaseChange::Opened(Box::new(case.clone()))));
                effects.extend(alert.map(Effect::Alert));
                state.case = Some(case);
            }
        }
    }
    bring_in_departments(protocol, state, now, effects);
}

/// A functional escalation of the protocol asks the department, where there is a case that it belongs to.
fn bring_in_departments(protocol: &Protocol, state: &mut State, now: Timestamp, effects: &mut Vec<Effect>) {
    let reasons: Vec<Reason> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Decided(decision) if decision.decision == DecisionKind::Functional => {
                Some(decision.reason)
            }
            _ => None,
        })
        .collect();
    if state.is_history(now) {
        return;
    }
    state.departments.extend(reasons);
    let Some(case) = state.case.as_mut().filter(|case| !case.state.is_over()) else { return };
    for reason in std::mem::take(&mut state.departments) {
        let Some(department) = protocol.clocks.department_for(reason) else { continue };
        let Some(ask) = case.ask(&protocol.clocks, &department.name, None, now) else { continue };
        case.plan(protocol, now);
        effects.push(Effect::Case(CaseChange::Asked { ask: ask.clone(), due_at: case.due_at }));
        effects.push(Effect::Alert(alert::asked(case, &ask)));
    }
}

fn calls_supervisor(decision: &Decision) -> bool {
    decision.decision != DecisionKind::Functional
}

/// Returns the decision of an effect that somebody has to answer.
fn calls_for_case(effect: &Effect) -> Option<&Decision> {
    match effect {
        Effect::Decided(decision) => match decision.decision {
            DecisionKind::Engage | DecisionKind::EngageNow | DecisionKind::Functional => Some(decision),
            DecisionKind::AbuseStep if decision.step == Some(LadderStep::Closing) => Some(decision),
            _ => None,
        },
        _ => None,
    }
}
