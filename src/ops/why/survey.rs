//! Gathering the facts.

use super::Answer;
use super::decide::decide;
use super::facts::{Facts, LoggedFailure, OnManager, Standing, Subject, TaskFacts};
use super::waiting::title;
use super::words::summary;
use crate::base::error::{Class, Failure};
use crate::base::ids::{RunId, WorkerId};
use crate::base::name::{Home, JobRef};
use crate::base::status::{JobStatus, WorkerStatus};
use crate::frames::failure_kind::FailureKind;
use crate::frames::last_words::last_line;
use crate::manager::{ManagerJob, ManagerTask, ManagerWorker, SleepSchedule, TaskStory};
use crate::ops::addresses::Addresses;
use crate::ops::change;
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::ports::Ports;
use crate::ops::space::free_space;
use crate::ops::status::Named;
use crate::ops::status::interrupted::Interruptions;
use crate::ops::status::survey::of_job;
use crate::ops::strangers::{self, Meant};
use crate::sys::clock;
use crate::sys::http::without_credentials;
use crate::volume::Volume;
use crate::volume::journal;
use crate::volume::release_file::{JobRecord, RunRecord};
use std::collections::BTreeMap;

/// So many failed tasks are looked at: with them the kinds of their failures are known.
const LOOKED_AT: usize = 24;
/// So many of farm's own journals, the newest ones, are looked through for who ended a run.
const JOURNALS: usize = 500;
/// The longest line of a log that is shown, in characters.
const LINE: usize = 240;

/// Why the job that `word` names is not rendering: one of the volume, or any other that the Manager has.
pub fn why(ports: &Ports<'_>, word: &str) -> Result<Answer, Failure> {
    let facts = match strangers::find(ports, word)? {
        Meant::Recorded(named) => of_record(ports, &named)?,
        Meant::Stranger(job) => of_stranger(ports, *job)?,
    };
    let causes = decide(&facts);
    let id = match &facts.standing {
        Standing::Known(known) => Some(known.job.id.clone()),
        _ => None,
    };
    Ok(Answer {
        summary: summary(&facts, causes.is_empty()),
        is_manager_away: matches!(facts.standing, Standing::Away { .. }),
        name: facts.name(),
        id,
        reference: if let Subject::Own(reference) = facts.subject { Some(reference) } else { None },
        status: facts.status,
        frames: facts.frames,
        causes,
    })
}

fn of_record(ports: &Ports<'_>, named: &Named) -> Result<Facts, Failure> {
    let (reference, record) = the_job(named)?;
    match look(ports, named, &reference, record) {
        Err(failure) if failure.class() == Class::Manager => Ok(away(ports, reference, &failure)),
        looked => looked,
    }
}

/// Of a job that the volume does not know the Manager alone tells.
fn of_stranger(ports: &Ports<'_>, job: ManagerJob) -> Result<Facts, Failure> {
    let (jobs, workers) = (ports.manager.jobs()?, ports.manager.workers()?);
    let subject = Subject::Stranger { id: job.id.clone(), name: title(&job) };
    let status = job.status.to_string();
    let known = OnManager { tag: None, ended_by: None, ..on_manager(ports, &job, &jobs, workers)? };
    Ok(Facts {
        status,
        free: free_space(ports.volume).ok(),
        ..nothing_known(ports, subject, Standing::Known(Box::new(known)))
    })
}

/// What is known of a job before anybody was asked.
fn nothing_known(ports: &Ports<'_>, subject: Subject, standing: Standing) -> Facts {
    Facts {
        subject,
        address: ports.manager.address(),
        is_local: !ports.manager.is_remote(),
        now: clock::now(),
        status: "unknown".to_owned(),
        frames: None,
        eta_seconds: None,
        flaws: Vec::new(),
        free: None,
        standing,
    }
}

