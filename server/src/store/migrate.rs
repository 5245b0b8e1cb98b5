//! Forward-only migrations: one text for both engines, applied in order, each in a transaction of its own.

use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;

use super::engine::{Db, Tx, within};
use super::error::StoreError;
use super::{postgres, sqlite};

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
    Migration {
        number: 4,
        name: "deliveries",
        sql: include_str!("../../migrations/0004_deliveries.sql"),
        postgres_only: false,
    },
    Migration {
        number: 5,
        name: "feedback",
        sql: include_str!("../../migrations/0005_feedback.sql"),
        postgres_only: false,
    },
    Migration {
        number: 6,
        name: "marks",
        sql: include_str!("../../migrations/0006_marks.sql"),
        postgres_only: false,
    },
    Migration {
        number: 7,
        name: "service",
        sql: include_str!("../../migrations/0007_service.sql"),
        postgres_only: false,
    },
    Migration {
        number: 8,
        name: "duty",
        sql: include_str!("../../migrations/0008_duty.sql"),
        postgres_only: false,
    },
    Migration {
        number: 9,
        name: "authority",
        sql: include_str!("../../migrations/0009_authority.sql"),
        postgres_only: false,
    },
    Migration {
        number: 10,
        name: "protocol",
        sql: include_str!("../../migrations/0010_protocol.sql"),
        postgres_only: false,
    },
    Migration {
        number: 11,
        name: "practice",
        sql: include_str!("../../migrations/0011_practice.sql"),
        postgres_only: false,
    },
    Migration {
        number: 12,
        name: "library",
        sql: include_str!("../../migrations/0012_library.sql"),
        postgres_only: false,
    },
    Migration {
        number: 13,
        name: "recording_queue",
        sql: include_str!("../../migrations/0013_recording_queue.sql"),
        postgres_only: false,
    },
    Migration {
        number: 15,
        name: "week",
        sql: include_str!("../../migrations/0015_week.sql"),
        postgres_only: false,
    },
    Migration {
        number: 16,
        name: "archive",
        sql: include_str!("../../migrations/0016_archive.sql"),
        postgres_only: false,
    },
    Migration {
        number: 17,
        name: "related",
        sql: include_str!("../../migrations/0017_related.sql"),
        postgres_only: false,
    },
    Migration {
        number: 18,
        name: "incidents",
        sql: include_str!("../../migrations/0018_incidents.sql"),
        postgres_only: false,
    },
    Migration {
        number: 19,
        name: "quality",
        sql: include_str!("../../migrations/0019_quality.sql"),
        postgres_only: false,
    },
    Migration {
        number: 20,
        name: "access",
        sql: include_str!("../../migrations/0020_access.sql"),
        postgres_only: false,
    },
    Migration {
        number: 21,
        name: "care",
        sql: include_str!("../../migrations/0021_care.sql"),
        postgres_only: false,
    },
    Migration {
        number: 24,
        name: "corrections",
        sql: include_str!("../../migrations/0024_corrections.sql"),
        postgres_only: false,
    },
    Migration {
        number: 25,
        name: "open_cases",
        sql: include_str!("../../migrations/0025_open_cases.sql"),
        postgres_only: false,
    },
];

/// A migration that ran, as the database remembers it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, sqlx::FromRow)]
pub struct Applied {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// The SHA-256 of its text.
    pub sha256: String,
}

/// Brings the database up to date.
///
/// # Errors
/// A database written by a newer Gradus, or a migration that was edited after it ran, is refused.
pub(super) async fn migrate(db: &Db, at_ms: i64) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    lock(&mut tx).await?;
    bring_up(&mut tx, i64::MAX, at_ms).await?;
    tx.commit().await
}

/// Lets two nodes that start together take turns.
pub(super) async fn lock(tx: &mut Tx) -> Result<(), StoreError> {
    if matches!(tx, Tx::Postgres(_)) {
        tx.run("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.gradus.migrate'))").await?;
    }
    Ok(())
}

/// Runs the migrations up to a number that did not run yet.
///
/// # Errors
/// As [`migrate`].
pub(super) async fn bring_up(tx: &mut Tx, up_to: i64, at_ms: i64) -> Result<(), StoreError> {
    tx.run(
        "CREATE TABLE IF NOT EXISTS migrations (
             number BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_ms BIGINT NOT NULL)",
    )
    .await?;
    let done = applied(tx).await?;
    known(&done, "the database")?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.number <= up_to) {
        let ran = done.iter().any(|done| done.number == migration.number);
        if ran || (migration.postgres_only && matches!(tx, Tx::Sqlite(_))) {
            continue;
        }
        apply(tx, migration, at_ms).await?;
    }
    Ok(())
}

/// Returns the migrations that ran, in order. Their table has to be there.
pub(super) async fn applied(tx: &mut Tx) -> Result<Vec<Applied>, StoreError> {
    Ok(within!(tx, |conn| {
        sqlx::query_as("SELECT number, name, sha256 FROM migrations ORDER BY number").fetch_all(conn).await?
    }))
}

/// Checks that this program knows migrations that ran elsewhere.
///
/// # Errors
/// When one is newer, or was changed after it ran.
pub(super) fn known(done: &[Applied], what: &str) -> Result<(), StoreError> {
    for Applied { number, name, sha256: hash } in done {
        let Some(known) = MIGRATIONS.iter().find(|migration| migration.number == *number) else {
            return Err(StoreError::Refused(format!(
                "{what} was written by a newer Gradus (migration {number} \"{name}\"); install that version"
            )));
        };
        if sha256(known.sql) != *hash {
            return Err(StoreError::Refused(format!(
                "migration {number} \"{name}\" was changed after it ran on {what}"
            )));
        }
    }
    Ok(())
}

/// Returns how many migrations of this program did not run yet.
pub(super) fn pending(done: &[Applied], postgres: bool) -> usize {
    MIGRATIONS
        .iter()
        .filter(|migration| postgres || !migration.postgres_only)
        .filter(|migration| done.iter().all(|done| done.number != migration.number))
        .count()
}

/// Returns the names of all tables in the order in which they are made: one that refers to another comes later.
pub(super) fn tables() -> Vec<&'static str> {
    let mut names = Vec::new();
    for line in MIGRATIONS.iter().flat_map(|migration| migration.sql.lines()) {
        let rest = line.strip_prefix("CREATE TABLE ");
        names.extend(rest.and_then(|rest| rest.split([' ', '(']).next()));
    }
    names
}

async fn apply(tx: &mut Tx, migration: &Migration, at_ms: i64) -> Result<(), StoreError> {
    let (rowkey, archive) = match tx {
        // On SQLite only this spelling makes the key the row's own number.
        Tx::Sqlite(_) => ("INTEGER PRIMARY KEY", sqlite::ARCHIVE),
        Tx::Postgres(_) => ("BIGINT PRIMARY KEY", postgres::ARCHIVE),
    };
    let sql = migration.sql.replace("{rowkey}", rowkey).replace("{archive}", archive);
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
