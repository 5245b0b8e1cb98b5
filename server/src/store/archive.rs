//! The archive: an index of the words of all utterances, and the search over it with everything that narrows it down.
//!
//! The index holds numbers of lemmas, no words. It is filled behind the writer (`indexing` says what waits); what is
//! erased or masked is taken out of it in the same transaction. `docs/decisions/0013-archive.md` says why.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gradus_engine::archive::{self, Key, Question, Wanted};
use gradus_engine::signal::{Channel, SignalKind};
use gradus_engine::time::Timestamp;
use serde::Serialize;

use super::engine::{Db, Tx, on, within};
use super::error::StoreError;
use super::ids::{CaseId, ConversationId};
use super::json::Rows;
use super::{Store, postgres, sqlite};

/// Beneath a conversation's place there is room for so many utterances; later ones are not found by their words.
const UTTERANCES: i64 = 1 << 17;
/// Among the conversations of one second there are so many places.
const PLACES: i64 = 4096;
/// Places are made of seconds between these.
const FARTHEST_S: i64 = 8_000_000_000;
/// Utterances with the words that one question looks at before it says where it stands.
const MOST_LOOKED_AT: usize = 50_000;
/// Utterances looked at in one statement, at most.
const CHUNK: usize = 4_096;
/// The setting that says by which words the index was made.
const VERSION: &str = "archive.version";

/// How a conversation ended, as far as a search asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The customer calmed down.
    Calmed,
    /// The customer did not calm down.
    NotCalmed,
    /// A case was made of it.
    Case,
    /// No case was made of it.
    NoCase,
    /// Its case is still open.
    Open,
    /// Its case is closed.
    Closed,
}

impl Outcome {
    /// Every outcome, in the order of the list people choose from.
    pub const ALL: [Self; 6] =
        [Self::Calmed, Self::NotCalmed, Self::Case, Self::NoCase, Self::Open, Self::Closed];

    /// Returns the name in addresses and queries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calmed => "calmed",
            Self::NotCalmed => "not_calmed",
            Self::Case => "case",
            Self::NoCase => "no_case",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// What is looked for, and where.
#[derive(Clone, Debug)]
pub struct ArchiveFilter {
    /// The words, in one utterance; nothing finds by the rest alone.
    pub words: Option<Question>,
    /// The utterance carries a signal of this kind.
    pub signal: Option<SignalKind>,
    /// The highest heat of the conversation, from and to, 0–100.
    pub heat: (i64, i64),
    /// The agent's name.
    pub agent: Option<String>,
    /// The team.
    pub team: Option<String>,
    /// The only team that may be seen; nothing sees all.
    pub scope: Option<String>,
    /// Begun at this moment or later.
    pub from: Option<Timestamp>,
    /// Begun before this moment.
    pub to: Option<Timestamp>,
    /// The kind of contact.
    pub channel: Option<Channel>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The place where the page before ended.
    pub before: Option<i64>,
    /// How many hits, at most.
    pub limit: usize,
}

impl Default for ArchiveFilter {
    fn default() -> Self {
        Self {
            words: None,
            signal: None,
            heat: (0, 100),
            agent: None,
            team: None,
            scope: None,
            from: None,
            to: None,
            channel: None,
            outcome: None,
            before: None,
            limit: 20,
        }
    }
}

/// An utterance that was found, with its conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArchiveHit {
    /// Its place: where the next page goes on.
    pub place: i64,
    /// In which conversation.
    pub conversation_id: ConversationId,
    /// The kind of contact.
    pub channel: String,
    /// Whether it is going on.
    pub status: String,
    /// When it began.
    pub started_at_ms: i64,
    /// The highest heat, 0–100.
    pub heat_max: i64,
    /// Whether the customer calmed down.
    pub calmed: bool,
    /// The team.
    pub team: Option<String>,
    /// Whether there is a recording.
    pub recorded: bool,
    /// The agent.
    pub agent_name: Option<String>,
    /// The customer.
    pub customer_name: Option<String>,
    /// The case.
    pub case_id: Option<CaseId>,
    /// Its number.
    pub case_number: Option<i64>,
    /// Its state.
    pub case_state: Option<String>,
    /// Which utterance; nothing in a conversation without a hot moment.
    pub utterance: Option<i64>,
    /// Who said it.
    pub party: Option<String>,
    /// Milliseconds from the start.
    pub start_ms: Option<i64>,
    /// Milliseconds from the start.
    pub end_ms: Option<i64>,
    /// The words; nothing once they were erased.
    pub text: Option<String>,
    /// What to mark in them: code points, half-open, in order.
    pub marks: Vec<(u32, u32)>,
    /// The kinds of signals in the utterance.
    pub signals: Vec<String>,
}

