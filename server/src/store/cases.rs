//! Cases: opened, owned, moved on by the engine, closed with a resolution; their timeline and their clock.

use gradus_engine::time::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use super::Store;
use super::conversations::found;
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{CaseId, ConversationId, CustomerId, UserId};
use super::json::{JsonText, as_json, clean};
use super::service::{self, Service};
use crate::mask::MaskedText;

/// A case to be opened.
#[derive(Clone, Debug)]
pub struct NewCase {
    /// Its name, unique for ever; a repeat changes nothing.
    pub id: CaseId,
    /// The conversation it comes from.
    pub conversation_id: Option<ConversationId>,
    /// The customer whose matter it is.
    pub customer_id: Option<CustomerId>,
    /// What it is about.
    pub subject: Option<MaskedText>,
    /// The engine's name of the state it begins in.
    pub state: String,
    /// The stage of the protocol it begins in.
    pub stage: String,
    /// `low`, `normal`, `high`, `urgent`.
    pub priority: String,
    /// Whose it is.
    pub owner_id: Option<UserId>,
    /// Which team sees it.
    pub team: Option<String>,
    /// When.
    pub opened_at: Timestamp,
    /// When its next clock runs out.
    pub due_at: Option<Timestamp>,
}

/// What the engine says a case has become; every field is written. A state that is not resolved opens a closed case.
#[derive(Clone, Debug)]
pub struct CaseUpdate {
    /// Which case.
    pub id: CaseId,
    /// The version it was judged at; another one in the store is a conflict. `None` overwrites.
    pub version: Option<i64>,
    /// The engine's name of the state.
    pub state: String,
    /// The stage of the protocol.
    pub stage: String,
    /// `low`, `normal`, `high`, `urgent`.
    pub priority: String,
    /// Whose it is.
    pub owner_id: Option<UserId>,
    /// Which team sees it.
    pub team: Option<String>,
    /// When the next clock runs out.
    pub due_at: Option<Timestamp>,
    /// When the case has to be looked at next; with `due_at` where there is nothing earlier.
    pub wake_at: Option<Timestamp>,
    /// What it owes.
    pub service: Service,
    /// When somebody first answered the customer.
    pub first_response: Option<Timestamp>,
    /// The incident it belongs to.
    pub incident_id: Option<String>,
}

/// How a case ended; all of it is mandatory.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// Why the customer escalated, by its name in the protocol.
    pub reason: String,
    /// What was decided, in words.
    pub decision: MaskedText,
    /// What it cost in the first of its currencies, 0 or more.
    pub cost: Decimal,
    /// ISO 4217, such as RUB.
    pub currency: String,
    /// Each amount by itself, with what kind it is; none where it cost nothing.
    pub costs: Vec<CaseCost>,
    /// What is to be learned.
    pub conclusion: MaskedText,
    /// Who closes it.
    pub closed_by: UserId,
    /// When.
    pub closed_at: Timestamp,
}

/// One amount of a resolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseCost {
    /// `discount`, `bonus`, `refund` or `other`.
    pub kind: &'static str,
    /// 0 or more.
    pub amount: Decimal,
    /// ISO 4217, such as RUB.
    pub currency: String,
}

/// One entry of a case's timeline.
#[derive(Clone, Debug)]
pub struct TimelineEntry {
    /// Which case.
    pub case: CaseId,
    /// Names the entry within the case; a repeat changes nothing.
    pub key: String,
    /// When.
    pub at: Timestamp,
    /// Who: a user's id, or nobody when the protocol did it.
    pub actor: Option<UserId>,
    /// What sort of entry.
    pub kind: String,
    /// Words of a person, if there are any.
    pub text: Option<MaskedText>,
    /// The rest as JSON.
    pub detail: Value,
}

/// A case with the names people see.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct CaseRow {
    pub id: CaseId,
    pub number: i64,
    pub version: i64,
    pub conversation_id: Option<ConversationId>,
    pub customer_id: Option<CustomerId>,
    pub customer_name: Option<String>,
    pub incident_id: Option<String>,
    pub subject: Option<String>,
    pub state: String,
    pub stage: String,
    pub priority: String,
    pub owner_id: Option<UserId>,
    pub owner_name: Option<String>,
    pub team: Option<String>,
    pub opened_at_ms: i64,
    pub first_response_ms: Option<i64>,
    pub due_at_ms: Option<i64>,
    /// Until when the customer is waited for.
    pub paused_until_ms: Option<i64>,
    pub acknowledged_at_ms: Option<i64>,
    pub acknowledged_by: Option<UserId>,
    /// Why the protocol last decided in its conversation.
    pub cause: Option<String>,
    pub reason: Option<String>,
    pub decision: Option<String>,
    pub cost: Option<String>,
    pub currency: Option<String>,
    pub conclusion: Option<String>,
    pub closed_at_ms: Option<i64>,
    pub closed_by: Option<UserId>,
    /// The case in which it goes on.
    pub merged_into: Option<CaseId>,
}

