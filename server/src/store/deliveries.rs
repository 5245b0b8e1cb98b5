//! The outbox: alerts on their way to people and to the company's own channels.
//!
//! Rows are written in the transaction of the alert. Any node claims what is due, sends it, and notes what became of it;
//! a node that dies leaves its claims to the next, which cannot know whether the message arrived and says so.

use gradus_engine::time::Timestamp;

use super::engine::{Tx, on, within};
use super::error::StoreError;
use super::ids::{AlertId, CaseId, UserId};
use super::json::{Rows, clean};
use super::{Db, Store, postgres, sqlite};

/// Whom an alert reaches beyond the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The role of the alert ladder: whoever is on duty for it is called before everybody who answers it.
    pub duty: String,
    /// The roles that are called, and whether each hears of every team.
    pub called: Vec<(&'static str, bool)>,
    /// The one person that is called instead.
    pub only: Option<UserId>,
    /// The team of the conversation.
    pub team: Option<String>,
    /// The channels of people that this company has.
    pub channels: Vec<&'static str>,
    /// The company's own channels.
    pub company: Vec<String>,
    /// Nobody: what happened is long past.
    pub page_only: bool,
}

/// Names a row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash, sqlx::FromRow)]
pub struct DeliveryKey {
    /// Which alert.
    pub alert_id: AlertId,
    /// Whom; nobody for a channel of the company.
    pub user_id: UserId,
    /// By which channel.
    pub channel: String,
    /// How often it was given to them.
    pub round: i64,
}

/// A delivery that this node has claimed.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Claimed {
    /// Which.
    #[sqlx(flatten)]
    pub key: DeliveryKey,
    /// Which attempt it is, from 1.
    pub attempts: i64,
    /// How many attempts of this round are known not to have arrived.
    pub missed: i64,
    /// The message at the other side, when it was sent before.
    pub external: Option<String>,
}

impl Claimed {
    /// Says whether the person may have got the message before: then it says that it is a repeat.
    pub const fn is_repeat(&self) -> bool {
        self.key.round > 1 || self.attempts - 1 > self.missed
    }
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was taken by the other side, which may have named it.
    Sent(Option<String>),
    /// It failed and is tried again.
    Failed {
        /// What went wrong.
        error: String,
        /// When it is tried again.
        next: Timestamp,
        /// It may have arrived all the same.
        uncertain: bool,
    },
    /// It is given up.
    Dead {
        /// What went wrong.
        error: String,
        /// It may have arrived all the same.
        uncertain: bool,
    },
    /// It is not the time: no attempt was made.
    Later(Timestamp),
    /// The person had enough messages within the hour: it goes with others in one.
    Bundled,
    /// It is no longer needed; says why.
    Dropped(&'static str),
}

/// A delivery as pages show it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are documented where they are written")]
pub struct DeliveryRow {
    pub alert_id: AlertId,
    pub number: Option<i64>,
    pub case_id: Option<CaseId>,
    pub user_id: UserId,
    pub user_name: Option<String>,
    pub channel: String,
    pub state: String,
    pub round: i64,
    pub attempts: i64,
    pub created_at_ms: i64,
    pub next_try_ms: i64,
    pub sent_at_ms: Option<i64>,
    pub error: Option<String>,
}

macro_rules! delivery_select {
    ($rest:literal) => {
        concat!(
            "SELECT d.alert_id, a.number, a.case_id, d.user_id, u.name AS user_name, d.channel, d.state, d.round, d.attempts,
                 d.created_at_ms, d.next_try_ms, d.sent_at_ms, d.error
             FROM deliveries d JOIN alerts a ON a.id = d.alert_id LEFT JOIN users u ON u.id = d.user_id ",
            $rest
        )
    };
}

impl Store {
    /// Returns the channels in which something is due, or has to be changed.
    pub async fn channels_due(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT channel FROM deliveries
                   WHERE state IN ('waiting', 'failed') AND next_try_ms <= $1 AND claimed_until_ms <= $1
                   UNION SELECT DISTINCT channel FROM deliveries WHERE edit_due";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).bind(now.millis()).fetch_all(pool).await?))
    }

