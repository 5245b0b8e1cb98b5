//! The second step of a sign-in: codes of six digits that change every half minute (RFC 6238 with SHA-1, as every
//! authenticator takes them), and recovery codes for a lost telephone.

use anyhow::{Result, anyhow};
use gradus_engine::time::Timestamp;
use ring::hmac;

/// Milliseconds of one step.
const STEP_MS: i64 = 30_000;
/// Bytes of a secret: as many as the hash has, as RFC 4226 wants.
const SECRET_BYTES: usize = 20;
/// Steps that a clock may be off, either way.
const DRIFT: i64 = 1;
/// Recovery codes of one person.
const RECOVERY_CODES: usize = 10;
/// The alphabet of base32, RFC 4648.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Returns a new secret, base32.
///
/// # Errors
/// When the system gives no random numbers.
pub fn secret() -> Result<String> {
    Ok(base32(&random::<SECRET_BYTES>()?))
}

/// Returns the step of the code that fits now, or a step before or after; nothing when none does.
pub fn step_of(secret: &str, code: &str, now: Timestamp) -> Option<i64> {
    let key = unbase32(secret)?;
    let given: String = code.chars().filter(char::is_ascii_digit).collect();
    if given.len() != 6 || code.chars().any(|sign| !sign.is_ascii_digit() && !sign.is_whitespace()) {
        return None;
    }
    let here = now.millis().div_euclid(STEP_MS);
    // All are computed and compared whole, so that the time says nothing of the code.
    let mut found = None;
    for step in here - DRIFT..=here + DRIFT {
        let differs =
            code_at(&key, step).bytes().zip(given.bytes()).fold(0, |all, (one, other)| all | (one ^ other));
        if differs == 0 {
            found = Some(step);
        }
    }
    found
}

/// Returns the code of a secret at a moment.
pub fn code(secret: &str, now: Timestamp) -> Option<String> {
    Some(code_at(&unbase32(secret)?, now.millis().div_euclid(STEP_MS)))
}

fn code_at(key: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let hash = tag.as_ref();
    let at = usize::from(hash.last().copied().unwrap_or(0) & 15);
    let four = hash.get(at..at + 4).and_then(|four| four.try_into().ok()).unwrap_or([0; 4]);
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

/// Returns the address that an authenticator reads from the picture.
pub fn address(secret: &str, login: &str) -> String {
    let login = crate::query::escaped(login);
    format!("otpauth://totp/Gradus:{login}?secret={secret}&issuer=Gradus")
}

/// Returns new recovery codes, `XXXX-XXXX-XXXX`: 60 bits each.
///
/// # Errors
/// When the system gives no random numbers.
pub fn recovery_codes() -> Result<Vec<String>> {
    (0..RECOVERY_CODES)
        .map(|_| {
            let code = base32(&random::<10>()?);
            let part = |from: usize| code.get(from..from + 4).unwrap_or_default();
            Ok(format!("{}-{}-{}", part(0), part(4), part(8)))
        })
        .collect()
}

/// Returns a recovery code as it is hashed: without what people add or leave out.
pub fn plain_recovery_code(given: &str) -> String {
    given.chars().filter(char::is_ascii_alphanumeric).map(|sign| sign.to_ascii_uppercase()).collect()
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random numbers: {error}"))?;
    Ok(bytes)
}

fn base32(bytes: &[u8]) -> String {
    let (mut out, mut held, mut bits) = (String::new(), 0_u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let place = (held >> bits) as usize & 31;
            out.push(ALPHABET.get(place).copied().map_or('A', char::from));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(ALPHABET.get((held << (5 - bits)) as usize & 31).copied().map_or('A', char::from));
    }
    out
}

fn unbase32(text: &str) -> Option<Vec<u8>> {
    let (mut out, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for sign in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == sign)?;
        held = (held << 5) | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from((held >> bits) & 255).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the vectors of RFC 6238, appendix B.
    const RFC: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        assert_eq!(base32(b"12345678901234567890"), RFC);
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(RFC, at(seconds)).as_deref(), Some(expected), "{seconds}");
        }
    }

    #[test]
    fn a_code_fits_half_a_minute_early_or_late_and_no_longer() {
        let now = 1_795_510_800;
        let here = code(RFC, at(now)).unwrap();
        for (later, fits) in [(-30, true), (0, true), (30, true), (60, false), (-31, false)] {
            assert_eq!(step_of(RFC, &here, at(now + later)).is_some(), fits, "{later}");
        }
        let spaced = format!("{} {}", &here[..3], &here[3..]);
        assert_eq!(step_of(RFC, &spaced, at(now)), Some(now / 30));
        for wrong in ["", "12345", "1234567", "abcdef", "１２３４５６", "287082x"] {
            assert_eq!(step_of(RFC, wrong, at(now)), None, "{wrong}");
        }
        assert_eq!(step_of("not base32!", &here, at(now)), None);
    }

    #[test]
    fn secrets_and_recovery_codes_are_new_each_time_and_long_enough() {
        let (one, other) = (secret().unwrap(), secret().unwrap());
        assert!(one != other && one.len() == 32);
        let codes = recovery_codes().unwrap();
        let different: std::collections::BTreeSet<&String> = codes.iter().collect();
        assert_eq!((different.len(), codes[0].len()), (10, 14));
        assert_eq!(plain_recovery_code(&codes[0].to_lowercase()), plain_recovery_code(&codes[0]));
        assert!(address(&one, "а b").starts_with("otpauth://totp/Gradus:%D0%B0%20b?secret="));
    }
}