/// A page of what was found, the latest conversation first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ArchiveFound {
    /// What was found.
    pub hits: Vec<ArchiveHit>,
    /// Where the next page goes on; nothing when there is no more.
    pub next: Option<i64>,
    /// Whether the search stopped before the page was full, because it had looked at enough: it goes on at `next`.
    pub cut: bool,
}

/// An utterance that waits for the index: conversation, number, the conversation's place, text, what the index holds of it.
type WaitingRow = (ConversationId, i64, Option<i64>, Option<String>, Option<String>);

#[derive(sqlx::FromRow)]
struct HitColumns {
    archive_key: i64,
    conversation_id: ConversationId,
    channel: String,
    status: String,
    started_at_ms: i64,
    heat_max: i64,
    calmed: bool,
    team: Option<String>,
    recorded: bool,
    agent_name: Option<String>,
    customer_name: Option<String>,
    case_id: Option<CaseId>,
    case_number: Option<i64>,
    case_state: Option<String>,
    utterance: Option<i64>,
    party: Option<String>,
    start_ms: Option<i64>,
    end_ms: Option<i64>,
    text: Option<String>,
    quote_start: Option<i64>,
    quote_end: Option<i64>,
}

impl From<HitColumns> for ArchiveHit {
    fn from(row: HitColumns) -> Self {
        let point = |at: Option<i64>| at.and_then(|at| u32::try_from(at).ok());
        let quote = point(row.quote_start).zip(point(row.quote_end)).filter(|(start, end)| start < end);
        Self {
            place: row.archive_key.saturating_mul(UTTERANCES) + row.utterance.unwrap_or(0),
            conversation_id: row.conversation_id,
            channel: row.channel,
            status: row.status,
            started_at_ms: row.started_at_ms,
            heat_max: row.heat_max,
            calmed: row.calmed,
            team: row.team,
            recorded: row.recorded,
            agent_name: row.agent_name,
            customer_name: row.customer_name,
            case_id: row.case_id,
            case_number: row.case_number,
            case_state: row.case_state,
            utterance: row.utterance,
            party: row.party,
            start_ms: row.start_ms,
            end_ms: row.end_ms,
            text: row.text,
            marks: quote.into_iter().collect(),
            signals: Vec::new(),
        }
    }
}

/// Rows of the search: where they come from, and what else they have to fulfil. `$1` to `$3` are the caller's.
macro_rules! hits {
    ($quote:literal, $from:literal, $and:literal) => {
        concat!(
            "SELECT v.archive_key, v.id AS conversation_id, v.channel, v.status, v.started_at_ms, v.heat_max,
                 v.calmed_at IS NOT NULL AS calmed, v.team, v.recording_key IS NOT NULL AS recorded,
                 COALESCE(g.name, v.agent_name) AS agent_name, k.name AS customer_name, c.id AS case_id,
                 c.number AS case_number, c.state AS case_state, ",
            $quote,
            ", t.party, t.start_ms, t.end_ms, t.text FROM ",
            $from,
            " LEFT JOIN users g ON g.id = v.agent_id
              LEFT JOIN customers k ON k.id = v.customer_id
              LEFT JOIN cases c ON c.id = v.case_id
              WHERE (CAST($4 AS TEXT) IS NULL OR v.team = $4)
                AND (CAST($5 AS TEXT) IS NULL OR v.team = $5)
                AND v.heat_max >= $6 AND v.heat_max <= $7
                AND (CAST($8 AS TEXT) IS NULL OR COALESCE(g.name, v.agent_name) = $8)
                AND (CAST($9 AS TEXT) IS NULL OR v.channel = $9)
                AND (CAST($10 AS BIGINT) IS NULL OR v.started_at_ms >= $10)
                AND (CAST($11 AS BIGINT) IS NULL OR v.started_at_ms < $11)
                AND (CAST($12 AS TEXT) IS NULL OR CASE $12
                    WHEN 'calmed' THEN v.calmed_at IS NOT NULL
                    WHEN 'not_calmed' THEN v.calmed_at IS NULL
                    WHEN 'case' THEN v.case_id IS NOT NULL
                    WHEN 'no_case' THEN v.case_id IS NULL
                    WHEN 'open' THEN c.id IS NOT NULL AND c.closed_at_ms IS NULL
                    ELSE c.closed_at_ms IS NOT NULL END)
                AND ",
            $and
        )
    };
}

