//! The clock, as a value that is passed in. This file is the only place that reads the time of day.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use gradus_engine::time::{Millis, Timestamp};

/// Something that knows what time it is.
pub trait Clock: Send + Sync {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |span| -span),
        };
        Timestamp::from_millis(millis)
    }
}

/// A clock that stands still until it is moved; its clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    millis: Arc<AtomicI64>,
}

impl ManualClock {
    /// Makes a clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { millis: Arc::new(AtomicI64::new(now.millis())) }
    }

    /// Moves the clock forward.
    pub fn advance(&self, span: Millis) {
        self.set(self.now().plus(span));
    }

    /// Sets the clock, also backwards.
    pub fn set(&self, now: Timestamp) {
        self.millis.store(now.millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = ManualClock::at(Timestamp::from_millis(5));
        let same = clock.clone();
        clock.advance(Millis::seconds(2));
        assert_eq!(same.now(), Timestamp::from_millis(2005));
    }

    #[test]
    fn the_system_clock_is_later_than_the_first_commit() {
        assert!(SystemClock.now() > Timestamp::from_millis(1_760_000_000_000));
    }
}
