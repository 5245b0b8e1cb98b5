//! Any text judged by the rules that ship: every quote lies in the text as received.
#![no_main]

use std::sync::LazyLock;

use gradus_engine::detect::Detector;
use gradus_engine::signal::{Channel, Party};

static DETECTOR: LazyLock<Detector> = LazyLock::new(Detector::builtin);

libfuzzer_sys::fuzz_target!(|text: &str| {
    let signs = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    for party in [Party::Customer, Party::Agent] {
        for found in DETECTOR.detect(text, party, Channel::Chat) {
            assert!(found.start < found.end && found.end <= signs, "{found:?}");
        }
    }
});
