//! Tasks: what conclusions ask of whom by when, and whether the reason came back afterwards.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::time::Timestamp;
use serde::Deserialize;

use super::{Frame, Section, Words, frame, is_late, show};
use crate::api::{ApiError, Asked, Filled};
use crate::auth::{May, Me};
use crate::http::App;
use crate::mask::MaskedText;
use crate::store::{CaseRow, NewTask, TaskFilter, TaskRow, UserId};
use crate::tasks::{Comeback, Verdict, came_back, needed_from};

/// Tasks of one list.
const MOST: i64 = 300;
/// Longest text, in code points.
const LONGEST: usize = 2_000;

/// A task in words.
pub struct TaskLine {
    pub id: String,
    pub what: String,
    pub owner: String,
    pub due: String,
    pub late: bool,
    pub open: bool,
    pub reason: String,
    pub case_href: String,
    pub case_word: String,
    pub given: String,
    pub ended: String,
    pub result: String,
    /// Whether the reason came back: words, colour, the last conversation.
    pub back: String,
    pub back_class: &'static str,
    pub last_href: String,
    pub last: String,
    pub mine: bool,
}

/// What stands on the page of a case.
#[derive(Default)]
pub struct CaseTasks {
    pub lines: Vec<TaskLine>,
    pub people: Vec<(String, String)>,
    pub what: String,
    pub due: String,
    pub may: bool,
}

#[derive(Template)]
#[template(path = "tasks.html")]
pub(super) struct TasksPage {
    pub f: Frame,
    pub all: bool,
    pub may_all: bool,
    pub open: Vec<TaskLine>,
    pub done: Vec<TaskLine>,
}

/// Whose tasks.
#[derive(Deserialize)]
pub struct Whose {
    #[serde(default)]
    whose: String,
}

/// Shows one's own tasks, or those of everybody.
pub async fn page(State(app): State<App>, me: Me, Asked(whose): Asked<Whose>) -> Result<Response, ApiError> {
    let f = frame(&app, &me, Section::Other);
    let may_all = me.role.may(May::Review);
    let all = may_all && whose.whose != "mine";
    let rows = app.tasks_for(&me, all, None).await?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in &rows {
        lines.push(line(&f.w, row, comeback(&app, &me, row).await?, &me));
    }
    let (open, done) = lines.into_iter().partition(|line: &TaskLine| line.open);
    show(&TasksPage { f, all, may_all, open, done })
}

/// Compares how often the reason of an ended task occurred before and after.
async fn comeback(app: &App, me: &Me, row: &TaskRow) -> Result<Option<Comeback>, ApiError> {
    let (Some(ended), "done") = (row.ended_at_ms, row.state.as_str()) else { return Ok(None) };
    if row.reason.is_empty() {
        return Ok(None);
    }
    let (given, done) = (Timestamp::from_millis(row.made_at_ms), Timestamp::from_millis(ended));
    let times = app.desk.store.reason_times(me.team(), &row.reason, needed_from(given)).await?;
    Ok(Some(came_back(&times, given, done, app.desk.clock.now())))
}

pub(super) fn line(w: &Words, row: &TaskRow, back: Option<Comeback>, me: &Me) -> TaskLine {
    shown(w, row, back, row.owner_id == me.user.id || me.role.may(May::Review))
}

