//! Signed webhooks by the Standard Webhooks scheme: the receiver can tell who sent a message, and that it is fresh.

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gradus_engine::time::Timestamp;
use ring::hmac;

use crate::config::Secret;

/// The key that signs. It is never shown.
#[derive(Clone)]
pub struct Key(hmac::Key);

impl Key {
    /// Reads `whsec_` and base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(secret: &Secret) -> Result<Self> {
        let text = secret.reveal().strip_prefix("whsec_").context("a secret begins with whsec_")?;
        let bytes = STANDARD.decode(text).ok().context("what follows whsec_ is no base64")?;
        if !(24..=64).contains(&bytes.len()) {
            bail!("a secret has 24 to 64 bytes, this one has {}", bytes.len());
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// Returns the headers of a message.
    pub fn headers(&self, id: &str, at: Timestamp, body: &str) -> Vec<(&'static str, String)> {
        let seconds = at.millis().div_euclid(1000);
        let tag = hmac::sign(&self.0, format!("{id}.{seconds}.{body}").as_bytes());
        vec![
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", format!("v1,{}", STANDARD.encode(tag.as_ref()))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<Key> {
        let config = crate::config::Config::from(
            None,
            [("GRADUS_TELEGRAM__TOKEN".to_owned(), text.to_owned())].into_iter(),
        );
        Key::parse(&config.unwrap().telegram.token)
    }

    #[test]
    fn a_message_is_signed_as_the_scheme_shows() {
        // The example of the reference libraries.
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_millis(1_614_265_330_999);
        let headers = key.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        assert_eq!(headers[1].1, "1614265330");
        assert_eq!(headers[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_of_another_form_is_refused_without_being_repeated() {
        for wrong in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_short", "whsec_!!!", "whsec_c2hvcnQ="] {
            let error = format!("{:#}", key(wrong).err().unwrap());
            assert!(!error.contains(wrong), "{error}");
        }
    }
}
