//! Calls while they last, by each way in. The exchanges are emulators written from the wire facts of `docs/live.md`; the speech
//! engine is a stand-in that hears a phrase for each loudness, so that the words are known.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use gradus::http::{routes, serve};
use gradus::live::{Live, audiosocket};
use gradus::store::{ConversationId, ConversationRow};
use gradus_speech::recognise::{Hints, RecogniseError, Recognizer, Session, Stream, StreamEvent, Word};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::desk::Desk;

/// What a loudness says: 1000 is the first phrase, 2000 the second, …
const PHRASES: [&str; 4] = [
    "здравствуйте меня зовут ольга чем могу помочь",
    "верните деньги иначе я подам на вас в суд",
    "интернет не работает второй день",
    "сейчас проверю вашу линию",
];
pub const HELLO: i16 = 1_000;
pub const COURT: i16 = 2_000;

struct Scripted;

impl Recognizer for Scripted {
    fn name(&self) -> String {
        "scripted".into()
    }

    fn session(&self, _: &Hints) -> Result<Box<dyn Session>, RecogniseError> {
        Err(RecogniseError::Engine("streams only".into()))
    }

    fn stream(&self, _: &Hints) -> Result<Box<dyn Stream>, RecogniseError> {
        Ok(Box::new(Hearing { at: 0, open: None }))
    }
}

/// A loudness that lasts is a phrase; it ends with silence.
struct Hearing {
    at: u64,
    open: Option<(u64, i16)>,
}

impl Hearing {
    fn end(&mut self, events: &mut Vec<StreamEvent>) {
        let Some((from, loud)) = self.open.take() else { return };
        let (start_ms, end_ms) = (from / 16, self.at / 16);
        let phrase = usize::try_from((i32::from(loud) + 500) / 1_000 - 1).ok().and_then(|at| PHRASES.get(at));
        if let Some(phrase) = phrase.filter(|_| end_ms - start_ms >= 200) {
            let word = Word { text: (*phrase).to_owned(), start_ms, end_ms, confidence: 1.0 };
            events.push(StreamEvent::Final(vec![word]));
        }
    }
}

impl Stream for Hearing {
    fn feed(&mut self, samples: &[i16]) -> Result<Vec<StreamEvent>, RecogniseError> {
        let mut events = Vec::new();
        for sample in samples {
            match (sample.unsigned_abs() > 500, self.open) {
                (true, None) => self.open = Some((self.at, 0)),
                (true, Some((from, loud))) => self.open = Some((from, loud.max(*sample))),
                (false, Some(_)) => self.end(&mut events),
                (false, None) => {}
            }
            self.at += 1;
        }
        Ok(events)
    }

    fn finish(&mut self) -> Result<Vec<StreamEvent>, RecogniseError> {
        let mut events = Vec::new();
        self.end(&mut events);
        Ok(events)
    }
}

/// A server that hears by script, on a port of its own; and AudioSocket on another.
pub struct Town {
    pub desk: Desk,
    pub http: SocketAddr,
    pub audiosocket: SocketAddr,
}

