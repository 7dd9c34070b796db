//! Which locks stand, and which of them nobody holds any more.

use super::Lock;
use super::acquire::LockWait;
use super::error::LockError;
use super::holder::{Holder, Life, Requester, Scope};
use crate::sys::clock;
use crate::sys::disk::{DiskError, Kind, LockFile};
use crate::sys::process::ProcessId;
use crate::volume::{Volume, layout};
use std::fmt;
use std::path::PathBuf;

const SUFFIX: &str = ".lock";

/// A lock file that is there.
#[derive(Debug, Clone)]
pub struct Standing {
    /// What it covers; `None` if its name is none that this farm gives.
    pub scope: Option<Scope>,
    /// The file.
    pub path: PathBuf,
    /// Who made it; `None` if it cannot be read, which counts as held.
    pub holder: Option<Holder>,
    life: Life,
}

impl Standing {
    /// Whether its owner is proved to be gone: the process on this host, the heartbeat of another.
    pub fn is_stale(&self) -> bool {
        self.life == Life::Dead
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Some(scope) => write!(f, "{scope}")?,
            None => write!(f, "{}", self.path.display())?,
        }
        match &self.holder {
            Some(holder) => write!(f, " by {holder}"),
            None => f.write_str(" by somebody unknown"),
        }
    }
}

impl Scope {
    /// The scope whose lock file has this name. A release is named as its lock is: without regard to case.
    fn of_file(name: &str) -> Option<Scope> {
        match name.strip_suffix(SUFFIX)? {
            "volume" => Some(Scope::Volume),
            "cleanup" => Some(Scope::Cleanup),
            "quick" => Some(Scope::Quick),
            stem => Some(Scope::Release(stem.strip_prefix("release-")?.parse().ok()?)),
        }
    }
}

/// Every lock that stands. Reads only.
pub fn standing(volume: &Volume) -> Result<Vec<Standing>, DiskError> {
    let Some(folder) = volume.dir(&layout::lock_dir())? else { return Ok(Vec::new()) };
    // Where this process cannot tell who it is, it can tell nobody dead.
    let me = ProcessId::this().ok();
    let mut found = Vec::new();
    for entry in folder.list()?.into_iter().filter(|entry| entry.kind == Kind::File) {
        let Some(name) = entry.name.to_str().filter(|name| name.ends_with(SUFFIX)) else { continue };
        // Given back since the listing.
        let Some(content) = LockFile::read(&folder, name)? else { continue };
        let holder = Holder::parse(&content);
        let life = holder.as_ref().zip(me.as_ref()).map(|(holder, me)| holder.life(me, clock::now()));
        let life = life.unwrap_or(Life::Alive);
        found.push(Standing { scope: Scope::of_file(name), path: folder.path_of(name), holder, life });
    }
    Ok(found)
}

/// Takes a stale lock away: as its heir, who gives it back at once. `false` if it is held after all by now.
pub fn clear(volume: &Volume, stale: &Standing, requester: &Requester) -> Result<bool, LockError> {
    let Some(scope) = stale.scope.clone().filter(|_| stale.is_stale()) else { return Ok(false) };
    match Lock::acquire(volume, scope, requester, LockWait::No, &mut |_| std::ops::ControlFlow::Continue(())) {
        Ok(lock) => {
            drop(lock);
            Ok(true)
        }
        Err(LockError::Held { .. } | LockError::Unreadable { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::fixture;

    #[test]
    fn names_of_lock_files_are_read_back() {
        let release = |name: &str| Scope::Release(name.parse().expect("valid"));
        for scope in [Scope::Volume, Scope::Cleanup, Scope::Quick, release("r1"), release("volume")] {
            assert_eq!(Scope::of_file(&scope.file_name()), Some(scope));
        }
        for name in ["volume.fence", "other.lock", "release-.lock", "release-a/b.lock"] {
            assert_eq!(Scope::of_file(name), None, "{name}");
        }
    }

    #[test]
    fn a_held_lock_stands_and_is_not_cleared() {
        let (_temp, volume) = fixture::volume();
        assert!(standing(&volume).expect("list").is_empty());
        let lock = fixture::locked(&volume);
        let found = standing(&volume).expect("list");
        assert_eq!(found.len(), 1);
        assert!(!found[0].is_stale());
        assert!(found[0].to_string().starts_with("release r1 by ann on "), "{}", found[0]);
        assert!(!clear(&volume, &found[0], &fixture::ann()).expect("no error"));
        lock.check().expect("still ours");
    }

    #[test]
    fn what_cannot_be_read_counts_as_held() {
        let (_temp, volume) = fixture::volume();
        fixture::plant(&volume, ".farm/lock/release-r1.lock", b"?");
        let found = standing(&volume).expect("list");
        assert!(found[0].holder.is_none() && !found[0].is_stale());
        assert!(!clear(&volume, &found[0], &fixture::ann()).expect("no error"));
    }

    #[test]
    fn the_lock_of_a_dead_process_is_cleared() {
        let (_temp, volume) = fixture::volume();
        let me = ProcessId::this().expect("/proc");
        let mut dead = Holder::new(&fixture::ann(), me, clock::now());
        dead.process.start_time += 1;
        fixture::plant(&volume, ".farm/lock/release-r1.lock", &dead.content());
        let found = standing(&volume).expect("list");
        assert!(found[0].is_stale());
        assert!(clear(&volume, &found[0], &fixture::ann()).expect("cleared"));
        assert!(standing(&volume).expect("list").is_empty());
    }
}