/// The utterances of a list of places.
const BY_PLACE: &str = hits!(
    "t.utterance, CAST(NULL AS BIGINT) AS quote_start, CAST(NULL AS BIGINT) AS quote_end",
    "(SELECT CAST(value->>0 AS BIGINT) AS doc FROM json_each($1)) AS found
     JOIN conversations v ON v.archive_key = found.doc >> 17
     JOIN utterance_texts t ON t.conversation_id = v.id AND t.utterance = (found.doc & 131071)",
    "t.text IS NOT NULL AND CAST($2 AS BIGINT) IS NULL
     AND (CAST($3 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM signals s
         WHERE s.conversation_id = v.id AND s.utterance = t.utterance AND s.kind = $3))
     ORDER BY v.archive_key DESC, t.utterance DESC"
);

/// The utterances that carry a kind of signal. Written as it is, SQLite walks the conversations and not the signals.
const BY_SIGNAL: &str = hits!(
    "s.utterance, s.quote_start, s.quote_end",
    "conversations v CROSS JOIN signals s
     LEFT JOIN utterance_texts t ON t.conversation_id = s.conversation_id AND t.utterance = s.utterance",
    "s.conversation_id = v.id AND s.kind = $3 AND v.archive_key <= $1 AND (v.archive_key < $1 OR s.utterance < $2)
     ORDER BY v.archive_key DESC, s.utterance DESC, s.number LIMIT $13"
);

/// The conversations with their hottest moment.
const BY_CONVERSATION: &str = hits!(
    "v.quote_utterance AS utterance, CASE WHEN t.heard IS NULL THEN v.quote_start END AS quote_start,
     CASE WHEN t.heard IS NULL THEN v.quote_end END AS quote_end",
    "conversations v
     LEFT JOIN utterance_texts t ON t.conversation_id = v.id AND t.utterance = v.quote_utterance",
    "CAST($3 AS TEXT) IS NULL AND v.archive_key <= $1
     AND (v.archive_key < $1 OR COALESCE(v.quote_utterance, 0) < $2)
     ORDER BY v.archive_key DESC LIMIT $13"
);

/// Binds what every search is narrowed by.
macro_rules! narrowed {
    ($query:expr, $filter:expr) => {
        $query
            .bind(&$filter.scope)
            .bind(&$filter.team)
            .bind($filter.heat.0)
            .bind($filter.heat.1)
            .bind(&$filter.agent)
            .bind($filter.channel.map(Channel::name))
            .bind($filter.from.map(Timestamp::millis))
            .bind($filter.to.map(Timestamp::millis))
            .bind($filter.outcome.map(Outcome::name))
    };
}

impl Store {
    /// Returns a page of what was found, the latest conversation first. It looks at a bounded number of rows: where that
    /// was not enough, the page says so and where to go on.
    ///
    /// # Errors
    /// When the store cannot be read, or PostgreSQL gives a question up after two seconds.
    pub async fn search(&self, filter: &ArchiveFilter) -> Result<ArchiveFound, StoreError> {
        let mut page = match &filter.words {
            Some(words) => self.search_words(filter, words).await?,
            None => self.search_rest(filter).await?,
        };
        self.add_signals(&mut page.hits).await?;
        Ok(page)
    }