    /// Takes up to `limit` due deliveries of a channel, so that no other node sends them before `until`. Each counts as
    /// an attempt whose end is not known until it is settled.
    pub async fn claim_deliveries(
        &self,
        channel: &str,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<Claimed>, StoreError> {
        macro_rules! claim {
            ($pool:expr, $sql:expr) => {
                sqlx::query_as($sql)
                    .bind(channel)
                    .bind(now.millis())
                    .bind(until.millis())
                    .bind(limit)
                    .fetch_all($pool)
                    .await?
            };
        }
        Ok(match &self.write {
            Db::Sqlite(pool) => claim!(pool, sqlite::CLAIM_DELIVERIES),
            Db::Postgres(pool) => claim!(pool, postgres::CLAIM_DELIVERIES),
        })
    }

    /// Notes what became of an attempt. One that was overtaken by a new round changes nothing.
    pub async fn settle(
        &self,
        key: &DeliveryKey,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let error = |text: &str| -> String { clean(text).chars().take(500).collect() };
        let (state, text, next, missed, made) = match attempt {
            Attempt::Sent(_) => ("sent", None, now, 0, 0_i64),
            Attempt::Failed { error: why, next, uncertain } => {
                ("failed", Some(error(why)), *next, i64::from(!uncertain), 0)
            }
            Attempt::Dead { error: why, uncertain } => {
                ("dead", Some(error(why)), now, i64::from(!uncertain), 0)
            }
            Attempt::Later(until) => ("waiting", None, *until, 0, 1),
            Attempt::Bundled => ("bundled", None, now, 0, 1),
            Attempt::Dropped(why) => ("dropped", Some(error(why)), now, 0, 1),
        };
        let external = match attempt {
            Attempt::Sent(external) => external.as_deref(),
            _ => None,
        };
        let sent = matches!(attempt, Attempt::Sent(_));
        let mut tx = self.write.begin().await?;
        within!(&mut tx, |conn| {
            let sql = "UPDATE deliveries SET state = CASE WHEN state = 'dropped' AND $5 <> 'sent' THEN state ELSE $5 END,
                           error = $6, next_try_ms = $7, claimed_until_ms = 0, missed = missed + $8, attempts = attempts - $9,
                           external = COALESCE($10, external), sent_at_ms = CASE WHEN $5 = 'sent' THEN $11 ELSE sent_at_ms END,
                           edit_due = CASE WHEN $5 = 'sent' AND $10 IS NOT NULL THEN EXISTS (SELECT 1 FROM alerts a
                               WHERE a.id = $1 AND a.acknowledged_at_ms IS NOT NULL) ELSE edit_due END
                       WHERE alert_id = $1 AND user_id = $2 AND channel = $3 AND round = $4";
            sqlx::query(sql)
                .bind(&key.alert_id)
                .bind(&key.user_id)
                .bind(&key.channel)
                .bind(key.round)
                .bind(state)
                .bind(text)
                .bind(next.millis())
                .bind(missed)
                .bind(made)
                .bind(external)
                .bind(now.millis())
                .execute(&mut *conn)
                .await?;
            if sent {
                sqlx::query(
                    "UPDATE alerts SET delivered_at_ms = COALESCE(delivered_at_ms, $2),
                         state = CASE WHEN state = 'open' THEN 'delivered' ELSE state END WHERE id = $1",
                )
                .bind(&key.alert_id)
                .bind(now.millis())
                .execute(conn)
                .await?;
            }
        });
        tx.commit().await
    }

    /// Takes the sent messages of a channel that have to be changed because somebody has answered.
    pub async fn claim_edits(&self, channel: &str, limit: i64) -> Result<Vec<Claimed>, StoreError> {
        macro_rules! claim {
            ($pool:expr, $sql:expr) => {
                sqlx::query_as($sql).bind(channel).bind(limit).fetch_all($pool).await?
            };
        }
        Ok(match &self.write {
            Db::Sqlite(pool) => claim!(pool, sqlite::CLAIM_EDITS),
            Db::Postgres(pool) => claim!(pool, postgres::CLAIM_EDITS),
        })
    }

    /// Returns the deliveries of a case's alerts, in the order they were asked for.
    pub async fn deliveries_of_case(&self, case: &CaseId) -> Result<Vec<DeliveryRow>, StoreError> {
        let sql =
            delivery_select!("WHERE a.case_id = $1 ORDER BY d.created_at_ms, d.channel, u.name, d.user_id");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(case).fetch_all(pool).await?))
    }

