//! `farm undo` and `farm trash`: what a change threw away comes back, what it made goes.

use crate::support::{Farm, Tree};
use serde_json::Value;
use std::fs;

/// The files below a folder with their bytes, modes and times; folders have other times when something came and went.
fn files(farm: &Farm, folder: &str) -> Tree {
    let all = farm.tree_of(folder).0.into_iter();
    Tree(all.filter(|(_, entry)| entry.kind == "file").collect())
}

/// Fails if a file below `folder` is not as it was.
#[track_caller]
fn files_are(farm: &Farm, folder: &str, before: &Tree) {
    let difference = before.difference(&files(farm, folder));
    assert!(difference.is_empty(), "{difference}");
}

fn release_file(farm: &Farm) -> String {
    fs::read_to_string(farm.path("releases/r1/release.yaml")).expect("it is there")
}

#[test]
fn a_plan_that_is_taken_back_is_gone_and_can_be_had_again() {
    let farm = Farm::new().rendered("r1");
    let (before, record) = (files(&farm, "releases"), release_file(&farm));
    farm.run("undo --dry-run").expect(0).says(&["r1/A is taken out of the release", "frames 1-3"]);
    files_are(&farm, "releases", &before);
    farm.run("undo").expect(5).says(&["nothing was taken back", "--yes"]);
    let undone = farm.run("undo --yes --json").expect(0).json("farm.undo/1");
    assert_eq!(undone["kind"], "plan");
    assert!(files(&farm, "releases").0.is_empty(), "no file is left");
    farm.run("status r1").expect(3);
    farm.run("undo --yes").expect(3).says(&["no change that could be taken back", "nothing was taken back"]);
    farm.run(&format!("undo {} --yes", farm.newest("undo"))).expect(0);
    files_are(&farm, "releases", &before);
    assert_eq!(release_file(&farm), record);
    farm.run("undo --yes").expect(0);
    farm.run("status r1").expect(3);
}

#[test]
fn frames_that_were_added_go_and_those_before_stay() {
    let farm = Farm::new().rendered("r1");
    let before = files(&farm, "releases/r1/out");
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-5 --update --yes --wait").expect(0);
    farm.run("undo --yes").expect(0);
    files_are(&farm, "releases/r1/out", &before);
    let status = farm.run("status r1 --json").expect(0).json("farm.status/1");
    assert_eq!(status["jobs"][0]["frames"]["expected"], 3);
    assert_eq!(status["jobs"][0]["frames"]["ok"], 3);
}

#[test]
fn of_two_changes_of_a_job_the_newer_one_goes_first() {
    let farm = Farm::new().rendered("r1");
    let first = farm.newest("plan");
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-5 --update --yes --wait").expect(0);
    let before = farm.tree();
    let refused = farm.run(&format!("undo {first} --yes")).expect(5);
    refused.says(&["r1/A was changed since: plan", "Take that back first: `farm undo ", "nothing was taken back"]);
    farm.unchanged_since(&before);
    farm.run("undo --yes").expect(0);
    farm.run(&format!("undo {first} --yes")).expect(0);
    let twice = farm.run(&format!("undo {first} --yes")).expect(0);
    twice.says(&["was taken back already", "To have it again: `farm undo "]);
}

#[test]
fn a_harvest_that_is_taken_back_has_its_frames_in_out_again() {
    let farm = Farm::new().rendered("r1");
    let before = files(&farm, "releases/r1/out");
    farm.run("harvest release r1").expect(0);
    let refused = farm.run(&format!("undo {} --yes", farm.newest("plan"))).expect(5);
    refused.says(&["r1/A was changed since: harvest"]);
    // Its previews show what is not there any more then.
    let sheet = "dist/r1/preview/A.png";
    assert!(farm.path(sheet).exists());
    farm.run("undo --dry-run").expect(0).says(&["6 harvested files", sheet]);
    let undone = farm.run("undo --yes --json").expect(0).json("farm.undo/1");
    assert_eq!(undone["moved_back"], 6);
    files_are(&farm, "releases/r1/out", &before);
    assert!(!farm.path("dist/r1/A.0001.png").exists() && !farm.path(sheet).exists());
    let again = farm.run(&format!("undo {} --yes", farm.newest("undo"))).expect(5);
    again.says(&["Give `farm harvest release r1` again"]);
    let twice = farm.run(&format!("undo {} --yes", farm.newest("harvest"))).expect(0);
    twice.says(&["was taken back already", "To have it again: `farm harvest release r1`"]);
    let listed = farm.run("undo --list").expect(0);
    listed.says(&["undo of ", "had again by harvesting", " artist@"]);
    let listed = farm.run("undo --list --json").expect(0).json("farm.undo-list/1");
    assert_eq!((&listed["changes"][1]["kind"], &listed["changes"][1]["user"]), (&"harvest".into(), &"artist".into()));
    farm.run("harvest release r1").expect(0);
    assert!(farm.path(sheet).exists());
    farm.run("harvest release r1").expect(0);
}

