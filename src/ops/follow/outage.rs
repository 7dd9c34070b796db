//! Bearing with a Manager that is away for a while.

use crate::base::error::{Class, Failure};
use crate::ops::ports::Ports;
use crate::sys::clock::{self, Stopwatch};
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
            Ok(done) => return Ok(done),
            Err(failure) => outage.bear(ports, Err(failure), patience)?,
        }
        ports.go_on()?;
        clock::sleep(ports.manager.look_again());
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
            Err(failure) if failure.class() != Class::Manager => Err(failure),
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