    async fn search_words(
        &self,
        filter: &ArchiveFilter,
        words: &Question,
    ) -> Result<ArchiveFound, StoreError> {
        let (mut page, mut looked_at) = (ArchiveFound::default(), 0);
        let mut chunk = (filter.limit * 2).clamp(64, CHUNK);
        let first = filter.from.map_or(i64::MIN, |from| doc(base(from), 0));
        // The last second of the span may have been too full for its conversations.
        let last = filter.to.map_or(i64::MAX, |to| doc(base(to).saturating_add(256 * PLACES), 0));
        let mut before = filter.before.unwrap_or(i64::MAX).min(last);
        loop {
            let docs = self.find_places(words, before, first, chunk).await?;
            let rows = self.rows(filter, &docs).await?;
            for mut hit in rows {
                let Some(marks) = hit.text.as_deref().and_then(|text| words.find(text)) else { continue };
                hit.marks = marks;
                page.hits.push(hit);
            }
            let more = docs.len() >= chunk;
            if page.hits.len() >= filter.limit {
                let over = page.hits.len() > filter.limit;
                page.hits.truncate(filter.limit);
                page.next = page.hits.last().filter(|_| more || over).map(|hit| hit.place);
                return Ok(page);
            }
            looked_at += docs.len();
            let (true, Some(end)) = (more, docs.last()) else { return Ok(page) };
            if looked_at >= MOST_LOOKED_AT {
                (page.next, page.cut) = (Some(*end), true);
                return Ok(page);
            }
            before = *end;
            chunk = (chunk * 4).min(CHUNK);
        }
    }

