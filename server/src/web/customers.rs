//! Customers: found by name, number or address; and the card of one.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::board::rendered;
use super::cases::{CaseLine, line};
use super::{Badge, Frame, Section, Words, badges, frame, show};
use crate::api::{ApiError, Asked, Filled, mend};
use crate::auth::{May, Me};
use crate::desk::digest;
use crate::http::App;
use crate::mask::MaskedText;
use crate::store::{CaseFilter, ContactKind, Customer, CustomerId, CustomerNote, JoinRow, Purchase, UserId};

/// Customers that a search shows.
const MOST: i64 = 100;
/// Longest note, in characters.
pub const LONGEST_NOTE: usize = 2_000;
/// Milliseconds of a year.
const YEAR_MS: i64 = 365 * 86_400_000;

pub(super) struct CustomerLine {
    id: String,
    name: String,
    badges: Vec<Badge>,
    contract: String,
    manager: String,
    revenue: String,
}

#[derive(Template)]
#[template(path = "customers.html")]
pub(super) struct ListPage {
    pub f: Frame,
    pub query: String,
    pub rows: Vec<CustomerLine>,
}

pub(super) struct Bought {
    what: String,
    when: String,
    amount: String,
}

#[derive(Template)]
#[template(path = "customer.html")]
pub(super) struct CardPage {
    pub f: Frame,
    pub id: String,
    pub name: String,
    /// Whether there is a mark that can be taken away.
    pub marked: bool,
    pub badges: Vec<Badge>,
    pub contacts: Vec<String>,
    pub facts: Vec<(&'static str, String)>,
    pub rows: Vec<String>,
    pub cases: Vec<CaseLine>,
    pub purchases: Vec<Bought>,
    pub notes: Vec<NoteLine>,
    /// Cards that were joined into this one, by id and name.
    pub joined: Vec<(String, String)>,
    /// The card that this one was joined into.
    pub lives_on: Option<String>,
    pub wrong: Option<&'static str>,
}

/// A note on a customer in words.
pub(super) struct NoteLine {
    pub id: String,
    pub text: String,
    pub about: String,
    pub mine: bool,
}

/// Returns a note on a customer in words.
pub(super) fn note_line(w: &Words, note: &CustomerNote, me: &UserId) -> NoteLine {
    let by = note.written_by_name.clone().unwrap_or_else(|| w.t.unknown.to_owned());
    NoteLine {
        id: note.id.clone(),
        text: note.text.clone(),
        about: format!("{by}, {}", w.moment(note.written_at_ms)),
        mine: note.written_by == *me,
    }
}

/// What is looked for.
#[derive(Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
}

/// Shows the customers that fit.
pub async fn list(
    State(app): State<App>,
    me: Me,
    Asked(search): Asked<Search>,
) -> Result<Response, ApiError> {
    let query: String = search.q.trim().chars().take(100).collect();
    let found = app.desk.store.search_customers(&query, MOST).await?;
    let f = frame(&app, &me, Section::Customers);
    let rows = found.iter().map(|customer| customer_line(&f.w, customer)).collect();
    show(&ListPage { f, query, rows })
}

pub(super) fn customer_line(w: &Words, customer: &Customer) -> CustomerLine {
    CustomerLine {
        id: customer.id.to_string(),
        name: customer.name.clone().unwrap_or_else(|| w.t.no_name.to_owned()),
        badges: badges(w, [customer.revenue_rank, customer.growth_rank], customer.mark.as_deref()),
        contract: contract(w, customer),
        manager: customer.manager.clone().unwrap_or_default(),
        revenue: customer.revenue_12m.as_deref().map(|sum| w.money_text(sum, "RUB")).unwrap_or_default(),
    }
}

