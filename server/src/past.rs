//! Cases of former times come in with their resolutions: each is entered in its conversation's log with its own times,
//! alerts nobody, and stands where the file says it stood. A second import changes nothing.

use std::collections::BTreeMap;

use anyhow::Result;
use gradus_engine::case::Action;
use gradus_engine::time::Timestamp;

use crate::desk::{Desk, digest};
use crate::intake::cases::{PastCase, PastCases, place};
use crate::intake::{Fault, FaultKind};
use crate::pipeline::ActError;
use crate::store::{ConversationRow, User, UserId};

/// What became of the cases of a file.
#[derive(Debug, Default)]
pub struct Entered {
    /// Cases that were entered or taken further.
    pub entered: usize,
    /// Cases that already stood where the file says.
    pub known: usize,
    /// What is wrong with the other lines.
    pub faults: Vec<Fault>,
    /// People whom nobody knew: they are kept by their name and cannot sign in.
    pub strangers: Vec<String>,
}

/// Whoever enters a case that nobody took.
const NOBODY: &str = "import";

/// Enters cases.
///
/// # Errors
/// When the store is broken; what is wrong with a line is in [`Entered::faults`].
pub async fn enter(desk: &Desk, cases: PastCases) -> Result<Entered> {
    let mut people = People::of(desk).await?;
    let mut entered = Entered { faults: cases.faults, ..Entered::default() };
    for case in &cases.rows {
        match one(desk, case, &mut people).await? {
            Ok(true) => entered.entered += 1,
            Ok(false) => entered.known += 1,
            Err(fault) => entered.faults.push(fault),
        }
    }
    entered.strangers = people.strangers;
    Ok(entered)
}

/// Returns whether anything changed, or what is wrong with the line.
async fn one(desk: &Desk, case: &PastCase, people: &mut People) -> Result<Result<bool, Fault>> {
    let talk = match conversation(desk, case).await? {
        Ok(talk) => talk,
        Err(fault) => return Ok(Err(fault)),
    };
    let by = match &case.taken {
        Some((name, _)) => match people.find(desk, name).await? {
            Some(id) => id,
            None => {
                let problem = format!("several people are called «{name}»");
                return Ok(Err(fault(case, "taken_by", problem, "write the name they sign in with")));
            }
        },
        None => UserId(NOBODY.to_owned()),
    };
    let steps = steps(case, talk.case_state.as_deref(), &by, desk.clock.now());
    if steps.is_empty() {
        return Ok(Ok(false));
    }
    match desk.pipeline.act_in_turn(&talk.id, &steps).await {
        Ok(()) => Ok(Ok(true)),
        Err(ActError::Broken(error)) => Err(error),
        Err(refused) => Ok(Err(fault(case, "conversation", refused.to_string(), "correct the row"))),
    }
}

/// Returns what has to happen so that a case in this state stands where the file says.
fn steps(
    case: &PastCase,
    state: Option<&str>,
    by: &UserId,
    now: Timestamp,
) -> Vec<(UserId, Action, Timestamp)> {
    let mut steps = Vec::new();
    let mut add = |action, at| steps.push((by.clone(), action, at));
    if state.is_none() {
        add(Action::Enter { entered_at: now, due_at: case.due_at }, case.opened_at);
    }
    if let Some((_, at)) = &case.taken
        && matches!(state, None | Some("open"))
    {
        add(Action::TakeOver, *at);
    }
    if let Some((resolution, at)) = &case.resolved
        && matches!(state, None | Some("open" | "acknowledged" | "in_work"))
    {
        add(Action::Resolve { resolution: resolution.clone() }, *at);
    }
    steps
}

async fn conversation(desk: &Desk, case: &PastCase) -> Result<Result<ConversationRow, Fault>> {
    let ids = desk.store.conversations_named(&case.conversation).await?;
    let row = match ids.as_slice() {
        [id] => desk.store.conversation(id).await?,
        _ => None,
    };
    Ok(row.ok_or_else(|| match ids.len() {
        0 | 1 => {
            let problem = format!("there is no conversation «{}»", case.conversation);
            let cure = "import its recording or text first, or write the name of that file or the id of the conversation";
            fault(case, "conversation", problem, cure)
        }
        _ => {
            let problem = format!("several conversations are called «{}»", case.conversation);
            fault(case, "conversation", problem, "write the id from the address of its page")
        }
    }))
}

fn fault(case: &PastCase, column: &str, problem: String, cure: &str) -> Fault {
    Fault::new(FaultKind::Missing, place(case.line, column), problem, cure)
}

/// Everybody by login and by name, in small letters; `None` where several have it.
struct People {
    known: BTreeMap<String, Option<UserId>>,
    strangers: Vec<String>,
}

impl People {
    async fn of(desk: &Desk) -> Result<Self> {
        let mut known: BTreeMap<String, Option<UserId>> = BTreeMap::new();
        let users = desk.store.users().await?;
        for user in &users {
            let several = |known: &mut Option<UserId>| *known = known.take().filter(|id| *id == user.id);
            known
                .entry(user.name.to_lowercase())
                .and_modify(several)
                .or_insert_with(|| Some(user.id.clone()));
        }
        for user in users {
            known.insert(user.login.to_lowercase(), Some(user.id));
        }
        Ok(Self { known, strangers: Vec::new() })
    }

    /// Returns who is meant; a stranger is kept by the name alone. `None` when several are.
    async fn find(&mut self, desk: &Desk, name: &str) -> Result<Option<UserId>> {
        let key = name.to_lowercase();
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let login = format!("past-{}", digest(key.as_bytes()).get(..12).unwrap_or_default());
        let user = User {
            id: UserId(format!("user-{login}")),
            login,
            name: name.to_owned(),
            role: "supervisor".to_owned(),
            team: None,
            password_hash: None,
            locale: "ru".to_owned(),
            active: false,
            created_at_ms: desk.clock.now().millis(),
        };
        desk.store.add_user(&user).await?;
        self.strangers.push(name.to_owned());
        self.known.insert(key, Some(user.id.clone()));
        Ok(Some(user.id))
    }
}
