//! Folders into which Blender was packing scenes when their farm died.

use super::{Action, Kind, Means, Verdict};
use crate::base::counted::counted;
use crate::base::error::{Class, Failure};
use crate::base::name::Home;
use crate::ops::plan::pack;
use crate::volume::Volume;
use crate::volume::lock::Scope;
use std::fmt;
use std::io;

/// The folders of one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packing {
    release: Home,
    folders: usize,
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with half-packed scenes of release {}", counted(self.folders, "folder"), self.release)
    }
}

/// All of them; those that are at work are told apart by the release's lock.
pub(super) fn survey(volume: &Volume) -> Result<Vec<Packing>, Failure> {
    let rooms = pack::rooms(volume).map_err(|error| unreadable(&error))?;
    Ok(rooms.into_iter().map(|(release, folders)| Packing { release, folders }).collect())
}

/// Ends what is left of each, one lock at a time.
pub(super) fn recover(means: &Means<'_>, found: &[Packing]) -> Vec<Action> {
    found.iter().filter_map(|packing| end(means, packing)).collect()
}

/// `None` if it is gone since the survey: its owner ended well.
fn end(means: &Means<'_>, packing: &Packing) -> Option<Action> {
    let action = |verdict, note: &str| Some(Action::new(Kind::Temporary, packing.to_string(), verdict, note));
    match means.lock(Scope::from(&packing.release)) {
        Ok(Ok(_lock)) => match pack::sweep(means.volume, &packing.release) {
            Ok(swept) if swept.is_empty() => None,
            Ok(_) => action(Verdict::Removed, ""),
            Err(error) => action(Verdict::Failed, &unreadable(&error).message()),
        },
        Ok(Err(holder)) => action(Verdict::LeftAlone, &holder),
        Err(failure) => action(Verdict::Failed, &failure.message()),
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::new(Class::Failed, format!("the folders of half-packed scenes cannot be put in order: {error}"))
        .with_hint("Look at `.farm/` on the volume, then run `farm recover` again.")
}