    /// Returns what failed and what was given up, newest first.
    pub async fn deliveries_failed(&self, limit: i64) -> Result<Vec<DeliveryRow>, StoreError> {
        let sql = delivery_select!(
            "WHERE d.state IN ('failed', 'dead') ORDER BY d.created_at_ms DESC, d.alert_id, d.user_id, d.channel LIMIT $1"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(limit).fetch_all(pool).await?))
    }

    /// Counts the deliveries in a state: `waiting`, `failed` or `dead`.
    pub async fn count_deliveries(&self, state: &str) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM deliveries WHERE state = $1";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).bind(state).fetch_one(pool).await?))
    }

    /// Tries again what failed or was given up.
    pub async fn deliver_again(&self, key: &DeliveryKey, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE deliveries SET state = 'waiting', attempts = attempts - missed, missed = 0, next_try_ms = $4,
                       claimed_until_ms = 0
                   WHERE alert_id = $1 AND user_id = $2 AND channel = $3 AND state IN ('failed', 'dead')";
        let changed = on!(self.write, |pool| sqlx::query(sql)
            .bind(&key.alert_id)
            .bind(&key.user_id)
            .bind(&key.channel)
            .bind(now.millis())
            .execute(pool)
            .await?
            .rows_affected());
        super::conversations::found(changed, "failed delivery of alert", &key.alert_id)
    }

    /// Gives up what waits since before a moment: nobody serves its channel any more. Returns how many.
    pub async fn give_up_before(&self, before: Timestamp) -> Result<u64, StoreError> {
        let sql =
            "UPDATE deliveries SET state = 'dead', error = COALESCE(error, 'no server here has this channel')
                   WHERE state IN ('waiting', 'failed') AND next_try_ms < $1 AND claimed_until_ms < $1";
        Ok(on!(self.write, |pool| sqlx::query(sql)
            .bind(before.millis())
            .execute(pool)
            .await?
            .rows_affected()))
    }

    /// Counts the messages that a person got by a channel since a moment, those that were put together as none.
    pub async fn sent_since(
        &self,
        user: &UserId,
        channel: &str,
        since: Timestamp,
    ) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM deliveries
                   WHERE user_id = $1 AND channel = $2 AND sent_at_ms > $3 AND NOT bundled";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql)
            .bind(user)
            .bind(channel)
            .bind(since.millis())
            .fetch_one(pool)
            .await?))
    }

    /// Returns the people and channels for whom alerts have been put together since before a moment.
    pub async fn bundles_due(&self, before: Timestamp) -> Result<Vec<(UserId, String)>, StoreError> {
        let sql = "SELECT user_id, channel FROM deliveries WHERE state = 'bundled' AND claimed_until_ms <= $1
                   GROUP BY user_id, channel HAVING MIN(next_try_ms) <= $1 ORDER BY user_id, channel";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(before.millis()).fetch_all(pool).await?))
    }

    /// Takes all alerts that were put together for a person and a channel, so that no other node sends them before
    /// `until`.
    pub async fn claim_bundle(
        &self,
        (user, channel): (&UserId, &str),
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<AlertId>, StoreError> {
        let sql = "UPDATE deliveries SET claimed_until_ms = $4
                   WHERE user_id = $1 AND channel = $2 AND state = 'bundled' AND claimed_until_ms <= $3
                   RETURNING alert_id";
        Ok(on!(self.write, |pool| sqlx::query_scalar(sql)
            .bind(user)
            .bind(channel)
            .bind(now.millis())
            .bind(until.millis())
            .fetch_all(pool)
            .await?))
    }

    /// Notes that alerts which were put together went in one message.
    pub async fn settle_bundle(
        &self,
        (user, channel): (&UserId, &str),
        alerts: &[AlertId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.write.begin().await?;
        let sql =
            "UPDATE deliveries SET state = 'sent', sent_at_ms = $4, bundled = TRUE, claimed_until_ms = 0
                   WHERE user_id = $1 AND channel = $2 AND alert_id = $3 AND state = 'bundled'";
        for alert in alerts {
            within!(&mut tx, |conn| {
                sqlx::query(sql)
                    .bind(user)
                    .bind(channel)
                    .bind(alert)
                    .bind(now.millis())
                    .execute(conn)
                    .await?;
            });
        }
        tx.commit().await
    }

    /// Frees the claims of a process that is gone. On SQLite there is one process, so whoever starts may do it; on
    /// PostgreSQL other nodes are at work, and claims run out by themselves.
    pub async fn free_claims(&self) -> Result<(), StoreError> {
        if let Db::Sqlite(pool) = &self.write {
            sqlx::query("UPDATE deliveries SET claimed_until_ms = 0 WHERE claimed_until_ms > 0")
                .execute(pool)
                .await?;
        }
        Ok(())
    }

    /// Lets an alert rest for a person: their messages are repeated at `until`, the page shows it again then. The alert
    /// climbs all the same.
    pub async fn snooze(&self, alert: &AlertId, user: &UserId, until: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write.begin().await?;
        within!(&mut tx, |conn| {
            sqlx::query(
                "INSERT INTO snoozes (alert_id, user_id, until_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (alert_id, user_id) DO UPDATE SET until_ms = excluded.until_ms",
            )
            .bind(alert)
            .bind(user)
            .bind(until.millis())
            .execute(&mut *conn)
            .await?;
            // What is not sent yet has been seen elsewhere; it waits as well.
            sqlx::query(
                "UPDATE deliveries SET state = 'waiting', round = round + 1, attempts = 0, missed = 0,
                     next_try_ms = $3, claimed_until_ms = 0, error = NULL
                 WHERE alert_id = $1 AND user_id = $2 AND state <> 'dropped'",
            )
            .bind(alert)
            .bind(user)
            .bind(until.millis())
            .execute(conn)
            .await?;
        });
        tx.commit().await
    }

    /// Returns the alerts that rest for a person.
    pub async fn snoozed(&self, user: &UserId, now: Timestamp) -> Result<Vec<AlertId>, StoreError> {
        let sql = "SELECT alert_id FROM snoozes WHERE user_id = $1 AND until_ms > $2";
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql)
            .bind(user)
            .bind(now.millis())
            .fetch_all(pool)
            .await?))
    }
}

