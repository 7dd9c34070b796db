//! `releases/<release>/release.yaml`: what was planned and what became of it.

use crate::base::digest::Digest;
use crate::base::error::{Class, Explain};
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId, TransactionId};
use crate::base::name::{Home, JobName};
use crate::base::rel_path::RelPath;
use crate::base::render_options::RenderOptions;
use crate::base::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The schema that this farm reads and writes.
pub const SCHEMA: &str = "farm.release/1";

/// A release as it stands on the volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseFile {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The release's name.
    pub name: Home,
    /// When it was planned first.
    pub created: Timestamp,
    /// Its jobs, in the order in which they were planned.
    pub jobs: Vec<JobRecord>,
}

/// A job: a scene and the frames expected of it, through its revisions and runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// The job's name within the release.
    pub name: JobName,
    /// What was planned, oldest first; the last one counts. Never empty.
    pub revisions: Vec<Revision>,
    /// What was submitted, oldest first.
    pub runs: Vec<RunRecord>,
    /// Seconds per frame, measured in ended runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_per_frame: Option<f64>,
}

/// One version of a job's scene and what is expected of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// From 1.
    pub number: u32,
    /// When it was planned.
    pub planned: Timestamp,
    /// By whom.
    pub user: String,
    /// From which machine.
    pub host: String,
    /// The file that the user named.
    pub source: Source,
    /// The copy that is rendered.
    pub store: StoredFile,
    /// The Blender that saved the scene, `3.4`; empty for other kinds of scene.
    pub blender: String,
    /// The scene within the file; `None` is the active one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<String>,
    /// The frames expected.
    pub frames: FrameSet,
    /// What each frame looks like on disk.
    pub output: Output,
    /// What was asked of the renderer beyond what the scene says.
    #[serde(default, skip_serializing_if = "RenderOptions::is_plain")]
    pub options: RenderOptions,
    /// The files that the scene needs, as found when it was planned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<DependencyRecord>,
    /// Frames that were kept of the revision before: they are not rendered from this one.
    #[serde(default, skip_serializing_if = "FrameSet::is_empty")]
    pub kept: FrameSet,
}

/// A file outside the volume, as it was when it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its absolute path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When it was saved.
    pub modified: Timestamp,
    /// SHA-256 of its bytes.
    pub digest: Digest,
}

/// A file on the volume that farm wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its place beneath the volume.
    pub path: RelPath,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes; differs from the source's where paths were rewritten.
    pub digest: Digest,
}

/// What a job writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Blender's word for the format, `PNG`.
    pub format: String,
    /// The file extension without its dot.
    pub extension: String,
    /// Pixels, percentage applied; 0 where they cannot be told (cropped, views in one image).
    pub width: u32,
    /// Pixels, percentage applied; 0 where they cannot be told.
    pub height: u32,
    /// Frames per second, for the preview video.
    pub fps: f64,
    /// Suffixes of stereo views (`_L`, `_R`); empty for one view.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<String>,
    /// Files that File Output nodes write beside each frame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passes: Vec<Pass>,
    /// The movie format that the scene asks for; the frames are rendered as images and encoded at harvest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub movie: Option<String>,
    /// The scene's name, for naming templates.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scene: String,
    /// Names of the view layers, for naming templates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
}

/// One file per frame that a File Output node writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// The node's name, made safe for a folder.
    pub node: String,
    /// The slot's name, for naming templates.
    pub slot: String,
    /// The suffix of its view (`_L`); empty for one view.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub view: String,
    /// The path beneath `out/<job>/`; the last run of `#` in the file's name is the frame: `Node/Image####.png`.
    pub pattern: String,
}

