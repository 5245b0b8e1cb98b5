//! The rule files of `engine/rules`, compiled in; `build.rs` lists them.

include!(concat!(env!("OUT_DIR"), "/rule_files.rs"));
