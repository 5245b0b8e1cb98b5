//! Configuration: defaults compiled in, a file, and variables of the environment, in this order.
//!
//! This is the only place that reads the environment. A bad value stops the start with the name of its key.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gradus_engine::time::Timestamp;
use serde::Deserialize;
use toml::{Table, Value};

pub use crate::secret::Secret;

/// All that can be configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Pages and API.
    pub http: Http,
    /// Where things are kept.
    pub store: Store,
    /// Recognition.
    pub speech: Speech,
    /// What is assumed of conversations.
    pub conversation: Conversation,
    /// Where recordings appear.
    pub recordings: Recordings,
    /// Live sound from an exchange.
    pub live: Live,
    /// Where an exchange sends callers.
    pub route: Route,
    /// How signals are noticed.
    pub notice: Notice,
    /// Practice.
    pub practice: Practice,
    /// Quality cards.
    pub quality: Quality,
    /// The weekly report by letter.
    pub report: Report,
    /// The complaint form.
    pub complaint: ComplaintForm,
    /// Signing in.
    pub session: Session,
    /// Alerts beyond the pages.
    pub alert: Alert,
    /// Letters.
    pub mail: Mail,
    /// The company's bot.
    pub telegram: Telegram,
}

/// Pages and API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port.
    pub listen: String,
    /// Certificate chain in PEM, empty for none.
    pub certificate: String,
    /// Private key in PEM, empty for none.
    pub key: String,
    /// Largest upload, megabytes.
    pub upload_mb: u32,
    /// Address under which people open the pages, empty for the one that is listened on.
    pub url: String,
}

impl Http {
    /// Returns what links from outside begin with, without a slash at the end.
    pub fn public(&self) -> String {
        if self.url.is_empty() {
            let scheme = if self.certificate.is_empty() { "http" } else { "https" };
            return format!("{scheme}://{}", self.listen);
        }
        self.url.trim_end_matches('/').to_owned()
    }
}

/// Where things are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Address of the database; may hold a password.
    pub url: Secret,
    /// Folder of the recordings.
    pub recordings: PathBuf,
}

/// Recognition.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speech {
    /// Folder of the models.
    pub models: PathBuf,
    /// Model for recordings.
    pub model: String,
    /// The agent's channel.
    pub agent_channel: usize,
    /// Threads, 0 for as many as cores.
    pub threads: usize,
}

impl Speech {
    /// Returns the number of recognition threads.
    pub fn workers(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        }
    }
}

/// What is assumed of conversations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// Zone of times without an offset.
    pub timezone: String,
    /// `customer` or `agent`.
    pub first_party: String,
    /// Hours before an import after which a decision is history.
    pub history_after_hours: u32,
    /// Protocol file, empty for the built-in one.
    pub protocol: String,
}

impl Conversation {
    /// Returns the protocol file, when there is one.
    pub fn protocol_file(&self) -> Option<&Path> {
        (!self.protocol.is_empty()).then(|| Path::new(&self.protocol))
    }

    /// Returns the moment before which decisions are history to what is imported `now`.
    pub fn history_before(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.millis().saturating_sub(i64::from(self.history_after_hours) * 3_600_000))
    }

    /// Returns what the readers assume.
    ///
    /// # Errors
    /// When the time zone or the party is unknown; the key is named.
    pub fn defaults(&self) -> Result<crate::intake::Defaults> {
        let zone = jiff::tz::TimeZone::get(&self.timezone).with_context(|| {
            format!(
                "conversation.timezone: unknown time zone \"{}\", write one such as Europe/Moscow",
                self.timezone
            )
        })?;
        let first_party = self.first_party.parse().context("conversation.first_party: customer or agent")?;
        Ok(crate::intake::Defaults { zone, first_party })
    }
}

/// Names of the exchange's queues.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Where callers go usually.
    pub usual: String,
    /// Where callers go who are marked.
    pub conflict: String,
    /// Where strategic customers go.
    pub strategic: String,
}

