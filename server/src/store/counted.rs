//! What the numbers of the report count. Each number and the list behind it come from one text, so that they cannot differ.

use std::str::FromStr;

use gradus_engine::time::Timestamp;

use super::Store;
use super::engine::on;
use super::error::StoreError;
use super::ids::{CaseId, ConversationId};

/// A name with how often it occurred, most frequent first.
pub type Counts = Vec<(String, i64)>;

/// The three questions that can be asked of what is counted.
struct Texts {
    count: &'static str,
    by: &'static str,
    list: &'static str,
}

/// The span is `$2` up to, and without, `$3`; `$1` is the team and `$4` the only name that counts, both or either absent.
macro_rules! texts {
    ($key:literal, $columns:literal, $order:literal, $($from:literal),+) => {
        Texts {
            count: concat!("SELECT COUNT(*) ", $($from,)+ " AND (CAST($4 AS TEXT) IS NULL OR ", $key, " = $4)"),
            by: concat!(
                "SELECT ", $key, " AS name, COUNT(*) AS n ", $($from,)+
                " AND (CAST($4 AS TEXT) IS NULL OR ", $key, " = $4) GROUP BY ", $key, " ORDER BY n DESC, name"
            ),
            list: concat!(
                "SELECT ", $columns, " ", $($from,)+ " AND (CAST($4 AS TEXT) IS NULL OR ", $key, " = $4) ORDER BY ",
                $order, " LIMIT $5 OFFSET $6"
            ),
        }
    };
}

/// Conversations that began in the span.
macro_rules! talks {
    ($key:literal, $rest:literal) => {
        texts!(
            $key,
            "v.id AS conversation_id, v.case_id, c.number AS case_number, v.started_at_ms AS at_ms,
             k.name AS customer_name, COALESCE(g.name, v.agent_name) AS who, v.decision_reason AS what,
             CAST(NULL AS TEXT) AS amount, CAST(NULL AS TEXT) AS currency",
            "v.started_at_ms DESC, v.id",
            "FROM conversations v
             LEFT JOIN users g ON g.id = v.agent_id
             LEFT JOIN customers k ON k.id = v.customer_id
             LEFT JOIN cases c ON c.id = v.case_id
             WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND v.started_at_ms >= $2 AND v.started_at_ms < $3 ",
            $rest
        )
    };
}

/// Cases; the span stands in the rest. One that goes on in another is the same matter, counted there.
macro_rules! cases {
    ($key:literal, $at:literal, $rest:literal) => {
        cases!(
            $key,
            $at,
            "c.reason",
            "CAST(NULL AS TEXT)",
            "CAST(NULL AS TEXT)",
            "at_ms DESC, c.number",
            "",
            $rest
        )
    };
    ($key:literal, $at:literal, $what:literal, $amount:literal, $currency:literal, $order:literal, $join:literal, $rest:literal) => {
        Texts {
            count: concat!(
                "SELECT COUNT(*) FROM cases c ",
                $join,
                " LEFT JOIN users o ON o.id = c.owner_id
                 WHERE (CAST($1 AS TEXT) IS NULL OR c.team = $1) AND c.merged_into IS NULL ",
                $rest,
                " AND (CAST($4 AS TEXT) IS NULL OR ",
                $key,
                " = $4)"
            ),
            by: concat!(
                "SELECT ",
                $key,
                " AS name, COUNT(*) AS n FROM cases c ",
                $join,
                " LEFT JOIN users o ON o.id = c.owner_id
                 WHERE (CAST($1 AS TEXT) IS NULL OR c.team = $1) AND c.merged_into IS NULL ",
                $rest,
                " AND (CAST($4 AS TEXT) IS NULL OR ",
                $key,
                " = $4) GROUP BY ",
                $key,
                " ORDER BY n DESC, name"
            ),
            list: concat!(
                "SELECT c.conversation_id, c.id AS case_id, c.number AS case_number, ",
                $at,
                " AS at_ms,
                     k.name AS customer_name, o.name AS who, ",
                $what,
                " AS what, ",
                $amount,
                " AS amount, ",
                $currency,
                " AS currency
                 FROM cases c ",
                $join,
                " LEFT JOIN users o ON o.id = c.owner_id
                 LEFT JOIN customers k ON k.id = c.customer_id
                 WHERE (CAST($1 AS TEXT) IS NULL OR c.team = $1) AND c.merged_into IS NULL ",
                $rest,
                " AND (CAST($4 AS TEXT) IS NULL OR ",
                $key,
                " = $4) ORDER BY ",
                $order,
                " LIMIT $5 OFFSET $6"
            ),
        }
    };
}

