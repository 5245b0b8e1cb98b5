//! What people answer to the Telegram bot: the code that links a chat, and the buttons under alerts. One node at a time
//! asks for it. Everything is done in the name of the linked person, with their permissions.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use gradus_engine::case::Action;
use gradus_engine::time::Millis;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::outbox::Outbox;
use super::telegram::{self, Telegram};
use super::ways::TELEGRAM;
use crate::auth::{May, Role, team_of};
use crate::authority::{self, GrantError};
use crate::desk::{Desk, digest};
use crate::password;
use crate::pipeline::ActError;
use crate::store::{AlertRow, CaseRow, StoreError, User, UserChannel, UserId, Verdict};
use crate::web::{Lang, Words};

/// How long Telegram holds a question for news.
const HOLD: Duration = Duration::from_secs(25);
/// The pause after an answer without news: a server that does not hold questions is not asked without end.
const PAUSE: Duration = Duration::from_millis(300);
/// The pause after a failure.
const REST: Duration = Duration::from_secs(3);
/// How long the node that asks keeps the right to.
const LEASE: Millis = Millis::seconds(240);
/// A question, its answer and what follows take less than this.
const LEASE_LEFT_MS: i64 = 180_000;
/// Where the number of the last answer is kept.
const LAST: &str = "telegram.last_update";
/// How long a code that links a chat is good.
pub const LINK_TIME: Millis = Millis::minutes(15);

/// Makes a code that links a chat to a person, once.
///
/// # Errors
/// When the store or the random numbers fail.
pub async fn link_code(desk: &Desk, user: &UserId) -> Result<String> {
    let code: String = password::token()?.chars().take(32).collect();
    let expires = desk.clock.now().plus(LINK_TIME);
    desk.store.add_link_code(&digest(code.as_bytes()), user, expires).await?;
    Ok(code)
}

/// The bot's ear.
#[derive(Clone)]
pub struct Bot {
    desk: Desk,
    api: Arc<Telegram>,
    outbox: Outbox,
    zone: jiff::tz::TimeZone,
    holder: String,
    held_until_ms: Arc<AtomicI64>,
}

/// Somebody who pressed a button.
struct Tapper {
    user: User,
    role: Role,
    words: Words,
}

