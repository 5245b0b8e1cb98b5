//! A case, ready to be shown: where it stands, why it was opened, who did what.

use askama::Template;
use gradus_engine::decision::Reason;
use gradus_engine::protocol::Protocol;

use super::CaseForm;
use super::related::{DocumentView, RelatedView, document_view, related_view};
use super::service::{ServiceView, service_view};
use crate::auth::{May, Role};
use crate::dossier::PreparedOption;
use crate::store::{
    AlertRow, AskRow, CaseRow, ClockRow, ConversationPage, ConversationRow, Customer, DeliveryRow,
    DocumentRow, Rating, RelatedRow, TimelineRow, User, UserId,
};
use crate::web::conversation::{DecisionView, decisions};
use crate::web::customers::customer_facts;
use crate::web::deliveries::{DeliveryLine, delivery_line};
use crate::web::tasks::CaseTasks;
use crate::web::words::heat_class;
use crate::web::{Badge, Frame, Words, alert_words, badges, icons};

#[derive(Template)]
#[template(path = "case.html")]
pub struct Page {
    pub f: Frame,
    pub v: CaseView,
    pub form: CaseForm,
    pub tasks: CaseTasks,
}

struct Step {
    title: &'static str,
    class: &'static str,
    here: bool,
}

struct HeatChip {
    value: i64,
    class: &'static str,
    word: &'static str,
}

struct TalkLink {
    id: String,
    icon: String,
    when: String,
}

struct EarlierTalk {
    id: String,
    heat: i64,
    heat_class: &'static str,
    channel: &'static str,
    when: String,
}

struct Outcome {
    when: String,
    reason: String,
    decision: String,
    cost: String,
    conclusion: String,
    /// What the customer says of it.
    rating: String,
    rating_words: String,
    /// The link that the customer rates it by.
    rate_link: String,
    /// Each answer with its words and whether it is the one.
    stayed: [(&'static str, &'static str, bool); 3],
}

struct Entry {
    class: &'static str,
    what: String,
    text: String,
    when: String,
    who: String,
}

/// An alert of the case, with what became of it.
struct AlertView {
    number: i64,
    what: String,
    repeat: bool,
    when: String,
    role: &'static str,
    answer: String,
    deliveries: Vec<DeliveryLine>,
    verdict: String,
}

