//! The complaint form for any employee: reached by a link or a printed code, without an account, with the one instruction beside
//! it (article 4). It opens nothing else.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use gradus_engine::case::Action;
use gradus_engine::signal::{Channel, Party};
use gradus_engine::time::{Millis, Timestamp};
use serde::Deserialize;

use super::error::asked_lang;
use super::{Words, assets, show, words_for};
use crate::api::{ApiError, Filled, mend};
use crate::desk::digest;
use crate::http::{App, Peer};
use crate::intake::{Incoming, IncomingParty, IncomingUtterance};
use crate::password;
use crate::phone::Phone;
use crate::pipeline::Spoken;
use crate::store::UserId;

/// Longest name and longest complaint, in characters.
const NAME: usize = 120;
const STORY: usize = 4_000;
/// Under which name the form acts.
const FORM: &str = "complaint-form";

/// What an employee writes down.
#[derive(Default, Deserialize)]
pub struct Complaint {
    #[serde(default)]
    employee: String,
    #[serde(default)]
    customer: String,
    #[serde(default)]
    tel: String,
    #[serde(default)]
    story: String,
    #[serde(default)]
    promised: String,
}

#[derive(Template)]
#[template(path = "complaint.html")]
struct ComplaintPage {
    w: Words,
    form: Complaint,
    wrong: Option<&'static str>,
    /// The number of the case that was opened.
    done: Option<i64>,
}

impl ComplaintPage {
    fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

/// Shows the form to who has the link.
pub async fn page(
    State(app): State<App>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    known(&app, &key)?;
    let w = words_for(&app, asked_lang(&headers));
    show(&ComplaintPage { w, form: Complaint::default(), wrong: None, done: None })
}

/// Says whether a link is the one of the configuration; both are hashed, so that the time says nothing about the key.
fn known(app: &App, key: &str) -> Result<(), ApiError> {
    let wanted = app.desk.config.complaint.key.reveal();
    let same = digest(key.as_bytes()) == digest(wanted.as_bytes());
    if !wanted.is_empty() && same { Ok(()) } else { Err(ApiError::NotFound) }
}

/// How many complaints came from where within the last hour.
#[derive(Default)]
pub struct Pace {
    taken: Mutex<HashMap<Option<IpAddr>, VecDeque<Timestamp>>>,
}

impl Pace {
    /// Notes one more; says how many seconds to wait when there were too many.
    fn note(&self, from: Option<IpAddr>, most: u32, now: Timestamp) -> Result<(), u64> {
        const HOUR: Millis = Millis::minutes(60);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|_, times| times.back().is_some_and(|last| now.since(*last) < HOUR));
        let times = taken.entry(from).or_default();
        while times.front().is_some_and(|first| now.since(*first) >= HOUR) {
            times.pop_front();
        }
        if times.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
            let first = times.front().copied().unwrap_or(now);
            return Err((first.plus(HOUR).since(now).get() / 1_000).max(1));
        }
        times.push_back(now);
        Ok(())
    }
}

/// Takes a complaint: the words are judged like any others, and a case is opened whatever is in them.
pub async fn submit(
    State(app): State<App>,
    Peer(peer): Peer,
    Path(key): Path<String>,
    headers: HeaderMap,
    Filled(form): Filled<Complaint>,
) -> Result<Response, ApiError> {
    known(&app, &key)?;
    let w = words_for(&app, asked_lang(&headers));
    if let Some(wrong) = fault(&w, &form) {
        return Ok(mend(show(&ComplaintPage { w, form, wrong: Some(wrong), done: None })?));
    }
    let desk = &app.desk;
    let now = desk.clock.now();
    let most = desk.config.complaint.per_hour;
    app.complaints.note(peer, most, now).map_err(ApiError::Wait)?;
    let name = format!("complaint-{}", password::token()?.get(..20).unwrap_or_default());
    let id = desk.begin_from(&incoming(&form), &name, now, None, Some(FORM.to_owned())).await?;
    let story = form.story.trim();
    let promised = form.promised.trim();
    let mut lines = vec![spoken(0, Party::Customer, story, now)];
    if !promised.is_empty() {
        lines.push(spoken(1, Party::Agent, promised, now));
    }
    desk.pipeline.say(&id, &lines, &[]).await?;
    let by = UserId(FORM.to_owned());
    let mut row = desk.store.conversation(&id).await?.ok_or(ApiError::NotFound)?;
    if row.case_id.is_none() {
        desk.pipeline.act(&id, &by, Action::Open, now).await?;
        row = desk.store.conversation(&id).await?.ok_or(ApiError::NotFound)?;
    }
    desk.pipeline.end(&id, now).await?;
    // The alert of a case that was opened by hand goes out now and not with the next look at the clocks.
    desk.pipeline.tick(&id, now).await?;
    desk.store.audit(now, FORM, "complaint", &format!("conversation:{id}"), "").await?;
    show(&ComplaintPage { w, form: Complaint::default(), wrong: None, done: row.case_number })
}

fn fault(w: &Words, form: &Complaint) -> Option<&'static str> {
    let long = |text: &str, most: usize| text.chars().count() > most;
    let blank = |text: &str| text.trim().is_empty();
    if blank(&form.employee) || long(&form.employee, NAME) {
        return Some(w.t.e_co_employee);
    }
    if blank(&form.story) || long(&form.story, STORY) || long(&form.promised, STORY) {
        return Some(w.t.e_co_story);
    }
    if !blank(&form.tel) && Phone::parse(&form.tel).is_none() {
        return Some(w.t.e_co_tel);
    }
    long(&form.customer, NAME).then_some(w.t.e_co_customer)
}

fn incoming(form: &Complaint) -> Incoming {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let party =
        |role: &str, side, name, tel| IncomingParty { role: role.to_owned(), side, name, tel, email: None };
    Incoming {
        channel: Channel::InPerson,
        parties: vec![
            party("customer", Party::Customer, text(&form.customer), Phone::parse(&form.tel)),
            party("agent", Party::Agent, text(&form.employee), None),
        ],
        utterances: Vec::<IncomingUtterance>::new(),
        ..Incoming::default()
    }
}

fn spoken(index: u32, party: Party, text: &str, at: Timestamp) -> Spoken {
    Spoken {
        index,
        party,
        speaker: Some(i64::from(index)),
        start_ms: Some(u64::from(index) * 1_000),
        end_ms: None,
        at,
        text: text.to_owned(),
        judged: text.to_owned(),
        utc_offset_s: 10_800,
    }
}
