//! Turns a refusal into a page in the reader's language, or into the sign-in when nobody is signed in.

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use gradus_engine::case::Refusal;
use jiff::tz::TimeZone;

use super::{Lang, Words, assets};
use crate::api::Problem;

#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage {
    pub w: Words,
    pub title: &'static str,
    pub advice: String,
    pub reference: Option<String>,
}

impl ErrorPage {
    fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

/// Returns the language a browser asks for, for pages before the sign-in.
pub(super) fn asked_lang(headers: &HeaderMap) -> Lang {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("ru");
    Lang::of(wanted)
}

/// Middleware of all pages: a problem becomes a page with the same status.
pub async fn as_pages(request: Request, next: Next) -> Response {
    let lang = asked_lang(request.headers());
    let reads = request.method() == Method::GET;
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else { return response };
    if problem.kind == "sign-in" {
        return Redirect::to(if reads { "/sign-in" } else { "/sign-in?again=1" }).into_response();
    }
    let html = page(lang, &problem).render().unwrap_or_default();
    let retry = response.headers().get(header::RETRY_AFTER).cloned();
    let mut answer = (response.status(), Html(html)).into_response();
    if let Some(retry) = retry {
        answer.headers_mut().insert(header::RETRY_AFTER, retry);
    }
    answer
}

pub(super) fn page(lang: Lang, problem: &Problem) -> ErrorPage {
    let w = Words::new(lang, TimeZone::UTC, 0);
    let t = w.t;
    let (title, advice) = match problem.kind {
        "forbidden" => (t.err_forbidden, t.err_forbidden_do.to_owned()),
        "stale-form" => (t.err_csrf, t.err_csrf_do.to_owned()),
        "not-found" => (t.err_not_found, t.err_not_found_do.to_owned()),
        "refused" => (t.err_refused, refusal(&w, problem.refusal.as_ref())),
        "conflict" => (t.err_refused, problem.detail.clone()),
        "busy" | "timeout" => (t.err_busy, t.err_busy_do.to_owned()),
        "too-many-failures" => (t.err_busy, t.sign_in_slow.to_owned()),
        "no-room" => (t.err_room, t.err_room_do.to_owned()),
        "broken" => (t.err_broken, t.err_broken_do.to_owned()),
        _ => (t.err_wrong, problem.detail.clone()),
    };
    ErrorPage { title, advice, reference: problem.reference.clone(), w }
}

fn refusal(w: &Words, refusal: Option<&Refusal>) -> String {
    let text = match refusal {
        Some(Refusal::AlreadyResolved) => w.t.r_resolved,
        Some(Refusal::NotResolved) => w.t.r_not_resolved,
        Some(Refusal::NoCase) => w.t.r_no_case,
        Some(Refusal::AlreadyOpen) => w.t.r_already_open,
        Some(Refusal::NotTaken) => w.t.r_not_taken,
        Some(Refusal::AlreadyWaiting) => w.t.r_waits,
        Some(Refusal::NotWaiting) => w.t.r_waits_not,
        Some(Refusal::InThePast) => w.t.r_past,
        Some(Refusal::NoDepartment(_)) => w.t.r_department,
        Some(Refusal::AlreadyAsked(_)) => w.t.r_asked,
        Some(Refusal::NotAsked(_)) => w.t.r_not_asked,
        Some(Refusal::Incomplete(_)) | None => w.t.r_incomplete,
    };
    text.to_owned()
}
