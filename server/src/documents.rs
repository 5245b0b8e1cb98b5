//! Documents of a case: what the customer sent, a photograph, an act. Kept beside the recordings, handed out as files only.

use bytes::Bytes;
use serde_json::json;

use crate::desk::{Desk, digest};
use crate::mask::MaskedText;
use crate::store::{Batch, CaseRow, Document, DocumentRow, StoreError, TimelineEntry, UserId};

/// Largest document, in bytes.
pub const LARGEST: usize = 25 << 20;
/// Most documents of a case.
pub const MOST: usize = 200;
/// Longest file name, in code points; what is longer loses its middle.
const LONGEST_NAME: usize = 120;

/// Why a document is not kept.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Nothing in it.
    #[error("the file \"{0}\" is empty: choose another one")]
    Empty(String),
    /// Too much in it.
    #[error("the file \"{0}\" is larger than {limit} MB: give a smaller one", limit = LARGEST >> 20)]
    TooLarge(String),
    /// Too many.
    #[error("the case has {MOST} documents already: remove one first")]
    TooMany,
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Desk {
    /// Keeps a document with a case, and writes that into its timeline. The same file again changes nothing.
    ///
    /// # Errors
    /// Says what is wrong with the file, or what is broken.
    pub async fn add_document(
        &self,
        by: &UserId,
        case: &CaseRow,
        name: &str,
        bytes: Bytes,
    ) -> Result<String, DocumentError> {
        let name = file_name(name);
        if bytes.is_empty() {
            return Err(DocumentError::Empty(name));
        }
        if bytes.len() > LARGEST {
            return Err(DocumentError::TooLarge(name));
        }
        let known = self.store.documents_of(&case.id).await?;
        let sha256 = digest(&bytes);
        if let Some(same) = known.iter().find(|known| known.sha256 == sha256 && known.name == name) {
            return Ok(same.id.clone());
        }
        if known.len() >= MOST {
            return Err(DocumentError::TooMany);
        }
        let now = self.clock.now();
        let id = digest(format!("{} {sha256} {name} {}", case.id, now.millis()).as_bytes());
        let id = id.get(..24).unwrap_or_default().to_owned();
        let document = Document {
            object_key: format!("documents/{id}"),
            id: id.clone(),
            case: case.id.clone(),
            media_type: media_type(&name).to_owned(),
            size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            name,
            sha256,
            by: by.clone(),
            at: now,
        };
        // First the bytes: a row without them would be a document that cannot be opened.
        self.recordings.put(&document.object_key, bytes).await?;
        self.store.add_document(&document).await?;
        self.say_of_document(by, case, "document", (&id, &document.name)).await?;
        Ok(id)
    }

    /// Takes a document off its case, and deletes it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove_document(
        &self,
        by: &UserId,
        case: &CaseRow,
        document: &DocumentRow,
    ) -> Result<(), StoreError> {
        if self.store.remove_document(&case.id, &document.id).await? {
            self.recordings.delete(&document.object_key).await?;
            self.say_of_document(by, case, "document_removed", (&document.id, &document.name)).await?;
        }
        Ok(())
    }

    /// Returns the bytes of a document, and writes down who read it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_document(
        &self,
        by: &UserId,
        document: &DocumentRow,
    ) -> Result<Option<Bytes>, StoreError> {
        let (now, object) = (self.clock.now(), format!("case:{}", document.case_id));
        self.store.audit(now, &by.0, "document.read", &object, &document.id).await?;
        self.recordings.get(&document.object_key).await
    }

    async fn say_of_document(
        &self,
        by: &UserId,
        case: &CaseRow,
        kind: &str,
        (id, name): (&str, &str),
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let entry = TimelineEntry {
            case: case.id.clone(),
            key: format!("{kind}-{id}"),
            at: now,
            actor: Some(by.clone()),
            kind: kind.to_owned(),
            text: Some(MaskedText::of(name)),
            detail: json!({"document": id}),
        };
        self.store.commit(Batch::new().change(entry)).await?;
        let what = if kind == "document" { "document.add" } else { "document.remove" };
        self.store.audit(now, &by.0, what, &format!("case:{}", case.id), id).await?;
        if let Some(conversation) = &case.conversation_id {
            self.pipeline.changed(conversation.clone());
        }
        Ok(())
    }
}

/// Returns the name of a file without its folders and control characters, not too long, its ending kept.
fn file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|sign| !sign.is_control()).collect();
    let clean = clean.trim().trim_start_matches('.');
    if clean.is_empty() {
        return "document".to_owned();
    }
    if clean.chars().count() <= LONGEST_NAME {
        return clean.to_owned();
    }
    let ending: String = clean.rsplit_once('.').map_or_else(String::new, |(_, ending)| {
        if ending.chars().count() <= 8 { format!(".{ending}") } else { String::new() }
    });
    let kept = LONGEST_NAME - ending.chars().count();
    format!("{}{ending}", clean.chars().take(kept).collect::<String>())
}

/// Returns what a file is by its ending. A browser gets it as a file in any case and never shows it as a page.
fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default().to_lowercase().as_str() {
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "txt" => "text/plain; charset=utf-8",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_its_own_name_and_nothing_of_its_path() {
        let long = format!("{}.pdf", "а".repeat(300));
        for (given, name) in [
            ("акт.pdf", "акт.pdf"),
            ("C:\\Users\\Анна\\фото 1.JPG", "фото 1.JPG"),
            ("../../etc/passwd", "passwd"),
            (".htaccess", "htaccess"),
            ("счёт\r\n.pdf", "счёт.pdf"),
            ("", "document"),
            ("...", "document"),
        ] {
            assert_eq!(file_name(given), name, "{given:?}");
        }
        let short = file_name(&long);
        assert_eq!(short.chars().count(), LONGEST_NAME);
        assert!(short.ends_with(".pdf"), "{short}");
    }
}
