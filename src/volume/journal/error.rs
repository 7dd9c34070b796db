//! What can go wrong with journals.

use crate::base::error::{Class, Explain};
use crate::base::ids::TransactionId;
use crate::sys::disk::DiskError;
use crate::sys::process::identity::ProcessId;
use crate::volume::lock::LockError;
use std::path::PathBuf;

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A newer farm wrote it.
    #[error("the journal {} was written by a newer farm ({schema})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        schema: String,
    },
    /// It says something that cannot be.
    #[error("the journal {} cannot be read: {cause}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What and where.
        cause: String,
    },
    /// The process that writes it still runs.
    #[error("transaction {id} is still being worked on by process {} on {}", owner.pid, owner.host)]
    Alive {
        /// The transaction.
        id: TransactionId,
        /// The process.
        owner: ProcessId,
    },
    /// The lock is gone.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Explain for JournalError {
    fn class(&self) -> Class {
        match self {
            JournalError::Newer { .. } | JournalError::Damaged { .. } => Class::Refused,
            JournalError::Alive { .. } => Class::Locked,
            JournalError::Lock(error) => error.class(),
            JournalError::Disk(error) => error.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            JournalError::Newer { .. } => "Update farm on this machine, or run farm recover where the newer one is.",
            JournalError::Damaged { .. } => "Nothing was changed. Look at what it names, then move the journal away.",
            JournalError::Alive { .. } => "Wait until it is done.",
            JournalError::Lock(error) => return error.hint(),
            JournalError::Disk(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }
}
