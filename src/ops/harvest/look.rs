//! Looking at the frames of many jobs at once: each file is read once, by as many threads as the actor has.

use super::manifest::ManifestFile;
use crate::base::digest::Digest;
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::name::{JobRef, ReleaseName};
use crate::base::rel_path::RelPath;
use crate::base::time::Timestamp;
use crate::frames::decode::Undecoded;
use crate::frames::expected::{Expected, Role};
use crate::frames::sampling::{self, Depth};
use crate::ops::check::in_parallel::try_in_parallel;
use crate::ops::check::job_files::{self, JobFile, JobFiles, Place};
use crate::ops::check::judge::{self, FileState, Judged, Surroundings};
use crate::ops::check::read_files::{self, FileToRead, Purpose, Reading};
use crate::ops::check::task_logs::ToRead;
use crate::ops::check::verdict_cache::VerdictCache;
use crate::ops::check::{CHANGED, FrameSuspicion, JobFrames, OpenWork, Remember, image_size, path_of, task_logs};
use crate::ops::ports::Ports;
use crate::volume::Volume;
use crate::volume::release_file::JobRecord;
use std::collections::BTreeMap;

/// So many folders are open at once: enough to spread the reading, far below what a process may open.
const OPEN_FOLDERS: usize = 200;
/// The jobs that are listed at once have so many folders at most, or are a single one.
const LISTED_AT_ONCE: usize = 32;

/// A job and what its files were found to be.
#[derive(Debug)]
pub(super) struct LookedAt<'a> {
    pub(super) record: &'a JobRecord,
    pub(super) files: Vec<Looked>,
    pub(super) frames: JobFrames,
}

/// One expected file and what it was found to be.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) expected: Expected,
    pub(super) place: Where,
    /// Where it lies or would lie, beneath the volume.
    pub(super) path: RelPath,
    /// What the manifest says of it, if it was harvested and is not out of date.
    pub(super) harvested: Option<Box<ManifestFile>>,
    pub(super) state: FileState,
    /// What was read, of a file in `out/`.
    pub(super) read: Option<Read>,
}

/// Where a file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    Out,
    Dist,
    Neither,
}

/// What one pass over a file gave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read {
    pub(super) size: u64,
    pub(super) modified: Timestamp,
    pub(super) sha256: Digest,
    /// Whether it was decoded in the same pass.
    decoded: bool,
}

/// Jobs that are looked at together.
#[derive(Default)]
pub(super) struct Batch<'a> {
    jobs: Vec<(&'a JobRecord, JobFiles)>,
    folders: usize,
}

/// What every look needs.
pub(super) struct Looking<'a> {
    pub(super) ports: &'a Ports<'a>,
    pub(super) release: &'a ReleaseName,
    pub(super) depth: Depth,
    pub(super) remember: Remember,
    pub(super) work: &'a OpenWork,
}

/// The first of `records` that are listed at once, and the others.
pub(super) fn listed_at_once<'r, 'j>(records: &'r [&'j JobRecord]) -> (&'r [&'j JobRecord], &'r [&'j JobRecord]) {
    let mut folders = 0;
    // A File Output node writes into a folder of its own.
    let fits = |record: &&&JobRecord| {
        folders += 1 + record.current().output.passes.len();
        folders <= LISTED_AT_ONCE
    };
    records.split_at(records.iter().take_while(fits).count().max(1).min(records.len()))
}