fn contract(w: &Words, customer: &Customer) -> String {
    let until =
        customer.contract_until.as_deref().map(|day| format!("{} {}", w.t.contract_until, w.civil(day)));
    let status = customer.contract_status.as_deref().map(|status| w.contract(status));
    [status, until].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Returns what is known of a customer, for cards.
pub(super) fn customer_facts(w: &Words, customer: &Customer) -> Vec<(&'static str, String)> {
    let rank = |rank: Option<i64>| rank.map(|rank| format!("{rank}")).unwrap_or_default();
    let all = [
        (w.t.contract, contract(w, customer)),
        (w.t.terms, customer.personal_terms.clone().unwrap_or_default()),
        (w.t.manager, customer.manager.clone().unwrap_or_default()),
        (
            w.t.revenue,
            customer.revenue_12m.as_deref().map(|sum| w.money_text(sum, "RUB")).unwrap_or_default(),
        ),
        (w.t.rank_revenue, rank(customer.revenue_rank)),
        (w.t.rank_growth, rank(customer.growth_rank)),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// Shows one customer.
pub async fn card(State(app): State<App>, me: Me, Path(id): Path<String>) -> Result<Response, ApiError> {
    show(&build(&app, &me, id, None).await?)
}

async fn build(app: &App, me: &Me, id: String, wrong: Option<&'static str>) -> Result<CardPage, ApiError> {
    let store = &app.desk.store;
    let customer = store.customer(&CustomerId(id)).await?.ok_or(ApiError::NotFound)?;
    let f = frame(app, me, Section::Customers);
    let mut talks = app.conversations_of(me, &customer.id).await?;
    for talk in &mut talks {
        // Every row is this customer's: what it was about tells them apart.
        talk.customer_name = talk.subject.take().or_else(|| Some(f.w.moment(talk.started_at_ms)));
    }
    let filter = CaseFilter {
        customer: Some(customer.id.clone()),
        team: me.team().map(str::to_owned),
        limit: 20,
        ..CaseFilter::default()
    };
    let cases = store.cases(&filter).await?;
    let contacts = store.contacts(&customer.id).await?;
    let since = jiff::Timestamp::from_millisecond(f.w.now_ms() - YEAR_MS)
        .unwrap_or_default()
        .to_zoned_datetime(app.zone.clone());
    let purchases = store.purchases(&customer.id, &since.date().to_string()).await?;
    let contact =
        |kind: ContactKind, value: String| if kind == ContactKind::Tel { telephone(&value) } else { value };
    let notes = store.customer_notes(&customer.id).await?;
    let joined = store.joined_into(&customer.id).await?;
    let joined_line = |row: &JoinRow| {
        (row.from_id.to_string(), row.from_name.clone().unwrap_or_else(|| f.w.t.no_name.to_owned()))
    };
    Ok(CardPage {
        notes: notes.iter().map(|note| note_line(&f.w, note, &me.user.id)).collect(),
        joined: joined.iter().map(joined_line).collect(),
        lives_on: store.lives_on_as(&customer.id).await?.map(|id| id.to_string()),
        wrong,
        id: customer.id.to_string(),
        marked: customer.mark.is_some(),
        name: customer.name.clone().unwrap_or_else(|| f.w.t.unknown_customer.to_owned()),
        badges: badges(&f.w, [customer.revenue_rank, customer.growth_rank], customer.mark.as_deref()),
        contacts: contacts.into_iter().map(|found| contact(found.kind, found.value)).collect(),
        facts: customer_facts(&f.w, &customer),
        rows: rendered(app, &f.w, &talks).await?,
        cases: cases.iter().map(|row| line(&f.w, row)).collect(),
        purchases: purchases.iter().map(|bought| bought_line(&f.w, bought)).collect(),
        f,
    })
}

/// A note, or the second card of one person.
#[derive(Deserialize)]
pub struct CardForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    text: String,
}

/// Writes a note on a customer.
pub async fn note(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<CardForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Note)?;
    if form.text.trim().is_empty() || form.text.chars().count() > LONGEST_NOTE {
        let words = frame(&app, &me, Section::Customers).w.t.e_note;
        return Ok(mend(show(&build(&app, &me, id, Some(words)).await?)?));
    }
    app.note_customer(&me, &CustomerId(id.clone()), form.text.trim()).await?;
    Ok(Redirect::to(&format!("/customers/{id}")).into_response())
}

/// Takes a note on a customer away: who wrote it may, and whoever acts on cases.
pub async fn remove_note(
    State(app): State<App>,
    me: Me,
    Path((id, note)): Path<(String, String)>,
    Filled(form): Filled<CardForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Note)?;
    app.remove_customer_note(&me, &CustomerId(id.clone()), &note).await?;
    Ok(Redirect::to(&format!("/customers/{id}")).into_response())
}

/// Joins another card into this one: by its telephone, e-mail or id.
pub async fn join(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<CardForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let t = frame(&app, &me, Section::Customers).w.t;
    let here = CustomerId(id.clone());
    let other = app.desk.store.customer_named(form.text.trim()).await?.filter(|other| *other != here);
    let wrong = match other {
        None => t.e_cu_other,
        Some(other) => match app.join_customers(&me, &other, &here).await {
            Ok(()) => return Ok(Redirect::to(&format!("/customers/{id}")).into_response()),
            Err(ApiError::Conflict(_)) => t.e_cu_joined,
            Err(error) => return Err(error),
        },
    };
    Ok(mend(show(&build(&app, &me, id, Some(wrong)).await?)?))
}

