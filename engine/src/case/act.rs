//! What people do with a case: which states allow it, and what becomes of the clocks.

use super::{Action, Case, CaseChange, CaseState, ClockKind, Owner, Pause, Refusal, StaffId};
use crate::protocol::Protocol;
use crate::time::{Millis, Timestamp};

impl Case {
    /// Does what a person asks. `on_line` says that the conversation goes on, so that whoever takes it over speaks with the
    /// customer.
    ///
    /// # Errors
    /// The refusal, when the state of the case does not allow it.
    pub fn act(
        &mut self,
        protocol: &Protocol,
        by: &StaffId,
        action: &Action,
        (now, on_line): (Timestamp, bool),
    ) -> Result<CaseChange, Refusal> {
        let over = self.state.is_over();
        match action {
            Action::Open | Action::Enter { .. } => return Err(Refusal::AlreadyOpen),
            Action::Reopen if !over => return Err(Refusal::NotResolved),
            Action::Reopen
            | Action::Note { .. }
            | Action::Follow
            | Action::Unfollow
            | Action::Link { .. }
            | Action::Unlink { .. } => {}
            _ if over => return Err(Refusal::AlreadyResolved),
            _ => {}
        }
        match action {
            Action::Acknowledge
            | Action::TakeOver
            | Action::HandOver { .. }
            | Action::Resolve { .. }
            | Action::Reopen => self.change_hands(protocol, by, action, (now, on_line)),
            Action::MergeInto { .. }
            | Action::TakeIn { .. }
            | Action::Link { .. }
            | Action::Unlink { .. } => Ok(self.join(protocol, by, action, now)),
            _ => self.serve(protocol, by, action, now),
        }
    }

    /// Acknowledging, taking over, handing over, resolving, reopening: the state moves.
    fn change_hands(
        &mut self,
        protocol: &Protocol,
        by: &StaffId,
        action: &Action,
        (now, on_line): (Timestamp, bool),
    ) -> Result<CaseChange, Refusal> {
        let rules = &protocol.clocks;
        let mut owner = by.clone();
        let state = match action {
            Action::HandOver { to } => {
                self.follow(by.clone());
                // The one to whom it is handed is told at once: that is the first step.
                self.told = Some(0);
                self.waits_since = Some(now);
                owner = to.clone();
                self.start_answering(rules, now);
                CaseState::Open
            }
            Action::Resolve { resolution } => {
                resolution.check()?;
                self.resume(rules, now);
                for kind in ClockKind::ALL {
                    self.meet(rules, kind, now);
                }
                self.remind_at = None;
                CaseState::Resolved { by: by.clone(), at: now, resolution: Box::new(resolution.clone()) }
            }
            Action::Acknowledge => {
                self.meet(rules, ClockKind::Acknowledge, now);
                CaseState::Acknowledged { by: by.clone(), at: now }
            }
            Action::Reopen => {
                self.reopen(protocol, now);
                CaseState::InWork { by: by.clone(), at: now }
            }
            _ => {
                self.meet(rules, ClockKind::Acknowledge, now);
                self.meet(rules, ClockKind::Join, now);
                if on_line && self.entered_at.is_none() {
                    self.inform(rules, None, now);
                }
                CaseState::InWork { by: by.clone(), at: now }
            }
        };
        self.state = state;
        self.owner = Owner::Staff(owner);
        self.plan(protocol, now);
        Ok(CaseChange::Moved { state: self.state.clone(), owner: self.owner.clone(), due_at: self.due_at })
    }

    /// Merging and linking: what has to do with another case.
    fn join(&mut self, protocol: &Protocol, by: &StaffId, action: &Action, now: Timestamp) -> CaseChange {
        match action {
            Action::MergeInto { into } => {
                // What it owes is owed by the other case from now on.
                self.resume(&protocol.clocks, now);
                for kind in ClockKind::ALL {
                    self.meet(&protocol.clocks, kind, now);
                }
                self.remind_at = None;
                self.state = CaseState::Merged { by: by.clone(), at: now, into: into.clone() };
                self.plan(protocol, now);
                CaseChange::Merged { into: into.clone() }
            }
            Action::TakeIn { case, priority, followers, .. } => {
                for follower in followers {
                    self.follow(follower.clone());
                }
                if *priority > self.priority {
                    self.set_priority(&protocol.clocks, *priority, now);
                }
                self.plan(protocol, now);
                CaseChange::TookIn { case: case.clone(), due_at: self.due_at }
            }
            Action::Link { case } => CaseChange::Linked { case: case.clone(), linked: true },
            Action::Unlink { case } => CaseChange::Linked { case: case.clone(), linked: false },
            _ => CaseChange::Noted,
        }
    }

