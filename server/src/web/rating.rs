//! The page on which a customer says how it went: reached by a link from a letter, without an account, and opening nothing else.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::error::asked_lang;
use super::{Words, assets, show, words_for};
use crate::api::{ApiError, Filled, mend};
use crate::auth::{May, Me};
use crate::http::App;
use crate::rating::{self, Closed};

/// Longest word of a customer, in characters.
const LONGEST: usize = 1_000;

#[derive(Template)]
#[template(path = "rating.html")]
pub(super) struct RatingPage {
    pub w: Words,
    pub number: i64,
    pub stars: i64,
    pub words: String,
    pub closed: Option<Closed>,
    pub done: bool,
    pub wrong: Option<&'static str>,
}

impl RatingPage {
    fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// The stars that can be given, with what each means.
    fn choices(&self) -> [(i64, &'static str); 5] {
        let t = self.w.t;
        [(1, t.ra_1), (2, t.ra_2), (3, t.ra_3), (4, t.ra_4), (5, t.ra_5)]
    }
}

/// Shows the form to who has the link.
pub async fn page(
    State(app): State<App>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let row = rating::case_of(&app.desk, &key).await?.ok_or(ApiError::NotFound)?;
    let w = words_for(&app, asked_lang(&headers));
    let closed = rating::is_open(&app.desk, &row).err();
    let known = app.desk.store.rating_of(&row.id).await?;
    let stars = known.as_ref().map_or(0, |known| known.stars);
    let words = known.and_then(|known| known.words).unwrap_or_default();
    show(&RatingPage { w, number: row.number, stars, words, closed, done: false, wrong: None })
}

/// One to five and a word.
#[derive(Deserialize)]
pub struct Given {
    #[serde(default)]
    stars: String,
    #[serde(default)]
    words: String,
}

/// Takes what the customer says.
pub async fn submit(
    State(app): State<App>,
    Path(key): Path<String>,
    headers: HeaderMap,
    Filled(given): Filled<Given>,
) -> Result<Response, ApiError> {
    let row = rating::case_of(&app.desk, &key).await?.ok_or(ApiError::NotFound)?;
    let w = words_for(&app, asked_lang(&headers));
    let number = row.number;
    if let Err(closed) = rating::is_open(&app.desk, &row) {
        let closed = Some(closed);
        return show(&RatingPage {
            w,
            number,
            stars: 0,
            words: String::new(),
            closed,
            done: false,
            wrong: None,
        });
    }
    let stars = given.stars.parse().ok().filter(|stars| (1..=5).contains(stars));
    let long = given.words.chars().count() > LONGEST;
    let Some(stars) = stars.filter(|_| !long) else {
        let wrong = Some(if long { w.t.e_long } else { w.t.e_stars });
        let page = RatingPage { w, number, stars: 0, words: given.words, closed: None, done: false, wrong };
        return Ok(mend(show(&page)?));
    };
    rating::rate(&app.desk, &row, stars, &given.words).await?;
    show(&RatingPage { w, number, stars, words: given.words, closed: None, done: true, wrong: None })
}

/// Whether the customer stayed.
#[derive(Deserialize)]
pub struct Stayed {
    #[serde(default)]
    csrf: String,
    /// `yes`, `no` or nothing.
    #[serde(default)]
    stayed: String,
}

/// Notes whether the customer of a case stayed.
pub async fn stayed(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Stayed>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Act)?;
    let row = app.case_for(&me, id).await?;
    let stayed = match form.stayed.as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    app.desk.store.note_stayed(&row.id, stayed).await?;
    let (now, object) = (app.desk.clock.now(), format!("case:{}", row.id));
    app.desk.store.audit(now, &me.user.id.0, "case.stayed", &object, &form.stayed).await?;
    Ok(Redirect::to(&format!("/cases/{}", row.id)).into_response())
}
