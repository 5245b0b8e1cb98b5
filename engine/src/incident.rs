//! Incidents: one cause behind several customers' troubles.
//!
//! Looks over all conversations: the same trigger about the same thing from several customers within a window opens an
//! incident; later ones join it. What comes out is fed to each conversation as an event.

use serde::{Deserialize, Serialize};

use crate::protocol::IncidentRules;
use crate::signal::SignalKind;
use crate::time::Timestamp;

/// Reports of trouble in the window and the incidents that are open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentWatch {
    reports: Vec<Report>,
    open: Vec<OpenIncident>,
    next: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Report {
    customer: String,
    conversation: String,
    utterance: u32,
    kind: SignalKind,
    topic: Vec<u32>,
    at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OpenIncident {
    number: u64,
    kind: SignalKind,
    topic: Vec<u32>,
    last: Timestamp,
}

/// Where trouble is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reporter<'a> {
    /// Who reports it.
    pub customer: &'a str,
    /// In which conversation.
    pub conversation: &'a str,
    /// In which utterance.
    pub utterance: u32,
}

/// What a report led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Number of the incident.
    pub incident: u64,
    /// The trigger.
    pub kind: SignalKind,
    /// Whether this report opened it.
    pub opened: bool,
    /// The reports of before that belong to it, when this one opened it: conversation and utterance.
    pub earlier: Vec<(String, u32)>,
}

impl IncidentWatch {
    /// Makes a watch whose first incident has the number after `last`: numbers of before a restart are not given again.
    pub fn numbered_after(last: u64) -> Self {
        Self { next: last, ..Self::default() }
    }

    /// Takes in an incident that is known to have been open at `at`, such as one of before a restart. Reports before this
    /// one have to be taken in first: what they opened is this incident.
    pub fn recall(&mut self, number: u64, kind: SignalKind, topic: &[u32], at: Timestamp) {
        match self.open.iter_mut().rev().find(|open| open.kind == kind && shares(&open.topic, topic)) {
            Some(open) => {
                open.number = number;
                open.last = at;
            }
            None => self.open.push(OpenIncident { number, kind, topic: topic.to_vec(), last: at }),
        }
        self.next = self.next.max(number);
    }

    /// Forgets an incident that somebody has closed, with the reports behind it: when the trouble comes back, it takes as
    /// many customers as the first time to open another one.
    pub fn close(&mut self, number: u64) {
        let Some(at) = self.open.iter().position(|open| open.number == number) else { return };
        let closed = self.open.remove(at);
        self.reports.retain(|report| report.kind != closed.kind || !shares(&report.topic, &closed.topic));
    }

    /// Takes in that somebody reported trouble of `kind` about `topic`; returns the incident it belongs to, if any.
    pub fn report(
        &mut self,
        rules: &IncidentRules,
        by: Reporter<'_>,
        (kind, topic): (SignalKind, &[u32]),
        now: Timestamp,
    ) -> Option<Joined> {
        if !rules.kinds.contains(&kind) || topic.is_empty() {
            return None;
        }
        // Recordings of one hour do not come in its order: what is later may have been reported already.
        let near = |at: Timestamp| now.since(at) <= rules.within && at.since(now) <= rules.within;
        self.reports.retain(|report| near(report.at));
        self.open.retain(|incident| near(incident.last));
        if let Some(incident) =
            self.open.iter_mut().find(|open| open.kind == kind && shares(&open.topic, topic))
        {
            incident.last = now;
            return Some(Joined { incident: incident.number, kind, opened: false, earlier: Vec::new() });
        }
        let known = self
            .reports
            .iter()
            .any(|report| report.customer == by.customer && report.kind == kind && report.topic == topic);
        if !known {
            self.reports.push(Report {
                customer: by.customer.to_owned(),
                conversation: by.conversation.to_owned(),
                utterance: by.utterance,
                kind,
                topic: topic.to_vec(),
                at: now,
            });
        }
        self.open_one(rules, by.conversation, (kind, topic), now)
    }

    fn open_one(
        &mut self,
        rules: &IncidentRules,
        conversation: &str,
        (kind, topic): (SignalKind, &[u32]),
        now: Timestamp,
    ) -> Option<Joined> {
        for noun in topic {
            let about = |report: &&Report| report.kind == kind && report.topic.contains(noun);
            let mut customers: Vec<&str> =
                self.reports.iter().filter(about).map(|report| report.customer.as_str()).collect();
            customers.sort_unstable();
            customers.dedup();
            if customers.len() >= rules.customers as usize {
                self.next += 1;
                let number = self.next;
                self.open.push(OpenIncident { number, kind, topic: vec![*noun], last: now });
                let others = self.reports.iter().filter(about);
                let others = others.filter(|report| report.conversation != conversation);
                let earlier = others.map(|report| (report.conversation.clone(), report.utterance)).collect();
                return Some(Joined { incident: number, kind, opened: true, earlier });
            }
        }
        None
    }
}

fn shares(left: &[u32], right: &[u32]) -> bool {
    left.iter().any(|noun| right.contains(noun))
}
