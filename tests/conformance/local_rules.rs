//! What only the local manager promises: its commands, its workers, soft failure among many of them, its logs.

use super::guard::guard;
use super::local_farm::{LocalFarm, settings};
use super::test_farm::{Scene, TestFarm, names, status, submission, submit, task_statuses, wait_for};
use farm::base::error::{Class, Failure};
use farm::base::frame_set::FrameSet;
use farm::base::status::{JobStatus, TaskStatus, WorkerStatus};
use farm::manager::compile::{Command, Compiled, CompiledTask};
use farm::manager::local::{Ended, Local, LocalSettings, Scope, Unready, WorkReport, WorkerHooks, WorkerOptions, work};
use farm::manager::{Manager, ManagerJob, ManagerTask, RenderWork, Submission, Work};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// A job of one task with these commands, worked off; its log.
fn run_commands(farm: &LocalFarm, commands: &[(&str, Value)]) -> (JobStatus, String) {
    let commands = commands
        .iter()
        .map(|(name, parameters)| Command {
            name: (*name).to_owned(),
            parameters: parameters.as_object().expect("an object").clone(),
        })
        .collect();
    let task = CompiledTask { name: "t".into(), task_type: "misc".into(), frames: FrameSet::default(), commands };
    let compiled = Compiled { job_type: "farm".into(), tasks: vec![task] };
    let (submission, _) = submission(farm, Scene::Light, "1", 1);
    let job = farm.local().submit_compiled(&submission, &compiled).unwrap();
    farm.work();
    let task = farm.local().tasks(&job.id).unwrap().remove(0);
    let log = farm.local().log(&task.id).unwrap().expect("a log");
    (status(farm, &job.id), String::from_utf8_lossy(&log).into_owned())
}

#[test]
fn every_command_does_its_work() {
    let farm = LocalFarm::new();
    let path = |name: &str| farm.root().join(name);
    let text = |name: &str| path(name).to_string_lossy().into_owned();
    std::fs::write(path("a"), "one").unwrap();
    std::fs::create_dir(path("old")).unwrap();
    let (status, log) = run_commands(
        &farm,
        &[
            ("echo", json!({"message": "hello {blender}"})),
            ("sleep", json!({"duration_in_seconds": 0.05})),
            ("make-directory", json!({"path": text("new/er")})),
            ("copy-file", json!({"src": text("a"), "dest": text("copies/here/b")})),
            ("move-directory", json!({"src": text("new"), "dest": text("old")})),
            ("exec", json!({"exe": "sh", "args": ["-c", "echo out; echo err >&2; echo \"$0\"", "a b; $(x)"]})),
        ],
    );
    assert_eq!(status, JobStatus::Completed, "{log}");
    assert!(log.contains("echo: hello ") && log.contains("fake_blender.sh"), "{log}");
    assert!(log.contains("slept 0.05 s") && log.contains("out\nerr\na b; $(x)\n"), "{log}");
    assert!(log.starts_with("farm: t, attempt 1, worker "), "{log}");
    assert_eq!(std::fs::read(path("copies/here/b")).unwrap(), b"one");
    assert!(path("old/er").is_dir() && !path("new").exists());
    assert!(names(farm.root()).iter().any(|name| name.starts_with("old-2")), "{:?}", names(farm.root()));
}

#[test]
fn frames_become_a_video() {
    if !super::real_blender::has("ffmpeg", "frames_become_a_video") {
        return;
    }
    let farm = LocalFarm::new();
    let text = |name: &str| farm.root().join(name).to_string_lossy().into_owned();
    let source = ["-f", "lavfi", "-i", "testsrc=size=64x64:rate=5", "-frames:v", "5", &text("f_%03d.png")];
    let (status, log) = run_commands(
        &farm,
        &[
            ("exec", json!({"exe": "ffmpeg", "args": source})),
            (
                "frames-to-video",
                json!({"exe": "ffmpeg", "exeArgs": "-nostdin", "fps": 12.5, "inputGlob": text("*.png"),
                       "args": ["-c:v", "mpeg4", "-y"], "outputFile": text("out.mp4")}),
            ),
        ],
    );
    assert_eq!(status, JobStatus::Completed, "{log}");
    assert!(std::fs::metadata(farm.root().join("out.mp4")).unwrap().len() > 500);
    assert!(log.contains("12.50 fps"), "{log}");
}

