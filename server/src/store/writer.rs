//! The one task that writes batches: it commits many callers' batches at once and answers when they are on disk.
//!
//! The queue is bounded; a caller waits a second for a place in it and is then told that the store is busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::append::{Known, Places, known, receipt, write};
use super::bulk::Bulk;
use super::change::{Batch, Change};
use super::engine::{Db, Tx, within};
use super::error::StoreError;
use super::json::JsonText;
use super::log::Receipt;
use super::{
    Store, alerts, authority, cases, conversations, customers, imports, incidents, promises, related,
};
use crate::clock::Clock;

/// Batches that wait for the writer; more callers wait outside.
pub(super) const QUEUE: usize = 4096;
/// One group: the more at once, the cheaper each; the limit bounds the time the first caller waits.
const GROUP_BATCHES: usize = 2048;
const GROUP_BYTES: usize = 4 << 20;
/// How long a caller waits for a place in the queue.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Job {
    batch: Batch,
    reply: oneshot::Sender<Result<Receipt, StoreError>>,
}

impl Store {
    /// Commits events and the changes they cause, together or not at all. When it returns they are on disk.
    ///
    /// A repeat (the same key, or the same events under the same numbers) changes nothing and returns the first receipt.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a number is taken by another event, [`StoreError::Refused`] when a change is not
    /// allowed now, [`StoreError::NoRoom`] and [`StoreError::Unavailable`] when nothing can be written,
    /// [`StoreError::Busy`] when the queue is full. In each case nothing of the batch was written, except that after
    /// `Unavailable` from a PostgreSQL server that went away it may have been: repeating it is safe.
    pub async fn commit(&self, batch: Batch) -> Result<Receipt, StoreError> {
        for event in &batch.events {
            // PostgreSQL knows no NUL in a text, and JSON writes it as an escape.
            if [&event.stream, &event.kind, &event.body].iter().any(|text| text.contains('\0')) {
                return Err(StoreError::Refused(format!(
                    "an event of {} holds a NUL",
                    event.stream.escape_debug()
                )));
            }
        }
        let (reply, answer) = oneshot::channel();
        let job = Job { batch, reply };
        match self.queue.send_timeout(job, PATIENCE).await {
            Ok(()) => answer.await.map_err(|_| StoreError::Closed)?,
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => Err(StoreError::Busy),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(StoreError::Closed),
        }
    }
}

/// The writer's ends of everything.
pub(super) struct Writer {
    pub(super) db: Db,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) inbox: mpsc::Receiver<Job>,
    pub(super) committed: watch::Sender<i64>,
    pub(super) groups: Arc<AtomicU64>,
    pub(super) stop: CancellationToken,
}

impl Writer {
    /// Writes until every sender is gone or the store is closed, then what is left in the queue.
    pub(super) async fn run(mut self) {
        while let Some(group) = self.next_group().await {
            let batches: Vec<&Batch> = group.iter().map(|job| &job.batch).collect();
            let answers = write_group(&self.db, &batches, self.clock.now().millis()).await;
            self.groups.fetch_add(1, Ordering::Relaxed);
            let last = answers.iter().flatten().filter_map(|receipt| receipt.positions.last().copied()).max();
            self.committed.send_if_modified(|position| {
                let newer = last.is_some_and(|last| last > *position);
                *position = last.unwrap_or(0).max(*position);
                newer
            });
            for (job, answer) in group.into_iter().zip(answers) {
                // The caller may have gone; what it sent is committed all the same.
                let _ = job.reply.send(answer);
            }
        }
    }

    /// Waits for a batch and takes what else has come meanwhile.
    async fn next_group(&mut self) -> Option<Vec<Job>> {
        let first = loop {
            tokio::select! {
                biased;
                first = self.inbox.recv() => break first?,
                () = self.stop.cancelled(), if !self.inbox.is_closed() => self.inbox.close(),
            }
        };
        let mut weight = first.batch.weight();
        let mut group = vec![first];
        while group.len() < GROUP_BATCHES && weight < GROUP_BYTES {
            let Ok(job) = self.inbox.try_recv() else { break };
            weight += job.batch.weight();
            group.push(job);
        }
        Some(group)
    }
}

