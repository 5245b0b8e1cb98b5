//! The duty rota: who answers alerts to a role when, and who stands in for somebody who is away.

use gradus_engine::time::Timestamp;
use serde::Serialize;

use super::Store;
use super::conversations::found;
use super::engine::on;
use super::error::StoreError;
use super::ids::UserId;

/// A turn of duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Duty {
    /// Its name.
    pub id: String,
    /// The role of the alert ladder whose alerts are answered.
    pub role: String,
    /// The team whose alerts they are; nothing for every team.
    pub team: Option<String>,
    /// Who is on duty.
    pub user_id: UserId,
    /// From when, milliseconds since 1970.
    pub from_ms: i64,
    /// Until when, without that moment.
    pub until_ms: i64,
    /// Who made the entry.
    pub made_by: UserId,
}

/// A time in which somebody is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Absence {
    /// Its name.
    pub id: String,
    /// Who is away.
    pub user_id: UserId,
    /// Who answers for them; nothing: the others of the role.
    pub substitute_id: Option<UserId>,
    /// From when, milliseconds since 1970.
    pub from_ms: i64,
    /// Until when, without that moment.
    pub until_ms: i64,
    /// Who made the entry.
    pub made_by: UserId,
}

impl Store {
    /// Enters a turn of duty.
    ///
    /// # Errors
    /// When it ends before it begins, or one with this name is there.
    pub async fn add_duty(&self, duty: &Duty) -> Result<(), StoreError> {
        span(duty.from_ms, duty.until_ms)?;
        let sql = "INSERT INTO duty (id, role, team, user_id, from_ms, until_ms, made_by)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(&duty.id)
                .bind(&duty.role)
                .bind(&duty.team)
                .bind(&duty.user_id)
                .bind(duty.from_ms)
                .bind(duty.until_ms)
                .bind(&duty.made_by)
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Takes a turn of duty away.
    ///
    /// # Errors
    /// When there is none of this name.
    pub async fn remove_duty(&self, id: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM duty WHERE id = $1";
        let changed = on!(self.write, |pool| sqlx::query(sql).bind(id).execute(pool).await?.rows_affected());
        found(changed, "turn of duty", &id.to_owned())
    }

    /// Returns the turns of duty that are not over at a moment, the next first; at most 500.
    pub async fn duties(&self, after: Timestamp) -> Result<Vec<Duty>, StoreError> {
        let sql = "SELECT id, role, team, user_id, from_ms, until_ms, made_by FROM duty WHERE until_ms > $1
                   ORDER BY from_ms, role, id LIMIT 500";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(after.millis()).fetch_all(pool).await?))
    }

    /// Enters an absence.
    ///
    /// # Errors
    /// When it ends before it begins, or somebody stands in for themselves.
    pub async fn add_absence(&self, absence: &Absence) -> Result<(), StoreError> {
        span(absence.from_ms, absence.until_ms)?;
        if absence.substitute_id.as_ref() == Some(&absence.user_id) {
            return Err(StoreError::Refused("nobody stands in for themselves: choose another person".into()));
        }
        let sql = "INSERT INTO absences (id, user_id, substitute_id, from_ms, until_ms, made_by)
                   VALUES ($1, $2, $3, $4, $5, $6)";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(&absence.id)
                .bind(&absence.user_id)
                .bind(&absence.substitute_id)
                .bind(absence.from_ms)
                .bind(absence.until_ms)
                .bind(&absence.made_by)
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Takes an absence away.
    ///
    /// # Errors
    /// When there is none of this name.
    pub async fn remove_absence(&self, id: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM absences WHERE id = $1";
        let changed = on!(self.write, |pool| sqlx::query(sql).bind(id).execute(pool).await?.rows_affected());
        found(changed, "absence", &id.to_owned())
    }

    /// Returns the absences that are not over at a moment, the next first; at most 500.
    pub async fn absences(&self, after: Timestamp) -> Result<Vec<Absence>, StoreError> {
        let sql =
            "SELECT id, user_id, substitute_id, from_ms, until_ms, made_by FROM absences WHERE until_ms > $1
                   ORDER BY from_ms, id LIMIT 500";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(after.millis()).fetch_all(pool).await?))
    }
}

fn span(from_ms: i64, until_ms: i64) -> Result<(), StoreError> {
    if until_ms > from_ms {
        return Ok(());
    }
    Err(StoreError::Refused("the end is not later than the begin: give a later end".into()))
}
