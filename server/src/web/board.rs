//! The live board, hottest first; its rows also travel alone in the live stream. And the list of all conversations.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::svg::sparkline;
use super::upload::Uploaded;
use super::words::{heat_class, signal_class};
use super::{Badge, CaseLink, Frame, Pager, Section, Words, badges, frame, icons, show, state_class};
use crate::api::{ApiError, Asked};
use crate::auth::Me;
use crate::http::App;
use crate::store::{AlertRow, ConversationFilter, ConversationRow, ConversationStatus, HeatRow};

/// Most conversations on the board, and on one page of the list.
pub const MOST: i64 = 100;
/// Most alerts in the strip of the board.
const MOST_ALERTS: usize = 20;
/// Points of a sparkline.
const SPARK_POINTS: usize = 24;

/// One row, ready to be shown.
pub(super) struct BoardRow {
    id: String,
    tone: &'static str,
    heat: i64,
    heat_class: &'static str,
    spark: String,
    begun_ms: i64,
    begun: String,
    length: String,
    live: bool,
    /// Whether it has sound that can be listened in to.
    sounds: bool,
    ear: String,
    customer: String,
    badges: Vec<Badge>,
    icon: String,
    channel: &'static str,
    agent: String,
    quote: String,
    signal: String,
    signal_class: &'static str,
    decision: String,
    decision_class: &'static str,
    reason: String,
    case: Option<CaseLink>,
    without_case: &'static str,
}

#[derive(Template)]
#[template(path = "board_row.html")]
struct RowPart<'a> {
    w: &'a Words,
    r: BoardRow,
}

/// One alert of the strip.
pub(super) struct AlertLine {
    href: String,
    customer: String,
    what: String,
    why: String,
    /// What the customer said.
    quote: String,
    repeat: bool,
    since_ms: i64,
    case_id: Option<String>,
    /// Its number, where seeing it is all that is asked; else 0.
    pub number: i64,
}

#[derive(Template)]
#[template(path = "board.html")]
pub(super) struct BoardPage {
    pub f: Frame,
    pub summary: String,
    pub alerts: Vec<AlertLine>,
    pub rows: Vec<String>,
}

#[derive(Template)]
#[template(path = "alert_strip.html")]
struct StripPart {
    f: Frame,
    alerts: Vec<AlertLine>,
}

#[derive(Template)]
#[template(path = "conversations.html")]
pub(super) struct ArchivePage {
    pub f: Frame,
    pub hot: bool,
    pub high: u8,
    pub rows: Vec<String>,
    pub pager: Pager,
    pub uploads: Vec<Uploaded>,
}

/// Renders one row for the board: of a page, or of the live stream.
///
/// # Errors
/// Never in practice: the template writes to memory.
pub fn render_row(w: &Words, row: &ConversationRow, curve: &[HeatRow]) -> Result<String, askama::Error> {
    RowPart { w, r: board_row(w, row, curve) }.render()
}

fn board_row(w: &Words, row: &ConversationRow, curve: &[HeatRow]) -> BoardRow {
    let live = row.status == ConversationStatus::Live.name();
    let heat = if live { row.heat_last } else { row.heat_max };
    let values: Vec<i64> = curve.iter().map(|point| point.value).collect();
    let decision = row.decision.as_deref().unwrap_or_default();
    let urgent = decision == "engage_now" || decision == "engage";
    let waits = row.case_state.as_deref() == Some("open");
    let history =
        matches!((row.decision_at_ms, row.history_before_ms), (Some(at), Some(before)) if at < before);
    let party = "customer";
    let end = row.ended_at_ms.unwrap_or_else(|| w.now_ms());
    BoardRow {
        id: row.id.to_string(),
        tone: if live && waits { "calls" } else { "" },
        heat,
        heat_class: heat_class(heat),
        spark: sparkline(&values, SPARK_POINTS),
        begun_ms: row.started_at_ms,
        begun: w.moment(row.started_at_ms),
        length: w.place(end - row.started_at_ms),
        live,
        sounds: live && sounds(row),
        ear: icons::icon("listen"),
        customer: customer_name(w, row),
        badges: badges(w, [row.revenue_rank, row.growth_rank], row.customer_mark.as_deref()),
        icon: icons::icon(&row.channel),
        channel: w.channel(&row.channel),
        agent: row.agent_name.clone().unwrap_or_default(),
        quote: row.quote.clone().unwrap_or_default(),
        signal: row.quote_kind.as_deref().map_or_else(|| w.t.no_signal.to_owned(), |kind| w.signal(kind)),
        signal_class: row.quote_kind.as_deref().map_or("", |kind| signal_class(kind, party)),
        decision: if decision.is_empty() { String::new() } else { w.decision(decision) },
        decision_class: if urgent && (waits || (row.case_id.is_none() && !history)) {
            "d-now"
        } else {
            "d-other"
        },
        reason: row.decision_reason.as_deref().map(|reason| w.reason(reason)).unwrap_or_default(),
        case: case_link(w, row),
        without_case: match () {
            () if live => w.t.with_agent,
            () if urgent && history => w.history_word(row.history_before_ms),
            () => w.t.is_over,
        },
    }
}

