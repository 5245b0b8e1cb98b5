//! Any bytes read as weights of the trained parts: a file that lies about its lengths is refused, not believed.
#![no_main]

use gradus_engine::classify::{Classifier, Encoder};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Classifier::read(bytes);
    let _ = Encoder::read(bytes);
});
