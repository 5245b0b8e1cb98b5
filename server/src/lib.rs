//! Gradus, the escalation desk, as a library: what the `gradus` binary is made of.

pub mod intake;
