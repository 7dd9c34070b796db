//! How many requests to have under way: as many as make it faster, and no more.
//!
//! A Manager that does one after the other (measured: 3.9 cancels 570 a second, by one connection or by 64) is asked by
//! few; one that is far off, or does them side by side, by many.

use std::time::Duration;

/// The most that are under way.
const MOST: usize = 64;
/// How many are under way at first.
const FIRST: usize = 4;
/// So many answers tell how fast it goes, for each that is under way, and at least.
const ROUNDS: usize = 3;
const FEWEST: usize = 32;
/// Twice as many have to be so much faster to be worth it.
const GAIN: f64 = 1.05;

/// How many requests are under way, by how fast their answers come.
#[derive(Debug)]
pub(super) struct Pace {
    at_once: usize,
    /// Answers since the number was set, and when that was.
    answers: usize,
    since: Duration,
    /// Answers a second with half as many.
    before: f64,
    is_settled: bool,
}

impl Pace {
    pub(super) fn new() -> Self {
        Pace { at_once: FIRST, answers: 0, since: Duration::ZERO, before: 0.0, is_settled: false }
    }

    /// How many shall be under way.
    pub(super) fn at_once(&self) -> usize {
        self.at_once
    }

    /// An answer came, so long after the beginning.
    pub(super) fn answered(&mut self, at: Duration) {
        self.answers += 1;
        if self.is_settled || self.answers < (self.at_once * ROUNDS).max(FEWEST) {
            return;
        }
        let speed = self.answers as f64 / at.saturating_sub(self.since).as_secs_f64().max(1e-6);
        match speed > self.before * GAIN {
            true if self.at_once < MOST => {
                self.before = speed;
                self.set(self.at_once * 2, at);
            }
            true => self.is_settled = true,
            false => {
                self.is_settled = true;
                self.set(self.at_once / 2, at);
            }
        }
    }

    /// It has too much to do: half as many, and no more than that.
    pub(super) fn is_busy(&mut self, at: Duration) {
        self.is_settled = true;
        self.set(self.at_once / 2, at);
    }

    fn set(&mut self, at_once: usize, at: Duration) {
        self.at_once = at_once.clamp(1, MOST);
        (self.answers, self.since) = (0, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number that it comes to, where `speed` says how many answers a second so many requests get.
    fn comes_to(speed: impl Fn(usize) -> f64) -> usize {
        let (mut pace, mut at) = (Pace::new(), 0.0);
        for _ in 0..2000 {
            at += 1.0 / speed(pace.at_once());
            pace.answered(Duration::from_secs_f64(at));
        }
        pace.at_once()
    }

    #[test]
    fn as_many_as_help() {
        assert_eq!(comes_to(|_| 570.0), FIRST, "one after the other");
        assert_eq!(comes_to(|at_once| at_once as f64 / 0.005), MOST, "far off");
        assert_eq!(comes_to(|at_once| (at_once as f64 / 0.005).min(3000.0)), 16);
    }

    #[test]
    fn a_busy_manager_is_asked_by_fewer() {
        let mut pace = Pace::new();
        (1..2000).for_each(|n| pace.answered(Duration::from_millis(n)));
        pace.is_busy(Duration::from_secs(3));
        pace.is_busy(Duration::from_secs(3));
        assert_eq!(pace.at_once(), 1);
    }
}
