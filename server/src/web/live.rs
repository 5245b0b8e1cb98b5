//! The live stream: a short message whenever a conversation changes, at most five a second.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use tokio::sync::broadcast::error::RecvError;

use super::{Me, PageError};
use crate::desk::Desk;

/// Shortest time between two messages.
const PAUSE: Duration = Duration::from_millis(200);

/// Streams changes; a page that hears one asks for its rows anew.
pub async fn stream(
    State(desk): State<Desk>,
    _me: Me,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, PageError> {
    let news = desk.pipeline.subscribe();
    let stream = futures_util::stream::unfold(news, |mut news| async move {
        let (mut alert, conversation) = match news.recv().await {
            Ok(news) => (news.alert, news.conversation.0),
            Err(RecvError::Lagged(_)) => (false, String::new()),
            Err(RecvError::Closed) => return None,
        };
        tokio::time::sleep(PAUSE).await;
        // What came meanwhile is one message: the page looks at everything anyway.
        while let Ok(more) = news.try_recv() {
            alert |= more.alert;
        }
        let name = if alert { "alert" } else { "change" };
        Some((Ok(Event::default().event(name).data(conversation)), news))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}
