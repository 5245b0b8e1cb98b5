//! What a protocol says of service: calendars, times by priority, departments, authority, hints.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::Deserialize;
use toml::Spanned;

use super::clause::Condition;
use super::file::{Faults, ROLES};
use crate::calendar::{ALWAYS, Calendar, Holidays, Interval, read_intervals};
use crate::case::{Calendars, Priority};
use crate::decision::Reason;
use crate::time::Millis;

/// The times of a case of one priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sla {
    /// The calendar by name.
    pub calendar: String,
    /// Working time until the customer hears for the first time; zero without such a clock.
    pub first_response: Millis,
    /// Working time between two words to the customer; zero without such a clock.
    pub next_update: Millis,
    /// Working time until the case is resolved.
    pub resolve: Millis,
    /// After how many per cent of a time its clock warns, 1–100.
    pub warn_percent: u8,
}

/// Another department that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Department {
    /// Its name, which is the team of its people.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The reasons of `functional` decisions that bring it in.
    pub reasons: Vec<Reason>,
    /// Working time for an answer.
    pub answer: Millis,
    /// The calendar by name.
    pub calendar: String,
}

/// What an authority is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Per cent of a price.
    Percent,
    /// Money.
    Money,
    /// Days.
    Days,
    /// Times: it is granted or not.
    Times,
}

impl Unit {
    /// Returns the name used in files and in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::Money => "money",
            Self::Days => "days",
            Self::Times => "times",
        }
    }
}

/// Something that people may grant on their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Its name.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What it is counted in.
    pub unit: Unit,
    /// ISO 4217 code, for money.
    pub currency: String,
    /// The most of one use by role; a role that is not named may grant nothing.
    pub limits: BTreeMap<String, Decimal>,
    /// The same for strategic customers, where it differs.
    pub strategic: BTreeMap<String, Decimal>,
    /// How often one customer may get it within `days`; 0 without a limit.
    pub uses: u32,
    /// The span of `uses`, in days.
    pub days: u32,
    /// Whether amounts that the agent says are compared with it.
    pub spoken: bool,
}

impl Authority {
    /// Returns the most that a role may grant at once, 0 for nothing.
    pub fn limit(&self, role: &str, strategic: bool) -> Decimal {
        let usual = self.limits.get(role);
        let limit = if strategic { self.strategic.get(role).or(usual) } else { usual };
        limit.copied().unwrap_or_default()
    }
}

/// What the agent is told at a moment.
#[derive(Debug)]
pub struct Hint {
    /// Its name.
    pub id: String,
    /// What to do, in a few words.
    pub title: String,
    /// Phrases to choose from.
    pub say: Vec<String>,
    /// What not to say.
    pub avoid: Vec<String>,
    /// When it is shown.
    pub when: Condition,
}

/// Words for the customer that people begin from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// The words, with variables in braces: one of [`TEMPLATE_VARIABLES`].
    pub text: String,
}

