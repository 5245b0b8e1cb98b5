//! The live board, hottest first, and the list of all conversations.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::{Me, PageError, texts};
use crate::desk::Desk;
use crate::store::{ConversationFilter, ConversationRow, ConversationStatus};

/// Most conversations the board shows.
const MOST: i64 = 100;

/// One row, ready to be shown.
pub struct Row {
    id: String,
    heat: i64,
    heat_max: i64,
    class: &'static str,
    customer: String,
    strategic: bool,
    agent: String,
    channel: &'static str,
    quote: String,
    signal: String,
    decision: String,
    case: Option<(String, i64, &'static str, String)>,
    due_at_ms: i64,
    started: String,
}

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage {
    me: Me,
    rows: Vec<Row>,
    live: bool,
    title: &'static str,
}

#[derive(Template)]
#[template(path = "board_rows.html")]
struct RowsPart {
    rows: Vec<Row>,
    live: bool,
}

/// The live board.
pub async fn page(State(desk): State<Desk>, me: Me) -> Result<Response, PageError> {
    let rows = live_rows(&desk).await?;
    Ok(Html(BoardPage { me, rows, live: true, title: "Доска" }.render()?).into_response())
}

/// The rows alone, for the live update.
pub async fn rows(State(desk): State<Desk>, _me: Me) -> Result<Response, PageError> {
    Ok(Html(RowsPart { rows: live_rows(&desk).await?, live: true }.render()?).into_response())
}

/// What the list of conversations shows.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    heat: i64,
    #[serde(default)]
    page: i64,
}

/// All conversations that are over.
pub async fn archive(
    State(desk): State<Desk>,
    me: Me,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let filter = ConversationFilter {
        status: Some(ConversationStatus::Ended),
        heat: asked.heat.clamp(0, 100),
        limit: MOST,
        offset: asked.page.clamp(0, 10_000) * MOST,
        ..ConversationFilter::default()
    };
    let rows = desk.store.conversations(&filter).await?.iter().map(row).collect();
    Ok(Html(BoardPage { me, rows, live: false, title: "Разговоры" }.render()?).into_response())
}

async fn live_rows(desk: &Desk) -> Result<Vec<Row>, PageError> {
    Ok(desk.store.board(None, MOST).await?.iter().map(row).collect())
}

fn row(row: &ConversationRow) -> Row {
    let top = |rank: Option<i64>| rank.is_some_and(|rank| (1..=10).contains(&rank));
    let case = row.case_id.as_ref().map(|id| {
        let state = texts::state(row.case_state.as_deref().unwrap_or_default());
        (id.to_string(), row.case_number.unwrap_or(0), state, row.owner_name.clone().unwrap_or_default())
    });
    let decided = row.decision.as_deref().zip(row.decision_reason.as_deref());
    Row {
        id: row.id.to_string(),
        heat: row.heat_last,
        heat_max: row.heat_max,
        class: texts::heat_class(row.heat_last),
        customer: row.customer_name.clone().unwrap_or_else(|| "Клиент неизвестен".to_owned()),
        strategic: top(row.revenue_rank) || top(row.growth_rank),
        agent: row.agent_name.clone().unwrap_or_default(),
        channel: texts::channel(&row.channel),
        quote: row.quote.clone().unwrap_or_default(),
        signal: row.quote_kind.as_deref().map(texts::signal).unwrap_or_default(),
        decision: decided.map(|(decision, reason)| texts::decision(decision, reason)).unwrap_or_default(),
        case,
        due_at_ms: row.case_due_at_ms.unwrap_or(0),
        started: texts::moment(row.started_at_ms),
    }
}
