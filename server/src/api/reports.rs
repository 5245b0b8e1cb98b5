//! The weekly report as a file.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{ApiError, Asked};
use crate::auth::{May, Me};
use crate::http::App;
use crate::report::{self, Week};
use crate::web::words_for;

/// In which form.
#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    format: String,
}

/// Returns the report of a week, in the language of who asks.
pub async fn week(
    State(app): State<App>,
    me: Me,
    Path(week): Path<String>,
    Asked(form): Asked<Form>,
) -> Result<Response, ApiError> {
    me.may(May::Figures)?;
    let week = Week::parse(&week).map_err(|error| ApiError::Wrong(error.to_string()))?;
    let read = report::read(&app.desk.store, me.team(), week, &app.zone)
        .await?
        .named_by(&app.desk.pipeline.protocol());
    let base = app.desk.config.http.public();
    let w = words_for(&app, me.lang);
    let (kind, ends, bytes) = match form.format.as_str() {
        "" | "json" => ("application/json", "json", report::json(&read)?),
        "csv" => ("text/csv; charset=utf-8", "csv", report::csv(&w, &read)?),
        "xlsx" => (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "xlsx",
            report::xlsx(&w, &read)?,
        ),
        "html" => ("text/html; charset=utf-8", "html", report::html(&w, &read, &base).into_bytes()),
        "pdf" => ("application/pdf", "pdf", report::pdf(&w, &read, &base)?),
        other => {
            return Err(ApiError::Wrong(format!(
                "format: \"{other}\" is not known; html, pdf, xlsx, csv or json"
            )));
        }
    };
    let now = app.desk.clock.now();
    app.desk.store.audit(now, &me.user.id.0, "report.read", &format!("week:{week}"), ends).await?;
    // A page of its own would be blocked by the rules for our pages, which allow no style in it; so it is a file.
    let name = format!("attachment; filename=\"gradus-{week}.{ends}\"");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name.as_str())], bytes).into_response())
}
