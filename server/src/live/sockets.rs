//! Live sound over WebSocket: JSON media streams, FreeSWITCH's modules, Asterisk's chan_websocket.
//!
//! Whoever opens one shows an API token, in the header or, where an exchange can set none, as `?token=` in the address.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Query, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use gradus_engine::signal::Party;
use gradus_speech::live::{Encoding, LiveFormat};
use serde::Deserialize;
use serde_json::Value;

use super::call::About;
use super::media::{self, Media, Order};
use super::{Input, Live, Opening};
use crate::api::ApiError;
use crate::auth::{May, Me};
use crate::http::App;

/// Bytes of one message: chan_websocket sends up to 65,500, JSON a third more than its sound.
const MESSAGE_BYTES: usize = 256 * 1024;
/// Streams on one socket.
const MOST_STREAMS: usize = 8;

/// What an address says of a stream. Messages that say the same go before it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Asked {
    token: Option<String>,
    call: Option<String>,
    party: Option<String>,
    rate: Option<u32>,
    /// `mono`, `mixed` or `stereo`.
    layout: Option<String>,
    /// Whose the first of two channels is: `customer` unless it says `agent`.
    first: Option<String>,
    customer_tel: Option<String>,
    customer_name: Option<String>,
    agent_name: Option<String>,
    team: Option<String>,
    queue: Option<String>,
}

impl Asked {
    fn about(&self) -> About {
        About {
            call: self.call.clone().unwrap_or_default(),
            customer_tel: self.customer_tel.clone(),
            customer_name: self.customer_name.clone(),
            agent_name: self.agent_name.clone(),
            team: self.team.clone(),
            queue: self.queue.clone(),
        }
    }
}

/// Who opens a socket, by header, cookie or the token of the address.
pub struct Caller {
    asked: Asked,
    me: Me,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let refused = |why: &str, error: ApiError| {
            app.live.refuse("WebSocket", parts.uri.path(), why);
            error.into_response()
        };
        let asked = Query::<Asked>::try_from_uri(&parts.uri)
            .map(|Query(asked)| asked)
            .map_err(|error| refused("the address cannot be read", ApiError::Wrong(error.to_string())))?;
        if let Some(Ok(value)) = asked.token.as_ref().map(|token| format!("Bearer {token}").parse()) {
            parts.headers.insert(axum::http::header::AUTHORIZATION, value);
        }
        let why = "no token, or one that is not known: make one with `gradus user token`";
        let me = match Me::from_request_parts(parts, app).await {
            Ok(me) => me,
            Err(error) => {
                app.live.refuse("WebSocket", parts.uri.path(), why);
                return Err(error.into_response());
            }
        };
        if let Err(error) = me.may(May::Send) {
            app.live.refuse(
                "WebSocket",
                parts.uri.path(),
                "the person of the token may not send conversations in",
            );
            return Err(error.into_response());
        }
        // A browser sends the cookie with a socket of any site: exchanges have tokens.
        if me.session().is_some() {
            app.live.refuse("WebSocket", parts.uri.path(), why);
            return Err(ApiError::SignIn.into_response());
        }
        Ok(Self { asked, me })
    }
}

impl Caller {
    fn about(&self) -> About {
        let mut about = self.asked.about();
        if about.team.is_none() {
            about.team.clone_from(&self.me.user.team);
        }
        about
    }
}

/// JSON media streams: Twilio, Voximplant and their like.
pub async fn media(State(app): State<App>, caller: Caller, upgrade: WebSocketUpgrade) -> Response {
    let (live, about, stop) = (Arc::clone(&app.live), caller.about(), app.stop.clone());
    upgrade.max_message_size(MESSAGE_BYTES).on_upgrade(async move |socket| {
        let streams = Streams { live: Arc::clone(&live), about, open: HashMap::new() };
        tokio::select! {
            () = stop.cancelled() => {}
            result = streams.run(socket) => report(&live, "JSON", result),
        }
    })
}

