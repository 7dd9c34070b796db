//! What an operation receives: the volume, the Manager, and somebody to tell how far it is.

use crate::base::error::{Class, Failure};
use crate::base::name::JobRef;
use crate::manager::Manager;
use crate::volume::Volume;
use crate::volume::lock::LockWait;

/// The bundle that every operation works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The opened volume.
    pub volume: &'a Volume,
    /// The queue.
    pub manager: &'a dyn Manager,
    /// Who is told about progress.
    pub progress: &'a dyn Progress,
    /// Who is doing this: written into jobs, locks and release files.
    pub actor: &'a Actor,
}

impl Ports<'_> {
    /// Fails once somebody asked to end. Called between two steps, where what is begun is in order; whoever knows how far
    /// the operation came says so.
    pub fn go_on(&self) -> Result<(), Failure> {
        match self.progress.interrupted() {
            None => Ok(()),
            Some(signal) => Err(Failure::new(Class::Interrupted(signal), "interrupted")),
        }
    }
}

/// Who runs a command, from where, with what patience and how many hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user's name.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The command, as typed.
    pub command: String,
    /// How long to wait for a lock that another run holds.
    pub lock_wait: LockWait,
    /// Threads for reading and checking files, at least 1.
    pub threads: usize,
}

/// A long part of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Scene files are read.
    Scenes,
    /// Digests are computed; amounts are bytes.
    Digests,
    /// Files are copied onto the volume; amounts are bytes.
    Copies,
    /// Frames are checked.
    Frames,
    /// Frames are moved.
    Moves,
    /// Contact sheets and videos are made.
    Previews,
    /// Jobs are told something.
    Orders,
}

/// How far one job's rendering is.
#[derive(Debug, Clone, PartialEq)]
pub struct JobProgress {
    /// The job.
    pub job: JobRef,
    /// Frames that lie finished in `out/`.
    pub done: u64,
    /// Frames expected.
    pub total: u64,
    /// A word about it: a status, a failure.
    pub word: String,
}

/// Hears how far an operation is, and may ask for its end. Every method may be ignored; amounts are in the stage's unit.
pub trait Progress: Sync {
    /// A stage of `total` begins.
    fn begin(&self, _stage: Stage, _total: u64) {}
    /// `amount` more of the current stage is done.
    fn advance(&self, _amount: u64) {}
    /// A job's rendering has come further.
    fn job(&self, _progress: &JobProgress) {}
    /// Something that people want to know now, in one line.
    fn note(&self, _text: &str) {}
    /// The signal by which somebody asked to end, once one came.
    fn interrupted(&self) -> Option<i32> {
        None
    }
}

/// Hears nothing.
pub struct Silent;
impl Progress for Silent {}
