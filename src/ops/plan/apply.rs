//! Carrying a plan out, under the release's lock, so that a death at any point costs nothing but a second run.
//!
//! Order: journal; files the scenes need; scenes; `release.yaml` with the runs that are about to be submitted;
//! submission; ids into `release.yaml`; journal done. Until `release.yaml` is there nothing counts, afterwards the
//! runs in it are the truth and whoever comes next submits what the Manager does not have.

use super::survey::{self, Known, Survey};
use super::write::Writer;
use super::{JobVerdict, PlannedJob, ReleasePlan, Repair, begun, unfinished};
use crate::base::consent::Consent;
use crate::base::counted::counted;
use crate::base::error::{Class, Failure};
use crate::base::ids::JobId;
use crate::base::name::{Home, JobRef};
use crate::base::size::{Bytes, told_apart};
use crate::ops::change::{self, Author, Before, Change, ChangedJob};
use crate::ops::locking;
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::ops::renderer::Renderer;
use crate::ops::space::free_space;
use crate::ops::storage;
use crate::ops::submit;
use crate::sys::clock;
use crate::volume::Volume;
use crate::volume::journal::Journal;
use crate::volume::lock::Lock;
use crate::volume::release_file::{JobRecord, ReleaseFile, Revision, StoredFile};
use serde::Serialize;
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
    let mut now = survey::survey(ports, &shown.request, renderer, known).map_err(nothing_done)?;
    renderer.remember(ports.volume);
    check_current(ports.volume, shown, &now.plan)?;
    for (job, shown) in now.plan.jobs.iter_mut().zip(&shown.jobs) {
        job.settle(shown);
    }
    check_space(ports.volume, &now.plan)?;
    let submitted = carry_out(ports, &now, &lock, renderer)?;
    Ok(PlanReport { release: now.plan.release, consent, submitted })
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
    ChangedJob { name, frames: job.frames.clone(), before, run, ends: Vec::new() }
}

fn carry_out(
    ports: &Ports<'_>,
    survey: &Survey,
    lock: &Lock,
    renderer: &Renderer,
) -> Result<Vec<(JobRef, JobId)>, Failure> {
    let plan = &survey.plan;
    let mut file = release::load(ports.volume, &plan.release)?
        .unwrap_or_else(|| ReleaseFile::new(plan.release.clone(), clock::now()));
    submit::refuse_pending_elsewhere(&file, &plan.manager)?;
    storage::require(ports.volume, ports.manager)?;
    // A copy that is made anew is named by the release already, and not for `farm recover` to take back.
    let is_new = |job: &&PlannedJob| job.verdict == JobVerdict::New;
    let intent = Change {
        release: plan.release.clone(),
        by: Some(Author::of(ports.actor)),
        store: plan.jobs.iter().filter(is_new).map(|job| job.store.clone()).collect(),
        copies: plan.copies.iter().map(|copy| copy.to.clone()).collect(),
        jobs: plan.jobs.iter().map(|job| changed(job, &file)).collect(),
    };
    let journal = Journal::begin(ports.volume, lock, change::PLAN, &intent)?;
    let began = clock::now();
    let writer =
        Writer { ports, lock, transaction: journal.id(), release: &file, survey, renderer, packing: Mutex::new(()) };
    let stored = writer.write_all().map_err(while_copying)?;
    record(ports, &mut file, plan, stored);
    lock.check()?;
    release::save(ports.volume, &file)?;
    let submitted = submit::submit_pending(ports, lock, &mut file, began)?;
    journal.done(&submitted.len())?;
    unfinished::close_done(ports, lock, &file);
    Ok(submitted)
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

/// Writes the plan's jobs and runs into the release's record.
fn record(ports: &Ports<'_>, file: &mut ReleaseFile, plan: &ReleasePlan, stored: Vec<(JobRef, StoredFile)>) {
    for job in &plan.jobs {
        let copy = stored.iter().find(|(reference, _)| reference == &job.reference);
        if let (Some((_, store)), JobVerdict::New) = (copy, &job.verdict) {
            let revision = revision(ports, job, store.clone());
            file.jobs.push(JobRecord {
                name: job.reference.job.clone(),
                revisions: vec![revision],
                runs: Vec::new(),
                seconds_per_frame: None,
            });
        }
        let Some(record) = file.job_mut(&job.reference.job) else { continue };
        // A copy that is made anew need not have the bytes that it had: Blender packs, farm compresses as it can by now.
        if let (Some((_, store)), Some(revision)) = (copy, record.revisions.last_mut()) {
            revision.store = store.clone();
        }
        if let JobVerdict::MoreFrames(more) = &job.verdict
            && let Some(revision) = record.revisions.last_mut()
        {
            revision.frames = revision.frames.union(more);
        }
        let frames = job.to_submit();
        if !frames.is_empty() {
            submit::add_run(record, job.run, frames, &job.queueing(), &plan.manager);
        }
    }
}

fn revision(ports: &Ports<'_>, job: &PlannedJob, store: StoredFile) -> Revision {
    Revision {
        number: 1,
        planned: clock::now(),
        user: ports.actor.user.clone(),
        host: ports.actor.host.clone(),
        source: job.source.clone(),
        store,
        blender: job.blender.clone(),
        scene: job.scene.clone(),
        frames: job.frames.clone(),
        output: job.output.clone(),
        options: job.options.clone(),
        dependencies: job.dependencies.clone(),
    }
}
