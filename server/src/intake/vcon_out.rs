//! Writes a conversation as a vCon 0.4.0: parties, utterances, our findings as analyses, attachments.
//!
//! The caller gives ids and times; nothing is made up here. What is written reads back as the same conversation.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gradus_engine::signal::Channel;
use gradus_engine::time::Timestamp;
use jiff::tz::Offset;
use serde_json::{Map, Value, json};

use super::{IncomingParty, IncomingUtterance};

/// The version that is written.
pub const VERSION: &str = "0.4.0";

/// Everything that goes into one vCon.
#[derive(Clone, Debug)]
pub struct Outgoing<'a> {
    /// The id of the conversation; a UUID where it is to be exchanged.
    pub uuid: &'a str,
    /// When the vCon is made.
    pub created_at: Timestamp,
    /// What the conversation is about.
    pub subject: Option<&'a str>,
    /// The kind of contact.
    pub channel: Channel,
    /// Seconds east of UTC, for every time written.
    pub utc_offset_s: i32,
    /// Who takes part.
    pub parties: &'a [IncomingParty],
    /// What was said. Entries of `dialog` that had no words come back as `incomplete`, so that numbers stay.
    pub utterances: &'a [IncomingUtterance],
    /// Our findings.
    pub analyses: &'a [Analysis],
    /// Files and notes.
    pub attachments: &'a [Attachment<'a>],
}

/// One finding: signals, heat, decisions, commitments, sound.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The kind: `signals`, `heat`, `decisions`, `commitments`, `sound`.
    pub kind: &'static str,
    /// The version of the rules or the protocol that made it.
    pub version: String,
    /// The finding, as in the output of `gradus analyze`.
    pub body: Value,
}

/// A file or note that belongs to the conversation.
#[derive(Clone, Debug)]
pub struct Attachment<'a> {
    /// What it is for: `contract`, `screenshot`, `note`, …
    pub purpose: &'a str,
    /// The party it came from.
    pub party: u32,
    /// When it was added.
    pub added_at: Timestamp,
    /// Its kind, as `image/png`.
    pub media_type: &'a str,
    /// Its name.
    pub file_name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Returns the vCon as a document.
pub fn write(outgoing: &Outgoing<'_>) -> Value {
    let time = |at: Timestamp| rfc3339(at, outgoing.utc_offset_s);
    let mut root = Map::new();
    root.insert("vcon".into(), json!(VERSION));
    root.insert("uuid".into(), json!(outgoing.uuid));
    root.insert("extensions".into(), json!(["gradus"]));
    root.insert("created_at".into(), json!(time(outgoing.created_at)));
    if let Some(subject) = outgoing.subject {
        root.insert("subject".into(), json!(subject));
    }
    root.insert("gradus".into(), json!({"channel": outgoing.channel.name()}));
    root.insert("parties".into(), outgoing.parties.iter().map(party).collect());
    root.insert("dialog".into(), dialog(outgoing));
    root.insert(
        "analysis".into(),
        outgoing.analyses.iter().map(|one| analysis(one, outgoing.utterances)).collect(),
    );
    let attachments = outgoing.attachments.iter().map(|one| {
        json!({"purpose": one.purpose, "party": one.party, "start": time(one.added_at), "mediatype": one.media_type,
            "filename": one.file_name, "encoding": "base64url", "body": URL_SAFE_NO_PAD.encode(one.bytes)})
    });
    root.insert("attachments".into(), attachments.collect());
    Value::Object(root)
}

fn party(party: &IncomingParty) -> Value {
    let mut out = Map::new();
    out.insert("role".into(), json!(party.role));
    let name = party.name.as_deref();
    let tel = party.tel.as_ref().map(|tel| tel.as_str());
    for (key, value) in [("name", name), ("tel", tel), ("mailto", party.email.as_deref())] {
        if let Some(value) = value {
            out.insert(key.into(), json!(value));
        }
    }
    Value::Object(out)
}

