//! What people change about themselves: language and password. Where their alerts go is in [`super::channels`].

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::channels::{ChannelsView, channels_of};
use super::factor::{WaysIn, ways_in};
use super::sign_in::{LONGEST, hash};
use super::{Frame, Lang, Section, frame, show};
use crate::api::{ApiError, Asked, Filled, mend};
use crate::auth::{May, Me, begin_session};
use crate::http::{App, Peer};
use crate::password;

#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage {
    pub f: Frame,
    pub wrongs: Wrongs,
    pub channels: ChannelsView,
    pub ways: WaysIn,
}

/// What is wrong beside the fields of the password.
#[derive(Default)]
pub(super) struct Wrongs {
    pub old: Option<&'static str>,
    pub new: Option<&'static str>,
}

/// What was just done.
#[derive(Deserialize)]
pub struct Done {
    changed: Option<String>,
    saved: Option<String>,
}

/// Shows the settings.
pub async fn page(State(app): State<App>, me: Me, Asked(done): Asked<Done>) -> Result<Response, ApiError> {
    let mut f = frame(&app, &me, Section::Other);
    f.flash = match (done.changed, done.saved) {
        (Some(_), _) => Some(f.w.t.password_changed.to_owned()),
        (None, Some(_)) => Some(f.w.t.ch_saved.to_owned()),
        (None, None) => None,
    };
    let channels = channels_of(&app, &me).await?;
    let ways = ways_in(&app, &me, &f.w).await?;
    show(&AccountPage { f, wrongs: Wrongs::default(), channels, ways })
}

/// Shows the settings with what is wrong with the password that takes the second step away.
pub(super) async fn with_wrong_factor(app: &App, me: &Me, wrong: &'static str) -> Result<Response, ApiError> {
    let f = frame(app, me, Section::Other);
    let channels = channels_of(app, me).await?;
    let ways = WaysIn { wrong: Some(wrong), ..ways_in(app, me, &f.w).await? };
    show(&AccountPage { f, wrongs: Wrongs::default(), channels, ways })
}

/// The form of the language.
#[derive(Deserialize)]
pub struct LanguageForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    language: String,
}

/// Changes the language.
pub async fn language(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<LanguageForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    let mut user = me.user;
    Lang::of(&form.language).code().clone_into(&mut user.locale);
    app.desk.store.change_user(&user).await?;
    Ok(Redirect::to("/account").into_response())
}

/// The form of the password.
#[derive(Deserialize)]
pub struct PasswordForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    old: String,
    #[serde(default)]
    new: String,
}

/// Changes the password: every other session of the person ends.
pub async fn password(
    State(app): State<App>,
    me: Me,
    peer: Peer,
    Filled(form): Filled<PasswordForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    let f = frame(&app, &me, Section::Other);
    let channels = channels_of(&app, &me).await?;
    let ways = ways_in(&app, &me, &f.w).await?;
    let now = app.desk.clock.now();
    let stored = me.user.password_hash.clone();
    let (e_old, e_new) = (f.w.t.e_password_old, f.w.t.e_password);
    if form.new.chars().count() < password::SHORTEST || form.new.len() > LONGEST {
        let wrongs = Wrongs { old: None, new: Some(e_new) };
        return Ok(mend(show(&AccountPage { f, wrongs, channels, ways })?));
    }
    if !app.gate.fits((&me.user.login, peer.0), form.old, stored, now).await? {
        let wrongs = Wrongs { old: Some(e_old), new: None };
        return Ok(mend(show(&AccountPage { f, wrongs, channels, ways })?));
    }
    app.desk.store.set_password(&me.user.id, &hash(form.new).await?).await?;
    app.desk.store.audit(now, &me.user.id.0, "user.password", &format!("user:{}", me.user.id), "").await?;
    let cookie = begin_session(&app.desk, &me.user, None).await?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/account?changed=1")).into_response())
}