#[test]
fn a_harvest_that_only_threw_frames_away_is_newer_too() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --no-preview").expect(0);
    let before = farm.tree_of("dist").essence();
    farm.run("replace job r1/A --range 1-2 --keep-frames --yes").expect(0);
    farm.run("harvest release r1 --no-preview").expect(0).says(&["1 file went to the trash"]);
    let listed = farm.run("undo --list --json").expect(0).json("farm.undo-list/1");
    assert_eq!((&listed["changes"][0]["kind"], &listed["changes"][0]["jobs"][0]), (&"harvest".into(), &"A".into()));
    let refused = farm.run(&format!("undo {} --yes", farm.newest("replace"))).expect(5);
    refused.says(&["r1/A was changed since: harvest", "nothing was taken back"]);
    farm.run("undo --yes").expect(0);
    farm.run("undo --yes").expect(0);
    assert_eq!(farm.tree_of("dist").essence(), before);
    let status = farm.run("status r1 --json").expect(0).json("farm.status/1");
    assert_eq!(status["releases"][0]["state"], "harvested");
}

/// Until then the journals of harvests did not say who made them.
#[test]
fn a_harvest_of_an_earlier_farm_is_nobodys_and_is_taken_back() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --no-preview").expect(0);
    let path = farm.path(format!(".farm/journal/done/{}.jsonl", farm.newest("harvest")));
    let text = fs::read_to_string(&path).expect("a journal");
    let (first, rest) = text.split_once('\n').expect("lines");
    let mut intent: Value = serde_json::from_str(first).expect("an intent");
    let by = intent["body"].as_object_mut().and_then(|body| body.remove("by")).expect("an author");
    assert_eq!(by["user"], "artist");
    fs::write(&path, format!("{intent}\n{rest}")).expect("written");
    let listed = farm.run("undo --list --json").expect(0).json("farm.undo-list/1");
    assert_eq!((&listed["changes"][0]["state"], &listed["changes"][0]["user"]), (&"open".into(), &Value::Null));
    farm.run("undo --yes").expect(0);
    assert!(farm.frame("r1", "A", 1).exists());
}

#[test]
fn a_harvest_that_kept_or_replaced_frames_is_taken_back_too() {
    let farm = Farm::new().rendered("r1");
    let before = files(&farm, "releases/r1/out");
    farm.run("harvest release r1 --keep --no-preview").expect(0);
    farm.run("undo --yes").expect(0);
    files_are(&farm, "releases/r1/out", &before);
    assert!(!farm.path("dist/r1/A.0001.png").exists(), "the copy is in the trash");
    farm.run("harvest release r1 --no-preview").expect(0);
    let delivered = files(&farm, "dist/r1");
    fs::copy(farm.path("dist/r1/B.0001.png"), farm.frame("r1", "A", 1)).expect("rendered again");
    farm.run("harvest release r1 --replace --no-preview").expect(0);
    assert!(!delivered.difference(&files(&farm, "dist/r1")).is_empty());
    farm.run("undo --yes").expect(0);
    let now = files(&farm, "dist/r1");
    let frame = |tree: &Tree| tree.0["A.0001.png"].clone();
    assert_eq!(frame(&now), frame(&delivered), "the old one is back");
    assert!(farm.frame("r1", "A", 1).exists(), "and the new one where it was rendered");
    let listed = |farm: &Farm| fs::read_to_string(farm.path("dist/r1/manifest.json")).expect("there");
    assert!(listed(&farm).contains(&frame(&delivered).content), "the manifest tells of the old one");
}

#[test]
fn a_delivered_frame_that_was_altered_stops_it() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --no-preview").expect(0);
    fs::write(farm.path("dist/r1/A.0002.png"), b"painted over").expect("written");
    let before = farm.tree();
    farm.run("undo --yes").expect(5).says(&["A.0002.png is not what was harvested any more", "nothing was taken back"]);
    farm.unchanged_since(&before);
}

#[test]
fn something_newer_in_the_way_stops_it_and_nothing_is_done() {
    let farm = Farm::new().rendered("r1");
    farm.run("undo --yes").expect(0);
    let stranger = farm.path("releases/r1/out/A/000002.png");
    fs::create_dir_all(stranger.parent().expect("a folder")).expect("made");
    fs::write(&stranger, b"newer").expect("written");
    let before = farm.tree();
    let refused = farm.run(&format!("undo {} --yes", farm.newest("undo"))).expect(5);
    refused.says(&["000002.png cannot be brought back: something newer is there", "nothing was taken back"]);
    farm.unchanged_since(&before);
}

