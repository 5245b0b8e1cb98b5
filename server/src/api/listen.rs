//! Listening in to a live call over a WebSocket: sound as it arrives, for those who may; every listening is audited.
//!
//! The socket says `{"rate": 16000}` first. Then each binary message is a byte (0 both parties, 1 the customer, 2 the agent) and
//! samples of 16 bits, little end first. `{"missed_ms": …}` tells of sound that was left out because the listener was too slow,
//! `{"over": true}` that the call is. A second of sound that no answer to a ping has confirmed is the most that is sent ahead.

use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use gradus_speech::SAMPLE_RATE;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::ApiError;
use super::socket::own_origin;
use crate::auth::{May, Me};
use crate::http::App;
use crate::live::listen::{Piece, UnderWay, place};
use crate::store::ConversationRow;

/// How often it is looked whether the listener is still there.
const LOOK: Duration = Duration::from_secs(15);
/// After how much sound it is looked whether the listener still may, in ms.
const ASK_MS: u64 = 5_000;
/// Bytes of a message of the listener: it has nothing to say but answers to pings.
const MESSAGE_BYTES: usize = 1024;

/// Opens the listening.
pub async fn open(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    me.may(May::Listen)?;
    if me.session().is_some() && !own_origin(&headers) {
        return Err(ApiError::Stale);
    }
    let row = app.conversation_row_for(&me, id).await?;
    let upgrade = upgrade.map_err(|error| ApiError::Wrong(format!("open it as a WebSocket: {error}")))?;
    let air = app.live.listen(&row.id).map_err(|error| ApiError::Conflict(error.to_string()))?;
    let object = format!("conversation:{}", row.id);
    app.desk.store.audit(app.desk.clock.now(), &me.user.id.0, "call.listen", &object, "").await?;
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let way = UnderWay::default();
        let listener = Listener { way, heard_ms: 0, missed_ms: 0, unasked_ms: 0, answered: true };
        let begun = app.desk.clock.now();
        let listener = listener.hear(&app, &me, &row, (air, socket)).await;
        let now = app.desk.clock.now();
        let says = format!(
            "{} s, heard {} ms, missed {} ms",
            now.since(begun).get() / 1_000,
            listener.heard_ms,
            listener.missed_ms
        );
        if let Err(error) = app.desk.store.audit(now, &me.user.id.0, "call.listened", &object, &says).await {
            tracing::error!("The end of a listening is not written down: {error}");
        }
    }))
}

/// Somebody who listens.
struct Listener {
    way: UnderWay,
    heard_ms: u64,
    missed_ms: u64,
    /// What was heard since it was looked whether they may.
    unasked_ms: u64,
    /// Whether an answer came since the last look.
    answered: bool,
}

impl Listener {
    /// Sends what arrives until the call or the listener is gone.
    async fn hear(
        mut self,
        app: &App,
        me: &Me,
        row: &ConversationRow,
        (mut air, mut socket): (Receiver<Piece>, WebSocket),
    ) -> Self {
        let mut look = tokio::time::interval(LOOK);
        look.tick().await;
        let mut going = socket.send(text(&json!({"rate": SAMPLE_RATE}))).await.is_ok();
        while going {
            going = tokio::select! {
                () = app.stop.cancelled() => false,
                piece = air.recv() => {
                    self.piece(piece, &mut socket).await && (self.unasked_ms < ASK_MS || self.may(app, me, row).await)
                }
                message = socket.recv() => match message {
                    Some(Ok(Message::Pong(number))) => {
                        let number = <[u8; 4]>::try_from(&number[..]).map(u32::from_be_bytes);
                        self.answered |= number.is_ok_and(|number| self.way.answers(number));
                        true
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => false,
                    Some(Ok(_)) => true,
                },
                _ = look.tick() => std::mem::take(&mut self.answered) || !self.way.waits(),
            };
        }
        self.missed_ms += self.way.missed_ms();
        self
    }

    /// Hands on what arrived; says whether the listening goes on.
    async fn piece(&mut self, piece: Result<Piece, RecvError>, socket: &mut WebSocket) -> bool {
        let piece = match piece {
            Ok(piece) => piece,
            Err(RecvError::Lagged(pieces)) => {
                // Nobody knows how long they were; frames of 20 ms are usual.
                self.way.misses(pieces * 320);
                return true;
            }
            Err(RecvError::Closed) => {
                // Whether the farewell arrives is the listener's matter.
                let _ = socket.send(text(&json!({"over": true}))).await;
                let _ = socket.send(Message::Close(None)).await;
                return false;
            }
        };
        if !self.way.takes(&piece) {
            return true;
        }
        let missed_ms = self.way.missed_ms();
        self.missed_ms += missed_ms;
        if missed_ms > 0 && socket.send(text(&json!({"missed_ms": missed_ms}))).await.is_err() {
            return false;
        }
        let heard_ms = piece.samples.len() as u64 * 1_000 / u64::from(SAMPLE_RATE);
        self.heard_ms += heard_ms;
        self.unasked_ms += heard_ms;
        let mut bytes = Vec::with_capacity(1 + piece.samples.len() * 2);
        bytes.push(u8::try_from(place(piece.party)).unwrap_or(0));
        bytes.extend(piece.samples.iter().flat_map(|sample| sample.to_le_bytes()));
        if socket.send(Message::Binary(bytes.into())).await.is_err() {
            return false;
        }
        match self.way.asks() {
            Some(number) => {
                let number = number.to_be_bytes().to_vec();
                socket.send(Message::Ping(number.into())).await.is_ok()
            }
            None => true,
        }
    }

    /// Says whether the listener still may listen.
    async fn may(&mut self, app: &App, me: &Me, row: &ConversationRow) -> bool {
        self.unasked_ms = 0;
        me.sees(row.team.as_deref()) && me.still(&app.desk, May::Listen).await
    }
}

fn text(value: &serde_json::Value) -> Message {
    Message::Text(value.to_string().into())
}