#[test]
fn wrong_commands_fail_with_the_reason_in_the_log() {
    let farm = LocalFarm::new();
    std::fs::write(farm.root().join("a"), "one").unwrap();
    let a = farm.root().join("a").to_string_lossy().into_owned();
    for (name, parameters, word) in [
        ("fly", json!({}), "does not know the command \"fly\""),
        ("echo", json!({}), "\"message\" is missing"),
        ("sleep", json!({"duration_in_seconds": -1}), "cannot rest"),
        ("make-directory", json!({"path": "relative"}), "absolute"),
        ("copy-file", json!({"src": a, "dest": a}), "there already"),
        ("copy-file", json!({"src": "/no/such", "dest": format!("{a}2")}), "cannot copy /no/such"),
        ("move-directory", json!({"src": "/no/such", "dest": "/no/where"}), "nothing was moved"),
        ("exec", json!({"exe": "no-such-program"}), "no program \"no-such-program\""),
        ("exec", json!({"exe": "false"}), "exit code 1"),
        ("frames-to-video", json!({"exe": "ffmpeg", "fps": 0, "inputGlob": "x", "outputFile": "y"}), "above 0"),
        ("blender-render", json!({"exe": "sh", "exeArgs": "'", "blendfile": ""}), "closed quotes"),
        ("blender-render", json!({"exe": "/no/blender", "blendfile": ""}), "Install Blender"),
    ] {
        let (status, log) = run_commands(&farm, &[(name, parameters)]);
        assert_eq!(status, JobStatus::Failed, "{name}");
        assert!(log.contains(word), "{name}: {log}");
    }
}

#[test]
fn a_missing_blender_is_told_in_the_log_and_in_the_job() {
    let root = tempfile::tempdir().unwrap();
    let farm = LocalFarm::new();
    let local = Local::open(LocalSettings { blender: "/no/blender".into(), ..settings(root.path()) }).unwrap();
    let job = local.submit(&submission(&farm, Scene::Light, "1-3", 1).0).unwrap();
    let report = work(&local, &WorkerOptions::new(guard()), &(), &AtomicBool::new(false)).unwrap();
    assert_eq!(report, WorkReport { failed: 1, ..WorkReport::default() });
    let after = local.job(&job.id).unwrap().unwrap();
    assert!(after.activity.contains("Blender is not here") && after.activity.contains("render-1"), "{after:?}");
}

#[test]
fn a_task_that_fails_softly_is_taken_by_another_worker() {
    let farm = LocalFarm::new();
    let scene = farm.scene_that("moody", "fail_first=1; seconds=0.2");
    let (submission, output) = submission(&farm, Scene::Light, "1-12", 1);
    let Work::SimpleBlenderRender(work_of) = submission.work.clone();
    let work_of = RenderWork { blendfile: scene.to_string_lossy().into_owned(), ..work_of };
    let job = farm.local().submit(&Submission { work: Work::SimpleBlenderRender(work_of), ..submission }).unwrap();
    let reports = with_workers(&farm, 4);
    assert_eq!(status(&farm, &job.id), JobStatus::Completed);
    assert_eq!(names(&output).len(), 12);
    assert_eq!(reports.iter().map(|report| report.failed).sum::<u64>(), 1);
    assert_eq!(reports.iter().map(|report| report.completed).sum::<u64>(), 12);
}

#[test]
fn a_task_that_always_fails_ends_its_job_also_with_many_workers() {
    let farm = LocalFarm::new();
    let job = submit(&farm, Scene::Failing, "1-30", 1);
    let reports = with_workers(&farm, 4);
    assert_eq!(status(&farm, &job.id), JobStatus::Failed);
    assert!(reports.iter().map(|report| report.failed).sum::<u64>() >= 2, "{reports:?}");
    let statuses = task_statuses(&farm, &job.id);
    assert!(statuses.iter().all(TaskStatus::has_ended), "{statuses:?}");
}

