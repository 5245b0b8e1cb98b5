//! Decisions of the protocol: what has to happen now, why, by which clause, on what evidence.

use serde::{Deserialize, Serialize};

use crate::signal::{SignalKind, UnknownName};
use crate::time::Timestamp;

/// What has to happen. Ordered from the mildest to the strongest within the escalation scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// Heat rises; nothing to do yet.
    Watch,
    /// The agent is helped to go on.
    Coach,
    /// A supervisor is brought in after the agent's own tries.
    Engage,
    /// A supervisor is brought in at once.
    EngageNow,
    /// Another department is brought in.
    Functional,
    /// The next step of the abuse ladder is due.
    AbuseStep,
    /// Several customers report one trouble.
    Incident,
}

/// Why it has to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Law, court, damages.
    Legal,
    /// Publicity.
    Reputation,
    /// The customer is about to leave.
    Churn,
    /// One of the ten most important customers.
    Strategic,
    /// One cause behind several customers' troubles.
    Systemic,
    /// Three own attempts failed.
    ThreeAttempts,
    /// A supervisor was asked for too early.
    SupervisorRequest,
    /// A concession is being bargained for.
    Bargaining,
    /// Obscene words.
    Profanity,
    /// Insults.
    Insult,
    /// Shouting.
    Shouting,
    /// The customer does not listen.
    NotListening,
    /// Threat of violence.
    Violence,
    /// The engineers are needed.
    Technical,
    /// The accountants are needed.
    Billing,
    /// Another department is needed.
    Other,
    /// Heat is rising.
    Rising,
    /// The time allowed ran out.
    Clock,
}

/// A step of the abuse ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LadderStep {
    /// Polite warning.
    #[serde(rename = "warning_1")]
    Warning1,
    /// Warning that the conversation will be ended and that the customer can call back.
    #[serde(rename = "warning_2")]
    Warning2,
    /// The closing phrase; ending is allowed.
    Closing,
}

/// What a decision rests on: a signal, the span that was quoted, the utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Position of the utterance in the conversation.
    pub utterance: u32,
    /// The signal.
    pub signal: SignalKind,
    /// First code point of the quote; equal to `end` for a signal of the sound.
    pub start: u32,
    /// One past the last code point of the quote.
    pub end: u32,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The utterance that made it true.
    pub utterance: u32,
    /// When, absolutely.
    pub at: Timestamp,
    /// When, in milliseconds from the start of the conversation; `None` without times.
    pub at_ms: Option<u64>,
    /// What has to happen.
    pub decision: DecisionKind,
    /// Why.
    pub reason: Reason,
    /// The step of the ladder, for `abuse_step` alone.
    pub step: Option<LadderStep>,
    /// The clause of the protocol.
    pub clause: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
}

macro_rules! names {
    ($type:ident $what:literal { $($variant:ident $name:literal $ru:literal,)* }) => {
        impl $type {
            /// Every value, in the order of declaration.
            pub const ALL: &[$type] = &[$($type::$variant,)*];

            /// Returns the name used in the API and in protocol files.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name,)* } }

            /// Returns the Russian name shown to people.
            pub const fn title_ru(self) -> &'static str { match self { $(Self::$variant => $ru,)* } }
        }

        impl std::str::FromStr for $type {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                let found = Self::ALL.iter().copied().find(|value| value.name() == name);
                found.ok_or_else(|| UnknownName { what: $what, name: name.to_owned() })
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { out.write_str(self.name()) }
        }
    };
}

names! { DecisionKind "decision" {
    Watch "watch" "наблюдать", Coach "coach" "помочь оператору", Engage "engage" "подключить руководителя",
    EngageNow "engage_now" "подключить руководителя немедленно", Functional "functional" "привлечь смежный отдел",
    AbuseStep "abuse_step" "ступень лестницы предупреждений", Incident "incident" "системный сбой",
}}

names! { Reason "reason" {
    Legal "legal" "юридический вопрос", Reputation "reputation" "угроза репутации", Churn "churn" "угроза ухода",
    Strategic "strategic" "стратегический клиент", Systemic "systemic" "системный сбой",
    ThreeAttempts "three_attempts" "три неудачные попытки", SupervisorRequest "supervisor_request" "просит руководителя",
    Bargaining "bargaining" "торгуется", Profanity "profanity" "мат", Insult "insult" "оскорбления", Shouting "shouting" "крик",
    NotListening "not_listening" "не слушает", Violence "violence" "угроза расправой", Technical "technical" "нужны инженеры",
    Billing "billing" "нужна бухгалтерия", Other "other" "нужен смежный отдел", Rising "rising" "градус растёт",
    Clock "clock" "истёк срок",
}}

names! { LadderStep "ladder step" {
    Warning1 "warning_1" "вежливое предупреждение", Warning2 "warning_2" "предупреждение о завершении",
    Closing "closing" "завершающая фраза",
}}
