//! The company's written rules as data: weights of heat, criteria, ladder, alert steps, clocks.
//!
//! A protocol is read from TOML, checked whole (all errors at once, with line and cure), and only then used. Every
//! decision names the version and the clause that made it.

mod clause;
mod file;
mod service;
mod test_case;

pub use clause::{Clause, Condition, Facts, VARIABLES};
pub use file::{ProtocolError, ProtocolErrors};
pub use service::{Authority, Department, Hint, Sla, TEMPLATE_VARIABLES, Template, Unit};
pub use test_case::{Outcome, TestCase};

use std::collections::BTreeMap;

use crate::calendar::ALWAYS;
use crate::case::{Calendars, Priority, Target};
use crate::decision::{LadderStep, Reason};
use crate::signal::SignalKind;
use crate::time::Millis;

/// The protocol that ships with the product, in Russian.
pub const DEFAULT_TEXT: &str = include_str!("../../protocol/default.toml");

/// One version of a company's protocol, checked and compiled.
#[derive(Debug)]
pub struct Protocol {
    /// Name of the version; part of every decision.
    pub version: String,
    /// Title for people.
    pub title: String,
    /// How heat moves.
    pub heat: HeatRules,
    /// How many failed attempts the agent has before a supervisor is brought in.
    pub attempts_needed: u32,
    /// Who is a strategic customer.
    pub strategic: StrategicRules,
    /// When one trouble of several customers is an incident.
    pub incident: IncidentRules,
    /// The abuse ladder.
    pub ladder: LadderRules,
    /// How alerts climb.
    pub alerts: AlertRules,
    /// The clocks of a case.
    pub clocks: ClockRules,
    /// Who may grant what.
    pub authorities: Vec<Authority>,
    /// What the agent is told when.
    pub hints: Vec<Hint>,
    /// Words for the customer that people begin from.
    pub templates: Vec<Template>,
    /// The clauses in the order of their precedence.
    pub clauses: Vec<Clause>,
    /// Test cases that the file carries.
    pub tests: Vec<TestCase>,
}

/// How heat moves; all in degrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeatRules {
    /// From this value on heat is high.
    pub high: u8,
    /// Below this value the customer is calm again.
    pub calm_below: u8,
    /// From this value on, and rising, it is worth watching.
    pub watch: u8,
    /// Degrees a minute that time takes away.
    pub cool_per_minute: i32,
    /// The most that one gap takes away, however long (letters come a day apart).
    pub cool_gap_max: i32,
    /// What a calm utterance of the customer takes away.
    pub calm_utterance: i32,
    /// The most that one utterance can add.
    pub utterance_max: i32,
    /// What each signal adds (positive) or takes away.
    pub weights: BTreeMap<SignalKind, i32>,
}

impl HeatRules {
    /// Returns the weight of a signal, 0 when the protocol names none.
    pub fn weight(&self, kind: SignalKind) -> i32 {
        self.weights.get(&kind).copied().unwrap_or(0)
    }
}

/// Who is a strategic customer: rank at or above either line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrategicRules {
    /// Largest rank by revenue that counts, 0 for none.
    pub revenue_rank: u32,
    /// Largest rank by growth potential that counts, 0 for none.
    pub growth_rank: u32,
}

/// When one trouble of several customers is an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRules {
    /// Distinct customers that open one.
    pub customers: u32,
    /// Within this time.
    pub within: Millis,
    /// The triggers that count.
    pub kinds: Vec<SignalKind>,
}

/// The abuse ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LadderRules {
    /// Calm utterances of the customer that step the ladder down by one.
    pub calm_utterances: u32,
    /// Abusive utterances after which a step that was let pass is due anew.
    pub repeat_after: u32,
    /// The mark that a customer gets at the last step; empty for none.
    pub mark: String,
    /// How many days the mark holds; 0 until somebody takes it away.
    pub mark_days: u32,
    /// Clause and sentences of each step.
    pub steps: Vec<LadderSentence>,
}

