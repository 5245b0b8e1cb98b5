//! Customers: one person over telephone, mail and chat, with what the contract and the purchases say.

use std::collections::BTreeSet;

use gradus_engine::time::Timestamp;
use rust_decimal::Decimal;

use super::Store;
use super::email::normal_email;
use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{ContactKind, CustomerId};
use super::json::clean;
use crate::phone::Phone;

/// What is known of a customer; what is absent leaves what is stored.
#[derive(Clone, Debug, Default)]
pub struct CustomerFacts {
    /// The company's own number of the customer.
    pub id: Option<CustomerId>,
    /// The name of the person or the company.
    pub name: Option<String>,
    /// Telephone numbers, in any form.
    pub tels: Vec<String>,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// Place among the customers by revenue, from 1.
    pub revenue_rank: Option<i64>,
    /// Place among the customers by potential to grow, from 1.
    pub growth_rank: Option<i64>,
    /// Revenue of the last twelve months.
    pub revenue_12m: Option<Decimal>,
    /// The state of the contract, as the company calls it.
    pub contract_status: Option<String>,
    /// The last day of the contract, `YYYY-MM-DD`.
    pub contract_until: Option<String>,
    /// What was agreed with this customer alone.
    pub personal_terms: Option<String>,
    /// Who looks after them.
    pub manager: Option<String>,
    /// A mark of the abuse ladder or another warning.
    pub mark: Option<String>,
}

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented at CustomerFacts")]
pub struct Customer {
    pub id: CustomerId,
    pub name: Option<String>,
    pub revenue_rank: Option<i64>,
    pub growth_rank: Option<i64>,
    pub revenue_12m: Option<String>,
    pub contract_status: Option<String>,
    pub contract_until: Option<String>,
    pub personal_terms: Option<String>,
    pub manager: Option<String>,
    pub mark: Option<String>,
    pub created_at_ms: i64,
    /// When the customer asked to be forgotten, if they did.
    pub erased_at_ms: Option<i64>,
}

/// An address of a customer.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Contact {
    /// What sort of address.
    #[sqlx(try_from = "String")]
    pub kind: ContactKind,
    /// The address in its normal form.
    pub value: String,
}

/// Something a customer bought.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Purchase {
    /// Who.
    pub customer_id: CustomerId,
    /// When, `YYYY-MM-DD`.
    pub bought_on: String,
    /// What.
    pub what: String,
    /// For how much, decimal.
    pub amount: String,
}

macro_rules! customer_select {
    ($rest:literal) => {
        concat!(
            "SELECT k.id, k.name, k.revenue_rank, k.growth_rank, k.revenue_12m, k.contract_status, k.contract_until,
                 k.personal_terms, k.manager, k.mark, k.created_at_ms, k.erased_at_ms FROM customers k ",
            $rest
        )
    };
}

impl Store {
    /// Adds a customer or what is newly known of one; returns who it is.
    ///
    /// A customer is found by id, else by any telephone number or address. When nobody is found, `fresh` becomes the id.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the addresses belong to two different customers, or to another one than the id
    /// says: joining people is done by a person.
    pub async fn know_customer(
        &self,
        facts: &CustomerFacts,
        fresh: CustomerId,
        now: Timestamp,
    ) -> Result<CustomerId, StoreError> {
        let mut tx = self.write.begin().await?;
        let id = know(&mut tx, facts, fresh, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Does the same for many at once, in one transaction: an import. Each gets its own answer.
    pub async fn know_customers(
        &self,
        many: &[(CustomerFacts, CustomerId)],
        now: Timestamp,
    ) -> Result<Vec<Result<CustomerId, StoreError>>, StoreError> {
        let mut tx = self.write.begin().await?;
        let mut answers = Vec::with_capacity(many.len());
        for (facts, fresh) in many {
            // A conflict is found before anything is written, so the others are not touched by it.
            match know(&mut tx, facts, fresh.clone(), now).await {
                Err(error) if !matches!(error, StoreError::Conflict(_)) => return Err(error),
                answer => answers.push(answer),
            }
        }
        tx.commit().await?;
        Ok(answers)
    }

    /// Returns a customer.
    pub async fn customer(&self, id: &CustomerId) -> Result<Option<Customer>, StoreError> {
        let sql = customer_select!("WHERE k.id = $1");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_optional(pool).await?))
    }

