//! How much is asked of a Manager: a release of many jobs is looked at by its list, not job by job.

use super::Studio;
use super::server::Heard;
use super::server::flamenco::Release;
use crate::support::output::list;

/// Many more than what a command asks for anyway.
const JOBS: usize = 60;
/// The list of jobs, twice where the release has another call for it, the workers, and whatever else is asked once.
const FEW: usize = 12;

/// A studio with a planned release of many jobs.
fn studio_of_many(release: Release) -> Studio {
    let studio = Studio::new(release);
    let scenes: Vec<String> = (0..JOBS).map(|number| format!("scenes/S{number:02}.blend")).collect();
    for scene in &scenes {
        let name = scene.trim_start_matches("scenes/");
        studio.farm.scene(name, "scenes/cube3_zstd.blend");
    }
    studio.run(&format!("plan release r1 {} --frames 1-2 --chunk 2 --yes", scenes.join(" "))).expect(0);
    assert_eq!(studio.jobs().len(), JOBS);
    studio
}

/// What a command asks.
fn asked(studio: &Studio, words: &str) -> Vec<String> {
    studio.server.take_heard();
    studio.run(words).expect(0);
    studio.server.take_heard().iter().map(Heard::line).collect()
}

#[track_caller]
fn are_few(asked: &[String], of: &str) {
    assert!(asked.len() <= FEW, "{of} asked {} times: {asked:#?}", asked.len());
}

fn the_list_is_enough(release: Release) {
    let studio = studio_of_many(release);
    are_few(&asked(&studio, "status"), "status of jobs that wait");
    studio.work();
    // Each log is read once, and for that the tasks are listed once.
    let first = asked(&studio, "status");
    let lists = first.iter().filter(|line| line.ends_with("/tasks")).count();
    assert_eq!(lists, JOBS, "{first:#?}");
    for words in [
        "status",
        "status r1",
        "retry r1 --dry-run",
        "harvest release r1 --dry-run",
        "harvest release r1 --no-preview",
        "status",
    ] {
        are_few(&asked(&studio, words), words);
    }
    let document = studio.run("status --json").expect(0).json("farm.status/1");
    assert_eq!(document["releases"][0]["state"], "harvested");
    assert!(list(&document["jobs"]).iter().all(|job| job["frames"]["ok"] == 2), "{document:#}");
}

#[test]
fn on_3_5_the_list_of_jobs_is_enough() {
    the_list_is_enough(Release::V3_5);
}

#[test]
fn on_3_9_the_list_of_jobs_is_enough() {
    the_list_is_enough(Release::V3_9);
}

/// Whoever sets a job `completed` by hand leaves its tasks as they are: a renderer may still be at them.
#[test]
fn a_job_that_was_called_completed_by_hand_is_looked_at() {
    let studio = Studio::new(Release::V3_9);
    studio.run("plan release r1 scenes/A.blend --frames 1-2 --yes").expect(0);
    let id = studio.jobs()[0].id.clone();
    farm::manager::Manager::set_job_status(
        studio.engine.as_ref(),
        &id,
        farm::base::status::JobStatus::Completed,
        "enough",
    )
    .expect("set");
    let asked = asked(&studio, "status");
    assert!(asked.iter().any(|line| line.ends_with("/tasks")), "{asked:#?}");
    let document = studio.run("status --json").expect(0).json("farm.status/1");
    assert_eq!(document["jobs"][0]["status"], "completed", "{document:#}");
    assert_eq!(document["jobs"][0]["frames"]["ok"], 0);
}
