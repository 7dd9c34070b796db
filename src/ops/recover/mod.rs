//! `farm recover`: finishes or rolls back what a killed farm left.
//!
//! First [`survey`] looks and changes nothing; then [`recover`] goes through what was found, takes the lock that covers
//! each thing, looks again, and puts it in order. What belongs to a farm that still runs is left alone and said. The
//! Manager's side comes first: no renderer may still write while files are moved.

mod journals;
mod locks;
mod plan_journal;
mod runs;
mod temporaries;
mod workers;

use crate::base::error::{Class, Failure};
use crate::manager::Manager;
use crate::manager::local::Local;
use crate::ops::ports::{Actor, Ports, Progress};
use crate::volume::Volume;
use crate::volume::journal::{self, Account};
use crate::volume::lock::{self, Lock, LockError, LockWait, Requester, Scope, Standing};
use runs::Unsubmitted;
use temporaries::Temporary;

/// What recovery works with. Without a Manager it still does what needs none.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// The opened volume.
    pub volume: &'a Volume,
    /// The queue, or why it cannot be used.
    pub manager: Result<&'a dyn Manager, &'a Failure>,
    /// The same where it is this machine's own: its workers may have died.
    pub local: Option<&'a Local>,
    /// Who is told about progress.
    pub progress: &'a dyn Progress,
    /// Who is doing this.
    pub actor: &'a Actor,
}

/// What kind of thing was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A worker that died, with its renderer and its task.
    Worker,
    /// A change that was begun and not ended.
    Journal,
    /// A run that was planned and not submitted.
    Run,
    /// A file that was being written.
    Temporary,
    /// A lock that nobody holds any more.
    Lock,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Recovery would put it in order; nothing was changed yet.
    Due,
    /// What was begun is done now.
    Finished,
    /// What was begun is undone now; what had to go is in the trash.
    RolledBack,
    /// It is gone.
    Removed,
    /// Somebody is still at work on it.
    LeftAlone,
    /// It could not be put in order, and is as it was.
    Failed,
}

/// One thing that was left, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What kind of thing.
    pub kind: Kind,
    /// Which, in words.
    pub what: String,
    /// What became of it.
    pub verdict: Verdict,
    /// What exactly was done, or why not; may be empty.
    pub note: String,
}

impl Action {
    fn new(kind: Kind, what: impl Into<String>, verdict: Verdict, note: impl Into<String>) -> Action {
        Action { kind, what: what.into(), verdict, note: note.into() }
    }

    fn failed(kind: Kind, what: impl Into<String>, failure: &Failure) -> Action {
        Action::new(kind, what, Verdict::Failed, failure.message())
    }
}

/// What a killed farm left, as it was seen without any lock.
#[derive(Debug, Default)]
pub struct Leftovers {
    workers: Vec<String>,
    journals: Vec<Account>,
    not_filed: Vec<crate::base::ids::TransactionId>,
    runs: Vec<Unsubmitted>,
    temporaries: Vec<Temporary>,
    locks: Vec<Standing>,
}

/// Looks for what was left. Changes nothing; a journal that cannot be read stops it, for guessing loses frames.
pub fn survey(means: &Means<'_>) -> Result<Leftovers, Failure> {
    let journals = journal::survey(means.volume)?;
    Ok(Leftovers {
        workers: workers::survey(means)?,
        runs: runs::survey(means)?,
        journals: journals.unfinished,
        not_filed: journals.not_filed,
        temporaries: temporaries::survey(means.volume)?,
        locks: lock::standing(means.volume)?,
    })
}

impl Leftovers {
    /// What recovery would do, as far as that can be told without doing it.
    pub fn describe(&self) -> Vec<Action> {
        let due = |kind, what: String| Action::new(kind, what, Verdict::Due, "");
        let mut actions: Vec<Action> =
            self.workers.iter().map(|name| due(Kind::Worker, workers::words(name))).collect();
        actions.extend(self.journals.iter().map(journals::describe));
        actions.extend(self.not_filed.iter().map(|id| due(Kind::Journal, journals::not_filed_words(*id))));
        actions.extend(self.runs.iter().map(|run| due(Kind::Run, run.to_string())));
        actions.extend(self.temporaries.iter().map(|file| due(Kind::Temporary, file.to_string())));
        actions.extend(self.locks.iter().filter(|lock| lock.is_stale()).map(|lock| due(Kind::Lock, lock.to_string())));
        actions
    }
}

/// Puts everything in order that [`survey`] finds. Twice is once.
pub fn recover(means: &Means<'_>) -> Result<Vec<Action>, Failure> {
    let mut actions = workers::recover(means)?;
    let left = survey(means)?;
    actions.extend(left.journals.iter().filter_map(|account| journals::recover(means, account)));
    actions.extend(journals::file_done(means.volume, &left.not_filed));
    actions.extend(runs::recover(means, &left.runs));
    actions.extend(temporaries::recover(means, &left.temporaries));
    actions.extend(locks::recover(means, &left.locks));
    Ok(actions)
}

/// The class that the actions end with: [`None`] if nothing failed.
pub fn class(actions: &[Action]) -> Option<Class> {
    actions.iter().any(|action| action.verdict == Verdict::Failed).then_some(Class::Partial)
}

impl<'a> Means<'a> {
    /// What other operations work with; the reason if the Manager cannot be used.
    fn ports(&self) -> Result<Ports<'a>, Failure> {
        let manager = self.manager.map_err(|failure| {
            let same = Failure::new(failure.class(), failure.message());
            same.with_hint(failure.hint().unwrap_or("Run `farm recover` again once the Manager can be used."))
        })?;
        Ok(Ports { volume: self.volume, manager, progress: self.progress, actor: self.actor })
    }

    fn requester(&self) -> Requester {
        Requester { user: self.actor.user.clone(), command: self.actor.command.clone() }
    }

    /// The lock of `scope`, or the words for who holds it. A dead owner's lock is taken over.
    fn lock(&self, scope: Scope) -> Result<Result<Lock, String>, Failure> {
        match Lock::acquire(self.volume, scope, &self.requester(), LockWait::No, &mut |_| {}) {
            Ok(lock) => Ok(Ok(lock)),
            Err(error @ (LockError::Held { .. } | LockError::Unreadable { .. })) => Ok(Err(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}
