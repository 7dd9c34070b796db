//! `farm why` and `farm logs` where a Manager has the job: seeded causes with stand-ins of several releases.

use super::Studio;
use super::gate::Stand;
use super::server::flamenco::{Release, StandIn};
use super::server::nobody;
use crate::support::fake_blender::Fake;
use farm::base::ids::{JobId, TaskId, WorkerId};
use farm::base::status::{JobStatus, WorkerStatus};
use farm::base::time::Timestamp;
use farm::manager::{Manager, ManagerWorker};
use farm::sys::clock;
use serde_json::{Value, json};

const TAG: &str = "cc6fb858-0abb-4b9a-9549-8681bc24f946";
const WORKER: &str = "2498dd22-725b-45e6-8fd7-4794252ef409";

fn worker(status: WorkerStatus) -> ManagerWorker {
    ManagerWorker {
        id: WorkerId(WORKER.into()),
        name: "render07".into(),
        status,
        requested: None,
        version: "3.9".into(),
        last_seen: Some(clock::now()),
        task_types: vec!["blender".into(), "ffmpeg".into()],
        tags: Vec::new(),
        platform: "linux".into(),
        task: None::<TaskId>,
        job: None::<JobId>,
        last_task: None,
    }
}

fn planned(release: Release, words: &str, adapt: impl FnOnce(StandIn) -> StandIn) -> Studio {
    let studio = Studio::of(release, &Fake::default(), adapt);
    studio.run(&format!("plan release r1 scenes/A.blend --frames 1-3 {words} --yes")).expect(0);
    studio
}

#[track_caller]
fn why(studio: &Studio) -> Value {
    studio.run("why r1/A --json").expect(0).json("farm.why/1")
}

#[track_caller]
fn is_because(studio: &Studio, name: &str, evidence: &str) {
    let told = why(studio);
    assert_eq!(told["causes"][0]["name"], name, "{told:#}");
    assert!(told["causes"][0]["evidence"].as_str().is_some_and(|text| text.contains(evidence)), "{told:#}");
}

#[test]
fn nobody_who_could_take_it() {
    for release in Release::ALL {
        is_because(&planned(release, "", |it| it), "no-worker", "knows no worker");
        let misc = ManagerWorker { task_types: vec!["misc".into()], ..worker(WorkerStatus::Awake) };
        is_because(&planned(release, "", |it| it.with_worker(misc)), "no-worker-for-task-type", "\"blender\"");
        let blocked = planned(release, "", |it| it.with_worker(worker(WorkerStatus::Awake)).with_block(WORKER));
        is_because(&blocked, "all-blocked", "render07");
    }
    let tagged =
        planned(Release::V3_9, "--tag gpu", |it| it.with_tag(TAG, "gpu").with_worker(worker(WorkerStatus::Awake)));
    is_because(&tagged, "no-worker-with-tag", "render07 (no tag)");
    let fit = ManagerWorker { tags: vec!["gpu".into()], ..worker(WorkerStatus::Awake) };
    let fine = planned(Release::V3_9, "--tag gpu", |it| it.with_tag(TAG, "gpu").with_worker(fit));
    let told = why(&fine);
    assert_eq!(told["causes"], json!([]), "it was submitted just now: {told:#}");
    assert!(told["summary"].as_str().is_some_and(|text| text.contains("about to be rendered")), "{told:#}");
}

#[test]
fn workers_that_do_not_work() {
    for release in [Release::V3_2, Release::V3_9] {
        for (status, name) in [
            (WorkerStatus::Asleep, "all-asleep"),
            (WorkerStatus::Offline, "all-offline"),
            (WorkerStatus::Error, "workers-in-error"),
            (WorkerStatus::Starting, "workers-not-ready"),
        ] {
            is_because(&planned(release, "", |it| it.with_worker(worker(status))), name, "render07 (");
        }
        let schedule = json!({"is_active": true, "days_of_week": "mo tu", "start_time": "09:00", "end_time": "17:00"});
        let asleep =
            planned(release, "", |it| it.with_worker(worker(WorkerStatus::Asleep)).with_schedule(WORKER, schedule));
        is_because(&asleep, "sleep-schedule", "mo tu, from 09:00 to 17:00");
    }
}

