//! Practice: a scripted customer whose heat and words react to what a trainee says.
//!
//! The same ear notices, the same protocol judges: heat is the heat of a real conversation, and so are the decisions. A
//! scenario adds what a real customer adds: what they say next, depending on which moves were noticed.

mod file;
mod score;

pub use file::{Scenario, ScenarioErrors, parse, read};
pub use score::{Advice, Score};

use serde::{Deserialize, Serialize};

use crate::commitment::Reference;
use crate::effect::Effect;
use crate::event::{CustomerFacts, Event, Said};
use crate::judge::Notices;
use crate::protocol::Protocol;
use crate::signal::{Party, SignalKind};
use crate::step::{State, step};
use crate::time::{Millis, Timestamp};

/// The scenarios that ship, by file name.
pub const BUILTIN: &[(&str, &str)] = &[
    ("01-vip-discount.toml", include_str!("../../practice/01-vip-discount.toml")),
    ("02-outage.toml", include_str!("../../practice/02-outage.toml")),
    ("03-billing.toml", include_str!("../../practice/03-billing.toml")),
    ("04-third-call.toml", include_str!("../../practice/04-third-call.toml")),
    ("05-insults.toml", include_str!("../../practice/05-insults.toml")),
    ("06-court.toml", include_str!("../../practice/06-court.toml")),
    ("07-publicity.toml", include_str!("../../practice/07-publicity.toml")),
    ("08-not-listening.toml", include_str!("../../practice/08-not-listening.toml")),
    ("09-chocolate.toml", include_str!("../../practice/09-chocolate.toml")),
    ("10-supervisor.toml", include_str!("../../practice/10-supervisor.toml")),
    ("11-late-delivery.toml", include_str!("../../practice/11-late-delivery.toml")),
    ("12-termination.toml", include_str!("../../practice/12-termination.toml")),
    ("13-swearing.toml", include_str!("../../practice/13-swearing.toml")),
    ("14-mass-failure.toml", include_str!("../../practice/14-mass-failure.toml")),
    ("15-forgotten.toml", include_str!("../../practice/15-forgotten.toml")),
];

/// Time between two utterances, so that heat cools as in a conversation.
const PACE: Millis = Millis::seconds(8);
/// The beginning of time of a session: what counts are spans.
const BEGIN: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The customer has calmed down and agrees.
    Won,
    /// The customer leaves, or the talk went in circles.
    Lost,
}

/// One line of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Who speaks.
    pub party: Party,
    /// What they say.
    pub text: String,
    /// What was noticed: kind, first and last code point of the quote.
    pub signals: Vec<(SignalKind, u32, u32)>,
    /// Heat after it.
    pub heat: u8,
    /// The trainee's amounts beyond their authority, as «authority amount most».
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over: Vec<String>,
}

/// A session: everything in it follows from the scenario and the trainee's replies.
#[derive(Clone, Debug)]
pub struct Session {
    state: State,
    place: usize,
    /// The lines so far.
    pub turns: Vec<Turn>,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
}

/// What a session is played with.
#[derive(Clone, Copy)]
pub struct Stage<'s> {
    /// The protocol that judges.
    pub protocol: &'s Protocol,
    /// The ear that notices.
    pub notices: &'s (dyn Notices + Sync),
    /// The scenario.
    pub scenario: &'s Scenario,
}

impl Session {
    /// Begins: the customer speaks first.
    pub fn begin(stage: Stage<'_>) -> Self {
        let channel = stage.scenario.channel;
        let customer =
            CustomerFacts { revenue_rank: stage.scenario.revenue_rank, ..CustomerFacts::default() };
        let started = Event::Started { channel, customer, history_before: None };
        let state = step(stage.protocol, State::default(), &started, BEGIN).map(|(state, _)| state);
        let mut session =
            Self { state: state.unwrap_or_default(), place: 0, turns: Vec::new(), outcome: None };
        for line in &stage.scenario.opening {
            session.take(stage, Party::Customer, line);
        }
        session
    }

    /// Plays a session again from the trainee's replies.
    pub fn replay<'r>(stage: Stage<'_>, replies: impl IntoIterator<Item = &'r str>) -> Self {
        let mut session = Self::begin(stage);
        for reply in replies {
            session.reply(stage, reply);
        }
        session
    }

    /// Takes a reply of the trainee; the customer answers, unless it is over.
    pub fn reply(&mut self, stage: Stage<'_>, text: &str) {
        if self.outcome.is_some() {
            return;
        }
        let signals = self.take(stage, Party::Agent, text);
        let Some(here) = stage.scenario.states.get(self.place) else { return };
        let met = here.moves.iter().find(|way| way.fits(&signals, &self.turns));
        let answer = match met {
            Some(way) => {
                self.place = way.to;
                way.say.clone()
            }
            None => {
                // Nothing fits: the customer says it again in other words.
                let said = self.turns.iter().filter(|turn| turn.party == Party::Agent).count();
                here.again.get(said.wrapping_sub(1) % here.again.len().max(1)).cloned().unwrap_or_default()
            }
        };
        let place = stage.scenario.states.get(self.place);
        if !answer.is_empty() {
            self.take(stage, Party::Customer, &answer);
        }
        let replies = self.turns.iter().filter(|turn| turn.party == Party::Agent).count();
        let boiling = self.heat() >= stage.scenario.lose_heat;
        self.outcome = match place.and_then(|place| place.ends) {
            Some(outcome) => Some(outcome),
            None if boiling || replies >= stage.scenario.most_replies => Some(Outcome::Lost),
            None => None,
        };
    }

    /// Returns the heat now.
    pub fn heat(&self) -> u8 {
        self.state.conversation.heat().value()
    }

    /// Returns the state of the conversation as the protocol sees it.
    pub fn state(&self) -> &State {
        &self.state
    }

    fn take(&mut self, stage: Stage<'_>, party: Party, text: &str) -> Vec<SignalKind> {
        let index = u32::try_from(self.turns.len()).unwrap_or(u32::MAX);
        let now = BEGIN.plus(Millis::new(PACE.get().saturating_mul(u64::from(index))));
        let noticed = stage.notices.notice(text, party, stage.scenario.channel, &Reference::UNKNOWN);
        let signals: Vec<_> =
            noticed.signals.iter().map(|found| (found.kind, found.start, found.end)).collect();
        let start_ms = Some(now.since(BEGIN).get());
        let said = Event::Said(Said { index, party, start_ms, noticed });
        let mut over = Vec::new();
        if let Ok((state, effects)) = step(stage.protocol, std::mem::take(&mut self.state), &said, now) {
            self.state = state;
            over = effects.iter().filter_map(beyond).collect();
        }
        let kinds = signals.iter().map(|(kind, ..)| *kind).collect();
        self.turns.push(Turn { party, text: text.to_owned(), signals, heat: self.heat(), over });
        kinds
    }
}

fn beyond(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Granted(grant) if grant.amount > grant.most => {
            Some(format!("{} {} {}", grant.authority, grant.amount.normalize(), grant.most.normalize()))
        }
        _ => None,
    }
}
