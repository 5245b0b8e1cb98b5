//! Streams of sound, for the administrator: what is open now, what was refused and why, and how an exchange is connected.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{Frame, Section, Words, frame, show};
use crate::api::ApiError;
use crate::auth::{May, Me};
use crate::http::App;
use crate::live::{OpenStream, Refused};

/// A stream that is open, in words.
pub(super) struct StreamLine {
    pub href: String,
    pub call: String,
    pub party: &'static str,
    pub behind: bool,
    pub partial: String,
}

/// A stream that was not taken, in words.
pub(super) struct RefusedLine {
    pub when: String,
    pub way: &'static str,
    pub from: String,
    pub why: String,
}

/// A way in and its address.
pub(super) struct WayLine {
    pub who: &'static str,
    pub address: String,
}

#[derive(Template)]
#[template(path = "streams.html")]
pub(super) struct StreamsPage {
    pub f: Frame,
    pub open: Vec<StreamLine>,
    pub refused: Vec<RefusedLine>,
    pub ways: Vec<WayLine>,
    /// Why sound is not recognised; empty when it is.
    pub missing: String,
}

/// Returns an open stream in words.
pub(super) fn stream_line(w: &Words, stream: &OpenStream) -> StreamLine {
    StreamLine {
        href: format!("/conversations/{}", stream.conversation),
        call: stream.call.clone(),
        party: match stream.party {
            Some("agent") => w.t.agent_role,
            Some(_) => w.t.customer_role,
            None => w.t.st_mixed,
        },
        behind: stream.behind,
        partial: stream.partial.clone(),
    }
}

/// Returns a refused stream in words.
pub(super) fn refused_line(w: &Words, refused: &Refused) -> RefusedLine {
    RefusedLine {
        when: w.moment(refused.at_ms),
        way: refused.way,
        from: refused.from.clone(),
        why: refused.why.clone(),
    }
}

/// Shows the streams.
pub async fn page(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::People)?;
    let f = frame(&app, &me, Section::Other);
    let open = app.live.open_streams().iter().map(|stream| stream_line(&f.w, stream)).collect();
    let refused = app.live.refused().iter().map(|refused| refused_line(&f.w, refused)).collect();
    let config = &app.desk.config;
    let sockets = config.http.public().replacen("http", "ws", 1);
    let audiosocket = match config.live.audiosocket.as_str() {
        "" => f.w.t.st_off.to_owned(),
        address => format!("tcp://{address}"),
    };
    let ways = vec![
        WayLine { who: "Asterisk, AudioSocket", address: audiosocket },
        WayLine { who: "Asterisk, chan_websocket", address: format!("{sockets}/live/asterisk") },
        WayLine { who: "FreeSWITCH", address: format!("{sockets}/live/fork") },
        WayLine { who: "Voximplant, Twilio", address: format!("{sockets}/live/media") },
    ];
    show(&StreamsPage { f, open, refused, ways, missing: app.live.missing().unwrap_or_default() })
}
