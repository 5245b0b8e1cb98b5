//! A conversation in the making, from rows of utterances: tables, JSON lines and subtitles all end here.

use std::collections::HashMap;

use gradus_engine::signal::Channel;
use gradus_engine::time::{Millis, Timestamp};
use jiff::tz::TimeZone;

use super::fault::{Fault, FaultKind};
use super::times::{self, Moment};
use super::{Defaults, Incoming, IncomingParty, IncomingUtterance, Phone};
use super::{bounded, limits, roles, sort_by_time, text, vcon};

/// When something was said: a place in the conversation or a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Milliseconds from the start.
    Ms(u64),
    /// A point in time.
    At(Moment),
}

impl When {
    /// Reads a point in time, else a place in the conversation.
    pub fn read(text: &str, zone: &TimeZone) -> Option<When> {
        times::moment(text, zone).map(When::At).or_else(|| times::position_ms(text).map(When::Ms))
    }
}

/// One utterance as a row gives it.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// Which conversation; rows without one belong to the only one of the file.
    pub conversation: Option<String>,
    /// Who spoke: a role or a name.
    pub speaker: String,
    /// The name of the speaker.
    pub name: Option<String>,
    /// The customer's telephone.
    pub tel: Option<Phone>,
    /// The customer's address.
    pub email: Option<String>,
    /// The kind of contact.
    pub channel: Option<Channel>,
    /// What the conversation is about.
    pub subject: Option<String>,
    /// When the utterance began.
    pub start: Option<When>,
    /// When it ended.
    pub end: Option<When>,
    /// The words.
    pub text: String,
}

/// One conversation in the making.
#[derive(Debug)]
pub(super) struct Draft {
    conversation: Incoming,
    parties: Vec<(bool, IncomingParty)>,
    labels: Vec<String>,
    known: HashMap<String, u32>,
    rows: Vec<(Option<When>, Option<When>)>,
    started: Option<Moment>,
    customer: (Option<Phone>, Option<String>),
}

impl Draft {
    /// Starts a conversation.
    pub fn new(id: &str, source_name: &str) -> Self {
        let id = text::clean_line(id).unwrap_or_else(|| source_name.to_owned());
        let conversation = Incoming { id, source_name: source_name.to_owned(), ..Incoming::default() };
        Self {
            conversation,
            parties: Vec::new(),
            labels: Vec::new(),
            known: HashMap::new(),
            rows: Vec::new(),
            started: None,
            customer: (None, None),
        }
    }

    /// Sets the kind of contact.
    pub fn set_channel(&mut self, channel: Channel) {
        self.conversation.channel = channel;
    }

    /// Sets the start; else it is that of the first utterance.
    pub fn set_started(&mut self, started: Moment) {
        self.started = Some(started);
    }

    /// Sets what the conversation is about, unless that is known.
    pub fn set_subject(&mut self, subject: &str) {
        if self.conversation.subject.is_none() {
            self.conversation.subject = text::clean_line(subject);
        }
    }

    /// Notes what had to be assumed.
    pub fn warn(&mut self, warning: String) {
        self.conversation.warnings.push(warning);
    }

    /// Adds a party that the source lists.
    pub fn add_party(&mut self, has_role: bool, party: IncomingParty) {
        self.labels.push(party.role.to_lowercase());
        self.parties.push((has_role, party));
    }

    /// Returns how many parties there are.
    pub fn party_count(&self) -> usize {
        self.parties.len()
    }

    /// Returns the party with this role or name, which is new if nobody has it yet.
    pub fn party(&mut self, label: &str, place: &str) -> Result<u32, Fault> {
        let line = text::clean_line(label).unwrap_or_default();
        let key = line.to_lowercase();
        if let Some(&known) = self.known.get(&key) {
            return Ok(known);
        }
        let named =
            |party: &IncomingParty| party.name.as_ref().is_some_and(|name| name.to_lowercase() == key);
        let role = role_of_label(&key);
        let found = (0..self.parties.len()).find(|&at| {
            self.labels[at] == key
                || named(&self.parties[at].1)
                || role.as_deref() == Some(self.labels[at].as_str())
        });
        if let Some(found) = found {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            self.known.insert(key, found);
            return Ok(found);
        }
        if self.parties.len() >= limits::PARTIES {
            let problem = format!("there are more than {} different speakers", limits::PARTIES);
            return Err(Fault::new(
                FaultKind::TooLarge,
                place,
                problem,
                "check that the column of speakers is the right one",
            ));
        }
        let party = match &role {
            Some(role) => IncomingParty::of_role(role),
            None => IncomingParty { name: (!line.is_empty()).then_some(line), ..IncomingParty::default() },
        };
        let new = u32::try_from(self.parties.len()).unwrap_or(u32::MAX);
        self.known.insert(key.clone(), new);
        self.labels.push(role.clone().unwrap_or(key));
        self.parties.push((role.is_some(), party));
        Ok(new)
    }

    /// Adds an utterance of a party. Empty ones take a number and are not kept.
    pub fn say(
        &mut self,
        party: u32,
        words: String,
        start: Option<When>,
        end: Option<When>,
        place: &str,
    ) -> Result<(), Fault> {
        bounded(&words, place)?;
        let index = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push((start, end));
        if words.trim().is_empty() {
            return Ok(());
        }
        let (text, warning) = text::clean_words(words);
        self.conversation.warnings.extend(warning.map(|warning| format!("{place}: {warning}")));
        let utterance = IncomingUtterance { index, party, start_ms: None, end_ms: None, at: None, text };
        self.conversation.utterances.push(utterance);
        Ok(())
    }

