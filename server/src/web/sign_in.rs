//! Signing in and out, and the first run, which makes the administrator.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::error::asked_lang;
use super::{Lang, Words, assets, show, words_for};
use crate::api::{ApiError, Asked, Filled, mend};
use crate::auth::{GateError, Me, Role, begin_half_sign_in, begin_session, ended_cookie};
use crate::http::{App, Peer};
use crate::password;
use crate::store::{User, UserId};

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignInPage {
    pub w: Words,
    pub setup: bool,
    pub name: String,
    pub login: String,
    pub wrong: Option<&'static str>,
    /// What was just done.
    pub done: Option<&'static str>,
}

impl SignInPage {
    fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

/// The fields of both forms.
#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    name: String,
}

/// Whether the session had ended.
#[derive(Deserialize)]
pub struct Again {
    again: Option<String>,
    set: Option<String>,
}

/// Longest field that is looked at, in bytes.
pub(super) const LONGEST: usize = 256;

/// Shows the form; a new installation goes to the first run.
pub async fn page(
    State(app): State<App>,
    headers: HeaderMap,
    Asked(asked): Asked<Again>,
) -> Result<Response, ApiError> {
    if nobody_may_sign_in(&app).await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    let w = words_for(&app, asked_lang(&headers));
    let wrong = asked.again.map(|_| w.t.sign_in_again);
    let done = asked.set.map(|_| w.t.en_set);
    show(&SignInPage { w, setup: false, name: String::new(), login: String::new(), wrong, done })
}

/// Signs in.
pub async fn submit(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    Filled(fields): Filled<Fields>,
) -> Result<Response, ApiError> {
    let fine = fields.password.len() <= LONGEST && fields.login.len() <= LONGEST;
    let user = if fine { app.desk.store.user_by_login(fields.login.trim()).await? } else { None };
    let user = user.filter(|user| user.active);
    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    let now = app.desk.clock.now();
    let w = words_for(&app, asked_lang(&headers));
    let fits = app.gate.fits((&fields.login, peer.0), fields.password, stored, now).await;
    let wrong = match (fits, user) {
        (Ok(true), Some(user)) => return begin_or_ask(&app, &user, &headers).await,
        (Ok(_), _) => w.t.sign_in_wrong,
        (Err(GateError::Wait(_)), _) => w.t.sign_in_slow,
        (Err(error), _) => return Err(error.into()),
    };
    Ok(mend(show(&SignInPage {
        w,
        setup: false,
        name: String::new(),
        login: fields.login,
        wrong: Some(wrong),
        done: None,
    })?))
}

/// People of former times, known by their name alone, cannot set up anything.
async fn nobody_may_sign_in(app: &App) -> Result<bool, ApiError> {
    let users = app.desk.store.users().await?;
    Ok(users.iter().all(|user| !user.active && user.password_hash.is_none()))
}

/// Shows the first run, only while there is nobody.
pub async fn setup_page(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    if !nobody_may_sign_in(&app).await? {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    let w = words_for(&app, asked_lang(&headers));
    show(&SignInPage {
        w,
        setup: true,
        name: String::new(),
        login: "admin".to_owned(),
        wrong: None,
        done: None,
    })
}

/// Makes the administrator.
pub async fn setup(
    State(app): State<App>,
    headers: HeaderMap,
    Filled(fields): Filled<Fields>,
) -> Result<Response, ApiError> {
    let _alone = app.setup.lock().await;
    if !nobody_may_sign_in(&app).await? {
        return Err(ApiError::Forbidden);
    }
    let lang = asked_lang(&headers);
    let w = words_for(&app, lang);
    match new_user(&w, &fields.name, &fields.login, &fields.password).await? {
        Ok(mut user) => {
            Role::Administrator.name().clone_into(&mut user.role);
            lang.code().clone_into(&mut user.locale);
            user.created_at_ms = app.desk.clock.now().millis();
            app.desk.store.add_user(&user).await?;
            begin(&app, &user, &headers).await
        }
        Err(wrong) => {
            let wrong = Some(wrong.words);
            Ok(mend(show(&SignInPage {
                w,
                setup: true,
                name: fields.name,
                login: fields.login,
                wrong,
                done: None,
            })?))
        }
    }
}

/// What is wrong with the fields of a new person.
pub(super) struct WrongField {
    pub field: &'static str,
    pub words: &'static str,
}

/// Checks the fields of a new person and hashes the password; role, language and time are the caller's.
pub(super) async fn new_user(
    w: &Words,
    name: &str,
    login: &str,
    password: &str,
) -> Result<Result<User, WrongField>, ApiError> {
    let (name, login) = (name.trim(), login.trim().to_lowercase());
    let sign = |sign: char| sign.is_ascii_alphanumeric() || ".-_@".contains(sign);
    if name.is_empty() || name.len() > LONGEST {
        return Ok(Err(WrongField { field: "name", words: w.t.e_name }));
    }
    if login.is_empty() || login.len() > 64 || !login.chars().all(sign) {
        return Ok(Err(WrongField { field: "login", words: w.t.e_login }));
    }
    if password.chars().count() < password::SHORTEST || password.len() > LONGEST {
        return Ok(Err(WrongField { field: "password", words: w.t.e_password }));
    }
    let id = UserId(format!("user-{}", password::token()?.get(..12).unwrap_or_default()));
    Ok(Ok(User {
        id,
        login,
        name: name.to_owned(),
        role: Role::Agent.name().to_owned(),
        team: None,
        password_hash: Some(hash(password.to_owned()).await?),
        locale: Lang::Ru.code().to_owned(),
        active: true,
        created_at_ms: 0,
    }))
}

/// Hashes a password away from the async threads.
pub(super) async fn hash(password: String) -> Result<String, ApiError> {
    let hashed = tokio::task::spawn_blocking(move || password::hash(&password)).await;
    Ok(hashed.map_err(anyhow::Error::from)??)
}

/// Signs out.
pub async fn out(
    State(app): State<App>,
    me: Me,
    Filled(fields): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&fields.csrf, crate::auth::May::Read)?;
    if let Some(session) = me.session() {
        app.desk.store.end_session(session).await?;
    }
    Ok((AppendHeaders([(header::SET_COOKIE, ended_cookie())]), Redirect::to("/sign-in")).into_response())
}

/// A form that carries nothing but its token.
#[derive(Deserialize)]
pub struct OnlyToken {
    /// The token.
    #[serde(default)]
    pub csrf: String,
}

/// Begins the session, or asks for the second step first.
async fn begin_or_ask(app: &App, user: &User, headers: &HeaderMap) -> Result<Response, ApiError> {
    let factor = app.desk.store.second_factor(&user.id).await?;
    if factor.is_none_or(|factor| factor.confirmed_at_ms.is_none()) {
        return begin(app, user, headers).await;
    }
    let cookie = begin_half_sign_in(&app.desk, user).await?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/sign-in/code")).into_response())
}

async fn begin(app: &App, user: &User, headers: &HeaderMap) -> Result<Response, ApiError> {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let cookie = begin_session(&app.desk, user, agent).await?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/")).into_response())
}
