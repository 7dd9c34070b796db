//! Worker, renderer or both killed at random moments: no task is lost, none is worked on twice at once, no renderer
//! outlives the recovery, and the job completes.

use super::guard::guard;
use super::local_farm::{LocalFarm, renderer_pids, renderers_in, settings};
use super::skipped::skipped;
use super::test_farm::{Scene, TestFarm, names, submission};
use farm::base::status::{JobStatus, TaskStatus, WorkerStatus};
use farm::manager::local::{Local, LocalSettings, WorkerOptions, work};
use farm::manager::{Manager, ManagerJob, RenderWork, Submission, Work};
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The folder of the farm that a worker process works for.
const ROOT: &str = "CONFORMANCE_ROOT";
/// Its Blender, if not the stand-in.
const BLENDER: &str = "CONFORMANCE_BLENDER";
/// The folder of the queue that a process of changes works on.
const CHANGES_ROOT: &str = "CONFORMANCE_CHANGES_ROOT";
/// How many kills each test strikes; 100 for the full run.
const KILLS: &str = "CONFORMANCE_KILLS";
/// The number from which the moments of the kills follow; each run's own if it is not set.
const SEED: &str = "CONFORMANCE_SEED";

/// Not a test of its own: with a folder in the environment, this process is a worker.
#[test]
fn worker_entry() {
    let Ok(root) = std::env::var(ROOT) else { return };
    let local = Local::open(settings_of(Path::new(&root))).unwrap();
    work(&local, &WorkerOptions::new(guard()), &(), &AtomicBool::new(false)).unwrap();
}

fn settings_of(root: &Path) -> LocalSettings {
    let settings = settings(root);
    match std::env::var(BLENDER) {
        Ok(blender) => LocalSettings { blender, ..settings },
        Err(_) => settings,
    }
}

fn start_worker(root: &Path, blender: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "kills::worker_entry"]).env(ROOT, root).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(blender) = blender {
        command.env(BLENDER, blender);
    }
    command.spawn().unwrap()
}

fn kills() -> u32 {
    std::env::var(KILLS).ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

/// A spread of delays (a linear congruential generator), another one in each run.
struct Delays(u64);

impl Delays {
    /// Prints the seed, which repeats the run.
    #[expect(clippy::print_stdout, reason = "the harness shows it where the test fails")]
    fn new() -> Self {
        let clock = || std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(7, |since| since.as_nanos() as u64);
        let seed = std::env::var(SEED).ok().and_then(|text| text.parse().ok()).unwrap_or_else(clock);
        println!("{SEED}={seed}");
        Delays(seed)
    }

    fn below(&mut self, limit_ms: u64) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % limit_ms)
    }
}

/// Kills the renderers' processes that run now; whether any did.
fn kill_renderers(root: &Path) -> bool {
    let kill = |pid: i32| Pid::from_raw(pid).is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok());
    // All of them: what happens to a shell's child alone the shell may bear.
    let struck = renderer_pids(root).into_iter().filter_map(|pid| i32::try_from(pid).ok()).filter(|pid| kill(*pid));
    struck.count() > 0
}

