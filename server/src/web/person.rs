//! One person as the administrator sees them: name, role and team, and their ways in.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::time::Millis;
use serde::Deserialize;

use super::sign_in::OnlyToken;
use super::users::roles;
use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Filled, mend};
use crate::auth::{May, Me, Role, Scope};
use crate::desk::digest;
use crate::http::App;
use crate::password;
use crate::store::{ApiKey, ApiToken, EntryLink, LinkKind, User, UserId};

/// How long a link works that lets somebody choose another password, in hours.
const RESET_HOURS: u64 = 24;
/// How long an invitation works, in hours.
const INVITE_HOURS: u64 = 7 * 24;

/// A key of a program that acts in the person's name.
pub(super) struct KeyLine {
    /// The beginning of its hash.
    pub which: String,
    pub name: String,
    pub scope: &'static str,
    pub made: String,
    pub seen: String,
    pub until: String,
}

/// What was just made and is shown once.
#[derive(Default)]
struct Made {
    link: String,
    key: String,
}

#[derive(Template)]
#[template(path = "person.html")]
pub(super) struct PersonPage {
    pub f: Frame,
    pub id: String,
    pub name: String,
    pub login: String,
    pub role: String,
    pub team: String,
    pub active: bool,
    pub me: bool,
    pub roles: Vec<(&'static str, &'static str)>,
    pub teams: Vec<String>,
    pub sessions: usize,
    pub last_seen: String,
    pub factor: bool,
    pub has_password: bool,
    /// Until when a link works that was made before; empty for none.
    pub waiting: String,
    /// The link that was just made, shown once.
    pub link: String,
    pub keys: Vec<KeyLine>,
    pub scopes: Vec<(&'static str, &'static str)>,
    /// The key that was just made, shown once.
    pub key: String,
    pub wrong: Option<&'static str>,
}

/// Shows a person.
pub async fn page(State(app): State<App>, me: Me, Path(id): Path<String>) -> Result<Response, ApiError> {
    me.may(May::People)?;
    let user = app.desk.store.user(&UserId(id)).await?.ok_or(ApiError::NotFound)?;
    view(&app, &me, user, Made::default(), None).await
}

async fn view(
    app: &App,
    me: &Me,
    user: User,
    made: Made,
    wrong: Option<&'static str>,
) -> Result<Response, ApiError> {
    let (store, now) = (&app.desk.store, app.desk.clock.now());
    let f = frame(app, me, Section::Users);
    let sessions = store.sessions_of(&user.id, now).await?;
    let waiting = store.entry_links(now).await?.into_iter().find(|known| known.user_id == user.id);
    let factor = store.second_factor(&user.id).await?;
    let keys = store.tokens_of(&user.id).await?;
    let mut teams: Vec<String> = store.users().await?.into_iter().filter_map(|user| user.team).collect();
    teams.sort();
    teams.dedup();
    show(&PersonPage {
        id: user.id.to_string(),
        me: user.id == me.user.id,
        name: user.name,
        login: user.login,
        role: user.role,
        team: user.team.unwrap_or_default(),
        active: user.active,
        roles: roles(&f.w),
        teams,
        sessions: sessions.len(),
        last_seen: sessions.first().map(|session| f.w.moment(session.seen_at_ms)).unwrap_or_default(),
        factor: factor.is_some_and(|factor| factor.confirmed_at_ms.is_some()),
        has_password: user.password_hash.is_some(),
        waiting: waiting.map(|link| f.w.moment(link.expires_at_ms)).unwrap_or_default(),
        keys: keys.iter().map(|key| key_line(&f.w, key)).collect(),
        scopes: Scope::ALL.map(|scope| (scope.name(), scope_words(&f.w, scope.name()))).to_vec(),
        link: made.link,
        key: made.key,
        wrong,
        f,
    })
}

fn key_line(w: &Words, key: &ApiKey) -> KeyLine {
    KeyLine {
        which: key.token_hash.get(..16).unwrap_or_default().to_owned(),
        name: key.name.clone(),
        scope: scope_words(w, &key.scope),
        made: w.moment(key.created_at_ms),
        seen: key.seen_at_ms.map(|at| w.moment(at)).unwrap_or_default(),
        until: key.expires_at_ms.map(|at| w.moment(at)).unwrap_or_default(),
    }
}

fn scope_words(w: &Words, scope: &str) -> &'static str {
    match scope {
        "read" => w.t.ke_read,
        "send" => w.t.ke_send,
        _ => w.t.ke_all,
    }
}

/// A key that is to be made.
#[derive(Deserialize)]
pub struct KeyForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    name: String,
    scope: String,
    /// Empty for no end.
    #[serde(default)]
    days: String,
}

/// Makes a key by which a program acts in the person's name, and shows it once.
pub async fn add_key(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<KeyForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    let user = app.desk.store.user(&UserId(id)).await?.ok_or(ApiError::NotFound)?;
    let scope: Scope = form.scope.parse().map_err(ApiError::Wrong)?;
    let t = frame(&app, &me, Section::Users).w.t;
    let (name, days) = (form.name.trim(), form.days.trim());
    let days = if days.is_empty() { Ok(None) } else { days.parse::<u16>().map(Some) };
    let (Ok(days), false) = (days, name.is_empty() || name.len() > super::sign_in::LONGEST) else {
        return Ok(mend(view(&app, &me, user, Made::default(), Some(t.ke_wrong)).await?));
    };
    let (key, now) = (password::token()?, app.desk.clock.now());
    let kept = ApiToken {
        token_hash: digest(key.as_bytes()),
        user_id: user.id.clone(),
        name: name.to_owned(),
        created_at_ms: now.millis(),
    };
    let expires = days.map(|days| now.plus(Millis::minutes(u64::from(days) * 24 * 60)));
    app.desk.store.add_api_key(&kept, scope.name(), expires).await?;
    let object = format!("user:{}", user.id);
    app.desk.store.audit(now, &me.user.id.0, "key.add", &object, scope.name()).await?;
    view(&app, &me, user, Made { key, ..Made::default() }, None).await
}

