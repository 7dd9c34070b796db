//! What the Manager's list does not say of jobs: looked up of those alone that are in question.

use super::facts::Facts;
use super::row::{JobRow, Origin};
use crate::base::error::Failure;
use crate::base::status::TaskStatus;
use crate::manager::{ManagerTask, ManagerWorker};
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::check::{Effort, OpenWork, Remember, check_and};
use crate::ops::ports::Ports;
use std::collections::BTreeSet;

/// Looks something up of these rows.
pub(super) type LookUp = for<'r, 'a> fn(&Ports<'_>, &Facts, &mut [&'r mut JobRow<'a>]) -> Result<(), Failure>;

/// How far they are, by their frames. Nothing on the volume changes.
pub(super) fn progress(ports: &Ports<'_>, facts: &Facts, rows: &mut [&mut JobRow<'_>]) -> Result<(), Failure> {
    let workers = ports.manager.workers()?;
    let by_run = JobsByRun::of(&facts.jobs);
    for file in &facts.files {
        let is_of_it = |row: &JobRow<'_>| matches!(row.origin, Origin::Recorded(of, _) if of.name == file.name);
        if !rows.iter().any(|row| is_of_it(row)) {
            continue;
        }
        let work = OpenWork::with_jobs(ports, file, &by_run, &workers)?;
        for row in rows.iter_mut().filter(|row| is_of_it(row)) {
            let Origin::Recorded(_, job) = row.origin else { continue };
            ports.go_on()?;
            let counts = check_and(Remember::Nothing, ports, &file.name, job, &work, Effort::Trust)?.counts();
            row.progress = Some((counts.ok * 100 / counts.expected.max(1)) as i64);
        }
    }
    Ok(())
}

/// Who is at their tasks, or was: the tasks are asked for, a request for each job.
pub(super) fn workers(ports: &Ports<'_>, _: &Facts, rows: &mut [&mut JobRow<'_>]) -> Result<(), Failure> {
    let workers = ports.manager.workers()?;
    let names = try_by_hands(ports, ports.manager.requests_at_once(), rows, |row| {
        let mut names = BTreeSet::new();
        for job in row.managers_jobs() {
            for task in ports.manager.tasks(&job.id)? {
                names.extend(who(ports, task, &workers)?);
            }
        }
        Ok::<_, Failure>(names.into_iter().collect::<Vec<String>>())
    })?;
    rows.iter_mut().zip(names).for_each(|(row, names)| row.workers = Some(names));
    Ok(())
}

/// The name and the id of the task's worker. Until 3.7 a list does not say who had a task that its worker has left.
fn who(ports: &Ports<'_>, task: ManagerTask, workers: &[ManagerWorker]) -> Result<Vec<String>, Failure> {
    let known = |task: &ManagerTask| workers.iter().find(|worker| task.is_with(worker));
    let is_unsaid = !task.names_worker && task.status != TaskStatus::Queued && known(&task).is_none();
    let told = if is_unsaid { ports.manager.task_with_worker(&task)?.unwrap_or(task) } else { task };
    let name = known(&told).map(|worker| worker.name.clone()).or(told.worker_name.clone());
    let id = known(&told).map(|worker| worker.id.to_string()).or(told.worker.map(|id| id.to_string()));
    Ok(name.into_iter().chain(id).collect())
}
