//! The `gradus` binary.
fn main() {}
