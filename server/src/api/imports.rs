//! Files given to the API: recordings, vCons, transcripts. Each is taken in by itself.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Multipart, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{ApiError, Kept, changes};
use crate::auth::{May, Me};
use crate::http::App;
use crate::queue::about::About;

/// Most files of one request.
const MOST: usize = 1_000;

/// Takes in files; each gets its own answer.
pub async fn take(
    State(app): State<App>,
    me: Me,
    headers: HeaderMap,
    form: Multipart,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Send)?;
    let files = read_files(form, |_| Ok(())).await?;
    let mut answers: Vec<Value> = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        answers.push(match app.take_file(&me, &name, bytes).await {
            Ok(kept) => {
                json!({"file": name, "known": kept.known, "waits": kept.waits, "conversations": kept.links})
            }
            Err(error) => json!({"file": name, "error": format!("{error:#}")}),
        });
    }
    Ok(Json(json!({"files": answers})).into_response())
}

/// Reads the files of a form. A form of a page carries its token in the field before them, which `check` looks at.
///
/// # Errors
/// When the form is broken, too large, or its token is refused.
pub async fn read_files(
    mut form: Multipart,
    check: impl Fn(&str) -> Result<(), ApiError>,
) -> Result<Vec<(String, Bytes)>, ApiError> {
    let broken = |error: axum::extract::multipart::MultipartError| ApiError::TooLarge(error.body_text());
    let (mut files, mut token) = (Vec::new(), String::new());
    let mut checked = false;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.file_name().map(str::to_owned) {
            Some(name) => {
                if !checked {
                    check(&token)?;
                    checked = true;
                }
                if files.len() >= MOST {
                    return Err(ApiError::TooLarge(format!("at most {MOST} files at once")));
                }
                let bytes = field.bytes().await.map_err(broken)?;
                if !name.is_empty() {
                    files.push((name, bytes));
                }
            }
            None if field.name() == Some("csrf") => token = field.text().await.map_err(broken)?,
            None => {}
        }
    }
    check(&token)?;
    Ok(files)
}

impl App {
    /// Takes in one file, and writes down who gave it.
    ///
    /// # Errors
    /// Says what is wrong with the file and what to do.
    pub async fn take_file(&self, me: &Me, name: &str, bytes: Bytes) -> anyhow::Result<Kept> {
        self.take_file_described(me, name, bytes, &About::default()).await
    }

    /// The same with what is known of the recording in it.
    ///
    /// # Errors
    /// As [`App::take_file`].
    pub async fn take_file_described(
        &self,
        me: &Me,
        name: &str,
        bytes: Bytes,
        about: &About,
    ) -> anyhow::Result<Kept> {
        let kept = self.inbox.take_described(&self.desk, name, bytes, about).await?;
        let now = self.desk.clock.now();
        self.desk.store.audit(now, &me.user.id.0, "import", "file", &kept.links.join(" ")).await?;
        Ok(kept)
    }
}
