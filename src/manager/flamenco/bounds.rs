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
    /// How long a submission without an answer may still be on its way. Proxies and a busy Manager say that, not whoever
    /// waits: a short patience does not make it shorter.
    pub arrival: Duration,
}

/// How many times longer what takes a Manager time may take than a short answer.
const LONGER: u32 = 4;

impl Bounds {
    /// The bounds for a Manager that may take `short` for a short answer: whoever shortens that does not want to wait
    /// minutes for a list from a Manager that is stuck.
    pub fn with_short(short: Option<Duration>) -> Self {
        let usual = Bounds::default();
        let Some(short) = short else { return usual };
        Bounds { long: short * LONGER, arrival: usual.arrival.max(short), ..usual }
    }
}

impl Default for Bounds {
    /// A list may be of two hundred thousand jobs or tasks.
    fn default() -> Self {
        let pauses = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3)];
        Bounds { pauses, long: Duration::from_secs(120), list: 128 << 20, arrival: Duration::from_secs(30) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_patience_does_not_shorten_the_way_of_a_submission() {
        let arrival = |seconds| Bounds::with_short(Some(Duration::from_secs(seconds))).arrival.as_secs();
        assert_eq!((arrival(1), arrival(30), arrival(90)), (30, 30, 90));
    }
}
