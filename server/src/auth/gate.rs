//! Slows the guessing of passwords: failures are counted by login and by address, and hashing is never done by more than
//! a few requests at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use gradus_engine::time::Timestamp;
use tokio::sync::Semaphore;

use crate::password;

/// Failures of one login within the window after which it has to wait.
const PER_LOGIN: u32 = 10;
/// Failures from one address within the window after which it has to wait: an office may share one.
const PER_ADDRESS: u32 = 100;
/// The window, in milliseconds.
const WINDOW_MS: i64 = 10 * 60 * 1000;
/// Most entries kept; when it is full of fresh ones, strangers wait.
const MOST: usize = 50_000;
/// Hashes computed at once: each takes 19 MiB.
const AT_ONCE: usize = 4;

/// Why the gate stays shut.
#[derive(Debug)]
pub enum GateError {
    /// Too many failures; try again in so many seconds.
    Wait(u64),
    /// The computation broke.
    Broken(anyhow::Error),
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    since_ms: i64,
}

/// The gate of one node.
pub struct Gate {
    failures: Mutex<HashMap<String, Failures>>,
    hashing: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self { failures: Mutex::default(), hashing: Semaphore::new(AT_ONCE) }
    }
}

impl Gate {
    /// Says whether a password fits a stored hash. A login that nobody has costs the same time.
    ///
    /// # Errors
    /// When the login or the address has failed too often lately.
    pub async fn fits(
        &self,
        (login, address): (&str, Option<IpAddr>),
        given: String,
        stored: Option<String>,
        now: Timestamp,
    ) -> Result<bool, GateError> {
        let keys = keys(login, address);
        self.check(&keys, now)?;
        let fits = self.hash(given, stored).await?;
        if !fits {
            self.failed(&keys, now);
        }
        Ok(fits)
    }

    /// Says whether something may be tried that is no password: a code.
    ///
    /// # Errors
    /// When it or the address has failed too often lately.
    pub fn allow(&self, (what, address): (&str, Option<IpAddr>), now: Timestamp) -> Result<(), GateError> {
        self.check(&keys(what, address), now)
    }

    /// Counts that what was allowed has failed.
    pub fn count_failure(&self, (what, address): (&str, Option<IpAddr>), now: Timestamp) {
        self.failed(&keys(what, address), now);
    }

    async fn hash(&self, given: String, stored: Option<String>) -> Result<bool, GateError> {
        let _turn = self.hashing.acquire().await.map_err(|error| GateError::Broken(error.into()))?;
        let computed = tokio::task::spawn_blocking(move || match stored {
            Some(stored) => password::fits(&given, &stored),
            None => {
                // The result does not matter, the time does.
                let _ = password::hash("a password that nobody has");
                false
            }
        });
        computed.await.map_err(|error| GateError::Broken(error.into()))
    }

    fn check(&self, keys: &[(String, u32)], now: Timestamp) -> Result<(), GateError> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MOST {
            failures.retain(|_, failed| now.millis() - failed.since_ms < WINDOW_MS);
        }
        for (key, limit) in keys {
            let Some(failed) = failures.get(key) else {
                if failures.len() >= MOST {
                    return Err(GateError::Wait(60));
                }
                continue;
            };
            let left_ms = failed.since_ms + WINDOW_MS - now.millis();
            if failed.count >= *limit && left_ms > 0 {
                return Err(GateError::Wait(u64::try_from(left_ms).unwrap_or(0).div_ceil(1000)));
            }
        }
        Ok(())
    }

    fn failed(&self, keys: &[(String, u32)], now: Timestamp) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys {
            let failed = failures.entry(key.clone()).or_insert(Failures { count: 0, since_ms: now.millis() });
            if now.millis() - failed.since_ms >= WINDOW_MS {
                *failed = Failures { count: 0, since_ms: now.millis() };
            }
            failed.count = failed.count.saturating_add(1);
        }
    }
}

fn keys(login: &str, address: Option<IpAddr>) -> Vec<(String, u32)> {
    let login: String = login.trim().to_lowercase().chars().take(64).collect();
    let mut keys = vec![(format!("login {login}"), PER_LOGIN)];
    keys.extend(address.map(|address| (format!("address {address}"), PER_ADDRESS)));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_login_that_failed_too_often_waits_and_may_try_again_later() {
        let gate = Gate::default();
        let start = Timestamp::from_millis(1_000_000);
        let keys = keys("Ann ", None);
        for _ in 0..PER_LOGIN {
            assert!(gate.check(&keys, start).is_ok());
            gate.failed(&keys, start);
        }
        let refused = gate.fits(("ann", None), "x".into(), None, start).await;
        assert!(matches!(refused, Err(GateError::Wait(600))), "{refused:?}");
        assert!(gate.check(&keys, Timestamp::from_millis(1_000_000 + WINDOW_MS)).is_ok());
        assert!(gate.check(&super::keys("bob", None), start).is_ok());
    }

    #[tokio::test]
    async fn a_missing_login_does_not_fit() {
        let fits =
            Gate::default().fits(("nobody", None), "secret".into(), None, Timestamp::from_millis(0)).await;
        assert!(matches!(fits, Ok(false)));
    }
}