#[test]
fn names_that_name_no_change_are_told() {
    let farm = Farm::new();
    farm.run("undo --yes").expect(3).says(&["there is no change that could be taken back"]);
    farm.run("undo abc --yes").expect(2).says(&["six letters"]);
    farm.run("undo 00000000 --yes").expect(3).says(&["farm undo --list"]);
    farm.run("undo --list").expect(0);
    farm.run("undo --list --yes").expect(2);
}

#[test]
fn the_trash_is_shown_and_freed_only_by_name() {
    let farm = Farm::new().rendered("r1");
    farm.run("trash list").expect(0);
    farm.run("undo --yes").expect(0);
    let listed = farm.run("trash list --json").expect(0).json("farm.trash/1");
    assert_eq!(listed["transactions"][0]["kind"], "undo");
    assert_eq!(listed["transactions"][0]["release"], "r1");
    let others = farm.run("trash list --release r2 --json").expect(0).json("farm.trash/1");
    assert_eq!(others["transactions"], Value::Array(Vec::new()));
    farm.run("trash purge").expect(0);
    let before = farm.tree();
    farm.run("trash purge --older 0s").expect(5).says(&["--confirm NAME", "nothing was erased"]);
    farm.run("trash purge --older 0s --confirm V").expect(5).says(&["is not the name of this volume"]);
    farm.run("trash purge --older 7d --confirm testvolume").expect(0);
    farm.run("trash purge --older 0s --release r2 --confirm testvolume").expect(0);
    farm.run("trash purge --older 0s --dry-run").expect(0);
    farm.unchanged_since(&before);
    let purged = farm.run("trash purge --older 0s --confirm testvolume --json").expect(0).json("farm.trash-purge/1");
    assert_eq!(purged["purged"].as_array().map(Vec::len), Some(1));
    assert!(files(&farm, ".farm/trash").0.is_empty());
    farm.run(&format!("undo {} --yes", farm.newest("undo"))).expect(5);
}

#[test]
fn a_replace_that_is_taken_back_has_the_old_frames_and_scene_again() {
    let farm = Farm::new().rendered("r1");
    farm.scene("C.blend", "scenes/cube3_v42_zstd.blend");
    let (out, store) = (files(&farm, "releases/r1/out"), files(&farm, "releases/r1/store"));
    farm.run("replace job r1/A --with scenes/C.blend --yes --wait").expect(0);
    assert!(release_file(&farm).contains("number: 2"), "{}", release_file(&farm));
    assert!(!out.difference(&files(&farm, "releases/r1/out")).is_empty());
    farm.run("undo --yes").expect(0);
    files_are(&farm, "releases/r1/out", &out);
    files_are(&farm, "releases/r1/store", &store);
    let status = farm.run("status r1 --json").expect(0).json("farm.status/1");
    assert_eq!(status["releases"][0]["state"], "rendered");
    farm.run("harvest release r1 --no-preview").expect(0);
    farm.run("replace job r1/A --with scenes/C.blend --yes --wait").expect(0);
    let revisions: Vec<String> =
        release_file(&farm).lines().filter(|l| l.contains("- number:")).map(str::to_owned).collect();
    assert!(
        revisions.iter().any(|line| line.ends_with('3')),
        "a number that a run had is not given again: {revisions:?}"
    );
}

#[test]
fn a_retry_that_is_taken_back_has_the_broken_frame_again() {
    let farm = Farm::new().rendered("r1");
    crate::support::png::cut(&farm.frame("r1", "A", 2), 40);
    let before = files(&farm, "releases/r1/out");
    farm.run("retry r1/A --yes --wait").expect(0);
    assert!(!before.difference(&files(&farm, "releases/r1/out")).is_empty());
    farm.run("undo --yes").expect(0);
    files_are(&farm, "releases/r1/out", &before);
}

#[test]
fn a_seed_that_is_taken_back_is_gone_or_what_it_was() {
    let farm = Farm::new();
    farm.scene("C.blend", "scenes/cube3_v42_zstd.blend");
    farm.run("seed job scenes/A.blend still --frames 1 --yes --wait").expect(0);
    let first = files(&farm, "quick");
    farm.run("seed job scenes/C.blend still --frames 1 --yes --wait").expect(0);
    farm.run("undo --yes").expect(0);
    let frames = |tree: Tree| Tree(tree.0.into_iter().filter(|(path, _)| !path.ends_with(".yaml")).collect());
    let difference = frames(first.clone()).difference(&frames(files(&farm, "quick")));
    assert!(difference.is_empty(), "{difference}");
    farm.run("seed job still --yes --wait").expect(0);
    farm.run("undo --yes").expect(0);
    let difference = frames(first).difference(&frames(files(&farm, "quick")));
    assert!(difference.is_empty(), "{difference}");
    farm.run("undo --yes").expect(0);
    assert!(files(&farm, "quick").0.is_empty());
}

