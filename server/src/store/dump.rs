//! Reading everything out: one consistent state of the whole database as rows of JSON, the same on both engines.

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

use super::engine::{Tx, within};
use super::error::StoreError;
use super::migrate::{self, Applied};
use super::{Db, Store};

/// How many bytes of rows are handed out at once.
const CHUNK_BYTES: usize = 4 << 20;

/// By so many columns rows are ordered: no key of the schema is longer.
const KEY_COLUMNS: usize = 4;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// TEXT
    Text,
    /// BIGINT
    Whole,
    /// DOUBLE PRECISION
    Real,
    /// BOOLEAN
    Flag,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name.to_lowercase().as_str() {
            "text" => Self::Text,
            "bigint" | "integer" => Self::Whole,
            "double precision" => Self::Real,
            "boolean" => Self::Flag,
            _ => return None,
        })
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// A table and its columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in the order in which rows give them.
    pub columns: Vec<Column>,
}

/// One state of the whole database, whatever is written meanwhile.
pub struct Snapshot {
    tx: Tx,
    tables: Vec<Table>,
}

impl Store {
    /// Takes a snapshot for reading everything out. Others may go on writing.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut tx = self.read.begin_reading().await?;
        let tables = tables(&mut tx).await?;
        Ok(Snapshot { tx, tables })
    }

    /// Names the kind of database.
    pub const fn engine(&self) -> &'static str {
        match self.read {
            Db::Sqlite(_) => "sqlite",
            Db::Postgres(_) => "postgresql",
        }
    }
}

impl Snapshot {
    /// Returns all tables; one that refers to another comes later.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Returns the migrations that ran.
    pub async fn migrations(&mut self) -> Result<Vec<Applied>, StoreError> {
        migrate::applied(&mut self.tx).await
    }

    /// Counts the rows of a table.
    pub async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        Ok(u64::try_from(count(&mut self.tx, &table.name).await?).unwrap_or(0))
    }

    /// Hands out the rows of a table, some megabytes at once: a JSON array a line, its values in the order of the columns.
    ///
    /// # Errors
    /// What the store or `take` fails with.
    pub async fn rows<F, E>(&mut self, table: &Table, mut take: F) -> Result<(), E>
    where
        F: FnMut(Vec<u8>, u64) -> Result<(), E> + Send,
        E: From<StoreError> + Send,
    {
        let sql = select(table, matches!(self.tx, Tx::Postgres(_)));
        let mut chunk = Vec::new();
        let mut rows = 0;
        within!(&mut self.tx, |conn| {
            let mut lines = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).fetch(conn);
            while let Some(line) = lines.try_next().await.map_err(StoreError::from)? {
                chunk.extend_from_slice(line.as_bytes());
                chunk.push(b'\n');
                rows += 1;
                if chunk.len() >= CHUNK_BYTES {
                    take(std::mem::take(&mut chunk), rows)?;
                    rows = 0;
                }
            }
        });
        if rows > 0 { take(chunk, rows) } else { Ok(()) }
    }

    /// Returns the keys of the recordings that conversations name.
    pub async fn recordings(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT recording_key FROM conversations WHERE recording_key IS NOT NULL
             UNION SELECT object_key FROM case_documents ORDER BY 1";
        Ok(within!(&mut self.tx, |conn| sqlx::query_scalar(sql).fetch_all(conn).await?))
    }
}

fn select(table: &Table, postgres: bool) -> String {
    let names: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let order = names.get(..KEY_COLUMNS).unwrap_or(&names).join(", ");
    let columns = names.join(", ");
    let array = if postgres {
        format!("CAST(json_build_array({columns}) AS TEXT)")
    } else {
        format!("json_array({columns})")
    };
    format!("SELECT {array} FROM \"{}\" ORDER BY {order}", table.name)
}

/// Counts the rows of a table by its name.
pub(super) async fn count(tx: &mut Tx, table: &str) -> Result<i64, StoreError> {
    let sql = format!("SELECT COUNT(*) FROM \"{table}\"");
    Ok(within!(tx, |conn| sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(conn).await?))
}

/// Returns the tables that the migrations made, with the columns the database says they have; generated ones are left out.
///
/// # Errors
/// When a column is of a type that rows of JSON do not carry.
pub(super) async fn tables(tx: &mut Tx) -> Result<Vec<Table>, StoreError> {
    let mut tables = Vec::new();
    for name in migrate::tables() {
        let columns = columns(tx, name).await?;
        if columns.is_empty() {
            continue;
        }
        let columns = columns.into_iter().map(|(column, kind)| match Kind::of(&kind) {
            Some(kind) => Ok(Column { name: column, kind }),
            None => Err(StoreError::Broken(format!("{name}.{column} is {kind}, which no backup can carry"))),
        });
        tables.push(Table { name: name.to_owned(), columns: columns.collect::<Result<_, _>>()? });
    }
    Ok(tables)
}

/// Returns the columns of a table and their types; nothing when there is no such table.
async fn columns(tx: &mut Tx, table: &str) -> Result<Vec<(String, String)>, StoreError> {
    Ok(match tx {
        Tx::Sqlite(tx) => {
            let sql = "SELECT name, type FROM pragma_table_info($1) ORDER BY cid";
            sqlx::query_as(sql).bind(table).fetch_all(&mut **tx).await?
        }
        Tx::Postgres(tx) => {
            let sql =
                "SELECT CAST(column_name AS TEXT), CAST(data_type AS TEXT) FROM information_schema.columns
                       WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER'
                       ORDER BY ordinal_position";
            sqlx::query_as(sql).bind(table).fetch_all(&mut **tx).await?
        }
    })
}
