//! Any bytes read as a table of utterances.
#![no_main]

use gradus::intake::{Defaults, table};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for read in table::parse(bytes, "x", &Defaults::default()).unwrap_or_default() {
        assert!(read.utterances.iter().all(|one| (one.party as usize) < read.parties.len()));
    }
});
