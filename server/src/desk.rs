//! The desk: everything a running Gradus shares, opened from the configuration; and the import of conversations.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use gradus_engine::case::{Action, StaffId};
use gradus_engine::event::{CustomerFacts, Event, Heard};
use gradus_engine::signal::Party;
use gradus_engine::time::{Millis, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::alert::Ways;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::ears;
use crate::intake::Incoming;
use crate::mask::MaskedText;
use crate::pipeline::{ActError, Pipeline, Spoken};
use crate::protocols::ProtocolKeeper;
use crate::rules::reload::RuleKeeper;
use crate::store::{
    AlertRow, Batch, CaseRow, Change, ConversationId, ConversationStatus, CustomerFacts as Known, CustomerId,
    NewConversation, NewEvent, NewParty, Recordings, Store, StoreError, TimelineEntry, UserId, Verdict,
    conversation_stream,
};

/// What a running Gradus shares.
#[derive(Clone)]
pub struct Desk {
    /// What is kept.
    pub store: Arc<Store>,
    /// What judges.
    pub pipeline: Arc<Pipeline>,
    /// What keeps the rules in force.
    pub rules: Arc<RuleKeeper>,
    /// What keeps the protocol in force.
    pub protocols: Arc<ProtocolKeeper>,
    /// The recordings.
    pub recordings: Arc<Recordings>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The configuration.
    pub config: Arc<Config>,
}

/// Makes the folder of the configured store where it is a file.
///
/// # Errors
/// Names the folder.
pub fn make_store_folder(config: &Config) -> Result<()> {
    if let Some(folder) =
        config.store.url.reveal().strip_prefix("sqlite:").and_then(|path| Path::new(path).parent())
    {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    Ok(())
}

/// Opens the configured store, making its folder where it is a file.
///
/// # Errors
/// When the store cannot be opened.
pub async fn open_store(config: &Config) -> Result<Arc<Store>> {
    make_store_folder(config)?;
    let store = Store::open(config.store.url.reveal(), Arc::new(SystemClock)).await.context("store.url")?;
    Ok(Arc::new(store))
}

/// Opens the configured store where there is one already; makes nothing.
///
/// # Errors
/// When there is none, or it cannot be opened.
pub async fn existing_store(config: &Config) -> Result<Arc<Store>> {
    let seen = Store::inspect(config.store.url.reveal()).await.context("store.url")?;
    if seen.held.is_none() {
        bail!("store.url: there is nothing in {} yet", seen.place);
    }
    open_store(config).await
}

impl Desk {
    /// Opens everything.
    ///
    /// # Errors
    /// Names what cannot be opened.
    pub async fn open(config: Config) -> Result<Self> {
        let store = open_store(&config).await?;
        let ear = Arc::new(ears::ear(config.notice.rules_folder())?);
        let protocol = Arc::new(ears::protocol(config.conversation.protocol_file())?);
        std::fs::create_dir_all(&config.store.recordings).context("store.recordings")?;
        let recordings = Arc::new(Recordings::in_folder(&config.store.recordings)?);
        let pipeline = Pipeline::new(Arc::clone(&store), ear, protocol).reaching(Ways::of(&config));
        let pipeline = pipeline.in_shadow(config.alert.shadow);
        let pipeline = Arc::new(pipeline);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keeper = RuleKeeper::new(config.notice.rules_folder(), Arc::clone(&pipeline), Arc::clone(&clock));
        let protocols = ProtocolKeeper::new(Arc::clone(&store), Arc::clone(&pipeline));
        protocols.begin(config.conversation.protocol_file()).await?;
        let protocols = Arc::new(protocols);
        Ok(Self {
            store,
            pipeline,
            rules: Arc::new(keeper),
            protocols,
            recordings,
            clock,
            config: Arc::new(config),
        })
    }

    /// Returns what the protocol may know of a customer.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn facts(&self, customer: Option<&CustomerId>) -> Result<CustomerFacts> {
        let Some(id) = customer else { return Ok(CustomerFacts::default()) };
        let rank = |rank: Option<i64>| rank.and_then(|rank| u32::try_from(rank).ok());
        let known = self.store.customer(id).await?;
        Ok(known.map_or_else(CustomerFacts::default, |known| CustomerFacts {
            revenue_rank: rank(known.revenue_rank),
            growth_rank: rank(known.growth_rank),
            recent_contacts: 0,
            marked: known.mark.is_some(),
        }))
    }

    /// Keeps a conversation from a file, judged with its own times. Returns its id; one that is kept already stays as it
    /// is.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub async fn import(
        &self,
        incoming: &Incoming,
        sha256: &str,
        sound: Option<Sound<'_>>,
        last: bool,
    ) -> Result<ConversationId> {
        let now = self.clock.now();
        let id = ConversationId(format!(
            "c-{}",
            digest(format!("{sha256} {}", incoming.id).as_bytes()).get(..20).unwrap_or_default()
        ));
        let done = Change::FinishImport { sha256: sha256.to_owned(), conversation: id.clone(), at: now };
        let known = self.store.conversation(&id).await?;
        if known.is_some_and(|known| known.status == ConversationStatus::Ended.name()) {
            if last {
                self.store.commit(Batch::new().change(done)).await?;
            }
            return Ok(id);
        }
        let started = incoming.started_at.unwrap_or(now);
        let customer = self.know_customer(incoming, now).await?;
        let spoken = spoken(incoming, started);
        let mut new = NewConversation::new(id.clone(), incoming.channel, ConversationStatus::Ended, started);
        new.ended_at = Some(ended(&spoken, started));
        new.history_before = Some(self.config.conversation.history_before(now));
        new.customer_id = customer.clone();
        new.agent_name = agent_name(incoming);
        new.team.clone_from(&incoming.team);
        new.subject = incoming.subject.as_deref().map(MaskedText::of);
        new.source = Some(incoming.source_name.clone());
        new.source_id = Some(incoming.id.clone());
        new.note = (!incoming.warnings.is_empty()).then(|| incoming.warnings.join("\n"));
        new.parties = incoming.parties.iter().map(party).collect();
        let mut heard: &[Heard] = &[];
        if let Some(sound) = sound {
            heard = sound.heard;
            (new.sound, new.recording_key) = (Some(sound.measures), Some(sound.recording));
        }
        let facts = self.facts(customer.as_ref()).await?;
        self.pipeline.take_whole(new, facts, (&spoken, heard), last.then_some(done)).await?;
        Ok(id)
    }

    /// Does something with a case in the name of a person, and writes down who did.
    ///
    /// # Errors
    /// The refusal of the engine, or what is broken.
    pub async fn act(&self, by: &UserId, case: &CaseRow, action: Action) -> Result<(), ActError> {
        self.act_saying(by, case, action, None).await
    }

    /// The same with words for the timeline: what the customer was told, what a department is asked or answers. The log
    /// gets their hash, which the action carries.
    ///
    /// # Errors
    /// The refusal of the engine, or what is broken.
    pub async fn act_saying(
        &self,
        by: &UserId,
        case: &CaseRow,
        action: Action,
        saying: Option<MaskedText>,
    ) -> Result<(), ActError> {
        let conversation = case.conversation_id.as_ref().ok_or(ActError::NoCase)?;
        let now = self.clock.now();
        let what = match &action {
            Action::Open => "case.open",
            Action::Enter { .. } => "case.enter",
            Action::Acknowledge => "case.acknowledge",
            Action::TakeOver => "case.take_over",
            Action::HandOver { .. } => "case.hand_over",
            Action::Note { .. } => "case.note",
            Action::Resolve { .. } => "case.resolve",
            Action::Reopen => "case.reopen",
            Action::Inform { .. } => "case.inform",
            Action::Wait { .. } => "case.wait",
            Action::Resume => "case.resume",
            Action::Prioritise { .. } => "case.prioritise",
            Action::Ask { .. } => "case.ask",
            Action::Answer { .. } => "case.answer",
            Action::Follow => "case.follow",
            Action::Unfollow => "case.unfollow",
            Action::MergeInto { .. } => "case.merge",
            Action::TakeIn { .. } => "case.take_in",
            Action::CauseGone { .. } => "case.cause_gone",
            Action::Link { .. } => "case.link",
            Action::Unlink { .. } => "case.unlink",
        };
        self.pipeline.act_saying(conversation, by, action, saying, now).await?;
        let object = format!("case:{}", case.id);
        self.store.audit(now, &by.0, what, &object, "").await.map_err(anyhow::Error::from)?;
        Ok(())
    }

    /// Lets an alert rest for a person; returns until when, or nothing when somebody has answered it already. It climbs
    /// to the next all the same.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn snooze(&self, by: &UserId, alert: &AlertRow) -> Result<Option<Timestamp>, StoreError> {
        if alert.acknowledged_at_ms.is_some() || alert.ended_at_ms.is_some() {
            return Ok(None);
        }
        let now = self.clock.now();
        let until = now.plus(Millis::minutes(u64::from(self.config.alert.snooze_minutes)));
        self.store.snooze(&alert.id, by, until).await?;
        self.store.audit(now, &by.0, "alert.snooze", &format!("alert:{}", alert.id), "").await?;
        Ok(Some(until))
    }

    /// Notes that a person has seen an alert that asks for nothing more; a repeat keeps the first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn saw(&self, by: &UserId, alert: &AlertRow) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (id, state) = (alert.id.clone(), "seen".to_owned());
        let seen = Change::AcknowledgeAlert { id: id.clone(), by: by.clone(), at: now };
        self.store.commit(Batch::new().change(seen).change(Change::EndAlert { id, state, at: now })).await?;
        self.store.audit(now, &by.0, "alert.seen", &format!("alert:{}", alert.id), "").await?;
        if let Some(conversation) = &alert.conversation_id {
            self.pipeline.changed(conversation.clone());
        }
        Ok(())
    }

    /// Notes what a person says of an alert.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn judge(
        &self,
        by: &UserId,
        alert: &AlertRow,
        verdict: Verdict,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        self.store.judge_alert(&alert.id, verdict, reason, by).await?;
        let now = self.clock.now();
        self.store.audit(now, &by.0, "alert.judge", &format!("alert:{}", alert.id), verdict.name()).await?;
        if let Some(conversation) = &alert.conversation_id {
            self.pipeline.changed(conversation.clone());
        }
        Ok(())
    }

    /// Writes a note into the timeline of a case. The log gets its hash, the timeline its masked words.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub async fn note(&self, case: &CaseRow, by: &UserId, text: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        let text = MaskedText::of(text);
        let sha256 = digest(text.as_bytes());
        let mut batch = Batch::new();
        if let Some(conversation) = &case.conversation_id {
            let action = Action::Note { text_sha256: sha256.clone() };
            let event = Event::Acted { by: StaffId(by.0.clone()), action };
            batch = batch.event(NewEvent {
                stream: conversation_stream(conversation),
                sequence: None,
                at: now,
                kind: "acted".to_owned(),
                body: serde_json::to_string(&event)
                    .map_err(|error| StoreError::Broken(format!("an event is no JSON: {error}")))?,
                protocol_version: self.pipeline.protocol().version.clone(),
                rules_version: String::new(),
            });
        }
        let key = format!("{}-note-{}", now.millis(), sha256.get(..12).unwrap_or_default());
        let entry = TimelineEntry {
            case: case.id.clone(),
            key,
            at: now,
            actor: Some(by.clone()),
            kind: "note".to_owned(),
            text: Some(text),
            detail: Value::Null,
        };
        self.store.commit(batch.change(entry)).await?;
        Ok(())
    }

    /// Begins a live conversation with the parties of a written one.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub async fn begin(&self, incoming: &Incoming, name: &str, started: Timestamp) -> Result<ConversationId> {
        self.begin_from(incoming, name, started, None, None).await
    }

    /// The same for a team, from a source.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub async fn begin_from(
        &self,
        incoming: &Incoming,
        name: &str,
        started: Timestamp,
        team: Option<String>,
        source: Option<String>,
    ) -> Result<ConversationId> {
        let id = ConversationId(name.to_owned());
        let customer = self.know_customer(incoming, started).await?;
        let mut new = NewConversation::new(id.clone(), incoming.channel, ConversationStatus::Live, started);
        new.customer_id.clone_from(&customer);
        new.agent_name = agent_name(incoming);
        new.team = team;
        new.source = source;
        new.subject = incoming.subject.as_deref().map(MaskedText::of);
        new.parties = incoming.parties.iter().map(party).collect();
        let facts = self.facts(customer.as_ref()).await?;
        self.pipeline.start(new, facts).await?;
        Ok(id)
    }

    /// Writes what the page of a conversation that is over has to say about how it came in.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub async fn note_conversation(
        &self,
        id: &ConversationId,
        (started, over): (Timestamp, Timestamp),
        note: &str,
    ) -> Result<()> {
        let mut known = NewConversation::new(
            id.clone(),
            gradus_engine::signal::Channel::Call,
            ConversationStatus::Ended,
            started,
        );
        known.ended_at = Some(over);
        known.note = Some(note.to_owned());
        self.store.commit(Batch::new().change(known)).await?;
        Ok(())
    }

    async fn know_customer(&self, incoming: &Incoming, now: Timestamp) -> Result<Option<CustomerId>> {
        let Some(theirs) = incoming.parties.iter().find(|party| party.side == Party::Customer) else {
            return Ok(None);
        };
        let tels: Vec<String> = theirs.tel.iter().map(|tel| tel.as_str().to_owned()).collect();
        let emails: Vec<String> = theirs.email.iter().cloned().collect();
        if tels.is_empty() && emails.is_empty() {
            return Ok(None);
        }
        let fresh = CustomerId(format!(
            "k-{}",
            digest(format!("{tels:?}{emails:?}").as_bytes()).get(..16).unwrap_or_default()
        ));
        let facts = Known { name: theirs.name.clone(), tels, emails, ..Known::default() };
        Ok(Some(self.store.know_customer(&facts, fresh, now).await?))
    }
}

