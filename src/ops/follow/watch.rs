//! Looking on while the runs of a release are worked off by somebody else.

use super::awaited::Awaited;
use super::failures::Failures;
use super::hands::Hands;
use super::outage::Outage;
use super::told::Told;
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::JobId;
use crate::base::name::{Home, JobRef};
use crate::base::status::JobStatus;
use crate::frames::expected::frame_file;
use crate::manager::{Manager, ManagerJob};
use crate::ops::harvest::manifest::{Manifest, ManifestFile};
use crate::ops::harvest::unfinished;
use crate::ops::ports::{JobProgress, Ports};
use crate::sys::clock::Stopwatch;
use crate::volume::layout;
use crate::volume::release_file::{JobRecord, RunRecord};
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Between two looks into a job's folder.
const LIST_AGAIN: Duration = Duration::from_secs(1);
/// The list of many jobs is no less to read because somebody waits: between two of them is so many times as long as the last
/// one took, but never longer than that.
const LIST_REST: u32 = 10;
const LONGEST_REST: Duration = Duration::from_secs(30);
/// Up to so many runs are asked for one by one; for more, one request for all jobs costs less.
const FEW: usize = 8;

/// Words of Flamenco up to 3.3 for jobs that nothing more becomes of.
const OVER: [&str; 2] = ["archived", "construction-failed"];

/// Who ends the looking on, and how long it bears with a Manager that is away.
pub struct Watching<'a> {
    /// Ends it when it speaks or is dropped.
    pub stop: Receiver<()>,
    /// How long the Manager may be away at a time.
    pub patience: Duration,
    /// What was said before.
    pub told: &'a Told,
}

/// Looks on until every run that is waited for has ended or waits for a person, or until it is to stop.
pub fn watch(ports: &Ports<'_>, awaited: Awaited<'_>, watching: &Watching<'_>) -> Result<(), Failure> {
    let (name, file) = (awaited.home, awaited.file(ports)?);
    let harvested = harvested(ports, name);
    let mut jobs: Vec<Watched<'_>> = file.jobs.iter().filter_map(|job| Watched::of(name, job, &harvested)).collect();
    let (mut outage, mut hands) = (Outage::default(), Hands::new());
    let mut stopping = false;
    loop {
        let open: Vec<&JobId> = jobs.iter().flat_map(Watched::open).collect();
        if open.is_empty() {
            return Ok(());
        }
        let watch = Stopwatch::start();
        let looked = look(ports.manager, &open)
            .and_then(|heard| jobs.iter_mut().try_for_each(|job| job.learn(ports, &heard, watching.told)))
            .and_then(|()| hands.tell(ports, &jobs.iter().flat_map(Watched::tags).collect(), watching.told));
        let rest = rest_after(open.len(), watch.elapsed(), ports.manager.look_again());
        outage.bear(ports, looked, watching.patience)?;
        if stopping || ports.progress.interrupted().is_some() {
            return Ok(());
        }
        // After the end one more look, so that the last state is shown.
        stopping = is_stopped_within(rest, ports, watching);
    }
}

/// How long to rest after a look at `open` runs that took so long.
fn rest_after(open: usize, took: Duration, usual: Duration) -> Duration {
    if open > FEW { rest_after_list(took, usual) } else { usual }
}

/// How long to rest after the list of all jobs took so long.
pub(super) fn rest_after_list(took: Duration, usual: Duration) -> Duration {
    usual.max((took * LIST_REST).min(LONGEST_REST))
}

/// Rests; whether it is to stop. Whoever asks farm to end is heard as soon as in a short rest.
fn is_stopped_within(rest: Duration, ports: &Ports<'_>, watching: &Watching<'_>) -> bool {
    let watch = Stopwatch::start();
    loop {
        let left = rest.saturating_sub(watch.elapsed()).min(ports.manager.look_again());
        if watching.stop.recv_timeout(left) != Err(RecvTimeoutError::Timeout) {
            return true;
        }
        if ports.progress.interrupted().is_some() || watch.has_passed(rest) {
            return false;
        }
    }
}

