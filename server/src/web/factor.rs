//! What people change about their ways in: sessions that are open, and the second step of their sign-in.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::time::Timestamp;
use serde::Deserialize;

use super::enter::recovery_hash;
use super::sign_in::{LONGEST, OnlyToken};
use super::svg::qr;
use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Filled, mend};
use crate::auth::{GateError, May, Me, totp};
use crate::http::{App, Peer};
use crate::store::Session;

/// A session as its owner sees it.
pub(super) struct SessionLine {
    /// The beginning of its hash.
    pub which: String,
    pub agent: String,
    pub begun: String,
    pub seen: String,
    pub here: bool,
}

/// Ways in as the settings show them.
pub(super) struct WaysIn {
    pub sessions: Vec<SessionLine>,
    /// Whether the second step is asked for.
    pub factor: bool,
    pub codes_left: i64,
    /// What is wrong with the password that takes the second step away.
    pub wrong: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "account_factor.html")]
pub(super) struct FactorPage {
    pub f: Frame,
    pub picture: String,
    /// The secret in groups of four.
    pub secret: String,
    pub wrong: Option<&'static str>,
    /// Shown once, after the first code was right.
    pub codes: Vec<String>,
}

/// Returns the ways in of a person.
pub(super) async fn ways_in(app: &App, me: &Me, w: &Words) -> Result<WaysIn, ApiError> {
    let (store, now) = (&app.desk.store, app.desk.clock.now());
    let sessions = store.sessions_of(&me.user.id, now).await?;
    let factor =
        store.second_factor(&me.user.id).await?.is_some_and(|factor| factor.confirmed_at_ms.is_some());
    Ok(WaysIn {
        sessions: sessions.iter().map(|session| line(w, session, me.session())).collect(),
        factor,
        codes_left: store.recovery_codes_left(&me.user.id).await?,
        wrong: None,
    })
}

fn line(w: &Words, session: &Session, here: Option<&str>) -> SessionLine {
    SessionLine {
        which: session.token_hash.get(..16).unwrap_or_default().to_owned(),
        agent: browser(session.user_agent.as_deref().unwrap_or("")).unwrap_or(w.t.unknown).to_owned(),
        begun: w.moment(session.created_at_ms),
        seen: w.moment(session.seen_at_ms),
        here: here == Some(session.token_hash.as_str()),
    }
}

/// Names a browser and its system by what it calls itself; nothing when it is none that is known.
fn browser(agent: &str) -> Option<&'static str> {
    let phone = agent.contains("Android") || agent.contains("iPhone");
    let names = [
        ("YaBrowser", "Яндекс Браузер", "Яндекс Браузер, телефон"),
        ("Edg/", "Edge", "Edge, телефон"),
        ("OPR/", "Opera", "Opera, телефон"),
        ("Firefox", "Firefox", "Firefox, телефон"),
        ("Chrome", "Chrome", "Chrome, телефон"),
        ("Safari", "Safari", "Safari, iPhone"),
        ("curl", "curl", "curl"),
    ];
    names
        .into_iter()
        .find(|(sign, ..)| agent.contains(sign))
        .map(|(_, desk, hand)| if phone { hand } else { desk })
}

/// Which sessions to end.
#[derive(Deserialize)]
pub struct EndForm {
    #[serde(default)]
    csrf: String,
    /// The beginning of its hash, or `others`.
    #[serde(default)]
    which: String,
}

/// Ends a session, or all others.
pub async fn end(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<EndForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    let (store, now) = (&app.desk.store, app.desk.clock.now());
    let here = me.session().ok_or(ApiError::Forbidden)?;
    let detail = if form.which == "others" {
        let ended = store.end_sessions_but(&me.user.id, here).await?;
        format!("{ended} others")
    } else {
        if !store.end_session_of(&me.user.id, &form.which).await? {
            return Err(ApiError::NotFound);
        }
        "one".to_owned()
    };
    store.audit(now, &me.user.id.0, "session.end", &format!("user:{}", me.user.id), &detail).await?;
    Ok(Redirect::to("/account#ways").into_response())
}

