//! The Gradus engine: from utterances to signals, heat, decisions, cases and alerts.
//!
//! It decides and does nothing else: no IO, no clock, no randomness. The same events under the same protocol version
//! give the same effects, bit for bit.

pub mod backtest;
pub mod judge;
pub mod practice;
pub mod step;

pub mod classify;
pub mod cue;
pub mod detect;
pub mod ear;
pub mod event;
pub mod notice;
pub mod signal;
pub mod time;

pub mod conversation;
pub mod heat;
pub mod incident;

pub mod decision;
pub mod protocol;

pub mod archive;
pub mod case;
pub mod commitment;

pub mod alert;
pub mod amount;
pub mod calendar;
pub mod effect;
