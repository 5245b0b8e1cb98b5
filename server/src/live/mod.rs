//! Live sound from a telephone exchange: every way in has one shape here. A stream has a call, a party and a format; its
//! frames are placed by their arrival, kept, and recognised while the call lasts.
//!
//! Which ways there are: AudioSocket of Asterisk (`audiosocket`), and over WebSocket the JSON of Twilio, Voximplant and
//! their like (`media`), the text-then-binary of FreeSWITCH's modules and Asterisk's chan_websocket (`sockets`).

pub mod audiosocket;
pub mod call;
pub mod listen;
pub mod media;
pub mod pool;
pub mod sockets;

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use gradus_engine::signal::Party;
use gradus_engine::time::Timestamp;
use gradus_speech::live::{BadFormat, LiveDecoder, LiveFormat, Timeline};
use gradus_speech::recognise::{Hints, Recognizer, Stream};
use ipnet::IpNet;
use serde::Serialize;
use tokio::sync::OnceCell;
use tokio::sync::broadcast::Receiver;

use crate::desk::Desk;
use crate::store::ConversationId;
use call::{About, Call};
use listen::{NoListening, Piece};
use pool::{Line, Pool, lock};

/// How many refused streams are remembered.
const REFUSED_KEPT: usize = 100;
/// Samples that are written to disk at once: half a second.
const WRITTEN_AT_ONCE: usize = 8_000;

/// The recognition of live sound.
pub enum Engine {
    /// It is there.
    Ready(Arc<dyn Recognizer>),
    /// It is not, and why; sound is kept, words come when somebody imports the recording.
    Missing(String),
}

/// A stream that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// When.
    pub at_ms: i64,
    /// From where.
    pub from: String,
    /// Which way.
    pub way: &'static str,
    /// Why, and what to do.
    pub why: String,
}

/// A stream that is open, as the page of streams shows it.
#[derive(Clone, Debug, Serialize)]
pub struct OpenStream {
    /// The conversation.
    pub conversation: ConversationId,
    /// The exchange's name of the call.
    pub call: String,
    /// `customer`, `agent`, or nothing where both are on one channel.
    pub party: Option<&'static str>,
    /// Whether recognition has fallen behind.
    pub behind: bool,
    /// The words of the open utterance so far.
    pub partial: String,
}

/// What opens a stream.
pub struct Opening {
    /// What is known of the call.
    pub about: About,
    /// Whose sound each channel is; nothing where several are on one.
    pub parties: Vec<Option<Party>>,
    /// What it is made of.
    pub format: LiveFormat,
}

