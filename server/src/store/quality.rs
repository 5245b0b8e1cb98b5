//! Quality cards: what reviewers say of conversations, and the appeals of agents.

use gradus_engine::time::Timestamp;
use serde::Serialize;

use super::Store;
use super::conversations::found;
use super::engine::on;
use super::error::StoreError;
use super::ids::{ConversationId, UserId};
use super::json::{JsonText, clean};
use crate::mask::MaskedText;
use crate::quality::Answers;

/// A card that a reviewer fills in.
#[derive(Clone, Debug)]
pub struct NewCard {
    /// Its name, unique for ever.
    pub id: String,
    /// The conversation.
    pub conversation: ConversationId,
    /// The form by its id, and its version.
    pub form: (String, i64),
    /// Who fills it in.
    pub reviewer: UserId,
    /// The answers.
    pub answers: Answers,
    /// What they are worth.
    pub score: Option<i64>,
    /// What the reviewer adds in words.
    pub comment: Option<MaskedText>,
    /// When.
    pub at: Timestamp,
}

/// A card with the names people see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct CardRow {
    pub id: String,
    pub conversation_id: ConversationId,
    pub customer_name: Option<String>,
    pub agent_id: Option<UserId>,
    pub agent_name: Option<String>,
    pub team: Option<String>,
    pub form: String,
    pub form_version: i64,
    pub reviewer_id: UserId,
    pub reviewer_name: Option<String>,
    pub answers: Answers,
    pub score: Option<i64>,
    pub comment: Option<String>,
    pub made_at_ms: i64,
    /// `given`, `appealed`, `settled`.
    pub state: String,
    pub appeal_question: Option<String>,
    pub appeal: Option<String>,
    pub appealed_at_ms: Option<i64>,
    pub settled_by_name: Option<String>,
    pub settled_at_ms: Option<i64>,
    pub settled_words: Option<String>,
    pub score_before: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Columns {
    id: String,
    conversation_id: ConversationId,
    customer_name: Option<String>,
    agent_id: Option<UserId>,
    agent_name: Option<String>,
    team: Option<String>,
    form: String,
    form_version: i64,
    reviewer_id: UserId,
    reviewer_name: Option<String>,
    answers: JsonText<Answers>,
    score: Option<i64>,
    comment: Option<String>,
    made_at_ms: i64,
    state: String,
    appeal_question: Option<String>,
    appeal: Option<String>,
    appealed_at_ms: Option<i64>,
    settled_by_name: Option<String>,
    settled_at_ms: Option<i64>,
    settled_words: Option<String>,
    score_before: Option<i64>,
}

impl From<Columns> for CardRow {
    fn from(row: Columns) -> Self {
        Self {
            id: row.id,
            conversation_id: row.conversation_id,
            customer_name: row.customer_name,
            agent_id: row.agent_id,
            agent_name: row.agent_name,
            team: row.team,
            form: row.form,
            form_version: row.form_version,
            reviewer_id: row.reviewer_id,
            reviewer_name: row.reviewer_name,
            answers: row.answers.0,
            score: row.score,
            comment: row.comment,
            made_at_ms: row.made_at_ms,
            state: row.state,
            appeal_question: row.appeal_question,
            appeal: row.appeal,
            appealed_at_ms: row.appealed_at_ms,
            settled_by_name: row.settled_by_name,
            settled_at_ms: row.settled_at_ms,
            settled_words: row.settled_words,
            score_before: row.score_before,
        }
    }
}

/// Which cards.
#[derive(Clone, Debug, Default)]
pub struct CardFilter {
    /// Only this one.
    pub id: Option<String>,
    /// Only those of this conversation.
    pub conversation: Option<ConversationId>,
    /// Only those of conversations of this agent: their id, and their name where a conversation knows no more.
    pub agent: Option<(UserId, String)>,
    /// Only those of this team: the caller's permission.
    pub team: Option<String>,
    /// Made from this moment on.
    pub since: Option<Timestamp>,
    /// How many at most.
    pub limit: i64,
}

/// An ended conversation that may be drawn.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Drawable {
    /// Which.
    pub id: ConversationId,
    /// Its agent.
    pub agent: String,
    /// Its customer.
    pub customer_name: Option<String>,
    /// When it began, in ms since 1970.
    pub started_at_ms: i64,
}

