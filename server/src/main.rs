//! The `gradus` binary: a thin door to the library.
fn main() {}
