//! `farm replace job`: a new scene in the place of the one that a job was planned from.

use crate::support::{Farm, fixture};
use std::fs;
use std::path::Path;

fn record(farm: &Farm, home: &str) -> serde_yaml::Value {
    serde_yaml::from_str(&fs::read_to_string(farm.path(home)).expect("a record")).expect("YAML")
}

/// The revisions of the first job: number and frames.
fn revisions(farm: &Farm) -> Vec<(u64, String)> {
    let record = record(farm, "releases/r1/release.yaml");
    let revisions = record["jobs"][0]["revisions"].as_sequence().expect("revisions").iter();
    let frames = |one: &serde_yaml::Value| one["frames"].as_str().unwrap_or_default().to_owned();
    revisions.map(|one| (one["number"].as_u64().expect("a number"), frames(one))).collect()
}

/// The files in the trash, by the paths that they had.
fn trashed(farm: &Farm) -> Vec<String> {
    let paths = farm.tree_of(".farm/trash").0.into_keys();
    let mut paths: Vec<String> = paths.filter_map(|path| Some(path.split_once("/tree/")?.1.to_owned())).collect();
    paths.retain(|path| path.contains('.'));
    paths.sort();
    paths
}

/// A release `r1` whose job `A` has three frames, rendered; and another scene of three frames, `C`.
fn rendered() -> Farm {
    let farm = Farm::new();
    farm.scene("C.blend", "scenes/cube3_v42_zstd.blend");
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes --wait").expect(0);
    farm
}

#[test]
fn a_new_scene_takes_the_place_of_the_old_one() {
    let farm = rendered();
    let outcome = farm.run("replace job r1/A --with scenes/C.blend --yes --wait --json").expect(0);
    let document = outcome.json("farm.replace/1");
    let job = &document["jobs"][0];
    assert_eq!((&job["ref"], &job["verdict"], &job["revision"]), (&"r1/A".into(), &"revised".into(), &2.into()));
    assert_eq!((&job["trashed"], &job["frames"], &job["kept"]), (&"1-3".into(), &"1-3".into(), &"".into()));
    assert_eq!(job["diff"]["changed"][0]["what"], "scene file");
    assert_eq!((&document["consent"], &document["submitted"][0]["ref"]), (&"flag".into(), &"r1/A".into()));
    assert_eq!(revisions(&farm), [(1, "1-3".to_owned()), (2, "1-3".to_owned())]);
    let old = ["000001.png", "000002.png", "000003.png"].map(|name| format!("releases/r1/out/A/{name}"));
    assert_eq!(trashed(&farm), [&old[..], &["releases/r1/store/A.blend".to_owned()]].concat());
    assert_eq!(farm.render_log().len(), 6, "each frame twice");
    let copy = fs::read(farm.path("releases/r1/store/A.blend")).expect("a copy");
    assert_eq!(copy, fs::read(farm.room.path("scenes/C.blend")).expect("a scene"));
}

#[test]
fn nothing_happens_without_leave_nor_where_nothing_changed() {
    let farm = rendered();
    let before = farm.tree();
    farm.run("replace job r1/A --with scenes/C.blend").expect(5).says(&["--yes", "nothing was submitted"]);
    farm.run("replace job r1/A --with scenes/C.blend --dry-run").expect(0).says(&["revision 2", "frames 1-3"]);
    farm.run("replace job r1/A").expect(0).says(&["nothing changed", "farm retry r1/A"]);
    farm.run("replace job A --yes --json").expect(0).json("farm.replace/1");
    farm.unchanged_since(&before);
    for (words, code) in [
        ("nosuch", 3),
        ("r1", 2),
        ("r1/A --with nosuch.blend", 2),
        ("r1/A --with scenes", 2),
        ("r1/A --with scenes/C.blend --frames 7 --yes", 2),
        ("r1/A --frames 1 --keep-frames", 2),
        ("r1/A --using x", 2),
        ("--using nosuch.png", 3),
        ("../../etc", 3),
        ("", 2),
    ] {
        farm.run(&format!("replace job {words}")).expect(code);
    }
    farm.unchanged_since(&before);
}

