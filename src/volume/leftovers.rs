//! Temporary files that killed runs left behind: found by their names, erased by whoever holds the lock.

use super::area::Area;
use super::layout;
use super::lock::{Lock, Scope};
use super::open::Volume;
use super::trash::TrashError;
use crate::base::name::Home;
use crate::base::rel_path::RelPath;
use crate::base::time::Timestamp;
use crate::sys::clock;
use crate::sys::disk::{Dir, DiskError, Entry, Kind, erase};
use std::time::Duration;

/// farm's own folder is written under any lock: what is younger there may still be in the making.
const OWN_AGE: Duration = Duration::from_secs(3600);
/// How deep below an area files are looked for.
const MAX_DEPTH: usize = 64;

/// The temporary files in what `scope` covers. Reads only.
pub fn find(volume: &Volume, scope: &Scope) -> Result<Vec<RelPath>, DiskError> {
    let mut found = Vec::new();
    for folder in folders(scope) {
        if let Some(dir) = volume.dir(&folder)? {
            let own = folder.is_within(&layout::own_dir());
            let until = own.then(|| clock::now().plus_seconds(-(OWN_AGE.as_secs() as i64)));
            walk(&dir, &folder, until, if own { 1 } else { MAX_DEPTH }, &mut found)?;
        }
    }
    Ok(found)
}

/// Erases the temporary files in what `lock` covers: nobody else is making them. Returns what was erased.
pub fn erase(volume: &Volume, lock: &Lock) -> Result<Vec<RelPath>, TrashError> {
    let found = find(volume, lock.scope())?;
    lock.check()?;
    for path in &found {
        let (folder, name) = path.split().unwrap_or((RelPath::ROOT, ""));
        if let Some(dir) = volume.dir(&folder)? {
            erase::temporary(&dir, name.as_ref())?;
        }
    }
    Ok(found)
}

fn folders(scope: &Scope) -> Vec<RelPath> {
    match scope {
        Scope::Release(release) => vec![layout::release_dir(release), layout::dist_dir(release)],
        Scope::Quick => vec![layout::home_dir(&Home::Quick)],
        Scope::Cleanup => vec![layout::reports_dir(), layout::logs_dir()],
        Scope::Volume => vec![layout::own_dir(), layout::lock_dir(), layout::journal_dir(), Area::Archives.folder()],
    }
}

fn walk(
    dir: &Dir,
    rel: &RelPath,
    until: Option<Timestamp>,
    depth: usize,
    found: &mut Vec<RelPath>,
) -> Result<(), DiskError> {
    for Entry { name, kind } in dir.list()? {
        // farm gives no names that are not text.
        let Some(below) = name.to_str().and_then(|name| RelPath::new(name).ok()) else { continue };
        let path = rel.join(below.as_str()).expect("both are checked");
        match kind {
            Kind::File if erase::is_temporary(&name) => {
                let age = dir.stat(&name)?.map(|attributes| attributes.ctime);
                found.extend(age.filter(|ctime| until.is_none_or(|until| *ctime <= until)).map(|_| path));
            }
            Kind::Folder if depth > 1 => {
                if let Some(child) = dir.dir(&below)? {
                    walk(&child, &path, until, depth - 1, found)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::fixture::{locked, plant, release, volume};

    const PART: &str = ".farm-0123456789abcdef-A.blend.part";

    #[test]
    fn only_temporary_files_of_the_scope_go() {
        let (_temp, volume) = volume();
        let ours = ["releases/r1", "releases/r1/store/deps/x", "releases/r1/out/A", "dist/r1/preview"];
        for folder in ours.iter().chain(&["releases/r2", "quick/store", ".farm/journal"]) {
            plant(&volume, &format!("{folder}/{PART}"), b"half");
            plant(&volume, &format!("{folder}/kept.part"), b"whole");
        }
        let found = find(&volume, &release("r1")).expect("find");
        assert_eq!(found.len(), ours.len());
        assert_eq!(find(&volume, &Scope::Quick).expect("find").len(), 1);
        assert!(find(&volume, &Scope::Volume).expect("find").is_empty(), "it may be in the making");
        let lock = locked(&volume);
        assert_eq!(erase(&volume, &lock).expect("erase"), found);
        assert!(erase(&volume, &lock).expect("twice is once").is_empty());
        assert_eq!(find(&volume, &release("r2")).expect("find").len(), 1);
        assert_eq!(volume.root().measure().expect("walk").files, 7 + 3 + 3, "marker, lock and fence too");
    }
}