impl Bot {
    /// Makes the bot's ear.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn new(desk: Desk, api: Arc<Telegram>, outbox: Outbox, zone: jiff::tz::TimeZone) -> Result<Self> {
        let holder: String = password::token()?.chars().take(16).collect();
        Ok(Self { desk, api, outbox, zone, holder, held_until_ms: Arc::default() })
    }

    /// Asks for what people answer until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let pause = tokio::select! {
                () = stop.cancelled() => break,
                heard = self.listen() => match heard {
                    Ok(0) => PAUSE,
                    Ok(_) => Duration::ZERO,
                    Err(error) => {
                        tracing::warn!("The Telegram bot hears nothing: {error:#}");
                        REST
                    }
                },
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        if let Err(error) = self.desk.store.release(TELEGRAM, &self.holder).await {
            tracing::debug!("The lease of the Telegram bot runs out by itself: {error:#}");
        }
    }

    /// Takes in one answer of Telegram; returns how many things people did.
    ///
    /// # Errors
    /// When Telegram or the store fails.
    pub async fn listen(&self) -> Result<usize> {
        if !self.has_lease().await? {
            // Another node asks; it is looked at again after a pause.
            tokio::time::sleep(REST).await;
            return Ok(0);
        }
        let last: i64 = self.desk.store.setting(LAST).await?.unwrap_or(0);
        let question = json!({
            "offset": last + 1, "timeout": HOLD.as_secs(), "allowed_updates": ["message", "callback_query"],
        });
        let told = self.api.call("getUpdates", &question, HOLD).await;
        let told = told.map_err(|failure| anyhow::anyhow!(failure.what))?;
        let updates = told.as_array().cloned().unwrap_or_default();
        for update in &updates {
            // Whatever is in it, it is not asked for again: one that breaks would be in the way of all others.
            if let Err(error) = self.take(update).await {
                tracing::error!("An answer in Telegram was not taken in: {error:#}");
            }
            if let Some(number) = update["update_id"].as_i64() {
                self.desk.store.set(LAST, &number, self.desk.clock.now()).await?;
            }
        }
        Ok(updates.len())
    }

    /// Keeps the right to ask; it is renewed when less is left of it than a question may take.
    async fn has_lease(&self) -> Result<bool> {
        let now = self.desk.clock.now();
        let left = self.held_until_ms.load(Ordering::Relaxed) - now.millis();
        if left > LEASE_LEFT_MS {
            return Ok(true);
        }
        let until = now.plus(LEASE);
        let held = self.desk.store.lease(TELEGRAM, &self.holder, now, until).await?;
        self.held_until_ms.store(if held { until.millis() } else { 0 }, Ordering::Relaxed);
        Ok(held)
    }

    async fn take(&self, update: &Value) -> Result<()> {
        let query = &update["callback_query"];
        if query.is_object() {
            return self.tapped(query).await;
        }
        let message = &update["message"];
        let (Some(text), Some(chat)) = (message["text"].as_str(), message["chat"]["id"].as_i64()) else {
            return Ok(());
        };
        // In a group everybody would read the alerts of one person.
        if message["chat"]["type"] == json!("private") && text.starts_with("/start") {
            let code = text.trim_start_matches("/start").trim();
            return self.started(chat, code).await;
        }
        Ok(())
    }

    async fn started(&self, chat: i64, code: &str) -> Result<()> {
        let now = self.desk.clock.now();
        let chat = chat.to_string();
        let user = match self.desk.store.take_link_code(&digest(code.as_bytes()), now).await? {
            Some(id) => self.desk.store.user(&id).await?.filter(|user| user.active),
            None => None,
        };
        let Some(user) = user else {
            return self.say(&chat, self.words(Lang::Ru).t.tg_no_code).await;
        };
        let channel = UserChannel {
            user_id: user.id.clone(),
            channel: TELEGRAM.to_owned(),
            address: chat.clone(),
            active: true,
        };
        self.desk.store.set_channel(&channel, now).await?;
        let store = &self.desk.store;
        store.audit(now, &user.id.0, "channel.link", &format!("user:{}", user.id), TELEGRAM).await?;
        let words = self.words(Lang::of(&user.locale));
        self.say(&chat, &format!("{}: {}", words.t.tg_linked, user.name)).await
    }

    async fn say(&self, chat: &str, text: &str) -> Result<()> {
        self.api.say(chat, text).await.map_err(|failure| anyhow::anyhow!(failure.what))
    }

    fn words(&self, lang: Lang) -> Words {
        Words::new(lang, self.zone.clone(), self.desk.clock.now().millis())
    }

    /// Somebody pressed a button. The answer is shown to them in any case, or the button spins for a minute.
    async fn tapped(&self, query: &Value) -> Result<()> {
        let done = self.do_tapped(query).await;
        let text = match &done {
            Ok(text) => text.as_str(),
            Err(_) => self.words(Lang::Ru).t.err_broken,
        };
        let body = json!({"callback_query_id": query["id"], "text": text});
        if let Err(failure) = self.api.call("answerCallbackQuery", &body, Duration::ZERO).await {
            tracing::debug!("A button got no answer: {}", failure.what);
        }
        done.map(|_| ())
    }

    async fn do_tapped(&self, query: &Value) -> Result<String> {
        let Some(tapper) = self.tapper(query).await? else {
            return Ok(self.words(Lang::Ru).t.tg_stranger.to_owned());
        };
        let t = tapper.words.t;
        let mut parts = query["data"].as_str().unwrap_or_default().splitn(3, ':');
        let (what, number) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let alert = match number.parse::<i64>() {
            Ok(number) => self.desk.store.alert_by_number(number).await?,
            Err(_) => None,
        };
        let case = match alert.as_ref().and_then(|alert| alert.case_id.as_ref()) {
            Some(case) => self.desk.store.case(case).await?,
            None => None,
        };
        let team = team_of(&tapper.user, tapper.role);
        let seen = case.filter(|case| team.is_none_or(|team| case.team.as_deref() == Some(team)));
        if let (Some(alert), "allow" | "refuse") = (&alert, what) {
            return self.approve(&tapper, alert, what == "allow").await;
        }
        let (Some(alert), Some(case)) = (alert, seen) else { return Ok(t.err_not_found.to_owned()) };
        if !tapper.role.may(May::Act) {
            return Ok(t.err_forbidden.to_owned());
        }
        match what {
            "accept" => self.accept(&tapper, &alert, &case).await,
            "snooze" => self.snooze(&tapper, &alert).await,
            "right" => self.judge(&tapper, query, &alert, Verdict::Right, None).await,
            "wrong" => self.judge(&tapper, query, &alert, Verdict::Wrong, None).await,
            "why" => self.judge(&tapper, query, &alert, Verdict::Wrong, parts.next()).await,
            _ => Ok(t.err_wrong.to_owned()),
        }
    }

    /// Returns the person who pressed: the one to whom the chat with this account of Telegram is linked.
    async fn tapper(&self, query: &Value) -> Result<Option<Tapper>> {
        let Some(account) = query["from"]["id"].as_i64() else { return Ok(None) };
        let Some(id) = self.desk.store.user_of_chat(&account.to_string()).await? else { return Ok(None) };
        let Some(user) = self.desk.store.user(&id).await?.filter(|user| user.active) else { return Ok(None) };
        let Ok(role) = user.role.parse() else { return Ok(None) };
        let words = self.words(Lang::of(&user.locale));
        Ok(Some(Tapper { user, role, words }))
    }

    async fn accept(&self, tapper: &Tapper, alert: &AlertRow, case: &CaseRow) -> Result<String> {
        let t = tapper.words.t;
        if alert.topic != "case" && alert.acknowledged_at_ms.is_none() {
            self.desk.saw(&tapper.user.id, alert).await?;
            return Ok(t.tg_accepted.to_owned());
        }
        if alert.acknowledged_at_ms.is_some() || case.state != "open" {
            let by = alert.acknowledged_by.as_ref().or(case.owner_id.as_ref());
            let name = match by {
                Some(by) => self.desk.store.user(by).await?.map(|user| user.name),
                None => None,
            };
            return Ok(format!("{}: {}", t.m_taken, name.unwrap_or_else(|| t.nobody.to_owned())));
        }
        match self.desk.act(&tapper.user.id, case, Action::Acknowledge).await {
            Ok(()) => Ok(t.tg_accepted.to_owned()),
            Err(ActError::Refused(_) | ActError::NoCase) => Ok(t.err_refused.to_owned()),
            Err(ActError::Broken(error)) => Err(error),
        }
    }

    /// Answers a request for leave.
    async fn approve(&self, tapper: &Tapper, alert: &AlertRow, allow: bool) -> Result<String> {
        let t = tapper.words.t;
        if !tapper.role.may(May::Act) {
            return Ok(t.err_forbidden.to_owned());
        }
        let id = alert.id.as_str().strip_suffix("-alert").unwrap_or_default();
        let request = self.desk.store.grant(id).await?;
        let talk = match request.as_ref().and_then(|request| request.conversation_id.as_ref()) {
            Some(talk) => self.desk.store.conversation(talk).await?,
            None => None,
        };
        let team = team_of(&tapper.user, tapper.role);
        let seen = talk.is_some_and(|talk| team.is_none_or(|team| talk.team.as_deref() == Some(team)));
        let Some(request) = request.filter(|_| seen) else { return Ok(t.err_not_found.to_owned()) };
        match authority::answer(&self.desk, &tapper.user, &request, allow, None).await {
            Ok(()) if allow => Ok(t.g_approved_entry.to_owned()),
            Ok(()) => Ok(t.g_refused_entry.to_owned()),
            Err(GrantError::BeyondAnswerer(_)) => Ok(t.g_beyond.to_owned()),
            Err(GrantError::Store(StoreError::Refused(_) | StoreError::Conflict(_))) => {
                Ok(t.m_over.to_owned())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn snooze(&self, tapper: &Tapper, alert: &AlertRow) -> Result<String> {
        let t = tapper.words.t;
        match self.desk.snooze(&tapper.user.id, alert).await? {
            Some(until) => Ok(format!("{} {}", t.m_snoozed, tapper.words.moment(until.millis()))),
            None => Ok(t.m_over.to_owned()),
        }
    }

    async fn judge(
        &self,
        tapper: &Tapper,
        query: &Value,
        alert: &AlertRow,
        verdict: Verdict,
        reason: Option<&str>,
    ) -> Result<String> {
        let words = &tapper.words;
        let known = telegram::reasons(words);
        let reason = reason.and_then(|name| known.into_iter().find(|(known, _)| *known == name));
        self.desk.judge(&tapper.user.id, alert, verdict, reason.map(|(name, _)| name)).await?;
        // One tap is the word; the second, which is not required, is why.
        let number = alert.number.unwrap_or(0);
        let buttons = match (verdict, reason) {
            (Verdict::Wrong, None) => telegram::doubting(words, number),
            _ if alert.acknowledged_at_ms.is_some() => telegram::judging(words, number),
            _ => telegram::waiting(words, number),
        };
        let message = &query["message"];
        let place = message["message_id"].as_i64().zip(message["chat"]["id"].as_i64());
        if let Some((message, chat)) = place {
            let facts = self.outbox.facts(&alert.id).await?.context("the alert is gone")?;
            let said = if verdict == Verdict::Right { words.t.v_right } else { words.t.v_wrong };
            let why = reason.map(|(_, title)| format!(": {title}")).unwrap_or_default();
            let text = format!("{}\n\n{said}{why}", facts.note(words, 1, false).text());
            let changed = self.api.edit(&chat.to_string(), &message.to_string(), &text, &buttons).await;
            if let Err(failure) = changed {
                tracing::debug!("A message was not changed: {}", failure.what);
            }
        }
        Ok(words.t.tg_thanks.to_owned())
    }
}
