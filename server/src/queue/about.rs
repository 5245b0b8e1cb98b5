//! What is known of a recording besides its sound: from the name of its file by the company's pattern, from the JSON beside
//! it, from the form of an upload. What is nearer to the recording goes before.

use gradus_engine::time::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::intake::{Incoming, IncomingParty, Phone, Roles, start};

/// What is known of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// The exchange's name of the call.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The customer's telephone number, in any form.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub customer_tel: Option<String>,
    /// The customer's name.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// The agent's name.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// The queue it came by, for the subject.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// `in` or `out`, for the subject.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// When it began: RFC 3339, or date and time of the configured zone.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// The team that sees the conversation; everybody without a team of their own where nothing is said.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Higher goes first; 0 where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i8>,
}

/// Exchanges write the numbers of queues and people as numbers as well as in quotes.
fn text<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    match serde_json::Value::deserialize(value)? {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(text) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        serde_json::Value::Number(number) => Ok(Some(number.to_string())),
        other => Err(serde::de::Error::custom(format!("{other} where words are expected"))),
    }
}

impl About {
    /// Reads what stands in JSON; unknown fields are left alone, as an exchange writes many.
    ///
    /// # Errors
    /// Says what is wrong and where.
    pub fn of_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// Fills what is not known from what is further away.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            call: self.call.or(other.call),
            customer_tel: self.customer_tel.or(other.customer_tel),
            customer_name: self.customer_name.or(other.customer_name),
            agent_name: self.agent_name.or(other.agent_name),
            queue: self.queue.or(other.queue),
            direction: self.direction.or(other.direction),
            started_at: self.started_at.or(other.started_at),
            team: self.team.or(other.team),
            priority: self.priority.or(other.priority),
        }
    }

    /// Refuses what cannot be what it should. A telephone number may be anything: callers hide theirs.
    ///
    /// # Errors
    /// Names the field and what to write there.
    pub fn check(&self, zone: &TimeZone) -> Result<(), String> {
        match &self.started_at {
            Some(text) if started(text, zone).is_none() => Err(format!(
                "started_at: \"{text}\" is no time: write it as 2026-11-03T14:25:30+03:00 or 2026-11-03 14:25:30"
            )),
            _ => Ok(()),
        }
    }

    /// Writes what is known into a conversation before it is recognised.
    pub fn apply(&self, incoming: &mut Incoming, zone: &TimeZone) {
        if let Some(started) = self.started_at.as_deref().and_then(|text| started(text, zone)) {
            incoming.begins(started.0, started.1);
        }
        if let Some(team) = &self.team {
            incoming.team = Some(team.trim().to_owned());
        }
        let direction = match self.direction.as_deref().map(str::to_lowercase).as_deref() {
            Some("in" | "inbound" | "incoming") => Some("входящий"),
            Some("out" | "outbound" | "outgoing") => Some("исходящий"),
            _ => None,
        };
        let subject: Vec<&str> = self.queue.as_deref().into_iter().chain(direction).collect();
        if incoming.subject.is_none() && !subject.is_empty() {
            incoming.subject = Some(subject.join(", "));
        }
        if incoming.parties.is_empty() {
            let agent = IncomingParty { name: self.agent_name.clone(), ..IncomingParty::of_role("agent") };
            let customer = IncomingParty {
                name: self.customer_name.clone(),
                tel: self.customer_tel.as_deref().and_then(Phone::parse),
                ..IncomingParty::of_role("customer")
            };
            // Which channel is whose is still what the configuration says.
            (incoming.parties, incoming.roles) = (vec![agent, customer], Roles::Configured);
        }
    }
}

fn started(text: &str, zone: &TimeZone) -> Option<(Timestamp, i32)> {
    if let Ok(exact) = text.trim().parse::<jiff::Timestamp>() {
        return Some((Timestamp::from_millis(exact.as_millisecond()), zone.to_offset(exact).seconds()));
    }
    start::of_name(text, zone).map(|moment| (moment.at, moment.utc_offset_s))
}

/// A pattern of file names, such as `{direction}-{customer}-{agent}-{start}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Field(String),
}

