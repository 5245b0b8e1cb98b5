//! Searching the archive by programs, and taking what was found out as a file.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{ApiError, Asked};
use crate::archive::{self, Asking};
use crate::auth::{May, Me};
use crate::http::App;
use crate::web::words_for;

/// How far the counting of what waits for the index goes.
const MOST_COUNTED: i64 = 1_000_000;

/// Returns a page of what was found, the latest conversation first.
pub async fn search(
    State(app): State<App>,
    me: Me,
    Asked(asking): Asked<Asking>,
) -> Result<Response, ApiError> {
    me.may(May::Search)?;
    let filter = asking.filter(&app.zone, me.team()).map_err(|error| ApiError::Wrong(error.to_string()))?;
    let page = app.desk.store.search(&filter).await?;
    let waiting = app.desk.store.archive_waits(MOST_COUNTED).await?;
    Ok(Json(serde_json::json!({
        "hits": page.hits, "next": page.next, "cut": page.cut, "not_indexed_yet": waiting,
    }))
    .into_response())
}

/// Returns what was found as a file. Who took out how much is written down.
pub async fn export(
    State(app): State<App>,
    me: Me,
    Asked(asking): Asked<Asking>,
) -> Result<Response, ApiError> {
    me.may(May::Export)?;
    let filter = asking.filter(&app.zone, me.team()).map_err(|error| ApiError::Wrong(error.to_string()))?;
    let write = match asking.format.as_str() {
        "" | "csv" => archive::csv,
        "xlsx" => archive::xlsx,
        other => {
            return Err(ApiError::Wrong(format!("format: \"{other}\" is not known; csv or xlsx")));
        }
    };
    let (hits, more) = archive::all(&app.desk.store, &filter).await?;
    let (ends, kind) = match asking.format.as_str() {
        "xlsx" => ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        _ => ("csv", "text/csv; charset=utf-8"),
    };
    let now = app.desk.clock.now();
    let detail = format!("{ends}, {} rows{}", hits.len(), if more { ", more left out" } else { "" });
    app.desk.store.audit(now, &me.user.id.0, "archive.export", "archive", &detail).await?;
    let w = words_for(&app, me.lang);
    let bytes = write(&w, &hits, &app.desk.config.http.public())?;
    let name = format!("attachment; filename=\"gradus-archive.{ends}\"");
    Ok((
        [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_DISPOSITION, name.as_str()),
            (header::CACHE_CONTROL, "private, no-store"),
            (header::HeaderName::from_static("gradus-cut"), if more { "true" } else { "false" }),
        ],
        bytes,
    )
        .into_response())
}
