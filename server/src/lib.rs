//! The Gradus server: what connects the engine and the ear to the outside world.
//!
//! Modules stand in the order in which the data meets them.

pub mod clock;
pub mod config;
pub mod secret;

pub mod analyze;
pub mod ears;
pub mod intake;
pub mod listen;
pub mod mask;
pub mod phone;
pub mod rules;

pub mod archive;
pub mod backtest;
pub mod backtests;
pub mod corrections;
pub mod desk;
pub mod documents;
pub mod dossier;
pub mod feedback;
pub mod incidents;
pub mod learn;
pub mod password;
pub mod past;
pub mod pipeline;
pub mod practice;
pub mod promises;
pub mod protocol_diff;
pub mod protocols;
pub mod query;
pub mod rating;
pub mod related;
pub mod store;
pub mod tasks;
pub mod ticker;

pub mod alert;
pub mod hub;
pub mod inbox;
pub mod live;
pub mod queue;
pub mod retention;

pub mod backup;
pub mod doctor;

pub mod api;
pub mod auditor;
pub mod auth;
pub mod authority;
pub mod http;
pub mod web;

pub mod bench;
pub mod eval;
pub mod quality;
pub mod report;
pub mod review;

pub mod cli;
