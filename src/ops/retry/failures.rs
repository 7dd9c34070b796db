//! Why frames are missing: failed tasks by what their logs say, and workers that fail what others do.

use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::WorkerId;
use crate::base::name::JobRef;
use crate::base::status::TaskStatus;
use crate::frames::failure_kind::FailureKind;
use crate::frames::last_words::last_line;
use crate::manager::{ManagerError, ManagerTask, ManagerWorker};
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::check::open_work::{RunWork, TaskWork};
use crate::ops::ports::Ports;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// So many failed tasks of a job are looked into; the newest tell enough.
const READ: usize = 20;
/// So many completed runs of a job, and tasks of them, are asked who did them.
const ASKED: usize = 3;

/// Failed tasks of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureGroup {
    /// What kind of failure.
    pub kind: FailureKind,
    /// How many tasks.
    pub count: usize,
    /// Their names.
    pub tasks: Vec<String>,
    /// The workers that failed them.
    pub workers: Vec<String>,
    /// The line of the newest one's log that says most.
    pub line: String,
    /// What helps.
    pub advice: String,
}

/// A worker that failed tasks of jobs of which others completed some, and completed none itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingWorker {
    /// Its name.
    pub worker: String,
    /// How many tasks it failed.
    pub failed: usize,
    /// Of which jobs.
    pub jobs: Vec<JobRef>,
    /// Who completed tasks of these jobs.
    pub others: Vec<String>,
}

/// The failed tasks that had these frames, grouped by what their logs say; the most frequent first. Of a frame that failed
/// several times the newest failure counts.
pub fn of(ports: &Ports<'_>, runs: &[RunWork], frames: &FrameSet) -> Result<Vec<FailureGroup>, Failure> {
    let failed = newest_failures(runs, frames);
    let read = &failed[..failed.len().min(READ)];
    let hands = ports.manager.requests_at_once();
    let tails = try_by_hands(ports, hands, read, |task| {
        Ok::<_, ManagerError>(ports.manager.log_tail(&task.id)?.unwrap_or_default())
    })?;
    let mut groups: BTreeMap<FailureKind, FailureGroup> = BTreeMap::new();
    for (task, tail) in read.iter().zip(tails) {
        let kind = FailureKind::classify(&tail);
        let group = groups.entry(kind).or_insert_with(|| FailureGroup {
            kind,
            count: 0,
            tasks: Vec::new(),
            workers: Vec::new(),
            line: kind.evidence(&tail).map_or_else(|| last_line(&tail), str::to_owned),
            advice: kind.advice().to_owned(),
        });
        group.count += 1;
        group.tasks.push(task.name.clone());
        let worker = task.worker_name.clone();
        group.workers.extend(worker.filter(|name| !group.workers.contains(name)));
    }
    let mut groups: Vec<FailureGroup> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(groups)
}

/// Newest first. What a run rendered for another revision has been taken out of its frames, not out of those of its tasks.
fn newest_failures<'r>(runs: &'r [RunWork], frames: &FrameSet) -> Vec<&'r TaskWork> {
    let mut left = frames.clone();
    let mut failed = Vec::new();
    for run in runs.iter().rev() {
        let of_run: Vec<&TaskWork> = run.tasks.iter().filter(|task| task.status.has_failed()).collect();
        let still_left = left.common(&run.frames);
        let of_frames = of_run.into_iter().filter(|task| !task.frames.common(&still_left).is_empty());
        let of_frames: Vec<&TaskWork> = of_frames.collect();
        left = left.minus(&FrameSet::union_of(of_frames.iter().map(|task| &task.frames)));
        failed.extend(of_frames);
    }
    failed
}

/// Who failed what of the looked-at jobs, and who completed it.
#[derive(Debug, Default)]
pub struct Hands(BTreeMap<WorkerId, Hand>);

#[derive(Debug, Default)]
struct Hand {
    name: String,
    failed: usize,
    completed: usize,
    jobs: Vec<JobRef>,
    others: BTreeSet<String>,
}

/// A worker that completed a task, and its name.
struct Completer {
    id: WorkerId,
    name: String,
}