/// FreeSWITCH's mod_audio_stream and mod_audio_fork: a text with what the dialplan says, then 16-bit sound.
pub async fn fork(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let (live, stop) = (Arc::clone(&app.live), app.stop.clone());
    let (asked, about) = (caller.asked.clone(), caller.about());
    // mod_audio_fork asks for a subprotocol, mod_audio_stream for none: each gets what it asked for.
    let upgrade = match asked_protocol(&headers) {
        Some(protocol) => upgrade.protocols([protocol]),
        None => upgrade,
    };
    upgrade.max_message_size(MESSAGE_BYTES).on_upgrade(async move |socket| {
        tokio::select! {
            () = stop.cancelled() => {}
            result = run_fork(&live, asked, about, socket) => report(&live, "FreeSWITCH", result),
        }
    })
}

/// chan_websocket of Asterisk: control in JSON, sound in binary; MEDIA_START says what it is.
pub async fn asterisk(State(app): State<App>, caller: Caller, upgrade: WebSocketUpgrade) -> Response {
    let (live, about, stop) = (Arc::clone(&app.live), caller.about(), app.stop.clone());
    upgrade.protocols(["media"]).max_message_size(MESSAGE_BYTES).on_upgrade(async move |socket| {
        tokio::select! {
            () = stop.cancelled() => {}
            result = run_asterisk(&live, about, socket) => report(&live, "chan_websocket", result),
        }
    })
}

fn asked_protocol(headers: &HeaderMap) -> Option<String> {
    let asked = headers.get("sec-websocket-protocol")?.to_str().ok()?;
    asked.split(',').next().map(|first| first.trim().to_owned())
}

fn report(live: &Live, way: &'static str, result: Result<(), String>) {
    if let Err(why) = result {
        live.refuse(way, "WebSocket", why);
    }
}

/// The streams of one socket of JSON.
struct Streams {
    live: Arc<Live>,
    about: About,
    open: HashMap<String, Open>,
}

struct Open {
    start: media::Start,
    /// By track: the sound of a call comes as one or two.
    tracks: HashMap<Option<String>, (Input, Order)>,
}

impl Streams {
    async fn run(mut self, mut socket: WebSocket) -> Result<(), String> {
        let unnamed = uuid::Uuid::new_v4().to_string();
        loop {
            let text = match socket.recv().await {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Binary(_))) => {
                    return Err("binary sound where JSON belongs: use /live/fork for FreeSWITCH".into());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
            };
            match media::read(&text).map_err(|error| error.to_string())? {
                media::Message::Start(mut start) => {
                    if self.open.len() >= MOST_STREAMS {
                        return Err(format!("more than {MOST_STREAMS} streams on one socket"));
                    }
                    start.about = merged(start.about, &self.about, &unnamed);
                    self.open.insert(start.stream.clone(), Open { start: *start, tracks: HashMap::new() });
                }
                media::Message::Media(media) => self.take(media).await?,
                media::Message::Stop(Some(stream)) if self.open.contains_key(&stream) => {
                    self.open.remove(&stream);
                }
                media::Message::Stop(_) => self.open.clear(),
                media::Message::Other => {}
            }
        }
    }

    async fn take(&mut self, media: Media) -> Result<(), String> {
        // Where one stream is open, a message need not name it.
        let only = if self.open.len() == 1 { self.open.keys().next().cloned() } else { None };
        let name = if self.open.contains_key(&media.stream) { Some(media.stream.clone()) } else { only };
        let Some(open) = name.and_then(|name| self.open.get_mut(&name)) else {
            // Sound before its start, or after its stop.
            return Ok(());
        };
        if !open.tracks.contains_key(&media.track) {
            if open.tracks.len() >= MOST_STREAMS {
                return Err(format!("more than {MOST_STREAMS} tracks in one stream"));
            }
            let party = open.start.party.or(match media.track.as_deref() {
                Some("inbound" | "inbound_track") => Some(Party::Customer),
                Some("outbound" | "outbound_track") => Some(Party::Agent),
                _ => None,
            });
            let parties = parties(open.start.format.channels, party, None);
            let opening = Opening { about: open.start.about.clone(), parties, format: open.start.format };
            let input = self.live.stream(opening).await.map_err(|error| error.to_string())?;
            open.tracks.insert(media.track.clone(), (input, Order::default()));
        }
        if let Some((input, order)) = open.tracks.get_mut(&media.track) {
            for bytes in order.take(media.place, media.bytes) {
                input.frame(&bytes);
            }
        }
        Ok(())
    }
}

