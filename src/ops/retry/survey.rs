//! Finding out what a retry would do. Reads only.

use super::failures::{self, Hands};
use super::mending::{self, Mending};
use super::{HeldFrames, PlannedRun, RetryJob, RetryPlan, RetryRequest, SCHEMA, Verdict, by_home};
use crate::base::counted::{agree, counted, frames_named};
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::name::{JobName, JobRef};
use crate::base::status::JobStatus;
use crate::manager::{ManagerJob, ManagerWorker};
use crate::ops::check::held::{self, Held};
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::check::open_work::RunWork;
use crate::ops::check::{self, JobFrames, OpenWork, Remember};
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::ops::submit::Queueing;
use crate::ops::undo;
use crate::volume::release_file::{JobRecord, ReleaseFile};

/// What a retry would do now.
pub fn survey(ports: &Ports<'_>, request: &RetryRequest) -> Result<RetryPlan, Failure> {
    let (queue, workers) = (ports.manager.jobs()?, ports.manager.workers()?);
    let (mut jobs, mut interrupted, mut hands) = (Vec::new(), Vec::new(), Hands::default());
    for (home, jobs_of_it) in &by_home(&request.jobs, |job| job) {
        let names: Vec<JobName> = jobs_of_it.iter().map(|job| job.job.clone()).collect();
        let look = Look { ports, request, remember: Remember::Nothing, queue: &queue, workers: &workers };
        let Some(file) = release::load(ports.volume, home)? else { continue };
        jobs.extend(look.home(&file, &names, &mut hands)?);
        interrupted.extend(undo::is_killed(ports.volume, home)?.then(|| home.clone()));
    }
    Ok(RetryPlan {
        schema: SCHEMA.to_owned(),
        volume: ports.volume.id(),
        manager: ports.manager.address(),
        jobs,
        interrupted,
        failing_workers: hands.failing(),
        request: request.clone(),
    })
}

/// The same of one home, whose lock the caller holds: what is found is remembered.
pub(super) fn survey_locked(
    ports: &Ports<'_>,
    request: &RetryRequest,
    file: &ReleaseFile,
    names: &[JobName],
) -> Result<Vec<RetryJob>, Failure> {
    let (queue, workers) = (ports.manager.jobs()?, ports.manager.workers()?);
    let look = Look { ports, request, remember: Remember::Keep, queue: &queue, workers: &workers };
    look.home(file, names, &mut Hands::default())
}

/// What each home is looked at with.
struct Look<'a> {
    ports: &'a Ports<'a>,
    request: &'a RetryRequest,
    remember: Remember,
    queue: &'a [ManagerJob],
    workers: &'a [ManagerWorker],
}

impl Look<'_> {
    fn home(&self, file: &ReleaseFile, names: &[JobName], hands: &mut Hands) -> Result<Vec<RetryJob>, Failure> {
        let ports = self.ports;
        let work = OpenWork::with_jobs(ports, file, &JobsByRun::of(self.queue), self.workers)?;
        let held = held::of(ports, file, &work);
        let records: Vec<&JobRecord> = file.jobs.iter().filter(|job| names.contains(&job.name)).collect();
        let found = check::check_jobs_and(self.remember, ports, &file.name, &records, &work, self.request.effort)?;
        let mut jobs = Vec::with_capacity(records.len());
        for (record, found) in records.into_iter().zip(&found) {
            let job = JobRef::within(&file.name, &record.name);
            let of_job = held.iter().filter(|held| held.job == record.name);
            let mending = mending::of(ports, &file.name, record, found, self.request.suspects)?;
            let mut planned = self.job(&job, found, mending, of_job, record, &work);
            let wanted = planned.frames.union(&planned.missing);
            if !wanted.is_empty() {
                planned.failures = failures::of(ports, work.telling(record), &wanted)?;
                hands.add(ports, &job, work.telling(record), self.workers)?;
            }
            jobs.push(planned);
        }
        Ok(jobs)
    }

    fn job<'h>(
        &self,
        job: &JobRef,
        found: &JobFrames,
        mending: Mending,
        held: impl Iterator<Item = &'h Held>,
        record: &JobRecord,
        work: &OpenWork,
    ) -> RetryJob {
        let (pending, runs) = (work.unsent(record, &self.ports.manager.address()), work.telling(record));
        let frames = mending.frames.minus(&pending);
        let canceled = work.canceled(record).map(|run| run.frames.clone()).unwrap_or_default();
        let rendering = found.rendering.clone();
        let held = held.filter(|held| held.why.is_odd());
        let held = held
            .map(|held| (held.frames.common(&found.rendering).minus(&pending), held))
            .filter(|(frames, _)| !frames.is_empty());
        let held: Vec<HeldFrames> = held
            .map(|(frames, held)| HeldFrames { frames, why: held.why.to_string(), next: held.why.next_step() })
            .collect();
        let run = (!frames.is_empty()).then(|| PlannedRun::new(queueing(record, &frames)));
        let verdict = match () {
            () if !frames.is_empty() || !pending.is_empty() => Verdict::Retry,
            () if !held.is_empty() => Verdict::Held,
            () if !mending.left.is_empty() => Verdict::Left,
            () if !rendering.is_empty() => Verdict::Waits,
            () => Verdict::Sound,
        };
        let mut planned = RetryJob {
            reference: job.clone(),
            verdict,
            reason: String::new(),
            bad: found.bad.clone(),
            missing: found.missing.clone(),
            suspect: found.suspect.minus(&found.harvested),
            paused: paused_frames(runs).common(&rendering),
            canceled: canceled.common(&found.missing.union(&found.bad)).minus(&rendering),
            rendering,
            pending,
            frames,
            trash: mending.trash,
            left: mending.left,
            held,
            hopeless: found.hopeless.clone(),
            failures: Vec::new(),
            run,
        };
        planned.reason = reason(&planned);
        planned
    }
}

