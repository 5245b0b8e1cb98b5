//! From words to what is kept: each utterance is noticed, judged by the engine, and committed with all that follows.
//!
//! The engine decides; this module loads the state, calls `step`, and turns the effects into one batch of the store, so
//! that nothing is acknowledged before it is on disk. It makes no rules of its own.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use gradus_engine::alert::Alert;
use gradus_engine::case::{Action, Case, CaseChange, CaseState, Owner, Refusal, StaffId};
use gradus_engine::commitment::Reference;
use gradus_engine::decision::{Decision, DecisionKind, LadderStep};
use gradus_engine::ear::Ear;
use gradus_engine::effect::Effect;
use gradus_engine::event::{CustomerFacts, Event, Heard, Said};
use gradus_engine::incident::IncidentWatch;
use gradus_engine::judge::Notices;
use gradus_engine::notice::Noticed;
use gradus_engine::protocol::Protocol;
use gradus_engine::signal::{Channel, Group, Party, SignalKind};
use gradus_engine::step::{State, step};
use gradus_engine::time::Timestamp;
use serde_json::json;
use tokio::sync::{Mutex, broadcast};

use crate::analyze::cause;
use crate::mask::{MaskedText, Masker};
use crate::store::{
    AlertClimb, AlertId, Batch, CaseId, CaseUpdate, Change, Commitment, CommitmentId, ConversationId,
    CustomerId, DecisionId, Evidence, HeatPoint, NewAlert, NewCase, NewConversation, NewEvent, Progress,
    Resolution, Signal, Store, TimelineEntry, UserId, Utterance, conversation_stream,
};

/// News about a conversation for those who look at it.
#[derive(Clone, Debug)]
pub struct News {
    /// The conversation that changed.
    pub conversation: ConversationId,
    /// Whether somebody has to be told now.
    pub alert: bool,
}

/// One utterance from outside.
#[derive(Clone, Debug)]
pub struct Spoken {
    /// Its position in the conversation.
    pub index: u32,
    /// Who spoke.
    pub party: Party,
    /// Number of the speaker among the parties.
    pub speaker: Option<i64>,
    /// Milliseconds from the start of the conversation.
    pub start_ms: Option<u64>,
    /// Milliseconds from the start of the conversation.
    pub end_ms: Option<u64>,
    /// When, absolutely.
    pub at: Timestamp,
    /// The words as received.
    pub text: String,
    /// The words that are judged: of a letter without what it quotes.
    pub judged: String,
    /// Seconds east of UTC of the clock where it was said.
    pub utc_offset_s: i32,
}

/// What a person may not do, or what is broken.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The engine refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such case.
    #[error("there is no such case")]
    NoCase,
    /// Something is broken.
    #[error(transparent)]
    Broken(#[from] anyhow::Error),
}

/// The running state of one conversation.
struct Track {
    id: ConversationId,
    channel: Channel,
    customer: Option<CustomerId>,
    customer_key: String,
    state: State,
    utterances: i64,
    decisions: i64,
    commitments: i64,
    standing: Option<(String, String, Timestamp)>,
    /// The decision that stands: what the board shows and what an alert is about.
    standing_id: Option<DecisionId>,
    standing_weight: u8,
    /// The team that sees the conversation and its case.
    team: Option<String>,
    quote: Option<(i64, u32, u32, SignalKind)>,
    alerted: bool,
    masker: Masker,
}

/// What turns utterances and actions into decisions, cases and alerts that are kept.
pub struct Pipeline {
    store: Arc<Store>,
    ear: Arc<Ear>,
    protocol: Arc<Protocol>,
    tracks: Mutex<HashMap<ConversationId, Track>>,
    incidents: Mutex<IncidentWatch>,
    news: broadcast::Sender<News>,
}

/// News that a slow reader may fall behind by; a reader that falls behind reloads its page.
const NEWS_KEPT: usize = 1_024;

