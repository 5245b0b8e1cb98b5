//! Reads a vCon (draft-ietf-vcon-vcon-core, versions 0.0.x to 0.4.0): parties, dialog, and our own extension.
//!
//! Signed and encrypted envelopes are refused, remote content is never fetched. Entries of `dialog` keep their number.

use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use gradus_engine::signal::Channel;
use serde_json::Value;

use super::fault::{Fault, FaultKind};
use super::json::{self, Node};
use super::times::{self, Moment};
use super::{
    Defaults, Incoming, IncomingParty, IncomingUtterance, Phone, RecordingRef, RecordingSource, SoundFormat,
};
use super::{bounded, html, limits, roles, sort_by_time, text};

/// Reads the bytes of one vCon.
///
/// # Errors
/// A [`Fault`] that names the place and the cure.
pub fn parse(bytes: &[u8], source_name: &str, defaults: &Defaults) -> Result<Incoming, Fault> {
    let decoded = text::decode(bytes)?;
    let mut conversation = read(&json::parse(&decoded.text)?, source_name, defaults)?;
    conversation.warnings.extend(decoded.warning);
    Ok(conversation)
}

/// Says whether a document is a vCon or the envelope of one.
pub fn is_vcon(document: &Value) -> bool {
    ["vcon", "dialog", "signatures", "ciphertext"].iter().any(|key| document.get(key).is_some())
}

/// Reads one vCon from a document.
///
/// # Errors
/// A [`Fault`] that names the place and the cure.
pub fn read(document: &Value, source_name: &str, defaults: &Defaults) -> Result<Incoming, Fault> {
    refuse_envelopes(document)?;
    let root = Node::root(document);
    let mut warnings = check_version(&root)?;
    let (parties, has_mailto) = parties(&root)?;
    let entries = entries(&root, parties.len(), defaults, &mut warnings)?;
    let first = entries.iter().filter_map(|entry| entry.start).min_by_key(|moment| moment.at);
    // Without one time in the dialog the day of the document is the best that is known.
    let started = match first {
        Some(first) => Some(first),
        None => root.text_of("created_at")?.and_then(|text| times::moment(&text, &defaults.zone)),
    };
    let mut conversation = Incoming {
        id: root
            .text_of("uuid")?
            .and_then(|id| text::clean_line(&id))
            .unwrap_or_else(|| source_name.to_owned()),
        channel: channel(&root, &entries, has_mailto)?,
        started_at: started.map(|moment| moment.at),
        utc_offset_s: started.map_or_else(|| default_offset(defaults), |moment| moment.utc_offset_s),
        subject: root.text_of("subject")?.and_then(|subject| text::clean_line(&subject)),
        source_name: source_name.to_owned(),
        warnings,
        ..Incoming::default()
    };
    fill(&mut conversation, entries, first);
    roles::settle(&mut conversation, parties, defaults.first_party);
    if conversation.utterances.is_empty() && conversation.recordings.is_empty() {
        return Err(nothing_said(&conversation.warnings));
    }
    Ok(conversation)
}

fn refuse_envelopes(document: &Value) -> Result<(), Fault> {
    let has = |key| document.get(key).is_some();
    let (what, cure) = if has("ciphertext") {
        ("the vCon is encrypted (JWE)", "decrypt it with the key of its recipient and send the plain vCon")
    } else if has("signatures") || has("payload") && has("protected") {
        ("the vCon is signed (JWS)", "verify the signature, unpack «payload» and send the plain vCon")
    } else {
        return Ok(());
    };
    Err(Fault::new(FaultKind::Protected, "", what, cure))
}

fn check_version(root: &Node<'_>) -> Result<Vec<String>, Fault> {
    if !root.value().is_object() {
        return Err(root.wrong("a vCon, that is a JSON object"));
    }
    let version = root.text_of("vcon")?;
    let known = version.as_deref().is_some_and(|version| version.starts_with("0."));
    let warning = match version {
        _ if known => return Ok(Vec::new()),
        Some(_) => "vcon: a version newer than 0.4.0; read as 0.4.0",
        None => "vcon: no version; read as 0.4.0",
    };
    Ok(vec![warning.to_owned()])
}

