//! How many live streams one machine takes: real connections over loopback to the real intake, paced in real time, and
//! beside them what decoding, voice activity and level cost alone.
//!
//! Exchange and intake share the process and the machine; the exchange has threads of its own, so that its processor time is
//! told from that of the intake. Words are not recognised: an engine that counts stands in, behind the same voice activity
//! and the same pool as the real one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use gradus_engine::signal::Party;
use gradus_engine::time::Timestamp;
use gradus_speech::SAMPLES_PER_MS;
use gradus_speech::activity::VoiceDetector;
use gradus_speech::live::{Encoding, LiveDecoder, LiveFormat};
use gradus_speech::recognise::live::{Redecoding, Sessions};
use gradus_speech::recognise::{Heard, Hints, RecogniseError, Recognizer, Session, Stream};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{memory_mib, process_cpu, thread_cpu, threads_cpu};
use crate::config::Config;
use crate::desk::{Desk, digest};
use crate::http::{App, routes, serve};
use crate::live::audiosocket::{self, Registered, key};
use crate::live::call::About;
use crate::live::{LATE_MS, Live, Taken};
use crate::store::{ApiToken, User, UserId};

/// Begins the names of the threads of the exchange.
const EXCHANGE: &str = "exchange";
/// Time between two frames.
const FRAME: Duration = Duration::from_millis(20);
/// Samples of a frame at 8 kHz.
const FRAME_SAMPLES: usize = 160;
/// Samples of a frame at 16 kHz, as they are kept.
const FRAME_KEPT: u64 = 20 * SAMPLES_PER_MS as u64;
/// How late the exchange itself may send a frame before it counts as its own fault.
const OWN_LATE: Duration = Duration::from_millis(20);

/// What is to be measured.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Streams: half by AudioSocket, a connection each, half as JSON media streams, two tracks a WebSocket.
    pub streams: usize,
    /// How long they last, in seconds.
    pub seconds: u64,
}

/// Counts what it is asked to recognise and hears nothing.
struct Counting {
    counts: Arc<Counts>,
    sessions: Arc<Sessions>,
}

impl Counting {
    fn new(counts: Arc<Counts>) -> Self {
        let shared = Arc::clone(&counts);
        let sessions = Sessions::new(move || {
            shared.sessions.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(CountingSession(Arc::clone(&shared))))
        });
        Self { counts, sessions }
    }
}

#[derive(Default)]
struct Counts {
    asked: AtomicU64,
    samples: AtomicU64,
    sessions: AtomicU64,
}

struct CountingSession(Arc<Counts>);

impl Session for CountingSession {
    fn recognise(&mut self, samples: &[f32]) -> Result<Heard, RecogniseError> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        self.0.samples.fetch_add(samples.len() as u64, Ordering::Relaxed);
        Ok(Heard::default())
    }
}

impl Recognizer for Counting {
    fn name(&self) -> String {
        "counting".into()
    }

    fn session(&self, _: &Hints) -> Result<Box<dyn Session>, RecogniseError> {
        self.counts.sessions.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(CountingSession(Arc::clone(&self.counts))))
    }

    fn stream(&self, _: &Hints) -> Result<Box<dyn Stream>, RecogniseError> {
        Ok(Box::new(Redecoding::borrowing(Arc::clone(&self.sessions))))
    }
}

/// Ten seconds at 8 kHz: two of a voice-like hum, three of faint noise, and again. Whether a network takes the hum for a voice
/// shows in the number of recognitions.
fn sound() -> Vec<i16> {
    let mut noise = 0x2545_F491_u32;
    (0..80_000_u32)
        .map(|at| {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let hiss = f64::from(noise) / f64::from(u32::MAX) - 0.5;
            let seconds = f64::from(at) / 8_000.0;
            if seconds % 5.0 >= 2.0 {
                return (hiss * 40.0) as i16;
            }
            // Syllables four times a second, a pitch that wanders, harmonics that fall off but for two formants.
            let syllable = (seconds * 4.0 * std::f64::consts::PI).sin().abs();
            let pitch = 130.0 + 20.0 * (seconds * 3.0).sin();
            let voice: f64 = (1..=24_i32)
                .map(|number| {
                    let hertz = f64::from(number) * 130.0;
                    let formant = |at: f64| 1.0 / (1.0 + ((hertz - at) / 150.0).powi(2));
                    let strength = 0.1 / f64::from(number) + formant(600.0) + 0.6 * formant(1_700.0);
                    strength * (seconds * pitch * f64::from(number) * std::f64::consts::TAU).sin()
                })
                .sum();
            (voice * syllable * 3_000.0 + hiss * 200.0).clamp(-32_000.0, 32_000.0) as i16
        })
        .collect()
}

