//! Cases: the list, the page with its timeline, and what a person does with a case.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use gradus_engine::case::{Action, Cost, CostKind, Resolution};
use gradus_engine::decision::Reason;
use serde::Deserialize;

use super::sign_in::OnlyToken;
use super::{Me, PageError, texts};
use crate::desk::Desk;
use crate::store::{CaseFilter, CaseId, CaseRow, ConversationId};

struct Short {
    id: String,
    number: i64,
    customer: String,
    state: &'static str,
    priority: String,
    owner: String,
    opened: String,
    due_at_ms: i64,
    open: bool,
    outcome: String,
}

#[derive(Template)]
#[template(path = "cases.html")]
struct ListPage {
    me: Me,
    cases: Vec<Short>,
    open: bool,
    count: String,
}

/// Which cases are asked for.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    closed: bool,
}

/// The list of cases.
pub async fn list(
    State(desk): State<Desk>,
    me: Me,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let filter = CaseFilter { open: Some(!asked.closed), limit: 200, ..CaseFilter::default() };
    let cases: Vec<Short> = desk.store.cases(&filter).await?.iter().map(short).collect();
    let count = texts::plural(i64::try_from(cases.len()).unwrap_or(0), "кейс", "кейса", "кейсов");
    Ok(Html(ListPage { me, cases, open: !asked.closed, count }.render()?).into_response())
}

fn short(row: &CaseRow) -> Short {
    let owner = row.owner_name.clone().unwrap_or_else(|| texts::role(&row.stage).to_owned());
    let outcome = match (&row.reason, &row.cost) {
        (Some(reason), cost) => format!(
            "{}, {} {}",
            texts::reason(reason),
            cost.clone().unwrap_or_else(|| "0".to_owned()),
            row.currency.clone().unwrap_or_default()
        ),
        _ => String::new(),
    };
    Short {
        id: row.id.to_string(),
        number: row.number,
        customer: row.customer_name.clone().unwrap_or_else(|| "Клиент неизвестен".to_owned()),
        state: texts::state(&row.state),
        priority: row.priority.clone(),
        owner,
        opened: texts::moment(row.opened_at_ms),
        due_at_ms: row.due_at_ms.unwrap_or(0),
        open: row.closed_at_ms.is_none(),
        outcome,
    }
}

struct Step {
    at: String,
    what: &'static str,
    who: String,
}

/// What the resolution form holds.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ResolveForm {
    csrf: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    cost: String,
    #[serde(default)]
    cost_kind: String,
    #[serde(default)]
    conclusion: String,
}

#[derive(Template)]
#[template(path = "case.html")]
struct Page {
    me: Me,
    case: Short,
    state: String,
    conversation: Option<String>,
    steps: Vec<Step>,
    decisions: Vec<(String, String, Vec<String>)>,
    reasons: Vec<(&'static str, &'static str)>,
    form: ResolveForm,
    wrong: Option<String>,
    closed: Option<(String, String, String)>,
}

/// The page of a case.
pub async fn page(State(desk): State<Desk>, me: Me, Path(id): Path<String>) -> Result<Response, PageError> {
    show(&desk, me, &CaseId(id), ResolveForm::default(), None).await
}

async fn show(
    desk: &Desk,
    me: Me,
    id: &CaseId,
    form: ResolveForm,
    wrong: Option<String>,
) -> Result<Response, PageError> {
    let row = desk.store.case(id).await?.ok_or(PageError::NotFound)?;
    let steps = desk.store.timeline(id).await?.into_iter().map(|entry| Step {
        at: texts::moment(entry.at_ms),
        what: texts::timeline(&entry.kind),
        who: entry.actor_name.unwrap_or_default(),
    });
    let steps = steps.collect();
    let decisions = match &row.conversation_id {
        Some(conversation) => {
            desk.store.conversation_page(conversation).await?.map(|page| page.decisions).unwrap_or_default()
        }
        None => Vec::new(),
    };
    let decisions = decisions.into_iter().map(|decision| {
        let quotes = decision.evidence.into_iter().filter_map(|(_, quote)| quote).collect();
        (texts::decision(&decision.decision, &decision.reason), decision.clause, quotes)
    });
    let closed = row.closed_at_ms.map(|at| {
        (
            row.decision.clone().unwrap_or_default(),
            row.conclusion.clone().unwrap_or_default(),
            texts::moment(at),
        )
    });
    let page = Page {
        me,
        state: row.state.clone(),
        conversation: row.conversation_id.as_ref().map(ToString::to_string),
        decisions: decisions.collect(),
        case: short(&row),
        steps,
        reasons: Reason::ALL.iter().map(|reason| (reason.name(), reason.title_ru())).collect(),
        form,
        wrong,
        closed,
    };
    Ok(Html(page.render()?).into_response())
}

