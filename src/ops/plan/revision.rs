//! A new revision of a job: which frames are rendered from it, which are kept of the one before, what goes to the trash
//! and which runs are ended.
//!
//! All of that changes while somebody renders. So it is found out for whoever has to agree, and once more when nobody can
//! write any more.

use super::difference::Difference;
use super::request::Anew;
use super::{JobVerdict, PlannedJob};
use crate::base::counted::{agree, frames_named};
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId};
use crate::base::name::JobRef;
use crate::base::rel_path::RelPath;
use crate::ops::addresses::Addresses;
use crate::ops::check::job_files;
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::check::{self, Effort, OpenWork, Remember};
use crate::ops::ports::Ports;
use crate::sys::http::without_credentials;
use crate::volume::Volume;
use crate::volume::layout;
use crate::volume::release_file::{JobRecord, Output, ReleaseFile, Revision, RunRecord};
use crate::volume::trash::Discard;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A new revision of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revised {
    /// Its number.
    pub number: u32,
    /// What is different from the one before.
    pub difference: Difference,
    /// What is asked to be rendered anew.
    pub anew: Anew,
    /// The frames that are rendered from it.
    pub rendered: FrameSet,
    /// The frames that are kept of the one before.
    pub kept: FrameSet,
    /// The frames that go to the trash.
    pub trashed: FrameSet,
    /// The runs that can still do something, and are ended first.
    pub ends: Vec<EndedRun>,
}

/// A run that is ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedRun {
    /// Farm's id of it.
    pub run: RunId,
    /// The Manager's id of it, where it has it.
    pub id: Option<JobId>,
    /// Its number within the job.
    pub number: u32,
    /// What the Manager says of it; `planned` where it does not have it.
    pub status: String,
}

/// The word for a run that was not submitted yet.
const PLANNED: &str = "planned";

impl Revised {
    /// One of which only that much is known.
    pub fn new(number: u32, difference: Difference, anew: Anew) -> Revised {
        let (rendered, kept, trashed) = Default::default();
        Revised { number, difference, anew, rendered, kept, trashed, ends: Vec::new() }
    }

    /// It without what changes while somebody renders.
    pub fn essence(&self) -> Revised {
        Revised::new(self.number, self.difference.clone(), self.anew.clone())
    }
}

/// Finds out what becomes of the frames and runs of the jobs that get a new revision. Reads only.
pub(super) fn settle(ports: &Ports<'_>, file: &ReleaseFile, jobs: &mut [PlannedJob]) -> Result<(), Failure> {
    if jobs.iter().all(|job| job.revised().is_none()) {
        return Ok(());
    }
    let mut meant = file.clone();
    meant.jobs.retain(|record| jobs.iter().any(|job| job.revised().is_some() && job.reference.job == record.name));
    let known = ports.manager.jobs()?;
    let workers = ports.manager.workers()?;
    let by_run = JobsByRun::of(&known);
    let work = OpenWork::with_jobs(ports, &meant, &by_run, &workers)?;
    let addresses = Addresses::of(ports.manager, file, |run| by_run.get(*run).is_some());
    for job in jobs {
        let Some(record) = meant.job(&job.reference.job) else { continue };
        let ends = ends(record, &by_run, &addresses).map_err(|run| elsewhere(&job.reference, &run))?;
        if let JobVerdict::Revised(revised) = &mut job.verdict {
            // What was ended since the first look stays among them.
            let is_new = |run: &EndedRun| !revised.ends.iter().any(|known| known.run == run.run);
            let new: Vec<EndedRun> = ends.into_iter().filter(is_new).collect();
            revised.ends.extend(new);
        }
        decide(ports, record, job, &work)?;
        let trashed = in_the_way(ports.volume, record, job)?;
        if let JobVerdict::Revised(revised) = &mut job.verdict {
            revised.trashed = trashed.into_iter().map(|(frame, _)| frame).collect();
        }
    }
    Ok(())
}

