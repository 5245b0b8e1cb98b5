//! Backtest of a draft protocol against the history in the store: what would have been decided, missed, moved, and how its
//! ladder and clocks would have gone.
//!
//! What was noticed then is replayed from the log, so neither recognition nor detection runs again. Incidents are taken as
//! they were opened then; what people did stays as it was, at the time at which they did it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result};
use gradus_engine::backtest::{Difference, Replay, Tally, compare};
use gradus_engine::decision::{Decision, DecisionKind};
use gradus_engine::event::Event;
use gradus_engine::protocol::Protocol;
use gradus_engine::time::{Millis, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::store::{ConversationId, Store};

/// Events read from the log at once.
const PAGE: i64 = 5_000;

/// A figure under the protocol in force, and under the draft.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Both {
    /// Under the protocol in force.
    pub in_force: u64,
    /// Under the draft.
    pub draft: u64,
}

/// What the backtest found.
#[derive(Clone, Debug, Default)]
pub struct Backtest {
    /// Conversations replayed.
    pub conversations: u64,
    /// Their utterances.
    pub utterances: u64,
    /// When the first of them began, and the last event of them.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Supervisors brought in.
    pub engaged: Both,
    /// Most supervisors brought in within one hour of the clock.
    pub busiest_hour: Both,
    /// Supervisors brought in by hour of the day, 0–23, in the zone of the company.
    pub by_hour: [Both; 24],
    /// Supervisors brought in by the team of the conversation; without a team under the empty name.
    pub by_team: BTreeMap<String, Both>,
    /// Alerts given to anybody, repeats among them.
    pub alerts: Both,
    /// Alerts that went past the first step of the ladder.
    pub climbed: Both,
    /// Clocks that warned.
    pub warned: Both,
    /// Clocks whose time was over.
    pub breached: Both,
    /// Conversations decided differently, by id.
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

/// How far a backtest is, and whether it is to go on. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    position: Arc<AtomicI64>,
    /// Ends it.
    pub stop: CancellationToken,
}

impl Progress {
    /// Returns the position of the log that was reached.
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Relaxed)
    }
}

struct Pair {
    old: Replay,
    new: Replay,
}

/// The sums while they are made.
struct Sums<'a> {
    found: Backtest,
    hours: HashMap<i64, Both>,
    zone: &'a jiff::tz::TimeZone,
}

/// Replays the conversations that began at or after `since` under both protocols; the hours of the day are those of `zone`.
/// Nothing when it was stopped.
///
/// # Errors
/// When the store cannot be read or an event of the log is not one of ours.
pub async fn backtest(
    store: &Store,
    (old, new): (&Protocol, &Protocol),
    (since, zone): (Timestamp, &jiff::tz::TimeZone),
    progress: &Progress,
) -> Result<Option<Backtest>> {
    let mut sums = Sums { found: Backtest::default(), hours: HashMap::new(), zone };
    let mut open: HashMap<String, Pair> = HashMap::new();
    // Conversations that began earlier, or of which nothing more is to come.
    let mut passed: HashSet<String> = HashSet::new();
    let (mut position, mut last_at) = (0, Timestamp::default());
    loop {
        if progress.stop.is_cancelled() {
            return Ok(None);
        }
        let page = store.events_after(position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        for stored in &page {
            let Some(id) = stored.stream.strip_prefix("conversation:") else { continue };
            if passed.contains(id) {
                continue;
            }
            let at = Timestamp::from_millis(stored.at_ms);
            if !open.contains_key(id) {
                if at < since {
                    passed.insert(id.to_owned());
                    continue;
                }
                sums.found.span.get_or_insert((at, at));
                open.insert(id.to_owned(), Pair { old: Replay::default(), new: Replay::default() });
            }
            let Some(pair) = open.get_mut(id) else { continue };
            let event: Event = serde_json::from_str(&stored.body)
                .with_context(|| format!("event {} of the log cannot be read", stored.position))?;
            last_at = Ord::max(last_at, at);
            if let Some((first, last)) = &mut sums.found.span {
                (*first, *last) = (Ord::min(*first, at), Ord::max(*last, at));
            }
            sums.found.utterances += u64::from(matches!(event, Event::Said(_)));
            pair.old.take(old, &event, at);
            pair.new.take(new, &event, at);
            // A year of conversations would fill the memory.
            if pair.old.is_over() && pair.new.is_over() {
                passed.insert(id.to_owned());
                if let Some((id, pair)) = open.remove_entry(id) {
                    sums.count(store, &id, &pair).await?;
                }
            }
        }
        progress.position.store(position, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
    for (id, mut pair) in open {
        pair.old.run_clocks(old, last_at);
        pair.new.run_clocks(new, last_at);
        sums.count(store, &id, &pair).await?;
    }
    Ok(Some(sums.done()))
}

impl Sums<'_> {
    async fn count(&mut self, store: &Store, id: &str, pair: &Pair) -> Result<()> {
        self.found.conversations += 1;
        self.clocks(pair.old.tally, |both| &mut both.in_force);
        self.clocks(pair.new.tally, |both| &mut both.draft);
        let (before, after) = (engaged(&pair.old.decisions), engaged(&pair.new.decisions));
        if before.is_empty() && after.is_empty() && pair.old.decisions == pair.new.decisions {
            return Ok(());
        }
        let row = store.conversation(&ConversationId(id.to_owned())).await?;
        let team = row.and_then(|row| row.team).unwrap_or_default();
        self.times(&team, &before, |both| &mut both.in_force);
        self.times(&team, &after, |both| &mut both.draft);
        let differences = compare(&pair.old.decisions, &pair.new.decisions);
        if !differences.is_empty() {
            self.found.changed.push(Changed { conversation: id.to_owned(), differences });
        }
        Ok(())
    }

    fn clocks(&mut self, tally: Tally, side: fn(&mut Both) -> &mut u64) {
        *side(&mut self.found.alerts) += u64::from(tally.alerts);
        *side(&mut self.found.climbed) += u64::from(tally.climbed);
        *side(&mut self.found.warned) += u64::from(tally.warned);
        *side(&mut self.found.breached) += u64::from(tally.breached);
    }

    fn times(&mut self, team: &str, at: &[Timestamp], side: fn(&mut Both) -> &mut u64) {
        const HOUR: u64 = Millis::minutes(60).get();
        for at in at {
            *side(&mut self.found.engaged) += 1;
            *side(self.found.by_team.entry(team.to_owned()).or_default()) += 1;
            let hour = at.millis().div_euclid(i64::try_from(HOUR).unwrap_or(i64::MAX));
            *side(self.hours.entry(hour).or_default()) += 1;
            let local = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
            let of_day = local.to_zoned_datetime(self.zone.clone()).hour();
            if let Some(both) = usize::try_from(of_day).ok().and_then(|hour| self.found.by_hour.get_mut(hour))
            {
                *side(both) += 1;
            }
        }
    }

    fn done(mut self) -> Backtest {
        self.found.busiest_hour = self.hours.values().fold(Both::default(), |busiest, hour| Both {
            in_force: u64::max(busiest.in_force, hour.in_force),
            draft: u64::max(busiest.draft, hour.draft),
        });
        self.found.changed.sort_by(|one, other| one.conversation.cmp(&other.conversation));
        self.found
    }
}

fn engaged(decisions: &[Decision]) -> Vec<Timestamp> {
    let called = decisions
        .iter()
        .filter(|decision| matches!(decision.decision, DecisionKind::Engage | DecisionKind::EngageNow));
    called.map(|decision| decision.at).collect()
}
