//! The dossier: all that the person who steps in must know before they speak, gathered in one request.

use anyhow::Result;
use gradus_engine::protocol::Unit;
use gradus_engine::time::Millis;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::auth::{Me, team_of};
use crate::authority::{is_strategic, uses_left};
use crate::desk::Desk;
use crate::store::{
    CaseFilter, CaseRow, Contact, ConversationFilter, ConversationRow, Customer, CustomerId, GrantFilter,
    GrantRow, Purchase, Solved,
};

/// Days of purchases and grants that are shown.
const YEAR: Millis = Millis::minutes(365 * 24 * 60);
/// Conversations and cases that are shown.
const LATEST: i64 = 20;
/// Former cases of the same reason that options are drawn from.
pub const FORMER: i64 = 200;

/// What may be conceded now.
#[derive(Clone, Debug, Serialize)]
pub struct Concession {
    /// The authority by its name in the protocol.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// `percent`, `money`, `days`, `times`.
    pub unit: &'static str,
    /// The most at once.
    pub limit: Decimal,
    /// How often this customer may still get it; nothing without a limit.
    pub left: Option<i64>,
}

/// A way out that served in like cases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PreparedOption {
    /// What was decided then, in words.
    pub decision: String,
    /// What it cost then.
    pub cost: Decimal,
    /// The currency of the cost.
    pub currency: String,
    /// In how many former cases of this reason a solution of this cost class held.
    pub held: usize,
    /// Of how many in which such a solution was tried.
    pub of: usize,
}

/// Everything in front of the one who steps in.
pub struct Dossier {
    /// Who it is, with rank, terms, contract, mark.
    pub customer: Customer,
    /// How they are reached.
    pub contacts: Vec<Contact>,
    /// What they bought within a year.
    pub purchases: Vec<Purchase>,
    /// Earlier conversations with their hottest words, the latest first.
    pub conversations: Vec<ConversationRow>,
    /// Their cases.
    pub cases: Vec<CaseRow>,
    /// Promises by what became of them: kept, broken, late, open, dropped.
    pub promises: Vec<(String, i64)>,
    /// What they were granted within a year.
    pub grants: Vec<GrantRow>,
    /// What may be conceded by who looks.
    pub concessions: Vec<Concession>,
    /// Two or three prepared ways out.
    pub options: Vec<PreparedOption>,
}

/// Gathers the dossier of a customer for somebody, with options for a reason where it is known. Nothing, when there is no
/// such customer.
///
/// # Errors
/// When the store fails.
pub async fn gather(desk: &Desk, me: &Me, id: &CustomerId, reason: Option<&str>) -> Result<Option<Dossier>> {
    let store = &desk.store;
    let Some(customer) = store.customer(id).await? else { return Ok(None) };
    let now = desk.clock.now();
    let since = now.minus(YEAR);
    let day = jiff::Timestamp::from_millisecond(since.millis()).unwrap_or_default();
    let day = jiff::tz::TimeZone::UTC.to_datetime(day).date().to_string();
    let team = team_of(&me.user, me.role).map(str::to_owned);
    let talks = ConversationFilter {
        customer: Some(id.clone()),
        team: team.clone(),
        limit: LATEST,
        ..ConversationFilter::default()
    };
    let cases =
        CaseFilter { customer: Some(id.clone()), team: team.clone(), limit: LATEST, ..CaseFilter::default() };
    let grants = GrantFilter { from: Some(since), team, limit: 500, ..GrantFilter::default() };
    let mut granted = store.grants(&grants).await?;
    granted.retain(|row| row.customer_id.as_ref() == Some(id));
    let strategic = is_strategic(desk, Some(&customer));
    let protocol = desk.pipeline.protocol();
    let mut concessions = Vec::new();
    for known in &protocol.authorities {
        let limit = known.limit(me.role.name(), strategic);
        if !limit.is_zero() {
            let left = uses_left(desk, known, Some(&customer)).await?;
            let unit = Unit::name(known.unit);
            concessions.push(Concession {
                id: known.id.clone(),
                title: known.title.clone(),
                unit,
                limit,
                left,
            });
        }
    }
    let options = match reason {
        Some(reason) => prepare(&store.solved(reason, FORMER).await?),
        None => Vec::new(),
    };
    Ok(Some(Dossier {
        contacts: store.contacts(id).await?,
        purchases: store.purchases(id, &day).await?,
        conversations: store.conversations(&talks).await?,
        cases: store.cases(&cases).await?,
        promises: store.promises_of(id, now).await?,
        grants: granted,
        concessions,
        options,
        customer,
    }))
}

/// Draws options from former cases of one reason, the latest first. A solution held when the case stayed closed and the
/// customer had no other case within 14 days. Cases fall into three classes by cost: none, up to the median of those that cost
/// something, above it; of each class in which a solution held, the latest one that held is offered with its share. Correlation
/// is not cause: the share says what happened here, and of how many.
pub fn prepare(solved: &[Solved]) -> Vec<PreparedOption> {
    let cost = |case: &Solved| case.cost.parse::<Decimal>().unwrap_or_default();
    let mut costs: Vec<Decimal> = solved.iter().map(cost).filter(|cost| !cost.is_zero()).collect();
    costs.sort();
    let median = costs.get(costs.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    let class = |case: &Solved| match cost(case) {
        cost if cost.is_zero() => 0,
        cost if cost <= median => 1,
        _ => 2,
    };
    let mut options = Vec::new();
    for wanted in 0..3 {
        let all: Vec<&Solved> = solved.iter().filter(|case| class(case) == wanted).collect();
        let held = all.iter().filter(|case| case.held).count();
        let latest = all.iter().find(|case| case.held);
        options.extend(latest.map(|case| PreparedOption {
            decision: case.decision.clone(),
            cost: cost(case),
            currency: case.currency.clone(),
            held,
            of: all.len(),
        }));
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(decision: &str, cost: &str, held: bool) -> Solved {
        Solved { decision: decision.into(), cost: cost.into(), currency: "RUB".into(), held }
    }

    #[test]
    fn options_are_the_latest_that_held_of_each_class_of_cost() {
        let solved = [
            case("ничего", "0", false),
            case("объяснили", "0", true),
            case("вернули 100", "100", true),
            case("вернули 200", "200", true),
            case("вернули 5000", "5000", false),
            case("объяснили раньше", "0", true),
        ];
        let options = prepare(&solved);
        let told: Vec<(&str, usize, usize)> =
            options.iter().map(|option| (option.decision.as_str(), option.held, option.of)).collect();
        assert_eq!(told, [("объяснили", 2, 3), ("вернули 100", 2, 2)], "what never held is no option");
        assert!(prepare(&[]).is_empty());
    }
}
