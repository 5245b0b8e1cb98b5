//! Alerts: whom the protocol called, whether they answered, and when the alert climbs.

use gradus_engine::time::Timestamp;

use super::Store;
use super::conversations::{Evidence, found};
use super::deliveries::{self, Reach};
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{AlertId, CaseId, ConversationId, DecisionId, UserId, Verdict};
use super::json::JsonText;

/// An alert to be given.
#[derive(Clone, Debug)]
pub struct NewAlert {
    /// Its name, unique for ever: the same alert given twice is one row that counts its repeats and waits for an answer
    /// anew.
    pub id: AlertId,
    /// The case it is about.
    pub case_id: Option<CaseId>,
    /// The conversation it is about.
    pub conversation_id: Option<ConversationId>,
    /// The decision that caused it.
    pub decision_id: Option<DecisionId>,
    /// The name of that decision.
    pub decision: String,
    /// Whom it calls; nobody yet when only a role is known.
    pub recipient_id: Option<UserId>,
    /// The role it calls.
    pub recipient_role: Option<String>,
    /// How far it has climbed, from 0.
    pub level: i64,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it climbs unless somebody answers.
    pub climbs_at: Option<Timestamp>,
    /// What it is about: `case`, or a topic of its own such as `next_update_warning` or `ask`.
    pub topic: String,
    /// The department it calls.
    pub department: Option<String>,
    /// Whom it reaches beyond the page.
    pub reach: Reach,
}

/// An unanswered alert goes on to the next person.
#[derive(Clone, Debug)]
pub struct AlertClimb {
    /// Which.
    pub id: AlertId,
    /// The level it reaches.
    pub level: i64,
    /// Whom it calls now.
    pub recipient_id: Option<UserId>,
    /// The role it calls now.
    pub recipient_role: Option<String>,
    /// When it climbs again; never when this was the last step.
    pub climbs_at: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
    /// Whom it reaches beyond the page now.
    pub reach: Reach,
}

/// An alert with what a person needs to see.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct AlertRow {
    pub id: AlertId,
    /// What people call it.
    pub number: Option<i64>,
    pub case_id: Option<CaseId>,
    pub case_number: Option<i64>,
    pub conversation_id: Option<ConversationId>,
    pub decision_id: Option<DecisionId>,
    pub decision: String,
    pub reason: Option<String>,
    pub recipient_id: Option<UserId>,
    pub recipient_role: Option<String>,
    pub level: i64,
    pub topic: String,
    pub department: Option<String>,
    /// The team whose case it is about.
    pub team: Option<String>,
    pub state: String,
    pub repeats: i64,
    pub created_at_ms: i64,
    pub delivered_at_ms: Option<i64>,
    pub acknowledged_at_ms: Option<i64>,
    pub acknowledged_by: Option<UserId>,
    pub climbs_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
    /// `right` or `wrong`, as people say.
    pub verdict: Option<String>,
    pub verdict_reason: Option<String>,
    pub verdict_by: Option<UserId>,
}

/// What an alert rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grounds {
    /// Why, by its name in the protocol.
    pub reason: String,
    /// By which clause.
    pub clause: String,
    /// The words it rests on first, unless they were measured or erased.
    pub quote: Option<String>,
}

macro_rules! alert_select {
    ($rest:literal) => {
        concat!(
            "SELECT a.id, a.number, a.case_id, c.number AS case_number, a.conversation_id, a.decision_id, a.decision,
                 d.reason AS reason, a.recipient_id, a.recipient_role, a.level, a.topic, a.department, c.team, a.state, a.repeats, a.created_at_ms,
                 a.delivered_at_ms, a.acknowledged_at_ms, a.acknowledged_by, a.climbs_at_ms, a.ended_at_ms, a.verdict,
                 a.verdict_reason, a.verdict_by
             FROM alerts a
             LEFT JOIN cases c ON c.id = a.case_id
             LEFT JOIN decisions d ON d.id = a.decision_id ",
            $rest
        )
    };
}