/// What a template may name, with its meaning.
pub const TEMPLATE_VARIABLES: &[(&str, &str)] = &[
    ("клиент", "имя клиента"),
    ("номер", "номер кейса"),
    ("сотрудник", "кто пишет"),
    ("срок", "ближайший срок перед клиентом"),
    ("отдел", "отдел, который спросили последним"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateBody {
    id: String,
    title: String,
    text: String,
}

pub(super) fn templates(bodies: Vec<Spanned<TemplateBody>>, faults: &mut Faults<'_>) -> Vec<Template> {
    let mut templates: Vec<Template> = Vec::new();
    for body in bodies {
        let (at, body) = (body.span(), body.into_inner());
        if templates.iter().any(|known| known.id == body.id) {
            faults.add(at.clone(), format!("template {} stands twice", body.id));
        }
        for part in body.text.split('{').skip(1) {
            let name = part.split('}').next().unwrap_or_default();
            if !part.contains('}') || !TEMPLATE_VARIABLES.iter().any(|(known, _)| *known == name) {
                let names: Vec<&str> = TEMPLATE_VARIABLES.iter().map(|(name, _)| *name).collect();
                let message =
                    format!("template {}: unknown {{{name}}}: one of {}", body.id, names.join(", "));
                faults.add(at.clone(), message);
            }
        }
        templates.push(Template { id: body.id, title: body.title, text: body.text });
    }
    templates
}

impl Template {
    /// Returns the words with the variables filled in; one that is not known here stays in braces for the writer to see.
    pub fn fill(&self, known: impl Fn(&str) -> Option<String>) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut rest = self.text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, behind)) = after.split_once('}') else {
                out.push('{');
                rest = after;
                continue;
            };
            match known(name) {
                Some(value) => out.push_str(&value),
                None => out.extend(["{", name, "}"]),
            }
            rest = behind;
        }
        out.push_str(rest);
        out
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalendarBody {
    title: String,
    zone: Spanned<String>,
    #[serde(default)]
    holidays: Option<Spanned<String>>,
    #[serde(default)]
    mon: String,
    #[serde(default)]
    tue: String,
    #[serde(default)]
    wed: String,
    #[serde(default)]
    thu: String,
    #[serde(default)]
    fri: String,
    #[serde(default)]
    sat: String,
    #[serde(default)]
    sun: String,
    #[serde(default)]
    days: BTreeMap<String, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlaBody {
    priority: String,
    calendar: Spanned<String>,
    #[serde(default)]
    first_response_minutes: u64,
    #[serde(default)]
    next_update_minutes: u64,
    resolve_minutes: Spanned<u64>,
    #[serde(default = "usual_warning")]
    warn_percent: Spanned<u8>,
}

fn usual_warning() -> Spanned<u8> {
    Spanned::new(0..0, 80)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DepartmentBody {
    name: String,
    title: String,
    #[serde(default)]
    reasons: Vec<String>,
    answer_minutes: u64,
    calendar: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorityBody {
    id: String,
    title: String,
    unit: String,
    #[serde(default)]
    currency: String,
    limit: BTreeMap<String, Number>,
    #[serde(default)]
    strategic: BTreeMap<String, Number>,
    #[serde(default)]
    uses: u32,
    #[serde(default)]
    days: u32,
    #[serde(default)]
    spoken: bool,
}

/// A number of a file: whole, or with a decimal point in quotes so that it stays exact.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Written(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HintBody {
    id: String,
    title: String,
    when: String,
    #[serde(default)]
    say: Vec<String>,
    #[serde(default)]
    avoid: Vec<String>,
}

pub(super) fn calendars(
    bodies: BTreeMap<String, Spanned<CalendarBody>>,
    faults: &mut Faults<'_>,
) -> Calendars {
    let mut calendars = BTreeMap::from([(ALWAYS.to_owned(), Calendar::always())]);
    for (name, body) in bodies {
        let (at, body) = (body.span(), body.into_inner());
        if name == ALWAYS {
            faults.add(at, "the calendar \"always\" is built in: give yours another name");
            continue;
        }
        let Ok(zone) = TimeZone::get(body.zone.get_ref()) else {
            faults.add(
                body.zone.span(),
                format!("unknown time zone \"{}\": write it as Europe/Moscow", body.zone.get_ref()),
            );
            continue;
        };
        let holidays = match body.holidays.as_ref().map(|name| (name.get_ref().as_str(), name.span())) {
            None | Some(("none", _)) => Holidays::None,
            Some(("russia", _)) => Holidays::Russia,
            Some((other, at)) => {
                faults.add(at, format!("unknown holidays \"{other}\": one of russia, none"));
                Holidays::None
            }
        };
        let week = [&body.mon, &body.tue, &body.wed, &body.thu, &body.fri, &body.sat, &body.sun];
        let mut intervals = |text: &str, at: std::ops::Range<usize>| -> Vec<Interval> {
            read_intervals(text).unwrap_or_else(|error| {
                faults.add(at, format!("calendar {name}: {error}"));
                Vec::new()
            })
        };
        let week = week.map(|text| intervals(text, at.clone()));
        let mut days = BTreeMap::new();
        for (day, text) in &body.days {
            if let Ok(day) = day.parse::<Date>() {
                days.insert(day, intervals(text.get_ref(), text.span()));
            }
        }
        let wrong: Vec<&String> = body.days.keys().filter(|day| day.parse::<Date>().is_err()).collect();
        for day in wrong {
            faults.add(at.clone(), format!("calendar {name}: \"{day}\" is no day: write it as 2026-12-31"));
        }
        match Calendar::new(body.title, zone, holidays, week, days) {
            Ok(calendar) => drop(calendars.insert(name, calendar)),
            Err(error) => faults.add(at, format!("calendar {name}: {error}")),
        }
    }
    calendars
}

fn known(calendars: &Calendars, name: &Spanned<String>, faults: &mut Faults<'_>) {
    if !calendars.contains_key(name.get_ref()) {
        let names = calendars.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        faults.add(name.span(), format!("unknown calendar \"{}\": one of {names}", name.get_ref()));
    }
}

pub(super) fn slas(
    bodies: Vec<Spanned<SlaBody>>,
    calendars: &Calendars,
    faults: &mut Faults<'_>,
) -> BTreeMap<Priority, Sla> {
    let mut levels = BTreeMap::new();
    for body in bodies {
        let (at, body) = (body.span(), body.into_inner());
        known(calendars, &body.calendar, faults);
        let Some(priority) = Priority::ALL.into_iter().find(|priority| priority.name() == body.priority)
        else {
            faults.add(at, format!("unknown priority \"{}\": one of normal, high, urgent", body.priority));
            continue;
        };
        if *body.resolve_minutes.get_ref() == 0 {
            faults.add(body.resolve_minutes.span(), "zero minutes to resolve: no case could ever be in time");
        }
        if body.first_response_minutes > *body.resolve_minutes.get_ref() {
            faults.add(
                at.clone(),
                "the first response may come later than the resolution: make it the shorter of the two",
            );
        }
        let warn = *body.warn_percent.get_ref();
        if !(1..=100).contains(&warn) {
            faults.add(body.warn_percent.span(), "a clock warns after 1 to 100 per cent of its time");
        }
        let sla = Sla {
            calendar: body.calendar.into_inner(),
            first_response: Millis::minutes(body.first_response_minutes),
            next_update: Millis::minutes(body.next_update_minutes),
            resolve: Millis::minutes(body.resolve_minutes.into_inner()),
            warn_percent: warn,
        };
        if levels.insert(priority, sla).is_some() {
            faults.add(at, format!("two [[sla]] for priority {}: keep one", body.priority));
        }
    }
    levels
}

pub(super) fn departments(
    bodies: Vec<Spanned<DepartmentBody>>,
    calendars: &Calendars,
    faults: &mut Faults<'_>,
) -> Vec<Department> {
    let mut departments: Vec<Department> = Vec::new();
    for body in bodies {
        let (at, body) = (body.span(), body.into_inner());
        known(calendars, &body.calendar, faults);
        if departments.iter().any(|known| known.name == body.name) {
            faults.add(at.clone(), format!("department {} stands twice", body.name));
        }
        if body.answer_minutes == 0 {
            faults.add(at.clone(), format!("department {}: zero minutes to answer", body.name));
        }
        let mut reasons = Vec::new();
        for name in &body.reasons {
            match name.parse::<Reason>() {
                Ok(reason) => reasons.push(reason),
                Err(error) => {
                    faults.add(at.clone(), format!("{error}: one of legal, technical, billing, other"))
                }
            }
        }
        departments.push(Department {
            name: body.name,
            title: body.title,
            reasons,
            answer: Millis::minutes(body.answer_minutes),
            calendar: body.calendar.into_inner(),
        });
    }
    departments
}

pub(super) fn authorities(bodies: Vec<Spanned<AuthorityBody>>, faults: &mut Faults<'_>) -> Vec<Authority> {
    let mut authorities: Vec<Authority> = Vec::new();
    for body in bodies {
        let (at, body) = (body.span(), body.into_inner());
        if authorities.iter().any(|known| known.id == body.id) {
            faults.add(at.clone(), format!("authority {} stands twice", body.id));
        }
        authorities.extend(authority(body, &at, faults));
    }
    authorities
}

fn authority(body: AuthorityBody, at: &std::ops::Range<usize>, faults: &mut Faults<'_>) -> Option<Authority> {
    let id = body.id;
    let unit = match body.unit.as_str() {
        "percent" => Unit::Percent,
        "money" => Unit::Money,
        "days" => Unit::Days,
        "times" => Unit::Times,
        other => {
            let message = format!("unknown unit \"{other}\": one of percent, money, days, times");
            faults.add(at.clone(), message);
            return None;
        }
    };
    let currency = body.currency.len() == 3 && body.currency.bytes().all(|sign| sign.is_ascii_uppercase());
    if unit == Unit::Money && !currency {
        faults.add(at.clone(), format!("authority {id}: money needs a currency such as RUB"));
    }
    if body.uses > 0 && body.days == 0 {
        faults.add(at.clone(), format!("authority {id}: uses are limited within how many days?"));
    }
    if body.spoken && !matches!(unit, Unit::Percent | Unit::Money) {
        let message =
            format!("authority {id}: spoken is for per cent and money: other amounts are not heard");
        faults.add(at.clone(), message);
    }
    let usual = limits(&id, unit, body.limit, at, faults);
    let strategic = limits(&id, unit, body.strategic, at, faults);
    if let (Some(agent), Some(chief)) = (usual.get("agent"), usual.get("supervisor"))
        && agent > chief
    {
        let message = format!(
            "authority {id}: an agent may grant more than a supervisor, who could then approve nothing"
        );
        faults.add(at.clone(), message);
    }
    Some(Authority {
        id,
        title: body.title,
        unit,
        currency: body.currency,
        limits: usual,
        strategic,
        uses: body.uses,
        days: body.days,
        spoken: body.spoken,
    })
}

fn limits(
    id: &str,
    unit: Unit,
    written: BTreeMap<String, Number>,
    at: &std::ops::Range<usize>,
    faults: &mut Faults<'_>,
) -> BTreeMap<String, Decimal> {
    let mut limits = BTreeMap::new();
    for (role, number) in written {
        if role != "agent" && !ROLES.contains(&role.as_str()) {
            faults.add(at.clone(), format!("unknown role \"{role}\": agent or one of {}", ROLES.join(", ")));
        }
        match number.decimal() {
            Some(limit) if unit != Unit::Percent || limit <= Decimal::ONE_HUNDRED => {
                limits.insert(role, limit);
            }
            _ => {
                let message = format!(
                    "authority {id}: the limit of {role} is no number of zero or more (per cent: at most 100)"
                );
                faults.add(at.clone(), message);
            }
        }
    }
    limits
}

impl Number {
    fn decimal(&self) -> Option<Decimal> {
        let number = match self {
            Self::Whole(number) => Decimal::from(*number),
            Self::Written(text) => text.parse().ok()?,
        };
        (!number.is_sign_negative()).then_some(number)
    }
}

pub(super) fn hints(bodies: Vec<Spanned<HintBody>>, faults: &mut Faults<'_>) -> Vec<Hint> {
    let mut hints: Vec<Hint> = Vec::new();
    for body in bodies {
        let (at, body) = (body.span(), body.into_inner());
        if hints.iter().any(|known| known.id == body.id) {
            faults.add(at.clone(), format!("hint {} stands twice", body.id));
        }
        if body.say.is_empty() && body.avoid.is_empty() {
            faults.add(at.clone(), format!("hint {} neither says nor forbids anything", body.id));
        }
        match Condition::new(body.when) {
            Ok(when) => {
                hints.push(Hint { id: body.id, title: body.title, say: body.say, avoid: body.avoid, when });
            }
            Err(message) => faults.add(at, format!("hint {}: {message}", body.id)),
        }
    }
    hints
}
