//! The queue of one machine: jobs and tasks in SQLite, and the worker that works them off.
//!
//! Statuses and rules are Flamenco's, so that whatever is built on [`crate::manager::Manager`] works on both. The queue is tied to one
//! host: SQLite's locks and the proof that a worker is dead hold on one host only.
//!
//! Nobody else may open and close `queue.sqlite` within this process: POSIX drops a process's locks at any close.

mod attempt;
mod calls;
mod change;
mod claim;
mod command;
mod failure;
mod jobs;
mod presence;
mod recovery;
mod rows;
mod schema;
mod store;
mod task_log;
pub mod transition;
mod variables;
mod worker;

pub use attempt::Ended;
pub use recovery::Recovered;
pub use worker::{Scope, Staying, Unready, WorkReport, WorkerHooks, WorkerOptions, work};

use super::ManagerError;
use crate::sys::clock::{self, Stopwatch};
use crate::sys::process::HostId;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Fault, Opened};

/// How the local manager calls itself in messages.
const ADDRESS: &str = "local";

/// Where the queue is and what its worker runs.
#[derive(Debug, Clone)]
pub struct LocalSettings {
    /// `<volume>/.farm/local`, absolute.
    pub folder: PathBuf,
    /// The volume, absolute. Fills in `{farmVolume}`; empty where nothing is submitted by it.
    pub volume: PathBuf,
    /// Blender's executable: a path, or a name that `PATH` has. Fills in `{blender}`.
    pub blender: String,
    /// Blender's first arguments. Fills in `{blenderArgs}`.
    pub blender_args: Vec<String>,
    /// ffmpeg's executable: a path, or a name that `PATH` has.
    pub ffmpeg: String,
    /// This host.
    pub host: HostId,
}

/// Whether scripts inside scenes may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Autoexec {
    /// They run, as on Flamenco: rigs and drivers need them.
    Enabled,
    /// They do not.
    Disabled,
}

impl Autoexec {
    /// Blender's first arguments, as Flamenco's variable `blenderArgs` has them.
    pub fn blender_args(self) -> Vec<String> {
        let scripts = match self {
            Autoexec::Enabled => "-y",
            Autoexec::Disabled => "--disable-autoexec",
        };
        vec!["-b".into(), scripts.into()]
    }
}

impl LocalSettings {
    /// The settings that hold where nothing else is said: `blender` and `ffmpeg` from `PATH`, scripts run.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        LocalSettings {
            folder: folder.into(),
            volume: PathBuf::new(),
            blender: "blender".into(),
            blender_args: Autoexec::Enabled.blender_args(),
            ffmpeg: "ffmpeg".into(),
            host: HostId::this(),
        }
    }

    /// The queue's file.
    pub fn queue(&self) -> PathBuf {
        self.folder.join("queue.sqlite")
    }

    /// Where the logs of tasks are: `<job id>/<task id>.txt`.
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// Where the renderers' temporary folders are.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.join("tmp")
    }
}

/// What a handle on the queue may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Full,
    ReadOnly,
}

/// The queue of one machine.
#[derive(Debug)]
pub struct Local {
    settings: LocalSettings,
    access: Access,
    store: Mutex<Option<Opened>>,
}

impl Local {
    /// The queue in the settings' folder. Made at the first call that changes something; without one it is empty.
    pub fn open(settings: LocalSettings) -> Result<Self, ManagerError> {
        Self::with_access(settings, Access::Full)
    }

    /// The same for looking only: changes nothing on disk, not even what a killed worker left, and refuses to.
    pub fn peek(settings: LocalSettings) -> Result<Self, ManagerError> {
        Self::with_access(settings, Access::ReadOnly)
    }

    fn with_access(settings: LocalSettings, access: Access) -> Result<Self, ManagerError> {
        let local = Local { settings, access, store: Mutex::new(None) };
        // A queue that is there is opened now, so that another host's is refused before anything begins.
        local.read(|_| Ok(()))?;
        Ok(local)
    }

    /// The settings it was opened with.
    pub fn settings(&self) -> &LocalSettings {
        &self.settings
    }

