//! Any bytes read as cases of former times.
#![no_main]

use gradus::intake::{Defaults, cases};
use gradus_engine::time::Timestamp;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = cases::are_cases(bytes);
    if let Err(fault) = cases::parse(bytes, &Defaults::default(), Timestamp::from_millis(1_795_510_800_000)) {
        assert!(!fault.cure.is_empty() && !fault.problem.is_empty());
    }
});
