//! Recordings on their way to conversations: watched folders, uploads of an exchange, what fails, what a crash leaves. The
//! speech engine is a stand-in that tells the parties apart by their loudness, so that the words are known.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use gradus::clock::Clock;
use gradus::queue::Queue;
use gradus::queue::source::Still;
use gradus::store::{ConversationRow, QueuedRecording};
use gradus_engine::time::{Millis, Timestamp};
use gradus_speech::SAMPLES_PER_MS;
use gradus_speech::recognise::{Heard, Hints, RecogniseError, Recognizer, Session, Word};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::desk::{Answer, Desk, NOON};

const COURT: &str = "верните деньги иначе я подам на вас в суд";

/// The louder party says the first, the other the second; or the engine fails.
struct Scripted {
    fails: bool,
}

impl Recognizer for Scripted {
    fn name(&self) -> String {
        "scripted".into()
    }

    fn session(&self, _: &Hints) -> Result<Box<dyn Session>, RecogniseError> {
        Ok(Box::new(Self { fails: self.fails }))
    }
}

impl Session for Scripted {
    fn recognise(&mut self, samples: &[f32]) -> Result<Heard, RecogniseError> {
        if self.fails {
            return Err(RecogniseError::Engine("no memory".into()));
        }
        let loud = samples.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
        let text = if loud > 0.2 { COURT } else { "здравствуйте меня зовут ольга" };
        let end_ms = (samples.len() / SAMPLES_PER_MS) as u64;
        let word = Word { text: text.into(), start_ms: 0, end_ms, confidence: 1.0 };
        Ok(Heard { words: vec![word], refused: None })
    }
}

