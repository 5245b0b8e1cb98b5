//! Corrections of party and words of an utterance, with what was before, so that each can be undone. Its signals are those
//! of the corrected words; heat, decisions and promises stay as they were judged, and quote the words of then.

use gradus_engine::signal::Party;
use gradus_engine::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::conversations::{Signal, found};
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{ConversationId, UserId};
use super::json::{JsonText, clean};
use super::{Store, UtteranceRow};
use crate::mask::MaskedText;

/// A correction to be made.
#[derive(Clone, Debug)]
pub struct Correction {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Which utterance.
    pub utterance: i64,
    /// Who said it.
    pub party: Party,
    /// The words.
    pub text: MaskedText,
    /// What is noticed in them; signals measured in the sound stay by themselves.
    pub signals: Vec<Signal>,
    /// Who corrects.
    pub by: UserId,
}

/// A correction that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct CorrectionRow {
    /// Which utterance.
    pub utterance: i64,
    /// Its number among the corrections of the utterance, from 0.
    pub number: i64,
    /// When.
    pub at_ms: i64,
    /// Who.
    pub by_user: String,
    /// Their name.
    pub by_name: Option<String>,
    /// Who had been taken for the speaker.
    pub party: String,
    /// The words before; nothing once erased.
    pub text: Option<String>,
    /// When it was undone.
    pub undone_at_ms: Option<i64>,
}