/// One entry of a timeline with the name of who did it.
#[derive(Clone, Debug, PartialEq, Serialize, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct TimelineRow {
    pub key: String,
    pub at_ms: i64,
    pub actor: Option<UserId>,
    pub actor_name: Option<String>,
    pub kind: String,
    pub text: Option<String>,
    /// JSON.
    #[serde(serialize_with = "as_json")]
    pub detail: String,
}

/// Which cases a list shows.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    /// Open ones, closed ones, or both.
    pub open: Option<bool>,
    /// Only those of this owner.
    pub owner: Option<UserId>,
    /// Only those of this team: the caller's permission.
    pub team: Option<String>,
    /// Only those of this customer.
    pub customer: Option<CustomerId>,
    /// How many at most.
    pub limit: i64,
    /// How many to leave out.
    pub offset: i64,
}

macro_rules! case_select {
    ($rest:literal) => {
        concat!(
            "SELECT c.id, c.number, c.version, c.conversation_id, c.customer_id, k.name AS customer_name, c.incident_id,
                 c.subject, c.state, c.stage, c.priority, c.owner_id, u.name AS owner_name, c.team, c.opened_at_ms,
                 c.first_response_ms, c.due_at_ms, c.paused_until_ms, c.acknowledged_at_ms, c.acknowledged_by, v.decision_reason AS cause,
                 c.reason, c.decision,
                 c.cost, c.currency, c.conclusion, c.closed_at_ms, c.closed_by, c.merged_into
             FROM cases c
             LEFT JOIN customers k ON k.id = c.customer_id
             LEFT JOIN users u ON u.id = c.owner_id
             LEFT JOIN conversations v ON v.id = c.conversation_id ",
            $rest
        )
    };
}

