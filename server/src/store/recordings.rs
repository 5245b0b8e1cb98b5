//! Recordings: in a local folder by default, in S3-compatible object storage behind the feature `s3`; never in the
//! database.

use std::fmt::Display;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::error::StoreError;

/// Where recordings lie. Clones share everything.
#[derive(Clone, Debug)]
pub struct Recordings {
    objects: Arc<dyn ObjectStore>,
}

impl Recordings {
    /// Opens a folder, creating it when it is not there.
    ///
    /// # Errors
    /// [`StoreError::Open`] names the folder and what to do.
    pub fn in_folder(folder: &FilePath) -> Result<Self, StoreError> {
        let refused = |error: &dyn Display| StoreError::Open {
            what: format!("recordings in {}", folder.display()),
            why: format!("{error}; may this user create it and write to it?"),
        };
        std::fs::create_dir_all(folder).map_err(|error| refused(&error))?;
        let objects = LocalFileSystem::new_with_prefix(folder).map_err(|error| refused(&error))?;
        // Acknowledged means durable, for sound as for events.
        Ok(Self { objects: Arc::new(objects.with_fsync(true).with_automatic_cleanup(true)) })
    }

    /// Opens a bucket; keys and endpoint come from the caller's configuration.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the configuration is incomplete. Nothing is sent yet.
    #[cfg(feature = "s3")]
    pub fn in_bucket(builder: object_store::aws::AmazonS3Builder) -> Result<Self, StoreError> {
        let objects = builder
            .build()
            .map_err(|error| StoreError::Open { what: "recordings in S3".into(), why: error.to_string() })?;
        Ok(Self { objects: Arc::new(objects) })
    }

    /// Puts a recording under a key: readers see all of it or nothing. What was there is replaced.
    pub async fn put(&self, key: &str, sound: Bytes) -> Result<(), StoreError> {
        self.objects.put(&path(key)?, sound.into()).await.map_err(|error| broken(key, error))?;
        Ok(())
    }

    /// Returns the length of a recording in bytes, or nothing when there is none.
    pub async fn size_bytes(&self, key: &str) -> Result<Option<u64>, StoreError> {
        match self.objects.head(&path(key)?).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(broken(key, error)),
        }
    }

    /// Returns a whole recording, or nothing when there is none.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        match self.objects.get(&path(key)?).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(|error| broken(key, error))?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(broken(key, error)),
        }
    }

    /// Returns a part of a recording, or nothing when there is none. The range has to lie within its length.
    pub async fn range(&self, key: &str, bytes: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        match self.objects.get_range(&path(key)?, bytes).await {
            Ok(part) => Ok(Some(part)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(broken(key, error)),
        }
    }

    /// Deletes a recording; it is no error when there is none.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match self.objects.delete(&path(key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(broken(key, error)),
        }
    }
}

/// Checks a key: parts of letters, digits, `-`, `_`, `.` between slashes, none of them only dots.
fn path(key: &str) -> Result<Path, StoreError> {
    let fine = |part: &str| {
        !part.is_empty()
            && part.chars().any(|c| c != '.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    if key.len() > 512 || !key.split('/').all(fine) {
        return Err(StoreError::Refused("a recording's key is made of letters, digits, - _ . and /".into()));
    }
    Path::parse(key).map_err(|error| StoreError::Refused(error.to_string()))
}

fn broken(key: &str, error: object_store::Error) -> StoreError {
    let text = format!("recording {key}: {error}");
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return match io.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    StoreError::NoRoom(text)
                }
                _ => StoreError::Unavailable(text),
            };
        }
        cause = inner.source();
    }
    match error {
        object_store::Error::Generic { .. } => StoreError::Unavailable(text),
        _ => StoreError::Broken(text),
    }
}
