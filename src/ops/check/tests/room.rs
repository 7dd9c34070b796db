//! For tests: a volume with a release `r1`, a Manager that says what it is told, and frames.

use crate::base::digest::Digest;
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId, TaskId, WorkerId};
use crate::base::name::Home;
use crate::base::rel_path::RelPath;
use crate::base::status::{JobStatus, TaskStatus, WorkerStatus};
use crate::base::time::Timestamp;
use crate::manager::job::META_ID;
use crate::manager::{
    Block, LogPart, Manager, ManagerError, ManagerJob, ManagerTask, ManagerVersion, ManagerWorker, SleepSchedule,
    Submission, TaskStory,
};
use crate::ops::ports::{Actor, Ports, Silent};
use crate::ops::release;
use crate::sys::clock;
use crate::volume::Volume;
use crate::volume::init::{InitRequest, init};
use crate::volume::lock::LockWait;
use crate::volume::marker::Purpose;
use crate::volume::release_file::{JobRecord, Output, ReleaseFile, Revision, RunRecord, Source, StoredFile};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

pub(crate) struct Room {
    temp: TempDir,
    /// Where lost files go.
    attic: TempDir,
    pub(crate) volume: Volume,
    pub(crate) manager: Told,
    actor: Actor,
    pub(crate) file: ReleaseFile,
}

/// A Manager that knows what it was told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) jobs: Vec<ManagerJob>,
    pub(crate) tasks: HashMap<JobId, Vec<ManagerTask>>,
    pub(crate) workers: Vec<ManagerWorker>,
    pub(crate) logs: HashMap<TaskId, String>,
    /// What the lists do not say of tasks.
    pub(crate) stories: HashMap<TaskId, TaskStory>,
    /// Workers that the jobs do not want any more.
    pub(crate) blocks: Vec<Block>,
    /// The parts of logs that it was asked for, from where on.
    pub(crate) parts: Mutex<Vec<(TaskId, u64)>>,
    /// Workers of tasks that the lists do not name, as until 3.7.
    pub(crate) unnamed: HashMap<TaskId, WorkerId>,
    /// How often it was asked for its list of jobs.
    pub(crate) listed: AtomicUsize,
    /// How often it was asked for the tasks of a job.
    pub(crate) lists: AtomicUsize,
    /// How many tasks it was asked for.
    pub(crate) asked: AtomicUsize,
    /// How many requests for tasks and logs are under way, and how many were at most.
    under_way: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
}

impl Room {
    /// Jobs by name and frames, as 8x8 PNG, none rendered yet.
    pub(crate) fn new(jobs: &[(&str, &str)]) -> Room {
        let temp = tempfile::tempdir().expect("temp");
        let request = InitRequest { path: temp.path(), name: None, purpose: Purpose::Testing, home: None };
        let volume = init(&request).expect("init").volume;
        let mut file = ReleaseFile::new("r1".parse().expect("name"), clock::now());
        file.jobs = jobs.iter().map(|(name, frames)| job(name, frames)).collect();
        let actor = Actor {
            user: "ann".into(),
            host: "here".into(),
            command: "farm harvest release r1".into(),
            lock_wait: LockWait::No,
            threads: 2,
        };
        let attic = tempfile::tempdir().expect("temp");
        let room = Room { temp, attic, volume, manager: Told::default(), actor, file };
        for job in &room.file.jobs {
            room.put(&format!("releases/r1/store/{}.blend", job.name), b"scene");
        }
        room.save();
        room
    }

    /// The same with every frame rendered.
    pub(crate) fn rendered(jobs: &[(&str, &str)]) -> Room {
        let room = Room::new(jobs);
        for job in &room.file.jobs {
            for frame in job.current().frames.iter() {
                room.render(job.name.as_str(), frame, 0);
            }
        }
        room
    }