/// A case in words.
pub struct CaseView {
    id: String,
    number: i64,
    conversation: String,
    customer: String,
    customer_href: Option<String>,
    badges: Vec<Badge>,
    heat: Option<HeatChip>,
    opened: String,
    owner: String,
    due_ms: i64,
    closed: bool,
    can_acknowledge: bool,
    can_take_over: bool,
    can_snooze: bool,
    alerts: Vec<AlertView>,
    doubts: [(&'static str, &'static str); 4],
    steps: Vec<Step>,
    decisions: Vec<DecisionView>,
    /// Why it was opened where no decision says it.
    opened_by: &'static str,
    talk: Option<TalkLink>,
    outcome: Option<Outcome>,
    reasons: Vec<(&'static str, String)>,
    cost_kinds: Vec<(&'static str, &'static str)>,
    customer_facts: Vec<(&'static str, String)>,
    earlier: Vec<EarlierTalk>,
    people: Vec<(String, String)>,
    service: ServiceView,
    options: Vec<OptionLine>,
    promises: String,
    related: Vec<RelatedView>,
    documents: Vec<DocumentView>,
    /// Whether it goes on in another case.
    merged: bool,
    /// The incident that it is part of.
    incident: Option<i64>,
    timeline: Vec<Entry>,
}

/// What is known of the customer after the end of a case, and what it is part of.
#[derive(Default)]
pub struct Care {
    /// What they say of it.
    pub rating: Option<Rating>,
    /// The link by which they do.
    pub link: String,
    /// Whether they stayed.
    pub stayed: Option<bool>,
    /// The incident that its conversation reported.
    pub incident: Option<i64>,
    /// What it cost: kind, amount, currency.
    pub costs: Vec<(String, String, String)>,
}

/// What a case is shown from.
pub struct CaseParts<'a> {
    /// The case.
    pub row: &'a CaseRow,
    /// Its timeline.
    pub timeline: &'a [TimelineRow],
    /// Its conversation.
    pub talk: Option<ConversationPage>,
    /// Its customer.
    pub customer: Option<Customer>,
    /// The customer's conversations, latest first.
    pub earlier: Vec<ConversationRow>,
    /// Everybody.
    pub people: &'a [User],
    /// Its alerts, oldest first.
    pub alerts: &'a [AlertRow],
    /// What became of them beyond the page.
    pub deliveries: &'a [DeliveryRow],
    /// Its clocks.
    pub clocks: &'a [ClockRow],
    /// Ways out that held in like cases.
    pub options: &'a [PreparedOption],
    /// What became of promises to the customer.
    pub promises: &'a [(String, i64)],
    /// Cases that have to do with it.
    pub related: &'a [RelatedRow],
    /// Its documents.
    pub documents: &'a [DocumentRow],
    /// What the customer says of it, the link by which they do, and whether they stayed.
    pub care: &'a Care,
    /// What departments were asked.
    pub asks: &'a [AskRow],
    /// Who follows it.
    pub followers: &'a [(UserId, Option<String>)],
    /// The template that was chosen.
    pub template: &'a str,
    /// Who looks, by name.
    pub writer: &'a str,
    /// Who looks.
    pub me: &'a UserId,
}

/// Returns a case in words.
pub fn view(w: &Words, protocol: &Protocol, parts: CaseParts<'_>) -> CaseView {
    let service = service_view(w, protocol, &parts);
    let options = parts.options.iter().map(|option| option_line(w, option)).collect();
    let promises = promises_words(w, parts.promises);
    let related = parts.related.iter().map(|other| related_view(w, other)).collect();
    let documents = parts.documents.iter().map(|one| document_view(w, one, parts.me.as_str())).collect();
    let care = parts.care;
    let CaseParts { row, timeline, talk, customer, earlier, people, alerts, deliveries, me, .. } = parts;
    let closed = row.closed_at_ms.is_some();
    let mine = row.owner_id.as_ref() == Some(me);
    let chip = |talk: &ConversationPage| {
        let live = talk.conversation.status == "live";
        let value = if live { talk.conversation.heat_last } else { talk.conversation.heat_max };
        HeatChip { value, class: heat_class(value), word: if live { w.t.heat_now } else { w.t.heat_max } }
    };
    let mark = customer.as_ref().and_then(|customer| customer.mark.clone());
    let ranks =
        customer.as_ref().map_or([None, None], |customer| [customer.revenue_rank, customer.growth_rank]);
    CaseView {
        id: row.id.to_string(),
        number: row.number,
        conversation: row.conversation_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        customer: row.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned()),
        customer_href: row.customer_id.as_ref().map(|id| format!("/customers/{id}")),
        badges: badges(w, ranks, mark.as_deref()),
        heat: talk.as_ref().map(chip),
        opened: w.moment(row.opened_at_ms),
        owner: row.owner_name.clone().unwrap_or_else(|| w.role(&row.stage).to_owned()),
        due_ms: row.due_at_ms.filter(|_| !closed).unwrap_or(0),
        closed,
        can_acknowledge: row.state == "open",
        can_take_over: !(row.state == "in_work" && mine),
        can_snooze: alerts
            .iter()
            .any(|alert| alert.acknowledged_at_ms.is_none() && alert.ended_at_ms.is_none()),
        alerts: alerts.iter().rev().map(|alert| alert_view(w, alert, deliveries, people)).collect(),
        doubts: crate::alert::reasons(w),
        steps: steps(w, row),
        decisions: talk
            .as_ref()
            .map(|talk| reasons_to_open(decisions(w, protocol, talk)))
            .unwrap_or_default(),
        opened_by: match timeline.iter().any(|entry| entry.kind == "entered") {
            true => w.t.t_entered,
            false => w.t.by_hand,
        },
        talk: talk.as_ref().map(|talk| TalkLink {
            id: talk.conversation.id.to_string(),
            icon: icons::icon(&talk.conversation.channel),
            when: w.moment(talk.conversation.started_at_ms),
        }),
        outcome: outcome(w, row, care),
        reasons: Reason::ALL.iter().map(|reason| (reason.name(), w.reason(reason.name()))).collect(),
        cost_kinds: cost_kinds(w),
        customer_facts: customer.as_ref().map(|customer| customer_facts(w, customer)).unwrap_or_default(),
        earlier: earlier
            .iter()
            .filter(|talk| Some(&talk.id) != row.conversation_id.as_ref())
            .take(6)
            .map(|talk| earlier_talk(w, talk))
            .collect(),
        people: takers(w, row, people),
        service,
        options,
        promises,
        related,
        documents,
        merged: row.merged_into.is_some(),
        incident: care.incident,
        timeline: timeline.iter().rev().map(|entry| line(w, protocol, entry, people)).collect(),
    }
}

