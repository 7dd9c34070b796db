//! `farm plan release`: from scene files to runs in the queue.
//!
//! [`survey::survey`] reads everything and makes a [`ReleasePlan`]; [`apply::apply`] takes the lock, surveys anew,
//! refuses if the world moved, and carries the plan out.

mod acceptance;
pub mod apply;
pub mod begun;
pub mod chunk;
pub mod difference;
pub mod digests;
mod farm_facts;
pub mod from_yaml;
pub mod gather;
pub mod names;
pub mod obstacle;
pub mod output;
mod pace;
pub mod pack;
mod queueing;
mod record;
pub mod refusal;
pub mod repair;
pub mod request;
pub mod revision;
mod scenes;
pub mod survey;
pub mod unfinished;
pub mod verdict;
pub mod warnings;
mod write;

pub use difference::Difference;
pub use request::{Anew, Asked, Chunk, JobRequest, Missing, Packing, PlanRequest, SceneChoice, Update};

pub use repair::Repair;
pub use revision::Revised;

use crate::base::digest::Digest;
use crate::base::frame_set::FrameSet;
use crate::base::ids::{RunId, VolumeId};
use crate::base::name::{Home, JobRef};
use crate::base::rel_path::RelPath;
use crate::base::render_options::RenderOptions;
use crate::base::time::Timestamp;
use crate::blend::Edit;
use crate::ops::submit::Queueing;
use crate::volume::release_file::{DependencyRecord, Output, Source};
use serde::{Deserialize, Serialize};

/// The schema of the plan's document.
pub const SCHEMA: &str = "farm.plan/1";

/// Everything that planning a release would change, complete and serialisable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleasePlan {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The release.
    pub release: Home,
    /// The volume it is for.
    pub volume: VolumeId,
    /// The Manager it is for: its URL, or `local`.
    pub manager: String,
    /// The jobs, in the order in which they were named.
    pub jobs: Vec<PlannedJob>,
    /// Files that scenes need and the volume does not have.
    pub copies: Vec<PlannedCopy>,
    /// Copies of jobs that are there already, and that are not as they were stored: they are made anew.
    #[serde(default)]
    pub repairs: Vec<Repair>,
    /// Files that were found and are not rendered.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// Jobs of the release that are not planned, and that an earlier command wrote down and did not submit: they are
    /// submitted too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingJob>,
    /// What was asked for, to survey again.
    pub request: PlanRequest,
}

/// A job beside the plan that is submitted with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitingJob {
    /// `release/job`.
    #[serde(rename = "ref")]
    pub reference: JobRef,
    /// The frames that wait.
    pub frames: FrameSet,
}

/// One job of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedJob {
    /// `release/job`.
    #[serde(rename = "ref")]
    pub reference: JobRef,
    /// What happens to it.
    pub verdict: JobVerdict,
    /// The frames expected.
    pub frames: FrameSet,
    /// Frames per task.
    pub chunk: u32,
    /// Why so many.
    pub chunk_reason: String,
    /// How many tasks.
    pub tasks: u32,
    /// Bytes that the volume needs: the scene's copy, and the frames as estimated.
    pub bytes: u64,
    /// What will surprise.
    pub warnings: Vec<Warning>,
    /// The file that the user named.
    pub source: Source,
    /// The Blender that saved it; empty for other kinds of scene.
    pub blender: String,
    /// When it was saved.
    pub saved: Timestamp,
    /// The scene within the file; `None` is the active one.
    pub scene: Option<String>,
    /// The copy that will be rendered.
    pub store: RelPath,
    /// Paths that are rewritten in the copy.
    pub edits: Vec<PathEdit>,
    /// Files that cannot be taken along, and that Blender will pack into the copy.
    pub packed: Vec<PackedFile>,
    /// What each frame looks like on disk.
    pub output: Output,
    /// The files that the scene needs.
    pub dependencies: Vec<DependencyRecord>,
    /// What is asked of the renderer beyond what the scene says.
    #[serde(default, skip_serializing_if = "RenderOptions::is_plain")]
    pub options: RenderOptions,
    /// 0 to 100.
    pub priority: u8,
    /// Only workers with this tag.
    pub tag: Option<String>,
    /// Submitted paused.
    pub paused: bool,
    /// Frames of runs that an earlier command wrote down and did not submit: they are submitted too.
    #[serde(default, skip_serializing_if = "FrameSet::is_empty")]
    pub waiting: FrameSet,
    /// The id of the run that will be submitted.
    pub run: RunId,
}

