//! Rendering frames anew that nothing is wrong with: the old ones go to the trash, and a run for them is submitted.
//!
//! Order: journal; the job's runs ended, and quiet; frames to the trash with their views and passes; the record with the run;
//! submission; journal done. What was harvested stays where it is until the next harvest takes the new frames.

use super::{PlannedRun, Trashed, mending};
use crate::base::counted::frames_named;
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId, TransactionId};
use crate::base::name::JobRef;
use crate::ops::change::{self, Author, Before, Change, ChangedJob};
use crate::ops::check::{self, Effort, OpenWork, Remember};
use crate::ops::discard;
use crate::ops::ending::{self, Ends};
use crate::ops::ports::Ports;
use crate::ops::submit::{self, Queueing};
use crate::ops::{harvest, locking, release, storage, undo};
use crate::sys::clock;
use crate::volume::journal::Journal;
use crate::volume::lock::Lock;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};
use crate::volume::trash::Discard;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RerenderRequest {
    /// The job.
    pub job: JobRef,
    /// These frames of it; all without.
    pub frames: Option<FrameSet>,
    /// How the run is to be queued, where that is not as the run before it was.
    pub queueing: Asked,
}

/// Options of the queue that are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asked {
    /// Frames per task.
    pub chunk: Option<u32>,
    /// 0 to 100.
    pub priority: Option<u8>,
    /// Only workers with this tag.
    pub tag: Option<String>,
    /// Wait for a person before the first task.
    pub paused: bool,
}

/// What rendering anew would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RerenderPlan {
    /// The job.
    #[serde(rename = "ref")]
    pub reference: JobRef,
    /// The revision that is rendered.
    pub revision: u32,
    /// The frames.
    pub frames: FrameSet,
    /// The runs that are ended first, as the Manager calls them.
    pub ends: Vec<JobId>,
    /// What goes to the trash.
    pub trash: Vec<Trashed>,
    /// The run that is submitted.
    pub run: PlannedRun,
}

/// What rendering anew did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rerendered {
    /// The change, by which it can be taken back.
    pub change: TransactionId,
    /// The Manager's id of the run.
    pub submitted: Option<JobId>,
    /// How many files and folders went to the trash.
    pub trashed: usize,
}

/// What rendering anew would do now. Reads only.
pub fn plan(ports: &Ports<'_>, request: &RerenderRequest) -> Result<RerenderPlan, Failure> {
    let file = load(ports, &request.job)?;
    let record = job_of(&file, &request.job)?;
    let expected = &record.current().frames;
    let frames = request.frames.clone().unwrap_or_else(|| expected.clone());
    let strange = frames.minus(expected);
    if frames.is_empty() || !strange.is_empty() {
        let words = format!("{} has no {}", request.job, frames_named(&strange));
        return Err(Failure::new(Class::Usage, words).with_hint(format!("Its frames are {expected}.")));
    }
    let runs: Vec<&RunRecord> = record.runs.iter().collect();
    let ends = ending::of_runs(ports, &file, &runs)?;
    let cancelled = ends.jobs.iter().filter(|job| ending::can_be_cancelled(&job.status));
    Ok(RerenderPlan {
        reference: request.job.clone(),
        revision: record.current().number,
        ends: cancelled.map(|job| job.id.clone()).collect(),
        trash: old_files(ports, &file, record, &frames)?,
        run: PlannedRun::new(queueing(record, &frames, &request.queueing)),
        frames,
    })
}

fn queueing(record: &JobRecord, frames: &FrameSet, asked: &Asked) -> Queueing {
    let before = super::survey::queueing(record, frames);
    Queueing {
        chunk: asked.chunk.unwrap_or(before.chunk),
        priority: asked.priority.unwrap_or(before.priority),
        tag: asked.tag.clone().or(before.tag),
        paused: asked.paused,
    }
}

/// What lies in the job's folder for these frames.
fn old_files(
    ports: &Ports<'_>,
    file: &ReleaseFile,
    record: &JobRecord,
    frames: &FrameSet,
) -> Result<Vec<Trashed>, Failure> {
    mending::files_of(ports, &file.name, record, frames, |_, frame| format!("frame {frame} is rendered anew"))
}