impl Names {
    /// Reads a pattern; an empty one says nothing.
    ///
    /// # Errors
    /// Names the field that is not known, or the brace that is not closed.
    pub fn parse(pattern: &str) -> anyhow::Result<Self> {
        const FIELDS: [&str; 7] = ["start", "customer", "agent", "direction", "queue", "call", "any"];
        let (mut pieces, mut rest) = (Vec::new(), pattern);
        while let Some((words, after)) = rest.split_once('{') {
            let Some((field, after)) = after.split_once('}') else {
                anyhow::bail!("recordings.names: a brace is not closed in \"{pattern}\"");
            };
            if !FIELDS.contains(&field) {
                anyhow::bail!("recordings.names: {{{field}}} is not known; known are {}", FIELDS.join(", "));
            }
            if !words.is_empty() {
                pieces.push(Piece::Words(words.to_owned()));
            }
            pieces.push(Piece::Field(field.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Words(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// Reads what a name says, without its extension; a name of another form says nothing.
    pub fn read(&self, name: &str) -> About {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        self.fields(stem).unwrap_or_default()
    }

    fn fields(&self, stem: &str) -> Option<About> {
        let (mut about, mut rest) = (About::default(), stem);
        for (at, piece) in self.0.iter().enumerate() {
            match piece {
                Piece::Words(words) => rest = rest.strip_prefix(words.as_str())?,
                Piece::Field(field) => {
                    let end = match self.0.get(at + 1) {
                        Some(Piece::Words(words)) => rest.find(words.as_str())?,
                        _ => rest.len(),
                    };
                    let (value, after) = rest.split_at(end);
                    rest = after;
                    let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
                    match field.as_str() {
                        "start" => about.started_at = value,
                        "customer" => about.customer_tel = value,
                        "agent" => about.agent_name = value,
                        "direction" => about.direction = value,
                        "queue" => about.queue = value,
                        "call" => about.call = value,
                        _ => {}
                    }
                }
            }
        }
        Some(about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_the_pattern_and_others_say_nothing() {
        let names = Names::parse("{direction}_{customer}_{agent}_{start}").unwrap();
        let about = names.read("in_89001112233_Ольга Нечаева_20261103-142530.wav");
        assert_eq!(about.customer_tel.as_deref(), Some("89001112233"));
        assert_eq!(about.agent_name.as_deref(), Some("Ольга Нечаева"));
        let mut incoming = Incoming::default();
        about.apply(&mut incoming, &TimeZone::fixed(jiff::tz::Offset::constant(3)));
        assert_eq!(incoming.started_at.map(Timestamp::millis), Some(1_793_705_130_000));
        assert_eq!(incoming.subject.as_deref(), Some("входящий"));
        assert_eq!(incoming.parties.len(), 2);
        for other in ["", "запись.wav", "in_8900.wav"] {
            assert_eq!(names.read(other), About::default(), "{other}");
        }
        assert_eq!(Names::parse("").unwrap().read("in_1_2_3.wav"), About::default());
        assert!(Names::parse("{robot}").unwrap_err().to_string().contains("{robot}"));
        assert!(Names::parse("{start").is_err());
    }

    #[test]
    fn what_is_nearer_goes_before() {
        let near =
            About::of_json(br#"{"agent_name": "A", "linkedid": 7, "call": 1793697930.123, "team": " "}"#)
                .unwrap();
        assert_eq!((near.call.as_deref(), near.team.as_deref()), (Some("1793697930.123"), None));
        let far = About { agent_name: Some("B".into()), queue: Some("q".into()), ..About::default() };
        let both = near.or(far);
        assert_eq!((both.agent_name.as_deref(), both.queue.as_deref()), (Some("A"), Some("q")));
    }

    #[test]
    fn a_start_that_is_no_time_is_refused_and_a_hidden_number_is_not() {
        let of = |text: &str| About { started_at: Some(text.into()), ..About::default() };
        for right in ["2026-11-03T14:25:30+03:00", "2026-11-03 14:25:30", "20261103-142530"] {
            assert_eq!(of(right).check(&TimeZone::UTC), Ok(()), "{right}");
        }
        let wrong = of("вчера").check(&TimeZone::UTC).unwrap_err();
        assert!(wrong.contains("started_at") && wrong.contains("вчера"), "{wrong}");
        let hidden = About { customer_tel: Some("anonymous".into()), ..About::default() };
        assert_eq!(hidden.check(&TimeZone::UTC), Ok(()));
        let lists = About::of_json(br#"{"queue": ["a"]}"#).unwrap_err().to_string();
        assert!(lists.contains("where words are expected"), "{lists}");
    }
}
