//! Finding out what a harvest would do. Reads only.

use super::look::{Batch, Looked, LookedAt, Looking, listed_at_once};
use super::plan::{
    HarvestPlan, JobVerdict, KeptFrames, PlannedFile, PlannedJob, Problem, ProblemState, Replaced, SCHEMA,
};
use super::refusal::HarvestError;
use super::request::{Gaps, HarvestRequest, JobsTaken, Suspects};
use super::unfinished;
use super::{names, selection, targets};
use crate::base::counted::{counted, frames_named};
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::name::{JobName, JobRef};
use crate::ops::check::held::{self, Held, Why};
use crate::ops::check::in_parallel::try_in_parallel;
use crate::ops::check::inputs::{StaleInput, stale_inputs};
use crate::ops::check::judge::FileState;
use crate::ops::check::{Effort, JobFrames, OpenWork, Remember, check_and};
use crate::ops::harvest::manifest::Manifest;
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::volume::layout;
use crate::volume::release_file::{JobRecord, ReleaseFile, Revision};
use std::collections::HashMap;

/// Fails if there is no such release at all: asked before a lock is taken for it.
pub(super) fn require_release(ports: &Ports<'_>, request: &HarvestRequest) -> Result<(), Failure> {
    if release::exists(ports.volume, &request.release)? { Ok(()) } else { Err(no_release(request)) }
}

/// What a harvest of the release would do now. Frames that a worker may still write are not read.
///
/// Called under the release's lock where the plan is to be applied at once; without it, the plan is only a picture.
pub fn survey(ports: &Ports<'_>, request: &HarvestRequest, remember: Remember) -> Result<HarvestPlan, Failure> {
    let file = release::load(ports.volume, &request.release)?.ok_or_else(|| no_release(request))?;
    let records = selection::select(&file, &request.jobs)?;
    let mut manifest = Manifest::load(ports.volume, &request.release)?;
    manifest.replace_all(unfinished::files(ports.volume, &request.release)?);
    let work = OpenWork::of(ports, &file)?.with_harvested(manifest.files.clone());
    let surveyor = Surveyor { ports, request, remember, work, manifest: &manifest };
    surveyor.plan(&file, &records)
}

fn no_release(request: &HarvestRequest) -> Failure {
    Failure::new(Class::NoMatch, format!("there is no release {} on this volume", request.release))
        .with_hint("`farm status` shows the releases that there are.")
}

struct Surveyor<'a> {
    ports: &'a Ports<'a>,
    request: &'a HarvestRequest,
    remember: Remember,
    work: OpenWork,
    manifest: &'a Manifest,
}

/// A job with all that was found out about it.
#[derive(Debug)]
pub(super) struct SurveyedJob<'a> {
    pub(super) looked: LookedAt<'a>,
    pub(super) verdict: JobVerdict,
}

impl SurveyedJob<'_> {
    /// The frames that are taken.
    pub(super) fn fine(&self, suspects: Suspects) -> FrameSet {
        let frames = &self.looked.frames;
        match (self.verdict, suspects) {
            (JobVerdict::Incomplete | JobVerdict::Blocked, _) => FrameSet::default(),
            (JobVerdict::Taken, Suspects::Refuse) => frames.ok.clone(),
            (JobVerdict::Taken, Suspects::Allow) => frames.ok.union(&frames.suspect),
        }
    }
}

