//! `farm recover`: finishes or rolls back what a killed farm left.
//!
//! First [`survey`] looks and changes nothing; then [`recover`] goes through what was found, takes the lock that covers
//! each thing, looks again, and puts it in order. What belongs to a farm that still runs is left alone and said. The
//! Manager's side comes first: no renderer may still write while files are moved.

mod journals;
mod locks;
mod packing;
mod plan_journal;
mod runs;
mod temporaries;
mod workers;

use crate::base::error::{Class, Failure};
use crate::manager::Manager;
use crate::manager::local::Local;
use crate::ops::ports::{Actor, Ports, Progress};
use crate::volume::Volume;
use crate::volume::journal::{self, Account, Unreadable};
use crate::volume::lock::{self, Lock, LockError, LockWait, Requester, Scope, Standing};
use packing::Packing;
use runs::Unsubmitted;
use std::ops::ControlFlow;
use temporaries::Temporary;

/// What recovery works with. Without a Manager it still does what needs none.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// The opened volume.
    pub volume: &'a Volume,
    /// The queue, or why it cannot be used.
    pub manager: Result<&'a dyn Manager, &'a Failure>,
    /// The same where it is this machine's own: its workers may have died.
    pub local: Option<&'a Local>,
    /// Who is told about progress.
    pub progress: &'a dyn Progress,
    /// Who is doing this.
    pub actor: &'a Actor,
}

/// What kind of thing was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A worker that died, with its renderer and its task.
    Worker,
    /// A change that was begun and not ended.
    Journal,
    /// A run that was planned and not submitted.
    Run,
    /// A file that was being written, or a folder of such.
    Temporary,
    /// A lock that nobody holds any more.
    Lock,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Recovery would put it in order; nothing was changed yet.
    Due,
    /// What was begun is done now.
    Finished,
    /// What was begun is undone now; what had to go is in the trash.
    RolledBack,
    /// It is gone.
    Removed,
    /// Somebody is still at work on it.
    LeftAlone,
    /// It could not be put in order, and is as it was.
    Failed,
}

/// One thing that was left, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What kind of thing.
    pub kind: Kind,
    /// Which, in words.
    pub what: String,
    /// What became of it.
    pub verdict: Verdict,
    /// What exactly was done, or why not; may be empty.
    pub note: String,
}

impl Action {
    fn new(kind: Kind, what: impl Into<String>, verdict: Verdict, note: impl Into<String>) -> Action {
        Action { kind, what: what.into(), verdict, note: note.into() }
    }

    fn failed(kind: Kind, what: impl Into<String>, failure: &Failure) -> Action {
        let next = failure.hint().map(|hint| format!(" (next: {hint})")).unwrap_or_default();
        Action::new(kind, what, Verdict::Failed, failure.message() + &next)
    }
}

/// What a killed farm left, as it was seen without any lock.
#[derive(Debug, Default)]
pub struct Leftovers {
    workers: Vec<String>,
    journals: Vec<Account>,
    not_filed: Vec<crate::base::ids::TransactionId>,
    unreadable: Vec<Unreadable>,
    runs: Vec<Unsubmitted>,
    temporaries: Vec<Temporary>,
    packing: Vec<Packing>,
    locks: Vec<Standing>,
}

/// Looks for what was left. Changes nothing.
pub fn survey(means: &Means<'_>) -> Result<Leftovers, Failure> {
    let journals = journal::survey(means.volume)?;
    Ok(Leftovers {
        workers: workers::survey(means)?,
        runs: runs::survey(means)?,
        journals: journals.unfinished,
        not_filed: journals.not_filed,
        unreadable: journals.unreadable,
        temporaries: temporaries::survey(means.volume)?,
        packing: packing::survey(means.volume)?,
        locks: lock::standing(means.volume)?,
    })
}

/// Files whose writer died while it wrote them, in words. Changes nothing, and needs no Manager.
pub fn half_written(volume: &Volume) -> Result<Vec<String>, Failure> {
    let found = temporaries::survey(volume)?;
    Ok(found.iter().filter(|file| file.is_abandoned()).map(ToString::to_string).collect())
}