/// The runs that can still do something; or the Manager of one that this one knows nothing of.
fn ends(record: &JobRecord, by_run: &JobsByRun<'_>, addresses: &Addresses) -> Result<Vec<EndedRun>, String> {
    let mut ends = Vec::new();
    for run in record.runs.iter().filter(|run| !run.withdrawn) {
        let (id, status) = match by_run.first(run.id) {
            Some(job) if job.status.has_ended() => continue,
            Some(job) => (Some(job.id.clone()), job.status.to_string()),
            None if !addresses.are_of(run) => return Err(without_credentials(&run.manager)),
            None if run.manager_job.is_some() => continue,
            None => (None, PLANNED.to_owned()),
        };
        ends.push(EndedRun { run: run.id, id, number: run.number, status });
    }
    Ok(ends)
}

fn elsewhere(job: &JobRef, manager: &str) -> Failure {
    let words = format!("a run of {job} was submitted to the Manager {manager}, and only that one can end it");
    Failure::new(Class::Refused, words).with_hint(format!("Name that one with --manager {manager}."))
}

/// Sorts the frames of a job that gets a new revision into those that are rendered and those that are kept.
pub(super) fn decide(
    ports: &Ports<'_>,
    record: &JobRecord,
    job: &mut PlannedJob,
    work: &OpenWork,
) -> Result<(), Failure> {
    let JobVerdict::Revised(revised) = &mut job.verdict else { return Ok(()) };
    let there = match revised.anew {
        Anew::All => FrameSet::default(),
        _ => {
            let home = &job.reference.home;
            let frames = check::check_and(Remember::Nothing, ports, home, record, work, Effort::Trust)?;
            // What a worker may still write is not there yet, whole as it may be.
            frames.ok.union(&frames.suspect).minus(&frames.rendering)
        }
    };
    revised.kept = match &revised.anew {
        Anew::All => FrameSet::default(),
        Anew::Only(anew) => there.minus(anew).common(&job.frames),
        Anew::Missing => there.common(&job.frames),
        Anew::Alone(anew) => there.minus(anew),
    };
    if let Anew::Alone(anew) = &revised.anew {
        job.frames = anew.union(&revised.kept);
    }
    revised.rendered = match &revised.anew {
        // What somebody waited for is not lost because its run is ended, and what the range adds was never there; what else
        // is missing stays so.
        Anew::Only(anew) => {
            let added = job.frames.minus(&record.current().frames);
            let waited_for = ended_frames(record, &revised.ends);
            anew.union(&added).union(&waited_for).common(&job.frames).minus(&revised.kept)
        }
        _ => job.frames.minus(&revised.kept),
    };
    let (old, new) = (&record.current().output, &job.output);
    if !revised.kept.is_empty() && !is_alike(old, new) {
        return Err(do_not_go_together(&job.reference, &revised.kept, old, new));
    }
    Ok(())
}

/// The frames of runs that are ended.
fn ended_frames(record: &JobRecord, ends: &[EndedRun]) -> FrameSet {
    let is_ended = |run: &&RunRecord| ends.iter().any(|ended| ended.run == run.id);
    FrameSet::union_of(record.runs.iter().filter(is_ended).map(|run| &run.frames))
}

/// Whether frames of both can be those of one job.
fn is_alike(old: &Output, new: &Output) -> bool {
    let look = |output: &Output| {
        let Output { format, extension, width, height, views, passes, .. } = output.clone();
        (format, extension, width, height, views, passes)
    };
    look(old) == look(new)
}

fn do_not_go_together(job: &JobRef, kept: &FrameSet, old: &Output, new: &Output) -> Failure {
    let look = |output: &Output| match (output.views.len(), output.passes.len()) {
        (0, 0) => format!("{} {}x{}", output.format, output.width, output.height),
        (views, passes) => {
            format!("{} {}x{}, {views} views, {passes} passes", output.format, output.width, output.height)
        }
    };
    let (frames, verb) = (frames_named(kept), agree(kept.len(), "shows", "show"));
    let words = format!("{job}: {frames} would be kept and {verb} {}, the others would be {}", look(old), look(new));
    Failure::new(Class::Refused, words)
        .with_hint("Leave --frames and --keep-frames out to have every frame rendered anew.")
}

