//! Plans that were killed or failed on their way: what is left of them, and whether a later one has done their work.

use crate::base::error::Failure;
use crate::base::rel_path::RelPath;
use crate::ops::change::{self, Change, ChangedJob};
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::volume::journal::{self, Account, Journal};
use crate::volume::lock::Lock;
use crate::volume::release_file::ReleaseFile;
use crate::volume::{Volume, layout};
use std::collections::BTreeSet;

/// The journals' words for what a later plan may do the work of: it submits every run that the record has.
const KINDS: [&str; 4] = [change::PLAN, change::SEED, change::REPLACE, change::RETRY];
/// The folder of what scenes need, within a store.
const DEPS: &str = "deps";

/// Closes the journals of earlier plans of the release whose work is done by now, as by the same command given again.
///
/// `lock` is the release's and `file` its record as it was saved. The plan that calls this is at its end, so that nothing
/// here may fail it: a journal that cannot be closed stays for `farm recover`, and that is said.
pub(super) fn close_done(ports: &Ports<'_>, lock: &Lock, file: &ReleaseFile) {
    let close = || -> Result<(), Failure> {
        let journals = journal::survey(ports.volume)?;
        journal::file_done(ports.volume, &journals.not_filed)?;
        let scope = lock.scope().to_string();
        let is_earlier = |account: &&Account| {
            KINDS.contains(&account.intent.kind.as_str()) && account.intent.scope == scope && !account.owner.is_alive()
        };
        for account in journals.unfinished.iter().filter(is_earlier) {
            let intent = change::of(account)?;
            // Another plan's run does its work; a revision is what its own journal says.
            let is_its_own = account.intent.kind == change::PLAN || intent.is_recorded(file);
            if is_its_own && is_done(ports.volume, file, &intent)? {
                Journal::resume(ports.volume, lock, account)?.done(&"done by a later plan")?;
            }
        }
        Ok(())
    };
    if let Err(failure) = close() {
        let words = format!(
            "an earlier plan of {} stays marked as unfinished, `farm recover` says more: {}",
            file.name,
            failure.message()
        );
        ports.progress.note(&words);
    }
}

/// Whether the release has every job, frame and scene that the plan set out to have in it, each run was submitted, and no
/// copy is left over.
fn is_done(volume: &Volume, file: &ReleaseFile, intent: &Change) -> Result<bool, Failure> {
    let mut named = Named::default();
    named.add(file);
    let is_submitted = file.jobs.iter().flat_map(|job| &job.runs).all(|run| !run.is_pending());
    // Of a plan of an earlier farm nobody knows what it wanted.
    let is_there = !intent.jobs.is_empty() && intent.jobs.iter().all(|job| has(file, job));
    Ok(is_there
        && is_submitted
        && intent.store.iter().all(|path| named.has(path))
        && orphans(volume, intent)?.is_empty())
}

fn has(file: &ReleaseFile, intended: &ChangedJob) -> bool {
    let record = file.jobs.iter().find(|record| record.name == intended.name);
    record.is_some_and(|record| intended.frames.minus(&record.current().frames).is_empty())
}

/// What the plan put there and no release names. A release that cannot be read might, so that it stops this.
pub fn orphans(volume: &Volume, intent: &Change) -> Result<Vec<RelPath>, Failure> {
    let named = Named::on(volume, |file| file)?;
    let mut orphans = Vec::new();
    for path in intent.store.iter().chain(&intent.copies) {
        // Nothing but a release's store is ever rolled back, whatever a journal says.
        let is_of_store = path.is_within(&layout::store_dir(&intent.release));
        if is_of_store && !named.has(path) && volume.stat(path)?.is_some() {
            orphans.push(path.clone());
        }
    }
    Ok(orphans)
}

/// What release files mention.
#[derive(Default)]
pub struct Named {
    paths: BTreeSet<RelPath>,
    /// Folders of dependencies: a release file names one file of a sequence, and uses all of them.
    folders: BTreeSet<RelPath>,
}

