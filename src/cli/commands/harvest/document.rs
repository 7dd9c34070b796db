//! `farm.harvest/1`.

use crate::base::digest::Digest;
use crate::base::ids::TransactionId;
use crate::base::name::{Home, JobRef};
use crate::base::rel_path::RelPath;
use crate::frames::expected::Role;
use crate::frames::sampling::Depth;
use crate::ops::check::FrameCounts;
use crate::ops::check::inputs::StaleInput;
use crate::ops::harvest::plan::{FileVerdict, HarvestPlan, JobVerdict, PlannedFile, PlannedJob, Problem, Reason};
use crate::ops::harvest::{HarvestReport, Left, Outcome};
use crate::ops::preview::Preview;
use crate::volume::layout;
use serde::Serialize;

/// The report for scripts. A dry run's differs from the real run's in `outcome` and in what only a run can know.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    schema: &'static str,
    release: &'a Home,
    outcome: Outcome,
    frames: FrameCounts,
    jobs: Vec<Job<'a>>,
    files: Vec<File<'a>>,
    problems: &'a [Problem],
    trashed: Vec<RelPath>,
    left: &'a [Left],
    previews: &'a [Preview],
    depth: Depth,
    unchecked: Option<&'static str>,
    transaction: Option<TransactionId>,
    finished: &'a [TransactionId],
}

#[derive(Serialize)]
struct Job<'a> {
    #[serde(rename = "ref")]
    reference: &'a JobRef,
    verdict: JobVerdict,
    frames: FrameCounts,
    unknown: u64,
    stale_inputs: &'a [StaleInput],
    missing_inputs: &'a [String],
    extras: &'a [String],
}

#[derive(Serialize)]
struct File<'a> {
    path: RelPath,
    #[serde(rename = "ref")]
    reference: &'a JobRef,
    frame: i32,
    #[serde(flatten)]
    role: &'a Role,
    from: RelPath,
    size: u64,
    sha256: Digest,
    verdict: FileVerdict,
    reason: Reason,
}

impl<'a> Document<'a> {
    pub(super) fn of(report: &'a HarvestReport) -> Self {
        let plan = &report.plan;
        let dist = layout::dist_dir(&plan.request.release);
        let trashed = if report.outcome == Outcome::Planned { to_trash(plan, &dist) } else { report.trashed.clone() };
        let files = plan.jobs.iter().flat_map(|job| job.files.iter().map(|file| file_of(&dist, job, file)));
        Document {
            schema: "farm.harvest/1",
            release: &plan.request.release,
            outcome: report.outcome,
            frames: plan.frames(),
            jobs: plan.jobs.iter().map(job_of).collect(),
            files: files.collect(),
            problems: &plan.problems,
            trashed,
            left: &report.left,
            previews: &report.previews,
            depth: plan.request.depth,
            unchecked: plan.request.depth.unchecked(),
            transaction: report.transaction,
            finished: &report.finished,
        }
    }
}

/// What would go to the trash: files that are out of date, and copies in `out/` of what is in `dist/`.
fn to_trash(plan: &HarvestPlan, dist: &RelPath) -> Vec<RelPath> {
    let old = plan.replaced.iter().map(|old| below(dist, &old.path));
    let files = plan.jobs.iter().flat_map(|job| job.files.iter().map(move |file| (job, file)));
    let twice = files.filter(|(_, file)| file.verdict == FileVerdict::Finish);
    old.chain(twice.map(|(job, file)| below(&job.out, &file.from))).collect()
}

/// Both are checked paths already, so that joining them cannot fail.
fn below(folder: &RelPath, path: &RelPath) -> RelPath {
    folder.join(path.as_str()).unwrap_or_default()
}

fn job_of(job: &PlannedJob) -> Job<'_> {
    Job {
        reference: &job.reference,
        verdict: job.verdict,
        frames: job.frames,
        unknown: job.unknown,
        stale_inputs: &job.stale_inputs,
        missing_inputs: &job.missing_inputs,
        extras: &job.extras,
    }
}

fn file_of<'a>(dist: &RelPath, job: &'a PlannedJob, file: &'a PlannedFile) -> File<'a> {
    File {
        path: below(dist, &file.to),
        reference: &job.reference,
        frame: file.frame,
        role: &file.role,
        from: below(file.origin(&job.out, dist), &file.from),
        size: file.size,
        sha256: file.sha256,
        verdict: file.verdict,
        reason: file.reason,
    }
}
