//! From what a run does to the tasks that do it. Compiled once, here, whichever Manager keeps the queue.
//!
//! Source of names and parameters: Flamenco's job types and the commands of its Worker (Flamenco 3.9).

pub mod simple_blender_render;

use super::{RenderWork, Work};
use crate::base::frame_set::FrameSet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A run as its tasks.
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

/// Compiles `work`.
pub fn compile(work: &Work) -> Result<Compiled, CompileError> {
    match work {
        Work::SimpleBlenderRender(work) => simple_blender_render::compile(work),
    }
}

/// The frames of each task of `work`, as the Manager will cut them.
pub fn chunks(work: &RenderWork) -> Vec<FrameSet> {
    work.frames.chunks(work.chunk_size as usize)
}
