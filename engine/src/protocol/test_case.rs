//! Test cases inside a protocol file: a short conversation with its signals, and the decisions it must lead to.
//!
//! The signals are given, not detected, so that a test of the protocol stays true when rules of the detector change.

use serde::Deserialize;
use toml::Spanned;

use super::Protocol;
use super::file::Faults;
use crate::effect::Effect;
use crate::event::{CustomerFacts, Event, Said};
use crate::notice::{Cues, Noticed};
use crate::signal::{Channel, Found, Party, SignalKind};
use crate::step::{State, step};
use crate::time::Timestamp;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestBody {
    name: String,
    #[serde(default)]
    revenue_rank: Option<u32>,
    #[serde(default)]
    growth_rank: Option<u32>,
    #[serde(default)]
    channel: Option<Channel>,
    dialog: Vec<String>,
    expect: Vec<String>,
}

/// One test case of a protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct TestCase {
    /// What it shows, as a sentence.
    pub name: String,
    /// Line in the file, from 1.
    pub line: usize,
    customer: CustomerFacts,
    channel: Channel,
    lines: Vec<Line>,
    expect: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Line {
    party: Party,
    noticed: Noticed,
}

/// How a test case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the file expects: «utterance decision reason [step]».
    pub expected: Vec<String>,
    /// What the protocol decided.
    pub decided: Vec<String>,
}

impl Outcome {
    /// Says whether the protocol did what the file expects.
    pub fn passed(&self) -> bool {
        self.expected == self.decided
    }
}

/// Time between two utterances of a test case, in milliseconds.
const PACE_MS: i64 = 5_000;

pub(super) fn read(body: Spanned<TestBody>, faults: &mut Faults<'_>) -> Option<TestCase> {
    let (at, body) = (body.span(), body.into_inner());
    let mut lines = Vec::new();
    for text in &body.dialog {
        match line(text) {
            Ok(line) => lines.push(line),
            Err(message) => faults.add(at.clone(), format!("test \"{}\": {message}", body.name)),
        }
    }
    if lines.is_empty() {
        faults.add(at, format!("test \"{}\" has no dialog", body.name));
        return None;
    }
    let customer = CustomerFacts {
        revenue_rank: body.revenue_rank,
        growth_rank: body.growth_rank,
        ..CustomerFacts::default()
    };
    let expect =
        body.expect.iter().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let channel = body.channel.unwrap_or(Channel::Call);
    Some(TestCase { name: body.name, line: 0, customer, channel, lines, expect })
}

/// Reads «К: текст [signal, cue]»: К is the customer, О the agent.
fn line(text: &str) -> Result<Line, String> {
    let wrong = || format!("\"{text}\" is not «К: слова [signal]» or «О: слова [signal]»");
    let (who, rest) = text.split_once(':').ok_or_else(wrong)?;
    let party = match who.trim() {
        "К" => Party::Customer,
        "О" => Party::Agent,
        _ => return Err(wrong()),
    };
    let names =
        rest.split_once('[').and_then(|(_, names)| names.split_once(']')).map_or("", |(names, _)| names);
    let mut noticed = Noticed::default();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if cue(&mut noticed.cues, name) {
            continue;
        }
        let kind: SignalKind = name.parse().map_err(|error| format!("{error}: a signal or one of withdraws_wish, customer_apology, objects, tried_in_vain, agrees, own_money, hands_over, alternative"))?;
        if kind.party() != party {
            return Err(format!("{kind} is not said by this party: \"{text}\""));
        }
        noticed.signals.push(Found { kind, start: 0, end: 0, confidence: 100, rule: "test".to_owned() });
    }
    Ok(Line { party, noticed })
}

fn cue(cues: &mut Cues, name: &str) -> bool {
    let field = match name {
        "withdraws_wish" => &mut cues.withdraws_wish,
        "customer_apology" => &mut cues.customer_apology,
        "objects" => &mut cues.objects,
        "tried_in_vain" => &mut cues.tried_in_vain,
        "agrees" => &mut cues.agrees,
        "own_money" => &mut cues.own_money,
        "hands_over" => &mut cues.hands_over,
        "alternative" => &mut cues.alternative,
        _ => return false,
    };
    *field = true;
    true
}

impl TestCase {
    /// Plays the conversation under `protocol`; `watch` decisions are left out, as nobody acts on them.
    pub fn run(&self, protocol: &Protocol) -> Outcome {
        let mut state = State::default();
        let start = Event::Started { channel: self.channel, customer: self.customer, history_before: None };
        let mut decided = Vec::new();
        let mut events = vec![start];
        for (index, line) in self.lines.iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let start_ms = Some(u64::from(index) * PACE_MS.unsigned_abs());
            events.push(Event::Said(Said {
                index,
                party: line.party,
                start_ms,
                noticed: line.noticed.clone(),
            }));
        }
        for (count, event) in events.iter().enumerate() {
            let now = Timestamp::from_millis(i64::try_from(count).unwrap_or(0) * PACE_MS);
            if let Ok((next, effects)) = step(protocol, state.clone(), event, now) {
                state = next;
                decided.extend(effects.iter().filter_map(said_of));
            }
        }
        Outcome { expected: self.expect.clone(), decided }
    }
}

fn said_of(effect: &Effect) -> Option<String> {
    let Effect::Decided(decision) = effect else { return None };
    if decision.decision == crate::decision::DecisionKind::Watch {
        return None;
    }
    let step = decision.step.map(|step| format!(" {step}")).unwrap_or_default();
    Some(format!("{} {} {}{step}", decision.utterance, decision.decision, decision.reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_protocol_passes_its_own_tests() {
        let protocol = Protocol::default_protocol().unwrap_or_else(|errors| panic!("{errors}"));
        assert!(protocol.tests.len() >= 10);
        for test in &protocol.tests {
            let outcome = test.run(&protocol);
            assert_eq!(outcome.expected, outcome.decided, "{}", test.name);
        }
    }
}
