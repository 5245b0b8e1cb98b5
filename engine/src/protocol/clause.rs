//! One clause: a condition in CEL over a fixed list of variables, and the decision it makes.
//!
//! Every variable has a type and a default, so that no condition meets a missing value (comparing null by `<=` is an
//! error in CEL). Length and depth of a condition are limited and compiling runs on a stack of its own, because the
//! parser recurses.

use std::sync::Arc;

use cel::{Context, Env, Program, Value};

use crate::conversation::Side;
use crate::decision::{DecisionKind, Reason};
use crate::signal::{Channel, Party, SignalKind};

/// Longest condition, in bytes.
const MAX_LENGTH: usize = 2_000;
/// Deepest nesting of brackets in a condition.
const MAX_DEPTH: usize = 32;
/// Stack for compiling one condition, in bytes.
const COMPILE_STACK: usize = 16 << 20;

/// What a condition may ask for: name, type, meaning.
pub const VARIABLES: &[(&str, &str, &str)] = &[
    ("party", "string", "кто говорит: customer или agent"),
    ("channel", "string", "канал: call, chat, email, in_person"),
    ("signals", "list(string)", "сигналы этой реплики"),
    ("seen", "list(string)", "сигналы клиента с начала разговора, включая эту реплику"),
    ("heat", "int", "градус после этой реплики, 0–100"),
    ("heat_high", "bool", "градус высокий сейчас"),
    ("heat_stays_high", "bool", "градус высокий на двух репликах клиента подряд"),
    ("heat_rising", "bool", "градус перешёл черту наблюдения и вырос на этой реплике"),
    ("attempts", "int", "сколько попыток оператора не удалось"),
    ("attempts_needed", "int", "сколько попыток положено по регламенту"),
    ("wish", "bool", "клиент просил руководителя и не взял просьбу назад"),
    ("bargaining", "bool", "требует уступку торгуясь, а не возвращая своё"),
    ("strategic", "bool", "стратегический клиент"),
    ("marked", "bool", "у клиента отметка о конфликтах"),
    ("recent_contacts", "int", "обращений этого клиента за 14 дней до разговора"),
    ("incident", "string", "системный сбой: none, opened, joined"),
    ("hands_over", "bool", "оператор говорит, что вопрос для другого отдела, или что не может решить"),
    ("trouble", "string", "род неприятности клиента: technical, billing, legal, other"),
];

/// The values of the variables at one utterance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Who speaks.
    pub party: Party,
    /// The channel.
    pub channel: Channel,
    /// Signals of this utterance.
    pub signals: Vec<SignalKind>,
    /// The customer's signals so far.
    pub seen: Vec<SignalKind>,
    /// Degrees now.
    pub heat: u8,
    /// Heat is high.
    pub heat_high: bool,
    /// Heat is high at two utterances of the customer in a row.
    pub heat_stays_high: bool,
    /// Heat crossed the watch line and rose.
    pub heat_rising: bool,
    /// Failed attempts.
    pub attempts: u32,
    /// Attempts the protocol asks for.
    pub attempts_needed: u32,
    /// A supervisor was asked for and the wish stands.
    pub wish: bool,
    /// A concession is bargained for.
    pub bargaining: bool,
    /// Strategic customer.
    pub strategic: bool,
    /// The customer carries a mark.
    pub marked: bool,
    /// Contacts in the 14 days before.
    pub recent_contacts: u32,
    /// Part in an incident.
    pub incident: Side,
    /// The agent says that another department is needed.
    pub hands_over: bool,
    /// Kind of trouble, as a functional reason.
    pub trouble: Reason,
}

/// A condition over the variables.
pub struct Condition {
    /// As written.
    pub text: String,
    program: Program,
    env: Arc<Env>,
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "when {}", self.text)
    }
}

impl Condition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// A message for people: what is wrong with it and what to do.
    pub(super) fn new(text: String) -> Result<Self, String> {
        let condition = Self { program: compile(&text)?, text, env: Arc::new(Env::stdlib()) };
        condition.holds(&Facts::blank()).map(|_| condition)
    }

    /// Says whether it holds.
    ///
    /// # Errors
    /// The message of the interpreter; a checked condition gives none for any facts of the right types.
    pub fn holds(&self, facts: &Facts) -> Result<bool, String> {
        let mut scope = Context::with_env(Arc::clone(&self.env));
        facts.bind(&mut scope);
        match self.program.execute(&scope) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!(
                "the condition gives {:?}, not true or false: compare it with something",
                other.type_of()
            )),
            Err(error) => Err(format!("{error}: known variables are {}", names())),
        }
    }
}

