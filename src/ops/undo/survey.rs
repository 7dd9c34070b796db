//! What taking a change back would do. Reads only.

use super::begun::{self, Begun};
use super::deed::Deed;
use super::made::{self, MadeJob};
use super::resubmit::{Already, HadEnded};
use super::{Entry, History, JobFate, Resubmit, UndoIntent, UndoPlan, UndoneJob, newer};
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId};
use crate::base::name::{Home, JobRef};
use crate::base::rel_path::RelPath;
use crate::manager::ManagerJob;
use crate::ops::change::{Author, Before, Change, ChangedJob};
use crate::ops::ending::{self, Ends};
use crate::ops::harvest;
use crate::ops::harvest::undo::TakenBack;
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::volume::release_file::{ReleaseFile, RunRecord};
use crate::volume::trash::{self, TrashError};
use std::collections::BTreeSet;

/// An undo, and what it takes to carry it out.
pub struct Survey {
    /// The plan.
    pub plan: UndoPlan,
    pub(super) intent: UndoIntent,
    pub(super) ends: Vec<ManagerJob>,
    /// Of which jobs the change had ended runs.
    pub(super) had_ended: HadEnded,
    /// Whether that is all that it did.
    only_ended: bool,
}

/// What was found of a change that is to be taken back.
pub enum Found {
    /// It was taken back before: asked for twice, nothing is left to do but what was not submitted again.
    Already(Already),
    /// Taking it back was begun, and nobody is at it.
    Begun(Box<Begun>),
    /// It ended runs and threw nothing away: there is nothing to take back but by submitting again.
    OnlyEnded(Box<Survey>),
    /// It can be.
    Open(Box<Survey>),
}

/// The undo of the change that `word` names: the beginning of an id; the last change that a person made without one.
pub fn survey(ports: &Ports<'_>, word: Option<&str>, resubmit: Resubmit) -> Result<Found, Failure> {
    let history = History::of(ports.volume)?;
    let entry = match word {
        Some(word) => history.named(word)?,
        None => last(ports, &history)?,
    };
    if let Some(undo) = history.undo_of(entry) {
        return Ok(Found::Already(Already {
            id: entry.id,
            kind: entry.kind.clone(),
            undo,
            had_ended: HadEnded::of(entry),
        }));
    }
    let named = entry;
    let entry = history.stands_for(named).unwrap_or(named);
    if let Some(begun) = begun::find(ports.volume, entry, resubmit)? {
        return Ok(Found::Begun(Box::new(begun)));
    }
    newer::check(ports.volume, &history, entry)?;
    let mut survey = of(ports, entry, resubmit)?;
    survey.plan.had_again = (named.id != entry.id).then(|| (named.kind.clone(), named.id));
    let found = if resubmit == Resubmit::No && survey.only_ended { Found::OnlyEnded } else { Found::Open };
    Ok(found(Box::new(survey)))
}

impl Survey {
    /// The same where what was ended is submitted again after all.
    #[must_use]
    pub fn resubmitting(mut self: Box<Self>) -> Box<Survey> {
        self.plan.resubmits = true;
        self
    }
}

fn last<'h>(ports: &Ports<'_>, history: &'h History) -> Result<&'h Entry, Failure> {
    let last = history.last();
    begun::tell_others(ports, last.map(|entry| history.stands_for(entry).unwrap_or(entry)))?;
    last.ok_or_else(|| {
        Failure::new(Class::NoMatch, "there is no change that could be taken back")
            .with_hint("`farm undo --list` shows what there was; trash is held for seven days.")
    })
}

/// Why it is not taken back by itself: there is nothing to bring back.
pub fn only_ended(plan: &UndoPlan) -> Failure {
    let words = format!("the {} {} ended runs and threw nothing away", plan.kind, plan.id);
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
    let files = Files::of(ports, entry, file.as_ref(), &jobs)?;
    let intent = intent(ports, entry, file.as_ref(), &jobs, &withdrawn, files);
    let mut plan = UndoPlan::of(entry, &intent, resubmit);
    for (told, made) in plan.jobs.iter_mut().zip(&jobs) {
        told.frames.clone_from(&made.frames);
        told.ended = ended(made, &ends);
    }
    let had_ended = HadEnded::of(entry);
    let only_ended = had_ended.is_any() && withdrawn.is_empty() && plan.touches_nothing();
    Ok(Survey { plan, intent, ends, had_ended, only_ended })
}

