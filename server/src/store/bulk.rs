//! What comes by the thousand a second, written by one statement a kind: texts, signals, heat, progress.

use std::collections::BTreeMap;

use super::conversations::{HeatPoint, Progress, Signal, Utterance};
use super::engine::{Tx, within};
use super::error::StoreError;
use super::ids::ConversationId;
use super::json::Rows;
use gradus_engine::time::Timestamp;

/// The frequent changes of a group of batches. Within a kind the last word on a row wins.
#[derive(Default)]
pub(super) struct Bulk<'a> {
    texts: BTreeMap<(&'a ConversationId, i64), &'a Utterance>,
    signals: BTreeMap<(&'a ConversationId, i64, i64), &'a Signal>,
    heat: BTreeMap<(&'a ConversationId, i64), &'a HeatPoint>,
    progress: BTreeMap<&'a ConversationId, &'a Progress>,
}

impl<'a> Bulk<'a> {
    pub(super) fn say(&mut self, said: &'a Utterance) {
        self.texts.insert((&said.conversation, said.utterance), said);
    }

    pub(super) fn notice(&mut self, signal: &'a Signal) {
        self.signals.insert((&signal.conversation, signal.utterance, signal.number), signal);
    }

    pub(super) fn heat(&mut self, point: &'a HeatPoint) {
        self.heat.insert((&point.conversation, point.utterance), point);
    }

    pub(super) fn progress(&mut self, progress: &'a Progress) {
        self.progress.insert(&progress.conversation, progress);
    }

    /// Writes everything collected and forgets it.
    pub(super) async fn flush(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        self.write_texts(tx).await?;
        self.write_signals(tx).await?;
        self.write_heat(tx).await?;
        self.write_progress(tx).await
    }

    async fn write_texts(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut rows = Rows::default();
        for said in std::mem::take(&mut self.texts).into_values() {
            rows.push((
                &said.conversation,
                &said.utterance,
                said.party.name(),
                &said.speaker,
                &said.start_ms,
                &said.end_ms,
                said.text.as_str(),
                said.words.as_ref().map(ToString::to_string),
            ))?;
        }
        // The lemmas stay as the index has them until it is filled again. `WHERE TRUE` keeps SQLite from reading ON as the condition of a join.
        let sql = "INSERT INTO utterance_texts (conversation_id, utterance, party, speaker, start_ms, end_ms, text, words, indexing)
                   SELECT value->>0, CAST(value->>1 AS BIGINT), value->>2, CAST(value->>3 AS BIGINT),
                       CAST(value->>4 AS BIGINT), CAST(value->>5 AS BIGINT), value->>6, value->>7, 0
                   FROM json_each($1) WHERE TRUE
                   ON CONFLICT (conversation_id, utterance) DO UPDATE SET party = excluded.party,
                       speaker = excluded.speaker, start_ms = excluded.start_ms, end_ms = excluded.end_ms,
                       text = excluded.text, words = excluded.words, indexing = 0";
        write(tx, sql, rows).await
    }

    async fn write_signals(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut rows = Rows::default();
        for signal in std::mem::take(&mut self.signals).into_values() {
            rows.push((
                &signal.conversation,
                &signal.utterance,
                &signal.number,
                signal.kind.name(),
                signal.party.name(),
                signal.quote.map(|quote| quote.0),
                signal.quote.map(|quote| quote.1),
                &signal.measured,
                &signal.confidence,
                &signal.rule,
                &signal.rules_version,
                signal.at.millis(),
            ))?;
        }
        // A verdict of a person outlives a repeat of the same signal.
        let sql = "INSERT INTO signals (conversation_id, utterance, number, kind, party, quote_start, quote_end, measured,
                       confidence, rule, rules_version, at_ms)
                   SELECT value->>0, CAST(value->>1 AS BIGINT), CAST(value->>2 AS BIGINT), value->>3, value->>4,
                       CAST(value->>5 AS BIGINT), CAST(value->>6 AS BIGINT), CAST(value->>7 AS DOUBLE PRECISION),
                       CAST(value->>8 AS BIGINT), value->>9, value->>10, CAST(value->>11 AS BIGINT)
                   FROM json_each($1) WHERE TRUE
                   ON CONFLICT (conversation_id, utterance, number) DO UPDATE SET kind = excluded.kind,
                       party = excluded.party, quote_start = excluded.quote_start, quote_end = excluded.quote_end,
                       measured = excluded.measured, confidence = excluded.confidence, rule = excluded.rule,
                       rules_version = excluded.rules_version, at_ms = excluded.at_ms";
        write(tx, sql, rows).await
    }

    async fn write_heat(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut rows = Rows::default();
        for point in std::mem::take(&mut self.heat).into_values() {
            rows.push((
                &point.conversation,
                &point.utterance,
                point.at.millis(),
                &point.value,
                point.causes.to_string(),
            ))?;
        }
        let sql = "INSERT INTO heat_points (conversation_id, utterance, at_ms, value, causes)
                   SELECT item.value->>0, CAST(item.value->>1 AS BIGINT), CAST(item.value->>2 AS BIGINT),
                       CAST(item.value->>3 AS BIGINT), item.value->>4
                   FROM json_each($1) AS item WHERE TRUE
                   ON CONFLICT (conversation_id, utterance) DO UPDATE SET at_ms = excluded.at_ms,
                       value = excluded.value, causes = excluded.causes";
        write(tx, sql, rows).await
    }

    async fn write_progress(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut rows = Rows::default();
        for progress in std::mem::take(&mut self.progress).into_values() {
            let decision = progress.decision.as_ref();
            rows.push((
                &progress.conversation,
                &progress.utterances,
                &progress.heat_last,
                &progress.heat_max,
                progress.heat_at.millis(),
                &progress.calmed_at,
                &progress.attempts,
                decision.map(|decision| &decision.0),
                decision.map(|decision| &decision.1),
                decision.map(|decision| Timestamp::millis(decision.2)),
                progress.quote.map(|quote| quote.0),
                progress.quote.map(|quote| quote.1),
                progress.quote.map(|quote| quote.2),
                progress.quote.map(|quote| quote.3.name()),
                &progress.hints,
            ))?;
        }
        let sql = "UPDATE conversations SET utterances = CAST(item.value->>1 AS BIGINT),
                       heat_last = CAST(item.value->>2 AS BIGINT), heat_max = CAST(item.value->>3 AS BIGINT),
                       heat_at_ms = CAST(item.value->>4 AS BIGINT), calmed_at = CAST(item.value->>5 AS BIGINT),
                       attempts = CAST(item.value->>6 AS BIGINT), decision = item.value->>7,
                       decision_reason = item.value->>8, decision_at_ms = CAST(item.value->>9 AS BIGINT),
                       quote_utterance = CAST(item.value->>10 AS BIGINT),
                       quote_start = CAST(item.value->>11 AS BIGINT), quote_end = CAST(item.value->>12 AS BIGINT),
                       quote_kind = item.value->>13, hints = item.value->>14
                   FROM json_each($1) AS item WHERE conversations.id = item.value->>0";
        write(tx, sql, rows).await
    }
}

async fn write(tx: &mut Tx, sql: &'static str, rows: Rows) -> Result<(), StoreError> {
    if let Some(rows) = rows.finish() {
        within!(tx, |conn| {
            sqlx::query(sql).bind(rows).execute(conn).await?;
        });
    }
    Ok(())
}
