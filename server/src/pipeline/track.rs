//! The running state of one conversation, and what each effect of the engine changes in the store.
//!
//! Everything in it can be replayed from the events of the log, so nothing here may depend on what is not in them.

use std::collections::{BTreeMap, BTreeSet};

use gradus_engine::alert::{Alert, Topic};
use gradus_engine::case::{Action, Case, CaseChange, CaseState, ClockKind, Cost, Owner, Refusal};
use gradus_engine::decision::{Decision, DecisionKind, LadderStep};
use gradus_engine::effect::{Effect, Grant};
use gradus_engine::event::{Event, Said};
use gradus_engine::signal::{Channel, Group, Party, SignalKind};
use gradus_engine::step::{State, step};
use gradus_engine::time::{Millis, Timestamp};
use serde_json::json;

use super::{Basis, Spoken};
use crate::analyze::cause;
use crate::mask::{MaskedText, Masker};
use crate::store::{
    AlertClimb, AlertId, Batch, CaseAsk, CaseCost, CaseId, CaseUpdate, Change, ClockRow, Commitment,
    CommitmentId, ConversationId, CustomerId, DecisionId, Evidence, GrantState, HeatPoint, NewAlert, NewCase,
    NewEvent, NewGrant, Progress, Resolution, Service, Signal, TimelineEntry, UserId, Utterance,
    conversation_stream, text_sha256,
};

/// The running state of one conversation.
pub(super) struct Track {
    id: ConversationId,
    pub(super) channel: Channel,
    customer: Option<CustomerId>,
    pub(super) customer_key: String,
    pub(super) state: State,
    said: BTreeSet<u32>,
    decisions: i64,
    standing: Option<(String, String, Timestamp)>,
    /// The decision that stands: what the board shows and what an alert is about.
    standing_id: Option<DecisionId>,
    standing_weight: u8,
    /// The team that sees the conversation and its case.
    team: Option<String>,
    quote: Option<(i64, u32, u32, SignalKind)>,
    /// Alerts that were given and that nobody was told of yet.
    pub(super) alerted: Vec<AlertId>,
    /// Alerts that were given and are not over, with what each is about.
    called: BTreeMap<AlertId, Topic>,
    /// The incident that it reported last.
    incident: Option<u64>,
    /// The words that go with the event that is being taken, for the timeline.
    pub(super) saying: Option<MaskedText>,
    masker: Masker,
}

impl Track {
    pub(super) fn new(
        id: ConversationId,
        channel: Channel,
        customer: Option<CustomerId>,
        team: Option<String>,
    ) -> Self {
        let customer_key =
            customer.as_ref().map_or_else(|| format!("conversation {id}"), ToString::to_string);
        Self {
            id,
            channel,
            customer,
            customer_key,
            state: State::default(),
            said: BTreeSet::new(),
            decisions: 0,
            standing: None,
            standing_id: None,
            standing_weight: 0,
            team,
            quote: None,
            alerted: Vec::new(),
            called: BTreeMap::new(),
            incident: None,
            saying: None,
            masker: Masker::default(),
        }
    }

    /// Returns the conversation.
    pub(super) const fn id(&self) -> &ConversationId {
        &self.id
    }

    /// Says whether the utterance at this position was taken in before.
    pub(super) fn has_heard(&self, index: u32) -> bool {
        self.said.contains(&index)
    }

    fn case_id(&self) -> CaseId {
        CaseId(format!("{}-case", self.id))
    }

