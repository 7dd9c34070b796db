//! Plans that put new scenes into jobs, and their reports, for people.

use crate::base::counted::{agree, counted, few, frames_named};
use crate::base::size::Bytes;
use crate::ops::plan::apply::PlanReport;
use crate::ops::plan::revision::EndedRun;
use crate::ops::plan::{Difference, JobVerdict, PlannedJob, ReleasePlan, Revised};
use std::fmt::Write;

/// So many runs, files or jobs are named; of more it is said how many there are.
const NAMED: usize = 5;

/// Each job with what is different about it and what becomes of its frames; then what all of it takes.
pub fn human(plans: &[&ReleasePlan], free: Option<Bytes>) -> String {
    let mut text: String = plans.iter().flat_map(|plan| &plan.jobs).map(job).collect();
    for plan in plans {
        for repair in &plan.repairs {
            let _infallible = writeln!(text, "{} {}: it is copied again", repair.path, repair.damage);
        }
        for job in &plan.waiting {
            let _infallible = writeln!(
                text,
                "also submitted, of an earlier command that did not come to it: {}, {}",
                job.reference,
                frames_named(&job.frames)
            );
        }
    }
    text + &summary(plans, free)
}

fn job(job: &PlannedJob) -> String {
    let name = &job.reference;
    let mut text = match &job.verdict {
        JobVerdict::New => format!(
            "{name}: new, {} of {} {}, {} {}x{}\n",
            frames_named(&job.frames),
            job.source.path,
            saved_by(job),
            job.output.format,
            job.output.width,
            job.output.height
        ),
        JobVerdict::Revised(revised) => format!("{name}: revision {}\n", revised.number) + &revision(job, revised),
        JobVerdict::Unchanged if !job.waiting.is_empty() => {
            format!("{name}: there already, {} not submitted yet\n", frames_named(&job.waiting))
        }
        JobVerdict::Unchanged | JobVerdict::MoreFrames(_) => {
            format!(
                "{name}: nothing changed since it was planned, neither the scene nor what it needs\n  \
                 next: `farm retry {name}` renders what is missing or broken\n"
            )
        }
    };
    if !job.to_submit().is_empty() {
        line(
            &mut text,
            "rendered",
            &format!(
                "{}, {} of {} ({})",
                frames_named(&job.to_submit()),
                counted(job.tasks, "task"),
                counted(job.chunk, "frame"),
                job.chunk_reason
            ),
        );
    }
    for warning in &job.warnings {
        let _infallible = writeln!(text, "warning: {name}: {}", warning.text);
    }
    text
}

fn saved_by(job: &PlannedJob) -> String {
    format!("(Blender {}, saved {})", job.blender, job.saved)
}

fn line(text: &mut String, word: &str, rest: &str) {
    let _infallible = writeln!(text, "  {word:<18} {rest}");
}

fn revision(job: &PlannedJob, revised: &Revised) -> String {
    let mut text = String::new();
    differences(&mut text, &revised.difference);
    if !revised.ends.is_empty() {
        let ends: Vec<String> = revised.ends.iter().map(|run| format!("run {} ({})", run.number, run.status)).collect();
        line(&mut text, "canceled first", &few(&ends, NAMED, "run"));
    }
    let is_there = |count| if count == 0 { "none".to_owned() } else { frames_named(&revised.trashed) };
    line(&mut text, "to the trash", &is_there(revised.trashed.len()));
    if !revised.kept.is_empty() {
        line(&mut text, "kept", &format!("{} of the revision before", frames_named(&revised.kept)));
    }
    if job.to_submit().is_empty() {
        line(&mut text, "rendered", "none");
    }
    let missing = job.left_missing();
    if !missing.is_empty() {
        let rest = format!("{}: `farm retry {}` renders what is missing", frames_named(&missing), job.reference);
        line(&mut text, "stay missing", &rest);
    }
    text
}

fn differences(text: &mut String, difference: &Difference) {
    if difference.is_empty() {
        line(text, "the same scene", "rendered anew");
    }
    for one in &difference.changed {
        let word = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
        line(text, &one.what, &format!("{} instead of {}", word(&one.now), word(&one.was)));
    }
    let needs = &difference.dependencies;
    for (word, files) in [("needs now", &needs.added), ("needs no more", &needs.removed), ("changed", &needs.changed)] {
        if !files.is_empty() {
            line(text, word, &few(files, NAMED, "file"));
        }
    }
}

fn summary(plans: &[&ReleasePlan], free: Option<Bytes>) -> String {
    let idle = plans.iter().all(|plan| plan.is_idle());
    let Some(first) = plans.first().filter(|_| !idle) else { return String::new() };
    let sum = |of: &dyn Fn(&ReleasePlan) -> usize| plans.iter().map(|plan| of(plan)).sum::<usize>();
    let free = free.map(|bytes| format!(" of {bytes} free")).unwrap_or_default();
    format!(
        "{} to render on {}; {} copied with the scenes; about {}{free}\n",
        counted(sum(&ReleasePlan::frames_now), "frame"),
        first.manager,
        counted(sum(&|plan| plan.copies.len()), "file"),
        Bytes(plans.iter().map(|plan| plan.bytes_now()).sum()),
    )
}

/// The question before the plans are carried out.
pub fn question(plans: &[&ReleasePlan]) -> String {
    let jobs: Vec<String> = plans
        .iter()
        .flat_map(|plan| &plan.jobs)
        .filter(|job| is_touched(job))
        .map(|job| job.reference.to_string())
        .collect();
    let manager = plans.first().map_or("local", |plan| plan.manager.as_str());
    let trashed: usize =
        plans.iter().flat_map(|plan| &plan.jobs).filter_map(PlannedJob::revised).map(|one| one.trashed.len()).sum();
    let trash = match trashed {
        0 => String::new(),
        count => format!(", with {} to the trash", counted(count, "frame")),
    };
    format!("Submit {} to {manager}{trash}?", few(&jobs, NAMED, "job"))
}

fn is_touched(job: &PlannedJob) -> bool {
    job.verdict != JobVerdict::Unchanged || !job.waiting.is_empty()
}

/// What applying a plan did.
pub fn applied(report: &PlanReport) -> String {
    let submitted: Vec<String> = report.submitted.iter().map(|(job, id)| format!("{job} as {id}")).collect();
    let mut text = String::new();
    for job in &report.plan.jobs {
        if let Some(revised) = job.revised() {
            let trash = match revised.trashed.len() {
                0 => String::new(),
                count => format!("; {} {} in the trash", counted(count, "old frame"), agree(count, "is", "are")),
            };
            let _infallible = writeln!(text, "{} has revision {}{trash}", job.reference, revised.number);
        }
    }
    match submitted.len() {
        0 => text + "nothing had to be submitted",
        _ => text + &format!("submitted {}", few(&submitted, NAMED, "job")),
    }
}

impl EndedRun {
    /// What the Manager calls it; farm's own id where it does not have it.
    pub fn name(&self) -> String {
        self.id.as_ref().map_or_else(|| self.run.to_string(), ToString::to_string)
    }
}