impl<'a> Batch<'a> {
    /// One job, with its folders listed and open.
    pub(super) fn of(
        volume: &Volume,
        release: &ReleaseName,
        job: &'a JobRecord,
        work: &OpenWork,
    ) -> Result<Batch<'a>, Failure> {
        let located = job_files::locate(volume, release, job, &job.current().frames, work.harvested(&job.name))?;
        Ok(Batch { folders: located.folders, jobs: vec![(job, located)] })
    }

    /// Takes the jobs of another batch in.
    pub(super) fn append(&mut self, other: Batch<'a>) {
        self.folders += other.folders;
        self.jobs.extend(other.jobs);
    }

    /// Whether no more jobs should be added.
    pub(super) fn is_full(&self) -> bool {
        self.folders >= OPEN_FOLDERS
    }

    /// Whether a file of these jobs is nowhere.
    pub(super) fn has_gaps(&self) -> bool {
        self.jobs.iter().any(|(_, located)| located.files.iter().any(|file| matches!(file.place, Place::Nowhere)))
    }

    /// Reads and judges the jobs' frames; those that a worker may still write are not opened.
    pub(super) fn look(self, looking: &Looking<'_>) -> Result<Vec<LookedAt<'a>>, Failure> {
        let mut read = Reader { ports: looking.ports, files: Vec::new() };
        for (job, located) in &self.jobs {
            read.add(job, located, looking)?;
        }
        read.choose_proofs(looking.depth);
        read.read()?;
        read.decode_the_rest(looking.depth)?;
        let mut files = read.files.into_iter().map(|file| file.looked);
        let told = looking.suspicions(&self.jobs)?;
        let mut jobs = Vec::with_capacity(self.jobs.len());
        for ((record, located), suspicions) in self.jobs.into_iter().zip(told) {
            let files: Vec<Looked> = files.by_ref().take(located.files.len()).collect();
            let mut looked = judge_job(record, files, &suspicions, looking.work);
            looked.frames.extras = located.extras;
            jobs.push(looked);
        }
        Ok(jobs)
    }
}

impl Looking<'_> {
    /// What the logs say of each job; each is read once, if the volume may remember it.
    fn suspicions(&self, jobs: &[(&JobRecord, JobFiles)]) -> Result<Vec<Vec<FrameSuspicion>>, Failure> {
        let known = |(job, located): &(&JobRecord, JobFiles)| {
            let is_told_of = !self.work.runs(job).is_empty();
            Ok::<_, Failure>(is_told_of.then(|| VerdictCache::load(self.ports.volume, &located.reference)))
        };
        // Reading what is known is work for the disk; only what is left of it is asked of the Manager.
        let known = try_in_parallel(self.ports, jobs, known)?;
        let known: Vec<VerdictCache> = known.into_iter().map(Option::unwrap_or_default).collect();
        let unread = |((job, _), known): (&(&JobRecord, _), _)| (self.work.runs(job), known);
        let unread: Vec<ToRead<'_>> = jobs.iter().zip(known.iter().map(|known| &known.notes)).map(unread).collect();
        let notes = task_logs::read_all(self.ports, &unread)?;
        let suspicions =
            unread.iter().zip(&notes).map(|((runs, _), notes)| task_logs::suspicions(runs, notes)).collect();
        if self.remember == Remember::Keep {
            let news = known.into_iter().zip(notes).zip(jobs).filter(|((known, notes), _)| *notes != known.notes);
            let news: Vec<(VerdictCache, &JobRef)> =
                news.map(|((known, notes), (_, located))| (known.with_notes(notes), &located.reference)).collect();
            let save = |(cache, job): &(VerdictCache, &JobRef)| {
                cache.save(self.ports.volume, job);
                Ok::<_, Failure>(())
            };
            try_in_parallel(self.ports, &news, save)?;
        }
        Ok(suspicions)
    }
}

/// Files of many jobs, being read.
struct Reader<'a> {
    ports: &'a Ports<'a>,
    files: Vec<Unread>,
}

struct Unread {
    looked: Looked,
    /// Where to read it, and for what; `None` if there is nothing to read.
    source: Option<(FileToRead, Purpose)>,
    /// The files of one job that should look alike have one number.
    series: usize,
}

