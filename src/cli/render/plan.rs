//! A plan and its report, for people.

use super::table::Table;
use crate::base::name::ReleaseName;
use crate::base::size::Bytes;
use crate::ops::check::FrameCounts;
use crate::ops::plan::apply::PlanReport;
use crate::ops::plan::{JobVerdict, PlannedJob, ReleasePlan};
use crate::volume::release_file::Output;
use std::fmt::Write;

/// The plan: a table of jobs, what is copied, and every warning under its job's name.
pub fn human(plan: &ReleasePlan, free: Option<Bytes>) -> String {
    let mut table = Table::new(&["JOB", "FRAMES", "SIZE", "FORMAT", "TASKS", "SAVED BY", "SAVED", ""]);
    for job in &plan.jobs {
        table.row(&[
            &job.reference.to_string(),
            &format!("{} ({})", job.frames, job.frames.len()),
            &size(&job.output),
            &job.output.format,
            &format!("{} x {}", job.tasks, job.chunk),
            &format!("Blender {}", job.blender),
            &job.saved.to_string(),
            verdict(&job.verdict),
        ]);
    }
    let mut text = table.to_string();
    for job in &plan.jobs {
        for warning in &job.warnings {
            let _infallible = writeln!(text, "warning: {}: {}", job.reference, warning.text);
        }
    }
    text + &summary(plan, free)
}

/// Width and height; `?` where the scene does not tell them.
fn size(output: &Output) -> String {
    if output.width == 0 { "?".to_owned() } else { format!("{}x{}", output.width, output.height) }
}

fn verdict(verdict: &JobVerdict) -> &'static str {
    match verdict {
        JobVerdict::New => "new",
        JobVerdict::Unchanged => "there already",
        JobVerdict::MoreFrames(_) => "more frames",
    }
}

fn summary(plan: &ReleasePlan, free: Option<Bytes>) -> String {
    let frames: usize = plan.jobs.iter().map(|job| job.to_submit().len()).sum();
    let need: u64 =
        plan.jobs.iter().map(|job| job.bytes).sum::<u64>() + plan.copies.iter().map(|copy| copy.size).sum::<u64>();
    let free = free.map(|bytes| format!(" of {bytes} free")).unwrap_or_default();
    let chunk = plan.jobs.iter().find(|job| job.verdict != JobVerdict::Unchanged).map(chunk_line).unwrap_or_default();
    format!(
        "{} job(s), {frames} frame(s) to render on {}; {} file(s) copied with them; about {}{free}\n{chunk}",
        plan.jobs.len(),
        plan.manager,
        plan.copies.len(),
        Bytes(need),
    )
}

fn chunk_line(job: &PlannedJob) -> String {
    format!("frames per task: {} ({})\n", job.chunk, job.chunk_reason)
}

/// What applying the plan did.
pub fn applied(report: &PlanReport) -> String {
    if report.submitted.is_empty() {
        return format!("{}: every frame was submitted before", report.release);
    }
    let jobs: Vec<String> = report.submitted.iter().map(|(job, id)| format!("{job} as {id}")).collect();
    format!("submitted {}", jobs.join(", "))
}

/// A release whose frames are all there.
pub fn rendered(release: &ReleaseName, frames: &FrameCounts) -> String {
    let suspect = match frames.suspect {
        0 => String::new(),
        n => format!(", {n} of them suspect"),
    };
    format!(
        "{release}: all {} frame(s) are rendered{suspect}; collect them with `farm harvest release {release}`",
        frames.expected
    )
}
