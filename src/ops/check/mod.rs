//! What is true of a job's frames: read from the volume, never from a status word.
//!
//! Used by `status`, by `plan --wait`, by the worker's look before a task, and by `harvest`.

pub mod held;
pub mod in_parallel;
pub mod inputs;
pub mod job_files;
pub mod job_frames;
pub mod jobs_by_run;
pub mod judge;
pub mod open_work;
pub mod openness;
pub mod read_files;
#[cfg(test)]
#[path = "tests/room.rs"]
pub(crate) mod room;
pub mod task_logs;
pub mod task_workers;
pub mod verdict_cache;

pub use job_frames::{FrameCounts, FrameFlaw, FrameSuspicion, JobFrames};
pub use open_work::OpenWork;

use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::name::{Home, JobRef};
use crate::base::rel_path::RelPath;
use crate::frames::verdict::Verdict;
use crate::ops::ports::Ports;
use crate::sys::disk::Attributes;
use crate::volume::release_file::JobRecord;
use in_parallel::try_in_parallel;
use job_files::{JobFile, JobFiles, Place};
use judge::{FileState, Judged, Surroundings};
use read_files::{FileToRead, Purpose, Reading};
use serde::{Deserialize, Serialize};
use task_logs::{JobNotes, ToRead};
use verdict_cache::VerdictCache;

/// So many caches are in memory at once: enough to ask for the logs of many jobs together.
const KNOWN_AT_ONCE: usize = 200;

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    release: &Home,
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
    release: &Home,
    job: &JobRecord,
    work: &OpenWork,
    effort: Effort,
) -> Result<JobFrames, Failure> {
    let look = Look { remember, ports, release, work, effort };
    let known = look.known(job);
    let notes = task_logs::read(ports, work.telling(job), &known.notes)?;
    look.job(job, &known, notes)
}

/// The same of several jobs, in their order: what is not known of their logs is asked for together.
pub fn check_jobs(
    ports: &Ports<'_>,
    release: &Home,
    jobs: &[&JobRecord],
    work: &OpenWork,
    effort: Effort,
) -> Result<Vec<JobFrames>, Failure> {
    check_jobs_and(Remember::Keep, ports, release, jobs, work, effort)
}

/// The same, and says what is kept of it.
pub fn check_jobs_and(
    remember: Remember,
    ports: &Ports<'_>,
    release: &Home,
    jobs: &[&JobRecord],
    work: &OpenWork,
    effort: Effort,
) -> Result<Vec<JobFrames>, Failure> {
    let look = Look { remember, ports, release, work, effort };
    let mut frames = Vec::with_capacity(jobs.len());
    for jobs in jobs.chunks(KNOWN_AT_ONCE) {
        let known = try_in_parallel(ports, jobs, |job| Ok::<_, Failure>(look.known(job)))?;
        let unread: Vec<ToRead<'_>> =
            jobs.iter().zip(&known).map(|(job, known)| (work.telling(job), &known.notes)).collect();
        let notes = task_logs::read_all(ports, &unread)?;
        for ((job, known), notes) in jobs.iter().zip(&known).zip(notes) {
            frames.push(look.job(job, known, notes)?);
        }
    }
    Ok(frames)
}

/// What every job of a release is looked at with.
struct Look<'a> {
    remember: Remember,
    ports: &'a Ports<'a>,
    release: &'a Home,
    work: &'a OpenWork,
    effort: Effort,
}