/// What a message says goes before what the address says.
fn merged(said: About, asked: &About, unnamed: &str) -> About {
    let call = if said.call.is_empty() { asked.call.clone() } else { said.call };
    About {
        call: if call.is_empty() { unnamed.to_owned() } else { call },
        customer_tel: said.customer_tel.or_else(|| asked.customer_tel.clone()),
        customer_name: said.customer_name.or_else(|| asked.customer_name.clone()),
        agent_name: said.agent_name.or_else(|| asked.agent_name.clone()),
        team: said.team.or_else(|| asked.team.clone()),
        queue: said.queue.or_else(|| asked.queue.clone()),
    }
}

/// Whose sound the channels are: two are customer and agent, in the order that `first` says.
fn parties(channels: u8, party: Option<Party>, first: Option<Party>) -> Vec<Option<Party>> {
    match (channels, first) {
        (2, Some(Party::Agent)) => vec![Some(Party::Agent), Some(Party::Customer)],
        (2, _) => vec![Some(Party::Customer), Some(Party::Agent)],
        _ => vec![party],
    }
}

async fn run_fork(
    live: &Arc<Live>,
    mut asked: Asked,
    about: About,
    mut socket: WebSocket,
) -> Result<(), String> {
    let unnamed = uuid::Uuid::new_v4().to_string();
    let mut input: Option<Input> = None;
    let mut said = About::default();
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => {
                // What the dialplan says, when it is JSON; anything else is for people.
                if let (None, Ok(metadata)) = (&input, serde_json::from_str::<Value>(&text)) {
                    said = about_of(&metadata);
                    let text = |name: &str| metadata.get(name).and_then(Value::as_str).map(str::to_owned);
                    asked.party = text("party").or(asked.party);
                    asked.layout = text("layout").or(asked.layout);
                    asked.first = text("first").or(asked.first);
                    let rate = metadata.get("rate").and_then(Value::as_u64);
                    asked.rate = rate.and_then(|rate| u32::try_from(rate).ok()).or(asked.rate);
                }
            }
            Some(Ok(Message::Binary(bytes))) => {
                if input.is_none() {
                    let channels = if asked.layout.as_deref() == Some("stereo") { 2 } else { 1 };
                    let of = |name: &Option<String>| name.as_deref().and_then(media::party);
                    // mod_audio_stream's «mono» is the caller; in «mixed» both are on one channel.
                    let mono = (asked.layout.as_deref() == Some("mono")).then_some(Party::Customer);
                    let party = of(&asked.party).or(mono);
                    let format = LiveFormat {
                        encoding: Encoding::Linear16,
                        rate: asked.rate.unwrap_or(8_000),
                        channels,
                    };
                    let opening = Opening {
                        about: merged(said.clone(), &about, &unnamed),
                        parties: parties(channels, party, of(&asked.first)),
                        format,
                    };
                    input = Some(live.stream(opening).await.map_err(|error| error.to_string())?);
                }
                if let Some(input) = &mut input {
                    input.frame(&bytes);
                }
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
        }
    }
}

fn about_of(said: &Value) -> About {
    let text = |name: &str| {
        said.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(|text| text.chars().take(200).collect())
    };
    About {
        call: text("call").unwrap_or_default(),
        customer_tel: text("customer_tel"),
        customer_name: text("customer_name"),
        agent_name: text("agent_name"),
        team: text("team"),
        queue: text("queue"),
    }
}

