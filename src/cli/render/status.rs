//! The status of releases and jobs, for people.

use super::table::Table;
use crate::base::time::human;
use crate::ops::check::FrameCounts;
use crate::ops::status::{JobState, ReleaseState, StatusReport};
use std::fmt::Write;
use std::time::Duration;

/// Releases, jobs, workers, then every failure and stale input in a line.
pub fn text(report: &StatusReport) -> String {
    if report.releases.is_empty() && report.unreadable.is_empty() {
        return "No releases yet. Make one with `farm plan release NAME SCENE…`.\n".to_owned();
    }
    let mut text = releases(report);
    text.push('\n');
    text.push_str(&jobs(report));
    if !report.workers.is_empty() {
        text.push('\n');
        text.push_str(&workers(report));
    }
    text + &remarks(report)
}

fn releases(report: &StatusReport) -> String {
    let mut table = Table::new(&["RELEASE", "STATE", "JOBS", "FRAMES", ""]);
    for release in &report.releases {
        let state = state(release.state);
        table.row(&[
            release.name.as_str(),
            state,
            &release.jobs.to_string(),
            &frames(&release.frames),
            &bar(&release.frames),
        ]);
    }
    table.to_string()
}

fn jobs(report: &StatusReport) -> String {
    let mut table = Table::new(&["JOB", "STATUS", "FRAMES", "MISSING", "BAD", "SUSPECT", "PER FRAME", "LEFT"]);
    for job in &report.jobs {
        table.row(&[
            &job.reference.to_string(),
            &job.status,
            &frames(&job.frames),
            &count(job.frames.missing),
            &count(job.frames.bad),
            &count(job.frames.suspect),
            &job.seconds_per_frame.map(|s| format!("{s:.1}s")).unwrap_or_default(),
            &job.eta_seconds.map(|s| human(Duration::from_secs(s))).unwrap_or_default(),
        ]);
    }
    table.to_string()
}

fn workers(report: &StatusReport) -> String {
    let mut table = Table::new(&["WORKER", "STATUS", "WORKS ON", "LAST SEEN"]);
    for worker in &report.workers {
        let seen = worker.last_seen.map(|t| t.to_string()).unwrap_or_default();
        table.row(&[&worker.name, &worker.status, worker.job.as_deref().unwrap_or(""), &seen]);
    }
    table.to_string()
}

fn remarks(report: &StatusReport) -> String {
    let mut text = String::new();
    let of = |job: &JobState, word: &str, lines: &[String]| {
        lines.iter().map(|line| format!("{word}: {}: {line}\n", job.reference)).collect::<String>()
    };
    for job in &report.jobs {
        text.push_str(&of(job, "failed", &job.failures));
        text.push_str(&of(job, "stale input", &job.stale_inputs));
    }
    for line in &report.unreadable {
        let _infallible = writeln!(text, "unreadable: {line}");
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

fn state(state: ReleaseState) -> &'static str {
    match state {
        ReleaseState::Planned => "planned",
        ReleaseState::Rendering => "rendering",
        ReleaseState::Paused => "paused",
        ReleaseState::Incomplete => "incomplete",
        ReleaseState::Rendered => "rendered",
        ReleaseState::Harvested => "harvested",
    }
}

fn frames(counts: &FrameCounts) -> String {
    format!("{}/{}", counts.ok, counts.expected)
}

fn count(n: u64) -> String {
    if n == 0 { String::new() } else { n.to_string() }
}

/// Twenty cells: `=` good, `!` bad or suspect, `.` missing.
fn bar(counts: &FrameCounts) -> String {
    const CELLS: u64 = 20;
    let cells = |n: u64| usize::try_from(n * CELLS / counts.expected.max(1)).unwrap_or_default();
    let wrong = counts.bad + counts.suspect;
    let good = cells(counts.ok);
    let marked = cells(counts.ok + wrong).max(good + usize::from(wrong > 0 && good < CELLS as usize)) - good;
    format!("[{}{}{}]", "=".repeat(good), "!".repeat(marked), ".".repeat(CELLS as usize - good - marked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_always_has_twenty_cells() {
        for (ok, bad, missing) in [(0, 0, 0), (1, 0, 0), (0, 1, 999), (999, 1, 0), (7, 3, 11)] {
            let counts = FrameCounts { expected: ok + bad + missing, ok, bad, missing, suspect: 0 };
            assert_eq!(bar(&counts).len(), 22, "{counts:?}");
        }
    }
}
