//! What a plan means for a release that is there already: the same, more of it, or something else.

use super::request::{Anew, JobRequest, Update};
use super::{Difference, JobVerdict, PlannedJob, Revised, WaitingJob, queueing, refusal};
use crate::base::counted::{agree, frames_named};
use crate::base::error::{Class, Explain};
use crate::base::frame_set::FrameSet;
use crate::base::name::{Home, JobName, JobRef};
use crate::base::render_options::RenderOptions;
use crate::volume::release_file::{JobRecord, ReleaseFile, Revision};
use std::collections::{HashMap, HashSet};

/// Why a release that exists stands against the plan.
#[derive(Debug, thiserror::Error)]
pub enum Conflict {
    /// It exists and the plan is another one.
    #[error("release {release} exists and differs: {}", differences.join("; "))]
    Differs {
        /// The release.
        release: Home,
        /// What differs, a phrase each.
        differences: Vec<String>,
    },
    /// A job would get another scene.
    #[error("{job} exists with another scene: {difference}")]
    OtherScene {
        /// The job.
        job: JobRef,
        /// What differs.
        difference: String,
    },
    /// Jobs that are there as planned were submitted with other options than are asked for now.
    #[error("release {release} was submitted with other options: {}", refusal::some(differences))]
    Queued {
        /// The release.
        release: Home,
        /// What differs, a phrase for each job.
        differences: Vec<String>,
    },
    /// A job of the release has the name but for upper and lower case.
    #[error("{existing} exists, and {job} is the same name on file systems that ignore case")]
    FoldedJob {
        /// The name asked for.
        job: JobRef,
        /// The one that exists.
        existing: JobName,
    },
    /// Frames that a job does not have are to be rendered anew.
    #[error("{job} has the frames {has}, and {} {} none of them", frames_named(lacks), agree(lacks.len(), "is", "are"))]
    NotItsFrames {
        /// The job.
        job: JobRef,
        /// The frames that it has.
        has: FrameSet,
        /// Those that it does not have.
        lacks: FrameSet,
    },
    /// Another release has the name but for upper and lower case.
    #[error("release {existing} exists, and {release} is the same name on file systems that ignore case")]
    FoldedName {
        /// The name asked for.
        release: Home,
        /// The one that exists.
        existing: Home,
    },
}

impl Explain for Conflict {
    fn class(&self) -> Class {
        match self {
            Conflict::NotItsFrames { .. } => Class::Usage,
            _ => Class::Refused,
        }
    }
    fn hint(&self) -> Option<String> {
        Some(match self {
            Conflict::Differs { .. } => "Add jobs or frames with --update, or choose another name.".into(),
            Conflict::OtherScene { job, .. } => format!(
                "Put it in with `farm replace job {job} --with FILE`, choose another job name with --job-name-template, or plan \
                 a release of another name."
            ),
            Conflict::Queued { .. } => {
                "Options count for frames that are submitted anew: leave them out to go on with what was submitted."
                    .into()
            }
            Conflict::NotItsFrames { .. } => {
                "Name some of its frames with --frames, or give it others with --range.".into()
            }
            Conflict::FoldedName { .. } | Conflict::FoldedJob { .. } => "Choose another name.".into(),
        })
    }
}

/// Gives each job its verdict. Without `--update` an existing release must be exactly what is planned. What is asked of
/// frames that were submitted before must be what they were submitted with; where other frames are added, it is said.
/// What a seed that was killed has written down of the jobs in `seeded` is not begun anew.
pub fn judge(
    jobs: &mut [PlannedJob],
    requests: &[&JobRequest],
    existing: &ReleaseFile,
    update: &Update,
    seeded: &HashSet<JobName>,
) -> Result<(), Conflict> {
    let (mut differences, mut queued) = (Vec::new(), Vec::new());
    let records: HashMap<String, &JobRecord> =
        existing.jobs.iter().map(|record| (record.name.folded(), record)).collect();
    for (job, request) in jobs.iter_mut().zip(requests) {
        let record = records.get(&job.reference.job.folded());
        job.verdict = match record {
            None => JobVerdict::New,
            Some(record) if update.revises() => revised(job, record, update, seeded)?,
            Some(record) => against(job, record)?,
        };
        job.waiting = record.map(|record| waiting(record)).unwrap_or_default();
        let before = record.map(|record| queueing::compare(request, &job.frames, record)).unwrap_or_default();
        match (&job.verdict, before.refused()) {
            // Nothing of a new revision was submitted before.
            (JobVerdict::Revised(_), _) => {}
            (JobVerdict::Unchanged, Some(words)) => queued.push(format!("{} has {words}", job.reference)),
            _ => job.warnings.extend(before.warning()),
        }
        match &job.verdict {
            JobVerdict::New => differences.push(format!("{} is not in it", job.reference)),
            JobVerdict::MoreFrames(more) => differences.push(format!("{} lacks {}", job.reference, frames_named(more))),
            JobVerdict::Unchanged | JobVerdict::Revised(_) => {}
        }
    }
    differences.extend(left_out(jobs, existing));
    match update {
        Update::Refuse if !differences.is_empty() => {
            Err(Conflict::Differs { release: existing.name.clone(), differences })
        }
        _ if !queued.is_empty() => Err(Conflict::Queued { release: existing.name.clone(), differences: queued }),
        _ => Ok(()),
    }
}

