//! Any text read as a file of rules; what is accepted has to judge a line.
#![no_main]

use gradus_engine::detect::Detector;
use gradus_engine::signal::{Channel, Party};

libfuzzer_sys::fuzz_target!(|text: &str| {
    match Detector::new(&[("файл.rules", text)]) {
        Ok(detector) => {
            let _ = detector.detect("позовите руководителя, я подам в суд", Party::Customer, Channel::Call);
        }
        Err(errors) => assert!(!errors.is_empty()),
    }
});