/// What the plan does with a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobVerdict {
    /// The release does not have it yet.
    New,
    /// It is there as planned; what was not submitted is submitted.
    Unchanged,
    /// It is there; these frames are added.
    MoreFrames(FrameSet),
    /// It is there, and gets a new revision.
    Revised(Box<Revised>),
}

/// A stored path and what it becomes in the copy, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathEdit {
    /// What it is: `Image.filepath of IMwood`.
    pub field: String,
    /// As stored in the file.
    pub stored: String,
    /// As it is written into the copy.
    pub becomes: String,
}

impl From<&Edit> for PathEdit {
    fn from(edit: &Edit) -> Self {
        PathEdit {
            field: edit.site().field.clone(),
            stored: edit.site().value.to_string(),
            becomes: edit.to().to_string(),
        }
    }
}

/// A file that Blender packs into a scene's copy, and why it has to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedFile {
    /// Where it lies; bytes that are no UTF-8 are shown as replacement characters.
    pub path: String,
    /// `image`, `library`, …
    pub kind: String,
    /// Where the scene names it: `Image.filepath of IMwood`.
    pub field: String,
    /// Why it cannot be taken along as a file.
    pub cause: String,
    /// Bytes.
    pub size: u64,
}

/// A file copied beside the scenes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCopy {
    /// Where it lies; bytes that are no UTF-8 are shown as replacement characters.
    pub from: String,
    /// Where it goes, beneath the volume.
    pub to: RelPath,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the source's bytes.
    pub digest: Digest,
    /// Paths that are rewritten in the copy (a linked library's own files).
    pub edits: Vec<PathEdit>,
}

/// A file that was found in a folder or by a glob, and becomes no job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its absolute path.
    pub path: String,
    /// Why, a sentence.
    pub reason: String,
}

/// Something that the user should know before a job is submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A short word for scripts: `newer-blender`, `border`, …
    pub code: String,
    /// The sentence.
    pub text: String,
}

impl PlannedJob {
    /// How its run is queued.
    pub fn queueing(&self) -> Queueing {
        Queueing { chunk: self.chunk, priority: self.priority, tag: self.tag.clone(), paused: self.paused }
    }

    /// The job without what differs between two surveys of the same world: the id of its run to come, what depends on the
    /// workers that happen to be awake and on the Blender that happens to be here, and what somebody else submits meanwhile.
    pub fn essence(&self) -> PlannedJob {
        let (verdict, frames) = match &self.verdict {
            // Which frames there are to be kept decides of a new revision's as well.
            JobVerdict::Revised(revised) => (JobVerdict::Revised(Box::new(revised.essence())), FrameSet::default()),
            verdict => (verdict.clone(), self.frames.clone()),
        };
        PlannedJob {
            verdict,
            frames,
            run: RunId::NONE,
            chunk: 0,
            chunk_reason: String::new(),
            tasks: 0,
            warnings: Vec::new(),
            waiting: FrameSet::default(),
            ..self.clone()
        }
    }

    /// Takes over what was chosen when the plan was `shown`.
    pub fn settle(&mut self, shown: &PlannedJob) {
        self.run = shown.run;
        // It may come from a file that somebody edited.
        self.chunk = shown.chunk.max(1);
        self.chunk_reason.clone_from(&shown.chunk_reason);
        self.tasks = shown.tasks;
        self.warnings.clone_from(&shown.warnings);
    }

    /// Bytes that the copy of the scene will take, about.
    pub fn store_size(&self) -> u64 {
        self.source.size + self.packed.iter().map(|file| file.size).sum::<u64>()
    }

