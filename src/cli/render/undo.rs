//! What an undo would do and did, and what is in the trash, for people.

use super::table::Table;
use crate::base::counted::{agree, counted, few, frames_named};
use crate::base::rel_path::RelPath;
use crate::base::size::Bytes;
use crate::ops::trash::Listing;
use crate::ops::undo::{Entry, History, JobFate, Standing, UndoPlan, UndoReport, UndoneJob};
use std::fmt::Write;

/// So many paths and jobs are named.
const NAMED: usize = 5;

/// What taking a change back would do.
pub fn plan(plan: &UndoPlan) -> String {
    let mut text = format!("{} {} of {}, {}\n", plan.kind, plan.id, plan.release, plan.at.whole_seconds());
    if !plan.command.is_empty() {
        let _infallible = writeln!(text, "  made by: {}", plan.command);
    }
    for job in &plan.jobs {
        let _infallible = writeln!(text, "  {}", of_job(job));
    }
    for (paths, what) in [(&plan.restored, "back from the trash"), (&plan.discarded, "to the trash")] {
        if !paths.is_empty() {
            let count = counted(paths.len(), "thing");
            let names: Vec<String> = paths.iter().map(RelPath::to_string).collect();
            let _infallible = writeln!(text, "  {what}: {count}: {}", few(&names, NAMED, ""));
        }
    }
    if plan.moved_back > 0 {
        let (count, release) = (counted(plan.moved_back, "harvested file"), &plan.release);
        let _infallible = writeln!(text, "  from dist/{release} back to where they came from: {count}");
    }
    if plan.resubmits {
        text.push_str("  frames that are missing then are submitted again\n");
    }
    text
}

fn of_job(job: &UndoneJob) -> String {
    let fate = match job.verdict {
        JobFate::Removed => "is taken out of the release",
        JobFate::Reverted => "is what it was before",
        JobFate::Kept => "stays as it is",
    };
    let mut words = format!("{} {fate}", job.reference);
    if !job.ended.is_empty() {
        let _infallible =
            write!(words, "; {} of it {} ended", counted(job.ended.len(), "run"), agree(job.ended.len(), "is", "are"));
    }
    if !job.frames.is_empty() {
        let _infallible = write!(words, "; what was rendered of {} goes to the trash", frames_named(&job.frames));
    }
    words
}

/// What was done.
pub fn report(report: &UndoReport) -> String {
    let mut text = format!(
        "taken back: {} back, {} in the trash; its own id is {}\n",
        counted(report.restored + report.moved_back, "thing"),
        report.discarded,
        report.undo
    );
    if !report.submitted.is_empty() {
        let jobs: Vec<String> =
            report.submitted.iter().map(|(job, frames)| format!("{job} {}", frames_named(frames))).collect();
        let _infallible = writeln!(text, "submitted again: {}", few(&jobs, NAMED, "job"));
    }
    text
}

/// Every change, newest first.
pub fn list(history: &History) -> String {
    if history.entries.is_empty() {
        return "nothing was changed within the time that the trash is held\n".to_owned();
    }
    let mut table = Table::new(&["ID", "WHEN", "WHAT", "OF", "STATE", "IN TRASH", "BY"]);
    for entry in &history.entries {
        let id = entry.id.to_string();
        let by = entry.by.as_ref().map(|by| format!("{}@{}", by.user, by.host)).unwrap_or_default();
        let trashed = if entry.trashed == 0 { String::new() } else { entry.trashed.to_string() };
        let when = entry.at.whole_seconds().to_string();
        table.row(&[&id[..8], &when, &entry.kind, &of(entry), standing(entry.standing), &trashed, &by]);
    }
    table.to_string()
}

fn of(entry: &Entry) -> String {
    let Some(home) = &entry.home else { return String::new() };
    match &entry.jobs[..] {
        [] => home.to_string(),
        [job] => format!("{home}/{job}"),
        jobs => format!("{home}, {}", counted(jobs.len(), "job")),
    }
}

/// The word for it, for people.
fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Open => "can be undone",
        Standing::Undone => "undone",
        Standing::Undo => "undo, by id",
        Standing::Automatic => "farm's own, by id",
        Standing::Empty => "changed nothing",
        Standing::Expired => "held no longer",
        Standing::Purged => "erased",
    }
}

/// What is in the trash.
pub fn trash(listing: &Listing) -> String {
    if listing.transactions.is_empty() {
        return "the trash is empty\n".to_owned();
    }
    let mut table = Table::new(&["ID", "SINCE", "HELD UNTIL", "OF", "WHAT", "FILES", "SIZE", "WHY"]);
    for one in &listing.transactions {
        let id = one.id.to_string();
        let until = if one.expired { "over".to_owned() } else { one.until.whole_seconds().to_string() };
        table.row(&[
            &id[..8],
            &one.at.whole_seconds().to_string(),
            &until,
            one.release.as_ref().map_or("", |home| home.as_str()),
            &one.kind,
            &one.files.to_string(),
            &Bytes(one.bytes).to_string(),
            &one.reason,
        ]);
    }
    let bytes: u64 = listing.transactions.iter().map(|one| one.bytes).sum();
    format!("{table}{} in the trash\n", Bytes(bytes))
}