impl Pipeline {
    /// Makes a pipeline over a store.
    pub fn new(store: Arc<Store>, ear: Arc<Ear>, protocol: Arc<Protocol>) -> Self {
        let (news, _) = broadcast::channel(NEWS_KEPT);
        Self { store, ear, protocol, tracks: Mutex::default(), incidents: Mutex::default(), news }
    }

    /// Hears of every change from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Returns the protocol in force.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub async fn start(&self, new: NewConversation, facts: CustomerFacts) -> Result<()> {
        let (id, at) = (new.id.clone(), new.started_at);
        let customer = new.customer_id.clone();
        let customer_key =
            customer.as_ref().map_or_else(|| format!("conversation {id}"), ToString::to_string);
        let mut track = Track::new(id.clone(), new.channel, customer, customer_key);
        track.team.clone_from(&new.team);
        let mut batch = Batch::new().change(new);
        let event = Event::Started { channel: track.channel, customer: facts };
        track.take(self, &event, at, &mut batch).map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
        self.store.commit(batch).await?;
        self.tracks.lock().await.insert(id.clone(), track);
        self.tell(id, false);
        Ok(())
    }

    /// Takes in utterances of a conversation, in order, in one commit.
    ///
    /// # Errors
    /// When there is no such conversation or the store cannot keep them.
    pub async fn say(&self, id: &ConversationId, spoken: &[Spoken], heard: &[Heard]) -> Result<()> {
        let mut tracks = self.tracks.lock().await;
        let mut track = match tracks.remove(id) {
            Some(track) => track,
            None => self.load(id).await?.context("there is no such conversation")?,
        };
        let mut batch = Batch::new();
        for said in spoken {
            self.say_one(&mut track, said, &mut batch).await?;
            for heard in heard.iter().filter(|heard| heard.utterance == said.index) {
                let event = Event::Heard(heard.clone());
                track
                    .take(self, &event, said.at, &mut batch)
                    .map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
            }
        }
        let at = spoken.last().map_or(Timestamp::default(), |said| said.at);
        let batch = batch.change(track.progress(at));
        // On failure the state in memory would be ahead of the store: it is dropped, and the next call loads it anew.
        self.store.commit(batch).await?;
        let alert = std::mem::take(&mut track.alerted);
        tracks.insert(id.clone(), track);
        drop(tracks);
        self.tell(id.clone(), alert);
        Ok(())
    }

    async fn say_one(&self, track: &mut Track, said: &Spoken, batch: &mut Batch) -> Result<()> {
        let reference = Reference::new(said.at, said.utc_offset_s);
        let noticed = self.ear.notice(&said.judged, said.party, track.channel, &reference);
        track.keep(self, said, &noticed, batch);
        let reports: Vec<SignalKind> = match said.party {
            Party::Customer => noticed.signals.iter().map(|found| found.kind).collect(),
            Party::Agent => Vec::new(),
        };
        let topic = noticed.topic.clone();
        let event =
            Event::Said(Said { index: said.index, party: said.party, start_ms: said.start_ms, noticed });
        track.take(self, &event, said.at, batch).map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
        for kind in reports {
            let joined = self.incidents.lock().await.report(
                &self.protocol.incident,
                &track.customer_key,
                (kind, &topic),
                said.at,
            );
            if let Some(joined) = joined {
                let event = Event::Incident {
                    utterance: said.index,
                    kind,
                    incident: joined.incident,
                    opened: joined.opened,
                };
                track.take(self, &event, said.at, batch).map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
            }
        }
        Ok(())
    }

    /// Ends a conversation.
    ///
    /// # Errors
    /// When there is no such conversation or the store cannot keep it.
    pub async fn end(&self, id: &ConversationId, at: Timestamp) -> Result<()> {
        let mut tracks = self.tracks.lock().await;
        let mut track = match tracks.remove(id) {
            Some(track) => track,
            None => self.load(id).await?.context("there is no such conversation")?,
        };
        let mut batch = Batch::new();
        track.take(self, &Event::Ended, at, &mut batch).map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
        self.store.commit(batch.change(Change::EndConversation { id: id.clone(), at })).await?;
        if track.state.case.is_some() {
            tracks.insert(id.clone(), track);
        }
        drop(tracks);
        self.tell(id.clone(), false);
        Ok(())
    }

    /// Does what a person asks with the case of a conversation.
    ///
    /// # Errors
    /// The refusal of the engine, or what is broken.
    pub async fn act(
        &self,
        id: &ConversationId,
        by: &UserId,
        action: Action,
        now: Timestamp,
    ) -> Result<(), ActError> {
        let mut tracks = self.tracks.lock().await;
        let mut track = match tracks.remove(id) {
            Some(track) => track,
            None => self.load(id).await?.ok_or(ActError::NoCase)?,
        };
        let mut batch = Batch::new();
        let event = Event::Acted { by: StaffId(by.0.clone()), action };
        let taken = track.take(self, &event, now, &mut batch);
        if taken.is_ok() {
            self.store.commit(batch).await.map_err(anyhow::Error::from)?;
        }
        tracks.insert(id.clone(), track);
        drop(tracks);
        taken?;
        self.tell(id.clone(), false);
        Ok(())
    }

    /// Lets the clocks of a case run: the alert climbs, or the case is overdue.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub async fn tick(&self, id: &ConversationId, now: Timestamp) -> Result<()> {
        let mut tracks = self.tracks.lock().await;
        let mut track = match tracks.remove(id) {
            Some(track) => track,
            None => self.load(id).await?.context("there is no such conversation")?,
        };
        let mut batch = Batch::new();
        track.take(self, &Event::Tick, now, &mut batch).map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
        if !batch.changes.is_empty() {
            self.store.commit(batch).await?;
        }
        let alert = std::mem::take(&mut track.alerted);
        tracks.insert(id.clone(), track);
        drop(tracks);
        self.tell(id.clone(), alert);
        Ok(())
    }

    /// Replays the events of a conversation; nothing is detected or written again.
    async fn load(&self, id: &ConversationId) -> Result<Option<Track>> {
        let Some(row) = self.store.conversation(id).await? else { return Ok(None) };
        let channel = row.channel.parse().unwrap_or(Channel::Call);
        let customer = row.customer_id.clone();
        let customer_key =
            customer.as_ref().map_or_else(|| format!("conversation {id}"), ToString::to_string);
        let mut track = Track::new(id.clone(), channel, customer, customer_key);
        track.team.clone_from(&row.team);
        let mut from = 0;
        loop {
            let events = self.store.events_of(&conversation_stream(id), from, 500).await?;
            let Some(last) = events.last() else { break };
            from = last.sequence + 1;
            for stored in &events {
                let event: Event =
                    serde_json::from_str(&stored.body).context("an event of the log cannot be read")?;
                // What was accepted once is accepted again: the same state, the same event.
                let _ = track.take(self, &event, Timestamp::from_millis(stored.at_ms), &mut Batch::new());
            }
        }
        Ok(Some(track))
    }

    fn tell(&self, conversation: ConversationId, alert: bool) {
        // Nobody listening is no fault.
        let _ = self.news.send(News { conversation, alert });
    }
}