    /// Takes in one event: the new state, the event for the log, and the changes that follow.
    pub(super) fn take(
        &mut self,
        basis: &Basis<'_>,
        event: &Event,
        now: Timestamp,
        batch: &mut Batch,
    ) -> Result<(), Refusal> {
        let (state, effects) = step(basis.protocol, self.state.clone(), event, now)?;
        self.state = state;
        if let Event::Said(said) = event {
            self.said.insert(said.index);
            if let Some(found) = said.noticed.signals.iter().find(|found| matters(found.kind)) {
                self.quote = Some((i64::from(said.index), found.start, found.end, found.kind));
            }
        }
        let quiet = matches!(event, Event::Tick) && effects.is_empty();
        if !quiet {
            batch.events.push(NewEvent {
                stream: conversation_stream(&self.id),
                sequence: None,
                at: now,
                kind: kind_of(event).to_owned(),
                body: serde_json::to_string(&without_words(event)).unwrap_or_default(),
                protocol_version: basis.protocol.version.clone(),
                rules_version: basis.rules_version.to_owned(),
            });
        }
        // What was reported long ago is nobody's incident today.
        if let Event::Incident { utterance, kind, incident, .. } = event
            && !self.state.is_history(now)
        {
            self.incident = Some(*incident);
            batch.changes.push(Change::JoinIncident {
                incident: i64::try_from(*incident).unwrap_or(i64::MAX),
                kind: *kind,
                conversation: self.id.clone(),
                utterance: i64::from(*utterance),
                at: now,
            });
        }
        let who = match event {
            Event::Acted { action: Action::Enter { .. }, .. } => None,
            Event::Acted { by, .. } => Some(UserId(by.0.clone())),
            _ => None,
        };
        // Climbing is the one way in which an alert that waits for an answer goes on; every other one begins anew.
        let climbs = effects.iter().any(|effect| matches!(effect, Effect::Case(CaseChange::Climbed { .. })));
        for effect in effects {
            match effect {
                Effect::Alert(alert) => self.alert(basis, &alert, climbs, now, batch),
                effect => self.follow(basis, effect, who.as_ref(), now, batch),
            }
        }
        self.saying = None;
        Ok(())
    }

    fn follow(
        &mut self,
        basis: &Basis<'_>,
        effect: Effect,
        who: Option<&UserId>,
        now: Timestamp,
        batch: &mut Batch,
    ) {
        match effect {
            Effect::Signal { utterance, kind } => batch.changes.push(
                Signal {
                    conversation: self.id.clone(),
                    utterance: i64::from(utterance),
                    number: 90,
                    kind,
                    party: kind.party(),
                    quote: None,
                    measured: None,
                    confidence: 80,
                    rule: "conversation".to_owned(),
                    rules_version: basis.rules_version.to_owned(),
                    at: now,
                }
                .into(),
            ),
            Effect::Heat(point) => batch.changes.push(
                HeatPoint {
                    conversation: self.id.clone(),
                    utterance: i64::from(point.utterance),
                    at: now,
                    value: point.value,
                    causes: json!(point.causes.iter().map(cause).collect::<Vec<_>>()),
                }
                .into(),
            ),
            Effect::Decided(decision) => self.decided(basis, &decision, now, batch),
            Effect::Case(change) => self.case_changed(basis, &change, who, now, batch),
            Effect::Granted(grant) => self.granted(&grant, now, batch),
            // Hints are part of the progress of the conversation.
            Effect::AttemptFailed { .. } | Effect::Hinted { .. } | Effect::Alert(_) => {}
        }
    }

    fn decided(&mut self, basis: &Basis<'_>, decision: &Decision, now: Timestamp, batch: &mut Batch) {
        self.decisions += 1;
        self.mark(basis, decision, now, batch);
        // «Engage a supervisor now» stays on the board when a department is brought in besides.
        let weight = weight(decision);
        if weight >= self.standing_weight {
            let (what, why) = (decision.decision.name().to_owned(), decision.reason.name().to_owned());
            self.standing = Some((what, why, now));
            self.standing_id = Some(self.decision_id());
            self.standing_weight = weight;
            if let Some(found) = decision.evidence.first() {
                self.quote = Some((i64::from(found.utterance), found.start, found.end, found.signal));
            }
        }
        let evidence = decision.evidence.iter().map(|found| {
            let quoted = found.end > found.start;
            Evidence {
                utterance: i64::from(found.utterance),
                signal: found.signal.name().to_owned(),
                start: quoted.then_some(found.start),
                end: quoted.then_some(found.end),
            }
        });
        batch.changes.push(
            crate::store::Decision {
                id: self.decision_id(),
                conversation: self.id.clone(),
                case_id: self.state.case.is_some().then(|| self.case_id()),
                utterance: Some(i64::from(decision.utterance)),
                at: now,
                decision: decision.decision.name().to_owned(),
                reason: decision.reason.name().to_owned(),
                step: decision.step.map(|step| match step {
                    LadderStep::Warning1 => 1,
                    LadderStep::Warning2 => 2,
                    LadderStep::Closing => 3,
                }),
                clause: decision.clause.clone(),
                protocol_version: basis.protocol.version.clone(),
                rules_version: basis.rules_version.to_owned(),
                evidence: evidence.collect(),
            }
            .into(),
        );
    }

