//! How long the client waits, how often, and how much it reads.

use std::time::Duration;

/// How long the client waits, how often, and how much it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Between tries of what may be repeated. A request that timed out has been waited for long enough already: it is
    /// repeated once, if it was a short one, and not at all, if all of [`Bounds::long`] is over.
    pub pauses: [Duration; 3],
    /// For what takes a Manager time: compiling a large job, listing ten thousand. Also for all tries of one request
    /// together, whatever it is.
    pub long: Duration,
    /// The longest list that is read, in bytes.
    pub list: u64,
}

/// How many times longer what takes a Manager time may take than a short answer.
const LONGER: u32 = 4;

impl Bounds {
    /// The bounds for a Manager that may take `short` for a short answer: whoever shortens that does not want to wait
    /// minutes for a list from a Manager that is stuck.
    pub fn with_short(short: Option<Duration>) -> Self {
        let usual = Bounds::default();
        Bounds { long: short.map_or(usual.long, |short| short * LONGER), ..usual }
    }

    /// For a short answer.
    pub fn short(&self) -> Duration {
        self.long / LONGER
    }
}

impl Default for Bounds {
    /// A list may be of two hundred thousand jobs or tasks.
    fn default() -> Self {
        let pauses = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3)];
        Bounds { pauses, long: Duration::from_secs(120), list: 128 << 20 }
    }
}
