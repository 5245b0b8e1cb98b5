//! The live stream: server-sent events for open pages. What changed arrives with the rows of the board, rendered once a
//! language; alerts reach those whom they call.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, StreamExt, iter, once, unfold};
use serde::Deserialize;
use tokio::sync::broadcast::Receiver;

use super::{ApiError, Asked};
use crate::auth::Me;
use crate::http::App;
use crate::hub::Wave;

/// A stream ends after this time, and the browser comes again: so a person who was signed out hears no more.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Whether the rows of the board are wanted.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    rows: u8,
}

/// Streams `time` once, then `rows` (HTML of table rows) or `changed` (ids), and `alert` (JSON).
pub async fn stream(
    State(app): State<App>,
    me: Me,
    Asked(wanted): Asked<Wanted>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let now = app.desk.clock.now().millis();
    let first = once(async move { Event::default().event("time").data(now.to_string()) });
    let waves = unfold(app.hub.listen(), next);
    let rows = wanted.rows == 1;
    let events = waves.flat_map(move |wave| iter(events(&me, rows, &wave)));
    let ended = async move {
        tokio::select! {
            () = app.stop.cancelled() => {}
            () = tokio::time::sleep(LONGEST) => {}
        }
    };
    let stream = first.chain(events).map(Ok).take_until(Box::pin(ended));
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))))
}

/// Ends where the reader has fallen behind: the page is read anew.
async fn next(mut waves: Receiver<Arc<Wave>>) -> Option<(Arc<Wave>, Receiver<Arc<Wave>>)> {
    let wave = waves.recv().await.ok()?;
    Some((wave, waves))
}

fn events(me: &Me, rows: bool, wave: &Wave) -> Vec<Event> {
    let sees = |team: Option<&str>| me.sees(team);
    let mut events = Vec::new();
    for alert in &wave.alerts {
        let called = match &alert.only {
            Some(people) => people.contains(&me.user.id),
            None => me.role.hears(&alert.role),
        };
        if called && sees(alert.team.as_deref()) {
            events.push(Event::default().event("alert").data(alert.json(me.lang)));
        }
    }
    if rows {
        let html = wave.rows(me.lang, sees);
        if !html.is_empty() {
            events.push(Event::default().event("rows").data(html));
        }
        return events;
    }
    let ids: Vec<&str> =
        wave.changed.iter().filter(|(_, team)| sees(team.as_deref())).map(|(id, _)| id.as_str()).collect();
    if !ids.is_empty() {
        events.push(Event::default().event("changed").data(ids.join(" ")));
    }
    events
}
