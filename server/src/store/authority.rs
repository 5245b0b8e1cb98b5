//! The ledger of authority: what was granted to whom by whom, what was promised by word of mouth, what was asked for.

use gradus_engine::time::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::Store;
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{CaseId, ConversationId, CustomerId, UserId};
use super::json::clean;
use crate::mask::MaskedText;

/// What became of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Granted within the authority of who granted it.
    Used,
    /// Promised by word of mouth, as far as it was heard.
    Spoken,
    /// Beyond the authority: somebody has to allow it.
    Requested,
    /// Allowed.
    Approved,
    /// Not allowed.
    Refused,
}

impl GrantState {
    /// Returns the name in the store and in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Spoken => "spoken",
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Refused => "refused",
        }
    }
}

/// Something that is granted, or asked for.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// Its name, unique for ever.
    pub id: String,
    /// The authority by its name in the protocol.
    pub authority: String,
    /// The case it belongs to.
    pub case_id: Option<CaseId>,
    /// The conversation it belongs to.
    pub conversation_id: Option<ConversationId>,
    /// To whom.
    pub customer_id: Option<CustomerId>,
    /// The utterance in which it was promised.
    pub utterance: Option<i64>,
    /// By whom; nobody where the speaker is no user here.
    pub user_id: Option<UserId>,
    /// Their role then.
    pub role: String,
    /// How much, in the unit of the authority.
    pub amount: Decimal,
    /// The most that the role may grant at once.
    pub most: Decimal,
    /// What it is.
    pub state: GrantState,
    /// Why.
    pub reason: Option<MaskedText>,
    /// When.
    pub at: Timestamp,
}

/// A line of the ledger with the names people see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct GrantRow {
    pub id: String,
    pub authority: String,
    pub case_id: Option<CaseId>,
    pub case_number: Option<i64>,
    pub conversation_id: Option<ConversationId>,
    pub team: Option<String>,
    pub customer_id: Option<CustomerId>,
    pub customer_name: Option<String>,
    pub utterance: Option<i64>,
    pub user_id: Option<UserId>,
    /// The user's name, or that of the agent in the conversation.
    pub user_name: Option<String>,
    pub role: String,
    pub amount: String,
    pub most: String,
    pub state: String,
    pub reason: Option<String>,
    pub at_ms: i64,
    pub answered_by: Option<UserId>,
    pub answered_by_name: Option<String>,
    pub answered_at_ms: Option<i64>,
    pub answer: Option<String>,
}

/// Which lines of the ledger.
#[derive(Clone, Debug, Default)]
pub struct GrantFilter {
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// Of this conversation.
    pub conversation: Option<ConversationId>,
    /// Only what waits for an answer.
    pub open: bool,
    /// Of this team: the caller's permission.
    pub team: Option<String>,
    /// How many at most.
    pub limit: i64,
}

macro_rules! grant_select {
    ($rest:literal) => {
        concat!(
            "SELECT g.id, g.authority, g.case_id, c.number AS case_number, g.conversation_id, v.team, g.customer_id,
                 k.name AS customer_name, g.utterance, g.user_id, COALESCE(u.name, v.agent_name) AS user_name, g.role,
                 g.amount, g.most, g.state, g.reason, g.at_ms, g.answered_by, w.name AS answered_by_name,
                 g.answered_at_ms, g.answer
             FROM authority_uses g
             LEFT JOIN cases c ON c.id = g.case_id
             LEFT JOIN conversations v ON v.id = g.conversation_id
             LEFT JOIN customers k ON k.id = g.customer_id
             LEFT JOIN users u ON u.id = g.user_id
             LEFT JOIN users w ON w.id = g.answered_by ",
            $rest
        )
    };
}

impl Store {
    /// Returns lines of the ledger, the latest first.
    pub async fn grants(&self, filter: &GrantFilter) -> Result<Vec<GrantRow>, StoreError> {
        let sql = grant_select!(
            "WHERE ($1 IS NULL OR g.at_ms >= $1) AND ($2 IS NULL OR g.at_ms < $2)
               AND (CAST($3 AS TEXT) IS NULL OR g.conversation_id = $3) AND ($4 = 0 OR g.state = 'requested')
               AND (CAST($5 AS TEXT) IS NULL OR v.team = $5)
             ORDER BY g.at_ms DESC, g.id LIMIT $6"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(filter.from.map(Timestamp::millis))
            .bind(filter.to.map(Timestamp::millis))
            .bind(&filter.conversation)
            .bind(i64::from(filter.open))
            .bind(&filter.team)
            .bind(filter.limit)
            .fetch_all(pool)
            .await?))
    }

    /// Returns one line of the ledger.
    pub async fn grant(&self, id: &str) -> Result<Option<GrantRow>, StoreError> {
        let sql = grant_select!("WHERE g.id = $1");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_optional(pool).await?))
    }

    /// Counts what a customer got by an authority since a moment: what was used or allowed.
    pub async fn granted_since(
        &self,
        customer: &CustomerId,
        authority: &str,
        since: Timestamp,
    ) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM authority_uses
                   WHERE customer_id = $1 AND authority = $2 AND at_ms >= $3 AND state IN ('used', 'approved')";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql)
            .bind(customer)
            .bind(authority)
            .bind(since.millis())
            .fetch_one(pool)
            .await?))
    }

    /// Answers a request.
    ///
    /// # Errors
    /// `Refused` when it was answered before: the first answer counts.
    pub async fn answer_grant(
        &self,
        id: &str,
        state: GrantState,
        (by, answer): (&UserId, Option<&MaskedText>),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE authority_uses SET state = $2, answered_by = $3, answered_at_ms = $4, answer = $5
                   WHERE id = $1 AND state = 'requested'";
        let changed = on!(self.write, |pool| sqlx::query(sql)
            .bind(id)
            .bind(state.name())
            .bind(by)
            .bind(now.millis())
            .bind(answer.map(|text| clean(text)))
            .execute(pool)
            .await?
            .rows_affected());
        if changed == 0 {
            return Err(StoreError::Refused("this request was answered already".into()));
        }
        Ok(())
    }
}

pub(super) async fn write(tx: &mut Tx, grant: &NewGrant) -> Result<(), StoreError> {
    let sql = "INSERT INTO authority_uses (id, authority, case_id, conversation_id, customer_id, utterance, user_id, role,
                   amount, most, state, reason, at_ms)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (id) DO NOTHING";
    within!(tx, |conn| {
        sqlx::query(sql)
            .bind(&grant.id)
            .bind(&grant.authority)
            .bind(&grant.case_id)
            .bind(&grant.conversation_id)
            .bind(&grant.customer_id)
            .bind(grant.utterance)
            .bind(&grant.user_id)
            .bind(&grant.role)
            .bind(grant.amount.normalize().to_string())
            .bind(grant.most.normalize().to_string())
            .bind(grant.state.name())
            .bind(grant.reason.as_deref().map(clean))
            .bind(grant.at.millis())
            .execute(conn)
            .await?;
    });
    Ok(())
}
