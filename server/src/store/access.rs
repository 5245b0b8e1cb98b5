//! Ways in beside the password: sessions as their owner sees them, links that set a password once, the second step.
//! Tokens and codes come hashed; hashing is the caller's work.

use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::{on, within};
use super::error::StoreError;
use super::ids::UserId;
use super::users::{Session, User};

/// What a link that sets a password is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A new person chooses their first password.
    Invite,
    /// Somebody who lost theirs chooses another.
    Reset,
}

impl LinkKind {
    /// Returns the name that is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::Reset => "reset",
        }
    }
}

/// A link that sets a password, once and for a while.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct EntryLink {
    /// SHA-256 of its token.
    pub token_hash: String,
    /// Whose password it sets.
    pub user_id: UserId,
    /// `invite` or `reset`.
    pub kind: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at_ms: i64,
    /// Until when it works.
    pub expires_at_ms: i64,
}

/// The second step of somebody's sign-in.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SecondFactor {
    /// The shared secret, base32.
    pub secret: String,
    /// Since when it is asked for; nothing until the first code was right.
    pub confirmed_at_ms: Option<i64>,
    /// The step of the last code that was taken.
    pub last_step: i64,
}

impl Store {
    /// Returns the sessions of a user that have not ended, the latest used first.
    pub async fn sessions_of(&self, user: &UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let sql = "SELECT token_hash, user_id, csrf, created_at_ms, expires_at_ms, seen_at_ms, user_agent FROM sessions
                   WHERE user_id = $1 AND expires_at_ms > $2 ORDER BY seen_at_ms DESC, token_hash";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(user).bind(now.millis()).fetch_all(pool).await?))
    }

    /// Ends the session of a user whose hash begins so; returns whether there was one.
    pub async fn end_session_of(&self, user: &UserId, begins: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM sessions WHERE user_id = $1 AND substr(token_hash, 1, 16) = $2";
        let ended = on!(self.write, |pool| {
            sqlx::query(sql).bind(user).bind(begins).execute(pool).await?.rows_affected()
        });
        Ok(ended > 0)
    }

    /// Ends all sessions of a user but one; an empty hash spares none. Returns how many ended.
    pub async fn end_sessions_but(&self, user: &UserId, token_hash: &str) -> Result<u64, StoreError> {
        let sql = "DELETE FROM sessions WHERE user_id = $1 AND token_hash <> $2";
        Ok(on!(self.write, |pool| {
            sqlx::query(sql).bind(user).bind(token_hash).execute(pool).await?.rows_affected()
        }))
    }

    /// Keeps a link; an earlier one of the same person works no longer.
    pub async fn add_entry_link(&self, link: &EntryLink) -> Result<(), StoreError> {
        let mut tx = self.write.begin().await?;
        let sql =
            "INSERT INTO entry_links (token_hash, user_id, kind, created_by, created_at_ms, expires_at_ms)
                   VALUES ($1, $2, $3, $4, $5, $6)";
        within!(&mut tx, |conn| {
            let gone = "DELETE FROM entry_links WHERE user_id = $1 AND used_at_ms IS NULL";
            sqlx::query(gone).bind(&link.user_id).execute(&mut *conn).await?;
            sqlx::query(sql)
                .bind(&link.token_hash)
                .bind(&link.user_id)
                .bind(&link.kind)
                .bind(&link.created_by)
                .bind(link.created_at_ms)
                .bind(link.expires_at_ms)
                .execute(conn)
                .await?;
        });
        tx.commit().await
    }

