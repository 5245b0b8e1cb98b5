//! Files given to the page: each is taken in by itself, and what became of it is said by its name.

use axum::extract::{Multipart, State};
use axum::response::Response;

use super::board::after_upload;
use super::words_for;
use crate::api::{ApiError, Kept, read_files};
use crate::auth::{May, Me};
use crate::http::App;

/// What became of a file.
pub(super) struct Uploaded {
    pub name: String,
    pub class: &'static str,
    pub says: String,
    pub links: Vec<String>,
}

/// Takes in files.
pub async fn submit(State(app): State<App>, me: Me, form: Multipart) -> Result<Response, ApiError> {
    let files = read_files(form, |csrf| me.changes(csrf, May::Send)).await?;
    let t = words_for(&app, me.lang).t;
    let mut uploads = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        uploads.push(match app.take_file(&me, &name, bytes).await {
            Ok(Kept { known: true, links, .. }) => {
                Uploaded { name, class: "", says: t.upload_known.to_owned(), links }
            }
            Ok(Kept { waits: true, .. }) => {
                Uploaded { name, class: "good", says: t.upload_waits.to_owned(), links: Vec::new() }
            }
            Ok(Kept { links, .. }) => Uploaded { name, class: "good", says: t.upload_done.to_owned(), links },
            Err(error) => Uploaded {
                name,
                class: "bad",
                says: format!("{}: {error:#}", t.upload_failed),
                links: Vec::new(),
            },
        });
    }
    after_upload(&app, &me, uploads).await
}
