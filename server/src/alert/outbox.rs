//! The outbox at work: each channel claims what is due for it, sends it, and notes what became of it. Nothing is lost:
//! what a crash or a timeout cut off is sent again and says that it is a repeat.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use gradus_engine::time::{Millis, Timestamp};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Failure;
use super::channels::{Channels, Lane, Message};
use super::message::Facts;
use super::telegram;
use super::ways::{next_try, quiet_until};
use crate::desk::Desk;
use crate::store::{AlertId, Attempt, Claimed, DeliveryKey, User, UserId};
use crate::web::{Lang, Words};

/// How often the outbox is looked at for what other nodes have written or what is due again.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is looked for what nobody serves.
const SWEEP: Duration = Duration::from_secs(60);
/// After this time what nobody serves is given up.
const UNSERVED: Millis = Millis::minutes(24 * 60);

/// The outbox of one node. Clones share everything.
#[derive(Clone)]
pub struct Outbox {
    desk: Desk,
    channels: Arc<Channels>,
    zone: jiff::tz::TimeZone,
    wakes: Arc<BTreeMap<String, Wake>>,
}

/// What wakes a lane, and until when it rests because the other side asked for it.
#[derive(Default)]
struct Wake {
    news: Notify,
    rests_until_ms: AtomicI64,
}

impl Outbox {
    /// Makes the outbox of a node.
    pub fn new(desk: Desk, channels: Arc<Channels>, zone: jiff::tz::TimeZone) -> Self {
        let wakes = channels.lanes.iter().map(|lane| (lane.name.clone(), Wake::default())).collect();
        Self { desk, channels, zone, wakes: Arc::new(wakes) }
    }

    /// Sends what is due until told to stop; then waits for what is on its way.
    pub async fn run(self, stop: CancellationToken) {
        if let Err(error) = self.desk.store.free_claims().await {
            tracing::error!("The outbox of alerts cannot be read: {error:#}");
        }
        let mut lanes = JoinSet::new();
        for lane in &self.channels.lanes {
            lanes.spawn(self.clone().run_lane(Arc::clone(lane), stop.clone()));
        }
        self.look(&stop).await;
        while let Some(ended) = lanes.join_next().await {
            if let Err(error) = ended {
                tracing::error!("A channel of alerts broke: {error}");
            }
        }
    }