    /// Returns the places of utterances that hold the words, the latest first.
    pub(super) async fn find_places(
        &self,
        words: &Question,
        before: i64,
        first: i64,
        limit: usize,
    ) -> Result<Vec<i64>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        match &self.read {
            Db::Sqlite(pool) => Ok(sqlx::query_scalar(sqlite::ARCHIVE_FIND)
                .bind(match_expression(words))
                .bind(before)
                .bind(first)
                .bind(limit)
                .fetch_all(pool)
                .await?),
            Db::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query(postgres::ASK_BRIEFLY).execute(&mut *tx).await?;
                let found = sqlx::query_scalar(postgres::ARCHIVE_FIND);
                let found = found.bind(tsquery(words)).bind(before).bind(first).bind(limit);
                let found = found.fetch_all(&mut *tx).await?;
                tx.commit().await?;
                Ok(found)
            }
        }
    }

    async fn rows(&self, filter: &ArchiveFilter, docs: &[i64]) -> Result<Vec<ArchiveHit>, StoreError> {
        let mut rows = Rows::default();
        for doc in docs {
            rows.push([doc])?;
        }
        let Some(rows) = rows.finish() else { return Ok(Vec::new()) };
        let found: Vec<HitColumns> = on!(self.read, |pool| narrowed!(
            sqlx::query_as(BY_PLACE).bind(&rows).bind(None::<i64>).bind(filter.signal.map(SignalKind::name)),
            filter
        )
        .fetch_all(pool)
        .await?);
        Ok(found.into_iter().map(ArchiveHit::from).collect())
    }

    async fn search_rest(&self, filter: &ArchiveFilter) -> Result<ArchiveFound, StoreError> {
        let sql = if filter.signal.is_some() { BY_SIGNAL } else { BY_CONVERSATION };
        let before = filter.before.map_or((i64::MAX, 0), |place| (place >> 17, place & (UTTERANCES - 1)));
        // The same utterance can carry the same kind twice.
        let limit = i64::try_from(filter.limit * 2 + 1).unwrap_or(i64::MAX);
        let found: Vec<HitColumns> = on!(self.read, |pool| narrowed!(
            sqlx::query_as(sql).bind(before.0).bind(before.1).bind(filter.signal.map(SignalKind::name)),
            filter
        )
        .bind(limit)
        .fetch_all(pool)
        .await?);
        let full = i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit;
        let mut hits: Vec<ArchiveHit> = Vec::new();
        for hit in found.into_iter().map(ArchiveHit::from) {
            match hits.last_mut() {
                Some(last) if last.place == hit.place => last.marks.extend(hit.marks),
                _ => hits.push(hit),
            }
        }
        for hit in &mut hits {
            hit.marks.sort_unstable();
            hit.marks.dedup_by(|next, before| next.0 < before.1);
        }
        let more = full || hits.len() > filter.limit;
        hits.truncate(filter.limit);
        let next = hits.last().filter(|_| more).map(|hit| hit.place);
        Ok(ArchiveFound { hits, next, cut: false })
    }

    async fn add_signals(&self, hits: &mut [ArchiveHit]) -> Result<(), StoreError> {
        let mut rows = Rows::default();
        for hit in &*hits {
            rows.push((&hit.conversation_id, hit.utterance.unwrap_or(-1)))?;
        }
        let Some(rows) = rows.finish() else { return Ok(()) };
        let sql = "SELECT s.conversation_id, s.utterance, s.kind FROM json_each($1) AS item
                   JOIN signals s ON s.conversation_id = item.value->>0
                       AND s.utterance = CAST(item.value->>1 AS BIGINT)
                   ORDER BY s.conversation_id, s.utterance, s.number";
        let found: Vec<(ConversationId, i64, String)> =
            on!(self.read, |pool| sqlx::query_as(sql).bind(&rows).fetch_all(pool).await?);
        let mut kinds: BTreeMap<(ConversationId, i64), Vec<String>> = BTreeMap::new();
        for (conversation, utterance, kind) in found {
            let known = kinds.entry((conversation, utterance)).or_default();
            if !known.contains(&kind) {
                known.push(kind);
            }
        }
        for hit in hits {
            let key = (hit.conversation_id.clone(), hit.utterance.unwrap_or(-1));
            hit.signals = kinds.get(&key).cloned().unwrap_or_default();
        }
        Ok(())
    }

    /// Makes the index anew, little by little, if it was made by another dictionary; returns whether it has to be.
    pub async fn renew_archive(&self, now: Timestamp) -> Result<bool, StoreError> {
        let version = archive::version();
        let made: Option<String> = self.setting(VERSION).await?;
        if made.as_deref() == Some(version.as_str()) {
            return Ok(false);
        }
        let sql = "UPDATE utterance_texts SET indexing = 1 WHERE indexing = 2 AND text IS NOT NULL";
        on!(self.write, |pool| {
            sqlx::query(sql).execute(pool).await?;
        });
        self.set(VERSION, &version, now).await?;
        Ok(made.is_some())
    }

    /// Puts up to `limit` waiting utterances into the index, new ones first; returns how many it took.
    pub async fn fill_archive(&self, limit: i64) -> Result<usize, StoreError> {
        if self.archive_waits(1).await? == 0 {
            return Ok(0);
        }
        let mut tx = self.write.begin().await?;
        let sql = match tx {
            Tx::Sqlite(_) => sqlite::ARCHIVE_WAITING,
            Tx::Postgres(_) => {
                tx.run(postgres::LOCK_ARCHIVE).await?;
                postgres::ARCHIVE_WAITING
            }
        };
        let waiting: Vec<WaitingRow> =
            within!(&mut tx, |conn| sqlx::query_as(sql).bind(limit).fetch_all(conn).await?);
        let (mut taken, mut put, mut done) = (Vec::new(), Vec::new(), Rows::default());
        for (conversation, utterance, key, text, lemmas) in &waiting {
            let place = key.filter(|_| (0..UTTERANCES).contains(utterance)).map(|key| doc(key, *utterance));
            if let (Some(place), Some(lemmas)) = (place, lemmas) {
                taken.push((place, lemmas.clone()));
            }
            let keys = text.as_deref().map(archive::keys).filter(|keys| !keys.is_empty());
            let keys = keys.filter(|_| place.is_some());
            done.push((conversation, utterance, &keys))?;
            if let (Some(place), Some(keys)) = (place, keys) {
                put.push((place, keys));
            }
        }
        take_docs(&mut tx, taken).await?;
        put_docs(&mut tx, put).await?;
        let sql =
            "UPDATE utterance_texts SET indexing = 2, lemmas = item.value->>2 FROM json_each($1) AS item
                   WHERE utterance_texts.conversation_id = item.value->>0
                     AND utterance_texts.utterance = CAST(item.value->>1 AS BIGINT)";
        if let Some(done) = done.finish() {
            within!(&mut tx, |conn| {
                sqlx::query(sql).bind(done).execute(conn).await?;
            });
        }
        tx.commit().await?;
        Ok(waiting.len())
    }

    /// Counts the utterances that wait for the index, up to `most`.
    pub async fn archive_waits(&self, most: i64) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM utterance_texts WHERE indexing < 2 LIMIT $1) AS waiting";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).bind(most).fetch_one(pool).await?))
    }
}