    /// At the end of the ladder the customer is marked, for a time that the protocol says. History marks nobody.
    fn mark(&self, basis: &Basis<'_>, decision: &Decision, now: Timestamp, batch: &mut Batch) {
        let rules = &basis.protocol.ladder;
        let ends = decision.step == Some(LadderStep::Closing) && !rules.mark.is_empty();
        let Some(id) = self.customer.clone().filter(|_| ends && !self.state.is_history(now)) else { return };
        let days = Millis::minutes(u64::from(rules.mark_days) * 24 * 60);
        let until = (rules.mark_days > 0).then(|| now.plus(days));
        batch.changes.push(Change::MarkCustomer { id, mark: rules.mark.clone(), until });
    }

    /// What the agent promised by word of mouth goes into the ledger. What was promised long ago does as well: it is a fact.
    fn granted(&self, grant: &Grant, now: Timestamp, batch: &mut Batch) {
        batch.changes.push(
            NewGrant {
                id: format!("{}-spoken-{}-{}", self.id, grant.utterance, grant.authority),
                authority: grant.authority.clone(),
                case_id: self.state.case.is_some().then(|| self.case_id()),
                conversation_id: Some(self.id.clone()),
                customer_id: self.customer.clone(),
                utterance: Some(i64::from(grant.utterance)),
                user_id: None,
                role: "agent".to_owned(),
                amount: grant.amount,
                most: grant.most,
                state: GrantState::Spoken,
                reason: None,
                at: now,
            }
            .into(),
        );
    }

    fn decision_id(&self) -> DecisionId {
        DecisionId(format!("{}-decision-{}", self.id, self.decisions))
    }

    fn case_changed(
        &mut self,
        basis: &Basis<'_>,
        change: &CaseChange,
        who: Option<&UserId>,
        now: Timestamp,
        batch: &mut Batch,
    ) {
        let Some(case) = self.state.case.clone() else { return };
        let id = self.case_id();
        match change {
            CaseChange::Opened(_) => {
                batch.changes.push(
                    NewCase {
                        id: id.clone(),
                        conversation_id: Some(self.id.clone()),
                        customer_id: self.customer.clone(),
                        subject: None,
                        state: case.state.name().to_owned(),
                        stage: stage(&case),
                        priority: case.priority.name().to_owned(),
                        owner_id: None,
                        team: self.team.clone(),
                        opened_at: now,
                        due_at: Some(case.due_at),
                    }
                    .into(),
                );
                batch.changes.push(Change::JoinCase { conversation: self.id.clone(), case: id.clone() });
                // The matter may come up again after it was resolved: then the same case is open again.
                batch.changes.push(self.update(basis, &case, now));
            }
            CaseChange::Moved { state: CaseState::Acknowledged { .. }, .. } => {
                if let Some(by) = who {
                    batch.changes.extend(self.answer_alert(by, now));
                    batch.changes.push(Change::AcknowledgeCase { id: id.clone(), by: by.clone(), at: now });
                    batch.changes.push(self.update(basis, &case, now));
                }
            }
            CaseChange::Moved { state: CaseState::InWork { .. }, .. } => {
                if let Some(by) = who {
                    batch.changes.extend(self.answer_alert(by, now));
                    // First the state: a case that is opened again is closed for everything else.
                    batch.changes.push(self.update(basis, &case, now));
                    // A case that is parted from the one it was merged into has its conversation back.
                    batch.changes.push(Change::JoinCase { conversation: self.id.clone(), case: id.clone() });
                    batch.changes.push(Change::TakeOver { id: id.clone(), by: by.clone(), at: now });
                    let joins = |topic| matches!(topic, Topic::Clock { clock: ClockKind::Join, .. });
                    self.end_alerts(by, now, batch, joins);
                }
            }
            CaseChange::Moved { state: CaseState::Resolved { resolution, .. }, .. } => {
                self.resolved(basis, &case, resolution, (who, now), batch);
            }
            CaseChange::Merged { .. } | CaseChange::Linked { .. } => {
                self.related(basis, &case, change, (who, now), batch);
            }
            CaseChange::Noted => return,
            _ => {
                batch.changes.push(self.update(basis, &case, now));
                if let Some(by) = who {
                    self.end_alerts(by, now, batch, |topic| is_answered_by(change, topic));
                }
            }
        }
        batch.changes.push(self.timeline_entry(&case, change, who, now));
    }

