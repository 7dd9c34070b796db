//! What a user asks `farm plan release` for.

use crate::base::frame_set::FrameSet;
use crate::base::name::Home;
use crate::base::render_options::RenderOptions;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A release to be planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanRequest {
    /// Its name.
    pub release: Home,
    /// Its jobs; at least one.
    pub jobs: Vec<JobRequest>,
    /// How jobs are named that have no name of their own.
    pub job_name_template: String,
    /// What may happen to what exists.
    pub update: Update,
}

/// One scene file of the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRequest {
    /// The scene file, as an absolute path.
    pub file: PathBuf,
    /// The job's name; by the template otherwise.
    pub name: Option<String>,
    /// The frames; what the scene says otherwise.
    pub frames: Option<FrameSet>,
    /// Frames per task.
    pub chunk: Chunk,
    /// 0 to 100.
    pub priority: u8,
    /// Only workers with this tag.
    pub tag: Option<String>,
    /// Blender's word for the format; the scene's otherwise.
    pub format: Option<String>,
    /// Which scene of the file.
    pub scene: SceneChoice,
    /// What to do about missing files.
    pub missing: Missing,
    /// What to do about paths that cannot be rewritten.
    pub packing: Packing,
    /// What is asked of the renderer beyond what the scene says.
    #[serde(default)]
    pub options: RenderOptions,
    /// Submit paused.
    pub paused: bool,
    /// Which of these somebody asked for.
    #[serde(default)]
    pub asked: Asked,
    /// Whether the file was found in a folder or by a glob, rather than named.
    #[serde(default)]
    pub found: bool,
}

/// Which options of a job were asked for, rather than being what is usual here. A tag, a format or a pause always was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asked {
    /// Frames per task.
    pub chunk: bool,
    /// The priority.
    pub priority: bool,
}

/// How many frames a task gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chunk {
    /// Farm chooses and says why.
    Auto,
    /// So many, at least 1.
    Frames(u32),
}

/// Which scene of a file is rendered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SceneChoice {
    /// The active one.
    Active,
    /// This one.
    Named(String),
    /// Each, as a job of its own.
    All,
}

/// What to do when files that a scene needs are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// Refuse the plan.
    Refuse,
    /// Warn and go on.
    Allow,
}

/// What to do when a stored path cannot be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packing {
    /// Refuse the plan.
    Never,
    /// Let Blender pack the files into the copy.
    WhereNeeded,
}

/// What may happen to a release that exists, and to jobs that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Update {
    /// A release that differs is refused.
    Refuse,
    /// Jobs and frames are added.
    Add,
    /// Jobs that differ get a new revision.
    Replace(Anew),
    /// The same, and those that do not differ are rendered anew.
    Seed,
}

/// Which frames a new revision renders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anew {
    /// Every frame.
    All,
    /// These, what runs that are ended for it were to render, and frames that the job did not have before; the others stay
    /// as they are, there or missing.
    Only(FrameSet),
    /// What is not there: what is there is kept.
    Missing,
    /// These alone, and those that are not there are not the job's any more.
    Alone(FrameSet),
}

impl Update {
    /// Whether a job that exists may get a new revision.
    pub fn revises(&self) -> bool {
        matches!(self, Update::Replace(_) | Update::Seed)
    }
}
