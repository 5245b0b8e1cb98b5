//! One conversation as the protocol sees it: heat, attempts, wish, ladder, decisions made so far.
//!
//! State in, event in, time in; new state and effects out. It cannot fail and knows no words, only what was noticed.

mod attempt;
mod ladder;
mod listening;

pub use attempt::Attempts;
pub use ladder::Ladder;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::amount::AmountUnit;
use crate::decision::{Decision, DecisionKind, Evidence, Reason};
use crate::effect::{Effect, Grant};
use crate::event::{CustomerFacts, Heard, Said};
use crate::heat::Heat;
use crate::protocol::{Authority, Facts, Protocol, Unit};
use crate::signal::{Channel, Party, SignalKind as K};
use crate::time::Timestamp;
use listening::Listening;

/// The part a conversation has in an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// None.
    #[default]
    None,
    /// It was the third customer.
    Opened,
    /// It came later.
    Joined,
}

/// The state of one conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    channel: Channel,
    customer: CustomerFacts,
    heat: Heat,
    attempts: Attempts,
    ladder: Ladder,
    listening: Listening,
    seen: BTreeSet<K>,
    last_seen: Vec<Evidence>,
    wish: bool,
    offered_supervisor: bool,
    high_before: bool,
    incident: Side,
    decided: BTreeSet<(DecisionKind, Reason)>,
    strongest: Option<DecisionKind>,
    last_utterance: u32,
    hints: Vec<String>,
    over: Option<Grant>,
}

/// Hints shown at a time: an agent who speaks reads no more.
const HINTS_SHOWN: usize = 3;
/// How many recent pieces of evidence are kept to be quoted.
const EVIDENCE_KEPT: usize = 24;

impl Conversation {
    /// Begins a conversation.
    pub fn new(channel: Channel, customer: CustomerFacts) -> Self {
        Self {
            channel,
            customer,
            heat: Heat::default(),
            attempts: Attempts::default(),
            ladder: Ladder::default(),
            listening: Listening::default(),
            seen: BTreeSet::new(),
            last_seen: Vec::new(),
            wish: false,
            offered_supervisor: false,
            high_before: false,
            incident: Side::None,
            decided: BTreeSet::new(),
            strongest: None,
            last_utterance: 0,
            hints: Vec::new(),
            over: None,
        }
    }

    /// Returns the heat.
    pub fn heat(&self) -> &Heat {
        &self.heat
    }

    /// Returns the attempts.
    pub fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// Returns the abuse ladder.
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// Returns the strongest decision of `engage` and `engage_now` so far.
    pub fn strongest(&self) -> Option<DecisionKind> {
        self.strongest
    }

    /// Returns the hints of the protocol that fit this moment, by name.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Returns what the agent last promised beyond their authority.
    pub fn over(&self) -> Option<&Grant> {
        self.over.as_ref()
    }

    /// Says whether a decision was made for a reason.
    pub fn has_decided(&self, kind: DecisionKind, reason: Reason) -> bool {
        self.decided.contains(&(kind, reason))
    }

    /// Decides that a supervisor is needed because the time is over: at the last utterance that is known, on the latest
    /// evidence.
    pub fn decide_by_clock(&mut self, clause: String, now: Timestamp) -> Decision {
        self.decided.insert((DecisionKind::Engage, Reason::Clock));
        self.strongest = self.strongest.max(Some(DecisionKind::Engage));
        let evidence: Vec<Evidence> = self.last_seen.last().copied().into_iter().collect();
        Decision {
            utterance: self.last_utterance,
            at: now,
            at_ms: None,
            decision: DecisionKind::Engage,
            reason: Reason::Clock,
            step: None,
            clause,
            evidence,
        }
    }

    /// Takes in an utterance.
    pub fn said(&mut self, protocol: &Protocol, said: &Said, now: Timestamp, effects: &mut Vec<Effect>) {
        let mut signals: Vec<K> = said.noticed.signals.iter().map(|found| found.kind).collect();
        let not_listening = said.party == Party::Customer && self.listening.customer(said);
        if said.party == Party::Agent {
            self.listening.agent();
        }
        if not_listening {
            signals.push(K::RepeatedDemand);
            effects.push(Effect::Signal { utterance: said.index, kind: K::RepeatedDemand });
        }
        self.remember(said, &signals);
        let before = self.heat.value();
        let point = self.heat.utter(&protocol.heat, now, said.index, said.party, &signals);
        effects.push(Effect::Heat(point));
        let step = match said.party {
            Party::Agent => self.agent(said, effects),
            Party::Customer => self.customer(protocol, said, not_listening, effects),
        };
        if let Some((step, reason)) = step {
            let found = abuse_evidence(&self.last_seen, said.index);
            let clause =
                protocol.ladder.step(step).map(|sentence| sentence.clause.clone()).unwrap_or_default();
            let kind = DecisionKind::AbuseStep;
            let at_ms = said.start_ms;
            let decision = Decision {
                utterance: said.index,
                at: now,
                at_ms,
                decision: kind,
                reason,
                step: Some(step),
                clause,
                evidence: found,
            };
            effects.push(Effect::Decided(decision));
        }
        self.last_utterance = said.index;
        let facts = self.facts(protocol, said, &signals, before);
        self.hint(protocol, &facts, said.index, effects);
        if said.party == Party::Agent {
            self.granted(protocol, said, effects);
        }
        self.decide(protocol, &facts, (said.index, said.start_ms, now), effects);
        if said.party == Party::Customer {
            self.high_before = self.heat.value() >= protocol.heat.high;
        }
    }

