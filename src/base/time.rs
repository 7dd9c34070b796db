//! Points in time as documents carry them: RFC 3339, UTC.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A point in time, in documents an RFC 3339 text in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub jiff::Timestamp);

impl Timestamp {
    /// From whole seconds since 1970 (a file's mtime); out of range is the nearest end.
    pub fn from_unix(seconds: i64) -> Self {
        let clamped = seconds.clamp(jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
        Timestamp(jiff::Timestamp::from_second(clamped).unwrap_or(jiff::Timestamp::UNIX_EPOCH))
    }

    /// The second that this point lies in: what people read.
    pub fn whole_seconds(&self) -> Self {
        Timestamp::from_unix(self.0.as_second())
    }

    /// Time from `earlier` to this point; zero if it is not earlier.
    pub fn since(&self, earlier: Timestamp) -> Duration {
        let seconds = self.0.duration_since(earlier.0);
        Duration::try_from(seconds).unwrap_or(Duration::ZERO)
    }

    /// This point moved by `seconds`; the nearest end if it leaves the range.
    pub fn plus_seconds(&self, seconds: i64) -> Self {
        Timestamp::from_unix(self.0.as_second().saturating_add(seconds))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}", self.0)
    }
}

/// A duration as people read it: `8s`, `4m 10s`, `3h 02m`, `2d 4h`.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (seconds, text) in [(8, "8s"), (250, "4m 10s"), (10_920, "3h 02m"), (187_200, "2d 4h")] {
            assert_eq!(human(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn odd_times_do_not_panic() {
        let far = Timestamp::from_unix(i64::MAX);
        assert_eq!(Timestamp::from_unix(0).since(far), Duration::ZERO);
        assert_eq!(far.plus_seconds(i64::MAX), far);
        assert_eq!(Timestamp::from_unix(0).to_string(), "1970-01-01T00:00:00Z");
    }
}
