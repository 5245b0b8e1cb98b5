//! What the pages read: the live board, lists of conversations, and everything about one conversation.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Store;
use super::conversations::{Evidence, NewParty};
use super::engine::on;
use super::error::StoreError;
use super::feedback::MissedSignal;
use super::ids::{CaseId, CommitmentId, ConversationId, ConversationStatus, CustomerId, DecisionId, UserId};
use super::json::{JsonText, as_json};

/// One conversation in a list or on the board.
#[derive(Clone, Debug, PartialEq, Serialize, sqlx::FromRow)]
pub struct ConversationRow {
    /// Its name.
    pub id: ConversationId,
    /// `call`, `chat`, `email`, `in_person`.
    pub channel: String,
    /// `live` or `ended`.
    pub status: String,
    /// When it began.
    pub started_at_ms: i64,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
    /// The customer, once known.
    pub customer_id: Option<CustomerId>,
    /// The customer's name.
    pub customer_name: Option<String>,
    /// A warning about the customer.
    pub customer_mark: Option<String>,
    /// The customer's place by revenue.
    pub revenue_rank: Option<i64>,
    /// The customer's place by potential to grow.
    pub growth_rank: Option<i64>,
    /// The agent, where they are a user.
    pub agent_id: Option<UserId>,
    /// The agent's name.
    pub agent_name: Option<String>,
    /// The team.
    pub team: Option<String>,
    /// What it is about.
    pub subject: Option<String>,
    /// Where it came from.
    pub source: Option<String>,
    /// The recording's key in the object storage.
    pub recording_key: Option<String>,
    /// The measures of the sound, JSON.
    pub sound: Option<String>,
    /// What the page has to say about the import.
    pub note: Option<String>,
    /// What was decided before this moment was history when it came in.
    pub history_before_ms: Option<i64>,
    /// How many utterances there are.
    pub utterances: i64,
    /// The heat now, 0–100.
    pub heat_last: i64,
    /// The highest heat.
    pub heat_max: i64,
    /// When the heat was last judged.
    pub heat_at_ms: i64,
    /// The utterance at which the customer had calmed down.
    pub calmed_at: Option<i64>,
    /// How many attempts were made.
    pub attempts: i64,
    /// The decision that stands.
    pub decision: Option<String>,
    /// Why.
    pub decision_reason: Option<String>,
    /// Since when.
    pub decision_at_ms: Option<i64>,
    /// The words to show on the board.
    pub quote: Option<String>,
    /// The signal they carry.
    pub quote_kind: Option<String>,
    /// The utterance they are from.
    pub quote_utterance: Option<i64>,
    /// What the agent is told now, as JSON.
    pub hints: Option<String>,
    /// The case it belongs to.
    pub case_id: Option<CaseId>,
    /// The number of that case.
    pub case_number: Option<i64>,
    /// Its state.
    pub case_state: Option<String>,
    /// When its next clock runs out.
    pub case_due_at_ms: Option<i64>,
    /// Who has it.
    pub owner_id: Option<UserId>,
    /// Their name.
    pub owner_name: Option<String>,
}

/// Which conversations a list shows.
#[derive(Clone, Debug, Default)]
pub struct ConversationFilter {
    /// Only those going on, or only those over.
    pub status: Option<ConversationStatus>,
    /// Only those of this team: the caller's permission.
    pub team: Option<String>,
    /// Only those of this customer.
    pub customer: Option<CustomerId>,
    /// Only those of this case.
    pub case: Option<CaseId>,
    /// Only those whose highest heat is at least this.
    pub heat: i64,
    /// How many at most.
    pub limit: i64,
    /// How many to leave out.
    pub offset: i64,
}

/// An utterance as the page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, sqlx::FromRow)]
pub struct UtteranceRow {
    /// Its number.
    pub utterance: i64,
    /// `customer` or `agent`.
    pub party: String,
    /// The number of the speaker among the parties.
    pub speaker: Option<i64>,
    /// Milliseconds from the start.
    pub start_ms: i64,
    /// Milliseconds from the start.
    pub end_ms: i64,
    /// The words; nothing once they were erased.
    pub text: Option<String>,
    /// The times of the words, JSON.
    pub words: Option<String>,
}

/// A signal as the page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, sqlx::FromRow)]
pub struct SignalRow {
    /// In which utterance.
    pub utterance: i64,
    /// Its number within the utterance.
    pub number: i64,
    /// Its name in the contract.
    pub kind: String,
    /// Whose words or voice carry it.
    pub party: String,
    /// First code point of the quote.
    pub quote_start: Option<i64>,
    /// One past its last code point.
    pub quote_end: Option<i64>,
    /// The quoted words; nothing when measured or erased.
    pub quote: Option<String>,
    /// The measured value.
    pub measured: Option<f64>,
    /// Per cent.
    pub confidence: i64,
    /// The rule that fired.
    pub rule: String,
    /// The version of the rules.
    pub rules_version: String,
    /// `right` or `wrong`, as people say.
    pub verdict: Option<String>,
}