    /// Takes in something that the sound showed.
    pub fn heard(&mut self, protocol: &Protocol, heard: &Heard, now: Timestamp, effects: &mut Vec<Effect>) {
        let party = heard.kind.party();
        let point = self.heat.utter(&protocol.heat, now, heard.utterance, party, &[heard.kind]);
        effects.push(Effect::Heat(point));
        self.keep(Evidence { utterance: heard.utterance, signal: heard.kind, start: 0, end: 0 });
        if heard.kind != K::Shouting {
            return;
        }
        if let Some((step, reason)) = self.ladder.shouted(&protocol.ladder) {
            let clause =
                protocol.ladder.step(step).map(|sentence| sentence.clause.clone()).unwrap_or_default();
            let evidence = abuse_evidence(&self.last_seen, heard.utterance);
            let kind = DecisionKind::AbuseStep;
            effects.push(Effect::Decided(Decision {
                utterance: heard.utterance,
                at: now,
                at_ms: None,
                decision: kind,
                reason,
                step: Some(step),
                clause,
                evidence,
            }));
        }
    }

    /// Takes in that this conversation opened or joined an incident.
    pub fn in_incident(
        &mut self,
        protocol: &Protocol,
        (utterance, kind, side): (u32, K, Side),
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        if self.incident != Side::None {
            return;
        }
        self.incident = side;
        let mut facts = Facts { incident: side, signals: vec![kind], ..Facts::blank() };
        facts.channel = self.channel;
        facts.strategic = self.strategic(protocol);
        self.decide(protocol, &facts, (utterance, None, now), effects);
    }

    fn agent(
        &mut self,
        said: &Said,
        effects: &mut Vec<Effect>,
    ) -> Option<(crate::decision::LadderStep, Reason)> {
        if let Some(utterance) = self.attempts.agent(said.index, &said.noticed) {
            effects.push(Effect::AttemptFailed { utterance, failed: self.attempts.failed() });
        }
        self.ladder.agent(said.index, &said.noticed);
        self.offered_supervisor = said.noticed.has(K::EscalationOffer);
        None
    }

    fn customer(
        &mut self,
        protocol: &Protocol,
        said: &Said,
        not_listening: bool,
        effects: &mut Vec<Effect>,
    ) -> Option<(crate::decision::LadderStep, Reason)> {
        let noticed = &said.noticed;
        if self.attempts.customer(said.index, noticed) {
            effects.push(Effect::AttemptFailed { utterance: said.index, failed: self.attempts.failed() });
        }
        let accepts_offer = self.offered_supervisor && (noticed.cues.agrees || noticed.has(K::Acceptance));
        if noticed.has(K::SupervisorRequest) || accepts_offer {
            self.wish = true;
        }
        if noticed.cues.withdraws_wish && !noticed.has(K::SupervisorRequest) {
            self.wish = false;
        }
        self.offered_supervisor = false;
        self.ladder.customer(&protocol.ladder, noticed, not_listening)
    }

    fn remember(&mut self, said: &Said, signals: &[K]) {
        for found in &said.noticed.signals {
            self.keep(Evidence {
                utterance: said.index,
                signal: found.kind,
                start: found.start,
                end: found.end,
            });
        }
        if said.party == Party::Customer {
            self.seen.extend(signals.iter().copied());
        }
    }

    fn keep(&mut self, evidence: Evidence) {
        if self.last_seen.len() >= EVIDENCE_KEPT {
            self.last_seen.remove(0);
        }
        self.last_seen.push(evidence);
    }

    fn strategic(&self, protocol: &Protocol) -> bool {
        let within = |rank: Option<u32>, limit: u32| rank.is_some_and(|rank| rank >= 1 && rank <= limit);
        within(self.customer.revenue_rank, protocol.strategic.revenue_rank)
            || within(self.customer.growth_rank, protocol.strategic.growth_rank)
    }

