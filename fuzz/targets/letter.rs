//! Any text as a letter, plain and HTML: blanking keeps every offset.
#![no_main]

use gradus::intake::{html, mail};

libfuzzer_sys::fuzz_target!(|text: &str| {
    for letter in [text.to_owned(), html::to_text(text)] {
        for blanked in [mail::blank_quoted(&letter), mail::blank_all_but_own(&letter)] {
            let pairs = letter.chars().zip(blanked.chars());
            assert_eq!(letter.chars().count(), blanked.chars().count());
            assert!(pairs.clone().all(|(before, after)| before == after || after == ' '));
        }
    }
});
