//! Tasks, workers and frames that a query found, for people.

use super::table::Table;
use crate::base::counted::counted;
use crate::base::time::Timestamp;
use crate::ops::ask::frames::{FrameListing, FrameStatus, MatchingJob};
use crate::ops::ask::tasks::{ListedTask, TaskListing};
use crate::ops::ask::workers::ListedWorker;
use std::fmt::Write;

/// So many letters of an id are enough to ask for it.
const ID: usize = 8;
/// How many bad or suspect frames of a job are told of one by one.
const CAUSES: usize = 5;

/// A line for each task.
pub fn tasks(listing: &TaskListing) -> String {
    let mut text = match listing.tasks.is_empty() {
        true => "No tasks yet. `farm plan release NAME SCENE…` makes some.\n".to_owned(),
        false => task_table(&listing.tasks).to_string(),
    };
    unreadable(&mut text, &listing.unreadable);
    text
}

fn task_table(tasks: &[ListedTask]) -> Table {
    let mut table = Table::new(&["JOB", "RUN", "TASK", "STATUS", "TYPE", "WORKER", "CHANGED", "ID"]);
    for task in tasks {
        table.row(&[
            task.reference.as_deref().unwrap_or(&task.job),
            &task.run_number.map(|number| number.to_string()).unwrap_or_default(),
            &task.name,
            task.status.as_str(),
            &task.task_type,
            task.worker.as_deref().unwrap_or_default(),
            &task.updated.to_string(),
            &task.id.0.chars().take(ID).collect::<String>(),
        ]);
    }
    table
}

/// A line for each worker.
pub fn workers(workers: &[ListedWorker]) -> String {
    if workers.is_empty() {
        return "No workers yet. `farm work` is one of the local queue; Flamenco has its own.\n".to_owned();
    }
    let mut table = Table::new(&["WORKER", "STATUS", "VERSION", "PLATFORM", "TAGS", "WORKS ON", "LAST SEEN"]);
    for worker in workers {
        let status = match &worker.requested {
            Some(requested) => format!("{}, to be {requested}", worker.status),
            None => worker.status.to_string(),
        };
        table.row(&[
            &worker.name,
            &status,
            &worker.version,
            &worker.platform,
            &worker.tags.join(","),
            &works_on(worker),
            &when(worker.last_seen),
        ]);
    }
    table.to_string()
}

fn works_on(worker: &ListedWorker) -> String {
    let job = worker.reference.as_deref().or(worker.job.as_deref());
    [job, worker.task.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The frames of each job by their status, then why single ones are not fine.
pub fn frames(listing: &FrameListing) -> String {
    let mut text = match listing.jobs.is_empty() {
        true => "No frames yet. `farm plan release NAME SCENE…` makes some.\n".to_owned(),
        false => frame_table(&listing.jobs).to_string(),
    };
    let causes: String = listing.jobs.iter().map(causes).collect();
    if !causes.is_empty() {
        let _infallible = write!(text, "\n{causes}");
    }
    unreadable(&mut text, &listing.unreadable);
    text
}

fn frame_table(jobs: &[MatchingJob]) -> Table {
    let mut table = Table::new(&["JOB", "STATUS", "COUNT", "HARVESTED", "FRAMES"]);
    for one in jobs {
        for status in FrameStatus::ALL {
            let frames = one.of_status(status);
            if frames.is_empty() {
                continue;
            }
            let harvested = frames.common(&one.job.frames.harvested).len();
            table.row(&[
                &one.job.reference.to_string(),
                status.as_str(),
                &frames.len().to_string(),
                &if harvested > 0 { harvested.to_string() } else { String::new() },
                &frames.to_string(),
            ]);
        }
    }
    table
}

/// A line for each of the first frames of a job of which there is something to say.
fn causes(one: &MatchingJob) -> String {
    let (mut text, mut more) = (String::new(), 0_usize);
    for (place, frame) in one.with_causes().enumerate() {
        if place >= CAUSES {
            more += 1;
            continue;
        }
        let (status, cause) = (frame.status().as_str(), frame.cause().unwrap_or_default());
        let _infallible = writeln!(text, "{status}: {}: frame {}: {cause}", one.job.reference, frame.frame);
    }
    if more > 0 {
        let _infallible =
            writeln!(text, "{}: {}, which --json tells of", one.job.reference, counted(more, "more frame"));
    }
    text
}

fn unreadable(text: &mut String, lines: &[String]) {
    for line in lines {
        let _infallible = writeln!(text, "unreadable: {line}");
    }
    if !lines.is_empty() {
        text.push_str("  next: `farm doctor` says what to do\n");
    }
}

fn when(time: Option<Timestamp>) -> String {
    time.map(|time| time.to_string()).unwrap_or_default()
}
