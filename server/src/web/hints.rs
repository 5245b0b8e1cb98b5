//! What the agent is told now: the hints of the protocol that fit the moment, and the sentence of the ladder that is due.

use gradus_engine::decision::LadderStep;
use gradus_engine::protocol::Protocol;
use serde::{Deserialize, Serialize};

/// A hint in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct HintView {
    /// Its name in the protocol.
    pub id: String,
    /// What to do.
    pub title: String,
    /// Phrases to choose from.
    pub say: Vec<String>,
    /// What not to say.
    pub avoid: Vec<String>,
}

/// Everything that the agent is told now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct HintsView {
    /// The sentence of the abuse ladder that is due, word for word; empty for none.
    pub ladder: String,
    /// The hints, the most fitting first.
    pub hints: Vec<HintView>,
}

impl HintsView {
    /// Says whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.ladder.is_empty() && self.hints.is_empty()
    }
}

#[derive(Deserialize)]
struct Kept {
    hints: Vec<String>,
    say: Option<String>,
}

/// Returns what the store keeps of hints in the words of the protocol; a hint that a newer protocol dropped is left out.
pub(crate) fn hints(protocol: &Protocol, kept: Option<&str>) -> HintsView {
    let Some(kept) = kept.and_then(|kept| serde_json::from_str::<Kept>(kept).ok()) else {
        return HintsView::default();
    };
    let step = kept.say.and_then(|step| step.parse::<LadderStep>().ok());
    let known = kept.hints.iter().filter_map(|id| protocol.hints.iter().find(|hint| hint.id == *id));
    HintsView {
        ladder: step
            .and_then(|step| protocol.ladder.step(step))
            .map(|step| step.say.clone())
            .unwrap_or_default(),
        hints: known
            .map(|hint| HintView {
                id: hint.id.clone(),
                title: hint.title.clone(),
                say: hint.say.clone(),
                avoid: hint.avoid.clone(),
            })
            .collect(),
    }
}
