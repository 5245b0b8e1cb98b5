//! Any frame read as AudioSocket; any bytes decoded as live sound of any format.
#![no_main]

use gradus::live::audiosocket::frame;
use gradus_speech::live::{Encoding, LiveDecoder, LiveFormat};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [kind, rate, payload @ ..] = bytes else { return };
    let _ = frame(*kind, payload.to_vec());
    let encoding = [Encoding::Mulaw, Encoding::Alaw, Encoding::Linear16][usize::from(*kind) % 3];
    let format = LiveFormat { encoding, rate: u32::from(*rate) * 1_000, channels: 1 + (*kind & 1) };
    if let Ok(mut decoder) = LiveDecoder::new(format) {
        for part in payload.chunks(7) {
            let _ = decoder.decode(part);
        }
    }
});