/// Writes a group in one transaction; if one of its batches is at fault, each again behind a savepoint of its own.
async fn write_group(db: &Db, batches: &[&Batch], now_ms: i64) -> Vec<Result<Receipt, StoreError>> {
    let error = match all_at_once(db, batches, now_ms).await {
        Ok(receipts) => return receipts.into_iter().map(Ok).collect(),
        Err(error) => error,
    };
    if !error.is_temporary() {
        match one_by_one(db, batches, now_ms).await {
            Ok(answers) => return answers,
            Err(error) => return batches.iter().map(|_| Err(error.clone())).collect(),
        }
    }
    batches.iter().map(|_| Err(error.clone())).collect()
}

async fn all_at_once(db: &Db, batches: &[&Batch], now_ms: i64) -> Result<Vec<Receipt>, StoreError> {
    if batches.iter().any(|batch| batch.key.is_some()) {
        // Keys have to be looked up one by one anyway.
        return Err(StoreError::Conflict("keys".into()));
    }
    let mut tx = db.begin().await?;
    let mut places = Places::take(&mut tx, batches.iter().flat_map(|batch| &batch.events)).await?;
    let mut placed = Vec::new();
    let mut receipts = Vec::with_capacity(batches.len());
    for batch in batches {
        let of_batch = places.place(batch.events.iter());
        receipts.push(receipt(&of_batch));
        placed.extend(of_batch);
    }
    write(&mut tx, &placed, now_ms).await?;
    apply_all(&mut tx, batches.iter().flat_map(|batch| &batch.changes)).await?;
    tx.commit().await?;
    Ok(receipts)
}

async fn one_by_one(
    db: &Db,
    batches: &[&Batch],
    now_ms: i64,
) -> Result<Vec<Result<Receipt, StoreError>>, StoreError> {
    let mut tx = db.begin().await?;
    let mut places = Places::take(&mut tx, batches.iter().flat_map(|batch| &batch.events)).await?;
    let mut answers = Vec::with_capacity(batches.len());
    for batch in batches {
        let mark = places.mark();
        tx.run("SAVEPOINT batch").await?;
        let answer = write_one(&mut tx, &mut places, batch, now_ms).await;
        match &answer {
            Ok(_) => tx.run("RELEASE SAVEPOINT batch").await?,
            Err(error) if error.is_temporary() => return Err(error.clone()),
            Err(_) => {
                tx.run("ROLLBACK TO SAVEPOINT batch").await?;
                tx.run("RELEASE SAVEPOINT batch").await?;
                places.reset(mark);
            }
        }
        answers.push(answer);
    }
    tx.commit().await?;
    Ok(answers)
}

async fn write_one(
    tx: &mut Tx,
    places: &mut Places,
    batch: &Batch,
    now_ms: i64,
) -> Result<Receipt, StoreError> {
    if let Some(key) = &batch.key {
        let first: Option<JsonText<Receipt>> = within!(tx, |conn| {
            sqlx::query_scalar("SELECT receipt FROM batch_keys WHERE key = $1")
                .bind(key)
                .fetch_optional(conn)
                .await?
        });
        if let Some(JsonText(first)) = first {
            return Ok(Receipt { repeated: true, ..first });
        }
    }
    if let Known::All(first) = known(tx, &batch.events).await? {
        return Ok(first);
    }
    let placed = places.place(batch.events.iter());
    let receipt = receipt(&placed);
    write(tx, &placed, now_ms).await?;
    apply_all(tx, batch.changes.iter()).await?;
    if let Some(key) = &batch.key {
        within!(tx, |conn| {
            sqlx::query("INSERT INTO batch_keys (key, recorded_ms, receipt) VALUES ($1, $2, $3)")
                .bind(key)
                .bind(now_ms)
                .bind(JsonText(&receipt))
                .execute(conn)
                .await?;
        });
    }
    Ok(receipt)
}