impl Store {
    /// Writes a card; a later word of the same reviewer replaces it as long as nobody has appealed. Says whether it was
    /// written.
    pub async fn keep_card(&self, card: &NewCard) -> Result<bool, StoreError> {
        let sql = "INSERT INTO quality_cards (id, conversation_id, form, form_version, reviewer_id, answers, score, comment,
                       made_at_ms, state)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'given')
                   ON CONFLICT (conversation_id, form, reviewer_id) DO UPDATE SET form_version = excluded.form_version,
                       answers = excluded.answers, score = excluded.score, comment = excluded.comment,
                       made_at_ms = excluded.made_at_ms
                   WHERE quality_cards.state = 'given'";
        let changed = on!(self.write, |pool| sqlx::query(sql)
            .bind(&card.id)
            .bind(&card.conversation)
            .bind(&card.form.0)
            .bind(card.form.1)
            .bind(&card.reviewer)
            .bind(JsonText(&card.answers))
            .bind(card.score)
            .bind(card.comment.as_ref().map(|comment| clean(comment)))
            .bind(card.at.millis())
            .execute(pool)
            .await?
            .rows_affected());
        Ok(changed > 0)
    }

    /// Returns cards, the latest first.
    pub async fn cards(&self, filter: &CardFilter) -> Result<Vec<CardRow>, StoreError> {
        let sql = "SELECT q.id, q.conversation_id, k.name AS customer_name, v.agent_id,
                       COALESCE(g.name, v.agent_name) AS agent_name, v.team, q.form, q.form_version, q.reviewer_id,
                       r.name AS reviewer_name, q.answers, q.score, q.comment, q.made_at_ms, q.state, q.appeal_question,
                       q.appeal, q.appealed_at_ms, s.name AS settled_by_name, q.settled_at_ms, q.settled_words,
                       q.score_before
                   FROM quality_cards q
                   JOIN conversations v ON v.id = q.conversation_id
                   LEFT JOIN customers k ON k.id = v.customer_id
                   LEFT JOIN users g ON g.id = v.agent_id
                   LEFT JOIN users r ON r.id = q.reviewer_id
                   LEFT JOIN users s ON s.id = q.settled_by
                   WHERE (CAST($1 AS TEXT) IS NULL OR q.id = $1)
                     AND (CAST($2 AS TEXT) IS NULL OR q.conversation_id = $2)
                     AND (CAST($3 AS TEXT) IS NULL OR v.agent_id = $3 OR (v.agent_id IS NULL AND v.agent_name = $7))
                     AND (CAST($4 AS TEXT) IS NULL OR v.team = $4)
                     AND (CAST($5 AS BIGINT) IS NULL OR q.made_at_ms >= $5)
                   ORDER BY q.made_at_ms DESC, q.id LIMIT $6";
        let rows: Vec<Columns> = on!(self.read, |pool| sqlx::query_as(sql)
            .bind(&filter.id)
            .bind(&filter.conversation)
            .bind(filter.agent.as_ref().map(|(id, _)| id))
            .bind(&filter.team)
            .bind(filter.since.map(Timestamp::millis))
            .bind(filter.limit)
            .bind(filter.agent.as_ref().map(|(_, name)| name.as_str()))
            .fetch_all(pool)
            .await?);
        Ok(rows.into_iter().map(CardRow::from).collect())
    }

    /// Notes that the agent does not agree with an answer. Once a card.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such card, or it was appealed against already.
    pub async fn appeal_card(
        &self,
        id: &str,
        (question, words): (&str, &MaskedText),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE quality_cards SET state = 'appealed', appeal_question = $2, appeal = $3, appealed_at_ms = $4
                   WHERE id = $1 AND state = 'given'";
        let changed = on!(self.write, |pool| sqlx::query(sql)
            .bind(id)
            .bind(question)
            .bind(clean(words))
            .bind(now.millis())
            .execute(pool)
            .await?
            .rows_affected());
        found(changed, "card without an appeal", &id)
    }

    /// Settles an appeal, with the answers and the score that hold from now on.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when no such card waits for it.
    pub async fn settle_card(
        &self,
        id: &str,
        (answers, score): (&Answers, Option<i64>),
        words: Option<&MaskedText>,
        by: &UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql =
            "UPDATE quality_cards SET state = 'settled', score_before = score, answers = $2, score = $3,
                       settled_words = $4, settled_by = $5, settled_at_ms = $6
                   WHERE id = $1 AND state = 'appealed'";
        let words = words.map(|words| clean(words));
        let changed = on!(self.write, |pool| sqlx::query(sql)
            .bind(id)
            .bind(JsonText(answers))
            .bind(score)
            .bind(words)
            .bind(by)
            .bind(now.millis())
            .execute(pool)
            .await?
            .rows_affected());
        found(changed, "card that waits for an answer", &id)
    }

    /// Returns the ended conversations of a span with a known agent and at least so many utterances.
    pub async fn drawable(
        &self,
        team: Option<&str>,
        (from, to): (Timestamp, Timestamp),
        fewest: i64,
    ) -> Result<Vec<Drawable>, StoreError> {
        let sql = "SELECT v.id, COALESCE(g.name, v.agent_name) AS agent, k.name AS customer_name, v.started_at_ms
                   FROM conversations v
                   LEFT JOIN users g ON g.id = v.agent_id
                   LEFT JOIN customers k ON k.id = v.customer_id
                   WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND v.started_at_ms >= $2 AND v.started_at_ms < $3
                     AND v.status = 'ended' AND v.utterances >= $4 AND COALESCE(v.source, '') <> 'play'
                     AND COALESCE(g.name, v.agent_name) IS NOT NULL
                   ORDER BY v.started_at_ms, v.id";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(team)
            .bind(from.millis())
            .bind(to.millis())
            .bind(fewest)
            .fetch_all(pool)
            .await?))
    }
}