/// Says whether a conversation came as live sound.
pub(super) fn sounds(row: &ConversationRow) -> bool {
    row.source.as_deref().is_some_and(|source| source.starts_with("live:"))
}

pub(super) fn customer_name(w: &Words, row: &ConversationRow) -> String {
    row.customer_name
        .clone()
        .or_else(|| row.subject.clone())
        .unwrap_or_else(|| w.t.unknown_customer.to_owned())
}

pub(super) fn case_link(w: &Words, row: &ConversationRow) -> Option<CaseLink> {
    let id = row.case_id.as_ref()?;
    let state = row.case_state.as_deref().unwrap_or("open");
    let waiting = state == "open";
    let owner = match &row.owner_name {
        Some(name) => name.clone(),
        None if waiting => w.role("supervisor").to_owned(),
        None => w.t.nobody.to_owned(),
    };
    let closed = !matches!(state, "open" | "acknowledged" | "in_work");
    Some(CaseLink {
        id: id.to_string(),
        number: row.case_number.unwrap_or(0),
        state: w.state(state),
        state_class: state_class(state),
        owner,
        due_ms: if closed { 0 } else { row.case_due_at_ms.unwrap_or(0) },
        closed,
    })
}

/// Returns the words of an alert: what is needed, and why.
pub fn alert_words(w: &Words, alert: &AlertRow) -> (String, String) {
    let what = match w.topic(&alert.topic) {
        Some(topic) => topic.to_owned(),
        None if alert.decision.is_empty() => w.t.alert_new.to_owned(),
        None => w.decision(&alert.decision),
    };
    let mut why: Vec<String> = alert.reason.as_deref().map(|reason| w.reason(reason)).into_iter().collect();
    why.extend(alert.case_number.map(|number| format!("{} {number}", w.t.go_case)));
    (what, why.join(" · "))
}

/// An alert with the name of its customer and the words it rests on.
pub(super) type Called = (AlertRow, Option<String>, Option<String>);

pub(super) fn alert_lines(w: &Words, alerts: &[Called]) -> Vec<AlertLine> {
    let line = |(alert, customer, quote): &Called| {
        let (what, why) = alert_words(w, alert);
        let conversation = alert.conversation_id.as_ref().map(|id| format!("/conversations/{id}"));
        let case = alert.case_id.as_ref().map(|id| format!("/cases/{id}"));
        AlertLine {
            href: (alert.topic == "approval")
                .then(|| "/authority".to_owned())
                .or(case)
                .or(conversation)
                .unwrap_or_else(|| "/".to_owned()),
            customer: customer.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned()),
            what,
            why,
            quote: quote.clone().unwrap_or_default(),
            repeat: alert.repeats > 0 || alert.level > 0,
            since_ms: alert.created_at_ms,
            case_id: alert.case_id.as_ref().filter(|_| alert.topic == "case").map(ToString::to_string),
            number: alert.number.filter(|_| alert.topic != "case").unwrap_or(0),
        }
    };
    alerts.iter().map(line).collect()
}

pub(super) fn summary(w: &Words, rows: &[ConversationRow], high: u8) -> String {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let live = count(rows.len());
    if live == 0 {
        return w.t.board_lead.to_owned();
    }
    let hot = count(rows.iter().filter(|row| row.heat_last >= i64::from(high)).count());
    let waits = count(rows.iter().filter(|row| row.case_state.as_deref() == Some("open")).count());
    let mut parts = vec![format!(
        "{live} {}",
        w.plural(
            live,
            ["разговор идёт", "разговора идут", "разговоров идут"],
            ["live conversation", "live conversations"]
        )
    )];
    if hot > 0 {
        parts.push(format!("{hot} {}", w.plural(hot, ["горячий", "горячих", "горячих"], ["hot", "hot"])));
    }
    if waits > 0 {
        let words = w.plural(
            waits,
            ["ждёт руководителя", "ждут руководителя", "ждут руководителя"],
            ["waits for a supervisor", "wait for a supervisor"],
        );
        parts.push(format!("{waits} {words}"));
    }
    parts.join(", ")
}