/// Why a stream is not taken.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be decoded.
    #[error(transparent)]
    Format(#[from] BadFormat),
    /// There are too many.
    #[error("{0} streams are open: raise live.max_streams, or add a machine")]
    TooMany(usize),
    /// Something is broken.
    #[error(transparent)]
    Broken(#[from] anyhow::Error),
}

/// A frame counts as late from this much on, in ms.
pub const LATE_MS: u64 = 60;

/// What became of the sound of all streams since the start.
#[derive(Debug, Default)]
pub struct Taken {
    /// Frames, by channel.
    pub frames: AtomicU64,
    /// Frames that came more than [`LATE_MS`] after their place: held up, or after silence that was left out.
    pub late: AtomicU64,
    /// Samples at 16 kHz that arrived.
    pub samples: AtomicU64,
    /// Silence that was filled in, in samples.
    pub filled: AtomicU64,
    /// Samples that are in the files of the lines, silence included.
    pub kept: AtomicU64,
}

/// Everything live.
pub struct Live {
    /// What became of the sound.
    pub taken: Taken,
    /// Leave to finish a call: to join and measure its recording takes memory and a core.
    finishing: tokio::sync::Semaphore,
    desk: Desk,
    pool: Arc<Pool>,
    engine: OnceCell<Engine>,
    folder: PathBuf,
    allowed: Vec<IpNet>,
    utc_offset_s: i32,
    calls: Mutex<HashMap<String, Arc<Call>>>,
    refused: Mutex<VecDeque<Refused>>,
    refused_count: AtomicU64,
    streams: AtomicUsize,
    numbers: AtomicU64,
}

impl Live {
    /// Prepares; the speech engine is loaded by the first stream.
    ///
    /// # Errors
    /// Names the setting that is wrong, or the folder that cannot be made.
    pub fn open(desk: Desk) -> Result<Arc<Self>> {
        Self::with_engine(desk, OnceCell::new())
    }

    /// The same with an engine that is there already.
    ///
    /// # Errors
    /// As [`Live::open`].
    pub fn hearing_with(desk: Desk, engine: Arc<dyn Recognizer>) -> Result<Arc<Self>> {
        Self::with_engine(desk, OnceCell::new_with(Some(Engine::Ready(engine))))
    }

    fn with_engine(desk: Desk, engine: OnceCell<Engine>) -> Result<Arc<Self>> {
        let folder = desk.config.store.recordings.join("live");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let allowed = desk.config.live.allowed()?;
        let zone = desk.config.conversation.defaults()?.zone;
        let now = jiff::Timestamp::from_millisecond(desk.clock.now().millis()).unwrap_or_default();
        let pool = Pool::start(desk.config.speech.workers());
        Ok(Arc::new(Self {
            taken: Taken::default(),
            finishing: tokio::sync::Semaphore::new(desk.config.speech.workers()),
            utc_offset_s: zone.to_offset(now).seconds(),
            desk,
            pool,
            engine,
            folder,
            allowed,
            calls: Mutex::default(),
            refused: Mutex::default(),
            refused_count: AtomicU64::new(0),
            streams: AtomicUsize::new(0),
            numbers: AtomicU64::new(0),
        }))
    }

    /// Ends the threads of recognition.
    pub fn stop(&self) {
        self.pool.stop();
    }

    /// Returns the engine, loading it at the first call; nothing when it cannot be loaded.
    pub async fn engine(&self) -> Option<Arc<dyn Recognizer>> {
        let speech = self.desk.config.speech.clone();
        let engine = self.engine.get_or_init(|| async move {
            match tokio::task::spawn_blocking(move || crate::listen::engine(&speech)).await {
                Ok(Ok(engine)) => Engine::Ready(Arc::from(engine)),
                Ok(Err(error)) => {
                    tracing::error!("Live sound is kept but not recognised: {error:#}");
                    Engine::Missing(format!("{error:#}"))
                }
                Err(error) => Engine::Missing(error.to_string()),
            }
        });
        match engine.await {
            Engine::Ready(engine) => Some(Arc::clone(engine)),
            Engine::Missing(_) => None,
        }
    }

    /// Returns why live sound is not recognised, when it is not.
    pub fn missing(&self) -> Option<String> {
        match self.engine.get() {
            Some(Engine::Missing(why)) => Some(why.clone()),
            _ => None,
        }
    }

    /// Says whether an address may open a stream.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.iter().any(|net| net.contains(&address))
    }

    /// Notes a stream that was not taken.
    pub fn refuse(&self, way: &'static str, from: &str, why: impl Into<String>) {
        let (at_ms, why) = (self.desk.clock.now().millis(), why.into());
        tracing::warn!("A stream by {way} from {from} is refused: {why}");
        self.refused_count.fetch_add(1, Ordering::Relaxed);
        let mut refused = lock(&self.refused);
        if refused.len() >= REFUSED_KEPT {
            refused.pop_front();
        }
        refused.push_back(Refused { at_ms, from: from.to_owned(), way, why });
    }

    /// Returns the streams that were not taken, the latest first.
    pub fn refused(&self) -> Vec<Refused> {
        lock(&self.refused).iter().rev().cloned().collect()
    }

    /// Returns how many streams were not taken since the start.
    pub fn refused_count(&self) -> u64 {
        self.refused_count.load(Ordering::Relaxed)
    }

    /// Returns the lines of the calls that are going on.
    pub fn open_streams(&self) -> Vec<OpenStream> {
        let calls: Vec<Arc<Call>> = lock(&self.calls).values().cloned().collect();
        let mut streams: Vec<OpenStream> = Vec::new();
        for call in calls {
            streams.extend(call.lines().iter().map(|line| OpenStream {
                conversation: call.conversation.clone(),
                call: call.name.clone(),
                party: line.party().map(Party::name),
                behind: line.is_behind(),
                partial: line.partial(),
            }));
        }
        streams.sort_by(|one, other| (&one.call, one.party).cmp(&(&other.call, other.party)));
        streams
    }

    /// Begins to listen in to the call of a conversation.
    ///
    /// # Errors
    /// When its sound does not come to this node, or enough people listen.
    pub fn listen(&self, conversation: &ConversationId) -> Result<Receiver<Piece>, NoListening> {
        let calls = lock(&self.calls);
        let call = calls.values().find(|call| call.conversation == *conversation);
        call.ok_or(NoListening::NotHere)?.air.listen()
    }

    /// Returns how many listen in to calls of this node.
    pub fn listeners(&self) -> usize {
        lock(&self.calls).values().map(|call| call.air.listeners()).sum()
    }

    /// Opens a stream of a call; the first one begins its conversation.
    ///
    /// # Errors
    /// When the stream cannot be decoded, there are too many, or the store cannot keep the conversation.
    pub async fn stream(self: &Arc<Self>, opening: Opening) -> Result<Input, OpenError> {
        let decoder = LiveDecoder::new(opening.format)?;
        let most = self.desk.config.live.max_streams;
        if self.streams.fetch_add(1, Ordering::SeqCst) >= most {
            self.streams.fetch_sub(1, Ordering::SeqCst);
            return Err(OpenError::TooMany(most));
        }
        // From here on the stream is closed by dropping the input.
        let (call, begins) = self.join(&opening.about.call);
        let mut input = Input { live: Arc::clone(self), call: Arc::clone(&call), decoder, lines: Vec::new() };
        if let Some(heard) = begins {
            if let Err(error) = self.begin(&opening.about, &call.conversation, call.started).await {
                lock(&self.calls).remove(&call.name);
                return Err(OpenError::Broken(error));
            }
            tokio::spawn(Arc::clone(self).run_call(Arc::clone(&call), heard));
        }
        let engine = self.engine().await;
        for party in opening.parties {
            let stream = match &engine {
                Some(engine) => Some(open_stream(engine).await?),
                None => None,
            };
            let line = Line::new(party, stream, call.told.clone());
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let path = self.folder.join(format!("{}-{number}.s16", call.conversation));
            call.adds(Arc::clone(&line), path.clone());
            input.lines.push(Kept { line, time: Timeline::default(), path, unwritten: Vec::new() });
        }
        Ok(input)
    }

    /// Finds the call that is going on, or makes one.
    fn join(&self, name: &str) -> (Arc<Call>, Option<tokio::sync::mpsc::UnboundedReceiver<pool::Told>>) {
        let mut calls = lock(&self.calls);
        if let Some(call) = calls.get(name) {
            call.opens();
            return (Arc::clone(call), None);
        }
        let now = self.desk.clock.now();
        let short = crate::desk::digest(format!("{name} {}", now.millis()).as_bytes());
        let id = ConversationId(format!("call-{}", short.get(..20).unwrap_or_default()));
        let (call, heard) = Call::new(name, id, now);
        call.opens();
        calls.insert(name.to_owned(), Arc::clone(&call));
        (call, Some(heard))
    }

    /// Takes a call out of those that are going on, unless a stream opened meanwhile.
    fn forget(&self, call: &Arc<Call>) -> bool {
        let mut calls = lock(&self.calls);
        if call.has_streams() {
            return false;
        }
        calls.remove(&call.name);
        call.air.end();
        true
    }

    /// Ends calls that a stop of the server broke off, and says what is missing of them.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn end_broken_off(&self) -> Result<usize> {
        let mut count = 0;
        for row in self.desk.store.board(None, 100_000).await? {
            if !row.source.as_deref().is_some_and(|source| source.starts_with("live:")) {
                continue;
            }
            let said = self.desk.store.utterances(&row.id).await?;
            let last = said.iter().map(|said| said.end_ms).max().unwrap_or(0);
            let over = Timestamp::from_millis(row.started_at_ms.saturating_add(last));
            self.desk.pipeline.end(&row.id, over).await?;
            let note = "Сервер остановился во время звонка: звук и слова после этого места не приняты.";
            self.desk
                .note_conversation(&row.id, (Timestamp::from_millis(row.started_at_ms), over), note)
                .await?;
            count += 1;
        }
        Ok(count)
    }
}