/// Returns when the last of what was said was over.
fn ended(spoken: &[Spoken], started: Timestamp) -> Timestamp {
    let over = spoken
        .iter()
        .map(|said| said.end_ms.map_or(said.at, |ms| started.plus(Millis::new(ms))).max(said.at));
    over.max().unwrap_or(started)
}

/// What was heard in a recording, beside its words.
#[derive(Debug)]
pub struct Sound<'h> {
    /// What the sound showed, by utterance.
    pub heard: &'h [Heard],
    /// The measurements and the picture of the sound, for the page.
    pub measures: Value,
    /// The recording's key in the object storage.
    pub recording: String,
}

fn agent_name(incoming: &Incoming) -> Option<String> {
    let agent = incoming.parties.iter().find(|party| party.side == Party::Agent);
    agent.and_then(|party| party.name.clone())
}

fn party(party: &crate::intake::IncomingParty) -> NewParty {
    NewParty {
        role: party.role.clone(),
        name: party.name.clone(),
        tel: party.tel.as_ref().map(|tel| tel.as_str().to_owned()),
        email: party.email.clone(),
        user_id: None,
    }
}

/// The utterances of a conversation from outside; one without a time follows the one before it.
pub fn spoken(incoming: &Incoming, started: Timestamp) -> Vec<Spoken> {
    let mut last = started;
    let mut all = Vec::with_capacity(incoming.utterances.len());
    for said in &incoming.utterances {
        last = said
            .at
            .or_else(|| said.start_ms.map(|ms| started.plus(Millis::new(ms))))
            .unwrap_or(last)
            .max(last);
        all.push(Spoken {
            index: said.index,
            party: incoming.parties.get(said.party as usize).map_or(Party::Customer, |party| party.side),
            speaker: Some(i64::from(said.party)),
            start_ms: said.start_ms,
            end_ms: said.end_ms,
            at: last,
            text: said.text.clone(),
            judged: said.judged_text(incoming.channel).into_owned(),
            utc_offset_s: incoming.utc_offset_s,
        });
    }
    all
}

/// Returns the SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
