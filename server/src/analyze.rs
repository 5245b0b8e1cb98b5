//! One JSON a conversation: what was said, noticed, felt, decided and promised. Keeps nothing between runs.

use gradus_engine::commitment::Commitment;
use gradus_engine::decision::Decision;
use gradus_engine::event::CustomerFacts;
use gradus_engine::heat::{Cause, CauseKind, HeatPoint};
use gradus_engine::judge::{Conversation, Judged, Line, Signal, Told, ToldBy};
use gradus_engine::signal::Party;
use serde_json::{Value, json};

use crate::intake::customers::{Customer, Customers};
use crate::intake::vcon_out::rfc3339;
use crate::intake::{Incoming, Roles};

/// Prepares a conversation from outside for judging.
pub fn to_judge(incoming: &Incoming, customers: &Customers) -> Conversation {
    let customer = customer_of(incoming, customers);
    let facts = customer.map_or_else(CustomerFacts::default, |customer| CustomerFacts {
        revenue_rank: customer.revenue_rank,
        growth_rank: customer.growth_rank,
        ..CustomerFacts::default()
    });
    let line = |said: &crate::intake::IncomingUtterance| Line {
        index: said.index,
        party: incoming.parties.get(said.party as usize).map_or(Party::Customer, |party| party.side),
        start_ms: said.start_ms,
        at: said.at,
        text: said.judged_text(incoming.channel).into_owned(),
    };
    Conversation {
        channel: incoming.channel,
        customer: facts,
        customer_key: customer_key(incoming, customer),
        started_at: incoming.started_at,
        utc_offset_s: incoming.utc_offset_s,
        lines: incoming.utterances.iter().map(line).collect(),
        heard: Vec::new(),
    }
}

/// Returns the customer of a conversation, by telephone or e-mail address.
pub fn customer_of<'c>(incoming: &Incoming, customers: &'c Customers) -> Option<&'c Customer> {
    let theirs = incoming.parties.iter().find(|party| party.side == Party::Customer)?;
    customers.find(None, theirs.tel.as_ref(), theirs.email.as_deref())
}

/// One person, one key: the id in the customers' list, else telephone, else address, else the conversation alone.
fn customer_key(incoming: &Incoming, customer: Option<&Customer>) -> String {
    let theirs = incoming.parties.iter().find(|party| party.side == Party::Customer);
    let id = customer.and_then(|customer| customer.id.clone());
    let tel = theirs.and_then(|party| party.tel.as_ref()).map(|tel| tel.as_str().to_owned());
    let email = theirs.and_then(|party| party.email.clone());
    id.or(tel).or(email).unwrap_or_else(|| format!("conversation {}", incoming.id))
}

/// Versions that judged.
#[derive(Clone, Copy, Debug)]
pub struct Versions<'v> {
    /// Of the protocol.
    pub protocol: &'v str,
    /// Of the rules.
    pub rules: &'v str,
}

/// Returns the report of one conversation, in the form that `gradus analyze` prints.
pub fn report(
    file: &str,
    incoming: &Incoming,
    judged: &Judged,
    versions: Versions<'_>,
    sound: &Value,
) -> Value {
    let texts = Texts { incoming };
    let utterances: Vec<Value> = incoming
        .utterances
        .iter()
        .map(|said| {
            let party = incoming.parties.get(said.party as usize).map_or(Party::Customer, |party| party.side);
            json!({"index": said.index, "party": party.name(), "start_ms": said.start_ms, "end_ms": said.end_ms, "text": said.text})
        })
        .collect();
    json!({
        "file": file,
        "conversation": head(incoming),
        "utterances": utterances,
        "signals": judged.signals.iter().map(|signal| texts.signal(signal)).collect::<Vec<_>>(),
        "heat": judged.heat.iter().map(heat_point).collect::<Vec<_>>(),
        "attempts": judged.attempt_failed_at.len(),
        "attempt_failed_at": judged.attempt_failed_at,
        "decisions": judged.decisions.iter().map(|decision| texts.decision(decision, versions)).collect::<Vec<_>>(),
        "commitments": judged.commitments.iter().map(|(index, promise)| texts.commitment(*index, promise)).collect::<Vec<_>>(),
        "calmed_at": judged.calmed_at,
        "ended_early": judged.ended_early,
        "sound": sound,
        "warnings": incoming.warnings,
    })
}

fn head(incoming: &Incoming) -> Value {
    let started = incoming.started_at.map(|at| rfc3339(at, incoming.utc_offset_s));
    let from = incoming.started_at.map(|_| incoming.start_from.name());
    let parties: Vec<Value> = incoming
        .parties
        .iter()
        .map(|party| json!({"role": party.role, "name": party.name, "tel": party.tel.as_ref().map(|tel| tel.as_str()), "email": party.email}))
        .collect();
    let roles = match &incoming.roles {
        Roles::Given => json!("given"),
        Roles::Guessed { confidence } => json!({"guessed": confidence}),
        Roles::Configured => json!("configured"),
    };
    json!({"id": incoming.id, "channel": incoming.channel.name(), "started_at": started, "started_from": from, "parties": parties, "roles": roles})
}

