//! What the logs of ended tasks say: seconds per frame, and lines that mean wrong pixels. Each log is read once.

use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::TaskId;
use crate::base::status::TaskStatus;
use crate::frames::hopeless;
use crate::frames::render_log::RenderLog;
use crate::frames::suspicion::{self, SuspicionKind};
use crate::ops::check::job_frames::FrameSuspicion;
use crate::ops::check::open_work::{Openness, RunWork};
use crate::ops::ports::Ports;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one ended task's log says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TaskNotes {
    /// Frames and why they are suspect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspicions: Vec<(FrameSet, String)>,
    /// Why the task would fail again, if that is certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hopeless: Option<String>,
    /// Frames whose time is known.
    #[serde(default)]
    pub timed: u32,
    /// The mean seconds of those.
    #[serde(default)]
    pub seconds: f64,
}

/// The notes of all ended tasks of a job, by the Manager's ids.
pub type JobNotes = BTreeMap<TaskId, TaskNotes>;

/// The notes of every task of `runs` that has ended; those in `known` are not read again.
pub fn read(ports: &Ports<'_>, runs: &[RunWork], known: &JobNotes) -> Result<JobNotes, Failure> {
    let mut notes = JobNotes::new();
    for task in runs.iter().flat_map(|run| &run.tasks) {
        // A task that was never begun has no log, one that is under way has no end.
        if task.openness == Openness::Open {
            continue;
        }
        let of_task = match known.get(&task.id) {
            Some(known) => known.clone(),
            None => {
                let log = ports.manager.log(&task.id)?.unwrap_or_default();
                note(&String::from_utf8_lossy(&log), &task.frames)
            }
        };
        notes.insert(task.id.clone(), of_task);
    }
    Ok(notes)
}

fn note(log: &str, frames: &FrameSet) -> TaskNotes {
    let rendered = RenderLog::read(log);
    // A frame that was skipped was there before, and was checked then as it is now.
    let told = suspicion::suspicions(log).into_iter().filter(|one| one.kind != SuspicionKind::FrameSkipped);
    let suspicions =
        told.map(|one| (one.frames.unwrap_or_else(|| frames.clone()), format!("{}: {}", one.kind, one.line)));
    TaskNotes {
        suspicions: suspicions.collect(),
        hopeless: hopeless::cause(log).map(str::to_owned),
        timed: rendered.saved.iter().filter(|saved| saved.seconds.is_some()).count() as u32,
        seconds: rendered.seconds_per_frame().unwrap_or_default(),
    }
}

/// The suspicions that still hold: a frame that a later run rendered again is judged by that run's log.
pub fn suspicions(runs: &[RunWork], notes: &JobNotes) -> Vec<FrameSuspicion> {
    let mut found: Vec<FrameSuspicion> = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let later = runs[at + 1..].iter().fold(FrameSet::default(), |all, run| all.union(&completed(run)));
        for task in &run.tasks {
            for (frames, cause) in notes.get(&task.id).map_or(&[][..], |notes| &notes.suspicions) {
                add(&mut found, frames.minus(&later), cause);
            }
        }
    }
    found
}

/// Why the newest run would fail again, if one of its logs leaves no doubt.
pub fn hopeless(runs: &[RunWork], notes: &JobNotes) -> Option<String> {
    let tasks = runs.last().map_or(&[][..], |run| &run.tasks);
    tasks.iter().find_map(|task| notes.get(&task.id)?.hopeless.clone())
}

fn completed(run: &RunWork) -> FrameSet {
    let tasks = run.tasks.iter().filter(|task| task.status == TaskStatus::Completed);
    tasks.fold(FrameSet::default(), |all, task| all.union(&task.frames))
}

fn add(found: &mut Vec<FrameSuspicion>, frames: FrameSet, cause: &str) {
    if frames.is_empty() {
        return;
    }
    match found.iter_mut().find(|one| one.cause == cause) {
        Some(one) => one.frames = one.frames.union(&frames),
        None => found.push(FrameSuspicion { frames, cause: cause.to_owned() }),
    }
}

/// The mean seconds per frame over all logs that tell; `None` if none does.
pub fn seconds_per_frame(notes: &JobNotes) -> Option<f64> {
    let frames: f64 = notes.values().map(|note| f64::from(note.timed)).sum();
    let seconds: f64 = notes.values().map(|note| f64::from(note.timed) * note.seconds).sum();
    (frames > 0.0).then(|| seconds / frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::RunId;
    use crate::base::status::JobStatus;
    use crate::ops::check::open_work::TaskWork;

    fn set(text: &str) -> FrameSet {
        text.parse().expect("frames")
    }

    fn run(number: u32, task: &str, frames: &str) -> RunWork {
        let status = TaskStatus::Completed;
        let task = TaskWork { id: TaskId(task.into()), status, frames: set(frames), openness: Openness::Quiet };
        RunWork { run: RunId::NONE, number, status: JobStatus::Completed, tasks: vec![task] }
    }

    #[test]
    fn a_later_run_clears_its_frames() {
        let log = "Error in PyDriver: expression failed\nFra:1 Mem:1M\nSaved: '/o/000001.png'\n Time: 00:02.00 (Saving: 00:00.02)\n\
                   Fra:2 Mem:1M\nSaved: '/o/000002.png'\n Time: 00:04.00 (Saving: 00:00.02)\n";
        let notes = JobNotes::from([
            (TaskId("a".into()), note(log, &set("1-2"))),
            (TaskId("b".into()), note("Fra:2\nSaved: '/o/000002.png'\n", &set("2"))),
        ]);
        let runs = [run(1, "a", "1-2"), run(2, "b", "2")];
        let found = suspicions(&runs, &notes);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].frames, set("1"));
        assert!(found[0].cause.starts_with("a driver failed: "), "{found:?}");
        assert_eq!(seconds_per_frame(&notes), Some(3.0));
    }

    #[test]
    fn a_skipped_frame_is_not_suspect() {
        let notes = note("skipping existing frame \"/o/000001.png\"\n", &set("1"));
        assert_eq!(notes, TaskNotes::default());
    }
}
