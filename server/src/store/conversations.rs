//! Conversations as they are written: metadata, texts, signals, heat, decisions, promises.

use gradus_engine::signal::{Channel, Party, SignalKind};
use gradus_engine::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::engine::{Tx, within};
use super::error::StoreError;
use super::ids::{
    CaseId, CommitmentId, CommitmentState, ConversationId, ConversationStatus, CustomerId, DecisionId, UserId,
};
use super::json::{JsonText, Rows, clean};
use crate::mask::MaskedText;

/// A conversation that begins, or more that became known of it.
#[derive(Clone, Debug)]
pub struct NewConversation {
    /// Its name, unique for ever.
    pub id: ConversationId,
    /// The kind of contact.
    pub channel: Channel,
    /// Whether it is going on.
    pub status: ConversationStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// The customer, once known.
    pub customer_id: Option<CustomerId>,
    /// The agent, where they are a user.
    pub agent_id: Option<UserId>,
    /// The agent's name as the source says it.
    pub agent_name: Option<String>,
    /// The team the conversation belongs to: decides who sees it.
    pub team: Option<String>,
    /// What it is about.
    pub subject: Option<MaskedText>,
    /// Where it came from: a file name, a webhook, a PBX.
    pub source: Option<String>,
    /// The id that the source gave it.
    pub source_id: Option<String>,
    /// What is decided before this moment was history when it came in.
    pub history_before: Option<Timestamp>,
    /// SHA-256 of the source file, hexadecimal: the same file is never imported twice.
    pub source_sha256: Option<String>,
    /// The recording's key in the object storage.
    pub recording_key: Option<String>,
    /// The measures of the sound as JSON.
    pub sound: Option<Value>,
    /// Something the page has to say about the import, such as guessed roles.
    pub note: Option<String>,
    /// Who takes part, in the order of the source.
    pub parties: Vec<NewParty>,
}

impl NewConversation {
    /// Makes a conversation of which only the necessary is known.
    pub fn new(
        id: ConversationId,
        channel: Channel,
        status: ConversationStatus,
        started_at: Timestamp,
    ) -> Self {
        Self {
            id,
            channel,
            status,
            started_at,
            ended_at: None,
            customer_id: None,
            agent_id: None,
            agent_name: None,
            team: None,
            subject: None,
            source: None,
            source_id: None,
            history_before: None,
            source_sha256: None,
            recording_key: None,
            sound: None,
            note: None,
            parties: Vec::new(),
        }
    }
}

/// One who takes part in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, sqlx::FromRow)]
pub struct NewParty {
    /// `customer`, `agent`, `supervisor`, `specialist` or what the source says.
    pub role: String,
    /// The name.
    pub name: Option<String>,
    /// The telephone number as the source says it.
    pub tel: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The user of Gradus, where it is one.
    pub user_id: Option<UserId>,
}

/// What somebody said, masked.
#[derive(Clone, Debug)]
pub struct Utterance {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Its number, from 0.
    pub utterance: i64,
    /// As whom they are judged.
    pub party: Party,
    /// The number of the speaker among the parties.
    pub speaker: Option<i64>,
    /// Milliseconds from the start of the conversation.
    pub start_ms: i64,
    /// Milliseconds from the start of the conversation.
    pub end_ms: i64,
    /// The words.
    pub text: MaskedText,
    /// The times of the words as JSON, for the transcript that follows the sound: code points and milliseconds, or
    /// words of the masked text.
    pub words: Option<Value>,
}

/// A signal with its evidence.
#[derive(Clone, Debug)]
pub struct Signal {
    /// In which conversation.
    pub conversation: ConversationId,
    /// In which utterance.
    pub utterance: i64,
    /// Its number within the utterance, from 0.
    pub number: i64,
    /// What was noticed.
    pub kind: SignalKind,
    /// Whose words or voice carry it.
    pub party: Party,
    /// The quoted code points, half-open; `None` when it was measured in the sound.
    pub quote: Option<(u32, u32)>,
    /// The measured value, where it was measured.
    pub measured: Option<f64>,
    /// Per cent, 1–100.
    pub confidence: u8,
    /// The rule that fired.
    pub rule: String,
    /// The version of the rules.
    pub rules_version: String,
    /// When the utterance was said.
    pub at: Timestamp,
}

