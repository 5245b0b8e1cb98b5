//! Listening in to a call as its sound arrives. The call never waits for a listener: whoever is too slow misses sound, and is
//! told how much.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use gradus_engine::signal::Party;
use gradus_speech::SAMPLES_PER_MS;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use super::pool::lock;

/// Pieces that are kept for a listener who is not quick enough: a second of both parties in frames of 20 ms.
const KEPT: usize = 100;
/// Most listeners of one call.
const MOST: usize = 8;
/// Sound of a party that may be under way to a listener, in samples: a second.
const UNDER_WAY: u64 = 1_000 * SAMPLES_PER_MS as u64;
/// After how much sound a listener is asked whether it has arrived, in samples: 200 ms.
const ASK: u64 = 200 * SAMPLES_PER_MS as u64;

/// Sound of a party that has just arrived, at 16 kHz.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Whose; nothing where both are on one channel.
    pub party: Option<Party>,
    /// The samples.
    pub samples: Arc<[i16]>,
}

/// Why nobody can listen.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoListening {
    /// The sound of the call does not come to this node, or no more.
    #[error("the sound of this conversation does not arrive here: it is over, or another node has it")]
    NotHere,
    /// Enough listen already.
    #[error("{0} people listen to this call already")]
    TooMany(usize),
}

/// What can be heard of a call.
pub struct Air(Mutex<Option<Sender<Piece>>>);

impl Default for Air {
    fn default() -> Self {
        Self(Mutex::new(Some(channel(KEPT).0)))
    }
}

impl Air {
    /// Lets listeners hear what has just arrived; costs nothing where there are none, and never waits.
    pub fn say(&self, party: Option<Party>, samples: &[i16]) {
        if let Some(sender) = lock(&self.0).as_ref().filter(|sender| sender.receiver_count() > 0) {
            // The last listener may have just gone.
            let _ = sender.send(Piece { party, samples: samples.into() });
        }
    }

    /// Begins to listen.
    ///
    /// # Errors
    /// When the call is over or enough listen.
    pub fn listen(&self) -> Result<Receiver<Piece>, NoListening> {
        let sender = lock(&self.0);
        match sender.as_ref() {
            Some(sender) if sender.receiver_count() >= MOST => Err(NoListening::TooMany(MOST)),
            Some(sender) => Ok(sender.subscribe()),
            None => Err(NoListening::NotHere),
        }
    }

    /// Returns how many listen.
    pub fn listeners(&self) -> usize {
        lock(&self.0).as_ref().map_or(0, Sender::receiver_count)
    }

    /// Ends the listening: the call is over.
    pub fn end(&self) {
        *lock(&self.0) = None;
    }
}

/// What is under way to one listener. Sound passes in real time, so the amount that has not arrived is the delay.
#[derive(Debug, Default)]
pub struct UnderWay {
    sent: [u64; 3],
    arrived: [u64; 3],
    /// What was sent when a question went out, by its number.
    asked: VecDeque<(u32, [u64; 3])>,
    number: u32,
    /// Samples since the last question.
    since: u64,
    /// Samples that were not sent, and of which the listener has not been told.
    missed: u64,
}

impl UnderWay {
    /// Says whether a piece may follow; one that may not is missed.
    pub fn takes(&mut self, piece: &Piece) -> bool {
        let length = piece.samples.len() as u64;
        let at = place(piece.party);
        let (Some(sent), Some(arrived)) = (self.sent.get_mut(at), self.arrived.get(at)) else { return false };
        if *sent - *arrived >= UNDER_WAY {
            self.misses(length);
            return false;
        }
        *sent += length;
        self.since += length;
        true
    }

    /// Notes samples that the listener does not hear.
    pub fn misses(&mut self, samples: u64) {
        self.missed += samples;
    }

    /// Returns the number of the question that goes out after a piece, when it is time for one.
    pub fn asks(&mut self) -> Option<u32> {
        if self.since < ASK {
            return None;
        }
        self.since = 0;
        self.number = self.number.wrapping_add(1);
        self.asked.push_back((self.number, self.sent));
        Some(self.number)
    }

    /// Notes the answer to a question: what was sent before it has arrived. Says whether it was one.
    pub fn answers(&mut self, number: u32) -> bool {
        let Some(at) = self.asked.iter().position(|(asked, _)| *asked == number) else { return false };
        if let Some((_, sent)) = self.asked.drain(..=at).next_back() {
            self.arrived = sent;
        }
        true
    }

    /// Says whether a question is not answered yet.
    pub fn waits(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Returns how much was missed since this was last asked, in ms.
    pub fn missed_ms(&mut self) -> u64 {
        std::mem::take(&mut self.missed) / SAMPLES_PER_MS as u64
    }
}

/// Returns the number that tells a listener whose sound a piece is: 0 both, 1 customer, 2 agent.
pub const fn place(party: Option<Party>) -> usize {
    match party {
        None => 0,
        Some(Party::Customer) => 1,
        Some(Party::Agent) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(party: Option<Party>) -> Piece {
        Piece { party, samples: vec![1; 20 * SAMPLES_PER_MS].into() }
    }

    #[test]
    fn a_call_without_listeners_says_nothing_and_one_that_is_over_has_none() {
        let air = Air::default();
        air.say(None, &[1, 2]);
        let mut heard = air.listen().unwrap();
        air.say(Some(Party::Agent), &[3]);
        assert_eq!(&heard.try_recv().unwrap().samples[..], [3], "only what came after");
        let more: Vec<_> = (1..MOST).map(|_| air.listen().unwrap()).collect();
        assert_eq!(air.listen().err(), Some(NoListening::TooMany(MOST)));
        drop(more);
        assert_eq!(air.listeners(), 1);
        air.end();
        assert_eq!(air.listen().err(), Some(NoListening::NotHere));
        assert!(heard.try_recv().is_err());
    }

    #[test]
    fn who_does_not_listen_quickly_enough_misses_the_oldest_and_the_call_goes_on() {
        let air = Air::default();
        let mut heard = air.listen().unwrap();
        for sample in 0..1_000 {
            air.say(None, &[sample]);
        }
        use tokio::sync::broadcast::error::TryRecvError::Lagged;
        assert!(matches!(heard.try_recv(), Err(Lagged(missed)) if missed >= 800));
        let next = heard.try_recv().unwrap();
        assert!(next.samples[0] >= 800, "{next:?}");
    }

    #[test]
    fn no_more_than_a_second_is_under_way_and_what_arrived_makes_room() {
        let mut way = UnderWay::default();
        let (mut sent, mut asked) = (0, Vec::new());
        for _ in 0..80 {
            for party in [Some(Party::Customer), Some(Party::Agent)] {
                if way.takes(&piece(party)) {
                    sent += 1;
                    asked.extend(way.asks());
                }
            }
        }
        assert_eq!(sent, 2 * 50, "a second of each");
        assert_eq!(way.missed_ms(), 2 * 30 * 20);
        assert_eq!(way.missed_ms(), 0, "said once");
        assert_eq!(asked.len(), 10);
        assert!(!way.takes(&piece(Some(Party::Agent))));
        // An answer to a later question answers those before it; one that was never asked is nothing.
        assert!(!way.answers(99) && way.answers(asked[4]) && !way.answers(asked[3]));
        assert!(way.takes(&piece(Some(Party::Agent))));
    }
}