/// Where recordings appear, and how their queue works.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recordings {
    /// Folders that are watched.
    pub folders: Vec<PathBuf>,
    /// Seconds between two looks.
    pub every_seconds: u32,
    /// Seconds for which a file has to stand still.
    pub still_seconds: u32,
    /// Pattern of file names, empty for none.
    pub names: String,
    /// Minutes until what failed is tried again.
    pub retry_minutes: u32,
    /// Attempts before it is given up.
    pub attempts: u32,
    /// Bucket of an object storage, empty for none.
    pub bucket: String,
    /// What the names in the bucket begin with.
    pub prefix: String,
    /// Address of the storage, empty for that of AWS.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// Name of the access key.
    pub key_id: String,
    /// The access key.
    pub secret: Secret,
}

/// Live sound from an exchange.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// Address and port of AudioSocket, empty for none.
    pub audiosocket: String,
    /// Addresses and networks that may connect to AudioSocket, separated by commas.
    pub allow: String,
    /// Whether streams that nobody announced are taken.
    pub unregistered: bool,
    /// How long a stream waits for its announcement, in ms.
    pub wait_ms: u64,
    /// Most streams at a time.
    pub max_streams: usize,
}

impl Live {
    /// Returns the networks that may connect.
    ///
    /// # Errors
    /// Names the one that is none.
    pub fn allowed(&self) -> Result<Vec<ipnet::IpNet>> {
        let names = self.allow.split(',').map(str::trim).filter(|name| !name.is_empty());
        names
            .map(|name| {
                let address = name.parse::<std::net::IpAddr>().map(ipnet::IpNet::from);
                address.or_else(|_| name.parse()).map_err(|_| {
                    anyhow::anyhow!(
                        "live.allow: \"{name}\" is neither an address nor a network such as 10.0.0.0/8"
                    )
                })
            })
            .collect()
    }
}

/// How signals are noticed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Folder of rule files, empty for those that ship with the product.
    pub rules: String,
}

impl Notice {
    /// Returns the folder of the company's own rules, when there is one.
    pub fn rules_folder(&self) -> Option<&Path> {
        (!self.rules.is_empty()).then(|| Path::new(&self.rules))
    }
}

/// The complaint form for any employee.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintForm {
    /// What its link ends with; empty: no form.
    pub key: Secret,
    /// Complaints an hour from one address of the network; more are asked to wait.
    pub per_hour: u32,
}

/// The weekly report by letter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Who gets it.
    pub to: Vec<Recipient>,
    /// The day of the week, such as `monday`.
    pub weekday: String,
    /// The hour, 0–23.
    pub hour: u8,
}

/// Somebody who gets the weekly report.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Their address.
    pub address: String,
    /// `ru` or `en`.
    #[serde(default = "russian")]
    pub language: String,
    /// Their time zone; empty for the company's.
    #[serde(default)]
    pub timezone: String,
    /// The team it is of; empty for all.
    #[serde(default)]
    pub team: String,
}

fn russian() -> String {
    "ru".to_owned()
}

impl Recipient {
    /// Returns their time zone.
    ///
    /// # Errors
    /// Names the key of an unknown one.
    pub fn zone(&self, company: &str) -> Result<jiff::tz::TimeZone> {
        let name = if self.timezone.is_empty() { company } else { self.timezone.as_str() };
        jiff::tz::TimeZone::get(name).with_context(|| {
            format!("report.to: unknown time zone \"{name}\", write one such as Europe/Moscow")
        })
    }
}

/// Practice.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Practice {
    /// Folder of the company's own scenarios, empty for none.
    pub folder: String,
}

/// Quality cards.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Folder of the company's own forms, empty for none.
    pub folder: String,
    /// How many conversations of each agent are drawn in a week, 1–50.
    pub per_agent: u32,
}

/// Signing in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Hours without use after which a sign-in ends.
    pub hours: u32,
}

/// Alerts beyond the pages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// Whether the protocol decides without calling anybody.
    pub shadow: bool,
    /// Whether messages carry the customer's name and words.
    pub words: bool,
    /// Minutes after which what was said calls nobody beyond the pages.
    pub fresh_minutes: u32,
    /// Minutes for which an alert rests for a person.
    pub snooze_minutes: u32,
    /// Messages a person gets by a channel within an hour before the rest is put together; 0 without a limit.
    pub most_per_hour: u32,
    /// Minutes after which what was put together is sent.
    pub bundle_minutes: u32,
    /// Seconds a server outside may take.
    pub timeout_seconds: u32,
    /// Whether addresses may be on private networks.
    pub allow_private: bool,
    /// Further certificate authorities, PEM file.
    pub authorities: String,
    /// The company's own channels.
    pub webhooks: Vec<Webhook>,
}

