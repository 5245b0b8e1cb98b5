//! Tokens by which programs use the API in the name of a user. Only hashes are kept; hashing is the caller's work.

use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::on;
use super::error::StoreError;
use super::ids::UserId;
use super::json::clean;
use super::users::User;

/// A token of a program.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ApiToken {
    /// SHA-256 of the token.
    pub token_hash: String,
    /// In whose name it acts.
    pub user_id: UserId,
    /// What it is for, in words.
    pub name: String,
    /// When it was made.
    pub created_at_ms: i64,
}

/// A token with how far it reaches.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ApiKey {
    /// SHA-256 of the token.
    pub token_hash: String,
    /// In whose name it acts.
    pub user_id: UserId,
    /// What it is for, in words.
    pub name: String,
    /// When it was made.
    pub created_at_ms: i64,
    /// `all`, `read`, `send`.
    pub scope: String,
    /// Until when it works; nothing until it is taken back.
    pub expires_at_ms: Option<i64>,
    /// When it was last used, as far as noted.
    pub seen_at_ms: Option<i64>,
}

impl Store {
    /// Adds a token that reaches as far as its user.
    pub async fn add_token(&self, token: &ApiToken) -> Result<(), StoreError> {
        let sql = "INSERT INTO api_tokens (token_hash, user_id, name, created_at_ms) VALUES ($1, $2, $3, $4)";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(&token.token_hash)
                .bind(&token.user_id)
                .bind(clean(&token.name))
                .bind(token.created_at_ms)
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Adds a token that reaches only so far, and only until a moment; nothing lets it work until it is taken back.
    pub async fn add_api_key(
        &self,
        token: &ApiToken,
        scope: &str,
        expires: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO api_tokens (token_hash, user_id, name, created_at_ms, scope, expires_at_ms)
                   VALUES ($1, $2, $3, $4, $5, $6)";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(&token.token_hash)
                .bind(&token.user_id)
                .bind(clean(&token.name))
                .bind(token.created_at_ms)
                .bind(scope)
                .bind(expires.map(Timestamp::millis))
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Returns a token that works now, with the active user in whose name it acts.
    pub async fn api_key(
        &self,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<Option<(ApiKey, User)>, StoreError> {
        let sql =
            "SELECT a.token_hash, a.user_id, a.name, a.created_at_ms, a.scope, a.expires_at_ms, a.seen_at_ms
                   FROM api_tokens a JOIN users u ON u.id = a.user_id AND u.active
                   WHERE a.token_hash = $1 AND (a.expires_at_ms IS NULL OR a.expires_at_ms > $2)";
        let key: Option<ApiKey> = on!(self.read, |pool| {
            sqlx::query_as(sql).bind(token_hash).bind(now.millis()).fetch_optional(pool).await?
        });
        let Some(key) = key else { return Ok(None) };
        let user = self.user(&key.user_id).await?;
        Ok(user.map(|user| (key, user)))
    }

    /// Notes that a token was used.
    pub async fn api_key_seen(&self, token_hash: &str, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE api_tokens SET seen_at_ms = $2 WHERE token_hash = $1";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(token_hash).bind(at.millis()).execute(pool).await?;
        });
        Ok(())
    }

    /// Takes back the token of a user whose hash begins so; returns whether there was one.
    pub async fn drop_api_key_of(&self, user: &UserId, begins: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM api_tokens WHERE user_id = $1 AND substr(token_hash, 1, 16) = $2";
        let gone = on!(self.write, |pool| {
            sqlx::query(sql).bind(user).bind(begins).execute(pool).await?.rows_affected()
        });
        Ok(gone > 0)
    }

    /// Returns the tokens of a user, newest first.
    pub async fn tokens_of(&self, user: &UserId) -> Result<Vec<ApiKey>, StoreError> {
        let sql = "SELECT token_hash, user_id, name, created_at_ms, scope, expires_at_ms, seen_at_ms FROM api_tokens
                   WHERE user_id = $1 ORDER BY created_at_ms DESC, token_hash";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(user).fetch_all(pool).await?))
    }

    /// Takes a token back; returns whether there was one.
    pub async fn drop_token(&self, token_hash: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM api_tokens WHERE token_hash = $1";
        let gone =
            on!(self.write, |pool| sqlx::query(sql).bind(token_hash).execute(pool).await?.rows_affected());
        Ok(gone > 0)
    }
}
