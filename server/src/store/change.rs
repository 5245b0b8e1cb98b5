//! The closed list of what one batch may change beside the log, and the batch itself.

use gradus_engine::signal::SignalKind;
use gradus_engine::time::Timestamp;

use super::alerts::{AlertClimb, NewAlert};
use super::authority::NewGrant;
use super::cases::{CaseUpdate, NewCase, Resolution, TimelineEntry};
use super::conversations::{Commitment, Decision, HeatPoint, NewConversation, Progress, Signal, Utterance};
use super::ids::{AlertId, CaseId, CommitmentId, CommitmentState, ConversationId, CustomerId, UserId};
use super::log::NewEvent;
use crate::mask::MaskedText;

/// Events and the changes of the projections they cause: committed together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Names the batch for its repeats: the second commit under a key is answered with the first receipt.
    pub key: Option<String>,
    /// The events, in order.
    pub events: Vec<NewEvent>,
    /// The changes, in order.
    pub changes: Vec<Change>,
}

impl Batch {
    /// Makes an empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the batch for its repeats.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Adds an event.
    #[must_use]
    pub fn event(mut self, event: NewEvent) -> Self {
        self.events.push(event);
        self
    }

    /// Adds a change.
    #[must_use]
    pub fn change(mut self, change: impl Into<Change>) -> Self {
        self.changes.push(change.into());
        self
    }

    /// Adds changes.
    #[must_use]
    pub fn changes_of(mut self, changes: impl IntoIterator<Item = Change>) -> Self {
        self.changes.extend(changes);
        self
    }

    /// Returns roughly how many bytes the batch holds, for the limit of a group.
    pub(super) fn weight(&self) -> usize {
        let events: usize = self.events.iter().map(|event| 64 + event.stream.len() + event.body.len()).sum();
        let texts: usize = self
            .changes
            .iter()
            .map(|change| match change {
                Change::Say(said) => 128 + said.text.len() * 2,
                _ => 256,
            })
            .sum();
        events + texts
    }
}