/// The Manager's jobs of these runs that go on.
fn ended(job: &MadeJob, ends: &[ManagerJob]) -> Vec<JobId> {
    let is_of_job = |found: &&ManagerJob| job.runs.iter().any(|run| found.run_id() == Some(run.id));
    let goes_on = |found: &&ManagerJob| ending::can_be_cancelled(&found.status);
    ends.iter().filter(is_of_job).filter(goes_on).map(|found| found.id.clone()).collect()
}

/// Which files go and come.
struct Files {
    /// What goes to the trash.
    discards: BTreeSet<RelPath>,
    /// What comes back.
    restores: Vec<RelPath>,
    harvest: Option<TakenBack>,
}

impl Files {
    fn of(ports: &Ports<'_>, entry: &Entry, file: Option<&ReleaseFile>, jobs: &[MadeJob]) -> Result<Files, Failure> {
        let parts = trash::parts_of(ports.volume, entry.id)?;
        let mut discards = made::files(ports.volume, entry, file, jobs, &parts)?;
        let harvest = match &entry.deed {
            Deed::Harvest(transaction) => Some(harvest::undo::survey(ports.volume, transaction)?),
            _ => None,
        };
        discards.extend(harvest.iter().flat_map(|back| back.copies.iter().cloned()));
        let moving: BTreeSet<&RelPath> =
            harvest.iter().flat_map(|back| back.moves.iter().map(|file| &file.from)).collect();
        let leaves = |path: &RelPath| discards.contains(path) || moving.contains(path);
        let items = trash::restorable(ports.volume, entry.id, &leaves).map_err(|error| in_the_way(entry, error))?;
        Ok(Files { restores: items.into_iter().map(|item| item.path).collect(), discards, harvest })
    }
}

fn intent(
    ports: &Ports<'_>,
    entry: &Entry,
    file: Option<&ReleaseFile>,
    jobs: &[MadeJob],
    withdrawn: &[RunId],
    files: Files,
) -> UndoIntent {
    let after = |job: &MadeJob| {
        let mut after = job.after.clone();
        after.iter_mut().for_each(|record| record.withdraw(withdrawn));
        (job.name.clone(), after)
    };
    UndoIntent {
        change: Change {
            release: entry.home.clone().unwrap_or(Home::Quick),
            by: Some(Author::of(ports.actor)),
            store: Vec::new(),
            copies: Vec::new(),
            jobs: jobs.iter().map(|job| changed(job, file)).collect(),
        },
        undone: entry.id,
        discards: files.discards.into_iter().collect(),
        harvest: files.harvest,
        restores: files.restores,
        after: jobs.iter().map(after).collect(),
    }
}

impl UndoPlan {
    /// What an undo of the change sets out to do.
    pub(super) fn of(entry: &Entry, intent: &UndoIntent, resubmit: Resubmit) -> UndoPlan {
        let home = &intent.change.release;
        let told = |job: &ChangedJob| UndoneJob {
            reference: JobRef::within(home, &job.name),
            verdict: fate(job, intent),
            ended: Vec::new(),
            frames: FrameSet::default(),
        };
        UndoPlan {
            id: entry.id,
            kind: entry.kind.clone(),
            at: entry.at,
            command: entry.by.as_ref().map(|by| by.command.clone()).unwrap_or_default(),
            had_again: None,
            release: home.clone(),
            jobs: intent.change.jobs.iter().map(told).collect(),
            restored: intent.restores.clone(),
            discarded: intent.discards.clone(),
            moved_back: intent.harvest.as_ref().map_or(0, |back| back.moves.len()),
            resubmits: resubmit == Resubmit::Yes,
        }
    }
}

/// What becomes of the record, by what it is and what it shall be.
fn fate(job: &ChangedJob, intent: &UndoIntent) -> JobFate {
    let after = intent.after.iter().find(|(name, _)| *name == job.name).and_then(|(_, after)| after.as_ref());
    match (&job.before, after) {
        (_, None) => JobFate::Removed,
        (Before::Was(now), Some(after)) if now.revisions == after.revisions => JobFate::Kept,
        _ => JobFate::Reverted,
    }
}

fn changed(job: &MadeJob, file: Option<&ReleaseFile>) -> ChangedJob {
    let record = file.and_then(|file| file.job(&job.name));
    let frames = job.after.as_ref().map_or_else(FrameSet::default, |after| after.current().frames.clone());
    let ends = job.runs.iter().map(|run| run.id).collect();
    ChangedJob { name: job.name.clone(), frames, before: Before::of(record), run: None, ends }
}

/// Something newer stands where something would come back.
fn in_the_way(entry: &Entry, error: TrashError) -> Failure {
    let failure = Failure::from(error);
    failure.context(format!("the {} {} cannot be taken back", entry.kind, entry.id))
}
