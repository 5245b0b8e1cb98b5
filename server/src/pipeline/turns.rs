//! One lock a conversation: what is judged in one of them never waits for another.
//!
//! A conversation's state lies behind its own lock. Whoever changes it takes it out, and puts it back after the commit: on
//! failure it would be ahead of the store, so it is dropped and read off the log at the next turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Lock, OwnedMutexGuard};

use super::track::Track;
use crate::store::ConversationId;

type Slot = Arc<Lock<Option<Track>>>;
type Slots = Arc<Mutex<HashMap<ConversationId, Slot>>>;

/// The conversations that somebody waits for, or whose state is kept in memory.
#[derive(Default)]
pub(super) struct Turns {
    slots: Slots,
}

impl Turns {
    /// Waits until nobody else changes the conversation.
    pub(super) async fn of(&self, id: &ConversationId) -> Turn {
        let slot = Arc::clone(lock(&self.slots).entry(id.clone()).or_default());
        let track = slot.lock_owned().await;
        Turn { id: id.clone(), slots: Arc::clone(&self.slots), track: Some(track) }
    }

    #[cfg(test)]
    fn kept(&self) -> usize {
        lock(&self.slots).len()
    }
}

/// The right to change one conversation, until it is dropped.
pub(super) struct Turn {
    id: ConversationId,
    slots: Slots,
    /// Always there until the turn is dropped.
    track: Option<OwnedMutexGuard<Option<Track>>>,
}

impl Turn {
    /// Takes the state out of memory, if it was kept.
    pub(super) fn take(&mut self) -> Option<Track> {
        self.track.as_mut().and_then(|track| track.take())
    }

    /// Keeps the state in memory for the next turn.
    pub(super) fn keep(mut self, track: Track) {
        if let Some(kept) = self.track.as_mut() {
            **kept = Some(track);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(track) = self.track.take() else { return };
        let empty = track.is_none();
        drop(track);
        if !empty {
            return;
        }
        let mut slots = lock(&self.slots);
        // Nobody can begin to wait while the map is locked, so one owner means that nobody waits.
        let waited_for = slots.get(&self.id).is_some_and(|slot| {
            Arc::strong_count(slot) > 1 || slot.try_lock().is_ok_and(|kept| kept.is_some())
        });
        if !waited_for {
            slots.remove(&self.id);
        }
    }
}

/// A panic elsewhere leaves the map whole: it is only ever added to and removed from.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use gradus_engine::signal::Channel;

    use super::*;

    fn id(name: &str) -> ConversationId {
        ConversationId(name.to_owned())
    }

    #[tokio::test]
    async fn a_conversation_waits_for_itself_and_for_no_other() {
        let (turns, one, other) = (Turns::default(), id("one"), id("other"));
        let first = turns.of(&one).await;
        let other = turns.of(&other);
        drop(tokio::time::timeout(std::time::Duration::from_secs(5), other).await.unwrap());
        let same = turns.of(&one);
        tokio::pin!(same);
        assert!(futures_are_pending(&mut same).await);
        drop(first);
        drop(same.await);
    }

    /// Polls once.
    async fn futures_are_pending<F: Future + Unpin>(future: &mut F) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
        })
        .await
    }

    #[tokio::test]
    async fn what_is_kept_is_found_again_and_what_is_not_leaves_nothing_behind() {
        let turns = Turns::default();
        let mut turn = turns.of(&id("one")).await;
        assert!(turn.take().is_none());
        turn.keep(Track::new(id("one"), Channel::Call, None, None));
        assert_eq!(turns.kept(), 1);
        let mut turn = turns.of(&id("one")).await;
        assert!(turn.take().is_some());
        drop(turn);
        assert_eq!(turns.kept(), 0);
    }

    #[tokio::test]
    async fn many_turns_of_few_conversations_leave_nothing_behind() {
        let turns = Arc::new(Turns::default());
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..200 {
            let turns = Arc::clone(&turns);
            tasks.spawn(async move {
                let turn = turns.of(&id(&format!("{}", number % 3))).await;
                tokio::task::yield_now().await;
                drop(turn);
            });
        }
        while tasks.join_next().await.is_some() {}
        assert_eq!(turns.kept(), 0);
    }
}
