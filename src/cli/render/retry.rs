//! A retry and what came of it, for people.

use super::table::Table;
use crate::base::counted::{agree, counted, few, frames_named};
use crate::base::frame_set::FrameSet;
use crate::ops::retry::apply::RetryReport;
use crate::ops::retry::failures::{FailingWorker, FailureGroup};
use crate::ops::retry::{RetryJob, RetryPlan, Verdict};
use std::fmt::Write;

/// How many jobs, workers and files that are left are named one by one.
const NAMED: usize = 5;
/// How many files that go to the trash are named.
const TRASHED: usize = 20;

/// The plan: a table of jobs, why frames failed, what goes to the trash, and what is left alone.
pub fn human(plan: &RetryPlan) -> String {
    let shown = |job: &&RetryJob| job.verdict != Verdict::Sound || !job.suspect.is_empty();
    if !plan.jobs.iter().any(|job| shown(&job)) {
        return interrupted(plan) + &summary(plan);
    }
    let mut table = Table::new(&["JOB", "BAD", "MISSING", "SUSPECT", "AGAIN", ""]);
    for job in plan.jobs.iter().filter(shown) {
        let again = if job.frames.is_empty() { "-".to_owned() } else { job.frames.to_string() };
        let sets = [&job.bad, &job.missing, &job.suspect].map(|frames| frames.len().to_string());
        table.row(&[&job.reference.to_string(), &sets[0], &sets[1], &sets[2], &again, &job.reason]);
    }
    let mut text = table.to_string();
    plan.jobs.iter().for_each(|job| text += &about(job));
    plan.failing_workers.iter().for_each(|worker| text += &failing(worker));
    text + &trash(plan) + &interrupted(plan) + &summary(plan)
}

fn about(job: &RetryJob) -> String {
    let (name, mut text) = (&job.reference, String::new());
    for FailureGroup { kind, count, workers, line, advice, .. } in &job.failures {
        let on = if workers.is_empty() { String::new() } else { format!(" on {}", few(workers, NAMED, "worker")) };
        let _infallible = writeln!(text, "{name}: {} failed{on}, {}: {line}", counted(*count, "task"), kind.word());
        let _infallible = writeln!(text, "  {advice}");
    }
    if let (Some(cause), false) = (&job.hopeless, job.frames.is_empty()) {
        let _infallible = writeln!(text, "warning: {name}: it fails again unless somebody mended the cause: {cause}");
    }
    for left in job.left.iter().take(NAMED) {
        let _infallible = writeln!(text, "left: {}: {}", left.path, left.cause);
    }
    for held in &job.held {
        let _infallible = writeln!(text, "not free: {name}: {}: {}", frames_named(&held.frames), held.why);
        let _infallible = writeln!(text, "  {}", held.next);
    }
    text
}

fn interrupted(plan: &RetryPlan) -> String {
    let homes = plan.interrupted.iter();
    homes.map(|home| format!("{home}: a change that did not come to its end is ended first\n")).collect()
}

/// What goes to the trash, of many files the first ones: the JSON document names all.
fn trash(plan: &RetryPlan) -> String {
    let trashed = || plan.jobs.iter().flat_map(|job| &job.trash);
    let mut text = String::new();
    for one in trashed().take(TRASHED) {
        let _infallible = writeln!(text, "to the trash: {}: {}", one.path, one.reason);
    }
    match trashed().count().saturating_sub(TRASHED) {
        0 => text,
        more => text + &format!("to the trash: {}\n", counted(more, "more file")),
    }
}

fn failing(worker: &FailingWorker) -> String {
    let jobs: Vec<String> = worker.jobs.iter().map(ToString::to_string).collect();
    format!(
        "worker {} failed {} of {} and completed none, where others did ({}): look at that machine\n",
        worker.worker,
        counted(worker.failed, "task"),
        few(&jobs, NAMED, "job"),
        few(&worker.others, NAMED, "worker"),
    )
}