impl Store {
    /// Returns one case.
    pub async fn case(&self, id: &CaseId) -> Result<Option<CaseRow>, StoreError> {
        let sql = case_select!("WHERE c.id = $1");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_optional(pool).await?))
    }

    /// Returns the case with a number, as people name it.
    pub async fn case_by_number(&self, number: i64) -> Result<Option<CaseRow>, StoreError> {
        let sql = case_select!("WHERE c.number = $1");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(number).fetch_optional(pool).await?))
    }

    /// Returns the open case of a conversation, the newest if there are several.
    pub async fn open_case_of(&self, conversation: &ConversationId) -> Result<Option<CaseRow>, StoreError> {
        let sql = case_select!(
            "WHERE c.closed_at_ms IS NULL AND (c.conversation_id = $1
                 OR c.id = (SELECT v.case_id FROM conversations v WHERE v.id = $1))
             ORDER BY c.opened_at_ms DESC LIMIT 1"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(conversation).fetch_optional(pool).await?))
    }

    /// Returns a page of cases: open ones first by the clock that runs out next, then closed ones, newest first.
    pub async fn cases(&self, filter: &CaseFilter) -> Result<Vec<CaseRow>, StoreError> {
        if filter.open == Some(true) {
            return self.open_cases(filter).await;
        }
        let sql = case_select!(
            "WHERE ($1 IS NULL OR ($1 = 1 AND c.closed_at_ms IS NULL) OR ($1 = 0 AND c.closed_at_ms IS NOT NULL))
               AND (CAST($2 AS TEXT) IS NULL OR c.owner_id = $2)
               AND (CAST($3 AS TEXT) IS NULL OR c.team = $3)
               AND (CAST($4 AS TEXT) IS NULL OR c.customer_id = $4)
             ORDER BY CASE WHEN c.closed_at_ms IS NULL THEN 0 ELSE 1 END,
                 CASE WHEN c.closed_at_ms IS NULL THEN COALESCE(c.due_at_ms, 9007199254740991) ELSE 0 END,
                 c.opened_at_ms DESC, c.id
             LIMIT $5 OFFSET $6"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(filter.open.map(i64::from))
            .bind(&filter.owner)
            .bind(&filter.team)
            .bind(&filter.customer)
            .bind(filter.limit)
            .bind(filter.offset)
            .fetch_all(pool)
            .await?))
    }

    /// The same of open cases alone: in the order of an index, so that a hundred thousand of them are not sorted.
    async fn open_cases(&self, filter: &CaseFilter) -> Result<Vec<CaseRow>, StoreError> {
        let sql = case_select!(
            "WHERE c.closed_at_ms IS NULL
               AND (CAST($1 AS TEXT) IS NULL OR c.owner_id = $1)
               AND (CAST($2 AS TEXT) IS NULL OR c.team = $2)
               AND (CAST($3 AS TEXT) IS NULL OR c.customer_id = $3)
             ORDER BY COALESCE(c.due_at_ms, 9007199254740991), c.opened_at_ms DESC, c.id LIMIT $4 OFFSET $5"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(&filter.owner)
            .bind(&filter.team)
            .bind(&filter.customer)
            .bind(filter.limit)
            .bind(filter.offset)
            .fetch_all(pool)
            .await?))
    }

    /// Counts the cases a filter shows, without regard to its limit.
    pub async fn count_cases(&self, filter: &CaseFilter) -> Result<i64, StoreError> {
        // Said outright, an index answers it.
        let sql = if filter.open == Some(true) {
            "SELECT COUNT(*) FROM cases c WHERE c.closed_at_ms IS NULL AND $1 = 1
               AND (CAST($2 AS TEXT) IS NULL OR c.owner_id = $2)
               AND (CAST($3 AS TEXT) IS NULL OR c.team = $3)
               AND (CAST($4 AS TEXT) IS NULL OR c.customer_id = $4)"
        } else {
            "SELECT COUNT(*) FROM cases c
                 WHERE ($1 IS NULL OR ($1 = 1 AND c.closed_at_ms IS NULL) OR ($1 = 0 AND c.closed_at_ms IS NOT NULL))
                   AND (CAST($2 AS TEXT) IS NULL OR c.owner_id = $2)
                   AND (CAST($3 AS TEXT) IS NULL OR c.team = $3)
                   AND (CAST($4 AS TEXT) IS NULL OR c.customer_id = $4)"
        };
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql)
            .bind(filter.open.map(i64::from))
            .bind(&filter.owner)
            .bind(&filter.team)
            .bind(&filter.customer)
            .fetch_one(pool)
            .await?))
    }

    /// Returns what a case cost, as its resolution says it: kind, amount, currency.
    pub async fn costs_of(&self, case: &CaseId) -> Result<Vec<(String, String, String)>, StoreError> {
        let sql = "SELECT kind, amount, currency FROM case_costs WHERE case_id = $1 ORDER BY number";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(case).fetch_all(pool).await?))
    }

    /// Returns the timeline of a case, oldest first.
    pub async fn timeline(&self, case: &CaseId) -> Result<Vec<TimelineRow>, StoreError> {
        let sql = "SELECT t.key, t.at_ms, t.actor, u.name AS actor_name, t.kind, t.text, t.detail
                   FROM case_timeline t LEFT JOIN users u ON u.id = t.actor
                   WHERE t.case_id = $1 ORDER BY t.at_ms, t.key";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(case).fetch_all(pool).await?))
    }

    /// Takes one case whose clock has run out, so that no other node acts on it before `until`.
    ///
    /// The caller sets the next due time by [`super::Change::UpdateCase`]; a node that dies leaves the case to the next
    /// claim after `until`.
    pub async fn claim_due(&self, now: Timestamp, until: Timestamp) -> Result<Option<CaseId>, StoreError> {
        Ok(self.claim_all_due(now, until, 1).await?.into_iter().next())
    }

    /// The same with up to `limit` cases, those that have waited longest.
    pub async fn claim_all_due(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<CaseId>, StoreError> {
        let ids = match &self.write {
            super::Db::Sqlite(pool) => {
                sqlx::query_scalar(super::sqlite::CLAIM_DUE)
                    .bind(now.millis())
                    .bind(until.millis())
                    .bind(limit)
                    .fetch_all(pool)
                    .await?
            }
            super::Db::Postgres(pool) => {
                sqlx::query_scalar(super::postgres::CLAIM_DUE)
                    .bind(now.millis())
                    .bind(until.millis())
                    .bind(limit)
                    .fetch_all(pool)
                    .await?
            }
        };
        Ok(ids)
    }

    /// Returns when the next clock of any open case runs out.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT MIN(wake_at_ms) FROM cases WHERE closed_at_ms IS NULL AND wake_at_ms IS NOT NULL";
        let millis: Option<i64> = on!(self.read, |pool| sqlx::query_scalar(sql).fetch_one(pool).await?);
        Ok(millis.map(Timestamp::from_millis))
    }
}