/// Returns the first place of the second in which something happened.
fn base(at: Timestamp) -> i64 {
    (at.millis() / 1000).clamp(-FARTHEST_S, FARTHEST_S) * PLACES
}

fn doc(key: i64, utterance: i64) -> i64 {
    key.saturating_mul(UTTERANCES).saturating_add(utterance)
}

/// Gives a conversation that has none its place in the order of time. Where a second is full, it is in the next.
pub(super) async fn give_place(
    tx: &mut Tx,
    id: &ConversationId,
    started_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE conversations SET archive_key = $2 WHERE id = $1 AND archive_key IS NULL";
    let known = "SELECT archive_key FROM conversations WHERE id = $1";
    let given: Option<i64> = within!(tx, |conn| sqlx::query_scalar(known).bind(id).fetch_one(conn).await?);
    if given.is_some() {
        return Ok(());
    }
    let taken = "SELECT MAX(archive_key) FROM conversations WHERE archive_key >= $1 AND archive_key < $2";
    let mut first = base(started_at);
    loop {
        let last: Option<i64> = within!(tx, |conn| {
            sqlx::query_scalar(taken).bind(first).bind(first + PLACES).fetch_one(conn).await?
        });
        let next = last.map_or(first, |last| last + 1);
        if next < first + PLACES {
            within!(tx, |conn| {
                sqlx::query(sql).bind(id).bind(next).execute(conn).await?;
            });
            return Ok(());
        }
        first += PLACES;
    }
}

/// Takes an utterance, or all of a conversation, out of the index before its words change or go.
pub(super) async fn take_out(
    tx: &mut Tx,
    conversation: &ConversationId,
    utterance: Option<i64>,
) -> Result<(), StoreError> {
    let sql = "SELECT v.archive_key, t.utterance, t.lemmas FROM utterance_texts t
               JOIN conversations v ON v.id = t.conversation_id
               WHERE t.conversation_id = $1 AND (CAST($2 AS BIGINT) IS NULL OR t.utterance = $2)
                 AND t.lemmas IS NOT NULL AND v.archive_key IS NOT NULL";
    let known: Vec<(i64, i64, String)> =
        within!(tx, |conn| sqlx::query_as(sql).bind(conversation).bind(utterance).fetch_all(conn).await?);
    take_docs(tx, known.into_iter().map(|(key, utterance, lemmas)| (doc(key, utterance), lemmas)).collect())
        .await
}

/// Marks everything as waiting: after a restore the index is empty.
pub(super) async fn forget_index(tx: &mut Tx) -> Result<(), StoreError> {
    let sql =
        "UPDATE utterance_texts SET indexing = CASE indexing WHEN 2 THEN 1 ELSE indexing END, lemmas = NULL
               WHERE text IS NOT NULL AND (indexing = 2 OR lemmas IS NOT NULL)";
    tx.run(sql).await
}

async fn take_docs(tx: &mut Tx, docs: Vec<(i64, String)>) -> Result<(), StoreError> {
    let mut rows = Rows::default();
    for (place, lemmas) in docs {
        rows.push((place, lemmas))?;
    }
    let Some(rows) = rows.finish() else { return Ok(()) };
    let sql = if matches!(tx, Tx::Sqlite(_)) { sqlite::ARCHIVE_TAKE } else { postgres::ARCHIVE_TAKE };
    within!(tx, |conn| {
        sqlx::query(sql).bind(rows).execute(conn).await?;
    });
    Ok(())
}