    /// What a case has to do with another one.
    fn related(
        &mut self,
        basis: &Basis<'_>,
        case: &Case,
        change: &CaseChange,
        (who, now): (Option<&UserId>, Timestamp),
        batch: &mut Batch,
    ) {
        let (id, by) = (self.case_id(), who.cloned().unwrap_or_else(|| UserId(String::new())));
        match change {
            CaseChange::Merged { into } => {
                batch.changes.push(self.update(basis, case, now));
                self.end_alerts(&by, now, batch, |_| true);
                let into = CaseId(into.id.clone());
                batch.changes.push(Change::JoinCase { conversation: self.id.clone(), case: into.clone() });
                batch.changes.push(Change::MergeCase { id, into, by, at: now });
            }
            CaseChange::Linked { case: other, linked } => {
                let other = CaseId(other.id.clone());
                batch.changes.push(Change::LinkCase { id, other, linked: *linked, by, at: now });
            }
            _ => {}
        }
    }

    /// The case is resolved: its words go beside the log, every alert of it is over.
    fn resolved(
        &mut self,
        basis: &Basis<'_>,
        case: &Case,
        resolution: &gradus_engine::case::Resolution,
        (who, now): (Option<&UserId>, Timestamp),
        batch: &mut Batch,
    ) {
        batch.changes.push(self.update(basis, case, now));
        let currency = resolution.costs.first().map_or("RUB", |cost| cost.currency.as_str()).to_owned();
        let resolution = Resolution {
            reason: resolution.reason.name().to_owned(),
            decision: MaskedText::of(&resolution.decision),
            cost: resolution.total(&currency),
            costs: resolution.costs.iter().map(case_cost).collect(),
            currency,
            conclusion: MaskedText::of(&resolution.conclusion),
            closed_by: who.cloned().unwrap_or_else(|| UserId(String::new())),
            closed_at: now,
        };
        let id = self.case_id();
        batch.changes.push(Change::Resolve { id, resolution: Box::new(resolution) });
        if let Some(by) = who {
            self.end_alerts(by, now, batch, |_| true);
        }
    }