    fn facts(&self, protocol: &Protocol, said: &Said, signals: &[K], heat_before: u8) -> Facts {
        let heat = self.heat.value();
        let high = heat >= protocol.heat.high;
        let customer = said.party == Party::Customer;
        Facts {
            party: said.party,
            channel: self.channel,
            signals: signals.to_vec(),
            seen: self.seen.iter().copied().collect(),
            heat,
            heat_high: high,
            heat_stays_high: customer && high && self.high_before,
            heat_rising: customer && heat >= protocol.heat.watch && heat > heat_before,
            attempts: self.attempts.failed(),
            attempts_needed: protocol.attempts_needed,
            wish: self.wish,
            bargaining: said.noticed.has(K::ConcessionDemand) && !said.noticed.cues.own_money,
            strategic: self.strategic(protocol),
            marked: self.customer.marked,
            recent_contacts: self.customer.recent_contacts,
            incident: self.incident,
            hands_over: said.noticed.cues.hands_over || said.noticed.has(K::Helplessness),
            trouble: trouble(&self.seen),
        }
    }

    /// Compares what the agent offers by word of mouth with what an agent may grant this customer.
    fn granted(&mut self, protocol: &Protocol, said: &Said, effects: &mut Vec<Effect>) {
        for amount in &said.noticed.amounts {
            let unit = match amount.unit {
                AmountUnit::Percent => Unit::Percent,
                AmountUnit::Roubles => Unit::Money,
            };
            let known = |known: &&Authority| {
                known.spoken && known.unit == unit && (unit != Unit::Money || known.currency == "RUB")
            };
            let Some(authority) = protocol.authorities.iter().find(known) else { continue };
            let grant = Grant {
                utterance: said.index,
                authority: authority.id.clone(),
                amount: amount.value,
                most: authority.limit("agent", self.strategic(protocol)),
            };
            if grant.amount > grant.most {
                self.over = Some(grant.clone());
            }
            effects.push(Effect::Granted(grant));
        }
    }

    /// Shows the agent what fits this moment. A moment without a hint of its own keeps the one before, so that what is
    /// being read does not vanish while the agent speaks.
    fn hint(&mut self, protocol: &Protocol, facts: &Facts, utterance: u32, effects: &mut Vec<Effect>) {
        let fits = |hint: &&crate::protocol::Hint| hint.when.holds(facts).unwrap_or(false);
        let hints: Vec<String> =
            protocol.hints.iter().filter(fits).take(HINTS_SHOWN).map(|hint| hint.id.clone()).collect();
        if !hints.is_empty() && hints != self.hints {
            self.hints.clone_from(&hints);
            effects.push(Effect::Hinted { utterance, hints });
        }
    }

    fn decide(
        &mut self,
        protocol: &Protocol,
        facts: &Facts,
        (utterance, at_ms, now): (u32, Option<u64>, Timestamp),
        effects: &mut Vec<Effect>,
    ) {
        let mut engaged = false;
        for clause in &protocol.clauses {
            let kind = clause.decision;
            let scale = matches!(
                kind,
                DecisionKind::Watch | DecisionKind::Coach | DecisionKind::Engage | DecisionKind::EngageNow
            );
            if scale && (engaged || self.strongest.is_some_and(|strongest| kind < strongest)) {
                continue;
            }
            // A checked clause cannot fail; one that does all the same decides nothing rather than everything.
            if !clause.holds(facts).unwrap_or(false) {
                continue;
            }
            engaged |= scale;
            let reason = clause.reason.unwrap_or(facts.trouble);
            if !self.decided.insert((kind, reason)) {
                continue;
            }
            if matches!(kind, DecisionKind::Engage | DecisionKind::EngageNow) {
                self.strongest = Some(kind);
            }
            let evidence = self.evidence(&clause.evidence, utterance);
            let clause = clause.id.clone();
            let decision =
                Decision { utterance, at: now, at_ms, decision: kind, reason, step: None, clause, evidence };
            effects.push(Effect::Decided(decision));
        }
    }

    /// Returns the evidence of this utterance for the kinds of a clause, else the latest earlier one.
    fn evidence(&self, kinds: &[K], utterance: u32) -> Vec<Evidence> {
        let fits = |evidence: &&Evidence| kinds.is_empty() || kinds.contains(&evidence.signal);
        let here: Vec<Evidence> = self
            .last_seen
            .iter()
            .filter(|evidence| evidence.utterance == utterance)
            .filter(fits)
            .copied()
            .collect();
        if here.is_empty() {
            return self.last_seen.iter().rev().filter(fits).take(1).copied().collect();
        }
        here
    }
}

fn abuse_evidence(seen: &[Evidence], utterance: u32) -> Vec<Evidence> {
    let abusive = [K::Profanity, K::Insult, K::ViolenceThreat, K::Shouting];
    seen.iter()
        .filter(|found| found.utterance == utterance && abusive.contains(&found.signal))
        .copied()
        .collect()
}

/// Returns the department that the customer's troubles so far point to.
fn trouble(seen: &BTreeSet<K>) -> Reason {
    if seen.contains(&K::LegalThreat) {
        Reason::Legal
    } else if seen.contains(&K::BillingProblem) {
        Reason::Billing
    } else if seen.contains(&K::Outage) {
        Reason::Technical
    } else {
        Reason::Other
    }
}
