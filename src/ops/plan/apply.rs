//! Carrying a plan out, under the release's lock, so that a death at any point costs nothing but a second run.
//!
//! Order: journal; files the scenes need; scenes; `release.yaml` with the runs that are about to be submitted;
//! submission; ids into `release.yaml`; journal done. Until `release.yaml` is there nothing counts, afterwards the
//! runs in it are the truth and whoever comes next submits what the Manager does not have.

use super::digests::Digests;
use super::gather::Copy;
use super::pack;
use super::survey::{self, SceneWork, Survey};
use super::{JobVerdict, PlannedJob, ReleasePlan};
use crate::base::consent::Consent;
use crate::base::error::{Class, Failure};
use crate::base::ids::{JobId, TransactionId};
use crate::base::name::{JobRef, ReleaseName};
use crate::base::rel_path::RelPath;
use crate::blend::{self, Edit};
use crate::ops::check::in_parallel::try_in_parallel;
use crate::ops::locking;
use crate::ops::ports::{Ports, Stage};
use crate::ops::release;
use crate::ops::renderer::Renderer;
use crate::ops::space::free_space;
use crate::ops::submit;
use crate::sys::disk::{Dir, DiskError, OpenFile, Target};
use crate::sys::{clock, outside};
use crate::volume::journal::Journal;
use crate::volume::lock::Lock;
use crate::volume::release_file::{JobRecord, ReleaseFile, Revision, StoredFile};
use crate::volume::trash::{Discard, HOLD_DAYS, Trash};
use crate::volume::{Volume, layout};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The journal's word for planning.
pub const JOURNAL_KIND: &str = "plan";

/// What planning sets out to do, for whoever finds its journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanIntent {
    /// The release.
    pub release: ReleaseName,
    /// The scenes that will be written.
    pub store: Vec<RelPath>,
    /// The files that will be copied with them.
    pub copies: Vec<RelPath>,
}

/// What applying a plan did.
#[derive(Debug, Clone, Serialize)]
pub struct PlanReport {
    /// The release.
    pub release: ReleaseName,
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
    known: &Digests,
    consent: Consent,
    renderer: &Renderer,
) -> Result<PlanReport, Failure> {
    let lock = locking::lock_release(ports, &shown.release)?;
    let mut now = survey::survey(ports, &shown.request, renderer, known)?;
    renderer.remember(ports.volume);
    check_current(ports.volume, shown, &now.plan)?;
    for (job, shown) in now.plan.jobs.iter_mut().zip(&shown.jobs) {
        job.run = shown.run;
    }
    check_space(ports.volume, &now.plan)?;
    let submitted = carry_out(ports, &now, &lock, renderer)?;
    Ok(PlanReport { release: now.plan.release, consent, submitted })
}

/// Refuses a plan that is for another volume or Manager, or that is not what would be done `now`.
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
    if plan.essence() != now.essence() {
        return Err(world_moved(plan, now));
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
        names.push(format!("{} jobs instead of {}", now.jobs.len(), shown.jobs.len()));
    }
    if shown.copies != now.copies {
        names.push("files that scenes need".to_owned());
    }
    Failure::new(
        Class::Refused,
        format!("the plan is out of date: since it was made there were changes to {}", names.join(", ")),
    )
    .with_hint("Plan again and look at the new plan.")
}

