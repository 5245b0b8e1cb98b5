//! The Gradus server: what connects the engine and the ear to the outside world.
//!
//! Modules stand in the order in which the data meets them.

pub mod clock;
pub mod intake;
pub mod mask;
pub mod store;

pub mod eval;
