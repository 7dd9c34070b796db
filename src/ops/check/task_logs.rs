//! What the logs of ended tasks say: seconds per frame, and lines that mean wrong pixels. Each log is read once.

use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, TaskId};
use crate::base::time::Timestamp;
use crate::frames::hopeless;
use crate::frames::render_log::{RenderLog, log_as_written};
use crate::frames::suspicion::{self, SuspicionKind};
use crate::manager::{ManagerError, ManagerTask};
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::check::job_frames::FrameSuspicion;
use crate::ops::check::open_work::{CompletedJob, RunWork, frames_of};
use crate::ops::check::openness::Openness;
use crate::ops::check::task_workers::Had;
use crate::ops::ports::Ports;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// What the log of an ended task says, or what those of all tasks of a completed run say together.
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

/// What a log says, and of when that is; or what those of a completed run say, whose tasks need not be asked for again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dated {
    /// When its task, or its job, changed last. If that is another time now, it may have been rendered again.
    pub updated: Timestamp,
    /// What it says.
    pub notes: TaskNotes,
}

/// The notes of a job, by the Manager's ids.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct JobNotes {
    /// Of ended tasks, where their run is not completed as a whole.
    #[serde(default)]
    pub tasks: BTreeMap<TaskId, Dated>,
    /// Of completed runs.
    #[serde(default)]
    pub completed: BTreeMap<JobId, Dated>,
    /// Who had tasks of which their lists do not say it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub workers: BTreeMap<TaskId, Had>,
}

/// A job whose logs are to be read: its runs, and what is known of them.
pub type ToRead<'a> = (&'a [RunWork], &'a JobNotes);

/// The notes of every task of `runs` that has ended; what is in `known` and did not change since is not read again.
pub fn read(ports: &Ports<'_>, runs: &[RunWork], known: &JobNotes) -> Result<JobNotes, Failure> {
    Ok(read_all(ports, &[(runs, known)])?.pop().unwrap_or_default())
}

/// The same for many jobs, in their order. What has to be read of all of them is one list, so that no more is asked at
/// once than of a single one.
pub fn read_all(ports: &Ports<'_>, jobs: &[ToRead<'_>]) -> Result<Vec<JobNotes>, Failure> {
    let mut notes = vec![JobNotes::default(); jobs.len()];
    let mut groups = of_newly_completed(ports, jobs)?;
    for (at, (runs, known)) in jobs.iter().enumerate() {
        for run in *runs {
            let whole = run.completed.as_ref().and_then(|job| Some((job.id.clone(), known.of_completed(job)?.clone())));
            notes[at].completed.extend(whole);
            notes[at].workers.extend(run.tasks.iter().filter_map(|task| Some((task.id.clone(), task.had.clone()?))));
            groups.push(Group { job: at, whole: None, ended: ended(run, known) });
        }
    }
    let unread: Vec<&Ended<'_>> =
        groups.iter().flat_map(|group| &group.ended).filter(|task| task.known.is_none()).collect();
    let read = try_by_hands(ports, hands(ports), &unread, |task| {
        let log = ports.manager.log(&task.id)?.unwrap_or_default();
        Ok::<_, ManagerError>(note(&String::from_utf8_lossy(&log), &task.frames))
    })?;
    let mut read = read.into_iter();
    for group in groups {
        let told = group.ended.into_iter().map(|task| {
            let known_or_read = task.known.cloned().or_else(|| read.next());
            (task.id, task.updated, known_or_read.expect("each that is not known was read, in this order"))
        });
        notes[group.job].add(group.whole, told);
    }
    Ok(notes)
}

/// So many ask at once: as many as a Manager on another machine bears. The local one's logs are files, read as all are.
fn hands(ports: &Ports<'_>) -> usize {
    if ports.manager.is_remote() { ports.manager.requests_at_once() } else { ports.actor.threads }
}

/// Tasks that have ended, of one run.
struct Group<'a> {
    /// The place of their job.
    job: usize,
    /// The completed run that they are told of as a whole.
    whole: Option<&'a CompletedJob>,
    ended: Vec<Ended<'a>>,
}

/// A task that has ended.
struct Ended<'a> {
    id: TaskId,
    updated: Timestamp,
    frames: FrameSet,
    /// What its log says, if that was read.
    known: Option<&'a TaskNotes>,
}