#[test]
fn a_worker_that_is_at_something_else() {
    let other = ManagerWorker {
        task: Some(TaskId("t".into())),
        last_seen: Some(Timestamp::from_unix(0)),
        ..worker(WorkerStatus::Awake)
    };
    let studio = planned(Release::V3_9, "", |it| it.with_worker(other));
    // The stand-in tells a task that nobody has as none, so that this one seems idle: it takes the next within seconds.
    assert_eq!(why(&studio)["causes"], json!([]));
}

#[test]
fn what_a_person_did_on_the_manager() {
    let paused = planned(Release::V3_9, "--paused", |it| it.with_worker(worker(WorkerStatus::Awake)));
    is_because(&paused, "job-paused", "submitted paused");
    let studio = planned(Release::V3_9, "", |it| it.with_worker(worker(WorkerStatus::Awake)));
    let set = |status, reason: &str| studio.engine.set_job_status(&studio.jobs()[0].id, status, reason).expect("set");
    set(JobStatus::PauseRequested, "paused by ann");
    is_because(&studio, "job-paused", "paused by ann");
    set(JobStatus::Queued, "");
    is_because(&studio, "tasks-paused", "paused");
    set(JobStatus::CancelRequested, "cancelled by ann");
    is_because(&studio, "canceled", "cancelled by ann");
    studio.engine.delete_job(&studio.jobs()[0].id).expect("deleted");
    is_because(&studio, "gone", "does not know its run");
}

#[test]
fn a_scene_that_fails_on_its_workers() {
    for release in Release::ALL {
        let fake = Fake { says: "Error: Cannot render, no camera", fails_at: Some(2), ..Fake::default() };
        let studio = Studio::with(release, &fake);
        studio.run("plan release r1 scenes/A.blend --frames 1-3 --chunk 3 --yes").expect(0);
        studio.work();
        is_because(&studio, "no-camera", "Cannot render, no camera");
        let logs = studio.run("logs r1/A --failed").expect(0).says(&["task render-1-3, failed, worker ", "no camera"]);
        assert!(logs.stdout.contains("gives up at frame 2 \\u{1b}[2J"), "{logs}");
        let followed = studio.run("logs r1/A --follow").expect(0);
        assert_eq!(followed.stdout, studio.run("logs r1/A").expect(0).stdout, "{release:?}");
        let document = studio.run("logs r1/A --json").expect(0).json("farm.logs/1");
        assert_eq!((&document["tasks"][0]["run"], &document["tasks"][0]["truncated"]), (&1.into(), &false.into()));
    }
}

/// A log that grows is not read again: what is asked for begins where the last part ended.
#[test]
fn following_asks_for_what_is_new_alone() {
    let studio = Studio::with(Release::V3_5, &Fake { pause: "1", ..Fake::default() });
    studio.run("plan release r1 scenes/A.blend --frames 1-6 --chunk 6 --yes").expect(0);
    studio.server.take_heard();
    let outcome = studio.while_working(|| studio.run("logs r1/A --follow").expect(0));
    assert_eq!(outcome.stdout.matches("Saved: '").count(), 6, "{outcome}");
    let heard = studio.server.take_heard();
    let ranges: Vec<&str> = heard.iter().filter_map(|request| request.header("range")).collect();
    let begins: Vec<u64> = ranges
        .iter()
        .map(|range| {
            range.trim_start_matches("bytes=").split('-').next().and_then(|n| n.parse().ok()).expect("a range")
        })
        .collect();
    assert!(begins.len() > 1 && begins.is_sorted_by(|a, b| a < b), "{ranges:?}");
}

/// There is an answer, and nobody knows whether it is the whole: 6, with the document.
#[test]
fn a_manager_that_does_not_answer_is_the_cause() {
    let mut studio = planned(Release::V3_9, "", |it| it);
    studio.gate.set(Stand::Closed);
    studio.farm.room.set("FARM_ACCESS_TIMEOUT", "1s");
    let told = studio.run("why r1/A --json").expect(6).json("farm.why/1");
    assert_eq!((&told["causes"][0]["name"], &told["status"]), (&"manager-unreachable".into(), &"unknown".into()));
    assert_eq!(told["frames"], Value::Null);
    studio.farm.room.set("FARM_MANAGER", nobody());
    studio.run("why r1/A").expect(6).says(&["manager-unreachable", "next:"]);
    studio.run("logs r1/A").expect(6);
    studio.run("why nosuch").expect(6);
}
