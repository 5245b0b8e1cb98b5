//! Every store function on both engines: this replaces checking SQL while compiling.

#[path = "store_engines/desk.rs"]
mod desk;
#[path = "store_engines/log.rs"]
mod log;