/// Puts the deliveries of an alert into the outbox, within its transaction. Who got it before gets a repeat.
pub(super) async fn enqueue(
    tx: &mut Tx,
    alert: &AlertId,
    reach: &Reach,
    at: Timestamp,
) -> Result<(), StoreError> {
    if reach.page_only {
        return Ok(());
    }
    if !reach.channels.is_empty() {
        to_people(tx, alert, reach, at).await?;
    }
    let sql = "INSERT INTO deliveries (alert_id, user_id, channel, state, round, attempts, missed, created_at_ms,
                   next_try_ms, claimed_until_ms, edit_due)
               VALUES ($1, '', $2, 'waiting', 1, 0, 0, $3, $3, 0, FALSE)
               ON CONFLICT (alert_id, user_id, channel) DO UPDATE SET round = deliveries.round + 1, state = 'waiting',
                   attempts = 0, missed = 0, next_try_ms = excluded.next_try_ms, claimed_until_ms = 0, error = NULL";
    for channel in &reach.company {
        within!(tx, |conn| {
            sqlx::query(sql).bind(alert).bind(channel).bind(at.millis()).execute(conn).await?;
        });
    }
    Ok(())
}

async fn to_people(tx: &mut Tx, alert: &AlertId, reach: &Reach, at: Timestamp) -> Result<(), StoreError> {
    let mut channels = Rows::default();
    for channel in &reach.channels {
        channels.push((channel,))?;
    }
    let mut called = Rows::default();
    for (role, every_team) in &reach.called {
        called.push((role, i64::from(*every_team)))?;
    }
    // Who is on duty comes before everybody of the role; who is away is told of by the one who stands in. When that leaves
    // nobody, all are told: an alert is never lost for a gap in the rota. A person for whom the alert rests is told when
    // the rest is over.
    let sql = "WITH called AS (
                   SELECT u.id FROM users u
                   WHERE u.active AND ((CAST($4 AS TEXT) IS NOT NULL AND u.id = $4)
                       OR (CAST($4 AS TEXT) IS NULL AND EXISTS (SELECT 1 FROM json_each($5) AS role
                            WHERE role.value->>0 = u.role AND (CAST(role.value->>1 AS BIGINT) = 1 OR u.team IS NULL
                                OR u.team = $6))))
               ), on_duty AS (
                   SELECT DISTINCT d.user_id AS id FROM duty d JOIN users u ON u.id = d.user_id AND u.active
                   WHERE CAST($4 AS TEXT) IS NULL AND d.role = $7 AND d.from_ms <= $2 AND d.until_ms > $2
                       AND (d.team IS NULL OR CAST($6 AS TEXT) IS NULL OR d.team = $6)
               ), chosen AS (
                   SELECT id FROM on_duty UNION SELECT id FROM called WHERE NOT EXISTS (SELECT 1 FROM on_duty)
               ), away AS (
                   SELECT user_id, substitute_id FROM absences WHERE from_ms <= $2 AND until_ms > $2
               ), present AS (
                   SELECT id FROM chosen WHERE id NOT IN (SELECT user_id FROM away)
                   UNION SELECT u.id FROM away JOIN chosen ON chosen.id = away.user_id
                       JOIN users u ON u.id = away.substitute_id AND u.active
               ), told AS (
                   SELECT id FROM present UNION SELECT id FROM chosen WHERE NOT EXISTS (SELECT 1 FROM present)
               )
               INSERT INTO deliveries (alert_id, user_id, channel, state, round, attempts, missed, created_at_ms,
                   next_try_ms, claimed_until_ms, edit_due)
               SELECT $1, c.user_id, c.channel, 'waiting', 1, 0, 0, $2, COALESCE(s.until_ms, $2), 0, FALSE
               FROM user_channels c
               JOIN told ON told.id = c.user_id
               LEFT JOIN snoozes s ON s.alert_id = $1 AND s.user_id = c.user_id AND s.until_ms > $2
               WHERE c.active AND c.channel IN (SELECT item.value->>0 FROM json_each($3) AS item)
               ON CONFLICT (alert_id, user_id, channel) DO UPDATE SET round = deliveries.round + 1, state = 'waiting',
                   attempts = 0, missed = 0, next_try_ms = excluded.next_try_ms, claimed_until_ms = 0, error = NULL,
                   edit_due = FALSE, bundled = FALSE";
    within!(tx, |conn| {
        sqlx::query(sql)
            .bind(alert)
            .bind(at.millis())
            .bind(channels.finish().unwrap_or_default())
            .bind(&reach.only)
            .bind(called.finish().unwrap_or_else(|| "[]".to_owned()))
            .bind(&reach.team)
            .bind(&reach.duty)
            .execute(conn)
            .await?;
    });
    Ok(())
}

/// Somebody has answered an alert: what waits for people is no longer needed, what was sent is to be changed.
pub(super) async fn answered(tx: &mut Tx, alert: &AlertId) -> Result<(), StoreError> {
    for sql in [
        "UPDATE deliveries SET edit_due = TRUE WHERE alert_id = $1 AND external IS NOT NULL",
        "UPDATE deliveries SET state = 'dropped', error = NULL
         WHERE alert_id = $1 AND user_id <> '' AND state IN ('waiting', 'failed', 'bundled')",
        "DELETE FROM snoozes WHERE alert_id = $1",
    ] {
        within!(tx, |conn| {
            sqlx::query(sql).bind(alert).execute(conn).await?;
        });
    }
    Ok(())
}