/// Lets many workers work the queue off at once.
fn with_workers(farm: &LocalFarm, count: usize) -> Vec<WorkReport> {
    // All sign on before any takes a task: who is there decides what a failure means.
    let start = std::sync::Barrier::new(count);
    struct Together<'a>(&'a std::sync::Barrier, AtomicBool);
    impl WorkerHooks for Together<'_> {
        fn before_task(
            &self,
            _: &ManagerJob,
            _: &ManagerTask,
            _: &FrameSet,
            _: &mut dyn FnMut() -> ControlFlow<()>,
        ) -> Result<(), Unready> {
            if !self.1.swap(true, Ordering::Relaxed) {
                self.0.wait();
            }
            Ok(())
        }
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count)
            .map(|_| {
                scope.spawn(|| {
                    let local = Local::open(farm.local().settings().clone()).unwrap();
                    let hooks = Together(&start, AtomicBool::new(false));
                    work(&local, &WorkerOptions::new(guard()), &hooks, &AtomicBool::new(false)).unwrap()
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    })
}

#[test]
fn many_workers_never_get_the_same_task() {
    let farm = LocalFarm::new();
    let (submission, output) = submission(&farm, Scene::Light, "1-60", 1);
    let job = farm.local().submit(&submission).unwrap();
    let reports = with_workers(&farm, 6);
    assert_eq!(reports.iter().map(|report| report.completed).sum::<u64>(), 60, "{reports:?}");
    assert_eq!(status(&farm, &job.id), JobStatus::Completed);
    assert_eq!(names(&output).len(), 60, "{:?}", names(&output));
    let workers = farm.local().workers().unwrap();
    assert_eq!(workers.len(), 6);
    assert!(workers.iter().all(|worker| worker.status == WorkerStatus::Offline && worker.task.is_none()));
}

/// What the hooks saw, in order.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl WorkerHooks for Recorder {
    fn before_task(
        &self,
        job: &ManagerJob,
        task: &ManagerTask,
        frames: &FrameSet,
        _: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<(), Unready> {
        self.0.lock().unwrap().push(format!("before {} {frames} {} {}", task.name, job.status, task.status));
        if frames.contains(13) { Err(Failure::new(Class::Refused, "13 is bad luck").into()) } else { Ok(()) }
    }
    fn after_task(&self, _: &ManagerJob, task: &ManagerTask, frames: &FrameSet, ended: &Ended) {
        self.0.lock().unwrap().push(format!("after {} {frames} {ended:?}", task.name));
    }
    fn line(&self, _: &ManagerJob, _: &ManagerTask, line: &str) {
        if line.starts_with("Saved") {
            self.0.lock().unwrap().push("saved".into());
        }
    }
}

#[test]
fn hooks_are_called_around_each_task_and_may_refuse_it() {
    let farm = LocalFarm::new();
    submit(&farm, Scene::Light, "1-2,13", 2);
    let recorder = Recorder::default();
    let report = farm.work_off(&recorder);
    assert_eq!((report.completed, report.failed), (1, 1));
    let seen = recorder.0.into_inner().unwrap();
    assert_eq!(
        seen,
        [
            "before render-1,2 1-2 active active",
            "saved",
            "saved",
            "after render-1,2 1-2 Completed",
            "before render-13 13 active active",
            "after render-13 13 Failed(\"13 is bad luck\")",
        ]
    );
}

/// Waits, before each task, until it may not go on, as for a lock; the first time it runs out of patience.
struct Waiting(AtomicBool, std::sync::atomic::AtomicU32);

impl WorkerHooks for Waiting {
    fn before_task(
        &self,
        _: &ManagerJob,
        _: &ManagerTask,
        _: &FrameSet,
        go_on: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<(), Unready> {
        if !self.0.swap(true, Ordering::Relaxed) {
            return Err(Unready::NotNow("the release is locked".into()));
        }
        self.1.fetch_add(1, Ordering::Relaxed);
        while go_on().is_continue() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Err(Unready::NotNow("told to end".into()))
    }
}

#[test]
fn a_worker_that_waits_before_a_task_hears_a_cancel_and_a_stop_and_fails_nothing() {
    let farm = LocalFarm::new();
    let canceled = submit(&farm, Scene::Light, "1", 1);
    let stopped = submit(&farm, Scene::Light, "1", 1);
    let stop = AtomicBool::new(false);
    let hooks = Waiting(AtomicBool::new(false), std::sync::atomic::AtomicU32::new(0));
    let waits = |times| wait_for("the worker to wait", || hooks.1.load(Ordering::Relaxed) == times);
    let report = std::thread::scope(|scope| {
        let worker = scope.spawn(|| work(farm.local(), &WorkerOptions::new(guard()), &hooks, &stop).unwrap());
        waits(1);
        let log = farm.local().log(&farm.local().tasks(&canceled.id).unwrap()[0].id).unwrap().unwrap();
        let log = String::from_utf8_lossy(&log).into_owned();
        assert!(log.contains("the release is locked\nfarm: the task goes back"), "{log}");
        farm.local().set_job_status(&canceled.id, JobStatus::CancelRequested, "").unwrap();
        waits(2);
        stop.store(true, Ordering::Relaxed);
        worker.join().unwrap()
    });
    assert_eq!(report, WorkReport { requeued: 2, revoked: 1, ..WorkReport::default() });
    assert_eq!(task_statuses(&farm, &canceled.id), [TaskStatus::Canceled]);
    assert_eq!(task_statuses(&farm, &stopped.id), [TaskStatus::Queued]);
}

#[test]
fn a_stopped_worker_gives_its_task_back_and_leaves_no_renderer() {
    let farm = LocalFarm::new();
    let (submission, output) = submission(&farm, Scene::Slow, "1-60", 60);
    let job = farm.local().submit(&submission).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| work(farm.local(), &WorkerOptions::new(guard()), &(), &stop).unwrap());
        wait_for("the first frame", || !names(&output).is_empty());
        let workers = farm.local().workers().unwrap();
        assert_eq!(workers[0].status, WorkerStatus::Awake);
        assert_eq!(workers[0].task, Some(farm.local().tasks(&job.id).unwrap()[0].id.clone()));
        assert!(!farm.local().is_quiet(&job.id).unwrap());
        stop.store(true, Ordering::Relaxed);
        assert_eq!(worker.join().unwrap(), WorkReport { requeued: 1, ..WorkReport::default() });
    });
    assert_eq!(farm.renderers(), 0);
    assert!(farm.local().is_quiet(&job.id).unwrap());
    assert_eq!(task_statuses(&farm, &job.id), [TaskStatus::Queued]);
    assert!(names(&farm.root().join("local/tmp")).is_empty());
}

