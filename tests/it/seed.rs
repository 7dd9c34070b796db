//! `farm seed job`: one scene outside any release.

use crate::support::{Farm, fixture, png};
use std::fs;

const SEED: &str = "seed job scenes/A.blend still --frames 1 --yes --wait";

#[test]
fn a_picture_is_rendered_through_quick() {
    let farm = Farm::new();
    let document = farm.run(&format!("{SEED} --json")).expect(0).json("farm.seed/1");
    let job = &document["jobs"][0];
    assert_eq!((&job["ref"], &job["verdict"], &job["revision"]), (&"quick/still".into(), &"new".into(), &1.into()));
    assert!(farm.path("quick/store/still.blend").is_file());
    assert_eq!(png::size_of(&farm.path("quick/out/still/000001.png")), Some((64, 64)));
    farm.run("status quick/still").expect(0).says(&["quick/still", "1/1"]);
}

#[test]
fn the_same_file_again_is_rendered_anew_and_the_old_frame_is_in_the_trash() {
    let farm = Farm::new();
    farm.run(SEED).expect(0);
    farm.run("seed job scenes/A.blend still --frames 1").expect(5).says(&["--yes", "nothing was submitted"]);
    farm.run(SEED).expect(0).says(&["revision 2"]);
    assert_eq!(farm.render_log(), ["still 1", "still 1"]);
    let trash = farm.tree_of(".farm/trash").0;
    assert!(trash.keys().any(|path| path.ends_with("quick/out/still/000001.png")), "{trash:?}");
    farm.run("seed job scenes/A.blend still --frames 2 --yes --wait").expect(0);
    assert!(farm.path("quick/out/still/000001.png").is_file(), "another frame of the same scene stays");
}

#[test]
fn the_name_alone_renders_it_anew() {
    let farm = Farm::new();
    farm.run("seed job still --yes").expect(3);
    for words in ["seed job A.blend --yes", "seed job A.blend --samples 3 --yes", "seed job scenes/A.blend --yes"] {
        farm.run(words).expect(2).says(&["a name for", "farm seed job FILE NAME", "nothing was submitted"]);
    }
    farm.run(SEED).expect(0);
    farm.run("seed job still").expect(5).says(&["--yes", "nothing was submitted"]);
    farm.run("seed job still --samples 3 --yes").expect(2).says(&["--samples", "FILE still"]);
    let before = farm.tree();
    farm.run("seed job still --dry-run").expect(0).says(&["frame 1 anew"]);
    farm.unchanged_since(&before);
    let document = farm.run("seed job still --yes --wait --json").expect(0).json("farm.seed/1");
    assert_eq!((&document["jobs"][0]["verdict"], &document["jobs"][0]["frames"]), (&"again".into(), &"1".into()));
    assert_eq!(farm.render_log(), ["still 1", "still 1"]);
    let trash = farm.tree_of(".farm/trash").0;
    assert!(trash.keys().any(|path| path.ends_with("quick/out/still/000001.png")), "{trash:?}");
    let outcome = farm.run("seed job still --yes --wait --harvest").expect(0);
    assert!(outcome.stdout.trim().ends_with("dist/quick/still.png"), "{outcome}");
}

#[test]
fn undo_brings_back_what_a_seed_and_a_replace_took() {
    let farm = Farm::new();
    farm.run(SEED).expect(0);
    let old = fs::read(farm.path("quick/out/still/000001.png")).expect("a frame");
    let pool = farm.room.path("fake/pool");
    fs::copy(pool.join("000009.png"), pool.join("000001.png")).expect("another picture");
    farm.run("replace job still --with scenes/B.blend --range 1 --yes --wait").expect(0);
    assert_ne!(fs::read(farm.path("quick/out/still/000001.png")).expect("a frame"), old);
    farm.run("undo --yes").expect(0);
    assert_eq!(fs::read(farm.path("quick/out/still/000001.png")).expect("a frame"), old);
    farm.run("seed job still --yes --wait").expect(0);
    farm.run("undo --yes").expect(0);
    assert_eq!(fs::read(farm.path("quick/out/still/000001.png")).expect("a frame"), old);
    farm.run("status quick/still").expect(0).says(&["1/1"]);
}

