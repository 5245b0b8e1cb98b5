//! Any text read as a message of a media stream.
#![no_main]

use gradus::live::media;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(error) = media::read(text) {
        assert!(!error.to_string().is_empty());
    }
});