    /// Wakes the lanes in which something is due.
    async fn look(&self, stop: &CancellationToken) {
        let mut news = self.desk.pipeline.subscribe();
        let mut ticks = tokio::time::interval(LOOK);
        let mut sweeps = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                heard = news.recv() => match heard {
                    Ok(heard) if heard.alert => {}
                    Ok(_) => continue,
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                _ = ticks.tick() => {}
                _ = sweeps.tick() => {
                    self.sweep().await;
                    if let Err(error) = crate::report::post(&self.desk, &self.channels).await {
                        tracing::error!("The weekly report is not sent: {error:#}");
                    }
                    if let Err(error) = self.send_bundles().await {
                        tracing::error!("Alerts that were put together do not go: {error:#}");
                    }
                    continue;
                }
            }
            match self.desk.store.channels_due(self.desk.clock.now()).await {
                Ok(due) => {
                    for wake in due.iter().filter_map(|name| self.wakes.get(name)) {
                        wake.news.notify_one();
                    }
                }
                Err(error) => tracing::error!("The outbox of alerts cannot be read: {error:#}"),
            }
        }
    }

    /// Gives up what no server has a channel for.
    async fn sweep(&self) {
        let now = self.desk.clock.now();
        let before = Timestamp::from_millis(now.millis().saturating_sub_unsigned(UNSERVED.get()));
        match self.desk.store.give_up_before(before).await {
            Ok(0) => {}
            Ok(count) => tracing::error!("Gave up {count} alerts in channels that no server here has"),
            Err(error) => tracing::error!("The outbox of alerts cannot be swept: {error:#}"),
        }
    }

    async fn run_lane(self, lane: Arc<Lane>, stop: CancellationToken) {
        let Some(wake) = self.wakes.get(&lane.name) else { return };
        let mut sending = JoinSet::new();
        loop {
            let free = lane.width.saturating_sub(sending.len());
            match self.begin(&lane, free, &mut sending).await {
                Ok(begun) if begun > 0 => continue,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(channel = %lane.name, "Alerts wait in {}: {error:#}", lane.name)
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = wake.news.notified() => {}
                Some(ended) = sending.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(channel = %lane.name, "Sending an alert broke: {error}");
                    }
                }
            }
        }
        // Each has its time limit.
        while sending.join_next().await.is_some() {}
    }

    /// Sends everything that is due now, once, and waits for it: for tests.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn round(&self) -> Result<()> {
        let mut sending = JoinSet::new();
        for lane in &self.channels.lanes {
            while self.begin(lane, 64, &mut sending).await? > 0 {}
        }
        while let Some(ended) = sending.join_next().await {
            ended?;
        }
        Ok(())
    }

    /// Claims up to `free` messages and lets them go; returns how many.
    async fn begin(&self, lane: &Arc<Lane>, free: usize, sending: &mut JoinSet<()>) -> Result<usize> {
        let now = self.desk.clock.now();
        let rests = self.wakes.get(&lane.name).map_or(0, |wake| wake.rests_until_ms.load(Ordering::Relaxed));
        if free == 0 || rests > now.millis() {
            return Ok(0);
        }
        let limit = i64::try_from(free).unwrap_or(i64::MAX);
        let until = now.plus(self.channels.claim);
        let claimed = self.desk.store.claim_deliveries(&lane.name, now, until, limit).await?;
        let edits = self.desk.store.claim_edits(&lane.name, limit).await?;
        let count = claimed.len() + edits.len();
        for claim in claimed {
            sending.spawn(self.clone().deliver(Arc::clone(lane), claim));
            if !lane.pace.is_zero() {
                tokio::time::sleep(lane.pace).await;
            }
        }
        for edit in edits {
            sending.spawn(self.clone().show_answer(edit));
        }
        Ok(count)
    }

    async fn deliver(self, lane: Arc<Lane>, claim: Claimed) {
        let attempt = match self.attempt(&lane, &claim).await {
            Ok(attempt) => attempt,
            Err(error) => {
                tracing::error!(alert.id = %claim.key.alert_id, "An alert cannot be read: {error:#}");
                self.failed(&lane, &claim, Failure::again("the store failed".into(), false))
            }
        };
        match &attempt {
            Attempt::Failed { error, .. } => {
                tracing::warn!(alert.id = %claim.key.alert_id, channel = %lane.name, "An alert did not go: {error}");
            }
            Attempt::Dead { error, .. } => {
                tracing::error!(alert.id = %claim.key.alert_id, channel = %lane.name, "Gave up an alert: {error}");
            }
            _ => {}
        }
        let now = self.desk.clock.now();
        if let Err(error) = self.desk.store.settle(&claim.key, &attempt, now).await {
            // The claim runs out, and the message goes once more and says so.
            tracing::error!(alert.id = %claim.key.alert_id, "What became of an alert is not noted: {error:#}");
            return;
        }
        if let Ok(Some(alert)) = self.desk.store.alert(&claim.key.alert_id).await
            && let Some(talk) = alert.conversation_id
        {
            self.desk.pipeline.changed(talk);
        }
    }

    async fn attempt(&self, lane: &Lane, claim: &Claimed) -> Result<Attempt> {
        let Some(facts) = self.facts(&claim.key.alert_id).await? else {
            return Ok(Attempt::Dropped("the alert is gone"));
        };
        let now = self.desk.clock.now();
        let mut to = String::new();
        let mut lang = Lang::Ru;
        if lane.personal {
            let Some((person, address)) = self.person(lane, claim).await? else {
                return Ok(Attempt::Dropped("the channel was turned off"));
            };
            let quiet = self.desk.store.quiet_hours(&person.id).await?.filter(|_| !facts.is_urgent());
            if let Some(until) = quiet.and_then(|hours| quiet_until(hours, &self.zone, now)) {
                return Ok(Attempt::Later(until));
            }
            if !facts.is_urgent() && self.had_enough(&claim.key, now).await? {
                return Ok(Attempt::Bundled);
            }
            (to, lang) = (address, Lang::of(&person.locale));
        }
        let words = Words::new(lang, self.zone.clone(), now.millis());
        let message = Message {
            to: &to,
            facts: &facts,
            words: &words,
            round: claim.key.round,
            repeat: claim.is_repeat(),
            at: now,
        };
        Ok(match self.channels.send(lane, &message).await {
            Ok(external) => Attempt::Sent(external),
            Err(failure) => self.failed(lane, claim, failure),
        })
    }

    /// Says whether a person had as many messages within the hour as the company allows.
    async fn had_enough(&self, key: &DeliveryKey, now: Timestamp) -> Result<bool> {
        let most = i64::from(self.desk.config.alert.most_per_hour);
        if most == 0 {
            return Ok(false);
        }
        let hour_ago = Timestamp::from_millis(now.millis().saturating_sub(3_600_000));
        Ok(self.desk.store.sent_since(&key.user_id, &key.channel, hour_ago).await? >= most)
    }

    /// Sends what was put together: one message a person and channel, with a line and a link for each alert. What fails
    /// is tried at the next look.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn send_bundles(&self) -> Result<()> {
        let now = self.desk.clock.now();
        let pause = Millis::minutes(u64::from(self.desk.config.alert.bundle_minutes));
        let before = Timestamp::from_millis(now.millis().saturating_sub_unsigned(pause.get()));
        for (user, channel) in self.desk.store.bundles_due(before).await? {
            let Some(lane) = self.channels.lane(&channel) else { continue };
            let claim = (&user, channel.as_str());
            let alerts = self.desk.store.claim_bundle(claim, now, now.plus(self.channels.claim)).await?;
            let Some((person, to)) = self.address(&user, &channel).await? else { continue };
            let words = Words::new(Lang::of(&person.locale), self.zone.clone(), now.millis());
            let mut lines = Vec::new();
            for id in &alerts {
                let Some(facts) = self.facts(id).await? else { continue };
                let note = facts.note(&words, 1, false);
                lines.push(format!("{}\n{}\n{}", note.title, note.about, note.link));
            }
            let subject = format!("{}: {}", words.t.m_bundle, alerts.len());
            match self.channels.say(lane, &to, (&subject, &lines.join("\n\n")), now).await {
                Ok(()) => self.desk.store.settle_bundle(claim, &alerts, now).await?,
                Err(failure) => {
                    tracing::warn!(channel = %lane.name, "A bundle of alerts did not go: {}", failure.what)
                }
            }
        }
        Ok(())
    }

    fn failed(&self, lane: &Lane, claim: &Claimed, failure: Failure) -> Attempt {
        let now = self.desk.clock.now();
        if let (Some(after), Some(wake)) = (failure.after, self.wakes.get(&lane.name)) {
            // The limit is the whole bot's or receiver's, not this message's.
            wake.rests_until_ms.fetch_max(now.plus(after).millis(), Ordering::Relaxed);
        }
        let Failure { what: error, again, uncertain, after } = failure;
        match next_try(claim.attempts, lane.personal, after, now).filter(|_| again) {
            Some(next) => Attempt::Failed { error, next, uncertain },
            None => Attempt::Dead { error, uncertain },
        }
    }

    /// Returns the person and their address, while both are in use.
    async fn person(&self, lane: &Lane, claim: &Claimed) -> Result<Option<(User, String)>> {
        self.address(&claim.key.user_id, &lane.name).await
    }

    async fn address(&self, user: &UserId, channel: &str) -> Result<Option<(User, String)>> {
        let Some(user) = self.desk.store.user(user).await?.filter(|user| user.active) else {
            return Ok(None);
        };
        let channels = self.desk.store.channels_of(&user.id).await?;
        let known = channels.into_iter().find(|known| known.active && known.channel == channel);
        Ok(known.map(|known| (user, known.address)))
    }

    /// Gathers what messages about an alert are made of.
    pub(super) async fn facts(&self, id: &AlertId) -> Result<Option<Facts>> {
        let store = &self.desk.store;
        let Some(alert) = store.alert(id).await? else { return Ok(None) };
        let grounds = match &alert.decision_id {
            Some(decision) => store.grounds(decision).await?,
            None => None,
        };
        let talk = match &alert.conversation_id {
            Some(talk) => store.conversation(talk).await?,
            None => None,
        };
        let case = match &alert.case_id {
            Some(case) => store.case(case).await?,
            None => None,
        };
        let config = &self.desk.config;
        let public = config.http.public();
        Ok(Some(Facts { alert, grounds, talk, case, public, words: config.alert.words }))
    }

    /// Shows in a message that was sent who has answered meanwhile. It is tried once: the message is old news.
    async fn show_answer(self, edit: Claimed) {
        if let Err(error) = self.try_show_answer(&edit).await {
            tracing::debug!(alert.id = %edit.key.alert_id, "A message was not changed: {error:#}");
        }
    }

    async fn try_show_answer(&self, edit: &Claimed) -> Result<()> {
        let (Some(bot), Some(message)) = (&self.channels.telegram, &edit.external) else { return Ok(()) };
        let lane = self.channels.lane(&edit.key.channel).context("the channel is gone")?;
        let Some((person, chat)) = self.person(lane, edit).await? else { return Ok(()) };
        let Some(facts) = self.facts(&edit.key.alert_id).await? else { return Ok(()) };
        let by = match &facts.alert.acknowledged_by {
            Some(by) => self.desk.store.user(by).await?.map(|user| user.name),
            None => return Ok(()),
        };
        let now = self.desk.clock.now().millis();
        let words = Words::new(Lang::of(&person.locale), self.zone.clone(), now);
        let note = facts.note(&words, edit.key.round, edit.key.round > 1);
        let when = words.moment(facts.alert.acknowledged_at_ms.unwrap_or(now));
        let text = format!("{}\n\n{}: {}, {when}", note.text(), words.t.m_taken, by.unwrap_or_default());
        let buttons = telegram::judging(&words, note.number);
        bot.edit(&chat, message, &text, &buttons).await.map_err(|failure| anyhow::anyhow!(failure.what))
    }
}
