//! What a change made, and what becomes of the records of its jobs when it is taken back.

use super::deed::Deed;
use super::{Entry, UndoIntent, whole_folders};
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::RunId;
use crate::base::name::JobName;
use crate::base::rel_path::RelPath;
use crate::ops::change::{Before, Change, ChangedJob};
use crate::ops::check::job_files;
use crate::ops::plan::unfinished::Named;
use crate::volume::Volume;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};
use crate::volume::trash::TrashedTransaction;
use std::collections::{BTreeSet, HashSet};
use std::iter;

/// One job of the change, with what taking it back means for it.
#[derive(Debug, Clone)]
pub(super) struct MadeJob {
    pub(super) name: JobName,
    /// Its record as it shall be; `None`: it is taken out.
    pub(super) after: Option<JobRecord>,
    /// Runs that the change submitted, or that came after it.
    pub(super) runs: Vec<RunRecord>,
    /// Their frames.
    pub(super) frames: FrameSet,
}

/// What becomes of each job of the change.
pub(super) fn jobs(entry: &Entry, file: Option<&ReleaseFile>) -> Result<Vec<MadeJob>, Failure> {
    let record = |job: &ChangedJob| file.and_then(|file| file.job(&job.name));
    match &entry.deed {
        Deed::Jobs(change) | Deed::Undo(UndoIntent { change, .. }) => {
            change.jobs.iter().filter_map(|job| made_job(entry, job, record(job)).transpose()).collect()
        }
        Deed::Kill(change) => Ok(change.jobs.iter().filter_map(record).map(MadeJob::untouched).collect()),
        _ => Ok(Vec::new()),
    }
}

impl MadeJob {
    /// A job of which the change only ended runs.
    fn untouched(now: &JobRecord) -> MadeJob {
        let after = Some(now.clone());
        MadeJob { name: now.name.clone(), after, runs: Vec::new(), frames: FrameSet::default() }
    }
}

/// `None`: the job is as it was.
fn made_job(entry: &Entry, job: &ChangedJob, now: Option<&JobRecord>) -> Result<Option<MadeJob>, Failure> {
    let before = match &job.before {
        Before::Unknown => return Err(not_written_down(entry)),
        Before::Absent => None,
        Before::Was(record) => Some(record.as_ref()),
    };
    let (runs, frames) = now.map(|now| made_by(entry, job, before, now)).unwrap_or_default();
    let after = match (before, now) {
        (None, None) => return Ok(None),
        (None, Some(_)) => None,
        // What was submitted meanwhile is history: it stays in the record, and is ended.
        (Some(before), Some(now)) => Some(JobRecord { revisions: before.revisions.clone(), ..now.clone() }),
        (Some(before), None) => Some(before.clone()),
    };
    Ok(Some(MadeJob { name: job.name.clone(), after, runs, frames }))
}

/// The runs that came of the change, and the frames that they made.
fn made_by(entry: &Entry, job: &ChangedJob, before: Option<&JobRecord>, now: &JobRecord) -> (Vec<RunRecord>, FrameSet) {
    let known: HashSet<RunId> = before.iter().flat_map(|record| &record.runs).map(|run| run.id).collect();
    let revisions: HashSet<u32> = before.iter().flat_map(|record| &record.revisions).map(|it| it.number).collect();
    let is_undo = matches!(entry.deed, Deed::Undo(_));
    let is_own = |run: &&RunRecord| if is_undo { run.undo == Some(entry.id) } else { Some(run.id) == job.run };
    let own = FrameSet::union_of(now.runs.iter().filter(is_own).map(|run| &run.frames));
    let mut runs = Vec::new();
    let mut frames = FrameSet::default();
    for run in now.runs.iter().filter(|run| !known.contains(&run.id)) {
        // What a later undo submitted again was still missing then: it is that one's, and not what the own runs made.
        if is_undo && run.undo.is_some_and(|undo| undo != entry.id) {
            frames = frames.minus(&run.frames);
            continue;
        }
        let made = match revisions.contains(&run.revision) {
            // Of what was there before only the frames of the change's own runs, which `--wait` may have submitted again.
            true => run.frames.common(&own),
            false => run.frames.clone(),
        };
        if !made.is_empty() {
            runs.push(run.clone());
            frames = frames.union(&made);
        }
    }
    (runs, frames)
}

fn not_written_down(entry: &Entry) -> Failure {
    let words = format!(
        "the {} {} was made by an earlier farm, which did not write down what was before",
        entry.kind, entry.id
    );
    Failure::new(Class::Refused, words).with_hint("Look at what it has in the trash: `farm trash list`.")
}

/// What the change put onto the volume and goes to the trash: frames of its runs, scenes, and what they need where
/// nothing else needs it. `parts` is what the change has in the trash itself.
pub(super) fn files(
    volume: &Volume,
    entry: &Entry,
    file: Option<&ReleaseFile>,
    jobs: &[MadeJob],
    parts: &[TrashedTransaction],
) -> Result<BTreeSet<RelPath>, Failure> {
    let mut made: BTreeSet<RelPath> = BTreeSet::new();
    if let Deed::Undo(intent) = &entry.deed {
        for path in &intent.restores {
            if volume.stat(path)?.is_some() {
                made.insert(path.clone());
            }
        }
    }
    for job in jobs.iter().filter(|job| !job.frames.is_empty()) {
        let record = file.and_then(|file| file.job(&job.name));
        let (Some(record), Some(home)) = (record, &entry.home) else { continue };
        made.extend(job_files::in_out(volume, home, record, &job.frames)?.into_iter().map(|(_, path)| path));
    }
    let kept = still_named(volume, entry, jobs)?;
    for path in entry.deed.stored() {
        // A scene, and what lies beside it, has the path of the one before: that it is named says nothing.
        let is_in_place = is_scene_of(entry, path) || whole_folders::makes_room(parts, path);
        if (is_in_place || !kept.has(path)) && volume.stat(path)?.is_some() {
            made.insert(path.clone());
        }
    }
    whole_folders::take_whole(volume, parts, &mut made)?;
    Ok(outermost(&made))
}

/// What lies in a folder that goes as a whole goes with it.
fn outermost(paths: &BTreeSet<RelPath>) -> BTreeSet<RelPath> {
    let parent = |path: &RelPath| path.split().map(|(folder, _)| folder);
    let goes_along = |path: &RelPath| iter::successors(parent(path), parent).any(|folder| paths.contains(&folder));
    paths.iter().filter(|path| !goes_along(path)).cloned().collect()
}

/// Whether `path` is the scene of one of the change's jobs.
fn is_scene_of(entry: &Entry, path: &RelPath) -> bool {
    matches!(&entry.deed, Deed::Jobs(Change { store, .. }) if store.contains(path))
}

/// What is needed by all that stays.
fn still_named(volume: &Volume, entry: &Entry, jobs: &[MadeJob]) -> Result<Named, Failure> {
    Named::on(volume, |mut file| {
        if Some(&file.name) == entry.home.as_ref() {
            file.jobs = file.jobs.iter().filter_map(|record| after(record, jobs)).collect();
        }
        file
    })
}

/// The record as it will be.
fn after(record: &JobRecord, jobs: &[MadeJob]) -> Option<JobRecord> {
    match jobs.iter().find(|job| job.name == record.name) {
        Some(job) => job.after.clone(),
        None => Some(record.clone()),
    }
}