pub(super) async fn open(tx: &mut Tx, case: &NewCase) -> Result<(), StoreError> {
    let sql = "INSERT INTO cases (id, number, version, conversation_id, customer_id, subject, state, stage, priority,
                   owner_id, team, opened_at_ms, due_at_ms, wake_at_ms)
               SELECT $1, COALESCE(MAX(number), 0) + 1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11 FROM cases WHERE TRUE
               ON CONFLICT (id) DO NOTHING";
    within!(tx, |conn| {
        sqlx::query(sql)
            .bind(&case.id)
            .bind(&case.conversation_id)
            .bind(&case.customer_id)
            .bind(case.subject.as_deref().map(clean))
            .bind(&case.state)
            .bind(&case.stage)
            .bind(&case.priority)
            .bind(&case.owner_id)
            .bind(&case.team)
            .bind(case.opened_at.millis())
            .bind(case.due_at.map(Timestamp::millis))
            .execute(&mut *conn)
            .await?;
        if let Some(conversation) = &case.conversation_id {
            sqlx::query("UPDATE conversations SET case_id = $2 WHERE id = $1 AND case_id IS NULL")
                .bind(conversation)
                .bind(&case.id)
                .execute(conn)
                .await?;
        }
    });
    Ok(())
}

pub(super) async fn update(tx: &mut Tx, case: &CaseUpdate) -> Result<(), StoreError> {
    let sql = "UPDATE cases SET version = version + 1, state = $3, stage = $4, priority = $5, owner_id = $6, team = $7,
                   due_at_ms = $8, first_response_ms = $9, incident_id = $10, claimed_until_ms = 0, wake_at_ms = $11,
                   paused_until_ms = $12,
                   closed_at_ms = CASE WHEN $3 IN ('open', 'acknowledged', 'in_work') THEN NULL ELSE closed_at_ms END,
                   closed_by = CASE WHEN $3 IN ('open', 'acknowledged', 'in_work') THEN NULL ELSE closed_by END,
                   merged_into = CASE WHEN $3 IN ('open', 'acknowledged', 'in_work') THEN NULL ELSE merged_into END
               WHERE id = $1 AND ($2 IS NULL OR version = $2)";
    let changed = within!(tx, |conn| {
        sqlx::query(sql)
            .bind(&case.id)
            .bind(case.version)
            .bind(&case.state)
            .bind(&case.stage)
            .bind(&case.priority)
            .bind(&case.owner_id)
            .bind(&case.team)
            .bind(case.due_at.map(Timestamp::millis))
            .bind(case.first_response.map(Timestamp::millis))
            .bind(&case.incident_id)
            .bind(case.wake_at.or(case.due_at).map(Timestamp::millis))
            .bind(case.service.paused_until.map(Timestamp::millis))
            .execute(conn)
            .await?
            .rows_affected()
    });
    if changed == 0 && exists(tx, &case.id).await?.is_some() {
        return Err(StoreError::Conflict(format!("case {} was changed by somebody else meanwhile", case.id)));
    }
    found(changed, "case", &case.id)?;
    service::write(tx, &case.id, &case.service).await
}

pub(super) async fn acknowledge(
    tx: &mut Tx,
    id: &CaseId,
    by: &UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE cases SET version = version + 1,
                   acknowledged_by = CASE WHEN acknowledged_at_ms IS NULL THEN $2 ELSE acknowledged_by END,
                   acknowledged_at_ms = COALESCE(acknowledged_at_ms, $3)
               WHERE id = $1 AND closed_at_ms IS NULL";
    let changed = within!(tx, |conn| {
        sqlx::query(sql).bind(id).bind(by).bind(at.millis()).execute(conn).await?.rows_affected()
    });
    still_open(tx, changed, id).await
}

