//! Runs the examples that stand in the rule files, and looks for rules that cannot do their work.

use std::collections::HashMap;

use super::error::{Fault, Place, RuleError};
use super::file::Source;
use crate::detect::{Detector, Scratch};
use crate::signal::{Channel, Party};

/// Checks names, examples and what only shows when the whole set runs.
pub(crate) fn check(source: &Source, detector: &Detector, errors: &mut Vec<RuleError>) {
    let mut names: HashMap<(&str, &str), &Place> = HashMap::new();
    let mut scratch = Scratch::default();
    for (index, rule) in source.rules.iter().enumerate() {
        if let Some(first) = names.insert((rule.kind.name(), &rule.name), &rule.place) {
            let fault =
                Fault::Duplicate { what: "правило", name: rule.name.clone(), first: first.clone() };
            errors.push(RuleError { place: rule.place.clone(), fault });
        }
        if rule.positive.is_empty() {
            errors.push(RuleError {
                place: rule.place.clone(),
                fault: Fault::NoExample { rule: rule.name.clone() },
            });
        }
        let party = rule.options.party.unwrap_or(rule.kind.party());
        let channel =
            rule.options.channels.as_ref().and_then(|all| all.first().copied()).unwrap_or(Channel::Call);
        for (text, place) in &rule.positive {
            let fault = missed(detector, &mut scratch, index as u32, text, party, channel);
            let fault =
                fault.map(|why| Fault::Missed { rule: rule.name.clone(), example: text.clone(), why });
            errors.extend(fault.map(|fault| RuleError { place: place.clone(), fault }));
        }
        for (text, place) in &rule.negative {
            let found = detector
                .explain(text, party, channel, &mut scratch)
                .into_iter()
                .find(|found| found.kind == rule.kind);
            if let Some(found) = found {
                let quote = found.quote(text).to_owned();
                let fault = Fault::FalseAlarm { example: text.clone(), quote, by: found.rule };
                errors.push(RuleError { place: place.clone(), fault });
            }
        }
    }
}

/// Returns what prevented the rule from finding its example; none if it does find it.
fn missed(
    detector: &Detector,
    scratch: &mut Scratch,
    rule: u32,
    text: &str,
    party: Party,
    channel: Channel,
) -> Option<String> {
    detector.explain(text, party, channel, scratch);
    if scratch.hits().iter().any(|hit| hit.rule == rule) {
        return None;
    }
    let why = scratch.prevented().iter().find(|prevented| prevented.0 == rule);
    Some(why.map_or_else(String::new, |why| format!(" (помешало: {})", detector.reason_name(why.1))))
}