    /// Returns the customer with a telephone number in any form: what a PBX asks.
    pub async fn customer_by_tel(&self, tel: &str) -> Result<Option<Customer>, StoreError> {
        match Phone::parse(tel) {
            Some(tel) => self.customer_by(ContactKind::Tel, tel.digits()).await,
            None => Ok(None),
        }
    }

    /// Returns the customer with an e-mail address.
    pub async fn customer_by_email(&self, email: &str) -> Result<Option<Customer>, StoreError> {
        match normal_email(email) {
            Some(email) => self.customer_by(ContactKind::Email, &email).await,
            None => Ok(None),
        }
    }

    async fn customer_by(&self, kind: ContactKind, value: &str) -> Result<Option<Customer>, StoreError> {
        let sql = customer_select!(
            "JOIN customer_contacts a ON a.customer_id = k.id WHERE a.kind = $1 AND a.value = $2"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(kind.name())
            .bind(value)
            .fetch_optional(pool)
            .await?))
    }

    /// Finds customers by a part of the name, the number, the address or the id; at most `limit`.
    pub async fn search_customers(&self, words: &str, limit: i64) -> Result<Vec<Customer>, StoreError> {
        let sql = customer_select!(
            "WHERE k.erased_at_ms IS NULL AND k.search LIKE $1 ESCAPE '!' ORDER BY k.name, k.id LIMIT $2"
        );
        // A whole telephone number is looked for in its normal form; anything else as it was typed.
        let words = match Phone::parse(words) {
            Some(tel) => tel.digits().to_owned(),
            None => clean(&words.trim().to_lowercase()),
        };
        let mut pattern = String::from("%");
        for c in words.chars() {
            if matches!(c, '%' | '_' | '!') {
                pattern.push('!');
            }
            pattern.push(if c.is_whitespace() { '%' } else { c });
        }
        pattern.push('%');
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(&pattern).bind(limit).fetch_all(pool).await?))
    }

    /// Returns the addresses of a customer.
    pub async fn contacts(&self, id: &CustomerId) -> Result<Vec<Contact>, StoreError> {
        let sql =
            "SELECT kind, value FROM customer_contacts WHERE customer_id = $1 ORDER BY kind DESC, value";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_all(pool).await?))
    }

    /// Adds purchases; the same purchase twice is one.
    pub async fn add_purchases(&self, purchases: &[Purchase]) -> Result<(), StoreError> {
        let mut rows = super::json::Rows::default();
        for bought in purchases {
            rows.push((&bought.customer_id, &bought.bought_on, &bought.what, &bought.amount))?;
        }
        let Some(rows) = rows.finish() else { return Ok(()) };
        let sql = "INSERT INTO purchases (customer_id, bought_on, what, amount)
                   SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each($1) WHERE TRUE
                   ON CONFLICT (customer_id, bought_on, what, amount) DO NOTHING";
        on!(self.write, |pool| {
            sqlx::query(sql).bind(rows).execute(pool).await?;
        });
        Ok(())
    }

    /// Returns what a customer bought since a day (`YYYY-MM-DD`), newest first.
    pub async fn purchases(&self, id: &CustomerId, since: &str) -> Result<Vec<Purchase>, StoreError> {
        let sql = "SELECT customer_id, bought_on, what, amount FROM purchases
                   WHERE customer_id = $1 AND bought_on >= $2 ORDER BY bought_on DESC, what";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).bind(since).fetch_all(pool).await?))
    }

    /// Sets or removes the mark of a customer; one that is set so holds until it is removed.
    pub async fn mark_customer(&self, id: &CustomerId, mark: Option<&str>) -> Result<(), StoreError> {
        let sql = "UPDATE customers SET mark = $2, mark_until_ms = NULL WHERE id = $1";
        let changed =
            on!(self.write, |pool| sqlx::query(sql).bind(id).bind(mark).execute(pool).await?.rows_affected());
        super::conversations::found(changed, "customer", id)
    }

    /// Returns login and name of whoever has the customer's latest open case, where that is a person who may sign in.
    pub async fn owner_of_open_case(&self, id: &CustomerId) -> Result<Option<(String, String)>, StoreError> {
        let sql = "SELECT u.login, u.name FROM cases c JOIN users u ON u.id = c.owner_id
                   WHERE c.customer_id = $1 AND c.closed_at_ms IS NULL AND u.active
                   ORDER BY c.number DESC LIMIT 1";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_optional(pool).await?))
    }

    /// Returns the name of the agent who last spoke with a customer.
    pub async fn last_agent(&self, id: &CustomerId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT COALESCE(g.name, v.agent_name) FROM conversations v LEFT JOIN users g ON g.id = v.agent_id
                   WHERE v.customer_id = $1 AND COALESCE(g.name, v.agent_name) IS NOT NULL
                   ORDER BY v.started_at_ms DESC LIMIT 1";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).bind(id).fetch_optional(pool).await?))
    }

    /// Takes away the marks whose time is over; returns how many.
    pub async fn fade_marks(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sql = "UPDATE customers SET mark = NULL, mark_until_ms = NULL WHERE mark_until_ms <= $1";
        Ok(on!(self.write, |pool| sqlx::query(sql).bind(now.millis()).execute(pool).await?.rows_affected()))
    }
}

