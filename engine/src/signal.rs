//! The closed list of signals and the shape of one noticed signal.
//!
//! The names are a contract: the API, reports, rule files and tests use them. Adding one is a change of the product;
//! renaming one never happens. Nothing here detects anything.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Says who spoke, as far as judging goes: everybody who is not the customer is judged as the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The person outside the company.
    Customer,
    /// Agent, supervisor, specialist: anybody who speaks for the company.
    Agent,
}

/// The kind of contact a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A telephone call; its text comes from a recogniser.
    Call,
    /// Messages in a chat or messenger.
    Chat,
    /// A thread of letters.
    Email,
    /// A meeting, written down as a note.
    InPerson,
}

/// The group of signals a kind belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The customer demands or threatens.
    Escalation,
    /// The customer is abusive.
    Abuse,
    /// What made the customer angry.
    Trigger,
    /// How the customer answers what was offered.
    Flow,
    /// What helps, said by the agent.
    Good,
    /// The warnings of the abuse ladder, said by the agent.
    Ladder,
    /// What the agent must never say.
    Forbidden,
}

/// Where the evidence of a kind comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgedBy {
    /// The text of one utterance is enough.
    Utterance,
    /// Only the conversation so far can tell.
    Conversation,
    /// Measured in the sound.
    Sound,
}

macro_rules! kinds {
    ($($variant:ident $name:literal $party:ident $group:ident $judged:ident $ru:literal $doc:literal;)*) => {
        /// The kind of a signal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum SignalKind { $(#[doc = $doc] $variant,)* }

        impl SignalKind {
            /// Every kind, in the order of the contract.
            pub const ALL: &[SignalKind] = &[$(SignalKind::$variant,)*];

            /// Returns the name used in the API, in rule files and in reports.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name,)* } }

            /// Returns the party whose words or voice carry this kind.
            pub const fn party(self) -> Party { match self { $(Self::$variant => Party::$party,)* } }

            /// Returns the group of the kind.
            pub const fn group(self) -> Group { match self { $(Self::$variant => Group::$group,)* } }

            /// Returns what is needed to judge the kind.
            pub const fn judged_by(self) -> JudgedBy { match self { $(Self::$variant => JudgedBy::$judged,)* } }

            /// Returns the Russian name shown to people.
            pub const fn title_ru(self) -> &'static str { match self { $(Self::$variant => $ru,)* } }

            /// Returns one English sentence that says what the kind means.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$variant => $doc,)* } }
        }
    };
}

kinds! {
    SupervisorRequest "supervisor_request" Customer Escalation Utterance "просит руководителя" "The customer wants to talk to, or to be called by, somebody above the agent.";
    ChurnThreat "churn_threat" Customer Escalation Utterance "грозит уйти" "The customer says they will end the contract or leave because of this trouble.";
    ReputationThreat "reputation_threat" Customer Escalation Utterance "грозит оглаской" "The customer says they will publish: reviews, social networks, press, bloggers.";
    LegalThreat "legal_threat" Customer Escalation Utterance "грозит судом или проверкой" "The customer says they will use the law, or demands that damage be paid.";
    ConcessionDemand "concession_demand" Customer Escalation Utterance "требует уступку" "The customer demands a discount, a refund, a bonus or something for free.";
    Profanity "profanity" Customer Abuse Utterance "мат" "The customer uses obscene words, at somebody or not.";
    Insult "insult" Customer Abuse Utterance "оскорбление" "The customer insults the agent or the staff spoken to.";
    ViolenceThreat "violence_threat" Customer Abuse Utterance "угроза расправой" "The customer threatens bodily harm.";
    RepeatedDemand "repeated_demand" Customer Abuse Conversation "твердит одно и то же" "The customer repeats the same demand in spite of the answers.";
    Shouting "shouting" Customer Abuse Utterance "крик" "The customer is well above their own loudness and pitch, or writes in capitals.";
    RepeatedContact "repeated_contact" Customer Trigger Utterance "обращается не в первый раз" "The customer has already called, written or come about this.";
    UnresolvedProblem "unresolved_problem" Customer Trigger Utterance "вопрос не решён" "It is still not solved, or what was promised was not done.";
    Outage "outage" Customer Trigger Utterance "не работает, не приехало" "A service, device or delivery of the company does not work or did not come.";
    BillingProblem "billing_problem" Customer Trigger Utterance "деньги списаны неверно" "A wrong, double or unexpected charge, or money not returned.";
    NotHeard "not_heard" Customer Trigger Utterance "не слышат" "The customer feels that nobody listens.";
    Urgency "urgency" Customer Trigger Utterance "срочно" "It cannot wait, or nobody hurries.";
    Distrust "distrust" Customer Trigger Utterance "не верит" "The customer feels deceived.";
    PoorCommunication "poor_communication" Customer Trigger Utterance "не предупредили, не перезвонили" "The customer was not told, not called back, or told different things.";
    Refusal "refusal" Customer Flow Utterance "отказ от решения" "The customer rejects what was just offered.";
    Acceptance "acceptance" Customer Flow Utterance "согласие" "The customer agrees with the solution.";
    Gratitude "gratitude" Customer Flow Utterance "благодарность" "The customer thanks sincerely.";
    Introduction "introduction" Agent Good Utterance "представился" "The agent says their own name.";
    Apology "apology" Agent Good Utterance "извинение" "The agent apologises or plainly admits the fault.";
    Empathy "empathy" Agent Good Utterance "сочувствие" "The agent names and accepts the customer's feeling.";
    ActiveListening "active_listening" Agent Good Utterance "пересказал своими словами" "The agent repeats in other words what the customer said, to check it.";
    ClarifyingQuestion "clarifying_question" Agent Good Utterance "уточняющий вопрос" "The agent asks for a fact that is needed.";
    SolutionOffer "solution_offer" Agent Good Utterance "предложил решение" "The agent offers a concrete way out.";
    TimeCommitment "time_commitment" Agent Good Utterance "назвал срок" "The agent says by when it will be done or reported.";
    Ownership "ownership" Agent Good Utterance "взял на себя" "The agent takes the matter on personally.";
    CompensationOffer "compensation_offer" Agent Good Utterance "предложил компенсацию" "The agent offers a discount, a bonus or something for free.";
    ClosingQuestion "closing_question" Agent Good Utterance "спросил, остались ли вопросы" "The agent asks whether anything else is left.";
    EscalationOffer "escalation_offer" Agent Good Utterance "подключает старшего" "The agent offers to bring in, or brings in, a supervisor or specialist.";
    AbuseWarning "abuse_warning" Agent Ladder Utterance "вежливое предупреждение" "The agent asks politely to stop this way of talking.";
    HangupWarning "hangup_warning" Agent Ladder Utterance "предупреждение о завершении" "The agent warns that the conversation will be ended.";
    ClosingPhrase "closing_phrase" Agent Ladder Utterance "завершающая фраза" "The agent ends the conversation because of the abuse.";
    Dismissal "dismissal" Agent Forbidden Utterance "«успокойтесь», обесценивание" "The agent tells the customer to calm down or that it is nothing.";
    PolicyShield "policy_shield" Agent Forbidden Utterance "прикрылся правилами" "The agent hides behind policy.";
    Helplessness "helplessness" Agent Forbidden Utterance "«ничего не могу сделать»" "The agent says that nothing can be done.";
    CustomerBlame "customer_blame" Agent Forbidden Utterance "обвинил клиента" "The agent blames or corrects the customer.";
    NoReason "no_reason" Agent Forbidden Utterance "«просто так положено»" "The agent gives no reason.";
    Busy "busy" Agent Forbidden Utterance "«я занят»" "The agent is too busy for the customer.";
    DefectIsRare "defect_is_rare" Agent Forbidden Utterance "«такого почти не бывает»" "The agent says that this hardly ever happens.";
    ColleagueBlame "colleague_blame" Agent Forbidden Utterance "обвинил коллег" "The agent blames a colleague or another department.";
    EmptyPromise "empty_promise" Agent Forbidden Utterance "пустое обещание" "The agent promises without substance.";
    EmptyStatus "empty_status" Agent Forbidden Utterance "пустой статус" "«We are working on it», with neither step, person nor time.";
    Simplification "simplification" Agent Good Conversation "разложил по шагам" "The agent breaks the matter into steps that can be followed.";
    Interruption "interruption" Agent Forbidden Sound "перебил" "The agent talks over the customer's outburst.";
    LongHold "long_hold" Agent Trigger Sound "долгое ожидание" "The customer is left in silence or on hold too long.";
    AgentRudeness "agent_rudeness" Agent Forbidden Conversation "грубость оператора" "The agent swears at, mocks or shouts at the customer.";
    DesiredOutcome "desired_outcome" Customer Flow Conversation "чего хочет клиент" "The customer says what would make it right.";
}