    /// Returns a link that still works, with its person.
    pub async fn entry_link(
        &self,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<Option<(EntryLink, User)>, StoreError> {
        let sql = "SELECT l.token_hash, l.user_id, l.kind, l.created_by, l.created_at_ms, l.expires_at_ms
                   FROM entry_links l JOIN users u ON u.id = l.user_id AND u.active
                   WHERE l.token_hash = $1 AND l.used_at_ms IS NULL AND l.expires_at_ms > $2";
        let link: Option<EntryLink> = on!(self.read, |pool| {
            sqlx::query_as(sql).bind(token_hash).bind(now.millis()).fetch_optional(pool).await?
        });
        let Some(link) = link else { return Ok(None) };
        let user = self.user(&link.user_id).await?;
        Ok(user.map(|user| (link, user)))
    }

    /// Returns the links that still work, the latest first.
    pub async fn entry_links(&self, now: Timestamp) -> Result<Vec<EntryLink>, StoreError> {
        let sql =
            "SELECT token_hash, user_id, kind, created_by, created_at_ms, expires_at_ms FROM entry_links
                   WHERE used_at_ms IS NULL AND expires_at_ms > $1 ORDER BY created_at_ms DESC, token_hash";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(now.millis()).fetch_all(pool).await?))
    }

    /// Sets the password by a link, which works no more after it, and signs the person out everywhere; returns whether the
    /// link still worked. Of two at once only one does.
    pub async fn enter_by_link(
        &self,
        token_hash: &str,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write.begin().await?;
        let take = "UPDATE entry_links SET used_at_ms = $2
                    WHERE token_hash = $1 AND used_at_ms IS NULL AND expires_at_ms > $2
                      AND user_id IN (SELECT id FROM users WHERE active) RETURNING user_id";
        let user: Option<UserId> = within!(&mut tx, |conn| {
            sqlx::query_scalar(take).bind(token_hash).bind(now.millis()).fetch_optional(conn).await?
        });
        let Some(user) = user else { return Ok(false) };
        within!(&mut tx, |conn| {
            sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(&user).execute(&mut *conn).await?;
            sqlx::query("DELETE FROM half_sign_ins WHERE user_id = $1")
                .bind(&user)
                .execute(&mut *conn)
                .await?;
            sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1")
                .bind(&user)
                .bind(password_hash)
                .execute(conn)
                .await?;
        });
        tx.commit().await?;
        Ok(true)
    }

    /// Notes that a password was right and a code is still to come.
    pub async fn begin_half_sign_in(
        &self,
        token_hash: &str,
        user: &UserId,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        let mut tx = self.write.begin().await?;
        let sql = "INSERT INTO half_sign_ins (token_hash, user_id, expires_at_ms) VALUES ($1, $2, $3)";
        within!(&mut tx, |conn| {
            let over = "DELETE FROM half_sign_ins WHERE expires_at_ms <= $1";
            sqlx::query(over).bind(now.millis()).execute(&mut *conn).await?;
            sqlx::query(sql).bind(token_hash).bind(user).bind(until.millis()).execute(conn).await?;
        });
        tx.commit().await
    }

    /// Returns the active person of a half sign-in that has not ended.
    pub async fn half_sign_in(&self, token_hash: &str, now: Timestamp) -> Result<Option<User>, StoreError> {
        let sql = "SELECT u.id, u.login, u.name, u.role, u.team, u.password_hash, u.locale, u.active, u.created_at_ms
                   FROM half_sign_ins h JOIN users u ON u.id = h.user_id AND u.active
                   WHERE h.token_hash = $1 AND h.expires_at_ms > $2";
        Ok(on!(self.read, |pool| {
            sqlx::query_as(sql).bind(token_hash).bind(now.millis()).fetch_optional(pool).await?
        }))
    }

    /// Ends a half sign-in; returns whether there was one, so that it becomes one session and not two.
    pub async fn end_half_sign_in(&self, token_hash: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM half_sign_ins WHERE token_hash = $1";
        Ok(on!(self.write, |pool| sqlx::query(sql).bind(token_hash).execute(pool).await?.rows_affected()) > 0)
    }

    /// Returns the second step of a user, asked for or not yet.
    pub async fn second_factor(&self, user: &UserId) -> Result<Option<SecondFactor>, StoreError> {
        let sql = "SELECT secret, confirmed_at_ms, last_step FROM second_factors WHERE user_id = $1";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(user).fetch_optional(pool).await?))
    }

    /// Returns the users whose sign-in has a second step.
    pub async fn users_with_second_factor(&self) -> Result<Vec<UserId>, StoreError> {
        let sql = "SELECT user_id FROM second_factors WHERE confirmed_at_ms IS NOT NULL ORDER BY user_id";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).fetch_all(pool).await?))
    }

    /// Keeps a secret whose first code is still to come. One that is asked for already stays as it is.
    pub async fn propose_second_factor(
        &self,
        user: &UserId,
        secret: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO second_factors (user_id, secret, created_at_ms, last_step) VALUES ($1, $2, $3, 0)
                   ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at_ms = excluded.created_at_ms
                   WHERE second_factors.confirmed_at_ms IS NULL";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(user).bind(secret).bind(now.millis()).execute(pool).await?;
        });
        Ok(())
    }

    /// Asks for the second step from now on, and keeps the hashes of its recovery codes; returns whether it was proposed.
    pub async fn confirm_second_factor(
        &self,
        user: &UserId,
        (step, codes): (i64, &[String]),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write.begin().await?;
        let sql = "UPDATE second_factors SET confirmed_at_ms = $2, last_step = $3
                   WHERE user_id = $1 AND confirmed_at_ms IS NULL";
        let confirmed = within!(&mut tx, |conn| {
            sqlx::query(sql).bind(user).bind(now.millis()).bind(step).execute(conn).await?.rows_affected()
        });
        if confirmed == 0 {
            return Ok(false);
        }
        within!(&mut tx, |conn| {
            sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1")
                .bind(user)
                .execute(&mut *conn)
                .await?;
            for code in codes {
                sqlx::query("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)")
                    .bind(user)
                    .bind(code)
                    .execute(&mut *conn)
                    .await?;
            }
        });
        tx.commit().await?;
        Ok(true)
    }

    /// Takes the code of a step, once: returns false when that step or a later one was taken before.
    pub async fn take_step(&self, user: &UserId, step: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE second_factors SET last_step = $2
                   WHERE user_id = $1 AND last_step < $2 AND confirmed_at_ms IS NOT NULL";
        Ok(on!(self.write, |pool| sqlx::query(sql)
            .bind(user)
            .bind(step)
            .execute(pool)
            .await?
            .rows_affected())
            > 0)
    }

    /// Takes a recovery code, once; returns whether it was there and unused.
    pub async fn take_recovery_code(
        &self,
        user: &UserId,
        code_hash: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE recovery_codes SET used_at_ms = $3
                   WHERE user_id = $1 AND code_hash = $2 AND used_at_ms IS NULL";
        let taken = on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(user)
                .bind(code_hash)
                .bind(now.millis())
                .execute(pool)
                .await?
                .rows_affected()
        });
        Ok(taken > 0)
    }

    /// Counts the recovery codes that a user has left.
    pub async fn recovery_codes_left(&self, user: &UserId) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at_ms IS NULL";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).bind(user).fetch_one(pool).await?))
    }

    /// Takes the second step of a user away, with its recovery codes; returns whether there was one.
    pub async fn drop_second_factor(&self, user: &UserId) -> Result<bool, StoreError> {
        let mut tx = self.write.begin().await?;
        let gone = within!(&mut tx, |conn| {
            sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1")
                .bind(user)
                .execute(&mut *conn)
                .await?;
            sqlx::query("DELETE FROM second_factors WHERE user_id = $1")
                .bind(user)
                .execute(conn)
                .await?
                .rows_affected()
        });
        tx.commit().await?;
        Ok(gone > 0)
    }
}
