//! Who uses the store: servers and imports together, upkeep such as a rebuild alone.
//!
//! SQLite: a lock on a file beside the database; PostgreSQL: an advisory lock of a connection. Both end with the process.

use std::fs::File;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use super::error::StoreError;
use super::{Store, is_postgres, sqlite};

/// How the store is going to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Together with others: serving, importing.
    Shared,
    /// Alone: rebuilding, restoring.
    Alone,
}

/// A hold on the store; it ends when this is dropped.
#[derive(Debug)]
pub enum Held {
    /// The locked file beside the database.
    File(File),
    /// The connection that has the lock.
    Connection(PgConnection),
}

impl Held {
    /// Ends the hold at once.
    pub async fn end(self) {
        match self {
            Self::File(_) => {}
            Self::Connection(mut conn) => {
                // The server frees the locks of a closed connection a moment later; whoever comes next should not have to wait for
                // it. When the connection is broken the lock is gone already.
                let _ = sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut conn).await;
                let _ = conn.close().await;
            }
        }
    }
}

impl Store {
    /// Takes hold of the store at an address.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when others hold it in a way that does not go together.
    pub async fn hold(url: &str, hold: Hold) -> Result<Held, StoreError> {
        let taken = if is_postgres(url) { by_connection(url, hold).await? } else { by_file(url, hold)? };
        taken.ok_or_else(|| {
            StoreError::Refused(match hold {
                Hold::Alone => "a server or an import uses the store: stop it first".into(),
                Hold::Shared => {
                    "the store is being rebuilt or restored: start again when that is done".into()
                }
            })
        })
    }
}

fn by_file(url: &str, hold: Hold) -> Result<Option<Held>, StoreError> {
    let path = format!("{}.lock", sqlite::path(url));
    let broken = |error: std::io::Error| StoreError::Open {
        what: path.clone(),
        why: format!("{error}; may this user write to its folder?"),
    };
    let file =
        File::options().create(true).truncate(false).read(true).write(true).open(&path).map_err(broken)?;
    let locked = match hold {
        Hold::Shared => file.try_lock_shared(),
        Hold::Alone => file.try_lock(),
    };
    match locked {
        Ok(()) => Ok(Some(Held::File(file))),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(broken(error)),
    }
}

async fn by_connection(url: &str, hold: Hold) -> Result<Option<Held>, StoreError> {
    let options = PgConnectOptions::from_str(url)?.application_name("gradus");
    let mut conn = options.connect().await?;
    let sql = match hold {
        Hold::Shared => "SELECT pg_try_advisory_lock_shared(hashtext(current_schema() || '.gradus.use'))",
        Hold::Alone => "SELECT pg_try_advisory_lock(hashtext(current_schema() || '.gradus.use'))",
    };
    let got: bool = sqlx::query_scalar(sql).fetch_one(&mut conn).await?;
    Ok(got.then_some(Held::Connection(conn)))
}