async fn put_docs(tx: &mut Tx, docs: Vec<(i64, String)>) -> Result<(), StoreError> {
    let mut rows = Rows::default();
    let postgres = matches!(tx, Tx::Postgres(_));
    for (place, keys) in docs {
        rows.push((place, if postgres { tsvector(&keys) } else { keys }))?;
    }
    let Some(rows) = rows.finish() else { return Ok(()) };
    let sql = if postgres { postgres::ARCHIVE_PUT } else { sqlite::ARCHIVE_PUT };
    within!(tx, |conn| {
        sqlx::query(sql).bind(rows).execute(conn).await?;
    });
    Ok(())
}

/// Writes keys with their places as PostgreSQL reads them: `'l1':1,4 'l2':2`.
fn tsvector(keys: &str) -> String {
    /// PostgreSQL keeps no place beyond this, and no more than 255 of one word.
    const LAST: usize = 16_383;
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, key) in keys.split(' ').enumerate() {
        let known = places.entry(key).or_default();
        if known.len() < 255 {
            known.push((at + 1).min(LAST));
        }
    }
    let mut out = String::new();
    for (key, mut at) in places {
        at.dedup();
        let at: Vec<String> = at.iter().map(usize::to_string).collect();
        // Writing to a String cannot fail.
        let _ = write!(out, "'{key}':{} ", at.join(","));
    }
    out
}

/// Writes a question as FTS5 reads it. It may find more than was asked for, never less.
fn match_expression(words: &Question) -> String {
    let one = |wanted: &Wanted| match wanted {
        Wanted::Word(keys) => format!("({})", join(keys, " OR ", "")),
        Wanted::Phrase(phrase) => format!("\"{}\"", join(&keys_of(phrase), " ", "")),
    };
    let all: Vec<String> = words.all().iter().map(one).collect();
    let none: Vec<String> = denied(words).map(one).collect();
    let all = all.join(" AND ");
    if none.is_empty() { all } else { format!("({all}) NOT ({})", none.join(" OR ")) }
}

/// The same as PostgreSQL reads it.
fn tsquery(words: &Question) -> String {
    let one = |wanted: &Wanted| match wanted {
        Wanted::Word(keys) => format!("({})", join(keys, "|", "'")),
        Wanted::Phrase(phrase) => format!("({})", join(&keys_of(phrase), "<->", "'")),
    };
    let all: Vec<String> = words.all().iter().map(one).collect();
    let none: Vec<String> = denied(words).map(|wanted| format!("&!{}", one(wanted))).collect();
    format!("{}{}", all.join("&"), none.concat())
}

/// A denied phrase of several words may stand in other forms; that is for [`Question::find`] to tell.
fn denied(words: &Question) -> impl Iterator<Item = &Wanted> {
    words.none().iter().filter(|wanted| matches!(wanted, Wanted::Word(_)))
}

fn keys_of(phrase: &[archive::Word]) -> Vec<Key> {
    phrase.iter().map(|word| word.key).collect()
}

fn join(keys: &[Key], between: &str, around: &str) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!("{around}{key}{around}")).collect();
    keys.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_written_for_each_engine() {
        let question = Question::parse("стол \"в суд\" -дверь -«на дом»").unwrap();
        let (lite, heavy) = (match_expression(&question), tsquery(&question));
        assert!(
            lite.starts_with("((l") && lite.contains(") AND \"l") && lite.contains(") NOT ((l"),
            "{lite}"
        );
        assert!(heavy.starts_with("('l") && heavy.contains("'<->'") && heavy.contains("&!('l"), "{heavy}");
        assert_eq!((lite.matches("NOT").count(), heavy.matches('!').count()), (1, 1));
    }

    #[test]
    fn places_of_words_are_those_that_postgresql_keeps() {
        assert_eq!(tsvector("l1 l2 l1"), "'l1':1,3 'l2':2 ");
        let long = vec!["l1"; 20_000].join(" ");
        assert_eq!(tsvector(&long).matches(',').count(), 254);
    }

    #[test]
    fn the_farthest_times_have_a_place() {
        for at in [i64::MIN, -1, 0, 253_402_300_800_000, i64::MAX] {
            let key = base(Timestamp::from_millis(at));
            let place = doc(key + PLACES, UTTERANCES - 1);
            assert_eq!((place >> 17, place & (UTTERANCES - 1)), (key + PLACES, UTTERANCES - 1), "{at}");
        }
    }
}