/// Proposes a second step: a picture for the authenticator, and a field for its first code.
pub async fn begin(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    me.session().ok_or(ApiError::Forbidden)?;
    let now = app.desk.clock.now();
    app.desk.store.propose_second_factor(&me.user.id, &totp::secret()?, now).await?;
    proposed(&app, &me, None).await
}

async fn proposed(app: &App, me: &Me, wrong: Option<&'static str>) -> Result<Response, ApiError> {
    let factor = app.desk.store.second_factor(&me.user.id).await?.ok_or(ApiError::NotFound)?;
    if factor.confirmed_at_ms.is_some() {
        return Ok(Redirect::to("/account#ways").into_response());
    }
    let f = frame(app, me, Section::Other);
    let picture = qr(&totp::address(&factor.secret, &me.user.login), f.w.t.fa_picture);
    let letters: Vec<char> = factor.secret.chars().collect();
    let secret: Vec<String> = letters.chunks(4).map(|four| four.iter().collect()).collect();
    show(&FactorPage { f, picture, secret: secret.join(" "), wrong, codes: Vec::new() })
}

/// The first code.
#[derive(Deserialize)]
pub struct FirstCode {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    code: String,
}

/// Takes the first code: the second step is asked for from now on, and the recovery codes are shown once.
pub async fn confirm(
    State(app): State<App>,
    me: Me,
    peer: Peer,
    Filled(form): Filled<FirstCode>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    let here = me.session().ok_or(ApiError::Forbidden)?;
    let (store, now) = (&app.desk.store, app.desk.clock.now());
    let what = format!("code {}", me.user.id);
    app.gate.allow((&what, peer.0), now)?;
    let factor = store.second_factor(&me.user.id).await?.ok_or(ApiError::NotFound)?;
    let Some(step) = totp::step_of(&factor.secret, &form.code, now) else {
        app.gate.count_failure((&what, peer.0), now);
        let wrong = frame(&app, &me, Section::Other).w.t.fa_wrong;
        return Ok(mend(proposed(&app, &me, Some(wrong)).await?));
    };
    let codes = totp::recovery_codes()?;
    let hashes: Vec<String> = codes.iter().map(|code| recovery_hash(&me.user, code)).collect();
    if !store.confirm_second_factor(&me.user.id, (step, &hashes), now).await? {
        return Ok(Redirect::to("/account#ways").into_response());
    }
    // Whoever is signed in elsewhere did not show the second step.
    store.end_sessions_but(&me.user.id, here).await?;
    store.audit(now, &me.user.id.0, "factor.on", &format!("user:{}", me.user.id), "").await?;
    let f = frame(&app, &me, Section::Other);
    show(&FactorPage { f, picture: String::new(), secret: String::new(), wrong: None, codes })
}

/// The password that takes the second step away.
#[derive(Deserialize)]
pub struct OffForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    password: String,
}

/// Takes the second step away. A browser that was left open is not enough: the password is asked for.
pub async fn off(
    State(app): State<App>,
    me: Me,
    peer: Peer,
    Filled(form): Filled<OffForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    me.session().ok_or(ApiError::Forbidden)?;
    let now: Timestamp = app.desk.clock.now();
    let stored = me.user.password_hash.clone();
    let given = if form.password.len() <= LONGEST { form.password } else { String::new() };
    let w = frame(&app, &me, Section::Other).w;
    let wrong = match app.gate.fits((&me.user.login, peer.0), given, stored, now).await {
        Ok(true) => {
            app.desk.store.drop_second_factor(&me.user.id).await?;
            app.desk
                .store
                .audit(now, &me.user.id.0, "factor.off", &format!("user:{}", me.user.id), "")
                .await?;
            return Ok(Redirect::to("/account#ways").into_response());
        }
        Ok(false) => w.t.e_password_old,
        Err(GateError::Wait(_)) => w.t.sign_in_slow,
        Err(error) => return Err(error.into()),
    };
    Ok(mend(super::account::with_wrong_factor(&app, &me, wrong).await?))
}
