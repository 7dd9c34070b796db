//! Why frames are held back: for whom they are left alone, in words that say what to do about it.

use super::in_parallel::try_by_hands;
use super::open_work::{OpenWork, RunWork, TaskWork};
use super::openness::Openness;
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::{RunId, TaskId};
use crate::base::name::JobName;
use crate::base::status::WorkerStatus;
use crate::base::time::Timestamp;
use crate::manager::{ManagerTask, ManagerWorker};
use crate::ops::addresses::Addresses;
use crate::ops::ports::Ports;
use crate::sys::http::without_credentials;
use crate::volume::release_file::{JobRecord, ReleaseFile};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

/// Frames of a job that are left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The job.
    pub job: JobName,
    /// The frames.
    pub frames: FrameSet,
    /// For whom.
    pub why: Why,
}

/// For whom frames are left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Their task waits or is at work: nothing is wrong.
    AtWork,
    /// Their task ended some seconds ago, and its worker may not know yet.
    Settling {
        /// The worker's name.
        worker: String,
    },
    /// Their task ended, and its worker was not heard since.
    Unheard {
        /// The worker's name.
        worker: String,
        /// When the task ended.
        since: Timestamp,
    },
    /// Their task ended, and its worker is in error: nobody knows what its renderer does.
    InError {
        /// The worker's name.
        worker: String,
    },
    /// Their run was submitted to another Manager.
    Elsewhere {
        /// Its address.
        manager: String,
    },
    /// Their run is written down, and its submission may be on its way.
    OnItsWay,
    /// Their job was deleted from the Manager, and they were written to some seconds ago.
    Deleted,
}

impl Why {
    /// Whether a person has to know: the others are in the queue, as asked.
    pub fn is_odd(&self) -> bool {
        *self != Why::AtWork
    }

    /// What to do.
    pub fn next_step(&self) -> String {
        match self {
            Why::AtWork => "`farm status` shows how far it is.".to_owned(),
            Why::Settling { .. } | Why::OnItsWay | Why::Deleted => {
                "Give the same command again in a quarter of a minute.".to_owned()
            }
            Why::Unheard { worker, .. } | Why::InError { worker } => format!(
                "See that its renderer has ended, or that {worker} is off, and start its worker again: then its frames are \
                 free. An hour after the end of its task it counts as lost."
            ),
            Why::Elsewhere { manager } => format!("Name that one with --manager {manager}."),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::AtWork => write!(f, "a worker may still write it: its task has not ended"),
            Why::Settling { worker } => write!(f, "worker {worker} may still be writing: its task ended only just now"),
            Why::Unheard { worker, since } => {
                write!(f, "worker {worker} may still be writing: it was not heard since its task ended ({since})")
            }
            Why::InError { worker } => {
                write!(f, "worker {worker} may still be writing: it is in error, and its renderer may live on")
            }
            Why::Elsewhere { manager } => {
                write!(
                    f,
                    "submitted to the Manager {manager}, and only that one knows whether a worker is still writing"
                )
            }
            Why::OnItsWay => write!(f, "the submission of the run may still be on its way to the Manager"),
            Why::Deleted => write!(
                f,
                "a worker may still be writing: the job is not in the Manager any more, and files were written just now"
            ),
        }
    }
}

/// Why the open frames of the release's jobs are open. Who was at tasks that ended is asked of the Manager again, and of
/// it only: it is rare.
pub fn of(ports: &Ports<'_>, file: &ReleaseFile, work: &OpenWork) -> Result<Vec<Held>, Failure> {
    let known: HashSet<RunId> = file.jobs.iter().flat_map(|job| work.runs(job)).map(|run| run.run).collect();
    let runs: Vec<&RunWork> = file.jobs.iter().flat_map(|job| work.runs(job)).collect();
    let asked: HashSet<RunId> =
        runs.iter().filter(|run| run.tasks.iter().any(|task| is_over(run, task))).map(|run| run.run).collect();
    let look = Look {
        addresses: Addresses::of(ports.manager, file, |run| known.contains(run)),
        known,
        writers: Writers::of(ports, &asked)?,
    };
    Ok(file.jobs.iter().flat_map(|job| look.job(job, work)).collect())
}

/// Whether the Manager says that nobody is at the task any more, and somebody may be all the same.
fn is_over(run: &RunWork, task: &TaskWork) -> bool {
    task.openness == Openness::Open && (task.status.has_ended() || run.status.has_ended())
}

struct Look {
    known: HashSet<RunId>,
    addresses: Addresses,
    writers: Writers,
}

impl Look {
    fn job(&self, job: &JobRecord, work: &OpenWork) -> Vec<Held> {
        let open = work.frames(&job.name);
        let mut reasons: BTreeMap<Why, Vec<FrameSet>> = BTreeMap::new();
        for run in work.runs(job) {
            if run.waiting > 0 {
                reasons.entry(Why::AtWork).or_default().push(run.frames.clone());
            }
            for task in run.tasks.iter().filter(|task| task.openness == Openness::Open) {
                let why = if is_over(run, task) { self.writers.why(&task.id) } else { Why::AtWork };
                reasons.entry(why).or_default().push(task.frames.clone());
            }
        }
        for run in job.runs.iter().filter(|run| !self.known.contains(&run.id)) {
            let why = match () {
                () if !self.addresses.are_of(run) => Why::Elsewhere { manager: without_credentials(&run.manager) },
                () if run.manager_job.is_none() => Why::OnItsWay,
                () => continue,
            };
            reasons.entry(why).or_default().push(run.frames.clone());
        }
        let told = FrameSet::union_of(reasons.values().flatten());
        reasons.entry(Why::Deleted).or_default().push(open.minus(&told));
        let held = |(why, frames): (Why, Vec<FrameSet>)| Held {
            job: job.name.clone(),
            frames: FrameSet::union_of(&frames).common(&open),
            why,
        };
        reasons.into_iter().map(held).filter(|held| !held.frames.is_empty()).collect()
    }
}