/// A channel of the company.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// How pages call it.
    pub name: String,
    /// What it understands.
    #[serde(default)]
    pub kind: WebhookKind,
    /// Where it is; of incoming webhooks this is the key as well.
    pub url: Secret,
    /// The key of signatures.
    #[serde(default)]
    pub secret: Secret,
}

/// What a channel of the company understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookKind {
    /// Signed JSON by the Standard Webhooks scheme.
    #[default]
    Standard,
    /// The incoming webhook of a Mattermost channel.
    Mattermost,
    /// The incoming webhook of a Slack channel.
    Slack,
}

/// Letters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The server, empty for none.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// `starttls`, `tls` or `none`.
    pub security: MailSecurity,
    /// Who signs in there, empty for nobody.
    pub user: String,
    /// Their password.
    pub password: Secret,
    /// The sender.
    pub from: String,
}

/// How a connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// TLS is required after the greeting.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None.
    None,
}

/// The company's bot.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telegram {
    /// Its token, empty for none.
    pub token: Secret,
    /// Where the Bot API is.
    pub api: String,
}

/// The defaults, with a comment for every key.
pub const DEFAULTS: &str = include_str!("config.default.toml");

/// Keys that hold secrets: each may also be given as `…_file`, the file that holds it.
const SECRETS: &[(&str, &str)] = &[("store", "url"), ("recordings", "secret")];

impl Config {
    /// Reads the configuration of this process.
    ///
    /// # Errors
    /// Names the file or the key that is wrong.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn load() -> Result<Self> {
        let file = std::env::var_os("GRADUS_CONFIG").map(PathBuf::from);
        let variables = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        Self::from(file.as_deref(), variables)
    }

    /// Reads the configuration from a file and variables.
    ///
    /// # Errors
    /// Names the file or the key that is wrong.
    pub fn from(file: Option<&Path>, variables: impl Iterator<Item = (String, String)>) -> Result<Self> {
        let mut table: Table = DEFAULTS.parse().context("the built-in defaults")?;
        if let Some(path) = file {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let mut over: Table = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
            read_secrets(&mut over)?;
            merge(&mut table, over);
        }
        for (name, value) in variables {
            if let Some(key) = name.strip_prefix("GRADUS_").filter(|key| key.contains("__")) {
                set(&mut table, &key.to_lowercase(), &value).with_context(|| name.clone())?;
            }
        }
        table.try_into().context("the configuration is wrong")
    }
}

/// Returns a variable of the environment that a command was told to read.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Puts the contents of the files of secrets in the place of their names.
fn read_secrets(table: &mut Table) -> Result<()> {
    for (section, key) in SECRETS {
        let Some(keys) = table.get_mut(*section).and_then(Value::as_table_mut) else { continue };
        let named = format!("{key}_file");
        let Some(file) = keys.remove(&named) else { continue };
        if keys.contains_key(*key) {
            bail!("{section}.{key} and {section}.{named}: give one of them");
        }
        let file = file.as_str().with_context(|| format!("{section}.{named} is no text"))?;
        keys.insert((*key).to_owned(), Value::String(secret_of(&format!("{section}.{named}"), file)?));
    }
    Ok(())
}