/// Which key.
#[derive(Deserialize)]
pub struct DropForm {
    #[serde(default)]
    csrf: String,
    which: String,
}

/// Takes a key back: it works no more from the next request on.
pub async fn drop_key(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<DropForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    let id = UserId(id);
    if !app.desk.store.drop_api_key_of(&id, &form.which).await? {
        return Err(ApiError::NotFound);
    }
    app.desk.store.audit(app.desk.clock.now(), &me.user.id.0, "key.drop", &format!("user:{id}"), "").await?;
    Ok(Redirect::to(&format!("/users/{id}#keys")).into_response())
}

/// What can be changed of a person.
#[derive(Deserialize)]
pub struct ChangeForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    name: String,
    role: String,
    #[serde(default)]
    team: String,
}

/// Changes name, role and team. Nobody takes the administration away from themselves: somebody has to be left who can
/// give it back.
pub async fn change(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<ChangeForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    let role: Role = form.role.parse().map_err(ApiError::Wrong)?;
    let mut user = app.desk.store.user(&UserId(id)).await?.ok_or(ApiError::NotFound)?;
    let t = frame(&app, &me, Section::Users).w.t;
    let name = form.name.trim();
    let wrong = if user.id == me.user.id && role != me.role {
        Some(t.pe_own_role)
    } else if name.is_empty() || name.len() > super::sign_in::LONGEST {
        Some(t.e_name)
    } else {
        None
    };
    if wrong.is_some() {
        return Ok(mend(view(&app, &me, user, Made::default(), wrong).await?));
    }
    let was = format!("{}, {}", user.role, user.team.as_deref().unwrap_or("-"));
    name.clone_into(&mut user.name);
    role.name().clone_into(&mut user.role);
    user.team = Some(form.team.trim().chars().take(80).collect()).filter(|team: &String| !team.is_empty());
    app.desk.store.change_user(&user).await?;
    let detail = format!("{was} → {}, {}", user.role, user.team.as_deref().unwrap_or("-"));
    let now = app.desk.clock.now();
    app.desk.store.audit(now, &me.user.id.0, "user.change", &format!("user:{}", user.id), &detail).await?;
    Ok(Redirect::to(&format!("/users/{}", user.id)).into_response())
}

/// Makes a link by which the person sets a password, and shows it once.
pub async fn link(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    let user = app.desk.store.user(&UserId(id)).await?.ok_or(ApiError::NotFound)?;
    if !user.active {
        return Err(ApiError::Conflict(frame(&app, &me, Section::Users).w.t.pe_blocked.to_owned()));
    }
    let link = make_link(&app, &me, &user).await?;
    view(&app, &me, user, Made { link, ..Made::default() }, None).await
}

/// Shows somebody who was just added, with the link of their invitation.
pub(super) async fn invited(app: &App, me: &Me, user: User) -> Result<Response, ApiError> {
    let link = make_link(app, me, &user).await?;
    view(app, me, user, Made { link, ..Made::default() }, None).await
}

/// Makes a link for a person; an earlier one works no longer. Returns its address.
async fn make_link(app: &App, me: &Me, user: &User) -> Result<String, ApiError> {
    let (kind, hours) = match user.password_hash {
        Some(_) => (LinkKind::Reset, RESET_HOURS),
        None => (LinkKind::Invite, INVITE_HOURS),
    };
    let (token, now) = (password::token()?, app.desk.clock.now());
    let kept = EntryLink {
        token_hash: digest(token.as_bytes()),
        user_id: user.id.clone(),
        kind: kind.name().to_owned(),
        created_by: me.user.id.0.clone(),
        created_at_ms: now.millis(),
        expires_at_ms: now.plus(Millis::minutes(hours * 60)).millis(),
    };
    app.desk.store.add_entry_link(&kept).await?;
    app.desk.store.audit(now, &me.user.id.0, "user.link", &format!("user:{}", user.id), kind.name()).await?;
    Ok(format!("{}/enter/{token}", app.desk.config.http.public()))
}

/// Ends every session of a person.
pub async fn sign_out(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    let user = app.desk.store.user(&UserId(id)).await?.ok_or(ApiError::NotFound)?;
    // One's own present session stays: signing out has its own button.
    let spared = me.session().filter(|_| user.id == me.user.id).unwrap_or("");
    let ended = app.desk.store.end_sessions_but(&user.id, spared).await?;
    let now = app.desk.clock.now();
    let object = format!("user:{}", user.id);
    app.desk
        .store
        .audit(now, &me.user.id.0, "session.end", &object, &format!("{ended} by administrator"))
        .await?;
    Ok(Redirect::to(&format!("/users/{}", user.id)).into_response())
}

/// Takes the second step of a person away who lost telephone and codes.
pub async fn factor_off(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    let user = app.desk.store.user(&UserId(id)).await?.ok_or(ApiError::NotFound)?;
    if user.id == me.user.id {
        // Their own they take away with their password.
        return Ok(Redirect::to("/account#ways").into_response());
    }
    if app.desk.store.drop_second_factor(&user.id).await? {
        let now = app.desk.clock.now();
        app.desk.store.audit(now, &me.user.id.0, "factor.off", &format!("user:{}", user.id), "").await?;
    }
    Ok(Redirect::to(&format!("/users/{}", user.id)).into_response())
}
