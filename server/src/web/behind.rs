//! What a number of the report is made of: as many rows as it says.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Frame, Pager, Section, Words, frame, show};
use crate::api::{ApiError, Asked};
use crate::auth::{May, Me};
use crate::http::App;
use crate::report::Week;
use crate::store::{Behind, Counted, Which};

/// Rows of one page.
const PAGE: i64 = 100;

/// Which number.
#[derive(Deserialize)]
pub struct Query {
    /// The week, such as 2026-W47.
    week: String,
    /// What is counted.
    what: String,
    /// Of it only this name.
    name: Option<String>,
    /// The zone whose midnights begin the week; that of the server when left out.
    zone: Option<String>,
    #[serde(default)]
    page: i64,
}

pub(super) struct Row {
    pub when: String,
    /// The conversation or the case, with its address.
    pub href: String,
    pub place: String,
    pub customer: String,
    pub what: String,
    pub who: String,
    pub amount: String,
}

#[derive(Template)]
#[template(path = "behind.html")]
pub(super) struct Page {
    pub f: Frame,
    pub title: String,
    pub span: String,
    pub back: String,
    pub count: String,
    /// The sum of the amounts, each currency by itself.
    pub sums: String,
    pub amounts: bool,
    pub rows: Vec<Row>,
    pub pager: Pager,
}

/// Shows the list behind a number.
pub async fn page(State(app): State<App>, me: Me, Asked(query): Asked<Query>) -> Result<Response, ApiError> {
    me.may(May::Figures)?;
    let week = Week::parse(&query.week).map_err(|error| ApiError::Wrong(error.to_string()))?;
    let counted: Counted = query.what.parse().map_err(ApiError::Wrong)?;
    let zone = match query.zone.as_deref() {
        Some(name) => TimeZone::get(name).map_err(|_| {
            ApiError::Wrong(format!("zone: \"{name}\" is no time zone, write it as Europe/Moscow"))
        })?,
        None => app.zone.clone(),
    };
    let mut which = Which::of(counted, me.team(), week.span(&zone));
    which.name = query.name.clone();
    let page = query.page.clamp(0, 100_000);
    let store = &app.desk.store;
    let count = store.counted(&which).await?;
    let rows = store.behind(&which, PAGE, page * PAGE).await?;
    let f = frame(&app, &me, Section::Week);
    let amounts = matches!(counted, Counted::Spent | Counted::SpentAs | Counted::SpentFor);
    let sums = if amounts { sums(&f.w, &store.behind(&which, i64::MAX, 0).await?) } else { String::new() };
    let protocol = app.desk.pipeline.protocol();
    let name = |what: &str| named(&f.w, &protocol, counted, what);
    let of = query.name.as_deref().map(|of| match counted {
        Counted::EscalatedOf => rows.first().and_then(|row| row.customer_name.clone()).unwrap_or_default(),
        _ => of.split('/').rev().map(name).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "),
    });
    let title = title(&f.w, counted);
    show(&Page {
        title: of.filter(|of| !of.is_empty()).map_or(title.to_owned(), |of| format!("{title}: {of}")),
        span: f.w.week_span(&week.monday().to_string()),
        back: back(&week, &app, f.w.now_ms()),
        count: format!(
            "{} {}",
            f.w.number(count),
            f.w.plural(count, ["строка", "строки", "строк"], ["row", "rows"])
        ),
        sums,
        amounts,
        rows: rows.iter().map(|row| shown(&f.w, row, &name)).collect(),
        pager: Pager::new(&address(&query), page, count > (page + 1) * PAGE),
        f,
    })
}

/// Returns the address of the page of the week.
fn back(week: &Week, app: &App, now_ms: i64) -> String {
    let now = Week::of(gradus_engine::time::Timestamp::from_millis(now_ms), &app.zone);
    let days = now.monday().since(week.monday()).map_or(0, |span| span.get_days());
    format!("/week?back={}", (days / 7).max(0))
}

fn address(query: &Query) -> String {
    let part = |name: &str, value: &Option<String>| {
        value.as_deref().map(|value| format!("&{name}={}", crate::query::escaped(value))).unwrap_or_default()
    };
    let (week, what) = (crate::query::escaped(&query.week), crate::query::escaped(&query.what));
    format!("/week/behind?week={week}&what={what}{}{}", part("name", &query.name), part("zone", &query.zone))
}