/// What lies in `dist/`, or is on its way there. Only for the count that is shown: whoever needs the manifest says what is
/// wrong with it.
fn harvested(ports: &Ports<'_>, release: &Home) -> Vec<ManifestFile> {
    let mut files = Manifest::load(ports.volume, release).map(|manifest| manifest.files).unwrap_or_default();
    files.extend(unfinished::files(ports.volume, release).unwrap_or_default());
    files
}

/// What the Manager says of these jobs; those that it does not know are not in it.
fn look(manager: &dyn Manager, ids: &[&JobId]) -> Result<HashMap<JobId, ManagerJob>, Failure> {
    let found = match ids.len() {
        0..=FEW => ids.iter().map(|id| manager.job(id)).filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?,
        _ => manager.jobs()?,
    };
    Ok(found.into_iter().map(|job| (job.id.clone(), job)).collect())
}

/// A job that is looked at, and what was seen of it last.
struct Watched<'a> {
    release: &'a Home,
    reference: JobRef,
    record: &'a JobRecord,
    /// The Manager's id of each run and what was last heard of it, oldest first; at least one.
    runs: Vec<(&'a JobId, Option<JobStatus>)>,
    /// Frames that were harvested: they lie in `dist/` and not in the job's folder.
    harvested: FrameSet,
    listed: Option<Stopwatch>,
    done: u64,
    failures: Failures,
}

impl<'a> Watched<'a> {
    /// `None` for a job without a run that the Manager knows.
    fn of(release: &'a Home, record: &'a JobRecord, manifest: &[ManifestFile]) -> Option<Self> {
        let runs: Vec<_> = record.runs.iter().filter_map(|run| Some((run.manager_job.as_ref()?, None))).collect();
        let reference = JobRef::within(release, &record.name);
        (!runs.is_empty()).then_some(Watched {
            release,
            reference,
            record,
            runs,
            harvested: frames_of(record, manifest),
            listed: None,
            done: 0,
            failures: Failures::default(),
        })
    }

    /// The runs that may still do something.
    fn open(&self) -> impl Iterator<Item = &'a JobId> {
        self.runs.iter().filter(|(_, status)| !is_settled(status.as_ref())).map(|(id, _)| *id)
    }

    /// The tags of those.
    fn tags(&self) -> impl Iterator<Item = Option<&'a str>> {
        let open: Vec<&JobId> = self.open().collect();
        let is_open = move |run: &&RunRecord| run.manager_job.as_ref().is_some_and(|id| open.contains(&id));
        self.record.runs.iter().filter(is_open).map(|run| run.tag.as_deref())
    }

    /// Takes in what was heard, and tells of it.
    fn learn(&mut self, ports: &Ports<'_>, heard: &HashMap<JobId, ManagerJob>, told: &Told) -> Result<(), Failure> {
        if self.is_settled() {
            return Ok(());
        }
        for (id, status) in self.runs.iter_mut().filter(|(_, status)| !is_settled(status.as_ref())) {
            let found = heard.get(*id);
            if let Some(job) = found {
                self.failures.tell(ports, &self.reference, job, told)?;
            }
            // What the Manager does not know any more does nothing any more.
            *status = Some(found.map_or(JobStatus::Canceled, |job| job.status.clone()));
        }
        let Some((_, Some(newest))) = self.runs.last() else { return Ok(()) };
        let word = newest.to_string();
        let frames = &self.record.current().frames;
        if self.is_settled() || self.listed.as_ref().is_none_or(|last| last.has_passed(LIST_AGAIN)) {
            let mut done = self.present(ports, frames)?;
            if done < self.done {
                // Somebody harvests them meanwhile, or put broken ones away.
                self.harvested = frames_of(self.record, &harvested(ports, self.release));
                done = self.present(ports, frames)?;
            }
            self.done = done;
            self.listed = Some(Stopwatch::start());
        }
        let (job, total) = (self.reference.clone(), frames.len() as u64);
        ports.progress.job(&JobProgress { job, done: self.done, total, word });
        Ok(())
    }

    fn is_settled(&self) -> bool {
        self.runs.iter().all(|(_, status)| is_settled(status.as_ref()))
    }

    /// How many of these frames were harvested or have a file, whole or not: enough for a progress bar, at the price of
    /// one listing.
    fn present(&self, ports: &Ports<'_>, frames: &FrameSet) -> Result<u64, Failure> {
        let dir = ports.volume.dir(&layout::out_dir(&self.reference))?;
        let entries = dir.map(|dir| dir.list()).transpose()?.unwrap_or_default();
        let names: HashSet<OsString> = entries.into_iter().map(|entry| entry.name).collect();
        let output = &self.record.current().output;
        let view = output.views.last().map(String::as_str);
        let name = |frame| frame_file(frame, view, &output.extension);
        let is_there = |frame: &i32| self.harvested.contains(*frame) || names.contains(OsStr::new(&name(*frame)));
        Ok(frames.iter().filter(is_there).count() as u64)
    }
}

