//! Media streams in JSON, as Twilio, Voximplant, Telnyx and Exotel send them over a WebSocket: one tolerant reader.
//!
//! Their messages agree in `start`, `media` (base64) and `stop`, and differ in the spelling of names, in what is a number and
//! what a text of digits, and in whether frames come in order. Made from the vendors' pages; tried with emulators only.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gradus_engine::signal::Party;
use gradus_speech::live::{Encoding, LiveFormat};
use serde_json::Value;

use super::call::About;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A stream begins.
    Start(Box<Start>),
    /// Sound.
    Media(Media),
    /// A stream is over; nothing names none, and means all.
    Stop(Option<String>),
    /// Something that carries no sound: `connected`, `mark`, `dtmf`, what comes later.
    Other,
}

/// The begin of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its name on this socket.
    pub stream: String,
    /// What is known of the call.
    pub about: About,
    /// Whose sound it is, when it says so.
    pub party: Option<Party>,
    /// What it is made of.
    pub format: LiveFormat,
}

/// Some sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// The stream.
    pub stream: String,
    /// `inbound`, `outbound`, or nothing.
    pub track: Option<String>,
    /// Its place in the order, when it says so.
    pub place: Option<u64>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A message that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadMessage(String);

fn bad(why: impl Into<String>) -> BadMessage {
    BadMessage(why.into())
}

/// Reads a message.
///
/// # Errors
/// Says what is missing or wrong in it.
pub fn read(text: &str) -> Result<Message, BadMessage> {
    let message: Value =
        serde_json::from_str(text).map_err(|error| bad(format!("a message is no JSON: {error}")))?;
    match text_of(&message, &["event"]).as_deref() {
        Some("start") => start(&message).map(|start| Message::Start(Box::new(start))),
        Some("media") => media(&message).map(Message::Media),
        Some("stop") => Ok(Message::Stop(stream_of(&message, "stop"))),
        Some(_) => Ok(Message::Other),
        None => Err(bad("a message has no \"event\"")),
    }
}

fn start(message: &Value) -> Result<Start, BadMessage> {
    let inner = message.get("start").unwrap_or(message);
    let given =
        ["customParameters", "custom_parameters", "parameters"].iter().find_map(|name| inner.get(*name));
    let custom = |name: &str| given.and_then(|given| text_of(given, &[name]));
    let call = custom("call")
        .or_else(|| text_of(inner, &["callSid", "call_sid", "callId", "call_id", "call_control_id"]))
        .unwrap_or_default();
    let about = About {
        call,
        customer_tel: custom("customer_tel").or_else(|| text_of(inner, &["from", "caller"])),
        customer_name: custom("customer_name"),
        agent_name: custom("agent_name"),
        team: custom("team"),
        queue: custom("queue"),
    };
    let tag = text_of(message, &["tag"]).or_else(|| text_of(inner, &["tag"]));
    let party = custom("party").or(tag).as_deref().and_then(party);
    let format = ["mediaFormat", "media_format"].iter().find_map(|name| inner.get(*name));
    Ok(Start {
        stream: stream_of(message, "start").unwrap_or_default(),
        about,
        party,
        format: format_of(format)?,
    })
}

fn media(message: &Value) -> Result<Media, BadMessage> {
    let inner = message.get("media").unwrap_or(message);
    let payload = inner
        .get("payload")
        .and_then(Value::as_str)
        .ok_or_else(|| bad("a message of sound has no \"payload\""))?;
    let bytes = STANDARD
        .decode(payload.trim())
        .map_err(|error| bad(format!("the payload of a message is no base64: {error}")))?;
    let place =
        number_of(inner, &["chunk"]).or_else(|| number_of(message, &["sequenceNumber", "sequence_number"]));
    Ok(Media {
        stream: stream_of(message, "media").unwrap_or_default(),
        track: text_of(inner, &["track"]),
        place,
        bytes,
    })
}

