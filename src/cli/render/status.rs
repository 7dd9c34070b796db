//! The status of releases and jobs, for people.

use super::table::Table;
use crate::base::counted::{counted, frames_named};
use crate::base::time::human;
use crate::ops::check::FrameCounts;
use crate::ops::status::{JobState, ReleaseState, StatusReport, WorkerState};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// Releases, jobs, workers, then every failure and stale input in a line.
pub fn text(report: &StatusReport) -> String {
    if report.releases.is_empty() && report.unreadable.is_empty() && report.interrupted.is_empty() {
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
            &job.seconds_per_frame.map(pace).unwrap_or_default(),
            &job.eta_seconds.map(|s| human(Duration::from_secs(s))).unwrap_or_default(),
        ]);
    }
    table.to_string()
}

/// Light frames take less than a tenth of a second, which is not nothing.
fn pace(seconds: f64) -> String {
    if seconds < 1.0 { format!("{seconds:.2}s") } else { format!("{seconds:.1}s") }
}

fn workers(report: &StatusReport) -> String {
    let mut table = Table::new(&["WORKER", "STATUS", "WORKS ON", "LAST SEEN"]);
    let (gone, here): (Vec<&WorkerState>, Vec<&WorkerState>) =
        report.workers.iter().partition(|worker| worker.is_long_gone);
    for worker in &here {
        let seen = worker.last_seen.map(|t| t.to_string()).unwrap_or_default();
        table.row(&[&worker.name, &worker.status, worker.job.as_deref().unwrap_or(""), &seen]);
    }
    let table = if here.is_empty() { String::new() } else { table.to_string() };
    match gone.len() {
        0 => table,
        count => format!("{table} {} not seen for a day or more: left out\n", counted(count, "worker")),
    }
}

fn remarks(report: &StatusReport) -> String {
    let mut text = String::new();
    let of = |job: &JobState, word: &str, lines: &[String]| {
        lines.iter().map(|line| format!("{word}: {}: {line}\n", job.reference)).collect::<String>()
    };
    for job in &report.jobs {
        text.push_str(&of(job, "failed", &job.failures));
        if job.has_ended() && !job.missing.is_empty() {
            text.push_str(&of(job, "missing", &[short(&frames_named(&job.missing))]));
        }
        if !job.outdated.is_empty() {
            let words = format!("{} in dist/ until the next harvest", short(&frames_named(&job.outdated)));
            text.push_str(&of(job, "out of date", &[words]));
        }
        text.push_str(&of(job, "stale input", &job.stale_inputs));
    }
    let others: BTreeSet<&String> = report.jobs.iter().filter_map(|job| job.elsewhere.as_ref()).collect();
    for manager in others {
        let _infallible =
            writeln!(text, "elsewhere: submitted to the Manager {manager}, and only that one knows how far it is");
        let _infallible = writeln!(text, "  next: name that one with --manager {manager}");
    }
    for one in &report.interrupted {
        let _infallible = writeln!(text, "interrupted: {}: {one}", one.release);
    }
    if !report.interrupted.is_empty() {
        text.push_str("  next: `farm recover` finishes it or takes it back\n");
    }
    for line in &report.unreadable {
        let _infallible = writeln!(text, "unreadable: {line}");
    }
    if !report.unreadable.is_empty() {
        text.push_str("  next: `farm doctor` says what to do\n");
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// A text of frames that fits into a line: every second frame of a film would not.
fn short(frames: &str) -> String {
    const LONGEST: usize = 120;
    match frames.char_indices().take(LONGEST).filter(|(_, c)| *c == ',').last() {
        Some((end, _)) if frames.len() > LONGEST => format!("{} and more", &frames[..end]),
        _ => frames.to_owned(),
    }
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
    fn long_lists_of_frames_are_cut_between_two() {
        assert_eq!(short("1-3,7"), "1-3,7");
        let long: Vec<String> = (0..90).map(|n| (n * 7).to_string()).collect();
        let cut = short(&long.join(","));
        assert!(cut.len() < 140 && cut.ends_with(" and more"), "{cut}");
        assert!(long.contains(&cut.trim_end_matches(" and more").rsplit(',').next().unwrap_or_default().to_owned()));
    }

    #[test]
    fn workers_of_long_ago_are_counted_not_listed() {
        let worker = |name: &str, is_long_gone| WorkerState {
            name: name.into(),
            status: "offline".into(),
            last_seen: None,
            job: None,
            is_long_gone,
        };
        let workers = vec![worker("old", true), worker("new", false)];
        let text = super::workers(&StatusReport { workers, ..StatusReport::default() });
        assert!(text.contains("new") && !text.contains("old") && text.contains("1 worker not"), "{text}");
    }

    #[test]
    fn the_bar_always_has_twenty_cells() {
        for (ok, bad, missing) in [(0, 0, 0), (1, 0, 0), (0, 1, 999), (999, 1, 0), (7, 3, 11)] {
            let counts = FrameCounts { expected: ok + bad + missing, ok, bad, missing, suspect: 0 };
            assert_eq!(bar(&counts).len(), 22, "{counts:?}");
        }
    }
}