/// One point of the heat curve.
#[derive(Clone, Debug)]
pub struct HeatPoint {
    /// In which conversation.
    pub conversation: ConversationId,
    /// After which utterance.
    pub utterance: i64,
    /// When.
    pub at: Timestamp,
    /// 0–100.
    pub value: u8,
    /// What changed it, as JSON: kinds of signals with their weights.
    pub causes: Value,
}

/// A reference to what was said: the evidence of a decision. The quote itself stays with the erasable text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// In which utterance.
    pub utterance: i64,
    /// Which signal, by its name in the contract.
    pub signal: String,
    /// First code point of the quote; absent when it was measured in the sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u32>,
    /// One past the last code point of the quote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u32>,
}

/// A decision of the protocol.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Its name, unique for ever; a repeat changes nothing.
    pub id: DecisionId,
    /// In which conversation.
    pub conversation: ConversationId,
    /// The case it concerns, if there is one.
    pub case_id: Option<CaseId>,
    /// After which utterance; `None` when a clock or a person caused it.
    pub utterance: Option<i64>,
    /// When.
    pub at: Timestamp,
    /// `watch`, `coach`, `engage`, `engage_now`, `functional`, `abuse_step`, `incident`.
    pub decision: String,
    /// Why, by its name in the protocol.
    pub reason: String,
    /// The step of the abuse ladder or the stage.
    pub step: Option<i64>,
    /// The clause of the protocol.
    pub clause: String,
    /// The version of the protocol.
    pub protocol_version: String,
    /// The version of the rules.
    pub rules_version: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
}

/// A promise made to the customer: a span of the agent's words.
#[derive(Clone, Debug)]
pub struct Commitment {
    /// Its name, unique for ever; a repeat changes nothing.
    pub id: CommitmentId,
    /// In which conversation.
    pub conversation: ConversationId,
    /// The case it belongs to.
    pub case_id: Option<CaseId>,
    /// In which utterance.
    pub utterance: i64,
    /// What was promised, as code points, half-open.
    pub quote: (u32, u32),
    /// By when, where it can be told.
    pub due_at: Option<Timestamp>,
    /// The words that say by when, as code points, half-open.
    pub due_quote: Option<(u32, u32)>,
}

/// Where the judgement of a conversation stands after its last utterance.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Which conversation.
    pub conversation: ConversationId,
    /// How many utterances there are.
    pub utterances: i64,
    /// The heat now, 0–100.
    pub heat_last: u8,
    /// The highest heat so far.
    pub heat_max: u8,
    /// When the heat was last judged.
    pub heat_at: Timestamp,
    /// The utterance at which the customer had calmed down.
    pub calmed_at: Option<i64>,
    /// How many attempts were made to resolve the matter.
    pub attempts: i64,
    /// The decision that stands: name, reason, time.
    pub decision: Option<(String, String, Timestamp)>,
    /// The evidence to show on the board: utterance, first and last code point, kind of the signal.
    pub quote: Option<(i64, u32, u32, SignalKind)>,
    /// What the agent is told now, as JSON: `hints` by name, and `say`, the step of the ladder that is still to be said.
    pub hints: Option<String>,
}

/// What of a conversation does not stand in its events and is needed to read them off.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ConversationKey {
    /// Which conversation.
    pub id: ConversationId,
    /// The channel by its name.
    pub channel: String,
    /// Whose it is.
    pub customer_id: Option<CustomerId>,
    /// The team that sees it.
    pub team: Option<String>,
}