impl Reader<'_> {
    fn add(&mut self, job: &JobRecord, located: &JobFiles, looking: &Looking<'_>) -> Result<(), Failure> {
        let open = looking.work.frames(&job.name);
        let first = self.files.last().map_or(0, |file| file.series + 1);
        let mut series: BTreeMap<&Role, usize> = BTreeMap::new();
        for file in &located.files {
            let next = first + series.len();
            let series = *series.entry(&file.expected.role).or_insert(next);
            let (state, source) = at_a_glance(file, &open, looking.depth);
            let place = match file.place {
                Place::Out(_) => Where::Out,
                Place::Dist(_) => Where::Dist,
                Place::Odd(_) | Place::Nowhere => Where::Neither,
            };
            let path = path_of(located, looking.release, file)?;
            let (expected, harvested) = (file.expected.clone(), file.harvested.clone());
            self.files.push(Unread {
                looked: Looked { expected, place, path, harvested, state, read: None },
                source,
                series,
            });
        }
        Ok(())
    }

    /// The files that are decoded whatever the others turn out to be are decoded as they are read.
    fn choose_proofs(&mut self, depth: Depth) {
        let is_new = |file: &Unread| matches!(file.source, Some((_, Purpose::WalkAndDigest)));
        for members in self.series(is_new).into_values() {
            let certain = (0..members.len()).filter(|place| sampling::is_certain(depth, *place, members.len()));
            for at in certain.map(|place| members[place]) {
                if let Some((_, purpose)) = &mut self.files[at].source {
                    *purpose = Purpose::Proof;
                }
            }
        }
    }

    /// Which files each series has of those that `is_member` takes, in their order.
    fn series(&self, is_member: impl Fn(&Unread) -> bool) -> BTreeMap<usize, Vec<usize>> {
        let mut series: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, file) in self.files.iter().enumerate().filter(|(_, file)| is_member(file)) {
            series.entry(file.series).or_default().push(at);
        }
        series
    }

    /// Reads every file that there is something to read of.
    fn read(&mut self) -> Result<(), Failure> {
        let wanted = |(at, file): (usize, &Unread)| file.source.clone().map(|source| (at, source));
        let (places, sources): (Vec<usize>, Vec<(FileToRead, Purpose)>) =
            self.files.iter().enumerate().filter_map(wanted).unzip();
        let (files, purposes): (Vec<FileToRead>, Vec<Purpose>) = sources.into_iter().unzip();
        for (at, reading) in places.into_iter().zip(read_files::read_files(self.ports, &files, |at| purposes[at])?) {
            self.files[at].looked.learn(reading);
        }
        Ok(())
    }

    /// Decodes what the sample of each series has beside those that were decoded as they were read: files of unusual size,
    /// and those that broken ones made the first, the last or a 20th of the whole ones.
    fn decode_the_rest(&mut self, depth: Depth) -> Result<(), Failure> {
        let is_whole =
            |file: &Unread| matches!(file.looked.state, FileState::Whole(_)) && file.looked.place == Where::Out;
        let size = |at: &usize| self.files[*at].looked.read.map_or(0, |read| read.size);
        let sample = |members: Vec<usize>| {
            let sizes: Vec<u64> = members.iter().map(size).collect();
            sampling::to_decode(depth, &sizes).into_iter().map(move |at| members[at])
        };
        let is_left = |at: &usize| self.files[*at].looked.read.is_some_and(|read| !read.decoded);
        let places: Vec<usize> = self.series(is_whole).into_values().flat_map(sample).filter(is_left).collect();
        let files: Vec<FileToRead> =
            places.iter().filter_map(|at| Some(self.files[*at].source.as_ref()?.0.clone())).collect();
        for (at, found) in places.into_iter().zip(read_files::decode_files(self.ports, &files)?) {
            if let Some(Undecoded::Bad(flaw)) = found {
                self.files[at].looked.state = FileState::Broken(flaw.to_string());
            }
        }
        Ok(())
    }
}

/// What is known without reading, and what is to be read.
fn at_a_glance(file: &JobFile, open: &FrameSet, depth: Depth) -> (FileState, Option<(FileToRead, Purpose)>) {
    match &file.place {
        Place::Nowhere => (FileState::Missing, None),
        Place::Odd(kind) => (FileState::Broken(format!("it is {kind}, not a file")), None),
        Place::Out(_) if open.contains(file.expected.frame) => (FileState::Unread, None),
        Place::Out(at) => (FileState::Unread, Some((at.clone(), Purpose::WalkAndDigest))),
        Place::Dist(at) if depth == Depth::Quick => (by_size(file, at), None),
        Place::Dist(at) => (FileState::Unread, Some((at.clone(), Purpose::Digest))),
    }
}

/// A harvested file, told by its size alone.
fn by_size(file: &JobFile, at: &FileToRead) -> FileState {
    let wanted = file.harvested.as_ref().map(|entry| entry.size);
    match at.dir.stat(&at.name) {
        Ok(Some(now)) if Some(now.size) == wanted => FileState::Harvested,
        Ok(Some(_)) => {
            FileState::Broken("it differs from what was harvested: its size is not the manifest's (move it away to have it rendered again)".to_owned())
        }
        Ok(None) => FileState::Missing,
        Err(error) => FileState::Unreadable(error.to_string()),
    }
}

