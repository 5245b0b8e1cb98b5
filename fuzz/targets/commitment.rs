//! Any text as an agent's words: spans lie inside of it, times are the same again.
#![no_main]

use gradus_engine::commitment::{Reference, find};
use gradus_engine::time::Timestamp;

libfuzzer_sys::fuzz_target!(|input: (i64, i32, &str)| {
    let (at, offset, text) = input;
    let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let reference = Reference::new(Timestamp::from_millis(at), offset);
    let found = find(text, &reference);
    for one in &found {
        assert!(one.what.0 < one.what.1 && one.what.1 <= length);
        assert!(one.due_text.is_none_or(|(start, end)| start < end && end <= length));
    }
    assert_eq!(find(text, &reference), found);
});
