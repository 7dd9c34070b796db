//! What is true of a job's frames: read from the volume, never from a status word.
//!
//! Used by `status`, by `plan --wait`, by the worker's look before a task, and by `harvest`.

pub mod in_parallel;
pub mod inputs;
pub mod job_files;
pub mod job_frames;
pub mod judge;
pub mod open_work;
pub mod read_files;
pub mod task_logs;
pub mod verdict_cache;

pub use job_frames::{FrameCounts, FrameFlaw, FrameSuspicion, JobFrames};
pub use open_work::OpenWork;

use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::name::ReleaseName;
use crate::base::rel_path::RelPath;
use crate::frames::verdict::Verdict;
use crate::ops::ports::Ports;
use crate::sys::disk::Attributes;
use crate::volume::release_file::JobRecord;
use job_files::{JobFile, JobFiles, Place};
use judge::{FileState, Judged, Surroundings};
use read_files::{Digesting, FileToRead, Reading};
use verdict_cache::VerdictCache;

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Verdicts kept by inode, size and time are trusted: one look per file.
    Trust,
    /// Every file is walked again, harvested ones are compared with the manifest's digests.
    Verify,
}

/// Whether what was learnt is kept for the next look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remember {
    /// In the volume's cache.
    Keep,
    /// Not at all: nothing on the volume changes.
    Nothing,
}

/// Finds out what is true of a job's frames. `work` comes from [`OpenWork::of`], once per release.
///
/// Frames that a worker may still write are looked at too: whole ones are ok, others are being rendered.
pub fn check_job(
    ports: &Ports<'_>,
    release: &ReleaseName,
    job: &JobRecord,
    work: &OpenWork,
    effort: Effort,
) -> Result<JobFrames, Failure> {
    check_and(Remember::Keep, ports, release, job, work, effort)
}

/// The same, and says what is kept of it.
pub fn check_and(
    remember: Remember,
    ports: &Ports<'_>,
    release: &ReleaseName,
    job: &JobRecord,
    work: &OpenWork,
    effort: Effort,
) -> Result<JobFrames, Failure> {
    let expected = &job.current().frames;
    let located = job_files::locate(ports.volume, release, job, expected, work.harvested(&job.name))?;
    let known = VerdictCache::load(ports.volume, &located.reference);
    let notes = task_logs::read(ports, work.runs(job), &known.notes)?;
    let looked = look(ports, &located, effort, &known);
    let kept = located.files.iter().zip(&looked).filter_map(|(file, looked)| {
        let (attributes, verdict) = looked.checked.as_ref()?;
        matches!(file.place, Place::Out(_)).then_some((&file.expected.path, attributes, verdict))
    });
    let fresh = VerdictCache::of(kept, notes);
    if remember == Remember::Keep && fresh != known {
        fresh.save(ports.volume, &located.reference);
    }
    let mut files = judged(&located, release, looked)?;
    judge::compare(&mut files, image_size(job));
    let suspicions = task_logs::suspicions(work.runs(job), &fresh.notes);
    let around = Surroundings { expected, open: &work.frames(&job.name), suspicions: &suspicions };
    let mut frames = judge::frames(&files, &around);
    frames.seconds_per_frame = task_logs::seconds_per_frame(&fresh.notes);
    drop(files);
    frames.extras = located.extras;
    Ok(frames)
}

/// The pixels that the scene asks for, where that can be told.
pub fn image_size(job: &JobRecord) -> Option<(u32, u32)> {
    let output = &job.current().output;
    (output.width > 0 && output.height > 0).then_some((output.width, output.height))
}

/// The files of `frames` that lie in the job's folder and are broken, with what is wrong, beneath the volume: what has to
/// go before they are rendered again, for Blender skips whatever exists.
pub fn broken_files(
    ports: &Ports<'_>,
    release: &ReleaseName,
    job: &JobRecord,
    frames: &FrameSet,
) -> Result<Vec<(RelPath, String)>, Failure> {
    let located = job_files::locate(ports.volume, release, job, frames, &[])?;
    let looked = look(ports, &located, Effort::Verify, &VerdictCache::default());
    let mut files = judged(&located, release, looked)?;
    judge::compare(&mut files, image_size(job));
    let broken = files.into_iter().filter_map(|file| match file.state {
        FileState::Broken(cause) => Some((file.path, cause)),
        _ => None,
    });
    Ok(broken.collect())
}

