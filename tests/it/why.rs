//! `farm why`: seeded causes on this machine's own queue; `flamenco/why.rs` seeds those of a Manager.

use crate::support::fake_blender::Fake;
use crate::support::output::list;
use crate::support::{Farm, Outcome};
use farm::base::status::JobStatus;
use farm::manager::Manager;
use farm::manager::local::{Local, LocalSettings};
use serde_json::Value;
use std::fs;
use std::time::{Duration, Instant};

fn document(farm: &Farm) -> Value {
    farm.run("why r1/A --json").expect(0).json("farm.why/1")
}

/// The names of the causes, the most likely first.
fn causes(document: &Value) -> Vec<String> {
    list(&document["causes"]).iter().map(|cause| cause["name"].as_str().expect("a name").to_owned()).collect()
}

/// The first cause has this name, this in its evidence and this in its remedy; text says the same.
#[track_caller]
fn is_because(farm: &Farm, name: &str, evidence: &str, remedy: &str) -> Outcome {
    let document = document(farm);
    let first = &document["causes"][0];
    assert_eq!(first["name"], name, "{document:#}");
    assert!(first["evidence"].as_str().is_some_and(|text| text.contains(evidence)), "{document:#}");
    assert!(first["remedy"].as_str().is_some_and(|text| text.contains(remedy)), "{document:#}");
    farm.run("why r1/A").expect(0).says(&[&format!("{name}: "), evidence, "next:"])
}

fn planned() -> Farm {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    farm
}

fn engine(farm: &Farm) -> Local {
    Local::open(LocalSettings::new(farm.path(".farm/local"))).expect("the queue")
}

fn set_status(farm: &Farm, status: JobStatus, reason: &str) {
    let queue = engine(farm);
    let id = queue.jobs().expect("jobs")[0].id.clone();
    queue.set_job_status(&id, status, reason).expect("set");
}