fn summary(plan: &RetryPlan) -> String {
    let sound = plan.jobs.iter().filter(|job| job.verdict == Verdict::Sound).count();
    if plan.is_idle() {
        return nothing(plan, sound);
    }
    let (jobs, frames) = (plan.retried().count(), plan.frames());
    let pending: usize = plan.jobs.iter().map(|job| job.pending.len()).sum();
    if frames == 0 {
        return match pending {
            0 => "nothing to render again beside that\n".to_owned(),
            count => format!("{} to submit to {}\n", counted(count, "frame"), plan.manager),
        };
    }
    let trashed: usize = plan.jobs.iter().map(|job| job.trash.len()).sum();
    let trash = match trashed {
        0 => String::new(),
        count => format!(
            "; {} {} to the trash, `farm undo` brings {} back",
            counted(count, "file"),
            agree(count, "goes", "go"),
            agree(count, "it", "them")
        ),
    };
    format!("{} of {} to render again on {}{trash}\n", counted(frames, "frame"), counted(jobs, "job"), plan.manager)
}

fn nothing(plan: &RetryPlan, sound: usize) -> String {
    let waiting: usize = plan.jobs.iter().map(|job| job.under_way().len()).sum();
    let paused: usize = plan.jobs.iter().map(|job| job.paused.len()).sum();
    match (sound == plan.jobs.len(), waiting) {
        (true, _) => "nothing to retry: every frame is there and sound\n".to_owned(),
        (false, 0) if paused > 0 => format!(
            "nothing to retry: {} {} paused, and `farm unpause` lets {} go on\n",
            counted(paused, "frame"),
            agree(paused, "is", "are"),
            agree(paused, "it", "them")
        ),
        (false, 0) => "nothing to retry now\n".to_owned(),
        (false, count) => format!(
            "nothing to retry: {} {} in the queue or being rendered\n",
            counted(count, "frame"),
            agree(count, "is", "are")
        ),
    }
}

/// The question before it is carried out.
pub fn question(plan: &RetryPlan) -> String {
    match plan.frames() {
        0 if plan.is_idle() => "Wait for what is missing, and submit it again where it fails?".to_owned(),
        0 => "End what was begun, and submit what was not submitted yet?".to_owned(),
        frames => format!("Render {} of {} again?", counted(frames, "frame"), counted(plan.retried().count(), "job")),
    }
}

/// What it did.
pub fn applied(report: &RetryReport) -> String {
    let runs: Vec<String> = report
        .submitted
        .iter()
        .map(|run| format!("{} {} as {}", run.reference, frames_named(&run.frames), run.id))
        .collect();
    match runs.is_empty() {
        true => "every run was submitted before".to_owned(),
        false => format!("submitted {}", few(&runs, NAMED, "run")),
    }
}

/// What is wrong with jobs after they were rendered again: `r1/A: frame 7 is bad`.
pub fn still_wrong<'a>(jobs: impl Iterator<Item = &'a RetryJob>) -> String {
    let words: Vec<String> = jobs.map(|job| format!("{}: {}", job.reference, what_is_wrong(job))).collect();
    few(&words, NAMED, "job")
}

/// Jobs with frames that are not rendered, and why: `r1/A: frame 7 is paused: …`.
pub fn unfinished<'a>(jobs: impl Iterator<Item = &'a RetryJob>) -> String {
    let words: Vec<String> = jobs.map(|job| format!("{}: {}", job.reference, job.reason)).collect();
    few(&words, NAMED, "job")
}

fn what_is_wrong(job: &RetryJob) -> String {
    let told: [(&FrameSet, &str); 3] = [(&job.bad, "bad"), (&job.missing, "missing"), (&job.suspect, "suspect")];
    let told = told.iter().filter(|(frames, _)| !frames.is_empty());
    let words =
        told.map(|(frames, word)| format!("{} {} {word}", frames_named(frames), agree(frames.len(), "is", "are")));
    words.collect::<Vec<_>>().join(" and ")
}
