//! Ending runs before their files are touched: cancelled, and waited for until no worker can still write.

use crate::base::counted::frames_named;
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId};
use crate::base::name::{JobName, JobRef};
use crate::base::status::JobStatus;
use crate::base::time::Timestamp;
use crate::manager::{ManagerError, ManagerJob, Order};
use crate::ops::addresses::Addresses;
use crate::ops::check::OpenWork;
use crate::ops::check::held::{self, Held};
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::ports::Ports;
use crate::ops::{quiet, submit};
use crate::sys::http::without_credentials;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;

/// How long workers may take to stop: a worker of Flamenco asks each ten seconds whether it may go on.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the job may still do something, so that it can be cancelled.
pub fn can_be_cancelled(status: &JobStatus) -> bool {
    !status.has_ended()
}

/// What has to be ended so that a run does nothing more.
#[derive(Debug, Default)]
pub struct Ends {
    /// The Manager's jobs: those that go on, and those that have ended while a worker may still be writing.
    pub jobs: Vec<ManagerJob>,
    /// Runs that were written down and certainly never sent: they are withdrawn.
    pub withdrawn: Vec<RunId>,
}

/// What has to be ended for these runs of `file`. A run of another Manager, or one whose submission may still be on its
/// way, is refused: nobody here can tell what it does.
pub fn of_runs(ports: &Ports<'_>, file: &ReleaseFile, runs: &[&RunRecord]) -> Result<Ends, Failure> {
    let mut ends = Ends::default();
    if runs.is_empty() {
        return Ok(ends);
    }
    let jobs = ports.manager.jobs()?;
    let by_run = JobsByRun::of(&jobs);
    let addresses = Addresses::of(ports.manager, file, |run| by_run.get(*run).is_some());
    for run in runs.iter().filter(|run| !run.withdrawn) {
        match by_run.get(run.id) {
            // Of those that have ended, too, unless their tasks say it: a status word says nothing about a renderer.
            Some(found) => {
                ends.jobs.extend(found.iter().filter(|job| !job.has_all_tasks_completed()).copied().cloned())
            }
            None if !addresses.are_of(run) => return Err(elsewhere(run)),
            // The Manager forgot it, and with it who rendered it.
            None if run.manager_job.is_some() => {}
            None if run.sending || run.in_doubt.is_some() => return Err(in_doubt(run)),
            None => ends.withdrawn.push(run.id),
        }
    }
    Ok(ends)
}

/// Ends whatever these jobs of `file` have in the Manager's queue and waits until nobody can write for them: nothing else may
/// touch their files before. Runs that the Manager never had are withdrawn in `file`; where that is in doubt they are waited
/// for first. Runs written down before `began` are those of an earlier command.
pub fn end_jobs(
    ports: &Ports<'_>,
    file: &mut ReleaseFile,
    jobs: &HashSet<JobName>,
    began: Timestamp,
    reason: &str,
) -> Result<(), Failure> {
    let mut meant = file.clone();
    meant.jobs.retain(|record| jobs.contains(&record.name));
    if meant.jobs.iter().all(|record| record.runs.is_empty()) {
        return Ok(());
    }
    let known = submit::look(ports, &meant, began)?;
    let records = file.jobs.iter_mut().filter(|record| jobs.contains(&record.name));
    for run in records.flat_map(|record| &mut record.runs).filter(|run| run.is_pending()) {
        (run.sending, run.in_doubt) = (false, None);
        run.manager_job = known.get(&run.id).map(|job| job.id.clone());
    }
    let records = file.jobs.iter().filter(|record| jobs.contains(&record.name));
    let runs: Vec<&RunRecord> = records.flat_map(|record| &record.runs).collect();
    let ends = of_runs(ports, file, &runs)?;
    let records = file.jobs.iter_mut().filter(|record| jobs.contains(&record.name));
    records.for_each(|record| record.withdraw(&ends.withdrawn));
    end_and_wait(ports, &ends.jobs, reason)?;
    require_quiet_of(ports, file, jobs, None)
}

fn elsewhere(run: &RunRecord) -> Failure {
    let manager = without_credentials(&run.manager);
    Failure::new(Class::Refused, format!("run {} of it was submitted to another Manager, {manager}", run.number))
        .with_hint(format!("Give the command again with --manager {manager}."))
}

fn in_doubt(run: &RunRecord) -> Failure {
    let words = format!("the submission of run {} of it had no answer and may still arrive", run.number);
    Failure::new(Class::Refused, words).with_hint("Give the command again in a minute, or run `farm recover` first.")
}