async fn open_stream(engine: &Arc<dyn Recognizer>) -> Result<Box<dyn Stream>, OpenError> {
    let engine = Arc::clone(engine);
    let stream = tokio::task::spawn_blocking(move || engine.stream(&Hints::default())).await;
    Ok(stream.context("the speech engine broke")?.context("the speech engine does not open a stream")?)
}

/// An open stream: frames in. Dropping it closes it.
pub struct Input {
    live: Arc<Live>,
    call: Arc<Call>,
    decoder: LiveDecoder,
    lines: Vec<Kept>,
}

struct Kept {
    line: Arc<Line>,
    time: Timeline,
    path: PathBuf,
    unwritten: Vec<i16>,
}

impl Input {
    /// Returns the conversation of the call.
    pub fn conversation(&self) -> &ConversationId {
        &self.call.conversation
    }

    /// Changes what the stream is made of, as some exchanges do midway.
    ///
    /// # Errors
    /// When the new format cannot be decoded, or has other channels.
    pub fn change(&mut self, format: LiveFormat) -> Result<(), BadFormat> {
        if usize::from(format.channels) != self.lines.len() {
            let what = format!("{} channels instead of {}", format.channels, self.lines.len());
            return Err(BadFormat { what, cure: "open another stream for another number of channels" });
        }
        self.decoder = LiveDecoder::new(format)?;
        Ok(())
    }

