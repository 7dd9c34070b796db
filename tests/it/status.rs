//! `farm status`

use crate::support::fake_blender::Fake;
use crate::support::output::{has_keys, list};
use crate::support::{Farm, Room};
use serde_json::Value;
use std::fs;

fn status(farm: &Farm, words: &str) -> Value {
    farm.run(&format!("status {words} --json")).expect(0).json("farm.status/1")
}

fn numbers(job: &Value) -> [u64; 5] {
    ["expected", "ok", "missing", "bad", "suspect"]
        .map(|key| job["frames"][key].as_u64().unwrap_or_else(|| panic!("no number frames.{key}: {job:#}")))
}

#[test]
fn releases_and_jobs_have_their_keys() {
    let farm = Farm::new().rendered("r1");
    let document = status(&farm, "");
    let releases = list(&document["releases"]);
    assert_eq!(releases.len(), 1, "{document:#}");
    assert_eq!((&releases[0]["name"], &releases[0]["state"]), (&"r1".into(), &"rendered".into()));
    let jobs = list(&document["jobs"]);
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        has_keys(job, &["id", "ref", "release", "status", "frames"]);
        assert_eq!((&job["release"], &job["status"]), (&"r1".into(), &"completed".into()));
        assert_eq!(numbers(job), [3, 3, 0, 0, 0], "{job:#}");
    }
}

#[test]
fn a_release_goes_through_its_states() {
    let farm = Farm::new();
    let state = || status(&farm, "r1")["releases"][0]["state"].as_str().unwrap_or("").to_owned();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    assert_eq!(state(), "planned");
    farm.run("work").expect(0);
    assert_eq!(state(), "rendered");
    farm.run("harvest release r1").expect(0);
    assert_eq!(state(), "harvested");
}

#[test]
fn a_missing_frame_is_counted() {
    let farm = Farm::new().rendered("r1");
    fs::rename(farm.frame("r1", "A", 2), farm.room.path("away.png")).expect("it goes away");
    let document = status(&farm, "r1/A");
    assert_eq!(numbers(&document["jobs"][0]), [3, 2, 1, 0, 0], "{document:#}");
}

#[test]
fn a_damaged_frame_is_counted_though_its_verdict_is_kept() {
    let farm = Farm::new().rendered("r1");
    status(&farm, "");
    crate::support::png::cut(&farm.frame("r1", "A", 2), 500);
    let document = status(&farm, "r1/A");
    assert_eq!(numbers(&document["jobs"][0]), [3, 2, 0, 1, 0], "{document:#}");
}

#[test]
fn verify_looks_again_at_a_frame_that_looks_untouched() {
    let farm = Farm::new().rendered("r1");
    status(&farm, "");
    let frame = farm.frame("r1", "A", 2);
    let modified = fs::metadata(&frame).and_then(|m| m.modified()).expect("a time");
    crate::support::png::flip(&frame, 300);
    fs::File::options().write(true).open(&frame).and_then(|f| f.set_modified(modified)).expect("its old time");
    let document = status(&farm, "r1/A --verify");
    assert_eq!(numbers(&document["jobs"][0]), [3, 2, 0, 1, 0], "{document:#}");
}

#[test]
fn queries_narrow() {
    let farm = Farm::new().rendered("r1").rendered("r2");
    let refs = |query: &str| {
        let document = status(&farm, query);
        let mut refs: Vec<String> =
            list(&document["jobs"]).iter().map(|job| job["ref"].as_str().unwrap_or("").to_owned()).collect();
        refs.sort();
        refs
    };
    assert_eq!(refs(""), ["r1/A", "r1/B", "r2/A", "r2/B"]);
    assert_eq!(refs("r1"), ["r1/A", "r1/B"]);
    assert_eq!(refs("r2/A"), ["r2/A"]);
    assert_eq!(refs("*/B"), ["r1/B", "r2/B"]);
    assert_eq!(refs("r[2]"), ["r2/A", "r2/B"]);
}

#[test]
fn a_bare_job_that_several_releases_have_is_refused_with_the_list() {
    let farm = Farm::new().rendered("r1").rendered("r2");
    let outcome = farm.run("status A");
    assert_eq!(outcome.code, 2, "{outcome}");
    outcome.says(&["r1/A", "r2/A"]).check_manners();
    farm.run("path A out").expect(2).says(&["r1/A", "r2/A"]);
}

#[test]
fn a_run_is_named_by_the_beginning_of_its_id_everywhere() {
    let farm = Farm::new().rendered("r1").rendered("r2");
    let document = status(&farm, "r2/B");
    let id = document["jobs"][0]["id"].as_str().expect("an id").to_owned();
    let found = status(&farm, &id[..6]);
    assert_eq!(found["jobs"][0]["ref"], "r2/B", "{found:#}");
    farm.run(&format!("path {} out", &id[..6])).expect(0).says(&["releases/r2/out/B"]);
}

