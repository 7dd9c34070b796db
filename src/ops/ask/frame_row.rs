//! A frame as a query sees it: of a job that was looked at, or of one that was not yet.

use crate::base::frame_set::FrameSet;
use crate::base::name::JobRef;
use crate::base::rel_path::RelPath;
use crate::ops::check::job_files::expected_files;
use crate::ops::check::{FrameFlaw, JobFrames};
use crate::ops::harvest::manifest::ManifestFile;
use crate::ops::select::JobRow;
use crate::query::{Field, Row, Value};
use crate::volume::layout;
use crate::volume::release_file::{JobRecord, Output};
use serde::Serialize;

/// What is known of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrameStatus {
    /// All its files are there and whole.
    Ok,
    /// The same, as far as can be told: one is of a format that farm cannot check.
    Unknown,
    /// Whole, but its log speaks of wrong pixels.
    Suspect,
    /// A file is there and broken.
    Bad,
    /// A worker has it or may get it.
    Rendering,
    /// A file is not there, and no worker is about to write it.
    Missing,
}

impl FrameStatus {
    /// All of them, the good first.
    pub const ALL: [FrameStatus; 6] = [
        FrameStatus::Ok,
        FrameStatus::Unknown,
        FrameStatus::Suspect,
        FrameStatus::Bad,
        FrameStatus::Rendering,
        FrameStatus::Missing,
    ];

    /// The word in a query.
    pub fn as_str(self) -> &'static str {
        match self {
            FrameStatus::Ok => "ok",
            FrameStatus::Unknown => "unknown",
            FrameStatus::Suspect => "suspect",
            FrameStatus::Bad => "bad",
            FrameStatus::Rendering => "rendering",
            FrameStatus::Missing => "missing",
        }
    }
}

/// A frame of a job whose frames were not looked at; without a number, what is true of all of them.
pub(super) struct Unseen<'a> {
    pub(super) job: &'a JobRow<'a>,
    pub(super) frame: Option<i32>,
}

impl Row for Unseen<'_> {
    fn value(&self, field: &Field) -> Value<'_> {
        match field {
            Field::Ref | Field::Release | Field::User => self.job.value(field),
            Field::Job => self.job.name().into(),
            Field::Frames => self.frame.map_or(Value::Unknown, |frame| i64::from(frame).into()),
            Field::Status | Field::Path => Value::Unknown,
            _ => Value::None,
        }
    }
}

/// A job whose frames were looked at.
#[derive(Debug)]
pub struct SeenJob {
    /// Its full name.
    pub reference: JobRef,
    /// What is true of its frames.
    pub frames: JobFrames,
    user: Option<String>,
    output: Output,
    /// Where harvested frames lie, by their number.
    harvested: Vec<(i32, RelPath)>,
}

/// One of its frames.
#[derive(Debug, Clone, Copy)]
pub struct SeenFrame<'a> {
    job: &'a SeenJob,
    /// Its number.
    pub frame: i32,
}

impl SeenJob {
    pub(super) fn new(row: &JobRow<'_>, job: &JobRecord, reference: JobRef, frames: JobFrames) -> Self {
        let (user, output) = (row.user().map(str::to_owned), job.current().output.clone());
        SeenJob { reference, frames, user, output, harvested: Vec::new() }
    }

    /// The same with where the harvested ones lie, which `manifest` says: of several files of a frame the first.
    pub(super) fn with_places(mut self, manifest: &[ManifestFile]) -> Self {
        let dist = layout::dist_dir(&self.reference.home);
        let is_there = |file: &&ManifestFile| self.frames.harvested.contains(file.frame);
        let mut files: Vec<&ManifestFile> = manifest.iter().filter(is_there).collect();
        files.sort_by_key(|file| (file.frame, &file.role));
        files.dedup_by_key(|file| file.frame);
        let place = |file: &ManifestFile| Some((file.frame, dist.join(file.path.as_str()).ok()?));
        self.harvested = files.into_iter().filter_map(place).collect();
        self
    }