/// Kills a renderer of a worker that lives on, which then reports the failure and, for the job failed with it, has
/// nothing left to do.
fn outlive_its_renderer(worker: &mut Child, root: &Path) {
    while !kill_renderers(root) && worker.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut ended = None;
    super::test_farm::wait_for("the worker to see that its renderer died", || {
        ended = worker.try_wait().unwrap();
        ended.is_some()
    });
    assert!(ended.is_some_and(|status| status.success()), "it was its renderer that died: {ended:?}");
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Victim {
    Worker,
    Renderer,
    Both,
}

/// Strikes, recovers and goes on until the job is completed.
fn strike(farm: &LocalFarm, job: &ManagerJob, blender: Option<&str>, delays: &mut Delays, longest_ms: u64, count: u32) {
    let root = farm.root().to_owned();
    for number in 0..count {
        let victim = [Victim::Worker, Victim::Renderer, Victim::Both][number as usize % 3];
        let mut worker = start_worker(&root, blender);
        std::thread::sleep(delays.below(longest_ms));
        match victim {
            Victim::Renderer => outlive_its_renderer(&mut worker, &root),
            Victim::Worker => worker.kill().unwrap(),
            Victim::Both => {
                worker.kill().unwrap();
                kill_renderers(&root);
            }
        }
        worker.wait().unwrap();
        if victim == Victim::Renderer {
            assert_eq!(renderers_in(&root), 0, "{number}: a renderer outlived its worker's report");
        }
        let recovered = farm.local().recover().unwrap();
        assert_eq!(recovered.left, Vec::<String>::new(), "{number}: {victim:?}");
        assert_eq!(renderers_in(&root), 0, "{number}: {victim:?}: a renderer outlived the recovery");
        check(farm, job);
        // A renderer that was killed is a failure, which with one worker ends the job.
        if farm.local().job(&job.id).unwrap().unwrap().status == JobStatus::Failed {
            farm.local().set_job_status(&job.id, JobStatus::Requeueing, "struck").unwrap();
        }
    }
}

/// What must hold whenever no worker lives.
fn check(farm: &LocalFarm, job: &ManagerJob) {
    farm.local().check_integrity().unwrap();
    let now = farm.local().job(&job.id).unwrap().unwrap();
    let tasks = farm.local().tasks(&job.id).unwrap();
    assert!(tasks.iter().all(|task| task.status != TaskStatus::Active), "{tasks:?}");
    let completed = tasks.iter().all(|task| task.status == TaskStatus::Completed);
    assert_eq!(completed, now.status == JobStatus::Completed, "{now:?}");
    assert_eq!(names(&farm.root().join("local/tmp")), Vec::<String>::new());
}

fn submit_scene(farm: &LocalFarm, does: &str, frames: &str) -> (ManagerJob, std::path::PathBuf) {
    let scene = farm.scene_that("struck", does);
    let (submission, output) = submission(farm, Scene::Light, frames, 1);
    let Work::SimpleBlenderRender(work) = submission.work.clone();
    let work = RenderWork { blendfile: scene.to_string_lossy().into_owned(), ..work };
    let job = farm.local().submit(&Submission { work: Work::SimpleBlenderRender(work), ..submission }).unwrap();
    (job, output)
}

/// Not a test of its own: with a folder in the environment, this process submits, cancels, puts back and deletes jobs
/// until it is killed.
#[test]
fn changes_entry() {
    let Ok(root) = std::env::var(CHANGES_ROOT) else { return };
    let farm = LocalFarm::new();
    let local = Local::open(settings(Path::new(&root))).unwrap();
    loop {
        let job = local.submit(&submission(&farm, Scene::Light, "1-40", 1).0).unwrap();
        for status in [JobStatus::CancelRequested, JobStatus::Requeueing, JobStatus::PauseRequested] {
            local.set_job_status(&job.id, status, "").unwrap();
        }
        if job.id.0.starts_with(['0', '2', '4', '6', '8']) {
            local.delete_job(&job.id).unwrap();
        }
    }
}

#[test]
fn a_queue_whose_writer_is_killed_is_whole_and_holds_whole_jobs() {
    let farm = LocalFarm::new();
    let mut delays = Delays::new();
    let mut most = 0;
    for _ in 0..3 * kills() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "kills::changes_entry"]).env(CHANGES_ROOT, farm.root());
        let mut writer = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(delays.below(300));
        writer.kill().unwrap();
        writer.wait().unwrap();
        // First a look, which may find a transaction half done, then the queue itself.
        for local in [Local::peek(settings(farm.root())).unwrap(), Local::open(settings(farm.root())).unwrap()] {
            local.check_integrity().unwrap();
            let jobs = local.jobs().unwrap();
            for job in jobs.iter().rev().take(20) {
                let statuses: Vec<_> = local.tasks(&job.id).unwrap().into_iter().map(|task| task.status).collect();
                assert_eq!(statuses.len(), 40);
                assert!(statuses.iter().all(|status| status.as_str() == job.status.as_str()), "{job:?}: {statuses:?}");
            }
            most = most.max(jobs.len());
        }
    }
    assert!(most > 0, "no writer got anywhere");
}

/// Once with the renderer as the worker's child, once as its grandchild, as behind a wrapper script.
#[test]
fn struck_at_random_nothing_is_lost_and_nothing_is_done_twice_at_once() {
    for does in ["seconds=0.05", "seconds=0.05; child=yes"] {
        let farm = LocalFarm::new();
        let count = kills();
        let (job, output) = submit_scene(&farm, does, &format!("1-{}", 10 * count));
        strike(&farm, &job, None, &mut Delays::new(), 700, count);
        farm.work();
        check(&farm, &job);
        assert_eq!(farm.local().job(&job.id).unwrap().unwrap().status, JobStatus::Completed);
        let frames = names(&output).into_iter().filter(|name| name.ends_with(".png")).count();
        assert_eq!(frames, 10 * count as usize);
        assert!(!output.join("OVERLAP").exists(), "two renderers worked on one task at once");
    }
}

#[test]
fn a_renderer_does_not_outlive_its_killed_worker_even_without_recovery() {
    let farm = LocalFarm::new();
    let (_, output) = submit_scene(&farm, "seconds=0.2", "1-200");
    let mut worker = start_worker(farm.root(), None);
    super::test_farm::wait_for("a frame", || names(&output).iter().any(|name| name.ends_with(".png")));
    worker.kill().unwrap();
    worker.wait().unwrap();
    super::test_farm::wait_for("the renderer's end", || {
        // The shell's own `sleep` ends by itself; the shell, which would start the next, must be gone.
        renderers_in(farm.root()) == 0
    });
}

