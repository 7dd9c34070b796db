//! What the journal of a change that is done tells, by its kind.

use crate::base::error::Failure;
use crate::base::name::{Home, JobName};
use crate::base::rel_path::RelPath;
use crate::ops::change::{self, Author, Change};
use crate::ops::harvest::plan::Transaction;
use crate::ops::harvest::unfinished;
use crate::ops::trash::{self, Freed};
use crate::ops::undo::UndoIntent;
use crate::ops::work;
use crate::volume::journal::Account;

/// A change, by its kind.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// A plan, a seed, a replace or a retry.
    Jobs(Change),
    /// A kill: it ended runs and changed nothing on the volume.
    Kill(Change),
    /// A harvest.
    Harvest(Transaction),
    /// An undo.
    Undo(UndoIntent),
    /// Broken files that farm itself moved away.
    Clearing,
    /// What a change had in the trash was erased.
    Purge(Freed),
    /// A change of a newer farm.
    Unknown,
}

impl Deed {
    /// What the journal tells.
    pub(super) fn of(account: &Account) -> Result<Deed, Failure> {
        Ok(match account.intent.kind.as_str() {
            change::PLAN | change::SEED | change::REPLACE | change::RETRY => Deed::Jobs(change::of(account)?),
            change::KILL => Deed::Kill(change::of(account)?),
            change::UNDO => Deed::Undo(change::body(account)?),
            unfinished::JOURNAL_KIND => Deed::Harvest(unfinished::transaction(account)?),
            work::JOURNAL_KIND => Deed::Clearing,
            trash::JOURNAL_KIND => Deed::Purge(change::body(account)?),
            _ => Deed::Unknown,
        })
    }

    /// Where it was made.
    pub(super) fn home(&self) -> Option<&Home> {
        match self {
            Deed::Jobs(change) | Deed::Kill(change) => Some(&change.release),
            Deed::Undo(intent) => Some(&intent.change.release),
            Deed::Harvest(transaction) => Some(&transaction.release),
            Deed::Clearing | Deed::Purge(_) | Deed::Unknown => None,
        }
    }

    /// The jobs that it touched.
    pub(super) fn jobs(&self) -> Vec<&JobName> {
        match self {
            Deed::Jobs(change) | Deed::Kill(change) => change.jobs.iter().map(|job| &job.name).collect(),
            Deed::Undo(intent) => intent.change.jobs.iter().map(|job| &job.name).collect(),
            Deed::Harvest(transaction) => transaction.touched(),
            Deed::Clearing | Deed::Purge(_) | Deed::Unknown => Vec::new(),
        }
    }

    /// Who made it, where that was written down.
    pub(super) fn author(&self) -> Option<&Author> {
        match self {
            Deed::Jobs(change) | Deed::Kill(change) => change.by.as_ref(),
            Deed::Undo(intent) => intent.change.by.as_ref(),
            Deed::Harvest(transaction) => transaction.by.as_ref(),
            Deed::Clearing | Deed::Purge(_) | Deed::Unknown => None,
        }
    }

    /// Whether a person asked for it.
    pub(super) fn is_of_a_person(&self) -> bool {
        !matches!(self, Deed::Clearing | Deed::Purge(_) | Deed::Unknown)
    }

    /// Whether it changed nothing: a retry that found every frame sound.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Deed::Jobs(change) => {
                let changed = |job: &change::ChangedJob| job.run.is_some() || !job.ends.is_empty();
                change.store.is_empty() && change.copies.is_empty() && !change.jobs.iter().any(changed)
            }
            Deed::Kill(change) => change.jobs.iter().all(|job| job.ends.is_empty()),
            Deed::Harvest(transaction) => transaction.jobs.is_empty() && transaction.replaced.is_empty(),
            Deed::Undo(_) | Deed::Clearing | Deed::Purge(_) | Deed::Unknown => false,
        }
    }

    /// What it put into the store.
    pub(super) fn stored(&self) -> Vec<&RelPath> {
        match self {
            Deed::Jobs(change) => change.store.iter().chain(&change.copies).collect(),
            _ => Vec::new(),
        }
    }
}
