//! Looking at a database without opening it for work: nothing is made, nothing is brought up to date.

use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::error::StoreError;
use super::migrate::{self, Applied};
use super::postgres::without_password;
use super::{Store, is_postgres, sqlite};

/// What was seen of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// The kind and the place, without a password.
    pub place: String,
    /// The file, where it is one.
    pub file: Option<PathBuf>,
    /// What it holds; nothing when there is no database yet, or no tables in it.
    pub held: Option<HeldRows>,
}

/// What a database holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldRows {
    /// The number of the newest migration that ran.
    pub migration: i64,
    /// How many migrations the next start will run.
    pub pending: usize,
    /// When the last event was written down.
    pub last_recorded_ms: Option<i64>,
    /// How many administrators may sign in.
    pub administrators: i64,
    /// Whether the database takes writes, as far as it says.
    pub writable: bool,
}

const HAS_TABLES_SQLITE: &str =
    "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'";
const HAS_TABLES_POSTGRES: &str = "SELECT COUNT(*) FROM information_schema.tables
    WHERE table_schema = current_schema() AND table_name = 'migrations'";
const TAKES_WRITES: &str =
    "SELECT NOT pg_is_in_recovery() AND has_schema_privilege(current_schema(), 'CREATE')";
const APPLIED: &str = "SELECT number, name, sha256 FROM migrations ORDER BY number";
const LAST_RECORDED: &str = "SELECT MAX(recorded_ms) FROM events";
const ADMINISTRATORS: &str = "SELECT COUNT(*) FROM users WHERE role = 'administrator' AND active";

/// Reads what both engines answer alike.
macro_rules! look {
    ($conn:expr, $postgres:expr, $writable:expr) => {{
        let applied: Vec<Applied> = sqlx::query_as(APPLIED).fetch_all(&mut $conn).await?;
        migrate::known(&applied, "the database")?;
        HeldRows {
            migration: applied.last().map_or(0, |applied| applied.number),
            pending: migrate::pending(&applied, $postgres),
            last_recorded_ms: sqlx::query_scalar(LAST_RECORDED).fetch_one(&mut $conn).await?,
            administrators: sqlx::query_scalar(ADMINISTRATORS).fetch_one(&mut $conn).await?,
            writable: $writable,
        }
    }};
}

impl Store {
    /// Looks at the database of an address.
    ///
    /// # Errors
    /// [`StoreError::Open`] when it cannot be opened, [`StoreError::Refused`] when it is of a newer version.
    pub async fn inspect(url: &str) -> Result<Inspected, StoreError> {
        if is_postgres(url) {
            return inspect_postgres(url).await;
        }
        let path = PathBuf::from(sqlite::path(url));
        let mut seen = Inspected { place: url.to_owned(), file: Some(path.clone()), held: None };
        if !url.starts_with("sqlite:") {
            return Err(super::unknown_kind(url));
        }
        if path.exists() {
            seen.held = inspect_sqlite(url).await?;
        }
        Ok(seen)
    }
}

async fn inspect_sqlite(url: &str) -> Result<Option<HeldRows>, StoreError> {
    let broken = |error: sqlx::Error| StoreError::Open {
        what: url.to_owned(),
        why: format!("{error}; is it a database of Gradus, and may this user read it?"),
    };
    let options = SqliteConnectOptions::from_str("sqlite:").map_err(broken)?;
    let options = options.filename(sqlite::path(url)).read_only(true).create_if_missing(false);
    let mut conn: SqliteConnection = options.connect().await.map_err(broken)?;
    let tables: i64 = sqlx::query_scalar(HAS_TABLES_SQLITE).fetch_one(&mut conn).await.map_err(broken)?;
    if tables == 0 {
        return Ok(None);
    }
    let held = look!(conn, false, true);
    conn.close().await?;
    Ok(Some(held))
}

async fn inspect_postgres(url: &str) -> Result<Inspected, StoreError> {
    let place = without_password(url);
    let broken = |error: sqlx::Error| StoreError::Open { what: place.clone(), why: error.to_string() };
    let options = PgConnectOptions::from_str(url).map_err(broken)?;
    let options = options.application_name("gradus").options([("default_transaction_read_only", "on")]);
    let mut conn: PgConnection = options.connect().await.map_err(broken)?;
    let tables: i64 = sqlx::query_scalar(HAS_TABLES_POSTGRES).fetch_one(&mut conn).await?;
    let writable: bool = sqlx::query_scalar(TAKES_WRITES).fetch_one(&mut conn).await?;
    let held = if tables == 0 { None } else { Some(look!(conn, true, writable)) };
    conn.close().await?;
    Ok(Inspected { place, file: None, held })
}
