//! Tasks: what conclusions of cases ask of somebody by a date.

use gradus_engine::time::Timestamp;
use serde::Serialize;

use super::Store;
use super::conversations::found;
use super::engine::on;
use super::error::StoreError;
use super::ids::{CaseId, ConversationId, UserId};
use super::json::clean;
use crate::mask::MaskedText;

/// A task that is given.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// Its name, unique for ever; a repeat changes nothing.
    pub id: String,
    /// The case whose conclusion it carries out.
    pub case_id: Option<CaseId>,
    /// The conversation it comes from.
    pub conversation_id: Option<ConversationId>,
    /// The reason that is not to come back, by its name in the protocol; empty for none.
    pub reason: String,
    /// The team that sees it.
    pub team: Option<String>,
    /// What is to be done.
    pub what: MaskedText,
    /// Who does it.
    pub owner: UserId,
    /// By when.
    pub due_at: Timestamp,
    /// Who gave it.
    pub made_by: UserId,
    /// When.
    pub made_at: Timestamp,
}

/// A task with the names people see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct TaskRow {
    pub id: String,
    pub case_id: Option<CaseId>,
    pub case_number: Option<i64>,
    pub conversation_id: Option<ConversationId>,
    pub reason: String,
    pub team: Option<String>,
    pub what: String,
    pub owner_id: UserId,
    pub owner_name: Option<String>,
    pub due_at_ms: i64,
    pub made_by: UserId,
    pub made_by_name: Option<String>,
    pub made_at_ms: i64,
    /// `open`, `done`, `dropped`.
    pub state: String,
    pub ended_by_name: Option<String>,
    pub ended_at_ms: Option<i64>,
    pub result: Option<String>,
}

/// Which tasks.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Open ones, ended ones, or both.
    pub open: Option<bool>,
    /// Only those of this person.
    pub owner: Option<UserId>,
    /// Only those of this case.
    pub case: Option<CaseId>,
    /// Only those of this team: the caller's permission.
    pub team: Option<String>,
    /// How many at most.
    pub limit: i64,
}

/// When a reason first led to a decision to engage somebody in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ReasonTime {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// When, in ms since 1970.
    pub at_ms: i64,
}

macro_rules! task_select {
    ($rest:literal) => {
        concat!(
            "SELECT t.id, t.case_id, c.number AS case_number, t.conversation_id, t.reason, t.team, t.what, t.owner_id,
                 o.name AS owner_name, t.due_at_ms, t.made_by, m.name AS made_by_name, t.made_at_ms, t.state,
                 e.name AS ended_by_name, t.ended_at_ms, t.result
             FROM tasks t
             LEFT JOIN cases c ON c.id = t.case_id
             LEFT JOIN users o ON o.id = t.owner_id
             LEFT JOIN users m ON m.id = t.made_by
             LEFT JOIN users e ON e.id = t.ended_by ",
            $rest
        )
    };
}

impl Store {
    /// Writes a task down.
    pub async fn give_task(&self, task: &NewTask) -> Result<(), StoreError> {
        let sql = "INSERT INTO tasks (id, case_id, conversation_id, reason, team, what, owner_id, due_at_ms, made_by,
                       made_at_ms, state)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open') ON CONFLICT (id) DO NOTHING";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(&task.id)
                .bind(&task.case_id)
                .bind(&task.conversation_id)
                .bind(&task.reason)
                .bind(&task.team)
                .bind(clean(&task.what))
                .bind(&task.owner)
                .bind(task.due_at.millis())
                .bind(&task.made_by)
                .bind(task.made_at.millis())
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Returns a task.
    pub async fn task(&self, id: &str) -> Result<Option<TaskRow>, StoreError> {
        let sql = task_select!("WHERE t.id = $1");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_optional(pool).await?))
    }

    /// Returns tasks: open ones by their date, then those that ended, the latest first.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskRow>, StoreError> {
        let sql = task_select!(
            "WHERE (CAST($1 AS BOOLEAN) IS NULL OR (t.state = 'open') = $1)
               AND (CAST($2 AS TEXT) IS NULL OR t.owner_id = $2)
               AND (CAST($3 AS TEXT) IS NULL OR t.case_id = $3)
               AND (CAST($4 AS TEXT) IS NULL OR t.team = $4)
             ORDER BY CASE WHEN t.state = 'open' THEN 0 ELSE 1 END,
                 CASE WHEN t.state = 'open' THEN t.due_at_ms ELSE -t.ended_at_ms END, t.id LIMIT $5"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(filter.open)
            .bind(&filter.owner)
            .bind(&filter.case)
            .bind(&filter.team)
            .bind(filter.limit)
            .fetch_all(pool)
            .await?))
    }

    /// Ends a task: `done` or `dropped`, with what came of it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such task, or it ended already.
    pub async fn end_task(
        &self,
        id: &str,
        (state, result): (&str, Option<&MaskedText>),
        by: &UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE tasks SET state = $2, result = $3, ended_by = $4, ended_at_ms = $5
                   WHERE id = $1 AND state = 'open'";
        let result = result.map(|result| clean(result));
        let changed = on!(self.write, |pool| sqlx::query(sql)
            .bind(id)
            .bind(state)
            .bind(result)
            .bind(by)
            .bind(now.millis())
            .execute(pool)
            .await?
            .rows_affected());
        found(changed, "open task", &id)
    }

    /// Returns when conversations were escalated for a reason, each once by its first decision, from a moment on.
    pub async fn reason_times(
        &self,
        team: Option<&str>,
        reason: &str,
        from: Timestamp,
    ) -> Result<Vec<ReasonTime>, StoreError> {
        let sql = "SELECT d.conversation_id, MIN(d.at_ms) AS at_ms FROM decisions d
                   JOIN conversations v ON v.id = d.conversation_id
                   WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND d.reason = $2 AND d.at_ms >= $3
                     AND d.decision IN ('engage', 'engage_now', 'functional') AND COALESCE(v.source, '') <> 'play'
                   GROUP BY d.conversation_id ORDER BY at_ms, d.conversation_id";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(reason)
            .bind(from.millis())
            .fetch_all(pool)
            .await?))
    }
}
