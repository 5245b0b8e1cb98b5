//! Any bytes read as a vCon; what is read is written and read again.
#![no_main]

use gradus::intake::{Defaults, vcon, vcon_out};
use gradus_engine::time::Timestamp;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(read) = vcon::parse(bytes, "x", &Defaults::default()) else { return };
    for utterance in &read.utterances {
        assert!((utterance.party as usize) < read.parties.len());
        let judged = utterance.judged_text(read.channel);
        assert_eq!(judged.chars().count(), utterance.text.chars().count());
    }
    // A gap in the numbers is written out, so a huge one would only test the memory.
    if read.utterances.is_empty() || read.utterances.iter().any(|one| one.index > 10_000) {
        return;
    }
    let written = vcon_out::write(&vcon_out::Outgoing {
        uuid: &read.id,
        created_at: Timestamp::from_millis(0),
        subject: read.subject.as_deref(),
        channel: read.channel,
        utc_offset_s: read.utc_offset_s,
        parties: &read.parties,
        utterances: &read.utterances,
        analyses: &[],
        attachments: &[],
    });
    let again = vcon::parse(written.to_string().as_bytes(), "x", &Defaults::default());
    let words = |one: &gradus::intake::Incoming| {
        let mut words: Vec<_> = one.utterances.iter().map(|one| (one.index, one.text.clone())).collect();
        words.sort();
        words
    };
    assert_eq!(again.as_ref().map(words), Ok(words(&read)));
});