/// Who was at tasks that ended.
#[derive(Default)]
struct Writers {
    tasks: HashMap<TaskId, ManagerTask>,
    workers: Vec<ManagerWorker>,
}

impl Writers {
    /// Those of these runs.
    fn of(ports: &Ports<'_>, runs: &HashSet<RunId>) -> Result<Writers, Failure> {
        if runs.is_empty() {
            return Ok(Writers::default());
        }
        let jobs = ports.manager.jobs()?;
        let of_runs = jobs.iter().filter(|job| job.run_id().is_some_and(|run| runs.contains(&run)));
        let ids: Vec<_> = of_runs.map(|job| &job.id).collect();
        let tasks = try_by_hands(ports, ports.manager.requests_at_once(), &ids, |id| ports.manager.tasks(id))?;
        let tasks = tasks.into_iter().flatten().map(|task| (task.id.clone(), task)).collect();
        Ok(Writers { tasks, workers: ports.manager.workers()? })
    }

    fn why(&self, id: &TaskId) -> Why {
        let Some(task) = self.tasks.get(id) else { return Why::Deleted };
        let Some(worker) = self.workers.iter().find(|worker| task.is_with(worker)) else {
            let worker = task.worker.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
            return Why::Unheard {
                worker: format!("{worker} (not known to the Manager any more)"),
                since: task.updated,
            };
        };
        let name = worker.name.clone();
        match worker.last_seen {
            _ if worker.status == WorkerStatus::Error => Why::InError { worker: name },
            Some(seen) if seen > task.updated => Why::Settling { worker: name },
            _ => Why::Unheard { worker: name, since: task.updated },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::status::{JobStatus, TaskStatus};
    use crate::ops::check::room::Room;
    use crate::sys::clock;

    fn told(room: &Room) -> Vec<(String, Why)> {
        let work = OpenWork::of(&room.ports(), &room.file).expect("work");
        let held = of(&room.ports(), &room.file, &work).expect("asked");
        held.into_iter().map(|held| (held.frames.to_string(), held.why)).collect()
    }

    /// A release whose one run failed just now, and whose worker was seen so many seconds after that.
    fn failed(seen_after: i64) -> Room {
        let mut room = Room::new(&[("A", "1-3")]);
        room.add_run("1-3", TaskStatus::Failed);
        let ended = clock::now().plus_seconds(-60);
        room.manager.jobs[0].status = JobStatus::Failed;
        room.manager.tasks.values_mut().flatten().for_each(|task| task.updated = ended);
        room.manager.workers[0].last_seen = Some(ended.plus_seconds(seen_after));
        room
    }

    #[test]
    fn who_was_not_heard_since_is_named() {
        let [(frames, why)] = &told(&failed(-1))[..] else { panic!() };
        assert!(frames == "1-3" && matches!(why, Why::Unheard { worker, .. } if worker == "here"), "{why:?}");
        assert!(why.to_string().contains("worker here") && why.next_step().contains("here is off"), "{why}");
        assert_eq!(told(&failed(5)), [("1-3".to_owned(), Why::Settling { worker: "here".into() })]);
        assert_eq!(told(&failed(20)), [], "it had time to stop");
        let mut room = failed(20);
        room.manager.workers[0].status = WorkerStatus::Error;
        assert_eq!(told(&room), [("1-3".to_owned(), Why::InError { worker: "here".into() })]);
        let mut room = failed(20);
        room.manager.workers.clear();
        assert!(matches!(&told(&room)[0].1, Why::Unheard { worker, .. } if worker.contains("not known")));
    }

    #[test]
    fn what_was_never_begun_is_in_the_queue() {
        let mut room = Room::new(&[("A", "1-3")]);
        room.add_run("1-3", TaskStatus::Queued);
        let job = &mut room.manager.jobs[0];
        (job.status, job.updated) = (JobStatus::Queued, job.created);
        assert_eq!(told(&room), [("1-3".to_owned(), Why::AtWork)]);
    }

    #[test]
    fn another_manager_is_named_without_its_password() {
        let mut room = Room::new(&[("A", "1-6")]);
        room.add_run("1-2", TaskStatus::Active);
        room.add_run("3-4", TaskStatus::Queued);
        room.add_run("5-6", TaskStatus::Queued);
        room.manager.jobs.truncate(1);
        room.file.jobs[0].runs[1].manager = "http://ann:secret@elsewhere:8080".into();
        let told = told(&room);
        let words: Vec<&str> = told.iter().map(|(frames, _)| frames.as_str()).collect();
        assert_eq!(words, ["1-2", "3-4", "5-6"], "{told:?}");
        assert_eq!(told[0].1, Why::AtWork);
        let Why::Elsewhere { manager } = &told[1].1 else { panic!("{told:?}") };
        assert!(manager.contains("elsewhere:8080") && !manager.contains("secret"), "{manager}");
        assert_eq!(told[2].1, Why::OnItsWay);
    }
}