    fn take(&mut self, row: Row, place: &str) -> Result<(), Fault> {
        let party = self.party(&row.speaker, place)?;
        if let (Some(name), Some((_, known))) = (row.name, self.parties.get_mut(party as usize)) {
            known.name = known.name.take().or(Some(name));
        }
        self.customer.0 = self.customer.0.take().or(row.tel);
        self.customer.1 = self.customer.1.take().or(row.email);
        if let Some(channel) = row.channel {
            self.set_channel(channel);
        }
        if let Some(subject) = row.subject {
            self.set_subject(&subject);
        }
        self.say(party, row.text, row.start, row.end, place)
    }

    /// Makes the conversation.
    pub fn finish(mut self, defaults: &Defaults) -> Result<Incoming, Fault> {
        if self.conversation.utterances.is_empty() {
            let problem = "there are no words in it";
            return Err(Fault::new(
                FaultKind::Empty,
                self.conversation.id,
                problem,
                "export the conversation again",
            ));
        }
        self.set_times(defaults);
        let parties = std::mem::take(&mut self.parties);
        roles::settle(&mut self.conversation, parties, defaults.first_party);
        let is_customer = |party: &&mut IncomingParty| party.side == gradus_engine::signal::Party::Customer;
        if let Some(customer) = self.conversation.parties.iter_mut().find(is_customer) {
            customer.tel = customer.tel.take().or(self.customer.0);
            customer.email = customer.email.take().or(self.customer.1);
        }
        sort_by_time(&mut self.conversation.utterances);
        Ok(self.conversation)
    }

    fn set_times(&mut self, defaults: &Defaults) {
        let moments = self.rows.iter().filter_map(|row| match row.0 {
            Some(When::At(moment)) => Some(moment),
            _ => None,
        });
        let started = self.started.into_iter().chain(moments).min_by_key(|moment| moment.at);
        self.conversation.started_at = started.map(|moment| moment.at);
        let offset = started.map(|moment| moment.utc_offset_s);
        self.conversation.utc_offset_s = offset.unwrap_or_else(|| vcon::default_offset(defaults));
        let begin = started.map(|moment| moment.at);
        let place = |when: When| match when {
            When::Ms(ms) => Some(ms),
            When::At(moment) => begin.map(|begin| moment.at.since(begin).get()),
        };
        let point = |ms: u64| -> Option<Timestamp> { begin.map(|begin| begin.plus(Millis::new(ms))) };
        for utterance in &mut self.conversation.utterances {
            let (start, end) = self.rows.get(utterance.index as usize).copied().unwrap_or_default();
            utterance.start_ms = start.and_then(place);
            let end = end.and_then(place);
            utterance.end_ms = end.filter(|&end| utterance.start_ms.is_some_and(|start| start <= end));
            utterance.at = utterance.start_ms.and_then(point);
        }
    }
}

/// Returns the role that a label names, if it names one and not a person.
fn role_of_label(key: &str) -> Option<String> {
    let role = match key {
        "руководитель" | "супервизор" | "начальник" | "роп" | "старший" => {
            "supervisor"
        }
        "специалист" | "эксперт" => "specialist",
        "supervisor" | "specialist" | "manager" | "expert" => key,
        _ => {
            let party = IncomingParty::of_role(key);
            return matches!(party.role.as_str(), "customer" | "agent").then_some(party.role);
        }
    };
    Some(role.to_owned())
}

/// Conversations in the making, in the order of their first rows.
#[derive(Debug)]
pub(super) struct Drafts {
    source_name: String,
    drafts: Vec<Draft>,
    by_id: HashMap<String, usize>,
    rows: usize,
}

impl Drafts {
    /// Starts with none.
    pub fn new(source_name: &str) -> Self {
        Self { source_name: source_name.to_owned(), drafts: Vec::new(), by_id: HashMap::new(), rows: 0 }
    }

    /// Adds one row to its conversation.
    pub fn add(&mut self, row: Row, place: &str) -> Result<(), Fault> {
        self.rows += 1;
        if self.rows > limits::UTTERANCES {
            let problem = format!("there are more than {} utterances", limits::UTTERANCES);
            return Err(Fault::new(FaultKind::TooLarge, place, problem, "split the file"));
        }
        let id = row.conversation.clone().unwrap_or_else(|| self.source_name.clone());
        let at = match self.by_id.get(&id) {
            Some(&at) => at,
            None => {
                self.drafts.push(Draft::new(&id, &self.source_name));
                self.by_id.insert(id, self.drafts.len() - 1);
                self.drafts.len() - 1
            }
        };
        match self.drafts.get_mut(at) {
            Some(draft) => draft.take(row, place),
            None => Ok(()),
        }
    }

    /// Makes all the conversations; `warning` is noted in each.
    pub fn finish(self, defaults: &Defaults, warning: Option<String>) -> Result<Vec<Incoming>, Fault> {
        let finish = |draft: Draft| {
            let mut conversation = draft.finish(defaults)?;
            conversation.warnings.extend(warning.clone());
            Ok(conversation)
        };
        self.drafts.into_iter().map(finish).collect()
    }
}