fn cost_kinds(w: &Words) -> Vec<(&'static str, &'static str)> {
    let t = w.t;
    vec![("refund", t.c_refund), ("discount", t.c_discount), ("bonus", t.c_bonus), ("other", t.c_other)]
}

/// Returns who can get the case, by id and name.
fn takers(w: &Words, row: &CaseRow, people: &[User]) -> Vec<(String, String)> {
    people
        .iter()
        .filter(|user| user.active && Some(&user.id) != row.owner_id.as_ref())
        .filter(|user| user.role.parse::<Role>().is_ok_and(|role| role.may(May::Act)))
        .map(|user| (user.id.to_string(), format!("{}, {}", user.name, w.role(&user.role))))
        .collect()
}

/// A way out that held in like cases, in words.
struct OptionLine {
    decision: String,
    cost: String,
    held: String,
}

fn option_line(w: &Words, option: &PreparedOption) -> OptionLine {
    OptionLine {
        decision: option.decision.clone(),
        cost: if option.cost.is_zero() {
            w.t.op_free.to_owned()
        } else {
            w.money(option.cost, &option.currency)
        },
        held: format!("{} {} {} {}", w.t.op_held, option.held, w.t.k_of, option.of),
    }
}

/// Returns promises to a customer by what became of them: «выполнено 3, просрочено 1».
fn promises_words(w: &Words, promises: &[(String, i64)]) -> String {
    let word = |state: &str| match state {
        "kept" => w.t.p_kept,
        "broken" => w.t.p_broken,
        "late" => w.t.k_late,
        "dropped" => w.t.p_dropped,
        _ => w.t.p_open,
    };
    promises.iter().map(|(state, count)| format!("{} {count}", word(state))).collect::<Vec<_>>().join(", ")
}

fn alert_view(w: &Words, alert: &AlertRow, deliveries: &[DeliveryRow], people: &[User]) -> AlertView {
    let name = |id: &UserId| people.iter().find(|user| user.id == *id).map(|user| user.name.clone());
    let answer = alert.acknowledged_by.as_ref().and_then(name).zip(alert.acknowledged_at_ms);
    let said = match alert.verdict.as_deref() {
        Some("right") => w.t.v_right,
        Some(_) => w.t.v_wrong,
        None => "",
    };
    let why = alert.verdict_reason.as_deref();
    let why = why.and_then(|why| crate::alert::reasons(w).into_iter().find(|(known, _)| *known == why));
    let (what, _) = alert_words(w, alert);
    AlertView {
        number: alert.number.unwrap_or(0),
        what,
        repeat: alert.repeats > 0 || alert.level > 0,
        when: w.moment(alert.created_at_ms),
        role: w.role(alert.recipient_role.as_deref().unwrap_or_default()),
        answer: answer.map(|(by, at)| format!("{}: {by}, {}", w.t.m_taken, w.moment(at))).unwrap_or_default(),
        deliveries: deliveries
            .iter()
            .filter(|row| row.alert_id == alert.id)
            .map(|row| delivery_line(w, row))
            .collect(),
        verdict: format!("{said}{}", why.map(|(_, title)| format!(": {title}")).unwrap_or_default()),
    }
}

/// Watching and coaching open no case: they are left out where there is something stronger.
fn reasons_to_open(all: Vec<DecisionView>) -> Vec<DecisionView> {
    let strong: Vec<DecisionView> =
        all.iter().filter(|decision| decision.class != "d-other").cloned().collect();
    if strong.is_empty() { all } else { strong }
}

fn earlier_talk(w: &Words, talk: &ConversationRow) -> EarlierTalk {
    EarlierTalk {
        id: talk.id.to_string(),
        heat: talk.heat_max,
        heat_class: heat_class(talk.heat_max),
        channel: w.channel(&talk.channel),
        when: w.moment(talk.started_at_ms),
    }
}