/// Returns a task in words; `mine` says whether who looks at it may end it.
pub(super) fn shown(w: &Words, row: &TaskRow, back: Option<Comeback>, mine: bool) -> TaskLine {
    let unknown = || w.t.unknown.to_owned();
    let open = row.state == "open";
    let ended = row.ended_at_ms.map(|at| {
        let state = if row.state == "done" { w.t.ta_done } else { w.t.ta_dropped };
        format!("{state} {}, {}", w.moment(at), row.ended_by_name.clone().unwrap_or_else(unknown))
    });
    let (words, class) = back.as_ref().map(|back| comeback_words(w, back)).unwrap_or_default();
    let last = back.and_then(|back| back.last);
    TaskLine {
        id: row.id.clone(),
        what: if row.what.is_empty() { w.t.erased.to_owned() } else { row.what.clone() },
        owner: row.owner_name.clone().unwrap_or_else(unknown),
        due: w.day(row.due_at_ms),
        late: open && is_late(Some(row.due_at_ms), Timestamp::from_millis(w.now_ms())),
        open,
        reason: if row.reason.is_empty() { String::new() } else { w.reason(&row.reason) },
        case_href: row.case_id.as_ref().map(|case| format!("/cases/{case}")).unwrap_or_default(),
        case_word: row.case_number.map(|number| format!("{} {number}", w.t.co_case)).unwrap_or_default(),
        given: format!("{}, {}", row.made_by_name.clone().unwrap_or_else(unknown), w.day(row.made_at_ms)),
        ended: ended.unwrap_or_default(),
        result: row.result.clone().unwrap_or_default(),
        back: words,
        back_class: class,
        last_href: last.as_ref().map(|(id, _)| format!("/conversations/{id}")).unwrap_or_default(),
        last: last.map(|(_, at)| w.moment(at)).unwrap_or_default(),
        mine,
    }
}

fn comeback_words(w: &Words, back: &Comeback) -> (String, &'static str) {
    let days =
        format!("{}\u{a0}{}", back.days, w.plural(back.days, ["день", "дня", "дней"], ["day", "days"]));
    let counts =
        format!("{days} {}: {}, {} {}", w.t.ta_after, back.after, w.t.ta_as_many_before, back.before);
    match back.verdict {
        Verdict::TooEarly => (w.t.ta_too_early.to_owned(), ""),
        Verdict::Gone => (format!("{}. {counts}", w.t.ta_gone), "good"),
        Verdict::Rarer => (format!("{}. {counts}", w.t.ta_rarer), "warn"),
        Verdict::Back => (format!("{}. {counts}", w.t.ta_back), "late"),
    }
}

/// Returns the tasks of a case with the form for another one; the conclusion is proposed.
///
/// # Errors
/// When the store fails.
pub(super) async fn of_case(app: &App, me: &Me, w: &Words, row: &CaseRow) -> Result<CaseTasks, ApiError> {
    if row.closed_at_ms.is_none() {
        return Ok(CaseTasks::default());
    }
    let rows = app.tasks_for(me, true, Some(row)).await?;
    let mut lines = Vec::with_capacity(rows.len());
    for task in &rows {
        lines.push(line(w, task, comeback(app, me, task).await?, me));
    }
    let people = app.desk.store.users().await?;
    let may = me.role.may(May::Review);
    let people = people.into_iter().filter(|user| user.active && may);
    let due = app.desk.clock.now().plus(gradus_engine::time::Millis::minutes(7 * 24 * 60));
    Ok(CaseTasks {
        what: if lines.is_empty() { row.conclusion.clone().unwrap_or_default() } else { String::new() },
        lines,
        people: people.map(|user| (user.id.0, user.name)).collect(),
        due: w.civil_day(due.millis()),
        may,
    })
}

/// A task that is given.
#[derive(Deserialize)]
pub struct Given {
    #[serde(default)]
    csrf: String,
    /// What is to be done.
    what: String,
    /// Who does it.
    owner: String,
    /// By which day, `YYYY-MM-DD`.
    due: String,
    /// Where to go afterwards: the review of a week, or the case.
    #[serde(default)]
    back: String,
}

/// Makes a task of the conclusion of a case.
pub async fn give(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Given>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Review)?;
    let row = app.case_for(&me, id).await?;
    let source = Source {
        case: Some(row.id.clone()),
        conversation: row.conversation_id.clone(),
        reason: row.reason.clone().or(row.cause.clone()).unwrap_or_default(),
        team: row.team.clone(),
    };
    app.give_task(&me, source, (&form.what, &form.owner, &form.due)).await?;
    let back = if form.back.starts_with("/review") { form.back } else { format!("/cases/{}#tasks", row.id) };
    Ok(Redirect::to(&back).into_response())
}

/// What became of a task.
#[derive(Deserialize)]
pub struct Ended {
    #[serde(default)]
    csrf: String,
    /// `done` or `dropped`.
    state: String,
    /// What came of it.
    #[serde(default)]
    result: String,
}

