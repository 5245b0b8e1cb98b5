//! Measurements that the product carries with it: each prints one JSON line with figures, the peer of the same run and the
//! ratio. Machines differ and are busy, so ratios are what to trust.

pub mod cases;
pub mod detect;
pub mod live;
pub mod search;
pub mod speech;

use std::time::{Duration, Instant};

/// Times of many repetitions of one thing.
pub struct Times {
    each: Vec<Duration>,
    cpu: Duration,
}

impl Times {
    /// Runs `work` for every item and takes each time.
    #[expect(clippy::disallowed_methods, reason = "measuring is its purpose")]
    pub fn of<T>(items: &[T], mut work: impl FnMut(&T)) -> Self {
        let begin = thread_cpu();
        let mut each = Vec::with_capacity(items.len());
        for item in items {
            let began = Instant::now();
            work(item);
            each.push(began.elapsed());
        }
        let cpu = thread_cpu().saturating_sub(begin);
        each.sort_unstable();
        Self { each, cpu }
    }

    /// Returns how many a second of processor time of one core.
    pub fn per_second(&self) -> f64 {
        self.each.len() as f64 / self.cpu.as_secs_f64().max(1e-9)
    }

    /// Returns the time below which a share of them stays, in microseconds.
    pub fn at(&self, share: f64) -> f64 {
        let last = self.each.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place within the list"
        )]
        let place = ((last as f64) * share.clamp(0.0, 1.0)).round() as usize;
        self.each.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    }
}

/// Returns the processor time of this thread; on systems that do not tell, nothing.
pub fn thread_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// Returns the processor time of this process so far, user and system, in steps of 10 ms; nothing where the system does not tell.
pub fn process_cpu() -> Duration {
    // Fields 14 and 15 of the line, in hundredths of a second.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> =
        stat.rsplit_once(')').map_or_else(Vec::new, |(_, rest)| rest.split_whitespace().collect());
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// Returns the processor time of the living threads of this process whose names begin with `name`.
pub fn threads_cpu(name: &str) -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let named = threads.filter(|thread| {
        std::fs::read_to_string(thread.path().join("comm")).is_ok_and(|comm| comm.starts_with(name))
    });
    let nanos = named.filter_map(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// Returns the memory that this process holds and that is no file, in MiB; on systems that do not tell, nothing.
pub fn memory_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_sorted_and_asked_by_share() {
        let mut seen = 0;
        let times = Times::of(&[1, 2, 3], |number| seen += number);
        assert_eq!((seen, times.each.len()), (6, 3));
        assert!(times.at(0.0) <= times.at(0.5) && times.at(0.5) <= times.at(1.0));
        assert!(times.per_second() > 0.0);
        assert_eq!(Times::of(&[] as &[u8], |_| ()).at(0.5), 0.0);
    }
}
