//! Configuration: defaults compiled in, a file, and variables of the environment, in this order.
//!
//! This is the only place that reads the environment. A bad value stops the start with the name of its key.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gradus_engine::time::Timestamp;
use serde::Deserialize;
use toml::{Table, Value};

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
    /// Signing in.
    pub session: Session,
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
}

/// Where things are kept.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Address of the database; may hold a password.
    pub url: String,
    /// Folder of the recordings.
    pub recordings: PathBuf,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Store {{ recordings: {:?} }}", self.recordings)
    }
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

/// Signing in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Hours without use after which a sign-in ends.
    pub hours: u32,
}

/// The defaults, with a comment for every key.
pub const DEFAULTS: &str = include_str!("config.default.toml");

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
            let over: Table = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
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
    fn a_password_in_the_address_of_the_store_is_never_shown() {
        let config = with("GRADUS_STORE__URL", "postgres://gradus:secret@db/gradus").unwrap();
        assert!(!format!("{config:?}").contains("secret"));
    }
}