    /// Bytes that the volume needs for what happens now: the scene's copy where it is new, and the frames to be rendered.
    pub fn bytes_now(&self) -> u64 {
        match &self.verdict {
            JobVerdict::New => self.bytes,
            JobVerdict::Revised(revised) => {
                self.store_size() + output::estimate(&self.output) * revised.rendered.len() as u64
            }
            JobVerdict::Unchanged | JobVerdict::MoreFrames(_) => {
                output::estimate(&self.output) * self.to_submit().union(&self.waiting).len() as u64
            }
        }
    }

    /// Whether its scene is put into the store: it is new there, or gets the place of the one before.
    pub fn puts_its_scene(&self) -> bool {
        matches!(self.verdict, JobVerdict::New | JobVerdict::Revised(_))
    }

    /// Its new revision, where it gets one.
    pub fn revised(&self) -> Option<&Revised> {
        match &self.verdict {
            JobVerdict::Revised(revised) => Some(revised),
            _ => None,
        }
    }

    /// The frames of a new revision that are neither rendered nor there: nobody asked for them.
    pub fn left_missing(&self) -> FrameSet {
        match &self.verdict {
            JobVerdict::Revised(revised) => self.frames.minus(&revised.kept).minus(&revised.rendered),
            _ => FrameSet::default(),
        }
    }

    /// The frames that a run is submitted for; none where the job is there as planned.
    pub fn to_submit(&self) -> FrameSet {
        match &self.verdict {
            JobVerdict::New => self.frames.clone(),
            JobVerdict::Unchanged => FrameSet::default(),
            JobVerdict::MoreFrames(more) => more.clone(),
            JobVerdict::Revised(revised) => revised.rendered.clone(),
        }
    }
}

impl ReleasePlan {
    /// The plan without what differs between two surveys of the same world.
    pub fn essence(&self) -> ReleasePlan {
        ReleasePlan { jobs: self.jobs.iter().map(PlannedJob::essence).collect(), waiting: Vec::new(), ..self.clone() }
    }

    /// Whether nothing would be done: every job is there as planned, and submitted.
    pub fn is_idle(&self) -> bool {
        let is_there = |job: &PlannedJob| job.verdict == JobVerdict::Unchanged && job.waiting.is_empty();
        self.jobs.iter().all(is_there) && self.waiting.is_empty() && self.repairs.is_empty() && self.copies.is_empty()
    }

    /// How many frames are submitted now.
    pub fn frames_now(&self) -> usize {
        let planned = self.jobs.iter().map(|job| job.to_submit().union(&job.waiting).len());
        planned.chain(self.waiting.iter().map(|job| job.frames.len())).sum()
    }

    /// How many jobs are submitted now.
    pub fn jobs_now(&self) -> usize {
        let is_submitted = |job: &&PlannedJob| !job.to_submit().is_empty() || !job.waiting.is_empty();
        self.jobs.iter().filter(is_submitted).count() + self.waiting.len()
    }

    /// Whether what an earlier command wrote down is submitted now.
    pub fn goes_on(&self) -> bool {
        !self.waiting.is_empty() || self.jobs.iter().any(|job| !job.waiting.is_empty())
    }

    /// Bytes that the volume needs now, about: copies, and the frames as estimated.
    pub fn bytes_now(&self) -> u64 {
        let scenes = self.jobs.iter().filter(|job| job.puts_its_scene()).map(PlannedJob::store_size);
        let needed = self.copied_bytes() - scenes.sum::<u64>();
        self.jobs.iter().map(PlannedJob::bytes_now).sum::<u64>() + needed
    }

    /// Whether the copy at `path` is made anew.
    pub fn is_repaired(&self, path: &RelPath) -> bool {
        self.repairs.iter().any(|repair| repair.path == *path)
    }

    /// Bytes that are copied now: scenes and what they need.
    pub fn copied_bytes(&self) -> u64 {
        let scenes = self.jobs.iter().filter(|job| job.puts_its_scene()).map(PlannedJob::store_size);
        let repairs = self.repairs.iter().filter(|repair| !self.copies.iter().any(|copy| copy.to == repair.path));
        scenes.chain(self.copies.iter().map(|copy| copy.size)).chain(repairs.map(|repair| repair.size)).sum()
    }
}