/// Ends the runs of the job and waits until nobody can write any more.
fn make_quiet(ports: &Ports<'_>, file: &mut ReleaseFile, shown: &RerenderPlan, ends: &Ends) -> Result<(), Failure> {
    ending::end_and_wait(ports, &ends.jobs, &format!("farm: {} is rendered anew", shown.reference))?;
    withdraw(file, shown, &ends.withdrawn);
    // Of a job that was deleted from the Manager nobody can end a worker.
    let job = HashSet::from([shown.reference.job.clone()]);
    ending::require_quiet_of(ports, file, &job, Some(&shown.frames))
}

/// Does what was shown, as a change of this kind (`seed`), or refuses because the world moved since.
pub fn apply(ports: &Ports<'_>, shown: &RerenderPlan, kind: &str) -> Result<Rerendered, Failure> {
    storage::require(ports.volume, ports.manager)?;
    let lock = locking::lock_home(ports, &shown.reference.home)?;
    let began = clock::now();
    harvest::recover::finish_killed(ports, &lock, &shown.reference.home)?;
    undo::end_killed(ports, &lock)?;
    let mut file = load(ports, &shown.reference)?;
    submit::refuse_pending_elsewhere(&file, &ports.manager.address())?;
    let record = current(&file, shown)?;
    let runs: Vec<&RunRecord> = record.runs.iter().collect();
    let ends = ending::of_runs(ports, &file, &runs)?;
    let journal = Journal::begin(ports.volume, &lock, kind, &change(ports, &file, shown, &ends))?;
    if let Err(failure) = make_quiet(ports, &mut file, shown, &ends) {
        // Nothing is half done: runs that were ended are ended, and everything else is as it was.
        journal.done(&change::TAKEN_BACK)?;
        return Err(failure.but("no frame was touched"));
    }
    let trashed = put_away(ports, &lock, journal.id(), &file, shown)?;
    if let Some(record) = file.job_mut(&shown.reference.job) {
        let queueing = shown.run.queueing();
        submit::add_run(record, shown.run.id, shown.frames.clone(), &queueing, &ports.manager.address());
    }
    lock.check()?;
    release::save(ports.volume, &file)?;
    submit::submit_pending(ports, &lock, &mut file, began)?;
    let runs = file.job(&shown.reference.job).map(|record| record.runs.as_slice()).unwrap_or_default();
    let submitted = runs.iter().find(|run| run.id == shown.run.id).and_then(|run| run.manager_job.clone());
    Ok(Rerendered { change: journal.done(&shown.frames.len())?, submitted, trashed })
}

/// The job, if it is still what was shown.
fn current<'f>(file: &'f ReleaseFile, shown: &RerenderPlan) -> Result<&'f JobRecord, Failure> {
    let record = job_of(file, &shown.reference)?;
    let revision = record.current();
    let is_begun = record.runs.iter().any(|run| run.id == shown.run.id);
    if is_begun || revision.number != shown.revision || !shown.frames.minus(&revision.frames).is_empty() {
        let words = format!("the plan is out of date: since it was made there were changes to {}", shown.reference);
        return Err(Failure::new(Class::Refused, words).with_hint("Give the command again and look at the new plan."));
    }
    Ok(record)
}

fn change(ports: &Ports<'_>, file: &ReleaseFile, shown: &RerenderPlan, ends: &Ends) -> Change {
    let record = file.job(&shown.reference.job);
    let ended = ends.jobs.iter().filter(|job| ending::can_be_cancelled(&job.status)).filter_map(|job| job.run_id());
    let job = ChangedJob {
        name: shown.reference.job.clone(),
        frames: record.map(|record| record.current().frames.clone()).unwrap_or_default(),
        before: Before::of(record),
        run: Some(shown.run.id),
        ends: ended.collect(),
    };
    Change {
        release: file.name.clone(),
        by: Some(Author::of(ports.actor)),
        store: Vec::new(),
        copies: Vec::new(),
        jobs: vec![job],
    }
}