#[test]
fn a_changed_file_takes_the_old_scene_and_its_frames_away() {
    let farm = Farm::new();
    farm.run(SEED).expect(0);
    fs::copy(fixture("scenes/workbench10.blend"), farm.room.path("scenes/A.blend")).expect("another scene");
    farm.run("seed job scenes/A.blend still --frames 2 --yes --wait").expect(0);
    assert!(!farm.path("quick/out/still/000001.png").exists());
    let trash = farm.tree_of(".farm/trash").0;
    for path in ["quick/out/still/000001.png", "quick/store/still.blend"] {
        assert!(trash.keys().any(|kept| kept.ends_with(path)), "{path}: {trash:?}");
    }
}

/// `farm seed` of one picture is none of the business of another one that cannot be rendered.
#[test]
fn other_jobs_of_quick_are_not_waited_for() {
    let farm = Farm::new();
    farm.run("seed job scenes/B.blend other --frames 1-2 --yes").expect(0);
    farm.run(SEED).expect(0);
    assert_eq!(farm.render_log(), ["still 1"]);
}

#[test]
fn harvested_pictures_are_printed() {
    let farm = Farm::new();
    farm.run("seed job scenes/A.blend still --harvest").expect(2);
    let outcome = farm.run(&format!("{SEED} --harvest")).expect(0);
    let path = farm.path("dist/quick/still.png");
    assert_eq!(outcome.stdout.trim(), path.canonicalize().expect("it is there").display().to_string());
    let first = fs::read(&path).expect("a picture");
    let pool = farm.room.path("fake/pool");
    fs::copy(pool.join("000009.png"), pool.join("000001.png")).expect("another picture");
    farm.run(&format!("{SEED} --harvest")).expect(0);
    assert_ne!(fs::read(&path).expect("a picture"), first);
}

#[test]
fn names_are_checked_before_anything_is_opened() {
    let farm = Farm::without_volume();
    let before = farm.tree();
    for name in ["../../etc", "-rf", ".", "a/b", "CON", "quick", "a:b", "é", "jobs", "quick/../x"] {
        let outcome = farm.room.farm(&["--volume", "V", "seed", "job", "scenes/A.blend", "--yes", "--", name]);
        assert_eq!(outcome.code, 2, "{name}: {outcome}");
    }
    let long = "x".repeat(101);
    farm.room.farm(&["--volume", "V", "seed", "job", "scenes/A.blend", &long, "--yes"]).expect(2);
    farm.unchanged_since(&before);
}

#[test]
fn names_that_differ_in_case_are_one() {
    let farm = Farm::new();
    farm.run(SEED).expect(0);
    farm.run("seed job scenes/A.blend Still --frames 1 --yes").expect(5).says(&["still", "case"]);
}

#[test]
fn a_replace_of_some_frames_renders_exactly_these() {
    let farm = Farm::new();
    farm.run("seed job scenes/A.blend x --frames 1-3 --yes").expect(0);
    farm.run("kill quick/x --yes").expect(0);
    let shown = farm.run("replace job quick/x --with scenes/B.blend --range 1-3 --frames 1 --dry-run").expect(0);
    shown.says(&["stay missing", "frames 2-3", "farm retry quick/x"]);
    let rendered = farm.run("replace job quick/x --with scenes/B.blend --range 1-3 --frames 1 --yes --wait").expect(0);
    rendered.says(&[
        "the one frame that was asked for is rendered",
        "frames 2-3 of quick/x stay missing",
        "farm retry quick/x",
    ]);
    assert_eq!(farm.render_log(), ["x 1"]);
    farm.run("retry quick/x --yes --wait").expect(0);
    // What a run was to render is not lost because it is ended for a replace.
    farm.run("seed job scenes/A.blend x --frames 1-3 --yes").expect(0);
    farm.run("replace job quick/x --with scenes/B.blend --range 1-3 --frames 2 --yes --wait").expect(0);
    assert_eq!(farm.render_log()[3..], ["x 1", "x 2", "x 3"]);
}
