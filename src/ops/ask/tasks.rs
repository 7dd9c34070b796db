//! The tasks that a query finds.
//!
//! A Manager tells of tasks job by job. So the query is put to the runs first, with what their jobs say; asked for are the
//! tasks of those alone that leave it open.

use super::task_row::{Run, TaskRow, Who};
use super::{names_of, nothing_matches, of_unreadable};
use crate::base::counted::{agree, counted};
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId, TaskId, WorkerId};
use crate::base::status::{JobStatus, TaskStatus};
use crate::base::time::Timestamp;
use crate::manager::{ManagerTask, ManagerWorker};
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::ports::Ports;
use crate::ops::select::{Facts, JobRow, Reach};
use crate::query::{Asked, Field, Query, Subject};
use crate::sys::clock;
use serde::Serialize;

/// So many requests a question may cost without anybody saying so: some seconds of a Manager far off.
const MOST_REQUESTS: usize = 1000;

/// How much may be asked of a Manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// No more requests than a question is worth.
    Usual,
    /// However many it takes.
    Endless,
}

/// The tasks that match.
#[derive(Debug, Default)]
pub struct TaskListing {
    /// Job by job, run by run, by their frames.
    pub tasks: Vec<ListedTask>,
    /// Releases that cannot be read, one line each.
    pub unreadable: Vec<String>,
}

/// A task that matches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedTask {
    /// The Manager's id.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// The full name of its job; `None` where farm did not make that.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The name of its job without the release; of a job that farm did not make, the Manager's.
    pub job: String,
    /// The Manager's id of the job that it belongs to.
    pub job_id: JobId,
    /// The status of that.
    pub job_status: JobStatus,
    /// Farm's own id of the run.
    pub run: Option<RunId>,
    /// Which of the job's runs that is, from 1.
    pub run_number: Option<u32>,
    /// Its status.
    pub status: TaskStatus,
    /// Its type.
    #[serde(rename = "type")]
    pub task_type: String,
    /// The name of the worker that has or had it; the id of one that the Manager forgot.
    pub worker: Option<String>,
    /// The Manager's id of that worker.
    pub worker_id: Option<WorkerId>,
    /// Its frames.
    pub frames: FrameSet,
    /// When its job was submitted.
    pub created: Timestamp,
    /// When anything about it changed last.
    pub updated: Timestamp,
    /// Who submitted its job.
    pub user: Option<String>,
    /// Whether farm did not make its job.
    pub foreign: bool,
}

/// The tasks that match; that there are none is an error, but for an empty query.
///
/// Those of jobs that farm did not make are looked at where the query speaks of such jobs.
pub fn list(ports: &Ports<'_>, query: &Query, patience: Patience) -> Result<TaskListing, Failure> {
    let facts = Facts::gather(ports, &Reach::Everything, &Query::everything(Subject::Jobs))?;
    let jobs = facts.rows(ports.manager);
    let asked = Asked { now: clock::now(), user: &ports.actor.user };
    let speaks_of_foreign = query.fields().contains(&Field::Foreign);
    let meant = jobs.iter().filter(|job| speaks_of_foreign || !job.is_foreign());
    let mut runs: Vec<Run<'_>> = meant.flat_map(Run::of).collect();
    runs.retain(|run| query.verdict(&TaskRow::of_all(run), &asked) != Some(false));
    bear(ports, runs.len(), patience)?;
    let workers = if runs.is_empty() { Vec::new() } else { ports.manager.workers()? };
    let look = Look { ports, query, asked, workers: &workers };
    let hands = ports.manager.requests_at_once();
    let found = try_by_hands(ports, hands, &runs, |run| look.matching(run))?;
    let mut found: Vec<Found<'_>> =
        runs.iter().zip(found).flat_map(|(run, tasks)| tasks.into_iter().map(move |one| one.of(run))).collect();
    if found.is_empty() && !query.is_empty() {
        return Err(nothing(&facts, &jobs, query, speaks_of_foreign));
    }
    look.name_workers(&mut found, patience)?;
    let tasks = found.into_iter().map(Found::listed).collect();
    drop(runs);
    drop(jobs);
    Ok(TaskListing { tasks, unreadable: facts.unreadable })
}

/// Whether so many requests may be made.
fn bear(ports: &Ports<'_>, requests: usize, patience: Patience) -> Result<(), Failure> {
    // The local queue is a file: it is asked nothing over a line.
    if patience == Patience::Endless || !ports.manager.is_remote() || requests <= MOST_REQUESTS {
        return Ok(());
    }
    let words = format!("the tasks of {} would have to be asked for, a request each", counted(requests, "run"));
    Err(Failure::new(Class::Refused, words).but("nothing was asked for").with_hint(format!(
        "Narrow the query, by release:, job:, user: or age:, to {MOST_REQUESTS} or fewer, or say --all."
    )))
}