/// Ends a task.
pub async fn end(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Ended>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    app.end_task(&me, &id, &form.state, &form.result).await?;
    Ok(Redirect::to("/tasks").into_response())
}

/// Where a task comes from.
pub struct Source {
    /// The case.
    pub case: Option<crate::store::CaseId>,
    /// The conversation.
    pub conversation: Option<crate::store::ConversationId>,
    /// The reason that is not to come back.
    pub reason: String,
    /// The team that sees it.
    pub team: Option<String>,
}

impl App {
    /// Returns tasks that somebody may see: their own, or those of their team.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tasks_for(
        &self,
        me: &Me,
        all: bool,
        case: Option<&CaseRow>,
    ) -> Result<Vec<TaskRow>, ApiError> {
        let filter = TaskFilter {
            open: None,
            owner: (!all).then(|| me.user.id.clone()),
            case: case.map(|row| row.id.clone()),
            team: me.team().filter(|_| all).map(str::to_owned),
            limit: MOST,
        };
        Ok(self.desk.store.tasks(&filter).await?)
    }

    /// Gives a task: what, who, by which day.
    ///
    /// # Errors
    /// `Wrong` names what is missing.
    pub async fn give_task(
        &self,
        me: &Me,
        from: Source,
        (what, owner, due): (&str, &str, &str),
    ) -> Result<String, ApiError> {
        let what = what.trim();
        if what.is_empty() || what.chars().count() > LONGEST {
            return Err(ApiError::Wrong(format!("what: say what is to be done, in up to {LONGEST} signs")));
        }
        let owner = self.desk.store.user(&UserId(owner.to_owned())).await?.filter(|user| user.active);
        let owner = owner.ok_or_else(|| ApiError::Wrong("owner: nobody active has this id".into()))?;
        let wrong = || ApiError::Wrong(format!("due: \"{due}\" is no day, write it as 2026-12-01"));
        let day: jiff::civil::Date = due.trim().parse().map_err(|_| wrong())?;
        let evening = day.at(18, 0, 0, 0).to_zoned_datetime(self.zone.clone()).map_err(|_| wrong())?;
        let now = self.desk.clock.now();
        let id = uuid::Uuid::new_v4().to_string();
        let task = NewTask {
            id: id.clone(),
            case_id: from.case,
            conversation_id: from.conversation,
            reason: from.reason,
            team: from.team,
            what: MaskedText::of(what),
            owner: owner.id,
            due_at: Timestamp::from_millis(evening.timestamp().as_millisecond()),
            made_by: me.user.id.clone(),
            made_at: now,
        };
        self.desk.store.give_task(&task).await?;
        self.desk.store.audit(now, &me.user.id.0, "task.give", &format!("task:{id}"), "").await?;
        Ok(id)
    }

    /// Ends a task in the name of its owner or of whoever sees to them.
    ///
    /// # Errors
    /// `NotFound` where it is not theirs to see, `Wrong` for an unknown state, and when it ended already.
    pub async fn end_task(&self, me: &Me, id: &str, state: &str, result: &str) -> Result<(), ApiError> {
        let row = self.desk.store.task(id).await?.ok_or(ApiError::NotFound)?;
        let own = row.owner_id == me.user.id;
        let sees = me.role.may(May::Review) && (me.team().is_none() || row.team.as_deref() == me.team());
        if !own && !sees {
            return Err(ApiError::NotFound);
        }
        if !matches!(state, "done" | "dropped") {
            return Err(ApiError::Wrong("state: done or dropped".into()));
        }
        if result.chars().count() > LONGEST {
            return Err(ApiError::Wrong(format!("result: at most {LONGEST} signs")));
        }
        let result = Some(result.trim()).filter(|result| !result.is_empty()).map(MaskedText::of);
        let now = self.desk.clock.now();
        self.desk.store.end_task(id, (state, result.as_ref()), &me.user.id, now).await?;
        self.desk.store.audit(now, &me.user.id.0, "task.end", &format!("task:{id}"), state).await?;
        Ok(())
    }
}
