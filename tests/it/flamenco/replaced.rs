//! `farm replace job` while a Manager's workers render: first they stop, then files are touched.

use super::Studio;
use super::server::Fault;
use super::server::flamenco::Release;
use crate::support::fake_blender::Fake;
use farm::base::status::JobStatus;
use farm::manager::Manager;
use std::fs;
use std::time::{Duration, Instant};

const REPLACE: &str = "replace job r1/A --with scenes/C.blend --yes";

fn studio(fake: &Fake) -> Studio {
    let studio = Studio::with(Release::V3_9, fake);
    studio.farm.scene("C.blend", "scenes/cube3_v42_zstd.blend");
    studio
}

#[test]
fn what_is_being_rendered_is_ended_first() {
    let studio = studio(&Fake { pause: "0.3", ..Fake::default() });
    let outcome = studio.while_working(|| {
        studio.run("plan release r1 scenes/A.blend --frames 1-20 --chunk 20 --yes").expect(0);
        let began = Instant::now();
        while !studio.farm.frame("r1", "A", 2).exists() {
            assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for a frame");
            std::thread::sleep(Duration::from_millis(20));
        }
        studio.run(&format!("{REPLACE} --range 1-3 --wait --json"))
    });
    let document = outcome.expect(0).json("farm.replace/1");
    let mut jobs = studio.jobs();
    jobs.sort_by_key(|job| job.created);
    assert_eq!(document["jobs"][0]["ended"][0], jobs[0].id.0.as_str());
    let words: Vec<&JobStatus> = jobs.iter().map(|job| &job.status).collect();
    assert_eq!(words, [&JobStatus::Canceled, &JobStatus::Completed]);
    let log = studio.farm.render_log();
    assert!(!log.iter().any(|line| line.starts_with("TWICE")), "{log:?}");
    assert_eq!(log[log.len() - 3..], ["A 1", "A 2", "A 3"]);
    assert!(!studio.farm.frame("r1", "A", 4).exists());
}

/// Its renderer may live on although its machine is not heard of: nobody touches what it may write.
#[test]
fn a_worker_that_is_not_heard_of_keeps_everything_as_it_is() {
    let studio = studio(&Fake { fails_at: Some(2), ..Fake::default() });
    studio.run("plan release r1 scenes/A.blend --frames 1-4 --chunk 4 --yes").expect(0);
    studio.work();
    let queue = rusqlite::Connection::open(studio.farm.room.path("engine/local/queue.sqlite")).expect("a queue");
    let silent = "UPDATE worker SET status = 'awake', last_seen = 1";
    queue.execute(silent, []).expect("it falls silent");
    let kept = ["releases", "dist", ".farm/trash"];
    let before = kept.map(|folder| studio.farm.tree_of(folder));
    let outcome = studio.run(REPLACE).expect(5);
    outcome.says(&["may still be writing", "no file was touched and nothing was submitted", "next:"]);
    for (folder, before) in kept.into_iter().zip(before) {
        let difference = before.difference(&studio.farm.tree_of(folder));
        assert!(difference.is_empty(), "{folder}: {difference}");
    }
    assert_eq!(studio.jobs().len(), 1);
    assert!(!studio.run("status").expect(0).text().contains("did not come to its end"), "nothing is half done");
}

/// It was written down and never sent: to submit it would render the old scene.
#[test]
fn a_run_that_was_never_submitted_is_withdrawn() {
    let studio = studio(&Fake::default());
    studio.server.trap(Fault::coded(400, "not today"), "POST /api/v3/jobs ", usize::MAX);
    assert_ne!(studio.run("plan release r1 scenes/A.blend --frames 1-3 --yes").code, 0);
    studio.server.mend();
    let shown = studio.run(&REPLACE.replace("--yes", "--dry-run --json")).expect(0).json("farm.replace/1");
    assert_eq!(shown["jobs"][0]["ended"].as_array().map(Vec::len), Some(1));
    studio.run(REPLACE).expect(0);
    assert_eq!(studio.jobs().len(), 1);
    let record = fs::read_to_string(studio.farm.path("releases/r1/release.yaml")).expect("a record");
    assert_eq!(record.matches("withdrawn: true").count(), 1, "{record}");
    studio.work();
    studio.run("plan release r1 scenes/C.blend --frames 1-3 --job-name-template A --yes").expect(0);
    assert_eq!(studio.jobs().len(), 1, "it is never submitted");
    studio.run("harvest release r1 --no-preview").expect(0);
}

/// The Manager goes away while the old run is to be ended.
#[test]
fn a_manager_that_is_away_costs_nothing() {
    let studio = studio(&Fake::default());
    studio.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    let ends = format!("POST /api/v3/jobs/{}/setstatus", studio.jobs()[0].id);
    studio.server.trap(Fault::page(502), &ends, usize::MAX);
    let before = studio.farm.tree_of("releases");
    studio.run(REPLACE).expect(6).says(&["nothing was submitted"]);
    let difference = before.difference(&studio.farm.tree_of("releases"));
    assert!(difference.is_empty(), "{difference}");
    studio.server.mend();
    studio.run(REPLACE).expect(0);
    let open = studio.engine.jobs().expect("readable").into_iter().filter(|job| !job.status.has_ended()).count();
    assert_eq!(open, 1);
}
