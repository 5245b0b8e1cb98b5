//! Appending to the log inside a transaction: gives positions and numbers, recognises repeats.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AssertSqlSafe;

use super::engine::{Tx, within};
use super::error::StoreError;
use super::json::Rows;
use super::log::{NewEvent, Receipt};
use super::{postgres, sqlite};

/// An event with its place.
pub(super) struct Placed<'a> {
    pub(super) position: i64,
    pub(super) sequence: i64,
    pub(super) event: &'a NewEvent,
}

/// Gives places to events within one transaction that holds the log.
pub(super) struct Places {
    next_position: i64,
    next_sequence: BTreeMap<String, i64>,
}

impl Places {
    /// Takes the log for this transaction and looks up where `events` go on.
    pub(super) async fn take<'a>(
        tx: &mut Tx,
        events: impl Iterator<Item = &'a NewEvent>,
    ) -> Result<Self, StoreError> {
        if matches!(tx, Tx::Postgres(_)) {
            tx.run(postgres::LOCK_LOG).await?;
        }
        let last: i64 = within!(tx, |conn| {
            sqlx::query_scalar("SELECT COALESCE(MAX(position), 0) FROM events").fetch_one(conn).await?
        });
        let open: BTreeSet<&str> =
            events.filter(|event| event.sequence.is_none()).map(|event| event.stream.as_str()).collect();
        let mut next_sequence = BTreeMap::new();
        if !open.is_empty() {
            let mut rows = Rows::default();
            for stream in open {
                rows.push((stream,))?;
            }
            let sql = "SELECT item.value->>0, COALESCE((SELECT MAX(e.sequence) FROM events e
                           WHERE e.stream = item.value->>0), -1) + 1
                       FROM json_each($1) AS item";
            let known: Vec<(String, i64)> = within!(tx, |conn| {
                sqlx::query_as(sql).bind(rows.finish().unwrap_or_default()).fetch_all(conn).await?
            });
            next_sequence.extend(known);
        }
        Ok(Self { next_position: last + 1, next_sequence })
    }

    /// Returns the marks to go back to when a part of the transaction is taken back.
    pub(super) fn mark(&self) -> (i64, BTreeMap<String, i64>) {
        (self.next_position, self.next_sequence.clone())
    }

    /// Goes back to a mark.
    pub(super) fn reset(&mut self, mark: (i64, BTreeMap<String, i64>)) {
        (self.next_position, self.next_sequence) = mark;
    }

    /// Gives places to new events.
    pub(super) fn place<'a>(&mut self, events: impl Iterator<Item = &'a NewEvent>) -> Vec<Placed<'a>> {
        let mut placed = Vec::new();
        for event in events {
            let sequence = match event.sequence {
                Some(number) => number,
                None => self.next_sequence.get(&event.stream).copied().unwrap_or(0),
            };
            if let Some(next) = self.next_sequence.get_mut(&event.stream) {
                *next = (*next).max(sequence + 1);
            }
            placed.push(Placed { position: self.next_position, sequence, event });
            self.next_position += 1;
        }
        placed
    }
}

/// Returns what the placed events are answered with.
pub(super) fn receipt(placed: &[Placed<'_>]) -> Receipt {
    Receipt {
        positions: placed.iter().map(|event| event.position).collect(),
        sequences: placed.iter().map(|event| event.sequence).collect(),
        repeated: false,
    }
}

/// Writes placed events; a number that is already taken in its stream is a conflict.
pub(super) async fn write(tx: &mut Tx, placed: &[Placed<'_>], recorded_ms: i64) -> Result<(), StoreError> {
    if placed.is_empty() {
        return Ok(());
    }
    match tx {
        Tx::Sqlite(conn) => {
            let mut rest = placed;
            for size in sqlite::APPEND_ROWS {
                if rest.len() < size {
                    continue;
                }
                let sql = sqlite::append(size);
                let (whole, left) = rest.split_at(rest.len() - rest.len() % size);
                for rows in whole.chunks(size) {
                    let mut insert = sqlx::query(AssertSqlSafe(sql.as_str()));
                    for place in rows {
                        let event = place.event;
                        insert = insert
                            .bind(place.position)
                            .bind(&event.stream)
                            .bind(place.sequence)
                            .bind(event.at.millis())
                            .bind(recorded_ms)
                            .bind(&event.kind)
                            .bind(&event.body)
                            .bind(&event.protocol_version)
                            .bind(&event.rules_version);
                    }
                    insert.execute(&mut **conn).await?;
                }
                rest = left;
            }
        }
        Tx::Postgres(conn) => {
            let texts = |of: fn(&NewEvent) -> &str| -> Vec<&str> {
                placed.iter().map(|place| of(place.event)).collect()
            };
            sqlx::query(postgres::APPEND)
                .bind(placed.iter().map(|place| place.position).collect::<Vec<i64>>())
                .bind(texts(|event| &event.stream))
                .bind(placed.iter().map(|place| place.sequence).collect::<Vec<i64>>())
                .bind(placed.iter().map(|place| place.event.at.millis()).collect::<Vec<i64>>())
                .bind(vec![recorded_ms; placed.len()])
                .bind(texts(|event| &event.kind))
                .bind(texts(|event| &event.body))
                .bind(texts(|event| &event.protocol_version))
                .bind(texts(|event| &event.rules_version))
                .execute(&mut **conn)
                .await?;
        }
    }
    Ok(())
}

/// What is already in the log of a batch that names the numbers of its events.
pub(super) enum Known {
    /// Nothing of it.
    Nothing,
    /// All of it, the same: the first receipt.
    All(Receipt),
}

/// Looks up the numbered events of a batch.
///
/// # Errors
/// A number taken by another event, or a batch of which only a part is there, is a conflict.
pub(super) async fn known(tx: &mut Tx, events: &[NewEvent]) -> Result<Known, StoreError> {
    let mut rows = Rows::default();
    for event in events {
        if let Some(sequence) = event.sequence {
            rows.push((&event.stream, &sequence))?;
        }
    }
    let Some(rows) = rows.finish() else { return Ok(Known::Nothing) };
    let sql = "SELECT e.stream, e.sequence, e.position, e.kind, e.body FROM json_each($1) AS item
               JOIN events e ON e.stream = item.value->>0 AND e.sequence = CAST(item.value->>1 AS BIGINT)";
    let found: Vec<(String, i64, i64, String, String)> =
        within!(tx, |conn| sqlx::query_as(sql).bind(rows).fetch_all(conn).await?);
    if found.is_empty() {
        return Ok(Known::Nothing);
    }
    let found: BTreeMap<(String, i64), (i64, String, String)> = found
        .into_iter()
        .map(|(stream, sequence, position, kind, body)| ((stream, sequence), (position, kind, body)))
        .collect();
    let mut receipt = Receipt { repeated: true, ..Receipt::default() };
    for event in events {
        let sequence = event.sequence.unwrap_or(-1);
        match found.get(&(event.stream.clone(), sequence)) {
            Some((position, kind, body)) if *kind == event.kind && *body == event.body => {
                receipt.positions.push(*position);
                receipt.sequences.push(sequence);
            }
            Some(_) => {
                return Err(StoreError::Conflict(format!(
                    "number {sequence} of {} is taken by another event",
                    event.stream
                )));
            }
            None => {
                return Err(StoreError::Conflict(format!(
                    "only a part of the batch is in {} already; send the rest by itself",
                    event.stream
                )));
            }
        }
    }
    Ok(Known::All(receipt))
}
