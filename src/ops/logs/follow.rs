//! Going on with logs while they grow.

use super::read::{Extent, begin, rest};
use super::{LogsRequest, Reader, TaskLog, survey};
use crate::base::error::Failure;
use crate::base::ids::TaskId;
use crate::base::time::Timestamp;
use crate::ops::ports::Ports;
use crate::sys::clock::Stopwatch;
use crate::sys::interrupt;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

/// While nothing comes, looks become rarer, up to so many times the Manager's own pace.
const RAREST: u32 = 8;
/// Looking may take no more than this part of the time: a list of many thousand tasks takes a Manager seconds.
const SHARE: u32 = 4;

/// How far a log was handed on.
struct Told {
    to: u64,
    /// What the task was then: an ended one that did not change since has nothing more to say.
    as_of: Timestamp,
    is_over: bool,
}

/// Hands on the logs, and what comes to them until the last job that is meant has ended; the number of logs.
pub fn follow(
    ports: &Ports<'_>,
    request: &LogsRequest,
    extent: Extent,
    reader: &mut dyn Reader,
) -> Result<usize, Failure> {
    let mut following = Following { ports, extent, told: HashMap::new(), last: None };
    let base = ports.manager.look_again();
    let mut pause = base;
    let mut ends = false;
    loop {
        let watch = Stopwatch::start();
        let found = survey(ports, request)?;
        let mut news = false;
        for log in &found.tasks {
            match following.go_on_with(log, reader)? {
                ControlFlow::Break(()) => return Ok(following.told.len()),
                ControlFlow::Continue(came) => news |= came,
            }
        }
        // A Manager writes its last lines after it has said that the job has ended.
        if ends && !found.is_open {
            return Ok(following.told.len());
        }
        ends = !found.is_open;
        pause = next_pause(pause, base, news || ends).max(watch.elapsed() * SHARE);
        interrupt::rest(pause);
        ports.go_on()?;
    }
}

fn next_pause(last: Duration, base: Duration, news: bool) -> Duration {
    if news { base } else { (last * 2).min(base * RAREST) }
}

struct Following<'a> {
    ports: &'a Ports<'a>,
    extent: Extent,
    told: HashMap<TaskId, Told>,
    /// Whose bytes were handed on last.
    last: Option<TaskId>,
}

impl Following<'_> {
    /// Whether there was anything new; Break: nobody reads on.
    fn go_on_with(&mut self, log: &TaskLog, reader: &mut dyn Reader) -> Result<ControlFlow<(), bool>, Failure> {
        let told = self.told.get(&log.id);
        if told.is_some_and(|told| told.is_over && told.as_of == log.updated) {
            return Ok(ControlFlow::Continue(false));
        }
        let from = match told.map(|told| told.to) {
            Some(to) => Some(to),
            None => begin(self.ports, &log.id, self.extent)?,
        };
        let Some(from) = from else { return Ok(ControlFlow::Continue(false)) };
        let mut headed = Headed { log, reader, is_headed: self.last.as_ref() == Some(&log.id) };
        let (flow, to) = rest(self.ports, &log.id, from, &mut headed)?;
        if headed.is_headed && to > from {
            self.last = Some(log.id.clone());
        }
        // Once more after its end, for what was written since this look began.
        let is_over = log.status.has_ended() && to == from;
        self.told.insert(log.id.clone(), Told { to, as_of: log.updated, is_over });
        Ok(flow.map_continue(|()| to > from))
    }
}

/// Says whose bytes they are, before the first of them.
struct Headed<'a> {
    log: &'a TaskLog,
    reader: &'a mut dyn Reader,
    is_headed: bool,
}

impl Reader for Headed<'_> {
    fn begins(&mut self, log: &TaskLog) -> ControlFlow<()> {
        self.reader.begins(log)
    }

    fn bytes(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        if !self.is_headed {
            self.is_headed = true;
            self.reader.begins(self.log)?;
        }
        self.reader.bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer_while_nothing_comes() {
        let base = Duration::from_secs(2);
        let mut pause = base;
        for seconds in [4, 8, 16, 16] {
            pause = next_pause(pause, base, false);
            assert_eq!(pause.as_secs(), seconds);
        }
        assert_eq!(next_pause(pause, base, true), base);
    }
}