    pub(crate) fn ports(&self) -> Ports<'_> {
        Ports { volume: &self.volume, manager: &self.manager, progress: &Silent, actor: &self.actor }
    }

    pub(crate) fn release(&self) -> &Home {
        &self.file.name
    }

    pub(crate) fn save(&self) {
        release::save(&self.volume, &self.file).expect("save");
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.temp.path().join(path)
    }

    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("temp");
        std::fs::write(path, bytes).expect("temp");
    }

    /// Writes a frame; another `take` gives other bytes.
    pub(crate) fn render(&self, job: &str, frame: i32, take: u8) {
        self.put(&format!("releases/r1/out/{job}/{frame:06}.png"), &picture(8, job, frame, take));
    }

    /// Takes a file away.
    pub(crate) fn lose(&self, path: &str) {
        let place = self.attic.path().join(RunId::random().to_string());
        std::fs::rename(self.path(path), place).expect("temp");
    }

    pub(crate) fn read(&self, path: &str) -> Option<Vec<u8>> {
        std::fs::read(self.path(path)).ok()
    }

    /// Every file below `path` with its bytes.
    pub(crate) fn tree(&self, path: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut todo = vec![self.path(path)];
        while let Some(folder) = todo.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let (kind, path) = (entry.file_type().expect("kind"), entry.path());
                let name = path.strip_prefix(self.temp.path()).expect("below").display().to_string();
                match () {
                    () if kind.is_dir() => todo.push(path),
                    () if kind.is_file() => drop(files.insert(name, std::fs::read(&path).expect("read"))),
                    () => drop(files.insert(name, Vec::new())),
                }
            }
        }
        files
    }

    /// The names below `path`, relative to it.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        self.tree(path).into_keys().map(|name| name[path.len() + 1..].to_owned()).collect()
    }

    /// Adds a run of all frames of the first job with one task of this status, on a worker that was seen just now.
    pub(crate) fn add_run(&mut self, frames: &str, status: TaskStatus) -> TaskId {
        self.add_run_of(0, frames, status)
    }

    /// The same for another job.
    pub(crate) fn add_run_of(&mut self, at: usize, frames: &str, status: TaskStatus) -> TaskId {
        let (number, nth) = (self.file.jobs[at].runs.len() as u32 + 1, self.manager.jobs.len() + 1);
        let (id, task) = (RunId::random(), TaskId(format!("task-{nth}")));
        let job = JobId(format!("job-{nth}"));
        let frames: FrameSet = frames.parse().expect("frames");
        self.file.jobs[at].runs.push(run(id, number, frames.clone()));
        self.save();
        let now = clock::now();
        self.manager.jobs.push(ManagerJob {
            id: job.clone(),
            name: format!("r1/{}", self.file.jobs[at].name),
            status: JobStatus::Active,
            priority: 50,
            job_type: "simple-blender-render".into(),
            metadata: BTreeMap::from([(META_ID.to_owned(), id.to_string())]),
            activity: String::new(),
            created: now,
            updated: now,
        });
        let worker = WorkerId("worker".into());
        let name = format!("render-{frames}");
        let made = ManagerTask {
            id: task.clone(),
            name,
            task_type: "blender".into(),
            status,
            worker: Some(worker.clone()),
            worker_name: None,
            names_worker: true,
            updated: now,
        };
        self.manager.tasks.insert(job, vec![made]);
        self.manager.workers = vec![ManagerWorker {
            id: worker,
            name: "here".into(),
            status: WorkerStatus::Awake,
            requested: None,
            version: String::new(),
            last_seen: Some(now),
            task_types: Vec::new(),
            tags: Vec::new(),
            platform: String::new(),
            task: None,
            job: None,
            last_task: None,
        }];
        task
    }
}

/// An 8-bit RGB PNG of its own colour.
pub(crate) fn picture(side: u32, job: &str, frame: i32, take: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Rgb);
    let shade = job.bytes().fold(0u8, u8::wrapping_add);
    let pixels: Vec<u8> = (0..side * side).flat_map(|_| [shade, frame as u8, take]).collect();
    let mut writer = encoder.write_header().expect("header");
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("end");
    bytes
}

fn job(name: &str, frames: &str) -> JobRecord {
    let path = RelPath::new(&format!("releases/r1/store/{name}.blend")).expect("path");
    let (digest, size) = (Digest::of(b"scene"), b"scene".len() as u64);
    let revision = Revision {
        options: Default::default(),
        number: 1,
        planned: Timestamp::from_unix(0),
        user: "ann".into(),
        host: "here".into(),
        source: Source { path: format!("/{name}.blend"), size, modified: Timestamp::from_unix(0), digest },
        store: StoredFile { path, size, digest },
        blender: "3.4".into(),
        scene: None,
        frames: frames.parse().expect("frames"),
        output: Output {
            scene: String::new(),
            format: "PNG".into(),
            extension: "png".into(),
            width: 8,
            height: 8,
            fps: 24.0,
            views: Vec::new(),
            passes: Vec::new(),
            movie: None,
            layers: Vec::new(),
        },
        dependencies: Vec::new(),
        kept: FrameSet::default(),
    };
    JobRecord {
        name: name.parse().expect("name"),
        revisions: vec![revision],
        runs: Vec::new(),
        seconds_per_frame: None,
    }
}

fn run(id: RunId, number: u32, frames: FrameSet) -> RunRecord {
    RunRecord {
        id,
        number,
        revision: 1,
        manager: "told".into(),
        manager_job: None,
        frames,
        chunk: 1,
        priority: 50,
        tag: None,
        paused: false,
        submitted: Timestamp::from_unix(0),
        sending: false,
        in_doubt: None,
        withdrawn: false,
        undo: None,
    }
}

