//! The store: the event log, what is read off it, and the erasable words beside it, on SQLite or PostgreSQL.
//!
//! All SQL of the product is in this folder. Writes that follow from events go through [`Store::commit`], one task that
//! commits many callers' batches at once; nothing is acknowledged before it is on disk.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

mod access;
mod alerts;
mod append;
mod archive;
mod audit;
mod authority;
mod bench;
mod bulk;
mod care;
mod cases;
mod change;
mod channels;
mod conversations;
mod corrections;
mod counted;
mod customers;
mod deliveries;
mod documents;
mod dump;
mod duty;
mod email;
mod engine;
mod erase;
mod error;
mod feedback;
mod findings;
mod hold;
mod ids;
mod imports;
mod incidents;
mod inspect;
mod json;
mod library;
mod load;
mod log;
mod migrate;
mod postgres;
mod practice;
mod promises;
mod protocols;
mod quality;
mod queue;
mod rebuild;
mod recordings;
mod related;
mod report;
mod review;
mod service;
mod settings;
mod sqlite;
mod tasks;
mod tokens;
mod users;
mod views;
mod weekly;
mod writer;

pub use access::{EntryLink, LinkKind, SecondFactor};
pub use alerts::{AlertClimb, AlertRow, Grounds, NewAlert};
pub use archive::{ArchiveFilter, ArchiveFound, ArchiveHit, Outcome};
pub use audit::{AuditFilter, AuditRow, AuditState};
pub use authority::{GrantFilter, GrantRow, GrantState, NewGrant};
pub use bench::{AppendFigures, AppendLoad, Rate, bench_append, bench_find, bench_store};
pub use care::{CustomerNote, JoinRow, Rating};
pub use cases::{CaseCost, CaseFilter, CaseRow, CaseUpdate, NewCase, Resolution, TimelineEntry, TimelineRow};
pub use change::{Batch, Change};
pub use channels::{QuietHours, UserChannel};
pub use conversations::{
    Commitment, ConversationKey, Decision, Evidence, HeatPoint, NewConversation, NewParty, Progress, Signal,
    Utterance,
};
pub use corrections::{Correction, CorrectionRow};
pub use counted::{Behind, Counted, Counts, Which};
pub use customers::{Contact, Customer, CustomerFacts, Purchase};
pub use deliveries::{Attempt, Claimed, DeliveryKey, DeliveryRow, Reach};
pub use documents::{Document, DocumentRow};
pub use dump::{Column, Kind, Snapshot, Table};
pub use duty::{Absence, Duty};
pub use email::normal_email;
pub use engine::Db;
pub use erase::Erased;
pub use error::StoreError;
pub use feedback::{JudgedSignal, MissedSignal, RuleVerdicts};
pub use findings::{Finding, OpenFinding};
pub use hold::{Held, Hold};
pub use ids::{
    AlertId, CaseId, CommitmentId, CommitmentState, ContactKind, ConversationId, ConversationStatus,
    CustomerId, DecisionId, ImportState, UserId, Verdict,
};
pub use imports::ImportRow;
pub use incidents::{IncidentRow, MemberRow, WordsRow};
pub use inspect::{HeldRows, Inspected};
pub use json::JsonText;
pub use library::{CooledRow, SaidRow};
pub use load::Loading;
pub use log::{NewEvent, Receipt, StoredEvent, case_stream, conversation_stream, text_sha256};
pub use migrate::Applied;
pub use practice::{PracticeRow, Progress as PracticeProgress};
pub use promises::{DuePromise, Solved};
pub use protocols::ProtocolRow;
pub use quality::{CardFilter, CardRow, Drawable, NewCard};
pub use queue::{NewRecording, QueueShare, QueuedRecording};
pub use recordings::Recordings;
pub use related::RelatedRow;
pub use report::{CaseTimes, Spent};
pub use review::{ReviewSaid, ReviewTalk};
pub use service::{AskRow, CaseAsk, ClockRow, Service};
pub use tasks::{NewTask, ReasonTime, TaskFilter, TaskRow};
pub use tokens::{ApiKey, ApiToken};
pub use users::{Session, User};
pub use views::{
    CommitmentRow, ConversationFilter, ConversationPage, ConversationRow, DecisionRow, HeatRow, SignalRow,
    UtteranceRow,
};
pub use weekly::Weekly;

/// The store of one node. Clones share everything.
#[derive(Clone)]
pub struct Store {
    /// Connections for reading.
    read: Db,
    /// Connections for writing; on SQLite there is one.
    write: Db,
    queue: mpsc::Sender<writer::Job>,
    committed: watch::Receiver<i64>,
    /// How many transactions the writer has committed.
    groups: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    task: Arc<std::sync::Mutex<Option<JoinHandle<()>>>>,
}

impl Store {
    /// Opens the database at `sqlite:PATH` or `postgres://…`, brings it up to date and starts the writer.
    ///
    /// # Errors
    /// [`StoreError::Open`] names the address and what to do.
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let (write, read) = connect(url).await?;
        migrate::migrate(&write, clock.now().millis()).await?;
        let (queue, inbox) = mpsc::channel(writer::QUEUE);
        let (announce, committed) = watch::channel(0);
        let stop = CancellationToken::new();
        let groups = Arc::new(AtomicU64::new(0));
        let writer = writer::Writer {
            db: write.clone(),
            clock: clock.clone(),
            inbox,
            committed: announce,
            groups: groups.clone(),
            stop: stop.clone(),
        };
        let task = tokio::spawn(writer.run());
        let task = Arc::new(std::sync::Mutex::new(Some(task)));
        Ok(Self { read, write, queue, committed, groups, clock, stop, task })
    }

    /// Follows the last committed position of this node's writer: what live pages wait for.
    pub fn committed(&self) -> watch::Receiver<i64> {
        self.committed.clone()
    }

    /// Returns the clock the store was opened with.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Tells whether the database answers: for the health check.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let one: i64 = engine::on!(self.read, |pool| sqlx::query_scalar("SELECT CAST(1 AS BIGINT)")
            .fetch_one(pool)
            .await?);
        debug_assert_eq!(one, 1);
        Ok(())
    }

    /// Writes what waits in the queue, then closes every connection.
    pub async fn close(&self) {
        self.stop.cancel();
        let task = self.task.lock().ok().and_then(|mut task| task.take());
        if let Some(task) = task {
            // It ends by itself once the queue is empty; a panic in it has already been reported.
            let _ = task.await;
        }
        self.read.close().await;
        self.write.close().await;
    }
}

/// Connects: one pool that writes, one that reads.
async fn connect(url: &str) -> Result<(Db, Db), StoreError> {
    if url.starts_with("sqlite:") {
        let (write, read) = sqlite::open(url).await?;
        Ok((Db::Sqlite(write), Db::Sqlite(read)))
    } else if is_postgres(url) {
        let pool = postgres::open(url).await?;
        Ok((Db::Postgres(pool.clone()), Db::Postgres(pool)))
    } else {
        Err(unknown_kind(url))
    }
}

fn unknown_kind(url: &str) -> StoreError {
    StoreError::Open {
        what: url.split(':').next().unwrap_or("").to_owned(),
        why: "unknown kind of database; write sqlite:PATH or postgres://…".into(),
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}