/// One clause of the protocol.
#[derive(Debug)]
pub struct Clause {
    /// Number in the written protocol, such as «1.2».
    pub id: String,
    /// Title for people.
    pub title: String,
    /// What it decides.
    pub decision: DecisionKind,
    /// The reason it gives; `None` takes the kind of trouble.
    pub reason: Option<Reason>,
    /// Signals that are quoted as evidence, where present.
    pub evidence: Vec<SignalKind>,
    /// When it decides.
    pub when: Condition,
}

impl Clause {
    /// Compiles the condition.
    ///
    /// # Errors
    /// A message for people: what is wrong with the condition and what to do.
    pub(super) fn new(
        id: String,
        title: String,
        decision: DecisionKind,
        reason: Option<Reason>,
        evidence: Vec<SignalKind>,
        when: String,
    ) -> Result<Self, String> {
        Ok(Self { id, title, decision, reason, evidence, when: Condition::new(when)? })
    }

    /// Says whether the condition holds.
    ///
    /// # Errors
    /// The message of the interpreter; a checked clause gives none for any facts of the right types.
    pub fn holds(&self, facts: &Facts) -> Result<bool, String> {
        self.when.holds(facts)
    }
}

impl Facts {
    /// Returns the defaults of all variables.
    pub fn blank() -> Self {
        Self {
            party: Party::Customer,
            channel: Channel::Call,
            signals: Vec::new(),
            seen: Vec::new(),
            heat: 0,
            heat_high: false,
            heat_stays_high: false,
            heat_rising: false,
            attempts: 0,
            attempts_needed: 3,
            wish: false,
            bargaining: false,
            strategic: false,
            marked: false,
            recent_contacts: 0,
            incident: Side::None,
            hands_over: false,
            trouble: Reason::Other,
        }
    }

    fn bind(&self, scope: &mut Context<'_, '_>) {
        let list = |kinds: &[SignalKind]| kinds.iter().map(|kind| kind.name().to_owned()).collect::<Vec<_>>();
        let incident = match self.incident {
            Side::None => "none",
            Side::Opened => "opened",
            Side::Joined => "joined",
        };
        scope.add_variable_from_value("party", self.party.name().to_owned());
        scope.add_variable_from_value("channel", self.channel.name().to_owned());
        scope.add_variable_from_value("signals", list(&self.signals));
        scope.add_variable_from_value("seen", list(&self.seen));
        scope.add_variable_from_value("heat", i64::from(self.heat));
        scope.add_variable_from_value("heat_high", self.heat_high);
        scope.add_variable_from_value("heat_stays_high", self.heat_stays_high);
        scope.add_variable_from_value("heat_rising", self.heat_rising);
        scope.add_variable_from_value("attempts", i64::from(self.attempts));
        scope.add_variable_from_value("attempts_needed", i64::from(self.attempts_needed));
        scope.add_variable_from_value("wish", self.wish);
        scope.add_variable_from_value("bargaining", self.bargaining);
        scope.add_variable_from_value("strategic", self.strategic);
        scope.add_variable_from_value("marked", self.marked);
        scope.add_variable_from_value("recent_contacts", i64::from(self.recent_contacts));
        scope.add_variable_from_value("incident", incident.to_owned());
        scope.add_variable_from_value("hands_over", self.hands_over);
        scope.add_variable_from_value("trouble", self.trouble.name().to_owned());
    }
}

fn names() -> String {
    VARIABLES.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", ")
}

fn compile(when: &str) -> Result<Program, String> {
    if when.len() > MAX_LENGTH {
        return Err(format!(
            "the condition has {} bytes, at most {MAX_LENGTH} are allowed: split the clause",
            when.len()
        ));
    }
    let mut depth = 0_usize;
    let mut deepest = 0_usize;
    for sign in when.chars() {
        match sign {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if deepest > MAX_DEPTH || when.matches('!').count() > MAX_DEPTH {
        return Err(format!(
            "the condition nests {deepest} deep, at most {MAX_DEPTH} are allowed: split the clause"
        ));
    }
    let source = when.to_owned();
    let compiling =
        std::thread::Builder::new().stack_size(COMPILE_STACK).spawn(move || Program::compile(&source));
    let compiled = compiling.map_err(|error| format!("cannot start the compiler: {error}"))?.join();
    match compiled {
        Ok(Ok(program)) => check_names(program),
        Ok(Err(error)) => Err(format!("not a CEL condition: {}", error.to_string().replace('\n', " "))),
        Err(_) => Err("the compiler could not read the condition: simplify it".to_owned()),
    }
}

fn check_names(program: Program) -> Result<Program, String> {
    let unknown = program
        .references()
        .variables()
        .into_iter()
        .find(|name| !VARIABLES.iter().any(|(known, _, _)| known == name))
        .map(str::to_owned);
    match unknown {
        Some(name) => Err(format!("unknown variable \"{name}\": known are {}", names())),
        None => Ok(program),
    }
}
