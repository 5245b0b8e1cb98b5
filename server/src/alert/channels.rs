//! The channels of this company, each a lane of its own in the outbox: one that hangs delays no other.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gradus_engine::time::{Millis, Timestamp};
use serde_json::json;

use super::Failure;
use super::address::Target;
use super::http::{Answer, Client};
use super::mail::Mail;
use super::message::Facts;
use super::telegram::Telegram;
use super::ways::{EMAIL, TELEGRAM, company};
use super::webhook::Key;
use crate::config::{Config, Webhook, WebhookKind};
use crate::web::Words;

/// Messages on their way at once in a lane.
const WIDTH: usize = 8;
/// Telegram takes about thirty messages a second.
const TELEGRAM_PACE: Duration = Duration::from_millis(40);

/// A channel with a lane of its own.
pub struct Lane {
    /// Its name in the outbox.
    pub name: String,
    /// Whether it reaches people, each at an address of their own.
    pub personal: bool,
    /// How many messages may be on their way at once.
    pub width: usize,
    /// The least time between two messages.
    pub pace: Duration,
    kind: Kind,
}

enum Kind {
    Mail(Box<Mail>),
    Telegram(Arc<Telegram>),
    Signed { target: Target, key: Key },
    Room { target: Target, slack: bool },
}

/// The channels of this company.
pub struct Channels {
    /// Their lanes.
    pub lanes: Vec<Arc<Lane>>,
    /// The bot, when there is one.
    pub telegram: Option<Arc<Telegram>>,
    /// How long a claimed message is left to the node that claimed it.
    pub claim: Millis,
    client: Client,
    within: Duration,
}

/// One message of an alert to somebody.
pub struct Message<'a> {
    /// To which address; empty for the company's own channels.
    pub to: &'a str,
    /// What it is about.
    pub facts: &'a Facts,
    /// The words of the reader.
    pub words: &'a Words,
    /// How often the alert was given to them.
    pub round: i64,
    /// Whether it may have been told before.
    pub repeat: bool,
    /// Now.
    pub at: Timestamp,
}

impl Channels {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub fn open(config: &Config) -> Result<Self> {
        let alert = &config.alert;
        ensure!((1..=120).contains(&alert.timeout_seconds), "alert.timeout_seconds: 1 to 120");
        let within = Duration::from_secs(u64::from(alert.timeout_seconds));
        let client = Client::new(&alert.authorities, alert.allow_private)?;
        let mut lanes = Vec::new();
        if !config.mail.server.is_empty() {
            let mail = Mail::open(&config.mail, &alert.authorities, within)?;
            lanes.push(Lane::new(EMAIL, true, Kind::Mail(Box::new(mail))));
        }
        let mut telegram = None;
        if !config.telegram.token.is_empty() {
            let bot = Telegram::open(&config.telegram, client.clone(), alert.allow_private, within)?;
            let bot = Arc::new(bot);
            let lane = Lane::new(TELEGRAM, true, Kind::Telegram(Arc::clone(&bot)));
            lanes.push(Lane { pace: TELEGRAM_PACE, ..lane });
            telegram = Some(bot);
        }
        for hook in &alert.webhooks {
            let lane = of_company(hook, alert.allow_private)
                .with_context(|| format!("alert.webhooks: {}", hook.name))?;
            ensure!(
                lanes.iter().all(|known| known.name != lane.name),
                "alert.webhooks: two are called {}",
                hook.name
            );
            lanes.push(lane);
        }
        // Reaching a server and waiting for it both have their limit; a claim outlasts them.
        let claim = Millis::seconds(2 * u64::from(alert.timeout_seconds) + 10);
        Ok(Self { lanes: lanes.into_iter().map(Arc::new).collect(), telegram, claim, client, within })
    }

    /// Returns the lane of a channel.
    pub fn lane(&self, name: &str) -> Option<&Arc<Lane>> {
        self.lanes.iter().find(|lane| lane.name == name)
    }

    /// Sends a message; returns its name at the other side, where it has one.
    ///
    /// # Errors
    /// Says whether it is worth another try.
    pub async fn send(&self, lane: &Lane, message: &Message<'_>) -> Result<Option<String>, Failure> {
        let Message { to, facts, words, round, repeat, at } = message;
        let note = || facts.note(words, *round, *repeat);
        match &lane.kind {
            Kind::Mail(mail) => mail.send(to, &note(), words, *at).await.map(|()| None),
            Kind::Telegram(bot) => bot.send(to, &note(), words).await,
            Kind::Signed { target, key } => {
                let body = facts.event(*at, *round, *repeat).to_string();
                let id = format!("alert-{}-{round}", facts.alert.number.unwrap_or(0));
                self.post(target, &key.headers(&id, *at, &body), body).await
            }
            Kind::Room { target, slack } => self.post(target, &[], room(&note().markdown(), *slack)).await,
        }
    }

    /// Says something to a person that is about no single alert; the company's own channels are not for that.
    ///
    /// # Errors
    /// Says what went wrong.
    pub async fn say(
        &self,
        lane: &Lane,
        to: &str,
        (subject, text): (&str, &str),
        at: Timestamp,
    ) -> Result<(), Failure> {
        match &lane.kind {
            Kind::Mail(mail) => mail.say(to, subject, text, at).await,
            Kind::Telegram(bot) => bot.say(to, &format!("{subject}\n\n{text}")).await,
            Kind::Signed { .. } | Kind::Room { .. } => {
                Err(Failure::never(format!("{} reaches no person", lane.name)))
            }
        }
    }