impl Looked {
    fn judged(&self, state: FileState) -> Judged<'_> {
        Judged { expected: &self.expected, path: &self.path, state, in_dist: self.place == Where::Dist }
    }

    fn learn(&mut self, reading: Reading) {
        self.state = match reading {
            Reading::Gone => FileState::Missing,
            Reading::Other(kind) => FileState::Broken(format!("it is {kind}, not a file")),
            Reading::Failed(error) => FileState::Unreadable(error.to_string()),
            Reading::File { digest: Some(sha256), attributes, verdict, decoded } if self.place == Where::Out => {
                let (size, modified) = (attributes.size, attributes.mtime);
                self.read = Some(Read { size, modified, sha256, decoded: decoded.is_some() });
                match decoded {
                    Some(Err(Undecoded::Bad(flaw))) => FileState::Broken(flaw.to_string()),
                    _ => FileState::of(verdict),
                }
            }
            Reading::File { digest, .. } if digest == self.harvested.as_ref().map(|entry| entry.sha256) => {
                FileState::Harvested
            }
            Reading::File { .. } => FileState::Broken(CHANGED.to_owned()),
        };
    }
}

fn judge_job<'a>(
    record: &'a JobRecord,
    mut files: Vec<Looked>,
    suspicions: &[FrameSuspicion],
    work: &OpenWork,
) -> LookedAt<'a> {
    let states: Vec<FileState> =
        files.iter_mut().map(|file| std::mem::replace(&mut file.state, FileState::Unread)).collect();
    let mut judged: Vec<Judged<'_>> = files.iter().zip(states).map(|(file, state)| file.judged(state)).collect();
    judge::compare(&mut judged, image_size(record));
    let around = Surroundings { expected: &record.current().frames, open: &work.frames(&record.name), suspicions };
    let frames = judge::frames(&judged, &around);
    let states: Vec<FileState> = judged.into_iter().map(|file| file.state).collect();
    for (file, state) in files.iter_mut().zip(states) {
        file.state = state;
    }
    LookedAt { record, files, frames }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::status::TaskStatus;
    use crate::ops::check::room::Room;
    use crate::volume::release_file::Pass;
    use std::sync::atomic::Ordering;

    #[test]
    fn jobs_of_many_folders_are_listed_apart() {
        let mut room = Room::rendered(&[("A", "1"), ("B", "1"), ("C", "1")]);
        let pass = Pass { node: "n".into(), slot: "s".into(), view: String::new(), pattern: "n/s######.png".into() };
        room.file.jobs[1].revisions[0].output.passes = vec![pass; 100];
        let records: Vec<&JobRecord> = room.file.jobs.iter().collect();
        let counts = |records: &[&JobRecord]| {
            let (now, later) = listed_at_once(records);
            (now.len(), later.len())
        };
        assert_eq!(counts(&records), (1, 2));
        assert_eq!(counts(&records[1..]), (1, 1), "one is listed whatever it has");
        assert_eq!(counts(&records[2..]), (1, 0));
        assert_eq!(counts(&[records[0]; 40]), (32, 8));
    }

    /// The threads that read frames do not multiply what is asked of a Manager.
    #[test]
    fn logs_of_many_jobs_ask_no_more_at_once_than_those_of_one() {
        let mut room = Room::rendered(&[("A", "1-6"), ("B", "1-6"), ("C", "1-6"), ("D", "1-6")]);
        for at in 0..4 {
            for _ in 0..6 {
                let task = room.add_run_of(at, "1-6", TaskStatus::Completed);
                room.manager.logs.insert(task, "Error in PyDriver: expression failed\n".to_owned());
            }
        }
        let (ports, release) = (room.ports(), room.release());
        let work = OpenWork::of(&ports, &room.file).expect("work");
        let looking = |remember| Looking { ports: &ports, release, depth: Depth::Quick, remember, work: &work };
        let look = |remember| {
            let mut batch = Batch::default();
            let jobs = room.file.jobs.iter();
            jobs.for_each(|job| batch.append(Batch::of(&room.volume, release, job, &work).expect("located")));
            let looked = batch.look(&looking(remember)).expect("looked");
            looked.iter().map(|job| job.frames.suspicions.len()).collect::<Vec<_>>()
        };
        assert_eq!(look(Remember::Nothing), [1; 4]);
        assert!(room.manager.most_at_once.load(Ordering::SeqCst) <= ports.manager.requests_at_once());
        assert!(room.read(".farm/verdicts/r1/A.json").is_none(), "nothing was to be kept");
        assert_eq!(look(Remember::Keep), [1; 4]);
        assert!(room.read(".farm/verdicts/r1/D.json").is_some());
    }
}