impl Track {
    fn new(id: ConversationId, channel: Channel, customer: Option<CustomerId>, customer_key: String) -> Self {
        Self {
            id,
            channel,
            customer,
            customer_key,
            state: State::default(),
            utterances: 0,
            decisions: 0,
            commitments: 0,
            standing: None,
            standing_id: None,
            standing_weight: 0,
            team: None,
            quote: None,
            alerted: false,
            masker: Masker::default(),
        }
    }

    fn case_id(&self) -> CaseId {
        CaseId(format!("{}-case", self.id))
    }

    /// Takes in one event: the new state, the event for the log, and the changes that follow.
    fn take(
        &mut self,
        desk: &Pipeline,
        event: &Event,
        now: Timestamp,
        batch: &mut Batch,
    ) -> Result<(), Refusal> {
        let (state, effects) = step(&desk.protocol, self.state.clone(), event, now)?;
        self.state = state;
        if let Event::Said(said) = event {
            self.utterances = self.utterances.max(i64::from(said.index) + 1);
        }
        let quiet = matches!(event, Event::Tick) && effects.is_empty();
        if !quiet {
            batch.events.push(NewEvent {
                stream: conversation_stream(&self.id),
                sequence: None,
                at: now,
                kind: kind_of(event).to_owned(),
                body: serde_json::to_string(event).unwrap_or_default(),
                protocol_version: desk.protocol.version.clone(),
                rules_version: desk.ear.rules_version().to_owned(),
            });
        }
        let who = match event {
            Event::Acted { by, .. } => Some(UserId(by.0.clone())),
            _ => None,
        };
        for effect in effects {
            self.follow(desk, effect, who.as_ref(), now, batch);
        }
        Ok(())
    }

