//! The clock: the only place that reads the time and the only one that waits.

use crate::base::time::Timestamp;
use std::time::{Duration, Instant};

/// The time now, UTC.
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now())
}

/// Lets this thread rest for `duration`.
pub fn sleep(duration: Duration) {
    std::thread::sleep(duration);
}

/// `time` as `YYYY-MM-DD_HHMMSS` in this machine's time zone, fit for a file name.
pub fn local_stamp(time: Timestamp) -> String {
    time.0.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d_%H%M%S").to_string()
}

/// Measures time that passes, whatever happens to the wall clock.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts at zero.
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Whether `duration` has passed since the start.
    pub fn has_passed(&self, duration: Duration) -> bool {
        self.elapsed() >= duration
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes() {
        let watch = Stopwatch::start();
        let before = now();
        sleep(Duration::from_millis(2));
        assert!(watch.has_passed(Duration::from_millis(2)));
        assert!(!watch.has_passed(Duration::from_secs(60)));
        assert!(now() > before);
    }

    #[test]
    fn stamps_fit_into_file_names() {
        let stamp = local_stamp(Timestamp::from_unix(1_700_000_000));
        assert_eq!(stamp.len(), "2023-11-14_221320".len());
        assert!(stamp.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'_'), "{stamp}");
    }
}