    fn timeline_entry(
        &self,
        case: &Case,
        change: &CaseChange,
        who: Option<&UserId>,
        now: Timestamp,
    ) -> Change {
        let owner = match &case.owner {
            Owner::Staff(staff) => Some(staff.0.as_str()),
            Owner::Role(_) => None,
        };
        let (state, priority) = (case.state.name(), case.priority.name());
        let mut detail = json!({"state": state, "priority": priority, "stage": stage(case), "owner": owner});
        let more = match change {
            CaseChange::Rang { clock, ring, .. } => json!({"clock": clock.name(), "ring": ring.name()}),
            CaseChange::Overdue { .. } => json!({"clock": ClockKind::Resolve.name(), "ring": "breach"}),
            CaseChange::Paused { until } => json!({"until_ms": until.millis()}),
            CaseChange::Resumed { in_vain, .. } => json!({"in_vain": in_vain}),
            CaseChange::Asked { ask, .. } => json!({"department": ask.department, "ask": ask.number}),
            CaseChange::Answered { ask, .. } | CaseChange::Unanswered { ask, .. } => {
                let asked = case.asks.iter().find(|known| known.number == *ask);
                json!({"department": asked.map(|known| &known.department), "ask": ask})
            }
            CaseChange::Following { follows } => json!({"follows": follows}),
            CaseChange::Merged { into: other }
            | CaseChange::TookIn { case: other, .. }
            | CaseChange::Linked { case: other, .. } => json!({"case": other.id, "number": other.number}),
            _ => json!({}),
        };
        if let (Some(detail), Some(more)) = (detail.as_object_mut(), more.as_object()) {
            detail.extend(more.clone());
        }
        let name = change_name(change);
        let key = match change {
            CaseChange::Asked { ask, .. } => format!("ask-{}", ask.number),
            CaseChange::Answered { ask, .. } => format!("answer-{ask}"),
            CaseChange::TookIn { case: other, .. } | CaseChange::Linked { case: other, .. } => {
                format!("{}-{name}-{}", now.millis(), other.number)
            }
            CaseChange::Rang { clock, ring, .. } => {
                format!("{}-{}-{}", now.millis(), clock.name(), ring.name())
            }
            _ => format!("{}-{name}-{}", now.millis(), self.decisions),
        };
        TimelineEntry {
            case: self.case_id(),
            key,
            at: now,
            actor: who.cloned(),
            kind: name.to_owned(),
            text: self.saying.clone(),
            detail,
        }
        .into()
    }

    /// The alert that calls somebody to the case is answered by whoever acts on it.
    fn answer_alert(&self, by: &UserId, now: Timestamp) -> Option<Change> {
        let id = self.alert_id(Topic::Case, 0, false);
        self.called.contains_key(&id).then(|| Change::AcknowledgeAlert { id, by: by.clone(), at: now })
    }

    /// Alerts whose matter is done are answered and over.
    fn end_alerts(&mut self, by: &UserId, now: Timestamp, batch: &mut Batch, over: impl Fn(Topic) -> bool) {
        let ended: Vec<AlertId> =
            self.called.iter().filter(|(_, topic)| over(**topic)).map(|(id, _)| id.clone()).collect();
        for id in ended {
            batch.changes.push(Change::AcknowledgeAlert { id: id.clone(), by: by.clone(), at: now });
            batch.changes.push(Change::EndAlert { id: id.clone(), state: "handled".to_owned(), at: now });
            self.called.remove(&id);
        }
    }

    /// Names an alert by its topic; one that goes to the owner and also to the next of the ladder, or to a department and
    /// also to the owner, is two.
    fn alert_id(&self, topic: Topic, step: u32, department: bool) -> AlertId {
        let next = match topic {
            Topic::Ask { .. } if !department => "-owner",
            Topic::Clock { .. } if step > 0 => "-next",
            _ => "",
        };
        AlertId(match topic {
            Topic::Case => format!("{}-alert", self.id),
            Topic::Ask { ask, .. } => format!("{}-alert-ask-{ask}{next}", self.id),
            Topic::Answer { ask } => format!("{}-alert-answer-{ask}", self.id),
            topic => format!("{}-alert-{}{next}", self.id, topic_name(topic)),
        })
    }

    fn update(&self, basis: &Basis<'_>, case: &Case, now: Timestamp) -> Change {
        let owner_id = match &case.owner {
            Owner::Staff(staff) => Some(UserId(staff.0.clone())),
            Owner::Role(_) => None,
        };
        let spoken = case.clocks.get(&ClockKind::FirstResponse).and_then(gradus_engine::case::Clock::met_at);
        CaseUpdate {
            id: self.case_id(),
            version: None,
            state: case.state.name().to_owned(),
            stage: stage(case),
            priority: case.priority.name().to_owned(),
            owner_id,
            team: self.team.clone(),
            due_at: Some(case.due_at),
            wake_at: Some(case.wake_at),
            service: service(basis, case, now),
            first_response: spoken,
            incident_id: self.incident.map(|number| number.to_string()),
        }
        .into()
    }

