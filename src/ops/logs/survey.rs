//! Finding the tasks that are meant.

use super::{Found, LogsRequest, Of, TaskLog};
use crate::base::counted::few;
use crate::base::error::{Class, Failure};
use crate::base::ids::is_named;
use crate::base::name::JobRef;
use crate::base::status::TaskStatus;
use crate::manager::{ManagerJob, ManagerTask};
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::ports::Ports;
use crate::ops::status::Named;
use crate::ops::strangers::{self, Meant};
use crate::sys::http::without_credentials;
use crate::volume::release_file::{JobRecord, RunRecord};

/// So many tasks are named to whoever named none of them.
const NAMED: usize = 5;

/// A run that the Manager knows.
struct KnownRun {
    reference: Option<JobRef>,
    number: u32,
    job: ManagerJob,
}

/// The runs whose logs are meant.
struct Runs {
    /// What they are named by.
    name: String,
    known: Vec<KnownRun>,
    /// Whether more than one job was named.
    is_release: bool,
}

/// The tasks that `request` means and that may have a log. None at all is an error, but where one may still come.
pub fn survey(ports: &Ports<'_>, request: &LogsRequest) -> Result<Found, Failure> {
    let Runs { name, known, is_release } = match strangers::find(ports, &request.name)? {
        Meant::Recorded(named) => recorded(ports, &named)?,
        Meant::Stranger(job) => Runs {
            name: job.id.to_string(),
            known: vec![KnownRun { reference: None, number: 1, job: *job }],
            is_release: false,
        },
    };
    let hands = ports.manager.requests_at_once();
    let lists = try_by_hands(ports, hands, &known, |run| ports.manager.tasks(&run.job.id))?;
    let is_open = known.iter().any(|run| !run.job.status.has_ended());
    let tasks: Vec<(&KnownRun, ManagerTask)> =
        known.iter().zip(lists).flat_map(|(run, tasks)| tasks.into_iter().map(move |task| (run, task))).collect();
    let meant = choose(&name, request, tasks, is_open)?;
    Ok(Found { tasks: with_workers(ports, meant)?, is_open, is_release })
}

/// The runs of a job of the volume, or of all jobs of a release.
fn recorded(ports: &Ports<'_>, named: &Named) -> Result<Runs, Failure> {
    let meant = |job: &&JobRecord| named.job.as_ref().is_none_or(|name| *name == job.name);
    let jobs: Vec<&JobRecord> = named.file.jobs.iter().filter(meant).collect();
    let runs = jobs.iter().flat_map(|job| {
        let reference = JobRef::within(&named.file.name, &job.name);
        job.runs.iter().map(move |run| (reference.clone(), run))
    });
    let runs: Vec<(JobRef, &RunRecord)> = runs.collect();
    let hands = ports.manager.requests_at_once();
    let known = try_by_hands(ports, hands, &runs, |(reference, run)| known(ports, reference, run))?;
    let known: Vec<KnownRun> = known.into_iter().flatten().collect();
    match known.is_empty() {
        true => Err(not_there(ports, &named.to_string(), &jobs)),
        false => Ok(Runs { name: named.to_string(), known, is_release: named.job.is_none() && jobs.len() > 1 }),
    }
}

/// The job of a run on this Manager.
fn known(ports: &Ports<'_>, reference: &JobRef, run: &RunRecord) -> Result<Option<KnownRun>, Failure> {
    let job = match &run.manager_job {
        Some(id) => ports.manager.job(id)?,
        // Its submission may have arrived all the same.
        None if run.is_pending_at(&ports.manager.address()) => ports.manager.find_run(run.id)?,
        None => None,
    };
    // Ids of another Manager's queue mean nothing here.
    let own = job.filter(|job| job.run_id() == Some(run.id));
    Ok(own.map(|job| KnownRun { reference: Some(reference.clone()), number: run.number, job }))
}

