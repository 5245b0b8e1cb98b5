//! Reading off: from events of the log to the changes they caused, for a rebuild.
//!
//! Nothing is detected again: what was noticed stands in the events. Words are not touched: they lie beside the log.

use std::collections::{BTreeSet, HashMap};

use gradus_engine::case::Action;
use gradus_engine::event::Event;
use gradus_engine::protocol::Protocol;
use gradus_engine::signal::Channel;
use gradus_engine::time::Timestamp;

use super::Basis;
use super::track::Track;
use crate::store::{
    Batch, Change, ConversationId, ConversationKey, StoreError, StoredEvent, conversation_stream,
};

/// Turns stored events into changes, one conversation after the other.
pub struct ReadOff {
    protocols: HashMap<String, Protocol>,
    conversations: HashMap<String, ConversationKey>,
    now: Option<(String, Track)>,
}

impl ReadOff {
    /// Reads off by these protocols: every event by the version that it was judged by.
    pub fn new(protocols: Vec<Protocol>, conversations: Vec<ConversationKey>) -> Self {
        let protocols = protocols.into_iter().map(|protocol| (protocol.version.clone(), protocol)).collect();
        let conversations =
            conversations.into_iter().map(|known| (conversation_stream(&known.id), known)).collect();
        Self { protocols, conversations, now: None }
    }

    /// Returns the versions of protocols that are not at hand.
    pub fn missing(&self, versions: &[String]) -> BTreeSet<String> {
        versions.iter().filter(|version| !self.protocols.contains_key(*version)).cloned().collect()
    }

    /// Returns what an event changed. The events of a conversation have to come one after the other, in their order.
    ///
    /// # Errors
    /// When the event cannot be read, or the protocol it was judged by is not at hand.
    pub fn changes(&mut self, stored: &StoredEvent) -> Result<Vec<Change>, StoreError> {
        let Some(known) = self.conversations.get(&stored.stream) else { return Ok(Vec::new()) };
        let place = || format!("event {} ({} {})", stored.position, stored.stream, stored.sequence);
        let event: Event = serde_json::from_str(&stored.body)
            .map_err(|error| StoreError::Broken(format!("{} cannot be read: {error}", place())))?;
        let protocol = self.protocols.get(&stored.protocol_version).ok_or_else(|| {
            StoreError::Missing(format!("protocol \"{}\" of {}", stored.protocol_version, place()))
        })?;
        let mut track = match self.now.take() {
            Some((stream, track)) if stream == stored.stream => track,
            _ => begin(known),
        };
        let basis = Basis { protocol, rules_version: &stored.rules_version, ways: None };
        let changes = read(&mut track, &basis, &event, &known.id, Timestamp::from_millis(stored.at_ms));
        self.now = Some((stored.stream.clone(), track));
        Ok(changes)
    }
}

fn begin(known: &ConversationKey) -> Track {
    let channel = known.channel.parse().unwrap_or(Channel::Call);
    Track::new(known.id.clone(), channel, known.customer_id.clone(), known.team.clone())
}

fn read(
    track: &mut Track,
    basis: &Basis<'_>,
    event: &Event,
    id: &ConversationId,
    at: Timestamp,
) -> Vec<Change> {
    let mut batch = Batch::new();
    if let Event::Said(said) = event {
        track.keep_noticed(basis, said, at, &mut batch);
    }
    // What was accepted once is accepted again: the same state, the same event.
    let _ = track.take(basis, event, at, &mut batch);
    match event {
        Event::Said(_) | Event::Heard(_) | Event::Incident { .. } => batch = batch.change(track.progress(at)),
        Event::Ended => batch = batch.change(Change::EndConversation { id: id.clone(), at }),
        // A note moves nothing; its words lie in the timeline.
        Event::Acted { action: Action::Note { .. }, .. } => batch.changes.clear(),
        Event::Started { .. } | Event::Acted { .. } | Event::Tick => {}
    }
    batch.changes
}
