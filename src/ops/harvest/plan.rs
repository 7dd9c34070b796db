//! A harvest as a value: what would be moved where, and what stands against it.

use crate::base::digest::Digest;
use crate::base::frame_set::FrameSet;
use crate::base::ids::VolumeId;
use crate::base::name::{Home, JobName, JobRef};
use crate::base::rel_path::RelPath;
use crate::base::time::Timestamp;
use crate::frames::expected::Role;
use crate::ops::change::Author;
use crate::ops::check::FrameCounts;
use crate::ops::check::inputs::StaleInput;
use crate::ops::harvest::manifest::ManifestFile;
use crate::ops::harvest::request::{Gaps, HarvestRequest, Keeping};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The schema of a saved plan.
pub const SCHEMA: &str = "farm.harvest-plan/1";

/// Everything that a harvest would do, complete and serialisable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HarvestPlan {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The volume it is for.
    pub volume: VolumeId,
    /// What was asked for, to survey again.
    pub request: HarvestRequest,
    /// The jobs, in the order of the release.
    pub jobs: Vec<PlannedJob>,
    /// Frames that are not fine.
    pub problems: Vec<Problem>,
    /// Harvested files that are out of date and make room: they go to the trash.
    pub replaced: Vec<Replaced>,
}

/// One job of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedJob {
    /// `release/job`.
    #[serde(rename = "ref")]
    pub reference: JobRef,
    /// How its frames stand.
    pub frames: FrameCounts,
    /// Whether it takes part.
    pub verdict: JobVerdict,
    /// `out/<job>/` beneath the volume.
    pub out: RelPath,
    /// The revision that its frames show.
    pub revision: u32,
    /// SHA-256 of the scene that the user named.
    pub source: Digest,
    /// SHA-256 of the copy that was rendered.
    pub scene: Digest,
    /// Its files, in the order of the frames.
    pub files: Vec<PlannedFile>,
    /// Inputs that changed since it was planned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale_inputs: Vec<StaleInput>,
    /// Files that the scene needs and that were missing when it was planned: its frames lack them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_inputs: Vec<String>,
    /// Files of a format that farm cannot check; they are taken as they are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown: u64,
    /// What else lies in its folder and stays there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extras: Vec<String>,
    /// Frames that were kept of earlier revisions, and show those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptFrames>,
}

/// Frames of a job that show an earlier revision of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptFrames {
    /// The frames.
    pub frames: FrameSet,
    /// The revision.
    pub revision: u32,
    /// SHA-256 of the scene that the user named then.
    pub source: Digest,
    /// SHA-256 of the copy that was rendered.
    pub scene: Digest,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Whether a job takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobVerdict {
    /// Its frames are taken.
    Taken,
    /// Its frames would be taken, were there none in the release that are not fine: nothing is.
    Blocked,
    /// `--completed` was asked for, and frames of it are still missing.
    Incomplete,
}

/// One file of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// The frame.
    pub frame: i32,
    /// What it is to its frame.
    #[serde(flatten)]
    pub role: Role,
    /// Its path beneath `out/<job>/`.
    pub from: RelPath,
    /// Its path beneath `dist/<release>/`.
    pub to: RelPath,
    /// Bytes.
    pub size: u64,
    /// When it was rendered.
    pub modified: Timestamp,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// What happens to it.
    pub verdict: FileVerdict,
    /// Why.
    pub reason: Reason,
}

impl PlannedJob {
    /// What it gives: a share for each revision that its frames show.
    fn shares(&self) -> Vec<JobShare> {
        let share = |revision, source, scene, has: &dyn Fn(i32) -> bool| {
            let files = self.files.iter().filter(|file| file.verdict != FileVerdict::There && has(file.frame));
            let (job, out, files) = (self.reference.job.clone(), self.out.clone(), files.cloned().collect());
            JobShare { job, out, revision, source, scene, files }
        };
        let of_earlier =
            |one: &KeptFrames| share(one.revision, one.source, one.scene, &|frame| one.frames.contains(frame));
        let is_own = |frame| !self.kept.iter().any(|one| one.frames.contains(frame));
        let own = share(self.revision, self.source, self.scene, &is_own);
        self.kept.iter().map(of_earlier).chain([own]).collect()
    }
}