pub(super) async fn start(tx: &mut Tx, new: &NewConversation) -> Result<(), StoreError> {
    let sql = "INSERT INTO conversations (id, channel, status, started_at_ms, ended_at_ms, customer_id, agent_id, agent_name,
                   team, subject, source, source_sha256, recording_key, sound, note, history_before_ms, file_name, source_id)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
               ON CONFLICT (id) DO UPDATE SET
                   status = CASE WHEN conversations.status = 'ended' THEN 'ended' ELSE excluded.status END,
                   ended_at_ms = COALESCE(excluded.ended_at_ms, conversations.ended_at_ms),
                   customer_id = COALESCE(excluded.customer_id, conversations.customer_id),
                   agent_id = COALESCE(excluded.agent_id, conversations.agent_id),
                   agent_name = COALESCE(excluded.agent_name, conversations.agent_name),
                   team = COALESCE(excluded.team, conversations.team),
                   subject = COALESCE(excluded.subject, conversations.subject),
                   source = COALESCE(excluded.source, conversations.source),
                   source_sha256 = COALESCE(excluded.source_sha256, conversations.source_sha256),
                   recording_key = COALESCE(excluded.recording_key, conversations.recording_key),
                   sound = COALESCE(excluded.sound, conversations.sound),
                   note = COALESCE(excluded.note, conversations.note),
                   history_before_ms = COALESCE(conversations.history_before_ms, excluded.history_before_ms),
                   file_name = COALESCE(excluded.file_name, conversations.file_name),
                   source_id = COALESCE(excluded.source_id, conversations.source_id)";
    let file_name = new.source.as_deref().and_then(|source| source.rsplit('/').next());
    within!(tx, |conn| {
        sqlx::query(sql)
            .bind(&new.id)
            .bind(new.channel.name())
            .bind(new.status.name())
            .bind(new.started_at.millis())
            .bind(new.ended_at.map(Timestamp::millis))
            .bind(&new.customer_id)
            .bind(&new.agent_id)
            .bind(new.agent_name.as_deref().map(clean))
            .bind(&new.team)
            .bind(new.subject.as_deref().map(clean))
            .bind(new.source.as_deref().map(clean))
            .bind(&new.source_sha256)
            .bind(&new.recording_key)
            .bind(new.sound.as_ref().map(JsonText))
            .bind(new.note.as_deref().map(clean))
            .bind(new.history_before.map(Timestamp::millis))
            .bind(file_name.map(clean))
            .bind(new.source_id.as_deref().map(clean))
            .execute(conn)
            .await?;
    });
    super::archive::give_place(tx, &new.id, new.started_at).await?;
    put_parties(tx, new).await
}

async fn put_parties(tx: &mut Tx, new: &NewConversation) -> Result<(), StoreError> {
    let mut rows = Rows::default();
    for (party, who) in (0_i64..).zip(&new.parties) {
        rows.push((&new.id, party, &who.role, &who.name, &who.tel, &who.email, &who.user_id))?;
    }
    let Some(rows) = rows.finish() else { return Ok(()) };
    let sql = "INSERT INTO parties (conversation_id, party, role, name, tel, email, user_id)
               SELECT value->>0, CAST(value->>1 AS BIGINT), value->>2, value->>3, value->>4, value->>5, value->>6
               FROM json_each($1) WHERE TRUE
               ON CONFLICT (conversation_id, party) DO UPDATE SET role = excluded.role, name = excluded.name,
                   tel = excluded.tel, email = excluded.email, user_id = excluded.user_id";
    within!(tx, |conn| {
        sqlx::query(sql).bind(rows).execute(conn).await?;
    });
    Ok(())
}

pub(super) async fn end(tx: &mut Tx, id: &ConversationId, at: Timestamp) -> Result<(), StoreError> {
    let sql =
        "UPDATE conversations SET status = 'ended', ended_at_ms = COALESCE(ended_at_ms, $2) WHERE id = $1";
    let changed = within!(tx, |conn| {
        sqlx::query(sql).bind(id).bind(at.millis()).execute(conn).await?.rows_affected()
    });
    found(changed, "conversation", id)
}

