//! Where recordings appear: folders of this machine or of a network, and a prefix of an object storage. Both are looked
//! through again and again: no notice of a file system reaches over a network.

use std::collections::HashMap;
use std::path::Path as FilePath;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use gradus_engine::time::{Millis, Timestamp};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::config;
use crate::intake::SoundFormat;

/// A place in which recordings appear.
#[derive(Clone, Debug)]
pub struct Source {
    /// How pages and the queue call it.
    pub name: String,
    objects: Arc<dyn ObjectStore>,
    prefix: Option<Path>,
}

/// A file of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its place within the source.
    pub place: String,
    /// Bytes.
    pub size: u64,
    /// When it was last written, in ms since 1970.
    pub modified_ms: i64,
}

impl Source {
    /// Opens a folder.
    ///
    /// # Errors
    /// When it is not there.
    pub fn folder(folder: &FilePath) -> Result<Self> {
        let objects = LocalFileSystem::new_with_prefix(folder).with_context(|| {
            format!("recordings.folders: {} is not there or may not be read", folder.display())
        })?;
        Ok(Self { name: folder.display().to_string(), objects: Arc::new(objects), prefix: None })
    }

    /// Opens what the configuration says.
    ///
    /// # Errors
    /// Names the setting that is wrong.
    pub fn all(config: &config::Recordings) -> Result<Vec<Self>> {
        let mut all: Vec<Self> =
            config.folders.iter().map(|folder| Self::folder(folder)).collect::<Result<_>>()?;
        if !config.bucket.is_empty() {
            all.push(Self::bucket(config)?);
        }
        Ok(all)
    }

    #[cfg(feature = "s3")]
    fn bucket(config: &config::Recordings) -> Result<Self> {
        let mut builder = object_store::aws::AmazonS3Builder::new()
            .with_bucket_name(&config.bucket)
            .with_region(&config.region)
            .with_access_key_id(&config.key_id)
            .with_secret_access_key(config.secret.reveal());
        if !config.endpoint.is_empty() {
            builder = builder
                .with_endpoint(&config.endpoint)
                .with_allow_http(config.endpoint.starts_with("http://"));
        }
        let objects = builder.build().context("recordings.bucket")?;
        let prefix = (!config.prefix.is_empty()).then(|| Path::from(config.prefix.as_str()));
        let name = format!("s3://{}/{}", config.bucket, config.prefix);
        Ok(Self { name, objects: Arc::new(objects), prefix })
    }

    #[cfg(not(feature = "s3"))]
    fn bucket(_: &config::Recordings) -> Result<Self> {
        anyhow::bail!("recordings.bucket: this build has no object storage, build it with the feature `s3`")
    }

    /// Lists the recordings, in the order of their names.
    ///
    /// # Errors
    /// When the folder or storage cannot be read.
    pub async fn list(&self) -> Result<Vec<Found>> {
        let listed = self.objects.list(self.prefix.as_ref());
        let all: Vec<_> =
            listed.try_collect().await.with_context(|| format!("{} cannot be listed", self.name))?;
        let mut found: Vec<Found> = all
            .into_iter()
            .filter(|object| object.size > 0 && is_recording(object.location.as_ref()))
            .map(|object| Found {
                modified_ms: object.last_modified.timestamp_millis(),
                size: object.size,
                place: object.location.to_string(),
            })
            .collect();
        found.sort_by(|one, other| one.place.cmp(&other.place));
        Ok(found)
    }

    /// Reads a file whole, and when it was last written.
    ///
    /// # Errors
    /// When it is gone or cannot be read.
    pub async fn read(&self, place: &str) -> Result<(bytes::Bytes, i64)> {
        let path = Path::parse(place)?;
        let got = self.objects.get(&path).await.with_context(|| {
            format!("{place} cannot be read in {}: is it still there? may this user read it?", self.name)
        })?;
        let modified = got.meta.last_modified.timestamp_millis();
        Ok((got.bytes().await?, modified))
    }