fn nothing(facts: &Facts, jobs: &[JobRow<'_>], query: &Query, speaks_of_foreign: bool) -> Failure {
    let foreign = jobs.iter().filter(|job| job.is_foreign()).count();
    let next = match foreign {
        count if count > 0 && !speaks_of_foreign => format!(
            "`farm tasks` lists those of farm's own jobs. There {} {} that farm did not make: is:foreign asks for theirs.",
            agree(count, "is", "are"),
            counted(count, "job"),
        ),
        _ => "`farm tasks` lists all.".to_owned(),
    };
    nothing_matches(query, &names_of(facts, jobs), &(next + &of_unreadable(&facts.unreadable)))
}

/// What every run is looked at with.
struct Look<'a> {
    ports: &'a Ports<'a>,
    query: &'a Query,
    asked: Asked<'a>,
    workers: &'a [ManagerWorker],
}

/// A task that matches, and who has it as far as that is known.
struct Match {
    task: ManagerTask,
    who: Who,
}

/// The same with its run.
struct Found<'a> {
    run: &'a Run<'a>,
    task: ManagerTask,
    who: Who,
}

impl Match {
    fn of<'a>(self, run: &'a Run<'a>) -> Found<'a> {
        Found { run, task: self.task, who: self.who }
    }
}

impl Look<'_> {
    /// The tasks of a run that match, by their frames; those without frames come last.
    fn matching(&self, run: &Run<'_>) -> Result<Vec<Match>, Failure> {
        let mut tasks = self.ports.manager.tasks(&run.found.id)?;
        tasks.sort_by_cached_key(|task| {
            let first = run.frames_of(task).first();
            (first.is_none(), first)
        });
        let mut matching = Vec::new();
        for task in tasks {
            let who = Who::listed(&task, self.workers);
            let row = TaskRow::of(run, &task, who);
            let who = match self.query.verdict(&row, &self.asked) {
                Some(true) => row.who,
                Some(false) => continue,
                None => {
                    let row = TaskRow { who: self.ask(&task)?, ..row };
                    if !self.query.matches(&row, &self.asked) {
                        continue;
                    }
                    row.who
                }
            };
            matching.push(Match { task, who });
        }
        Ok(matching)
    }

    /// Who has or had a task of which the list does not say it: until 3.7 none does.
    fn ask(&self, task: &ManagerTask) -> Result<Who, Failure> {
        let told = self.ports.manager.task_with_worker(task)?;
        Ok(told.map_or(Who::Nobody, |told| match Who::listed(&told, self.workers) {
            Who::Unasked => Who::Nobody,
            who => who,
        }))
    }

    /// The same of those that match, for whoever reads the list; too many of them stay without.
    fn name_workers(&self, found: &mut [Found<'_>], patience: Patience) -> Result<(), Failure> {
        let mut unasked: Vec<&mut Found<'_>> = found.iter_mut().filter(|one| one.who == Who::Unasked).collect();
        if unasked.len() > MOST_REQUESTS && patience == Patience::Usual {
            return Ok(());
        }
        let tasks: Vec<&ManagerTask> = unasked.iter().map(|one| &one.task).collect();
        let told = try_by_hands(self.ports, self.ports.manager.requests_at_once(), &tasks, |task| self.ask(task))?;
        unasked.iter_mut().zip(told).for_each(|(one, who)| one.who = who);
        Ok(())
    }
}

impl Found<'_> {
    fn listed(self) -> ListedTask {
        let (job, found, frames) = (self.run.job, self.run.found, self.run.frames_of(&self.task));
        let (worker, worker_id) = match self.who {
            Who::Worker { id, name } => (Some(name.unwrap_or_else(|| id.to_string())), Some(id)),
            Who::Nobody | Who::Unasked => (None, None),
        };
        ListedTask {
            id: self.task.id,
            name: self.task.name,
            reference: job.reference(),
            job: job.name().to_owned(),
            job_id: found.id.clone(),
            job_status: found.status.clone(),
            run: if job.is_foreign() { None } else { found.run_id() },
            run_number: self.run.number(),
            status: self.task.status,
            task_type: self.task.task_type,
            worker,
            worker_id,
            frames,
            created: found.created,
            updated: self.task.updated,
            user: job.user().map(str::to_owned),
            foreign: job.is_foreign(),
        }
    }
}

#[cfg(test)]
#[path = "tests/tasks.rs"]
mod tests;
