//! Until when a certificate is valid. Only the dates are read: whether it is right is told by the TLS library.

use anyhow::{Context, Result};
use gradus_engine::time::Timestamp;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::Finding;

/// A certificate that ends sooner than this is spoken of.
const WARN_DAYS: i64 = 14;
const DAY_MS: i64 = 86_400_000;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;

/// Returns until when the first certificate of a PEM file is valid.
pub fn expiry(path: &str) -> Result<Timestamp> {
    let certificate = CertificateDer::pem_file_iter(path)
        .with_context(|| format!("cannot read {path}"))?
        .next()
        .with_context(|| format!("there is no certificate in {path}"))?
        .with_context(|| format!("{path} is no PEM"))?;
    not_after(&certificate).with_context(|| format!("the dates of {path} cannot be read"))
}

/// Says whether a certificate lasts.
pub fn judge(until: Timestamp, now: Timestamp) -> Finding {
    let days = (until.millis() - now.millis()).div_euclid(DAY_MS);
    let cure = "get a new certificate and start the server again";
    if until < now {
        Finding::wrong("TLS", format!("the certificate ended {} days ago", -days), cure)
    } else if days < WARN_DAYS {
        Finding::wrong("TLS", format!("the certificate ends in {days} days"), cure)
    } else {
        Finding::well("TLS", format!("certificate and key fit together, valid for {days} more days"))
    }
}

/// Walks to the second date of the validity: X.509 has it after version, number, algorithm and issuer.
fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = item(der)?;
    let (SEQUENCE, mut rest, _) = item(certificate)? else { return None };
    if let (VERSION, _, after) = item(rest)? {
        rest = after;
    }
    for _ in 0..3 {
        rest = item(rest)?.2;
    }
    let (_, validity, _) = item(rest)?;
    let (_, _, after) = item(validity)?;
    let (tag, text, _) = item(after)?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let text = match (tag, text.get(..2)?.parse::<u32>().ok()?) {
        // Years of two digits: RFC 5280 reads them from 1950 to 2049.
        (UTC_TIME, 50..) => format!("19{text}"),
        (UTC_TIME, _) => format!("20{text}"),
        _ => text.to_owned(),
    };
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", &text).ok()?;
    Some(Timestamp::from_millis(jiff::tz::TimeZone::UTC.to_timestamp(time).ok()?.as_millisecond()))
}

/// Splits one item of DER off: its tag, its content, what follows.
fn item(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `openssl req -x509 -newkey ed25519 -nodes -subj /CN=gradus -days 3650`.
    const PEM: &str = "-----BEGIN CERTIFICATE-----\n\
        MIIBNjCB6aADAgECAhQScn0DilnT82IXMI2V1gMiq1NPBTAFBgMrZXAwETEPMA0G\n\
        A1UEAwwGZ3JhZHVzMB4XDTI2MTEyNTAxNTg1M1oXDTM2MTEyMjAxNTg1M1owETEP\n\
        MA0GA1UEAwwGZ3JhZHVzMCowBQYDK2VwAyEAZqS5BgGWTfZxxB7PhLCF0LvfARQ4\n\
        /yQfmuvLOtBu5XWjUzBRMB0GA1UdDgQWBBQRw5m43KvYU+FxBPFnOofysb/rFDAf\n\
        BgNVHSMEGDAWgBQRw5m43KvYU+FxBPFnOofysb/rFDAPBgNVHRMBAf8EBTADAQH/\n\
        MAUGAytlcANBADxeprRHN7m1xAq+Qe/1uNzTGaHqDxnsYefBA7eBQ+3fw7eQx3KX\n\
        v9L0O5lBk+KVIIalgMupu7P/VAL1HYAWkQ8=\n\
        -----END CERTIFICATE-----";

    #[test]
    fn the_end_of_a_certificate_is_read_and_judged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.pem");
        std::fs::write(&path, PEM).unwrap();
        let until = expiry(path.to_str().unwrap()).unwrap();
        assert_eq!(until, Timestamp::from_millis(2_110_931_933_000));
        let days_before = |days: i64| Timestamp::from_millis(until.millis() - days * DAY_MS);
        assert!(judge(until, days_before(100)).found.contains("100 more days"));
        assert!(judge(until, days_before(5)).found.contains("ends in 5 days"));
        assert!(judge(until, days_before(-2)).found.contains("ended 2 days ago"));
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        for bytes in [&b""[..], b"\x30", b"\x30\x05abc", b"\x30\x84\xff\xff\xff\xff", &[0x30; 200]] {
            assert_eq!(not_after(bytes), None);
        }
    }
}