impl Surveyor<'_> {
    fn plan(&self, file: &ReleaseFile, records: &[&JobRecord]) -> Result<HarvestPlan, Failure> {
        let jobs = self.look_at_all(records)?;
        if jobs.iter().all(|job| job.verdict == JobVerdict::Incomplete) {
            return Err(HarvestError::NothingComplete {
                release: file.name.clone(),
                jobs: jobs.iter().map(|job| lacking(&job.looked)).collect(),
            }
            .into());
        }
        let taken = || jobs.iter().filter(|job| job.verdict == JobVerdict::Taken).map(|job| &job.looked);
        let is_held = taken().any(|looked| !looked.frames.rendering.is_empty());
        let held = if is_held { held::of(self.ports, file, &self.work) } else { Vec::new() };
        let held: HashMap<&JobName, Vec<&Held>> = held.iter().fold(HashMap::new(), |mut by_job, one| {
            by_job.entry(&one.job).or_default().push(one);
            by_job
        });
        let of_job = |looked: &LookedAt<'_>| held.get(&looked.record.name).map_or(&[][..], Vec::as_slice);
        let problems: Vec<Problem> = taken().flat_map(|looked| self.problems(looked, of_job(looked))).collect();
        let refused = !problems.is_empty() && self.request.gaps == Gaps::Refuse;
        let (files, replaced) = if refused { (self.in_place(&jobs), Vec::new()) } else { self.assign(file, &jobs)? };
        let blocked = refused || !problems.is_empty() && files.iter().all(Vec::is_empty);
        let fate = |verdict| if blocked && verdict == JobVerdict::Taken { JobVerdict::Blocked } else { verdict };
        let jobs = jobs.into_iter().map(|job| SurveyedJob { verdict: fate(job.verdict), ..job });
        let stale = try_in_parallel(self.ports, records, |record| stale_inputs(self.ports.volume, record))?;
        let planned = jobs.zip(files).zip(stale).map(|((job, files), stale)| self.planned(job, files, stale));
        Ok(HarvestPlan {
            schema: SCHEMA.to_owned(),
            volume: self.ports.volume.id(),
            request: self.request.clone(),
            jobs: planned.collect(),
            problems,
            replaced,
        })
    }

    /// What lies in `dist/` already: all that there is to say where nothing may move.
    fn in_place(&self, jobs: &[SurveyedJob<'_>]) -> Vec<Vec<PlannedFile>> {
        let of_job =
            |job| names::in_place(job, self.request.depth).into_iter().map(|candidate| candidate.planned).collect();
        jobs.iter().map(of_job).collect()
    }

    /// Gives each fine file its name in `dist/`, or refuses.
    fn assign(
        &self,
        file: &ReleaseFile,
        jobs: &[SurveyedJob<'_>],
    ) -> Result<(Vec<Vec<PlannedFile>>, Vec<Replaced>), Failure> {
        let release = &self.request.release;
        let refuse = |conflicts| Failure::from(HarvestError::Conflicts { release: release.clone(), conflicts });
        let candidates = try_in_parallel(self.ports, jobs, |job| names::candidates(self.request, job))?;
        let clashes = names::clashes(&candidates);
        if !clashes.is_empty() {
            return Err(refuse(clashes));
        }
        let share = |(job, candidates): (&'_ SurveyedJob<'_>, _)| {
            let name = &job.looked.record.name;
            (name.to_string(), layout::out_dir(&JobRef::within(release, name)), candidates)
        };
        let shares = jobs.iter().zip(candidates).map(share).collect();
        let settled = targets::settle(self.ports, self.request, file, self.manifest, shares)?;
        if settled.conflicts.is_empty() {
            Ok((settled.files, settled.replaced))
        } else {
            Err(refuse(settled.conflicts))
        }
    }

    /// Jobs are looked at many at once, so that reading is spread over their folders, but not so many that more folders
    /// are open than a process may have.
    fn look_at_all<'j>(&self, records: &[&'j JobRecord]) -> Result<Vec<SurveyedJob<'j>>, Failure> {
        let mut jobs = Vec::new();
        let mut batch = Batch::default();
        let looking = self.looking();
        let list = |record: &&'j JobRecord| Batch::of(&looking, record);
        let mut rest = records;
        while !rest.is_empty() {
            let (records, later) = listed_at_once(rest);
            rest = later;
            for (record, one) in records.iter().zip(try_in_parallel(self.ports, records, list)?) {
                let incomplete = one.has_gaps() || !self.work.frames(&record.name).is_empty();
                if incomplete && self.request.taken == JobsTaken::Completed {
                    self.look_at(std::mem::take(&mut batch), &mut jobs)?;
                    jobs.push(self.incomplete(record)?);
                    continue;
                }
                batch.append(one);
                if batch.is_full() {
                    self.look_at(std::mem::take(&mut batch), &mut jobs)?;
                }
            }
        }
        self.look_at(batch, &mut jobs)?;
        Ok(jobs)
    }

    fn looking(&self) -> Looking<'_> {
        Looking {
            ports: self.ports,
            release: &self.request.release,
            depth: self.request.depth,
            remember: self.remember,
            work: &self.work,
        }
    }

    fn look_at<'j>(&self, batch: Batch<'j>, jobs: &mut Vec<SurveyedJob<'j>>) -> Result<(), Failure> {
        let looked = batch.look(&self.looking())?;
        jobs.extend(looked.into_iter().map(|looked| SurveyedJob { looked, verdict: JobVerdict::Taken }));
        Ok(())
    }

    /// Its frames are counted as `farm status` does, out of what is known already.
    fn incomplete<'j>(&self, record: &'j JobRecord) -> Result<SurveyedJob<'j>, Failure> {
        let (ports, release) = (self.ports, &self.request.release);
        let frames = check_and(self.remember, ports, release, record, &self.work, Effort::Trust)?;
        Ok(SurveyedJob { looked: LookedAt { record, files: Vec::new(), frames }, verdict: JobVerdict::Incomplete })
    }

    fn planned(&self, job: SurveyedJob<'_>, files: Vec<PlannedFile>, stale_inputs: Vec<StaleInput>) -> PlannedJob {
        let LookedAt { record, frames, .. } = job.looked;
        let revision = record.current();
        let reference = JobRef::within(&self.request.release, &record.name);
        PlannedJob {
            out: layout::out_dir(&reference),
            reference,
            frames: frames.counts(),
            verdict: job.verdict,
            revision: revision.number,
            source: revision.source.digest,
            scene: revision.store.digest,
            files,
            stale_inputs,
            missing_inputs: missing_inputs(revision),
            unknown: frames.unknown,
            extras: frames.extras,
            kept: kept(record),
        }
    }

    /// Why frames are not taken: each file that has something to say, and where the whole frame is meant its first file.
    fn problems(&self, job: &LookedAt<'_>, held: &[&Held]) -> Vec<Problem> {
        let reference = JobRef::within(&self.request.release, &job.record.name);
        let mut problems: Vec<Problem> = Vec::new();
        let mut whole_frame = None;
        for file in &job.files {
            let frame = file.expected.frame;
            let cause = match state_of(frame, &job.frames, self.request.suspects) {
                None => continue,
                Some(state @ (ProblemState::Rendering | ProblemState::Suspect)) => {
                    let is_first = whole_frame.replace(frame) != Some(frame);
                    is_first.then(|| (state, about_frame(state, frame, job, held)))
                }
                Some(_) => about_file(file),
            };
            let path = file.path.clone();
            problems.extend(cause.map(|(state, cause)| Problem {
                reference: reference.clone(),
                frame,
                state,
                path,
                cause,
            }));
        }
        problems
    }
}