impl Leftovers {
    /// What recovery would do, as far as that can be told without doing it.
    pub fn describe(&self) -> Vec<Action> {
        let due = |kind, what: String| Action::new(kind, what, Verdict::Due, "");
        let mut actions: Vec<Action> =
            self.workers.iter().map(|name| due(Kind::Worker, workers::words(name))).collect();
        actions.extend(self.journals.iter().map(journals::describe));
        actions.extend(self.not_filed.iter().map(|id| due(Kind::Journal, journals::not_filed_words(*id))));
        actions.extend(self.unreadable.iter().map(journals::unreadable));
        actions.extend(self.runs.iter().map(|run| due(Kind::Run, run.to_string())));
        actions.extend(self.temporaries.iter().map(|file| due(Kind::Temporary, file.to_string())));
        actions.extend(self.packing.iter().map(|packing| due(Kind::Temporary, packing.to_string())));
        actions.extend(self.locks.iter().filter(|lock| lock.is_stale()).map(|lock| due(Kind::Lock, lock.to_string())));
        actions
    }
}

/// Puts everything in order that [`survey`] finds. Twice is once.
pub fn recover(means: &Means<'_>) -> Result<Vec<Action>, Failure> {
    let mut actions = workers::recover(means)?;
    let left = survey(means)?;
    actions.extend(left.journals.iter().filter_map(|account| journals::recover(means, account)));
    actions.extend(journals::file_done(means.volume, &left.not_filed));
    actions.extend(left.unreadable.iter().map(journals::unreadable));
    actions.extend(runs::recover(means, &left.runs));
    actions.extend(temporaries::recover(means, &left.temporaries));
    actions.extend(packing::recover(means, &left.packing));
    actions.extend(locks::recover(means, &left.locks));
    Ok(actions)
}

/// The class that the actions end with: [`None`] if nothing failed.
pub fn class(actions: &[Action]) -> Option<Class> {
    actions.iter().any(|action| action.verdict == Verdict::Failed).then_some(Class::Partial)
}

