//! What an undo would do and did, and what is in the trash, for people.

use super::table::Table;
use crate::base::counted::{agree, counted, few, frames_named};
use crate::base::frame_set::FrameSet;
use crate::base::ids::TransactionId;
use crate::base::name::{Home, JobRef};
use crate::base::rel_path::RelPath;
use crate::base::size::Bytes;
use crate::ops::change::KILL;
use crate::ops::harvest::JOURNAL_KIND as HARVEST;
use crate::ops::trash::Listing;
use crate::ops::undo::{Already, Entry, History, JobFate, Standing, UndoPlan, UndoReport, UndoneJob};
use std::fmt::Write;

/// So many paths and jobs are named.
const NAMED: usize = 5;

/// What taking a change back would do.
pub fn plan(plan: &UndoPlan) -> String {
    let mut text = format!("{} {} of {}, {}\n", plan.kind, short(plan.id), plan.release, plan.at.whole_seconds());
    if !plan.command.is_empty() {
        let _infallible = writeln!(text, "  made by: {}", plan.command);
    }
    if let Some((kind, id)) = &plan.had_again {
        let _infallible = writeln!(text, "  with it the {kind} {} was had again", short(*id));
    }
    for job in &plan.jobs {
        let _infallible = writeln!(text, "  {}", of_job(job));
    }
    for (paths, what) in [(&plan.restored, "back from the trash"), (&plan.discarded, "to the trash")] {
        if !paths.is_empty() {
            let names: Vec<String> = paths.iter().map(RelPath::to_string).collect();
            let _infallible = writeln!(text, "  {what}: {}", few(&names, NAMED, ""));
        }
    }
    if plan.moved_back > 0 {
        let (count, release) = (counted(plan.moved_back, "harvested file"), &plan.release);
        let _infallible = writeln!(text, "  from dist/{release} back to where they came from: {count}");
    }
    if plan.resubmits {
        text.push_str(
            "  of the jobs whose runs it ended, what is missing or broken then and nobody renders is submitted again\n",
        );
    }
    text
}

fn of_job(job: &UndoneJob) -> String {
    let fate = match (job.verdict, &job.reference.home) {
        (JobFate::Removed, Home::Quick) => "is gone from quick/",
        (JobFate::Removed, Home::Release(_)) => "is taken out of the release",
        (JobFate::Reverted, _) => "becomes what it was before",
        (JobFate::Kept, _) => "stays as it is",
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
pub fn report(plan: &UndoPlan, report: &UndoReport) -> String {
    let told = [
        (report.restored, format!("{} back from the trash", report.restored)),
        (report.moved_back, format!("{} back where they came from", counted(report.moved_back, "harvested file"))),
        (report.discarded, format!("{} in the trash", report.discarded)),
    ];
    let told: Vec<String> = told.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words).collect();
    let what = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
    let again = again(&plan.kind, &plan.release, report.undo);
    let mut text = format!("the {} {} is taken back{what}; to have it again: `{again}`", plan.kind, short(plan.id));
    if plan.resubmits {
        let _infallible = write!(text, "\n{}", submitted(&report.submitted));
    }
    text
}

/// What brings back what an undo took.
fn again(kind: &str, release: &Home, undo: TransactionId) -> String {
    match kind {
        HARVEST => format!("farm harvest release {release}"),
        _ => format!("farm undo {}", short(undo)),
    }
}

/// As the list shows it.
fn short(id: TransactionId) -> String {
    id.to_string()[..8].to_owned()
}

/// What was submitted again.
pub fn submitted(jobs: &[(JobRef, FrameSet)]) -> String {
    match jobs {
        [] => "nothing to submit: of the jobs whose runs it ended, no frame is missing or broken that nobody renders"
            .to_owned(),
        jobs => format!("submitted again: {}", named(jobs)),
    }
}

fn named(jobs: &[(JobRef, FrameSet)]) -> String {
    let jobs: Vec<String> = jobs.iter().map(|(job, frames)| format!("{job} {}", frames_named(frames))).collect();
    few(&jobs, NAMED, "job")
}

/// Nothing is left to take back.
pub fn already(already: &Already) -> String {
    let next = again(&already.kind, &already.had_ended.home, already.undo);
    format!("{}; nothing was taken back\n  next: To have it again: `{next}`.", was_taken_back(already))
}

/// What of it would be submitted again.
pub fn to_resubmit(already: &Already, missing: &[(JobRef, FrameSet)]) -> String {
    let words = match missing {
        [] => submitted(&[]),
        missing => format!("to submit again: {}", named(missing)),
    };
    format!("{}; {words}", was_taken_back(already))
}

fn was_taken_back(already: &Already) -> String {
    format!("the {} {} was taken back already", already.kind, short(already.id))
}

/// Every change, newest first.
pub fn list(history: &History) -> String {
    if history.entries.is_empty() {
        return "nothing was changed within the time that the trash is held\n".to_owned();
    }
    let mut table = Table::new(&["ID", "WHEN", "WHAT", "OF", "STATE", "IN TRASH", "BY"]);
    for entry in &history.entries {
        let by = entry.by.as_ref().map(|by| format!("{}@{}", by.user, by.host)).unwrap_or_default();
        let trashed = if entry.trashed == 0 { String::new() } else { entry.trashed.to_string() };
        let when = entry.at.whole_seconds().to_string();
        let what = entry.undoes().map_or(entry.kind.clone(), |undone| format!("undo of {}", short(undone)));
        table.row(&[&short(entry.id), &when, &what, &of(entry), standing(entry), &trashed, &by]);
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
fn standing(entry: &Entry) -> &'static str {
    match entry.standing {
        Standing::Open if entry.kind == KILL => "can be undone, with --resubmit",
        Standing::Open => "can be undone",
        Standing::Undone => "undone",
        Standing::Undo if entry.is_of_a_harvest() => "had again by harvesting",
        Standing::Undo => "can be undone, by its id",
        Standing::Automatic => "farm's own, can be undone by its id",
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
        let until = if one.expired { "over".to_owned() } else { one.until.whole_seconds().to_string() };
        table.row(&[
            &short(one.id),
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