/// A point of the heat curve as the page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, sqlx::FromRow)]
pub struct HeatRow {
    /// After which utterance.
    pub utterance: i64,
    /// When.
    pub at_ms: i64,
    /// 0–100.
    pub value: i64,
    /// What changed it, JSON.
    #[serde(serialize_with = "as_json")]
    pub causes: String,
}

#[derive(sqlx::FromRow)]
struct CurveColumns {
    conversation_id: ConversationId,
    utterance: i64,
    at_ms: i64,
    value: i64,
    causes: String,
}

/// A decision as the page shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DecisionRow {
    /// Its name.
    pub id: DecisionId,
    /// In which conversation.
    pub conversation_id: ConversationId,
    /// After which utterance.
    pub utterance: Option<i64>,
    /// When.
    pub at_ms: i64,
    /// What was decided.
    pub decision: String,
    /// Why.
    pub reason: String,
    /// The step of the ladder or the stage.
    pub step: Option<i64>,
    /// The clause.
    pub clause: String,
    /// The version of the protocol.
    pub protocol_version: String,
    /// The version of the rules.
    pub rules_version: String,
    /// What it rests on, each with its quoted words unless measured or erased.
    #[serde(serialize_with = "quoted")]
    pub evidence: Vec<(Evidence, Option<String>)>,
}

#[derive(sqlx::FromRow)]
struct DecisionColumns {
    id: DecisionId,
    conversation_id: ConversationId,
    utterance: Option<i64>,
    at_ms: i64,
    decision: String,
    reason: String,
    step: Option<i64>,
    clause: String,
    protocol_version: String,
    rules_version: String,
    evidence: JsonText<Vec<Evidence>>,
}

/// A promise as the page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, sqlx::FromRow)]
pub struct CommitmentRow {
    /// Its name.
    pub id: CommitmentId,
    /// In which conversation.
    pub conversation_id: ConversationId,
    /// In which utterance.
    pub utterance: i64,
    /// What was promised; nothing once erased.
    pub what: Option<String>,
    /// By when.
    pub due_at_ms: Option<i64>,
    /// The words that say by when.
    pub due_text: Option<String>,
    /// `open`, `kept`, `broken`, `dropped`.
    pub state: String,
    /// Since when it is no longer open.
    pub closed_at_ms: Option<i64>,
}

/// Everything about one conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConversationPage {
    /// The conversation itself.
    pub conversation: ConversationRow,
    /// Who takes part.
    pub parties: Vec<NewParty>,
    /// What was said.
    pub utterances: Vec<UtteranceRow>,
    /// What was noticed.
    pub signals: Vec<SignalRow>,
    /// The heat curve.
    pub heat: Vec<HeatRow>,
    /// What the protocol decided.
    pub decisions: Vec<DecisionRow>,
    /// What was promised.
    pub commitments: Vec<CommitmentRow>,
    /// What people found where nothing did.
    pub missed: Vec<MissedSignal>,
}

macro_rules! conversation_select {
    ($rest:literal) => {
        concat!(
            "SELECT v.id, v.channel, v.status, v.started_at_ms, v.ended_at_ms, v.customer_id, k.name AS customer_name,
                 k.mark AS customer_mark, k.revenue_rank, k.growth_rank, v.agent_id,
                 COALESCE(g.name, v.agent_name) AS agent_name, v.team, v.subject, v.source, v.recording_key, v.sound,
                 v.note, v.history_before_ms, v.utterances, v.heat_last, v.heat_max, v.heat_at_ms, v.calmed_at, v.attempts, v.decision,
                 v.decision_reason, v.decision_at_ms,
                 CASE WHEN v.quote_end > v.quote_start THEN substr(COALESCE(t.heard, t.text), CAST(v.quote_start AS INTEGER) + 1,
                     CAST(v.quote_end - v.quote_start AS INTEGER)) END AS quote,
                 v.quote_kind, v.quote_utterance, v.hints, v.case_id, c.number AS case_number, c.state AS case_state,
                 c.due_at_ms AS case_due_at_ms, c.owner_id, o.name AS owner_name
             FROM conversations v
             LEFT JOIN customers k ON k.id = v.customer_id
             LEFT JOIN users g ON g.id = v.agent_id
             LEFT JOIN cases c ON c.id = v.case_id
             LEFT JOIN users o ON o.id = c.owner_id
             LEFT JOIN utterance_texts t ON t.conversation_id = v.id AND t.utterance = v.quote_utterance ",
            $rest
        )
    };
}

