//! Who is asking: the cookie of a session, and the token that every form carries.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use gradus_engine::time::Millis;

use super::PageError;
use crate::desk::{Desk, digest};
use crate::store::User;

/// The person who is signed in.
#[derive(Clone, Debug)]
pub struct Me {
    /// The person.
    pub user: User,
    /// The token that their forms carry.
    pub csrf: String,
    /// Hash of their session's token.
    pub token_hash: String,
}

/// Name of the cookie.
pub const COOKIE: &str = "gradus";

impl Me {
    /// Says whether the person may act on cases.
    pub fn may_act(&self) -> bool {
        matches!(self.user.role.as_str(), "supervisor" | "conflict_specialist" | "administrator" | "director")
    }

    /// Says whether the person may see what a week cost.
    pub fn may_see_week(&self) -> bool {
        matches!(self.user.role.as_str(), "supervisor" | "coach" | "administrator" | "director")
    }

    /// Checks the token of a form.
    ///
    /// # Errors
    /// `PageError::Forbidden` when it is another one.
    pub fn check(&self, csrf: &str) -> Result<(), PageError> {
        // Both are hashed first, so that the comparison's time says nothing of the token.
        if digest(csrf.as_bytes()) == digest(self.csrf.as_bytes()) {
            Ok(())
        } else {
            Err(PageError::Forbidden)
        }
    }

    /// Checks the permission to act on cases and the token of the form.
    ///
    /// # Errors
    /// `PageError::Forbidden` when one of them lacks.
    pub fn check_act(&self, csrf: &str) -> Result<(), PageError> {
        if !self.may_act() {
            return Err(PageError::Forbidden);
        }
        self.check(csrf)
    }
}

/// Returns the token in the cookie of a request.
pub fn token_of(parts: &Parts) -> Option<String> {
    let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, token)| token.to_owned())
}

impl FromRequestParts<Desk> for Me {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, PageError> {
        let token = token_of(parts).ok_or(PageError::SignIn)?;
        let token_hash = digest(token.as_bytes());
        let now = desk.clock.now();
        let Some((session, user)) = desk.store.session(&token_hash, now).await? else {
            return Err(PageError::SignIn);
        };
        let hours = u64::from(desk.config.session.hours);
        // Written at most once in ten minutes: a page view should not cost a commit.
        if now.millis() - session.seen_at_ms > 600_000 {
            desk.store.extend_session(&token_hash, now, now.plus(Millis::minutes(hours * 60))).await?;
        }
        Ok(Self { user, csrf: session.csrf, token_hash })
    }
}
