//! Listening in to a call while it lasts: what is heard, who may, and that a slow listener holds nothing up.

use std::time::Duration;

use gradus::store::AuditRow;
use serde_json::{Value, json};

use crate::live::{Asterisk, COURT, HELLO, Town, WebSocket, sound};

const WHO: &str = "authorization: Bearer token-supervisor\r\n";

/// A call of which both parties are connected, and that has begun.
struct Call {
    town: Town,
    id: gradus::store::ConversationId,
    /// The customer's and the agent's.
    lines: Vec<Asterisk>,
}

impl Call {
    async fn begin(team: Option<&str>) -> Self {
        let town = Town::open(&[]).await;
        let (one, other) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        let call = json!({"call": "c-1", "customer_name": "Пётр", "team": team,
            "streams": [{"id": one, "party": "customer"}, {"id": other, "party": "agent"}]});
        assert_eq!(town.desk.ask("supervisor", "POST", "/api/v1/calls", Some(call)).await.status, 201);
        let mut customer = Asterisk::dial(town.audiosocket, one).await;
        let agent = Asterisk::dial(town.audiosocket, other).await;
        customer.say(0x12, &sound(0, 16_000)).await;
        let id = town.until("the call", |_| true).await.id;
        // Both streams are open when their lines are listed.
        for _ in 0..300 {
            let open = town.desk.ask("administrator", "GET", "/api/v1/streams", None).await.json();
            if open["open"].as_array().is_some_and(|open| open.len() == 2) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { town, id, lines: vec![customer, agent] }
    }

    fn path(&self) -> String {
        format!("/api/v1/conversations/{}/listen", self.id)
    }

    async fn listen(&self) -> Ear {
        let mut socket = WebSocket::open_with(self.town.http, &self.path(), WHO).await;
        let (kind, first) = socket.hear().await;
        assert_eq!((kind, first.as_slice()), (1, &br#"{"rate":16000}"#[..]));
        Ear { socket, heard: [Vec::new(), Vec::new(), Vec::new()], said: Vec::new(), asked: Vec::new() }
    }

    async fn audit(&self) -> Vec<AuditRow> {
        let mut rows = self.town.desk.app.desk.store.audit_before(i64::MAX, 100).await.unwrap();
        rows.retain(|row| row.action.starts_with("call."));
        rows
    }

    /// Waits until the end of a listening is written down.
    async fn listened(&self) -> AuditRow {
        for _ in 0..300 {
            if let Some(row) = self.audit().await.into_iter().find(|row| row.action == "call.listened") {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the end of the listening is not written down");
    }
}

/// A listener and what they heard, by party.
struct Ear {
    socket: WebSocket,
    heard: [Vec<i16>; 3],
    said: Vec<Value>,
    asked: Vec<Vec<u8>>,
}

impl Ear {
    /// Hears one frame; says whether there was one. Pings are answered where `answers`.
    async fn hears(&mut self, answers: bool) -> bool {
        let next = tokio::time::timeout(Duration::from_secs(20), self.socket.hear()).await;
        let (kind, bytes) = next.unwrap();
        match kind {
            1 => self.said.push(serde_json::from_slice(&bytes).unwrap()),
            2 => {
                let samples = bytes[1..].as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample));
                self.heard[usize::from(bytes[0])].extend(samples);
            }
            9 if answers => self.socket.answer(&bytes).await,
            9 => self.asked.push(bytes),
            _ => return false,
        }
        true
    }

    fn missed_ms(&self) -> u64 {
        self.said.iter().filter_map(|said| said["missed_ms"].as_u64()).sum()
    }

    async fn until(&mut self, is: impl Fn(&Self) -> bool) {
        while !is(self) {
            assert!(self.hears(true).await, "hung up: {:?}", self.said);
        }
    }
}

#[tokio::test]
async fn a_supervisor_hears_both_parties_while_the_call_lasts_and_it_is_written_down() {
    let mut call = Call::begin(None).await;
    let mut ear = call.listen().await;
    call.lines[0].say(0x12, &sound(COURT, 16_000)).await;
    call.lines[1].say(0x12, &sound(HELLO, 16_000)).await;
    ear.until(|ear| ear.heard[1].len() >= 16_000 && ear.heard[2].len() >= 16_000).await;
    assert!(ear.heard[0].is_empty());
    let loudest = |samples: &[i16]| samples.iter().copied().max().unwrap();
    assert_eq!(
        (loudest(&ear.heard[1]), loudest(&ear.heard[2])),
        (COURT, HELLO),
        "as it came, party by party"
    );
    let began = call.audit().await;
    let object = format!("conversation:{}", call.id);
    assert_eq!(began.len(), 1);
    assert_eq!((began[0].actor.as_str(), &began[0].object), ("user-supervisor", &object));
    let metrics = call.town.desk.ask("", "GET", "/metrics", None).await.body;
    assert!(metrics.contains("gradus_live_listeners 1"), "{metrics}");

    call.lines.clear();
    ear.until(|ear| ear.said.contains(&json!({"over": true}))).await;
    call.town.over(&call.id).await;
    let ended = call.listened().await;
    assert!(ended.detail.contains("heard 2000 ms, missed 0 ms"), "{}", ended.detail);
    let (_, answer) = WebSocket::ask_with(call.town.http, &call.path(), WHO).await;
    assert!(answer.starts_with("HTTP/1.1 409"), "the call is over: {answer}");
}

#[tokio::test]
async fn who_may_not_does_not_hear() {
    let call = Call::begin(Some("north")).await;
    call.town.desk.add_person("south", "supervisor", Some("south")).await;
    let answer = async |head: &str| {
        let (_, answer) = WebSocket::ask_with(call.town.http, &call.path(), head).await;
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    for role in ["agent", "conflict_specialist", "department"] {
        assert_eq!(answer(&format!("authorization: Bearer token-{role}\r\n")).await, "403", "{role}");
    }
    assert_eq!(answer("authorization: Bearer token-south\r\n").await, "404", "another team");
    assert_eq!(answer("").await, "401");
    // A browser sends the cookie from every site.
    let cookie = "cookie: gradus=session-supervisor\r\n";
    assert_eq!(answer(&format!("{cookie}origin: https://elsewhere.example\r\n")).await, "403");
    assert_eq!(answer(&format!("{cookie}origin: http://localhost\r\n")).await, "101");
    let plain = call.town.desk.ask("coach", "GET", &call.path(), None).await;
    assert_eq!(plain.status, 422, "{}", plain.body);
    for (who, sees) in [("supervisor", true), ("coach", true), ("agent", false)] {
        let page = call.town.desk.page(who, &format!("/conversations/{}", call.id)).await.body;
        assert_eq!(page.contains("data-listen"), sees, "{who}");
        let board = call.town.desk.page(who, "/").await.body;
        assert_eq!(board.contains("<listen-in"), sees, "{who}");
    }
}

#[tokio::test]
async fn a_listener_who_is_too_slow_misses_sound_is_told_so_and_holds_nothing_up() {
    let mut call = Call::begin(None).await;
    let mut ear = call.listen().await;
    for _ in 0..30 {
        call.lines[0].say(0x12, &sound(COURT, 16_000)).await;
    }
    // Nobody answers a ping, and yet every phrase of the call is heard by the desk.
    let row = call.town.until("all words", |row| row.utterances == 30).await;
    assert_eq!(row.status, "live");
    let (_, sum) = (ear.hears(false).await, &call.town.desk.app.live.taken);
    let kept = sum.samples.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(kept, 31 * 16_000);
    while ear.asked.len() < 5 {
        assert!(ear.hears(false).await);
    }
    let heard = ear.heard[1].len();
    assert!((15_000..=16_400).contains(&heard), "a second is under way, no more: {heard}");
    let last = ear.asked.pop().unwrap();
    ear.socket.answer(&last).await;
    // The answer may be read after the next frames: so much is said that one of them comes after it.
    for _ in 0..50 {
        call.lines[0].say(0x12, &sound(HELLO, 16_000)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        if ear.missed_ms() >= 20_000 {
            break;
        }
        let next = tokio::time::timeout(Duration::from_millis(100), ear.hears(true)).await;
        assert!(next.unwrap_or(true));
    }
    assert!(ear.missed_ms() >= 20_000, "of thirty seconds one was heard: {:?}", ear.said);
}

#[tokio::test]
async fn who_is_blocked_hears_no_more() {
    let mut call = Call::begin(None).await;
    let mut ear = call.listen().await;
    let blocked =
        call.town.desk.submit("administrator", "/users/user-supervisor/active", "active=false").await;
    assert_eq!(blocked.status, 303);
    let mut hung_up = false;
    for _ in 0..12 {
        call.lines[0].say(0x12, &sound(COURT, 16_000)).await;
        while let Ok(more) = tokio::time::timeout(Duration::from_millis(300), ear.hears(true)).await {
            hung_up = !more;
            if hung_up {
                break;
            }
        }
        if hung_up {
            break;
        }
    }
    assert!(hung_up && ear.heard[1].len() < 7 * 16_000, "{} samples", ear.heard[1].len());
}
