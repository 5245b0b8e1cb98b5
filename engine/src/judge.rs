//! Judges whole conversations, one after another: what the live server does event by event, done at once.
//!
//! `gradus analyze`, the import and the backtest share it. It keeps what conversations share: incidents and earlier
//! contacts; so conversations are given in the order of their start.

use std::collections::BTreeMap;

use crate::alert::{self, Alert};
use crate::case::CaseChange;
use crate::commitment::{Commitment, Reference};
use crate::decision::Decision;
use crate::effect::Effect;
use crate::event::{CustomerFacts, Event, Heard, Said};
use crate::heat::HeatPoint;
use crate::incident::{IncidentWatch, Reporter};
use crate::notice::Noticed;
use crate::protocol::Protocol;
use crate::signal::{Channel, Found, Party, SignalKind};
use crate::step::{State, step};
use crate::time::{Millis, Timestamp};

/// Earlier contacts that count as recent.
const RECENT: Millis = Millis::minutes(14 * 24 * 60);

/// Notices signals and cues in an utterance; the detector in the product, a table in tests.
pub trait Notices {
    /// Judges the text alone. `reference` is the time of the utterance, for promises with a due time.
    fn notice(&self, text: &str, party: Party, channel: Channel, reference: &Reference) -> Noticed;
}

/// One utterance to be judged.
#[derive(Clone, Debug)]
pub struct Line {
    /// Position in the conversation.
    pub index: u32,
    /// Who spoke.
    pub party: Party,
    /// Start in milliseconds from the start of the conversation.
    pub start_ms: Option<u64>,
    /// When, absolutely; `None` when the source has no times.
    pub at: Option<Timestamp>,
    /// What was said.
    pub text: String,
}

/// A conversation to be judged.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The channel.
    pub channel: Channel,
    /// What is known of the customer.
    pub customer: CustomerFacts,
    /// Who the customer is, for incidents and earlier contacts: one person, one key.
    pub customer_key: String,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// Seconds east of UTC of the clock where it took place.
    pub utc_offset_s: i32,
    /// The utterances in the order in which they are judged.
    pub lines: Vec<Line>,
    /// What the sound showed.
    pub heard: Vec<Heard>,
}

/// A signal with its utterance.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Position of the utterance.
    pub utterance: u32,
    /// The signal; `start == end` when nothing is quoted.
    pub found: Found,
}

/// All that came of a conversation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// The signals in the order of the utterances.
    pub signals: Vec<Signal>,
    /// The heat curve.
    pub heat: Vec<HeatPoint>,
    /// The customer's utterances at which attempts failed.
    pub attempt_failed_at: Vec<u32>,
    /// The decisions in the order in which they were made.
    pub decisions: Vec<Decision>,
    /// Promises with the utterance that made them.
    pub commitments: Vec<(u32, Commitment)>,
    /// The first utterance of the calm that lasted to the end.
    pub calmed_at: Option<u32>,
    /// The agent's utterance that ended the conversation before the ladder allowed it.
    pub ended_early: Option<u32>,
    /// Whom the alerts told, in order; those that a clock caused only where clocks run.
    pub told: Vec<Told>,
}

/// Somebody was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// When, in milliseconds from the start of the conversation.
    pub at_ms: u64,
    /// Why.
    pub cause: ToldBy,
    /// Whom, and how pressing.
    pub alert: Alert,
}

/// Why somebody was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldBy {
    /// The decision at an utterance.
    Decision(u32),
    /// Nobody answered the alert in time.
    NoAnswer,
    /// The time to resolve the case ran out.
    Overdue,
    /// Another clock of the case rang.
    Clock,
    /// Another department is needed.
    Department,
}

/// Judges conversations under one protocol.
pub struct Judge<'p> {
    protocol: &'p Protocol,
    notices: &'p (dyn Notices + Sync),
    incidents: IncidentWatch,
    contacts: BTreeMap<String, Vec<Timestamp>>,
    clocks: bool,
}

impl<'p> Judge<'p> {
    /// Makes a judge that has seen nothing yet.
    pub fn new(protocol: &'p Protocol, notices: &'p (dyn Notices + Sync)) -> Self {
        Self {
            protocol,
            notices,
            incidents: IncidentWatch::default(),
            contacts: BTreeMap::new(),
            clocks: false,
        }
    }

    /// Lets the clocks of cases run as on a server where nobody acts: between the utterances, and after the end until
    /// the time to resolve has run out.
    #[must_use]
    pub fn with_clocks(mut self) -> Self {
        self.clocks = true;
        self
    }