    fn reopen(&mut self, protocol: &Protocol, now: Timestamp) {
        let calendars = &protocol.clocks.calendars;
        if let Some(clock) = self.clocks.get_mut(&ClockKind::Resolve) {
            clock.reopen(calendars, now);
            // The time was over before: a case that comes back gets a time of its own, or it would never ring again.
            if clock.breached() {
                *clock = super::Clock::start(clock.target().clone(), calendars, now);
            }
        }
        let spoken =
            self.met(ClockKind::FirstResponse) || !self.clocks.contains_key(&ClockKind::FirstResponse);
        if spoken && self.entered_at.is_none_or(|entered| entered <= now) {
            self.inform(&protocol.clocks, None, now);
        }
    }

    /// Informing, waiting, asking: the clocks move, the state stays.
    fn serve(
        &mut self,
        protocol: &Protocol,
        by: &StaffId,
        action: &Action,
        now: Timestamp,
    ) -> Result<CaseChange, Refusal> {
        let rules = &protocol.clocks;
        let change = match action {
            Action::Inform { again_minutes, .. } => {
                self.inform(rules, again_minutes.map(|minutes| Millis::minutes(u64::from(minutes))), now);
                self.plan(protocol, now);
                CaseChange::Informed { due_at: self.due_at }
            }
            Action::Wait { until } => {
                if self.state == CaseState::Open {
                    return Err(Refusal::NotTaken);
                }
                if self.pause.is_some() {
                    return Err(Refusal::AlreadyWaiting);
                }
                let until = until.unwrap_or_else(|| now.plus(rules.wait));
                if until <= now {
                    return Err(Refusal::InThePast);
                }
                self.pause(rules, Pause { since: now, until, by: by.clone() }, now);
                self.plan(protocol, now);
                CaseChange::Paused { until }
            }
            Action::Resume => {
                if !self.resume(rules, now) {
                    return Err(Refusal::NotWaiting);
                }
                self.plan(protocol, now);
                CaseChange::Resumed { in_vain: false, due_at: self.due_at }
            }
            Action::Prioritise { priority } => {
                self.set_priority(rules, *priority, now);
                self.plan(protocol, now);
                CaseChange::Prioritised { priority: *priority, due_at: self.due_at }
            }
            Action::Ask { department, .. } => {
                if rules.department(department).is_none() {
                    return Err(Refusal::NoDepartment(department.clone()));
                }
                let asked = self.ask(rules, department, Some(by.clone()), now);
                let ask = asked.ok_or_else(|| Refusal::AlreadyAsked(department.clone()))?;
                self.follow(by.clone());
                self.plan(protocol, now);
                CaseChange::Asked { ask, due_at: self.due_at }
            }
            Action::Answer { ask: number, .. } => {
                let open = self.asks.iter_mut().find(|ask| ask.number == *number && ask.answered.is_none());
                open.ok_or(Refusal::NotAsked(*number))?.answered = Some((by.clone(), now));
                self.plan(protocol, now);
                CaseChange::Answered { ask: *number, due_at: self.due_at }
            }
            Action::Follow => {
                self.follow(by.clone());
                CaseChange::Following { follows: true }
            }
            Action::CauseGone { .. } => {
                // Nobody waits for the customer any longer: they wait for us.
                self.resume(rules, now);
                self.plan(protocol, now);
                CaseChange::CauseGone { due_at: self.due_at }
            }
            Action::Unfollow => {
                self.followers.retain(|staff| staff != by);
                CaseChange::Following { follows: false }
            }
            _ => CaseChange::Noted,
        };
        Ok(change)
    }
}
