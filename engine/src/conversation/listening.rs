//! Whether the customer listens: the same demand again and again in spite of answers (article 5, third cause).

use serde::{Deserialize, Serialize};

use crate::event::Said;
use crate::signal::SignalKind as K;

/// Demands so far and how often each was repeated after an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listening {
    demands: Vec<Demand>,
    answered: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Demand {
    kind: K,
    topic: Vec<u32>,
    times: u32,
}

/// The third time the same demand is made in spite of two answers, the customer does not listen.
const TIMES: u32 = 3;
/// Demands that can be repeated.
const DEMANDS: &[K] = &[K::SupervisorRequest, K::ConcessionDemand];

impl Listening {
    /// Takes in that the agent answered.
    pub(super) fn agent(&mut self) {
        self.answered = true;
    }

    /// Takes in an utterance of the customer and returns whether it repeats a demand for the third time.
    pub(super) fn customer(&mut self, said: &Said) -> bool {
        let answered = std::mem::replace(&mut self.answered, false);
        let Some(&kind) = DEMANDS.iter().find(|&&kind| said.noticed.has(kind)) else { return false };
        // Turning down a counter-offer while bargaining is no deafness: the customer answers what was said.
        if kind == K::ConcessionDemand && said.noticed.has(K::Refusal) && !said.noticed.cues.own_money {
            return false;
        }
        let topic = &said.noticed.topic;
        let same = |demand: &&mut Demand| demand.kind == kind && alike(&demand.topic, topic);
        let Some(demand) = self.demands.iter_mut().find(same) else {
            self.demands.push(Demand { kind, topic: topic.clone(), times: 1 });
            return false;
        };
        if answered {
            demand.times += 1;
        }
        answered && demand.times >= TIMES
    }
}

/// Demands are alike when they share a noun, or when neither names one.
fn alike(left: &[u32], right: &[u32]) -> bool {
    let shared = left.iter().any(|noun| right.binary_search(noun).is_ok());
    shared || (left.is_empty() && right.is_empty())
}
