//! `farm inspect`

use crate::support::output::{has_keys, list};
use crate::support::{Farm, Room, fixture};
use serde_json::Value;

fn inspect(name: &str) -> Value {
    let room = Room::new();
    let path = fixture("scenes").join(name).to_string_lossy().into_owned();
    let document = room.farm(&["inspect", &path, "--json"]).expect(0).json("farm.inspect/1");
    let files = list(&document["files"]);
    assert_eq!(files.len(), 1, "{document:#}");
    has_keys(&files[0], &["path", "blender_version", "scenes", "dependencies"]);
    files[0].clone()
}

fn scene<'a>(file: &'a Value, name: &str) -> &'a Value {
    let found = list(&file["scenes"]).iter().find(|scene| scene["name"] == name);
    let scene = found.unwrap_or_else(|| panic!("no scene {name}: {file:#}"));
    let keys = [
        "name",
        "frame_start",
        "frame_end",
        "frame_step",
        "fps",
        "width",
        "height",
        "engine",
        "format",
        "view_layers",
        "cameras",
    ];
    has_keys(scene, &keys);
    scene
}

#[test]
fn a_plain_scene_says_everything() {
    let file = inspect("cube3_zstd.blend");
    assert!(file["blender_version"].to_string().contains("3.4"), "{file:#}");
    let scene = scene(&file, "Scene");
    assert_eq!((&scene["frame_start"], &scene["frame_end"], &scene["frame_step"]), (&1.into(), &3.into(), &1.into()));
    assert_eq!((&scene["width"], &scene["height"]), (&64.into(), &64.into()));
    assert_eq!((&scene["engine"], &scene["format"]), (&"CYCLES".into(), &"PNG".into()));
    assert_eq!(scene["fps"].as_f64(), Some(24.0), "{scene:#}");
    assert_eq!((list(&scene["view_layers"]).len(), list(&scene["cameras"]).len()), (1, 1), "{scene:#}");
    assert_eq!(list(&file["dependencies"]).len(), 0);
}

#[test]
fn both_scenes_of_a_file_are_there() {
    let file = inspect("two_scenes.blend");
    let (main, closeup) = (scene(&file, "Main"), scene(&file, "Closeup"));
    assert_eq!((&main["frame_start"], &main["frame_end"]), (&1.into(), &4.into()));
    assert_eq!((&closeup["frame_start"], &closeup["frame_end"]), (&10.into(), &12.into()));
    assert_eq!(closeup["engine"], "BLENDER_WORKBENCH");
}

#[test]
fn unusual_ranges_rates_and_formats_are_read() {
    let file = inspect("range_fps_exr.blend");
    let scene = scene(&file, "Range");
    assert_eq!(
        (&scene["frame_start"], &scene["frame_end"], &scene["frame_step"]),
        (&101.into(), &110.into(), &3.into())
    );
    let fps = scene["fps"].as_f64().expect("a number");
    assert!((fps - 30.0 / 1.001).abs() < 0.01, "{fps}");
    assert!(scene["format"].as_str().is_some_and(|format| format.contains("EXR")), "{scene:#}");
    // Half of 192 × 108: either what is stored, with its percentage, or what will be rendered.
    let size = (scene["width"].as_u64(), scene["height"].as_u64());
    assert!([(Some(192), Some(108)), (Some(96), Some(54))].contains(&size), "{scene:#}");
}

#[test]
fn a_scene_of_blender_5_is_read() {
    let file = inspect("cube3_v50_zstd.blend");
    assert!(file["blender_version"].to_string().contains("5.0"), "{file:#}");
    assert_eq!(scene(&file, "Scene")["frame_end"], 3);
}

#[test]
fn libraries_and_textures_are_found() {
    let file = inspect("shot/shot010.blend");
    let dependencies = list(&file["dependencies"]);
    let ends = |ending: &str| {
        dependencies
            .iter()
            .any(|d| d["path"].as_str().is_some_and(|path| path.ends_with(ending)) && d["state"] == "found")
    };
    assert!(ends("lib/props.blend") && ends("textures/checker.png"), "{file:#}");
    for dependency in dependencies {
        has_keys(dependency, &["path", "kind", "state"]);
    }
}

#[test]
fn packed_and_missing_are_told_apart() {
    let file = inspect("packed_and_missing.blend");
    let with = |state: &str| list(&file["dependencies"]).iter().filter(|d| d["state"] == state).count();
    assert_eq!((with("packed"), with("missing")), (1, 1), "{file:#}");
}

#[test]
fn people_get_a_table() {
    let path = fixture("scenes/cube3_zstd.blend").to_string_lossy().into_owned();
    Room::new().farm(&["inspect", &path]).expect(0).says(&["cube3_zstd.blend", "1-3", "CYCLES", "64"]);
}

#[test]
fn damaged_files_get_a_line_each_and_no_panic() {
    for name in ["bad_not_blend.blend", "bad_truncated.blend", "bad_truncated_zstd.blend", "no_such_file.blend"] {
        let path = fixture("scenes").join(name).to_string_lossy().into_owned();
        let outcome = Room::new().farm(&["inspect", &path]);
        assert_ne!(outcome.code, 0, "{outcome}");
        outcome.check_manners();
        let errors: Vec<&str> = outcome.stderr.lines().filter(|line| line.contains(name)).collect();
        assert_eq!(errors.len(), 1, "one line names the file:\n{outcome}");
    }
}

#[test]
fn one_damaged_file_does_not_hide_the_others() {
    let [good, bad] = ["cube3_zstd.blend", "bad_truncated.blend"]
        .map(|name| fixture("scenes").join(name).to_string_lossy().into_owned());
    let outcome = Room::new().farm(&["inspect", &good, &bad]);
    assert_ne!(outcome.code, 0, "{outcome}");
    outcome.says(&["cube3_zstd.blend", "CYCLES", "bad_truncated.blend"]).check_manners();
}

#[test]
fn no_file_is_wrong_usage() {
    Room::new().farm(&["inspect"]).expect(2);
}

#[test]
fn what_is_no_file_is_told_what_is_wanted() {
    let outcome = Farm::new().run("inspect /dev/null").expect(1);
    outcome.says(&["it is a device", "next: Give the path of a file"]);
}
