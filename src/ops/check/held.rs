//! Why frames are held back: for whom they are left alone, in words that say what to do about it.

use super::open_work::{OpenWork, TaskWork};
use super::openness::{Openness, is_over};
use crate::base::frame_set::FrameSet;
use crate::base::ids::RunId;
use crate::base::name::JobName;
use crate::base::status::WorkerStatus;
use crate::base::time::Timestamp;
use crate::manager::ManagerWorker;
use crate::ops::addresses::Addresses;
use crate::ops::ports::Ports;
use crate::sys::http::without_credentials;
use crate::volume::release_file::{JobRecord, ReleaseFile};
use std::collections::{BTreeMap, HashSet};
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
    /// Their task ended, and its worker was deleted since, or nobody says which one had it.
    Gone {
        /// When the task ended.
        since: Timestamp,
    },
    /// Their job was ended in a way that its workers are not told of: their task goes on.
    Untold,
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
                "Give the same command again in half a minute. If that changes nothing, see that its renderer has ended, or \
                 that {worker} is off, and start its worker again: then its frames are free. An hour after the end of its \
                 task it counts as lost."
            ),
            Why::Gone { .. } => {
                "An hour after the end of its task its renderer counts as lost, and its frames are free.".to_owned()
            }
            Why::Untold => "Cancel the job once more in the Manager's own pages: that stops its workers.".to_owned(),
            Why::Elsewhere { manager } => format!("Name that one with --manager {manager}."),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Most of these were not begun by anybody.
            Why::AtWork => write!(f, "it is in the queue or being rendered: its task has not ended"),
            Why::Settling { worker } => write!(f, "worker {worker} may still be writing: its task ended only just now"),
            Why::Unheard { worker, since } => {
                write!(f, "worker {worker} may still be writing: it was not heard since its task ended ({since})")
            }
            Why::InError { worker } => {
                write!(f, "worker {worker} may still be writing: it is in error, and its renderer may live on")
            }
            Why::Gone { since } => write!(
                f,
                "a worker that the Manager does not know any more may still be writing: its task ended {since}, and nobody \
                 can say that it stopped"
            ),
            Why::Untold => write!(f, "a worker may still be writing: its job has ended, and its task has not"),
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

/// Why the open frames of the release's jobs are open: asks nobody, for `work` knows.
pub fn of(ports: &Ports<'_>, file: &ReleaseFile, work: &OpenWork) -> Vec<Held> {
    let known: HashSet<RunId> = file.jobs.iter().flat_map(|job| work.runs(job)).map(|run| run.run).collect();
    let look = Look {
        addresses: Addresses::of(ports.manager, file, |run| known.contains(run)),
        known,
        workers: work.workers(),
    };
    file.jobs.iter().flat_map(|job| look.job(job, work)).collect()
}

struct Look<'a> {
    known: HashSet<RunId>,
    addresses: Addresses,
    workers: &'a [ManagerWorker],
}

impl Look<'_> {
    fn job(&self, job: &JobRecord, work: &OpenWork) -> Vec<Held> {
        let open = work.frames(&job.name);
        let mut reasons: BTreeMap<Why, Vec<FrameSet>> = BTreeMap::new();
        for run in work.runs(job) {
            if run.waiting > 0 {
                reasons.entry(Why::AtWork).or_default().push(run.frames.clone());
            }
            for task in run.tasks.iter().filter(|task| task.openness == Openness::Open) {
                reasons.entry(self.why(task)).or_default().push(task.frames.clone());
            }
        }
        for run in job.runs.iter().filter(|run| !self.known.contains(&run.id)) {
            let why = match () {
                () if !self.addresses.are_of(run) => Why::Elsewhere { manager: without_credentials(&run.manager) },
                () if run.is_pending() => Why::OnItsWay,
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

    fn why(&self, task: &TaskWork) -> Why {
        if !is_over(&task.status, task.job_ended) {
            return if task.job_ended { Why::Untold } else { Why::AtWork };
        }
        let since = task.updated;
        let Some(worker) = self.workers.iter().find(|worker| Some(&worker.id) == task.worker.as_ref()) else {
            return Why::Gone { since };
        };
        let name = worker.name.clone();
        match worker.last_seen {
            _ if worker.status == WorkerStatus::Error => Why::InError { worker: name },
            Some(seen) if seen > since => Why::Settling { worker: name },
            _ => Why::Unheard { worker: name, since },
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
        let held = of(&room.ports(), &room.file, &work);
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
        assert!(matches!(&told(&room)[0].1, Why::Gone { .. }));
    }

    /// A bare `canceled`, as some scripts set it: seen on Flamenco 3.9, the renderer goes on to the task's end.
    #[test]
    fn a_task_that_its_jobs_end_did_not_reach_is_not_one_that_just_ended() {
        let mut room = Room::new(&[("A", "1-3")]);
        room.add_run("1-3", TaskStatus::Active);
        room.manager.jobs[0].status = JobStatus::Canceled;
        assert_eq!(told(&room), [("1-3".to_owned(), Why::Untold)]);
        assert!(Why::Untold.next_step().contains("Cancel the job once more"));
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
