//! Signing in and out, and the first-run set-up that makes the administrator.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use gradus_engine::time::Millis;
use serde::Deserialize;

use super::PageError;
use super::session::{COOKIE, Me};
use crate::desk::{Desk, digest};
use crate::password;
use crate::store::{Session, User, UserId};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    setup: bool,
    login: String,
    wrong: Option<String>,
}

/// The fields of both forms.
#[derive(Deserialize)]
pub struct Fields {
    login: String,
    password: String,
    #[serde(default)]
    name: String,
}

/// Longest field that is looked at, in bytes.
const LONGEST: usize = 256;

/// Shows the form; a new installation goes to the set-up first.
pub async fn page(State(desk): State<Desk>) -> Result<Response, PageError> {
    if desk.store.users().await?.is_empty() {
        return Ok(Redirect::to("/setup").into_response());
    }
    show(SignInPage { setup: false, login: String::new(), wrong: None })
}

/// Signs in.
pub async fn submit(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let user = match fields.password.len() <= LONGEST && fields.login.len() <= LONGEST {
        true => desk.store.user_by_login(&fields.login).await?,
        false => None,
    };
    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    // Hashing costs tens of milliseconds of computing: it leaves the async threads. A missing user costs the same.
    let given = fields.password.clone();
    let fits = tokio::task::spawn_blocking(move || match stored {
        Some(stored) => password::fits(&given, &stored),
        None => password::hash("nobody has this one").is_err(),
    });
    let fits = fits.await.map_err(anyhow::Error::from)?;
    match user.filter(|user| fits && user.active) {
        Some(user) => begin(&desk, &user, &headers).await,
        None => show(SignInPage {
            setup: false,
            login: fields.login,
            wrong: Some("Имя или пароль не подходят.".to_owned()),
        }),
    }
}

/// Shows the set-up; only while there is nobody.
pub async fn setup_page(State(desk): State<Desk>) -> Result<Response, PageError> {
    if !desk.store.users().await?.is_empty() {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    show(SignInPage { setup: true, login: "admin".to_owned(), wrong: None })
}

/// Makes the administrator.
pub async fn setup(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    if !desk.store.users().await?.is_empty() {
        return Err(PageError::Forbidden);
    }
    let login = fields.login.trim().to_owned();
    if login.is_empty() || login.len() > LONGEST || fields.password.len() > LONGEST {
        return show(SignInPage {
            setup: true, login, wrong: Some("Придумайте имя для входа.".to_owned())
        });
    }
    let hashed = match password::hash(&fields.password) {
        Ok(hashed) => hashed,
        Err(_) => {
            return show(SignInPage {
                setup: true,
                login,
                wrong: Some("Пароль короче восьми знаков.".to_owned()),
            });
        }
    };
    let name = if fields.name.trim().is_empty() { login.clone() } else { fields.name.trim().to_owned() };
    let user = User {
        id: UserId(format!("user-{login}")),
        login,
        name,
        role: "administrator".to_owned(),
        team: None,
        password_hash: Some(hashed),
        locale: "ru".to_owned(),
        active: true,
        created_at_ms: desk.clock.now().millis(),
    };
    desk.store.add_user(&user).await?;
    begin(&desk, &user, &headers).await
}

/// Signs out.
pub async fn out(
    State(desk): State<Desk>,
    me: Me,
    Form(fields): Form<OnlyToken>,
) -> Result<Response, PageError> {
    me.check(&fields.csrf)?;
    desk.store.end_session(&me.token_hash).await?;
    let gone = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    Ok((AppendHeaders([(header::SET_COOKIE, gone)]), Redirect::to("/sign-in")).into_response())
}

/// A form that carries nothing but its token.
#[derive(Deserialize)]
pub struct OnlyToken {
    /// The token.
    pub csrf: String,
}

async fn begin(desk: &Desk, user: &User, headers: &HeaderMap) -> Result<Response, PageError> {
    let token = password::token()?;
    let now = desk.clock.now();
    let hours = u64::from(desk.config.session.hours);
    let session = Session {
        token_hash: digest(token.as_bytes()),
        user_id: user.id.clone(),
        csrf: password::token()?,
        created_at_ms: now.millis(),
        expires_at_ms: now.plus(Millis::minutes(hours * 60)).millis(),
        seen_at_ms: now.millis(),
        user_agent: headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .map(|text| text.chars().take(200).collect()),
    };
    desk.store.begin_session(&session).await?;
    let secure = if desk.config.http.certificate.is_empty() { "" } else { "; Secure" };
    let cookie =
        format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", hours * 3600);
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/")).into_response())
}

fn show(page: SignInPage) -> Result<Response, PageError> {
    Ok(Html(page.render()?).into_response())
}