    fn alert(&mut self, basis: &Basis<'_>, alert: &Alert, climbs: bool, now: Timestamp, batch: &mut Batch) {
        let id = self.alert_id(alert.topic, alert.step, alert.department.is_some());
        self.alerted.push(id.clone());
        self.called.insert(id.clone(), alert.topic);
        let case = alert.topic == Topic::Case;
        let climbs_at = basis
            .protocol
            .alert_after(alert.step as usize + 1, alert.priority)
            .filter(|_| case)
            .map(|after| now.plus(after));
        let recipient_id = alert.to.as_ref().map(|staff| UserId(staff.0.clone()));
        let recipient_role = Some(alert.role.clone());
        let level = i64::from(alert.step);
        let team = alert.department.as_deref().or(self.team.as_deref());
        let mut reach = basis.reach(&alert.role, team, now);
        reach.only.clone_from(&recipient_id);
        if climbs && case && alert.repeat {
            batch.changes.push(
                AlertClimb { id, level, recipient_id, recipient_role, climbs_at, at: now, reach }.into(),
            );
            return;
        }
        let decision = self.standing.as_ref().map_or_else(String::new, |(decision, ..)| decision.clone());
        batch.changes.push(
            NewAlert {
                id,
                case_id: Some(self.case_id()),
                conversation_id: Some(self.id.clone()),
                decision_id: self.standing_id.clone(),
                decision,
                recipient_id,
                recipient_role,
                level: if case { level } else { 0 },
                created_at: now,
                climbs_at,
                topic: topic_name(alert.topic),
                department: alert.department.clone(),
                reach,
            }
            .into(),
        );
    }

    /// The words of an utterance, masked.
    pub(super) fn keep_words(&mut self, said: &Spoken, batch: &mut Batch) {
        let masked = self.masker.utterance(i64::from(said.index), said.party, &said.text);
        for (utterance, text) in masked.earlier {
            batch.changes.push(Change::Remask { conversation: self.id.clone(), utterance, text });
        }
        let milliseconds = |value: Option<u64>| i64::try_from(value.unwrap_or(0)).unwrap_or(i64::MAX);
        batch.changes.push(
            Utterance {
                conversation: self.id.clone(),
                utterance: i64::from(said.index),
                party: said.party,
                speaker: said.speaker,
                start_ms: milliseconds(said.start_ms),
                end_ms: milliseconds(said.end_ms.or(said.start_ms)),
                text: masked.text,
                words: None,
            }
            .into(),
        );
    }

    /// The signals and the promises of an utterance.
    pub(super) fn keep_noticed(&self, basis: &Basis<'_>, said: &Said, at: Timestamp, batch: &mut Batch) {
        for (number, found) in (0_i64..).zip(&said.noticed.signals) {
            batch.changes.push(
                Signal {
                    conversation: self.id.clone(),
                    utterance: i64::from(said.index),
                    number,
                    kind: found.kind,
                    party: found.kind.party(),
                    quote: Some((found.start, found.end)),
                    measured: None,
                    confidence: found.confidence,
                    rule: found.rule.clone(),
                    rules_version: basis.rules_version.to_owned(),
                    at,
                }
                .into(),
            );
        }
        for (number, promise) in (0..).zip(&said.noticed.commitments) {
            let due_at = promise.due.as_ref().and_then(|due| due.parse::<jiff::Timestamp>().ok());
            batch.changes.push(
                Commitment {
                    id: promise_id(&self.id, said.index, number),
                    conversation: self.id.clone(),
                    case_id: None,
                    utterance: i64::from(said.index),
                    quote: promise.what,
                    due_at: due_at.map(|due| Timestamp::from_millis(due.as_millisecond())),
                    due_quote: promise.due_text,
                }
                .into(),
            );
        }
    }

