//! Carrying a plan out, under the release's lock, so that a death at any point costs nothing but a second run.
//!
//! Order: journal; where jobs get a new revision, the end of their runs and what they had to the trash; files the scenes
//! need; scenes; `release.yaml` with the runs that are about to be submitted; submission; ids into `release.yaml`; journal
//! done. Until `release.yaml` is there nothing counts, afterwards the
//! runs in it are the truth and whoever comes next submits what the Manager does not have.

use super::record::record;
use super::request::Update;
use super::revision;
use super::survey::{self, Known, Survey};
use super::write::Writer;
use super::{PlannedJob, ReleasePlan, Repair, begun, unfinished};
use crate::base::consent::Consent;
use crate::base::counted::counted;
use crate::base::error::{Class, Failure, again_or_recover};
use crate::base::ids::{JobId, TransactionId};
use crate::base::name::{Home, JobName, JobRef};
use crate::base::size::{Bytes, told_apart};
use crate::base::time::Timestamp;
use crate::ops::change::{self, Author, Before, Change, ChangedJob};
use crate::ops::discard;
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::ops::renderer::Renderer;
use crate::ops::space::free_space;
use crate::ops::storage;
use crate::ops::submit;
use crate::ops::{ending, harvest, locking, undo};
use crate::sys::clock;
use crate::volume::Volume;
use crate::volume::journal::Journal;
use crate::volume::lock::Lock;
use crate::volume::release_file::ReleaseFile;
use serde::Serialize;
use std::collections::HashSet;
use std::sync::Mutex;

/// What applying a plan did.
#[derive(Debug, Clone, Serialize)]
pub struct PlanReport {
    /// The release.
    pub release: Home,
    /// Who agreed to it, and how.
    pub consent: Consent,
    /// The jobs that were submitted now, with the Manager's ids.
    pub submitted: Vec<(JobRef, JobId)>,
    /// The plan as it was carried out: frames that were there by then are told of as they were.
    pub plan: ReleasePlan,
}

/// Applies the plan that was shown, or refuses because the world moved since. What is `known` and unchanged is not
/// read again.
pub fn apply(
    ports: &Ports<'_>,
    shown: &ReleasePlan,
    known: &Known,
    consent: Consent,
    renderer: &Renderer,
) -> Result<PlanReport, Failure> {
    let nothing_done = |failure: Failure| failure.but("nothing was submitted");
    let lock = locking::lock_home(ports, &shown.release).map_err(nothing_done)?;
    undo::take_back_killed(ports, &lock)?;
    if shown.request.update.revises() {
        // Frames that a killed harvest took are not missing.
        harvest::recover::finish_killed(ports, &lock, &shown.release)?;
    }
    let mut now = survey::survey(ports, &shown.request, renderer, known).map_err(nothing_done)?;
    renderer.remember(ports.volume);
    check_current(ports.volume, shown, &now.plan)?;
    for (job, shown) in now.plan.jobs.iter_mut().zip(&shown.jobs) {
        job.settle(shown);
    }
    check_space(ports.volume, &now.plan)?;
    let (plan, submitted) = carry_out(ports, now, &lock, renderer)?;
    Ok(PlanReport { release: plan.release.clone(), consent, submitted, plan })
}

/// Refuses a plan that is for another volume or Manager, or that is not what would be done `now`. What is left to do of a
/// plan that was begun is no difference: the same command can be given again until all of it is done.
pub fn check_current(volume: &Volume, plan: &ReleasePlan, now: &ReleasePlan) -> Result<(), Failure> {
    if plan.volume != volume.id() {
        return Err(Failure::new(
            Class::Refused,
            format!("the plan is for volume {}, this is {}", plan.volume, volume.id()),
        )
        .with_hint("Name the plan's own volume with --volume."));
    }
    if plan.manager != now.manager {
        let words = format!("the plan is for the Manager {}, this is {}", plan.manager, now.manager);
        return Err(Failure::new(Class::Refused, words).with_hint("Name the plan's own Manager with --manager."));
    }
    let plan = begun::as_it_stands(volume, plan, now)?;
    if plan.essence() != now.essence() {
        return Err(world_moved(&plan, now));
    }
    Ok(())
}

/// What differs between the plan that was shown and what would be done now.
fn world_moved(shown: &ReleasePlan, now: &ReleasePlan) -> Failure {
    let pairs = || shown.jobs.iter().zip(&now.jobs);
    let changed = pairs().filter(|(a, b)| a.essence() != b.essence() && a.source == b.source);
    let mut names: Vec<String> = changed.map(|(job, _)| job.reference.to_string()).collect();
    names.extend(pairs().filter(|(a, b)| a.source != b.source).map(|(job, _)| job.source.path.clone()));
    if shown.jobs.len() != now.jobs.len() {
        names.push(format!("{} instead of {}", counted(now.jobs.len(), "job"), shown.jobs.len()));
    }
    if shown.copies != now.copies {
        names.push("files that scenes need".to_owned());
    }
    names.extend(differing(&shown.repairs, &now.repairs).map(|repair| repair.path.to_string()));
    Failure::new(
        Class::Refused,
        format!("the plan is out of date: since it was made there were changes to {}", names.join(", ")),
    )
    .with_hint("Plan again and look at the new plan.")
}

/// What only one of the two has.
fn differing<'a>(shown: &'a [Repair], now: &'a [Repair]) -> impl Iterator<Item = &'a Repair> {
    let gone = shown.iter().filter(|repair| !now.contains(repair));
    gone.chain(now.iter().filter(|repair| !shown.contains(repair)))
}

