//! What the customer says when a case is resolved: a link that nobody can guess, one to five and a word.
//!
//! The link carries the number of the case and a mark made from it and a secret of this desk (HMAC-SHA-256, RFC 2104), so that nothing
//! has to be kept for links that nobody follows.

use anyhow::Result;
use gradus_engine::time::Millis;
use ring::hmac;

use crate::desk::Desk;
use crate::mask::MaskedText;
use crate::password;
use crate::store::{CaseRow, StoreError};

/// Where the secret of the links is kept.
const SECRET: &str = "rating.secret";
/// How long after the end of a case its link takes an answer.
pub const OPEN_FOR: Millis = Millis::minutes(30 * 24 * 60);
/// Hexadecimal digits of the mark: 96 bits.
const MARK: usize = 24;

/// Why a rating is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The case goes on.
    NotYet,
    /// It ended too long ago.
    TooLate,
}

async fn mark(desk: &Desk, number: i64) -> Result<String> {
    let secret: Option<String> = desk.store.setting(SECRET).await?;
    let secret = match secret {
        Some(secret) => secret,
        None => {
            let fresh = password::token()?;
            desk.store.set(SECRET, &fresh, desk.clock.now()).await?;
            // Two nodes may have made one at the same time: the one that was kept counts.
            desk.store.setting(SECRET).await?.unwrap_or(fresh)
        }
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, number.to_string().as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(hex.get(..MARK).unwrap_or_default().to_owned())
}

/// Returns the path of the link for a case.
///
/// # Errors
/// When the store fails.
pub async fn path(desk: &Desk, number: i64) -> Result<String> {
    Ok(format!("/rate/{number}-{}", mark(desk, number).await?))
}

/// Returns the case that a link names, if the link is one of ours.
///
/// # Errors
/// When the store fails.
pub async fn case_of(desk: &Desk, key: &str) -> Result<Option<CaseRow>> {
    let Some((number, given)) = key.split_once('-') else { return Ok(None) };
    let Ok(number) = number.parse::<i64>() else { return Ok(None) };
    let wanted = mark(desk, number).await?;
    // Both are hashed, so that the time says nothing about the mark.
    let same = crate::desk::digest(given.as_bytes()) == crate::desk::digest(wanted.as_bytes());
    Ok(if same { desk.store.case_by_number(number).await? } else { None })
}

/// Says whether a case takes a rating now.
///
/// # Errors
/// Why it does not.
pub fn is_open(desk: &Desk, row: &CaseRow) -> Result<(), Closed> {
    let closed = row.closed_at_ms.filter(|_| row.merged_into.is_none()).ok_or(Closed::NotYet)?;
    let since = desk.clock.now().millis() - closed;
    if since > i64::try_from(OPEN_FOR.get()).unwrap_or(i64::MAX) { Err(Closed::TooLate) } else { Ok(()) }
}

/// Notes what the customer says.
///
/// # Errors
/// When the store fails.
pub async fn rate(desk: &Desk, row: &CaseRow, stars: i64, words: &str) -> Result<(), StoreError> {
    let now = desk.clock.now();
    let words = words.trim();
    let words = (!words.is_empty()).then(|| MaskedText::of(words));
    desk.store.rate(&row.id, stars, words.as_ref(), now).await?;
    desk.store.audit(now, "customer", "case.rate", &format!("case:{}", row.id), &stars.to_string()).await?;
    if let Some(conversation) = &row.conversation_id {
        desk.pipeline.changed(conversation.clone());
    }
    Ok(())
}
