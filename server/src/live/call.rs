//! A call while it lasts: its lines, what it becomes in the store, its recording.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use gradus_engine::signal::{Channel, Party};
use gradus_engine::time::Timestamp;
use gradus_speech::{SAMPLE_RATE, SAMPLES_PER_MS};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::Live;
use super::listen::Air;
use super::pool::{Line, Said, Told, lock};
use crate::intake::{Incoming, IncomingParty, Phone};
use crate::pipeline::Spoken;
use crate::store::{Batch, ConversationId, ConversationStatus, NewConversation};

/// How long a call without a stream may go on: a transfer closes one stream before it opens the next.
const GRACE: Duration = Duration::from_secs(3);

/// What is known of a call besides its sound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// The exchange's name of the call; streams with the same one are one conversation.
    pub call: String,
    /// The customer's telephone number, in any form.
    pub customer_tel: Option<String>,
    /// The customer's name.
    pub customer_name: Option<String>,
    /// The agent's name.
    pub agent_name: Option<String>,
    /// The team that sees the call.
    pub team: Option<String>,
    /// The queue it came by, for the subject.
    pub queue: Option<String>,
}

/// A call that is going on.
pub struct Call {
    /// Its conversation.
    pub conversation: ConversationId,
    /// The exchange's name of it.
    pub name: String,
    /// When it began.
    pub started: Timestamp,
    /// Where its words go.
    pub told: UnboundedSender<Told>,
    /// What can be heard of it while it lasts.
    pub air: Air,
    /// Streams that are open.
    open: AtomicUsize,
    /// When the last stream closed, in ms since 1970.
    closed_ms: AtomicI64,
    /// Lines whose words are not all there.
    lines: Mutex<Vec<(Arc<Line>, std::path::PathBuf)>>,
}

impl Call {
    /// Makes a call and the receiver of its words.
    pub fn new(
        name: &str,
        conversation: ConversationId,
        started: Timestamp,
    ) -> (Arc<Self>, UnboundedReceiver<Told>) {
        let (told, heard) = tokio::sync::mpsc::unbounded_channel();
        let call = Self {
            conversation,
            name: name.to_owned(),
            started,
            told,
            air: Air::default(),
            open: AtomicUsize::new(0),
            closed_ms: AtomicI64::new(started.millis()),
            lines: Mutex::default(),
        };
        (Arc::new(call), heard)
    }

    /// Notes that a stream opened.
    pub fn opens(&self) {
        self.open.fetch_add(1, Ordering::SeqCst);
    }

    /// Notes that a stream closed.
    pub fn closes(&self, at: Timestamp) {
        self.closed_ms.fetch_max(at.millis(), Ordering::SeqCst);
        self.open.fetch_sub(1, Ordering::SeqCst);
    }

    /// Adds a line and the file in which its sound is kept.
    pub fn adds(&self, line: Arc<Line>, sound: std::path::PathBuf) {
        lock(&self.lines).push((line, sound));
    }

    /// Returns the lines.
    pub fn lines(&self) -> Vec<Arc<Line>> {
        lock(&self.lines).iter().map(|(line, _)| Arc::clone(line)).collect()
    }

    /// Says whether a stream is open.
    pub fn has_streams(&self) -> bool {
        self.open.load(Ordering::SeqCst) > 0
    }
}

impl About {
    fn incoming(&self) -> Incoming {
        let customer = IncomingParty {
            name: self.customer_name.clone(),
            tel: self.customer_tel.as_deref().and_then(Phone::parse),
            ..IncomingParty::of_role("customer")
        };
        let agent = IncomingParty { name: self.agent_name.clone(), ..IncomingParty::of_role("agent") };
        Incoming {
            channel: Channel::Call,
            subject: self.queue.clone(),
            parties: vec![customer, agent],
            ..Incoming::default()
        }
    }
}