impl Store {
    /// Returns one alert.
    pub async fn alert(&self, id: &AlertId) -> Result<Option<AlertRow>, StoreError> {
        let sql = alert_select!("WHERE a.id = $1");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_optional(pool).await?))
    }

    /// Returns the alert that people call by a number.
    pub async fn alert_by_number(&self, number: i64) -> Result<Option<AlertRow>, StoreError> {
        let sql = alert_select!("WHERE a.number = $1");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(number).fetch_optional(pool).await?))
    }

    /// Returns what a decision rests on.
    pub async fn grounds(&self, decision: &DecisionId) -> Result<Option<Grounds>, StoreError> {
        let sql = "SELECT reason, clause, conversation_id, evidence FROM decisions WHERE id = $1";
        let row: Option<(String, String, ConversationId, JsonText<Vec<Evidence>>)> =
            on!(self.read, |pool| sqlx::query_as(sql).bind(decision).fetch_optional(pool).await?);
        let Some((reason, clause, conversation, JsonText(evidence))) = row else { return Ok(None) };
        let quoted = evidence.iter().find_map(|found| Some((found.utterance, found.start?, found.end?)));
        let quote = match quoted {
            None => None,
            Some((utterance, start, end)) => {
                let sql =
                    "SELECT substr(text, CAST($3 AS INTEGER) + 1, CAST($4 AS INTEGER)) FROM utterance_texts
                           WHERE conversation_id = $1 AND utterance = $2 AND text IS NOT NULL";
                on!(self.read, |pool| sqlx::query_scalar(sql)
                    .bind(conversation)
                    .bind(utterance)
                    .bind(i64::from(start))
                    .bind(i64::from(end.saturating_sub(start)))
                    .fetch_optional(pool)
                    .await?)
            }
        };
        Ok(Some(Grounds { reason, clause, quote }))
    }

    /// Notes what a person says of an alert; a later word replaces it, a reason alone keeps the word.
    pub async fn judge_alert(
        &self,
        id: &AlertId,
        verdict: Verdict,
        reason: Option<&str>,
        by: &UserId,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE alerts SET verdict = $2, verdict_reason = $3, verdict_by = $4 WHERE id = $1";
        let changed = on!(self.write, |pool| sqlx::query(sql)
            .bind(id)
            .bind(verdict.name())
            .bind(reason)
            .bind(by)
            .execute(pool)
            .await?
            .rows_affected());
        found(changed, "alert", id)
    }

    /// Returns the alerts that call a person or a role and are not over, newest first, at most 200. One that calls a
    /// department calls the people of that team, and those of no team.
    pub async fn alerts_for(
        &self,
        user: &UserId,
        role: &str,
        team: Option<&str>,
    ) -> Result<Vec<AlertRow>, StoreError> {
        let sql = alert_select!(
            "WHERE a.ended_at_ms IS NULL AND (a.recipient_id = $1 OR (a.recipient_id IS NULL AND a.recipient_role = $2
                     AND (a.department IS NULL OR CAST($3 AS TEXT) IS NULL OR a.department = $3)))
             ORDER BY a.created_at_ms DESC, a.id LIMIT 200"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(user)
            .bind(role)
            .bind(team)
            .fetch_all(pool)
            .await?))
    }

    /// Returns all alerts of a case, oldest first.
    pub async fn alerts_of_case(&self, case: &CaseId) -> Result<Vec<AlertRow>, StoreError> {
        let sql = alert_select!("WHERE a.case_id = $1 ORDER BY a.created_at_ms, a.id");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(case).fetch_all(pool).await?))
    }

    /// Takes one unanswered alert whose time is up, so that no other node makes it climb before `until`.
    pub async fn claim_climbing(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<AlertId>, StoreError> {
        let id = match &self.write {
            super::Db::Sqlite(pool) => {
                sqlx::query_scalar(super::sqlite::CLAIM_CLIMBING)
                    .bind(now.millis())
                    .bind(until.millis())
                    .fetch_optional(pool)
                    .await?
            }
            super::Db::Postgres(pool) => {
                sqlx::query_scalar(super::postgres::CLAIM_CLIMBING)
                    .bind(now.millis())
                    .bind(until.millis())
                    .fetch_optional(pool)
                    .await?
            }
        };
        Ok(id)
    }
}

