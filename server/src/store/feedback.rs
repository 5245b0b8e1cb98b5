//! What people say of signals: right, wrong, missed. Every verdict is a labelled example and counts for or against its rule.

use gradus_engine::signal::SignalKind;
use gradus_engine::time::Timestamp;
use serde::Serialize;

use super::Store;
use super::conversations::found;
use super::engine::on;
use super::error::StoreError;
use super::ids::{ConversationId, UserId, Verdict};

/// How many verdicts of a sort a rule got.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RuleVerdicts {
    /// The kind of signal.
    pub kind: String,
    /// The rule, or the trained part that found it.
    pub rule: String,
    /// `right` or `wrong`.
    pub verdict: String,
    /// Whether they were given since the moment that was asked for.
    pub recent: bool,
    /// How many.
    pub count: i64,
}

/// Something noticed or missed in an utterance that somebody judged.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct JudgedSignal {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The utterance.
    pub utterance: i64,
    /// Who spoke.
    pub party: String,
    /// The channel.
    pub channel: String,
    /// The words; nothing once erased.
    pub text: Option<String>,
    /// The kind.
    pub kind: String,
    /// `right`, `wrong`, `missed`, or nothing where only another signal of the utterance was judged.
    pub verdict: Option<String>,
}

/// A kind that a person found in an utterance where nothing did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct MissedSignal {
    /// The utterance.
    pub utterance: i64,
    /// The kind.
    pub kind: String,
}

impl Store {
    /// Notes what a person says of a signal, or that they take it back.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such signal.
    pub async fn judge_signal(
        &self,
        conversation: &ConversationId,
        (utterance, number): (i64, i64),
        verdict: Option<Verdict>,
        by: &UserId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE signals SET verdict = $4, verdict_by = $5, verdict_at_ms = $6
                   WHERE conversation_id = $1 AND utterance = $2 AND number = $3";
        let changed = on!(self.write, |pool| sqlx::query(sql)
            .bind(conversation)
            .bind(utterance)
            .bind(number)
            .bind(verdict.map(Verdict::name))
            .bind(verdict.map(|_| by))
            .bind(verdict.map(|_| at.millis()))
            .execute(pool)
            .await?
            .rows_affected());
        found(changed, "signal in conversation", conversation)
    }

    /// Notes that an utterance holds something that was not noticed. A repeat changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such utterance.
    pub async fn note_missed(
        &self,
        conversation: &ConversationId,
        utterance: i64,
        kind: SignalKind,
        by: &UserId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO missed_signals (conversation_id, utterance, kind, noted_by, at_ms)
                   SELECT $1, $2, $3, $4, $5 WHERE EXISTS
                       (SELECT 1 FROM utterance_texts WHERE conversation_id = $1 AND utterance = $2)
                   ON CONFLICT (conversation_id, utterance, kind) DO UPDATE SET noted_by = missed_signals.noted_by";
        let changed = on!(self.write, |pool| sqlx::query(sql)
            .bind(conversation)
            .bind(utterance)
            .bind(kind.name())
            .bind(by)
            .bind(at.millis())
            .execute(pool)
            .await?
            .rows_affected());
        found(changed, "utterance in conversation", conversation)
    }

    /// Takes back that something was missed; says whether it was noted before.
    pub async fn forget_missed(
        &self,
        conversation: &ConversationId,
        utterance: i64,
        kind: SignalKind,
    ) -> Result<bool, StoreError> {
        let sql = "DELETE FROM missed_signals WHERE conversation_id = $1 AND utterance = $2 AND kind = $3";
        let gone = on!(self.write, |pool| sqlx::query(sql)
            .bind(conversation)
            .bind(utterance)
            .bind(kind.name())
            .execute(pool)
            .await?
            .rows_affected());
        Ok(gone > 0)
    }

    /// Returns what people found in a conversation where nothing did.
    pub async fn missed_signals(&self, id: &ConversationId) -> Result<Vec<MissedSignal>, StoreError> {
        let sql =
            "SELECT utterance, kind FROM missed_signals WHERE conversation_id = $1 ORDER BY utterance, kind";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_all(pool).await?))
    }

    /// Counts the verdicts of every rule, those since a moment apart from those before.
    pub async fn rule_verdicts(&self, since: Timestamp) -> Result<Vec<RuleVerdicts>, StoreError> {
        let sql = "SELECT kind, rule, verdict, COALESCE(verdict_at_ms, 0) >= $1 AS recent, COUNT(*) AS count
                   FROM signals WHERE verdict IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(since.millis()).fetch_all(pool).await?))
    }

    /// Returns every utterance somebody judged, with all that was noticed or missed in it, in the order of utterances.
    pub async fn judged_signals(&self) -> Result<Vec<JudgedSignal>, StoreError> {
        let sql = "WITH judged AS (
                       SELECT conversation_id, utterance FROM signals WHERE verdict IS NOT NULL
                       UNION SELECT conversation_id, utterance FROM missed_signals)
                   SELECT s.conversation_id, s.utterance, t.party, c.channel, t.text, s.kind, s.verdict
                   FROM judged j
                   JOIN signals s ON s.conversation_id = j.conversation_id AND s.utterance = j.utterance
                   JOIN conversations c ON c.id = j.conversation_id
                   JOIN utterance_texts t ON t.conversation_id = j.conversation_id AND t.utterance = j.utterance
                   UNION ALL
                   SELECT m.conversation_id, m.utterance, t.party, c.channel, t.text, m.kind, 'missed'
                   FROM missed_signals m
                   JOIN conversations c ON c.id = m.conversation_id
                   JOIN utterance_texts t ON t.conversation_id = m.conversation_id AND t.utterance = m.utterance
                   ORDER BY 1, 2, 6";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).fetch_all(pool).await?))
    }
}
