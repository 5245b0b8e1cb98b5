//! Reading everything in: rows of JSON from a backup into an empty database of either engine, all of them or none.

use sqlx::AssertSqlSafe;

use super::dump::{self, Kind, Table};
use super::engine::{Tx, within};
use super::error::StoreError;
use super::migrate::{self, Applied};
use super::{Db, Store, connect};

/// How many bytes of rows go into one statement.
const STATEMENT_BYTES: usize = 1 << 20;

/// A database that is being filled. Dropped before [`Loading::finish`] it stays empty.
pub struct Loading {
    write: Db,
    read: Db,
    tx: Tx,
    tables: Vec<Table>,
    at_ms: i64,
}

impl Store {
    /// Opens an empty database and brings its tables to the state in which the rows were read out.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the database is not empty, or `migrations` are newer than this program.
    pub async fn load(url: &str, migrations: &[Applied], at_ms: i64) -> Result<Loading, StoreError> {
        migrate::known(migrations, "the backup")?;
        let last = migrations.iter().map(|applied| applied.number).max().unwrap_or(0);
        let (write, read) = connect(url).await?;
        let mut tx = write.begin().await?;
        migrate::lock(&mut tx).await?;
        migrate::bring_up(&mut tx, last, at_ms).await?;
        let newest = migrate::applied(&mut tx).await?.last().map_or(0, |applied| applied.number);
        if newest > last {
            return Err(StoreError::Refused(
                "the database is of a newer version than the backup: give a new database, which will be brought up \
                 to date"
                    .into(),
            ));
        }
        let tables = dump::tables(&mut tx).await?;
        for table in &tables {
            let rows = dump::count(&mut tx, &table.name).await?;
            if rows > 0 {
                return Err(StoreError::Refused(format!(
                    "the database is not empty ({rows} in {}): a backup is restored into a new one",
                    table.name
                )));
            }
        }
        Ok(Loading { write, read, tx, tables, at_ms })
    }
}

impl Loading {
    /// Writes rows of a table, as a snapshot handed them out.
    ///
    /// # Errors
    /// When the table is unknown or the rows do not fit.
    pub async fn rows(&mut self, table: &Table, lines: &[u8]) -> Result<(), StoreError> {
        if !self.tables.iter().any(|known| same(known, table)) {
            return Err(StoreError::Refused(format!(
                "the columns of {} are not those of its time",
                table.name
            )));
        }
        let sql = insert(table);
        let mut rows = Vec::new();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            rows.push(if rows.is_empty() { b'[' } else { b',' });
            rows.extend_from_slice(line);
            if rows.len() >= STATEMENT_BYTES {
                self.write(&sql, std::mem::take(&mut rows)).await?;
            }
        }
        if rows.is_empty() { Ok(()) } else { self.write(&sql, rows).await }
    }

    async fn write(&mut self, sql: &str, mut rows: Vec<u8>) -> Result<(), StoreError> {
        rows.push(b']');
        let rows = String::from_utf8(rows)
            .map_err(|_| StoreError::Broken("the rows of a backup are no UTF-8".into()))?;
        within!(&mut self.tx, |conn| {
            sqlx::query(AssertSqlSafe(sql)).bind(rows).execute(conn).await?;
        });
        Ok(())
    }

    /// Counts the rows of a table.
    pub async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        Ok(u64::try_from(dump::count(&mut self.tx, &table.name).await?).unwrap_or(0))
    }

    /// Brings the tables up to date and makes everything durable.
    pub async fn finish(mut self) -> Result<(), StoreError> {
        migrate::bring_up(&mut self.tx, i64::MAX, self.at_ms).await?;
        super::archive::forget_index(&mut self.tx).await?;
        self.tx.commit().await?;
        self.read.close().await;
        self.write.close().await;
        Ok(())
    }
}

/// Tells whether two tables have the same columns, in whatever order.
fn same(one: &Table, other: &Table) -> bool {
    one.name == other.name
        && one.columns.len() == other.columns.len()
        && one.columns.iter().all(|column| other.columns.contains(column))
}

fn insert(table: &Table) -> String {
    let names: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let values = (0..).zip(&table.columns).map(|(place, column): (usize, _)| match column.kind {
        Kind::Text => format!("value->>{place}"),
        Kind::Whole => format!("CAST(value->>{place} AS BIGINT)"),
        Kind::Real => format!("CAST(value->>{place} AS DOUBLE PRECISION)"),
        Kind::Flag => format!("CAST(value->>{place} AS BOOLEAN)"),
    });
    let values: Vec<String> = values.collect();
    format!(
        "INSERT INTO \"{}\" ({}) SELECT {} FROM json_each($1)",
        table.name,
        names.join(", "),
        values.join(", ")
    )
}