/// Files in the job's folder that a new revision cannot have there: frames that are not kept, and whatever bears the name
/// of one that is rendered, for it would be taken for that.
pub(super) fn in_the_way(
    volume: &Volume,
    record: &JobRecord,
    job: &PlannedJob,
) -> Result<Vec<(i32, RelPath)>, Failure> {
    let Some(revised) = job.revised() else { return Ok(Vec::new()) };
    let old = record.current();
    let mut found = BTreeMap::new();
    let goes = match revised.anew {
        Anew::All | Anew::Alone(_) => old.frames.minus(&revised.kept),
        // A broken file that nobody asked to render anew would be taken for one of this revision, once it is mended.
        Anew::Only(_) => old.frames.common(&job.frames).minus(&revised.kept),
        // Of what is to be kept only what is rendered all the same makes room.
        Anew::Missing => FrameSet::default(),
    };
    if !goes.is_empty() {
        found.extend(there(volume, job, record, &old.output, &goes)?);
    }
    found.extend(there(volume, job, record, &job.output, &revised.rendered)?);
    let mut found: Vec<(i32, RelPath)> = found.into_iter().map(|(path, frame)| (frame, path)).collect();
    found.sort();
    Ok(found)
}

/// The files of these frames that lie in the job's folder, by their paths beneath the volume.
fn there(
    volume: &Volume,
    job: &PlannedJob,
    record: &JobRecord,
    output: &Output,
    frames: &FrameSet,
) -> Result<Vec<(RelPath, i32)>, Failure> {
    let revision = Revision { output: output.clone(), ..record.current().clone() };
    let record = JobRecord { revisions: vec![revision], runs: Vec::new(), ..record.clone() };
    let files = job_files::in_out(volume, &job.reference.home, &record, frames)?;
    Ok(files.into_iter().map(|(frame, path)| (path, frame)).collect())
}

/// What goes to the trash before the new revision is put in its place.
pub(super) fn discards(volume: &Volume, record: &JobRecord, job: &PlannedJob) -> Result<Vec<Discard>, Failure> {
    let Some(revised) = job.revised() else { return Ok(Vec::new()) };
    let old = record.current();
    let inputs = beside_the_scene(old, job).into_iter().chain([old.store.path.clone()]);
    let frames = in_the_way(volume, record, job)?;
    let reason = format!("{} has revision {} since", job.reference, revised.number);
    let frame = |(frame, path): (i32, RelPath)| Discard {
        path,
        reason: format!("frame {frame} of {}, revision {}: {reason}", job.reference, record.revision_of(frame).number),
    };
    let input = |path| Discard { path, reason: format!("of revision {}: {reason}", old.number) };
    let mut discards: Vec<Discard> = Vec::new();
    for path in inputs {
        if volume.stat(&path)?.is_some() {
            discards.push(input(path));
        }
    }
    discards.extend(frames.into_iter().map(frame));
    Ok(discards)
}

/// What a scene needs right beside it, under the job's own name (simulations): no place for two revisions of it. What lies in
/// `deps/` is named by its bytes, and may be another job's too.
fn beside_the_scene(old: &Revision, job: &PlannedJob) -> BTreeSet<RelPath> {
    let (store, deps) = (layout::store_dir(&job.reference.home), layout::deps_dir(&job.reference.home));
    let own = old.dependencies.iter().filter(|need| !need.in_place).filter_map(|need| need.stored.as_ref());
    let beside = own.filter(|path| path.is_within(&store) && !path.is_within(&deps));
    let top = |path: &RelPath| {
        let name = path.as_str()[store.as_str().len()..].trim_start_matches('/').split('/').next()?;
        store.join(name).ok()
    };
    beside.filter_map(top).collect()
}