/// Whatever lies in the place of its file.
#[test]
fn one_odd_release_does_not_hide_the_others() {
    type Put = fn(&std::path::Path);
    let odd: [Put; 2] = [
        |path| fs::create_dir(path).expect("a folder"),
        |path| std::os::unix::fs::symlink("/etc/hostname", path).expect("a link"),
    ];
    for put in odd {
        let farm = Farm::new().rendered("r1").rendered("r2");
        let path = farm.path("releases/r2/release.yaml");
        fs::rename(&path, farm.room.path("release.yaml")).expect("it goes");
        put(&path);
        farm.run("status").expect(0).says(&["r1/A", "unreadable: ", "releases/r2/release.yaml"]);
        farm.run("jobs").expect(0).says(&["r1/A", "releases/r2/release.yaml"]);
        farm.run("kill jobs release:r1 --yes").expect(0).says(&["nothing to kill"]);
        farm.run("status r2").expect(5).says(&["release.yaml"]);
    }
}

#[test]
fn one_damaged_release_does_not_hide_the_others() {
    for damaged in ["dist/r2/manifest.json", "releases/r2/release.yaml"] {
        let farm = Farm::new().rendered("r1").rendered("r2");
        farm.run("harvest release r2").expect(0);
        fs::write(farm.path(damaged), "{").expect("it can be damaged");
        let outcome = farm.run("status").expect(0).says(&["r1/A", "unreadable: ", damaged, "farm doctor"]);
        assert_eq!(outcome.stdout.matches("unreadable: ").count(), 1, "{outcome}");
        let document = status(&farm, "");
        assert_eq!(list(&document["releases"]).len(), 1, "{document:#}");
        farm.run("doctor").expect(7).says(&[damaged]);
        let outcome = farm.run("status r2");
        assert!([1, 5].contains(&outcome.code), "{outcome}");
        outcome.check_manners();
        let outcome = outcome.says(&[damaged]);
        assert!(!outcome.text().contains("Did you mean"), "{outcome}");
        farm.run("status r1").expect(0);
    }
}

#[test]
fn what_is_left_out_is_counted_and_what_is_missing_is_named() {
    let farm = Farm::new().rendered("r1");
    for frame in [1, 3] {
        fs::rename(farm.frame("r1", "A", frame), farm.room.path(format!("{frame}.png"))).expect("it goes away");
    }
    farm.run("status").expect(0).says(&["missing: r1/A: frames 1,3"]);
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-9 --yes --wait").expect(0);
    (1..=7).for_each(|frame| crate::support::png::cut(&farm.frame("r1", "A", frame), 500));
    farm.run("status").expect(0).says(&["frame 5", "and 2 more"]);
}

#[test]
fn waiting_counts_harvested_frames() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1").expect(0);
    // More frames of the same scene: the first three lie in dist/.
    let outcome = farm.run("plan release r1 scenes/A.blend --frames 1-5 --update --yes --wait").expect(0);
    assert!(!outcome.text().contains("0/5 frames written, completed"), "{outcome}");
    outcome.says(&["r1/A: 5/5 frames written, completed"]);
}

#[test]
fn nothing_matched_and_no_volume_are_told_apart() {
    let farm = Farm::new().rendered("r1");
    farm.run("status nosuch").expect(3).says(&["nosuch"]);
    farm.run("status nosuch --json").expect(3).json("farm.error/1");
    Room::new().farm(&["status"]).expect(2).says(&["--volume", "farm init"]);
    Room::new().farm(&["status", "--json"]).expect(2).json("farm.error/1");
}

#[test]
fn an_empty_volume_is_no_error() {
    let document = status(&Farm::new(), "");
    assert_eq!((list(&document["releases"]).len(), list(&document["jobs"]).len()), (0, 0));
    Farm::new().run("status").expect(0);
}

#[test]
fn the_volume_is_found_upward_from_the_working_directory() {
    let farm = Farm::new().rendered("r1");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_farm"));
    command.args(["status", "r1"]).current_dir(farm.path("releases/r1/out/A")).env_clear();
    let output = command.output().expect("farm runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("r1"));
}

#[test]
fn people_see_jobs_and_frames() {
    Farm::new().rendered("r1").run("status").expect(0).says(&["r1", "A", "B", "3"]);
}

#[test]
fn a_log_that_speaks_of_wrong_pixels_makes_frames_suspect() {
    let farm = Farm::with(&Fake { says: "Error in PyDriver: expression failed: bpy.x", ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes --wait");
    let document = status(&farm, "r1/A");
    assert_eq!(document["jobs"][0]["frames"]["suspect"], 3, "{document:#}");
}

#[test]
fn a_stale_input_is_told() {
    let farm = Farm::new();
    fs::create_dir_all(farm.path("textures")).expect("a folder on the volume");
    let shot = farm.path("shot");
    fs::create_dir_all(shot.join("lib")).expect("a folder on the volume");
    fs::create_dir_all(shot.join("textures")).expect("a folder on the volume");
    for name in ["shot010.blend", "lib/props.blend", "textures/checker.png"] {
        fs::copy(crate::support::fixture("scenes/shot").join(name), shot.join(name)).expect("a scene on the volume");
    }
    farm.run("plan release r1 V/shot/shot010.blend --frames 1 --yes --wait").expect(0);
    fs::write(shot.join("textures/checker.png"), "another picture").expect("the texture changes");
    farm.run("status r1").expect(0).says(&["stale"]);
}