impl Store {
    /// Returns the hottest live conversations, at most `limit`: the board. A team sees its own, `None` sees all.
    pub async fn board(&self, team: Option<&str>, limit: i64) -> Result<Vec<ConversationRow>, StoreError> {
        let sql = conversation_select!(
            "WHERE v.status = 'live' AND (CAST($1 AS TEXT) IS NULL OR v.team = $1)
             ORDER BY v.heat_last DESC, v.started_at_ms DESC, v.id LIMIT $2"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(team).bind(limit).fetch_all(pool).await?))
    }

    /// Returns one conversation as it stands on the board.
    pub async fn conversation(&self, id: &ConversationId) -> Result<Option<ConversationRow>, StoreError> {
        let sql = conversation_select!("WHERE v.id = $1");
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_optional(pool).await?))
    }

    /// Returns the conversations that people call so: by their id here, the id that the source gave them, or the name of
    /// their file, with or without its folder. At most two: more is as bad.
    pub async fn conversations_named(&self, name: &str) -> Result<Vec<ConversationId>, StoreError> {
        let sql = "SELECT id FROM conversations WHERE id = $1
                   UNION SELECT id FROM conversations WHERE source_id = $1
                   UNION SELECT id FROM conversations WHERE file_name = $2 LIMIT 2";
        let file_name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        Ok(on!(self.read, |pool| sqlx::query_scalar(sql).bind(name).bind(file_name).fetch_all(pool).await?))
    }

    /// Returns a page of conversations, newest first.
    pub async fn conversations(
        &self,
        filter: &ConversationFilter,
    ) -> Result<Vec<ConversationRow>, StoreError> {
        let sql = conversation_select!(
            "WHERE (CAST($1 AS TEXT) IS NULL OR v.status = $1)
               AND (CAST($2 AS TEXT) IS NULL OR v.team = $2)
               AND (CAST($3 AS TEXT) IS NULL OR v.customer_id = $3)
               AND (CAST($4 AS TEXT) IS NULL OR v.case_id = $4)
               AND v.heat_max >= $5
             ORDER BY v.started_at_ms DESC, v.id LIMIT $6 OFFSET $7"
        );
        Ok(on!(self.read, |pool| sqlx::query_as(sql)
            .bind(filter.status.map(ConversationStatus::name))
            .bind(&filter.team)
            .bind(&filter.customer)
            .bind(&filter.case)
            .bind(filter.heat)
            .bind(filter.limit)
            .bind(filter.offset)
            .fetch_all(pool)
            .await?))
    }

    /// Returns everything about one conversation.
    pub async fn conversation_page(
        &self,
        id: &ConversationId,
    ) -> Result<Option<ConversationPage>, StoreError> {
        let Some(conversation) = self.conversation(id).await? else { return Ok(None) };
        let utterances = self.utterances(id).await?;
        let decisions = self.decisions(id, &utterances).await?;
        let page = ConversationPage {
            conversation,
            parties: self.parties(id).await?,
            signals: self.signals(id).await?,
            heat: self.heat_curve(id).await?,
            commitments: self.commitments(id).await?,
            missed: self.missed_signals(id).await?,
            decisions,
            utterances,
        };
        Ok(Some(page))
    }

    /// Returns who takes part in a conversation.
    pub async fn parties(&self, id: &ConversationId) -> Result<Vec<NewParty>, StoreError> {
        let sql =
            "SELECT role, name, tel, email, user_id FROM parties WHERE conversation_id = $1 ORDER BY party";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_all(pool).await?))
    }

    /// Returns what was said in a conversation.
    pub async fn utterances(&self, id: &ConversationId) -> Result<Vec<UtteranceRow>, StoreError> {
        let sql = "SELECT utterance, party, speaker, start_ms, end_ms, text, words FROM utterance_texts
                   WHERE conversation_id = $1 ORDER BY utterance";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_all(pool).await?))
    }

    /// Returns what was noticed in a conversation.
    pub async fn signals(&self, id: &ConversationId) -> Result<Vec<SignalRow>, StoreError> {
        let sql = "SELECT s.utterance, s.number, s.kind, s.party, s.quote_start, s.quote_end,
                       CASE WHEN s.quote_end > s.quote_start THEN substr(t.text, CAST(s.quote_start AS INTEGER) + 1,
                           CAST(s.quote_end - s.quote_start AS INTEGER)) END AS quote,
                       s.measured, s.confidence, s.rule, s.rules_version, s.verdict
                   FROM signals s
                   LEFT JOIN utterance_texts t ON t.conversation_id = s.conversation_id AND t.utterance = s.utterance
                   WHERE s.conversation_id = $1 ORDER BY s.utterance, s.number";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_all(pool).await?))
    }

    /// Returns the heat curve of a conversation.
    pub async fn heat_curve(&self, id: &ConversationId) -> Result<Vec<HeatRow>, StoreError> {
        let sql = "SELECT utterance, at_ms, value, causes FROM heat_points WHERE conversation_id = $1 ORDER BY utterance";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_all(pool).await?))
    }

    /// Returns the heat curves of several conversations; one without a curve is absent.
    pub async fn heat_curves(
        &self,
        ids: &[ConversationId],
    ) -> Result<BTreeMap<ConversationId, Vec<HeatRow>>, StoreError> {
        let mut wanted = super::json::Rows::default();
        for id in ids {
            wanted.push([id])?;
        }
        let mut curves: BTreeMap<ConversationId, Vec<HeatRow>> = BTreeMap::new();
        let Some(wanted) = wanted.finish() else { return Ok(curves) };
        let sql = "SELECT conversation_id, utterance, at_ms, value, causes FROM heat_points
                   WHERE conversation_id IN (SELECT value->>0 FROM json_each($1)) ORDER BY conversation_id, utterance";
        let rows: Vec<CurveColumns> =
            on!(self.read, |pool| sqlx::query_as(sql).bind(&wanted).fetch_all(pool).await?);
        for row in rows {
            let CurveColumns { conversation_id, utterance, at_ms, value, causes } = row;
            curves.entry(conversation_id).or_default().push(HeatRow { utterance, at_ms, value, causes });
        }
        Ok(curves)
    }

    /// Returns what was promised in a conversation.
    pub async fn commitments(&self, id: &ConversationId) -> Result<Vec<CommitmentRow>, StoreError> {
        let sql = "SELECT p.id, p.conversation_id, p.utterance,
                       CASE WHEN p.quote_end > p.quote_start THEN substr(COALESCE(t.heard, t.text), CAST(p.quote_start AS INTEGER) + 1,
                           CAST(p.quote_end - p.quote_start AS INTEGER)) END AS what,
                       p.due_at_ms,
                       CASE WHEN p.due_end > p.due_start THEN substr(COALESCE(t.heard, t.text), CAST(p.due_start AS INTEGER) + 1,
                           CAST(p.due_end - p.due_start AS INTEGER)) END AS due_text,
                       p.state, p.closed_at_ms
                   FROM commitments p
                   LEFT JOIN utterance_texts t ON t.conversation_id = p.conversation_id AND t.utterance = p.utterance
                   WHERE p.conversation_id = $1 ORDER BY p.utterance, p.id";
        Ok(on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_all(pool).await?))
    }

    /// Returns what the protocol decided in a conversation; the words of the evidence come from `utterances`.
    pub async fn decisions(
        &self,
        id: &ConversationId,
        utterances: &[UtteranceRow],
    ) -> Result<Vec<DecisionRow>, StoreError> {
        let sql =
            "SELECT id, conversation_id, utterance, at_ms, decision, reason, step, clause, protocol_version,
                       rules_version, evidence
                   FROM decisions WHERE conversation_id = $1 ORDER BY at_ms, utterance, id";
        let rows: Vec<DecisionColumns> =
            on!(self.read, |pool| sqlx::query_as(sql).bind(id).fetch_all(pool).await?);
        let judged = self.as_judged(id, utterances).await?;
        Ok(rows.into_iter().map(|row| with_quotes(row, &judged)).collect())
    }
}