    /// Takes a frame that arrived now.
    pub fn frame(&mut self, bytes: &[u8]) {
        let now = self.live.desk.clock.now();
        let at_ms = now.since(self.call.started).get();
        for (samples, kept) in self.decoder.decode(bytes).into_iter().zip(&mut self.lines) {
            if samples.is_empty() {
                continue;
            }
            if kept.time.length_ms() == 0 {
                kept.line.begins(at_ms.saturating_sub(samples.len() as u64 / 16));
            }
            let gap = kept.time.place(at_ms, samples.len());
            let taken = &self.live.taken;
            taken.frames.fetch_add(1, Ordering::Relaxed);
            taken.samples.fetch_add(samples.len() as u64, Ordering::Relaxed);
            taken.filled.fetch_add(gap as u64, Ordering::Relaxed);
            if kept.time.late_ms() > LATE_MS {
                taken.late.fetch_add(1, Ordering::Relaxed);
            }
            if gap > 0 {
                kept.take(&self.live, &vec![0; gap]);
            }
            // Silence that was left out takes no time of whoever listens: they hear what arrives.
            self.call.air.say(kept.line.party(), &samples);
            kept.take(&self.live, &samples);
        }
    }
}

impl Kept {
    fn take(&mut self, live: &Live, samples: &[i16]) {
        live.pool.feed(&self.line, samples);
        self.unwritten.extend(samples);
        if self.unwritten.len() >= WRITTEN_AT_ONCE {
            self.write(&live.taken);
        }
    }

    /// Half a second is written in microseconds into the memory of the system; no thread waits for the disk.
    fn write(&mut self, taken: &Taken) {
        let count = self.unwritten.len() as u64;
        let bytes: Vec<u8> = self.unwritten.drain(..).flat_map(i16::to_le_bytes).collect();
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&self.path);
        match file.and_then(|mut file| file.write_all(&bytes)) {
            Ok(()) => {
                taken.kept.fetch_add(count, Ordering::Relaxed);
            }
            Err(error) => tracing::error!("Sound of a call is not kept in {}: {error}", self.path.display()),
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        for kept in &mut self.lines {
            kept.write(&self.live.taken);
            self.live.pool.end(&kept.line);
        }
        self.call.closes(self.live.desk.clock.now());
        self.live.streams.fetch_sub(1, Ordering::SeqCst);
    }
}
