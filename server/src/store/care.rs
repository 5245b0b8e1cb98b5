//! What customers say of their cases, notes on customers, and customers that turned out to be one person.

use gradus_engine::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{CaseId, ConversationId, CustomerId, UserId};
use super::json::JsonText;
use crate::mask::MaskedText;

/// What a customer says of a case.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Rating {
    /// 1 (bad) to 5 (good).
    pub stars: i64,
    /// A word, if they left one.
    pub words: Option<String>,
    /// When, milliseconds since 1970.
    pub rated_at_ms: i64,
}

/// A note on a customer.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct CustomerNote {
    pub id: String,
    pub text: String,
    pub written_by: UserId,
    pub written_by_name: Option<String>,
    pub written_at_ms: i64,
}

/// A customer that was joined into another.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct JoinRow {
    pub from_id: CustomerId,
    pub from_name: Option<String>,
    pub joined_at_ms: i64,
}

/// What was moved when two customers were joined.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Moved {
    conversations: Vec<ConversationId>,
    cases: Vec<CaseId>,
    contacts: Vec<(String, String)>,
    purchases: Vec<(String, String, String)>,
    notes: Vec<String>,
}

impl Store {
    /// Notes what a customer says of a case; a later word takes the place of an earlier one.
    pub async fn rate(
        &self,
        case: &CaseId,
        stars: i64,
        words: Option<&MaskedText>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO case_ratings (case_id, stars, words, rated_at_ms) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (case_id) DO UPDATE SET stars = excluded.stars, words = excluded.words,
                       rated_at_ms = excluded.rated_at_ms";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(case)
                .bind(stars.clamp(1, 5))
                .bind(words.map(MaskedText::as_str))
                .bind(now.millis())
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Returns what the customer says of a case.
    pub async fn rating_of(&self, case: &CaseId) -> Result<Option<Rating>, StoreError> {
        let sql = "SELECT stars, words, rated_at_ms FROM case_ratings WHERE case_id = $1";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(case).fetch_optional(pool).await?))
    }

    /// Notes whether the customer of a case stayed; nothing when nobody knows.
    pub async fn note_stayed(&self, case: &CaseId, stayed: Option<bool>) -> Result<(), StoreError> {
        let sql = "UPDATE cases SET stayed = $2 WHERE id = $1";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(case).bind(stayed).execute(pool).await?;
        });
        Ok(())
    }

    /// Returns whether the customer of a case stayed, as far as somebody knows.
    pub async fn stayed(&self, case: &CaseId) -> Result<Option<bool>, StoreError> {
        let sql = "SELECT stayed FROM cases WHERE id = $1";
        let row: Option<Option<bool>> =
            on!(self.read, |pool| sqlx::query_scalar(sql).bind(case).fetch_optional(pool).await?);
        Ok(row.flatten())
    }

    /// Writes a note on a customer.
    pub async fn add_customer_note(
        &self,
        id: &str,
        customer: &CustomerId,
        text: &MaskedText,
        (by, at): (&UserId, Timestamp),
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO customer_notes (id, customer_id, text, written_by, written_at_ms)
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";
        on!(self.write, |pool| {
            sqlx::query(sql)
                .bind(id)
                .bind(customer)
                .bind(text.as_str())
                .bind(by)
                .bind(at.millis())
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Takes a note on a customer away; says whether it was there.
    pub async fn remove_customer_note(&self, customer: &CustomerId, id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM customer_notes WHERE customer_id = $1 AND id = $2";
        let changed = on!(self.write, |pool| {
            sqlx::query(sql).bind(customer).bind(id).execute(pool).await?.rows_affected()
        });
        Ok(changed > 0)
    }

    /// Returns the notes on a customer, the latest first.
    pub async fn customer_notes(&self, customer: &CustomerId) -> Result<Vec<CustomerNote>, StoreError> {
        let sql = "SELECT n.id, n.text, n.written_by, u.name AS written_by_name, n.written_at_ms
                   FROM customer_notes n LEFT JOIN users u ON u.id = n.written_by
                   WHERE n.customer_id = $1 ORDER BY n.written_at_ms DESC, n.id LIMIT 200";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(customer).fetch_all(pool).await?))
    }

    /// Returns the customers that were joined into one.
    pub async fn joined_into(&self, customer: &CustomerId) -> Result<Vec<JoinRow>, StoreError> {
        let sql = "SELECT j.from_id, k.name AS from_name, j.joined_at_ms
                   FROM customer_joins j LEFT JOIN customers k ON k.id = j.from_id
                   WHERE j.into_id = $1 ORDER BY j.joined_at_ms DESC";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(customer).fetch_all(pool).await?))
    }

    /// Returns the customer into whom one was joined.
    pub async fn lives_on_as(&self, customer: &CustomerId) -> Result<Option<CustomerId>, StoreError> {
        let sql = "SELECT into_id FROM customer_joins WHERE from_id = $1";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).bind(customer).fetch_optional(pool).await?))
    }

    /// Returns the customer with an id, a telephone number or an e-mail address.
    pub async fn customer_named(&self, given: &str) -> Result<Option<CustomerId>, StoreError> {
        let tel = crate::phone::Phone::parse(given).map(|tel| tel.digits().to_owned());
        let sql = "SELECT id FROM customers WHERE id = $1
                   UNION SELECT customer_id FROM customer_contacts
                   WHERE (kind = 'tel' AND value = $2) OR (kind = 'email' AND value = $3) LIMIT 1";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql)
            .bind(given)
            .bind(&tel)
            .bind(super::normal_email(given))
            .fetch_optional(pool)
            .await?))
    }

    /// Joins a customer into another: conversations, cases, addresses, purchases and notes go over, and what the other does
    /// not know yet is taken from this one.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when one of them is joined elsewhere already.
    pub async fn join_customers(
        &self,
        from: &CustomerId,
        into: &CustomerId,
        (by, at): (&UserId, Timestamp),
    ) -> Result<(), StoreError> {
        let mut tx = self.write.begin().await?;
        let sql = "SELECT COUNT(*) FROM customer_joins WHERE from_id = $1 OR from_id = $2 OR into_id = $1";
        let before: i64 =
            within!(&mut tx, |conn| sqlx::query_scalar(sql).bind(from).bind(into).fetch_one(conn).await?);
        if before > 0 {
            return Err(StoreError::Refused(
                "one of the two is joined with somebody already: part them first".into(),
            ));
        }
        let moved = held(&mut tx, from).await?;
        hand_over(&mut tx, from, into, &moved).await?;
        let known = "UPDATE customers SET
                name = COALESCE(name, (SELECT name FROM customers WHERE id = $2)),
                revenue_rank = COALESCE(revenue_rank, (SELECT revenue_rank FROM customers WHERE id = $2)),
                growth_rank = COALESCE(growth_rank, (SELECT growth_rank FROM customers WHERE id = $2)),
                personal_terms = COALESCE(personal_terms, (SELECT personal_terms FROM customers WHERE id = $2)),
                manager = COALESCE(manager, (SELECT manager FROM customers WHERE id = $2)),
                mark = COALESCE(mark, (SELECT mark FROM customers WHERE id = $2))
            WHERE id = $1";
        let join = "INSERT INTO customer_joins (from_id, into_id, joined_by, joined_at_ms, moved)
                    VALUES ($1, $2, $3, $4, $5)";
        within!(&mut tx, |conn| {
            sqlx::query(known).bind(into).bind(from).execute(&mut *conn).await?;
            sqlx::query(join)
                .bind(from)
                .bind(into)
                .bind(by)
                .bind(at.millis())
                .bind(JsonText(&moved))
                .execute(conn)
                .await?;
        });
        tx.commit().await
    }

    /// Parts a customer again from the one into whom they were joined: what was theirs then is theirs again. What came since
    /// stays with the other.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when they are not joined.
    pub async fn part_customer(&self, from: &CustomerId) -> Result<CustomerId, StoreError> {
        let mut tx = self.write.begin().await?;
        let sql = "SELECT into_id, moved FROM customer_joins WHERE from_id = $1";
        let known: Option<(CustomerId, JsonText<Moved>)> =
            within!(&mut tx, |conn| sqlx::query_as(sql).bind(from).fetch_optional(conn).await?);
        let Some((into, JsonText(moved))) = known else {
            return Err(StoreError::Missing(format!("a join of customer {from}")));
        };
        hand_over(&mut tx, &into, from, &moved).await?;
        within!(&mut tx, |conn| {
            sqlx::query("DELETE FROM customer_joins WHERE from_id = $1").bind(from).execute(conn).await?;
        });
        tx.commit().await?;
        Ok(into)
    }
}