pub(super) async fn join_case(tx: &mut Tx, id: &ConversationId, case: &CaseId) -> Result<(), StoreError> {
    let changed = within!(tx, |conn| {
        sqlx::query("UPDATE conversations SET case_id = $2 WHERE id = $1")
            .bind(id)
            .bind(case)
            .execute(conn)
            .await?
            .rows_affected()
    });
    found(changed, "conversation", id)
}

pub(super) async fn remask(
    tx: &mut Tx,
    conversation: &ConversationId,
    utterance: i64,
    text: &MaskedText,
) -> Result<(), StoreError> {
    // The index and the word times may hold the digits as well.
    super::archive::take_out(tx, conversation, Some(utterance)).await?;
    super::corrections::forget(tx, conversation, Some(utterance)).await?;
    let sql = "UPDATE utterance_texts SET text = $3, lemmas = NULL, words = NULL, indexing = 0
               WHERE conversation_id = $1 AND utterance = $2";
    within!(tx, |conn| {
        sqlx::query(sql).bind(conversation).bind(utterance).bind(clean(text)).execute(conn).await?;
    });
    Ok(())
}

pub(super) async fn decide(tx: &mut Tx, decision: &Decision) -> Result<(), StoreError> {
    let sql = "INSERT INTO decisions (id, conversation_id, case_id, utterance, at_ms, decision, reason, step, clause,
                   protocol_version, rules_version, evidence)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING";
    within!(tx, |conn| {
        sqlx::query(sql)
            .bind(&decision.id)
            .bind(&decision.conversation)
            .bind(&decision.case_id)
            .bind(decision.utterance)
            .bind(decision.at.millis())
            .bind(&decision.decision)
            .bind(&decision.reason)
            .bind(decision.step)
            .bind(&decision.clause)
            .bind(&decision.protocol_version)
            .bind(&decision.rules_version)
            .bind(JsonText(&decision.evidence))
            .execute(conn)
            .await?;
    });
    Ok(())
}

pub(super) async fn promise(tx: &mut Tx, promise: &Commitment) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO commitments (id, conversation_id, case_id, utterance, quote_start, quote_end, due_at_ms,
                   due_start, due_end, state)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open') ON CONFLICT (id) DO NOTHING";
    within!(tx, |conn| {
        sqlx::query(sql)
            .bind(&promise.id)
            .bind(&promise.conversation)
            .bind(&promise.case_id)
            .bind(promise.utterance)
            .bind(i64::from(promise.quote.0))
            .bind(i64::from(promise.quote.1))
            .bind(promise.due_at.map(Timestamp::millis))
            .bind(promise.due_quote.map(|quote| i64::from(quote.0)))
            .bind(promise.due_quote.map(|quote| i64::from(quote.1)))
            .execute(conn)
            .await?;
    });
    Ok(())
}

pub(super) async fn settle(
    tx: &mut Tx,
    id: &CommitmentId,
    state: CommitmentState,
    (by, at): (Option<&UserId>, Timestamp),
) -> Result<(), StoreError> {
    let changed = within!(tx, |conn| {
        sqlx::query("UPDATE commitments SET state = $2, closed_at_ms = $3, closed_by = $4 WHERE id = $1")
            .bind(id)
            .bind(state.name())
            .bind(at.millis())
            .bind(by)
            .execute(conn)
            .await?
            .rows_affected()
    });
    found(changed, "commitment", id)
}

/// Turns «no row changed» into an error that names the thing.
pub(super) fn found(changed: u64, what: &str, id: &dyn std::fmt::Display) -> Result<(), StoreError> {
    if changed == 0 { Err(StoreError::Missing(format!("{what} \"{id}\""))) } else { Ok(()) }
}