impl Named {
    /// What all release files of the volume mention, each as it will be after a change of it.
    pub fn on(volume: &Volume, after: impl Fn(ReleaseFile) -> ReleaseFile) -> Result<Named, Failure> {
        let mut named = Named::default();
        for name in volume.homes()?.names {
            if let Some(file) = release::load(volume, &name)? {
                named.add(&after(file));
            }
        }
        Ok(named)
    }

    /// Adds what this one mentions.
    fn add(&mut self, file: &ReleaseFile) {
        let revisions = file.jobs.iter().flat_map(|job| &job.revisions);
        for revision in revisions {
            self.paths.insert(revision.store.path.clone());
            for stored in revision.dependencies.iter().filter_map(|need| need.stored.as_ref()) {
                self.paths.insert(stored.clone());
                self.folders.extend(dependency_folder(stored));
            }
        }
    }

    /// Whether `path` is mentioned, or lies in a folder that is.
    pub fn has(&self, path: &RelPath) -> bool {
        let in_folder = dependency_folder(path).is_some_and(|folder| self.folders.contains(&folder));
        in_folder || self.paths.contains(path) || self.paths.iter().any(|named| path.is_within(named))
    }
}

/// `releases/<release>/store/deps/<digest>` of whatever lies in it.
fn dependency_folder(path: &RelPath) -> Option<RelPath> {
    let parts: Vec<&str> = path.parts().collect();
    let at = parts.iter().position(|part| *part == DEPS)?;
    RelPath::new(&parts.get(..at + 2)?.join("/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::RunId;
    use crate::base::status::TaskStatus;
    use crate::ops::change::Before;
    use crate::ops::check::room::Room;
    use crate::ops::locking;

    fn rel(path: &str) -> RelPath {
        RelPath::new(path).unwrap()
    }

    #[test]
    fn a_dependency_is_named_by_its_folder() {
        let mut named = Named::default();
        let stored = rel("releases/r1/store/deps/0123/img_####.png");
        named.folders.extend(dependency_folder(&stored));
        named.paths.insert(stored);
        named.paths.insert(rel("releases/r1/store/A.blend"));
        for path in ["releases/r1/store/deps/0123/img_0001.png", "releases/r1/store/A.blend"] {
            assert!(named.has(&rel(path)), "{path}");
        }
        for path in ["releases/r1/store/deps/4567/img_0001.png", "releases/r1/store/B.blend", "releases/r1/store/deps"]
        {
            assert!(!named.has(&rel(path)), "{path}");
        }
    }

    /// A release whose first job has a run that the Manager has.
    fn submitted(jobs: &[(&str, &str)]) -> Room {
        let mut room = Room::new(jobs);
        room.add_run(jobs[0].1, TaskStatus::Queued);
        room.file.jobs[0].runs[0].manager_job = Some(room.manager.jobs[0].id.clone());
        room
    }

    /// Leaves the journal of a plan for these scenes, whose process is gone: nobody has its start time.
    fn begun(room: &Room, scenes: &[&str]) {
        let intent = Change {
            release: room.release().clone(),
            by: None,
            store: scenes.iter().map(|name| rel(&format!("releases/r1/store/{name}.blend"))).collect(),
            copies: vec![rel("releases/r1/store/deps/0123/wood.png")],
            jobs: scenes.iter().map(|name| intended(name, "1")).collect(),
        };
        leave(room, &intent);
    }

    fn intended(name: &str, frames: &str) -> ChangedJob {
        let (name, frames) = (name.parse().expect("name"), frames.parse().expect("frames"));
        ChangedJob { name, frames, before: Before::Absent, run: None, ends: Vec::new() }
    }

    fn leave(room: &Room, intent: &Change) {
        leave_as(change::PLAN, room, intent);
    }

    fn leave_as(kind: &str, room: &Room, intent: &Change) {
        let lock = locking::lock_home(&room.ports(), room.release()).expect("free");
        drop(Journal::begin(&room.volume, &lock, kind, intent).expect("begin"));
        for (path, bytes) in room.tree(".farm/journal") {
            let text = String::from_utf8(bytes).expect("text").replace("\"start_time\":", "\"start_time\":1");
            room.put(&path, text.as_bytes());
        }
    }

    /// How many journals are left after a plan has come to its end.
    fn left(room: &Room) -> usize {
        let ports = room.ports();
        let lock = locking::lock_home(&ports, room.release()).expect("free");
        close_done(&ports, &lock, &room.file);
        journal::survey(&room.volume).expect("journals").unfinished.len()
    }

    #[test]
    fn what_a_later_plan_has_done_is_closed() {
        let room = submitted(&[("A", "1-2"), ("B", "1")]);
        begun(&room, &["A", "B"]);
        begun(&room, &["A"]);
        assert_eq!(left(&room), 0);
        assert_eq!(journal::finished_by_time(&room.volume).expect("journals").len(), 2);
    }

    #[test]
    fn what_is_not_done_stays_for_recover() {
        let room = submitted(&[("A", "1-2")]);
        begun(&room, &["A", "B"]);
        assert_eq!(left(&room), 1, "B was never planned");
        let mut room = submitted(&[("A", "1-2")]);
        begun(&room, &["A"]);
        room.put("releases/r1/store/deps/0123/wood.png", b"wood");
        assert_eq!(left(&room), 1, "a copy that no scene needs is left over");
        room.lose("releases/r1/store/deps/0123/wood.png");
        let id = room.file.jobs[0].runs[0].manager_job.take();
        assert_eq!(left(&room), 1, "a run was not submitted");
        room.file.jobs[0].runs[0].manager_job = id;
        assert_eq!(left(&room), 0);
    }

    /// A plan that only adds frames stores and copies nothing.
    #[test]
    fn frames_that_were_never_planned_keep_it_open() {
        let room = submitted(&[("A", "1-2")]);
        let intent =
            |jobs| Change { release: room.release().clone(), by: None, store: Vec::new(), copies: Vec::new(), jobs };
        leave(&room, &intent(vec![intended("A", "1-200")]));
        assert_eq!(left(&room), 1);
        leave(&room, &intent(Vec::new()));
        assert_eq!(left(&room), 2, "a journal of an earlier farm does not say what it wanted");
        leave(&room, &intent(vec![intended("A", "2")]));
        assert_eq!(left(&room), 2);
    }

    /// The plan submits the run that a killed retry had written down.
    #[test]
    fn a_retry_is_closed_once_its_run_is_submitted() {
        let room = submitted(&[("A", "1-2")]);
        let job = ChangedJob { run: Some(room.file.jobs[0].runs[0].id), ..intended("A", "1-2") };
        let change = |job| Change {
            release: room.release().clone(),
            by: None,
            store: Vec::new(),
            copies: Vec::new(),
            jobs: vec![job],
        };
        leave_as(change::RETRY, &room, &change(job));
        leave_as(change::RETRY, &room, &change(ChangedJob { run: Some(RunId::random()), ..intended("A", "1-2") }));
        assert_eq!(left(&room), 1, "one of which the record knows nothing is taken back by whoever is next");
    }

    #[test]
    fn another_release_and_another_kind_are_left() {
        let room = submitted(&[("A", "1-2")]);
        begun(&room, &["A"]);
        for (path, bytes) in room.tree(".farm/journal") {
            let text = String::from_utf8(bytes).expect("text");
            room.put(&path, text.replace("\"kind\":\"plan\"", "\"kind\":\"harvest\"").as_bytes());
        }
        assert_eq!(left(&room), 1);
        for (path, bytes) in room.tree(".farm/journal") {
            let text = String::from_utf8(bytes).expect("text").replace("\"harvest\"", "\"plan\"");
            room.put(&path, text.replace("release r1", "release r2").as_bytes());
        }
        assert_eq!(left(&room), 1);
    }
}