/// The name of a stream on its socket: an id, or the tag that tells several apart.
fn stream_of(message: &Value, inner: &str) -> Option<String> {
    const NAMES: [&str; 6] = ["streamSid", "stream_sid", "streamId", "stream_id", "tag", "streamTag"];
    text_of(message, &NAMES).or_else(|| message.get(inner).and_then(|inner| text_of(inner, &NAMES)))
}

fn format_of(format: Option<&Value>) -> Result<LiveFormat, BadMessage> {
    // Voximplant leaves out what is its default: 16 bits at 8 kHz.
    let name = format.and_then(|format| text_of(format, &["encoding"])).unwrap_or_else(|| "PCM16".into());
    let lower = name.to_lowercase();
    let encoding = if ["mulaw", "ulaw", "pcmu", "mu-law"].iter().any(|one| lower.contains(one)) {
        Encoding::Mulaw
    } else if ["alaw", "pcma", "a-law"].iter().any(|one| lower.contains(one)) {
        Encoding::Alaw
    } else if ["pcm", "l16", "linear", "slin", "raw", "s16"].iter().any(|one| lower.contains(one)) {
        Encoding::Linear16
    } else {
        return Err(bad(format!("encoding \"{name}\" is not known: send µ-law, A-law or 16-bit PCM")));
    };
    let said = format.and_then(|format| number_of(format, &["sampleRate", "sample_rate", "rate"]));
    let named = ["8khz", "16khz", "24khz", "32khz", "48khz"].iter().find(|rate| lower.contains(**rate));
    let named =
        named.and_then(|rate| rate.trim_end_matches("khz").parse::<u64>().ok()).map(|khz| khz * 1_000);
    let channels = format.and_then(|format| number_of(format, &["channels"])).unwrap_or(1);
    let format = LiveFormat {
        encoding,
        rate: u32::try_from(said.or(named).unwrap_or(8_000)).unwrap_or(u32::MAX),
        channels: u8::try_from(channels).unwrap_or(u8::MAX),
    };
    format.check().map_err(|error| bad(error.to_string()))
}

/// Whose sound it is, by what people call them.
pub fn party(name: &str) -> Option<Party> {
    match name.trim().to_lowercase().as_str() {
        "customer" | "client" | "caller" | "клиент" => Some(Party::Customer),
        "agent" | "operator" | "manager" | "callee" | "оператор" | "менеджер" => {
            Some(Party::Agent)
        }
        _ => None,
    }
}