/// Decisions of the protocol that fell in the span.
macro_rules! decisions {
    ($key:literal, $rest:literal) => {
        texts!(
            $key,
            "v.id AS conversation_id, v.case_id, c.number AS case_number, d.at_ms, k.name AS customer_name,
             COALESCE(g.name, v.agent_name) AS who, d.reason AS what, CAST(NULL AS TEXT) AS amount,
             CAST(NULL AS TEXT) AS currency",
            "d.at_ms DESC, d.id",
            "FROM decisions d
             JOIN conversations v ON v.id = d.conversation_id
             LEFT JOIN users g ON g.id = v.agent_id
             LEFT JOIN customers k ON k.id = v.customer_id
             LEFT JOIN cases c ON c.id = v.case_id
             WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND d.at_ms >= $2 AND d.at_ms < $3 ",
            $rest
        )
    };
}

macro_rules! counted {
    ($($(#[$doc:meta])* $variant:ident $name:literal = $texts:expr;)*) => {
        /// What a number of the report counts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Counted { $($(#[$doc])* $variant,)* }

        impl Counted {
            /// Everything that is counted.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns its name in addresses.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn texts(self) -> &'static Texts {
                match self { $(Self::$variant => { static TEXTS: Texts = $texts; &TEXTS })* }
            }
        }
    };
}

counted! {
    /// Conversations that began; named by agent.
    Talks "talks" = talks!("COALESCE(g.name, v.agent_name, '')", "");
    /// Of these, those with a decision to engage somebody; named by agent.
    Escalated "escalated" = talks!("COALESCE(g.name, v.agent_name, '')",
        "AND EXISTS (SELECT 1 FROM decisions d WHERE d.conversation_id = v.id
                         AND d.decision IN ('engage', 'engage_now', 'functional'))");
    /// The same, named by the id of the customer.
    EscalatedOf "escalated_of" = talks!("COALESCE(v.customer_id, '')",
        "AND EXISTS (SELECT 1 FROM decisions d WHERE d.conversation_id = v.id
                         AND d.decision IN ('engage', 'engage_now', 'functional'))");
    /// Conversations of a customer who had been in contact within the 14 days before; named by agent.
    Repeated "repeated" = talks!("COALESCE(g.name, v.agent_name, '')",
        "AND EXISTS (SELECT 1 FROM conversations p WHERE p.customer_id = v.customer_id
                         AND p.started_at_ms < v.started_at_ms AND p.started_at_ms >= v.started_at_ms - 1209600000)");
    /// The same within the 7 days before.
    RepeatedSoon "repeated_soon" = talks!("COALESCE(g.name, v.agent_name, '')",
        "AND EXISTS (SELECT 1 FROM conversations p WHERE p.customer_id = v.customer_id
                         AND p.started_at_ms < v.started_at_ms AND p.started_at_ms >= v.started_at_ms - 604800000)");
    /// Conversations in which the agent called somebody without a single attempt of their own, although the protocol did
    /// not engage anybody at once; named by agent.
    Handed "handed" = talks!("COALESCE(g.name, v.agent_name, '')",
        "AND v.attempts = 0
         AND EXISTS (SELECT 1 FROM signals s WHERE s.conversation_id = v.id AND s.kind = 'escalation_offer')
         AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.conversation_id = v.id AND d.decision = 'engage_now')");
    /// Cases that were opened; named by owner.
    Opened "opened" = cases!("COALESCE(o.name, '')", "c.opened_at_ms",
        "AND c.opened_at_ms >= $2 AND c.opened_at_ms < $3");
    /// Of these, those that somebody said to have seen.
    Seen "seen" = cases!("COALESCE(o.name, '')", "c.acknowledged_at_ms",
        "AND c.opened_at_ms >= $2 AND c.opened_at_ms < $3 AND c.acknowledged_at_ms >= c.opened_at_ms");
    /// Of those that were opened, those that are closed by now.
    Settled "settled" = cases!("COALESCE(o.name, '')", "c.closed_at_ms",
        "AND c.opened_at_ms >= $2 AND c.opened_at_ms < $3 AND c.closed_at_ms >= c.opened_at_ms");
    /// Cases that were closed; named by the reason given then.
    Closed "closed" = cases!("COALESCE(c.reason, '')", "c.closed_at_ms",
        "AND c.closed_at_ms >= $2 AND c.closed_at_ms < $3");
    /// Cases that were open at the end of the span; named by owner.
    Left "left" = cases!("COALESCE(o.name, '')", "c.opened_at_ms",
        "AND $2 <= $3 AND c.opened_at_ms < $3 AND (c.closed_at_ms IS NULL OR c.closed_at_ms >= $3)");
    /// What closed cases cost, each amount by itself; named by currency.
    Spent "spent" = cases!("x.currency", "c.closed_at_ms", "COALESCE(c.reason, '')", "x.amount", "x.currency",
        "c.closed_at_ms DESC, c.number, x.number", "JOIN case_costs x ON x.case_id = c.id",
        "AND c.closed_at_ms >= $2 AND c.closed_at_ms < $3");
    /// The same; named by currency and kind, as in `RUB/discount`.
    SpentAs "spent_as" = cases!("x.currency || '/' || x.kind", "c.closed_at_ms", "x.kind", "x.amount", "x.currency",
        "c.closed_at_ms DESC, c.number, x.number", "JOIN case_costs x ON x.case_id = c.id",
        "AND c.closed_at_ms >= $2 AND c.closed_at_ms < $3");
    /// The same; named by currency and reason, as in `RUB/legal`.
    SpentFor "spent_for" = cases!("x.currency || '/' || COALESCE(c.reason, '')", "c.closed_at_ms",
        "COALESCE(c.reason, '')", "x.amount", "x.currency", "c.closed_at_ms DESC, c.number, x.number",
        "JOIN case_costs x ON x.case_id = c.id", "AND c.closed_at_ms >= $2 AND c.closed_at_ms < $3");
    /// Clocks of the cases that were opened; named by clock.
    Clocks "clocks" = cases!("x.clock", "c.opened_at_ms", "x.clock", "CAST(NULL AS TEXT)", "CAST(NULL AS TEXT)",
        "c.opened_at_ms DESC, c.number, x.clock", "JOIN case_clocks x ON x.case_id = c.id",
        "AND c.opened_at_ms >= $2 AND c.opened_at_ms < $3");
    /// Of these, those that ran out.
    Breached "breached" = cases!("x.clock", "c.opened_at_ms", "x.clock", "CAST(NULL AS TEXT)", "CAST(NULL AS TEXT)",
        "c.opened_at_ms DESC, c.number, x.clock", "JOIN case_clocks x ON x.case_id = c.id AND x.breached",
        "AND c.opened_at_ms >= $2 AND c.opened_at_ms < $3");
    /// Questions that departments were asked; named by department.
    Asked "asked" = cases!("x.department", "x.asked_at_ms", "x.department", "CAST(NULL AS TEXT)",
        "CAST(NULL AS TEXT)", "x.asked_at_ms DESC, c.number, x.number", "JOIN case_asks x ON x.case_id = c.id",
        "AND x.asked_at_ms >= $2 AND x.asked_at_ms < $3");
    /// Of these, those that were not answered in time.
    AskedLate "asked_late" = cases!("x.department", "x.asked_at_ms", "x.department", "CAST(NULL AS TEXT)",
        "CAST(NULL AS TEXT)", "x.asked_at_ms DESC, c.number, x.number", "JOIN case_asks x ON x.case_id = c.id AND x.late",
        "AND x.asked_at_ms >= $2 AND x.asked_at_ms < $3");
    /// Decisions of the protocol, named by the decision.
    Decided "decided" = decisions!("d.decision", "");
    /// Decisions to engage somebody, named by their reason.
    Engaged "engaged" = decisions!("d.reason", "AND d.decision IN ('engage', 'engage_now', 'functional')");
    /// Alerts; named by what somebody said of them, `right` or `wrong`, empty for nothing.
    Judged "judged" = texts!("COALESCE(a.verdict, '')",
        "a.conversation_id, a.case_id, c.number AS case_number, a.created_at_ms AS at_ms, k.name AS customer_name,
         COALESCE(u.name, a.recipient_role) AS who, COALESCE(a.verdict, '') AS what, CAST(NULL AS TEXT) AS amount,
         CAST(NULL AS TEXT) AS currency",
        "a.created_at_ms DESC, a.id",
        "FROM alerts a
         LEFT JOIN conversations v ON v.id = a.conversation_id
         LEFT JOIN customers k ON k.id = v.customer_id
         LEFT JOIN cases c ON c.id = a.case_id
         LEFT JOIN users u ON u.id = a.recipient_id
         WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND a.created_at_ms >= $2 AND a.created_at_ms < $3 ");
    /// Promises that fell due; named by what became of them.
    Promised "promised" = texts!("p.state",
        "p.conversation_id, v.case_id, c.number AS case_number, p.due_at_ms AS at_ms, k.name AS customer_name,
         COALESCE(g.name, v.agent_name) AS who, p.state AS what, CAST(NULL AS TEXT) AS amount,
         CAST(NULL AS TEXT) AS currency",
        "p.due_at_ms DESC, p.id",
        "FROM commitments p
         JOIN conversations v ON v.id = p.conversation_id
         LEFT JOIN users g ON g.id = v.agent_id
         LEFT JOIN customers k ON k.id = v.customer_id
         LEFT JOIN cases c ON c.id = v.case_id
         WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND p.due_at_ms >= $2 AND p.due_at_ms < $3 ");
    /// Uses of authority and requests for more; named by what they are.
    Granted "granted" = texts!("x.state",
        "x.conversation_id, x.case_id, c.number AS case_number, x.at_ms, k.name AS customer_name,
         COALESCE(u.name, v.agent_name) AS who, x.authority AS what, CAST(NULL AS TEXT) AS amount,
         CAST(NULL AS TEXT) AS currency",
        "x.at_ms DESC, x.id",
        "FROM authority_uses x
         LEFT JOIN conversations v ON v.id = x.conversation_id
         LEFT JOIN customers k ON k.id = x.customer_id
         LEFT JOIN cases c ON c.id = x.case_id
         LEFT JOIN users u ON u.id = x.user_id
         WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND x.at_ms >= $2 AND x.at_ms < $3 ");
    /// Of these, what was granted or promised beyond the authority without leave.
    Overspent "overspent" = texts!("x.state",
        "x.conversation_id, x.case_id, c.number AS case_number, x.at_ms, k.name AS customer_name,
         COALESCE(u.name, v.agent_name) AS who, x.authority AS what, CAST(NULL AS TEXT) AS amount,
         CAST(NULL AS TEXT) AS currency",
        "x.at_ms DESC, x.id",
        "FROM authority_uses x
         LEFT JOIN conversations v ON v.id = x.conversation_id
         LEFT JOIN customers k ON k.id = x.customer_id
         LEFT JOIN cases c ON c.id = x.case_id
         LEFT JOIN users u ON u.id = x.user_id
         WHERE (CAST($1 AS TEXT) IS NULL OR v.team = $1) AND x.at_ms >= $2 AND x.at_ms < $3
           AND x.state IN ('used', 'spoken')
           AND CAST(x.amount AS DOUBLE PRECISION) > CAST(x.most AS DOUBLE PRECISION)");
}

impl FromStr for Counted {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().copied().find(|counted| counted.name() == name);
        known.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|counted| counted.name()).collect();
            format!("what: \"{name}\" is counted nowhere; known are {}", names.join(", "))
        })
    }
}

/// Which of what is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Which {
    /// What.
    pub counted: Counted,
    /// Only this name; nothing for all.
    pub name: Option<String>,
    /// Only what belongs to a team: the caller's permission.
    pub team: Option<String>,
    /// From this moment on.
    pub from: Timestamp,
    /// Before this moment.
    pub to: Timestamp,
}