impl Hands {
    /// Takes in one job. Who completed its runs is asked only where somebody failed a task of it.
    pub fn add(
        &mut self,
        ports: &Ports<'_>,
        job: &JobRef,
        runs: &[RunWork],
        workers: &[ManagerWorker],
    ) -> Result<(), Failure> {
        let mut failed: BTreeMap<&WorkerId, Vec<&TaskWork>> = BTreeMap::new();
        for task in runs.iter().flat_map(|run| &run.tasks).filter(|task| task.status.has_failed()) {
            if let Some(worker) = &task.worker {
                failed.entry(worker).or_default().push(task);
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        let completed = completed_by(ports, runs, workers)?;
        for (worker, tasks) in failed {
            let hand = self.0.entry(worker.clone()).or_default();
            hand.name = tasks[0].worker_name.clone().unwrap_or_else(|| worker.to_string());
            hand.failed += tasks.len();
            hand.completed += completed.iter().filter(|other| other.id == *worker).count();
            let others: Vec<&Completer> = completed.iter().filter(|other| other.id != *worker).collect();
            if !others.is_empty() {
                hand.jobs.push(job.clone());
                hand.others.extend(others.into_iter().map(|other| other.name.clone()));
            }
        }
        Ok(())
    }

    /// Those that fail what others do.
    pub fn failing(self) -> Vec<FailingWorker> {
        let fails = |hand: &Hand| hand.completed == 0 && !hand.others.is_empty();
        let failing = self.0.into_values().filter(fails).map(|hand| FailingWorker {
            worker: hand.name,
            failed: hand.failed,
            jobs: hand.jobs,
            others: hand.others.into_iter().collect(),
        });
        failing.collect()
    }
}

/// The workers of completed tasks: of those at hand, and of the newest runs that are completed as a whole.
fn completed_by(ports: &Ports<'_>, runs: &[RunWork], workers: &[ManagerWorker]) -> Result<Vec<Completer>, Failure> {
    let at_hand = runs.iter().flat_map(|run| &run.tasks).filter(|task| task.status == TaskStatus::Completed);
    let (mut found, mut unnamed) = (Vec::new(), Vec::new());
    for task in at_hand {
        match task.worker.clone().zip(task.worker_name.clone()) {
            Some((id, name)) => found.push(Completer { id, name }),
            None => unnamed.push(task.id.clone()),
        }
    }
    let of_task = |task: &ManagerTask| {
        let (id, name) = task.worker.clone().zip(task.worker_named(workers))?;
        Some(Completer { id, name })
    };
    for job in runs.iter().rev().filter_map(|run| run.completed.as_ref()).take(ASKED) {
        for task in ports.manager.tasks(&job.id)? {
            match of_task(&task) {
                Some(completer) => found.push(completer),
                None => unnamed.push(task.id),
            }
        }
    }
    // Until 3.7 no list names them.
    for task in unnamed.iter().take(ASKED) {
        found.extend(ports.manager.task(task)?.as_ref().and_then(of_task));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::OpenWork;
    use crate::ops::check::room::Room;

    fn groups(room: &Room, frames: &str) -> Vec<(FailureKind, Vec<String>)> {
        let work = OpenWork::of(&room.ports(), &room.file).expect("work");
        let runs = work.telling(&room.file.jobs[0]);
        let groups = of(&room.ports(), runs, &frames.parse().expect("frames")).expect("read");
        groups.into_iter().map(|group| (group.kind, group.tasks)).collect()
    }

    #[test]
    fn the_newest_failure_of_a_frame_counts() {
        let mut room = Room::new(&[("A", "1-9")]);
        let first = room.add_run("1-9", TaskStatus::Failed);
        room.manager.logs.insert(first, "Error: Cannot read file '/v/a.blend': No such file\n".into());
        let second = room.add_run("4-6", TaskStatus::Failed);
        room.manager.logs.insert(second, "Segmentation fault\n".into());
        let missing = (FailureKind::MissingFile, vec!["render-1-9".to_owned()]);
        let crash = (FailureKind::Crash, vec!["render-4-6".to_owned()]);
        assert_eq!(groups(&room, "5"), std::slice::from_ref(&crash));
        assert_eq!(groups(&room, "1"), std::slice::from_ref(&missing));
        let both = groups(&room, "1,5");
        assert!(both.len() == 2 && both.contains(&missing) && both.contains(&crash), "{both:?}");
        let mut whole = Room::new(&[("A", "1")]);
        whole.add_run("1", TaskStatus::Completed);
        assert_eq!(groups(&whole, "1"), []);
    }

    #[test]
    fn a_worker_that_fails_what_another_does_is_named() {
        let mut room = Room::new(&[("A", "1-6")]);
        room.add_run("1-3", TaskStatus::Failed);
        room.add_run("4-6", TaskStatus::Completed);
        let other = ManagerWorker { id: WorkerId("w2".into()), name: "good".into(), ..room.manager.workers[0].clone() };
        room.manager.workers.push(other);
        let failing = |room: &Room| {
            let work = OpenWork::of(&room.ports(), &room.file).expect("work");
            let job = JobRef::within(room.release(), &room.file.jobs[0].name);
            let mut hands = Hands::default();
            hands.add(&room.ports(), &job, work.runs(&room.file.jobs[0]), work.workers()).expect("asked");
            hands.failing()
        };
        assert_eq!(failing(&room), [], "it completed the others itself");
        let second = room.manager.jobs[1].id.clone();
        room.manager.tasks.get_mut(&second).expect("there")[0].worker = Some(WorkerId("w2".into()));
        let [one] = &failing(&room)[..] else { panic!("{:?}", failing(&room)) };
        assert_eq!((one.worker.as_str(), one.failed, one.others.as_slice()), ("here", 1, &["good".to_owned()][..]));
        // One that is gone is in no list; its tasks may name it all the same.
        room.manager.workers.remove(0);
        let first = room.manager.jobs[0].id.clone();
        room.manager.tasks.get_mut(&first).expect("there")[0].worker_name = Some("gone".into());
        assert_eq!(failing(&room)[0].worker, "gone");
    }

    /// A replace that was undone, and whose run failed: that scene is nobody's any more.
    #[test]
    fn a_run_of_a_revision_that_was_taken_back_is_no_failure() {
        let mut room = Room::new(&[("A", "1-3")]);
        let task = room.add_run("1-3", TaskStatus::Failed);
        room.manager.logs.insert(task, "Segmentation fault\n".into());
        room.file.jobs[0].runs[0].revision = 2;
        assert_eq!(groups(&room, "1-3"), []);
    }
}
