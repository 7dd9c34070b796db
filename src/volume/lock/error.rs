//! Locks that cannot be had, and locks that were lost.

use super::holder::{Holder, Scope};
use crate::base::error::{Class, Explain};
use crate::sys::disk::DiskError;
use std::path::PathBuf;

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it.
    #[error("{scope} is locked by {holder}")]
    Held {
        /// What it covers.
        scope: Scope,
        /// Who, since when, doing what.
        holder: Box<Holder>,
    },
    /// The lock file says nothing that farm understands. That counts as held.
    #[error("{scope} is locked, and the lock {} cannot be read", path.display())]
    Unreadable {
        /// What it covers.
        scope: Scope,
        /// The file.
        path: PathBuf,
    },
    /// The lock was ours and is not any more: this process stood still for too long.
    #[error("the lock of {scope} was lost{}", by.as_ref().map(|by| format!(" to {by}")).unwrap_or_default())]
    Lost {
        /// What it covers.
        scope: Scope,
        /// Who has it now.
        by: Option<Box<Holder>>,
    },
    /// The scope's last fence cannot be read, so that the next cannot be known.
    #[error("the fence {} cannot be read", path.display())]
    Fence {
        /// The file.
        path: PathBuf,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Explain for LockError {
    fn class(&self) -> Class {
        match self {
            LockError::Held { .. } | LockError::Unreadable { .. } => Class::Locked,
            LockError::Lost { .. } | LockError::Fence { .. } => Class::Failed,
            LockError::Disk(error) => error.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            LockError::Held { .. } => "Wait until it is done, or say how long to wait with --lock-wait.",
            LockError::Unreadable { .. } => "If no farm runs on this volume, move that file away and try again.",
            LockError::Lost { .. } => "Nothing more was changed: run farm recover, then the same command again.",
            LockError::Fence { .. } => "Write a number there that is higher than the fences in .farm/journal.",
            LockError::Disk(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }
}
