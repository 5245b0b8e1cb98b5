//! What the library and the page of what works are read from: conversations that cooled down, and who said what when.

use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::on;
use super::error::StoreError;
use super::ids::{ConversationId, UserId};

/// A conversation that was hot and ended cool, with what a coach said of it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct CooledRow {
    pub id: ConversationId,
    pub channel: String,
    pub started_at_ms: i64,
    pub ended_at_ms: i64,
    pub customer_name: Option<String>,
    pub agent_name: Option<String>,
    pub team: Option<String>,
    pub reason: Option<String>,
    pub heat_max: i64,
    /// Conversations of this customer within 14 days after it.
    pub back: i64,
    /// `confirmed`, `rejected`; nothing while nobody has judged it.
    pub state: Option<String>,
    pub note: Option<String>,
    pub judged_by_name: Option<String>,
}

/// One utterance with one signal, or with none.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SaidRow {
    /// In which conversation.
    pub conversation_id: ConversationId,
    /// Which utterance.
    pub utterance: i64,
    /// Who spoke.
    pub party: String,
    /// The channel.
    pub channel: String,
    /// Heat after it.
    pub heat: i64,
    /// A signal in it; an utterance with several has several rows.
    pub kind: Option<String>,
}

impl Store {
    /// Returns conversations of a span whose heat reached `hot` and was `cool` or less at the end, the latest first.
    pub async fn cooled(
        &self,
        team: Option<&str>,
        since: Timestamp,
        (hot, cool): (i64, i64),
        limit: i64,
    ) -> Result<Vec<CooledRow>, StoreError> {
        const FORTNIGHT_MS: i64 = 14 * 24 * 3_600_000;
        let sql = "SELECT v.id, v.channel, v.started_at_ms, v.ended_at_ms, k.name AS customer_name,
                       COALESCE(g.name, v.agent_name) AS agent_name, v.team, v.decision_reason AS reason, v.heat_max,
                       (SELECT COUNT(*) FROM conversations o WHERE o.customer_id = v.customer_id AND o.id <> v.id
                           AND o.started_at_ms > v.ended_at_ms AND o.started_at_ms <= v.ended_at_ms + $6) AS back,
                       l.state, l.note, j.name AS judged_by_name
                   FROM conversations v
                   LEFT JOIN customers k ON k.id = v.customer_id
                   LEFT JOIN users g ON g.id = v.agent_id
                   LEFT JOIN library_entries l ON l.conversation_id = v.id
                   LEFT JOIN users j ON j.id = l.judged_by
                   WHERE v.ended_at_ms IS NOT NULL AND COALESCE(v.source, '') <> 'play' AND v.started_at_ms >= $2
                       AND v.heat_max >= $3 AND v.heat_last <= $4
                       AND (CAST($1 AS TEXT) IS NULL OR v.team = $1)
                   ORDER BY v.started_at_ms DESC, v.id LIMIT $5";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(since.millis())
            .bind(hot)
            .bind(cool)
            .bind(limit)
            .bind(FORTNIGHT_MS)
            .fetch_all(pool)
            .await?))
    }

    /// Returns who said what in ended conversations of a span, in order, at most `limit` rows.
    pub async fn said_since(
        &self,
        team: Option<&str>,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<SaidRow>, StoreError> {
        let sql = "SELECT t.conversation_id, t.utterance, t.party, v.channel, COALESCE(h.value, 0) AS heat, s.kind
                   FROM conversations v
                   JOIN utterance_texts t ON t.conversation_id = v.id
                   LEFT JOIN heat_points h ON h.conversation_id = v.id AND h.utterance = t.utterance
                   LEFT JOIN signals s ON s.conversation_id = v.id AND s.utterance = t.utterance AND s.party = t.party
                   WHERE v.ended_at_ms IS NOT NULL AND COALESCE(v.source, '') <> 'play' AND v.started_at_ms >= $2
                       AND (CAST($1 AS TEXT) IS NULL OR v.team = $1)
                   ORDER BY t.conversation_id, t.utterance, s.number LIMIT $3";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(since.millis())
            .bind(limit)
            .fetch_all(pool)
            .await?))
    }

    /// Notes what a coach says of a conversation; a later word replaces it.
    pub async fn judge_example(
        &self,
        id: &ConversationId,
        (state, note): (&str, Option<&str>),
        by: &UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO library_entries (conversation_id, state, note, judged_by, judged_at_ms)
                   VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (conversation_id) DO UPDATE SET state = excluded.state, note = excluded.note,
                       judged_by = excluded.judged_by, judged_at_ms = excluded.judged_at_ms";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(id)
                .bind(state)
                .bind(note)
                .bind(by)
                .bind(now.millis())
                .execute(pool)
                .await?;
        });
        Ok(())
    }
}