/// Opens a case by hand.
pub async fn open(
    State(desk): State<Desk>,
    me: Me,
    Path(id): Path<String>,
    Form(form): Form<OnlyToken>,
) -> Result<Response, PageError> {
    me.check(&form.csrf)?;
    let conversation = ConversationId(id);
    desk.pipeline.act(&conversation, &me.user.id, Action::Open, desk.clock.now()).await?;
    let row = desk.store.conversation(&conversation).await?.ok_or(PageError::NotFound)?;
    Ok(Redirect::to(&format!("/cases/{}", row.case_id.ok_or(PageError::NotFound)?)).into_response())
}

/// «I have seen it».
pub async fn acknowledge(
    State(desk): State<Desk>,
    me: Me,
    Path(id): Path<String>,
    Form(form): Form<OnlyToken>,
) -> Result<Response, PageError> {
    act(&desk, &me, CaseId(id), &form.csrf, Action::Acknowledge).await
}

/// «I take it over».
pub async fn take_over(
    State(desk): State<Desk>,
    me: Me,
    Path(id): Path<String>,
    Form(form): Form<OnlyToken>,
) -> Result<Response, PageError> {
    act(&desk, &me, CaseId(id), &form.csrf, Action::TakeOver).await
}

/// Closes the case; what lacks comes back beside the form.
pub async fn resolve(
    State(desk): State<Desk>,
    me: Me,
    Path(id): Path<String>,
    Form(form): Form<ResolveForm>,
) -> Result<Response, PageError> {
    me.check_act(&form.csrf)?;
    let id = CaseId(id);
    let resolution = match resolution(&form) {
        Ok(resolution) => resolution,
        Err(wrong) => return show(&desk, me, &id, form, Some(wrong)).await,
    };
    act(&desk, &me, id, &form.csrf, Action::Resolve { resolution }).await
}

async fn act(desk: &Desk, me: &Me, id: CaseId, csrf: &str, action: Action) -> Result<Response, PageError> {
    me.check_act(csrf)?;
    let row = desk.store.case(&id).await?.ok_or(PageError::NotFound)?;
    let conversation = row.conversation_id.ok_or(PageError::NotFound)?;
    desk.pipeline.act(&conversation, &me.user.id, action, desk.clock.now()).await?;
    Ok(Redirect::to(&format!("/cases/{id}")).into_response())
}

fn resolution(form: &ResolveForm) -> Result<Resolution, String> {
    let reason: Reason = form.reason.parse().map_err(|_| "Выберите причину эскалации.".to_owned())?;
    if form.decision.trim().is_empty() {
        return Err("Напишите, что решили.".to_owned());
    }
    if form.conclusion.trim().is_empty() {
        return Err("Напишите вывод: что сделать, чтобы это не повторилось.".to_owned());
    }
    let amount = crate::intake::customers::money(form.cost.trim())
        .ok_or("Стоимость — число рублей; если ничего не стоило, напишите 0.")?;
    if amount.is_sign_negative() {
        return Err("Стоимость не бывает отрицательной.".to_owned());
    }
    let kind = match form.cost_kind.as_str() {
        "discount" => CostKind::Discount,
        "bonus" => CostKind::Bonus,
        "refund" => CostKind::Refund,
        _ => CostKind::Other,
    };
    let costs = vec![Cost { kind, amount, currency: "RUB".to_owned() }];
    Ok(Resolution {
        reason,
        decision: form.decision.trim().to_owned(),
        costs,
        conclusion: form.conclusion.trim().to_owned(),
    })
}