fn nothing_said(warnings: &[String]) -> Fault {
    if warnings.iter().any(|warning| warning.contains(NOT_FETCHED)) {
        let cure = "put the recording into the vCon (base64url) or give the sound file itself";
        return Fault::new(FaultKind::Remote, "dialog", "its content is elsewhere and is not fetched", cure);
    }
    let cure = "export the vCon with its messages or recordings";
    Fault::new(FaultKind::Missing, "dialog", "there are no words and no recording in it", cure)
}

const NOT_FETCHED: &str = "is not fetched";

/// Reads the parties, each with whether its role is given, and whether one has a `mailto`.
fn parties(root: &Node<'_>) -> Result<(Vec<(bool, IncomingParty)>, bool), Fault> {
    let nodes = root.list("parties")?;
    if nodes.len() > limits::PARTIES {
        let problem = format!("there are more than {} parties", limits::PARTIES);
        return Err(Fault::new(FaultKind::TooLarge, "parties", problem, "send one conversation a vCon"));
    }
    let mut has_mailto = false;
    let mut parties = Vec::with_capacity(nodes.len());
    for node in nodes {
        if !node.value().is_object() {
            return Err(node.wrong("an object"));
        }
        let role = node.text_of("role")?.filter(|role| !role.trim().is_empty());
        let mailto = node.text_of("mailto")?;
        has_mailto |= mailto.is_some();
        let party = IncomingParty {
            name: node.text_of("name")?.and_then(|name| text::clean_line(&name)),
            tel: node
                .first(&["tel", "sip"])
                .map(|tel| tel.text())
                .transpose()?
                .and_then(|tel| Phone::parse(&tel)),
            email: mailto.and_then(|address| address_of(&address)),
            ..role.as_deref().map(IncomingParty::of_role).unwrap_or_default()
        };
        parties.push((role.is_some(), party));
    }
    Ok((parties, has_mailto))
}

/// Returns an address without its scheme, in lower case.
pub(super) fn address_of(text: &str) -> Option<String> {
    let line = text::clean_line(text)?.to_lowercase();
    let address = line.strip_prefix("mailto:").unwrap_or(&line);
    address.contains('@').then(|| address.to_owned())
}

/// One entry of `dialog` that has something to hear or read.
struct Entry {
    index: u32,
    party: u32,
    start: Option<Moment>,
    duration_ms: Option<u64>,
    content: Content,
}

enum Content {
    Words(String),
    Sound { bytes: Arc<[u8]>, format: SoundFormat, channels: Vec<Vec<u32>> },
}

fn entries(
    root: &Node<'_>,
    parties: usize,
    defaults: &Defaults,
    warnings: &mut Vec<String>,
) -> Result<Vec<Entry>, Fault> {
    let nodes = root.list("dialog")?;
    if nodes.len() > limits::UTTERANCES {
        let problem = format!("there are more than {} entries", limits::UTTERANCES);
        return Err(Fault::new(FaultKind::TooLarge, "dialog", problem, "split the conversation"));
    }
    let mut entries = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        if !node.value().is_object() {
            return Err(node.wrong("an object"));
        }
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        entries.extend(entry(node, index, parties, defaults, warnings)?);
    }
    Ok(entries)
}

fn entry(
    node: &Node<'_>,
    index: u32,
    parties: usize,
    defaults: &Defaults,
    warnings: &mut Vec<String>,
) -> Result<Option<Entry>, Fault> {
    let kind = node.text_of("type")?.unwrap_or_else(|| "text".into());
    // Transfers and calls that came to nothing keep their number and have no words.
    if !matches!(kind.as_str(), "text" | "recording") {
        if !matches!(kind.as_str(), "transfer" | "incomplete") {
            warnings.push(format!("{}: an entry of unknown type is left out", node.path()));
        }
        return Ok(None);
    }
    let channels = channel_parties(node, parties)?;
    let start = match node.text_of("start")? {
        Some(text) => {
            let moment = times::moment(&text, &defaults.zone);
            if moment.is_none() {
                warnings
                    .push(format!("{}.start: no time that can be read (RFC 3339 is expected)", node.path()));
            }
            moment
        }
        None => None,
    };
    let duration_ms = node.get("duration").and_then(|node| duration(&node, warnings));
    let content =
        if kind == "text" { words(node, warnings)? } else { sound(node, channels.clone(), warnings)? };
    let Some(content) = content else { return Ok(None) };
    let party = speaker(node, parties, &channels, &content)?;
    Ok(Some(Entry { index, party, start, duration_ms, content }))
}