/// Everything a batch may change beside the log.
#[derive(Clone, Debug)]
pub enum Change {
    /// A conversation began, or more is known of it; what is already known and not given again stays.
    StartConversation(Box<NewConversation>),
    /// A conversation is over.
    EndConversation {
        /// Which.
        id: ConversationId,
        /// When.
        at: Timestamp,
    },
    /// Where the judgement of a conversation stands.
    Progress(Progress),
    /// Somebody said something. A repeat of an utterance replaces it.
    Say(Utterance),
    /// The text of an earlier utterance is masked further, after a later one completed a card number.
    Remask {
        /// In which conversation.
        conversation: ConversationId,
        /// Which utterance.
        utterance: i64,
        /// The text that replaces the stored one.
        text: MaskedText,
    },
    /// A signal was noticed.
    Notice(Signal),
    /// The heat after an utterance.
    Heat(HeatPoint),
    /// The protocol decided.
    Decide(Box<Decision>),
    /// A promise was made to the customer.
    Promise(Commitment),
    /// A customer behaved so that others should know. A later mark holds longer than an earlier one.
    MarkCustomer {
        /// Who.
        id: CustomerId,
        /// The mark, as people read it.
        mark: String,
        /// Until when it holds; nothing until somebody takes it away.
        until: Option<Timestamp>,
    },
    /// A promise was kept, broken or dropped.
    SettlePromise {
        /// Which.
        id: CommitmentId,
        /// What became of it.
        state: CommitmentState,
        /// Who says so.
        by: Option<UserId>,
        /// When.
        at: Timestamp,
    },
    /// Somebody is told that a promise falls due, or is late. Refused when it was told before.
    PromiseTold {
        /// Which.
        id: CommitmentId,
        /// Whether its time is over.
        late: bool,
        /// When.
        at: Timestamp,
    },
    /// A case is opened. A repeat of its id changes nothing.
    OpenCase(Box<NewCase>),
    /// A conversation belongs to a case.
    JoinCase {
        /// The conversation.
        conversation: ConversationId,
        /// The case.
        case: CaseId,
    },
    /// What the engine decided about a case: state, stage, owner, clocks.
    UpdateCase(Box<CaseUpdate>),
    /// Somebody says that they saw the case. Refused on a closed case; a repeat keeps the first.
    AcknowledgeCase {
        /// Which.
        id: CaseId,
        /// Who.
        by: UserId,
        /// When.
        at: Timestamp,
    },
    /// Somebody becomes the owner of a case. Refused on a closed case.
    TakeOver {
        /// Which.
        id: CaseId,
        /// Who.
        by: UserId,
        /// When.
        at: Timestamp,
    },
    /// A case is closed with its resolution. Refused on a closed case.
    Resolve {
        /// Which.
        id: CaseId,
        /// Reason, decision, cost, conclusion.
        resolution: Box<Resolution>,
    },
    /// A case goes on in another one. Refused on a closed case.
    MergeCase {
        /// Which.
        id: CaseId,
        /// In which it goes on.
        into: CaseId,
        /// Who says so.
        by: UserId,
        /// When.
        at: Timestamp,
    },
    /// Another case has to do with a case, or does no longer. A repeat changes nothing.
    LinkCase {
        /// Which.
        id: CaseId,
        /// The other.
        other: CaseId,
        /// Whether it has.
        linked: bool,
        /// Who says so.
        by: UserId,
        /// When.
        at: Timestamp,
    },
    /// A conversation reports an incident; the first one opens it. A repeat changes nothing.
    JoinIncident {
        /// The number of the engine.
        incident: i64,
        /// The trouble that its customers share.
        kind: SignalKind,
        /// Which conversation.
        conversation: ConversationId,
        /// The utterance that reported it.
        utterance: i64,
        /// When.
        at: Timestamp,
    },
    /// Something is written into the timeline of a case. A repeat of its key changes nothing.
    Timeline(TimelineEntry),
    /// Something was granted, or is asked for. A repeat of its id changes nothing.
    Grant(Box<NewGrant>),
    /// Somebody is alerted. A repeat of its id counts as a repeat of the alert.
    Alert(Box<NewAlert>),
    /// An alert reached a channel.
    AlertDelivered {
        /// Which.
        id: AlertId,
        /// When.
        at: Timestamp,
    },
    /// Somebody answers an alert. A repeat keeps the first.
    AcknowledgeAlert {
        /// Which.
        id: AlertId,
        /// Who.
        by: UserId,
        /// When.
        at: Timestamp,
    },
    /// An unanswered alert goes to the next person.
    ClimbAlert(AlertClimb),
    /// An alert is over: the state says how (handled, failed, withdrawn).
    EndAlert {
        /// Which.
        id: AlertId,
        /// How it ended.
        state: String,
        /// When.
        at: Timestamp,
    },
    /// The file with this SHA-256 is completely in the store.
    FinishImport {
        /// SHA-256 of the file, hexadecimal.
        sha256: String,
        /// What became of it.
        conversation: ConversationId,
        /// When.
        at: Timestamp,
    },
}

macro_rules! into_change {
    ($($from:ty => $variant:ident $($wrap:path)?;)*) => {$(
        impl From<$from> for Change {
            fn from(value: $from) -> Self { Self::$variant($($wrap)?(value)) }
        }
    )*};
}

into_change! {
    NewConversation => StartConversation Box::new;
    Progress => Progress;
    Utterance => Say;
    Signal => Notice;
    HeatPoint => Heat;
    Decision => Decide Box::new;
    Commitment => Promise;
    NewCase => OpenCase Box::new;
    CaseUpdate => UpdateCase Box::new;
    TimelineEntry => Timeline;
    NewAlert => Alert Box::new;
    NewGrant => Grant Box::new;
    AlertClimb => ClimbAlert;
}