/// Copies must fit; frames are only estimated and only warned about.
pub fn check_space(volume: &Volume, plan: &ReleasePlan) -> Result<(), Failure> {
    let (need, free) = (plan.copied_bytes(), free_space(volume)?);
    if need <= free.0 {
        return Ok(());
    }
    let need = crate::base::size::Bytes(need);
    Err(Failure::new(Class::Refused, format!("the scenes and their files need {need}, the volume has {free} free"))
        .with_hint("Free some space on the volume, or plan fewer scenes."))
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
    let is_new = |job: &&PlannedJob| job.verdict == JobVerdict::New;
    let intent = PlanIntent {
        release: plan.release.clone(),
        store: plan.jobs.iter().filter(is_new).map(|job| job.store.clone()).collect(),
        copies: plan.copies.iter().map(|copy| copy.to.clone()).collect(),
    };
    let journal = Journal::begin(ports.volume, lock, JOURNAL_KIND, &intent)?;
    let writer =
        Writer { ports, lock, transaction: journal.id(), release: &file, survey, renderer, packing: Mutex::new(()) };
    let stored = writer.write_all().map_err(while_copying)?;
    record(ports, &mut file, plan, stored);
    lock.check()?;
    release::save(ports.volume, &file)?;
    let submitted = submit::submit_pending(ports, lock, &mut file)?;
    journal.done(&submitted.len())?;
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
        if let Some((_, store)) = stored.iter().find(|(reference, _)| reference == &job.reference) {
            let revision = revision(ports, job, store.clone());
            file.jobs.push(JobRecord {
                name: job.reference.job.clone(),
                revisions: vec![revision],
                runs: Vec::new(),
                seconds_per_frame: None,
            });
        }
        let Some(record) = file.job_mut(&job.reference.job) else { continue };
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
        dependencies: job.dependencies.clone(),
    }
}

/// Puts files onto the volume.
struct Writer<'a> {
    ports: &'a Ports<'a>,
    lock: &'a Lock,
    transaction: TransactionId,
    release: &'a ReleaseFile,
    survey: &'a Survey,
    renderer: &'a Renderer,
    /// Held while Blender packs: one at a time, for each takes the memory of a whole scene.
    packing: Mutex<()>,
}

/// A file that is put onto the volume.
struct Put<'a> {
    from: &'a Path,
    to: &'a RelPath,
    edits: &'a [Edit],
    /// Bytes.
    size: u64,
    /// The job whose scene Blender packs files into first.
    packed: Option<(&'a PlannedJob, &'a SceneWork)>,
}

impl<'a> Put<'a> {
    fn needed(copy: &'a Copy) -> Self {
        Put { from: &copy.from, to: &copy.planned.to, edits: &copy.edits, size: copy.planned.size, packed: None }
    }

    fn scene(job: &'a PlannedJob, work: &'a SceneWork) -> Self {
        let packed = (!work.pack.is_empty()).then_some((job, work));
        Put { from: Path::new(&job.source.path), to: &job.store, edits: &work.edits, size: job.source.size, packed }
    }
}