/// The live board.
pub async fn page(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    let f = frame(&app, &me, Section::Board);
    let rows = app.desk.store.board(me.team(), MOST).await?;
    let html = rendered(&app, &f.w, &rows).await?;
    let mut summary = summary(&f.w, &rows, app.desk.pipeline.protocol().heat.high);
    if app.desk.config.alert.shadow {
        summary = format!("{summary}. {}", f.w.t.shadow_board);
    }
    let alerts = strip(&app, &me, &f.w).await?;
    show(&BoardPage { f, summary, alerts, rows: html })
}

/// The strip of alerts alone, for the live update.
pub async fn alerts(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    let f = frame(&app, &me, Section::Board);
    let alerts = strip(&app, &me, &f.w).await?;
    show(&StripPart { f, alerts })
}

/// Returns what waits for a person, the latest first.
async fn strip(app: &App, me: &Me, w: &Words) -> Result<Vec<AlertLine>, ApiError> {
    let mut named = Vec::new();
    let mut alerts = app.alerts_for(me).await?;
    // What calls to a case stands before what its clocks say.
    alerts.sort_by_key(|alert| alert.topic != "case");
    for alert in alerts.into_iter().take(MOST_ALERTS) {
        let row = match &alert.conversation_id {
            Some(id) => app.desk.store.conversation(id).await?,
            None => None,
        };
        let seen = row.as_ref().is_none_or(|row| me.sees(row.team.as_deref())) || alert.department.is_some();
        let waits = alert.topic != "case"
            || row.as_ref().is_none_or(|row| row.case_state.as_deref().is_none_or(|state| state == "open"));
        // A case that still calls for somebody says so in one line; which of its clocks ring besides is on its page.
        let rings = |topic: &str| topic.ends_with("_warning") || topic.ends_with("_breach");
        let known = |(shown, ..): &Called| {
            let [one, other] = [shown.topic.as_str(), alert.topic.as_str()];
            let said = one == other || (one == "case" && rings(other)) || (rings(one) && rings(other));
            said && alert.case_id.is_some()
                && shown.case_id == alert.case_id
                && shown.department == alert.department
        };
        if seen && waits && !named.iter().any(known) {
            let grounds = match &alert.decision_id {
                Some(id) if alert.topic == "case" => app.desk.store.grounds(id).await?,
                _ => None,
            };
            let quote = grounds.and_then(|grounds| grounds.quote);
            named.push((alert, row.map(|row| customer_name(w, &row)), quote));
        }
    }
    Ok(alert_lines(w, &named))
}

/// What the list of conversations shows.
#[derive(Deserialize)]
pub struct Which {
    #[serde(default)]
    heat: i64,
    #[serde(default)]
    page: i64,
}

/// All conversations, the latest first.
pub async fn archive(
    State(app): State<App>,
    me: Me,
    Asked(which): Asked<Which>,
) -> Result<Response, ApiError> {
    archive_with(&app, &me, &which, Vec::new()).await
}

/// The list with what became of an upload.
pub(super) async fn after_upload(app: &App, me: &Me, uploads: Vec<Uploaded>) -> Result<Response, ApiError> {
    archive_with(app, me, &Which { heat: 0, page: 0 }, uploads).await
}

async fn archive_with(
    app: &App,
    me: &Me,
    which: &Which,
    uploads: Vec<Uploaded>,
) -> Result<Response, ApiError> {
    let (heat, page) = (which.heat.clamp(0, 100), which.page.clamp(0, 100_000));
    let filter = ConversationFilter {
        team: me.team().map(str::to_owned),
        heat,
        limit: MOST,
        offset: page * MOST,
        ..ConversationFilter::default()
    };
    let rows = app.desk.store.conversations(&filter).await?;
    let f = frame(app, me, Section::Conversations);
    let full = rows.len() >= usize::try_from(MOST).unwrap_or(usize::MAX);
    let pager = Pager::new(&format!("/conversations?heat={heat}"), page, full);
    let html = rendered(app, &f.w, &rows).await?;
    let high = app.desk.pipeline.protocol().heat.high;
    show(&ArchivePage { f, hot: heat > 0, high, rows: html, pager, uploads })
}

/// Renders rows with their curves.
pub(super) async fn rendered(
    app: &App,
    w: &Words,
    rows: &[ConversationRow],
) -> Result<Vec<String>, ApiError> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let curves = app.desk.store.heat_curves(&ids).await?;
    let none = Vec::new();
    let html: Result<Vec<String>, askama::Error> =
        rows.iter().map(|row| render_row(w, row, curves.get(&row.id).unwrap_or(&none))).collect();
    Ok(html?)
}