/// The frames that show earlier revisions.
fn kept(record: &JobRecord) -> Vec<KeptFrames> {
    let earlier = record.revisions.iter().filter(|revision| revision.number != record.current().number);
    let kept = earlier.map(|revision| KeptFrames {
        frames: record.frames_of(revision.number),
        revision: revision.number,
        source: revision.source.digest,
        scene: revision.store.digest,
    });
    kept.filter(|kept| !kept.frames.is_empty()).collect()
}

/// What `--allow-missing` let pass. Packed files have a size.
fn missing_inputs(revision: &Revision) -> Vec<String> {
    let missing = revision.dependencies.iter().filter(|one| one.stored.is_none() && one.size == 0);
    missing.map(|one| one.path.clone()).collect()
}

fn state_of(frame: i32, frames: &JobFrames, suspects: Suspects) -> Option<ProblemState> {
    match () {
        () if frames.rendering.contains(frame) => Some(ProblemState::Rendering),
        () if frames.bad.contains(frame) => Some(ProblemState::Bad),
        () if frames.missing.contains(frame) => Some(ProblemState::Missing),
        () if frames.suspect.contains(frame) && suspects == Suspects::Refuse => Some(ProblemState::Suspect),
        () => None,
    }
}

/// `A (of 5 frames): frames 1-2 bad, frame 3 missing`: what a job of which nothing is taken lacks.
fn lacking(job: &LookedAt<'_>) -> String {
    let JobFrames { expected, missing, bad, rendering, .. } = &job.frames;
    let lost = missing.minus(rendering);
    let groups = [(bad, "bad"), (&lost, "missing"), (rendering, "not rendered yet")];
    let told = groups.iter().filter(|(frames, _)| !frames.is_empty());
    let words: Vec<String> = told.map(|(frames, word)| format!("{} {word}", frames_named(frames))).collect();
    format!("{} (of {}): {}", job.record.name, counted(expected.len(), "frame"), words.join(", "))
}

fn about_frame(state: ProblemState, frame: i32, job: &LookedAt<'_>, held: &[&Held]) -> String {
    let told = job.frames.suspicions.iter().find(|one| one.frames.contains(frame));
    let why = held.iter().find(|held| held.frames.contains(frame));
    match (state, told, why) {
        (ProblemState::Suspect, Some(told), _) => format!("its log says: {}", told.cause),
        (_, _, Some(held)) if held.why.is_odd() => format!("{}. {}", held.why, held.why.next_step()),
        _ => Why::AtWork.to_string(),
    }
}

fn about_file(file: &Looked) -> Option<(ProblemState, String)> {
    match &file.state {
        FileState::Missing => Some((ProblemState::Missing, "it is not there".to_owned())),
        FileState::Broken(cause) => Some((ProblemState::Bad, cause.clone())),
        FileState::Unreadable(cause) => Some((ProblemState::Bad, format!("it cannot be read: {cause}"))),
        _ => None,
    }
}