impl PlannedFile {
    /// The folder that its `from` is beneath: `out`, of its job, or `dist`, of the release, where it only gets another name.
    pub fn origin<'o>(&self, out: &'o RelPath, dist: &'o RelPath) -> &'o RelPath {
        if self.verdict == FileVerdict::Rename { dist } else { out }
    }
}

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileVerdict {
    /// It moves from `out/` to `dist/`.
    Move,
    /// It stays in `out/` and gets a second place in `dist/`.
    Keep,
    /// It is in both places already; the one in `out/` goes.
    Finish,
    /// It is in `dist/` under the name of a still, and its job became a sequence: it gets the name of a frame. Its `from`
    /// is beneath `dist/<release>/`.
    Rename,
    /// It is in `dist/` and nothing happens.
    There,
}

/// Why a file's verdict is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It is whole.
    Whole,
    /// Its format is one that farm cannot check.
    Unchecked,
    /// Its log speaks of wrong pixels, and it was allowed.
    SuspectAllowed,
    /// It was harvested before, and its bytes are those of the manifest.
    Verified,
    /// It was harvested before; its size is that of the manifest, its bytes were not compared.
    SameSize,
    /// The same bytes lie in `dist/` already.
    SameBytes,
}

/// A frame that is not fine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `release/job`.
    #[serde(rename = "ref")]
    pub reference: JobRef,
    /// The frame.
    pub frame: i32,
    /// How it stands.
    pub state: ProblemState,
    /// The file, beneath the volume.
    pub path: RelPath,
    /// What is wrong, as a clause that begins with "it"; of a frame that a worker may still write: whose word is missing, and
    /// the next step.
    pub cause: String,
}

/// How a frame that is not fine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemState {
    /// A file is not there.
    Missing,
    /// A worker may still write it; it was not read.
    Rendering,
    /// A file is broken.
    Bad,
    /// Its log speaks of wrong pixels.
    Suspect,
}

/// A harvested file that makes room for a newer one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replaced {
    /// Its path beneath `dist/<release>/`.
    pub path: RelPath,
    /// Bytes.
    pub size: u64,
    /// When it was rendered.
    pub modified: Timestamp,
    /// Why it goes.
    pub reason: String,
    /// What the manifest says of it, for whoever takes the harvest back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Box<ManifestFile>>,
}

/// What is written down before the first file moves: all that is needed to finish the harvest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    /// The release.
    pub release: Home,
    /// Whether `out/` stays as it is.
    pub keeping: Keeping,
    /// What each job gives.
    pub jobs: Vec<JobShare>,
    /// Harvested files that go to the trash first.
    pub replaced: Vec<Replaced>,
    /// Who did it; unknown of harvests of an earlier farm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Author>,
}

/// What one job gives to a harvest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobShare {
    /// The job.
    pub job: JobName,
    /// `out/<job>/` beneath the volume.
    pub out: RelPath,
    /// The revision that its frames show.
    pub revision: u32,
    /// SHA-256 of the scene that the user named.
    pub source: Digest,
    /// SHA-256 of the copy that was rendered.
    pub scene: Digest,
    /// The files that are not in place yet.
    #[serde(with = "rows")]
    pub files: Vec<PlannedFile>,
}

/// The journal has a row per file instead of an object: it is written before the first file moves, so its length counts.
mod rows {
    use super::{FileVerdict, PlannedFile, Reason};
    use crate::base::digest::Digest;
    use crate::base::rel_path::RelPath;
    use crate::base::time::Timestamp;
    use crate::frames::expected::Role;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::borrow::Cow;

