//! What a case owes: its clocks, questions to departments, followers.

use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{CaseId, ConversationId, UserId};

/// A clock of a case as pages and figures show it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct ClockRow {
    pub clock: String,
    pub limit_ms: i64,
    pub calendar: String,
    pub due_at_ms: Option<i64>,
    pub met_at_ms: Option<i64>,
    pub spent_ms: i64,
    pub warned: bool,
    pub breached: bool,
}

/// A question to a department.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct AskRow {
    pub case_id: CaseId,
    pub case_number: i64,
    pub conversation_id: Option<ConversationId>,
    pub customer_name: Option<String>,
    pub priority: String,
    pub number: i64,
    pub department: String,
    pub asked_by: Option<UserId>,
    pub asked_by_name: Option<String>,
    pub asked_at_ms: i64,
    pub due_at_ms: i64,
    pub late: bool,
    pub answered_by: Option<UserId>,
    pub answered_by_name: Option<String>,
    pub answered_at_ms: Option<i64>,
    /// The words, unless they were erased or the protocol asks.
    pub question: Option<String>,
    pub answer: Option<String>,
}

/// A question to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseAsk {
    /// Its number in the case, from 1.
    pub number: i64,
    /// The department by name.
    pub department: String,
    /// Who asks; nobody when the protocol does.
    pub asked_by: Option<UserId>,
    /// When.
    pub asked_at: Timestamp,
    /// By when an answer is due.
    pub due_at: Timestamp,
    /// Whether a late answer was brought up.
    pub late: bool,
    /// Who answered, and when.
    pub answered: Option<(UserId, Timestamp)>,
}

/// What a case owes, to be written whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Until when the customer is waited for.
    pub paused_until: Option<Timestamp>,
    /// The clocks, with the time of writing.
    pub clocks: Vec<ClockRow>,
    /// When it is written.
    pub written_at: Timestamp,
    /// The questions.
    pub asks: Vec<CaseAsk>,
    /// Who follows the case.
    pub followers: Vec<UserId>,
}

macro_rules! ask_select {
    ($rest:literal) => {
        concat!(
            "SELECT a.case_id, c.number AS case_number, c.conversation_id, k.name AS customer_name, c.priority, a.number,
                 a.department, a.asked_by, u.name AS asked_by_name, a.asked_at_ms, a.due_at_ms, a.late, a.answered_by,
                 v.name AS answered_by_name, a.answered_at_ms, q.text AS question, w.text AS answer
             FROM case_asks a
             JOIN cases c ON c.id = a.case_id
             LEFT JOIN customers k ON k.id = c.customer_id
             LEFT JOIN users u ON u.id = a.asked_by
             LEFT JOIN users v ON v.id = a.answered_by
             LEFT JOIN case_timeline q ON q.case_id = a.case_id AND q.key = 'ask-' || a.number
             LEFT JOIN case_timeline w ON w.case_id = a.case_id AND w.key = 'answer-' || a.number ",
            $rest
        )
    };
}

impl Store {
    /// Returns the clocks of a case.
    pub async fn clocks_of_case(&self, case: &CaseId) -> Result<Vec<ClockRow>, StoreError> {
        let sql = "SELECT clock, limit_ms, calendar, due_at_ms, met_at_ms, spent_ms, warned, breached
                   FROM case_clocks WHERE case_id = $1 ORDER BY clock";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(case).fetch_all(pool).await?))
    }

    /// Returns the questions of a case, in the order in which they were asked.
    pub async fn asks_of_case(&self, case: &CaseId) -> Result<Vec<AskRow>, StoreError> {
        let sql = ask_select!("WHERE a.case_id = $1 ORDER BY a.number");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(case).fetch_all(pool).await?))
    }

    /// Returns the questions to a department, or to all of them: open ones first by their due time, then answered ones,
    /// latest first.
    pub async fn asks_of(&self, department: Option<&str>, limit: i64) -> Result<Vec<AskRow>, StoreError> {
        let sql = ask_select!(
            "WHERE (CAST($1 AS TEXT) IS NULL OR a.department = $1) AND (a.answered_at_ms IS NOT NULL OR c.closed_at_ms IS NULL)
             ORDER BY CASE WHEN a.answered_at_ms IS NULL THEN 0 ELSE 1 END,
                 CASE WHEN a.answered_at_ms IS NULL THEN a.due_at_ms ELSE -a.answered_at_ms END, a.case_id, a.number
             LIMIT $2"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(department).bind(limit).fetch_all(pool).await?))
    }

    /// Says whether a department was ever asked in a case: then its people may see it.
    pub async fn was_asked(&self, case: &CaseId, department: &str) -> Result<bool, StoreError> {
        let sql = "SELECT COUNT(*) FROM case_asks WHERE case_id = $1 AND department = $2";
        let count: i64 = on!(self.read, |pool| sqlx::query_scalar(sql)
            .bind(case)
            .bind(department)
            .fetch_one(pool)
            .await?);
        Ok(count > 0)
    }

    /// Returns who follows a case, by name.
    pub async fn followers_of(&self, case: &CaseId) -> Result<Vec<(UserId, Option<String>)>, StoreError> {
        let sql = "SELECT f.user_id, u.name FROM case_followers f LEFT JOIN users u ON u.id = f.user_id
                   WHERE f.case_id = $1 ORDER BY u.name, f.user_id";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(case).fetch_all(pool).await?))
    }
}

/// Writes what a case owes in place of what stood there.
pub(super) async fn write(tx: &mut Tx, case: &CaseId, service: &Service) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM case_clocks WHERE case_id = $1",
        "DELETE FROM case_asks WHERE case_id = $1",
        "DELETE FROM case_followers WHERE case_id = $1",
    ] {
        within!(tx, |conn| {
            sqlx::query(sql).bind(case).execute(conn).await?;
        });
    }
    let clock_sql =
        "INSERT INTO case_clocks (case_id, clock, limit_ms, calendar, due_at_ms, met_at_ms, spent_ms,
                         written_at_ms, warned, breached) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let ask_sql = "INSERT INTO case_asks (case_id, number, department, asked_by, asked_at_ms, due_at_ms, late, answered_by,
                       answered_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    within!(tx, |conn| {
        for clock in &service.clocks {
            sqlx::query(clock_sql)
                .bind(case)
                .bind(&clock.clock)
                .bind(clock.limit_ms)
                .bind(&clock.calendar)
                .bind(clock.due_at_ms)
                .bind(clock.met_at_ms)
                .bind(clock.spent_ms)
                .bind(service.written_at.millis())
                .bind(clock.warned)
                .bind(clock.breached)
                .execute(&mut *conn)
                .await?;
        }
        for ask in &service.asks {
            sqlx::query(ask_sql)
                .bind(case)
                .bind(ask.number)
                .bind(&ask.department)
                .bind(&ask.asked_by)
                .bind(ask.asked_at.millis())
                .bind(ask.due_at.millis())
                .bind(ask.late)
                .bind(ask.answered.as_ref().map(|(by, _)| by))
                .bind(ask.answered.as_ref().map(|(_, at)| at.millis()))
                .execute(&mut *conn)
                .await?;
        }
        for follower in &service.followers {
            sqlx::query(
                "INSERT INTO case_followers (case_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(case)
            .bind(follower)
            .execute(&mut *conn)
            .await?;
        }
    });
    Ok(())
}
