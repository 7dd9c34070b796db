//! A harvest, for people.

use super::table::Table;
use crate::base::counted::{agree, counted};
use crate::base::frame_set::FrameSet;
use crate::base::size::Bytes;
use crate::ops::harvest::plan::{FileVerdict, HarvestPlan, JobVerdict, PlannedFile, PlannedJob, Problem, ProblemState};
use crate::ops::harvest::{HarvestReport, Outcome};
use crate::ops::preview::PreviewState;
use crate::volume::area::Area;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Jobs, what is wrong with which frames, what was done, and what to do next.
pub fn text(report: &HarvestReport, volume: &Path) -> String {
    let plan = &report.plan;
    let mut text = jobs(plan);
    text.push_str(&problems(&plan.problems));
    for job in &plan.jobs {
        remarks(job, &mut text);
    }
    for left in &report.left {
        line(&mut text, &format!("not moved: {}: {}", left.path, left.cause));
    }
    cleared(report, &mut text);
    line(&mut text, &summary(report, volume));
    previews(report, volume, &mut text);
    if let Some(unchecked) = plan.request.depth.unchecked().filter(|_| report.outcome != Outcome::Blocked) {
        line(&mut text, unchecked);
    }
    text
}

fn line(text: &mut String, words: &str) {
    let _infallible = writeln!(text, "{words}");
}

fn jobs(plan: &HarvestPlan) -> String {
    let mut table = Table::new(&["JOB", "FRAMES", "OK", "MISSING", "BAD", "SUSPECT", "SIZE", ""]);
    for job in &plan.jobs {
        let fate = match fate(job) {
            "" => names(job),
            words => words.to_owned(),
        };
        let size: u64 = job.files.iter().map(|file| file.size).sum();
        table.row(&[
            &job.reference.to_string(),
            &job.frames.expected.to_string(),
            &job.frames.ok.to_string(),
            &count(job.frames.missing),
            &count(job.frames.bad),
            &count(job.frames.suspect),
            &Bytes(size).to_string(),
            &fate,
        ]);
    }
    table.to_string()
}

fn count(count: u64) -> String {
    if count == 0 { String::new() } else { count.to_string() }
}

fn fate(job: &PlannedJob) -> &'static str {
    match job.verdict {
        JobVerdict::Incomplete => "not complete, left for later",
        JobVerdict::Taken | JobVerdict::Blocked if job.files.is_empty() => "",
        JobVerdict::Blocked if (job.files.len() as u64) < job.frames.ok => "part of it is there already, verified",
        JobVerdict::Taken if job.files.iter().any(|file| file.verdict != FileVerdict::There) => "",
        _ if job.frames.ok < job.frames.expected => "the others are there already, verified",
        _ => "there already, verified",
    }
}

/// The first and the last name that a job's files get: `A.0001.png … A.0100.png`.
fn names(job: &PlannedJob) -> String {
    match job.files.as_slice() {
        [] => String::new(),
        [one] => one.to.to_string(),
        [first, .., last] => format!("{} … {}", first.to, last.to),
    }
}

/// A line for each broken or suspect frame, and one for all frames of a job that are simply not there.
fn problems(problems: &[Problem]) -> String {
    let mut text = String::new();
    let is_absent = |problem: &&Problem| matches!(problem.state, ProblemState::Missing | ProblemState::Rendering);
    let mut absent: BTreeMap<(String, &str, &str), Vec<&Problem>> = BTreeMap::new();
    for problem in problems.iter().filter(is_absent) {
        let key = (problem.reference.to_string(), state(problem.state), problem.cause.as_str());
        absent.entry(key).or_default().push(problem);
    }
    for ((job, word, cause), group) in absent {
        let frames: FrameSet = group.iter().map(|problem| problem.frame).collect();
        let (noun, more) = if frames.len() > 1 { ("frames", " …") } else { ("frame", "") };
        line(&mut text, &format!("{job} {noun} {frames}: {word}: {cause} ({}{more})", group[0].path));
    }
    for problem in problems.iter().filter(|problem| !is_absent(problem)) {
        let Problem { reference, frame, state: fate, path, cause, .. } = problem;
        line(&mut text, &format!("{reference} frame {frame}: {}: {cause} ({path})", state(*fate)));
    }
    text
}

fn state(state: ProblemState) -> &'static str {
    match state {
        ProblemState::Missing => "missing",
        ProblemState::Rendering => "not rendered yet",
        ProblemState::Bad => "bad",
        ProblemState::Suspect => "suspect",
    }
}

