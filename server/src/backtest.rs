//! Backtest of a draft protocol against the history in the store: what would have been decided, missed, moved.
//!
//! What was noticed then is replayed from the log, so neither recognition nor detection runs again. Incidents are taken as
//! they were opened then; what people did stays as it was.

use std::collections::HashMap;

use anyhow::{Context, Result};
use gradus_engine::backtest::{Difference, Replay, compare};
use gradus_engine::decision::{Decision, DecisionKind};
use gradus_engine::event::Event;
use gradus_engine::protocol::Protocol;
use gradus_engine::time::{Millis, Timestamp};

use crate::store::Store;

/// Events read from the log at once.
const PAGE: i64 = 5_000;

/// What the backtest found.
#[derive(Clone, Debug, Default)]
pub struct Backtest {
    /// Conversations replayed.
    pub conversations: u64,
    /// Their utterances.
    pub utterances: u64,
    /// Supervisors brought in by the protocol in force.
    pub old_engaged: u64,
    /// Supervisors brought in by the draft.
    pub new_engaged: u64,
    /// Most supervisors brought in within one hour of the clock, by the protocol in force and by the draft.
    pub busiest_hour: (u64, u64),
    /// Conversations decided differently, in the order in which they ended or, still open, at the end.
    pub changed: Vec<Changed>,
}

/// A conversation that the two protocols decide differently.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Its id.
    pub conversation: String,
    /// The differences by utterance.
    pub differences: Vec<(Difference, Decision)>,
}

struct Pair {
    old: Replay,
    new: Replay,
    /// Whether it began within the time that is looked at.
    wanted: bool,
}

/// Replays the conversations that began at or after `since` under both protocols. `done` is told the position reached.
///
/// # Errors
/// When the store cannot be read or an event of the log is not one of ours.
pub async fn backtest(
    store: &Store,
    (old, new): (&Protocol, &Protocol),
    since: Timestamp,
    done: &mut (dyn FnMut(i64) + Send),
) -> Result<Backtest> {
    let mut result = Backtest::default();
    let mut hours: HashMap<i64, (u64, u64)> = HashMap::new();
    let mut open: HashMap<String, Pair> = HashMap::new();
    let mut position = 0;
    loop {
        let page = store.events_after(position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        for stored in &page {
            if !stored.stream.starts_with("conversation:") {
                continue;
            }
            let event: Event = serde_json::from_str(&stored.body)
                .with_context(|| format!("event {} of the log cannot be read", stored.position))?;
            let at = Timestamp::from_millis(stored.at_ms);
            let pair = open.entry(stored.stream.clone()).or_insert_with(|| Pair {
                old: Replay::default(),
                new: Replay::default(),
                wanted: at >= since,
            });
            if !pair.wanted {
                continue;
            }
            result.utterances += u64::from(matches!(event, Event::Said(_)));
            pair.old.take(old, &event, at);
            pair.new.take(new, &event, at);
        }
        done(position);
    }
    let mut ended: Vec<(String, Pair)> = open.into_iter().filter(|(_, pair)| pair.wanted).collect();
    ended.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (stream, pair) in ended {
        result.conversations += 1;
        for decision in engaged(&pair.old.decisions) {
            result.old_engaged += 1;
            hours.entry(hour(decision.at)).or_default().0 += 1;
        }
        for decision in engaged(&pair.new.decisions) {
            result.new_engaged += 1;
            hours.entry(hour(decision.at)).or_default().1 += 1;
        }
        let differences = compare(&pair.old.decisions, &pair.new.decisions);
        if !differences.is_empty() {
            let conversation = stream.strip_prefix("conversation:").unwrap_or(&stream).to_owned();
            result.changed.push(Changed { conversation, differences });
        }
    }
    result.busiest_hour = hours
        .values()
        .fold((0, 0), |busiest, hour| (u64::max(busiest.0, hour.0), u64::max(busiest.1, hour.1)));
    Ok(result)
}

fn engaged(decisions: &[Decision]) -> impl Iterator<Item = &Decision> {
    decisions
        .iter()
        .filter(|decision| matches!(decision.decision, DecisionKind::Engage | DecisionKind::EngageNow))
}

fn hour(at: Timestamp) -> i64 {
    const HOUR: u64 = Millis::minutes(60).get();
    at.millis().div_euclid(i64::try_from(HOUR).unwrap_or(i64::MAX))
}