impl<'a> Ended<'a> {
    fn new(known: &'a JobNotes, id: &TaskId, updated: Timestamp, frames: FrameSet) -> Self {
        Ended { id: id.clone(), updated, frames, known: known.of_task(id, updated) }
    }
}

/// The tasks of completed runs that nothing is known of. They are asked for this once.
fn of_newly_completed<'a>(ports: &Ports<'_>, jobs: &[ToRead<'a>]) -> Result<Vec<Group<'a>>, Failure> {
    let mut wanted: Vec<(usize, &'a JobNotes, &'a RunWork, &'a CompletedJob)> = Vec::new();
    for (at, &(runs, known)) in jobs.iter().enumerate() {
        let completed = runs.iter().filter_map(|run| Some((at, known, run, run.completed.as_ref()?)));
        wanted.extend(completed.filter(|(_, known, _, job)| known.of_completed(job).is_none()));
    }
    let lists = try_by_hands(ports, hands(ports), &wanted, |(_, _, _, job)| ports.manager.tasks(&job.id))?;
    let group = |((at, known, run, job), tasks): ((_, &'a JobNotes, &RunWork, _), Vec<ManagerTask>)| {
        let ended = |task: &ManagerTask| Ended::new(known, &task.id, task.updated, frames_of(task, &run.frames));
        Group { job: at, whole: Some(job), ended: tasks.iter().map(ended).collect() }
    };
    Ok(wanted.into_iter().zip(lists).map(group).collect())
}

/// A task that was never begun has no log, one that is under way has no end.
fn ended<'a>(run: &RunWork, known: &'a JobNotes) -> Vec<Ended<'a>> {
    let quiet = run.tasks.iter().filter(|task| task.openness == Openness::Quiet);
    quiet.map(|task| Ended::new(known, &task.id, task.updated, task.frames.clone())).collect()
}

impl TaskNotes {
    /// What all of these say.
    fn together(all: Vec<TaskNotes>) -> TaskNotes {
        let timed = all.iter().map(|one| one.timed).sum();
        let seconds: f64 = all.iter().map(|one| f64::from(one.timed) * one.seconds).sum();
        let mut together = TaskNotes { timed, seconds: seconds / f64::from(timed).max(1.0), ..TaskNotes::default() };
        for one in all {
            together.hopeless = together.hopeless.or(one.hopeless);
            together.suspicions.extend(one.suspicions);
        }
        together
    }
}

impl JobNotes {
    /// What is known of a completed run, if nothing about it changed since.
    fn of_completed(&self, job: &CompletedJob) -> Option<&Dated> {
        self.completed.get(&job.id).filter(|known| known.updated == job.updated)
    }

    /// What is known of a task, if it did not change since: it may have been put back in the queue and rendered again.
    fn of_task(&self, id: &TaskId, updated: Timestamp) -> Option<&TaskNotes> {
        self.tasks.get(id).filter(|known| known.updated == updated).map(|known| &known.notes)
    }

    /// Adds what the logs of these tasks say, as one where their run is completed as a whole.
    fn add(&mut self, whole: Option<&CompletedJob>, told: impl Iterator<Item = (TaskId, Timestamp, TaskNotes)>) {
        match whole {
            Some(job) => {
                let notes = TaskNotes::together(told.map(|(_, _, notes)| notes).collect());
                self.completed.insert(job.id.clone(), Dated { updated: job.updated, notes });
            }
            None => self.tasks.extend(told.map(|(id, updated, notes)| (id, Dated { updated, notes }))),
        }
    }

    /// Those of one run.
    fn of_run<'n>(&'n self, run: &'n RunWork) -> impl Iterator<Item = &'n TaskNotes> {
        let whole = run.completed.as_ref().and_then(|job| self.completed.get(&job.id));
        let tasks = run.tasks.iter().filter_map(|task| self.tasks.get(&task.id));
        whole.into_iter().chain(tasks).map(|dated| &dated.notes)
    }

    fn all(&self) -> impl Iterator<Item = &TaskNotes> {
        self.completed.values().chain(self.tasks.values()).map(|dated| &dated.notes)
    }
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
        for (frames, cause) in notes.of_run(run).flat_map(|notes| &notes.suspicions) {
            found.add(frames.common(&run.frames).minus(&later), cause);
        }
    }
    found.into_suspicions()
}