async fn run_asterisk(live: &Arc<Live>, about: About, mut socket: WebSocket) -> Result<(), String> {
    let unnamed = uuid::Uuid::new_v4().to_string();
    let mut input: Option<Input> = None;
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => {
                let Ok(message) = serde_json::from_str::<Value>(&text) else {
                    return Err("control that is no JSON: dial with f(json)".into());
                };
                if message.get("event").and_then(Value::as_str) == Some("MEDIA_START") && input.is_none() {
                    let opening = media_start(&message, &about, &unnamed)?;
                    input = Some(live.stream(opening).await.map_err(|error| error.to_string())?);
                }
            }
            Some(Ok(Message::Binary(bytes))) => match &mut input {
                Some(input) => input.frame(&bytes),
                None => return Err("sound before MEDIA_START: dial with f(json)".into()),
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
        }
    }
}

/// Reads MEDIA_START. Its variables are what the dialplan or ARI set for this call; the address of the socket may still be
/// that of the call before, so it only fills what they leave out besides the name of the call.
fn media_start(message: &Value, about: &About, unnamed: &str) -> Result<Opening, String> {
    let name = message.get("format").and_then(Value::as_str).unwrap_or("ulaw");
    let (encoding, rate) = match name {
        "ulaw" => (Encoding::Mulaw, 8_000),
        "alaw" => (Encoding::Alaw, 8_000),
        "slin" => (Encoding::Linear16, 8_000),
        other => match other.strip_prefix("slin").and_then(|khz| khz.parse::<u32>().ok()) {
            Some(44) => (Encoding::Linear16, 44_100),
            Some(khz) => (Encoding::Linear16, khz.saturating_mul(1_000)),
            None => {
                return Err(format!("format \"{other}\": dial with c(slin16), c(slin), c(alaw) or c(ulaw)"));
            }
        },
    };
    let variable = |name: &str| {
        let value = message.get("channel_variables")?.get(name)?.as_str()?;
        (!value.is_empty()).then(|| value.chars().take(200).collect::<String>())
    };
    let channel = message.get("channel_id").or_else(|| message.get("channel")).and_then(Value::as_str);
    let said = About {
        call: variable("CALLREF")
            .or_else(|| channel.map(str::to_owned))
            .unwrap_or_else(|| unnamed.to_owned()),
        customer_tel: variable("CUSTOMER_TEL"),
        customer_name: variable("CUSTOMER_NAME"),
        agent_name: variable("AGENT_NAME"),
        team: variable("TEAM"),
        queue: variable("QUEUE"),
    };
    let party = variable("ROLE").as_deref().and_then(media::party);
    let format = LiveFormat { encoding, rate, channels: 1 };
    Ok(Opening { about: merged(said, about, unnamed), parties: vec![party], format })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn media_start_says_what_a_stream_is_and_the_address_only_fills_the_rest() {
        let message = json!({"event": "MEDIA_START", "format": "slin16", "channel_id": "169.1",
            "channel_variables": {"ROLE": "agent", "CALLREF": "c-9", "AGENT_NAME": "Ольга"}});
        let about = About { call: "stale".into(), queue: Some("касса".into()), ..About::default() };
        let opening = media_start(&message, &about, "x").unwrap();
        assert_eq!((opening.about.call.as_str(), opening.parties), ("c-9", vec![Some(Party::Agent)]));
        assert_eq!((opening.format.rate, opening.about.queue.as_deref()), (16_000, Some("касса")));
        let bare = media_start(&json!({"event": "MEDIA_START"}), &About::default(), "x").unwrap();
        assert_eq!((bare.about.call.as_str(), bare.format.encoding), ("x", Encoding::Mulaw));
        let opus = media_start(&json!({"format": "opus"}), &about, "x");
        assert!(opus.is_err_and(|why| why.contains("\"opus\"") && why.contains("slin16")));
    }

    #[test]
    fn two_channels_are_the_two_parties() {
        assert_eq!(parties(2, None, None), [Some(Party::Customer), Some(Party::Agent)]);
        assert_eq!(parties(2, None, Some(Party::Agent)), [Some(Party::Agent), Some(Party::Customer)]);
        assert_eq!(parties(1, None, None), [None]);
    }
}