/// A file that a scene needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DependencyRecord {
    /// Its path when it was planned.
    pub path: String,
    /// `image`, `library`, …
    pub kind: String,
    /// Where the render finds it: beneath the volume; `None` if it is missing, or packed into the scene.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<RelPath>,
    /// Whether it lay on the volume already and is used in place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_place: bool,
    /// Bytes.
    pub size: u64,
    /// When it was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// SHA-256 of its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// One submission of some of a job's frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// `farm.id` in the Manager's metadata.
    pub id: RunId,
    /// From 1, within the job.
    pub number: u32,
    /// The revision that it renders.
    pub revision: u32,
    /// Which Manager it was submitted to: its URL, or `local`.
    pub manager: String,
    /// The Manager's id; `None` until the submission is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager_job: Option<JobId>,
    /// The frames submitted.
    pub frames: FrameSet,
    /// Frames per task.
    pub chunk: u32,
    /// 0 to 100.
    pub priority: u8,
    /// Only workers with this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Submitted paused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// When it was written down, just before it was submitted.
    pub submitted: Timestamp,
    /// Whether it was about to be sent to a Manager elsewhere, and no word of what came of that was written down yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sending: bool,
    /// Whether it was taken back before the Manager had it: it is never submitted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// When a submission ended without an answer and may still have been on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_doubt: Option<Timestamp>,
    /// The undo that submitted again what had been ended; only such runs name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<TransactionId>,
}

/// A release file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseFileError {
    /// It is no YAML of this shape.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The file, beneath the volume.
        path: String,
        /// Where and why.
        cause: String,
    },
    /// A newer farm wrote it.
    #[error("{path}: schema {found:?} is not {SCHEMA}")]
    Foreign {
        /// The file, beneath the volume.
        path: String,
        /// The schema it names.
        found: String,
    },
}

impl Explain for ReleaseFileError {
    fn class(&self) -> Class {
        Class::Failed
    }
    fn hint(&self) -> Option<String> {
        Some(match self {
            ReleaseFileError::Unreadable { .. } => {
                "farm changes nothing in this release until its file can be read; mend it or restore it from a backup."
                    .into()
            }
            ReleaseFileError::Foreign { .. } => "Use the farm that wrote it, or a newer one.".into(),
        })
    }
}

impl ReleaseFile {
    /// An empty release.
    pub fn new(name: Home, created: Timestamp) -> Self {
        ReleaseFile { schema: SCHEMA.to_owned(), name, created, jobs: Vec::new() }
    }

    /// Reads the YAML of the file at `path` (for messages).
    pub fn parse(bytes: &[u8], path: &RelPath) -> Result<Self, ReleaseFileError> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            schema: String,
        }
        let unreadable = |cause: String| ReleaseFileError::Unreadable { path: path.to_string(), cause };
        let text = std::str::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
        let foreign = |found| ReleaseFileError::Foreign { path: path.to_string(), found };
        // One pass where all is well, which it is but for once in a lifetime.
        let file = match serde_yaml::from_str::<ReleaseFile>(text) {
            Ok(file) if file.schema == SCHEMA => file,
            Ok(file) => return Err(foreign(file.schema)),
            Err(error) => {
                let head: Head = serde_yaml::from_str(text).map_err(|error| unreadable(error.to_string()))?;
                let is_ours = head.schema == SCHEMA;
                return Err(if is_ours { unreadable(error.to_string()) } else { foreign(head.schema) });
            }
        };
        match file.jobs.iter().find(|job| job.revisions.is_empty()) {
            None => Ok(file),
            Some(job) => Err(unreadable(format!("job {} has no revision", job.name))),
        }
    }

    /// The YAML of the file.
    pub fn print(&self) -> String {
        serde_yaml::to_string(self).unwrap_or_else(|error| unreachable!("a release file is plain data: {error}"))
    }

    /// The job of this name.
    pub fn job(&self, name: &JobName) -> Option<&JobRecord> {
        self.jobs.iter().find(|job| &job.name == name)
    }

    /// The job of this name, to change it.
    pub fn job_mut(&mut self, name: &JobName) -> Option<&mut JobRecord> {
        self.jobs.iter_mut().find(|job| &job.name == name)
    }
}

impl RunRecord {
    /// Whether no job of the Manager is known for it and one shall be: it was not submitted yet, or nobody knows.
    pub fn is_pending(&self) -> bool {
        self.manager_job.is_none() && !self.withdrawn
    }

    /// The same, where it is meant for the Manager at `address`.
    pub fn is_pending_at(&self, address: &str) -> bool {
        self.is_pending() && self.manager == address
    }
}

impl JobRecord {
    /// The revision that counts.
    pub fn current(&self) -> &Revision {
        self.revisions.last().unwrap_or_else(|| unreachable!("checked when the file was read"))
    }