/// The jobs of the release that the plan does not name, and of which frames wait to be submitted.
pub fn waiting_beside(jobs: &[PlannedJob], existing: &ReleaseFile) -> Vec<WaitingJob> {
    let named: HashSet<&JobName> = jobs.iter().map(|job| &job.reference.job).collect();
    let others = existing.jobs.iter().filter(|record| !named.contains(&record.name));
    let beside = others
        .map(|record| WaitingJob { reference: JobRef::within(&existing.name, &record.name), frames: waiting(record) });
    beside.filter(|job| !job.frames.is_empty()).collect()
}

/// Frames of runs that were written down, and that the Manager is not known to have.
fn waiting(record: &JobRecord) -> FrameSet {
    let waiting = record.runs.iter().filter(|run| run.is_pending());
    FrameSet::union_of(waiting.map(|run| &run.frames))
}

/// Jobs of the release that the plan does not name, and frames that it does not ask for.
fn left_out(jobs: &[PlannedJob], existing: &ReleaseFile) -> Vec<String> {
    let named: HashMap<_, _> = jobs.iter().map(|job| (&job.reference.job, job)).collect();
    let planned = |record: &JobRecord| named.get(&record.name).copied();
    let difference = |record: &JobRecord| match planned(record) {
        None => Some(format!("{} is not in the plan", record.name)),
        Some(job) => {
            let fewer = record.current().frames.minus(&job.frames);
            (!fewer.is_empty()).then(|| format!("{} has {} too", record.name, frames_named(&fewer)))
        }
    };
    existing.jobs.iter().filter_map(difference).collect()
}

fn against(job: &PlannedJob, record: &JobRecord) -> Result<JobVerdict, Conflict> {
    if let Some(difference) = scene_difference(job, record.current()) {
        return Err(Conflict::OtherScene { job: job.reference.clone(), difference });
    }
    let more = job.frames.minus(&record.current().frames);
    Ok(if more.is_empty() { JobVerdict::Unchanged } else { JobVerdict::MoreFrames(more) })
}

/// A job that may get a new revision gets one where anything is different, or where it is seeded again.
fn revised(
    job: &PlannedJob,
    record: &JobRecord,
    update: &Update,
    seeded: &HashSet<JobName>,
) -> Result<JobVerdict, Conflict> {
    if record.name != job.reference.job {
        return Err(Conflict::FoldedJob { job: job.reference.clone(), existing: record.name.clone() });
    }
    let mut difference = Difference::between(record.current(), job);
    let anew = match update {
        Update::Seed if !difference.is_of_frames_alone() => Anew::All,
        // The same scene: what is asked for is rendered anew, and the other frames stay what they are.
        Update::Seed => {
            let has = &record.current().frames;
            if seeded.contains(&record.name) && job.frames.minus(has).is_empty() {
                return Ok(JobVerdict::Unchanged);
            }
            difference = Difference::default();
            Anew::Alone(job.frames.clone())
        }
        _ if difference.is_empty() => return Ok(JobVerdict::Unchanged),
        Update::Replace(Anew::Only(frames)) => Anew::Only(only_its_own(job, frames)?),
        Update::Replace(anew) => anew.clone(),
        Update::Refuse | Update::Add => Anew::All,
    };
    Ok(JobVerdict::Revised(Box::new(Revised::new(record.next_revision(), difference, anew))))
}

/// Those of `frames` that the job has; none at all is a slip.
fn only_its_own(job: &PlannedJob, frames: &FrameSet) -> Result<FrameSet, Conflict> {
    let own = frames.common(&job.frames);
    match own.is_empty() {
        true => {
            Err(Conflict::NotItsFrames { job: job.reference.clone(), has: job.frames.clone(), lacks: frames.clone() })
        }
        false => Ok(own),
    }
}

/// What makes the planned job another one than the revision on the volume.
fn scene_difference(job: &PlannedJob, revision: &Revision) -> Option<String> {
    if job.source.digest != revision.source.digest {
        let (now, then) = (&job.source.path, &revision.source.path);
        return Some(match now == then {
            true => format!("{now} changed since it was planned ({})", revision.planned),
            false => format!("{now} instead of {then}"),
        });
    }
    if job.scene != revision.scene {
        let word = |scene: &Option<String>| scene.clone().unwrap_or_else(|| "the active scene".into());
        return Some(format!("{} instead of {}", word(&job.scene), word(&revision.scene)));
    }
    if job.options != revision.options {
        return Some(options_difference(&job.options, &revision.options));
    }
    if job.output != revision.output {
        return Some(format!("output {} instead of {}", describe(&job.output), describe(&revision.output)));
    }
    let changed = job
        .dependencies
        .iter()
        .find(|new| revision.dependencies.iter().any(|old| old.path == new.path && old.digest != new.digest));
    changed.map(|dependency| format!("{} changed since it was planned", dependency.path))
}

/// The options that differ, with what they were: values of `--env` may be secret, so only that they differ.
fn options_difference(now: &RenderOptions, then: &RenderOptions) -> String {
    let word = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    let of = |options: &RenderOptions| {
        let samples = options.samples.map(|samples| samples.to_string());
        [options.blender.clone(), options.device.clone(), samples].map(word)
    };
    let values = ["--blender", "--device", "--samples"].into_iter().zip(of(now).into_iter().zip(of(then)));
    let differ = values.filter(|(_, (now, then))| now != then);
    let mut words: Vec<String> = differ.map(|(name, (now, then))| format!("{name} {now} instead of {then}")).collect();
    if now.environment != then.environment {
        words.push("another --env".to_owned());
    }
    words.join(", ")
}

fn describe(output: &crate::volume::release_file::Output) -> String {
    format!("{} {}x{}", output.format, output.width, output.height)
}