    /// Checks the whole queue file: SQLite's own structure and every reference. Fine if there is no queue yet.
    pub fn check_integrity(&self) -> Result<(), ManagerError> {
        self.read(store::check_integrity).map(Option::unwrap_or_default)
    }

    /// Reads within one transaction, so that all that is read is of one moment; `None` if there is no queue yet.
    fn read<T>(&self, body: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<Option<T>, ManagerError> {
        self.read_within(store::PATIENCE, body).map_err(|fault| self.explain(fault))
    }

    /// The same with another patience for other processes' transactions; zero is a moment.
    fn read_within<T>(
        &self,
        patience: Duration,
        body: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let watch = Stopwatch::start();
        let mut is_reopened = false;
        loop {
            let mut slot = self.slot();
            let is_stale = match self.begin_reading(&mut slot) {
                Ok(None) => return Ok(None),
                Ok(Some(tx)) => return body(&tx).map(Some),
                // Another farm was killed since this handle was opened: a new one sees past what that left.
                Err(fault) if fault.needs_rollback() && !is_reopened => true,
                Err(fault) => bear(fault, &watch, patience).map(|()| false)?,
            };
            if is_stale {
                *slot = None;
                is_reopened = true;
                continue;
            }
            // Within this process others may have their turn.
            drop(slot);
            clock::sleep(store::PAUSE);
        }
    }

    /// Changes the queue within one transaction that nobody else writes beside; makes the queue if there is none.
    fn write<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, ManagerError> {
        self.write_within(store::PATIENCE, body).map_err(|fault| self.explain(fault))
    }

    /// The same with another patience for other processes' transactions; zero is a moment.
    fn write_within<T>(
        &self,
        patience: Duration,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let watch = Stopwatch::start();
        loop {
            let mut slot = self.slot();
            match self.begin_writing(&mut slot) {
                Ok(tx) => {
                    let value = body(&tx)?;
                    store::commit(tx, || watch.has_passed(patience))?;
                    return Ok(value);
                }
                Err(fault) => bear(fault, &watch, patience)?,
            }
            drop(slot);
            clock::sleep(store::PAUSE);
        }
    }

    fn begin_reading<'a>(&self, slot: &'a mut Option<Opened>) -> Result<Option<Transaction<'a>>, Fault> {
        // Each look shall see the queue, not a copy that an earlier one made.
        drop(slot.take_if(|opened| opened.is_copy()));
        if slot.is_none() {
            *slot = match self.access {
                Access::Full => store::open_existing(&self.settings)?,
                Access::ReadOnly => store::open_read_only(&self.settings)?,
            };
        }
        let opened = slot.as_mut();
        opened.map(|opened| store::begin(&mut opened.connection, TransactionBehavior::Deferred)).transpose()
    }

    fn begin_writing<'a>(&self, slot: &'a mut Option<Opened>) -> Result<Transaction<'a>, Fault> {
        if self.access == Access::ReadOnly {
            return Err(Fault::Rejected("the queue was opened for looking only".into()));
        }
        if slot.is_none() {
            *slot = Some(store::open_or_create(&self.settings)?);
        }
        let opened = slot.as_mut().ok_or_else(|| Fault::Missing("queue".into()))?;
        store::begin(&mut opened.connection, TransactionBehavior::Immediate)
    }

    fn slot(&self) -> MutexGuard<'_, Option<Opened>> {
        // A panic within a transaction rolled it back; the connection is fit for use.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn explain(&self, fault: Fault) -> ManagerError {
        fault.explain(&self.settings.queue())
    }

    fn log_path(&self, job: &str, task: &str) -> PathBuf {
        self.settings.logs().join(Path::new(job)).join(format!("{task}.txt"))
    }
}

/// Fine if another process's transaction was in the way and may end yet.
fn bear(fault: Fault, watch: &Stopwatch, patience: Duration) -> Result<(), Fault> {
    if fault.is_busy() && !watch.has_passed(patience) { Ok(()) } else { Err(fault) }
}
