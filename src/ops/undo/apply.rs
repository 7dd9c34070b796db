//! Carrying an undo out, under the lock of its release. Killed at any point, it is finished by [`finish`](super::recover::finish).

use super::resubmit::after_undo;
use super::survey::{Found, Survey, survey};
use super::{Resubmit, UndoIntent, UndoPlan};
use crate::base::consent::Consent;
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::TransactionId;
use crate::base::name::{Home, JobName, JobRef};
use crate::base::rel_path::RelPath;
use crate::manager::ManagerJob;
use crate::ops::change;
use crate::ops::discard;
use crate::ops::ending;
use crate::ops::harvest;
use crate::ops::locking;
use crate::ops::ports::Ports;
use crate::ops::{release, storage};
use crate::sys::clock;
use crate::volume::journal::Journal;
use crate::volume::lock::Lock;
use crate::volume::release_file::{JobRecord, ReleaseFile};
use crate::volume::trash::{self, Discard, TrashError};
use crate::volume::{Volume, layout};
use serde::Serialize;
use std::collections::HashSet;

/// What an undo did.
#[derive(Debug, Clone, Serialize)]
pub struct UndoReport {
    /// Its own id: by it, it can be taken back.
    pub undo: TransactionId,
    /// Who agreed to it, and how.
    pub consent: Consent,
    /// How many things came back.
    #[serde(skip)]
    pub restored: usize,
    /// Harvested files that are where they came from.
    #[serde(skip)]
    pub moved_back: usize,
    /// How many things went to the trash.
    #[serde(skip)]
    pub discarded: usize,
    /// What was submitted again.
    pub submitted: Vec<(JobRef, FrameSet)>,
}

/// Takes back what was shown, or refuses because the world moved since.
pub fn apply(ports: &Ports<'_>, shown: &UndoPlan, consent: Consent) -> Result<UndoReport, Failure> {
    let nothing_done = |failure: Failure| failure.but("nothing was taken back");
    let resubmit = if shown.resubmits { Resubmit::Yes } else { Resubmit::No };
    if resubmit == Resubmit::Yes {
        storage::require(ports.volume, ports.manager).map_err(nothing_done)?;
    }
    let lock = locking::lock_home(ports, &shown.release).map_err(nothing_done)?;
    let found = survey(ports, Some(&shown.id.to_string()), resubmit).map_err(nothing_done)?;
    let Found::Open(now) = found else { return Err(nothing_done(taken_back_meanwhile(shown))) };
    if now.plan.essence() != shown.essence() {
        let words = format!("what would be taken back of the {} {} changed since it was shown", shown.kind, shown.id);
        return Err(nothing_done(
            Failure::new(Class::Refused, words).with_hint("Look again, then give the command again."),
        ));
    }
    let Survey { intent, ends, had_ended, .. } = *now;
    let mut report = carry_out(ports, &lock, intent, &ends, consent)?;
    drop(lock);
    if resubmit == Resubmit::Yes {
        report.submitted = after_undo(ports, shown, &had_ended, report.undo)?;
    }
    Ok(report)
}

fn taken_back_meanwhile(shown: &UndoPlan) -> Failure {
    Failure::new(Class::Refused, format!("the {} {} was taken back by somebody else meanwhile", shown.kind, shown.id))
        .with_hint("`farm undo --list` shows what there is.")
}

fn carry_out(
    ports: &Ports<'_>,
    lock: &Lock,
    intent: UndoIntent,
    ends: &[ManagerJob],
    consent: Consent,
) -> Result<UndoReport, Failure> {
    let nothing_done = |failure: Failure| failure.but("nothing was taken back");
    // The Manager first: until its workers are quiet no file is touched, and nothing was begun.
    ending::end_and_wait(ports, ends, &format!("farm undo of {}", intent.undone)).map_err(nothing_done)?;
    require_quiet(ports, &intent).map_err(nothing_done)?;
    // Until then frames were still written: what there is of them now is what goes.
    let intent = match survey_again(ports, &intent).map_err(nothing_done)? {
        Found::Open(now) => now.intent,
        _ => intent,
    };
    let journal = Journal::begin(ports.volume, lock, change::UNDO, &intent)?;
    let undo = journal.id();
    let restored = put_back(ports.volume, lock, undo, &intent)?;
    journal.done(&restored)?;
    Ok(UndoReport::of(undo, consent, restored, &intent))
}

impl UndoReport {
    /// Of an undo that brought so many things back and submitted nothing.
    pub(super) fn of(undo: TransactionId, consent: Consent, restored: usize, intent: &UndoIntent) -> UndoReport {
        let moved_back = intent.harvest.as_ref().map_or(0, |back| back.moves.len());
        UndoReport { undo, consent, restored, moved_back, discarded: intent.discards.len(), submitted: Vec::new() }
    }
}

