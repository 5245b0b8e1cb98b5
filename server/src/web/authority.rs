//! Authority on pages: what may be granted now, one form to grant it, what waits for leave, and the ledger.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::protocol::{Authority, Protocol, Unit};
use gradus_engine::time::Millis;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Asked, Filled};
use crate::auth::{May, Me};
use crate::authority::{self, Spending, Wanted};
use crate::http::App;
use crate::mask::MaskedText;
use crate::store::{ConversationRow, GrantFilter, GrantRow};

/// Lines of the ledger on its page.
const MOST: i64 = 300;

/// Something that may be granted now.
pub(super) struct MayGrant {
    pub id: String,
    pub title: String,
    pub limit: String,
    pub left: String,
}

/// A line of the ledger in words.
pub(super) struct GrantLine {
    pub id: String,
    pub what: String,
    pub who: String,
    pub customer: String,
    pub href: String,
    pub when: String,
    pub state: &'static str,
    pub class: &'static str,
    pub reason: String,
    pub answer: String,
    pub limit: String,
}

/// What stands beside a conversation.
#[derive(Default)]
pub(super) struct Card {
    pub talk: String,
    pub items: Vec<MayGrant>,
    pub lines: Vec<GrantLine>,
}

/// Returns an amount in the unit of its authority.
pub(super) fn amount_words(w: &Words, authority: Option<&Authority>, amount: &str) -> String {
    let Ok(number) = amount.parse::<Decimal>() else { return amount.to_owned() };
    match authority.map(|known| (known.unit, known.currency.as_str())) {
        Some((Unit::Percent, _)) => format!("{}\u{a0}%", number.normalize()).replace('.', w.t.decimal),
        Some((Unit::Money, currency)) => w.money(number, currency),
        Some((Unit::Days, _)) => {
            let days = i64::try_from(number.trunc().mantissa()).unwrap_or(0);
            format!("{days}\u{a0}{}", w.plural(days, ["день", "дня", "дней"], ["day", "days"]))
        }
        Some((Unit::Times, _)) if number == Decimal::ONE => String::new(),
        _ => format!("×{}", number.normalize()),
    }
}

fn line(w: &Words, protocol: &Protocol, row: &GrantRow) -> GrantLine {
    let known = protocol.authorities.iter().find(|known| known.id == row.authority);
    let title = known.map_or_else(|| row.authority.clone(), |known| known.title.clone());
    let amount: Decimal = row.amount.parse().unwrap_or_default();
    let over = row.most.parse::<Decimal>().is_ok_and(|most| amount > most);
    let (state, class) = match row.state.as_str() {
        "used" => (w.t.g_used, "good"),
        "approved" => (w.t.g_approved, "good"),
        "refused" => (w.t.g_refused, "late"),
        "requested" => (w.t.g_requested, "warn"),
        _ if over => (w.t.g_spoken_over, "late"),
        _ => (w.t.g_spoken, ""),
    };
    let by = row.answered_by_name.as_ref().zip(row.answered_at_ms);
    let answered = by.map(|(by, at)| format!("{by}, {}", w.moment(at)));
    let answer = [answered, row.answer.clone()].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let place = row.utterance.map(|utterance| format!("#u{utterance}")).unwrap_or_default();
    GrantLine {
        id: row.id.clone(),
        what: format!("{title} {}", amount_words(w, known, &row.amount)).trim().to_owned(),
        who: row.user_name.clone().unwrap_or_else(|| w.t.agent_role.to_owned()),
        customer: row.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned()),
        href: row
            .conversation_id
            .as_ref()
            .map(|talk| format!("/conversations/{talk}{place}"))
            .unwrap_or_default(),
        when: w.moment(row.at_ms),
        state,
        class,
        reason: row.reason.clone().unwrap_or_default(),
        answer,
        limit: amount_words(w, known, &row.most),
    }
}

/// Returns what may be granted in a conversation, and what was.
///
/// # Errors
/// When the store fails.
pub(super) async fn card(app: &App, me: &Me, w: &Words, talk: &ConversationRow) -> Result<Card, ApiError> {
    let protocol = app.desk.pipeline.protocol();
    let customer = match &talk.customer_id {
        Some(id) => app.desk.store.customer(id).await?,
        None => None,
    };
    let strategic = authority::is_strategic(&app.desk, customer.as_ref());
    let mut items = Vec::new();
    for known in protocol.authorities.iter().filter(|_| me.role.may(May::Note)) {
        let limit = known.limit(&me.user.role, strategic);
        let left = authority::uses_left(&app.desk, known, customer.as_ref()).await?;
        items.push(MayGrant {
            id: known.id.clone(),
            title: known.title.clone(),
            limit: match (limit.is_zero(), known.unit) {
                (true, _) => w.t.g_ask_only.to_owned(),
                (false, Unit::Times) => w.t.g_free.to_owned(),
                (false, _) => format!("{} {}", w.t.g_up_to, amount_words(w, Some(known), &limit.to_string())),
            },
            left: match left {
                Some(0) => w.t.g_none_left.to_owned(),
                _ => String::new(),
            },
        });
    }
    let filter = GrantFilter { conversation: Some(talk.id.clone()), limit: 50, ..GrantFilter::default() };
    let rows = app.desk.store.grants(&filter).await?;
    let lines = rows.iter().map(|row| line(w, &protocol, row)).collect();
    Ok(Card { talk: talk.id.to_string(), items, lines })
}

