//! Transcripts as JSON: one conversation a document, one a line, or one utterance a line. A vCon is taken too.

use gradus_engine::signal::Channel;
use serde_json::Value;

use super::draft::{Draft, Drafts, Row, When};
use super::fault::{Fault, FaultKind};
use super::json::{self, Node};
use super::{Defaults, Incoming, IncomingParty, Phone, text, times, vcon};

/// Reads one JSON document: a vCon, a conversation, or a list of either or of utterances.
///
/// # Errors
/// A [`Fault`] that names the place and the cure.
pub fn parse(bytes: &[u8], source_name: &str, defaults: &Defaults) -> Result<Vec<Incoming>, Fault> {
    let decoded = text::decode(bytes)?;
    let document = json::parse(&decoded.text)?;
    let mut conversations = match document.as_array() {
        Some(items) => several(
            items.iter().enumerate().map(|(at, item)| (format!("[{at}]"), item)),
            source_name,
            defaults,
        )?,
        None => several(std::iter::once((String::new(), &document)), source_name, defaults)?,
    };
    for conversation in &mut conversations {
        conversation.warnings.extend(decoded.warning.clone());
    }
    Ok(conversations)
}

/// Reads newline-delimited JSON: each line an utterance, a conversation or a vCon.
///
/// # Errors
/// A [`Fault`] that names the line.
pub fn parse_lines(bytes: &[u8], source_name: &str, defaults: &Defaults) -> Result<Vec<Incoming>, Fault> {
    let decoded = text::decode(bytes)?;
    let mut documents = Vec::new();
    for (at, line) in decoded.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("line {}", at + 1);
        let document = json::parse(line).map_err(|mut fault| {
            fault.place = fault.place.replace("line 1, ", "");
            fault.within(&place)
        })?;
        documents.push((place, document));
    }
    let items = documents.iter().map(|(place, document)| (place.clone(), document));
    let mut conversations = several(items, source_name, defaults)?;
    for conversation in &mut conversations {
        conversation.warnings.extend(decoded.warning.clone());
    }
    Ok(conversations)
}

fn several<'v>(
    items: impl Iterator<Item = (String, &'v Value)>,
    source_name: &str,
    defaults: &Defaults,
) -> Result<Vec<Incoming>, Fault> {
    let mut whole = Vec::new();
    let mut drafts = Drafts::new(source_name);
    for (place, item) in items {
        let within = |fault: Fault| if place.is_empty() { fault } else { fault.within(&place) };
        let node = Node::root(item);
        if vcon::is_vcon(item) {
            whole.push(vcon::read(item, source_name, defaults).map_err(within)?);
        } else if utterances_of(&node).is_some() {
            whole.push(conversation(&node, source_name, defaults).map_err(within)?);
        } else {
            let row = row(&node, defaults).map_err(within)?;
            drafts.add(row, &place)?;
        }
    }
    whole.extend(drafts.finish(defaults, None)?);
    if whole.is_empty() {
        return Err(Fault::new(FaultKind::Empty, "", "the list is empty", "export the conversations again"));
    }
    Ok(whole)
}

fn utterances_of<'v>(node: &Node<'v>) -> Option<Node<'v>> {
    node.first(&["utterances", "segments", "messages"])
}

fn conversation(node: &Node<'_>, source_name: &str, defaults: &Defaults) -> Result<Incoming, Fault> {
    // The output of `gradus analyze` keeps what is about the conversation in a member of its own.
    let about = node.get("conversation").filter(|about| about.value().is_object());
    let about = about.as_ref().unwrap_or(node);
    let id = about.first(&["id", "uuid"]).map(|id| id.text()).transpose()?;
    let mut draft = Draft::new(id.as_deref().unwrap_or(source_name), source_name);
    if let Some(channel) = channel(about)? {
        draft.set_channel(channel);
    }
    if let Some(subject) = about.text_of("subject")? {
        draft.set_subject(&subject);
    }
    if let Some(started) = about.first(&["started_at", "start", "created_at"]) {
        match times::moment(&started.text()?, &defaults.zone) {
            Some(moment) => draft.set_started(moment),
            None => draft.warn(format!("{}: no time that can be read", started.path())),
        }
    }
    for party in about.list("parties")? {
        let role = party.text_of("role")?.filter(|role| !role.trim().is_empty());
        let details = IncomingParty {
            name: party.text_of("name")?.and_then(|name| text::clean_line(&name)),
            tel: party.text_of("tel")?.and_then(|tel| Phone::parse(&tel)),
            email: party
                .first(&["email", "mailto"])
                .map(|node| node.text())
                .transpose()?
                .and_then(|text| vcon::address_of(&text)),
            ..role.as_deref().map(IncomingParty::of_role).unwrap_or_default()
        };
        draft.add_party(role.is_some(), details);
    }
    let utterances = utterances_of(node).map(|list| list.items()).transpose()?.unwrap_or_default();
    for utterance in utterances {
        let row = row(&utterance, defaults)?;
        let party = speaker(&utterance, &row, &mut draft)?;
        draft.say(party, row.text, row.start, row.end, utterance.path())?;
    }
    draft.finish(defaults)
}