    /// One of its frames.
    pub(super) fn frame(&self, frame: i32) -> SeenFrame<'_> {
        SeenFrame { job: self, frame }
    }

    /// Those of this status.
    pub fn of_status(&self, status: FrameStatus) -> FrameSet {
        let frames = &self.frames;
        match status {
            FrameStatus::Ok => frames.ok.minus(&frames.unchecked),
            FrameStatus::Unknown => frames.ok.common(&frames.unchecked),
            FrameStatus::Suspect => frames.suspect.clone(),
            FrameStatus::Bad => frames.bad.clone(),
            FrameStatus::Rendering => frames.rendering.clone(),
            FrameStatus::Missing => frames.missing.minus(&frames.rendering),
        }
    }
}

impl<'a> SeenFrame<'a> {
    /// The job's full name.
    pub fn reference(&self) -> &'a JobRef {
        &self.job.reference
    }

    /// What is known of it.
    pub fn status(&self) -> FrameStatus {
        let (frames, at) = (&self.job.frames, self.frame);
        match () {
            () if frames.bad.contains(at) => FrameStatus::Bad,
            () if frames.rendering.contains(at) => FrameStatus::Rendering,
            () if frames.suspect.contains(at) => FrameStatus::Suspect,
            () if !frames.ok.contains(at) => FrameStatus::Missing,
            () if frames.unchecked.contains(at) => FrameStatus::Unknown,
            () => FrameStatus::Ok,
        }
    }

    /// Whether all its files lie in `dist/`.
    pub fn is_harvested(&self) -> bool {
        self.job.frames.harvested.contains(self.frame)
    }

    /// Where it lies or would lie, beneath the volume; of several files the first, of a bad frame the first broken one.
    pub fn path(&self) -> Option<RelPath> {
        if let Some(flaw) = self.flaws().next() {
            return Some(flaw.path.clone());
        }
        if let Ok(at) = self.job.harvested.binary_search_by_key(&self.frame, |(frame, _)| *frame) {
            return Some(self.job.harvested[at].1.clone());
        }
        let one = FrameSet::range(self.frame, self.frame, 1).ok()?;
        let files = expected_files(&self.job.output, &one).ok()?;
        layout::out_dir(&self.job.reference).join(files.first()?.path.as_str()).ok()
    }

    /// Why it is not fine: a clause that begins with "it", or what its log says.
    pub fn cause(&self) -> Option<String> {
        let flaws: Vec<&FrameFlaw> = self.flaws().collect();
        if let [first, others @ ..] = &flaws[..] {
            let more: String = others.iter().map(|flaw| format!("; {}: {}", flaw.path, flaw.cause)).collect();
            return Some(format!("{}{more}", first.cause));
        }
        let told = self.job.frames.suspicions.iter().filter(|one| one.frames.contains(self.frame));
        let causes: Vec<&str> = told.map(|one| one.cause.as_str()).collect();
        (!causes.is_empty()).then(|| causes.join("; "))
    }

    /// They come in the order of the frames.
    fn flaws(&self) -> impl Iterator<Item = &'a FrameFlaw> {
        let (flaws, frame) = (&self.job.frames.flaws, self.frame);
        let first = flaws.partition_point(|flaw| flaw.frame < frame);
        flaws[first..].iter().take_while(move |flaw| flaw.frame == frame)
    }
}

impl Row for SeenFrame<'_> {
    fn value(&self, field: &Field) -> Value<'_> {
        let reference = &self.job.reference;
        match field {
            Field::Ref => reference.to_string().into(),
            Field::Release => reference.home.as_str().into(),
            Field::Job => reference.job.as_str().into(),
            Field::Frames => i64::from(self.frame).into(),
            Field::Status => self.status().as_str().into(),
            Field::Path => self.path().map(|path| path.to_string()).into(),
            Field::User => self.job.user.as_deref().into(),
            _ => Value::None,
        }
    }
}