/// The job's frames that were harvested and are not out of date.
fn frames_of(record: &JobRecord, manifest: &[ManifestFile]) -> FrameSet {
    let fresh = manifest.iter().filter(|file| file.job == record.name && !file.is_stale(Some(record)));
    fresh.map(|file| file.frame).collect()
}

/// Whether a run does nothing more by itself.
pub(super) fn is_settled(status: Option<&JobStatus>) -> bool {
    let is_over = |word: &str| OVER.contains(&word);
    status.is_some_and(|status| match status {
        JobStatus::Paused => true,
        JobStatus::Unknown(word) => is_over(word),
        status => status.has_ended(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::status::TaskStatus;
    use crate::ops::check::room::Room;
    use crate::ops::harvest::apply;
    use crate::ops::harvest::request::{Gaps, HarvestRequest};
    use crate::ops::ports::Progress;
    use std::sync::Mutex;

    #[test]
    fn a_list_that_takes_long_is_read_less_often() {
        let after = |open, millis| rest_after(open, Duration::from_millis(millis), Duration::from_secs(2)).as_millis();
        assert_eq!(
            (after(8, 5000), after(9, 10)),
            (2000, 2000),
            "few are asked for one by one; a short list is read on"
        );
        assert_eq!((after(9, 700), after(200, 9000)), (7000, 30_000));
    }

    /// Hears how many frames are done.
    #[derive(Default)]
    struct Counts(Mutex<Vec<(u64, u64)>>);

    impl Progress for Counts {
        fn job(&self, progress: &JobProgress) {
            self.0.lock().expect("no panic").push((progress.done, progress.total));
        }
    }

    #[test]
    fn the_count_does_not_fall_when_somebody_harvests() {
        let mut room = Room::rendered(&[("A", "1-4")]);
        room.lose("releases/r1/out/A/000004.png");
        room.add_run("1-3", TaskStatus::Completed);
        room.add_run("4", TaskStatus::Active);
        for (run, job) in room.file.jobs[0].runs.iter_mut().zip(&room.manager.jobs) {
            run.manager_job = Some(job.id.clone());
        }
        room.save();
        let counts = Counts::default();
        let ports = Ports { progress: &counts, ..room.ports() };
        let heard: HashMap<JobId, ManagerJob> =
            room.manager.jobs.iter().map(|job| (job.id.clone(), job.clone())).collect();
        let mut watched = Watched::of(room.release(), &room.file.jobs[0], &[]).expect("it has runs");
        watched.learn(&ports, &heard, &Told::default()).expect("looked");
        let request = HarvestRequest { gaps: Gaps::Allow, ..HarvestRequest::of(room.release().clone()) };
        drop(apply::harvest(&room.ports(), &request, None).expect("harvest"));
        assert!(room.names("releases/r1/out").is_empty());
        watched.listed = None;
        watched.learn(&ports, &heard, &Told::default()).expect("looked");
        assert_eq!(*counts.0.lock().expect("no panic"), [(3, 4), (3, 4)]);
    }
}
