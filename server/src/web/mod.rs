//! Pages: rendered on the server, refined in the browser. They show values and decide nothing; no rule of the business,
//! no SQL, no status codes.

mod account;
mod archive;
mod asks;
mod assets;
mod audit;
mod authority;
mod backtest;
mod behind;
mod board;
mod brief;
mod case;
mod cases;
mod channels;
mod complaint;
mod conversation;
mod corrections;
mod customers;
mod deliveries;
mod duty;
mod enter;
mod error;
mod factor;
mod feedback;
mod findings;
mod frame;
mod hints;
mod icons;
mod incidents;
mod learn;
mod person;
mod practice;
mod protocol;
mod quality;
mod rating;
mod recordings;
mod review;
mod sign_in;
mod streams;
mod svg;
mod system;
mod tasks;
mod texts;
mod transcript;
mod upload;
mod users;
mod week;
mod words;

#[cfg(test)]
mod pages_tests;

use askama::Template;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use gradus_engine::time::Timestamp;

use crate::api::ApiError;
use crate::auth::Me;
use crate::http::App;

pub(crate) use asks::department_of;
pub(crate) use duty::ROLES as DUTY_ROLES;
pub(crate) use hints::hints;

pub use board::{alert_words, render_row};
pub use complaint::Pace as ComplaintPace;
pub use error::as_pages;
pub use frame::{Frame, Section, Who};
pub use words::{Lang, Words};

/// Longest form, in bytes.
const FORM_BYTES: usize = 64 * 1024;

/// Returns the routes of all pages.
pub fn routes(app: &App) -> Router<App> {
    let upload_bytes = usize::try_from(app.desk.config.http.upload_mb).unwrap_or(512) << 20;
    let pages = Router::new()
        .route("/", get(board::page))
        .route("/alerts", get(board::alerts))
        .route("/sign-in", get(sign_in::page).post(sign_in::submit))
        .route("/sign-in/code", get(enter::code_page).post(enter::code))
        .route("/enter/{token}", get(enter::page).post(enter::submit))
        .route("/sign-out", post(sign_in::out))
        .route("/setup", get(sign_in::setup_page).post(sign_in::setup))
        .route("/account", get(account::page))
        .route("/account/language", post(account::language))
        .route("/account/password", post(account::password))
        .route("/account/sessions/end", post(factor::end))
        .route("/account/factor/begin", post(factor::begin))
        .route("/account/factor/confirm", post(factor::confirm))
        .route("/account/factor/off", post(factor::off))
        .route("/account/channels", post(channels::save))
        .route("/account/channels/test", post(channels::test))
        .route("/account/telegram", post(channels::link))
        .route("/account/telegram/unlink", post(channels::unlink))
        .route("/conversations", get(board::archive))
        .route("/conversations/{id}", get(conversation::page))
        .route("/conversations/{id}/case", post(case::open))
        .route("/conversations/{id}/verdict", post(feedback::judge))
        .route("/conversations/{id}/missed", post(feedback::missed))
        .route("/conversations/{id}/correct", post(corrections::correct))
        .route("/conversations/{id}/correct/undo", post(corrections::undo))
        .route("/conversations/{id}/promise", post(conversation::promise))
        .route("/cases", get(cases::page))
        .route("/cases/{id}", get(case::page))
        .route("/cases/{id}/acknowledge", post(case::acknowledge))
        .route("/cases/{id}/snooze", post(case::snooze))
        .route("/cases/{id}/verdict", post(case::verdict))
        .route("/cases/{id}/take-over", post(case::take_over))
        .route("/cases/{id}/hand-over", post(case::hand_over))
        .route("/cases/{id}/note", post(case::note))
        .route("/cases/{id}/resolve", post(case::resolve))
        .route("/cases/{id}/reopen", post(case::reopen))
        .route("/cases/{id}/inform", post(case::inform))
        .route("/cases/{id}/wait", post(case::wait))
        .route("/cases/{id}/resume", post(case::resume))
        .route("/cases/{id}/prioritise", post(case::prioritise))
        .route("/cases/{id}/ask", post(case::ask))
        .route("/cases/{id}/answer", post(case::answer))
        .route("/cases/{id}/follow", post(case::follow))
        .route("/cases/{id}/merge", post(case::merge))
        .route("/cases/{id}/link", post(case::link))
        .route("/cases/{id}/unlink", post(case::unlink))
        .route("/cases/{id}/documents/{document}", get(crate::api::documents::read))
        .route("/cases/{id}/documents/{document}/remove", post(case::remove_document))
        .layer(DefaultBodyLimit::max(FORM_BYTES));
    let uploads = Router::new()
        .route("/conversations/upload", post(upload::submit))
        .route("/cases/{id}/documents", post(case::add_documents))
        .layer(DefaultBodyLimit::max(upload_bytes));
    Router::new()
        .merge(pages)
        .merge(uploads)
        .merge(desk_routes())
        .layer(axum::middleware::from_fn(as_pages))
        .route("/assets/{name}", get(assets::serve))
        .route("/conversations/{id}/recording", get(crate::api::recording))
}

