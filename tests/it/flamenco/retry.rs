//! `farm retry` on each release: exactly these frames, whatever the release does with frames that are there.

use super::server::flamenco::Release;
use super::{Studio, all_at_once};
use crate::support::{Tree, png};
use farm::base::status::JobStatus;
use farm::manager::Manager;
use std::fs;

const PLAN: &str = "plan release r1 scenes/A.blend scenes/B.blend --frames 1-6 --chunk 3 --yes";
const OUT: &str = "releases/r1/out";

/// The names of the frames that are others than before.
fn changed(studio: &Studio, before: &Tree) -> Vec<String> {
    let now = studio.farm.tree_of(OUT).0.into_iter();
    let files = now.filter(|(path, entry)| entry.kind == "file" && before.0.get(path) != Some(entry));
    files.map(|(path, _)| path).collect()
}

fn exactly_the_broken_frames(release: Release) {
    let studio = Studio::new(release);
    studio.run(PLAN).expect(0);
    let waits = studio.run("retry r1 --yes --json").expect(0).json("farm.retry/1");
    assert_eq!((&waits["jobs"][0]["verdict"], &waits["jobs"][0]["rendering"]), (&"waits".into(), &"1-6".into()));
    studio.work();
    png::cut(&studio.farm.frame("r1", "A", 2), 1000);
    fs::rename(studio.farm.frame("r1", "B", 5), studio.farm.room.path("away")).expect("it goes away");
    let before = studio.farm.tree_of(OUT);
    let document = studio.run("retry r1 --yes --json").expect(0).json("farm.retry/1");
    assert_eq!(document["submitted"].as_array().map(Vec::len), Some(2), "{document:#}");
    assert_eq!(studio.jobs().len(), 4);
    studio.run("retry r1 --yes").expect(0).says(&["in the queue"]);
    assert_eq!(studio.jobs().len(), 4, "what is in the queue is not submitted again");
    studio.while_working(|| studio.run("retry r1 --yes --wait").expect(0).says(&["there and sound"]));
    assert_eq!(changed(&studio, &before), ["A/000002.png", "B/000005.png"]);
    assert_eq!(studio.farm.render_log().len(), 14);
}

#[test]
fn only_the_broken_frames_are_new_on_each_release() {
    let releases = [Release::V3_2, Release::V3_5, Release::V3_8, Release::V3_9];
    all_at_once(releases.map(|release| (format!("{release:?}"), move || exactly_the_broken_frames(release))).into());
}

/// Somebody cancelled it before it was begun: its frames are nobody's.
#[test]
fn what_was_cancelled_is_rendered_after_all() {
    let studio = Studio::new(Release::V3_9);
    studio.run("plan release r1 scenes/A.blend --frames 1-3 --yes --priority 70").expect(0);
    let job = studio.jobs().remove(0);
    studio.engine.set_job_status(&job.id, JobStatus::CancelRequested, "by hand").expect("cancelled");
    let document = studio.run("retry r1/A --dry-run --json").expect(0).json("farm.retry/1");
    assert_eq!(document["jobs"][0]["frames"], "1-3", "{document:#}");
    studio.while_working(|| studio.run("retry r1/A --yes --wait").expect(0));
    assert_eq!(studio.farm.render_log(), ["A 1", "A 2", "A 3"]);
    assert!(studio.jobs().iter().any(|other| other.id != job.id && other.priority == 70), "queued as before");
}

/// Without leave nothing is submitted, also by whoever only waits.
#[test]
fn who_waits_agrees_too() {
    let studio = Studio::new(Release::V3_9);
    studio.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    studio.run("retry r1 --wait").expect(5).says(&["--yes"]);
}
