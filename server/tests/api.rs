//! The server over HTTP, in one process with a manual clock: who may do what, how refusals look, what is limited.
#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

#[path = "api/access.rs"]
mod access;
#[path = "api/alerts.rs"]
mod alerts;
#[path = "api/archive.rs"]
mod archive;
#[path = "api/authority.rs"]
mod authority;
#[path = "api/backtest.rs"]
mod backtest;
#[path = "api/bot.rs"]
mod bot;
#[path = "api/care.rs"]
mod care;
#[path = "api/complaint.rs"]
mod complaint;
#[path = "api/corrections.rs"]
mod corrections;
#[path = "api/desk.rs"]
mod desk;
#[path = "api/duty.rs"]
mod duty;
#[path = "api/feedback.rs"]
mod feedback;
#[path = "api/follow_up.rs"]
mod follow_up;
#[path = "api/history.rs"]
mod history;
#[path = "api/incidents.rs"]
mod incidents;
#[path = "api/learn.rs"]
mod learn;
#[path = "api/listen.rs"]
mod listen;
#[path = "api/live.rs"]
mod live;
#[path = "api/outside.rs"]
mod outside;
#[path = "api/past_cases.rs"]
mod past_cases;
#[path = "api/permissions.rs"]
mod permissions;
#[path = "api/practice.rs"]
mod practice;
#[path = "api/promises.rs"]
mod promises;
#[path = "api/protocol.rs"]
mod protocol;
#[path = "api/quality.rs"]
mod quality;
#[path = "api/recordings.rs"]
mod recordings;
#[path = "api/related.rs"]
mod related;
#[path = "api/reload.rs"]
mod reload;
#[path = "api/restart.rs"]
mod restart;
#[path = "api/service.rs"]
mod service;
#[path = "api/snapshots.rs"]
mod snapshots;
#[path = "api/stories.rs"]
mod stories;
#[path = "api/system.rs"]
mod system;
#[path = "api/wire.rs"]
mod wire;
