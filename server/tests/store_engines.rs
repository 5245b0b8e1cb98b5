//! Every store function on both engines: this replaces checking SQL while compiling.
#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]
#![expect(clippy::disallowed_methods, reason = "the tests are told by the environment where PostgreSQL is")]

#[path = "store_engines/access.rs"]
mod access;
#[path = "store_engines/archive.rs"]
mod archive;
#[path = "store_engines/cases.rs"]
mod cases;
#[path = "store_engines/conversations.rs"]
mod conversations;
#[path = "store_engines/corrections.rs"]
mod corrections;
#[path = "store_engines/customers.rs"]
mod customers;
#[path = "store_engines/deliveries.rs"]
mod deliveries;
#[path = "store_engines/desk.rs"]
mod desk;
#[path = "store_engines/follow_up.rs"]
mod follow_up;
#[path = "store_engines/log.rs"]
mod log;
#[path = "store_engines/month.rs"]
mod month;
#[path = "store_engines/operation.rs"]
mod operation;
#[path = "store_engines/pages.rs"]
mod pages;
#[path = "store_engines/people.rs"]
mod people;
#[path = "store_engines/quality.rs"]
mod quality;
#[path = "store_engines/queue.rs"]
mod queue;
#[path = "store_engines/related.rs"]
mod related;
#[path = "store_engines/upkeep.rs"]
mod upkeep;