/// The same change once more, when nobody writes any more.
fn survey_again(ports: &Ports<'_>, intent: &UndoIntent) -> Result<Found, Failure> {
    survey(ports, Some(&intent.undone.to_string()), Resubmit::Yes)
}

/// Fails where a frame of the change's jobs may still be written, by whomever. Where no file is touched they may be.
fn require_quiet(ports: &Ports<'_>, intent: &UndoIntent) -> Result<(), Failure> {
    if intent.discards.is_empty() && intent.restores.is_empty() && intent.harvest.is_none() {
        return Ok(());
    }
    let Some(mut file) = release::load(ports.volume, &intent.change.release)? else { return Ok(()) };
    let is_changed = |name: &JobName| intent.after.iter().any(|(changed, _)| changed == name);
    file.jobs.retain(|job| is_changed(&job.name));
    ending::require_quiet(ports, &file)
}

/// Moves the files and writes the records of the undo `id`. What is done already is left. The value: how many things came
/// back.
pub(super) fn put_back(volume: &Volume, lock: &Lock, id: TransactionId, intent: &UndoIntent) -> Result<usize, Failure> {
    throw_away(volume, lock, id, intent)?;
    if let Some(back) = &intent.harvest {
        let twice = harvest::undo::move_back(volume, lock, back)?;
        let again = |path| Discard { path, reason: "it is where it was rendered again".to_owned() };
        discard::within(volume, lock, id, &twice.into_iter().map(again).collect::<Vec<_>>())?;
    }
    let restored = match trash::restore(volume, lock, intent.undone) {
        Ok(restored) => restored.items.len() + restored.already.len(),
        // There was nothing of it, or an earlier try brought it back.
        Err(TrashError::Nothing { .. }) => intent.restores.len(),
        Err(error) => return Err(error.into()),
    };
    match &intent.harvest {
        Some(back) => harvest::undo::unlist(volume, lock, &intent.change.release, back)?,
        None => record(volume, lock, id, intent)?,
    }
    Ok(restored)
}

/// What the change made goes to the trash. Of a second try only what came back is at its place then: that stays.
fn throw_away(volume: &Volume, lock: &Lock, id: TransactionId, intent: &UndoIntent) -> Result<(), Failure> {
    let back = come_back(volume, intent)?;
    let reason = format!("made by {}, which was undone", intent.undone);
    let made = intent.discards.iter().filter(|path| !back.contains(*path));
    let discards: Vec<Discard> = made.map(|path| Discard { path: path.clone(), reason: reason.clone() }).collect();
    discard::within(volume, lock, id, &discards).map(drop)
}

/// What has come back to its place already.
fn come_back<'i>(volume: &Volume, intent: &'i UndoIntent) -> Result<HashSet<&'i RelPath>, Failure> {
    // Where all of it is back the trash of the change is gone.
    let mut back: HashSet<&RelPath> = intent.restores.iter().collect();
    for part in trash::parts_of(volume, intent.undone)? {
        for item in &part.items {
            if part.holds(item)? {
                back.remove(&item.path);
            }
        }
    }
    Ok(back)
}

/// The records as they shall be. A release without a job is none any more.
fn record(volume: &Volume, lock: &Lock, id: TransactionId, intent: &UndoIntent) -> Result<(), Failure> {
    let home = &intent.change.release;
    let file = release::load(volume, home)?;
    if file.is_none() && intent.after.iter().all(|(_, after)| after.is_none()) {
        return Ok(());
    }
    let mut file = file.unwrap_or_else(|| ReleaseFile::new(home.clone(), clock::now()));
    let before = file.clone();
    for (name, after) in &intent.after {
        let at = file.jobs.iter().position(|job| job.name == *name);
        match (at, after) {
            (Some(at), Some(after)) => file.jobs[at] = merged(after, &file.jobs[at]),
            (Some(at), None) => drop(file.jobs.remove(at)),
            (None, Some(after)) => file.jobs.push(after.clone()),
            (None, None) => {}
        }
    }
    lock.check()?;
    match file.jobs.is_empty() && !before.jobs.is_empty() {
        true => forget(volume, lock, id, home),
        false if file == before => Ok(()),
        false => release::save(volume, &file),
    }
}

/// What was found out about runs since the undo was planned is kept.
fn merged(after: &JobRecord, now: &JobRecord) -> JobRecord {
    let mut record = after.clone();
    let known: Vec<_> = record.runs.iter().map(|run| run.id).collect();
    record.runs.extend(now.runs.iter().filter(|run| !known.contains(&run.id)).cloned());
    record
}

fn forget(volume: &Volume, lock: &Lock, id: TransactionId, home: &Home) -> Result<(), Failure> {
    let path = layout::home_file(home);
    let reason = "no job is in it any more".to_owned();
    discard::within(volume, lock, id, &[Discard { path, reason }]).map(drop)
}