fn sums(w: &Words, rows: &[Behind]) -> String {
    let mut sums = std::collections::BTreeMap::<&str, Decimal>::new();
    for row in rows {
        let amount = row.amount.as_deref().and_then(|amount| amount.parse::<Decimal>().ok());
        if let (Some(amount), Some(currency)) = (amount, row.currency.as_deref()) {
            let sum = sums.entry(currency).or_default();
            *sum = sum.saturating_add(amount);
        }
    }
    let sums: Vec<String> = sums.into_iter().map(|(currency, sum)| w.money(sum, currency)).collect();
    sums.join(", ")
}

pub(super) fn shown(w: &Words, row: &Behind, name: &dyn Fn(&str) -> String) -> Row {
    let (href, place) = match (&row.conversation_id, &row.case_id, row.case_number) {
        (_, Some(case), Some(number)) => (format!("/cases/{case}"), format!("{} {number}", w.t.co_case)),
        (Some(talk), _, _) => (format!("/conversations/{talk}"), w.t.its_conversation.to_owned()),
        _ => (String::new(), w.t.unknown.to_owned()),
    };
    let amount =
        row.amount.as_deref().map(|amount| w.money_text(amount, row.currency.as_deref().unwrap_or("")));
    Row {
        when: w.moment(row.at_ms),
        href,
        place,
        customer: row.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned()),
        what: row.what.as_deref().filter(|what| !what.is_empty()).map(name).unwrap_or_default(),
        who: row.who.clone().unwrap_or_else(|| w.t.no_name.to_owned()),
        amount: amount.unwrap_or_default(),
    }
}

/// Returns the name of what a row counts as.
pub(super) fn named(
    w: &Words,
    protocol: &gradus_engine::protocol::Protocol,
    counted: Counted,
    what: &str,
) -> String {
    match counted {
        Counted::Decided if what.parse::<gradus_engine::decision::DecisionKind>().is_ok() => w.decision(what),
        Counted::Clocks | Counted::Breached => w.clock(what).to_owned(),
        Counted::Asked | Counted::AskedLate => {
            protocol.clocks.department(what).map_or(what, |known| known.title.as_str()).to_owned()
        }
        Counted::Judged => match what {
            "right" => w.t.v_right.to_owned(),
            "wrong" => w.t.v_wrong.to_owned(),
            other => other.to_owned(),
        },
        Counted::Promised => w.promise_state(what).to_owned(),
        Counted::Granted | Counted::Overspent => {
            let title =
                protocol.authorities.iter().find(|known| known.id == what).map(|known| known.title.clone());
            title.unwrap_or_else(|| w.grant_state(what).to_owned())
        }
        Counted::SpentAs if what.len() != 3 => w.cost_kind(what).to_owned(),
        Counted::Spent | Counted::SpentAs | Counted::SpentFor if what.len() == 3 => what.to_owned(),
        Counted::Opened | Counted::Seen | Counted::Settled | Counted::Left => w.reason(what),
        Counted::Talks | Counted::Escalated | Counted::Repeated | Counted::RepeatedSoon | Counted::Handed => {
            if what.parse::<gradus_engine::decision::Reason>().is_ok() {
                w.reason(what)
            } else {
                what.to_owned()
            }
        }
        _ => w.reason(what),
    }
}

/// Returns what a number counts, as a title.
pub(super) fn title(w: &Words, counted: Counted) -> &'static str {
    let t = w.t;
    match counted {
        Counted::Talks => t.conversations,
        Counted::Escalated => t.bh_escalated,
        Counted::EscalatedOf => t.bh_escalated,
        Counted::Repeated => t.bh_repeated,
        Counted::RepeatedSoon => t.bh_repeated_soon,
        Counted::Handed => t.rp_without,
        Counted::Opened => t.bh_opened,
        Counted::Seen => t.bh_seen,
        Counted::Settled => t.bh_settled,
        Counted::Closed => t.bh_closed,
        Counted::Left => t.bh_left,
        Counted::Spent | Counted::SpentAs | Counted::SpentFor => t.rp_cost,
        Counted::Clocks => t.bh_clocks,
        Counted::Breached => t.rp_breached,
        Counted::Asked => t.rp_departments,
        Counted::AskedLate => t.bh_asked_late,
        Counted::Decided => t.w_by_decision,
        Counted::Engaged => t.w_by_reason,
        Counted::Judged => t.alerts_of_case,
        Counted::Promised => t.bh_promises,
        Counted::Granted => t.rp_granted,
        Counted::Overspent => t.bh_overspent,
    }
}
