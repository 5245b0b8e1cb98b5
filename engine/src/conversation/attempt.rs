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
    /// The customer's last utterance that neither took the offer nor refused it.
    #[serde(default)]
    left_open_at: Option<u32>,
    /// Something else was named in words that are not known as an offer: it counts when the customer declines it at once.
    #[serde(default)]
    tentative: bool,
    /// The agent asked something along with it, so a trouble named next may be the answer.
    #[serde(default)]
    asked: bool,
}

impl Offer {
    fn of(utterance: u32, noticed: &Noticed) -> Self {
        let asked = noticed.cues.asks || noticed.has(K::ClarifyingQuestion);
        Self { utterance, topic: noticed.topic.clone(), left_open_at: None, tentative: false, asked }
    }
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

    /// Takes in an utterance of the agent and returns the customer's utterance at which an attempt turns out to have failed:
    /// whoever proposes something else instead has understood the answer as a no.
    pub fn agent(&mut self, utterance: u32, noticed: &Noticed) -> Option<u32> {
        if !noticed.has_any(&[K::SolutionOffer, K::CompensationOffer]) {
            let hands_over = noticed.has(K::EscalationOffer) || noticed.cues.hands_over;
            if self.open.is_none() && noticed.cues.alternative && !hands_over {
                self.open = Some(Offer { tentative: true, ..Offer::of(utterance, noticed) });
            }
            return None;
        }
        if self.failed_topics.iter().any(|topic| same_offer(topic, &noticed.topic)) {
            return None;
        }
        let instead = |offer: &Offer| {
            let other = noticed.cues.alternative && !same_offer(&offer.topic, &noticed.topic);
            offer.left_open_at.filter(|_| other)
        };
        let before = self.open.take().filter(|offer| !offer.tentative);
        let failed_at = before.as_ref().and_then(instead);
        if let (Some(at), Some(offer)) = (failed_at, before.clone()) {
            self.fail(at, offer);
        }
        if before.is_none() || failed_at.is_some() {
            self.offers += 1;
        }
        self.open = Some(Offer::of(utterance, noticed));
        failed_at
    }

    /// Takes in an utterance of the customer and returns whether an attempt failed at it.
    pub fn customer(&mut self, utterance: u32, noticed: &Noticed) -> bool {
        if let Some(offer) = self.open.take_if(|offer| offer.tentative) {
            let declined = noticed.has(K::Refusal)
                || noticed.cues.objects && !noticed.cues.asks
                || noticed.cues.tried_in_vain;
            let known = self.failed_topics.iter().any(|topic| same_offer(topic, &offer.topic));
            if declined && !known {
                self.offers += 1;
                return self.fail(utterance, offer);
            }
            return false;
        }
        if let Some(mut offer) = self.open.take() {
            return match answer(noticed, &offer) {
                Answer::Refused => self.fail(utterance, offer),
                Answer::Accepted => {
                    self.accepted = Some(offer);
                    false
                }
                Answer::Open => {
                    offer.left_open_at = Some(utterance);
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

fn answer(noticed: &Noticed, offer: &Offer) -> Answer {
    let asked_before = offer.left_open_at.is_some();
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
    // The trouble is still there: what was proposed did not help, or was not listened to.
    if noticed.has(K::Outage) && !offer.asked && !cues.asks {
        return Answer::Refused;
    }
    if noticed.has_any(&[K::BillingProblem, K::Urgency, K::PoorCommunication, K::Profanity]) && asked_before {
        return Answer::Refused;
    }
    Answer::Open
}

/// Two offers are the same when each names most of what the other names.
fn same_offer(left: &[u32], right: &[u32]) -> bool {
    let shared = left.iter().filter(|noun| right.binary_search(noun).is_ok()).count();
    shared * 2 > left.len().max(right.len())
}
