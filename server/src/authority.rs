//! Using authority: within the limit it is entered at once, beyond it somebody with a higher limit is asked.

use gradus_engine::protocol::Authority;
use gradus_engine::time::{Millis, Timestamp};
use rust_decimal::Decimal;
use serde_json::json;

use crate::auth::Role;
use crate::desk::Desk;
use crate::mask::MaskedText;
use crate::password;
use crate::store::{
    AlertId, Batch, Change, ConversationRow, Customer, GrantRow, GrantState, NewAlert, NewGrant, StoreError,
    TimelineEntry, User, UserId,
};

/// Why a use or an answer is not possible.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The protocol knows no such authority.
    #[error("authority: the protocol knows no \"{0}\"")]
    Unknown(String),
    /// The amount cannot be.
    #[error("amount: {0}")]
    Amount(&'static str),
    /// Nobody's limit is high enough.
    #[error("amount: nobody may grant more than {0}: write at most that")]
    BeyondEverybody(Decimal),
    /// The one who answers may not grant so much.
    #[error("your own limit is {0}: hand the case to somebody who may grant more")]
    BeyondAnswerer(Decimal),
    /// There is no such request.
    #[error("there is no such request")]
    NotFound,
    /// Something is broken, or refused by the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something is broken.
    #[error(transparent)]
    Broken(#[from] anyhow::Error),
}

/// What somebody wants to grant.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The authority by its name in the protocol.
    pub authority: String,
    /// How much, in its unit.
    pub amount: Decimal,
    /// Why.
    pub reason: MaskedText,
}

/// Says whether the protocol in force takes a customer for strategic.
pub fn is_strategic(desk: &Desk, customer: Option<&Customer>) -> bool {
    let protocol = desk.pipeline.protocol();
    let rules = &protocol.strategic;
    let within = |rank: Option<i64>, line: u32| rank.is_some_and(|rank| rank >= 1 && rank <= i64::from(line));
    customer.is_some_and(|customer| {
        within(customer.revenue_rank, rules.revenue_rank) || within(customer.growth_rank, rules.growth_rank)
    })
}

/// Returns how often a customer may still get something now; nothing where that is not limited.
///
/// # Errors
/// When the store fails.
pub async fn uses_left(
    desk: &Desk,
    authority: &Authority,
    customer: Option<&Customer>,
) -> Result<Option<i64>, StoreError> {
    let (Some(customer), true) = (customer, authority.uses > 0) else { return Ok(None) };
    let since = desk.clock.now().minus(Millis::minutes(u64::from(authority.days) * 24 * 60));
    let used = desk.store.granted_since(&customer.id, &authority.id, since).await?;
    Ok(Some((i64::from(authority.uses) - used).max(0)))
}

/// Grants something in a conversation, or asks for it where the limit of who grants it, or of the customer, is reached.
///
/// # Errors
/// What cannot be granted at all, or what is broken.
pub async fn grant(
    desk: &Desk,
    by: &User,
    talk: &ConversationRow,
    wanted: &Wanted,
) -> Result<GrantState, GrantError> {
    let protocol = desk.pipeline.protocol();
    let authority = protocol.authorities.iter().find(|known| known.id == wanted.authority);
    let authority = authority.ok_or_else(|| GrantError::Unknown(wanted.authority.clone()))?;
    if wanted.amount <= Decimal::ZERO {
        return Err(GrantError::Amount("more than zero"));
    }
    let customer = match &talk.customer_id {
        Some(id) => desk.store.customer(id).await?,
        None => None,
    };
    let strategic = is_strategic(desk, customer.as_ref());
    let highest =
        Role::ALL.iter().map(|role| authority.limit(role.name(), strategic)).max().unwrap_or_default();
    if wanted.amount > highest {
        return Err(GrantError::BeyondEverybody(highest));
    }
    let most = authority.limit(&by.role, strategic);
    let left = uses_left(desk, authority, customer.as_ref()).await?;
    let within = wanted.amount <= most && left != Some(0);
    let state = if within { GrantState::Used } else { GrantState::Requested };
    let now = desk.clock.now();
    let id = format!("grant-{}", password::token()?.get(..20).unwrap_or_default());
    let new = NewGrant {
        id: id.clone(),
        authority: authority.id.clone(),
        case_id: talk.case_id.clone(),
        conversation_id: Some(talk.id.clone()),
        customer_id: talk.customer_id.clone(),
        utterance: None,
        user_id: Some(by.id.clone()),
        role: by.role.clone(),
        amount: wanted.amount,
        most,
        state,
        reason: Some(wanted.reason.clone()),
        at: now,
    };
    let mut batch = Batch::new().change(new).changes_of(timeline(talk, &id, (by, wanted, state), now));
    let alert = AlertId(format!("{id}-alert"));
    if state == GrantState::Requested {
        let role = asked_role(authority, wanted.amount, strategic);
        batch = batch.change(request(desk, talk, (alert.clone(), role), now));
    }
    desk.store.commit(batch).await?;
    let detail = format!("{} {}", authority.id, wanted.amount.normalize());
    desk.store
        .audit(now, &by.id.0, &format!("authority.{}", state.name()), &format!("grant:{id}"), &detail)
        .await?;
    if state == GrantState::Requested {
        desk.pipeline.gave(talk.id.clone(), alert);
    } else {
        desk.pipeline.changed(talk.id.clone());
    }
    Ok(state)
}

/// The alert that asks a role for leave.
fn request(desk: &Desk, talk: &ConversationRow, (id, role): (AlertId, &str), now: Timestamp) -> NewAlert {
    NewAlert {
        id,
        case_id: talk.case_id.clone(),
        conversation_id: Some(talk.id.clone()),
        decision_id: None,
        decision: String::new(),
        recipient_id: None,
        recipient_role: Some(role.to_owned()),
        level: 0,
        created_at: now,
        climbs_at: None,
        topic: "approval".to_owned(),
        department: None,
        reach: desk.pipeline.reach(role, talk.team.as_deref()),
    }
}