/// A number is a position in the list of parties, anything else a role or a name.
fn speaker(utterance: &Node<'_>, row: &Row, draft: &mut Draft) -> Result<u32, Fault> {
    let number = utterance.first(SPEAKER).filter(|node| node.value().is_number() && draft.party_count() > 0);
    let Some(number) = number else { return draft.party(&row.speaker, utterance.path()) };
    let party = number.index()?;
    if (party as usize) < draft.party_count() {
        return Ok(party);
    }
    let problem = format!("party {party} is named, but «parties» has {}", draft.party_count());
    Err(Fault::new(FaultKind::UnknownParty, number.path(), problem, "add the party or correct the number"))
}

const SPEAKER: &[&str] = &["party", "speaker", "role", "originator"];
const WORDS: &[&str] = &["text", "body", "message"];

fn row(node: &Node<'_>, defaults: &Defaults) -> Result<Row, Fault> {
    if !node.value().is_object() {
        return Err(node.wrong("an object with «party» and «text»"));
    }
    let Some(words) = node.first(WORDS) else {
        let problem = "there is no «text»";
        return Err(Fault::new(
            FaultKind::Missing,
            node.path(),
            problem,
            "give every utterance its «text», which may be empty",
        ));
    };
    let speaker = node.first(SPEAKER).map(|node| node.text()).transpose()?.unwrap_or_default();
    let conversation = node.first(&["conversation", "conversation_id", "call_id", "dialog_id"]);
    Ok(Row {
        conversation: conversation.map(|node| node.text()).transpose()?,
        speaker,
        name: node.text_of("name")?.and_then(|name| text::clean_line(&name)),
        tel: node.text_of("tel")?.and_then(|tel| Phone::parse(&tel)),
        email: node.text_of("email")?.and_then(|text| vcon::address_of(&text)),
        channel: channel(node)?,
        subject: node.text_of("subject")?,
        start: when(node, "start_ms", &["start", "at", "time"], defaults)?,
        end: when(node, "end_ms", &["end"], defaults)?,
        text: words.text()?,
    })
}

fn channel(node: &Node<'_>) -> Result<Option<Channel>, Fault> {
    let Some(channel) = node.get("channel") else { return Ok(None) };
    let read = channel.text()?.parse();
    read.map(Some).map_err(|_| channel.wrong("one of call, chat, email, in_person"))
}

/// Reads a time: milliseconds under one key; seconds, a place or a point in time under the others.
fn when(node: &Node<'_>, ms: &str, others: &[&str], defaults: &Defaults) -> Result<Option<When>, Fault> {
    if let Some(node) = node.get(ms) {
        let value = node.value().as_u64().filter(|&ms| ms <= times::LONGEST_MS);
        return value
            .map(|ms| Some(When::Ms(ms)))
            .ok_or_else(|| node.wrong("milliseconds from the start, at most 30 days"));
    }
    let Some(node) = node.first(others) else { return Ok(None) };
    let read = match node.value() {
        Value::Number(number) => number.as_f64().and_then(times::seconds_ms).map(When::Ms),
        Value::String(text) => When::read(text, &defaults.zone),
        _ => None,
    };
    read.map(Some).ok_or_else(|| node.wrong("seconds from the start, or a point in time as RFC 3339"))
}

#[cfg(test)]
#[path = "transcript_tests.rs"]
mod tests;