    /// The revision that a frame belongs to: the newest one that does not keep it of an earlier one, or of which it was
    /// submitted all the same, because what was kept got lost.
    pub fn revision_of(&self, frame: i32) -> &Revision {
        let is_submitted = |revision: &Revision| {
            let of_it = |run: &&RunRecord| run.revision == revision.number && !run.withdrawn;
            self.runs.iter().filter(of_it).any(|run| run.frames.contains(frame))
        };
        let is_own = |revision: &&Revision| !revision.kept.contains(frame) || is_submitted(revision);
        self.revisions.iter().rev().find(is_own).unwrap_or_else(|| self.current())
    }

    /// The frames that belong to the revision of this number.
    pub fn frames_of(&self, number: u32) -> FrameSet {
        match &self.revisions[..] {
            [only] if only.number == number => only.frames.clone(),
            _ => self.current().frames.iter().filter(|frame| self.revision_of(*frame).number == number).collect(),
        }
    }

    /// Marks those of these runs that it has as never to be submitted.
    pub fn withdraw(&mut self, runs: &[RunId]) {
        self.runs.iter_mut().filter(|run| runs.contains(&run.id)).for_each(|run| run.withdrawn = true);
    }

    /// The number of the next revision: never one that a run was made of, even if that revision was taken back.
    pub fn next_revision(&self) -> u32 {
        let revisions = self.revisions.iter().map(|revision| revision.number);
        revisions.chain(self.runs.iter().map(|run| run.revision)).max().unwrap_or(0) + 1
    }

    /// The newest run, whose id and status stand for the job's. One of a revision that was taken back says nothing of it.
    pub fn newest_run(&self) -> Option<&RunRecord> {
        let counts = |run: &&RunRecord| self.revisions.iter().any(|revision| revision.number == run.revision);
        self.runs.iter().rev().find(counts).or_else(|| self.runs.last())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<ReleaseFile, String> {
        let path = RelPath::new("releases/r1/release.yaml").expect("a path");
        ReleaseFile::parse(bytes, &path).map_err(|error| error.to_string())
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_instead_of_replaced() {
        let created = Timestamp::from_unix(1_700_000_000);
        let file = ReleaseFile::new("r1".parse().expect("a name"), created);
        assert_eq!(parse(file.print().as_bytes()), Ok(file.clone()));
        let mut bytes = file.print().into_bytes();
        bytes.extend(b"note: \xff\n");
        let error = parse(&bytes).expect_err("no text");
        assert!(error.contains("release.yaml") && error.contains("utf-8"), "{error}");
    }

    #[test]
    fn a_frame_belongs_to_the_newest_revision_that_does_not_keep_it() {
        let revision = |number: u32, frames: &str, kept: &str| {
            format!(
                "  - {{number: {number}, planned: 2026-11-01T10:00:00Z, user: ann, host: ws1, blender: '3.4', frames: '{frames}', \
                 kept: '{kept}', source: {{path: /A.blend, size: 1, modified: 2026-11-01T10:00:00Z, digest: DIGEST}}, \
                 store: {{path: releases/r1/store/A.blend, size: 1, digest: DIGEST}}, \
                 output: {{format: PNG, extension: png, width: 64, height: 64, fps: 24.0}}}}\n"
            )
        };
        let revisions = [revision(1, "1-9", ""), revision(3, "1-9", "1-6"), revision(4, "1-12", "1-2,7-9")].concat();
        let text = format!(
            "schema: farm.release/1\nname: r1\ncreated: 2026-11-01T10:00:00Z\njobs:\n- name: A\n  revisions:\n{revisions}  runs: []\n"
        );
        let file = parse(text.replace("DIGEST", &"0".repeat(64)).as_bytes()).expect("a release");
        let job = &file.jobs[0];
        let owners: Vec<u32> = [1, 5, 8, 12].map(|frame| job.revision_of(frame).number).into();
        assert_eq!(owners, [1, 4, 3, 4]);
        let frames: Vec<String> = [1, 2, 3, 4].map(|number| job.frames_of(number).to_string()).into();
        assert_eq!(frames, ["1-2", "", "7-9", "3-6,10-12"]);
    }

    #[test]
    fn a_newer_schema_is_told_from_damage() {
        let error = parse(b"schema: farm.release/2\nshape: new\n").expect_err("foreign");
        assert!(error.contains("farm.release/2"), "{error}");
    }
}
