//! Which files `farm plan release` takes for scenes, and what it says of those that are none.

use crate::support::output::list;
use crate::support::{Farm, fixture};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// The jobs of a plan that is only shown, with the words that were given.
fn refs(farm: &Farm, words: &str) -> Vec<String> {
    let outcome = farm.run(&format!("plan release r1 {words} --frames 1 --dry-run --json")).expect(0);
    let document = outcome.json("farm.plan/1");
    list(&document["jobs"]).iter().map(|job| job["ref"].as_str().unwrap_or("").to_owned()).collect()
}

/// The fixture with a scene, its library, which has no camera, and a texture.
fn shot(farm: &Farm) {
    for file in ["shot010.blend", "lib/props.blend", "textures/checker.png"] {
        let to = farm.room.path("shot").join(file);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(fixture("scenes/shot").join(file), to).expect("a copy");
    }
}

#[test]
fn libraries_of_a_folder_are_taken_along_and_not_rendered() {
    let farm = Farm::new();
    shot(&farm);
    assert_eq!(refs(&farm, "shot"), ["r1/shot010"]);
    assert_eq!(refs(&farm, "shot/*.blend shot/lib/*.blend"), ["r1/shot010"]);
    let outcome = farm.run("plan release r1 shot --frames 1 --yes").expect(0);
    outcome.says(&["left out:", "props.blend", "it has no camera"]);
    farm.run("plan release r1 shot --frames 1 --plan-out plan.json").expect(0);
    farm.run("plan release --apply plan.json --yes").expect(0);
    assert!(!farm.path("releases/r1/store/props.blend").exists());
}

#[test]
fn a_scene_without_a_camera_is_refused_unless_it_renders_without() {
    let farm = Farm::new();
    shot(&farm);
    let before = farm.tree();
    let named = "plan release r1 shot/shot010.blend shot/lib/props.blend --frames 1 --yes";
    farm.run(named).expect(5).says(&["props.blend", "has no camera", "leave the file out", "nothing was submitted"]);
    farm.run("plan release r1 shot/lib --frames 1 --yes").expect(5).says(&["props.blend"]);
    farm.unchanged_since(&before);
    farm.scene("C.blend", "scenes/nodes/cameras.blend");
    let scene = |name: &str| farm.run(&format!("plan release r1 scenes/C.blend --scene {name} --frames 1 --dry-run"));
    scene("Nothing").expect(5).says(&["C.blend (Nothing) has no camera"]);
    scene("Plain").expect(0).says(&["only if its compositor shows no render layer"]);
    scene("Strips").expect(0);
    scene("Bound").expect(0);
}

#[test]
fn a_forgotten_name_is_noticed() {
    let farm = Farm::new();
    let before = farm.tree();
    for (words, command) in [
        ("scenes/A.blend scenes/B.blend", "farm plan release NAME scenes/A.blend scenes/B.blend"),
        ("scenes/A.blend", "farm plan release NAME scenes/A.blend"),
        ("nowhere.BLEND scenes/B.blend", "farm plan release NAME nowhere.BLEND scenes/B.blend"),
        ("plan.txt scenes/B.blend", "farm plan release NAME plan.txt scenes/B.blend"),
    ] {
        fs::write(farm.room.path("plan.txt"), "").expect("a file");
        let outcome = farm.run(&format!("plan release {words} --frames 1 --yes")).expect(2);
        outcome.says(&["the name of the release", command, "nothing was submitted"]);
    }
    farm.unchanged_since(&before);
}

#[test]
fn a_file_is_one_job_however_often_it_is_named() {
    let farm = Farm::new();
    symlink("A.blend", farm.room.path("scenes/link.blend")).expect("a link");
    assert_eq!(refs(&farm, "scenes/A.blend scenes/A.blend"), ["r1/A"]);
    assert_eq!(refs(&farm, "scenes/A.blend ./scenes/../scenes/A.blend scenes/link.blend"), ["r1/A"]);
    let outcome = farm.run("plan release r1 scenes/A.blend scenes/link.blend --frames 1 --dry-run").expect(0);
    outcome.says(&["link.blend is the same file as", "one job is made of both"]);
}

#[test]
fn links_in_folders_are_followed_and_name_their_jobs() {
    let farm = Farm::new();
    let at = |name: &str| farm.room.path(name);
    fs::create_dir_all(at("film/versions")).expect("a folder");
    fs::rename(at("scenes/A.blend"), at("film/versions/v003.blend")).expect("a scene");
    fs::create_dir(at("film/shots")).expect("a folder");
    symlink("../versions/v003.blend", at("film/shots/latest.blend")).expect("a link");
    symlink("../../scenes", at("film/shots/more")).expect("a link");
    symlink(".", at("film/shots/circle")).expect("a link");
    for words in ["film/shots", "film/shots/*"] {
        // What the circle leads to again is the same file.
        let mut names = refs(&farm, words);
        names.sort();
        assert_eq!(names, ["r1/B", "r1/latest"], "{words}");
    }
    assert_eq!(refs(&farm, "film/shots/l*.blend"), ["r1/latest"]);
    assert_eq!(refs(&farm, "film/shots/latest.blend"), ["r1/latest"]);
    symlink("nowhere.blend", at("film/shots/lost.blend")).expect("a link");
    farm.run("plan release r1 film/shots --frames 1 --yes").expect(2).says(&["lost.blend", "nothing was submitted"]);
}

#[test]
fn all_files_that_are_no_scenes_are_named_at_once() {
    let farm = Farm::new();
    farm.scene("cut.blend", "scenes/bad_truncated.blend");
    fs::write(farm.room.path("scenes/zero.blend"), "").expect("a file");
    let before = farm.tree();
    let outcome = farm.run("plan release r1 scenes --frames 1 --yes").expect(1);
    outcome.says(&[
        "2 of 4 files",
        "cut.blend: cut short",
        "zero.blend: empty",
        "nothing was submitted",
        "farm inspect",
    ]);
    for number in 1..=5 {
        fs::write(farm.room.path(format!("scenes/n{number}.blend")), "no scene").expect("a file");
    }
    farm.run("plan release r1 scenes --frames 1 --yes").expect(1).says(&[
        "7 of 9 files",
        "n1.blend: not a Blender",
        "2 more",
    ]);
    farm.run("plan release r1 scenes/zero.blend --frames 1 --yes").expect(1).says(&["empty", "nothing was submitted"]);
    farm.run("inspect scenes/zero.blend").expect(1).says(&["empty"]);
    farm.unchanged_since(&before);
}

#[test]
fn names_of_other_alphabets_become_names_or_are_refused() {
    let farm = Farm::new();
    for name in ["Ünïcode_日本.blend", "日本.blend"] {
        fs::copy(farm.room.path("scenes/A.blend"), Path::new(&farm.room.path("scenes")).join(name)).expect("a copy");
    }
    assert_eq!(refs(&farm, "scenes/Ünïcode_日本.blend"), ["r1/Unicode"]);
    farm.run("plan release r1 scenes/日本.blend --frames 1 --yes").expect(2).says(&["日本", "--job-name-template"]);
}
