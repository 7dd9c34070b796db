//! Making good what dead workers left: their renderers killed, then their tasks back in the queue, their temporary
//! folders gone. In this order, so that no task is ever worked on twice at once.

use super::Local;
use super::presence::release_attempt;
use super::rows::{json, time};
use super::store::{Fault, PATIENCE};
use crate::base::ids::{JobId, TaskId, WorkerId};
use crate::base::time::Timestamp;
use crate::manager::ManagerError;
use crate::sys::clock;
use crate::sys::process::identity::Life;
use crate::sys::process::stray::{self, Recorded};
use crate::sys::process::{HostId, ProcessId, scratch};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// What was made good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The names of workers that were found dead.
    pub workers: Vec<String>,
    /// Their tasks, back in the queue.
    pub requeued: Vec<TaskId>,
    /// How many processes of their renderers were killed.
    pub killed: usize,
    /// Temporary folders that were removed.
    pub swept: Vec<PathBuf>,
    /// What could not be made good, and why; the tasks concerned stay `active`.
    pub left: Vec<String>,
}

impl Recovered {
    /// Whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Recovered::default()
    }
}

/// So long after its last sign of life a worker that cannot be seen is dead: one in a container on this host, or one of an
/// earlier start of it. Workers give signs every ten seconds.
const DEAD_AFTER: Duration = Duration::from_secs(3 * 60);

/// A worker that is dead, or signed off.
struct Dead {
    id: WorkerId,
    name: String,
    renderer: Option<Recorded>,
}

/// Whether a worker of the queue of `host` is dead, by its process where that can be seen, else by its silence.
pub(super) fn is_dead(process: &ProcessId, last_seen: Timestamp, host: &HostId, now: Timestamp) -> bool {
    let is_silent = now.since(last_seen) > DEAD_AFTER;
    match process.life() {
        Life::Runs => false,
        Life::Unseen => is_silent,
        // Of machines without an id, two that bear one name look like one that was restarted.
        Life::Ended if host.machine.is_empty() && !process.is_of_this_boot().unwrap_or(false) => is_silent,
        Life::Ended => true,
    }
}

impl Local {
    /// The names of workers that died at work and were not made good yet. Looks only.
    pub fn dead_workers(&self) -> Result<Vec<String>, ManagerError> {
        Ok(self
            .read(|connection| dead(connection, &self.settings.host))?
            .unwrap_or_default()
            .into_iter()
            .map(|worker| worker.name)
            .collect())
    }

    /// Makes good what dead workers left. Done also by every call that looks at or takes tasks; this one tells of it,
    /// and sweeps the temporary folders.
    pub fn recover(&self) -> Result<Recovered, ManagerError> {
        let mut done = self.sweep(PATIENCE).map_err(|fault| self.explain(fault))?;
        let base = self.settings.scratch();
        let listed = scratch::list(&base).map_err(|error| self.explain(error.into()))?;
        if !listed.is_empty() {
            let live = self.read(marks)?.unwrap_or_default();
            match scratch::sweep(&base, listed, |mark| live.contains(mark)) {
                Ok(swept) => done.swept = swept,
                Err(error) => done.left.push(format!("{}: {error}", base.display())),
            }
        }
        Ok(done)
    }

    /// Whether no worker can write for this job any more, be it canceled or deleted.
    pub fn is_quiet(&self, job: &JobId) -> Result<bool, ManagerError> {
        self.sweep(PATIENCE).map_err(|fault| self.explain(fault))?;
        let query = "SELECT NOT EXISTS (SELECT 1 FROM worker WHERE job = ?1 AND mark IS NOT NULL)";
        let quiet = self.read(|connection| Ok(connection.query_row(query, (&job.0,), |row| row.get(0))?))?;
        Ok(quiet.unwrap_or(true))
    }

    /// Kills the renderers of dead workers and puts their tasks back.
    pub(super) fn sweep(&self, patience: Duration) -> Result<Recovered, Fault> {
        let mut done = Recovered::default();
        let dead = self.read_within(patience, |connection| dead(connection, &self.settings.host))?;
        for worker in dead.unwrap_or_default() {
            match worker.renderer.as_ref().map_or(Ok(0), stray::kill) {
                Ok(killed) => done.killed += killed,
                Err(error) => {
                    done.left.push(format!("worker {} is dead, its renderer is not: {error}", worker.name));
                    continue;
                }
            }
            // Nothing of its renderer is left, and its process is gone: whoever else swept at once did the same.
            let requeued = self.write_within(patience, |tx| {
                let requeued = release_attempt(tx, &worker.id, "its worker died")?;
                tx.execute("UPDATE worker SET status = 'offline' WHERE id = ?1", (&worker.id.0,))?;
                Ok(requeued)
            })?;
            done.requeued.extend(requeued);
            done.workers.push(worker.name);
        }
        Ok(done)
    }
}

/// The workers that are neither signed off nor alive.
fn dead(connection: &Connection, host: &HostId) -> Result<Vec<Dead>, Fault> {
    let now = clock::now();
    let mut select = connection.prepare_cached(
        "SELECT id, name, process, mark, leader, last_seen FROM worker WHERE status <> 'offline' OR mark IS NOT NULL",
    )?;
    let workers = select.query_map((), |row| {
        if !is_dead(&json(row, 2)?, time(row, 5)?, host, now) {
            return Ok(None);
        }
        let leader = row.get::<_, Option<String>>(4)?.map(|_| json(row, 4)).transpose()?;
        let mark: Option<String> = row.get(3)?;
        let renderer = mark.map(|mark| Recorded { mark, leader });
        Ok(Some(Dead { id: WorkerId(row.get(0)?), name: row.get(1)?, renderer }))
    })?;
    Ok(workers.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}

/// The marks of the attempts at work.
fn marks(connection: &Connection) -> Result<BTreeSet<String>, Fault> {
    let mut select = connection.prepare("SELECT mark FROM worker WHERE mark IS NOT NULL")?;
    let marks = select.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_die_by_process_where_it_is_seen_and_by_silence_where_not() {
        let this = ProcessId::this().unwrap();
        let host = HostId { name: this.host.clone(), machine: "a machine".into() };
        let nameless = HostId { machine: String::new(), ..host.clone() };
        let contained = ProcessId { boot_id: format!("{}+pid:[7]", this.boot_id), ..this.clone() };
        let restarted = ProcessId { boot_id: "before".into(), ..this.clone() };
        let ended = ProcessId { start_time: 1, ..this.clone() };
        let dead = |process: &ProcessId, host: &HostId| {
            [1, 4].map(|minutes| is_dead(process, Timestamp::from_unix(0), host, Timestamp::from_unix(60 * minutes)))
        };
        assert_eq!(dead(&this, &host), [false, false], "a process that runs is alive however silent");
        assert_eq!(dead(&ended, &nameless), [true, true]);
        assert_eq!(dead(&contained, &host), [false, true]);
        assert_eq!(dead(&restarted, &host), [true, true]);
        assert_eq!(dead(&restarted, &nameless), [false, true]);
    }
}