/// Parts a card again from the one into which it was joined.
pub async fn part(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<CardForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let into = app.part_customer(&me, &CustomerId(id)).await?;
    Ok(Redirect::to(&format!("/customers/{into}")).into_response())
}

impl App {
    /// Writes a note on a customer.
    ///
    /// # Errors
    /// `NotFound` where there is no such customer.
    pub async fn note_customer(&self, me: &Me, id: &CustomerId, text: &str) -> Result<(), ApiError> {
        let store = &self.desk.store;
        store.customer(id).await?.ok_or(ApiError::NotFound)?;
        let (now, text) = (self.desk.clock.now(), MaskedText::of(text));
        let name = digest(format!("{id} {} {}", now.millis(), text.as_str()).as_bytes());
        let name = name.get(..20).unwrap_or_default();
        store.add_customer_note(name, id, &text, (&me.user.id, now)).await?;
        store.audit(now, &me.user.id.0, "customer.note", &format!("customer:{id}"), name).await?;
        Ok(())
    }

    /// Takes a note on a customer away.
    ///
    /// # Errors
    /// `NotFound` where there is none, `Forbidden` where it is somebody else's.
    pub async fn remove_customer_note(&self, me: &Me, id: &CustomerId, note: &str) -> Result<(), ApiError> {
        let notes = self.desk.store.customer_notes(id).await?;
        let known = notes.into_iter().find(|known| known.id == note).ok_or(ApiError::NotFound)?;
        if known.written_by != me.user.id {
            me.may(May::Act)?;
        }
        self.desk.store.remove_customer_note(id, note).await?;
        let now = self.desk.clock.now();
        let object = format!("customer:{id}");
        self.desk.store.audit(now, &me.user.id.0, "customer.remove_note", &object, note).await?;
        Ok(())
    }

    /// Joins a customer into another.
    ///
    /// # Errors
    /// `NotFound` where one of them is not known, `Conflict` where one is joined already.
    pub async fn join_customers(
        &self,
        me: &Me,
        from: &CustomerId,
        into: &CustomerId,
    ) -> Result<(), ApiError> {
        let store = &self.desk.store;
        for id in [from, into] {
            store.customer(id).await?.ok_or(ApiError::NotFound)?;
        }
        if from == into {
            return Err(ApiError::Conflict("a customer cannot be joined with themselves".to_owned()));
        }
        let now = self.desk.clock.now();
        store.join_customers(from, into, (&me.user.id, now)).await?;
        store.audit(now, &me.user.id.0, "customer.join", &format!("customer:{into}"), &from.0).await?;
        Ok(())
    }

    /// Parts a customer again; returns from whom.
    ///
    /// # Errors
    /// `NotFound` where they are not joined.
    pub async fn part_customer(&self, me: &Me, from: &CustomerId) -> Result<CustomerId, ApiError> {
        let into = self.desk.store.part_customer(from).await?;
        let now = self.desk.clock.now();
        let object = format!("customer:{into}");
        self.desk.store.audit(now, &me.user.id.0, "customer.part", &object, &from.0).await?;
        Ok(into)
    }
}

/// A form with nothing but its token.
#[derive(Deserialize)]
pub struct Forgiven {
    #[serde(default)]
    csrf: String,
}

/// Takes the mark of a customer away before its time.
pub async fn forgive(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Forgiven>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let id = CustomerId(id);
    app.desk.store.mark_customer(&id, None).await?;
    let now = app.desk.clock.now();
    app.desk.store.audit(now, &me.user.id.0, "customer.forgive", &format!("customer:{id}"), "").await?;
    Ok(Redirect::to(&format!("/customers/{id}")).into_response())
}

pub(super) fn bought_line(w: &Words, bought: &Purchase) -> Bought {
    Bought {
        what: bought.what.clone(),
        when: w.civil(&bought.bought_on),
        amount: w.money_text(&bought.amount, "RUB"),
    }
}

/// Returns a Russian number as people write it: «+7 921 123-45-67»; others with a plus.
pub(super) fn telephone(digits: &str) -> String {
    let plain = digits.trim_start_matches('+');
    match (plain.len(), plain.is_ascii()) {
        (11, true) if plain.starts_with('7') => {
            format!("+7 {} {}-{}-{}", &plain[1..4], &plain[4..7], &plain[7..9], &plain[9..11])
        }
        _ => format!("+{plain}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephone_numbers_are_written_as_people_read_them() {
        assert_eq!(telephone("79211234567"), "+7 921 123-45-67");
        assert_eq!(telephone("+375291234567"), "+375291234567");
    }
}
