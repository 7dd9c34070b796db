//! Options of the queue that are asked for, against those with which a job's frames were submitted before.
//!
//! A run keeps what it was submitted with: its priority, its tag, the size of its tasks, whether it waits. To drop such an
//! option in silence because the job is there already would leave somebody waiting for a priority that never comes.

use super::Warning;
use super::request::{Chunk, JobRequest};
use crate::base::counted::{agree, counted, frames_named};
use crate::base::frame_set::FrameSet;
use crate::volume::release_file::{JobRecord, RunRecord};

/// What is asked and was not submitted so.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// An option that none of the frames was submitted with.
    nowhere: Vec<String>,
    /// Frames that were submitted with another one.
    kept: Vec<String>,
}

impl Before {
    /// What to say where nothing is submitted that could have what is asked.
    pub(super) fn refused(&self) -> Option<String> {
        (!self.nowhere.is_empty()).then(|| self.nowhere.join(" and "))
    }

    /// What to say where it counts for a part of the frames.
    pub(super) fn warning(&self) -> Option<Warning> {
        (!self.kept.is_empty()).then(|| Warning {
            code: "queued-before".into(),
            text: format!("submitted before: {}", self.kept.join("; ")),
        })
    }
}

/// One option: what it is called, what a run has, and whether that is what is asked.
struct Choice {
    has: String,
    asked: String,
    is_same: bool,
}

/// Compares what is asked for `frames` with the runs in which they were submitted.
pub(super) fn compare(request: &JobRequest, frames: &FrameSet, record: &JobRecord) -> Before {
    let revision = record.current().number;
    let of_frames = |run: &RunRecord| frames.minus(&frames.minus(&run.frames));
    let runs =
        record.runs.iter().filter(|run| run.revision == revision).map(|run| (of_frames(run), choices(request, run)));
    let runs: Vec<(FrameSet, Vec<Choice>)> = runs.filter(|(frames, _)| !frames.is_empty()).collect();
    let mut before = Before::default();
    for option in 0..runs.first().map_or(0, |(_, choices)| choices.len()) {
        let has_it = |run: &&(FrameSet, Vec<Choice>)| run.1[option].is_same;
        let asked_so = runs.iter().filter(has_it).fold(FrameSet::default(), |all, (frames, _)| all.union(frames));
        for (frames, choices) in runs.iter().filter(|run| !has_it(run)) {
            let Choice { has, asked, .. } = &choices[option];
            let others = frames.minus(&asked_so);
            if !others.is_empty() {
                let verb = agree(others.len(), "keeps", "keep");
                before.kept.push(format!("{} {verb} {has} instead of {asked}", frames_named(&others)));
            }
        }
        if asked_so.is_empty()
            && let Some((_, choices)) = runs.last()
        {
            before.nowhere.push(format!("{} instead of {}", choices[option].has, choices[option].asked));
        }
    }
    before
}

/// The options that were asked for, in an order of their own, as `run` has them.
fn choices(request: &JobRequest, run: &RunRecord) -> Vec<Choice> {
    let mut choices = Vec::new();
    let mut choice = |is_same, has: String, asked: String| choices.push(Choice { has, asked, is_same });
    if request.asked.priority {
        choice(run.priority == request.priority, format!("priority {}", run.priority), request.priority.to_string());
    }
    if let (true, Chunk::Frames(chunk)) = (request.asked.chunk, request.chunk) {
        choice(run.chunk == chunk, format!("{} per task", counted(run.chunk, "frame")), chunk.to_string());
    }
    if let Some(tag) = &request.tag {
        let has = run.tag.as_ref().map_or("no tag".to_owned(), |tag| format!("tag {tag}"));
        choice(run.tag.as_ref() == Some(tag), has, tag.clone());
    }
    if request.paused {
        choice(run.paused, "no pause before it".to_owned(), "one".to_owned());
    }
    choices
}