/// A recording of two channels, the agent's first and quiet, the customer's later and loud; `seed` makes it another file.
fn recording(seed: u8) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../speech/tests/fixtures/voice.opus");
    let voice = gradus_speech::decode(&path, &gradus_speech::decode::DecodeOptions::default()).unwrap();
    let voice = &voice.channels[0];
    let peak = f32::from(voice.iter().map(|sample| sample.unsigned_abs()).max().unwrap());
    let late = 5_000 * SAMPLES_PER_MS;
    let scaled = |sample: i16, to: f32| (f32::from(sample) * to / peak) as i16;
    let mut data = Vec::new();
    for at in 0..voice.len() + late {
        let agent = voice.get(at).map_or(0, |sample| scaled(*sample, 3_000.0));
        let customer = at.checked_sub(late).map_or(0, |at| scaled(voice[at], 16_000.0));
        data.extend(agent.to_le_bytes());
        data.extend(customer.to_le_bytes());
    }
    data.extend([seed, 0, seed, 0]);
    let length = u32::try_from(data.len()).unwrap();
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((length + 36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    file.extend(16_000_u32.to_le_bytes());
    file.extend(64_000_u32.to_le_bytes());
    file.extend(b"\x04\0\x10\0data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    file
}

/// A server with a watched folder.
struct Shop {
    desk: Desk,
    folder: tempfile::TempDir,
    still: Vec<Still>,
    engine: Option<Arc<dyn Recognizer>>,
}

impl Shop {
    async fn open(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let folders = json!([folder.path()]).to_string();
        let watched = [("GRADUS_RECORDINGS__FOLDERS", folders.as_str())];
        let desk = Desk::open_with(&[&watched, settings].concat()).await;
        let still = vec![Still::default(), Still::default()];
        Self { desk, folder, still, engine: Some(Arc::new(Scripted { fails: false })) }
    }

    fn queue(&self) -> Queue {
        self.desk.app.inbox.queue().clone()
    }

    fn puts(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    async fn looks(&mut self) {
        self.queue().look(&self.desk.app.desk, &mut self.still).await;
    }

    /// Looks twice, so that what lies still is taken.
    async fn finds(&mut self) {
        self.looks().await;
        self.desk.clock.advance(Millis::seconds(31));
        self.looks().await;
    }

    /// Works on one recording; says whether there was one.
    async fn works(&mut self) -> bool {
        let stop = CancellationToken::new();
        self.queue().one(&self.desk.app.desk, &mut self.engine, &stop).await.unwrap()
    }

    async fn rows(&self) -> Vec<QueuedRecording> {
        let long_ago = Timestamp::from_millis(0);
        self.desk.app.desk.store.queued_recordings(long_ago, 100).await.unwrap()
    }

    async fn talk(&self, row: &QueuedRecording) -> ConversationRow {
        let id = row.conversation_id.as_ref().unwrap();
        self.desk.app.desk.store.conversation(id).await.unwrap().unwrap()
    }

    /// Sends a form of an exchange: fields, then a file.
    async fn uploads(&self, fields: &[(&str, &str)], name: &str, file: &[u8]) -> Answer {
        let mut body = Vec::new();
        for (field, value) in fields {
            body.extend(
                format!("--B\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n").bytes(),
            );
        }
        let head =
            format!("--B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend(head.bytes());
        body.extend(file);
        body.extend(b"\r\n--B--\r\n");
        let request = Request::builder()
            .method("POST")
            .uri("/api/v1/recordings")
            .header(header::AUTHORIZATION, "Bearer token-supervisor")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=B")
            .body(Body::from(body));
        self.desk.send(request.unwrap()).await
    }

    async fn list(&self) -> Value {
        self.desk.ask("administrator", "GET", "/api/v1/recordings", None).await.json()
    }

    async fn changes(&self, id: &str, change: Value) -> u16 {
        let path = format!("/api/v1/recordings/{id}");
        self.desk.ask("administrator", "POST", &path, Some(change)).await.status
    }
}

#[tokio::test]
async fn a_recording_in_a_watched_folder_becomes_a_conversation_with_its_alert_once_it_stands_still() {
    let mut shop =
        Shop::open(&[("GRADUS_RECORDINGS__NAMES", "{direction}-{customer}-{agent}-{start}")]).await;
    let whole = recording(1);
    let name = "in-89001112233-Ольга Нечаева-20261124-113000.wav";
    shop.puts(name, &whole[..whole.len() / 2]);
    shop.looks().await;
    shop.desk.clock.advance(Millis::seconds(20));
    shop.puts(name, &whole);
    shop.looks().await;
    shop.desk.clock.advance(Millis::seconds(20));
    shop.looks().await;
    assert!(shop.rows().await.is_empty(), "it grew 20 s ago");
    shop.desk.clock.advance(Millis::seconds(11));
    shop.looks().await;
    let list = shop.list().await;
    assert_eq!(
        (&list["recordings"][0]["state"], &list["figures"]["seconds_left"]),
        (&json!("waiting"), &Value::Null)
    );

    assert!(shop.works().await);
    assert!(!shop.works().await, "nothing else waits");
    let row = shop.rows().await.remove(0);
    assert_eq!((row.state.as_str(), row.progress, row.reason.as_deref()), ("done", 1_000, None));
    let talk = shop.talk(&row).await;
    assert_eq!(talk.agent_name.as_deref(), Some("Ольга Нечаева"));
    assert_eq!(talk.started_at_ms, NOON - 30 * 60_000);
    assert_eq!(talk.decision.as_deref(), Some("engage_now"));
    assert!(talk.case_id.is_some() && talk.recording_key.is_some());
    let said = shop.desk.app.desk.store.utterances(&talk.id).await.unwrap();
    let parties: Vec<&str> = said.iter().map(|said| said.party.as_str()).collect();
    assert_eq!(parties, ["agent", "customer"]);

    // The file stays where it is, and is not taken again.
    shop.finds().await;
    assert!(!shop.works().await);
    assert_eq!(shop.rows().await.len(), 1);
    assert!(shop.folder.path().join(name).exists());
}

#[tokio::test]
async fn json_beside_a_recording_says_more_than_its_name() {
    let mut shop = Shop::open(&[("GRADUS_RECORDINGS__NAMES", "{customer}_{agent}")]).await;
    shop.puts("89001112233_Ольга.wav", recording(2));
    shop.puts(
        "89001112233_Ольга.json",
        r#"{"agent_name": "Вера Лис", "customer_name": "Пётр Сомов", "queue": 401, "direction": "out",
            "started_at": "2026-11-24 11:45:00", "team": "Линия 1", "linkedid": "1793697930.1"}"#,
    );
    shop.finds().await;
    assert!(shop.works().await);
    let talk = shop.talk(&shop.rows().await[0]).await;
    assert_eq!(talk.agent_name.as_deref(), Some("Вера Лис"));
    assert_eq!(talk.customer_name.as_deref(), Some("Пётр Сомов"));
    assert_eq!((talk.subject.as_deref(), talk.team.as_deref()), (Some("401, исходящий"), Some("Линия 1")));
    assert_eq!(talk.started_at_ms, NOON - 15 * 60_000);
    let note = talk.note.unwrap_or_default();
    assert!(!note.contains("last written"), "the start is known: {note}");
}

#[tokio::test]
async fn an_exchange_uploads_a_recording_with_what_it_knows_and_the_same_one_changes_nothing() {
    let mut shop = Shop::open(&[]).await;
    let fields = [
        ("about", r#"{"agent_name": "Кто-то", "queue": "Касса"}"#),
        ("customer_tel", "anonymous"),
        ("agent_name", "Ольга Нечаева"),
        ("started_at", "2026-11-24T11:58:00+03:00"),
        ("uniqueid", "1793697930.1"),
        ("priority", "9"),
    ];
    let file = recording(3);
    let sent = shop.uploads(&fields, "q.wav", &file).await;
    assert_eq!(sent.status, 201, "{}", sent.body);
    let row = shop.rows().await.remove(0);
    assert_eq!((sent.json()["recording"].as_str(), row.priority), (Some(row.id.as_str()), 9));
    assert!(shop.works().await);
    let talk = shop.talk(&shop.rows().await[0]).await;
    assert_eq!(talk.agent_name.as_deref(), Some("Ольга Нечаева"));
    assert_eq!((talk.subject.as_deref(), talk.started_at_ms), (Some("Касса"), NOON - 2 * 60_000));
    let again = shop.uploads(&fields, "other-name.wav", &file).await;
    assert_eq!((again.status, again.json()["conversations"][0].as_str()), (200, Some(talk.id.as_str())));
    let inbox = gradus::inbox::folder(&shop.desk.app.desk.config);
    assert_eq!(std::fs::read_dir(inbox).unwrap().count(), 0, "the upload is a conversation now");

    for (fields, file, says) in [
        (vec![("started_at", "вчера")], file.as_slice(), "вчера"),
        (vec![("priority", "срочно")], &file, "priority"),
        (vec![("about", "{")], &file, "about"),
        (vec![("queue", "a"), ("queue", "b")], &file, "twice"),
        (vec![], b"no sound".as_slice(), "no recording"),
    ] {
        let refused = shop.uploads(&fields, "r.wav", file).await;
        assert!(refused.status == 422 && refused.body.contains(says), "{says}: {}", refused.body);
    }
}

#[tokio::test]
async fn a_recording_whose_worker_died_is_taken_again_and_one_that_takes_the_server_down_is_given_up() {
    let mut shop = Shop::open(&[("GRADUS_RECORDINGS__ATTEMPTS", "2")]).await;
    shop.puts("a.wav", recording(4));
    shop.finds().await;
    let store = Arc::clone(&shop.desk.app.desk.store);
    // The worker takes it and dies.
    let now = shop.desk.clock.now();
    let claimed = store.claim_recording(now, now.plus(Millis::seconds(60))).await.unwrap().unwrap();
    assert!(!shop.works().await, "somebody may still be at it");
    shop.desk.clock.advance(Millis::seconds(61));
    assert!(shop.works().await);
    let row = shop.rows().await.remove(0);
    assert_eq!((row.state.as_str(), row.attempts, &row.id), ("done", 2, &claimed.id));

    shop.puts("b.wav", recording(5));
    shop.finds().await;
    for _ in 0..2 {
        let now = shop.desk.clock.now();
        assert!(store.claim_recording(now, now.plus(Millis::seconds(60))).await.unwrap().is_some());
        shop.desk.clock.advance(Millis::seconds(61));
    }
    assert!(shop.works().await);
    let row = shop.rows().await.into_iter().find(|row| row.place == "b.wav").unwrap();
    assert_eq!(row.state, "failed");
    assert!(row.reason.unwrap().contains("ended with the server"));
}

#[tokio::test]
async fn what_fails_is_tried_again_then_shown_with_its_reason_and_a_person_decides() {
    let mut shop = Shop::open(&[("GRADUS_RECORDINGS__ATTEMPTS", "2")]).await;
    shop.engine = Some(Arc::new(Scripted { fails: true }));
    shop.puts("a.wav", recording(6));
    shop.puts("битый.wav", b"RIFF\x10\0\0\0WAVEnonsense");
    shop.finds().await;
    assert!(shop.works().await && shop.works().await);
    assert!(!shop.works().await, "the second attempt has to wait");
    let page = shop.desk.page("administrator", "/recordings").await.body;
    assert!(page.contains("повторим в") && page.contains("no memory"), "{page}");
    shop.desk.clock.advance(Millis::minutes(11));
    assert!(shop.works().await && shop.works().await);
    shop.desk.clock.advance(Millis::minutes(11));
    assert!(!shop.works().await, "given up");
    let list = shop.list().await;
    let failed: Vec<&Value> = list["recordings"].as_array().unwrap().iter().collect();
    assert!(failed.iter().all(|row| row["state"] == "failed" && row["attempts"] == 2), "{failed:?}");
    let reason =
        failed.iter().find_map(|row| row["reason"].as_str().filter(|why| why.contains("битый"))).unwrap();
    assert!(!reason.contains("tmp"), "the name that people know: {reason}");
    let metrics = shop.desk.ask("", "GET", "/metrics", None).await.body;
    assert!(metrics.contains("gradus_recordings{state=\"failed\"} 2"), "{metrics}");

    let of = |place: &str| {
        failed.iter().find(|row| row["place"] == place).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (sound, broken) = (of("a.wav"), of("битый.wav"));
    assert_eq!(shop.changes(&broken, json!({"action": "drop"})).await, 200);
    assert_eq!(shop.changes(&broken, json!({"action": "drop"})).await, 409);
    assert_eq!(shop.changes("нет", json!({"action": "again"})).await, 404);
    assert_eq!(shop.changes(&sound, json!({"action": "explode"})).await, 422);
    shop.engine = Some(Arc::new(Scripted { fails: false }));
    let pressed = shop.desk.submit("administrator", "/recordings/again", "state=failed").await;
    assert_eq!((pressed.status, pressed.header("location")), (303, "/recordings?state=failed"));
    assert!(shop.works().await && !shop.works().await);
    let states: Vec<(String, String)> =
        shop.rows().await.into_iter().map(|row| (row.place, row.state)).collect();
    assert!(states.contains(&("a.wav".into(), "done".into())), "{states:?}");
    assert!(states.contains(&("битый.wav".into(), "dropped".into())), "{states:?}");
    assert!(shop.desk.submit("supervisor", "/recordings/again", "").await.status == 403);
}

#[tokio::test]
async fn what_a_person_puts_first_is_taken_first_and_the_time_left_follows_from_the_pace() {
    let mut shop = Shop::open(&[]).await;
    for (at, name) in (10..).zip(["a.wav", "b.wav", "c.wav"]) {
        shop.puts(name, recording(at));
    }
    shop.finds().await;
    let last = shop.rows().await.into_iter().find(|row| row.place == "c.wav").unwrap();
    let pressed =
        shop.desk.submit("administrator", &format!("/recordings/{}", last.id), "action=first").await;
    assert_eq!(pressed.status, 303, "{}", pressed.body);
    let now = shop.desk.clock.now();
    let store = &shop.desk.app.desk.store;
    let first = store.claim_recording(now, now.plus(Millis::seconds(60))).await.unwrap().unwrap();
    assert_eq!(first.place, "c.wav");
    store.recording_done(&first.id, None, now.plus(Millis::seconds(40))).await.unwrap();
    let figures = &shop.list().await["figures"];
    let left = figures["seconds_left"].as_u64().unwrap();
    assert!((79..=80).contains(&left), "two more of about the size that took 40 s: {figures}");
    let page = shop.desk.page("administrator", "/recordings").await.body;
    assert!(page.contains("1\u{a0}мин"), "{page}");
}

#[tokio::test]
async fn without_a_model_recordings_wait_and_the_page_says_why() {
    let mut shop = Shop::open(&[("GRADUS_SPEECH__MODELS", "/nowhere")]).await;
    shop.engine = None;
    shop.puts("a.wav", recording(7));
    shop.finds().await;
    assert!(!shop.works().await);
    let row = shop.rows().await.remove(0);
    assert_eq!((row.state.as_str(), row.attempts), ("waiting", 0), "the recording is not to blame");
    assert!(shop.desk.page("administrator", "/recordings").await.body.contains("распознавать нечем"));
    assert!(shop.list().await["figures"]["missing"].as_str().is_some_and(|why| !why.is_empty()));
}