fn duration(node: &Node<'_>, warnings: &mut Vec<String>) -> Option<u64> {
    let seconds = node.value().as_f64().or_else(|| node.value().as_str()?.trim().parse().ok());
    let ms = seconds.and_then(times::seconds_ms);
    if ms.is_none() {
        warnings.push(format!("{}: no duration in seconds that can be believed", node.path()));
    }
    ms
}

/// Reads `parties`: a number, a list, or for sound a list with one list a channel.
fn channel_parties(node: &Node<'_>, parties: usize) -> Result<Vec<Vec<u32>>, Fault> {
    let Some(given) = node.get("parties") else { return Ok(Vec::new()) };
    if !given.value().is_array() {
        return Ok(vec![vec![known(&given, parties)?]]);
    }
    let mut channels = Vec::new();
    for item in given.items()? {
        let inner = if item.value().is_array() { item.items()? } else { vec![item] };
        channels.push(inner.iter().map(|party| known(party, parties)).collect::<Result<_, _>>()?);
    }
    Ok(channels)
}

fn known(node: &Node<'_>, parties: usize) -> Result<u32, Fault> {
    let party = node.index()?;
    if (party as usize) < parties {
        return Ok(party);
    }
    let problem = format!("party {party} is named, but «parties» has {parties}");
    Err(Fault::new(FaultKind::UnknownParty, node.path(), problem, "add the party or correct the number"))
}

/// The originator spoke; where none is named, the first of the entry's parties did.
fn speaker(node: &Node<'_>, parties: usize, channels: &[Vec<u32>], content: &Content) -> Result<u32, Fault> {
    if let Some(originator) = node.get("originator") {
        return known(&originator, parties);
    }
    match (channels.iter().flatten().next(), content) {
        (Some(&party), _) => Ok(party),
        // A recording is everybody's.
        (None, Content::Sound { .. }) => Ok(0),
        (None, Content::Words(_)) => Err(Fault::new(
            FaultKind::UnknownParty,
            node.path(),
            "the entry names no party",
            "add «parties» or «originator» with the number of the one who wrote it",
        )),
    }
}

fn media_type(node: &Node<'_>) -> Result<String, Fault> {
    let given =
        node.first(&["mediatype", "mimetype"]).map(|node| node.text()).transpose()?.unwrap_or_default();
    Ok(given.split(';').next().unwrap_or_default().trim().to_lowercase())
}

fn words(node: &Node<'_>, warnings: &mut Vec<String>) -> Result<Option<Content>, Fault> {
    let media = media_type(node)?;
    if !media.is_empty() && !media.starts_with("text/") && media != "application/json" {
        warnings.push(format!("{}: the content is not text and is left out", node.path()));
        return Ok(None);
    }
    let Some(body) = body(node, warnings)? else { return Ok(None) };
    bounded(&body, node.path())?;
    let body = if media == "text/html" { html::to_text(&body) } else { body };
    let (body, warning) = text::clean_words(body);
    warnings.extend(warning.map(|warning| format!("{}: {warning}", node.path())));
    Ok((!body.trim().is_empty()).then_some(Content::Words(body)))
}

/// Reads the text of an entry; `None` where it is empty or elsewhere.
fn body(node: &Node<'_>, warnings: &mut Vec<String>) -> Result<Option<String>, Fault> {
    let Some(body) = node.get("body") else {
        if node.get("url").is_some() {
            warnings.push(format!("{}.url: remote content {NOT_FETCHED}", node.path()));
        }
        return Ok(None);
    };
    let encoding = node.text_of("encoding")?.unwrap_or_else(|| "none".into());
    match (encoding.as_str(), body.value()) {
        ("base64url" | "base64", Value::String(coded)) => {
            let bytes = decode_base64(coded).ok_or_else(|| body.wrong("base64url"))?;
            let text =
                String::from_utf8(bytes).map_err(|_| body.wrong("text in UTF-8 under its base64url"))?;
            Ok(Some(text))
        }
        // Early writers put the message into an object beside its own metadata.
        ("none" | "json", Value::Object(_)) => {
            body.first(&["text", "body", "message"]).map(|node| node.text()).transpose()
        }
        ("json", Value::String(text)) => match json::parse(text) {
            Ok(Value::String(inner)) => Ok(Some(inner)),
            _ => Ok(Some(text.clone())),
        },
        ("none", Value::String(text)) => Ok(Some(text.clone())),
        ("none" | "json" | "base64" | "base64url", _) => Err(body.wrong("text")),
        _ => Err(Fault::new(
            FaultKind::Unsupported,
            format!("{}.encoding", node.path()),
            "an unknown encoding",
            "use none, json or base64url",
        )),
    }
}

