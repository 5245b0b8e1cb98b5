//! Alerts beyond the page: who is reached and when, what is said, by which channel, and the outbox that loses nothing.
//!
//! The engine decides whom to tell and when to climb; the store keeps each message until it was taken. This module
//! sends, and makes no rules of its own.

mod message;
mod rota;
mod ways;

mod address;
mod http;

mod mail;
mod telegram;
mod webhook;

mod bot;
mod channels;
mod outbox;

use gradus_engine::time::Millis;

pub use bot::{Bot, link_code};
pub use channels::Channels;
pub use mail::is_address;
pub use outbox::Outbox;
pub use rota::called_by_rota;
pub use telegram::reasons;
pub use ways::{EMAIL, TELEGRAM, Ways, company};

/// A message that did not go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong, for people; no secret is in it.
    pub what: String,
    /// Whether it is worth another try.
    pub again: bool,
    /// It may have arrived all the same.
    pub uncertain: bool,
    /// The pause that the other side asks for.
    pub after: Option<Millis>,
}

impl Failure {
    fn again(what: String, uncertain: bool) -> Self {
        Self { what, again: true, uncertain, after: None }
    }

    fn never(what: String) -> Self {
        Self { what, again: false, uncertain: false, after: None }
    }
}