    /// Sends a letter of HTML with a file, by the company's mail server.
    ///
    /// # Errors
    /// Says what went wrong; also that there is no mail server.
    pub async fn letter(
        &self,
        to: &str,
        subject: &str,
        html: String,
        file: (&str, Vec<u8>),
        at: Timestamp,
    ) -> Result<(), Failure> {
        match self.lane(EMAIL).map(|lane| &lane.kind) {
            Some(Kind::Mail(mail)) => mail.letter(to, subject, html, file, at).await,
            _ => Err(Failure::never("mail.server: there is none: set up [mail]".to_owned())),
        }
    }

    /// Sends a message that shows that messages arrive.
    ///
    /// # Errors
    /// Says what went wrong.
    pub async fn test(&self, lane: &Lane, to: &str, words: &Words, at: Timestamp) -> Result<(), Failure> {
        match &lane.kind {
            Kind::Mail(mail) => mail.test(to, words, at).await,
            Kind::Telegram(bot) => bot.say(to, words.t.m_test_body).await,
            Kind::Signed { target, key } => {
                let timestamp =
                    jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default().to_string();
                let body = json!({"type": "test", "timestamp": timestamp, "data": {}}).to_string();
                let id = format!("test-{}", at.millis());
                self.post(target, &key.headers(&id, at, &body), body).await.map(|_| ())
            }
            Kind::Room { target, slack } => {
                self.post(target, &[], room(words.t.m_test_body, *slack)).await.map(|_| ())
            }
        }
    }

    async fn post(
        &self,
        target: &Target,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Option<String>, Failure> {
        let answer = self.client.post(target, headers, body, self.within).await;
        let answer = answer.map_err(|error| Failure::again(error.what, error.uncertain))?;
        taken(&target.host, &answer).map(|()| None)
    }
}

impl Lane {
    fn new(name: &str, personal: bool, kind: Kind) -> Self {
        Self { name: name.to_owned(), personal, width: WIDTH, pace: Duration::ZERO, kind }
    }
}

fn of_company(hook: &Webhook, allow_private: bool) -> Result<Lane> {
    let known = |sign: char| sign.is_alphanumeric() || "-_. ".contains(sign);
    ensure!(!hook.name.is_empty() && hook.name.chars().all(known), "name: letters, digits, hyphens");
    let target = Target::parse(hook.url.reveal(), allow_private).context("url")?;
    let kind = match hook.kind {
        WebhookKind::Standard => Kind::Signed { target, key: Key::parse(&hook.secret).context("secret")? },
        WebhookKind::Mattermost => Kind::Room { target, slack: false },
        WebhookKind::Slack => Kind::Room { target, slack: true },
    };
    Ok(Lane::new(&company(&hook.name), false, kind))
}

fn room(text: &str, slack: bool) -> String {
    let text = if slack {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    } else {
        text.to_owned()
    };
    json!({"text": text}).to_string()
}

/// Says whether the receiver of a webhook took a message.
fn taken(host: &str, answer: &Answer) -> Result<(), Failure> {
    let status = answer.status;
    match status {
        200..=299 => Ok(()),
        300..=399 => Err(Failure::never(format!("{host}: {status}, it moved; redirects are not followed"))),
        410 => Err(Failure::never(format!("{host}: 410, it wants no more messages"))),
        _ => {
            let after = answer.retry_after_s.map(Millis::seconds);
            Err(Failure { after, ..Failure::again(format!("{host}: {status}"), status >= 500) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(variables: &[(&str, &str)]) -> Result<Channels> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Channels::open(&Config::from(None, variables)?)
    }

    #[test]
    fn wrong_settings_stop_the_start_with_the_name_of_their_key_and_without_a_secret() {
        let mail = ("GRADUS_MAIL__SERVER", "mail.example.ru");
        for (variables, key) in [
            (vec![mail], "mail.from"),
            (vec![("GRADUS_TELEGRAM__TOKEN", "1:a/../b")], "telegram.token"),
            (vec![("GRADUS_TELEGRAM__TOKEN", "1:a"), ("GRADUS_TELEGRAM__API", "http://x")], "telegram.api"),
            (vec![("GRADUS_ALERT__TIMEOUT_SECONDS", "0")], "alert.timeout_seconds"),
            (
                vec![(
                    "GRADUS_ALERT__WEBHOOKS",
                    r#"[{name="crm",url="https://x/se-cret",secret="se-cret"}]"#,
                )],
                "crm",
            ),
            (
                vec![
                    mail,
                    ("GRADUS_MAIL__FROM", "a@example.ru"),
                    ("GRADUS_MAIL__SECURITY", "none"),
                    ("GRADUS_MAIL__USER", "a"),
                ],
                "mail.security",
            ),
        ] {
            let error = format!("{:#}", open(&variables).err().unwrap());
            assert!(error.contains(key) && !error.contains("se-cret"), "{error}");
        }
        assert!(open(&[]).unwrap().lanes.is_empty());
    }

    #[test]
    fn statuses_of_receivers_are_told_apart() {
        let told = |status| taken("x", &Answer { status, retry_after_s: Some(7), body: bytes::Bytes::new() });
        assert!(told(204).is_ok());
        for never in [301, 410] {
            assert!(!told(never).unwrap_err().again);
        }
        let busy = told(429).unwrap_err();
        assert_eq!((busy.again, busy.uncertain, busy.after), (true, false, Some(Millis::seconds(7))));
        assert!(told(502).unwrap_err().uncertain);
    }
}