fn with_quotes(row: DecisionColumns, utterances: &[UtteranceRow]) -> DecisionRow {
    let quote = |evidence: &Evidence| {
        let said = utterances.iter().find(|said| said.utterance == evidence.utterance)?;
        let (from, to) = (evidence.start? as usize, evidence.end? as usize);
        Some(said.text.as_ref()?.chars().skip(from).take(to.saturating_sub(from)).collect())
    };
    DecisionRow {
        evidence: row.evidence.0.into_iter().map(|evidence| (evidence.clone(), quote(&evidence))).collect(),
        id: row.id,
        conversation_id: row.conversation_id,
        utterance: row.utterance,
        at_ms: row.at_ms,
        decision: row.decision,
        reason: row.reason,
        step: row.step,
        clause: row.clause,
        protocol_version: row.protocol_version,
        rules_version: row.rules_version,
    }
}

/// Serialises what a decision rests on: each with its words.
fn quoted<S: serde::Serializer>(
    evidence: &[(Evidence, Option<String>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Quoted<'a> {
        #[serde(flatten)]
        evidence: &'a Evidence,
        quote: Option<&'a str>,
    }
    serializer
        .collect_seq(evidence.iter().map(|(evidence, quote)| Quoted { evidence, quote: quote.as_deref() }))
}
