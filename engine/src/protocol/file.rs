//! Reading a protocol file: TOML into the checked `Protocol`, with every fault named by line and cure.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use super::{
    AlertRules, AlertStep, Clause, ClockRules, HeatRules, IncidentRules, LadderRules, LadderSentence,
    Protocol, StrategicRules, TestCase, service, test_case,
};
use crate::decision::{DecisionKind, LadderStep, Reason};
use crate::signal::{Party, SignalKind};
use crate::time::Millis;

/// One fault of a protocol file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolError {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// All faults of a protocol file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ProtocolErrors {
    /// Name of the file.
    pub file: String,
    /// The faults, by line.
    pub errors: Vec<ProtocolError>,
}

impl fmt::Display for ProtocolErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(out, "{end}{}:{}: {}", self.file, error.line, error.message)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBody {
    version: Spanned<String>,
    title: String,
    attempts: AttemptsBody,
    strategic: StrategicBody,
    heat: HeatBody,
    incident: IncidentBody,
    ladder: LadderBody,
    alerts: AlertsBody,
    clocks: ClocksBody,
    #[serde(default, rename = "calendar")]
    calendars: BTreeMap<String, Spanned<service::CalendarBody>>,
    #[serde(default, rename = "sla")]
    slas: Vec<Spanned<service::SlaBody>>,
    #[serde(default, rename = "department")]
    departments: Vec<Spanned<service::DepartmentBody>>,
    #[serde(default, rename = "authority")]
    authorities: Vec<Spanned<service::AuthorityBody>>,
    #[serde(default, rename = "hint")]
    hints: Vec<Spanned<service::HintBody>>,
    #[serde(default, rename = "template")]
    templates: Vec<Spanned<service::TemplateBody>>,
    #[serde(default, rename = "clause")]
    clauses: Vec<Spanned<ClauseBody>>,
    #[serde(default, rename = "test")]
    tests: Vec<Spanned<test_case::TestBody>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttemptsBody {
    needed: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrategicBody {
    revenue_rank: u32,
    growth_rank: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeatBody {
    high: Spanned<u8>,
    calm_below: Spanned<u8>,
    watch: u8,
    cool_per_minute: u8,
    cool_gap_max: u8,
    calm_utterance: u8,
    utterance_max: Spanned<u8>,
    weights: BTreeMap<String, Spanned<i32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IncidentBody {
    customers: Spanned<u32>,
    within_minutes: u64,
    kinds: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LadderBody {
    calm_utterances: Spanned<u32>,
    repeat_after: Spanned<u32>,
    #[serde(default = "usual_mark")]
    mark: String,
    #[serde(default = "usual_mark_days")]
    mark_days: u32,
    #[serde(rename = "step")]
    steps: Vec<Spanned<LadderStepBody>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LadderStepBody {
    step: String,
    clause: String,
    say: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertsBody {
    #[serde(rename = "step")]
    steps: Vec<Spanned<AlertStepBody>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertStepBody {
    after_seconds: u64,
    role: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClocksBody {
    acknowledge_now_seconds: Spanned<u64>,
    acknowledge_seconds: Spanned<u64>,
    #[serde(default)]
    join_now_seconds: u64,
    resolve_minutes: Spanned<u64>,
    #[serde(default = "usual_wait")]
    wait_hours: Spanned<u64>,
    #[serde(default = "usual_overdue_clause")]
    overdue_clause: String,
}

fn usual_wait() -> Spanned<u64> {
    Spanned::new(0..0, 72)
}

fn usual_overdue_clause() -> String {
    "C3".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClauseBody {
    id: String,
    title: String,
    decision: String,
    reason: Option<String>,
    #[serde(default)]
    evidence: Vec<String>,
    when: String,
}

/// Roles that can be told.
pub(super) const ROLES: &[&str] =
    &["supervisor", "substitute", "director", "conflict_specialist", "coach", "administrator"];

/// Collects faults with their lines.
pub(super) struct Faults<'t> {
    text: &'t str,
    errors: Vec<ProtocolError>,
}

impl Faults<'_> {
    pub(super) fn add(&mut self, at: std::ops::Range<usize>, message: impl Into<String>) {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        self.errors.push(ProtocolError { line, message: message.into() });
    }

    fn name<T: std::str::FromStr>(
        &mut self,
        at: std::ops::Range<usize>,
        name: &str,
        known: &[&str],
    ) -> Option<T>
    where
        T::Err: fmt::Display,
    {
        match name.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(at, format!("{error}: one of {}", known.join(", ")));
                None
            }
        }
    }
}

pub(super) fn read(name: &str, text: &str) -> Result<Protocol, ProtocolErrors> {
    let mut faults = Faults { text, errors: Vec::new() };
    let body: FileBody = match toml::from_str(text) {
        Ok(body) => body,
        Err(error) => {
            faults.add(error.span().unwrap_or(0..0), error.message().to_owned());
            return Err(ProtocolErrors { file: name.to_owned(), errors: faults.errors });
        }
    };
    let heat = heat(body.heat, &mut faults);
    let ladder = ladder(body.ladder, &mut faults);
    let incident = incident(body.incident, &mut faults);
    let alerts = alerts(body.alerts, &mut faults);
    let clauses = clauses(body.clauses, &mut faults);
    let tests: Vec<TestCase> =
        body.tests.into_iter().filter_map(|test| test_case::read(test, &mut faults)).collect();
    if body.version.get_ref().trim().is_empty() {
        faults.add(body.version.span(), "the version is empty: give the protocol a name such as \"2026-11\"");
    }
    if *body.attempts.needed.get_ref() == 0 {
        faults.add(body.attempts.needed.span(), "zero attempts: the agent has to try at least once, say 3");
    }
    let clocks = clock_rules(body.clocks, (body.calendars, body.slas, body.departments), &mut faults);
    let authorities = service::authorities(body.authorities, &mut faults);
    let hints = service::hints(body.hints, &mut faults);
    let templates = service::templates(body.templates, &mut faults);
    if !faults.errors.is_empty() {
        faults.errors.sort_by_key(|error| error.line);
        return Err(ProtocolErrors { file: name.to_owned(), errors: faults.errors });
    }
    Ok(Protocol {
        version: body.version.into_inner(),
        title: body.title,
        heat,
        attempts_needed: body.attempts.needed.into_inner(),
        strategic: StrategicRules {
            revenue_rank: body.strategic.revenue_rank,
            growth_rank: body.strategic.growth_rank,
        },
        incident,
        ladder,
        alerts,
        clocks,
        authorities,
        hints,
        templates,
        clauses,
        tests,
    })
}

type ServiceBodies = (
    BTreeMap<String, Spanned<service::CalendarBody>>,
    Vec<Spanned<service::SlaBody>>,
    Vec<Spanned<service::DepartmentBody>>,
);

fn clock_rules(
    body: ClocksBody,
    (calendars, slas, departments): ServiceBodies,
    faults: &mut Faults<'_>,
) -> ClockRules {
    for (number, what) in [
        (&body.acknowledge_now_seconds, "zero seconds to acknowledge: nobody can be that fast, say 30"),
        (&body.acknowledge_seconds, "zero seconds to acknowledge: nobody can be that fast, say 300"),
        (&body.resolve_minutes, "zero minutes to resolve: no case could ever be in time"),
        (&body.wait_hours, "zero hours to wait for a customer: nobody answers that fast, say 72"),
    ] {
        if *number.get_ref() == 0 {
            faults.add(number.span(), what);
        }
    }
    let calendars = service::calendars(calendars, faults);
    ClockRules {
        acknowledge_now: Millis::seconds(body.acknowledge_now_seconds.into_inner()),
        acknowledge: Millis::seconds(body.acknowledge_seconds.into_inner()),
        join_now: Millis::seconds(body.join_now_seconds),
        resolve: Millis::minutes(body.resolve_minutes.into_inner()),
        wait: Millis::minutes(body.wait_hours.into_inner().saturating_mul(60)),
        overdue_clause: body.overdue_clause,
        levels: service::slas(slas, &calendars, faults),
        departments: service::departments(departments, &calendars, faults),
        calendars,
    }
}

fn kind_names() -> Vec<&'static str> {
    SignalKind::ALL.iter().map(|kind| kind.name()).collect()
}

fn heat(body: HeatBody, faults: &mut Faults<'_>) -> HeatRules {
    if body.high.get_ref() > &100 {
        faults.add(body.high.span(), "heat ends at 100: choose a line between 1 and 100");
    }
    if body.calm_below.get_ref() >= body.high.get_ref() {
        faults.add(body.calm_below.span(), "the calm line is not below the high line: heat could be both");
    }
    if *body.utterance_max.get_ref() == 0 {
        faults.add(body.utterance_max.span(), "no utterance could raise heat: choose a most above 0");
    }
    let mut weights = BTreeMap::new();
    for (name, weight) in body.weights {
        if !(-100..=100).contains(weight.get_ref()) {
            faults.add(weight.span(), format!("the weight of {name} is beyond −100…100"));
        }
        if let Some(kind) = faults.name::<SignalKind>(weight.span(), &name, &kind_names()) {
            weights.insert(kind, weight.into_inner());
        }
    }
    HeatRules {
        high: body.high.into_inner(),
        calm_below: body.calm_below.into_inner(),
        watch: body.watch,
        cool_per_minute: i32::from(body.cool_per_minute),
        cool_gap_max: i32::from(body.cool_gap_max),
        calm_utterance: i32::from(body.calm_utterance),
        utterance_max: i32::from(body.utterance_max.into_inner()),
        weights,
    }
}

fn usual_mark() -> String {
    "конфликтный".to_owned()
}

const fn usual_mark_days() -> u32 {
    30
}

fn ladder(body: LadderBody, faults: &mut Faults<'_>) -> LadderRules {
    for number in [&body.calm_utterances, &body.repeat_after] {
        if *number.get_ref() == 0 {
            faults.add(
                number.span(),
                "zero utterances: the ladder would move without anybody speaking, choose 1 or more",
            );
        }
    }
    let names: Vec<&str> = LadderStep::ALL.iter().map(|step| step.name()).collect();
    let mut steps: Vec<LadderSentence> = Vec::new();
    for step in body.steps {
        let (at, sentence) = (step.span(), step.into_inner());
        if sentence.say.trim().is_empty() {
            faults.add(
                at.clone(),
                format!("step {} has no sentence: write what the agent says, word for word", sentence.step),
            );
        }
        if let Some(step) = faults.name::<LadderStep>(at, &sentence.step, &names) {
            steps.push(LadderSentence { step, clause: sentence.clause, say: sentence.say });
        }
    }
    for step in LadderStep::ALL {
        if steps.iter().filter(|sentence| sentence.step == *step).count() != 1 {
            faults.add(0..0, format!("the ladder needs step {step} exactly once"));
        }
    }
    LadderRules {
        calm_utterances: body.calm_utterances.into_inner(),
        repeat_after: body.repeat_after.into_inner(),
        mark: body.mark,
        mark_days: body.mark_days,
        steps,
    }
}

fn incident(body: IncidentBody, faults: &mut Faults<'_>) -> IncidentRules {
    if *body.customers.get_ref() < 2 {
        faults.add(body.customers.span(), "an incident needs at least 2 customers");
    }
    let mut kinds = Vec::new();
    for name in body.kinds {
        if let Some(kind) = faults.name::<SignalKind>(name.span(), name.get_ref(), &kind_names()) {
            if kind.party() != Party::Customer {
                faults
                    .add(name.span(), format!("{kind} is said by the agent: name a trouble of the customer"));
            }
            kinds.push(kind);
        }
    }
    IncidentRules {
        customers: body.customers.into_inner(),
        within: Millis::minutes(body.within_minutes),
        kinds,
    }
}

fn alerts(body: AlertsBody, faults: &mut Faults<'_>) -> AlertRules {
    if body.steps.is_empty() {
        faults.add(0..0, "the alert ladder has no step: name at least one role under [[alerts.step]]");
    }
    let mut before = None;
    let mut ladder = Vec::new();
    for step in body.steps {
        let (at, step) = (step.span(), step.into_inner());
        if !ROLES.contains(&step.role.as_str()) {
            faults.add(at.clone(), format!("unknown role \"{}\": one of {}", step.role, ROLES.join(", ")));
        }
        if before.is_some_and(|before| step.after_seconds <= before) {
            faults.add(at, "each step of the alert ladder has to come later than the one before it");
        }
        before = Some(step.after_seconds);
        ladder.push(AlertStep { after: Millis::seconds(step.after_seconds), role: step.role });
    }
    AlertRules { ladder }
}

fn clauses(bodies: Vec<Spanned<ClauseBody>>, faults: &mut Faults<'_>) -> Vec<Clause> {
    let decisions: Vec<&str> = DecisionKind::ALL.iter().map(|kind| kind.name()).collect();
    let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    let mut clauses: Vec<Clause> = Vec::new();
    for body in bodies {
        let (at, body) = (body.span(), body.into_inner());
        if clauses.iter().any(|clause| clause.id == body.id) {
            faults.add(at.clone(), format!("clause {} stands twice: give each its own number", body.id));
        }
        let decision = faults.name::<DecisionKind>(at.clone(), &body.decision, &decisions);
        let reason = match body.reason.as_deref() {
            Some(name) => faults.name::<Reason>(at.clone(), name, &reasons),
            None => None,
        };
        let evidence =
            body.evidence.iter().filter_map(|name| faults.name(at.clone(), name, &kind_names())).collect();
        let Some(decision) = decision else { continue };
        if decision == DecisionKind::AbuseStep {
            faults.add(at, "the steps of the abuse ladder stand under [[ladder.step]], not in a clause");
            continue;
        }
        match Clause::new(body.id.clone(), body.title, decision, reason, evidence, body.when) {
            Ok(clause) => clauses.push(clause),
            Err(message) => faults.add(at, format!("clause {}: {message}", body.id)),
        }
    }
    clauses
}
