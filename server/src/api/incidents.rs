//! Incidents: listed, told of with one text, closed with their cases.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use gradus_engine::case::Resolution;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Sent, changes};
use crate::auth::{May, Me};
use crate::http::App;
use crate::incidents::{Ending, Reached};
use crate::report::safe_cell;
use crate::store::{ContactKind, IncidentRow, MemberRow};

/// Most incidents of a list.
pub const MOST: i64 = 200;
/// Longest text, in code points.
pub const LONGEST: usize = 4_000;

/// Lists incidents: open ones first.
pub async fn list(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Read)?;
    let rows = app.desk.store.incidents(MOST).await?;
    Ok(Json(json!({"incidents": rows.iter().map(body).collect::<Vec<_>>()})).into_response())
}

/// Returns one incident with its conversations and what their customers were told.
pub async fn one(State(app): State<App>, me: Me, Path(number): Path<i64>) -> Result<Response, ApiError> {
    me.may(May::Read)?;
    let row = app.incident(number).await?;
    let mut incident = body(&row);
    let members = app.members_for(&me, &row).await?;
    let words = app.desk.store.incident_words(row.id).await?;
    if let Some(fields) = incident.as_object_mut() {
        fields.insert("members".into(), members.iter().map(member).collect());
        let told = words.iter().map(|told| json!({"at_ms": told.at_ms, "by": told.told_by_name, "cases": told.cases, "text": told.text}));
        fields.insert("told".into(), told.collect());
    }
    Ok(Json(incident).into_response())
}

/// What is done with an incident.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Doing {
    /// Its customers are told one text.
    Inform {
        /// The text.
        text: String,
        /// Minutes until they hear again; without it as the protocol says.
        #[serde(default)]
        again_minutes: Option<u32>,
    },
    /// It gets a name.
    Name {
        /// The name.
        title: String,
    },
    /// Its cause is gone.
    Close {
        /// What it was, and what is to be learned.
        conclusion: String,
        /// Closes its open cases with this; without it their owners are told.
        #[serde(default)]
        resolution: Option<Resolution>,
    },
}

/// Does something with an incident; says how many cases it reached.
pub async fn act(
    State(app): State<App>,
    me: Me,
    Path(number): Path<i64>,
    headers: HeaderMap,
    Sent(doing): Sent<Doing>,
) -> Result<Response, ApiError> {
    changes(&me, &headers, May::Act)?;
    let row = app.incident(number).await?;
    let reached = match doing {
        Doing::Inform { text, again_minutes } => {
            app.inform_incident(&me, &row, (&text, again_minutes)).await?
        }
        Doing::Name { title } => {
            let title = text(&title, "title")?;
            app.desk.name_incident(&me.user.id, &row, title).await?;
            Reached::default()
        }
        Doing::Close { conclusion, resolution } => {
            let ending = resolution.map_or(Ending::Wake, Ending::Resolve);
            app.close_incident(&me, &row, (&conclusion, ending)).await?
        }
    };
    let after = app.incident(number).await?;
    let mut incident = body(&after);
    if let Some(fields) = incident.as_object_mut() {
        fields.insert("reached".into(), json!({"cases": reached.cases, "passed_over": reached.passed_over}));
    }
    Ok(Json(incident).into_response())
}

