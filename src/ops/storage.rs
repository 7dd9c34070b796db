//! Whether a volume and a Manager's shared storage are one: proven by a folder that was just made, and that the Manager is
//! asked about by the name it would have there.

use crate::base::error::{Class, Failure};
use crate::base::ids::TransactionId;
use crate::manager::{Manager, Seen};
use crate::sys::disk::erase;
use crate::volume::{Volume, layout};
use std::ffi::OsString;

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// They are one.
    Same,
    /// They are not, or the Manager may not write there.
    Other {
        /// The Manager's storage, as it calls it.
        storage: String,
        /// Its words.
        cause: String,
    },
}

/// Finds out. Makes an empty folder and takes it away again.
pub fn prove(volume: &Volume, manager: &dyn Manager) -> Result<Storage, Failure> {
    let storage = manager.storage(&volume.path())?;
    let name = format!("{}{}", erase::PROBE, TransactionId::random());
    let path = layout::own_dir().join(&name)?;
    volume.make_dir(&path)?;
    let seen = manager.sees_folder(&format!("{storage}/{path}"));
    if let Some(own) = volume.dir(&layout::own_dir())? {
        erase::probe(&own, &OsString::from(name))?;
    }
    Ok(match seen? {
        Seen::Usable => Storage::Same,
        Seen::Not(cause) => Storage::Other { storage, cause },
    })
}

/// Refuses a Manager whose workers would not find what is on the volume.
pub fn require(volume: &Volume, manager: &dyn Manager) -> Result<(), Failure> {
    if !manager.is_remote() {
        return Ok(());
    }
    match prove(volume, manager)? {
        Storage::Same => Ok(()),
        Storage::Other { storage, cause } => {
            let words = format!(
                "the shared storage of the Manager at {} ({storage}) is not this volume ({}), or it may not write there: {}",
                manager.address(),
                volume.path().display(),
                cause.trim_end_matches('.')
            );
            Err(Failure::new(Class::Refused, words).with_hint(
                "Name the volume that is the root of its shared storage with --volume; `farm doctor` looks closer.",
            ))
        }
    }
}
