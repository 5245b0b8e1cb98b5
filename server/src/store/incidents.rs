//! Incidents: what several customers report at once, who they are, what they were told.

use gradus_engine::signal::SignalKind;
use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{CaseId, ConversationId, CustomerId, UserId};
use crate::mask::MaskedText;

/// An incident with its counts.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct IncidentRow {
    pub id: i64,
    pub number: i64,
    pub kind: String,
    pub title: Option<String>,
    pub opened_at_ms: i64,
    pub last_at_ms: i64,
    pub closed_at_ms: Option<i64>,
    pub closed_by_name: Option<String>,
    pub conclusion: Option<String>,
    /// Conversations that reported it.
    pub conversations: i64,
    /// Open cases of these conversations.
    pub open_cases: i64,
    /// What the first of them said.
    pub quote: Option<String>,
}

/// A conversation that reported an incident.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct MemberRow {
    pub conversation_id: ConversationId,
    pub utterance: i64,
    pub at_ms: i64,
    pub channel: String,
    pub team: Option<String>,
    pub agent: Option<String>,
    pub customer_id: Option<CustomerId>,
    pub customer_name: Option<String>,
    pub case_id: Option<CaseId>,
    pub case_number: Option<i64>,
    pub case_state: Option<String>,
    pub case_closed_at_ms: Option<i64>,
    /// What the customer said.
    pub quote: Option<String>,
}

/// One text that the customers of an incident were told.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct WordsRow {
    pub at_ms: i64,
    pub told_by_name: Option<String>,
    pub cases: i64,
    pub text: String,
}

macro_rules! incident_select {
    ($rest:literal) => {
        concat!(
            "SELECT i.id, i.number, i.kind, i.title, i.opened_at_ms, i.last_at_ms, i.closed_at_ms, u.name AS closed_by_name,
                 i.conclusion,
                 (SELECT COUNT(*) FROM incident_members m WHERE m.incident_id = i.id) AS conversations,
                 (SELECT COUNT(DISTINCT c.id) FROM incident_members m JOIN conversations v ON v.id = m.conversation_id
                  JOIN cases c ON c.id = v.case_id WHERE m.incident_id = i.id AND c.closed_at_ms IS NULL) AS open_cases,
                 (SELECT t.text FROM incident_members m JOIN utterance_texts t
                      ON t.conversation_id = m.conversation_id AND t.utterance = m.utterance
                  WHERE m.incident_id = i.id ORDER BY m.at_ms, m.conversation_id LIMIT 1) AS quote
             FROM incidents i LEFT JOIN users u ON u.id = i.closed_by ",
            $rest
        )
    };
}

