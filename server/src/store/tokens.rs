//! Tokens by which programs use the API in the name of a user. Only hashes are kept; hashing is the caller's work.

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

impl Store {
    /// Adds a token.
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

    /// Returns the active user in whose name a token acts.
    pub async fn user_by_token(&self, token_hash: &str) -> Result<Option<User>, StoreError> {
        let sql = "SELECT u.id, u.login, u.name, u.role, u.team, u.password_hash, u.locale, u.active, u.created_at_ms
                   FROM api_tokens a JOIN users u ON u.id = a.user_id AND u.active WHERE a.token_hash = $1";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(token_hash).fetch_optional(pool).await?))
    }

    /// Returns the tokens of a user, newest first.
    pub async fn tokens_of(&self, user: &UserId) -> Result<Vec<ApiToken>, StoreError> {
        let sql = "SELECT token_hash, user_id, name, created_at_ms FROM api_tokens
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
