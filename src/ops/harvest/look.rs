//! Looking at the frames of many jobs at once: each file is read once, by as many threads as the actor has.

use super::manifest::ManifestFile;
use crate::base::digest::Digest;
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::name::{Home, JobRef};
use crate::base::rel_path::RelPath;
use crate::base::time::Timestamp;
use crate::frames::decode::Undecoded;
use crate::frames::expected::{Expected, Role};
use crate::frames::sampling::{self, Depth};
use crate::ops::check::in_parallel::{map_in_parallel, try_in_parallel};
use crate::ops::check::job_files::{self, JobFile, JobFiles, Place};
use crate::ops::check::judge::{self, FileState, Judged, Surroundings};
use crate::ops::check::read_files::{self, FileToRead, Purpose, Reading};
use crate::ops::check::task_logs::ToRead;
use crate::ops::check::verdict_cache::VerdictCache;
use crate::ops::check::{CHANGED, FrameSuspicion, JobFrames, OpenWork, Remember, image_size, task_logs};
use crate::ops::ports::Ports;
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
    /// Something else than a file bears its name.
    Odd,
    Nowhere,
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
    jobs: Vec<UnreadJob<'a>>,
    folders: usize,
}

/// A job with its folders listed and open.
struct UnreadJob<'a> {
    record: &'a JobRecord,
    reference: JobRef,
    files: Vec<UnreadFile>,
    extras: Vec<String>,
}

struct UnreadFile {
    looked: Looked,
    /// Where to read it, and for what; `None` if there is nothing to read.
    source: Option<(FileToRead, Purpose)>,
}

/// What every look needs.
pub(super) struct Looking<'a> {
    pub(super) ports: &'a Ports<'a>,
    pub(super) release: &'a Home,
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
    pub(super) fn of(looking: &Looking<'_>, record: &'a JobRecord) -> Result<Batch<'a>, Failure> {
        let (volume, release, work) = (looking.ports.volume, looking.release, looking.work);
        let located =
            job_files::locate(volume, release, record, &record.current().frames, work.harvested(&record.name))?;
        let (paths, open) = (job_files::paths(&located, release)?, work.frames(&record.name));
        let JobFiles { reference, files, extras, folders, .. } = located;
        let files = files.into_iter().zip(paths);
        let files = files.map(|(file, path)| UnreadFile::of(file, path, &open, looking.depth)).collect();
        let mut job = UnreadJob { record, reference, files, extras };
        job.choose_proofs(looking.depth);
        Ok(Batch { folders, jobs: vec![job] })
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
        let is_nowhere = |file: &UnreadFile| file.looked.place == Where::Nowhere;
        self.jobs.iter().any(|job| job.files.iter().any(is_nowhere))
    }

    /// Reads and judges the jobs' frames; those that a worker may still write are not opened.
    pub(super) fn look(mut self, looking: &Looking<'_>) -> Result<Vec<LookedAt<'a>>, Failure> {
        self.read(looking.ports)?;
        self.decode_the_rest(looking)?;
        let told = looking.suspicions(&self.jobs)?;
        let jobs = self.jobs.into_iter().zip(told).collect();
        Ok(map_in_parallel(looking.ports, jobs, |(job, told)| job.judge(&told, looking.work)))
    }

    /// Reads every file that there is something to read of.
    fn read(&mut self, ports: &Ports<'_>) -> Result<(), Failure> {
        let sources = self.files().filter_map(|(at, file)| file.source.as_ref().map(|source| (at, source)));
        let (places, files): (Vec<At>, Vec<(&FileToRead, Purpose)>) =
            sources.map(|(at, (file, purpose))| (at, (file, *purpose))).unzip();
        for (file, reading) in read_files::read_files(ports, &files)? {
            self.file(places[file]).learn(reading);
        }
        Ok(())
    }

    /// Decodes what the sample of each series has beside those that were decoded as they were read: files of unusual size,
    /// and those that broken ones made the first, the last or a 20th of the whole ones.
    fn decode_the_rest(&mut self, looking: &Looking<'_>) -> Result<(), Failure> {
        let mut places: Vec<At> = Vec::new();
        for (job, unread) in self.jobs.iter().enumerate() {
            places.extend(unread.left_to_decode(looking.depth).map(|file| (job, file)));
        }
        let source = |(job, file): &At| Some(&self.jobs[*job].files[*file].source.as_ref()?.0);
        let files: Vec<&FileToRead> = places.iter().filter_map(source).collect();
        for (file, found) in read_files::decode_files(looking.ports, &files)? {
            if let Some(Undecoded::Bad(flaw)) = found {
                self.file(places[file]).state = FileState::Broken(flaw.to_string());
            }
        }
        Ok(())
    }

    fn files(&self) -> impl Iterator<Item = (At, &UnreadFile)> {
        let jobs = self.jobs.iter().enumerate();
        jobs.flat_map(|(job, unread)| unread.files.iter().enumerate().map(move |(at, file)| ((job, at), file)))
    }

    fn file(&mut self, (job, file): At) -> &mut Looked {
        &mut self.jobs[job].files[file].looked
    }
}

/// Which job of a batch, and which file of it.
type At = (usize, usize);

