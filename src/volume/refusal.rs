//! Why a folder cannot be used as a volume.

use crate::base::error::{Class, Explain};
use crate::base::ids::VolumeId;
use crate::sys::disk::{DiskError, Kind};
use std::path::PathBuf;

/// A volume that cannot be opened or made. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// There is no such folder.
    #[error("there is no folder {}", path.display())]
    NoFolder {
        /// The path.
        path: PathBuf,
    },
    /// Something else is where a folder has to be.
    #[error("{} is no folder: it is {kind}", path.display())]
    NoFolderButThere {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: Kind,
    },
    /// The folder above is there, and makes no folders.
    #[error("the folder {} cannot be made: the file system there makes none", path.display())]
    NotMade {
        /// The folder.
        path: PathBuf,
    },
    /// The folder was a volume, and its marker is gone.
    #[error("{} was a farm volume and lost its .farm/volume.yaml: {} is there", path.display(), trace.display())]
    Lost {
        /// The folder.
        path: PathBuf,
        /// What farm left there.
        trace: PathBuf,
    },
    /// The folder bears no marker.
    #[error("{} is not a farm volume: it has no .farm/volume.yaml", path.display())]
    NoMarker {
        /// The folder.
        path: PathBuf,
        /// Whether the folder holds nothing at all, as a mount point does without its share.
        empty: bool,
    },
    /// The file system table names a mount point at or above the folder, and nothing is mounted there.
    #[error("{} cannot be used: nothing is mounted at {}", path.display(), mount.display())]
    NotMounted {
        /// The folder.
        path: PathBuf,
        /// Where a file system belongs.
        mount: PathBuf,
    },
    /// A part of the volume was a file system of its own, and is an empty folder now.
    #[error("{} is not mounted: {area}/ of this volume is a file system of its own", path.display())]
    AreaNotMounted {
        /// The mount point.
        path: PathBuf,
        /// The area's name.
        area: String,
    },
    /// The folder is one that must never be a volume.
    #[error("{} cannot be a farm volume: it is {what}", path.display())]
    Forbidden {
        /// The folder.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Volumes do not lie in one another.
    #[error("{} cannot be a farm volume: {} is one already", path.display(), other.display())]
    Nested {
        /// The folder.
        path: PathBuf,
        /// The volume above or below it.
        other: PathBuf,
    },
    /// A newer farm made the volume.
    #[error("the volume {} was made by a newer farm ({schema})", path.display())]
    Newer {
        /// The folder.
        path: PathBuf,
        /// The marker's schema.
        schema: String,
    },
    /// The marker is damaged.
    #[error("the marker of the volume {} cannot be read: {cause}", path.display())]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// It is another volume than the one meant.
    #[error("{} is another volume: its id is {found}, not {expected}", path.display())]
    Other {
        /// The folder.
        path: PathBuf,
        /// The id in its marker.
        found: VolumeId,
        /// The id meant.
        expected: VolumeId,
    },
    /// The name cannot be a volume's.
    #[error("{name:?} cannot be the name of a volume")]
    Name {
        /// The name.
        name: String,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Explain for VolumeError {
    fn class(&self) -> Class {
        match self {
            VolumeError::NoFolder { .. } | VolumeError::NoMarker { .. } | VolumeError::Name { .. } => Class::Usage,
            VolumeError::NotMade { .. } | VolumeError::NoFolderButThere { .. } => Class::Usage,
            VolumeError::Damaged { .. } => Class::Failed,
            VolumeError::Disk(error) => error.class(),
            _ => Class::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            VolumeError::NoFolder { .. } => "Check the path, or make the folder.",
            VolumeError::NoMarker { empty: true, .. } => {
                "It is empty: if a share belongs there, mount it; if it is to become a volume, run farm init."
            }
            VolumeError::NoMarker { .. } => "Run farm init to make it one, or name the right folder with --volume.",
            VolumeError::NotMade { .. } | VolumeError::NoFolderButThere { .. } => "Choose a folder on a disk.",
            VolumeError::Lost { .. } => {
                "Restore .farm/volume.yaml from a backup; `farm init DIR --new-identity` makes a new one with another id."
            }
            VolumeError::NotMounted { .. } => "Mount the share first; nothing was changed.",
            VolumeError::AreaNotMounted { .. } => {
                "Mount it first; nothing was changed. If what was on it lies in the folder itself now, remove \
                 .farm/mounts.json."
            }
            VolumeError::Forbidden { .. } => "Choose a folder of its own.",
            VolumeError::Nested { .. } => "Use that volume, or choose a folder that is neither in it nor around it.",
            VolumeError::Newer { .. } => "Update farm on this machine.",
            VolumeError::Damaged { .. } => {
                "Restore .farm/volume.yaml from a backup: its id is in journals and reports."
            }
            VolumeError::Other { .. } => "Check which share is mounted there.",
            VolumeError::Name { .. } => "Names are 1 to 100 printable characters.",
            VolumeError::Disk(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }
}
