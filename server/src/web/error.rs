//! What a person or a program is told when something does not go: the only place with status codes of refusals.

use askama::Template;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::json;

use crate::pipeline::ActError;
use crate::store::StoreError;

/// Why a page or an answer cannot be given.
#[derive(Debug)]
pub enum PageError {
    /// Nobody is signed in.
    SignIn,
    /// The person may not see or do this.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The state does not allow it; says why.
    Refused(String),
    /// The input is wrong; says what and how to mend it.
    Wrong(String),
    /// Something is broken.
    Broken(anyhow::Error),
}

impl From<anyhow::Error> for PageError {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl From<ActError> for PageError {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Refused(refusal) => Self::Refused(refusal.to_string()),
            ActError::NoCase => Self::NotFound,
            ActError::Broken(error) => Self::Broken(error),
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    title: &'static str,
    advice: String,
}

impl PageError {
    fn status(&self) -> StatusCode {
        match self {
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Wrong(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::SignIn => "Нужно войти",
            Self::Forbidden => "Недостаточно прав",
            Self::NotFound => "Такой страницы нет",
            Self::Refused(_) => "Так сделать нельзя",
            Self::Wrong(_) => "В запросе ошибка",
            Self::Broken(_) => "Что-то сломалось у нас",
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::SignIn => "Войдите и повторите.".to_owned(),
            Self::Forbidden => "Попросите администратора дать вам доступ.".to_owned(),
            Self::NotFound => "Проверьте адрес или начните с доски.".to_owned(),
            Self::Refused(why) | Self::Wrong(why) => why.clone(),
            Self::Broken(_) => "Повторите через минуту. Если не поможет, скажите администратору: подробности в журнале сервера.".to_owned(),
        }
    }

    /// Returns the answer for a program.
    pub fn problem(self) -> Response {
        if let Self::Broken(error) = &self {
            tracing::error!("A request failed: {error:#}");
        }
        let (status, title, detail) = (self.status(), self.title(), self.advice());
        let body =
            json!({"type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail});
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if matches!(self, Self::SignIn) {
            return Redirect::to("/sign-in").into_response();
        }
        if let Self::Broken(error) = &self {
            tracing::error!("A page failed: {error:#}");
        }
        let page = ErrorPage { title: self.title(), advice: self.advice() };
        (self.status(), Html(page.render().unwrap_or_default())).into_response()
    }
}

/// The page for an address that nothing answers.
pub async fn not_found() -> PageError {
    PageError::NotFound
}
