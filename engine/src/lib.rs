//! The Gradus engine: from utterances to signals, heat, decisions, cases and alerts.
//!
//! It decides and does nothing else: no IO, no clock, no randomness. The same events under the same protocol version
//! give the same effects, bit for bit.

pub mod detect;
pub mod signal;
pub mod time;
