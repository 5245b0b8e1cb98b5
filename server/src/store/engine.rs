//! The two engines behind one text of SQL: the pools, the transactions, and the macros that compile a body for each.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use super::error::StoreError;

/// A pool of connections to one of the two engines.
#[derive(Clone, Debug)]
pub enum Db {
    /// One file on this machine.
    Sqlite(SqlitePool),
    /// A server, for a cluster of equal nodes.
    Postgres(PgPool),
}

/// An open transaction on one of the two engines. Dropped without a commit it is rolled back.
pub(super) enum Tx {
    Sqlite(SqliteTx),
    Postgres(Transaction<'static, Postgres>),
}

/// A transaction on SQLite, by plain statements. After a full disk SQLite rolls back by itself; the library's own
/// transaction counts on its ROLLBACK to succeed and would leave the only writing connection useless.
pub(super) struct SqliteTx {
    conn: PoolConnection<Sqlite>,
    ended: bool,
}

impl SqliteTx {
    async fn begin(pool: &SqlitePool) -> Result<Self, StoreError> {
        Self::begin_as(pool, "BEGIN IMMEDIATE").await
    }

    async fn begin_as(pool: &SqlitePool, sql: &'static str) -> Result<Self, StoreError> {
        let mut conn = pool.acquire().await?;
        sqlx::query(sql).execute(&mut *conn).await?;
        Ok(Self { conn, ended: false })
    }

    async fn end(mut self, sql: &'static str) -> Result<(), StoreError> {
        sqlx::query(sql).execute(&mut *self.conn).await?;
        self.ended = true;
        Ok(())
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        if !self.ended {
            // Whatever state it is in, the next transaction gets a fresh connection.
            self.conn.close_on_drop();
        }
    }
}

impl Deref for SqliteTx {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.conn
    }
}

impl DerefMut for SqliteTx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.conn
    }
}

/// Compiles the body once for each engine, with the pool in hand.
macro_rules! on {
    ($db:expr, |$pool:ident| $body:expr) => {
        match &$db {
            $crate::store::engine::Db::Sqlite($pool) => $body,
            $crate::store::engine::Db::Postgres($pool) => $body,
        }
    };
}

/// Compiles the body once for each engine, with the connection of an open transaction in hand.
macro_rules! within {
    ($tx:expr, |$conn:ident| $body:expr) => {
        match &mut *$tx {
            $crate::store::engine::Tx::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
            $crate::store::engine::Tx::Postgres(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}

pub(super) use {on, within};

impl Db {
    /// Opens a transaction that is going to write. On SQLite it takes the write lock at once: a later upgrade could
    /// fail without a chance to wait.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(SqliteTx::begin(pool).await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Opens a transaction that sees one state of the database, whatever is written meanwhile, and writes nothing.
    pub(super) async fn begin_reading(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(SqliteTx::begin_as(pool, "BEGIN").await?),
            Self::Postgres(pool) => {
                Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?)
            }
        })
    }

    /// Closes every connection.
    pub(super) async fn close(&self) {
        on!(self, |pool| pool.close().await);
    }
}

impl Tx {
    /// Makes everything of the transaction durable.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.end("COMMIT").await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Runs a statement without parameters and without an answer.
    pub(super) async fn run(&mut self, sql: &'static str) -> Result<(), StoreError> {
        within!(self, |conn| {
            sqlx::query(sql).execute(conn).await?;
        });
        Ok(())
    }
}
