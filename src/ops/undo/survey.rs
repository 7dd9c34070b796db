//! What taking a change back would do. Reads only.

use super::deed::Deed;
use super::made::{self, MadeJob};
use super::{Entry, History, Resubmit, UndoIntent, UndoPlan, UndoneJob, newer};
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::TransactionId;
use crate::base::name::{Home, JobName, JobRef};
use crate::base::rel_path::RelPath;
use crate::manager::ManagerJob;
use crate::ops::change::{Author, Before, Change, ChangedJob};
use crate::ops::ending::{self, Ends};
use crate::ops::harvest;
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};
use crate::volume::trash::{self, TrashError};
use std::collections::BTreeSet;

/// An undo, and what it takes to carry it out.
pub struct Survey {
    /// The plan.
    pub plan: UndoPlan,
    pub(super) intent: UndoIntent,
    pub(super) ends: Vec<ManagerJob>,
    /// The jobs of which the change had ended runs.
    pub(super) had_ended: Vec<JobName>,
}

/// What was found of a change that is to be taken back.
pub enum Found {
    /// It was taken back before, by this undo: asked for twice, nothing is left to do.
    Already {
        /// The change.
        id: TransactionId,
        /// What it was.
        kind: String,
        /// What took it back.
        undo: TransactionId,
    },
    /// It can be.
    Open(Box<Survey>),
}

/// The undo of the change that `word` names: the beginning of an id; the last change that a person made without one.
pub fn survey(ports: &Ports<'_>, word: Option<&str>, resubmit: Resubmit) -> Result<Found, Failure> {
    let history = History::of(ports.volume)?;
    let entry = match word {
        Some(word) => history.named(word)?,
        None => history.last().ok_or_else(nothing)?,
    };
    if let Some(undo) = history.undo_of(entry) {
        return Ok(Found::Already { id: entry.id, kind: entry.kind.clone(), undo });
    }
    let entry = history.stands_for(entry).unwrap_or(entry);
    newer::check(ports.volume, &history, entry)?;
    match entry.deed {
        Deed::Kill(_) if resubmit == Resubmit::No => Err(only_ended(entry)),
        _ => Ok(Found::Open(Box::new(of(ports, entry, resubmit)?))),
    }
}

fn nothing() -> Failure {
    Failure::new(Class::NoMatch, "there is no change that could be taken back")
        .with_hint("`farm undo --list` shows what there was; trash is held for seven days.")
}

/// A kill threw nothing away.
fn only_ended(entry: &Entry) -> Failure {
    let words = format!("the kill {} ended runs and threw nothing away", entry.id);
    Failure::new(Class::Refused, words).with_hint(
        "Say --resubmit to submit again what had not ended, or name an earlier change: `farm undo --list` shows all.",
    )
}

