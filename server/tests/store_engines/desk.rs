//! A store for one test: a file in a temporary folder, or a schema of its own on the PostgreSQL server named by
//! `GRADUS_TEST_POSTGRES`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gradus::clock::ManualClock;
use gradus::mask::MaskedText;
use gradus::store::{
    Batch, CaseId, ConversationId, ConversationStatus, NewCase, NewConversation, NewEvent, Store, User,
    Utterance, conversation_stream,
};
use gradus_engine::signal::{Channel, Party};
use gradus_engine::time::Timestamp;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// Monday, 2026-11-16, 09:00 UTC.
pub const MORNING: i64 = 1_794_819_600_000;

static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// A store with its clock and its place.
pub struct Desk {
    pub store: Store,
    pub clock: ManualClock,
    pub url: String,
    pub folder: tempfile::TempDir,
    schema: Option<(String, String)>,
}

impl Desk {
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("gradus.db").display());
        Self::open(url, folder, None).await
    }

    /// Returns nothing, and says so, when no server was given.
    pub async fn on_postgres() -> Option<Self> {
        let Ok(server) = std::env::var("GRADUS_TEST_POSTGRES") else {
            println!("not run on PostgreSQL: GRADUS_TEST_POSTGRES is not set");
            return None;
        };
        let number = SCHEMAS.fetch_add(1, Ordering::SeqCst);
        let schema = format!("test_{}_{number}", std::process::id());
        let mut conn = PgConnection::connect(&server).await.unwrap();
        let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        let sign = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{sign}options=-c%20search_path%3D{schema}");
        Some(Self::open(url, tempfile::tempdir().unwrap(), Some((server, schema))).await)
    }

    async fn open(url: String, folder: tempfile::TempDir, schema: Option<(String, String)>) -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(MORNING));
        let store = Store::open(&url, Arc::new(clock.clone())).await.unwrap();
        Self { store, clock, url, folder, schema }
    }

    /// Closes the store and opens it again, as a restart does.
    pub async fn reopen(&mut self) {
        self.store.close().await;
        self.store = Store::open(&self.url, Arc::new(self.clock.clone())).await.unwrap();
    }

    pub async fn end(self) {
        self.store.close().await;
        if let Some((server, schema)) = self.schema {
            let mut conn = PgConnection::connect(&server).await.unwrap();
            let sql = format!("DROP SCHEMA {schema} CASCADE");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
        }
    }

    pub async fn commit(&self, batch: Batch) {
        self.store.commit(batch).await.unwrap();
    }

    /// Adds an active user whose id is the login.
    pub async fn user(&self, login: &str, role: &str) {
        self.store.add_user(&user(login, role)).await.unwrap();
    }

    /// Returns the names of all tables, as the database knows them, but for the index of the archive: it is made anew from
    /// the texts.
    pub async fn tables(&self) -> Vec<String> {
        if self.schema.is_some() {
            let mut conn = PgConnection::connect(&self.url).await.unwrap();
            let sql = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
                       WHERE table_schema = current_schema() AND table_name NOT LIKE 'archive_words%'
                       ORDER BY table_name COLLATE \"C\"";
            return sqlx::query_scalar(sql).fetch_all(&mut conn).await.unwrap();
        }
        let mut conn = SqliteConnection::connect(&self.url).await.unwrap();
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'archive_words%' ORDER BY name";
        sqlx::query_scalar(sql).fetch_all(&mut conn).await.unwrap()
    }

    /// Begins a live call.
    pub async fn call(&self, id: &str) -> ConversationId {
        self.commit(Batch::new().change(call(id))).await;
        id.into()
    }

    /// Opens a case from a conversation.
    pub async fn case(&self, id: &str, conversation: &str) -> CaseId {
        self.commit(Batch::new().change(case(id, conversation))).await;
        id.into()
    }
}

pub fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(MORNING + minutes * 60_000)
}

pub fn user(login: &str, role: &str) -> User {
    User {
        id: login.into(),
        login: login.into(),
        name: format!("Имя {login}"),
        role: role.into(),
        team: Some("team".into()),
        password_hash: Some("hash".into()),
        locale: "ru".into(),
        active: true,
        created_at_ms: MORNING,
    }
}

pub fn call(id: &str) -> NewConversation {
    let mut call = NewConversation::new(id.into(), Channel::Call, ConversationStatus::Live, at(0));
    call.team = Some("team".into());
    call
}

pub fn case(id: &str, conversation: &str) -> NewCase {
    NewCase {
        id: id.into(),
        conversation_id: Some(conversation.into()),
        customer_id: None,
        subject: Some(MaskedText::of("не приехал заказ")),
        state: "open".into(),
        stage: "supervisor".into(),
        priority: "high".into(),
        owner_id: None,
        team: Some("team".into()),
        opened_at: at(1),
        due_at: Some(at(16)),
    }
}

pub fn said(conversation: &str, utterance: i64, party: Party, text: &str) -> Utterance {
    Utterance {
        conversation: conversation.into(),
        utterance,
        party,
        speaker: None,
        start_ms: utterance * 1000,
        end_ms: utterance * 1000 + 900,
        text: MaskedText::of(text),
        words: None,
    }
}

pub fn event(conversation: &str, sequence: Option<i64>, kind: &str) -> NewEvent {
    NewEvent {
        stream: conversation_stream(&conversation.into()),
        sequence,
        at: at(0),
        kind: kind.into(),
        body: format!("{{\"kind\":\"{kind}\"}}"),
        protocol_version: "default-1".into(),
        rules_version: "rules-1".into(),
    }
}

/// Runs each test on SQLite, and on PostgreSQL when a server is given.
macro_rules! on_both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($desk:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "not every test needs everything")]
            use super::*;

            #[allow(unused_mut, reason = "only some tests restart the desk")]
            async fn check(mut $desk: Desk) {
                $body
                $desk.end().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                check(Desk::on_sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                if let Some(desk) = Desk::on_postgres().await {
                    check(desk).await;
                }
            }
        }
    )*};
}
pub(crate) use on_both_engines;