/// For each run, what those after it rendered.
fn rendered_later(runs: &[RunWork]) -> Vec<FrameSet> {
    let mut later = vec![FrameSet::default(); runs.len()];
    for at in (1..runs.len()).rev() {
        later[at - 1] = later[at].union(&runs[at].completed_frames());
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
    notes.of_run(runs.last()?).find_map(|notes| notes.hopeless.clone())
}

/// The mean seconds per frame over all logs that tell; `None` if none does.
pub fn seconds_per_frame(notes: &JobNotes) -> Option<f64> {
    let frames: f64 = notes.all().map(|note| f64::from(note.timed)).sum();
    let seconds: f64 = notes.all().map(|note| f64::from(note.timed) * note.seconds).sum();
    (frames > 0.0).then(|| seconds / frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::RunId;
    use crate::base::status::{JobStatus, TaskStatus};
    use crate::ops::check::open_work::TaskWork;

    fn set(text: &str) -> FrameSet {
        text.parse().expect("frames")
    }

    fn notes<const N: usize>(of: [(&str, TaskNotes); N]) -> JobNotes {
        let dated = |notes| Dated { updated: Timestamp::from_unix(0), notes };
        let tasks = of.map(|(task, notes)| (TaskId(task.into()), dated(notes))).into();
        JobNotes { tasks, ..JobNotes::default() }
    }

    fn run(number: u32, task: &str, frames: &str) -> RunWork {
        let task = TaskWork {
            id: TaskId(task.into()),
            name: String::new(),
            status: TaskStatus::Completed,
            job_ended: true,
            frames: set(frames),
            openness: Openness::Quiet,
            worker: None,
            worker_name: None,
            updated: Timestamp::from_unix(0),
            had: None,
        };
        RunWork {
            run: RunId::NONE,
            number,
            status: JobStatus::Completed,
            frames: set(frames),
            completed: None,
            waiting: 0,
            tasks: vec![task],
        }
    }

    #[test]
    fn a_later_run_clears_its_frames() {
        let log = "Error in PyDriver: expression failed\nFra:1 Mem:1M\nSaved: '/o/000001.png'\n Time: 00:02.00 (Saving: 00:00.02)\n\
                   Fra:2 Mem:1M\nSaved: '/o/000002.png'\n Time: 00:04.00 (Saving: 00:00.02)\n";
        let notes = notes([("a", note(log, &set("1-2"))), ("b", note("Fra:2\nSaved: '/o/000002.png'\n", &set("2")))]);
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
        let notes = notes([("a", said("1-4", "pink")), ("b", said("2-3", "black")), ("c", said("3", "pink"))]);
        let runs = [run(1, "a", "1-4"), run(2, "b", "2-3"), run(3, "c", "3")];
        let found: Vec<_> =
            suspicions(&runs, &notes).into_iter().map(|one| (one.frames.to_string(), one.cause)).collect();
        assert_eq!(found, [("1,3-4".to_owned(), "pink".to_owned()), ("2".to_owned(), "black".to_owned())]);
    }

    #[test]
    fn what_is_said_of_a_completed_run_is_what_its_tasks_say() {
        let timed = |timed: u32, seconds: f64| TaskNotes { timed, seconds, ..TaskNotes::default() };
        let whole = TaskNotes::together(vec![timed(1, 8.0), timed(3, 4.0), timed(0, 0.0)]);
        assert_eq!((whole.timed, whole.seconds), (4, 5.0));
        assert_eq!(TaskNotes::together(Vec::new()), TaskNotes::default());
        let said = TaskNotes { suspicions: vec![(set("1-4"), "pink".to_owned())], ..TaskNotes::default() };
        let (id, updated) = (JobId("j".into()), Timestamp::from_unix(7));
        let completed = BTreeMap::from([(id.clone(), Dated { updated, notes: said })]);
        let notes = JobNotes { completed, ..JobNotes::default() };
        let mut runs = [run(1, "a", "1-4"), run(2, "b", "2")];
        runs[0].tasks.clear();
        runs[0].completed = Some(CompletedJob { id, updated });
        assert_eq!(suspicions(&runs, &notes)[0].frames, set("1,3-4"), "a later run rendered the second again");
        assert_eq!(runs[0].completed_frames(), set("1-4"));
    }

    #[test]
    fn a_skipped_frame_is_not_suspect() {
        let notes = note("skipping existing frame \"/o/000001.png\"\n", &set("1"));
        assert_eq!(notes, TaskNotes::default());
    }
}
