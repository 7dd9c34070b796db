//! Worker, renderer or both killed at random moments: no task is lost, none is worked on twice at once, no renderer
//! outlives the recovery, and the job completes.

use super::guard::guard;
use super::local_farm::{LocalFarm, renderer_pids, renderers_in, settings};
use super::test_farm::{Scene, TestFarm, names, submission};
use farm::base::status::{JobStatus, TaskStatus};
use farm::manager::local::{Local, LocalSettings, WorkerOptions, work};
use farm::manager::{Manager, ManagerJob, RenderWork, Submission, Work};
use farm::sys::process::environment::find_program;
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

/// A spread of delays that is the same in each run (a linear congruential generator).
struct Delays(u64);

impl Delays {
    fn below(&mut self, limit_ms: u64) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % limit_ms)
    }
}

fn kill_renderers(root: &Path) {
    for pid in renderer_pids(root) {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Victim {
    Worker,
    Renderer,
    Both,
}

/// Strikes, recovers and goes on until the job is completed.
fn strike(farm: &LocalFarm, job: &ManagerJob, blender: Option<&str>, longest_ms: u64, count: u32) {
    let root = farm.root().to_owned();
    let mut delays = Delays(0x5eed);
    for number in 0..count {
        let victim = [Victim::Worker, Victim::Renderer, Victim::Both][number as usize % 3];
        let mut worker = start_worker(&root, blender);
        std::thread::sleep(delays.below(longest_ms));
        if victim != Victim::Renderer {
            worker.kill().unwrap();
        }
        if victim != Victim::Worker {
            kill_renderers(&root);
        }
        if victim == Victim::Renderer {
            worker.kill().unwrap();
        }
        worker.wait().unwrap();
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
    let mut delays = Delays(7);
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
        strike(&farm, &job, None, 700, count);
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

#[test]
fn several_workers_struck_at_once_lose_nothing() {
    let farm = LocalFarm::new();
    let (job, output) = submit_scene(&farm, "seconds=0.05", "1-60");
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

/// Blender keeps frames that are there, cut ones too, so a struck frame is moved away before the next try, as farm's
/// operations do.
#[test]
fn real_blender_struck_at_random_completes_with_whole_frames() {
    if find_program("blender").is_none() {
        eprintln!("skipped: Blender is not installed");
        return;
    }
    let farm = LocalFarm::new();
    let submission = super::real_blender::cube(farm.root(), "1-40", 4);
    let job = farm.local().submit(&submission).unwrap();
    let output = farm.root().join("out");
    for _ in 0..kills().div_ceil(4) {
        strike(&farm, &job, Some("blender"), 4000, 1);
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
