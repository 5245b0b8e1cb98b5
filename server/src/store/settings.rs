//! Settings that people change in the pages: one value of JSON under one key.

use gradus_engine::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Store;
use super::engine::on;
use super::error::StoreError;
use super::json::JsonText;

impl Store {
    /// Returns a setting, if it was ever made.
    pub async fn setting<T>(&self, key: &str) -> Result<Option<T>, StoreError>
    where
        T: DeserializeOwned + Send + Unpin,
    {
        let sql = "SELECT value FROM settings WHERE key = $1";
        let value: Option<JsonText<T>> =
            on!(self.read, |pool| sqlx::query_scalar(sql).bind(key).fetch_optional(pool).await?);
        Ok(value.map(|JsonText(value)| value))
    }

    /// Makes a setting.
    pub async fn set<T: Serialize + Sync>(
        &self,
        key: &str,
        value: &T,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let text = serde_json::to_string(value)
            .map_err(|error| StoreError::Broken(format!("the setting \"{key}\" is no JSON: {error}")))?;
        let sql = "INSERT INTO settings (key, value, changed_at_ms) VALUES ($1, $2, $3)
                   ON CONFLICT (key) DO UPDATE SET value = excluded.value, changed_at_ms = excluded.changed_at_ms";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(key).bind(text).bind(now.millis()).execute(pool).await?;
        });
        Ok(())
    }

    /// Forgets a setting; one that was never made is no fault.
    pub async fn unset(&self, key: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM settings WHERE key = $1";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(key).execute(pool).await?;
        });
        Ok(())
    }
}