/// Applies changes in their order, the frequent ones together at the end.
async fn apply_all<'a>(tx: &mut Tx, changes: impl Iterator<Item = &'a Change>) -> Result<(), StoreError> {
    let mut bulk = Bulk::default();
    for change in changes {
        if collect(&mut bulk, change) {
            continue;
        }
        if matches!(change, Change::Remask { .. }) {
            // The utterance itself may still be waiting in the bulk.
            bulk.flush(tx).await?;
        }
        apply(tx, change).await?;
    }
    bulk.flush(tx).await
}

/// Puts a frequent change to the others of its kind; tells whether it is one.
pub(super) fn collect<'a>(bulk: &mut Bulk<'a>, change: &'a Change) -> bool {
    match change {
        Change::Say(said) => bulk.say(said),
        Change::Notice(signal) => bulk.notice(signal),
        Change::Heat(point) => bulk.heat(point),
        Change::Progress(progress) => bulk.progress(progress),
        _ => return false,
    }
    true
}

/// Applies a rare change.
pub(super) async fn apply(tx: &mut Tx, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::StartConversation(new) => conversations::start(tx, new).await,
        Change::EndConversation { id, at } => conversations::end(tx, id, *at).await,
        Change::Decide(decision) => conversations::decide(tx, decision).await,
        Change::Promise(promise) => conversations::promise(tx, promise).await,
        Change::MarkCustomer { id, mark, until } => customers::mark(tx, id, mark, *until).await,
        Change::SettlePromise { id, state, by, at } => {
            conversations::settle(tx, id, *state, (by.as_ref(), *at)).await
        }
        Change::PromiseTold { id, late, at } => promises::told(tx, id, *late, *at).await,
        Change::OpenCase(case) => cases::open(tx, case).await,
        Change::JoinCase { conversation, case } => conversations::join_case(tx, conversation, case).await,
        Change::UpdateCase(case) => cases::update(tx, case).await,
        Change::AcknowledgeCase { id, by, at } => cases::acknowledge(tx, id, by, *at).await,
        Change::TakeOver { id, by, at } => cases::take_over(tx, id, by, *at).await,
        Change::Resolve { id, resolution } => cases::resolve(tx, id, resolution).await,
        Change::MergeCase { id, into, by, at } => related::merge(tx, id, into, by, *at).await,
        Change::JoinIncident { incident, kind, conversation, utterance, at } => {
            incidents::join(tx, (*incident, *kind), (conversation, *utterance), *at).await
        }
        Change::LinkCase { id, other, linked, by, at } => {
            related::link(tx, (id, other), *linked, by, *at).await
        }
        Change::Timeline(entry) => cases::write_down(tx, entry).await,
        Change::Grant(grant) => authority::write(tx, grant).await,
        Change::Alert(alert) => alerts::give(tx, alert).await,
        Change::AlertDelivered { id, at } => alerts::delivered(tx, id, *at).await,
        Change::AcknowledgeAlert { id, by, at } => alerts::acknowledge(tx, id, by, *at).await,
        Change::ClimbAlert(climb) => alerts::climb(tx, climb).await,
        Change::EndAlert { id, state, at } => alerts::end(tx, id, state, *at).await,
        Change::FinishImport { sha256, conversation, at } => {
            imports::finish(tx, sha256, conversation, *at).await
        }
        Change::Remask { conversation, utterance, text } => {
            conversations::remask(tx, conversation, *utterance, text).await
        }
        Change::Say(_) | Change::Notice(_) | Change::Heat(_) | Change::Progress(_) => Ok(()),
    }
}