/// Returns the lowest role of the ladder whose limit is high enough.
fn asked_role(authority: &Authority, amount: Decimal, strategic: bool) -> &'static str {
    if authority.limit(Role::Supervisor.name(), strategic) >= amount { "supervisor" } else { "director" }
}

fn timeline(
    talk: &ConversationRow,
    id: &str,
    (by, wanted, state): (&User, &Wanted, GrantState),
    now: Timestamp,
) -> Option<Change> {
    let case = talk.case_id.clone()?;
    Some(
        TimelineEntry {
            case,
            key: format!("{id}-{}", state.name()),
            at: now,
            actor: Some(by.id.clone()),
            kind: format!("grant_{}", state.name()),
            text: Some(wanted.reason.clone()),
            detail: json!({"authority": wanted.authority, "amount": wanted.amount.normalize().to_string()}),
        }
        .into(),
    )
}

/// Answers a request in one click.
///
/// # Errors
/// When there is none, it was answered, or the one who answers may not grant so much.
pub async fn answer(
    desk: &Desk,
    by: &User,
    request: &GrantRow,
    allow: bool,
    words: Option<MaskedText>,
) -> Result<(), GrantError> {
    let protocol = desk.pipeline.protocol();
    let known = protocol.authorities.iter().find(|known| known.id == request.authority);
    let customer = match &request.customer_id {
        Some(id) => desk.store.customer(id).await?,
        None => None,
    };
    let strategic = is_strategic(desk, customer.as_ref());
    let most = known.map(|known| known.limit(&by.role, strategic)).unwrap_or_default();
    let amount: Decimal = request.amount.parse().unwrap_or(Decimal::MAX);
    if allow && amount > most {
        return Err(GrantError::BeyondAnswerer(most));
    }
    let (now, state) = (desk.clock.now(), if allow { GrantState::Approved } else { GrantState::Refused });
    desk.store.answer_grant(&request.id, state, (&by.id, words.as_ref()), now).await?;
    let alert = AlertId(format!("{}-alert", request.id));
    let over = Change::EndAlert { id: alert.clone(), state: "handled".to_owned(), at: now };
    let mut batch = Batch::new();
    batch = batch.change(Change::AcknowledgeAlert { id: alert, by: by.id.clone(), at: now }).change(over);
    if let Some(case) = request.case_id.clone() {
        batch = batch.change(TimelineEntry {
            case,
            key: format!("{}-{}", request.id, state.name()),
            at: now,
            actor: Some(by.id.clone()),
            kind: format!("grant_{}", state.name()),
            text: words,
            detail: json!({"authority": request.authority, "amount": request.amount}),
        });
    }
    desk.store.commit(batch).await?;
    let detail = format!("{} {}", request.authority, request.amount);
    let what = format!("authority.{}", state.name());
    desk.store.audit(now, &by.id.0, &what, &format!("grant:{}", request.id), &detail).await?;
    if let Some(talk) = &request.conversation_id {
        desk.pipeline.changed(talk.clone());
    }
    Ok(())
}

/// A line of the overspend report: what one person granted by one authority in a span of time.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Spending {
    /// The person by name, or the agent as the conversation names them.
    pub who: String,
    /// Their id, where they are a user here.
    pub user_id: Option<UserId>,
    /// The authority.
    pub authority: String,
    /// How often it was used within the limit or by leave.
    pub uses: usize,
    /// The sum of the amounts.
    pub amount: Decimal,
    /// How often something beyond the limit was promised by word of mouth without an entry or a leave for it in the same
    /// conversation.
    pub overspent: usize,
    /// By how much, summed.
    pub over: Decimal,
}

/// Sums up a ledger by person and authority, the most overspent first. A promise by word of mouth that stands beside an
/// entry of at least the same amount in its conversation is that entry and is not counted twice.
pub fn spending(rows: &[GrantRow]) -> Vec<Spending> {
    let mut all: Vec<Spending> = Vec::new();
    for row in rows {
        let amount: Decimal = row.amount.parse().unwrap_or_default();
        let most: Decimal = row.most.parse().unwrap_or_default();
        let who = row.user_name.clone().unwrap_or_default();
        let known = all.iter().position(|line| line.who == who && line.authority == row.authority);
        let at = known.unwrap_or_else(|| {
            all.push(Spending {
                who,
                user_id: row.user_id.clone(),
                authority: row.authority.clone(),
                uses: 0,
                amount: Decimal::ZERO,
                overspent: 0,
                over: Decimal::ZERO,
            });
            all.len() - 1
        });
        let Some(line) = all.get_mut(at) else { continue };
        match row.state.as_str() {
            "used" | "approved" => {
                line.uses += 1;
                line.amount = line.amount.saturating_add(amount);
            }
            "spoken" if amount > most && !covered(rows, row, amount) => {
                line.overspent += 1;
                line.over = line.over.saturating_add(amount - most);
            }
            _ => {}
        }
    }
    all.retain(|line| line.uses > 0 || line.overspent > 0);
    all.sort_by(|a, b| (b.overspent, b.uses, &a.who).cmp(&(a.overspent, a.uses, &b.who)));
    all
}

fn covered(rows: &[GrantRow], spoken: &GrantRow, amount: Decimal) -> bool {
    rows.iter().any(|row| {
        row.conversation_id == spoken.conversation_id
            && row.authority == spoken.authority
            && matches!(row.state.as_str(), "used" | "approved")
            && row.amount.parse::<Decimal>().is_ok_and(|granted| granted >= amount)
    })
}