/// Marks a customer. A mark without an end, and one that holds longer, stays.
pub(super) async fn mark(
    tx: &mut Tx,
    id: &CustomerId,
    mark: &str,
    until: Option<Timestamp>,
) -> Result<(), StoreError> {
    let sql = "UPDATE customers SET mark = $2, mark_until_ms = $3 WHERE id = $1
               AND (mark IS NULL OR (mark_until_ms IS NOT NULL AND (CAST($3 AS BIGINT) IS NULL OR mark_until_ms < $3)))";
    within!(tx, |conn| {
        sqlx::query(sql).bind(id).bind(mark).bind(until.map(Timestamp::millis)).execute(conn).await?;
    });
    Ok(())
}

/// Returns the addresses in their normal form; what cannot be one is left out.
fn contacts_of(facts: &CustomerFacts) -> BTreeSet<(ContactKind, String)> {
    let tels = facts
        .tels
        .iter()
        .filter_map(|tel| Phone::parse(tel))
        .map(|tel| (ContactKind::Tel, tel.digits().to_owned()));
    let emails =
        facts.emails.iter().filter_map(|mail| normal_email(mail)).map(|mail| (ContactKind::Email, mail));
    tels.chain(emails).collect()
}

/// Finds or adds a customer inside a transaction.
async fn know(
    tx: &mut Tx,
    facts: &CustomerFacts,
    fresh: CustomerId,
    now: Timestamp,
) -> Result<CustomerId, StoreError> {
    let contacts = contacts_of(facts);
    let mut owners = BTreeSet::new();
    for (kind, value) in &contacts {
        owners.extend(owner(tx, *kind, value).await?);
    }
    let id = match (&facts.id, owners.len()) {
        (Some(id), _) if owners.iter().all(|owner| owner == id) => id.clone(),
        (None, 0) => fresh,
        (None, 1) => owners.into_iter().next().unwrap_or(fresh),
        _ => {
            let names: Vec<String> = owners.iter().map(ToString::to_string).collect();
            let given = facts.id.as_ref().map(|id| format!(", not to {id}")).unwrap_or_default();
            return Err(StoreError::Conflict(format!(
                "the telephone numbers and addresses belong to customer {}{given}; join them by hand",
                names.join(" and "),
            )));
        }
    };
    put(tx, &id, facts, now).await?;
    for (kind, value) in &contacts {
        put_contact(tx, &id, *kind, value).await?;
    }
    refresh_search(tx, &id).await?;
    Ok(id)
}

