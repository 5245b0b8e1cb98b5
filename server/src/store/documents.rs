//! Documents that belong to a case: their names here, their bytes beside the recordings.

use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{CaseId, ConversationId, UserId};

/// A document to be kept.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its name, unique for ever; a repeat changes nothing.
    pub id: String,
    /// The case it belongs to.
    pub case: CaseId,
    /// Its file name, as people see it.
    pub name: String,
    /// What it is, such as `application/pdf`.
    pub media_type: String,
    /// Bytes.
    pub size_bytes: i64,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Where the bytes lie.
    pub object_key: String,
    /// Who added it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// A document with the name of who added it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct DocumentRow {
    pub id: String,
    pub case_id: CaseId,
    pub name: String,
    pub media_type: String,
    pub size_bytes: i64,
    pub sha256: String,
    pub object_key: String,
    pub added_by: UserId,
    pub added_by_name: Option<String>,
    pub added_at_ms: i64,
}

macro_rules! document_select {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.case_id, d.name, d.media_type, d.size_bytes, d.sha256, d.object_key, d.added_by,
                 u.name AS added_by_name, d.added_at_ms
             FROM case_documents d LEFT JOIN users u ON u.id = d.added_by ",
            $rest
        )
    };
}

impl Store {
    /// Writes down a document whose bytes are kept already.
    pub async fn add_document(&self, document: &Document) -> Result<(), StoreError> {
        let sql = "INSERT INTO case_documents
                       (id, case_id, name, media_type, size_bytes, sha256, object_key, added_by, added_at_ms)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(&document.id)
                .bind(&document.case)
                .bind(&document.name)
                .bind(&document.media_type)
                .bind(document.size_bytes)
                .bind(&document.sha256)
                .bind(&document.object_key)
                .bind(&document.by)
                .bind(document.at.millis())
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Returns the documents of a case, the latest first.
    pub async fn documents_of(&self, case: &CaseId) -> Result<Vec<DocumentRow>, StoreError> {
        let sql = document_select!("WHERE d.case_id = $1 ORDER BY d.added_at_ms DESC, d.id");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(case).fetch_all(pool).await?))
    }

    /// Returns one document of a case.
    pub async fn document(&self, case: &CaseId, id: &str) -> Result<Option<DocumentRow>, StoreError> {
        let sql = document_select!("WHERE d.case_id = $1 AND d.id = $2");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(case).bind(id).fetch_optional(pool).await?))
    }

    /// Takes a document off its case; says whether it was there. Its bytes are deleted by the caller afterwards.
    pub async fn remove_document(&self, case: &CaseId, id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM case_documents WHERE case_id = $1 AND id = $2";
        let changed = on!(self.write, |pool| {
            sqlx::query(sql).bind(case).bind(id).execute(pool).await?.rows_affected()
        });
        Ok(changed > 0)
    }
}

/// Takes the documents off the cases of a conversation; returns where their bytes lie.
pub(super) async fn forget(tx: &mut Tx, conversation: &ConversationId) -> Result<Vec<String>, StoreError> {
    let keys = "SELECT d.object_key FROM case_documents d JOIN cases c ON c.id = d.case_id WHERE c.conversation_id = $1";
    let rows = "DELETE FROM case_documents
                WHERE case_id IN (SELECT c.id FROM cases c WHERE c.conversation_id = $1)";
    Ok(within!(tx, |conn| {
        let keys = sqlx::query_scalar(keys).bind(conversation).fetch_all(&mut *conn).await?;
        sqlx::query(rows).bind(conversation).execute(conn).await?;
        keys
    }))
}
