//! Any bytes read as subtitles.
#![no_main]

use gradus::intake::{Defaults, subtitles};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = subtitles::parse(bytes, "x", &Defaults::default()) {
        assert!(read.utterances.iter().all(|one| (one.party as usize) < read.parties.len()));
        assert!(read.utterances.iter().all(|one| one.start_ms <= one.end_ms));
    }
});