/// Why no run is known here.
fn not_there(ports: &Ports<'_>, name: &str, jobs: &[&JobRecord]) -> Failure {
    let why = format!("`farm why {name}` says more.");
    let newest = jobs.iter().filter_map(|job| job.newest_run()).max_by_key(|run| run.submitted);
    let own = ports.manager.address();
    match newest {
        Some(run) if run.manager != own => {
            let manager = without_credentials(&run.manager);
            let words = format!("{name} has no log here: it was submitted to the Manager {manager}");
            Failure::new(Class::NoMatch, words).with_hint(format!("Name that one with --manager {manager}."))
        }
        Some(run) if run.manager_job.is_some() => {
            let words = format!("{name} has no log any more: the Manager at {own} has forgotten its run");
            Failure::new(Class::NoMatch, words).with_hint(why)
        }
        _ => Failure::new(Class::NoMatch, format!("{name} has no log yet: it was not submitted")).with_hint(why),
    }
}

/// The tasks that are meant; where somebody chose, none is an error, and what there is to choose from is named.
fn choose<'a>(
    name: &str,
    request: &LogsRequest,
    tasks: Vec<(&'a KnownRun, ManagerTask)>,
    is_open: bool,
) -> Result<Vec<(&'a KnownRun, ManagerTask)>, Failure> {
    let is_named =
        |task: &ManagerTask, word: &str| task.name == word || task.id.0 == word || is_named(&task.id.0, word);
    let names: Vec<String> = tasks.iter().map(|(_, task)| task.name.clone()).collect();
    let (named, _): (Vec<_>, Vec<_>) =
        tasks.into_iter().partition(|(_, task)| request.task.as_ref().is_none_or(|word| is_named(task, word)));
    match &request.task {
        Some(word) if named.is_empty() => {
            let failure = Failure::new(Class::NoMatch, format!("{name} has no task {word:?}"));
            return Err(match names.is_empty() {
                true => failure,
                false => failure.with_hint(format!("It has {}.", few(&names, NAMED, "task"))),
            });
        }
        _ => {}
    }
    let (chosen, _): (Vec<_>, Vec<_>) =
        named.into_iter().partition(|(_, task)| request.of == Of::All || task.status.has_failed());
    if chosen.is_empty() && request.of == Of::Failed && !is_open {
        return Err(Failure::new(Class::NoMatch, format!("no task of {name} has failed"))
            .with_hint(format!("`farm logs {name}` prints the logs of all its tasks.")));
    }
    Ok(chosen)
}

/// A task that no worker had has no log, as far as its list tells it: many thousands may wait.
fn has_begun(ports: &Ports<'_>, task: &ManagerTask) -> bool {
    let waits = matches!(task.status, TaskStatus::Queued | TaskStatus::Paused | TaskStatus::Canceled);
    // The local manager takes a canceled task's worker away, and looks for a log in no time.
    !(ports.manager.is_remote() && waits && task.names_worker && task.worker.is_none())
}

/// The tasks with the names of their workers.
fn with_workers(ports: &Ports<'_>, tasks: Vec<(&KnownRun, ManagerTask)>) -> Result<Vec<TaskLog>, Failure> {
    let begun: Vec<(&KnownRun, ManagerTask)> = tasks.into_iter().filter(|(_, task)| has_begun(ports, task)).collect();
    let workers = if begun.is_empty() { Vec::new() } else { ports.manager.workers()? };
    let ask = |(_, task): &(&KnownRun, ManagerTask)| match task.names_worker {
        true => Ok(Some(task.clone())),
        false => ports.manager.task_with_worker(task),
    };
    let told = try_by_hands(ports, ports.manager.requests_at_once(), &begun, ask)?;
    let log = |((run, listed), told): ((&KnownRun, ManagerTask), Option<ManagerTask>)| TaskLog {
        reference: run.reference.clone(),
        job: run.reference.as_ref().map_or_else(|| run.job.name.clone(), ToString::to_string),
        run: run.number,
        worker: told.and_then(|task| task.worker_named(&workers)),
        id: listed.id,
        task: listed.name,
        status: listed.status,
        updated: listed.updated,
    };
    Ok(begun.into_iter().zip(told).map(log).collect())
}

/// What is said where tasks are known, and none has a log.
pub fn was_not_begun(name: &str) -> Failure {
    Failure::new(Class::NoMatch, format!("{name} has no log yet: no worker has begun a task of it"))
        .with_hint(format!("`farm why {name}` says why; `farm logs {name} --follow` waits for one."))
}
