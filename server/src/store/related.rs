//! Cases that are the same matter as another, or have to do with it.

use gradus_engine::time::Timestamp;

use super::Store;
use super::cases::still_open;
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{CaseId, CustomerId, UserId};

/// A case that another one has to do with.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct RelatedRow {
    pub id: CaseId,
    pub number: i64,
    pub state: String,
    pub customer_name: Option<String>,
    pub team: Option<String>,
    pub opened_at_ms: i64,
    /// `merged` (it goes on in the one that is asked for), `into` (it is where that one goes on), `linked`, or `alike`: an
    /// open case of the same customer that nobody has said anything of.
    pub relation: String,
}

/// Most cases of one list.
const MOST: i64 = 50;

impl Store {
    /// Returns the cases that have to do with a case, and the open ones of the same customer that may.
    pub async fn related_to(
        &self,
        id: &CaseId,
        customer: Option<&CustomerId>,
    ) -> Result<Vec<RelatedRow>, StoreError> {
        let sql = "SELECT c.id, c.number, c.state, k.name AS customer_name, c.team, c.opened_at_ms,
                       CASE WHEN c.merged_into = $1 THEN 'merged'
                            WHEN c.id = (SELECT s.merged_into FROM cases s WHERE s.id = $1) THEN 'into'
                            WHEN EXISTS (SELECT 1 FROM case_links l WHERE l.case_id = $1 AND l.other_id = c.id) THEN 'linked'
                            ELSE 'alike' END AS relation
                   FROM cases c LEFT JOIN customers k ON k.id = c.customer_id
                   WHERE c.id <> $1 AND (c.merged_into = $1
                       OR c.id = (SELECT s.merged_into FROM cases s WHERE s.id = $1)
                       OR c.id IN (SELECT l.other_id FROM case_links l WHERE l.case_id = $1)
                       OR (c.customer_id = $2 AND c.closed_at_ms IS NULL))
                   ORDER BY c.number DESC LIMIT $3";
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(id)
            .bind(customer)
            .bind(MOST)
            .fetch_all(pool)
            .await?))
    }
}

pub(super) async fn merge(
    tx: &mut Tx,
    id: &CaseId,
    into: &CaseId,
    by: &UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE cases SET version = version + 1, merged_into = $2, closed_by = $3, closed_at_ms = $4, due_at_ms = NULL
               WHERE id = $1 AND closed_at_ms IS NULL";
    let changed = within!(tx, |conn| {
        sqlx::query(sql).bind(id).bind(into).bind(by).bind(at.millis()).execute(conn).await?.rows_affected()
    });
    still_open(tx, changed, id).await
}

pub(super) async fn link(
    tx: &mut Tx,
    (id, other): (&CaseId, &CaseId),
    linked: bool,
    by: &UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = if linked {
        "INSERT INTO case_links (case_id, other_id, linked_by, linked_at_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (case_id, other_id) DO NOTHING"
    } else {
        "DELETE FROM case_links WHERE case_id = $1 AND other_id = $2 AND $3 = $3 AND $4 = $4"
    };
    within!(tx, |conn| {
        sqlx::query(sql).bind(id).bind(other).bind(by).bind(at.millis()).execute(conn).await?;
    });
    Ok(())
}
