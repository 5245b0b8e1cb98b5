//! Practice sessions: whose, which scenario, the lines, the score.

use gradus_engine::time::Timestamp;
use serde::Serialize;

use super::Store;
use super::conversations::found;
use super::engine::on;
use super::error::StoreError;
use super::ids::UserId;

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct PracticeRow {
    /// Its name.
    pub id: String,
    /// Who practises.
    pub user_id: UserId,
    /// The scenario.
    pub scenario: String,
    /// When it began.
    pub started_at_ms: i64,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
    /// `won`, `lost`; nothing while it goes on.
    pub outcome: Option<String>,
    /// 0–100, once it has ended.
    pub points: Option<i64>,
    /// The lines so far, as JSON.
    pub turns: String,
}

/// How somebody practises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Progress {
    /// Who.
    pub user_id: UserId,
    /// Their name.
    pub name: Option<String>,
    /// Their team.
    pub team: Option<String>,
    /// Sessions that ended.
    pub sessions: i64,
    /// How many of them were won.
    pub won: i64,
    /// Mean of the points, rounded down.
    pub mean: i64,
    /// The best.
    pub best: i64,
    /// When the last one ended.
    pub last_at_ms: i64,
}

impl Store {
    /// Writes a session, new or changed.
    pub async fn keep_practice(&self, row: &PracticeRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO practice_sessions (id, user_id, scenario, started_at_ms, ended_at_ms, outcome, points, turns)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                   ON CONFLICT (id) DO UPDATE SET ended_at_ms = excluded.ended_at_ms, outcome = excluded.outcome,
                       points = excluded.points, turns = excluded.turns";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(&row.id)
                .bind(&row.user_id)
                .bind(&row.scenario)
                .bind(row.started_at_ms)
                .bind(row.ended_at_ms)
                .bind(&row.outcome)
                .bind(row.points)
                .bind(&row.turns)
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Returns a session.
    pub async fn practice(&self, id: &str) -> Result<Option<PracticeRow>, StoreError> {
        let sql = "SELECT id, user_id, scenario, started_at_ms, ended_at_ms, outcome, points, turns
                   FROM practice_sessions WHERE id = $1";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_optional(pool).await?))
    }

    /// Returns somebody's sessions, the latest first.
    pub async fn practices_of(&self, user: &UserId, limit: i64) -> Result<Vec<PracticeRow>, StoreError> {
        let sql = "SELECT id, user_id, scenario, started_at_ms, ended_at_ms, outcome, points, turns
                   FROM practice_sessions WHERE user_id = $1 ORDER BY started_at_ms DESC, id LIMIT $2";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(user).bind(limit).fetch_all(pool).await?))
    }

    /// Returns how people practise since a moment, those of a team alone where one is given.
    pub async fn practice_progress(
        &self,
        team: Option<&str>,
        since: Timestamp,
    ) -> Result<Vec<Progress>, StoreError> {
        let sql = "SELECT p.user_id, u.name, u.team, COUNT(*) AS sessions,
                       SUM(CASE WHEN p.outcome = 'won' THEN 1 ELSE 0 END) AS won,
                       CAST(SUM(p.points) / COUNT(*) AS BIGINT) AS mean, MAX(p.points) AS best, MAX(p.ended_at_ms) AS last_at_ms
                   FROM practice_sessions p JOIN users u ON u.id = p.user_id
                   WHERE p.ended_at_ms >= $2 AND (CAST($1 AS TEXT) IS NULL OR u.team = $1)
                   GROUP BY p.user_id, u.name, u.team ORDER BY u.name, p.user_id";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(team).bind(since.millis()).fetch_all(pool).await?))
    }

    /// Forgets a session.
    pub async fn forget_practice(&self, id: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM practice_sessions WHERE id = $1";
        let changed = on!(self.write, |pool| sqlx::query(sql).bind(id).execute(pool).await?.rows_affected());
        found(changed, "practice session", &id.to_owned())
    }
}