async fn held(tx: &mut Tx, customer: &CustomerId) -> Result<Moved, StoreError> {
    Ok(within!(tx, |conn| {
        let conversations = sqlx::query_scalar("SELECT id FROM conversations WHERE customer_id = $1")
            .bind(customer)
            .fetch_all(&mut *conn)
            .await?;
        let cases = sqlx::query_scalar("SELECT id FROM cases WHERE customer_id = $1")
            .bind(customer)
            .fetch_all(&mut *conn)
            .await?;
        let contacts = sqlx::query_as("SELECT kind, value FROM customer_contacts WHERE customer_id = $1")
            .bind(customer)
            .fetch_all(&mut *conn)
            .await?;
        let purchases =
            sqlx::query_as("SELECT bought_on, what, amount FROM purchases WHERE customer_id = $1")
                .bind(customer)
                .fetch_all(&mut *conn)
                .await?;
        let notes = sqlx::query_scalar("SELECT id FROM customer_notes WHERE customer_id = $1")
            .bind(customer)
            .fetch_all(conn)
            .await?;
        Moved { conversations, cases, contacts, purchases, notes }
    }))
}

/// Gives what is named from one customer to another; what is no longer with the first stays where it is.
async fn hand_over(tx: &mut Tx, from: &CustomerId, to: &CustomerId, moved: &Moved) -> Result<(), StoreError> {
    within!(tx, |conn| {
        for id in &moved.conversations {
            sqlx::query("UPDATE conversations SET customer_id = $2 WHERE id = $3 AND customer_id = $1")
                .bind(from)
                .bind(to)
                .bind(id)
                .execute(&mut *conn)
                .await?;
        }
        for id in &moved.cases {
            sqlx::query("UPDATE cases SET customer_id = $2 WHERE id = $3 AND customer_id = $1")
                .bind(from)
                .bind(to)
                .bind(id)
                .execute(&mut *conn)
                .await?;
        }
        for (kind, value) in &moved.contacts {
            sqlx::query(
                "UPDATE customer_contacts SET customer_id = $2 WHERE kind = $3 AND value = $4 AND customer_id = $1",
            )
            .bind(from)
            .bind(to)
            .bind(kind)
            .bind(value)
            .execute(&mut *conn)
            .await?;
        }
        for (day, what, amount) in &moved.purchases {
            // What both have bought on one day is bought once.
            sqlx::query(
                "UPDATE purchases SET customer_id = $2 WHERE customer_id = $1 AND bought_on = $3 AND what = $4 AND amount = $5
                 AND NOT EXISTS (SELECT 1 FROM purchases o WHERE o.customer_id = $2 AND o.bought_on = $3 AND o.what = $4
                                 AND o.amount = $5)",
            )
            .bind(from)
            .bind(to)
            .bind(day)
            .bind(what)
            .bind(amount)
            .execute(&mut *conn)
            .await?;
        }
        for id in &moved.notes {
            sqlx::query("UPDATE customer_notes SET customer_id = $2 WHERE id = $3 AND customer_id = $1")
                .bind(from)
                .bind(to)
                .bind(id)
                .execute(&mut *conn)
                .await?;
        }
    });
    Ok(())
}
