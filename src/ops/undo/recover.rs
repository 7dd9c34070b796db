//! Changes of jobs that were killed on their way: finished where their runs are in the record, taken back where not.

use super::apply::put_back;
use super::{UndoIntent, whole_folders};
use crate::base::error::Failure;
use crate::base::rel_path::RelPath;
use crate::ops::change::{self, Change};
use crate::ops::plan::unfinished;
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::ops::submit;
use crate::ops::work;
use crate::sys::clock;
use crate::volume::Volume;
use crate::volume::journal::{Account, Journal};
use crate::volume::lock::Lock;
use crate::volume::trash::{self, TrashError};
use std::collections::BTreeSet;

/// What became of a change that was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its record was written: what was left of it is done.
    Finished,
    /// It had not come so far: everything is as it was, but for the runs that it had ended.
    RolledBack,
}

/// Ends a seed, a replace or a retry that was killed, by its journal. `lock` is that of its release.
pub fn roll_back(ports: &Ports<'_>, lock: &Lock, account: &Account) -> Result<Ended, Failure> {
    let change = change::of(account)?;
    let file = release::load(ports.volume, &change.release)?;
    match file {
        Some(mut file) if change.is_recorded(&file) => {
            submit::refuse_pending_elsewhere(&file, &ports.manager.address())?;
            let journal = Journal::resume(ports.volume, lock, account)?;
            submit::submit_pending(ports, lock, &mut file, clock::now())?;
            journal.done(&"finished by a later command")?;
            Ok(Ended::Finished)
        }
        _ => {
            let journal = Journal::resume(ports.volume, lock, account)?;
            take_back(ports, lock, account, &change)?;
            journal.done(&change::TAKEN_BACK)?;
            Ok(Ended::RolledBack)
        }
    }
}

/// Finishes an undo that was killed, by its journal; how many things came back.
pub fn finish(volume: &Volume, lock: &Lock, account: &Account) -> Result<usize, Failure> {
    let intent: UndoIntent = change::body(account)?;
    let journal = Journal::resume(volume, lock, account)?;
    let restored = put_back(volume, lock, account.intent.id, &intent)?;
    journal.done(&restored)?;
    Ok(restored)
}

/// What the change put into the store goes to the trash; what it had thrown away comes back.
fn take_back(ports: &Ports<'_>, lock: &Lock, account: &Account, change: &Change) -> Result<(), Failure> {
    let id = account.intent.id;
    let parts = trash::parts_of(ports.volume, id)?;
    let reason = format!("of the {} {id}, which did not come to its end", account.intent.kind);
    // What has the place of something that was thrown away, and what nobody needs but the change.
    let put = change.store.iter().chain(&change.copies).filter(|path| whole_folders::makes_room(&parts, path));
    let candidates: BTreeSet<RelPath> = unfinished::orphans(ports.volume, change)?.iter().chain(put).cloned().collect();
    let mut strays = BTreeSet::new();
    for path in candidates {
        if is_stray(ports, &parts, &path)? {
            strays.insert(path);
        }
    }
    whole_folders::take_whole(ports.volume, &parts, &mut strays)?;
    work::discard(ports, lock, strays.into_iter().map(|path| (path, reason.clone())).collect())?;
    match trash::restore(ports.volume, lock, id) {
        Ok(_) | Err(TrashError::Nothing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether something is at `path` that did not come back from the trash.
fn is_stray(ports: &Ports<'_>, parts: &[trash::TrashedTransaction], path: &RelPath) -> Result<bool, Failure> {
    if ports.volume.stat(path)?.is_none() {
        return Ok(false);
    }
    for part in parts {
        for item in part.items.iter().filter(|item| path.is_within(&item.path)) {
            // It never left, or is back already.
            if !part.holds(item)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::base::ids::RunId;
    use crate::ops::change::{Before, ChangedJob};
    use crate::ops::check::room::Room;
    use crate::ops::locking;
    use crate::volume::journal;
    use crate::volume::release_file::DependencyRecord;

    /// A release file names one file of a sequence, and its jobs need all of them.
    #[test]
    fn what_other_jobs_need_is_no_stray() {
        let mut room = Room::new(&[("A", "1"), ("B", "1")]);
        let path = |path: &str| RelPath::new(path).expect("a path");
        let named = path("releases/r1/store/deps/0123/img_0001.png");
        let other = path("releases/r1/store/deps/0123/img_0002.png");
        let own = path("releases/r1/store/deps/4567/wood.png");
        for file in [&named, &other, &own] {
            room.put(file.as_str(), b"pixels");
        }
        room.file.jobs[1].revisions[0].dependencies.push(DependencyRecord {
            path: "/img_####.png".into(),
            kind: "sequence".into(),
            stored: Some(named.clone()),
            in_place: false,
            size: 6,
            modified: None,
            digest: Some(Digest::of(b"pixels")),
        });
        room.save();
        let ports = room.ports();
        let lock = locking::lock_home(&ports, room.release()).expect("free");
        let job = ChangedJob {
            name: "A".parse().expect("name"),
            frames: "1".parse().expect("frames"),
            before: Before::of(Some(&room.file.jobs[0])),
            run: Some(RunId::random()),
            ends: Vec::new(),
        };
        let copies = vec![named.clone(), other.clone(), own.clone()];
        let change = Change { release: room.release().clone(), by: None, store: Vec::new(), copies, jobs: vec![job] };
        drop(Journal::begin(&room.volume, &lock, change::REPLACE, &change).expect("begin"));
        let account = journal::survey(&room.volume).expect("journals").unfinished.remove(0);
        assert_eq!(roll_back(&ports, &lock, &account).expect("taken back"), Ended::RolledBack);
        assert_eq!(room.read(own.as_str()), None, "it was the change's alone");
        for file in [&named, &other] {
            assert!(room.read(file.as_str()).is_some(), "{file}");
        }
    }
}