    pub(super) fn progress(&self, at: Timestamp) -> Progress {
        let conversation = &self.state.conversation;
        Progress {
            conversation: self.id.clone(),
            utterances: self.said.last().map_or(0, |last| i64::from(*last) + 1),
            heat_last: conversation.heat().value(),
            heat_max: conversation.heat().max(),
            heat_at: at,
            calmed_at: conversation.heat().calmed_at().map(i64::from),
            attempts: i64::from(conversation.attempts().failed()),
            decision: self.standing.clone(),
            quote: self.quote,
            hints: Some(self.hints()).filter(|_| !self.state.ended),
        }
    }

    /// What the agent is told now: hints by name, and the step of the ladder that is still to be said.
    fn hints(&self) -> String {
        let conversation = &self.state.conversation;
        let say = conversation.ladder().unsaid().map(LadderStep::name);
        let over = conversation.over().map(|grant| {
            json!({"authority": grant.authority, "amount": grant.amount.normalize().to_string(),
                "most": grant.most.normalize().to_string()})
        });
        json!({"hints": conversation.hints(), "say": say, "over": over}).to_string()
    }
}

/// What a case owes, as the store keeps it.
fn case_cost(cost: &Cost) -> CaseCost {
    CaseCost { kind: cost.kind.name(), amount: cost.amount, currency: cost.currency.clone() }
}

fn service(basis: &Basis<'_>, case: &Case, now: Timestamp) -> Service {
    let calendars = &basis.protocol.clocks.calendars;
    let milliseconds = |span: Millis| i64::try_from(span.get()).unwrap_or(i64::MAX);
    let clock = |(kind, clock): (&ClockKind, &gradus_engine::case::Clock)| ClockRow {
        clock: kind.name().to_owned(),
        limit_ms: milliseconds(clock.target().limit),
        calendar: clock.target().calendar.clone(),
        due_at_ms: clock.due_at().map(Timestamp::millis),
        met_at_ms: clock.met_at().map(Timestamp::millis),
        spent_ms: milliseconds(clock.spent(calendars, now)),
        warned: clock.warned(),
        breached: clock.breached(),
    };
    let ask = |ask: &gradus_engine::case::Ask| CaseAsk {
        number: i64::from(ask.number),
        department: ask.department.clone(),
        asked_by: ask.by.as_ref().map(|by| UserId(by.0.clone())),
        asked_at: ask.at,
        due_at: ask.due_at,
        late: ask.late,
        answered: ask.answered.as_ref().map(|(by, at)| (UserId(by.0.clone()), *at)),
    };
    Service {
        paused_until: case.pause.as_ref().map(|pause| pause.until),
        clocks: case.clocks.iter().map(clock).collect(),
        written_at: now,
        asks: case.asks.iter().map(ask).collect(),
        followers: case.followers.iter().map(|staff| UserId(staff.0.clone())).collect(),
    }
}

/// Says whether what a person did is what an alert asked for.
fn is_answered_by(change: &CaseChange, topic: Topic) -> bool {
    match (change, topic) {
        (CaseChange::Informed { .. }, Topic::Clock { clock, .. }) => {
            matches!(clock, ClockKind::FirstResponse | ClockKind::NextUpdate)
        }
        (CaseChange::Paused { .. }, Topic::Clock { clock, .. }) => clock.rests_with_customer(),
        (CaseChange::Paused { .. } | CaseChange::Informed { .. }, Topic::WaitedInVain) => true,
        (CaseChange::Informed { .. }, Topic::CauseGone) => true,
        (CaseChange::Answered { ask, .. }, Topic::Ask { ask: asked, .. }) => *ask == asked,
        _ => false,
    }
}

