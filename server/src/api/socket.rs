//! Utterances over a WebSocket: each text message is one or more lines of JSON, and is answered when it is on disk.

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::utterances::{live, read};
use super::{ApiError, Problem};
use crate::auth::{May, Me};
use crate::http::App;
use crate::store::ConversationRow;

/// Bytes of one message.
const MESSAGE_BYTES: usize = 1 << 20;

/// Opens the socket of a live conversation.
///
/// A browser sends the cookie with a socket of any site, so a session's socket has to come from our own pages.
pub async fn open(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    me.may(May::Send)?;
    if me.session().is_some() && !own_origin(&headers) {
        return Err(ApiError::Stale);
    }
    let row = live(&app, &me, id).await?;
    Ok(upgrade.max_message_size(MESSAGE_BYTES).on_upgrade(move |socket| talk(app, row, socket)))
}

/// Says whether a socket is opened by a page of ours.
pub fn own_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text("origin").and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    origin.is_some() && origin == text("host")
}

async fn talk(app: App, row: ConversationRow, mut socket: WebSocket) {
    loop {
        let message = tokio::select! {
            () = app.stop.cancelled() => break,
            message = socket.recv() => message,
        };
        let answer = match message {
            Some(Ok(Message::Text(text))) => take(&app, &row, text.as_bytes()).await,
            Some(Ok(Message::Binary(bytes))) => take(&app, &row, &bytes).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Close(_)) | Err(_)) | None => break,
        };
        if socket.send(Message::Text(answer.to_string().into())).await.is_err() {
            break;
        }
    }
}

async fn take(app: &App, row: &ConversationRow, body: &[u8]) -> Value {
    let taken = async {
        let spoken = read(body, row, app.desk.clock.now(), &app.zone)?;
        app.desk.pipeline.say(&row.id, &spoken, &[]).await?;
        Ok::<usize, ApiError>(spoken.len())
    };
    match taken.await {
        Ok(count) => json!({"taken": count}),
        Err(error) => {
            let response = axum::response::IntoResponse::into_response(error);
            let problem = response.extensions().get::<Problem>().cloned();
            json!({"error": problem.map(|problem| json!({"type": problem.kind, "detail": problem.detail, "reference": problem.reference}))})
        }
    }
}