/// Returns whom to write to, as a table: customer, telephone, e-mail, case.
pub async fn contacts(State(app): State<App>, me: Me, Path(number): Path<i64>) -> Result<Response, ApiError> {
    me.may(May::Act)?;
    let row = app.incident(number).await?;
    let mut table = csv::Writer::from_writer(b"\xEF\xBB\xBF".to_vec());
    let broken = |error: csv::Error| ApiError::Broken(error.into());
    table.write_record(["customer", "tel", "email", "case"]).map_err(broken)?;
    let mut known = std::collections::BTreeSet::new();
    for member in app.members_for(&me, &row).await? {
        let Some(id) = member.customer_id.filter(|id| known.insert(id.clone())) else { continue };
        let Some(customer) = app.desk.store.customer(&id).await? else { continue };
        let addresses = app.desk.store.contacts(&id).await?;
        let of = |kind: ContactKind| {
            let values = addresses.iter().filter(|contact| contact.kind == kind);
            values.map(|contact| contact.value.as_str()).collect::<Vec<_>>().join(" ")
        };
        let case = member.case_number.map(|number| number.to_string()).unwrap_or_default();
        let cells =
            [customer.name.clone().unwrap_or_default(), of(ContactKind::Tel), of(ContactKind::Email), case];
        table.write_record(cells.map(|cell| safe_cell(&cell))).map_err(broken)?;
    }
    let (now, object) = (app.desk.clock.now(), format!("incident:{number}"));
    app.desk.store.audit(now, &me.user.id.0, "incident.contacts", &object, "").await?;
    let bytes = table.into_inner().map_err(|error| ApiError::Broken(error.into_error().into()))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"incident-{number}.csv\"")),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

fn text<'t>(given: &'t str, field: &str) -> Result<&'t str, ApiError> {
    let given = given.trim();
    if given.is_empty() || given.chars().count() > LONGEST {
        return Err(ApiError::Wrong(format!("{field}: 1 to {LONGEST} characters")));
    }
    Ok(given)
}

impl App {
    /// Returns the incident with a number.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    pub async fn incident(&self, number: i64) -> Result<IncidentRow, ApiError> {
        self.desk.store.incident(number).await?.ok_or(ApiError::NotFound)
    }

    /// Returns the conversations of an incident that somebody may see.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn members_for(&self, me: &Me, incident: &IncidentRow) -> Result<Vec<MemberRow>, ApiError> {
        let members = self.desk.store.incident_members(incident.id).await?;
        Ok(members.into_iter().filter(|member| me.sees(member.team.as_deref())).collect())
    }

    /// Tells the customers of an incident one text.
    ///
    /// # Errors
    /// When the text or the incident does not fit, or the store fails.
    pub async fn inform_incident(
        &self,
        me: &Me,
        incident: &IncidentRow,
        (words, again_minutes): (&str, Option<u32>),
    ) -> Result<Reached, ApiError> {
        let words = text(words, "text")?;
        open(incident)?;
        let sees = |team: Option<&str>| me.sees(team);
        Ok(self.desk.inform_incident(&me.user.id, incident, sees, (words, again_minutes)).await?)
    }

    /// Closes an incident.
    ///
    /// # Errors
    /// When the conclusion or the incident does not fit, or the store fails.
    pub async fn close_incident(
        &self,
        me: &Me,
        incident: &IncidentRow,
        (conclusion, ending): (&str, Ending),
    ) -> Result<Reached, ApiError> {
        let conclusion = text(conclusion, "conclusion")?;
        open(incident)?;
        let sees = |team: Option<&str>| me.sees(team);
        Ok(self.desk.close_incident(&me.user.id, incident, sees, (conclusion, ending)).await?)
    }
}

fn open(incident: &IncidentRow) -> Result<(), ApiError> {
    match incident.closed_at_ms {
        None => Ok(()),
        Some(_) => Err(ApiError::Conflict(format!("incident {} is already closed", incident.number))),
    }
}

fn body(row: &IncidentRow) -> Value {
    json!({
        "number": row.number, "kind": row.kind, "title": row.title, "opened_at_ms": row.opened_at_ms,
        "last_at_ms": row.last_at_ms, "closed_at_ms": row.closed_at_ms, "closed_by": row.closed_by_name,
        "conclusion": row.conclusion, "conversations": row.conversations, "open_cases": row.open_cases,
    })
}

fn member(row: &MemberRow) -> Value {
    json!({
        "conversation": row.conversation_id, "utterance": row.utterance, "at_ms": row.at_ms, "channel": row.channel,
        "agent": row.agent, "customer": row.customer_id, "customer_name": row.customer_name, "case": row.case_id,
        "case_number": row.case_number, "case_state": row.case_state, "quote": row.quote,
    })
}