    type Row<'a> =
        (i32, Cow<'a, Role>, Cow<'a, RelPath>, Cow<'a, RelPath>, u64, Timestamp, Digest, FileVerdict, Reason);

    fn row(file: &PlannedFile) -> Row<'_> {
        let PlannedFile { frame, role, from, to, size, modified, sha256, verdict, reason } = file;
        let (role, from, to) = (Cow::Borrowed(role), Cow::Borrowed(from), Cow::Borrowed(to));
        (*frame, role, from, to, *size, *modified, *sha256, *verdict, *reason)
    }

    pub(super) fn serialize<S: Serializer>(files: &[PlannedFile], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(files.iter().map(row))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PlannedFile>, D::Error> {
        let file = |(frame, role, from, to, size, modified, sha256, verdict, reason): Row<'_>| PlannedFile {
            frame,
            role: role.into_owned(),
            from: from.into_owned(),
            to: to.into_owned(),
            size,
            modified,
            sha256,
            verdict,
            reason,
        };
        Ok(Vec::<Row<'_>>::deserialize(from)?.into_iter().map(file).collect())
    }
}

impl HarvestPlan {
    /// Whether both would do the same.
    pub fn is_same(&self, other: &HarvestPlan) -> bool {
        let HarvestPlan { schema, volume, request, jobs, problems: _, replaced } = self;
        let rest = (schema, volume, request, jobs, replaced);
        rest == (&other.schema, &other.volume, &other.request, &other.jobs, &other.replaced)
            && self.has_same_problems(other)
    }

    /// Whether the same frames are not fine. Why a worker may still write one changes by the second, and counts for nothing.
    pub fn has_same_problems(&self, other: &HarvestPlan) -> bool {
        let same = |(one, other): (&Problem, &Problem)| match one.state {
            ProblemState::Rendering => *one == Problem { cause: one.cause.clone(), ..other.clone() },
            _ => one == other,
        };
        self.problems.len() == other.problems.len() && self.problems.iter().zip(&other.problems).all(same)
    }

    /// Whether frames that are not fine forbid to move anything.
    pub fn is_blocked(&self) -> bool {
        !self.problems.is_empty() && self.request.gaps == Gaps::Refuse
    }

    /// What is to be done; `None` where nothing is.
    pub fn transaction(&self, by: Author) -> Option<Transaction> {
        if self.is_blocked() {
            return None;
        }
        let shares = self.jobs.iter().flat_map(PlannedJob::shares);
        let jobs: Vec<JobShare> = shares.filter(|share| !share.files.is_empty()).collect();
        let nothing = jobs.is_empty() && self.replaced.is_empty();
        let (release, keeping) = (self.request.release.clone(), self.request.keeping);
        (!nothing).then(|| Transaction { release, keeping, jobs, replaced: self.replaced.clone(), by: Some(by) })
    }

    /// The sum over all jobs.
    pub fn frames(&self) -> FrameCounts {
        self.jobs.iter().map(|job| job.frames).sum()
    }
}

/// One file of a transaction, with the job that gives it.
#[derive(Debug, Clone, Copy)]
pub struct Item<'t> {
    /// The job.
    pub share: &'t JobShare,
    /// The file.
    pub file: &'t PlannedFile,
}

impl Transaction {
    /// All files, job after job.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.jobs.iter().flat_map(|share| share.files.iter().map(move |file| Item { share, file }))
    }

    /// The jobs that give something or of which something makes room, each once.
    pub fn touched(&self) -> Vec<&JobName> {
        let giving = self.jobs.iter().map(|share| &share.job);
        let losing = self.replaced.iter().filter_map(|old| old.was.as_deref()).map(|was| &was.job);
        let mut seen = HashSet::new();
        giving.chain(losing).filter(|job| seen.insert(*job)).collect()
    }
}

impl JobShare {
    /// What the manifest says of one of its files.
    pub fn manifest_file(&self, file: &PlannedFile) -> ManifestFile {
        ManifestFile {
            path: file.to.clone(),
            job: self.job.clone(),
            frame: file.frame,
            role: file.role.clone(),
            sha256: file.sha256,
            size: file.size,
            modified: file.modified,
            revision: self.revision,
            source: self.source,
            scene: self.scene,
            suspect: file.reason == Reason::SuspectAllowed,
            stale: false,
        }
    }
}
