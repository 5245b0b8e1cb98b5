//! Any text read as a protocol file.
#![no_main]

use gradus_engine::protocol::Protocol;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = Protocol::parse("регламент.toml", text);
});
