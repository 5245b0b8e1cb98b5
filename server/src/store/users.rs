//! Users of Gradus and their sessions. Passwords and session tokens are stored as hashes only; hashing them is the
//! caller's work.

use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::on;
use super::error::StoreError;
use super::ids::UserId;

/// A user, as written and as read.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct User {
    /// Their name in the store.
    pub id: UserId,
    /// What they sign in with, in small letters.
    pub login: String,
    /// Their name for people.
    pub name: String,
    /// `agent`, `supervisor`, `specialist`, `coach`, `director`, `employee`, `administrator`, …
    pub role: String,
    /// Their team; nobody's when they see all.
    pub team: Option<String>,
    /// The argon2 hash of their password; `None` when they sign in elsewhere.
    pub password_hash: Option<String>,
    /// `ru` or `en`.
    pub locale: String,
    /// Whether they may sign in.
    pub active: bool,
    /// When they were added.
    pub created_at_ms: i64,
}

/// A session of a user.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// SHA-256 of the token the browser holds.
    pub token_hash: String,
    /// Whose it is.
    pub user_id: UserId,
    /// The token forms have to carry.
    pub csrf: String,
    /// When they signed in.
    pub created_at_ms: i64,
    /// When it ends.
    pub expires_at_ms: i64,
    /// When it was last used, as far as noted.
    pub seen_at_ms: i64,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
}

impl Store {
    /// Adds a user.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the login or the id is taken.
    pub async fn add_user(&self, user: &User) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO users (id, login, name, role, team, password_hash, locale, active, created_at_ms)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(&user.id)
                .bind(user.login.to_lowercase())
                .bind(&user.name)
                .bind(&user.role)
                .bind(&user.team)
                .bind(&user.password_hash)
                .bind(&user.locale)
                .bind(user.active)
                .bind(user.created_at_ms)
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Changes everything of a user except the password. A user who is no longer active is signed out everywhere.
    pub async fn change_user(&self, user: &User) -> Result<(), StoreError> {
        let mut tx = self.write.begin().await?;
        let sql = "UPDATE users SET login = $2, name = $3, role = $4, team = $5, locale = $6, active = $7 WHERE id = $1";
        let changed = super::engine::within!(&mut tx, |conn| {
            let changed = sqlx::query(sql)
                .bind(&user.id)
                .bind(user.login.to_lowercase())
                .bind(&user.name)
                .bind(&user.role)
                .bind(&user.team)
                .bind(&user.locale)
                .bind(user.active)
                .execute(&mut *conn)
                .await?
                .rows_affected();
            if !user.active {
                sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(&user.id).execute(conn).await?;
            }
            changed
        });
        tx.commit().await?;
        super::conversations::found(changed, "user", &user.id)
    }

    /// Sets the password of a user and signs them out everywhere else.
    pub async fn set_password(&self, id: &UserId, password_hash: &str) -> Result<(), StoreError> {
        let mut tx = self.write.begin().await?;
        let changed = super::engine::within!(&mut tx, |conn| {
            sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(id).execute(&mut *conn).await?;
            sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1")
                .bind(id)
                .bind(password_hash)
                .execute(conn)
                .await?
                .rows_affected()
        });
        tx.commit().await?;
        super::conversations::found(changed, "user", id)
    }

    /// Returns a user.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let sql = "SELECT id, login, name, role, team, password_hash, locale, active, created_at_ms
                   FROM users WHERE id = $1";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_optional(pool).await?))
    }

    /// Returns the user with a login, whether active or not.
    pub async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        let sql = "SELECT id, login, name, role, team, password_hash, locale, active, created_at_ms
                   FROM users WHERE login = $1";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(login.to_lowercase()).fetch_optional(pool).await?))
    }

    /// Returns all users by name.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let sql = "SELECT id, login, name, role, team, password_hash, locale, active, created_at_ms
                   FROM users ORDER BY name, id";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).fetch_all(pool).await?))
    }

    /// Begins a session.
    pub async fn begin_session(&self, session: &Session) -> Result<(), StoreError> {
        let sql = "INSERT INTO sessions (token_hash, user_id, csrf, created_at_ms, expires_at_ms, seen_at_ms, user_agent)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(&session.token_hash)
                .bind(&session.user_id)
                .bind(&session.csrf)
                .bind(session.created_at_ms)
                .bind(session.expires_at_ms)
                .bind(session.seen_at_ms)
                .bind(session.user_agent.as_deref().map(super::json::clean))
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Returns a session that has not ended, with its user, if that user is active.
    pub async fn session(
        &self,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<Option<(Session, User)>, StoreError> {
        let sql = "SELECT s.token_hash, s.user_id, s.csrf, s.created_at_ms, s.expires_at_ms, s.seen_at_ms, s.user_agent
                   FROM sessions s JOIN users u ON u.id = s.user_id AND u.active
                   WHERE s.token_hash = $1 AND s.expires_at_ms > $2";
        let session: Option<Session> = on!(self.read, |pool| sqlx::query_as(sql)
            .bind(token_hash)
            .bind(now.millis())
            .fetch_optional(pool)
            .await?);
        let Some(session) = session else { return Ok(None) };
        let user = self.user(&session.user_id).await?;
        Ok(user.map(|user| (session, user)))
    }

    /// Notes that a session was used and lets it end later.
    pub async fn extend_session(
        &self,
        token_hash: &str,
        seen: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET seen_at_ms = $2, expires_at_ms = $3 WHERE token_hash = $1 AND expires_at_ms > $2";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(token_hash)
                .bind(seen.millis())
                .bind(expires.millis())
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Ends a session.
    pub async fn end_session(&self, token_hash: &str) -> Result<(), StoreError> {
        on!(self.write, |pool| {
            sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(token_hash).execute(pool).await?;
        });
        Ok(())
    }

    /// Removes the sessions that have ended; returns how many.
    pub async fn forget_ended_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sql = "DELETE FROM sessions WHERE expires_at_ms <= $1";
        Ok(on!(self.write, |pool| sqlx::query(sql).bind(now.millis()).execute(pool).await?.rows_affected()))
    }
}