impl LadderRules {
    /// Returns what the protocol says of a step.
    pub fn step(&self, step: LadderStep) -> Option<&LadderSentence> {
        self.steps.iter().find(|sentence| sentence.step == step)
    }
}

/// What the agent says at a step, word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LadderSentence {
    /// The step.
    pub step: LadderStep,
    /// The clause that the decision names.
    pub clause: String,
    /// The sentence, word for word.
    pub say: String,
}

/// How alerts climb from person to person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRules {
    /// The steps, by time since the alert was raised.
    pub ladder: Vec<AlertStep>,
}

/// One step of the alert ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertStep {
    /// Time since the alert was raised, unacknowledged.
    pub after: Millis,
    /// The role that is told.
    pub role: String,
}

/// The clocks of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct ClockRules {
    /// Time for a supervisor to acknowledge an `engage_now`.
    pub acknowledge_now: Millis,
    /// Time for a supervisor to acknowledge any other case.
    pub acknowledge: Millis,
    /// Time for a supervisor to take over an `engage_now`; zero without such a clock.
    pub join_now: Millis,
    /// Time to resolve a case, where no [`Sla`] says otherwise.
    pub resolve: Millis,
    /// How long a customer is waited for before the clocks run on by themselves.
    pub wait: Millis,
    /// The clause that a decision names when the time to resolve ran out.
    pub overdue_clause: String,
    /// Times by priority.
    pub levels: BTreeMap<Priority, Sla>,
    /// The calendars by name.
    pub calendars: Calendars,
    /// The departments that can be asked.
    pub departments: Vec<Department>,
}

impl ClockRules {
    /// Returns the times of a priority.
    pub fn sla(&self, priority: Priority) -> Sla {
        self.levels.get(&priority).cloned().unwrap_or_else(|| Sla {
            calendar: ALWAYS.to_owned(),
            first_response: Millis::default(),
            next_update: Millis::default(),
            resolve: self.resolve,
            warn_percent: 100,
        })
    }

    /// Returns the time in which a supervisor acknowledges a case.
    pub fn acknowledge_within(&self, priority: Priority) -> Millis {
        if priority == Priority::Urgent { self.acknowledge_now } else { self.acknowledge }
    }

    /// Returns the department that a reason brings in: the one that names it, else the one for `other`.
    pub fn department_for(&self, reason: Reason) -> Option<&Department> {
        let with = |reason: Reason| self.departments.iter().find(|known| known.reasons.contains(&reason));
        with(reason).or_else(|| with(Reason::Other))
    }

    /// Returns a department by its name.
    pub fn department(&self, name: &str) -> Option<&Department> {
        self.departments.iter().find(|known| known.name == name)
    }

    /// Returns the target of a department's answer.
    pub fn answer_of(&self, department: &Department) -> Target {
        Target { limit: department.answer, calendar: department.calendar.clone(), warn_percent: 100 }
    }
}

impl Protocol {
    /// Reads and checks a protocol file. `name` is used in messages.
    ///
    /// # Errors
    /// All that is wrong with the file, each with its line and the cure.
    pub fn parse(name: &str, text: &str) -> Result<Self, ProtocolErrors> {
        file::read(name, text)
    }

    /// Returns how long after an alert was raised a step of the ladder is told. The seconds of the file are those of an
    /// urgent case; a case that has longer to be acknowledged climbs more slowly in the same proportion, so that nobody is
    /// passed over.
    pub fn alert_after(&self, step: usize, priority: Priority) -> Option<Millis> {
        let after = self.alerts.ladder.get(step)?.after;
        let (now, usual) =
            (self.clocks.acknowledge_now.get(), self.clocks.acknowledge_within(priority).get());
        let stretched = u128::from(after.get()) * u128::from(usual.max(now)) / u128::from(now.max(1));
        Some(Millis::new(u64::try_from(stretched).unwrap_or(u64::MAX)))
    }

    /// Returns the protocol that ships with the product.
    ///
    /// # Errors
    /// None in a released product: a test reads the same text.
    pub fn default_protocol() -> Result<Self, ProtocolErrors> {
        Self::parse("default.toml", DEFAULT_TEXT)
    }
}