#[test]
fn some_frames_are_rendered_anew_and_the_others_are_kept() {
    let farm = rendered();
    let kept = fs::read(farm.frame("r1", "A", 1)).expect("a frame");
    let time = |frame| fs::metadata(farm.frame("r1", "A", frame)).and_then(|found| found.modified()).expect("a time");
    let before = (time(1), time(2), time(3));
    farm.run("replace job r1/A --with scenes/C.blend --frames 2-3 --yes --wait").expect(0);
    assert_eq!(fs::read(farm.frame("r1", "A", 1)).expect("a frame"), kept);
    assert_eq!(time(1), before.0);
    assert!(time(2) > before.1 && time(3) > before.2);
    assert_eq!(farm.render_log()[3..], ["A 2", "A 3"]);
    farm.run("harvest release r1 --no-preview").expect(0);
    let manifest = fs::read_to_string(farm.path("dist/r1/manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let revision = |at: usize| manifest["files"][at]["revision"].as_u64();
    assert_eq!([revision(0), revision(1), revision(2)], [Some(1), Some(2), Some(2)]);
    farm.run("harvest release r1 --no-preview").expect(0);
    assert!(!farm.run("status").expect(0).text().contains("out of date"));
}

/// What a new picture size makes of kept frames is no sequence.
#[test]
fn frames_of_another_kind_are_not_kept_beside_new_ones() {
    let farm = rendered();
    let before = farm.tree();
    let words = "replace job r1/A --with scenes/C.blend --format OPEN_EXR --frames 3 --yes";
    farm.run(words).expect(5).says(&["frames 1-2", "PNG 64x64", "OPEN_EXR", "nothing was submitted"]);
    farm.unchanged_since(&before);
}

/// Who rendered what the scene said gets what the new one says; who chose frames keeps them.
#[test]
fn the_range_is_that_of_the_new_scene_unless_it_was_chosen() {
    let farm = rendered();
    farm.run("replace job r1/A --with scenes/B.blend --frames 2 --yes --wait").expect(0);
    assert_eq!(revisions(&farm)[1], (2, "1-10".to_owned()));
    assert_eq!(farm.render_log()[3..], ["A 2", "A 4", "A 5", "A 6", "A 7", "A 8", "A 9", "A 10"]);
    farm.run("plan release r2 scenes/A.blend --frames 1-2 --yes").expect(0);
    farm.run("replace job r2/A --with scenes/B.blend --dry-run").expect(0).says(&["frames 1-2, 1 task"]);
    farm.run("replace job r2/A --with scenes/B.blend --range 5-6 --dry-run").expect(0).says(&["5-6 instead of 1-2"]);
}

#[test]
fn what_is_there_is_kept_and_what_is_missing_is_rendered() {
    let farm = rendered();
    fs::rename(farm.frame("r1", "A", 2), farm.room.path("away")).expect("a frame");
    fs::write(farm.frame("r1", "A", 3), "half").expect("a frame");
    farm.run("replace job r1/A --with scenes/C.blend --keep-frames --range 1-4 --yes --wait").expect(0);
    assert_eq!(farm.render_log()[3..], ["A 2", "A 3", "A 4"]);
    assert_eq!(revisions(&farm)[1], (2, "1-4".to_owned()));
}

/// The film's own frames are out of date until the next harvest.
#[test]
fn harvested_frames_are_out_of_date_until_the_next_harvest_replaces_them() {
    let farm = rendered();
    farm.run("harvest release r1 --no-preview").expect(0);
    let old = fs::read(farm.path("dist/r1/A.0001.png")).expect("harvested");
    farm.run("replace job r1/A --with scenes/C.blend --yes").expect(0);
    let status = farm.run("status r1 --json").expect(0).json("farm.status/1");
    assert_eq!((&status["jobs"][0]["outdated"], &status["jobs"][0]["harvested"]), (&"1-3".into(), &0.into()));
    farm.run("status r1").expect(0).says(&["out of date: r1/A: frames 1-3 in dist/"]);
    farm.run("harvest release r1 --no-preview").expect(7);
    let pool = farm.room.path("fake/pool");
    fs::copy(pool.join("000009.png"), pool.join("000001.png")).expect("another picture");
    farm.run("replace job r1/A --with scenes/C.blend --yes --wait").expect(0);
    farm.run("harvest release r1 --no-preview").expect(0);
    assert_ne!(fs::read(farm.path("dist/r1/A.0001.png")).expect("harvested"), old);
    let kept = farm.tree_of(".farm/trash").0.into_iter().filter(|(path, _)| path.contains("dist/r1/A.000")).count();
    assert_eq!(kept, 3, "the old ones are in the trash");
    assert!(!farm.run("status r1").expect(0).text().contains("out of date"));
}

#[test]
fn a_plan_that_was_saved_is_carried_out_once() {
    let farm = rendered();
    farm.run("replace job r1/A --with scenes/C.blend --plan-out plan.json").expect(0).says(&["nothing was submitted"]);
    farm.run("replace job --apply plan.json").expect(5);
    farm.run("replace job --apply plan.json --yes --wait").expect(0);
    farm.run("replace job --apply plan.json --yes --wait").expect(0);
    assert_eq!(revisions(&farm).len(), 2);
    let moved = "replace job r1/A --with scenes/A.blend --plan-out other.json";
    farm.run(moved).expect(0);
    fs::copy(fixture("scenes/workbench10.blend"), farm.room.path("scenes/A.blend")).expect("another scene");
    farm.run("replace job --apply other.json --yes").expect(5).says(&["out of date"]);
    assert_eq!(revisions(&farm).len(), 2);
}

/// A scene with a library and a texture, and one without.
fn with_library() -> Farm {
    let farm = Farm::new();
    for name in ["shot010.blend", "lib/props.blend", "textures/checker.png"] {
        let to = farm.room.path("scenes/shot").join(name);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder for the scene");
        fs::copy(fixture("scenes/shot").join(name), to).expect("a scene");
    }
    farm.run("plan release r1 scenes/shot/shot010.blend scenes/A.blend --frames 1-2 --yes --wait").expect(0);
    farm.run("plan release r2 scenes/shot/shot010.blend --frames 1 --yes --wait").expect(0);
    farm
}

#[test]
fn every_job_that_needs_a_file_is_replaced() {
    let farm = with_library();
    let using = "replace job --using scenes/shot/textures/checker.png";
    farm.run(using).expect(0).says(&["r1/shot010: nothing changed", "r2/shot010: nothing changed"]);
    let picture = fixture("scenes/deps/media/clip/shot_001.png");
    fs::copy(picture, farm.room.path("scenes/shot/textures/checker.png")).expect("another picture");
    let shown = farm.run(&format!("{using} --dry-run --json")).expect(0).json("farm.replace/1");
    let refs: Vec<&str> =
        shown["jobs"].as_array().expect("jobs").iter().filter_map(|job| job["ref"].as_str()).collect();
    assert_eq!(refs, ["r1/shot010", "r2/shot010"]);
    let changed = shown["jobs"][0]["diff"]["dependencies"]["changed"][0].as_str().expect("a path");
    assert!(changed.ends_with("textures/checker.png"), "{changed}");
    farm.run("replace job --using checker.png --release nope --yes").expect(3).says(&["there is no release nope"]);
    farm.run("replace job --using checker.png --release r2 --yes --wait").expect(0);
    assert_eq!(farm.render_log()[5..], ["shot010 1"]);
    farm.run(&format!("{using} --yes --wait"))
        .expect(0)
        .says(&["r1/shot010 has revision 2", "r2/shot010: nothing changed"]);
    assert_eq!(farm.render_log()[6..], ["shot010 1", "shot010 2"]);
    let count = |path: &Path| fs::read_dir(path).map(Iterator::count).unwrap_or_default();
    assert!(count(&farm.path("releases/r1/store/deps")) >= 2, "what the old one needed stays");
}

/// What lies on the volume is used in place: only its bytes tell that it changed.
#[test]
fn a_texture_on_the_volume_counts_too() {
    let farm = Farm::new();
    let folder = farm.path("assets");
    for name in ["shot010.blend", "lib/props.blend", "textures/checker.png"] {
        let to = folder.join(name);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder for the scene");
        fs::copy(fixture("scenes/shot").join(name), to).expect("a scene");
    }
    farm.run("plan release r1 V/assets/shot010.blend --frames 1 --yes --wait").expect(0);
    farm.run("harvest release r1 --no-preview").expect(0);
    let picture = fixture("scenes/deps/media/clip/shot_001.png");
    fs::copy(picture, folder.join("textures/checker.png")).expect("another picture");
    farm.run("status r1").expect(0).says(&["stale input"]);
    farm.run("replace job --using assets/textures/checker.png --yes --wait").expect(0).says(&["revision 2"]);
    farm.run("harvest release r1 --no-preview").expect(0);
    assert!(!farm.run("status r1").expect(0).text().contains("stale input"));
}

/// A frame that the job has no more is replaced by nothing.
#[test]
fn harvested_frames_that_a_shorter_range_lacks_go_to_the_trash_with_the_next_harvest() {
    let farm = rendered();
    farm.run("harvest release r1 --no-preview").expect(0);
    farm.run("replace job r1/A --with scenes/C.blend --range 1-2 --yes --wait").expect(0);
    farm.run("status r1").expect(0).says(&["out of date: r1/A: frames 1-3 in dist/"]);
    let old = fs::read(farm.path("dist/r1/A.0003.png")).expect("a frame");
    let shown = farm.run("harvest release r1 --no-preview --dry-run").expect(0);
    shown.says(&["3 files in dist/ that are out of date"]);
    farm.run("harvest release r1 --no-preview").expect(0);
    assert!(!farm.path("dist/r1/A.0003.png").exists() && farm.path("dist/r1/A.0002.png").exists());
    assert!(!farm.run("status r1").expect(0).text().contains("out of date"));
    let manifest = fs::read_to_string(farm.path("dist/r1/manifest.json")).expect("a manifest");
    assert!(!manifest.contains("A.0003.png"), "{manifest}");
    farm.run("undo --yes").expect(0);
    assert_eq!(fs::read(farm.path("dist/r1/A.0003.png")).expect("it is back"), old);
}