impl UnreadFile {
    /// What is known without reading, and what is to be read.
    fn of(file: JobFile, path: RelPath, open: &FrameSet, depth: Depth) -> Self {
        let JobFile { expected, place, harvested } = file;
        let (place, state, source) = match place {
            Place::Nowhere => (Where::Nowhere, FileState::Missing, None),
            Place::Odd(kind) => (Where::Odd, FileState::Broken(format!("it is {kind}, not a file")), None),
            Place::Out(_) if open.contains(expected.frame) => (Where::Out, FileState::Unread, None),
            Place::Out(at) => (Where::Out, FileState::Unread, Some((at, Purpose::WalkAndDigest))),
            Place::Dist(at) if depth == Depth::Quick => (Where::Dist, by_size(harvested.as_deref(), &at), None),
            Place::Dist(at) => (Where::Dist, FileState::Unread, Some((at, Purpose::Digest))),
        };
        UnreadFile { looked: Looked { expected, place, path, harvested, state, read: None }, source }
    }
}

impl<'a> UnreadJob<'a> {
    /// The files that are decoded whatever the others turn out to be are decoded as they are read.
    fn choose_proofs(&mut self, depth: Depth) {
        let is_new = |file: &UnreadFile| matches!(file.source, Some((_, Purpose::WalkAndDigest)));
        for members in self.series(is_new) {
            let certain = (0..members.len()).filter(|place| sampling::is_certain(depth, *place, members.len()));
            for at in certain.map(|place| members[place]) {
                if let Some((_, purpose)) = &mut self.files[at].source {
                    *purpose = Purpose::Proof;
                }
            }
        }
    }

    /// The members of the sample that were only walked.
    fn left_to_decode(&self, depth: Depth) -> impl Iterator<Item = usize> {
        let is_whole =
            |file: &UnreadFile| matches!(file.looked.state, FileState::Whole(_)) && file.looked.place == Where::Out;
        let size = |at: &usize| self.files[*at].looked.read.map_or(0, |read| read.size);
        let sample = move |members: Vec<usize>| {
            let sizes: Vec<u64> = members.iter().map(size).collect();
            sampling::to_decode(depth, &sizes).into_iter().map(move |at| members[at])
        };
        let is_left = |at: &usize| self.files[*at].looked.read.is_some_and(|read| !read.decoded);
        self.series(is_whole).into_iter().flat_map(sample).filter(is_left)
    }

    /// Which files should look alike, in their order: the frames, one view, one pass. Only those that `is_member` takes.
    fn series(&self, is_member: impl Fn(&UnreadFile) -> bool) -> Vec<Vec<usize>> {
        let mut series: BTreeMap<&Role, Vec<usize>> = BTreeMap::new();
        for (at, file) in self.files.iter().enumerate().filter(|(_, file)| is_member(file)) {
            series.entry(&file.looked.expected.role).or_default().push(at);
        }
        series.into_values().collect()
    }

    fn judge(self, suspicions: &[FrameSuspicion], work: &OpenWork) -> LookedAt<'a> {
        let mut files: Vec<Looked> = self.files.into_iter().map(|file| file.looked).collect();
        let states: Vec<FileState> =
            files.iter_mut().map(|file| std::mem::replace(&mut file.state, FileState::Unread)).collect();
        let mut judged: Vec<Judged<'_>> = files.iter().zip(states).map(|(file, state)| file.judged(state)).collect();
        judge::compare(&mut judged, image_size(self.record));
        let (expected, open) = (&self.record.current().frames, &work.frames(&self.record.name));
        let mut frames = judge::frames(&judged, &Surroundings { expected, open, suspicions });
        let states: Vec<FileState> = judged.into_iter().map(|file| file.state).collect();
        for (file, state) in files.iter_mut().zip(states) {
            file.state = state;
        }
        frames.extras = self.extras;
        LookedAt { record: self.record, files, frames }
    }
}

impl Looking<'_> {
    /// What the logs say of each job; each is read once, if the volume may remember it.
    fn suspicions(&self, jobs: &[UnreadJob<'_>]) -> Result<Vec<Vec<FrameSuspicion>>, Failure> {
        let known = |job: &UnreadJob<'_>| {
            let is_told_of = !self.work.telling(job.record).is_empty();
            Ok::<_, Failure>(is_told_of.then(|| VerdictCache::load(self.ports.volume, &job.reference)))
        };
        // Reading what is known is work for the disk; only what is left of it is asked of the Manager.
        let known = try_in_parallel(self.ports, jobs, known)?;
        let known: Vec<VerdictCache> = known.into_iter().map(Option::unwrap_or_default).collect();
        let unread = |(job, known): (&UnreadJob<'_>, _)| (self.work.telling(job.record), known);
        let unread: Vec<ToRead<'_>> = jobs.iter().zip(known.iter().map(|known| &known.notes)).map(unread).collect();
        let notes = task_logs::read_all(self.ports, &unread)?;
        let suspicions =
            unread.iter().zip(&notes).map(|((runs, _), notes)| task_logs::suspicions(runs, notes)).collect();
        if self.remember == Remember::Keep {
            let news = known.into_iter().zip(notes).zip(jobs).filter(|((known, notes), _)| *notes != known.notes);
            let news: Vec<(VerdictCache, &JobRef)> =
                news.map(|((known, notes), job)| (known.with_notes(notes), &job.reference)).collect();
            let save = |(cache, job): &(VerdictCache, &JobRef)| {
                cache.save(self.ports.volume, job);
                Ok::<_, Failure>(())
            };
            try_in_parallel(self.ports, &news, save)?;
        }
        Ok(suspicions)
    }
}

/// A harvested file, told by its size alone.
fn by_size(harvested: Option<&ManifestFile>, at: &FileToRead) -> FileState {
    let wanted = harvested.map(|entry| entry.size);
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
            jobs.for_each(|job| batch.append(Batch::of(&looking(remember), job).expect("located")));
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