impl Writer<'_> {
    /// Files that scenes need, and the scenes; what stands in the way goes to the trash first.
    fn write_all(&self) -> Result<Vec<(JobRef, StoredFile)>, Failure> {
        let plan = &self.survey.plan;
        self.ports.progress.begin(Stage::Copies, plan.copied_bytes());
        self.clear_the_way()?;
        let new: Vec<&PlannedJob> = plan.jobs.iter().filter(|job| job.verdict == JobVerdict::New).collect();
        for job in &new {
            self.ports.volume.make_dir(&layout::out_dir(&job.reference))?;
        }
        let needed = self.survey.copies.iter().map(Put::needed);
        let scenes = new.iter().map(|job| Put::scene(job, &self.survey.scenes[&job.store]));
        let puts: Vec<Put<'_>> = needed.chain(scenes).collect();
        let mut stored = try_in_parallel(self.ports, &puts, |put| {
            let stored = self.put(put)?;
            self.ports.progress.advance(put.size);
            Ok::<_, Failure>(stored)
        })?;
        let scenes = stored.split_off(self.survey.copies.len());
        Ok(new.iter().map(|job| job.reference.clone()).zip(scenes).collect())
    }

    /// A run that died before it wrote `release.yaml` may have left scenes and even frames of jobs that the release
    /// does not know: they go to the trash, for a frame of another scene must never be taken for one of this.
    fn clear_the_way(&self) -> Result<(), Failure> {
        let mut discards = Vec::new();
        for job in self.survey.plan.jobs.iter().filter(|job| job.verdict == JobVerdict::New) {
            debug_assert!(self.release.job(&job.reference.job).is_none());
            for path in [job.store.clone(), layout::out_dir(&job.reference)] {
                if self.is_in_the_way(&path)? {
                    discards.push(Discard { path, reason: format!("in the way of the new job {}", job.reference) });
                }
            }
        }
        if discards.is_empty() {
            return Ok(());
        }
        let mut trash = Trash::begin(self.ports.volume, self.lock, self.transaction, clock::now(), HOLD_DAYS);
        trash.put(&discards)?;
        trash.finish()?;
        Ok(())
    }

    fn is_in_the_way(&self, path: &RelPath) -> Result<bool, Failure> {
        match self.ports.volume.dir(path) {
            Ok(None) => Ok(false),
            Ok(Some(dir)) => Ok(!dir.is_empty()?),
            Err(DiskError::NotAFolder { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Copies a file to its place, rewritten where there are edits. A file of the right bytes that is there is kept.
    fn put(&self, put: &Put<'_>) -> Result<StoredFile, Failure> {
        if let Some((job, work)) = put.packed {
            return self.put_packed(job, work);
        }
        let source = self.open_unchanged(put.from)?;
        match put.edits {
            [] => self.copy(&source, put),
            edits => self.write(put.to, put.from, edits),
        }
    }

    /// The same for a scene that Blender packs files into first.
    fn put_packed(&self, job: &PlannedJob, work: &SceneWork) -> Result<StoredFile, Failure> {
        let Ports { volume, progress, .. } = self.ports;
        progress.note(&format!("{}: Blender packs {} file(s) into the copy", job.reference, work.pack.len()));
        let _alone = self.packing.lock().unwrap_or_else(PoisonError::into_inner);
        let original = self.open_unchanged(Path::new(&job.source.path))?;
        let packed = pack::pack(volume, self.survey, job, work, self.renderer);
        // Blender is ended with whoever was asked to end: that is no fault of the scene.
        self.ports.go_on()?;
        let packed = packed?;
        original.check_unchanged()?;
        self.write(&job.store, &packed.path, &packed.edits)
    }

    /// The file at `path`, if it is what the plan was made of.
    fn open_unchanged(&self, path: &Path) -> Result<OpenFile, Failure> {
        let gone = || Failure::new(Class::Failed, format!("{}: it is gone since the plan was made", path.display()));
        let hashed = self.survey.digests.get(path).ok_or_else(gone)?;
        let file = outside::open(path)?.ok_or_else(gone)?;
        match file.attributes().is_unchanged_since(&hashed.attributes) {
            true => Ok(file),
            false => Err(DiskError::Changed { path: path.to_owned() }.into()),
        }
    }

    /// Copies a file, whose digest is known, byte for byte.
    fn copy(&self, source: &OpenFile, put: &Put<'_>) -> Result<StoredFile, Failure> {
        let (dir, name) = self.place(put.to)?;
        let digest = self.survey.digests[put.from].digest;
        if let Some(there) = dir.open_read(name)? {
            return match there.digest()? {
                (found, size) if found == digest => Ok(StoredFile { path: put.to.clone(), size, digest }),
                _ => Err(Failure::new(
                    Class::Failed,
                    format!("{}: other bytes are there than the plan puts there", put.to),
                )
                .with_hint("Somebody changed the release's store; move the file away and plan again.")),
            };
        }
        let written = dir.copy_known(source, digest, name, Target::New)?;
        Ok(StoredFile { path: put.to.clone(), size: written.bytes, digest: written.digest })
    }

    /// Writes the scene at `from` with its edits as `to`.
    fn write(&self, to: &RelPath, from: &Path, edits: &[Edit]) -> Result<StoredFile, Failure> {
        let (dir, name) = self.place(to)?;
        let written = dir.write_with(name, Target::Replace, |part| {
            blend::rewrite(from, part, edits).map(drop).map_err(Failure::from)
        })?;
        Ok(StoredFile { path: to.clone(), size: written.bytes, digest: written.digest })
    }

    /// The folder in which `to` lies, made where it is not there, and its name.
    fn place<'p>(&self, to: &'p RelPath) -> Result<(Dir, &'p str), Failure> {
        let name = to.name().ok_or_else(|| Failure::new(Class::Failed, "a copy without a name"))?;
        let folder = to.split().map(|(folder, _)| folder).unwrap_or_default();
        Ok((self.ports.volume.make_dir(&folder)?, name))
    }
}
