//! Any bytes under any name; the first byte chooses the name.
#![no_main]

use gradus::intake::{Defaults, parse};

const NAMES: &[&str] = &["a.json", "a.vcon", "a.ndjson", "a.vtt", "a.srt", "a.csv", "a.tsv", "a", "a.wav"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let name = NAMES[usize::from(*choice) % NAMES.len()];
    if let Err(fault) = parse(bytes, name, &Defaults::default()) {
        assert!(!fault.cure.is_empty() && !fault.problem.is_empty());
    }
});
