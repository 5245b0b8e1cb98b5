//! The world outside on loopback: a receiver of HTTP that also emulates the Bot API of Telegram, and a mail server. Both
//! keep what they were told and can be made to refuse or to hang.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// How something outside behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Well,
    /// Accepts and never answers.
    Hangs,
    /// Takes the message and never says so.
    Forgets,
    /// Answers with this status, or refuses the recipient with this code.
    Refuses(u16),
}

/// What one receiver was told and how it behaves.
#[derive(Default)]
pub struct Told<T> {
    mood: Mutex<Mood>,
    heard: Mutex<Vec<T>>,
    news: Notify,
}

impl<T: Clone> Told<T> {
    pub fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }

    fn hear(&self, what: T) {
        self.heard.lock().unwrap().push(what);
        self.news.notify_waiters();
    }

    pub fn heard(&self) -> Vec<T> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until so many were heard.
    pub async fn wait_for(&self, count: usize) -> Vec<T> {
        let waiting = async {
            loop {
                let news = self.news.notified();
                let heard = self.heard();
                if heard.len() >= count {
                    return heard;
                }
                news.await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.unwrap()
    }
}

/// A request that came.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    pub path: String,
    pub headers: axum::http::HeaderMap,
    pub body: String,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The method of the Bot API.
    pub fn method(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }
}

/// A receiver of HTTP requests; `updates` are what its bot is told next.
#[derive(Default)]
pub struct Receiver {
    pub told: Told<Heard>,
    updates: Mutex<Vec<Value>>,
    counter: Mutex<i64>,
}

impl Receiver {
    /// Starts it; returns it and its address.
    pub async fn start() -> (Arc<Self>, String) {
        let receiver = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&receiver));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, address)
    }

    /// Messages that the bot sent.
    pub fn messages(&self) -> Vec<Value> {
        let heard = self.told.heard();
        heard.iter().filter(|heard| heard.method() == "sendMessage").map(Heard::json).collect()
    }

    /// What the bot changed in its messages.
    pub fn edits(&self) -> Vec<Value> {
        let heard = self.told.heard();
        heard.iter().filter(|heard| heard.method() == "editMessageText").map(Heard::json).collect()
    }

    /// What the bot answered to buttons.
    pub fn answers(&self) -> Vec<String> {
        let heard = self.told.heard();
        let answers = heard.iter().filter(|heard| heard.method() == "answerCallbackQuery");
        answers.map(|heard| heard.json()["text"].as_str().unwrap().to_owned()).collect()
    }

    fn next(&self) -> i64 {
        let mut counter = self.counter.lock().unwrap();
        *counter += 1;
        *counter
    }

    /// Somebody writes to the bot.
    pub fn writes(&self, account: i64, kind: &str, text: &str) {
        let number = self.next();
        let message = json!({
            "message_id": number, "from": {"id": account}, "chat": {"id": account, "type": kind}, "text": text,
        });
        self.updates.lock().unwrap().push(json!({"update_id": number, "message": message}));
    }

    /// Somebody presses a button under a message in their chat.
    pub fn taps(&self, account: i64, data: &str) {
        let number = self.next();
        let message = json!({"message_id": 1, "chat": {"id": account, "type": "private"}});
        let query =
            json!({"id": number.to_string(), "from": {"id": account}, "message": message, "data": data});
        self.updates.lock().unwrap().push(json!({"update_id": number, "callback_query": query}));
    }
}

async fn answer(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let heard = Heard { path: parts.uri.path().to_owned(), headers: parts.headers, body };
    let mood = receiver.told.mood();
    let result = match heard.method() {
        "getUpdates" => {
            let from = heard.json()["offset"].as_i64().unwrap_or(0);
            let updates = receiver.updates.lock().unwrap();
            let new = updates.iter().filter(|update| update["update_id"].as_i64().unwrap() >= from);
            json!(new.cloned().collect::<Vec<_>>())
        }
        "getMe" => json!({"username": "GradusBot"}),
        _ => json!({"message_id": receiver.next()}),
    };
    if mood != Mood::Hangs {
        receiver.told.hear(heard);
    }
    match mood {
        Mood::Well => axum::Json(json!({"ok": true, "result": result})).into_response(),
        Mood::Hangs | Mood::Forgets => std::future::pending().await,
        Mood::Refuses(status) => {
            let body = json!({"ok": false, "error_code": status, "description": "refused", "parameters": {"retry_after": 7}});
            (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
        }
    }
}

/// A letter that came.
#[derive(Clone, Debug, Default)]
pub struct Letter {
    pub to: String,
    pub text: String,
}

impl Letter {
    pub fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        self.text.lines().find_map(|line| line.strip_prefix(start.as_str())).unwrap_or("")
    }
}

/// A mail server without TLS.
pub async fn mail() -> (Arc<Told<Letter>>, String) {
    let told = Arc::new(Told::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let server = Arc::clone(&told);
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            tokio::spawn(session(stream, Arc::clone(&server)));
        }
    });
    (told, port)
}

async fn session(stream: TcpStream, told: Arc<Told<Letter>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mood = told.mood();
    if mood == Mood::Hangs {
        std::future::pending::<()>().await;
    }
    write.write_all(b"220 mail.test\r\n").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let word = line.split([' ', ':']).next().unwrap_or("").to_uppercase();
        let answer = match (word.as_str(), mood) {
            ("RCPT", Mood::Refuses(code)) => format!("{code} no such mailbox"),
            ("RCPT", _) => {
                to = line.split(['<', '>']).nth(1).unwrap_or("").to_owned();
                "250 well".to_owned()
            }
            ("EHLO" | "HELO" | "MAIL" | "RSET" | "NOOP", _) => "250 well".to_owned(),
            ("DATA", _) => {
                write.write_all(b"354 go on\r\n").await?;
                let mut text = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    text.push_str(&line);
                    text.push('\n');
                }
                told.hear(Letter { to: to.clone(), text });
                if mood == Mood::Forgets {
                    std::future::pending::<()>().await;
                }
                "250 taken".to_owned()
            }
            ("QUIT", _) => "221 bye".to_owned(),
            _ => "500 what".to_owned(),
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}