    /// Reads the JSON beside a recording, `a.json` or `a.wav.json` for `a.wav`; nothing when there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub async fn beside(&self, place: &str) -> Result<Option<bytes::Bytes>> {
        let stem = place.rsplit_once('.').map_or(place, |(stem, _)| stem);
        for name in [format!("{stem}.json"), format!("{place}.json")] {
            match self.objects.get(&Path::parse(&name)?).await {
                Ok(found) => return Ok(Some(found.bytes().await?)),
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error).with_context(|| format!("{name} in {}", self.name)),
            }
        }
        Ok(None)
    }
}

/// By its name a recording, and none that is being written under another name or is hidden.
fn is_recording(place: &str) -> bool {
    let name = place.rsplit('/').next().unwrap_or(place);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_lowercase();
    !name.starts_with('.') && SoundFormat::of_extension(&extension).is_some()
}

/// Files that were seen and may still be written: only those are taken whose size and time stand still.
#[derive(Debug, Default)]
pub struct Still {
    seen: HashMap<String, (Found, Timestamp)>,
}

impl Still {
    /// Returns the files that have not changed for `still`, and forgets those that are gone.
    pub fn of(&mut self, found: Vec<Found>, now: Timestamp, still: Millis) -> Vec<Found> {
        let mut ready = Vec::new();
        let before = std::mem::take(&mut self.seen);
        for file in found {
            let since = match before.get(&file.place) {
                Some((known, since)) if *known == file => *since,
                _ => now,
            };
            if now.since(since) >= still {
                ready.push(file.clone());
            }
            self.seen.insert(file.place.clone(), (file, since));
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64, modified_ms: i64) -> Found {
        Found { place: "a.wav".into(), size, modified_ms }
    }

    #[test]
    fn a_file_is_taken_when_it_has_stood_still_and_not_while_it_grows() {
        let mut still = Still::default();
        let wait = Millis::seconds(10);
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        for (seconds, size, taken) in
            [(0, 100, 0), (5, 200, 0), (12, 200, 0), (14, 300, 0), (23, 300, 0), (24, 300, 1), (60, 300, 1)]
        {
            assert_eq!(still.of(vec![file(size, 1)], at(seconds), wait).len(), taken, "{seconds}");
        }
        // The same size written again is another file.
        assert!(still.of(vec![file(300, 2)], at(61), wait).is_empty());
        assert!(still.of(Vec::new(), at(80), wait).is_empty());
        assert!(still.of(vec![file(300, 2)], at(81), wait).is_empty(), "gone and back");
    }

    #[test]
    fn only_recordings_are_looked_at() {
        for (name, taken) in [
            ("a.wav", true),
            ("x/y/Б.MP3", true),
            (".a.wav", false),
            ("a.wav.part", false),
            ("a.json", false),
            ("wav", false),
        ] {
            assert_eq!(is_recording(name), taken, "{name}");
        }
    }

    #[tokio::test]
    async fn a_folder_gives_its_recordings_and_the_json_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("ноябрь")).unwrap();
        for (name, bytes) in
            [("ноябрь/звонок 1.wav", "RIFF"), ("ноябрь/звонок 1.json", "{}"), ("b.mp3", ""), ("c.mp3", "x")]
        {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let source = Source::folder(folder.path()).unwrap();
        let found = source.list().await.unwrap();
        let places: Vec<&str> = found.iter().map(|found| found.place.as_str()).collect();
        assert_eq!(places.len(), 2, "{places:?}");
        let call = found.iter().find(|found| found.size == 4).unwrap();
        assert_eq!(&source.read(&call.place).await.unwrap().0[..], b"RIFF");
        assert_eq!(source.beside(&call.place).await.unwrap().as_deref(), Some(&b"{}"[..]));
        assert_eq!(source.beside("c.mp3").await.unwrap(), None);
    }
}