/// A worker that may not end its renderer, which changed its user, keeps the task from everybody and says so.
#[test]
fn a_renderer_that_cannot_be_ended_keeps_its_task() {
    let name = "a_renderer_that_cannot_be_ended_keeps_its_task";
    let powerless = ["--bounding-set=-kill,-sys_ptrace", "--inh-caps=-all"];
    let change_user = ["setpriv", "--reuid=65534", "--clear-groups", "true"];
    let can = Command::new("setpriv").args(powerless).args(change_user).stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        return skipped(name, "it needs the superuser and setpriv");
    }
    let farm = LocalFarm::new();
    let (job, output) = submit_scene(&farm, "setpriv --reuid=65534 --clear-groups sleep 60 &", "1");
    let start = || {
        let mut command = Command::new("setpriv");
        command.args(powerless).arg(std::env::current_exe().unwrap()).args(["--exact", "kills::worker_entry"]);
        command.env(ROOT, farm.root()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    assert!(!start().wait().unwrap().success(), "it cannot go on");
    let mut next = start();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(next.try_wait().unwrap().is_none(), "it waits for the task to come back");
    next.kill().unwrap();
    next.wait().unwrap();
    let starts = std::fs::read_to_string(farm.root().join("struck.scene.starts")).unwrap();
    assert_eq!((starts.lines().count(), names(&output).len()), (1, 1));
    // This process may end it.
    let recovered = farm.local().recover().unwrap();
    assert_eq!((recovered.killed, recovered.requeued.len()), (1, 1), "{recovered:?}");
    assert_eq!(farm.local().tasks(&job.id).unwrap()[0].status, TaskStatus::Queued);
}

#[test]
fn a_worker_in_a_container_of_this_host_keeps_its_task() {
    let name = "a_worker_in_a_container_of_this_host_keeps_its_task";
    let contained = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    let can = Command::new("unshare").args(contained).arg("true").stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        return skipped(name, "it needs the superuser and unshare");
    }
    let farm = LocalFarm::new();
    let (job, output) = submit_scene(&farm, "seconds=0.2", "1-200");
    let mut command = Command::new("unshare");
    command.args(contained).arg(std::env::current_exe().unwrap()).args(["--exact", "kills::worker_entry"]);
    command.env(ROOT, farm.root()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut worker = command.spawn().unwrap();
    super::test_farm::wait_for("a frame", || names(&output).iter().any(|name| name.ends_with(".png")));
    let recovered = farm.local().recover().unwrap();
    let workers = farm.local().workers().unwrap();
    let tasks = farm.local().tasks(&job.id).unwrap();
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!((recovered.workers.len(), recovered.requeued.len(), recovered.killed), (0, 0, 0), "{recovered:?}");
    assert_eq!(workers[0].status, WorkerStatus::Awake);
    assert!(tasks.iter().all(|task| task.worker.is_none() || task.status != TaskStatus::Queued), "{tasks:?}");
}

#[test]
fn several_workers_struck_at_once_lose_nothing() {
    let farm = LocalFarm::new();
    let (job, output) = submit_scene(&farm, "seconds=0.2", "1-60");
    for _ in 0..3 {
        let mut workers: Vec<Child> = (0..3).map(|_| start_worker(farm.root(), None)).collect();
        std::thread::sleep(Duration::from_millis(600));
        workers.iter_mut().for_each(|worker| worker.kill().unwrap());
        workers.iter_mut().for_each(|worker| assert!(!worker.wait().unwrap().success()));
        assert_eq!(farm.local().recover().unwrap().left, Vec::<String>::new());
        assert_eq!(renderers_in(farm.root()), 0);
        check(&farm, &job);
    }
    farm.work();
    assert_eq!(farm.local().job(&job.id).unwrap().unwrap().status, JobStatus::Completed);
    assert_eq!(names(&output).len(), 60, "{:?}", names(&output));
}

/// Blender keeps frames that are there, cut ones too, so a struck frame is moved away before the next try, as `farm work`
/// does, whose own test is in `tests/it/work.rs`.
#[test]
fn real_blender_struck_at_random_completes_with_whole_frames() {
    if !super::real_blender::has("blender", "real_blender_struck_at_random_completes_with_whole_frames") {
        return;
    }
    let farm = LocalFarm::new();
    let mut delays = Delays::new();
    let submission = super::real_blender::cube(farm.root(), "1-40", 4);
    let job = farm.local().submit(&submission).unwrap();
    let output = farm.root().join("out");
    for _ in 0..kills().div_ceil(4) {
        strike(&farm, &job, Some("blender"), &mut delays, 4000, 1);
        for name in names(&output) {
            if !super::real_blender::is_whole_png(&output.join(&name)) {
                std::fs::rename(output.join(&name), farm.root().join(name)).unwrap();
            }
        }
    }
    while farm.local().job(&job.id).unwrap().unwrap().status != JobStatus::Completed {
        assert!(start_worker(farm.root(), Some("blender")).wait().unwrap().success());
    }
    assert_eq!(names(&output).len(), 40);
    for name in names(&output) {
        assert!(super::real_blender::is_whole_png(&output.join(&name)), "{name}");
    }
}