fn remarks(job: &PlannedJob, text: &mut String) {
    for input in &job.stale_inputs {
        line(
            text,
            &format!(
                "{}: stale input: {} was changed since the job was planned: {}",
                job.reference, input.path, input.cause
            ),
        );
    }
    if let Some(first) = job.missing_inputs.first() {
        let more = job.missing_inputs.len() - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        line(text, &format!("{}: rendered without {first}{more}, missing when it was planned", job.reference));
    }
    let renamed: Vec<&PlannedFile> = job.files.iter().filter(|file| file.verdict == FileVerdict::Rename).collect();
    if let [first, rest @ ..] = renamed.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        line(text, &format!("{}: {} is called {} now{more}", job.reference, first.from, first.to));
    }
    if job.unknown > 0 {
        line(
            text,
            &format!(
                "{}: {} {} of a format that farm cannot check, and taken as {}",
                job.reference,
                counted(job.unknown, "file"),
                agree(job.unknown, "is", "are"),
                agree(job.unknown, "it is", "they are"),
            ),
        );
    }
    if let Some(first) = job.extras.first() {
        let count = job.extras.len();
        line(
            text,
            &format!(
                "{}: {} in its folder {} left there ({first}{})",
                job.reference,
                counted(count, "other file"),
                agree(count, "was", "were"),
                if count > 1 { " …" } else { "" }
            ),
        );
    }
}

fn summary(report: &HarvestReport, volume: &Path) -> String {
    let plan = &report.plan;
    let dist = volume.join("dist").join(plan.request.release.as_str()).display().to_string();
    let files = || plan.jobs.iter().flat_map(|job| &job.files);
    let is_put = |verdict| !matches!(verdict, FileVerdict::There | FileVerdict::Finish);
    let planned = files().filter(|file| is_put(file.verdict)).count();
    let now = planned.saturating_sub(report.left.len());
    let frames = plan.frames();
    let unfine = frames.expected - frames.ok;
    let not_fine = format!("{} {} not fine", counted(unfine, "frame"), agree(unfine, "is", "are"));
    let (put, were) = (counted(now, "file"), agree(now, "was", "were"));
    match report.outcome {
        Outcome::Planned if plan.is_blocked() => format!("{not_fine}: nothing would be moved"),
        Outcome::Planned => format!("{put} would be put into {dist}"),
        Outcome::Blocked => {
            format!("{not_fine}, so nothing was moved. {}", next_steps(plan))
        }
        Outcome::Partial => {
            let to_come = format!("{} {} still to come", counted(unfine, "frame"), agree(unfine, "is", "are"));
            let left = report.left.len();
            let left_words = format!("{} {} not moved", counted(left, "file"), agree(left, "was", "were"));
            let rest = [(unfine > 0, to_come), (left > 0, left_words)];
            let rest: Vec<String> = rest.into_iter().filter(|(is, _)| *is).map(|(_, words)| words).collect();
            format!("{put} {were} put into {dist}; {}", rest.join(", "))
        }
        Outcome::Harvested if now == 0 => {
            format!("every file was in {dist} already; manifest.json lists them all with their digests")
        }
        Outcome::Harvested => {
            format!("{put} {were} put into {dist}; manifest.json lists them all with their digests")
        }
        Outcome::Verified => match files().count() {
            1 => format!("the one file is in {dist} already and is what it was"),
            count => format!("all {count} files are in {dist} already and are what they were"),
        },
    }
}

/// What makes room, or lies in `dist/` as well.
fn cleared(report: &HarvestReport, text: &mut String) {
    let plan = &report.plan;
    if report.outcome != Outcome::Planned {
        if !report.trashed.is_empty() {
            line(text, &format!("{} went to the trash", counted(report.trashed.len(), "file")));
        }
        return;
    }
    if !plan.replaced.is_empty() {
        let (files, are) = (counted(plan.replaced.len(), "file"), agree(plan.replaced.len(), "is", "are"));
        line(text, &format!("{files} in dist/ that {are} out of date would go to the trash"));
    }
    let twice = plan.jobs.iter().flat_map(|job| &job.files).filter(|file| file.verdict == FileVerdict::Finish).count();
    if twice > 0 {
        let is = agree(twice, "is", "are");
        line(text, &format!("{} in out/ that {is} in dist/ as well would go to the trash", counted(twice, "file")));
    }
}

/// What to do about frames that are not fine, by how they stand.
fn next_steps(plan: &HarvestPlan) -> String {
    let has = |states: &[ProblemState]| plan.problems.iter().any(|problem| states.contains(&problem.state));
    let mut steps = Vec::new();
    if has(&[ProblemState::Rendering]) {
        steps.push("`farm status` shows what is still being rendered; on the local queue `farm work` goes on with it.");
    }
    let is_in_dist =
        |problem: &Problem| problem.state == ProblemState::Bad && problem.path.is_within(&Area::Dist.folder());
    if plan.problems.iter().any(is_in_dist) {
        steps.push("Move what is bad in dist/ away first: as long as it is there its frame is not rendered again.");
    }
    if has(&[ProblemState::Missing, ProblemState::Bad]) {
        steps.push("The command that planned the release, with --wait, renders what is missing or bad.");
    }
    if has(&[ProblemState::Suspect]) {
        steps.push("--allow-suspect takes suspect frames as they are.");
    }
    steps.push("--partial takes the others.");
    steps.join(" ")
}

fn previews(report: &HarvestReport, volume: &Path, text: &mut String) {
    let made = report.previews.iter().filter(|preview| preview.state == PreviewState::Made);
    for preview in made {
        for path in preview.sheet.iter().chain(&preview.video) {
            line(text, &format!("preview: {}", volume.join(path.as_str()).display()));
        }
    }
}