/// Copies must fit; frames are only estimated and only warned about.
pub fn check_space(volume: &Volume, plan: &ReleasePlan) -> Result<(), Failure> {
    let (need, free) = (plan.copied_bytes(), free_space(volume)?);
    if need <= free.0 {
        return Ok(());
    }
    let (need, free) = told_apart(Bytes(need), free);
    Err(Failure::new(Class::Refused, format!("the scenes and their files need {need}, the volume has {free} free"))
        .with_hint("Free some space on the volume, or plan fewer scenes."))
}

fn changed(job: &PlannedJob, file: &ReleaseFile) -> ChangedJob {
    let name = job.reference.job.clone();
    let run = (!job.to_submit().is_empty()).then_some(job.run);
    let before = Before::of(file.job(&name));
    let ends = job.revised().map_or(&[][..], |revised| &revised.ends).iter().map(|ended| ended.run).collect();
    ChangedJob { name, frames: job.frames.clone(), before, run, ends }
}

/// The journal's word for it.
fn kind(update: &Update) -> &'static str {
    match update {
        Update::Refuse | Update::Add => change::PLAN,
        Update::Replace(_) => change::REPLACE,
        Update::Seed => change::SEED,
    }
}

fn carry_out(
    ports: &Ports<'_>,
    mut survey: Survey,
    lock: &Lock,
    renderer: &Renderer,
) -> Result<(ReleasePlan, Vec<(JobRef, JobId)>), Failure> {
    let plan = &survey.plan;
    let mut file = release::load(ports.volume, &plan.release)?
        .unwrap_or_else(|| ReleaseFile::new(plan.release.clone(), clock::now()));
    submit::refuse_pending_elsewhere(&file, &plan.manager)?;
    storage::require(ports.volume, ports.manager)?;
    // A copy that is made anew is named by the release already, and not for `farm recover` to take back.
    let is_put = |job: &&PlannedJob| job.puts_its_scene();
    let intent = Change {
        release: plan.release.clone(),
        by: Some(Author::of(ports.actor)),
        store: plan.jobs.iter().filter(is_put).map(|job| job.store.clone()).collect(),
        copies: plan.copies.iter().map(|copy| copy.to.clone()).collect(),
        jobs: plan.jobs.iter().map(|job| changed(job, &file)).collect(),
    };
    let journal = Journal::begin(ports.volume, lock, kind(&plan.request.update), &intent)?;
    let began = clock::now();
    if plan.jobs.iter().any(|job| job.revised().is_some()) {
        if let Err(end) = make_quiet(ports, &mut survey, &mut file, began) {
            // Nothing is half done: runs that were ended are ended, and everything else is as it was.
            journal.done(&change::TAKEN_BACK)?;
            return Err(end.but("no file was touched and nothing was submitted"));
        }
        let cleared = clear_the_way(ports, &survey.plan, &file, lock, journal.id());
        cleared.map_err(|end| half_way(end, &survey.plan))?;
    }
    let plan = &survey.plan;
    let writer = Writer {
        ports,
        lock,
        transaction: journal.id(),
        release: &file,
        survey: &survey,
        renderer,
        packing: Mutex::new(()),
    };
    let stored = writer.write_all().map_err(|end| half_way(while_copying(end), plan))?;
    record(ports, &mut file, plan, stored);
    lock.check()?;
    release::save(ports.volume, &file).map_err(|end| half_way(end, plan))?;
    let submitted = submit::submit_pending(ports, lock, &mut file, began)?;
    journal.done(&submitted.len())?;
    unfinished::close_done(ports, lock, &file);
    Ok((survey.plan, submitted))
}

/// Ends the runs of jobs that get a new revision, and finds out what there is of their frames once nobody writes any more.
fn make_quiet(ports: &Ports<'_>, survey: &mut Survey, file: &mut ReleaseFile, began: Timestamp) -> Result<(), Failure> {
    let revised = survey.plan.jobs.iter().filter(|job| job.revised().is_some());
    let names: HashSet<JobName> = revised.map(|job| job.reference.job.clone()).collect();
    let word = kind(&survey.plan.request.update);
    ending::end_jobs(ports, file, &names, began, &format!("farm: {word} by {}", ports.actor.user))?;
    // By now another one may have ended by itself, or a frame been written to its end.
    revision::settle(ports, file, &mut survey.plan.jobs)
}

/// Old frames, the scene that they were rendered from and what lies beside it go to the trash.
fn clear_the_way(
    ports: &Ports<'_>,
    plan: &ReleasePlan,
    file: &ReleaseFile,
    lock: &Lock,
    transaction: TransactionId,
) -> Result<(), Failure> {
    let mut discards = Vec::new();
    for job in &plan.jobs {
        if let Some(record) = file.job(&job.reference.job) {
            discards.extend(revision::discards(ports.volume, record, job)?);
        }
    }
    discard::within(ports.volume, lock, transaction, &discards).map(drop)
}

/// What somebody has to know whose jobs are between two revisions.
fn half_way(end: Failure, plan: &ReleasePlan) -> Failure {
    if plan.jobs.iter().all(|job| job.revised().is_none()) {
        return end;
    }
    let words = format!("{}; what was there before is in the trash, and nothing was submitted", end.message());
    Failure::new(end.class(), words)
        .with_hint(again_or_recover(end.hint(), "to have what was there before put back first"))
}

/// What somebody who interrupted the copying has to know.
fn while_copying(end: Failure) -> Failure {
    match end.class() {
        Class::Interrupted(_) => Failure::new(
            end.class(),
            "interrupted while files were copied: those that are whole stay; nothing was submitted",
        )
        .with_hint("Give the same command again to go on, or run `farm recover` to take back what was copied."),
        _ => end,
    }
}
