//! What must always hold of cases and alerts, asked of the database itself and not of the engine: the auditor's questions.

use gradus_engine::time::{Millis, Timestamp};
use serde::Serialize;

use super::Store;
use super::engine::on;
use super::error::StoreError;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, sqlx::FromRow)]
pub struct Finding {
    /// Which rule is broken.
    pub kind: String,
    /// The case, alert or department that breaks it.
    pub object: String,
}

/// A fault that was found and is still there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct OpenFinding {
    /// Which rule is broken.
    pub kind: String,
    /// What breaks it.
    pub object: String,
    /// When it was seen first, milliseconds since 1970.
    pub first_seen_ms: i64,
    /// When it was seen last.
    pub last_seen_ms: i64,
}

/// A clock that has not rung for so long stands still: the goal is a look at every open case at least every minute.
const STILL: Millis = Millis::minutes(1);
/// An alert that has reached nobody for so long is brought up.
const UNHEARD: Millis = Millis::minutes(2);

/// The rules, each as the question for what breaks it. `$1` is a minute ago, `$2` two minutes ago; a question that needs only one of them
/// names the other idly, because every engine wants each parameter used.
const RULES: [(&str, &str); 8] = [
    (
        "case_without_due",
        "SELECT id FROM cases WHERE closed_at_ms IS NULL AND (due_at_ms IS NULL OR wake_at_ms IS NULL) AND $1 = $1 AND $2 = $2",
    ),
    (
        "case_without_owner",
        "SELECT c.id FROM cases c LEFT JOIN users u ON u.id = c.owner_id
         WHERE c.closed_at_ms IS NULL AND ((c.owner_id IS NULL AND c.stage IN ('', 'staff'))
             OR (c.owner_id IS NOT NULL AND (u.id IS NULL OR NOT u.active))) AND $1 = $1 AND $2 = $2",
    ),
    (
        "clock_stands_still",
        "SELECT id FROM cases WHERE closed_at_ms IS NULL AND wake_at_ms < $1 AND $2 = $2",
    ),
    (
        "resolution_incomplete",
        "SELECT id FROM cases WHERE closed_at_ms IS NOT NULL AND merged_into IS NULL AND (reason IS NULL OR cost IS NULL OR closed_by IS NULL) AND $1 = $1 AND $2 = $2",
    ),
    (
        "alert_of_closed_case",
        "SELECT a.id FROM alerts a JOIN cases c ON c.id = a.case_id
         WHERE a.ended_at_ms IS NULL AND a.topic = 'case' AND c.closed_at_ms < $2 AND a.created_at_ms < c.closed_at_ms AND $1 = $1",
    ),
    (
        "alert_calls_nobody",
        "SELECT a.id FROM alerts a JOIN cases c ON c.id = a.case_id
         WHERE a.ended_at_ms IS NULL AND a.acknowledged_at_ms IS NULL AND a.created_at_ms < $2 AND c.closed_at_ms IS NULL
             AND NOT a.page_only AND a.recipient_id IS NULL AND NOT EXISTS (SELECT 1 FROM users u WHERE u.active
                 AND (u.role = a.recipient_role OR (a.recipient_role = 'substitute' AND u.role = 'supervisor')
                      OR u.role = 'administrator')
                 AND (a.department IS NULL OR u.team IS NULL OR u.team = a.department)) AND $1 = $1",
    ),
    (
        "alert_given_up",
        "SELECT DISTINCT a.id FROM alerts a JOIN deliveries d ON d.alert_id = a.id
         WHERE d.state = 'dead' AND a.acknowledged_at_ms IS NULL AND a.ended_at_ms IS NULL
             AND NOT EXISTS (SELECT 1 FROM deliveries o WHERE o.alert_id = a.id AND o.state = 'sent' AND o.user_id <> '') AND $1 = $1 AND $2 = $2",
    ),
    (
        "department_without_people",
        "SELECT DISTINCT a.department FROM case_asks a JOIN cases c ON c.id = a.case_id
         WHERE a.answered_at_ms IS NULL AND c.closed_at_ms IS NULL AND a.asked_at_ms < $2
             AND NOT EXISTS (SELECT 1 FROM users u WHERE u.active AND u.role = 'department'
                 AND (u.team IS NULL OR u.team = a.department)) AND $1 = $1",
    ),
];

impl Store {
    /// Asks every question of the auditor.
    pub async fn audit_invariants(&self, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
        let mut found = Vec::new();
        for (kind, sql) in RULES {
            let objects: Vec<String> = on!(self.read, |pool| sqlx::query_scalar(sql)
                .bind(now.minus(STILL).millis())
                .bind(now.minus(UNHEARD).millis())
                .fetch_all(pool)
                .await?);
            found.extend(objects.into_iter().map(|object| Finding { kind: kind.to_owned(), object }));
        }
        Ok(found)
    }

    /// Notes what an audit found: what is new, what is still there, what is gone. Returns what is new.
    pub async fn note_findings(&self, found: &[Finding], now: Timestamp) -> Result<Vec<Finding>, StoreError> {
        let known: Vec<OpenFinding> = self.findings().await?;
        let fresh = found.iter().filter(|finding| {
            !known.iter().any(|known| known.kind == finding.kind && known.object == finding.object)
        });
        let fresh: Vec<Finding> = fresh.cloned().collect();
        let seen = "INSERT INTO findings (key, kind, object, first_seen_ms, last_seen_ms, gone_at_ms)
                    VALUES ($1, $2, $3, $4, $4, NULL)
                    ON CONFLICT (key) DO UPDATE SET last_seen_ms = excluded.last_seen_ms, gone_at_ms = NULL,
                        first_seen_ms = CASE WHEN findings.gone_at_ms IS NULL THEN findings.first_seen_ms
                            ELSE excluded.first_seen_ms END";
        let gone = "UPDATE findings SET gone_at_ms = $1 WHERE gone_at_ms IS NULL AND last_seen_ms < $1";
        for finding in found {
            let key = format!("{} {}", finding.kind, finding.object);
            on!(self.write, |pool| {
                sqlx::query(seen)
                    .bind(key)
                    .bind(&finding.kind)
                    .bind(&finding.object)
                    .bind(now.millis())
                    .execute(pool)
                    .await?;
            });
        }
        on!(self.write, |pool| {
            sqlx::query(gone).bind(now.millis()).execute(pool).await?;
        });
        Ok(fresh)
    }

    /// Returns the faults that are still there, the oldest first.
    pub async fn findings(&self) -> Result<Vec<OpenFinding>, StoreError> {
        let sql = "SELECT kind, object, first_seen_ms, last_seen_ms FROM findings WHERE gone_at_ms IS NULL
                   ORDER BY first_seen_ms, key LIMIT 500";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).fetch_all(pool).await?))
    }
}
