//! The score of a session: what was done of the first-minute script and the techniques, and what cost points, with quotes.
//!
//! The weights follow the script of the first 60 seconds (introduce yourself, empathy, analysis together, solution with a
//! date; article 1) and the techniques of article 2; they are this product's own and stand here in one table.

use serde::{Deserialize, Serialize};

use super::{Outcome, Session};
use crate::signal::{Party, SignalKind as K};

/// Points of each move that was made at least once.
const MOVES: [(&[K], u32); 7] = [
    (&[K::Introduction], 10),
    (&[K::Empathy], 15),
    (&[K::Apology], 10),
    (&[K::ActiveListening, K::ClarifyingQuestion], 15),
    (&[K::SolutionOffer, K::CompensationOffer], 15),
    (&[K::TimeCommitment], 15),
    (&[K::Ownership, K::ClosingQuestion], 5),
];
/// Points for calming the customer down.
const WON: u32 = 15;
/// Points that each forbidden phrase costs.
const FORBIDDEN: u32 = 15;
/// Points that a promise beyond one's authority costs.
const OVER: u32 = 20;
/// Points that ending the talk before the ladder allows it costs.
const ENDED_EARLY: u32 = 20;
/// The forbidden moves.
const BAD: [K; 10] = [
    K::Dismissal,
    K::PolicyShield,
    K::Helplessness,
    K::CustomerBlame,
    K::NoReason,
    K::Busy,
    K::DefectIsRare,
    K::ColleagueBlame,
    K::EmptyPromise,
    K::AgentRudeness,
];

/// A moment to improve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// The turn, from 0.
    pub turn: usize,
    /// What was noticed.
    pub kind: K,
    /// The words.
    pub quote: String,
}

/// What a session is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// 0–100.
    pub points: u32,
    /// Moves of the script that were made, and those that were not.
    pub made: Vec<K>,
    /// The first move of each group that was never made.
    pub missed: Vec<K>,
    /// Forbidden phrases, each with its words.
    pub forbidden: Vec<Advice>,
    /// Promises beyond the authority: «authority amount most».
    pub over: Vec<String>,
    /// Whether the talk was ended before the ladder allows it.
    pub ended_early: bool,
    /// The highest heat.
    pub heat_max: u8,
    /// Heat at the end.
    pub heat_last: u8,
}

impl Session {
    /// Scores what was played so far.
    pub fn score(&self) -> Score {
        let said: Vec<K> = self
            .turns
            .iter()
            .filter(|turn| turn.party == Party::Agent)
            .flat_map(|turn| turn.signals.iter().map(|(kind, ..)| *kind))
            .collect();
        let (mut points, mut made, mut missed) = (0_u32, Vec::new(), Vec::new());
        for (kinds, worth) in MOVES {
            match kinds.iter().find(|kind| said.contains(kind)) {
                Some(kind) => {
                    points += worth;
                    made.push(*kind);
                }
                None => missed.extend(kinds.first()),
            }
        }
        let mut forbidden = Vec::new();
        for (at, turn) in self.turns.iter().enumerate().filter(|(_, turn)| turn.party == Party::Agent) {
            for (kind, start, end) in turn.signals.iter().filter(|(kind, ..)| BAD.contains(kind)) {
                let (from, to) = (*start as usize, *end as usize);
                let quote = turn.text.chars().skip(from).take(to.saturating_sub(from)).collect();
                forbidden.push(Advice { turn: at, kind: *kind, quote });
            }
        }
        let over: Vec<String> = self.turns.iter().flat_map(|turn| turn.over.clone()).collect();
        let ended_early = self.state.conversation.ladder().ended_early().is_some();
        let count = |things: usize| u32::try_from(things).unwrap_or(u32::MAX);
        points += if self.outcome == Some(Outcome::Won) { WON } else { 0 };
        let lost = count(forbidden.len())
            .saturating_mul(FORBIDDEN)
            .saturating_add(count(over.len()).saturating_mul(OVER))
            .saturating_add(if ended_early { ENDED_EARLY } else { 0 });
        Score {
            points: points.saturating_sub(lost).min(100),
            made,
            missed,
            forbidden,
            over,
            ended_early,
            heat_max: self.turns.iter().map(|turn| turn.heat).max().unwrap_or(0),
            heat_last: self.heat(),
        }
    }
}