impl Live {
    /// Begins the conversation of a call.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub(super) async fn begin(&self, about: &About, id: &ConversationId, started: Timestamp) -> Result<()> {
        let source = format!("live:{}", about.call);
        self.desk
            .begin_from(&about.incoming(), id.as_str(), started, about.team.clone(), Some(source))
            .await?;
        Ok(())
    }

    /// Takes in the words of a call until all its streams are over; then ends the conversation and keeps the recording.
    pub(super) async fn run_call(self: Arc<Self>, call: Arc<Call>, mut heard: UnboundedReceiver<Told>) {
        let mut words = Words::default();
        loop {
            match tokio::time::timeout(GRACE, heard.recv()).await {
                Ok(Some(told)) => {
                    if let Err(error) = self.hear(&call, &mut words, told).await {
                        tracing::error!("An utterance of call {} is not kept: {error:#}", call.conversation);
                    }
                }
                Ok(None) => break,
                // Nothing came for a while: over, when every stream is closed and recognised.
                Err(_) => {
                    let done = words.over >= lock(&call.lines).len();
                    if !call.has_streams() && done && self.forget(&call) {
                        break;
                    }
                }
            }
        }
        if let Err(error) = self.finish(&call, &mut words).await {
            tracing::error!("Call {} is not ended as it should: {error:#}", call.conversation);
        }
    }

    async fn hear(&self, call: &Call, words: &mut Words, told: Told) -> Result<()> {
        let said = match told {
            Told::Said(said) => said,
            Told::Over => {
                words.over += 1;
                return Ok(());
            }
        };
        let party = match said.party {
            Some(party) => party,
            None => self.guess(&said.text).await?,
        };
        let spoken = self.spoken(call, words.next, party, &said);
        words.next += 1;
        let count = said.text.split_whitespace().count();
        if let Some(all) = words.said.get_mut(usize::from(party == Party::Agent)) {
            *all += count;
        }
        self.desk.pipeline.say(&call.conversation, &[spoken], &[]).await
    }

    fn spoken(&self, call: &Call, index: u32, party: Party, said: &Said) -> Spoken {
        Spoken {
            index,
            party,
            speaker: Some(i64::from(party == Party::Agent)),
            start_ms: Some(said.start_ms),
            end_ms: Some(said.end_ms),
            at: self.desk.clock.now().max(call.started),
            text: said.text.clone(),
            judged: said.text.clone(),
            utc_offset_s: self.utc_offset_s,
        }
    }

    /// Whose words these are where several parties are on one channel: an agent's, when they sound more like it.
    async fn guess(&self, text: &str) -> Result<Party> {
        let (ear, text) = (self.desk.pipeline.ear(), text.to_owned());
        let party = tokio::task::spawn_blocking(move || {
            let sure = |party: Party| -> u32 {
                ear.signals(&text, party, Channel::Call).iter().map(|found| u32::from(found.confidence)).sum()
            };
            if sure(Party::Agent) > sure(Party::Customer) { Party::Agent } else { Party::Customer }
        });
        Ok(party.await?)
    }

    async fn finish(&self, call: &Call, words: &mut Words) -> Result<()> {
        let mut note = Vec::new();
        let lines = std::mem::take(&mut *lock(&call.lines));
        for (line, path) in &lines {
            for said in self.catch_up(line, path).await? {
                self.hear(call, words, Told::Said(said)).await?;
            }
            if !line.passed_over().is_empty() {
                note.push("Распознавание отставало: часть слов добавлена из записи после звонка.".to_owned());
            }
        }
        if lines.iter().any(|(line, _)| line.party().is_none()) {
            note.push("Стороны на одном канале: разделены по словам, могут быть спутаны.".to_owned());
        }
        let over = Timestamp::from_millis(call.closed_ms.load(Ordering::SeqCst));
        self.desk.pipeline.end(&call.conversation, over).await?;
        note.dedup();
        // Hundreds of calls may end at once: their recordings are put together a few at a time.
        let leave = self.finishing.acquire().await?;
        let (recording, sound) =
            self.keep_recording(call, &lines, words.said).await.context("the recording is not kept")?;
        drop(leave);
        let mut known = NewConversation::new(
            call.conversation.clone(),
            Channel::Call,
            ConversationStatus::Ended,
            call.started,
        );
        known.ended_at = Some(over);
        known.recording_key = recording;
        known.sound = sound;
        known.note = (!note.is_empty()).then(|| note.join(" "));
        self.desk.store.commit(Batch::new().change(known)).await?;
        self.desk.pipeline.changed(call.conversation.clone());
        for (_, path) in lines {
            if let Err(error) = tokio::fs::remove_file(&path).await {
                tracing::warn!("{} stays: {error}", path.display());
            }
        }
        Ok(())
    }

    /// What was passed over while the call went on, recognised from the recording.
    async fn catch_up(&self, line: &Arc<Line>, path: &std::path::Path) -> Result<Vec<Said>> {
        let passed_over = line.passed_over();
        if passed_over.is_empty() {
            return Ok(Vec::new());
        }
        let Some(engine) = self.engine().await else { return Ok(Vec::new()) };
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let late = Line::new(line.party(), None, told);
        late.begins(line.begun_ms());
        let sound = read_samples(path).await?;
        tokio::task::spawn_blocking(move || {
            for (from, to) in passed_over {
                let at = |sample: u64| usize::try_from(sample).unwrap_or(usize::MAX).min(sound.len());
                late.catch_up(&*engine, from, sound.get(at(from)..at(to)).unwrap_or_default())?;
            }
            anyhow::Ok(())
        })
        .await??;
        let mut said = Vec::new();
        while let Ok(Told::Said(one)) = heard.try_recv() {
            said.push(one);
        }
        Ok(said)
    }

    /// Joins the sound of the parties to one recording, the agent on the configured channel.
    async fn keep_recording(
        &self,
        call: &Call,
        lines: &[(Arc<Line>, std::path::PathBuf)],
        [customer_words, agent_words]: [usize; 2],
    ) -> Result<(Option<String>, Option<Value>)> {
        let agent = self.desk.config.speech.agent_channel.min(1);
        // Lines of one party one after the other; what is mixed goes on both channels.
        let mut channels: BTreeMap<usize, Vec<i16>> = BTreeMap::new();
        for (line, path) in lines {
            let sound = read_samples(path).await?;
            let begin = usize::try_from(line.begun_ms()).unwrap_or(0) * SAMPLES_PER_MS;
            let places: &[usize] = match line.party() {
                Some(Party::Agent) => &[agent],
                Some(Party::Customer) => &[1 - agent],
                None => &[0],
            };
            for place in places {
                let channel = channels.entry(*place).or_default();
                channel.resize(channel.len().max(begin + sound.len()), 0);
                for (sample, new) in channel.iter_mut().skip(begin).zip(&sound) {
                    *sample = sample.saturating_add(*new);
                }
            }
        }
        let channels: Vec<Vec<i16>> = channels.into_values().filter(|channel| !channel.is_empty()).collect();
        if channels.is_empty() {
            return Ok((None, None));
        }
        let key = format!("{}.wav", call.conversation);
        let sound = wav(&channels);
        drop(channels);
        self.desk.recordings.put(&key, sound.clone()).await?;
        let words = if agent == 0 { [agent_words, customer_words] } else { [customer_words, agent_words] };
        let measures =
            tokio::task::spawn_blocking(move || crate::listen::measured(sound.to_vec(), agent, words))
                .await?;
        // A call whose sound cannot be measured keeps its words and its recording.
        let measures = measures.inspect_err(|error| tracing::warn!("{key} is not measured: {error:#}")).ok();
        Ok((Some(key), measures))
    }
}

