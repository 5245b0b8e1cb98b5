//! Whether the server and its store answer, and a few figures for Prometheus.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::ApiError;
use crate::http::App;
use crate::store::CaseFilter;

/// Says whether the server and its store answer.
pub async fn healthz(State(app): State<App>) -> Result<Response, ApiError> {
    app.desk.store.ping().await?;
    Ok(Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})).into_response())
}

/// Returns figures in the text format of Prometheus. Counts only: nothing about anybody.
pub async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    let open = app.desk.store.count_cases(&CaseFilter { open: Some(true), ..CaseFilter::default() }).await?;
    let store = &app.desk.store;
    let (waiting, dead) = (store.count_deliveries("waiting").await?, store.count_deliveries("dead").await?);
    let failed = store.count_deliveries("failed").await?;
    let committed = *app.desk.store.committed().borrow();
    let refused = u8::from(app.desk.rules.state().refused.is_some());
    let streams = app.live.open_streams();
    let (open_sound, behind) = (streams.len(), streams.iter().filter(|stream| stream.behind).count());
    let refused_sound = app.live.refused_count();
    let listening = app.live.listeners();
    let recordings = recordings(&app).await?;
    let text = format!(
        "# HELP gradus_cases_open Cases that are not resolved.\n# TYPE gradus_cases_open gauge\ngradus_cases_open {open}\n\
         # HELP gradus_log_position Position of the last event committed by this node.\n# TYPE gradus_log_position counter\n\
         gradus_log_position {committed}\n\
         # HELP gradus_deliveries Alerts beyond the pages: not sent yet, to be tried again, given up.\n\
         # TYPE gradus_deliveries gauge\ngradus_deliveries{{state=\"waiting\"}} {waiting}\n\
         gradus_deliveries{{state=\"failed\"}} {failed}\ngradus_deliveries{{state=\"dead\"}} {dead}\n\
         # HELP gradus_live_streams Live streams that are open on this node.\n# TYPE gradus_live_streams gauge\n\
         gradus_live_streams {}\n\
         # HELP gradus_rules_refused Whether changed rule files are wrong and the rules before them stay in force.\n\
         # TYPE gradus_rules_refused gauge\ngradus_rules_refused {refused}\n\
         # HELP gradus_live_sound_streams Streams of sound that are open on this node, and that have fallen behind.\n\
         # TYPE gradus_live_sound_streams gauge\ngradus_live_sound_streams{{state=\"open\"}} {open_sound}\n\
         gradus_live_sound_streams{{state=\"behind\"}} {behind}\n\
         # HELP gradus_live_sound_refused Streams of sound that were not taken since the start.\n\
         # TYPE gradus_live_sound_refused counter\ngradus_live_sound_refused {refused_sound}\n\
         # HELP gradus_live_listeners People who listen in to calls of this node.\n# TYPE gradus_live_listeners gauge\n\
         gradus_live_listeners {listening}\n\
         {recordings}",
        app.hub.listeners(),
    );
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// The queue of recordings.
async fn recordings(app: &App) -> Result<String, ApiError> {
    let figures = app.inbox.queue().figures(&app.desk).await?;
    let count =
        |state: &str| figures.shares.iter().find(|share| share.state == state).map_or(0, |share| share.count);
    let mut text = "# HELP gradus_recordings Recordings on their way to conversations; of those that are over, the last 24 hours.\n\
         # TYPE gradus_recordings gauge\n"
        .to_owned();
    for state in super::RECORDING_STATES {
        writeln!(text, "gradus_recordings{{state=\"{state}\"}} {}", count(state)).ok();
    }
    if let Some(seconds) = figures.seconds_left {
        write!(
            text,
            "# HELP gradus_recordings_seconds_left Seconds until no recording waits, at the pace of the latest.\n\
             # TYPE gradus_recordings_seconds_left gauge\ngradus_recordings_seconds_left {seconds}\n"
        )
        .ok();
    }
    let trouble = figures.trouble.len() + usize::from(figures.missing.is_some());
    write!(
        text,
        "# HELP gradus_recordings_trouble Sources that cannot be looked through, and a missing speech model.\n\
         # TYPE gradus_recordings_trouble gauge\ngradus_recordings_trouble {trouble}\n"
    )
    .ok();
    Ok(text)
}