fn withdraw(file: &mut ReleaseFile, shown: &RerenderPlan, runs: &[RunId]) {
    let Some(record) = file.job_mut(&shown.reference.job) else { return };
    record.withdraw(runs);
}

fn put_away(
    ports: &Ports<'_>,
    lock: &Lock,
    id: TransactionId,
    file: &ReleaseFile,
    shown: &RerenderPlan,
) -> Result<usize, Failure> {
    let record = job_of(file, &shown.reference)?;
    let old = old_files(ports, file, record, &shown.frames)?;
    let discards: Vec<Discard> = old.iter().map(Discard::from).collect();
    Ok(discard::within(ports.volume, lock, id, &discards)?.items.len())
}

/// The frames of the plan that are not there and sound, whatever lies in `dist/`: asked after its run has ended.
pub fn still_wrong(ports: &Ports<'_>, plan: &RerenderPlan) -> Result<FrameSet, Failure> {
    let file = load(ports, &plan.reference)?;
    let record = job_of(&file, &plan.reference)?;
    let work = OpenWork::of(ports, &file)?.with_harvested(Vec::new());
    let found = check::check_and(Remember::Nothing, ports, &file.name, record, &work, Effort::Trust)?;
    Ok(plan.frames.minus(&found.ok).minus(&found.suspect))
}

fn load(ports: &Ports<'_>, job: &JobRef) -> Result<ReleaseFile, Failure> {
    release::load(ports.volume, &job.home)?.ok_or_else(|| no_job(job))
}

fn job_of<'f>(file: &'f ReleaseFile, job: &JobRef) -> Result<&'f JobRecord, Failure> {
    file.job(&job.job).ok_or_else(|| no_job(job))
}

fn no_job(job: &JobRef) -> Failure {
    Failure::new(Class::NoMatch, format!("there is no job {job}")).with_hint("`farm status` lists everything.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::status::TaskStatus;
    use crate::ops::change;
    use crate::ops::check::room::Room;

    fn request(room: &Room, frames: Option<&str>) -> RerenderRequest {
        RerenderRequest {
            job: JobRef::within(room.release(), &room.file.jobs[0].name),
            frames: frames.map(|frames| frames.parse().expect("frames")),
            queueing: Asked::default(),
        }
    }

    #[test]
    fn all_or_some_frames_go_and_are_submitted() {
        let mut room = Room::rendered(&[("A", "1-4"), ("B", "1")]);
        room.add_run("1-4", TaskStatus::Completed);
        room.file.jobs[0].runs[0].priority = 70;
        room.save();
        let all = plan(&room.ports(), &request(&room, None)).expect("plan");
        assert_eq!((all.frames.to_string().as_str(), all.trash.len(), all.run.priority), ("1-4", 4, 70));
        let some = plan(&room.ports(), &request(&room, Some("2-3"))).expect("plan");
        assert_eq!((some.frames.len(), some.trash.len(), some.run.chunk), (2, 2, 1));
        for none in [Some("5"), Some("1-9")] {
            let failure = plan(&room.ports(), &request(&room, none)).expect_err("it has no such frames");
            assert!(failure.class() == Class::Usage && failure.hint().is_some_and(|hint| hint.contains("1-4")));
        }
    }

    /// The test's Manager takes no submission: everything before it is done, and the run is in the record.
    #[test]
    fn what_comes_before_the_submission_is_done_in_order() {
        let room = Room::rendered(&[("A", "1-3"), ("B", "1")]);
        let shown = plan(&room.ports(), &request(&room, Some("2"))).expect("plan");
        apply(&room.ports(), &shown, change::SEED).expect_err("nobody takes it");
        assert_eq!(room.names("releases/r1/out/A"), ["000001.png", "000003.png"]);
        assert_eq!(room.names("releases/r1/out/B"), ["000001.png"]);
        let file = release::load(&room.volume, room.release()).expect("readable").expect("there");
        assert_eq!(
            file.jobs[0].runs.last().map(|run| (run.id, run.frames.to_string())),
            Some((shown.run.id, "2".into()))
        );
        assert_eq!(still_wrong(&room.ports(), &shown).expect("looked").to_string(), "2");
    }
}
