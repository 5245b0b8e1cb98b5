//! Attempts: offers of the agent that the customer refused, ignored or had tried in vain.
//!
//! One offer counts once. Repeating the same offer is the same attempt; words without an offer are none.

use serde::{Deserialize, Serialize};

use crate::notice::Noticed;
use crate::signal::SignalKind as K;

/// Offers on the table and the attempts that failed so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    open: Option<Offer>,
    accepted: Option<Offer>,
    failed_topics: Vec<Vec<u32>>,
    failed_at: Vec<u32>,
    offers: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Offer {
    utterance: u32,
    topic: Vec<u32>,
    answered_by_question: bool,
}

/// Troubles that show that an offer on the table was passed over.
const OTHER_SUBJECT: &[K] = &[
    K::SupervisorRequest,
    K::ChurnThreat,
    K::ReputationThreat,
    K::LegalThreat,
    K::NotHeard,
    K::Distrust,
    K::UnresolvedProblem,
    K::Insult,
    K::ViolenceThreat,
];

impl Attempts {
    /// Returns how many attempts have failed.
    pub fn failed(&self) -> u32 {
        u32::try_from(self.failed_at.len()).unwrap_or(u32::MAX)
    }

    /// Returns the customer's utterances at which attempts failed.
    pub fn failed_at(&self) -> &[u32] {
        &self.failed_at
    }

    /// Returns how many different offers were made.
    pub fn offers(&self) -> u32 {
        self.offers
    }

    /// Takes in an utterance of the agent.
    pub fn agent(&mut self, utterance: u32, noticed: &Noticed) {
        if !noticed.has_any(&[K::SolutionOffer, K::CompensationOffer]) {
            return;
        }
        if self.failed_topics.iter().any(|topic| same_offer(topic, &noticed.topic)) {
            return;
        }
        if self.open.is_none() {
            self.offers += 1;
        }
        let offer = Offer { utterance, topic: noticed.topic.clone(), answered_by_question: false };
        self.open = Some(offer);
    }

    /// Takes in an utterance of the customer and returns whether an attempt failed at it.
    pub fn customer(&mut self, utterance: u32, noticed: &Noticed) -> bool {
        if let Some(mut offer) = self.open.take() {
            return match answer(noticed, offer.answered_by_question) {
                Answer::Refused => self.fail(utterance, offer),
                Answer::Accepted => {
                    self.accepted = Some(offer);
                    false
                }
                Answer::Open => {
                    offer.answered_by_question = true;
                    self.open = Some(offer);
                    false
                }
            };
        }
        let in_vain = noticed.cues.tried_in_vain && !noticed.has(K::Gratitude);
        match self.accepted.take() {
            Some(offer) if in_vain => self.fail(utterance, offer),
            kept => {
                self.accepted = kept;
                false
            }
        }
    }

    fn fail(&mut self, utterance: u32, offer: Offer) -> bool {
        self.failed_topics.push(offer.topic);
        self.failed_at.push(utterance);
        true
    }
}

enum Answer {
    Refused,
    Accepted,
    Open,
}

fn answer(noticed: &Noticed, asked_before: bool) -> Answer {
    let cues = noticed.cues;
    if noticed.has(K::Refusal) || cues.tried_in_vain {
        return Answer::Refused;
    }
    if noticed.has_any(&[K::Acceptance, K::Gratitude]) {
        return Answer::Accepted;
    }
    if cues.objects || noticed.has_any(OTHER_SUBJECT) {
        return Answer::Refused;
    }
    if cues.agrees {
        return Answer::Accepted;
    }
    if noticed.has_any(&[K::BillingProblem, K::Urgency, K::PoorCommunication, K::Profanity]) && asked_before {
        return Answer::Refused;
    }
    Answer::Open
}

/// Two offers are the same when most of what the shorter names is named by the other too.
fn same_offer(left: &[u32], right: &[u32]) -> bool {
    let shared = left.iter().filter(|noun| right.binary_search(noun).is_ok()).count();
    let shorter = left.len().min(right.len());
    shorter > 0 && shared * 3 >= shorter * 2
}
