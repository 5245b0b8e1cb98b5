//! How people are reached beyond the page: addresses, quiet hours, the codes that link a chat to a person, and leases.

use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::{on, within};
use super::error::StoreError;
use super::ids::UserId;
use super::json::clean;

/// A way to reach a person.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct UserChannel {
    /// Whom.
    pub user_id: UserId,
    /// `email` or `telegram`.
    pub channel: String,
    /// The address or the number of the chat.
    pub address: String,
    /// Whether alerts go there.
    pub active: bool,
}

/// Hours in which only what is most urgent reaches a person beyond the page: minutes of the day, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct QuietHours {
    /// From this minute of the day on.
    pub from_minute: i64,
    /// Until this one; before `from_minute` it is one of the next day.
    pub to_minute: i64,
}

impl Store {
    /// Returns the ways to reach a person.
    pub async fn channels_of(&self, user: &UserId) -> Result<Vec<UserChannel>, StoreError> {
        let sql =
            "SELECT user_id, channel, address, active FROM user_channels WHERE user_id = $1 ORDER BY channel";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(user).fetch_all(pool).await?))
    }

    /// Sets a way to reach a person. A chat that belonged to somebody else is theirs no longer.
    pub async fn set_channel(&self, channel: &UserChannel, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write.begin().await?;
        within!(&mut tx, |conn| {
            sqlx::query("DELETE FROM user_channels WHERE channel = 'telegram' AND channel = $1 AND address = $2 AND user_id <> $3")
                .bind(&channel.channel)
                .bind(&channel.address)
                .bind(&channel.user_id)
                .execute(&mut *conn)
                .await?;
            sqlx::query(
                "INSERT INTO user_channels (user_id, channel, address, active, changed_at_ms) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (user_id, channel) DO UPDATE SET address = excluded.address, active = excluded.active,
                     changed_at_ms = excluded.changed_at_ms",
            )
            .bind(&channel.user_id)
            .bind(&channel.channel)
            .bind(clean(&channel.address))
            .bind(channel.active)
            .bind(now.millis())
            .execute(conn)
            .await?;
        });
        tx.commit().await
    }

    /// Removes a way to reach a person.
    pub async fn remove_channel(&self, user: &UserId, channel: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM user_channels WHERE user_id = $1 AND channel = $2";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(user).bind(channel).execute(pool).await?;
        });
        Ok(())
    }

    /// Returns whose chat it is.
    pub async fn user_of_chat(&self, chat: &str) -> Result<Option<UserId>, StoreError> {
        let sql = "SELECT c.user_id FROM user_channels c JOIN users u ON u.id = c.user_id AND u.active
                   WHERE c.channel = 'telegram' AND c.address = $1";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).bind(chat).fetch_optional(pool).await?))
    }

    /// Returns the quiet hours of a person.
    pub async fn quiet_hours(&self, user: &UserId) -> Result<Option<QuietHours>, StoreError> {
        let sql = "SELECT from_minute, to_minute FROM quiet_hours WHERE user_id = $1";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(user).fetch_optional(pool).await?))
    }

    /// Sets or removes the quiet hours of a person.
    pub async fn set_quiet_hours(&self, user: &UserId, hours: Option<QuietHours>) -> Result<(), StoreError> {
        on!(self.write, |pool| match hours {
            None => {
                sqlx::query("DELETE FROM quiet_hours WHERE user_id = $1").bind(user).execute(pool).await?;
            }
            Some(hours) => {
                sqlx::query(
                    "INSERT INTO quiet_hours (user_id, from_minute, to_minute) VALUES ($1, $2, $3)
                     ON CONFLICT (user_id) DO UPDATE SET from_minute = excluded.from_minute, to_minute = excluded.to_minute",
                )
                .bind(user)
                .bind(hours.from_minute)
                .bind(hours.to_minute)
                .execute(pool)
                .await?;
            }
        });
        Ok(())
    }

    /// Keeps the hash of a code that links a chat to a person; earlier codes of theirs are void.
    pub async fn add_link_code(
        &self,
        code_hash: &str,
        user: &UserId,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.write.begin().await?;
        within!(&mut tx, |conn| {
            sqlx::query("DELETE FROM link_codes WHERE user_id = $1").bind(user).execute(&mut *conn).await?;
            sqlx::query("INSERT INTO link_codes (code_hash, user_id, expires_at_ms) VALUES ($1, $2, $3)")
                .bind(code_hash)
                .bind(user)
                .bind(expires.millis())
                .execute(conn)
                .await?;
        });
        tx.commit().await
    }

    /// Takes a code, which is void from then on; returns whose it is, unless it is too old.
    pub async fn take_link_code(
        &self,
        code_hash: &str,
        now: Timestamp,
    ) -> Result<Option<UserId>, StoreError> {
        let sql = "DELETE FROM link_codes WHERE code_hash = $1 RETURNING user_id, expires_at_ms";
        let taken: Option<(UserId, i64)> =
            on!(self.write, |pool| sqlx::query_as(sql).bind(code_hash).fetch_optional(pool).await?);
        Ok(taken.filter(|(_, expires)| *expires > now.millis()).map(|(user, _)| user))
    }

    /// Takes or keeps what only one node may do; says whether this one has it until `until`.
    pub async fn lease(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO leases (name, holder, until_ms) VALUES ($1, $2, $4)
                   ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms
                   WHERE leases.holder = excluded.holder OR leases.until_ms <= $3";
        let changed = on!(self.write, |pool| sqlx::query(sql)
            .bind(name)
            .bind(holder)
            .bind(now.millis())
            .bind(until.millis())
            .execute(pool)
            .await?
            .rows_affected());
        Ok(changed > 0)
    }

    /// Gives back what only one node may do.
    pub async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM leases WHERE name = $1 AND holder = $2";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(name).bind(holder).execute(pool).await?;
        });
        Ok(())
    }
}
