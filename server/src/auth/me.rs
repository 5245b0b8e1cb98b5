//! The person or program that asks: a session's cookie or an API token, the token that forms carry, what they see.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use gradus_engine::time::Millis;

use super::{May, Role, Scope};
use crate::api::ApiError;
use crate::desk::{Desk, digest};
use crate::http::App;
use crate::password;
use crate::store::{Session, User};
use crate::web::Lang;

/// Name of the cookie.
pub const COOKIE: &str = "gradus";
/// Name of the cookie between password and code.
const HALF_COOKIE: &str = "gradus_half";
/// How long the code may take.
const HALF_LASTS: Millis = Millis::minutes(10);
/// A session is written to at most this often: looking at a page should not cost a commit.
const NOTED_EVERY_MS: i64 = 10 * 60 * 1000;

/// How somebody showed who they are.
#[derive(Clone, Debug)]
enum Via {
    /// By the cookie of a session: changes need its token.
    Session { csrf: String, token_hash: String },
    /// By an API token, which no other site can send.
    Token,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Me {
    /// The person.
    pub user: User,
    /// What they may do.
    pub role: Role,
    /// The language they read.
    pub lang: Lang,
    via: Via,
}

impl Me {
    /// Returns the token that forms carry.
    pub fn csrf(&self) -> &str {
        match &self.via {
            Via::Session { csrf, .. } => csrf,
            Via::Token => "",
        }
    }

    /// Returns the hash of the session's token, when there is a session.
    pub fn session(&self) -> Option<&str> {
        match &self.via {
            Via::Session { token_hash, .. } => Some(token_hash),
            Via::Token => None,
        }
    }

    /// Returns the team whose things they see; `None` sees all.
    pub fn team(&self) -> Option<&str> {
        team_of(&self.user, self.role)
    }

    /// Says whether they see what belongs to a team.
    pub fn sees(&self, team: Option<&str>) -> bool {
        self.team().is_none_or(|mine| team == Some(mine))
    }

    /// Checks a permission.
    ///
    /// # Errors
    /// When their role does not have it.
    pub fn may(&self, what: May) -> Result<(), ApiError> {
        if self.role.may(what) { Ok(()) } else { Err(ApiError::Forbidden) }
    }

    /// Says whether they still may do something: signed in, active, of a role that allows it.
    pub async fn still(&self, desk: &Desk, what: May) -> bool {
        let user = match &self.via {
            Via::Session { token_hash, .. } => {
                let session = desk.store.session(token_hash, desk.clock.now()).await;
                session.map(|session| session.map(|(_, user)| user))
            }
            Via::Token => desk.store.user(&self.user.id).await,
        };
        let user = user.ok().flatten().filter(|user| user.active);
        user.and_then(|user| user.role.parse::<Role>().ok()).is_some_and(|role| role.may(what))
    }

    /// Checks the token of a form or header, and a permission.
    ///
    /// # Errors
    /// When one of them lacks.
    pub fn changes(&self, csrf: &str, what: May) -> Result<(), ApiError> {
        if let Via::Session { csrf: known, .. } = &self.via {
            // Both are hashed first, so that the time of the comparison says nothing about the token.
            if digest(csrf.as_bytes()) != digest(known.as_bytes()) {
                return Err(ApiError::Stale);
            }
        }
        self.may(what)
    }
}

/// Returns the team whose things a person sees; `None` sees all.
pub fn team_of(user: &User, role: Role) -> Option<&str> {
    if role.sees_all_teams() { None } else { user.team.as_deref() }
}

fn cookie<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, token)| token)
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequestParts<App> for Me {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let desk = &app.desk;
        let (user, via) = match bearer(parts) {
            Some(token) => (of_token(desk, parts, &digest(token.as_bytes())).await?, Via::Token),
            None => {
                let token = cookie(&parts.headers, COOKIE).ok_or(ApiError::SignIn)?;
                of_session(desk, digest(token.as_bytes())).await?
            }
        };
        let role = user.role.parse().map_err(|_| ApiError::Forbidden)?;
        Ok(Self { role, lang: Lang::of(&user.locale), via, user })
    }
}

/// Returns the person in whose name a key acts, if the request is within the key's scope.
async fn of_token(desk: &Desk, parts: &Parts, token_hash: &str) -> Result<User, ApiError> {
    let now = desk.clock.now();
    let (key, user) = desk.store.api_key(token_hash, now).await?.ok_or(ApiError::SignIn)?;
    let scope: Scope = key.scope.parse().map_err(|_| ApiError::Forbidden)?;
    if !scope.covers(parts.method.as_str(), parts.uri.path()) {
        return Err(ApiError::Forbidden);
    }
    if key.seen_at_ms.is_none_or(|seen| now.millis() - seen > NOTED_EVERY_MS) {
        desk.store.api_key_seen(token_hash, now).await?;
    }
    Ok(user)
}

async fn of_session(desk: &Desk, token_hash: String) -> Result<(User, Via), ApiError> {
    let now = desk.clock.now();
    let (session, user) = desk.store.session(&token_hash, now).await?.ok_or(ApiError::SignIn)?;
    if now.millis() - session.seen_at_ms > NOTED_EVERY_MS {
        desk.store.extend_session(&token_hash, now, now.plus(lasting(desk))).await?;
    }
    Ok((user, Via::Session { csrf: session.csrf, token_hash }))
}

fn lasting(desk: &Desk) -> Millis {
    Millis::minutes(u64::from(desk.config.session.hours) * 60)
}

/// Begins a session and returns the cookie that carries it.
///
/// # Errors
/// When the store or the random numbers fail.
pub async fn begin_session(desk: &Desk, user: &User, agent: Option<&str>) -> Result<String, ApiError> {
    let token = password::token()?;
    let now = desk.clock.now();
    let session = Session {
        token_hash: digest(token.as_bytes()),
        user_id: user.id.clone(),
        csrf: password::token()?,
        created_at_ms: now.millis(),
        expires_at_ms: now.plus(lasting(desk)).millis(),
        seen_at_ms: now.millis(),
        user_agent: agent.map(|agent| agent.chars().take(200).collect()),
    };
    desk.store.begin_session(&session).await?;
    let secure = if desk.config.http.certificate.is_empty() { "" } else { "; Secure" };
    Ok(format!(
        "{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
        lasting(desk).get() / 1000
    ))
}

/// Notes that a password was right and a code is still to come; returns the cookie that carries it.
///
/// # Errors
/// When the store or the random numbers fail.
pub async fn begin_half_sign_in(desk: &Desk, user: &User) -> Result<String, ApiError> {
    let (token, now) = (password::token()?, desk.clock.now());
    let times = (now, now.plus(HALF_LASTS));
    desk.store.begin_half_sign_in(&digest(token.as_bytes()), &user.id, times).await?;
    let secure = if desk.config.http.certificate.is_empty() { "" } else { "; Secure" };
    Ok(format!(
        "{HALF_COOKIE}={token}; Path=/sign-in; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
        HALF_LASTS.get() / 1000
    ))
}

/// Returns the token of a half sign-in that a browser carries.
pub fn half_token(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, HALF_COOKIE)
}

/// Returns the cookie that takes a half sign-in out of the browser.
pub fn ended_half_cookie() -> String {
    format!("{HALF_COOKIE}=; Path=/sign-in; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// Returns the cookie that takes the session out of the browser.
pub fn ended_cookie() -> String {
    format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
}