impl Store {
    /// Returns incidents: open ones first, the latest of each first.
    pub async fn incidents(&self, limit: i64) -> Result<Vec<IncidentRow>, StoreError> {
        let sql = incident_select!(
            "ORDER BY CASE WHEN i.closed_at_ms IS NULL THEN 0 ELSE 1 END, i.last_at_ms DESC, i.id LIMIT $1"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(limit).fetch_all(pool).await?))
    }

    /// Returns the incident with a number, as people name it.
    pub async fn incident(&self, number: i64) -> Result<Option<IncidentRow>, StoreError> {
        let sql = incident_select!("WHERE i.number = $1");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(number).fetch_optional(pool).await?))
    }

    /// Returns the conversations of an incident, the first first.
    pub async fn incident_members(&self, incident: i64) -> Result<Vec<MemberRow>, StoreError> {
        let sql = "SELECT m.conversation_id, m.utterance, m.at_ms, v.channel, v.team,
                       COALESCE(g.name, v.agent_name) AS agent, v.customer_id, k.name AS customer_name,
                       c.id AS case_id, c.number AS case_number, c.state AS case_state, c.closed_at_ms AS case_closed_at_ms,
                       t.text AS quote
                   FROM incident_members m JOIN conversations v ON v.id = m.conversation_id
                   LEFT JOIN users g ON g.id = v.agent_id
                   LEFT JOIN customers k ON k.id = v.customer_id
                   LEFT JOIN cases c ON c.id = v.case_id
                   LEFT JOIN utterance_texts t ON t.conversation_id = m.conversation_id AND t.utterance = m.utterance
                   WHERE m.incident_id = $1 ORDER BY m.at_ms, m.conversation_id";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(incident).fetch_all(pool).await?))
    }

    /// Returns the number of the latest incident that a conversation reported.
    pub async fn incident_of(&self, conversation: &ConversationId) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT i.number FROM incident_members m JOIN incidents i ON i.id = m.incident_id
                   WHERE m.conversation_id = $1 ORDER BY m.at_ms DESC, i.id DESC LIMIT 1";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).bind(conversation).fetch_optional(pool).await?))
    }

    /// Returns what the customers of an incident were told, the latest first.
    pub async fn incident_words(&self, incident: i64) -> Result<Vec<WordsRow>, StoreError> {
        let sql = "SELECT w.at_ms, u.name AS told_by_name, w.cases, w.text
                   FROM incident_words w LEFT JOIN users u ON u.id = w.told_by
                   WHERE w.incident_id = $1 ORDER BY w.at_ms DESC";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(incident).fetch_all(pool).await?))
    }

    /// Writes down what the customers of an incident were told.
    pub async fn say_of_incident(
        &self,
        incident: i64,
        (by, at): (&UserId, Timestamp),
        cases: i64,
        text: &MaskedText,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO incident_words (incident_id, at_ms, told_by, cases, text) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (incident_id, at_ms) DO UPDATE SET cases = excluded.cases, text = excluded.text";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(incident)
                .bind(at.millis())
                .bind(by)
                .bind(cases)
                .bind(text.as_str())
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Names an incident.
    pub async fn name_incident(&self, incident: i64, title: &MaskedText) -> Result<(), StoreError> {
        let sql = "UPDATE incidents SET title = $2 WHERE id = $1";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(incident).bind(title.as_str()).execute(pool).await?;
        });
        Ok(())
    }

    /// Closes an incident; says whether it was open.
    pub async fn close_incident(
        &self,
        incident: i64,
        (by, at): (&UserId, Timestamp),
        conclusion: &MaskedText,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE incidents SET closed_at_ms = $2, closed_by = $3, conclusion = $4
                   WHERE id = $1 AND closed_at_ms IS NULL";
        let changed = on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(incident)
                .bind(at.millis())
                .bind(by)
                .bind(conclusion.as_str())
                .execute(pool)
                .await?
                .rows_affected()
        });
        Ok(changed > 0)
    }

    /// Returns the engine's numbers of the incidents that were closed since a moment.
    pub async fn incidents_closed_since(&self, since: Timestamp) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT id FROM incidents WHERE closed_at_ms >= $1";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).bind(since.millis()).fetch_all(pool).await?))
    }
}

pub(super) async fn join(
    tx: &mut Tx,
    (incident, kind): (i64, SignalKind),
    (conversation, utterance): (&ConversationId, i64),
    at: Timestamp,
) -> Result<(), StoreError> {
    let open = "INSERT INTO incidents (id, number, kind, opened_at_ms, last_at_ms)
                SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $3 FROM incidents WHERE TRUE
                ON CONFLICT (id) DO NOTHING";
    let last = "UPDATE incidents SET last_at_ms = $2 WHERE id = $1 AND last_at_ms < $2";
    let member = "INSERT INTO incident_members (incident_id, conversation_id, utterance, at_ms)
                  VALUES ($1, $2, $3, $4) ON CONFLICT (incident_id, conversation_id) DO NOTHING";
    within!(tx, |conn| {
        sqlx::query(open).bind(incident).bind(kind.name()).bind(at.millis()).execute(&mut *conn).await?;
        sqlx::query(last).bind(incident).bind(at.millis()).execute(&mut *conn).await?;
        sqlx::query(member)
            .bind(incident)
            .bind(conversation)
            .bind(utterance)
            .bind(at.millis())
            .execute(conn)
            .await?;
    });
    Ok(())
}