/// What is left of runs that wait for a person.
fn paused_frames(runs: &[RunWork]) -> FrameSet {
    let is_paused = |run: &&RunWork| matches!(run.status, JobStatus::Paused | JobStatus::PauseRequested);
    let paused: Vec<FrameSet> = runs.iter().filter(is_paused).map(RunWork::open_frames).collect();
    let open: Vec<FrameSet> = runs.iter().filter(|run| !is_paused(run)).map(RunWork::open_frames).collect();
    FrameSet::union_of(&paused).minus(&FrameSet::union_of(&open))
}

/// As the run before was queued, but for a pause: what is retried is wanted now.
pub(super) fn queueing(record: &JobRecord, frames: &FrameSet) -> Queueing {
    match record.newest_run() {
        Some(last) => Queueing::again(last, frames),
        // It was planned by hand, or its runs were taken away: one task will do.
        None => Queueing { chunk: whole(frames), priority: DEFAULT_PRIORITY, tag: None, paused: false },
    }
}

/// The priority of Flamenco's own pages.
const DEFAULT_PRIORITY: u8 = 50;

fn whole(frames: &FrameSet) -> u32 {
    u32::try_from(frames.len()).unwrap_or(u32::MAX).max(1)
}

/// `frame 7 is bad; frames 9-10 are missing`
fn reason(job: &RetryJob) -> String {
    if job.verdict == Verdict::Sound {
        return match job.suspect.is_empty() {
            true => "every frame is there and sound".to_owned(),
            false => format!("every frame is there; {} stay as they are", are(&job.suspect, "suspect")),
        };
    }
    let suspect = job.suspect.common(&job.frames);
    let lost = job.missing.minus(&job.rendering).minus(&job.pending).minus(&job.canceled);
    let told = [(&job.bad, "bad"), (&lost, "missing"), (&suspect, "suspect")];
    let mut words: Vec<String> =
        told.iter().filter(|(frames, _)| !frames.is_empty()).map(|(frames, word)| are(frames, word)).collect();
    let held = FrameSet::union_of(job.held.iter().map(|held| &held.frames));
    let canceled = job.canceled.common(&job.missing);
    if !canceled.is_empty() {
        words.push(format!("{}, for somebody canceled its run", are(&canceled, "missing")));
    }
    if !job.paused.is_empty() {
        words.push(format!("{}: `farm unpause {}` lets its run go on", are(&job.paused, "paused"), job.reference));
    }
    let waiting = job.under_way();
    if !waiting.is_empty() {
        words.push(are(&waiting, "in the queue or being rendered"));
    }
    if !job.pending.is_empty() {
        words.push(are(&job.pending, "in a run that was not submitted yet"));
    }
    if !held.is_empty() {
        words.push(are(&held, "not free"));
    }
    if !job.left.is_empty() {
        words.push(format!("{} {} left as it is", counted(job.left.len(), "file"), agree(job.left.len(), "is", "are")));
    }
    words.join("; ")
}