/// Returns one point of the heat curve.
pub fn heat_point(point: &HeatPoint) -> Value {
    json!({"utterance": point.utterance, "value": point.value, "causes": point.causes.iter().map(cause).collect::<Vec<_>>()})
}

/// Names a cause: «insult +28», «calm −3», «time −2».
pub fn cause(cause: &Cause) -> String {
    let name = match cause.cause {
        CauseKind::Signal(kind) => kind.name(),
        CauseKind::CalmUtterance => "calm",
        CauseKind::Time => "time",
    };
    format!("{name} {:+}", cause.change)
}

/// Returns whom the alerts told, and why.
pub fn alerts(told: &[Told], utc_offset_s: i32) -> Value {
    let one = |told: &Told| {
        let (cause, utterance) = match told.cause {
            ToldBy::Decision(utterance) => ("decision", Some(utterance)),
            ToldBy::NoAnswer => ("no_answer", None),
            ToldBy::Overdue => ("overdue", None),
            ToldBy::Clock => ("clock", None),
            ToldBy::Department => ("functional", None),
        };
        json!({
            "cause": cause, "utterance": utterance, "at": rfc3339(told.at, utc_offset_s), "at_ms": told.at_ms,
            "role": told.alert.role, "step": told.alert.step, "priority": told.alert.priority.name(),
        })
    };
    told.iter().map(one).collect()
}

struct Texts<'i> {
    incoming: &'i Incoming,
}

impl Texts<'_> {
    fn quote(&self, utterance: u32, start: u32, end: u32) -> Option<String> {
        let said = self.incoming.utterances.iter().find(|said| said.index == utterance)?;
        (end > start).then(|| said.text.chars().skip(start as usize).take((end - start) as usize).collect())
    }

    fn signal(&self, signal: &Signal) -> Value {
        let found = &signal.found;
        json!({
            "utterance": signal.utterance, "kind": found.kind.name(), "party": found.kind.party().name(),
            "quote": self.quote(signal.utterance, found.start, found.end), "start": found.start, "end": found.end,
            "confidence": f64::from(found.confidence) / 100.0, "rule": found.rule,
        })
    }

    fn decision(&self, decision: &Decision, versions: Versions<'_>) -> Value {
        let evidence: Vec<Value> = decision
            .evidence
            .iter()
            .map(|found| {
                json!({"utterance": found.utterance, "quote": self.quote(found.utterance, found.start, found.end), "signal": found.signal.name()})
            })
            .collect();
        let mut value = json!({
            "utterance": decision.utterance, "at_ms": decision.at_ms, "decision": decision.decision.name(),
            "reason": decision.reason.name(), "clause": decision.clause, "protocol_version": versions.protocol,
            "rules_version": versions.rules, "evidence": evidence,
        });
        if let (Some(step), Some(object)) = (decision.step, value.as_object_mut()) {
            object.insert("step".to_owned(), json!(step.name()));
        }
        value
    }

    fn commitment(&self, utterance: u32, promise: &Commitment) -> Value {
        let due_text = promise.due_text.and_then(|(start, end)| self.quote(utterance, start, end));
        json!({
            "utterance": utterance, "what": self.quote(utterance, promise.what.0, promise.what.1),
            "due": promise.due, "due_text": due_text,
        })
    }
}

#[cfg(test)]
mod tests {
    use gradus_engine::alert::Alert;
    use gradus_engine::case::Priority;
    use gradus_engine::time::Timestamp;

    use super::*;

    #[test]
    fn who_was_told_is_printed_with_the_cause_and_the_clock_of_the_place() {
        let told = |cause, at_ms: u64| Told {
            at: Timestamp::from_millis(1_795_510_800_000 + i64::try_from(at_ms).unwrap_or(0)),
            at_ms,
            cause,
            alert: Alert {
                department: None,
                topic: gradus_engine::alert::Topic::Case,
                role: "director".into(),
                to: None,
                step: 2,
                priority: Priority::Urgent,
                repeat: true,
            },
        };
        let all = alerts(&[told(ToldBy::Decision(3), 0), told(ToldBy::NoAnswer, 90_000)], 10_800);
        let expected = json!([
            {"cause": "decision", "utterance": 3, "at": "2026-11-24T12:00:00.000+03:00", "at_ms": 0, "role": "director",
             "step": 2, "priority": "urgent"},
            {"cause": "no_answer", "utterance": null, "at": "2026-11-24T12:01:30.000+03:00", "at_ms": 90_000,
             "role": "director", "step": 2, "priority": "urgent"},
        ]);
        assert_eq!(all, expected);
    }
}