fn sound(
    node: &Node<'_>,
    channels: Vec<Vec<u32>>,
    warnings: &mut Vec<String>,
) -> Result<Option<Content>, Fault> {
    let Some(body) = node.get("body") else {
        let what = if node.get("url").is_some() {
            "url: the remote recording"
        } else {
            "the recording has no body and"
        };
        warnings.push(format!(
            "{}.{what} {NOT_FETCHED}; put it into the vCon or give the sound file",
            node.path()
        ));
        return Ok(None);
    };
    let coded = body.text()?;
    let bytes = decode_base64(&coded).ok_or_else(|| body.wrong("sound in base64url"))?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let Some(format) = SoundFormat::of_bytes(&bytes) else {
        warnings.push(format!("{}.body: no sound of a known form; left out", node.path()));
        return Ok(None);
    };
    Ok(Some(Content::Sound { bytes: bytes.into(), format, channels }))
}

/// Decodes base64url or base64, padded or not: writers differ.
pub(super) fn decode_base64(coded: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let alphabet = if coded.contains(['+', '/']) { &STANDARD } else { &URL_SAFE };
    let engine = GeneralPurpose::new(alphabet, config);
    if coded.contains(|c: char| c.is_ascii_whitespace()) {
        let joined: String = coded.split_ascii_whitespace().collect();
        return engine.decode(joined).ok();
    }
    engine.decode(coded).ok()
}

/// Our own field where it is there; a party with an address makes it e-mail; messages without durations are chat.
fn channel(root: &Node<'_>, entries: &[Entry], has_mailto: bool) -> Result<Channel, Fault> {
    let ours = root.get("gradus").and_then(|node| node.get("channel")).or_else(|| root.get("gradus_channel"));
    if let Some(node) = ours {
        let wrong = || node.wrong("one of call, chat, email, in_person");
        return node.text()?.parse().map_err(|_| wrong());
    }
    if has_mailto {
        return Ok(Channel::Email);
    }
    let lasting = |entry: &Entry| {
        entry.duration_ms.is_some_and(|ms| ms > 0) || matches!(entry.content, Content::Sound { .. })
    };
    Ok(if entries.iter().any(lasting) { Channel::Call } else { Channel::Chat })
}

fn fill(conversation: &mut Incoming, entries: Vec<Entry>, first: Option<Moment>) {
    let from_start = |moment: Moment| first.map(|first| moment.at.since(first.at).get());
    for entry in entries {
        let start_ms = entry.start.and_then(from_start);
        match entry.content {
            Content::Words(text) => conversation.utterances.push(IncomingUtterance {
                index: entry.index,
                party: entry.party,
                start_ms,
                end_ms: start_ms.zip(entry.duration_ms).map(|(start, length)| start.saturating_add(length)),
                at: entry.start.map(|moment| moment.at),
                text,
            }),
            Content::Sound { bytes, format, channels } => conversation.recordings.push(RecordingRef {
                source: RecordingSource::Inline(bytes),
                format,
                index: Some(entry.index),
                start_ms,
                channels,
            }),
        }
    }
    sort_by_time(&mut conversation.utterances);
}

/// Returns the offset of the default zone, for conversations without any time: that of its winter.
pub(super) fn default_offset(defaults: &Defaults) -> i32 {
    defaults.zone.to_offset(jiff::Timestamp::UNIX_EPOCH).seconds()
}

#[cfg(test)]
#[path = "vcon_tests.rs"]
mod tests;
