//! `farm.replace/1` and `farm.seed/1`.

use super::{Done, Words};
use crate::base::consent::Consent;
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId};
use crate::base::name::JobRef;
use crate::base::rel_path::RelPath;
use crate::ops::plan::revision::EndedRun;
use crate::ops::plan::{Difference, JobVerdict, PlannedJob, ReleasePlan, Warning};
use crate::ops::retry::rerender::{RerenderPlan, Rerendered};
use serde::Serialize;

/// What would be done, or was.
#[derive(Serialize)]
pub struct Document<'a> {
    schema: &'static str,
    jobs: Vec<Job<'a>>,
    consent: Option<Consent>,
    submitted: Vec<SubmittedJob<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    harvested: Option<&'a [RelPath]>,
}

/// What becomes of one job.
#[derive(Serialize)]
pub struct Job<'a> {
    #[serde(rename = "ref")]
    reference: &'a JobRef,
    verdict: Verdict,
    /// The number of the revision that it gets.
    revision: Option<u32>,
    diff: Option<&'a Difference>,
    ended: Vec<String>,
    trashed: FrameSet,
    kept: FrameSet,
    frames: FrameSet,
    run: Option<RunId>,
    warnings: &'a [Warning],
}

/// What happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was not there.
    New,
    /// It gets a new revision.
    Revised,
    /// It is rendered again as it is.
    Again,
    /// Nothing.
    Unchanged,
}

/// A job that was submitted.
#[derive(Serialize)]
pub struct SubmittedJob<'a> {
    #[serde(rename = "ref")]
    reference: &'a JobRef,
    id: &'a JobId,
}

impl<'a> Document<'a> {
    /// Of plans that are only shown.
    pub fn planned(words: &Words, plans: &[&'a ReleasePlan]) -> Document<'a> {
        let jobs = plans.iter().flat_map(|plan| &plan.jobs).map(Job::of).collect();
        Document { schema: words.schema, jobs, consent: None, submitted: Vec::new(), harvested: None }
    }

    /// Of what was done; with what was harvested, beneath the volume, where that was asked for.
    pub fn done(words: &Words, done: &'a Done, harvested: Option<&'a [RelPath]>) -> Document<'a> {
        let submitted = done.reports.iter().flat_map(|report| &report.submitted);
        Document {
            schema: words.schema,
            jobs: done.plans.iter().flat_map(|plan| &plan.jobs).map(Job::of).collect(),
            consent: done.consent,
            submitted: submitted.map(|(reference, id)| SubmittedJob { reference, id }).collect(),
            harvested,
        }
    }
}

impl<'a> Document<'a> {
    /// Of a job that is rendered anew as it is; with consent and report once that was done.
    pub fn again(
        words: &Words,
        plan: &'a RerenderPlan,
        done: Option<(Consent, &'a Rerendered)>,
        harvested: Option<&'a [RelPath]>,
    ) -> Document<'a> {
        let submitted = done.and_then(|(_, report)| report.submitted.as_ref());
        let reference = &plan.reference;
        Document {
            schema: words.schema,
            jobs: vec![Job {
                reference,
                verdict: Verdict::Again,
                revision: Some(plan.revision),
                diff: None,
                ended: plan.ends.iter().map(ToString::to_string).collect(),
                trashed: plan.frames.clone(),
                kept: FrameSet::default(),
                frames: plan.frames.clone(),
                run: Some(plan.run.id),
                warnings: &[],
            }],
            consent: done.map(|(consent, _)| consent),
            submitted: submitted.map(|id| SubmittedJob { reference, id }).into_iter().collect(),
            harvested,
        }
    }
}

impl<'a> Job<'a> {
    fn of(job: &'a PlannedJob) -> Job<'a> {
        let frames = job.to_submit().union(&job.waiting);
        let revised = job.revised();
        Job {
            reference: &job.reference,
            verdict: match &job.verdict {
                JobVerdict::New => Verdict::New,
                JobVerdict::Revised(_) => Verdict::Revised,
                JobVerdict::Unchanged | JobVerdict::MoreFrames(_) => Verdict::Unchanged,
            },
            revision: match &job.verdict {
                JobVerdict::New => Some(1),
                _ => revised.map(|revised| revised.number),
            },
            diff: revised.map(|revised| &revised.difference),
            ended: revised.map_or(&[][..], |revised| &revised.ends).iter().map(EndedRun::name).collect(),
            trashed: revised.map(|revised| revised.trashed.clone()).unwrap_or_default(),
            kept: revised.map(|revised| revised.kept.clone()).unwrap_or_default(),
            run: (!job.to_submit().is_empty()).then_some(job.run),
            frames,
            warnings: &job.warnings,
        }
    }
}
