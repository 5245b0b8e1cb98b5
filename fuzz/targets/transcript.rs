//! Any bytes read as JSON transcripts, whole and by lines.
#![no_main]

use gradus::intake::{Defaults, transcript};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let defaults = Defaults::default();
    for read in [transcript::parse(bytes, "x", &defaults), transcript::parse_lines(bytes, "x", &defaults)] {
        for conversation in read.unwrap_or_default() {
            assert!(
                conversation.utterances.iter().all(|one| (one.party as usize) < conversation.parties.len())
            );
        }
    }
});
