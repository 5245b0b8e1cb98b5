//! Changed rule files come into force while the server runs; wrong ones leave the old rules in force.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gradus_engine::time::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::pipeline::Pipeline;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The rules in force, and what was refused since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesState {
    /// Version of rules and weights, as decisions name it.
    pub version: String,
    /// How many rules.
    pub rules: usize,
    /// Since when they are in force on this node; nothing for those of the start.
    pub since: Option<Timestamp>,
    /// Why files that were changed later are not in force, and since when: every fault with its place and cure.
    pub refused: Option<(Timestamp, String)>,
}

/// Keeps the rules of a folder in force as they change.
pub struct RuleKeeper {
    folder: Option<PathBuf>,
    pipeline: Arc<Pipeline>,
    clock: Arc<dyn Clock>,
    state: Mutex<RulesState>,
}

/// Names, sizes and times of the rule files: what tells that somebody saved one.
type Seen = Vec<(PathBuf, u64, Option<String>)>;

impl RuleKeeper {
    /// Begins with the rules that the pipeline hears with.
    pub fn new(folder: Option<&Path>, pipeline: Arc<Pipeline>, clock: Arc<dyn Clock>) -> Self {
        let ear = pipeline.ear();
        let state = RulesState {
            version: ear.rules_version().to_owned(),
            rules: ear.detector().rule_count(),
            since: None,
            refused: None,
        };
        Self { folder: folder.map(Path::to_owned), pipeline, clock, state: Mutex::new(state) }
    }

    /// Returns the rules in force.
    pub fn state(&self) -> RulesState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Compiles the files as they are now; right ones are in force from the next utterance on. Takes up to seconds.
    pub fn reload(&self) -> RulesState {
        let Some(folder) = &self.folder else { return self.state() };
        let compiled = crate::ears::ear(Some(folder));
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match compiled {
            Ok(ear) => {
                if ear.rules_version() != state.version {
                    tracing::info!("Rules {} are in force instead of {}", ear.rules_version(), state.version);
                    state.version = ear.rules_version().to_owned();
                    state.rules = ear.detector().rule_count();
                    state.since = Some(now);
                    self.pipeline.hear_with(Arc::new(ear));
                }
                state.refused = None;
            }
            Err(error) => {
                let why = format!("{error:#}");
                tracing::error!("notice.rules: rules {} stay in force: {why}", state.version);
                state.refused = Some((now, why));
            }
        }
        state.clone()
    }

    /// Looks at the folder until told to stop. Files are compiled when they rest: an editor may still be writing.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let Some(folder) = self.folder.clone() else { return };
        let mut compiled = seen(&folder);
        let mut last = compiled.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let now = seen(&folder);
            if now != compiled && now == last {
                let keeper = Arc::clone(&self);
                if let Err(error) = tokio::task::spawn_blocking(move || keeper.reload()).await {
                    tracing::error!("The rules could not be compiled: {error}");
                }
                compiled.clone_from(&now);
            }
            last = now;
        }
    }
}

fn seen(folder: &Path) -> Seen {
    let about = |path: PathBuf| {
        let meta = std::fs::metadata(&path).ok();
        let size = meta.as_ref().map_or(0, std::fs::Metadata::len);
        // Only whether it differs matters, so the time stays whatever the system calls it.
        let changed = meta.and_then(|meta| meta.modified().ok()).map(|time| format!("{time:?}"));
        (path, size, changed)
    };
    // A folder that cannot be read right now looks like an empty one, which is refused with its reason.
    super::paths(folder).unwrap_or_default().into_iter().map(about).collect()
}
