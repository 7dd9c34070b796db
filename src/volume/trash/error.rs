//! What can go wrong with trash.

use crate::base::error::{Class, Explain};
use crate::base::ids::TransactionId;
use crate::base::rel_path::RelPath;
use crate::sys::disk::DiskError;
use crate::volume::lock::LockError;
use std::path::PathBuf;

/// Why something was not put into the trash, brought back, or purged.
#[derive(Debug, thiserror::Error)]
pub enum TrashError {
    /// There is no trash of that transaction.
    #[error("there is nothing in the trash of transaction {id}")]
    Nothing {
        /// The transaction.
        id: TransactionId,
    },
    /// The record says something that farm does not understand.
    #[error("the trash record {} cannot be read: {cause}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What and where.
        cause: String,
    },
    /// Something newer is where the thing came from.
    #[error("{} cannot be brought back: something newer is there", path.display())]
    Occupied {
        /// Where it came from.
        path: PathBuf,
    },
    /// The thing is neither in the trash nor where it came from.
    #[error("{} cannot be brought back: it is not in the trash any more", path.display())]
    Lost {
        /// Where it came from.
        path: PathBuf,
    },
    /// The thing in the trash is not the one that was put there.
    #[error("{} cannot be brought back: what is in the trash was changed", path.display())]
    Altered {
        /// Where it came from.
        path: PathBuf,
    },
    /// farm's own folder and the areas themselves are not trash.
    #[error("{path} cannot go to the trash: it belongs to the volume itself")]
    Own {
        /// The path.
        path: RelPath,
    },
    /// Another user put it there.
    #[error("the trash of transaction {id} belongs to another user (number {uid})")]
    NotYours {
        /// The transaction.
        id: TransactionId,
        /// Its owner.
        uid: u32,
    },
    /// The lock is gone.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Explain for TrashError {
    fn class(&self) -> Class {
        match self {
            TrashError::Nothing { .. } => Class::NoMatch,
            TrashError::Lock(error) => error.class(),
            TrashError::Disk(error) => error.class(),
            _ => Class::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            TrashError::Nothing { .. } => "farm trash list shows what there is.",
            TrashError::Damaged { .. } => "What it holds is beside it, under tree/, each thing at its old path.",
            TrashError::Occupied { .. } => "Move that away first; nothing was brought back.",
            TrashError::Lost { .. } | TrashError::Altered { .. } => "Nothing was brought back; look into the trash.",
            TrashError::Own { .. } => "Name something inside an area.",
            TrashError::NotYours { .. } => "Ask that user, or the volume's owner, to purge it.",
            TrashError::Lock(error) => return error.hint(),
            TrashError::Disk(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }
}
