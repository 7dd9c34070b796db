//! What works, on each release.

use super::Studio;
use super::server::flamenco::Release;
use crate::support::output::list;
use crate::support::png;

/// Plan, render, look, harvest.
fn a_release_goes_its_way(release: Release) {
    let studio = Studio::new(release);
    let plan = "plan release r1 scenes/A.blend scenes/B.blend --frames 1-20 --yes";
    studio.run(plan).expect(0);
    let jobs = studio.jobs();
    assert_eq!(jobs.len(), 2, "{jobs:?}");
    studio.run(plan).expect(0);
    assert_eq!(studio.jobs().len(), 2, "planned twice, submitted once");

    studio.work();
    let document = studio.run("status --json").expect(0).json("farm.status/1");
    let told: Vec<&str> = list(&document["jobs"]).iter().filter_map(|job| job["id"].as_str()).collect();
    // Submitted at once, so in either order.
    for job in &jobs {
        assert!(told.contains(&job.id.0.as_str()), "{told:?} has no {}", job.id);
        let known = list(&document["jobs"]).iter().find(|known| known["id"] == job.id.0.as_str());
        assert_eq!(known.expect("it is there")["ref"], job.name.as_str());
    }
    for job in list(&document["jobs"]) {
        assert_eq!((&job["status"], &job["frames"]["ok"]), (&"completed".into(), &20.into()), "{job:#}");
    }
    assert_eq!(list(&document["workers"]).len(), 1, "{document:#}");
    studio.run("status").expect(0).says(&["r1/A", "r1/B", "20"]);
    let findings = studio.run("doctor --json").json("farm.doctor/1");
    for name in ["manager", "storage", "shaman", "exposure", "variables"] {
        let found = list(&findings["checks"]).iter().find(|check| check["name"] == name);
        assert_eq!(found.unwrap_or(&findings)["status"], "ok", "{name}: {findings:#}");
    }

    studio.run("harvest release r1 --no-preview").expect(0);
    for (job, frame) in ["A", "B"].into_iter().flat_map(|job| (1..=20).map(move |frame| (job, frame))) {
        let path = studio.farm.path(format!("dist/r1/{job}.{frame:04}.png"));
        assert_eq!(png::size_of(&path), Some((64, 64)), "{}", path.display());
    }
    let state = studio.run("status --json").expect(0).json("farm.status/1")["releases"][0]["state"].clone();
    assert_eq!(state, "harvested");
}

#[test]
fn on_3_2() {
    a_release_goes_its_way(Release::V3_2);
}

#[test]
fn on_3_5() {
    a_release_goes_its_way(Release::V3_5);
}

#[test]
fn on_3_8() {
    a_release_goes_its_way(Release::V3_8);
}

#[test]
fn on_3_9() {
    a_release_goes_its_way(Release::V3_9);
}

#[test]
fn wait_stays_until_its_workers_have_rendered() {
    let studio = Studio::new(Release::V3_9);
    studio.while_working(|| {
        studio.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-20 --yes --wait").expect(0);
    });
    assert!(png::size_of(&studio.farm.frame("r1", "B", 20)).is_some());
    assert_eq!(studio.jobs().len(), 2);
}

/// A folder that is not the Manager's storage is refused before anything is copied to it.
#[test]
fn a_volume_that_is_not_the_storage_is_refused() {
    let (studio, other) = (Studio::new(Release::V3_9), Studio::new(Release::V3_9));
    let before = studio.farm.tree_of("releases");
    let words = format!("--manager {} plan release r1 scenes/A.blend --frames 1-2 --yes", other.server.url());
    studio.run(&words).expect(5).says(&[&other.server.url(), "shared storage", "nothing was submitted", "next:"]);
    assert_eq!(studio.farm.tree_of("releases"), before);
    assert!(other.jobs().is_empty());
}