/// Back and forth: what comes back is always what was there, however often somebody changes their mind.
#[test]
fn a_replace_that_is_had_again_can_be_taken_back_again() {
    let farm = Farm::new().rendered("r1");
    farm.scene("C.blend", "scenes/cube3_v42_zstd.blend");
    let old = (files(&farm, "releases/r1/out"), files(&farm, "releases/r1/store"));
    farm.run("replace job r1/A --with scenes/C.blend --yes --wait").expect(0);
    let new = (files(&farm, "releases/r1/out"), files(&farm, "releases/r1/store"));
    for _ in 0..2 {
        farm.run("undo --yes").expect(0);
        files_are(&farm, "releases/r1/out", &old.0);
        files_are(&farm, "releases/r1/store", &old.1);
        farm.run(&format!("undo {} --yes", farm.newest("undo"))).expect(0);
        files_are(&farm, "releases/r1/out", &new.0);
        files_are(&farm, "releases/r1/store", &new.1);
    }
    farm.run("undo --yes").expect(0);
    files_are(&farm, "releases/r1/out", &old.0);
    files_are(&farm, "releases/r1/store", &old.1);
}

/// `r1` rendered of scenes of which A has a simulation beside it, and what that wrote since.
fn simulated() -> (Farm, [Tree; 2]) {
    let farm = Farm::new();
    let cache = farm.room.path("scenes/blendcache_A");
    fs::create_dir(&cache).expect("a folder");
    fs::write(cache.join("cloth_000001_00.bphys"), "old").expect("written");
    let farm = farm.rendered("r1");
    let before = [files(&farm, "releases/r1/store"), files(&farm, "releases/r1/out")];
    assert!(before[0].0.contains_key("blendcache_A/cloth_000001_00.bphys"), "{before:?}");
    fs::write(cache.join("cloth_000001_00.bphys"), "new").expect("written");
    fs::write(cache.join("cloth_000002_00.bphys"), "new").expect("written");
    (farm, before)
}

/// Blender finds a simulation by the scene's name, so that two revisions of it have one place.
#[test]
fn a_simulation_beside_the_scene_comes_and_goes_with_it() {
    let (farm, [store, out]) = simulated();
    let plan = farm.newest("plan");
    farm.run("replace job r1/A --yes --wait").expect(0);
    let new = files(&farm, "releases/r1/store");
    assert!(new.0.contains_key("blendcache_A/cloth_000002_00.bphys"), "{new:?}");
    for _ in 0..2 {
        farm.run("undo --yes").expect(0);
        files_are(&farm, "releases/r1/store", &store);
        files_are(&farm, "releases/r1/out", &out);
        farm.run(&format!("undo {} --yes", farm.newest("undo"))).expect(0);
        files_are(&farm, "releases/r1/store", &new);
    }
    farm.run("undo --yes").expect(0);
    farm.run(&format!("undo {plan} --yes")).expect(0);
    assert!(files(&farm, "releases").0.is_empty(), "no file is left");
}

#[test]
fn a_simulation_beside_a_seeded_scene_comes_and_goes_with_it() {
    let (farm, _) = simulated();
    farm.run("seed job scenes/A.blend still --frames 1 --yes --wait").expect(0);
    let store = files(&farm, "quick/store");
    fs::write(farm.room.path("scenes/blendcache_A/cloth_000001_00.bphys"), "newer").expect("written");
    farm.run("seed job scenes/A.blend still --frames 1 --yes --wait").expect(0);
    assert!(!store.difference(&files(&farm, "quick/store")).is_empty());
    farm.run("undo --yes").expect(0);
    files_are(&farm, "quick/store", &store);
}

/// A replace that was killed before the record knew of it.
#[test]
fn a_simulation_beside_the_scene_is_put_back_by_recover() {
    let (farm, [store, out]) = simulated();
    let record = release_file(&farm);
    farm.run("replace job r1/A --yes").expect(0);
    farm.unend(&farm.newest("replace"));
    fs::write(farm.path("releases/r1/release.yaml"), record).expect("written");
    farm.run("recover").expect(0);
    files_are(&farm, "releases/r1/store", &store);
    files_are(&farm, "releases/r1/out", &out);
}