/// Changes what release.yaml says.
fn edit(farm: &Farm, change: impl Fn(&str) -> String) {
    let path = farm.path("releases/r1/release.yaml");
    let text = fs::read_to_string(&path).expect("a release");
    fs::write(&path, change(&text)).expect("written");
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nobody_works_the_queue_off() {
    let farm = planned();
    let outcome = is_because(&farm, "queue-not-worked", "own queue", "farm work");
    outcome.says(&["r1/A: it is queued: 0 of 3 frames are ready"]);
    let before = farm.tree();
    farm.run("why A").expect(0);
    farm.unchanged_since(&before);
}

#[test]
fn a_finished_job_and_one_that_renders_have_no_cause() {
    let farm = Farm::with(&Fake { pause: "0.5", ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-6 --yes").expect(0);
    let worker = farm.start("work");
    wait_for("a frame", || farm.frame("r1", "A", 2).exists());
    let told = document(&farm);
    assert_eq!((causes(&told).len(), &told["status"]), (0, &"active".into()), "{told:#}");
    assert!(told["summary"].as_str().is_some_and(|text| text.starts_with("it is rendering: ")), "{told:#}");
    worker.wait().expect(0);
    assert_eq!(document(&farm)["summary"], "it is finished: 6 of 6 frames");
    farm.run("why r1").expect(0).says(&["r1/A: it is finished"]);
}

#[test]
fn a_job_that_waits_for_a_person() {
    let farm = planned();
    set_status(&farm, JobStatus::PauseRequested, "ann wants to look first");
    is_because(&farm, "job-paused", "ann wants to look first", "farm unpause r1/A");
    // Back to queued: its tasks stay paused.
    set_status(&farm, JobStatus::Queued, "");
    is_because(&farm, "tasks-paused", "what is left of it is paused", "farm unpause r1/A");
}

#[test]
fn a_job_that_was_cancelled() {
    let farm = planned();
    set_status(&farm, JobStatus::CancelRequested, "ann: not this scene");
    is_because(&farm, "canceled", "ann: not this scene", "farm retry r1/A");
}

#[test]
fn a_job_that_was_killed_and_deleted_says_who_killed_it() {
    let farm = planned();
    farm.run("kill r1/A --yes --reason first").expect(0);
    farm.run("kill r1/A --delete --yes").expect(0);
    is_because(&farm, "gone", "`farm --volume", "farm retry r1/A");
    let told = document(&farm);
    let evidence = told["causes"][0]["evidence"].as_str().expect("text");
    assert!(evidence.contains("its run was ended by a kill of ") && evidence.contains("--reason first"), "{told:#}");
}

/// Nobody knows then that there is no such job.
#[test]
fn what_the_volume_does_not_know_is_asked_of_a_manager_that_is_there() {
    let farm = planned();
    let away = "--manager http://127.0.0.1:9";
    for words in ["why 0123456789ab", "logs 01234567-89ab-cdef-0123-456789abcdef", "why nosuch"] {
        farm.run(&format!("{words} {away}"))
            .expect(6)
            .says(&["127.0.0.1:9", "nobody can say whether the Manager has it"]);
    }
    farm.run("why nosuch").expect(3);
}

#[test]
fn a_job_that_only_farm_knows() {
    let farm = planned();
    let queue = farm.path(".farm/local/queue.sqlite");
    fs::rename(&queue, farm.room.path("queue")).expect("the queue goes");
    is_because(&farm, "gone", "does not know its run", "farm retry r1/A");
    edit(&farm, |text| text.replace("manager: local", "manager: http://studio:8080"));
    is_because(&farm, "other-manager", "http://studio:8080", "--manager http://studio:8080");
    edit(&farm, |text| {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("manager_job:"));
        lines.map(|line| format!("{}\n", line.replace("http://studio:8080", "local"))).collect()
    });
    is_because(&farm, "not-submitted", "no run of it is known", "farm recover");
}

#[test]
fn another_job_goes_first() {
    let farm = Farm::with(&Fake { pause: "0.5", ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --priority 20 --yes").expect(0);
    farm.run("plan release r2 scenes/B.blend --frames 1-9 --priority 80 --yes").expect(0);
    let worker = farm.start("work");
    wait_for("a frame", || farm.frame("r2", "B", 1).exists());
    is_because(&farm, "lower-priority", "r2/B (80)", "farm priority");
    worker.signal(rustix::process::Signal::TERM);
    worker.wait().expect(143);
}

#[test]
fn frames_that_are_not_there_although_all_is_done() {
    let farm = Farm::new().rendered("r1");
    fs::rename(farm.frame("r1", "A", 2), farm.room.path("frame")).expect("a frame goes");
    is_because(&farm, "frames-missing", "1 missing", "farm retry r1/A");
}

#[test]
fn a_scene_that_is_gone_from_the_store() {
    let farm = planned();
    fs::rename(farm.path("releases/r1/store/A.blend"), farm.room.path("scene")).expect("the scene goes");
    farm.run("work").expect(1);
    is_because(&farm, "missing-file", "A.blend is not what was planned", "farm retry r1/A");
}

/// What a renderer says before it gives up, and the cause that is.
const SAID: [(&str, &str); 9] = [
    ("Error: Cannot render, no camera", "no-camera"),
    ("/v/1.png: No space left on device\\nError: Render error (No space left on device) cannot save", "disk-full"),
    ("Error: System is out of GPU memory", "out-of-memory"),
    ("Calloc returns null: len=280 in PropertyRNA\\nWriting: /tmp/blender.crash.txt", "out-of-memory"),
    ("Error: Found no Cycles device of the specified type", "no-gpu"),
    ("Writing: /tmp/A.crash.txt", "crash"),
    ("Error: engine not found", "blender-unfit"),
    ("/v/1.png: Read-only file system\\nError: Render error (Invalid argument) cannot save: /v/1.png", "cannot-save"),
    ("Info: nothing that is known", "tasks-failed"),
];

#[test]
fn what_the_log_says_is_the_cause() {
    std::thread::scope(|scope| {
        for (says, name) in SAID {
            scope.spawn(move || {
                let farm = Farm::with(&Fake { says, fails_at: Some(2), ..Fake::default() });
                farm.run("plan release r1 scenes/A.blend --frames 1-2 --chunk 2 --yes").expect(0);
                farm.run("work").expect(1);
                let told = document(&farm);
                assert_eq!(causes(&told), [name, "job-failed"], "{told:#}");
                assert!(
                    told["causes"][0]["evidence"]
                        .as_str()
                        .is_some_and(|text| text.starts_with("task render-1,2 failed on "))
                );
            });
        }
    });
}

#[test]
fn a_name_that_means_nothing_or_too_much() {
    let farm = Farm::new().rendered("r1");
    farm.run("why nosuch").expect(3).says(&["nosuch", "next:"]);
    farm.run("why r1").expect(2).says(&["r1 is a release of 2 jobs", "r1/A"]);
}
