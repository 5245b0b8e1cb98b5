//! The protocol in force: published versions in the store, taken up by every node without a restart; who has read which.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gradus_engine::protocol::{DEFAULT_TEXT, Protocol};
use tokio_util::sync::CancellationToken;

use crate::pipeline::Pipeline;
use crate::protocol_diff;
use crate::store::{ProtocolRow, Store, StoreError, UserId};

/// How often it is looked for a version that another node, or the command line, has published.
const LOOK: Duration = Duration::from_secs(5);
/// Who published the protocol that ships.
pub const BUILTIN: &str = "builtin";
/// Who published the protocol of the configured file.
pub const CONFIG: &str = "config";
/// Longest protocol, in bytes.
pub const MOST_BYTES: usize = 1 << 20;

/// What a draft is: its faults, its tests, what it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The name of its version; empty where the file cannot be read.
    pub version: String,
    /// Every fault with its line and cure.
    pub faults: Vec<(usize, String)>,
    /// Test cases inside that pass.
    pub passed: usize,
    /// Test cases inside that fail: name, expected, decided.
    pub failed: Vec<(String, String, String)>,
    /// What differs from the protocol in force.
    pub changes: Vec<String>,
}

impl Checked {
    /// Says whether it may be published.
    pub fn is_fine(&self) -> bool {
        self.faults.is_empty() && self.failed.is_empty()
    }
}

/// Why a draft was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It has faults, or tests that fail.
    #[error("the draft has {} faults and {} failing tests: mend them first", .0.faults.len(), .0.failed.len())]
    Faulty(Box<Checked>),
    /// It says nothing of why.
    #[error("comment: say what changes and why, 1 to 1000 characters")]
    NoComment,
    /// The store refuses it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something is broken.
    #[error(transparent)]
    Broken(#[from] anyhow::Error),
}

/// Keeps the newest published version in force, and knows who has read it.
pub struct ProtocolKeeper {
    store: Arc<Store>,
    pipeline: Arc<Pipeline>,
    state: RwLock<KeptState>,
}

#[derive(Default)]
struct KeptState {
    number: i64,
    text: String,
    readers: HashSet<UserId>,
}

impl ProtocolKeeper {
    /// Makes a keeper over what the pipeline judges by; [`ProtocolKeeper::begin`] takes up what was published.
    pub fn new(store: Arc<Store>, pipeline: Arc<Pipeline>) -> Self {
        let state = KeptState { text: DEFAULT_TEXT.to_owned(), ..KeptState::default() };
        Self { store, pipeline, state: RwLock::new(state) }
    }

    /// Records the configured protocol, or the one that ships, where it is new, and takes up the newest version.
    ///
    /// A configured file whose version is new comes into force. The one that ships comes into force only while nobody
    /// published another.
    ///
    /// # Errors
    /// When a configured file changed and kept its version, or the store fails.
    pub async fn begin(&self, file: Option<&Path>) -> Result<()> {
        let known = self.store.published_protocols().await?;
        let now = self.store.clock().now();
        let (text, by) = match file {
            Some(path) => (
                std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
                CONFIG,
            ),
            None => (DEFAULT_TEXT.to_owned(), BUILTIN),
        };
        let version = Protocol::parse("protocol", &text)?.version;
        let ours = known.first().is_none_or(|newest| newest.published_by == BUILTIN);
        match known.iter().find(|row| row.version == version) {
            Some(row) if row.text != text && by == CONFIG => bail!(
                "conversation.protocol: the file differs from version \"{version}\" that was published before: give it a new version"
            ),
            Some(_) => {}
            None if by == CONFIG || ours => {
                self.store.publish_protocol(&version, &text, (by, ""), now).await?;
            }
            None => {}
        }
        self.look().await
    }