impl<'a> Means<'a> {
    /// What other operations work with; the reason if the Manager cannot be used.
    fn ports(&self) -> Result<Ports<'a>, Failure> {
        let manager = self.manager.map_err(|failure| {
            let same = Failure::new(failure.class(), failure.message());
            same.with_hint(failure.hint().unwrap_or("Run `farm recover` again once the Manager can be used."))
        })?;
        Ok(Ports { volume: self.volume, manager, progress: self.progress, actor: self.actor })
    }

    fn requester(&self) -> Requester {
        Requester { user: self.actor.user.clone(), command: self.actor.command.clone() }
    }

    /// The lock of `scope`, or the words for who holds it. A dead owner's lock is taken over.
    fn lock(&self, scope: Scope) -> Result<Result<Lock, String>, Failure> {
        match Lock::acquire(self.volume, scope, &self.requester(), LockWait::No, &mut |_| ControlFlow::Continue(())) {
            Ok(lock) => Ok(Ok(lock)),
            Err(error @ (LockError::Held { .. } | LockError::Unreadable { .. })) => Ok(Err(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::name::Home;
    use crate::base::rel_path::RelPath;
    use crate::manager::local::LocalSettings;
    use crate::ops::change::{Change, PLAN as JOURNAL_KIND};
    use crate::ops::ports::Silent;
    use crate::volume::init::{InitRequest, init};
    use crate::volume::journal::Journal;
    use crate::volume::marker::Purpose;
    use crate::volume::{layout, trash};
    use std::path::Path;

    const SCENE: &str = "releases/r1/store/A.blend";
    const IMAGE: &str = "releases/r1/store/deps/0123456789abcdef/wood.png";
    const RELEASE: &str = r"
schema: farm.release/1
name: r1
created: 2026-11-01T10:00:00Z
jobs:
- name: A
  revisions:
  - number: 1
    planned: 2026-11-01T10:00:00Z
    user: ann
    host: ws1
    source: {path: /home/ann/A.blend, size: 1, modified: 2026-11-01T10:00:00Z, digest: DIGEST}
    store: {path: releases/r1/store/A.blend, size: 1, digest: DIGEST}
    blender: '3.4'
    frames: 1-3
    output: {format: PNG, extension: png, width: 64, height: 64, fps: 24.0}
    dependencies:
    - {path: /home/ann/wood.png, kind: image, stored: releases/r1/store/deps/0123456789abcdef/wood.png, size: 1}
  runs:
  - id: 6e1f6a3e-0000-4000-8000-000000000001
    number: 1
    revision: 1
    manager: local
    frames: 1-3
    chunk: 3
    priority: 50
    submitted: 2026-11-01T10:00:00Z
";

    struct Farm {
        temp: tempfile::TempDir,
        volume: Volume,
        local: Local,
        actor: Actor,
    }

    fn rel(path: &str) -> RelPath {
        RelPath::new(path).unwrap()
    }

    fn r1() -> Scope {
        Scope::Release("r1".parse().unwrap())
    }

    impl Farm {
        fn new() -> Farm {
            let temp = tempfile::tempdir().unwrap();
            let request = InitRequest { path: temp.path(), name: None, purpose: Purpose::Testing, home: None };
            let volume = init(&request).unwrap().volume;
            let local = Local::open(LocalSettings::new(volume.path_of(&layout::local_dir()))).unwrap();
            let (user, host, command) = ("ann".into(), "ws1".into(), "farm recover".into());
            let actor = Actor { user, host, command, lock_wait: LockWait::No, threads: 1 };
            Farm { temp, volume, local, actor }
        }

        fn means(&self) -> Means<'_> {
            let local = &self.local;
            Means {
                volume: &self.volume,
                manager: Ok(local),
                local: Some(local),
                progress: &Silent,
                actor: &self.actor,
            }
        }

        fn plant(&self, path: &str, bytes: &[u8]) {
            let (folder, name) = rel(path).split().map(|(folder, name)| (folder, name.to_owned())).unwrap();
            self.volume.make_dir(&folder).unwrap().write(&name, bytes).unwrap();
        }

        fn has(&self, path: &str) -> bool {
            self.temp.path().join(path).exists()
        }

        fn lock(&self) -> Lock {
            let requester = Requester { user: "bob".into(), command: "farm harvest release r1".into() };
            Lock::acquire(&self.volume, r1(), &requester, LockWait::No, &mut |_| ControlFlow::Continue(())).unwrap()
        }

        /// Leaves an unfinished journal behind, and its lock, as a process that was killed does.
        fn killed(&self, kind: &str, body: &impl serde::Serialize) {
            let lock = self.lock();
            drop(Journal::begin(&self.volume, &lock, kind, body).unwrap());
            drop(lock);
            self.make_owners_dead(".farm/journal");
        }

        /// The processes that these files name get another start time: nobody has that.
        fn make_owners_dead(&self, folder: &str) {
            for entry in std::fs::read_dir(self.temp.path().join(folder)).unwrap().map(Result::unwrap) {
                let path = entry.path();
                if path.is_file() {
                    let text = std::fs::read_to_string(&path).unwrap();
                    std::fs::write(&path, text.replace("\"start_time\":", "\"start_time\":1")).unwrap();
                }
            }
        }

        fn plan_intent(&self) -> Change {
            let release: Home = "r1".parse().unwrap();
            Change { release, by: None, store: vec![rel(SCENE)], copies: vec![rel(IMAGE)], jobs: Vec::new() }
        }

        fn recover(&self) -> Vec<Action> {
            recover(&self.means()).unwrap()
        }
    }

    fn verdicts(actions: &[Action]) -> Vec<(Kind, Verdict)> {
        actions.iter().map(|action| (action.kind, action.verdict)).collect()
    }

    fn tree(root: &Path) -> Vec<String> {
        let entries = walkdir::WalkDir::new(root).sort_by_file_name().into_iter().map(Result::unwrap);
        entries.map(|entry| format!("{:?} {:?}", entry.path(), entry.metadata().unwrap().modified().unwrap())).collect()
    }

    #[test]
    fn where_nothing_was_left_nothing_is_done() {
        let farm = Farm::new();
        let before = tree(farm.temp.path());
        assert_eq!(survey(&farm.means()).unwrap().describe(), []);
        assert_eq!(farm.recover(), []);
        assert_eq!(tree(farm.temp.path()), before);
    }

    #[test]
    fn a_plan_that_wrote_no_release_is_rolled_back() {
        let farm = Farm::new();
        farm.plant(SCENE, b"scene");
        farm.plant(IMAGE, b"wood");
        farm.killed(JOURNAL_KIND, &farm.plan_intent());
        let before = tree(farm.temp.path());
        let due = survey(&farm.means()).unwrap().describe();
        assert_eq!(verdicts(&due), [(Kind::Journal, Verdict::Due)]);
        assert!(due[0].what.starts_with("plan of release r1, begun "), "{}", due[0].what);
        assert_eq!(tree(farm.temp.path()), before, "looking changes nothing");
        assert_eq!(verdicts(&farm.recover()), [(Kind::Journal, Verdict::RolledBack)]);
        assert!(!farm.has(SCENE) && !farm.has(IMAGE));
        let trash = trash::list(&farm.volume).unwrap();
        assert_eq!(trash.transactions.len(), 1);
        assert_eq!(trash.transactions[0].items.len(), 2);
        assert_eq!(farm.recover(), [], "twice is once");
    }

    #[test]
    fn a_plan_whose_release_is_written_is_finished() {
        let farm = Farm::new();
        farm.plant(SCENE, b"scene");
        farm.plant(IMAGE, b"wood");
        farm.plant("releases/r1/release.yaml", RELEASE.replace("DIGEST", &"0".repeat(64)).as_bytes());
        farm.killed(JOURNAL_KIND, &farm.plan_intent());
        assert_eq!(verdicts(&farm.recover()), [(Kind::Journal, Verdict::Finished)]);
        assert!(farm.has(SCENE) && farm.has(IMAGE));
        let jobs = farm.local.jobs().unwrap();
        assert_eq!(jobs.len(), 1);
        let file = crate::ops::release::load(&farm.volume, &"r1".parse().unwrap()).unwrap().unwrap();
        assert_eq!(file.jobs[0].runs[0].manager_job.as_ref(), Some(&jobs[0].id));
        assert_eq!(farm.recover(), []);
        assert_eq!(farm.local.jobs().unwrap().len(), 1, "nothing is submitted twice");
    }

    #[test]
    fn a_run_that_no_journal_speaks_of_is_submitted() {
        let farm = Farm::new();
        farm.plant("releases/r1/release.yaml", RELEASE.replace("DIGEST", &"0".repeat(64)).as_bytes());
        assert_eq!(verdicts(&farm.recover()), [(Kind::Run, Verdict::Finished)]);
        assert_eq!(farm.local.jobs().unwrap().len(), 1);
        assert_eq!(farm.recover(), []);
    }

    #[test]
    fn without_a_manager_a_plan_is_left_as_it_is() {
        let farm = Farm::new();
        farm.plant("releases/r1/release.yaml", RELEASE.replace("DIGEST", &"0".repeat(64)).as_bytes());
        farm.killed(JOURNAL_KIND, &farm.plan_intent());
        let refused = Failure::new(Class::Manager, "the Manager at http://m/ cannot be used");
        let actions = recover(&Means { manager: Err(&refused), local: None, ..farm.means() }).unwrap();
        assert_eq!(verdicts(&actions), [(Kind::Journal, Verdict::Failed)]);
        assert!(actions[0].note.contains("http://m/"));
        assert_eq!(class(&actions), Some(Class::Partial));
        assert_eq!(verdicts(&farm.recover()), [(Kind::Journal, Verdict::Finished)]);
    }

    #[test]
    fn a_release_that_cannot_be_read_might_name_the_files() {
        let farm = Farm::new();
        farm.plant(SCENE, b"scene");
        farm.plant("releases/r2/release.yaml", b"nonsense");
        farm.killed(JOURNAL_KIND, &farm.plan_intent());
        let actions = farm.recover();
        assert_eq!(verdicts(&actions), [(Kind::Journal, Verdict::Failed)]);
        assert!(farm.has(SCENE));
    }

    #[test]
    fn what_a_living_farm_does_is_left_alone() {
        let farm = Farm::new();
        let lock = farm.lock();
        let journal = Journal::begin(&farm.volume, &lock, JOURNAL_KIND, &farm.plan_intent()).unwrap();
        farm.plant("dist/r1/.farm-0123456789abcde0-A.0001.png.part", b"half");
        let actions = farm.recover();
        assert_eq!(verdicts(&actions), [(Kind::Journal, Verdict::LeftAlone), (Kind::Temporary, Verdict::LeftAlone)]);
        assert!(actions[1].note.contains("bob"), "{}", actions[1].note);
        journal.done(&0).unwrap();
    }

    #[test]
    fn unknown_work_and_damaged_journals_are_not_guessed_at() {
        let farm = Farm::new();
        farm.killed("archive", &1);
        let actions = farm.recover();
        assert_eq!(verdicts(&actions), [(Kind::Journal, Verdict::Failed)]);
        assert!(actions[0].note.contains("archive"));
        let farm = Farm::new();
        farm.plant(".farm/journal/6e1f6a3e-0000-4000-8000-000000000001.jsonl", b"nonsense\n");
        farm.plant("dist/r1/.farm-0123456789abcde0-A.0001.png.part", b"half");
        let actions = farm.recover();
        assert_eq!(verdicts(&actions), [(Kind::Journal, Verdict::Failed), (Kind::Temporary, Verdict::Removed)]);
        assert!(actions[0].note.contains("6e1f6a3e") && actions[0].note.contains("move the journal away"));
        assert_eq!(class(&actions), Some(Class::Partial));
        assert_eq!(verdicts(&farm.recover()), [(Kind::Journal, Verdict::Failed)], "it stays until somebody looked");
    }

    #[test]
    fn temporaries_and_stale_locks_go() {
        let farm = Farm::new();
        farm.plant("releases/r1/release.yaml", RELEASE.replace("DIGEST", &"0".repeat(64)).as_bytes());
        farm.recover();
        let parts = [
            "releases/r1/store/deps/0123/.farm-0123456789abcde1-a.part",
            "dist/r1/x/.farm-0123456789abcde2-b.part",
            "releases/r1/.farm-0123456789abcde3-c.part",
        ];
        for part in parts {
            farm.plant(part, b"half");
        }
        farm.plant(".farm/journal/.farm-0123456789abcde4-d.part", b"somebody may be writing it now");
        farm.plant("releases/r1/out/A/000001.png", b"a frame");
        let held = farm.lock();
        let lock = std::fs::read(farm.temp.path().join(".farm/lock/release-r1.lock")).unwrap();
        drop(held);
        farm.plant(".farm/lock/release-r1.lock", &lock);
        farm.make_owners_dead(".farm/lock");
        let actions = farm.recover();
        let expected = [(Kind::Temporary, Verdict::Removed); 3].into_iter().chain([(Kind::Lock, Verdict::Removed)]);
        assert_eq!(verdicts(&actions), expected.collect::<Vec<_>>());
        assert!(parts.iter().all(|part| !farm.has(part)));
        assert!(!farm.has(".farm/lock/release-r1.lock"));
        assert!(farm.has(".farm/journal/.farm-0123456789abcde4-d.part"));
        assert!(farm.has("releases/r1/out/A/000001.png"));
        assert_eq!(farm.recover(), []);
    }

    #[test]
    fn what_a_dead_process_was_writing_into_farms_own_folder_goes() {
        let farm = Farm::new();
        let own = crate::sys::process::tag::own().unwrap();
        // This process's number, given to another that started at another time.
        let dead = format!("{}{:06x}", &own[..12], u64::from_str_radix(&own[12..], 16).unwrap() ^ 1);
        let folders = [
            ".farm",
            ".farm/lock",
            ".farm/journal",
            ".farm/journal/done",
            ".farm/verdicts/r1",
            ".farm/trash/6e1f6a3e-0000-4000-8000-000000000001",
        ];
        let part = |folder: &str, maker: &str| format!("{folder}/.farm-{maker}012345-a.json.part");
        for folder in folders {
            farm.plant(&part(folder, &dead), b"half");
            farm.plant(&part(folder, own), b"somebody is writing it now");
        }
        assert_eq!(half_written(&farm.volume).unwrap().len(), 6, "what is being written now is not told of");
        let actions = farm.recover();
        assert_eq!(verdicts(&actions), [(Kind::Temporary, Verdict::Removed); 6]);
        assert_eq!(half_written(&farm.volume).unwrap(), [""; 0]);
        for folder in folders {
            assert!(!farm.has(&part(folder, &dead)) && farm.has(&part(folder, own)), "{folder}");
        }
        assert_eq!(farm.recover(), []);
    }

    #[test]
    fn a_journal_leads_to_nothing_but_its_releases_store() {
        let farm = Farm::new();
        farm.plant("releases/r2/store/B.blend", b"another's");
        farm.plant("dist/r1/A.0001.png", b"a frame");
        let stray = ["releases/r2/store/B.blend", "dist/r1/A.0001.png", "releases/r1"];
        let intent = Change { store: stray.map(rel).to_vec(), ..farm.plan_intent() };
        farm.killed(JOURNAL_KIND, &intent);
        assert_eq!(verdicts(&farm.recover()), [(Kind::Journal, Verdict::Finished)]);
        assert!(farm.has("releases/r2/store/B.blend") && farm.has("dist/r1/A.0001.png"));
    }
}