/// Reads a secret from its file; the end of its line is not a part of it.
fn secret_of(key: &str, file: &str) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{key}: cannot read {file}"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn merge(into: &mut Table, over: Table) {
    for (key, value) in over {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => merge(inner, value),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Sets `section__key` to a value of the same type as the default.
fn set(table: &mut Table, key: &str, text: &str) -> Result<()> {
    let Some((section, name)) = key.split_once("__") else { bail!("write it as GRADUS_SECTION__KEY") };
    let of_file = SECRETS.iter().find(|(known, key)| {
        *known == section && name.strip_suffix("_file").is_some_and(|name| name == *key)
    });
    if let Some((section, key)) = of_file {
        return set(table, &format!("{section}__{key}"), &secret_of(&format!("{section}.{name}"), text)?);
    }
    let place =
        table.get_mut(section).and_then(Value::as_table_mut).and_then(|section| section.get_mut(name));
    let Some(place) = place else {
        bail!("there is no key {section}.{name}: config.default.toml lists all of them")
    };
    *place = match place {
        Value::Integer(_) => {
            Value::Integer(text.parse().with_context(|| format!("\"{text}\" is no whole number"))?)
        }
        Value::Boolean(_) => {
            Value::Boolean(text.parse().with_context(|| format!("\"{text}\" is neither true nor false"))?)
        }
        Value::Array(_) => {
            let list: Table = format!("list = {text}").parse().context("this is no list in TOML")?;
            list.get("list").cloned().unwrap_or(Value::Array(Vec::new()))
        }
        _ => Value::String(text.to_owned()),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Result<Config> {
        Config::from(None, std::iter::once((name.to_owned(), value.to_owned())))
    }

    #[test]
    fn variables_override_defaults_and_bad_ones_are_named() {
        assert_eq!(with("GRADUS_SPEECH__THREADS", "3").map(|config| config.speech.threads).ok(), Some(3));
        let wrong = format!("{:#}", with("GRADUS_SPEECH__THREADS", "many").unwrap_err());
        assert!(wrong.contains("GRADUS_SPEECH__THREADS") && wrong.contains("whole number"), "{wrong}");
        let unknown = format!("{:#}", with("GRADUS_SPEECH__THREDS", "3").unwrap_err());
        assert!(unknown.contains("speech.threds"), "{unknown}");
    }

    #[test]
    fn webhooks_come_in_a_variable_too_and_no_secret_is_ever_shown() {
        let list = r#"[{name="crm",url="https://x/u-r-l",secret="whsec_s-e-c"}]"#;
        let mut config = with("GRADUS_ALERT__WEBHOOKS", list).unwrap();
        config.telegram = with("GRADUS_TELEGRAM__TOKEN", "1:t-o-k").unwrap().telegram;
        config.mail = with("GRADUS_MAIL__PASSWORD", "p-a-s").unwrap().mail;
        assert_eq!(config.alert.webhooks[0].kind, WebhookKind::Standard);
        let shown = format!("{config:?}");
        for secret in ["u-r-l", "s-e-c", "t-o-k", "p-a-s"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(with("GRADUS_ALERT__WEBHOOKS", "[{nam=1}]").is_err());
    }

    #[test]
    fn a_password_in_the_address_of_the_store_is_never_shown() {
        let config = with("GRADUS_STORE__URL", "postgres://gradus:p-a-s-s@db/gradus").unwrap();
        assert!(format!("{config:?}").contains("url: ***"));
        assert!(!format!("{config:?}").contains("p-a-s-s"));
    }

    #[test]
    fn a_secret_may_stand_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, file) = (folder.path().join("url"), folder.path().join("gradus.toml"));
        std::fs::write(&secret, "postgres://gradus:pw@db/gradus\n").unwrap();
        let config = with("GRADUS_STORE__URL_FILE", secret.to_str().unwrap()).unwrap();
        assert_eq!(config.store.url.reveal(), "postgres://gradus:pw@db/gradus");
        std::fs::write(&file, format!("[store]\nurl_file = '{}'\n", secret.display())).unwrap();
        let config = Config::from(Some(&file), std::iter::empty()).unwrap();
        assert_eq!(config.store.url.reveal(), "postgres://gradus:pw@db/gradus");
        std::fs::write(&file, "[store]\nurl_file = 'x'\nurl = 'y'\n").unwrap();
        let both = format!("{:#}", Config::from(Some(&file), std::iter::empty()).unwrap_err());
        assert!(both.contains("store.url and store.url_file: give one"), "{both}");
        let missing = format!("{:#}", with("GRADUS_STORE__URL_FILE", "/no/such/file").unwrap_err());
        assert!(missing.contains("store.url_file: cannot read /no/such/file"), "{missing}");
        assert!(with("GRADUS_HTTP__KEY_FILE", "x").is_err(), "only secrets stand in files");
    }
}