async fn owner(tx: &mut Tx, kind: ContactKind, value: &str) -> Result<Option<CustomerId>, StoreError> {
    let sql = "SELECT customer_id FROM customer_contacts WHERE kind = $1 AND value = $2";
    Ok(within!(tx, |conn| sqlx::query_scalar(sql).bind(kind.name()).bind(value).fetch_optional(conn).await?))
}

async fn put(tx: &mut Tx, id: &CustomerId, facts: &CustomerFacts, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO customers (id, name, revenue_rank, growth_rank, revenue_12m, contract_status, contract_until,
                   personal_terms, manager, mark, created_at_ms, search)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '')
               ON CONFLICT (id) DO UPDATE SET
                   name = COALESCE(excluded.name, customers.name),
                   revenue_rank = COALESCE(excluded.revenue_rank, customers.revenue_rank),
                   growth_rank = COALESCE(excluded.growth_rank, customers.growth_rank),
                   revenue_12m = COALESCE(excluded.revenue_12m, customers.revenue_12m),
                   contract_status = COALESCE(excluded.contract_status, customers.contract_status),
                   contract_until = COALESCE(excluded.contract_until, customers.contract_until),
                   personal_terms = COALESCE(excluded.personal_terms, customers.personal_terms),
                   manager = COALESCE(excluded.manager, customers.manager),
                   mark = COALESCE(excluded.mark, customers.mark)";
    within!(tx, |conn| {
        sqlx::query(sql)
            .bind(id)
            .bind(facts.name.as_deref().map(clean))
            .bind(facts.revenue_rank)
            .bind(facts.growth_rank)
            .bind(facts.revenue_12m.map(|revenue| revenue.normalize().to_string()))
            .bind(facts.contract_status.as_deref().map(clean))
            .bind(facts.contract_until.as_deref().map(clean))
            .bind(facts.personal_terms.as_deref().map(clean))
            .bind(facts.manager.as_deref().map(clean))
            .bind(facts.mark.as_deref().map(clean))
            .bind(now.millis())
            .execute(conn)
            .await?;
    });
    Ok(())
}

async fn put_contact(tx: &mut Tx, id: &CustomerId, kind: ContactKind, value: &str) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO customer_contacts (kind, value, customer_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    within!(tx, |conn| {
        sqlx::query(sql).bind(kind.name()).bind(value).bind(id).execute(conn).await?;
    });
    Ok(())
}

/// Writes the text that is searched, in small letters: SQLite itself knows only Latin ones.
async fn refresh_search(tx: &mut Tx, id: &CustomerId) -> Result<(), StoreError> {
    let name: Option<String> = within!(tx, |conn| {
        sqlx::query_scalar("SELECT name FROM customers WHERE id = $1").bind(id).fetch_one(&mut *conn).await?
    });
    let contacts: Vec<String> = within!(tx, |conn| {
        sqlx::query_scalar("SELECT value FROM customer_contacts WHERE customer_id = $1 ORDER BY value")
            .bind(id)
            .fetch_all(&mut *conn)
            .await?
    });
    let search = format!("{} {} {id}", name.unwrap_or_default(), contacts.join(" ")).to_lowercase();
    within!(tx, |conn| {
        sqlx::query("UPDATE customers SET search = $2 WHERE id = $1")
            .bind(id)
            .bind(search)
            .execute(conn)
            .await?;
    });
    Ok(())
}
