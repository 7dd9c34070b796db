//! Bearing with a Manager that is away for a while.

use crate::base::error::{Class, Failure};
use crate::ops::ports::Ports;
use crate::sys::clock::Stopwatch;
use crate::sys::interrupt;
use std::time::Duration;

/// Does `work`, which may be repeated, until it is not the Manager's being away that keeps it from its end, or that has
/// lasted longer than `patience`.
pub fn through_outages<T>(
    ports: &Ports<'_>,
    patience: Duration,
    mut work: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut outage = Outage::default();
    loop {
        match work() {
            Ok(done) => {
                outage.bear(ports, Ok(()), patience)?;
                return Ok(done);
            }
            Err(failure) => outage.bear(ports, Err(failure), patience)?,
        }
        interrupt::rest(ports.manager.look_again());
        ports.go_on()?;
    }
}

/// A Manager that is away: restarted, or behind a line that is cut. Its workers go on meanwhile.
#[derive(Default)]
pub(super) struct Outage(Option<Stopwatch>);

impl Outage {
    /// Says once that it began and once that it is over; what lasts longer than `patience` is a failure.
    pub(super) fn bear(
        &mut self,
        ports: &Ports<'_>,
        looked: Result<(), Failure>,
        patience: Duration,
    ) -> Result<(), Failure> {
        match looked {
            Ok(()) => {
                if self.0.take().is_some() {
                    ports.progress.note("the Manager answers again");
                }
                Ok(())
            }
            // Without patience there is no outage to tell of, only a failure.
            Err(failure) if failure.class() != Class::Manager || patience.is_zero() => Err(failure),
            Err(failure) => {
                let since = match &self.0 {
                    Some(since) => since,
                    None => {
                        ports.progress.note(&format!("{failure}; what is being rendered goes on, looking again"));
                        self.0.insert(Stopwatch::start())
                    }
                };
                if since.has_passed(patience) { Err(failure) } else { Ok(()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::notes::Notes;
    use super::*;
    use crate::ops::check::room::Room;

    /// What is said while the Manager is away at the first `away` looks, and how it ends.
    fn told(away: usize, patience: Duration) -> (Result<usize, Failure>, Vec<String>) {
        let room = Room::new(&[("A", "1-3")]);
        let notes = Notes::default();
        let ports = Ports { progress: &notes, ..room.ports() };
        let mut looks = 0;
        let outcome = through_outages(&ports, patience, || {
            looks += 1;
            if looks > away { Ok(looks) } else { Err(Failure::new(Class::Manager, "away")) }
        });
        (outcome, notes.take())
    }

    #[test]
    fn an_outage_is_told_of_once_when_it_begins_and_once_when_it_ends() {
        let (outcome, notes) = told(3, Duration::from_secs(60));
        assert_eq!(outcome.expect("it came back"), 4);
        assert_eq!(notes, ["away; what is being rendered goes on, looking again", "the Manager answers again"]);
        assert_eq!(told(0, Duration::from_secs(60)).1, [""; 0]);
    }

    #[test]
    fn without_patience_there_is_only_the_failure() {
        let (outcome, notes) = told(1, Duration::ZERO);
        assert_eq!((outcome.expect_err("away").message().as_str(), notes.len()), ("away", 0));
    }
}
