//! The book of scenarios, and sessions played against them with the ear and the protocol in force.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use gradus_engine::practice::{BUILTIN, Outcome, Scenario, Score, Session, Stage, Turn, parse};
use gradus_engine::signal::Party;
use serde_json::json;

use crate::desk::Desk;
use crate::password;
use crate::store::{PracticeRow, StoreError, UserId};

/// The scenarios that can be practised.
#[derive(Debug, Default)]
pub struct Book {
    scenarios: Vec<Arc<Scenario>>,
}

impl Book {
    /// Reads the scenarios that ship, and those of a folder besides; one of the folder replaces one of the same id.
    ///
    /// # Errors
    /// Every fault of a file with its line and cure.
    pub fn open(folder: Option<&Path>) -> Result<Self> {
        let mut book = Self::default();
        for (name, text) in BUILTIN {
            book.scenarios.push(Arc::new(parse(name, text)?));
        }
        let Some(folder) = folder else { return Ok(book) };
        for file in files(folder)? {
            let text =
                std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let scenario = Arc::new(parse(&file.display().to_string(), &text)?);
            match book.scenarios.iter_mut().find(|known| known.id == scenario.id) {
                Some(known) => *known = scenario,
                None => book.scenarios.push(scenario),
            }
        }
        Ok(book)
    }

    /// Returns every scenario.
    pub fn all(&self) -> &[Arc<Scenario>] {
        &self.scenarios
    }

    /// Returns a scenario by its id.
    pub fn get(&self, id: &str) -> Option<Arc<Scenario>> {
        self.scenarios.iter().find(|known| known.id == id).cloned()
    }
}

/// Returns the scenario files of a folder, by name.
///
/// # Errors
/// When the folder cannot be read or has none.
pub fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("practice.folder: cannot read {}", folder.display()))?;
    let mut files: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    files.sort();
    if files.is_empty() {
        bail!("practice.folder: no .toml in {}", folder.display());
    }
    Ok(files)
}

/// Begins a session for somebody.
///
/// # Errors
/// When the store fails.
pub async fn begin(desk: &Desk, user: &UserId, scenario: Arc<Scenario>) -> Result<PracticeRow> {
    let (turns, ..) = play(desk, Arc::clone(&scenario), Vec::new()).await?;
    let row = PracticeRow {
        id: format!("practice-{}", password::token()?.get(..20).unwrap_or_default()),
        user_id: user.clone(),
        scenario: scenario.id.clone(),
        started_at_ms: desk.clock.now().millis(),
        ended_at_ms: None,
        outcome: None,
        points: None,
        turns: json!(turns).to_string(),
    };
    desk.store.keep_practice(&row).await?;
    Ok(row)
}

/// Takes a reply. A session that has ended takes nothing more.
///
/// # Errors
/// When the store fails.
pub async fn reply(
    desk: &Desk,
    mut row: PracticeRow,
    scenario: Arc<Scenario>,
    text: &str,
) -> Result<PracticeRow> {
    if row.outcome.is_some() {
        return Ok(row);
    }
    let mut replies = replies(&row);
    replies.push(text.to_owned());
    let (turns, outcome, score) = play(desk, scenario, replies).await?;
    row.turns = json!(turns).to_string();
    if let Some(outcome) = outcome {
        row.outcome = Some(if outcome == Outcome::Won { "won" } else { "lost" }.to_owned());
        row.points = Some(i64::from(score.points));
        row.ended_at_ms = Some(desk.clock.now().millis());
    }
    desk.store.keep_practice(&row).await?;
    Ok(row)
}

/// Returns the score of a session as it is judged now.
///
/// # Errors
/// When the work was interrupted.
pub async fn score(desk: &Desk, row: &PracticeRow, scenario: Arc<Scenario>) -> Result<Score> {
    Ok(play(desk, scenario, replies(row)).await?.2)
}

/// Returns the lines of a session.
pub fn turns(row: &PracticeRow) -> Vec<Turn> {
    serde_json::from_str(&row.turns).unwrap_or_default()
}

fn replies(row: &PracticeRow) -> Vec<String> {
    turns(row).into_iter().filter(|turn| turn.party == Party::Agent).map(|turn| turn.text).collect()
}

/// Plays a session from its replies, on a thread that may think.
async fn play(
    desk: &Desk,
    scenario: Arc<Scenario>,
    replies: Vec<String>,
) -> Result<(Vec<Turn>, Option<Outcome>, Score)> {
    let (ear, protocol) = (desk.pipeline.ear(), desk.pipeline.protocol());
    let played = tokio::task::spawn_blocking(move || {
        let stage = Stage { protocol: &protocol, notices: &*ear, scenario: &scenario };
        let session = Session::replay(stage, replies.iter().map(String::as_str));
        let score = session.score();
        (session.turns, session.outcome, score)
    });
    Ok(played.await?)
}

/// Forgets a session of one's own.
///
/// # Errors
/// When there is none.
pub async fn forget(desk: &Desk, row: &PracticeRow) -> Result<(), StoreError> {
    desk.store.forget_practice(&row.id).await
}
