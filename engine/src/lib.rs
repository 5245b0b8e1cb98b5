//! Gradus engine: decides. No IO, no clock, no randomness.
