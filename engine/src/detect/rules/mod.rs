//! The rule language: files that a quality manager reads and writes (`docs/rules.md`).

pub(crate) mod compile;
pub mod error;
pub mod examples;
pub mod file;
pub mod multiply;
pub mod names;
pub mod pattern;
pub mod program;
mod row;
mod vocabulary;
