//! From words to what is kept: each utterance is noticed, judged by the engine, and committed with all that follows.
//!
//! The engine decides; this module loads the state, calls `step`, and turns the effects into one batch of the store, so
//! that nothing is acknowledged before it is on disk. It makes no rules of its own.

mod read_off;
mod track;
mod turns;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, Result};
use gradus_engine::case::{Action, Refusal, StaffId};
use gradus_engine::commitment::Reference;
use gradus_engine::ear::Ear;
use gradus_engine::event::{CustomerFacts, Event, Heard, Said};
use gradus_engine::incident::{IncidentWatch, Joined, Reporter};
use gradus_engine::judge::Notices;
use gradus_engine::notice::Noticed;
use gradus_engine::protocol::Protocol;
use gradus_engine::signal::{Channel, Party, SignalKind};
use gradus_engine::time::{Millis, Timestamp};
use tokio::sync::{Mutex, Semaphore, broadcast};

use crate::alert::Ways;
use crate::mask::MaskedText;
use crate::store::{
    AlertId, Batch, Change, ConversationId, NewConversation, Reach, Store, UserId, conversation_stream,
};
pub use read_off::ReadOff;
use track::Track;
use turns::{Turn, Turns};

/// News about a conversation for those who look at it.
#[derive(Clone, Debug)]
pub struct News {
    /// The conversation that changed.
    pub conversation: ConversationId,
    /// Whether somebody has to be told now.
    pub alert: bool,
    /// The alerts that were given.
    pub alerts: Vec<AlertId>,
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

/// What an event is judged by.
struct Basis<'a> {
    protocol: &'a Protocol,
    rules_version: &'a str,
    /// How people are reached now, and what now is; nobody is reached when the past is read off the log.
    ways: Option<(&'a Ways, Timestamp)>,
}

impl Basis<'_> {
    /// Returns whom an alert to a role reaches that is about something said at `said`.
    fn reach(&self, role: &str, team: Option<&str>, said: Timestamp) -> Reach {
        self.ways.map_or_else(Reach::default, |(ways, now)| ways.reach(role, team, now.since(said)))
    }
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

/// What turns utterances and actions into decisions, cases and alerts that are kept.
pub struct Pipeline {
    store: Arc<Store>,
    ear: RwLock<Arc<Ear>>,
    protocols: RwLock<Protocols>,
    ways: Ways,
    /// Whether the protocol decides without calling anybody.
    shadow: bool,
    turns: Turns,
    /// As many utterances are noticed at a time as there are cores; the others wait in the order in which they came.
    noticing: Semaphore,
    incidents: Mutex<IncidentWatch>,
    past_incidents: Mutex<IncidentWatch>,
    news: broadcast::Sender<News>,
}

/// The protocol in force, and those that earlier events were judged by.
struct Protocols {
    now: Arc<Protocol>,
    known: HashMap<String, Arc<Protocol>>,
}

/// Rules and protocol of one turn: they do not change while it lasts.
struct Judging {
    ear: Arc<Ear>,
    protocol: Arc<Protocol>,
}

/// What is decided in the shadow is history from the beginning: the end of the year 9999, before which everything lies.
pub const SHADOW: Timestamp = Timestamp::from_millis(253_402_300_799_000);

/// News that a slow reader may fall behind by; a reader that falls behind reloads its page.
const NEWS_KEPT: usize = 1_024;

impl Pipeline {
    /// Makes a pipeline over a store.
    pub fn new(store: Arc<Store>, ear: Arc<Ear>, protocol: Arc<Protocol>) -> Self {
        let (news, _) = broadcast::channel(NEWS_KEPT);
        // Seconds since 1970 are beyond every number that was given before.
        let now = u64::try_from(store.clock().now().millis() / 1_000).unwrap_or(0);
        let watch = || Mutex::new(IncidentWatch::numbered_after(now));
        Self {
            store,
            ear: RwLock::new(ear),
            protocols: RwLock::new(Protocols {
                known: HashMap::from([(protocol.version.clone(), Arc::clone(&protocol))]),
                now: protocol,
            }),
            ways: Ways::default(),
            shadow: false,
            turns: Turns::default(),
            noticing: Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)),
            incidents: watch(),
            past_incidents: watch(),
            news,
        }
    }

    /// Lets alerts go beyond the page, by the ways that the company has.
    #[must_use]
    pub fn reaching(mut self, ways: Ways) -> Self {
        self.ways = ways;
        self
    }

    /// Decides without calling anybody and without opening cases, when `shadow` says so.
    #[must_use]
    pub fn in_shadow(mut self, shadow: bool) -> Self {
        self.shadow = shadow;
        self
    }

    /// Tells pages that something about a conversation is shown differently now.
    pub fn changed(&self, conversation: ConversationId) {
        self.tell(conversation, Vec::new());
    }

    /// Returns whom an alert to a role reaches that is about something that happens now.
    pub fn reach(&self, role: &str, team: Option<&str>) -> Reach {
        self.ways.reach(role, team, Millis::default())
    }

    /// Tells pages and the outbox that an alert was given beside the engine.
    pub fn gave(&self, conversation: ConversationId, alert: AlertId) {
        self.tell(conversation, vec![alert]);
    }

    /// Hears of every change from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Returns the protocol in force.
    pub fn protocol(&self) -> Arc<Protocol> {
        Arc::clone(&self.protocols.read().unwrap_or_else(PoisonError::into_inner).now)
    }

    /// Knows a version of the protocol, to replay what was judged by it; `in_force` judges by it from the next event on.
    pub fn know(&self, protocol: Arc<Protocol>, in_force: bool) {
        let mut protocols = self.protocols.write().unwrap_or_else(PoisonError::into_inner);
        protocols.known.insert(protocol.version.clone(), Arc::clone(&protocol));
        if in_force {
            protocols.now = protocol;
        }
    }

    /// Returns the protocol of a version; the one in force where it is not known.
    fn protocol_of(&self, version: &str) -> Arc<Protocol> {
        let protocols = self.protocols.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(protocols.known.get(version).unwrap_or(&protocols.now))
    }

    fn judging(&self) -> Judging {
        Judging { ear: self.ear(), protocol: self.protocol() }
    }

    /// Hears with other rules from the next utterance on; one that is being judged ends by those it began with.
    pub fn hear_with(&self, ear: Arc<Ear>) {
        *self.ear.write().unwrap_or_else(PoisonError::into_inner) = ear;
    }

    /// Returns the rules and weights in force.
    pub fn ear(&self) -> Arc<Ear> {
        Arc::clone(&self.ear.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn basis<'a>(&'a self, by: &'a Judging) -> Basis<'a> {
        let ways = Some((&self.ways, self.store.clock().now()));
        Basis { protocol: &by.protocol, rules_version: by.ear.rules_version(), ways }
    }

    /// Reads off the log what was reported within the window of incidents: a restart must not make customers of one trouble
    /// strangers to each other.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn recall_incidents(&self) -> Result<()> {
        /// Events that are looked at: at a thousand utterances a minute, more than an hour of them.
        const MOST: i64 = 100_000;
        const PAGE: i64 = 5_000;
        let protocol = self.protocol();
        let rules = &protocol.incident;
        let now = self.store.clock().now();
        let mut position = (self.store.last_position().await? - MOST).max(0);
        let mut keys: HashMap<String, Option<(String, Option<i64>)>> = HashMap::new();
        let mut topics: HashMap<String, Vec<u32>> = HashMap::new();
        let mut incidents = self.incidents.lock().await;
        loop {
            let events = self.store.events_after(position, PAGE).await?;
            let Some(last) = events.last() else { break };
            position = last.position;
            for stored in events {
                let at = Timestamp::from_millis(stored.at_ms);
                if now.since(at) > rules.within || !matches!(stored.kind.as_str(), "said" | "incident") {
                    continue;
                }
                let Ok(event) = serde_json::from_str::<Event>(&stored.body) else { continue };
                let Some(id) = stored.stream.strip_prefix("conversation:") else { continue };
                if !keys.contains_key(id) {
                    let row = self.store.conversation(&ConversationId(id.to_owned())).await?;
                    let key = row.map(|row| {
                        let of =
                            row.customer_id.map_or_else(|| format!("conversation {id}"), |id| id.to_string());
                        (of, row.history_before_ms)
                    });
                    keys.insert(id.to_owned(), key);
                }
                let Some(Some((customer, history))) = keys.get(id) else { continue };
                if history.is_some_and(|before| at.millis() < before) {
                    continue;
                }
                match event {
                    Event::Said(said) if said.party == Party::Customer => {
                        for found in &said.noticed.signals {
                            let by = Reporter { customer, conversation: id, utterance: said.index };
                            incidents.report(rules, by, (found.kind, &said.noticed.topic), at);
                        }
                        topics.insert(id.to_owned(), said.noticed.topic);
                    }
                    Event::Incident { kind, incident, .. } => {
                        let topic = topics.get(id).map_or(&[][..], Vec::as_slice);
                        incidents.recall(incident, kind, topic, at);
                    }
                    _ => {}
                }
            }
        }
        let before = now.millis() - i64::try_from(rules.within.get()).unwrap_or(i64::MAX);
        for number in self.store.incidents_closed_since(Timestamp::from_millis(before)).await? {
            incidents.close(u64::try_from(number).unwrap_or(0));
        }
        Ok(())
    }

    /// Forgets an incident that somebody has closed: later reports begin anew.
    pub async fn close_incident(&self, number: u64) {
        self.incidents.lock().await.close(number);
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub async fn start(&self, new: NewConversation, facts: CustomerFacts) -> Result<()> {
        let (id, by) = (new.id.clone(), self.judging());
        let turn = self.turns.of(&id).await;
        let mut batch = Batch::new();
        let track = self.begin(new, facts, &by, &mut batch)?;
        self.store.commit(batch).await?;
        turn.keep(track);
        self.tell(id, Vec::new());
        Ok(())
    }

    /// Takes in a conversation that is over, with all that follows from it and `then`, in one commit: all of it or
    /// nothing. What was decided before `new.history_before` alerts nobody.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub async fn take_whole(
        &self,
        new: NewConversation,
        facts: CustomerFacts,
        (spoken, heard): (&[Spoken], &[Heard]),
        then: Option<Change>,
    ) -> Result<()> {
        let (id, ended_at) = (new.id.clone(), new.ended_at.unwrap_or(new.started_at));
        let by = self.judging();
        let turn = self.turns.of(&id).await;
        let mut batch = Batch::new();
        let mut track = self.begin(new, facts, &by, &mut batch)?;
        self.say_all(&mut track, &by, (spoken, heard), &mut batch).await?;
        track
            .take(&self.basis(&by), &Event::Ended, ended_at, &mut batch)
            .map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
        self.store.commit(batch.changes_of(then)).await?;
        let alert = std::mem::take(&mut track.alerted);
        if track.state.case.is_some() {
            turn.keep(track);
        }
        self.tell(id, alert);
        Ok(())
    }

    fn begin(
        &self,
        mut new: NewConversation,
        facts: CustomerFacts,
        by: &Judging,
        batch: &mut Batch,
    ) -> Result<Track> {
        if self.shadow {
            new.history_before = Some(SHADOW);
        }
        let (id, at, history_before) = (new.id.clone(), new.started_at, new.history_before);
        let mut track = Track::new(id, new.channel, new.customer_id.clone(), new.team.clone());
        batch.changes.push(new.into());
        let event = Event::Started { channel: track.channel, customer: facts, history_before };
        track.take(&self.basis(by), &event, at, batch).map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
        Ok(track)
    }

    /// Takes in utterances of a conversation, in order, in one commit. One whose position was taken before is passed
    /// over.
    ///
    /// # Errors
    /// When there is no such conversation or the store cannot keep them.
    pub async fn say(&self, id: &ConversationId, spoken: &[Spoken], heard: &[Heard]) -> Result<()> {
        let by = self.judging();
        let mut turn = self.turns.of(id).await;
        let mut track = self.track(&mut turn, id).await?.context("there is no such conversation")?;
        let mut batch = Batch::new();
        if self.say_all(&mut track, &by, (spoken, heard), &mut batch).await? {
            self.store.commit(batch).await?;
        }
        let alert = std::mem::take(&mut track.alerted);
        turn.keep(track);
        self.tell(id.clone(), alert);
        Ok(())
    }

    /// Takes in what was not heard before; says whether there was anything.
    async fn say_all(
        &self,
        track: &mut Track,
        by: &Judging,
        (spoken, heard): (&[Spoken], &[Heard]),
        batch: &mut Batch,
    ) -> Result<bool> {
        let mut heard_at = None;
        for said in spoken {
            // A sender that got no answer sends again: what was heard once is not heard twice.
            if track.has_heard(said.index) {
                continue;
            }
            self.say_one(track, by, said, batch).await?;
            heard_at = Some(said.at);
            for heard in heard.iter().filter(|heard| heard.utterance == said.index) {
                let event = Event::Heard(heard.clone());
                track
                    .take(&self.basis(by), &event, said.at, batch)
                    .map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
            }
        }
        let Some(at) = heard_at else { return Ok(false) };
        batch.changes.push(track.progress(at).into());
        Ok(true)
    }

    async fn say_one(&self, track: &mut Track, by: &Judging, said: &Spoken, batch: &mut Batch) -> Result<()> {
        let noticed = self.notice(&by.ear, said, track.channel).await?;
        let reports: Vec<SignalKind> = match said.party {
            Party::Customer => noticed.signals.iter().map(|found| found.kind).collect(),
            Party::Agent => Vec::new(),
        };
        let topic = noticed.topic.clone();
        track.keep_words(said, batch);
        let heard = Said { index: said.index, party: said.party, start_ms: said.start_ms, noticed };
        track.keep_noticed(&self.basis(by), &heard, said.at, batch);
        let event = Event::Said(heard);
        track
            .take(&self.basis(by), &event, said.at, batch)
            .map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
        // What was long ago makes no incident with what is reported now.
        let incidents = if track.state.is_history(said.at) { &self.past_incidents } else { &self.incidents };
        for kind in reports {
            let (customer, conversation) = (track.customer_key.as_str(), track.id().as_str());
            let reporter = Reporter { customer, conversation, utterance: said.index };
            let rules = &by.protocol.incident;
            let joined = incidents.lock().await.report(rules, reporter, (kind, &topic), said.at);
            if let Some(joined) = joined {
                if !track.state.is_history(said.at) {
                    batch.changes.extend(earlier_reports(&joined, said.at));
                }
                let event = Event::Incident {
                    utterance: said.index,
                    kind,
                    incident: joined.incident,
                    opened: joined.opened,
                };
                track
                    .take(&self.basis(by), &event, said.at, batch)
                    .map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
            }
        }
        Ok(())
    }

    /// Notices what is in an utterance, on a thread that may think for some milliseconds.
    async fn notice(&self, ear: &Arc<Ear>, said: &Spoken, channel: Channel) -> Result<Noticed> {
        let _turn = self.noticing.acquire().await?;
        let (ear, text, party) = (Arc::clone(ear), said.judged.clone(), said.party);
        let reference = Reference::new(said.at, said.utc_offset_s);
        Ok(tokio::task::spawn_blocking(move || ear.notice(&text, party, channel, &reference)).await?)
    }

    /// Ends a conversation.
    ///
    /// # Errors
    /// When there is no such conversation or the store cannot keep it.
    pub async fn end(&self, id: &ConversationId, at: Timestamp) -> Result<()> {
        let by = self.judging();
        let mut turn = self.turns.of(id).await;
        let mut track = self.track(&mut turn, id).await?.context("there is no such conversation")?;
        let mut batch = Batch::new();
        track
            .take(&self.basis(&by), &Event::Ended, at, &mut batch)
            .map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
        self.store.commit(batch.change(Change::EndConversation { id: id.clone(), at })).await?;
        if track.state.case.is_some() {
            turn.keep(track);
        }
        self.tell(id.clone(), Vec::new());
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
        self.act_in_turn(id, &[(by.clone(), action, now)]).await
    }

    /// The same with words for the timeline.
    ///
    /// # Errors
    /// The refusal of the engine, or what is broken.
    pub async fn act_saying(
        &self,
        id: &ConversationId,
        by: &UserId,
        action: Action,
        saying: Option<MaskedText>,
        now: Timestamp,
    ) -> Result<(), ActError> {
        self.act_all(id, &[(by.clone(), action, now)], saying).await
    }

    /// Does several things one after the other, each by somebody at a time of its own: all of them or none.
    ///
    /// # Errors
    /// The refusal of the engine, or what is broken.
    pub async fn act_in_turn(
        &self,
        id: &ConversationId,
        steps: &[(UserId, Action, Timestamp)],
    ) -> Result<(), ActError> {
        self.act_all(id, steps, None).await
    }

    async fn act_all(
        &self,
        id: &ConversationId,
        steps: &[(UserId, Action, Timestamp)],
        saying: Option<MaskedText>,
    ) -> Result<(), ActError> {
        let by = self.judging();
        let mut turn = self.turns.of(id).await;
        let mut track = self.track(&mut turn, id).await?.ok_or(ActError::NoCase)?;
        let mut batch = Batch::new();
        for (who, action, at) in steps {
            let event = Event::Acted { by: StaffId(who.0.clone()), action: action.clone() };
            track.saying.clone_from(&saying);
            // What was done before the refusal is not kept, so the state is read off the log at the next call.
            track.take(&self.basis(&by), &event, *at, &mut batch)?;
        }
        self.store.commit(batch).await.map_err(anyhow::Error::from)?;
        let alert = std::mem::take(&mut track.alerted);
        // A year of resolved cases would fill the memory.
        let over = track.state.ended && track.state.case.as_ref().is_none_or(|case| case.state.is_over());
        if !over {
            turn.keep(track);
        }
        self.tell(id.clone(), alert);
        Ok(())
    }

    /// Does something in each of two conversations: both or neither.
    ///
    /// # Errors
    /// The refusal of the engine, or what is broken.
    pub async fn act_in_both(
        &self,
        steps: [(&ConversationId, Action); 2],
        by: &UserId,
        now: Timestamp,
    ) -> Result<(), ActError> {
        let judging = self.judging();
        let mut steps = steps.map(|(id, action)| (id.clone(), action));
        // Everybody waits for the two in the same order, so that nobody waits for each other.
        let swapped = steps[0].0 > steps[1].0;
        if swapped {
            steps.swap(0, 1);
        }
        let [(first, of_first), (second, of_second)] = steps;
        let (mut one, mut other) = (self.turns.of(&first).await, self.turns.of(&second).await);
        let mut here = self.track(&mut one, &first).await?.ok_or(ActError::NoCase)?;
        let mut there = self.track(&mut other, &second).await?.ok_or(ActError::NoCase)?;
        let mut batch = Batch::new();
        let event = |action| Event::Acted { by: StaffId(by.0.clone()), action };
        here.take(&self.basis(&judging), &event(of_first), now, &mut batch)?;
        there.take(&self.basis(&judging), &event(of_second), now, &mut batch)?;
        self.store.commit(batch).await.map_err(anyhow::Error::from)?;
        for (turn, mut track, id) in [(one, here, first), (other, there, second)] {
            let alerts = std::mem::take(&mut track.alerted);
            turn.keep(track);
            self.tell(id, alerts);
        }
        Ok(())
    }

    /// Lets the clocks of a case run: the alert climbs, or the case is overdue.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub async fn tick(&self, id: &ConversationId, now: Timestamp) -> Result<()> {
        let by = self.judging();
        let mut turn = self.turns.of(id).await;
        let mut track = self.track(&mut turn, id).await?.context("there is no such conversation")?;
        let mut batch = Batch::new();
        track
            .take(&self.basis(&by), &Event::Tick, now, &mut batch)
            .map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
        if !batch.changes.is_empty() {
            self.store.commit(batch).await?;
        }
        let alert = std::mem::take(&mut track.alerted);
        // A hundred thousand open cases would fill the memory: what is over is read off the log when it rings again.
        if !track.state.ended {
            turn.keep(track);
        }
        self.tell(id.clone(), alert);
        Ok(())
    }

    /// Takes a conversation's state out of memory, or replays it. Whoever takes it puts it back after the commit: on
    /// failure it would be ahead of the store, so it is dropped and replayed at the next call.
    async fn track(&self, turn: &mut Turn, id: &ConversationId) -> Result<Option<Track>> {
        match turn.take() {
            Some(track) => Ok(Some(track)),
            None => self.load(id).await,
        }
    }

    /// Replays the events of a conversation; nothing is detected or written again.
    async fn load(&self, id: &ConversationId) -> Result<Option<Track>> {
        let Some(row) = self.store.conversation(id).await? else { return Ok(None) };
        let channel = row.channel.parse().unwrap_or(Channel::Call);
        let mut track = Track::new(id.clone(), channel, row.customer_id.clone(), row.team.clone());
        let by = self.judging();
        let mut from = 0;
        loop {
            let events = self.store.events_of(&conversation_stream(id), from, 500).await?;
            let Some(last) = events.last() else { break };
            from = last.sequence + 1;
            for stored in &events {
                let event: Event =
                    serde_json::from_str(&stored.body).context("an event of the log cannot be read")?;
                // What was accepted once is accepted again: the same state, the same event.
                let protocol = self.protocol_of(&stored.protocol_version);
                let basis = Basis { protocol: &protocol, ..self.basis(&by) };
                let _ = track.take(&basis, &event, Timestamp::from_millis(stored.at_ms), &mut Batch::new());
            }
        }
        track.alerted.clear();
        Ok(Some(track))
    }

    fn tell(&self, conversation: ConversationId, alerts: Vec<AlertId>) {
        // Nobody listening is no fault.
        let _ = self.news.send(News { conversation, alert: !alerts.is_empty(), alerts });
    }
}

/// Those who reported the trouble before it was an incident belong to it as well.
fn earlier_reports(joined: &Joined, at: Timestamp) -> impl Iterator<Item = Change> {
    joined.earlier.iter().map(move |(conversation, utterance)| Change::JoinIncident {
        incident: i64::try_from(joined.incident).unwrap_or(i64::MAX),
        kind: joined.kind,
        conversation: ConversationId(conversation.clone()),
        utterance: i64::from(*utterance),
        at,
    })
}