/// Returns the name of a topic in the store.
fn topic_name(topic: Topic) -> String {
    match topic {
        Topic::Case => "case".to_owned(),
        Topic::Clock { clock, ring } => format!("{}_{}", clock.name(), ring.name()),
        Topic::Ask { late: false, .. } => "ask".to_owned(),
        Topic::Ask { late: true, .. } => "ask_late".to_owned(),
        Topic::Answer { .. } => "answer".to_owned(),
        Topic::WaitedInVain => "waited_in_vain".to_owned(),
        Topic::CauseGone => "cause_gone".to_owned(),
    }
}

/// Returns the event as the log keeps it: what a person wrote into a resolution stands there by its hash alone, because
/// the log is for ever and the words have to stay erasable.
fn without_words(event: &Event) -> Event {
    let mut event = event.clone();
    if let Event::Acted { action: Action::Resolve { resolution }, .. } = &mut event {
        for words in [&mut resolution.decision, &mut resolution.conclusion] {
            *words = format!("sha256:{}", text_sha256(MaskedText::of(words).as_str()));
        }
    }
    event
}

/// Named by its place, so that after a restart a new promise never takes the name of an earlier one.
fn promise_id(conversation: &ConversationId, utterance: u32, number: u32) -> CommitmentId {
    CommitmentId(format!("{conversation}-promise-{utterance}-{number}"))
}

/// Says whether a signal is what the board should quote: what the customer demands, threatens or suffers from.
fn matters(kind: SignalKind) -> bool {
    kind.party() == Party::Customer && kind.group() != Group::Flow
}

/// Says which of two decisions of one conversation matters more to people.
fn weight(decision: &Decision) -> u8 {
    match (decision.decision, decision.step) {
        (DecisionKind::EngageNow, _) => 6,
        (DecisionKind::AbuseStep, Some(LadderStep::Closing)) => 5,
        (DecisionKind::Engage, _) => 4,
        (DecisionKind::AbuseStep, _) => 3,
        (DecisionKind::Functional | DecisionKind::Incident, _) => 2,
        (DecisionKind::Coach, _) => 1,
        (DecisionKind::Watch, _) => 0,
    }
}

/// The role or the person's side the case waits for.
fn stage(case: &Case) -> String {
    match &case.owner {
        Owner::Role(role) => role.clone(),
        Owner::Staff(_) => "staff".to_owned(),
    }
}

fn change_name(change: &CaseChange) -> &'static str {
    match change {
        CaseChange::Opened(case) if case.entered_at.is_some() => "entered",
        CaseChange::Opened(_) => "opened",
        CaseChange::Raised { .. } => "raised",
        CaseChange::Moved { state, .. } => state.name(),
        CaseChange::Climbed { .. } => "climbed",
        CaseChange::Overdue { .. } => "overdue",
        CaseChange::Rang { ring: gradus_engine::case::Ring::Warning, .. } => "clock_warning",
        CaseChange::Rang { .. } => "clock_breach",
        CaseChange::Informed { .. } => "informed",
        CaseChange::Paused { .. } => "paused",
        CaseChange::Resumed { .. } => "resumed",
        CaseChange::Prioritised { .. } => "prioritised",
        CaseChange::Asked { .. } => "asked",
        CaseChange::Answered { .. } => "answered",
        CaseChange::Unanswered { .. } => "unanswered",
        CaseChange::Following { follows: true } => "followed",
        CaseChange::Following { .. } => "unfollowed",
        CaseChange::Merged { .. } => "merged",
        CaseChange::TookIn { .. } => "took_in",
        CaseChange::CauseGone { .. } => "cause_gone",
        CaseChange::Linked { linked: true, .. } => "linked",
        CaseChange::Linked { .. } => "unlinked",
        CaseChange::Noted => "noted",
    }
}

fn kind_of(event: &Event) -> &'static str {
    match event {
        Event::Started { .. } => "started",
        Event::Said(_) => "said",
        Event::Heard(_) => "heard",
        Event::Incident { .. } => "incident",
        Event::Ended => "ended",
        Event::Acted { .. } => "acted",
        Event::Tick => "tick",
    }
}