/// Short texts, also numbers written as such.
fn text_of(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match value.get(*name)? {
        Value::String(text) if !text.is_empty() => Some(text.chars().take(200).collect()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn number_of(value: &Value, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| match value.get(*name)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// How many frames are held back for one that is missing: 100 ms of what is usual.
const HELD: usize = 5;

/// Puts frames that come out of order back in order.
#[derive(Default)]
pub struct Order {
    next: Option<u64>,
    held: BTreeMap<u64, Vec<u8>>,
}

impl Order {
    /// Takes a frame and returns those whose turn it is. A frame that came too late, or twice, is left out.
    pub fn take(&mut self, place: Option<u64>, bytes: Vec<u8>) -> Vec<Vec<u8>> {
        let Some(place) = place else { return vec![bytes] };
        let next = *self.next.get_or_insert(place);
        // A number far before the one that was expected is a stream that began anew.
        if place < next && next - place > 1_000 {
            self.held.clear();
            self.next = Some(place);
        } else if place < next {
            return Vec::new();
        }
        self.held.insert(place, bytes);
        let mut ready = Vec::new();
        while let Some(first) = self.held.first_entry() {
            let expected = self.next.is_some_and(|next| *first.key() == next);
            if !expected && ready.is_empty() && self.held.len() <= HELD {
                break;
            }
            if !expected && !ready.is_empty() {
                break;
            }
            if let Some((place, bytes)) = self.held.pop_first() {
                self.next = Some(place + 1);
                ready.push(bytes);
            }
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(text: &str) -> Start {
        match read(text).unwrap() {
            Message::Start(start) => *start,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_forms_of_the_vendors_are_one() {
        let twilio = started(
            r#"{"event":"start","sequenceNumber":"1","start":{"streamSid":"MZ1","callSid":"CA1","tracks":["inbound"],
                "customParameters":{"customer_tel":"+79001112233"},
                "mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},"streamSid":"MZ1"}"#,
        );
        assert_eq!((twilio.stream.as_str(), twilio.about.call.as_str()), ("MZ1", "CA1"));
        assert_eq!(twilio.about.customer_tel.as_deref(), Some("+79001112233"));
        assert_eq!(twilio.format, LiveFormat { encoding: Encoding::Mulaw, rate: 8_000, channels: 1 });
        let voximplant = started(
            r#"{"event":"start","sequenceNumber":0,"start":{"tag":"agent","mediaFormat":{"encoding":"PCM16","sampleRate":16000}}}"#,
        );
        assert_eq!((voximplant.stream.as_str(), voximplant.party), ("agent", Some(Party::Agent)));
        assert_eq!(voximplant.format, LiveFormat { encoding: Encoding::Linear16, rate: 16_000, channels: 1 });
        let telnyx = started(
            r#"{"event":"start","stream_id":"s-7","start":{"call_control_id":"v2:1","media_format":{"encoding":"PCMA","sample_rate":"8000"}}}"#,
        );
        assert_eq!((telnyx.stream.as_str(), telnyx.about.call.as_str()), ("s-7", "v2:1"));
        assert_eq!(telnyx.format.encoding, Encoding::Alaw);
        let bare = started(r#"{"event":"start","start":{"mediaFormat":{"encoding":"PCM16_16KHZ"}}}"#);
        assert_eq!(bare.format.rate, 16_000);
    }

    #[test]
    fn sound_is_read_with_its_place() {
        let media = read(
            r#"{"event":"media","streamSid":"M","media":{"track":"outbound","chunk":"12","payload":"AQID"}}"#,
        );
        let expected = Media {
            stream: "M".into(),
            track: Some("outbound".into()),
            place: Some(12),
            bytes: vec![1, 2, 3],
        };
        assert_eq!(media, Ok(Message::Media(expected)));
        assert_eq!(read(r#"{"event":"stop","stream_id":"M"}"#), Ok(Message::Stop(Some("M".into()))));
        assert_eq!(read(r#"{"event":"mark"}"#), Ok(Message::Other));
        let long = "A".repeat(4_000);
        let message = format!(r#"{{"event":"media","media":{{"payload":"{long}"}}}}"#);
        assert!(matches!(read(&message), Ok(Message::Media(media)) if media.bytes.len() == 3_000));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (message, words) in [
            ("{", "no JSON"),
            ("{}", "no \"event\""),
            (r#"{"event":"media","media":{}}"#, "no \"payload\""),
            (r#"{"event":"media","media":{"payload":"*"}}"#, "no base64"),
            (r#"{"event":"start","start":{"mediaFormat":{"encoding":"opus"}}}"#, "\"opus\" is not known"),
            (
                r#"{"event":"start","start":{"mediaFormat":{"encoding":"l16","sampleRate":1}}}"#,
                "1 samples a second",
            ),
        ] {
            let error = read(message).unwrap_err().to_string();
            assert!(error.contains(words), "{message}: {error}");
        }
    }

    #[test]
    fn frames_come_back_in_order_and_a_lost_one_holds_nobody_up_for_long() {
        let mut order = Order::default();
        let mut heard = Vec::new();
        for place in [1_u64, 3, 2, 2, 4, 1, 6, 7, 8, 9, 10, 11, 5] {
            heard.extend(order.take(Some(place), vec![u8::try_from(place).unwrap()]).concat());
        }
        assert_eq!(heard, [1, 2, 3, 4, 6, 7, 8, 9, 10, 11]);
        assert_eq!(order.take(None, vec![9]), [[9]], "without a number there is no order");
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(text: String) {
            let _ = read(&text);
            let _ = read(&format!(r#"{{"event":"media","media":{{"payload":{text:?},"chunk":{text:?}}}}}"#));
            let _ = read(&format!(r#"{{"event":"start","start":{text:?}}}"#));
        }
    }
}
