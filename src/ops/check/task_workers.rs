//! Who had the tasks of which their list does not say it, as until Flamenco 3.7.
//!
//! The answer about a task says it: a request each. So it is kept with the notes of the job; it cannot become another one
//! while the task does not change, for whoever is given a task changes it.

use crate::base::error::Failure;
use crate::base::ids::{TaskId, WorkerId};
use crate::base::name::{Home, JobName, JobRef};
use crate::base::time::Timestamp;
use crate::manager::ManagerTask;
use crate::ops::check::in_parallel::{try_by_hands, try_in_parallel};
use crate::ops::check::verdict_cache::VerdictCache;
use crate::ops::ports::Ports;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Who had a task, as the answer about it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Had {
    /// When the task changed last. If that is another time now, it may have been another worker's since.
    pub updated: Timestamp,
    /// The worker; none if the task was never begun.
    pub worker: Option<WorkerId>,
}

/// Names the workers of these tasks, each with the job that it belongs to, and returns what may be remembered of them. All
/// that no notes know is asked for, several at once.
pub(super) fn name(
    ports: &Ports<'_>,
    release: &Home,
    tasks: Vec<(&JobName, &mut ManagerTask)>,
) -> Result<HashMap<TaskId, Had>, Failure> {
    let known = known(ports, release, tasks.iter().map(|(job, _)| *job).collect())?;
    let mut had = HashMap::new();
    let mut unknown = Vec::new();
    for (_, task) in tasks {
        match known.get(&task.id).filter(|known| known.updated == task.updated) {
            Some(known) => {
                (task.worker, task.names_worker) = (known.worker.clone(), true);
                had.insert(task.id.clone(), known.clone());
            }
            None => unknown.push(task),
        }
    }
    let listed: Vec<ManagerTask> = unknown.iter().map(|task| (*task).clone()).collect();
    let hands = ports.manager.requests_at_once();
    let told = try_by_hands(ports, hands, &listed, |task| ports.manager.task_with_worker(task))?;
    for (task, found) in unknown.into_iter().zip(told) {
        task.names_worker = true;
        (task.worker, task.worker_name) = match found {
            Some(found) => {
                had.insert(found.id, Had { updated: found.updated, worker: found.worker.clone() });
                (found.worker, found.worker_name)
            }
            // Gone since the list was made: whoever had it may still be at it.
            None => (Some(WorkerId("unknown".to_owned())), None),
        };
    }
    Ok(had)
}

/// What the notes of these jobs know.
fn known(ports: &Ports<'_>, release: &Home, jobs: BTreeSet<&JobName>) -> Result<BTreeMap<TaskId, Had>, Failure> {
    let jobs: Vec<JobRef> = jobs.into_iter().map(|job| JobRef::within(release, job)).collect();
    let of_job = |job: &JobRef| Ok::<_, Failure>(VerdictCache::load(ports.volume, job).notes.workers);
    Ok(try_in_parallel(ports, &jobs, of_job)?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::status::{JobStatus, TaskStatus};
    use crate::ops::check::openness::Openness;
    use crate::ops::check::room::Room;
    use crate::ops::check::{Effort, OpenWork, check_job};
    use std::sync::atomic::Ordering;

    #[test]
    fn who_had_a_task_is_asked_once_while_it_does_not_change() {
        let mut room = Room::rendered(&[("A", "1-4"), ("B", "1-4")]);
        for at in 0..2 {
            let task = room.add_run_of(at, "1-4", TaskStatus::Canceled);
            room.manager.unnamed.insert(task, WorkerId("deleted".into()));
        }
        let never_begun = ManagerTask {
            id: TaskId("never".into()),
            name: "render-5".into(),
            ..room.manager.tasks[&room.manager.jobs[0].id][0].clone()
        };
        room.manager.tasks.get_mut(&room.manager.jobs[0].id).expect("there").push(never_begun);
        room.manager.jobs.iter_mut().for_each(|job| job.status = JobStatus::Canceled);
        let tasks = room.manager.tasks.values_mut().flatten();
        tasks.for_each(|task| (task.worker, task.names_worker) = (None, false));
        room.manager.workers.clear();
        let look = |room: &Room| {
            let work = OpenWork::of(&room.ports(), &room.file).expect("work");
            for job in &room.file.jobs {
                check_job(&room.ports(), room.release(), job, &work, Effort::Trust).expect("check");
            }
            let tasks = work.runs(&room.file.jobs[0])[0].tasks.iter().map(|task| task.openness).collect::<Vec<_>>();
            (tasks, work.runs(&room.file.jobs[1])[0].is_open(), room.manager.asked.load(Ordering::Relaxed))
        };
        let open = vec![Openness::Open, Openness::Quiet];
        assert_eq!(look(&room), (open.clone(), true, 3));
        assert_eq!(look(&room), (open, true, 3), "remembered");
        // Put back in the queue, rendered by another one, and canceled once more.
        let task = &mut room.manager.tasks.get_mut(&room.manager.jobs[0].id).expect("there")[1];
        task.updated = task.updated.plus_seconds(1);
        room.manager.unnamed.insert(TaskId("never".into()), WorkerId("other".into()));
        assert_eq!(look(&room), (vec![Openness::Open; 2], true, 4));
    }
}
