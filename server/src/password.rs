//! Passwords: argon2id with the library's defaults (19 MiB, 2 passes: OWASP's recommendation), and random tokens.

use anyhow::{Result, bail};
use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};

/// Shortest password.
const SHORTEST: usize = 8;

/// Returns the hash to be stored.
///
/// # Errors
/// When the password is too short.
pub fn hash(password: &str) -> Result<String> {
    if password.chars().count() < SHORTEST {
        bail!("the password is too short: at least {SHORTEST} characters");
    }
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt)
        .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| anyhow::anyhow!("{error}"))?;
    let hash = Argon2::default()
        .hash_password(password.as_bytes(), &salt)
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(hash.to_string())
}

/// Says whether a password fits a stored hash.
pub fn fits(password: &str, stored: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(stored) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok()
}

/// Returns a random token of 256 bits in hexadecimal.
///
/// # Errors
/// When the system gives no random numbers.
pub fn token() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_only_its_own_hash() {
        let stored = hash("правильный пароль").unwrap();
        assert!(fits("правильный пароль", &stored));
        assert!(!fits("другой пароль", &stored));
        assert!(hash("коротк").is_err());
    }
}
