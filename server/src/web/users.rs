//! People who may sign in: the administrator adds them and closes or opens their way in.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::sign_in::new_user;
use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Filled, mend};
use crate::auth::{May, Me, Role};
use crate::http::App;
use crate::password;
use crate::store::{StoreError, User, UserId};

pub(super) struct UserLine {
    id: String,
    name: String,
    login: String,
    role: &'static str,
    team: String,
    active: bool,
    me: bool,
    /// Whether their sign-in has a second step.
    factor: bool,
    /// Whether they have not set a password yet.
    invited: bool,
}

/// The form of a new person, with what is wrong beside its fields.
#[derive(Default, Deserialize)]
pub struct AddForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    team: String,
    #[serde(skip)]
    e_name: Option<&'static str>,
    #[serde(skip)]
    e_login: Option<&'static str>,
    #[serde(skip)]
    e_password: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "users.html")]
pub(super) struct UsersPage {
    pub f: Frame,
    pub rows: Vec<UserLine>,
    pub roles: Vec<(&'static str, &'static str)>,
    pub form: AddForm,
}

pub(super) fn lines(w: &Words, users: &[User], factors: &[UserId], me: &UserId) -> Vec<UserLine> {
    let line = |user: &User| UserLine {
        id: user.id.to_string(),
        name: user.name.clone(),
        login: user.login.clone(),
        role: w.role(&user.role),
        team: user.team.clone().unwrap_or_default(),
        active: user.active,
        me: user.id == *me,
        factor: factors.contains(&user.id),
        invited: user.active && user.password_hash.is_none(),
    };
    users.iter().map(line).collect()
}

pub(super) fn roles(w: &Words) -> Vec<(&'static str, &'static str)> {
    Role::ALL.iter().map(|role| (role.name(), w.role(role.name()))).collect()
}

/// Shows everybody.
pub async fn page(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::People)?;
    list(&app, &me, AddForm::default()).await
}

async fn list(app: &App, me: &Me, form: AddForm) -> Result<Response, ApiError> {
    let f = frame(app, me, Section::Users);
    let users = app.desk.store.users().await?;
    let factors = app.desk.store.users_with_second_factor().await?;
    let (rows, roles) = (lines(&f.w, &users, &factors, &me.user.id), roles(&f.w));
    show(&UsersPage { f, rows, roles, form })
}

/// Adds a person.
pub async fn add(
    State(app): State<App>,
    me: Me,
    Filled(mut form): Filled<AddForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    let f = frame(&app, &me, Section::Users);
    let role: Role = form.role.parse().map_err(ApiError::Wrong)?;
    // Without a password they are invited: one that nobody knows stands in for it until it is taken away again.
    let invited = form.password.is_empty();
    let password = if invited { password::token()? } else { form.password.clone() };
    let mut user = match new_user(&f.w, &form.name, &form.login, &password).await? {
        Ok(user) => user,
        Err(wrong) => {
            let place = match wrong.field {
                "name" => &mut form.e_name,
                "login" => &mut form.e_login,
                _ => &mut form.e_password,
            };
            *place = Some(wrong.words);
            return Ok(mend(list(&app, &me, form).await?));
        }
    };
    if invited {
        user.password_hash = None;
    }
    role.name().clone_into(&mut user.role);
    let team = form.team.trim();
    user.team = (!team.is_empty()).then(|| team.chars().take(80).collect());
    let now = app.desk.clock.now();
    user.created_at_ms = now.millis();
    match app.desk.store.add_user(&user).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => {
            form.e_login = Some(f.w.t.e_login_taken);
            return Ok(mend(list(&app, &me, form).await?));
        }
        Err(error) => return Err(error.into()),
    }
    app.desk.store.audit(now, &me.user.id.0, "user.add", &format!("user:{}", user.id), role.name()).await?;
    if invited {
        super::person::invited(&app, &me, user).await
    } else {
        Ok(Redirect::to("/users").into_response())
    }
}

/// Closes or opens the way in.
#[derive(Deserialize)]
pub struct ActiveForm {
    #[serde(default)]
    csrf: String,
    active: bool,
}

/// Closes the way in of a person, who is signed out everywhere, or opens it again.
pub async fn active(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<ActiveForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    let id = UserId(id);
    if id == me.user.id {
        return Err(ApiError::Conflict(frame(&app, &me, Section::Users).w.t.e_self.to_owned()));
    }
    let mut user = app.desk.store.user(&id).await?.ok_or(ApiError::NotFound)?;
    user.active = form.active;
    app.desk.store.change_user(&user).await?;
    let what = if form.active { "user.open" } else { "user.close" };
    app.desk.store.audit(app.desk.clock.now(), &me.user.id.0, what, &format!("user:{id}"), "").await?;
    Ok(Redirect::to("/users").into_response())
}