impl Town {
    pub async fn open(settings: &[(&str, &str)]) -> Self {
        let mut desk = Desk::open_with(settings).await;
        desk.app.live = Live::hearing_with(desk.app.desk.clone(), Arc::new(Scripted)).unwrap();
        desk.router = routes(desk.app.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, None, desk.router.clone(), desk.stop.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let audiosocket = listener.local_addr().unwrap();
        tokio::spawn(audiosocket::serve(Arc::clone(&desk.app.live), listener, desk.stop.clone()));
        Self { desk, http, audiosocket }
    }

    async fn calls(&self) -> Vec<ConversationRow> {
        let mut rows = self.desk.app.desk.store.board(None, 100).await.unwrap();
        rows.retain(|row| row.source.as_deref().is_some_and(|source| source.starts_with("live:")));
        rows
    }

    /// Waits until something is true of the only call.
    pub async fn until(&self, what: &str, is: impl Fn(&ConversationRow) -> bool) -> ConversationRow {
        for _ in 0..300 {
            if let Some(row) = self.calls().await.into_iter().find(|row| is(row)) {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never: {what}: {:?}", self.calls().await);
    }

    pub async fn over(&self, id: &ConversationId) -> ConversationRow {
        for _ in 0..300 {
            let row = self.desk.app.desk.store.conversation(id).await.unwrap().unwrap();
            if row.status == "ended" && row.recording_key.is_some() {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the call does not end: {:?}", self.desk.app.desk.store.conversation(id).await);
    }

    pub async fn words(&self, id: &ConversationId) -> Vec<(String, String)> {
        let said = self.desk.app.desk.store.utterances(id).await.unwrap();
        said.into_iter().map(|said| (said.party, said.text.unwrap_or_default())).collect()
    }

    async fn socket(&self, path: &str, protocol: Option<&str>) -> WebSocket {
        WebSocket::open(self.http, path, protocol).await
    }
}

/// Sound of a loudness, then of silence, 16 bits at a rate.
pub fn sound(loud: i16, rate: usize) -> Vec<u8> {
    let samples = std::iter::repeat_n(loud, rate * 6 / 10).chain(std::iter::repeat_n(0, rate * 4 / 10));
    samples.flat_map(i16::to_le_bytes).collect()
}

/// An Asterisk that dials AudioSocket.
pub struct Asterisk(TcpStream);

impl Asterisk {
    pub async fn dial(address: SocketAddr, id: uuid::Uuid) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(&[&[0x01, 0, 16], &id.as_bytes()[..]].concat()).await.unwrap();
        Self(socket)
    }

    pub async fn say(&mut self, kind: u8, bytes: &[u8]) {
        // 20 ms a frame as Asterisk sends them; the last may be short.
        let frame = if kind == 0x12 { 640 } else { 320 };
        for part in bytes.chunks(frame) {
            let head =
                [kind, u8::try_from(part.len() >> 8).unwrap(), u8::try_from(part.len() & 255).unwrap()];
            self.0.write_all(&[&head, part].concat()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_announced_call_by_audiosocket_is_on_the_board_with_both_parties_and_its_alert() {
    let town = Town::open(&[]).await;
    let (customer, agent) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let call = json!({"call": "c-1", "customer_tel": "8 900 111-22-33", "customer_name": "Пётр Сомов", "agent_name": "Ольга",
        "streams": [{"id": customer, "party": "customer"}, {"id": agent, "party": "agent"}]});
    assert_eq!(town.desk.ask("supervisor", "POST", "/api/v1/calls", Some(call)).await.status, 201);
    let mut one = Asterisk::dial(town.audiosocket, customer).await;
    let mut other = Asterisk::dial(town.audiosocket, agent).await;
    other.say(0x12, &sound(HELLO, 16_000)).await;
    one.say(0x10, &sound(COURT, 8_000)).await;
    let row = town.until("an alert while the call lasts", |row| row.decision.is_some()).await;
    assert_eq!((row.decision.as_deref(), row.status.as_str()), (Some("engage_now"), "live"));
    assert_eq!(
        (row.customer_name.as_deref(), row.agent_name.as_deref()),
        (Some("Пётр Сомов"), Some("Ольга"))
    );
    let streams = town.desk.ask("administrator", "GET", "/api/v1/streams", None).await.json();
    let parties: Vec<&Value> = streams["open"].as_array().unwrap().iter().map(|one| &one["party"]).collect();
    assert_eq!(parties, ["agent", "customer"]);

    // Silence comes back, so that the application of the dialplan does not end.
    let mut back = [0; 323];
    one.0.read_exact(&mut back).await.unwrap();
    assert_eq!((back[0], u16::from_be_bytes([back[1], back[2]])), (0x10, 320));

    // Asterisk ends without a word; the customer changes the rate before.
    one.say(0x12, &sound(3_000, 16_000)).await;
    drop((one, other));
    let row = town.over(&row.id).await;
    let words = town.words(&row.id).await;
    for expected in [("agent", PHRASES[0]), ("customer", PHRASES[1]), ("customer", PHRASES[2])] {
        assert!(words.contains(&(expected.0.into(), expected.1.into())), "{words:?}");
    }
    assert_eq!(words.len(), 3, "{words:?}");
    let wav =
        town.desk.app.desk.recordings.get(row.recording_key.as_deref().unwrap()).await.unwrap().unwrap();
    let recording = gradus_speech::decode_bytes("a.wav", wav.to_vec(), &Default::default()).unwrap();
    assert_eq!(recording.channels.len(), 2);
    assert!((1_900..2_300).contains(&recording.duration_ms), "{}", recording.duration_ms);
    let sound: Value = serde_json::from_str(row.sound.as_deref().unwrap()).unwrap();
    assert_eq!((sound["mono"].as_bool(), sound["waveform"].as_array().map(Vec::len)), (Some(false), Some(2)));
    assert!(town.calls().await.is_empty());
    let left: Vec<_> =
        std::fs::read_dir(town.desk.app.desk.config.store.recordings.join("live")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn streams_that_are_not_taken_are_seen_with_their_reason() {
    let town = Town::open(&[
        ("GRADUS_LIVE__UNREGISTERED", "false"),
        ("GRADUS_LIVE__WAIT_MS", "0"),
        ("GRADUS_LIVE__MAX_STREAMS", "0"),
    ])
    .await;
    let nobody = uuid::Uuid::new_v4();
    Asterisk::dial(town.audiosocket, nobody).await;
    let mut strange = TcpStream::connect(town.audiosocket).await.unwrap();
    strange.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let announced = uuid::Uuid::new_v4();
    let call = json!({"call": "c", "streams": [{"id": announced, "party": "mixed"}]});
    assert_eq!(town.desk.ask("supervisor", "POST", "/api/v1/calls", Some(call)).await.status, 201);
    Asterisk::dial(town.audiosocket, announced).await;
    let refused = WebSocket::refused(town.http, "/live/fork?token=wrong").await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    let mut seen = Value::Null;
    for _ in 0..100 {
        seen = town.desk.ask("administrator", "GET", "/api/v1/streams", None).await.json();
        if seen["refused"].as_array().is_some_and(|refused| refused.len() == 4) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let seen = seen.to_string();
    for words in
        [&format!("stream {nobody} is not registered"), "no AudioSocket", "live.max_streams", "no token"]
    {
        assert!(seen.contains(words), "{words}: {seen}");
    }
    for wrong in [
        json!({"call": "", "streams": [{"id": nobody, "party": "agent"}]}),
        json!({"call": "c", "streams": []}),
        json!({"call": "c", "streams": [{"id": nobody, "party": "robot"}]}),
        json!({"call": "c", "customer_tel": "дом", "streams": [{"id": nobody, "party": "agent"}]}),
    ] {
        assert_eq!(town.desk.ask("supervisor", "POST", "/api/v1/calls", Some(wrong)).await.status, 422);
    }
    assert!(town.desk.ask("", "GET", "/metrics", None).await.body.contains("gradus_live_sound_refused 4"));
}

#[tokio::test]
async fn json_media_streams_bring_both_tracks_of_a_call_in_any_order() {
    let town = Town::open(&[]).await;
    let mut socket = town.socket("/live/media?token=token-supervisor", None).await;
    socket.text(&json!({"event": "connected", "protocol": "Call"})).await;
    let start = json!({"event": "start", "streamSid": "M1", "start": {"streamSid": "M1", "callSid": "CA7",
        "customParameters": {"customer_tel": "+79001112233"}, "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000}}});
    socket.text(&start).await;
    let frames = |loud: i16, track: &str| -> Vec<Value> {
        let bytes: Vec<u8> =
            sound(loud, 8_000).as_chunks::<2>().0.iter().map(|s| mulaw(i16::from_le_bytes(*s))).collect();
        let payload = |part: &[u8]| base64::engine::general_purpose::STANDARD.encode(part);
        (1..)
            .zip(bytes.chunks(160))
            .map(|(chunk, part)| {
                json!({"event": "media", "streamSid": "M1",
                    "media": {"track": track, "chunk": format!("{chunk}"), "payload": payload(part)}})
            })
            .collect()
    };
    let (mut inbound, outbound) = (frames(COURT, "inbound"), frames(HELLO, "outbound"));
    for pair in inbound.chunks_mut(2) {
        pair.reverse();
    }
    // The first frame tells where the order begins.
    inbound.swap(0, 1);
    for (one, other) in inbound.iter().zip(&outbound) {
        socket.text(one).await;
        socket.text(other).await;
    }
    let row = town.until("the threat of the inbound track", |row| row.decision.is_some()).await;
    socket.text(&json!({"event": "stop", "streamSid": "M1"})).await;
    let row = town.over(&row.id).await;
    let sound: Value = serde_json::from_str(row.sound.as_deref().unwrap()).unwrap();
    assert_eq!(sound["duration_ms"], 1_000, "no frame is cut");
    let mut words = town.words(&row.id).await;
    words.sort();
    assert_eq!(words, [("agent".into(), PHRASES[0].into()), ("customer".into(), PHRASES[1].to_owned())]);
}

#[tokio::test]
async fn freeswitch_brings_two_channels_after_a_text_and_asterisk_its_variables() {
    let town = Town::open(&[]).await;
    let path = "/live/fork?token=token-supervisor&rate=16000&layout=stereo&call=f-1";
    let mut socket = town.socket(path, Some("audio.drachtio.org")).await;
    socket.text(&json!({"customer_name": "Анна"})).await;
    let (left, right) = (sound(COURT, 16_000), sound(HELLO, 16_000));
    let both: Vec<u8> = left
        .as_chunks::<2>()
        .0
        .iter()
        .zip(right.as_chunks::<2>().0)
        .flat_map(|(a, b)| [*a, *b].concat())
        .collect();
    for part in both.chunks(1_280) {
        socket.binary(part).await;
    }
    let row = town.until("the threat on the first channel", |row| row.decision.is_some()).await;
    assert_eq!(
        row.customer_name.as_deref().or(row.subject.as_deref()),
        None,
        "a name without a number is nobody known"
    );

    let mut leg = town.socket("/live/asterisk?token=token-supervisor", Some("media")).await;
    leg.text(&json!({"event": "MEDIA_START", "format": "slin16", "channel_variables": {"ROLE": "customer", "CALLREF": "a-1"}})).await;
    for part in sound(3_000, 16_000).chunks(640) {
        leg.binary(part).await;
    }
    let other = town.until("the words of the leg", |other| other.id != row.id && other.utterances > 0).await;
    drop((socket, leg));
    assert_eq!(town.over(&row.id).await.utterances, 2);
    town.over(&other.id).await;
    let words = town.words(&other.id).await;
    assert_eq!(words, [("customer".to_owned(), PHRASES[2].to_owned())]);
}

#[tokio::test]
async fn a_call_that_a_stop_of_the_server_broke_off_says_what_is_missing() {
    let town = Town::open(&[]).await;
    let mut one = Asterisk::dial(town.audiosocket, uuid::Uuid::new_v4()).await;
    one.say(0x10, &sound(COURT, 8_000)).await;
    let row = town.until("words", |row| row.utterances > 0).await;
    // The next server knows only what is on disk.
    let next = Live::hearing_with(town.desk.app.desk.clone(), Arc::new(Scripted)).unwrap();
    assert_eq!(next.end_broken_off().await.unwrap(), 1);
    let row = town.desk.app.desk.store.conversation(&row.id).await.unwrap().unwrap();
    assert_eq!((row.status.as_str(), row.utterances), ("ended", 1));
    assert!(row.note.unwrap().contains("не приняты"));
    assert_eq!(next.end_broken_off().await.unwrap(), 0, "only once");
}

/// ITU-T G.711: the byte of a value, by search through the table of the decoder's values.
fn mulaw(value: i16) -> u8 {
    let decode = |byte: u8| {
        let byte = !byte;
        let magnitude = (((i32::from(byte & 0x0F) << 3) + 0x84) << ((byte >> 4) & 7)) - 0x84;
        if byte & 0x80 == 0 { magnitude } else { -magnitude }
    };
    (0..=255_u8).min_by_key(|byte| (decode(*byte) - i32::from(value)).abs()).unwrap()
}

/// A client of WebSocket that says only what the tests need.
pub struct WebSocket(TcpStream);

impl WebSocket {
    async fn ask(address: SocketAddr, path: &str, protocol: Option<&str>) -> (TcpStream, String) {
        let protocol = protocol.map(|name| format!("sec-websocket-protocol: {name}\r\n")).unwrap_or_default();
        Self::ask_with(address, path, &protocol).await
    }

    /// Asks with lines of the head; returns the socket and the head of the answer.
    pub async fn ask_with(address: SocketAddr, path: &str, protocol: &str) -> (TcpStream, String) {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}\r\n"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(socket.read_u8().await.unwrap());
        }
        (socket, String::from_utf8(answer).unwrap())
    }

    async fn open(address: SocketAddr, path: &str, protocol: Option<&str>) -> Self {
        let (socket, answer) = Self::ask(address, path, protocol).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        if let Some(protocol) = protocol {
            assert!(answer.contains(protocol), "{answer}");
        }
        Self(socket)
    }

    /// Opens with lines of the head.
    pub async fn open_with(address: SocketAddr, path: &str, head: &str) -> Self {
        let (socket, answer) = Self::ask_with(address, path, head).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        Self(socket)
    }

    /// Returns the kind of the next frame of the server and what is in it; kind 8 when it has hung up.
    pub async fn hear(&mut self) -> (u8, Vec<u8>) {
        let Ok(kind) = self.0.read_u8().await else { return (8, Vec::new()) };
        let length = match self.0.read_u8().await.unwrap() {
            126 => usize::from(self.0.read_u16().await.unwrap()),
            127 => usize::try_from(self.0.read_u64().await.unwrap()).unwrap(),
            short => usize::from(short),
        };
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).await.unwrap();
        (kind & 15, bytes)
    }

    /// Answers a ping; the server may have hung up meanwhile.
    pub async fn answer(&mut self, ping: &[u8]) {
        let length = u8::try_from(ping.len()).unwrap();
        let _ = self.0.write_all(&[&[0x8A, 0x80 | length, 0, 0, 0, 0], ping].concat()).await;
    }

    async fn refused(address: SocketAddr, path: &str) -> String {
        Self::ask(address, path, None).await.1
    }

    async fn send(&mut self, kind: u8, bytes: &[u8]) {
        let mut frame = vec![0x80 | kind];
        match u8::try_from(bytes.len()) {
            Ok(length) if length < 126 => frame.push(0x80 | length),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
            }
        }
        // A mask of zeros leaves the bytes as they are.
        frame.extend([0; 4]);
        frame.extend(bytes);
        self.0.write_all(&frame).await.unwrap();
    }

    async fn text(&mut self, message: &Value) {
        self.send(1, message.to_string().as_bytes()).await;
    }

    async fn binary(&mut self, bytes: &[u8]) {
        self.send(2, bytes).await;
    }
}