    /// Takes up the newest version and who has read it.
    ///
    /// # Errors
    /// When the store fails or a version cannot be read.
    pub async fn look(&self) -> Result<()> {
        let newest = self.store.newest_protocol().await?;
        if newest != self.state.read().unwrap_or_else(PoisonError::into_inner).number {
            let mut known = self.store.published_protocols().await?;
            known.reverse();
            for row in &known {
                let protocol = Protocol::parse(&row.version, &row.text)
                    .with_context(|| format!("the published protocol {}", row.version))?;
                self.pipeline.know(Arc::new(protocol), row.number == newest);
            }
            if let Some(row) = known.into_iter().next_back() {
                tracing::info!("Protocol {} is in force", row.version);
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                (state.number, state.text) = (row.number, row.text);
            }
        }
        let readers = self.store.readers_of(&self.pipeline.protocol().version).await?;
        let readers = readers.into_iter().map(|(user, _)| user).collect();
        self.state.write().unwrap_or_else(PoisonError::into_inner).readers = readers;
        Ok(())
    }

    /// Looks for new versions until told to stop.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            if let Err(error) = self.look().await {
                tracing::error!("A published protocol is not taken up: {error:#}");
            }
        }
    }

    /// Returns the text in force.
    pub fn text(&self) -> String {
        self.state.read().unwrap_or_else(PoisonError::into_inner).text.clone()
    }

    /// Says whether somebody has read the version in force. Before any version was published nobody has to.
    pub fn has_read(&self, user: &UserId) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.number == 0 || state.readers.contains(user)
    }

    /// Notes that somebody has read the version in force.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(&self, user: &UserId) -> Result<String, StoreError> {
        let version = self.pipeline.protocol().version.clone();
        let now = self.store.clock().now();
        self.store.read_protocol(&version, user, now).await?;
        self.store.audit(now, &user.0, "protocol.read", &format!("protocol:{version}"), "").await?;
        self.state.write().unwrap_or_else(PoisonError::into_inner).readers.insert(user.clone());
        Ok(version)
    }

    /// Checks a draft: faults, the test cases inside, what it changes.
    pub fn check(&self, text: &str) -> Checked {
        if text.len() > MOST_BYTES {
            return Checked {
                faults: vec![(1, format!("longer than {MOST_BYTES} bytes"))],
                ..Checked::default()
            };
        }
        match Protocol::parse("draft", text) {
            Err(errors) => Checked {
                faults: errors.errors.into_iter().map(|error| (error.line, error.message)).collect(),
                ..Checked::default()
            },
            Ok(protocol) => {
                let mut checked = Checked { version: protocol.version.clone(), ..Checked::default() };
                for test in &protocol.tests {
                    let outcome = test.run(&protocol);
                    if outcome.passed() {
                        checked.passed += 1;
                    } else {
                        let list = |lines: &[String]| lines.join("; ");
                        checked.failed.push((
                            test.name.clone(),
                            list(&outcome.expected),
                            list(&outcome.decided),
                        ));
                    }
                }
                checked.changes = protocol_diff::diff(&self.text(), text)
                    .map(|changes| changes.iter().map(ToString::to_string).collect())
                    .unwrap_or_default();
                checked
            }
        }
    }

    /// Publishes a draft: it is in force at once here, within seconds on other nodes. Conversations that go on are judged
    /// by it from their next event on; what was decided before keeps its version.
    ///
    /// # Errors
    /// When it is faulty, its tests fail, its version was published before, or there is no comment.
    pub async fn publish(&self, by: &UserId, text: &str, comment: &str) -> Result<ProtocolRow, PublishError> {
        let checked = self.check(text);
        if !checked.is_fine() {
            return Err(PublishError::Faulty(Box::new(checked)));
        }
        let comment = comment.trim();
        if comment.is_empty() || comment.chars().count() > 1_000 {
            return Err(PublishError::NoComment);
        }
        let now = self.store.clock().now();
        self.store.publish_protocol(&checked.version, text, (&by.0, comment), now).await?;
        let object = format!("protocol:{}", checked.version);
        self.store.audit(now, &by.0, "protocol.publish", &object, comment).await?;
        self.look().await?;
        let newest = self.store.published_protocols().await?.into_iter().next();
        newest.ok_or_else(|| anyhow::anyhow!("the published protocol is gone").into())
    }
}