pub(crate) fn message<T>(result: Result<T, Failure>) -> String {
    result.err().map(|failure| failure.message()).unwrap_or_default()
}

impl Manager for Told {
    fn address(&self) -> String {
        "told".into()
    }
    fn is_remote(&self) -> bool {
        true
    }
    fn look_again(&self) -> std::time::Duration {
        std::time::Duration::from_millis(1)
    }
    fn may_arrive_within(&self) -> std::time::Duration {
        std::time::Duration::from_secs(30)
    }
    fn requests_at_once(&self) -> usize {
        2
    }
    fn storage(&self, volume: &std::path::Path) -> Result<String, ManagerError> {
        Ok(volume.display().to_string())
    }
    fn sees_folder(&self, _path: &str) -> Result<crate::manager::Seen, ManagerError> {
        Ok(crate::manager::Seen::Usable)
    }
    fn version(&self) -> Result<ManagerVersion, ManagerError> {
        Err(self.unheard())
    }
    fn check(&self, _: &Submission) -> Result<(), ManagerError> {
        Err(self.unheard())
    }
    fn submit(&self, _: &Submission) -> Result<ManagerJob, ManagerError> {
        Err(self.unheard())
    }
    fn jobs(&self) -> Result<Vec<ManagerJob>, ManagerError> {
        self.listed.fetch_add(1, Ordering::Relaxed);
        Ok(self.jobs.clone())
    }
    fn job(&self, id: &JobId) -> Result<Option<ManagerJob>, ManagerError> {
        Ok(self.jobs.iter().find(|job| &job.id == id).cloned())
    }
    fn tasks(&self, id: &JobId) -> Result<Vec<ManagerTask>, ManagerError> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        self.take_time();
        Ok(self.tasks.get(id).cloned().unwrap_or_default())
    }
    fn task(&self, id: &TaskId) -> Result<Option<ManagerTask>, ManagerError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.take_time();
        let task = self.tasks.values().flatten().find(|task| task.id == *id).cloned();
        Ok(task.map(|task| match task.names_worker {
            true => task,
            false => ManagerTask { worker: self.unnamed.get(id).cloned(), names_worker: true, ..task },
        }))
    }
    fn set_job_status(&self, _: &JobId, _: JobStatus, _: &str) -> Result<(), ManagerError> {
        Err(self.unheard())
    }
    fn set_job_priority(&self, _: &JobId, _: u8) -> Result<(), ManagerError> {
        Err(self.unheard())
    }
    fn delete_job(&self, _: &JobId) -> Result<(), ManagerError> {
        Err(self.unheard())
    }
    fn log_tail(&self, id: &TaskId) -> Result<Option<String>, ManagerError> {
        self.logs.get(id).cloned().map(Some).ok_or_else(|| self.unheard())
    }
    fn log(&self, id: &TaskId) -> Result<Option<Vec<u8>>, ManagerError> {
        self.take_time();
        Ok(self.logs.get(id).map(|log| log.clone().into_bytes()))
    }
    fn log_part(&self, id: &TaskId, from: u64, most: u64) -> Result<Option<LogPart>, ManagerError> {
        self.parts.lock().expect("no panic").push((id.clone(), from));
        let part = |log: &String| {
            let bytes = log.bytes().skip(from as usize).take(most as usize).collect();
            LogPart { bytes, size: log.len() as u64 }
        };
        Ok(self.logs.get(id).map(part))
    }
    fn task_story(&self, id: &TaskId) -> Result<Option<TaskStory>, ManagerError> {
        Ok(Some(self.stories.get(id).cloned().unwrap_or_default()))
    }
    fn blocklist(&self, _: &JobId) -> Result<Vec<Block>, ManagerError> {
        Ok(self.blocks.clone())
    }
    fn workers(&self) -> Result<Vec<ManagerWorker>, ManagerError> {
        Ok(self.workers.clone())
    }
    fn sleep_schedule(&self, _: &WorkerId) -> Result<Option<SleepSchedule>, ManagerError> {
        Ok(None)
    }
}

impl Told {
    /// As a request on a line takes some, so that those that can be under way at once are.
    fn take_time(&self) {
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        clock::sleep(std::time::Duration::from_millis(10));
        self.under_way.fetch_sub(1, Ordering::SeqCst);
    }

    /// What the operations under test have no business to ask.
    fn unheard(&self) -> ManagerError {
        ManagerError::Unusable { address: self.address(), message: "this call was not expected".into(), next: None }
    }
}