    /// Judges one conversation; earlier ones count as earlier contacts.
    pub fn conversation(&mut self, conversation: &Conversation) -> Judged {
        let mut run = Run::default();
        let started = conversation.started_at.unwrap_or_default();
        run.started = started;
        // Without times nothing says how long anybody waited.
        let clocks = self.clocks && conversation.started_at.is_some();
        let mut customer = conversation.customer;
        customer.recent_contacts = self.recent(&conversation.customer_key, started);
        let begin = Event::Started { channel: conversation.channel, customer, history_before: None };
        run.take(self.protocol, &begin, started);
        let mut now = started;
        for line in &conversation.lines {
            now = line.at.unwrap_or(now).max(now);
            if clocks {
                run.wait(self.protocol, Some(now));
            }
            let reference =
                line.at.map_or(Reference::UNKNOWN, |at| Reference::new(at, conversation.utc_offset_s));
            let noticed = self.notices.notice(&line.text, line.party, conversation.channel, &reference);
            self.say(&mut run, line, noticed, now, &conversation.customer_key);
            for heard in conversation.heard.iter().filter(|heard| heard.utterance == line.index) {
                run.judged.signals.push(Signal { utterance: heard.utterance, found: measured(heard) });
                run.take(self.protocol, &Event::Heard(heard.clone()), now);
            }
        }
        run.take(self.protocol, &Event::Ended, now);
        if clocks {
            run.wait(self.protocol, None);
        }
        self.contacts.entry(conversation.customer_key.clone()).or_default().push(started);
        run.finish()
    }

    fn say(&mut self, run: &mut Run, line: &Line, noticed: Noticed, now: Timestamp, customer: &str) {
        let reports: Vec<SignalKind> = match line.party {
            Party::Customer => noticed.signals.iter().map(|found| found.kind).collect(),
            Party::Agent => Vec::new(),
        };
        let topic = noticed.topic.clone();
        for found in &noticed.signals {
            run.judged.signals.push(Signal { utterance: line.index, found: found.clone() });
        }
        run.judged
            .commitments
            .extend(noticed.commitments.iter().map(|promise| (line.index, promise.clone())));
        let said = Said { index: line.index, party: line.party, start_ms: line.start_ms, noticed };
        run.take(self.protocol, &Event::Said(said), now);
        for kind in reports {
            let by = Reporter { customer, conversation: customer, utterance: line.index };
            let joined = self.incidents.report(&self.protocol.incident, by, (kind, &topic), now);
            if let Some(joined) = joined {
                let (incident, opened) = (joined.incident, joined.opened);
                run.take(
                    self.protocol,
                    &Event::Incident { utterance: line.index, kind, incident, opened },
                    now,
                );
            }
        }
    }

    fn recent(&self, customer: &str, now: Timestamp) -> u32 {
        let earlier = self.contacts.get(customer).map_or(&[][..], Vec::as_slice);
        let count = earlier.iter().filter(|&&at| at <= now && now.since(at) <= RECENT).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

#[derive(Default)]
struct Run {
    state: State,
    judged: Judged,
    started: Timestamp,
    cause: Option<ToldBy>,
}

impl Run {
    fn take(&mut self, protocol: &Protocol, event: &Event, now: Timestamp) {
        // Only actions of people can be refused, and a judged conversation has none.
        let Ok((state, effects)) = step(protocol, std::mem::take(&mut self.state), event, now) else {
            return;
        };
        self.state = state;
        for effect in effects {
            match effect {
                Effect::Signal { utterance, kind } => {
                    let found =
                        Found { kind, start: 0, end: 0, confidence: 80, rule: "conversation".to_owned() };
                    self.judged.signals.push(Signal { utterance, found });
                }
                Effect::Heat(point) => self.judged.heat.push(point),
                Effect::AttemptFailed { utterance, .. } => self.judged.attempt_failed_at.push(utterance),
                Effect::Decided(decision) => {
                    self.cause = Some(ToldBy::Decision(decision.utterance));
                    self.judged.decisions.push(decision);
                }
                Effect::Case(CaseChange::Climbed { .. }) => self.cause = Some(ToldBy::NoAnswer),
                Effect::Case(CaseChange::Overdue { .. }) => self.cause = Some(ToldBy::Overdue),
                Effect::Case(
                    CaseChange::Rang { .. } | CaseChange::Unanswered { .. } | CaseChange::Resumed { .. },
                ) => {
                    self.cause = Some(ToldBy::Clock);
                }
                Effect::Case(CaseChange::Asked { .. }) => self.cause = Some(ToldBy::Department),
                Effect::Case(_) | Effect::Hinted { .. } | Effect::Granted(_) => {}
                Effect::Alert(alert) => {
                    let at_ms = now.since(self.started).get();
                    self.judged.told.extend(self.cause.map(|cause| Told { at: now, at_ms, cause, alert }));
                }
            }
        }
    }

    /// Rings the clocks of the case that are due before `until`, each at its time; without an end, up to the first time
    /// that the case is overdue.
    fn wait(&mut self, protocol: &Protocol, until: Option<Timestamp>) {
        let mut rung = Timestamp::from_millis(i64::MIN);
        while let Some(case) = &self.state.case {
            let later = |at: &Timestamp| *at > rung;
            let next = alert::wake_at(case).filter(later);
            let Some(next) = next.filter(|next| until.is_none_or(|until| *next <= until)) else { return };
            if until.is_none() && self.cause == Some(ToldBy::Overdue) {
                return;
            }
            rung = next;
            self.take(protocol, &Event::Tick, next);
        }
    }

    fn finish(mut self) -> Judged {
        self.judged.calmed_at = self.state.conversation.heat().calmed_at();
        self.judged.ended_early = self.state.conversation.ladder().ended_early();
        self.judged
    }
}

/// Returns the signal of a measurement: nothing is quoted.
fn measured(heard: &Heard) -> Found {
    Found { kind: heard.kind, start: 0, end: 0, confidence: heard.confidence, rule: "sound".to_owned() }
}
