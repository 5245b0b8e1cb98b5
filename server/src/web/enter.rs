//! Ways in beside the password: the code after it, and links that set a password once.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::error::asked_lang;
use super::sign_in::{LONGEST, hash};
use super::{Words, assets, show, words_for};
use crate::api::Filled;
use crate::api::{ApiError, mend};
use crate::auth::{GateError, begin_session, ended_half_cookie, half_token, totp};
use crate::desk::digest;
use crate::http::{App, Peer};
use crate::password;
use crate::store::{LinkKind, User};

/// The page that asks for the code.
#[derive(Template)]
#[template(path = "sign_in_code.html")]
pub(super) struct CodePage {
    pub w: Words,
    pub wrong: Option<&'static str>,
}

/// The page of a link that sets a password.
#[derive(Template)]
#[template(path = "enter.html")]
pub(super) struct EnterPage {
    pub w: Words,
    pub token: String,
    /// Whose password it sets; nothing when the link works no more.
    pub who: Option<(String, String)>,
    pub invited: bool,
    pub wrong: Option<&'static str>,
}

impl CodePage {
    fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

impl EnterPage {
    fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

/// Asks for the code.
pub async fn code_page(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    if half(&app, &headers).await?.is_none() {
        return Ok(Redirect::to("/sign-in?again=1").into_response());
    }
    show(&CodePage { w: words_for(&app, asked_lang(&headers)), wrong: None })
}

/// The code.
#[derive(Deserialize)]
pub struct CodeForm {
    #[serde(default)]
    code: String,
}

/// Takes the code, or a recovery code, and begins the session.
pub async fn code(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    Filled(form): Filled<CodeForm>,
) -> Result<Response, ApiError> {
    let Some((token_hash, user)) = half(&app, &headers).await? else {
        return Ok(Redirect::to("/sign-in?again=1").into_response());
    };
    let w = words_for(&app, asked_lang(&headers));
    let (now, what) = (app.desk.clock.now(), format!("code {}", user.id));
    let wrong = match app.gate.allow((&what, peer.0), now) {
        Err(GateError::Wait(_)) => w.t.sign_in_slow,
        Err(error) => return Err(error.into()),
        Ok(()) if form.code.len() <= LONGEST && fits(&app, &user, &form.code).await? => {
            // Of two at once only one becomes a session.
            if !app.desk.store.end_half_sign_in(&token_hash).await? {
                return Ok(Redirect::to("/sign-in?again=1").into_response());
            }
            let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
            let cookies = [begin_session(&app.desk, &user, agent).await?, ended_half_cookie()]
                .map(|cookie| (header::SET_COOKIE, cookie));
            return Ok((AppendHeaders(cookies), Redirect::to("/")).into_response());
        }
        Ok(()) => {
            app.gate.count_failure((&what, peer.0), now);
            w.t.fa_wrong
        }
    };
    Ok(mend(show(&CodePage { w, wrong: Some(wrong) })?))
}

/// Returns the half sign-in of a browser: the hash of its token and the person.
async fn half(app: &App, headers: &HeaderMap) -> Result<Option<(String, User)>, ApiError> {
    let Some(token) = half_token(headers) else { return Ok(None) };
    let token_hash = digest(token.as_bytes());
    let user = app.desk.store.half_sign_in(&token_hash, app.desk.clock.now()).await?;
    Ok(user.map(|user| (token_hash, user)))
}

async fn fits(app: &App, user: &User, code: &str) -> Result<bool, ApiError> {
    let (store, now) = (&app.desk.store, app.desk.clock.now());
    let Some(factor) = store.second_factor(&user.id).await? else { return Ok(false) };
    if let Some(step) = totp::step_of(&factor.secret, code, now) {
        return Ok(store.take_step(&user.id, step).await?);
    }
    let hashed = recovery_hash(user, code);
    if !store.take_recovery_code(&user.id, &hashed, now).await? {
        return Ok(false);
    }
    store.audit(now, &user.id.0, "user.recovery_code", &format!("user:{}", user.id), "").await?;
    Ok(true)
}

/// Returns the hash by which a recovery code of a person is kept.
pub(super) fn recovery_hash(user: &User, code: &str) -> String {
    digest(format!("{}:{}", user.id, totp::plain_recovery_code(code)).as_bytes())
}

/// Shows the form of a link, or that it works no more.
pub async fn page(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let w = words_for(&app, asked_lang(&headers));
    let known = app.desk.store.entry_link(&digest(token.as_bytes()), app.desk.clock.now()).await?;
    let invited = known.as_ref().is_some_and(|(link, _)| link.kind == LinkKind::Invite.name());
    let who = known.map(|(_, user)| (user.name, user.login));
    show(&EnterPage { w, token, who, invited, wrong: None })
}

/// The new password.
#[derive(Deserialize)]
pub struct EnterForm {
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

/// Sets the password by a link. The person signs in with it afterwards: a link alone is no sign-in.
pub async fn submit(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Filled(form): Filled<EnterForm>,
) -> Result<Response, ApiError> {
    let w = words_for(&app, asked_lang(&headers));
    let (store, now, token_hash) = (&app.desk.store, app.desk.clock.now(), digest(token.as_bytes()));
    let Some((link, user)) = store.entry_link(&token_hash, now).await? else {
        return Ok(mend(show(&EnterPage { w, token, who: None, invited: false, wrong: None })?));
    };
    let wrong = if form.password.chars().count() < password::SHORTEST || form.password.len() > LONGEST {
        Some(w.t.e_password)
    } else if form.password != form.again {
        Some(w.t.en_differ)
    } else {
        None
    };
    if wrong.is_some() {
        let who = Some((user.name, user.login));
        let invited = link.kind == LinkKind::Invite.name();
        return Ok(mend(show(&EnterPage { w, token, who, invited, wrong })?));
    }
    if !store.enter_by_link(&token_hash, &hash(form.password).await?, now).await? {
        return Ok(mend(show(&EnterPage { w, token, who: None, invited: false, wrong: None })?));
    }
    store.audit(now, &user.id.0, "user.password", &format!("user:{}", user.id), &link.kind).await?;
    Ok(Redirect::to("/sign-in?set=1").into_response())
}
