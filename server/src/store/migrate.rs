//! Forward-only migrations: one text for both engines, applied in order, each in a transaction of its own.

use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;

use super::engine::{Db, Tx, within};
use super::error::StoreError;

struct Migration {
    number: i64,
    name: &'static str,
    sql: &'static str,
    /// Needed only where SQLite has the thing built in.
    postgres_only: bool,
}

/// Every migration, in order. One that was released is never edited.
const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 0,
        name: "postgres",
        sql: include_str!("../../migrations/0000_postgres.sql"),
        postgres_only: true,
    },
    Migration {
        number: 1,
        name: "store",
        sql: include_str!("../../migrations/0001_store.sql"),
        postgres_only: false,
    },
    Migration {
        number: 2,
        name: "api_tokens",
        sql: include_str!("../../migrations/0002_api_tokens.sql"),
        postgres_only: false,
    },
    Migration {
        number: 3,
        name: "history",
        sql: include_str!("../../migrations/0003_history.sql"),
        postgres_only: false,
    },
];

/// Brings the database up to date.
///
/// # Errors
/// A database written by a newer Gradus, or a migration that was edited after it ran, is refused.
pub(super) async fn migrate(db: &Db, at_ms: i64) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    if matches!(tx, Tx::Postgres(_)) {
        // Two nodes that start together take turns.
        tx.run("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.gradus.migrate'))").await?;
    }
    tx.run(
        "CREATE TABLE IF NOT EXISTS migrations (
             number BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_ms BIGINT NOT NULL)",
    )
    .await?;
    let done: Vec<(i64, String, String)> = within!(&mut tx, |conn| {
        sqlx::query_as("SELECT number, name, sha256 FROM migrations ORDER BY number").fetch_all(conn).await?
    });
    for (number, name, hash) in &done {
        let Some(known) = MIGRATIONS.iter().find(|migration| migration.number == *number) else {
            return Err(StoreError::Refused(format!(
                "the database was written by a newer Gradus (migration {number} \"{name}\"); install that version"
            )));
        };
        if sha256(known.sql) != *hash {
            return Err(StoreError::Refused(format!(
                "migration {number} \"{name}\" was changed after it ran on this database"
            )));
        }
    }
    for migration in MIGRATIONS {
        let known = done.iter().any(|(number, ..)| *number == migration.number);
        if known || (migration.postgres_only && matches!(tx, Tx::Sqlite(_))) {
            continue;
        }
        apply(&mut tx, migration, at_ms).await?;
    }
    tx.commit().await
}

async fn apply(tx: &mut Tx, migration: &Migration, at_ms: i64) -> Result<(), StoreError> {
    let rowkey = match tx {
        // On SQLite only this spelling makes the key the row's own number.
        Tx::Sqlite(_) => "INTEGER PRIMARY KEY",
        Tx::Postgres(_) => "BIGINT PRIMARY KEY",
    };
    let sql = migration.sql.replace("{rowkey}", rowkey);
    within!(tx, |conn| {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *conn).await?;
        sqlx::query("INSERT INTO migrations (number, name, sha256, applied_ms) VALUES ($1, $2, $3, $4)")
            .bind(migration.number)
            .bind(migration.name)
            .bind(sha256(migration.sql))
            .bind(at_ms)
            .execute(conn)
            .await?;
    });
    Ok(())
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