/// A signal as a correction keeps it.
#[derive(Clone, Debug, Serialize, Deserialize, sqlx::FromRow)]
pub(super) struct KeptSignal {
    number: i64,
    kind: String,
    party: String,
    quote_start: Option<i64>,
    quote_end: Option<i64>,
    measured: Option<f64>,
    confidence: i64,
    rule: String,
    rules_version: String,
    at_ms: i64,
    verdict: Option<String>,
    verdict_by: Option<String>,
    verdict_at_ms: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Before {
    party: String,
    text: Option<String>,
    words: Option<String>,
    heard: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Undoing {
    number: i64,
    party: String,
    text: Option<String>,
    words: Option<String>,
    heard: Option<String>,
    signals: JsonText<Vec<KeptSignal>>,
}

impl Store {
    /// Corrects an utterance and keeps how it was.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such utterance, [`StoreError::Refused`] when its words were erased.
    pub async fn correct(&self, new: &Correction, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write.begin().await?;
        let sql = "SELECT party, text, words, heard FROM utterance_texts WHERE conversation_id = $1 AND utterance = $2";
        let before: Option<Before> = within!(&mut tx, |conn| {
            sqlx::query_as(sql).bind(&new.conversation).bind(new.utterance).fetch_optional(conn).await?
        });
        found(u64::from(before.is_some()), "utterance", &new.utterance)?;
        let Some(before) = before else { return Ok(()) };
        let Some(text) = before.text.clone() else {
            return Err(StoreError::Refused("the words were erased: there is nothing to correct".into()));
        };
        let signals = signals_of(&mut tx, &new.conversation, new.utterance).await?;
        keep(&mut tx, new, &before, &signals, now).await?;
        let given = clean(new.text.as_str());
        // The times of the words fit no other words.
        let words = before.words.filter(|_| given == text);
        let heard = before.heard.unwrap_or(text);
        let sql = "UPDATE utterance_texts SET party = $3, text = $4, words = $5, heard = $6, indexing = 0
                   WHERE conversation_id = $1 AND utterance = $2";
        within!(&mut tx, |conn| {
            sqlx::query(sql)
                .bind(&new.conversation)
                .bind(new.utterance)
                .bind(new.party.name())
                .bind(given)
                .bind(words)
                .bind(heard)
                .execute(conn)
                .await?;
        });
        let kept = judged_anew(signals, &new.signals);
        write_signals(&mut tx, &new.conversation, new.utterance, &kept).await?;
        tx.commit().await
    }

    /// Undoes the latest correction of an utterance that still stands; returns whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the words of then were erased.
    pub async fn undo_correction(
        &self,
        conversation: &ConversationId,
        utterance: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write.begin().await?;
        let sql = "SELECT number, party, text, words, heard, signals FROM corrections
                   WHERE conversation_id = $1 AND utterance = $2 AND undone_at_ms IS NULL ORDER BY number DESC LIMIT 1";
        let last: Option<Undoing> = within!(&mut tx, |conn| {
            sqlx::query_as(sql).bind(conversation).bind(utterance).fetch_optional(conn).await?
        });
        let Some(last) = last else { return Ok(false) };
        if last.text.is_none() {
            return Err(StoreError::Refused("the words were erased: there is nothing to go back to".into()));
        }
        let back = "UPDATE utterance_texts SET party = $3, text = $4, words = $5, heard = $6, indexing = 0
                    WHERE conversation_id = $1 AND utterance = $2";
        let undone = "UPDATE corrections SET undone_at_ms = $4
                      WHERE conversation_id = $1 AND utterance = $2 AND number = $3";
        within!(&mut tx, |conn| {
            sqlx::query(back)
                .bind(conversation)
                .bind(utterance)
                .bind(&last.party)
                .bind(&last.text)
                .bind(&last.words)
                .bind(&last.heard)
                .execute(&mut *conn)
                .await?;
            sqlx::query(undone)
                .bind(conversation)
                .bind(utterance)
                .bind(last.number)
                .bind(now.millis())
                .execute(conn)
                .await?;
        });
        write_signals(&mut tx, conversation, utterance, &last.signals.0).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Returns the corrections of a conversation, utterance by utterance, the latest first.
    pub async fn corrections(&self, id: &ConversationId) -> Result<Vec<CorrectionRow>, StoreError> {
        let sql = "SELECT c.utterance, c.number, c.at_ms, c.by_user, u.name AS by_name, c.party, c.text, c.undone_at_ms
                   FROM corrections c LEFT JOIN users u ON u.id = c.by_user
                   WHERE c.conversation_id = $1 ORDER BY c.utterance, c.number DESC";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_all(pool).await?))
    }

    /// Returns utterances with the words that were judged, where they were corrected since.
    pub(super) async fn as_judged(
        &self,
        id: &ConversationId,
        utterances: &[UtteranceRow],
    ) -> Result<Vec<UtteranceRow>, StoreError> {
        let sql =
            "SELECT utterance, heard FROM utterance_texts WHERE conversation_id = $1 AND heard IS NOT NULL";
        let heard: Vec<(i64, String)> =
            on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_all(pool).await?);
        let mut judged = utterances.to_vec();
        for (utterance, text) in heard {
            if let Some(said) = judged.iter_mut().find(|said| said.utterance == utterance) {
                said.text = Some(text);
            }
        }
        Ok(judged)
    }
}

async fn keep(
    tx: &mut Tx,
    new: &Correction,
    before: &Before,
    signals: &[KeptSignal],
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO corrections (conversation_id, utterance, number, at_ms, by_user, party, text, words, heard, signals)
               SELECT $1, $2, COALESCE(MAX(number), -1) + 1, $3, $4, $5, $6, $7, $8, $9 FROM corrections
               WHERE conversation_id = $1 AND utterance = $2";
    within!(tx, |conn| {
        sqlx::query(sql)
            .bind(&new.conversation)
            .bind(new.utterance)
            .bind(now.millis())
            .bind(&new.by)
            .bind(&before.party)
            .bind(&before.text)
            .bind(&before.words)
            .bind(&before.heard)
            .bind(JsonText(signals))
            .execute(conn)
            .await?;
    });
    Ok(())
}

/// Returns the signals of the corrected words, numbered after those measured in the sound. What people said of the same
/// signal of the same rule before stands.
fn judged_anew(before: Vec<KeptSignal>, signals: &[Signal]) -> Vec<KeptSignal> {
    let (measured, quoted): (Vec<_>, Vec<_>) =
        before.into_iter().partition(|kept| kept.quote_start.is_none());
    let first = measured.iter().map(|kept| kept.number + 1).max().unwrap_or(0);
    let anew = (first..).zip(signals).map(|(number, signal)| {
        let same = quoted.iter().find(|kept| kept.kind == signal.kind.name() && kept.rule == signal.rule);
        KeptSignal {
            number,
            kind: signal.kind.name().to_owned(),
            party: signal.party.name().to_owned(),
            quote_start: signal.quote.map(|quote| i64::from(quote.0)),
            quote_end: signal.quote.map(|quote| i64::from(quote.1)),
            measured: signal.measured,
            confidence: i64::from(signal.confidence),
            rule: signal.rule.clone(),
            rules_version: signal.rules_version.clone(),
            at_ms: signal.at.millis(),
            verdict: same.and_then(|kept| kept.verdict.clone()),
            verdict_by: same.and_then(|kept| kept.verdict_by.clone()),
            verdict_at_ms: same.and_then(|kept| kept.verdict_at_ms),
        }
    });
    let anew: Vec<KeptSignal> = anew.collect();
    measured.into_iter().chain(anew).collect()
}

async fn signals_of(
    tx: &mut Tx,
    conversation: &ConversationId,
    utterance: i64,
) -> Result<Vec<KeptSignal>, StoreError> {
    let sql = "SELECT number, kind, party, quote_start, quote_end, measured, confidence, rule, rules_version, at_ms,
                   verdict, verdict_by, verdict_at_ms
               FROM signals WHERE conversation_id = $1 AND utterance = $2 ORDER BY number";
    Ok(within!(tx, |conn| sqlx::query_as(sql).bind(conversation).bind(utterance).fetch_all(conn).await?))
}

async fn write_signals(
    tx: &mut Tx,
    conversation: &ConversationId,
    utterance: i64,
    signals: &[KeptSignal],
) -> Result<(), StoreError> {
    let gone = "DELETE FROM signals WHERE conversation_id = $1 AND utterance = $2";
    let sql = "INSERT INTO signals (conversation_id, utterance, number, kind, party, quote_start, quote_end, measured,
                   confidence, rule, rules_version, at_ms, verdict, verdict_by, verdict_at_ms)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    within!(tx, |conn| {
        sqlx::query(gone).bind(conversation).bind(utterance).execute(&mut *conn).await?;
        for kept in signals {
            sqlx::query(sql)
                .bind(conversation)
                .bind(utterance)
                .bind(kept.number)
                .bind(&kept.kind)
                .bind(&kept.party)
                .bind(kept.quote_start)
                .bind(kept.quote_end)
                .bind(kept.measured)
                .bind(kept.confidence)
                .bind(&kept.rule)
                .bind(&kept.rules_version)
                .bind(kept.at_ms)
                .bind(&kept.verdict)
                .bind(&kept.verdict_by)
                .bind(kept.verdict_at_ms)
                .execute(&mut *conn)
                .await?;
        }
    });
    Ok(())
}

/// Signals of corrected utterances, which no event of the log has: a rebuild keeps them.
pub(super) type Corrected = Vec<(ConversationId, i64, Vec<KeptSignal>)>;

/// Returns the signals of all utterances that are corrected now.
pub(super) async fn corrected(tx: &mut Tx) -> Result<Corrected, StoreError> {
    let sql = "SELECT DISTINCT conversation_id, utterance FROM corrections WHERE undone_at_ms IS NULL
               ORDER BY conversation_id, utterance";
    let places: Vec<(ConversationId, i64)> = within!(tx, |conn| sqlx::query_as(sql).fetch_all(conn).await?);
    let mut corrected = Vec::new();
    for (conversation, utterance) in places {
        let signals = signals_of(tx, &conversation, utterance).await?;
        corrected.push((conversation, utterance, signals));
    }
    Ok(corrected)
}

/// Puts the signals of corrected utterances back in place of those that were read off the log.
pub(super) async fn put_corrected(tx: &mut Tx, corrected: Corrected) -> Result<(), StoreError> {
    for (conversation, utterance, signals) in corrected {
        write_signals(tx, &conversation, utterance, &signals).await?;
    }
    Ok(())
}

/// Forgets the words of corrections: of one utterance or of a whole conversation.
pub(super) async fn forget(
    tx: &mut Tx,
    conversation: &ConversationId,
    utterance: Option<i64>,
) -> Result<(), StoreError> {
    for sql in [
        "UPDATE corrections SET text = NULL, words = NULL, heard = NULL
         WHERE conversation_id = $1 AND (CAST($2 AS BIGINT) IS NULL OR utterance = $2)",
        "UPDATE utterance_texts SET heard = NULL
         WHERE conversation_id = $1 AND (CAST($2 AS BIGINT) IS NULL OR utterance = $2)",
    ] {
        within!(tx, |conn| {
            sqlx::query(sql).bind(conversation).bind(utterance).execute(conn).await?;
        });
    }
    Ok(())
}