/// The one job that is meant: a release of one job is that job.
fn the_job(named: &Named) -> Result<(JobRef, &JobRecord), Failure> {
    let file = &named.file;
    let record = match (&named.job, &file.jobs[..]) {
        (Some(name), _) => file.job(name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    if let Some(record) = record {
        return Ok((JobRef::within(&file.name, &record.name), record));
    }
    let release = &file.name;
    let hint = match file.jobs.first() {
        Some(first) => {
            format!("Name one of its jobs, {release}/{}, say; `farm status {release}` lists them.", first.name)
        }
        None => format!("`farm plan release {release} SCENE…` gives it jobs."),
    };
    Err(Failure::new(Class::Usage, format!("{release} is a release of {} jobs, and one is asked for", file.jobs.len()))
        .with_hint(hint))
}

/// What is known without the Manager.
fn away(ports: &Ports<'_>, reference: JobRef, failure: &Failure) -> Facts {
    let standing = Standing::Away {
        message: failure.message(),
        next: failure.hint().unwrap_or("`farm doctor` looks closer.").to_owned(),
    };
    nothing_known(ports, Subject::Own(reference), standing)
}

fn look(ports: &Ports<'_>, named: &Named, reference: &JobRef, record: &JobRecord) -> Result<Facts, Failure> {
    let (jobs, workers) = (ports.manager.jobs()?, ports.manager.workers()?);
    let state = of_job(ports, &jobs, &workers, &named.file, record)?;
    let by_run = JobsByRun::of(&jobs);
    let addresses = Addresses::of(ports.manager, &named.file, |run| by_run.get(*run).is_some());
    let known = |run: &RunRecord| by_run.first(run.id);
    // As `farm status`: an older run that still has something to do says more than a newer one that is done.
    let open = record.runs.iter().rev().find(|run| known(run).is_some_and(|job| !job.status.has_ended()));
    let standing = match open.or(record.newest_run()) {
        None => Standing::NotSubmitted { interrupted: interrupted(ports.volume, &named.file.name)? },
        Some(run) => match known(run) {
            Some(job) => {
                let is_canceled = matches!(job.status, JobStatus::Canceled | JobStatus::CancelRequested);
                let ended_by = if is_canceled { ended_by(ports.volume, run.id)? } else { None };
                let known = on_manager(ports, job, &jobs, workers)?;
                Standing::Known(Box::new(OnManager { tag: run.tag.clone(), ended_by, ..known }))
            }
            None if run.withdrawn => Standing::Withdrawn,
            None if !addresses.are_of(run) => Standing::Elsewhere { manager: without_credentials(&run.manager) },
            None if run.manager_job.is_some() => Standing::Gone { ended_by: ended_by(ports.volume, run.id)? },
            None => Standing::NotSubmitted { interrupted: interrupted(ports.volume, &named.file.name)? },
        },
    };
    Ok(Facts {
        status: state.status,
        frames: Some(state.frames),
        eta_seconds: state.eta_seconds,
        flaws: state.failures,
        free: free_space(ports.volume).ok(),
        ..nothing_known(ports, Subject::Own(reference.clone()), standing)
    })
}

/// What was begun for its release, and not ended.
fn interrupted(volume: &Volume, release: &Home) -> Result<Option<String>, Failure> {
    Ok(Interruptions::of(volume)?.of_release(release.as_str()).map(ToString::to_string))
}

/// What the Manager says of a job; of its tag and its end only the volume knows more.
fn on_manager(
    ports: &Ports<'_>,
    job: &ManagerJob,
    jobs: &[ManagerJob],
    workers: Vec<ManagerWorker>,
) -> Result<OnManager, Failure> {
    Ok(OnManager {
        job: job.clone(),
        tag: None,
        tasks: task_facts(ports, ports.manager.tasks(&job.id)?)?,
        blocks: if job.status.has_ended() { Vec::new() } else { ports.manager.blocklist(&job.id)? },
        schedules: schedules(ports, &workers)?,
        open_jobs: jobs.iter().filter(|job| !job.status.has_ended()).cloned().collect(),
        ended_by: None,
        workers,
    })
}

/// Of failed tasks what their logs say and who failed them, of the first of them.
fn task_facts(ports: &Ports<'_>, tasks: Vec<ManagerTask>) -> Result<Vec<TaskFacts>, Failure> {
    let failed: Vec<&ManagerTask> = tasks.iter().filter(|task| task.status.has_failed()).take(LOOKED_AT).collect();
    let ask = |task: &&ManagerTask| -> Result<(TaskStory, LoggedFailure), Failure> {
        let story = ports.manager.task_story(&task.id)?.unwrap_or_default();
        let tail = ports.manager.log_tail(&task.id)?.unwrap_or_default();
        let failure = logged(&tail, &story);
        Ok((story, failure))
    };
    let told = try_by_hands(ports, ports.manager.requests_at_once(), &failed, ask)?;
    let mut told: BTreeMap<_, _> = failed.iter().map(|task| task.id.clone()).zip(told).collect();
    let fact = |task: ManagerTask| match told.remove(&task.id) {
        Some((story, failure)) => TaskFacts { failure: Some(failure), story, task },
        None => TaskFacts { failure: None, story: TaskStory::default(), task },
    };
    Ok(tasks.into_iter().map(fact).collect())
}

/// The kind of a failure: by the log, or by what the Manager noted of the task.
fn logged(tail: &str, story: &TaskStory) -> LoggedFailure {
    let kind = FailureKind::classify(tail);
    if kind == FailureKind::Other {
        let noted = FailureKind::classify(&story.activity);
        if noted != FailureKind::Other {
            return LoggedFailure { kind: noted, line: short(&story.activity) };
        }
    }
    let line = kind.evidence(tail).map_or_else(|| last_line(tail), str::to_owned);
    LoggedFailure { kind, line: short(&line) }
}

fn short(line: &str) -> String {
    line.chars().take(LINE).collect()
}

/// When workers sleep that do.
fn schedules(ports: &Ports<'_>, workers: &[ManagerWorker]) -> Result<BTreeMap<WorkerId, SleepSchedule>, Failure> {
    let asleep: Vec<&ManagerWorker> =
        workers.iter().filter(|worker| worker.status == WorkerStatus::Asleep).take(LOOKED_AT).collect();
    let told = try_by_hands(ports, ports.manager.requests_at_once(), &asleep, |worker| {
        ports.manager.sleep_schedule(&worker.id)
    })?;
    Ok(asleep.iter().map(|worker| worker.id.clone()).zip(told).filter_map(|(id, found)| Some((id, found?))).collect())
}

/// Who ended a run with farm lately, by which command: the newest such journal. Who had the Manager forget it later is
/// written down nowhere.
fn ended_by(volume: &Volume, run: RunId) -> Result<Option<String>, Failure> {
    for (id, _) in journal::finished_by_time(volume)?.into_iter().take(JOURNALS) {
        // A journal that cannot be read says nothing about this run.
        let Ok(Some(account)) = journal::finished(volume, id) else { continue };
        let Ok(change) = change::of(&account) else { continue };
        if !change.jobs.iter().any(|job| job.ends.contains(&run)) {
            continue;
        }
        let by = change.by.map_or_else(String::new, |by| format!(", by {} on {}: `{}`", by.user, by.host, by.command));
        let (kind, at) = (change::named(&account.intent.kind), account.intent.at);
        return Ok(Some(format!("farm's own record: its run was ended by {kind} of {at}{by}")));
    }
    Ok(None)
}