fn of(ports: &Ports<'_>, entry: &Entry, resubmit: Resubmit) -> Result<Survey, Failure> {
    let file = entry.home.as_ref().map(|home| release::load(ports.volume, home)).transpose()?.flatten();
    let jobs = made::jobs(entry, file.as_ref())?;
    let runs: Vec<&RunRecord> = jobs.iter().flat_map(|job| &job.runs).collect();
    let Ends { jobs: ends, withdrawn } = match &file {
        Some(file) => ending::of_runs(ports, file, &runs)?,
        None => Ends::default(),
    };
    let mut discards: BTreeSet<RelPath> = made::files(ports.volume, entry, file.as_ref(), &jobs)?.into_iter().collect();
    take_folders_whole(ports, entry, &jobs, &mut discards)?;
    let harvest = match &entry.deed {
        Deed::Harvest(transaction) => Some(harvest::undo::survey(ports.volume, transaction)?),
        _ => None,
    };
    discards.extend(harvest.iter().flat_map(|back| back.copies.iter().cloned()));
    let moving: BTreeSet<&RelPath> = harvest.iter().flat_map(|back| back.moves.iter().map(|file| &file.from)).collect();
    let leaves = |path: &RelPath| discards.contains(path) || moving.contains(path);
    let items = trash::restorable(ports.volume, entry.id, &leaves).map_err(|error| in_the_way(entry, error))?;
    let restores: Vec<RelPath> = items.into_iter().map(|item| item.path).collect();
    let ended = |job: &MadeJob| {
        let of_job = |found: &&ManagerJob| job.runs.iter().any(|run| found.run_id() == Some(run.id));
        let goes_on = |found: &&ManagerJob| ending::can_be_cancelled(&found.status);
        ends.iter().filter(of_job).filter(goes_on).map(|found| found.id.clone()).collect()
    };
    let home = entry.home.as_ref();
    let undone = |job: &MadeJob| {
        home.map(|home| UndoneJob {
            reference: JobRef::within(home, &job.name),
            verdict: job.fate,
            ended: ended(job),
            frames: job.frames.clone(),
        })
    };
    let plan = UndoPlan {
        id: entry.id,
        kind: entry.kind.clone(),
        at: entry.at,
        command: entry.by.as_ref().map(|by| by.command.clone()).unwrap_or_default(),
        release: home.cloned().unwrap_or(Home::Quick),
        jobs: jobs.iter().filter_map(undone).collect(),
        restored: restores.clone(),
        discarded: discards.iter().cloned().collect(),
        moved_back: moving.len(),
        resubmits: resubmit == Resubmit::Yes,
    };
    let withdraw = |mut record: JobRecord| {
        record.withdraw(&withdrawn);
        record
    };
    let intent = UndoIntent {
        change: Change {
            release: plan.release.clone(),
            by: Some(Author::of(ports.actor)),
            store: Vec::new(),
            copies: Vec::new(),
            jobs: jobs.iter().map(|job| changed(job, file.as_ref())).collect(),
        },
        undone: entry.id,
        discards: plan.discarded.clone(),
        harvest,
        restores,
        after: jobs.into_iter().map(|job| (job.name, job.after.map(withdraw))).collect(),
    };
    Ok(Survey { plan, intent, ends, had_ended: had_ended(entry) })
}

fn had_ended(entry: &Entry) -> Vec<JobName> {
    let change = match &entry.deed {
        Deed::Jobs(change) | Deed::Kill(change) => change,
        Deed::Undo(intent) => &intent.change,
        _ => return Vec::new(),
    };
    change.jobs.iter().filter(|job| !job.ends.is_empty()).map(|job| job.name.clone()).collect()
}

fn changed(job: &MadeJob, file: Option<&ReleaseFile>) -> ChangedJob {
    let record = file.and_then(|file| file.job(&job.name));
    let frames = job.after.as_ref().map_or_else(FrameSet::default, |after| after.current().frames.clone());
    let ends = job.runs.iter().map(|run| run.id).collect();
    ChangedJob { name: job.name.clone(), frames, before: Before::of(record), run: None, ends }
}

/// Where a whole folder comes back, what the change put in its place goes as a whole too, if nothing else is in it.
fn take_folders_whole(
    ports: &Ports<'_>,
    entry: &Entry,
    jobs: &[MadeJob],
    discards: &mut BTreeSet<RelPath>,
) -> Result<(), Failure> {
    let parts = trash::parts_of(ports.volume, entry.id)?;
    for out in jobs.iter().filter_map(|job| made::out_of(entry, &job.name)) {
        let comes_back = parts.iter().any(|part| part.items.iter().any(|item| item.path == out));
        let is_there = ports.volume.stat(&out)?.is_some();
        if comes_back && is_there && made::is_made_whole(ports.volume, &out, discards)? {
            discards.retain(|path| !path.is_within(&out));
            discards.insert(out);
        }
    }
    Ok(())
}

/// Something newer stands where something would come back.
fn in_the_way(entry: &Entry, error: TrashError) -> Failure {
    let failure = Failure::from(error);
    failure.context(format!("the {} {} cannot be taken back", entry.kind, entry.id))
}