/// Returns the routes of the pages behind the menu: departments, authority, rota, protocol, auditor.
fn desk_routes() -> Router<App> {
    let pages = people_routes()
        .route("/archive", get(archive::page))
        .route("/asks", get(asks::page))
        .route("/authority", get(authority::page))
        .route("/authority/{id}/answer", post(authority::answer))
        .route("/conversations/{id}/authority", post(authority::grant))
        .route("/library", get(learn::library))
        .route("/library/{id}", post(learn::judge))
        .route("/works", get(learn::works))
        .route("/practice", get(practice::page))
        .route("/practice/{id}", post(practice::begin))
        .route("/practice/sessions/{id}", get(practice::session).post(practice::reply))
        .route("/protocol", get(protocol::page))
        .route("/protocol/read", post(protocol::read))
        .route("/protocol/backtest", get(backtest::page).post(backtest::submit))
        .route("/findings", get(findings::page))
        .route("/incidents", get(incidents::list))
        .route("/incidents/{number}", get(incidents::page))
        .route("/incidents/{number}/inform", post(incidents::inform))
        .route("/incidents/{number}/name", post(incidents::name))
        .route("/incidents/{number}/close", post(incidents::close))
        .route("/rate/{key}", get(rating::page).post(rating::submit))
        .route("/cases/{id}/stayed", post(rating::stayed))
        .route("/complaint/{key}", get(complaint::page).post(complaint::submit))
        .route("/duty", get(duty::page).post(duty::add))
        .route("/duty/{id}/remove", post(duty::remove))
        .route("/absences", post(duty::leave))
        .route("/absences/{id}/remove", post(duty::back))
        .route("/alerts/{number}/seen", post(asks::seen))
        .route("/week", get(week::page))
        .route("/tasks", get(tasks::page))
        .route("/tasks/{id}", post(tasks::end))
        .route("/cases/{id}/tasks", post(tasks::give))
        .route("/quality", get(quality::page))
        .route("/quality/{id}", get(quality::talk).post(quality::keep))
        .route("/quality/cards/{id}/appeal", post(quality::appeal))
        .route("/quality/cards/{id}/settle", post(quality::settle))
        .route("/review", get(review::page))
        .route("/review/{id}", post(review::say))
        .route("/review/{id}/task", post(review::give))
        .route("/week/short", get(brief::page))
        .route("/week/behind", get(behind::page))
        .layer(DefaultBodyLimit::max(FORM_BYTES));
    // A protocol is longer than other forms.
    Router::new()
        .route("/protocol/edit", get(protocol::edit).post(protocol::submit))
        .layer(DefaultBodyLimit::max(4 * crate::protocols::MOST_BYTES))
        .merge(pages)
}