/// What came of the words so far.
#[derive(Default)]
struct Words {
    /// Number of the next utterance.
    next: u32,
    /// Lines that are over.
    over: usize,
    /// Words of the customer and of the agent.
    said: [usize; 2],
}

async fn read_samples(path: &std::path::Path) -> Result<Vec<i16>> {
    let bytes = match tokio::fs::read(path).await {
        Ok(bytes) => bytes,
        // A stream without a single frame has no file.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    Ok(bytes.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect())
}

/// Writes channels as a WAV file of 16-bit PCM; shorter ones are filled with silence.
fn wav(channels: &[Vec<i16>]) -> Bytes {
    let frames = channels.iter().map(Vec::len).max().unwrap_or(0);
    let count = u16::try_from(channels.len()).unwrap_or(1);
    let data = u32::try_from(frames * channels.len() * 2).unwrap_or(u32::MAX - 36);
    let mut out = Vec::with_capacity(44 + frames * channels.len() * 2);
    out.extend(b"RIFF");
    out.extend((data + 36).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16_u32.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(SAMPLE_RATE.to_le_bytes());
    out.extend((SAMPLE_RATE * 2 * u32::from(count)).to_le_bytes());
    out.extend((2 * count).to_le_bytes());
    out.extend(16_u16.to_le_bytes());
    out.extend(b"data");
    out.extend(data.to_le_bytes());
    for frame in 0..frames {
        for channel in channels {
            out.extend(channel.get(frame).copied().unwrap_or(0).to_le_bytes());
        }
    }
    out.into()
}
