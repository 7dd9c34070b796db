//! How many tasks a plan makes that says nothing of it: a worker of Flamenco's spends seconds on each task beside the work
//! itself.

use super::Studio;
use super::server::flamenco::Release;
use farm::manager::Manager;

/// Of each job of this release, in the order of the jobs' names.
fn tasks_of(studio: &Studio, release: &str) -> Vec<usize> {
    let mut jobs = studio.jobs();
    jobs.retain(|job| job.name.starts_with(release));
    jobs.sort_by(|a, b| a.name.cmp(&b.name));
    jobs.iter().map(|job| studio.engine.tasks(&job.id).expect("tasks").len()).collect()
}

#[test]
fn two_scenes_of_twenty_frames_are_a_few_tasks() {
    let studio = Studio::new(Release::V3_9);
    let plan = |release: &str| {
        studio.run(&format!("plan release {release} scenes/A.blend scenes/B.blend --frames 1-20 --yes")).expect(0);
        tasks_of(&studio, release)
    };
    // Nobody knows yet how long a frame takes, nor is a worker awake.
    assert_eq!(plan("r1"), [5, 5]);
    studio.while_working(|| assert_eq!(plan("r2"), [5, 5], "with one worker"));
    // The frames of these scenes take no time, as the logs of the first release tell.
    studio.work();
    studio.run("status r1").expect(0);
    assert_eq!(plan("r3"), [1, 1]);
    studio.work();
    studio.run("harvest release r3 --no-preview").expect(0);
}
