//! The review meeting: conversations that may be looked at, and what was said of them.

use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::on;
use super::error::StoreError;
use super::ids::{CaseId, ConversationId, UserId};
use super::json::clean;
use crate::mask::MaskedText;

/// A conversation of a week with what the meeting said of it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct ReviewTalk {
    pub id: ConversationId,
    pub channel: String,
    pub started_at_ms: i64,
    pub recording_key: Option<String>,
    pub customer_name: Option<String>,
    pub contract_status: Option<String>,
    pub agent_name: Option<String>,
    pub reason: Option<String>,
    pub case_id: Option<CaseId>,
    pub heat_max: i64,
    pub heat_last: i64,
    /// The utterance of the first step of the abuse ladder.
    pub abuse_at: Option<i64>,
    pub said_why: Option<String>,
    pub said_moment: Option<i64>,
    /// `waiting`, `discussed`, `skipped`; nothing while nobody has said anything.
    pub said_state: Option<String>,
    pub note: Option<String>,
    pub decision: Option<String>,
    pub said_by_name: Option<String>,
    pub said_at_ms: Option<i64>,
}

/// What a meeting says of a conversation.
#[derive(Clone, Debug)]
pub struct ReviewSaid {
    /// Why it is on the list, by its name.
    pub why: &'static str,
    /// The utterance to play from; nothing for the one that the list finds.
    pub moment: Option<i64>,
    /// `waiting`, `discussed`, `skipped`.
    pub state: &'static str,
    /// What was seen.
    pub note: Option<MaskedText>,
    /// What was decided.
    pub decision: Option<MaskedText>,
}

impl Store {
    /// Returns the conversations of a span that had been hot or in which the abuse ladder was climbed, and those that people put on the list of the
    /// week, the hottest first.
    pub async fn review_talks(
        &self,
        team: Option<&str>,
        week: &str,
        (from, to): (Timestamp, Timestamp),
        (hot, limit): (i64, i64),
    ) -> Result<Vec<ReviewTalk>, StoreError> {
        let sql = "SELECT v.id, v.channel, v.started_at_ms, v.recording_key, k.name AS customer_name, k.contract_status,
                       COALESCE(g.name, v.agent_name) AS agent_name, v.decision_reason AS reason, v.case_id, v.heat_max,
                       v.heat_last,
                       (SELECT MIN(d.utterance) FROM decisions d WHERE d.conversation_id = v.id
                            AND d.decision = 'abuse_step') AS abuse_at,
                       i.why AS said_why, i.moment AS said_moment, i.state AS said_state, i.note, i.decision,
                       u.name AS said_by_name, i.said_at_ms
                   FROM conversations v
                   LEFT JOIN customers k ON k.id = v.customer_id
                   LEFT JOIN users g ON g.id = v.agent_id
                   LEFT JOIN review_items i ON i.conversation_id = v.id AND i.week = $4
                   LEFT JOIN users u ON u.id = i.said_by
                   WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1)
                     AND ((v.started_at_ms >= $2 AND v.started_at_ms < $3 AND v.status = 'ended'
                           AND (v.heat_max >= $5 OR EXISTS (SELECT 1 FROM decisions d WHERE d.conversation_id = v.id
                                    AND d.decision = 'abuse_step'))
                           AND COALESCE(v.source, '') <> 'play') OR i.week IS NOT NULL)
                   ORDER BY v.heat_max DESC, v.started_at_ms, v.id LIMIT $6";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(from.millis())
            .bind(to.millis())
            .bind(week)
            .bind(hot)
            .bind(limit)
            .fetch_all(pool)
            .await?))
    }

    /// Notes what a meeting says of a conversation; a later word replaces it. Why somebody put it on the list by hand stays.
    pub async fn say_in_review(
        &self,
        week: &str,
        id: &ConversationId,
        said: &ReviewSaid,
        by: &UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO review_items (week, conversation_id, why, moment, state, note, decision, said_by, said_at_ms)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                   ON CONFLICT (week, conversation_id) DO UPDATE SET moment = excluded.moment, state = excluded.state,
                       note = excluded.note, decision = excluded.decision, said_by = excluded.said_by,
                       said_at_ms = excluded.said_at_ms";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(week)
                .bind(id)
                .bind(said.why)
                .bind(said.moment)
                .bind(said.state)
                .bind(said.note.as_ref().map(|note| clean(note)))
                .bind(said.decision.as_ref().map(|decision| clean(decision)))
                .bind(by)
                .bind(now.millis())
                .execute(pool)
                .await?;
        });
        Ok(())
    }
}
