//! Any bytes read as customers and as purchases; who has a telephone is found by it.
#![no_main]

use gradus::intake::customers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = customers::parse_purchases(bytes);
    let Ok(read) = customers::parse(bytes) else { return };
    for tel in read.list.iter().flat_map(|customer| &customer.tels) {
        assert!(read.find(None, Some(tel), None).is_some_and(|found| found.tels.contains(tel)));
    }
});