/// Returns the routes of customers, of people who sign in, and of the administration.
fn people_routes() -> Router<App> {
    Router::new()
        .route("/customers", get(customers::list))
        .route("/customers/{id}", get(customers::card))
        .route("/customers/{id}/forgive", post(customers::forgive))
        .route("/customers/{id}/notes", post(customers::note))
        .route("/customers/{id}/notes/{note}/remove", post(customers::remove_note))
        .route("/customers/{id}/join", post(customers::join))
        .route("/customers/{id}/part", post(customers::part))
        .route("/users", get(users::page).post(users::add))
        .route("/users/{id}", get(person::page).post(person::change))
        .route("/users/{id}/active", post(users::active))
        .route("/users/{id}/link", post(person::link))
        .route("/users/{id}/sign-out", post(person::sign_out))
        .route("/users/{id}/factor-off", post(person::factor_off))
        .route("/users/{id}/keys", post(person::add_key))
        .route("/users/{id}/keys/drop", post(person::drop_key))
        .route("/audit", get(audit::page))
        .route("/system", get(system::page))
        .route("/system/retention", post(system::retain))
        .route("/streams", get(streams::page))
        .route("/recordings", get(recordings::page))
        .route("/recordings/again", post(recordings::again))
        .route("/recordings/{id}", post(recordings::change))
        .route("/deliveries", get(deliveries::page))
        .route("/deliveries/again", post(deliveries::again))
        .route("/deliveries/test", post(deliveries::test))
}

/// Returns the words for a person.
pub fn words_for(app: &App, lang: Lang) -> Words {
    Words::new(lang, app.zone.clone(), app.desk.clock.now().millis())
}

fn frame(app: &App, me: &Me, section: Section) -> Frame {
    let who = Who { name: me.user.name.clone(), role: me.role, csrf: me.csrf().to_owned() };
    let unread = !app.desk.protocols.has_read(&me.user.id);
    Frame { w: words_for(app, me.lang), who, section, flash: None, unread }
}

fn show(page: &impl Template) -> Result<Response, ApiError> {
    Ok(Html(page.render()?).into_response())
}

/// Links to the neighbouring parts of a long list.
#[derive(Default)]
struct Pager {
    later: Option<String>,
    earlier: Option<String>,
}

impl Pager {
    /// `address` already has a query.
    fn new(address: &str, page: i64, full: bool) -> Self {
        let link = |page: i64| format!("{address}&page={page}");
        Self { later: (page > 0).then(|| link(page - 1)), earlier: full.then(|| link(page + 1)) }
    }
}

/// A word with a colour: «топ-10», «конфликтный».
#[derive(Clone, Debug, PartialEq)]
struct Badge {
    text: String,
    class: &'static str,
}

/// Returns what stands beside the name of a customer.
fn badges(w: &Words, ranks: [Option<i64>; 2], mark: Option<&str>) -> Vec<Badge> {
    let top = ranks.into_iter().flatten().any(|rank| (1..=10).contains(&rank));
    let top = top.then(|| Badge { text: w.t.strategic.to_owned(), class: "vip" });
    let mark = mark
        .filter(|mark| !mark.trim().is_empty())
        .map(|mark| Badge { text: mark.to_owned(), class: "warn" });
    top.into_iter().chain(mark).collect()
}

/// A case where it is mentioned on other pages.
#[derive(Clone, Debug)]
struct CaseLink {
    id: String,
    number: i64,
    state: &'static str,
    state_class: &'static str,
    owner: String,
    due_ms: i64,
    closed: bool,
}

fn state_class(state: &str) -> &'static str {
    match state {
        "open" => "waiting",
        "acknowledged" => "seen",
        "in_work" => "working",
        _ => "done",
    }
}

/// Whether a due time is past.
fn is_late(due_ms: Option<i64>, now: Timestamp) -> bool {
    due_ms.is_some_and(|due| due < now.millis())
}