/// What one file was found to be, and what the cache may keep of it.
struct Looked {
    state: FileState,
    checked: Option<(Attributes, Verdict)>,
}

/// Looks at each file; what the cache does not know is read.
fn look(ports: &Ports<'_>, located: &JobFiles, effort: Effort, known: &VerdictCache) -> Vec<Looked> {
    let mut looked: Vec<Option<Looked>> = located.files.iter().map(|file| at_a_glance(file, effort, known)).collect();
    for digesting in [Digesting::Walk, Digesting::Digest] {
        let is_next = |at: &usize| looked[*at].is_none() && digesting_of(&located.files[*at]) == digesting;
        let places: Vec<usize> = (0..looked.len()).filter(is_next).collect();
        let files: Vec<FileToRead> = places.iter().filter_map(|at| to_read(&located.files[*at]).cloned()).collect();
        for (at, reading) in places.iter().zip(read_files::read_files(ports, &files, digesting)) {
            looked[*at] = Some(after_reading(&located.files[*at], reading));
        }
    }
    looked.into_iter().flatten().collect()
}

fn to_read(file: &JobFile) -> Option<&FileToRead> {
    match &file.place {
        Place::Out(file) | Place::Dist(file) => Some(file),
        Place::Odd(_) | Place::Nowhere => None,
    }
}

/// Harvested files were walked when they were harvested: their digest says the rest.
fn digesting_of(file: &JobFile) -> Digesting {
    if matches!(file.place, Place::Dist(_)) { Digesting::Digest } else { Digesting::Walk }
}

/// What is known without reading; `None`: the file has to be read.
fn at_a_glance(file: &JobFile, effort: Effort, known: &VerdictCache) -> Option<Looked> {
    let plain = |state| Some(Looked { state, checked: None });
    match (&file.place, effort) {
        (Place::Nowhere, _) => plain(FileState::Missing),
        (Place::Odd(kind), _) => plain(FileState::Broken(format!("it is {kind}, not a file"))),
        (_, Effort::Verify) => None,
        (Place::Out(at), Effort::Trust) => {
            let now = at.dir.stat(&at.name).ok()??;
            let verdict = known.verdict(&file.expected.path, &now)?.clone();
            Some(Looked { state: FileState::of(verdict.clone()), checked: Some((now, verdict)) })
        }
        (Place::Dist(at), Effort::Trust) => {
            let (now, entry) = (at.dir.stat(&at.name).ok()??, file.harvested.as_ref()?);
            let same = (now.size, now.mtime) == (entry.size, entry.modified);
            same.then_some(Looked { state: FileState::Harvested, checked: None })
        }
    }
}

fn after_reading(file: &JobFile, reading: Reading) -> Looked {
    let plain = |state| Looked { state, checked: None };
    match reading {
        Reading::Gone => plain(FileState::Missing),
        Reading::Other(kind) => plain(FileState::Broken(format!("it is {kind}, not a file"))),
        Reading::Failed(error) => plain(FileState::Unreadable(error.to_string())),
        Reading::File { digest: Some(digest), .. } => plain(match &file.harvested {
            Some(entry) if entry.sha256 == digest => FileState::Harvested,
            _ => FileState::Broken(CHANGED.to_owned()),
        }),
        Reading::File { attributes, verdict, digest: None } => {
            Looked { state: FileState::of(verdict.clone()), checked: Some((attributes, verdict)) }
        }
    }
}

/// What is wrong with a harvested file whose bytes are others now.
pub const CHANGED: &str = "it differs from what was harvested: its SHA-256 is not the manifest's";

fn judged<'a>(located: &'a JobFiles, release: &ReleaseName, looked: Vec<Looked>) -> Result<Vec<Judged<'a>>, Failure> {
    let judged = |(file, looked): (&'a JobFile, Looked)| {
        Ok(Judged {
            expected: &file.expected,
            path: path_of(located, release, file)?,
            state: looked.state,
            in_dist: matches!(file.place, Place::Dist(_)),
        })
    };
    located.files.iter().zip(looked).map(judged).collect()
}

/// Where a file lies, or would lie, beneath the volume.
pub fn path_of(located: &JobFiles, release: &ReleaseName, file: &JobFile) -> Result<RelPath, Failure> {
    Ok(match (&file.place, &file.harvested) {
        (Place::Dist(_), Some(entry)) => crate::volume::layout::dist_dir(release).join(entry.path.as_str())?,
        _ => located.out.join(file.expected.path.as_str())?,
    })
}