/// G.711 µ-law, from the definition of ITU-T G.711.
fn mulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let value = (i32::from(sample).abs() + 132).min(32_767);
    let segment = (value.ilog2()).saturating_sub(7);
    let step = (value >> (segment + 3)) & 0x0F;
    !(sign | (u8::try_from(segment).unwrap_or(7) << 4) | u8::try_from(step).unwrap_or(15))
}

/// What decoding, voice activity and level of one stream cost on one thread.
pub fn alone(seconds: u64) -> Result<Value> {
    let bytes: Vec<u8> = sound().into_iter().map(mulaw).collect();
    let mut decoder = LiveDecoder::new(LiveFormat { encoding: Encoding::Mulaw, rate: 8_000, channels: 1 })?;
    let mut detector = VoiceDetector::default();
    let frames = seconds * 50;
    let (mut changes, mut loudest) = (0_u64, 0_f64);
    let begin = thread_cpu();
    for frame in bytes.chunks(FRAME_SAMPLES).cycle().take(usize::try_from(frames).unwrap_or(usize::MAX)) {
        for samples in decoder.decode(frame) {
            detector.feed(&samples, |_| changes += 1);
            let power: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
            loudest = loudest.max(power / samples.len().max(1) as f64);
        }
    }
    let cpu = thread_cpu().saturating_sub(begin).as_secs_f64();
    Ok(json!({
        "frames": frames,
        "cpu_us_a_frame": rounded(cpu * 1e6 / frames.max(1) as f64),
        "streams_a_core": (seconds as f64 / cpu.max(1e-9)).round(),
        "changes_of_voice": changes,
        "loudest_dbfs": rounded(10.0 * (loudest / 32_768_f64.powi(2)).log10()),
    }))
}

/// Opens the streams, paces them in real time, and says what came of them.
///
/// # Errors
/// When the server or the connections cannot be opened.
pub fn streams(folder: &Path, load: Load) -> Result<Value> {
    let intake = tokio::runtime::Builder::new_multi_thread().thread_name("intake").enable_all().build()?;
    let exchange = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(EXCHANGE)
        .enable_all()
        .build()?;
    let counts = Arc::new(Counts::default());
    let server = intake.block_on(Server::open(folder, load, Arc::clone(&counts)))?;
    let before = memory_mib();
    let sent = Arc::new(Sent::default());
    let gate = Arc::new(Barrier::new(load.streams.div_ceil(4) * 3 + 1));
    let lines = exchange.block_on(server.dial(load, &sent, &gate))?;
    // All are open and have sent a frame; from here on it counts.
    exchange.block_on(gate.wait());
    let (began, cpu, own) = (now(), process_cpu(), threads_cpu(EXCHANGE));
    exchange.block_on(async { tokio::time::sleep(Duration::from_secs(load.seconds)).await });
    let took = now().duration_since(began).as_secs_f64();
    let cpu = process_cpu().saturating_sub(cpu).as_secs_f64();
    let own = threads_cpu(EXCHANGE).saturating_sub(own).as_secs_f64();
    let held = memory_mib().zip(before).map(|(now, then)| (now - then) * 1024.0 / load.streams as f64);
    let open = server.live.open_streams().len();
    for line in lines {
        exchange.block_on(line)??;
    }
    let ended = intake.block_on(server.ended(&sent));
    let figures = figures(&server.live.taken, &sent);
    let refused = server.live.refused().first().map(|refused| refused.why.clone());
    server.stop.cancel();
    server.live.stop();
    intake.shutdown_timeout(Duration::from_secs(10));
    let share = (cpu - own) / took;
    let frames = load.streams as f64 * took * 50.0;
    Ok(json!({
        "open_at_once": open,
        "seconds": rounded(took),
        "sound": figures,
        "refused": refused,
        "calls_all_ended": ended,
        "intake_share_of_a_core": (share * 1e3).round() / 1e3,
        "exchange_share_of_a_core": (own / took * 1e3).round() / 1e3,
        "intake_cpu_us_a_frame": rounded((cpu - own) * 1e6 / frames),
        "memory_kib_a_stream": held.map(rounded),
        "recognition": {
            "engine": "counting stand-in, no words",
            "asked": counts.asked.load(Ordering::Relaxed),
            "seconds_of_sound": counts.samples.load(Ordering::Relaxed) / 16_000,
            "sessions": counts.sessions.load(Ordering::Relaxed),
        },
    }))
}

fn figures(taken: &Taken, sent: &Sent) -> Value {
    let get = |count: &AtomicU64| count.load(Ordering::SeqCst);
    let (frames, kept, filled) = (get(&sent.frames), get(&taken.kept), get(&taken.filled));
    let kept = kept.saturating_sub(filled) / FRAME_KEPT;
    json!({
        "frames_sent": frames,
        "frames_taken": get(&taken.frames),
        "frames_kept": kept,
        "frames_lost": frames.saturating_sub(kept),
        "frames_late": get(&taken.late),
        "late_from_ms": LATE_MS,
        "sent_late_by_exchange": get(&sent.late),
        "silence_filled_ms": filled / SAMPLES_PER_MS as u64,
    })
}

