//! What the logs of ended tasks say: seconds per frame, and lines that mean wrong pixels. Each log is read once.

use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::TaskId;
use crate::base::status::TaskStatus;
use crate::frames::hopeless;
use crate::frames::render_log::{RenderLog, log_as_written};
use crate::frames::suspicion::{self, SuspicionKind};
use crate::ops::check::job_frames::FrameSuspicion;
use crate::ops::check::open_work::{Openness, RunWork};
use crate::ops::ports::Ports;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

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
    let log = &log_as_written(log);
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
    let mut found = Causes::default();
    for (run, later) in runs.iter().zip(rendered_later(runs)) {
        for task in &run.tasks {
            for (frames, cause) in notes.get(&task.id).map_or(&[][..], |notes| &notes.suspicions) {
                found.add(frames.minus(&later), cause);
            }
        }
    }
    found.into_suspicions()
}

/// For each run, what those after it rendered.
fn rendered_later(runs: &[RunWork]) -> Vec<FrameSet> {
    let mut later = vec![FrameSet::default(); runs.len()];
    for at in (1..runs.len()).rev() {
        later[at - 1] = later[at].union(&completed(&runs[at]));
    }
    later
}

/// Frames by what is said of them, in the order in which it was first said.
#[derive(Default)]
struct Causes<'a> {
    frames: Vec<(&'a str, Vec<FrameSet>)>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Causes<'a> {
    fn add(&mut self, frames: FrameSet, cause: &'a str) {
        if frames.is_empty() {
            return;
        }
        let place = *self.places.entry(cause).or_insert(self.frames.len());
        match self.frames.get_mut(place) {
            Some((_, sets)) => sets.push(frames),
            None => self.frames.push((cause, vec![frames])),
        }
    }

    fn into_suspicions(self) -> Vec<FrameSuspicion> {
        let one = |(cause, sets): (&str, Vec<FrameSet>)| FrameSuspicion {
            frames: FrameSet::union_of(&sets),
            cause: cause.to_owned(),
        };
        self.frames.into_iter().map(one).collect()
    }
}

/// Why the newest run would fail again, if one of its logs leaves no doubt.
pub fn hopeless(runs: &[RunWork], notes: &JobNotes) -> Option<String> {
    let tasks = runs.last().map_or(&[][..], |run| &run.tasks);
    tasks.iter().find_map(|task| notes.get(&task.id)?.hopeless.clone())
}

fn completed(run: &RunWork) -> FrameSet {
    let tasks = run.tasks.iter().filter(|task| task.status == TaskStatus::Completed);
    FrameSet::union_of(tasks.map(|task| &task.frames))
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
    fn frames_of_one_cause_are_told_of_together_however_often_they_were_rendered() {
        let said = |frames: &str, cause: &str| TaskNotes {
            suspicions: vec![(set(frames), cause.to_owned())],
            ..TaskNotes::default()
        };
        let notes = JobNotes::from([
            (TaskId("a".into()), said("1-4", "pink")),
            (TaskId("b".into()), said("2-3", "black")),
            (TaskId("c".into()), said("3", "pink")),
        ]);
        let runs = [run(1, "a", "1-4"), run(2, "b", "2-3"), run(3, "c", "3")];
        let found: Vec<_> =
            suspicions(&runs, &notes).into_iter().map(|one| (one.frames.to_string(), one.cause)).collect();
        assert_eq!(found, [("1,3-4".to_owned(), "pink".to_owned()), ("2".to_owned(), "black".to_owned())]);
    }

    #[test]
    fn a_skipped_frame_is_not_suspect() {
        let notes = note("skipping existing frame \"/o/000001.png\"\n", &set("1"));
        assert_eq!(notes, TaskNotes::default());
    }
}
