//! Two workers: the first failure of a task on one of them fails its whole job, as Flamenco does it, for only one is left
//! then. Whoever waits submits the frames anew.

use super::server::flamenco::Release;
use super::{Studio, all_at_once, options};
use crate::support::fake_blender::{self, Fake};
use crate::support::{Outcome, png};
use farm::base::status::JobStatus;
use farm::manager::local::{Local, LocalSettings, Scope, Staying, WorkerOptions, work};
use farm::manager::{Manager, ManagerJob};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PLAN: &str = "plan release r1 scenes/A.blend --frames 1-4 --chunk 4 --yes --wait";

/// Slow enough that the other worker is awake before this one gives up.
fn fails() -> Fake {
    Fake { pause: "1", fails_at: Some(2), ..Fake::default() }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits for the release while the first of two workers fails its task, and the second, which has a renderer of its own,
/// does what comes after.
fn waited_for(studio: &Studio, second: &Fake) -> Outcome {
    let blender = second.install(&studio.farm.room.path("second")).to_string_lossy().into_owned();
    let settings = LocalSettings { blender, ..LocalSettings::new(studio.farm.room.path("engine/local")) };
    let other = Local::open(settings).expect("opens");
    let stop = AtomicBool::new(false);
    let named = |name: &str| WorkerOptions { name: Some(name.to_owned()), ..options() };
    let at_work = |queue: &Local, options: &WorkerOptions| {
        work(queue, options, &(), &stop).expect("works");
    };
    let second_options = WorkerOptions { staying: Staying::Follow, ..named("second") };
    std::thread::scope(|scope| {
        let _at_the_end = Stopping(&stop);
        let waiting = studio.farm.start(PLAN);
        until("a job", || studio.jobs().len() == 1);
        // What comes after the first job is the second worker's alone.
        let first = WorkerOptions { scope: Scope::Jobs(vec![studio.jobs()[0].id.clone()]), ..named("first") };
        scope.spawn(move || at_work(&studio.engine, &first));
        until("a frame", || studio.farm.frame("r1", "A", 1).exists());
        scope.spawn(|| at_work(&other, &second_options));
        waiting.wait()
    })
}

/// Tells workers to stop, also where a test fails.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The name of the worker that had each job's one task, and how the job ended; in the order of their submission.
#[track_caller]
fn ended(studio: &Studio) -> Vec<(String, JobStatus)> {
    let workers = studio.engine.workers().expect("workers");
    let mut jobs = studio.jobs();
    jobs.sort_by_key(|job| job.created);
    let of_job = |job: ManagerJob| {
        let tasks = studio.engine.tasks(&job.id).expect("tasks");
        let [task] = &tasks[..] else { panic!("{tasks:?}") };
        let worker = workers.iter().find(|worker| Some(&worker.id) == task.worker.as_ref());
        (worker.map(|worker| worker.name.clone()).unwrap_or_default(), job.status)
    };
    jobs.into_iter().map(of_job).collect()
}

fn one_fails_it() {
    let studio = Studio::with(Release::V3_9, &fails());
    let outcome = waited_for(&studio, &Fake::default()).expect(0);
    let jobs = ended(&studio);
    assert_eq!(
        jobs,
        [("first".to_owned(), JobStatus::Failed), ("second".to_owned(), JobStatus::Completed)],
        "{outcome}"
    );
    outcome.says(&["failed", "submitted r1/A frames 2-4 again (run 1 of at most 2"]);
    for frame in 1..=4 {
        assert_eq!(png::size_of(&studio.farm.frame("r1", "A", frame)), Some((64, 64)), "frame {frame}");
    }
    // The frame that the first worker rendered is not rendered again.
    let second = fake_blender::rendered(&studio.farm.room.path("second"));
    assert_eq!(second, ["A 2", "A 3", "A 4"]);
    studio.run("harvest release r1 --no-preview").expect(0);
}

fn both_fail_it() {
    let mut studio = Studio::with(Release::V3_9, &fails());
    studio.farm.room.set("FARM_WAIT_TRIES", "1");
    let outcome = waited_for(&studio, &Fake { pause: "", ..fails() }).expect(1);
    let jobs = ended(&studio);
    assert_eq!(jobs, [("first".to_owned(), JobStatus::Failed), ("second".to_owned(), JobStatus::Failed)], "{outcome}");
    for job in studio.jobs() {
        assert!(outcome.text().contains(&format!("job {} failed", job.id)), "{outcome}");
    }
    outcome.says(&[
        "run 1 of at most 1",
        "3 of 4 frames are not rendered after 1 more run",
        "gives up at frame 2",
        "next:",
    ]);
}

/// They mostly wait, for nobody renders a frame before whoever failed it is known to be quiet. So both at once.
#[test]
fn what_one_worker_fails_is_completed_by_the_other_or_given_up() {
    let parts: [(&str, fn()); 2] = [("one", one_fails_it), ("both", both_fail_it)];
    all_at_once(parts.map(|(name, part)| (name.to_owned(), part)).into());
}