impl Which {
    /// Asks for everything that is counted in a span.
    pub fn of(counted: Counted, team: Option<&str>, (from, to): (Timestamp, Timestamp)) -> Self {
        Self { counted, name: None, team: team.map(str::to_owned), from, to }
    }

    /// The same with one name alone.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }
}

/// One row behind a number.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Behind {
    /// The conversation it belongs to.
    pub conversation_id: Option<ConversationId>,
    /// The case it belongs to.
    pub case_id: Option<CaseId>,
    /// The number of that case.
    pub case_number: Option<i64>,
    /// When, in ms since 1970.
    pub at_ms: i64,
    /// The customer.
    pub customer_name: Option<String>,
    /// The agent, the owner or whoever was alerted.
    pub who: Option<String>,
    /// The name of what counts: a reason, a state, a clock, a department, an authority.
    pub what: Option<String>,
    /// An amount of money, decimal.
    pub amount: Option<String>,
    /// Its currency.
    pub currency: Option<String>,
}

impl Store {
    /// Returns a number.
    pub async fn counted(&self, which: &Which) -> Result<i64, StoreError> {
        let sql = which.counted.texts().count;
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql)
            .bind(&which.team)
            .bind(which.from.millis())
            .bind(which.to.millis())
            .bind(&which.name)
            .fetch_one(pool)
            .await?))
    }

    /// Returns a number for each name.
    pub async fn counted_by(&self, which: &Which) -> Result<Counts, StoreError> {
        let sql = which.counted.texts().by;
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(&which.team)
            .bind(which.from.millis())
            .bind(which.to.millis())
            .bind(&which.name)
            .fetch_all(pool)
            .await?))
    }

    /// Returns what a number is made of, the latest first.
    pub async fn behind(&self, which: &Which, limit: i64, offset: i64) -> Result<Vec<Behind>, StoreError> {
        let sql = which.counted.texts().list;
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(&which.team)
            .bind(which.from.millis())
            .bind(which.to.millis())
            .bind(&which.name)
            .bind(limit)
            .bind(offset)
            .fetch_all(pool)
            .await?))
    }
}