pub(super) async fn give(tx: &mut Tx, alert: &NewAlert) -> Result<(), StoreError> {
    let sql = "INSERT INTO alerts (id, case_id, conversation_id, decision_id, decision, recipient_id, recipient_role,
                   level, state, repeats, created_at_ms, climbs_at_ms, page_only, topic, department, number)
               SELECT $1, $2, $3, $4, $5, $6, $7, $8, 'open', 0, $9, $10,
                   -- What is long past stays on the page, whichever of its clocks rings, until somebody takes it up.
                   $11 OR ($6 IS NULL AND EXISTS (SELECT 1 FROM alerts o WHERE o.case_id = $2 AND o.page_only
                       AND o.acknowledged_at_ms IS NULL)),
                   $12, $13, COALESCE(MAX(number), 0) + 1
               FROM alerts WHERE TRUE
               ON CONFLICT (id) DO UPDATE SET repeats = alerts.repeats + 1, decision_id = excluded.decision_id,
                   decision = excluded.decision, recipient_id = excluded.recipient_id,
                   recipient_role = excluded.recipient_role, level = excluded.level, department = excluded.department, state = 'open',
                   climbs_at_ms = excluded.climbs_at_ms, delivered_at_ms = NULL, acknowledged_at_ms = NULL,
                   acknowledged_by = NULL, ended_at_ms = NULL,
                   page_only = excluded.page_only OR (alerts.page_only AND excluded.recipient_id IS NULL)
               RETURNING page_only";
    let page_only: bool = within!(tx, |conn| {
        sqlx::query_scalar(sql)
            .bind(&alert.id)
            .bind(&alert.case_id)
            .bind(&alert.conversation_id)
            .bind(&alert.decision_id)
            .bind(&alert.decision)
            .bind(&alert.recipient_id)
            .bind(&alert.recipient_role)
            .bind(alert.level)
            .bind(alert.created_at.millis())
            .bind(alert.climbs_at.map(Timestamp::millis))
            .bind(alert.reach.page_only)
            .bind(&alert.topic)
            .bind(&alert.department)
            .fetch_one(conn)
            .await?
    });
    if page_only {
        return Ok(());
    }
    deliveries::enqueue(tx, &alert.id, &alert.reach, alert.created_at).await
}

pub(super) async fn delivered(tx: &mut Tx, id: &AlertId, at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE alerts SET delivered_at_ms = COALESCE(delivered_at_ms, $2),
                   state = CASE WHEN state = 'open' THEN 'delivered' ELSE state END WHERE id = $1";
    let changed = within!(tx, |conn| {
        sqlx::query(sql).bind(id).bind(at.millis()).execute(conn).await?.rows_affected()
    });
    found(changed, "alert", id)
}

pub(super) async fn acknowledge(
    tx: &mut Tx,
    id: &AlertId,
    by: &UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let open: i64 = within!(tx, |conn| {
        sqlx::query_scalar("SELECT COUNT(*) FROM alerts WHERE id = $1 AND acknowledged_at_ms IS NULL")
            .bind(id)
            .fetch_one(conn)
            .await?
    });
    let sql = "UPDATE alerts SET state = CASE WHEN ended_at_ms IS NULL THEN 'acknowledged' ELSE state END,
                   acknowledged_by = CASE WHEN acknowledged_at_ms IS NULL THEN $2 ELSE acknowledged_by END,
                   acknowledged_at_ms = COALESCE(acknowledged_at_ms, $3), climbs_at_ms = NULL
               WHERE id = $1";
    let changed = within!(tx, |conn| {
        sqlx::query(sql).bind(id).bind(by).bind(at.millis()).execute(conn).await?.rows_affected()
    });
    found(changed, "alert", id)?;
    if open > 0 { deliveries::answered(tx, id).await } else { Ok(()) }
}

pub(super) async fn climb(tx: &mut Tx, climb: &AlertClimb) -> Result<(), StoreError> {
    let sql = "UPDATE alerts SET level = $2, recipient_id = $3, recipient_role = $4, climbs_at_ms = $5,
                   state = 'climbed', claimed_until_ms = 0
               WHERE id = $1 AND acknowledged_at_ms IS NULL AND ended_at_ms IS NULL AND level < $2
               RETURNING page_only";
    let page_only: Option<bool> = within!(tx, |conn| {
        sqlx::query_scalar(sql)
            .bind(&climb.id)
            .bind(climb.level)
            .bind(&climb.recipient_id)
            .bind(&climb.recipient_role)
            .bind(climb.climbs_at.map(Timestamp::millis))
            .fetch_optional(conn)
            .await?
    });
    match page_only {
        Some(true) => Ok(()),
        Some(false) => deliveries::enqueue(tx, &climb.id, &climb.reach, climb.at).await,
        None => Err(StoreError::Refused(format!(
            "alert {} does not climb: it was answered, is over, or is already that high",
            climb.id
        ))),
    }
}

pub(super) async fn end(tx: &mut Tx, id: &AlertId, state: &str, at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE alerts SET state = CASE WHEN ended_at_ms IS NULL THEN $2 ELSE state END,
                   ended_at_ms = COALESCE(ended_at_ms, $3), climbs_at_ms = NULL WHERE id = $1";
    let changed = within!(tx, |conn| {
        sqlx::query(sql).bind(id).bind(state).bind(at.millis()).execute(conn).await?.rows_affected()
    });
    found(changed, "alert", id)
}