/// Cancels those of `jobs` that can still be, and waits until nobody can write for any of them.
///
/// Always `cancel-requested`: with `canceled` Flamenco's workers go on (seen on 3.2 to 3.9).
pub fn end_and_wait(ports: &Ports<'_>, jobs: &[ManagerJob], reason: &str) -> Result<(), Failure> {
    if jobs.is_empty() {
        return Ok(());
    }
    ports.go_on()?;
    let open = jobs.iter().filter(|job| can_be_cancelled(&job.status));
    let orders: Vec<(JobId, Order)> =
        open.map(|job| (job.id.clone(), Order::Status(JobStatus::CancelRequested))).collect();
    let mut failure: Option<Failure> = None;
    ports.manager.order_all(&orders, reason, &mut |_, outcome| {
        let went_on = match outcome {
            // Deleted since: nobody takes a task of it any more. Whether its renderer has ended is asked next.
            Ok(()) | Err(ManagerError::NotFound { .. }) => ports.go_on(),
            // Whoever interrupted wants to hear of that, and not of what was cut short by it.
            Err(error) => ports.go_on().and_then(|()| Err(error.into())),
        };
        match went_on {
            Ok(()) if failure.is_none() => ControlFlow::Continue(()),
            Ok(()) => ControlFlow::Break(()),
            Err(end) => {
                failure.get_or_insert(end);
                ControlFlow::Break(())
            }
        }
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    let ids: Vec<JobId> = jobs.iter().map(|job| job.id.clone()).collect();
    quiet::wait(ports, &ids, PATIENCE)
}

/// Fails where a frame of any job of `file` may still be written, by whomever: a job that was deleted in the Manager's own
/// pages has nobody to be waited for.
pub fn require_quiet(ports: &Ports<'_>, file: &ReleaseFile) -> Result<(), Failure> {
    let jobs = file.jobs.iter().map(|record| record.name.clone()).collect();
    require_quiet_of(ports, file, &jobs, None)
}

/// The same of some of its jobs alone, and of these alone of their frames.
pub fn require_quiet_of(
    ports: &Ports<'_>,
    file: &ReleaseFile,
    jobs: &HashSet<JobName>,
    frames: Option<&FrameSet>,
) -> Result<(), Failure> {
    let (there, workers) = (ports.manager.jobs()?, ports.manager.workers()?);
    let is_meant = |record: &JobRecord| jobs.contains(&record.name);
    let work = OpenWork::of_some(ports, file, is_meant, &JobsByRun::of(&there), &workers)?;
    for Held { job, frames: held, why } in held::of(ports, file, &work) {
        let in_the_way = frames.map_or_else(|| held.clone(), |frames| held.common(frames));
        if !in_the_way.is_empty() {
            let words = format!("{}: {}: {why}", JobRef::within(&file.name, &job), frames_named(&in_the_way));
            return Err(Failure::new(Class::Refused, words).with_hint(why.next_step()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::status::TaskStatus;
    use crate::ops::check::room::Room;

    fn all(room: &Room) -> Vec<&RunRecord> {
        room.file.jobs.iter().flat_map(|job| &job.runs).collect()
    }

    #[test]
    fn runs_are_ended_withdrawn_or_refused() {
        let mut room = Room::new(&[("A", "1-3")]);
        for _ in 0..4 {
            room.add_run("1-3", TaskStatus::Active);
        }
        let [_, completed, forgotten, waits] = &mut room.manager.jobs[..] else { panic!("four") };
        completed.status = JobStatus::Completed;
        completed.activity = format!("active -> completed: {}", crate::manager::job::ALL_COMPLETED);
        (forgotten.metadata, waits.metadata) = Default::default();
        room.file.jobs[0].runs[2].manager_job = Some(JobId("gone".into()));
        let ends = of_runs(&room.ports(), &room.file, &all(&room)).expect("known");
        assert_eq!(ends.jobs.iter().map(|job| job.id.0.as_str()).collect::<Vec<_>>(), ["job-1"]);
        assert_eq!(ends.withdrawn, [room.file.jobs[0].runs[3].id]);
        room.file.jobs[0].runs[3].sending = true;
        let refused = of_runs(&room.ports(), &room.file, &all(&room)).expect_err("in doubt");
        assert!(refused.message().contains("may still arrive"), "{refused}");
        room.file.jobs[0].runs[3].manager = "http://ann:secret@studio".to_owned();
        let refused = of_runs(&room.ports(), &room.file, &all(&room)).expect_err("elsewhere").message();
        assert!(refused.contains("http://studio") && !refused.contains("secret"), "{refused}");
    }

    /// Everything that is in the way is told with its reason, and of other jobs and frames nothing.
    #[test]
    fn what_may_still_be_written_is_in_the_way_of_its_own_frames() {
        let mut room = Room::new(&[("A", "1-3"), ("B", "1")]);
        room.add_run("1-3", TaskStatus::Active);
        let jobs = |name: &str| HashSet::from([name.parse::<JobName>().expect("a name")]);
        let frames = |text: &str| text.parse::<FrameSet>().expect("frames");
        let refused = require_quiet(&room.ports(), &room.file).expect_err("it is at work");
        assert!(refused.message().contains("r1/A: frames 1-3: it is in the queue or being rendered"), "{refused}");
        let of = |name, frames: Option<FrameSet>| {
            require_quiet_of(&room.ports(), &room.file, &jobs(name), frames.as_ref()).map_err(|end| end.message())
        };
        assert_eq!(of("B", None), Ok(()));
        assert_eq!(of("A", Some(frames("7-9"))), Ok(()));
        assert!(of("A", Some(frames("3-9"))).is_err_and(|words| words.contains("r1/A: frame 3: ")));
    }
}