    fn follow(
        &mut self,
        desk: &Pipeline,
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
                    rules_version: desk.ear.rules_version().to_owned(),
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
            Effect::AttemptFailed { .. } => {}
            Effect::Decided(decision) => self.decided(desk, &decision, now, batch),
            Effect::Case(change) => self.case_changed(&change, who, now, batch),
            Effect::Alert(alert) => self.alert(desk, &alert, now, batch),
        }
    }

    fn decided(&mut self, desk: &Pipeline, decision: &Decision, now: Timestamp, batch: &mut Batch) {
        self.decisions += 1;
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
                protocol_version: desk.protocol.version.clone(),
                rules_version: desk.ear.rules_version().to_owned(),
                evidence: evidence.collect(),
            }
            .into(),
        );
    }

    fn decision_id(&self) -> DecisionId {
        DecisionId(format!("{}-decision-{}", self.id, self.decisions))
    }

    fn case_changed(&mut self, change: &CaseChange, who: Option<&UserId>, now: Timestamp, batch: &mut Batch) {
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
                batch.changes.push(self.update(&case));
            }
            CaseChange::Moved { state: CaseState::Acknowledged { .. }, .. } => {
                if let Some(by) = who {
                    batch.changes.extend(self.answer_alert(&case, by, now));
                    batch.changes.push(Change::AcknowledgeCase { id: id.clone(), by: by.clone(), at: now });
                    batch.changes.push(self.update(&case));
                }
            }
            CaseChange::Moved { state: CaseState::InWork { .. }, .. } => {
                if let Some(by) = who {
                    batch.changes.extend(self.answer_alert(&case, by, now));
                    // First the state: a case that is opened again is closed for everything else.
                    batch.changes.push(self.update(&case));
                    batch.changes.push(Change::TakeOver { id: id.clone(), by: by.clone(), at: now });
                }
            }
            CaseChange::Moved { state: CaseState::Resolved { resolution, .. }, .. } => {
                batch.changes.push(self.update(&case));
                let currency =
                    resolution.costs.first().map_or("RUB", |cost| cost.currency.as_str()).to_owned();
                let resolution = Resolution {
                    reason: resolution.reason.name().to_owned(),
                    decision: MaskedText::of(&resolution.decision),
                    cost: resolution.total(&currency),
                    currency,
                    conclusion: MaskedText::of(&resolution.conclusion),
                    closed_by: who.cloned().unwrap_or_else(|| UserId(String::new())),
                    closed_at: now,
                };
                batch.changes.push(Change::Resolve { id: id.clone(), resolution: Box::new(resolution) });
            }
            CaseChange::Moved { .. }
            | CaseChange::Raised { .. }
            | CaseChange::Climbed { .. }
            | CaseChange::Overdue { .. } => {
                batch.changes.push(self.update(&case));
            }
        }
        batch.changes.push(self.timeline_entry(&case, change, who, now));
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
        TimelineEntry {
            case: self.case_id(),
            key: format!("{}-{}-{}", now.millis(), change_name(change), self.decisions),
            at: now,
            actor: who.cloned(),
            kind: change_name(change).to_owned(),
            text: None,
            detail: json!({"state": state, "priority": priority, "stage": stage(case), "owner": owner}),
        }
        .into()
    }

    /// An alert that was given for the case is answered by whoever acts on it.
    fn answer_alert(&self, case: &Case, by: &UserId, now: Timestamp) -> Option<Change> {
        case.told?;
        Some(Change::AcknowledgeAlert { id: AlertId(format!("{}-alert", self.id)), by: by.clone(), at: now })
    }

    fn update(&self, case: &Case) -> Change {
        let owner_id = match &case.owner {
            Owner::Staff(staff) => Some(UserId(staff.0.clone())),
            Owner::Role(_) => None,
        };
        CaseUpdate {
            id: self.case_id(),
            version: None,
            state: case.state.name().to_owned(),
            stage: stage(case),
            priority: case.priority.name().to_owned(),
            owner_id,
            team: self.team.clone(),
            due_at: Some(case.due_at),
            first_response: None,
            incident_id: None,
        }
        .into()
    }

    fn alert(&mut self, desk: &Pipeline, alert: &Alert, now: Timestamp, batch: &mut Batch) {
        self.alerted = true;
        let id = AlertId(format!("{}-alert", self.id));
        let climbs_at =
            desk.protocol.alerts.ladder.get(alert.step as usize + 1).map(|next| now.plus(next.after));
        if alert.repeat {
            let role = Some(alert.role.clone());
            batch.changes.push(
                AlertClimb {
                    id,
                    level: i64::from(alert.step),
                    recipient_id: None,
                    recipient_role: role,
                    climbs_at,
                }
                .into(),
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
                recipient_id: None,
                recipient_role: Some(alert.role.clone()),
                level: i64::from(alert.step),
                created_at: now,
                climbs_at,
            }
            .into(),
        );
    }

    /// The words, the signals and the promises of an utterance.
    fn keep(&mut self, desk: &Pipeline, said: &Spoken, noticed: &Noticed, batch: &mut Batch) {
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
                lemmas: None,
                words: None,
            }
            .into(),
        );
        for (number, found) in (0_i64..).zip(&noticed.signals) {
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
                    rules_version: desk.ear.rules_version().to_owned(),
                    at: said.at,
                }
                .into(),
            );
        }
        for promise in &noticed.commitments {
            self.commitments += 1;
            let due_at = promise.due.as_ref().and_then(|due| due.parse::<jiff::Timestamp>().ok());
            batch.changes.push(
                Commitment {
                    id: CommitmentId(format!("{}-promise-{}", self.id, self.commitments)),
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
        if let Some(found) = noticed.signals.iter().find(|found| matters(found.kind)) {
            self.quote = Some((i64::from(said.index), found.start, found.end, found.kind));
        }
    }

    fn progress(&self, at: Timestamp) -> Progress {
        let conversation = &self.state.conversation;
        Progress {
            conversation: self.id.clone(),
            utterances: self.utterances,
            heat_last: conversation.heat().value(),
            heat_max: conversation.heat().max(),
            heat_at: at,
            calmed_at: conversation.heat().calmed_at().map(i64::from),
            attempts: i64::from(conversation.attempts().failed()),
            decision: self.standing.clone(),
            quote: self.quote,
        }
    }
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
        CaseChange::Opened(_) => "opened",
        CaseChange::Raised { .. } => "raised",
        CaseChange::Moved { state, .. } => state.name(),
        CaseChange::Climbed { .. } => "climbed",
        CaseChange::Overdue { .. } => "overdue",
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
