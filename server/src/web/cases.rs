//! The list of cases: what still waits for an answer, the nearest due time first.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use gradus_engine::time::Timestamp;
use serde::Deserialize;

use super::{Frame, Pager, Section, Words, frame, is_late, show, state_class};
use crate::api::{ApiError, Asked};
use crate::auth::Me;
use crate::http::App;
use crate::store::{CaseFilter, CaseRow};

/// Cases on one page of the list.
const MOST: i64 = 100;

/// One case of the list.
pub(super) struct CaseLine {
    pub id: String,
    pub number: i64,
    tone: &'static str,
    customer: String,
    priority: String,
    priority_class: &'static str,
    reason: String,
    pub state: &'static str,
    pub state_class: &'static str,
    owner: String,
    pub opened: String,
    due_ms: i64,
    cost: String,
    closed: String,
}

pub(super) struct Tab {
    pub href: &'static str,
    pub title: &'static str,
    pub here: bool,
    pub count: Option<i64>,
}

#[derive(Template)]
#[template(path = "cases.html")]
pub(super) struct CasesPage {
    pub f: Frame,
    pub lead: String,
    pub tabs: Vec<Tab>,
    pub empty: &'static str,
    pub closed: bool,
    pub rows: Vec<CaseLine>,
    pub pager: Pager,
}

/// Which cases.
#[derive(Deserialize)]
pub struct Which {
    #[serde(default)]
    show: String,
    #[serde(default)]
    page: i64,
}

/// Shows the list.
pub async fn page(State(app): State<App>, me: Me, Asked(which): Asked<Which>) -> Result<Response, ApiError> {
    let store = &app.desk.store;
    let (mine, closed) = (which.show == "mine", which.show == "closed");
    let page = which.page.clamp(0, 100_000);
    let team = me.team().map(str::to_owned);
    let all_open = CaseFilter { open: Some(true), team: team.clone(), ..CaseFilter::default() };
    let all_mine = CaseFilter { owner: Some(me.user.id.clone()), ..all_open.clone() };
    let filter =
        CaseFilter { open: Some(!closed), team, limit: MOST, offset: page * MOST, ..CaseFilter::default() };
    let filter =
        if mine { CaseFilter { limit: MOST, offset: page * MOST, ..all_mine.clone() } } else { filter };
    let cases = store.cases(&filter).await?;
    let counts = [store.count_cases(&all_open).await?, store.count_cases(&all_mine).await?];
    let f = frame(&app, &me, Section::Cases);
    let rows: Vec<CaseLine> = cases.iter().map(|row| line(&f.w, row)).collect();
    let pager = Pager::new(&format!("/cases?show={}", which.show), page, cases.len() >= 100);
    show(&CasesPage {
        lead: lead(&f.w, &cases, closed),
        tabs: tabs(&f.w, &which.show, counts),
        empty: match () {
            () if closed => f.w.t.cases_empty_closed,
            () if mine => f.w.t.cases_empty_mine,
            () => f.w.t.cases_empty_title,
        },
        f,
        closed,
        rows,
        pager,
    })
}

pub(super) fn tabs(w: &Words, shown: &str, [open, mine]: [i64; 2]) -> Vec<Tab> {
    let tab = |href, title, here, count| Tab { href, title, here, count };
    vec![
        tab("/cases", w.t.tab_open, shown != "mine" && shown != "closed", Some(open)),
        tab("/cases?show=mine", w.t.tab_mine, shown == "mine", Some(mine)),
        tab("/cases?show=closed", w.t.tab_closed, shown == "closed", None),
    ]
}

pub(super) fn lead(w: &Words, cases: &[CaseRow], closed: bool) -> String {
    let now = Timestamp::from_millis(w.now_ms());
    let late = i64::try_from(cases.iter().filter(|case| is_late(case.due_at_ms, now)).count()).unwrap_or(0);
    if closed {
        return w.t.cases_lead_closed.to_owned();
    }
    if late == 0 {
        return w.t.cases_lead.to_owned();
    }
    let words = w.plural(
        late,
        ["кейс просрочен", "кейса просрочены", "кейсов просрочены"],
        ["case is late", "cases are late"],
    );
    format!("{late} {words}. {}", w.t.cases_lead)
}

pub(super) fn line(w: &Words, row: &CaseRow) -> CaseLine {
    let open = row.closed_at_ms.is_none();
    let owner = row.owner_name.clone().unwrap_or_else(|| w.role(&row.stage).to_owned());
    CaseLine {
        id: row.id.to_string(),
        number: row.number,
        tone: if open && row.state == "open" { "calls" } else { "" },
        customer: row
            .customer_name
            .clone()
            .or_else(|| row.subject.clone())
            .unwrap_or_else(|| w.t.unknown_customer.to_owned()),
        priority: if open && row.priority != "normal" {
            w.priority(&row.priority).to_owned()
        } else {
            String::new()
        },
        priority_class: if row.priority == "urgent" { "warn" } else { "" },
        reason: row
            .reason
            .as_deref()
            .or(row.cause.as_deref())
            .map_or_else(|| w.t.no_reason.to_owned(), |reason| w.reason(reason)),
        state: w.state(&row.state),
        state_class: state_class(&row.state),
        owner,
        opened: w.moment(row.opened_at_ms),
        due_ms: row.due_at_ms.filter(|_| open).unwrap_or(0),
        cost: row
            .cost
            .as_deref()
            .map(|cost| w.money_text(cost, row.currency.as_deref().unwrap_or("RUB")))
            .unwrap_or_default(),
        closed: row.closed_at_ms.map(|at| w.moment(at)).unwrap_or_default(),
    }
}