fn steps(w: &Words, row: &CaseRow) -> Vec<Step> {
    let order = ["open", "acknowledged", "in_work", "resolved"];
    let last = order.len() - 1;
    let here = order.iter().position(|state| *state == row.state).unwrap_or(last);
    let step = |(at, state): (usize, &&str)| {
        let past = at < here || (at == here && at == last);
        Step {
            title: w.state(state),
            class: if past {
                "past"
            } else if at == here {
                "here"
            } else {
                ""
            },
            here: at == here,
        }
    };
    order.iter().enumerate().map(step).collect()
}

fn outcome(w: &Words, row: &CaseRow, care: &Care) -> Option<Outcome> {
    let closed = row.closed_at_ms.filter(|_| row.merged_into.is_none())?;
    // Amounts of two currencies are never added: each is said by itself.
    let money = match care.costs.as_slice() {
        [] => row.cost.as_deref().map(|cost| w.money_text(cost, row.currency.as_deref().unwrap_or("RUB"))),
        costs => {
            let part = |(kind, amount, currency): &(String, String, String)| {
                format!("{}, {}", w.money_text(amount, currency), w.cost_kind(kind))
            };
            Some(costs.iter().map(part).collect::<Vec<_>>().join("; "))
        }
    };
    Some(Outcome {
        when: w.moment(closed),
        reason: row.reason.as_deref().map(|reason| w.reason(reason)).unwrap_or_default(),
        decision: row.decision.clone().unwrap_or_default(),
        cost: money.unwrap_or_default(),
        conclusion: row.conclusion.clone().unwrap_or_default(),
        rating: care
            .rating
            .as_ref()
            .map(|rating| format!("{}\u{a0}/\u{a0}5", rating.stars))
            .unwrap_or_default(),
        rating_words: care.rating.as_ref().and_then(|rating| rating.words.clone()).unwrap_or_default(),
        rate_link: care.link.clone(),
        stayed: [
            ("yes", w.t.ra_yes, care.stayed == Some(true)),
            ("no", w.t.ra_no, care.stayed == Some(false)),
            ("", w.t.ra_unknown, care.stayed.is_none()),
        ],
    })
}

fn line(w: &Words, protocol: &Protocol, entry: &TimelineRow, people: &[User]) -> Entry {
    let detail: serde_json::Value = serde_json::from_str(&entry.detail).unwrap_or_default();
    let owner = detail.get("owner").and_then(serde_json::Value::as_str).filter(|_| entry.kind == "open");
    let to =
        people.iter().find(|user| Some(user.id.as_str()) == owner).map(|user| format!(": {}", user.name));
    let clock = detail.get("clock").and_then(serde_json::Value::as_str).map(|clock| w.clock(clock));
    let department = detail.get("department").and_then(serde_json::Value::as_str);
    let department = department.map(|name| {
        protocol.clocks.department(name).map_or_else(|| name.to_owned(), |known| known.title.clone())
    });
    let priority = detail.get("priority").and_then(serde_json::Value::as_str);
    let about = match entry.kind.as_str() {
        "clock_warning" | "clock_breach" => clock.map(str::to_owned),
        "prioritised" => priority.map(|priority| w.priority(priority).to_owned()),
        "paused" => detail.get("until_ms").and_then(serde_json::Value::as_i64).map(|at| w.moment(at)),
        "merged" | "took_in" | "linked" | "unlinked" => {
            detail.get("number").and_then(serde_json::Value::as_i64).map(|number| format!("№ {number}"))
        }
        _ => department,
    };
    let to = to.or_else(|| about.map(|about| format!(": {about}")));
    let in_vain = detail.get("in_vain").and_then(serde_json::Value::as_bool) == Some(true);
    let what = if in_vain { w.t.t_in_vain } else { w.timeline(&entry.kind) };
    Entry {
        class: match entry.kind.as_str() {
            "climbed" | "overdue" | "clock_breach" | "unanswered" => "late",
            "resolved" | "answered" => "done",
            _ if entry.actor.is_some() => "person",
            _ => "",
        },
        what: format!("{what}{}", to.unwrap_or_default()),
        text: entry.text.clone().unwrap_or_default(),
        when: w.moment(entry.at_ms),
        who: match (&entry.actor_name, entry.kind.as_str()) {
            (Some(name), _) => name.clone(),
            (None, "entered") => w.t.by_import.to_owned(),
            (None, _) => w.t.by_protocol.to_owned(),
        },
    }
}
