//! Tasks, workers and frames of a Manager of each release.

use super::server::flamenco::Release;
use super::{Studio, all_at_once, options};
use crate::ask::ask;
use crate::support::fake_blender::Fake;
use crate::support::output::list;
use farm::manager::local::{WorkerOptions, work};
use farm::manager::{Manager, RenderWork, Submission, Work};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

/// A name that would do something to a terminal.
const HOSTILE: &str = "\u{1b}[2Jcube\u{202e}";

/// Submits a job as another program does.
fn submit_foreign(studio: &Studio) {
    let work = RenderWork {
        blendfile: "/elsewhere/x.blend".into(),
        scene: None,
        frames: "7-9".parse().expect("frames"),
        chunk_size: 2,
        render_output_path: "/elsewhere/######".into(),
        format: "PNG".into(),
        image_file_extension: ".png".into(),
        options: Default::default(),
    };
    let submission = Submission {
        name: HOSTILE.into(),
        priority: 50,
        metadata: BTreeMap::from([("farm.job".to_owned(), "r1/A".to_owned())]),
        tag: None,
        paused: false,
        work: Work::SimpleBlenderRender(work),
    };
    studio.engine.submit(&submission).expect("it is taken");
}

/// `r1/A` rendered by a worker with a hostile name, `r1/B` waiting, a foreign job beside them.
fn studio(release: Release) -> Studio {
    let studio = Studio::new(release);
    studio.run("plan release r1 scenes/A.blend --frames 1-4 --chunk 2 --yes").expect(0);
    let named = WorkerOptions { name: Some(HOSTILE.into()), ..options() };
    work(&studio.engine, &named, &(), &AtomicBool::new(false)).expect("works");
    studio.run("plan release r1 scenes/B.blend --frames 1-3 --update --yes").expect(0);
    submit_foreign(&studio);
    studio
}

fn rows(studio: &Studio, command: &str, query: &str) -> Vec<Value> {
    let document = ask(&studio.farm, &format!("{command} --json"), query).expect(0).json(&format!("farm.{command}/1"));
    list(&document[command]).to_vec()
}

fn texts(rows: &[Value], key: &str) -> Vec<String> {
    rows.iter().map(|row| row[key].as_str().unwrap_or_default().to_owned()).collect()
}

fn everything_is_found(release: Release) {
    let studio = studio(release);
    let done = rows(&studio, "tasks", "status:completed");
    assert_eq!(texts(&done, "name"), ["render-1,2", "render-3,4"]);
    assert_eq!(texts(&done, "worker"), [HOSTILE, HOSTILE], "asked for where the list does not say it");
    assert!(texts(&rows(&studio, "tasks", "r1/B"), "status").iter().all(|status| status == "queued"));
    assert_eq!(texts(&rows(&studio, "tasks", "worker:*cube*"), "ref"), ["r1/A", "r1/A"]);
    assert_eq!(texts(&rows(&studio, "tasks", "is:foreign frames:9"), "frames"), ["9"]);
    assert_eq!(rows(&studio, "tasks", "is:foreign")[0]["ref"], Value::Null, "whatever its metadata say");
    ask(&studio.farm, "tasks", "frames:9").expect(3).says(&["is:foreign"]);
    let worker = &rows(&studio, "workers", "type:blender platform:linux")[0];
    assert_eq!((&worker["name"], &worker["requested"], &worker["task"]), (&HOSTILE.into(), &Value::Null, &Value::Null));
    assert_eq!(texts(&rows(&studio, "frames", "r1/A"), "status"), ["ok"; 4]);
    assert_eq!(texts(&rows(&studio, "frames", "status:rendering"), "ref"), ["r1/B"; 3]);
    // What people see holds no byte that does something.
    for (command, query) in [("tasks", "is:foreign or r1"), ("workers", ""), ("frames", ""), ("jobs", "")] {
        let outcome = ask(&studio.farm, command, query).expect(0);
        assert!(command == "frames" || outcome.stdout.contains("\\u{1b}[2Jcube"), "{outcome}");
    }
    ask(&studio.farm, "workers", "\u{1b}]0;x").expect(3);
    ask(&studio.farm, "tasks", "\u{1b}]0;x:y").expect(2);
}

#[test]
fn everything_is_found_on_each_release() {
    let parts = Release::ALL.map(|release| (format!("{release:?}"), move || everything_is_found(release)));
    all_at_once(parts.into());
}

/// What workers are at is told while they are at it.
#[test]
fn a_busy_worker_is_found_by_what_it_is_at() {
    for release in [Release::V3_2, Release::V3_9] {
        let studio = Studio::with(release, &Fake { pause: "0.5", ..Fake::default() });
        studio.run("plan release r1 scenes/A.blend --frames 1-9 --chunk 9 --yes").expect(0);
        studio.while_working(|| {
            let began = std::time::Instant::now();
            while ask(&studio.farm, "workers", "ref:r1/A").code != 0 {
                assert!(began.elapsed().as_secs() < 60, "no worker is at it");
            }
            let worker = rows(&studio, "workers", "is:busy")[0].clone();
            assert_eq!((&worker["ref"], &worker["job"]), (&"r1/A".into(), &"A".into()), "{worker:#}");
            let task = worker["task"].as_str().expect("a task").to_owned();
            assert_eq!(rows(&studio, "workers", &format!("task:{task} release:r1")).len(), 1);
            assert_eq!(texts(&rows(&studio, "tasks", "is:open"), "name"), [task]);
        });
    }
}

#[test]
fn only_jobs_in_question_are_asked_for_their_tasks() {
    let studio = studio(Release::V3_9);
    let lists = |query: &str, code: i32| {
        studio.server.take_heard();
        ask(&studio.farm, "tasks", query).expect(code);
        studio.server.take_heard().iter().filter(|heard| heard.line().ends_with("/tasks")).count()
    };
    assert_eq!(lists("status:failed", 3), 0, "one is completed, and one waits");
    assert_eq!(lists("r1/A", 0), 1);
    assert_eq!(lists("user:nobody", 3), 0);
    assert_eq!(lists("", 0), 2);
    assert_eq!(lists("is:foreign", 0), 1);
}
