//! Intake: conversations from outside, whatever their form, become one shape. Nothing here judges or stores.
//!
//! Every reader has a pure entry point (bytes in, value or fault out) that neither panics nor grows without bound on
//! any input; [`open`] finds the right one by content and name.

use std::borrow::Cow;
use std::sync::Arc;

use gradus_engine::signal::{Channel, Party};
use gradus_engine::time::Timestamp;
use jiff::tz::{Offset, TimeZone};

mod draft;
mod open;

pub mod cases;
pub mod customers;
pub mod subtitles;
pub mod table;
pub mod transcript;
pub mod vcon;
pub mod vcon_out;

pub mod fault;
pub mod html;
pub mod json;
pub mod mail;
pub mod roles;
pub mod sniff;
pub mod start;
pub mod text;
pub mod times;

pub use crate::phone::Phone;
pub use fault::{Fault, FaultKind, IntakeError};
pub use open::{files, open, open_as, parse};
pub use sniff::SoundFormat;
pub use start::StartFrom;

/// What is assumed where the data is silent.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The zone of times without an offset.
    pub zone: TimeZone,
    /// The side of the first party where no roles are given and nobody shows by their words who they are.
    pub first_party: Party,
}

impl Default for Defaults {
    /// Moscow time (three hours east, all year since 2014) and the customer first.
    fn default() -> Self {
        Self { zone: TimeZone::fixed(Offset::constant(3)), first_party: Party::Customer }
    }
}

/// One conversation from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// The id that the source gave it, else one made of the file's name.
    pub id: String,
    /// The kind of contact.
    pub channel: Channel,
    /// When it began; `None` where no entry has a time.
    pub started_at: Option<Timestamp>,
    /// How that is known.
    pub start_from: StartFrom,
    /// Seconds east of UTC of the clock in the place of the conversation.
    pub utc_offset_s: i32,
    /// What it is about, as the source says.
    pub subject: Option<String>,
    /// Who takes part.
    pub parties: Vec<IncomingParty>,
    /// How the roles of the parties came about.
    pub roles: Roles,
    /// What was said, in order of time; an utterance without time stays behind the one before it.
    pub utterances: Vec<IncomingUtterance>,
    /// Sound that is still to be recognised.
    pub recordings: Vec<RecordingRef>,
    /// The team that sees it, where the source knows.
    pub team: Option<String>,
    /// The file or stream it came from, as given.
    pub source_name: String,
    /// What had to be assumed or left out, in sentences for people; never words of the conversation.
    pub warnings: Vec<String>,
}

impl Default for Incoming {
    fn default() -> Self {
        Self {
            id: String::new(),
            channel: Channel::Call,
            started_at: None,
            start_from: StartFrom::Source,
            utc_offset_s: 0,
            subject: None,
            parties: Vec::new(),
            roles: Roles::Given,
            utterances: Vec::new(),
            recordings: Vec::new(),
            team: None,
            source_name: String::new(),
            warnings: Vec::new(),
        }
    }
}

/// One who takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingParty {
    /// The role as given (`customer`, `agent`, `supervisor`, …).
    pub role: String,
    /// The side that the role is judged as: everybody but the customer is judged as the agent.
    pub side: Party,
    /// Their name.
    pub name: Option<String>,
    /// Their telephone.
    pub tel: Option<Phone>,
    /// Their e-mail address, in lower case.
    pub email: Option<String>,
}

impl Default for IncomingParty {
    fn default() -> Self {
        Self { role: String::new(), side: Party::Customer, name: None, tel: None, email: None }
    }
}

impl IncomingParty {
    /// Makes a party of a role as somebody wrote it. Russian and other names of customer and agent are theirs.
    pub fn of_role(role: &str) -> Self {
        let role: String = role.trim().chars().take(100).collect();
        let lower = role.to_lowercase();
        let (role, side) = match lower.as_str() {
            "customer"
            | "client"
            | "caller"
            | "клиент"
            | "клиентка"
            | "покупатель"
            | "абонент"
            | "заказчик"
            | "пациент"
            | "гость" => (Party::Customer.name().to_owned(), Party::Customer),
            "agent" | "operator" | "оператор" | "агент" | "менеджер" => {
                (Party::Agent.name().to_owned(), Party::Agent)
            }
            _ => (role, Party::Agent),
        };
        Self { role, side, ..Self::default() }
    }
}

/// How the roles came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roles {
    /// The source names them.
    Given,
    /// Guessed from what is said; per cent.
    Guessed {
        /// How sure the guess is.
        confidence: u8,
    },
    /// Nothing said who is who: [`Defaults::first_party`] decided.
    Configured,
}

/// What one speaker said without a pause, or wrote in one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingUtterance {
    /// Position in the source (of a vCon: in `dialog`), from 0.
    pub index: u32,
    /// Who said it: index into the parties.
    pub party: u32,
    /// Milliseconds from the start of the conversation.
    pub start_ms: Option<u64>,
    /// Milliseconds from the start of the conversation; `None` where no duration is known.
    pub end_ms: Option<u64>,
    /// The point in time at which it began.
    pub at: Option<Timestamp>,
    /// The words as received.
    pub text: String,
}

impl IncomingUtterance {
    /// Returns the words that are judged: of a letter without what it quotes, blanked so that offsets stay true.
    pub fn judged_text(&self, channel: Channel) -> Cow<'_, str> {
        match channel {
            Channel::Email => Cow::Owned(mail::blank_quoted(&self.text)),
            _ => Cow::Borrowed(&self.text),
        }
    }
}

/// Sound to be recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingRef {
    /// Where the bytes are.
    pub source: RecordingSource,
    /// The form of the sound, told by its first bytes.
    pub format: SoundFormat,
    /// Position in a vCon's `dialog`; `None` for a file of its own.
    pub index: Option<u32>,
    /// Where it begins, in milliseconds from the start of the conversation.
    pub start_ms: Option<u64>,
    /// The parties heard on each channel, as far as the source says.
    pub channels: Vec<Vec<u32>>,
}

/// Where the bytes of a recording are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingSource {
    /// In the file that was opened.
    File,
    /// Inside the document.
    Inline(Arc<[u8]>),
}

/// Bounds on what is accepted from outside.
pub mod limits {
    /// Bytes of a text file: a vCon with an hour of sound inside has about 150 MiB.
    pub const FILE_BYTES: u64 = 256 << 20;
    /// Bytes of one utterance.
    pub const UTTERANCE_BYTES: usize = 4 << 20;
    /// Utterances of one file.
    pub const UTTERANCES: usize = 1_000_000;
    /// Parties of one conversation.
    pub const PARTIES: usize = 1_000;
}

/// Sorts utterances into the order of time; one without time keeps its place behind the one before it.
fn sort_by_time(utterances: &mut Vec<IncomingUtterance>) {
    let mut last = None;
    let mut keyed: Vec<(Option<u64>, IncomingUtterance)> = std::mem::take(utterances)
        .into_iter()
        .map(|utterance| {
            last = utterance.start_ms.or(last);
            (last, utterance)
        })
        .collect();
    keyed.sort_by_key(|(start, _)| *start);
    utterances.extend(keyed.into_iter().map(|(_, utterance)| utterance));
}

/// Refuses an utterance over the bound.
fn bounded(text: &str, place: &str) -> Result<(), Fault> {
    if text.len() <= limits::UTTERANCE_BYTES {
        return Ok(());
    }
    let problem = format!("the utterance has more than {} MiB", limits::UTTERANCE_BYTES >> 20);
    Err(Fault::new(FaultKind::TooLarge, place, problem, "split it into the messages it is made of"))
}
