//! From what a run does to the tasks that do it. Compiled once, here, whichever Manager keeps the queue.
//!
//! Source of names and parameters: Flamenco's job types and the commands of its Worker (Flamenco 3.9).

pub mod farm_type;
mod render_command;
pub mod simple_blender_render;

use super::{RenderWork, Work};
use crate::base::frame_set::FrameSet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A run as its tasks, where it is not made of a [`Work`].
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// The job type's name.
    pub job_type: String,
    /// The tasks in the order in which they are worked on.
    pub tasks: Vec<CompiledTask>,
}

/// One task: commands that one worker runs one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledTask {
    /// Its name: `render-1-10`.
    pub name: String,
    /// Which workers may take it: `blender`, `ffmpeg`, `file-management`, `misc`.
    pub task_type: String,
    /// The frames it renders; empty for tasks that render none.
    pub frames: FrameSet,
    /// What is run.
    pub commands: Vec<Command>,
}

/// One command of Flamenco's Worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Its name: `blender-render`, `exec`, …
    pub name: String,
    /// Its parameters. Texts may hold `{variables}`, which each worker fills in.
    pub parameters: Map<String, Value>,
}

/// Why a run cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CompileError(pub String);

/// A task before its commands: what a queue keeps of each, for the rest follows from the run's work.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// As [`CompiledTask::name`].
    pub name: String,
    /// As [`CompiledTask::task_type`].
    pub task_type: String,
    /// As [`CompiledTask::frames`].
    pub frames: FrameSet,
}

/// The name of the job type that does `work`.
pub fn job_type(work: &Work) -> &'static str {
    match work {
        Work::SimpleBlenderRender(work) if is_plain(work) => simple_blender_render::JOB_TYPE,
        Work::SimpleBlenderRender(_) => farm_type::JOB_TYPE,
    }
}

/// Whether Flamenco's built-in job type can say it.
fn is_plain(work: &RenderWork) -> bool {
    work.options.is_plain() && work.frames.first().is_none_or(|frame| frame >= 0)
}

/// Refuses work that cannot be compiled.
pub fn check(work: &Work) -> Result<(), CompileError> {
    match work {
        Work::SimpleBlenderRender(work) => simple_blender_render::check(work),
    }
}

/// The tasks of `work`, which was checked, one at a time: there may be a million.
pub fn outlines(work: &Work) -> impl Iterator<Item = Outline> {
    match work {
        Work::SimpleBlenderRender(work) => simple_blender_render::outlines(work),
    }
}

/// What is run for one task: for all frames of `work` at once.
pub fn commands(work: &Work) -> Vec<Command> {
    match work {
        Work::SimpleBlenderRender(work) => simple_blender_render::commands(work),
    }
}

/// The frames of each task of `work`, as the Manager will cut them.
pub fn chunks(work: &RenderWork) -> impl Iterator<Item = FrameSet> {
    let size = work.chunk_size.max(1) as usize;
    let mut frames = work.frames.iter();
    std::iter::from_fn(move || {
        let chunk: FrameSet = frames.by_ref().take(size).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}
