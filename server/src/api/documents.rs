//! Documents of a case: added, read as files, taken off.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Asked, Raw, changes, created};
use crate::auth::{May, Me};
use crate::http::App;
use crate::query::escaped;
use crate::store::{CaseRow, DocumentRow};

/// How a document is called.
#[derive(Deserialize)]
pub struct Named {
    name: String,
}

/// Adds a document: its bytes are the body.
pub async fn add(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Asked(named): Asked<Named>,
    headers: HeaderMap,
    Raw(bytes): Raw,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Note)?;
    let row = app.case_for(&me, id).await?;
    let id = app.desk.add_document(&me.user.id, &row, &named.name, bytes).await?;
    let document = app.desk.store.document(&row.id, &id).await?.ok_or(ApiError::NotFound)?;
    Ok(created(body(&document)))
}

/// Hands a document out as a file; who read it is written down.
pub async fn read(
    State(app): State<App>,
    me: Me,
    Path((id, document)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    me.may(May::Read)?;
    let row = app.case_for(&me, id).await?;
    let document = app.desk.store.document(&row.id, &document).await?.ok_or(ApiError::NotFound)?;
    let bytes = app.desk.read_document(&me.user.id, &document).await?.ok_or(ApiError::NotFound)?;
    let name = escaped(&document.name);
    let headers = [
        (header::CONTENT_TYPE, document.media_type.clone()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{name}")),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
        // Whatever is in it, it is no page of ours.
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

/// Takes a document off its case.
pub async fn remove(
    State(app): State<App>,
    me: Me,
    Path((id, document)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Note)?;
    let row = app.case_for(&me, id).await?;
    app.take_off(&me, &row, &document).await?;
    let left = app.desk.store.documents_of(&row.id).await?;
    Ok(Json(json!({"documents": left.iter().map(body).collect::<Vec<_>>()})).into_response())
}

impl App {
    /// Takes a document off its case: who added it may, and whoever acts on cases.
    ///
    /// # Errors
    /// `NotFound` where there is none, `Forbidden` where it is somebody else's.
    pub async fn take_off(&self, me: &Me, row: &CaseRow, document: &str) -> Result<(), ApiError> {
        let document = self.desk.store.document(&row.id, document).await?.ok_or(ApiError::NotFound)?;
        if document.added_by != me.user.id {
            me.may(May::Act)?;
        }
        Ok(self.desk.remove_document(&me.user.id, row, &document).await?)
    }
}

/// Returns a document for programs.
pub(super) fn body(document: &DocumentRow) -> Value {
    json!({
        "id": document.id, "name": document.name, "media_type": document.media_type, "size_bytes": document.size_bytes,
        "sha256": document.sha256, "added_by": document.added_by, "added_at_ms": document.added_at_ms,
    })
}