/// What the exchange did.
#[derive(Default)]
struct Sent {
    frames: AtomicU64,
    late: AtomicU64,
}

struct Server {
    live: Arc<Live>,
    http: std::net::SocketAddr,
    audiosocket: std::net::SocketAddr,
    desk: Desk,
    stop: CancellationToken,
}

impl Server {
    async fn open(folder: &Path, load: Load, counts: Arc<Counts>) -> Result<Self> {
        let set = |name: &str, value: String| (name.to_owned(), value);
        let variables = [
            set("GRADUS_STORE__URL", format!("sqlite:{}", folder.join("bench.db").display())),
            set("GRADUS_STORE__RECORDINGS", folder.join("recordings").display().to_string()),
            set("GRADUS_LIVE__MAX_STREAMS", (load.streams + 8).to_string()),
        ];
        let desk = Desk::open(Config::from(None, variables.into_iter())?).await?;
        let stop = CancellationToken::new();
        let mut app = App::new(desk.clone(), stop.clone())?;
        app.live = Live::hearing_with(desk.clone(), Arc::new(Counting::new(counts)))?;
        let live = Arc::clone(&app.live);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let http = listener.local_addr()?;
        tokio::spawn(serve(listener, None, routes(app), stop.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let audiosocket = listener.local_addr()?;
        tokio::spawn(audiosocket::serve(Arc::clone(&live), listener, stop.clone()));
        let server = Self { live, http, audiosocket, desk, stop };
        server.let_in().await?;
        Ok(server)
    }

    /// Somebody whose token the exchange shows.
    async fn let_in(&self) -> Result<()> {
        let (id, created_at_ms) = (UserId("bench".into()), self.desk.clock.now().millis());
        let user = User {
            id: id.clone(),
            login: "bench".into(),
            name: "bench".into(),
            role: "supervisor".into(),
            team: None,
            password_hash: None,
            locale: "ru".into(),
            active: true,
            created_at_ms,
        };
        self.desk.store.add_user(&user).await?;
        let token_hash = digest(b"bench");
        self.desk
            .store
            .add_token(&ApiToken { token_hash, user_id: id, name: "bench".into(), created_at_ms })
            .await?;
        Ok(())
    }

    /// Begins the streams, four at a time: a call of two connections, and a call of two tracks on one socket.
    async fn dial(
        &self,
        load: Load,
        sent: &Arc<Sent>,
        gate: &Arc<Barrier>,
    ) -> Result<Vec<tokio::task::JoinHandle<Result<()>>>> {
        let sound = Arc::new(sound());
        let mut lines = Vec::new();
        for number in 0..load.streams.div_ceil(4) {
            let about = About { call: format!("bench-{number}"), ..About::default() };
            for party in [Party::Customer, Party::Agent] {
                let id = uuid::Uuid::new_v4();
                let now: Timestamp = self.desk.clock.now();
                let known = Registered { about: about.clone(), party: Some(party), at_ms: now.millis() };
                self.desk.store.set(&key(id), &known, now).await?;
                let mut socket = TcpStream::connect(self.audiosocket).await?;
                socket.set_nodelay(true)?;
                socket.write_all(&[&[0x01, 0, 16], &id.as_bytes()[..]].concat()).await?;
                lines.push(Line { way: Way::AudioSocket, number, socket });
            }
            let mut socket = TcpStream::connect(self.http).await?;
            socket.set_nodelay(true)?;
            upgrade(&mut socket, number).await?;
            lines.push(Line { way: Way::Json, number, socket });
        }
        let mut tasks = Vec::new();
        for line in lines {
            let (sent, sound, gate) = (Arc::clone(sent), Arc::clone(&sound), Arc::clone(gate));
            tasks.push(tokio::spawn(line.run(load.seconds, sent, sound, gate)));
        }
        Ok(tasks)
    }

    /// Waits until every call is ended and its recording put together; says whether they all are.
    async fn ended(&self, sent: &Sent) -> bool {
        for _ in 0..600 {
            let kept = self.live.taken.samples.load(Ordering::SeqCst) / FRAME_KEPT;
            let board = self.desk.store.board(None, 100_000).await.map_or(1, |rows| rows.len());
            if self.live.open_streams().is_empty() && board == 0 && kept >= sent.frames.load(Ordering::SeqCst)
            {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        false
    }
}

#[derive(Clone, Copy)]
enum Way {
    AudioSocket,
    Json,
}

/// A connection of the exchange.
struct Line {
    way: Way,
    number: usize,
    socket: TcpStream,
}

impl Line {
    async fn run(
        self,
        seconds: u64,
        sent: Arc<Sent>,
        sound: Arc<Vec<i16>>,
        gate: Arc<Barrier>,
    ) -> Result<()> {
        let (mut reader, mut writer) = self.socket.into_split();
        // What comes back is read, as an exchange would: silence, and answers of the socket.
        let back = tokio::spawn(async move {
            let mut buffer = [0; 1024];
            while reader.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
        });
        // Calls do not begin in step with each other.
        let offset = (self.number * 7_919) % sound.len() / FRAME_SAMPLES * FRAME_SAMPLES;
        let frames: Vec<&[i16]> = sound.chunks_exact(FRAME_SAMPLES).collect();
        let count = seconds * 50;
        let mut bytes = Vec::new();
        encode(self.way, 0, frames.get(offset / FRAME_SAMPLES).copied().unwrap_or_default(), &mut bytes);
        let each = if matches!(self.way, Way::Json) { 2 } else { 1 };
        gate.wait().await;
        let phase = Duration::from_micros((self.number as u64 * 997) % 20_000);
        let mut due = now() + phase;
        for number in 0..count {
            tokio::time::sleep_until(due).await;
            if now().duration_since(due) > OWN_LATE {
                sent.late.fetch_add(each, Ordering::Relaxed);
            }
            let place = offset / FRAME_SAMPLES + usize::try_from(number).unwrap_or(0);
            bytes.clear();
            encode(
                self.way,
                number,
                frames.get(place % frames.len()).copied().unwrap_or_default(),
                &mut bytes,
            );
            writer.write_all(&bytes).await.context("the server closed a stream")?;
            sent.frames.fetch_add(each, Ordering::Relaxed);
            due += FRAME;
        }
        writer.shutdown().await.ok();
        drop(writer);
        back.abort();
        Ok(())
    }
}

/// Writes a frame, for a socket of JSON one of each track.
fn encode(way: Way, number: u64, samples: &[i16], out: &mut Vec<u8>) {
    match way {
        // AudioSocket has no G.711: Asterisk decodes it and sends 16 bits.
        Way::AudioSocket => {
            out.extend([0x10, 1, 64]);
            out.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        }
        Way::Json => {
            let bytes: Vec<u8> = samples.iter().copied().map(mulaw).collect();
            let payload = base64::engine::general_purpose::STANDARD.encode(bytes);
            for track in ["inbound", "outbound"] {
                let text = json!({"event": "media", "streamSid": "M", "media": {"track": track,
                    "chunk": (number + 1).to_string(), "payload": payload}});
                masked(&text.to_string(), out);
            }
        }
    }
}

/// A client masks its frames; a mask of zeros leaves the text as it is.
fn masked(text: &str, out: &mut Vec<u8>) {
    out.push(0x81);
    match u8::try_from(text.len()) {
        Ok(short) if short < 126 => out.push(0x80 | short),
        _ => {
            out.push(0x80 | 126);
            out.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend(text.as_bytes());
}

async fn upgrade(socket: &mut TcpStream, number: usize) -> Result<()> {
    let ask = "GET /live/media?token=bench HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(ask.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.context("the server does not answer")?);
    }
    if !head.starts_with(b"HTTP/1.1 101") {
        bail!("no WebSocket: {}", String::from_utf8_lossy(&head));
    }
    let start = json!({"event": "start", "streamSid": "M", "start": {"streamSid": "M",
        "callSid": format!("bench-json-{number}"), "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000}}});
    let mut bytes = Vec::new();
    masked(&start.to_string(), &mut bytes);
    socket.write_all(&bytes).await?;
    Ok(())
}

fn now() -> Instant {
    Instant::now()
}

fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mulaw_is_the_inverse_of_the_decoder() {
        let format = LiveFormat { encoding: Encoding::Mulaw, rate: 16_000, channels: 1 };
        let mut decoder = LiveDecoder::new(format).unwrap();
        for sample in [0_i16, 1, -1, 100, -100, 1_000, -1_000, 12_345, -12_345, 32_000, -32_000, i16::MIN] {
            let back = decoder.decode(&[mulaw(sample)])[0][0];
            let off = (i32::from(back) - i32::from(sample)).abs();
            assert!(off <= 8 + i32::from(sample).abs() / 16, "{sample} {back}");
        }
    }

    #[test]
    fn a_few_streams_arrive_whole_and_the_figures_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let figures = streams(folder.path(), Load { streams: 8, seconds: 2 }).unwrap();
        let sound = &figures["sound"];
        assert_eq!(
            (sound["frames_sent"].as_u64(), sound["frames_lost"].as_u64()),
            (Some(800), Some(0)),
            "{figures}"
        );
        assert_eq!(
            (figures["open_at_once"].as_u64(), figures["calls_all_ended"].as_bool()),
            (Some(8), Some(true)),
            "{figures}"
        );
    }
}