/// Returns what to say of a promise beyond the authority, as the store keeps it beside the hints.
pub(super) fn over_words(w: &Words, protocol: &Protocol, kept: Option<&str>) -> String {
    let kept: serde_json::Value = kept.and_then(|kept| serde_json::from_str(kept).ok()).unwrap_or_default();
    let field = |name: &str| kept["over"][name].as_str().map(str::to_owned);
    let (Some(name), Some(amount), Some(most)) = (field("authority"), field("amount"), field("most")) else {
        return String::new();
    };
    let known = protocol.authorities.iter().find(|known| known.id == name);
    let title = known.map_or(name, |known| known.title.clone());
    format!(
        "{title} {}: {} {}",
        amount_words(w, known, &amount),
        w.t.g_over_limit,
        amount_words(w, known, &most)
    )
}

/// What somebody wants to grant, as a form gives it.
#[derive(Deserialize)]
pub struct GrantForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    authority: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    reason: String,
}

/// Grants something in a conversation, or asks for it.
pub async fn grant(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<GrantForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Note)?;
    let talk = app.conversation_row_for(&me, id).await?;
    let amount = match form.amount.trim() {
        "" => Decimal::ONE,
        text => crate::intake::customers::money(text)
            .ok_or_else(|| ApiError::Wrong("amount: a number such as 10 or 7,5".into()))?,
    };
    let reason = form.reason.trim();
    if reason.is_empty() || reason.chars().count() > 1_000 {
        return Err(ApiError::Wrong("reason: 1 to 1000 characters".into()));
    }
    let wanted = Wanted { authority: form.authority, amount, reason: MaskedText::of(reason) };
    authority::grant(&app.desk, &me.user, &talk, &wanted).await?;
    Ok(Redirect::to(&format!("/conversations/{}#authority", talk.id)).into_response())
}

/// The answer to a request.
#[derive(Deserialize)]
pub struct AnswerForm {
    #[serde(default)]
    csrf: String,
    allow: bool,
    #[serde(default)]
    words: String,
}

/// Answers a request in one click.
pub async fn answer(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<AnswerForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let request = app.grant_for(&me, &id).await?;
    let words = Some(form.words.trim()).filter(|words| !words.is_empty()).map(MaskedText::of);
    authority::answer(&app.desk, &me.user, &request, form.allow, words).await?;
    Ok(Redirect::to("/authority").into_response())
}

impl App {
    /// Returns a line of the ledger that somebody may see.
    ///
    /// # Errors
    /// `NotFound` also where it belongs to another team.
    pub async fn grant_for(&self, me: &Me, id: &str) -> Result<GrantRow, ApiError> {
        let row = self.desk.store.grant(id).await?;
        row.filter(|row| me.sees(row.team.as_deref())).ok_or(ApiError::NotFound)
    }
}

/// What a person spent, in words.
pub(super) struct SpendingLine {
    pub who: String,
    pub what: String,
    pub uses: usize,
    pub amount: String,
    pub overspent: usize,
    pub over: String,
}

#[derive(Template)]
#[template(path = "authority.html")]
pub(super) struct AuthorityPage {
    pub f: Frame,
    pub days: u32,
    pub open: Vec<GrantLine>,
    pub spending: Vec<SpendingLine>,
    pub lines: Vec<GrantLine>,
}

/// Over how many days.
#[derive(Deserialize)]
pub struct Span {
    days: Option<u32>,
}

/// Shows what waits for leave, who granted how much, and the ledger.
pub async fn page(State(app): State<App>, me: Me, Asked(span): Asked<Span>) -> Result<Response, ApiError> {
    me.may(May::Act)?;
    let f = frame(&app, &me, Section::Other);
    let protocol = app.desk.pipeline.protocol();
    let days = span.days.unwrap_or(7).clamp(1, 366);
    let filter = GrantFilter {
        from: Some(app.desk.clock.now().minus(Millis::minutes(u64::from(days) * 24 * 60))),
        team: me.team().map(str::to_owned),
        limit: 20_000,
        ..GrantFilter::default()
    };
    let rows = app.desk.store.grants(&filter).await?;
    let waits = GrantFilter { open: true, from: None, limit: MOST, ..filter };
    let open = app.desk.store.grants(&waits).await?;
    let open = open.iter().map(|row| line(&f.w, &protocol, row)).collect();
    let spending =
        authority::spending(&rows).iter().map(|line| spending_line(&f.w, &protocol, line)).collect();
    let shown = usize::try_from(MOST).unwrap_or(usize::MAX);
    let lines = rows.iter().take(shown).map(|row| line(&f.w, &protocol, row)).collect();
    show(&AuthorityPage { f, days, open, spending, lines })
}

fn spending_line(w: &Words, protocol: &Protocol, line: &Spending) -> SpendingLine {
    let known = protocol.authorities.iter().find(|known| known.id == line.authority);
    let sums = known.is_some_and(|known| matches!(known.unit, Unit::Money | Unit::Days));
    let words = |amount: Decimal| amount_words(w, known, &amount.to_string());
    SpendingLine {
        who: if line.who.is_empty() { w.t.agent_role.to_owned() } else { line.who.clone() },
        what: known.map_or_else(|| line.authority.clone(), |known| known.title.clone()),
        uses: line.uses,
        // Per cent of different prices make no sum.
        amount: if sums { words(line.amount) } else { String::new() },
        overspent: line.overspent,
        over: if line.overspent > 0 { words(line.over) } else { String::new() },
    }
}