fn are(frames: &FrameSet, what: &str) -> String {
    format!("{} {} {what}", frames_named(frames), agree(frames.len(), "is", "are"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::status::TaskStatus;
    use crate::ops::check::Effort;
    use crate::ops::check::room::Room;
    use crate::ops::retry::Suspects;
    use crate::sys::clock;

    fn looked(room: &Room) -> RetryJob {
        let jobs = room.file.jobs.iter().map(|job| JobRef::within(room.release(), &job.name)).collect();
        let request = RetryRequest { jobs, suspects: Suspects::Render, effort: Effort::Trust };
        survey(&room.ports(), &request).expect("looked").jobs.remove(0)
    }

    /// A release with a missing frame whose run failed just now, and whose worker was seen so many seconds after that.
    fn failed(seen_after: i64) -> Room {
        let mut room = Room::rendered(&[("A", "1-3")]);
        room.lose("releases/r1/out/A/000002.png");
        let task = room.add_run("1-3", TaskStatus::Failed);
        room.manager.logs.insert(task, "Error: Cannot render, no camera\n".into());
        let ended = clock::now().plus_seconds(-60);
        room.manager.jobs[0].status = JobStatus::Failed;
        room.manager.tasks.values_mut().flatten().for_each(|task| task.updated = ended);
        room.manager.workers[0].last_seen = Some(ended.plus_seconds(seen_after));
        room
    }

    #[test]
    fn frames_are_retried_once_their_worker_is_quiet() {
        let held = looked(&failed(-1));
        assert_eq!((held.verdict, held.frames.len(), held.held.len()), (Verdict::Held, 0, 1));
        assert!(held.reason.contains("frame 2 is not free") && held.held[0].next.contains("here"), "{held:?}");
        let free = looked(&failed(20));
        assert_eq!((free.verdict, free.frames.to_string().as_str()), (Verdict::Retry, "2"));
        assert_eq!(free.reason, "frame 2 is missing");
        assert_eq!(free.hopeless.as_deref(), Some("the scene has no camera"), "said, and retried all the same");
        assert_eq!(free.failures[0].workers, ["here"]);
    }

    #[test]
    fn what_is_in_the_queue_is_left_to_it() {
        let mut room = Room::rendered(&[("A", "1-4")]);
        for frame in 2..=4 {
            room.lose(&format!("releases/r1/out/A/{frame:06}.png"));
        }
        room.add_run("1-3", TaskStatus::Active);
        let job = looked(&room);
        assert_eq!(
            (job.verdict, job.frames.to_string(), job.under_way().to_string()),
            (Verdict::Retry, "4".into(), "2-3".into())
        );
        assert_eq!(job.reason, "frame 4 is missing; frames 2-3 are in the queue or being rendered");
    }

    #[test]
    fn what_is_paused_is_not_called_in_the_queue() {
        let mut room = Room::rendered(&[("A", "1-3")]);
        room.lose("releases/r1/out/A/000002.png");
        room.add_run("2", TaskStatus::Queued);
        room.manager.jobs[0].status = JobStatus::Paused;
        let job = looked(&room);
        assert_eq!((job.verdict, job.under_way().len(), job.is_only_unfinished()), (Verdict::Waits, 0, true));
        assert_eq!(job.reason, "frame 2 is paused: `farm unpause r1/A` lets its run go on");
        // Another run of the same frame goes on.
        room.add_run("2", TaskStatus::Queued);
        assert_eq!(looked(&room).reason, "frame 2 is in the queue or being rendered");
    }

    #[test]
    fn what_somebody_canceled_is_missing_and_says_so() {
        let mut room = Room::rendered(&[("A", "1-3")]);
        room.lose("releases/r1/out/A/000002.png");
        room.add_run("2", TaskStatus::Canceled);
        room.manager.jobs[0].status = JobStatus::Canceled;
        let tasks = room.manager.tasks.values_mut().flatten();
        tasks.for_each(|task| (task.worker, task.updated) = (None, clock::now().plus_seconds(-900)));
        let job = looked(&room);
        assert_eq!((job.verdict, job.is_only_unfinished()), (Verdict::Retry, true));
        assert_eq!(job.reason, "frame 2 is missing, for somebody canceled its run");
        room.lose("releases/r1/out/A/000003.png");
        assert!(!looked(&room).is_only_unfinished());
    }

    #[test]
    fn a_run_that_was_written_down_is_submitted_and_no_other_for_its_frames() {
        let mut room = Room::rendered(&[("A", "1-3")]);
        room.lose("releases/r1/out/A/000002.png");
        room.add_run("2", TaskStatus::Queued);
        room.manager.jobs.clear();
        let job = looked(&room);
        assert_eq!((job.verdict, job.pending.to_string(), job.is_idle()), (Verdict::Retry, "2".into(), false));
        assert!(job.frames.is_empty() && job.held.is_empty() && job.run.is_none(), "{job:?}");
        room.file.jobs[0].runs[0].withdrawn = true;
        room.save();
        assert_eq!(looked(&room).frames.to_string(), "2", "that one never will be");
    }
}