#[test]
fn a_worker_keeps_to_its_scope_its_types_and_its_tags() {
    let farm = LocalFarm::new();
    let mine = submit(&farm, Scene::Light, "1", 1);
    let other = submit(&farm, Scene::Light, "1", 1);
    let (tagged, _) = submission(&farm, Scene::Light, "1", 1);
    let tagged = farm.local().submit(&Submission { tag: Some("gpu".into()), ..tagged }).unwrap();
    let stop = AtomicBool::new(false);
    let options = WorkerOptions { scope: Scope::Jobs(vec![mine.id.clone()]), ..WorkerOptions::new(guard()) };
    work(farm.local(), &options, &(), &stop).unwrap();
    let statuses = || [&mine, &other, &tagged].map(|job| status(&farm, &job.id).to_string()).join(" ");
    assert_eq!(statuses(), "completed queued queued");
    let options = WorkerOptions { task_types: vec!["misc".into()], ..WorkerOptions::new(guard()) };
    work(farm.local(), &options, &(), &stop).unwrap();
    assert_eq!(statuses(), "completed queued queued");
    work(farm.local(), &WorkerOptions::new(guard()), &(), &stop).unwrap();
    assert_eq!(statuses(), "completed completed queued");
    let options = WorkerOptions { tags: vec!["gpu".into()], ..WorkerOptions::new(guard()) };
    work(farm.local(), &options, &(), &stop).unwrap();
    assert_eq!(statuses(), "completed completed completed");
}

#[test]
fn a_handle_for_looking_changes_nothing() {
    let farm = LocalFarm::new();
    let job = submit(&farm, Scene::Light, "1", 1);
    let before = snapshot(farm.root());
    let peek = Local::peek(farm.local().settings().clone()).unwrap();
    assert_eq!(peek.jobs().unwrap(), std::slice::from_ref(&job));
    assert_eq!(peek.tasks(&job.id).unwrap().len(), 1);
    assert_eq!(peek.find_run(job.run_id().unwrap()).unwrap(), Some(job.clone()));
    assert!(peek.workers().unwrap().is_empty());
    assert!(peek.set_job_status(&job.id, JobStatus::CancelRequested, "").is_err());
    assert!(peek.delete_job(&job.id).is_err());
    peek.check(&submission(&farm, Scene::Light, "1", 1).0).unwrap();
    assert_eq!(snapshot(farm.root()), before);
}

fn snapshot(root: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| {
        let bytes = std::fs::read(root.join("local").join(&name)).unwrap_or_default();
        (name, bytes)
    };
    names(&root.join("local")).into_iter().map(read).collect()
}

#[test]
fn hostile_logs_are_kept_as_they_are_and_told_in_pieces() {
    let farm = LocalFarm::new();
    let script = "printf '\\033[2J\\377\\r'; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end";
    let (status, log) = run_commands(&farm, &[("exec", json!({"exe": "sh", "args": ["-c", script]}))]);
    assert_eq!(status, JobStatus::Completed);
    assert!(log.contains("\u{1b}[2J\u{fffd}\r") && log.ends_with("end\n"));
    assert!(log.len() > 3_000_000);
}