impl Look<'_> {
    fn known(&self, job: &JobRecord) -> VerdictCache {
        VerdictCache::load(self.ports.volume, &JobRef::within(self.release, &job.name))
    }

    fn job(&self, job: &JobRecord, known: &VerdictCache, notes: JobNotes) -> Result<JobFrames, Failure> {
        let (ports, expected, runs) = (self.ports, &job.current().frames, self.work.telling(job));
        let located = job_files::locate(ports.volume, self.release, job, expected, self.work.harvested(&job.name))?;
        let looked = look(ports, &located, self.effort, known)?;
        let kept = located.files.iter().zip(&looked).filter_map(|(file, looked)| {
            let (attributes, verdict) = looked.checked.as_ref()?;
            matches!(file.place, Place::Out(_)).then_some((&file.expected.path, attributes, verdict))
        });
        let fresh = VerdictCache::of(kept, notes);
        if self.remember == Remember::Keep && fresh != *known {
            fresh.save(ports.volume, &located.reference);
        }
        let paths = job_files::paths(&located, self.release)?;
        let mut files = judged(&located, &paths, looked)?;
        judge::compare(&mut files, image_size(job));
        let suspicions = task_logs::suspicions(runs, &fresh.notes);
        let around = Surroundings { expected, open: &self.work.frames(&job.name), suspicions: &suspicions };
        let mut frames = judge::frames(&files, &around);
        frames.hopeless = task_logs::hopeless(runs, &fresh.notes);
        frames.seconds_per_frame = task_logs::seconds_per_frame(&fresh.notes);
        drop(files);
        frames.extras = located.extras;
        Ok(frames)
    }
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
    release: &Home,
    job: &JobRecord,
    frames: &FrameSet,
) -> Result<Vec<(RelPath, String)>, Failure> {
    let mut broken = broken_among(ports, release, job, frames, Effort::Verify)?;
    // What is whole by itself may differ from the others of its job, and it takes them to tell.
    let alone: FrameSet = broken.iter().map(|(frame, ..)| *frame).collect();
    if !frames.minus(&alone).is_empty() {
        let all = broken_among(ports, release, job, &job.current().frames, Effort::Trust)?;
        broken.extend(all.into_iter().filter(|(frame, ..)| frames.contains(*frame) && !alone.contains(*frame)));
    }
    Ok(broken.into_iter().map(|(_, path, cause)| (path, cause)).collect())
}