pub(super) async fn take_over(
    tx: &mut Tx,
    id: &CaseId,
    by: &UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE cases SET version = version + 1, owner_id = $2,
                   acknowledged_by = CASE WHEN acknowledged_at_ms IS NULL THEN $2 ELSE acknowledged_by END,
                   acknowledged_at_ms = COALESCE(acknowledged_at_ms, $3)
               WHERE id = $1 AND closed_at_ms IS NULL";
    let changed = within!(tx, |conn| {
        sqlx::query(sql).bind(id).bind(by).bind(at.millis()).execute(conn).await?.rows_affected()
    });
    still_open(tx, changed, id).await
}

pub(super) async fn resolve(tx: &mut Tx, id: &CaseId, how: &Resolution) -> Result<(), StoreError> {
    let missing = [
        ("reason", how.reason.as_str()),
        ("decision", how.decision.as_str()),
        ("currency", how.currency.as_str()),
        ("conclusion", how.conclusion.as_str()),
    ];
    if let Some((what, _)) = missing.iter().find(|(_, text)| text.trim().is_empty()) {
        return Err(StoreError::Refused(format!("a case is closed with its {what}, which is empty")));
    }
    let negative = |amount: &Decimal| amount.is_sign_negative() && !amount.is_zero();
    if negative(&how.cost) || how.costs.iter().any(|cost| negative(&cost.amount)) {
        return Err(StoreError::Refused("the cost of a resolution is 0 or more".into()));
    }
    let sql =
        "UPDATE cases SET version = version + 1, state = 'closed', reason = $2, decision = $3, cost = $4,
                   currency = $5, conclusion = $6, closed_by = $7, closed_at_ms = $8, due_at_ms = NULL
               WHERE id = $1 AND closed_at_ms IS NULL";
    let changed = within!(tx, |conn| {
        sqlx::query(sql)
            .bind(id)
            .bind(&how.reason)
            .bind(clean(&how.decision))
            .bind(how.cost.normalize().to_string())
            .bind(&how.currency)
            .bind(clean(&how.conclusion))
            .bind(&how.closed_by)
            .bind(how.closed_at.millis())
            .execute(conn)
            .await?
            .rows_affected()
    });
    still_open(tx, changed, id).await?;
    write_costs(tx, id, &how.costs).await
}

/// Writes what a resolution cost in place of what an earlier one did.
async fn write_costs(tx: &mut Tx, id: &CaseId, costs: &[CaseCost]) -> Result<(), StoreError> {
    within!(tx, |conn| {
        sqlx::query("DELETE FROM case_costs WHERE case_id = $1").bind(id).execute(conn).await?;
    });
    let sql = "INSERT INTO case_costs (case_id, number, kind, amount, currency) VALUES ($1, $2, $3, $4, $5)";
    for (number, cost) in (0_i64..).zip(costs) {
        within!(tx, |conn| {
            sqlx::query(sql)
                .bind(id)
                .bind(number)
                .bind(cost.kind)
                .bind(cost.amount.normalize().to_string())
                .bind(&cost.currency)
                .execute(conn)
                .await?;
        });
    }
    Ok(())
}

pub(super) async fn write_down(tx: &mut Tx, entry: &TimelineEntry) -> Result<(), StoreError> {
    let sql = "INSERT INTO case_timeline (case_id, key, at_ms, actor, kind, text, detail)
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (case_id, key) DO NOTHING";
    within!(tx, |conn| {
        sqlx::query(sql)
            .bind(&entry.case)
            .bind(&entry.key)
            .bind(entry.at.millis())
            .bind(&entry.actor)
            .bind(&entry.kind)
            .bind(entry.text.as_deref().map(clean))
            .bind(JsonText(&entry.detail))
            .execute(conn)
            .await?;
    });
    Ok(())
}

/// Returns when a case was closed, inside; nothing when there is no such case.
async fn exists(tx: &mut Tx, id: &CaseId) -> Result<Option<Option<i64>>, StoreError> {
    Ok(within!(tx, |conn| {
        sqlx::query_scalar("SELECT closed_at_ms FROM cases WHERE id = $1")
            .bind(id)
            .fetch_optional(conn)
            .await?
    }))
}

pub(super) async fn still_open(tx: &mut Tx, changed: u64, id: &CaseId) -> Result<(), StoreError> {
    if changed == 0 && exists(tx, id).await?.is_some() {
        return Err(StoreError::Refused(format!("case {id} is already closed")));
    }
    found(changed, "case", id)
}