/// An unknown name where a name of the contract was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} \"{name}\"")]
pub struct UnknownName {
    /// What was expected: a signal kind, a party, a channel.
    pub what: &'static str,
    /// The name as given.
    pub name: String,
}

impl fmt::Display for SignalKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for SignalKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.iter().copied().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownName { what: "signal kind", name: name.to_owned() })
    }
}

impl Party {
    /// Returns the name used in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
        }
    }
}

impl FromStr for Party {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "customer" => Ok(Self::Customer),
            "agent" => Ok(Self::Agent),
            _ => Err(UnknownName { what: "party", name: name.to_owned() }),
        }
    }
}

impl Channel {
    /// Returns the name used in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Chat => "chat",
            Self::Email => "email",
            Self::InPerson => "in_person",
        }
    }
}

impl FromStr for Channel {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "call" => Ok(Self::Call),
            "chat" => Ok(Self::Chat),
            "email" => Ok(Self::Email),
            "in_person" => Ok(Self::InPerson),
            _ => Err(UnknownName { what: "channel", name: name.to_owned() }),
        }
    }
}

/// A signal found in the text of one utterance.
///
/// `start` and `end` count Unicode code points of the text as received, half-open; the quote is exactly that span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// What was noticed.
    pub kind: SignalKind,
    /// First code point of the evidence.
    pub start: u32,
    /// One past the last code point of the evidence.
    pub end: u32,
    /// Per cent, 1–100.
    pub confidence: u8,
    /// The rule that fired, or the name of the classifier.
    pub rule: String,
}

impl Found {
    /// Returns the quoted evidence: exactly the span of `text`.
    pub fn quote<'t>(&self, text: &'t str) -> &'t str {
        let at = |point: u32| text.char_indices().nth(point as usize).map_or(text.len(), |(byte, _)| byte);
        text.get(at(self.start)..at(self.end)).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_its_kind() {
        for &kind in SignalKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).ok(), Some(format!("\"{}\"", kind.name())));
        }
        assert_eq!(SignalKind::ALL.len(), 50);
        let by_text = SignalKind::ALL.iter().filter(|kind| kind.judged_by() == JudgedBy::Utterance).count();
        assert_eq!(by_text, 44);
    }

    #[test]
    fn a_quote_counts_code_points_and_not_bytes() {
        let found = Found { kind: SignalKind::Profanity, start: 3, end: 6, confidence: 99, rule: "r".into() };
        assert_eq!(found.quote("да хрень"), "хре");
    }
}