fn dialog(outgoing: &Outgoing<'_>) -> Value {
    let count = outgoing.utterances.iter().map(|utterance| utterance.index as usize + 1).max().unwrap_or(0);
    // A gap can only be as long as the list it came from; the bound keeps a wrong index from filling the memory.
    let count = count.min(super::limits::UTTERANCES);
    let mut entries = vec![json!({"type": "incomplete", "disposition": "no-answer"}); count];
    for utterance in outgoing.utterances {
        if let Some(entry) = entries.get_mut(utterance.index as usize) {
            *entry = text_entry(utterance, outgoing.utc_offset_s);
        }
    }
    Value::Array(entries)
}

fn text_entry(utterance: &IncomingUtterance, utc_offset_s: i32) -> Value {
    let mut out = Map::new();
    out.insert("type".into(), json!("text"));
    if let Some(at) = utterance.at {
        out.insert("start".into(), json!(rfc3339(at, utc_offset_s)));
    }
    if let Some((start, end)) = utterance.start_ms.zip(utterance.end_ms) {
        // Milliseconds below 30 days are exact in a double.
        out.insert("duration".into(), json!(end.saturating_sub(start) as f64 / 1000.0));
    }
    out.insert("parties".into(), json!([utterance.party]));
    out.insert("originator".into(), json!(utterance.party));
    out.insert("mediatype".into(), json!("text/plain"));
    out.insert("body".into(), json!(utterance.text));
    out.insert("encoding".into(), json!("none"));
    Value::Object(out)
}

fn analysis(analysis: &Analysis, utterances: &[IncomingUtterance]) -> Value {
    let dialog: Vec<u32> = utterances.iter().map(|utterance| utterance.index).collect();
    json!({"type": analysis.kind, "dialog": dialog, "mediatype": "application/json", "vendor": "gradus",
        "product": "gradus", "schema": format!("{} {}", analysis.kind, analysis.version),
        "encoding": "json", "body": analysis.body})
}

/// Returns a point in time as RFC 3339 with the offset of its place, to the millisecond; a time outside of the years
/// that RFC 3339 can write is the epoch's start.
pub fn rfc3339(at: Timestamp, utc_offset_s: i32) -> String {
    let stamp = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
    let offset = Offset::from_seconds(utc_offset_s).unwrap_or(Offset::UTC);
    format!("{:.3}", stamp.display_with_offset(offset))
}

#[cfg(test)]
mod tests {
    use super::super::{Defaults, vcon};
    use super::*;

    #[test]
    fn what_is_written_reads_back_as_the_same_conversation() {
        let source = include_str!("testdata/chat.vcon.json");
        let first = vcon::parse(source.as_bytes(), "chat", &Defaults::default()).unwrap_or_default();
        let analyses =
            [Analysis { kind: "heat", version: "1".into(), body: json!([{"utterance": 0, "value": 40}]) }];
        let note = Attachment {
            purpose: "note",
            party: 1,
            added_at: Timestamp::from_millis(1_740_833_060_000),
            media_type: "text/plain",
            file_name: "note.txt",
            bytes: "перезвонить".as_bytes(),
        };
        let outgoing = Outgoing {
            uuid: &first.id,
            created_at: Timestamp::from_millis(1_740_833_060_000),
            subject: first.subject.as_deref(),
            channel: first.channel,
            utc_offset_s: first.utc_offset_s,
            parties: &first.parties,
            utterances: &first.utterances,
            analyses: &analyses,
            attachments: &[note],
        };
        let written = write(&outgoing);
        assert_eq!(written["created_at"], "2025-03-01T15:44:20.000+03:00");
        assert_eq!(written["analysis"][0]["body"][0]["value"], 40);
        let again = vcon::parse(written.to_string().as_bytes(), "chat", &Defaults::default());
        assert!(!first.utterances.is_empty());
        assert_eq!(again, Ok(first));
    }
}