/// Those of these frames' files that are broken, or differ from most of them.
fn broken_among(
    ports: &Ports<'_>,
    release: &Home,
    job: &JobRecord,
    frames: &FrameSet,
    effort: Effort,
) -> Result<Vec<(i32, RelPath, String)>, Failure> {
    let located = job_files::locate(ports.volume, release, job, frames, &[])?;
    let known = match effort {
        Effort::Trust => VerdictCache::load(ports.volume, &located.reference),
        Effort::Verify => VerdictCache::default(),
    };
    let looked = look(ports, &located, effort, &known)?;
    let paths = job_files::paths(&located, release)?;
    let mut files = judged(&located, &paths, looked)?;
    judge::compare(&mut files, image_size(job));
    let broken = files.into_iter().filter_map(|file| match file.state {
        FileState::Broken(cause) => Some((file.expected.frame, file.path.clone(), cause)),
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
fn look(ports: &Ports<'_>, located: &JobFiles, effort: Effort, known: &VerdictCache) -> Result<Vec<Looked>, Failure> {
    let mut looked: Vec<Option<Looked>> = located.files.iter().map(|file| at_a_glance(file, effort, known)).collect();
    let places: Vec<usize> = (0..looked.len()).filter(|at| looked[*at].is_none()).collect();
    let to_read = |at: &usize| to_read(&located.files[*at]);
    let files: Vec<(&FileToRead, Purpose)> = places.iter().filter_map(to_read).collect();
    for (file, reading) in read_files::read_files(ports, &files)? {
        let at = places[file];
        looked[at] = Some(after_reading(&located.files[at], reading));
    }
    Ok(looked.into_iter().flatten().collect())
}

/// Harvested files were walked when they were harvested: their digest says the rest.
fn to_read(file: &JobFile) -> Option<(&FileToRead, Purpose)> {
    match &file.place {
        Place::Out(file) => Some((file, Purpose::Walk)),
        Place::Dist(file) => Some((file, Purpose::Digest)),
        Place::Odd(_) | Place::Nowhere => None,
    }
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
        Reading::File { attributes, verdict, digest: None, .. } => {
            Looked { state: FileState::of(verdict.clone()), checked: Some((attributes, verdict)) }
        }
    }
}

/// What is wrong with a harvested file whose bytes are others now.
pub const CHANGED: &str =
    "it differs from what was harvested: its SHA-256 is not the manifest's (move it away to have it rendered again)";

fn judged<'a>(located: &'a JobFiles, paths: &'a [RelPath], looked: Vec<Looked>) -> Result<Vec<Judged<'a>>, Failure> {
    let judged = |((file, path), looked): ((&'a JobFile, &'a RelPath), Looked)| {
        Ok(Judged {
            expected: &file.expected,
            path,
            in_dist: matches!(file.place, Place::Dist(_)) || is_kept(located, file, &looked)?,
            state: looked.state,
        })
    };
    located.files.iter().zip(paths).zip(looked).map(judged).collect()
}

/// Whether a file of `out/` was harvested and stayed (`--keep`): it and the one in `dist/` are as the manifest says.
fn is_kept(located: &JobFiles, file: &JobFile, looked: &Looked) -> Result<bool, Failure> {
    let (Some(entry), Some(dist), Some((now, _))) = (&file.harvested, &located.dist, &looked.checked) else {
        return Ok(false);
    };
    let is_entry = |found: &Attributes| (found.size, found.mtime) == (entry.size, entry.modified);
    if !is_entry(now) {
        return Ok(false);
    }
    let (folder, name) = entry.path.split().unwrap_or_default();
    let there = dist.dir(&folder)?.map(|dir| dir.open_read(name)).transpose()?.flatten();
    // Some shares do not let a copy have the time of its source.
    there.map_or(Ok(false), |there| Ok(is_entry(there.attributes()) || there.digest()?.0 == entry.sha256))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::status::{JobStatus, TaskStatus};
    use crate::ops::check::room::{Room, picture};

    fn check(room: &Room, effort: Effort) -> JobFrames {
        let ports = room.ports();
        let work = OpenWork::of(&ports, &room.file).expect("work");
        check_job(&ports, room.release(), &room.file.jobs[0], &work, effort).expect("check")
    }

    #[test]
    fn verdicts_are_kept_until_the_file_changes() {
        let room = Room::rendered(&[("A", "1-3")]);
        room.put("releases/r1/out/A/notes.txt", b"x");
        let first = check(&room, Effort::Trust);
        assert_eq!((first.ok.len(), first.extras.as_slice()), (3, &["notes.txt".to_owned()][..]));
        assert!(room.read(".farm/verdicts/r1/A.json").is_some());
        // Other bytes behind the same size, time and inode: only --verify can see that.
        let path = room.path("releases/r1/out/A/000002.png");
        let before = std::fs::metadata(&path).expect("stat");
        let mut bytes = std::fs::read(&path).expect("read");
        bytes[50] ^= 1;
        std::fs::write(&path, &bytes).expect("write");
        let file = std::fs::File::options().write(true).open(&path).expect("open");
        file.set_modified(before.modified().expect("time")).expect("time");
        assert_eq!(check(&room, Effort::Trust).ok.len(), 3);
        let verified = check(&room, Effort::Verify);
        assert_eq!((verified.bad.to_string().as_str(), verified.flaws.len()), ("2", 1));
        assert_eq!(check(&room, Effort::Trust).bad.to_string(), "2", "the new verdict is kept");
        room.render("A", 2, 3);
        assert_eq!(check(&room, Effort::Trust).ok.len(), 3);
    }

    #[test]
    fn a_damaged_cache_is_no_cache() {
        let room = Room::rendered(&[("A", "1-2")]);
        for text in ["", "{", "{\"schema\":\"farm.verdicts/9\"}", "[]"] {
            room.put(".farm/verdicts/r1/A.json", text.as_bytes());
            assert_eq!(check(&room, Effort::Trust).ok.len(), 2, "{text}");
        }
        let torn = r#"{"schema":"farm.verdicts/2","verdicts":[],"files":{"000001.png":[1,2,3,7]},"notes":{}}"#;
        room.put(".farm/verdicts/r1/A.json", torn.as_bytes());
        assert_eq!(check(&room, Effort::Trust).ok.len(), 2);
    }

    #[test]
    fn what_is_half_written_is_being_rendered_and_what_is_whole_is_done() {
        let mut room = Room::rendered(&[("A", "1-4")]);
        room.put("releases/r1/out/A/000002.png", b"half");
        room.lose("releases/r1/out/A/000003.png");
        room.add_run("1-3", TaskStatus::Active);
        let frames = check(&room, Effort::Trust);
        assert_eq!((frames.ok.to_string().as_str(), frames.rendering.to_string().as_str()), ("1,4", "2-3"));
        assert_eq!((frames.missing.len(), frames.bad.len(), frames.flaws.len()), (2, 0, 0));
        assert!(frames.to_render().is_empty());
    }

    #[test]
    fn each_log_is_read_once() {
        let mut room = Room::rendered(&[("A", "1-2")]);
        let task = room.add_run("1-2", TaskStatus::Completed);
        let log = "Fra:1\nSaved: '/o/000001.png'\n Time: 00:02.00 (Saving: 00:00.01)\n";
        room.manager.logs.insert(task, log.into());
        assert_eq!(check(&room, Effort::Trust).seconds_per_frame, Some(2.0));
        room.manager.logs.clear();
        assert_eq!(check(&room, Effort::Trust).seconds_per_frame, Some(2.0));
    }

    #[test]
    fn the_tasks_of_a_completed_run_are_asked_for_once() {
        let mut room = Room::rendered(&[("A", "1-2")]);
        let task = room.add_run("1-2", TaskStatus::Completed);
        let job = &mut room.manager.jobs[0];
        (job.status, job.activity) = (JobStatus::Completed, "all tasks completed".to_owned());
        let log = "Fra:1\nSaved: '/o/000001.png'\n Time: 00:02.00 (Saving: 00:00.01)\n";
        room.manager.logs.insert(task.clone(), log.into());
        let lists = |room: &Room| room.manager.lists.load(std::sync::atomic::Ordering::Relaxed);
        for _ in 0..2 {
            assert_eq!(check(&room, Effort::Trust).seconds_per_frame, Some(2.0));
            assert_eq!(lists(&room), 1);
        }
        // It was put back in the queue and rendered again.
        room.manager.jobs[0].updated = room.manager.jobs[0].updated.plus_seconds(60);
        room.manager.logs.insert(task, log.replace("02.00", "03.00"));
        assert_eq!((check(&room, Effort::Trust).seconds_per_frame, lists(&room)), (Some(3.0), 2));
    }

    /// Somebody mends a texture and has one task of an active job rendered again: what its old log said is over.
    #[test]
    fn a_task_that_was_rendered_again_is_judged_by_its_new_log() {
        let mut room = Room::rendered(&[("A", "1-2")]);
        let task = room.add_run("1-2", TaskStatus::Completed);
        let saved = "Fra:1\nSaved: '/o/000001.png'\n Time: 00:02.00 (Saving: 00:00.01)\n";
        room.manager.logs.insert(task.clone(), format!("Error in PyDriver: expression failed\n{saved}"));
        assert_eq!(check(&room, Effort::Trust).suspicions.len(), 1);
        room.manager.logs.insert(task, saved.to_owned());
        assert_eq!(check(&room, Effort::Trust).suspicions.len(), 1, "nothing changed: not read again");
        let job = room.manager.jobs[0].id.clone();
        let task = &mut room.manager.tasks.get_mut(&job).expect("there")[0];
        task.updated = task.updated.plus_seconds(60);
        for status in [JobStatus::Completed, JobStatus::Active] {
            let job = &mut room.manager.jobs[0];
            (job.status, job.activity) = (status.clone(), "all tasks completed".to_owned());
            assert_eq!(check(&room, Effort::Trust).suspicions, [], "{status}");
        }
    }

    #[test]
    fn the_tasks_of_completed_runs_of_many_jobs_are_asked_for_at_the_same_time() {
        let mut room = Room::rendered(&[("A", "1-2"), ("B", "1-2"), ("C", "1-2"), ("D", "1-2")]);
        for at in 0..4 {
            room.add_run_of(at, "1-2", TaskStatus::Completed);
            let job = &mut room.manager.jobs[at];
            (job.status, job.activity) = (JobStatus::Completed, "all tasks completed".to_owned());
        }
        let report = crate::ops::status::survey(&room.ports(), "r1", Effort::Trust).expect("status");
        assert_eq!(report.jobs.iter().map(|job| job.frames.ok).sum::<u64>(), 8);
        let most = room.manager.most_at_once.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!(most, 2, "what this Manager bears");
    }

    #[test]
    fn broken_files_are_named_whatever_the_manager_says() {
        let room = Room::rendered(&[("A", "1-4")]);
        room.put("releases/r1/out/A/000001.png", b"");
        room.put("releases/r1/out/A/000002.png", &picture(16, "A", 2, 0));
        room.lose("releases/r1/out/A/000003.png");
        let frames = "1-3".parse().expect("frames");
        let broken = broken_files(&room.ports(), room.release(), &room.file.jobs[0], &frames).expect("look");
        let named: Vec<&str> = broken.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(named, ["releases/r1/out/A/000001.png", "releases/r1/out/A/000002.png"]);
        assert!(broken[1].1.contains("16x16"), "{broken:?}");
    }
}
