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
pub use worker::{Scope, Staying, WorkReport, WorkerHooks, WorkerOptions, work};

use super::ManagerError;
use crate::sys::process::HostId;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::{Fault, Opened};

/// How the local manager calls itself in messages.
const ADDRESS: &str = "local";

/// Where the queue is and what its worker runs.
#[derive(Debug, Clone)]
pub struct LocalSettings {
    /// `<volume>/.farm/local`, absolute.
    pub folder: PathBuf,
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
        let mut slot = self.slot();
        if slot.is_none() {
            *slot = match self.access {
                Access::Full => store::open_existing(&self.settings),
                Access::ReadOnly => store::open_read_only(&self.settings),
            }
            .map_err(|fault| self.explain(fault))?;
        }
        let Some(opened) = slot.as_mut() else { return Ok(None) };
        let outcome = store::in_transaction(&mut opened.connection, TransactionBehavior::Deferred, |tx| body(tx));
        if opened.is_copy() {
            // The next look shall see the queue, not this copy.
            *slot = None;
        }
        outcome.map(Some).map_err(|fault| self.explain(fault))
    }

    /// Changes the queue within one transaction that nobody else writes beside; makes the queue if there is none.
    fn write<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, ManagerError> {
        if self.access == Access::ReadOnly {
            return Err(ManagerError::Rejected {
                address: ADDRESS.into(),
                message: "the queue was opened for looking only".into(),
            });
        }
        let mut slot = self.slot();
        if slot.is_none() {
            *slot = Some(store::open_or_create(&self.settings).map_err(|fault| self.explain(fault))?);
        }
        let Some(opened) = slot.as_mut() else { return Err(self.explain(Fault::Missing("queue".into()))) };
        store::in_transaction(&mut opened.connection, TransactionBehavior::Immediate, body)
            .map_err(|fault| self.explain(fault))
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
